//! Delays from the onset of a fault to the decision to page, beside the published ones: one pod,
//! 30 attempts a minute, background 1 %, on two threads. A fault that is not found within two
//! hours counts as so late.
//! `cargo bench --bench delays [trials of each fault] [first seed]`

mod town;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ringcheck::engine::{Audience, Rule};
use ringcheck::model::{PodName, Timestamp};
use ringcheck::sim::{Fault, FaultRule, Predicate, Weather, World};

use town::{START, argument, plan};

/// A fault that is not found by then counts as so late.
const GIVE_UP: Duration = Duration::from_hours(2);
/// How often the world is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const BACKGROUND: f64 = 0.01;
const THREADS: usize = 2;
/// The rules that can wake the voice on-call here: A B C C2 D F.
const RULES: [Rule; 6] = [Rule::Outage, Rule::TokenBound, Rule::Share, Rule::HeavyShare, Rule::Trait, Rule::Flapping];

/// When the fault is there.
enum Shape {
    /// From the onset on.
    Steady,
    /// So many seconds of every minute.
    Flaps(u64),
    /// Its share grows to 25 % within ten minutes.
    Ramp,
}

struct Row {
    name: &'static str,
    fault: &'static str,
    /// Conditions; the fault is there if one of them holds.
    when: &'static [&'static str],
    shape: Shape,
    /// Published median, p95 and p99.
    published: &'static str,
}

const fn row(name: &'static str, fault: &'static str, when: &'static [&'static str], published: &'static str) -> Row {
    Row { name, fault, when, shape: Shape::Steady, published }
}

