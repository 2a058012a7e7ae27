//! The ground truth: what the partner did to whom and why, one JSON object a line. Holds no
//! tokens and no names.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::io::clock;
use crate::model::{PodName, Timestamp};
use crate::sim::twilio::Note;

/// Lines that are kept in memory for the control API.
const LINES_KEPT: usize = 4096;
/// Where the file stops growing, in bytes.
const FILE_MAX: u64 = 1 << 30;

/// The log of the ground truth.
pub(super) struct Truth(Mutex<Inner>);

struct Inner {
    lines: VecDeque<String>,
    file: Option<File>,
    left: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    at: Timestamp,
    time: String,
    pod: &'a PodName,
    connection: u64,
    #[serde(flatten)]
    note: &'a Note,
}

impl Truth {
    /// A log, into a file too if there is one.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(|path| File::options().create(true).append(true).open(path)).transpose()?;
        let written = file.as_ref().map(File::metadata).transpose()?.map_or(0, |meta| meta.len());
        let inner = Inner { lines: VecDeque::new(), file, left: FILE_MAX.saturating_sub(written) };
        Ok(Self(Mutex::new(inner)))
    }

    /// Writes what was done to a connection.
    pub(super) fn write(&self, pod: &PodName, connection: u64, note: &Note) {
        let at = clock::now();
        let line = Line { at, time: at.to_rfc3339(), pod, connection, note };
        let mut text = serde_json::to_string(&line).expect("plain data becomes JSON");
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.lines.len() == LINES_KEPT {
            inner.lines.pop_front();
        }
        inner.lines.push_back(text.clone());
        text.push('\n');
        inner.append(text.as_bytes());
    }

    /// The last lines, oldest first.
    pub(super) fn last(&self, count: usize) -> Vec<String> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.lines.iter().skip(inner.lines.len().saturating_sub(count)).cloned().collect()
    }
}

impl Inner {
    fn append(&mut self, line: &[u8]) {
        let Some(file) = &mut self.file else { return };
        let length = line.len() as u64;
        if length > self.left {
            tracing::warn!("the ground truth's file is full; no more is written to it");
            self.file = None;
        } else if let Err(error) = file.write_all(line) {
            tracing::warn!(%error, "the ground truth cannot be written; no more is written to its file");
            self.file = None;
        } else {
            self.left -= length;
        }
    }
}
