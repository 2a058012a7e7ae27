//! A world in virtual time: the product's own engine, a partner that answers with outcomes, and
//! receivers, disks and networks that can fail. Days pass in a second; a seed gives the same run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use crate::drive::{self, Ports};
use crate::engine::calls::{CallSearch, StrayCall};
use crate::engine::{
    Command, Component, ComponentState, DeliveryResult, Effect, Engine, IncidentState, Input, Notification,
    NotifyReason, Record, State, Wake,
};
use crate::model::{
    AttemptReport, AttemptSpec, CallDirection, CallWish, Deadlines, LostReason, Origin, Outcome, PartnerSaid, PodName,
    StableHasher, Timestamp, Traits,
};
use crate::plan::Plan;

use super::answers::{self, Answer, Answers};
use super::call_answers::{CallAnswer, CallAnswers, CallSort};
use super::candidates::Search;
use super::minter::ShapeMinter;
use super::predicate::Node;
use super::rule::FaultRule;
use super::weather::Weather;

/// How long a receiver takes to accept a message.
const DELIVERY_TAKES: Duration = Duration::from_millis(400);
/// How long the control targets take to answer, or to be given up.
const CONTROLS_TAKE: Duration = Duration::from_millis(120);
const CONTROLS_GIVEN_UP: Duration = Duration::from_secs(2);
/// Tries that a failing receiver is remembered to have had, at most.
const TRIES_MAX: u32 = 1_000_000;

/// One message, as a receiver took it.
#[derive(Clone, PartialEq, Debug)]
pub struct Delivered {
    /// When.
    pub at: Timestamp,
    /// What.
    pub notification: Notification,
}

/// A component that changed, as the engine recorded it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComponentMove {
    /// When.
    pub at: Timestamp,
    /// Of which pod.
    pub pod: PodName,
    /// Which, by what calls say; all that depend on connections, by what these say, if absent.
    pub component: Option<Component>,
    /// What it is now.
    pub state: ComponentState,
}

/// What the world does to the node.
#[derive(Clone, PartialEq, Debug)]
pub enum Mishap {
    /// This location's network is down, or up again.
    Network {
        /// True for down.
        down: bool,
    },
    /// Receivers do not answer, or do again.
    Receivers {
        /// True for down.
        down: bool,
    },
    /// The journal cannot be written, or can be again.
    Disk {
        /// True for broken.
        broken: bool,
    },
    /// The process dies and starts again from its journal.
    Crash,
    /// An operator pauses a pod, or everything.
    Pause {
        /// In which pod; in all if absent.
        pod: Option<PodName>,
        /// Until when.
        until: Timestamp,
    },
}

/// Virtual time's pending happenings.
#[derive(Clone, Debug)]
enum Happening {
    Input(Input),
}

#[derive(Clone, Debug)]
struct Pending {
    at: Timestamp,
    order: u64,
    /// Happenings of a life of the process end with it.
    life: u32,
    what: Happening,
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Pending {}
impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Pending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// The world.
pub struct World {
    engine: Engine,
    outside: Outside,
    wake: Option<(Timestamp, Wake)>,
}

/// Everything but the engine.
pub struct Outside {
    now: Timestamp,
    seed: u64,
    rng: fastrand::Rng,
    /// Chance of test calls: they change nothing of what befalls connections.
    call_rng: fastrand::Rng,
    plan: Arc<Plan>,
    minter: ShapeMinter,
    outcomes: Answers,
    call_answers: Option<CallAnswers>,
    weather: Weather,
    faults: BTreeMap<PodName, Vec<FaultRule>>,
    pending: BinaryHeap<Reverse<Pending>>,
    order: u64,
    life: u32,
    network_down: bool,
    receivers_down: bool,
    disk_broken: bool,
    crash_before_dispatch: bool,
    crash_chance_on_page: f64,
    journal: Option<Vec<Record>>,
    /// Facts so far.
    pub facts: u64,
    /// Messages that receivers took, in order.
    pub delivered: Vec<Delivered>,
    /// Attempts asked for.
    pub attempts: u64,
    /// Test calls asked for, and when.
    pub calls: Vec<(Timestamp, CallWish)>,
    /// How many came to an end, and how many of these failed.
    pub calls_ended: BTreeMap<CallDirection, (u32, u32)>,
    /// What the public saw change, in order.
    pub moves: Vec<ComponentMove>,
    /// Attempts that a fault made fail, the first one's start.
    pub first_hit: Option<Timestamp>,
    /// Times the process died.
    pub crashes: u32,
    /// When the first public notice went out.
    pub first_notice: Option<Timestamp>,
    /// When the last incident of the voice on-call was resolved.
    pub resolved: Option<Timestamp>,
}

impl World {
    /// A world that begins at `start` with a plan, but for its test calls: nobody answers them here.
    pub fn new(plan: Arc<Plan>, start: Timestamp, seed: u64) -> Self {
        let plan = if plan.probes.iter().any(|probe| probe.call.is_some()) {
            Arc::new(Plan::clone(&plan).without_calls())
        } else {
            plan
        };
        Self::begin(plan, start, seed, None)
    }

