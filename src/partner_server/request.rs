//! The head of an HTTP request: just enough of HTTP/1.1 to tell an upgrade from anything else,
//! and to answer each wrong in every way that the catalogue has.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Longest head that is read, in bytes.
const HEAD_MAX: usize = 16 * 1024;

/// A request's head, and what was read beyond it.
#[derive(Debug)]
pub(super) struct Request {
    head: String,
    pub(super) rest: Vec<u8>,
}

impl Request {
    /// Reads a head. `None` if the other side left first, or sent what is no head of a request.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut bytes = Vec::with_capacity(1024);
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = bytes.split_off(end + 4);
                return Ok(String::from_utf8(bytes).ok().map(|head| Self { head, rest }));
            }
            if bytes.len() >= HEAD_MAX || stream.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// `GET`, `POST` and so on.
    pub(super) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// The path, without the query.
    pub(super) fn path(&self) -> &str {
        let target = self.head.lines().next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        target.split('?').next().unwrap_or_default()
    }

    /// The query, as it was sent.
    pub(super) fn query(&self) -> &str {
        let target = self.head.lines().next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The first header of this name, in lower case or not.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The key of a WebSocket upgrade; `None` if it is something else.
    pub(super) fn websocket_key(&self) -> Option<&str> {
        let upgrade = self.header("upgrade")?.eq_ignore_ascii_case("websocket");
        (self.method() == "GET" && upgrade).then(|| self.header("sec-websocket-key")).flatten()
    }

    /// How many bytes of a body follow; more than fits into a head is not read.
    pub(super) fn body_length(&self) -> usize {
        self.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)
    }
}

/// The answer that opens a WebSocket.
pub(super) fn switching(key: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
}

/// An answer with a status and nothing much else; the connection ends with it.
pub(super) fn plain(status: u16, headers: &[(&str, String)], body: &str) -> String {
    let mut text = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!(
        "Content-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ));
    text
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &str) -> Option<Request> {
        Request::read(&mut text.as_bytes()).await.expect("memory does not fail")
    }

    #[tokio::test]
    async fn an_upgrade_is_told_from_anything_else() {
        let upgrade = "GET /signal?x=1 HTTP/1.1\r\nHost: a\r\nUPGRADE: WebSocket\r\nSec-WebSocket-Key: abc\r\n\r\nrest";
        let request = read(upgrade).await.expect("a head");
        assert_eq!((request.method(), request.path(), request.websocket_key()), ("GET", "/signal", Some("abc")));
        assert_eq!(request.rest, b"rest");
        let post = read("POST /v4/EndpointEvents HTTP/1.1\r\nContent-Length: 7\r\n\r\n").await.expect("a head");
        assert_eq!((post.websocket_key(), post.body_length()), (None, 7));
    }

    #[tokio::test]
    async fn what_is_no_head_is_given_up() {
        for text in ["", "GET / HTTP/1.1\r\nHost: a\r\n", "\u{16}\u{3}\u{1}", &"x".repeat(HEAD_MAX * 2)] {
            assert!(read(text).await.is_none());
        }
        assert!(read("\r\n\r\n").await.is_some_and(|r| r.method() == "\r\n\r\n" && r.path().is_empty()));
    }
}
