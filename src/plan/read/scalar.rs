//! One value against its kind: what it is, or what is wrong with it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::model::{IceUrl, PodName, Share};
use crate::plan::{Schedule, SecretRef};

use super::nearest::hint_for;
use super::shape::Kind;
use super::{address, units};

/// A value that is right.
#[derive(Clone, Debug)]
pub enum Scalar {
    /// Text, a name, a URL, a word.
    Text(String),
    /// A length of time.
    Duration(Duration),
    /// A share.
    Share(Share),
    /// A size in bytes.
    Bytes(u64),
    /// A number per year.
    PerYear(f64),
    /// A whole number.
    Integer(i64),
    /// An opinion score, times a hundred.
    Score(u16),
    /// Yes or no.
    Flag(bool),
    /// An address to listen on.
    Listen(SocketAddr),
    /// A path, made absolute or relative to where ringcheck runs.
    Path(PathBuf),
    /// A reference to a secret.
    Secret(SecretRef),
    /// A schedule.
    Schedule(Schedule),
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What. Never holds the value where that may be a secret.
    pub what: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Fault {
    /// What is wrong, and what to write instead.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: Some(hint.into()) }
    }
}

/// Longest part of a wrong value that is repeated in a message, in characters.
const ECHO_MAX: usize = 40;
/// Longest text, in characters.
const TEXT_MAX: usize = 200;
/// Longest URL or path, in bytes.
const ADDRESS_BYTES_MAX: usize = 2000;

/// Reads a value of a kind. Lists and tables are not values: [`super::table`] walks them.
pub fn read(kind: &Kind, value: &DeValue<'_>, base: &Path) -> Result<Scalar, Fault> {
    match (kind, value) {
        (Kind::Secret | Kind::UrlOrSecret, DeValue::Table(table)) => secret(table, base).map(Scalar::Secret),
        (Kind::Secret, _) => Err(Fault::new(
            "a secret is only ever a reference, never written here",
            "write { env = \"NAME\" } or { file = \"path\" }, and change the secret if it was real",
        )),
        (Kind::Integer(min, max), DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
            number
                .filter(|number| (*min..=*max).contains(number))
                .map(Scalar::Integer)
                .ok_or_else(|| Fault::new("this number is out of range", format!("write {}", kind.describe())))
        }
        (Kind::OpinionScore, DeValue::Float(number)) => score(kind, number.as_str()),
        (Kind::OpinionScore, DeValue::Integer(number)) => score(kind, number.as_str()),
        (Kind::Flag, DeValue::Boolean(flag)) => Ok(Scalar::Flag(*flag)),
        (Kind::Duration(..), DeValue::Integer(number)) => {
            Err(Fault::new("the unit is missing", format!("write \"{}s\" for seconds", shown(number.as_str()))))
        }
        (Kind::Share(..), DeValue::Integer(_) | DeValue::Float(_)) => {
            Err(Fault::new("the % is missing", "write a percentage in quotes: \"5%\""))
        }
        (Kind::Integer(..) | Kind::Flag | Kind::OpinionScore, other) => Err(wrong_type(kind, other)),
        (_, DeValue::String(text)) => read_text(kind, text, base),
        (_, other) => Err(wrong_type(kind, other)),
    }
}

