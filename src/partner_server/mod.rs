//! The simulated partner on real sockets: the peer of [`crate::sim::twilio`] behind TCP, TLS and
//! the WebSocket upgrade, with faults that are switched per pod while it runs, and a log of the
//! ground truth.

mod certificates;
mod connection;
mod control;
mod listener;
mod media_sockets;
mod request;
mod rest;
mod server;
mod settings;
mod socket;
mod truth;

pub use certificates::CertificateError;
pub use control::PodSeen;
pub use server::{PartnerError, PartnerServer, SwitchError};
pub use settings::{CERTIFICATE_NAMES, PartnerSettings, PodSettings};
