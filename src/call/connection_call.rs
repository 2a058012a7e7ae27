//! What a connection does for its call: carries it between the device, the media's socket and the
//! partner's REST API.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::{
    CallDirection, CallEvent, CallStatus, Degradation, Failure, FailureReason, Outcome, RestAnswer, RestRequest,
    Signalling, Step,
};

use super::PathInput;
use super::connection::{Connection, Phase};
use super::connection_io::Output;
use super::relay_farewell::RelayFarewell;
use super::test_call::{CallAction, TestCall};

/// Seconds that a call may last longer than it is meant to.
const TIME_LIMIT_SLACK_S: u32 = 15;

impl<S: Signalling> Connection<S> {
    pub(super) fn begin_call(&mut self) {
        let Some(settings) = self.settings.call.clone() else { return };
        self.phase = Phase::Calling;
        self.call = Some(Box::new(TestCall::new(settings, self.elapsed)));
        self.drain_call();
    }

    /// True if the connection is to make a call of this direction.
    pub(super) fn calls(&self, direction: CallDirection) -> bool {
        self.settings.call.as_ref().is_some_and(|call| call.wish.direction == direction)
    }

    /// True if the partner was asked to make us ring.
    fn was_ordered(&self) -> bool {
        let by_other = self.settings.call.as_ref().is_some_and(|call| call.caller().is_some());
        self.calls(CallDirection::Inbound) && !by_other
    }

    pub(super) fn media_open(&mut self, local: SocketAddr) {
        let now = self.elapsed;
        self.with_call(|call| call.media_open(now, local));
    }

    pub(super) fn datagram(&mut self, at: Duration, from: SocketAddr, bytes: &[u8]) {
        self.with_call(|call| call.datagram(at, from, bytes));
    }

    pub(super) fn path(&mut self, input: PathInput<'_>) {
        let now = self.elapsed;
        match (&mut self.farewell, input) {
            (Some(farewell), PathInput::Bytes(server, bytes)) => farewell.bytes(now, server, bytes),
            (Some(farewell), PathInput::Ended(server, _)) => farewell.ended(now, server),
            (Some(_), PathInput::Servers(_) | PathInput::Open(..)) => {}
            (None, input) => self.with_call(|call| call.path(now, input)),
        }
    }

    /// A datagram after the call: a server takes back what it gave.
    pub(super) fn late_datagram(&mut self, from: SocketAddr, bytes: &[u8]) {
        if let Some(farewell) = &mut self.farewell {
            farewell.datagram(self.elapsed, from, bytes);
        }
    }

    /// What is left to do at TURN servers, once the attempt is over.
    pub fn take_farewell(&mut self) -> Option<RelayFarewell> {
        self.farewell.take().filter(|farewell| !farewell.is_over())
    }

    pub(super) fn rest_answered(&mut self, answer: RestAnswer) {
        if self.phase == Phase::Waiting(Step::Hangup) {
            return match answer {
                // The answer to our order: the call is not wanted any more.
                RestAnswer::Call { sid, .. } if self.given_up.is_some() && !self.status_asked && self.was_ordered() => {
                    self.outputs.push_back(Output::Rest(RestRequest::End { sid }));
                }
                answer => self.compare_status(answer),
            };
        }
        let now = self.elapsed;
        self.with_call(|call| call.rest_answered(now, answer));
    }

    pub(super) fn other_talks(&mut self, at: Duration) {
        self.with_call(|call| call.other_talks(at));
    }

    pub(super) fn other_over(&mut self) {
        let now = self.elapsed;
        self.with_call(|call| call.other_over(now));
    }

    pub(super) fn call_timeout(&mut self) {
        let now = self.elapsed;
        self.with_call(|call| call.timeout(now));
    }

    pub(super) fn call_event(&mut self, event: CallEvent) {
        let (now, error) = (self.elapsed, self.call_error.take());
        self.with_call(|call| match (event, error) {
            (CallEvent::Ended, Some(wire_code)) => call.rejected(now, wire_code),
            (event, _) => call.event(now, event),
        });
    }

    /// The device raised an error during the call: the reason of an end that follows, or, while
    /// audio flows, something that the call may outlive.
    pub(super) fn call_raised(&mut self, wire_code: Option<u32>) {
        let now = self.elapsed;
        match self.call.as_ref().map(|call| call.step()) {
            Some(Step::Media) => {
                self.seen.degrade(Degradation::ErrorFrame);
                self.call_error = Some(wire_code);
            }
            Some(_) => self.with_call(|call| call.rejected(now, wire_code)),
            None => {}
        }
    }

    /// The partner took the device offline: before it rings nothing can ring any more; a call goes on.
    pub(super) fn call_offline(&mut self) {
        if self.calls(CallDirection::Inbound) && self.call.as_ref().is_some_and(|call| call.step() == Step::Invite) {
            self.call_failed(FailureReason::WentOffline);
        }
    }

    fn with_call(&mut self, work: impl FnOnce(&mut TestCall)) {
        if let Some(call) = &mut self.call {
            work(call);
            self.drain_call();
        }
    }

    fn drain_call(&mut self) {
        while let Some(action) = self.call.as_mut().and_then(|call| call.poll()) {
            self.act_for_call(action);
        }
    }

