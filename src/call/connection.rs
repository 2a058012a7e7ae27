//! The machine of one connection attempt.

use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::time::Duration;

use crate::model::{
    CallDirection, CertificateSeen, Deadlines, Degradation, Failure, FailureReason, LostReason, Outcome, SessionFacts,
    Signalling, SignallingEvent, SignallingOutput, SocketEnd, Step, ThrottleSign, Timestamp, millis,
};

use super::connection_io::{Input, Output};
use super::finding::Seen;
use super::test_call::TestCall;
use super::{CallSettings, Finding, RelayFarewell};

/// The close code of a device that leaves in peace.
const CLOSE_NORMAL: u16 = 1000;

/// How an attempt shall go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How long each step may take.
    pub deadlines: Deadlines,
    /// How long the registration is held before leaving.
    pub hold: Duration,
    /// False for a token that is not ours to register: stop at `connected`.
    pub register: bool,
    /// The first choice and what to fall back to; at least one, and one more is ever tried.
    pub routes: Vec<Route>,
    /// The call to make once connected (outbound) or registered (inbound), if any.
    pub call: Option<CallSettings>,
}

/// Which steps the way to an edge has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// False where there is no name to look up.
    pub dns: bool,
    /// False for `ws://`.
    pub tls: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// This step is under way.
    Waiting(Step),
    /// Registered, and staying so for a while.
    Holding,
    /// A call is under way, with steps and deadlines of its own.
    Calling,
    /// Everything is said.
    Over,
}

/// One attempt. Feed it with [`Connection::handle`], then drain [`Connection::poll`].
///
/// Time is the time since the attempt began, from a clock that only goes forward.
pub struct Connection<S> {
    pub(super) signalling: S,
    pub(super) settings: Settings,
    started: Timestamp,
    pub(super) elapsed: Duration,
    pub(super) phase: Phase,
    /// When the phase began and when it has taken too long.
    began: Duration,
    pub(super) due: Duration,
    /// When the present route must be open.
    opening_due: Duration,
    route: usize,
    /// True while frames can be sent.
    pub(super) open: bool,
    pub(super) seen: Seen,
    /// The call, while one is under way.
    pub(super) call: Option<Box<TestCall>>,
    /// An error that was raised while audio flowed, with its code on the wire: if the call ends
    /// next, that is why.
    pub(super) call_error: Option<Option<u32>>,
    /// While leaving: the partner was asked for the call's status and has not answered.
    pub(super) status_asked: bool,
    /// Leaving was confirmed.
    pub(super) offline: bool,
    /// What is left to do at TURN servers after the call.
    pub(super) farewell: Option<RelayFarewell>,
    verdict: Option<Outcome>,
    /// While leaving: why the attempt was given up.
    pub(super) given_up: Option<LostReason>,
    /// The first route's failure, while the second is tried.
    first: Option<Box<Finding>>,
    pub(super) outputs: VecDeque<Output>,
}

impl<S: Signalling> Connection<S> {
    /// An attempt that begins at `started`; its first outputs are ready.
    pub fn new(signalling: S, settings: Settings, started: Timestamp) -> Self {
        let mut connection = Self {
            signalling,
            settings,
            started,
            elapsed: Duration::ZERO,
            phase: Phase::Waiting(Step::Dns),
            began: Duration::ZERO,
            due: Duration::ZERO,
            opening_due: Duration::ZERO,
            route: 0,
            open: false,
            seen: Seen::default(),
            call: None,
            call_error: None,
            status_asked: false,
            offline: false,
            farewell: None,
            verdict: None,
            given_up: None,
            first: None,
            outputs: VecDeque::new(),
        };
        connection.begin_route(0);
        connection
    }

    /// Takes what happened, `elapsed` after the attempt began.
    pub fn handle(&mut self, elapsed: Duration, input: Input<'_>) {
        self.elapsed = self.elapsed.max(elapsed);
        match (self.phase, input) {
            (Phase::Over, _) => return,
            (Phase::Waiting(Step::Dns), Input::Resolved) => self.resolved(),
            (Phase::Waiting(Step::Tcp), Input::TcpConnected(address)) => self.tcp_connected(address),
            (Phase::Waiting(Step::Tls), Input::TlsUp(certificate)) => self.tls_up(certificate),
            (Phase::Waiting(Step::Upgrade), Input::Upgraded) => self.upgraded(),
            (Phase::Waiting(Step::Upgrade), Input::HttpRefused { status, retry_after_s }) => {
                self.http_refused(status, retry_after_s);
            }
            (_, Input::CouldNot(reason)) if self.open => self.unreadable(reason),
            (Phase::Waiting(step), Input::CouldNot(reason)) => self.not_opened(step, reason, SocketEnd::NotOpened),
            (_, Input::Text(text)) if self.open => self.signalling.received(self.now(), text),
            (_, Input::Foreign) if self.open => self.signalling.received_foreign(self.now()),
            (_, Input::Ended(end)) if self.open => self.socket_ended(end_reason(end), Some(end)),
            (Phase::Calling, Input::MediaOpen(local)) => self.media_open(local),
            // It may have come before what was done last.
            (Phase::Calling, Input::Datagram(from, bytes)) => self.datagram(elapsed, from, bytes),
            (_, Input::Path(input)) => self.path(input),
            (Phase::Calling, Input::OtherTalks(at)) => self.other_talks(at),
            (Phase::Calling, Input::OtherOver) => self.other_over(),
            (_, Input::Datagram(from, bytes)) => self.late_datagram(from, bytes),
            (_, Input::Rest(answer)) => self.rest_answered(answer.clone()),
            (_, Input::Timeout) => self.timeout(),
            (_, Input::GiveUp(reason)) => self.give_up(reason),
            _ => {}
        }
        self.judge();
    }

