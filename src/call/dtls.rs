//! The keys of a call's media. The DTLS library tests all its ciphers each time it is set up, which is
//! most of what a call computes before it is heard: here it is set up once for all calls.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Instant;

use dimpl::{Config, Dtls, DtlsCertificate, Error, Output};
use str0m::config::{CryptoProvider, DtlsVersion};
use str0m::crypto::dtls::{DtlsInstance, DtlsProvider, ProtocolVersion};
use str0m::crypto::{CryptoError, from_feature_flags};

use crate::model::Origin;

/// The seed where chance is to be the same each time: any will do.
const SEED: u64 = 1;

/// The media library's own ciphers, with DTLS set up once.
pub(super) fn crypto(origin: Origin) -> Arc<CryptoProvider> {
    static BY_CHANCE: SetUpOnce = SetUpOnce::new(None);
    static REPEATABLE: SetUpOnce = SetUpOnce::new(Some(SEED));
    static CRYPTO: LazyLock<[Arc<CryptoProvider>; 2]> = LazyLock::new(|| {
        [&BY_CHANCE, &REPEATABLE].map(|once| Arc::new(CryptoProvider { dtls_provider: once, ..from_feature_flags() }))
    });
    Arc::clone(&CRYPTO[usize::from(origin.is_repeatable())])
}

/// DTLS as the media library would set it up for each call anew, kept with the size of datagrams that
/// it was set up for: all calls have the same.
struct SetUpOnce {
    /// What decides how much sooner or later a lost packet is sent again. Keys never come from it.
    seed: Option<u64>,
    kept: OnceLock<(Option<usize>, Arc<Config>)>,
}

impl SetUpOnce {
    const fn new(seed: Option<u64>) -> Self {
        Self { seed, kept: OnceLock::new() }
    }

    fn config(&self, mtu: Option<usize>) -> Result<Arc<Config>, Error> {
        if let Some((_, config)) = self.kept.get().filter(|(kept, _)| *kept == mtu) {
            return Ok(Arc::clone(config));
        }
        // ICE has shown that the far side is where it says it is: no cookie is needed for that.
        let builder = Config::builder().use_server_cookie(false);
        let builder = if let Some(mtu) = mtu { builder.mtu(mtu) } else { builder };
        let builder = if let Some(seed) = self.seed { builder.dangerously_set_rng_seed(seed) } else { builder };
        let config = Arc::new(builder.build()?);
        // Another call may have been quicker.
        self.kept.set((mtu, Arc::clone(&config))).ok();
        Ok(config)
    }
}

impl fmt::Debug for SetUpOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetUpOnce").finish_non_exhaustive()
    }
}

impl DtlsProvider for SetUpOnce {
    fn generate_certificate(&self) -> Option<DtlsCertificate> {
        dimpl::certificate::generate_self_signed_certificate().ok()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCertificate,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let (config, certificate) = (self.config(mtu)?, certificate.clone());
        let dtls = match version {
            DtlsVersion::Dtls13 => Dtls::new_13(config, certificate, now),
            DtlsVersion::Auto => Dtls::new_auto(config, certificate, now),
            _ => Dtls::new_12(config, certificate, now),
        };
        Ok(Box::new(Handshake(dtls)))
    }
}

/// One call's DTLS.
#[derive(Debug)]
struct Handshake(Dtls);

impl DtlsInstance for Handshake {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), Error> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> Output<'a> {
        self.0.poll_output(buffer)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, Error> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), Error> {
        self.0.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_up_for_one_size_of_datagrams_is_not_used_for_another() {
        let once = SetUpOnce::new(None);
        let first = once.config(Some(1150)).expect("set up");
        assert!(Arc::ptr_eq(&first, &once.config(Some(1150)).expect("set up")));
        let other = once.config(Some(900)).expect("set up");
        assert_eq!((first.mtu(), other.mtu()), (1150, 900));
        assert!(Arc::ptr_eq(&first, &once.config(Some(1150)).expect("set up")));
    }
}
