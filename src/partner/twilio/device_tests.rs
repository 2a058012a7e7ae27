//! What the Device does and raises, told as timelines. The expectations were measured with the
//! real SDKs in a browser.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::partner::twilio::{Invite, Trouble, Welcome};

const CONNECTED: &str =
    r#"{"type":"connected","payload":{"region":"EU_IRELAND","edge":"dublin","gateway":"gw-1","token":{"ttl":60}}}"#;
const READY: &str = r#"{"type":"ready"}"#;
const OFFLINE: &str = r#"{"type":"offline"}"#;
const CLOSE: &str = r#"{"type":"close"}"#;
const EXPIRED: &str = r#"{"type":"error","payload":{"error":{"code":31205}}}"#;

fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000).plus(Duration::from_secs(secs))
}

fn device(profile: SdkProfile) -> Device {
    Device::new(TokenText::parse("a.b.c").expect("a token"), profile)
}

/// Everything the device has to say, in short.
fn said(device: &mut Device) -> Vec<String> {
    std::iter::from_fn(|| device.poll())
        .map(|output| match output {
            SignallingOutput::Send(text) if text == "\n" => "send heartbeat".to_owned(),
            SignallingOutput::Send(text) => match ClientFrame::parse(&text) {
                ClientFrame::Listen { token: Some(token), .. } => format!("send listen {}", token.expose()),
                ClientFrame::Register { audio } => format!("send register {audio}"),
                other => format!("send {other:?}"),
            },
            SignallingOutput::Close(code) => format!("close {code}"),
            SignallingOutput::Event(SignallingEvent::Connected(_)) => "connected".to_owned(),
            SignallingOutput::Event(SignallingEvent::DeviceError { error, .. }) => format!("error {}", error.code),
            SignallingOutput::Event(event) => format!("{event:?}"),
        })
        .collect()
}

/// A device that is connected and registered, with everything so far said.
fn registered(profile: SdkProfile) -> Device {
    let mut device = device(profile);
    device.opened(at(0));
    device.received(at(0), CONNECTED);
    device.register(at(0));
    device.received(at(0), READY);
    said(&mut device);
    device
}

#[test]
fn the_newer_sdk_registers_when_asked() {
    let mut device = device(SdkProfile::V2);
    device.opened(at(0));
    assert_eq!(said(&mut device), ["send listen a.b.c"]);
    device.received(at(0), CONNECTED);
    assert_eq!(said(&mut device), ["connected"]);
    device.register(at(1));
    device.register(at(1));
    assert_eq!(said(&mut device), ["send register true"]);
    device.received(at(1), READY);
    device.received(at(1), READY);
    assert_eq!(said(&mut device), ["Registered"]);
    device.received(at(9), "\n");
    assert_eq!(said(&mut device), ["send heartbeat"]);
}

#[test]
fn asking_before_the_token_is_accepted_waits_for_that() {
    let mut device = device(SdkProfile::V2);
    device.register(at(0));
    device.opened(at(0));
    device.register(at(0));
    assert_eq!(said(&mut device), ["send listen a.b.c"], "an early register earns a false 31204");
    device.received(at(0), CONNECTED);
    assert_eq!(said(&mut device), ["connected", "send register true"]);
}

#[test]
fn the_older_sdk_registers_by_itself() {
    let mut device = device(SdkProfile::V1);
    device.opened(at(0));
    device.received(at(0), CONNECTED);
    device.register(at(0));
    device.received(at(0), READY);
    assert_eq!(said(&mut device), ["send listen a.b.c", "connected", "send register true", "Registered"]);
    device.received(at(0), CONNECTED);
    assert_eq!(said(&mut device), ["connected", "send register true"], "at each connected");
}

#[test]
fn the_partner_says_where_we_are() {
    let mut device = device(SdkProfile::V2);
    device.opened(at(0));
    device.received(at(0), CONNECTED);
    let last = std::iter::from_fn(|| device.poll()).last();
    let facts = SessionFacts {
        gateway: Some("gw-1".to_owned()),
        region: Some("EU_IRELAND".to_owned()),
        edge: Some("dublin".to_owned()),
        token_ttl_s: Some(60),
    };
    assert_eq!(last, Some(SignallingOutput::Event(SignallingEvent::Connected(facts))));
}

