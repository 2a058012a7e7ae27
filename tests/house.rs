//! The rules of this house, held by a test: who may know whom, what the pure floors may not
//! touch, how long a file or a function may be, which names say too little, and what never
//! belongs in the repository. A rule that cannot hold in one place is waived there by name, with
//! its reason; a waiver that is no longer needed fails too.

#[path = "house/findings.rs"]
mod findings;
#[path = "house/names.rs"]
mod names;
#[path = "house/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use findings::Findings;
use names::{crate_paths, escapes, has_word, name_after};
use source::{Source, read_all};

/// Who may know whom, lowest floor first. A folder may use itself and what stands beside it.
const FLOORS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("token", &["model"]),
    ("partner", &["token", "model"]),
    ("diagnosis", &["token", "model"]),
    ("plan", &["partner", "token", "model"]),
    ("call", &["model"]),
    ("engine", &["diagnosis", "plan", "token", "model"]),
    ("message", &["engine", "diagnosis", "plan", "token", "model"]),
    ("drive", &["message", "engine", "plan", "token", "model"]),
    ("io", &["drive", "message", "engine", "call", "diagnosis", "plan", "partner", "token", "model"]),
    ("sim", &["drive", "message", "engine", "call", "diagnosis", "plan", "partner", "token", "model"]),
    ("node", &["io", "drive", "message", "engine", "call", "diagnosis", "plan", "partner", "token", "model"]),
    (
        "partner_server",
        &["io", "sim", "drive", "message", "engine", "call", "diagnosis", "plan", "partner", "token", "model"],
    ),
    (
        "cli",
        &[
            "node",
            "partner_server",
            "io",
            "sim",
            "drive",
            "message",
            "engine",
            "call",
            "diagnosis",
            "plan",
            "partner",
            "token",
            "model",
        ],
    ),
];

/// The floors that decide and never do: given the same input they give the same output.
const PURE: &[&str] = &["model", "token", "partner", "plan", "diagnosis", "engine", "call", "message", "drive", "sim"];

/// What a pure floor may not touch, and why.
const BANNED_IN_PURE: &[(&str, &str)] = &[
    ("tokio", "no runtime: time and results come in as arguments"),
    ("async fn", "nothing to wait for"),
    (".await", "nothing to wait for"),
    ("std::fs", "files are read in io"),
    ("fs::", "files are read in io"),
    ("std::env", "the environment is read in io"),
    ("env::", "the environment is read in io"),
    ("TcpStream", "sockets live in io"),
    ("TcpListener", "sockets live in io"),
    ("UdpSocket", "sockets live in io"),
    ("ToSocketAddrs", "names are looked up in io"),
    ("Instant", "time is an argument"),
    ("SystemTime", "time is an argument"),
    ("std::thread", "threads belong to node"),
    ("thread::", "threads belong to node"),
    ("HashMap", "its order is random: BTreeMap"),
    ("HashSet", "its order is random: BTreeSet"),
    ("RandomState", "random"),
    ("DefaultHasher", "not stable between releases: model's StableHasher"),
    ("thread_rng", "randomness comes from a seed"),
    ("fastrand::Rng::new", "randomness comes from a seed: with_seed"),
    ("fastrand::u", "randomness comes from a seed"),
    ("fastrand::i", "randomness comes from a seed"),
    ("fastrand::f", "randomness comes from a seed"),
    ("fastrand::shuffle", "randomness comes from a seed"),
    ("tracing", "a record is the log; node prints it"),
    ("log::", "a record is the log; node prints it"),
    ("println!", "a record is the log; cli prints"),
    ("eprintln!", "a record is the log; cli prints"),
    ("reqwest", "the network lives in io"),
    ("rusqlite", "the store lives in io"),
    ("SmtpTransport", "receivers live in io"),
    ("axum", "listeners live in io"),
    ("anyhow", "errors are enums here"),
];

/// What reads a clock. One file of the product does.
const CLOCK_READS: &[&str] = &["Instant::now", "SystemTime::now", "Utc::now", "Local::now", ".elapsed()"];

/// What no source file holds, tests included.
const BANNED_EVERYWHERE: &[(&str, &str)] = &[
    ("todo!", "finish it or leave it out"),
    ("unimplemented!", "finish it or leave it out"),
    ("dbg!", "left over"),
    ("#[ignore", "a test that does not run proves nothing"),
    ("allow(dead_code)", "dead code goes"),
    ("static mut", "no hidden state"),
    ("unbounded_channel", "every queue has a bound with a name"),
];

/// Names that say nothing, as files, folders or parts of types.
const EMPTY_NAMES: &[&str] = &[
    "core", "util", "utils", "common", "types", "manager", "handler", "handlers", "helper", "helpers", "misc", "stuff",
];

/// Lines in a file.
const FILE_LINES: usize = 600;
/// Lines in a function, from `fn` to the closing brace.
const FUNCTION_LINES: usize = 70;

