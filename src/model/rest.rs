//! What a test call asks of a partner's REST API, and what comes back: words only.

use super::{CallStatus, FailureReason, LostReason};

/// A call to a phone number that leads to our device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NumberCall {
    /// The number that is called (E.164).
    pub number: String,
    /// The number that it comes from: by this our device knows it, since nothing else of ours passes
    /// through the telephone network.
    pub caller: String,
}

/// What to ask the partner's REST API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RestRequest {
    /// To make our device ring. Never repeated: the call would ring twice.
    Originate {
        /// A parameter (`key=value`) that the call shall carry to the device.
        marker: String,
        /// The number to call; our device itself if absent.
        number: Option<NumberCall>,
        /// How long it may last once it is answered, in seconds: it ends by itself even if we die.
        time_limit_s: u32,
        /// How long it may ring, in seconds.
        timeout_s: u32,
    },
    /// For a call's status.
    Status {
        /// Which call.
        sid: String,
    },
    /// To end a call, whether it still waits, rings or is answered.
    End {
        /// Which call.
        sid: String,
    },
}

/// What came of asking the partner's REST API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RestAnswer {
    /// The call that we asked for, or asked about.
    Call {
        /// The partner's id of it.
        sid: String,
        /// Its status.
        status: CallStatus,
    },
    /// An HTTP status that is no success, and perhaps `Retry-After` in seconds.
    Refused {
        /// The status.
        status: u16,
        /// `Retry-After` in seconds.
        retry_after_s: Option<u32>,
    },
    /// There was no answer in time.
    NoAnswer,
    /// The connection could not be made, or broke.
    Unreachable(FailureReason),
    /// It was not asked, or the answer could not come, for a reason of our own.
    Lost(LostReason),
    /// An answer that is no call.
    Malformed,
}
