//! Everything the engine knows. [`State::apply`] is its only mutation: total, infallible, and
//! without a plan in sight, so that replaying the facts always gives the same state.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::diagnosis::{Evidence, FindingState, PlaceState};
use crate::model::{AttemptId, AttemptSpec, IncidentNumber, ReceiverName, Timestamp};

use super::follow_up::FollowUp;
use super::pod_state::{Alert, BoundToken, PodState};
use super::pods::Pods;
use super::rules::PodRules;
use super::{
    AlertState, Approval, DeliveryId, IncidentFacts, IncidentState, MissedWhy, Notice, Notification, NotifyReason,
    Record, Rule, Trouble,
};

/// Closed incidents and notices that are remembered for the dashboard and the status page.
pub const CLOSED_MAX: usize = 50;
/// Messages that wait in the outbox at most; with more, the oldest settled ones are long gone
/// and the oldest updates are dropped, never a first page.
pub const OUTBOX_MAX: usize = 1_000;

/// Everything the engine knows.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct State {
    /// The pods, by name.
    pub pods: Pods,
    /// Open incidents and the newest closed ones.
    pub incidents: BTreeMap<IncidentNumber, Incident>,
    /// Messages that are not delivered yet.
    pub outbox: BTreeMap<DeliveryId, Notification>,
    /// Notices, oldest first.
    pub notices: Vec<Notice>,
    /// Alerts that belong to no pod.
    pub own_alerts: BTreeMap<Rule, Alert>,
    /// Everything is paused until.
    pub paused_until: Option<Timestamp>,
    /// Control targets that answered, of how many, and since when that is so.
    pub controls: Option<(u8, u8, Timestamp)>,
    /// What of ours is in trouble, since when.
    pub troubles: BTreeMap<Trouble, Timestamp>,
    /// A hash of the plan taken last.
    pub fingerprint: Option<u64>,
    /// When the plan last changed.
    pub configured: Option<Timestamp>,
    /// The newest moment that a fact tells of.
    pub last_seen: Timestamp,
    /// Facts applied.
    pub facts: u64,
    /// Incidents opened so far.
    pub incidents_opened: u32,
}

/// An incident and who was told of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Incident {
    /// All about it.
    pub facts: IncidentFacts,
    /// Who got the first page; they get what follows.
    pub told: BTreeSet<ReceiverName>,
    /// Messages sent so far.
    pub sequence: u32,
    /// When the last message was queued.
    pub last_told: Timestamp,
    /// What the last message said, to see whether there is more to say.
    pub said: Option<Said>,
    /// What its diagnosis rests on, once it has one.
    #[serde(default)]
    pub evidence: Option<Evidence>,
    /// True once its end was queued.
    #[serde(default)]
    pub end_told: bool,
}

/// What the last message said.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Said {
    /// How many pods were named.
    pub pods: usize,
    /// Whose fault it was said to be, if it was said at all.
    pub whose: Option<super::WhoseVerdict>,
    /// True if it named what separates failing from passing.
    pub split: bool,
    /// How far the diagnosis was.
    #[serde(default)]
    pub finding: Option<FindingState>,
    /// How far it was known at which of the partner's places it fails.
    #[serde(default)]
    pub place: Option<PlaceState>,
    /// Until when it said that tokens may be avoided, if they may.
    #[serde(default)]
    pub avoid: Option<Timestamp>,
    /// True if it said that nobody can connect somewhere.
    pub total: bool,
}

impl State {
    /// Takes in a fact.
    pub fn apply(&mut self, record: &Record) {
        self.facts += 1;
        self.last_seen = self.last_seen.max(record.at());
        match record {
            Record::PlanAdopted { at, pods, fingerprint } => self.adopt(*at, pods, *fingerprint),
            Record::Paused { pod: None, until, .. } => self.paused_until = Some(*until),
            Record::Resumed { pod: None, .. } => self.paused_until = None,
            Record::ControlsChanged { at, answered, of } => self.controls = Some((*answered, *of, *at)),
            Record::TroubleChanged { at, what, on } => self.trouble(*at, *what, *on),
            Record::AlertFiring { at, pod: None, rule, evidence, experience } => {
                let alert = Alert {
                    state: AlertState::Firing,
                    since: *at,
                    evidence: Some(evidence.clone()),
                    experience: Some(*experience),
                };
                self.own_alerts.insert(*rule, alert);
            }
            Record::AlertResolved { pod: None, rule, .. } => {
                self.own_alerts.remove(rule);
            }
            Record::IncidentOpened { incident } => self.open(incident),
            Record::IncidentUpdated { incident } => {
                if let Some(known) = self.incidents.get_mut(&incident.number) {
                    known.facts = incident.as_ref().clone();
                }
            }
            Record::DiagnosisBegan { incident, evidence, .. } => {
                if let Some(known) = self.incidents.get_mut(incident) {
                    known.evidence = Some(evidence.clone());
                }
            }
            Record::Looked { incident, look, .. } => {
                if let Some(evidence) = self.incidents.get_mut(incident).and_then(|known| known.evidence.as_mut()) {
                    evidence.take(look.clone());
                }
            }
            Record::AvoidApproved { at, incident, until } => {
                if let Some(avoid) = self.incidents.get_mut(incident).and_then(|known| known.facts.avoid.as_mut()) {
                    avoid.approval = Some(Approval { at: *at, until: *until });
                }
            }
            Record::IncidentResolved { at, number } => self.close(*at, *number),
            Record::NotificationQueued { notification } => self.queue(notification),
            Record::NotificationDelivered { id, .. } | Record::NotificationAbandoned { id, .. } => {
                self.outbox.remove(id);
            }
            Record::NoticeOpened { notice } => {
                self.notices.push(notice.clone());
                if self.notices.len() > CLOSED_MAX {
                    self.notices.remove(0);
                }
            }
            Record::NoticeUpdated { incident, update, public_names } => {
                if let Some(notice) = self.notices.iter_mut().find(|notice| notice.incident == *incident) {
                    notice.updates.push(*update);
                    notice.public_names.clone_from(public_names);
                }
            }
            of_a_pod => self.apply_to_pod(of_a_pod),
        }
    }

