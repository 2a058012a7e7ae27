//! What an attempt finds under a fault, and when, without sockets: the real attempt machine with
//! the real device against the real peer, in memory and in virtual time. So the fast model and
//! the protocol agree by construction.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

use crate::call::audio::ToneId;
use crate::call::{CallSettings, Connection, Finding, Input, Output, Route, Settings};
use crate::model::{
    AddressFamily, CallDirection, CallWish, EdgeName, FailureReason, NumberCall, Origin, RestAnswer, RestRequest,
    SocketEnd, Timestamp, TokenKind,
};
use crate::partner::twilio::{
    Account, AccountKeys, Device, KeyRing, MintRequest, RestCall, SdkProfile, SigningKey, form_fields, mint,
    rest_answer,
};

use super::behaviour::{Behaviour, CertificateFault, TcpFault, TlsFault, TransportFault, UpgradeFault};
use super::predicate::Node;
use super::twilio::{Faults, Peer, PeerOutput, Place, RestDesk, RestReply};

/// How long a name server takes.
const LOOKUP: Duration = Duration::from_millis(3);
/// From one side to the other, once.
const ONE_WAY: Duration = Duration::from_millis(15);
/// There and back.
const ROUND_TRIP: Duration = Duration::from_millis(30);
/// When the attempts of this model begin; nothing depends on it.
const STARTED: Timestamp = Timestamp::from_millis(1_726_009_020_000);
/// Where the client's media are, in this model.
const CLIENT_MEDIA: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000);
/// Where the partner's media are.
const PEER_MEDIA: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_001);
/// How long the client waits for an answer of the REST API.
const REST_DEADLINE: Duration = Duration::from_secs(5);
/// Long enough for any attempt, in seconds.
const TOKEN_TTL_S: u32 = 3600;
/// Events of one attempt after which something is wrong with the model; a flood has 100 000.
const EVENTS_MAX: u32 = 1_000_000;

/// What an attempt found, and how long it took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Course {
    /// What it found.
    pub finding: Finding,
    /// From its first step to its outcome.
    pub took: Duration,
}

/// The courses of attempts, each found out once.
pub struct Outcomes {
    settings: Settings,
    keys: Arc<KeyRing>,
    known: BTreeMap<(Vec<Option<Behaviour>>, TokenKind), Course>,
}

impl Outcomes {
    /// The courses of attempts with these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings, keys: Arc::new(own_keys()), known: BTreeMap::new() }
    }

    /// The course of an attempt that meets these behaviours, one for each route of the settings.
    /// A misreading must come as the refusal that it leads to (see [`Faults::behaviour`]).
    pub fn course(&mut self, met: &[Option<Behaviour>], kind: TokenKind) -> &Course {
        let Self { settings, keys, known } = self;
        // The key is short: an attempt tries two routes at most.
        known.entry((met.to_vec(), kind)).or_insert_with(|| Run::new(settings, keys, met, kind).finish())
    }
}

/// One attempt under way.
struct Run<'a> {
    keys: &'a Arc<KeyRing>,
    met: &'a [Option<Behaviour>],
    client: Connection<Device>,
    peer: Option<Peer>,
    /// What is on its way: by when it arrives, and in the order of sending.
    events: BTreeMap<(Duration, u64), (usize, Event)>,
    sent: u64,
    /// The route that is being tried; what belongs to an earlier one is void.
    route: usize,
    now: Duration,
    /// From when media reckon, if the attempt is a call.
    origin: Option<Origin>,
    desk: Arc<Mutex<RestDesk>>,
    /// The partner's call whose socket was opened last.
    leg: u32,
}

enum Event {
    Resolved,
    TcpConnected,
    TlsUp,
    Upgraded,
    HttpRefused(u16, Option<u32>),
    CouldNot(FailureReason),
    ToClient(PeerOutput),
    ToPeer(String),
    ClientClosed,
    MediaOpen,
    ToClientMedia(Vec<u8>),
    PeerMediaOpen(u32),
    ToPeerMedia(u32, Vec<u8>),
    RestAsked(RestRequest),
    RestAnswered(RestAnswer),
}

