//! The wire between the lines of two clients of ours that are in the same call.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::call::{Finding, of_both, of_far_alone};
use crate::io::clock::Stopwatch;
use crate::model::{CallWish, LostReason, Signalling};

use super::goodbye::Goodbye;
use super::line::Line;

/// News on a wire: each kind comes once at most.
const NEWS_MAX: usize = 4;

/// What one end tells the other.
pub(super) enum News {
    /// It is registered, and waits for the call.
    Waiting,
    /// Its tone begins so long after its stopwatch was started.
    Talks(Stopwatch, Duration),
    /// It is done.
    Over,
}

/// One end of a wire.
pub(super) struct Wire {
    there: mpsc::Sender<News>,
    /// Nothing once the other end has gone.
    here: Option<mpsc::Receiver<News>>,
}

impl Wire {
    fn two() -> (Self, Self) {
        let ((one, of_one), (other, of_other)) = (mpsc::channel(NEWS_MAX), mpsc::channel(NEWS_MAX));
        (Self { there: one, here: Some(of_other) }, Self { there: other, here: Some(of_one) })
    }

    /// Tells the other end, if it is still there.
    pub(super) fn tell(&self, news: News) {
        self.there.try_send(news).ok();
    }

    /// What the other end tells; last, and once, that it is done.
    pub(super) async fn next(&mut self) -> News {
        let Some(here) = &mut self.here else { return std::future::pending().await };
        let news = here.recv().await.unwrap_or(News::Over);
        if matches!(news, News::Over) {
            self.here = None;
        }
        news
    }
}

type Run = Result<(Finding, Option<Goodbye>), LostReason>;

/// Runs a call between two clients of ours: has `far` wait for it, and only then begins with the one
/// that calls. Either is told when the other is done, so both hang up whatever happens to one.
pub(super) async fn run_both<'a, N: Signalling, F: Signalling>(
    wish: CallWish,
    far: Line<'_, F>,
    near: impl FnOnce() -> Line<'a, N>,
) -> Result<(Finding, Vec<Goodbye>), LostReason> {
    let (of_far, mut of_near) = Wire::two();
    let far = Box::pin(far.with_wire(of_far).run());
    let near = Box::pin(async move {
        match of_near.next().await {
            News::Waiting => Some(near().with_wire(of_near).run().await),
            News::Talks(..) | News::Over => None,
        }
    });
    let (far, near): (Run, Option<Run>) = tokio::join!(far, near);
    let Some(near) = near else {
        let (far, goodbye) = far?;
        return Ok((of_far_alone(wish, far), goodbye.into_iter().collect()));
    };
    let (far, far_goodbye) = match far {
        Ok((far, goodbye)) => (Ok(far), goodbye),
        Err(reason) => (Err(reason), None),
    };
    let (near, goodbye) = near?;
    Ok((of_both(near, far), goodbye.into_iter().chain(far_goodbye).collect()))
}
