//! What only shows when all files are seen together: names that refer to each other, budgets
//! that probes share, pods that nobody looks at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{PodName, ProbeName, TokenKind};
use crate::plan::{NodeSettings, Owner, Plan, Pod, Probe, Receiver, Route, Thresholds};

use super::call_checks;
use super::nearest::hint_for;
use super::node::{NodeDraft, RouteDraft};
use super::pod::PodDraft;
use super::probe::ProbeDraft;
use super::receiver::ReceiverDraft;
use super::table::Placed;
use super::{Place, Problems};

/// All files, read one by one.
pub struct Whole {
    /// `ringcheck.toml`.
    pub node: Option<NodeDraft>,
    /// The pods.
    pub pods: Vec<PodDraft>,
    /// The probes.
    pub probes: Vec<ProbeDraft>,
    /// Mistakes so far.
    pub problems: Problems,
    /// Doubts so far.
    pub warnings: Problems,
}

impl Whole {
    /// The plan, if nothing at all is wrong; the mistakes stay in `problems`.
    pub fn join(&mut self) -> Option<Plan> {
        let names = self.pod_names();
        self.check_public_names();
        let node = self.node.take();
        let probes = self.resolve_probes(&names);
        self.fit_stable_windows(&probes);
        self.check_coverage(&probes);
        let pods: Vec<Arc<Pod>> = self.pods.iter().filter_map(|draft| draft.pod.clone()).map(Arc::new).collect();
        let joined = node.and_then(|node| self.join_node(node, &names));
        let (node, receivers, routes) = joined?;
        Some(Plan { node, pods: by_name(pods, |pod| pod.name.clone()), probes, receivers, routes })
    }

    /// The names of all pods; doubles are noted.
    fn pod_names(&mut self) -> BTreeSet<PodName> {
        let mut first: BTreeMap<PodName, Place> = BTreeMap::new();
        for name in self.pods.iter().filter_map(|draft| draft.name.as_ref()) {
            note_double(&mut first, &name.value, &name.place, "pod", &mut self.problems);
        }
        first.into_keys().collect()
    }

    /// The public tells components apart by these names only; accounts are apart by definition.
    fn check_public_names(&mut self) {
        let mut first: BTreeMap<String, Place> = BTreeMap::new();
        for name in self.pods.iter().filter_map(|draft| draft.public_name.as_ref()) {
            note_double(&mut first, &name.value, &name.place, "public_name", &mut self.problems);
        }
        let mut first: BTreeMap<String, Place> = BTreeMap::new();
        for sid in self.pods.iter().filter_map(|draft| draft.account_sid.as_ref()) {
            if let Some(place) = first.get(&sid.value) {
                let what = format!("this account is also used at {place}");
                let hint = "pods in one account fail together and share its limits".to_owned();
                self.warnings.push(sid.place.clone(), what, Some(hint));
            }
            first.entry(sid.value.clone()).or_insert_with(|| sid.place.clone());
        }
    }

    fn resolve_probes(&mut self, pods: &BTreeSet<PodName>) -> Vec<Arc<Probe>> {
        let mut first: BTreeMap<ProbeName, Place> = BTreeMap::new();
        let mut probes = Vec::new();
        for draft in &self.probes {
            let named = known_pods(&draft.pods, pods, &mut self.problems);
            let Some(probe) = &draft.probe else { continue };
            note_double(&mut first, &probe.name, &Place::file(&draft.attempts_place.file), "probe", &mut self.problems);
            probes.push(Arc::new(Probe { pods: named, ..probe.clone() }));
        }
        by_name(probes, |probe| probe.name.clone())
    }

