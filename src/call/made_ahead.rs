//! Frames of ours that are made a little before their time. To make one wakes up half of the program:
//! made five at a time, four of them only have to be sent. (If the far side wants to be told when a packet
//! was sent, `abs-send-time`, it is told when it was made.)

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Frames that are made at once: 100 ms of audio. What came in meanwhile is listened to at the same
/// time; since each packet is told with the moment at which it came, nothing is heard differently.
pub(super) const FRAMES_AT_ONCE: usize = 5;

/// A frame that waits for its time.
pub(super) struct MadeFrame {
    /// Its number.
    pub(super) number: u64,
    /// When it is to go.
    pub(super) due: Duration,
    /// What goes then, mostly one.
    pub(super) datagrams: Vec<MadeDatagram>,
}

/// A datagram of it.
pub(super) struct MadeDatagram {
    /// Through the relay that has this address; `None` from the socket.
    pub(super) via: Option<SocketAddr>,
    /// Where to.
    pub(super) to: SocketAddr,
    /// What.
    pub(super) bytes: Vec<u8>,
}

/// The frames that wait, [`FRAMES_AT_ONCE`] at most.
#[derive(Default)]
pub(super) struct MadeAhead(VecDeque<MadeFrame>);

impl MadeAhead {
    /// Keeps a frame that is due after all others.
    pub(super) fn keep(&mut self, frame: MadeFrame) {
        self.0.push_back(frame);
    }

    /// When the next is due.
    pub(super) fn wake(&self) -> Option<Duration> {
        self.0.front().map(|frame| frame.due)
    }

    /// The next one whose time has come.
    pub(super) fn next(&mut self, now: Duration) -> Option<MadeFrame> {
        self.0.pop_front_if(|frame| frame.due <= now)
    }

    /// None of them is wanted any more.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
