//! A diagnosis under way: what was seen, what is claimed, and what is believed of the rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{AttemptId, Share};
use crate::token::FeatureSet;

use super::FailShare;
use super::evidence::{Evidence, Look};
use super::family::Family;
use super::hypothesis::Hypothesis;
use super::noise::{Noise, Tally, nats};
use super::odds::Odds;
use super::places::Whereabouts;
use super::posterior::{Exponentials, Mass, Masses, Posterior};

/// A predicate that always fails is claimed from this posterior on.
const CLAIM: f64 = 0.95;
/// … if it is believed this much that it is not only a share that fails.
const CLAIM_ALWAYS: f64 = 0.8;
/// Where a share fails, from this one on.
pub(super) const CLAIM_SHARE: f64 = 0.99;
/// Looks at a failing token before it is believed to fail always.
pub(super) const CONFIRMED: u16 = 3;
/// Faults at once that are told apart; further failures stay unexplained.
const CLAIMS_MAX: usize = 4;
/// Belief that there is something to find when a diagnosis is asked for …
const SOMETHING: f64 = 0.98;
/// … and that there is something more once a predicate is claimed.
const SOMETHING_MORE: f64 = 0.1;
/// A claim is withdrawn if doing without it explains everything better by so many nats.
const WITHDRAWN_NATS: f64 = 2.0;
/// Where it fails is looked at anew with each failure, and with one in so many looks.
const LOCATED_ONE_IN: usize = 8;
/// Two faults at once are thought of in so many first looks: later ones cost ever more to weigh, and
/// by then they have either been told apart or are shares of something.
const SPLIT_LOOKS_MAX: usize = 160;
/// Failing tokens before two faults at once are thought of …
const SPLIT_FAILURES: usize = 3;
/// … predicates that are tried as the first of them …
const SPLIT_RIVALS: usize = 6;
/// … and by how much the best must be better than the others and than a single one, in nats.
const SPLIT_NATS: f64 = 3.0;
/// Belief in a predicate once another is claimed, from which on it is taken for a second fault.
const BESIDE: f64 = 0.3;

/// What was seen of one token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    pub(super) set: FeatureSet,
    pub(super) tally: Tally,
    /// When it was last looked at: a count of looks.
    pub(super) last: usize,
}

/// A predicate that was found to fail always. What it hits is explained; the search goes on in
/// the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Claim {
    pub(super) place: usize,
    pub(super) hypothesis: Hypothesis,
}

/// Finds what separates failing from passing tokens: evidence in, finding and next wish out. The
/// same evidence in the same order with the same seed gives the same answers.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    pub(super) family: Arc<Family>,
    pub(super) noise: Noise,
    pub(super) seed: u64,
    pub(super) evidence: Evidence,
    /// Where at the partner it fails; what came out elsewhere says nothing of tokens.
    pub(super) whereabouts: Whereabouts,
    pub(super) odds: Arc<Odds>,
    pub(super) texts: BTreeMap<AttemptId, Text>,
    /// Looks that say something of tokens.
    pub(super) weighed: usize,
    pub(super) claims: Vec<Claim>,
    /// Over the tokens that no claim hits.
    posterior: Posterior,
    pub(super) masses: Masses,
    /// Features that tokens outside the claims can have, and that no passing one had yet.
    pub(super) missing: FeatureSet,
    /// A claim turned out to be wrong and nothing took its place yet.
    pub(super) withdrawn: bool,
    exponentials: Exponentials,
}

