//! The demo from the curtain to the end.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tokio::net::TcpListener;

use super::mail_sink::{Mail, MailSink};
use super::overlay::{self, Difference, Stage};
use crate::cli::ending::{Ending, Failure};
use crate::cli::globals::Globals;
use crate::cli::output::{self, Color, Format};
use crate::engine::{Audience, IncidentFacts, IncidentState, Verdict, View};
use crate::io::clock;
use crate::model::{EdgeName, PodName, Timestamp, humane};
use crate::node::Node;
use crate::partner_server::{PartnerServer, PartnerSettings, PodSettings};
use crate::plan::{PartnerAccount, Plan};
use crate::sim::{CellIs, Fault, FaultRule, Predicate, Residue};

/// All is well for so long before the fault begins.
const QUIET: Duration = Duration::from_secs(8);
/// The fault stays so long after the page, so that the status page can be looked at.
const LINGER: Duration = Duration::from_secs(12);
/// Width of the page in the terminal, in characters.
const COLUMNS: usize = 100;
/// The demo gives up if something takes longer than this.
const PATIENCE: Duration = Duration::from_mins(5);

/// Watch ringcheck find the incident of 10 September 2024 and send the page
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// End by itself once the incident has been paged and resolved
    #[arg(long)]
    exit: bool,
    /// Listen on any free ports instead of the example's 9870 and 9871
    #[arg(long)]
    free_ports: bool,
    /// How to print what came of it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  ringcheck demo                        stays up until Ctrl-C; the dashboard stays open
  ringcheck demo --exit --format json   one JSON object for scripts: onset, first_failed_attempt,
                                        paged, resolved, pages, pods, further_pages (of other
                                        incidents), owner_told (what wakes nobody), by subject

Needs no account and no network: everything listens on loopback.
Exit codes: 0 the incident was paged once and resolved, 1 it was not, 3 the demo could not run.";

/// What came of it, for scripts.
#[derive(Clone, Debug, Default, Serialize)]
struct Story {
    onset: Option<String>,
    first_failed_attempt: Option<String>,
    paged: Option<String>,
    resolved: Option<String>,
    pages: usize,
    pods: Vec<PodName>,
    /// Subjects of pages of other incidents: there should be none.
    further_pages: Vec<String>,
    /// What the monitor's owner was told meanwhile, by subject: that this machine is too busy, say.
    /// It wakes nobody and is no page.
    owner_told: Vec<String>,
}

/// Runs it.
pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    let folder = DemoFolder::make()?;
    let show = Show { color: globals.color.on(&std::io::stdout()), quiet: args.format == Format::Json };
    let story = runtime.block_on(play(args, &show, &folder.0))?;
    if args.format == Format::Json {
        output::write_json(&story)?;
    }
    Ok(Ending::well_if(story.pages == 1 && story.resolved.is_some()))
}

/// A folder that is removed with everything in it.
struct DemoFolder(PathBuf);

