//! False pages: years of pods in which nothing is wrong but the weather (single failures that
//! swing by half over the day, a total blip of 5 s a day, one of 20 s a week in which 30 % fail),
//! at three backgrounds and 30 attempts a minute, on two threads. Counted are incidents that wake
//! the voice on-call, by the rule that fired first. The simulated minter searches among a tenth of
//! the candidates: it would take most of the time, and a cell is looked at nearly as evenly.
//! `cargo bench --bench quiet_years [pod-years of each background] [most minutes] [first seed]
//! [only the background with this number, from 1]`

mod town;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ringcheck::engine::{Audience, Rule};
use ringcheck::model::IncidentNumber;
use ringcheck::sim::{Weather, World};

use town::{START, argument, plan};

/// Background, and the published false pages a pod-year in this weather.
const BACKGROUNDS: [(f64, &str); 3] = [(0.002, "-"), (0.01, "0.083 (0.03-0.19)"), (0.03, "0.24 (0.09-0.52)")];
const DAYS_A_YEAR: u64 = 365;
/// Days between two looks at the clock; incidents are counted in these steps.
const STEP_DAYS: u64 = 5;
const THREADS: u64 = 2;
/// The rules that can wake the voice on-call here.
const RULES: [Rule; 6] = [Rule::Outage, Rule::TokenBound, Rule::Share, Rule::HeavyShare, Rule::Trait, Rule::Flapping];

#[derive(Default)]
struct Counts {
    days: u64,
    attempts: u64,
    pages: BTreeMap<Rule, u64>,
}

fn main() {
    let (years, minutes, seed) = (argument(0, 100), argument(1, 24 * 60), argument(2, 1));
    let only = argument(3, 0);
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let found: [Mutex<Counts>; BACKGROUNDS.len()] = Default::default();
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while Instant::now() < end {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let place = (number % BACKGROUNDS.len() as u64) as usize;
                    if only > 0 && place as u64 + 1 != only && number < years * BACKGROUNDS.len() as u64 {
                        continue;
                    }
                    if number >= years * BACKGROUNDS.len() as u64 {
                        break;
                    }
                    a_year(BACKGROUNDS[place].0, seed + number, end, &found[place]);
                }
            });
        }
        scope.spawn(|| tell_progress(&found, years, end));
    });
    table(&found);
}

/// One pod for a year, or until the time is over.
fn a_year(background: f64, seed: u64, end: Instant, found: &Mutex<Counts>) {
    let weather = Weather::usual(background, seed);
    let mut world = World::new(Arc::new(plan(1, background)), START, seed).in_weather(weather).searching_among_few();
    let (mut counted, mut attempts) = (IncidentNumber(0), 0);
    for day in (STEP_DAYS..=DAYS_A_YEAR).step_by(STEP_DAYS as usize) {
        world.run_until(START.plus(Duration::from_hours(24 * day)));
        let mut found = found.lock().expect("no thread panics");
        found.days += STEP_DAYS;
        found.attempts += world.outside().attempts - attempts;
        attempts = world.outside().attempts;
        for (number, incident) in world.engine().state().incidents.range(counted..) {
            counted = IncidentNumber(number.0 + 1);
            if incident.facts.audience == Audience::VoiceOnCall {
                let rule = incident.facts.pods[0].rules[0];
                *found.pages.entry(rule).or_insert(0) += 1;
            }
        }
        if Instant::now() > end {
            break;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a line of progress now and then, on a thread of its own")]
fn tell_progress(found: &[Mutex<Counts>; BACKGROUNDS.len()], years: u64, end: Instant) {
    let total = years * DAYS_A_YEAR * BACKGROUNDS.len() as u64;
    let mut told = Instant::now();
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let days: u64 = found.iter().map(|counts| counts.lock().expect("no thread panics").days).sum();
        // A year is counted in whole steps.
        if days + BACKGROUNDS.len() as u64 * years * STEP_DAYS > total || Instant::now() > end {
            break;
        }
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            eprintln!("{:.1} of {} pod-years", days as f64 / DAYS_A_YEAR as f64, total / DAYS_A_YEAR);
        }
    }
}

fn table(found: &[Mutex<Counts>; BACKGROUNDS.len()]) {
    println!("| background | pod-years | A | B | C | C2 | D | F | pages a pod-year (95 %) | published | attempts |");
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for ((background, published), counts) in BACKGROUNDS.iter().zip(found) {
        let counts = counts.lock().expect("no thread panics");
        let years = counts.days as f64 / DAYS_A_YEAR as f64;
        let by_rule: Vec<String> = RULES.map(|rule| counts.pages.get(&rule).copied().unwrap_or(0).to_string()).to_vec();
        let pages: u64 = counts.pages.values().sum();
        let (low, high) = poisson_interval(pages);
        println!(
            "| {} % | {years:.1} | {} | {:.2} ({:.2}-{:.2}) | {published} | {:.1} M |",
            background * 100.0,
            by_rule.join(" | "),
            pages as f64 / years,
            low / years,
            high / years,
            counts.attempts as f64 / 1e6,
        );
    }
}

/// The exact 95 % interval (Garwood) of the mean of which `count` was seen.
fn poisson_interval(count: u64) -> (f64, f64) {
    // P(X <= n) for a mean.
    let at_most = |n: u64, mean: f64| {
        let mut term = (-mean).exp();
        let mut sum = term;
        for k in 1..=n {
            term *= mean / k as f64;
            sum += term;
        }
        sum
    };
    let solve = |n: u64, wanted: f64| {
        let (mut low, mut high) = (0.0, 4.0 * n as f64 + 20.0);
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if at_most(n, middle) > wanted { low = middle } else { high = middle }
        }
        low
    };
    let lower = if count == 0 { 0.0 } else { solve(count - 1, 0.975) };
    (lower, solve(count, 0.025))
}
