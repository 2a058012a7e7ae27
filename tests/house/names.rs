//! Words and paths in a line of code.

use std::fmt::Write as _;

use super::source::Source;

/// True if `word` stands in `code` and does not begin or end inside of a longer word.
pub(crate) fn has_word(code: &str, word: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let glued_before = word.starts_with(inner) && code[..at].ends_with(inner);
        let glued_after = word.ends_with(|c: char| c.is_alphabetic()) && code[at + word.len()..].starts_with(inner);
        // `fastrand::u` means every generator that begins so.
        !glued_before && (!glued_after || word.starts_with("fastrand::"))
    })
}

pub(crate) fn name_after<'a>(code: &'a str, keyword: &str) -> Option<&'a str> {
    let rest = code.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ").strip_prefix(keyword)?;
    rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()
}

/// The first name of every `crate::…` path, groups included.
pub(crate) fn crate_paths(source: &Source) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    let all: String = source.lines.iter().fold(String::new(), |mut all, line| {
        writeln!(all, "{}", line.code).expect("a String takes text");
        all
    });
    for (at, _) in all.match_indices("crate::") {
        if all[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let line = all[..at].matches('\n').count() + 1;
        let rest = &all[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => paths.extend(top_names(group).into_iter().map(|name| (line, name))),
            None => paths.extend(first_name(rest).map(|name| (line, name))),
        }
    }
    paths
}

/// The first names of the members of a `use` group, up to its closing brace.
fn top_names(group: &str) -> Vec<String> {
    let (mut depth, mut fresh, mut names) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && depth == 0 && !c.is_whitespace() => {
                names.extend(first_name(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// What `super::super::…` reaches outside of the file's own top folder.
pub(crate) fn escapes(source: &Source, depth: usize) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for line in &source.lines {
        for (at, _) in line.code.match_indices("super::") {
            if line.code[..at].ends_with("super::") {
                continue;
            }
            let mut rest = &line.code[at..];
            let mut steps = 0;
            while let Some(more) = rest.strip_prefix("super::") {
                (rest, steps) = (more, steps + 1);
            }
            // Tests stand one module deeper than their file.
            if steps >= depth + usize::from(line.test) {
                paths.extend(first_name(rest).map(|name| (line.number, name)));
            }
        }
    }
    paths
}

#[test]
fn the_rules_see_what_they_must() {
    let source = Source::parse(
        "src/engine/x.rs",
        "use crate::{model::{A, B}, io::C};\nuse super::super::sim::D;\n// crate::cli\nfn f() { crate::node::g() }\n",
        false,
    );
    let names: Vec<String> = crate_paths(&source).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["model", "io", "node"]);
    assert_eq!(escapes(&source, 2), [(2, "sim".to_owned())]);
    assert!(has_word("tokio::time", "tokio") && !has_word("my_tokio", "tokio") && has_word("x.await", ".await"));
    assert!(has_word("fastrand::u64(..)", "fastrand::u") && !has_word("dfs::x", "fs::"));
    assert!(has_word("impl<T> X", "impl") && !has_word("simple", "impl"));
}
