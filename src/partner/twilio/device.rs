//! The SDK's Device as a machine without sockets: what it sends, when it registers, and what it
//! raises. The list of errors, in order, is what the real SDK raises in a browser for the same
//! behaviour of the partner; `docs/twilio.md` says where each rule comes from.

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::model::{
    Degradation, DeviceError, ExpectedCall, MediaTrouble, SessionFacts, Signalling, SignallingEvent, SignallingOutput,
    SocketEnd, Timestamp,
};
use crate::token::TokenText;

use super::device_call::{DeviceCalls, Meaning};
use super::error_catalogue::{CODE_MISSING, call_error, class_of, code, device_error, is_throttle, name_of, own_error};
use super::frame::{FRAME_MAX, LARGE_FRAME};
use super::{CallNews, ClientFrame, SdkProfile, ServerFrame};

/// Silence after which the SDK gives a connection up.
pub const HEARTBEAT_SILENCE: Duration = Duration::from_secs(15);

/// How often a registration is repeated, whatever the answer.
pub const REGISTER_REPEAT: Duration = Duration::from_secs(30);

/// Device errors that one device tells at most; a partner that sends more adds nothing.
pub const DEVICE_ERRORS_MAX: usize = 64;

/// WebSocket close: done.
const CLOSE_NORMAL: u16 = 1000;
/// What browsers report for a connection that ended without a close frame.
const CLOSE_ABNORMAL: u16 = 1006;
/// What browsers report for a failed TLS handshake.
const CLOSE_TLS: u16 = 1015;

/// An agent's device with one token.
#[derive(Debug)]
pub struct Device {
    token: TokenText,
    profile: SdkProfile,
    /// The socket, while it is open and the SDK listens to it.
    socket: Option<Socket>,
    presence: Presence,
    /// The application wants to be registered.
    wanted: bool,
    leaving: bool,
    calls: DeviceCalls,
    told: BTreeSet<Degradation>,
    errors: usize,
    output: VecDeque<SignallingOutput>,
}

#[derive(Debug)]
struct Socket {
    /// When the last message came.
    heard: Timestamp,
    /// `connected` has come.
    connected: bool,
    /// When to repeat the registration.
    repeat: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Presence {
    Unregistered,
    Registering,
    Registered,
}

impl Device {
    /// A device that will show this token and behave as this SDK.
    pub fn new(token: TokenText, profile: SdkProfile) -> Self {
        Self {
            token,
            profile,
            socket: None,
            presence: Presence::Unregistered,
            // 1.x registers by itself as soon as it can.
            wanted: profile == SdkProfile::V1,
            leaving: false,
            calls: DeviceCalls::default(),
            told: BTreeSet::new(),
            errors: 0,
            output: VecDeque::new(),
        }
    }

    fn send(&mut self, frame: &ClientFrame) {
        self.output.push_back(SignallingOutput::Send(frame.to_text(self.profile)));
    }

    fn tell(&mut self, event: SignallingEvent) {
        self.output.push_back(SignallingOutput::Event(event));
    }

    /// Each kind once: a second one tells nothing new.
    fn degraded(&mut self, degradation: Degradation) {
        if self.told.insert(degradation) {
            self.tell(SignallingEvent::Degraded(degradation));
        }
    }

    fn raise(&mut self, error: DeviceError, retry_after_s: Option<u32>) {
        if self.errors == DEVICE_ERRORS_MAX {
            return;
        }
        self.errors += 1;
        let throttled = is_throttle(error.wire_code.unwrap_or(error.code));
        self.tell(SignallingEvent::DeviceError { error, retry_after_s, throttled });
    }

    fn send_presence(&mut self, now: Timestamp, audio: bool) {
        let Some(socket) = &mut self.socket else { return };
        socket.repeat = audio.then(|| now.plus(REGISTER_REPEAT));
        self.send(&ClientFrame::Register { audio });
    }

    fn announce(&mut self, now: Timestamp) {
        if self.presence == Presence::Unregistered {
            self.presence = Presence::Registering;
        }
        self.send_presence(now, true);
    }