    fn apply_to_pod(&mut self, record: &Record) {
        let Some(pod) = record.pod().and_then(|name| self.pods.get_mut(name)) else { return };
        match record {
            Record::SlotsMissed { probe, until, why, .. } => {
                pod.cursors.entry(probe.clone()).or_default().at = *until;
                let of_calls = pod.rules.calls.as_ref().and_then(|rules| rules.probes.get(probe));
                if let Some(probe) = of_calls.filter(|_| *why == MissedWhy::Budget) {
                    pod.calls.stop(probe.direction, *until);
                }
            }
            Record::CoverPlanned { cover, .. } => pod.cover = Some(cover.as_ref().clone()),
            Record::Paused { until, .. } => pod.paused_until = Some(*until),
            Record::Resumed { .. } => pod.paused_until = None,
            Record::AttemptStarted { spec } => pod.start(spec.clone()),
            Record::SlotGivenUp { at, probe, to_reserve, .. } => pod.give_up_slot(*at, probe, *to_reserve),
            Record::AttemptOverdue { id, .. } => pod.overdue(*id),
            Record::Observed { observation } => pod.observe(observation),
            Record::FollowUpsBegan { at, of, .. } => pod.follow_up = Some(FollowUp::of(of.clone(), *at)),
            Record::FollowUpsEnded { .. } => pod.follow_up = None,
            Record::BlipSeen { at, .. } => pod.blip(*at),
            Record::BaselineMeasured { at, cusum, traits, .. } => {
                pod.rules.cusum = *cusum;
                pod.rules.traits = *traits;
                pod.baseline.measured(*at);
            }
            Record::VerdictChanged { at, verdict, .. } => {
                pod.verdict = *verdict;
                pod.verdict_since = *at;
            }
            Record::AlertPending { at, rule, .. } => {
                let alert = Alert { state: AlertState::Pending, since: *at, evidence: None, experience: None };
                pod.alerts.insert(*rule, alert);
            }
            Record::AlertDropped { rule, .. } => {
                pod.alerts.remove(rule);
            }
            Record::AlertFiring { at, rule, evidence, experience, .. } => {
                fire(pod, *at, *rule, evidence.clone(), *experience);
            }
            Record::AlertResolved { at, rule, .. } => {
                resolve(pod, *rule);
                pod.calls.resolved(*rule, *at);
            }
            Record::ComponentChanged { at, state, component: Some(component), .. } => {
                pod.calls.components.insert(*component, (*state, *at));
            }
            Record::ComponentChanged { at, state, component: None, .. } => {
                pod.component = *state;
                pod.component_since = *at;
            }
            Record::SlowedDown { quiet_until, slow_until, .. } => {
                pod.quiet_until = Some(*quiet_until);
                pod.slow_until = Some(*slow_until);
                pod.follow_up = None;
            }
            Record::CallLeft { call, .. } => pod.calls.strays.left(call.clone()),
            Record::CallsSought { calls, found, .. } => pod.calls.strays.sought(calls, *found),
            Record::CertificateSeen { edge, not_after, .. } => {
                pod.certificates.insert(edge.clone(), *not_after);
            }
            // Everything else belongs to no pod and was dealt with before.
            _ => {}
        }
    }

    fn adopt(&mut self, at: Timestamp, pods: &[PodRules], fingerprint: u64) {
        self.pods.retain(|name| pods.iter().any(|rules| rules.pod == *name));
        for rules in pods {
            match self.pods.get_mut(&rules.pod) {
                Some(pod) => pod.take_rules(rules.clone()),
                None => {
                    self.pods.insert(rules.pod.clone(), PodState::new(rules.clone(), at));
                }
            }
        }
        if self.fingerprint.is_some_and(|known| known != fingerprint) {
            self.configured = Some(at);
        }
        self.fingerprint = Some(fingerprint);
    }

