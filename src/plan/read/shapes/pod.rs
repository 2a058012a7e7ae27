//! The keys of `config/pods/*.toml`.

use std::ops::RangeInclusive;

use crate::plan::AgentNames;
use crate::plan::read::shape::{Key, Kind, Shape};
use crate::token::NAME_CHARACTERS_MAX;

use super::call_rules;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Lengths that the names in minted tokens may have, in characters.
pub const NAME_LENGTHS: RangeInclusive<u8> = SHORTEST..=LONGEST;
const SHORTEST: u8 = 12;
const LONGEST: u8 = 60;

/// A pod.
pub static POD: Shape = Shape {
    name: "pod",
    doc: "An isolated slice of the product with a partner account of its own: config/pods/*.toml, one file each.",
    keys: &[
        Key::required("name", Kind::Name, "Its name, for us.").such_as("\"pod-18\""),
        Key::required("public_name", Kind::Text, "Its name for the public. Nothing else about it is ever published.")
            .such_as("\"Europe 2\""),
        Key::optional("runbook", Kind::Url, "A page that helps whoever is woken.")
            .such_as("\"https://wiki.example.com/voice\""),
        Key::required("partner", Kind::ByKind(&PARTNERS), "Its account at the voice partner."),
        Key::default("tokens", Kind::Table(&TOKENS), "{}", "Where its tokens come from."),
        Key::default("thresholds", Kind::Table(&THRESHOLDS), "{}", "When it is broken."),
        Key::default("budget", Kind::Table(&BUDGET), "{}", "What may be spent in it, over all locations."),
        Key::default("calls", Kind::Table(&CALLS), "{}", "The phone numbers of its test calls."),
        Key::default("ice", Kind::Table(&ICE), "{}", "The servers that its calls use to find paths for their media."),
    ],
};

static PARTNERS: [(&str, &Shape); 1] = [("twilio", &TWILIO)];

const CA_FILE: &str = "Certificates (PEM) of an own authority that is trusted instead of the public ones.";

static TWILIO: Shape = Shape {
    name: "partner (twilio)",
    doc: "A Twilio account.",
    keys: &[
        Key::required("kind", Kind::Choice(&["twilio"]), "Which partner."),
        Key::required("account_sid", Kind::Sid("AC"), "The account."),
        Key::optional(
            "application_sid",
            Kind::Sid("AP"),
            "A test application of its own, for capability tokens and outbound calls.",
        ),
        Key::optional(
            "far_application_sid",
            Kind::Sid("AP"),
            "Another application, which rings one client of ours: for outbound calls with far_end = \"client\".",
        ),
        Key::required("edges", Kind::List(&Kind::Name, 1, 8), "Where to connect, first choice first.")
            .such_as("[\"dublin\", \"frankfurt\"]"),
        Key::optional(
            "api_key",
            Kind::OneOrMore(&Kind::Table(&API_KEY)),
            "Keys that sign access tokens; several while one is being changed.",
        )
        .such_as("{ sid = \"SK…\", secret = { env = \"POD18_API_KEY_SECRET\" } }"),
        Key::optional(
            "auth_token",
            Kind::Secret,
            "The account's auth token. Only where capability tokens are still in use.",
        )
        .such_as("{ env = \"POD18_AUTH_TOKEN\" }"),
        Key::optional("region", Kind::Name, "Home region of the API keys, if it is not us1.").such_as("\"ie1\""),
        Key::optional("signalling", Kind::Signalling, "Connect here instead of the edges: tests and private links."),
        Key::optional("rest", Kind::Url, "The REST API, where it is not the public one.")
            .such_as("\"https://127.0.0.1:8443\""),
        Key::optional("ca_file", Kind::Path, CA_FILE),
    ],
};

static API_KEY: Shape = Shape {
    name: "api_key",
    doc: "An API key.",
    keys: &[
        Key::required("sid", Kind::Sid("SK"), "Its public part."),
        Key::required("secret", Kind::Secret, "Its secret part.").such_as("{ file = \"/run/secrets/pod18\" }"),
    ],
};

