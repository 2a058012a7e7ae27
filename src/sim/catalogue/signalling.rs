//! Trouble between the upgrade and `connected`.

use std::time::Duration;

use crate::model::Step::Connected;

use super::super::behaviour::{Behaviour, Ending, Oddity, SessionFault};
use super::entry::Expected::{Completed, Degraded, Failed};
use super::entry::Group::Signalling;
use super::entry::{Entry, LARGE_FRAME_BYTES, entry, session};

/// Unknown frames in a flood.
const FLOOD_FRAMES: u32 = 1000;

const fn before(oddity: Oddity) -> Behaviour {
    session(SessionFault::BeforeConnected(oddity))
}

const fn instead(oddity: Oddity) -> Behaviour {
    session(SessionFault::InsteadOfConnected(oddity))
}

const fn end_before(ending: Ending) -> Behaviour {
    session(SessionFault::EndBeforeConnected(ending))
}

/// The chapter's faults.
pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "silence-after-upgrade",
        Signalling,
        session(SessionFault::Silence),
        Failed(Connected),
        "answers 101 and never sends anything, heartbeats neither",
    ),
    entry(
        "connected-missing",
        Signalling,
        session(SessionFault::NoConnected),
        Failed(Connected),
        "sends heartbeats and no connected",
    ),
    entry(
        "connected-late",
        Signalling,
        session(SessionFault::ConnectedLate(Duration::from_secs(1))),
        Completed,
        "sends connected 1 s late (decoy: within the deadline)",
    ),
    entry(
        "connected-very-late",
        Signalling,
        session(SessionFault::ConnectedLate(Duration::from_secs(4))),
        Completed,
        "sends connected 4 s late (decoy: within the deadline)",
    ),
    entry(
        "connected-truncated",
        Signalling,
        instead(Oddity::TruncatedJson),
        Failed(Connected),
        "sends connected cut off in the middle",
    ),
    entry("connected-null", Signalling, instead(Oddity::Null), Failed(Connected), "sends null in place of connected"),
    entry(
        "connected-array",
        Signalling,
        instead(Oddity::Array),
        Failed(Connected),
        "sends a JSON array in place of connected",
    ),
    entry(
        "connected-binary",
        Signalling,
        instead(Oddity::Binary),
        Failed(Connected),
        "sends a binary frame in place of connected",
    ),
    entry(
        "frame-truncated",
        Signalling,
        before(Oddity::TruncatedJson),
        Degraded,
        "sends JSON that is cut off, then goes on as usual",
    ),
    entry("frame-null", Signalling, before(Oddity::Null), Degraded, "sends the JSON value null, then goes on as usual"),
    entry("frame-array", Signalling, before(Oddity::Array), Completed, "sends a JSON array, then goes on as usual"),
    entry(
        "frame-text",
        Signalling,
        before(Oddity::Text),
        Degraded,
        "sends text that is no JSON, then goes on as usual",
    ),
    entry("frame-binary", Signalling, before(Oddity::Binary), Degraded, "sends a binary frame, then goes on as usual"),
    entry(
        "frame-16mb",
        Signalling,
        before(Oddity::Large(LARGE_FRAME_BYTES)),
        Degraded,
        "sends one frame of 16 MB, then goes on as usual",
    ),
    entry(
        "unknown-types",
        Signalling,
        before(Oddity::UnknownTypes(FLOOD_FRAMES)),
        Completed,
        "sends 1000 frames of unknown types, then goes on as usual",
    ),
    entry(
        "error-before-connected",
        Signalling,
        before(Oddity::ErrorFrame(31000)),
        Failed(Connected),
        "sends error 31000 without closing, then goes on as usual",
    ),
    entry(
        "error-instead-of-connected",
        Signalling,
        instead(Oddity::ErrorFrame(53000)),
        Failed(Connected),
        "sends error 53000 in place of connected, without closing",
    ),
    entry(
        "stream-ended",
        Signalling,
        end_before(Ending::StreamEnd),
        Failed(Connected),
        "sends the frame close in place of connected",
    ),
    entry(
        "closed-1000",
        Signalling,
        end_before(Ending::Close(1000)),
        Failed(Connected),
        "closes with 1000 in place of connected",
    ),
    entry(
        "closed-1001",
        Signalling,
        end_before(Ending::Close(1001)),
        Failed(Connected),
        "closes with 1001 in place of connected",
    ),
    entry(
        "closed-1011",
        Signalling,
        end_before(Ending::Close(1011)),
        Failed(Connected),
        "closes with 1011 in place of connected",
    ),
    entry(
        "dropped",
        Signalling,
        end_before(Ending::Drop),
        Failed(Connected),
        "drops TCP in place of connected (1006 in a browser)",
    ),
];
