//! Attempts that a person asks for: made at once or one after another, with a progress bar on a
//! terminal.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;

use crate::io::clock;
use crate::io::dialer::Dialer;
use crate::model::{
    AttemptId, AttemptReport, AttemptSpec, CellWeights, EdgeName, KeySlot, Outcome, PodName, Role, SignatureCells,
    Timestamp, TokenKind, TokenWish,
};
use crate::plan::{PartnerAccount, Plan, Pod, Probe, ProbeKind, TokenSource};

use super::stop_signals::StopSignals;

/// Reports that may wait to be taken.
const REPORTS_MAX: usize = 64;

/// One attempt to make.
#[derive(Clone)]
pub struct Wanted {
    /// In which pod.
    pub pod: Arc<Pod>,
    /// Of which probe.
    pub probe: Arc<Probe>,
    /// Kind of token.
    pub kind: TokenKind,
    /// Which of the pod's keys signs it.
    pub key: KeySlot,
    /// Length of the name in it.
    pub name_length: u8,
    /// Through which edge.
    pub edge: EdgeName,
}

impl Wanted {
    /// Every kind and every key that a probe has in a pod, through these edges and with names of
    /// these lengths.
    pub fn all(pod: &Arc<Pod>, probe: &Arc<Probe>, edges: &[EdgeName], name_lengths: &[u8]) -> Vec<Self> {
        let mut all = Vec::new();
        for &kind in &probe.kinds {
            for key in (0..pod.keys(kind)).map(KeySlot) {
                for edge in edges {
                    for &name_length in name_lengths {
                        let (pod, probe, edge) = (Arc::clone(pod), Arc::clone(probe), edge.clone());
                        all.push(Self { pod, probe, kind, key, name_length, edge });
                    }
                }
            }
        }
        all
    }
}

/// Lengths of the names that a pod's tokens have; 0 where we do not choose the name.
pub fn name_lengths(pod: &Pod) -> &[u8] {
    match &pod.tokens {
        TokenSource::Minted { name_lengths, .. } => name_lengths,
        TokenSource::Endpoint(_) => &[0],
    }
}

/// An attempt that was made.
pub struct Made {
    /// What was asked for.
    pub wanted: Wanted,
    /// What was found.
    pub report: AttemptReport,
}

/// A pod whose partner asked us to slow down. It was left alone from then on.
pub struct LeftAlone {
    /// The pod.
    pub pod: PodName,
    /// Attempts that were not made because of it.
    pub not_made: usize,
    /// Until when the partner wants to be left alone, if it said so.
    pub until: Option<Timestamp>,
}

/// What came of the attempts that were asked for.
#[derive(Default)]
pub struct Round {
    /// Those that were made, in order.
    pub made: Vec<Made>,
    /// Where not all of them were.
    pub left_alone: Vec<LeftAlone>,
    /// True if it was told to stop before all of them were.
    pub stopped: bool,
    /// True if it was told so twice: then nothing is waited for.
    told_twice: bool,
}

/// Without orders for calls beyond the first in each account: a partner is asked for one a minute at
/// most, and nobody waits a minute for a table.
fn one_origination_an_account(mut wanted: Vec<Wanted>) -> Vec<Wanted> {
    let mut ordered: BTreeSet<String> = BTreeSet::new();
    wanted.retain(|one| {
        let PartnerAccount::Twilio(account) = &one.pod.partner;
        one.probe.kind != ProbeKind::InboundCall || ordered.insert(account.account_sid.clone())
    });
    wanted
}

/// Makes all of them, in each pod one after another and `pace` apart. A pod in which one is
/// throttled is left alone from then on. Of calls to agents one is made in each account.
pub fn make(plan: &Arc<Plan>, wanted: Vec<Wanted>, pace: Duration) -> anyhow::Result<Round> {
    let wanted = one_origination_an_account(wanted);
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let round = runtime.block_on(async {
        let mut signals = StopSignals::listen()?;
        let (sender, reports) = mpsc::channel(REPORTS_MAX);
        let dialer = Dialer::start(plan.node.location.name.clone(), sender).context("cannot start the minter")?;
        let round = Making::new(plan, wanted, pace, dialer.clone()).run(reports, &mut signals).await;
        if !round.told_twice {
            tokio::select! {
                () = dialer.rest() => {}
                () = signals.next() => {}
            }
        }
        anyhow::Ok(round)
    });
    // Whoever was told twice to stop waits for nothing.
    runtime.shutdown_background();
    round
}

