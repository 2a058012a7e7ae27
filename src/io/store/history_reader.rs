//! The history of attempts as the API reads it, over a connection that cannot write.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use serde::Serialize;

use crate::model::{AttemptId, AttemptReport, PodName, ProbeName, Role, Timestamp};

use super::StoreError;

/// How long a query waits for the writer; it only has to while the log is folded back.
const BUSY_WAIT: Duration = Duration::from_secs(2);

/// Reads the history. One query at a time; HTTP keeps it behind a lock and off its own threads.
#[derive(Debug)]
pub struct HistoryReader {
    connection: Connection,
}

/// Which attempts are wanted.
#[derive(Clone, Debug)]
pub struct AttemptQuery {
    /// Of this pod; of all if `None`.
    pub pod: Option<PodName>,
    /// That ended like this; all if `None`.
    pub outcome: Option<OutcomeFilter>,
    /// That started before this moment: the `started` of the last row pages on.
    pub before: Option<Timestamp>,
    /// At most so many.
    pub limit: u32,
}

impl AttemptQuery {
    /// The most that one query gives.
    pub const LIMIT_MAX: u32 = 1_000;
}

/// How an attempt ended, as a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeFilter {
    /// All was well.
    Completed,
    /// It worked, not well.
    Degraded,
    /// A step was not done.
    Failed,
    /// The partner asked us to slow down.
    Throttled,
    /// We did not look.
    Lost,
}

impl OutcomeFilter {
    /// The word, as [`crate::model::Outcome::as_str`] has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Throttled => "throttled",
            Self::Lost => "lost",
        }
    }
}

/// An attempt as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedAttempt {
    /// In which pod.
    pub pod: PodName,
    /// Of which probe.
    pub probe: ProbeName,
    /// Why it was made.
    pub role: Role,
    /// What it told.
    pub report: AttemptReport,
}

impl HistoryReader {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY_WAIT)?;
        Ok(Self { connection })
    }

    /// The attempts that were asked for, newest first. Rows that a newer version wrote and this
    /// one cannot read are left out.
    pub fn attempts(&self, query: &AttemptQuery) -> Result<Vec<RecordedAttempt>, StoreError> {
        // One text per shape of the question, so that each finds its index.
        let mut sql = "SELECT pod, probe, role, report FROM attempt WHERE started < ?1".to_owned();
        sql.push_str(if query.pod.is_some() { " AND pod = ?2" } else { " AND ?2 IS NULL" });
        sql.push_str(if query.outcome.is_some() { " AND outcome = ?3" } else { " AND ?3 IS NULL" });
        sql.push_str(match (&query.pod, query.outcome) {
            (None, Some(OutcomeFilter::Completed)) => " AND well = 1",
            (None, Some(_)) => " AND well = 0",
            _ => "",
        });
        sql.push_str(" ORDER BY started DESC, row DESC LIMIT ?4");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![
            query.before.map_or(i64::MAX, Timestamp::as_millis),
            query.pod.as_ref().map(PodName::as_str),
            query.outcome.map(OutcomeFilter::as_str),
            query.limit.min(AttemptQuery::LIMIT_MAX),
        ])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.extend(recorded(row)?);
        }
        Ok(found)
    }

    /// One attempt.
    pub fn attempt(&self, id: AttemptId) -> Result<Option<RecordedAttempt>, StoreError> {
        let sql = "SELECT pod, probe, role, report FROM attempt WHERE id = ?1 ORDER BY row DESC LIMIT 1";
        let found = self.connection.prepare_cached(sql)?.query_row([id.0.cast_signed()], recorded).optional()?;
        Ok(found.flatten())
    }
}

fn recorded(row: &Row<'_>) -> rusqlite::Result<Option<RecordedAttempt>> {
    let (pod, probe): (String, String) = (row.get(0)?, row.get(1)?);
    let (role, report): (String, String) = (row.get(2)?, row.get(3)?);
    let read = || {
        let role = match role.as_str() {
            "scheduled" => Role::Scheduled,
            "repeat" => Role::Repeat,
            "contrast" => Role::Contrast,
            "diagnosis" => Role::Diagnosis,
            "recovery" => Role::Recovery,
            _ => return None,
        };
        Some(RecordedAttempt {
            pod: PodName::parse(&pod).ok()?,
            probe: ProbeName::parse(&probe).ok()?,
            role,
            report: serde_json::from_str(&report).ok()?,
        })
    };
    Ok(read())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;

    #[test]
    fn the_filter_says_what_an_outcome_says() {
        let outcomes = [Outcome::completed(), Outcome::Lost { reason: crate::model::LostReason::Crash }];
        let filters = [OutcomeFilter::Completed, OutcomeFilter::Lost];
        assert_eq!(outcomes.map(|outcome| outcome.as_str()), filters.map(OutcomeFilter::as_str));
    }
}
