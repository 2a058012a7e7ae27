//! The cover against as lucky a minter as the real one: how long any place of a token's text can
//! go without a look. `docs/cover.md` has the same figures from longer runs.

use crate::model::{EdgeName, Fit, KeySlot, SignatureCells, Symbol, Timestamp, TokenKind, TokenShape, Traits};
use crate::token::{Cover, Form, Reach};

use super::super::candidates::{Search, best_signature};

/// Looks before anything is measured: enough that every place was looked at.
const WARM_UP: u64 = 300;

/// A pod with these keys of either kind and these lengths of names; `_` stands in the payload of
/// capability tokens whose name's length is divisible by three.
fn pod(api_keys: u8, auth_tokens: u8, lengths: &[u8]) -> Reach {
    let access = (0..api_keys).map(|key| (TokenKind::Access, KeySlot(key)));
    let classes = access.chain((0..auth_tokens).map(|key| (TokenKind::Capability, KeySlot(key))));
    let forms = classes.flat_map(|(kind, key)| {
        lengths.iter().map(move |&name_length| {
            let hit = kind == TokenKind::Capability && name_length % 3 == 0;
            let cell = (4 * (36 + u16::from(name_length) / 3) + 3, Symbol::Underscore);
            let payload = if hit { vec![cell] } else { Vec::new() };
            let before = if kind == TokenKind::Capability { 230 } else { 250 };
            let lengths = [36, ((before + u16::from(name_length)) * 4).div_ceil(3), 43];
            let shape = TokenShape { payload, lengths, ..TokenShape::default() };
            Form { kind, key, name_length, natural: 0, shape }
        })
    });
    Reach::minted(forms.collect(), vec![EdgeName::parse("ashburn").expect("a name")])
}

/// Times between two looks at the same, in attempts of the whole pod.
#[derive(Default)]
pub struct Gaps {
    pub cell: Vec<u64>,
    pub cell_with_class: Vec<u64>,
    pub pair: Vec<u64>,
    pub pair_with_class: Vec<u64>,
    pub payload: Vec<u64>,
    pub length: Vec<u64>,
    pub form: Vec<u64>,
}

impl Gaps {
    /// Walks the cover for so many looks. One in `lost` attempts is lost.
    pub fn of(reach: &Reach, looks: u64, lost: u64, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut cover = Cover::new(reach);
        let mut last = std::collections::BTreeMap::new();
        let mut gaps = Self::default();
        for made in 0..WARM_UP + looks {
            let wish = cover.wish(made, &TokenKind::ALL).expect("tokens");
            cover.begin(wish.kind, wish.key, wish.name_length);
            if lost > 0 && rng.u64(..lost) == 0 {
                continue;
            }
            let form = reach.form(wish.kind, wish.key, wish.name_length).expect("one of its forms");
            let mut shape = form.shape.clone();
            shape.signature = best_signature(&mut rng, &Fit::new(SignatureCells::NONE, wish.wanted), Search::All);
            let edge = reach.edges()[0].clone();
            let class = (wish.kind, wish.key);
            let traits =
                Traits { kind: class.0, key: class.1, name_length: wish.name_length, edge, family: None, shape };
            let mut note = |what: String, into: &mut Vec<u64>| {
                let gap = made - last.insert(what, made).unwrap_or(0);
                if made >= WARM_UP {
                    into.push(gap);
                }
            };
            for cell in traits.shape.signature.iter() {
                note(format!("{cell:?}"), &mut gaps.cell);
                note(format!("{cell:?} {class:?}"), &mut gaps.cell_with_class);
            }
            let pairs = traits.shape.signature.pairs();
            for pair in (0..4).filter(|pair| pairs >> pair & 1 == 1) {
                note(format!("pair {pair}"), &mut gaps.pair);
                note(format!("pair {pair} {class:?}"), &mut gaps.pair_with_class);
            }
            for length in reach.lengths().iter().filter(|length| form.has(length)) {
                note(format!("{length}"), &mut gaps.length);
            }
            for cell in &traits.shape.payload {
                note(format!("payload {cell:?}"), &mut gaps.payload);
            }
            note(format!("form {class:?} {}", wish.name_length), &mut gaps.form);
            cover.look(&traits, true, Timestamp::MIN);
        }
        gaps
    }
}

