//! `ringcheck demo`: the whole product on one machine. A simulated partner with three pods, the
//! monitor, a mailbox; after some seconds the fault of 10 September 2024, and the page arrives.

mod mail_sink;
mod overlay;
mod show;

pub use show::{Args, run};
