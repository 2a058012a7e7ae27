//! The ways that a call's media can go, the servers that help to find them, and what came of each.

use std::fmt;
use std::net::SocketAddr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::LostReason;

/// How a client speaks to a relay (TURN). The relay speaks UDP to the far side in any case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RelayTransport {
    /// Datagrams, from the call's own socket.
    Udp,
    /// A TCP connection.
    Tcp,
    /// A TCP connection under TLS.
    Tls,
}

/// The path that media must take for a call to count as good.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MediaPath {
    /// Whichever is found.
    #[default]
    Any,
    /// From our own address, unchanged on the way.
    Host,
    /// From the address that the world sees us under.
    Reflexive,
    /// Through a relay, however it is reached.
    Relay,
    /// Through a relay that is reached over UDP.
    RelayUdp,
    /// Through a relay that is reached over TCP.
    RelayTcp,
    /// Through a relay that is reached over TLS.
    RelayTls,
}

impl MediaPath {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Any, Self::Host, Self::Reflexive, Self::Relay, Self::RelayUdp, Self::RelayTcp, Self::RelayTls];

    /// The word in config, metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Host => "host",
            Self::Reflexive => "reflexive",
            Self::Relay => "relay",
            Self::RelayUdp => "relay-udp",
            Self::RelayTcp => "relay-tcp",
            Self::RelayTls => "relay-tls",
        }
    }

    /// True if nothing is demanded.
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }

    /// True if media may go from our own socket without more ado.
    pub const fn allows_host(self) -> bool {
        matches!(self, Self::Any | Self::Host)
    }

    /// True if media may go through a relay that is reached like this.
    pub const fn allows_relay(self, over: RelayTransport) -> bool {
        match self {
            Self::Any | Self::Relay => true,
            Self::RelayUdp => matches!(over, RelayTransport::Udp),
            Self::RelayTcp => matches!(over, RelayTransport::Tcp),
            Self::RelayTls => matches!(over, RelayTransport::Tls),
            Self::Host | Self::Reflexive => false,
        }
    }

    /// True if this path cannot be had without this service.
    pub const fn needs(self, service: IceService) -> bool {
        match service {
            IceService::Stun => matches!(self, Self::Reflexive),
            IceService::Turn(over) => !matches!(self, Self::Any) && self.allows_relay(over),
            IceService::List => self.needs_server(),
        }
    }

    /// True if this path cannot be had without a server.
    pub const fn needs_server(self) -> bool {
        !matches!(self, Self::Any | Self::Host)
    }
}

impl fmt::Display for MediaPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The path that a call's media took.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PathTaken {
    /// From our own address: the far side saw us under it.
    Host,
    /// The far side saw us under another address than our own: there is a NAT between. Or the
    /// reflexive path was demanded, and the two are the same.
    Reflexive,
    /// Through a relay that is reached over UDP.
    RelayUdp,
    /// Through a relay that is reached over TCP.
    RelayTcp,
    /// Through a relay that is reached over TLS.
    RelayTls,
}

impl PathTaken {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Host, Self::Reflexive, Self::RelayUdp, Self::RelayTcp, Self::RelayTls];

    /// The word in metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Reflexive => "reflexive",
            Self::RelayUdp => "relay-udp",
            Self::RelayTcp => "relay-tcp",
            Self::RelayTls => "relay-tls",
        }
    }

    /// Through a relay that is reached like this.
    pub const fn relay(over: RelayTransport) -> Self {
        match over {
            RelayTransport::Udp => Self::RelayUdp,
            RelayTransport::Tcp => Self::RelayTcp,
            RelayTransport::Tls => Self::RelayTls,
        }
    }

    /// True if it is a path that was demanded.
    pub const fn fulfils(self, wanted: MediaPath) -> bool {
        match (self, wanted) {
            (_, MediaPath::Any) | (Self::Host, MediaPath::Host) | (Self::Reflexive, MediaPath::Reflexive) => true,
            (Self::RelayUdp, _) => wanted.allows_relay(RelayTransport::Udp),
            (Self::RelayTcp, _) => wanted.allows_relay(RelayTransport::Tcp),
            (Self::RelayTls, _) => wanted.allows_relay(RelayTransport::Tls),
            (Self::Host | Self::Reflexive, _) => false,
        }
    }
}

