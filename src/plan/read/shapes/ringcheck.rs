//! The keys of `config/ringcheck.toml`.

use crate::plan::read::shape::{Key, Kind, Shape};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * 60 * MINUTE;

/// Where and how a node runs.
pub static RINGCHECK: Shape = Shape {
    name: "ringcheck",
    doc: "Where and how this node runs, and who is told: config/ringcheck.toml.",
    keys: &[
        Key::required("external_url", Kind::Url, "Where people reach the operator side; used in links in pages."),
        Key::required("location", Kind::Table(&LOCATION), "Where this node probes from."),
        Key::default("store", Kind::Table(&STORE), "{}", "What it remembers, and where."),
        Key::default("http", Kind::Table(&HTTP), "{}", "Where it listens."),
        Key::required("owner", Kind::Table(&OWNER), "Who looks after the monitor itself."),
        Key::required("status_page", Kind::Table(&STATUS_PAGE), "What the public sees."),
        Key::default("avoid", Kind::Table(&AVOID), "{}", "What a token service is told to avoid."),
        Key::optional(
            "recordings",
            Kind::Table(&RECORDINGS),
            "Which test calls are kept to be listened to. None if absent.",
        )
        .such_as("{ path = \"../var/calls\" }"),
        Key::required("receiver", Kind::List(&Kind::ByKind(&RECEIVERS), 1, 100), "Somebody who can be told."),
        Key::required(
            "route",
            Kind::List(&Kind::Table(&ROUTE), 1, 100),
            "Who is told of incidents. Every route that fits is used.",
        ),
    ],
};

static LOCATION: Shape = Shape {
    name: "location",
    doc: "Where this node probes from.",
    keys: &[
        Key::required("name", Kind::Name, "Its name: in pages, metrics and in the names that it registers.")
            .such_as("\"eu-west\""),
        Key::required(
            "control",
            Kind::List(&Kind::ControlTarget, 2, 16),
            "Targets that are nearly always up and are not the partner. If all of them fail, it is our own network.",
        )
        .such_as("[\"https://example.com\", \"tcp://9.9.9.9:53\"]"),
    ],
};

static STORE: Shape = Shape {
    name: "store",
    doc: "What the node remembers, and where.",
    keys: &[
        Key::default("path", Kind::Path, "\"../var/ringcheck.db\"", "The database file; made if it is not there.")
            .such_as("\"/var/lib/ringcheck/ringcheck.db\""),
        Key::default("retention", Kind::Duration(DAY, 3650 * DAY), "\"90d\"", "How long observations are kept.")
            .such_as("\"30d\""),
        Key::default(
            "disk_max",
            Kind::Bytes(16 << 20),
            "\"2GiB\"",
            "How large the file may grow. The oldest observations go first.",
        ),
    ],
};

static HTTP: Shape = Shape {
    name: "http",
    doc: "Where the node listens.",
    keys: &[
        Key::default("operator", Kind::Listen, "\"127.0.0.1:9870\"", "Dashboard, API and metrics."),
        Key::optional(
            "operator_token",
            Kind::Secret,
            "Bearer token for the operator side. Required unless it listens on loopback only.",
        )
        .such_as("{ env = \"OPERATOR_TOKEN\" }"),
        Key::default("public", Kind::Listen, "\"127.0.0.1:9871\"", "Status page and feeds, nothing else.")
            .such_as("\"0.0.0.0:9871\""),
    ],
};

static OWNER: Shape = Shape {
    name: "owner",
    doc: "Who looks after the monitor itself: told of our own network, throttling, no data, certificates.",
    keys: &[Key::required("to", Kind::List(&Kind::Name, 1, 16), "Names of receivers.")],
};

static STATUS_PAGE: Shape = Shape {
    name: "status_page",
    doc: "What the public sees.",
    keys: &[
        Key::default("title", Kind::Text, "\"Calling status\"", "The page's title.").such_as("\"Calling status\""),
        Key::required("url", Kind::Url, "The page's public address, for links.")
            .such_as("\"https://status.example.com\""),
        Key::default(
            "notice_after",
            Kind::Duration(0, 60 * MINUTE),
            "\"60s\"",
            "A public notice is opened so long after an incident, if it is still open.",
        )
        .such_as("\"2m\""),
    ],
};

static AVOID: Shape = Shape {
    name: "avoid",
    doc: "What a token service is told to avoid while tokens of one kind fail: `/api/v1/avoid`.",
    keys: &[
        Key::default(
            "approval",
            Kind::Choice(&["required", "automatic"]),
            "\"required\"",
            "Who says so once it is verified which tokens fail: a person, for each incident, or ringcheck by itself.",
        )
        .such_as("\"automatic\""),
        Key::default(
            "expires_after",
            Kind::Duration(5 * MINUTE, 7 * DAY),
            "\"2h\"",
            "How long one approval lasts. It ends sooner with the incident, or when what fails is known otherwise.",
        )
        .such_as("\"30m\""),
    ],
};

