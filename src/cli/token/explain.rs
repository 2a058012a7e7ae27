//! `ringcheck token explain`: what the text of a token looks like. Any text has a shape, so that
//! nothing is refused; what cannot be read is said.

use std::fmt::Write as _;
use std::io::IsTerminal;

use serde::Serialize;

use crate::cli::ending::{Ending, Failure};
use crate::cli::globals::Globals;
use crate::cli::input::InputArgs;
use crate::cli::output::{self, Color, Format};
use crate::io::clock;
use crate::model::{Symbol, Timestamp, TokenKind};
use crate::partner::twilio::Reading;
use crate::token::{NameFeatures, PartAnatomy, parts_of};

use super::picture;

/// Show what tokens look like: where `-` and `_` stand, lengths, kind, name, times
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck token explain < token.txt
  ringcheck token explain --file tokens.txt --format json

One token a line. Nothing is stored, sent or refused; signatures are not checked.")]
pub struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Show the text itself instead of dots; on a terminal only
    #[arg(long)]
    show: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads the tokens and prints what they look like.
pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    let input = args.input.read()?;
    let now = clock::now();
    let count = input.lines().count();
    if count == 0 {
        return Err(Failure::Usage("there is no token: give one a line on standard input, or --file".to_owned()));
    }
    let explained = input.lines().enumerate().map(|(place, text)| Explained::of(place + 1, text, now));
    if args.format == Format::Json {
        output::write_json(&Answer { tokens: explained.collect() })?;
        return Ok(Ending::Well);
    }
    let out = std::io::stdout();
    let (color, show) = (globals.color.on(&out), args.show && out.is_terminal());
    if args.show && !show {
        eprintln!("The text is shown on a terminal only.");
    }
    for (token, text) in explained.zip(input.lines()) {
        output::write(&token.picture(text, count, show, color))?;
    }
    Ok(Ending::Well)
}

#[derive(Serialize)]
struct Answer {
    tokens: Vec<Explained>,
}

/// What a token looks like; never its text.
#[derive(Serialize)]
struct Explained {
    /// Which line it was, from 1; empty ones are not counted.
    number: usize,
    /// Length of the whole text in bytes.
    length: usize,
    kind: Option<TokenKind>,
    parts: Vec<Part>,
    /// Members of the header.
    header: serde_json::Map<String, serde_json::Value>,
    name: Option<NameFeatures>,
    /// From the begin of its validity (or from when it was issued) to its end.
    lifetime_s: Option<i64>,
    /// Until `exp`; negative if it has passed.
    ends_in_s: Option<i64>,
    /// Since `nbf`; negative if it is yet to come.
    valid_since_s: Option<i64>,
    /// Since `iat`.
    issued_since_s: Option<i64>,
    not_read: Vec<String>,
}

#[derive(Serialize)]
struct Part {
    part: String,
    length: usize,
    length_mod_4: usize,
    cells: Vec<Place>,
    first: Option<Symbol>,
    last: Option<Symbol>,
    pairs: Vec<Pair>,
    /// Bytes that base64url does not have.
    not_base64url: usize,
}

#[derive(Serialize)]
struct Place {
    symbol: Symbol,
    offset: usize,
    offset_mod_4: usize,
}

#[derive(Serialize)]
struct Pair {
    symbols: String,
    offset: usize,
}

impl Explained {
    fn of(number: usize, text: &[u8], now: Timestamp) -> Self {
        let reading = Reading::of(text);
        let now = now.as_secs();
        let begin = reading.not_before.or(reading.issued);
        Self {
            number,
            length: text.len(),
            kind: reading.kind,
            parts: parts_of(text).into_iter().enumerate().map(|(place, part)| Part::of(place, part)).collect(),
            header: reading.header.into_iter().map(|(key, value)| (key, value.into())).collect(),
            name: reading.name,
            lifetime_s: reading.expires.zip(begin).map(|(end, begin)| end.saturating_sub(begin)),
            ends_in_s: reading.expires.map(|end| end.saturating_sub(now)),
            valid_since_s: reading.not_before.map(|begin| now.saturating_sub(begin)),
            issued_since_s: reading.issued.map(|issued| now.saturating_sub(issued)),
            not_read: reading.unread,
        }
    }

    /// For people: each part drawn, then what is to be seen in it.
    fn picture(&self, bytes: &[u8], of: usize, show: bool, color: bool) -> String {
        let mut text = String::new();
        let kind = self.kind.map_or_else(|| "a text".to_owned(), |kind| format!("{kind} token"));
        let title = format!("{} of {of}: {kind}, {}", self.number, characters(self.length));
        let _ = writeln!(text, "{}", Color::Bold.paint(&title, color));
        for (part, bytes) in self.parts.iter().zip(parts_of(bytes)) {
            let _ = writeln!(text, "\n{}, {} ({} mod 4)", part.part, characters(part.length), part.length_mod_4);
            picture::draw(&mut text, bytes, show, color);
            part.tell(&mut text);
        }
        text.push('\n');
        let members: Vec<String> = self.header.iter().map(|(key, value)| format!("{key} {value}")).collect();
        let rows = [
            ("header", (!members.is_empty()).then(|| members.join(", "))),
            ("name", self.name.as_ref().map(name_in_words)),
            ("times", self.times()),
            ("not read", (!self.not_read.is_empty()).then(|| self.not_read.join("; "))),
        ];
        for (label, said) in rows.into_iter().filter_map(|(label, said)| Some((label, said?))) {
            let _ = writeln!(text, "{label:<9}{said}");
        }
        text.push('\n');
        text
    }

