//! The same call in several ways, in turn: what each costs beside the first.

use std::path::Path;
use std::time::Duration;

use ringcheck::model::{Codec, MediaPath};

use crate::coturn::{Coturn, PASSWORD};
use crate::partner::Client;
use crate::process;
use crate::{MANY_HOLD_MS, audio, median, millis, next};

/// Calls at once in each way: enough that what wakes an idle machine up does not matter.
const AT_ONCE: u32 = 20;
/// Times that each way has its turn; the first warms up.
const ROUNDS: usize = 6;

/// A way for a call to go: what it is called, its codec and its path.
type Way = (&'static str, Codec, MediaPath);

/// Directly, and through a TURN server that is reached over UDP, TCP and TLS.
pub async fn relays(folder: &Path, address: &str) {
    let coturn = Coturn::start(true).await;
    let mut client = Client::with(folder, address, &coturn.ice(PASSWORD));
    let ways = [
        ("direct", MediaPath::Host),
        ("relay-udp", MediaPath::RelayUdp),
        ("relay-tcp", MediaPath::RelayTcp),
        ("relay-tls", MediaPath::RelayTls),
    ];
    compare(&mut client, &ways.map(|(name, path)| (name, Codec::Pcmu, path))).await;
}

/// In both codecs.
pub async fn codecs(client: &mut Client) {
    compare(client, &[("pcmu", Codec::Pcmu, MediaPath::Host), ("opus", Codec::Opus, MediaPath::Host)]).await;
}

async fn compare(client: &mut Client, ways: &[Way]) {
    let mut taken: Vec<Vec<Turn>> = ways.iter().map(|_| Vec::new()).collect();
    for round in 0..ROUNDS {
        for (way, taken) in ways.iter().zip(&mut taken) {
            let turn = turn(client, way).await;
            if round > 0 {
                taken.push(turn);
            }
        }
    }
    let seconds = f64::from(MANY_HOLD_MS) / 1000.0;
    for ((name, ..), turns) in ways.iter().zip(&taken) {
        let cpu = median(turns.iter().map(|turn| turn.cpu).collect());
        let there_and_back = median(turns.iter().map(|turn| turn.there_and_back).collect());
        let each: Vec<f64> =
            turns.iter().zip(&taken[0]).map(|(turn, first)| turn.cpu.as_secs_f64() / first.cpu.as_secs_f64()).collect();
        let more =
            median_of(turns.iter().zip(&taken[0]).map(|(turn, first)| millis(turn.cpu) - millis(first.cpu)).collect());
        let late: usize = turns.iter().map(|turn| turn.late).sum();
        println!(
            "{name}: {:.1} ms of CPU a {seconds:.0} s call, {:.2} times ({:.2}-{:.2}), {:.2} ms a second more; {:.0} ms there and \
             back; {late} calls were late with audio of ours",
            millis(cpu),
            median_of(each.clone()),
            each.iter().copied().fold(f64::INFINITY, f64::min),
            each.iter().copied().fold(0.0, f64::max),
            more / seconds,
            millis(there_and_back),
        );
    }
}

/// What calls at once in one way have come to.
struct Turn {
    /// CPU time of each.
    cpu: Duration,
    /// From our mouth to the far side and back to our ear; half of them took longer.
    there_and_back: Duration,
    late: usize,
}

async fn turn(client: &mut Client, (name, codec, path): &Way) -> Turn {
    let before = process::own_cpu();
    for _ in 0..AT_ONCE {
        client.call_in(MANY_HOLD_MS, *codec, *path);
    }
    let mut reports = Vec::new();
    for _ in 0..AT_ONCE {
        let report = next(client).await;
        assert!(report.outcome.is_completed(), "{name}: {report:?}");
        reports.push(report);
    }
    client.dialer.rest().await;
    let cpu = (process::own_cpu() - before) / AT_ONCE;
    let trips = reports.iter().filter_map(|report| audio(report)?.round_trip_ms);
    let there_and_back = median(trips.map(|ms| Duration::from_millis(ms.into())).collect());
    let late = reports.iter().filter(|report| audio(report).is_none_or(|audio| audio.own_lag_ms > 0)).count();
    Turn { cpu, there_and_back, late }
}

fn median_of(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
