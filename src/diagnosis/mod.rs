//! Which predicate separates failing from passing tokens, and which token to try next: evidence in,
//! finding and next wish out. Pure, and the same under the same seed. Knows tokens by their features
//! only; who asks, mints and dials is not its business. `docs/diagnosis.md` tells the method.

mod affected;
mod chance;
mod evidence;
mod fail_share;
mod family;
mod finding;
mod ground;
mod hypothesis;
mod inquiry;
mod noise;
mod odds;
mod outlook;
mod places;
mod posterior;
mod predicate;
mod spared;
mod verification;
mod whereabouts;
mod wish;

pub use affected::{Affected, Remedy};
pub use chance::Chance;
pub use evidence::{Evidence, HowFailed, LOOKS_MAX, Look};
pub use fail_share::FailShare;
pub use family::Family;
pub use finding::{Counts, Finding, FindingState, RuledOut};
pub use inquiry::Diagnosis;
pub use places::{PlaceFinding, PlaceSort, PlaceState, Places};
pub use predicate::{Conjunction, Predicate};
pub use spared::Spared;
pub use wish::Wish;
