//! The engine's ports in the real world: the journal, the dialer, the receivers, the controls.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::story::say;
use crate::drive::Ports;
use crate::engine::calls::CallSearch;
use crate::engine::{Effect, Input, Record};
use crate::io::clock;
use crate::io::controls::Controls;
use crate::io::dialer::Dialer;
use crate::io::http::Metrics;
use crate::io::receiver::{Finished, Outbox};
use crate::io::store::{Store, StoreError};
use crate::io::stray_calls::StrayCalls;
use crate::io::tls::Tls;
use crate::model::AttemptReport;
use crate::plan::Plan;

/// The ports of a real node.
pub(super) struct NodePorts {
    pub(super) plan: Arc<Plan>,
    pub(super) store: Store,
    pub(super) metrics: Arc<Metrics>,
    pub(super) dialer: Dialer,
    outbox: Outbox,
    controls: Arc<Controls>,
    strays: Arc<StrayCalls>,
    inbox: mpsc::Sender<Input>,
}

impl NodePorts {
    /// Needs a runtime.
    pub(super) fn new(
        plan: Arc<Plan>,
        store: Store,
        metrics: Arc<Metrics>,
        inbox: mpsc::Sender<Input>,
        reports: mpsc::Sender<AttemptReport>,
        delivered: mpsc::Sender<Finished>,
    ) -> anyhow::Result<Self> {
        metrics.planned(&plan, clock::now());
        Ok(Self {
            dialer: Dialer::start(plan.node.location.name.clone(), reports)?,
            outbox: Outbox::new(Arc::new(Tls::default()), delivered),
            controls: Arc::new(Controls::new()?),
            strays: Arc::default(),
            plan,
            store,
            metrics,
            inbox,
        })
    }

    /// Goes on with another plan.
    pub(super) fn take_plan(&mut self, plan: Arc<Plan>) {
        self.store.reconfigure(&plan.node.store);
        self.metrics.planned(&plan, clock::now());
        self.plan = plan;
    }
}

impl Ports for NodePorts {
    type Error = StoreError;

    fn append(&mut self, records: &[Record]) -> Result<(), StoreError> {
        self.metrics.observe(records);
        records.iter().for_each(say);
        self.store.append(clock::now(), records).map(drop)
    }

    fn dispatch(&mut self, effect: Effect) {
        match effect {
            Effect::Dial(spec) => self.dialer.dial(spec, self.plan.clone()),
            Effect::Deliver(notification) => self.outbox.deliver(notification, &self.plan),
            Effect::EndCalls { pod, calls } => {
                let (strays, plan, inbox) = (self.strays.clone(), self.plan.clone(), self.inbox.clone());
                let sought = calls.iter().map(|call| call.attempt).collect();
                let of = pod.clone();
                let search = tokio::spawn(async move {
                    // A pod that is no longer in the plan has no key here any more.
                    match plan.pod(&of) {
                        Some(known) => strays.end(&plan, known, &calls).await,
                        None => CallSearch::Never,
                    }
                });
                tokio::spawn(async move {
                    // However it ends, the engine is told: it makes no calls meanwhile.
                    let search = search.await.unwrap_or(CallSearch::Again(None));
                    let calls = sought;
                    inbox.send(Input::CallsSought { pod, calls, search }).await.ok();
                });
            }
            Effect::CheckControls => {
                let (controls, plan, inbox) = (self.controls.clone(), self.plan.clone(), self.inbox.clone());
                tokio::spawn(async move {
                    let (answered, of) = controls.check(&plan.node.location.control).await;
                    inbox.send(Input::ControlsChecked { answered, of }).await.ok();
                });
            }
        }
    }
}
