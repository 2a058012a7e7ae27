//! What names a pod's agents have, as counted by `ringcheck token census`.

use crate::model::{KeySlot, TokenKind};
use crate::token::Reach;

/// Agents of a pod whose names are alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AgentNames {
    /// The kind of their tokens; `None` if that is not known.
    pub kind: Option<TokenKind>,
    /// Length of their names, in characters: 1 to [`crate::token::NAME_CHARACTERS_MAX`].
    pub length: u8,
    /// How many they are: 1 to [`AgentNames::MAX`].
    pub agents: u32,
    /// How many of them have a name with characters that the names that we own never have.
    pub other_characters: u32,
}

impl AgentNames {
    /// Most agents of one row.
    pub const MAX: u32 = 1_000_000;
    /// Most rows: more lengths and kinds there are not.
    pub const ROWS_MAX: usize = 400;
}

/// The agents' names of a pod. Empty if nothing is known of them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Population(Vec<AgentNames>);

impl Population {
    /// Most lengths that are walked if none are configured.
    const LENGTHS_MAX: usize = 16;
    /// Makes whole numbers of shares of up to nine classes.
    const SCALE: u64 = 2_520;

    /// These agents.
    pub const fn new(names: Vec<AgentNames>) -> Self {
        Self(names)
    }

    /// True if nothing is known of the agents' names.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The most frequent lengths of names among those that ours may have, in order; none are
    /// missing of the remainders mod 3, since an agent of tomorrow may have one. Empty if nothing
    /// is known.
    pub fn lengths(&self, allowed: std::ops::RangeInclusive<u8>) -> Vec<u8> {
        let mut counts: Vec<(u64, u8)> = Vec::new();
        for row in self.0.iter().filter(|row| allowed.contains(&row.length)) {
            match counts.iter_mut().find(|(_, length)| *length == row.length) {
                Some((agents, _)) => *agents += u64::from(row.agents),
                None => counts.push((u64::from(row.agents), row.length)),
            }
        }
        counts.sort_by_key(|(agents, length)| (std::cmp::Reverse(*agents), *length));
        // Two places are left for remainders that nobody has.
        let mut lengths: Vec<u8> = counts.iter().take(Self::LENGTHS_MAX - 2).map(|(_, length)| *length).collect();
        lengths.sort_unstable();
        if let Some(longest) = lengths.last().copied() {
            let near = (longest..=*allowed.end()).chain((*allowed.start()..longest).rev());
            while let Some(missing) = (0..3).find(|residue| lengths.iter().all(|length| length % 3 != *residue)) {
                let Some(length) = near.clone().find(|length| length % 3 == missing) else { break };
                lengths.push(length);
            }
        }
        lengths
    }

    /// How frequent each form of a reach is among the agents, in its order and in any unit. Agents
    /// count for the form of their name's length, or else for the one with its remainder; those
    /// whose kind or key is not known count for all in equal parts.
    pub fn frequencies(&self, reach: &Reach) -> Vec<u32> {
        let mut frequencies = vec![0_u64; reach.forms().len()];
        let classes = reach.classes();
        for row in &self.0 {
            let fitting: Vec<(TokenKind, KeySlot)> =
                classes.iter().copied().filter(|(kind, _)| row.kind.is_none_or(|wanted| wanted == *kind)).collect();
            let part = u64::from(row.agents) * Self::SCALE / u64::try_from(fitting.len().max(1)).unwrap_or(1);
            for (kind, key) in fitting {
                let form = reach.form(kind, key, row.length);
                let place = reach.forms().iter().position(|known| Some(known) == form);
                if let Some(frequency) = place.and_then(|place| frequencies.get_mut(place)) {
                    *frequency += part;
                }
            }
        }
        // So scaled that the largest fits.
        let most = frequencies.iter().copied().max().unwrap_or(0);
        let divisor = most / u64::from(u32::MAX) + 1;
        frequencies.into_iter().map(|frequency| u32::try_from(frequency / divisor).unwrap_or(u32::MAX)).collect()
    }

