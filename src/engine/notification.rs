//! Who must be told what, why now; and the outbox: repeats, retries, fallbacks.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{PodName, ReceiverName, Timestamp, millis};
use crate::plan::{Plan, Receiver, ReceiverKind};

use super::dispatches::Dispatches;
use super::pipeline::Engine;
use super::state::{Incident, Said};
use super::timer::Timer;
use super::{
    Audience, DeliveryId, DeliveryResult, Effect, IncidentFacts, IncidentState, Notification, NotifyReason, Record,
    Trouble, Turn,
};

/// Updates wait so long after the last message, so that a spreading outage makes one of them.
const UPDATE_NOT_WITHIN: Duration = Duration::from_secs(20);
/// Messages about one incident and receiver at most; then only its end is told.
const MESSAGES_MAX: u32 = 12;
/// So many of them may tell what may be avoided; the rest is for people.
const AVOID_MESSAGES_MAX: u32 = 6;
/// Waits between tries of a delivery; the last one repeats.
const BACKOFF: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_secs(60),
];
/// After so many tries the fallback is told too.
const FALLBACK_AFTER: u32 = 3;
/// A message that could not be delivered for so long is given up; its incident is history.
const GIVE_UP_AFTER: Duration = Duration::from_hours(6);

impl Engine {
    /// Stage 5: queues what is to be told.
    pub(super) fn notify(&mut self, turn: &mut Turn) {
        let Some(plan) = self.plan.clone() else { return };
        let to_tell: Vec<(Incident, NotifyReason)> = self
            .state
            .incidents
            .values()
            .filter_map(|incident| Some((incident.clone(), reason_to_tell(incident, turn.now())?)))
            .collect();
        for (incident, reason) in to_tell {
            self.tell(turn, &plan, &incident, reason);
        }
        self.tell_machines(turn, &plan);
        self.hand_out(turn);
    }

    fn tell(&mut self, turn: &mut Turn, plan: &Plan, incident: &Incident, reason: NotifyReason) {
        let to: Vec<ReceiverName> = match reason {
            NotifyReason::First => receivers_of(plan, &incident.facts),
            NotifyReason::Wider | NotifyReason::Learned | NotifyReason::Resolved => {
                incident.told.iter().cloned().collect()
            }
        };
        self.queue(turn, incident, reason, to);
    }

    /// Tells webhooks that a token service may avoid tokens now, or may no longer.
    fn tell_machines(&mut self, turn: &mut Turn, plan: &Plan) {
        let now = turn.now();
        let to_tell: Vec<Incident> =
            self.state.open_incidents().filter(|incident| is_for_machines(incident, now)).cloned().collect();
        for incident in to_tell {
            let is_webhook = |receiver: &&Arc<Receiver>| matches!(receiver.kind, ReceiverKind::Webhook(_));
            let webhooks = plan.receivers.iter().filter(is_webhook).map(|receiver| receiver.name.clone());
            let to: Vec<ReceiverName> = webhooks.filter(|name| incident.told.contains(name)).collect();
            if to.is_empty() {
                continue;
            }
            self.queue(turn, &incident, NotifyReason::Learned, to);
        }
    }

    fn queue(&mut self, turn: &mut Turn, incident: &Incident, reason: NotifyReason, to: Vec<ReceiverName>) {
        let mut facts = incident.facts.clone();
        if reason != NotifyReason::First {
            self.fill_in(&mut facts);
        }
        let sequence = incident.sequence + 1;
        for receiver in to {
            let notification = Notification {
                id: delivery_id(&facts, sequence, &receiver),
                receiver,
                reason,
                sequence,
                at: turn.now(),
                instead_of: None,
                incident: facts.clone(),
            };
            self.commit(turn, Record::NotificationQueued { notification: Box::new(notification) });
        }
    }

    /// After a restart everything undelivered is due at once: retries are not remembered.
    pub(super) fn redeliver(&mut self, turn: &mut Turn) {
        self.volatile.dispatches = Dispatches::default();
        self.hand_out(turn);
    }

    /// Hands out what is not under way; to one receiver about one incident in order, so that an
    /// end never overtakes its beginning.
    fn hand_out(&mut self, turn: &mut Turn) {
        let dispatches = &mut self.volatile.dispatches;
        let mut ahead: Vec<(&ReceiverName, u32)> = Vec::new();
        let mut queued: Vec<&Notification> = self.state.outbox.values().collect();
        queued.sort_by_key(|n| (n.incident.number, n.sequence));
        for notification in queued {
            let lane = (&notification.receiver, notification.incident.number.0);
            if ahead.contains(&lane) {
                continue;
            }
            ahead.push(lane);
            if !dispatches.knows(&notification.id) {
                dispatches.hand_out(notification.id.clone());
                turn.effects.push(Effect::Deliver(Box::new(notification.clone())));
            }
        }
    }

    /// A delivery's wait is over.
    pub(super) fn retry_due(&mut self, turn: &mut Turn, id: &DeliveryId) {
        let Some(notification) = self.state.outbox.get(id) else { return };
        if self.volatile.dispatches.try_again(id) {
            turn.effects.push(Effect::Deliver(Box::new(notification.clone())));
        }
    }

