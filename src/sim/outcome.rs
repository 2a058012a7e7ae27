//! What an attempt finds under a fault, and when, without sockets: the real attempt machine with
//! the real device against the real peer, in memory and in virtual time. So the fast model and
//! the protocol agree by construction.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::call::{Connection, Finding, Input, Output, Settings, of_both, of_far_alone};
use crate::model::{FailureReason, Origin, RestAnswer, RestRequest, SocketEnd, Timestamp, TokenKind};
use crate::partner::twilio::{Device, KeyRing, SdkProfile, rest_answer};

use super::behaviour::{Behaviour, CertificateFault, TcpFault, TlsFault, TransportFault, UpgradeFault};
use super::twilio::{Faults, Peer, PeerOutput, RestDesk, RestReply, RingOrder};
use super::usual::{STARTED, Who, far_settings, form_of, own_keys, own_place, own_rings};

/// How long a name server takes.
const LOOKUP: Duration = Duration::from_millis(3);
/// From one side to the other, once.
const ONE_WAY: Duration = Duration::from_millis(15);
/// There and back.
const ROUND_TRIP: Duration = Duration::from_millis(30);
/// Where the client's media are, in this model.
const CLIENT_MEDIA: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000);
/// Where the partner's media are.
const PEER_MEDIA: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_001);
/// How long the client waits for an answer of the REST API.
const REST_DEADLINE: Duration = Duration::from_secs(5);
/// Events of one attempt after which something is wrong with the model; a flood has 100 000.
const EVENTS_MAX: u32 = 1_000_000;

/// What an attempt found, and how long it took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Course {
    /// What it found.
    pub finding: Finding,
    /// From its first step to its outcome.
    pub took: Duration,
    /// How much of this the other client of a call took until it waited.
    pub prepared: Duration,
}

/// The courses of attempts, each found out once.
pub struct Outcomes {
    settings: Settings,
    keys: Arc<KeyRing>,
    known: BTreeMap<(Vec<Option<Behaviour>>, TokenKind), Course>,
}

impl Outcomes {
    /// The courses of attempts with these settings. The same attempt takes the same course again.
    pub fn new(mut settings: Settings) -> Self {
        if let Some(call) = &mut settings.call {
            call.origin = call.origin.repeatable();
        }
        Self { settings, keys: Arc::new(own_keys()), known: BTreeMap::new() }
    }

    /// The course of an attempt that meets these behaviours, one for each route of the settings.
    /// A misreading must come as the refusal that it leads to (see [`Faults::behaviour`]). The other client
    /// of a call meets the same.
    pub fn course(&mut self, met: &[Option<Behaviour>], kind: TokenKind) -> &Course {
        let Self { settings, keys, known } = self;
        // The key is short: an attempt tries two routes at most.
        known.entry((met.to_vec(), kind)).or_insert_with(|| Run::new(settings, keys, met, kind).finish())
    }
}

/// One attempt under way: one client and its peer, or in a call between two clients of ours both.
struct Run<'a> {
    settings: &'a Settings,
    keys: &'a Arc<KeyRing>,
    met: &'a [Option<Behaviour>],
    kind: TokenKind,
    ends: BTreeMap<Side, End>,
    /// What is on its way: by when it arrives, and in the order of sending.
    events: BTreeMap<(Duration, u64), (Side, usize, Event)>,
    sent: u64,
    now: Duration,
    /// From when media reckon, if the attempt is a call.
    origin: Option<Origin>,
    desk: Arc<Mutex<RestDesk>>,
}

/// Which client it is. The other one acts first where both can.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Side {
    /// The other client of a call between two.
    Far,
    /// The device under test.
    Near,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Far => Self::Near,
            Self::Near => Self::Far,
        }
    }
}

/// One client, and the partner's side of it.
struct End {
    client: Connection<Device>,
    peer: Option<Peer>,
    /// The route that is being tried; what belongs to an earlier one is void.
    route: usize,
    /// When it began.
    began: Duration,
    /// The partner's call whose socket was opened last.
    leg: u32,
    found: Option<Finding>,
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
    fn new(settings: &'a Settings, keys: &'a Arc<KeyRing>, met: &'a [Option<Behaviour>], kind: TokenKind) -> Self {
        let origin = settings.call.as_ref().map(|call| call.origin);
        let (ends, events) = (BTreeMap::new(), BTreeMap::new());
        let (now, desk) = (Duration::ZERO, Arc::new(Mutex::new(RestDesk::that_rings(own_rings()))));
        let mut run = Self { settings, keys, met, kind, ends, events, sent: 0, now, origin, desk };
        run.begin_client(if Who::of(settings) == Who::CallingFar { Side::Far } else { Side::Near });
        run
    }

