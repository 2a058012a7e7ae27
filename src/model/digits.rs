//! Digits that an agent presses during a call.

use std::fmt;
use std::time::Duration;

/// Most characters.
pub const DIGITS_MAX: usize = 32;

/// Digits that an agent presses, with pauses between: `0-9*#w`, as the SDK takes them. `w` is half
/// a second. Never empty.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Digits(String);

/// Text that is no digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("digits are 1 to 32 of 0-9, *, # and w, with one that is no w")]
pub struct BadDigits;

impl Digits {
    /// Reads them.
    pub fn parse(text: &str) -> Result<Self, BadDigits> {
        let known = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#' | 'w');
        let pressed = text.chars().any(|c| c != 'w');
        let fits = text.len() <= DIGITS_MAX && text.chars().all(known) && pressed;
        fits.then(|| Self(text.to_owned())).ok_or(BadDigits)
    }

    /// As they were written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// About how long they take: a digit 240 ms, a pause half a second.
    pub fn takes(&self) -> Duration {
        self.0.chars().map(|c| Duration::from_millis(if c == 'w' { 500 } else { 240 })).sum()
    }

    /// Those that sound: without the pauses.
    pub fn pressed(&self) -> String {
        self.0.chars().filter(|c| *c != 'w').collect()
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_sdk_takes_is_taken() {
        for text in ["1", "1w2w3", "0123456789*#", &"9".repeat(DIGITS_MAX)] {
            assert_eq!(Digits::parse(text).map(|digits| digits.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "w", "ww", "12a", "1 2", "+1", "W1", &"9".repeat(DIGITS_MAX + 1)] {
            assert_eq!(Digits::parse(text), Err(BadDigits), "{text}");
        }
        assert_eq!(Digits::parse("1w2").map(|digits| digits.pressed()), Ok("12".to_owned()));
    }
}
