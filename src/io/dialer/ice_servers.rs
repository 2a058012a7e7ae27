//! Finds the servers that help a call to find paths: those of the pod's file, and the partner's
//! own if it is to be asked. Looks their names up, and reads who they know us as. A server that
//! cannot be found is told with its reason; the call decides what that means.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::io::partner_rest::RestClient;
use crate::io::resolver::{Resolver, known_without_asking};
use crate::io::secrets;
use crate::model::{FailureReason, IceServer, IceService, IceTrouble, IceUrl, RelayLogin};
use crate::plan::{IceServerSettings, IceSettings};

use crate::io::not_done::NotDone;

/// A server, and the name that its certificate must have.
#[derive(Clone)]
pub(super) struct FoundServer {
    pub(super) server: IceServer,
    pub(super) host: String,
}

/// Finds a pod's servers for a call from `local`, and the partner's own if there is a `rest` to ask; each
/// look has `deadline`.
pub(super) async fn find(
    settings: &IceSettings,
    rest: Option<RestClient>,
    resolver: &Resolver,
    local: Option<IpAddr>,
    deadline: Duration,
) -> Vec<FoundServer> {
    let mut wanted: Vec<(IceUrl, bool, Result<Option<RelayLogin>, IceTrouble>)> =
        settings.servers.iter().map(|server| (server.url.clone(), true, login(server))).collect();
    let mut found = Vec::new();
    if let Some(rest) = rest {
        match rest.ice_servers().await {
            Ok(listed) => wanted.extend(listed.into_iter().map(|(url, login)| (url, false, Ok(login)))),
            Err(trouble) => found.push(missing_list(trouble)),
        }
    }
    let looks = wanted.into_iter().map(|(url, ours, login)| async move {
        let (login, address) = match login {
            Ok(login) => (login, look_up(resolver, &url, local, deadline).await),
            Err(trouble) => (None, Err(trouble)),
        };
        FoundServer { server: IceServer { service: url.service, ours, address, login }, host: url.host }
    });
    found.extend(join_all(looks).await);
    found
}

fn missing_list(trouble: IceTrouble) -> FoundServer {
    let server = IceServer { service: IceService::List, ours: false, address: Err(trouble), login: None };
    FoundServer { server, host: String::new() }
}

/// Whom a server knows us as; the secrets are read anew for every call.
fn login(server: &IceServerSettings) -> Result<Option<RelayLogin>, IceTrouble> {
    let Some((username, password)) = &server.login else { return Ok(None) };
    let read = |reference| {
        let missing = |error: &secrets::SecretError| tracing::warn!(%error, "cannot log in to a TURN server");
        secrets::read(reference).inspect_err(missing).map_err(|_| IceTrouble::OwnSecret)
    };
    Ok(Some(RelayLogin { username: read(username)?, password: read(password)? }))
}

/// An address of it, of the family of `local` if it has one.
async fn look_up(
    resolver: &Resolver,
    url: &IceUrl,
    local: Option<IpAddr>,
    deadline: Duration,
) -> Result<SocketAddr, IceTrouble> {
    let addresses = match known_without_asking(&url.host) {
        Some(known) => known,
        None => match timeout(deadline, resolver.lookup(&url.host)).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(why)) => return Err(trouble(why)),
            Err(_) => return Err(IceTrouble::NoAnswer),
        },
    };
    let like = addresses.iter().find(|address| local.is_none_or(|local| local.is_ipv4() == address.is_ipv4()));
    let address = like.or(addresses.first()).ok_or(IceTrouble::NameNotFound)?;
    Ok(SocketAddr::new(*address, url.port))
}

/// What it means for a server that something could not be done with it.
pub(super) fn trouble(why: NotDone) -> IceTrouble {
    match why {
        NotDone::Lost(_) => IceTrouble::OwnNetwork,
        NotDone::Failed(FailureReason::NameNotFound | FailureReason::NameServer) => IceTrouble::NameNotFound,
        NotDone::Failed(FailureReason::NoAnswer) => IceTrouble::NoAnswer,
        NotDone::Failed(_) => IceTrouble::Unreachable,
    }
}
