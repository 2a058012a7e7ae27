//! What can go wrong with the store, in words for its owner.

use std::path::PathBuf;

/// Why the store could not do something. None of these stops a page: the caller goes on and
/// raises a trouble about itself.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or file cannot be used at all.
    #[error("cannot use {} as the store; check that the folder exists and may be written to", path.display())]
    Unusable {
        /// The configured file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process holds it.
    #[error("the store {} is in use by another ringcheck; stop that one, or give this one a [store] path of its own", path.display())]
    InUse {
        /// The configured file.
        path: PathBuf,
    },
    /// A later version of ringcheck has changed its tables.
    #[error(
        "the store {} has schema {found}, this ringcheck knows {known}; install the newer version again, or move the file away to begin anew",
        path.display()
    )]
    Newer {
        /// The configured file.
        path: PathBuf,
        /// Schema version found.
        found: u32,
        /// Newest schema version known.
        known: u32,
    },
    /// No room.
    #[error("the disk that holds the store is full; free some space, or lower [store] disk_max")]
    Full(#[source] rusqlite::Error),
    /// Its pages contradict each other.
    #[error("the store is damaged; it is set aside and begun anew at the next start")]
    Damaged(#[source] rusqlite::Error),
    /// Anything else that SQLite said.
    #[error("the store cannot be read or written")]
    Database(#[source] rusqlite::Error),
}

impl StoreError {
    /// True where the file's content is the trouble, and not the disk or the system around it.
    pub const fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Unusable { .. } | Self::InUse { .. } | Self::Newer { .. } | Self::Full(_) | Self::Database(_) => {
                false
            }
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(error),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error),
            _ => Self::Database(error),
        }
    }
}