    /// A recovery is proven by a number of attempts. Where too few fall into the stable window no
    /// incident would ever end: the default is stretched, and what was written is a mistake.
    fn fit_stable_windows(&mut self, probes: &[Arc<Probe>]) {
        for draft in &mut self.pods {
            let Some(pod) = &mut draft.pod else { continue };
            let mine = probes.iter().filter(|probe| probe.runs_in(&pod.name)).map(AsRef::as_ref);
            let rate = pod.attempts_per_minute(mine);
            let shortest = Thresholds::shortest_stable(rate);
            if pod.thresholds.stable >= shortest {
                continue;
            }
            let Some(place) = &draft.stable_place else {
                pod.thresholds.stable = shortest;
                continue;
            };
            let attempts = (pod.thresholds.stable.as_secs_f64() / 60.0 * rate).floor();
            let what = format!(
                "only {attempts} scheduled attempts fall into this window, and a recovery is proven by {}: no incident \
                 of pod \"{}\" would ever end",
                Thresholds::RECOVERY_ATTEMPTS_MIN,
                pod.name
            );
            let hint = format!("raise it to at least \"{}s\", or leave it out", shortest.as_secs());
            self.problems.push(place.clone(), what, Some(hint));
        }
    }

    /// Pods without probes, kinds without keys, more attempts than the budget gives.
    fn check_coverage(&mut self, probes: &[Arc<Probe>]) {
        // A probe that could not be read may be the one that is missing here.
        let all_read = probes.len() == self.probes.len();
        for draft in &self.pods {
            let Some(name) = &draft.name else { continue };
            let mine: Vec<&Arc<Probe>> = probes.iter().filter(|probe| probe.runs_in(&name.value)).collect();
            if mine.iter().all(|probe| probe.call.is_some()) && all_read {
                let (what, hint) = match mine.is_empty() {
                    true => ("no probe", "name it in a probe's pods, or leave pods empty for all"),
                    false => ("no probe of kind \"connection\"", "add one: calls alone are too few to find a fault"),
                };
                let what = format!("{what} looks at pod \"{}\"", name.value);
                self.problems.push(name.place.clone(), what, Some(hint.to_owned()));
            }
            let Some(pod) = &draft.pod else { continue };
            for probe in &mine {
                if let Some(draft) = self.probes.iter().find(|draft| is_draft_of(draft, probe)) {
                    check_kinds(draft, probe, pod, &mut self.problems);
                }
            }
            check_budget(draft, pod, &mine, &mut self.problems);
            check_silence(draft, pod, &mine, &mut self.warnings);
        }
        let pairs: Vec<(&ProbeDraft, &Arc<Probe>)> = self
            .probes
            .iter()
            .filter_map(|draft| Some((draft, probes.iter().find(|probe| is_draft_of(draft, probe))?)))
            .collect();
        call_checks::check(&self.pods, &pairs, &mut self.problems);
        call_checks::warn(&self.pods, &pairs, &mut self.warnings);
        for draft in self.probes.iter().filter(|draft| draft.kinds_written) {
            let Some(probe) = probes.iter().find(|probe| is_draft_of(draft, probe)) else { continue };
            warn_of_unused_kinds(draft, probe, &self.pods, &mut self.warnings);
        }
    }

    fn join_node(
        &mut self,
        node: NodeDraft,
        pods: &BTreeSet<PodName>,
    ) -> Option<(NodeSettings, Vec<Arc<Receiver>>, Vec<Route>)> {
        let NodeDraft { external_url, location, store, http, owner, status_page, avoid, recordings, receivers, routes } =
            node;
        let known = Receivers::read(receivers, &mut self.problems);
        let owner = Owner { to: known.find(&owner, &mut self.problems) };
        let routes: Vec<Route> = routes.into_iter().map(|route| known.route(route, pods, &mut self.problems)).collect();
        if !routes.is_empty() && routes.iter().all(|route| !route.pods.is_empty()) {
            for draft in &self.pods {
                let Some(name) = &draft.name else { continue };
                if routes.iter().all(|route| !route.pods.contains(&name.value)) {
                    let hint = Some("add it to a [[route]], or leave a route's pods empty for all".to_owned());
                    let what = format!("nobody is told when pod \"{}\" is broken", name.value);
                    self.problems.push(name.place.clone(), what, hint);
                }
            }
        }
        let settings = NodeSettings {
            external_url: external_url?,
            location: location?,
            store: store?,
            http: http?,
            owner,
            status_page: status_page?,
            avoid: avoid?,
            recordings,
        };
        Some((settings, known.all, routes))
    }
}

