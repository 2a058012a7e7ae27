//! The names that we own at the partner. All devices of a name ring, so a name of a real agent is
//! never used, and no two locations share one.

use crate::model::{AttemptId, LocationName, PodName, StableHasher};

/// Names of one location in one pod, taken in turn: one digit keeps short names possible.
pub const NAMES: u32 = 10;

/// The longest name that the partner's documents allow everywhere, in characters.
pub const NAME_CHARACTERS_MAX: u8 = 121;

/// Pod and location are written out as long as the name's fixed part stays within this.
const PREFIX_MAX: usize = 53;

/// What is left of each of them, in characters, when it does not.
const ABBREVIATED: usize = 20;

/// Fills a name up; neither a digit, so that numbers stay apart, nor a separator.
const FILLER: char = 'x';

/// The names of one location in one pod: `rc_<pod>_<location>_<n>`, filled up with `x` to a wanted
/// length. Letters, digits and underscores only, as the partner's documents ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnNames {
    prefix: String,
}

impl OwnNames {
    /// The names of `location` in `pod`.
    pub fn new(pod: &PodName, location: &LocationName) -> Self {
        let whole = format!("rc_{pod}_{location}_").replace('-', "_");
        if whole.len() <= PREFIX_MAX {
            return Self { prefix: whole };
        }
        // Names are ASCII by construction; a hash keeps two long names apart that begin alike.
        let hash = StableHasher::new("own name").text(pod.as_str()).text(location.as_str()).finish();
        let [pod, location] = [pod.as_str(), location.as_str()].map(|name| &name[..name.len().min(ABBREVIATED)]);
        Self { prefix: format!("rc_{pod}_{location}_{:08x}_", hash >> 32).replace('-', "_") }
    }

    /// The number of the name that the device of a test call has: it follows from the attempt, so
    /// that who finds the attempt in a journal knows the name.
    pub fn number_of_call(attempt: AttemptId) -> u32 {
        u32::try_from(attempt.0 % u64::from(NAMES)).unwrap_or(0)
    }

    /// The name that the pod's phone number rings. It never changes, since it stands in the number's own
    /// settings at the partner.
    pub fn of_phone_number(&self) -> String {
        format!("{}number", self.prefix)
    }

    /// The name of the client that answers calls of other clients of ours. It never changes, since it
    /// stands in an application's settings at the partner.
    pub fn of_far_client(&self) -> String {
        format!("{}far", self.prefix)
    }

    /// Length of the shortest name number `n` can have, in characters.
    pub fn shortest(&self, n: u32) -> u8 {
        let digits = n.checked_ilog10().unwrap_or(0) + 1;
        // At most 53 + 10.
        u8::try_from(self.prefix.len()).unwrap_or(u8::MAX).saturating_add(u8::try_from(digits).unwrap_or(u8::MAX))
    }

    /// Name number `n`, of exactly `length` characters; if that is too short for it, of the next
    /// length with the same residue mod 3, since the residue is what shapes a token.
    /// More than [`NAME_CHARACTERS_MAX`] is cut to the longest that has the residue.
    pub fn name(&self, n: u32, length: u8) -> String {
        let shortest = self.shortest(n);
        let mut length = length;
        while length > NAME_CHARACTERS_MAX {
            length -= 3;
        }
        while length < shortest {
            length += 3;
        }
        let mut name = format!("{}{n}", self.prefix);
        while name.len() < usize::from(length) {
            name.push(FILLER);
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(pod: &str, location: &str) -> OwnNames {
        OwnNames::new(&PodName::parse(pod).expect("a name"), &LocationName::parse(location).expect("a name"))
    }

    #[test]
    fn names_read_as_documented() {
        let names = names("pod-18", "eu-west");
        assert_eq!(names.shortest(7), 19);
        assert_eq!(names.name(7, 19), "rc_pod_18_eu_west_7");
        assert_eq!(names.name(7, 22), "rc_pod_18_eu_west_7xxx");
        assert_eq!(names.name(7, 5), "rc_pod_18_eu_west_7x", "made longer: 5 and 20 are both 2 mod 3");
        assert_eq!(names.name(0, 19), "rc_pod_18_eu_west_0");
        assert_eq!(names.of_phone_number(), "rc_pod_18_eu_west_number");
        assert_eq!(names.of_far_client(), "rc_pod_18_eu_west_far");
        assert_eq!(names.name(1, 255).len(), 120);
    }

    #[test]
    fn long_names_are_abbreviated_and_kept_apart() {
        let (one, two) = ("a".repeat(63), format!("{}b", "a".repeat(62)));
        assert_ne!(names(&one, "x").name(1, 64), names(&two, "x").name(1, 64));
        assert!(names(&one, &two).shortest(u32::MAX) <= 64);
    }

    proptest! {
        #[test]
        fn a_name_has_the_wanted_length(pod in "[a-z]([a-z0-9-]{0,40}[a-z0-9])?", location in "[a-z][a-z0-9]{0,40}", n: u32, length: u8) {
            let names = names(&pod, &location);
            let name = names.name(n, length);
            prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            prop_assert!(name.starts_with("rc_"));
            prop_assert_eq!(name.len() % 3, usize::from(length) % 3);
            prop_assert!(name.len() <= usize::from(NAME_CHARACTERS_MAX));
            if (names.shortest(n)..=NAME_CHARACTERS_MAX).contains(&length) {
                prop_assert_eq!(name.len(), usize::from(length));
            }
        }

        #[test]
        fn two_numbers_never_share_a_name(a in 0_u32..2_000, b in 0_u32..2_000, x: u8, y: u8) {
            let names = names("pod-1", "eu");
            prop_assert_eq!(names.name(a, x) == names.name(b, y), a == b && names.name(a, x).len() == names.name(b, y).len());
        }
    }
}
