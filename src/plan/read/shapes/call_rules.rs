//! The keys of `[thresholds.calls]` in `config/pods/*.toml`.

use crate::plan::read::shape::{Key, Kind, Shape};

const SECOND: u64 = 1000;

/// When a pod's calls are bad.
pub static CALLS: Shape = Shape {
    name: "thresholds.calls",
    doc: "When a pod's test calls are bad. Calls that fail page by a rule of their own in each direction: so many of \
          the last so many. How many is computed from the rate of the calls, unless it is written.",
    keys: &[
        Key::optional("failures", Kind::Integer(2, 32), "How many failed calls page; with of.").such_as("4"),
        Key::optional("of", Kind::Integer(2, 64), "Of how many; with failures, not less than it.").such_as("12"),
        Key::default(
            "false_pages",
            Kind::PerYear(100),
            "\"0.2 per year\"",
            "False pages that are accepted, in a pod-year and direction.",
        ),
        Key::default("baseline", Kind::Share(1, 200), "\"1%\"", "What share of the calls usually fails.")
            .such_as("\"2%\""),
        Key::optional(
            "rule",
            Kind::List(&Kind::ByKind(&RULES), 0, 16),
            "Rules over how good calls are. If there are none: 4 of the last 8 calls had bad audio.",
        )
        .such_as("[[thresholds.calls.rule]]"),
    ],
};

static RULES: [(&str, &Shape); 6] = [
    ("set_up", &SET_UP),
    ("delivery", &DELIVERY),
    ("mos", &MOS),
    ("loss", &LOSS),
    ("one_way", &ONE_WAY),
    ("degraded", &DEGRADED),
];

const KIND: Key = Key::required("kind", Kind::Text, "Which kind of rule.");
const CALLS_COUNTED: Key =
    Key::default("calls", Kind::Integer(1, 64), "3", "How many calls must be beyond the limit.").such_as("4");
const OF: Key =
    Key::default("of", Kind::Integer(1, 64), "5", "Of how many, the newest; not less than calls.").such_as("8");
const DIRECTION: Key = Key::optional(
    "direction",
    Kind::Choice(&["outbound", "inbound"]),
    "Only calls of this direction; of both, if absent.",
);

const fn of_kind(word: &'static [&'static str]) -> Key {
    Key { kind: Kind::Choice(word), ..KIND }
}

static SET_UP: Shape = Shape {
    name: "rule (set_up)",
    doc: "Pages when calls take too long to be set up: from the invite to the answer, or from accepting to the keys.",
    keys: &[
        of_kind(&["set_up"]),
        Key::required("longer_than", Kind::Duration(100, 60 * SECOND), "The limit.").such_as("\"4s\""),
        CALLS_COUNTED,
        OF,
        DIRECTION,
    ],
};

static DELIVERY: Shape = Shape {
    name: "rule (delivery)",
    doc: "Pages when calls take too long to arrive: from the partner's promise until it rings.",
    keys: &[
        of_kind(&["delivery"]),
        Key::required("longer_than", Kind::Duration(100, 60 * SECOND), "The limit.").such_as("\"5s\""),
        CALLS_COUNTED,
        OF,
    ],
};

static MOS: Shape = Shape {
    name: "rule (mos)",
    doc: "Pages when the opinion score of calls is low (ITU-T G.107, 1 to 4.5).",
    keys: &[
        of_kind(&["mos"]),
        Key::required("below", Kind::OpinionScore, "The limit.").such_as("3.6"),
        CALLS_COUNTED,
        OF,
        DIRECTION,
    ],
};

static LOSS: Shape = Shape {
    name: "rule (loss)",
    doc: "Pages when calls lose too many packets.",
    keys: &[
        of_kind(&["loss"]),
        Key::required("more_than", Kind::Share(1, 1000), "The limit.").such_as("\"3%\""),
        CALLS_COUNTED,
        OF,
        DIRECTION,
    ],
};

static ONE_WAY: Shape = Shape {
    name: "rule (one_way)",
    doc: "Pages when in calls only one side hears the other.",
    keys: &[of_kind(&["one_way"]), CALLS_COUNTED, OF, DIRECTION],
};

static DEGRADED: Shape = Shape {
    name: "rule (degraded)",
    doc: "Pages when the audio of calls is bad: holes, too quiet, distorted, late, slow or lossy.",
    keys: &[of_kind(&["degraded"]), CALLS_COUNTED, OF, DIRECTION],
};
