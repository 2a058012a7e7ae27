//! A minter's search among random signatures, as lucky as the real one and no luckier, without
//! signing ten thousand texts.
//!
//! A pool of signatures is drawn once. A search looks through one block of it, of as many
//! candidates as the real search has, under a fresh rotation of the offsets and a fresh exchange
//! of the two symbols at each: a random signature is as likely as any of its images, so that no
//! two searches see the same candidates. Signatures with many cells come first, so that most of the
//! block need not be looked at.

use std::sync::LazyLock;

use crate::model::{Fit, SignatureCells, Symbol};
use crate::token::CANDIDATES;

/// Blocks in the pool: so many that the rare signatures with seven cells or more are as frequent in
/// it as they are.
const BLOCKS: usize = 64;
/// Seed of the pool; the searches are seeded by their world.
const POOL_SEED: u64 = 0x0072_696e_6763_6865;
/// Offsets of a signature; as an index.
const OFFSETS: usize = SignatureCells::OFFSETS as usize;

/// Candidates of a search where years are to pass quickly.
const FEW: u32 = 1_000;

static POOL: LazyLock<Vec<Block>> = LazyLock::new(|| draw_pool(CANDIDATES));
static POOL_OF_FEW: LazyLock<Vec<Block>> = LazyLock::new(|| draw_pool(FEW));

fn draw_pool(candidates: u32) -> Vec<Block> {
    let mut rng = fastrand::Rng::with_seed(POOL_SEED);
    (0..BLOCKS).map(|_| Block::draw(&mut rng, candidates)).collect()
}

/// Among how many candidates is searched.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Search {
    /// As many as the real minter signs.
    #[default]
    All,
    /// A tenth of that: cells are looked at a third less evenly, in a tenth of the time.
    Few,
}

impl Search {
    fn pool(self) -> &'static [Block] {
        match self {
            Self::All => &POOL,
            Self::Few => &POOL_OF_FEW,
        }
    }
}

/// As many candidates as one search has, without those that hold no cell.
struct Block {
    /// From many cells to one.
    groups: Vec<Group>,
}

/// Candidates with so many cells each.
struct Group {
    count: usize,
    /// True if two of them may stand next to each other, under some rotation.
    neighbours: bool,
    places: Vec<u8>,
}

impl Block {
    fn draw(rng: &mut fastrand::Rng, candidates: u32) -> Self {
        let mut groups: Vec<Group> = (1..=OFFSETS)
            .rev()
            .flat_map(|count| [true, false].map(|neighbours| Group { count, neighbours, places: Vec::new() }))
            .collect();
        for _ in 0..candidates {
            let cells = random_signature(rng);
            let offsets = cells.iter().fold(0_u64, |offsets, (offset, _)| offsets | 1 << offset);
            let turned = offsets << 1 | offsets >> (OFFSETS - 1);
            let (count, neighbours) = (cells.0.count_ones() as usize, offsets & turned != 0);
            if let Some(group) = groups.iter_mut().find(|group| (group.count, group.neighbours) == (count, neighbours))
            {
                let places = cells.iter().map(|(offset, symbol)| place_of(usize::from(offset), symbol));
                group.places.extend(places.map(|place| u8::try_from(place).unwrap_or(0)));
            }
        }
        groups.retain(|group| !group.places.is_empty());
        Self { groups }
    }
}

fn place_of(offset: usize, symbol: Symbol) -> usize {
    2 * offset + usize::from(symbol == Symbol::Underscore)
}

/// 42 places, each one of two symbols with probability 1/64: what an HMAC's base64url has.
fn random_signature(rng: &mut fastrand::Rng) -> SignatureCells {
    const PLACES: u64 = (1 << SignatureCells::OFFSETS) - 1;
    let either = rng.u64(..) & rng.u64(..) & rng.u64(..) & rng.u64(..) & rng.u64(..) & PLACES;
    let which = rng.u64(..);
    let mut cells = SignatureCells::NONE;
    let mut left = either;
    while left != 0 {
        let offset = left.trailing_zeros();
        left &= left - 1;
        let symbol = if which >> offset & 1 == 1 { Symbol::Underscore } else { Symbol::Dash };
        cells.insert(u16::try_from(offset).unwrap_or(u16::MAX), symbol);
    }
    cells
}

