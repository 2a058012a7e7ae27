//! Two clients of ours in one call, on a virtual clock: the partner between them only carries what
//! they say, or keeps it to itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::test_call::{CallAction, TestCall};
use super::*;
use crate::model::{
    CallDirection, CallEvent, CallWish, Codec, FailureReason, FarHears, HeardSound, LostReason, MediaPath, Origin,
    Outcome, PartnerSaid, Step,
};

/// From one side to the other.
const ONE_WAY: Duration = Duration::from_millis(40);
const HOLD: Duration = Duration::from_secs(5);
const NEAR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 40_001);
const FAR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 40_002);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Side {
    Near,
    Far,
}

use Side::{Far, Near};

impl Side {
    const fn other(self) -> Self {
        match self {
            Near => Far,
            Far => Near,
        }
    }

    const fn address(self) -> SocketAddr {
        match self {
            Near => NEAR,
            Far => FAR,
        }
    }
}

enum Event {
    Open,
    Datagram(Vec<u8>),
    Call(CallEvent),
}

/// What the partner does not carry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Nothing,
    /// The call never rings at the other client.
    Call,
    /// Audio to this side, from this moment on.
    AudioTo(Side, Duration),
    /// Time, from our own client: it is woken up at neither of these moments nor between them.
    Time(Duration, Duration),
}

struct Two {
    calls: BTreeMap<Side, TestCall>,
    over: BTreeMap<Side, Outcome>,
    events: BTreeMap<(Duration, u64), (Side, Event)>,
    sent: u64,
    now: Duration,
    kept: Kept,
    hung_up: Vec<Side>,
    /// When audio of our own client went out.
    frames: Vec<Duration>,
}

impl Two {
    fn new(kept: Kept) -> Self {
        let wish = CallWish {
            direction: CallDirection::Outbound,
            hold_ms: u32::try_from(HOLD.as_millis()).expect("small"),
            ring_ms: 0,
            codec: Codec::Pcmu,
            path: MediaPath::Any,
        };
        let near = CallSettings {
            wish,
            digits: None,
            record: Duration::ZERO,
            tone: audio::ToneId(7),
            temporary: "TJS1".to_owned(),
            marker: String::new(),
            number: None,
            other: Some(OtherClient { tone: audio::ToneId(9), calls_as: None }),
            origin: Origin::some(),
            step: Duration::from_secs(5),
            delivery: Duration::from_secs(20),
            servers: false,
        };
        let far = far_settings(&near, "client:near".to_owned()).expect("there is another client");
        let calls = [(Near, near), (Far, far)].map(|(side, settings)| (side, TestCall::new(settings, Duration::ZERO)));
        let (over, events, hung_up, frames) = (BTreeMap::new(), BTreeMap::new(), Vec::new(), Vec::new());
        Self { calls: calls.into(), over, events, sent: 0, now: Duration::ZERO, kept, hung_up, frames }
    }

    /// Runs the call to its end: what each found, and what came of it.
    fn finish(mut self) -> (Finding, Finding) {
        self.run();
        let outcomes: Vec<Outcome> = self.over.values().cloned().collect();
        let mut found = self.calls.values_mut().zip(outcomes).map(|(call, outcome)| finding(call, outcome));
        (found.next().expect("near"), found.next().expect("far"))
    }

    fn run(&mut self) {
        loop {
            while let Some((side, action)) = self.next_action() {
                self.act(side, action);
            }
            if self.over.len() == 2 {
                return;
            }
            self.advance();
        }
    }

    fn next_action(&mut self) -> Option<(Side, CallAction)> {
        self.calls.iter_mut().find_map(|(side, call)| Some((*side, call.poll()?)))
    }

