//! An allocation that is held longer than what its server grants, on a virtual clock and with a server
//! of our own: it is refreshed in time, and one whose refresh is refused or not answered ends as that.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::SecretString;
use turn_client_proto::stun::types::attribute::{ErrorCode, Nonce, Realm};
use turn_client_proto::stun::types::message::{
    IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass, MessageIntegrityCredentials, MessageWriteVec,
    Method,
};
use turn_client_proto::stun::types::prelude::{MessageWrite, MessageWriteExt};
use turn_client_proto::types::attribute::{Data, Lifetime, XorPeerAddress, XorRelayedAddress};
use turn_client_proto::types::message::{ALLOCATE, CREATE_PERMISSION, DATA, REFRESH, SEND};

use super::relay::{Relay, RelayOutput};
use crate::model::{IceTrouble, RelayLogin, RelayTransport};

const USER: &str = "rc_user";
const PASSWORD: &str = "correct-horse-1";
const REALM: &str = "example.org";
/// How long a permission lives; no server may choose (RFC 8656, 9).
const PERMISSION: Duration = Duration::from_secs(300);
/// A packet each second while the relay works.
const PACKET_EVERY: Duration = Duration::from_secs(1);
/// How long giving an allocation back takes at most, where the server answers.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(1);
const PACKET: &[u8] = b"twenty milliseconds";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn key() -> MessageIntegrityCredentials {
    LongTermKeyCredentials::new(USER.to_owned(), PASSWORD.to_owned(), REALM.to_owned()).into()
}

/// What a server makes of some requests, from some moment on.
#[derive(Clone, Copy)]
enum Spite {
    Refuses(Method, u16),
    /// It says nothing to anything.
    Silent,
}

/// A TURN server with one client.
struct Server {
    grants: Duration,
    nonce_lives: Duration,
    spite: Option<(Duration, Spite)>,
    allocated_until: Duration,
    permitted_until: Duration,
    refreshed: u32,
    permitted: u32,
    stale: u32,
}

impl Server {
    fn new(grants_s: u64, nonce_lives_s: u64) -> Self {
        Self {
            grants: Duration::from_secs(grants_s),
            nonce_lives: Duration::from_secs(nonce_lives_s),
            spite: None,
            allocated_until: Duration::ZERO,
            permitted_until: Duration::ZERO,
            refreshed: 0,
            permitted: 0,
            stale: 0,
        }
    }

    fn nonce(&self, now: Duration) -> String {
        format!("nonce-{}", now.as_millis() / self.nonce_lives.as_millis())
    }

    /// Takes a message of the client: what it is sent for that.
    fn take(&mut self, now: Duration, bytes: &[u8]) -> Option<Vec<u8>> {
        let message = Message::from_bytes(bytes).expect("a message");
        if message.method() == SEND {
            return self.relay(now, &message);
        }
        let spite = self.spite.filter(|(from, _)| *from <= now).map(|(_, spite)| spite);
        if let Some(Spite::Silent) = spite {
            return None;
        }
        let nonce = message.attribute::<Nonce>().map(|nonce| nonce.nonce().to_owned());
        if message.validate_integrity(&key()).is_err() {
            return Some(self.refusal(now, &message, ErrorCode::UNAUTHORIZED));
        }
        if nonce.expect("it is signed") != self.nonce(now) {
            self.stale += 1;
            return Some(self.refusal(now, &message, ErrorCode::STALE_NONCE));
        }
        match spite {
            Some(Spite::Refuses(method, code)) if method == message.method() => Some(self.refusal(now, &message, code)),
            _ => Some(self.grant(now, &message)),
        }
    }

    /// Carries a packet to the far side, which sends it back.
    fn relay(&self, now: Duration, message: &Message<'_>) -> Option<Vec<u8>> {
        let silent = matches!(self.spite, Some((from, Spite::Silent)) if from <= now);
        if silent || now >= self.allocated_until || now >= self.permitted_until {
            return None;
        }
        let to = message.attribute::<XorPeerAddress>().expect("it says to whom").addr(message.transaction_id());
        let packet = message.attribute::<Data<'_>>().expect("it has data").data().to_vec();
        let mut back = Message::builder_indication(DATA, MessageWriteVec::new());
        let from = XorPeerAddress::new(to, back.transaction_id());
        back.add_attribute(&from).expect("there is room");
        back.add_attribute(&Data::new(&packet)).expect("there is room");
        Some(back.finish())
    }

