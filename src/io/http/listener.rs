//! Accepting connections within bounds. A client that sends its headers slowly, or holds more
//! connections than fit, must not keep others out for long.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How much one listener takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most connections; further ones wait in the kernel's queue.
    pub connections_max: usize,
    /// How long a client may take to send a request's headers, and how long it may keep an idle
    /// connection.
    pub header_deadline: Duration,
}

impl Limits {
    /// For a handful of people, a metrics scraper and scripts.
    pub const OPERATOR: Self = Self { connections_max: 256, header_deadline: Duration::from_secs(10) };
    /// For everybody during an outage.
    pub const PUBLIC: Self = Self { connections_max: 4096, header_deadline: Duration::from_secs(10) };
}

/// How long open answers may go on after the stop.
const DRAIN: Duration = Duration::from_secs(2);
/// The pause after a failed `accept` (out of file descriptors): without it the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Most bytes of a request's head; a longer one is answered with 431.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Serves `router` on `socket` until `stop` is done, then lets open answers end for two seconds.
pub async fn serve(socket: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
            (slot, socket.accept().await)
        };
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            (slot, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let router = router.clone();
                    let stopped = stopped.clone();
                    connections.spawn(async move {
                        converse(stream, router, limits, stopped).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(socket);
    let _ = stopping.send(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        connections.shutdown().await;
    }
}

/// One connection, to its end. Its errors are the client's: they are not worth a log line.
async fn converse(stream: TcpStream, router: Router, limits: Limits, mut stopped: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_deadline)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;

    async fn answer(address: std::net::SocketAddr, request: &str) -> String {
        let mut client = TcpStream::connect(address).await.expect("somebody listens");
        client.write_all(request.as_bytes()).await.expect("written");
        let mut text = String::new();
        client.read_to_string(&mut text).await.expect("closed in the end");
        text
    }

    #[tokio::test]
    async fn it_answers_bounds_and_stops() {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new().route("/", get(|| async { "here" }));
        let limits = Limits { connections_max: 1, header_deadline: Duration::from_millis(200) };
        let server = tokio::spawn(serve(socket, router, limits, async move {
            let _ = stopped.await;
        }));
        let told = answer(address, "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
        assert!(told.starts_with("HTTP/1.1 200") && told.ends_with("here"), "{told}");
        // A request that never ends is cut off; the only slot is free again for the next one.
        answer(address, "GET / HTTP/1.1\r\nhost: loc").await;
        let long = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "a".repeat(HEAD_BYTES_MAX));
        let told = answer(address, &long).await;
        assert!(told.starts_with("HTTP/1.1 431"), "{told}");
        let _ = stop.send(());
        server.await.expect("it ends by itself");
    }
}
