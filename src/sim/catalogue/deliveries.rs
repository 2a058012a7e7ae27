//! Trouble with calls to the agent: the REST API, and what becomes of the order.

use std::time::Duration;

use crate::model::Step::{Ice, Invite, Media, Ringing};

use super::super::behaviour::Behaviour;
use super::super::call_fault::{CallFault, DeliveryFault, FarFault, NumberFault, RestFault};
use super::entry::Expected::{Completed, Degraded, Failed, Throttled};
use super::entry::Group::{Delivery, FarClient, Number, Rest};
use super::entry::{Entry, entry};

const fn delivery(fault: DeliveryFault) -> Behaviour {
    Behaviour::Call(CallFault::Delivery(fault))
}

const fn far(fault: FarFault) -> Behaviour {
    Behaviour::Call(CallFault::Far(fault))
}

const fn number(fault: NumberFault) -> Behaviour {
    Behaviour::Call(CallFault::Number(fault))
}

const fn rest(fault: RestFault) -> Behaviour {
    Behaviour::Call(CallFault::Rest(fault))
}

const fn status(status: u16) -> Behaviour {
    rest(RestFault::Status { status, retry_after_s: None })
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The chapters' faults.
pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "far-never-rings",
        FarClient,
        far(FarFault::NeverRings),
        Failed(Media),
        "answers for the application and never rings the other client",
    ),
    entry(
        "far-nobody-there",
        FarClient,
        far(FarFault::NobodyThere(ms(2000))),
        Failed(Media),
        "finds no client to ring, and hangs up after 2 s",
    ),
    entry(
        "far-rings-late",
        FarClient,
        far(FarFault::RingsLate(ms(2000))),
        Completed,
        "rings the other client 2 s late (decoy: within the deadline)",
    ),
    entry(
        "far-not-connected",
        FarClient,
        far(FarFault::NotConnected),
        Failed(Media),
        "rings the other client, which answers, and does not put it through",
    ),
    entry(
        "call-stuck-queued",
        Delivery,
        delivery(DeliveryFault::StuckQueued),
        Failed(Invite),
        "leaves calls in its queue",
    ),
    entry(
        "call-not-delivered",
        Delivery,
        delivery(DeliveryFault::NeverRings),
        Failed(Invite),
        "says that it rings, and does not",
    ),
    entry(
        "call-delivered-elsewhere",
        Delivery,
        delivery(DeliveryFault::RingsElsewhere),
        Failed(Invite),
        "lets the call ring at another client, who answers",
    ),
    entry(
        "call-delivered-late",
        Delivery,
        delivery(DeliveryFault::RingsLate(ms(4000))),
        Completed,
        "rings 4 s late (decoy: within the deadline; the delivery time tells)",
    ),
    entry("call-delivered-twice", Delivery, delivery(DeliveryFault::RingsTwice), Failed(Ringing), "rings twice"),
    entry(
        "call-cancelled",
        Delivery,
        delivery(DeliveryFault::Cancelled(ms(500))),
        Failed(Ringing),
        "withdraws the call after 0.5 s",
    ),
    entry(
        "invite-without-description",
        Delivery,
        delivery(DeliveryFault::InviteEmpty),
        Failed(Invite),
        "rings without a session description",
    ),
    entry(
        "call-hung-up-answered",
        Delivery,
        delivery(DeliveryFault::HungUpAnswered),
        Failed(Ice),
        "hangs up when it is answered",
    ),
    entry(
        "call-status-lies",
        Delivery,
        delivery(DeliveryFault::StatusLies),
        Degraded,
        "says that nobody answered a call that was answered",
    ),
    entry(
        "delivered-call-left-up",
        Delivery,
        delivery(DeliveryFault::OutlivesClient),
        Completed,
        "keeps a call up whose client has vanished (decoy: who hangs up properly does not see it)",
    ),
    entry(
        "number-not-routed",
        Number,
        number(NumberFault::NotRouted),
        Failed(Invite),
        "does not find the phone number: the call fails",
    ),
    entry(
        "number-webhook-broken",
        Number,
        number(NumberFault::WebhookBroken),
        Failed(Invite),
        "gets no TwiML from the number's webhook: the call is answered, and no client rings",
    ),
    entry(
        "number-caller-changed",
        Number,
        number(NumberFault::CallerChanged),
        Failed(Invite),
        "shows another caller than the one that was ordered",
    ),
    entry(
        "number-slow",
        Number,
        number(NumberFault::Slow(ms(6000))),
        Completed,
        "takes 6 s from the number to the client (decoy: within the deadline; the delivery time tells)",
    ),
    entry("rest-401", Rest, status(401), Failed(Invite), "answers orders for calls with 401"),
    entry("rest-404", Rest, status(404), Failed(Invite), "answers orders for calls with 404"),
    entry("rest-500", Rest, status(500), Failed(Invite), "answers orders for calls with 500"),
    entry("rest-503", Rest, status(503), Failed(Invite), "answers orders for calls with 503"),
    entry(
        "rest-429",
        Rest,
        rest(RestFault::Status { status: 429, retry_after_s: Some(30) }),
        Throttled(Invite),
        "answers orders for calls with 429 and Retry-After",
    ),
    entry("rest-slow", Rest, rest(RestFault::Late(ms(2000))), Completed, "answers orders for calls 2 s late (decoy)"),
    entry("rest-unanswered", Rest, rest(RestFault::Hang), Failed(Invite), "never answers orders for calls"),
    entry("rest-malformed", Rest, rest(RestFault::Garbage), Failed(Invite), "answers orders for calls with HTML"),
    entry(
        "rest-no-call",
        Rest,
        rest(RestFault::NoCall),
        Failed(Invite),
        "answers orders for calls with JSON that is no call",
    ),
    entry("rest-empty", Rest, rest(RestFault::Empty), Failed(Invite), "answers orders for calls with nothing"),
    entry("rest-reset", Rest, rest(RestFault::Reset), Failed(Invite), "resets the connection in place of an answer"),
];
