//! Both directions of a call's audio while it lasts: our tone goes out every 20 ms, what comes in
//! is played out and listened to, and at the end it is judged.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::{CallAudio, Codec, Degradation, Digits, DigitsWay, FailureReason, FarHears, HeardSound};

use super::audio::{
    Arrival, CodecImpairment, Conditions, DigitEar, Ear, FRAME, FrameDecoder, FrameEncoder, Heard, Hearing,
    PAYLOAD_MAX, PLAYOUT_DELAY, Playout, Rating, Reception, ReceptionReport, Recording, RtpClock, SILENCE, ToneId,
    ToneSource, frame_start,
};
use super::pressing::{Pressed, Pressing, event_payload};
use super::{AudioPacket, Spoken};

/// A level below this is too quiet to be understood well, in dBov times ten: 24 dB under what we send.
const QUIET_DECIDBOV: i16 = -400;
/// Clipped samples from which speech is distorted, in thousandths.
const CLIPPED_PERMILLE: u16 = 50;
/// Audio that begins this much later than it could is late.
const LATE_START: Duration = Duration::from_millis(1500);
/// Mouth to ear and back again beyond this is hard to talk over: twice the 400 ms of G.114.
const LONG_ROUND_TRIP_MS: u32 = 800;
/// The same one way.
const LONG_WAY_MS: u32 = LONG_ROUND_TRIP_MS / 2;
/// Share of the tone that was missing from which it is choppy, in thousandths.
const CHOPPY_PERMILLE: u16 = 80;
/// Loss at which the SDK warns its application, in thousandths.
const HIGH_LOSS_PERMILLE: u16 = 30;
/// Opinion score at which the SDK warns its application, times a hundred.
const LOW_MOS_CENTI: u16 = 300;

/// With so much of our own lateness nothing is said about quality: five frames.
pub(super) const OWN_LAG_MS: u32 = 100;

/// With so large a share of frames that our own machine left out, in thousandths, nothing is said about
/// what became of our tone either.
const OWN_LAG_MUCH_PERMILLE: u64 = 50;
/// Frames in a second.
const FRAMES_A_SECOND: u64 = 50;
/// The longest call that is looked into by the second; holds are shorter.
const SECONDS_MAX: usize = 1_800;

/// What is sent as a frame.
pub(super) enum Sent {
    /// Coded audio.
    Audio(Cow<'static, [u8]>),
    /// Part of a digit that began with frame `began`.
    Event {
        /// The frame in which it began.
        began: u64,
        /// The event.
        payload: [u8; 4],
    },
}

/// Digits that are pressed before our tone begins, and the ear that waits for them to come back.
struct Dialling {
    wanted: String,
    way: DigitsWay,
    pressing: Pressing,
    ear: DigitEar,
}

/// A call's audio under way.
pub(super) struct Conversation {
    spoken: Spoken,
    encoder: FrameEncoder,
    decoder: FrameDecoder,
    source: ToneSource,
    began: Duration,
    sent: u64,
    /// Frames that our own machine was too late for, by the second of the call: as many as a call may
    /// have seconds.
    skipped: Vec<u16>,
    played: u64,
    playout: Playout<Vec<u8>>,
    reception: Reception,
    ear: Ear,
    /// True if another client of ours is at the far end, and our own tone does not come back.
    with_other: bool,
    dialling: Option<Dialling>,
    recording: Recording,
    last_packet: Option<Duration>,
    /// There and back, as RTCP or the checks tell.
    round_trip: Option<Duration>,
}

impl Conversation {
    /// Audio that begins now.
    pub(super) fn new(spoken: Spoken, tone: ToneId, now: Duration) -> Self {
        let clock = match spoken.codec {
            Codec::Pcmu => RtpClock::Telephone,
            Codec::Opus => RtpClock::Opus,
        };
        let mut ear = Ear::new(tone);
        ear.source_began(now);
        Self {
            spoken,
            encoder: FrameEncoder::new(spoken.codec),
            decoder: FrameDecoder::new(spoken.codec),
            source: ToneSource::new(tone),
            began: now,
            sent: 0,
            skipped: Vec::new(),
            played: 0,
            playout: Playout::new(PLAYOUT_DELAY, clock),
            reception: Reception::new(clock, spoken.payload_type, PLAYOUT_DELAY),
            ear,
            with_other: false,
            dialling: None,
            recording: Recording::default(),
            last_packet: None,
            round_trip: None,
        }
    }

