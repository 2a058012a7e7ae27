//! What an agent's client would have played: a buffer of fixed delay that puts packets in order
//! and gives out one every 20 ms, or none where none came in time.
//!
//! It holds payloads and not samples, because some codecs must decode in order. A fixed delay is
//! less kind than the adaptive buffers of browsers; so what it plays is what is left without
//! their help, and it never hides a gap by stretching.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::frame::FRAME;
use super::rtp::RtpClock;

/// Delay between a packet's arrival and its playout unless another is asked for.
pub const PLAYOUT_DELAY: Duration = Duration::from_millis(60);

/// Frames that fit: 2 s. A packet of a later time than that belongs to another stretch of time.
const CAPACITY: usize = 100;

/// How many packets in a row must come too late for the whole stream to be set later: half a
/// second in which an agent hears nothing.
const LATE_IN_ROW: u32 = 25;

/// A packet that is older than this is not late but of another stretch of time: 10 s in frames.
const OLDEST: i64 = 500;

/// Most frames of a stream: longer than anything lasts, and far from where arithmetic ends.
const FRAMES_MAX: i64 = 1 << 40;

/// What became of packets.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct PlayoutCounts {
    /// Packets that were played.
    pub played: u64,
    /// Moments at which there was none to play, after the first was played.
    pub empty: u64,
    /// Moments that were never asked for.
    pub skipped: u64,
    /// Packets that came after their moment.
    pub late: u64,
    /// Packets for a moment that had one already.
    pub duplicate: u64,
    /// Packets with a timestamp out of all order, of which the next did not follow.
    pub stray: u64,
    /// How often the stream was set to a new time, because timestamps jumped or everything came
    /// too late.
    pub resets: u64,
}

/// A playout buffer for packets of 20 ms.
#[derive(Clone, Debug)]
pub struct Playout<P> {
    delay: Duration,
    clock: RtpClock,
    slots: Vec<Option<P>>,
    /// The stream's place in time, once a packet came.
    anchor: Option<Anchor>,
    /// Frames given out since the anchor was set.
    next: i64,
    late_in_row: u32,
    /// The timestamp that would follow a packet that was out of all order.
    suspect: Option<u32>,
    counts: PlayoutCounts,
}

/// Where the stream lies in time.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// The timestamp of frame 0.
    timestamp: u32,
    /// When frame 0 is played.
    at: Duration,
}

impl<P> Playout<P> {
    /// A buffer that plays the first packet this long after it arrived, and every other in step
    /// with it.
    pub fn new(delay: Duration, clock: RtpClock) -> Self {
        let slots = std::iter::repeat_with(|| None).take(CAPACITY).collect();
        let counts = PlayoutCounts::default();
        Self { delay, clock, slots, anchor: None, next: 0, late_in_row: 0, suspect: None, counts }
    }

    /// A packet arrived.
    pub fn insert(&mut self, timestamp: u32, arrival: Duration, payload: P) {
        let Some(anchor) = self.anchor else {
            self.restart(timestamp, arrival, payload);
            return;
        };
        let frame = self.frame_of(timestamp, anchor);
        if frame >= self.next + CAPACITY as i64 || frame < self.next - OLDEST {
            self.insert_stray(timestamp, arrival, payload);
        } else if frame < self.next {
            self.insert_late(timestamp, arrival, payload);
        } else {
            self.suspect = None;
            self.late_in_row = 0;
            let slot = slot(frame);
            if self.slots[slot].is_some() {
                self.counts.duplicate += 1;
            } else {
                self.slots[slot] = Some(payload);
            }
        }
    }

    /// The packet to play at this moment. To be asked every 20 ms; a moment asked for late is
    /// still that moment's. Nothing before the first packet's time.
    pub fn play(&mut self, at: Duration) -> Option<P> {
        let anchor = self.anchor?;
        let due = at.checked_sub(anchor.at)?.as_nanos() / FRAME.as_nanos();
        let due = i64::try_from(due).map_or(FRAMES_MAX, |due| due.min(FRAMES_MAX));
        self.skip_to(due);
        if self.next > due { None } else { self.take() }
    }

    /// What became of packets until now.
    pub fn counts(&self) -> PlayoutCounts {
        self.counts
    }

