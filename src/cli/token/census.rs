//! `ringcheck token census`: counts what the names of a pod's agents look like, so that our tokens
//! can be as theirs are. Only counts leave it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;

use crate::cli::ending::{Ending, Failure};
use crate::cli::globals::Globals;
use crate::cli::input::InputArgs;
use crate::cli::output::{self, Format};
use crate::model::TokenKind;
use crate::partner::twilio::{Reading, name_features};
use crate::plan::AgentNames;
use crate::token::{CharacterClass, NAME_CHARACTERS_MAX, NameFeatures};

/// Count what agents' names look like: lengths and characters, for a pod's [tokens] population
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck token census < names.txt
  product list-agents pod-14 | ringcheck token census --kind access
  ringcheck token census --file tokens.txt --format json

One name or token a line. The text can be put into config/pods/POD.toml as it is. Only counts are
printed, and nothing is stored.")]
pub struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The kind of token that holds these names; tokens tell their own
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Access,
    Capability,
}

/// Reads names and tokens and prints the counts.
pub fn run(args: &Args, _: &Globals) -> Result<Ending, Failure> {
    let input = args.input.read()?;
    let kind = args.kind.map(|kind| match kind {
        Kind::Access => TokenKind::Access,
        Kind::Capability => TokenKind::Capability,
    });
    let census = Census::of(input.lines(), kind);
    match args.format {
        Format::Json => output::write_json(&census.answer())?,
        Format::Text => output::write(&census.toml())?,
    }
    Ok(Ending::Well)
}

type Alike = (Option<TokenKind>, usize, BTreeSet<CharacterClass>);

/// Counts by kind, length and characters.
#[derive(Default)]
struct Census {
    counts: BTreeMap<Alike, u64>,
    tokens: u64,
    without_name: u64,
    too_long: u64,
}

#[derive(Serialize)]
struct Answer {
    /// Names that were counted.
    agents: u64,
    /// How many of the lines were tokens.
    tokens: u64,
    /// Tokens in which no name could be read.
    without_name: u64,
    /// Names that no partner takes.
    too_long: u64,
    names: Vec<Row>,
    /// What to write into a pod's file.
    population: Vec<Entry>,
}

#[derive(Serialize)]
struct Row {
    kind: Option<TokenKind>,
    #[serde(flatten)]
    features: NameFeatures,
    agents: u64,
}

#[derive(Serialize)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<TokenKind>,
    length: usize,
    agents: u64,
    other_characters: u64,
}

