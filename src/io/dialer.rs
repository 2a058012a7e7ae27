//! Makes attempts over real sockets: mints, then runs a [`crate::call::Connection`] of a device
//! until it says what it has found. Every attempt is a task of its own and always reports, except
//! when the queue of reports is full as well.

mod attempt;
mod far_client;
mod goodbye;
mod ice_servers;
mod line;
mod media_socket;
mod other_end;
mod paths;
mod refusal;
mod relay_streams;
mod stop;
mod stream;
mod tcp;

pub(super) use refusal::retry_after_seconds;

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::{OnceCell, Semaphore, mpsc};

use crate::model::{AttemptReport, AttemptSpec, LocationName, LostReason, Outcome};
use crate::plan::Plan;

use super::clock;
use super::minter::Minter;
use super::resolver::Resolver;
use super::tls::Tls;

use goodbye::Goodbye;
use stop::Stopping;

/// Most attempts that are under way at once. At 20 kB each they fit into 40 MB; a node that needs
/// more has a fault, or a plan that its partner would not like.
pub const ATTEMPTS_MAX: u32 = 2048;

/// Makes attempts. Cheap to clone.
#[derive(Clone)]
pub struct Dialer {
    equipment: Arc<Equipment>,
    permits: Arc<Semaphore>,
    reports: mpsc::Sender<AttemptReport>,
}

/// What all attempts share.
struct Equipment {
    minter: Minter,
    resolver: Arc<Resolver>,
    tls: Arc<Tls>,
    media_ready: OnceCell<()>,
    stopping: Stopping,
}

impl Equipment {
    /// Has the media library ready before the first call's time comes. Nodes without calls never
    /// wait for it, and nothing else waits while it happens.
    async fn ready_media(&self) {
        let warm_up = || async {
            let origin = clock::Stopwatch::start().origin();
            // Fails only if it panics; then the call will tell.
            tokio::task::spawn_blocking(move || crate::call::warm_up(origin)).await.ok();
        };
        self.media_ready.get_or_init(warm_up).await;
    }
}

impl Dialer {
    /// A dialer that sends what it finds to `reports`. Needs a runtime; starts the minter's
    /// thread, which can fail.
    pub fn start(location: LocationName, reports: mpsc::Sender<AttemptReport>) -> io::Result<Self> {
        let tls = Arc::new(Tls::default());
        let minter = Minter::start(location, Arc::clone(&tls))?;
        let (media_ready, stopping) = (OnceCell::new(), Stopping::default());
        let equipment = Arc::new(Equipment { minter, resolver: Arc::default(), tls, media_ready, stopping });
        Ok(Self { equipment, permits: Arc::new(Semaphore::new(ATTEMPTS_MAX as usize)), reports })
    }

    /// Begins an attempt at `spec.at`, or now if that is past, and returns at once. Its report
    /// comes later.
    pub fn dial(&self, spec: AttemptSpec, plan: Arc<Plan>) {
        // If the reports' queue is full too, the engine counts the attempt as lost by itself.
        if self.equipment.stopping.is_said() {
            return drop(self.reports.try_send(attempt::lost(&spec, clock::now(), LostReason::Stopped)));
        }
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return drop(self.reports.try_send(attempt::lost(&spec, clock::now(), LostReason::QueueFull)));
        };
        let equipment = Arc::clone(&self.equipment);
        let reports = self.reports.clone();
        tokio::spawn(async move {
            carry_out(&equipment, &spec, &plan, &reports).await;
            drop(permit);
        });
    }

    /// Ends the attempts that are under way, each in the proper way out of where it is, and begins
    /// no more: those are lost. [`Dialer::rest`] tells when it is done.
    pub fn stop(&self) {
        self.equipment.stopping.say();
    }

    /// Waits until no attempt is under way and every partner has been told goodbye. Attempts that
    /// are begun meanwhile report that the queue is full.
    pub async fn rest(&self) {
        // Fails only if the semaphore is closed, which nobody does.
        self.permits.acquire_many(ATTEMPTS_MAX).await.map(drop).ok();
    }

    /// How many attempts are under way.
    pub fn under_way(&self) -> usize {
        ATTEMPTS_MAX as usize - self.permits.available_permits()
    }
}

/// An attempt from its spec to its last goodbye.
async fn carry_out(equipment: &Equipment, spec: &AttemptSpec, plan: &Arc<Plan>, reports: &mpsc::Sender<AttemptReport>) {
    let mut stop = equipment.stopping.ear();
    let due = async {
        if spec.call.is_some() {
            equipment.ready_media().await;
        }
        clock::sleep_until(spec.at).await;
    };
    let stopped = tokio::select! {
        biased;
        () = stop.told() => true,
        () = due => false,
    };
    let started = clock::now();
    if stopped {
        reports.send(attempt::lost(spec, started, LostReason::Stopped)).await.ok();
        return;
    }
    let made = AssertUnwindSafe(attempt::make(equipment, spec, plan, started, stop)).catch_unwind().await;
    let (mut report, goodbyes) = made.unwrap_or_else(|_| {
        tracing::error!(attempt = %spec.id, pod = %spec.pod, "an attempt's task died");
        (attempt::lost(spec, started, LostReason::Crash), Vec::new())
    });
    let goodbye = async {
        let said = join_all(goodbyes.into_iter().map(Goodbye::say)).await;
        said.into_iter().all(|is_over| is_over)
    };
    if report.outcome == (Outcome::Lost { reason: LostReason::Stopped }) {
        // Whether its call is over must be known first: if not, it is looked for after the start.
        if !goodbye.await && report.call.is_some() {
            report.outcome = Outcome::Lost { reason: LostReason::Restart };
        }
        reports.send(report).await.ok();
    } else {
        // Fails only when nobody wants reports any more.
        reports.send(report).await.ok();
        goodbye.await;
    }
}