    fn act_for_call(&mut self, action: CallAction) {
        let now = self.now();
        match action {
            CallAction::OpenMedia => self.outputs.push_back(Output::OpenMedia),
            CallAction::Path(request) => self.outputs.push_back(Output::Path(request)),
            CallAction::Originate => self.originate(),
            CallAction::Wait => self.outputs.push_back(Output::Waiting),
            CallAction::Talk => self.outputs.push_back(Output::Talks(self.elapsed)),
            CallAction::AskStatus => self.ask(|sid| RestRequest::Status { sid }),
            CallAction::Expect(sign) => self.signalling.expect(sign),
            CallAction::Invite(description) => {
                let temporary = self.settings.call.as_ref().map(|call| call.temporary.clone()).unwrap_or_default();
                self.signalling.invite(now, &temporary, &description);
            }
            CallAction::Answer(description) => self.signalling.answer(now, &description),
            CallAction::Press(digits) => {
                self.signalling.press(now, digits.as_str());
                self.drain(false);
            }
            CallAction::Trouble(trouble) => {
                self.signalling.media_trouble(trouble);
                self.drain(false);
            }
            CallAction::Transmit(to, bytes) => self.outputs.push_back(Output::Datagram { to, bytes }),
            CallAction::Done(step, took) => self.seen.step(step, took),
            CallAction::Degraded(what) => self.seen.degrade(what),
            CallAction::Over(outcome) => self.call_over(outcome),
        }
    }

    fn originate(&mut self) {
        let Some(settings) = &self.settings.call else { return };
        let seconds = |ms: u32| ms.div_ceil(1000);
        // A number may answer at once and only then let our device ring.
        let before = if settings.number.is_some() { seconds(settings.wish.ring_ms) } else { 0 };
        let request = RestRequest::Originate {
            marker: settings.marker.clone(),
            number: settings.number.clone(),
            time_limit_s: seconds(settings.wish.hold_ms) + before + TIME_LIMIT_SLACK_S,
            timeout_s: seconds(settings.wish.ring_ms) + TIME_LIMIT_SLACK_S,
        };
        self.outputs.push_back(Output::Rest(request));
    }

    fn ask(&mut self, request: impl FnOnce(String) -> RestRequest) {
        let under_way = self.call.as_ref().and_then(|call| call.sid());
        let sid = under_way.or_else(|| self.seen.call.as_ref()?.sid.as_ref());
        self.outputs.extend(sid.cloned().map(|sid| Output::Rest(request(sid))));
    }

    /// The call has come to its end.
    fn call_over(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Completed { .. } if self.calls(CallDirection::Inbound) => {
                self.end_call();
                if self.was_ordered() {
                    self.ask(|sid| RestRequest::Status { sid });
                    self.status_asked = true;
                }
                self.leave();
            }
            Outcome::Completed { .. } => {
                self.end_call();
                self.complete();
            }
            Outcome::Failed(Failure { reason, wire_code: None, .. }) => self.call_failed(reason),
            other => {
                self.abandon_call();
                self.decide(other);
            }
        }
    }

    /// The attempt fails while a call is under way: at the call's step.
    pub(super) fn call_failed(&mut self, reason: FailureReason) {
        let Some(call) = &self.call else { return };
        let (step, took) = (call.step(), call.step_took(self.elapsed));
        let wire_code = self.seen.device_errors.iter().rev().find_map(|error| error.wire_code);
        self.seen.step(step, took);
        self.abandon_call();
        self.decide(Outcome::Failed(Failure { step, reason, wire_code, device_errors: Vec::new() }));
    }

    /// Ends the call before its time. One that the partner was asked for is ended there as well: it
    /// may still be on its way to us.
    pub(super) fn abandon_call(&mut self) {
        if self.call.is_some() {
            self.end_call();
            if self.was_ordered() {
                self.ask(|sid| RestRequest::End { sid });
            }
        }
    }

    /// Hangs up and ends the media; what is known of the call is kept. Every way out of a call
    /// leads through here.
    pub(super) fn end_call(&mut self) {
        let Some(mut call) = self.call.take() else { return };
        self.seen.recording = call.recording();
        self.seen.call = Some(Box::new(call.facts()));
        self.signalling.hang_up(self.now());
        self.drain(false);
        call.close(self.elapsed);
        while let Some(action) = call.poll() {
            match action {
                CallAction::Transmit(to, bytes) => self.outputs.push_back(Output::Datagram { to, bytes }),
                CallAction::Path(request) => self.outputs.push_back(Output::Path(request)),
                _ => {}
            }
        }
        self.farewell = RelayFarewell::of(call.into_paths());
    }

    /// While leaving: does the partner say of the call what happened here?
    fn compare_status(&mut self, answer: RestAnswer) {
        self.status_asked = false;
        if let RestAnswer::Call { status, .. } = answer {
            self.take_status(status);
        }
        if self.offline {
            self.complete();
        }
    }

    fn take_status(&mut self, status: CallStatus) {
        if let Some(facts) = &mut self.seen.call {
            facts.status = Some(status);
        }
        if !matches!(status, CallStatus::Completed | CallStatus::InProgress) {
            self.seen.degrade(Degradation::StatusMismatch);
        }
    }
}
