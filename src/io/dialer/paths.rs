//! What a call's paths need of this machine: the servers that help to find them, and connections to
//! those that are reached over TCP or TLS.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::timeout;

use crate::call::{RelayFarewell, ToServer};
use crate::io::clock::Stopwatch;
use crate::io::partner_rest::RestClient;
use crate::io::resolver::Resolver;
use crate::model::IceServer;
use crate::plan::IceSettings;

use super::ice_servers::{FoundServer, find};
use super::media_socket::MediaSocket;
use super::relay_streams::{RelayNews, RelayStreams};

/// How long servers may take to take back what they gave.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// Where a call's servers come from.
pub(super) struct IceSource<'a> {
    pub(super) settings: &'a IceSettings,
    /// The partner's REST API, if it is to be asked for its own.
    pub(super) rest: Option<RestClient>,
    /// How to speak TLS to those that want it.
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) deadline: Duration,
}

/// What is found out, or happens on a connection.
pub(super) enum PathNews {
    Servers(Vec<IceServer>),
    Relay(usize, RelayNews),
}

/// A call's servers and the connections to them.
pub(super) struct Paths<'a> {
    source: IceSource<'a>,
    finding: Option<Pin<Box<dyn Future<Output = Vec<FoundServer>> + Send + 'a>>>,
    found: Vec<FoundServer>,
    streams: RelayStreams,
}

impl<'a> Paths<'a> {
    /// The paths of a call with these servers; none of them is looked for yet.
    pub(super) fn new(source: IceSource<'a>) -> Self {
        Self { source, finding: None, found: Vec::new(), streams: RelayStreams::new() }
    }

    /// Begins to look for the servers.
    pub(super) fn find(&mut self, resolver: &'a Resolver, local: Option<IpAddr>) {
        let IceSource { settings, rest, deadline, .. } = &self.source;
        self.finding = Some(Box::pin(find(settings, rest.clone(), resolver, local, *deadline)));
    }

    /// Connects to one of them.
    pub(super) fn open(&mut self, number: usize) {
        if let Some(server) = self.found.get(number) {
            self.streams.open(number, server.clone(), self.source.tls.clone());
        }
    }

    /// Sends something on the connection to one of them.
    pub(super) fn send(&self, number: usize, bytes: Vec<u8>) {
        self.streams.send(number, bytes);
    }

    /// Closes the connection to one of them.
    pub(super) fn close(&mut self, number: usize) {
        self.streams.close(number);
    }

    /// The next thing that is found out or happens. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> PathNews {
        let finding = async {
            match &mut self.finding {
                Some(finding) => finding.await,
                None => std::future::pending().await,
            }
        };
        let found = tokio::select! {
            found = finding => found,
            (number, news) = self.streams.next() => return PathNews::Relay(number, news),
        };
        self.finding = None;
        let servers = found.iter().map(|found| found.server.clone()).collect();
        self.found = found;
        PathNews::Servers(servers)
    }

    /// The connections alone, after the call.
    pub(super) fn into_streams(self) -> RelayStreams {
        self.streams
    }
}

/// What is left to be said to TURN servers after a call.
pub(super) struct PathsGoodbye {
    pub(super) farewell: RelayFarewell,
    pub(super) watch: Stopwatch,
    pub(super) media: Option<MediaSocket>,
    pub(super) streams: RelayStreams,
}

impl PathsGoodbye {
    /// Sees to it that the servers take back what they gave, and closes the connections to them.
    pub(super) async fn say(mut self) {
        // What a server does not take back by then it forgets by itself, when its lifetime is over.
        timeout(FAREWELL_MAX, self.give_back()).await.ok();
        self.streams.end().await;
    }

    async fn give_back(&mut self) {
        while !self.farewell.is_over() {
            while let Some(message) = self.farewell.poll() {
                match (message, &self.media) {
                    (ToServer::Datagram(to, bytes), Some(media)) => media.send(to, &bytes).await,
                    (ToServer::Datagram(..), None) => {}
                    (ToServer::Stream(number, bytes), _) => self.streams.send(number, bytes),
                }
            }
            let wake = self.farewell.wake();
            let datagram = async {
                match &mut self.media {
                    Some(media) => media.receive().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                (from, length) = datagram => {
                    let bytes = self.media.as_ref().map_or(&[][..], |media| media.bytes(length));
                    self.farewell.datagram(self.watch.time(), from, bytes);
                }
                (number, news) = self.streams.next() => match news {
                    RelayNews::Bytes(bytes) => self.farewell.bytes(self.watch.time(), number, &bytes),
                    RelayNews::Ended(_) => self.farewell.ended(self.watch.time(), number),
                    RelayNews::Open(_) => {}
                },
                () = self.watch.sleep_until(wake.unwrap_or_default()) => self.farewell.timeout(self.watch.time()),
            }
        }
    }
}
