//! The control API: faults by HTTP, on a port of its own.
//!
//! | request | answer |
//! |---|---|
//! | `GET /pods` | the pods: name, address, faults |
//! | `GET /catalogue` | every fault by name |
//! | `GET /faults` | the faults of every pod |
//! | `PUT /faults/{pod}` | replaces a pod's faults by the rules in the body, a JSON array |
//! | `DELETE /faults/{pod}`, `DELETE /faults` | clears a pod, or all |
//! | `GET /truth?last=100` | the last lines of the ground truth |

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::model::{EdgeName, PodName};
use crate::sim::{FaultRule, Settings, catalogue};

use super::server::{Pods, SwitchError};

/// Lines of the ground truth that are given unless more are asked for.
const LINES: usize = 100;

/// What can be seen of a pod from outside.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PodSeen {
    /// Its name.
    pub name: PodName,
    /// Where its clients connect.
    pub url: String,
    /// The same as an address.
    pub address: SocketAddr,
    /// The edge that it stands for.
    pub edge: EdgeName,
    /// Its account.
    pub account_sid: String,
    /// The faults that are switched on.
    pub faults: Vec<FaultRule>,
}

#[derive(Serialize)]
struct CatalogueLine {
    name: &'static str,
    group: &'static str,
    does: &'static str,
    parameters: Vec<&'static str>,
}

#[derive(Deserialize)]
struct HowMany {
    #[serde(default = "lines")]
    last: usize,
}

const fn lines() -> usize {
    LINES
}

/// Serves the control API until told to stop.
pub(super) async fn serve(listener: TcpListener, pods: Arc<Pods>, mut stop: watch::Receiver<bool>) {
    let router = Router::new()
        .route("/pods", get(seen))
        .route("/catalogue", get(all))
        .route("/faults", get(faults).delete(clear_all))
        .route("/faults/{pod}", put(set).delete(clear))
        .route("/truth", get(truth))
        .with_state(pods);
    let stopped = async move {
        // An error means that nobody can stop it any more, which is a stop too.
        drop(stop.wait_for(|stop| *stop).await);
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::warn!(%error, "the control API has ended");
    }
}

async fn seen(State(pods): State<Arc<Pods>>) -> Json<Vec<PodSeen>> {
    Json(pods.seen())
}

async fn all() -> Json<Vec<CatalogueLine>> {
    let line = |entry: &'static crate::sim::Entry| CatalogueLine {
        name: entry.name,
        group: entry.group.as_str(),
        does: entry.does,
        parameters: Settings::of(entry.behaviour),
    };
    Json(catalogue().map(line).collect())
}

async fn faults(State(pods): State<Arc<Pods>>) -> Json<BTreeMap<PodName, Vec<FaultRule>>> {
    Json(pods.seen().into_iter().map(|pod| (pod.name, pod.faults)).collect())
}

async fn set(
    State(pods): State<Arc<Pods>>,
    Path(pod): Path<String>,
    Json(rules): Json<Vec<FaultRule>>,
) -> Result<StatusCode, SwitchError> {
    pods.set_faults(&pod, rules).await.map(|()| StatusCode::NO_CONTENT)
}

async fn clear(State(pods): State<Arc<Pods>>, Path(pod): Path<String>) -> Result<StatusCode, SwitchError> {
    pods.set_faults(&pod, Vec::new()).await.map(|()| StatusCode::NO_CONTENT)
}

async fn clear_all(State(pods): State<Arc<Pods>>) -> Result<StatusCode, SwitchError> {
    for pod in pods.names() {
        pods.set_faults(pod.as_str(), Vec::new()).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn truth(State(pods): State<Arc<Pods>>, Query(HowMany { last }): Query<HowMany>) -> Response {
    let mut body = pods.truth.last(last).join("\n");
    if !body.is_empty() {
        body.push('\n');
    }
    ([(header::CONTENT_TYPE, "application/jsonl")], body).into_response()
}

impl IntoResponse for SwitchError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::UnknownPod { .. } => StatusCode::NOT_FOUND,
            Self::TooMany | Self::RefusedByShare | Self::NeedsTls(_) => StatusCode::BAD_REQUEST,
        };
        (status, format!("{self}\n")).into_response()
    }
}
