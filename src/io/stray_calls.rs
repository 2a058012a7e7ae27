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
            for (name, is_caller) in names(pod, location, call) {
                let api = Api { account, call, name, is_caller, client: self.client(account, call) };
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

/// The names of ours that a call's legs may be under at the partner, and whether it is the one that calls:
/// that of its device, and the fixed one that the pod rings by itself, if it does.
fn names(pod: &Pod, location: &LocationName, call: &StrayCall) -> Vec<(String, bool)> {
    let PartnerAccount::Twilio(account) = &pod.partner;
    let names = OwnNames::new(&pod.name, location);
    let is_caller = call.direction == CallDirection::Outbound;
    let own = names.name(OwnNames::number_of_call(call.attempt), call.name_length);
    let rung = match call.direction {
        CallDirection::Outbound => account.far_application_sid.as_ref().map(|_| names.of_far_client()),
        CallDirection::Inbound => pod.calls.own_number.as_ref().map(|_| names.of_phone_number()),
    };
    std::iter::once((own, is_caller)).chain(rung.map(|name| (name, false))).collect()
}

/// The API, for one call.
struct Api<'a> {
    account: &'a Account,
    call: &'a StrayCall,
    name: String,
    /// True if the name is that of who calls.
    is_caller: bool,
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
        let list = RestCall::list(self.account, &self.call.edge, self.is_caller, &self.name, status);
        let reply = self.ask(&list).await?;
        let calls = listed_calls(&reply.body).filter(|_| reply.status < 300).ok_or(CallSearch::Again(None))?;
        // Whatever the API makes of the question: nobody else's call is ever touched.
        Ok(calls.into_iter().filter(|call| call.is_of_client(&self.name, self.is_caller)).collect())
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
