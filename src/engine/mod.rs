//! How a page comes about, in facts. A pure machine: [`Engine::handle`] takes one input at one
//! moment and returns a [`Turn`]: facts to journal, then effects to carry out. It reads no clock,
//! rolls no dice, touches no file; the node, the simulator and a replay run exactly this.

mod alert;
mod attempt;
mod attribution;
mod avoid;
mod baseline;
pub mod bound;
pub mod calls;
mod cusum;
mod diagnosing;
mod dispatches;
mod estimate;
mod facts;
mod focus;
mod follow_up;
pub mod forecast;
mod incident;
mod lane;
mod notice;
mod notification;
mod outage;
mod picture;
mod pipeline;
mod plain;
mod pod_state;
mod pods;
mod proven;
mod publish;
mod record;
mod rule;
pub mod rules;
mod seen;
mod spared;
mod state;
mod timer;
mod trait_scores;
mod tuning;
mod turn;
mod view;
mod whom;

pub use avoid::{Approval, Avoid};
pub use facts::{
    ConfigurationClue, DeliveryId, Evidence, Experience, IncidentFacts, IncidentState, Notification, NotifyReason,
    PodImpact, Split, Symptom, TraitClass, Whose, WhoseVerdict,
};
pub use follow_up::FailedToken;
pub use notice::{Component, ComponentState, ComponentStatus, Notice, NoticeMatter, NoticeStage, NoticeUpdate};
pub use pipeline::Engine;
pub use pods::Pods;
pub use record::{MissedWhy, Record, SoughtCalls, Trouble};
pub use rule::{Audience, Rule};
pub use state::State;
pub use turn::{Command, DeliveryResult, Effect, Input, Turn, Wake};
pub use view::{AlertState, AlertView, CoverView, OutcomeMark, PodView, ProbeView, Verdict, View};
