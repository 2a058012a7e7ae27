//! Everything that can block or fail.

mod answer_body;
pub mod clock;
pub mod config_files;
pub mod controls;
pub mod dialer;
pub mod http;
pub mod minter;
pub mod not_done;
mod partner_rest;
pub mod receiver;
mod recordings;
pub mod resolver;
pub mod secrets;
pub mod store;
pub mod stray_calls;
pub mod tls;
pub mod token_endpoint;
