//! The seam between one attempt ([`crate::call`]) and a partner's protocol: a machine without
//! sockets that speaks for the agent's device.

use std::fmt;

use super::{Degradation, DeviceError, Timestamp};

/// A partner's signalling protocol as a machine without sockets. The owner feeds it what the
/// socket does and drains [`Signalling::poll`] after every call.
pub trait Signalling {
    /// The WebSocket is open; the device says hello and shows its token.
    fn opened(&mut self, now: Timestamp);

    /// A text frame came.
    fn received(&mut self, now: Timestamp, text: &str);

    /// A frame came that the protocol does not have (binary), or one over the size limit.
    fn received_foreign(&mut self, now: Timestamp);

    /// Registers the device for incoming calls. Only after `Connected`.
    fn register(&mut self, now: Timestamp);

    /// Ends the registration properly.
    fn leave(&mut self, now: Timestamp);

    /// Asks for a call, with our session description. `temporary` is its id until the partner has
    /// given it one.
    fn invite(&mut self, now: Timestamp, temporary: &str, description: &str);

    /// From now on a call that comes in with this sign is ours; all others are left alone.
    fn expect(&mut self, sign: ExpectedCall);

    /// Accepts the call that came in, with our session description.
    fn answer(&mut self, now: Timestamp, description: &str);

    /// Presses digits in the call, where they cannot go with the audio.
    fn press(&mut self, now: Timestamp, digits: &str);

    /// Ends the call, if there is one.
    fn hang_up(&mut self, now: Timestamp);

    /// The call's media are in trouble: the device raises what the SDK would.
    fn media_trouble(&mut self, trouble: MediaTrouble);

    /// The socket could not be opened or has ended.
    fn ended(&mut self, now: Timestamp, end: SocketEnd);

    /// Time has come to [`Signalling::wake`].
    fn timeout(&mut self, now: Timestamp);

    /// When `timeout` wants to be called: heartbeats, repeats.
    fn wake(&self) -> Option<Timestamp>;

    /// The next thing to do or to know; `None` when drained.
    fn poll(&mut self) -> Option<SignallingOutput>;
}

/// What a signalling machine gives out.
#[derive(Clone, PartialEq, Eq)]
pub enum SignallingOutput {
    /// Send this text frame. It may hold a token: never log it.
    Send(String),
    /// Close the socket with this code.
    Close(u16),
    /// Something to know.
    Event(SignallingEvent),
}

impl fmt::Debug for SignallingOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // It may hold a token.
            Self::Send(text) => write!(f, "Send({} bytes)", text.len()),
            Self::Close(code) => write!(f, "Close({code})"),
            Self::Event(event) => write!(f, "Event({event:?})"),
        }
    }
}

/// What a signalling machine tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SignallingEvent {
    /// The token was accepted.
    Connected(SessionFacts),
    /// The partner said where we are, with something else than [`SignallingEvent::Connected`].
    Located {
        /// The gateway's name.
        gateway: Option<String>,
        /// The region, as the partner writes it.
        region: Option<String>,
    },
    /// The device is registered.
    Registered,
    /// The device is not registered (any more).
    Offline,
    /// The partner ended the stream and does not want us back.
    StreamEnded,
    /// The SDK's Device would raise this now. Carries the throttle hint where the code is one.
    DeviceError {
        /// The error as an application sees it.
        error: DeviceError,
        /// Seconds that the partner asked us to wait.
        retry_after_s: Option<u32>,
        /// True if the code means "slow down".
        throttled: bool,
    },
    /// The agent could go on, but this was not right.
    Degraded(Degradation),
    /// Nothing was heard for as long as the SDK waits.
    HeartbeatLost,
    /// Something happened to our call.
    Call(CallEvent),
}

/// By what a call that comes in is known to be ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExpectedCall {
    /// This text among its parameters: it came with the order to ring us.
    Marker(String),
    /// The partner's id of it.
    Sid(String),
    /// The phone number that it comes from.
    Caller(String),
}

/// Something happened to our call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallEvent {
    /// It rings on the far side.
    Ringing {
        /// The partner's id of the call.
        sid: Option<String>,
    },
    /// The far side has answered.
    Answered {
        /// The partner's id of the call.
        sid: Option<String>,
        /// Its session description.
        description: String,
    },
    /// A call of ours comes in.
    Invited {
        /// The partner's id of the call.
        sid: String,
        /// Its session description.
        description: String,
    },
    /// The call that came in was withdrawn.
    Cancelled,
    /// The far side or the partner has ended it. A device error that says why came before.
    Ended,
}

/// Trouble with a call's media that the SDK tells the application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MediaTrouble {
    /// The far side's description cannot be used.
    Description,
    /// There is no path any more.
    Path,
}

/// What the partner said when it accepted the token.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SessionFacts {
    /// The gateway's name.
    pub gateway: Option<String>,
    /// The region, as the partner writes it.
    pub region: Option<String>,
    /// The edge that we reached.
    pub edge: Option<String>,
    /// Seconds that the token has left, as the partner reckons.
    pub token_ttl_s: Option<u32>,
}

/// How a socket ended, or why there was none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SocketEnd {
    /// It could not be opened: TCP, TLS or upgrade was refused. The browser reports 1006.
    NotOpened,
    /// Opening it took longer than the SDK waits.
    OpenTimeout,
    /// The other side closed it with this code.
    Closed(u16),
    /// It broke off without a close frame (1006 in a browser).
    Broken,
    /// It was open, but the other side broke the rules of WebSocket itself (bad UTF-8, reserved
    /// bits, a mask, an invalid close code), and a browser refuses to go on: it reports a failure
    /// and then 1006.
    Refused,
}
