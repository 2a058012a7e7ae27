//! Tokens in virtual time: their shapes without their text. A payload's cells do not change from
//! one minting to the next, so one real token per combination tells them; the signature is as
//! random as an HMAC.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{AttemptId, AttemptSpec, Fit, KeySlot, PodName, TokenKind, TokenShape, TokenWish, Traits};
use crate::plan::Plan;

use super::candidates::{Search, best_signature};

/// Tokens that are remembered, so that one can be used again.
const REMEMBERED: usize = 512;

/// Mints shapes.
#[derive(Default)]
pub struct ShapeMinter {
    /// Among how many candidates it searches.
    pub(super) search: Search,
    forms: BTreeMap<(PodName, TokenKind, u8, u8), (u8, TokenShape)>,
    recent: VecDeque<(AttemptId, Traits)>,
}

impl ShapeMinter {
    /// The traits of the token that an attempt gets; `None` if it wants one again that is gone.
    pub fn mint(&mut self, spec: &AttemptSpec, plan: &Plan, rng: &mut fastrand::Rng) -> Option<Traits> {
        let mut traits = match spec.token {
            TokenWish::Same { of } => self.recent.iter().rev().find(|(id, _)| *id == of)?.1.clone(),
            TokenWish::Fresh { kind, key, name_length, unlike, wanted } => {
                let (name_length, mut shape) = self.form(plan, &spec.pod, kind, key, name_length);
                shape.signature = best_signature(rng, &Fit::new(unlike, wanted), self.search);
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

    /// The length of name and the shape, but for the signature, that such a token has; the pods of
    /// a world do not change.
    fn form(&mut self, plan: &Plan, pod: &PodName, kind: TokenKind, key: KeySlot, length: u8) -> (u8, TokenShape) {
        let place = (pod.clone(), kind, key.0, length);
        if let Some(form) = self.forms.get(&place) {
            return form.clone();
        }
        let reach = plan.pod(pod).map(|pod| pod.reach(&plan.node.location.name));
        let form = reach.as_ref().and_then(|reach| reach.form(kind, key, length));
        let form = form.map_or_else(|| (length, TokenShape::default()), |form| (form.name_length, form.shape.clone()));
        self.forms.insert(place, form.clone());
        form
    }
}
