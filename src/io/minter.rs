//! Mints tokens. Holds the pods' keys for as long as one token takes, searches candidates on a
//! thread of its own, and remembers recent tokens, so that one that failed can be tried again.

mod memory;
mod workshop;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::model::{
    AttemptSpec, CallDirection, CellWeights, KeySlot, LocationName, LostReason, SignatureCells, TokenKind, TokenShape,
    TokenWish,
};
use crate::plan::{CallSettings, CallTarget, FarEnd, Pod, TokenSource};
use crate::token::{OwnNames, TokenText, shape_of};

use super::clock;
use super::not_done::NotDone;
use super::tls::Tls;
use super::token_endpoint::TokenEndpoints;

use memory::Memory;
use workshop::{Order, WantedName, Workshop};

/// A token, and what a fault could depend on.
#[derive(Clone)]
pub struct Minted {
    /// The token.
    pub text: TokenText,
    /// What it looks like.
    pub shape: TokenShape,
    /// Which kind.
    pub kind: TokenKind,
    /// Signed with which key.
    pub key: KeySlot,
    /// Length of the name in it; 0 where the token is not ours and we did not choose the name.
    pub name_length: u8,
    /// The name in it, where we chose it.
    pub identity: Option<String>,
    /// False if the name in it is not ours to register.
    pub register: bool,
}

/// Mints tokens, or fetches them.
pub struct Minter {
    workshop: Workshop,
    endpoints: TokenEndpoints,
    memory: Mutex<Memory>,
}

impl Minter {
    /// Starts the minter's thread. Ends with the minter.
    pub fn start(location: LocationName, tls: Arc<Tls>) -> std::io::Result<Self> {
        Ok(Self { workshop: Workshop::start(location)?, endpoints: TokenEndpoints::new(tls), memory: Mutex::default() })
    }

    /// The token that an attempt shall use, within `deadline`. `calls` is how its calls go, if its probe
    /// makes any.
    pub async fn mint(
        &self,
        spec: &AttemptSpec,
        pod: &Arc<Pod>,
        calls: Option<&CallSettings>,
        deadline: Duration,
    ) -> Result<Minted, NotDone> {
        let minted = match (spec.token, &pod.tokens) {
            (TokenWish::Same { of }, _) => {
                let known = self.memory().recall(of, clock::now());
                known.ok_or(NotDone::Lost(LostReason::TokenGone))?
            }
            (TokenWish::Fresh { key, .. }, TokenSource::Endpoint(endpoint)) => {
                let text = self.endpoints.fetch(endpoint, deadline).await?;
                let (shape, kind) = (shape_of(text.expose()), endpoint.kind);
                Minted { text, shape, kind, key, name_length: 0, identity: None, register: endpoint.test_agents }
            }
            (TokenWish::Fresh { kind, key, name_length, unlike, wanted }, TokenSource::Minted { ttl_s, .. }) => {
                let calls_out = spec.call.filter(|call| call.direction == CallDirection::Outbound);
                let calls_out = calls_out.map(|_| calls.map_or(FarEnd::Application, |calls| calls.far_end));
                let pod = Arc::clone(pod);
                let name = match (spec.call, calls.map(|calls| calls.to)) {
                    (Some(_), Some(CallTarget::Number)) => WantedName::OfNumber,
                    (Some(_), _) => WantedName::Number(OwnNames::number_of_call(spec.id)),
                    (None, _) => WantedName::InTurn,
                };
                let order = Order { pod, kind, key, name_length, unlike, wanted, ttl_s: *ttl_s, calls_out, name };
                self.workshop.mint(order, deadline).await?
            }
        };
        self.memory().remember(spec.id, minted.clone(), clock::now());
        Ok(minted)
    }

    /// The token of the client of ours that answers a call, of this kind and with this key: nothing of its
    /// text is wished for.
    pub async fn mint_for_far_client(
        &self,
        pod: &Arc<Pod>,
        (kind, key): (TokenKind, KeySlot),
        deadline: Duration,
    ) -> Result<Minted, NotDone> {
        let TokenSource::Minted { ttl_s, .. } = pod.tokens else { return Err(NotDone::Lost(LostReason::NotAllowed)) };
        let (unlike, wanted) = (SignatureCells::NONE, CellWeights::NONE);
        let (pod, name) = (Arc::clone(pod), WantedName::OfFarClient);
        let order = Order { pod, kind, key, name_length: 0, unlike, wanted, ttl_s, calls_out: None, name };
        self.workshop.mint(order, deadline).await
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
