//! `ringcheck run`: the monitor.

use anyhow::Context as _;

use super::PlanDirs;
use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::stop_signals::StopSignals;
use crate::io::config_files;
use crate::node::{Node, PlanFiles};

/// Run the monitor until it is told to stop
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck run
  ringcheck run --config /etc/ringcheck --probes /etc/ringcheck/probes --log-format json

Signals: SIGHUP reads the configuration again (a bad one is refused, the old one stays);
SIGTERM and SIGINT stop it cleanly: it hangs up and leaves, which takes 5 s at most; a second one
ends it at once.
Exit codes: 0 stopped as told, 2 a mistake in the configuration, 3 it could not start.")]
pub struct Args {
    #[command(flatten)]
    dirs: PlanDirs,
}

/// Runs it.
pub fn run(args: &Args, _globals: &Globals) -> Result<Ending, Failure> {
    let read = config_files::load(&args.dirs.config, &args.dirs.probes)?;
    for warning in read.warnings.iter() {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    runtime.block_on(async {
        let files = PlanFiles::new(args.dirs.config.clone(), args.dirs.probes.clone());
        let mut signals = StopSignals::listen()?;
        let node = tokio::select! {
            node = Node::start(read.plan, Some(files)) => node?,
            () = signals.next() => return Ok(()),
        };
        tracing::info!(dashboard = %format!("http://{}/", node.operator), status_page = %format!("http://{}/", node.public), "running");
        signals.next().await;
        tracing::info!("stopping");
        tokio::select! {
            () = node.stop() => {}
            () = signals.next() => tracing::warn!("ended at once, as told; calls may be up until the next start"),
        }
        Ok::<(), anyhow::Error>(())
    })?;
    // What is still at work is not waited for.
    runtime.shutdown_background();
    Ok(Ending::Well)
}
