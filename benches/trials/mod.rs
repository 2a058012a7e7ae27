//! Trials of the diagnosis: a pod, a fault drawn from a class, a minter that finds what the real
//! one would find, and background noise.

use std::sync::Arc;

use fastrand::Rng;

use ringcheck::diagnosis::{Diagnosis, Family, FindingState, HowFailed, Look, Predicate, Wish};
use ringcheck::model::{
    AttemptId, CellWeights, EdgeName, FailureReason, Fit, KeySlot, PodName, Reached, Segment, Share, SignatureCells,
    Step, Symbol, TokenKind, TokenShape, TokenWish, Traits,
};
use ringcheck::token::{Feature, FeatureSet, FeatureSpace, Form, Reach};

/// Signatures that a minter tries for one token.
const CANDIDATES: usize = 10_000;
/// Random signatures that are made once; a token's candidates are a stretch of them.
const SIGNATURES: usize = 1 << 19;
/// Reachable tokens on which a named predicate must agree with the true one.
pub const SAMPLE: usize = 120_000;
/// Seed of the published sample.
const SAMPLE_SEED: u64 = 20_240_910;

/// The pod of all trials: three API keys and the auth token, 24 name lengths, two edges.
pub struct Place {
    pub family: Arc<Family>,
    pub reach: Reach,
    signatures: Vec<SignatureCells>,
    /// The published sample: a third as agents have them, a third and a third with more and many
    /// more symbols in the signature, so that rare coincidences are in it.
    pub sample: Vec<FeatureSet>,
}

impl Place {
    pub fn new() -> Self {
        let reach = reach();
        let family = Family::new(FeatureSpace::new(&reach), &reach).expect("tokens can be steered");
        let mut rng = Rng::with_seed(SAMPLE_SEED);
        let signatures = (0..SIGNATURES).map(|_| signature(&mut rng, 32)).collect();
        let sample = (0..SAMPLE).map(|number| {
            let form = &reach.forms()[rng.usize(0..reach.forms().len())];
            let edge = &reach.edges()[rng.usize(0..reach.edges().len())];
            family.space().set_of(&traits(form, edge, signature(&mut rng, [32, 8, 3][number % 3])))
        });
        let sample = sample.collect();
        Self { family: Arc::new(family), reach, signatures, sample }
    }

    /// True if both mean the same tokens of the sample.
    pub fn agree(&self, named: &Predicate, truth: &Truth) -> bool {
        let Some(named) = named.numbered(self.family.space()) else { return false };
        let means = |sets: &[FeatureSet], token: &FeatureSet| sets.iter().any(|set| set.is_within(*token));
        self.sample.iter().all(|token| means(&named, token) == means(&truth.sets, token))
    }

    /// True if some token of the sample has all these features.
    fn is_had(&self, set: FeatureSet) -> bool {
        self.sample.iter().any(|token| set.is_within(*token))
    }

    /// What a minter makes of a wish.
    pub fn mint(&self, wish: &Wish, rng: &mut Rng) -> FeatureSet {
        let TokenWish::Fresh { kind, key, name_length, unlike, wanted } = wish.token else {
            unreachable!("asked for fresh ones only")
        };
        let form = self.reach.form(kind, key, name_length).expect("a wish for what there is");
        let fit = Fit::new(unlike, wanted);
        let first = rng.usize(0..SIGNATURES - CANDIDATES);
        let candidates = &self.signatures[first..first + CANDIDATES];
        let best =
            if fit.tells() { candidates.iter().rev().max_by_key(|cells| fit.sum(**cells)) } else { candidates.first() };
        let edge = wish.edge.as_ref().unwrap_or(&self.reach.edges()[0]);
        self.family.space().set_of(&traits(form, edge, *best.expect("ten thousand")))
    }
}

fn signature(rng: &mut Rng, one_of: u32) -> SignatureCells {
    let mut cells = SignatureCells::NONE;
    for offset in 0..SignatureCells::OFFSETS {
        if rng.u32(0..one_of) == 0 {
            cells.insert(offset, if rng.bool() { Symbol::Dash } else { Symbol::Underscore });
        }
    }
    cells
}

fn traits(form: &Form, edge: &EdgeName, signature: SignatureCells) -> Traits {
    let shape = TokenShape { signature, ..form.shape.clone() };
    let (kind, key, name_length) = (form.kind, form.key, form.name_length);
    Traits { kind, key, name_length, edge: edge.clone(), family: None, shape }
}

/// Both kinds; with the official helper `_` stands in capability payloads whose name's length is
/// divisible by three.
fn reach() -> Reach {
    let edges = ["ashburn", "dublin"].map(|edge| EdgeName::parse(edge).expect("a name")).to_vec();
    let classes = (0..3).map(|key| (TokenKind::Access, KeySlot(key))).chain([(TokenKind::Capability, KeySlot(0))]);
    let forms = classes.flat_map(|(kind, key)| {
        (20..44_u8).map(move |name_length| {
            let (characters, steps) = (u16::from(name_length), u16::from(name_length) / 3);
            let hit = kind == TokenKind::Capability && name_length % 3 == 0;
            let payload = if hit { vec![(4 * (36 + steps) + 3, Symbol::Underscore)] } else { Vec::new() };
            let (header, before) =
                if kind == TokenKind::Capability { (36, 230 + 2 * characters) } else { (72, 250 + characters) };
            let lengths = [header, (before * 4).div_ceil(3), 43];
            Form {
                kind,
                key,
                name_length,
                natural: if kind == TokenKind::Access { 1 } else { 3 },
                shape: TokenShape { payload, lengths, ..TokenShape::default() },
            }
        })
    });
    Reach::minted(forms.collect(), edges)
}

