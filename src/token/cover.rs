//! Which token to try next, so that no place of a token's text is looked at too seldom. Everything
//! is counted in looks: how often that is follows from the budget. `docs/cover.md` has the figures.

use serde::{Deserialize, Serialize};

use crate::model::{CellWeights, KeySlot, SignatureCells, StableHasher, Symbol, Timestamp, TokenKind, Traits};

use super::{Feature, Form, Reach};

mod ages;
mod moments;

pub use ages::{CoverAges, CoverSet, PlaceAge};

use moments::Moments;

/// How many candidates the minter signs for one token with wishes.
pub const CANDIDATES: u32 = 10_000;

/// Cells of a signature; as an index.
const CELLS: usize = SignatureCells::COUNT as usize;
/// Pairs of symbols next to each other in a signature.
const PAIRS: usize = SignatureCells::PAIRS.len();
/// A cell is as urgent as can be when its last look is so many looks ago: found by trying, a little
/// more than the oldest ones become.
const REFERENCE: f32 = 31.0;
/// The third root of half of the largest weight: both ages at the reference make it up together.
const HALF_OF_MOST_CBRT: f32 = 1.957_433_8;
/// A small number added to this is rounded, and stands in the last bits of the sum: several are
/// rounded at once, which a conversion would not do.
const WHOLE: f32 = 8_388_608.0;
/// An age above this is not told apart from it.
const AGE_MAX: u32 = 4_096;
/// A payload cell is to be looked at a little more often than a signature cell, if other forms
/// leave room: it waits for its form, and nothing else brings it.
const PAYLOAD_REFERENCE: usize = 15;
/// A length is to be looked at as often as a signature cell.
const LENGTH_REFERENCE: usize = 20;
/// A form whose attempt was lost is tried again after this fraction of its usual time.
const LOST_AGAIN: u32 = 4;
/// One in so many attempts uses a form as frequent as the pod's agents have it, if that is known.
const NATURAL_ONE_IN: u64 = 2;

/// When everything that a pod's tokens can hold was last looked at. A look is an attempt that told
/// something: it completed or failed; a lost one did not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cover {
    /// Looks so far, and one more: 0 is "never".
    clock: u32,
    /// Attempts begun so far, and one more.
    begun: u32,
    /// Signature cells with any kind and key, in the order of [`SignatureCells`].
    cells: Vec<u32>,
    /// Pairs with any kind and key, in the order of [`SignatureCells::PAIRS`].
    #[serde(default)]
    pairs: [u32; PAIRS],
    classes: Vec<Class>,
    payload: Vec<PayloadCell>,
    #[serde(default)]
    lengths: Vec<LengthClass>,
    steered: bool,
    #[serde(default)]
    moments: Moments,
}

/// The tokens of one kind and key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Class {
    kind: TokenKind,
    key: KeySlot,
    /// True once such a token has worked: only then are its candidates searched.
    green: bool,
    looked: u32,
    /// By cell, in the order of [`SignatureCells`].
    cells: Vec<u32>,
    /// In the order of [`SignatureCells::PAIRS`].
    #[serde(default)]
    pairs: [u32; PAIRS],
    lengths: Vec<Length>,
}

/// The tokens of one class whose names have one length.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Length {
    characters: u8,
    /// How frequent it is among the pod's agents, in any unit; 0 if that is not known.
    natural: u32,
    begun: u32,
    looked: u32,
    /// Payload cells that it has, as places in `Cover::payload`.
    payload: Vec<u16>,
    /// Lengths that it has, as places in `Cover::lengths`.
    #[serde(default)]
    classes: Vec<u16>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct PayloadCell {
    kind: TokenKind,
    cell: (u16, Symbol),
    looked: u32,
}

/// A length of name or text, with any kind and key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct LengthClass {
    what: Feature,
    looked: u32,
}

/// What the next token shall be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoverWish {
    /// Which kind.
    pub kind: TokenKind,
    /// Signed with which key.
    pub key: KeySlot,
    /// Length of the name in it; 0 where we do not choose it.
    pub name_length: u8,
    /// How much each signature cell is wanted.
    pub wanted: CellWeights,
}

impl Cover {
    /// Nothing has been looked at yet.
    pub fn new(reach: &Reach) -> Self {
        let mut payload: Vec<PayloadCell> = Vec::new();
        for kind in TokenKind::ALL {
            let cells = reach.payload_cells(kind).into_iter();
            payload.extend(cells.map(|cell| PayloadCell { kind, cell, looked: 0 }));
        }
        let lengths: Vec<LengthClass> =
            reach.lengths().into_iter().map(|what| LengthClass { what, looked: 0 }).collect();
        let classes = reach.classes().into_iter().map(|(kind, key)| {
            let forms = reach.forms().iter().filter(|form| (form.kind, form.key) == (kind, key));
            let of_forms = forms.map(|form| Length::new(form, &payload, &lengths)).collect();
            Class { kind, key, green: false, looked: 0, cells: vec![0; CELLS], pairs: [0; PAIRS], lengths: of_forms }
        });
        Self {
            clock: 1,
            begun: 1,
            cells: vec![0; CELLS],
            pairs: [0; PAIRS],
            classes: classes.collect(),
            payload,
            lengths,
            steered: reach.is_steered(),
            moments: Moments::default(),
        }
    }

