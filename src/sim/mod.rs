//! The simulated world: faults by name, when they apply, and the partner that has them, without
//! sockets and without a clock. `partner_server` puts the same peer behind real sockets.

mod behaviour;
mod catalogue;
mod fault;
mod misparse;
mod predicate;
mod rule;
mod setting;

pub use behaviour::{
    Behaviour, CertificateFault, Ending, Oddity, SessionFault, TcpFault, TlsFault, TransportFault, UpgradeFault,
};
pub use catalogue::{Entry, Expected, Group, catalogue};
pub use fault::{Fault, UnknownFault};
pub use misparse::{Misparse, Part, Wrong};
pub use predicate::{CellIs, NameIs, Node, Percent, Predicate, Residue};
pub use rule::{FaultRule, RULES_MAX, RuleError};
pub use setting::{SettingError, Settings};
