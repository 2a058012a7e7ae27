//! A few tokens that together hold every place that a pod's tokens can hold: many are signed once,
//! and those are taken that hold the most of what is still lacking.

use crate::model::{KeySlot, LocationName, SignatureCells, Symbol, Timestamp, TokenKind, TokenShape};
use crate::partner::twilio::{Account, MintRequest, SigningKey, distinct, mint_best};
use crate::plan::Pod;
use crate::token::{Form, OwnNames, Reach, TokenText, shape_of};

use super::bound::lower_bound;

/// Names of one length that are tried: numbers of one digit.
const NAMES: u32 = 10;
/// How often the choice is made anew, with other ones among equals.
const CHOICES: u64 = 24;
/// Bits of the 84 signature cells; those above stand for payload cells.
const SIGNATURE_BITS: u32 = SignatureCells::COUNT;

/// With which key the tokens of a class are signed.
#[derive(Clone, Copy)]
pub(super) struct ClassKey<'a> {
    pub(super) kind: TokenKind,
    pub(super) slot: KeySlot,
    pub(super) key: SigningKey<'a>,
}

/// Where, when and how hard to search.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) pod: &'a Pod,
    pub(super) account: &'a Account,
    pub(super) location: &'a LocationName,
    pub(super) reach: &'a Reach,
    pub(super) now: Timestamp,
    pub(super) ttl_s: u32,
    /// Signed for each class, at most.
    pub(super) candidates: u32,
}

/// A token of the set.
pub(super) struct SetToken {
    pub(super) text: TokenText,
    pub(super) shape: TokenShape,
    pub(super) name_length: u8,
    /// Cells that no token before it holds.
    pub(super) new: u32,
}

/// The tokens of one kind and key.
pub(super) struct ClassSet {
    pub(super) kind: TokenKind,
    pub(super) slot: KeySlot,
    pub(super) tokens: Vec<SetToken>,
    /// Payload cells that exist for it.
    pub(super) payload_reachable: Vec<(u16, Symbol)>,
    /// Fewer of the candidates cannot hold all signature cells.
    pub(super) lower_bound: u64,
    /// How many were signed.
    pub(super) signed: u64,
}

/// Tokens that differ in their times only.
struct Batch {
    identity: String,
    candidates: u32,
}

/// One that was signed, and can be again.
#[derive(Clone, Copy)]
struct Candidate {
    cells: u128,
    batch: u32,
}

impl ClassSet {
    /// Signs candidates of every form, and takes as few as it can.
    pub(super) fn search(search: Search<'_>, class: ClassKey<'_>) -> Self {
        let of_class = |form: &&Form| (form.kind, form.key) == (class.kind, class.slot);
        let forms: Vec<&Form> = search.reach.forms().iter().filter(of_class).collect();
        let mut payload: Vec<(u16, Symbol)> = forms.iter().flat_map(|form| form.shape.payload.clone()).collect();
        payload.sort_unstable();
        payload.dedup();
        let batches = batches(search, class, &forms);
        let pool = sign(search, class, &batches, &payload);
        let all = pool.iter().fold(0, |all, candidate| all | candidate.cells);
        let choices = (0..CHOICES).map(|seed| choose(&pool, all, &mut fastrand::Rng::with_seed(seed)));
        let chosen = choices.min_by_key(Vec::len).unwrap_or_default();
        let mut left = all;
        let mut tokens = Vec::with_capacity(chosen.len());
        for candidate in chosen {
            let Some(batch) = batches.get(candidate.batch as usize) else { continue };
            let new = (candidate.cells & left).count_ones();
            left &= !candidate.cells;
            let text = sign_again(search, class, batch, candidate.cells);
            let (shape, name_length) = (shape_of(text.expose()), u8::try_from(batch.identity.len()).unwrap_or(u8::MAX));
            tokens.push(SetToken { text, shape, name_length, new });
        }
        let signatures: Vec<u128> =
            pool.iter().map(|candidate| candidate.cells & ((1 << SIGNATURE_BITS) - 1)).collect();
        Self {
            kind: class.kind,
            slot: class.slot,
            tokens,
            payload_reachable: payload,
            lower_bound: lower_bound(&signatures),
            signed: batches.iter().map(|batch| u64::from(batch.candidates)).sum(),
        }
    }

