//! Reading as a whole: the report of a configuration with many mistakes, and what must never
//! happen whatever is written.

use std::path::PathBuf;

use proptest::prelude::*;

use crate::model::{Codec, Digits};

use super::{FileKind, PlanRead, Problems, SourceText, Sources, read_texts};

const RINGCHECK: &str = include_str!("../../../config/ringcheck.toml");
const POD: &str = include_str!("../../../config/pods/pod-18.toml");
const PROBE: &str = include_str!("../../../probes/connection.toml");

fn read(ringcheck: &str, pods: &[&str], probes: &[&str]) -> Result<PlanRead, Problems> {
    let file = |kind, path: String, text: &str| SourceText { kind, path, text: text.to_owned() };
    let mut files = vec![file(FileKind::Ringcheck, "config/ringcheck.toml".to_owned(), ringcheck)];
    for (number, text) in pods.iter().enumerate() {
        files.push(file(FileKind::Pod, format!("config/pods/{number}.toml"), text));
    }
    for (number, text) in probes.iter().enumerate() {
        files.push(file(FileKind::Probe, format!("probes/p{number}.toml"), text));
    }
    read_texts(&Sources { base: PathBuf::from("config"), files })
}

fn report(ringcheck: &str, pods: &[&str], probes: &[&str]) -> String {
    match read(ringcheck, pods, probes) {
        Ok(read) => format!("fine; warnings: {}", read.warnings),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn defaults_are_those_of_the_domain() {
    let pod = "name = \"a\"\npublic_name = \"A\"\n[partner]\nkind = \"twilio\"\n\
               account_sid = \"AC00000000000000000000000000000018\"\nedges = [\"dublin\"]\n\
               api_key = { sid = \"SK00000000000000000000000000000018\", secret = { file = \"key\" } }\n";
    let read = read(RINGCHECK, &[pod], &["kind = \"connection\"\nschedule = \"0 * * * * *\"\n"]).expect("it is right");
    let (pod, probe) = (&read.plan.pods[0], &read.plan.probes[0]);
    assert_eq!(pod.thresholds, crate::plan::Thresholds::default());
    assert_eq!(pod.budget, crate::plan::Budget::START);
    assert_eq!(probe.deadlines, crate::plan::Deadlines::DEFAULT);
    let crate::plan::PartnerAccount::Twilio(account) = &pod.partner;
    assert_eq!(account.api_keys[0].secret, crate::plan::SecretRef::File(PathBuf::from("config/key")));
    assert_eq!(read.plan.node.store.path, PathBuf::from("config/../var/ringcheck.db"));
    assert!(read.warnings.is_empty(), "{}", read.warnings);
}

#[test]
fn the_agents_names_choose_the_lengths_of_ours() {
    let tokens = |more: &str| {
        format!("{POD}\n[tokens]\n{more}\npopulation = [{{ length = 31, agents = 9, other_characters = 2 }}]\n")
    };
    let lengths = |more: &str| {
        let read = read(RINGCHECK, &[&tokens(more)], &[PROBE]).expect("it is right");
        let crate::plan::TokenSource::Minted { name_lengths, .. } = &read.plan.pods[0].tokens else {
            panic!("they are minted")
        };
        let reach = read.plan.pods[0].reach(&read.plan.node.location.name);
        (name_lengths.clone(), reach.forms().iter().any(|form| form.natural > 0))
    };
    assert_eq!(lengths(""), (vec![31, 33, 32], true));
    assert_eq!(lengths("name_lengths = [28]"), (vec![28], false), "28 is too short for 31");
    let wrong = tokens("").replace("other_characters = 2", "other_characters = 10");
    assert!(report(RINGCHECK, &[&wrong], &[PROBE]).contains("more than there are agents"));
}

#[test]
fn the_default_stable_window_grows_with_sparse_attempts() {
    for (schedule, attempts, minutes) in [("0 * * * * *", 6, 5), ("0 */5 * * * *", 1, 60), ("0 0 * * * *", 1, 720)] {
        let probe = format!("kind = \"connection\"\nschedule = \"{schedule}\"\nattempts = {attempts}\n");
        let read = read(RINGCHECK, &[POD], &[&probe]).expect("it is right");
        assert_eq!(read.plan.pods[0].thresholds.stable, std::time::Duration::from_mins(minutes), "{schedule}");
    }
}

#[test]
fn all_mistakes_are_reported_in_one_go() {
    insta::assert_snapshot!(report(
        include_str!("mistakes/ringcheck.toml"),
        &[include_str!("mistakes/pod.toml"), include_str!("mistakes/other-pod.toml"), POD],
        &[include_str!("mistakes/probe.toml"), PROBE],
    ));
}

#[test]
fn one_slip_gives_one_report() {
    for (from, to, said) in [
        ("url = \"https://hooks", "urls = \"https://hooks", "did you mean \"url\"?"),
        ("to = [\"monitor-owner\"]", "to = [\"monitor-oner\"]", "did you mean \"monitor-owner\"?"),
        ("fallback = \"oncall-hook\"", "fallback = \"voice-oncall\"", "lead back to it"),
        ("security = \"starttls\"", "security = \"none\"", "never sent without TLS"),
        ("operator = \"127.0.0.1:9870\"", "operator = \"0.0.0.0:9870\"", "add operator_token"),
        ("public = \"127.0.0.1:9871\"", "public = \"127.0.0.1:9870\"", "same address"),
        ("\"tcp://9.9.9.9:53\"", "\"tcp://9.9.9.9\"", "a tcp:// target has a port"),
        (", \"https://cloudflare.com/cdn-cgi/trace\", \"tcp://9.9.9.9:53\"", "", "write 2 to 16"),
        ("notice_after = \"60s\"", "notice_after = \"60\"", "\"60s\" for seconds"),
        ("notice_after = \"60s\"", "notice_after = 60", "the unit is missing"),
        ("severity = \"critical\"", "severity = \"crit\"", "known: warning, critical"),
        (
            "user = \"ringcheck\"\npassword = { env = \"SMTP_PASSWORD\" }\n# When",
            "user = \"ringcheck\"\n# When",
            "go together",
        ),
        ("disk_max = \"2GiB\"", "disk_max = \"2GiB\"\nretention_days = 3", "unknown key \"retention_days\" in store"),
    ] {
        assert!(RINGCHECK.contains(from), "{from}");
        let said_really = report(&RINGCHECK.replacen(from, to, 1), &[POD], &[PROBE]);
        assert!(said_really.contains(said), "{to}: {said_really}");
    }
}

#[test]
fn a_secret_that_was_written_out_is_never_repeated() {
    let secret = "hunter2hunter2hunter2";
    for text in [
        POD.replace("{ env = \"POD18_AUTH_TOKEN\" }", &format!("\"{secret}\"")),
        POD.replace("{ env = \"POD18_AUTH_TOKEN\" }", secret),
        POD.replace("{ env = \"POD18_AUTH_TOKEN\" }", &format!("{{ value = \"{secret}\" }}")),
        POD.replace("{ env = \"POD18_AUTH_TOKEN\" }", &format!("{{ env = \"{secret}-{secret}\" }}")),
        POD.replace("{ env = \"POD18_AUTH_TOKEN\" }", &format!("[\"{secret}\"]")),
        POD.replace("SK00000000000000000000000000000018", secret),
        POD.replace("AC00000000000000000000000000000018", secret),
        POD.replace("https://wiki", &format!("https://me:{secret}@wiki")),
        POD.replace("{ env = \"POD18_AUTH_TOKEN\" }", &format!("\"{secret}")),
    ] {
        let said = report(RINGCHECK, &[&text], &[PROBE]);
        assert!(said.contains("mistake"), "{said}");
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn damage_in_one_line_hides_no_other_mistake() {
    let text =
        POD.replace("public_name = \"Europe 2\"", "public_name = \"Europe 2").replace("\"frankfurt\"", "\"Frankfurt\"");
    let said = report(RINGCHECK, &[&text], &[PROBE]);
    assert!(said.contains("0.toml:4:"), "{said}");
    assert!(said.contains("a name is made of a-z"), "{said}");
    assert!(!said.contains("public_name is missing"), "{said}");
}

const OUTBOUND: &str = include_str!("../../../probes/outbound-call.toml");
const INBOUND: &str = include_str!("../../../probes/inbound-call.toml");

#[test]
fn calls_are_read_and_priced() {
    let read = read(RINGCHECK, &[POD], &[PROBE, OUTBOUND, INBOUND]).expect("it is right");
    let calls: Vec<_> = read.plan.probes.iter().filter_map(|probe| Some((probe, probe.call.as_ref()?))).collect();
    assert_eq!(calls.len(), 2);
    let [(outbound, settings), (inbound, of_inbound)] = [calls[0], calls[1]];
    assert_eq!((outbound.kind.as_str(), inbound.kind.as_str()), ("outbound-call", "inbound-call"));
    assert_eq!(settings.minutes_of_a_thousand(), 1055, "915 short, 50 of 35 s, 30 of two minutes, 5 of six");
    assert!((outbound.minutes_per_day() - 303.84).abs() < 0.01, "{}", outbound.minutes_per_day());
    assert_eq!(of_inbound.ring_times, [0, 4, 20].map(std::time::Duration::from_secs));
    assert_eq!(settings.ring_times, [std::time::Duration::ZERO]);
    // Nothing of the budget for connections goes to calls.
    let pod = &read.plan.pods[0];
    let rate = pod.attempts_per_minute(read.plan.probes.iter().map(AsRef::as_ref));
    assert!((rate - 6.0).abs() < 1e-9, "{rate}");
    assert_eq!(read.plan.without_calls().probes.len(), 1);
}

#[test]
fn codecs_digits_and_recordings_are_read() {
    let outbound = format!("{OUTBOUND}codecs = [\"opus\", \"pcmu\"]\ndigits = \"12\"\n");
    let kept = format!("{RINGCHECK}\n[recordings]\npath = \"calls\"\n");
    let plan = read(&kept, &[POD], &[PROBE, &outbound]).expect("it is right").plan;
    let settings = plan.probes.iter().find_map(|probe| probe.call.as_ref()).expect("a call probe");
    assert_eq!(settings.codecs, [Codec::Opus, Codec::Pcmu]);
    assert_eq!(settings.digits.as_ref().map(Digits::as_str), Some("12"));
    let recordings = plan.node.recordings.expect("on");
    assert_eq!((recordings.path, recordings.keep), (PathBuf::from("config/calls"), 10));
    assert_eq!(recordings.longest, std::time::Duration::from_secs(20));
    assert_eq!(read(RINGCHECK, &[POD], &[PROBE]).expect("it is right").plan.node.recordings, None);
}

#[test]
fn servers_for_paths_are_read_and_their_slips_told() {
    let pod = |ice: &str| format!("{POD}\n[ice]\n{ice}\n");
    let demand = |path: &str| OUTBOUND.replace("path = \"any\"", &format!("path = \"{path}\""));
    let login = "username = { env = \"A\" }, credential = { env = \"B\" }";
    let tls = pod(&format!("servers = [{{ url = \"turns:turn.example.com:443\", {login} }}]"));
    for (ice, path) in [
        (tls.clone(), "relay-tls"),
        (tls.clone(), "relay"),
        (pod("from_partner = true"), "reflexive"),
        (tls.clone(), "host"),
    ] {
        let read = read(RINGCHECK, &[&ice], &[PROBE, &demand(path)]).unwrap_or_else(|problems| panic!("{problems}"));
        let asked = read.plan.probes.iter().find_map(|probe| probe.call.as_ref()).expect("it calls");
        assert_eq!(asked.wish(0).path.as_str(), path);
        assert!(read.plan.pods[0].ice.any());
    }
    let stun = pod("servers = [{ url = \"stun:stun.example.com\" }]");
    for (pod, probe, said) in [
        (POD.to_owned(), demand("relay"), "has no server that gives the path \"relay\""),
        (stun.clone(), demand("relay-udp"), "has no server that gives the path \"relay-udp\""),
        (tls, demand("relay-udp"), "has no server that gives the path \"relay-udp\""),
        (POD.to_owned(), demand("carrier-pigeon"), "\"carrier-pigeon\" is not known here"),
        (pod("servers = [{ url = \"turn:turn.example.com\" }]"), OUTBOUND.to_owned(), "relays for nobody"),
        (pod(&format!("servers = [{{ url = \"stun:a\", {login} }}]")), OUTBOUND.to_owned(), "asks nobody who they are"),
        (pod("servers = [{ url = \"https://a\" }]"), OUTBOUND.to_owned(), "begins with stun:, turn: or turns:"),
        (pod("servers = [{ url = \"turns:a?transport=udp\" }]"), OUTBOUND.to_owned(), "tcp for turns:"),
    ] {
        let report = report(RINGCHECK, &[&pod], &[PROBE, &probe]);
        assert!(report.contains(said), "{said}: {report}");
    }
}

#[test]
fn calls_to_another_client_are_two_legs() {
    let far = "far_application_sid = \"AP000000000000000000000000000000fa\"\nedges";
    let pod = POD.replace("edges", far).replace("= 800", "= 2000").replace("per_hour = 60", "per_hour = 600");
    let outbound = OUTBOUND.replace("[call]", "[call]\nfar_end = \"client\"");
    let read = read(RINGCHECK, &[&pod], &[PROBE, &outbound]).unwrap_or_else(|problems| panic!("{problems}"));
    let call = read.plan.probes.iter().find_map(|probe| probe.call.as_ref()).expect("it calls");
    assert_eq!((call.far_end, call.legs()), (crate::plan::FarEnd::Client, 2));
    assert_eq!(call.billed_minutes(std::time::Duration::from_secs(65)), 4, "each leg is rounded up");
}

#[test]
fn one_slip_in_calls_gives_one_report() {
    let own_number = "\n[calls]\nallowed_numbers = [\"+14155550118\"]\nown_number = \"+14155550119\"\n";
    let sid = POD.lines().find_map(|line| line.strip_prefix("application_sid = ")).expect("there is one");
    let same = format!("far_application_sid = {sid}\nedges");
    let far_digits = "[call]\nfar_end = \"client\"\ndigits = \"1\"";
    let far_number = "\n[calls]\nallowed_numbers = [\"+1 415 555 0118\"]\n";
    for (pod, outbound, inbound, said) in [
        (POD.replace("application_sid", "# "), OUTBOUND.to_owned(), INBOUND.to_owned(), "has no application_sid"),
        (POD.to_owned(), OUTBOUND.to_owned(), INBOUND.replace("0 */5 * * * *", "*/30 * * * * *"), "2.0 inbound calls"),
        (POD.to_owned(), OUTBOUND.to_owned(), INBOUND.replace("attempts = 1", "attempts = 6"), "1.2 inbound calls"),
        (POD.to_owned(), OUTBOUND.to_owned(), format!("{INBOUND}to = \"number\"\n"), "has no own_number to call"),
        (POD.replace("= 800", "= 300"), OUTBOUND.to_owned(), INBOUND.to_owned(), "its probes want 608"),
        (format!("{POD}{own_number}"), OUTBOUND.to_owned(), INBOUND.to_owned(), "+14155550119 is not among"),
        (format!("{POD}{far_number}"), OUTBOUND.to_owned(), INBOUND.to_owned(), "without spaces"),
        (POD.to_owned(), OUTBOUND.replace("hold = \"35s\"", "hold = \"4s\""), INBOUND.to_owned(), "not longer than"),
        (POD.to_owned(), format!("{OUTBOUND}to = \"number\"\n"), INBOUND.to_owned(), "no meaning for outbound"),
        (POD.to_owned(), format!("{OUTBOUND}digits = \"12a\"\n"), INBOUND.to_owned(), "12a cannot be pressed"),
        (POD.to_owned(), format!("{OUTBOUND}digits = \"1w2w3\"\n"), INBOUND.to_owned(), "write 8s or more"),
        (POD.to_owned(), OUTBOUND.to_owned(), format!("{INBOUND}digits = \"1\"\n"), "no meaning for inbound"),
        (POD.to_owned(), OUTBOUND.replace("pages = true", "hold = \"3s\""), INBOUND.to_owned(), "write it in [call]"),
        (POD.to_owned(), format!("{OUTBOUND}far_end = \"client\"\n"), INBOUND.to_owned(), "has no far_application_sid"),
        (POD.replace("edges", &same), OUTBOUND.to_owned(), INBOUND.to_owned(), "this is application_sid again"),
        (POD.to_owned(), OUTBOUND.replace("[call]", far_digits), INBOUND.to_owned(), "plays no digits back"),
    ] {
        let report = report(RINGCHECK, &[&pod], &[PROBE, &outbound, &inbound]);
        assert!(report.contains(said), "{said}: {report}");
    }
    let alone = report(RINGCHECK, &[POD], &[OUTBOUND]);
    assert!(alone.contains("no probe of kind \"connection\""), "{alone}");
    let meant = report(RINGCHECK, &[POD], &[&PROBE.replace("pages = true", "call = { hold = \"8s\" }")]);
    assert!(meant.contains("this probe makes no calls"), "{meant}");
    let thresholds = "\n[thresholds]\ncalls = { failures = 4, rule = [{ kind = \"mos\", below = 5.5 }] }\n";
    let wrong = report(RINGCHECK, &[&format!("{POD}{thresholds}")], &[PROBE, OUTBOUND]);
    assert!(wrong.contains("go together") && wrong.contains("an opinion score, 1.0 to 4.5"), "{wrong}");
}

proptest! {
    #[test]
    fn whatever_is_written_gives_a_plan_or_a_report(
        text in prop::collection::vec(any::<u8>(), 0..300),
        kind in 0..3,
    ) {
        let text = String::from_utf8_lossy(&text);
        let _ = match kind {
            0 => read(&text, &[POD], &[PROBE]),
            1 => read(RINGCHECK, &[&text], &[PROBE]),
            _ => read(RINGCHECK, &[POD], &[&text]),
        };
    }

    #[test]
    fn damaging_a_right_file_never_panics(at in 0..2000usize, length in 0..40usize, put in ".{0,12}", kind in 0..3usize) {
        let original: &str = [RINGCHECK, POD, PROBE][kind];
        let boundary = |at: usize| (0..=at.min(original.len())).rev().find(|at| original.is_char_boundary(*at)).unwrap_or(0);
        let (from, to) = (boundary(at), boundary(at + length));
        let text = format!("{}{put}{}", &original[..from], &original[to..]);
        let _ = match kind {
            0 => read(&text, &[POD], &[PROBE]),
            1 => read(RINGCHECK, &[&text], &[PROBE]),
            _ => read(RINGCHECK, &[POD], &[&text]),
        };
    }
}