    /// When [`Input::Timeout`] wants to come, as time since the attempt began; `None` when over.
    pub fn wake(&self) -> Option<Duration> {
        if self.phase == Phase::Over {
            return None;
        }
        let device = if self.open { self.signalling.wake() } else { None };
        let device = device.map(|at| at.since(self.started));
        let due = match (&self.call, self.phase) {
            (Some(call), Phase::Calling) => call.wake().unwrap_or(self.due),
            _ => self.due,
        };
        Some(device.map_or(due, |at| at.min(due)))
    }

    /// True while audio flows: then a datagram may wait until [`Connection::listens`], if it is told
    /// with the moment at which it came.
    pub fn talks(&self) -> bool {
        self.phase == Phase::Calling && self.call.as_ref().is_some_and(|call| call.talks())
    }

    /// True if it is time to be told what has come while audio flows: whenever more is due than to send a
    /// frame that was made before, every 100 ms at least.
    pub fn listens(&self, elapsed: Duration) -> bool {
        self.talks() && self.call.as_ref().is_some_and(|call| call.more_is_due(elapsed))
    }

    /// The next thing to do; `None` when drained.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The moment, for the device: whole milliseconds.
    pub(super) fn now(&self) -> Timestamp {
        self.started.plus(Duration::from_millis(millis(self.elapsed).unsigned_abs()))
    }

    // ---- opening -------------------------------------------------------------------------

    fn begin_route(&mut self, number: usize) {
        let deadlines = self.settings.deadlines;
        let dns = self.settings.routes.get(number).is_none_or(|route| route.dns);
        self.route = number;
        self.opening_due = self.elapsed.saturating_add(deadlines.opening());
        if dns {
            self.begin(Step::Dns, Output::Resolve(number));
        } else {
            self.begin(Step::Tcp, Output::Connect(number));
        }
    }

    fn begin(&mut self, step: Step, output: Output) {
        self.wait_for(step);
        self.outputs.push_back(output);
    }

    fn wait_for(&mut self, step: Step) {
        self.phase = Phase::Waiting(step);
        self.began = self.elapsed;
        self.due = self.elapsed.saturating_add(self.settings.deadlines.of(step));
        if is_opening(step) {
            self.due = self.due.min(self.opening_due);
        }
    }

    /// Notes how long a step took, once.
    fn done(&mut self, step: Step) {
        self.seen.step(step, self.elapsed.saturating_sub(self.began));
    }

    fn resolved(&mut self) {
        self.done(Step::Dns);
        self.begin(Step::Tcp, Output::Connect(self.route));
    }

    fn tcp_connected(&mut self, address: SocketAddr) {
        self.done(Step::Tcp);
        self.seen.address(address);
        if self.settings.routes.get(self.route).is_none_or(|route| route.tls) {
            self.begin(Step::Tls, Output::Handshake);
        } else {
            self.begin(Step::Upgrade, Output::Upgrade);
        }
    }

    fn tls_up(&mut self, certificate: Option<CertificateSeen>) {
        self.done(Step::Tls);
        self.seen.certificate = certificate;
        self.begin(Step::Upgrade, Output::Upgrade);
    }

    fn upgraded(&mut self) {
        self.done(Step::Upgrade);
        self.open = true;
        if self.first.take().is_some() {
            self.seen.degrade(Degradation::FallbackEdge);
        }
        self.wait_for(Step::Connected);
        self.signalling.opened(self.now());
    }

    fn http_refused(&mut self, status: u16, retry_after_s: Option<u32>) {
        if status == 429 || (status == 403 && retry_after_s.is_some()) {
            let sign = ThrottleSign::HttpStatus(status);
            self.decide(Outcome::Throttled { step: Step::Upgrade, sign, retry_after_s });
        } else {
            self.not_opened(Step::Upgrade, FailureReason::HttpStatus(status), SocketEnd::NotOpened);
        }
    }