#[test]
fn lower_floors_know_nothing_of_higher_ones() {
    let mut found = Findings::new("floor");
    for source in product() {
        let module = source.module();
        let Some(own) = module.first().copied() else { continue };
        let allowed = FLOORS.iter().find(|(name, _)| *name == own).map(|(_, below)| *below);
        let Some(allowed) = allowed else {
            found.add(&source.path, 1, format!("`{own}` has no place in the table of floors"));
            continue;
        };
        for (line, name) in crate_paths(&source).into_iter().chain(escapes(&source, module.len())) {
            let known = FLOORS.iter().any(|(floor, _)| *floor == name);
            if known && name != own && !allowed.contains(&name.as_str()) {
                found.add(&source.path, line, format!("`{own}` may not use `{name}`; it may use {allowed:?}"));
            }
        }
    }
    found.none();
}

#[test]
fn pure_floors_touch_nothing() {
    let mut found = Findings::new("pure");
    // The worlds' tests play years on two threads and print the tables that they are held to. A moment
    // of the machine's clock comes in for the media library, as one type, and is read by nobody, not
    // where its keys are agreed either; the relay library's moment has the same name and is a number.
    let moments = ["src/model/origin.rs", "src/call/dtls.rs", "src/call/relay_moment.rs"];
    let spared = |s: &Source| s.path.starts_with("src/sim/tests/") || moments.contains(&s.path.as_str());
    let pure = |s: &&Source| s.module().first().is_some_and(|m| PURE.contains(m)) && !spared(s);
    for source in product().iter().filter(pure) {
        for (line, code) in source.lines.iter().map(|l| (l.number, &l.code)) {
            for (word, why) in BANNED_IN_PURE.iter().filter(|(word, _)| has_word(code, word)) {
                found.add(&source.path, line, format!("`{word}` on a pure floor: {why}"));
            }
        }
    }
    found.none();
}

#[test]
fn one_file_reads_the_clock() {
    let mut found = Findings::new("clock");
    for source in product().iter().filter(|s| s.path != "src/io/clock.rs") {
        for line in source.lines.iter().filter(|l| !l.test) {
            for word in CLOCK_READS.iter().filter(|word| line.code.contains(**word)) {
                found.add(&source.path, line.number, format!("`{word}`: only src/io/clock.rs reads a clock"));
            }
        }
    }
    found.none();
}

#[test]
fn files_and_functions_are_short() {
    let mut found = Findings::new("length");
    for source in product().into_iter().chain(read_all(&root(), "tests")) {
        let lines = source.lines.len() - usize::from(source.lines.last().is_some_and(|l| l.code.is_empty()));
        if lines > FILE_LINES {
            found.add(&source.path, 1, format!("{lines} lines, more than {FILE_LINES}: one noun per file"));
        }
        for function in source.functions().iter().filter(|f| f.length > FUNCTION_LINES) {
            let place = format!("{}#{}", source.path, function.name);
            found.add(&place, function.line, format!("{} lines, more than {FUNCTION_LINES}", function.length));
        }
    }
    found.none();
}

#[test]
fn names_say_something() {
    let mut found = Findings::new("name");
    for source in product() {
        for part in source.module().iter().filter(|part| EMPTY_NAMES.contains(part)) {
            found.add(&source.path, 1, format!("`{part}` says nothing"));
        }
        for line in &source.lines {
            let declared = ["struct ", "enum ", "trait ", "mod "].iter().filter_map(|k| name_after(&line.code, k));
            for name in declared {
                let lower = name.to_lowercase();
                if EMPTY_NAMES.contains(&lower.as_str()) || name.ends_with("Manager") || name.ends_with("Handler") {
                    found.add(&source.path, line.number, format!("`{name}` says nothing"));
                }
            }
        }
    }
    found.none();
}

#[test]
fn product_code_does_not_unwrap() {
    let mut found = Findings::new("unwrap");
    for source in product() {
        for line in source.lines.iter().filter(|l| !l.test && l.code.contains(".unwrap()")) {
            found.add(&source.path, line.number, "`expect` with the invariant, or an error".to_owned());
        }
    }
    found.none();
}

#[test]
fn nothing_is_unfinished() {
    let mut found = Findings::new("unfinished");
    for source in product().into_iter().chain(read_all(&root(), "tests")) {
        for line in &source.lines {
            for (word, why) in BANNED_EVERYWHERE.iter().filter(|(word, _)| line.code.contains(word)) {
                found.add(&source.path, line.number, format!("`{word}`: {why}"));
            }
        }
    }
    found.none();
}

#[test]
fn mod_files_only_declare() {
    let mut found = Findings::new("mod");
    for source in product().iter().filter(|s| s.path.ends_with("/mod.rs") || s.path == "src/lib.rs") {
        let logic = source.lines.iter().filter(|l| !l.test && (has_word(&l.code, "fn ") || has_word(&l.code, "impl")));
        for line in logic {
            found.add(&source.path, line.number, "a mod.rs declares and explains; logic has a file of its own".into());
        }
    }
    found.none();
}

