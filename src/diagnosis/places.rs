//! Whether the failures gather at some of the partner's places: gateways, regions, addresses. These
//! cannot be chosen, only looked at; so it is asked where the failing ones of all looks came out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{AttemptId, PodName, Reached, Share, StableHasher};
use crate::token::FeatureSet;

use super::finding::Counts;
use super::odds::{Odds, Table};

/// Belief that failures do not depend on the place, …
const NO_PLACE: f64 = 0.9;
/// … that they do on one, …
const ONE_PLACE: f64 = 0.08;
/// … and that they do on several: half of it on two, a quarter on three, and so on.
const SEVERAL: f64 = 0.02;
/// Several places at once that are named, at most.
const TOGETHER_MAX: usize = 6;
/// Places at which something failed that are thought of, of a sort; those where most did.
const SUSPECTED_MAX: usize = 32;
/// Failing texts at the places before they are named …
const FAILED_MIN: u32 = 4;
/// … at this posterior.
const NAMED: f64 = 0.99;
/// So much belief in the places that were named, perhaps with others, keeps them.
const KEPT: f64 = 0.5;

/// What sort of place it is. The partner's own word for it comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceSort {
    /// A gateway, by the name that the partner gives it.
    Gateway,
    /// A region, by the name that the partner gives it.
    Region,
    /// An address that we connected to.
    Address,
}

impl PlaceSort {
    const EACH: [Self; 3] = [Self::Gateway, Self::Region, Self::Address];

    /// The name, as in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Region => "region",
            Self::Address => "address",
        }
    }

    /// Of several.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Gateway => "gateways",
            Self::Region => "regions",
            Self::Address => "addresses",
        }
    }

    fn of(self, reached: &Reached) -> Option<String> {
        match self {
            Self::Gateway => reached.gateway.as_ref().map(ToString::to_string),
            Self::Region => reached.region.as_ref().map(ToString::to_string),
            Self::Address => reached.address.map(|address| address.to_string()),
        }
    }
}

/// Some of the partner's places, of one sort.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Places {
    /// Of which sort.
    pub sort: PlaceSort,
    /// Their names, in order.
    pub names: BTreeSet<String>,
}

impl Places {
    /// True if an attempt came out there; nothing if it is not known.
    pub fn hold(&self, reached: &Reached) -> Option<bool> {
        self.sort.of(reached).map(|name| self.names.contains(&name))
    }
}

/// `gateway gw-3`, `gateways gw-0 and gw-3`.
impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        match names.as_slice() {
            [one] => write!(f, "{} {one}", self.sort.as_str()),
            [init @ .., last] => write!(f, "{} {} and {last}", self.sort.plural(), init.join(", ")),
            [] => f.write_str("nowhere"),
        }
    }
}

/// How far it is known where it fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceState {
    /// It fails there; it may fail at some other place as well.
    AtLeast,
    /// It fails there and nowhere else.
    Named,
    /// What was named was wrong; nothing is known again.
    Contradicted,
}

/// At which of the partner's places it fails.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PlaceFinding {
    /// How far that is known.
    pub state: PlaceState,
    /// Where; none if it was contradicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Places>,
    /// Belief in exactly these places.
    pub posterior: Share,
    /// Looks there; of tokens that are claimed to fail, if some are.
    pub inside: Counts,
    /// The same at other places of the sort.
    pub outside: Counts,
    /// How many other places of the sort were seen.
    pub others: u32,
    /// Looks of which it is not known where they came out.
    pub untold: Counts,
}

/// One look, as far as it matters here.
pub(super) struct Sight<'a> {
    pub(super) token: AttemptId,
    pub(super) pod: &'a PodName,
    /// What of the way was chosen: edges.
    pub(super) edges: FeatureSet,
    pub(super) reached: &'a Reached,
    pub(super) failed: bool,
}

/// What is known of where it fails.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Whereabouts {
    pub(super) named: Option<Places>,
    exactly: f64,
    withdrawn: bool,
    /// Share of the attempts that come out there, when it was named.
    pub(super) exposed: f64,
}

