//! Addresses as users write them: enough is checked here that nothing later can fail on them.

use std::net::{IpAddr, SocketAddr};

use crate::partner::twilio::Endpoint;

use super::scalar::Fault;

/// What stands before and after `://`.
pub struct Url<'t> {
    /// `https`, `http`, `wss`, `ws`, `tcp`.
    pub scheme: &'t str,
    /// The host, without brackets.
    pub host: &'t str,
    /// The port, if there is one.
    pub port: Option<u16>,
}

/// Takes a URL apart, if its scheme is one of these.
pub fn url<'t>(text: &'t str, schemes: &[&str]) -> Result<Url<'t>, Fault> {
    let expected = || format!("write {}…", schemes.join(":// or ") + "://");
    let (scheme, rest) = text.split_once("://").ok_or_else(|| Fault::new("this is not a URL", expected()))?;
    if !schemes.contains(&scheme) {
        return Err(Fault::new("a URL of this scheme cannot be used here", expected()));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Fault::new("a URL has no spaces", "write %20 for a space".to_owned()));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if authority.contains('@') {
        // Not echoed: it may well be a password.
        return Err(Fault::new(
            "a URL with a user name or password is not taken",
            "secrets are only references".to_owned(),
        ));
    }
    let (host, port) = host_and_port(authority)?;
    Ok(Url { scheme, host, port })
}

fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), Fault> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) =
            rest.split_once(']').ok_or_else(|| Fault::new("a ] is missing", "write [::1]:443".to_owned()))?;
        host.parse::<std::net::Ipv6Addr>()
            .map_err(|_| Fault::new("between [ and ] stands no IPv6 address", "write [::1]:443".to_owned()))?;
        (host, port)
    } else {
        let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        check_host(host)?;
        (host, port)
    };
    let port = match port.strip_prefix(':') {
        None => None,
        Some(digits) => match digits.parse::<u16>() {
            Ok(number @ 1..) => Some(number),
            _ => return Err(Fault::new("this port does not exist", "write a number from 1 to 65535".to_owned())),
        },
    };
    Ok((host, port))
}

/// A host name or an address.
pub fn check_host(host: &str) -> Result<(), Fault> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    if host.parse::<IpAddr>().is_ok() || (name.len() <= 253 && name.split('.').all(label)) {
        return Ok(());
    }
    Err(Fault::new("this is not a host name", "write a name such as mail.example.com, or an address".to_owned()))
}

/// True if the host is this machine and nothing else.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Where to connect: `wss://`, or `ws://` to loopback; `{edge}` stands for each edge's name.
pub fn check_signalling(text: &str) -> Result<(), Fault> {
    Endpoint::parse(&text.replace("{edge}", "edge"))
        .map(drop)
        .map_err(|why| Fault::new(why.to_string(), "write wss://host:port/signal"))
}

/// A control target.
pub fn check_control(text: &str) -> Result<(), Fault> {
    let url = url(text, &["https", "http", "tcp"])?;
    if url.scheme == "tcp" && url.port.is_none() {
        return Err(Fault::new("a tcp:// target has a port", format!("write tcp://{}:53", url.host)));
    }
    Ok(())
}

/// Where to listen.
pub fn check_listen(text: &str) -> Result<SocketAddr, Fault> {
    text.parse::<SocketAddr>()
        .map_err(|_| Fault::new("this is not an address and a port", "write 127.0.0.1:9870 or [::1]:9870".to_owned()))
}

/// `name@example.com` or `Some Name <name@example.com>`: a part of what RFC 5322 allows, without
/// quotes and comments, all of which every mail program takes.
pub fn check_mailbox(text: &str) -> Result<(), Fault> {
    let (name, address) = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((name, address)) => (name.trim(), address),
        None => ("", text),
    };
    let local = |local: &str| {
        let atom = |atom: &str| {
            !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
        };
        local.len() <= 64 && local.split('.').all(atom)
    };
    let right = name.chars().all(|c| c.is_alphanumeric() || " -_'+&".contains(c))
        && address.split_once('@').is_some_and(|(before, domain)| {
            local(before) && domain.contains('.') && !domain.contains('_') && check_host(domain).is_ok()
        });
    let hint = "write \"name@example.com\" or \"Some Name <name@example.com>\"";
    if right { Ok(()) } else { Err(Fault::new("this is not an e-mail address", hint)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for good in ["https://a.example/x?y", "http://127.0.0.1:80", "https://[::1]:443/", "https://a_b.local"] {
            assert!(url(good, &["https", "http"]).is_ok(), "{good}");
        }
        for bad in [
            "a.example",
            "ftp://a",
            "https://",
            "https://a b",
            "https://u:p@a",
            "https://a:0",
            "https://a:x",
            "https://[::1",
            "https://[zz]",
            "https://a..b",
        ] {
            assert!(url(bad, &["https", "http"]).is_err(), "{bad}");
        }
        assert!(check_signalling("ws://127.0.0.1:1/signal").is_ok());
        assert!(check_signalling("ws://voice.example/signal").is_err());
        assert!(check_control("tcp://1.1.1.1:53").is_ok());
        assert!(check_control("tcp://1.1.1.1").is_err());
        assert!(check_listen("9870").is_err());
        assert!(is_loopback("localhost") && is_loopback("::1") && !is_loopback("10.0.0.1"));
    }

    #[test]
    fn mailboxes_cannot_smuggle_anything() {
        for good in ["a@b.example", "Ringcheck <ringcheck@example.com>", "J\u{fc}rgen O'Neil <a.b+c@example.com>"] {
            assert!(check_mailbox(good).is_ok(), "{good}");
        }
        for bad in
            ["a", "a@b", "a@b.c, d@e.f", "<a@b.c", "a@b.c>", "A \"x\" <a@b.c>", "a..b@c.d", "a@b.c\nBcc: x@y.z", "@b.c"]
        {
            assert!(check_mailbox(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        let fault = url("https://user:hunter2@a.example", &["https"]).err().expect("refused");
        assert!(!format!("{fault:?}").contains("hunter2"));
    }
}
