//! The store against a real file: restarts, full disks, torn and damaged files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::engine::{Record, Trouble};
use crate::model::{
    AttemptId, AttemptReport, EdgeName, Failure, FailureReason, KeySlot, Outcome, PartnerSaid, PodName, ProbeName,
    Role, Step, Timestamp, TokenKind, TokenShape, Traits,
};
use crate::plan::StoreSettings;

use super::{AttemptQuery, OutcomeFilter, Store, StoreError};

const NOW: Timestamp = Timestamp::from_millis(1_726_009_020_000);
const DAY: Duration = Duration::from_secs(86_400);

fn settings(folder: &TempDir) -> StoreSettings {
    StoreSettings { path: folder.path().join("var/ringcheck.db"), retention: 30 * DAY, disk_max_bytes: 1 << 30 }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn open(settings: &StoreSettings) -> Store {
    let (store, opened) = Store::open(settings, NOW).expect("opens");
    assert_eq!(opened.damage, None);
    store
}

fn fact(number: i64) -> Record {
    Record::TroubleChanged { at: Timestamp::from_millis(number), what: Trouble::Network, on: number % 2 == 0 }
}

fn facts(store: &Store, after: u64) -> Vec<(u64, Record)> {
    let mut found = Vec::new();
    store.read_from(after, |seq, record| found.push((seq, record))).expect("reads");
    found
}

fn numbered(range: std::ops::RangeInclusive<i64>) -> Vec<(u64, Record)> {
    range.map(|n| (n.unsigned_abs(), fact(n))).collect()
}

fn report(number: u64, outcome: Outcome) -> AttemptReport {
    let started = NOW.plus(Duration::from_secs(number));
    AttemptReport {
        id: AttemptId(u64::MAX - number),
        started,
        finished: started.plus(Duration::from_millis(310)),
        outcome,
        traits: Traits {
            kind: TokenKind::Access,
            key: KeySlot(0),
            name_length: 12,
            edge: EdgeName::parse("ashburn").expect("a name"),
            family: None,
            shape: TokenShape::default(),
        },
        steps: Vec::new(),
        certificate: None,
        partner: PartnerSaid::default(),
        call: None,
    }
}

fn failed() -> Outcome {
    let failure = Failure {
        step: Step::Connected,
        reason: FailureReason::Rejected,
        wire_code: Some(31204),
        device_errors: vec![],
    };
    Outcome::Failed(failure)
}

fn pod(name: &str) -> PodName {
    PodName::parse(name).expect("a name")
}

fn remember(store: &mut Store, pod_name: &str, report: &AttemptReport) {
    let probe = ProbeName::parse("connection").expect("a name");
    store.record_report(report, &pod(pod_name), &probe, Role::Scheduled).expect("is kept");
}

fn all(store: &Store) -> AttemptQuery {
    assert!(store.pending.is_empty());
    AttemptQuery { pod: None, outcome: None, before: None, limit: 1_000 }
}

fn count(store: &Store) -> usize {
    store.reader().expect("a reader").attempts(&all(store)).expect("reads").len()
}

#[test]
fn facts_come_back_in_order_after_a_restart() {
    let folder = folder();
    let settings = settings(&folder);
    let mut store = open(&settings);
    assert_eq!(store.last_seq(), 0);
    assert_eq!(store.append(NOW, &[fact(1), fact(2)]).expect("appends"), 2);
    assert_eq!(store.append(NOW, &[]).expect("appends"), 2);
    drop(store);

    let mut store = open(&settings);
    assert_eq!(store.append(NOW, &[fact(3)]).expect("appends"), 3);
    assert_eq!(facts(&store, 0), numbered(1..=3));
    assert_eq!(facts(&store, 2), numbered(3..=3));
}

#[test]
fn one_file_has_one_owner() {
    let folder = folder();
    let settings = settings(&folder);
    let first = open(&settings);
    assert!(matches!(Store::open(&settings, NOW), Err(StoreError::InUse { .. })));
    drop(first);
    open(&settings);
}

#[test]
fn a_fact_of_a_newer_version_is_skipped_and_kept() {
    let folder = folder();
    let settings = settings(&folder);
    let mut store = open(&settings);
    store.append(NOW, &[fact(1)]).expect("appends");
    let sql = "INSERT INTO journal (seq, at, fact) VALUES (2, 0, '{\"fact\":\"moon_phase_changed\",\"at\":0}')";
    store.connection.execute(sql, []).expect("writes");
    drop(store);

    let mut store = open(&settings);
    store.append(NOW, &[fact(3)]).expect("appends");
    let back = store.read_from(0, |_, _| {}).expect("reads");
    assert_eq!((back.read, back.skipped), (2, 1));
    let rows: u32 = store.connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).expect("counts");
    assert_eq!(rows, 3);
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let folder = folder();
    let settings = settings(&folder);
    let store = open(&settings);
    store.connection.pragma_update(None, "user_version", 99).expect("writes");
    drop(store);
    assert!(matches!(Store::open(&settings, NOW), Err(StoreError::Newer { found: 99, known: 1, .. })));
    assert!(settings.path.exists());
}