impl Whereabouts {
    /// Looks at all of it anew; true if other places are named than before.
    pub(super) fn judge(&mut self, odds: &Odds, sights: &[Sight<'_>]) -> bool {
        let before = self.named.clone();
        let weighed = Weighed::of(odds, sights, before.as_ref());
        let best = weighed.best().filter(|best| best.belief >= NAMED && best.failed >= FAILED_MIN);
        if let Some(best) = best {
            (self.named, self.exactly, self.withdrawn) = (Some(best.places), best.belief, false);
        } else if let Some(named) = &before {
            self.exactly = weighed.of_places(named);
            if weighed.of_wider(named) < KEPT {
                (self.named, self.withdrawn) = (None, true);
            }
        }
        self.named != before
    }

    /// What can be said, if anything can.
    pub(super) fn finding(&self, sights: &[Sight<'_>]) -> Option<PlaceFinding> {
        let state = match &self.named {
            Some(_) if self.exactly >= NAMED => PlaceState::Named,
            Some(_) => PlaceState::AtLeast,
            None if self.withdrawn => PlaceState::Contradicted,
            None => return None,
        };
        let mut counts = [Counts::default(); 3];
        let mut others: BTreeSet<String> = BTreeSet::new();
        for sight in self.named.iter().flat_map(|_| sights) {
            let held = self.named.as_ref().and_then(|places| places.hold(sight.reached));
            counts[held.map_or(2, usize::from)].add(sight.failed);
            others.extend(self.named.as_ref().filter(|_| held == Some(false)).and_then(|p| p.sort.of(sight.reached)));
        }
        let [outside, inside, untold] = counts;
        let posterior = Share::clamped(if self.named.is_some() { self.exactly } else { 0.0 });
        let others = u32::try_from(others.len()).unwrap_or(u32::MAX);
        Some(PlaceFinding { state, places: self.named.clone(), posterior, inside, outside, others, untold })
    }
}

/// What is believed of one set of places.
struct Believed {
    places: Places,
    belief: f64,
    failed: u32,
}

/// All sets that are thought of, with what is believed of each.
struct Weighed(Vec<Believed>);

impl Weighed {
    fn of(odds: &Odds, sights: &[Sight<'_>], named: Option<&Places>) -> Self {
        let mut known = BTreeSet::new();
        let mut all: Vec<(Places, f64, u32)> = Vec::new();
        for sort in PlaceSort::EACH {
            let map = Map::of(sort, sights, &mut known);
            map.weigh(odds, named.filter(|named| named.sort == sort), &mut all);
        }
        let best = all.iter().map(|(_, log, _)| *log).fold(NO_PLACE.ln(), f64::max);
        let sum = (NO_PLACE.ln() - best).exp() + all.iter().map(|(_, log, _)| (log - best).exp()).sum::<f64>();
        let believed =
            |(places, log, failed): (Places, f64, u32)| Believed { places, belief: (log - best).exp() / sum, failed };
        Self(all.into_iter().map(believed).collect())
    }

    fn best(self: &Weighed) -> Option<Believed> {
        let best = self.0.iter().max_by(|one, other| one.belief.total_cmp(&other.belief))?;
        Some(Believed { places: best.places.clone(), belief: best.belief, failed: best.failed })
    }

    fn of_places(&self, places: &Places) -> f64 {
        self.0.iter().filter(|one| one.places == *places).map(|one| one.belief).sum()
    }

    fn of_wider(&self, places: &Places) -> f64 {
        let wider = |one: &&Believed| one.places.sort == places.sort && one.places.names.is_superset(&places.names);
        self.0.iter().filter(wider).map(|one| one.belief).sum()
    }
}

/// The looks of one sort of place. Looks in one pod through one edge can stand for each other.
struct Map {
    sort: PlaceSort,
    /// By pod and edge: looks and failures.
    strata: Vec<(usize, usize)>,
    /// By place: in each stratum looks and failures.
    places: BTreeMap<String, Vec<(usize, usize)>>,
    /// Places that fell together with one of a sort before.
    doubles: BTreeSet<String>,
}

impl Map {
    fn of(sort: PlaceSort, sights: &[Sight<'_>], known: &mut BTreeSet<u64>) -> Self {
        // A text counts once at a place: that it fails again there says more about the text.
        let mut once: BTreeMap<(&PodName, [u64; 4], String, AttemptId), bool> = BTreeMap::new();
        for sight in sights {
            if let Some(name) = sort.of(sight.reached) {
                *once.entry((sight.pod, sight.edges.0, name, sight.token)).or_insert(true) &= sight.failed;
            }
        }
        let mut keys: BTreeMap<(&PodName, [u64; 4]), usize> = BTreeMap::new();
        for (pod, edges, ..) in once.keys() {
            let next = keys.len();
            keys.entry((*pod, *edges)).or_insert(next);
        }
        let mut map =
            Self { sort, strata: vec![(0, 0); keys.len()], places: BTreeMap::new(), doubles: BTreeSet::new() };
        let mut hashes: BTreeMap<String, u64> = BTreeMap::new();
        for ((pod, edges, name, token), failed) in once {
            let stratum = keys[&(pod, edges)];
            let place = map.places.entry(name.clone()).or_insert_with(|| vec![(0, 0); keys.len()]);
            for counts in [&mut place[stratum], &mut map.strata[stratum]] {
                counts.0 += 1;
                counts.1 += usize::from(failed);
            }
            let hash = StableHasher::new("place").number(token.0).number(u64::from(failed)).finish();
            // Whatever the order: the same looks add up to the same.
            let sum = hashes.entry(name).or_default();
            *sum = sum.wrapping_add(hash);
        }
        map.doubles = hashes.into_iter().filter(|(_, hash)| !known.insert(*hash)).map(|(name, _)| name).collect();
        map
    }

    /// Where something failed, most of its looks first.
    fn suspected(&self) -> Vec<&String> {
        let sum =
            |counts: &[(usize, usize)]| counts.iter().fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
        let failing = self
            .places
            .iter()
            .map(|(name, counts)| (name, sum(counts)))
            .filter(|(name, (_, failed))| *failed > 0 && !self.doubles.contains(*name));
        let mut failing: Vec<_> = failing.collect();
        failing.sort_by_key(|(name, (_, failed))| (std::cmp::Reverse(*failed), *name));
        failing.truncate(SUSPECTED_MAX);
        let share = |(looks, failed): (usize, usize)| (failed as f64 + 0.5) / (looks as f64 + 1.0);
        failing.sort_by(|one, other| share(other.1).total_cmp(&share(one.1)).then(one.0.cmp(other.0)));
        failing.into_iter().map(|(name, _)| name).collect()
    }

    fn weigh(&self, odds: &Odds, named: Option<&Places>, all: &mut Vec<(Places, f64, u32)>) {
        let suspected = self.suspected();
        let mut sets: BTreeSet<BTreeSet<String>> = suspected.iter().map(|name| [(*name).clone()].into()).collect();
        for together in 2..=TOGETHER_MAX.min(suspected.len()) {
            // The likeliest of a size, and what differs from it by one.
            let first: BTreeSet<String> = suspected[..together - 1].iter().map(|name| (*name).clone()).collect();
            let further = &suspected[together - 1..];
            sets.extend(further.iter().map(|name| {
                let mut set = first.clone();
                set.insert((*name).clone());
                set
            }));
        }
        sets.extend(named.map(|named| named.names.clone()));
        for names in sets.into_iter().filter(|names| names.len() < self.places.len()) {
            let (gain, failed) = self.gain(odds, &names);
            let belief = self.belief(odds, names.len()) + gain;
            all.push((Places { sort: self.sort, names }, belief, failed));
        }
    }

    /// Belief in one set of this size before anything was seen: its logarithm.
    fn belief(&self, odds: &Odds, size: usize) -> f64 {
        let of_size = if size == 1 { ONE_PLACE } else { SEVERAL * 0.5_f64.powi(i32::try_from(size).unwrap_or(0) - 1) };
        (of_size / PlaceSort::EACH.len() as f64).ln() - odds.ways(self.places.len(), size)
    }

    fn gain(&self, odds: &Odds, names: &BTreeSet<String>) -> (f64, u32) {
        let mut tables: Vec<Table> = self.strata.iter().map(|all| Table { inside: (0, 0), all: *all }).collect();
        for counts in names.iter().filter_map(|name| self.places.get(name)) {
            for (table, (looks, failed)) in tables.iter_mut().zip(counts) {
                table.inside.0 += looks;
                table.inside.1 += failed;
            }
        }
        let failed = tables.iter().map(|table| table.inside.1).sum::<usize>();
        (odds.gain(&tables), u32::try_from(failed).unwrap_or(u32::MAX))
    }
}
