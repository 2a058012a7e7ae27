//! The part of an attempt that is a call: from the invite to hanging up, as a machine that knows
//! neither sockets nor a vendor. [`super::Connection`] owns it and does what it asks for.
//!
//! Outbound: offer, ringing, answer, path, keys, audio. Inbound: the partner is asked to make us
//! ring, then invite, ringing for as long as wished, our answer, path, keys, audio. Each wait has
//! a deadline of its own; what is heard is judged when the call has been held for as long as wished.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use crate::model::{
    CallDigits, CallDirection, CallEvent, CallFacts, CallStatus, CallWish, Degradation, Digits, ExpectedCall, Failure,
    FailureReason, MediaTrouble, Outcome, RestAnswer, Step, ThrottleSign,
};

use super::PathRequest;
use super::call_settings::CallSettings;
use super::conversation::Conversation;
use super::made_ahead::MadeAhead;
use super::media::{Media, MediaSettings, without_candidates};
use super::paths::{Paths, told_addresses};

/// What the call wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum CallAction {
    /// Open a socket for media.
    OpenMedia,
    /// Have the servers help that find paths.
    Path(PathRequest),
    /// Ask the partner to make us ring.
    Originate,
    /// The other client may call now.
    Wait,
    /// Our tone begins now.
    Talk,
    /// Ask the partner for the call's status.
    AskStatus,
    /// Know a call of ours by this.
    Expect(ExpectedCall),
    /// Invite, with this description.
    Invite(String),
    /// Accept, with this description.
    Answer(String),
    /// Press these digits: they cannot go with the audio.
    Press(Digits),
    /// The SDK would tell its application of this.
    Trouble(MediaTrouble),
    /// Send this datagram.
    Transmit(SocketAddr, Vec<u8>),
    /// A step is over; it took so long.
    Done(Step, Duration),
    /// It was not quite right.
    Degraded(Degradation),
    /// It is over: hang up.
    Over(Outcome),
}

/// A call under way.
pub(super) struct TestCall {
    pub(super) settings: CallSettings,
    pub(super) now: Duration,
    pub(super) step: Step,
    pub(super) began: Duration,
    pub(super) due: Duration,
    /// Inbound: when to answer.
    answer_at: Option<Duration>,
    invited_with: Option<String>,
    pub(super) local: Option<SocketAddr>,
    pub(super) media: Option<Media>,
    /// The paths beside the plain one.
    pub(super) paths: Paths,
    pub(super) talk: Option<Conversation>,
    pub(super) made: MadeAhead,
    /// When the other client's tone begins.
    pub(super) other_talks: Option<Duration>,
    pub(super) hang_up_at: Option<Duration>,
    pub(super) set_up_from: Duration,
    promised: Option<Duration>,
    pub(super) facts: CallFacts,
    pub(super) over: bool,
    pub(super) actions: VecDeque<CallAction>,
}

impl TestCall {
    /// A call that begins now; what it wants first is ready.
    pub(super) fn new(settings: CallSettings, now: Duration) -> Self {
        let facts = CallFacts::of(settings.wish);
        let due = now + settings.step;
        let paths = Paths::new(settings.wish.path, settings.step);
        let mut call = Self {
            settings,
            now,
            step: Step::Invite,
            began: now,
            due,
            answer_at: None,
            invited_with: None,
            local: None,
            media: None,
            paths,
            talk: None,
            made: MadeAhead::default(),
            other_talks: None,
            hang_up_at: None,
            set_up_from: now,
            promised: None,
            facts,
            over: false,
            actions: VecDeque::new(),
        };
        call.begin();
        call
    }

    fn begin(&mut self) {
        match self.settings.wish.direction {
            CallDirection::Outbound => self.open_media(),
            CallDirection::Inbound if self.settings.caller().is_some() => {
                let caller = self.settings.caller().cloned().unwrap_or_default();
                // However long it takes: whoever calls has deadlines, and it ends with them.
                self.due = Duration::MAX;
                self.act(CallAction::Expect(ExpectedCall::Caller(caller)));
                self.act(CallAction::Wait);
            }
            CallDirection::Inbound => {
                // Our marker does not pass through the telephone network.
                let sign = match &self.settings.number {
                    Some(number) => ExpectedCall::Caller(number.caller.clone()),
                    None => ExpectedCall::Marker(self.settings.marker.clone()),
                };
                self.act(CallAction::Expect(sign));
                self.act(CallAction::Originate);
            }
        }
    }

