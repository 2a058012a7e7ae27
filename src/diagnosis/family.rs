//! The hypotheses about a pod's tokens, and what is believed of each before anything was seen.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use crate::model::{SignatureCells, StableHasher};
use crate::token::{Feature, FeatureSet, FeatureSpace, Reach};

use super::ground::{Ground, Marks, NATURAL, random_signature};
use super::hypothesis::Hypothesis;
use super::noise::{Steps, steps};

/// Reachable tokens by which predicates are told apart: natural ones, and others whose signatures
/// hold so many more symbols that two given cells meet in dozens of them.
const SAMPLE: usize = 4_096;
/// Seed of the sample: the same for everybody.
const SAMPLE_SEED: u64 = 4;
/// Signature offsets of which one holds a symbol, in the parts of the sample.
const DENSITIES: [u32; 3] = [NATURAL, 8, 3];

/// Signatures from which it is foreseen what a minter will find.
const SIGNATURES: usize = 8_192;

/// Belief that one feature decides, that two together do, and that none does; adds up to 1.
const SINGLE: f64 = 0.68;
const CONJUNCTION: f64 = 0.22;
const NO_TRAIT: f64 = 0.1;

/// Words of the sample's bits.
const WORDS: usize = SAMPLE / 64;
/// Which tokens of the sample a predicate hits.
type Column = [u64; WORDS];

/// All hypotheses about the tokens that a pod can make: no trait at all, each live feature, and
/// each two of them that some token has together. Of those that hit the same tokens only the
/// plainest is kept. Made once a pod; some hundred milliseconds and a few hundred kB.
#[derive(Debug)]
pub struct Family {
    pub(super) space: FeatureSpace,
    pub(super) grounds: Vec<Ground>,
    pub(super) marks: Vec<Marks>,
    /// [`Hypothesis::ANY`] first.
    pub(super) hypotheses: Vec<Hypothesis>,
    /// Logarithms of the beliefs, in their order.
    pub(super) beliefs: Vec<Steps>,
    /// Features that must be seen to pass before a claim is verified: all but single lengths of
    /// names, of which a token shows only one.
    pub(super) tried: FeatureSet,
    /// Features of the way, not of the token: edges.
    pub(super) edges: FeatureSet,
    /// Reachable tokens.
    pub(super) sample: Vec<FeatureSet>,
    /// Signatures as they come by chance.
    pub(super) signatures: Vec<SignatureCells>,
    fingerprint: u64,
}

impl Family {
    /// The family of a reach and its space; none if there is nothing that could be chosen.
    pub fn new(space: FeatureSpace, reach: &Reach) -> Option<Self> {
        let grounds = Ground::all(&space, reach);
        let bare = grounds.first().filter(|_| reach.is_steered())?;
        let marks = Marks::all(&space, bare);
        let sample = sample(&space, &grounds);
        let weighed = weighed(space.features(), &sample);
        let fingerprint = fingerprint(&space);
        let tried = those(&space, |feature| !matches!(feature, Feature::NameLength(_)));
        let edges = those(&space, |feature| matches!(feature, Feature::Edge(_)));
        let (hypotheses, beliefs) = weighed.into_iter().map(|(h, belief)| (h, steps(belief.ln()))).unzip();
        let mut rng = Rng::with_seed(SAMPLE_SEED);
        let signatures = (0..SIGNATURES).map(|_| random_signature(&mut rng, NATURAL)).collect();
        Some(Self { space, grounds, marks, hypotheses, beliefs, tried, edges, sample, signatures, fingerprint })
    }

    /// The features that tokens are described by.
    pub const fn space(&self) -> &FeatureSpace {
        &self.space
    }

    /// Differs where features have other numbers: looks of another family mean nothing here.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// How many hypotheses there are, each with seven fail shares.
    pub fn len(&self) -> usize {
        self.hypotheses.len()
    }

    /// Never true: that no trait matters is always a hypothesis.
    pub fn is_empty(&self) -> bool {
        self.hypotheses.is_empty()
    }

    pub(super) fn features_of(&self, hypothesis: Hypothesis) -> Vec<Feature> {
        hypothesis.features().filter_map(|number| self.space.features().get(number).cloned()).collect()
    }
}

/// The numbers of those features.
fn those(space: &FeatureSpace, wanted: impl Fn(&Feature) -> bool) -> FeatureSet {
    let features = space.features().iter().enumerate().filter(|(_, feature)| wanted(feature));
    features.fold(FeatureSet::NONE, |mut set, (number, _)| {
        set.insert(number);
        set
    })
}

