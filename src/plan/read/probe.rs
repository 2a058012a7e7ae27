//! `probes/*.toml`.

use crate::model::{ProbeName, TokenKind};
use crate::plan::{Deadlines, Probe, ProbeKind};

use super::call;
use super::table::{Placed, Table};
use super::{Place, Problems};

/// A probe whose pods are not resolved yet.
pub struct ProbeDraft {
    /// All of it but its pods, if all of it is right.
    pub probe: Option<Probe>,
    /// Where its kind stands.
    pub kind_place: Place,
    /// In which pods.
    pub pods: Vec<Placed<String>>,
    /// Where its token kinds stand.
    pub kinds_place: Place,
    /// True if the kinds were chosen, not the default.
    pub kinds_written: bool,
    /// Where its number of attempts stands.
    pub attempts_place: Place,
}

impl ProbeDraft {
    /// Reads the whole file; its name is the file's.
    pub fn read(stem: &str, table: &Table<'_>, problems: &mut Problems) -> Self {
        let name = ProbeName::parse(stem).map_err(|why| {
            let hint = "rename the file: it gives the probe its name".to_owned();
            problems.push(table.place("kind"), format!("the file's name cannot be a probe's name: {why}"), Some(hint));
        });
        let pods = table.texts("pods");
        let tokens = table.table("tokens");
        let deadlines = table.table("deadlines");
        Self {
            probe: Self::probe(name.ok(), table, tokens.as_ref(), deadlines.as_ref()),
            pods,
            kind_place: table.place("kind"),
            kinds_place: tokens.as_ref().map_or_else(|| table.place("tokens"), |tokens| tokens.place("kinds")),
            kinds_written: tokens.as_ref().is_some_and(|tokens| tokens.has("kinds")),
            attempts_place: table.place("attempts"),
        }
    }

    fn probe(
        name: Option<ProbeName>,
        table: &Table<'_>,
        tokens: Option<&Table<'_>>,
        deadlines: Option<&Table<'_>>,
    ) -> Option<Probe> {
        let kind = table.text("kind").map(|word| match word.as_str() {
            "outbound-call" => ProbeKind::OutboundCall,
            "inbound-call" => ProbeKind::InboundCall,
            _ => ProbeKind::Connection,
        });
        let call = kind.and_then(|kind| call::settings(kind, table));
        let (schedule, attempts) = (table.schedule("schedule"), table.integer("attempts"));
        let (hold, pages) = (table.duration("hold"), table.flag("pages"));
        let kinds = tokens.map(token_kinds);
        let deadlines = deadlines.and_then(|table| {
            let (step, hangup) = (table.duration("step"), table.duration("hangup"));
            Some(Deadlines { step: step?, hangup: hangup? })
        });
        let kind = kind?;
        if kind != ProbeKind::Connection && call.is_none() {
            return None;
        }
        Some(Probe {
            name: name?,
            kind,
            schedule: schedule?,
            pods: Vec::new(),
            attempts,
            kinds: kinds?,
            deadlines: deadlines?,
            hold: hold?,
            call,
            pages: pages?,
        })
    }
}

fn token_kinds(table: &Table<'_>) -> Vec<TokenKind> {
    let words = table.texts("kinds");
    let mut kinds: Vec<TokenKind> = Vec::new();
    for word in words {
        let Some(kind) = TokenKind::ALL.into_iter().find(|kind| kind.as_str() == word.value) else { continue };
        if kinds.contains(&kind) {
            table.mistake("kinds", format!("{kind} is there twice"), "name each kind once");
        }
        kinds.push(kind);
    }
    kinds
}
