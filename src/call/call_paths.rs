//! What a call does with the paths that servers give: takes them for its media, and says so when
//! the one that is demanded will never be there.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::{FailureReason, MediaPath, MediaTrouble, Outcome, PathTaken, Step};

use super::media::Media;
use super::path_io::{PathInput, PathRequest};
use super::paths::{PathOutput, Paths};
use super::test_call::{CallAction, TestCall};

impl TestCall {
    /// Has a socket opened for media, and asks for servers if they may be of use.
    pub(super) fn open_media(&mut self) {
        if self.settings.servers && self.settings.wish.path != MediaPath::Host {
            self.act(CallAction::Path(PathRequest::Find));
        } else {
            self.paths.servers(self.now, &[]);
        }
        self.act(CallAction::OpenMedia);
    }

    /// Something happened with the servers.
    pub(super) fn path(&mut self, now: Duration, input: PathInput<'_>) {
        self.with_paths(now, |paths| match input {
            PathInput::Servers(servers) => paths.servers(now, servers),
            PathInput::Open(server, local) => paths.stream_open(now, server, local),
            PathInput::Bytes(server, bytes) => paths.stream(now, server, bytes),
            PathInput::Ended(server, trouble) => paths.stream_ended(now, server, trouble),
        });
    }

    fn with_paths(&mut self, now: Duration, work: impl FnOnce(&mut Paths)) {
        self.now = now;
        if !self.over {
            work(&mut self.paths);
            self.drain_paths();
        }
    }

    /// Sends a packet of the media through a relay.
    pub(super) fn send_through(&mut self, relayed: SocketAddr, to: SocketAddr, packet: &[u8]) {
        self.paths.send(self.now, relayed, to, packet);
        self.act_for_paths();
    }

    /// Does what the paths want, and what follows from it for the call.
    pub(super) fn drain_paths(&mut self) {
        self.act_for_paths();
        self.drain_media();
        if !self.over && self.step == Step::Ice && self.paths.hopeless() {
            match self.paths.own_fault() {
                Some(reason) => self.finish(Outcome::Lost { reason }),
                None => self.no_path(),
            }
        }
    }

    fn act_for_paths(&mut self) {
        let now = self.now;
        while let Some(output) = self.paths.poll() {
            match output {
                PathOutput::Datagram(to, bytes) => self.act(CallAction::Transmit(to, bytes)),
                PathOutput::Open(number) => self.act(CallAction::Path(PathRequest::Open(number))),
                PathOutput::Stream(number, bytes) => self.act(CallAction::Path(PathRequest::Send(number, bytes))),
                PathOutput::Close(number) => self.act(CallAction::Path(PathRequest::Close(number))),
                PathOutput::Reflexive(mapped) => self.with_media(|media| media.add_reflexive(now, mapped)),
                PathOutput::Relayed(relayed) => self.with_media(|media| media.add_relayed(now, relayed)),
                PathOutput::Packet { relay, from, bytes } => {
                    self.with_media(|media| media.relayed(now, relay, from, &bytes));
                }
                PathOutput::Gone(relayed) => self.relay_gone(relayed),
            }
        }
    }

    fn with_media(&mut self, work: impl FnOnce(&mut Media)) {
        if let Some(media) = self.media.as_mut().filter(|_| !self.over) {
            work(media);
        }
    }

    /// The relay that had this address is gone; if the media went through it, so is the path.
    fn relay_gone(&mut self, relayed: SocketAddr) {
        let way = self.media.as_ref().and_then(Media::way);
        if !self.over && way.is_some_and(|(via, _)| via == Some(relayed)) {
            self.no_path();
        }
    }

    /// The path that the media take, once they take one.
    pub(super) fn path_taken(&self) -> Option<PathTaken> {
        match self.media.as_ref()?.way()? {
            (Some(relayed), _) => self.paths.through(relayed),
            (None, _) if self.settings.wish.path == MediaPath::Reflexive => Some(PathTaken::Reflexive),
            (None, Some(seen)) if Some(seen) != self.local => Some(PathTaken::Reflexive),
            (None, _) => Some(PathTaken::Host),
        }
    }

    /// True if the media have a path that is not the one demanded.
    pub(super) fn wrong_path(&self) -> bool {
        self.path_taken().is_some_and(|taken| !taken.fulfils(self.settings.wish.path))
    }

    /// There is no path for the media, or not the one that is demanded, or it broke.
    pub(super) fn no_path(&mut self) {
        self.act(CallAction::Trouble(MediaTrouble::Path));
        self.fail(FailureReason::NoPath);
    }

    /// Gives back what servers gave; what is to be sent for that is left in the actions.
    pub(super) fn leave_paths(&mut self, now: Duration) {
        self.paths.leave(now);
        self.act_for_paths();
    }

    /// The paths alone, after the call.
    pub(super) fn into_paths(self) -> Paths {
        self.paths
    }
}
