//! Private Python environments below `target/`, made on the first run. Without python, its venv
//! module or the package index the tests that need them fail; they are never skipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Held while an environment is looked at or made: tests of one program run side by side.
static MAKING: Mutex<()> = Mutex::new(());

/// The python of the environment of this name, with what this file of `tests/python` lists.
pub(crate) fn python(name: &str, requirements: &str) -> PathBuf {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(requirements);
    let wanted = std::fs::read_to_string(&requirements).expect("the requirements are in the repository");
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = home.join("bin/python");
    let installed = home.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return python;
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home), "python3 -m venv");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(&python).args(pip).arg(&requirements), "pip install");
    std::fs::write(&installed, wanted).expect("the environment can be written to");
    python
}

fn run(command: &mut Command, what: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}. Install python3 and python3-venv."));
    assert!(
        output.status.success(),
        "{what} failed. On Debian: apt-get install python3 python3-venv; the package index must be reachable.\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
