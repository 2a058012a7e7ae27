//! The word that attempts shall end now.

use tokio::sync::watch;

/// Says it, to all attempts of a dialer.
#[derive(Debug, Default)]
pub(super) struct Stopping(watch::Sender<bool>);

/// Hears it, once.
pub(super) struct Stop(Option<watch::Receiver<bool>>);

impl Stopping {
    /// Says it.
    pub(super) fn say(&self) {
        self.0.send_replace(true);
    }

    /// True once it was said.
    pub(super) fn is_said(&self) -> bool {
        *self.0.borrow()
    }

    /// An ear for one attempt.
    pub(super) fn ear(&self) -> Stop {
        Stop(Some(self.0.subscribe()))
    }
}

impl Stop {
    /// Returns when it is said, the first time; never again after that.
    pub(super) async fn told(&mut self) {
        if let Some(said) = &mut self.0
            && said.wait_for(|said| *said).await.is_ok()
        {
            self.0 = None;
            return;
        }
        std::future::pending().await
    }
}
