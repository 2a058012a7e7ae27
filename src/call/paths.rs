//! The paths of one call's media beside the plain one: asks STUN servers under which address the
//! world sees us, has TURN servers relay, and carries packets through them. Without sockets.
//!
//! Every server is asked at once, and has the deadline of a step. The description that is sent
//! never waits for them and never tells of them: the SDK sends its offer before it has gathered.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::model::{IceServer, IceService, IceTrouble, LostReason, MediaPath, PathTaken, RelayTransport, ServerAsked};

use super::binding::Binding;
use super::relay::{PEERS_MAX, Relay, RelayOutput};

/// Servers that are asked for one call at most; what a partner lists beyond is left alone.
pub(super) const SERVERS_MAX: usize = 8;

/// What the paths want done, or tell.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum PathOutput {
    /// Send this from the call's own socket.
    Datagram(SocketAddr, Vec<u8>),
    /// Connect to this server (its number in the list).
    Open(usize),
    /// Send this on the connection to it.
    Stream(usize, Vec<u8>),
    /// Close the connection to it.
    Close(usize),
    /// The world sees our socket under this address.
    Reflexive(SocketAddr),
    /// Media can go through a relay that has this address.
    Relayed(SocketAddr),
    /// A packet came to the relay's address, from there.
    Packet { relay: SocketAddr, from: SocketAddr, bytes: Vec<u8> },
    /// The relay with this address is gone.
    Gone(SocketAddr),
}

/// The paths of one call.
pub struct Paths {
    wanted: MediaPath,
    step: Duration,
    local: Option<SocketAddr>,
    slots: Vec<Slot>,
    known: bool,
    peers: Vec<IpAddr>,
    outputs: VecDeque<PathOutput>,
}

/// One server.
struct Slot {
    server: IceServer,
    began: Duration,
    work: Work,
    asked: Option<ServerAsked>,
}

enum Work {
    /// Not for this call, or all is over with it.
    None,
    Asking(Binding),
    /// It answered; more answers of it say nothing new.
    Answered(SocketAddr),
    Connecting,
    Relaying(Box<Relay>),
}

impl Paths {
    /// The paths of a call that demands `wanted`; a server has `step` to answer.
    pub(super) fn new(wanted: MediaPath, step: Duration) -> Self {
        let (slots, peers, outputs) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { wanted, step, local: None, slots, known: false, peers, outputs }
    }

    /// The next thing to do or to know; `None` when drained.
    pub(super) fn poll(&mut self) -> Option<PathOutput> {
        self.outputs.pop_front()
    }

    /// When [`Paths::timeout`] wants to come, if at all.
    pub(super) fn wake(&self) -> Option<Duration> {
        let of_slot = |slot: &Slot| {
            let due = slot.asked.is_none().then_some(slot.began + self.step);
            let work = match &slot.work {
                Work::None => return None,
                Work::Asking(binding) => binding.wake(),
                Work::Connecting | Work::Answered(_) => None,
                Work::Relaying(relay) => relay.wake(),
            };
            [due, work].into_iter().flatten().min()
        };
        self.slots.iter().filter_map(of_slot).min()
    }

    /// What the servers did, in the order of the list.
    pub(super) fn asked(&self) -> Vec<ServerAsked> {
        self.slots.iter().filter_map(|slot| slot.asked).collect()
    }

    /// True if every server that the demanded path needs has failed: there will be no such path.
    pub(super) fn hopeless(&self) -> bool {
        let may_come = |slot: &Slot| {
            self.wanted.needs(slot.server.service)
                && slot.asked.is_none_or(|asked| asked.trouble.is_none())
                && !matches!(slot.work, Work::None)
        };
        self.wanted.needs_server() && self.known && !self.slots.iter().any(may_come)
    }