    /// Takes over what an earlier cover of the pod knows, after a change of the plan.
    pub fn inherit(&mut self, earlier: &Self) {
        (self.clock, self.begun) = (earlier.clock, earlier.begun);
        self.cells.clone_from(&earlier.cells);
        (self.pairs, self.moments) = (earlier.pairs, earlier.moments.clone());
        for class in &mut self.classes {
            let same = |known: &&Class| (known.kind, known.key) == (class.kind, class.key);
            let Some(known) = earlier.classes.iter().find(same) else { continue };
            (class.green, class.looked) = (known.green, known.looked);
            class.cells.clone_from(&known.cells);
            class.pairs = known.pairs;
            for length in &mut class.lengths {
                let Some(known) = known.lengths.iter().find(|known| known.characters == length.characters) else {
                    continue;
                };
                (length.begun, length.looked) = (known.begun, known.looked);
            }
        }
        for cell in &mut self.payload {
            let same = |known: &&PayloadCell| (known.kind, known.cell) == (cell.kind, cell.cell);
            cell.looked = earlier.payload.iter().find(same).map_or(0, |known| known.looked);
        }
        for length in &mut self.lengths {
            let same = |known: &&LengthClass| known.what == length.what;
            length.looked = earlier.lengths.iter().find(same).map_or(0, |known| known.looked);
        }
    }

    /// What the attempt number `made` shall use, of these kinds: what was looked at longest ago.
    /// `None` if the pod has no token of these kinds.
    pub fn wish(&self, made: u64, kinds: &[TokenKind]) -> Option<CoverWish> {
        let forms = || {
            let classes = self.classes.iter().filter(|class| kinds.contains(&class.kind));
            classes.flat_map(|class| class.lengths.iter().map(move |length| (class, length)))
        };
        let natural = || forms().map(|(_, length)| u64::from(length.natural)).sum::<u64>();
        let all = if made.is_multiple_of(NATURAL_ONE_IN) { natural() } else { 0 };
        let (class, length) = if all > 0 {
            let mut drawn = StableHasher::new("natural token").number(made).finish() % all;
            forms().find(|(_, length)| {
                let here = drawn < u64::from(length.natural);
                drawn = drawn.saturating_sub(u64::from(length.natural));
                here
            })?
        } else {
            self.most_urgent(made, kinds)?
        };
        let wanted = if class.green && self.steered { self.weights(class) } else { CellWeights::NONE };
        Some(CoverWish { kind: class.kind, key: class.key, name_length: length.characters, wanted })
    }

    /// An attempt with such a token begins.
    pub fn begin(&mut self, kind: TokenKind, key: KeySlot, name_length: u8) {
        let begun = self.begun;
        self.begun = begun.checked_add(1).unwrap_or(1);
        if let Some(class) = self.class_mut(kind, key)
            && let Some(length) = class.lengths.iter_mut().find(|length| length.characters == name_length)
        {
            length.begun = begun;
        }
    }

    /// An attempt with this token told something at `at`: it completed (`passed`) or failed.
    pub fn look(&mut self, traits: &Traits, passed: bool, at: Timestamp) {
        let now = self.clock;
        self.moments.note(now, at);
        // Whoever makes four billion looks begins anew.
        self.clock = now.checked_add(1).unwrap_or(1);
        let place = |class: &Class| (class.kind, class.key) == (traits.kind, traits.key);
        let Some(class) = self.classes.iter_mut().find(|class| place(class)) else { return };
        class.green |= passed;
        class.looked = now;
        let mut left = traits.shape.signature.0;
        while left != 0 {
            let cell = left.trailing_zeros() as usize;
            if let (Some(own), Some(any)) = (class.cells.get_mut(cell), self.cells.get_mut(cell)) {
                (*own, *any) = (now, now);
            }
            left &= left - 1;
        }
        let pairs = traits.shape.signature.pairs();
        for pair in (0..PAIRS).filter(|pair| pairs >> pair & 1 == 1) {
            (class.pairs[pair], self.pairs[pair]) = (now, now);
        }
        if let Some(length) = class.lengths.iter_mut().find(|length| length.characters == traits.name_length) {
            length.looked = now;
            for place in &length.classes {
                if let Some(known) = self.lengths.get_mut(usize::from(*place)) {
                    known.looked = now;
                }
            }
        }
        for known in self.payload.iter_mut().filter(|known| known.kind == traits.kind) {
            if traits.shape.payload.contains(&known.cell) {
                known.looked = now;
            }
        }
    }

    /// Looks since then; [`AGE_MAX`] if there was none.
    fn age(&self, looked: u32) -> u32 {
        if looked == 0 { AGE_MAX } else { self.clock.saturating_sub(looked).min(AGE_MAX) }
    }

