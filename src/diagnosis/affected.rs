//! Whom a predicate hits, and what helps them now.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use fastrand::Rng;

use crate::model::{EdgeName, KeySlot, Share, SignatureCells, TokenKind, TokenShape, Traits};
use crate::token::{Feature, Form, Reach};

use super::family::Family;
use super::ground::{Ground, NATURAL, random_signature};
use super::predicate::{Conjunction, Predicate, is_of_signature};

/// Signatures by which it is estimated how often a predicate holds; the standard error of a share
/// of 1/64 is a tenth of it.
const ESTIMATED_FROM: usize = 4_096;
/// The same where each is asked for once, and a fifth of that error.
const ESTIMATED_WELL_FROM: usize = 65_536;
/// Seed of those: the same for everybody.
const SEED: u64 = 7;

/// Whom a predicate hits.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Affected {
    /// Share of the agents' connections whose token the predicate names, through the first edge.
    pub share: Share,
    /// True if it is always the same agents; otherwise each new token may be hit or not.
    pub same_agents: bool,
}

/// Something that makes a hit token pass.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// A new token of the same agent: it is hit only as often as chance has it.
    Remint,
    /// Tokens of this kind are never hit.
    OtherKind(TokenKind),
    /// Tokens signed with this key are never hit.
    OtherKey(TokenKind, KeySlot),
    /// Nothing that comes through this edge is hit.
    OtherEdge(EdgeName),
    /// A name that is longer or shorter by so many characters is not hit.
    OtherNameLength(i8),
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remint => f.write_str("fetch a new token and try again"),
            Self::OtherKind(kind) => write!(f, "use {kind} tokens"),
            Self::OtherKey(TokenKind::Access, slot) => write!(f, "sign with API key {}", slot.0.saturating_add(1)),
            Self::OtherKey(TokenKind::Capability, _) => f.write_str("sign with the auth token"),
            Self::OtherEdge(edge) => write!(f, "connect through edge {edge}"),
            Self::OtherNameLength(by) => {
                let (many, how) = (by.unsigned_abs(), if *by < 0 { "shorter" } else { "longer" });
                write!(f, "make names {many} character{} {how}", if many == 1 { "" } else { "s" })
            }
        }
    }
}

impl Affected {
    /// Whom a predicate hits among a pod's agents; none if it is not known what tokens those have.
    pub fn of(reach: &Reach, predicate: &Predicate) -> Option<Self> {
        let first_edge = reach.edges().first();
        let holds = |form: &Form, feature: &Feature| match feature {
            Feature::Edge(edge) => first_edge == Some(edge),
            of_the_form => form.has(of_the_form),
        };
        let (mut hit, mut all) = (0.0, 0.0);
        let mut known: Vec<(Vec<&Conjunction>, f64)> = Vec::new();
        for form in reach.forms().iter().filter(|form| form.natural > 0) {
            // The rest is for the signature to decide, and for many forms it is the same.
            let open = |conjunction: &&Conjunction| {
                conjunction.0.iter().filter(|feature| !is_of_signature(feature)).all(|feature| holds(form, feature))
            };
            let open: Vec<&Conjunction> = predicate.0.iter().filter(open).collect();
            let share = known.iter().find(|(same, _)| *same == open).map(|(_, share)| *share);
            let share = share.unwrap_or_else(|| {
                let share = share_of_signatures(&open);
                known.push((open, share));
                share
            });
            hit += f64::from(form.natural) * share;
            all += f64::from(form.natural);
        }
        let same_agents = !predicate.0.iter().flat_map(|conjunction| &conjunction.0).any(is_of_signature);
        (all > 0.0).then(|| Self { share: Share::clamped(hit / all), same_agents })
    }
}

/// Share of signatures that have what any of these wants of a signature.
fn share_of_signatures(open: &[&Conjunction]) -> f64 {
    let wanted: Vec<Vec<&Feature>> = open
        .iter()
        .map(|conjunction| conjunction.0.iter().filter(|feature| is_of_signature(feature)).collect())
        .collect();
    if wanted.iter().any(Vec::is_empty) {
        return 1.0;
    }
    if wanted.is_empty() {
        return 0.0;
    }
    let mut rng = Rng::with_seed(SEED);
    let mut traits = bare();
    let hit = (0..ESTIMATED_WELL_FROM).filter(|_| {
        traits.shape.signature = random_signature(&mut rng, NATURAL);
        wanted.iter().any(|features| features.iter().all(|feature| feature.holds(&traits)))
    });
    hit.count() as f64 / ESTIMATED_WELL_FROM as f64
}