impl Census {
    fn of<'l>(lines: impl Iterator<Item = &'l [u8]>, kind: Option<TokenKind>) -> Self {
        let mut census = Self::default();
        for line in lines {
            let reading = Reading::of(line);
            // A name such as a.b.c is no token: nothing in it is base64url of JSON.
            let is_token = reading.kind.is_some() || !reading.header.is_empty();
            census.tokens += u64::from(is_token);
            let found = if is_token {
                reading.name.map(|features| (reading.kind, features))
            } else {
                Some((kind, name_features(&String::from_utf8_lossy(line), kind)))
            };
            match found {
                None => census.without_name += 1,
                Some((_, features)) if features.length > usize::from(NAME_CHARACTERS_MAX) => census.too_long += 1,
                Some((_, features)) if features.length == 0 => census.without_name += 1,
                Some((kind, features)) => {
                    *census.counts.entry((kind, features.length, features.classes)).or_default() += 1;
                }
            }
        }
        census
    }

    fn agents(&self) -> u64 {
        self.counts.values().sum()
    }

    fn answer(&self) -> Answer {
        let row = |((kind, length, classes), agents): (&Alike, &u64)| {
            let features = NameFeatures { length: *length, residue: length % 3, classes: classes.clone() };
            Row { kind: *kind, features, agents: *agents }
        };
        Answer {
            agents: self.agents(),
            tokens: self.tokens,
            without_name: self.without_name,
            too_long: self.too_long,
            names: self.counts.iter().map(row).collect(),
            population: self.population(),
        }
    }

    /// By kind and length; large numbers are scaled down, since only their proportions count.
    fn population(&self) -> Vec<Entry> {
        let mut rows: BTreeMap<(Option<TokenKind>, usize), (u64, u64)> = BTreeMap::new();
        for ((kind, length, classes), agents) in &self.counts {
            let row = rows.entry((*kind, *length)).or_default();
            row.0 += agents;
            row.1 += if classes.iter().all(|class| class.is_ours()) { 0 } else { *agents };
        }
        let most = rows.values().map(|(agents, _)| *agents).max().unwrap_or(0);
        let divisor = most / u64::from(AgentNames::MAX) + 1;
        let entry = |((kind, length), (agents, other)): ((Option<TokenKind>, usize), (u64, u64))| Entry {
            kind,
            length,
            agents: agents.div_ceil(divisor),
            other_characters: other.div_ceil(divisor),
        };
        rows.into_iter().map(entry).collect()
    }

    /// For a pod's file, with what people want to know as comments.
    fn toml(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "# {} names ({} of the lines were tokens).", self.agents(), self.tokens);
        for (count, what) in [(self.without_name, "without a name"), (self.too_long, "with a name that is too long")] {
            if count > 0 {
                let _ = writeln!(text, "# Not counted: {count} {what}.");
            }
        }
        if self.agents() == 0 {
            return text;
        }
        let by_residue = |wanted: usize| {
            let alike = self.counts.iter().filter(|((_, length, _), _)| length % 3 == wanted);
            self.percent(alike.map(|(_, agents)| agents).sum())
        };
        let _ = writeln!(text, "# Length mod 3: 0 {}, 1 {}, 2 {}.", by_residue(0), by_residue(1), by_residue(2));
        let mut classes: BTreeMap<CharacterClass, u64> = BTreeMap::new();
        for ((_, _, of), agents) in &self.counts {
            of.iter().for_each(|class| *classes.entry(*class).or_default() += agents);
        }
        let classes: Vec<String> =
            classes.iter().map(|(class, agents)| format!("{class} in {}", self.percent(*agents))).collect();
        let _ = writeln!(text, "# Characters: {}.", classes.join(", "));
        text.push_str("[tokens]\npopulation = [\n");
        for Entry { kind, length, agents, other_characters } in self.population() {
            let kind = kind.map_or_else(String::new, |kind| format!("kind = \"{kind}\", "));
            let other =
                if other_characters > 0 { format!(", other_characters = {other_characters}") } else { String::new() };
            let _ = writeln!(text, "    {{ {kind}length = {length}, agents = {agents}{other} }},");
        }
        text.push_str("]\n");
        text
    }

    fn percent(&self, agents: u64) -> String {
        format!("{:.1} %", agents as f64 * 100.0 / self.agents().max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn token(payload: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode("{\"alg\":\"HS256\"}"), URL_SAFE_NO_PAD.encode(payload))
    }

    fn census(kind: Option<TokenKind>) -> Census {
        let lines = [
            "agent_101".to_owned(),
            "agent_102".to_owned(),
            "ann.bee.c@x.org".to_owned(),
            "Zoë".to_owned(),
            "x".repeat(200),
            token("{\"grants\":{\"identity\":\"agent_77\"}}"),
            token("{\"scope\":\"scope:client:incoming?clientName=a%40b\"}"),
            token("{\"grants\":{}}"),
        ];
        Census::of(lines.iter().map(String::as_bytes), kind)
    }

    #[test]
    fn names_are_counted_and_forgotten() {
        insta::assert_snapshot!(census(None).toml());
        insta::assert_json_snapshot!(census(Some(TokenKind::Capability)).answer());
        assert_eq!(Census::default().toml(), "# 0 names (0 of the lines were tokens).\n");
    }

    #[test]
    fn what_is_printed_can_stand_in_a_pods_file() {
        let pod = include_str!("../../../config/pods/pod-14.toml");
        let text = format!("{pod}\n{}", census(None).toml());
        let table: toml::Table = toml::from_str(&text).expect("it is TOML");
        assert_eq!(table["tokens"]["population"].as_array().map(Vec::len), Some(5));
    }

    #[test]
    fn large_counts_are_scaled() {
        let counts = [(24, 5_000_000), (25, 3)].map(|(length, agents)| ((None, length, BTreeSet::new()), agents));
        let census = Census { counts: counts.into_iter().collect(), ..Census::default() };
        let agents: Vec<u64> = census.population().iter().map(|entry| entry.agents).collect();
        assert_eq!(agents, [833_334, 1]);
    }
}