/// What really fails.
#[derive(Clone)]
pub struct Truth {
    pub sets: Vec<FeatureSet>,
    pub share: f64,
}

/// A class of faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    SignatureCell,
    PayloadOffset,
    PayloadResidue,
    SignatureClass,
    KindOrKey,
    ClassAndOther,
    TwoCells,
    CellOrKey,
    Pair,
    ThreeOffsets,
    Random,
    NodesAndResidue,
    NodesAndSymbol,
    NodesAndCell,
    NodesAndConjunction,
}

/// The nine deterministic classes.
pub const DETERMINISTIC: [Class; 9] = [
    Class::SignatureCell,
    Class::PayloadOffset,
    Class::PayloadResidue,
    Class::SignatureClass,
    Class::KindOrKey,
    Class::ClassAndOther,
    Class::TwoCells,
    Class::CellOrKey,
    Class::Pair,
];

/// Those on a tenth of the nodes.
pub const ON_NODES: [Class; 4] =
    [Class::NodesAndResidue, Class::NodesAndSymbol, Class::NodesAndCell, Class::NodesAndConjunction];

impl Class {
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::SignatureCell => "one signature cell",
            Self::PayloadOffset => "one payload offset",
            Self::PayloadResidue => "payload residue class",
            Self::SignatureClass => "signature symbol / residue class",
            Self::KindOrKey => "kind or key",
            Self::ClassAndOther => "class AND kind/key/identity",
            Self::TwoCells => "two cells OR",
            Self::CellOrKey => "cell OR key",
            Self::Pair => "adjacent pair class",
            Self::ThreeOffsets => "outside family: OR of 3 offsets",
            Self::Random => "no token trait: random 25 %",
            Self::NodesAndResidue => "10 % x residue class",
            Self::NodesAndSymbol => "10 % x '_' in signature",
            Self::NodesAndCell => "10 % x one cell",
            Self::NodesAndConjunction => "10 % x (residue AND key)",
        }
    }

    /// A fault of the class.
    pub fn draw(self, place: &Place, rng: &mut Rng) -> Truth {
        let one = |wanted: &dyn Fn(&Feature) -> bool, rng: &mut Rng| {
            let features = place.family.space().features().iter().enumerate();
            let fitting: Vec<usize> =
                features.filter(|(_, feature)| wanted(feature)).map(|(number, _)| number).collect();
            let mut set = FeatureSet::NONE;
            set.insert(fitting[rng.usize(0..fitting.len())]);
            set
        };
        let set = match self {
            Self::SignatureCell | Self::NodesAndCell => one(&is_signature_cell, rng),
            Self::PayloadOffset => one(&is_payload_cell, rng),
            Self::PayloadResidue => one(&is_payload_class, rng),
            Self::SignatureClass => one(&is_signature_class, rng),
            Self::KindOrKey => one(&|feature| matches!(feature, Feature::Kind(_) | Feature::Key(..)), rng),
            Self::Pair => one(&|feature| matches!(feature, Feature::Pair(Segment::Signature, ..)), rng),
            Self::NodesAndResidue => one(&is_signature_residue, rng),
            Self::NodesAndSymbol => {
                one(&|feature| *feature == Feature::Symbol(Segment::Signature, Symbol::Underscore), rng)
            }
            Self::ClassAndOther => one(&is_signature_class, rng).union(one(&is_other, rng)),
            Self::NodesAndConjunction => {
                one(&is_signature_residue, rng).union(one(&|feature| matches!(feature, Feature::Key(..)), rng))
            }
            Self::Random => FeatureSet::NONE,
            Self::TwoCells => return Self::any_of(vec![one(&is_signature_cell, rng), one(&is_signature_cell, rng)]),
            Self::CellOrKey => {
                return Self::any_of(vec![
                    one(&is_signature_cell, rng),
                    one(&|feature| matches!(feature, Feature::Key(..)), rng),
                ]);
            }
            Self::ThreeOffsets => return Self::any_of((0..3).map(|_| one(&is_signature_cell, rng)).collect()),
        };
        assert!(place.is_had(set), "no token has it");
        let share = match self {
            Self::Random => 0.25,
            _ if ON_NODES.contains(&self) => 0.1,
            _ => 1.0,
        };
        Truth { sets: vec![set], share }
    }

    fn any_of(sets: Vec<FeatureSet>) -> Truth {
        Truth { sets, share: 1.0 }
    }
}

fn is_signature_cell(feature: &Feature) -> bool {
    matches!(feature, Feature::Cell(cell) if cell.segment == Segment::Signature)
}

