//! The servers that help a pod's calls to find paths for their media, as the product's own
//! application would name them to the SDK.

use std::path::PathBuf;

use crate::model::{IceUrl, MediaPath};

use super::SecretRef;

/// The servers that a pod's calls use to find paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IceSettings {
    /// True if the partner is asked for its own before each call.
    pub from_partner: bool,
    /// Servers that are always there.
    pub servers: Vec<IceServerSettings>,
    /// Own certificate authority for `turns:`, PEM.
    pub ca_file: Option<PathBuf>,
}

/// A server that is always there.
#[derive(Clone, Debug, PartialEq)]
pub struct IceServerSettings {
    /// Where it is and what it does.
    pub url: IceUrl,
    /// Whom it knows us as, and the password; relays have both.
    pub login: Option<(SecretRef, SecretRef)>,
}

impl IceSettings {
    /// Most servers that can be written for a pod.
    pub const SERVERS_MAX: usize = 8;

    /// True if there is any server, or may be.
    pub const fn any(&self) -> bool {
        self.from_partner || !self.servers.is_empty()
    }

    /// True if these servers may give this path.
    pub fn may_give(&self, path: MediaPath) -> bool {
        !path.needs_server() || self.from_partner || self.servers.iter().any(|server| path.needs(server.url.service))
    }
}
