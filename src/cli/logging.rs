//! Where the log goes: standard error, as text or JSON. Standard output is for results.

use std::io;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use super::output::ColorWhen;

/// Libraries that would write whom a TURN server knows us as into the log; what they did is told by
/// the call.
const SILENT: [&str; 4] = ["turn_client_proto", "turn_types", "stun_proto", "stun_types"];

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. `level` is a level or a filter as tracing knows it (`info`, `ringcheck=debug`).
///
/// # Errors
/// A filter that cannot be read.
pub fn start(format: LogFormat, level: &str, color: ColorWhen) -> Result<(), String> {
    let mut filter = EnvFilter::try_new(level)
        .map_err(|error| format!("--log-level {level}: {error}; use error, warn, info, debug or trace"))?;
    for library in SILENT {
        let off = format!("{library}=off").parse().map_err(|error| format!("{library}: {error}"))?;
        filter = filter.add_directive(off);
    }
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match format {
        LogFormat::Text => builder.with_ansi(color.on(&io::stderr())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // A second start only happens in tests, where the first one's choice may stand.
    drop(started);
    Ok(())
}
