//! What test calls cost, with media over UDP on loopback, the simulated partner in a process of its
//! own: beside headless Chromium with the partner's own SDK on the same call, many at once, and
//! many one after the other. Every loop is bounded in number and in time.
//! `cargo bench --bench calls`, or with parts of it: `cargo bench --bench calls -- one hundred`.
//! `cargo bench --bench calls -- leak 10000` makes so many calls. `relay` and `opus` say what the same
//! call costs through a TURN server (Debian's coturn), and in the other codec.

#[path = "calls/awake.rs"]
mod awake;
#[path = "calls/browser.rs"]
mod browser;
#[path = "../tests/faults/coturn.rs"]
#[expect(dead_code, reason = "tests ask more of it")]
mod coturn;
#[path = "calls/partner.rs"]
mod partner;
#[path = "calls/process.rs"]
mod process;
#[path = "calls/ways.rs"]
mod ways;

use std::path::Path;
use std::time::Duration;

use ringcheck::io::clock::Stopwatch;
use ringcheck::model::{AttemptReport, CallAudio};

use awake::Awake;
use browser::Browser;
use partner::{Client, Partner};

const PARTS: [&str; 7] = ["one", "alone", "hundred", "most", "leak", "relay", "opus"];
/// The call that is compared.
const HOLD_MS: u32 = 5000;
/// Such calls of ours, and of Chromium, in turn; the first of each warms up.
const ROUNDS: usize = 7;
const OURS_A_ROUND: usize = 3;
/// Calls at once, and how long they are held.
const MANY: usize = 100;
const MANY_HOLD_MS: u32 = 10_000;
/// Connections that go on meanwhile: so many, one after the other with this pause.
const PROBES: u32 = 40;
const PROBE_EVERY: Duration = Duration::from_millis(250);
/// The search for the largest number: from and to, doubling.
const MOST_FROM: usize = 25;
const MOST_TO: usize = 1600;
/// Own lateness in a call from which nothing can be said about its quality.
const TOO_LATE_MS: u32 = 100;
/// The loop that looks for leaks: calls, at once, their hold, and the longest it may take.
const LEAK_CALLS: usize = 300;
const LEAK_AT_ONCE: usize = 20;
/// Shorter, and our tone has not come round once: it is not recognised and the call fails.
const LEAK_HOLD_MS: u32 = 2000;
const LEAK_MAX: Duration = Duration::from_secs(30 * 60);
/// How long reports and the partner are waited for when nothing comes any more.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--serve") {
        partner::serve(Path::new(&arguments[at + 1]));
        return;
    }
    let named = |part: &&str| arguments.iter().any(|argument| argument == part);
    let all = !PARTS.iter().any(named);
    let leak_calls = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(LEAK_CALLS);
    let folder = tempfile::tempdir().expect("a folder");
    let mut partner = Partner::start(folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("one");
    runtime.block_on(async {
        let mut client = Client::start(folder.path(), &partner.address);
        for part in PARTS.iter().filter(|part| all || named(part)) {
            match *part {
                "one" => one(&mut client, &partner, folder.path()).await,
                "alone" => alone(&mut client).await,
                "hundred" => hundred(&mut client, &partner).await,
                "most" => most(&mut client, &partner).await,
                "relay" => ways::relays(folder.path(), &partner.address).await,
                "opus" => ways::codecs(&mut client).await,
                _ => leak(&mut client, leak_calls).await,
            }
            gone(&mut client, &mut partner).await;
        }
    });
    partner.end();
}

/// One call at a time, ours and Chromium's in turn: as the machine is, and on one that is kept awake.
async fn one(client: &mut Client, partner: &Partner, folder: &Path) {
    println!("as the machine is:");
    beside_chromium(client, partner, folder).await;
    let awake = Awake::start();
    println!("kept awake:");
    beside_chromium(client, partner, folder).await;
    drop(awake);
}

