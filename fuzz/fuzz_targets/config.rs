//! A configuration that holds anything: it gives a plan or a list of mistakes, each with a place
//! in the text. The first character says which of the three kinds of files is fuzzed; the others
//! are those of the example.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringcheck::plan::read::{FileKind, SourceText, Sources, read_texts};

const EXAMPLES: [(FileKind, &str, &str); 3] = [
    (FileKind::Ringcheck, "config/ringcheck.toml", include_str!("../../config/ringcheck.toml")),
    (FileKind::Pod, "config/pods/pod-14.toml", include_str!("../../config/pods/pod-14.toml")),
    (FileKind::Probe, "probes/connection.toml", include_str!("../../probes/connection.toml")),
];

fuzz_target!(|input: &str| {
    let mut rest = input.chars();
    let fuzzed = rest.next().map_or(0, |first| first as usize % EXAMPLES.len());
    let file = |(number, (kind, path, example)): (usize, &(FileKind, &str, &str))| SourceText {
        kind: *kind,
        path: (*path).to_owned(),
        text: if number == fuzzed { rest.as_str() } else { example }.to_owned(),
    };
    let files = EXAMPLES.iter().enumerate().map(file).collect();
    match read_texts(&Sources { base: "config".into(), files }) {
        Ok(read) => assert!(!read.plan.pods.is_empty() && !read.plan.probes.is_empty()),
        Err(problems) => {
            assert!(!problems.is_empty());
            let lines = rest.as_str().matches('\n').count() + 1;
            for problem in problems.iter().filter(|problem| problem.place.file == EXAMPLES[fuzzed].1) {
                assert!(problem.place.line as usize <= lines, "{problem}");
                assert!(!problem.what.contains('\n'), "{problem}");
            }
        }
    }
});
