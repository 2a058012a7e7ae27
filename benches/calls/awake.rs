//! A machine that never sleeps. A processor that wakes up for 20 ms of audio has to begin with getting
//! its caches back, and a virtual one with being given a real one: both count as time of whoever woke
//! it. With something of no importance on every processor what is left is the work itself.

use std::process::{Child, Command};
use std::thread;

/// Idle work on every processor, until it is dropped.
pub struct Awake(Vec<Child>);

impl Awake {
    /// Starts it.
    pub fn start() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let idle = || Command::new("nice").args(["-n", "19", "sh", "-c", "while :; do :; done"]).spawn();
        Self((0..processors).map(|_| idle().expect("nice and sh are there")).collect())
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Fails only if it has ended already.
            child.kill().ok();
            child.wait().ok();
        }
    }
}
