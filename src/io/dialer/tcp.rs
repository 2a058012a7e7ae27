//! Connects as browsers do: one address family first, the other soon after, the first to answer
//! wins.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::io::not_done::NotDone;
use crate::model::{FailureReason, LostReason};

/// How long the first family has before the other is tried as well; what Chromium waits.
const HEAD_START: Duration = Duration::from_millis(300);

type Connected = Result<(TcpStream, SocketAddr), NotDone>;

/// Connects to one of these addresses.
pub(super) async fn connect(addresses: &[IpAddr], port: u16) -> Connected {
    let Some(first) = addresses.first() else {
        return Err(NotDone::Failed(FailureReason::NameNotFound));
    };
    let (preferred, other): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.iter().partition(|address| address.is_ipv4() == first.is_ipv4());
    if other.is_empty() {
        return try_each(&preferred, port).await;
    }
    race(&preferred, &other, port).await
}

async fn race(preferred: &[IpAddr], other: &[IpAddr], port: u16) -> Connected {
    let mut preferred = std::pin::pin!(try_each(preferred, port));
    let mut other = std::pin::pin!(try_each(other, port));
    tokio::select! {
        biased;
        done = &mut preferred => return either(done, other).await,
        () = sleep(HEAD_START) => {}
    }
    tokio::select! {
        biased;
        done = &mut preferred => either(done, other).await,
        done = &mut other => either(done, preferred).await,
    }
}

/// The first result if it is good, else the second, else the error that says more.
async fn either(first: Connected, second: impl Future<Output = Connected>) -> Connected {
    match first {
        Ok(connected) => Ok(connected),
        Err(first) => second.await.map_err(|second| telling(first, second)),
    }
}

async fn try_each(addresses: &[IpAddr], port: u16) -> Connected {
    let mut worst = NotDone::Lost(LostReason::NoNetwork);
    for address in addresses {
        let address = SocketAddr::new(*address, port);
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Frames are small and wait for answers; without this they would also wait for
                // each other.
                stream.set_nodelay(true).ok();
                return Ok((stream, address));
            }
            Err(error) => worst = telling(worst, NotDone::of(&error)),
        }
    }
    Err(worst)
}

/// An answer of the other side tells more than a lack of our own: a machine without IPv6 has no
/// route to half of the addresses.
fn telling(one: NotDone, two: NotDone) -> NotDone {
    match (one, two) {
        (NotDone::Failed(_), _) => one,
        (_, NotDone::Failed(_)) => two,
        (_, NotDone::Lost(LostReason::NoNetwork)) => one,
        _ => two,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_family_that_answers_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (v6, v4) = (IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16]), IpAddr::from([127, 0, 0, 1]));
        for addresses in [vec![v6, v4], vec![v4, v6], vec![v4]] {
            let (_, address) = connect(&addresses, port).await.expect("connected");
            assert_eq!(address.ip(), v4);
        }
        drop(listener);
        let refused = NotDone::Failed(FailureReason::ConnectionRefused);
        assert_eq!(connect(&[v4], port).await.err(), Some(refused));
        assert_eq!(connect(&[v6, v4], port).await.err(), Some(refused));
    }
}
