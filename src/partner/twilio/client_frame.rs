//! What the device sends.

use serde_json::{Value, json};

use crate::token::TokenText;

use super::SdkProfile;
use super::edge::USER_AGENT;
use super::frame::{Envelope, HEARTBEAT, text};
use super::json::Json;

/// A frame of the device.
#[derive(Clone, Debug)]
pub enum ClientFrame {
    /// I am here.
    Heartbeat,
    /// Hello, with the token; the first frame after every opening, and again with a new token.
    Listen {
        /// The token; `None` if it is missing, empty, too long, or holds what no token can.
        token: Option<TokenText>,
        /// The SDK's release as it says (`browserinfo.v`).
        release: Option<String>,
    },
    /// Registers the device or ends its registration.
    Register {
        /// `media.audio`: true to register.
        audio: bool,
    },
    /// A type that the partner does not know or that is about calls.
    Unknown {
        /// The `type`; `None` if it is no text.
        kind: Option<String>,
    },
    /// Not JSON, or not an envelope.
    Garbage,
}

impl ClientFrame {
    /// Reads a text frame. Takes any text.
    pub fn parse(frame: &str) -> Self {
        if frame == HEARTBEAT {
            return Self::Heartbeat;
        }
        let Ok(Envelope { kind, payload }) = Envelope::open(frame) else {
            return Self::Garbage;
        };
        match kind.as_deref() {
            Some("listen") => Self::Listen {
                token: payload.whole_text("token").and_then(|token| TokenText::parse(token).ok()),
                release: text(payload.object("browserinfo"), "v"),
            },
            Some("register") => {
                Self::Register { audio: payload.object("media").get("audio") == Some(&Json::Bool(true)) }
            }
            _ => Self::Unknown { kind },
        }
    }

    /// The text that the SDK of this profile sends. Holds the token, if there is one: never log it.
    pub fn to_text(&self, profile: SdkProfile) -> String {
        let (kind, payload) = match self {
            Self::Heartbeat => return HEARTBEAT.to_owned(),
            Self::Listen { token, release } => {
                ("listen", listen(token.as_ref(), release.as_deref().unwrap_or(profile.release()), profile))
            }
            Self::Register { audio } => ("register", json!({ "media": { "audio": audio } })),
            Self::Unknown { kind } => (kind.as_deref().unwrap_or("unknown"), json!({})),
            Self::Garbage => return String::new(),
        };
        Envelope::seal(kind, profile.envelope(), payload)
    }
}

fn listen(token: Option<&TokenText>, release: &str, profile: SdkProfile) -> Value {
    let mut payload = json!({
        "browserinfo": {
            "browser": { "platform": "Linux x86_64", "userAgent": USER_AGENT },
            "p": "browser",
            "plugin": "rtc",
            "v": release,
        },
        "token": token.map(TokenText::expose).unwrap_or_default(),
    });
    if profile == SdkProfile::V2 {
        // Only a device in a call asks for time to come back.
        payload["reconnectTimeout"] = json!(0);
    }
    payload
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_read_like_the_sdks() {
        let listen = ClientFrame::Listen { token: TokenText::parse("a.b.c").ok(), release: None };
        let browser = r#""browser":{"platform":"Linux x86_64","userAgent":"#.to_owned() + &format!("{USER_AGENT:?}}}");
        assert_eq!(
            listen.to_text(SdkProfile::V2),
            format!(
                r#"{{"payload":{{"browserinfo":{{{browser},"p":"browser","plugin":"rtc","v":"2.18.5"}},"reconnectTimeout":0,"token":"a.b.c"}},"type":"listen","version":"1.6"}}"#
            )
        );
        assert_eq!(
            listen.to_text(SdkProfile::V1),
            format!(
                r#"{{"payload":{{"browserinfo":{{{browser},"p":"browser","plugin":"rtc","v":"1.15.1"}},"token":"a.b.c"}},"type":"listen","version":"1.5"}}"#
            )
        );
        assert_eq!(
            ClientFrame::Register { audio: true }.to_text(SdkProfile::V2),
            r#"{"payload":{"media":{"audio":true}},"type":"register","version":"1.6"}"#
        );
        assert_eq!(ClientFrame::Heartbeat.to_text(SdkProfile::V2), "\n");
    }

    #[test]
    fn frames_are_understood() {
        let said = |text: &str| match ClientFrame::parse(text) {
            ClientFrame::Listen { token, release } => {
                format!("listen {:?} {release:?}", token.as_ref().map(TokenText::expose))
            }
            other => format!("{other:?}"),
        };
        for (text, expected) in [
            ("\n", "Heartbeat"),
            ("", "Garbage"),
            ("null", "Garbage"),
            ("{", "Garbage"),
            (
                r#"{"type":"listen","payload":{"token":"a.b.c","browserinfo":{"v":"2.18.5"}}}"#,
                r#"listen Some("a.b.c") Some("2.18.5")"#,
            ),
            (r#"{"type":"listen"}"#, "listen None None"),
            (r#"{"type":"listen","payload":{"token":"","browserinfo":1}}"#, "listen None None"),
            (r#"{"type":"register","payload":{"media":{"audio":true}}}"#, "Register { audio: true }"),
            (r#"{"type":"register","payload":{"media":5}}"#, "Register { audio: false }"),
            (r#"{"type":"invite","payload":{}}"#, r#"Unknown { kind: Some("invite") }"#),
            ("[]", "Unknown { kind: None }"),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_frame(text in any::<String>()) {
            let _ = ClientFrame::parse(&text);
        }
    }
}