impl<'a> Run<'a> {
    fn new(settings: &Settings, keys: &'a Arc<KeyRing>, met: &'a [Option<Behaviour>], kind: TokenKind) -> Self {
        let calls_out = settings.call.as_ref().is_some_and(|call| call.wish.direction == CallDirection::Outbound);
        let origin = settings.call.as_ref().map(|call| call.origin);
        let device = Device::new(own_token(kind, calls_out), SdkProfile::V2);
        let client = Connection::new(device, settings.clone(), STARTED);
        let events = BTreeMap::new();
        let desk = RestDesk::that_rings([(OWN_NUMBER.to_owned(), OWN_NAME.to_owned())].into());
        let (now, desk) = (Duration::ZERO, Arc::new(Mutex::new(desk)));
        Self { keys, met, client, peer: None, events, sent: 0, route: 0, now, origin, desk, leg: 0 }
    }

    fn finish(mut self) -> Course {
        for _ in 0..EVENTS_MAX {
            if let Some(finding) = self.drain_client() {
                return Course { finding, took: self.now };
            }
            self.drain_peer();
            self.advance();
        }
        unreachable!("every step of an attempt has a deadline")
    }

    /// Moves to the next moment at which something happens.
    fn advance(&mut self) {
        let event = self.events.first_key_value().map(|((at, _), _)| *at);
        let peer = self.peer.as_ref().and_then(Peer::wake).map(|at| at.since(STARTED));
        let client = self.client.wake();
        let next = [event, peer, client].into_iter().flatten().min().unwrap_or(self.now);
        self.now = self.now.max(next);
        let now = self.now;
        if event.is_some_and(|at| at <= now) {
            if let Some((_, (route, event))) = self.events.pop_first()
                && route == self.route
            {
                self.happen(event);
            }
        } else if peer.is_some_and(|at| at <= now) {
            let moment = self.moment();
            if let Some(peer) = &mut self.peer {
                peer.timeout(moment);
            }
        } else {
            self.client.handle(now, Input::Timeout);
        }
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Resolved => self.client.handle(now, Input::Resolved),
            Event::TcpConnected => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 443));
                self.client.handle(now, Input::TcpConnected(address));
            }
            Event::TlsUp => self.client.handle(now, Input::TlsUp(None)),
            Event::Upgraded => {
                self.peer = Some(self.new_peer());
                self.client.handle(now, Input::Upgraded);
            }
            Event::HttpRefused(status, retry_after_s) => {
                self.client.handle(now, Input::HttpRefused { status, retry_after_s });
            }
            Event::CouldNot(reason) => self.client.handle(now, Input::CouldNot(reason)),
            Event::ToClient(PeerOutput::Text(text)) => self.client.handle(now, Input::Text(&text)),
            Event::ToClient(PeerOutput::Binary(_)) => self.client.handle(now, Input::Foreign),
            Event::ToClient(PeerOutput::Close(code)) => {
                self.client.handle(now, Input::Ended(SocketEnd::Closed(code)));
            }
            Event::ToClient(PeerOutput::Drop) => self.client.handle(now, Input::Ended(SocketEnd::Broken)),
            Event::ToClient(_) => {}
            Event::MediaOpen => self.client.handle(now, Input::MediaOpen(CLIENT_MEDIA)),
            Event::ToClientMedia(bytes) => self.client.handle(now, Input::Datagram(PEER_MEDIA, &bytes)),
            Event::RestAsked(request) => self.rest_asked(&request),
            Event::RestAnswered(answer) => self.client.handle(now, Input::Rest(&answer)),
            Event::PeerMediaOpen(leg) => self.with_peer(|peer, moment| peer.media_open(moment, leg, PEER_MEDIA)),
            Event::ToPeerMedia(leg, bytes) => {
                self.with_peer(|peer, moment| peer.datagram(moment, leg, CLIENT_MEDIA, &bytes));
            }
            Event::ToPeer(text) => {
                let moment = self.moment();
                if let Some(peer) = &mut self.peer {
                    peer.received(moment, &text);
                }
            }
            Event::ClientClosed => self.peer = None,
        }
    }

    fn drain_client(&mut self) -> Option<Finding> {
        while let Some(output) = self.client.poll() {
            match output {
                Output::Resolve(route) => {
                    self.begin(route);
                    self.after(LOOKUP, Event::Resolved);
                }
                Output::Connect(route) => {
                    self.begin(route);
                    self.connect();
                }
                Output::Handshake => self.handshake(),
                Output::Upgrade => self.upgrade(),
                Output::Send(text) => self.after(ONE_WAY, Event::ToPeer(text)),
                Output::Close(_) => self.after(ONE_WAY, Event::ClientClosed),
                Output::OpenMedia => self.after(Duration::ZERO, Event::MediaOpen),
                Output::Datagram { to, bytes } if to == PEER_MEDIA => {
                    self.after(ONE_WAY, Event::ToPeerMedia(self.leg, bytes));
                }
                // Sent to nobody.
                Output::Datagram { .. } | Output::Path(_) | Output::Waiting | Output::Talks(_) => {}
                Output::Rest(request) => self.after(ONE_WAY, Event::RestAsked(request)),
                Output::Done(finding) => return Some(*finding),
            }
        }
        None
    }

    fn drain_peer(&mut self) {
        while let Some(output) = self.peer.as_mut().and_then(Peer::poll) {
            match output {
                PeerOutput::OpenMedia(leg) => {
                    self.leg = leg;
                    self.after(Duration::ZERO, Event::PeerMediaOpen(leg));
                }
                PeerOutput::Datagram { to, bytes, .. } if to == CLIENT_MEDIA => {
                    self.after(ONE_WAY, Event::ToClientMedia(bytes));
                }
                PeerOutput::Datagram { .. } | PeerOutput::CloseMedia(_) | PeerOutput::Note(_) => {}
                output => self.after(ONE_WAY, Event::ToClient(output)),
            }
        }
    }

    fn with_peer(&mut self, work: impl FnOnce(&mut Peer, Timestamp)) {
        let moment = self.moment();
        if let Some(peer) = &mut self.peer {
            work(peer, moment);
        }
    }

    // ---- the REST API --------------------------------------------------------------------

    fn rest_asked(&mut self, request: &RestRequest) {
        let fault = self.faults().rest(&own_place());
        let (reply, order) = {
            let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
            match request {
                RestRequest::Originate { .. } => desk.originate(&form_of(request), fault),
                RestRequest::Status { sid } => (desk.look_up(sid, fault), None),
                RestRequest::End { sid } => (desk.end(sid, &form_of(request), fault), None),
            }
        };
        if let RestRequest::End { sid } = request {
            let legs = self.desk.lock().unwrap_or_else(PoisonError::into_inner).legs_of(sid);
            self.with_peer(|peer, moment| {
                for sid in &legs {
                    peer.end_call(moment, sid);
                }
            });
        }
        if let Some(order) = order {
            self.with_peer(|peer, moment| peer.ring(moment, &order));
        }
        let RestReply { status, retry_after_s, ref body, delay, comes } = reply;
        if comes {
            self.after(ONE_WAY + delay, Event::RestAnswered(rest_answer(status, retry_after_s, body)));
        } else if delay.is_zero() {
            let reason = FailureReason::ConnectionReset;
            self.after(ONE_WAY, Event::RestAnswered(RestAnswer::Unreachable(reason)));
        } else {
            // The client's own deadline for an answer is that of a step.
            self.after(REST_DEADLINE, Event::RestAnswered(RestAnswer::NoAnswer));
        }
    }

    fn begin(&mut self, route: usize) {
        if route != self.route {
            self.route = route;
            self.peer = None;
        }
    }

    // ---- the way to a WebSocket ----------------------------------------------------------

    fn connect(&mut self) {
        match self.transport() {
            Some(TransportFault::Tcp(TcpFault::Refused)) => {
                self.after(ROUND_TRIP, Event::CouldNot(FailureReason::ConnectionRefused));
            }
            _ => self.after(ROUND_TRIP, Event::TcpConnected),
        }
    }

    fn handshake(&mut self) {
        match self.transport() {
            Some(TransportFault::Tcp(fault)) => self.tcp_trouble(fault),
            Some(TransportFault::Tls(fault)) => {
                if let Some(reason) = tls_reason(fault) {
                    self.after(ROUND_TRIP, Event::CouldNot(reason));
                }
            }
            Some(TransportFault::Upgrade(_)) | None => self.after(ROUND_TRIP, Event::TlsUp),
        }
    }

    fn upgrade(&mut self) {
        let event = match self.transport() {
            Some(TransportFault::Tcp(fault)) => return self.tcp_trouble(fault),
            Some(TransportFault::Upgrade(UpgradeFault::Hang)) => return,
            Some(TransportFault::Upgrade(UpgradeFault::Status { status: 200..=299, .. })) => {
                Event::CouldNot(FailureReason::NotWebSocket)
            }
            Some(TransportFault::Upgrade(UpgradeFault::Status { status, retry_after_s })) => {
                Event::HttpRefused(status, retry_after_s)
            }
            Some(TransportFault::Upgrade(UpgradeFault::Garbage | UpgradeFault::WrongAccept)) => {
                Event::CouldNot(FailureReason::NotWebSocket)
            }
            Some(TransportFault::Upgrade(UpgradeFault::Hangup)) => Event::CouldNot(FailureReason::ConnectionReset),
            // A pod without TLS cannot have trouble with it.
            Some(TransportFault::Tls(_)) | None => Event::Upgraded,
        };
        self.after(ROUND_TRIP, event);
    }

    fn tcp_trouble(&mut self, fault: TcpFault) {
        match fault {
            TcpFault::Silence => {}
            TcpFault::Refused | TcpFault::Reset => {
                self.after(ROUND_TRIP, Event::CouldNot(FailureReason::ConnectionReset));
            }
        }
    }

    fn transport(&self) -> Option<TransportFault> {
        match self.met.get(self.route).copied().flatten() {
            Some(Behaviour::Transport(fault)) => Some(fault),
            Some(Behaviour::Session(_) | Behaviour::Call(_)) | None => None,
        }
    }

    fn faults(&self) -> Faults {
        match self.met.get(self.route).copied().flatten() {
            Some(Behaviour::Session(fault)) => Faults::Fixed(Some(fault)),
            Some(Behaviour::Call(fault)) => Faults::FixedCall(fault),
            Some(Behaviour::Transport(_)) | None => Faults::Fixed(None),
        }
    }

    fn new_peer(&self) -> Peer {
        let peer = Peer::new(Arc::clone(self.keys), self.faults(), own_place(), self.moment());
        match self.origin {
            Some(origin) => peer.with_calls(origin.later(self.now), self.moment(), Arc::clone(&self.desk)),
            None => peer,
        }
    }

    fn after(&mut self, delay: Duration, event: Event) {
        self.sent += 1;
        self.events.insert((self.now + delay, self.sent), (self.route, event));
    }

    fn moment(&self) -> Timestamp {
        STARTED.plus(self.now)
    }
}

