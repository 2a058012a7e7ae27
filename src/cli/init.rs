//! `ringcheck init`: a commented configuration for one pod, from flags or a few questions.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::de::DeValue;

use crate::plan::read::shape::Kind;
use crate::plan::read::{FileKind, SourceText, Sources, read_texts, scalar};

use super::PlanDirs;
use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::init_files::{Answers, files, next_steps};
use super::output;

/// Write a commented configuration for one pod
#[derive(Debug, clap::Args)]
#[command(after_help = "\
On a terminal, ringcheck asks for what is not given. Secrets are never asked for: the files only
name the environment variables that hold them.

Examples:
  ringcheck init
  ringcheck init --account-sid AC… --api-key-sid SK… --edge dublin \\
      --email oncall@example.com --smtp-host smtp.example.com")]
pub struct Args {
    #[command(flatten)]
    dirs: PlanDirs,
    /// Name of the pod, for you
    #[arg(long, value_name = "NAME")]
    pod: Option<String>,
    /// Name of the pod, for the public
    #[arg(long, value_name = "TEXT")]
    public_name: Option<String>,
    /// The Twilio account's SID
    #[arg(long, value_name = "AC…")]
    account_sid: Option<String>,
    /// The SID of an API key of that account
    #[arg(long, value_name = "SK…")]
    api_key_sid: Option<String>,
    /// The Twilio edge that the pod's agents use
    #[arg(long)]
    edge: Option<String>,
    /// Where this node is, for people
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
    /// Who is told
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Who the mails are from; whoever is told if not given
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// The mail server that takes our mail (port 587, STARTTLS)
    #[arg(long, value_name = "HOST")]
    smtp_host: Option<String>,
    /// User name at the mail server
    #[arg(long, value_name = "NAME")]
    smtp_user: Option<String>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// One thing that must be known.
struct Question {
    flag: &'static str,
    text: &'static str,
    kind: Kind,
    default: Option<String>,
}

/// Asks, checks, and only then writes.
pub fn run(args: &Args, _globals: &Globals) -> Result<Ending, Failure> {
    let targets = |answers: &Answers| {
        [
            (FileKind::Ringcheck, args.dirs.config.join("ringcheck.toml")),
            (FileKind::Pod, args.dirs.config.join("pods").join(format!("{}.toml", answers.pod))),
            (FileKind::Probe, args.dirs.probes.join("connection.toml")),
        ]
    };
    let mut asker = Asker::new();
    let answers = answers(args, &mut asker)?;
    if !asker.missing.is_empty() {
        let flags = asker.missing.join(", ");
        return Err(Failure::Usage(format!("{flags}: needed where there is no terminal to ask on")));
    }
    let targets = targets(&answers);
    let there: Vec<String> =
        targets.iter().filter(|(_, path)| path.exists()).map(|(_, path)| path.display().to_string()).collect();
    if !args.force && !there.is_empty() {
        return Err(Failure::Usage(format!("{} would be replaced; --force does it", there.join(", "))));
    }
    let written: Vec<SourceText> = targets
        .iter()
        .zip(files(&answers))
        .map(|((kind, path), text)| SourceText { kind: *kind, path: path.display().to_string(), text })
        .collect();
    // What a flag got wrong is said as check-config would say it, and nothing is written.
    read_texts(&Sources { base: args.dirs.config.clone(), files: written.clone() })?;
    for ((_, path), source) in targets.iter().zip(&written) {
        write(path, &source.text)?;
    }
    let paths: Vec<&PathBuf> = targets.iter().map(|(_, path)| path).collect();
    output::write(&next_steps(&answers, &paths))?;
    Ok(Ending::Well)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn answers(args: &Args, asker: &mut Asker) -> Result<Answers, Failure> {
    let mut ask = |given: &Option<String>, flag, text, kind, default: Option<&str>| {
        asker.answer(given, &Question { flag, text, kind, default: default.map(str::to_owned) })
    };
    let pod = ask(&args.pod, "--pod", "Name of the pod, for you", Kind::Name, Some("pod-1"))?;
    let public_name =
        ask(&args.public_name, "--public-name", "Name of the pod, for the public", Kind::Text, Some("Calling"))?;
    let account_sid = ask(&args.account_sid, "--account-sid", "Twilio account SID (AC…)", Kind::Sid("AC"), None)?;
    let api_key_sid = ask(&args.api_key_sid, "--api-key-sid", "SID of an API key (SK…)", Kind::Sid("SK"), None)?;
    let edge = ask(&args.edge, "--edge", "Twilio edge that agents use", Kind::Name, Some("ashburn"))?;
    let location = ask(&args.location, "--location", "Where this node is", Kind::Name, Some("main"))?;
    let email = ask(&args.email, "--email", "Mail address of whoever is told", Kind::Mailbox, None)?;
    let from = ask(&args.from, "--from", "Mail address of the sender", Kind::Mailbox, Some(&email))?;
    let smtp_host = ask(&args.smtp_host, "--smtp-host", "Mail server (STARTTLS, port 587)", Kind::Host, None)?;
    let smtp_user = ask(&args.smtp_user, "--smtp-user", "User name there", Kind::Text, Some(&from))?;
    Ok(Answers { pod, public_name, account_sid, api_key_sid, edge, location, email, from, smtp_host, smtp_user })
}

/// Asks on the terminal, or collects what is missing where there is none.
struct Asker {
    terminal: bool,
    missing: Vec<&'static str>,
}

/// Times that a wrong answer may be put right before we give up.
const TRIES_MAX: usize = 5;

impl Asker {
    fn new() -> Self {
        Self { terminal: io::stdin().is_terminal() && io::stderr().is_terminal(), missing: Vec::new() }
    }

    fn answer(&mut self, given: &Option<String>, question: &Question) -> Result<String, Failure> {
        match (given, &question.default) {
            (Some(given), _) => Ok(given.clone()),
            (None, _) if self.terminal => ask(question),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => {
                self.missing.push(question.flag);
                Ok(String::new())
            }
        }
    }
}

fn ask(question: &Question) -> Result<String, Failure> {
    for _ in 0..TRIES_MAX {
        let default = question.default.as_ref().map(|default| format!(" [{default}]")).unwrap_or_default();
        eprint!("{}{default}: ", question.text);
        let _ = io::stderr().flush();
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line).context("cannot read the answer")?;
        if read == 0 {
            break;
        }
        let answer = match (line.trim(), &question.default) {
            ("", Some(default)) => default,
            (answer, _) => answer,
        };
        match scalar::read(&question.kind, &DeValue::String(answer.into()), Path::new("")) {
            Ok(_) => return Ok(answer.to_owned()),
            Err(fault) => eprintln!("  {}; {}", fault.what, fault.hint.unwrap_or_default()),
        }
    }
    Err(Failure::Usage(format!("no answer; give it by {}", question.flag)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::io::config_files;

    use super::super::command_line::CommandLine;
    use super::super::ending::exit_code;
    use super::*;

    fn init(folder: &Path, more: &[&str]) -> Result<Ending, Failure> {
        let config = folder.join("config").display().to_string();
        let probes = folder.join("probes").display().to_string();
        let given = ["ringcheck", "init", "--config", &config, "--probes", &probes];
        CommandLine::parse_from(given.iter().chain(more)).run()
    }

    /// Everything, so that a test on a terminal asks nothing.
    const GIVEN: [&str; 10] = [
        "--account-sid=AC0123456789abcdef0123456789abcdef",
        "--api-key-sid=SK0123456789abcdef0123456789abcdef",
        "--email=On-call <oncall@example.com>",
        "--smtp-host=smtp.example.com",
        "--public-name=Europe \"1\" \\ north",
        "--pod=eu-1",
        "--edge=dublin",
        "--location=eu-west",
        "--from=ringcheck@example.com",
        "--smtp-user=ringcheck",
    ];

    #[test]
    fn what_init_writes_passes_check_config() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(init(folder.path(), &GIVEN).map_err(|failure| failure.to_string()), Ok(Ending::Well));
        let read = config_files::read(&folder.path().join("config"), &folder.path().join("probes"))
            .unwrap_or_else(|problems| panic!("{problems}"));
        assert!(read.warnings.is_empty(), "{}", read.warnings);
        assert_eq!(read.plan.pods[0].public_name, "Europe \"1\" \\ north");
        assert_eq!(read.plan.node.location.name.as_str(), "eu-west");
        let missing = config_files::missing(&read.references).to_string();
        assert!(missing.contains("EU_1_API_KEY_SECRET") && missing.contains("SMTP_PASSWORD"), "{missing}");
    }

    #[test]
    fn nothing_is_replaced_unasked_and_nothing_wrong_is_written() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let wrong = init(folder.path(), &[&GIVEN[1..], &["--account-sid=AC1"]].concat());
        assert!(matches!(&wrong, Err(Failure::Config(problems)) if problems.to_string().contains("not a SID")));
        assert!(!folder.path().join("config").exists());
        init(folder.path(), &GIVEN).expect("it is the first time");
        let again = init(folder.path(), &GIVEN);
        assert_eq!(exit_code(&again), std::process::ExitCode::from(2));
        assert!(again.is_err_and(|failure| failure.to_string().contains("--force")));
        init(folder.path(), &[&GIVEN[..], &["--force"]].concat()).expect("it was asked for");
    }
}
