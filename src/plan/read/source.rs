//! The texts that a plan is read from, and what each is for.

use std::path::PathBuf;

/// What a file describes; decided by where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `ringcheck.toml`: where and how the node runs. Exactly one.
    Ringcheck,
    /// `pods/*.toml`: one pod each.
    Pod,
    /// `probes/*.toml`: one probe each.
    Probe,
}

/// One file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// What it describes.
    pub kind: FileKind,
    /// Its path as a person would open it: `config/pods/pod-18.toml`.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

impl SourceText {
    /// The file's name without `.toml`.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit(['/', '\\']).next().unwrap_or(&self.path);
        name.strip_suffix(".toml").unwrap_or(name)
    }
}

/// All texts of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// What relative paths in the files start from: the config folder.
    pub base: PathBuf,
    /// The files, in the order in which mistakes are to be listed.
    pub files: Vec<SourceText>,
}

impl Sources {
    /// Largest file that is read, in bytes.
    pub const FILE_BYTES_MAX: usize = 1024 * 1024;
    /// Most files that are read.
    pub const FILES_MAX: usize = 2000;
}
