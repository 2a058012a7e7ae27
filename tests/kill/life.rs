//! One life of the process: the real store, engine, turn and receivers; only the attempts and the
//! clock are made up. It tells on standard output where it is, and waits there for its end.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ringcheck::drive::{self, Ports};
use ringcheck::engine::{Audience, Effect, Engine, Input, Notification, NotifyReason, Record};
use ringcheck::io::receiver::{Finished, Outbox};
use ringcheck::io::store::{Store, StoreError};
use ringcheck::io::tls::Tls;
use ringcheck::model::{
    AttemptReport, AttemptSpec, Failure, FailureReason, Outcome, PartnerSaid, SecretRef, Step, Timestamp,
};
use ringcheck::node;
use ringcheck::plan::read::{FileKind, SourceText, Sources, read_texts};
use ringcheck::plan::{Budget, Plan, Pod, Receiver, ReceiverKind, Route, SecretOrText, SmtpSecurity};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// An attempt takes so long.
const ATTEMPT_TAKES: Duration = Duration::from_millis(200);
/// A delivery that takes longer than this is a fault of the test.
const PATIENCE: Duration = Duration::from_secs(30);
/// With more facts than this since the last one, a life begins with a snapshot.
const SNAPSHOT_AFTER_FACTS: u64 = 300;
/// The partner goes down so long after the beginning of a life: what never worked pages nobody.
const WELL_FIRST: Duration = Duration::from_secs(60);
/// Connections a minute in each pod.
const RATE: u32 = 30;
/// All is over after so long without trouble.
const STABLE: Duration = Duration::from_secs(60);

/// What a life is told by the environment.
#[derive(Serialize, Deserialize)]
pub struct Orders {
    /// Where its files are.
    pub folder: PathBuf,
    /// The moment at which it begins, in milliseconds.
    pub now: i64,
    /// Where it stops and waits.
    pub aim: Aim,
    /// True if the partner goes down.
    pub outage: bool,
    /// Where mail goes.
    pub mail: SocketAddr,
    /// Where webhooks go.
    pub webhook: SocketAddr,
}

/// Where a life stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Aim {
    /// The facts are in the journal, and nothing has left.
    BeforeDispatch,
    /// The messages are handed to the receivers, and nobody has noted how that went.
    AfterDispatch,
    /// Everybody was told.
    Settled,
}

/// What a life says when it has come to where it stops.
#[derive(Serialize, Deserialize)]
pub struct Word {
    /// The moment.
    pub now: i64,
    /// The messages that the aim was about.
    pub messages: Vec<Message>,
}

/// One message to one receiver.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Of which incident.
    pub incident: u32,
    /// Whom it concerns.
    pub audience: Audience,
    /// To whom.
    pub receiver: String,
    /// Why.
    pub reason: NotifyReason,
}

impl Message {
    fn of(notification: &Notification) -> Self {
        Self {
            id: notification.id.to_string(),
            incident: notification.incident.number.0,
            audience: notification.incident.audience,
            receiver: notification.receiver.to_string(),
            reason: notification.reason,
        }
    }
}

/// The word with which a line for the parent begins; the test harness prints lines of its own.
pub const MARK: &str = "@@";

/// Lives until the aim is reached; then waits to be killed, unless all is settled.
pub fn live(orders: &Orders) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _guard = runtime.enter();
    let plan = Arc::new(plan(orders));
    let now = Timestamp::from_millis(orders.now);
    let (store, opened) = Store::open(&plan.node.store, now).expect("the store opens");
    assert_eq!(opened.damage, None, "no kill damages the store");
    let node::Resumed { engine, facts: resumed, .. } = node::resume(&store).expect("the journal can be read");
    let (finished, results) = mpsc::channel(64);
    let outbox = Outbox::new(Arc::new(Tls::default()), finished);
    let ports = LifePorts {
        store,
        outbox,
        plan: plan.clone(),
        now,
        aim: orders.aim,
        outage_from: if orders.outage { now.plus(WELL_FIRST) } else { Timestamp::MAX },
        pending: BTreeMap::new(),
        order: 0,
        dispatched: Vec::new(),
        under_way: 0,
    };
    let mut life = Life { engine, ports, wake: None };
    if resumed > SNAPSHOT_AFTER_FACTS {
        let state = serde_json::to_vec(life.engine.state()).expect("a state is JSON");
        let seq = life.ports.store.last_seq();
        life.ports.store.write_snapshot(&state, seq).expect("a snapshot is written");
    }
    life.step(Input::Planned(plan));
    life.go_on(&runtime, results);
}

struct Life {
    engine: Engine,
    ports: LifePorts,
    wake: Option<Timestamp>,
}

impl Life {
    fn step(&mut self, input: Input) {
        let now = self.ports.now;
        let (wake, appended) = drive::step(&mut self.engine, &mut self.ports, now, input);
        appended.expect("the disk takes it");
        self.wake = wake.map(|(at, _)| at);
    }

    fn go_on(mut self, runtime: &tokio::runtime::Runtime, mut results: mpsc::Receiver<Finished>) {
        loop {
            if self.ports.aim == Aim::AfterDispatch && !self.ports.dispatched.is_empty() {
                let dispatched = std::mem::take(&mut self.ports.dispatched);
                self.ports.stop_here(dispatched);
            }
            while self.ports.under_way > 0 {
                let finished = runtime.block_on(async { tokio::time::timeout(PATIENCE, results.recv()).await });
                let finished = finished.expect("a delivery ends in time").expect("the outbox lives");
                self.ports.under_way -= 1;
                let result = finished.result();
                self.step(Input::DeliveryFinished { id: finished.id, result });
            }
            if self.ports.aim == Aim::Settled {
                return self.ports.tell(Vec::new());
            }
            let happening = self.ports.pending.first_key_value().map(|((at, _), _)| *at);
            let next = happening.into_iter().chain(self.wake).min().expect("something is always due");
            self.ports.now = self.ports.now.max(next);
            let input = match self.ports.pending.first_entry() {
                Some(first) if first.key().0 == next => first.remove(),
                Some(_) | None => Input::Tick,
            };
            self.step(input);
        }
    }
}