    fn not_opened(&mut self, step: Step, reason: FailureReason, end: SocketEnd) {
        self.done(step);
        self.signalling.ended(self.now(), end);
        self.drain(false);
        let failure = failed(step, reason, None);
        if let Some(first) = self.first.take() {
            self.route = first.route;
            self.finish_with(*first);
        } else if self.route + 1 < self.settings.routes.len() {
            self.first = Some(Box::new(mem::take(&mut self.seen).into_finding(failure, self.route)));
            self.begin_route(self.route + 1);
        } else {
            self.decide(failure);
        }
    }

    // ---- the open socket -----------------------------------------------------------------

    fn unreadable(&mut self, reason: FailureReason) {
        let end = match reason {
            // A browser takes a frame that is too large for us.
            FailureReason::FrameTooLarge => None,
            FailureReason::MalformedFrame => Some(SocketEnd::Refused),
            _ => Some(SocketEnd::Broken),
        };
        self.socket_ended(reason, end);
    }

    fn socket_ended(&mut self, reason: FailureReason, end: Option<SocketEnd>) {
        self.open = false;
        if let Some(end) = end {
            self.signalling.ended(self.now(), end);
        }
        self.drain(false);
        let quiet = matches!(end, Some(SocketEnd::Closed(_))) && self.seen.device_errors.is_empty();
        match self.phase {
            Phase::Waiting(Step::Hangup) => self.left(false),
            Phase::Holding if quiet => {
                self.seen.degrade(Degradation::Reconnected);
                self.complete();
            }
            Phase::Calling => self.call_failed(reason),
            Phase::Waiting(_) | Phase::Holding | Phase::Over => self.fail(reason),
        }
    }

    fn timeout(&mut self) {
        let now = self.now();
        if self.open && self.signalling.wake().is_some_and(|wake| wake <= now) {
            self.signalling.timeout(now);
            self.judge();
        }
        if self.phase == Phase::Calling {
            return self.call_timeout();
        }
        if self.elapsed < self.due || self.phase == Phase::Over {
            return;
        }
        match self.phase {
            Phase::Waiting(Step::Hangup) => self.left(self.offline),
            Phase::Waiting(step) if is_opening(step) => {
                self.not_opened(step, FailureReason::NoAnswer, SocketEnd::OpenTimeout);
            }
            Phase::Waiting(_) => self.fail(FailureReason::NoAnswer),
            Phase::Holding => self.leave(),
            Phase::Calling | Phase::Over => {}
        }
    }

    /// Drains the device and, if that or the caller has brought a verdict, ends.
    fn judge(&mut self) {
        self.drain(true);
        let opening = matches!(self.phase, Phase::Waiting(step) if is_opening(step));
        if !opening && !self.open && self.phase != Phase::Over {
            // The device closed its socket; a verdict that said why stands before this one.
            self.cut_off(FailureReason::StreamEnded);
        }
        if self.phase != Phase::Over
            && let Some(outcome) = self.verdict.take()
        {
            if let Phase::Waiting(step) = self.phase {
                self.done(step);
            }
            self.abandon_call();
            let finding = mem::take(&mut self.seen).into_finding(outcome, self.route);
            self.finish_with(finding);
        }
    }

    /// Takes what the device gives out. Where `judging` is false the socket's end has already
    /// been judged, and only the errors that it raises count.
    pub(super) fn drain(&mut self, judging: bool) {
        while let Some(output) = self.signalling.poll() {
            match output {
                SignallingOutput::Send(text) if self.open => self.outputs.push_back(Output::Send(text)),
                SignallingOutput::Close(code) if mem::take(&mut self.open) => {
                    self.outputs.push_back(Output::Close(code));
                }
                SignallingOutput::Send(_) | SignallingOutput::Close(_) => {}
                SignallingOutput::Event(event) => self.event(event, judging),
            }
        }
    }

    fn event(&mut self, event: SignallingEvent, judging: bool) {
        match event {
            SignallingEvent::DeviceError { error, retry_after_s, throttled } => {
                let code = error.wire_code.unwrap_or(error.code);
                let wire_code = error.wire_code;
                self.seen.device_error(error);
                if judging {
                    let throttle = throttled.then_some((ThrottleSign::WireCode(code), retry_after_s));
                    self.device_error(throttle, wire_code);
                }
            }
            SignallingEvent::Degraded(how) => self.seen.degrade(how),
            SignallingEvent::Located { gateway, region } => self.seen.located(gateway, region),
            _ if !judging => {}
            SignallingEvent::Connected(facts) => self.connected(facts),
            SignallingEvent::Registered => self.registered(),
            SignallingEvent::Offline => self.offline(),
            SignallingEvent::StreamEnded => self.cut_off(FailureReason::StreamEnded),
            SignallingEvent::HeartbeatLost => self.cut_off(FailureReason::HeartbeatLost),
            SignallingEvent::Call(event) => self.call_event(event),
        }
    }

