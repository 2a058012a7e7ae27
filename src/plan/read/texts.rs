//! The one way from texts to a plan.

use crate::plan::Plan;

use super::node::NodeDraft;
use super::pod::PodDraft;
use super::probe::ProbeDraft;
use super::table::{Page, Placed, Reference, Table};
use super::whole::Whole;
use super::{FileKind, Place, Problems, SourceText, Sources, shapes, syntax};

/// A plan that was read.
#[derive(Clone, Debug)]
pub struct PlanRead {
    /// The plan.
    pub plan: Plan,
    /// What is doubtful, but may be meant.
    pub warnings: Problems,
    /// What it refers to outside of itself, for whoever can look whether it is there.
    pub references: Vec<Placed<Reference>>,
}

/// Reads a plan from its texts.
///
/// # Errors
/// Every mistake in every file, in the order of files and lines.
pub fn read_texts(sources: &Sources) -> Result<PlanRead, Problems> {
    let mut whole = Whole {
        node: None,
        pods: Vec::new(),
        probes: Vec::new(),
        problems: Problems::default(),
        warnings: Problems::default(),
    };
    let mut references = Vec::new();
    check_presence(sources, &mut whole.problems);
    for source in &sources.files {
        references.extend(read_file(source, sources, &mut whole));
    }
    let plan = whole.join();
    match plan {
        Some(plan) if whole.problems.is_empty() => Ok(PlanRead { plan, warnings: whole.warnings.sorted(), references }),
        _ => {
            debug_assert!(!whole.problems.is_empty(), "a plan that cannot be built has a reason");
            Err(whole.problems.sorted())
        }
    }
}

fn check_presence(sources: &Sources, problems: &mut Problems) {
    let count = |kind| sources.files.iter().filter(|file| file.kind == kind).count();
    let base = sources.base.display();
    if count(FileKind::Ringcheck) != 1 {
        problems.push(Place::file(&format!("{base}/ringcheck.toml")), "exactly one is needed", None);
    }
    if count(FileKind::Pod) == 0 {
        let hint = Some("ringcheck init writes a first one".to_owned());
        problems.push(Place::file(&format!("{base}/pods")), "there is no pod to look at", hint);
    }
    if count(FileKind::Probe) == 0 {
        let hint = Some("ringcheck init writes a first one".to_owned());
        problems.push(Place::file("probes"), "there is no probe", hint);
    }
}

fn read_file(source: &SourceText, sources: &Sources, whole: &mut Whole) -> Vec<Placed<Reference>> {
    let mut syntax_errors = Problems::default();
    let document = syntax::parse(source, &mut syntax_errors);
    let root = match source.kind {
        FileKind::Ringcheck => &shapes::RINGCHECK,
        FileKind::Pod => &shapes::POD,
        FileKind::Probe => &shapes::PROBE,
    };
    let page = Page::new(source, root, &sources.base, syntax_errors.is_empty());
    whole.problems.extend(syntax_errors);
    read_table(source, &page.table(&document), whole);
    let (problems, references) = page.close();
    whole.problems.extend(problems);
    references
}

fn read_table(source: &SourceText, table: &Table<'_>, whole: &mut Whole) {
    match source.kind {
        FileKind::Ringcheck => whole.node = Some(NodeDraft::read(table)),
        FileKind::Pod => whole.pods.push(PodDraft::read(table, &mut whole.warnings)),
        FileKind::Probe => whole.probes.push(ProbeDraft::read(source.stem(), table, &mut whole.problems)),
    }
}