    fn refusal(&self, now: Duration, message: &Message<'_>, code: u16) -> Vec<u8> {
        let mut answer = Message::builder_error(message, MessageWriteVec::new());
        let code = ErrorCode::builder(code).build().expect("a code");
        answer.add_attribute(&code).expect("there is room");
        answer.add_attribute(&Realm::new(REALM).expect("short")).expect("there is room");
        answer.add_attribute(&Nonce::new(&self.nonce(now)).expect("short")).expect("there is room");
        answer.finish()
    }

    fn grant(&mut self, now: Duration, message: &Message<'_>) -> Vec<u8> {
        let mut answer = Message::builder_success(message, MessageWriteVec::new());
        match message.method() {
            CREATE_PERMISSION => {
                self.permitted_until = now + PERMISSION;
                self.permitted += 1;
            }
            method @ (ALLOCATE | REFRESH) => {
                let given_back = message.attribute::<Lifetime>().is_ok_and(|asked| asked.seconds() == 0);
                let lives = if given_back { Duration::ZERO } else { self.grants };
                self.allocated_until = now + lives;
                let lifetime = Lifetime::new(u32::try_from(lives.as_secs()).expect("short"));
                answer.add_attribute(&lifetime).expect("there is room");
                if method == ALLOCATE {
                    let relayed = XorRelayedAddress::new(address("192.0.2.1:50000"), message.transaction_id());
                    answer.add_attribute(&relayed).expect("there is room");
                } else {
                    self.refreshed += 1;
                }
            }
            other => panic!("nobody asks for {other}"),
        }
        answer.add_message_integrity(&key(), IntegrityAlgorithm::Sha1).expect("there is room");
        answer.finish()
    }
}

/// What came of a relay.
#[derive(PartialEq, Eq, Debug, Default)]
struct Held {
    /// Packets that were sent through it while it was said to work, and did not come back.
    lost: u32,
    failed: Option<(Duration, IceTrouble)>,
}

fn login() -> RelayLogin {
    RelayLogin { username: SecretString::from(USER), password: SecretString::from(PASSWORD) }
}

/// Holds an allocation for so long, and gives it back.
fn hold(server: &mut Server, length: Duration) -> Held {
    let (own, far) = (address("10.0.0.2:5000"), address("198.51.100.7:6000"));
    let mut now = Duration::from_millis(1234);
    let end = now + length;
    let mut relay = Relay::new(RelayTransport::Udp, (own, address("192.0.2.1:3478")), false, &login(), now);
    relay.permit(now, &[far.ip()]);
    let (mut held, mut ready, mut next_packet, mut leaving) = (Held::default(), false, now, false);
    loop {
        let mut came_back = 0;
        while let Some(output) = relay.poll() {
            match output {
                RelayOutput::Send(bytes) => {
                    if let Some(answer) = server.take(now, &bytes) {
                        relay.datagram(now, &answer);
                    }
                }
                RelayOutput::Allocated => {}
                RelayOutput::Ready(_) => (ready, next_packet) = (true, now),
                RelayOutput::Packet(from, packet) => {
                    assert_eq!((from, packet.as_slice()), (far, PACKET));
                    came_back += 1;
                }
                RelayOutput::Failed(trouble) => return Held { failed: Some((now, trouble)), ..held },
            }
        }
        held.lost -= came_back;
        let Some(wake) = relay.wake() else { return held };
        assert!(now < end + GIVEN_BACK_WITHIN, "it is never given back");
        let packet_at = (ready && !leaving).then_some(next_packet);
        let end_at = (!leaving).then_some(end);
        now = [Some(wake), packet_at, end_at].into_iter().flatten().min().expect("there is one").max(now);
        if end_at.is_some_and(|at| at <= now) {
            leaving = true;
            relay.leave(now);
        } else if packet_at.is_some_and(|at| at <= now) {
            next_packet = now + PACKET_EVERY;
            held.lost += 1;
            relay.send(now, far, PACKET);
        } else {
            relay.timeout(now);
        }
    }
}

