//! Where and how a node runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::LocationName;

use super::{Receiver, SecretRef};

/// Where and how a node runs.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSettings {
    /// The operator side's address for links in pages, without a trailing slash.
    pub external_url: String,
    /// Where this node probes from.
    pub location: LocationSettings,
    /// Where it remembers.
    pub store: StoreSettings,
    /// Where it listens.
    pub http: HttpSettings,
    /// Who is told about the monitor itself.
    pub owner: Owner,
    /// What the public sees.
    pub status_page: StatusPageSettings,
    /// What a token service is told to avoid.
    pub avoid: AvoidSettings,
    /// Which calls are kept to be listened to; none if absent.
    pub recordings: Option<RecordingSettings>,
}

/// Which calls are kept to be listened to: the last bad ones in which our own tone was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingSettings {
    /// The folder of their files.
    pub path: PathBuf,
    /// How many are kept; the oldest is removed.
    pub keep: u32,
    /// How much of a call is kept at most, from its end.
    pub longest: Duration,
}

/// Where a node probes from.
#[derive(Clone, Debug, PartialEq)]
pub struct LocationSettings {
    /// Its name.
    pub name: LocationName,
    /// Targets that are not the partner, at least two: "is it our own network?"
    pub control: Vec<ControlTarget>,
}

/// Something that is not the partner and is nearly always up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlTarget {
    /// Answers a HEAD request with any status below 500.
    Http(String),
    /// Accepts a TCP connection: `host:port`.
    Tcp(String),
}

/// Where a node remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The file.
    pub path: PathBuf,
    /// How long observations are kept.
    pub retention: Duration,
    /// How large the file may grow, in bytes; the oldest observations go first.
    pub disk_max_bytes: u64,
}

/// Where a node listens.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSettings {
    /// Dashboard, API, metrics.
    pub operator: SocketAddr,
    /// A bearer token for the operator side; required when it is not on loopback.
    pub operator_token: Option<SecretRef>,
    /// Status page and feeds only.
    pub public: SocketAddr,
}

/// Who is told about the monitor itself: our own network, throttling, born red, no data.
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    /// To whom.
    pub to: Vec<Arc<Receiver>>,
}

/// What the public sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusPageSettings {
    /// The page's title.
    pub title: String,
    /// Its public address, for links.
    pub url: String,
    /// A notice is opened so long after an incident, if it is still open.
    pub notice_after: Duration,
}

/// What a token service is told to avoid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvoidSettings {
    /// Who says so.
    pub approval: AvoidApproval,
    /// How long one approval lasts.
    pub expires_after: Duration,
}

/// Who says that tokens are to be avoided, once it is verified which ones fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AvoidApproval {
    /// A person, for each incident.
    Required,
    /// ringcheck by itself, again and again for as long as the incident lasts.
    Automatic,
}
