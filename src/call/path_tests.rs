//! A call behind a NAT, on a virtual clock: which path it says it took, and what a demand makes of
//! it. The far side is the same media machine; between them is a network that rewrites addresses.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use turn_client_proto::stun::types::attribute::XorMappedAddress;
use turn_client_proto::stun::types::message::{Message, MessageWriteVec};
use turn_client_proto::stun::types::prelude::{MessageWrite, MessageWriteExt};

use super::CallSettings;
use super::audio::ToneId;
use super::media::{Media, MediaEvent, MediaOutput, MediaSettings};
use super::path_io::{PathInput, PathRequest};
use super::test_call::{CallAction, TestCall};
use crate::model::{
    CallDirection, CallEvent, CallFacts, CallWish, Codec, FailureReason, IceServer, IceService, IceTrouble, MediaPath,
    Origin, Outcome, PathTaken, Step,
};

/// The step's deadline.
const STEP: Duration = Duration::from_secs(5);
/// How long a datagram travels.
const ONE_WAY: Duration = Duration::from_millis(20);

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// How the far side sees a call that sends from `own`.
#[derive(Clone, Copy)]
struct Network {
    own: SocketAddr,
    public: SocketAddr,
    far: SocketAddr,
    stun: SocketAddr,
    /// False if the STUN server says nothing.
    stun_answers: bool,
}

impl Network {
    fn with_nat() -> Self {
        Self {
            own: address("10.0.0.2:5000"),
            public: address("203.0.113.9:41000"),
            far: address("198.51.100.7:6000"),
            stun: address("192.0.2.1:3478"),
            stun_answers: true,
        }
    }

    fn without_nat() -> Self {
        let own = address("203.0.113.9:5000");
        Self { own, public: own, ..Self::with_nat() }
    }
}

/// What a call has found: whether media flowed, and where it failed.
struct Told {
    facts: CallFacts,
    failed: Option<(Step, FailureReason)>,
}

fn demanding(path: MediaPath, origin: Origin) -> CallSettings {
    let wish = CallWish { direction: CallDirection::Outbound, hold_ms: 2000, ring_ms: 0, codec: Codec::Pcmu, path };
    CallSettings {
        wish,
        digits: None,
        record: Duration::ZERO,
        tone: ToneId(7),
        temporary: "TJS1".to_owned(),
        marker: "rc=1".to_owned(),
        number: None,
        other: None,
        origin,
        step: STEP,
        delivery: STEP,
        servers: true,
    }
}

