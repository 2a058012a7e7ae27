//! Attempts as a table for people and as JSON for scripts.

use std::time::Duration;

use serde::Serialize;

use crate::io::http::AttemptAnswer;
use crate::io::store::RecordedAttempt;
use crate::model::{AttemptReport, CallFacts, Failure, Outcome, Role, Step, Timestamp};

use super::attempts::{LeftAlone, Made, Round};
use super::call_table;
use super::output::{self, Color};

/// The steps that have a column of their own.
const STEPS: [Step; 8] =
    [Step::Mint, Step::Dns, Step::Tcp, Step::Tls, Step::Upgrade, Step::Connected, Step::Registered, Step::Hangup];

/// Columns: pod, probe, kind, key, name, edge, the steps, outcome, what the agent sees.
const COLUMNS: usize = 6 + STEPS.len() + 2;

/// How many ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Agents can work; some not well.
    pub completed: usize,
    /// Agents cannot work.
    pub failed: usize,
    /// The partner asked us to slow down.
    pub throttled: usize,
    /// We did not look.
    pub lost: usize,
    /// Not tried any more, after the partner had asked us to slow down.
    pub not_made: usize,
}

impl Count {
    /// Counts.
    pub fn of(round: &Round) -> Self {
        let not_made = round.left_alone.iter().map(|left| left.not_made).sum();
        let mut count = Self { not_made, ..Self::default() };
        for one in &round.made {
            match one.report.outcome {
                Outcome::Completed { .. } => count.completed += 1,
                Outcome::Failed(_) => count.failed += 1,
                Outcome::Throttled { .. } => count.throttled += 1,
                Outcome::Lost { .. } => count.lost += 1,
            }
        }
        count
    }
}

/// The table.
pub fn text(round: &Round, color: bool) -> String {
    let mut heading = vec!["pod", "probe", "kind", "key", "name", "edge"];
    heading.extend(STEPS.map(Step::as_str));
    heading.extend(["outcome", "the agent sees"]);
    let mut rows = vec![row(heading.into_iter().map(str::to_owned).collect())];
    rows.extend(round.made.iter().map(cells));
    let mut text = String::new();
    output::table(&mut text, &rows, color);
    text.push_str(&call_table::text(round, color));
    let Count { completed, failed, throttled, lost, not_made } = Count::of(round);
    let word = if failed + throttled + lost == 0 { Color::Green } else { Color::Red };
    let mut counts = format!("{completed} completed, {failed} failed, {throttled} throttled, {lost} lost");
    if not_made > 0 {
        counts.push_str(&format!(", {not_made} not made"));
    }
    text.push_str(&format!("\n{} (times in ms)\n", word.paint(&counts, color)));
    round.left_alone.iter().for_each(|left| text.push_str(&left_alone(left)));
    text
}

/// What follows from having been asked to slow down.
fn left_alone(LeftAlone { pod, not_made, until }: &LeftAlone) -> String {
    let left = match not_made {
        0 => String::new(),
        1 => ", so one attempt was not made".to_owned(),
        many => format!(", so {many} attempts were not made"),
    };
    // Whole seconds, and rather one too many than one too few.
    let wait = until.map_or("Wait some minutes".to_owned(), |until| {
        format!("Wait until {} UTC", until.plus(Duration::from_millis(999)).clock())
    });
    format!("{pod}: the partner asked us to slow down{left}. {wait} before you try again.\n")
}

fn row(cells: Vec<String>) -> [String; COLUMNS] {
    cells.try_into().expect("a row has as many cells as the table has columns")
}

fn cells(made: &Made) -> [String; COLUMNS] {
    let (wanted, report) = (&made.wanted, &made.report);
    let mut cells = vec![
        wanted.pod.name.to_string(),
        wanted.probe.name.to_string(),
        report.traits.kind.to_string(),
        // People count from one, as on the dashboard.
        (u16::from(report.traits.key.0) + 1).to_string(),
        report.traits.name_length.to_string(),
        report.traits.edge.to_string(),
    ];
    cells.extend(STEPS.map(|step| took(report, step)));
    cells.extend([outcome(&report.outcome), agent_sees(&report.outcome, report.call.as_deref())]);
    row(cells)
}

fn took(report: &AttemptReport, step: Step) -> String {
    let timing = report.steps.iter().find(|timing| timing.step == step);
    timing.map_or_else(|| "-".to_owned(), |timing| in_millis(timing.took))
}

fn in_millis(length: Duration) -> String {
    format!("{:.1}", length.as_secs_f64() * 1000.0)
}

