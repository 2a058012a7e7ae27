//! The diagnosis against faults of known classes: it names the right predicate soon enough and
//! often enough, and never what it cannot know. `benches/diagnosis.rs` runs the same trials in
//! numbers that prove the shares.

#[path = "diagnosis/places.rs"]
mod places;
#[path = "../benches/trials/mod.rs"]
mod trials;

use std::sync::{Arc, LazyLock};

use ringcheck::diagnosis::{
    Affected, Conjunction, Diagnosis, Evidence, FindingState, HowFailed, LOOKS_MAX, Look, Predicate, Remedy,
};
use ringcheck::model::{
    AttemptId, Cell, FailureReason, KeySlot, PodName, Reached, Segment, Share, Step, Symbol, TokenKind, TokenWish,
};
use ringcheck::token::{Feature, FeatureSet, Reach};

use trials::{Class, DETERMINISTIC, ON_NODES, Place, run};

static PLACE: LazyLock<Place> = LazyLock::new(Place::new);

/// Trials of each class: without optimisation they take twenty times as long, and a few must do.
const fn trials_of(optimised: u64) -> u64 {
    if cfg!(debug_assertions) { optimised.div_ceil(24) } else { optimised }
}

/// Runs so many trials of each class, of which `bar` shall end right within so many looks: fails
/// if they are three standard errors below it.
fn expect_right(classes: &[Class], most: usize, trials: u64, bar: f64) {
    let mut wrong = Vec::new();
    for (class, trial) in classes.iter().flat_map(|class| (0..trials).map(move |trial| (*class, trial))) {
        let ran = run(&PLACE, class, 0.01, most, 7_000 + trial);
        if !ran.ended.is_some_and(|(_, right)| right) {
            wrong.push(format!(
                "{}, trial {trial}: first claim {:?}, end {:?}",
                class.in_words(),
                ran.first,
                ran.ended
            ));
        }
    }
    let all = classes.len() as f64 * trials as f64;
    let most_wrong = all * (1.0 - bar) + 3.0 * (all * bar * (1.0 - bar)).sqrt();
    assert!(wrong.len() as f64 <= most_wrong, "more than {most_wrong:.1} of {all}: {wrong:#?}");
}

#[test]
fn deterministic_faults_are_verified_and_right_within_45_looks() {
    expect_right(&DETERMINISTIC, 45, trials_of(24), 0.97);
}

#[test]
fn faults_on_a_tenth_of_the_nodes_are_right_within_800_looks() {
    let classes = if cfg!(debug_assertions) { &ON_NODES[1..2] } else { &ON_NODES };
    expect_right(classes, 800, trials_of(4), 0.85);
}

#[test]
fn random_failures_have_no_token_trait() {
    expect_right(&[Class::Random], 400, trials_of(40), 0.95);
}

#[test]
fn three_faults_at_once_are_mostly_told_apart() {
    expect_right(&[Class::ThreeOffsets], 120, trials_of(16), 0.7);
}

fn diagnosis() -> Diagnosis {
    Diagnosis::of(Arc::clone(&PLACE.family), Share::new(0.01).expect("a share"), 1)
}

fn look(token: u64, features: FeatureSet, fails: bool) -> Look {
    let failed = HowFailed { step: Step::Connected, reason: FailureReason::NoAnswer, wire_code: Some(31204) };
    let pod = PodName::parse("pod-18").expect("a name");
    Look { pod, token: AttemptId(token), features, reached: Reached::default(), failed: fails.then_some(failed) }
}

/// Follows the wishes for so many looks; what fails is what `fails` says of look and features.
fn followed(diagnosis: &mut Diagnosis, looks: u64, mut fails: impl FnMut(u64, FeatureSet) -> bool) {
    let mut rng = fastrand::Rng::with_seed(5);
    let mut minted = Vec::new();
    for number in 0..looks {
        let wish = diagnosis.next();
        let (token, features) = match wish.as_ref().map(|wish| wish.token) {
            Some(TokenWish::Same { of }) => (of.0, minted[usize::try_from(of.0).expect("a number")]),
            Some(TokenWish::Fresh { .. }) => (minted.len() as u64, PLACE.mint(&wish.expect("just seen"), &mut rng)),
            None => (minted.len() as u64, any(&mut rng)),
        };
        if token == minted.len() as u64 {
            minted.push(features);
        }
        diagnosis.observe(look(token, features, fails(number, features)));
    }
}

/// A token as a cover might bring it.
fn any(rng: &mut fastrand::Rng) -> FeatureSet {
    PLACE.sample[rng.usize(0..PLACE.sample.len())]
}

fn number_of(feature: &Feature) -> usize {
    PLACE.family.space().number(feature).expect("a live feature")
}

#[test]
fn nothing_is_claimed_or_asked_for_while_nothing_fails() {
    let mut diagnosis = diagnosis();
    assert!(diagnosis.next().is_none());
    followed(&mut diagnosis, 60, |_, _| false);
    let finding = diagnosis.finding();
    assert_eq!((finding.state, finding.predicate), (FindingState::Open, Predicate(Vec::new())));
    assert_eq!((finding.inside.of, finding.outside.of, finding.outside.failed), (0, 60, 0));
    assert!(diagnosis.next().is_none());
}

