//! What the network did to the packets of one direction: loss and its bursts, order, jitter,
//! pauses. Memory is fixed, whatever arrives.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::units::{Millis, Permille};

/// How far back a packet may belong and still be told from a duplicate: 10 s of 20 ms packets.
const WINDOW: u64 = 512;

/// How far a sequence may jump ahead as loss (RFC 3550 A.1, `MAX_DROPOUT`): a minute. A longer jump
/// is another sequence, or garbage.
const JUMP_MAX: u64 = 3000;

/// A change of transit time beyond this is a jump of the sender's timestamps, and no jitter.
const TRANSIT_JUMP: Duration = Duration::from_secs(2);

/// How fast timestamps run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RtpClock {
    /// 8000 a second: PCMU.
    Telephone,
    /// 48,000 a second: Opus, whatever it carries (RFC 7587).
    Opus,
}

impl RtpClock {
    /// Units a second.
    pub const fn hz(self) -> u32 {
        match self {
            Self::Telephone => 8000,
            Self::Opus => 48_000,
        }
    }

    /// Units in a frame of 20 ms.
    pub const fn per_frame(self) -> u32 {
        self.hz() / 50
    }
}

/// A packet's arrival.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Sequence number, extended beyond 16 bits by whoever received it.
    pub sequence: u64,
    /// Timestamp, as it stands in the packet.
    pub timestamp: u32,
    /// Payload type, as it stands in the packet.
    pub payload_type: u8,
    /// Time since the call began.
    pub at: Duration,
}

/// What the network did, as it is reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReceptionReport {
    /// Packets received, each once.
    pub received: u64,
    /// Packets missing between the first and the last that were received.
    pub lost: u64,
    /// Packets received again.
    pub duplicates: u64,
    /// Packets that arrived after one that was sent later.
    pub reordered: u64,
    /// Packets that were received, but too late to be played.
    pub late: u64,
    /// Packets whose sequence number was out of all order.
    pub strays: u64,
    /// Packets of another payload type than the call's: events of DTMF, comfort noise, another codec.
    pub other_payloads: u64,
    /// Share lost of those expected.
    pub loss: Permille,
    /// Share that could not be played of those expected: lost and late.
    pub unplayable: Permille,
    /// Most packets lost in a row.
    pub longest_burst: u64,
    /// Burst ratio of G.107 in thousandths: how long bursts are against those of random loss of
    /// the same share. 1000 is random, and what is told where nothing was lost.
    pub burst_ratio_milli: u32,
    /// Interarrival jitter of RFC 3550 6.4.1 at the end, in units of the codec's clock.
    pub jitter_units: u32,
    /// The same in microseconds.
    pub jitter_us: u32,
    /// The most it has been, in microseconds.
    pub jitter_max_us: u32,
    /// When the first packet arrived, since the call began.
    pub started: Option<Millis>,
    /// The longest time between two packets.
    pub longest_pause: Millis,
    /// How long nothing had arrived at the end.
    pub quiet_at_end: Millis,
}

/// Counts the packets of one direction.
#[derive(Clone, Debug)]
pub struct Reception {
    clock: RtpClock,
    payload_type: u8,
    playout_delay: Duration,
    /// Which of the last sequence numbers were received; bit `n % WINDOW` is number `n`.
    seen: [u64; (WINDOW / 64) as usize],
    /// The first number of the present sequence, and the highest.
    span: Option<(u64, u64)>,
    /// The number that would follow one that was out of all order.
    suspect: Option<u64>,
    bursts: Bursts,
    timing: Timing,
    received: u64,
    duplicates: u64,
    reordered: u64,
    late: u64,
    strays: u64,
    other_payloads: u64,
}

impl Reception {
    /// Counts packets of this payload type; those later than the playout delay are late.
    pub fn new(clock: RtpClock, payload_type: u8, playout_delay: Duration) -> Self {
        Self {
            clock,
            payload_type,
            playout_delay,
            seen: [0; (WINDOW / 64) as usize],
            span: None,
            suspect: None,
            bursts: Bursts::default(),
            timing: Timing::default(),
            received: 0,
            duplicates: 0,
            reordered: 0,
            late: 0,
            strays: 0,
            other_payloads: 0,
        }
    }

    /// A packet arrived.
    pub fn arrived(&mut self, arrival: Arrival) {
        self.timing.arrived(arrival.at);
        if !self.place(arrival.sequence) {
            return;
        }
        self.received += 1;
        if arrival.payload_type != self.payload_type {
            // Events carry the timestamp of their beginning; they say nothing about jitter.
            self.other_payloads += 1;
        } else if self.timing.transit(arrival, self.clock) > self.playout_delay {
            self.late += 1;
        }
    }

