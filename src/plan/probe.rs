//! A probe as configured: what to try, on a schedule.

use std::time::Duration;

use crate::model::{Deadlines, PodName, ProbeName, TokenKind};

use super::{CallSettings, FarEnd, Schedule};

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
    /// gives, which for calls is one.
    pub attempts: Option<u32>,
    /// Which kinds of tokens it uses, in turn. Kinds that a pod has no keys for are left out.
    pub kinds: Vec<TokenKind>,
    /// How long each step may take.
    pub deadlines: Deadlines,
    /// How long the registration is held before leaving.
    pub hold: Duration,
    /// How its test calls go; absent for a probe that makes none.
    pub call: Option<CallSettings>,
    /// True if its findings may page the voice on-call; else they are recorded only.
    pub pages: bool,
}

impl Probe {
    /// True if it runs in this pod.
    pub fn runs_in(&self, pod: &PodName) -> bool {
        self.pods.is_empty() || self.pods.contains(pod)
    }

    /// Attempts a minute that it asks for in each pod, at its shortest rounds; `None` if it takes
    /// what the budget gives, and nothing of it for calls: they have a budget of their own.
    pub fn asks_per_minute(&self) -> Option<f64> {
        if self.call.is_some() {
            return Some(0.0);
        }
        let round = self.schedule.shortest_round().as_secs_f64();
        self.attempts.map(|attempts| f64::from(attempts) * 60.0 / round)
    }

    /// Test calls a minute in each pod, at its shortest rounds; none if it makes no calls.
    pub fn calls_per_minute(&self) -> f64 {
        let round = self.schedule.shortest_round().as_secs_f64();
        self.call.as_ref().map_or(0.0, |_| f64::from(self.attempts.unwrap_or(1)) * 60.0 / round)
    }

    /// Minutes a day that its calls in each pod are billed, at its shortest rounds.
    pub fn minutes_per_day(&self) -> f64 {
        let each = self.call.as_ref().map_or(0.0, |call| f64::from(call.minutes_of_a_thousand()) / 1000.0);
        self.calls_per_minute() * 1440.0 * each
    }

    /// The longest that one of its attempts can take.
    pub fn longest(&self) -> Duration {
        match &self.call {
            None => self.deadlines.connection(self.hold),
            Some(call) => self.longest_call(call, call.longest_ring(), call.longest_hold()),
        }
    }

    /// The longest that one of these calls with this ring and this hold can take.
    pub fn longest_call(&self, call: &CallSettings, ring: Duration, hold: Duration) -> Duration {
        let usual = self.deadlines.call(ring, hold);
        match call.far_end {
            FarEnd::Application => usual,
            // It registers first, leaves afterwards, and has a step's time to be heard.
            FarEnd::Client => usual + self.deadlines.registration() + self.deadlines.step + self.deadlines.hangup,
        }
    }
}

/// What a probe does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// Mint, connect, register, leave.
    Connection,
    /// The same, and place a call as an agent does.
    OutboundCall,
    /// The same, and be called as an agent is.
    InboundCall,
}

impl ProbeKind {
    /// The word in config and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::OutboundCall => "outbound-call",
            Self::InboundCall => "inbound-call",
        }
    }
}
