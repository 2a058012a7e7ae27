//! What the device sends.

use serde_json::{Value, json};

use crate::token::TokenText;

use super::SdkProfile;
use super::edge::USER_AGENT;
use super::frame::{Envelope, HEARTBEAT, text};
use super::json::{Fields, Json};

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
    /// Asks for a call.
    Invite {
        /// The device's own id of it (`TJS…`).
        callsid: String,
        /// Its session description; `None` if it is missing or empty.
        sdp: Option<String>,
    },
    /// Accepts a call that came in.
    Answer {
        /// Which.
        callsid: String,
        /// The session description.
        sdp: Option<String>,
    },
    /// Ends a call, by either id.
    Hangup {
        /// Which.
        callsid: String,
    },
    /// Refuses a call that came in.
    Reject {
        /// Which.
        callsid: String,
    },
    /// New session description of a call whose path was lost.
    Reinvite {
        /// Which.
        callsid: String,
        /// The session description.
        sdp: Option<String>,
    },
    /// Digits pressed, where they cannot go with the audio.
    Dtmf {
        /// Which.
        callsid: String,
        /// What was pressed, pauses included.
        digits: String,
    },
    /// A type that the partner does not know.
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
            Some("invite") => Self::Invite { callsid: id(&payload), sdp: description(&payload) },
            Some("answer") => Self::Answer { callsid: id(&payload), sdp: description(&payload) },
            Some("reinvite") => Self::Reinvite { callsid: id(&payload), sdp: description(&payload) },
            Some("hangup") => Self::Hangup { callsid: id(&payload) },
            Some("reject") => Self::Reject { callsid: id(&payload) },
            Some("dtmf") => Self::Dtmf { callsid: id(&payload), digits: text(&payload, "dtmf").unwrap_or_default() },
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
            Self::Invite { callsid, sdp } => ("invite", invite(callsid, sdp.as_deref(), profile)),
            Self::Answer { callsid, sdp } => ("answer", json!({ "callsid": callsid, "sdp": sdp })),
            Self::Reinvite { callsid, sdp } => ("reinvite", json!({ "callsid": callsid, "sdp": sdp })),
            Self::Hangup { callsid } => ("hangup", json!({ "callsid": callsid })),
            Self::Reject { callsid } => ("reject", json!({ "callsid": callsid })),
            Self::Dtmf { callsid, digits } => ("dtmf", json!({ "callsid": callsid, "dtmf": digits })),
            Self::Unknown { kind } => (kind.as_deref().unwrap_or("unknown"), json!({})),
            Self::Garbage => return String::new(),
        };
        Envelope::seal(kind, profile.envelope(), payload)
    }
}

/// A call's id; empty if it is missing.
fn id(payload: &Fields) -> String {
    text(payload, "callsid").unwrap_or_default()
}

/// A session description, of any length that a frame may have.
fn description(payload: &Fields) -> Option<String> {
    payload.whole_text("sdp").filter(|sdp| !sdp.is_empty()).map(str::to_owned)
}

fn invite(callsid: &str, sdp: Option<&str>, profile: SdkProfile) -> Value {
    let mut payload = json!({ "callsid": callsid, "sdp": sdp, "twilio": {} });
    if profile == SdkProfile::V1 {
        payload["preflight"] = json!(false);
    }
    payload
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
            (r#"{"type":"invite","payload":{}}"#, r#"Invite { callsid: "", sdp: None }"#),
            (
                r#"{"type":"invite","payload":{"callsid":"TJS1","sdp":"v=0","twilio":{}}}"#,
                r#"Invite { callsid: "TJS1", sdp: Some("v=0") }"#,
            ),
            (r#"{"type":"hangup","payload":{"callsid":"CA1","message":"x"}}"#, r#"Hangup { callsid: "CA1" }"#),
            (r#"{"type":"weather","payload":{}}"#, r#"Unknown { kind: Some("weather") }"#),
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