#[test]
fn tests_of_logic_do_not_sleep() {
    let mut found = Findings::new("sleep");
    for source in product().into_iter().chain(read_all(&root(), "tests")) {
        for line in source.lines.iter().filter(|l| l.test && has_word(&l.code, "sleep(")) {
            found.add(&source.path, line.number, "wait for the event itself, or use virtual time".to_owned());
        }
    }
    found.none();
}

#[test]
fn nothing_of_a_machine_or_a_registry_is_in_the_repository() {
    // In two halves each, so that this file does not hold them either.
    let words: Vec<String> = [
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/home", "/user"),
        ("far", "m-"),
        ("shared/de", "sign"),
        ("bash_", "jobs"),
        ("crates", ".io"),
        ("npmjs", ".org"),
        ("npmjs", ".com"),
        ("pypi", ".org"),
        ("pythonhosted", ".org"),
        ("deb.debian", ".org"),
        ("security.debian", ".org"),
        ("docker", ".io"),
        ("ghcr", ".io"),
        ("quay", ".io"),
        ("static.rust-lang", ".org"),
        ("sh.rustup", ".rs"),
        ("nodesource", ".com"),
    ]
    .iter()
    .map(|(a, b)| format!("{a}{b}"))
    .collect();
    let mut found = Findings::new("word");
    for path in tracked().into_iter().filter(|p| !is_lock(p)) {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(word.as_str())) {
                found.add(&path, number + 1, format!("holds `{word}`"));
            }
        }
    }
    found.none();
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = read("Cargo.toml");
    let story = fs::read_to_string(root().join("docs/dependencies.md")).unwrap_or_default();
    let mut found = Findings::new("dependency");
    let mut inside = false;
    for (number, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.contains("dependencies]");
        } else if inside && let Some((name, rest)) = line.split_once('=') {
            let explained = rest.contains(" # ") || story.contains(&format!("`{}`", name.trim()));
            if !explained {
                let what = format!("`{}` has neither a comment nor a line in docs/dependencies.md", name.trim());
                found.add("Cargo.toml", number + 1, what);
            }
        }
    }
    found.none();
}

/// What may stand beside a program under Apache-2.0, as SPDX names.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

#[test]
fn dependencies_are_few_of_a_kind_and_free() {
    let output = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["tree", "--locked", "--offline", "--target", "x86_64-unknown-linux-gnu", "--edges", "normal,build"])
        .args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let packages: BTreeSet<&str> = listed.lines().filter(|line| !line.is_empty()).collect();
    let mut found = Findings::new("crate");
    let mut versions = BTreeSet::new();
    for package in packages {
        let (package, licence) = package.split_once('|').expect("the format has a bar");
        let (name, version) = package.split_once(' ').expect("a name and a version");
        let version = version.split(' ').next().unwrap_or_default();
        versions.insert((name, version));
        if ["openssl-sys", "native-tls", "ring", "bindgen"].contains(&name) {
            found.add("Cargo.lock", 1, format!("{name}: one TLS library, and nothing that a bare machine lacks"));
        }
        let licence = licence.replace('/', " OR ").replace(['(', ')'], " ");
        let free = licence.split(" OR ").any(|one| one.split(" AND ").all(|l| LICENCES.contains(&l.trim())));
        if !free {
            found.add("Cargo.lock", 1, format!("{name} {version} is under `{licence}`"));
        }
    }
    for once in ["tokio", "rustls", "aws-lc-rs", "reqwest", "hyper", "serde", "chrono", "rusqlite"] {
        let many: Vec<&str> = versions.iter().filter(|(name, _)| *name == once).map(|(_, version)| *version).collect();
        if many.len() > 1 {
            found.add("Cargo.lock", 1, format!("{once} in versions {many:?}: one is enough"));
        }
    }
    found.none();
}

#[test]
fn documents_name_files_that_exist() {
    let mut found = Findings::new("document");
    for path in tracked().into_iter().filter(|p| p.ends_with(".md")) {
        for (number, line) in read(&path).lines().enumerate() {
            for word in line.split(|c: char| !(c.is_alphanumeric() || "/._-".contains(c))) {
                let word = word.trim_end_matches(['.', '/']);
                let ours = ["src/", "docs/", "tests/", "scripts/", "scenarios/", "fuzz/", "benches/"];
                if ours.iter().any(|folder| word.starts_with(folder)) && !root().join(word).exists() {
                    found.add(&path, number + 1, format!("`{word}` does not exist"));
                }
            }
        }
    }
    found.none();
}

// ---------------------------------------------------------------------------------------------

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a tracked text file")
}

fn product() -> Vec<Source> {
    read_all(&root(), "src")
}

/// The files of the repository: tracked, or new and not ignored.
fn tracked() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).expect("paths are UTF-8");
    listed.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect()
}

fn is_lock(path: &str) -> bool {
    path.ends_with(".lock") || path.ends_with("package-lock.json")
}
