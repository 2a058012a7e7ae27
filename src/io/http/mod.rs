//! What ringcheck serves. Two listeners that share nothing but the published [`View`]: the
//! operator side (dashboard, JSON API, metrics, health) and the public side (status page and its
//! JSON). Readers never touch the engine: they read the newest view; what changes something goes
//! to the engine as a command.
//!
//! `docs/api.md` lists the routes, `docs/metrics.md` the metrics.
//!
//! [`View`]: crate::engine::View

mod answer;
mod api;
mod assets;
mod avoid;
mod call_cell;
mod chart;
mod command;
mod cover;
mod dashboard;
mod events;
mod guard;
mod health;
mod history;
mod incident_page;
mod listener;
pub mod metrics;
mod operator;
mod phrase;
mod pod_page;
mod public;
mod public_page;
mod statuspage;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use answer::AttemptAnswer;
pub use avoid::ApproveRequest;
pub use command::{PAUSE_MAX, PauseRequest, parse_length};
pub use guard::{Access, AccessError};
pub use health::ReloadRequest;
pub use history::History;
pub use listener::{Limits, serve};
pub use metrics::Metrics;
pub use operator::Operator;
pub use public::PublicSite;