impl DemoFolder {
    fn make() -> anyhow::Result<Self> {
        let path =
            std::env::temp_dir().join(format!("ringcheck-demo-{}-{:08x}", std::process::id(), fastrand::u32(..)));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for DemoFolder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// What people see.
struct Show {
    color: bool,
    quiet: bool,
}

impl Show {
    fn say(&self, text: &str) {
        if !self.quiet {
            output::write(&format!("{text}\n")).ok();
        }
    }

    fn at(&self, at: Timestamp, text: &str) {
        self.say(&format!("{}  {text}", Color::Dim.paint(&at.clock(), self.color)));
    }
}

async fn play(args: &Args, show: &Show, folder: &Path) -> anyhow::Result<Story> {
    let example = overlay::example()?;
    let (partner, accounts) = start_partner(&example, folder).await?;
    let sink = MailSink::start().context("cannot start the mailbox")?;
    let controls = [control().await?, control().await?];
    let ca_file = folder.join("partner-ca.pem");
    let stage = Stage {
        folder,
        signalling: &|pod| partner.url(pod),
        rest: &|pod| partner.address(pod).map(|address| format!("https://{address}")),
        ca_file: &ca_file,
        mail: sink.address,
        controls,
        fixed_ports: !args.free_ports,
    };
    let (plan, differences) = overlay::lay_over(example, &accounts, &stage)?;
    let pods: Vec<PodName> = plan.pods.iter().map(|pod| pod.name.clone()).collect();
    let mut mailbox =
        Mailbox { sink, owner: overlay::owner(&plan), show, further_pages: Vec::new(), owner_told: Vec::new() };
    let node = Node::start(plan, None).await.context("try --free-ports if another program listens there")?;
    introduce(show, &differences, &node);

    let mut story = Story::default();
    wait(&node, |view| view.pods.iter().all(|pod| pod.verdict == Verdict::Healthy)).await?;
    show.at(clock::now(), "all three pods are healthy; every connection registers as an agent's would");
    clock::sleep_until(clock::now().plus(QUIET)).await;
    let onset = clock::now();
    switch(&partner, &pods, vec![the_fault()?]).await?;
    story.onset = Some(onset.to_rfc3339());
    show.at(onset, &Color::Yellow.paint(ONSET, show.color));

    let page = mailbox.next_page().await?;
    let first = incident(&node, |_| true).await?;
    story.first_failed_attempt = Some(first.first_failure.to_rfc3339());
    story.paged = Some(page.at.to_rfc3339());
    show.at(first.first_failure, "the first attempt fails");
    show.at(page.at, &format!("the page arrives, {} after the onset:", humane(page.at.since(onset))));
    show.say(&framed(&page, show.color));

    let until = clock::now().plus(LINGER);
    mailbox.take_in(&page, until).await;
    switch(&partner, &pods, Vec::new()).await?;
    show.at(clock::now(), "the partner takes the deployment back");
    let end = mailbox.resolution(&page).await?;
    let facts = incident(&node, |facts| facts.state == IncidentState::Resolved).await?;
    story.resolved = facts.resolved.map(|at| at.to_rfc3339());
    story.pods = facts.pods.iter().map(|impact| impact.pod.clone()).collect();
    story.further_pages = mailbox.further_pages;
    story.owner_told = mailbox.owner_told;
    story.pages = 1 + story.further_pages.len();
    show.at(end.at, "recovery is proven, and told in the same thread:");
    show.say(&framed(&end, show.color));
    let mut moments = vec![("onset", onset), ("first failed attempt", first.first_failure), ("page", page.at)];
    moments.extend(notice_opened(&node).map(|at| ("public notice", at)));
    moments.extend(facts.resolved.map(|at| ("resolved", at)));
    show.say(&summary(&moments, show.color));
    if !args.exit {
        show.say("The demo stays up: look around, Ctrl-C ends it.");
        tokio::signal::ctrl_c().await.ok();
    }
    node.stop().await;
    partner.shutdown().await;
    Ok(story)
}

const ONSET: &str = "the partner deploys: capability tokens with \"_\" at payload offset 3 (mod 4) are refused";

async fn start_partner(plan: &Plan, folder: &Path) -> anyhow::Result<(PartnerServer, Vec<(PodName, PartnerAccount)>)> {
    let mut accounts = Vec::new();
    let mut pods = Vec::new();
    for pod in &plan.pods {
        let (keys, account) = overlay::keys(pod, folder)?;
        let edge: EdgeName = pod.edges().first().context("every pod has an edge")?.clone();
        pods.push(PodSettings { name: pod.name.clone(), keys, edge, port: 0 });
        accounts.push((pod.name.clone(), account));
    }
    let partner = PartnerServer::start(PartnerSettings::for_pods(pods)).await.context("cannot start the partner")?;
    let pem = partner.ca_pem().unwrap_or_default();
    std::fs::write(folder.join("partner-ca.pem"), pem).context("cannot write the partner's certificate")?;
    Ok((partner, accounts))
}

/// Something that answers and is not the partner.
async fn control() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    Ok(address)
}

/// The fault of 10 September 2024.
fn the_fault() -> anyhow::Result<FaultRule> {
    let payload =
        CellIs { symbol: Some(crate::model::Symbol::Underscore), residue: Residue::new(3), ..CellIs::default() };
    let when =
        Predicate { kind: Some(crate::model::TokenKind::Capability), payload: Some(payload), ..Predicate::default() };
    Ok(FaultRule::new(Fault::named("token-invalid")?, when)?)
}

async fn switch(partner: &PartnerServer, pods: &[PodName], rules: Vec<FaultRule>) -> anyhow::Result<()> {
    for pod in pods {
        partner.set_faults(pod, rules.clone()).await?;
    }
    Ok(())
}

fn introduce(show: &Show, differences: &[Difference], node: &Node) {
    let mut text = String::new();
    let _ = writeln!(text, "{}\n", Color::Bold.paint("ringcheck demo: the incident of 10 September 2024", show.color));
    let _ = writeln!(text, "The example of config/ and probes/, with these differences:");
    let mut rows = vec![["".to_owned(), "production".to_owned(), "demo".to_owned()]];
    rows.extend(differences.iter().map(|d| [format!("  {}", d.what), d.production.clone(), d.demo.clone()]));
    output::table(&mut text, &rows, show.color);
    let _ = writeln!(text, "\n  dashboard    http://{}/", node.operator);
    let _ = writeln!(text, "  status page  http://{}/\n", node.public);
    show.say(text.trim_end_matches('\n'));
    show.say("");
}

fn framed(mail: &Mail, color: bool) -> String {
    let mut text = String::new();
    let bar = Color::Yellow.paint("│", color);
    let _ = writeln!(text, "          {bar} To: {}", mail.to.join(", "));
    let _ = writeln!(text, "          {bar} Subject: {}", Color::Bold.paint(&mail.subject, color));
    let _ = writeln!(text, "          {bar}");
    for line in mail.text.lines().flat_map(|line| wrapped(line, COLUMNS)) {
        let _ = writeln!(text, "          {bar} {line}");
    }
    text
}

/// A line in pieces of at most so many characters, broken at spaces; what follows a `- ` is
/// indented. A single longer word, such as an address, stays whole.
fn wrapped(line: &str, columns: usize) -> Vec<String> {
    let indent = if line.starts_with("- ") { "  " } else { "" };
    let mut pieces = vec![String::new()];
    for word in line.split(' ') {
        let last = pieces.len() - 1;
        let used = pieces[last].chars().count();
        if used > indent.len() && used + 1 + word.chars().count() > columns {
            pieces.push(format!("{indent}{word}"));
        } else {
            let piece = &mut pieces[last];
            piece.push_str(if used == 0 { "" } else { " " });
            piece.push_str(word);
        }
    }
    pieces
}

/// All moments of the story in one table.
fn summary(moments: &[(&str, Timestamp)], color: bool) -> String {
    let mut rows = vec![["", "UTC", "after the onset"].map(str::to_owned)];
    let onset = moments.first().map_or(Timestamp::MIN, |(_, at)| *at);
    for (number, (what, at)) in moments.iter().enumerate() {
        let after = if number == 0 { String::new() } else { humane(at.since(onset)) };
        rows.push([format!("  {what}"), at.clock(), after]);
    }
    let mut text = String::new();
    output::table(&mut text, &rows, color);
    text
}

async fn wait(node: &Node, ready: impl Fn(&View) -> bool) -> anyhow::Result<()> {
    let mut view = node.view.clone();
    let waited = tokio::time::timeout(PATIENCE, view.wait_for(|view| !view.pods.is_empty() && ready(view))).await;
    waited.context("it took too long")?.context("the node has stopped")?;
    Ok(())
}

/// The incident of the voice on-call, once it is like this. Its page may arrive before the view shows it.
async fn incident(node: &Node, like: impl Fn(&IncidentFacts) -> bool) -> anyhow::Result<IncidentFacts> {
    let wanted = |facts: &IncidentFacts| facts.audience == Audience::VoiceOnCall && like(facts);
    wait(node, |view| view.incidents.iter().any(wanted)).await?;
    let found = node.view.borrow().incidents.iter().find(|facts| wanted(facts)).cloned();
    found.context("the incident is gone")
}

/// When the status page first said it.
fn notice_opened(node: &Node) -> Option<Timestamp> {
    node.view.borrow().notices.iter().filter_map(|notice| notice.updates.first()).map(|update| update.at).min()
}

/// What arrives: pages, and what only the monitor's owner is told.
struct Mailbox<'a> {
    sink: MailSink,
    /// Addresses of the owner.
    owner: Vec<String>,
    show: &'a Show,
    further_pages: Vec<String>,
    owner_told: Vec<String>,
}

