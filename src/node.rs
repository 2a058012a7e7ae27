//! A node: the engine on a thread of its own with one bounded inbox, and around it everything that
//! can block or fail. Nothing here decides.

mod files;
mod listeners;
mod lost_attempts;
mod missed_secrets;
mod ports;
mod story;
mod thread;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::engine::{Engine, Input, State, Trouble, View};
use crate::io::clock;
use crate::io::http::Metrics;
use crate::io::receiver::Finished;
use crate::io::store::{ReadBack, Store};
use crate::model::AttemptReport;
use crate::plan::Plan;

pub use files::PlanFiles;

/// Inputs that wait for the engine. With more, commands are refused and reports wait.
const INBOX_MAX: usize = 4_096;

/// A node that runs.
pub struct Node {
    /// The newest picture of everything.
    pub view: watch::Receiver<Arc<View>>,
    /// Where the operator side listens.
    pub operator: SocketAddr,
    /// Where the public side listens.
    pub public: SocketAddr,
    inbox: mpsc::Sender<Input>,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
    listeners: tokio::task::JoinHandle<()>,
}

/// What a node's parts share while it starts.
struct Channels {
    inbox: mpsc::Receiver<Input>,
    reports: mpsc::Receiver<AttemptReport>,
    delivered: mpsc::Receiver<Finished>,
    stop: watch::Receiver<bool>,
}

impl Node {
    /// Starts a node. `files` is where the plan came from, to be read again on a reload; a plan
    /// that came from elsewhere is never reloaded.
    ///
    /// # Errors
    /// The store cannot be opened, or an address cannot be listened on.
    pub async fn start(plan: Plan, files: Option<PlanFiles>) -> anyhow::Result<Self> {
        let plan = Arc::new(plan);
        let settings = &plan.node;
        let (store, opened) = Store::open(&settings.store, clock::now())
            .with_context(|| format!("cannot use the store {}", settings.store.path.display()))?;
        let Resumed { engine, facts: resumed, skipped } = resume(&store)?;
        tracing::info!(facts = engine.state().facts, resumed, location = %settings.location.name, "starting");
        let operator_socket = listen(settings.http.operator).await?;
        let public_socket = listen(settings.http.public).await?;
        let (operator, public) = (operator_socket.local_addr()?, public_socket.local_addr()?);

        let (stop, stopped) = watch::channel(false);
        let (inbox, inbox_out) = mpsc::channel(INBOX_MAX);
        let (reports, reports_out) = mpsc::channel(INBOX_MAX);
        let (delivered, delivered_out) = mpsc::channel(INBOX_MAX);
        let (views, view) = watch::channel(Arc::new(View::default()));
        let metrics = Arc::new(Metrics::new(clock::now()));
        let history = store.reader().context("cannot read the store")?;

        let ports = ports::NodePorts::new(plan.clone(), store, metrics.clone(), inbox.clone(), reports, delivered)?;
        let channels =
            Channels { inbox: inbox_out, reports: reports_out, delivered: delivered_out, stop: stopped.clone() };
        let runtime = tokio::runtime::Handle::current();
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || thread::run(&runtime, engine, ports, channels, &views))
            .context("cannot start the engine's thread")?;
        inbox.send(Input::Planned(plan.clone())).await.ok();
        if let Some(damage) = &opened.damage {
            tracing::error!(moved_to = %damage.moved_to.display(), "the store was damaged; a new one was begun");
        }
        let troubles = [(Trouble::Store, opened.damage.is_some()), (Trouble::Facts, skipped > 0)];
        // Secrets were read before the node was started; whoever misses one later says so. Nothing was lost yet.
        for (what, on) in troubles.into_iter().chain([(Trouble::Secret, false), (Trouble::Attempts, false)]) {
            inbox.send(Input::Trouble { what, on }).await.ok();
        }
        let parts = listeners::Parts { plan, view: view.clone(), metrics, inbox: inbox.clone(), history, files };
        let listeners = tokio::spawn(listeners::run(parts, operator_socket, public_socket, stopped)?);
        Ok(Self { view, operator, public, inbox, stop, thread: Some(thread), listeners })
    }

    /// Gives the engine something to take in.
    pub async fn input(&self, input: Input) {
        self.inbox.send(input).await.ok();
    }

    /// Stops: no new attempts, those under way end and their calls are hung up, what is decided is on
    /// the disk, open answers end. Takes some seconds at most.
    pub async fn stop(mut self) {
        self.stop.send(true).ok();
        if let Some(thread) = self.thread.take() {
            tokio::task::spawn_blocking(move || thread.join()).await.ok();
        }
        self.listeners.await.ok();
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// What the store gave back.
pub struct Resumed {
    /// The engine, where it was.
    pub engine: Engine,
    /// Facts that were read after the snapshot.
    pub facts: u64,
    /// Facts that could not be read; they stay in the store.
    pub skipped: u64,
}

/// The engine as the journal tells it: the newest snapshot that can be read, and the facts since.
///
/// # Errors
/// The store cannot be read.
pub fn resume(store: &Store) -> anyhow::Result<Resumed> {
    let newest = store.read_snapshot()?;
    let older = store.read_older_snapshot()?;
    let read = |(bytes, seq): (Vec<u8>, u64)| serde_json::from_slice::<State>(&bytes).ok().map(|state| (state, seq));
    let (mut state, seq) = newest.and_then(read).or_else(|| older.and_then(read)).unwrap_or_default();
    let ReadBack { read, skipped } = store.read_from(seq, |_, record| state.apply(&record))?;
    if skipped > 0 {
        tracing::error!(skipped, "facts in the store could not be read; did a newer version write them?");
    }
    Ok(Resumed { engine: Engine::restore(state), facts: read, skipped })
}

/// Where a plan's folders are.
impl PlanFiles {
    /// The folders that `--config` and `--probes` name.
    pub fn new(config: PathBuf, probes: PathBuf) -> Self {
        Self { config, probes }
    }
}