    fn stop_repeating(&mut self) {
        if let Some(socket) = &mut self.socket {
            socket.repeat = None;
        }
    }

    fn close(&mut self) {
        self.socket = None;
        self.presence = Presence::Unregistered;
        self.output.push_back(SignallingOutput::Close(CLOSE_NORMAL));
    }

    fn act(&mut self, now: Timestamp, frame: ServerFrame) {
        match frame {
            ServerFrame::Heartbeat => self.send(&ClientFrame::Heartbeat),
            ServerFrame::Connected(welcome) => self.on_connected(
                now,
                SessionFacts {
                    gateway: welcome.gateway,
                    region: welcome.region,
                    edge: welcome.edge,
                    token_ttl_s: welcome.ttl_s,
                },
            ),
            ServerFrame::Ready => self.on_ready(),
            ServerFrame::Offline => self.on_offline(),
            ServerFrame::Close => {
                self.tell(SignallingEvent::StreamEnded);
                self.close();
            }
            ServerFrame::Error(trouble) => {
                if trouble.gateway.is_some() || trouble.region.is_some() {
                    self.tell(SignallingEvent::Located { gateway: trouble.gateway, region: trouble.region });
                }
                if trouble.code == Some(code::JWT_EXPIRED) {
                    self.stop_repeating();
                }
                self.raise(device_error(self.profile, trouble.code), trouble.retry_after_s);
            }
            ServerFrame::Invite(invite) if invite.is_whole() => match self.calls.invited(invite) {
                Some(event) => self.tell(SignallingEvent::Call(event)),
                None => self.degraded(Degradation::ForeignInvite),
            },
            ServerFrame::Invite(_) => self.raise(self.malformed_invite(), None),
            ServerFrame::Call(news) => self.on_news(news),
            ServerFrame::Unknown => {}
        }
    }

    fn on_connected(&mut self, now: Timestamp, facts: SessionFacts) {
        if let Some(socket) = &mut self.socket {
            socket.connected = true;
        }
        self.tell(SignallingEvent::Connected(facts));
        // 2.x comes back by itself only if it had been registered or was about to be.
        let again = self.profile == SdkProfile::V1 || self.presence == Presence::Unregistered;
        if self.wanted && again {
            self.announce(now);
        }
    }

    fn on_ready(&mut self) {
        if self.presence != Presence::Registered && !self.leaving {
            self.presence = Presence::Registered;
            self.tell(SignallingEvent::Registered);
        }
    }

    fn on_offline(&mut self) {
        if self.profile == SdkProfile::V2 {
            self.stop_repeating();
        }
        if self.leaving || self.presence != Presence::Unregistered {
            self.presence = Presence::Unregistered;
            self.tell(SignallingEvent::Offline);
        }
    }

    fn on_news(&mut self, news: CallNews) {
        match self.calls.news(news) {
            Meaning::Ours(error, event) => {
                if let Some(wire_code) = error {
                    self.raise(call_error(self.profile, wire_code), None);
                }
                self.tell(SignallingEvent::Call(event));
            }
            Meaning::Nothing => {}
            Meaning::Foreign => self.degraded(Degradation::ForeignFrame),
        }
    }

    /// The SDK's own complaint about an invite that lacks call or description.
    fn malformed_invite(&self) -> DeviceError {
        match self.profile {
            SdkProfile::V2 => own_error(code::BAD_REQUEST),
            // 1.x raises an object without a code.
            SdkProfile::V1 => DeviceError {
                code: CODE_MISSING,
                name: Cow::Borrowed(name_of(code::BAD_REQUEST)),
                class: class_of(code::BAD_REQUEST),
                wire_code: None,
            },
        }
    }
}

impl Signalling for Device {
    fn opened(&mut self, now: Timestamp) {
        self.socket = Some(Socket { heard: now, connected: false, repeat: None });
        self.presence = Presence::Unregistered;
        self.send(&ClientFrame::Listen { token: Some(self.token.clone()), release: None });
    }

