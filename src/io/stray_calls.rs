//! Ends calls that were left behind at the partner: looks for them by the names that only we have,
//! and for nobody else's.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::calls::{CallSearch, StrayCall};
use crate::model::{CallDirection, LocationName, RestRequest};
use crate::partner::twilio::{Account, ListedCall, REST_ANSWER_MAX, RestCall, listed_calls};
use crate::plan::{PartnerAccount, Pod, TokenSource};
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
    pub async fn end(&self, pod: &Pod, location: &LocationName, calls: &[StrayCall]) -> CallSearch {
        let PartnerAccount::Twilio(account) = &pod.partner;
        let names_are_ours = matches!(pod.tokens, TokenSource::Minted { .. });
        if !names_are_ours || account.api_keys.is_empty() && account.auth_token.is_none() {
            return CallSearch::Never;
        }
        let mut ended = 0;
        for call in calls {
            for name in names(pod, location, call) {
                let api = Api { account, call, name, client: self.client(account, call) };
                for status in UP {
                    match api.end_all(status).await {
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

/// The names that the device of a call may have had. One to us may have come over the pod's number,
/// which rings a name of its own; no other call of ours is up while it is looked for this one.
fn names(pod: &Pod, location: &LocationName, call: &StrayCall) -> impl Iterator<Item = String> + use<> {
    let own = OwnNames::new(&pod.name, location);
    let of_call = own.name(OwnNames::number_of_call(call.attempt), call.name_length);
    let over_number = call.direction == CallDirection::Inbound && pod.calls.own_number.is_some();
    [Some(of_call), over_number.then(|| own.of_phone_number())].into_iter().flatten()
}

/// The API, for one call.
struct Api<'a> {
    account: &'a Account,
    call: &'a StrayCall,
    name: String,
    client: RestClient,
}

impl Api<'_> {
    /// Ends what is up under our name in this state: how many calls. `Err` when that cannot be done now.
    async fn end_all(&self, status: &str) -> Result<u32, CallSearch> {
        let mut ended = 0;
        for _ in 0..LISTS_MAX {
            let found = self.list(status).await?;
            if found.is_empty() {
                return Ok(ended);
            }
            for call in &found {
                let end = RestRequest::End { sid: call.sid.clone() };
                let reply = self.ask(&RestCall::of(self.account, &self.call.edge, &self.name, &end)).await?;
                // One that has ended by itself meanwhile is refused; the next list tells.
                ended += u32::from(reply.status < 300);
            }
        }
        Err(CallSearch::Again(None))
    }

    async fn list(&self, status: &str) -> Result<Vec<ListedCall>, CallSearch> {
        let is_caller = self.call.direction == CallDirection::Outbound;
        let list = RestCall::list(self.account, &self.call.edge, is_caller, &self.name, status);
        let reply = self.ask(&list).await?;
        let calls = listed_calls(&reply.body).filter(|_| reply.status < 300).ok_or(CallSearch::Again(None))?;
        // Whatever the API makes of the question: nobody else's call is ever touched.
        Ok(calls.into_iter().filter(|call| call.is_of_client(&self.name, is_caller)).collect())
    }

    async fn ask(&self, call: &RestCall) -> Result<RestReply, CallSearch> {
        clock::sleep_until(clock::now().plus(PACE)).await;
        match self.client.send(call).await {
            Ok(RestReply { status: 429 | 503, retry_after_s, .. }) => {
                Err(CallSearch::Again(retry_after_s.map(|seconds| Duration::from_secs(seconds.into()))))
            }
            Ok(RestReply { status: 401 | 403 | 500.., .. }) | Err(_) => Err(CallSearch::Again(None)),
            Ok(reply) => Ok(reply),
        }
    }
}

/// A page of a list is no larger than any other answer.
const _: () = assert!(RestCall::LISTED_MAX * 2048 <= REST_ANSWER_MAX);
