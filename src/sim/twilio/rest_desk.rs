//! The partner's REST API without sockets: takes orders for calls, knows what became of them, and
//! says so, unless a fault garbles it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::model::CallStatus;
use crate::sim::call_fault::RestFault;

/// Calls that are remembered; the oldest are forgotten.
const CALLS_MAX: usize = 1000;

/// What the API answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestReply {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds.
    pub retry_after_s: Option<u32>,
    /// The body.
    pub body: String,
    /// How much later it comes.
    pub delay: Duration,
    /// False if it never comes: the connection hangs, or (with no delay) is reset.
    pub comes: bool,
}

/// A call that shall ring.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RingOrder {
    /// The partner's id of it.
    pub sid: String,
    /// The name at which it shall ring.
    pub identity: String,
    /// What it carries along, form-encoded.
    pub params: String,
    /// How long it may ring.
    pub ring: Duration,
}

/// What is known of the calls of one account.
#[derive(Debug, Default)]
pub struct RestDesk {
    made: u64,
    calls: BTreeMap<u64, (String, CallStatus)>,
}

impl RestDesk {
    /// The id of the next call, by whomever it is made.
    pub fn next_sid(&mut self) -> String {
        self.made += 1;
        let sid = format!("CA{:032x}", self.made);
        self.calls.insert(self.made, (sid.clone(), CallStatus::Queued));
        if self.calls.len() > CALLS_MAX {
            self.calls.pop_first();
        }
        sid
    }

    /// Somebody orders a call with this form (decoded).
    pub fn originate(&mut self, form: &[(String, String)], fault: Option<RestFault>) -> (RestReply, Option<RingOrder>) {
        if let Some(refusal) = refused(fault) {
            return (refusal, None);
        }
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let to = field("To").and_then(|to| to.strip_prefix("client:"));
        let (Some(to), Some(_), Some(_)) = (to, field("From"), field("Twiml").or(field("Url"))) else {
            return (
                reply(400, json!({ "code": 21_201, "message": "No 'To' number is specified", "status": 400 })),
                None,
            );
        };
        if matches!(fault, Some(RestFault::Garbage | RestFault::NoCall | RestFault::Empty)) {
            return (garbled(reply(201, json!({})), fault), None);
        }
        let (identity, params) = to.split_once('?').unwrap_or((to, ""));
        let seconds = field("Timeout").and_then(|text| text.parse().ok()).unwrap_or(60);
        let sid = self.next_sid();
        let order = RingOrder {
            sid: sid.clone(),
            identity: identity.to_owned(),
            params: params.to_owned(),
            ring: Duration::from_secs(seconds),
        };
        (garbled(self.call(&sid, 201), fault), Some(order))
    }

    /// Somebody asks for a call.
    pub fn look_up(&self, sid: &str, fault: Option<RestFault>) -> RestReply {
        refused(fault).unwrap_or_else(|| garbled(self.call(sid, 200), fault))
    }

    /// The status of a call has changed.
    pub fn set_status(&mut self, sid: &str, status: CallStatus) {
        if let Some((_, known)) = self.calls.values_mut().find(|(known, _)| known == sid) {
            *known = status;
        }
    }

    /// The status of a call.
    pub fn status(&self, sid: &str) -> Option<CallStatus> {
        self.calls.values().find(|(known, _)| known == sid).map(|(_, status)| *status)
    }

    /// Calls that are not over.
    pub fn under_way(&self) -> usize {
        let is_up =
            |status: &CallStatus| matches!(status, CallStatus::Queued | CallStatus::Ringing | CallStatus::InProgress);
        self.calls.values().filter(|(_, status)| is_up(status)).count()
    }

    fn call(&self, sid: &str, http: u16) -> RestReply {
        match self.status(sid) {
            Some(status) => reply(
                http,
                json!({ "sid": sid, "status": status.as_str(), "direction": "outbound-api", "price": null }),
            ),
            None => {
                reply(404, json!({ "code": 20_404, "message": "The requested resource was not found", "status": 404 }))
            }
        }
    }
}

/// The answer to somebody who may not ask.
pub fn unauthorized() -> RestReply {
    reply(401, json!({ "code": 20_003, "message": "Authenticate", "status": 401 }))
}

fn reply(status: u16, body: serde_json::Value) -> RestReply {
    RestReply { status, retry_after_s: None, body: body.to_string(), delay: Duration::ZERO, comes: true }
}

/// The answer of an API that does nothing, if the fault is of that sort.
fn refused(fault: Option<RestFault>) -> Option<RestReply> {
    match fault? {
        RestFault::Status { status, retry_after_s } => {
            let code = if status == 429 { 20_429 } else { u32::from(status) };
            Some(RestReply { retry_after_s, ..reply(status, json!({ "code": code, "status": status })) })
        }
        RestFault::Hang => Some(RestReply { comes: false, delay: Duration::MAX, ..reply(200, json!({})) }),
        RestFault::Reset => Some(RestReply { comes: false, ..reply(200, json!({})) }),
        RestFault::Late(_) | RestFault::Garbage | RestFault::NoCall | RestFault::Empty => None,
    }
}

/// The answer as a fault garbles it on its way.
fn garbled(reply: RestReply, fault: Option<RestFault>) -> RestReply {
    match fault {
        Some(RestFault::Late(delay)) => RestReply { delay, ..reply },
        Some(RestFault::Garbage) => RestReply { body: "<html>It works!</html>".to_owned(), ..reply },
        Some(RestFault::NoCall) => RestReply { body: r#"{"calls":[]}"#.to_owned(), ..reply },
        Some(RestFault::Empty) => RestReply { body: String::new(), ..reply },
        _ => reply,
    }
}