const TABLE: [Row; 22] = [
    row("total, refused at once", "token-invalid", &[""], "9.4 / 10.2 / 10.3"),
    row("total, silent", "connected-missing", &[""], "11.5 / 12.4 / 12.5"),
    row("74 % of connections", "token-invalid", &[r#"share = "74%""#], "19.6 / 28.7 / 37.1"),
    row("25 %", "token-invalid", &[r#"share = "25%""#], "89 / 135 / 157"),
    row("10 %", "token-invalid", &[r#"share = "10%""#], "229 / 433 / 530"),
    row("5 %", "token-invalid", &[r#"share = "5%""#], "764 / 2009 / 2754"),
    row("1/32", "token-invalid", &[r#"share = "3.12%""#], "-"),
    row("2 %", "token-invalid", &[r#"share = "2%""#], "not within 6 h"),
    row("1/64", "token-invalid", &[r#"share = "1.56%""#], "-"),
    row("kind", "token-invalid", &[r#"kind = "capability""#], "10.1 / 11.9 / 12.6"),
    row("key of one kind", "token-invalid", &[r#"key = 0, kind = "access""#], "12.3 / 25.2 / 32.6"),
    row(
        "payload residue, sticks to identities",
        "token-invalid",
        &[r#"kind = "capability", payload = { symbol = "_", residue = 3 }"#],
        "14.6 / 23.2 / 23.9",
    ),
    row(
        "identity residue and kind",
        "token-invalid",
        &[r#"kind = "capability", name = { residue = 0 }"#],
        "14.6 / 23.2 / 24.0",
    ),
    row("one signature cell", "token-invalid", &[r#"signature = { symbol = "-", offset = 11 }"#], "26.2 / 48.0 / 55.3"),
    row(
        "one signature cell, silent",
        "connected-missing",
        &[r#"signature = { symbol = "-", offset = 11 }"#],
        "29.3 / 53.5 / 62.1",
    ),
    row(
        "two faults: cell or kind",
        "token-invalid",
        &[r#"signature = { symbol = "-", offset = 11 }"#, r#"kind = "capability""#],
        "11.9 / 27.9 / 40.3 (cell or key)",
    ),
    row(
        "10 % of nodes and residue",
        "token-invalid",
        &[r#"share = "10%", kind = "capability", name = { residue = 0 }"#],
        "854 / 1702 / 2008",
    ),
    row(
        "10 % of nodes and _ in signature",
        "token-invalid",
        &[r#"share = "10%", signature = { symbol = "_" }"#],
        "249 / 489 / 609",
    ),
    row(
        "10 % of nodes and one cell",
        "token-invalid",
        &[r#"share = "10%", signature = { symbol = "-", offset = 11 }"#],
        "1586 / 3877 / 5083",
    ),
    Row { shape: Shape::Flaps(10), ..row("flaps, 10 s of 60 s", "tcp-refused", &[""], "9.3 / 10.2 / 10.3") },
    Row { shape: Shape::Flaps(4), ..row("flaps, 4 s of 60 s", "tcp-refused", &[""], "123 / 124 / 124") },
    Row { shape: Shape::Ramp, ..row("ramp to 25 % in 10 min", "token-invalid", &[""], "340 / 443 / 485") },
];

fn main() {
    let (trials, seed) = (argument(0, 300), argument(1, 0));
    println!("{trials} trials of each fault, background {} %", BACKGROUND * 100.0);
    println!("| fault | median s | p95 s (95 %) | p99 s | not in 2 h | A B C C2 D F | published median / p95 / p99 |");
    println!("|---|---|---|---|---|---|---|");
    for row in &TABLE {
        let found = play(row, trials, seed);
        tell(row, &found);
    }
}

/// Sorted delays, and the rule that decided.
fn play(row: &Row, trials: u64, seed: u64) -> Vec<(Duration, Option<Rule>)> {
    let next = AtomicU64::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let trial = next.fetch_add(1, Ordering::Relaxed);
                    if trial >= trials {
                        break;
                    }
                    let one = delay(row, seed + trial);
                    found.lock().expect("no thread panics").push(one);
                }
            });
        }
    });
    let mut found = found.into_inner().expect("no thread panics");
    found.sort_by_key(|(delay, _)| *delay);
    found
}

fn delay(row: &Row, seed: u64) -> (Duration, Option<Rule>) {
    let plan = Arc::new(plan(1, BACKGROUND));
    let pod = plan.pods[0].name.clone();
    let mut world = World::new(plan, START, seed).in_weather(Weather::background(BACKGROUND));
    // Another moment within the schedule for each trial.
    world.run_until(START.plus(Duration::from_millis(300_000 + seed * 7_919 % 60_000)));
    let onset = world.now();
    while world.now().since(onset) < GIVE_UP {
        let after = world.now().since(onset);
        set_fault(&mut world, &pod, row, after);
        world.run_until(world.now().plus(LOOK_EVERY));
        if let Some(found) = decided(&world, onset) {
            return found;
        }
    }
    (GIVE_UP, None)
}

fn decided(world: &World, onset: Timestamp) -> Option<(Duration, Option<Rule>)> {
    let mut incidents = world.engine().state().incidents.values().map(|incident| &incident.facts);
    let first = incidents.find(|facts| facts.audience == Audience::VoiceOnCall && facts.opened >= onset)?;
    let rule = first.pods.first().and_then(|pod| pod.rules.first()).copied();
    Some((first.opened.since(onset), rule))
}

/// Switches the fault on or off, as its shape wants it so long after the onset.
fn set_fault(world: &mut World, pod: &PodName, row: &Row, after: Duration) {
    let second = after.as_secs();
    match row.shape {
        Shape::Steady if second == 0 => strike(world, pod, row),
        Shape::Steady => {}
        Shape::Flaps(_) if second.is_multiple_of(60) => strike(world, pod, row),
        Shape::Flaps(length) if second % 60 == length => world.clear(pod, None),
        Shape::Flaps(_) => {}
        Shape::Ramp => {
            world.clear(pod, None);
            let percent = 25.0 * (after.as_secs_f64() / 600.0).min(1.0);
            if percent >= 0.01 {
                world.fault(pod, rule(row.fault, &format!("share = \"{percent:.2}%\"")));
            }
        }
    }
}

fn strike(world: &mut World, pod: &PodName, row: &Row) {
    row.when.iter().for_each(|when| world.fault(pod, rule(row.fault, when)));
}

/// A fault of the catalogue with a condition, as users write it.
fn rule(fault: &str, when: &str) -> FaultRule {
    let when = if when.is_empty() { Predicate::default() } else { Predicate::parse(when).expect("valid") };
    FaultRule::new(Fault::named(fault).expect("in the catalogue"), when).expect("it fits")
}

fn tell(row: &Row, found: &[(Duration, Option<Rule>)]) {
    let delays: Vec<Duration> = found.iter().map(|(delay, _)| *delay).collect();
    let late = found.iter().filter(|(_, rule)| rule.is_none()).count() as f64 / found.len() as f64;
    let by_rule = RULES.map(|rule| found.iter().filter(|(_, decided)| *decided == Some(rule)).count().to_string());
    let (low, high) = p95_interval(&delays);
    println!(
        "| {} | {} | {} ({}-{}) | {} | {:.0} % | {} | {} |",
        row.name,
        said(at(&delays, 0.5)),
        said(at(&delays, 0.95)),
        said(low),
        said(high),
        said(at(&delays, 0.99)),
        late * 100.0,
        by_rule.join(" "),
        row.published,
    );
}

/// The order statistics between which the 95th percentile lies with 95 % confidence.
fn p95_interval(sorted: &[Duration]) -> (Duration, Duration) {
    let n = sorted.len() as f64;
    let half = 1.96 * (0.95 * 0.05 / n).sqrt();
    (at(sorted, (0.95 - half).max(0.0)), at(sorted, (0.95 + half).min(1.0)))
}

fn said(delay: Duration) -> String {
    if delay >= GIVE_UP {
        return "> 2 h".to_owned();
    }
    let seconds = delay.as_secs_f64();
    if seconds < 100.0 { format!("{seconds:.1}") } else { format!("{seconds:.0}") }
}

/// The value at a share of a sorted list.
fn at(sorted: &[Duration], share: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
