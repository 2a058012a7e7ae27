//! `ringcheck schema`: what may be written, for editors and for people.

use clap::ValueEnum;

use crate::plan::read::shape::Shape;
use crate::plan::read::{markdown, schema, shapes};
use crate::sim::SCENARIO;

use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::output;

/// Print the JSON Schema of a kind of file
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck schema pod > pod.schema.json
  ringcheck schema ringcheck --format markdown

Editors that know Taplo take a schema by a line at the top of a TOML file:
  #:schema ./pod.schema.json")]
pub struct Args {
    /// Which kind of file
    #[arg(value_enum)]
    file: File,
    /// As JSON Schema (draft 2020-12) or as a table for people
    #[arg(long, value_enum, default_value_t)]
    format: SchemaFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum File {
    /// config/ringcheck.toml
    Ringcheck,
    /// config/pods/*.toml
    Pod,
    /// probes/*.toml
    Probe,
    /// scenarios/*.toml
    Scenario,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum SchemaFormat {
    /// JSON Schema.
    #[default]
    Json,
    /// Markdown tables.
    Markdown,
}

impl File {
    fn shape(self) -> &'static Shape {
        match self {
            Self::Ringcheck => &shapes::RINGCHECK,
            Self::Pod => &shapes::POD,
            Self::Probe => &shapes::PROBE,
            Self::Scenario => &SCENARIO,
        }
    }
}

/// Prints it.
pub fn run(args: &Args, _globals: &Globals) -> Result<Ending, Failure> {
    match args.format {
        SchemaFormat::Json => output::write_json(&schema(args.file.shape()))?,
        SchemaFormat::Markdown => output::write(&markdown(args.file.shape()))?,
    }
    Ok(Ending::Well)
}
