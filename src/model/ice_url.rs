//! Addresses of ICE servers as RFC 7064 and RFC 7065 write them: `stun:host:port`,
//! `turn:host:port?transport=udp`, `turns:host:port?transport=tcp`.

use super::{IceService, RelayTransport};

/// The address of an ICE server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IceUrl {
    /// What the server does, and how it is reached.
    pub service: IceService,
    /// Its name or address; IPv6 without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Text that is no address of an ICE server that we can ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadIceUrl {
    /// Another scheme.
    #[error("an ICE server's address begins with stun:, turn: or turns:")]
    Scheme,
    /// No host, or a port that is none.
    #[error("this has no host, or its port is not one of 1 to 65535")]
    HostOrPort,
    /// A transport that the scheme does not have.
    #[error("?transport= is udp or tcp for turn:, tcp for turns:, and absent for stun:")]
    Transport,
}

impl IceUrl {
    /// The longest that is read, in bytes.
    pub const BYTES_MAX: usize = 300;
    /// The usual port.
    const PORT: u16 = 3478;
    /// The usual port under TLS.
    const TLS_PORT: u16 = 5349;

    /// Reads one.
    ///
    /// # Errors
    /// Anything but the three schemes with a host, perhaps a port, and a transport that fits.
    /// STUN over TLS and TURN over DTLS are not among them: no browser asks for them.
    pub fn parse(text: &str) -> Result<Self, BadIceUrl> {
        let (scheme, rest) = text.split_once(':').ok_or(BadIceUrl::Scheme)?;
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, Some(query)),
            None => (rest, None),
        };
        let transport = query.map(|query| query.strip_prefix("transport=").ok_or(BadIceUrl::Transport)).transpose()?;
        let (service, usual) = match (scheme, transport) {
            ("stun", None) => (IceService::Stun, Self::PORT),
            ("turn", None | Some("udp")) => (IceService::Turn(RelayTransport::Udp), Self::PORT),
            ("turn", Some("tcp")) => (IceService::Turn(RelayTransport::Tcp), Self::PORT),
            ("turns", None | Some("tcp")) => (IceService::Turn(RelayTransport::Tls), Self::TLS_PORT),
            ("stun" | "turn" | "turns", _) => return Err(BadIceUrl::Transport),
            _ => return Err(BadIceUrl::Scheme),
        };
        let (host, port) = host_and_port(place).ok_or(BadIceUrl::HostOrPort)?;
        let port = port.map_or(Ok(usual), |port| port.parse().map_err(|_| BadIceUrl::HostOrPort))?;
        let named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
        if !named || port == 0 || text.len() > Self::BYTES_MAX {
            return Err(BadIceUrl::HostOrPort);
        }
        Ok(Self { service, host: host.to_owned(), port })
    }
}

/// A host, and the text of a port if there is one.
fn host_and_port(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => after.is_empty().then_some((host, None)),
        };
    }
    match place.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((place, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_browsers_read_them() {
        let shown = |text: &str| match IceUrl::parse(text) {
            Ok(url) => format!("{} {} {}", url.service.as_str(), url.host, url.port),
            Err(error) => format!("{error:?}"),
        };
        for (text, expected) in [
            ("stun:global.stun.twilio.com:3478", "stun global.stun.twilio.com 3478"),
            ("stun:192.0.2.1", "stun 192.0.2.1 3478"),
            ("turn:global.turn.twilio.com:3478?transport=udp", "turn-udp global.turn.twilio.com 3478"),
            ("turn:global.turn.twilio.com:443?transport=tcp", "turn-tcp global.turn.twilio.com 443"),
            ("turn:relay", "turn-udp relay 3478"),
            ("turns:relay", "turn-tls relay 5349"),
            ("turns:[2001:db8::1]:443?transport=tcp", "turn-tls 2001:db8::1 443"),
            ("turns:relay?transport=udp", "Transport"),
            ("stun:relay?transport=udp", "Transport"),
            ("turn:relay?via=udp", "Transport"),
            ("stuns:relay", "Scheme"),
            ("https://relay", "Scheme"),
            ("relay", "Scheme"),
            ("turn:", "HostOrPort"),
            ("turn:relay:0", "HostOrPort"),
            ("turn:relay:99999", "HostOrPort"),
            ("turn:[::1", "HostOrPort"),
            ("turn:user@relay", "HostOrPort"),
            ("turn://relay:3478", "HostOrPort"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