    fn act(&mut self, side: Side, action: CallAction) {
        match action {
            CallAction::OpenMedia => self.after(side, Duration::ZERO, Event::Open),
            CallAction::Invite(offer) => {
                self.after(Near, ONE_WAY, Event::Call(CallEvent::Ringing { sid: Some("CA1".to_owned()) }));
                if self.kept != Kept::Call {
                    let description = with_candidate(&offer, Near);
                    let sid = "CA2".to_owned();
                    self.after(Far, ONE_WAY, Event::Call(CallEvent::Invited { sid, description }));
                }
            }
            CallAction::Answer(answer) => {
                let description = with_candidate(&answer, Far);
                let sid = Some("CA1".to_owned());
                self.after(Near, ONE_WAY, Event::Call(CallEvent::Answered { sid, description }));
            }
            CallAction::Transmit(_, bytes) => {
                let is_kept = matches!(self.kept, Kept::AudioTo(to, from) if to != side && self.now >= from);
                if side == Near && is_frame(&bytes) {
                    self.frames.push(self.now);
                }
                if !(is_audio(&bytes) && is_kept) {
                    self.after(side.other(), ONE_WAY, Event::Datagram(bytes));
                }
            }
            CallAction::Talk => {
                let at = self.now;
                self.with(side.other(), |call| call.other_talks(at));
            }
            CallAction::Over(outcome) => {
                self.over.insert(side, outcome);
                self.hung_up.push(side);
                if side == Near {
                    let now = self.now;
                    self.with(Far, |call| call.other_over(now));
                }
            }
            _ => {}
        }
    }

    /// When this side is woken up if it wants to be at this moment.
    fn woken(&self, side: Side, at: Duration) -> Duration {
        match self.kept {
            Kept::Time(from, until) if side == Near && at >= from => at.max(until),
            _ => at,
        }
    }

    fn with(&mut self, side: Side, work: impl FnOnce(&mut TestCall)) {
        self.calls.entry(side).and_modify(work);
    }

    fn after(&mut self, side: Side, delay: Duration, event: Event) {
        self.sent += 1;
        self.events.insert((self.now + delay, self.sent), (side, event));
    }

    fn advance(&mut self) {
        let event = self.events.first_key_value().map(|((at, _), _)| *at);
        let wakes = self.calls.iter().filter_map(|(side, call)| Some((self.woken(*side, call.wake()?), *side)));
        let wake = wakes.min();
        let next = event.into_iter().chain(wake.map(|(at, _)| at)).min().expect("something is waited for");
        assert!(next < Duration::from_secs(60), "it has deadlines");
        self.now = self.now.max(next);
        let now = self.now;
        if event.is_some_and(|at| at <= now) {
            let (_, (side, event)) = self.events.pop_first().expect("there is one");
            self.with(side, |call| match event {
                Event::Open => call.media_open(now, side.address()),
                Event::Datagram(bytes) => call.datagram(now, side.other().address(), &bytes),
                Event::Call(event) => call.event(now, event),
            });
        } else if let Some((_, side)) = wake {
            self.with(side, |call| call.timeout(now));
        }
    }
}

/// RTP and RTCP begin like this (RFC 7983).
fn is_audio(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| (128..192).contains(first))
}

/// An RTP packet of PCMU: its number, with or without a mark (RFC 3550).
fn is_frame(bytes: &[u8]) -> bool {
    is_audio(bytes) && bytes.get(1).is_some_and(|second| second & 127 == 0)
}

/// The description as a partner has it that tells where it is.
fn with_candidate(description: &str, of: Side) -> String {
    let address = of.address();
    format!("{description}a=candidate:1 1 udp 2130706431 {} {} typ host\r\n", address.ip(), address.port())
}

fn finding(call: &TestCall, outcome: Outcome) -> Finding {
    Finding {
        outcome,
        steps: Vec::new(),
        route: 0,
        certificate: None,
        partner: PartnerSaid::default(),
        family: None,
        call: Some(Box::new(call.facts())),
        recording: Vec::new(),
    }
}

