//! Who may use the operator side, and what every answer of it carries.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// How long an answer may take to begin; a slower one becomes 503.
pub(super) const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// Largest request body, in bytes. The only bodies are small commands.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;

/// Why the operator side cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Not on loopback and no token.
    #[error(
        "{0} can be reached from other machines: set `operator_token` under `[http]`, or listen on 127.0.0.1 behind an \
         authenticating proxy"
    )]
    NeedsToken(SocketAddr),
    /// The token is too short to withstand guessing.
    #[error(
        "the operator token has fewer than {TOKEN_BYTES_MIN} characters: use a random one, for example from `openssl rand -hex 32`"
    )]
    TokenTooShort,
}

/// Shortest operator token.
pub const TOKEN_BYTES_MIN: usize = 16;

/// Who may use the operator side.
#[derive(Clone)]
pub struct Access(Arc<Rules>);

struct Rules {
    /// SHA-256 of the bearer token; none means that being on loopback is enough.
    token: Option<[u8; 32]>,
    /// The host of `external_url`: what a proxy in front passes on as `Host`.
    external_host: Option<String>,
}

impl Access {
    /// With a token everybody who has it; without one only this machine.
    pub fn new(listen: SocketAddr, token: Option<&SecretString>, external_url: &str) -> Result<Self, AccessError> {
        let token = match token {
            Some(token) if token.expose_secret().len() < TOKEN_BYTES_MIN => return Err(AccessError::TokenTooShort),
            Some(token) => Some(Sha256::digest(token.expose_secret().as_bytes()).into()),
            None if listen.ip().is_loopback() => None,
            None => return Err(AccessError::NeedsToken(listen)),
        };
        let external_host =
            external_url.parse::<Uri>().ok().and_then(|uri| uri.host().map(|host| host.to_ascii_lowercase()));
        Ok(Self(Arc::new(Rules { token, external_host })))
    }

    fn admits(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).map(host_name);
        match &self.0.token {
            Some(token) if !presented(headers).is_some_and(|given| same(&Sha256::digest(given).into(), token)) => {
                return Err(Refusal::Token);
            }
            Some(_) => {}
            // A page of another site can point a name of its own at 127.0.0.1 and so read ours:
            // without a token only names that can mean nothing but this machine are served.
            None if host.as_deref().is_some_and(|host| !self.is_ours(host)) => return Err(Refusal::Host),
            None => {}
        }
        if !method.is_safe() && self.is_from_elsewhere(headers, host.as_deref()) {
            return Err(Refusal::CrossSite);
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            || self.0.external_host.as_deref() == Some(host)
    }

    /// True if a browser says that another site's page makes this request.
    fn is_from_elsewhere(&self, headers: &HeaderMap, host: Option<&str>) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(site) = text("sec-fetch-site") {
            return !matches!(site, "same-origin" | "none");
        }
        let Some(origin) = text("origin") else { return false };
        let from = origin.split_once("://").map(|(_, rest)| host_name(rest));
        from.as_deref() != host && (from.is_none() || from != self.0.external_host)
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Token,
    Host,
    CrossSite,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Token => (
                StatusCode::UNAUTHORIZED,
                // Basic lets a browser ask for it: any user name, the token as password.
                [(header::WWW_AUTHENTICATE, "Bearer realm=\"ringcheck\", Basic realm=\"ringcheck\", charset=\"UTF-8\"")],
                "The operator side needs the token: `Authorization: Bearer …`, or any user name with the token as password.\n",
            )
                .into_response(),
            Self::Host => (
                StatusCode::MISDIRECTED_REQUEST,
                "Without an operator token only requests to localhost or to the host of `external_url` are answered.\n",
            )
                .into_response(),
            Self::CrossSite => {
                (StatusCode::FORBIDDEN, "Pages of other sites may not change anything here.\n").into_response()
            }
        }
    }
}

/// The host without port and brackets, in lower case.
fn host_name(authority: &str) -> String {
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host.to_ascii_lowercase()
}