#[test]
fn registration_is_repeated_whatever_the_answer() {
    let mut device = registered(SdkProfile::V2);
    for round in 1..=3_u64 {
        for beat in [10, 20] {
            device.received(at(round * 30 - 30 + beat), "\n");
        }
        said(&mut device);
        assert_eq!(device.wake(), Some(at(round * 30)));
        device.timeout(at(round * 30));
        assert_eq!(said(&mut device), ["send register true"]);
    }
}

#[test]
fn an_expired_token_stops_the_repeats() {
    for profile in [SdkProfile::V2, SdkProfile::V1] {
        let mut device = registered(profile);
        device.received(at(1), EXPIRED);
        assert_eq!(device.wake(), Some(at(16)), "only silence is waited for");
        let raised = if profile == SdkProfile::V2 { "error 20104" } else { "error 31205" };
        assert_eq!(said(&mut device), [raised]);
    }
}

#[test]
fn silence_ends_the_connection_without_an_error() {
    for profile in [SdkProfile::V2, SdkProfile::V1] {
        let mut device = device(profile);
        device.opened(at(0));
        said(&mut device);
        assert_eq!(device.wake(), Some(at(15)));
        device.received(at(10), "{\"type\":\"whatever\"}");
        device.received_foreign(at(12));
        device.timeout(at(15));
        assert_eq!(said(&mut device), ["Degraded(ForeignFrame)"]);
        device.timeout(at(27));
        assert_eq!(said(&mut device), ["HeartbeatLost", "close 1000"]);
        device.ended(at(27), SocketEnd::Closed(1005));
        assert_eq!(said(&mut device), [""; 0]);
        assert_eq!(device.wake(), None);
    }
}

#[test]
fn an_error_frame_becomes_what_the_sdk_raises() {
    for (code, v2, v1) in [
        (31204, "error 20101", "error 31204"),
        (31202, "error 53000", "error 31202"),
        (31206, "error 31206", "error 31206"),
    ] {
        for (profile, raised) in [(SdkProfile::V2, v2), (SdkProfile::V1, v1)] {
            let mut device = device(profile);
            device.opened(at(0));
            said(&mut device);
            let trouble = Trouble { code: Some(code), message: Some("no".to_owned()), ..Trouble::default() };
            device.received(at(0), &ServerFrame::Error(trouble).to_text());
            assert_eq!(said(&mut device), [raised], "the socket stays open");
            assert!(device.wake().is_some());
        }
    }
}

#[test]
fn a_refusal_can_say_which_gateway_it_is_of() {
    let mut device = device(SdkProfile::V2);
    device.opened(at(0));
    let gateway = Some("gw-7".to_owned());
    let trouble = Trouble { code: Some(31204), gateway: gateway.clone(), ..Trouble::default() };
    device.received(at(0), &ServerFrame::Error(trouble).to_text());
    let told: Vec<SignallingOutput> = std::iter::from_fn(|| device.poll()).collect();
    let located = SignallingEvent::Located { gateway, region: None };
    assert!(told.contains(&SignallingOutput::Event(located)), "{told:?}");
}

#[test]
fn a_request_to_slow_down_is_told_apart() {
    for (code, throttled) in [(31206, true), (20429, true), (31429, true), (31204, false)] {
        let mut device = device(SdkProfile::V2);
        device.opened(at(0));
        let trouble = Trouble { code: Some(code), retry_after_s: Some(7), ..Trouble::default() };
        device.received(at(0), &ServerFrame::Error(trouble).to_text());
        let expected = SignallingEvent::DeviceError {
            error: device_error(SdkProfile::V2, Some(code)),
            retry_after_s: Some(7),
            throttled,
        };
        assert_eq!(std::iter::from_fn(|| device.poll()).last(), Some(SignallingOutput::Event(expected)));
    }
}

