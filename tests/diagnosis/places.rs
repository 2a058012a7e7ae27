//! Where at the partner it fails: the right gateways are named soon, and wrong ones never, with seeds
//! drawn at run time.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use fastrand::Rng;
use ringcheck::diagnosis::{Diagnosis, HowFailed, Look, PlaceFinding, PlaceState};
use ringcheck::model::{AttemptId, FailureReason, PlaceName, PodName, Reached, Share, Step, TokenKind};
use ringcheck::token::{Feature, FeatureSet};

use super::PLACE;

const BACKGROUND: f64 = 0.01;
/// Runs of each kind.
const RUNS: u64 = if cfg!(debug_assertions) { 2 } else { 12 };

/// The partner: so many gateways behind two addresses.
struct Partner {
    gateways: u64,
    /// Whether failing attempts tell their gateway.
    tells: bool,
}

const TEN: Partner = Partner { gateways: 10, tells: true };

impl Partner {
    fn reached(&self, gateway: u64, failed: bool) -> Reached {
        let name = format!("gw-{gateway}");
        let told = self.tells || !failed;
        Reached {
            gateway: PlaceName::parse(&name).filter(|_| told),
            region: PlaceName::parse("EU_IRELAND").filter(|_| told),
            address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, (gateway % 2) as u8))),
        }
    }

    /// A diagnosis after so many looks at tokens that come by chance, of which fail those that
    /// `fails` says, and some by chance; with the first look after which a place was named.
    fn looked_at(
        &self,
        seed: u64,
        looks: u64,
        fails: impl Fn(u64, u64, FeatureSet) -> bool,
    ) -> (Diagnosis, Option<u64>) {
        let background = Share::new(BACKGROUND).expect("a share");
        let mut diagnosis = Diagnosis::of(Arc::clone(&PLACE.family), background, 1);
        let (mut rng, mut first) = (Rng::with_seed(seed), None);
        for number in 0..looks {
            let (features, gateway) = (PLACE.sample[rng.usize(..PLACE.sample.len())], rng.u64(..self.gateways));
            let failed = fails(number, gateway, features) || rng.f64() < BACKGROUND;
            diagnosis.observe(look(number, features, self.reached(gateway, failed), failed));
            if first.is_none() && diagnosis.is_located() {
                first = Some(number);
            }
        }
        (diagnosis, first)
    }
}

fn look(token: u64, features: FeatureSet, reached: Reached, failed: bool) -> Look {
    let how = HowFailed { step: Step::Connected, reason: FailureReason::Rejected, wire_code: Some(31204) };
    let pod = PodName::parse("pod-18").expect("a name");
    Look { pod, token: AttemptId(token), features, reached, failed: failed.then_some(how) }
}

fn place(diagnosis: &Diagnosis) -> Option<PlaceFinding> {
    diagnosis.finding().place
}

/// The words, if exactly these are named.
fn named(diagnosis: &Diagnosis) -> Option<String> {
    place(diagnosis).filter(|place| place.state == PlaceState::Named)?.places.map(|places| places.to_string())
}

fn capability() -> usize {
    PLACE.family.space().number(&Feature::Kind(TokenKind::Capability)).expect("a live feature")
}

fn seeds() -> impl Iterator<Item = u64> {
    let first = fastrand::u64(..);
    println!("first seed {first}");
    (0..RUNS).map(move |number| first.wrapping_add(number))
}

#[test]
fn one_gateway_of_ten_is_named_soon() {
    let mut delays: Vec<u64> = Vec::new();
    for seed in seeds() {
        let (diagnosis, first) = TEN.looked_at(seed, 200, |_, gateway, _| gateway == 3);
        assert_eq!(named(&diagnosis).as_deref(), Some("gateway gw-3"), "seed {seed}");
        delays.push(first.expect("it is named"));
        let place = place(&diagnosis).expect("it is named");
        assert_eq!((place.inside.failed, place.others), (place.inside.of, 9), "seed {seed}");
        assert!(place.outside.failed * 20 < place.outside.of, "seed {seed}: {place:?}");
    }
    delays.sort_unstable();
    println!("first named after {delays:?} looks");
    assert!(delays[delays.len() / 2] < 120, "{delays:?}");
}

#[test]
fn several_gateways_are_named_together() {
    for seed in seeds() {
        let (diagnosis, _) = TEN.looked_at(seed, 400, |_, gateway, _| gateway < 3);
        assert_eq!(named(&diagnosis).as_deref(), Some("gateways gw-0, gw-1 and gw-2"), "seed {seed}");
    }
}

