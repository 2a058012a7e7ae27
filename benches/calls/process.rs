//! What processes use, as Linux counts it.

use std::fs;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Clock ticks a second in `/proc`: the same on every Linux that is not decades old.
const TICKS_A_SECOND: u64 = 100;
/// Processes that are looked at in a tree; a browser has some ten.
const PROCESSES_MAX: usize = 1000;

/// CPU time of all threads of this process, ended ones included.
pub fn own_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("Linux tells").into()
}

/// Resident memory of a process, in bytes.
pub fn resident(process: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

/// Open file descriptors of this process.
pub fn open_files() -> usize {
    // Reading the folder takes one itself.
    fs::read_dir("/proc/self/fd").expect("Linux tells").count() - 1
}

/// CPU time of a process and everything below it, ended children that were waited for included;
/// and the resident memory of all, shared pages counted each time.
pub fn tree(root: u32) -> (Duration, u64) {
    let all: Vec<Stat> = fs::read_dir("/proc")
        .expect("Linux tells")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Stat::of)
        .take(PROCESSES_MAX)
        .collect();
    let (mut inside, mut at) = (vec![root], 0);
    while let Some(parent) = inside.get(at).copied() {
        inside.extend(all.iter().filter(|stat| stat.parent == parent).map(|stat| stat.id));
        at += 1;
    }
    let ticks: u64 = all.iter().filter(|stat| inside.contains(&stat.id)).map(|stat| stat.ticks).sum();
    let memory = inside.iter().map(|id| resident(&id.to_string())).sum();
    (Duration::from_millis(ticks * 1000 / TICKS_A_SECOND), memory)
}

/// The children of a process whose command line holds this word.
pub fn child_named(parent: u32, word: &str) -> Option<u32> {
    let ids = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter_map(Stat::of).filter(|stat| stat.parent == parent).map(|stat| stat.id).find(|id| {
        fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(word))
    })
}

struct Stat {
    id: u32,
    parent: u32,
    ticks: u64,
}

impl Stat {
    fn of(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name before it may hold anything.
        let fields: Vec<&str> = text.get(text.rfind(')')? + 2..)?.split(' ').collect();
        let parent = fields.get(1)?.parse().ok()?;
        let ticks = fields.get(11..15)?.iter().filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Some(Self { id, parent, ticks })
    }
}
