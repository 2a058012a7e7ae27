//! The facts. They are journalled, replayed after a restart, and self-contained: applying one
//! never looks at the plan, so a later plan cannot rewrite history.
//!
//! Compatibility: variants and fields are only ever added, with defaults; a variant that an older
//! reader does not know is kept in the journal and skipped by it.

use serde::{Deserialize, Serialize};

use crate::model::{
    AttemptId, AttemptSpec, EdgeName, IncidentNumber, Observation, PodName, ProbeName, ReceiverName, Share, Timestamp,
};

use super::{ComponentState, DeliveryId, Evidence, Experience, Notice, NoticeUpdate, Notification, Rule, Verdict};

/// One fact, at one moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Record {
    /// A plan was taken: what of it the state must know.
    PlanAdopted {
        /// When.
        at: Timestamp,
        /// The pods and their rules.
        pods: Vec<super::rules::PodRules>,
        /// A hash of the plan, to tell a change from a restart.
        fingerprint: u64,
    },
    /// What is to be looked at in a pod is other than before: tokens of other kinds, keys, names.
    CoverPlanned {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// What there is to look at, and when that was done last. Boxed: it is large and rare.
        cover: Box<crate::token::Cover>,
    },
    /// Slots passed in which nobody looked.
    SlotsMissed {
        /// When this was noticed.
        at: Timestamp,
        /// Of which probe.
        probe: ProbeName,
        /// In which pod.
        pod: PodName,
        /// The first moment that was not looked at.
        from: Timestamp,
        /// The last.
        until: Timestamp,
        /// Why.
        why: MissedWhy,
    },
    /// Probing stops.
    Paused {
        /// When.
        at: Timestamp,
        /// Where; everywhere if absent.
        pod: Option<PodName>,
        /// Until when.
        until: Timestamp,
    },
    /// Probing goes on.
    Resumed {
        /// When.
        at: Timestamp,
        /// Where; everywhere if absent.
        pod: Option<PodName>,
    },
    /// An attempt was asked for.
    AttemptStarted {
        /// Which.
        spec: AttemptSpec,
    },
    /// An attempt has given no result for longer than it should need.
    AttemptOverdue {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// Which.
        id: AttemptId,
    },
    /// An attempt is over and counted.
    Observed {
        /// How it went.
        observation: Observation,
    },
    /// A due attempt was left out, to fill the reserve for follow-ups or because the partner asked
    /// us to slow down.
    SlotGivenUp {
        /// When it was due.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// Of which probe.
        probe: ProbeName,
        /// True if the reserve got it.
        to_reserve: bool,
    },
    /// A failure is looked into: the same token again, and its contrasts.
    FollowUpsBegan {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// What failed.
        of: super::follow_up::FailedToken,
    },
    /// The look into a failure is over.
    FollowUpsEnded {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
    },
    /// An edge's certificate was seen for the first time, or is another one.
    CertificateSeen {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// Which edge.
        edge: EdgeName,
        /// Its end.
        not_after: Timestamp,
    },
    /// Failures that lasted less than a fault must last. Recorded, not paged.
    BlipSeen {
        /// When it was over.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// When it began.
        since: Timestamp,
        /// How many attempts failed.
        failures: u32,
    },
    /// A pod's usual share of failures was measured anew, and its rules follow.
    BaselineMeasured {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// The share.
        baseline: Share,
        /// The rules computed from it.
        cusum: super::rules::Cusum,
        /// Those of the traits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        traits: Option<super::rules::Cusum>,
    },
    /// How a pod is.
    VerdictChanged {
        /// When.
        at: Timestamp,
        /// Which pod.
        pod: PodName,
        /// How it is now.
        verdict: Verdict,
    },
    /// A rule's condition has begun to hold.
    AlertPending {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// Which rule.
        rule: Rule,
    },
    /// A pending alert's condition no longer holds.
    AlertDropped {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// Which rule.
        rule: Rule,
    },
    /// A rule has fired.
    AlertFiring {
        /// When.
        at: Timestamp,
        /// In which pod; none for location and ringcheck itself.
        pod: Option<PodName>,
        /// Which rule.
        rule: Rule,
        /// What it rests on.
        evidence: Evidence,
        /// What agents experience.
        experience: Experience,
    },
    /// Recovery is proven.
    AlertResolved {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: Option<PodName>,
        /// Which rule.
        rule: Rule,
    },
    /// A new incident.
    IncidentOpened {
        /// All about it; boxed because it is large and rare.
        incident: Box<super::IncidentFacts>,
    },
    /// An incident is known better, or has grown.
    IncidentUpdated {
        /// All about it, anew.
        incident: Box<super::IncidentFacts>,
    },
    /// It is looked for what separates failing from passing tokens.
    DiagnosisBegan {
        /// When.
        at: Timestamp,
        /// Of which incident.
        incident: IncidentNumber,
        /// What was seen before.
        evidence: crate::diagnosis::Evidence,
    },
    /// The diagnosis of an incident has taken in a look.
    Looked {
        /// When.
        at: Timestamp,
        /// Of which incident.
        incident: IncidentNumber,
        /// At which token, and what it told.
        look: crate::diagnosis::Look,
    },
    /// A token service may avoid the tokens that fail.
    AvoidApproved {
        /// When.
        at: Timestamp,
        /// Those of which incident.
        incident: IncidentNumber,
        /// Until when at the latest.
        until: Timestamp,
    },
    /// An incident is over.
    IncidentResolved {
        /// When.
        at: Timestamp,
        /// Which.
        number: IncidentNumber,
    },
    /// Somebody is to be told.
    NotificationQueued {
        /// What; boxed because it is large and rare.
        notification: Box<Notification>,
    },
    /// Somebody was told.
    NotificationDelivered {
        /// When.
        at: Timestamp,
        /// Which message.
        id: DeliveryId,
    },
    /// A receiver cannot be told; the message is given up here.
    NotificationAbandoned {
        /// When.
        at: Timestamp,
        /// Which message.
        id: DeliveryId,
        /// Who was to get it.
        receiver: ReceiverName,
    },
    /// A pod's components have a new public state.
    ComponentChanged {
        /// When.
        at: Timestamp,
        /// Which pod.
        pod: PodName,
        /// The new state of its components.
        state: ComponentState,
        /// Of which component, by what calls say; of all of them, by what connections say, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        component: Option<super::Component>,
    },
    /// A public notice was opened.
    NoticeOpened {
        /// All about it.
        notice: Notice,
    },
    /// A public notice goes on.
    NoticeUpdated {
        /// About which incident.
        incident: IncidentNumber,
        /// What is said.
        update: NoticeUpdate,
        /// The public names, which may have grown.
        public_names: Vec<String>,
    },
    /// The partner asked us to slow down; the pod's pace is halved until then.
    SlowedDown {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// No attempt before.
        quiet_until: Timestamp,
        /// Halved pace until.
        slow_until: Timestamp,
    },
    /// Nobody here holds a call any more, and it may be up at the partner.
    CallLeft {
        /// When this was noticed.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// Which.
        call: super::calls::StrayCall,
    },
    /// Calls that were left behind were looked for.
    CallsSought {
        /// When.
        at: Timestamp,
        /// In which pod.
        pod: PodName,
        /// Those of which attempts.
        calls: Vec<AttemptId>,
        /// What came of it.
        found: SoughtCalls,
    },
    /// The control targets' answer changed.
    ControlsChanged {
        /// When.
        at: Timestamp,
        /// How many answered.
        answered: u8,
        /// Of how many.
        of: u8,
    },
    /// Something of ours is in trouble, or is well again.
    TroubleChanged {
        /// When.
        at: Timestamp,
        /// What.
        what: Trouble,
        /// True when it begins.
        on: bool,
    },
}