impl Diagnosis {
    /// A diagnosis that has seen nothing. `background` is the share of attempts that fail in this
    /// pod while nothing is wrong.
    pub fn of(family: Arc<Family>, background: Share, seed: u64) -> Self {
        let exponentials = Exponentials::new();
        let posterior = Posterior::new(&family, SOMETHING);
        let can_be = family.sample.iter().fold(FeatureSet::NONE, |sum, set| sum.union(*set));
        Self {
            missing: can_be,
            noise: Noise::new(background.get()),
            seed,
            evidence: Evidence::about(&family),
            whereabouts: Whereabouts::default(),
            odds: Arc::new(Odds::new()),
            texts: BTreeMap::new(),
            weighed: 0,
            claims: Vec::new(),
            masses: posterior.masses(&family, &exponentials),
            posterior,
            withdrawn: false,
            exponentials,
            family,
        }
    }

    /// The diagnosis that has seen this. Evidence of another family says nothing here and is let go.
    pub fn resumed(family: Arc<Family>, background: Share, seed: u64, evidence: &Evidence) -> Self {
        let known = evidence.is_about(&family);
        let mut diagnosis = Self::of(family, background, seed);
        for look in evidence.looks().iter().filter(|_| known) {
            diagnosis.take(look.clone());
        }
        diagnosis
    }

    /// What was seen so far.
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Takes in one look.
    pub fn observe(&mut self, look: Look) {
        if self.evidence.make_room() {
            let background = Share::clamped(self.noise.background());
            *self = Self::resumed(Arc::clone(&self.family), background, self.seed, &self.evidence);
        }
        self.take(look);
    }

    fn take(&mut self, look: Look) {
        let number = self.evidence.looks().len();
        let (judged, told) = (look.failed.is_some() || number.is_multiple_of(LOCATED_ONE_IN), &look.reached);
        let judged = judged && !told.is_unknown();
        if self.is_here(&look) {
            self.weigh(number, &look);
        }
        self.evidence.push(look);
        if judged {
            self.locate();
        }
    }

    /// What a look says of tokens.
    pub(super) fn weigh(&mut self, number: usize, look: &Look) {
        let (set, failed) = (look.features, look.failed.is_some());
        let split = self.weighed < SPLIT_LOOKS_MAX;
        self.weighed += 1;
        let text = self.texts.entry(look.token).or_insert(Text { set, tally: Tally::default(), last: number });
        let before = text.tally;
        let after = before.and(failed);
        (text.tally, text.last) = (after, number);
        // One text has one set of features, whatever a later look says.
        let set = text.set;
        let explained = self.explains(set);
        if !explained {
            self.posterior.learn(&self.family, self.noise, set, before, after);
            if !failed {
                self.missing = self.missing.without(set);
            }
        }
        self.masses = self.posterior.masses(&self.family, &self.exponentials);
        let surprising = if explained { !failed } else { after.always_failed() && after.looks == CONFIRMED };
        if surprising && !self.claims.is_empty() {
            self.reconsider();
        }
        self.judge();
        if failed && !explained && split {
            self.split();
        }
    }

    /// True if a claim hits such tokens.
    pub(super) fn explains(&self, set: FeatureSet) -> bool {
        self.claims.iter().any(|claim| claim.hypothesis.hits_set(set))
    }

    /// Claims what is believed strongly enough, and goes on in the rest.
    fn judge(&mut self) {
        while self.claims.len() < CLAIMS_MAX {
            let always = |mass: &&Mass| mass.shares[FailShare::All as usize] >= CLAIM_ALWAYS * mass.total();
            let found = self.masses.best().filter(|mass| mass.total() >= CLAIM).filter(always);
            let Some(claim) = found.map(|mass| Claim { place: mass.place, hypothesis: mass.hypothesis }) else { break };
            self.claims.push(claim);
            self.withdrawn = false;
            self.start_on_the_rest();
        }
    }