fn own_place() -> Place {
    let edge = EdgeName::parse("ashburn").expect("this is a valid name");
    Place { edge, family: Some(AddressFamily::V4), node: Node::of(0, 0) }
}

/// The form of a request, as the partner reads it.
fn form_of(request: &RestRequest) -> Vec<(String, String)> {
    let call = RestCall::of(&own_account(), &own_place().edge, OWN_NAME, request);
    call.form.as_deref().map(form_fields).unwrap_or_default()
}

/// What the client makes of trouble in the handshake; `None` if it never comes to know.
const fn tls_reason(fault: TlsFault) -> Option<FailureReason> {
    Some(match fault {
        TlsFault::Certificate(CertificateFault::Expired) => FailureReason::CertificateExpired,
        TlsFault::Certificate(CertificateFault::NotYetValid) => FailureReason::CertificateNotYetValid,
        TlsFault::Certificate(CertificateFault::WrongName) => FailureReason::CertificateWrongName,
        TlsFault::Certificate(CertificateFault::Untrusted) => FailureReason::CertificateUntrusted,
        TlsFault::Garbage | TlsFault::Alert => FailureReason::TlsFailed,
        TlsFault::Hangup => FailureReason::ConnectionReset,
        TlsFault::HalfOpen => return None,
    })
}