    fn begin_client(&mut self, side: Side) {
        let (who, settings) = match side {
            Side::Near => (Who::of(self.settings), self.settings.clone()),
            Side::Far => (Who::Far, far_settings(self.settings)),
        };
        let device = Device::new(who.token(self.kind), SdkProfile::V2);
        let client = Connection::new(device, settings, self.moment());
        self.ends.insert(side, End { client, peer: None, route: 0, began: self.now, leg: 0, found: None });
    }

    fn finish(mut self) -> Course {
        for _ in 0..EVENTS_MAX {
            while self.drain_clients() || self.drain_peers() {}
            if let Some(course) = self.course() {
                return course;
            }
            self.advance();
        }
        unreachable!("every step of an attempt has a deadline")
    }

    /// What was found, once every client has said so.
    fn course(&mut self) -> Option<Course> {
        if self.ends.values().any(|end| end.found.is_none()) {
            return None;
        }
        let mut found = |side| self.ends.get_mut(&side).and_then(|end| end.found.take());
        let finding = match (found(Side::Near), found(Side::Far)) {
            (Some(near), None) => near,
            (Some(near), Some(far)) => of_both(near, Ok(far)),
            (None, far) => of_far_alone(self.settings.call.as_ref()?.wish, far?),
        };
        let prepared = self.ends.get(&Side::Near).map_or(self.now, |end| end.began);
        Some(Course { finding, took: self.now, prepared })
    }

    /// Moves to the next moment at which something happens.
    fn advance(&mut self) {
        let event = self.events.first_key_value().map(|((at, _), _)| *at);
        let peer = self.ends.iter().filter_map(|(side, end)| Some((end.peer.as_ref()?.wake()?.since(STARTED), *side)));
        let client = self.ends.iter().filter_map(|(side, end)| {
            let wake = end.client.wake().filter(|_| end.found.is_none())?;
            Some((wake.saturating_add(end.began), *side))
        });
        let (peer, client) = (peer.min(), client.min());
        let moments = [event, peer.map(|(at, _)| at), client.map(|(at, _)| at)];
        self.now = self.now.max(moments.into_iter().flatten().min().unwrap_or(self.now));
        let now = self.now;
        if event.is_some_and(|at| at <= now) {
            if let Some((_, (side, route, event))) = self.events.pop_first()
                && self.ends.get(&side).is_some_and(|end| end.route == route)
            {
                self.happen(side, event);
            }
        } else if let Some((_, side)) = peer.filter(|(at, _)| *at <= now) {
            self.with_peer(side, Peer::timeout);
        } else if let Some((_, side)) = client {
            self.tell(side, Input::Timeout);
        }
    }

    fn tell(&mut self, side: Side, input: Input<'_>) {
        let now = self.now;
        if let Some(end) = self.ends.get_mut(&side).filter(|end| end.found.is_none()) {
            end.client.handle(now.saturating_sub(end.began), input);
        }
    }

