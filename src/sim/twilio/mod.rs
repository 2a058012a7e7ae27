//! The partner as a protocol peer, without sockets: it validates tokens for real and answers in
//! frames, unless a fault says otherwise.

mod bridge;
mod description;
mod far_end;
mod leg;
mod note;
mod oddity;
mod peer;
mod peer_calls;
mod place;
mod rest_desk;
#[cfg(test)]
mod tests;

pub use bridge::{Across, AcrossNews};
pub use note::Note;
pub use peer::{HEARTBEAT_EVERY, LISTEN_DEADLINE, Peer, PeerOutput};
pub use place::{Faults, Place, refusal_of};
pub use rest_desk::{RestDesk, RestReply, RingOrder, unauthorized};