/// The account of this model. Nothing real is behind it.
fn own_account() -> Account {
    Account::with_sid(format!("AC{:032}", 1))
}

const OWN_NAME: &str = "rc_model";
const OWN_NUMBER: &str = "+15005550001";
const OWN_CALLER: &str = "+15005550002";
const OWN_APPLICATION: &str = "AP00000000000000000000000000000003";
const OWN_KEY_SID: &str = "SK00000000000000000000000000000002";
const OWN_KEY: &str = "the model's api key";
const OWN_AUTH_TOKEN: &str = "the model's auth token";

fn own_keys() -> KeyRing {
    KeyRing::new(vec![AccountKeys {
        account_sid: own_account().account_sid,
        api_keys: vec![(OWN_KEY_SID.to_owned(), SecretString::from(OWN_KEY))],
        auth_token: Some(SecretString::from(OWN_AUTH_TOKEN)),
    }])
}

fn own_token(kind: TokenKind, calls_out: bool) -> crate::token::TokenText {
    let key = match kind {
        TokenKind::Access => SigningKey::ApiKey { sid: OWN_KEY_SID, secret: OWN_KEY.as_bytes() },
        TokenKind::Capability => SigningKey::AuthToken { secret: OWN_AUTH_TOKEN.as_bytes() },
    };
    let account = own_account();
    let outgoing = calls_out.then_some(OWN_APPLICATION);
    let (identity, now, ttl_s) = (OWN_NAME, STARTED, TOKEN_TTL_S);
    mint(&MintRequest { account: &account, key, identity, outgoing, now, ttl_s, serial: 0 })
}