#[test]
fn snapshots_shorten_the_journal_and_two_are_kept() {
    let folder = folder();
    let settings = settings(&folder);
    let mut store = open(&settings);
    let batch: Vec<Record> = (1..=30).map(fact).collect();
    for (turn, seq) in batch.chunks(10).zip([10, 20, 30]) {
        store.append(NOW, turn).expect("appends");
        store.write_snapshot(format!("state {seq}").as_bytes(), seq).expect("writes");
    }
    assert_eq!(store.read_snapshot().expect("reads"), Some((b"state 30".to_vec(), 30)));
    assert_eq!(store.read_older_snapshot().expect("reads"), Some((b"state 20".to_vec(), 20)));
    assert_eq!(facts(&store, 0), numbered(21..=30), "the older snapshot can still be brought up to date");
    drop(store);

    let mut store = open(&settings);
    store.write_snapshot(b"again", 30).expect("a repeat replaces");
    assert_eq!(store.read_snapshot().expect("reads"), Some((b"again".to_vec(), 30)));
    assert_eq!(store.append(NOW, &[fact(31)]).expect("appends"), 31);
}

/// Lets the file grow no further, as a full disk would.
fn fill(store: &Store) {
    let pages: u32 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("reads");
    store.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).expect("sets");
}

fn empty(store: &Store) {
    store.connection.pragma_update_and_check(None, "max_page_count", 1 << 20, |_| Ok(())).expect("sets");
}