    /// What of us was in the way of the demanded path, if no server ever was.
    pub(super) fn own_fault(&self) -> Option<LostReason> {
        let needed = self.slots.iter().filter(|slot| self.wanted.needs(slot.server.service));
        let troubles: Vec<IceTrouble> = needed.filter_map(|slot| slot.asked?.trouble).collect();
        let own: Vec<LostReason> = troubles.iter().filter_map(|trouble| trouble.own()).collect();
        (own.len() == troubles.len()).then(|| own.first().copied()).flatten()
    }

    /// The path through the relay that has this address.
    pub(super) fn through(&self, relayed: SocketAddr) -> Option<PathTaken> {
        self.relays().find(|relay| relay.relayed() == Some(relayed)).map(|relay| PathTaken::relay(relay.over()))
    }

    /// True if datagrams from this address are for the paths and not for the media.
    pub(super) fn takes(&self, from: SocketAddr) -> bool {
        self.slots.iter().any(|slot| match &slot.work {
            Work::Asking(binding) => binding.server() == from,
            Work::Answered(server) => *server == from,
            Work::Relaying(relay) => relay.over() == RelayTransport::Udp && relay.server() == from,
            Work::None | Work::Connecting => false,
        })
    }

    // ---- what happens --------------------------------------------------------------------

    /// The call's own socket is open, at this address.
    pub(super) fn media_open(&mut self, now: Duration, local: SocketAddr) {
        self.local = Some(local);
        self.begin(now);
    }

    /// The servers are known.
    pub(super) fn servers(&mut self, now: Duration, servers: &[IceServer]) {
        if self.known {
            return;
        }
        self.known = true;
        let slot = |server: &IceServer| Slot { server: server.clone(), began: now, work: Work::None, asked: None };
        self.slots = servers.iter().take(SERVERS_MAX).map(slot).collect();
        self.begin(now);
    }

    /// The far side may be at these addresses.
    pub(super) fn peers(&mut self, now: Duration, peers: impl Iterator<Item = IpAddr>) {
        for peer in peers {
            if !self.peers.contains(&peer) && self.peers.len() < PEERS_MAX {
                self.peers.push(peer);
            }
        }
        for number in 0..self.slots.len() {
            self.with_relay(number, |relay, peers| relay.permit(now, peers));
            self.drain(now, number);
        }
    }

    /// A datagram from a server.
    pub(super) fn datagram(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        for number in 0..self.slots.len() {
            match &mut self.slots[number].work {
                Work::Asking(binding) => {
                    if let Some(mapped) = binding.answered(from, bytes) {
                        self.conclude(now, number, None);
                        self.slots[number].work = Work::Answered(from);
                        self.outputs.push_back(PathOutput::Reflexive(mapped));
                        return;
                    }
                }
                Work::Relaying(relay) if relay.over() == RelayTransport::Udp && relay.server() == from => {
                    relay.datagram(now, bytes);
                }
                Work::None | Work::Connecting | Work::Answered(_) | Work::Relaying(_) => {}
            }
            self.drain(now, number);
        }
    }

    /// The connection to a server is open, from this address of ours.
    pub(super) fn stream_open(&mut self, now: Duration, number: usize, local: SocketAddr) {
        let waits = self.slots.get(number).is_some_and(|slot| matches!(slot.work, Work::Connecting));
        if waits {
            self.allocate(now, number, local);
        }
    }

    /// Bytes came on the connection to a server.
    pub(super) fn stream(&mut self, now: Duration, number: usize, bytes: &[u8]) {
        self.with_relay(number, |relay, _| relay.bytes(now, bytes));
        self.drain(now, number);
    }

    /// The connection to a server has ended, or it could not be made.
    pub(super) fn stream_ended(&mut self, now: Duration, number: usize, trouble: IceTrouble) {
        match self.slots.get(number).map(|slot| &slot.work) {
            Some(Work::Connecting) => self.fail(now, number, trouble),
            Some(Work::Relaying(_)) => {
                self.with_relay(number, |relay, _| relay.ended(trouble));
                self.drain(now, number);
            }
            Some(Work::None | Work::Asking(_) | Work::Answered(_)) | None => {}
        }
    }