    fn received(&mut self, now: Timestamp, text: &str) {
        let Some(socket) = &mut self.socket else { return };
        if text.len() > FRAME_MAX {
            return self.received_foreign(now);
        }
        socket.heard = now;
        if text.len() > LARGE_FRAME {
            self.degraded(Degradation::LargeFrame);
        }
        match ServerFrame::parse(text, self.profile) {
            Ok(frame) => self.act(now, frame),
            Err(_) => self.degraded(Degradation::Garbage),
        }
    }

    fn received_foreign(&mut self, now: Timestamp) {
        // The SDK drops what is no text, but it has heard something.
        if let Some(socket) = &mut self.socket {
            socket.heard = now;
            self.degraded(Degradation::ForeignFrame);
        }
    }

    fn register(&mut self, now: Timestamp) {
        self.wanted = true;
        let connected = self.socket.as_ref().is_some_and(|socket| socket.connected);
        if connected && self.presence == Presence::Unregistered {
            self.announce(now);
        }
    }

    fn leave(&mut self, now: Timestamp) {
        self.wanted = false;
        self.leaving = true;
        if self.socket.is_none() || self.presence == Presence::Unregistered {
            // Nothing to end.
            self.stop_repeating();
            self.tell(SignallingEvent::Offline);
        } else {
            self.send_presence(now, false);
        }
    }

    fn invite(&mut self, _now: Timestamp, temporary: &str, description: &str) {
        self.calls.begin(temporary);
        self.send(&ClientFrame::Invite { callsid: temporary.to_owned(), sdp: Some(description.to_owned()) });
    }

    fn expect(&mut self, sign: ExpectedCall) {
        if let Some(event) = self.calls.expect(sign) {
            self.tell(SignallingEvent::Call(event));
        }
    }

    fn answer(&mut self, _now: Timestamp, description: &str) {
        let Some(callsid) = self.calls.id().map(str::to_owned) else { return };
        self.calls.answered();
        self.send(&ClientFrame::Answer { callsid, sdp: Some(description.to_owned()) });
    }

    fn press(&mut self, _now: Timestamp, digits: &str) {
        let Some(callsid) = self.calls.id().map(str::to_owned) else { return };
        self.send(&ClientFrame::Dtmf { callsid, digits: digits.to_owned() });
    }

    fn hang_up(&mut self, _now: Timestamp) {
        let Some(callsid) = self.calls.id().map(str::to_owned) else { return };
        self.calls.end();
        self.send(&ClientFrame::Hangup { callsid });
    }

    fn media_trouble(&mut self, trouble: MediaTrouble) {
        let code = match trouble {
            MediaTrouble::Description => code::REMOTE_DESCRIPTION,
            MediaTrouble::Path => code::MEDIA_CONNECTION,
        };
        self.raise(own_error(code), None);
    }

    fn ended(&mut self, _now: Timestamp, end: SocketEnd) {
        let listening = self.socket.take().is_some();
        self.presence = Presence::Unregistered;
        let raised: &[u32] = match end {
            SocketEnd::NotOpened => &[code::UNKNOWN, code::CONNECTION],
            SocketEnd::Refused if listening => &[code::UNKNOWN, code::CONNECTION],
            SocketEnd::Broken | SocketEnd::Closed(CLOSE_ABNORMAL | CLOSE_TLS) if listening => &[code::CONNECTION],
            SocketEnd::Refused | SocketEnd::Broken | SocketEnd::Closed(_) | SocketEnd::OpenTimeout => &[],
        };
        for code in raised {
            self.raise(own_error(*code), None);
        }
    }

    fn timeout(&mut self, now: Timestamp) {
        let Some(socket) = &self.socket else { return };
        if now >= socket.heard.plus(HEARTBEAT_SILENCE) {
            self.tell(SignallingEvent::HeartbeatLost);
            self.close();
        } else if socket.repeat.is_some_and(|at| now >= at) {
            self.send_presence(now, true);
        }
    }

    fn wake(&self) -> Option<Timestamp> {
        let socket = self.socket.as_ref()?;
        let silence = socket.heard.plus(HEARTBEAT_SILENCE);
        Some(socket.repeat.map_or(silence, |repeat| repeat.min(silence)))
    }

    fn poll(&mut self) -> Option<SignallingOutput> {
        self.output.pop_front()
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