    /// The next thing to do; `None` when drained.
    pub(super) fn poll(&mut self) -> Option<CallAction> {
        self.actions.pop_front()
    }

    /// When [`TestCall::timeout`] wants to come.
    pub(super) fn wake(&self) -> Option<Duration> {
        if self.over {
            return None;
        }
        let more = self.wake_for_more();
        Some(self.made.wake().map_or(more, |made| made.min(more)))
    }

    /// When more is due than to send a frame that was made before.
    fn wake_for_more(&self) -> Duration {
        // Once audio flows the media are served with it: nothing of theirs is in such a hurry.
        let media = self.media.as_ref().filter(|_| self.talk.is_none()).and_then(Media::wake);
        let talk = self.talk.as_ref().map(Conversation::wake);
        let others = [self.answer_at, media, talk, self.hang_up_at, self.paths.wake()];
        others.into_iter().flatten().fold(self.due, Duration::min)
    }

    /// True while audio flows.
    pub(super) fn talks(&self) -> bool {
        self.talk.is_some() && !self.over
    }

    /// True if more is due than to send a frame that was made before; what is decided then may depend on
    /// what has come in.
    pub(super) fn more_is_due(&self, now: Duration) -> bool {
        self.wake_for_more() <= now
    }

    /// The step that a verdict of now is about.
    pub(super) fn step(&self) -> Step {
        self.step
    }

    /// How long the present step has taken until now.
    pub(super) fn step_took(&self, now: Duration) -> Duration {
        now.saturating_sub(self.began)
    }

    /// The partner's id of it, once it is known.
    pub(super) fn sid(&self) -> Option<&String> {
        self.facts.sid.as_ref()
    }

    /// What is known of it, with the audio as it is now.
    pub(super) fn facts(&self) -> CallFacts {
        let audio = self.talk.as_ref().map(|talk| talk.audio(self.now));
        let played_back = self.talk.as_ref().is_some_and(Conversation::played_back);
        let digits = self.facts.digits.map(|digits| CallDigits { played_back, ..digits });
        let (path, servers) = (self.path_taken(), self.paths.asked());
        CallFacts { audio, digits, path, servers, ..self.facts.clone() }
    }

    /// The last of what was heard, where our tone was in it.
    pub(super) fn recording(&mut self) -> Vec<i16> {
        self.talk.as_mut().map(Conversation::take_recording).unwrap_or_default()
    }

    /// Ends the media; datagrams that say so are left in the actions.
    pub(super) fn close(&mut self, now: Duration) {
        self.over = true;
        if let Some(media) = &mut self.media {
            media.close(now);
        }
        self.drain_media();
        self.leave_paths(now);
    }

    // ---- what happens --------------------------------------------------------------------

    /// A socket for media is open, or cannot be.
    pub(super) fn media_open(&mut self, now: Duration, local: SocketAddr) {
        self.now = now;
        if self.over || self.local.is_some() {
            return;
        }
        self.local = Some(local);
        self.paths.media_open(now, local);
        let CallWish { codec, path, .. } = self.settings.wish;
        let host = path.allows_host();
        let settings = MediaSettings { codecs: codec.alone(), local, host, origin: self.settings.origin };
        let media = self.media.insert(Media::new(settings, now));
        match self.invited_with.take() {
            None => {
                let offer = without_candidates(&media.offer());
                self.done();
                self.set_up_from = self.now;
                self.act(CallAction::Invite(offer));
                self.wait_for(Step::Ringing);
            }
            Some(description) => match media.take_offer(now, &description) {
                Ok(answer) => {
                    self.paths.peers(now, told_addresses(&description));
                    self.act(CallAction::Answer(without_candidates(&answer)));
                    self.done();
                    self.wait_for(Step::Ice);
                }
                Err(_) => self.bad_description(),
            },
        }
        self.drain_media();
        self.drain_paths();
    }

