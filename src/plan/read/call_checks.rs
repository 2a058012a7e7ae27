//! What of test calls only shows when all files are seen together: what a pod must have for them,
//! how often an account may be asked to originate one, and what they cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::CallDirection;
use crate::partner::twilio;
use crate::plan::{CallTarget, FarEnd, PartnerAccount, Pod, PodCalls, Probe, TokenSource};

use super::Problems;
use super::pod::PodDraft;
use super::probe::ProbeDraft;

/// Originations a minute that a partner's account takes without queueing them.
const ORIGINATIONS_PER_MINUTE: f64 = 1.0;

/// Notes everything that is wrong with the calls of these pods.
pub fn check(pods: &[PodDraft], probes: &[(&ProbeDraft, &Arc<Probe>)], problems: &mut Problems) {
    let calls = probes.iter().filter(|(_, probe)| probe.call.is_some());
    for (draft, probe) in calls {
        for pod in pods.iter().filter_map(|pod| pod.pod.as_ref()).filter(|pod| probe.runs_in(&pod.name)) {
            check_needs(draft, probe, pod, problems);
        }
    }
    for pod in pods {
        check_price(pod, probes, problems);
    }
    check_originations(pods, probes, problems);
}

/// Notes what works, and may be wished otherwise.
pub fn warn(pods: &[PodDraft], probes: &[(&ProbeDraft, &Arc<Probe>)], warnings: &mut Problems) {
    for (draft, probe) in probes {
        if probe.call.as_ref().is_none_or(|call| call.direction != CallDirection::Outbound) {
            continue;
        }
        for pod in pods.iter().filter_map(|pod| pod.pod.as_ref()).filter(|pod| probe.runs_in(&pod.name)) {
            if matches!(&pod.tokens, TokenSource::Endpoint(_)) {
                let what = format!(
                    "the tokens of pod \"{}\" are fetched, so nobody knows under which name to look for a call that a \
                     crash leaves up",
                    pod.name
                );
                let hint = "let the test application's TwiML end by itself: docs/calls.md".to_owned();
                warnings.push(draft.kind_place.clone(), what, Some(hint));
            }
        }
    }
}

/// What a pod must have for a call of this kind.
fn check_needs(draft: &ProbeDraft, probe: &Probe, pod: &Pod, problems: &mut Problems) {
    let Some(call) = &probe.call else { return };
    let PartnerAccount::Twilio(twilio::Account { application_sid, far_application_sid, api_keys, auth_token, .. }) =
        &pod.partner;
    let mut needs = |what: String, hint: &str| problems.push(draft.kind_place.clone(), what, Some(hint.to_owned()));
    if matches!(&pod.tokens, TokenSource::Endpoint(endpoint) if !endpoint.test_agents) {
        needs(
            format!("the tokens of pod \"{}\" are real agents', and no test call may be made with them", pod.name),
            "name other pods, or set tokens.from.test_agents if the names are ours alone",
        );
    }
    if !pod.ice.may_give(call.path) {
        needs(
            format!("pod \"{}\" has no server that gives the path \"{}\"", pod.name, call.path),
            "add one to its [ice] (docs/calls.md), or name other pods",
        );
    }
    match call.direction {
        CallDirection::Outbound if call.far_end == FarEnd::Client => {
            if far_application_sid.is_none() {
                needs(
                    format!("pod \"{}\" has no far_application_sid, so nothing would ring the other client", pod.name),
                    "add the SID of an application that does to its [partner] (docs/calls.md), or name other pods",
                );
            }
            if !matches!(pod.tokens, TokenSource::Minted { .. }) {
                needs(
                    format!("the tokens of pod \"{}\" are fetched, so no client of ours can be rung by name", pod.name),
                    "name other pods, or call the application (far_end = \"application\")",
                );
            }
        }
        CallDirection::Outbound if application_sid.is_none() => needs(
            format!("pod \"{}\" has no application_sid, so nothing would answer its outbound calls", pod.name),
            "add the SID of a test application of its own (docs/calls.md), or name other pods",
        ),
        CallDirection::Inbound if api_keys.is_empty() && auth_token.is_none() => needs(
            format!(
                "pod \"{}\" has neither api_key nor auth_token, so the REST API cannot be asked for calls",
                pod.name
            ),
            "add one to its [partner], or name other pods",
        ),
        CallDirection::Inbound if call.to == CallTarget::Number && pod.calls.own_number.is_none() => needs(
            format!("pod \"{}\" has no own_number to call", pod.name),
            "add it to its [calls], or name other pods",
        ),
        CallDirection::Inbound
            if call.to == CallTarget::Number && !matches!(pod.tokens, TokenSource::Minted { .. }) =>
        {
            needs(
                format!("the tokens of pod \"{}\" are fetched, so its number cannot ring a name of ours", pod.name),
                "name other pods, or call the client itself (to = \"client\")",
            );
        }
        CallDirection::Outbound | CallDirection::Inbound => {}
    }
}