    /// Which of the agents no token of ours is like.
    pub fn unseen(&self, reach: &Reach) -> Unseen {
        let mut unseen = Unseen::default();
        for row in &self.0 {
            let fits = |form: &crate::token::Form| row.kind.is_none_or(|kind| kind == form.kind);
            let (agents, other) = (u64::from(row.agents), u64::from(row.other_characters));
            let of_kind = || reach.forms().iter().filter(|form| fits(form));
            let alike = of_kind().any(|form| form.name_length == row.length);
            unseen.agents += agents;
            unseen.characters += other;
            if of_kind().next().is_none() {
                unseen.kind += agents;
            } else if !alike {
                unseen.length += agents;
            }
            unseen.any += if alike { other } else { agents };
        }
        unseen
    }
}

/// Agents whose names have features that no token of ours can have: they are not looked at as they
/// are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
pub struct Unseen {
    /// All agents.
    pub agents: u64,
    /// Those with any such feature.
    pub any: u64,
    /// Those with a kind of token that we cannot mint.
    pub kind: u64,
    /// Those with a length of name that none of ours has.
    pub length: u64,
    /// Those with characters that none of ours has.
    pub characters: u64,
}

#[cfg(test)]
mod tests {
    use crate::model::TokenShape;
    use crate::token::Form;

    use super::*;

    fn row(kind: Option<TokenKind>, length: u8, agents: u32, other_characters: u32) -> AgentNames {
        AgentNames { kind, length, agents, other_characters }
    }

    fn reach(lengths: &[u8]) -> Reach {
        let classes = [(TokenKind::Access, 0), (TokenKind::Access, 1), (TokenKind::Capability, 0)];
        let form = |(kind, key), name_length| Form {
            kind,
            key: KeySlot(key),
            name_length,
            natural: 0,
            shape: TokenShape::default(),
        };
        let forms = classes.into_iter().flat_map(|class| lengths.iter().map(move |length| form(class, *length)));
        Reach::minted(forms.collect(), Vec::new())
    }

    #[test]
    fn lengths_are_the_most_frequent_and_of_every_remainder() {
        let population = Population::new(vec![row(None, 30, 7, 0), row(None, 27, 90, 0), row(None, 3, 900, 0)]);
        assert_eq!(population.lengths(12..=60), [27, 30, 31, 32]);
        let many = Population::new((12..=60).map(|length| row(None, length, u32::from(length), 0)).collect());
        assert_eq!(many.lengths(12..=60), (47..=60).collect::<Vec<_>>());
        assert_eq!(Population::new(vec![row(None, 60, 1, 0)]).lengths(12..=60), [60, 58, 59]);
        assert!(Population::default().lengths(12..=60).is_empty());
    }

    #[test]
    fn agents_count_for_the_form_that_is_like_theirs() {
        let population = Population::new(vec![row(Some(TokenKind::Access), 24, 30, 0), row(None, 22, 3, 0)]);
        let reach = reach(&[24, 25]);
        // Of three agents with any kind, one for each class, at 25: the remainder of 22.
        let unit = 2_520;
        assert_eq!(population.frequencies(&reach), [15 * unit, unit, 15 * unit, unit, 0, unit]);
        let most = Population::new(vec![row(Some(TokenKind::Capability), 24, AgentNames::MAX, 0); 300]);
        assert_eq!(most.frequencies(&reach).iter().filter(|frequency| **frequency > 1 << 31).count(), 1);
    }

    #[test]
    fn who_is_not_looked_at_is_counted_once() {
        let population = Population::new(vec![row(None, 24, 10, 4), row(None, 22, 5, 5)]);
        let expected = Unseen { agents: 15, any: 9, kind: 0, length: 5, characters: 9 };
        assert_eq!(population.unseen(&reach(&[24])), expected);
        let foreign = Population::new(vec![row(Some(TokenKind::Capability), 24, 2, 0)]);
        let none = Reach::minted(Vec::new(), Vec::new());
        assert_eq!(foreign.unseen(&none), Unseen { agents: 2, any: 2, kind: 2, length: 0, characters: 0 });
    }
}
