//! The keys of a scenario, as data: for `ringcheck schema scenario` and `docs/scenarios.md`. What
//! reads scenarios is in [`super::scenario`]; a test holds that both know the same keys.

use crate::plan::read::shape::{Key, Kind, Shape};

/// What a fault or an expectation is timed by.
const MOMENT: Kind = Kind::Text;
/// Pods that a list can name.
const PODS_MAX: usize = 2_000;
/// Happenings and expectations that a schema allows; what really counts is the file's size.
const LIST_MAX: usize = 10_000;

/// A scenario file.
pub static SCENARIO: Shape = Shape {
    name: "scenario",
    doc: "What befalls a simulated world, and what is expected of the node.",
    keys: &[
        Key::required("title", Kind::Text, "What it is about; printed above the result.")
            .such_as("\"Our own network is down for ten minutes\""),
        Key::default(
            "seed",
            Kind::Integer(0, i64::MAX),
            "0",
            "Seed of everything that is random; `--seed` replaces it.",
        ),
        Key::required("start", MOMENT, "When it begins, RFC 3339.").such_as("\"2026-03-02T03:00:00Z\""),
        Key::required("end", MOMENT, "When it ends: RFC 3339, or a length after the start. At most 366 days.")
            .such_as("\"90m\""),
        Key::required("config", Kind::Path, "The config folder, seen from the scenario's own folder.")
            .such_as("\"../config\""),
        Key::required("probes", Kind::Path, "The probes folder, seen from the scenario's own folder.")
            .such_as("\"../probes\""),
        Key::optional("pods", Kind::List(&Kind::Name, 0, PODS_MAX), "Only these pods of the config; all if absent.")
            .such_as("[\"pod-14\"]"),
        Key::optional(
            "connections_per_minute",
            Kind::Integer(1, 6000),
            "The rate in every pod, instead of the config's. How much a rate buys shows by playing with it.",
        ),
        Key::optional(
            "background",
            Kind::Share(1, 1000),
            "Failures that are nobody's fault, on a day's average; none if absent.",
        )
        .such_as("\"0.2%\""),
        Key::default("bursts", Kind::Flag, "false", "The usual bursts and the swing of a day, beside the background."),
        Key::optional("at", Kind::List(&Kind::Table(&HAPPENING), 0, LIST_MAX), "What happens."),
        Key::optional("expect", Kind::List(&Kind::Table(&EXPECTATION), 0, LIST_MAX), "What is expected."),
    ],
};

static HAPPENING: Shape = Shape {
    name: "happening",
    doc: "Something that happens at a moment: exactly one of `fault`, `clear`, `network`, `receivers`, `disk`, \
          `crash`, `pause_until`.",
    keys: &[
        Key::required("time", MOMENT, "When: RFC 3339, or a length after the start.").such_as("\"20m\""),
        Key::optional("pods", Kind::List(&Kind::Name, 0, PODS_MAX), "In which pods; in all if absent.")
            .such_as("[\"pod-18\"]"),
        Key::optional("fault", Kind::Text, "A fault of the partner begins, by its name in `docs/faults.md`.")
            .such_as("\"token-invalid\""),
        Key::optional("when", Kind::Table(&WHEN), "Which connections the fault hits; all if absent.")
            .such_as("{ kind = \"capability\" }"),
        Key::optional(
            "share",
            Kind::Share(1, 1000),
            "On which share of the partner's nodes; drawn for each connection.",
        )
        .such_as("\"10%\""),
        Key::optional("with", Kind::Table(&WITH), "Parameters of the fault; `docs/faults.md` says which it has.")
            .such_as("{ code = 20104 }"),
        Key::optional("clear", Kind::Text, "A fault ends, by its name; \"*\" ends all.").such_as("\"*\""),
        Key::optional("network", Kind::Choice(UP_DOWN), "The location's own network."),
        Key::optional("receivers", Kind::Choice(UP_DOWN), "All receivers of pages."),
        Key::optional("disk", Kind::Choice(UP_DOWN), "The disk of the store."),
        Key::default("crash", Kind::Flag, "false", "The node dies at once and is started again."),
        Key::optional(
            "pause_until",
            MOMENT,
            "Somebody pauses probing until then; in the first of `pods`, or everywhere.",
        )
        .such_as("\"40m\""),
    ],
};

