//! Observations a second that the engine decides about on one core, in replay: an attempt falls
//! due, is asked for, and is answered 0.3 s later; 30 pods, 1 % of the attempts fail. And whether
//! one observation costs more when more of the past is remembered.
//! `cargo bench --bench engine [observations]`

mod town;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ringcheck::engine::{Effect, Engine, Input, Record, State, Turn};
use ringcheck::model::{
    AttemptReport, AttemptSpec, Failure, FailureReason, KeySlot, Outcome, PartnerSaid, Share, Step, Timestamp,
    TokenKind, TokenShape, TokenWish, Traits,
};
use ringcheck::plan::{PlainRule, Pod};

use town::{START, argument};

/// How long an attempt takes.
const ANSWER: Duration = Duration::from_millis(300);
/// Measured stretches of each world, of which the median is told.
const STRETCHES: usize = 5;
const PODS: usize = 30;

fn main() {
    let observations = argument(0, 1_000_000);
    println!("{PODS} pods, 30 attempts a minute each, 1 % fail, {observations} observations a stretch");
    println!("{:<58} {:>12} {:>10} {:>8}", "", "obs/s", "ns/obs", "turns");
    let hour = PODS as u64 * 30 * 60;
    let mut young = Replay::new(&[]);
    young.observe(hour);
    tell("after 1 h", &mut young, observations);
    let mut old = Replay::new(&[]);
    old.observe(7 * 24 * hour);
    tell("after 7 d", &mut old, observations);
    for (name, window) in [("a share rule over 5 min", 300), ("the same over 6 h", 6 * 3_600)] {
        let window = Duration::from_secs(window);
        let rule = PlainRule::ShareInWindow { share: Share::clamped(0.1), window, minimum: 5 };
        let mut replay = Replay::new(&[rule]);
        replay.observe(7 * hour);
        tell(name, &mut replay, observations);
    }
    restore(observations);
}

fn tell(name: &str, replay: &mut Replay, observations: u64) {
    let mut costs: Vec<(f64, f64)> = (0..STRETCHES)
        .map(|_| {
            let (cpu, turns) = (cpu_ns(), replay.turns);
            replay.observe(observations);
            let spent = (cpu_ns() - cpu) as f64 / observations as f64;
            (spent, (replay.turns - turns) as f64 / observations as f64)
        })
        .collect();
    costs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ns, turns) = costs[STRETCHES / 2];
    println!("{name:<58} {:>12.0} {ns:>10.0} {turns:>8.2}", 1e9 / ns);
}

/// A restart: the facts alone, without deciding anew.
fn restore(observations: u64) {
    let mut replay = Replay::new(&[]);
    replay.journal = Some(Vec::new());
    let mut state: State = replay.engine.state().clone();
    replay.observe(observations);
    let facts = replay.journal.take().unwrap_or_default();
    let cpu = cpu_ns();
    for fact in &facts {
        state.apply(fact);
    }
    let ns = (cpu_ns() - cpu) as f64 / observations as f64;
    println!("{:<58} {:>12.0} {ns:>10.0}", "restore: the facts applied, nothing decided", 1e9 / ns);
    std::hint::black_box(state);
}

/// A world without weather, receivers or a random number: as little beside the engine as can be.
struct Replay {
    engine: Engine,
    now: Timestamp,
    wake: Option<Timestamp>,
    /// All attempts take equally long, so the first that was asked for is the first to be answered.
    pending: VecDeque<(Timestamp, Box<AttemptReport>)>,
    asked: u64,
    answered: u64,
    turns: u64,
    journal: Option<Vec<Record>>,
}

impl Replay {
    fn new(rules: &[PlainRule]) -> Self {
        let mut plan = town::plan(PODS, 0.01);
        for pod in &mut plan.pods {
            let mut changed: Pod = pod.as_ref().clone();
            changed.thresholds.plain.extend_from_slice(rules);
            *pod = Arc::new(changed);
        }
        let mut replay = Self {
            engine: Engine::default(),
            now: START,
            wake: None,
            pending: VecDeque::new(),
            asked: 0,
            answered: 0,
            turns: 0,
            journal: None,
        };
        replay.turn(Input::Planned(Arc::new(plan)));
        replay
    }

    /// Goes on until so many more attempts have been counted.
    fn observe(&mut self, observations: u64) {
        let end = self.answered + observations;
        while self.answered < end {
            let answer = self.pending.front().map(|(at, _)| *at);
            let next = [answer, self.wake].into_iter().flatten().min().expect("there is always a next slot");
            self.now = self.now.max(next);
            if answer == Some(next)
                && let Some((_, report)) = self.pending.pop_front()
            {
                self.answered += 1;
                self.turn(Input::AttemptFinished(report));
            } else {
                self.turn(Input::Tick);
            }
        }
    }

    fn turn(&mut self, input: Input) {
        self.turns += 1;
        let Turn { records, effects, wake, .. } = self.engine.handle(self.now, input);
        self.wake = wake.map(|(at, _)| at);
        for effect in effects {
            match effect {
                Effect::Dial(spec) => self.answer(spec),
                Effect::Deliver(notification) => panic!("nothing is wrong here: {}", notification.incident.subject),
                Effect::CheckControls | Effect::EndCalls { .. } => {}
            }
        }
        if let Some(journal) = &mut self.journal {
            journal.extend(records);
        }
    }

    fn answer(&mut self, spec: AttemptSpec) {
        self.asked += 1;
        // Single failures, spread over the pods; what follows one up always passes.
        let fails = self.asked % 101 == 100 && matches!(spec.token, TokenWish::Fresh { .. });
        let outcome = if fails {
            Outcome::Failed(Failure {
                step: Step::Tcp,
                reason: FailureReason::ConnectionReset,
                wire_code: None,
                device_errors: Vec::new(),
            })
        } else {
            Outcome::completed()
        };
        let (kind, key, name_length) = match spec.token {
            TokenWish::Fresh { kind, key, name_length, .. } => (kind, key, name_length),
            TokenWish::Same { .. } => (TokenKind::Access, KeySlot(0), 15),
        };
        let finished = self.now.plus(ANSWER);
        let traits = Traits { kind, key, name_length, edge: spec.edge, family: None, shape: TokenShape::default() };
        let report = AttemptReport {
            id: spec.id,
            started: self.now,
            finished,
            outcome,
            traits,
            steps: Vec::new(),
            certificate: None,
            partner: PartnerSaid::default(),
            call: None,
        };
        self.pending.push_back((finished, Box::new(report)));
    }
}

/// CPU time of this thread, in nanoseconds: the machine's other work does not count.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts it");
    text.split_whitespace().next().and_then(|number| number.parse().ok()).expect("its first number")
}