    /// The partner's answer to our order to ring us, or to our question about it.
    pub(super) fn rest_answered(&mut self, now: Duration, answer: RestAnswer) {
        self.now = now;
        if self.over {
            return;
        }
        match answer {
            RestAnswer::Call { sid, status } if self.facts.sid.is_none() => self.promised(sid, status),
            RestAnswer::Call { status, .. } => self.status_told(status),
            RestAnswer::Refused { status: 429, retry_after_s } => {
                let sign = ThrottleSign::HttpStatus(429);
                self.finish(Outcome::Throttled { step: self.step, sign, retry_after_s });
            }
            // It rings already: what we could not ask no longer matters.
            RestAnswer::Lost(_) if self.step != Step::Invite => {}
            RestAnswer::Lost(reason) => self.finish(Outcome::Lost { reason }),
            // It rings, whatever the API says of it.
            _ if self.step != Step::Invite => self.act(CallAction::Degraded(Degradation::StatusMismatch)),
            _ if self.facts.sid.is_some() => self.fail(FailureReason::NotDelivered),
            RestAnswer::Refused { status, .. } => self.fail(FailureReason::RestStatus(status)),
            RestAnswer::NoAnswer => self.fail(FailureReason::NoAnswer),
            RestAnswer::Unreachable(reason) => self.fail(reason),
            RestAnswer::Malformed => self.fail(FailureReason::RestMalformed),
        }
    }

    fn promised(&mut self, sid: String, status: CallStatus) {
        self.facts.sid = Some(sid.clone());
        self.facts.status = Some(status);
        self.promised = Some(self.now);
        if self.step == Step::Invite {
            self.due = self.now + self.settings.delivery;
            self.act(CallAction::Expect(ExpectedCall::Sid(sid)));
        } else {
            // It rang before the partner had answered us.
            self.facts.delivery_ms = Some(0);
        }
    }

    /// It has not rung in time; the status says what the partner made of it.
    fn status_told(&mut self, status: CallStatus) {
        self.facts.status = Some(status);
        if self.step == Step::Invite {
            self.fail(match status {
                CallStatus::Queued => FailureReason::StuckQueued,
                CallStatus::InProgress | CallStatus::Completed => FailureReason::DeliveredElsewhere,
                _ => FailureReason::NotDelivered,
            });
        }
    }

    /// The device tells of our call.
    pub(super) fn event(&mut self, now: Duration, event: CallEvent) {
        self.now = now;
        if self.over {
            return;
        }
        match event {
            CallEvent::Ringing { sid } => {
                self.facts.sid = sid.or(self.facts.sid.take());
                if self.step == Step::Ringing {
                    self.done();
                    self.wait_for(Step::Answer);
                }
            }
            CallEvent::Answered { sid, description } => {
                self.facts.sid = sid.or(self.facts.sid.take());
                self.answered(&description);
            }
            CallEvent::Invited { sid, description } => self.invited(sid, description),
            // It is for whoever has called to say whether that was too early.
            CallEvent::Cancelled | CallEvent::Ended if self.settings.caller().is_some() => self.other_over(now),
            CallEvent::Cancelled => self.fail(FailureReason::Cancelled),
            CallEvent::Ended => self.fail(FailureReason::HungUp),
        }
    }

    /// The device raised an error while the call was under way; `Ended` follows if it is over.
    pub(super) fn rejected(&mut self, now: Duration, wire_code: Option<u32>) {
        self.now = now;
        let step = self.step;
        let failure = Failure { step, reason: FailureReason::Rejected, wire_code, device_errors: Vec::new() };
        self.finish(Outcome::Failed(failure));
    }

    fn answered(&mut self, description: &str) {
        let (Step::Ringing | Step::Answer, Some(media)) = (self.step, &mut self.media) else { return };
        let taken = media.take_answer(self.now, description);
        if self.step == Step::Ringing {
            self.done();
            self.wait_for(Step::Answer);
        }
        match taken {
            Ok(()) => {
                self.paths.peers(self.now, told_addresses(description));
                self.facts.set_up_ms = Some(whole_millis(self.now.saturating_sub(self.set_up_from)));
                self.done();
                self.wait_for(Step::Ice);
            }
            Err(_) => self.bad_description(),
        }
        self.drain_media();
        self.drain_paths();
    }

