//! One pod's listener, and the switch of its faults.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinSet;

use crate::model::{CallStatus, EdgeName, PodName};
use crate::partner::twilio::{AccountKeys, KeyRing};
use crate::sim::twilio::{Across, AcrossNews, RestDesk, RingOrder};
use crate::sim::{Behaviour, FaultRule, TcpFault, TransportFault};

use super::certificates::Certificates;
use super::connection;
use super::settings::PodSettings;
use super::truth::Truth;

/// Connections that all pods together serve at a time; more are closed at once.
pub(super) const CONNECTIONS_MAX: usize = 4096;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// Orders that a client may be behind with; older ones are lost to it. The audio of bridged calls comes this
/// way too: several seconds of it.
const ORDERS_MAX: usize = 1024;
/// Pause after a failed accept or bind: out of file descriptors, most likely.
const BREATH: Duration = Duration::from_millis(50);

/// One pod at the partner.
pub(super) struct Pod {
    pub(super) name: PodName,
    pub(super) edge: EdgeName,
    pub(super) account_sid: String,
    pub(super) keys: Arc<KeyRing>,
    /// The account's keys, for the REST API.
    pub(super) account: AccountKeys,
    /// What the REST API wants of the clients.
    pub(super) orders: broadcast::Sender<Order>,
    desk: Arc<Mutex<RestDesk>>,
    pub(super) address: SocketAddr,
    pub(super) seed: u64,
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) truth: Arc<Truth>,
    pub(super) places: Arc<Semaphore>,
    pub(super) switch: watch::Sender<Switch>,
    /// The version of the switch that the listener has followed.
    pub(super) followed: watch::Sender<u64>,
    connections: AtomicU64,
    /// Bound to the same port and never listening: while the listener is closed, nobody else
    /// gets the port, and who connects is refused.
    _reserve: TcpSocket,
}

/// What the REST API wants of the client that it concerns; all hear it.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Ring, if you have this name.
    Ring(Arc<Delivery>),
    /// End this call, if it is yours.
    End(String),
    /// This is told to a call, if it is yours.
    Across(Arc<Across>),
}

/// A call on its way to the client that it shall ring. If none has that name, by now or any more,
/// nobody answers it.
#[derive(Debug)]
pub(super) struct Delivery {
    order: RingOrder,
    taken: AtomicBool,
    desk: Arc<Mutex<RestDesk>>,
    orders: broadcast::Sender<Order>,
}

impl Delivery {
    pub(super) fn of(order: RingOrder, pod: &Pod) -> Self {
        Self { order, taken: AtomicBool::new(false), desk: pod.shared_desk(), orders: pod.orders.clone() }
    }

    /// The call, for the client that has this name.
    pub(super) fn take(&self, name: Option<&str>) -> Option<&RingOrder> {
        let ours = name == Some(self.order.identity.as_str());
        ours.then(|| {
            self.taken.store(true, Ordering::Relaxed);
            &self.order
        })
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !*self.taken.get_mut() {
            let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
            desk.set_status(&self.order.sid, CallStatus::NoAnswer);
            if let Some(to) = self.order.bridged_to.take() {
                // Fails when nobody is left to be told.
                self.orders.send(Order::Across(Arc::new(Across { to, news: AcrossNews::Over }))).ok();
            }
        }
    }
}

/// The pod's faults as they are switched.
#[derive(Clone)]
pub(super) struct Switch {
    pub(super) version: u64,
    pub(super) rules: Arc<[FaultRule]>,
}

impl Pod {
    /// A pod on a port of its own.
    pub(super) fn new(
        settings: &PodSettings,
        desk: RestDesk,
        address: SocketAddr,
        seed: u64,
        certificates: Option<Arc<Certificates>>,
        truth: Arc<Truth>,
        places: Arc<Semaphore>,
    ) -> io::Result<Self> {
        let reserve = bound(address)?;
        Ok(Self {
            name: settings.name.clone(),
            edge: settings.edge.clone(),
            account_sid: settings.keys.account_sid.clone(),
            keys: Arc::new(KeyRing::new(vec![settings.keys.clone()])),
            account: settings.keys.clone(),
            orders: broadcast::Sender::new(ORDERS_MAX),
            desk: Arc::new(Mutex::new(desk)),
            address: reserve.local_addr()?,
            seed,
            certificates,
            truth,
            places,
            switch: watch::Sender::new(Switch { version: 0, rules: Arc::from([]) }),
            followed: watch::Sender::new(0),
            connections: AtomicU64::new(0),
            _reserve: reserve,
        })
    }

    /// The desk that knows of the pod's calls.
    pub(super) fn desk(&self) -> MutexGuard<'_, RestDesk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, to be held by a client.
    pub(super) fn shared_desk(&self) -> Arc<Mutex<RestDesk>> {
        Arc::clone(&self.desk)
    }

    /// The number of the next connection, from 1.
    pub(super) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Accepts connections until told to stop.
    pub(super) async fn listen(self: Arc<Self>, mut listener: Option<TcpListener>, mut stop: watch::Receiver<bool>) {
        let mut switch = self.switch.subscribe();
        let mut tasks = JoinSet::new();
        loop {
            let now = switch.borrow_and_update().clone();
            if now.rules.iter().any(refuses_tcp) {
                listener = None;
            } else if listener.is_none() {
                listener =
                    self.open().inspect_err(|error| tracing::warn!(pod = %self.name, %error, "no listener")).ok();
            }
            self.followed.send_replace(now.version);
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                _ = switch.changed() => {}
                Some(_) = tasks.join_next() => {}
                stream = accept(listener.as_ref(), now.rules.iter().any(refuses_tcp)) => {
                    if let Some(stream) = stream {
                        self.take(stream, &mut tasks);
                    }
                }
            }
        }
    }

    /// A listener on the pod's port.
    pub(super) fn open(&self) -> io::Result<TcpListener> {
        bound(self.address)?.listen(BACKLOG)
    }

    fn take(self: &Arc<Self>, stream: TcpStream, tasks: &mut JoinSet<()>) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::warn!(pod = %self.name, "more than {CONNECTIONS_MAX} connections; one is closed");
            return;
        };
        let pod = Arc::clone(self);
        tasks.spawn(async move {
            connection::serve(&pod, stream).await;
            drop(place);
        });
    }
}

/// The next connection; `None` after a pause if there cannot be one now.
async fn accept(listener: Option<&TcpListener>, refusing: bool) -> Option<TcpStream> {
    match listener {
        Some(listener) => match listener.accept().await {
            Ok((stream, _)) => return Some(stream),
            Err(_) => tokio::time::sleep(BREATH).await,
        },
        None if refusing => std::future::pending().await,
        None => tokio::time::sleep(BREATH).await,
    }
    None
}

/// A socket that is bound and does not listen.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    // Reserve and listener share the port.
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// True if the rule closes the listener.
pub(super) fn refuses_tcp(rule: &FaultRule) -> bool {
    rule.fault().behaviour() == Behaviour::Transport(TransportFault::Tcp(TcpFault::Refused))
}
