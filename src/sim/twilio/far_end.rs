//! The far end of a test call: plays a digit and then sends back what it hears, as the test
//! application's TwiML does, unless a fault spoils the sound. Digits that are pressed it plays back.
//! Where another client's call is bridged to this one, it plays what comes from there instead.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::call::audio::{
    FRAME, FRAME_SAMPLES, Frame, FrameDecoder, FrameEncoder, PAYLOAD_MAX, SILENCE, ToneId, ToneSource, digit_frame,
    frame_start,
};
use crate::call::{AudioPacket, Spoken, digit_of};
use crate::model::StableHasher;
use crate::sim::call_fault::SoundFault;

/// How long the digit sounds that comes first.
const DIGIT: Duration = Duration::from_millis(300);
/// The same in frames.
const DIGIT_FRAMES: u64 = 15;
/// Frames that a digit sounds that is played back, and those of silence before it.
const PLAYED_BACK: u64 = 10;
const BEFORE_PLAYED_BACK: u64 = 4;
/// Digits that are taken in a call at most.
const DIGITS_MAX: usize = 64;
/// Frequencies of a ring-back tone, in Hz.
const RING_BACK_HZ: [f64; 2] = [440.0, 480.0];
/// Amplitude of each of two frequencies: together some -16 dBov.
const PART: f64 = 5200.0;
/// Whose tone another call's is.
const FOREIGN: ToneId = ToneId(0xbad1);
/// Peak of comfort noise: some -60 dBov.
const COMFORT: f64 = 55.0;
/// Frames that wait to be sent at most: 20 s of delay.
const WAITING_MAX: usize = 1000;

/// The far end of one call.
pub(super) struct FarEnd {
    spoken: Spoken,
    encoder: FrameEncoder,
    decoder: FrameDecoder,
    fault: Option<SoundFault>,
    /// Whether another client's call stands in place of the echo, and is connected.
    bridged: Option<bool>,
    began: Duration,
    /// Frames of its own sent so far; then it echoes.
    own: u64,
    /// Digits that the agent has pressed, each with the frame at which it is played back.
    digits: Vec<(u64, char)>,
    /// When the last event began, in the codec's clock.
    event_began: Option<u32>,
    heard: u64,
    waiting: BTreeMap<(Duration, u64), Vec<u8>>,
    sequence: u64,
}

impl FarEnd {
    /// A far end that answers now.
    pub(super) fn new(spoken: Spoken, fault: Option<SoundFault>, now: Duration) -> Self {
        let (encoder, decoder) = (FrameEncoder::new(spoken.codec), FrameDecoder::new(spoken.codec));
        Self {
            spoken,
            encoder,
            decoder,
            fault,
            bridged: None,
            began: now,
            own: 0,
            digits: Vec::new(),
            event_began: None,
            heard: 0,
            waiting: BTreeMap::new(),
            sequence: 0,
        }
    }

    /// The same, but what is heard goes to another client, and what comes from there is played: until it
    /// is connected a ring-back tone.
    pub(super) fn bridged(self, connected: bool) -> Self {
        Self { bridged: Some(connected), ..self }
    }

    /// The other client is there.
    pub(super) fn connect(&mut self) {
        self.bridged = self.bridged.map(|_| true);
    }

    /// A frame of the other client's audio came.
    pub(super) fn carry(&mut self, now: Duration, payload: &[u8]) {
        if self.bridged != Some(true) || self.speaks_itself(self.own) {
            return;
        }
        // What was left out until now is left out for good.
        self.sequence = self.sequence.max(ToneSource::frame_at(now.saturating_sub(self.began)));
        self.play(now, payload);
    }