    /// Time has come to [`Paths::wake`].
    pub(super) fn timeout(&mut self, now: Duration) {
        for number in 0..self.slots.len() {
            let slot = &mut self.slots[number];
            let overdue = slot.asked.is_none() && slot.began + self.step <= now;
            match &mut slot.work {
                Work::None => continue,
                _ if overdue => {
                    self.fail(now, number, IceTrouble::NoAnswer);
                    continue;
                }
                Work::Asking(binding) => {
                    let to = binding.server();
                    let question = binding.poll(now).map(|question| PathOutput::Datagram(to, question));
                    self.outputs.extend(question);
                }
                Work::Relaying(relay) if relay.wake().is_some_and(|wake| wake <= now) => relay.timeout(now),
                Work::Connecting | Work::Answered(_) | Work::Relaying(_) => {}
            }
            self.drain(now, number);
        }
    }

    /// Sends a packet from a relay's address.
    pub(super) fn send(&mut self, now: Duration, relayed: SocketAddr, to: SocketAddr, packet: &[u8]) {
        for number in 0..self.slots.len() {
            if let Work::Relaying(relay) = &mut self.slots[number].work
                && relay.relayed() == Some(relayed)
            {
                relay.send(now, to, packet);
                self.drain(now, number);
            }
        }
    }

    /// Gives back all that servers gave. What is to be sent for that comes from [`Paths::poll`].
    pub(super) fn leave(&mut self, now: Duration) {
        for number in 0..self.slots.len() {
            self.with_relay(number, |relay, _| relay.leave(now));
            self.drain(now, number);
            if !matches!(self.slots[number].work, Work::Relaying(_)) {
                self.slots[number].work = Work::None;
            }
        }
    }

    /// True if servers still hold something of ours.
    pub(super) fn owes(&self) -> bool {
        self.relays().any(|relay| relay.wake().is_some())
    }

    // ---- inside --------------------------------------------------------------------------

    fn relays(&self) -> impl Iterator<Item = &Relay> {
        self.slots.iter().filter_map(|slot| match &slot.work {
            Work::Relaying(relay) => Some(relay.as_ref()),
            Work::None | Work::Asking(_) | Work::Connecting | Work::Answered(_) => None,
        })
    }

    fn with_relay(&mut self, number: usize, work: impl FnOnce(&mut Relay, &[IpAddr])) {
        if let Some(Slot { work: Work::Relaying(relay), .. }) = self.slots.get_mut(number) {
            work(relay, &self.peers);
        }
    }

    /// Asks everybody who is of use, once it is known who and from where.
    fn begin(&mut self, now: Duration) {
        let Some(local) = self.local.filter(|_| self.known) else { return };
        for number in 0..self.slots.len() {
            self.slots[number].began = now;
            let IceServer { service, address, .. } = self.slots[number].server;
            let address = match address {
                Ok(address) => address,
                // A list that did not come is told in any case.
                Err(trouble) if self.is_of_use(service) => {
                    self.conclude(now, number, Some(trouble));
                    continue;
                }
                Err(_) => continue,
            };
            if !self.is_of_use(service) {
                continue;
            }
            match service {
                IceService::Stun => {
                    self.slots[number].work = Work::Asking(Binding::new(address, now));
                    self.timeout(now);
                }
                // A second allocation between the same two sockets would be refused.
                IceService::Turn(RelayTransport::Udp) if self.relays_from(address) => {}
                IceService::Turn(RelayTransport::Udp) if address.is_ipv4() != local.is_ipv4() => {}
                IceService::Turn(RelayTransport::Udp) => self.allocate(now, number, local),
                IceService::Turn(RelayTransport::Tcp | RelayTransport::Tls) => {
                    self.slots[number].work = Work::Connecting;
                    self.outputs.push_back(PathOutput::Open(number));
                }
                IceService::List => {}
            }
        }
    }

