//! What a rule found, and where it is waived.

use std::collections::BTreeSet;

/// A rule, a place (path, or path#function), and why the rule cannot hold there.
const WAIVERS: &[(&str, &str, &str)] = &[
    ("mod", "src/plan/mod.rs", "the folder's one value, `Plan`, and nothing else"),
    ("sleep", "tests/product/bed.rs", "other processes tell nobody when they are ready"),
];

/// What one rule found.
pub(crate) struct Findings {
    rule: &'static str,
    rows: Vec<String>,
    waived: BTreeSet<&'static str>,
}

impl Findings {
    pub(crate) fn new(rule: &'static str) -> Self {
        Self { rule, rows: Vec::new(), waived: BTreeSet::new() }
    }

    pub(crate) fn add(&mut self, place: &str, line: usize, what: String) {
        match WAIVERS.iter().find(|(rule, path, _)| *rule == self.rule && *path == place) {
            Some((_, path, _)) => {
                self.waived.insert(path);
            }
            None => self.rows.push(format!("{place}:{line}: {what}")),
        }
    }

    /// Fails with all of it; and with the waivers that were not needed.
    #[track_caller]
    pub(crate) fn none(mut self) {
        for (rule, path, why) in WAIVERS {
            if *rule == self.rule && !self.waived.contains(path) {
                self.rows.push(format!("{path}: the waiver of `{rule}` ({why}) is not needed any more"));
            }
        }
        assert!(self.rows.is_empty(), "\n{} broken:\n{}\n", self.rule, self.rows.join("\n"));
    }
}
