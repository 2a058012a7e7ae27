//! The public status page under load: thirty pods, a notice every third day for 90 days, and a
//! crowd that asks for it over kept connections. The server has a process of its own; requests are
//! counted against its CPU time. `cargo bench --bench public_page`

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringcheck::engine::{
    Component, ComponentState, ComponentStatus, Notice, NoticeMatter, NoticeStage, NoticeUpdate, View,
};
use ringcheck::io::clock;
use ringcheck::io::http::{Limits, PublicSite, serve};
use ringcheck::model::{IncidentNumber, PodName, Timestamp};
use ringcheck::plan::StatusPageSettings;
use tokio::sync::watch;

/// Pods on the page.
const PODS: usize = 30;
/// Days with history.
const DAYS: u64 = 90;
/// Days between two notices.
const EVERY_DAYS: usize = 3;
/// Connections of the crowd, each with one request under way.
const CONNECTIONS: usize = 8;
/// Requests on each.
const REQUESTS: usize = 5_000;
/// A view is published this often, as a node does.
const PUBLISH_EVERY: Duration = Duration::from_millis(200);
/// Kernel ticks in a second, on every Linux that we build for.
const TICKS_A_SECOND: f64 = 100.0;

fn main() {
    if std::env::args().any(|argument| argument == "--serve") {
        return served();
    }
    let mut child = Command::new(std::env::current_exe().expect("known"))
        .arg("--serve")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("is piped")).read_line(&mut line).expect("it says its address");
    let address: SocketAddr = line.trim().parse().expect("an address");
    for path in ["/", "/api/v2/summary.json"] {
        let (before, began) = (cpu_seconds(child.id()), Instant::now());
        let crowd: Vec<_> = (0..CONNECTIONS).map(|_| std::thread::spawn(move || ask(address, path))).collect();
        let mut took: Vec<Duration> = Vec::new();
        let mut bytes = 0;
        for asker in crowd {
            let (each, length) = asker.join().expect("it ends");
            took.extend(each);
            bytes = length;
        }
        let (cpu, wall) = (cpu_seconds(child.id()) - before, began.elapsed().as_secs_f64());
        took.sort_unstable();
        let p99 = took[took.len() * 99 / 100];
        let requests = took.len() as f64;
        println!(
            "GET {path} ({:.0} kB): {:.0} requests per CPU second, {:.0} per second, p99 {:.1} ms",
            f64::from(u32::try_from(bytes).expect("small")) / 1000.0,
            requests / cpu,
            requests / wall,
            p99.as_secs_f64() * 1000.0,
        );
    }
    child.kill().expect("it was running");
    child.wait().expect("it ends");
}

/// Asks again and again over one connection; how long each answer took, and how long it was.
fn ask(address: SocketAddr, path: &str) -> (Vec<Duration>, usize) {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_nodelay(true).expect("set");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let (mut took, mut length) = (Vec::with_capacity(REQUESTS), 0);
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..REQUESTS {
        let began = Instant::now();
        stream.write_all(request.as_bytes()).expect("sent");
        length = read_answer(&mut stream, &mut buffer);
        took.push(began.elapsed());
    }
    (took, length)
}

fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    loop {
        filled += stream.read(&mut buffer[filled..]).expect("answered");
        let Some(head) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).expect("ASCII").to_ascii_lowercase();
        assert!(text.starts_with("http/1.1 200"), "{text}");
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("it says how long");
        let whole = head + 4 + length.parse::<usize>().expect("a number");
        while filled < whole {
            filled += stream.read(&mut buffer[filled..]).expect("answered");
        }
        return whole;
    }
}

fn cpu_seconds(process: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let (_, after_name) = text.rsplit_once(')').expect("a name in brackets");
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).map(|n| n.parse::<f64>().expect("ticks")).sum();
    ticks / TICKS_A_SECOND
}

/// The server: says its address, and serves until it is killed.
fn served() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (views, view) = watch::channel(Arc::new(history()));
        let notice_after = Duration::from_mins(1);
        let url = "https://status.example.com".to_owned();
        let settings = StatusPageSettings { title: "Calls".to_owned(), url, notice_after };
        let (site, keep_true) = PublicSite::new(view, settings, clock::now);
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", socket.local_addr().expect("it is bound"));
        tokio::spawn(keep_true);
        tokio::spawn(serve(socket, site.router(), Limits::PUBLIC, std::future::pending()));
        loop {
            tokio::time::sleep(PUBLISH_EVERY).await;
            views.send_replace(Arc::new(history()));
        }
    });
}

fn history() -> View {
    let now = clock::now();
    let ago = |days: u64| now.minus(Duration::from_hours(24 * days));
    let component = |number: usize, component| ComponentStatus {
        pod: PodName::parse(&format!("pod-{number}")).expect("a name"),
        public_name: format!("Europe {number}"),
        component,
        state: ComponentState::Operational,
        since: ago(DAYS),
        looked_at: true,
    };
    View {
        at: now,
        components: (1..=PODS).flat_map(|pod| Component::ALWAYS.map(|which| component(pod, which))).collect(),
        notices: (0..DAYS).rev().step_by(EVERY_DAYS).map(|days| notice(days, ago(days))).collect(),
        ..View::default()
    }
}

/// An incident of some hours, told in five steps.
fn notice(number: u64, started: Timestamp) -> Notice {
    let stages = [
        NoticeStage::Investigating,
        NoticeStage::Identified,
        NoticeStage::Identified,
        NoticeStage::Monitoring,
        NoticeStage::Resolved,
    ];
    let update = |(place, stage): (u64, NoticeStage)| NoticeUpdate {
        at: started.plus(Duration::from_mins(1 + 30 * place)),
        stage,
        next_by: (stage != NoticeStage::Resolved).then(|| started.plus(Duration::from_mins(31 + 30 * place))),
    };
    Notice {
        incident: IncidentNumber(u32::try_from(number + 1).expect("small")),
        started,
        public_names: vec!["Europe 1".to_owned(), "Europe 2".to_owned()],
        everybody: false,
        all_pods: false,
        hit: NoticeMatter::Connections,
        updates: (0..).zip(stages).map(update).collect(),
    }
}
