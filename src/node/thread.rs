//! The engine's own thread: take an input or wait for the next wake, run a turn, publish the view.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Channels;
use super::lost_attempts::LostAttempts;
use super::missed_secrets::MissedSecrets;
use super::ports::NodePorts;
use crate::drive;
use crate::engine::{Engine, Input, Trouble, View};
use crate::io::clock::{self, Stopwatch};
use crate::io::http::metrics::DeliveryFailure;
use crate::io::receiver::Finished;
use crate::model::{AttemptReport, Timestamp};

/// A view is published this often at most.
const PUBLISH_EVERY: Duration = Duration::from_millis(200);
/// The store is tidied, and the view published, this often at least.
const TIDY_EVERY: Duration = Duration::from_secs(1);
/// A snapshot is written after so many facts …
const SNAPSHOT_AFTER_FACTS: u64 = 20_000;

/// How long attempts under way have to end properly when the node stops. What has not ended then is
/// closed, and its calls are looked for, when it is started again.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Something for the engine's thread.
enum Next {
    Input(Input),
    Report(AttemptReport),
    Delivered(Finished),
    Time,
    Stop,
}

struct Loop<'a> {
    engine: Engine,
    ports: NodePorts,
    views: &'a watch::Sender<Arc<View>>,
    wake: Option<Timestamp>,
    published: Timestamp,
    tidied: Timestamp,
    snapshot_at_facts: u64,
    journal_broken: bool,
    missed: MissedSecrets,
    lost: LostAttempts,
}

/// Runs the engine until the node stops.
pub(super) fn run(
    runtime: &Handle,
    engine: Engine,
    ports: NodePorts,
    mut channels: Channels,
    views: &watch::Sender<Arc<View>>,
) {
    let snapshot_at_facts = engine.state().facts + SNAPSHOT_AFTER_FACTS;
    let (published, tidied) = (Timestamp::MIN, Timestamp::MIN);
    // What could not be written before the last stop may be writable now: the first turn tells.
    let journal_broken = engine.state().troubles.contains_key(&Trouble::Journal);
    let (missed, lost) = (MissedSecrets::default(), LostAttempts::default());
    let mut this =
        Loop { engine, ports, views, wake: None, published, tidied, snapshot_at_facts, journal_broken, missed, lost };
    let _guard = runtime.enter();
    runtime.block_on(async {
        loop {
            let until = this.next_moment();
            match next(&mut channels, until).await {
                Next::Input(input) => this.take(input),
                Next::Report(report) => this.report(report),
                Next::Delivered(finished) => this.delivered(finished),
                Next::Time => this.turn(Input::Tick),
                Next::Stop => break,
            }
            this.after_turn();
        }
        this.end_attempts(&mut channels).await;
    });
    this.snapshot();
    this.publish();
}

async fn next(channels: &mut Channels, until: Timestamp) -> Next {
    tokio::select! {
        biased;
        _ = channels.stop.wait_for(|stopped| *stopped) => Next::Stop,
        Some(report) = channels.reports.recv() => Next::Report(report),
        Some(finished) = channels.delivered.recv() => Next::Delivered(finished),
        input = channels.inbox.recv() => input.map_or(Next::Stop, Next::Input),
        () = clock::sleep_until(until) => Next::Time,
    }
}