fn judged(kept: Kept) -> Finding {
    let (near, far) = Two::new(kept).finish();
    of_both(near, Ok(far))
}

fn failure(finding: &Finding) -> Option<(Step, FailureReason)> {
    finding.outcome.failure().map(|failure| (failure.step, failure.reason))
}

#[test]
fn both_hear_each_other_and_each_way_has_a_delay_of_its_own() {
    let finding = judged(Kept::Nothing);
    assert_eq!(finding.outcome, Outcome::completed(), "{finding:?}");
    let facts = finding.call.expect("it was a call");
    let here = facts.audio.expect("media flowed");
    let there = facts.far.and_then(|far| far.audio).expect("media flowed there");
    for audio in [&here, &there] {
        assert_eq!((audio.heard, audio.round_trip_ms), (HeardSound::OurTone, None));
        let way = Duration::from_millis(audio.one_way_ms.expect("both ends have one clock").into());
        assert!(way >= ONE_WAY && way < ONE_WAY + audio::PLAYOUT_DELAY + Duration::from_millis(50), "{way:?}");
    }
    assert_eq!(here.far_hears, FarHears::Yes);
}

#[test]
fn frames_go_out_one_every_20_ms_however_many_are_made_at_once() {
    let mut two = Two::new(Kept::Nothing);
    two.run();
    assert_eq!(two.frames.len(), 251, "five seconds, and one with which it is hung up");
    let apart: Vec<Duration> = two.frames.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(apart.iter().all(|apart| *apart == audio::FRAME), "{apart:?}");
}

#[test]
fn what_we_slept_through_is_left_out_and_known_as_our_own_lateness() {
    // A frame may go out while it lasts: that is no lateness.
    for (from_ms, slept_ms, left_out) in [(2005, 10, 0), (2005, 70, 2), (2000, 500, 25)] {
        let from = Duration::from_millis(from_ms);
        let mut two = Two::new(Kept::Time(from, from + Duration::from_millis(slept_ms)));
        two.run();
        assert_eq!(two.frames.len(), 251 - left_out, "{slept_ms} ms");
        let audio = two.calls[&Near].facts().audio.expect("media flowed");
        assert_eq!(audio.own_lag_ms as usize, left_out * 20, "{slept_ms} ms");
    }
}

#[test]
fn one_way_is_told_the_right_way_round() {
    let not_heard = judged(Kept::AudioTo(Far, Duration::ZERO));
    assert_eq!(failure(&not_heard), Some((Step::Media, FailureReason::NotHeard)), "{not_heard:?}");
    let audio = not_heard.call.and_then(|call| call.audio).expect("media flowed");
    assert_eq!((audio.heard, audio.far_hears), (HeardSound::OurTone, FarHears::No));

    let deaf = judged(Kept::AudioTo(Near, Duration::ZERO));
    assert_eq!(failure(&deaf), Some((Step::Media, FailureReason::NoAudio)), "{deaf:?}");
    let audio = deaf.call.and_then(|call| call.audio).expect("media flowed");
    assert_eq!((audio.heard, audio.far_hears), (HeardSound::Nothing, FarHears::Yes));
}

#[test]
fn audio_that_stops_is_told_whichever_way_it_stops() {
    for side in [Near, Far] {
        let stopped = judged(Kept::AudioTo(side, Duration::from_secs(3)));
        assert_eq!(failure(&stopped), Some((Step::Media, FailureReason::AudioDied)), "{side:?}: {stopped:?}");
    }
}

#[test]
fn whoever_was_called_waits_as_long_as_it_takes() {
    let (near, far) = Two::new(Kept::Call).finish();
    assert_eq!(failure(&near), Some((Step::Answer, FailureReason::NoAnswer)));
    assert_eq!(far.outcome, Outcome::completed(), "it has done its part");
    assert_eq!(failure(&of_both(near, Ok(far))), Some((Step::Answer, FailureReason::NoAnswer)));
}

