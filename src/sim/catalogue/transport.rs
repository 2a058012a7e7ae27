//! Trouble before there is a WebSocket: TCP, TLS, the upgrade.

use crate::model::Step;

use super::super::behaviour::{Behaviour, CertificateFault, TcpFault, TlsFault, TransportFault, UpgradeFault};
use super::entry::Expected::Failed;
use super::entry::Group::{Tcp, Tls, Upgrade};
use super::entry::{Entry, entry};

const fn tcp(fault: TcpFault) -> Behaviour {
    Behaviour::Transport(TransportFault::Tcp(fault))
}

const fn tls(fault: TlsFault) -> Behaviour {
    Behaviour::Transport(TransportFault::Tls(fault))
}

const fn certificate(fault: CertificateFault) -> Behaviour {
    tls(TlsFault::Certificate(fault))
}

const fn upgrade(fault: UpgradeFault) -> Behaviour {
    Behaviour::Transport(TransportFault::Upgrade(fault))
}

const fn status(status: u16, retry_after_s: Option<u32>) -> Behaviour {
    upgrade(UpgradeFault::Status { status, retry_after_s })
}

/// The chapter's faults.
pub(super) const ENTRIES: &[Entry] = &[
    entry("tcp-refused", Tcp, tcp(TcpFault::Refused), Failed(Step::Tcp), "nobody listens"),
    entry(
        "tcp-reset",
        Tcp,
        tcp(TcpFault::Reset),
        Failed(Step::Tls),
        "accepts TCP and resets it at the client's first byte",
    ),
    entry("tcp-silence", Tcp, tcp(TcpFault::Silence), Failed(Step::Tls), "accepts TCP and says nothing"),
    entry(
        "tls-certificate-expired",
        Tls,
        certificate(CertificateFault::Expired),
        Failed(Step::Tls),
        "shows a certificate that has run out",
    ),
    entry(
        "tls-certificate-not-yet-valid",
        Tls,
        certificate(CertificateFault::NotYetValid),
        Failed(Step::Tls),
        "shows a certificate whose time has not come",
    ),
    entry(
        "tls-certificate-wrong-name",
        Tls,
        certificate(CertificateFault::WrongName),
        Failed(Step::Tls),
        "shows a certificate for another name",
    ),
    entry(
        "tls-certificate-untrusted",
        Tls,
        certificate(CertificateFault::Untrusted),
        Failed(Step::Tls),
        "shows a certificate signed by itself",
    ),
    entry(
        "tls-garbage",
        Tls,
        tls(TlsFault::Garbage),
        Failed(Step::Tls),
        "answers the client's hello with bytes that are no TLS",
    ),
    entry("tls-half-open", Tls, tls(TlsFault::HalfOpen), Failed(Step::Tls), "sends half of its hello, then nothing"),
    entry("tls-alert", Tls, tls(TlsFault::Alert), Failed(Step::Tls), "answers the client's hello with a fatal alert"),
    entry("tls-closed", Tls, tls(TlsFault::Hangup), Failed(Step::Tls), "closes after the client's hello"),
    entry("upgrade-403", Upgrade, status(403, None), Failed(Step::Upgrade), "answers the upgrade with HTTP 403"),
    entry("upgrade-404", Upgrade, status(404, None), Failed(Step::Upgrade), "answers the upgrade with HTTP 404"),
    entry("upgrade-500", Upgrade, status(500, None), Failed(Step::Upgrade), "answers the upgrade with HTTP 500"),
    entry("upgrade-503", Upgrade, status(503, None), Failed(Step::Upgrade), "answers the upgrade with HTTP 503"),
    entry(
        "upgrade-200",
        Upgrade,
        status(200, None),
        Failed(Step::Upgrade),
        "answers with HTTP 200 and a page instead of upgrading",
    ),
    entry("upgrade-hang", Upgrade, upgrade(UpgradeFault::Hang), Failed(Step::Upgrade), "never answers the upgrade"),
    entry(
        "upgrade-garbage",
        Upgrade,
        upgrade(UpgradeFault::Garbage),
        Failed(Step::Upgrade),
        "answers the upgrade with bytes that are no HTTP",
    ),
    entry(
        "upgrade-wrong-accept",
        Upgrade,
        upgrade(UpgradeFault::WrongAccept),
        Failed(Step::Upgrade),
        "answers 101 with a wrong Sec-WebSocket-Accept",
    ),
    entry(
        "upgrade-closed",
        Upgrade,
        upgrade(UpgradeFault::Hangup),
        Failed(Step::Upgrade),
        "closes instead of answering the upgrade",
    ),
];
