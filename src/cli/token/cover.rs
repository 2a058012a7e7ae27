//! `ringcheck token cover`: a set of tokens that holds every place that a pod's tokens can hold.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::cli::PlanDirs;
use crate::cli::ending::{Ending, Failure};
use crate::cli::globals::Globals;
use crate::cli::output::{self, Color, Format};
use crate::cli::trial;
use crate::io::clock::{self, Stopwatch};
use crate::io::{config_files, secrets};
use crate::model::{Cell, KeySlot, Segment, SignatureCells, Symbol, Timestamp, TokenKind};
use crate::partner::twilio::SigningKey;
use crate::plan::{PartnerAccount, Plan, Pod, TokenSource};
use crate::token::Reach;

use super::missing::{Missing, missing};
use super::picture;
use super::set::{ClassKey, ClassSet, Search, SetToken};

/// Mint one period's cover of a pod as a set of tokens, and show it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck token cover pod-14
  ringcheck token cover pod-14 --format json --show    the tokens themselves, to try them elsewhere

The tokens are real and signed with the pod's keys; they are not sent, logged or stored.
Exit codes: 0 every cell is held, 1 not all (raise --candidates), 2 a mistake in the configuration or
the arguments, 3 a key cannot be read.")]
pub struct Args {
    /// Which pod
    pod: String,
    /// How many candidates are signed for each kind and key
    #[arg(long, value_name = "NUMBER", default_value_t = 500_000, value_parser = clap::value_parser!(u32).range(1_000..=2_000_000))]
    candidates: u32,
    /// With --format json: put the tokens' texts in
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    dirs: PlanDirs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Mints the set and prints it.
pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    let plan = config_files::read(&args.dirs.config, &args.dirs.probes)?.plan;
    let pod = trial::pod(&plan, &args.pod)?;
    let cover = PodCover::mint(&plan, &pod, args.candidates, clock::now())?;
    match args.format {
        Format::Json => output::write_json(&cover.answer(args.show))?,
        Format::Text => {
            if args.show {
                eprintln!("The tokens' texts are only in JSON: add --format json.");
            }
            output::write(&cover.text(globals.color.on(&std::io::stdout())))?;
        }
    }
    Ok(Ending::well_if(cover.is_complete()))
}

/// A pod's set.
struct PodCover {
    pod: Arc<Pod>,
    reach: Reach,
    classes: Vec<ClassSet>,
    seconds: f64,
}

#[derive(Serialize)]
struct Answer {
    pod: String,
    tokens: Vec<TokenAnswer>,
    /// What can exist, for each kind and key.
    cells_reachable: Vec<ClassCells>,
    /// What the tokens hold of it.
    cells_covered: Vec<ClassCells>,
    /// Cells that cannot exist, and why.
    cells_impossible: Vec<Missing>,
    /// Fewer of the candidates cannot hold all signature cells; the sum over kinds and keys.
    lower_bound: u64,
    /// How many were signed.
    candidates: u64,
    seconds: f64,
}

#[derive(Serialize)]
struct TokenAnswer {
    kind: TokenKind,
    key: KeySlot,
    name_length: u8,
    lengths: [u16; 3],
    signature_cells: Vec<Cell>,
    payload_cells: Vec<Cell>,
    /// Cells that no token before it holds.
    new_cells: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Serialize, PartialEq, Eq, Debug)]
struct ClassCells {
    kind: TokenKind,
    key: KeySlot,
    signature: usize,
    payload: usize,
}

impl PodCover {
    fn mint(plan: &Plan, pod: &Arc<Pod>, candidates: u32, now: Timestamp) -> Result<Self, Failure> {
        let TokenSource::Minted { ttl_s, .. } = &pod.tokens else {
            let why = "its tokens come from the product's endpoint, so that nothing of them can be chosen";
            return Err(Failure::Usage(format!("{}: {why}", pod.name)));
        };
        let PartnerAccount::Twilio(account) = &pod.partner;
        let location = &plan.node.location.name;
        let reach = pod.reach(location);
        let watch = Stopwatch::start();
        let search = Search { pod, account, location, reach: &reach, now, ttl_s: *ttl_s, candidates };
        let mut classes = Vec::new();
        for (kind, slot) in reach.classes() {
            let (sid, secret) = key(pod, kind, slot)?;
            let secret = secret.expose_secret().as_bytes();
            let key = match sid {
                Some(sid) => SigningKey::ApiKey { sid, secret },
                None => SigningKey::AuthToken { secret },
            };
            classes.push(ClassSet::search(search, ClassKey { kind, slot, key }));
        }
        let seconds = watch.time().as_secs_f64();
        Ok(Self { pod: Arc::clone(pod), reach, classes, seconds })
    }

