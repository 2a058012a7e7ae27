//! The thread that signs: it reads a key, searches candidates, and forgets the key.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, oneshot};

use crate::model::{CellWeights, Fit, KeySlot, LocationName, LostReason, SignatureCells, TokenKind};
use crate::partner::twilio::{Account, MintRequest, SigningKey, mint_best};
use crate::plan::{FarEnd, PartnerAccount, Pod};
use crate::token::{CANDIDATES, NAMES, OwnNames, shape_of};

use super::super::not_done::NotDone;
use super::super::{clock, secrets};
use super::Minted;

/// Orders that may wait: more than the attempts that can be under way at once would be absurd.
const ORDERS_MAX: usize = 1024;

/// A token to be minted.
pub(super) struct Order {
    pub(super) pod: Arc<Pod>,
    pub(super) kind: TokenKind,
    pub(super) key: KeySlot,
    pub(super) name_length: u8,
    pub(super) unlike: SignatureCells,
    pub(super) wanted: CellWeights,
    pub(super) ttl_s: u32,
    /// The token must allow to call the application at which this answers.
    pub(super) calls_out: Option<FarEnd>,
    /// The name in it.
    pub(super) name: WantedName,
}

/// Which of our names a token shall have.
#[derive(Clone, Copy)]
pub(super) enum WantedName {
    /// The next one.
    InTurn,
    /// The one with this number.
    Number(u32),
    /// The one that the pod's phone number rings, whatever length was wished for.
    OfNumber,
    /// The one that the pod's second application rings, whatever length was wished for.
    OfFarClient,
}

type Answer = oneshot::Sender<Result<Minted, NotDone>>;

/// The way to the thread.
pub(super) struct Workshop {
    orders: mpsc::Sender<(Order, Answer)>,
}

impl Workshop {
    pub(super) fn start(location: LocationName) -> io::Result<Self> {
        let (orders, mut inbox) = mpsc::channel::<(Order, Answer)>(ORDERS_MAX);
        let mut bench = Bench::new(location);
        thread::Builder::new().name("minter".to_owned()).spawn(move || {
            while let Some((order, answer)) = inbox.blocking_recv() {
                // Nobody waits any more if the attempt has been given up.
                if !answer.is_closed() {
                    let candidates = candidates(inbox.len());
                    let minted = catch_unwind(AssertUnwindSafe(|| bench.mint(&order, candidates)));
                    answer.send(minted.unwrap_or(Err(NotDone::Lost(LostReason::Crash)))).ok();
                }
            }
        })?;
        Ok(Self { orders })
    }

    pub(super) async fn mint(&self, order: Order, deadline: Duration) -> Result<Minted, NotDone> {
        let (answer, answered) = oneshot::channel();
        // Whatever goes wrong here is our own: too slow, too many, or the thread is gone.
        self.orders.try_send((order, answer)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotDone::Lost(LostReason::QueueFull),
            mpsc::error::TrySendError::Closed(_) => NotDone::Lost(LostReason::Crash),
        })?;
        match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(minted)) => minted,
            Ok(Err(_)) => Err(NotDone::Lost(LostReason::Crash)),
            Err(_) => Err(NotDone::Lost(LostReason::QueueFull)),
        }
    }
}

/// How many candidates may be signed for an order behind which others wait. All wait for the same
/// deadline, and a token that fits less well is better than none.
fn candidates(waiting: usize) -> u32 {
    let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
    (CANDIDATES / waiting.saturating_add(1)).max(1)
}

/// What the thread has at hand.
struct Bench {
    location: LocationName,
    serial: u64,
}

impl Bench {
    fn new(location: LocationName) -> Self {
        // Begins elsewhere after each start, so that no token of before comes again.
        Self { location, serial: clock::now().as_millis().unsigned_abs() }
    }

    fn mint(&mut self, order: &Order, candidates: u32) -> Result<Minted, NotDone> {
        self.serial = self.serial.wrapping_add(1);
        let PartnerAccount::Twilio(account) = &order.pod.partner;
        let Key { sid, secret } = Key::read(account, order)?;
        let secret = secret.expose_secret().as_bytes();
        let key = match sid {
            Some(sid) => SigningKey::ApiKey { sid, secret },
            None => SigningKey::AuthToken { secret },
        };
        let names = OwnNames::new(&order.pod.name, &self.location);
        let in_turn = u32::try_from(self.serial % u64::from(NAMES)).unwrap_or(0);
        let identity = match order.name {
            WantedName::InTurn => names.name(in_turn, order.name_length),
            WantedName::Number(number) => names.name(number, order.name_length),
            WantedName::OfNumber => names.of_phone_number(),
            WantedName::OfFarClient => names.of_far_client(),
        };
        let request = MintRequest {
            account,
            key,
            identity: &identity,
            outgoing: match order.calls_out {
                Some(FarEnd::Application) => account.application_sid.as_deref(),
                Some(FarEnd::Client) => account.far_application_sid.as_deref(),
                None => order.pod.outgoing(order.kind),
            },
            now: clock::now(),
            ttl_s: order.ttl_s,
            serial: self.serial,
        };
        let fit = Fit::new(order.unlike, order.wanted);
        let candidates = if fit.tells() { candidates } else { 1 };
        let text = mint_best(&request, candidates, |shape| fit.score(shape.signature));
        let shape = shape_of(text.expose());
        let name_length = u8::try_from(identity.len()).unwrap_or(u8::MAX);
        Ok(Minted {
            text,
            shape,
            kind: order.kind,
            key: order.key,
            name_length,
            identity: Some(identity),
            register: true,
        })
    }
}

/// A key, read for one token.
struct Key<'a> {
    /// Of an API key; the account's auth token has none of its own.
    sid: Option<&'a str>,
    secret: SecretString,
}

impl<'a> Key<'a> {
    fn read(account: &'a Account, order: &Order) -> Result<Self, NotDone> {
        let unusable = NotDone::Lost(LostReason::Secret);
        let (sid, reference) = match order.kind {
            TokenKind::Access => {
                let key = account.api_keys.get(usize::from(order.key.0)).ok_or(unusable)?;
                (Some(key.sid.as_str()), &key.secret)
            }
            TokenKind::Capability => (None, account.auth_token.as_ref().ok_or(unusable)?),
        };
        let secret = secrets::read(reference).map_err(|error| {
            tracing::warn!(pod = %order.pod.name, kind = %order.kind, %error, "cannot mint");
            unusable
        })?;
        Ok(Self { sid, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_queue_takes_as_long_as_ten_orders_alone() {
        assert_eq!((candidates(0), candidates(1), candidates(usize::MAX)), (CANDIDATES, CANDIDATES / 2, 1));
        let queue: u32 = (0..ORDERS_MAX).map(candidates).sum();
        assert!(queue < 10 * CANDIDATES, "{queue}");
    }
}
