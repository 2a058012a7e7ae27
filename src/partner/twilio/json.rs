//! JSON of a stranger, read within bounds: sixteen megabytes of `[0,0,…` must not become a
//! quarter of a gigabyte of values. What nobody here asks for is checked and forgotten.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Objects within objects that are kept: envelope, payload, and one more.
const LEVELS: u8 = 3;

/// Members of an object that are kept besides [`KNOWN`] ones.
const OTHERS_MAX: usize = 32;

/// The longest name of such a member, in bytes.
const OTHER_NAME_MAX: usize = 64;

/// The members that somebody here asks for; they are kept however many others there are.
const KNOWN: [&str; 21] = [
    "type",
    "payload",
    "callsid",
    "sdp",
    "error",
    "code",
    "message",
    "retryAfter",
    "voiceeventsid",
    "region",
    "edge",
    "home",
    "gateway",
    "token",
    "identity",
    "ttl",
    "parameters",
    "media",
    "audio",
    "browserinfo",
    "v",
];

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as JavaScript has them.
    Number(f64),
    /// A text.
    Text(String),
    /// An array; nobody looks into one.
    Array,
    /// An object.
    Object(Fields),
}

/// The members of an object, in order, with the last of equal names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields(Vec<(String, Json)>);

impl Json {
    /// Reads a text that is one JSON value.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut source = serde_json::Deserializer::from_str(text);
        let value = Reader { levels: LEVELS }.deserialize(&mut source).ok()?;
        source.end().ok()?;
        Some(value)
    }

    /// What JavaScript takes for true.
    pub(super) fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(yes) => *yes,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Array | Self::Object(_) => true,
        }
    }
}

impl Fields {
    /// The member of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The member of this name, if it is truthy.
    pub(super) fn present(&self, name: &str) -> Option<&Json> {
        self.get(name).filter(|value| value.is_truthy())
    }

    /// The text of this name, of any length and perhaps empty.
    pub(super) fn whole_text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The object of this name; an empty one if it is missing or something else.
    pub(super) fn object(&self, name: &str) -> &Self {
        static EMPTY: Fields = Fields(Vec::new());
        match self.get(name) {
            Some(Json::Object(fields)) => fields,
            _ => &EMPTY,
        }
    }

    /// As [`Fields::object`], without copying.
    pub(super) fn into_object(self, name: &str) -> Self {
        match self.0.into_iter().find(|(known, _)| known == name) {
            Some((_, Json::Object(fields))) => fields,
            _ => Self::default(),
        }
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    fn keeps(&self, name: &str) -> bool {
        KNOWN.contains(&name)
            || self.get(name).is_some()
            || (name.len() <= OTHER_NAME_MAX && self.0.len() < KNOWN.len() + OTHERS_MAX)
    }

    fn insert(&mut self, name: String, value: Json) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

/// Reads a value that may hold this many levels of objects.
#[derive(Clone, Copy)]
struct Reader {
    levels: u8,
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Json, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        // JavaScript rounds in the same way.
        Ok(Json::Number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Json::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = members.next_key::<String>()? {
            if self.levels > 0 && fields.keeps(&name) {
                let value = members.next_value_seed(Self { levels: self.levels - 1 })?;
                fields.insert(name, value);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_asked_for_is_found_among_anything() {
        let mut members: Vec<String> = (0..1_000).map(|n| format!("\"junk{n}\":[[{n}]]")).collect();
        members.push(r#""type":"ready","payload":{"error":{"code":1},"error":{"code":2}}"#.to_owned());
        let Some(Json::Object(whole)) = Json::parse(&format!("{{{}}}", members.join(","))) else { panic!("an object") };
        assert_eq!(whole.whole_text("type"), Some("ready"));
        assert_eq!(whole.object("payload").object("error").get("code"), Some(&Json::Number(2.0)), "the last one wins");
        assert!(whole.names().count() <= KNOWN.len() + OTHERS_MAX + 2);
        assert_eq!(whole.object("missing").names().count(), 0);
    }

    #[test]
    fn what_nobody_asks_for_is_not_kept() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Json::parse(&deep), Some(Json::Array), "a browser takes it too");
        assert_eq!(Json::parse(&format!("[{}0]", "0,".repeat(100_000))), Some(Json::Array));
        let nested = json!({ "a": { "a": { "a": { "a": 1 } } } }).to_string();
        let Some(Json::Object(whole)) = Json::parse(&nested) else { panic!("an object") };
        assert_eq!(whole.object("a").object("a").get("a"), Some(&Json::Object(Fields::default())));
    }

    #[test]
    fn truth_is_javascripts() {
        for (text, truth) in [
            ("null", false),
            ("false", false),
            ("0", false),
            ("-0.0", false),
            (r#""""#, false),
            ("true", true),
            ("1", true),
            (r#""0""#, true),
            ("[]", true),
            ("{}", true),
        ] {
            assert_eq!(Json::parse(text).map(|value| value.is_truthy()), Some(truth), "{text}");
        }
    }

    proptest! {
        /// What is JSON for an ordinary reader is JSON here, and no text is too strange.
        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:0-9a-f\\\\ un.e+-]{0,40}") {
            if serde_json::from_str::<Value>(&text).is_ok() {
                prop_assert!(Json::parse(&text).is_some());
            }
        }
    }
}
