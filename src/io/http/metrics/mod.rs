//! Metrics, by blackbox_exporter's and Alertmanager's conventions (`docs/metrics.md`). They are a
//! consumer of the same facts that page: what is counted comes from [`Record`]s and reports, what
//! is a state comes from the [`View`] at the moment of the scrape. Nothing here can change a
//! decision.
//!
//! [`Record`]: crate::engine::Record
//! [`View`]: crate::engine::View

mod call_families;
mod counts;
mod exposition;
mod families;
mod histogram;
mod recorder;
#[cfg(test)]
mod tests;

pub use exposition::Format;
pub use recorder::{DeliveryFailure, Metrics};
