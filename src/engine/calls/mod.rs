//! Test calls: few, dear, and judged apart from connections. They have a schedule, a budget, a
//! memory and rules of their own, and never enter what is counted of connections.

mod forecast;
pub(super) mod judging;
mod lane;
mod making;
mod memory;
mod rules;
mod score;
mod spending;
mod state;
mod strays;
mod trouble;
mod view;

pub use forecast::{CallForecast, forecast};
pub use lane::CallLane;
pub use memory::{CallMemory, CallSeen};
pub use rules::{CallProbeRules, CallRules};
pub use score::{CallScore, FailedCall};
pub use spending::Spending;
pub use state::CallState;
pub use strays::{CallSearch, StrayCall, Strays};
pub use trouble::CallTrouble;
pub use view::{CallBudgetView, CallView};

pub(super) use rules::rules_of;
pub(super) use view::{budget, calls};