/// The best of so many random signatures; of several that are as good, any.
pub(super) fn best_signature(rng: &mut fastrand::Rng, fit: &Fit, search: Search) -> SignatureCells {
    if !fit.tells() {
        return random_signature(rng);
    }
    if fit.best() == 0 {
        return first_without_unwanted(rng, fit);
    }
    let image = Image::draw(rng, fit);
    let groups = &search.pool()[rng.usize(..BLOCKS)].groups;
    // A signature without any cell is among the candidates, and counts nothing.
    let mut best = Best { rng, fit, image, sum: 0, equal: 1, places: &[] };
    for Group { count, neighbours, places } in groups {
        let pairs = if *neighbours { fit.best_of_pairs() } else { 0 };
        if best.image.most_of(*count).saturating_add(pairs) < best.sum {
            continue;
        }
        // Nearly all of the time goes into this: counts that are known beforehand halve it.
        match count {
            1 => best.look_through::<1>(places, pairs),
            2 => best.look_through::<2>(places, pairs),
            3 => best.look_through::<3>(places, pairs),
            4 => best.look_through::<4>(places, pairs),
            5 => best.look_through::<5>(places, pairs),
            _ => places.chunks_exact(*count).for_each(|candidate| best.look_at(candidate, pairs)),
        }
    }
    best.image.undone(best.places)
}

/// The best candidate so far.
struct Best<'p, 'w> {
    rng: &'w mut fastrand::Rng,
    fit: &'w Fit,
    image: Image,
    sum: i32,
    /// Candidates that are as good.
    equal: u32,
    places: &'p [u8],
}

impl<'p> Best<'p, '_> {
    /// Candidates of so many cells each; `pairs` is the most that neighbours among them can count.
    fn look_through<const CELLS: usize>(&mut self, places: &'p [u8], pairs: i32) {
        for candidate in places.as_chunks::<CELLS>().0 {
            self.look_at(candidate, pairs);
        }
    }

    #[inline(always)]
    fn look_at(&mut self, candidate: &'p [u8], pairs: i32) {
        let sum: i32 = candidate.iter().map(|place| i32::from(self.image.points[usize::from(*place)])).sum();
        if sum + pairs >= self.sum {
            self.weigh(candidate, sum, pairs);
        }
    }

    fn weigh(&mut self, candidate: &'p [u8], mut sum: i32, pairs: i32) {
        if pairs > 0 {
            sum += self.fit.of_pairs(self.image.undone(candidate));
            if sum < self.sum {
                return;
            }
        }
        self.equal = if sum > self.sum { 1 } else { self.equal + 1 };
        // Of equals each is taken with the same chance.
        if self.equal == 1 || self.rng.u32(..self.equal) == 0 {
            (self.sum, self.places) = (sum, candidate);
        }
    }
}

/// Where nothing is wanted the search ends with the first candidate that has nothing unwanted.
fn first_without_unwanted(rng: &mut fastrand::Rng, fit: &Fit) -> SignatureCells {
    let mut best = random_signature(rng);
    for _ in 1..CANDIDATES {
        if fit.sum(best) == 0 {
            break;
        }
        let next = random_signature(rng);
        if fit.sum(next) > fit.sum(best) {
            best = next;
        }
    }
    best
}

/// A wish seen through a rotation of the offsets and an exchange of symbols.
struct Image {
    rotation: usize,
    exchanged: u64,
    /// What each place counts. As many as a byte can name, so that nobody need look whether there is one.
    points: [i16; 256],
    /// The most that so many cells can count together, from one on.
    most: [i32; Image::COUNTED],
}

impl Image {
    /// More cells than this are not told apart: they hardly ever come.
    const COUNTED: usize = 8;

    fn draw(rng: &mut fastrand::Rng, fit: &Fit) -> Self {
        let (rotation, exchanged) = (rng.usize(..OFFSETS), rng.u64(..));
        let mut image = Self { rotation, exchanged, points: [0; 256], most: [0; Self::COUNTED] };
        let mut largest = [0_i16; Self::COUNTED];
        for (place, points) in fit.points().iter().enumerate() {
            image.points[image.seen_at(place)] = *points;
            if *points > largest[Self::COUNTED - 1] {
                let rank = largest.partition_point(|known| *known >= *points);
                largest[rank..].rotate_right(1);
                largest[rank] = *points;
            }
        }
        let mut sum = 0;
        for (most, points) in image.most.iter_mut().zip(largest) {
            sum += i32::from(points);
            *most = sum;
        }
        image
    }

