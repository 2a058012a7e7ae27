//! The built binary as a user has it, all on loopback. What it writes is kept under
//! `target/tmp/product/`, so that a later step can look through it for secrets.

#[path = "product/bed.rs"]
mod bed;

use std::path::Path;
use std::time::Duration;

use bed::{Bed, Process, keep, ringcheck, root, until};
use ringcheck::model::Timestamp;
use serde_json::Value;

/// An incident shows in the API this long after its onset at the latest.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);
/// A step of an attempt has failed after so long (`probes/connection.toml`).
const STEP: Duration = Duration::from_secs(5);

fn moment(story: &Value, key: &str) -> Timestamp {
    let text = story[key].as_str().unwrap_or_else(|| panic!("{key} in {story}"));
    Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("{key} is RFC 3339: {text}"))
}

fn json(name: &str, args: &[&str]) -> Value {
    let output = ringcheck(args);
    keep(name, &output);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

#[test]
fn the_demo_pages_once() {
    let story = json("demo", &["demo", "--exit", "--format", "json", "--free-ports"]);
    let [onset, failed, paged, resolved] =
        ["onset", "first_failed_attempt", "paged", "resolved"].map(|key| moment(&story, key));
    // An attempt that had begun a moment before the onset may be the first to meet it.
    assert!(onset <= failed.plus(STEP) && failed < paged && onset < paged && paged < resolved, "{story}");
    assert_eq!((&story["pages"], &story["further_pages"]), (&1.into(), &Value::Array(Vec::new())), "{story}");
    assert_eq!(story["pods"].as_array().map(Vec::len), Some(3), "{story}");
}

/// Plays a scenario's text that refers to the example's folders.
fn played(name: &str, scenario: &str, seed: Option<u64>) -> Value {
    let here = |folder: &str| format!("\"{}\"", root().join(folder).display());
    let text = scenario.replace("\"../config\"", &here("config")).replace("\"../probes\"", &here("probes"));
    let file = bed::folder("scenarios").join(format!("{name}.toml"));
    std::fs::write(&file, text).expect("writes");
    let file = file.display().to_string();
    let mut args = vec!["sim", &file, "--format", "json"];
    let seed = seed.map(|seed| seed.to_string());
    args.extend(seed.iter().flat_map(|seed| ["--seed", seed]));
    let output = ringcheck(&args);
    keep(&format!("sim-{name}"), &output);
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

fn september() -> String {
    std::fs::read_to_string(root().join("scenarios/2024-09-10.toml")).expect("reads")
}

/// The scenario with every moment later by some minutes.
fn later(scenario: &str, minutes: u64) -> String {
    let shifted = |line: &str| {
        let Some((key, text)) = line.split_once(" = \"").filter(|(_, text)| text.ends_with("Z\"")) else {
            return line.to_owned();
        };
        let at = Timestamp::parse_rfc3339(text.trim_end_matches('"')).expect("a moment");
        format!("{key} = \"{}\"", at.plus(Duration::from_secs(minutes * 60)).to_rfc3339())
    };
    scenario.lines().map(shifted).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_scenario_pages_because_of_its_fault_and_of_nothing_else() {
    let file = root().join("scenarios/2024-09-10.toml").display().to_string();
    let story = json("sim", &["sim", &file, "--format", "json"]);
    for key in ["onset", "first_failed_attempt", "paged", "resolved", "pages", "pods", "public_notice", "facts"] {
        assert!(!story[key].is_null(), "{key} in {story}");
    }
    let delay = |story: &Value| moment(story, "paged").since(moment(story, "onset"));
    let without: Vec<&str> = september().leak().split("\n\n").filter(|block| !block.contains("[[at]]")).collect();
    let calm = played("calm", &without.join("\n\n"), None);
    assert_eq!((&calm["pages"], &calm["paged"]), (&Value::from(0), &Value::Null), "{calm}");
    let shifted = played("later", &later(&september(), 37), None);
    assert_eq!(moment(&shifted, "onset"), moment(&story, "onset").plus(Duration::from_mins(37)));
    assert!(delay(&shifted).abs_diff(delay(&story)) <= Duration::from_secs(60), "{shifted}");
    assert_eq!(played("again", &september(), Some(7)), played("again", &september(), Some(7)));
    for seed in 1..=20 {
        let story = played("seeds", &september(), Some(seed));
        assert!(delay(&story) <= Duration::from_secs(65), "seed {seed}: {story}");
        assert_eq!(story["pages"], 1, "seed {seed}: {story}");
    }
}

#[test]
fn mistakes_end_with_two_and_are_all_listed() {
    let folder = bed::folder("broken");
    std::fs::create_dir_all(folder.join("pods")).expect("makes");
    std::fs::write(folder.join("ringcheck.toml"), "external_url = 1\n[location]\nnmae = \"x\"\n").expect("writes");
    std::fs::write(folder.join("pods/pod-1.toml"), "name = \"pod 1\"\n").expect("writes");
    let config = folder.display().to_string();
    for command in ["check-config", "run"] {
        let output =
            ringcheck(&[command, "--config", &config, "--probes", &root().join("probes").display().to_string()]);
        keep(&format!("broken-{command}"), &output);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        for place in ["ringcheck.toml:1:", "ringcheck.toml:3:1", "pods/pod-1.toml:1:"] {
            assert!(said.contains(place), "{place} in {said}");
        }
    }
    assert_eq!(ringcheck(&["no-such-command"]).status.code(), Some(2));
}

#[test]
fn a_user_watches_a_partner_through_a_fault_and_a_kill() {
    let bed = Bed::start("bed");
    let mut node = bed.run("first");
    let healthy = |pods: &Value| {
        let items = pods["items"].as_array().cloned().unwrap_or_default();
        items.len() == 3 && items.iter().all(|pod| pod["verdict"] == "healthy")
    };
    until("all pods are healthy", Duration::from_secs(60), || healthy(&bed.json("/api/v1/pods")));
    assert!(bed.get("/metrics").1.contains("ringcheck_probe_success"));
    assert_eq!((bed.get("/-/healthy").0, bed.get("/-/ready").0), (200, 200));
    reloads(&bed, &node);
    pauses(&bed);
    assert_eq!(bed.get_public("/").0, 200);
    assert!(bed.get_public("/api/v2/summary.json").1.contains("\"components\""));

    bed.partner_says(&["fault", "pod-1", "token-invalid"]);
    let open = || bed.json("/api/v1/incidents")["items"].as_array().cloned().unwrap_or_default();
    until("the incident shows", SHOWN_WITHIN, || !open().is_empty());
    until("the page arrives", SHOWN_WITHIN, || !bed.pages().is_empty());
    let number = open()[0]["number"].clone();
    bed.tells_no_secret(&node);
    node.kill();
    let mut node = bed.run("second");
    until("the pods are known again", Duration::from_secs(30), || !open().is_empty());
    bed.partner_says(&["clear", "pod-1"]);
    until("pod-1 passes again", Duration::from_secs(60), || {
        let newest = bed.json("/api/v1/observations?pod=pod-1&limit=1");
        newest["items"][0]["outcome"].to_string().contains("completed")
    });
    assert_eq!(open().iter().map(|incident| &incident["number"]).collect::<Vec<_>>(), [&number]);
    let firsts: Vec<Value> = bed.pages().into_iter().filter(|page| page["data"]["sequence"] == 1).collect();
    assert!(firsts.iter().all(|page| *page == firsts[0]), "{firsts:#?}");
    bed.keep_everything();
    assert_eq!(node.terminate(), Some(0));
    facts_that_cannot_be_read_are_told(&bed);
}

/// As after a newer version has run on this store, or a fault of ours.
fn facts_that_cannot_be_read_are_told(bed: &Bed) {
    bed.write_fact("{\"FromTheFuture\":{}}");
    let mut node = bed.run("third");
    until("the owner is told", SHOWN_WITHIN, || bed.pages().iter().any(|page| page["data"]["trouble"] == "facts"));
    assert_eq!(node.terminate(), Some(0));
}

/// `check` and `calibrate` as their users type them, against a partner that is well, that refuses
/// tokens, that is silent and that asks for rest.
#[test]
fn attempts_by_hand_say_what_they_found_and_stop_when_asked_to() {
    let bed = Bed::start("by-hand");
    let asked = |command: &str| {
        let answer = bed.attempts(&[command, "pod-1"]);
        let outcomes: Vec<String> = answer.1["attempts"]
            .as_array()
            .expect("attempts")
            .iter()
            .map(|attempt| format!("{} {}", attempt["outcome"], attempt["step"]).replace('"', ""))
            .collect();
        (answer.0, outcomes, answer.1["left_alone"].clone())
    };
    let nobody = Value::Array(Vec::new());
    let both = |said: &str| vec![said.to_owned(); 2];
    assert_eq!(asked("check"), (Some(0), both("completed null"), nobody.clone()));
    for (fault, said) in [("token-invalid", "failed connected"), ("ready-missing", "failed registered")] {
        bed.partner_says(&["fault", "pod-1", fault]);
        assert_eq!(asked("check"), (Some(1), both(said), nobody.clone()), "{fault}");
        bed.partner_says(&["clear", "pod-1"]);
    }
    bed.partner_says(&["fault", "pod-1", "upgrade-429-retry-after"]);
    for (command, not_made) in [("check", 1), ("calibrate", 5)] {
        let (code, outcomes, left_alone) = asked(command);
        assert_eq!((code, outcomes), (Some(1), vec!["throttled upgrade".to_owned()]), "{command}");
        assert_eq!((&left_alone[0]["pod"], &left_alone[0]["not_made"]), (&"pod-1".into(), &not_made.into()));
        assert!(left_alone[0]["until"].is_string(), "Retry-After is shown");
    }
    bed.partner_says(&["clear", "pod-1"]);
    bed.lose_key("pod-1");
    let (code, outcomes, _) = asked("check");
    assert_eq!((code, outcomes), (Some(1), vec!["failed connected".to_owned(), "completed null".to_owned()]));
}

fn reloads(bed: &Bed, node: &Process) {
    let file = bed.config.join("pods/pod-2.toml");
    let right = std::fs::read_to_string(&file).expect("reads");
    std::fs::write(&file, format!("{right}\nnonsense = 1\n")).expect("writes");
    let (status, said) = bed.post("/-/reload");
    assert_eq!(status, 500, "{said}");
    let line = right.lines().count() + 2;
    assert!(said.contains(&format!("pods/pod-2.toml:{line}:1")), "{said}");
    assert_eq!(bed.json("/api/v1/pods")["items"].as_array().map(Vec::len), Some(3), "the old plan stays");
    std::fs::write(&file, &right).expect("writes");
    assert_eq!(bed.post("/-/reload").0, 200);
    let log = || bed.log("first").matches("the configuration was read again").count();
    let before = log();
    node.signal("HUP");
    until("SIGHUP is obeyed", Duration::from_secs(10), || log() > before);
}

fn pauses(bed: &Bed) {
    let operator = bed.operator();
    let until_shown = |paused: bool| {
        until("the pause shows", Duration::from_secs(10), || {
            bed.json("/api/v1/pods/pod-3")["paused_until"].is_string() == paused
        });
    };
    for (args, paused) in [(["--for", "2h"].as_slice(), true), (["--resume"].as_slice(), false)] {
        let output = ringcheck(&[&["pause", "pod-3", "--operator", &operator], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        until_shown(paused);
    }
    assert!(Path::new(&bed.config).is_absolute());
}