    /// The same, with another client of ours at the far end, whose audio this is.
    pub(super) fn with_other(self, tone: ToneId) -> Self {
        Self { ear: Ear::new(tone), with_other: true, ..self }
    }

    /// When it began.
    pub(super) fn began(&self) -> Duration {
        self.began
    }

    /// The other client's tone begins at this moment, on our own clock.
    pub(super) fn other_began(&mut self, at: Duration) {
        self.ear.source_began(at);
    }

    /// The same, of which so much is kept at most.
    pub(super) fn recording(self, longest: Duration) -> Self {
        Self { recording: Recording::new(longest), ..self }
    }

    /// The last of what was heard, if our tone was in it. It is taken out.
    pub(super) fn take_recording(&mut self) -> Vec<i16> {
        let recording = std::mem::take(&mut self.recording);
        if self.ear.has_recognised() { recording.samples() } else { Vec::new() }
    }

    /// Before our tone these digits are pressed. While it lasts there is silence besides, and so long
    /// it is too where they go on the signalling.
    pub(super) fn press(&mut self, digits: &Digits, way: DigitsWay) {
        let (wanted, pressing) = (digits.pressed(), Pressing::new(digits));
        self.dialling = Some(Dialling { wanted, way, pressing, ear: DigitEar::new() });
    }

    /// True if the far end has played back the digits that were pressed. It may have played others
    /// before them.
    pub(super) fn played_back(&self) -> bool {
        self.dialling.as_ref().is_some_and(|dialling| dialling.ear.heard().ends_with(&dialling.wanted))
    }

    /// When the next 20 ms fall due.
    pub(super) fn wake(&self) -> Duration {
        self.began + frame_start(self.sent)
    }

    /// The next frame to send, if it is time: its number and its coded audio. Frames whose time is
    /// past are left out.
    pub(super) fn next_frame(&mut self, now: Duration) -> Option<(u64, Sent)> {
        if now < self.wake() {
            return None;
        }
        let number = ToneSource::frame_at(now.saturating_sub(self.began));
        (self.sent..number).for_each(|late| self.skip(late));
        self.sent = number + 1;
        if let Some(pressed) = self.pressed(number) {
            return Some((number, pressed));
        }
        let payload = match &mut self.encoder {
            // Coded once for all calls.
            FrameEncoder::Pcmu => Cow::Borrowed(self.source.pcmu(number).as_slice()),
            encoder => Cow::Owned(encoder.encode(self.source.frame(number))),
        };
        Some((number, Sent::Audio(payload)))
    }

    /// Our own machine was too late for this frame.
    pub(super) fn skip(&mut self, number: u64) {
        // A call of more seconds than fit is of no use to anybody.
        let second = usize::try_from(number / FRAMES_A_SECOND).unwrap_or(usize::MAX).min(SECONDS_MAX - 1);
        if self.skipped.len() <= second {
            self.skipped.resize(second + 1, 0);
        }
        self.skipped[second] = self.skipped[second].saturating_add(1);
    }

    fn pressed(&mut self, number: u64) -> Option<Sent> {
        let Dialling { way, pressing, .. } = self.dialling.as_ref()?;
        match (pressing.at(number)?, way) {
            (Pressed::Event { event, began, part }, DigitsWay::Events) => {
                Some(Sent::Event { began, payload: event_payload(event, part, self.spoken.codec) })
            }
            _ => Some(Sent::Audio(Cow::Owned(self.encoder.encode(&SILENCE)))),
        }
    }

