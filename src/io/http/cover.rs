//! How long ago everything that a pod's tokens can hold was looked at: for the API and for a page.

use serde::Serialize;

use crate::engine::CoverView;
use crate::model::{KeySlot, Timestamp, TokenKind, humane};
use crate::token::{CoverAges, CoverSet, PlaceAge};

use super::answer::{Moment, moment};

/// How far the cover of a pod is.
#[derive(Serialize)]
pub(super) struct CoverAnswer {
    /// False where tokens come from elsewhere: then chance decides what is looked at.
    steered: bool,
    sets: Vec<SetAnswer>,
}

#[derive(Serialize)]
struct SetAnswer {
    set: CoverSet,
    /// With tokens of this kind and key only; with any if null.
    kind: Option<TokenKind>,
    key: Option<KeySlot>,
    reachable: u32,
    covered: u32,
    covered_share: f64,
    never: u32,
    period_looks: u32,
    oldest_look_s: Option<f64>,
    oldest: Vec<PlaceAnswer>,
}

#[derive(Serialize)]
struct PlaceAnswer {
    text: String,
    looks_ago: Option<u32>,
    looked: Option<Moment>,
}

impl CoverAnswer {
    pub(super) fn of(cover: &CoverView, now: Timestamp) -> Self {
        Self { steered: cover.steered, sets: cover.sets.iter().map(|ages| SetAnswer::of(ages, now)).collect() }
    }
}

impl SetAnswer {
    fn of(ages: &CoverAges, now: Timestamp) -> Self {
        Self {
            set: ages.set,
            kind: ages.class.map(|(kind, _)| kind),
            key: ages.class.map(|(_, key)| key),
            reachable: ages.reachable,
            covered: ages.covered,
            covered_share: (f64::from(ages.covered) / f64::from(ages.reachable.max(1)) * 1_000.0).round() / 1_000.0,
            never: ages.never,
            period_looks: ages.period,
            oldest_look_s: oldest_look(ages, now).map(|age| age.as_secs_f64()),
            oldest: ages.worst.iter().map(PlaceAnswer::of).collect(),
        }
    }
}

impl PlaceAnswer {
    fn of(place: &PlaceAge) -> Self {
        Self { text: place.what.to_string(), looks_ago: place.looks, looked: place.at.map(moment) }
    }
}

/// How long ago the place of a set was looked at that has waited longest; none if one never was.
pub(super) fn oldest_look(ages: &CoverAges, now: Timestamp) -> Option<std::time::Duration> {
    ages.worst.first().and_then(|place| place.at).map(|at| now.since(at))
}

/// A set as a row of the pod's page.
pub(super) struct CoverRow {
    pub(super) what: String,
    pub(super) covered: String,
    pub(super) oldest: String,
    pub(super) late: bool,
}

impl CoverRow {
    pub(super) fn of(ages: &CoverAges, now: Timestamp) -> Self {
        let with = match ages.class {
            None => String::new(),
            Some((TokenKind::Access, key)) => format!(", access tokens with API key {}", u16::from(key.0) + 1),
            Some((TokenKind::Capability, _)) => ", capability tokens".to_owned(),
        };
        let oldest = match (ages.worst.first(), oldest_look(ages, now)) {
            (Some(place), None) => format!("never: {}", place.what),
            (Some(place), Some(age)) => format!("{} ago: {}", humane(age), place.what),
            (None, _) => String::new(),
        };
        Self {
            what: format!("{}{with}", in_words(ages.set)),
            covered: format!("{} of {} in the last {} looks", ages.covered, ages.reachable, ages.period),
            oldest,
            late: ages.covered < ages.reachable,
        }
    }
}

const fn in_words(set: CoverSet) -> &'static str {
    match set {
        CoverSet::SignatureCells => "Places in the signature",
        CoverSet::SignaturePairs => "Pairs in the signature",
        CoverSet::PayloadCells => "Places in the payload",
        CoverSet::Names => "Lengths of name",
        CoverSet::Lengths => "Lengths with any kind",
    }
}