    fn reachable(&self) -> Vec<ClassCells> {
        let signature = SignatureCells::COUNT as usize;
        let cells = |class: &ClassSet| ClassCells {
            kind: class.kind,
            key: class.slot,
            signature,
            payload: class.payload_reachable.len(),
        };
        self.classes.iter().map(cells).collect()
    }

    fn covered(&self) -> Vec<ClassCells> {
        let cells = |class: &ClassSet| ClassCells {
            kind: class.kind,
            key: class.slot,
            signature: class.signature().iter().count(),
            payload: class.payload().len(),
        };
        self.classes.iter().map(cells).collect()
    }

    fn is_complete(&self) -> bool {
        self.reachable() == self.covered()
    }

    fn lower_bound(&self) -> u64 {
        self.classes.iter().map(|class| class.lower_bound).sum()
    }

    fn answer(&self, show: bool) -> Answer {
        let tokens = self.classes.iter().flat_map(|class| class.tokens.iter().map(move |token| (class, token)));
        Answer {
            pod: self.pod.name.to_string(),
            tokens: tokens.map(|(class, token)| TokenAnswer::of(class, token, show)).collect(),
            cells_reachable: self.reachable(),
            cells_covered: self.covered(),
            cells_impossible: missing(&self.reach),
            lower_bound: self.lower_bound(),
            candidates: self.classes.iter().map(|class| class.signed).sum(),
            seconds: (self.seconds * 1_000.0).round() / 1_000.0,
        }
    }

    fn text(&self, color: bool) -> String {
        let mut text = String::new();
        let count: usize = self.classes.iter().map(|class| class.tokens.len()).sum();
        let held = if self.is_complete() { "every cell that can exist" } else { "not every cell that can exist" };
        let title = format!("{}: {count} tokens hold {held}; no fewer than {} can", self.pod.name, self.lower_bound());
        let _ = writeln!(text, "{}", Color::Bold.paint(&title, color));
        for ((class, reachable), covered) in self.classes.iter().zip(self.reachable()).zip(self.covered()) {
            let _ = writeln!(
                text,
                "\n{}, key {}: {} tokens (no fewer than {} of {} candidates can), {} of {} signature cells, {} of {} \
                 payload cells",
                class.kind,
                class.slot.0,
                class.tokens.len(),
                class.lower_bound,
                class.signed,
                covered.signature,
                reachable.signature,
                covered.payload,
                reachable.payload
            );
            output::table(&mut text, &rows(class), color);
        }
        let _ = writeln!(text, "\n{}", Color::Bold.paint("cells that cannot exist", color));
        for Missing { place, cells, count, why } in missing(&self.reach) {
            let _ = writeln!(text, "{place}: {cells} ({count} cells), since {why}");
        }
        let _ = writeln!(text, "\n{:.1} s", self.seconds);
        text
    }
}

impl TokenAnswer {
    fn of(class: &ClassSet, token: &SetToken, show: bool) -> Self {
        let cell = |segment| move |(offset, symbol): (u16, Symbol)| Cell { segment, symbol, offset };
        Self {
            kind: class.kind,
            key: class.slot,
            name_length: token.name_length,
            lengths: token.shape.lengths,
            signature_cells: token.shape.signature.iter().map(cell(Segment::Signature)).collect(),
            payload_cells: token.shape.payload.iter().copied().map(cell(Segment::Payload)).collect(),
            new_cells: token.new,
            text: show.then(|| token.text.expose().to_owned()),
        }
    }
}

