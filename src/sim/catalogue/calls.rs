//! Trouble with test calls: set-up, description, path and keys, the middle of the call.

use std::time::Duration;

use crate::model::Step::{Answer, Dtls, Ice, Media, Ringing};

use super::super::behaviour::Behaviour;
use super::super::call_fault::{CallFault, DescriptionFault, MidCallFault, PathFault, SetUpFault};
use super::entry::Expected::{Completed, Degraded, Failed};
use super::entry::Group::{CallMedia, CallSetUp};
use super::entry::{Entry, entry};

const fn set_up(fault: SetUpFault) -> Behaviour {
    Behaviour::Call(CallFault::SetUp(fault))
}

const fn described(fault: DescriptionFault) -> Behaviour {
    Behaviour::Call(CallFault::Description(fault))
}

const fn path(fault: PathFault) -> Behaviour {
    Behaviour::Call(CallFault::Path(fault))
}

const fn mid_call(fault: MidCallFault) -> Behaviour {
    Behaviour::Call(CallFault::MidCall(fault))
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The chapters' faults.
pub(super) const ENTRIES: &[Entry] = &[
    entry("invite-ignored", CallSetUp, set_up(SetUpFault::Ignored), Failed(Ringing), "never answers an invite"),
    entry("call-unanswered", CallSetUp, set_up(SetUpFault::NoAnswer), Failed(Answer), "rings and never answers"),
    entry(
        "ringing-late",
        CallSetUp,
        set_up(SetUpFault::RingingLate(ms(3000))),
        Completed,
        "rings 3 s late (decoy: within the deadline)",
    ),
    entry(
        "answer-late",
        CallSetUp,
        set_up(SetUpFault::AnswerLate(ms(3000))),
        Completed,
        "answers 3 s after it rang (decoy: within the deadline)",
    ),
    entry(
        "ringing-missing",
        CallSetUp,
        set_up(SetUpFault::NoRinging),
        Completed,
        "answers without having rung (decoy)",
    ),
    entry(
        "call-busy",
        CallSetUp,
        set_up(SetUpFault::Refused(31_486)),
        Failed(Ringing),
        "refuses the call with 31486 (busy)",
    ),
    entry(
        "call-not-found",
        CallSetUp,
        set_up(SetUpFault::Refused(31_404)),
        Failed(Ringing),
        "refuses the call with 31404 (not found)",
    ),
    entry(
        "call-declined",
        CallSetUp,
        set_up(SetUpFault::Refused(31_603)),
        Failed(Ringing),
        "refuses the call with 31603 (declined)",
    ),
    entry(
        "call-bad-application",
        CallSetUp,
        set_up(SetUpFault::Refused(31_100)),
        Failed(Ringing),
        "refuses the call with 31100 (no such application)",
    ),
    entry(
        "call-server-error",
        CallSetUp,
        set_up(SetUpFault::RefusedRinging(31_500)),
        Failed(Answer),
        "rings, then refuses with 31500 (server error)",
    ),
    entry("call-hung-up-ringing", CallSetUp, set_up(SetUpFault::HungUpRinging), Failed(Answer), "rings, then hangs up"),
    entry(
        "call-error-frame",
        CallSetUp,
        set_up(SetUpFault::ErrorFrame(31_100)),
        Failed(Ringing),
        "answers the invite with an error frame (31100)",
    ),
    entry(
        "answer-without-description",
        CallSetUp,
        set_up(SetUpFault::AnswerEmpty),
        Failed(Answer),
        "answers without a session description; the SDK rings for ever",
    ),
    entry(
        "call-left-up",
        CallSetUp,
        set_up(SetUpFault::OutlivesClient),
        Completed,
        "keeps a call up whose client has vanished (decoy: who hangs up properly does not see it)",
    ),
    entry("call-dropped-at-invite", CallSetUp, set_up(SetUpFault::Dropped), Failed(Ringing), "drops TCP at the invite"),
    entry(
        "description-garbage",
        CallSetUp,
        described(DescriptionFault::Garbage),
        Failed(Answer),
        "sends a description that is none",
    ),
    entry(
        "description-truncated",
        CallSetUp,
        described(DescriptionFault::Truncated),
        Failed(Answer),
        "sends a description that is cut off",
    ),
    entry(
        "description-no-codec",
        CallSetUp,
        described(DescriptionFault::NoCodec),
        Failed(Answer),
        "offers only a codec that nobody asked for",
    ),
    entry(
        "description-without-events",
        CallSetUp,
        described(DescriptionFault::NoEvents),
        Completed,
        "does not agree to events for digits: they go on the signalling (decoy)",
    ),
    entry(
        "candidates-missing",
        CallMedia,
        described(DescriptionFault::NoCandidates),
        Failed(Ice),
        "names no address for media",
    ),
    entry(
        "candidate-dead",
        CallMedia,
        described(DescriptionFault::DeadCandidate),
        Failed(Ice),
        "names an address for media at which nobody answers",
    ),
    entry(
        "ice-credentials-wrong",
        CallMedia,
        described(DescriptionFault::WrongCredentials),
        Failed(Ice),
        "names credentials that its checks do not have",
    ),
    entry(
        "checks-unanswered",
        CallMedia,
        path(PathFault::ChecksUnanswered),
        Failed(Ice),
        "never answers connectivity checks",
    ),
    entry(
        "checks-late",
        CallMedia,
        path(PathFault::ChecksLate(ms(1500))),
        Completed,
        "answers connectivity checks only after 1.5 s (decoy: within the deadline)",
    ),
    entry(
        "fingerprint-wrong",
        CallMedia,
        described(DescriptionFault::WrongFingerprint),
        Failed(Dtls),
        "shows another certificate than it announced",
    ),
    entry(
        "keys-unanswered",
        CallMedia,
        path(PathFault::KeysUnanswered),
        Failed(Dtls),
        "never answers the key agreement",
    ),
    entry(
        "keys-garbage",
        CallMedia,
        path(PathFault::KeysGarbage),
        Failed(Dtls),
        "answers the key agreement with garbage",
    ),
    entry(
        "media-stops",
        CallMedia,
        path(PathFault::StopsAfter(ms(1500))),
        Failed(Media),
        "neither hears nor sends any more after 1.5 s",
    ),
    entry("call-cut", CallMedia, mid_call(MidCallFault::Cut(ms(2000))), Failed(Media), "hangs up after 2 s"),
    entry(
        "call-cut-with-error",
        CallMedia,
        mid_call(MidCallFault::CutWith(ms(2000), 31_005)),
        Failed(Media),
        "hangs up after 2 s, with 31005",
    ),
    entry(
        "call-dropped",
        CallMedia,
        mid_call(MidCallFault::Dropped(ms(2000))),
        Failed(Media),
        "drops TCP 2 s into the call",
    ),
    entry(
        "call-error-goes-on",
        CallMedia,
        mid_call(MidCallFault::ErrorFrame(ms(1000), 31_000)),
        Degraded,
        "sends an error frame 1 s into the call, which goes on",
    ),
    entry(
        "call-foreign-hangup",
        CallMedia,
        mid_call(MidCallFault::ForeignHangup(ms(1000))),
        Degraded,
        "hangs up another call than ours",
    ),
];
