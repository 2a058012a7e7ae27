//! The table of the module's documentation, row by row, with a device that follows a script.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::{
    CallDirection, CallStatus, CallWish, Codec, Deadlines, Degradation, DeviceError, ErrorClass, ExpectedCall,
    FailureReason, LostReason, MediaPath, MediaTrouble, Origin, Outcome, RestAnswer, RestRequest, SessionFacts,
    Signalling, SignallingEvent, SignallingOutput, SocketEnd, Step, ThrottleSign, Timestamp,
};

/// A device whose frames are words: each word is the event that it makes.
#[derive(Default)]
struct Scripted {
    outputs: VecDeque<SignallingOutput>,
}

impl Scripted {
    fn event(&mut self, event: SignallingEvent) {
        self.outputs.push_back(SignallingOutput::Event(event));
    }

    fn error(&mut self, code: u32, wire_code: Option<u32>, throttled: bool) {
        let name = Cow::Borrowed("Error");
        let error = DeviceError { code, name, class: ErrorClass::Signalling, wire_code };
        self.event(SignallingEvent::DeviceError { error, retry_after_s: throttled.then_some(30), throttled });
    }

    fn send(&mut self, text: &str) {
        self.outputs.push_back(SignallingOutput::Send(text.to_owned()));
    }
}

impl Signalling for Scripted {
    fn opened(&mut self, _: Timestamp) {
        self.send("listen");
    }
    fn received(&mut self, _: Timestamp, text: &str) {
        match text {
            "connected" => self.event(SignallingEvent::Connected(SessionFacts::default())),
            "ready" => self.event(SignallingEvent::Registered),
            "offline" => self.event(SignallingEvent::Offline),
            "close" => {
                self.outputs.push_back(SignallingOutput::Close(1000));
                self.event(SignallingEvent::StreamEnded);
            }
            "still" => {
                self.event(SignallingEvent::HeartbeatLost);
                self.outputs.push_back(SignallingOutput::Close(1000));
            }
            "hang up" => self.outputs.push_back(SignallingOutput::Close(1000)),
            "refuse" => self.error(20101, Some(31204), false),
            "refuse and offline" => {
                self.error(20104, Some(31205), false);
                self.event(SignallingEvent::Offline);
            }
            "slow down" => self.error(31206, Some(31206), true),
            _ => self.event(SignallingEvent::Degraded(Degradation::Garbage)),
        }
    }
    fn received_foreign(&mut self, _: Timestamp) {
        self.event(SignallingEvent::Degraded(Degradation::ForeignFrame));
    }
    fn register(&mut self, _: Timestamp) {
        self.send("register");
    }
    fn leave(&mut self, _: Timestamp) {
        self.send("leave");
    }
    fn invite(&mut self, _: Timestamp, _: &str, _: &str) {}
    fn expect(&mut self, _: ExpectedCall) {}
    fn answer(&mut self, _: Timestamp, _: &str) {}
    fn press(&mut self, _: Timestamp, _: &str) {}

    fn hang_up(&mut self, _: Timestamp) {}
    fn media_trouble(&mut self, _: MediaTrouble) {}
    fn ended(&mut self, _: Timestamp, end: SocketEnd) {
        match end {
            SocketEnd::NotOpened | SocketEnd::Refused => {
                self.error(31000, None, false);
                self.error(31005, None, false);
            }
            SocketEnd::Broken => {
                self.error(31005, None, false);
                self.event(SignallingEvent::Offline);
            }
            SocketEnd::OpenTimeout | SocketEnd::Closed(_) => self.event(SignallingEvent::Offline),
        }
    }
    fn timeout(&mut self, _: Timestamp) {}
    fn wake(&self) -> Option<Timestamp> {
        None
    }
    fn poll(&mut self) -> Option<SignallingOutput> {
        self.outputs.pop_front()
    }
}

const ROUTE: Route = Route { dns: true, tls: true };
const OPEN: [Input<'_>; 4] = [Input::Resolved, TCP, Input::TlsUp(None), Input::Upgraded];
const TCP: Input<'_> =
    Input::TcpConnected(std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 443));
/// As long as the machine wants to wait, then a timeout.
const WAIT: Input<'_> = Input::Timeout;

