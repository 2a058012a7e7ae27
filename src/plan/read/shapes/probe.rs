//! The keys of `probes/*.toml`.

use crate::plan::read::shape::{Key, Kind, Shape};

const SECOND: u64 = 1000;

/// A probe.
pub static PROBE: Shape = Shape {
    name: "probe",
    doc: "What to try, on a schedule: probes/*.toml. The file's name without .toml is the probe's name.",
    keys: &[
        Key::required(
            "kind",
            Kind::Choice(&["connection", "outbound-call", "inbound-call"]),
            "\"connection\": mint, connect, register, leave. The others do that too, and then place a call or are \
             called, and listen: docs/calls.md.",
        )
        .such_as("\"connection\""),
        Key::required(
            "schedule",
            Kind::Schedule,
            "When its rounds fall due: second minute hour day month weekday, in UTC, weekdays by name (MON-FRI).",
        ),
        Key::default("pods", Kind::List(&Kind::Name, 0, 2000), "[]", "In which pods; in all if empty.")
            .such_as("[\"pod-14\", \"pod-18\"]"),
        Key::optional(
            "attempts",
            Kind::Integer(1, 60_000),
            "Attempts a round in each pod, spread evenly until the next one; what the pod's budget gives if absent. Of \
             calls one.",
        )
        .such_as("10"),
        Key::default("tokens", Kind::Table(&TOKENS), "{}", "Which tokens it uses.").such_as("{ kinds = [\"access\"] }"),
        Key::default("deadlines", Kind::Table(&DEADLINES), "{}", "How long each step may take.")
            .such_as("{ step = \"8s\" }"),
        Key::default(
            "hold",
            Kind::Duration(0, 60 * SECOND),
            "\"0s\"",
            "How long it stays registered before it leaves. Not for calls: they have [call] hold.",
        )
        .such_as("\"2s\""),
        Key::default("call", Kind::Table(&CALL), "{}", "How its test calls go. Only for calls.")
            .such_as("{ hold = \"8s\" }"),
        Key::default("pages", Kind::Flag, "true", "False: its findings are recorded and page nobody.").such_as("false"),
    ],
};

static TOKENS: Shape = Shape {
    name: "tokens",
    doc: "Which tokens a probe uses.",
    keys: &[Key::default(
        "kinds",
        Kind::List(&Kind::Choice(&["access", "capability"]), 1, 2),
        "[\"access\", \"capability\"]",
        "Which kinds, in turn. Kinds that a pod has no keys for are left out there.",
    )
    .such_as("[\"access\"]")],
};

static CALL: Shape = Shape {
    name: "call",
    doc: "How the test calls of a probe go.",
    keys: &[
        Key::default("hold", Kind::Duration(2 * SECOND, 600 * SECOND), "\"5s\"", "How long a call is listened to.")
            .such_as("\"8s\""),
        Key::default(
            "long_holds",
            Kind::List(&Kind::Table(&LONG_HOLD), 0, 8),
            "[]",
            "Longer holds, for a share of the calls each: some faults cut calls at a fixed age.",
        )
        .such_as("[{ hold = \"35s\", share = \"5%\" }, { hold = \"65s\", share = \"3%\" }]"),
        Key::default(
            "ring_times",
            Kind::List(&Kind::Duration(0, 30 * SECOND), 1, 8),
            "[\"0s\", \"4s\", \"20s\"]",
            "Inbound: how long it rings before it is answered, in turn. Some faults only show when an agent is slow.",
        )
        .such_as("[\"0s\", \"10s\"]"),
        Key::default(
            "codecs",
            Kind::List(&Kind::Choice(&["pcmu", "opus"]), 1, 2),
            "[\"pcmu\"]",
            "How speech is coded, in turn: a call offers only the one whose turn it is, and so demands it. The SDK prefers pcmu.",
        )
        .such_as("[\"pcmu\", \"opus\"]"),
        Key::optional(
            "digits",
            Kind::Text,
            "Outbound: digits that are pressed when the call is up (0-9, *, #; w is a pause of half a second). The application \
             must play them back: docs/calls.md.",
        )
        .such_as("\"7w8\""),
        Key::default(
            "path",
            Kind::Choice(&["any", "host", "reflexive", "relay", "relay-udp", "relay-tcp", "relay-tls"]),
            "\"any\"",
            "Which path media must take: from our own address, from the one that the world sees us under, or through a \
             relay, however or only so reached. All but the first two need servers in the pod's ice.",
        ),
        Key::default(
            "far_end",
            Kind::Choice(&["application", "client"]),
            "\"application\"",
            "Outbound: who answers, the pod's test application by itself or another client of ours, which its \
             far_application_sid rings (two legs).",
        ),
        Key::default(
            "to",
            Kind::Choice(&["client", "number"]),
            "\"client\"",
            "Inbound: what is called, our client or the pod's own_number, so that carrier and number are in the path \
             (three legs).",
        ),
    ],
};

static LONG_HOLD: Shape = Shape {
    name: "call.long_holds",
    doc: "A hold that is longer than usual.",
    keys: &[
        Key::required("hold", Kind::Duration(2 * SECOND, 600 * SECOND), "How long such a call is listened to.")
            .such_as("\"35s\""),
        Key::required("share", Kind::Share(1, 1000), "The share of the calls that are so long.").such_as("\"5%\""),
    ],
};

static DEADLINES: Shape = Shape {
    name: "deadlines",
    doc: "How long each step of an attempt may take. Past it the step has failed.",
    keys: &[
        Key::default("step", Kind::Duration(100, 60 * SECOND), "\"5s\"", "Each step; the SDK gives its socket 5 s.")
            .such_as("\"8s\""),
        Key::default("hangup", Kind::Duration(100, 10 * SECOND), "\"1s\"", "Leaving; nobody waits for it.")
            .such_as("\"2s\""),
    ],
};
