//! What becomes of a call whose relay has to be asked again while it lasts, or is gone.

use ringcheck::model::{
    AttemptReport, CallDirection, CallWish, Codec, FailureReason, IceService, IceTrouble, MediaPath, PathTaken,
    RelayTransport, Step,
};

use crate::bed::Bed;
use crate::coturn::{Coturn, PASSWORD};
use crate::cut;
use crate::paths::{assert_heard, path_of, trouble_of};

/// Ends some seconds after its allocation would have, three times over.
const LONG_MS: u32 = 13_000;
/// Packets that have gone to the relay when it is cut: at 50 a second, in the second second of audio.
const PACKETS: usize = 100;
/// The same in bytes.
const BYTES: usize = PACKETS * 250;

const fn wish(hold_ms: u32, path: MediaPath) -> CallWish {
    CallWish { direction: CallDirection::Outbound, hold_ms, ring_ms: 0, codec: Codec::Pcmu, path }
}

/// The server grants four seconds and a nonce three; a farewell with an old nonce is taken as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_held_longer_than_its_allocation_stays_whole() {
    let coturn = Coturn::with(&["--allow-loopback-peers", "--max-allocate-lifetime=4", "--stale-nonce=3"]).await;
    let bed = Bed::with(2, &coturn.ice(PASSWORD)).await;
    let (udp, tcp) = tokio::join!(
        bed.call(0, wish(LONG_MS, MediaPath::RelayUdp), 0),
        bed.call(1, wish(LONG_MS, MediaPath::RelayTcp), 1),
    );
    let cases = [(udp, PathTaken::RelayUdp, RelayTransport::Udp), (tcp, PathTaken::RelayTcp, RelayTransport::Tcp)];
    for (report, taken, over) in &cases {
        assert_heard(report, *taken);
        assert_eq!(trouble_of(report, IceService::Turn(*over)), None);
        let gap = report.call.as_ref().and_then(|call| call.audio.as_ref()).expect("media flowed").longest_gap_ms;
        println!("{taken:?}: the longest gap was {gap} ms");
    }
    let (refreshed, stale) = coturn.refreshed();
    println!("{refreshed} refreshed, {stale} nonces had grown old");
    assert!(refreshed >= 2 * 3 && stale > 0, "{refreshed} refreshed, {stale} with an old nonce");
    bed.rest().await;
    coturn.wait_until_nothing_is_left().await;
}

async fn cut_call(ice: &str, path: MediaPath) -> AttemptReport {
    let bed = Bed::with(1, ice).await;
    let report = bed.call(0, wish(LONG_MS, path), 0).await;
    // The farewell is not waited for for ever either.
    bed.rest().await;
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_gone_in_mid_call_ends_the_call() {
    let coturn = Coturn::start(true).await;
    let udp = cut::over_udp(coturn.address(), PACKETS).await;
    let tcp = cut::over_tcp(coturn.address(), BYTES).await;
    let (over_udp, over_tcp) =
        (coturn.ice_behind(&format!("turn:{udp}")), coturn.ice_behind(&format!("turn:{tcp}?transport=tcp")));
    let (silent, closed) =
        tokio::join!(cut_call(&over_udp, MediaPath::RelayUdp), cut_call(&over_tcp, MediaPath::RelayTcp));
    // A connection that ends says so, and the call with it.
    let failure = closed.outcome.failure().unwrap_or_else(|| panic!("{closed:?}"));
    assert_eq!((failure.step, failure.reason), (Step::Media, FailureReason::NoPath));
    assert_eq!(trouble_of(&closed, IceService::Turn(RelayTransport::Tcp)), Some(IceTrouble::Ended));
    // Without one nothing is heard any more: the audio tells.
    let failure = silent.outcome.failure().unwrap_or_else(|| panic!("{silent:?}"));
    assert_eq!((failure.step, failure.reason), (Step::Media, FailureReason::AudioDied));
    assert_eq!(path_of(&silent), Some(PathTaken::RelayUdp));
}
