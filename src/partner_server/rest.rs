//! The REST API on the pod's listener: `/2010-04-01/Accounts/{AC}/Calls…` and `…/Tokens.json`.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::io::clock;
use crate::partner::twilio::form_fields;
use crate::sim::RestFault;
use crate::sim::twilio::{Note, RestReply, unauthorized};

use super::connection::{Client, Droppable};
use super::listener::{Delivery, Order, Pod};
use super::request::{Request, plain};

/// Largest form that is read, in bytes.
const FORM_MAX: usize = 16 * 1024;
/// How long a client may take to send its form, or to read the answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long an unanswered request is held at most.
const HOLD_MAX: Duration = Duration::from_secs(60);

/// What is asked for.
enum Wanted<'a> {
    /// STUN and TURN servers.
    Servers,
    /// A new call.
    Originate,
    /// A list of calls.
    List,
    /// A call's description.
    Call(&'a str),
    /// A call's end, or another change of it.
    Change(&'a str),
}

/// Answers a request of the REST API; false if it is none.
pub(super) async fn serve(client: &Client<'_>, stream: &mut impl Droppable, request: &Request) -> bool {
    let path = request.path().to_owned();
    let account = format!("/2010-04-01/Accounts/{}", client.pod.account_sid);
    let Some(wanted) = path.strip_prefix(&account).and_then(|rest| wanted(request.method(), rest)) else {
        return false;
    };
    let Some(form) = body(stream, request).await else { return true };
    let fault = client.faults.rest(&client.place);
    let reply = if allowed(client, request) {
        match wanted {
            Wanted::Servers => client.pod.desk().list_servers(fault),
            Wanted::Originate => originate(client.pod, &form, fault),
            Wanted::List => client.pod.desk().list(&form_fields(request.query()), &path, fault),
            Wanted::Call(sid) => client.pod.desk().look_up(sid, fault),
            Wanted::Change(sid) => {
                let reply = client.pod.desk().end(sid, &form_fields(&form), fault);
                if reply.status < 300 {
                    client.note(&Note::of("call ended by the API"));
                    for leg in client.pod.desk().legs_of(sid) {
                        client.pod.orders.send(Order::End(leg)).ok();
                    }
                }
                reply
            }
        }
    } else {
        unauthorized()
    };
    client.note(&Note::of("REST API asked").code(u32::from(reply.status)));
    answer(stream, reply).await;
    true
}

/// Takes an order for a call, and has it ring.
fn originate(pod: &Pod, form: &str, fault: Option<RestFault>) -> RestReply {
    let (reply, order) = pod.desk().originate(&form_fields(form), fault);
    if let Some(order) = order {
        // Fails without a client at all; the delivery then says by itself that nobody answered.
        pod.orders.send(Order::Ring(Arc::new(Delivery::of(order, pod)))).ok();
    }
    reply
}

fn wanted<'a>(method: &str, rest: &'a str) -> Option<Wanted<'a>> {
    if rest == "/Tokens.json" {
        return (method == "POST").then_some(Wanted::Servers);
    }
    let rest = rest.strip_prefix("/Calls")?;
    if rest == ".json" {
        return match method {
            "POST" => Some(Wanted::Originate),
            "GET" => Some(Wanted::List),
            _ => None,
        };
    }
    let sid = rest.strip_prefix('/')?.strip_suffix(".json")?;
    match method {
        "GET" => Some(Wanted::Call(sid)),
        "POST" => Some(Wanted::Change(sid)),
        _ => None,
    }
}

/// True if the request shows a key of the account.
fn allowed(client: &Client<'_>, request: &Request) -> bool {
    let Some(shown) = request.header("authorization").and_then(|value| value.strip_prefix("Basic ")) else {
        return false;
    };
    let Some(shown) = STANDARD.decode(shown).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else { return false };
    let keys = &client.pod.account;
    let api_keys = keys.api_keys.iter().map(|(sid, secret)| format!("{sid}:{}", secret.expose_secret()));
    let auth_token = keys.auth_token.iter().map(|token| format!("{}:{}", keys.account_sid, token.expose_secret()));
    api_keys.chain(auth_token).any(|known| known == shown)
}

/// The form that was posted; `None` if it does not come, or is too large.
async fn body(stream: &mut impl Droppable, request: &Request) -> Option<String> {
    let length = request.body_length();
    if length > FORM_MAX {
        return None;
    }
    let mut bytes = request.rest.clone();
    let read = async {
        while bytes.len() < length {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        Some(())
    };
    timeout(PATIENCE, read).await.ok()??;
    String::from_utf8(bytes).ok()
}

async fn answer(stream: &mut impl Droppable, reply: RestReply) {
    if !reply.comes {
        if reply.delay.is_zero() {
            drop(stream.tcp().set_zero_linger());
        } else {
            // The client gives up long before.
            drop(timeout(HOLD_MAX, stream.read(&mut [0; 16])).await);
        }
        return;
    }
    if !reply.delay.is_zero() {
        clock::sleep_until(clock::now().plus(reply.delay)).await;
    }
    let retry: Vec<_> = reply.retry_after_s.map(|s| ("Retry-After", s.to_string())).into_iter().collect();
    let text = plain(reply.status, &retry, &reply.body);
    if stream.write_all(text.as_bytes()).await.is_ok() && stream.shutdown().await.is_ok() {
        drop(timeout(PATIENCE, stream.read(&mut [0; 16])).await);
    }
}
