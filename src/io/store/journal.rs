//! The journal: every fact, in order, durable before any effect leaves the process.

use rusqlite::{Transaction, TransactionBehavior, params};

use crate::engine::Record;
use crate::model::Timestamp;

use super::unsaved_tail::Unsaved;
use super::{Store, StoreError};

/// What came back from the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadBack {
    /// Facts that were handed over.
    pub read: u64,
    /// Facts that this version does not know (a newer one wrote them). They stay in the journal.
    pub skipped: u64,
}

impl Store {
    /// Appends a turn's facts in one durable transaction, after those that an earlier append
    /// could not save; returns the number of the last one.
    ///
    /// # Errors
    /// The disk refused. The facts are kept in memory (bounded, see [`Store::unsaved`]) and are
    /// tried again with the next call; the caller carries the turn's effects out all the same.
    pub fn append(&mut self, at: Timestamp, records: &[Record]) -> Result<u64, StoreError> {
        for record in records {
            let fact = serde_json::to_string(record).expect("a record has string keys and finite numbers only");
            self.unsaved.push(Unsaved { seq: self.next_seq, at: at.as_millis(), fact });
            self.next_seq += 1;
        }
        if self.unsaved.len() > 0 {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            write(&transaction, self.unsaved.iter())?;
            transaction.commit()?;
            self.unsaved.clear();
        }
        Ok(self.last_seq())
    }

    /// Facts that wait in memory because the disk refused them, and how many were lost because it
    /// refused for too long.
    pub fn unsaved(&self) -> (usize, u64) {
        (self.unsaved.len(), self.unsaved.dropped())
    }

    /// Hands over the facts after number `seq`, in order.
    pub fn read_from(&self, seq: u64, mut take: impl FnMut(u64, Record)) -> Result<ReadBack, StoreError> {
        let mut statement = self.connection.prepare("SELECT seq, fact FROM journal WHERE seq > ?1 ORDER BY seq")?;
        let mut rows = statement.query([seq.cast_signed()])?;
        let mut back = ReadBack::default();
        while let Some(row) = rows.next()? {
            let (seq, fact): (i64, String) = (row.get(0)?, row.get(1)?);
            match serde_json::from_str(&fact) {
                Ok(record) => {
                    take(seq.unsigned_abs(), record);
                    back.read += 1;
                }
                Err(_) => back.skipped += 1,
            }
        }
        Ok(back)
    }
}

pub(super) fn write<'a>(
    transaction: &Transaction<'_>,
    facts: impl Iterator<Item = &'a Unsaved>,
) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached("INSERT INTO journal (seq, at, fact) VALUES (?1, ?2, ?3)")?;
    for unsaved in facts {
        insert.execute(params![unsaved.seq.cast_signed(), unsaved.at, unsaved.fact])?;
    }
    Ok(())
}