#[test]
fn sockets_end_as_in_a_browser() {
    for profile in [SdkProfile::V2, SdkProfile::V1] {
        for (opened, end, raised) in [
            (false, SocketEnd::NotOpened, vec!["error 31000", "error 31005"]),
            (false, SocketEnd::OpenTimeout, vec![]),
            (true, SocketEnd::Broken, vec!["error 31005"]),
            (true, SocketEnd::Refused, vec!["error 31000", "error 31005"]),
            (true, SocketEnd::Closed(1006), vec!["error 31005"]),
            (true, SocketEnd::Closed(1015), vec!["error 31005"]),
            (true, SocketEnd::Closed(1000), vec![]),
            (true, SocketEnd::Closed(1011), vec![]),
            (true, SocketEnd::Closed(4000), vec![]),
        ] {
            let mut device = device(profile);
            if opened {
                device.opened(at(0));
                said(&mut device);
            }
            device.ended(at(1), end);
            assert_eq!(said(&mut device), raised, "{profile:?} {end:?}");
        }
    }
}

#[test]
fn a_device_that_was_registered_comes_back_by_itself() {
    for profile in [SdkProfile::V2, SdkProfile::V1] {
        let mut device = registered(profile);
        device.ended(at(1), SocketEnd::Closed(1000));
        device.opened(at(2));
        device.received(at(2), CONNECTED);
        device.received(at(2), READY);
        assert_eq!(said(&mut device), ["send listen a.b.c", "connected", "send register true", "Registered"]);
    }
}

#[test]
fn the_partner_may_end_the_stream() {
    let mut device = registered(SdkProfile::V2);
    device.received(at(1), CLOSE);
    assert_eq!(said(&mut device), ["StreamEnded", "close 1000"]);
    device.received(at(1), READY);
    device.ended(at(1), SocketEnd::Broken);
    assert_eq!(said(&mut device), [""; 0], "the SDK no longer listens");
}

#[test]
fn going_offline_unasked_is_told() {
    for (profile, repeats) in [(SdkProfile::V2, false), (SdkProfile::V1, true)] {
        let mut device = registered(profile);
        device.received(at(20), OFFLINE);
        device.received(at(20), OFFLINE);
        assert_eq!(said(&mut device), ["Offline"]);
        device.timeout(at(30));
        assert_eq!(said(&mut device), if repeats { vec!["send register true"] } else { vec![] });
    }
}

#[test]
fn leaving_is_proper() {
    let mut device = registered(SdkProfile::V2);
    device.leave(at(1));
    assert_eq!(said(&mut device), ["send register false"]);
    device.received(at(1), OFFLINE);
    assert_eq!(said(&mut device), ["Offline"]);
    assert_eq!(device.wake(), Some(at(16)), "nothing is repeated");
    device.received(at(2), READY);
    device.received(at(2), CONNECTED);
    assert_eq!(said(&mut device), ["connected"], "it stays away");
    let mut never_there = super::tests::device(SdkProfile::V2);
    never_there.opened(at(0));
    said(&mut never_there);
    never_there.leave(at(0));
    assert_eq!(said(&mut never_there), ["Offline"]);
}

#[test]
fn invites_are_never_answered() {
    let invite = |callsid: Option<&str>| {
        let (callsid, sdp) = (callsid.map(str::to_owned), Some("v=0".to_owned()));
        ServerFrame::Invite(Invite { callsid, sdp, ..Invite::default() }).to_text()
    };
    for (profile, malformed) in [(SdkProfile::V2, "error 31400"), (SdkProfile::V1, "error 0")] {
        let mut device = registered(profile);
        device.received(at(1), &invite(Some("CA1")));
        device.received(at(1), &invite(Some("CA2")));
        assert_eq!(said(&mut device), ["Degraded(ForeignInvite)"]);
        device.received(at(1), &invite(None));
        assert_eq!(said(&mut device), [malformed]);
    }
}

