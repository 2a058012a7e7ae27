//! What the pages need of the past: attempts as the store keeps them.

use std::sync::{Mutex, PoisonError};

use crate::io::store::{AttemptQuery, HistoryReader, RecordedAttempt, StoreError};
use crate::model::AttemptId;

/// The past. Calls may block on the disk: callers move them off the asynchronous threads.
pub trait History: Send + Sync + 'static {
    /// Attempts, newest first.
    fn attempts(&self, wanted: &AttemptQuery) -> Result<Vec<RecordedAttempt>, StoreError>;

    /// One attempt, if it is still kept.
    fn attempt(&self, id: AttemptId) -> Result<Option<RecordedAttempt>, StoreError>;
}

/// The store's reader takes one query at a time.
impl History for Mutex<HistoryReader> {
    fn attempts(&self, wanted: &AttemptQuery) -> Result<Vec<RecordedAttempt>, StoreError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).attempts(wanted)
    }

    fn attempt(&self, id: AttemptId) -> Result<Option<RecordedAttempt>, StoreError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).attempt(id)
    }
}
