//! The whole partner: its pods, its control API, and the handle on them.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::io::clock;
use crate::model::{CallStatus, PodName};
use crate::sim::twilio::RestDesk;
use crate::sim::{FaultRule, RULES_MAX};

use super::certificates::{CertificateError, Certificates};
use super::control::{self, PodSeen};
use super::listener::{CONNECTIONS_MAX, Pod, Switch, refuses_tcp};
use super::settings::PartnerSettings;
use super::truth::Truth;

/// Why a partner could not be started.
#[derive(Debug, thiserror::Error)]
pub enum PartnerError {
    /// The certificates.
    #[error(transparent)]
    Certificates(#[from] CertificateError),
    /// A listener.
    #[error("{what} cannot listen on {address}")]
    Listen {
        /// Which pod, or the control API.
        what: String,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The file of the ground truth.
    #[error("the ground truth cannot be written to {path}")]
    Truth {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Two pods of one name.
    #[error("two pods are called {0}")]
    SameName(PodName),
}

/// Why faults could not be switched.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// No such pod.
    #[error("no pod is called {wanted}; there are {}", .known.iter().map(PodName::as_str).collect::<Vec<_>>().join(", "))]
    UnknownPod {
        /// What was asked for.
        wanted: String,
        /// The pods there are.
        known: Vec<PodName>,
    },
    /// More than a pod can have.
    #[error("a pod takes at most {RULES_MAX} faults at a time")]
    TooMany,
    /// Connections cannot be refused by share: the kernel answers before we are asked.
    #[error("tcp-refused takes all connections or none on real sockets; use tcp-reset for a share")]
    RefusedByShare,
    /// The pod has no TLS.
    #[error("{0} needs TLS, and this partner was started without")]
    NeedsTls(&'static str),
}

/// A running partner. Dropped without [`PartnerServer::shutdown`], it stops too, at its own pace.
pub struct PartnerServer {
    pods: Arc<Pods>,
    certificates: Option<Arc<Certificates>>,
    control: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// The pods, and what is said of all of them.
pub(super) struct Pods {
    by_name: BTreeMap<PodName, Arc<Pod>>,
    pub(super) truth: Arc<Truth>,
    tls: bool,
}

impl PartnerServer {
    /// Starts a partner; when this returns, every pod can be connected to.
    pub async fn start(settings: PartnerSettings) -> Result<Self, PartnerError> {
        let certificates = match settings.tls {
            true => Some(Arc::new(Certificates::make(&settings.certificate_names, clock::now())?)),
            false => None,
        };
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        let pods = Arc::new(pods(&settings, certificates.as_ref())?);
        for pod in pods.by_name.values() {
            let listener = pod.open().map_err(|source| cannot_listen(&pod.name, pod.address, source))?;
            tasks.spawn(Arc::clone(pod).listen(Some(listener), stop.subscribe()));
        }
        let control = match settings.control {
            None => None,
            Some(address) => {
                let failed = |source| cannot_listen("the control API", address, source);
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                tasks.spawn(control::serve(listener, Arc::clone(&pods), stop.subscribe()));
                Some(address)
            }
        };
        Ok(Self { pods, certificates, control, stop, tasks })
    }

    /// What can be seen of the pods from outside.
    pub fn pods(&self) -> Vec<PodSeen> {
        self.pods.seen()
    }

    /// Where a pod's clients connect.
    pub fn address(&self, pod: &PodName) -> Option<SocketAddr> {
        self.pods.by_name.get(pod).map(|pod| pod.address)
    }

    /// The WebSocket address of a pod.
    pub fn url(&self, pod: &PodName) -> Option<String> {
        self.address(pod).map(|address| url(self.certificates.is_some(), address))
    }

    /// The certificate that clients must trust; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.certificates.as_deref().map(Certificates::ca_pem)
    }

    /// Where the control API listens.
    pub fn control(&self) -> Option<SocketAddr> {
        self.control
    }

    /// Replaces a pod's faults. New connections have them when this returns; open ones keep the
    /// faults that they came in with.
    pub async fn set_faults(&self, pod: &PodName, rules: Vec<FaultRule>) -> Result<(), SwitchError> {
        self.pods.set_faults(pod.as_str(), rules).await
    }

    /// The last lines of the ground truth (JSON), oldest first.
    pub fn truth(&self, last: usize) -> Vec<String> {
        self.pods.truth.last(last)
    }

    /// A pod's calls that are not over: queued, ringing or in progress, the newest thousand at most.
    pub fn calls_up(&self, pod: &PodName) -> usize {
        self.pods.by_name.get(pod).map_or(0, |pod| pod.desk().under_way())
    }

    /// A call's status as the pod's REST API tells it.
    pub fn call_status(&self, pod: &PodName, sid: &str) -> Option<CallStatus> {
        self.pods.by_name.get(pod)?.desk().status(sid)
    }

    /// Which STUN and TURN servers a pod's REST API lists from now on, as the API writes them; nothing
    /// if that is no list.
    pub fn set_ice_servers(&self, pod: &PodName, servers: serde_json::Value) {
        if let (Some(pod), serde_json::Value::Array(servers)) = (self.pods.by_name.get(pod), servers) {
            pod.desk().set_ice_servers(servers);
        }
    }

    /// Ends every connection and stops listening.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }

    /// Waits until it is stopped from elsewhere, which never happens by itself.
    pub async fn wait(&mut self) {
        self.tasks.join_next().await;
    }
}

impl Pods {
    pub(super) fn seen(&self) -> Vec<PodSeen> {
        self.by_name
            .values()
            .map(|pod| PodSeen {
                name: pod.name.clone(),
                url: url(self.tls, pod.address),
                address: pod.address,
                edge: pod.edge.clone(),
                account_sid: pod.account_sid.clone(),
                faults: pod.switch.borrow().rules.to_vec(),
            })
            .collect()
    }

    pub(super) async fn set_faults(&self, pod: &str, rules: Vec<FaultRule>) -> Result<(), SwitchError> {
        let pod = self.by_name.get(pod).ok_or_else(|| SwitchError::UnknownPod {
            wanted: pod.to_owned(),
            known: self.by_name.keys().cloned().collect(),
        })?;
        self.check(&rules)?;
        let mut version = 0;
        pod.switch.send_modify(|switch| {
            version = switch.version + 1;
            *switch = Switch { version, rules: Arc::from(rules) };
        });
        // An error would mean that the listener has ended; then nobody is refused or served.
        drop(pod.followed.subscribe().wait_for(|followed| *followed >= version).await);
        Ok(())
    }

    pub(super) fn names(&self) -> Vec<PodName> {
        self.by_name.keys().cloned().collect()
    }

    fn check(&self, rules: &[FaultRule]) -> Result<(), SwitchError> {
        if rules.len() > RULES_MAX {
            return Err(SwitchError::TooMany);
        }
        if rules.iter().any(|rule| refuses_tcp(rule) && !rule.when().is_always()) {
            return Err(SwitchError::RefusedByShare);
        }
        let needs_tls =
            |rule: &&FaultRule| matches!(rule.fault().transport(), Some(crate::sim::TransportFault::Tls(_)));
        match rules.iter().find(needs_tls) {
            Some(rule) if !self.tls => Err(SwitchError::NeedsTls(rule.fault().name())),
            _ => Ok(()),
        }
    }
}

fn pods(settings: &PartnerSettings, certificates: Option<&Arc<Certificates>>) -> Result<Pods, PartnerError> {
    let truth = Truth::open(settings.truth.as_deref())
        .map_err(|source| PartnerError::Truth { path: settings.truth.clone().unwrap_or_default(), source })?;
    let truth = Arc::new(truth);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut by_name = BTreeMap::new();
    for pod in &settings.pods {
        let address = SocketAddr::from((settings.bind, pod.port));
        let desk = RestDesk::that_rings(settings.rings.get(&pod.name).cloned().unwrap_or_default());
        let made =
            Pod::new(pod, desk, address, settings.seed, certificates.cloned(), Arc::clone(&truth), Arc::clone(&places))
                .map_err(|source| cannot_listen(&pod.name, address, source))?;
        if by_name.insert(pod.name.clone(), Arc::new(made)).is_some() {
            return Err(PartnerError::SameName(pod.name.clone()));
        }
    }
    Ok(Pods { by_name, truth, tls: settings.tls })
}

fn cannot_listen(what: impl ToString, address: SocketAddr, source: io::Error) -> PartnerError {
    PartnerError::Listen { what: what.to_string(), address, source }
}

fn url(tls: bool, address: SocketAddr) -> String {
    format!("{}://{address}/signal", if tls { "wss" } else { "ws" })
}