#[test]
fn a_full_disk_keeps_facts_in_memory_and_saves_them_in_order_later() {
    let folder = folder();
    let settings = settings(&folder);
    let mut store = open(&settings);
    store.append(NOW, &[fact(1)]).expect("appends");
    fill(&store);
    let mut refused = 0;
    for number in 2..=200 {
        match store.append(NOW, &[fact(number)]) {
            Ok(_) => {}
            Err(StoreError::Full(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0);
    assert_eq!(store.last_seq(), 200, "numbers go on");
    assert_eq!(store.unsaved(), (refused, 0));
    empty(&store);
    assert_eq!(store.append(NOW, &[]).expect("an empty turn saves them too"), 200);
    assert_eq!(store.unsaved(), (0, 0));
    assert_eq!(facts(&store, 0), numbered(1..=200));
}

#[test]
fn a_snapshot_takes_the_place_of_unsaved_facts() {
    let folder = folder();
    let settings = settings(&folder);
    let mut store = open(&settings);
    fill(&store);
    while store.append(NOW, &[fact(1)]).is_ok() {}
    let seq = store.last_seq();
    empty(&store);
    store.write_snapshot(b"state", seq).expect("writes");
    assert_eq!(store.unsaved(), (0, 0));
    drop(store);
    assert_eq!(open(&settings).last_seq(), seq);
}

#[test]
fn after_a_crash_whole_turns_are_there_wherever_the_log_was_torn() {
    let folder = folder();
    let settings = settings(&folder);
    let mut store = open(&settings);
    let turns: Vec<Vec<Record>> = (0..8).map(|turn| (turn * 5 + 1..=turn * 5 + 5).map(fact).collect()).collect();
    for turn in &turns {
        store.append(NOW, turn).expect("appends");
    }
    // What the disk holds at this moment is what kill -9 or a power cut would leave.
    let main = fs::read(&settings.path).expect("reads");
    let log = fs::read(with(&settings.path, "-wal")).expect("reads");
    let mut seen = std::collections::BTreeSet::new();
    for cut in (0..=log.len()).rev().step_by(997).chain([0]) {
        let crashed = StoreSettings { path: folder.path().join(format!("cut-{cut}.db")), ..settings.clone() };
        fs::write(&crashed.path, &main).expect("writes");
        fs::write(with(&crashed.path, "-wal"), &log[..cut]).expect("writes");
        let (store, opened) = Store::open(&crashed, NOW).expect("opens");
        assert_eq!(opened.damage, None);
        let found = facts(&store, 0);
        assert_eq!(found.len() % 5, 0, "a turn is all there or not at all");
        assert_eq!(found, numbered(1..=found.len() as i64));
        seen.insert(found.len());
        drop(store);
        fs::remove_file(&crashed.path).expect("removes");
    }
    assert_eq!(seen.last(), Some(&40));
    assert!(seen.len() > 4, "cuts fall between turns: {seen:?}");
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[test]
fn a_file_that_is_no_store_is_set_aside() {
    let folder = folder();
    let settings = settings(&folder);
    fs::create_dir_all(settings.path.parent().expect("has one")).expect("makes");
    fs::write(&settings.path, "this was a log file once, and it is quite long ".repeat(200)).expect("writes");
    let (mut store, opened) = Store::open(&settings, NOW).expect("opens");
    let damage = opened.damage.expect("is reported");
    assert_eq!(damage.moved_to, with(&settings.path, ".damaged-1726009020000"));
    assert!(damage.moved_to.exists());
    assert_eq!(damage.salvaged_to, None);
    assert_eq!(store.append(NOW, &[fact(1)]).expect("appends"), 1);
}

#[test]
fn a_damaged_file_is_set_aside_and_what_is_whole_is_carried_over() {
    let folder = folder();
    let settings = settings(&folder);
    let mut store = open(&settings);
    let batch: Vec<Record> = (1..=2_000).map(fact).collect();
    store.append(NOW, &batch[..1_000]).expect("appends");
    store.write_snapshot(b"state 500", 500).expect("writes");
    store.append(NOW, &batch[1_000..]).expect("appends");
    store.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("folds the log in");
    drop(store);
    let mut bytes = fs::read(&settings.path).expect("reads");
    let late = bytes.windows(4).rposition(|window| window == b"1900").expect("the last pages hold late facts");
    let page = late / 4096 * 4096;
    bytes[page..page + 4096].fill(0xa5);
    fs::write(&settings.path, &bytes).expect("writes");

    let (store, opened) = Store::open(&settings, NOW).expect("opens");
    let salvaged_to = opened.damage.expect("is reported").salvaged_to.expect("most of it");
    assert!((1_500..1_900).contains(&salvaged_to), "{salvaged_to}");
    assert_eq!(store.last_seq(), salvaged_to);
    assert_eq!(store.read_snapshot().expect("reads"), Some((b"state 500".to_vec(), 500)));
    assert_eq!(facts(&store, 500), numbered(501..=salvaged_to.cast_signed()));
}

#[test]
fn attempts_are_found_by_pod_and_outcome_newest_first() {
    let folder = folder();
    let settings = settings(&folder);
    let mut store = open(&settings);
    for number in 0..10 {
        let outcome = if number % 5 == 0 { failed() } else { Outcome::completed() };
        remember(&mut store, if number < 6 { "pod-14" } else { "pod-18" }, &report(number, outcome));
    }
    store.tidy(NOW).expect("tidies");
    let reader = store.reader().expect("a reader");
    let ids = |query: AttemptQuery| -> Vec<u64> {
        reader.attempts(&query).expect("reads").iter().map(|row| u64::MAX - row.report.id.0).collect()
    };
    assert_eq!(ids(AttemptQuery { limit: 3, ..all(&store) }), [9, 8, 7]);
    assert_eq!(ids(AttemptQuery { pod: Some(pod("pod-14")), ..all(&store) }), [5, 4, 3, 2, 1, 0]);
    assert_eq!(ids(AttemptQuery { outcome: Some(OutcomeFilter::Failed), ..all(&store) }), [5, 0]);
    let before = Some(NOW.plus(Duration::from_secs(5)));
    assert_eq!(
        ids(AttemptQuery { pod: Some(pod("pod-14")), outcome: Some(OutcomeFilter::Failed), before, limit: 9 }),
        [0]
    );

    let found = reader.attempt(AttemptId(u64::MAX - 5)).expect("reads").expect("is there");
    assert_eq!(found.report, report(5, failed()));
    assert_eq!(reader.attempt(AttemptId(7)).expect("reads"), None);
}

#[test]
fn batches_are_written_without_being_asked() {
    let folder = folder();
    let mut store = open(&settings(&folder));
    for number in 0..64 {
        remember(&mut store, "pod-14", &report(number, Outcome::completed()));
    }
    assert_eq!(count(&store), 64);
}

#[test]
fn attempts_that_went_well_go_first_by_age_and_by_budget() {
    let folder = folder();
    let mut settings = settings(&folder);
    settings.retention = DAY;
    let mut store = open(&settings);
    for number in 0..40 {
        let outcome = if number % 4 == 0 { failed() } else { Outcome::completed() };
        remember(&mut store, "pod-14", &report(number, outcome));
    }
    assert_eq!(store.tidy(NOW.plus(DAY)).expect("tidies").aged, 0);
    assert_eq!(store.tidy(NOW.plus(2 * DAY)).expect("tidies").aged, 30);
    assert_eq!(count(&store), 10, "the failed ones are still there");
    assert_eq!(store.tidy(NOW.plus(5 * DAY)).expect("tidies").aged, 10);

    for number in 0..6_000 {
        let outcome = if number % 100 == 0 { failed() } else { Outcome::completed() };
        remember(&mut store, "pod-14", &report(number, outcome));
    }
    store.tidy(NOW).expect("tidies");
    let full = store.used_bytes().expect("reads");
    store.reconfigure(&StoreSettings { disk_max_bytes: full / 2, ..settings.clone() });
    assert_eq!(store.tidy(NOW).expect("tidies").over_budget, 2_000, "a bounded amount at a time");
    while store.tidy(NOW).expect("tidies").over_budget > 0 {}
    assert!(store.used_bytes().expect("reads") <= full / 2);
    let failed = AttemptQuery { outcome: Some(OutcomeFilter::Failed), ..all(&store) };
    assert_eq!(store.reader().expect("a reader").attempts(&failed).expect("reads").len(), 60);
}

#[test]
fn a_full_disk_is_swept_before_it_is_written_to() {
    let folder = folder();
    let mut settings = settings(&folder);
    settings.retention = DAY;
    let mut store = open(&settings);
    for number in 0..640 {
        remember(&mut store, "pod-14", &report(number, Outcome::completed()));
    }
    fill(&store);
    for number in 640..760 {
        let probe = ProbeName::parse("connection").expect("a name");
        let _ = store.record_report(&report(number, failed()), &pod("pod-14"), &probe, Role::Scheduled);
    }
    assert!(!store.pending.is_empty());
    store.tidy(NOW.plus(3 * DAY)).expect("there is room again");
    assert_eq!((count(&store), store.reports_dropped()), (120, 0));
}
