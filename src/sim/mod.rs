//! The simulated world: faults by name, when they apply, and the partner that has them, without
//! sockets and without a clock. `partner_server` puts the same peer behind real sockets.

mod answers;
mod behaviour;
mod call_answers;
mod call_fault;
mod candidates;
mod catalogue;
mod fault;
mod minter;
mod misparse;
mod outcome;
pub mod play;
mod predicate;
mod rule;
pub mod scenario;
mod scenario_shape;
mod setting;
pub mod story;
#[cfg(test)]
mod tests;
pub mod twilio;
mod usual;
mod weather;
mod world;

pub use behaviour::{
    Behaviour, CertificateFault, Ending, Oddity, SessionFault, TcpFault, TlsFault, TransportFault, UpgradeFault,
};
pub use call_answers::{CallAnswer, CallAnswers, CallSort};
pub use call_fault::{
    CallFault, DeliveryFault, DescriptionFault, FarFault, MidCallFault, NumberFault, PathFault, RestFault, SetUpFault,
    SoundFault,
};
pub use catalogue::{Entry, Expected, Group, catalogue};
pub use fault::{Fault, UnknownFault};
pub use misparse::{Misparse, Part, Wrong};
pub use outcome::{Course, Outcomes};
pub use predicate::{CellIs, NameIs, Node, Percent, Predicate, Residue};
pub use rule::{FaultRule, RULES_MAX, RuleError};
pub use scenario_shape::SCENARIO;
pub use setting::{SettingError, Settings};
pub use usual::{usual_call, usual_settings};
pub use weather::Weather;
pub use world::{ComponentMove, Delivered, Mishap, World};
