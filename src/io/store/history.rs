//! The history of attempts: written in batches, thinned out by age and by the disk budget.

use rusqlite::{Transaction, TransactionBehavior, params};

use crate::model::{AttemptReport, PodName, ProbeName, Role, Timestamp, millis};

use super::{Store, StoreError};

/// Reports that are written in one transaction: one wait for the disk instead of many.
const BATCH: usize = 64;
/// Most reports that wait while the disk refuses; past it the newest are not kept.
const PENDING_MAX: usize = 4096;
/// Attempts that did not go well are kept so many times longer than those that did.
const UNWELL_KEPT_LONGER: i64 = 4;
/// Most rows that one sweep removes, so that the engine never waits long for it.
const SWEPT_ROWS_MAX: u32 = 2_000;
/// Most pages that one sweep gives back to the disk.
const SWEPT_PAGES_MAX: u32 = 1_000;

/// One report that waits to be written.
#[derive(Debug)]
pub(super) struct PendingReport {
    pod: PodName,
    probe: ProbeName,
    role: Role,
    report: AttemptReport,
}

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Attempts past their age.
    pub aged: usize,
    /// Attempts that had to go because the disk budget was used up.
    pub over_budget: usize,
}

impl Store {
    /// Remembers a report. It is on the disk after at most 64 more, or with the next
    /// [`Store::tidy`]; a crash may lose it, since no decision rests on it.
    pub fn record_report(
        &mut self,
        report: &AttemptReport,
        pod: &PodName,
        probe: &ProbeName,
        role: Role,
    ) -> Result<(), StoreError> {
        if self.pending.len() >= PENDING_MAX {
            self.reports_dropped += 1;
        } else {
            let report = report.clone();
            self.pending.push(PendingReport { pod: pod.clone(), probe: probe.clone(), role, report });
        }
        if self.pending.len().is_multiple_of(BATCH) { self.flush() } else { Ok(()) }
    }

    /// Reports that were not kept because the disk refused them for too long.
    pub const fn reports_dropped(&self) -> u64 {
        self.reports_dropped
    }

    /// Writes what waits, and removes some of what is too old or too much. To be called about
    /// every second; one call does a bounded amount of work.
    pub fn tidy(&mut self, now: Timestamp) -> Result<Swept, StoreError> {
        // First the sweep: on a full disk it is what makes room again.
        let swept = self.sweep(now)?;
        self.flush()?;
        Ok(swept)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for pending in &self.pending {
            insert(&transaction, pending)?;
        }
        transaction.commit()?;
        self.pending.clear();
        Ok(())
    }

    fn sweep(&mut self, now: Timestamp) -> Result<Swept, StoreError> {
        let kept = millis(self.settings.retention);
        let mut swept = Swept::default();
        for (well, age) in [(true, kept), (false, kept.saturating_mul(UNWELL_KEPT_LONGER))] {
            swept.aged += self.delete(well, now.as_millis().saturating_sub(age))?;
        }
        if self.used_bytes()? > self.settings.disk_max_bytes {
            swept.over_budget += self.delete(true, i64::MAX)?;
            if swept.over_budget == 0 {
                swept.over_budget += self.delete(false, i64::MAX)?;
            }
        }
        if swept != Swept::default() {
            let mut give_back = self.connection.prepare(&format!("PRAGMA incremental_vacuum({SWEPT_PAGES_MAX})"))?;
            let mut pages = give_back.query([])?;
            while pages.next()?.is_some() {}
        }
        Ok(swept)
    }

    /// Removes the oldest of a kind that began before a moment, a bounded number of them.
    fn delete(&self, well: bool, before: i64) -> Result<usize, StoreError> {
        let sql = "DELETE FROM attempt WHERE row IN
                   (SELECT row FROM attempt WHERE well = ?1 AND started < ?2 ORDER BY started LIMIT ?3)";
        Ok(self.connection.prepare_cached(sql)?.execute(params![well, before, SWEPT_ROWS_MAX])?)
    }
}

fn insert(transaction: &Transaction<'_>, pending: &PendingReport) -> Result<(), StoreError> {
    let sql = "INSERT INTO attempt (id, pod, probe, role, well, outcome, started, report)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let report = &pending.report;
    let outcome = report.outcome.as_str();
    transaction.prepare_cached(sql)?.execute(params![
        report.id.0.cast_signed(),
        pending.pod.as_str(),
        pending.probe.as_str(),
        word(pending.role),
        outcome == "completed",
        outcome,
        report.started.as_millis(),
        serde_json::to_string(report).expect("a report has string keys and finite numbers only"),
    ])?;
    Ok(())
}

/// The word for a role in the table; [`super::history_reader`] reads it back.
pub(super) const fn word(role: Role) -> &'static str {
    match role {
        Role::Scheduled => "scheduled",
        Role::Repeat => "repeat",
        Role::Contrast => "contrast",
        Role::Diagnosis => "diagnosis",
        Role::Recovery => "recovery",
    }
}
