//! The thread on which test calls run, with an event loop of its own. A call wakes up a hundred
//! times a second: on a loop that many threads share each of these wakes a second thread as well,
//! and a busy engine would make our audio late.

use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The thread of all calls. It ends when this is dropped, and what is under way on it with it.
pub(super) struct CallThread {
    handle: Handle,
    _alive: oneshot::Sender<()>,
}

impl CallThread {
    /// Starts it. Fails if the system has no more threads or files.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, gone) = oneshot::channel();
        thread::Builder::new().name("calls".to_owned()).spawn(move || runtime.block_on(gone).ok())?;
        Ok(Self { handle, _alive: alive })
    }

    /// Begins a task on it.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(task);
    }
}
