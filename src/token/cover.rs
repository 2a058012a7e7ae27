//! Which token to try next, so that no place of a token's text is looked at too seldom.

/// How many candidates the minter signs for one token with wishes.
pub const CANDIDATES: u32 = 10_000;