fn rows(class: &ClassSet) -> Vec<[String; 6]> {
    let mut rows = vec![["  #", "name", "length", "new", "signature", "payload"].map(str::to_owned)];
    for (number, token) in class.tokens.iter().enumerate() {
        let cells = token.shape.payload.iter().map(|(offset, symbol)| format!("{symbol} at {offset}"));
        let payload = cells.collect::<Vec<_>>().join(", ");
        rows.push([
            format!("  {}", number + 1),
            token.name_length.to_string(),
            token.shape.lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join("."),
            token.new.to_string(),
            picture::line(token.shape.signature.iter(), token.shape.lengths[2]),
            if payload.is_empty() { "-".to_owned() } else { payload },
        ]);
    }
    rows
}

/// The SID, if the key has one, and the secret.
fn key(pod: &Pod, kind: TokenKind, slot: KeySlot) -> Result<(Option<&str>, SecretString), Failure> {
    let PartnerAccount::Twilio(account) = &pod.partner;
    let (sid, reference) = match kind {
        TokenKind::Access => {
            let key = account.api_keys.get(usize::from(slot.0));
            (key.map(|key| key.sid.as_str()), key.map(|key| &key.secret))
        }
        TokenKind::Capability => (None, account.auth_token.as_ref()),
    };
    let reference = reference.with_context(|| format!("{} has no such key", pod.name))?;
    let secret = secrets::read(reference).with_context(|| format!("cannot sign {kind} tokens of {}", pod.name))?;
    Ok((sid, secret))
}

#[cfg(test)]
mod tests {
    use crate::plan::read::{FileKind, SourceText, Sources, read_texts};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_725_996_400_000);
    const POD: &str = r#"
name = "pod-18"
public_name = "Europe 2"
[partner]
kind = "twilio"
account_sid = "AC00000000000000000000000000000018"
application_sid = "AP00000000000000000000000000000018"
edges = ["dublin"]
api_key = { sid = "SK00000000000000000000000000000018", secret = { file = "key" } }
auth_token = { file = "key" }
"#;

    /// The set of a pod whose secrets are in a folder of the test's own.
    fn cover(candidates: u32) -> PodCover {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("key"), "0123456789abcdef0123456789abcdef").expect("writes");
        let file = |kind, path: &str, text: &str| SourceText { kind, path: path.to_owned(), text: text.to_owned() };
        let files = vec![
            file(FileKind::Ringcheck, "ringcheck.toml", include_str!("../../../config/ringcheck.toml")),
            file(FileKind::Pod, "pod.toml", POD),
            file(FileKind::Probe, "connection.toml", include_str!("../../../probes/connection.toml")),
        ];
        let read = read_texts(&Sources { base: folder.path().to_owned(), files }).expect("it is right");
        let pod = Arc::clone(&read.plan.pods[0]);
        PodCover::mint(&read.plan, &pod, candidates, NOW).expect("it mints")
    }

    #[test]
    fn a_set_is_shown_to_people() {
        let cover = PodCover { seconds: 0.1, ..cover(6_000) };
        insta::assert_snapshot!(cover.text(false));
    }

    #[test]
    fn every_token_of_a_set_is_real_and_every_cell_is_held() {
        let cover = cover(30_000);
        assert!(cover.is_complete());
        let answer = serde_json::to_value(cover.answer(true)).expect("JSON");
        let tokens = answer["tokens"].as_array().expect("tokens");
        assert!((answer["lower_bound"].as_u64().expect("a bound") as usize) < tokens.len());
        assert!(tokens.len() <= 42, "{}", tokens.len());
        let mut held = std::collections::BTreeSet::new();
        for token in tokens {
            let text = token["text"].as_str().expect("a text");
            let shape = crate::token::shape_of(text);
            let cells = token["signature_cells"].as_array().expect("cells");
            assert_eq!(shape.signature.iter().count(), cells.len());
            held.extend(cells.iter().map(|cell| format!("{} {cell}", token["kind"])));
            let reading = crate::partner::twilio::Reading::of(text.as_bytes());
            assert!(reading.expires.is_some_and(|end| end > NOW.as_secs()));
            assert_eq!(reading.name.map(|name| name.length as u64), token["name_length"].as_u64());
        }
        assert_eq!(held.len(), 168);
        assert_eq!(answer["cells_covered"], answer["cells_reachable"]);
        let silent = serde_json::to_string(&cover.answer(false)).expect("JSON");
        assert!(!silent.contains("eyJ") && !silent.contains("\"text\""));
    }
}
