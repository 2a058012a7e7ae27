//! Why a step could not be done: because of the other side, or because of ourselves.

use std::error::Error;
use std::io;

use crate::model::{FailureReason, LostReason};

use super::tls;

/// Why a step could not be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotDone {
    /// The other side, or the way to it.
    Failed(FailureReason),
    /// This machine: it says nothing about the other side.
    Lost(LostReason),
}

impl NotDone {
    /// What an error of connecting or of an open connection means.
    pub fn of(error: &io::Error) -> Self {
        // No stable `ErrorKind` tells a full table of ours from other trouble.
        match error.raw_os_error() {
            Some(code) if LIMITS.contains(&code) => return Self::Lost(LostReason::QueueFull),
            Some(_) | None => {}
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Failed(FailureReason::ConnectionRefused),
            io::ErrorKind::HostUnreachable => Self::Failed(FailureReason::Unreachable),
            io::ErrorKind::TimedOut => Self::Failed(FailureReason::NoAnswer),
            // Without a route of our own, or forbidden by a firewall of our own.
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown | io::ErrorKind::PermissionDenied => {
                Self::Lost(LostReason::NoNetwork)
            }
            // No port left on our side.
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => Self::Lost(LostReason::QueueFull),
            _ => Self::Failed(FailureReason::ConnectionReset),
        }
    }

    /// What an error of the HTTP client means; `None` if no error of its connection is the cause.
    pub fn of_http(error: &reqwest::Error) -> Option<Self> {
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<io::Error>() {
                return Some(match error.get_ref() {
                    Some(inner) if inner.is::<rustls::Error>() => Self::Failed(tls::reason(error)),
                    _ => Self::of(error),
                });
            }
            source = cause.source();
        }
        None
    }
}

/// `ENOMEM`, `ENFILE`, `EMFILE`, `ENOBUFS`: our own tables are full.
const LIMITS: [i32; 4] = [12, 23, 24, 105];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_not_blamed_on_the_other_side() {
        for (code, expected) in [
            (111, NotDone::Failed(FailureReason::ConnectionRefused)),
            (104, NotDone::Failed(FailureReason::ConnectionReset)),
            (113, NotDone::Failed(FailureReason::Unreachable)),
            (110, NotDone::Failed(FailureReason::NoAnswer)),
            (101, NotDone::Lost(LostReason::NoNetwork)),
            (1, NotDone::Lost(LostReason::NoNetwork)),
            (24, NotDone::Lost(LostReason::QueueFull)),
            (99, NotDone::Lost(LostReason::QueueFull)),
        ] {
            assert_eq!(NotDone::of(&io::Error::from_raw_os_error(code)), expected, "errno {code}");
        }
    }
}
