//! Words for people, and the one JSON shape for machines that are told. Pure: everything is said
//! from the engine's facts, nothing is looked up. Each line of a page rests on a fact.

mod advice;
mod agents;
pub mod calls;
mod diagnosis;
mod event;
mod fault;
mod finding;
mod found_event;
mod headline;
mod hit;
mod notice;
mod page;
mod place;
mod subject_matter;
#[cfg(test)]
mod tests;

pub use event::{BODY_BYTES_MAX, IncidentEvent, event};
pub use found_event::{AvoidData, CountsData, DiagnosisData, PlaceData, SparedData};
pub use headline::{headline, subject};
pub use hit::{AffectedData, agents_hit};
pub use notice::{Language, NoticeText, notice_text, notice_title};
pub use page::{Page, incident_url, page};
