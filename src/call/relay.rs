//! One allocation at a TURN server (RFC 8656), without sockets: allocates, permits the far side's
//! addresses, carries datagrams to and from them, refreshes, and gives back what it was given.
//!
//! Data travel in Send and Data indications, not in channels: over TCP a channel's frames are
//! padded, which `turn-client-proto` 0.7 neither writes nor reads, and 32 bytes a packet matter to
//! nobody in a test call.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use secrecy::ExposeSecret;
use turn_client_proto::api::{Transmit, TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet};
use turn_client_proto::client::TurnClient;
use turn_client_proto::prelude::{DelayedTransmitBuild, TurnClientApi};
use turn_client_proto::stun::types::TransportType;
use turn_client_proto::stun::types::attribute::{ErrorCode, Realm};
use turn_client_proto::stun::types::message::{Message, TransactionId};
use turn_client_proto::tcp::TurnClientTcp;
use turn_client_proto::types::{AddressFamily, TurnCredentials};
use turn_client_proto::udp::TurnClientUdp;

use crate::model::{IceTrouble, RelayLogin, RelayTransport};

use super::relay_moment::{at, before};
use super::short_lifetime::backdated;
use super::turn_frames::TurnFrames;

/// Rounds of one drain; a machine that wants more has lost its senses.
const ROUNDS_MAX: usize = 64;
/// The soonest that it is woken again when it says "at once" and has nothing to do then.
const BREATH: Duration = Duration::from_millis(5);
/// The far side's addresses that are permitted at most.
pub(super) const PEERS_MAX: usize = 8;

/// What a relay wants done, or tells.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum RelayOutput {
    /// Send this to the server.
    Send(Vec<u8>),
    /// It has an address for us, from which nobody may reach us yet.
    Allocated,
    /// It relays: packets from the first permitted address to this one come to us.
    Ready(SocketAddr),
    /// A packet came from there.
    Packet(SocketAddr, Vec<u8>),
    /// It is of no use, or no longer.
    Failed(IceTrouble),
}

/// One allocation at a TURN server. Holds a password, so it has no `Debug`.
pub(super) struct Relay {
    client: TurnClient,
    over: RelayTransport,
    server: SocketAddr,
    local: SocketAddr,
    login: RelayLogin,
    /// What the server calls those that know our password.
    realm: String,
    peers: Vec<IpAddr>,
    frames: TurnFrames,
    /// The address at the server, once there is one.
    relayed: Option<SocketAddr>,
    /// The last refusal that was more than a request for credentials.
    refused: Option<u16>,
    /// The request that was answered with a request for credentials.
    challenged: Option<TransactionId>,
    ready: bool,
    leaving: bool,
    over_and_out: bool,
    wake: Duration,
    outputs: VecDeque<RelayOutput>,
}

impl Relay {
    /// Begins to allocate at `server`, from our address `local` towards it, for a far side that has
    /// addresses of this family.
    pub(super) fn new(
        over: RelayTransport,
        (local, server): (SocketAddr, SocketAddr),
        ipv6: bool,
        login: &RelayLogin,
        now: Duration,
    ) -> Self {
        let credentials = TurnCredentials::new(login.username.expose_secret(), login.password.expose_secret());
        let mut config = TurnConfig::new(credentials);
        if ipv6 {
            config.set_address_family(AddressFamily::IPV6);
        }
        let client: TurnClient = match over {
            RelayTransport::Udp => TurnClientUdp::allocate(local, server, config).into(),
            RelayTransport::Tcp | RelayTransport::Tls => TurnClientTcp::allocate(local, server, config).into(),
        };
        let mut relay = Self {
            client,
            over,
            server,
            local,
            login: login.clone(),
            realm: String::new(),
            peers: Vec::new(),
            frames: TurnFrames::default(),
            relayed: None,
            refused: None,
            challenged: None,
            ready: false,
            leaving: false,
            over_and_out: false,
            wake: now,
            outputs: VecDeque::new(),
        };
        relay.drain(now);
        relay
    }

    /// How it is reached.
    pub(super) const fn over(&self) -> RelayTransport {
        self.over
    }

    /// Where it is.
    pub(super) const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Our address at the server.
    pub(super) const fn relayed(&self) -> Option<SocketAddr> {
        self.relayed
    }

    /// The next thing to do or to know; `None` when drained.
    pub(super) fn poll(&mut self) -> Option<RelayOutput> {
        self.outputs.pop_front()
    }

    /// When [`Relay::timeout`] wants to come; `None` when all is over.
    pub(super) fn wake(&self) -> Option<Duration> {
        (!self.over_and_out).then_some(self.wake)
    }

    /// Time has come to [`Relay::wake`].
    pub(super) fn timeout(&mut self, now: Duration) {
        self.drain(now);
    }

    /// The far side may be at these addresses: packets from there shall come through.
    pub(super) fn permit(&mut self, now: Duration, peers: &[IpAddr]) {
        for peer in peers {
            if !self.peers.contains(peer) && self.peers.len() < PEERS_MAX {
                self.peers.push(*peer);
            }
        }
        self.ask_permissions(now);
        self.drain(now);
    }

    /// A datagram from the server.
    pub(super) fn datagram(&mut self, now: Duration, bytes: &[u8]) {
        self.take(now, bytes);
        self.drain(now);
    }

    /// Bytes from the server, wherever the stream was cut.
    pub(super) fn bytes(&mut self, now: Duration, bytes: &[u8]) {
        self.frames.push(bytes);
        loop {
            match self.frames.next() {
                Ok(Some(frame)) => self.take(now, &frame),
                Ok(None) => break,
                Err(_) => return self.fail(IceTrouble::Malformed),
            }
        }
        self.drain(now);
    }

