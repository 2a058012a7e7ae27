//! The partner's side of one open WebSocket.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Timestamp, Traits};
use crate::partner::twilio::{ClientFrame, HEARTBEAT, KeyRing, Refusal, ServerFrame, VerifiedToken, Welcome};
use crate::sim::behaviour::{Ending, Oddity, SessionFault};
use crate::token::shape_of;

use super::bridge::{Across, AcrossNews};
use super::note::Note;
use super::oddity;
use super::peer_calls::PeerCalls;
use super::place::{Faults, Place, traits_of};
use super::rest_desk::RingOrder;

/// How often the partner sends a heartbeat; the SDK gives up after 15 s of silence.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
/// How long a client may stay without showing a token.
pub const LISTEN_DEADLINE: Duration = Duration::from_secs(30);
/// Frames that make no sense after which a client is sent away.
const NONSENSE_MAX: u32 = 1000;

/// WebSocket close: done.
const CLOSE_NORMAL: u16 = 1000;
/// WebSocket close: against the rules.
const CLOSE_POLICY: u16 = 1008;
/// On the wire: the token's text is missing or none at all.
const TOKEN_MISSING: Refusal = Refusal { code: 31102, message: "Authorization token missing" };

/// What the peer wants done. Outputs come in the order in which they are to be done.
#[derive(Clone, PartialEq)]
pub enum PeerOutput {
    /// Send a text frame.
    Text(String),
    /// Send a binary frame.
    Binary(Vec<u8>),
    /// Close the WebSocket with this code, and listen no more.
    Close(u16),
    /// Drop TCP without a close frame.
    Drop,
    /// Open a socket (UDP) for the media of a call.
    OpenMedia(u32),
    /// Send a datagram on a call's socket.
    Datagram {
        /// Which call's.
        leg: u32,
        /// Where to.
        to: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// Close a call's socket.
    CloseMedia(u32),
    /// Ring a client.
    Ring(Box<RingOrder>),
    /// Something for a call that is bridged to one of ours, wherever it is.
    Across(Across),
    /// Something for the ground truth.
    Note(Box<Note>),
}

impl fmt::Debug for PeerOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({:.120})", text.escape_debug()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Close(code) => write!(f, "Close({code})"),
            Self::Drop => f.write_str("Drop"),
            Self::OpenMedia(leg) => write!(f, "OpenMedia({leg})"),
            Self::Datagram { leg, to, bytes } => write!(f, "Datagram({leg}, {to}, {} bytes)", bytes.len()),
            Self::Ring(order) => write!(f, "Ring({order:?})"),
            Self::Across(Across { to, news: AcrossNews::Audio(payload) }) => {
                write!(f, "Across({to}, {} bytes)", payload.len())
            }
            Self::Across(across) => write!(f, "{across:?}"),
            Self::CloseMedia(leg) => write!(f, "CloseMedia({leg})"),
            Self::Note(note) => write!(f, "Note({note:?})"),
        }
    }
}

/// The partner's side of one open WebSocket: fed with what the client sends and with time, then
/// drained with [`Peer::poll`].
#[derive(Debug)]
pub struct Peer {
    keys: Arc<KeyRing>,
    pub(super) faults: Faults,
    pub(super) place: Place,
    /// What the partner sees of the token shown last.
    pub(super) traits: Option<Traits>,
    pub(super) calls: Option<PeerCalls>,
    /// The fault that was chosen for the token shown last.
    fault: Option<SessionFault>,
    /// The rule behind it, in words.
    because: Option<String>,
    pub(super) token: Option<VerifiedToken>,
    pub(super) connected: bool,
    pub(super) registered: bool,
    /// What `register` asked for before `connected`: the partner waits with its answer.
    asked: Option<bool>,
    ended: bool,
    nonsense: u32,
    heartbeat: Option<Timestamp>,
    listen_by: Option<Timestamp>,
    /// What comes late: one frame at most, since one fault applies.
    late: Option<(Timestamp, Late)>,
    pub(super) outputs: VecDeque<PeerOutput>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Late {
    Connected,
    Ready,
}

impl Peer {
    /// The peer of a WebSocket that was opened at `now`.
    pub fn new(keys: Arc<KeyRing>, faults: Faults, place: Place, now: Timestamp) -> Self {
        Self {
            keys,
            faults,
            place,
            traits: None,
            calls: None,
            fault: None,
            because: None,
            token: None,
            connected: false,
            registered: false,
            asked: None,
            ended: false,
            nonsense: 0,
            heartbeat: Some(now.plus(HEARTBEAT_EVERY)),
            listen_by: Some(now.plus(LISTEN_DEADLINE)),
            late: None,
            outputs: VecDeque::new(),
        }
    }

