//! A Rust file as the house rules see it: its lines without comments and without what stands in
//! quotes, which of them are tests, and where its functions begin and end. No parser: the rules
//! need words, braces and line numbers.

use std::fs;
use std::path::{Path, PathBuf};

/// One line of a file.
#[derive(Debug)]
pub(crate) struct Line {
    /// Counted from 1.
    pub(crate) number: usize,
    /// Its code: comments are gone, and what stands in quotes is blank.
    pub(crate) code: String,
    /// True inside of `#[cfg(test)]`.
    pub(crate) test: bool,
}

/// One function, from its `fn` to its closing brace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) length: usize,
}

/// One file.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) lines: Vec<Line>,
}

impl Source {
    /// Reads a file's text; `test` marks all of it as test code.
    pub(crate) fn parse(path: &str, text: &str, test: bool) -> Self {
        let masked = mask(text);
        let marks = test_bytes(&masked);
        let mut start = 0;
        let lines = masked
            .split('\n')
            .enumerate()
            .map(|(index, code)| {
                let inside =
                    test || code.bytes().enumerate().any(|(at, b)| !b.is_ascii_whitespace() && marks[start + at]);
                start += code.len() + 1;
                Line { number: index + 1, code: code.to_owned(), test: inside }
            })
            .collect();
        Self { path: path.to_owned(), lines }
    }

    /// The module path: `src/engine/facts.rs` is `["engine", "facts"]`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let inner = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let inner = inner.strip_suffix(".rs").unwrap_or(inner);
        let mut parts: Vec<&str> = inner.split('/').collect();
        if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) {
            parts.pop();
        }
        parts
    }

    /// The functions with a body.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let text: Vec<(usize, char)> =
            self.lines.iter().flat_map(|l| l.code.chars().chain(['\n']).map(|c| (l.number, c))).collect();
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            if let Some(name) = function_at(&text, at)
                && let Some(open) = body_of(&text, at)
                && let Some(close) = closing_brace(&text, open)
            {
                let line = text[at].0;
                found.push(Function { name, line, length: text[close].0 - line + 1 });
            }
            at += 1;
        }
        found
    }
}

/// Every `.rs` file under `folder`, in order; those that only tests see are marked so.
pub(crate) fn read_all(root: &Path, folder: &str) -> Vec<Source> {
    let mut files = Vec::new();
    walk(&root.join(folder), &mut files);
    files.sort();
    let mut sources: Vec<Source> = files
        .iter()
        .map(|file| {
            let path = file.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(file).expect("a source file is readable text");
            Source::parse(&path, &text, !folder.starts_with("src"))
        })
        .collect();
    let tests: Vec<String> = sources.iter().flat_map(test_modules).collect();
    for source in &mut sources {
        if tests.iter().any(|t| source.path == format!("{t}.rs") || source.path.starts_with(&format!("{t}/"))) {
            source.lines.iter_mut().for_each(|line| line.test = true);
        }
    }
    sources
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// The paths (without `.rs`) of modules that are declared under `#[cfg(test)]` without a body.
fn test_modules(source: &Source) -> Vec<String> {
    let folder = match source.path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
        _ => source.path.trim_end_matches(".rs").to_owned(),
    };
    let declared = source.lines.iter().filter(|l| l.test).filter_map(|l| {
        let name = l.code.trim().strip_prefix("mod ")?.strip_suffix(';')?;
        Some(format!("{folder}/{name}"))
    });
    declared.collect()
}

/// Blanks comments and the inside of quotes; keeps every line break.
fn mask(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skip(&chars, at);
        if end == at {
            out.push(if chars[at].is_ascii() { chars[at] } else { ' ' });
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment or literal that begins at `at` ends; `at` itself if none begins there.
fn skip(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    let after_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if next == Some('/') => chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |n| at + n),
        '/' if next == Some('*') => end_of_block_comment(chars, at),
        'r' | 'b' | 'c' if !after_word => end_of_prefixed_string(chars, at),
        '"' => end_of_string(chars, at),
        '\'' => end_of_char(chars, at),
        _ => at,
    }
}

