//! A mailbox for the demo: an SMTP server on loopback that keeps what it is given and tells.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use mailin::{Action, Handler, Response, SessionBuilder, response};
use tokio::sync::mpsc;

use crate::io::clock;
use crate::model::Timestamp;

/// Largest mail, in bytes.
const MAIL_BYTES_MAX: usize = 1 << 20;
/// Longest line of an SMTP session, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 16;
/// Mails that wait to be read.
const WAITING_MAX: usize = 256;
/// A client that says nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A mail, as it arrived.
#[derive(Clone, Debug)]
pub struct Mail {
    /// When.
    pub at: Timestamp,
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub text: String,
    /// To whom, as the envelope says.
    pub to: Vec<String>,
}

/// A mailbox that listens.
pub struct MailSink {
    /// Where.
    pub address: SocketAddr,
    /// What arrived, in order.
    pub mails: mpsc::Receiver<Mail>,
}

impl MailSink {
    /// Listens on a free port. The threads end with the process.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (sender, mails) = mpsc::channel(WAITING_MAX);
        std::thread::Builder::new().name("mail-sink".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                // One at a time: the demo's sender waits in the kernel's queue meanwhile.
                if let Err(error) = converse(&stream, &sender) {
                    tracing::debug!(%error, "a mail session broke off");
                }
            }
        })?;
        Ok(Self { address, mails })
    }
}

fn converse(stream: &TcpStream, mails: &mpsc::Sender<Mail>) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let inbox = Inbox { mails: mails.clone(), to: Vec::new(), body: Vec::new() };
    let mut session = SessionBuilder::new("demo.invalid").build(stream.peer_addr()?.ip(), inbox);
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    session.greeting().write_to(&mut writer)?;
    loop {
        let mut line = Vec::new();
        if io::Read::take(&mut reader, LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = session.process(&line);
        match answer.action {
            Action::NoReply => {}
            Action::Reply => answer.write_to(&mut writer)?,
            Action::Close | Action::UpgradeTls => {
                answer.write_to(&mut writer)?;
                return writer.flush();
            }
        }
        writer.flush()?;
    }
}

struct Inbox {
    mails: mpsc::Sender<Mail>,
    to: Vec<String>,
    body: Vec<u8>,
}

impl Handler for Inbox {
    fn rcpt(&mut self, to: &str) -> Response {
        self.to.push(to.to_owned());
        response::OK
    }

    fn data(&mut self, buffer: &[u8]) -> io::Result<()> {
        if self.body.len() + buffer.len() > MAIL_BYTES_MAX {
            return Err(io::Error::other("the mail is too large"));
        }
        self.body.extend_from_slice(buffer);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let (body, to) = (std::mem::take(&mut self.body), std::mem::take(&mut self.to));
        let Some(mail) = read(&body, to) else { return response::TRANSACTION_FAILED };
        if self.mails.try_send(mail).is_err() {
            return response::NO_MAILBOX;
        }
        response::OK
    }
}

fn read(body: &[u8], to: Vec<String>) -> Option<Mail> {
    let message = mail_parser::MessageParser::default().parse(body)?;
    Some(Mail {
        at: clock::now(),
        subject: message.subject()?.to_owned(),
        text: message.body_text(0)?.into_owned(),
        to,
    })
}