/// An outbound call that demands this path, until its keys are agreed or it is over.
fn call(network: Network, path: MediaPath) -> Told {
    let origin = Origin::some();
    let settings = demanding(path, origin);
    let mut now = Duration::ZERO;
    let mut ours = TestCall::new(settings, now);
    let far_settings = MediaSettings { codecs: Codec::Pcmu.alone(), local: network.far, host: true, origin };
    let mut far = Media::new(far_settings, now);
    // Due, from, to, bytes; in the order in which they were sent, which is that in which they arrive.
    let mut wire: VecDeque<(Duration, SocketAddr, SocketAddr, Vec<u8>)> = VecDeque::new();
    let (mut failed, mut flows, mut listed) = (None, false, false);
    for _ in 0..20_000 {
        while let Some(action) = ours.poll() {
            match action {
                CallAction::OpenMedia => ours.media_open(now, network.own),
                CallAction::Path(PathRequest::Find) => listed = true,
                CallAction::Invite(offer) => {
                    ours.event(now, CallEvent::Ringing { sid: None });
                    let description = far.take_offer(now, &offer).expect("an offer");
                    ours.event(now, CallEvent::Answered { sid: None, description });
                }
                CallAction::Transmit(to, bytes) => wire.push_back((now + ONE_WAY, network.public, to, bytes)),
                CallAction::Over(Outcome::Failed(failure)) => failed = Some((failure.step, failure.reason)),
                CallAction::Done(Step::Dtls, _) => flows = true,
                _ => {}
            }
        }
        if std::mem::take(&mut listed) {
            let server = IceServer { service: IceService::Stun, ours: true, address: Ok(network.stun), login: None };
            ours.path(now, PathInput::Servers(&[server]));
            continue;
        }
        while let Some(output) = far.poll() {
            match output {
                MediaOutput::Transmit { to, bytes, .. } => wire.push_back((now + ONE_WAY, network.far, to, bytes)),
                MediaOutput::Event(MediaEvent::Closed) => return Told { facts: ours.facts(), failed },
                MediaOutput::Event(_) => {}
            }
        }
        if failed.is_some() || flows {
            break;
        }
        let next = [ours.wake(), far.wake(), wire.front().map(|(due, ..)| *due)].into_iter().flatten().min();
        now = now.max(next.expect("somebody waits for something"));
        while wire.front().is_some_and(|(due, ..)| *due <= now) {
            let (_, from, to, bytes) = wire.pop_front().expect("there is one");
            if to == network.far {
                far.datagram(now, from, &bytes);
            } else if to == network.stun && network.stun_answers {
                wire.push_back((now + ONE_WAY, network.stun, network.public, stun_answer(&bytes, from)));
            } else if to == network.public {
                ours.datagram(now, from, &bytes);
            }
        }
        if ours.wake().is_some_and(|wake| wake <= now) {
            ours.timeout(now);
        }
        if far.wake().is_some_and(|wake| wake <= now) {
            far.timeout(now);
        }
    }
    Told { facts: ours.facts(), failed }
}

fn stun_answer(question: &[u8], seen: SocketAddr) -> Vec<u8> {
    let question = Message::from_bytes(question).expect("a question");
    let mut answer = Message::builder_success(&question, MessageWriteVec::new());
    answer.add_attribute(&XorMappedAddress::new(seen, question.transaction_id())).expect("there is room");
    answer.finish()
}

#[test]
fn the_path_taken_is_the_one_that_the_far_side_sees() {
    let no_path = Some((Step::Ice, FailureReason::NoPath));
    let rows = [
        ("nat, any", Network::with_nat(), MediaPath::Any, Ok(PathTaken::Reflexive)),
        ("nat, reflexive", Network::with_nat(), MediaPath::Reflexive, Ok(PathTaken::Reflexive)),
        ("nat, host", Network::with_nat(), MediaPath::Host, Err(no_path)),
        ("no nat, any", Network::without_nat(), MediaPath::Any, Ok(PathTaken::Host)),
        ("no nat, host", Network::without_nat(), MediaPath::Host, Ok(PathTaken::Host)),
        ("no nat, reflexive", Network::without_nat(), MediaPath::Reflexive, Ok(PathTaken::Reflexive)),
        ("nat, relay, and none is there", Network::with_nat(), MediaPath::Relay, Err(no_path)),
    ];
    for (name, network, path, expected) in rows {
        let told = call(network, path);
        match expected {
            Ok(taken) => assert_eq!((told.failed, told.facts.path), (None, Some(taken)), "{name}"),
            Err(failed) => assert_eq!(told.failed, failed, "{name}"),
        }
    }
}

#[test]
fn a_silent_stun_server_matters_only_where_its_path_is_demanded() {
    let network = Network { stun_answers: false, ..Network::with_nat() };
    let told = call(network, MediaPath::Reflexive);
    assert_eq!(told.failed, Some((Step::Ice, FailureReason::NoPath)));
    let asked: Vec<_> = told.facts.servers.iter().map(|asked| (asked.service, asked.trouble)).collect();
    assert_eq!(asked, [(IceService::Stun, Some(IceTrouble::NoAnswer))]);
    let told = call(network, MediaPath::Any);
    assert_eq!((told.failed, told.facts.path), (None, Some(PathTaken::Reflexive)));
}