    fn invited(&mut self, sid: String, description: String) {
        if self.step != Step::Invite {
            return self.fail(FailureReason::DeliveredTwice);
        }
        let since = self.promised.unwrap_or(self.began);
        self.facts.delivery_ms = Some(whole_millis(self.now.saturating_sub(since)));
        self.facts.sid.get_or_insert(sid);
        self.invited_with = Some(description);
        self.done();
        self.wait_for(Step::Ringing);
        let ring = Duration::from_millis(u64::from(self.settings.wish.ring_ms));
        self.answer_at = Some(self.now + ring);
        self.due = self.now + ring + self.settings.step;
        if ring.is_zero() {
            self.pick_up();
        }
    }

    fn pick_up(&mut self) {
        self.answer_at = None;
        self.done();
        self.wait_for(Step::Answer);
        self.set_up_from = self.now;
        self.open_media();
    }

    /// A datagram came.
    pub(super) fn datagram(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        self.now = now;
        if self.paths.takes(from) {
            self.paths.datagram(now, from, bytes);
            return self.drain_paths();
        }
        if let Some(media) = &mut self.media {
            media.datagram(now, from, bytes);
        }
        self.drain_media();
    }

    /// Time has come to [`TestCall::wake`].
    pub(super) fn timeout(&mut self, now: Duration) {
        self.now = now;
        if self.over {
            return;
        }
        self.send_made();
        if !self.more_is_due(now) {
            return;
        }
        if self.answer_at.is_some_and(|at| at <= now) {
            self.pick_up();
        }
        self.talk_on();
        self.paths.timeout(now);
        self.drain_paths();
        if let Some(media) = &mut self.media
            && media.wake().is_some_and(|wake| wake <= now)
        {
            media.timeout(now);
        }
        self.drain_media();
        if self.hang_up_at.is_some_and(|at| at <= now) {
            self.judge();
        } else if self.due <= now && !self.over {
            self.overdue();
        }
    }

    fn overdue(&mut self) {
        match self.step {
            // The partner promised to make it ring; what became of it only the partner knows.
            Step::Invite if self.facts.sid.is_some() && self.facts.status.is_some() && self.promised.is_some() => {
                self.promised = None;
                self.due = self.now + self.settings.step;
                self.act(CallAction::AskStatus);
            }
            Step::Invite if self.facts.sid.is_some() => self.fail(FailureReason::NotDelivered),
            Step::Ice => self.no_path(),
            Step::Dtls => self.fail(FailureReason::NoKeys),
            // Whoever was called stays until the other client is done: that is heard at the end as well.
            Step::Media if self.settings.caller().is_some() => self.due = Duration::MAX,
            // Nothing came since the keys were agreed, or nothing more.
            Step::Media if self.talk.as_ref().is_some_and(|talk| talk.last_packet().is_some()) => {
                self.fail(FailureReason::AudioDied);
            }
            Step::Media => self.fail(FailureReason::NoAudio),
            _ => self.fail(FailureReason::NoAnswer),
        }
    }

    // ---- inside --------------------------------------------------------------------------

    pub(super) fn act(&mut self, action: CallAction) {
        self.actions.push_back(action);
    }

    pub(super) fn wait_for(&mut self, step: Step) {
        self.step = step;
        self.began = self.now;
        self.due = self.now + self.settings.step;
    }

    pub(super) fn done(&mut self) {
        let took = self.now.saturating_sub(self.began);
        self.act(CallAction::Done(self.step, took));
    }

    pub(super) fn bad_description(&mut self) {
        self.act(CallAction::Trouble(MediaTrouble::Description));
        self.fail(FailureReason::BadDescription);
    }

    pub(super) fn fail(&mut self, reason: FailureReason) {
        let failure = Failure { step: self.step, reason, wire_code: None, device_errors: Vec::new() };
        self.finish(Outcome::Failed(failure));
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        if self.over {
            return;
        }
        if let Some(talk) = &mut self.talk {
            talk.play(self.now);
        }
        self.made.forget();
        self.over = true;
        self.act(CallAction::Over(outcome));
    }
}

pub(super) fn whole_millis(length: Duration) -> u32 {
    u32::try_from(length.as_millis()).unwrap_or(u32::MAX)
}
