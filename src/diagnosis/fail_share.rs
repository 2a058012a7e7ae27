//! How often an attempt fails that a fault applies to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The share of attempts inside a predicate that fail. Less than all means that a part of the
/// partner's nodes is broken; if the node follows from the token's text, the share sticks to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailShare {
    /// Every attempt.
    All,
    /// Half of the attempts, drawn anew each time.
    Half,
    /// A quarter of the attempts, drawn anew each time.
    Quarter,
    /// A tenth of the attempts, drawn anew each time.
    Tenth,
    /// Half of the tokens: one that failed fails again.
    HalfOfTokens,
    /// A quarter of the tokens: one that failed fails again.
    QuarterOfTokens,
    /// A tenth of the tokens: one that failed fails again.
    TenthOfTokens,
}

impl FailShare {
    /// How many there are.
    pub(super) const COUNT: usize = 7;

    /// All of them, the plainest first.
    pub(super) const EACH: [Self; Self::COUNT] = [
        Self::All,
        Self::Half,
        Self::Quarter,
        Self::Tenth,
        Self::HalfOfTokens,
        Self::QuarterOfTokens,
        Self::TenthOfTokens,
    ];

    /// The share, `0.1..=1.0`.
    pub const fn share(self) -> f64 {
        match self {
            Self::All => 1.0,
            Self::Half | Self::HalfOfTokens => 0.5,
            Self::Quarter | Self::QuarterOfTokens => 0.25,
            Self::Tenth | Self::TenthOfTokens => 0.1,
        }
    }

    /// The nearest share of attempts that is less than all: what is seen of a fault that some places
    /// have and others have not.
    pub(super) fn nearest(share: f64) -> Self {
        let distance = |known: &Self| (known.share().ln() - share.ln()).abs();
        let drawn = [Self::Half, Self::Quarter, Self::Tenth].into_iter();
        drawn.min_by(|one, other| distance(one).total_cmp(&distance(other))).unwrap_or(Self::Half)
    }

    /// True if a token that failed once fails again, and one that passed passes again.
    pub const fn sticks_to_token(self) -> bool {
        matches!(self, Self::All | Self::HalfOfTokens | Self::QuarterOfTokens | Self::TenthOfTokens)
    }

    /// What is believed of it before anything was seen; the beliefs add up to 1.
    pub(super) const fn belief(self) -> f64 {
        match self {
            Self::All => 0.70,
            Self::Half | Self::Quarter | Self::Tenth => 0.07,
            Self::HalfOfTokens | Self::QuarterOfTokens | Self::TenthOfTokens => 0.03,
        }
    }
}

impl fmt::Display for FailShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all attempts",
            Self::Half => "about half of the attempts",
            Self::Quarter => "about a quarter of the attempts",
            Self::Tenth => "about a tenth of the attempts",
            Self::HalfOfTokens => "about half of the tokens, the same ones again",
            Self::QuarterOfTokens => "about a quarter of the tokens, the same ones again",
            Self::TenthOfTokens => "about a tenth of the tokens, the same ones again",
        })
    }
}