    /// Plays out what is due until now.
    pub(super) fn play(&mut self, now: Duration) {
        // One frame behind the clock: what arrives with a frame is played with it.
        while self.began + frame_start(self.played + 1) <= now {
            let at = self.began + frame_start(self.played);
            let payload = self.playout.play(at);
            let frame = self.decoder.decode(payload.as_deref());
            self.ear.hear(frame.as_ref(), at);
            self.recording.hear(frame.as_ref());
            if let Some(dialling) = &mut self.dialling {
                dialling.ear.hear(frame.as_ref());
            }
            self.played += 1;
        }
    }

    /// A packet of audio came. What was due before is played first: it would be too late for that.
    pub(super) fn packet(&mut self, now: Duration, packet: AudioPacket) {
        self.play(now);
        let AudioPacket { sequence, timestamp, payload_type, payload } = packet;
        self.reception.arrived(Arrival { sequence, timestamp, payload_type, at: now });
        self.last_packet = Some(now);
        // What was not agreed on is counted and not decoded.
        if payload_type == self.spoken.payload_type && payload.len() <= PAYLOAD_MAX {
            self.playout.insert(timestamp, now, payload);
        }
    }

    /// How long packets travel there and back; kept to the nearest millisecond, since the clock that RTCP
    /// reckons it with is rounded.
    pub(super) fn round_trip(&mut self, round_trip: Duration) {
        self.round_trip = Some(Duration::from_millis(millis(round_trip + Duration::from_micros(500)).into()));
    }

    /// When the last packet came; `None` if none ever did.
    pub(super) fn last_packet(&self) -> Option<Duration> {
        self.last_packet
    }

    /// What came of it, in numbers.
    pub(super) fn audio(&self, now: Duration) -> CallAudio {
        let (hearing, received) = (self.ear.hearing(), self.reception.report(now));
        let heard = self.heard(&hearing);
        let far_hears = match heard {
            _ if self.with_other => FarHears::Unknown,
            HeardSound::OurTone => FarHears::Yes,
            HeardSound::OtherSound | HeardSound::ForeignTone => FarHears::No,
            HeardSound::Silence | HeardSound::Nothing => FarHears::Unknown,
        };
        let rating = self.rating(&hearing, &received);
        let delay = hearing.delay.map(|delay| delay.median.0);
        CallAudio {
            heard,
            far_hears,
            first_sound_ms: hearing.first_audible.map(|at| at.0.saturating_sub(millis(self.began))),
            round_trip_ms: delay.filter(|_| !self.with_other),
            one_way_ms: delay.filter(|_| self.with_other),
            level_decidbov: hearing.level.map(|level| level.0 / 10),
            stopped_ms: hearing.died.map(|died| died.0),
            gaps: hearing.gaps,
            longest_gap_ms: hearing.gap_longest.0,
            clipped_permille: hearing.clipped.0,
            loss_permille: received.loss.0,
            loss_burst: u32::try_from(received.longest_burst).unwrap_or(u32::MAX),
            jitter_us: received.jitter_us,
            rtt_ms: self.round_trip.map(millis),
            own_lag_ms: self.own_lag_ms(),
            mos_centi: rating.mos.0,
            sdk_mos_centi: rating.sdk_mos.0,
        }
    }

    fn heard(&self, hearing: &Hearing) -> HeardSound {
        match (hearing.heard, self.last_packet) {
            (_, None) => HeardSound::Nothing,
            (Heard::OurTone, _) => HeardSound::OurTone,
            (Heard::ForeignTone, _) => HeardSound::ForeignTone,
            (Heard::OtherSound, _) => HeardSound::OtherSound,
            (Heard::Silence, _) => HeardSound::Silence,
        }
    }

    fn own_lag_ms(&self) -> u32 {
        self.lag_since_ms(0)
    }

    /// What our own machine left out from this second of the call on.
    fn lag_since_ms(&self, second: usize) -> u32 {
        let frames: u32 = self.skipped.iter().skip(second).map(|frames| u32::from(*frames)).sum();
        frames * FRAME.as_millis() as u32
    }