    fn connected(&mut self, facts: SessionFacts) {
        if self.phase != Phase::Waiting(Step::Connected) || self.verdict.is_some() {
            return;
        }
        self.done(Step::Connected);
        self.seen.session(facts);
        if self.calls(CallDirection::Outbound) {
            self.begin_call();
        } else if self.settings.register {
            self.wait_for(Step::Registered);
            self.signalling.register(self.now());
        } else {
            self.complete();
        }
    }

    fn registered(&mut self) {
        if self.phase != Phase::Waiting(Step::Registered) || self.verdict.is_some() {
            return;
        }
        self.done(Step::Registered);
        if self.calls(CallDirection::Inbound) {
            return self.begin_call();
        }
        self.phase = Phase::Holding;
        self.due = self.elapsed.saturating_add(self.settings.hold);
        if self.settings.hold.is_zero() {
            self.leave();
        }
    }

    pub(super) fn leave(&mut self) {
        self.wait_for(Step::Hangup);
        self.signalling.leave(self.now());
    }

    fn offline(&mut self) {
        match self.phase {
            Phase::Waiting(Step::Hangup) if self.status_asked => self.offline = true,
            Phase::Waiting(Step::Hangup) => self.left(true),
            Phase::Waiting(Step::Registered) | Phase::Holding => self.fail(FailureReason::WentOffline),
            Phase::Calling => self.call_offline(),
            Phase::Waiting(_) | Phase::Over => {}
        }
    }

    fn device_error(&mut self, throttle: Option<(ThrottleSign, Option<u32>)>, wire_code: Option<u32>) {
        let Some(step) = self.present_step() else { return };
        if let Some((sign, retry_after_s)) = throttle {
            self.decide(Outcome::Throttled { step, sign, retry_after_s });
            return;
        }
        match self.phase {
            Phase::Holding | Phase::Waiting(Step::Hangup) => self.seen.degrade(Degradation::ErrorFrame),
            Phase::Waiting(_) => {
                let failure = failed(step, FailureReason::Rejected, wire_code);
                self.decide(failure);
            }
            Phase::Calling => self.call_raised(wire_code),
            Phase::Over => {}
        }
    }

    /// The device gave the connection up, for good or for now.
    fn cut_off(&mut self, reason: FailureReason) {
        if self.phase == Phase::Waiting(Step::Hangup) {
            self.left(false);
        } else if self.phase == Phase::Calling {
            self.call_failed(reason);
        } else {
            self.fail(reason);
        }
    }

    // ---- verdicts ------------------------------------------------------------------------

    /// The step that a verdict of now is about.
    fn present_step(&self) -> Option<Step> {
        match self.phase {
            Phase::Waiting(step) => Some(step),
            Phase::Holding => Some(Step::Registered),
            Phase::Calling => self.call.as_ref().map(|call| call.step()),
            Phase::Over => None,
        }
    }

    fn fail(&mut self, reason: FailureReason) {
        let Some(step) = self.present_step() else { return };
        let wire_code = self.seen.device_errors.iter().rev().find_map(|error| error.wire_code);
        let failure = failed(step, reason, wire_code);
        self.decide(failure);
    }

    fn left(&mut self, confirmed: bool) {
        if !confirmed {
            self.seen.degrade(Degradation::LeaveUnconfirmed);
        }
        self.complete();
    }

    /// The first verdict stands.
    pub(super) fn decide(&mut self, outcome: Outcome) {
        self.verdict.get_or_insert(outcome);
    }

    fn finish_with(&mut self, finding: Finding) {
        if mem::take(&mut self.open) {
            self.outputs.push_back(Output::Close(CLOSE_NORMAL));
        }
        self.phase = Phase::Over;
        self.outputs.push_back(Output::Done(Box::new(finding)));
    }
}

/// A failure; the device errors are added at the end, when all of them are known.
const fn failed(step: Step, reason: FailureReason, wire_code: Option<u32>) -> Outcome {
    Outcome::Failed(Failure { step, reason, wire_code, device_errors: Vec::new() })
}

const fn is_opening(step: Step) -> bool {
    matches!(step, Step::Dns | Step::Tcp | Step::Tls | Step::Upgrade)
}

const fn end_reason(end: SocketEnd) -> FailureReason {
    match end {
        SocketEnd::Closed(code) => FailureReason::Closed(code),
        SocketEnd::Refused => FailureReason::MalformedFrame,
        SocketEnd::NotOpened | SocketEnd::OpenTimeout | SocketEnd::Broken => FailureReason::ConnectionReset,
    }
}
