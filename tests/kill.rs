//! kill -9, for real: hundreds of lives of a process, each ended by SIGKILL at the worst moment of
//! a turn that tells somebody. No page may be lost, and a repeat must be known as one.

#[path = "kill/life.rs"]
mod life;
#[path = "kill/sinks.rs"]
mod sinks;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use life::{Aim, MARK, Message, Orders, Word, live};
use ringcheck::engine::{Audience, NotifyReason};
use sinks::{Arrival, mail_server, webhook_server};

/// Processes that are killed.
const KILLS: usize = 220;
/// A process or receiver that takes longer than this is a fault of the test.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where a life finds its orders.
const ORDERS: &str = "RINGCHECK_TEST_LIFE";
/// Begins at the incident that this product is made for.
const BEGINNING_MS: i64 = 1_726_009_020_000;

/// Not a test of its own: the process that is killed. Without orders it does nothing.
#[test]
fn a_life() {
    if let Ok(orders) = std::env::var(ORDERS) {
        live(&serde_json::from_str(&orders).expect("the parent wrote them"));
    }
}

#[test]
fn no_page_is_lost_by_two_hundred_kills_and_every_repeat_has_its_id() {
    let (arrivals, arrived) = mpsc::channel();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let webhook = runtime.block_on(webhook_server(arrivals.clone()));
    let mail = mail_server(arrivals);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    std::fs::write(folder.path().join("webhook-secret"), format!("whsec_{}", "sesame".repeat(6))).expect("writes");
    let orders = Orders {
        folder: folder.path().to_owned(),
        now: BEGINNING_MS,
        aim: Aim::BeforeDispatch,
        outage: true,
        mail,
        webhook,
    };
    let mut story = Story { orders, arrived, seen: Vec::new(), told: BTreeMap::new(), kills: 0 };
    while story.kills < KILLS {
        let queued = story.life_until_queued();
        story.life_until_dispatched();
        // The partner is down until somebody was paged, and well until they were told of the end.
        story.orders.outage = queued.iter().all(|message| message.reason == NotifyReason::Resolved);
    }
    story.last_life();
    story.check();
}

struct Story {
    orders: Orders,
    arrived: Receiver<Arrival>,
    seen: Vec<Arrival>,
    told: BTreeMap<String, Message>,
    kills: usize,
}

impl Story {
    /// Killed when the facts are in the journal, and before anything leaves.
    fn life_until_queued(&mut self) -> Vec<Message> {
        let (child, word) = self.begin(Aim::BeforeDispatch);
        self.kill(child);
        self.tell(&word.messages);
        word.messages
    }

    /// Killed when the messages are on their way: at once in every third of these lives, in
    /// the others when all of them have arrived.
    fn life_until_dispatched(&mut self) {
        let (child, word) = self.begin(Aim::AfterDispatch);
        self.tell(&word.messages);
        if !self.kills.is_multiple_of(3) {
            self.wait_for(&word.messages);
        }
        self.kill(child);
    }

    /// Ends by itself, when everybody was told.
    fn last_life(&mut self) {
        let (mut child, _) = self.begin(Aim::Settled);
        drop(child.stdin.take());
        assert!(child.wait().expect("it is ours").success());
        let all: Vec<Message> = self.told.values().cloned().collect();
        self.wait_for(&all);
        self.seen.extend(self.arrived.try_iter());
    }

    fn begin(&mut self, aim: Aim) -> (Child, Word) {
        self.orders.aim = aim;
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["a_life", "--exact", "--nocapture"])
            .env(ORDERS, serde_json::to_string(&self.orders).expect("orders are JSON"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (lines, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, word)) = line.split_once(MARK) {
                    lines.send(word.to_owned()).ok();
                }
            }
        });
        let Ok(word) = said.recv_timeout(PATIENCE) else {
            child.kill().ok();
            panic!("a life with the aim {aim:?} said nothing");
        };
        let word: Word = serde_json::from_str(&word).expect("a life says JSON");
        self.orders.now = word.now + 1;
        (child, word)
    }

    fn kill(&mut self, mut child: Child) {
        child.kill().expect("it lives");
        assert_eq!(child.wait().expect("it is ours").signal(), Some(9));
        self.kills += 1;
    }

    fn tell(&mut self, messages: &[Message]) {
        assert!(!messages.is_empty(), "every kill is aimed at a message");
        self.told.extend(messages.iter().map(|message| (message.id.clone(), message.clone())));
    }

    fn wait_for(&mut self, messages: &[Message]) {
        while !messages.iter().all(|message| self.seen.iter().any(|arrival| arrival.is(&message.id))) {
            self.seen.push(self.arrived.recv_timeout(PATIENCE).expect("every message arrives"));
        }
    }

    fn check(&self) {
        let (mut by_id, mut by_content) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, BTreeSet<_>>::new());
        for arrival in &self.seen {
            by_id.entry(&arrival.id).or_default().push(arrival);
            by_content.entry(&arrival.content).or_default().insert(&arrival.id);
        }
        for (id, arrivals) in &by_id {
            assert!(arrivals.iter().all(|arrival| arrival.content == arrivals[0].content), "{id} says two things");
            assert!(arrivals.len() <= 2, "{id} came {} times though its sender was killed once", arrivals.len());
        }
        assert!(by_content.values().all(|ids| ids.len() == 1), "a repeat has its first one's id");
        assert_eq!(by_id.len(), self.told.len(), "every message that was decided arrived, and no other");
        let mut paged = BTreeMap::<u32, BTreeSet<&str>>::new();
        let is_first = |message: &&Message| message.reason == NotifyReason::First;
        for message in self.told.values().filter(is_first).filter(|first| first.audience == Audience::VoiceOnCall) {
            paged.entry(message.incident).or_default().insert(&message.receiver);
        }
        for (incident, receivers) in &paged {
            let all = BTreeSet::from(["monitor-owner", "oncall-hook", "voice-oncall"]);
            assert_eq!(*receivers, all, "incident {incident}");
        }
        let repeats = self.seen.len() - by_id.len();
        let webhooks = by_id.values().filter(|arrivals| arrivals[0].is_webhook).count();
        println!(
            "{} processes killed with SIGKILL, {} incidents, {} messages ({} mails, {webhooks} webhooks), \
             {} arrivals: {repeats} repeats, each under its first one's id; none lost",
            self.kills,
            paged.len(),
            by_id.len(),
            by_id.len() - webhooks,
            self.seen.len(),
        );
        assert!(self.kills >= 200 && paged.len() >= 30, "the aim was true");
        assert!(repeats > 0, "kills after the dispatch make repeats");
    }
}
