//! The partner as a protocol peer, without sockets: it validates tokens for real and answers in
//! frames, unless a fault says otherwise.

mod note;
mod oddity;
mod peer;
mod place;
#[cfg(test)]
mod tests;

pub use note::Note;
pub use peer::{HEARTBEAT_EVERY, LISTEN_DEADLINE, Peer, PeerOutput};
pub use place::{Faults, Place, refusal_of};