#[test]
fn a_trait_of_the_token_is_named_at_its_gateway() {
    let capability = capability();
    for seed in seeds() {
        let (diagnosis, _) = TEN.looked_at(seed, 1_200, |_, gateway, set| gateway == 3 && set.contains(capability));
        let finding = diagnosis.finding();
        assert_eq!(named(&diagnosis).as_deref(), Some("gateway gw-3"), "seed {seed}");
        assert_eq!(finding.predicate.to_string(), "capability tokens", "seed {seed}: {finding:?}");
        assert!(finding.inside.failed == finding.inside.of && finding.inside.of > 5, "seed {seed}");
    }
}

/// Neither noise, nor what all gateways do alike, nor a trait of tokens or edges is a gateway's.
#[test]
fn no_gateway_is_named_for_what_is_not_its_doing() {
    let capability = capability();
    let edge = PLACE.family.space().number(&Feature::Edge(PLACE.reach.edges()[0].clone())).expect("a live feature");
    let kinds: [(&str, &dyn Fn(u64, u64, FeatureSet) -> bool); 4] = [
        ("noise", &|number, _, _| number == 0),
        ("a quarter of all", &|number, _, _| number % 4 == 0),
        ("a kind", &|_, _, set| set.contains(capability)),
        ("all", &|_, _, _| true),
    ];
    for seed in seeds().take(4) {
        for (what, fails) in kinds {
            let (diagnosis, first) = TEN.looked_at(seed, 300, fails);
            assert_eq!((first, place(&diagnosis)), (None, None), "{what}, seed {seed}");
        }
    }
    // Each edge has gateways of its own.
    for seed in seeds().take(4) {
        let background = Share::new(BACKGROUND).expect("a share");
        let mut diagnosis = Diagnosis::of(Arc::clone(&PLACE.family), background, 1);
        let mut rng = Rng::with_seed(seed);
        for number in 0..300 {
            let features = PLACE.sample[rng.usize(..PLACE.sample.len())];
            let failed = features.contains(edge) || rng.f64() < BACKGROUND;
            let gateway = rng.u64(..5) + if features.contains(edge) { 0 } else { 5 };
            diagnosis.observe(look(number, features, TEN.reached(gateway, failed), failed));
        }
        assert_eq!(place(&diagnosis), None, "seed {seed}");
        assert!(diagnosis.predicate().to_string().contains("edge"), "seed {seed}: {}", diagnosis.predicate());
    }
}

#[test]
fn without_being_told_the_gateway_its_address_is_all_that_is_named() {
    let silent = Partner { gateways: 10, tells: false };
    for seed in seeds() {
        // Half of the gateways, its own among them, are behind one address.
        let (diagnosis, _) = silent.looked_at(seed, 300, |_, gateway, _| gateway == 3);
        let places = place(&diagnosis).and_then(|place| place.places).map(|places| places.to_string());
        assert!(places.is_none_or(|places| places == "address 192.0.2.1"), "seed {seed}");
    }
}

#[test]
fn so_many_gateways_that_none_is_seen_twice_are_none() {
    let many = Partner { gateways: 1 << 40, tells: true };
    for seed in seeds() {
        let (diagnosis, first) = many.looked_at(seed, 200, |number, _, _| number % 3 == 0);
        assert!(first.is_none() && place(&diagnosis).is_none(), "seed {seed}");
    }
}

#[test]
fn what_was_named_is_withdrawn_or_widened_when_it_is_wrong() {
    for seed in seeds().take(4) {
        let (diagnosis, first) = TEN.looked_at(seed, 700, |number, gateway, _| {
            gateway == 3 && number < 120 || number >= 120 && number % 3 == 0
        });
        let place = place(&diagnosis);
        let still = named(&diagnosis).as_deref() == Some("gateway gw-3");
        assert!(!still || first.is_none(), "seed {seed}: {place:?}");
    }
    for seed in seeds().take(4) {
        let (diagnosis, _) =
            TEN.looked_at(seed, 500, |number, gateway, _| gateway == 3 || number >= 120 && gateway == 5);
        assert_eq!(named(&diagnosis).as_deref(), Some("gateways gw-3 and gw-5"), "seed {seed}");
    }
}

#[test]
fn the_same_evidence_gives_the_same_places() {
    let (live, _) = TEN.looked_at(7, 250, |_, gateway, _| gateway == 3);
    let text = serde_json::to_string(live.evidence()).expect("plain data");
    let kept = serde_json::from_str(&text).expect("what was written");
    let background = Share::new(BACKGROUND).expect("a share");
    let resumed = Diagnosis::resumed(Arc::clone(&PLACE.family), background, 1, &kept);
    assert_eq!(resumed.finding(), live.finding());
    assert_eq!(named(&resumed).as_deref(), Some("gateway gw-3"));
}
