//! Everything that can block or fail.

pub mod config_files;
pub mod store;