    /// The connection to the server has ended, or it never came to be.
    pub(super) fn ended(&mut self, trouble: IceTrouble) {
        self.fail(trouble);
    }

    /// Sends a packet to `to` through the relay. One that may not be sent is lost, as any may be.
    pub(super) fn send(&mut self, now: Duration, to: SocketAddr, packet: &[u8]) {
        if let Ok(Some(transmit)) = self.client.send_to(TransportType::Udp, to, packet, at(now)) {
            self.outputs.push_back(RelayOutput::Send(transmit.data.build()));
        }
    }

    /// Gives the allocation back. What is to be sent for that comes from [`Relay::poll`], until
    /// [`Relay::wake`] is `None`.
    pub(super) fn leave(&mut self, now: Duration) {
        self.leaving = true;
        if self.relayed.is_some() {
            self.give_back(now);
        }
        // One that is still being allocated is given back as soon as it is there.
        self.drain(now);
    }

    // ---- inside --------------------------------------------------------------------------

    fn give_back(&mut self, now: Duration) {
        if self.client.delete(at(now)).is_err() {
            self.over_and_out = true;
        }
    }

    fn take(&mut self, now: Duration, bytes: &[u8]) {
        self.note_refusal(bytes);
        let backdated = backdated(bytes, &self.login, &self.realm);
        let (data, moment) = match &backdated {
            Some(answer) => (answer.bytes.as_slice(), before(now, answer.earlier)),
            None => (bytes, at(now)),
        };
        let transport = self.client.transport();
        let arrived = Transmit { data, transport, from: self.server, to: self.local };
        if let TurnRecvRet::PeerData(data) = self.client.recv(arrived, moment) {
            self.outputs.push_back(RelayOutput::Packet(data.peer, data.data().to_vec()));
        }
        // The library waits for a better answer to some refusals; there will be none.
        if let (Some(code), None) = (self.refused, self.relayed) {
            self.fail(IceTrouble::Refused(code));
        }
    }

    /// The library does not tell why it was refused.
    fn note_refusal(&mut self, bytes: &[u8]) {
        let Ok(message) = Message::from_bytes(bytes) else { return };
        let Ok(error) = message.attribute::<ErrorCode>() else { return };
        if let Ok(realm) = message.attribute::<Realm>() {
            realm.realm().clone_into(&mut self.realm);
        }
        match error.code() {
            // What every relay says to the first request.
            401 if self.challenged.is_none_or(|first| first == message.transaction_id()) => {
                self.challenged = Some(message.transaction_id());
            }
            // The nonce is too old; it is asked again with the new one.
            438 => {}
            code => self.refused = Some(code),
        }
    }

    fn drain(&mut self, now: Duration) {
        for _ in 0..ROUNDS_MAX {
            if self.over_and_out {
                return;
            }
            let mut idle = true;
            while let Some(transmit) = self.client.poll_transmit(at(now)) {
                self.outputs.push_back(RelayOutput::Send(transmit.data.to_vec()));
                idle = false;
            }
            while let Some(event) = self.client.poll_event() {
                self.event(now, event);
                idle = false;
            }
            match self.client.poll(at(now)) {
                TurnPollRet::WaitUntil(wake) if wake > at(now) => {
                    self.wake = now + wake.saturating_duration_since(at(now));
                    return;
                }
                TurnPollRet::Closed => return self.closed(),
                _ if idle => {
                    self.wake = now + BREATH;
                    return;
                }
                _ => {}
            }
        }
        self.wake = now + BREATH;
    }

    fn event(&mut self, now: Duration, event: TurnEvent) {
        match event {
            TurnEvent::AllocationCreated(_, relayed) => {
                self.relayed = Some(relayed);
                if self.leaving {
                    self.give_back(now);
                } else {
                    self.outputs.push_back(RelayOutput::Allocated);
                    self.ask_permissions(now);
                }
            }
            TurnEvent::PermissionCreated(..) if !self.ready => {
                self.ready = true;
                self.outputs.extend(self.relayed.map(RelayOutput::Ready));
            }
            TurnEvent::AllocationCreateFailed(_) => self.fail(self.trouble()),
            TurnEvent::PermissionCreateFailed(_, peer) => {
                self.peers.retain(|known| *known != peer);
                if self.peers.is_empty() {
                    self.tell_failed(self.trouble());
                }
            }
            _ => {}
        }
    }

    fn ask_permissions(&mut self, now: Duration) {
        let Some(relayed) = self.relayed else { return };
        for peer in self.peers.iter().filter(|peer| peer.is_ipv4() == relayed.is_ipv4()) {
            // Fails for one that is permitted already, or while the allocation ends.
            self.client.create_permission(TransportType::Udp, *peer, at(now)).ok();
        }
    }

    /// The library has nothing more to do: what we gave back is back, or we were thrown out.
    fn closed(&mut self) {
        if self.leaving {
            self.over_and_out = true;
        } else {
            self.fail(self.trouble());
        }
    }

    fn trouble(&self) -> IceTrouble {
        match (self.refused, self.relayed) {
            (Some(code), _) => IceTrouble::Refused(code),
            (None, Some(_)) => IceTrouble::Ended,
            (None, None) => IceTrouble::NoAnswer,
        }
    }

    fn fail(&mut self, trouble: IceTrouble) {
        if !self.over_and_out {
            self.over_and_out = true;
            self.tell_failed(trouble);
        }
    }

    fn tell_failed(&mut self, trouble: IceTrouble) {
        if !self.leaving {
            self.outputs.push_back(RelayOutput::Failed(trouble));
        }
    }
}
