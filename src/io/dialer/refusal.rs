//! The upgrade to a WebSocket: how it is asked for, and what a refusal means.

use std::io;

use chrono::DateTime;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::{HOST, HeaderMap, HeaderValue, ORIGIN, RETRY_AFTER, USER_AGENT};
use tokio_tungstenite::tungstenite::{self, Error};

use crate::call::Input;
use crate::io::clock;
use crate::io::not_done::NotDone;
use crate::model::{FailureReason, Timestamp};

use super::line::Way;

/// The request as a browser would write it. `None` if the address cannot stand in one, which the
/// plan has excluded.
pub(super) fn upgrade_request(way: &Way) -> Option<Request> {
    let mut request = way.endpoint.url().into_client_request().ok()?;
    let headers = request.headers_mut();
    headers.insert(ORIGIN, HeaderValue::from_static(way.origin));
    headers.insert(USER_AGENT, HeaderValue::from_static(way.user_agent));
    if way.endpoint.tls && way.endpoint.port == 443 {
        // Browsers leave the usual port out.
        headers.insert(HOST, HeaderValue::from_str(&way.endpoint.host).ok()?);
    }
    Some(request)
}

/// What a failed upgrade means.
pub(super) fn judge(error: &tungstenite::Error) -> Input<'static> {
    let reason = match error {
        Error::Http(answer) if answer.status().is_success() => FailureReason::NotWebSocket,
        Error::Http(answer) => {
            let retry_after_s = retry_after(answer.headers(), clock::now());
            return Input::HttpRefused { status: answer.status().as_u16(), retry_after_s };
        }
        Error::Io(error) => io_reason(error),
        Error::Protocol(ProtocolError::HandshakeIncomplete) | Error::ConnectionClosed => FailureReason::ConnectionReset,
        _ => FailureReason::NotWebSocket,
    };
    Input::CouldNot(reason)
}

fn io_reason(error: &io::Error) -> FailureReason {
    match NotDone::of(error) {
        NotDone::Failed(reason) => reason,
        // The connection was there, so it is not our network that is missing.
        NotDone::Lost(_) => FailureReason::ConnectionReset,
    }
}

/// `Retry-After` in seconds, from either of its two forms.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u32> {
    retry_after_seconds(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

/// The value of `Retry-After` in seconds, from either of its two forms.
pub(in crate::io) fn retry_after_seconds(text: &str, now: Timestamp) -> Option<u32> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    let seconds = at.timestamp().saturating_sub(now.as_secs()).max(0);
    Some(u32::try_from(seconds).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_has_two_forms() {
        let now = Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").expect("valid");
        for (text, seconds) in [
            ("30", Some(30)),
            ("Sun, 22 Nov 2026 10:02:00 GMT", Some(120)),
            ("Sun, 22 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after(&headers, now), seconds, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
