//! `ringcheck token`: what a token's text looks like, which tokens look at every place, and what
//! names a pod's agents have. Nothing of it is stored.

mod bound;
mod census;
mod cover;
mod explain;
mod missing;
mod picture;
mod set;

use clap::Subcommand;

use super::ending::{Ending, Failure};
use super::globals::Globals;

/// Look at the shapes of tokens, without storing or sending them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck token explain < token.txt
  ringcheck token cover pod-14
  ringcheck token census < names.txt")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Explain(explain::Args),
    Cover(cover::Args),
    Census(census::Args),
}

/// Does what was asked.
pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    match &args.what {
        What::Explain(args) => explain::run(args, globals),
        What::Cover(args) => cover::run(args, globals),
        What::Census(args) => census::run(args, globals),
    }
}