    /// What of the agent's audio the other client gets; nothing where there is none.
    pub(super) fn pass_on<'p>(&self, packet: &'p AudioPacket) -> Option<&'p [u8]> {
        let is_passed = self.bridged == Some(true)
            && packet.payload_type == self.spoken.payload_type
            && packet.payload.len() <= PAYLOAD_MAX
            && !matches!(self.fault, Some(SoundFault::NotHeard));
        is_passed.then_some(packet.payload.as_slice())
    }

    /// When it has something to send.
    pub(super) fn wake(&self) -> Option<Duration> {
        let own = self.speaks_itself(self.own).then(|| self.began + frame_start(self.own));
        let waiting = self.waiting.first_key_value().map(|((at, _), _)| *at);
        [own, waiting].into_iter().flatten().min()
    }

    /// What falls due until now: the number of each frame, and its coded audio.
    pub(super) fn due(&mut self, now: Duration) -> Vec<(u64, Vec<u8>)> {
        while self.speaks_itself(self.own) && self.began + frame_start(self.own) <= now {
            let frame = self.own_frame(self.own);
            let payload = self.encoder.encode(&frame);
            self.queue(self.began + frame_start(self.own), payload);
            self.own += 1;
        }
        let mut due = Vec::new();
        while let Some(entry) = self.waiting.first_entry()
            && entry.key().0 <= now
        {
            let ((_, number), payload) = entry.remove_entry();
            due.push((number, payload));
        }
        due
    }

    /// A packet of the agent's audio came: it goes back, unless the far end still speaks itself.
    pub(super) fn hear(&mut self, now: Duration, packet: &AudioPacket) {
        if self.bridged.is_some() {
            return;
        }
        let speaking = self.speaks_itself(self.own) || now < self.began + DIGIT;
        if packet.payload_type != self.spoken.payload_type {
            if !speaking {
                // What it sends never pauses, or all after it would be late: there is silence beside a digit.
                let silence = self.encoder.encode(&SILENCE);
                self.queue(now, silence);
            }
            self.hear_event(now, packet);
            return;
        }
        let foreign = packet.payload.len() > PAYLOAD_MAX;
        if speaking || foreign || matches!(self.fault, Some(SoundFault::NotHeard)) {
            return;
        }
        self.play(now, &packet.payload);
    }

    /// Plays what came from elsewhere, as the fault has it sound.
    fn play(&mut self, now: Duration, payload: &[u8]) {
        self.heard += 1;
        let age = now.saturating_sub(self.began);
        let spoilt = match self.fault {
            // A decoder must have heard all of it.
            Some(SoundFault::Noise(_) | SoundFault::Quiet(_) | SoundFault::Clipped | SoundFault::Dies(_)) => {
                let Some(frame) = self.decoder.decode(Some(payload)) else { return };
                self.spoilt(&frame, age)
            }
            _ => None,
        };
        let payload = match spoilt {
            None => payload.to_vec(),
            Some(frame) => self.encoder.encode(&frame),
        };
        self.queue(now, payload);
    }

    /// A packet of another type: the end of a digit counts once, though it comes three times.
    fn hear_event(&mut self, now: Duration, packet: &AudioPacket) {
        if let Some(digit) = digit_of(&packet.payload)
            && self.event_began != Some(packet.timestamp)
        {
            self.event_began = Some(packet.timestamp);
            self.take_digit(now, digit);
        }
    }

    /// The agent has pressed a digit: it is played back after all that is played already, as an
    /// application does that gathers digits.
    pub(super) fn take_digit(&mut self, now: Duration, digit: char) {
        if matches!(self.fault, Some(SoundFault::DigitsLost)) || self.digits.len() == DIGITS_MAX {
            return;
        }
        let present = ToneSource::frame_at(now.saturating_sub(self.began)) + 1;
        let free = self.digits.last().map_or(DIGIT_FRAMES, |(at, _)| at + PLAYED_BACK);
        if !self.speaks_itself(self.own) {
            // It has been echoing until now.
            self.own = self.own.max(present);
        }
        self.digits.push((present.max(free) + BEFORE_PLAYED_BACK, digit));
    }

    /// True if frame `number` is one that the far end makes itself.
    fn speaks_itself(&self, number: u64) -> bool {
        let at = frame_start(number);
        match self.fault {
            Some(SoundFault::NoPackets) => false,
            Some(SoundFault::NotHeard) if self.bridged.is_some() => self.bridged == Some(false),
            Some(SoundFault::Silence | SoundFault::ForeignTone | SoundFault::RingBack | SoundFault::NotHeard) => true,
            Some(SoundFault::Late(until)) => at < until,
            _ if self.bridged.is_some() => self.bridged == Some(false),
            _ => at < DIGIT || self.digits.last().is_some_and(|(at, _)| number < at + PLAYED_BACK),
        }
    }

    fn own_frame(&self, number: u64) -> Frame {
        let digit = frame_start(number) < DIGIT;
        match self.fault {
            Some(SoundFault::Silence) => SILENCE,
            Some(SoundFault::ForeignTone) => *ToneSource::new(FOREIGN).frame(number),
            Some(SoundFault::RingBack) => two_tones(number, RING_BACK_HZ),
            _ if self.bridged.is_some() && !matches!(self.fault, Some(SoundFault::Late(_))) => {
                two_tones(number, RING_BACK_HZ)
            }
            Some(SoundFault::NotHeard) if !digit => noise(number, COMFORT),
            Some(SoundFault::Late(_)) => noise(number, COMFORT),
            _ if digit => digit_frame('1', number),
            _ => {
                let played = self.digits.iter().find(|(at, _)| (*at..at + PLAYED_BACK).contains(&number));
                played.map_or(SILENCE, |(at, digit)| digit_frame(*digit, number - at))
            }
        }
    }

    /// The frame as the fault makes it sound; `None` as it is.
    fn spoilt(&self, frame: &Frame, age: Duration) -> Option<Frame> {
        let louder =
            |factor: f64| Some(frame.map(|sample| (f64::from(sample) * factor).clamp(-32768.0, 32767.0) as i16));
        match self.fault? {
            SoundFault::Noise(below) => {
                let hiss = noise(self.heard, 32767.0 * 10_f64.powf(-f64::from(below) / 20.0));
                Some(std::array::from_fn(|n| frame[n].saturating_add(hiss[n])))
            }
            SoundFault::Quiet(db) => louder(10_f64.powf(-f64::from(db) / 20.0)),
            SoundFault::Clipped => louder(8.0),
            SoundFault::Dies(after) if age >= after => Some([0; FRAME_SAMPLES]),
            _ => None,
        }
    }

    /// Queues a frame, as the fault has it on its way.
    fn queue(&mut self, now: Duration, payload: Vec<u8>) {
        let number = self.sequence;
        self.sequence += 1;
        let draw = StableHasher::new("way").number(number).finish();
        let age = now.saturating_sub(self.began);
        let (at, copies) = match self.fault {
            Some(SoundFault::NoPackets) => return,
            Some(SoundFault::Stops(after)) if age >= after => return,
            Some(SoundFault::Choppy) if number % 10 < 3 => return,
            Some(SoundFault::Loss(percent)) if draw % 100 < u64::from(percent) => return,
            Some(SoundFault::BurstLoss(percent)) if number % (1000 / u64::from(percent.max(1))) < 10 => return,
            Some(SoundFault::Jitter(most)) => (now + most.mul_f64((draw % 1000) as f64 / 1000.0), 1),
            Some(SoundFault::Delay(by)) => (now + by, 1),
            Some(SoundFault::Reordered) if number.is_multiple_of(10) => (now + FRAME + FRAME / 2, 1),
            Some(SoundFault::Doubled) => (now, 2),
            _ => (now, 1),
        };
        if self.waiting.len() < WAITING_MAX {
            self.waiting.insert((at, number), payload.clone());
            if copies == 2 {
                self.waiting.insert((at + FRAME / 4, number), payload);
            }
        }
    }
}

fn two_tones(number: u64, hz: [f64; 2]) -> Frame {
    let start = number * FRAME_SAMPLES as u64;
    std::array::from_fn(|n| {
        let t = (start + n as u64) as f64 / 8000.0;
        hz.iter().map(|hz| PART * (std::f64::consts::TAU * hz * t).sin()).sum::<f64>() as i16
    })
}

fn noise(number: u64, peak: f64) -> Frame {
    std::array::from_fn(|n| {
        let draw = StableHasher::new("noise").number(number).number(n as u64).finish();
        ((draw % 2001) as f64 / 1000.0 - 1.0).mul_add(peak, 0.0) as i16
    })
}