impl Record {
    /// The moment it tells of.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::AttemptStarted { spec } => spec.at,
            Self::Observed { observation } => observation.finished,
            Self::IncidentOpened { incident } => incident.opened,
            Self::IncidentUpdated { incident } => incident.opened,
            Self::NotificationQueued { notification } => notification.at,
            Self::NoticeOpened { notice } => notice.updates.last().map_or(notice.started, |update| update.at),
            Self::NoticeUpdated { update, .. } => update.at,
            Self::PlanAdopted { at, .. }
            | Self::SlotsMissed { at, .. }
            | Self::Paused { at, .. }
            | Self::Resumed { at, .. }
            | Self::CoverPlanned { at, .. }
            | Self::AttemptOverdue { at, .. }
            | Self::SlotGivenUp { at, .. }
            | Self::FollowUpsBegan { at, .. }
            | Self::FollowUpsEnded { at, .. }
            | Self::CertificateSeen { at, .. }
            | Self::BlipSeen { at, .. }
            | Self::BaselineMeasured { at, .. }
            | Self::VerdictChanged { at, .. }
            | Self::AlertPending { at, .. }
            | Self::AlertDropped { at, .. }
            | Self::AlertFiring { at, .. }
            | Self::AlertResolved { at, .. }
            | Self::DiagnosisBegan { at, .. }
            | Self::Looked { at, .. }
            | Self::AvoidApproved { at, .. }
            | Self::IncidentResolved { at, .. }
            | Self::NotificationDelivered { at, .. }
            | Self::NotificationAbandoned { at, .. }
            | Self::ComponentChanged { at, .. }
            | Self::SlowedDown { at, .. }
            | Self::CallLeft { at, .. }
            | Self::CallsSought { at, .. }
            | Self::ControlsChanged { at, .. }
            | Self::TroubleChanged { at, .. } => *at,
        }
    }

    /// The pod it tells of, if it is one pod's.
    pub fn pod(&self) -> Option<&PodName> {
        match self {
            Self::AttemptStarted { spec } => Some(&spec.pod),
            Self::Observed { observation } => Some(&observation.pod),
            Self::SlotsMissed { pod, .. }
            | Self::CoverPlanned { pod, .. }
            | Self::AttemptOverdue { pod, .. }
            | Self::SlotGivenUp { pod, .. }
            | Self::FollowUpsBegan { pod, .. }
            | Self::FollowUpsEnded { pod, .. }
            | Self::CertificateSeen { pod, .. }
            | Self::BlipSeen { pod, .. }
            | Self::BaselineMeasured { pod, .. }
            | Self::VerdictChanged { pod, .. }
            | Self::AlertPending { pod, .. }
            | Self::AlertDropped { pod, .. }
            | Self::ComponentChanged { pod, .. }
            | Self::CallLeft { pod, .. }
            | Self::CallsSought { pod, .. }
            | Self::SlowedDown { pod, .. } => Some(pod),
            Self::Paused { pod, .. }
            | Self::Resumed { pod, .. }
            | Self::AlertFiring { pod, .. }
            | Self::AlertResolved { pod, .. } => pod.as_ref(),
            Self::PlanAdopted { .. }
            | Self::IncidentOpened { .. }
            | Self::IncidentUpdated { .. }
            | Self::DiagnosisBegan { .. }
            | Self::Looked { .. }
            | Self::AvoidApproved { .. }
            | Self::IncidentResolved { .. }
            | Self::NotificationQueued { .. }
            | Self::NotificationDelivered { .. }
            | Self::NotificationAbandoned { .. }
            | Self::NoticeOpened { .. }
            | Self::NoticeUpdated { .. }
            | Self::ControlsChanged { .. }
            | Self::TroubleChanged { .. } => None,
        }
    }
}

/// Why nobody looked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedWhy {
    /// Probing was paused.
    Paused,
    /// The node was down or slept.
    Down,
    /// The pod's budget was spent, or the partner had asked us to slow down.
    Budget,
}

/// What came of looking for calls that were left behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoughtCalls {
    /// None of them is up any more.
    Ended {
        /// So many were up, and were ended.
        ended: u32,
    },
    /// The partner could not be asked, or did not do it.
    Again {
        /// When it is tried again.
        not_before: Timestamp,
    },
    /// It cannot be done, or was tried often enough: they may be up for hours.
    GivenUp,
}

/// What of ours can be in trouble.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The journal cannot be written.
    Journal,
    /// The store was damaged and begun anew.
    Store,
    /// Facts in the store could not be read back at the start.
    Facts,
    /// A receiver cannot be reached.
    Receiver,
    /// A secret cannot be read.
    Secret,
    /// This location's control targets all fail.
    Network,
    /// Attempts are lost without a result.
    Attempts,
}
