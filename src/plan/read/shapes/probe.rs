//! The keys of `probes/*.toml`.

use crate::plan::read::shape::{Key, Kind, Shape};

const SECOND: u64 = 1000;

/// A probe.
pub static PROBE: Shape = Shape {
    name: "probe",
    doc: "What to try, on a schedule: probes/*.toml. The file's name without .toml is the probe's name.",
    keys: &[
        Key::required("kind", Kind::Choice(&["connection"]), "\"connection\": mint, connect, register, leave."),
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
            "Attempts a round in each pod, spread evenly until the next one; what the pod's budget gives if absent.",
        )
        .such_as("10"),
        Key::default("tokens", Kind::Table(&TOKENS), "{}", "Which tokens it uses.").such_as("{ kinds = [\"access\"] }"),
        Key::default("deadlines", Kind::Table(&DEADLINES), "{}", "How long each step may take.")
            .such_as("{ step = \"8s\" }"),
        Key::default(
            "hold",
            Kind::Duration(0, 60 * SECOND),
            "\"0s\"",
            "How long it stays registered before it leaves.",
        )
        .such_as("\"2s\""),
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