fn end_of_block_comment(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

/// Strings with a prefix: `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`, `b'…'`.
fn end_of_prefixed_string(chars: &[char], at: usize) -> usize {
    let letters = chars[at..].iter().take(2).take_while(|c| matches!(c, 'r' | 'b' | 'c')).count();
    let raw = chars[at..at + letters].contains(&'r');
    let hashes = if raw { chars[at + letters..].iter().take_while(|c| **c == '#').count() } else { 0 };
    let quote = at + letters + hashes;
    match chars.get(quote) {
        Some('"') if !raw => end_of_string(chars, quote),
        Some('"') => {
            let closes = |i: usize| {
                chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
            };
            (quote + 1..chars.len()).find(|i| closes(*i)).map_or(chars.len(), |i| i + 1 + hashes)
        }
        Some('\'') if chars[at] == 'b' && letters == 1 => end_of_char(chars, quote),
        _ => at,
    }
}

fn end_of_string(chars: &[char], quote: usize) -> usize {
    let mut i = quote + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// A character, or `at` itself where the quote begins a lifetime.
fn end_of_char(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => chars[at + 3..].iter().position(|c| *c == '\'').map_or(chars.len(), |n| at + 3 + n + 1),
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// For each byte of masked text, whether it belongs to an item under `#[cfg(test)]`.
fn test_bytes(masked: &str) -> Vec<bool> {
    let mut marks = vec![false; masked.len() + 1];
    for needle in ["#[cfg(test)]", "#[cfg(all(test"] {
        for (start, _) in masked.match_indices(needle) {
            let end = item_end(masked.as_bytes(), start + needle.len());
            marks[start..end].fill(true);
        }
    }
    marks
}

/// The end of the item that follows: its closing brace, or a `;` outside of brackets.
fn item_end(bytes: &[u8], from: usize) -> usize {
    let (mut braces, mut others) = (0_i32, 0_i32);
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'{' => braces += 1,
            b'}' => braces -= 1,
            b'(' | b'[' => others += 1,
            b')' | b']' => others -= 1,
            _ => {}
        }
        let over = match byte {
            b'}' => braces == 0 && others <= 0,
            b';' => braces == 0 && others <= 0,
            _ => false,
        };
        if over {
            return at + 1;
        }
    }
    bytes.len()
}

/// The name of the function whose `fn` stands at `at`.
fn function_at(text: &[(usize, char)], at: usize) -> Option<String> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let starts = at == 0 || !word(text[at - 1].1);
    let keyword = text.get(at..at + 3)?.iter().map(|(_, c)| *c).eq("fn ".chars());
    let name: String =
        text[at + 2..].iter().map(|(_, c)| *c).skip_while(|c| *c == ' ').take_while(|c| word(*c)).collect();
    (starts && keyword && !name.is_empty()).then_some(name)
}

/// The opening brace of a function's body; none for a declaration.
fn body_of(text: &[(usize, char)], at: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, (_, c)) in text[at..].iter().enumerate() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(at + offset),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn closing_brace(text: &[(usize, char)], open: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, (_, c)) in text[open..].iter().enumerate() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(open + offset);
        }
    }
    None
}

#[test]
fn comments_and_quotes_are_blank_and_tests_are_known() {
    let text = "fn a() { // unwrap()\n  let s = \"}\\\"{\"; let c = '{'; let r = r#\"}\"}\"#; /* { /* } */ */\n}\n\
                #[cfg(test)]\nmod tests {\n  fn b<'a>(x: &'a str) {}\n}\nfn c();\n";
    let source = Source::parse("src/x/mod.rs", text, false);
    assert_eq!(source.module(), ["x"]);
    assert!(!source.lines.iter().any(|l| l.code.contains("unwrap")));
    let tests: Vec<usize> = source.lines.iter().filter(|l| l.test).map(|l| l.number).collect();
    assert_eq!(tests, [4, 5, 6, 7]);
    let functions: Vec<(String, usize, usize)> =
        source.functions().into_iter().map(|f| (f.name, f.line, f.length)).collect();
    assert_eq!(functions, [("a".to_owned(), 1, 3), ("b".to_owned(), 6, 1)]);
}