/// The receivers by name.
struct Receivers {
    /// Names, also of receivers that are otherwise wrong.
    names: Vec<String>,
    /// Those that are right.
    all: Vec<Arc<Receiver>>,
}

impl Receivers {
    fn read(drafts: Vec<ReceiverDraft>, problems: &mut Problems) -> Self {
        let mut first = BTreeMap::new();
        for name in drafts.iter().filter_map(|draft| draft.name.as_ref()) {
            note_double(&mut first, &name.value, &name.place, "receiver", problems);
        }
        let names: Vec<String> = first.keys().map(ToString::to_string).collect();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut next: BTreeMap<String, &Placed<String>> = BTreeMap::new();
        for draft in &drafts {
            let (Some(name), Some(fallback)) = (&draft.name, &draft.fallback) else { continue };
            if !known.contains(&fallback.value.as_str()) {
                unknown("receiver", fallback, &known, problems);
            }
            next.insert(name.value.to_string(), fallback);
        }
        note_circles(&next, problems);
        let all = drafts.into_iter().filter_map(ReceiverDraft::finish).map(Arc::new).collect();
        Self { names, all }
    }

    fn find(&self, wanted: &[Placed<String>], problems: &mut Problems) -> Vec<Arc<Receiver>> {
        let known: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let mut found: Vec<Arc<Receiver>> = Vec::new();
        for name in wanted {
            if !known.contains(&name.value.as_str()) {
                unknown("receiver", name, &known, problems);
            }
            let receiver = self.all.iter().find(|receiver| receiver.name.as_str() == name.value);
            // Twice in a list is a slip without consequences: told once.
            if let Some(receiver) = receiver.filter(|receiver| found.iter().all(|other| other.name != receiver.name)) {
                found.push(Arc::clone(receiver));
            }
        }
        found
    }

    fn route(&self, draft: RouteDraft, pods: &BTreeSet<PodName>, problems: &mut Problems) -> Route {
        let named = known_pods(&draft.pods, pods, problems);
        Route { severity: draft.severity, pods: named, to: self.find(&draft.to, problems) }
    }
}

/// Fallbacks that lead back to where they began would send a page round for ever.
fn note_circles(next: &BTreeMap<String, &Placed<String>>, problems: &mut Problems) {
    for (start, fallback) in next {
        let mut at = &fallback.value;
        for _ in 0..next.len() {
            if at == start {
                let what = format!("the fallbacks of \"{start}\" lead back to it");
                problems.push(
                    fallback.place.clone(),
                    what,
                    Some("end with a receiver that has no fallback".to_owned()),
                );
                break;
            }
            let Some(further) = next.get(at) else { break };
            at = &further.value;
        }
    }
}

fn note_double<N: Ord + Clone + ToString>(
    first: &mut BTreeMap<N, Place>,
    name: &N,
    place: &Place,
    what: &str,
    problems: &mut Problems,
) {
    match first.get(name) {
        Some(earlier) => {
            let said = format!("{what} \"{}\" is also at {earlier}", name.to_string());
            problems.push(place.clone(), said, Some("each needs a name of its own".to_owned()));
        }
        None => drop(first.insert(name.clone(), place.clone())),
    }
}

fn unknown(what: &str, name: &Placed<String>, known: &[&str], problems: &mut Problems) {
    problems.push(name.place.clone(), format!("there is no {what} \"{}\"", name.value), hint_for(&name.value, known));
}

