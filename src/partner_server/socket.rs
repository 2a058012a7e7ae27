//! One open WebSocket: frames and time into the peer, and out of it what it wants done.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::io::clock::{self, Stopwatch};
use crate::model::Timestamp;
use crate::sim::twilio::{Peer, PeerOutput};

use super::connection::{Client, Droppable};
use super::listener::{Delivery, Order};
use super::media_sockets::MediaSockets;

/// Largest message that is taken from a client, in bytes: a session description has some 10 kB.
const MESSAGE_MAX: usize = 256 * 1024;
/// Memory that a quiet connection holds for reading, in bytes.
const READ_BUFFER: usize = 4096;
/// How long a client may take to read what it is sent; 16 MB take a while.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);
/// How long the client's own close is waited for.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Serves an open WebSocket until either side has enough.
pub(super) async fn serve<S: Droppable>(client: &Client<'_>, stream: S, read_already: Vec<u8>) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let mut socket = WebSocketStream::from_partially_read(stream, read_already, Role::Server, Some(config)).await;
    let keys = Arc::clone(&client.pod.keys);
    let now = clock::now();
    let mut peer = Peer::new(keys, client.faults.clone(), client.place.clone(), now).with_calls(
        Stopwatch::start().origin(),
        now,
        client.pod.shared_desk(),
    );
    let mut media = MediaSockets::on(client.pod.address.ip());
    let mut orders = client.pod.orders.subscribe();
    loop {
        while let Some(output) = peer.poll() {
            let going_on = match output {
                PeerOutput::OpenMedia(leg) => {
                    if let Ok(local) = media.open(leg).await {
                        peer.media_open(clock::now(), leg, local);
                    }
                    true
                }
                PeerOutput::Datagram { leg, to, bytes } => {
                    media.send(leg, to, &bytes).await;
                    true
                }
                PeerOutput::CloseMedia(leg) => {
                    media.close(leg);
                    true
                }
                output => act(client, &mut socket, output).await,
            };
            if !going_on {
                peer.left(clock::now());
                return;
            }
        }
        if peer.has_ended() {
            return;
        }
        let wake = peer.wake();
        tokio::select! {
            biased;
            datagram = media.next() => peer.datagram(clock::now(), datagram.leg, datagram.from, &datagram.bytes),
            message = socket.next() => {
                let closes = matches!(message, Some(Ok(Message::Close(_))));
                take(&mut peer, message);
                if closes {
                    // Reading on sends our own close frame.
                    drop(timeout(CLOSE_PATIENCE, drained(&mut socket)).await);
                }
            }
            Ok(order) = orders.recv() => follow(&mut peer, order),
            () = sleep_until(wake) => peer.timeout(clock::now()),
        }
    }
}

fn take(peer: &mut Peer, message: Option<Result<Message, Error>>) {
    match message {
        Some(Ok(Message::Text(text))) => peer.received(clock::now(), &text),
        Some(Ok(Message::Binary(_))) => peer.received_binary(),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
        Some(Ok(Message::Close(_)) | Err(_)) | None => peer.left(clock::now()),
    }
}

/// Does what the REST API wants, if it concerns this client.
fn follow(peer: &mut Peer, order: Order) {
    match order {
        Order::Ring(delivery) => {
            if let Some(order) = delivery.take(peer.registered_as()) {
                peer.ring(clock::now(), order);
            }
        }
        Order::End(sid) => {
            peer.end_call(clock::now(), &sid);
        }
        Order::Across(across) => peer.told_across(clock::now(), &across),
    }
}

/// False if the connection is over.
async fn act<S: Droppable>(client: &Client<'_>, socket: &mut WebSocketStream<S>, output: PeerOutput) -> bool {
    match output {
        PeerOutput::Text(text) => send(socket, Message::text(text)).await,
        PeerOutput::Binary(bytes) => send(socket, Message::binary(bytes)).await,
        // The caller sees to media.
        PeerOutput::OpenMedia(_) | PeerOutput::Datagram { .. } | PeerOutput::CloseMedia(_) => true,
        PeerOutput::Ring(order) => {
            // Fails without a client at all; the delivery then says by itself that nobody answered.
            client.pod.orders.send(Order::Ring(Arc::new(Delivery::of(*order, client.pod)))).ok();
            true
        }
        PeerOutput::Across(across) => {
            client.pod.orders.send(Order::Across(Arc::new(across))).ok();
            true
        }
        PeerOutput::Note(note) => {
            client.note(&note);
            true
        }
        PeerOutput::Close(code) => {
            let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
            if send(socket, Message::Close(Some(frame))).await {
                drop(timeout(CLOSE_PATIENCE, drained(socket)).await);
            }
            true
        }
        PeerOutput::Drop => {
            // Below TLS, so that no goodbye of any layer is said.
            drop(socket.get_mut().tcp().shutdown().await);
            drop(timeout(CLOSE_PATIENCE, drained(socket)).await);
            true
        }
    }
}

async fn send<S: Droppable>(socket: &mut WebSocketStream<S>, message: Message) -> bool {
    matches!(timeout(WRITE_PATIENCE, socket.send(message)).await, Ok(Ok(())))
}

/// Reads on until the client has closed too.
async fn drained<S: Droppable>(socket: &mut WebSocketStream<S>) {
    while let Some(Ok(_)) = socket.next().await {}
}

async fn sleep_until(at: Option<Timestamp>) {
    match at {
        Some(at) => clock::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