impl Mailbox<'_> {
    async fn next_page(&mut self) -> anyhow::Result<Mail> {
        tokio::time::timeout(PATIENCE, self.page()).await.context("no page arrived in time")?
    }

    /// The next mail that is to wake somebody. The owner's are shown, and nothing more.
    async fn page(&mut self) -> anyhow::Result<Mail> {
        loop {
            let mail = self.sink.mails.recv().await.context("the mailbox is gone")?;
            if !mail.to.iter().all(|to| self.owner.contains(to)) {
                return Ok(mail);
            }
            self.show.at(mail.at, &format!("the monitor's owner is told, which wakes nobody: {}", mail.subject));
            self.owner_told.push(mail.subject);
        }
    }

    /// What arrives until then, besides this page's incident.
    async fn take_in(&mut self, page: &Mail, until: Timestamp) {
        loop {
            tokio::select! {
                () = clock::sleep_until(until) => return,
                Ok(mail) = self.page() => self.note(page, mail),
            }
        }
    }

    fn note(&mut self, page: &Mail, mail: Mail) {
        if mail.subject != page.subject && !self.further_pages.contains(&mail.subject) {
            self.show.at(mail.at, &format!("a further page arrives: {}", mail.subject));
            self.further_pages.push(mail.subject);
        }
    }

    /// The mail that says that it is over, in the thread of the page.
    async fn resolution(&mut self, page: &Mail) -> anyhow::Result<Mail> {
        loop {
            let mail = self.next_page().await?;
            if mail.subject == page.subject && mail.text.contains("RESOLVED") {
                return Ok(mail);
            }
            self.note(page, mail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_wrap_at_spaces_and_stay_indented() {
        assert_eq!(wrapped("- one two three", 9), ["- one two", "  three"]);
        assert_eq!(wrapped("- at: https://long.example.com/x", 9), ["- at:", "  https://long.example.com/x"]);
        assert_eq!(wrapped("", 9), [""]);
    }
}
