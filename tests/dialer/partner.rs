//! Small partners on loopback that misbehave in one way each.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// Serves every connection with the same behaviour; ends with the test's runtime.
pub async fn serve<F, B>(behave: B) -> SocketAddr
where
    B: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream));
        }
    });
    address
}

/// A port where nobody listens.
pub async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a port")
}

/// Reads a request's head and answers with these bytes.
pub async fn answer(mut stream: TcpStream, bytes: &[u8]) {
    read_head(&mut stream).await;
    stream.write_all(bytes).await.ok();
    // So that the answer is read before the connection is reset.
    stream.shutdown().await.ok();
    while stream.read_u8().await.is_ok() {}
}

/// Reads up to the empty line; the request line.
pub async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned()
}

/// Opens the WebSocket, then answers as a partner does until `instead` says otherwise.
pub async fn talk<S>(stream: S, instead: Instead)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Ok(mut socket) = accept_async(stream).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.to_text() else { continue };
        let asked = if text.contains("\"listen\"") {
            Asked::Listen
        } else if text.contains("\"audio\":true") {
            Asked::Register
        } else if text.contains("\"audio\":false") {
            Asked::Leave
        } else {
            continue;
        };
        for frame in instead(asked) {
            match frame {
                Frame::Send(message) => drop(socket.send(message).await),
                Frame::Raw(bytes) => drop(raw(&mut socket, &bytes).await),
                Frame::Drop => return,
            }
        }
    }
}

async fn raw<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, bytes: &[u8]) -> std::io::Result<()> {
    let stream = socket.get_mut();
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// What the device asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    Listen,
    Register,
    Leave,
}

/// What a partner does.
pub enum Frame {
    Send(Message),
    /// Bytes as they are, below the WebSocket.
    Raw(Vec<u8>),
    /// Drops TCP.
    Drop,
}

pub type Instead = fn(Asked) -> Vec<Frame>;

/// A good answer.
pub fn good(asked: Asked) -> Vec<Frame> {
    let frame = match asked {
        Asked::Listen => {
            r#"{"type":"connected","version":"1.6","payload":{"region":"US_EAST_VIRGINIA","edge":"ashburn","gateway":"gw-1"}}"#
        }
        Asked::Register => r#"{"type":"ready","version":"1.6","payload":{}}"#,
        Asked::Leave => r#"{"type":"offline","version":"1.6","payload":{}}"#,
    };
    vec![text(frame)]
}

pub fn text(text: &str) -> Frame {
    Frame::Send(Message::text(text))
}

/// Takes everything and says nothing.
pub async fn silence(stream: TcpStream) {
    let _held = stream;
    pending().await
}

/// A certificate's life, as years.
pub type Life = (i32, i32);

/// An authority in `ca.pem`, and a TLS side that shows a certificate of it for `name`.
pub fn tls(folder: &Path, name: &str, life: Life) -> TlsAcceptor {
    let authority = authority();
    std::fs::write(folder.join("ca.pem"), authority.pem()).expect("written");
    let key = KeyPair::generate().expect("made");
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    leaf.not_before = date_time_ymd(life.0, 1, 1);
    leaf.not_after = date_time_ymd(life.1, 1, 1);
    let certificate = leaf.signed_by(&key, &authority).expect("signed");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("defaults")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("they fit");
    TlsAcceptor::from(Arc::new(config))
}

/// A new authority.
pub fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("made")).expect("signed")
}
