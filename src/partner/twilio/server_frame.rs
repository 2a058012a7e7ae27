//! What the partner sends.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::SdkProfile;
use super::frame::{CallFrame, Envelope, HEARTBEAT, Unreadable, text, whole_number};
use super::json::{Fields, Json};

/// Most parameters of an invite that are kept.
pub const INVITE_PARAMETERS_MAX: usize = 32;

/// The version that the partner's envelopes carry; no SDK reads it.
const ENVELOPE: &str = "1.6";

/// A frame of the partner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServerFrame {
    /// Are you there.
    Heartbeat,
    /// The token is accepted.
    Connected(Welcome),
    /// The device is registered.
    Ready,
    /// The device is not registered (any more).
    Offline,
    /// The stream is over and shall not be opened again.
    Close,
    /// Something was refused.
    Error(Trouble),
    /// A call comes in.
    Invite(Invite),
    /// A frame about a call.
    Call(CallNews),
    /// A type that the SDK does not know, or an `error` frame that it does not look at. Ignored.
    Unknown,
}

/// The payload of `connected`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Welcome {
    /// The region, in the partner's long form.
    pub region: Option<String>,
    /// The edge that was reached.
    pub edge: Option<String>,
    /// The account's home region.
    pub home: Option<String>,
    /// The gateway's name.
    pub gateway: Option<String>,
    /// The name in the token.
    pub identity: Option<String>,
    /// Seconds that the token has left.
    pub ttl_s: Option<u32>,
}

/// The payload of `error`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trouble {
    /// The code; `None` if it is missing, no number, or none that a code can be.
    pub code: Option<u32>,
    /// The text.
    pub message: Option<String>,
    /// Seconds to wait before coming back.
    pub retry_after_s: Option<u32>,
    /// The call that it is about.
    pub callsid: Option<String>,
    /// The gateway's name.
    pub gateway: Option<String>,
    /// The region, in the partner's long form.
    pub region: Option<String>,
}

/// The payload of `invite`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Invite {
    /// The call; without it the SDK complains.
    pub callsid: Option<String>,
    /// The session description; without it the SDK complains.
    pub sdp: Option<String>,
    /// `From`, `To` and others; at most [`INVITE_PARAMETERS_MAX`].
    pub parameters: BTreeMap<String, String>,
}

/// A frame about a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallNews {
    /// Which frame.
    pub frame: CallFrame,
    /// Which call.
    pub callsid: Option<String>,
    /// A session description, in `answer` and sometimes in `ringing`.
    pub sdp: Option<String>,
    /// What went wrong, in `hangup`: the code, if it has one that is a number.
    pub error: Option<Option<u32>>,
}

impl CallNews {
    /// A frame that says nothing else.
    pub const fn of(frame: CallFrame, callsid: Option<String>) -> Self {
        Self { frame, callsid, sdp: None, error: None }
    }

    fn read(frame: CallFrame, payload: &Fields, profile: SdkProfile) -> Self {
        let error = payload.present("error").map(|_| code(payload.object("error").get("code"), profile));
        let sdp = payload.whole_text("sdp").filter(|sdp| !sdp.is_empty()).map(str::to_owned);
        Self { frame, callsid: text(payload, "callsid"), sdp, error }
    }

    fn to_json(&self) -> Value {
        let error = self.error.map(|code| object([("code", code.map(Value::from))]));
        let sdp = self.sdp.clone().map(Value::from);
        object([("callsid", self.callsid.clone().map(Value::from)), ("sdp", sdp), ("error", error)])
    }
}

impl ServerFrame {
    /// Reads a text frame as the SDK of this profile does.
    pub fn parse(frame: &str, profile: SdkProfile) -> Result<Self, Unreadable> {
        if frame == HEARTBEAT {
            return Ok(Self::Heartbeat);
        }
        if frame.is_empty() && profile == SdkProfile::V1 {
            // 1.x drops an empty message before it tries to read it; 2.x does not.
            return Ok(Self::Unknown);
        }
        let Envelope { kind, payload } = Envelope::open(frame)?;
        Ok(match kind.as_deref() {
            Some("connected") => Self::Connected(Welcome::read(&payload, profile)?),
            Some("ready") => Self::Ready,
            Some("offline") => Self::Offline,
            Some("close") => Self::Close,
            Some("error") => Trouble::read(&payload, profile)?.map_or(Self::Unknown, Self::Error),
            Some("invite") => Self::Invite(Invite::read(&payload)),
            Some(kind) => match CallFrame::of(kind) {
                Some(frame) => Self::Call(CallNews::read(frame, &payload, profile)),
                None => Self::Unknown,
            },
            None => Self::Unknown,
        })
    }