    /// The next frame leaves.
    fn take(&mut self) -> Option<P> {
        let payload = self.slots[slot(self.next)].take();
        self.next += 1;
        match payload {
            Some(_) => self.counts.played += 1,
            None => self.counts.empty += 1,
        }
        payload
    }

    /// Nobody asked for a while: those moments are gone, and what was held for them.
    fn skip_to(&mut self, due: i64) {
        let missed = due.saturating_sub(self.next).max(0);
        for frame in self.next..self.next + missed.min(CAPACITY as i64) {
            self.slots[slot(frame)] = None;
        }
        self.counts.skipped = self.counts.skipped.saturating_add(missed.unsigned_abs());
        self.next += missed;
    }

    fn insert_late(&mut self, timestamp: u32, arrival: Duration, payload: P) {
        self.counts.late += 1;
        self.late_in_row += 1;
        if self.late_in_row >= LATE_IN_ROW {
            self.counts.resets += 1;
            self.restart(timestamp, arrival, payload);
        }
    }

    /// One packet out of all order is dropped; a second that follows it moves the stream.
    fn insert_stray(&mut self, timestamp: u32, arrival: Duration, payload: P) {
        if self.suspect == Some(timestamp) {
            self.counts.resets += 1;
            self.restart(timestamp, arrival, payload);
        } else {
            self.counts.stray += 1;
            self.suspect = Some(timestamp.wrapping_add(self.clock.per_frame()));
        }
    }

    fn restart(&mut self, timestamp: u32, arrival: Duration, payload: P) {
        self.anchor = Some(Anchor { timestamp, at: arrival.saturating_add(self.delay) });
        self.slots.fill_with(|| None);
        self.slots[0] = Some(payload);
        self.next = 0;
        self.late_in_row = 0;
        self.suspect = None;
    }

    /// Which frame since the anchor a timestamp is, to the nearest.
    fn frame_of(&self, timestamp: u32, anchor: Anchor) -> i64 {
        let per_frame = i64::from(self.clock.per_frame());
        // Timestamps wrap: count from where we are, where the difference is unambiguous.
        let here = anchor.timestamp.wrapping_add((self.next.wrapping_mul(per_frame)) as u32);
        let ahead = i64::from(timestamp.wrapping_sub(here) as i32);
        self.next + (ahead + per_frame / 2).div_euclid(per_frame)
    }
}

