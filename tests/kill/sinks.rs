//! Receivers that keep everything: a mail server and a webhook endpoint, both on loopback.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Sender;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use mailin::{Action, Handler, Response, SessionBuilder, response};

/// One message, as it arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Message-ID or webhook-id.
    pub id: String,
    /// Everything in it that a person or a program reads.
    pub content: String,
    /// True for a webhook.
    pub is_webhook: bool,
}

impl Arrival {
    /// True if this is the message with that delivery id.
    pub fn is(&self, delivery: &str) -> bool {
        let rest = self.id.strip_prefix(delivery);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// A mail server. Its threads end with the process.
pub fn mail_server(arrivals: Sender<Arrival>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let arrivals = arrivals.clone();
            // A sender that was killed in the middle just ends its own conversation.
            std::thread::spawn(move || converse(&stream, arrivals).ok());
        }
    });
    address
}

fn converse(stream: &TcpStream, arrivals: Sender<Arrival>) -> io::Result<()> {
    let inbox = Inbox { arrivals, body: Vec::new() };
    let mut session = SessionBuilder::new("mail.invalid").build(stream.peer_addr()?.ip(), inbox);
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    session.greeting().write_to(&mut writer)?;
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = session.process(&line);
        if !matches!(answer.action, Action::NoReply) {
            answer.write_to(&mut writer)?;
        }
        writer.flush()?;
        if matches!(answer.action, Action::Close) {
            return Ok(());
        }
    }
}

struct Inbox {
    arrivals: Sender<Arrival>,
    body: Vec<u8>,
}

impl Handler for Inbox {
    fn data(&mut self, buffer: &[u8]) -> io::Result<()> {
        self.body.extend_from_slice(buffer);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let body = std::mem::take(&mut self.body);
        let mail = mail_parser::MessageParser::default().parse(&body).expect("it is a mail");
        let raw = |name: &str| mail.header_raw(name).unwrap_or_default().trim().to_owned();
        let read = ["To", "Date", "Subject", "X-Ringcheck-State", "X-Ringcheck-Reason"].map(raw).join("\n");
        let arrival = Arrival {
            id: mail.message_id().expect("it has an id").to_owned(),
            content: format!("{read}\n{}", mail.body_text(0).expect("it has text")),
            is_webhook: false,
        };
        match self.arrivals.send(arrival) {
            Ok(()) => response::OK,
            Err(_) => response::TRANSACTION_FAILED,
        }
    }
}

/// A webhook endpoint. Needs a runtime.
pub async fn webhook_server(arrivals: Sender<Arrival>) -> SocketAddr {
    let answer = |State(arrivals): State<Sender<Arrival>>, headers: HeaderMap, body: Bytes| async move {
        let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).expect("it has an id").to_owned();
        let content = String::from_utf8(body.to_vec()).expect("it is JSON");
        let kept = arrivals.send(Arrival { id, content, is_webhook: true });
        if kept.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let app = Router::new().fallback(answer).with_state(arrivals);
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}
