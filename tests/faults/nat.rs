//! Calls from behind a real NAT, in network namespaces (`nat.sh` makes them): what each demanded path
//! proves there, with UDP let through, let through to the TURN server only, and not at all. Where no
//! namespaces may be made it is skipped, and says so.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::bed::{SECRET, account_sid};
use crate::coturn::{PASSWORD, USER, write_certificates};

const PARTNER: &str = "203.0.113.7:7000";
const TURN: &str = "203.0.113.8";
const PATHS: [&str; 6] = ["any", "host", "reflexive", "relay", "relay-udp", "relay-tls"];

/// What a call must have come to: how the network was, the path that was demanded, how the call ended,
/// the path that it took, and what became of servers.
type Row = (&'static str, &'static str, &'static str, Option<&'static str>, &'static [(&'static str, &'static str)]);

const ROWS: [Row; 12] = [
    ("open", "any", "completed", Some("reflexive"), &[("turn-udp", ""), ("turn-tls", "")]),
    ("open", "host", "failed ice no_path", Some("reflexive"), &[]),
    ("open", "reflexive", "completed", Some("reflexive"), &[("stun", "")]),
    ("open", "relay-udp", "completed", Some("relay-udp"), &[("turn-udp", "")]),
    ("open", "relay-tls", "completed", Some("relay-tls"), &[("turn-tls", "")]),
    ("udp-to-relay", "any", "completed", Some("relay-udp"), &[("turn-udp", ""), ("turn-tls", "")]),
    ("udp-to-relay", "reflexive", "failed ice no_path", None, &[("stun", "")]),
    ("udp-to-relay", "relay-udp", "completed", Some("relay-udp"), &[("turn-udp", "")]),
    // The call is over before it is clear that nobody answers over UDP.
    ("only-443", "any", "completed", Some("relay-tls"), &[("turn-tls", "")]),
    ("only-443", "relay", "completed", Some("relay-tls"), &[("turn-tls", "")]),
    ("only-443", "relay-udp", "failed ice no_path", None, &[("turn-udp", "no_answer")]),
    ("only-443", "relay-tls", "completed", Some("relay-tls"), &[("turn-tls", "")]),
];

fn write(folder: &Path) {
    for made in ["config/pods", "turn"] {
        std::fs::create_dir_all(folder.join(made)).expect("makes");
    }
    write_certificates(&folder.join("turn"), TURN);
    let written = |path: &str, text: &str| std::fs::write(folder.join(path), text).expect("writes");
    written("config/secret", SECRET);
    written("config/user", USER);
    written("config/password", PASSWORD);
    written("config/hook", &format!("whsec_{}", "sesame".repeat(6)));
    let nobody = "http://127.0.0.1:9/";
    written(
        "config/ringcheck.toml",
        &format!(
            "external_url = \"{nobody}\"\n[location]\nname = \"here\"\ncontrol = [\"tcp://{PARTNER}\", \"tcp://{TURN}:443\"]\n\
             [store]\npath = \"../ringcheck.db\"\n[http]\noperator = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\n\
             [owner]\nto = [\"hook\"]\n[status_page]\ntitle = \"Calls\"\nurl = \"{nobody}\"\n[[receiver]]\nname = \"hook\"\n\
             kind = \"webhook\"\nurl = \"{nobody}\"\nsecret = {{ file = \"hook\" }}\n[[route]]\nseverity = \"critical\"\nto = [\"hook\"]\n",
        ),
    );
    let login = "username = { file = \"user\" }, credential = { file = \"password\" }";
    written(
        "config/pods/pod.toml",
        &format!(
            "name = \"pod-0\"\npublic_name = \"pod-0\"\n[partner]\nkind = \"twilio\"\naccount_sid = \"{sid}\"\n\
             edges = [\"ashburn\"]\napplication_sid = \"AP00000000000000000000000000000003\"\n\
             api_key = {{ sid = \"SK00000000000000000000000000000001\", secret = {{ file = \"secret\" }} }}\n\
             signalling = \"wss://{PARTNER}/signal\"\nrest = \"https://{PARTNER}\"\nca_file = \"../partner/ca.pem\"\n\
             [budget]\nconnections_per_minute = 1\ncall_minutes_per_day = 10000\ncall_minutes_per_hour = 400\n\
             calls_per_hour = 400\n[ice]\nca_file = \"../turn/ca.pem\"\nservers = [{{ url = \"stun:{TURN}:3478\" }}, \
             {{ url = \"turn:{TURN}:3478\", {login} }}, {{ url = \"turns:{TURN}:443\", {login} }}]\n",
            sid = account_sid(0),
        ),
    );
    for path in PATHS {
        std::fs::create_dir_all(folder.join("probes").join(path)).expect("makes");
        written(
            &format!("probes/{path}/connection.toml"),
            "kind = \"connection\"\nschedule = \"0 * * * * *\"\nhold = \"1s\"\ntokens = { kinds = [\"access\"] }\n",
        );
        written(
            &format!("probes/{path}/call.toml"),
            &format!(
                "kind = \"outbound-call\"\nschedule = \"0 * * * * *\"\ntokens = {{ kinds = [\"access\"] }}\n\
                 deadlines = {{ step = \"4s\" }}\n[call]\nhold = \"2s\"\npath = \"{path}\"\n"
            ),
        );
    }
}

/// Runs the script in namespaces of its own; root needs no user namespace for that.
fn run(folder: &Path) -> std::process::Output {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "bash"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/nat.sh"))
        .arg(env!("CARGO_BIN_EXE_ringcheck"))
        .current_dir(folder)
        .output()
        .expect("every Linux has unshare")
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    status.lines().any(|line| line.split_whitespace().take(2).eq(["Uid:", "0"]))
}

/// What became of the call that a file tells of, as the table has it.
fn told(text: &str) -> (String, Option<String>, Vec<(String, String)>) {
    let found: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let attempts = found["attempts"].as_array().expect("attempts");
    let attempt = attempts.iter().find(|attempt| attempt["call"].is_object()).unwrap_or_else(|| panic!("{text}"));
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let how: Vec<String> = ["outcome", "step", "reason"].iter().filter_map(|key| word(&attempt[*key])).collect();
    let servers = attempt["call"]["servers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let server =
        |server: &Value| (word(&server["service"]).unwrap_or_default(), word(&server["trouble"]).unwrap_or_default());
    (how.join(" "), word(&attempt["call"]["path"]), servers.iter().map(server).collect())
}

#[test]
fn behind_a_nat_every_path_proves_what_it_should() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let output = run(folder.path());
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if !folder.path().join("network-is-up").exists() {
        println!("SKIPPED behind_a_nat_every_path_proves_what_it_should: no network namespaces here: {said}");
        return;
    }
    let log = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    assert!(output.status.success(), "{said}\n{}\n{}", log("partner.log"), log("coturn.log"));
    for (when, path, how, taken, servers) in ROWS {
        let (found_how, found_taken, found_servers) = told(&log(&format!("found/{when}-{path}.json")));
        let found_servers: Vec<(&str, &str)> =
            found_servers.iter().map(|(service, trouble)| (service.as_str(), trouble.as_str())).collect();
        assert_eq!((found_how.as_str(), found_taken.as_deref()), (how, taken), "{when}, {path}: {found_servers:?}");
        assert_eq!(found_servers, servers, "{when}, {path}");
    }
}