/// "expected …, found …".
pub fn wrong_type(kind: &Kind, found: &DeValue<'_>) -> Fault {
    let found = match found {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Fault { what: format!("expected {}, found {found}", kind.describe()), hint: None }
}

fn read_text(kind: &Kind, text: &str, base: &Path) -> Result<Scalar, Fault> {
    let taken = || Scalar::Text(text.to_owned());
    match kind {
        Kind::Duration(min, max) => duration(text, *min, *max),
        Kind::Share(min, max) => share(text, *min, *max),
        Kind::Bytes(min) => {
            let bytes = quantity(text, "size", units::bytes(text))?;
            in_range(kind, bytes >= *min, Scalar::Bytes(bytes))
        }
        Kind::PerYear(max) => {
            let rate = quantity(text, "number per year", units::per_year(text))?;
            in_range(kind, rate > 0.0 && rate <= f64::from(*max), Scalar::PerYear(rate))
        }
        Kind::Text => line(text).map(|()| taken()),
        // All names follow the same rule.
        Kind::Name => PodName::parse(text).map(|_| taken()).map_err(|why| Fault { what: sentence(&why), hint: None }),
        Kind::Url | Kind::UrlOrSecret => {
            short(text).and_then(|()| address::url(text, &["https", "http"])).map(|_| taken())
        }
        Kind::Signalling => short(text).and_then(|()| address::check_signalling(text)).map(|()| taken()),
        Kind::ControlTarget => short(text).and_then(|()| address::check_control(text)).map(|()| taken()),
        Kind::Host => address::check_host(text).map(|()| taken()),
        Kind::Listen => address::check_listen(text).map(Scalar::Listen),
        Kind::Mailbox => line(text).and_then(|()| address::check_mailbox(text)).map(|()| taken()),
        Kind::Path => path(text, base).map(Scalar::Path),
        Kind::Sid(prefix) => sid(text, prefix).map(|()| taken()),
        Kind::Choice(words) if words.contains(&text) => Ok(taken()),
        Kind::Choice(words) => {
            Err(Fault { what: format!("\"{}\" is not known here", shown(text)), hint: hint_for(text, words) })
        }
        Kind::Schedule => Schedule::parse(text)
            .map(Scalar::Schedule)
            .map_err(|why| Fault { what: format!("this schedule cannot be used: {}", sentence(&why)), hint: None }),
        Kind::IceUrl => IceUrl::parse(text).map(|_| taken()).map_err(|why| Fault { what: why.to_string(), hint: None }),
        Kind::PhoneNumber => phone_number(text).map(|()| taken()),
        Kind::Pointer if text.starts_with('/') => short(text).map(|()| taken()),
        Kind::Pointer => Err(Fault::new("a JSON pointer begins with /", "write \"/token\"")),
        _ => Err(Fault { what: format!("expected {}, found text", kind.describe()), hint: None }),
    }
}

fn duration(text: &str, min: u64, max: u64) -> Result<Scalar, Fault> {
    let length = quantity(text, "duration", units::duration(text))?;
    let within = (Duration::from_millis(min)..=Duration::from_millis(max)).contains(&length);
    in_range(&Kind::Duration(min, max), within, Scalar::Duration(length))
}

fn share(text: &str, min: u32, max: u32) -> Result<Scalar, Fault> {
    let share = quantity(text, "share", units::share(text))?;
    // Half a thousandth of slack: 0.1 % is not a binary number.
    let tenths = share.get() * 1000.0;
    let within = tenths >= f64::from(min) - 5e-4 && tenths <= f64::from(max) + 5e-4;
    in_range(&Kind::Share(min, max), within, Scalar::Share(share))
}

fn quantity<T>(text: &str, what: &str, read: Result<T, String>) -> Result<T, Fault> {
    read.map_err(|hint| Fault::new(format!("\"{}\" is not a {what}", shown(text)), hint))
}

fn in_range(kind: &Kind, within: bool, value: Scalar) -> Result<Scalar, Fault> {
    if within { Ok(value) } else { Err(Fault::new("this is out of range", format!("write {}", kind.describe()))) }
}

fn secret(table: &DeTable<'_>, base: &Path) -> Result<SecretRef, Fault> {
    let hint = "write { env = \"NAME\" } or { file = \"path\" }";
    let mut entries = table.iter();
    let (Some((key, value)), None) = (entries.next(), entries.next()) else {
        return Err(Fault::new("a secret is either an environment variable or a file", hint));
    };
    let (key, value) = (key.get_ref().as_ref(), value.get_ref().as_str());
    match (key, value) {
        ("env", Some(name)) => {
            let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            // Not repeated: somebody may have put the secret itself here.
            let refused = || Fault::new("this is not the name of an environment variable", "use A-Z, 0-9 and _");
            plain.then(|| SecretRef::Env(name.to_owned())).ok_or_else(refused)
        }
        ("file", Some(text)) => path(text, base).map(SecretRef::File),
        _ => Err(Fault::new("a secret is either an environment variable or a file", hint)),
    }
}

fn sid(text: &str, prefix: &str) -> Result<(), Fault> {
    let digits = text.strip_prefix(prefix);
    let right = digits.is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    });
    // Not repeated: a key's secret is easily put where its SID belongs.
    if right { Ok(()) } else { Err(Fault::new("this is not a SID", format!("write {prefix} and 32 digits 0-9 a-f"))) }
}

/// Exact and international, so that nothing is ever completed to another number.
fn phone_number(text: &str) -> Result<(), Fault> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let right =
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    let hint = "write + and 7 to 15 digits, the country's first, without spaces: \"+14155550123\"";
    if right { Ok(()) } else { Err(Fault::new(format!("\"{}\" is not a phone number", shown(text)), hint)) }
}

fn score(kind: &Kind, text: &str) -> Result<Scalar, Fault> {
    let score: f64 = text.parse().unwrap_or(0.0);
    // Between 100 and 450 after the check.
    in_range(kind, (1.0..=4.5).contains(&score), Scalar::Score((score * 100.0).round() as u16))
}

fn path(text: &str, base: &Path) -> Result<PathBuf, Fault> {
    short(text)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(Fault::new("this is not a path", "a relative path starts from the config folder"));
    }
    Ok(base.join(text))
}

fn line(text: &str) -> Result<(), Fault> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > TEXT_MAX || text.chars().any(char::is_control) {
        return Err(Fault::new("this is not a line of text", format!("write 1 to {TEXT_MAX} characters on one line")));
    }
    Ok(())
}

fn short(text: &str) -> Result<(), Fault> {
    if text.len() > ADDRESS_BYTES_MAX {
        return Err(Fault::new("this is too long", format!("write at most {ADDRESS_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// An error's words, on one line.
fn sentence(error: &impl Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What somebody wrote, cut short and without control characters.
pub fn shown(text: &str) -> String {
    let cut: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(ECHO_MAX).collect();
    if cut.len() < text.len() && text.chars().count() > ECHO_MAX { format!("{cut}…") } else { cut }
}