impl Loop<'_> {
    fn next_moment(&self) -> Timestamp {
        let tidy = if self.tidied == Timestamp::MIN { clock::now() } else { self.tidied.plus(TIDY_EVERY) };
        self.wake.map_or(tidy, |wake| wake.min(tidy))
    }

    fn take(&mut self, input: Input) {
        if let Input::Planned(plan) = &input {
            self.ports.take_plan(plan.clone());
            self.missed.forget_what_is_gone(plan);
        }
        self.turn(input);
    }

    fn report(&mut self, report: AttemptReport) {
        let flight =
            self.engine.state().flight(report.id).map(|spec| (spec.pod.clone(), spec.probe.clone(), spec.role));
        if let Some((pod, probe, role)) = flight {
            self.ports.metrics.report(&report, &pod, &probe);
            if let Err(error) = self.ports.store.record_report(&report, &pod, &probe, role) {
                tracing::warn!(%error, "an attempt's report could not be kept");
            }
            self.missed.attempted(&pod, &report);
            self.lost.attempted(&report);
        }
        self.turn(Input::AttemptFinished(Box::new(report)));
        self.tell_of_troubles();
    }

    /// Ends what is under way, and takes in how it ended. Nothing new is begun.
    async fn end_attempts(&mut self, channels: &mut Channels) {
        let dialer = self.ports.dialer.clone();
        let (under_way, watch) = (dialer.under_way(), Stopwatch::start());
        dialer.stop();
        self.turn(Input::Stopping);
        // Boxed, so that it is gone before anybody counts: while it waits it holds what is free.
        let mut at_rest = Box::pin(dialer.rest());
        loop {
            tokio::select! {
                biased;
                Some(report) = channels.reports.recv() => self.report(report),
                Some(finished) = channels.delivered.recv() => self.delivered(finished),
                () = &mut at_rest => break,
                () = watch.sleep_until(STOP_WITHIN) => break,
            }
        }
        drop(at_rest);
        // Whoever is at rest has reported.
        let last = channels.reports.len();
        for _ in 0..last {
            if let Ok(report) = channels.reports.try_recv() {
                self.report(report);
            }
        }
        let (left, took) = (dialer.under_way(), watch.time());
        tracing::info!(under_way, left, ?took, "attempts were ended");
    }

    fn delivered(&mut self, finished: Finished) {
        let (id, receiver) = (&finished.id, &finished.receiver);
        match &finished.said {
            Ok(said) => tracing::info!(%id, %receiver, reason = finished.reason.as_str(), said, "told"),
            Err(error) => {
                tracing::error!(%id, %receiver, %error, "could not tell");
                let again = !matches!(finished.result(), crate::engine::DeliveryResult::Never);
                let why = if again { DeliveryFailure::Again } else { DeliveryFailure::Never };
                self.ports.metrics.delivery_failed(receiver, why);
            }
        }
        self.missed.delivered(&finished);
        self.turn(Input::DeliveryFinished { id: finished.id.clone(), result: finished.result() });
        self.tell_of_troubles();
    }

    /// A secret that cannot be read is a trouble of ours until it can be, and so are attempts that are lost.
    fn tell_of_troubles(&mut self) {
        if let Some(on) = self.missed.changed() {
            self.turn(Input::Trouble { what: Trouble::Secret, on });
        }
        if let Some(on) = self.lost.changed() {
            self.turn(Input::Trouble { what: Trouble::Attempts, on });
        }
    }

    /// One turn. A journal that cannot be written stops nothing; it is a trouble of ours.
    fn turn(&mut self, input: Input) {
        let (wake, appended) = drive::step(&mut self.engine, &mut self.ports, clock::now(), input);
        self.wake = wake.map(|(at, _)| at);
        let broken = appended.as_ref().is_err();
        if let Err(error) = appended {
            self.ports.metrics.journal_failed();
            tracing::error!(%error, "the journal cannot be written; paging goes on");
        }
        // Only a turn that had something to write says whether it can be written.
        let (unsaved, _) = self.ports.store.unsaved();
        if broken != self.journal_broken && (broken || unsaved == 0) {
            self.journal_broken = broken;
            let trouble = Input::Trouble { what: Trouble::Journal, on: broken };
            let (wake, _) = drive::step(&mut self.engine, &mut self.ports, clock::now(), trouble);
            self.wake = wake.map(|(at, _)| at);
        }
    }

    fn after_turn(&mut self) {
        let now = clock::now();
        if now.since(self.tidied) >= TIDY_EVERY || self.tidied > now {
            self.tidied = now;
            if let Err(error) = self.ports.store.tidy(now) {
                tracing::warn!(%error, "the store could not be tidied");
            }
        }
        if now.since(self.published) >= PUBLISH_EVERY || self.published > now {
            self.publish();
        }
        if self.engine.state().facts >= self.snapshot_at_facts && self.snapshot() {
            // All that is known is in the store again, whatever was lost or unreadable in it.
            for what in [Trouble::Store, Trouble::Facts] {
                self.turn(Input::Trouble { what, on: false });
            }
        }
    }

    fn publish(&mut self) {
        let now = clock::now();
        self.published = now;
        self.views.send_replace(Arc::new(self.engine.view(now)));
    }

    /// True if it was written.
    fn snapshot(&mut self) -> bool {
        self.snapshot_at_facts = self.engine.state().facts + SNAPSHOT_AFTER_FACTS;
        let seq = self.ports.store.last_seq();
        let written = serde_json::to_vec(self.engine.state())
            .map_err(|error| error.to_string())
            .and_then(|state| self.ports.store.write_snapshot(&state, seq).map_err(|error| error.to_string()));
        if let Err(error) = &written {
            tracing::warn!(error, "a snapshot could not be written; the journal still tells everything");
        }
        written.is_ok()
    }
}
