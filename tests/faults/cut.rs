//! A way to a server that is cut in the middle of a call: after so many packets of the client, so
//! that it is cut while media flow however slow the machine is.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// The largest packet or piece that is carried, in bytes.
const PIECE_MAX: usize = 2048;

/// Leads to `server` over UDP, for one client, and swallows everything after so many packets of it.
pub async fn over_udp(server: SocketAddr, packets: usize) -> SocketAddr {
    let front = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let back = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    back.connect(server).await.expect("an address");
    let address = front.local_addr().expect("bound");
    tokio::spawn(async move {
        let (mut there, mut here) = ([0; PIECE_MAX], [0; PIECE_MAX]);
        let (mut client, mut left) = (None, packets);
        loop {
            tokio::select! {
                Ok((length, from)) = front.recv_from(&mut there) => {
                    client = Some(from);
                    left = left.saturating_sub(1);
                    if left > 0 {
                        back.send(&there[..length]).await.ok();
                    }
                }
                Ok(length) = back.recv(&mut here) => {
                    if let Some(client) = client.filter(|_| left > 0) {
                        front.send_to(&here[..length], client).await.ok();
                    }
                }
            }
        }
    });
    address
}

/// Leads to `server` over TCP, for one client, and closes both connections after so many bytes of it.
pub async fn over_tcp(server: SocketAddr, bytes: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (mut front, _) = listener.accept().await.expect("a client");
        let mut back = TcpStream::connect(server).await.expect("the server is there");
        let (mut there, mut here) = ([0; PIECE_MAX], [0; PIECE_MAX]);
        let mut left = bytes;
        while left > 0 {
            let carried = tokio::select! {
                Ok(length) = front.read(&mut there) => {
                    left = left.saturating_sub(length);
                    back.write_all(&there[..length]).await
                }
                Ok(length) = back.read(&mut here) => front.write_all(&here[..length]).await,
            };
            carried.expect("both sides are there");
        }
    });
    address
}
