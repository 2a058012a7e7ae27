//! What the engine asks of the minter: never a token, only the kind of one it wants.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AttemptId, CellWeights, SignatureCells};

/// The two kinds of voice tokens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// Current: header `cty`, grants; signed with an API key's secret.
    Access,
    /// Legacy: a scope string; signed with the account's auth token.
    Capability,
}

impl TokenKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Access, Self::Capability];

    /// The name in config, metrics and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Capability => "capability",
        }
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which of a pod's keys signs: 0 is the first one configured. For capability tokens it is the
/// account's auth token, which is always slot 0 of its kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeySlot(pub u8);

/// What token an attempt shall use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenWish {
    /// A freshly minted token.
    Fresh {
        /// Which kind.
        kind: TokenKind,
        /// Signed with which key.
        key: KeySlot,
        /// How long the name in it shall be, in characters; the length mod 3 decides where `_`
        /// stands in a capability token. A shorter name than the pod allows is made longer.
        name_length: u8,
        /// Signature cells that it shall not have, as far as candidates allow; empty for no wish.
        #[serde(default)]
        unlike: SignatureCells,
        /// How much each signature cell is wanted; of the candidates without unwanted cells, the
        /// one with the largest sum is taken. For the minter only: what is kept of an attempt is
        /// without it.
        #[serde(default, skip_serializing_if = "CellWeights::is_none")]
        wanted: CellWeights,
    },
    /// The very same text that this attempt used; the minter keeps it for a while in memory.
    Same {
        /// The earlier attempt.
        of: AttemptId,
    },
}

impl TokenWish {
    /// What is kept of a wish: without the weights, which only the minter needs.
    pub fn remembered(self) -> Self {
        match self {
            Self::Fresh { kind, key, name_length, unlike, wanted: _ } => {
                Self::Fresh { kind, key, name_length, unlike, wanted: CellWeights::NONE }
            }
            Self::Same { .. } => self,
        }
    }
}
