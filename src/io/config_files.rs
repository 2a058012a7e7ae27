//! Brings the texts of `config/` and `probes/` from the disk, within bounds, and looks whether
//! what they refer to is there. The only place that reads them.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::plan::read::{FileKind, Place, Placed, PlanRead, Problems, Reference, SourceText, Sources, read_texts};

use super::secrets;
use super::tls::Tls;

/// Reads the whole plan, and looks whether all secrets and certificates that it refers to can be
/// read here. For everything that is going to dial.
///
/// # Errors
/// Every mistake in every file, in one go.
pub fn load(config: &Path, probes: &Path) -> Result<PlanRead, Problems> {
    let read = read(config, probes)?;
    let missing = missing(&read.references);
    if missing.is_empty() { Ok(read) } else { Err(missing) }
}

/// Reads the whole plan without looking at what it refers to.
///
/// # Errors
/// Every mistake in every file, in one go.
pub fn read(config: &Path, probes: &Path) -> Result<PlanRead, Problems> {
    bring(config, probes).and_then(|sources| read_texts(&sources))
}

/// What cannot be read of what a plan refers to.
pub fn missing(references: &[Placed<Reference>]) -> Problems {
    let tls = Tls::default();
    let mut problems = Problems::default();
    for reference in references {
        let what = match &reference.value {
            Reference::Secret(secret) => secrets::read(secret).err().map(|error| error.to_string()),
            Reference::CaFile(path) => tls.config(Some(path)).err().map(|error| error.to_string()),
        };
        if let Some(what) = what {
            problems.push(reference.place.clone(), what, None);
        }
    }
    problems.sorted()
}

/// Reads `ringcheck.toml`, `pods/*.toml` and the probes' `*.toml`.
///
/// # Errors
/// Every folder and file that cannot be read, in one go.
pub fn bring(config: &Path, probes: &Path) -> Result<Sources, Problems> {
    let mut problems = Problems::default();
    let mut files = Vec::new();
    let mut bring = |kind: FileKind, path: &Path, problems: &mut Problems| match text_of(path) {
        Ok(text) => files.push(SourceText { kind, path: path.display().to_string(), text }),
        Err((place, what)) => problems.push(place, what, None),
    };
    bring(FileKind::Ringcheck, &config.join("ringcheck.toml"), &mut problems);
    let folders = [
        (FileKind::Pod, config.join("pods"), "one *.toml for each pod is needed there"),
        (FileKind::Probe, probes.to_owned(), "one *.toml for each probe is needed there"),
    ];
    for (kind, folder, hint) in folders {
        match toml_files(&folder) {
            Ok(paths) => paths.iter().for_each(|path| bring(kind, path, &mut problems)),
            Err(what) => problems.push(Place::file(&folder.display().to_string()), what, Some(hint.to_owned())),
        }
    }
    if problems.is_empty() { Ok(Sources { base: config.to_owned(), files }) } else { Err(problems.sorted()) }
}

/// The `*.toml` in a folder, by name. Hidden ones are left out: editors and Kubernetes put their
/// own things there.
fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = fs::read_dir(folder).map_err(|error| format!("cannot list this folder: {error}"))?;
    let mut paths = Vec::new();
    for entry in listed {
        let path = entry.map_err(|error| format!("cannot list this folder: {error}"))?.path();
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if hidden || path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        paths.push(path);
        if paths.len() > Sources::FILES_MAX {
            return Err(format!("more than {} files", Sources::FILES_MAX));
        }
    }
    paths.sort();
    Ok(paths)
}

/// A file's text, or why it cannot be had.
fn text_of(path: &Path) -> Result<String, (Place, String)> {
    let name = path.display().to_string();
    let whole = |what: String| (Place::file(&name), what);
    let metadata = fs::metadata(path).map_err(|error| whole(format!("cannot read this file: {error}")))?;
    if !metadata.is_file() {
        // A pipe or a device would block or never end.
        return Err(whole("this is not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(Sources::FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| whole(format!("cannot read this file: {error}")))?;
    if bytes.len() > Sources::FILE_BYTES_MAX {
        return Err(whole(format!("larger than {} KiB", Sources::FILE_BYTES_MAX / 1024)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        (Place::of(&name, &text, good), "this is not UTF-8".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_cannot_be_read_is_said_in_one_go() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("config");
        fs::create_dir_all(config.join("pods")).expect("made");
        fs::create_dir(config.join("ringcheck.toml")).expect("made");
        fs::write(config.join("pods/a.toml"), b"name = \"\xff\"").expect("written");
        fs::write(config.join("pods/b.toml"), vec![b' '; Sources::FILE_BYTES_MAX + 1]).expect("written");
        fs::write(config.join("pods/.hidden.toml"), b"\xff").expect("written");
        let problems = bring(&config, &folder.path().join("none")).expect_err("nothing is right");
        let said = problems.to_string().replace(&folder.path().display().to_string(), "");
        assert!(said.contains("/config/ringcheck.toml: this is not a regular file"), "{said}");
        assert!(said.contains("/config/pods/a.toml:1:9: this is not UTF-8"), "{said}");
        assert!(said.contains("/config/pods/b.toml: larger than 1024 KiB"), "{said}");
        assert!(said.contains("/none: cannot list this folder"), "{said}");
        assert_eq!(problems.len(), 4, "{said}");
    }

    #[test]
    fn the_example_is_right_and_its_missing_secrets_are_named() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = read(&root.join("config"), &root.join("probes")).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(read.warnings.is_empty(), "{}", read.warnings);
        let names: Vec<&str> = read.plan.pods.iter().map(|pod| pod.name.as_str()).collect();
        assert_eq!(names, ["pod-14", "pod-18", "pod-23"]);
        let said = missing(&read.references).to_string();
        assert!(said.contains("pod-18.toml:15:"), "{said}");
        assert!(said.contains("the environment variable POD18_API_KEY_SECRET is not set"), "{said}");
        assert!(said.contains("the environment variable WEBHOOK_SECRET is not set"), "{said}");
    }

    #[test]
    fn every_mailbox_that_is_taken_can_be_written_to() {
        for text in [
            "a@b.example",
            "Ringcheck <ringcheck@example.com>",
            "Voice on-call <a.b+c@example.com>",
            "J\u{fc}rgen O'Neil <a@b.example>",
            "A & B <a_b@c.example>",
            "<a@b.example>",
        ] {
            assert!(text.parse::<lettre::message::Mailbox>().is_ok(), "{text}");
        }
    }

    #[test]
    fn files_come_in_order_with_their_kinds() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (config, probes) = (folder.path().join("config"), folder.path().join("probes"));
        fs::create_dir_all(config.join("pods")).expect("made");
        fs::create_dir(&probes).expect("made");
        for path in
            ["config/ringcheck.toml", "config/pods/b.toml", "config/pods/a.toml", "probes/c.toml", "probes/README"]
        {
            fs::write(folder.path().join(path), "").expect("written");
        }
        let sources = bring(&config, &probes).expect("all can be read");
        let seen: Vec<_> = sources.files.iter().map(|file| (file.kind, file.stem())).collect();
        let expected =
            [(FileKind::Ringcheck, "ringcheck"), (FileKind::Pod, "a"), (FileKind::Pod, "b"), (FileKind::Probe, "c")];
        assert_eq!(seen, expected);
    }
}