static TOKENS: Shape = Shape {
    name: "tokens",
    doc: "Where a pod's tokens come from: minted here with its keys, or fetched.",
    keys: &[
        Key::default(
            "name_lengths",
            Kind::List(&Kind::Integer(SHORTEST as i64, LONGEST as i64), 1, 16),
            "[24, 25, 26]",
            "Lengths of the names in minted tokens, in characters. Three in a row have every remainder mod 3, as \
             real names do. With a population and without this: its most frequent lengths.",
        )
        .such_as("[30, 31, 32]"),
        Key::optional(
            "population",
            Kind::List(&Kind::Table(&AGENT_NAMES), 1, AgentNames::ROWS_MAX),
            "The names of the pod's agents, counted by `ringcheck token census`: every other token is then as \
             frequent as theirs.",
        )
        .such_as("[{ kind = \"access\", length = 24, agents = 120 }]"),
        Key::default("ttl", Kind::Duration(MINUTE, HOUR), "\"10m\"", "How long a minted token lives."),
        Key::optional("from", Kind::Table(&ENDPOINT), "Fetch tokens from the product's own endpoint instead.")
            .such_as("{ url = \"https://product.example.com/voice-token\" }"),
    ],
};

static AGENT_NAMES: Shape = Shape {
    name: "tokens.population",
    doc: "Agents whose names are alike.",
    keys: &[
        Key::optional("kind", Kind::Choice(&["access", "capability"]), "The kind of their tokens, if it is known."),
        Key::required("length", Kind::Integer(1, NAME_CHARACTERS_MAX as i64), "Length of their names, in characters.")
            .such_as("24"),
        Key::required("agents", Kind::Integer(1, AgentNames::MAX as i64), "How many they are.").such_as("120"),
        Key::default(
            "other_characters",
            Kind::Integer(0, AgentNames::MAX as i64),
            "0",
            "How many of them have names with other characters than a-z, 0-9 and underscore, which ours never have.",
        )
        .such_as("7"),
    ],
};

static ENDPOINT: Shape = Shape {
    name: "tokens.from",
    doc: "The product's own token endpoint, asked with POST.",
    keys: &[
        Key::required("url", Kind::Url, "Its address.").such_as("\"https://product.example.com/voice-token\""),
        Key::default("headers", Kind::SecretsByName, "{}", "Headers to send; their values are secrets."),
        Key::optional("pointer", Kind::Pointer, "Where the token stands in the JSON answer; the whole body if absent."),
        Key::default("kind", Kind::Choice(&["access", "capability"]), "\"access\"", "What kind of token it gives."),
        Key::default(
            "test_agents",
            Kind::Flag,
            "false",
            "True if the names in its tokens are ours alone. Else attempts stop before they register: all devices of \
             a name ring.",
        ),
        Key::optional("ca_file", Kind::Path, CA_FILE),
    ],
};

static THRESHOLDS: Shape = Shape {
    name: "thresholds",
    doc: "When a pod is broken. The defaults were computed and simulated.",
    keys: &[
        Key::default(
            "device_errors",
            Kind::Table(&DEVICE_ERRORS),
            "{}",
            "The share of failing attempts that is to be found, and how sure to be.",
        )
        .such_as("{ detect = \"5%\" }"),
        Key::default(
            "persist",
            Kind::Duration(0, 10 * MINUTE),
            "\"8s\"",
            "How long a fault must last before it pages. A shorter one is recorded.",
        )
        .such_as("\"15s\""),
        Key::default(
            "overdue",
            Kind::Duration(500, 30 * SECOND),
            "\"2500ms\"",
            "An attempt without a result for so long counts as failing when all attempts fail.",
        )
        .such_as("\"4s\""),
        Key::default(
            "stable",
            Kind::Duration(10 * SECOND, 4 * HOUR),
            "\"5m\"",
            "How long all must be well before an incident is resolved. At least 12 scheduled attempts must fall into it; the default is stretched where fewer than that would.",
        ),
        Key::default(
            "silence",
            Kind::Duration(30 * SECOND, 24 * HOUR),
            "\"5m\"",
            "No observation for so long is \"no data\".",
        ),
        Key::default(
            "rule",
            Kind::List(&Kind::ByKind(&RULES), 0, 32),
            "[]",
            "Plain rules of your own, beside the others.",
        )
        .such_as("[[thresholds.rule]]"),
        Key::default("calls", Kind::Table(&call_rules::CALLS), "{}", "When its test calls are bad.")
            .such_as("{ baseline = \"2%\" }"),
    ],
};

