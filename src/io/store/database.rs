//! The file: opened, locked, checked, and begun anew where it is damaged.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::model::Timestamp;
use crate::plan::StoreSettings;

use super::history::PendingReport;
use super::unsaved_tail::UnsavedTail;
use super::{HistoryReader, StoreError, salvage, schema};

/// How long a write waits for a reader's lock; readers only hold one while the log is folded back.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// The write-ahead log is cut back to this size after it was folded in, in bytes.
const LOG_BYTES_MAX: u32 = 8 << 20;
/// Files up to this size are checked whole when they are opened (about two seconds); of larger
/// ones only what a restart needs: journal and snapshots.
const CHECKED_WHOLE_BYTES_MAX: u64 = 512 << 20;

/// The embedded store of one node.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    pub(super) settings: StoreSettings,
    /// The number that the next fact gets.
    pub(super) next_seq: u64,
    pub(super) unsaved: UnsavedTail,
    pub(super) pending: Vec<PendingReport>,
    /// Attempt reports that were not kept because the disk refused them for too long.
    pub(super) reports_dropped: u64,
    /// Held for as long as the store is; the system frees it even after kill -9.
    _lock: File,
}

/// What was found when the store was opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Set if the old file was damaged; the caller raises `Trouble::Store`.
    pub damage: Option<Damage>,
}

/// A damaged file that was set aside.
#[derive(Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where it is now.
    pub moved_to: PathBuf,
    /// What was wrong.
    pub what: String,
    /// The last fact that could be carried over into the new file; `None` if nothing could.
    pub salvaged_to: Option<u64>,
}

impl Store {
    /// Opens the store, or makes it. A damaged file is renamed to `….damaged-<ms>` and a new one
    /// is begun with what a restart needs, as far as it was still whole.
    ///
    /// # Errors
    /// The path cannot be used, another process holds it, or a newer version wrote it.
    pub fn open(settings: &StoreSettings, now: Timestamp) -> Result<(Self, Opened), StoreError> {
        let path = &settings.path;
        let unusable = |source| StoreError::Unusable { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(unusable)?;
        }
        let lock = lock(path)?;
        let mut opened = Opened::default();
        let connection = match connect(path) {
            Err(error) if error.is_damage() => {
                let moved_to = set_aside(path, now).map_err(unusable)?;
                let mut connection = connect(path)?;
                let salvaged_to = salvage::carry_over(&moved_to, &mut connection)?;
                opened.damage = Some(Damage { moved_to, what: cause(&error), salvaged_to });
                connection
            }
            other => other?,
        };
        let next_seq = last_seq(&connection)? + 1;
        let store = Self {
            connection,
            settings: settings.clone(),
            next_seq,
            unsaved: UnsavedTail::default(),
            pending: Vec::new(),
            reports_dropped: 0,
            _lock: lock,
        };
        Ok((store, opened))
    }

    /// Takes retention and budget from a newly read plan. The path stays: it needs a restart.
    pub fn reconfigure(&mut self, settings: &StoreSettings) {
        self.settings = StoreSettings { path: self.settings.path.clone(), ..settings.clone() };
    }

    /// A read-only connection of its own, for HTTP: it never makes the engine wait.
    pub fn reader(&self) -> Result<HistoryReader, StoreError> {
        HistoryReader::open(&self.settings.path)
    }

    /// The number of the newest fact, saved or not; 0 before the first.
    pub const fn last_seq(&self) -> u64 {
        self.next_seq - 1
    }

    /// Bytes that the file uses, without pages that are free to be used again.
    pub fn used_bytes(&self) -> Result<u64, StoreError> {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
        let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
        Ok(u64::from(pages) * u64::from(pragma("page_size")?))
    }
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let unusable = |source| StoreError::Unusable { path: path.to_owned(), source };
    let beside = with_suffix(path, ".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(beside).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// Opens and checks; brings the tables up to date.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    // Only has an effect before the first table: lets `sweep` give pages back to the disk.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // A fact must be on the disk before its effect leaves the process, power cuts included.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_MAX, |_| Ok(()))?;
    let found = schema::version(&connection)?;
    if found > schema::NEWEST {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: schema::NEWEST });
    }
    if found > 0 {
        check(&connection, path)?;
    }
    schema::migrate(&mut connection)?;
    Ok(connection)
}

/// Reads through the pages, so that damage shows now and not in the middle of an incident.
fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let whole = std::fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_WHOLE_BYTES_MAX);
    let checks: &[&str] = if whole {
        &["PRAGMA quick_check(1)"]
    } else {
        &["PRAGMA quick_check(journal)", "PRAGMA quick_check(snapshot)"]
    };
    for sql in checks {
        let said: String = connection.query_row(sql, [], |row| row.get(0))?;
        if said != "ok" {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(StoreError::Damaged(rusqlite::Error::SqliteFailure(code, Some(said))));
        }
    }
    Ok(())
}

fn last_seq(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT max(coalesce((SELECT max(seq) FROM journal), 0), coalesce((SELECT max(seq) FROM snapshot), 0))";
    let seq: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(seq.unsigned_abs())
}

/// Renames the file and its log; returns the new name of the file.
fn set_aside(path: &Path, now: Timestamp) -> std::io::Result<PathBuf> {
    let moved_to = with_suffix(path, &format!(".damaged-{}", now.as_millis()));
    std::fs::rename(path, &moved_to)?;
    for suffix in ["-wal", "-shm"] {
        match std::fs::rename(with_suffix(path, suffix), with_suffix(&moved_to, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(moved_to)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn cause(error: &StoreError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
