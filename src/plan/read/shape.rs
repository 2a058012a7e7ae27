//! What may be written, as data: every key with its kind, default, range and meaning. Reading,
//! the JSON Schema and the reference in `docs/configuration.md` all follow from these tables, so
//! they cannot disagree.

/// A table of keys.
#[derive(Debug)]
pub struct Shape {
    /// Its name in the schema: `receiver`.
    pub name: &'static str,
    /// What it describes.
    pub doc: &'static str,
    /// Its keys, in the order in which they are documented.
    pub keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Whether it must be there.
    pub need: Need,
    /// What it means. One or two sentences.
    pub doc: &'static str,
    /// A value in TOML, where the kind's own example says too little.
    pub example: Option<&'static str>,
}

/// Whether a key must be there.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// It must.
    Required,
    /// It may be left out.
    Optional,
    /// It may be left out, and then has this value (as TOML).
    Default(&'static str),
}

/// What a value is. Ranges are inclusive.
#[derive(Debug)]
pub enum Kind {
    /// Text for people: 1 to 200 characters on one line.
    Text,
    /// A name: `a-z`, `0-9` and inner dashes, at most 63 characters.
    Name,
    /// `http://` or `https://` and a host.
    Url,
    /// As `Url`, or a secret.
    UrlOrSecret,
    /// `wss://host:port/path`, or `ws://` to loopback; `{edge}` stands for the edge.
    Signalling,
    /// `https://…`, `http://…` or `tcp://host:port`.
    ControlTarget,
    /// `address:port` to listen on.
    Listen,
    /// A host name or address.
    Host,
    /// An e-mail address, perhaps with a name: `Ringcheck <ringcheck@example.com>`.
    Mailbox,
    /// A file's path; a relative one starts from the config folder.
    Path,
    /// A SID: these two letters and 32 hex digits.
    Sid(&'static str),
    /// A length of time between two (in milliseconds).
    Duration(u64, u64),
    /// A share between two (in tenths of a percent).
    Share(u32, u32),
    /// A size in bytes, at least this.
    Bytes(u64),
    /// A number per year, above zero and at most this.
    PerYear(u32),
    /// A whole number between two.
    Integer(i64, i64),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `{ env = "…" }` or `{ file = "…" }`.
    Secret,
    /// A table from free names to secrets.
    SecretsByName,
    /// A cron schedule with seconds, UTC.
    Schedule,
    /// The address of a STUN or TURN server.
    IceUrl,
    /// A phone number in the international form, exact.
    PhoneNumber,
    /// An opinion score, 1 to 4.5.
    OpinionScore,
    /// A JSON pointer.
    Pointer,
    /// A list of these, at least and at most so many.
    List(&'static Kind, usize, usize),
    /// One of these, or a list of them.
    OneOrMore(&'static Kind),
    /// A table.
    Table(&'static Shape),
    /// A table whose key `kind` says which of these it is.
    ByKind(&'static [(&'static str, &'static Shape)]),
}

impl Shape {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Key {
    /// A key that must be there.
    pub const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, need: Need::Required, doc, example: None }
    }

    /// A key that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, need: Need::Optional, doc, example: None }
    }

    /// A key that has a default, written as TOML.
    pub const fn default(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Self {
        Self { name, kind, need: Need::Default(default), doc, example: None }
    }
}

impl Key {
    /// The same key with an example, written as TOML.
    pub const fn such_as(mut self, example: &'static str) -> Self {
        self.example = Some(example);
        self
    }
}

impl Kind {
    /// What a value of this kind is, for messages and the reference: "a duration, 1s to 60s".
    pub fn describe(&self) -> String {
        match self {
            Self::Text => "text, 1 to 200 characters".to_owned(),
            Self::Name => "a name of a-z, 0-9 and inner dashes, at most 63 characters".to_owned(),
            Self::Url => "a URL, https:// or http://".to_owned(),
            Self::UrlOrSecret => "a URL, or a secret that holds one".to_owned(),
            Self::Signalling => "a URL, wss:// (or ws:// to a loopback address)".to_owned(),
            Self::ControlTarget => "https://…, http://… or tcp://host:port".to_owned(),
            Self::Listen => "an address and port, such as 127.0.0.1:9870".to_owned(),
            Self::Host => "a host name or address".to_owned(),
            Self::Mailbox => "an e-mail address".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Sid(prefix) => format!("{prefix} and 32 digits 0-9 a-f"),
            Self::Duration(min, max) => format!("a duration, {} to {}", in_ms(*min), in_ms(*max)),
            Self::Share(min, max) => format!("a share, {} to {}", in_percent(*min), in_percent(*max)),
            Self::Bytes(min) => format!("a size, at least {}MiB", min >> 20),
            Self::PerYear(max) => format!("a number per year, above 0, at most {max}"),
            Self::Integer(min, max) => format!("a whole number, {min} to {max}"),
            Self::Flag => "true or false".to_owned(),
            Self::Choice([word]) => format!("\"{word}\""),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Secret => "a secret: { env = \"NAME\" } or { file = \"path\" }".to_owned(),
            Self::SecretsByName => "a table of secrets".to_owned(),
            Self::Schedule => "a cron schedule with seconds, in UTC".to_owned(),
            Self::IceUrl => "stun:host:port, turn:host:port?transport=… or turns:host:port".to_owned(),
            Self::PhoneNumber => "a phone number such as +14155550123".to_owned(),
            Self::OpinionScore => "an opinion score, 1.0 to 4.5".to_owned(),
            Self::Pointer => "a JSON pointer, such as /token".to_owned(),
            Self::List(of, min, max) => format!("a list of {min} to {max}: {}", of.describe()),
            Self::OneOrMore(of) => format!("{}; or a list of them", of.describe()),
            Self::Table(shape) => format!("a table: {}", shape.name),
            Self::ByKind(_) => "a table with a kind".to_owned(),
        }
    }
}

/// A duration as it is written.
fn in_ms(ms: u64) -> String {
    match ms {
        0 => "0s".to_owned(),
        _ if ms.is_multiple_of(86_400_000) => format!("{}d", ms / 86_400_000),
        _ if ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        _ if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        _ if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    }
}

/// Tenths of a percent as they are written.
fn in_percent(tenths: u32) -> String {
    if tenths.is_multiple_of(10) { format!("{}%", tenths / 10) } else { format!("{}.{}%", tenths / 10, tenths % 10) }
}