    /// What the network did until now, of a call that is this old.
    pub fn report(&self, now: Duration) -> ReceptionReport {
        let mut bursts = self.bursts;
        if let Some((first, highest)) = self.span {
            for number in Self::window_start(first, highest)..=highest {
                bursts.pass(self.has(number));
            }
        }
        let expected = bursts.lost + self.received;
        let jitter_us = |units: f64| (units / f64::from(self.clock.hz()) * 1e6).round() as u32;
        ReceptionReport {
            received: self.received,
            lost: bursts.lost,
            duplicates: self.duplicates,
            reordered: self.reordered,
            late: self.late,
            strays: self.strays,
            other_payloads: self.other_payloads,
            loss: Permille::of(bursts.lost, expected),
            unplayable: Permille::of(bursts.lost + self.late, expected),
            longest_burst: bursts.longest,
            burst_ratio_milli: bursts.ratio_milli(expected),
            jitter_units: self.timing.jitter as u32,
            jitter_us: jitter_us(self.timing.jitter),
            jitter_max_us: jitter_us(self.timing.jitter_max),
            started: self.timing.first.map(Millis::of),
            longest_pause: Millis::of(self.timing.longest_pause),
            quiet_at_end: Millis::of(self.timing.last.map_or(now, |last| now.saturating_sub(last))),
        }
    }

    /// Puts a number in its place; false if it is not a packet of its own.
    fn place(&mut self, number: u64) -> bool {
        let Some((first, highest)) = self.span else {
            self.begin(number);
            return true;
        };
        if number > highest && number - highest <= JUMP_MAX {
            self.advance(first, highest, number);
            return true;
        }
        if number <= highest && highest - number < WINDOW {
            return self.fill(number, first, highest);
        }
        if self.suspect == Some(number) {
            self.close(first, highest);
            self.begin(number);
            return true;
        }
        self.strays += 1;
        self.suspect = number.checked_add(1);
        false
    }

    /// A number in the window: reordered, or there already.
    fn fill(&mut self, number: u64, first: u64, highest: u64) -> bool {
        self.suspect = None;
        if self.has(number) {
            self.duplicates += 1;
            return false;
        }
        self.set(number, true);
        // Even one from before the first belongs to the call; those between the two are not lost
        // as long as they may still come, so they are only counted from then on.
        self.span = Some((first.min(number), highest));
        self.reordered += 1;
        true
    }

    fn advance(&mut self, first: u64, highest: u64, number: u64) {
        self.suspect = None;
        for new in highest + 1..=number {
            // What leaves the window is settled.
            if let Some(old) = new.checked_sub(WINDOW).filter(|&old| old >= first) {
                self.bursts.pass(self.has(old));
            }
            self.set(new, new == number);
        }
        self.span = Some((first, number));
    }

    fn begin(&mut self, number: u64) {
        self.seen = [0; (WINDOW / 64) as usize];
        self.set(number, true);
        self.span = Some((number, number));
        self.suspect = None;
    }

    /// A sequence is over: all of it is settled.
    fn close(&mut self, first: u64, highest: u64) {
        for number in Self::window_start(first, highest)..=highest {
            self.bursts.pass(self.has(number));
        }
        self.bursts.end();
    }

    /// The oldest number that is not settled.
    fn window_start(first: u64, highest: u64) -> u64 {
        first.max(highest.saturating_sub(WINDOW - 1))
    }

    fn has(&self, number: u64) -> bool {
        let bit = number % WINDOW;
        self.seen[(bit / 64) as usize] >> (bit % 64) & 1 == 1
    }

    fn set(&mut self, number: u64, seen: bool) {
        let bit = number % WINDOW;
        let word = &mut self.seen[(bit / 64) as usize];
        *word = *word & !(1 << (bit % 64)) | u64::from(seen) << (bit % 64);
    }
}

/// Losses in the order of their numbers.
#[derive(Clone, Copy, Default, Debug)]
struct Bursts {
    lost: u64,
    bursts: u64,
    longest: u64,
    current: u64,
}

impl Bursts {
    fn pass(&mut self, received: bool) {
        if received {
            self.current = 0;
            return;
        }
        self.lost += 1;
        self.current += 1;
        self.bursts += u64::from(self.current == 1);
        self.longest = self.longest.max(self.current);
    }

    fn end(&mut self) {
        self.current = 0;
    }

    /// Mean length of a burst, against 1 / (1 - loss) of random loss.
    fn ratio_milli(self, expected: u64) -> u32 {
        if self.bursts == 0 || expected == 0 {
            return 1000;
        }
        let mean = self.lost as f64 / self.bursts as f64;
        let kept = 1.0 - self.lost as f64 / expected as f64;
        (mean * kept * 1000.0).round() as u32
    }
}

