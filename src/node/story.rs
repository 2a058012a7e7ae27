//! What an operator finds in the log of what was decided.

use crate::engine::{Record, SoughtCalls};

/// The facts that an operator wants in the log. A fact is the log; this only prints it.
pub(super) fn say(record: &Record) {
    match record {
        Record::AlertFiring { pod, rule, evidence, .. } => {
            let pod = pod.as_ref().map_or("-", |pod| pod.as_str());
            let (failed, of) = (evidence.failed, evidence.of);
            tracing::warn!(pod, rule = rule.as_str(), failed, of, since = %evidence.since, "alert fires");
        }
        Record::AlertResolved { pod, rule, .. } => {
            tracing::info!(pod = pod.as_ref().map_or("-", |pod| pod.as_str()), rule = rule.as_str(), "alert resolved");
        }
        Record::IncidentOpened { incident } => {
            let facts = incident.as_ref();
            tracing::warn!(incident = %facts.number, first_failure = %facts.first_failure, subject = facts.subject, "incident opened");
        }
        Record::IncidentResolved { number, .. } => tracing::info!(incident = %number, "incident resolved"),
        Record::VerdictChanged { pod, verdict, .. } => tracing::info!(%pod, verdict = verdict.as_str(), "verdict"),
        Record::BlipSeen { pod, since, failures, .. } => tracing::info!(%pod, %since, failures, "blip"),
        Record::SlotsMissed { pod, probe, from, until, why, .. } => {
            tracing::debug!(%pod, %probe, %from, %until, ?why, "not looked at");
        }
        Record::SlowedDown { pod, quiet_until, .. } => {
            tracing::warn!(%pod, %quiet_until, "the partner asks us to slow down")
        }
        Record::CallLeft { pod, call, .. } => {
            tracing::warn!(%pod, attempt = %call.attempt, direction = %call.direction, "a call may have been left up");
        }
        Record::CallsSought { pod, calls, found, .. } => match found {
            SoughtCalls::Ended { ended } => tracing::info!(%pod, ended, sought = calls.len(), "no call is left up"),
            SoughtCalls::Again { not_before } => {
                tracing::warn!(%pod, %not_before, "calls that may have been left up could not be ended");
            }
            SoughtCalls::GivenUp => {
                tracing::error!(%pod, calls = calls.len(), "calls may be up at the partner, and cannot be ended from here");
            }
        },
        Record::TroubleChanged { what, on, .. } => tracing::warn!(?what, on, "trouble"),
        Record::NoticeOpened { notice } => tracing::info!(incident = %notice.incident, "public notice opened"),
        Record::PlanAdopted { pods, .. } => tracing::info!(pods = pods.len(), "plan taken"),
        _ => {}
    }
}