static DEVICE_ERRORS: Shape = Shape {
    name: "device_errors",
    doc: "The sequential rule over device errors.",
    keys: &[
        Key::default("detect", Kind::Share(20, 1000), "\"10%\"", "The share of failing attempts that is to be found."),
        Key::default(
            "false_pages",
            Kind::PerYear(100),
            "\"0.2 per year\"",
            "False pages that are accepted, in a pod-year.",
        )
        .such_as("\"1 per year\""),
        Key::default(
            "baseline",
            Kind::Share(0, 200),
            "\"1%\"",
            "What usually fails, until seven days have been measured. Must be less than half of detect.",
        )
        .such_as("\"2%\""),
    ],
};

static RULES: [(&str, &Shape); 6] = [
    ("share", &SHARE),
    ("k_of_n", &K_OF_N),
    ("consecutive", &CONSECUTIVE),
    ("too_few", &TOO_FEW),
    ("latency", &LATENCY),
    ("certificate_days", &CERTIFICATE_DAYS),
];

const KIND: &str = "Which kind of rule.";

static SHARE: Shape = Shape {
    name: "rule (share)",
    doc: "Pages when at least this share of the attempts in a window failed.",
    keys: &[
        Key::required("kind", Kind::Choice(&["share"]), KIND),
        Key::required("share", Kind::Share(1, 1000), "The share."),
        Key::default("window", Kind::Duration(10 * SECOND, 24 * HOUR), "\"5m\"", "The window."),
        Key::default("minimum", Kind::Integer(1, 10_000), "8", "Fewest failures; small ones make false pages.")
            .such_as("15"),
    ],
};

static K_OF_N: Shape = Shape {
    name: "rule (k_of_n)",
    doc: "Pages when so many of the last attempts failed.",
    keys: &[
        Key::required("kind", Kind::Choice(&["k_of_n"]), KIND),
        Key::required("failures", Kind::Integer(1, 64), "How many.").such_as("7"),
        Key::required("of", Kind::Integer(1, 64), "Of how many; not less than failures.").such_as("12"),
    ],
};

static CONSECUTIVE: Shape = Shape {
    name: "rule (consecutive)",
    doc: "Pages when so many attempts failed in a row.",
    keys: &[
        Key::required("kind", Kind::Choice(&["consecutive"]), KIND),
        Key::required("failures", Kind::Integer(1, 64), "How many.").such_as("5"),
    ],
};

static TOO_FEW: Shape = Shape {
    name: "rule (too_few)",
    doc: "Tells the owner of the monitor when fewer attempts than this were observed in a window.",
    keys: &[
        Key::required("kind", Kind::Choice(&["too_few"]), KIND),
        Key::required("minimum", Kind::Integer(1, 100_000), "Fewest observations.").such_as("20"),
        Key::required("window", Kind::Duration(10 * SECOND, 24 * HOUR), "The window."),
    ],
};

static LATENCY: Shape = Shape {
    name: "rule (latency)",
    doc: "Pages when it takes too long to register.",
    keys: &[
        Key::required("kind", Kind::Choice(&["latency"]), KIND),
        Key::default("percentile", Kind::Integer(50, 99), "95", "Which percentile of the time to registration.")
            .such_as("99"),
        Key::required("longer_than", Kind::Duration(1, MINUTE), "The limit.").such_as("\"3s\""),
        Key::default("of", Kind::Integer(10, 256), "100", "Over how many attempts.").such_as("60"),
    ],
};

