//! Lengths of names that have worked in a pod. A length is a lever of ours: one that the partner has
//! never taken may be refused for its own sake, and says nothing about a trouble.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Which lengths have worked at least once, and how often the others have failed.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct ProvenLengths {
    green: BTreeSet<u8>,
    red: BTreeMap<u8, u32>,
}

impl ProvenLengths {
    /// True if a token with such a name has worked.
    pub fn is_green(&self, length: u8) -> bool {
        self.green.contains(&length)
    }

    /// A token with such a name worked.
    pub fn passed(&mut self, length: u8) {
        if self.green.insert(length) {
            self.red.remove(&length);
        }
    }

    /// A token with such a name failed, and none has ever worked.
    pub fn failed(&mut self, length: u8) {
        let failures = self.red.entry(length).or_default();
        *failures = failures.saturating_add(1);
    }

    /// The most failures of one length that has never worked.
    pub fn most_failures(&self) -> u32 {
        self.red.values().copied().max().unwrap_or(0)
    }

    /// Forgets the failures.
    pub fn forget_red(&mut self) {
        self.red.clear();
    }
}