struct Making<'a> {
    plan: &'a Arc<Plan>,
    dialer: Dialer,
    pace: Duration,
    wanted: Vec<Wanted>,
    /// What is still to be made, by pod.
    waiting: BTreeMap<PodName, VecDeque<usize>>,
    under_way: BTreeMap<AttemptId, usize>,
    left_alone: Vec<LeftAlone>,
    stopped: bool,
    slot: i64,
}

impl<'a> Making<'a> {
    fn new(plan: &'a Arc<Plan>, wanted: Vec<Wanted>, pace: Duration, dialer: Dialer) -> Self {
        let mut waiting: BTreeMap<PodName, VecDeque<usize>> = BTreeMap::new();
        for (index, one) in wanted.iter().enumerate() {
            waiting.entry(one.pod.name.clone()).or_default().push_back(index);
        }
        let slot = clock::now().as_millis();
        let (under_way, left_alone, stopped) = (BTreeMap::new(), Vec::new(), false);
        Self { plan, dialer, pace, wanted, waiting, under_way, left_alone, stopped, slot }
    }

    async fn run(mut self, mut reports: mpsc::Receiver<AttemptReport>, signals: &mut StopSignals) -> Round {
        let bar = progress_bar(self.wanted.len());
        let pods: Vec<PodName> = self.waiting.keys().cloned().collect();
        for pod in &pods {
            self.begin_next(pod, Duration::ZERO);
        }
        let mut made: Vec<Option<AttemptReport>> = self.wanted.iter().map(|_| None).collect();
        let mut told_twice = false;
        while !self.under_way.is_empty() {
            let next = tokio::select! {
                report = reports.recv() => report,
                // Told a second time, it waits for nothing more.
                () = signals.next() => if self.stop() { continue } else { None },
            };
            let Some(report) = next else {
                told_twice = self.stopped;
                break;
            };
            let Some(index) = self.under_way.remove(&report.id) else { continue };
            let pod = self.wanted[index].pod.name.clone();
            match report.outcome {
                Outcome::Throttled { retry_after_s, .. } => self.leave_alone(pod, report.finished, retry_after_s),
                Outcome::Completed { .. } | Outcome::Failed(_) | Outcome::Lost { .. } => {
                    self.begin_next(&pod, self.pace);
                }
            }
            made[index] = Some(report);
            bar.inc(1);
        }
        bar.finish_and_clear();
        let pairs = self.wanted.into_iter().zip(made);
        let made = pairs.filter_map(|(wanted, report)| report.map(|report| Made { wanted, report })).collect();
        Round { made, left_alone: self.left_alone, stopped: self.stopped, told_twice }
    }

    /// Ends what is under way, calls are hung up, and begins no more. False if that was said before.
    fn stop(&mut self) -> bool {
        self.waiting.clear();
        self.dialer.stop();
        !std::mem::replace(&mut self.stopped, true)
    }

    /// Whoever goes on after having been asked to slow down is no guest for long.
    fn leave_alone(&mut self, pod: PodName, told: Timestamp, retry_after_s: Option<u32>) {
        let not_made = self.waiting.remove(&pod).map_or(0, |waiting| waiting.len());
        let until = retry_after_s.map(|seconds| told.plus(Duration::from_secs(seconds.into())));
        self.left_alone.push(LeftAlone { pod, not_made, until });
    }

    fn begin_next(&mut self, pod: &PodName, pace: Duration) {
        let Some(index) = self.waiting.get_mut(pod).and_then(VecDeque::pop_front) else { return };
        let spec = self.spec(index, pace);
        self.under_way.insert(spec.id, index);
        self.dialer.dial(spec, Arc::clone(self.plan));
    }

    fn spec(&self, index: usize, pace: Duration) -> AttemptSpec {
        let Wanted { pod, probe, kind, key, name_length, edge } = &self.wanted[index];
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let at = clock::now().plus(pace);
        let cells = SignatureCells::default();
        AttemptSpec {
            id: AttemptId::of(&self.plan.node.location.name, &pod.name, &probe.name, self.slot, number),
            pod: pod.name.clone(),
            probe: probe.name.clone(),
            role: Role::Scheduled,
            token: TokenWish::Fresh {
                kind: *kind,
                key: *key,
                name_length: *name_length,
                unlike: cells,
                wanted: CellWeights::NONE,
            },
            edge: edge.clone(),
            at,
            deadline: at.plus(probe.longest()),
            call: probe.call.as_ref().map(|call| call.wish(0)),
        }
    }
}

/// On standard error, and only if that is a terminal.
fn progress_bar(length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} attempts, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64).with_style(style)
}
