//! Frames that the protocol does not have, or that do not concern the client.

use std::collections::BTreeMap;

use crate::partner::twilio::error_catalogue::name_of;
use crate::partner::twilio::{CallFrame, CallNews, Invite, ServerFrame, Trouble, Welcome};
use crate::sim::behaviour::Oddity;

use super::PeerOutput;

/// A call that is nobody's.
const FOREIGN_CALL: &str = "CA00000000000000000000000000000bad";

/// Gives the frames of an oddity to `send`, one by one.
pub(super) fn outputs(oddity: Oddity, mut send: impl FnMut(PeerOutput)) {
    match oddity {
        Oddity::TruncatedJson => {
            let mut text = ServerFrame::Connected(Welcome::default()).to_text();
            text.truncate(text.len() / 2);
            send(PeerOutput::Text(text));
        }
        Oddity::Null => send(PeerOutput::Text("null".to_owned())),
        Oddity::Array => send(PeerOutput::Text(r#"[{"type":"connected","payload":{}}]"#.to_owned())),
        Oddity::Text => send(PeerOutput::Text("Service temporarily unavailable".to_owned())),
        Oddity::UnknownTypes(frames) => {
            for number in 0..frames {
                send(PeerOutput::Text(format!(r#"{{"type":"weather-{number}","version":"1.6","payload":{{}}}}"#)));
            }
        }
        Oddity::Large(bytes) => send(PeerOutput::Text(large(bytes))),
        Oddity::Binary => send(PeerOutput::Binary(vec![0, 159, 146, 150])),
        Oddity::ErrorFrame(code) => send(error(code, None, None)),
        Oddity::ForeignHangup => send(PeerOutput::Text(
            ServerFrame::Call(CallNews::of(CallFrame::Hangup, Some(FOREIGN_CALL.to_owned()))).to_text(),
        )),
        Oddity::ForeignInvite => send(PeerOutput::Text(ServerFrame::Invite(foreign_invite()).to_text())),
    }
}

/// An `error` frame with the code's own name as its text.
pub(super) fn error(code: u32, retry_after_s: Option<u32>, gateway: Option<String>) -> PeerOutput {
    trouble(code, name_of(code), retry_after_s, gateway)
}

/// An `error` frame of this gateway.
pub(super) fn trouble(code: u32, message: &str, retry_after_s: Option<u32>, gateway: Option<String>) -> PeerOutput {
    let (code, message) = (Some(code), Some(message.to_owned()));
    let trouble = Trouble { code, message, retry_after_s, gateway, ..Trouble::default() };
    PeerOutput::Text(ServerFrame::Error(trouble).to_text())
}

/// A frame of exactly this many bytes, of an unknown type.
fn large(bytes: u32) -> String {
    const BEFORE: &str = r#"{"type":"filler","version":"1.6","payload":{"filler":""#;
    const AFTER: &str = r#""}}"#;
    let filler = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_sub(BEFORE.len() + AFTER.len());
    [BEFORE, &"x".repeat(filler), AFTER].concat()
}

fn foreign_invite() -> Invite {
    let parameters = [("From", "+15550100"), ("To", "client:somebody"), ("CallSid", FOREIGN_CALL)];
    Invite {
        callsid: Some(FOREIGN_CALL.to_owned()),
        sdp: Some(SDP.join("\r\n")),
        parameters: BTreeMap::from(parameters.map(|(key, value)| (key.to_owned(), value.to_owned()))),
    }
}

/// An offer that leads nowhere: its candidate is an address for documentation.
const SDP: [&str; 18] = [
    "v=0",
    "o=sim 1 1 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 0",
    "c=IN IP4 0.0.0.0",
    "a=rtcp-mux",
    "a=mid:0",
    "a=sendrecv",
    "a=ice-ufrag:simu",
    "a=ice-pwd:simulatedpasswordthatleads",
    "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F",
    "a=setup:actpass",
    "a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host",
    "a=rtpmap:0 PCMU/8000",
    "a=ssrc:1 cname:sim",
    "",
];
