//! The product's own engine in virtual worlds: restarts, aimed faults, delays, false pages.

mod cover;
mod delays;
mod diagnoses;
mod journal;
mod laws;
mod misuse;
mod quiet;
mod stories;
mod token_faults;
mod town;