/// Something to be signed, of which nothing but the signature is asked.
fn bare() -> Traits {
    let edge = EdgeName::parse("any").expect("a name");
    let shape = TokenShape { signature: SignatureCells::NONE, ..TokenShape::default() };
    Traits { kind: TokenKind::Access, key: KeySlot(0), name_length: 0, edge, family: None, shape }
}

impl Family {
    /// What helps those whom a predicate hits, the least effort first; nothing if nothing is hit.
    pub fn remedies(&self, predicate: &Predicate) -> Vec<Remedy> {
        let hit = Shares(self.grounds.iter().map(|g| (&g.traits, self.share_hit(predicate, g))).collect());
        let mut remedies = Vec::new();
        if hit.spares(|_| true) {
            return remedies;
        }
        if hit.0.iter().all(|(_, share)| *share < 1.0) {
            remedies.push(Remedy::Remint);
        }
        let edges: BTreeSet<&EdgeName> = hit.0.iter().map(|(traits, _)| &traits.edge).collect();
        let good = edges.into_iter().filter(|edge| hit.spares(|traits| traits.edge == **edge));
        remedies.extend(good.cloned().map(Remedy::OtherEdge));
        let classes: BTreeSet<(TokenKind, KeySlot)> =
            hit.0.iter().map(|(traits, _)| (traits.kind, traits.key)).collect();
        let (good, bad): (Vec<TokenKind>, Vec<TokenKind>) = TokenKind::ALL
            .into_iter()
            .filter(|kind| classes.iter().any(|class| class.0 == *kind))
            .partition(|kind| hit.spares(|traits| traits.kind == *kind));
        let keys = classes.into_iter().filter(|(kind, _)| bad.contains(kind));
        let keys = keys.filter(|class| hit.spares(|traits| (traits.kind, traits.key) == *class));
        remedies.extend(keys.map(|(kind, key)| Remedy::OtherKey(kind, key)));
        remedies.extend(good.into_iter().map(Remedy::OtherKind));
        remedies.extend([-1, 1].into_iter().filter(|by| hit.is_cured_by(*by)).map(Remedy::OtherNameLength));
        remedies
    }

    /// Share of the tokens of a ground that a predicate hits.
    fn share_hit(&self, predicate: &Predicate, ground: &Ground) -> f64 {
        let Some(sets) = predicate.numbered(&self.space) else { return 0.0 };
        let of_signature = predicate.0.iter().flat_map(|conjunction| &conjunction.0).any(is_of_signature);
        let hits = |set| sets.iter().any(|needed| needed.is_within(set));
        if !of_signature {
            return if hits(ground.set) { 1.0 } else { 0.0 };
        }
        let signatures = &self.signatures[..ESTIMATED_FROM];
        let hit = signatures.iter().filter(|cells| hits(ground.signed(&self.space, **cells))).count();
        hit as f64 / ESTIMATED_FROM as f64
    }
}

/// Share of the tokens that a predicate hits, by what they are before they are signed.
struct Shares<'a>(Vec<(&'a Traits, f64)>);

impl Shares<'_> {
    /// True if none of these is hit.
    fn spares(&self, which: impl Fn(&Traits) -> bool) -> bool {
        self.0.iter().filter(|(traits, _)| which(traits)).all(|(_, share)| *share == 0.0)
    }

    /// True if names that are longer by this are not hit, as far as such lengths are known.
    fn is_cured_by(&self, by: i8) -> bool {
        let moved = |hit: &Traits| hit.name_length.checked_add_signed(by);
        let is_moved = |hit: &Traits, to: &Traits| {
            (to.kind, to.key, Some(to.name_length)) == (hit.kind, hit.key, moved(hit)) && to.edge == hit.edge
        };
        let hit = || self.0.iter().filter(|(_, share)| *share > 0.0).map(|(traits, _)| *traits);
        let known = hit().any(|hit| self.0.iter().any(|(to, _)| is_moved(hit, to)));
        known && hit().all(|hit| self.spares(|to| is_moved(hit, to)))
    }
}
