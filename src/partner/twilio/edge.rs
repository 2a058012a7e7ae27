//! Where to connect, and as whom the upgrade request speaks.

use std::net::IpAddr;

use crate::model::EdgeName;

use super::Account;

/// The user agent of the upgrade request and of `browserinfo`. The front is what the partner may
/// expect of a browser; the end says who it really is.
pub const USER_AGENT: &str = concat!(
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) ringcheck/",
    env!("CARGO_PKG_VERSION")
);

/// The origin of the upgrade request: browsers always send one, and whether the partner insists
/// is unknown. The name is reserved for never existing (RFC 2606), so it can be nobody else's.
pub const ORIGIN: &str = "https://ringcheck.invalid";

/// Stands for the edge's name in an account's `signalling`.
const EDGE_PLACE: &str = "{edge}";

/// A WebSocket address, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query, from the slash on.
    pub path: String,
    /// True for `wss`.
    pub tls: bool,
}

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Neither `wss://` nor `ws://`.
    #[error("a signalling address begins with wss://")]
    Scheme,
    /// No host, or characters that no host has.
    #[error("a signalling address needs a host, as in wss://host:port/signal")]
    Host,
    /// The port is not 1 to 65535.
    #[error("the port of a signalling address is a number from 1 to 65535")]
    Port,
    /// White space or control characters in the path.
    #[error("the path of a signalling address holds characters that need escaping")]
    Path,
    /// `ws://` to another machine.
    #[error("ws:// without TLS is taken for loopback only: the token would travel in the clear")]
    Plain,
}

impl Endpoint {
    /// Where an account's devices connect that enter through `edge`. An account's own `signalling`
    /// may hold `{edge}`.
    pub fn of(account: &Account, edge: &EdgeName) -> Result<Self, EndpointError> {
        match &account.signalling {
            Some(own) => Self::parse(&own.replace(EDGE_PLACE, edge.as_str())),
            None => Ok(Self {
                host: format!("voice-js.{edge}.twilio.com"),
                port: 443,
                path: "/signal".to_owned(),
                tls: true,
            }),
        }
    }

    /// Takes `wss://host[:port][/path]` apart; `ws://` for loopback only.
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        let (rest, tls) = match (url.strip_prefix("wss://"), url.strip_prefix("ws://")) {
            (Some(rest), _) => (rest, true),
            (None, Some(rest)) => (rest, false),
            (None, None) => return Err(EndpointError::Scheme),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((address, rest)) => (address, rest.strip_prefix(':').or(rest.is_empty().then_some(""))),
            None => authority.split_once(':').map_or((authority, Some("")), |(host, port)| (host, Some(port))),
        };
        let port = match port.ok_or(EndpointError::Host)? {
            "" if authority.ends_with(':') => return Err(EndpointError::Port),
            "" if tls => 443,
            "" => 80,
            text => text.parse().ok().filter(|port| *port != 0).ok_or(EndpointError::Port)?,
        };
        let address = host.parse::<IpAddr>();
        let named =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if address.is_err() && !named {
            return Err(EndpointError::Host);
        }
        if !path.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(EndpointError::Path);
        }
        let loopback = address.is_ok_and(|address| address.is_loopback()) || host == "localhost";
        if !tls && !loopback {
            return Err(EndpointError::Plain);
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { host: host.to_owned(), port, path, tls })
    }

    /// The address as one text, for the upgrade request.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        let Self { host, port, path, .. } = self;
        if host.contains(':') {
            format!("{scheme}://[{host}]:{port}{path}")
        } else {
            format!("{scheme}://{host}:{port}{path}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(signalling: Option<&str>) -> Account {
        Account { signalling: signalling.map(str::to_owned), ..Account::with_sid("") }
    }

    #[test]
    fn an_edge_has_a_public_name() {
        let edge = EdgeName::parse("ashburn").expect("a name");
        let url = |own| Endpoint::of(&account(own), &edge).map(|endpoint| endpoint.url());
        assert_eq!(url(None).as_deref(), Ok("wss://voice-js.ashburn.twilio.com:443/signal"));
        assert_eq!(url(Some("ws://127.0.0.1:9999/signal")).as_deref(), Ok("ws://127.0.0.1:9999/signal"));
        assert_eq!(url(Some("wss://{edge}.voice.test/x")).as_deref(), Ok("wss://ashburn.voice.test:443/x"));
    }

    #[test]
    fn addresses_are_taken_apart() {
        for (text, url) in [
            ("wss://a.example", "wss://a.example:443/"),
            ("wss://a.example:8443/signal?x=1", "wss://a.example:8443/signal?x=1"),
            ("ws://localhost/", "ws://localhost:80/"),
            ("ws://[::1]:81/signal", "ws://[::1]:81/signal"),
            ("wss://[2001:db8::1]/", "wss://[2001:db8::1]:443/"),
            ("wss://a.example?x", "wss://a.example:443/?x"),
        ] {
            assert_eq!(Endpoint::parse(text).map(|endpoint| endpoint.url()).as_deref(), Ok(url));
        }
        for (text, why) in [
            ("https://a.example", EndpointError::Scheme),
            ("wss://", EndpointError::Host),
            ("wss://a b", EndpointError::Host),
            ("wss://user@host/", EndpointError::Host),
            ("wss://[::1]x/", EndpointError::Host),
            ("wss://a:0/", EndpointError::Port),
            ("wss://a:/", EndpointError::Port),
            ("wss://a:70000/", EndpointError::Port),
            ("wss://a/ x", EndpointError::Path),
            ("ws://a.example/", EndpointError::Plain),
            ("ws://10.0.0.1/", EndpointError::Plain),
        ] {
            assert_eq!(Endpoint::parse(text), Err(why), "{text}");
        }
    }
}
