//! Arguments to actions: one file per command, each with `Args` and `run`. How a command ends
//! and what it prints is decided in one place each ([`ending`], [`output`]).
//!
//! A new command is one file here, one `mod` line below, and two lines in `command_line.rs`.

mod affected;
mod attempt_table;
mod attempts;
mod avoid;
mod calibrate;
mod call_forecast;
mod call_table;
mod check;
mod check_config;
mod command_line;
mod demo;
pub mod ending;
mod forecast;
mod globals;
mod init;
mod init_files;
mod input;
mod logging;
mod operator;
pub mod output;
mod partner;
mod pause;
mod plan_dirs;
mod run;
mod schema;
mod sim;
mod stop_signals;
mod token;
mod trial;

pub use command_line::main;
pub use plan_dirs::PlanDirs;