    /// The text to send.
    pub fn to_text(&self) -> String {
        let (kind, payload) = match self {
            Self::Heartbeat => return HEARTBEAT.to_owned(),
            Self::Connected(welcome) => ("connected", welcome.to_json()),
            Self::Ready => ("ready", json!({})),
            Self::Offline => ("offline", json!({})),
            Self::Close => ("close", json!({})),
            Self::Error(trouble) => ("error", trouble.to_json()),
            Self::Invite(invite) => ("invite", invite.to_json()),
            Self::Call(news) => (news.frame.as_str(), news.to_json()),
            Self::Unknown => ("unknown", json!({})),
        };
        Envelope::seal(kind, ENVELOPE, payload)
    }
}

impl Welcome {
    fn read(payload: &Fields, profile: SdkProfile) -> Result<Self, Unreadable> {
        // 2.x makes host names of the edge and throws if it is neither a text nor a list of texts;
        // everything that waits for `connected` then waits on.
        let edge = payload.present("edge").or(payload.present("region"));
        if profile == SdkProfile::V2 && !matches!(edge, None | Some(Json::Text(_) | Json::Array)) {
            return Err(Unreadable);
        }
        let token = payload.object("token");
        Ok(Self {
            region: text(payload, "region"),
            edge: text(payload, "edge"),
            home: text(payload, "home"),
            gateway: text(payload, "gateway"),
            identity: text(token, "identity"),
            ttl_s: whole_number(token, "ttl"),
        })
    }

    fn to_json(&self) -> Value {
        let token =
            object([("identity", self.identity.clone().map(Value::from)), ("ttl", self.ttl_s.map(Value::from))]);
        object([
            ("region", self.region.clone().map(Value::from)),
            ("edge", self.edge.clone().map(Value::from)),
            ("home", self.home.clone().map(Value::from)),
            ("gateway", self.gateway.clone().map(Value::from)),
            ("token", Some(token)),
        ])
    }
}

impl Trouble {
    /// `None`: the SDK does not look at it.
    fn read(payload: &Fields, profile: SdkProfile) -> Result<Option<Self>, Unreadable> {
        let error = match payload.get("error") {
            Some(Json::Object(_) | Json::Array) => payload.object("error"),
            // 2.x takes null for an object and then its code; 1.x asks whether there is anything.
            Some(Json::Null) if profile == SdkProfile::V2 => return Err(Unreadable),
            // Both hang a property on it, which throws for anything but an object.
            Some(other) if other.is_truthy() => return Err(Unreadable),
            _ => return Ok(None),
        };
        if profile == SdkProfile::V2 && payload.present("voiceeventsid").is_some() {
            // About a call message; the call handles it, and there is none.
            return Ok(None);
        }
        Ok(Some(Self {
            code: code(error.get("code"), profile),
            message: text(error, "message"),
            retry_after_s: whole_number(error, "retryAfter"),
            callsid: text(payload, "callsid"),
            gateway: text(payload, "gateway"),
            region: text(payload, "region"),
        }))
    }

    fn to_json(&self) -> Value {
        let error = object([
            ("code", self.code.map(Value::from)),
            ("message", self.message.clone().map(Value::from)),
            ("retryAfter", self.retry_after_s.map(Value::from)),
        ]);
        object([
            ("error", Some(error)),
            ("callsid", self.callsid.clone().map(Value::from)),
            ("gateway", self.gateway.clone().map(Value::from)),
            ("region", self.region.clone().map(Value::from)),
        ])
    }
}

/// A code as the SDK compares it: 2.x only looks at numbers, 1.x hands on whatever is there.
fn code(value: Option<&Json>, profile: SdkProfile) -> Option<u32> {
    let number = match value? {
        Json::Number(number) => *number,
        Json::Text(text) if profile == SdkProfile::V1 => return text.parse().ok(),
        _ => return None,
    };
    let whole = number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number);
    // The cast cannot lose anything within these bounds.
    whole.then_some(number as u32)
}

impl Invite {
    /// True if the SDK would ring.
    pub const fn is_whole(&self) -> bool {
        self.callsid.is_some() && self.sdp.is_some()
    }

