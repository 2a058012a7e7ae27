//! Looks names up by itself, so that the time it takes is a step of its own and nothing is cached:
//! every attempt asks anew.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;

use crate::model::{FailureReason, LostReason};

use super::not_done::NotDone;

/// How long one name server may take before it is asked again: two tries fit into a step.
const SERVER_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a name server is asked.
const TRIES: usize = 2;

/// Looks names up with this machine's name servers.
#[derive(Default)]
pub struct Resolver {
    /// Made when first needed, and again after an error: the machine's name servers may have
    /// changed.
    made: Mutex<Option<Arc<TokioResolver>>>,
}

impl Resolver {
    /// The addresses of a name; at least one.
    pub async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, NotDone> {
        let resolver = self.resolver()?;
        match resolver.lookup_ip(name).await {
            Ok(found) => {
                let addresses: Vec<IpAddr> = found.iter().collect();
                if addresses.is_empty() { Err(NotDone::Failed(FailureReason::NameNotFound)) } else { Ok(addresses) }
            }
            Err(error) => {
                *self.made.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Err(judge(&error))
            }
        }
    }

    fn resolver(&self) -> Result<Arc<TokioResolver>, NotDone> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(resolver) = made.as_ref() {
            return Ok(Arc::clone(resolver));
        }
        let resolver = Arc::new(build().map_err(|_| NotDone::Lost(LostReason::NoNetwork))?);
        *made = Some(Arc::clone(&resolver));
        Ok(resolver)
    }
}

fn build() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    let options = builder.options_mut();
    options.cache_size = 0;
    options.timeout = SERVER_TIMEOUT;
    options.attempts = TRIES;
    builder.build()
}

fn judge(error: &NetError) -> NotDone {
    if error.is_nx_domain() || error.is_no_records_found() {
        return NotDone::Failed(FailureReason::NameNotFound);
    }
    match error {
        NetError::Timeout => NotDone::Failed(FailureReason::NoAnswer),
        NetError::Io(error) if error.kind() == io::ErrorKind::NetworkUnreachable => {
            NotDone::Lost(LostReason::NoNetwork)
        }
        _ => NotDone::Failed(FailureReason::NameServer),
    }
}

/// The addresses of a host that needs no name server: an IP address, or `localhost`.
pub fn known_without_asking(host: &str) -> Option<Vec<IpAddr>> {
    if host == "localhost" {
        return Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    host.trim_matches(['[', ']']).parse().ok().map(|address| vec![address])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_need_no_name_server() {
        assert_eq!(known_without_asking("127.0.0.2"), Some(vec![IpAddr::from([127, 0, 0, 2])]));
        assert_eq!(known_without_asking("[::1]"), Some(vec![Ipv6Addr::LOCALHOST.into()]));
        assert_eq!(known_without_asking("localhost").map(|found| found.len()), Some(2));
        assert_eq!(known_without_asking("voice-js.ashburn.twilio.com"), None);
    }
}
