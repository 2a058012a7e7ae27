//! What every command takes.

use super::logging::LogFormat;
use super::output::ColorWhen;

/// The arguments that come with every command.
#[derive(Clone, Debug, clap::Args)]
pub struct Globals {
    /// How log lines on standard error look
    #[arg(long, global = true, value_enum, default_value_t, env = "RINGCHECK_LOG_FORMAT", help_heading = "Global")]
    pub log_format: LogFormat,
    /// How much is logged: error, warn, info, debug, trace, or a filter such as ringcheck=debug;
    /// info unless said otherwise, error for the demo
    #[arg(long, global = true, env = "RINGCHECK_LOG", help_heading = "Global")]
    pub log_level: Option<String>,
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Global")]
    pub color: ColorWhen,
}
