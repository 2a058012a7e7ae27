//! How a call shall go.

use std::time::Duration;

use crate::model::{CallWish, Digits, NumberCall, Origin};

use super::audio::ToneId;

/// How a call shall go, beside the attempt's own settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallSettings {
    /// Which way, how long, in which codec.
    pub wish: CallWish,
    /// Digits that are pressed first, and that the far end shall play back.
    pub digits: Option<Digits>,
    /// How much of what is heard is kept at most, from the end; nothing if zero.
    pub record: Duration,
    /// Whose audio it is.
    pub tone: ToneId,
    /// Our own id of an outbound call until the partner gives it one.
    pub temporary: String,
    /// Inbound: what the invite will carry among its parameters (`key=value`).
    pub marker: String,
    /// Inbound: the number that is called instead of the device itself.
    pub number: Option<NumberCall>,
    /// Another client of ours at the far end, in place of an application that sends back what it hears.
    pub other: Option<OtherClient>,
    /// The moment at which the attempt began; only differences to it matter.
    pub origin: Origin,
    /// How long each step may take.
    pub step: Duration,
    /// Inbound: how long it may take until it rings.
    pub delivery: Duration,
    /// True if there are servers that help to find paths for media.
    pub servers: bool,
}

/// Another client of ours at the far end of a call. Both play a tone of their own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OtherClient {
    /// Whose audio comes from there.
    pub tone: ToneId,
    /// As whom it calls us. It does so by itself: nobody is asked to make us ring. Nothing if it is
    /// us who call.
    pub calls_as: Option<String>,
}

impl CallSettings {
    /// As whom another client of ours will call, if that is what is waited for.
    pub(super) fn caller(&self) -> Option<&String> {
        self.other.as_ref()?.calls_as.as_ref()
    }
}