impl fmt::Display for PathTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a server does for a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(into = "&'static str", try_from = "String")]
#[schemars(with = "String")]
pub enum IceService {
    /// Tells us under which address the world sees us.
    Stun,
    /// Relays, and is reached like this.
    Turn(RelayTransport),
    /// Tells which servers there are: the partner itself.
    List,
}

impl IceService {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::List,
        Self::Stun,
        Self::Turn(RelayTransport::Udp),
        Self::Turn(RelayTransport::Tcp),
        Self::Turn(RelayTransport::Tls),
    ];

    /// The word in JSON and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Stun => "stun",
            Self::Turn(RelayTransport::Udp) => "turn-udp",
            Self::Turn(RelayTransport::Tcp) => "turn-tcp",
            Self::Turn(RelayTransport::Tls) => "turn-tls",
        }
    }
}

impl From<IceService> for &'static str {
    fn from(service: IceService) -> Self {
        service.as_str()
    }
}

impl TryFrom<String> for IceService {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|service| service.as_str() == word);
        known.ok_or_else(|| format!("{word} is no service of an ICE server"))
    }
}

/// A user's name and password at a relay. Short-lived ones are secrets as much as others.
#[derive(Clone)]
pub struct RelayLogin {
    /// The name.
    pub username: SecretString,
    /// The password.
    pub password: SecretString,
}

/// A server that helps a call to find its path, ready to be asked.
#[derive(Clone)]
pub struct IceServer {
    /// What it does.
    pub service: IceService,
    /// True if the pod's own file names it; false if it is the partner's.
    pub ours: bool,
    /// Where it is, or why that is not known.
    pub address: Result<SocketAddr, IceTrouble>,
    /// Whom it knows us as; relays only.
    pub login: Option<RelayLogin>,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IceServer({}, {:?})", self.service.as_str(), self.address)
    }
}

/// Why a server was of no use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IceTrouble {
    /// Its name could not be looked up.
    NameNotFound,
    /// It could not be reached: refused, reset, no route.
    Unreachable,
    /// TLS with it failed.
    TlsFailed,
    /// It did not answer in time.
    NoAnswer,
    /// It said no, with this STUN error code: 401 for wrong credentials, 403 for a peer that it will
    /// not relay to, 486 and 508 where it has no more to give.
    Refused(u16),
    /// What it said was no TURN.
    Malformed,
    /// It ended what it had given.
    Ended,
    /// Our own machine or its network was in the way: says nothing about the server.
    OwnNetwork,
    /// A secret of ours could not be read.
    OwnSecret,
}

impl IceTrouble {
    /// What of us was in the way, if it says nothing about the server.
    pub const fn own(self) -> Option<LostReason> {
        match self {
            Self::OwnNetwork => Some(LostReason::NoNetwork),
            Self::OwnSecret => Some(LostReason::Secret),
            _ => None,
        }
    }
}

impl fmt::Display for IceTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameNotFound => f.write_str("name not found"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::TlsFailed => f.write_str("TLS handshake failed"),
            Self::NoAnswer => f.write_str("no answer"),
            Self::Refused(code) => write!(f, "refused with {code}"),
            Self::Malformed => f.write_str("malformed answer"),
            Self::Ended => f.write_str("ended by the server"),
            Self::OwnNetwork => f.write_str("not asked: our own network"),
            Self::OwnSecret => f.write_str("not asked: a secret of ours cannot be read"),
        }
    }
}

/// What one server did for a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServerAsked {
    /// What it was asked for.
    pub service: IceService,
    /// True if the pod's own file names it; false if it is the partner's.
    #[serde(default)]
    pub ours: bool,
    /// How long that took, or how long it was waited for, in milliseconds.
    pub took_ms: u32,
    /// Why it was of no use; absent if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<IceTrouble>,
}