/// The settings of a call, with some tone and ids, and steps of 5 s.
pub fn usual_call(wish: CallWish, origin: Origin) -> CallSettings {
    CallSettings {
        wish,
        digits: None,
        record: Duration::ZERO,
        tone: ToneId(0x5eed),
        temporary: "TJS00000000-0000-4000-8000-000000000001".to_owned(),
        marker: "rc=1".to_owned(),
        number: None,
        other: None,
        origin,
        step: Duration::from_secs(5),
        delivery: Duration::from_secs(20),
        servers: false,
    }
}

/// The same over the model's phone number.
pub fn usual_number_call(wish: CallWish, origin: Origin) -> CallSettings {
    let number = NumberCall { number: OWN_NUMBER.to_owned(), caller: OWN_CALLER.to_owned() };
    CallSettings { number: Some(number), ..usual_call(wish, origin) }
}

/// Settings as the example probe has them: one edge over TLS, the default deadlines.
pub fn usual_settings() -> Settings {
    Settings {
        deadlines: crate::model::Deadlines::DEFAULT,
        hold: Duration::from_secs(1),
        register: true,
        routes: vec![Route { dns: true, tls: true }],
        call: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, TokenShape};
    use crate::sim::twilio::refusal_of;
    use crate::sim::{Expected, Fault, Misparse};

    /// A shape that holds every symbol everywhere: every mistake matters for it.
    fn full_shape() -> TokenShape {
        let mut shape = TokenShape { lengths: [36, 199, 43], ..TokenShape::default() };
        for offset in 0..42 {
            shape.signature.insert(offset, crate::model::Symbol::Dash);
            shape.signature.insert(offset, crate::model::Symbol::Underscore);
        }
        for offset in [11, 35, 147, 198] {
            shape.payload.push((offset, crate::model::Symbol::Dash));
            shape.payload.push((offset, crate::model::Symbol::Underscore));
        }
        shape
    }

    fn met(fault: Fault) -> Behaviour {
        match fault.behaviour() {
            Behaviour::Session(fault) => Behaviour::Session(refusal_of(fault, &full_shape())),
            other => other,
        }
    }

    #[test]
    fn every_fault_ends_as_the_catalogue_says() {
        let mut outcomes = Outcomes::new(usual_settings());
        let mut wrong = Vec::new();
        for fault in Fault::all().filter(|fault| fault.entry().group.calls().is_none()) {
            for kind in TokenKind::ALL {
                let outcome = &outcomes.course(&[Some(met(fault))], kind).finding.outcome;
                if Expected::of(outcome) != Some(fault.expected()) {
                    wrong.push(format!("{fault}: {:?}, not {outcome:?}", fault.expected()));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn without_a_fault_all_is_well_and_takes_no_longer_than_the_frames() {
        let mut outcomes = Outcomes::new(usual_settings());
        for kind in TokenKind::ALL {
            let course = outcomes.course(&[None], kind).clone();
            assert_eq!(course.finding.outcome, Outcome::completed());
            assert_eq!(course.took, LOOKUP + ROUND_TRIP * 6 + Duration::from_secs(1));
            assert_eq!(course.finding.partner.region.as_deref(), Some("US_EAST_VIRGINIA"));
            assert_eq!(outcomes.course(&[None], kind), &course, "memoised");
        }
    }

    #[test]
    fn a_second_edge_helps_where_only_the_first_is_broken() {
        let mut outcomes = Outcomes::new(Settings {
            routes: vec![Route { dns: true, tls: true }, Route { dns: true, tls: true }],
            ..usual_settings()
        });
        let broken = met(Fault::named("tls-half-open").expect("known"));
        let first = outcomes.course(&[Some(broken), None], TokenKind::Access).finding.clone();
        assert_eq!((Expected::of(&first.outcome), first.route), (Some(Expected::Degraded), 1));
        let both = outcomes.course(&[Some(broken), Some(broken)], TokenKind::Access).finding.clone();
        assert_eq!(Expected::of(&both.outcome), Some(Expected::Failed(crate::model::Step::Tls)));
    }

    #[test]
    fn silence_lasts_until_the_deadline() {
        let mut outcomes = Outcomes::new(usual_settings());
        for name in ["silence-after-upgrade", "connected-missing", "ready-missing", "upgrade-hang", "tcp-silence"] {
            let course = outcomes.course(&[Some(met(Fault::named(name).expect("known")))], TokenKind::Access);
            let failure = course.finding.outcome.failure().expect("failed");
            assert!(failure.is_silent() && failure.device_errors.is_empty(), "{name}: {failure:?}");
            assert!(course.took >= Duration::from_secs(5) && course.took < Duration::from_secs(6), "{name}");
        }
    }

    #[test]
    fn a_misreading_that_does_not_matter_leaves_the_token_alone() {
        let Behaviour::Session(fault) = Fault::named("parser-fails").expect("known").behaviour() else {
            panic!("a session fault")
        };
        assert!(matches!(fault, crate::sim::SessionFault::Misparse(Misparse { .. })));
        assert_eq!(refusal_of(fault, &TokenShape::default()), fault);
        let mut outcomes = Outcomes::new(usual_settings());
        let course = outcomes.course(&[Some(Behaviour::Session(fault))], TokenKind::Access);
        assert_eq!(course.finding.outcome, Outcome::completed());
    }
}