static CERTIFICATE_DAYS: Shape = Shape {
    name: "rule (certificate_days)",
    doc: "Tells the owner of the monitor when an edge's certificate ends in fewer days.",
    keys: &[
        Key::required("kind", Kind::Choice(&["certificate_days"]), KIND),
        Key::required("days", Kind::Integer(1, 365), "Days.").such_as("14"),
    ],
};

static BUDGET: Shape = Shape {
    name: "budget",
    doc: "What may be spent in a pod, over all locations. Scheduled calls stop when they have used 80 % of what is \
          allowed; the rest is for the calls that follow a failed one.",
    keys: &[
        Key::default(
            "connections_per_minute",
            Kind::Integer(1, crate::plan::Budget::CONNECTIONS_PER_MINUTE_MAX as i64),
            "6",
            "Connections a minute, on average. 6 is what an unasked monitor may do; more finds small faults sooner: \
             check-config shows by how much. Ask the partner before you raise it.",
        )
        .such_as("30"),
        Key::default(
            "call_minutes_per_day",
            Kind::Integer(1, 100_000),
            "60",
            "Minutes of test calls a day (UTC), as billed: every leg is rounded up to a whole one.",
        )
        .such_as("800"),
        Key::default("call_minutes_per_hour", Kind::Integer(1, 10_000), "60", "The same in an hour.").such_as("40"),
        Key::default("calls_per_hour", Kind::Integer(1, 3_600), "60", "Test calls an hour.").such_as("40"),
    ],
};

static ICE: Shape = Shape {
    name: "ice",
    doc: "The STUN and TURN servers that the product's own application names to the SDK (rtcConfiguration.iceServers). \
          Without them calls go from our own address, as the SDK's do.",
    keys: &[
        Key::default(
            "from_partner",
            Kind::Flag,
            "false",
            "Ask the partner for its servers before each call, with the pod's first API key or its auth_token; at \
             Twilio the Network Traversal Service.",
        )
        .such_as("true"),
        Key::default(
            "servers",
            Kind::List(&Kind::Table(&ICE_SERVER), 0, crate::plan::IceSettings::SERVERS_MAX),
            "[]",
            "Servers that are always there.",
        )
        .such_as("[{ url = \"stun:stun.example.com:3478\" }]"),
        Key::optional("ca_file", Kind::Path, CA_FILE),
    ],
};

static ICE_SERVER: Shape = Shape {
    name: "ice.servers",
    doc: "A server that helps calls to find paths for their media.",
    keys: &[
        Key::required(
            "url",
            Kind::IceUrl,
            "Where it is: stun:host:port, turn:host:port?transport=udp (or tcp), turns:host:port for TLS.",
        )
        .such_as("\"turns:turn.example.com:443\""),
        Key::optional("username", Kind::Secret, "Whom a TURN server knows us as.").such_as("{ env = \"TURN_USER\" }"),
        Key::optional("credential", Kind::Secret, "The password to it.").such_as("{ env = \"TURN_PASSWORD\" }"),
    ],
};

static CALLS: Shape = Shape {
    name: "calls",
    doc: "The phone numbers of a pod's test calls. No other number is ever called or shown as calling.",
    keys: &[
        Key::default(
            "allowed_numbers",
            Kind::List(&Kind::PhoneNumber, 0, 16),
            "[]",
            "Every number that test calls may have to do with, written out: there are no patterns.",
        )
        .such_as("[\"+14155550123\"]"),
        Key::optional(
            "own_number",
            Kind::PhoneNumber,
            "The pod's phone number that rings its clients, for inbound calls with to = \"number\"; an allowed one.",
        ),
        Key::optional(
            "caller",
            Kind::PhoneNumber,
            "The number that calls to own_number come from; an allowed one that the account owns.",
        ),
    ],
};