    fn relays_from(&self, server: SocketAddr) -> bool {
        self.relays().any(|relay| relay.over() == RelayTransport::Udp && relay.server() == server)
    }

    fn is_of_use(&self, service: IceService) -> bool {
        match service {
            IceService::Stun => self.wanted == MediaPath::Reflexive,
            IceService::Turn(over) => self.wanted.allows_relay(over),
            IceService::List => self.wanted != MediaPath::Host,
        }
    }

    fn allocate(&mut self, now: Duration, number: usize, local: SocketAddr) {
        let IceServer { service, address, login, .. } = &self.slots[number].server;
        match (service, address, login) {
            (IceService::Turn(over), Ok(address), Some(login)) => {
                let mut relay =
                    Relay::new(*over, (local, *address), self.local.is_some_and(|own| own.is_ipv6()), login, now);
                relay.permit(now, &self.peers);
                self.slots[number].work = Work::Relaying(Box::new(relay));
                self.drain(now, number);
            }
            // Nobody relays for whom it does not know.
            _ => self.fail(now, number, IceTrouble::Refused(401)),
        }
    }

    fn drain(&mut self, now: Duration, number: usize) {
        loop {
            let Work::Relaying(relay) = &mut self.slots[number].work else { return };
            let (over, server, relayed) = (relay.over(), relay.server(), relay.relayed());
            match relay.poll() {
                None => return,
                Some(RelayOutput::Send(bytes)) => self.outputs.push_back(match over {
                    RelayTransport::Udp => PathOutput::Datagram(server, bytes),
                    RelayTransport::Tcp | RelayTransport::Tls => PathOutput::Stream(number, bytes),
                }),
                Some(RelayOutput::Allocated) => self.conclude(now, number, None),
                Some(RelayOutput::Ready(address)) => self.outputs.push_back(PathOutput::Relayed(address)),
                Some(RelayOutput::Packet(from, bytes)) => {
                    self.outputs.extend(relayed.map(|relay| PathOutput::Packet { relay, from, bytes }));
                }
                Some(RelayOutput::Failed(trouble)) => {
                    self.outputs.extend(relayed.map(PathOutput::Gone));
                    self.fail(now, number, trouble);
                }
            }
        }
    }

    /// A server is of no use, or no longer.
    fn fail(&mut self, now: Duration, number: usize, trouble: IceTrouble) {
        match &mut self.slots[number].asked {
            Some(asked) => asked.trouble = Some(trouble),
            None => self.conclude(now, number, Some(trouble)),
        }
        let is_stream =
            matches!(self.slots[number].server.service, IceService::Turn(RelayTransport::Tcp | RelayTransport::Tls));
        match &mut self.slots[number].work {
            // What it may yet give is given back.
            Work::Relaying(relay) if relay.wake().is_some() => relay.leave(now),
            _ => {
                if is_stream {
                    self.outputs.push_back(PathOutput::Close(number));
                }
                self.slots[number].work = Work::None;
            }
        }
    }

    fn conclude(&mut self, now: Duration, number: usize, trouble: Option<IceTrouble>) {
        let slot = &mut self.slots[number];
        let took_ms = u32::try_from(now.saturating_sub(slot.began).as_millis()).unwrap_or(u32::MAX);
        slot.asked.get_or_insert(ServerAsked {
            service: slot.server.service,
            ours: slot.server.ours,
            took_ms,
            trouble,
        });
    }
}

/// The addresses of the far side that a session description tells.
pub(super) fn told_addresses(description: &str) -> impl Iterator<Item = IpAddr> + '_ {
    // a=candidate:FOUNDATION COMPONENT PROTOCOL PRIORITY ADDRESS PORT typ …
    let of_line = |line: &str| line.strip_prefix("a=candidate:")?.split(' ').nth(4)?.parse().ok();
    description.lines().filter_map(of_line).take(PEERS_MAX)
}