/// Where a frame is held; frames before the anchor are never asked for.
fn slot(frame: i64) -> usize {
    frame.rem_euclid(CAPACITY as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn stamp(n: u64) -> u32 {
        (u32::MAX - 3000).wrapping_add(n as u32 * 160)
    }

    /// Plays packets that arrive at these times (number, timestamp, ms) until `end`, asking every 20 ms.
    fn play(packets: &[(u64, u32, u64)], end: u64) -> (Vec<Option<u64>>, PlayoutCounts) {
        let mut playout = Playout::new(PLAYOUT_DELAY, RtpClock::Telephone);
        let mut packets = packets.iter().peekable();
        let mut played = Vec::new();
        for now in (0..=end).step_by(20) {
            while let Some((number, timestamp, at)) = packets.next_if(|(_, _, at)| *at <= now) {
                playout.insert(*timestamp, ms(*at), *number);
            }
            played.push(playout.play(ms(now)));
        }
        (played, playout.counts())
    }

    fn numbers(played: &[Option<u64>]) -> Vec<u64> {
        played.iter().flatten().copied().collect()
    }

    #[test]
    fn the_first_is_played_after_the_delay_and_the_rest_in_step() {
        let packets: Vec<_> = (0..50).map(|n| (n, stamp(n), n * 20)).collect();
        let (played, counts) = play(&packets, 1060);
        assert_eq!(&played[..4], [None, None, None, Some(0)]);
        assert_eq!(numbers(&played), (0..50).collect::<Vec<_>>());
        assert_eq!((counts.played, counts.empty, counts.late), (50, 1, 0));
    }

    #[test]
    fn order_is_restored_and_what_is_late_stays_away() {
        let mut packets: Vec<_> = (0..50).map(|n| (n, stamp(n), n * 20)).collect();
        packets[20].2 += 59;
        packets[30].2 += 61;
        packets.sort_by_key(|packet| packet.2);
        let (played, counts) = play(&packets, 1040);
        assert_eq!(numbers(&played), (0..50).filter(|n| *n != 30).collect::<Vec<_>>());
        assert_eq!((counts.late, counts.empty), (1, 1));
    }

    #[test]
    fn a_pause_by_timestamps_is_a_pause() {
        let place = |n: u64| if n < 10 { n } else { n + 30 };
        let packets: Vec<_> = (0..20).map(|n| (n, stamp(place(n)), place(n) * 20)).collect();
        let (played, counts) = play(&packets, 1040);
        assert_eq!(numbers(&played), (0..20).collect::<Vec<_>>());
        assert_eq!((counts.empty, counts.resets, counts.late), (30, 0, 0));
    }

    #[test]
    fn a_jump_moves_the_stream_at_its_second_packet() {
        let jumped = |n: u64| if n < 25 { stamp(n) } else { stamp(n).wrapping_add(0x4000_0000) };
        let packets: Vec<_> = (0..50).map(|n| (n, jumped(n), n * 20)).collect();
        let (played, counts) = play(&packets, 1100);
        assert_eq!((counts.stray, counts.resets), (1, 1));
        // One was dropped as a stray, and those that were still held.
        assert!(numbers(&played).ends_with(&(26..50).collect::<Vec<_>>()));
    }

    #[test]
    fn one_mad_timestamp_moves_nothing() {
        let mut packets: Vec<_> = (0..50).map(|n| (n, stamp(n), n * 20)).collect();
        packets[25].1 = 0x1234_5678;
        let (played, counts) = play(&packets, 1040);
        assert_eq!(numbers(&played), (0..50).filter(|n| *n != 25).collect::<Vec<_>>());
        assert_eq!((counts.stray, counts.resets), (1, 0));
    }

    #[test]
    fn when_everything_is_late_the_stream_is_set_later() {
        let packets: Vec<_> = (0..100).map(|n| (n, stamp(n), n * 20 + if n < 20 { 0 } else { 200 })).collect();
        let (played, counts) = play(&packets, 2300);
        assert_eq!((counts.late, counts.resets), (25, 1));
        assert!(numbers(&played).ends_with(&(44..100).collect::<Vec<_>>()));
    }

    #[test]
    fn opus_counts_in_its_own_clock() {
        let mut playout = Playout::new(PLAYOUT_DELAY, RtpClock::Opus);
        (0..3).for_each(|n| playout.insert(n * 960, ms(0), n));
        let played: Vec<_> = (3..7).map(|n| playout.play(ms(n * 20))).collect();
        assert_eq!(played, [Some(0), Some(1), Some(2), None]);
    }

    /// A listener that was held up skips what it missed.
    #[test]
    fn time_goes_on_when_nobody_asks() {
        let mut playout = Playout::new(PLAYOUT_DELAY, RtpClock::Telephone);
        (0..50).for_each(|n| playout.insert(stamp(n), ms(n * 20), n));
        assert_eq!(playout.play(ms(60 + 400)), Some(20));
        assert_eq!(playout.play(ms(60 + 400)), None);
        assert_eq!(playout.play(Duration::MAX), None);
    }

    proptest! {
        #[test]
        fn anything_may_arrive(events in prop::collection::vec((any::<bool>(), any::<u32>(), any::<u64>()), 0..300)) {
            let mut playout = Playout::new(PLAYOUT_DELAY, RtpClock::Telephone);
            let mut inserted = 0;
            for (insert, timestamp, nanos) in events {
                let timestamp = if timestamp % 4 == 0 { timestamp } else { timestamp % 50_000 };
                if insert {
                    playout.insert(timestamp, Duration::from_nanos(nanos), ());
                    inserted += 1;
                } else {
                    playout.play(Duration::from_nanos(nanos));
                }
            }
            let counts = playout.counts();
            prop_assert!(counts.played <= inserted);
        }

        #[test]
        fn what_comes_within_the_delay_is_played_in_order(delays in prop::collection::vec(0u64..60, 100)) {
            let mut packets: Vec<_> = delays.iter().zip(0..).map(|(delay, n)| (n, stamp(n), n * 20 + if n == 0 { 0 } else { *delay })).collect();
            packets.sort_by_key(|packet| packet.2);
            let (played, counts) = play(&packets, 2040);
            prop_assert_eq!(numbers(&played), (0..100).collect::<Vec<_>>());
            prop_assert_eq!(counts.late, 0);
        }
    }
}
