//! What every fault of calls makes ringcheck tell, found out by playing it: a healthy quarter of an
//! hour, then the fault in one pod of two. The table is in `docs/faults.md`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use ringcheck::engine::{Audience, Rule};
use ringcheck::io::clock::Stopwatch;
use ringcheck::io::config_files;
use ringcheck::plan::{CallSettings, CallTarget, FarEnd, Plan};
use ringcheck::sim::play;
use ringcheck::sim::scenario::Scenario;
use ringcheck::sim::story::Told;
use ringcheck::sim::{Behaviour, CallFault, Expected, Fault, Group};

/// A fault, and the first that anybody is told of it.
struct Page {
    fault: Fault,
    told: Option<Told>,
    messages: usize,
}

static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let plan = config_files::read(&root.join("config"), &root.join("probes")).expect("the example is right").plan;
    let over_numbers = with_calls(&plan, |call| call.to = CallTarget::Number);
    let to_far_clients = with_calls(&plan, |call| call.far_end = FarEnd::Client);
    let of_calls = Fault::all().filter(|fault| fault.entry().group.calls().is_some());
    let plan_of = |fault: Fault| match fault.entry().group {
        Group::Number => &over_numbers,
        Group::FarClient => &to_far_clients,
        _ => &plan,
    };
    let page = |fault: Fault| {
        let text = format!(
            "title = \"{fault}\"\nseed = 3\nstart = \"2026-03-02T03:00:00Z\"\nend = \"60m\"\nconfig = \"config\"\n\
             probes = \"probes\"\npods = [\"pod-14\", \"pod-18\"]\n\
             [[at]]\ntime = \"16m\"\npods = [\"pod-14\"]\nfault = \"{fault}\"\n"
        );
        let scenario = Scenario::parse(&text).expect("it reads");
        let plan = play::adapt(plan_of(fault), &scenario).expect("it fits");
        let (outcome, _) = play::play(&scenario, plan, scenario.seed, Stopwatch::start().origin());
        Page { fault, messages: outcome.told.len(), told: outcome.told.into_iter().next() }
    };
    of_calls.map(page).collect()
});

/// The same plan with calls that go otherwise.
fn with_calls(plan: &Plan, otherwise: impl Fn(&mut CallSettings)) -> Plan {
    let mut plan = plan.clone();
    for probe in &mut plan.probes {
        if let Some(call) = &mut Arc::make_mut(probe).call {
            otherwise(call);
        }
    }
    plan
}

/// The table of the documentation.
pub fn table() -> String {
    let mut text = String::from("| fault | whom it wakes | rule | the message begins |\n|---|---|---|---|\n");
    for page in PAGES.iter() {
        let _ = match &page.told {
            None => writeln!(text, "| `{}` | nobody | | |", page.fault),
            Some(told) => {
                let rules: Vec<String> = told.rules.iter().map(|rule| format!("`{}`", String::from(*rule))).collect();
                let whom = match told.audience {
                    Audience::VoiceOnCall => "the voice on-call",
                    Audience::MonitorOwner => "the monitor's owner",
                };
                let headline = told.headline.split(" since ").next().and_then(|start| start.split(" (since ").next());
                let headline = headline.unwrap_or_default();
                writeln!(text, "| `{}` | {whom} | {} | {headline} |", page.fault, rules.join(", "))
            }
        };
    }
    text
}

/// True if agents do not notice what is odd about such a call.
fn is_of_no_consequence(fault: &Fault) -> bool {
    let Behaviour::Call(of_calls) = fault.behaviour() else { return false };
    matches!((fault.expected(), of_calls), (Expected::Degraded, CallFault::MidCall(_) | CallFault::Delivery(_)))
}

#[test]
fn every_fault_of_calls_wakes_whom_it_should_once() {
    let mut wrong = Vec::new();
    for Page { fault, told, messages } in PAGES.iter() {
        let direction = fault.entry().group.calls().expect("a fault of calls");
        let expected = match fault.expected() {
            Expected::Completed => None,
            _ if is_of_no_consequence(fault) => None,
            Expected::Degraded => Some((Audience::VoiceOnCall, Rule::CallQuality(0))),
            Expected::Failed(_) => Some((Audience::VoiceOnCall, Rule::of_failing_calls(direction))),
            Expected::Throttled(_) => Some((Audience::MonitorOwner, Rule::Throttled)),
        };
        let found = told.as_ref().map(|told| (told.audience, told.rules.iter().copied().min()));
        if found != expected.map(|(audience, rule)| (audience, Some(rule))) {
            wrong.push(format!("{fault}: {expected:?} expected, told: {told:#?}"));
        }
        if *messages > 2 {
            wrong.push(format!("{fault}: {messages} messages"));
        }
    }
    assert!(PAGES.len() >= 72, "{}", PAGES.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