    /// Signature cells that its tokens hold.
    pub(super) fn signature(&self) -> SignatureCells {
        SignatureCells(self.tokens.iter().fold(0, |all, token| all | token.shape.signature.0))
    }

    /// Payload cells that its tokens hold.
    pub(super) fn payload(&self) -> Vec<(u16, Symbol)> {
        let held = |cell: &&(u16, Symbol)| self.tokens.iter().any(|token| token.shape.payload.contains(cell));
        self.payload_reachable.iter().filter(held).copied().collect()
    }
}

/// The candidates, spread evenly over lengths and names.
fn batches(search: Search<'_>, class: ClassKey<'_>, forms: &[&Form]) -> Vec<Batch> {
    let names = OwnNames::new(&search.pod.name, search.location);
    let each = search.candidates / (NAMES * u32::try_from(forms.len().max(1)).unwrap_or(u32::MAX));
    let identities = forms.iter().flat_map(|form| (0..NAMES).map(|number| names.name(number, form.name_length)));
    let batch = |identity: String| {
        let candidates = distinct(&request(search, class, &identity)).min(each.max(2));
        Batch { identity, candidates }
    };
    identities.map(batch).collect()
}

fn request<'a>(search: Search<'a>, class: ClassKey<'a>, identity: &'a str) -> MintRequest<'a> {
    let Search { pod, account, now, ttl_s, .. } = search;
    MintRequest { account, key: class.key, identity, outgoing: pod.outgoing(class.kind), now, ttl_s, serial: 0 }
}

/// Signs all of them and keeps what cells each holds.
fn sign(search: Search<'_>, class: ClassKey<'_>, batches: &[Batch], payload: &[(u16, Symbol)]) -> Vec<Candidate> {
    let mut pool = Vec::new();
    for (number, batch) in (0_u32..).zip(batches) {
        mint_best(&request(search, class, &batch.identity), batch.candidates, |shape| {
            let cells = shape.signature.0 | payload_bits(shape, payload);
            pool.push(Candidate { cells, batch: number });
            0
        });
    }
    pool
}

/// Payload cells as bits above those of the signature: some tens at most exist.
fn payload_bits(shape: &TokenShape, payload: &[(u16, Symbol)]) -> u128 {
    let bits = (SIGNATURE_BITS..u128::BITS).zip(payload).filter(|(_, cell)| shape.payload.contains(cell));
    bits.fold(0, |all, (bit, _)| all | 1 << bit)
}

/// The token of a batch with these cells.
fn sign_again(search: Search<'_>, class: ClassKey<'_>, batch: &Batch, cells: u128) -> TokenText {
    let signature = cells & ((1 << SIGNATURE_BITS) - 1);
    mint_best(&request(search, class, &batch.identity), batch.candidates, |shape| {
        if shape.signature.0 == signature { u32::MAX } else { 0 }
    })
}

/// Takes what holds the most of what is lacking, until nothing is.
fn choose(pool: &[Candidate], all: u128, rng: &mut fastrand::Rng) -> Vec<Candidate> {
    let mut left = all;
    let mut chosen = Vec::new();
    while left != 0 {
        let (mut most, mut equals, mut best) = (0, 0, None);
        for candidate in pool {
            let new = (candidate.cells & left).count_ones();
            if new < most || new == 0 {
                continue;
            }
            equals = if new > most { 1 } else { equals + 1 };
            if equals == 1 || rng.u32(..equals) == 0 {
                (most, best) = (new, Some(*candidate));
            }
        }
        let Some(best) = best else { break };
        left &= !best.cells;
        chosen.push(best);
    }
    chosen
}
