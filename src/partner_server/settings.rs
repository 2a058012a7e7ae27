//! What a simulated partner is started with.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::model::{EdgeName, PodName};
use crate::partner::twilio::AccountKeys;

/// The names in the partner's certificate unless others are set: loopback, and the public names
/// that SDKs ask for, so that a browser whose resolver is bent towards the simulator believes it.
pub const CERTIFICATE_NAMES: [&str; 8] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "voice-js.roaming.twilio.com",
    "voice-js.ashburn.twilio.com",
    "chunderw-vpc-gll.twilio.com",
    "eventgw.twilio.com",
    "eventgw.us1.twilio.com",
];

/// What a simulated partner is started with.
#[derive(Clone, Debug)]
pub struct PartnerSettings {
    /// The pods; each gets a listener of its own.
    pub pods: Vec<PodSettings>,
    /// The address to listen on; loopback unless there is a reason.
    pub bind: IpAddr,
    /// `wss` with certificates made at the start, or plain `ws`.
    pub tls: bool,
    /// The names in the certificate: DNS names or addresses.
    pub certificate_names: Vec<String>,
    /// Where the control API listens; `None` for no control API.
    pub control: Option<SocketAddr>,
    /// Decides which connections a share of nodes takes.
    pub seed: u64,
    /// The pods' phone numbers, and applications (by their SIDs), that ring a client, and which one each rings.
    pub rings: BTreeMap<PodName, BTreeMap<String, String>>,
    /// A file for the ground truth, one JSON object a line; appended to.
    pub truth: Option<PathBuf>,
}

/// One pod at the partner.
#[derive(Clone, Debug)]
pub struct PodSettings {
    /// Its name.
    pub name: PodName,
    /// Its account and keys.
    pub keys: AccountKeys,
    /// The edge that its listener stands for, where the client's TLS or HTTP does not name one.
    pub edge: EdgeName,
    /// The port; 0 for any.
    pub port: u16,
}

impl PartnerSettings {
    /// Settings for these pods: loopback, TLS, a control API on any port, no file.
    pub fn for_pods(pods: Vec<PodSettings>) -> Self {
        Self {
            pods,
            bind: Ipv4Addr::LOCALHOST.into(),
            tls: true,
            certificate_names: CERTIFICATE_NAMES.map(str::to_owned).to_vec(),
            control: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            seed: 0,
            rings: BTreeMap::new(),
            truth: None,
        }
    }
}
