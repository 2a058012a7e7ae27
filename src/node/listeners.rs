//! The two listeners, and what keeps their answers true.

use std::future::Future;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::PlanFiles;
use crate::engine::{Input, View};
use crate::io::http::{Access, Limits, Metrics, Operator, PublicSite, serve};
use crate::io::store::HistoryReader;
use crate::io::{clock, secrets};
use crate::plan::Plan;

/// Reloads that wait; a second one while one is under way is told to try again.
const RELOADS_MAX: usize = 1;

/// What the listeners are made of.
pub(super) struct Parts {
    pub(super) plan: Arc<Plan>,
    pub(super) view: watch::Receiver<Arc<View>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) inbox: mpsc::Sender<Input>,
    pub(super) history: HistoryReader,
    pub(super) files: Option<PlanFiles>,
}

/// Everything that serves, as one future that ends after the stop.
///
/// # Errors
/// The operator's token cannot be read, or is missing where it is needed.
pub(super) fn run(
    parts: Parts,
    operator_socket: TcpListener,
    public_socket: TcpListener,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<impl Future<Output = ()> + Send> {
    let settings = &parts.plan.node;
    let token = settings.http.operator_token.as_ref().map(secrets::read).transpose();
    let token = token.context("cannot read the operator's token")?;
    let access = Access::new(operator_socket.local_addr()?, token.as_ref(), &settings.external_url)?;
    let (reload, requests) = mpsc::channel(RELOADS_MAX);
    let operator = Operator {
        view: parts.view.clone(),
        history: Arc::new(Mutex::new(parts.history)),
        metrics: parts.metrics.clone(),
        engine: parts.inbox.clone(),
        reload,
        access,
        now: clock::now,
    };
    let (site, keep_true) = PublicSite::new(parts.view, settings.status_page.clone(), clock::now);
    let files = PlanFiles::watch(parts.files, parts.inbox, parts.metrics, requests, stop.clone());
    let operator_side = serve(operator_socket, operator.router(), Limits::OPERATOR, stopped(stop.clone()));
    let public_side = serve(public_socket, site.router(), Limits::PUBLIC, stopped(stop.clone()));
    Ok(async move {
        let keep = async {
            tokio::select! {
                () = keep_true => {}
                () = stopped(stop) => {}
            }
        };
        tokio::join!(operator_side, public_side, files, keep);
    })
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the node is gone, which is a stop as well.
    stop.wait_for(|stopped| *stopped).await.ok();
}
