//! Ends calls that were left behind at the partner: looks for them by the names that only we have,
//! and for nobody else's.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::calls::{CallSearch, StrayCall};
use crate::model::{CallDirection, RestRequest};
use crate::partner::twilio::{Account, ListedCall, Parties, REST_ANSWER_MAX, RestCall, listed_calls};
use crate::plan::{PartnerAccount, Plan, Pod, TokenSource};
use crate::token::OwnNames;

use super::clock;
use super::partner_rest::{RestClient, RestReply};
use super::resolver::Resolver;
use super::tls::Tls;

/// How long the API may take for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Between two requests: nobody waits for this, and the API is also the product's.
const PACE: Duration = Duration::from_millis(250);
/// How often one list is asked for: what was ended is no longer in the next one.
const LISTS_MAX: u32 = 4;
/// States in which a call is not over.
const UP: [&str; 3] = ["in-progress", "ringing", "queued"];

/// Ends calls that were left behind.
#[derive(Default)]
pub struct StrayCalls {
    tls: Arc<Tls>,
    resolver: Arc<Resolver>,
}

impl StrayCalls {
    /// Looks for these calls of a pod and ends those that are up. Returns when all were dealt with, or
    /// at the first trouble.
    pub async fn end(&self, plan: &Plan, pod: &Pod, calls: &[StrayCall]) -> CallSearch {
        let PartnerAccount::Twilio(account) = &pod.partner;
        let names_are_ours = matches!(pod.tokens, TokenSource::Minted { .. });
        if !names_are_ours || account.api_keys.is_empty() && account.auth_token.is_none() {
            return CallSearch::Never;
        }
        let mut ended = 0;
        for call in calls {
            let api = Api { account, call, client: self.client(account, call) };
            for parties in parties(plan, pod, call) {
                for status in UP {
                    match api.end_all(&parties, status).await {
                        Ok(more) => ended += more,
                        Err(search) => return search,
                    }
                }
            }
        }
        CallSearch::Ended(ended)
    }

    fn client(&self, account: &Account, call: &StrayCall) -> RestClient {
        let (tls, resolver) = (Arc::clone(&self.tls), Arc::clone(&self.resolver));
        RestClient::new(tls, resolver, account.clone(), call.edge.clone(), ANSWER_WITHIN)
    }
}

/// Between whom the legs of a call are: nobody else's call is between them.
fn parties(plan: &Plan, pod: &Pod, call: &StrayCall) -> Vec<Parties> {
    let names = OwnNames::new(&pod.name, &plan.node.location.name);
    let name = names.name(OwnNames::number_of_call(call.attempt), call.name_length);
    match call.direction {
        CallDirection::Outbound => vec![Parties::placed_by(&name)],
        CallDirection::Inbound if !call.over_number => vec![Parties::to_client(&name, None)],
        CallDirection::Inbound => number_parties(plan, pod, &names.of_phone_number()),
    }
}

/// The same of a call over the pod's phone number: the leg that we have ordered, first, since the
/// others end with it, then the one to the client. Where another pod has the same number the first
/// may be that one's, and is left alone: it has a time limit.
fn number_parties(plan: &Plan, pod: &Pod, name: &str) -> Vec<Parties> {
    let (Some(caller), Some(number)) = (&pod.calls.caller, &pod.calls.own_number) else { return Vec::new() };
    let has_it = |other: &&Arc<Pod>| other.calls.own_number.as_ref() == Some(number);
    let ordered = (plan.pods.iter().filter(has_it).count() == 1).then(|| Parties::between(caller, number));
    ordered.into_iter().chain([Parties::to_client(name, Some(caller))]).collect()
}

/// The API, for one call.
struct Api<'a> {
    account: &'a Account,
    call: &'a StrayCall,
    client: RestClient,
}

impl Api<'_> {
    /// Ends what is up between these in this state: how many calls. `Err` when that cannot be done now.
    async fn end_all(&self, parties: &Parties, status: &str) -> Result<u32, CallSearch> {
        let mut ended = 0;
        for _ in 0..LISTS_MAX {
            let found = self.list(parties, status).await?;
            if found.is_empty() {
                return Ok(ended);
            }
            for call in &found {
                let end = RestRequest::End { sid: call.sid.clone() };
                let reply = self.ask(&RestCall::of(self.account, &self.call.edge, "", &end)).await?;
                // One that has ended by itself meanwhile is refused; the next list tells.
                ended += u32::from(reply.status < 300);
            }
        }
        Err(CallSearch::Again(None))
    }

    async fn list(&self, parties: &Parties, status: &str) -> Result<Vec<ListedCall>, CallSearch> {
        let list = RestCall::list(self.account, &self.call.edge, parties, status);
        let reply = self.ask(&list).await?;
        let calls = listed_calls(&reply.body).filter(|_| reply.status < 300).ok_or(CallSearch::Again(None))?;
        // Whatever the API makes of the question: nobody else's call is ever touched.
        Ok(calls.into_iter().filter(|call| call.is_between(parties)).collect())
    }

    async fn ask(&self, call: &RestCall) -> Result<RestReply, CallSearch> {
        clock::sleep_until(clock::now().plus(PACE)).await;
        match self.client.send(call).await {
            // Whatever it refuses with, it may say how long to wait.
            Ok(RestReply { status: 401 | 403 | 429 | 500.., retry_after_s, .. }) => {
                Err(CallSearch::Again(retry_after_s.map(|seconds| Duration::from_secs(seconds.into()))))
            }
            Err(_) => Err(CallSearch::Again(None)),
            Ok(reply) => Ok(reply),
        }
    }
}

