//! What a token says, as far as it can be read. Judges nothing and checks no signature.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use crate::model::TokenKind;
use crate::token::{NameFeatures, parts_of};

use super::claims::{form_decoded, form_encoded};

/// Takes padding and loose last bits too: some parser may.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The longest value of the header that is told, in characters.
const VALUE_MAX: usize = 60;
/// Most members of the header that are told.
const MEMBERS_MAX: usize = 16;

/// What could be read. Times are in seconds since the epoch.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Reading {
    /// Its kind, if it has claims of one.
    pub kind: Option<TokenKind>,
    /// Members of the header with their values, shortened and without control characters.
    pub header: Vec<(String, String)>,
    /// What is known of the name in it; never the name.
    pub name: Option<NameFeatures>,
    /// `exp`.
    pub expires: Option<i64>,
    /// `nbf`.
    pub not_before: Option<i64>,
    /// `iat`.
    pub issued: Option<i64>,
    /// What could not be read, and why, in words.
    pub unread: Vec<String>,
}

impl Reading {
    /// Reads any bytes.
    pub fn of(text: &[u8]) -> Self {
        let mut reading = Self::default();
        let parts = parts_of(text);
        if parts.len() != 3 {
            reading.unread.push(format!("a token has 3 parts, this has {}", parts.len()));
        }
        let header = reading.part("header", parts.first());
        let payload = reading.part("payload", parts.get(1));
        let short = |(key, value): (&String, &Value)| {
            (shortened(key), shortened(value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str()))
        };
        reading.header = header.iter().flatten().take(MEMBERS_MAX).map(short).collect();
        let Some(payload) = payload else { return reading };
        reading.expires = reading.moment(&payload, "exp");
        reading.not_before = reading.moment(&payload, "nbf");
        reading.issued = reading.moment(&payload, "iat");
        if let Some(grants) = payload.get("grants") {
            reading.kind = Some(TokenKind::Access);
            let name = grants.get("identity").and_then(Value::as_str);
            reading.name = name.map(|name| NameFeatures::of(name, name.len()));
        } else if let Some(scope) = payload.get("scope").and_then(Value::as_str) {
            reading.kind = Some(TokenKind::Capability);
            reading.name = client_name(scope);
        } else {
            reading.unread.push("neither grants nor a scope: its kind is not known".to_owned());
        }
        if reading.kind.is_some() && reading.name.is_none() {
            reading.unread.push("there is no name in it".to_owned());
        }
        reading
    }

    fn part(&mut self, name: &str, part: Option<&&[u8]>) -> Option<Map<String, Value>> {
        let part = part.filter(|part| !part.is_empty());
        let Some(part) = part else {
            self.unread.push(format!("the {name} is empty"));
            return None;
        };
        let read = LENIENT
            .decode(part)
            .map_err(|_| "is not base64url")
            .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|_| "is base64url, but not of a JSON object"));
        read.map_err(|why| self.unread.push(format!("the {name} {why}"))).ok()
    }

    fn moment(&mut self, payload: &Map<String, Value>, claim: &str) -> Option<i64> {
        let value = payload.get(claim)?;
        // Some helpers write fractions; the cast saturates.
        let seconds = value.as_f64().map(|seconds| seconds as i64);
        if seconds.is_none() {
            self.unread.push(format!("{claim} is not a number"));
        }
        seconds
    }
}

/// The name in a capability token's scope, which holds it escaped as in forms.
fn client_name(scope: &str) -> Option<NameFeatures> {
    let parameters = scope.split(' ').filter_map(|scope| scope.split_once('?')).flat_map(|(_, all)| all.split('&'));
    let mut pairs = parameters.filter_map(|pair| pair.split_once('='));
    let (_, written) = pairs.find(|(key, _)| *key == "clientName")?;
    Some(NameFeatures::of(&form_decoded(written), written.len()))
}

/// What is counted of a name that is about to be put into a token of a kind. With no kind, as
/// access tokens hold it.
pub fn name_features(name: &str, kind: Option<TokenKind>) -> NameFeatures {
    let written = if kind == Some(TokenKind::Capability) { form_encoded(name).len() } else { name.len() };
    NameFeatures::of(name, written)
}

fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(VALUE_MAX).flat_map(char::escape_debug).collect();
    if text.chars().count() > VALUE_MAX { format!("{shown}…") } else { shown }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    fn token(header: &str, payload: &str) -> Reading {
        let text = format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        Reading::of(text.as_bytes())
    }

    #[test]
    fn both_kinds_are_read() {
        let access = token(
            r#"{"alg":"HS256","cty":"twilio-fpa;v=1"}"#,
            r#"{"grants":{"identity":"ann@x"},"exp":1600,"nbf":1000.5,"iat":"soon"}"#,
        );
        assert_eq!((access.kind, access.expires, access.not_before), (Some(TokenKind::Access), Some(1600), Some(1000)));
        assert_eq!(access.name, Some(name_features("ann@x", None)));
        assert_eq!(access.unread, ["iat is not a number"]);
        assert_eq!(access.header[1], ("cty".to_owned(), "twilio-fpa;v=1".to_owned()));
        let scope = "scope:client:outgoing?appSid=AP1&clientName=a%40b scope:client:incoming?clientName=a%40b";
        let capability = token("{}", &format!("{{\"scope\":\"{scope}\"}}"));
        assert_eq!(capability.kind, Some(TokenKind::Capability));
        assert_eq!(capability.name, Some(name_features("a@b", Some(TokenKind::Capability))));
        assert_eq!(capability.name.map(|name| name.length), Some(5));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert_eq!(Reading::of(b"..x").unread, ["the header is empty", "the payload is empty"]);
        assert_eq!(
            Reading::of(b"!.bm8").unread,
            [
                "a token has 3 parts, this has 2",
                "the header is not base64url",
                "the payload is base64url, but not of a JSON object"
            ]
        );
        assert_eq!(token("{}", "{\"grants\":1}").unread, ["there is no name in it"]);
        assert_eq!(token("{}", "{}").unread, ["neither grants nor a scope: its kind is not known"]);
        let header = token("{\"a\":\"\u{9b}\\n\"}", "{}").header;
        assert_eq!(header, [("a".to_owned(), "\\u{9b}\\n".to_owned())], "nothing steers the terminal");
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(text in prop::collection::vec(any::<u8>(), 0..200), json in "[\\[{}\":,a-z0-9]{0,40}") {
            let _ = Reading::of(&text);
            let _ = token(&json, &json);
        }
    }
}
