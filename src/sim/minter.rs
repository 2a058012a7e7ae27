//! Tokens in virtual time: their shapes without their text. A payload's cells do not change from
//! one minting to the next, so one real token per combination tells them; the signature is as
//! random as an HMAC.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{
    AttemptId, AttemptSpec, KeySlot, PodName, SignatureCells, Symbol, Timestamp, TokenKind, TokenShape, TokenWish,
    Traits,
};
use crate::partner::twilio::{MintRequest, SigningKey, mint};
use crate::plan::{PartnerAccount, Plan, TokenSource};
use crate::token::{OwnNames, shape_of};

/// Tokens that are remembered, so that one can be used again.
const REMEMBERED: usize = 512;
/// Cells that a search over candidates can be expected to bring together.
const LIKE_CELLS_MAX: usize = 3;
/// A key for shapes only; it signs nothing that leaves this file.
const ANY_SECRET: &[u8] = b"shape only";

/// Mints shapes.
#[derive(Default)]
pub struct ShapeMinter {
    payloads: BTreeMap<(PodName, TokenKind, u8, u8), TokenShape>,
    recent: VecDeque<(AttemptId, Traits)>,
}

impl ShapeMinter {
    /// The traits of the token that an attempt gets; `None` if it wants one again that is gone.
    pub fn mint(&mut self, spec: &AttemptSpec, plan: &Plan, rng: &mut fastrand::Rng) -> Option<Traits> {
        let mut traits = match spec.token {
            TokenWish::Same { of } => self.recent.iter().rev().find(|(id, _)| *id == of)?.1.clone(),
            TokenWish::Fresh { kind, key, name_length, unlike, like } => {
                let mut shape = self.payload(plan, &spec.pod, kind, key, name_length);
                shape.signature = signature(rng, unlike, like);
                Traits { kind, key, name_length, edge: spec.edge.clone(), family: None, shape }
            }
        };
        traits.edge.clone_from(&spec.edge);
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((spec.id, traits.clone()));
        Some(traits)
    }

    fn payload(&mut self, plan: &Plan, pod: &PodName, kind: TokenKind, key: KeySlot, name_length: u8) -> TokenShape {
        let place = (pod.clone(), kind, key.0, name_length);
        if let Some(shape) = self.payloads.get(&place) {
            return shape.clone();
        }
        let shape = real_shape(plan, pod, kind, key, name_length).unwrap_or_default();
        self.payloads.insert(place, shape.clone());
        shape
    }
}

/// What is known of a token that never came to be.
pub(super) fn traits_asked_for(spec: &AttemptSpec) -> Traits {
    let (kind, key, name_length) = match spec.token {
        TokenWish::Fresh { kind, key, name_length, .. } => (kind, key, name_length),
        TokenWish::Same { .. } => (TokenKind::Access, KeySlot(0), 0),
    };
    Traits { kind, key, name_length, edge: spec.edge.clone(), family: None, shape: TokenShape::default() }
}

/// The shape of one real token.
fn real_shape(plan: &Plan, name: &PodName, kind: TokenKind, key: KeySlot, name_length: u8) -> Option<TokenShape> {
    let pod = plan.pod(name)?;
    let PartnerAccount::Twilio(account) = &pod.partner;
    let TokenSource::Minted { ttl_s, .. } = pod.tokens else { return None };
    let identity = OwnNames::new(name, &plan.node.location.name).name(0, name_length);
    let sid = account.api_keys.get(usize::from(key.0)).map(|key| key.sid.as_str());
    let signing = match kind {
        TokenKind::Access => SigningKey::ApiKey { sid: sid?, secret: ANY_SECRET },
        TokenKind::Capability => SigningKey::AuthToken { secret: ANY_SECRET },
    };
    // What an agent's token holds: capability tokens name the application, access tokens need not.
    let outgoing = account.application_sid.as_deref().filter(|_| kind == TokenKind::Capability);
    let now = Timestamp::from_millis(1_726_000_000_000);
    let request = MintRequest { account, key: signing, identity: &identity, outgoing, now, ttl_s, serial: 1 };
    Some(shape_of(mint(&request).expose()))
}

/// 42 places, each one of two symbols with probability 1/64: what an HMAC's base64url has.
fn signature(rng: &mut fastrand::Rng, unlike: SignatureCells, like: SignatureCells) -> SignatureCells {
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
    for (offset, symbol) in like.iter().take(LIKE_CELLS_MAX) {
        cells.insert(offset, symbol);
    }
    SignatureCells(cells.0 & !unlike.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_have_symbols_as_often_as_an_hmac() {
        let mut rng = fastrand::Rng::with_seed(1);
        let with = (0..20_000).filter(|_| signature(&mut rng, SignatureCells::NONE, SignatureCells::NONE).0 != 0);
        let share = with.count() as f64 / 20_000.0;
        // 1 - (31/32)^42 = 73.6 %.
        assert!((share - 0.736).abs() < 0.01, "{share}");
    }

    #[test]
    fn wishes_are_kept() {
        let mut rng = fastrand::Rng::with_seed(2);
        let mut wanted = SignatureCells::NONE;
        wanted.insert(7, Symbol::Dash);
        for _ in 0..200 {
            assert_eq!(signature(&mut rng, SignatureCells::NONE, wanted).shared_with(wanted), 1);
            assert_eq!(signature(&mut rng, wanted, SignatureCells::NONE).shared_with(wanted), 0);
        }
    }
}
