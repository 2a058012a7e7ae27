//! The product's own engine in virtual worlds: restarts, aimed faults, delays, false pages.

mod call_answers;
mod call_faults;
mod calls;
mod cover;
mod delays;
mod diagnoses;
mod journal;
mod laws;
mod levers;
mod misuse;
mod quiet;
mod stories;
mod token_faults;
mod town;
