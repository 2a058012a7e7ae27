//! Facts that the disk has not taken yet. Paging goes on without them; they are tried again, in
//! order, with every later turn.

use std::collections::VecDeque;

/// Most facts that wait for the disk: about half an hour of 30 pods. Past it the oldest go; the
/// next snapshot closes the hole, since it holds the whole state.
pub(super) const UNSAVED_FACTS_MAX: usize = 50_000;
/// Most bytes of them.
pub(super) const UNSAVED_BYTES_MAX: usize = 64 << 20;

/// One fact, ready to be written.
#[derive(Debug)]
pub(super) struct Unsaved {
    pub(super) seq: u64,
    pub(super) at: i64,
    pub(super) fact: String,
}

/// Facts that are not on the disk, oldest first.
#[derive(Debug, Default)]
pub(super) struct UnsavedTail {
    facts: VecDeque<Unsaved>,
    bytes: usize,
    dropped: u64,
}

impl UnsavedTail {
    pub(super) fn push(&mut self, unsaved: Unsaved) {
        self.bytes += unsaved.fact.len();
        self.facts.push_back(unsaved);
        while self.facts.len() > UNSAVED_FACTS_MAX || self.bytes > UNSAVED_BYTES_MAX {
            self.drop_first();
            self.dropped += 1;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Unsaved> {
        self.facts.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.facts.len()
    }

    /// Facts that fell out because the disk refused for too long.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// All of them are on the disk.
    pub(super) fn clear(&mut self) {
        self.facts.clear();
        self.bytes = 0;
    }

    /// Those up to here are in a snapshot.
    pub(super) fn forget_up_to(&mut self, seq: u64) {
        while self.facts.front().is_some_and(|first| first.seq <= seq) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.facts.pop_front() {
            self.bytes -= first.fact.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_drops_the_oldest() {
        let mut tail = UnsavedTail::default();
        for seq in 1..=(UNSAVED_FACTS_MAX as u64 + 3) {
            tail.push(Unsaved { seq, at: 0, fact: "x".to_owned() });
        }
        assert_eq!((tail.len(), tail.dropped()), (UNSAVED_FACTS_MAX, 3));
        assert_eq!(tail.iter().next().map(|first| first.seq), Some(4));
        tail.push(Unsaved { seq: 99_999, at: 0, fact: "y".repeat(UNSAVED_BYTES_MAX) });
        assert_eq!(tail.len(), 1);
        tail.forget_up_to(99_999);
        assert_eq!((tail.len(), tail.bytes), (0, 0));
    }
}