    /// A delivery came back.
    pub(super) fn settle(&mut self, turn: &mut Turn, id: &DeliveryId, result: &DeliveryResult) {
        let now = turn.now();
        let Some(notification) = self.state.outbox.get(id).cloned() else { return };
        let tries = self.volatile.dispatches.tries(id);
        let too_old = now.since(notification.at) > GIVE_UP_AFTER;
        match result {
            DeliveryResult::Delivered => {
                self.volatile.dispatches.settle(id);
                self.commit(turn, Record::NotificationDelivered { at: now, id: id.clone() });
                if self.volatile.dispatches.all_at_first_try() {
                    self.receiver_trouble(turn, false);
                }
            }
            DeliveryResult::Again(wait) if !too_old => {
                if tries == FALLBACK_AFTER {
                    self.fall_back(turn, &notification);
                }
                let place = usize::try_from(tries - 1).unwrap_or(usize::MAX).min(BACKOFF.len() - 1);
                let wait = wait.unwrap_or_default().max(BACKOFF[place]);
                self.volatile.dispatches.wait(id);
                self.volatile.timers.set(now.plus(wait), Timer::Retry(id.clone()));
            }
            DeliveryResult::Again(_) | DeliveryResult::Never => {
                self.volatile.dispatches.settle(id);
                if tries < FALLBACK_AFTER {
                    self.fall_back(turn, &notification);
                }
                let receiver = notification.receiver.clone();
                self.commit(turn, Record::NotificationAbandoned { at: now, id: id.clone(), receiver });
            }
        }
    }

    /// Tells the receiver's fallback, and the owner of the monitor that a receiver is unreachable.
    fn fall_back(&mut self, turn: &mut Turn, failed: &Notification) {
        self.receiver_trouble(turn, true);
        let Some(plan) = self.plan.clone() else { return };
        let fallback = plan.receivers.iter().find(|r| r.name == failed.receiver).and_then(|r| r.fallback.clone());
        let Some(receiver) = fallback.filter(|receiver| *receiver != failed.receiver && failed.instead_of.is_none())
        else {
            return;
        };
        let notification = Notification {
            id: DeliveryId(format!(
                "{}-for-{}",
                delivery_id(&failed.incident, failed.sequence, &receiver).0,
                failed.receiver
            )),
            receiver,
            instead_of: Some(failed.receiver.clone()),
            at: turn.now(),
            ..failed.clone()
        };
        if !self.state.outbox.contains_key(&notification.id) {
            self.commit(turn, Record::NotificationQueued { notification: Box::new(notification) });
        }
    }

    fn receiver_trouble(&mut self, turn: &mut Turn, on: bool) {
        if self.state.troubles.contains_key(&Trouble::Receiver) != on {
            self.commit(turn, Record::TroubleChanged { at: turn.now(), what: Trouble::Receiver, on });
        }
    }
}

/// Why there is something to tell about an incident now, if there is.
fn reason_to_tell(incident: &Incident, now: Timestamp) -> Option<NotifyReason> {
    let Some(said) = &incident.said else {
        return (incident.facts.state == IncidentState::Firing).then_some(NotifyReason::First);
    };
    if incident.facts.state == IncidentState::Resolved {
        return (!incident.end_told).then_some(NotifyReason::Resolved);
    }
    if millis(now.since(incident.last_told)) < millis(UPDATE_NOT_WITHIN) || incident.sequence >= MESSAGES_MAX {
        return None;
    }
    let known = Said::of(&incident.facts);
    if known.pods > said.pods || (known.total && !said.total) {
        Some(NotifyReason::Wider)
    } else if (known.whose.is_some() && known.whose != said.whose)
        || (known.split && !said.split)
        || (known.finding.is_some() && known.finding != said.finding)
        || (known.place.is_some() && known.place != said.place)
    {
        Some(NotifyReason::Learned)
    } else {
        None
    }
}

/// True if nothing but what a token service may avoid is new: an approval is given, renewed or
/// over. People are told nothing then.
fn is_for_machines(incident: &Incident, now: Timestamp) -> bool {
    let Some(said) = &incident.said else { return false };
    let (settled, known) = (incident.facts.state == IncidentState::Resolved, Said::of(&incident.facts));
    !settled
        && known.avoid != said.avoid
        && incident.sequence < AVOID_MESSAGES_MAX
        && millis(now.since(incident.last_told)) >= millis(UPDATE_NOT_WITHIN)
        && reason_to_tell(incident, now).is_none()
}

/// The receivers of an incident's first page, each once.
fn receivers_of(plan: &Plan, facts: &IncidentFacts) -> Vec<ReceiverName> {
    let owner = || plan.node.owner.to.iter();
    let mut to: Vec<ReceiverName> = if facts.audience == Audience::MonitorOwner {
        owner().map(|receiver| receiver.name.clone()).collect()
    } else {
        let concerns = |pods: &[PodName]| pods.is_empty() || facts.pods.iter().any(|impact| pods.contains(&impact.pod));
        let routes = plan.routes.iter().filter(|route| facts.severity >= route.severity && concerns(&route.pods));
        routes.flat_map(|route| route.to.iter().map(|receiver| receiver.name.clone())).collect()
    };
    if to.is_empty() {
        // No route wants it: better the owner of the monitor than nobody.
        to = owner().map(|receiver| receiver.name.clone()).collect();
    }
    to.sort();
    to.dedup();
    to
}

fn delivery_id(facts: &IncidentFacts, sequence: u32, receiver: &ReceiverName) -> DeliveryId {
    DeliveryId(format!(
        "rc-{}-{}-{}-{}-{}",
        facts.location,
        facts.number.0,
        facts.opened.as_millis(),
        sequence,
        receiver
    ))
}