    fn trouble(&mut self, at: Timestamp, what: Trouble, on: bool) {
        if on {
            self.troubles.entry(what).or_insert(at);
        } else {
            self.troubles.remove(&what);
        }
        if what == Trouble::Network {
            for pod in self.pods.values_mut() {
                pod.forgive();
            }
        }
    }

    fn open(&mut self, facts: &IncidentFacts) {
        self.incidents_opened = self.incidents_opened.max(facts.number.0);
        self.incidents.insert(
            facts.number,
            Incident {
                facts: facts.clone(),
                told: BTreeSet::new(),
                sequence: 0,
                last_told: facts.opened,
                said: None,
                evidence: None,
                end_told: false,
            },
        );
        let closed = self.incidents.values().filter(|i| i.facts.state == IncidentState::Resolved).count();
        if closed > CLOSED_MAX
            && let Some(oldest) =
                self.incidents.iter().find(|(_, i)| i.facts.state == IncidentState::Resolved).map(|(n, _)| *n)
        {
            self.incidents.remove(&oldest);
        }
    }

    fn close(&mut self, at: Timestamp, number: IncidentNumber) {
        if let Some(incident) = self.incidents.get_mut(&number) {
            incident.facts.state = IncidentState::Resolved;
            incident.facts.resolved = Some(at);
            // Its finding stays; what it rested on is in the journal.
            incident.evidence = None;
            incident.facts.avoid = None;
        }
    }

    fn queue(&mut self, notification: &Notification) {
        if let Some(incident) = self.incidents.get_mut(&notification.incident.number) {
            incident.sequence = incident.sequence.max(notification.sequence);
            incident.last_told = notification.at;
            incident.said = Some(Said::of(&notification.incident));
            incident.end_told |= notification.reason == NotifyReason::Resolved;
            if notification.reason == NotifyReason::First {
                incident.told.insert(notification.receiver.clone());
            }
        }
        if self.outbox.len() >= OUTBOX_MAX {
            let droppable = |n: &&Notification| matches!(n.reason, NotifyReason::Wider | NotifyReason::Learned);
            if let Some(id) = self.outbox.values().find(droppable).map(|n| n.id.clone()) {
                self.outbox.remove(&id);
            }
        }
        self.outbox.insert(notification.id.clone(), notification.clone());
    }

    /// What an attempt under way was asked to be.
    pub fn flight(&self, id: AttemptId) -> Option<&AttemptSpec> {
        let mut flights = self.pods.values().flat_map(|pod| &pod.in_flight);
        flights.find(|flight| flight.spec.id == id).map(|flight| &flight.spec)
    }

    /// Open incidents, oldest first.
    pub fn open_incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values().filter(|incident| incident.facts.state == IncidentState::Firing)
    }

    /// True while this location's control targets all fail.
    pub fn network_is_down(&self) -> bool {
        self.troubles.contains_key(&Trouble::Network)
    }

    /// True while probing is paused in a pod.
    pub fn is_paused(&self, pod: &PodState, now: Timestamp) -> bool {
        [self.paused_until, pod.paused_until].into_iter().flatten().any(|until| until > now)
    }
}

impl Said {
    /// What a message about these facts says.
    pub fn of(facts: &IncidentFacts) -> Self {
        Self {
            pods: facts.pods.len(),
            whose: facts.whose.is_known().then(|| facts.whose.verdict.clone()),
            split: facts.pods.iter().any(|pod| !pod.evidence.splits.is_empty()),
            finding: facts.finding.as_ref().map(|finding| finding.state).filter(|state| *state != FindingState::Open),
            place: facts.finding.as_ref().and_then(|finding| finding.place.as_ref()).map(|place| place.state),
            avoid: facts.avoid.and_then(|avoid| avoid.approval).map(|approval| approval.until),
            total: facts.pods.iter().any(|pod| pod.experience == super::Experience::NobodyConnects),
        }
    }
}

fn fire(pod: &mut PodState, at: Timestamp, rule: Rule, evidence: super::Evidence, experience: super::Experience) {
    if rule == Rule::TokenBound
        && let Some(follow_up) = &pod.follow_up
    {
        pod.bound = Some(BoundToken {
            token: follow_up.of.clone(),
            next_at: at.plus(super::follow_up::recovery_pace(pod.rules.stable_ms)),
            failed: 0,
            passed_in_a_row: 0,
        });
    }
    pod.calls.fired(rule, at, &evidence, pod.rules.calls.as_ref());
    pod.alerts.insert(
        rule,
        Alert { state: AlertState::Firing, since: at, evidence: Some(evidence), experience: Some(experience) },
    );
}

fn resolve(pod: &mut PodState, rule: Rule) {
    pod.alerts.remove(&rule);
    if rule.is_of_connections() {
        pod.traits.reset();
    }
    match rule {
        Rule::TokenBound => pod.bound = None,
        Rule::Flapping => pod.blips.clear(),
        Rule::Share | Rule::HeavyShare => pod.cusum.reset(),
        Rule::BornRed => pod.forget_all_red(),
        _ => {}
    }
}
