//! Names that users write and numbers that ringcheck gives.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::StableHasher;

/// The longest name a user may give to a pod, probe, location, edge or receiver, in characters.
pub const NAME_LENGTH_MAX: usize = 63;

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was written.
    #[error("a name must not be empty")]
    Empty,
    /// More than 63 characters.
    #[error("a name has at most {NAME_LENGTH_MAX} characters")]
    TooLong,
    /// A character outside `a-z 0-9 -`, or a dash at an end.
    #[error("a name is made of a-z, 0-9 and inner dashes")]
    Character,
}

fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_LENGTH_MAX {
        return Err(NameError::TooLong);
    }
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !plain || name.starts_with('-') || name.ends_with('-') {
        return Err(NameError::Character);
    }
    Ok(())
}

/// What is behind a name. A name is copied and compared far more often than it is made.
struct Written {
    text: Box<str>,
    /// Of the text, for tables of names.
    hash: u64,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<Written>);

        impl $name {
            /// Checks and takes a name: `a-z`, `0-9`, inner dashes, at most 63 characters.
            pub fn parse(name: &str) -> Result<Self, NameError> {
                check(name)?;
                let hash = StableHasher::new("name").text(name).finish();
                Ok(Self(Arc::new(Written { text: Box::from(name), hash })))
            }

            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0.text
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.0, &other.0) || (self.0.hash == other.0.hash && self.0.text == other.0.text)
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.text.cmp(&other.0.text) }
            }
        }

        impl Hash for $name {
            // As the text's own, which may stand for it in a table.
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.text.hash(state);
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(name: String) -> Result<Self, NameError> {
                Self::parse(&name)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

name!(
    /// An isolated slice of the product, with a partner account of its own.
    PodName
);
name!(
    /// What to try, on a schedule: one file in `probes/`.
    ProbeName
);
name!(
    /// Where attempts are made from.
    LocationName
);
name!(
    /// Where traffic enters the partner (the partner's word).
    EdgeName
);
name!(
    /// Who is told: one `[[receiver]]`.
    ReceiverName
);

impl PodName {
    /// A number that equal names share and others hardly ever do.
    pub(crate) fn hash_of_text(&self) -> u64 {
        self.0.hash
    }
}

/// One attempt, computed from what it is for, so that late and double results are recognised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(pub u64);

impl AttemptId {
    /// The id of try `number` in `slot` (milliseconds since the epoch) of a probe in a pod, seen
    /// from a location. Try 0 is the scheduled one, later ones are follow-ups.
    pub fn of(location: &LocationName, pod: &PodName, probe: &ProbeName, slot: i64, number: u32) -> Self {
        AttemptIds::of(location, pod, probe).id(slot, number)
    }
}

/// The ids of one probe's attempts in one pod: what they have in common is computed once.
#[derive(Clone, Copy, Debug)]
pub struct AttemptIds(StableHasher);

impl AttemptIds {
    /// Those of a probe in a pod, seen from a location.
    pub fn of(location: &LocationName, pod: &PodName, probe: &ProbeName) -> Self {
        let hash = StableHasher::new("attempt").text(location.as_str()).text(pod.as_str()).text(probe.as_str());
        Self(hash)
    }

    /// That of try `number` in `slot`.
    pub fn id(self, slot: i64, number: u32) -> AttemptId {
        AttemptId(self.0.number(slot.cast_unsigned()).number(u64::from(number)).finish())
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The number of an incident on this node, from 1; `#42` for people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentNumber(pub u32);

impl fmt::Display for IncidentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl fmt::Debug for IncidentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_once() {
        for good in ["a", "pod-18", "0", "eu-west"] {
            assert_eq!(PodName::parse(good).map(String::from), Ok(good.to_owned()));
        }
        for (bad, why) in [
            ("", NameError::Empty),
            ("Pod", NameError::Character),
            ("-a", NameError::Character),
            ("a_b", NameError::Character),
            ("é", NameError::Character),
        ] {
            assert_eq!(PodName::parse(bad), Err(why), "{bad}");
        }
        assert_eq!(PodName::parse(&"a".repeat(64)), Err(NameError::TooLong));
    }
}
