//! One connection attempt as a machine without sockets and without a clock.
//!
//! [`Connection`] is told what the socket did and how much time has passed since the attempt
//! began; it answers with what to do next and, once, with a [`Finding`]. It speaks through a
//! [`Signalling`](crate::model::Signalling), so it knows no vendor. The dialer runs it on real
//! sockets, the simulator in virtual time.
//!
//! An attempt passes these steps, each with a deadline of its own: dns, tcp, tls, upgrade
//! (together never longer than the SDK waits for its socket), connected, registered; then the
//! registration is held, and left properly (hangup).
//!
//! What is found, by what happens and when:
//!
//! | what happens | while opening | waiting for connected or registered | while held | while leaving |
//! |---|---|---|---|---|
//! | nothing until the deadline | next edge, else failed: no answer | failed: no answer | (that is well) | completed, leave unconfirmed |
//! | name, TCP, TLS or upgrade fails | next edge, else failed with the reason | | | |
//! | HTTP 429, or 403 with `Retry-After` | throttled | | | |
//! | device error with a throttle code | | throttled | throttled (registered) | throttled (hangup) |
//! | other device error | | failed: rejected | degraded: error frame | degraded: error frame |
//! | `offline` | | failed (registered): went offline; ignored before | failed (registered): went offline | completed |
//! | `close` frame | | failed: stream ended | failed (registered): stream ended | completed, leave unconfirmed |
//! | no heartbeat | | failed: heartbeat lost | failed (registered): heartbeat lost | completed, leave unconfirmed |
//! | socket closed, the device raises nothing | | failed: closed with the code | completed, degraded: reconnected | completed, leave unconfirmed |
//! | socket closed or broken, the device raises an error | | failed: closed or connection reset | failed (registered): closed or connection reset | completed, leave unconfirmed |
//! | frame that breaks WebSocket, or is over the bound | | failed: malformed frame, frame too large | the same (registered) | completed, leave unconfirmed |
//!
//! - A failure carries the device errors that an agent's application got, in order. Where the
//!   SDK raises none the list is empty: the agent's device is silent for ever, and only our
//!   deadline saw it.
//! - A refusal is decided at the frame that says so; nobody waits for the socket to be closed.
//! - When an edge cannot be opened the next one configured is tried, once and at once; if that
//!   works the attempt is degraded (fallback edge), if it cannot be opened either the first
//!   edge's failure is told. A throttled attempt never tries another edge.
//! - After a proper close the SDK reconnects by itself. The attempt does not: it has seen what it
//!   wanted to see, and whether the partner takes devices back is what the next attempt looks at.
//! - With a token that is not ours to register, the attempt is complete when it is connected.

pub mod audio;
mod binding;
mod both_ends;
#[cfg(test)]
mod both_ends_tests;
mod call_paths;
mod call_settings;
mod connection;
mod connection_call;
mod connection_io;
mod conversation;
mod dtls;
mod finding;
mod giving_up;
mod made_ahead;
mod media;
mod other_client;
mod path_io;
#[cfg(test)]
mod path_tests;
mod paths;
mod pressing;
mod relay;
mod relay_farewell;
mod relay_moment;
#[cfg(test)]
mod relay_tests;
mod short_lifetime;
mod talking;
mod test_call;
#[cfg(test)]
mod tests;
mod turn_frames;

pub use both_ends::{far_settings, of_both, of_far_alone};
pub use call_settings::{CallSettings, OtherClient};
pub use connection::{Connection, Route, Settings};
pub use connection_io::{Input, Output};
pub use finding::Finding;
pub use media::{
    AudioPacket, BadDescription, Media, MediaEvent, MediaOutput, MediaSettings, Spoken, preferred_codec, warm_up,
    without_candidates,
};
pub use path_io::{PathInput, PathRequest};
pub use pressing::digit_of;
pub use relay_farewell::{RelayFarewell, ToServer};
