//! Whose fault is it? A posterior over a few hypotheses, from how many attempts failed in each pod
//! since the trouble began, and from the control targets. `docs/deciding.md` has the model.

use crate::model::{ErrorClass, OwnServerTrouble, Share, Step};

use super::estimate::log_likelihood;
use super::{ConfigurationClue, Symptom, TraitClass, Whose, WhoseVerdict};

/// The shares that a fault may hit, each as likely as the others.
const SHARES: [f64; 8] = [0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.8, 0.995];
/// Prior: the partner as a whole.
const PRIOR_PARTNER: f64 = 0.25;
/// Prior: one pod (or the few that fire) at the partner.
const PRIOR_PODS: f64 = 0.25;
/// Prior: this location.
const PRIOR_LOCATION: f64 = 0.30;
/// All control targets answer although this location's network is at fault: a rare half-failure.
const ALL_ANSWER_THOUGH_LOCATION: f64 = 0.01;
/// Some control targets answer although this location's network is at fault.
const SOME_ANSWER_THOUGH_LOCATION: f64 = 0.5;
/// No control target answers although our network is fine.
const NONE_ANSWERS_THOUGH_FINE: f64 = 1e-4;

/// What one pod showed since the trouble began.
#[derive(Clone, Debug)]
pub struct PodCount {
    /// Failed scheduled attempts.
    pub failed: u32,
    /// Scheduled attempts.
    pub of: u32,
    /// Its usual share of failures.
    pub usual: f64,
    /// True if an alert of this incident fires here.
    pub hit: bool,
}

/// What speaks for the pods' own configuration.
#[derive(Clone, Debug)]
pub struct Clues<'a> {
    /// The common symptom.
    pub symptom: Option<&'a Symptom>,
    /// The class of that symptom's device error, if it has one.
    pub class: Option<ErrorClass>,
    /// The best split of a pod that is hit.
    pub split: Option<&'a TraitClass>,
    /// True if every attempt of a hit pod fails.
    pub total: bool,
    /// The trouble with servers of the hit pods' own that stands in the way of every call that fails.
    pub own_server: Option<OwnServerTrouble>,
}

/// Judges.
pub fn judge(pods: &[PodCount], controls: Option<(u8, u8)>, clues: &Clues<'_>) -> Whose {
    let healthy = |pod: &PodCount| !pod.hit && pod.failed == 0;
    let looked_at: Vec<&PodCount> = pods.iter().filter(|pod| pod.of > 0 || pod.hit).collect();
    let everywhere: f64 = shared(looked_at.iter().copied());
    let only_hit = shared(looked_at.iter().copied().filter(|pod| pod.hit))
        + looked_at.iter().filter(|pod| !pod.hit).map(|pod| log_likelihood(pod.failed, pod.of, pod.usual)).sum::<f64>();
    let others = looked_at.iter().any(|pod| !pod.hit);
    let (fine, broken) = controls_given(controls);
    // A fault of the partner in pods that happen to be all of them is a fault of the partner.
    let pods_prior = if others || looked_at.len() == 1 { PRIOR_PODS } else { PRIOR_PODS * 0.02 };
    let partner_prior = if pods.len() > 1 { PRIOR_PARTNER } else { PRIOR_PARTNER * 0.02 };
    let logs = [
        (WhoseVerdict::Partner, everywhere + partner_prior.ln() + fine.ln()),
        (WhoseVerdict::PartnerForPods, only_hit + pods_prior.ln() + fine.ln()),
        (WhoseVerdict::Location, everywhere + PRIOR_LOCATION.ln() + broken.ln()),
    ];
    let best = logs.iter().map(|(_, log)| *log).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|(_, log)| (log - best).exp()).sum();
    let (verdict, log) = logs.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((WhoseVerdict::Partner, best));
    Whose {
        verdict: in_detail(verdict, clues),
        sure: Share::clamped((log - best).exp() / sum),
        controls,
        healthy_pods: u32::try_from(pods.iter().filter(|pod| healthy(pod) && pod.of > 0).count()).unwrap_or(0),
    }
}

/// Log-likelihood of one fault that hits these pods with one share, over all shares it may have.
fn shared<'a>(pods: impl Iterator<Item = &'a PodCount> + Clone) -> f64 {
    let logs = SHARES.map(|share| {
        let of_pod = |pod: &PodCount| log_likelihood(pod.failed, pod.of, pod.usual + (1.0 - pod.usual) * share);
        pods.clone().map(of_pod).sum::<f64>()
    });
    let best = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    best + (logs.iter().map(|log| (log - best).exp()).sum::<f64>() / SHARES.len() as f64).ln()
}

