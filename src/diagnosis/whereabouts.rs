//! A diagnosis where failures gather at some of the partner's places: those alone tell of tokens.

use std::sync::Arc;

use crate::model::{Reached, Share};

use super::evidence::Look;
use super::inquiry::Diagnosis;
use super::places::{PlaceFinding, Sight};

impl Diagnosis {
    /// True if a look says something of tokens.
    pub(super) fn is_here(&self, look: &Look) -> bool {
        self.whereabouts.named.as_ref().is_none_or(|places| places.hold(&look.reached) == Some(true))
    }

    /// The looks that say something of tokens.
    pub(super) fn here(&self) -> impl Iterator<Item = &Look> {
        self.evidence.looks().iter().filter(|look| self.is_here(look))
    }

    /// True if it fails at some places only, and this is known to be none of them.
    pub fn is_elsewhere(&self, reached: &Reached) -> bool {
        self.whereabouts.named.as_ref().is_some_and(|places| places.hold(reached) == Some(false))
    }

    /// True if it is known at which of the partner's places it fails.
    pub fn is_located(&self) -> bool {
        self.whereabouts.named.is_some()
    }

    /// Where it fails, as far as that is known.
    pub(super) fn place(&self) -> Option<PlaceFinding> {
        self.whereabouts.finding(&self.sights())
    }

    /// Looks at tokens that are claimed to fail, or at all of them while none is.
    fn sights(&self) -> Vec<Sight<'_>> {
        let claimed = self.claimed();
        let fits = |look: &&Look| claimed.is_empty() || claimed.iter().any(|one| one.hits_set(look.features));
        let looks = self.evidence.looks().iter().filter(fits);
        let sights = looks.map(|look| Sight {
            token: look.token,
            pod: &look.pod,
            edges: look.features.intersection(self.family.edges),
            reached: &look.reached,
            failed: look.failed.is_some(),
        });
        sights.collect()
    }

    /// Looks at where it fails anew. If that is elsewhere than was known, the looks are weighed anew.
    pub(super) fn locate(&mut self) {
        let mut whereabouts = self.whereabouts.clone();
        let moved = whereabouts.judge(&self.odds, &self.sights());
        if !moved {
            self.whereabouts = whereabouts;
            return;
        }
        let background = Share::clamped(self.noise.background());
        let mut again = Self::of(Arc::clone(&self.family), background, self.seed);
        again.whereabouts = whereabouts;
        again.odds = Arc::clone(&self.odds);
        std::mem::swap(&mut again.evidence, &mut self.evidence);
        let looks: Vec<(usize, Look)> =
            again.evidence.looks().iter().cloned().enumerate().filter(|(_, look)| again.is_here(look)).collect();
        for (number, look) in looks {
            again.weigh(number, &look);
        }
        again.whereabouts.exposed = again.share_here();
        *self = again;
    }

    /// Which share of the attempts comes out where it fails. They were counted until enough had come
    /// out there, so the last of those says nothing (Haldane's estimate for inverse sampling).
    fn share_here(&self) -> f64 {
        let held = |look: &Look| self.whereabouts.named.as_ref().and_then(|places| places.hold(&look.reached));
        let told: Vec<bool> = self.evidence.looks().iter().filter_map(held).collect();
        let here = told.iter().filter(|here| **here).count();
        here.saturating_sub(1).max(1) as f64 / told.len().saturating_sub(1).max(1) as f64
    }

    /// The same, as it was when the places were named: later only failures may have been kept.
    pub(super) fn exposed(&self) -> Option<f64> {
        self.whereabouts.named.as_ref().map(|_| self.whereabouts.exposed)
    }
}