const UP_DOWN: &[&str] = &["up", "down"];
const KINDS: &[&str] = &["access", "capability"];
const SYMBOLS: &[&str] = &["-", "_"];

static WHEN: Shape = Shape {
    name: "when",
    doc: "Conditions on a connection; all that are written must hold.",
    keys: &[
        Key::optional("kind", Kind::Choice(KINDS), "This kind of token."),
        Key::optional("key", Kind::Integer(0, 255), "Signed with the key at this place in the pod's list, from 0."),
        Key::optional("name", Kind::Table(&NAME), "The name in the token is like this."),
        Key::optional("payload", Kind::Table(&CELL), "The payload has `-` or `_` at such a place."),
        Key::optional("payload_length_residue", Kind::Integer(0, 3), "The payload's length mod 4."),
        Key::optional("signature", Kind::Table(&CELL), "The signature has `-` or `_` at such a place."),
        Key::optional("edge", Kind::Name, "It came in through this edge.").such_as("\"dublin\""),
        Key::optional("family", Kind::Choice(&["v4", "v6"]), "Over this address family."),
        Key::optional(
            "direction",
            Kind::Choice(&["outbound", "inbound"]),
            "In calls of this direction; for faults of calls.",
        ),
        Key::optional("share", Kind::Share(1, 1000), "The same as `share` beside `when`.").such_as("\"10%\""),
    ],
};

static NAME: Shape = Shape {
    name: "name",
    doc: "A condition on the name in a token.",
    keys: &[
        Key::optional("residue", Kind::Integer(0, 2), "Its length mod 3."),
        Key::optional("length", Kind::Integer(0, 255), "Its length in characters."),
    ],
};

static CELL: Shape = Shape {
    name: "cell",
    doc: "A condition on `-` and `_` in a part of a token; one place must fit all that is written.",
    keys: &[
        Key::optional("symbol", Kind::Choice(SYMBOLS), "Only this character."),
        Key::optional("residue", Kind::Integer(0, 3), "Its offset mod 4."),
        Key::optional("offset", Kind::Integer(0, 65_535), "Its offset."),
        Key::optional("then", Kind::Choice(SYMBOLS), "This character stands right behind it."),
    ],
};

static WITH: Shape = Shape {
    name: "with",
    doc: "Parameters of a fault; what is absent stays as `docs/faults.md` has it.",
    keys: &[
        Key::optional("code", Kind::Integer(0, i64::MAX), "The code of an `error` frame."),
        Key::optional("status", Kind::Integer(200, 599), "The HTTP status."),
        Key::optional("retry_after_s", Kind::Integer(0, i64::MAX), "How long the partner asks to wait, in seconds."),
        Key::optional("delay_ms", Kind::Integer(0, 600_000), "How much later something comes, in milliseconds."),
        Key::optional("close", Kind::Integer(0, 65_535), "The WebSocket close code."),
        Key::optional("part", Kind::Choice(&["payload", "signature", "both"]), "Which part of the token is misread."),
        Key::optional("symbol", Kind::Choice(SYMBOLS), "Which character is misread."),
        Key::optional(
            "offset",
            Kind::Integer(0, 65_535),
            "At which offset, or from which on, or with which residue mod 4.",
        ),
        Key::optional("bytes", Kind::Integer(0, 67_108_864), "Size of a large frame, in bytes."),
        Key::optional("frames", Kind::Integer(0, 100_000), "Frames in a flood."),
        Key::optional("db", Kind::Integer(0, 90), "How much quieter, or how far below full scale, in dB."),
        Key::optional("percent", Kind::Integer(1, 100), "A share of the packets of a call."),
    ],
};

