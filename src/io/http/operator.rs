//! The operator side: what it needs, and its routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::engine::{Input, View};
use crate::model::Timestamp;

use super::events::STREAMS_MAX;
use super::guard::BODY_BYTES_MAX;
use super::{
    Access, History, Metrics, ReloadRequest, api, assets, avoid, dashboard, events, guard, health, incident_page,
    pod_page,
};

/// What the operator side reads and where its commands go.
#[derive(Clone)]
pub struct Operator {
    /// The newest state; published by the node after turns.
    pub view: watch::Receiver<Arc<View>>,
    /// The past.
    pub history: Arc<dyn History>,
    /// The metrics of this process.
    pub metrics: Arc<Metrics>,
    /// Where commands go; bounded, and when it is full the caller is told to try again.
    pub engine: mpsc::Sender<Input>,
    /// Where reloads are asked for.
    pub reload: mpsc::Sender<ReloadRequest>,
    /// Who may.
    pub access: Access,
    /// The clock (`io/clock.rs`).
    pub now: fn() -> Timestamp,
}

/// What handlers share.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) operator: Operator,
    /// Live updates that may be open at once.
    pub(super) streams: Arc<Semaphore>,
}

impl Desk {
    /// The newest state.
    pub(super) fn view(&self) -> Arc<View> {
        self.operator.view.borrow().clone()
    }
}

/// Every route of the operator side, as `docs/api.md` lists them.
#[cfg(test)]
pub(super) const ROUTES: [&str; 23] = [
    "GET /",
    "GET /pods/{name}",
    "GET /incidents/{number}",
    "GET /attempts/{id}",
    "GET /api/v1/pods",
    "GET /api/v1/pods/{name}",
    "GET /api/v1/observations",
    "GET /api/v1/attempts/{id}",
    "GET /api/v1/alerts",
    "GET /api/v1/incidents",
    "GET /api/v1/incidents/{number}",
    "GET /api/v1/components",
    "GET /api/v1/notices",
    "GET /api/v1/events",
    "GET /api/v1/avoid",
    "POST /api/v1/avoid/approve",
    "POST /api/v1/pause",
    "POST /api/v1/resume",
    "GET /metrics",
    "GET /-/healthy",
    "GET /-/ready",
    "POST /-/reload",
    "GET /assets/{file}",
];

impl Operator {
    /// The routes, guarded.
    pub fn router(self) -> Router {
        let access = self.access.clone();
        let desk = Desk { operator: self, streams: Arc::new(Semaphore::new(STREAMS_MAX)) };
        Router::new()
            .route("/", get(dashboard::show))
            .route("/pods/{name}", get(pod_page::show))
            .route("/incidents/{number}", get(incident_page::show))
            .route("/attempts/{id}", get(pod_page::show_attempt))
            .route("/api/v1/pods", get(api::pods))
            .route("/api/v1/pods/{name}", get(api::pod))
            .route("/api/v1/observations", get(api::observations))
            .route("/api/v1/attempts/{id}", get(api::attempt))
            .route("/api/v1/alerts", get(api::alerts))
            .route("/api/v1/incidents", get(api::incidents))
            .route("/api/v1/incidents/{number}", get(api::incident))
            .route("/api/v1/components", get(api::components))
            .route("/api/v1/notices", get(api::notices))
            .route("/api/v1/events", get(events::stream))
            .route("/api/v1/avoid", get(avoid::show))
            .route("/api/v1/avoid/approve", post(avoid::approve))
            .route("/api/v1/pause", post(super::command::pause))
            .route("/api/v1/resume", post(super::command::resume))
            .route("/metrics", get(health::metrics))
            .route("/-/healthy", get(health::healthy))
            .route("/-/ready", get(health::ready))
            .route("/-/reload", post(health::reload))
            .route("/assets/{file}", get(assets::serve))
            .fallback(api::nothing_here)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(axum::middleware::from_fn_with_state(access, guard::guard))
            .with_state(desk)
    }
}