    fn read(payload: &Fields) -> Self {
        let parameters = payload.object("parameters");
        // The SDK only asks whether something is there; a description is kept whole.
        Self {
            callsid: payload.present("callsid").map(|_| text(payload, "callsid").unwrap_or_default()),
            sdp: payload.present("sdp").map(|_| payload.whole_text("sdp").unwrap_or_default().to_owned()),
            parameters: parameters
                .names()
                .filter_map(|name| Some((name.to_owned(), text(parameters, name)?)))
                .take(INVITE_PARAMETERS_MAX)
                .collect(),
        }
    }

    fn to_json(&self) -> Value {
        object([
            ("callsid", self.callsid.clone().map(Value::from)),
            ("sdp", self.sdp.clone().map(Value::from)),
            ("parameters", Some(json!(self.parameters))),
        ])
    }
}

/// An object of those fields that are there.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    Value::Object(fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: [SdkProfile; 2] = [SdkProfile::V2, SdkProfile::V1];

    fn error(code: Option<u32>) -> Result<ServerFrame, Unreadable> {
        Ok(ServerFrame::Error(Trouble { code, ..Trouble::default() }))
    }

    #[test]
    fn frames_are_read_as_both_sdks_read_them() {
        let news = |frame| CallNews::of(frame, Some("CA1".to_owned()));
        let call = |frame| Ok(ServerFrame::Call(news(frame)));
        let answered = CallNews { sdp: Some("v=0".to_owned()), ..news(CallFrame::Answer) };
        let hung_up = |code| Ok(ServerFrame::Call(CallNews { error: Some(code), ..news(CallFrame::Hangup) }));
        let connected = Ok(ServerFrame::Connected(Welcome::default()));
        for (text, expected) in [
            ("\n", Ok(ServerFrame::Heartbeat)),
            ("\n\n", Err(Unreadable)),
            (r#"{"type":"ready"}"#, Ok(ServerFrame::Ready)),
            (r#" {"type":"ready","payload":"x"} "#, Ok(ServerFrame::Ready)),
            (r#"{"type":"offline","payload":{}}"#, Ok(ServerFrame::Offline)),
            (r#"{"type":"close","payload":7}"#, Ok(ServerFrame::Close)),
            (r#"{"type":"ready","type":"close"}"#, Ok(ServerFrame::Close)),
            (r#"{"type":"connected"}"#, connected.clone()),
            (r#"{"type":"connected","payload":[]}"#, connected.clone()),
            (r#"{"type":"connected","payload":{"token":5,"gateway":{},"edge":""}}"#, connected),
            (r#"{"type":"hangup","payload":{"callsid":"CA1"}}"#, call(CallFrame::Hangup)),
            (r#"{"type":"answer","payload":{"callsid":"CA1","sdp":"v=0"}}"#, Ok(ServerFrame::Call(answered))),
            (r#"{"type":"hangup","payload":{"callsid":"CA1","error":{"code":31486}}}"#, hung_up(Some(31486))),
            (r#"{"type":"hangup","payload":{"callsid":"CA1","error":"busy"}}"#, hung_up(None)),
            (r#"{"type":"roster","payload":{}}"#, Ok(ServerFrame::Unknown)),
            (r#"{"type":7}"#, Ok(ServerFrame::Unknown)),
            (r#"{}"#, Ok(ServerFrame::Unknown)),
            ("[1]", Ok(ServerFrame::Unknown)),
            (r#""ready""#, Ok(ServerFrame::Unknown)),
            ("null", Err(Unreadable)),
            (r#"{"type":"ready","payload":null}"#, Err(Unreadable)),
            (r#"{"type":"rea"#, Err(Unreadable)),
            (r#"{"type":"error","payload":{}}"#, Ok(ServerFrame::Unknown)),
            (r#"{"type":"error","payload":{"error":0}}"#, Ok(ServerFrame::Unknown)),
            (r#"{"type":"error","payload":{"error":"31204"}}"#, Err(Unreadable)),
            (r#"{"type":"error","payload":{"error":{}}}"#, error(None)),
            (r#"{"type":"error","payload":{"error":[31204]}}"#, error(None)),
            (r#"{"type":"error","payload":{"error":{"code":31204}}}"#, error(Some(31204))),
            (r#"{"type":"error","payload":{"error":{"code":31204.0}}}"#, error(Some(31204))),
            (r#"{"type":"error","payload":{"error":{"code":31204.5}}}"#, error(None)),
            (r#"{"type":"error","payload":{"error":{"code":-1}}}"#, error(None)),
            (r#"{"type":"error","payload":{"error":{"code":1e12}}}"#, error(None)),
        ] {
            for profile in BOTH {
                assert_eq!(ServerFrame::parse(text, profile), expected, "{profile:?} {text}");
            }
        }
    }

    #[test]
    fn the_sdks_differ_in_small_things() {
        for (text, v2, v1) in [
            ("", Err(Unreadable), Ok(ServerFrame::Unknown)),
            (r#"{"type":"error","payload":{"error":null}}"#, Err(Unreadable), Ok(ServerFrame::Unknown)),
            (r#"{"type":"error","payload":{"error":{"code":"31204"}}}"#, error(None), error(Some(31204))),
            (
                r#"{"type":"error","payload":{"error":{"code":31211},"voiceeventsid":"KX1"}}"#,
                Ok(ServerFrame::Unknown),
                error(Some(31211)),
            ),
            (
                r#"{"type":"connected","payload":{"region":5}}"#,
                Err(Unreadable),
                Ok(ServerFrame::Connected(Welcome::default())),
            ),
        ] {
            assert_eq!(ServerFrame::parse(text, SdkProfile::V2), v2, "{text}");
            assert_eq!(ServerFrame::parse(text, SdkProfile::V1), v1, "{text}");
        }
    }

    #[test]
    fn an_invite_is_whole_with_call_and_description() {
        for (payload, whole) in [
            (r#"{"callsid":"CA1","sdp":"v=0"}"#, true),
            (r#"{"callsid":1,"sdp":{}}"#, true),
            (r#"{"callsid":"CA1"}"#, false),
            (r#"{"callsid":"","sdp":"v=0"}"#, false),
        ] {
            let frame = ServerFrame::parse(&format!(r#"{{"type":"invite","payload":{payload}}}"#), SdkProfile::V2);
            let Ok(ServerFrame::Invite(invite)) = frame else { panic!("{payload}: {frame:?}") };
            assert_eq!(invite.is_whole(), whole, "{payload}");
        }
    }

    fn word() -> impl Strategy<Value = Option<String>> {
        prop::option::of("[ -~é]{1,20}")
    }

    fn frame() -> impl Strategy<Value = ServerFrame> {
        let welcome = (word(), word(), word(), word(), word(), prop::option::of(any::<u32>())).prop_map(
            |(region, edge, home, gateway, identity, ttl_s)| {
                ServerFrame::Connected(Welcome { region, edge, home, gateway, identity, ttl_s })
            },
        );
        let code = prop::option::of(1..=u32::MAX);
        let trouble = (code, word(), prop::option::of(any::<u32>()), word(), word(), word()).prop_map(
            |(code, message, retry_after_s, callsid, gateway, region)| {
                ServerFrame::Error(Trouble { code, message, retry_after_s, callsid, gateway, region })
            },
        );
        let parameters = prop::collection::btree_map("[A-Za-z]{1,9}", "[ -~]{1,20}", 0..5);
        let invite = (word(), word(), parameters)
            .prop_map(|(callsid, sdp, parameters)| ServerFrame::Invite(Invite { callsid, sdp, parameters }));
        let error = prop::option::of(prop::option::of(1..=u32::MAX));
        let call = (prop::sample::select(CallFrame::ALL.to_vec()), word(), word(), error)
            .prop_map(|(frame, callsid, sdp, error)| ServerFrame::Call(CallNews { frame, callsid, sdp, error }));
        let plain = prop::sample::select(vec![
            ServerFrame::Heartbeat,
            ServerFrame::Ready,
            ServerFrame::Offline,
            ServerFrame::Close,
            ServerFrame::Unknown,
        ]);
        prop_oneof![welcome, trouble, invite, call, plain]
    }

    proptest! {
        #[test]
        fn what_is_printed_can_be_read(frame in frame()) {
            for profile in BOTH {
                prop_assert_eq!(ServerFrame::parse(&frame.to_text(), profile), Ok(frame.clone()));
            }
        }

        #[test]
        fn any_text_can_be_read(text in any::<String>(), frame in frame(), end in 0_usize..200) {
            for profile in BOTH {
                let _ = ServerFrame::parse(&text, profile);
                let cut: String = frame.to_text().chars().take(end).collect();
                let _ = ServerFrame::parse(&cut, profile);
            }
        }
    }
}