/// The outcome in few words.
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed { degraded } if degraded.is_empty() => "completed".to_owned(),
        Outcome::Completed { degraded } => {
            let how: Vec<String> = degraded.iter().map(word).collect();
            format!("degraded: {}", how.join(", "))
        }
        Outcome::Failed(Failure { step, reason, wire_code, .. }) => match wire_code {
            Some(code) => format!("failed at {step}: {reason}, {code}"),
            None => format!("failed at {step}: {reason}"),
        },
        Outcome::Throttled { step, retry_after_s, .. } => match retry_after_s {
            Some(seconds) => format!("throttled at {step}: wait {seconds} s"),
            None => format!("throttled at {step}"),
        },
        Outcome::Lost { reason } => format!("lost: {}", word(reason)),
    }
}

/// The name of a variant as it stands in JSON, with spaces.
fn word(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or("?").replace('_', " ")
}

fn agent_sees(outcome: &Outcome, call: Option<&CallFacts>) -> String {
    let direction = call.map(|call| call.wish.direction);
    if let (Outcome::Failed(failure), Some(direction)) = (outcome, direction)
        && failure.step >= Step::Invite
        && failure.device_errors.is_empty()
        && let Some(notices) = call_table::agent_notices(direction, failure.reason)
    {
        return notices.to_owned();
    }
    match outcome {
        Outcome::Completed { .. } => "works".to_owned(),
        Outcome::Failed(failure) if failure.step == Step::Mint => "gets no token".to_owned(),
        Outcome::Failed(failure) if failure.device_errors.is_empty() => "nothing: waits for ever".to_owned(),
        Outcome::Failed(failure) => {
            let errors: Vec<String> =
                failure.device_errors.iter().map(|error| format!("{} {}", error.code, error.name)).collect();
            errors.join(", then ")
        }
        Outcome::Throttled { .. } | Outcome::Lost { .. } => "not known".to_owned(),
    }
}

/// The attempts for scripts, as the API tells them.
#[derive(Serialize)]
pub struct Answer<'m> {
    count: Count,
    attempts: Vec<AttemptAnswer>,
    /// Pods whose partner asked us to slow down.
    left_alone: Vec<LeftAloneAnswer<'m>>,
}

#[derive(Serialize)]
struct LeftAloneAnswer<'m> {
    pod: &'m str,
    not_made: usize,
    until: Option<String>,
}

impl<'m> Answer<'m> {
    /// Everything that was found.
    pub fn of(round: &'m Round) -> Self {
        let attempt = |Made { wanted, report }: &Made| {
            let (pod, probe) = (wanted.pod.name.clone(), wanted.probe.name.clone());
            AttemptAnswer::of(&RecordedAttempt { pod, probe, role: Role::Scheduled, report: report.clone() })
        };
        let left_alone = round.left_alone.iter().map(|left| {
            let LeftAlone { pod, not_made, until } = left;
            LeftAloneAnswer { pod: pod.as_str(), not_made: *not_made, until: until.map(Timestamp::to_rfc3339) }
        });
        Self {
            count: Count::of(round),
            attempts: round.made.iter().map(attempt).collect(),
            left_alone: left_alone.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use crate::model::{Degradation, DeviceError, ErrorClass, FailureReason, LostReason, ThrottleSign};

    use super::*;

    #[test]
    fn outcomes_read_like_a_person_says_them() {
        let error = |code, name| DeviceError {
            code,
            name: Cow::Borrowed(name),
            class: ErrorClass::Signalling,
            wire_code: None,
        };
        let failed = |step, reason, wire_code, device_errors| {
            Outcome::Failed(Failure { step, reason, wire_code, device_errors })
        };
        let both = vec![error(31000, "UnknownError"), error(31005, "ConnectionError")];
        let sign = ThrottleSign::HttpStatus(429);
        for (what, said, seen) in [
            (Outcome::completed(), "completed", "works"),
            (
                Outcome::Completed { degraded: vec![Degradation::FallbackEdge, Degradation::LargeFrame] },
                "degraded: fallback edge, large frame",
                "works",
            ),
            (
                failed(Step::Connected, FailureReason::Rejected, Some(31204), vec![error(20101, "AccessTokenInvalid")]),
                "failed at connected: rejected, 31204",
                "20101 AccessTokenInvalid",
            ),
            (
                failed(Step::Tcp, FailureReason::ConnectionRefused, None, both),
                "failed at tcp: connection refused",
                "31000 UnknownError, then 31005 ConnectionError",
            ),
            (
                failed(Step::Upgrade, FailureReason::NoAnswer, None, Vec::new()),
                "failed at upgrade: no answer",
                "nothing: waits for ever",
            ),
            (
                failed(Step::Mint, FailureReason::TokenEndpointStatus(500), None, Vec::new()),
                "failed at mint: token endpoint answered HTTP 500",
                "gets no token",
            ),
            (
                Outcome::Throttled { step: Step::Upgrade, sign, retry_after_s: Some(9) },
                "throttled at upgrade: wait 9 s",
                "not known",
            ),
            (Outcome::Lost { reason: LostReason::NoNetwork }, "lost: no network", "not known"),
        ] {
            assert_eq!((outcome(&what).as_str(), agent_sees(&what, None).as_str()), (said, seen));
        }
    }
}