fn settings(routes: usize) -> Settings {
    let deadlines = Deadlines::DEFAULT;
    Settings { deadlines, hold: Duration::from_secs(2), register: true, routes: vec![ROUTE; routes], call: None }
}

struct Told {
    finding: Finding,
    /// Everything that was asked for, without the finding.
    asked: Vec<Output>,
}

fn run(settings: Settings, inputs: &[Input<'_>]) -> Told {
    let mut machine = Connection::new(Scripted::default(), settings, Timestamp::from_millis(1_000));
    let mut elapsed = Duration::ZERO;
    let mut asked = Vec::new();
    let mut finding = None;
    for input in inputs {
        elapsed = match (input, machine.wake()) {
            (Input::Timeout, Some(wake)) => wake,
            _ => elapsed + Duration::from_millis(10),
        };
        machine.handle(elapsed, *input);
        while let Some(output) = machine.poll() {
            match output {
                Output::Done(found) => finding = Some(*found),
                other => asked.push(other),
            }
        }
    }
    Told { finding: finding.expect("the script ends the attempt"), asked }
}

fn opened(more: &[Input<'static>]) -> Vec<Input<'static>> {
    OPEN.into_iter().chain(more.iter().copied()).collect()
}

/// An outcome in few words: `failed registered WentOffline 31005 [31005]`.
fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed { degraded } => format!("completed {degraded:?}"),
        Outcome::Failed(failure) => {
            let codes: Vec<u32> = failure.device_errors.iter().map(|error| error.code).collect();
            let wire = failure.wire_code.map_or(String::new(), |code| format!(" wire {code}"));
            format!("failed {} {:?}{wire} {codes:?}", failure.step, failure.reason)
        }
        Outcome::Throttled { step, sign, retry_after_s } => format!("throttled {step} {sign:?} {retry_after_s:?}"),
        Outcome::Lost { reason } => format!("lost {reason:?}"),
    }
}

const CONNECTED: Input<'_> = Input::Text("connected");
const READY: Input<'_> = Input::Text("ready");
const OFFLINE: Input<'_> = Input::Text("offline");
const BROKEN: Input<'_> = Input::Ended(SocketEnd::Broken);
const CLOSED: Input<'_> = Input::Ended(SocketEnd::Closed(1000));

#[test]
fn a_good_attempt_does_every_step_in_order_and_leaves_properly() {
    let told = run(settings(1), &opened(&[CONNECTED, READY, WAIT, OFFLINE]));
    assert_eq!(told.finding.outcome, Outcome::completed());
    let steps: Vec<(Step, u128)> = told.finding.steps.iter().map(|s| (s.step, s.took.as_millis())).collect();
    let expected = [Step::Dns, Step::Tcp, Step::Tls, Step::Upgrade, Step::Connected, Step::Registered, Step::Hangup];
    assert_eq!(steps, expected.map(|step| (step, 10)));
    let asked = format!("{:?}", told.asked);
    assert_eq!(
        asked, "[Resolve(0), Connect(0), Handshake, Upgrade, Send(6 bytes), Send(8 bytes), Send(5 bytes), Close(1000)]",
        "nothing that is sent is shown"
    );
}

#[test]
fn what_happens_while_opening() {
    let refused = |status, retry_after_s| {
        vec![Input::Resolved, TCP, Input::TlsUp(None), Input::HttpRefused { status, retry_after_s }]
    };
    for (inputs, expected) in [
        (vec![WAIT], "failed dns NoAnswer []"),
        (vec![Input::CouldNot(FailureReason::NameNotFound)], "failed dns NameNotFound [31000, 31005]"),
        (vec![Input::Resolved, WAIT], "failed tcp NoAnswer []"),
        (
            vec![Input::Resolved, Input::CouldNot(FailureReason::ConnectionRefused)],
            "failed tcp ConnectionRefused [31000, 31005]",
        ),
        (
            vec![Input::Resolved, TCP, Input::CouldNot(FailureReason::CertificateExpired)],
            "failed tls CertificateExpired [31000, 31005]",
        ),
        (vec![Input::Resolved, TCP, Input::TlsUp(None), WAIT], "failed upgrade NoAnswer []"),
        (refused(503, Some(3)), "failed upgrade HttpStatus(503) [31000, 31005]"),
        (refused(403, None), "failed upgrade HttpStatus(403) [31000, 31005]"),
        (refused(403, Some(9)), "throttled upgrade HttpStatus(403) Some(9)"),
        (refused(429, None), "throttled upgrade HttpStatus(429) None"),
    ] {
        assert_eq!(said(&run(settings(1), &inputs).finding.outcome), expected);
    }
}

#[test]
fn what_happens_before_registration() {
    for (more, expected) in [
        (vec![WAIT], "failed connected NoAnswer []"),
        (vec![Input::Text("refuse")], "failed connected Rejected wire 31204 [20101]"),
        (vec![Input::Text("slow down")], "throttled connected WireCode(31206) Some(30)"),
        (vec![Input::Text("close")], "failed connected StreamEnded []"),
        (vec![Input::Text("still")], "failed connected HeartbeatLost []"),
        (vec![CLOSED], "failed connected Closed(1000) []"),
        (vec![BROKEN], "failed connected ConnectionReset [31005]"),
        (vec![OFFLINE, CONNECTED, WAIT], "failed registered NoAnswer []"),
        (vec![CONNECTED, OFFLINE], "failed registered WentOffline []"),
        (vec![CONNECTED, Input::Text("refuse and offline")], "failed registered Rejected wire 31205 [20104]"),
        (vec![CONNECTED, BROKEN], "failed registered ConnectionReset [31005]"),
        (vec![Input::CouldNot(FailureReason::MalformedFrame)], "failed connected MalformedFrame [31000, 31005]"),
        (vec![Input::CouldNot(FailureReason::FrameTooLarge)], "failed connected FrameTooLarge []"),
        (vec![Input::Foreign, WAIT], "failed connected NoAnswer []"),
        (vec![Input::Text("hang up")], "failed connected StreamEnded []"),
    ] {
        assert_eq!(said(&run(settings(1), &opened(&more)).finding.outcome), expected);
    }
}

#[test]
fn what_happens_after_registration() {
    for (more, expected) in [
        (vec![OFFLINE], "failed registered WentOffline []"),
        (vec![BROKEN], "failed registered ConnectionReset [31005]"),
        (vec![CLOSED], "completed [Reconnected]"),
        (vec![Input::Text("refuse"), CLOSED], "failed registered Closed(1000) wire 31204 [20101]"),
        (vec![Input::Text("refuse"), WAIT, OFFLINE], "completed [ErrorFrame]"),
        (vec![Input::Text("refuse"), OFFLINE], "failed registered WentOffline wire 31204 [20101]"),
        (vec![Input::Text("slow down")], "throttled registered WireCode(31206) Some(30)"),
        (vec![Input::Text("close")], "failed registered StreamEnded []"),
        (vec![Input::Text("still")], "failed registered HeartbeatLost []"),
        (vec![Input::Text("?"), Input::Text("??"), WAIT, OFFLINE], "completed [Garbage]"),
        (vec![Input::Foreign, WAIT, OFFLINE], "completed [ForeignFrame]"),
        (vec![Input::CouldNot(FailureReason::FrameTooLarge)], "failed registered FrameTooLarge []"),
        (vec![WAIT, WAIT], "completed [LeaveUnconfirmed]"),
        (vec![WAIT, CLOSED], "completed [LeaveUnconfirmed]"),
        (vec![WAIT, BROKEN], "completed [LeaveUnconfirmed]"),
        (vec![WAIT, Input::Text("still")], "completed [LeaveUnconfirmed]"),
        (vec![WAIT, Input::Text("slow down")], "throttled hangup WireCode(31206) Some(30)"),
    ] {
        let more: Vec<_> = [CONNECTED, READY].into_iter().chain(more).collect();
        assert_eq!(said(&run(settings(1), &opened(&more)).finding.outcome), expected);
    }
}

#[test]
fn a_refused_token_is_decided_at_its_frame_and_the_socket_closed() {
    let told = run(settings(1), &opened(&[Input::Text("refuse")]));
    assert_eq!(told.asked.last(), Some(&Output::Close(1000)));
    assert_eq!(told.finding.steps.last().map(|s| s.step), Some(Step::Connected));
}

#[test]
fn a_second_edge_is_tried_once() {
    let refused = [Input::Resolved, Input::CouldNot(FailureReason::ConnectionRefused)];
    let good = opened(&[CONNECTED, READY, WAIT, OFFLINE]);

    let told = run(settings(3), &[&refused[..], &good].concat());
    assert_eq!(said(&told.finding.outcome), "completed [FallbackEdge]");
    assert_eq!((told.finding.route, told.finding.steps.len()), (1, 7));

    let told = run(settings(3), &[&refused[..], &[WAIT]].concat());
    assert_eq!(said(&told.finding.outcome), "failed tcp ConnectionRefused [31000, 31005]");
    assert_eq!((told.finding.route, told.finding.steps.len()), (0, 2));

    let told = run(settings(2), &[&refused[..], &opened(&[Input::Text("refuse")])].concat());
    assert_eq!(said(&told.finding.outcome), "failed connected Rejected wire 31204 [20101]");
    assert_eq!(told.finding.route, 1);
}

#[test]
fn a_throttled_attempt_tries_no_other_edge() {
    let throttled = Input::HttpRefused { status: 429, retry_after_s: Some(7) };
    let told = run(settings(2), &[Input::Resolved, TCP, Input::TlsUp(None), throttled]);
    let sign = ThrottleSign::HttpStatus(429);
    assert_eq!(told.finding.outcome, Outcome::Throttled { step: Step::Upgrade, sign, retry_after_s: Some(7) });
}

#[test]
fn a_token_that_is_not_ours_is_not_registered() {
    let told = run(Settings { register: false, ..settings(1) }, &opened(&[CONNECTED]));
    assert_eq!(told.finding.outcome, Outcome::completed());
    assert_eq!(told.asked.last(), Some(&Output::Close(1000)));
    assert!(!told.asked.contains(&Output::Send("register".to_owned())));
}

#[test]
fn opening_may_not_take_longer_than_the_sdk_waits_however_the_time_is_spent() {
    let deadlines = Deadlines { step: Duration::from_secs(4), ..Deadlines::DEFAULT };
    let mut machine =
        Connection::new(Scripted::default(), Settings { deadlines, ..settings(1) }, Timestamp::from_millis(0));
    machine.handle(Duration::from_secs(3), Input::Resolved);
    assert_eq!(machine.wake(), Some(Deadlines::OPENING));
    machine.handle(Duration::from_millis(3_100), TCP);
    machine.handle(Duration::from_millis(3_200), Input::TlsUp(None));
    machine.handle(Duration::from_millis(3_300), Input::Upgraded);
    assert_eq!(machine.wake(), Some(Duration::from_millis(7_300)), "the open socket has its own deadline");
}

#[test]
fn whoever_gives_up_leaves_as_far_as_it_has_come() {
    let reason = LostReason::Stopped;
    let give_up = Input::GiveUp(reason);
    let lost = Outcome::Lost { reason };
    for (inputs, last) in [
        (vec![give_up], "Resolve(0)"),
        (vec![Input::Resolved, TCP, give_up], "Handshake"),
        (opened(&[give_up]), "Close(1000)"),
        // About to be registered, or registered: it takes itself off first.
        (opened(&[CONNECTED, give_up, OFFLINE]), "Send(5 bytes), Close(1000)"),
        (opened(&[CONNECTED, READY, give_up, OFFLINE]), "Send(5 bytes), Close(1000)"),
        (opened(&[CONNECTED, READY, give_up, WAIT]), "Send(5 bytes), Close(1000)"),
        (opened(&[CONNECTED, READY, give_up, CLOSED]), "Send(5 bytes)"),
    ] {
        let told = run(settings(1), &inputs);
        assert_eq!(told.finding.outcome, lost, "{inputs:?}");
        let asked = format!("{:?}", told.asked);
        assert!(asked.ends_with(&format!("{last}]")), "{inputs:?}: {asked}");
    }
    let told = run(settings(1), &opened(&[CONNECTED, READY, WAIT, give_up, OFFLINE]));
    assert_eq!(told.finding.outcome, Outcome::completed(), "it was leaving already");
}

#[test]
fn a_call_that_was_ordered_is_ended_when_it_is_given_up() {
    let promised = RestAnswer::Call { sid: "CA7".to_owned(), status: CallStatus::Queued };
    let more = [Input::Rest(&promised), Input::GiveUp(LostReason::Stopped), OFFLINE];
    let settings = Settings { call: Some(inbound_call()), ..settings(1) };
    let told = run(settings, &opened(&[CONNECTED, READY]).into_iter().chain(more).collect::<Vec<_>>());
    assert_eq!(told.finding.outcome, Outcome::Lost { reason: LostReason::Stopped });
    let end = Output::Rest(RestRequest::End { sid: "CA7".to_owned() });
    let last = [end, Output::Send("leave".to_owned()), Output::Close(1000)];
    assert!(told.asked.ends_with(&last), "{:?}", told.asked);
}

fn inbound_call() -> CallSettings {
    let wish = CallWish {
        direction: CallDirection::Inbound,
        hold_ms: 2000,
        ring_ms: 0,
        codec: Codec::Pcmu,
        path: MediaPath::Any,
    };
    CallSettings {
        wish,
        digits: None,
        record: Duration::ZERO,
        tone: audio::ToneId(7),
        temporary: String::new(),
        marker: "rc=7".to_owned(),
        number: None,
        other: None,
        origin: Origin::some(),
        step: Duration::from_secs(5),
        delivery: Duration::from_secs(20),
        servers: false,
    }
}

#[test]
fn what_we_could_not_ask_for_is_no_failure_of_the_partner() {
    let settings = Settings { call: Some(inbound_call()), ..settings(1) };
    let lost = RestAnswer::Lost(LostReason::Secret);
    let told =
        run(settings.clone(), &opened(&[CONNECTED, READY]).into_iter().chain([Input::Rest(&lost)]).collect::<Vec<_>>());
    assert_eq!(told.finding.outcome, Outcome::Lost { reason: LostReason::Secret });
    // Asked for, promised, and then we cannot ask what became of it: it is ended all the same.
    let promised = RestAnswer::Call { sid: "CA7".to_owned(), status: CallStatus::Queued };
    let more = [Input::Rest(&promised), WAIT, Input::Rest(&lost)];
    let told = run(settings, &opened(&[CONNECTED, READY]).into_iter().chain(more).collect::<Vec<_>>());
    assert_eq!(told.finding.outcome, Outcome::Lost { reason: LostReason::Secret });
    assert!(told.asked.contains(&Output::Rest(RestRequest::End { sid: "CA7".to_owned() })), "{:?}", told.asked);
}

fn any_input() -> impl Strategy<Value = Input<'static>> {
    let words = ["connected", "ready", "offline", "close", "still", "hang up", "refuse", "slow down", "?"];
    prop_oneof![
        3 => prop::sample::select(OPEN.to_vec()),
        4 => prop::sample::select(words.to_vec()).prop_map(Input::Text),
        1 => Just(Input::Foreign),
        1 => prop::sample::select(vec![CLOSED, BROKEN]),
        1 => Just(Input::CouldNot(FailureReason::ConnectionReset)),
        1 => Just(Input::HttpRefused { status: 403, retry_after_s: None }),
        2 => Just(Input::Timeout),
        1 => Just(Input::GiveUp(LostReason::Stopped)),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_it_ends_once_and_within_its_time(
        inputs in prop::collection::vec((any_input(), 0u64..3_000), 0..60),
        routes in 1usize..4,
        register: bool,
    ) {
        let settings = Settings { register, ..settings(routes) };
        let longest = settings.deadlines.connection(settings.hold);
        let mut machine = Connection::new(Scripted::default(), settings, Timestamp::from_millis(0));
        let mut elapsed = Duration::ZERO;
        let mut outputs = Vec::new();
        for (input, gap) in inputs {
            // As an owner does: time never passes the moment that was asked for.
            elapsed += Duration::from_millis(gap);
            while let Some(wake) = machine.wake().filter(|wake| *wake <= elapsed) {
                machine.handle(wake, Input::Timeout);
            }
            machine.handle(elapsed, input);
            outputs.extend(std::iter::from_fn(|| machine.poll()));
        }
        while let Some(wake) = machine.wake() {
            machine.handle(wake, Input::Timeout);
            prop_assert!(wake <= longest);
        }
        outputs.extend(std::iter::from_fn(|| machine.poll()));
        let done = outputs.iter().filter(|output| matches!(output, Output::Done(_))).count();
        prop_assert_eq!(done, 1);
        prop_assert!(matches!(outputs.last(), Some(Output::Done(_))));
        let closes = outputs.iter().filter(|output| matches!(output, Output::Close(_))).count();
        prop_assert!(closes <= 1);
    }
}