fn known_pods(wanted: &[Placed<String>], pods: &BTreeSet<PodName>, problems: &mut Problems) -> Vec<PodName> {
    let known: Vec<&str> = pods.iter().map(PodName::as_str).collect();
    let mut found = Vec::new();
    for name in wanted {
        match pods.get(name.value.as_str()) {
            Some(pod) => found.push(pod.clone()),
            None => unknown("pod", name, &known, problems),
        }
    }
    found
}

fn by_name<T, N: Ord>(mut things: Vec<Arc<T>>, name: impl Fn(&T) -> N) -> Vec<Arc<T>> {
    things.sort_by_key(|thing| name(thing));
    things
}

fn is_draft_of(draft: &ProbeDraft, probe: &Probe) -> bool {
    draft.probe.as_ref().is_some_and(|drafted| drafted.name == probe.name)
}

fn check_kinds(draft: &ProbeDraft, probe: &Probe, pod: &Pod, problems: &mut Problems) {
    if probe.kinds.is_empty() || probe.kinds.iter().any(|kind| pod.keys(*kind) > 0) {
        return;
    }
    let needs = |kind: &TokenKind| match kind {
        TokenKind::Access => "api_key",
        TokenKind::Capability => "auth_token",
    };
    let needed: Vec<&str> = probe.kinds.iter().map(needs).collect();
    let what = format!("pod \"{}\" has no key for any of these kinds", pod.name);
    let hint = format!("add {} to its [partner], or name another kind", needed.join(" or "));
    problems.push(draft.kinds_place.clone(), what, Some(hint));
}

/// A kind that was asked for and that no pod can make is perhaps a forgotten key.
fn warn_of_unused_kinds(draft: &ProbeDraft, probe: &Probe, pods: &[PodDraft], warnings: &mut Problems) {
    let run: Vec<&Pod> =
        pods.iter().filter_map(|draft| draft.pod.as_ref()).filter(|pod| probe.runs_in(&pod.name)).collect();
    for kind in probe.kinds.iter().filter(|kind| run.iter().all(|pod| pod.keys(**kind) == 0)) {
        let hint = "add its key to a pod's [partner], or leave the kind out".to_owned();
        warnings.push(draft.kinds_place.clone(), format!("no pod has a key for {kind} tokens"), Some(hint));
    }
}

fn check_budget(draft: &PodDraft, pod: &Pod, probes: &[&Arc<Probe>], problems: &mut Problems) {
    let asked: f64 = probes.iter().filter_map(|probe| probe.asks_per_minute()).sum();
    let given = pod.budget.connections_per_minute;
    if asked <= f64::from(given) * 1.000_001 {
        return;
    }
    let parts: Vec<String> = probes
        .iter()
        .filter_map(|probe| Some(format!("{} asks for {:.1}", probe.name, probe.asks_per_minute()?)))
        .collect();
    let what = format!(
        "pod \"{}\" may be asked {given} times a minute, but its probes want {asked:.1}: {}",
        pod.name,
        parts.join(", ")
    );
    let hint =
        format!("lower attempts, or raise connections_per_minute to {:.0} with the partner's consent", asked.ceil());
    problems.push(draft.budget_place.clone(), what, Some(hint));
}

fn check_silence(draft: &PodDraft, pod: &Pod, probes: &[&Arc<Probe>], warnings: &mut Problems) {
    let rate = pod.attempts_per_minute(probes.iter().map(AsRef::as_ref));
    let silence = pod.thresholds.silence;
    if rate > 0.0 && silence.as_secs_f64() < 2.0 * 60.0 / rate {
        let what = format!(
            "pod \"{}\" is looked at every {:.0} s, so it would often count as not looked at",
            pod.name,
            60.0 / rate
        );
        let hint = format!("raise silence to at least {:.0}s", (3.0 * 60.0 / rate).ceil());
        warnings.push(draft.silence_place.clone(), what, Some(hint));
    }
}
