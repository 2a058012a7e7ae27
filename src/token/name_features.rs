//! What of a name a fault could depend on, without the name.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

/// What kinds of characters a name has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CharacterClass {
    /// `a` to `z`.
    Lower,
    /// `A` to `Z`.
    Upper,
    /// `0` to `9`.
    Digit,
    /// `_`.
    Underscore,
    /// `-`.
    Dash,
    /// `.`.
    Dot,
    /// `@`.
    At,
    /// A space.
    Space,
    /// `>`, `~`, `?` and DEL: the only ASCII characters that can put `-` or `_` into a payload.
    Marking,
    /// Other ASCII characters.
    OtherAscii,
    /// Characters beyond ASCII.
    BeyondAscii,
}

impl CharacterClass {
    /// The class of a character.
    pub const fn of(character: char) -> Self {
        match character {
            'a'..='z' => Self::Lower,
            'A'..='Z' => Self::Upper,
            '0'..='9' => Self::Digit,
            '_' => Self::Underscore,
            '-' => Self::Dash,
            '.' => Self::Dot,
            '@' => Self::At,
            ' ' => Self::Space,
            '>' | '~' | '?' | '\u{7f}' => Self::Marking,
            other if other.is_ascii() => Self::OtherAscii,
            _ => Self::BeyondAscii,
        }
    }

    /// True if the names that we own have such characters.
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Lower | Self::Digit | Self::Underscore)
    }
}

impl fmt::Display for CharacterClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lower => "a-z",
            Self::Upper => "A-Z",
            Self::Digit => "0-9",
            Self::Underscore => "_",
            Self::Dash => "-",
            Self::Dot => ".",
            Self::At => "@",
            Self::Space => "space",
            Self::Marking => "> ~ ?",
            Self::OtherAscii => "other ASCII",
            Self::BeyondAscii => "beyond ASCII",
        })
    }
}

/// What is counted of a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct NameFeatures {
    /// Length in bytes, as a token holds it.
    pub length: usize,
    /// The length mod 3: it decides the alignment of what follows the name.
    pub residue: usize,
    /// Which kinds of characters it has.
    pub classes: BTreeSet<CharacterClass>,
}

impl NameFeatures {
    /// Of a name; `written` is its length in bytes where a token escapes it.
    pub fn of(name: &str, written: usize) -> Self {
        Self { length: written, residue: written % 3, classes: name.chars().map(CharacterClass::of).collect() }
    }

    /// True if it has characters that the names that we own never have.
    pub fn has_other_characters(&self) -> bool {
        !self.classes.iter().all(|class| class.is_ours())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_by_its_features() {
        let features = NameFeatures::of("Ann.7@x", 9);
        assert_eq!((features.length, features.residue), (9, 0));
        let classes: Vec<String> = features.classes.iter().map(ToString::to_string).collect();
        assert_eq!(classes, ["a-z", "A-Z", "0-9", ".", "@"]);
        assert!(features.has_other_characters());
        assert!(!NameFeatures::of("rc_pod_1", 8).has_other_characters());
        for marking in ['>', '~', '?', '\u{7f}'] {
            assert_eq!(u32::from(marking) & 0x3e, 0x3e, "its lower six bits are 62 or 63");
        }
    }
}
