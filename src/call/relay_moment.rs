//! The relay library's moments: nanoseconds that somebody counts, and no clock of the machine's.

use std::time::Duration;

use turn_client_proto::stun::Instant;

/// The library's moment for ours. A call never lasts 292 years.
pub(super) fn at(now: Duration) -> Instant {
    Instant::from_nanos(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))
}

/// The library's moment that lies so much before ours; it may lie before the first.
pub(super) fn before(now: Duration, earlier: Duration) -> Instant {
    at(now) - earlier
}
