//! What a fault makes the partner do.

use std::time::Duration;

use super::call_fault::CallFault;
use super::misparse::Misparse;

/// What a fault makes the partner do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Behaviour {
    /// Before there is a WebSocket; the partner has not seen a token yet.
    Transport(TransportFault),
    /// Once the client has shown its token.
    Session(SessionFault),
    /// In a test call.
    Call(CallFault),
}

/// Trouble before there is a WebSocket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TransportFault {
    /// On TCP.
    Tcp(TcpFault),
    /// In the TLS handshake. A pod without TLS cannot have it.
    Tls(TlsFault),
    /// At the WebSocket upgrade.
    Upgrade(UpgradeFault),
}

/// Trouble on TCP.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TcpFault {
    /// Nobody listens.
    Refused,
    /// Accepted, then reset at the client's first byte.
    Reset,
    /// Accepted, then nothing is ever sent.
    Silence,
}

/// Trouble in the TLS handshake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TlsFault {
    /// A certificate that the client must refuse.
    Certificate(CertificateFault),
    /// Bytes that are no TLS in place of the server's hello.
    Garbage,
    /// Half of a server's hello, then nothing.
    HalfOpen,
    /// A fatal alert in place of the server's hello.
    Alert,
    /// The connection is closed after the client's hello.
    Hangup,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CertificateFault {
    /// Past its end.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// For another name.
    WrongName,
    /// Signed by itself.
    Untrusted,
}

/// Trouble at the WebSocket upgrade.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum UpgradeFault {
    /// Answered with this HTTP status instead of 101.
    Status {
        /// The status; 200 is "no upgrade here".
        status: u16,
        /// The header `Retry-After`, in seconds.
        retry_after_s: Option<u32>,
    },
    /// The request is never answered.
    Hang,
    /// Answered with something that is not HTTP.
    Garbage,
    /// Answered with 101 and a wrong `Sec-WebSocket-Accept`.
    WrongAccept,
    /// The connection is closed instead of an answer.
    Hangup,
}

/// Trouble once the client has shown its token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SessionFault {
    /// The token is refused with an `error` frame.
    Refuse {
        /// Its code.
        code: u32,
        /// Its `retryAfter`, in seconds.
        retry_after_s: Option<u32>,
        /// What follows.
        then: Ending,
    },
    /// The token's text is misread: refused if the misreading matters for it.
    Misparse(Misparse),
    /// Nothing is sent any more, heartbeats neither.
    Silence,
    /// Heartbeats go on, but `connected` never comes.
    NoConnected,
    /// `connected` comes this much later.
    ConnectedLate(Duration),
    /// Something odd, then all as usual.
    BeforeConnected(Oddity),
    /// Something odd in place of `connected`.
    InsteadOfConnected(Oddity),
    /// The connection ends in place of `connected`.
    EndBeforeConnected(Ending),
    /// `register` is never answered.
    NoReady,
    /// `ready` comes this much later.
    ReadyLate(Duration),
    /// `offline` in place of `ready`.
    OfflineInsteadOfReady,
    /// `register` is answered with an `error` frame.
    RefuseRegister {
        /// Its code.
        code: u32,
        /// Its `retryAfter`, in seconds.
        retry_after_s: Option<u32>,
    },
    /// Something odd right after `ready`.
    AfterReady(Oddity),
    /// `offline` right after `ready`, out of the blue.
    OfflineAfterReady,
    /// The connection ends right after `ready`.
    EndAfterReady(Ending),
    /// Leaving is never confirmed.
    NoOfflineOnLeave,
    /// No heartbeats.
    NoHeartbeat,
}

/// How the partner ends a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ending {
    /// Not at all: it stays open.
    Open,
    /// A WebSocket close with this code.
    Close(u16),
    /// TCP is dropped without a close frame (1006 in a browser).
    Drop,
    /// A `close` frame of the partner's own protocol: do not come back.
    StreamEnd,
}

/// Something that the protocol does not have, or that does not concern this client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Oddity {
    /// JSON that is cut off.
    TruncatedJson,
    /// The JSON value `null`.
    Null,
    /// A JSON array.
    Array,
    /// Text that is no JSON.
    Text,
    /// This many frames of types that nobody knows.
    UnknownTypes(u32),
    /// One frame of this many bytes, of an unknown type.
    Large(u32),
    /// A binary frame.
    Binary,
    /// An `error` frame with this code.
    ErrorFrame(u32),
    /// `hangup` of a call that is not ours.
    ForeignHangup,
    /// An invitation to a call that is not ours.
    ForeignInvite,
}