/// The token in a request: as bearer, or as the password of basic authentication.
fn presented(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().as_bytes().to_vec());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

/// Compares in a time that does not depend on where the difference is.
fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.iter().zip(right).fold(0, |differences, (l, r)| differences | (l ^ r)) == 0
}

/// Lets in who may, bounds the time to the answer, and adds the headers that tell browsers what
/// the pages need: nothing from elsewhere, no inline script, no frames.
pub(super) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let open = matches!(request.uri().path(), "/-/healthy" | "/-/ready");
    let refused = if open { None } else { access.admits(request.method(), request.headers()).err() };
    let mut answer = match refused {
        Some(refusal) => refusal.into_response(),
        None => match tokio::time::timeout(ANSWER_DEADLINE, next.run(request)).await {
            Ok(answer) => answer,
            Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "This took too long; try again.\n").into_response(),
        },
    };
    let headers = answer.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9870);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a header"))).collect()
    }

    #[test]
    fn other_machines_need_a_token() {
        let anywhere: SocketAddr = "0.0.0.0:9870".parse().expect("an address");
        assert_eq!(Access::new(anywhere, None, "").err(), Some(AccessError::NeedsToken(anywhere)));
        let short = SecretString::from("short");
        assert_eq!(Access::new(anywhere, Some(&short), "").err(), Some(AccessError::TokenTooShort));
    }

    #[test]
    fn a_token_is_taken_as_bearer_or_as_password() {
        let token = SecretString::from("0123456789abcdef");
        let access = Access::new(LOOPBACK, Some(&token), "").expect("valid");
        let basic = base64::engine::general_purpose::STANDARD.encode("me:0123456789abcdef");
        for (given, wanted) in [
            ("Bearer 0123456789abcdef".to_owned(), Ok(())),
            ("bearer 0123456789abcdef".to_owned(), Ok(())),
            (format!("Basic {basic}"), Ok(())),
            ("Bearer 0123456789abcdee".to_owned(), Err(Refusal::Token)),
            ("Bearer".to_owned(), Err(Refusal::Token)),
            ("Basic !!".to_owned(), Err(Refusal::Token)),
        ] {
            assert_eq!(access.admits(&Method::GET, &headers(&[("authorization", &given)])), wanted, "{given}");
        }
        assert_eq!(access.admits(&Method::GET, &headers(&[])), Err(Refusal::Token));
    }

    #[test]
    fn foreign_names_and_foreign_pages_are_refused() {
        let access = Access::new(LOOPBACK, None, "https://ringcheck.example.com").expect("valid");
        for (method, pairs, wanted) in [
            (Method::GET, vec![("host", "localhost:9870")], Ok(())),
            (Method::GET, vec![("host", "[::1]:9870")], Ok(())),
            (Method::GET, vec![("host", "ringcheck.example.com")], Ok(())),
            (Method::GET, vec![("host", "evil.example")], Err(Refusal::Host)),
            (Method::POST, vec![("host", "127.0.0.1:9870")], Ok(())),
            (Method::POST, vec![("host", "127.0.0.1:9870"), ("origin", "http://127.0.0.1:9870")], Ok(())),
            (Method::POST, vec![("host", "127.0.0.1:9870"), ("origin", "https://ringcheck.example.com")], Ok(())),
            (
                Method::POST,
                vec![("host", "127.0.0.1:9870"), ("origin", "https://evil.example")],
                Err(Refusal::CrossSite),
            ),
            (Method::POST, vec![("host", "127.0.0.1:9870"), ("origin", "null")], Err(Refusal::CrossSite)),
            (Method::POST, vec![("host", "127.0.0.1"), ("sec-fetch-site", "cross-site")], Err(Refusal::CrossSite)),
            (Method::POST, vec![("host", "127.0.0.1"), ("sec-fetch-site", "same-origin")], Ok(())),
        ] {
            assert_eq!(access.admits(&method, &headers(&pairs)), wanted, "{method} {pairs:?}");
        }
    }
}