static RECORDINGS: Shape = Shape {
    name: "recordings",
    doc: "Keeps the audio of the last test calls that failed or were bad, as WAV files, of those in which our own tone was heard.",
    keys: &[
        Key::required("path", Kind::Path, "The folder; made if it is not there. Only its owner can read it.")
            .such_as("\"/var/lib/ringcheck/calls\""),
        Key::default("keep", Kind::Integer(1, 1000), "10", "How many are kept. The oldest is removed.").such_as("50"),
        Key::default(
            "longest",
            Kind::Duration(SECOND, MINUTE),
            "\"20s\"",
            "How much of a call is kept at most, from its end. A minute is 1 MB.",
        )
        .such_as("\"1m\""),
    ],
};

static RECEIVERS: [(&str, &Shape); 2] = [("email", &EMAIL), ("webhook", &WEBHOOK)];

const KIND: &str = "Which kind of receiver.";
const RECEIVER_NAME: &str = "Its name, for routes, owner and fallback.";
const RECEIVER_FALLBACK: &str = "Name of the receiver that is told when this one cannot be reached.";
const CA_FILE: &str = "Certificates (PEM) of an own authority that is trusted instead of the public ones.";

static EMAIL: Shape = Shape {
    name: "receiver (email)",
    doc: "E-mail over SMTP, one mail to each address.",
    keys: &[
        Key::required("name", Kind::Name, RECEIVER_NAME).such_as("\"voice-oncall\""),
        Key::required("kind", Kind::Choice(&["email"]), KIND),
        Key::optional("fallback", Kind::Name, RECEIVER_FALLBACK).such_as("\"oncall-hook\""),
        Key::required("from", Kind::Mailbox, "Sender."),
        Key::required("to", Kind::List(&Kind::Mailbox, 1, 50), "Addresses.").such_as("[\"voice-oncall@example.com\"]"),
        Key::required("host", Kind::Host, "The mail server that takes our mail."),
        Key::optional("port", Kind::Integer(1, 65535), "Its port. 587 with STARTTLS, 465 with TLS, 25 to loopback.")
            .such_as("465"),
        Key::default(
            "security",
            Kind::Choice(&["starttls", "tls", "none"]),
            "\"starttls\"",
            "How the connection is secured. There is no \"if offered\"; none only to a loopback address.",
        )
        .such_as("\"tls\""),
        Key::optional("user", Kind::Text, "User name; with password.").such_as("\"ringcheck\""),
        Key::optional("password", Kind::Secret, "Password; with user.").such_as("{ env = \"SMTP_PASSWORD\" }"),
        Key::optional("ca_file", Kind::Path, CA_FILE),
    ],
};

static WEBHOOK: Shape = Shape {
    name: "receiver (webhook)",
    doc: "A POST of JSON, signed as Standard Webhooks 1.0.0.",
    keys: &[
        Key::required("name", Kind::Name, RECEIVER_NAME).such_as("\"oncall-hook\""),
        Key::required("kind", Kind::Choice(&["webhook"]), KIND),
        Key::optional("fallback", Kind::Name, RECEIVER_FALLBACK).such_as("\"voice-oncall\""),
        Key::required("url", Kind::UrlOrSecret, "Where to. A secret if the address itself is one.")
            .such_as("\"https://hooks.example.com/ringcheck\""),
        Key::required(
            "secret",
            Kind::OneOrMore(&Kind::Secret),
            "Signs each request (whsec_…). Several while it is being changed: all of them sign.",
        )
        .such_as("{ env = \"WEBHOOK_SECRET\" }"),
        Key::optional("ca_file", Kind::Path, CA_FILE),
    ],
};

static ROUTE: Shape = Shape {
    name: "route",
    doc: "Who is told of which incidents.",
    keys: &[
        Key::default(
            "severity",
            Kind::Choice(&["warning", "critical"]),
            "\"warning\"",
            "Incidents of this severity or worse.",
        )
        .such_as("\"critical\""),
        Key::default("pods", Kind::List(&Kind::Name, 0, 2000), "[]", "Only incidents of these pods; of all if empty.")
            .such_as("[\"pod-14\", \"pod-18\"]"),
        Key::required("to", Kind::List(&Kind::Name, 1, 16), "Names of receivers.").such_as("[\"voice-oncall\"]"),
    ],
};
