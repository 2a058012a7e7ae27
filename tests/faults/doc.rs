//! `docs/faults.md` is written from the catalogue and from what attempts find in virtual time.
//! After a change: `UPDATE_DOCS=1 cargo test --test faults doc`.

use ringcheck::model::{DeviceError, Outcome, Symbol, ThrottleSign, TokenKind, TokenShape};
use ringcheck::sim::twilio::refusal_of;
use ringcheck::sim::{Behaviour, Fault, Group, Outcomes, Settings, usual_settings};

const HEAD: &str = "\
# Faults of the simulated partner

Written from the catalogue by `tests/faults/doc.rs`; do not edit by hand
(`UPDATE_DOCS=1 cargo test --test faults doc` writes it anew).

A fault is switched on by its name, per pod, while the partner runs:

```
ringcheck partner fault pod-1 parser-fails --when 'kind = \"capability\"' --share 33%
curl -X PUT -H 'content-type: application/json' http://127.0.0.1:9873/faults/pod-1 \\
     -d '[{\"fault\": \"parser-wrong-at-offset\", \"with\": {\"offset\": 5, \"part\": \"signature\"}}]'
ringcheck partner clear pod-1
```

`when` holds conditions, all of which must be met: `kind`, `key`, `name = { residue, length }`,
`payload` and `signature` `= { symbol, residue, offset, then }`, `payload_length_residue`, `edge`, `family`,
`direction` (of calls), `share`. What strikes before the partner has seen a token can depend on edge, family and share
only. The first rule of a pod that applies wins. `with` holds parameters, named in the last column.

*The agent's SDK raises* is the list of errors, in order, that an application with SDK 2.x gets;
\"nothing\" means that the agent's device stays silent. *ringcheck says* is the outcome of an attempt
that holds its registration for a second; both are found out by running an attempt, not written by
hand. For misreading parsers the table shows a token whose payload is hit; where only the
signature is, the code can be 31202. Faults of calls are those of a call of 5 s that the agent places (to another client
of ours, where that is the chapter); those of delivery and of the REST API, of one to the agent.
";

fn page() -> String {
    let mut text = HEAD.to_owned();
    let mut outcomes = Outcomes::new(usual_settings());
    for group in Group::ALL {
        text.push_str(&format!(
            "\n## {}\n\n| fault | the partner | the agent's SDK raises | ringcheck says | parameters |\n|---|---|---|---|---|\n",
            group.as_str()
        ));
        for fault in Fault::all().filter(|fault| fault.entry().group == group) {
            let outcome = match group.calls() {
                Some(direction) => crate::calls::in_virtual_time(direction, fault),
                None => outcomes.course(&[Some(met(fault))], TokenKind::Capability).finding.outcome.clone(),
            };
            let parameters: Vec<String> =
                Settings::of(fault.behaviour()).iter().map(|name| format!("`{name}`")).collect();
            text.push_str(&format!(
                "| `{fault}` | {} | {} | {} | {} |\n",
                fault.entry().does,
                raised(&outcome),
                said(&outcome),
                parameters.join(", ")
            ));
        }
    }
    text.push_str(PAGES);
    text.push_str(&crate::pages::table());
    text
}

const PAGES: &str = "
## What people are told of bad calls

Found out by playing each fault in one of two pods with the example's probes, after a healthy quarter of an hour: in
calls of both directions where it concerns both. Where it says nobody, nobody is told anything.

";

/// What a token meets that has every symbol everywhere.
fn met(fault: Fault) -> Behaviour {
    let mut shape = TokenShape { lengths: [36, 199, 43], ..TokenShape::default() };
    for symbol in [Symbol::Dash, Symbol::Underscore] {
        shape.payload.extend([11, 35, 147, 198].map(|offset| (offset, symbol)));
    }
    match fault.behaviour() {
        Behaviour::Session(fault) => Behaviour::Session(refusal_of(fault, &shape)),
        other => other,
    }
}

fn raised(outcome: &Outcome) -> String {
    let errors: Vec<String> = match outcome {
        Outcome::Failed(failure) => failure.device_errors.iter().map(named).collect(),
        Outcome::Throttled { sign: ThrottleSign::WireCode(code), .. } => vec![format!("for code {code}")],
        Outcome::Throttled { sign: ThrottleSign::HttpStatus(_), .. } => vec!["31000".into(), "31005".into()],
        Outcome::Completed { .. } | Outcome::Lost { .. } => Vec::new(),
    };
    if errors.is_empty() { "nothing".to_owned() } else { errors.join(", ") }
}

fn named(error: &DeviceError) -> String {
    format!("{} {}", error.code, error.name)
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed { degraded } if degraded.is_empty() => "completed".to_owned(),
        Outcome::Completed { degraded } => {
            let how: Vec<String> = degraded.iter().map(|how| format!("{how:?}")).collect();
            format!("degraded: {}", how.join(", "))
        }
        Outcome::Failed(failure) => {
            let wire = failure.wire_code.map(|code| format!(", wire {code}")).unwrap_or_default();
            format!("failed at {}: {}{wire}", failure.step, failure.reason)
        }
        Outcome::Throttled { step, retry_after_s, .. } => {
            let wait = retry_after_s.map(|s| format!(", come back in {s} s")).unwrap_or_default();
            format!("throttled at {step}{wait}")
        }
        Outcome::Lost { .. } => "lost".to_owned(),
    }
}

#[test]
fn the_documentation_is_in_step() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).expect("written");
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(there == page, "docs/faults.md is not in step: UPDATE_DOCS=1 cargo test --test faults doc");
}