    fn happen(&mut self, side: Side, event: Event) {
        match event {
            Event::Resolved => self.tell(side, Input::Resolved),
            Event::TcpConnected => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 443));
                self.tell(side, Input::TcpConnected(address));
            }
            Event::TlsUp => self.tell(side, Input::TlsUp(None)),
            Event::Upgraded => {
                let peer = self.new_peer(side);
                self.ends.entry(side).and_modify(|end| end.peer = Some(peer));
                self.tell(side, Input::Upgraded);
            }
            Event::HttpRefused(status, retry_after_s) => {
                self.tell(side, Input::HttpRefused { status, retry_after_s });
            }
            Event::CouldNot(reason) => self.tell(side, Input::CouldNot(reason)),
            Event::ToClient(PeerOutput::Text(text)) => self.tell(side, Input::Text(&text)),
            Event::ToClient(PeerOutput::Binary(_)) => self.tell(side, Input::Foreign),
            Event::ToClient(PeerOutput::Close(code)) => self.tell(side, Input::Ended(SocketEnd::Closed(code))),
            Event::ToClient(PeerOutput::Drop) => self.tell(side, Input::Ended(SocketEnd::Broken)),
            Event::ToClient(_) => {}
            Event::MediaOpen => self.tell(side, Input::MediaOpen(CLIENT_MEDIA)),
            Event::ToClientMedia(bytes) => self.tell(side, Input::Datagram(PEER_MEDIA, &bytes)),
            Event::RestAsked(request) => self.rest_asked(side, &request),
            Event::RestAnswered(answer) => self.tell(side, Input::Rest(&answer)),
            Event::PeerMediaOpen(leg) => {
                self.with_peer(side, |peer, moment| peer.media_open(moment, leg, PEER_MEDIA));
            }
            Event::ToPeerMedia(leg, bytes) => {
                self.with_peer(side, |peer, moment| peer.datagram(moment, leg, CLIENT_MEDIA, &bytes));
            }
            Event::ToPeer(text) => self.with_peer(side, |peer, moment| peer.received(moment, &text)),
            Event::ClientClosed => {
                self.with_peer(side, Peer::left);
                while self.drain_peers() {}
                self.ends.entry(side).and_modify(|end| end.peer = None);
            }
        }
    }

    /// Does what the clients ask for; false if they ask for nothing.
    fn drain_clients(&mut self) -> bool {
        let mut asked = false;
        for side in [Side::Far, Side::Near] {
            while let Some(output) = self.ends.get_mut(&side).and_then(|end| end.client.poll()) {
                asked = true;
                self.serve(side, output);
            }
        }
        asked
    }

    fn serve(&mut self, side: Side, output: Output) {
        match output {
            Output::Resolve(route) => {
                self.begin(side, route);
                self.after(side, LOOKUP, Event::Resolved);
            }
            Output::Connect(route) => {
                self.begin(side, route);
                self.connect(side);
            }
            Output::Handshake => self.handshake(side),
            Output::Upgrade => self.upgrade(side),
            Output::Send(text) => self.after(side, ONE_WAY, Event::ToPeer(text)),
            Output::Close(_) => self.after(side, ONE_WAY, Event::ClientClosed),
            Output::OpenMedia => self.after(side, Duration::ZERO, Event::MediaOpen),
            Output::Datagram { to, bytes } if to == PEER_MEDIA => {
                let leg = self.ends.get(&side).map_or(0, |end| end.leg);
                self.after(side, ONE_WAY, Event::ToPeerMedia(leg, bytes));
            }
            // Sent to nobody.
            Output::Datagram { .. } | Output::Path(_) => {}
            Output::Rest(request) => self.after(side, ONE_WAY, Event::RestAsked(request)),
            Output::Waiting => self.begin_client(Side::Near),
            Output::Talks(_) => {
                // Just now.
                let other = side.other();
                let at = self.ends.get(&other).map_or(Duration::ZERO, |end| self.now.saturating_sub(end.began));
                self.tell(other, Input::OtherTalks(at));
            }
            Output::Done(finding) => {
                self.ends.entry(side).and_modify(|end| end.found = Some(*finding));
                if side == Side::Near {
                    self.tell(Side::Far, Input::OtherOver);
                }
            }
        }
    }

    /// Does what the partner's side wants; false if it wants nothing.
    fn drain_peers(&mut self) -> bool {
        let mut asked = false;
        for side in [Side::Far, Side::Near] {
            while let Some(output) = self.ends.get_mut(&side).and_then(|end| end.peer.as_mut()?.poll()) {
                asked = true;
                self.carry(side, output);
            }
        }
        asked
    }

    fn carry(&mut self, side: Side, output: PeerOutput) {
        match output {
            PeerOutput::OpenMedia(leg) => {
                self.ends.entry(side).and_modify(|end| end.leg = leg);
                self.after(side, Duration::ZERO, Event::PeerMediaOpen(leg));
            }
            PeerOutput::Datagram { to, bytes, .. } if to == CLIENT_MEDIA => {
                self.after(side, ONE_WAY, Event::ToClientMedia(bytes));
            }
            PeerOutput::Datagram { .. } | PeerOutput::CloseMedia(_) | PeerOutput::Note(_) => {}
            PeerOutput::Ring(order) => self.ring(&order),
            PeerOutput::Across(across) => self.with_peer(side.other(), |peer, at| peer.told_across(at, &across)),
            output => self.after(side, ONE_WAY, Event::ToClient(output)),
        }
    }

    /// An application rings the other client.
    fn ring(&mut self, order: &RingOrder) {
        self.with_peer(Side::Far, |peer, moment| {
            if peer.registered_as() == Some(order.identity.as_str()) {
                peer.ring(moment, order);
            }
        });
    }

    fn with_peer(&mut self, side: Side, work: impl FnOnce(&mut Peer, Timestamp)) {
        let moment = self.moment();
        if let Some(peer) = self.ends.get_mut(&side).and_then(|end| end.peer.as_mut()) {
            work(peer, moment);
        }
    }

    // ---- the REST API --------------------------------------------------------------------

    fn rest_asked(&mut self, side: Side, request: &RestRequest) {
        let fault = self.faults(side).rest(&own_place());
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
            self.with_peer(side, |peer, moment| {
                for sid in &legs {
                    peer.end_call(moment, sid);
                }
            });
        }
        if let Some(order) = order {
            self.with_peer(side, |peer, moment| peer.ring(moment, &order));
        }
        let RestReply { status, retry_after_s, ref body, delay, comes } = reply;
        if comes {
            self.after(side, ONE_WAY + delay, Event::RestAnswered(rest_answer(status, retry_after_s, body)));
        } else if delay.is_zero() {
            let reason = FailureReason::ConnectionReset;
            self.after(side, ONE_WAY, Event::RestAnswered(RestAnswer::Unreachable(reason)));
        } else {
            // The client's own deadline for an answer is that of a step.
            self.after(side, REST_DEADLINE, Event::RestAnswered(RestAnswer::NoAnswer));
        }
    }

    fn begin(&mut self, side: Side, route: usize) {
        if let Some(end) = self.ends.get_mut(&side).filter(|end| end.route != route) {
            end.route = route;
            end.peer = None;
        }
    }

    // ---- the way to a WebSocket ----------------------------------------------------------

    fn connect(&mut self, side: Side) {
        match self.transport(side) {
            Some(TransportFault::Tcp(TcpFault::Refused)) => {
                self.after(side, ROUND_TRIP, Event::CouldNot(FailureReason::ConnectionRefused));
            }
            _ => self.after(side, ROUND_TRIP, Event::TcpConnected),
        }
    }

    fn handshake(&mut self, side: Side) {
        match self.transport(side) {
            Some(TransportFault::Tcp(fault)) => self.tcp_trouble(side, fault),
            Some(TransportFault::Tls(fault)) => {
                if let Some(reason) = tls_reason(fault) {
                    self.after(side, ROUND_TRIP, Event::CouldNot(reason));
                }
            }
            Some(TransportFault::Upgrade(_)) | None => self.after(side, ROUND_TRIP, Event::TlsUp),
        }
    }

    fn upgrade(&mut self, side: Side) {
        let event = match self.transport(side) {
            Some(TransportFault::Tcp(fault)) => return self.tcp_trouble(side, fault),
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
        self.after(side, ROUND_TRIP, event);
    }

    fn tcp_trouble(&mut self, side: Side, fault: TcpFault) {
        match fault {
            TcpFault::Silence => {}
            TcpFault::Refused | TcpFault::Reset => {
                self.after(side, ROUND_TRIP, Event::CouldNot(FailureReason::ConnectionReset));
            }
        }
    }

    fn transport(&self, side: Side) -> Option<TransportFault> {
        match self.met.get(self.route(side)).copied().flatten() {
            Some(Behaviour::Transport(fault)) => Some(fault),
            Some(Behaviour::Session(_) | Behaviour::Call(_)) | None => None,
        }
    }

    fn faults(&self, side: Side) -> Faults {
        match self.met.get(self.route(side)).copied().flatten() {
            Some(Behaviour::Session(fault)) => Faults::Fixed(Some(fault)),
            Some(Behaviour::Call(fault)) => Faults::FixedCall(fault),
            Some(Behaviour::Transport(_)) | None => Faults::Fixed(None),
        }
    }

    fn new_peer(&self, side: Side) -> Peer {
        let peer = Peer::new(Arc::clone(self.keys), self.faults(side), own_place(), self.moment());
        match self.origin {
            Some(origin) => peer.with_calls(origin.later(self.now), self.moment(), Arc::clone(&self.desk)),
            None => peer,
        }
    }

    fn route(&self, side: Side) -> usize {
        self.ends.get(&side).map_or(0, |end| end.route)
    }

    fn after(&mut self, side: Side, delay: Duration, event: Event) {
        self.sent += 1;
        let route = self.route(side);
        self.events.insert((self.now + delay, self.sent), (side, route, event));
    }

    fn moment(&self) -> Timestamp {
        STARTED.plus(self.now)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Route;
    use crate::model::{Outcome, TokenShape};
    use crate::sim::twilio::refusal_of;
    use crate::sim::{Expected, Fault, Misparse, usual_settings};

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