#[test]
fn what_the_sdk_carries_on_with_is_degraded() {
    let mut device = registered(SdkProfile::V2);
    device.received(at(1), "garbage");
    device.received(at(1), "{\"type\":\"read");
    device.received(at(1), "null");
    assert_eq!(said(&mut device), ["Degraded(Garbage)"]);
    device.received(at(1), r#"{"type":"hangup","payload":{"callsid":"CA9"}}"#);
    assert_eq!(said(&mut device), ["Degraded(ForeignFrame)"]);
    let welcome = Welcome::default();
    let large = ServerFrame::Connected(welcome).to_text() + &" ".repeat(LARGE_FRAME);
    device.received(at(1), &large);
    assert_eq!(said(&mut device), ["Degraded(LargeFrame)", "connected"]);
    device.received(at(1), &" ".repeat(FRAME_MAX + 1));
    assert_eq!(said(&mut device), [""; 0], "already told");
    device.received(at(2), r#"{"type":"presence"}"#);
    assert_eq!(said(&mut device), [""; 0]);
}

#[test]
fn a_flood_of_errors_is_bounded() {
    let mut device = registered(SdkProfile::V2);
    for _ in 0..1_000 {
        device.received(at(1), EXPIRED);
    }
    assert_eq!(said(&mut device).len(), DEVICE_ERRORS_MAX);
}

#[derive(Clone, Debug)]
enum Do {
    Open,
    Receive(String),
    Foreign,
    Register,
    Leave,
    End(SocketEnd),
    Wait(u64),
}

fn doing() -> impl Strategy<Value = Do> {
    let known = [CONNECTED, READY, OFFLINE, CLOSE, EXPIRED, "\n", "", "null", "{}", r#"{"type":"invite"}"#];
    let end = prop::sample::select(vec![
        SocketEnd::NotOpened,
        SocketEnd::OpenTimeout,
        SocketEnd::Broken,
        SocketEnd::Refused,
        SocketEnd::Closed(1000),
        SocketEnd::Closed(1006),
    ]);
    prop_oneof![
        2 => Just(Do::Open),
        6 => prop::sample::select(known.to_vec()).prop_map(|text| Do::Receive(text.to_owned())),
        1 => any::<String>().prop_map(Do::Receive),
        1 => Just(Do::Foreign),
        2 => Just(Do::Register),
        1 => Just(Do::Leave),
        1 => end.prop_map(Do::End),
        2 => (0_u64..40).prop_map(Do::Wait),
    ]
}

proptest! {
    /// Whatever happens: nothing is sent while no socket is open, a registration is never asked for
    /// before the token is accepted nor after leaving, and time alone never makes it spin.
    #[test]
    fn any_partner_is_survived(steps in prop::collection::vec(doing(), 0..60), older: bool) {
        let mut device = device(if older { SdkProfile::V1 } else { SdkProfile::V2 });
        let (mut now, mut open, mut accepted, mut left) = (0, false, false, false);
        for step in steps {
            match &step {
                Do::Open => { device.opened(at(now)); (open, accepted) = (true, false); }
                Do::Receive(text) => { accepted |= open && text == CONNECTED; device.received(at(now), text); }
                Do::Foreign => device.received_foreign(at(now)),
                Do::Register => { left = false; device.register(at(now)); }
                Do::Leave => { left = true; device.leave(at(now)); }
                Do::End(end) => device.ended(at(now), *end),
                Do::Wait(secs) => {
                    now += secs;
                    if device.wake().is_some_and(|wake| wake <= at(now)) {
                        device.timeout(at(now));
                        prop_assert!(device.wake().is_none_or(|wake| wake > at(now)));
                    }
                }
            }
            for said in said(&mut device) {
                prop_assert!(!said.starts_with("send") || open, "{step:?}: {said}");
                prop_assert!(said != "send register true" || (accepted && !left), "{step:?}: {said}");
                open &= !said.starts_with("close");
            }
            open &= !matches!(step, Do::End(_));
        }
    }
}
