//! The partner asks us to slow down.

use crate::model::Step::{self, Connected, Registered};

use super::super::behaviour::{Behaviour, Ending, SessionFault, TransportFault, UpgradeFault};
use super::entry::Expected::{Failed, Throttled};
use super::entry::Group::Throttling;
use super::entry::{Entry, entry, session};

/// Seconds in `Retry-After` and `retryAfter` unless set.
const RETRY_AFTER_S: u32 = 30;
/// A close after a refusal, as the partner does it.
const CLOSE: Ending = Ending::Close(1000);

const fn status(status: u16, retry_after_s: Option<u32>) -> Behaviour {
    Behaviour::Transport(TransportFault::Upgrade(UpgradeFault::Status { status, retry_after_s }))
}

/// The chapter's faults.
pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "throttled-31206",
        Throttling,
        session(SessionFault::Refuse { code: 31206, retry_after_s: None, then: CLOSE }),
        Throttled(Connected),
        "error 31206 (rate exceeded) on the token, then closes",
    ),
    entry(
        "throttled-20429",
        Throttling,
        session(SessionFault::Refuse { code: 20429, retry_after_s: Some(RETRY_AFTER_S), then: CLOSE }),
        Throttled(Connected),
        "error 20429 with retryAfter on the token, then closes",
    ),
    entry(
        "throttled-at-register",
        Throttling,
        session(SessionFault::RefuseRegister { code: 31206, retry_after_s: Some(RETRY_AFTER_S) }),
        Throttled(Registered),
        "error 31206 with retryAfter at register",
    ),
    entry("upgrade-429", Throttling, status(429, None), Throttled(Step::Upgrade), "answers the upgrade with HTTP 429"),
    entry(
        "upgrade-429-retry-after",
        Throttling,
        status(429, Some(RETRY_AFTER_S)),
        Throttled(Step::Upgrade),
        "answers the upgrade with HTTP 429 and Retry-After",
    ),
    entry(
        "upgrade-403-retry-after",
        Throttling,
        status(403, Some(RETRY_AFTER_S)),
        Throttled(Step::Upgrade),
        "answers the upgrade with HTTP 403 and Retry-After",
    ),
    entry(
        "upgrade-503-retry-after",
        Throttling,
        status(503, Some(RETRY_AFTER_S)),
        Failed(Step::Upgrade),
        "answers the upgrade with HTTP 503 and Retry-After",
    ),
];