fn is_payload_cell(feature: &Feature) -> bool {
    matches!(feature, Feature::Cell(cell) if cell.segment == Segment::Payload)
}

fn is_payload_class(feature: &Feature) -> bool {
    matches!(
        feature,
        Feature::Symbol(Segment::Payload, _)
            | Feature::AnySymbol(Segment::Payload)
            | Feature::AtResidue(Segment::Payload, ..)
    )
}

fn is_signature_residue(feature: &Feature) -> bool {
    matches!(feature, Feature::AtResidue(Segment::Signature, ..))
}

fn is_signature_class(feature: &Feature) -> bool {
    is_signature_residue(feature) || matches!(feature, Feature::Symbol(Segment::Signature, _))
}

fn is_other(feature: &Feature) -> bool {
    matches!(feature, Feature::Kind(_) | Feature::Key(..) | Feature::NameResidue(_))
}

/// How a trial went; counted in looks from the first failing one on.
#[derive(Clone, Copy, Default, Debug)]
pub struct Ran {
    /// Looks to the first claim, and whether it was right.
    pub first: Option<(usize, bool)>,
    /// Looks to the end: verified, or no token trait; and whether it was right.
    pub ended: Option<(usize, bool)>,
}

/// Runs one trial to at most so many looks.
pub fn run(place: &Place, class: Class, background: f64, most: usize, seed: u64) -> Ran {
    let mut rng = Rng::with_seed(seed);
    let truth = class.draw(place, &mut rng);
    let truth_share = truth.share;
    let mut bench =
        Bench { place, truth, background, rng, tokens: Vec::new(), pod: PodName::parse("pod-1").expect("a name") };
    let share = Share::new(background).expect("a share");
    let mut diagnosis = Diagnosis::of(Arc::clone(&place.family), share, seed);
    let mut ran = Ran::default();
    // A fault that always fails is noticed by a token that fails three times of three; whatever
    // is not confirmed was background.
    let begin = loop {
        let first = bench.first_failure();
        let again = Wish { token: TokenWish::Same { of: first.token }, edge: None };
        let mut seen = vec![first];
        if truth_share < 1.0 {
            break seen;
        }
        while seen.len() < 3 && seen.iter().all(|look| look.failed.is_some()) {
            seen.push(bench.look(&again));
        }
        if seen.iter().all(|look| look.failed.is_some()) {
            break seen;
        }
    };
    let begun = begin.len();
    begin.into_iter().for_each(|look| diagnosis.observe(look));
    for looks in begun..=most {
        let finding = diagnosis.finding();
        let right = || match finding.state {
            FindingState::NoTokenTrait => class == Class::Random,
            _ => class != Class::Random && place.agree(&finding.predicate, &bench.truth),
        };
        let claimed = !matches!(finding.state, FindingState::Open | FindingState::Contradicted);
        if claimed && ran.first.is_none() {
            ran.first = Some((looks, right()));
        }
        if matches!(finding.state, FindingState::Verified | FindingState::NoTokenTrait) {
            ran.ended = Some((looks, right()));
            break;
        }
        let Some(wish) = diagnosis.next() else { break };
        diagnosis.observe(bench.look(&wish));
    }
    ran
}

/// The partner and the minter of one trial.
struct Bench<'a> {
    place: &'a Place,
    truth: Truth,
    background: f64,
    rng: Rng,
    tokens: Vec<FeatureSet>,
    pod: PodName,
}

impl Bench<'_> {
    /// Goes on as the cover would until a token fails.
    fn first_failure(&mut self) -> Look {
        loop {
            let forms = self.place.reach.forms();
            let form = &forms[self.rng.usize(0..forms.len())];
            let mut wanted = CellWeights::NONE;
            for (offset, symbol) in SignatureCells(u128::MAX).iter() {
                wanted.set(offset, symbol, self.rng.u8(0..16));
            }
            let (kind, key, name_length) = (form.kind, form.key, form.name_length);
            let token = TokenWish::Fresh { kind, key, name_length, unlike: SignatureCells::NONE, wanted };
            let edges = self.place.reach.edges();
            let edge = edges[self.rng.usize(0..edges.len())].clone();
            let look = self.look(&Wish { token, edge: Some(edge) });
            if look.failed.is_some() {
                return look;
            }
        }
    }

    fn look(&mut self, wish: &Wish) -> Look {
        let number = match wish.token {
            TokenWish::Same { of } => usize::try_from(of.0).expect("a number"),
            TokenWish::Fresh { .. } => {
                let minted = self.place.mint(wish, &mut self.rng);
                self.tokens.push(minted);
                self.tokens.len() - 1
            }
        };
        let features = self.tokens[number];
        let hit = self.truth.sets.iter().any(|set| set.is_within(features)) && self.rng.f64() < self.truth.share;
        let failed = (hit || self.rng.f64() < self.background).then_some(HowFailed {
            step: Step::Connected,
            reason: FailureReason::NoAnswer,
            wire_code: None,
        });
        Look { pod: self.pod.clone(), token: AttemptId(number as u64), features, reached: Reached::default(), failed }
    }
}