#[test]
fn the_same_evidence_gives_the_same_diagnosis() {
    let capability = number_of(&Feature::Kind(TokenKind::Capability));
    let mut live = diagnosis();
    for looks in [3, 9, 14, 20] {
        followed(&mut live, looks, |number, features| features.contains(capability) || number == 5);
        let kept = serde_json::to_string(live.evidence()).expect("plain data");
        let kept: Evidence = serde_json::from_str(&kept).expect("what was written");
        let background = Share::new(0.01).expect("a share");
        let resumed = Diagnosis::resumed(Arc::clone(&PLACE.family), background, 1, &kept);
        assert_eq!(resumed.finding(), live.finding());
        assert_eq!(resumed.next(), live.next());
    }
}

#[test]
fn a_verified_predicate_says_whom_it_hits_and_what_helps() {
    let capability = number_of(&Feature::Kind(TokenKind::Capability));
    let mut diagnosis = diagnosis();
    followed(&mut diagnosis, 60, |_, features| features.contains(capability));
    let finding = diagnosis.finding();
    assert_eq!((finding.state, finding.predicate.to_string().as_str()), (FindingState::Verified, "capability tokens"));
    assert_eq!(finding.inside.failed, finding.inside.of);
    assert_eq!(finding.outside.failed, 0);
    assert_eq!(finding.again.failed, finding.again.of, "it sticks to the token");
    assert!(finding.ruled_out.iter().any(|ruled| ruled.feature == Feature::Key(TokenKind::Access, KeySlot(1))));
    assert_eq!(finding.symptoms.len(), 1);
    assert_eq!(PLACE.family.remedies(&finding.predicate), [Remedy::OtherKind(TokenKind::Access)]);
    let affected = Affected::of(&PLACE.reach, &finding.predicate).expect("somebody");
    assert!((affected.share.get() - 0.5).abs() < 1e-9 && affected.same_agents, "{affected:?}");
}

#[test]
fn whom_it_hits_follows_from_the_population() {
    let lengths = |weights: &[u32]| {
        let frequencies: Vec<u32> =
            PLACE.reach.forms().iter().map(|form| weights[usize::from(form.name_length % 3)]).collect();
        PLACE.reach.clone().with_frequencies(&frequencies)
    };
    let hit = |reach: &Reach, conjunctions: &[&[Feature]]| {
        let predicate = Predicate(conjunctions.iter().map(|features| Conjunction(features.to_vec())).collect());
        Affected::of(reach, &predicate).map(|affected| ((affected.share.get() * 1_000.0).round(), affected.same_agents))
    };
    let reach = lengths(&[6, 3, 1]);
    let cell = Feature::Cell(Cell { segment: Segment::Signature, symbol: Symbol::Dash, offset: 11 });
    assert_eq!(hit(&reach, &[&[Feature::NameResidue(0)]]), Some((600.0, true)), "always the same agents");
    let (share, same) = hit(&reach, &[std::slice::from_ref(&cell)]).expect("somebody");
    assert!((14.0..=17.0).contains(&share) && !same, "one in 64, whoever it is: {share}");
    let (share, same) = hit(&reach, &[&[cell, Feature::NameResidue(1)], &[Feature::NameResidue(2)]]).expect("somebody");
    assert!((104.0..=106.0).contains(&share) && !same, "3 of 640 and 1 of 10: {share}");
    let dublin = Feature::Edge(PLACE.reach.edges()[1].clone());
    assert_eq!(hit(&reach, &[&[dublin]]), Some((0.0, true)), "agents use the first edge");
    assert_eq!(hit(&lengths(&[0, 0, 0]), &[&[Feature::NameResidue(0)]]), None, "nothing is known of the agents");
}

#[test]
fn what_helps_follows_from_the_predicate() {
    let cell = |segment, offset| Feature::Cell(Cell { segment, symbol: Symbol::Underscore, offset });
    let remedies = |features: &[Feature]| {
        let remedies = PLACE.family.remedies(&Predicate(vec![Conjunction(features.to_vec())]));
        remedies.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(remedies(&[cell(Segment::Signature, 7)]), "fetch a new token and try again");
    assert_eq!(
        remedies(&[Feature::Symbol(Segment::Payload, Symbol::Underscore)]),
        "use access tokens; make names 1 character shorter; make names 1 character longer"
    );
    assert_eq!(
        remedies(&[Feature::Key(TokenKind::Access, KeySlot(1))]),
        "sign with API key 1; sign with API key 3; use capability tokens"
    );
    let edge = PLACE.reach.edges()[0].clone();
    assert_eq!(remedies(&[Feature::Edge(edge)]), "connect through edge dublin");
}

#[test]
fn a_claim_is_withdrawn_when_what_it_names_passes() {
    let capability = number_of(&Feature::Kind(TokenKind::Capability));
    let mut diagnosis = diagnosis();
    followed(&mut diagnosis, 12, |_, features| features.contains(capability));
    assert_eq!(diagnosis.finding().state, FindingState::AtLeast);
    let mut rng = fastrand::Rng::with_seed(9);
    let inside = std::iter::repeat_with(|| any(&mut rng)).filter(|set| set.contains(capability));
    for (token, features) in (1_000..).zip(inside.take(12)) {
        diagnosis.observe(look(token, features, false));
    }
    let finding = diagnosis.finding();
    let capability_tokens = "capability tokens";
    assert!(
        finding.predicate.to_string() != capability_tokens || finding.state == FindingState::Contradicted,
        "{finding:?}"
    );
}

#[test]
fn memory_is_bounded() {
    let mut diagnosis = diagnosis();
    for number in 0..LOOKS_MAX as u64 + 1 {
        diagnosis.observe(look(number, FeatureSet::NONE, number % 4 == 0));
    }
    assert!(diagnosis.evidence().looks().len() <= LOOKS_MAX);
    assert_eq!(diagnosis.finding().state, FindingState::NoTokenTrait);
}
