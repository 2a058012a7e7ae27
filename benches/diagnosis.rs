//! What the diagnosis names, how soon, and how often it is right: classes of faults against a
//! minter that searches 10,000 candidates, with background failures.
//! `cargo bench --bench diagnosis [--trials N] [first seed]`

mod trials;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringcheck::diagnosis::{Diagnosis, HowFailed, Look};
use ringcheck::model::{AttemptId, FailureReason, PodName, Reached, Share, Step};

use trials::{Class, DETERMINISTIC, ON_NODES, Place, Ran, run};

const THREADS: usize = 2;

fn main() {
    let (trials, seed) = arguments();
    let place = Place::new();
    println!(
        "features {}; family {} predicates x 7 fail shares; {} reachable tokens sampled\n",
        place.family.space().features().len(),
        place.family.len(),
        trials::SAMPLE
    );
    for background in [0.01, 0.02] {
        println!("### Deterministic faults, b = {} %, {trials} trials each\n", background * 100.0);
        let classes: Vec<Class> = DETERMINISTIC.into_iter().chain([Class::ThreeOffsets]).collect();
        table(&place, &classes, background, [30, 45, 60, 120], trials, seed);
    }
    println!("### On a tenth of the nodes, and none, b = 1 %, {trials} trials each\n");
    let classes: Vec<Class> = [Class::Random].into_iter().chain(ON_NODES).collect();
    table(&place, &classes, 0.01, [200, 400, 800, 1_500], trials, seed);
    steps(&place, seed);
}

/// What one step costs: a look taken in, and a wish made, on one thread.
fn steps(place: &Place, seed: u64) {
    const LOOKS: u64 = 10_000;
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut diagnosis = Diagnosis::of(Arc::clone(&place.family), Share::clamped(0.01), seed);
    let pod = PodName::parse("pod-1").expect("a name");
    let failed = HowFailed { step: Step::Connected, reason: FailureReason::NoAnswer, wire_code: None };
    let (mut wishing, mut wishes) = (Duration::ZERO, 0);
    let started = Instant::now();
    for number in 0..LOOKS {
        let features = place.sample[rng.usize(0..place.sample.len())];
        // A tenth of the tokens with a dash somewhere: nothing is settled soon.
        let fails = features.contains(0) && rng.u8(0..10) == 0;
        diagnosis.observe(Look {
            pod: pod.clone(),
            token: AttemptId(number),
            features,
            reached: Reached::default(),
            failed: fails.then_some(failed),
        });
        if number % 100 == 0 {
            let began = Instant::now();
            wishes += u32::from(diagnosis.next().is_some());
            wishing += began.elapsed();
        }
    }
    let looking = (started.elapsed() - wishing).as_secs_f64() * 1e3 / LOOKS as f64;
    let wishing = wishing.as_secs_f64() * 1e3 / (LOOKS / 100) as f64;
    println!(
        "{LOOKS} looks: {looking:.3} ms to take one in, {wishing:.3} ms to be asked for the next ({wishes} wishes)"
    );
}

/// `--trials N` and the first seed.
fn arguments() -> (u64, u64) {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let mut words = words.iter();
    let (mut trials, mut seed) = (200, 1);
    while let Some(word) = words.next() {
        let number = |word: &String| word.parse().unwrap_or_else(|_| panic!("not a number: {word}"));
        if word == "--trials" { trials = words.next().map_or(trials, number) } else { seed = number(word) }
    }
    (trials, seed)
}

fn table(place: &Place, classes: &[Class], background: f64, at: [usize; 4], trials: u64, seed: u64) {
    println!(
        "| fault | first claim: looks median / p95 | it is right, % | ended and right, % of trials, after n looks | ended at all, % | right when ended, % | looks to the end, median / p95 |\n|---|---|---|---|---|---|---|"
    );
    let mut overall = [0.0; 4];
    for class in classes {
        let ran = all(place, *class, background, at[3], trials, seed);
        let first: Vec<(usize, bool)> = ran.iter().filter_map(|r| r.first).collect();
        let ended: Vec<(usize, bool)> = ran.iter().filter_map(|r| r.ended).collect();
        let shares = at.map(|most| percent(ended.iter().filter(|(n, right)| *right && *n <= most).count(), ran.len()));
        if DETERMINISTIC.contains(class) || ON_NODES.contains(class) {
            overall = std::array::from_fn(|place| overall[place] + shares[place]);
        }
        let after: Vec<String> = at.iter().zip(shares).map(|(n, share)| format!("{n}: {share:.1}")).collect();
        println!(
            "| {} | {} | {:.0} | {} | {:.0} | {:.1} | {} |",
            class.in_words(),
            spread(&first),
            percent(right(&first), first.len()),
            after.join(", "),
            percent(ended.len(), ran.len()),
            percent(right(&ended), ended.len()),
            spread(&ended)
        );
    }
    let weighed = classes.iter().filter(|class| DETERMINISTIC.contains(class) || ON_NODES.contains(class)).count();
    let overall: Vec<String> = overall.iter().map(|sum| format!("{:.1} %", sum / weighed as f64)).collect();
    println!("\n{weighed} classes, equal weight: {}\n", overall.join(", "));
}

fn all(place: &Place, class: Class, background: f64, most: usize, trials: u64, seed: u64) -> Vec<Ran> {
    let next = AtomicU64::new(0);
    let work = || {
        let mut ran = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= trials {
                return ran;
            }
            ran.push(run(place, class, background, most, seed + number));
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no trial panics")).collect()
    })
}

fn right(of: &[(usize, bool)]) -> usize {
    of.iter().filter(|(_, right)| *right).count()
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

fn spread(of: &[(usize, bool)]) -> String {
    let mut looks: Vec<usize> = of.iter().map(|(looks, _)| *looks).collect();
    looks.sort_unstable();
    let at = |share: f64| looks.get(((looks.len() as f64 * share).ceil() as usize).saturating_sub(1));
    match (at(0.5), at(0.95)) {
        (Some(median), Some(p95)) => format!("{median} / {p95}"),
        _ => "-".to_owned(),
    }
}