/// What each found, and what is told of the device under test.
#[test]
fn trouble_there_is_told_apart_from_trouble_here() {
    use FailureReason as R;
    let (near, far) = Two::new(Kept::Nothing).finish();
    let failed = |finding: &Finding, step, reason| {
        let failure = crate::model::Failure { step, reason, wire_code: Some(1), device_errors: Vec::new() };
        Finding { outcome: Outcome::Failed(failure), ..finding.clone() }
    };
    let never_rang = || {
        let mut far = far.clone();
        far.call.iter_mut().for_each(|call| (call.sid, call.audio) = (None, None));
        far
    };
    let told = |near: Finding, far: Finding| failure(&of_both(near, Ok(far)));
    let hung_up = || failed(&near, Step::Media, R::HungUp);
    for (near, far, expected) in [
        (hung_up(), far.clone(), Some((Step::Media, R::HungUp))),
        (hung_up(), never_rang(), Some((Step::Media, R::FarNeverRang))),
        (hung_up(), failed(&far, Step::Ice, R::NoPath), Some((Step::Ice, R::FarClient))),
        (failed(&near, Step::Media, R::FarNotHeard), never_rang(), Some((Step::Media, R::FarNeverRang))),
        (failed(&near, Step::Media, R::FarNotHeard), far.clone(), Some((Step::Media, R::FarNotHeard))),
        // What has nothing to do with the other client stays what it is.
        (failed(&near, Step::Ringing, R::NoAnswer), never_rang(), Some((Step::Ringing, R::NoAnswer))),
        (failed(&near, Step::Ice, R::NoPath), failed(&far, Step::Ice, R::NoPath), Some((Step::Ice, R::NoPath))),
        // It was heard, and did not hear, or could not go on.
        (near.clone(), failed(&far, Step::Media, R::NoAudio), Some((Step::Media, R::NotHeard))),
        (near.clone(), failed(&far, Step::Media, R::WrongAudio), Some((Step::Media, R::WrongAudio))),
        (near.clone(), failed(&far, Step::Media, R::ConnectionReset), Some((Step::Media, R::FarClient))),
    ] {
        assert_eq!(told(near, far), expected);
    }
    let lost = LostReason::NoNetwork;
    assert_eq!(of_both(near.clone(), Err(lost)).outcome, Outcome::Lost { reason: lost }, "who knows who was heard");
    assert_eq!(of_both(hung_up(), Err(lost)).outcome, Outcome::Lost { reason: lost }, "our own client vanished");
    let unanswered = failed(&near, Step::Ringing, R::NoAnswer);
    assert_eq!(failure(&of_both(unanswered.clone(), Err(lost))), Some((Step::Ringing, R::NoAnswer)));
    let far_lost = Finding { outcome: Outcome::Lost { reason: lost }, ..far.clone() };
    assert_eq!(of_both(hung_up(), Ok(far_lost.clone())).outcome, Outcome::Lost { reason: lost });
    assert_eq!(failure(&of_both(unanswered, Ok(far_lost))), Some((Step::Ringing, R::NoAnswer)));
    let wish = near.call.as_ref().expect("a call").wish;
    let alone = of_far_alone(wish, failed(&far, Step::Registered, R::NoAnswer));
    assert_eq!(failure(&alone), Some((Step::Registered, R::FarClient)));
    let own = alone.call.and_then(|call| call.far).and_then(|far| far.failure).map(|failure| failure.reason);
    assert_eq!(own, Some(R::NoAnswer), "the facts know why");
}

#[test]
fn only_who_was_called_ends_with_the_other_client() {
    let mut two = Two::new(Kept::Nothing);
    for side in [Near, Far] {
        two.calls.get_mut(&side).expect("both are there").other_over(Duration::ZERO);
    }
    assert!(!two.calls[&Near].over, "who calls has deadlines, and ears");
    assert!(two.calls[&Far].over);
}
