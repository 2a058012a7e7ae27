//! The partner's REST API without sockets: takes orders for calls, knows what became of them, and
//! says so, unless a fault garbles it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::model::CallStatus;
use crate::partner::twilio::client_address;
use crate::sim::call_fault::RestFault;

/// How long an application rings a client, as its TwiML says.
const DIAL_TIMEOUT: Duration = Duration::from_secs(45);

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
    /// Who calls, as the client is told.
    pub from: String,
    /// The call to a phone number that has led here, if one has.
    pub parent: Option<String>,
    /// The call of another client that is put through to this one, if it is.
    pub bridged_to: Option<String>,
}

/// What is known of the calls of one account.
#[derive(Debug, Default)]
pub struct RestDesk {
    made: u64,
    /// The account's phone numbers and applications that ring a client, and which one each rings.
    rings: BTreeMap<String, String>,
    calls: BTreeMap<u64, KnownCall>,
    /// STUN and TURN servers, as the API lists them.
    ice_servers: Vec<serde_json::Value>,
}

/// A call that the desk knows of.
#[derive(Debug)]
struct KnownCall {
    sid: String,
    from: String,
    to: String,
    parent: Option<String>,
    /// The call of another client for which an application has made this one.
    bridged_to: Option<String>,
    status: CallStatus,
}

impl RestDesk {
    /// A desk of an account that has these phone numbers and applications (by their SIDs), each with the
    /// client that it rings.
    pub fn that_rings(rings: BTreeMap<String, String>) -> Self {
        Self { rings, ..Self::default() }
    }

    /// An order to ring the client that this application rings, for the call of a client; nothing if it
    /// rings none.
    pub fn dial(&mut self, application: &str, caller: &str, bridged_to: &str) -> Option<RingOrder> {
        let identity = self.rings.get(application)?.clone();
        let from = client_address(caller);
        let sid = self.open(&from, &client_address(&identity));
        let (params, parent, bridged_to) = (String::new(), None, Some(bridged_to.to_owned()));
        if let Some(known) = self.calls.values_mut().find(|known| known.sid == sid) {
            known.bridged_to.clone_from(&bridged_to);
        }
        Some(RingOrder { sid, identity, params, ring: DIAL_TIMEOUT, from, parent, bridged_to })
    }

    /// A new call between these: its id.
    pub fn open(&mut self, from: &str, to: &str) -> String {
        self.made += 1;
        let sid = format!("CA{:032x}", self.made);
        let (from, to) = (from.to_owned(), to.to_owned());
        let status = CallStatus::Queued;
        let known = KnownCall { sid: sid.clone(), from, to, parent: None, bridged_to: None, status };
        self.calls.insert(self.made, known);
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
        let (Some(to), Some(from), Some(_)) = (field("To"), field("From"), field("Twiml").or(field("Url"))) else {
            return (
                reply(400, json!({ "code": 21_201, "message": "No 'To' number is specified", "status": 400 })),
                None,
            );
        };
        if matches!(fault, Some(RestFault::Garbage | RestFault::NoCall | RestFault::Empty)) {
            return (garbled(reply(201, json!({})), fault), None);
        }
        let seconds = field("Timeout").and_then(|text| text.parse().ok()).unwrap_or(60);
        let ring = Duration::from_secs(seconds);
        let Some(client) = to.strip_prefix("client:") else { return self.originate_to_number(to, from, ring, fault) };
        let (identity, params) = client.split_once('?').unwrap_or((client, ""));
        let sid = self.open(from, &format!("client:{identity}"));
        let order = RingOrder {
            sid: sid.clone(),
            identity: identity.to_owned(),
            params: params.to_owned(),
            ring,
            from: from.to_owned(),
            parent: None,
            bridged_to: None,
        };
        (garbled(self.call(&sid, 201), fault), Some(order))
    }

    /// A call to a number: if it is one of the account's, its own call to its client follows.
    fn originate_to_number(
        &mut self,
        to: &str,
        from: &str,
        ring: Duration,
        fault: Option<RestFault>,
    ) -> (RestReply, Option<RingOrder>) {
        let parent = self.open(from, to);
        let said = garbled(self.call(&parent, 201), fault);
        let Some(identity) = self.rings.get(to).cloned() else {
            self.set_status(&parent, CallStatus::Failed);
            return (said, None);
        };
        let sid = self.open(from, &format!("client:{identity}"));
        if let Some(child) = self.calls.values_mut().find(|known| known.sid == sid) {
            child.parent = Some(parent.clone());
        }
        let (from, params) = (from.to_owned(), String::new());
        let parent = Some(parent);
        (said, Some(RingOrder { sid, identity, params, ring, from, parent, bridged_to: None }))
    }

    /// Somebody asks for a call.
    pub fn look_up(&self, sid: &str, fault: Option<RestFault>) -> RestReply {
        refused(fault).unwrap_or_else(|| garbled(self.call(sid, 200), fault))
    }

    /// What is listed as STUN and TURN servers from now on. The simulator has none of its own.
    pub fn set_ice_servers(&mut self, servers: Vec<serde_json::Value>) {
        self.ice_servers = servers;
    }

