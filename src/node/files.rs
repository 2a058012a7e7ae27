//! Reading the plan again: on SIGHUP, on `POST /-/reload`, and when a file has changed. A bad file
//! is refused and the old plan stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::engine::Input;
use crate::io::config_files;
use crate::io::http::{Metrics, ReloadRequest};

/// Changed files are looked for this often. Polling, since a mounted folder's files are swapped
/// by a link that file watchers miss.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where a plan was read from.
#[derive(Clone, Debug)]
pub struct PlanFiles {
    pub(super) config: PathBuf,
    pub(super) probes: PathBuf,
}

impl PlanFiles {
    /// Keeps the plan true until the node stops.
    pub(super) async fn watch(
        files: Option<Self>,
        inbox: mpsc::Sender<Input>,
        metrics: Arc<Metrics>,
        mut requests: mpsc::Receiver<ReloadRequest>,
        mut stop: watch::Receiver<bool>,
    ) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        let mut known = files.as_ref().map(Self::fingerprint);
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            let reply = tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                Some(request) = requests.recv() => Some(request.reply),
                _ = hangup.recv() => None,
                _ = look.tick() => {
                    let now = files.as_ref().map(Self::fingerprint);
                    if now == known {
                        continue;
                    }
                    None
                }
            };
            known = files.as_ref().map(Self::fingerprint);
            let result = match &files {
                Some(files) => files.reload(&inbox).await,
                None => Err("this node's plan did not come from files".to_owned()),
            };
            metrics.reloaded(result.is_ok());
            match &result {
                Ok(()) => tracing::info!("the configuration was read again"),
                Err(mistakes) => tracing::error!("the configuration was refused, the old one stays:\n{mistakes}"),
            }
            if let Some(reply) = reply {
                reply.send(result).ok();
            }
        }
    }

    async fn reload(&self, inbox: &mpsc::Sender<Input>) -> Result<(), String> {
        let files = self.clone();
        let read = tokio::task::spawn_blocking(move || config_files::load(&files.config, &files.probes)).await;
        let read = read.map_err(|_| "reading the configuration failed".to_owned())?;
        let plan = read.map_err(|problems| problems.to_string())?.plan;
        inbox.send(Input::Planned(Arc::new(plan))).await.map_err(|_| "ringcheck is stopping".to_owned())
    }

    /// Names, sizes and moments of change of all files: cheap to compare.
    fn fingerprint(&self) -> Vec<(PathBuf, u64, Option<std::time::SystemTime>)> {
        let mut seen = Vec::new();
        for folder in [&self.config, &self.config.join("pods"), &self.probes] {
            list(folder, &mut seen);
        }
        seen.sort();
        seen
    }
}

fn list(folder: &Path, seen: &mut Vec<(PathBuf, u64, Option<std::time::SystemTime>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        // Follows links: what counts is the file that would be read.
        let Ok(about) = std::fs::metadata(entry.path()) else { continue };
        if about.is_file() && entry.path().extension().is_some_and(|ending| ending == "toml") {
            seen.push((entry.path(), about.len(), about.modified().ok()));
        }
    }
}
