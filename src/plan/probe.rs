//! A probe as configured: what to try, on a schedule.

use std::time::Duration;

use crate::model::{Deadlines, PodName, ProbeName, TokenKind};

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

    /// Attempts a minute that it asks for in each pod, at its shortest rounds; `None` if it takes
    /// what the budget gives.
    pub fn asks_per_minute(&self) -> Option<f64> {
        let round = self.schedule.shortest_round().as_secs_f64();
        self.attempts.map(|attempts| f64::from(attempts) * 60.0 / round)
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