/// A budget that is spent before the day is over leaves the rest of it unwatched.
fn check_price(draft: &PodDraft, probes: &[(&ProbeDraft, &Arc<Probe>)], problems: &mut Problems) {
    let Some(pod) = &draft.pod else { return };
    let mine: Vec<&Arc<Probe>> = probes.iter().map(|(_, probe)| *probe).filter(|p| p.runs_in(&pod.name)).collect();
    let per_day: f64 = mine.iter().map(|probe| probe.minutes_per_day()).sum();
    let calls_per_hour: f64 = mine.iter().map(|probe| probe.calls_per_minute() * 60.0).sum();
    let usable = |cap: u32| f64::from(cap) * f64::from(PodCalls::FOR_SCHEDULED) / 100.0;
    let needed = |amount: f64| (amount * 100.0 / f64::from(PodCalls::FOR_SCHEDULED)).ceil();
    let caps = [
        ("call_minutes_per_day", pod.calls.minutes_per_day, per_day, "minutes of calls a day"),
        ("call_minutes_per_hour", pod.calls.minutes_per_hour, per_day / 24.0, "minutes of calls an hour"),
        ("calls_per_hour", pod.calls.calls_per_hour, calls_per_hour, "calls an hour"),
    ];
    for (key, cap, asked, what) in caps.into_iter().filter(|(_, cap, asked, _)| *asked > usable(*cap) * 1.000_001) {
        let said = format!(
            "pod \"{}\" may spend {cap} {what}, {:.0} of them on schedule, but its probes want {asked:.0}",
            pod.name,
            usable(cap)
        );
        let hint = format!("call more rarely, or raise {key} to at least {:.0}", needed(asked));
        problems.push(draft.budget_place.clone(), said, Some(hint));
    }
}

/// The partner queues what is originated faster than it likes: a queued call would look late.
fn check_originations(pods: &[PodDraft], probes: &[(&ProbeDraft, &Arc<Probe>)], problems: &mut Problems) {
    let mut asked: BTreeMap<&str, (f64, Vec<&ProbeDraft>)> = BTreeMap::new();
    for pod in pods.iter().filter_map(|draft| draft.pod.as_ref()) {
        for (draft, probe) in probes.iter().filter(|(_, probe)| probe.runs_in(&pod.name)) {
            if probe.call.as_ref().is_some_and(|call| call.direction == CallDirection::Inbound) {
                let of_account = asked.entry(pod.account()).or_default();
                of_account.0 += probe.calls_per_minute();
                of_account.1.push(draft);
            }
        }
    }
    for (account, (rate, drafts)) in asked {
        if rate <= ORIGINATIONS_PER_MINUTE * 1.000_001 {
            continue;
        }
        let Some(draft) = drafts.last() else { continue };
        let what = format!(
            "account {account} would be asked for {rate:.1} inbound calls a minute; it queues more than one, and a \
             queued call looks late"
        );
        let hint = "make its rounds longer or its attempts fewer: one a minute over all pods of the account".to_owned();
        problems.push(draft.attempts_place.clone(), what, Some(hint));
    }
}
