//! Digits as they are sent: telephone events (RFC 4733), with the SDK's lengths.

use crate::model::{Codec, Digits};

/// Frames that a digit sounds: the SDK's 160 ms.
const SOUNDS: u64 = 8;
/// Packets that say that it is over: the last one and two more like it (RFC 4733 2.5.1.4).
const ENDS: u64 = 3;
/// Frames until the next one: at least the SDK's gap of 70 ms.
const SPACING: u64 = SOUNDS + 4;
/// Frames of a pause, `w`: half a second.
const PAUSE: u64 = 25;
/// How loud it is meant to sound: -10 dBm0.
const VOLUME: u8 = 10;
/// The bit that says that it is over.
const END: u8 = 0x80;
/// Bytes of an event.
const EVENT_LEN: usize = 4;

/// What is sent of digits in one frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pressed {
    /// Part of a digit: frame `part` of one that began with frame `began`.
    Event {
        /// The event's number.
        event: u8,
        /// The frame in which it began.
        began: u64,
        /// Counted from there.
        part: u64,
    },
    /// Silence between digits.
    Nothing,
}

/// When which digit is sent, by frames.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Pressing {
    events: Vec<(u64, u8)>,
    /// Frames until all of them are sent.
    length: u64,
}

impl Pressing {
    /// From frame 0 on, one after the other.
    pub(super) fn new(digits: &Digits) -> Self {
        let mut all = Self::default();
        for digit in digits.as_str().chars() {
            match event_of(digit) {
                Some(event) => {
                    all.events.push((all.length, event));
                    all.length += SPACING;
                }
                None => all.length += PAUSE,
            }
        }
        all
    }

    /// What frame `number` is; `None` once all are sent.
    pub(super) fn at(&self, number: u64) -> Option<Pressed> {
        if number >= self.length {
            return None;
        }
        let (began, event) = *self.events.iter().rev().find(|(began, _)| *began <= number).unwrap_or(&(u64::MAX, 0));
        let part = number.wrapping_sub(began);
        let sounds = began <= number && part < SOUNDS - 1 + ENDS;
        Some(if sounds { Pressed::Event { event, began, part } } else { Pressed::Nothing })
    }
}

/// The payload of part `part` of an event.
pub(super) fn event_payload(event: u8, part: u64, codec: Codec) -> [u8; EVENT_LEN] {
    let frames = (part + 1).min(SOUNDS) as u16;
    let [high, low] = (frames * codec.samples_a_frame() as u16).to_be_bytes();
    let end = if part + 1 >= SOUNDS { END } else { 0 };
    [event, end | VOLUME, high, low]
}

/// The digit that a payload says is over, if it does.
pub fn digit_of(payload: &[u8]) -> Option<char> {
    let [event, flags, ..] = *<&[u8; EVENT_LEN]>::try_from(payload).ok()?;
    let digit = (flags & END != 0).then_some(event)?;
    match digit {
        0..=9 => Some(char::from(b'0' + digit)),
        10 => Some('*'),
        11 => Some('#'),
        _ => None,
    }
}

fn event_of(digit: char) -> Option<u8> {
    match digit {
        '0'..='9' => Some(digit as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_go_as_the_sdk_sends_them() {
        let pressing = Pressing::new(&Digits::parse("1w#").expect("digits"));
        assert_eq!(pressing.length, 12 + 25 + 12);
        let told: Vec<Option<Pressed>> = (0..50).map(|n| pressing.at(n)).collect();
        for part in 0..10 {
            assert_eq!(told[part as usize], Some(Pressed::Event { event: 1, began: 0, part }));
            assert_eq!(told[37 + part as usize], Some(Pressed::Event { event: 11, began: 37, part }));
        }
        assert!(told[10..37].iter().all(|one| *one == Some(Pressed::Nothing)));
        assert_eq!((told[48], told[49]), (Some(Pressed::Nothing), None));
        let first_a_pause = Pressing::new(&Digits::parse("w1").expect("digits"));
        assert_eq!(first_a_pause.at(0), Some(Pressed::Nothing));
    }

    /// RFC 4733 2.3: event, end and volume, duration in units of the clock.
    #[test]
    fn the_last_packet_is_sent_three_times() {
        let sent: Vec<[u8; 4]> = (0..10).map(|part| event_payload(5, part, Codec::Pcmu)).collect();
        assert_eq!((sent[0], sent[6]), ([5, 10, 0, 160], [5, 10, 4, 96]));
        assert_eq!(sent[7..], [[5, 0x8a, 5, 0]; 3]);
        assert_eq!(event_payload(5, 7, Codec::Opus), [5, 0x8a, 30, 0]);
    }

    #[test]
    fn only_the_end_of_an_event_is_a_digit() {
        for (digit, event) in "0123456789*#".chars().zip(0..) {
            assert_eq!(event_of(digit), Some(event));
            assert_eq!(digit_of(&event_payload(event, 7, Codec::Pcmu)), Some(digit));
            assert_eq!(digit_of(&event_payload(event, 6, Codec::Pcmu)), None);
        }
        for other in [&[][..], &[1, 0x80, 0], &[16, 0x8a, 0, 0], &[0; 160]] {
            assert_eq!(digit_of(other), None);
        }
    }
}
