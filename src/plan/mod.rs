//! `config/` and `probes/` as one validated value. The shapes that serde fills are private to
//! [`read`]; what leaves this folder cannot be wrong.

mod budget;
mod call_settings;
mod call_threshold;
mod ice;
mod node_settings;
mod pod;
mod pod_calls;
mod population;
mod probe;
mod reach;
pub mod read;
mod receiver;
mod schedule;
mod threshold;

pub use crate::model::{Deadlines, SecretRef};
pub use budget::Budget;
pub use call_settings::{CallSettings, CallTarget, FarEnd, LongHold, whole_minutes};
pub use call_threshold::{CallLimit, CallRule, CallThresholds, KOfN};
pub use ice::{IceServerSettings, IceSettings};
pub use node_settings::{
    AvoidApproval, AvoidSettings, ControlTarget, HttpSettings, LocationSettings, NodeSettings, Owner,
    RecordingSettings, StatusPageSettings, StoreSettings,
};
pub use pod::{PartnerAccount, Pod, TokenEndpoint, TokenSource};
pub use pod_calls::PodCalls;
pub use population::{AgentNames, Population, Unseen};
pub use probe::{Probe, ProbeKind};
pub use receiver::{Email, Receiver, ReceiverKind, Route, SecretOrText, Severity, SmtpSecurity, Webhook};
pub use schedule::Schedule;
pub use threshold::{DeviceErrors, PlainRule, Thresholds};

use std::sync::Arc;

use crate::model::{PodName, ProbeName};

/// Everything that the engine needs to know about what users wrote; replaced whole on a reload.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where and how this node runs.
    pub node: NodeSettings,
    /// The pods, by name.
    pub pods: Vec<Arc<Pod>>,
    /// The probes, by name.
    pub probes: Vec<Arc<Probe>>,
    /// Who can be told.
    pub receivers: Vec<Arc<Receiver>>,
    /// Who is told of what.
    pub routes: Vec<Route>,
}

impl Plan {
    /// The pod of this name.
    pub fn pod(&self, name: &PodName) -> Option<&Arc<Pod>> {
        self.pods.iter().find(|pod| pod.name == *name)
    }

    /// The probe of this name.
    pub fn probe(&self, name: &ProbeName) -> Option<&Arc<Probe>> {
        self.probes.iter().find(|probe| probe.name == *name)
    }

    /// The same without its call probes: for worlds that answer no calls.
    #[must_use]
    pub fn without_calls(mut self) -> Self {
        self.probes.retain(|probe| probe.call.is_none());
        self
    }

    /// The probes that run in a pod.
    pub fn probes_of<'a>(&'a self, pod: &'a Pod) -> impl Iterator<Item = &'a Arc<Probe>> {
        self.probes.iter().filter(|probe| probe.runs_in(&pod.name))
    }
}
