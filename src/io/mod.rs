//! Everything that can block or fail.

pub mod clock;
pub mod config_files;
pub mod controls;
pub mod resolver;
pub mod secrets;
pub mod store;
pub mod tls;