    /// The same with its test calls. Their media reckon from a moment; only differences to it matter.
    pub fn calling(plan: Arc<Plan>, start: Timestamp, seed: u64, origin: Origin) -> Self {
        Self::begin(plan, start, seed, Some(CallAnswers::new(origin)))
    }

    fn begin(plan: Arc<Plan>, start: Timestamp, seed: u64, call_answers: Option<CallAnswers>) -> Self {
        let outside = Outside {
            now: start,
            seed,
            rng: fastrand::Rng::with_seed(seed),
            call_rng: fastrand::Rng::with_seed(StableHasher::new("calls").number(seed).finish()),
            plan: plan.clone(),
            minter: ShapeMinter::default(),
            outcomes: Answers::default(),
            call_answers,
            weather: Weather::calm(),
            faults: BTreeMap::new(),
            pending: BinaryHeap::new(),
            order: 0,
            life: 0,
            network_down: false,
            receivers_down: false,
            disk_broken: false,
            crash_before_dispatch: false,
            crash_chance_on_page: 0.0,
            journal: None,
            facts: 0,
            delivered: Vec::new(),
            attempts: 0,
            calls: Vec::new(),
            calls_ended: BTreeMap::new(),
            moves: Vec::new(),
            first_hit: None,
            crashes: 0,
            first_notice: None,
            resolved: None,
        };
        let mut world = Self { engine: Engine::default(), outside, wake: None };
        world.step(Input::Planned(plan));
        world
    }

    /// Keeps the journal, so that the process can die and the story can be read.
    #[must_use]
    pub fn journalled(mut self) -> Self {
        // What was decided before is part of the story.
        let mut engine = Engine::default();
        let turn = engine.handle(self.outside.now, Input::Planned(self.outside.plan.clone()));
        self.outside.facts = turn.records.len() as u64;
        self.outside.journal = Some(turn.records);
        self
    }

    /// With this weather: failures that are nobody's fault.
    #[must_use]
    pub fn in_weather(mut self, weather: Weather) -> Self {
        self.outside.weather = weather;
        self
    }

    /// Its minter searches among a tenth of the candidates, for worlds in which years pass.
    #[must_use]
    pub fn searching_among_few(mut self) -> Self {
        self.outside.minter.search = Search::Few;
        self
    }

    /// The process dies with this chance on each turn that queues a page, after the facts are in
    /// the journal and before anything leaves. Aimed, since evenly spread crashes find nothing.
    #[must_use]
    pub fn crashing_on_pages(mut self, chance: f64) -> Self {
        self.outside.crash_chance_on_page = chance;
        self.journalled()
    }