#[test]
fn one_held_longer_than_every_lifetime_stays_whole_and_is_given_back() {
    let length = Duration::from_mins(45);
    for (grants_s, nonce_lives_s) in [(1800, 600), (600, 3600), (599, 100), (119, 50), (10, 7), (4, 3)] {
        let mut server = Server::new(grants_s, nonce_lives_s);
        let held = hold(&mut server, length);
        assert_eq!(held, Held::default(), "{grants_s} s granted");
        assert!(u64::from(server.refreshed) >= length.as_secs() / grants_s, "{} refreshed", server.refreshed);
        assert!(u64::from(server.permitted) >= length.as_secs() / PERMISSION.as_secs(), "{}", server.permitted);
        assert!(server.stale > 0 || nonce_lives_s == 3600, "the nonce grew old");
        assert_eq!(server.allocated_until.as_secs(), (length + Duration::from_millis(1234)).as_secs(), "given back");
    }
}

#[test]
fn a_refused_refresh_ends_it_with_the_servers_code_when_its_time_is_over() {
    let from = Duration::from_secs(100);
    for (grants_s, spite, expected) in [
        (300, Spite::Refuses(REFRESH, 403), IceTrouble::Refused(403)),
        (300, Spite::Refuses(REFRESH, 437), IceTrouble::Refused(437)),
        (20, Spite::Refuses(REFRESH, 508), IceTrouble::Refused(508)),
        // Its credentials have run out in the meantime.
        (20, Spite::Refuses(REFRESH, 401), IceTrouble::Refused(401)),
        (300, Spite::Silent, IceTrouble::Ended),
        (1800, Spite::Refuses(CREATE_PERMISSION, 403), IceTrouble::Refused(403)),
        (1800, Spite::Silent, IceTrouble::Ended),
    ] {
        let mut server = Server { spite: Some((from, spite)), ..Server::new(grants_s, 3600) };
        let (failed, trouble) = hold(&mut server, Duration::from_mins(45)).failed.expect("it fails");
        assert_eq!(trouble, expected, "{grants_s} s granted");
        let granted = Duration::from_secs(grants_s).min(PERMISSION);
        assert!(from <= failed && failed <= from + granted, "{grants_s} s granted, over after {failed:?}");
    }
}

#[test]
fn an_answer_that_the_server_has_not_signed_prolongs_nothing() {
    // Granted by somebody who does not know the password.
    let mut request = Message::builder_request(REFRESH, MessageWriteVec::new());
    request.add_attribute(&Lifetime::new(1800)).expect("there is room");
    let request = request.finish();
    let request = Message::from_bytes(&request).expect("a request");
    let answer = |seconds, key: &MessageIntegrityCredentials| {
        let mut answer = Message::builder_success(&request, MessageWriteVec::new());
        answer.add_attribute(&Lifetime::new(seconds)).expect("there is room");
        answer.add_message_integrity(key, IntegrityAlgorithm::Sha1).expect("there is room");
        answer.finish()
    };
    let stranger = LongTermKeyCredentials::new(USER.to_owned(), "guessed".to_owned(), REALM.to_owned()).into();
    let shown = |bytes: &[u8]| super::short_lifetime::backdated(bytes, &login(), REALM);
    assert!(shown(&answer(10, &stranger)).is_none());
    assert!(shown(&answer(600, &key())).is_none(), "nothing is missing");
    assert!(shown(&answer(0, &key())).is_none(), "it is given back");
    let backdated = shown(&answer(10, &key())).expect("it is the server's own");
    assert_eq!(backdated.earlier, Duration::from_secs(590));
    let message = Message::from_bytes(&backdated.bytes).expect("a message");
    assert!(message.has_class(MessageClass::Success) && message.validate_integrity(&key()).is_ok());
}