    fn times(&self) -> Option<String> {
        let mut said = Vec::new();
        said.extend(self.lifetime_s.map(|life| format!("lives {life} s")));
        said.extend(self.valid_since_s.map(|since| relative("valid", "since", "in", since)));
        said.extend(self.issued_since_s.map(|since| relative("issued", "before", "in", since)));
        said.extend(self.ends_in_s.map(|left| match left {
            1.. => format!("ends in {left} s"),
            _ => format!("ended {} s ago", left.saturating_neg()),
        }));
        (!said.is_empty()).then(|| said.join(", "))
    }
}

fn relative(what: &str, past: &str, future: &str, since: i64) -> String {
    let word = if since < 0 { future } else { past };
    format!("{what} {word} {} s", since.unsigned_abs())
}

fn name_in_words(name: &NameFeatures) -> String {
    let classes: Vec<String> = name.classes.iter().map(ToString::to_string).collect();
    let NameFeatures { length, residue, .. } = name;
    format!("{} ({residue} mod 3) of {}", characters(*length), classes.join(", "))
}

fn characters(count: usize) -> String {
    format!("{count} character{}", if count == 1 { "" } else { "s" })
}

impl Part {
    fn of(place: usize, bytes: &[u8]) -> Self {
        let anatomy = PartAnatomy::of(bytes);
        let name = ["header", "payload", "signature"].get(place).map(|name| (*name).to_owned());
        let cell =
            |(offset, symbol): &(usize, Symbol)| Place { symbol: *symbol, offset: *offset, offset_mod_4: offset % 4 };
        let pair =
            |(offset, [one, other]): &(usize, [Symbol; 2])| Pair { symbols: format!("{one}{other}"), offset: *offset };
        Self {
            part: name.unwrap_or_else(|| format!("part {}", place + 1)),
            length: anatomy.length,
            length_mod_4: anatomy.length % 4,
            cells: anatomy.cells.iter().map(cell).collect(),
            first: anatomy.first(),
            last: anatomy.last(),
            pairs: anatomy.pairs.iter().map(pair).collect(),
            not_base64url: anatomy.foreign,
        }
    }

    fn tell(&self, text: &mut String) {
        /// Cells that are listed one by one.
        const LISTED_MAX: usize = 24;
        let mut said = Vec::new();
        let listed = self.cells.iter().take(LISTED_MAX);
        let cells: Vec<String> =
            listed.map(|cell| format!("{} at {} ({} mod 4)", cell.symbol, cell.offset, cell.offset_mod_4)).collect();
        let more = self.cells.len().saturating_sub(LISTED_MAX);
        said.push(if cells.is_empty() { "no - or _".to_owned() } else { cells.join(", ") });
        said.extend((more > 0).then(|| format!("and {more} more")));
        said.extend(self.first.map(|symbol| format!("begins with {symbol}")));
        said.extend(self.last.map(|symbol| format!("ends with {symbol}")));
        let pairs = self.pairs.iter().take(LISTED_MAX);
        said.extend(pairs.map(|pair| format!("pair {} at {}", pair.symbols, pair.offset)));
        let foreign = self.not_base64url;
        said.extend((foreign > 0).then(|| format!("{} that base64url does not have", characters(foreign))));
        let _ = writeln!(text, "          {}", said.join("; "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_725_996_400_000);
    /// {"alg":"HS256","typ":"JWT"} and a scope with an own name of 21 characters, exp, and nbf.
    const CAPABILITY: &str = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
        "eyJzY29wZSI6InNjb3BlOmNsaWVudDpvdXRnb2luZz9hcHBTaWQ9QVAxJmNsaWVudE5hbWU9cmNfcG9kXzE4X2V1X3dlc3RfN3h4IHNjb3",
        "BlOmNsaWVudDppbmNvbWluZz9jbGllbnROYW1lPXJjX3BvZF8xOF9ldV93ZXN0Xzd4eCIsImV4cCI6MTcyNTk5NzAwMCwibmJmIjoxNzI1",
        "OTk2MzQwfQ.",
        "-_PiTm1mkz15zLl-lOX2NZldWHBRxHpDDj5vab91oI_"
    );

    fn pictures(texts: &[&str]) -> String {
        let picture = |(place, text): (usize, &&str)| {
            Explained::of(place + 1, text.as_bytes(), NOW).picture(text.as_bytes(), texts.len(), false, false)
        };
        texts.iter().enumerate().map(picture).collect()
    }

    #[test]
    fn tokens_are_drawn_for_people() {
        insta::assert_snapshot!(pictures(&[CAPABILITY, "no token", "..", "a.b-.-c=.d"]));
    }

    #[test]
    fn tokens_are_told_to_scripts() {
        let answer = Answer { tokens: vec![Explained::of(1, CAPABILITY.as_bytes(), NOW)] };
        insta::assert_json_snapshot!(answer);
    }

    #[test]
    fn the_text_is_shown_only_if_wanted() {
        let drawn = |show| Explained::of(1, CAPABILITY.as_bytes(), NOW).picture(CAPABILITY.as_bytes(), 1, show, false);
        assert!(drawn(true).contains("PiTm1mkz15zLl"));
        for piece in ["eyJ", "PiTm", "rc_pod", "Zl"] {
            assert!(!drawn(false).contains(piece), "{piece}");
        }
        let steering = "\u{1b}[31m\u{9b}2J";
        let drawn = Explained::of(1, steering.as_bytes(), NOW).picture(steering.as_bytes(), 1, true, false);
        assert!(!drawn.contains(|c: char| c.is_control() && c != '\n'));
    }
}
