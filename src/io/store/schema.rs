//! The tables, by version. A step is never changed once it was released; a new one is added.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// Step `n` brings a file from schema `n` to `n + 1`.
const STEPS: [&str; 1] = ["
    CREATE TABLE journal (
        seq  INTEGER PRIMARY KEY,   -- from 1, without holes while the disk can be written
        at   INTEGER NOT NULL,      -- the turn's moment, milliseconds since the epoch
        fact TEXT    NOT NULL       -- one Record as JSON
    );
    CREATE TABLE snapshot (
        seq   INTEGER PRIMARY KEY,  -- the last fact that the state contains
        state BLOB    NOT NULL
    );
    CREATE TABLE attempt (
        row     INTEGER PRIMARY KEY,
        id      INTEGER NOT NULL,   -- the attempt's id, its 64 bits as a signed number
        pod     TEXT    NOT NULL,
        probe   TEXT    NOT NULL,
        role    TEXT    NOT NULL,
        well    INTEGER NOT NULL,   -- 1 if completed with nothing to complain about
        outcome TEXT    NOT NULL,   -- completed, degraded, failed, throttled, lost
        started INTEGER NOT NULL,
        report  TEXT    NOT NULL    -- the AttemptReport as JSON
    );
    CREATE INDEX attempt_by_id   ON attempt (id);
    CREATE INDEX attempt_by_pod  ON attempt (pod, started);
    CREATE INDEX attempt_by_age  ON attempt (well, started);
"];

/// The newest schema that this version knows.
pub(super) const NEWEST: u32 = STEPS.len() as u32;

/// The schema version of a file; 0 for a new one.
pub(super) fn version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Brings a file to the newest schema, each step in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    for (step, sql) in (1u32..).zip(STEPS) {
        if step <= found {
            continue;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", step)?;
        transaction.commit()?;
    }
    Ok(())
}