    /// The form that needs a look most.
    fn most_urgent(&self, made: u64, kinds: &[TokenKind]) -> Option<(&Class, &Length)> {
        let classes = || self.classes.iter().filter(|class| kinds.contains(&class.kind));
        let of_forms = Part::of(classes().map(|class| class.lengths.len()).sum());
        let of_payload = Part::of(reference(PAYLOAD_REFERENCE, self.payload.len()));
        let of_lengths = Part::of(reference(LENGTH_REFERENCE, self.lengths.len()));
        let disorder = StableHasher::new("cover").number(made).finish();
        let (mut most, mut found) = (0, None);
        for class in classes() {
            let of_class = Part::of(self.classes.len()).share(self.age(class.looked));
            for length in &class.lengths {
                let payload = length.payload.iter().filter_map(|place| self.payload.get(usize::from(*place)));
                // The one looked at longest ago; 0, never, is the first of all.
                let oldest = payload.map(|cell| cell.looked).min().map_or(0, |at| of_payload.share(self.age(at)));
                let lengths = length.classes.iter().filter_map(|place| self.lengths.get(usize::from(*place)));
                let shortest = lengths.map(|known| known.looked).min().map_or(0, |at| of_lengths.share(self.age(at)));
                let urgency = oldest.max(shortest).max(of_class).max(of_forms.share(self.age(length.looked)));
                let urgency = urgency.min(of_forms.share(self.patience(length))) * disorder_of(class, length, disorder);
                // Of equals the last.
                if found.is_none() || urgency >= most {
                    (most, found) = (urgency, Some((class, length)));
                }
            }
        }
        found
    }

    /// What is under way need not be begun again, unless it was lost.
    fn patience(&self, length: &Length) -> u32 {
        let since = if length.begun == 0 { AGE_MAX } else { self.begun.saturating_sub(length.begun).min(AGE_MAX) };
        since * LOST_AGAIN
    }

    /// By the third power of the age since a look with any kind and key, and since one with these:
    /// a token that holds one old cell is worth as much as one that holds many younger ones.
    fn weights(&self, class: &Class) -> CellWeights {
        // Additions and products only, in a fixed order: the same on every machine.
        let unit = |classes: f32| HALF_OF_MOST_CBRT / (REFERENCE * classes);
        let (of_any, of_class) = (unit(1.0), unit(self.classes.len() as f32));
        let weight = |any: u32, own: u32| {
            let (any, own) = (self.age(any) as f32 * of_any, self.age(own) as f32 * of_class);
            let sum = (any * any * any + own * own * own).min(f32::from(CellWeights::MAX));
            (sum + WHOLE).to_bits() as u8
        };
        let mut cells = [0; CELLS];
        for ((cell, any), own) in cells.iter_mut().zip(&self.cells).zip(&class.cells) {
            *cell = weight(*any, *own);
        }
        let pairs = std::array::from_fn(|pair| weight(self.pairs[pair], class.pairs[pair]));
        CellWeights::of_all(&cells, pairs)
    }

    fn class_mut(&mut self, kind: TokenKind, key: KeySlot) -> Option<&mut Class> {
        self.classes.iter_mut().find(|class| (class.kind, class.key) == (kind, key))
    }
}

/// A walk in fixed steps would always meet the same edge: a little disorder of its own for each
/// form and attempt, from the upper bits of a product.
fn disorder_of(class: &Class, length: &Length, disorder: u64) -> u64 {
    let place =
        u64::from(length.characters) << 9 | u64::from(class.key.0) << 1 | u64::from(class.kind == TokenKind::Access);
    768 + (disorder.wrapping_mul(place << 1 | 1) >> 55)
}

/// Divides ages by the time that something may wait: by a product, since every form is asked.
#[derive(Clone, Copy)]
struct Part(u64);

impl Part {
    /// Enough that the quotient is exact: ages are at most 2^14, and in thousandths below 2^24.
    const BITS: u32 = 40;

    fn of(reference: usize) -> Self {
        let reference = u64::try_from(reference).unwrap_or(u64::MAX).clamp(1, 1 << 14);
        Self((1_u64 << Self::BITS).div_ceil(reference))
    }

    /// How much of the time is over, in thousandths.
    fn share(self, age: u32) -> u64 {
        (u64::from(age) * 1_000 * self.0) >> Self::BITS
    }
}

/// In how many looks each of so many cells or lengths is to be looked at, and no oftener than `least`.
fn reference(least: usize, places: usize) -> usize {
    least.max(places.saturating_mul(2))
}

impl Length {
    fn new(form: &Form, payload: &[PayloadCell], lengths: &[LengthClass]) -> Self {
        let held = |known: &PayloadCell| known.kind == form.kind && form.shape.payload.contains(&known.cell);
        let cells = (0_u16..).zip(payload).filter(|(_, known)| held(known)).map(|(place, _)| place);
        let classes = (0_u16..).zip(lengths).filter(|(_, known)| form.has(&known.what)).map(|(place, _)| place);
        Self {
            characters: form.name_length,
            natural: form.natural,
            begun: 0,
            looked: 0,
            payload: cells.collect(),
            classes: classes.collect(),
        }
    }
}