/// p50, p99 and the largest.
pub fn quantiles(gaps: &mut [u64]) -> [u64; 3] {
    gaps.sort_unstable();
    [gaps.len() / 2, gaps.len() * 99 / 100, gaps.len().saturating_sub(1)]
        .map(|place| gaps.get(place).copied().unwrap_or(0))
}

/// The wait for the next look from a random moment on that 99 % of moments do not exceed.
pub fn wait_p99(gaps: &[u64]) -> u64 {
    let all: u64 = gaps.iter().sum();
    let longer = |wait: u64| gaps.iter().map(|gap| gap.saturating_sub(wait)).sum::<u64>();
    (0..).find(|wait| longer(*wait) * 100 <= all).unwrap_or(u64::MAX)
}

/// Between two looks: median, 99 %, largest; and the wait from any moment, 99 %. A row of the table
/// in `docs/cover.md`, seen with `--nocapture`.
fn tell(name: &str, gaps: &mut Gaps) {
    println!("{name}");
    for (what, gaps) in [
        ("cell", &mut gaps.cell),
        ("cell with class", &mut gaps.cell_with_class),
        ("pair", &mut gaps.pair),
        ("pair with class", &mut gaps.pair_with_class),
        ("payload cell", &mut gaps.payload),
        ("length", &mut gaps.length),
        ("form", &mut gaps.form),
    ] {
        println!("  {what}: {:?}, wait {}", quantiles(gaps), wait_p99(gaps));
    }
}

#[test]
fn every_signature_cell_is_looked_at_in_time_with_every_kind_and_key() {
    // In attempts: between two looks (p99), and from any moment to the next look (p99); with one
    // kind and key as many times that as there are such classes.
    for (api_keys, auth_tokens, gap, wait) in [(1, 0, 26, 24), (1, 1, 31, 27), (4, 0, 32, 28)] {
        let mut gaps = Gaps::of(&pod(api_keys, auth_tokens, &[24, 25, 26]), 3_000, 0, 1);
        let classes = u64::from(api_keys + auth_tokens);
        tell(&format!("{api_keys} + {auth_tokens} keys, 3 lengths"), &mut gaps);
        let [_, p99, most] = quantiles(&mut gaps.pair);
        assert!(p99 <= gap && most <= gap * 3 / 2, "{classes}: {p99} {most}");
        let [_, p99, most] = quantiles(&mut gaps.pair_with_class);
        assert!(p99 <= gap * classes && most <= gap * 3 / 2 * classes, "{classes}: {p99} {most}");
        let [_, p99, most] = quantiles(&mut gaps.cell);
        assert!(p99 <= gap && most <= gap * 3 / 2, "{classes}: {p99} {most}");
        assert!(wait_p99(&gaps.cell) <= wait, "{classes}: {}", wait_p99(&gaps.cell));
        let [_, p99, most] = quantiles(&mut gaps.cell_with_class);
        assert!(p99 <= gap * classes && most <= gap * 3 / 2 * classes, "{classes}: {p99} {most}");
        let with_class = wait_p99(&gaps.cell_with_class);
        assert!(with_class <= wait * classes, "{classes}: {with_class}");
    }
}

#[test]
fn every_payload_cell_and_length_is_walked() {
    let sixteen: Vec<u8> = (24..40).collect();
    for (lengths, payload, form) in [(&[24, 25, 26][..], 12, 12), (&sixteen, 40, 70)] {
        let mut gaps = Gaps::of(&pod(1, 1, lengths), 3_000, 0, 2);
        tell(&format!("1 + 1 keys, {} lengths", lengths.len()), &mut gaps);
        let [_, _, most] = quantiles(&mut gaps.payload);
        assert!(most <= payload, "{most}");
        let [_, _, most] = quantiles(&mut gaps.form);
        assert!(most <= form, "{most}");
    }
}

#[test]
fn lost_attempts_are_made_up_for() {
    let mut gaps = Gaps::of(&pod(1, 1, &[24, 25, 26]), 3_000, 10, 3);
    let [_, p99, _] = quantiles(&mut gaps.cell);
    assert!(p99 <= 34, "{p99}");
    let [_, _, most] = quantiles(&mut gaps.form);
    assert!(most <= 30, "{most}");
}
