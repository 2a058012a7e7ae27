//! Out of a damaged file into a new one: the newest readable snapshot and the whole facts after
//! it, up to the first that is not. So a page that went out before is not sent again.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior, params};

use crate::engine::Record;

use super::StoreError;
use super::journal::write;
use super::unsaved_tail::Unsaved;

/// Copies what a restart needs; returns the number of the last fact, `None` if there was nothing.
pub(super) fn carry_over(damaged: &Path, into: &mut Connection) -> Result<Option<u64>, StoreError> {
    let Ok(old) = Connection::open_with_flags(damaged, OpenFlags::SQLITE_OPEN_READ_WRITE) else { return Ok(None) };
    let snapshot = newest_snapshot(&old);
    let start = snapshot.as_ref().map_or(0, |(seq, _)| *seq);
    let facts = whole_facts(&old, start);
    if snapshot.is_none() && facts.is_empty() {
        return Ok(None);
    }
    let transaction = into.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some((seq, state)) = &snapshot {
        transaction.execute("INSERT INTO snapshot (seq, state) VALUES (?1, ?2)", params![seq.cast_signed(), state])?;
    }
    write(&transaction, facts.iter())?;
    transaction.commit()?;
    Ok(Some(facts.last().map_or(start, |last| last.seq)))
}

fn newest_snapshot(old: &Connection) -> Option<(u64, Vec<u8>)> {
    (0..2).find_map(|back| {
        let sql = "SELECT seq, state FROM snapshot ORDER BY seq DESC LIMIT 1 OFFSET ?1";
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?));
        old.query_row(sql, [back], row).ok()
    })
}

/// Facts after `start` without a hole, each of them readable.
fn whole_facts(old: &Connection, start: u64) -> Vec<Unsaved> {
    let mut facts = Vec::new();
    let sql = "SELECT seq, at, fact FROM journal WHERE seq > ?1 ORDER BY seq";
    let Ok(mut statement) = old.prepare(sql) else { return facts };
    let Ok(mut rows) = statement.query([start.cast_signed()]) else { return facts };
    while let Ok(Some(row)) = rows.next() {
        let Ok(fact) = read(row) else { break };
        if fact.seq != start + 1 + facts.len() as u64 || serde_json::from_str::<Record>(&fact.fact).is_err() {
            break;
        }
        facts.push(fact);
    }
    facts
}

fn read(row: &Row<'_>) -> rusqlite::Result<Unsaved> {
    Ok(Unsaved { seq: row.get::<_, i64>(0)?.unsigned_abs(), at: row.get(1)?, fact: row.get(2)? })
}
