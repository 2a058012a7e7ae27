//! Tokens and names come from standard input or a file, never as arguments: everybody on the
//! machine sees those.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use secrecy::{ExposeSecret, SecretSlice};

/// The most that is read, in bytes: some ten thousand tokens, or a million names.
const INPUT_MAX: u64 = 32 << 20;

/// Where the lines are.
#[derive(Debug, clap::Args)]
pub(super) struct InputArgs {
    /// Read this file instead of standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What was read; overwritten when it is dropped.
pub(super) struct Input(SecretSlice<u8>);

impl InputArgs {
    /// Reads all of it.
    pub(super) fn read(&self) -> anyhow::Result<Input> {
        let (from, bytes) = match &self.file {
            Some(path) => (path.display().to_string(), File::open(path).and_then(read)),
            None => {
                if io::stdin().is_terminal() {
                    eprintln!("Reading standard input, one a line; end with Ctrl-D.");
                }
                ("standard input".to_owned(), read(io::stdin().lock()))
            }
        };
        let bytes = bytes.with_context(|| format!("cannot read {from}"))?;
        if bytes.len() as u64 > INPUT_MAX {
            return Err(anyhow!("{from} is larger than {} MiB; give it in pieces", INPUT_MAX >> 20));
        }
        Ok(Input::from(bytes))
    }
}

impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Self {
        Self(SecretSlice::from(bytes))
    }
}

impl Input {
    /// Its lines, without what is empty and without white space around.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.0.expose_secret().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
    }
}

fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(INPUT_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
