//! What our own device says that an agent's device would raise under a fault: the partner as a
//! peer and the device as a machine, both without sockets, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use ringcheck::model::{
    AddressFamily, DeviceError, EdgeName, Signalling, SignallingEvent, SignallingOutput, SocketEnd, Timestamp,
};
use ringcheck::partner::twilio::{Device, KeyRing, SdkProfile};
use ringcheck::sim::twilio::{Faults, Peer, PeerOutput, Place};
use ringcheck::sim::{Fault, FaultRule, Node, TcpFault, TlsFault, TransportFault, UpgradeFault};
use ringcheck::token::TokenText;

/// As long as the real devices are watched: nothing new for so long ends the observation.
const QUIET: Duration = Duration::from_millis(1500);
/// The same before anything has been seen at all.
const SILENT: Duration = Duration::from_secs(7);

/// What an application would see of one connection attempt, up to the end of its socket.
#[derive(Debug, Default)]
pub(crate) struct Prediction {
    /// The errors, in order.
    pub(crate) errors: Vec<DeviceError>,
    /// Whether the device was ever registered.
    pub(crate) registered: bool,
}

/// Plays one connection attempt under a fault.
pub(crate) fn predict(
    fault: Option<Fault>,
    profile: SdkProfile,
    token: &TokenText,
    keys: &Arc<KeyRing>,
    now: Timestamp,
) -> Prediction {
    let mut device = Device::new(token.clone(), profile);
    if let Some(transport) = fault.and_then(|fault| fault.transport()) {
        device.ended(now, end_of(transport));
        return Prediction { errors: errors_of(&mut device), registered: false };
    }
    let rules: Vec<FaultRule> = fault.into_iter().map(FaultRule::always).collect();
    let edge = EdgeName::parse("ashburn").expect("a valid name");
    let place = Place { edge, family: Some(AddressFamily::V4), node: Node::of(0, 0) };
    let peer = Peer::new(Arc::clone(keys), Faults::Rules(Arc::from(rules)), place, now);
    device.opened(now);
    Talk { device, peer, profile, now, last: now, heard: false, registered: false, found: Prediction::default() }.run()
}

struct Talk {
    device: Device,
    peer: Peer,
    profile: SdkProfile,
    now: Timestamp,
    /// When an application saw something last.
    last: Timestamp,
    heard: bool,
    registered: bool,
    found: Prediction,
}

impl Talk {
    fn run(mut self) -> Prediction {
        let mut left = false;
        loop {
            if !self.exchange() {
                return self.found;
            }
            let until = self.last.plus(if self.heard { QUIET } else { SILENT });
            let wake = [self.device.wake(), self.peer.wake()].into_iter().flatten().min();
            match wake.filter(|at| *at <= until) {
                Some(at) => {
                    self.now = self.now.max(at);
                    self.peer.timeout(self.now);
                    self.device.timeout(self.now);
                }
                None if self.registered && !left => {
                    self.now = until;
                    self.last = until;
                    left = true;
                    self.device.leave(self.now);
                }
                None => return self.found,
            }
        }
    }

    /// Lets both sides say what they have to say; false once the socket has ended.
    fn exchange(&mut self) -> bool {
        loop {
            let mut quiet = true;
            while let Some(output) = self.device.poll() {
                quiet = false;
                match output {
                    SignallingOutput::Send(text) => self.peer.received(self.now, &text),
                    SignallingOutput::Close(_) => return false,
                    SignallingOutput::Event(event) => self.tell(event),
                }
            }
            if let Some(output) = self.peer.poll() {
                quiet = false;
                match output {
                    PeerOutput::Text(text) => self.device.received(self.now, &text),
                    PeerOutput::Binary(_) => self.device.received_foreign(self.now),
                    PeerOutput::Note(_)
                    | PeerOutput::Ring(_)
                    | PeerOutput::Across(_)
                    | PeerOutput::OpenMedia(_)
                    | PeerOutput::Datagram { .. }
                    | PeerOutput::CloseMedia(_) => {}
                    PeerOutput::Close(code) => return self.end(SocketEnd::Closed(code)),
                    PeerOutput::Drop => return self.end(SocketEnd::Broken),
                }
            }
            if quiet {
                return true;
            }
        }
    }

    fn end(&mut self, end: SocketEnd) -> bool {
        self.device.ended(self.now, end);
        self.found.errors.extend(errors_of(&mut self.device));
        false
    }

    fn tell(&mut self, event: SignallingEvent) {
        match event {
            SignallingEvent::Connected(_) => {
                if self.profile == SdkProfile::V2 && !self.registered {
                    self.device.register(self.now);
                }
                return;
            }
            SignallingEvent::Registered => (self.registered, self.found.registered) = (true, true),
            SignallingEvent::Offline | SignallingEvent::StreamEnded => self.registered = false,
            SignallingEvent::DeviceError { error, .. } => self.found.errors.push(error),
            SignallingEvent::Degraded(_)
            | SignallingEvent::Located { .. }
            | SignallingEvent::HeartbeatLost
            | SignallingEvent::Call(_) => return,
        }
        self.heard = true;
        self.last = self.now;
    }
}

fn errors_of(device: &mut Device) -> Vec<DeviceError> {
    std::iter::from_fn(|| device.poll())
        .filter_map(|output| match output {
            SignallingOutput::Event(SignallingEvent::DeviceError { error, .. }) => Some(error),
            SignallingOutput::Event(_) | SignallingOutput::Send(_) | SignallingOutput::Close(_) => None,
        })
        .collect()
}

/// How a socket ends that could not be opened: refused at once, or given up by the SDK after 5 s.
fn end_of(fault: TransportFault) -> SocketEnd {
    match fault {
        TransportFault::Tcp(TcpFault::Silence)
        | TransportFault::Tls(TlsFault::HalfOpen)
        | TransportFault::Upgrade(UpgradeFault::Hang) => SocketEnd::OpenTimeout,
        TransportFault::Tcp(_) | TransportFault::Tls(_) | TransportFault::Upgrade(_) => SocketEnd::NotOpened,
    }
}