    /// Somebody asks for STUN and TURN servers.
    pub fn list_servers(&self, fault: Option<RestFault>) -> RestReply {
        let list = json!({ "ttl": "86400", "ice_servers": self.ice_servers });
        refused(fault).unwrap_or_else(|| garbled(reply(201, list), fault))
    }

    /// The status of a call has changed.
    pub fn set_status(&mut self, sid: &str, status: CallStatus) {
        let Some(known) = self.calls.values_mut().find(|known| known.sid == sid) else { return };
        known.status = status;
        let is_over = !known.is_up();
        let waiting = |known: &&mut KnownCall| known.bridged_to.as_deref() == Some(sid) && !known.has_rung();
        self.calls.values_mut().filter(|_| is_over).filter(waiting).for_each(|known| {
            known.status = CallStatus::Canceled;
        });
        let Some(known) = self.known(sid) else { return };
        // What leads to a client is as that client's call is.
        if let Some(parent) = known.parent.clone() {
            self.set_status(&parent, status);
        }
    }

    /// A call and those that it has led to.
    pub fn legs_of(&self, sid: &str) -> Vec<String> {
        let is_leg = |known: &&KnownCall| known.sid == sid || known.parent.as_deref() == Some(sid);
        self.calls.values().filter(is_leg).map(|known| known.sid.clone()).collect()
    }

    /// The status of a call.
    pub fn status(&self, sid: &str) -> Option<CallStatus> {
        self.known(sid).map(|known| known.status)
    }

    /// Calls that are not over.
    pub fn under_way(&self) -> usize {
        self.calls.values().filter(|known| known.is_up()).count()
    }

    /// Somebody wants a call over, with this form (decoded). Whoever has it must be told as well.
    pub fn end(&mut self, sid: &str, form: &[(String, String)], fault: Option<RestFault>) -> RestReply {
        if let Some(refusal) = refused(fault) {
            return refusal;
        }
        let wanted = form.iter().find(|(key, _)| key == "Status").map(|(_, value)| value.as_str());
        let Some(known) = self.known(sid) else { return self.call(sid, 200) };
        let status = match (wanted, known.status) {
            (Some("completed" | "canceled"), CallStatus::Queued | CallStatus::Ringing) => CallStatus::Canceled,
            (Some("completed"), CallStatus::InProgress) => CallStatus::Completed,
            _ => {
                let message = "Call is not in-progress. Cannot redirect.";
                return reply(400, json!({ "code": 21_220, "message": message, "status": 400 }));
            }
        };
        // No leg goes on without the others, whether or not their client is still there to be told.
        for leg in self.legs_of(sid) {
            if self.known(&leg).is_some_and(KnownCall::is_up) {
                self.set_status(&leg, status);
            }
        }
        garbled(self.call(sid, 200), fault)
    }

    /// Somebody asks for the calls that meet all of this (`From`, `To`, `Status`), newest first, by pages
    /// (`PageSize`, `Page`). `path` is where the list is.
    pub fn list(&self, query: &[(String, String)], path: &str, fault: Option<RestFault>) -> RestReply {
        if let Some(refusal) = refused(fault) {
            return refusal;
        }
        let field = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let is = |wanted: Option<&str>, is: &str| wanted.is_none_or(|wanted| wanted == is);
        let number = |name: &str| field(name).and_then(|text| text.parse::<usize>().ok());
        let (size, page) = (number("PageSize").unwrap_or(50).clamp(1, 1000), number("Page").unwrap_or(0));
        let meets = |known: &&KnownCall| {
            is(field("From"), &known.from) && is(field("To"), &known.to) && is(field("Status"), known.status.as_str())
        };
        let mut found = self.calls.values().rev().filter(meets).skip(page.saturating_mul(size));
        let calls: Vec<_> = found.by_ref().take(size).map(KnownCall::described).collect();
        let next = found.next().map(|_| format!("{path}?PageSize={size}&Page={}", page + 1));
        let body = json!({ "page": page, "page_size": size, "calls": calls, "next_page_uri": next });
        garbled(reply(200, body), fault)
    }

    fn known(&self, sid: &str) -> Option<&KnownCall> {
        self.calls.values().find(|known| known.sid == sid)
    }

    fn call(&self, sid: &str, http: u16) -> RestReply {
        match self.known(sid) {
            Some(known) => reply(http, known.described()),
            None => {
                reply(404, json!({ "code": 20_404, "message": "The requested resource was not found", "status": 404 }))
            }
        }
    }
}

impl KnownCall {
    fn has_rung(&self) -> bool {
        self.status != CallStatus::Queued
    }

    fn is_up(&self) -> bool {
        matches!(self.status, CallStatus::Queued | CallStatus::Ringing | CallStatus::InProgress)
    }

    fn described(&self) -> serde_json::Value {
        let direction = if self.from.starts_with("client:") && self.to.is_empty() { "inbound" } else { "outbound-api" };
        let (sid, from, to, status) = (&self.sid, &self.from, &self.to, self.status.as_str());
        json!({ "sid": sid, "from": from, "to": to, "status": status, "direction": direction, "price": null })
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
