//! Reads secrets late: on each use, so that a rotated one is taken without a reload, and nothing
//! but the reference is ever kept.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use secrecy::SecretString;

use crate::model::SecretRef;

/// The largest secret that is read, in bytes.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Why a secret could not be read. Names where it should be, never what is there.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such environment variable.
    #[error("the environment variable {0} is not set; set it before starting ringcheck")]
    NotSet(String),
    /// The file cannot be read.
    #[error("the secret file {path} cannot be read: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing is there.
    #[error("the secret in {0:?} is empty")]
    Empty(SecretRef),
    /// Not text.
    #[error("the secret in {0:?} is not UTF-8 text")]
    NotText(SecretRef),
    /// Too large to be a secret.
    #[error("the secret in {0:?} is larger than 64 KiB; is it the right file?")]
    TooLarge(SecretRef),
}

/// Reads a secret. From a file, one trailing line end is cut off.
pub fn read(reference: &SecretRef) -> Result<SecretString, SecretError> {
    let text = match reference {
        SecretRef::Env(name) => match std::env::var(name) {
            Ok(text) => text,
            Err(std::env::VarError::NotPresent) => return Err(SecretError::NotSet(name.clone())),
            Err(std::env::VarError::NotUnicode(_)) => return Err(SecretError::NotText(reference.clone())),
        },
        SecretRef::File(path) => {
            let bytes = read_file(path).map_err(|source| SecretError::File { path: path.clone(), source })?;
            if bytes.len() as u64 > SECRET_BYTES_MAX {
                return Err(SecretError::TooLarge(reference.clone()));
            }
            let mut text = String::from_utf8(bytes).map_err(|_| SecretError::NotText(reference.clone()))?;
            if text.ends_with('\n') {
                text.pop();
            }
            if text.ends_with('\r') {
                text.pop();
            }
            text
        }
    };
    if text.is_empty() {
        return Err(SecretError::Empty(reference.clone()));
    }
    Ok(SecretString::from(text))
}

fn read_file(path: &PathBuf) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use secrecy::ExposeSecret;

    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, SecretRef) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret");
        fs::write(&path, content).expect("written");
        (dir, SecretRef::File(path))
    }

    #[test]
    fn one_line_end_is_cut_off() {
        for (content, expected) in
            [("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), ("a\n\n", "a\n")]
        {
            let (_dir, reference) = file(content.as_bytes());
            assert_eq!(read(&reference).expect("read").expose_secret(), expected);
        }
    }

    #[test]
    fn errors_name_the_place_and_not_the_value() {
        let (_dir, empty) = file(b"\n");
        assert!(matches!(read(&empty), Err(SecretError::Empty(_))));
        let (_dir, binary) = file(b"hunter2\xff");
        let error = read(&binary).expect_err("not text");
        assert!(error.to_string().contains("secret") && !format!("{error} {error:?}").contains("hunter2"));
        let (_dir, large) = file(&vec![b'x'; 70_000]);
        assert!(matches!(read(&large), Err(SecretError::TooLarge(_))));
        let unset = SecretRef::Env("RINGCHECK_NO_SUCH_VARIABLE".to_owned());
        let error = read(&unset).expect_err("not set").to_string();
        assert_eq!(
            error,
            "the environment variable RINGCHECK_NO_SUCH_VARIABLE is not set; set it before starting ringcheck"
        );
    }
}