    fn most_of(&self, count: usize) -> i32 {
        if count > Self::COUNTED { i32::MAX } else { self.most[count - 1] }
    }

    fn seen_at(&self, place: usize) -> usize {
        let offset = (place / 2 + self.rotation) % OFFSETS;
        2 * offset + ((place % 2) ^ (self.exchanged >> offset & 1) as usize)
    }

    /// The signature whose image these cells are.
    fn undone(&self, places: &[u8]) -> SignatureCells {
        let mut cells = SignatureCells::NONE;
        for place in places {
            let seen = usize::from(*place);
            let underscore = (seen % 2) ^ (self.exchanged >> (seen / 2) & 1) as usize == 1;
            let offset = (seen / 2 + OFFSETS - self.rotation) % OFFSETS;
            let symbol = if underscore { Symbol::Underscore } else { Symbol::Dash };
            cells.insert(u16::try_from(offset).unwrap_or(u16::MAX), symbol);
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use crate::model::CellWeights;

    use super::*;

    const NONE: SignatureCells = SignatureCells::NONE;

    fn cells(at: &[u16]) -> SignatureCells {
        let mut cells = NONE;
        at.iter().for_each(|offset| cells.insert(*offset, Symbol::Dash));
        cells
    }

    /// In what share of searches all of these cells come.
    fn share_with(wanted: SignatureCells, weights: CellWeights, searches: u32) -> f64 {
        let mut rng = fastrand::Rng::with_seed(7);
        let fit = Fit::new(NONE, weights);
        let all = |_: &u32| best_signature(&mut rng, &fit, Search::All).shared_with(wanted) == wanted.0.count_ones();
        (0..searches).filter(all).count() as f64 / f64::from(searches)
    }

    #[test]
    fn signatures_have_symbols_as_often_as_an_hmac() {
        let mut rng = fastrand::Rng::with_seed(1);
        let with =
            (0..20_000).filter(|_| best_signature(&mut rng, &Fit::new(NONE, CellWeights::NONE), Search::All).0 != 0);
        let share = with.count() as f64 / 20_000.0;
        // 1 - (31/32)^42 = 73.6 %.
        assert!((share - 0.736).abs() < 0.01, "{share}");
    }

    #[test]
    fn a_search_is_as_lucky_as_the_real_one() {
        let each = CellWeights::each;
        // 1 - (1 - 64^-k)^10,000: two given cells nearly always, three in one search of 27.
        assert!(share_with(cells(&[7]), each(cells(&[7])), 500) > 0.999);
        let two = share_with(cells(&[7, 30]), each(cells(&[7, 30])), 4_000);
        assert!((two - 0.913).abs() < 0.015, "{two}");
        let three = share_with(cells(&[7, 20, 30]), each(cells(&[7, 20, 30])), 6_000);
        assert!((three - 0.0374).abs() < 0.008, "{three}");
    }

    #[test]
    fn a_search_finds_what_looking_at_every_candidate_finds() {
        let mut rng = fastrand::Rng::with_seed(3);
        let mut sums = [0, 0];
        for _ in 0..60 {
            let mut weights = CellWeights::NONE;
            (0..42).for_each(|offset| weights.set(offset, Symbol::Dash, rng.u8(..16)));
            (0..42).for_each(|offset| weights.set(offset, Symbol::Underscore, rng.u8(..4)));
            SignatureCells::PAIRS.into_iter().for_each(|pair| weights.set_pair(pair, rng.u8(..16)));
            let fit = Fit::new(cells(&[3, 9]), weights);
            let quick = best_signature(&mut rng, &fit, Search::All);
            assert!(quick.is_disjoint(cells(&[3, 9])));
            let slow = (0..CANDIDATES).map(|_| random_signature(&mut rng)).max_by_key(|one| fit.sum(*one));
            sums[0] += fit.sum(quick);
            sums[1] += slow.map_or(0, |cells| fit.sum(cells));
        }
        let ratio = f64::from(sums[0]) / f64::from(sums[1]);
        assert!((0.97..1.03).contains(&ratio), "{ratio}");
    }

    #[test]
    fn unwanted_cells_are_left_out() {
        let mut rng = fastrand::Rng::with_seed(2);
        let unwanted = Fit::new(cells(&[1, 2, 3]), CellWeights::NONE);
        for _ in 0..500 {
            assert!(best_signature(&mut rng, &unwanted, Search::All).is_disjoint(cells(&[1, 2, 3])));
        }
    }
}
