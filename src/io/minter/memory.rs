//! Recent tokens, so that the very same text can be tried again.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::model::{AttemptId, Timestamp};

use super::Minted;

/// Most tokens that are remembered.
const TOKENS_MAX: usize = 4096;
/// How long a token is remembered: a follow-up comes within seconds.
const TOKEN_AGE_MAX: Duration = Duration::from_mins(10);

/// Tokens by the attempt that used them; in memory only.
#[derive(Default)]
pub(super) struct Memory {
    tokens: BTreeMap<AttemptId, Minted>,
    /// Oldest first.
    order: VecDeque<(Timestamp, AttemptId)>,
}

impl Memory {
    pub(super) fn remember(&mut self, attempt: AttemptId, token: Minted, now: Timestamp) {
        self.forget_old(now);
        while self.order.len() >= TOKENS_MAX {
            self.forget_oldest();
        }
        if self.tokens.insert(attempt, token).is_none() {
            self.order.push_back((now, attempt));
        }
    }

    pub(super) fn recall(&mut self, attempt: AttemptId, now: Timestamp) -> Option<Minted> {
        self.forget_old(now);
        self.tokens.get(&attempt).cloned()
    }

    fn forget_old(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(at, _)| now.since(*at) > TOKEN_AGE_MAX) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, attempt)) = self.order.pop_front() {
            self.tokens.remove(&attempt);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{KeySlot, TokenKind, TokenShape};
    use crate::token::TokenText;

    use super::*;

    fn token() -> Minted {
        Minted {
            text: TokenText::parse("a.b.c").expect("a token"),
            shape: TokenShape::default(),
            kind: TokenKind::Access,
            key: KeySlot(0),
            identity: None,
            name_length: 20,
            register: true,
        }
    }

    #[test]
    fn tokens_are_forgotten_by_age_and_by_number() {
        let mut memory = Memory::default();
        let at = Timestamp::from_millis;
        memory.remember(AttemptId(1), token(), at(0));
        memory.remember(AttemptId(2), token(), at(300_000));
        assert!(memory.recall(AttemptId(1), at(600_000)).is_some());
        assert!(memory.recall(AttemptId(1), at(600_001)).is_none());
        assert!(memory.recall(AttemptId(2), at(600_001)).is_some());
        for number in 0..5_000 {
            memory.remember(AttemptId(10 + number), token(), at(600_002));
        }
        assert!(memory.recall(AttemptId(2), at(600_002)).is_none());
        assert_eq!((memory.tokens.len(), memory.order.len()), (TOKENS_MAX, TOKENS_MAX));
    }
}