    /// The moment.
    pub fn now(&self) -> Timestamp {
        self.outside.now
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What happened outside the engine.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// The facts so far, if they are kept.
    pub fn journal(&self) -> &[Record] {
        self.outside.journal.as_deref().unwrap_or_default()
    }

    /// Switches a fault on in a pod.
    pub fn fault(&mut self, pod: &PodName, rule: FaultRule) {
        self.outside.faults.entry(pod.clone()).or_default().push(rule);
    }

    /// Switches faults off in a pod: the named one, or all.
    pub fn clear(&mut self, pod: &PodName, fault: Option<&str>) {
        if let Some(rules) = self.outside.faults.get_mut(pod) {
            rules.retain(|rule| fault.is_some_and(|name| rule.fault().name() != name));
        }
    }

    /// Lets something befall the node.
    pub fn befall(&mut self, mishap: Mishap) {
        match mishap {
            Mishap::Network { down } => self.outside.network_down = down,
            Mishap::Receivers { down } => self.outside.receivers_down = down,
            Mishap::Disk { broken } => self.outside.disk_broken = broken,
            Mishap::Crash => self.crash(),
            Mishap::Pause { pod, until } => self.step(Input::Command(Command::Pause { pod, until })),
        }
    }

    /// Takes another plan, as after a reload.
    pub fn reload(&mut self, plan: Arc<Plan>) {
        self.outside.plan = plan.clone();
        self.step(Input::Planned(plan));
    }

    /// Lets time pass.
    pub fn run_until(&mut self, end: Timestamp) {
        loop {
            let happening = self.outside.pending.peek().map(|Reverse(pending)| pending.at);
            let next = [happening, self.wake.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.outside.now = self.outside.now.max(next);
            if happening == Some(next) {
                let Some(Reverse(pending)) = self.outside.pending.pop() else { continue };
                if pending.life == self.outside.life {
                    let Happening::Input(input) = pending.what;
                    self.step(input);
                }
            } else {
                self.step(Input::Tick);
            }
        }
        self.outside.now = self.outside.now.max(end);
    }

    fn step(&mut self, input: Input) {
        let now = self.outside.now;
        let (wake, _) = drive::step(&mut self.engine, &mut self.outside, now, input);
        self.wake = wake;
        if std::mem::take(&mut self.outside.crash_before_dispatch) {
            self.crash();
        }
    }

    /// Dies and comes back: what the journal tells is all that is left.
    fn crash(&mut self) {
        self.outside.crashes += 1;
        self.outside.life += 1;
        let mut state = State::default();
        for record in self.outside.journal.as_deref().unwrap_or_default() {
            state.apply(record);
        }
        self.engine = Engine::restore(state);
        self.step(Input::Planned(self.outside.plan.clone()));
    }
}

impl Ports for Outside {
    type Error = ();

    fn append(&mut self, records: &[Record]) -> Result<(), ()> {
        self.facts += records.len() as u64;
        for record in records {
            match record {
                Record::ComponentChanged { at, pod, state, component } => {
                    let (at, pod) = (*at, pod.clone());
                    self.moves.push(ComponentMove { at, pod, component: *component, state: *state });
                }
                Record::NoticeOpened { .. } => {
                    self.first_notice.get_or_insert(self.now);
                }
                Record::NotificationQueued { notification } => {
                    if notification.incident.state == IncidentState::Resolved {
                        self.resolved = Some(self.now);
                    } else if notification.reason == NotifyReason::First {
                        self.resolved = None;
                    }
                    // A dead process dispatches nothing: `dispatch` looks at this mark.
                    self.crash_before_dispatch |= self.rng.f64() < self.crash_chance_on_page;
                }
                _ => {}
            }
        }
        if self.disk_broken {
            return Err(());
        }
        if let Some(journal) = &mut self.journal {
            journal.extend_from_slice(records);
        }
        Ok(())
    }

    fn dispatch(&mut self, effect: Effect) {
        if self.crash_before_dispatch {
            return;
        }
        match effect {
            Effect::Dial(spec) => self.dial(&spec),
            Effect::Deliver(notification) => self.deliver(*notification),
            Effect::CheckControls => self.check_controls(),
            Effect::EndCalls { pod, calls } => self.end_calls(pod, &calls),
        }
    }
}

impl Outside {
    fn after(&mut self, wait: Duration, input: Input) {
        self.order += 1;
        let (at, order, life) = (self.now.plus(wait), self.order, self.life);
        self.pending.push(Reverse(Pending { at, order, life, what: Happening::Input(input) }));
    }

    fn dial(&mut self, spec: &AttemptSpec) {
        self.attempts += 1;
        let plan = self.plan.clone();
        let rng = if spec.call.is_some() { &mut self.call_rng } else { &mut self.rng };
        let mut call = None;
        let mut partner = PartnerSaid::default();
        let (took, outcome, traits) = match (self.minter.mint(spec, &plan, rng), spec.call) {
            (None, _) => {
                let lost = Outcome::Lost { reason: LostReason::TokenGone };
                let like = spec.traits_asked_for();
                (Duration::ZERO, lost, like)
            }
            (Some(traits), Some(wish)) => {
                let CallAnswer { took, outcome, facts } = self.answer_call(spec, wish, &traits);
                call = facts;
                (took, outcome, traits)
            }
            (Some(traits), None) => {
                let node = Node::of(self.seed, spec.id.0);
                let answer = self.answer(spec, &traits, node);
                partner = answer.said_by(node);
                let Answer { took, outcome, .. } = answer;
                (took, outcome, traits)
            }
        };
        let report = AttemptReport {
            id: spec.id,
            started: self.now,
            finished: self.now.plus(took),
            outcome,
            traits,
            steps: Vec::new(),
            certificate: None,
            partner,
            call,
        };
        self.after(took, Input::AttemptFinished(Box::new(report)));
    }

    /// What an attempt gets: our own network first, then a fault that applies, then the weather.
    fn answer(&mut self, spec: &AttemptSpec, traits: &Traits, node: Node) -> Answer {
        if self.network_down {
            return self.outcomes.unreachable();
        }
        if let Some(rules) = self.faults.get(&spec.pod)
            && let Some(answer) = self.outcomes.of(rules, traits, node)
        {
            if answer.outcome.failure().is_some() {
                self.first_hit.get_or_insert(self.now);
            }
            return answer;
        }
        if self.weather.fails(self.now, &mut self.rng) {
            return self.outcomes.background();
        }
        self.outcomes.healthy()
    }

    /// What a test call gets, in the same order.
    fn answer_call(&mut self, spec: &AttemptSpec, wish: CallWish, traits: &Traits) -> CallAnswer {
        self.calls.push((self.now, wish));
        let node = Node::of(self.seed, spec.id.0);
        let rules = self.faults.get(&spec.pod).map(Vec::as_slice).unwrap_or_default();
        let of_rules = self.outcomes.met_by_call(rules, traits, node, wish.direction);
        let met = if self.network_down {
            Some(answers::dead_network())
        } else {
            of_rules.or_else(|| self.weather.fails(self.now, &mut self.call_rng).then(answers::background))
        };
        let probe = self.plan.probe(&spec.probe);
        let deadlines = probe.map_or(Deadlines::DEFAULT, |probe| probe.deadlines);
        let call = probe.and_then(|probe| probe.call.as_ref());
        let sort = call.map_or(CallSort::Plain, CallSort::of);
        let Some(answers) = &mut self.call_answers else {
            // Whoever answers no calls has a plan without them.
            let outcome = Outcome::Lost { reason: LostReason::NoReport };
            return CallAnswer { took: Duration::ZERO, outcome, facts: None };
        };
        let mut answer = answers.of(wish, sort, deadlines, met);
        if let Some(sid) = answer.facts.as_mut().and_then(|facts| facts.sid.as_mut()) {
            *sid = format!("CA{:032x}", spec.id.0);
        }
        let failed = answer.outcome.failure().is_some();
        if failed && of_rules.is_some() && !self.network_down {
            self.first_hit.get_or_insert(self.now);
        }
        let counts = self.calls_ended.entry(wish.direction).or_default();
        *counts = (counts.0 + 1, counts.1 + u32::from(failed));
        answer
    }

    fn deliver(&mut self, notification: Notification) {
        let id = notification.id.clone();
        let result = if self.receivers_down {
            DeliveryResult::Again(None)
        } else {
            let at = self.now.plus(DELIVERY_TAKES);
            self.delivered.push(Delivered { at, notification });
            DeliveryResult::Delivered
        };
        debug_assert!(self.delivered.len() < TRIES_MAX as usize);
        self.after(DELIVERY_TAKES, Input::DeliveryFinished { id, result });
    }

    /// In this world calls end with whoever made them.
    fn end_calls(&mut self, pod: PodName, calls: &[StrayCall]) {
        let calls = calls.iter().map(|call| call.attempt).collect();
        let search = if self.network_down { CallSearch::Again(None) } else { CallSearch::Ended(0) };
        self.after(CONTROLS_TAKE, Input::CallsSought { pod, calls, search });
    }

    fn check_controls(&mut self) {
        let (wait, answered) = if self.network_down { (CONTROLS_GIVEN_UP, 0) } else { (CONTROLS_TAKE, 2) };
        self.after(wait, Input::ControlsChecked { answered, of: 2 });
    }
}