/// A server that a pod's own file names, and that was of no use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct OwnServerTrouble {
    /// What it was asked for.
    pub service: IceService,
    /// Why it was of no use.
    pub trouble: IceTrouble,
}

impl OwnServerTrouble {
    /// The trouble that alone stood in the way of a path that was demanded: every server that may give
    /// it is one of our own, and every one was of no use.
    pub fn in_the_way(path: MediaPath, servers: &[ServerAsked]) -> Option<Self> {
        let needed: Vec<&ServerAsked> = servers.iter().filter(|asked| path.needs(asked.service)).collect();
        let of = |asked: &&ServerAsked| {
            let trouble = asked.trouble.filter(|trouble| asked.ours && trouble.own().is_none())?;
            Some(Self { service: asked.service, trouble })
        };
        let troubles: Vec<Self> = needed.iter().filter_map(of).collect();
        troubles.first().copied().filter(|_| troubles.len() == needed.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_is_fulfilled_by_its_own_path_only() {
        let fulfilling = |wanted: MediaPath| PathTaken::ALL.into_iter().filter(move |taken| taken.fulfils(wanted));
        let words = |wanted| fulfilling(wanted).map(PathTaken::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!(words(MediaPath::Any), "host reflexive relay-udp relay-tcp relay-tls");
        assert_eq!(words(MediaPath::Host), "host");
        assert_eq!(words(MediaPath::Reflexive), "reflexive");
        assert_eq!(words(MediaPath::Relay), "relay-udp relay-tcp relay-tls");
        assert_eq!(words(MediaPath::RelayTcp), "relay-tcp");
    }

    #[test]
    fn only_servers_of_our_own_that_all_fail_are_in_the_way() {
        let over_tls = IceService::Turn(RelayTransport::Tls);
        let server = |service, ours, trouble| ServerAsked { service, ours, took_ms: 1, trouble };
        let refused = Some(IceTrouble::Refused(401));
        let fault = |path, servers: &[ServerAsked]| OwnServerTrouble::in_the_way(path, servers);
        let own = server(over_tls, true, refused);
        let told = Some(OwnServerTrouble { service: over_tls, trouble: IceTrouble::Refused(401) });
        let stun = server(IceService::Stun, false, Some(IceTrouble::NoAnswer));
        assert_eq!(fault(MediaPath::Relay, &[own, stun]), told, "a relay needs no STUN server");
        assert_eq!(fault(MediaPath::Any, &[own]), None, "relays only help out");
        assert_eq!(fault(MediaPath::RelayUdp, &[own]), None, "another way was demanded");
        let partners = server(over_tls, false, Some(IceTrouble::NoAnswer));
        assert_eq!(fault(MediaPath::Relay, &[own, partners]), None, "the partner's fails as well");
        assert_eq!(fault(MediaPath::Relay, &[own, server(over_tls, true, None)]), None, "one of them works");
        let list = server(IceService::List, false, Some(IceTrouble::NoAnswer));
        assert_eq!(fault(MediaPath::Relay, &[own, list]), None, "the partner does not name its own");
        let network = server(over_tls, true, Some(IceTrouble::OwnNetwork));
        assert_eq!(fault(MediaPath::Relay, &[network]), None, "this is no fault of the server");
    }

    #[test]
    fn services_are_read_back_from_their_words() {
        for service in IceService::ALL {
            let text = serde_json::to_string(&service).expect("written");
            assert_eq!(serde_json::from_str::<IceService>(&text).expect("read"), service);
        }
        assert!(serde_json::from_str::<IceService>("\"turn-dtls\"").is_err());
    }

    #[test]
    fn a_login_is_never_shown() {
        let login = RelayLogin { username: "u5er".into(), password: "pa55".into() };
        let server =
            IceServer { service: IceService::Stun, ours: true, address: Err(IceTrouble::NoAnswer), login: Some(login) };
        assert_eq!(format!("{server:?}"), "IceServer(stun, Err(NoAnswer))");
    }
}