    /// Two faults at once look like a share of something wider. If one predicate that always fails,
    /// and whatever may be in the rest, explains more than any single one: that is claimed.
    fn split(&mut self) {
        let failing = self.texts.values().filter(|text| text.tally.always_failed() && !self.explains(text.set)).count();
        if failing < SPLIT_FAILURES || self.claims.len() >= CLAIMS_MAX {
            return;
        }
        let something = self.something();
        let rivals = self.posterior.always_failing(&self.family, SPLIT_RIVALS);
        let mut scored: Vec<(f64, Self)> = Vec::new();
        for (place, weight) in rivals {
            let mut after = self.clone();
            after.claims.push(Claim { place, hypothesis: self.family.hypotheses[place] });
            after.start_on_the_rest();
            let score = something.ln() + FailShare::All.belief().ln() + weight + after.masses.evidence;
            scored.push((score, after));
        }
        scored.sort_by(|one, other| other.0.total_cmp(&one.0));
        let Some((best, after)) = scored.first() else { return };
        // What the best leaves over for itself is no rival: the order of two faults does not matter.
        let rivals = scored.iter().skip(1).filter(|(_, rival)| {
            let place = rival.claims.last().map(|claim| claim.place);
            let beside = after.masses.hypotheses.iter().find(|mass| Some(mass.place) == place);
            beside.is_none_or(|mass| mass.shares[FailShare::All as usize] < BESIDE)
        });
        let second = rivals.map(|(score, _)| *score).fold(self.masses.evidence, f64::max);
        if *best > second + SPLIT_NATS {
            *self = Self { withdrawn: false, ..after.clone() };
            self.judge();
        }
    }

    fn something(&self) -> f64 {
        if self.claims.is_empty() { SOMETHING } else { SOMETHING_MORE }
    }

    /// Weighs the tokens that no claim hits.
    fn start_on_the_rest(&mut self) {
        let mut posterior = Posterior::new(&self.family, self.something());
        for text in self.texts.values().filter(|text| !self.explains(text.set)) {
            posterior.learn(&self.family, self.noise, text.set, Tally::default(), text.tally);
        }
        self.masses = posterior.masses(&self.family, &self.exponentials);
        self.posterior = posterior;
        self.missing = self.untried();
    }

    /// Something speaks against the claims: are they, with one more for the rest, still a better
    /// explanation than a single predicate for everything?
    fn reconsider(&mut self) {
        let claimed = self.evidence_for_claims() + self.masses.evidence;
        let mut without = Self { claims: Vec::new(), ..self.clone() };
        without.start_on_the_rest();
        if without.masses.evidence > claimed + WITHDRAWN_NATS {
            *self = Self { withdrawn: true, ..without };
        }
    }

    /// Evidence and belief for the claims, each on the tokens that those before it do not hit.
    fn evidence_for_claims(&self) -> f64 {
        let mut sum = 0.0;
        for (number, claim) in self.claims.iter().enumerate() {
            let something = if number == 0 { SOMETHING } else { SOMETHING_MORE };
            sum += something.ln() + FailShare::All.belief().ln() + nats(self.family.beliefs[claim.place]);
            let earlier = &self.claims[..number];
            let own = self.texts.values().filter(|text| {
                claim.hypothesis.hits_set(text.set) && !earlier.iter().any(|c| c.hypothesis.hits_set(text.set))
            });
            sum += own.map(|text| nats(self.noise.gains(text.tally)[FailShare::All as usize])).sum::<f64>();
        }
        sum
    }

    /// A failing token that is not explained and was not looked at often enough to be believed.
    pub(super) fn unconfirmed(&self) -> Option<(AttemptId, &Text)> {
        let unexplained =
            || self.texts.iter().filter(|(_, text)| text.tally.always_failed() && !self.explains(text.set));
        // Failures that gather at a place are none of a text's own.
        if self.whereabouts.named.is_some() {
            return None;
        }
        // One that is proven to fail will do; where only shares fail, repeats are chosen by what they tell.
        let proven = unexplained().any(|(_, text)| text.tally.looks >= CONFIRMED);
        let shares_only = self.masses.deterministic + self.masses.nothing < 0.2;
        if proven || shares_only {
            return None;
        }
        unexplained().max_by_key(|(_, text)| text.last).map(|(token, text)| (*token, text))
    }
}
