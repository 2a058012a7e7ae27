//! Snapshots: the state after a fact, so that a restart need not read the journal from its start.

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{Store, StoreError};

/// Snapshots that are kept: the newest, and the one before it in case the newest cannot be read
/// by an older version.
const SNAPSHOTS_KEPT: u32 = 2;

impl Store {
    /// Keeps the state as it is after fact `seq`, and forgets what only older snapshots needed.
    /// Facts up to `seq` that the disk had refused so far need not be saved any more.
    pub fn write_snapshot(&mut self, state: &[u8], seq: u64) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT OR REPLACE INTO snapshot (seq, state) VALUES (?1, ?2)",
            params![seq.cast_signed(), state],
        )?;
        transaction.execute(
            "DELETE FROM snapshot WHERE seq NOT IN (SELECT seq FROM snapshot ORDER BY seq DESC LIMIT ?1)",
            [SNAPSHOTS_KEPT],
        )?;
        // With a single snapshot nothing is cut: the journal alone must be able to tell it all.
        transaction.execute(
            "DELETE FROM journal WHERE seq <= (SELECT min(seq) FROM snapshot HAVING count(*) = ?1)",
            [SNAPSHOTS_KEPT],
        )?;
        transaction.commit()?;
        self.unsaved.forget_up_to(seq);
        Ok(())
    }

    /// The newest snapshot and the number of the last fact in it.
    pub fn read_snapshot(&self) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        self.snapshot_at(0)
    }

    /// The one before the newest, for a state that this version cannot read.
    pub fn read_older_snapshot(&self) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        self.snapshot_at(1)
    }

    fn snapshot_at(&self, back: u32) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        let sql = "SELECT state, seq FROM snapshot ORDER BY seq DESC LIMIT 1 OFFSET ?1";
        let found =
            self.connection.query_row(sql, [back], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).optional()?;
        Ok(found.map(|(state, seq)| (state, seq.unsigned_abs())))
    }
}
