//! Trouble with the registration.

use std::time::Duration;

use crate::model::Step::Registered;

use super::super::behaviour::{Behaviour, Ending, Oddity, SessionFault};
use super::entry::Expected::{Completed, Degraded, Failed};
use super::entry::Group::Registration;
use super::entry::{Entry, LARGE_FRAME_BYTES, entry, session};

const fn after(oddity: Oddity) -> Behaviour {
    session(SessionFault::AfterReady(oddity))
}

const fn end_after(ending: Ending) -> Behaviour {
    session(SessionFault::EndAfterReady(ending))
}

/// The chapter's faults.
pub(super) const ENTRIES: &[Entry] = &[
    entry("ready-missing", Registration, session(SessionFault::NoReady), Failed(Registered), "never answers register"),
    entry(
        "ready-late",
        Registration,
        session(SessionFault::ReadyLate(Duration::from_secs(1))),
        Completed,
        "sends ready 1 s late (decoy: within the deadline)",
    ),
    entry(
        "ready-very-late",
        Registration,
        session(SessionFault::ReadyLate(Duration::from_secs(4))),
        Completed,
        "sends ready 4 s late (decoy: within the deadline)",
    ),
    entry(
        "offline-instead-of-ready",
        Registration,
        session(SessionFault::OfflineInsteadOfReady),
        Failed(Registered),
        "answers register with offline",
    ),
    entry(
        "register-refused",
        Registration,
        session(SessionFault::RefuseRegister { code: 31201, retry_after_s: None }),
        Failed(Registered),
        "answers register with error 31201",
    ),
    entry(
        "register-expired",
        Registration,
        session(SessionFault::RefuseRegister { code: 31205, retry_after_s: None }),
        Failed(Registered),
        "answers register with error 31205 (expired)",
    ),
    entry(
        "offline-after-ready",
        Registration,
        session(SessionFault::OfflineAfterReady),
        Failed(Registered),
        "sends offline right after ready, out of the blue",
    ),
    entry(
        "error-after-ready",
        Registration,
        after(Oddity::ErrorFrame(31000)),
        Degraded,
        "sends error 31000 right after ready, without closing",
    ),
    entry(
        "foreign-invite",
        Registration,
        after(Oddity::ForeignInvite),
        Degraded,
        "invites to a call that is not ours right after ready",
    ),
    entry(
        "foreign-hangup",
        Registration,
        after(Oddity::ForeignHangup),
        Degraded,
        "hangs up a call that is not ours right after ready",
    ),
    entry(
        "frame-16mb-after-ready",
        Registration,
        after(Oddity::Large(LARGE_FRAME_BYTES)),
        Degraded,
        "sends one frame of 16 MB right after ready",
    ),
    entry(
        "stream-ended-after-ready",
        Registration,
        end_after(Ending::StreamEnd),
        Failed(Registered),
        "sends the frame close right after ready",
    ),
    entry(
        "closed-1000-after-ready",
        Registration,
        end_after(Ending::Close(1000)),
        Degraded,
        "closes with 1000 right after ready",
    ),
    entry(
        "closed-1001-after-ready",
        Registration,
        end_after(Ending::Close(1001)),
        Degraded,
        "closes with 1001 right after ready",
    ),
    entry(
        "closed-1011-after-ready",
        Registration,
        end_after(Ending::Close(1011)),
        Degraded,
        "closes with 1011 right after ready",
    ),
    entry(
        "dropped-after-ready",
        Registration,
        end_after(Ending::Drop),
        Failed(Registered),
        "drops TCP right after ready",
    ),
    entry(
        "leave-unconfirmed",
        Registration,
        session(SessionFault::NoOfflineOnLeave),
        Degraded,
        "never confirms that the device has left",
    ),
    entry(
        "heartbeat-missing",
        Registration,
        session(SessionFault::NoHeartbeat),
        Completed,
        "sends no heartbeats (seen by devices that stay longer than 15 s)",
    ),
];