    fn rating(&self, hearing: &Hearing, received: &ReceptionReport) -> Rating {
        let codec = match self.spoken.codec {
            Codec::Pcmu => CodecImpairment::G711_CONCEALED,
            Codec::Opus => CodecImpairment::OPUS,
        };
        let round_trip = self.round_trip.unwrap_or_default();
        // Our own tone went there and came back; one way is half of it.
        let ways = if self.with_other { 1 } else { 2 };
        Rating::of(&Conditions {
            one_way: hearing.delay.map_or(round_trip / 2 + PLAYOUT_DELAY, |delay| delay.median.duration() / ways),
            round_trip,
            jitter: Duration::from_micros(u64::from(received.jitter_us)),
            loss: received.loss.share(),
            unplayable: received.unplayable.share(),
            burst_ratio: f64::from(received.burst_ratio_milli) / 1000.0,
            codec,
        })
    }

    /// What failed, judged by what was heard; `None` if we heard ourselves, or the other client, to the end.
    pub(super) fn failure(&self) -> Option<FailureReason> {
        let hearing = self.ear.hearing();
        match self.heard(&hearing) {
            HeardSound::Nothing => Some(FailureReason::NoAudio),
            HeardSound::Silence => Some(FailureReason::Silence),
            HeardSound::OtherSound if self.with_other => Some(FailureReason::FarNotHeard),
            HeardSound::OtherSound => Some(FailureReason::NotHeard),
            HeardSound::ForeignTone => Some(FailureReason::WrongAudio),
            HeardSound::OurTone => hearing.died.map(|_| FailureReason::AudioDied),
        }
    }

    /// How much of the tone's beginning was not heard, of what came while we were there: another client may
    /// have begun before.
    fn late(&self, hearing: &Hearing) -> Option<Duration> {
        let since_ready = hearing.tone_began?.duration().saturating_sub(self.began);
        Some(hearing.late_start?.duration().min(since_ready))
    }

    /// True if it may have failed like this because our own machine was late: for much of the call, or of
    /// what was left of it when our tone died. What another client sends is not for us to send.
    pub(super) fn is_own_lateness(&self, reason: FailureReason) -> bool {
        if self.with_other || !depends_on_our_tone(reason) {
            return false;
        }
        let died_ms = self.ear.hearing().died.map_or(0, |died| died.0);
        let lasted_ms = u32::try_from(self.sent * FRAME.as_millis() as u64).unwrap_or(u32::MAX);
        let second = died_ms / 1000;
        is_much(self.lag_since_ms(second as usize), lasted_ms.saturating_sub(second * 1000))
    }