/// When packets arrived, against when they were sent.
#[derive(Clone, Copy, Default, Debug)]
struct Timing {
    first: Option<Duration>,
    last: Option<Duration>,
    longest_pause: Duration,
    /// The last packet with a timestamp that counts.
    before: Option<(u32, Duration)>,
    /// How much more time the last packet had needed than the first, in nanoseconds.
    transit: i128,
    /// In units of the codec's clock.
    jitter: f64,
    jitter_max: f64,
}

impl Timing {
    fn arrived(&mut self, at: Duration) {
        self.first.get_or_insert(at);
        if let Some(last) = self.last {
            self.longest_pause = self.longest_pause.max(at.saturating_sub(last));
        }
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    /// How much longer than the first packet this one was under way.
    fn transit(&mut self, arrival: Arrival, clock: RtpClock) -> Duration {
        let Some((timestamp, at)) = self.before.replace((arrival.timestamp, arrival.at)) else { return Duration::ZERO };
        let units = i128::from(arrival.timestamp.wrapping_sub(timestamp) as i32);
        let sent = units * 1_000_000_000 / i128::from(clock.hz());
        let change = arrival.at.as_nanos() as i128 - at.as_nanos() as i128 - sent;
        if change.unsigned_abs() > TRANSIT_JUMP.as_nanos() {
            self.transit = 0;
            return Duration::ZERO;
        }
        let difference = change.unsigned_abs() as f64 * f64::from(clock.hz()) / 1e9;
        self.jitter += (difference - self.jitter) / 16.0;
        self.jitter_max = self.jitter_max.max(self.jitter);
        self.transit += change;
        Duration::from_nanos(u64::try_from(self.transit).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::audio::PLAYOUT_DELAY;
    use proptest::prelude::*;

    const START: u64 = 65_500;

    fn packet(n: u64, delay_ms: u64) -> Arrival {
        Arrival {
            sequence: START + n,
            timestamp: (n as u32).wrapping_mul(160).wrapping_add(u32::MAX - 1000),
            payload_type: 0,
            at: Duration::from_millis(n * 20 + delay_ms),
        }
    }

    fn reception() -> Reception {
        Reception::new(RtpClock::Telephone, 0, PLAYOUT_DELAY)
    }

    fn report(packets: impl IntoIterator<Item = Arrival>) -> ReceptionReport {
        let mut reception = reception();
        let mut last = Duration::ZERO;
        for packet in packets {
            reception.arrived(packet);
            last = last.max(packet.at);
        }
        reception.report(last)
    }

    #[test]
    fn a_clean_call_has_nothing_to_tell() {
        let report = report((0..1000).map(|n| packet(n, 40)));
        assert_eq!((report.received, report.lost, report.jitter_units, report.longest_burst), (1000, 0, 0, 0));
        assert_eq!((report.started, report.longest_pause), (Some(Millis(40)), Millis(20)));
        assert_eq!(report.burst_ratio_milli, 1000);
    }

    #[test]
    fn losses_and_their_bursts_are_counted_across_the_window() {
        // Three in a row of every fifty, over four windows.
        let report = report((0..2000).filter(|n| !(10..13).contains(&(n % 50))).map(|n| packet(n, 40)));
        assert_eq!((report.received, report.lost, report.longest_burst), (1880, 120, 3));
        assert_eq!(report.loss, Permille(60));
        assert_eq!(report.burst_ratio_milli, 2820);
        assert_eq!(report.longest_pause, Millis(80));
    }

    #[test]
    fn random_loss_has_a_burst_ratio_of_one() {
        let mut random = fastrand::Rng::with_seed(7);
        let report = report((0..50_000).filter(|_| random.f64() >= 0.1).map(|n| packet(n, 40)));
        assert!((980..=1020).contains(&report.burst_ratio_milli), "{report:?}");
    }

    #[test]
    fn order_and_doubles_are_told_from_loss() {
        let report = report([0, 1, 3, 2, 4, 4, 4, 6, 5, 7].map(|n| packet(n, 40)));
        assert_eq!((report.received, report.lost, report.reordered, report.duplicates), (8, 0, 2, 2));
    }

    #[test]
    fn a_packet_from_before_the_first_belongs_to_the_call() {
        let report = report([2, 0, 3].map(|n| packet(n, 40)));
        assert_eq!((report.received, report.lost, report.reordered), (3, 1, 1));
    }

    #[test]
    fn late_is_what_the_playout_cannot_play() {
        let report = report((0..100).map(|n| packet(n, if n == 50 { 101 } else { 40 })));
        assert_eq!((report.lost, report.late, report.unplayable), (0, 1, Permille(10)));
    }

    /// RFC 3550 A.8, computed in Python: transit times of 0, 10, 0, 10, … ms.
    #[test]
    fn jitter_is_that_of_rfc_3550() {
        let report = report((0..100).map(|n| packet(n, 40 + n % 2 * 10)));
        // 80 units · (1 − (15/16)^99) = 79.87
        assert_eq!((report.jitter_units, report.jitter_us, report.jitter_max_us), (79, 9_983, 9_983));
        let opus = |n: u64| Arrival { timestamp: n as u32 * 960, payload_type: 111, ..packet(n, 40 + n % 2 * 10) };
        let mut reception = Reception::new(RtpClock::Opus, 111, PLAYOUT_DELAY);
        (0..100).for_each(|n| reception.arrived(opus(n)));
        let report = reception.report(Duration::from_secs(3));
        assert_eq!((report.jitter_units, report.jitter_us), (479, 9_983));
        assert_eq!(report.quiet_at_end, Millis(970));
    }

    #[test]
    fn events_of_dtmf_are_received_and_no_jitter() {
        let report = report((0..100).map(|n| match n {
            50..55 => Arrival { payload_type: 101, timestamp: packet(50, 0).timestamp, ..packet(n, 40) },
            _ => packet(n, 40),
        }));
        assert_eq!((report.received, report.lost, report.other_payloads, report.jitter_us), (100, 0, 5, 0));
    }

    #[test]
    fn pauses_with_steady_numbers_are_no_loss() {
        // Discontinuous transmission: the timestamp goes on, the number does not.
        let later = |n: u64| Arrival { sequence: START + n, ..packet(if n < 50 { n } else { n + 100 }, 40) };
        let report = report((0..100).map(later));
        assert_eq!((report.lost, report.jitter_us, report.longest_pause), (0, 0, Millis(2020)));
    }

    #[test]
    fn a_jump_of_timestamps_is_no_jitter() {
        let jumped = |n: u64| Arrival {
            timestamp: packet(n, 0).timestamp.wrapping_add(if n < 50 { 0 } else { 1 << 30 }),
            ..packet(n, 40)
        };
        let report = report((0..100).map(jumped));
        assert_eq!((report.jitter_us, report.late), (0, 0));
    }

    #[test]
    fn garbage_is_a_stray_and_a_new_sequence_is_taken_up() {
        let mut stream: Vec<Arrival> = (0..100).map(|n| packet(n, 40)).collect();
        stream[50].sequence = u64::MAX;
        let told = report(stream);
        assert_eq!((told.received, told.lost, told.strays), (99, 1, 1));
        // The sender begins anew: its first packet is taken for a stray.
        let anew = |n: u64| Arrival { sequence: if n < 50 { 90_000 + n } else { n }, ..packet(n, 40) };
        let told = report((0..100).map(anew));
        assert_eq!((told.received, told.lost, told.strays), (99, 0, 1));
    }

    proptest! {
        #[test]
        fn anything_may_arrive(packets in prop::collection::vec((any::<u64>(), any::<u32>(), any::<u8>(), any::<u64>()), 0..200)) {
            let mut reception = reception();
            for (sequence, timestamp, payload_type, nanos) in packets.iter().copied() {
                let sequence = if sequence % 3 == 0 { sequence } else { sequence % 10_000 };
                reception.arrived(Arrival { sequence, timestamp, payload_type, at: Duration::from_nanos(nanos) });
            }
            let report = reception.report(Duration::from_secs(1));
            prop_assert_eq!(report.received + report.duplicates + report.strays, packets.len() as u64);
        }

        /// However packets are shuffled within the window, the same ones are lost.
        #[test]
        fn order_does_not_change_what_is_lost(lost in prop::collection::btree_set(1u64..299, 0..80), seed in any::<u64>(), apart in 1usize..100) {
            let sent: Vec<Arrival> = (0..300).filter(|n| !lost.contains(n)).map(|n| packet(n, 40)).collect();
            let mut shuffled = sent.clone();
            let mut random = fastrand::Rng::with_seed(seed);
            shuffled.chunks_mut(apart).for_each(|chunk| random.shuffle(chunk));
            let (straight, shuffled) = (report(sent), report(shuffled));
            prop_assert_eq!(straight.received, shuffled.received);
            prop_assert_eq!(straight.lost, shuffled.lost);
            prop_assert_eq!(straight.longest_burst, shuffled.longest_burst);
            prop_assert_eq!(straight.burst_ratio_milli, shuffled.burst_ratio_milli);
        }
    }
}