static EXPECTATION: Shape = Shape {
    name: "expectation",
    doc: "Something that is expected. `ringcheck sim` ends with 1 if it does not hold.",
    keys: &[
        Key::required(
            "what",
            Kind::Choice(&["page", "owner_page", "resolved", "notice", "component"]),
            "A first page to the voice on-call, one to the monitor's owner, the end of the last incident of calls, a \
             public notice, or that a component of the status page comes into a state.",
        ),
        Key::optional("after", MOMENT, "Not before: RFC 3339, or a length after the start.").such_as("\"20m\""),
        Key::optional("by", MOMENT, "Not later than.").such_as("\"21m\""),
        Key::optional("at_most", Kind::Integer(0, 4_294_967_295), "Not more often than."),
        Key::default("never", Kind::Flag, "false", "Not at all; goes with neither `by` nor `at_most`."),
        Key::optional(
            "rule",
            Kind::Text,
            "Only messages that name this rule (`docs/deciding.md`); a rule of your own by its place in the pod, from 0: \
             `call_quality_0`.",
        )
        .such_as("\"outbound_calls\""),
        Key::optional("says", Kind::Text, "Only messages that hold this text.")
            .such_as("\"agents can call but are not heard\""),
        Key::optional("pods", Kind::List(&Kind::Name, 0, PODS_MAX), "Only about one of these pods; about any if absent.")
            .such_as("[\"pod-18\"]"),
        Key::optional(
            "component",
            Kind::Choice(&["making_calls", "receiving_calls", "call_quality"]),
            "With \"component\": which.",
        ),
        Key::optional(
            "state",
            Kind::Choice(&["operational", "degraded_performance", "partial_outage", "major_outage"]),
            "With \"component\": into which state.",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::scenario::Scenario;

    /// What the reader says it knows at a place, by being asked for what it cannot know.
    fn known_at(inside: &str) -> Vec<String> {
        let top = "title = \"t\"\nstart = \"2026-01-01T00:00:00Z\"\nend = \"1h\"\nconfig = \"c\"\nprobes = \"p\"\n";
        let problems = Scenario::parse(&format!("{top}{inside}")).expect_err("an unknown key");
        let what = &problems[0].what;
        let (_, listed) = what.split_once("expected").unwrap_or_else(|| panic!("{what}"));
        listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_schema_and_the_reader_know_the_same_keys() {
        for (shape, inside) in [
            (&SCENARIO, "x_ = 1"),
            (&HAPPENING, "[[at]]\nx_ = 1"),
            (&EXPECTATION, "[[expect]]\nx_ = 1"),
            (&WHEN, "[[at]]\ntime = \"1m\"\nfault = \"token-invalid\"\nwhen = { x_ = 1 }"),
            (&NAME, "[[at]]\ntime = \"1m\"\nfault = \"token-invalid\"\nwhen = { name = { x_ = 1 } }"),
            (&CELL, "[[at]]\ntime = \"1m\"\nfault = \"token-invalid\"\nwhen = { payload = { x_ = 1 } }"),
            (&WITH, "[[at]]\ntime = \"1m\"\nfault = \"token-invalid\"\nwith = { x_ = 1 }"),
        ] {
            let keys: Vec<&str> = shape.keys.iter().map(|key| key.name).collect();
            assert_eq!(known_at(inside), keys, "{}", shape.name);
        }
    }

    #[test]
    fn the_document_lists_these_keys() {
        let document = include_str!("../../docs/scenarios.md");
        let keys = crate::plan::read::markdown(&SCENARIO);
        assert!(
            document.ends_with(&keys),
            "put the output of `ringcheck schema scenario --format markdown` at its end"
        );
    }

    #[test]
    fn every_scenario_of_the_repository_reads() {
        for text in [
            include_str!("../../scenarios/2024-09-10.toml"),
            include_str!("../../scenarios/flapping.toml"),
            include_str!("../../scenarios/our-network-down.toml"),
            include_str!("../../scenarios/random-share.toml"),
            include_str!("../../scenarios/signature-offset.toml"),
            include_str!("../../scenarios/calls-cut.toml"),
            include_str!("../../scenarios/calls-decoys.toml"),
            include_str!("../../scenarios/calls-not-delivered.toml"),
            include_str!("../../scenarios/calls-not-heard.toml"),
        ] {
            let scenario = Scenario::parse(text).unwrap_or_else(|problems| panic!("{problems:?}"));
            assert!(!scenario.expectations.is_empty(), "{} expects nothing", scenario.title);
        }
    }
}