/// A page of a list is no larger than any other answer.
const _: () = assert!(RestCall::LISTED_MAX * 2048 <= REST_ANSWER_MAX);

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::model::{AttemptId, EdgeName, Timestamp};
    use crate::plan::read::{FileKind, SourceText, Sources, read_texts};

    const CALLER: &str = "+15005550006";
    const NUMBER: &str = "+15005551000";

    /// The calls that the API lists, whatever it is asked for: id, from, to, and whether it is up.
    type Calls = Arc<Mutex<Vec<(&'static str, &'static str, String, bool)>>>;

    /// An API that answers every list with all calls that are up, and ends whichever it is told to.
    async fn api(calls: &Calls) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let calls = Arc::clone(calls);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0; 8192];
                let read = stream.read(&mut head).await.expect("a request");
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                let body = {
                    let mut calls = calls.lock().expect("not poisoned");
                    if head.starts_with("POST") {
                        let ended = calls.iter_mut().find(|(sid, ..)| head.contains(&format!("/Calls/{sid}.json")));
                        ended.expect("it was listed").3 = false;
                    }
                    let up = calls.iter().filter(|(.., is_up)| *is_up);
                    let row = |(sid, from, to, _): &(_, _, _, _)| serde_json::json!({ "sid": sid, "from": from, "to": to, "status": "in-progress" });
                    serde_json::json!({ "sid": "CA0", "status": "completed", "calls": up.map(row).collect::<Vec<_>>() })
                };
                let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.expect("written");
            }
        });
        format!("http://{address}")
    }

    /// The example with these pods, all with the same numbers.
    fn plan(folder: &std::path::Path, rest: &str, pods: &[&str]) -> Plan {
        std::fs::write(folder.join("secret"), "sesame").expect("written");
        let file = |kind, path: String, text: String| SourceText { kind, path, text };
        let ringcheck = include_str!("../../config/ringcheck.toml").to_owned();
        let probe = "kind = \"connection\"\nschedule = \"0 * * * * *\"\n".to_owned();
        let mut files = vec![
            file(FileKind::Ringcheck, "config/ringcheck.toml".to_owned(), ringcheck),
            file(FileKind::Probe, "probes/connection.toml".to_owned(), probe),
        ];
        for (number, pod) in pods.iter().enumerate() {
            let text = format!(
                "name = \"{pod}\"\npublic_name = \"{pod}\"\n[partner]\nkind = \"twilio\"\naccount_sid = \"AC{number:032}\"\n\
                 edges = [\"ashburn\"]\nauth_token = {{ file = \"secret\" }}\nrest = \"{rest}\"\n[calls]\n\
                 allowed_numbers = [\"{NUMBER}\", \"{CALLER}\"]\nown_number = \"{NUMBER}\"\ncaller = \"{CALLER}\"\n"
            );
            files.push(file(FileKind::Pod, format!("config/pods/{pod}.toml"), text));
        }
        let sources = Sources { base: folder.to_owned(), files };
        read_texts(&sources).unwrap_or_else(|problems| panic!("{problems}")).plan
    }

    /// Which calls are ended when one over the number was left behind, and these pods have the number.
    async fn ended(pods: &[&str]) -> (CallSearch, Vec<&'static str>) {
        let client = "client:rc_pod_1_eu_west_number";
        let calls: Calls = Arc::new(Mutex::new(vec![
            ("CA1", CALLER, NUMBER.to_owned(), true),
            ("CA2", CALLER, client.to_owned(), true),
            // A customer has found the number; somebody calls from our caller; a client of another name.
            ("CA3", "+14155550100", NUMBER.to_owned(), true),
            ("CA4", "+14155550100", client.to_owned(), true),
            ("CA5", CALLER, "+14155550100".to_owned(), true),
            ("CA6", NUMBER, CALLER.to_owned(), true),
            ("CA7", CALLER, format!("{client}2"), true),
            ("CA8", CALLER, "client:rc_pod_1_eu_west_7".to_owned(), true),
        ]));
        let folder = tempfile::tempdir().expect("a folder");
        let plan = plan(folder.path(), &api(&calls).await, pods);
        let stray = StrayCall {
            attempt: AttemptId(7),
            direction: CallDirection::Inbound,
            name_length: 24,
            edge: EdgeName::parse("ashburn").expect("a name"),
            since: Timestamp::MIN,
            over_number: true,
        };
        let search = StrayCalls::default().end(&plan, &plan.pods[0], &[stray]).await;
        let ended = calls.lock().expect("not poisoned").iter().filter(|(.., up)| !up).map(|(sid, ..)| *sid).collect();
        (search, ended)
    }

    #[tokio::test]
    async fn of_calls_over_the_number_only_our_own_legs_are_ended() {
        assert_eq!(ended(&["pod-1"]).await, (CallSearch::Ended(2), vec!["CA1", "CA2"]));
        let shared = ended(&["pod-1", "pod-2"]).await;
        assert_eq!(shared, (CallSearch::Ended(1), vec!["CA2"]), "the number is another pod's too");
    }
}