struct LifePorts {
    store: Store,
    outbox: Outbox,
    plan: Arc<Plan>,
    now: Timestamp,
    aim: Aim,
    outage_from: Timestamp,
    pending: BTreeMap<(Timestamp, u64), Input>,
    order: u64,
    dispatched: Vec<Message>,
    under_way: u32,
}

impl Ports for LifePorts {
    type Error = StoreError;

    fn append(&mut self, records: &[Record]) -> Result<(), StoreError> {
        self.store.append(self.now, records)?;
        let queued: Vec<Message> = records
            .iter()
            .filter_map(|record| match record {
                Record::NotificationQueued { notification } => Some(Message::of(notification)),
                _ => None,
            })
            .collect();
        if self.aim == Aim::BeforeDispatch && !queued.is_empty() {
            self.stop_here(queued);
        }
        Ok(())
    }

    fn dispatch(&mut self, effect: Effect) {
        match effect {
            Effect::Dial(spec) => {
                let report = self.report(&spec);
                self.later(ATTEMPT_TAKES, Input::AttemptFinished(Box::new(report)));
            }
            Effect::Deliver(notification) => {
                self.under_way += 1;
                self.dispatched.push(Message::of(&notification));
                self.outbox.deliver(notification, &self.plan);
            }
            Effect::EndCalls { .. } => unreachable!("no probe calls here"),
            Effect::CheckControls => self.later(ATTEMPT_TAKES, Input::ControlsChecked { answered: 3, of: 3 }),
        }
    }
}

impl LifePorts {
    fn later(&mut self, wait: Duration, input: Input) {
        self.order += 1;
        self.pending.insert((self.now.plus(wait), self.order), input);
    }

    fn report(&self, spec: &AttemptSpec) -> AttemptReport {
        let failure = Failure {
            step: Step::Upgrade,
            reason: FailureReason::HttpStatus(503),
            wire_code: None,
            device_errors: Vec::new(),
        };
        AttemptReport {
            id: spec.id,
            started: self.now,
            finished: self.now.plus(ATTEMPT_TAKES),
            outcome: if self.now >= self.outage_from { Outcome::Failed(failure) } else { Outcome::completed() },
            traits: spec.traits_asked_for(),
            steps: Vec::new(),
            certificate: None,
            partner: PartnerSaid::default(),
            call: None,
        }
    }

    fn tell(&self, messages: Vec<Message>) {
        let word = Word { now: self.now.as_millis(), messages };
        let line = serde_json::to_string(&word).expect("a word is JSON");
        let mut out = std::io::stdout().lock();
        writeln!(out, "{MARK}{line}").and_then(|()| out.flush()).expect("the parent listens");
    }

    /// Says where it is and waits for the kill. Standard input ends with the parent.
    fn stop_here(&self, messages: Vec<Message>) -> ! {
        self.tell(messages);
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        panic!("the parent is gone without having killed its child");
    }
}

/// The example of the repository, with the parent as every receiver.
fn plan(orders: &Orders) -> Plan {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [
        (FileKind::Ringcheck, "config/ringcheck.toml"),
        (FileKind::Pod, "config/pods/pod-14.toml"),
        (FileKind::Pod, "config/pods/pod-18.toml"),
        (FileKind::Pod, "config/pods/pod-23.toml"),
        (FileKind::Probe, "probes/connection.toml"),
    ];
    let files = files.map(|(kind, path)| SourceText {
        kind,
        path: path.to_owned(),
        text: std::fs::read_to_string(root.join(path)).expect("the example is there"),
    });
    let sources = Sources { base: "config".into(), files: files.into() };
    let mut plan = read_texts(&sources).expect("the example is right").plan;
    for pod in &mut plan.pods {
        let mut thresholds = pod.thresholds.clone();
        thresholds.stable = STABLE;
        *pod = Arc::new(Pod { thresholds, budget: Budget { connections_per_minute: RATE }, ..pod.as_ref().clone() });
    }
    plan.node.store.path = orders.folder.join("ringcheck.db");
    plan.receivers = plan.receivers.iter().map(|receiver| Arc::new(here(receiver, orders))).collect();
    let known = |named: &Arc<Receiver>| plan.receivers.iter().find(|known| known.name == named.name).cloned();
    plan.node.owner.to = plan.node.owner.to.iter().filter_map(known).collect();
    plan.routes =
        plan.routes.iter().map(|r| Route { to: r.to.iter().filter_map(known).collect(), ..r.clone() }).collect();
    plan
}

fn here(receiver: &Receiver, orders: &Orders) -> Receiver {
    let mut receiver = receiver.clone();
    match &mut receiver.kind {
        ReceiverKind::Email(email) => {
            (email.host, email.port) = (orders.mail.ip().to_string(), orders.mail.port());
            (email.security, email.auth) = (SmtpSecurity::Loopback, None);
        }
        ReceiverKind::Webhook(webhook) => {
            webhook.url = SecretOrText::Text(format!("http://{}/hook", orders.webhook));
            webhook.secrets = vec![SecretRef::File(orders.folder.join("webhook-secret"))];
        }
    }
    receiver
}