async fn beside_chromium(client: &mut Client, partner: &Partner, folder: &Path) {
    let mut browser = Browser::start(&folder.join("ca.pem"));
    let (mut ours, mut theirs, mut memory) = (Vec::new(), Vec::new(), 0);
    for round in 0..ROUNDS {
        let mut each = Vec::new();
        for _ in 0..OURS_A_ROUND {
            each.push(call_alone(client).await);
        }
        let token = partner::sdk_token(client);
        let (cpu, resident) = browser.call(round, &partner.address, &token, HOLD_MS);
        println!("round {round}: ours {}, Chromium {:.0} ms", all_millis(&each), millis(cpu));
        if round > 0 {
            ours.extend(each);
            theirs.push(cpu);
            memory = memory.max(resident);
        }
    }
    browser.end();
    // Neighbours of a virtual machine only ever add time: the least of each says most of the work itself.
    for (which, of) in [("median", median as fn(Vec<Duration>) -> Duration), ("least", least)] {
        let (ours, theirs) = (of(ours.clone()), of(theirs.clone()));
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        let (ours, theirs) = (millis(ours), millis(theirs));
        println!("CPU per 5 s call, {which}: ours {ours:.1} ms, Chromium {theirs:.0} ms: 1/{ratio:.0}");
    }
    let own = process::resident("self");
    println!("resident memory: ours {:.0} MB in all, Chromium {:.0} MB", mega(own), mega(memory));
}

/// One call at a time, without a browser: what a change to our own side is measured with.
async fn alone(client: &mut Client) {
    let _awake = Awake::start();
    let mut each = Vec::new();
    for _ in 0..ROUNDS * OURS_A_ROUND {
        each.push(call_alone(client).await);
    }
    println!("CPU per 5 s call alone, median {:.1} ms: {}", millis(median(each.clone())), all_millis(&each));
}

/// One call of ours: its CPU time.
async fn call_alone(client: &mut Client) -> Duration {
    let before = process::own_cpu();
    client.call(HOLD_MS);
    let report = next(client).await;
    assert!(report.outcome.is_completed(), "{report:?}");
    client.dialer.rest().await;
    process::own_cpu() - before
}

/// A hundred calls at once, and connections that go on as before.
async fn hundred(client: &mut Client, partner: &Partner) {
    let quiet = probe(client).await;
    client.dialer.rest().await;
    let (before, resident) = (process::own_cpu(), process::resident("self"));
    for _ in 0..MANY {
        client.call(MANY_HOLD_MS);
    }
    // Called and probed at the same time; the reports come mixed.
    let watch = Stopwatch::start();
    let (mut calls, mut probes, mut peak) = (Vec::new(), Vec::new(), 0);
    for number in 0..PROBES {
        client.connect();
        watch.sleep_until(PROBE_EVERY * (number + 1)).await;
        peak = peak.max(process::resident("self"));
    }
    while calls.len() < MANY || probes.len() < PROBES as usize {
        let report = next(client).await;
        if report.call.is_some() { calls.push(report) } else { probes.push(took(&report)) }
    }
    client.dialer.rest().await;
    let cpu = process::own_cpu() - before;
    told("100 calls at once", &calls);
    println!("CPU with {MANY} calls and {PROBES} connections: {:.1} ms each call", millis(cpu) / MANY as f64);
    let each = peak.saturating_sub(resident) / MANY as u64;
    println!("memory per call: {:.0} kB", each as f64 / 1000.0);
    println!("connections: median {:.0} ms without calls, {:.0} ms beside them", millis(quiet), millis(median(probes)));
    let (_, resident) = process::tree(partner.id());
    println!("the partner's process has {:.0} MB", mega(resident));
}

/// Connections without calls: how long the median takes.
async fn probe(client: &mut Client) -> Duration {
    let watch = Stopwatch::start();
    let mut took_each = Vec::new();
    for number in 0..PROBES / 2 {
        client.connect();
        took_each.push(took(&next(client).await));
        watch.sleep_until(PROBE_EVERY * (number + 1)).await;
    }
    median(took_each)
}

fn took(report: &AttemptReport) -> Duration {
    assert!(report.outcome.is_completed(), "{report:?}");
    report.finished.since(report.started)
}

/// Twice as many calls at once until our own side is too late with its audio.
async fn most(client: &mut Client, partner: &Partner) {
    let mut number = MOST_FROM;
    while number <= MOST_TO {
        let (before, theirs) = (process::own_cpu(), process::tree(partner.id()).0);
        let watch = Stopwatch::start();
        for _ in 0..number {
            client.call(HOLD_MS);
        }
        let mut calls = Vec::new();
        while calls.len() < number {
            calls.push(next(client).await);
        }
        client.dialer.rest().await;
        let (cpu, took) = (process::own_cpu() - before, watch.time());
        let theirs = process::tree(partner.id()).0 - theirs;
        let late = calls.iter().filter(|call| audio(call).is_none_or(|audio| audio.own_lag_ms >= TOO_LATE_MS)).count();
        let each = cpu / u32::try_from(number).expect("few");
        println!(
            "{number} at once: {:.1} ms each, {:.2} cores of ours and {:.2} of the partner's over {:.1} s, \
             {late} too late; so one core carries {:.0}",
            millis(each),
            cpu.as_secs_f64() / took.as_secs_f64(),
            theirs.as_secs_f64() / took.as_secs_f64(),
            took.as_secs_f64(),
            f64::from(HOLD_MS) / millis(each),
        );
        told(&format!("{number} calls at once"), &calls);
        if late * 10 > number {
            return;
        }
        number *= 2;
    }
}

