//! Signalling frames: what both directions have in common. The partner's are read as tolerantly
//! as the SDK reads them, so that what the SDK carries on with we carry on with.

use serde_json::{Value, json};

use super::json::{Fields, Json};

/// A heartbeat, in either direction: this one byte, no JSON.
pub const HEARTBEAT: &str = "\n";

/// Text frames above this are taken, as the SDK takes them, but said to be degraded: real ones
/// have well under 10 kB. In bytes.
pub const LARGE_FRAME: usize = 64 * 1024;

/// Frames above this are not read at all, in bytes. The SDK has no limit; we must have one.
pub const FRAME_MAX: usize = 16 * 1024 * 1024;

/// The longest text that is kept of a field which the partner fills, in bytes.
pub const FIELD_TEXT_MAX: usize = 256;

/// Why a frame has no meaning: the SDK's own reading of it throws an exception inside the page.
/// The device lives on as if nothing had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frame cannot be read")]
pub struct Unreadable;

/// A frame's envelope, opened.
pub(super) struct Envelope {
    /// `type`; `None` if it is not a text. Unknown types are ignored, so that is one of those.
    pub(super) kind: Option<String>,
    /// `payload`; empty if it is missing or, which is as good as empty, no object.
    pub(super) payload: Fields,
}

impl Envelope {
    /// Opens a text frame that is not a heartbeat.
    pub(super) fn open(text: &str) -> Result<Self, Unreadable> {
        let whole = match Json::parse(text) {
            Some(Json::Object(whole)) => whole,
            // Taking a property of null throws; numbers, texts and arrays just have none.
            None | Some(Json::Null) => return Err(Unreadable),
            Some(Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Array) => Fields::default(),
        };
        if whole.get("payload") == Some(&Json::Null) {
            return Err(Unreadable);
        }
        let kind = whole.whole_text("type").map(cut);
        Ok(Self { kind, payload: whole.into_object("payload") })
    }

    /// The text of an envelope.
    pub(super) fn seal(kind: &str, version: &str, payload: Value) -> String {
        json!({ "payload": payload, "type": kind, "version": version }).to_string()
    }
}

/// A text cut to [`FIELD_TEXT_MAX`].
pub(super) fn cut(whole: &str) -> String {
    let mut end = whole.len().min(FIELD_TEXT_MAX);
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    whole[..end].to_owned()
}

/// A text field, cut; `None` if it is missing, empty, or no text.
pub(super) fn text(fields: &Fields, name: &str) -> Option<String> {
    fields.whole_text(name).filter(|whole| !whole.is_empty()).map(cut)
}

/// A number field as a whole number that is not negative; fractions are rounded up, texts are not
/// numbers.
pub(super) fn whole_number(fields: &Fields, name: &str) -> Option<u32> {
    let Some(Json::Number(number)) = fields.get(name) else { return None };
    let number = number.ceil();
    // The cast cannot lose anything within these bounds.
    (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u32)
}

/// The frames about calls that a device without a call only ignores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallFrame {
    /// The far side has answered.
    Answer,
    /// The far side rings.
    Ringing,
    /// The call has ended.
    Hangup,
    /// An incoming call was withdrawn.
    Cancel,
    /// A call message came.
    Message,
    /// A call message arrived.
    Ack,
}

impl CallFrame {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Answer, Self::Ringing, Self::Hangup, Self::Cancel, Self::Message, Self::Ack];

    /// The frame's `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Ringing => "ringing",
            Self::Hangup => "hangup",
            Self::Cancel => "cancel",
            Self::Message => "message",
            Self::Ack => "ack",
        }
    }

    /// The kind with this `type`.
    pub fn of(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|frame| frame.as_str() == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Fields {
        match Json::parse(text) {
            Some(Json::Object(fields)) => fields,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fields_are_taken_if_they_are_what_they_should_be() {
        let fields = object(r#"{"t":"text","e":"","n":3,"f":2.2,"m":-1,"h":1e12,"s":"5","z":null,"l":[1]}"#);
        assert_eq!(text(&fields, "t").as_deref(), Some("text"));
        for key in ["e", "n", "z", "l", "missing"] {
            assert_eq!(text(&fields, key), None, "{key}");
        }
        assert_eq!(whole_number(&fields, "n"), Some(3));
        assert_eq!(whole_number(&fields, "f"), Some(3));
        for key in ["t", "m", "h", "s", "z", "l", "missing"] {
            assert_eq!(whole_number(&fields, key), None, "{key}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let fields = object(&json!({ "t": format!("{}é", "a".repeat(FIELD_TEXT_MAX - 1)) }).to_string());
        assert_eq!(text(&fields, "t").map(|text| text.len()), Some(FIELD_TEXT_MAX - 1));
    }
}