    /// A text frame came.
    pub fn received(&mut self, now: Timestamp, text: &str) {
        if self.ended || self.fault == Some(SessionFault::Silence) {
            return;
        }
        match ClientFrame::parse(text) {
            ClientFrame::Heartbeat => {}
            ClientFrame::Listen { token, .. } => self.listen(now, token.as_ref().map(|token| token.expose())),
            ClientFrame::Register { audio } if self.connected => self.register(now, audio),
            ClientFrame::Register { audio } => self.asked = Some(audio),
            ClientFrame::Invite { callsid, sdp } => self.invite(now, callsid, sdp),
            ClientFrame::Answer { callsid, sdp } => self.call_answered(now, &callsid, sdp.as_deref()),
            ClientFrame::Reinvite { callsid, sdp } => self.call_reinvited(now, &callsid, sdp.as_deref()),
            ClientFrame::Hangup { callsid } | ClientFrame::Reject { callsid } => {
                self.end_call(now, &callsid);
            }
            ClientFrame::Dtmf { callsid, digits } => self.call_pressed(now, &callsid, &digits),
            ClientFrame::Unknown { .. } | ClientFrame::Garbage => self.nonsense(),
        }
    }

    /// A binary frame came. The protocol has none.
    pub fn received_binary(&mut self) {
        if !self.ended {
            self.nonsense();
        }
    }

    /// The client has closed its side, or is gone.
    pub fn left(&mut self, now: Timestamp) {
        self.end_calls(now);
        if !self.ended {
            self.note(Note::of("client left"));
        }
        self.stop();
    }

    /// Time has come to [`Peer::wake`].
    pub fn timeout(&mut self, now: Timestamp) {
        if self.listen_by.is_some_and(|at| at <= now) {
            self.end(Ending::Close(CLOSE_POLICY), "no token in time");
        }
        if let Some((_, late)) = self.late.take_if(|(at, _)| *at <= now) {
            match late {
                Late::Connected => self.welcome(now),
                Late::Ready => self.ready(),
            }
        }
        self.calls_timeout(now);
        if let Some(at) = self.heartbeat.as_mut()
            && *at <= now
        {
            *at = now.plus(HEARTBEAT_EVERY);
            self.outputs.push_back(PeerOutput::Text(HEARTBEAT.to_owned()));
        }
    }

    /// When [`Peer::timeout`] wants to come; `None` if nothing is waited for.
    pub fn wake(&self) -> Option<Timestamp> {
        [self.heartbeat, self.listen_by, self.late.map(|(at, _)| at), self.calls_wake()].into_iter().flatten().min()
    }

    /// The next thing to do; `None` when drained.
    pub fn poll(&mut self) -> Option<PeerOutput> {
        self.outputs.pop_front()
    }

    /// True once nothing more will be sent.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    // ---- the token -----------------------------------------------------------------------

    fn listen(&mut self, now: Timestamp, text: Option<&str>) {
        self.listen_by = None;
        self.connected = false;
        self.late = None;
        let Some(text) = text else { return self.refuse(TOKEN_MISSING) };
        let token = match self.keys.verify(text, now) {
            Ok(token) => token,
            Err(refusal) => return self.refuse(refusal),
        };
        let traits = traits_of(&token, shape_of(text), &self.place);
        let chosen = self.faults.session(&traits, &self.place);
        self.fault = chosen.map(|(fault, _)| fault);
        self.because = chosen.and_then(|(_, rule)| rule).map(ToString::to_string);
        self.token = Some(token);
        self.traits = Some(traits.clone());
        self.note(Note { traits: Some(traits), ..Note::of("token verified") });
        self.greet(now);
    }