/// Many calls, a few at a time: memory and file descriptors stay where they are.
async fn leak(client: &mut Client, calls: usize) {
    let watch = Stopwatch::start();
    let (mut begun, mut failed, mut made, mut first) = (0, 0, 0, None);
    let tenth = (calls / 10).max(LEAK_AT_ONCE);
    while made < calls && watch.time() < LEAK_MAX {
        while begun < calls && begun - made < LEAK_AT_ONCE {
            client.call(LEAK_HOLD_MS);
            begun += 1;
        }
        let report = next(client).await;
        made += 1;
        if !report.outcome.is_completed() {
            failed += 1;
            if failed == 1 {
                println!("the first that failed: {:?}, {:?}", report.outcome, audio(&report));
            }
        }
        if made % tenth == 0 {
            let (resident, files) = (process::resident("self"), process::open_files());
            // The first tenth warms up: the allocator has then what it needs.
            first.get_or_insert((resident, files));
            println!("{made} calls: {:.1} MB, {files} files", mega(resident));
        }
    }
    while made < begun {
        next(client).await;
        made += 1;
    }
    client.dialer.rest().await;
    let (resident, files) = (process::resident("self"), process::open_files());
    let (first, first_files) = first.unwrap_or((resident, files));
    println!(
        "{made} of {calls} calls in {:.0} s, {failed} failed: memory {:+.1} MB after the first tenth, \
         {first_files} files while calls were up, {files} after",
        watch.time().as_secs_f64(),
        mega(resident) - mega(first),
    );
}

/// The partner has no call up, and nothing is under way.
async fn gone(client: &mut Client, partner: &mut Partner) {
    client.dialer.rest().await;
    let watch = Stopwatch::start();
    let mut up = partner.calls_up();
    while up > 0 && watch.time() < PATIENCE {
        watch.sleep_until(watch.time() + Duration::from_millis(100)).await;
        up = partner.calls_up();
    }
    println!("calls left up at the partner: {up}\n");
}

async fn next(client: &mut Client) -> AttemptReport {
    tokio::time::timeout(PATIENCE, client.reports.recv()).await.expect("in time").expect("the dialer lives")
}

fn audio(report: &AttemptReport) -> Option<&CallAudio> {
    report.call.as_ref()?.audio.as_ref()
}

/// What became of calls, and of their audio. Frames of ours are sent each within its own 20 ms or
/// left out, so without lateness no two are 40 ms apart.
fn told(what: &str, calls: &[AttemptReport]) {
    let completed = calls.iter().filter(|call| call.outcome.is_completed()).count();
    let audios: Vec<&CallAudio> = calls.iter().filter_map(audio).collect();
    let in_time = audios.iter().filter(|audio| audio.own_lag_ms == 0).count();
    let most_late = audios.iter().map(|audio| audio.own_lag_ms).max().unwrap_or_default();
    let heard_whole = audios.iter().filter(|audio| audio.longest_gap_ms <= 40).count();
    let longest = audios.iter().map(|audio| audio.longest_gap_ms).max().unwrap_or_default();
    println!(
        "{what}: {completed} completed; {in_time} sent without a gap of 40 ms, the worst left out {most_late} ms in \
         all; {heard_whole} heard without a gap over 40 ms, the longest {longest} ms"
    );
}

fn millis(length: Duration) -> f64 {
    length.as_secs_f64() * 1000.0
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn all_millis(lengths: &[Duration]) -> String {
    let all: Vec<String> = lengths.iter().map(|length| format!("{:.1}", millis(*length))).collect();
    format!("{} ms", all.join(", "))
}

fn least(lengths: Vec<Duration>) -> Duration {
    lengths.into_iter().min().unwrap_or_default()
}

fn median(mut lengths: Vec<Duration>) -> Duration {
    lengths.sort_unstable();
    lengths[lengths.len() / 2]
}