    /// What was not as it should be, in a call that did not fail.
    pub(super) fn degradations(&self, now: Duration) -> Vec<Degradation> {
        if self.own_lag_ms() >= OWN_LAG_MS {
            return Vec::new();
        }
        let (hearing, audio) = (self.ear.hearing(), self.audio(now));
        // How long an application plays digits back is its own affair.
        let late = self.dialling.is_none() && self.late(&hearing).is_some_and(|late| late > LATE_START);
        let lost = self.dialling.is_some() && !self.played_back();
        [
            (late, Degradation::LateAudio),
            (audio.level_decidbov.is_some_and(|level| level < QUIET_DECIDBOV), Degradation::Quiet),
            (audio.clipped_permille > CLIPPED_PERMILLE, Degradation::Clipped),
            (hearing.missing.0 > CHOPPY_PERMILLE, Degradation::Choppy),
            (audio.round_trip_ms.is_some_and(|delay| delay > LONG_ROUND_TRIP_MS), Degradation::LongDelay),
            (audio.one_way_ms.is_some_and(|delay| delay > LONG_WAY_MS), Degradation::LongDelay),
            (audio.loss_permille > HIGH_LOSS_PERMILLE, Degradation::HighLoss),
            (audio.mos_centi < LOW_MOS_CENTI, Degradation::LowMos),
            (lost, Degradation::DigitsLost),
        ]
        .into_iter()
        .filter_map(|(is_so, what)| is_so.then_some(what))
        .collect()
    }
}

/// True if a machine that was late by so much, in so long a time, is heard to be.
pub(super) fn is_much(lag_ms: u32, in_ms: u32) -> bool {
    lag_ms >= OWN_LAG_MS && u64::from(lag_ms) * 1000 > u64::from(in_ms) * OWN_LAG_MUCH_PERMILLE
}

/// True for what is said of a call whose tone is not recognised, or not to the end: who sends it late
/// brings that about.
pub(super) const fn depends_on_our_tone(reason: FailureReason) -> bool {
    matches!(reason, FailureReason::NotHeard | FailureReason::FarNotHeard | FailureReason::AudioDied)
}

fn millis(length: Duration) -> u32 {
    u32::try_from(length.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call of five seconds whose far end sends everything back, while our own machine has time for
    /// one frame in so many only.
    fn echoed(one_in: u64) -> Conversation {
        sent_back((0..250).step_by(one_in as usize), |_, payload| payload)
    }

    /// A call that is awake at these frames, and whose far end sends back what it makes of each.
    fn sent_back(awake: impl Iterator<Item = u64>, made_of: impl Fn(u64, Vec<u8>) -> Vec<u8>) -> Conversation {
        let mut talk = Conversation::new(Spoken { codec: Codec::Pcmu, payload_type: 0 }, ToneId(7), Duration::ZERO);
        for tick in awake {
            let now = frame_start(tick);
            talk.play(now);
            let Some((number, Sent::Audio(payload))) = talk.next_frame(now) else { panic!("it is time") };
            let (timestamp, payload) = (number as u32 * 160, made_of(tick, payload.into_owned()));
            talk.packet(now, AudioPacket { sequence: number + 1, timestamp, payload_type: 0, payload });
        }
        talk
    }

    /// What is heard of a tone whose packets take up to 120 ms longer than the quickest, by somebody who
    /// looks for them once in so many frames.
    fn jittered(one_in: usize) -> CallAudio {
        let mut talk = Conversation::new(Spoken { codec: Codec::Pcmu, payload_type: 0 }, ToneId(7), Duration::ZERO);
        let comes = |number: u64| frame_start(number) + Duration::from_millis(number * 37 % 120);
        let mut packets: Vec<(Duration, u64)> = (0..250).map(|number| (comes(number), number)).collect();
        packets.sort_unstable();
        let mut packets = packets.into_iter().peekable();
        for tick in (0..=300).step_by(one_in) {
            let now = frame_start(tick);
            while let Some((at, number)) = packets.next_if(|(at, _)| *at <= now) {
                let (timestamp, payload) = (number as u32 * 160, talk.source.pcmu(number).to_vec());
                talk.packet(at, AudioPacket { sequence: number + 1, timestamp, payload_type: 0, payload });
            }
            talk.play(now);
        }
        talk.audio(frame_start(300))
    }

    #[test]
    fn who_looks_for_packets_less_often_hears_the_same() {
        let always = jittered(1);
        assert!(always.gaps > 0, "some are too late to be heard: {always:?}");
        assert_eq!(always, jittered(5));
    }

    #[test]
    fn a_moment_of_lateness_does_not_excuse_a_tone_that_dies_much_later() {
        // A minute; half a second of it is left out early on, and in the second half silence comes back.
        let talk = sent_back(
            (0..100).chain(125..3000),
            |tick, payload| {
                if tick < 1500 { payload } else { vec![0xff; payload.len()] }
            },
        );
        assert_eq!(talk.failure(), Some(FailureReason::AudioDied));
        assert_eq!(talk.own_lag_ms(), 500);
        assert!(!talk.is_own_lateness(FailureReason::AudioDied));
    }

    #[test]
    fn who_is_late_with_its_own_tone_blames_nobody_for_what_comes_back() {
        let in_time = echoed(1);
        assert_eq!(in_time.failure(), None);
        assert!(!in_time.is_own_lateness(FailureReason::NotHeard));

        let late = echoed(12);
        let reason = late.failure().expect("nobody recognises one frame in twelve");
        assert!(late.is_own_lateness(reason), "{reason:?}");
        // Whatever we send: the far side's packets come by themselves, and another's tone is not ours.
        assert!(!late.is_own_lateness(FailureReason::NoAudio));
        assert!(!late.is_own_lateness(FailureReason::WrongAudio));
    }
}
