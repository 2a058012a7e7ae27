//! The audio of the last calls that were bad, as WAV files that only their owner can read.
//!
//! A recording exists only where our own tone was heard in the call, so it holds no stranger's
//! voice but that of whoever our own test application lets speak. Nothing here can hurt probing: a
//! disk that is full or closed to us costs the recording and a warning.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};

use crate::call::audio::SAMPLE_RATE_HZ;
use crate::model::{AttemptSpec, Timestamp};
use crate::plan::RecordingSettings;

/// How all of our files end; no other file is ever removed.
const EXTENSION: &str = ".call.wav";
/// How a file is called while it is written.
const UNFINISHED: &str = ".part";

/// The name of an attempt's recording. The time comes first, so that names sort by age.
pub(super) fn file_name(spec: &AttemptSpec, started: Timestamp) -> String {
    format!("{:015}_{}_{}_{}{EXTENSION}", started.as_millis(), spec.pod, spec.probe, spec.id)
}

/// Writes a recording, and removes the oldest ones beyond those that are kept.
pub(super) fn keep(settings: &RecordingSettings, name: &str, samples: &[i16]) -> io::Result<()> {
    let folder = &settings.path;
    if !folder.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let unfinished = folder.join(format!("{name}{UNFINISHED}"));
    let written = write(&unfinished, samples).and_then(|()| fs::rename(&unfinished, folder.join(name)));
    if written.is_err() {
        // What a full disk left of it is worth nothing; that it cannot be removed either is told above.
        fs::remove_file(&unfinished).ok();
    }
    written?;
    remove_oldest(folder, settings.keep as usize)
}

fn write(path: &Path, samples: &[i16]) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut file = BufWriter::new(file);
    let spec =
        WavSpec { channels: 1, sample_rate: SAMPLE_RATE_HZ, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut writer = WavWriter::new(&mut file, spec).map_err(io_error)?;
    samples.iter().try_for_each(|sample| writer.write_sample(*sample)).map_err(io_error)?;
    writer.finalize().map_err(io_error)?;
    file.flush()
}

fn io_error(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}

fn remove_oldest(folder: &Path, keep: usize) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        names.extend(name.into_string().ok().filter(|name| is_ours(name)));
    }
    names.sort_unstable();
    let surplus = names.len().saturating_sub(keep);
    // Another attempt may have removed one already.
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    for name in &names[..surplus] {
        fs::remove_file(folder.join(name)).or_else(|error| if gone(&error) { Ok(()) } else { Err(error) })?;
    }
    Ok(())
}

fn is_ours(name: &str) -> bool {
    let time = name.split('_').next().unwrap_or_default();
    name.ends_with(EXTENSION) && time.len() == 15 && time.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn settings(folder: &Path, keep: u32) -> RecordingSettings {
        RecordingSettings { path: folder.to_owned(), keep, longest: std::time::Duration::from_secs(20) }
    }

    fn name(time: u64) -> String {
        format!("{time:015}_pod-1_calls_{time:016x}{EXTENSION}")
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("readable")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_written_can_be_read_back_by_its_owner_alone() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("calls");
        let samples: Vec<i16> = (0..400).map(|n| n * 80).collect();
        keep(&settings(&folder, 3), &name(1), &samples).expect("written");
        let path = folder.join(name(1));
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder)), (0o600, 0o700));
        let mut reader = hound::WavReader::open(&path).expect("a WAV file");
        assert_eq!((reader.spec().sample_rate, reader.spec().channels), (8000, 1));
        let read: Vec<i16> = reader.samples().map(|sample| sample.expect("a sample")).collect();
        assert_eq!(read, samples);
    }

    #[test]
    fn only_the_newest_of_ours_are_kept() {
        let home = tempfile::tempdir().expect("a folder");
        for other in ["notes.txt", "mine.wav", "2024_pod.call.wav"] {
            fs::write(home.path().join(other), "not ours").expect("written");
        }
        for time in [5, 1, 9, 7, 3] {
            keep(&settings(home.path(), 2), &name(time), &[0; 160]).expect("written");
        }
        assert_eq!(
            names(home.path()),
            [name(7), name(9), "2024_pod.call.wav".into(), "mine.wav".into(), "notes.txt".into()]
        );
    }

    #[test]
    fn a_folder_that_cannot_be_one_is_an_error_and_leaves_nothing() {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("file");
        fs::write(&file, "").expect("written");
        keep(&settings(&file, 2), &name(1), &[0; 160]).expect_err("a file is no folder");
        let folder = home.path().join("taken");
        fs::create_dir_all(folder.join(name(1))).expect("made");
        fs::write(folder.join(name(1)).join("in the way"), "").expect("written");
        keep(&settings(&folder, 2), &name(1), &[0; 160]).expect_err("its name is taken by a folder");
        assert_eq!(names(&folder), [name(1)], "no unfinished file is left");
    }
}
