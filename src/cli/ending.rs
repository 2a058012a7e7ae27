//! How a command ends: its exit code, and what is said when it could not do its work.

use std::fmt;
use std::process::ExitCode;

use crate::plan::read::Problems;

/// What a command found out. Its words are already on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Exit code 0: it was done, and all is well.
    Well,
    /// Exit code 1: it was done, and what was checked is not well.
    NotWell,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// Exit code 2: the configuration is wrong; every mistake is listed.
    Config(Problems),
    /// Exit code 2: the arguments make no sense together.
    Usage(String),
    /// Exit code 3: ringcheck itself could not do it.
    Own(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Own(error)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Config(problems)
    }
}

impl Ending {
    /// `Well` if it is.
    pub const fn well_if(well: bool) -> Self {
        if well { Self::Well } else { Self::NotWell }
    }
}

impl Failure {
    /// The exit code (`docs/exit-codes.md`).
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Own(_) => 3,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(problems) => write!(f, "{problems}"),
            Self::Usage(what) => f.write_str(what),
            // The whole chain on one line: what was tried, then why it did not work.
            Self::Own(error) => write!(f, "{error:#}"),
        }
    }
}

/// The exit code of a command's result (`docs/exit-codes.md`).
pub fn exit_code(result: &Result<Ending, Failure>) -> ExitCode {
    ExitCode::from(match result {
        Ok(Ending::Well) => 0,
        Ok(Ending::NotWell) => 1,
        Err(failure) => failure.exit_code(),
    })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn exit_codes_are_as_documented() {
        for (result, code) in [
            (Ok(Ending::Well), 0),
            (Ok(Ending::NotWell), 1),
            (Err(Failure::Config(Problems::default())), 2),
            (Err(Failure::Usage(String::new())), 2),
            (Err(Failure::Own(anyhow!("disk full"))), 3),
        ] {
            assert_eq!(exit_code(&result), ExitCode::from(code), "{result:?}");
        }
    }

    #[test]
    fn a_failure_of_ours_says_the_whole_chain() {
        let failure = Failure::from(anyhow!("No space left on device").context("cannot write var/ringcheck.db"));
        assert_eq!(failure.to_string(), "cannot write var/ringcheck.db: No space left on device");
    }
}
