//! `--config` and `--probes`: the same two arguments wherever a plan is needed.

use std::path::PathBuf;

/// Where users keep what they wrote.
#[derive(Clone, Debug, clap::Args)]
pub struct PlanDirs {
    /// Folder with ringcheck.toml and pods/*.toml
    #[arg(long, value_name = "DIR", default_value = "config", env = "RINGCHECK_CONFIG")]
    pub config: PathBuf,
    /// Folder with the probes, one *.toml each
    #[arg(long, value_name = "DIR", default_value = "probes", env = "RINGCHECK_PROBES")]
    pub probes: PathBuf,
}