fn fingerprint(space: &FeatureSpace) -> u64 {
    let features = space.features().iter();
    features.fold(StableHasher::new("feature space"), |hash, feature| hash.text(&feature.to_string())).finish()
}

fn sample(space: &FeatureSpace, grounds: &[Ground]) -> Vec<FeatureSet> {
    let mut rng = Rng::with_seed(SAMPLE_SEED);
    let tokens = (0..SAMPLE).map(|number| {
        let ground = &grounds[number / DENSITIES.len() % grounds.len()];
        let cells: SignatureCells = random_signature(&mut rng, DENSITIES[number % DENSITIES.len()]);
        ground.signed(space, cells)
    });
    tokens.collect()
}

/// Hypotheses with their beliefs: the shorter the description, the larger. A kind of feature is
/// chosen first, then one of the kind, so that 84 cells do not outweigh two kinds of tokens.
fn weighed(features: &[Feature], sample: &[FeatureSet]) -> Vec<(Hypothesis, f64)> {
    let mut sizes: BTreeMap<u8, f64> = BTreeMap::new();
    for feature in features {
        *sizes.entry(sort_of(feature)).or_default() += 1.0;
    }
    let belief = |feature: &Feature| 1.0 / (sizes.len() as f64 * sizes[&sort_of(feature)]);
    let beliefs: Vec<f64> = features.iter().map(belief).collect();
    let columns: Vec<Column> = (0..features.len()).map(|feature| column(sample, feature)).collect();
    let mut known: BTreeSet<u128> = columns.iter().map(digest).collect();
    known.extend([digest(&[0; WORDS]), digest(&[u64::MAX; WORDS])]);

    let mut pairs: Vec<(f64, usize, usize)> = (0..features.len())
        .flat_map(|first| (first + 1..features.len()).map(move |second| (first, second)))
        .map(|(first, second)| (beliefs[first] * beliefs[second], first, second))
        .collect();
    // The plainest of equals is the first.
    pairs.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)).then(one.2.cmp(&other.2)));
    pairs.retain(|(_, first, second)| {
        let both: Column = std::array::from_fn(|word| columns[*first][word] & columns[*second][word]);
        known.insert(digest(&both))
    });
    let sum: f64 = pairs.iter().map(|(belief, ..)| belief).sum();
    let any = std::iter::once((Hypothesis::ANY, NO_TRAIT));
    let singles = beliefs.iter().enumerate().map(|(feature, belief)| (Hypothesis::single(feature), SINGLE * belief));
    let pairs =
        pairs.iter().map(|(belief, first, second)| (Hypothesis::both(*first, *second), CONJUNCTION * belief / sum));
    any.chain(singles).chain(pairs).collect()
}

/// Features of one sort share its belief.
fn sort_of(feature: &Feature) -> u8 {
    use crate::model::Segment;
    let payload = |segment: &Segment| u8::from(matches!(segment, Segment::Payload));
    match feature {
        Feature::Kind(_) => 0,
        Feature::Key(..) => 1,
        Feature::NameLength(_) => 2,
        Feature::NameResidue(_) => 3,
        Feature::LengthResidue(..) => 4,
        Feature::TotalLength(_) => 5,
        Feature::Edge(_) => 6,
        Feature::Symbol(segment, _) | Feature::AnySymbol(segment) => 8 + payload(segment),
        Feature::AtResidue(segment, ..) | Feature::AnyAtResidue(segment, _) => 10 + payload(segment),
        Feature::Cell(cell) => 12 + payload(&cell.segment),
        Feature::First(segment, _) | Feature::Last(segment, _) => 14 + payload(segment),
        Feature::Pair(segment, ..) => 16 + payload(segment),
    }
}

fn column(sample: &[FeatureSet], feature: usize) -> Column {
    let mut column = [0; WORDS];
    for (token, set) in sample.iter().enumerate() {
        column[token / 64] |= u64::from(set.contains(feature)) << (token % 64);
    }
    column
}

/// 128 bits that tell columns apart.
fn digest(column: &Column) -> u128 {
    let half = |purpose| column.iter().fold(StableHasher::new(purpose), |hash, word| hash.number(*word)).finish();
    u128::from(half("column, one")) << 64 | u128::from(half("column, other"))
}