/// How likely the control targets' answer is if our network is fine, and if it is not.
fn controls_given(controls: Option<(u8, u8)>) -> (f64, f64) {
    match controls {
        None | Some((_, 0)) => (1.0, 1.0),
        Some((0, _)) => (NONE_ANSWERS_THOUGH_FINE, 1.0),
        Some((answered, of)) if answered == of => (1.0, ALL_ANSWER_THOUGH_LOCATION),
        Some(_) => (0.2, SOME_ANSWER_THOUGH_LOCATION),
    }
}

/// A fault of some pods only may be their own configuration: refused credentials of every token
/// with a key, or a token endpoint that gives none.
fn in_detail(verdict: WhoseVerdict, clues: &Clues<'_>) -> WhoseVerdict {
    // Pods may share such a server, so that all of them are hit.
    let is_far_away = matches!(verdict, WhoseVerdict::Partner | WhoseVerdict::PartnerForPods);
    if let Some(trouble) = clues.own_server.filter(|_| is_far_away) {
        return WhoseVerdict::PodConfiguration(ConfigurationClue::OwnServer(trouble));
    }
    if verdict != WhoseVerdict::PartnerForPods {
        return verdict;
    }
    let refused = clues.class == Some(ErrorClass::Token);
    match (clues.symptom.map(|symptom| symptom.step), clues.split) {
        (Some(Step::Mint), _) => WhoseVerdict::PodConfiguration(ConfigurationClue::TokenEndpoint),
        (_, Some(TraitClass::Key(..))) if refused => WhoseVerdict::PodConfiguration(ConfigurationClue::OneKey),
        (_, _) if refused && clues.total => WhoseVerdict::PodConfiguration(ConfigurationClue::Credentials),
        _ => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IceService, IceTrouble, RelayTransport};

    fn pod(failed: u32, of: u32, hit: bool) -> PodCount {
        PodCount { failed, of, usual: 0.01, hit }
    }

    const NO_CLUES: Clues<'static> = Clues { symptom: None, class: None, split: None, total: false, own_server: None };

    fn verdict(pods: &[PodCount], controls: Option<(u8, u8)>) -> (WhoseVerdict, f64) {
        let whose = judge(pods, controls, &NO_CLUES);
        (whose.verdict, whose.sure.get())
    }

    #[test]
    fn all_pods_with_healthy_controls_is_the_partner() {
        let pods = [pod(4, 4, true), pod(4, 4, true), pod(4, 4, false)];
        let (whose, sure) = verdict(&pods, Some((2, 2)));
        assert_eq!(whose, WhoseVerdict::Partner);
        assert!(sure > 0.95, "{sure}");
    }

    #[test]
    fn one_pod_among_healthy_ones_is_that_pod() {
        let pods = [pod(5, 5, true), pod(0, 5, false), pod(0, 5, false)];
        let (whose, sure) = verdict(&pods, Some((2, 2)));
        assert_eq!(whose, WhoseVerdict::PartnerForPods);
        assert!(sure > 0.95, "{sure}");
    }

    #[test]
    fn dead_controls_are_our_location() {
        let pods = [pod(5, 5, true), pod(5, 5, true)];
        let (whose, sure) = verdict(&pods, Some((0, 3)));
        assert_eq!(whose, WhoseVerdict::Location);
        assert!(sure > 0.99, "{sure}");
    }

    #[test]
    fn without_controls_nothing_is_claimed() {
        let pods = [pod(5, 5, true), pod(5, 5, true)];
        assert!(verdict(&pods, None).1 < Whose::KNOWN);
    }

    #[test]
    fn refused_credentials_of_one_pod_are_its_configuration() {
        let pods = [pod(6, 6, true), pod(0, 6, false)];
        let clues = Clues { class: Some(ErrorClass::Token), total: true, ..NO_CLUES };
        let whose = judge(&pods, Some((2, 2)), &clues);
        assert_eq!(whose.verdict, WhoseVerdict::PodConfiguration(ConfigurationClue::Credentials));
    }

    #[test]
    fn a_turn_server_of_a_pods_own_is_not_the_partner_but_a_dead_network_is_ours() {
        let trouble =
            OwnServerTrouble { service: IceService::Turn(RelayTransport::Tls), trouble: IceTrouble::Refused(401) };
        let clues = Clues { own_server: Some(trouble), ..NO_CLUES };
        let own = WhoseVerdict::PodConfiguration(ConfigurationClue::OwnServer(trouble));
        let (one, all) = ([pod(4, 4, true), pod(0, 6, false)], [pod(4, 4, true), pod(4, 4, true)]);
        assert_eq!(judge(&one, Some((2, 2)), &clues).verdict, own);
        assert_eq!(judge(&all, Some((2, 2)), &clues).verdict, own, "pods may share it");
        assert_eq!(judge(&all, Some((0, 2)), &clues).verdict, WhoseVerdict::Location);
    }
}
