//! A probe as configured: what to try, on a schedule.

use std::time::Duration;

use crate::model::{PodName, ProbeName, Step, TokenKind};

use super::Schedule;

/// What to try, on a schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Its name: the file's name without `.toml`.
    pub name: ProbeName,
    /// What it does.
    pub kind: ProbeKind,
    /// When its rounds fall due.
    pub schedule: Schedule,
    /// In which pods; all if empty.
    pub pods: Vec<PodName>,
    /// Attempts a round, spread evenly until the next one; `None` takes what the pod's budget
    /// gives.
    pub attempts: Option<u32>,
    /// Which kinds of tokens it uses, in turn. Kinds that a pod has no keys for are left out.
    pub kinds: Vec<TokenKind>,
    /// How long each step may take.
    pub deadlines: Deadlines,
    /// How long the registration is held before leaving.
    pub hold: Duration,
    /// True if its findings may page the voice on-call; else they are recorded only.
    pub pages: bool,
}

impl Probe {
    /// True if it runs in this pod.
    pub fn runs_in(&self, pod: &PodName) -> bool {
        self.pods.is_empty() || self.pods.contains(pod)
    }
}

/// What a probe does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// Mint, connect, register, leave.
    Connection,
}

impl ProbeKind {
    /// The word in config and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
        }
    }
}

/// How long each step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Every step that is not named apart.
    pub step: Duration,
    /// Leaving; nobody waits for it, so it is short.
    pub hangup: Duration,
}

impl Deadlines {
    /// 5 s a step as the SDK waits for its socket, 1 s for leaving.
    pub const DEFAULT: Self = Self { step: Duration::from_secs(5), hangup: Duration::from_secs(1) };

    /// The deadline of one step.
    pub const fn of(&self, step: Step) -> Duration {
        match step {
            Step::Hangup => self.hangup,
            _ => self.step,
        }
    }

    /// The longest that a connection attempt can take.
    pub fn connection(&self, hold: Duration) -> Duration {
        self.step * 7 + hold + self.hangup
    }
}