    fn greet(&mut self, now: Timestamp) {
        match self.fault {
            Some(SessionFault::Refuse { code, retry_after_s, then }) => {
                self.note(Note::of("token refused").code(code));
                self.outputs.push_back(oddity::error(code, retry_after_s, self.gateway()));
                self.end(then, "ended after the refusal");
            }
            Some(SessionFault::Silence) => {
                self.heartbeat = None;
                self.note(Note::of("kept silent"));
            }
            Some(SessionFault::NoConnected) => self.note(Note::of("connected withheld")),
            Some(SessionFault::ConnectedLate(by)) => {
                self.note(Note::of("connected delayed"));
                self.late = Some((now.plus(by), Late::Connected));
            }
            Some(SessionFault::BeforeConnected(oddity)) => {
                self.odd(oddity);
                self.welcome(now);
            }
            Some(SessionFault::InsteadOfConnected(oddity)) => self.odd(oddity),
            Some(SessionFault::EndBeforeConnected(ending)) => self.end(ending, "ended before connected"),
            _ => self.welcome(now),
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.fault = None;
        self.because = None;
        self.note(Note::of("token refused").code(refusal.code));
        self.outputs.push_back(oddity::trouble(refusal.code, refusal.message, None, self.gateway()));
        self.end(Ending::Close(CLOSE_NORMAL), "ended after the refusal");
    }

    fn welcome(&mut self, now: Timestamp) {
        let Some(token) = &self.token else { return };
        let left = u32::try_from(token.expires_s.saturating_sub(now.as_secs())).unwrap_or(0);
        let welcome = Welcome {
            region: Some(self.place.region().to_owned()),
            edge: Some(self.place.edge.to_string()),
            home: Some(self.place.home().to_owned()),
            gateway: self.gateway(),
            identity: token.identity.clone(),
            ttl_s: Some(left),
        };
        self.note(Note::of("connected"));
        self.send(&ServerFrame::Connected(welcome));
        self.connected = true;
        if self.fault == Some(SessionFault::NoHeartbeat) {
            self.heartbeat = None;
        }
        if let Some(audio) = self.asked.take() {
            self.register(now, audio);
        }
    }

    // ---- the registration ----------------------------------------------------------------

    fn register(&mut self, now: Timestamp, audio: bool) {
        if !audio {
            return self.leave();
        }
        if let Some(refusal) = self.token.as_ref().and_then(|token| token.expired(now)) {
            self.registered = false;
            self.note(Note::of("registration expired").code(refusal.code));
            self.outputs.push_back(oddity::trouble(refusal.code, refusal.message, None, self.gateway()));
            return self.send(&ServerFrame::Offline);
        }
        if self.registered {
            return self.send(&ServerFrame::Ready);
        }
        match self.fault {
            Some(SessionFault::NoReady) => self.note(Note::of("ready withheld")),
            Some(SessionFault::ReadyLate(by)) => {
                self.note(Note::of("ready delayed"));
                self.late = Some((now.plus(by), Late::Ready));
            }
            Some(SessionFault::OfflineInsteadOfReady) => self.offline("offline instead of ready"),
            Some(SessionFault::RefuseRegister { code, retry_after_s }) => {
                self.note(Note::of("registration refused").code(code));
                self.outputs.push_back(oddity::error(code, retry_after_s, self.gateway()));
            }
            _ => self.ready(),
        }
    }

    fn ready(&mut self) {
        self.registered = true;
        self.note(Note::of("registered"));
        self.send(&ServerFrame::Ready);
        match self.fault {
            Some(SessionFault::AfterReady(oddity)) => self.odd(oddity),
            Some(SessionFault::OfflineAfterReady) => self.offline("offline out of the blue"),
            Some(SessionFault::EndAfterReady(ending)) => self.end(ending, "ended after ready"),
            _ => {}
        }
    }

    fn leave(&mut self) {
        self.registered = false;
        self.late = None;
        if self.fault == Some(SessionFault::NoOfflineOnLeave) {
            return self.note(Note::of("leaving not confirmed"));
        }
        self.note(Note::of("left"));
        self.send(&ServerFrame::Offline);
    }

    fn offline(&mut self, did: &'static str) {
        self.registered = false;
        self.note(Note::of(did));
        self.send(&ServerFrame::Offline);
    }

    /// What this node says its name is, with whatever it sends.
    fn gateway(&self) -> Option<String> {
        Some(self.place.node.gateway())
    }

    // ---- the ways out --------------------------------------------------------------------

    fn odd(&mut self, oddity: Oddity) {
        self.note(Note::of("something odd sent"));
        oddity::outputs(oddity, |output| self.outputs.push_back(output));
    }

    fn nonsense(&mut self) {
        self.nonsense += 1;
        if self.nonsense == NONSENSE_MAX {
            self.end(Ending::Close(CLOSE_POLICY), "too much nonsense");
        }
    }

    fn end(&mut self, ending: Ending, did: &'static str) {
        let note = Note::of(did);
        match ending {
            Ending::Open => return,
            Ending::Close(code) => {
                self.note(note.code(u32::from(code)));
                self.outputs.push_back(PeerOutput::Close(code));
            }
            Ending::Drop => {
                self.note(note);
                self.outputs.push_back(PeerOutput::Drop);
            }
            // The client is asked to close; the partner waits for that.
            Ending::StreamEnd => {
                self.note(note);
                return self.send(&ServerFrame::Close);
            }
        }
        self.stop();
    }

    fn stop(&mut self) {
        self.ended = true;
        self.heartbeat = None;
        self.listen_by = None;
        self.late = None;
    }

    /// Drops TCP, in the middle of whatever it is.
    pub(super) fn drop_tcp(&mut self) {
        self.end(Ending::Drop, "dropped in a call");
    }

    pub(super) fn send(&mut self, frame: &ServerFrame) {
        self.outputs.push_back(PeerOutput::Text(frame.to_text()));
    }

    /// Notes what is about to be done: whoever has seen it done finds it in the ground truth.
    pub(super) fn note(&mut self, note: Note) {
        let note = note.because(self.because.clone());
        self.outputs.push_back(PeerOutput::Note(Box::new(note)));
    }
}
