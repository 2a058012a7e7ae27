//! The calls of one open WebSocket, at the partner's side.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::{CallDirection, CallStatus, Origin, Timestamp};
use crate::partner::twilio::{CallFrame, CallNews, Invite, ServerFrame};
use crate::sim::call_fault::{CallFault, DeliveryFault, NumberFault};

use super::bridge::Across;
use super::leg::{Leg, LegOutput};
use super::note::Note;
use super::peer::{Peer, PeerOutput};
use super::rest_desk::{RestDesk, RingOrder};

/// Calls that one client can have at a time.
const LEGS_MAX: usize = 4;
/// What a carrier shows that does not show who calls.
const CHANGED_CALLER: &str = "+266696687";

/// The calls of one client, and the desk that knows all of the account's.
pub(super) struct PeerCalls {
    origin: Origin,
    began: Timestamp,
    desk: Arc<Mutex<RestDesk>>,
    legs: BTreeMap<u32, Leg>,
    next: u32,
}

impl std::fmt::Debug for PeerCalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeerCalls({} legs)", self.legs.len())
    }
}

impl PeerCalls {
    fn elapsed(&self, now: Timestamp) -> Duration {
        now.since(self.began)
    }

    fn desk(&self) -> MutexGuard<'_, RestDesk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leg_of(&mut self, callsid: &str) -> Option<&mut Leg> {
        self.legs.values_mut().find(|leg| leg.is(callsid))
    }

    fn wake(&self) -> Option<Timestamp> {
        let wake = self.legs.values().filter_map(Leg::wake).min()?;
        // Time is told in whole milliseconds: not before the moment itself.
        Some(
            self.began
                .plus(Duration::from_millis(u64::try_from(wake.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))),
        )
    }
}

impl Peer {
    /// The same peer, of a partner that makes calls. Media reckon from `origin`, which is `now`.
    pub fn with_calls(mut self, origin: Origin, now: Timestamp, desk: Arc<Mutex<RestDesk>>) -> Self {
        self.calls = Some(PeerCalls { origin, began: now, desk, legs: BTreeMap::new(), next: 0 });
        self
    }

    /// The name that is registered here, if one is.
    pub fn registered_as(&self) -> Option<&str> {
        self.token.as_ref().filter(|_| self.registered)?.identity.as_deref()
    }

    /// The client asks for a call.
    pub(super) fn invite(&mut self, now: Timestamp, temporary: String, offer: Option<String>) {
        let allowed = self.connected && self.token.as_ref().is_some_and(|token| token.outgoing.is_some());
        let fault = self.call_fault(CallDirection::Outbound);
        let Some(calls) = self.calls.as_mut().filter(|calls| calls.legs.len() < LEGS_MAX) else { return };
        if !allowed {
            let news = CallNews { error: Some(Some(31_201)), ..CallNews::of(CallFrame::Hangup, Some(temporary)) };
            self.note(Note::of("call not allowed").code(31_201));
            return self.send(&ServerFrame::Call(news));
        }
        let name = self.token.as_ref().and_then(|token| token.identity.as_deref()).unwrap_or("Anonymous");
        let sid = calls.desk().open(&format!("client:{name}"), "");
        calls.desk().set_status(&sid, CallStatus::Ringing);
        let (origin, at) = (calls.origin, calls.elapsed(now));
        calls.legs.insert(calls.next, Leg::outbound(sid, temporary, offer, fault, origin, at));
        calls.next += 1;
        self.drain_legs();
    }

    /// A call shall ring here.
    pub fn ring(&mut self, now: Timestamp, order: &RingOrder) {
        // A call that an application puts through is a part of the other client's, with whatever that meets.
        let fault = match order.bridged_to {
            None => self.call_fault(CallDirection::Inbound),
            Some(_) => self.call_fault(CallDirection::Outbound).filter(CallFault::outlives_client),
        };
        let account = self.token.as_ref().map(|token| token.account_sid.clone()).unwrap_or_default();
        let Some(calls) = self.calls.as_mut().filter(|calls| calls.legs.len() < LEGS_MAX) else { return };
        match fault {
            Some(CallFault::Delivery(DeliveryFault::StuckQueued)) => {
                return self.note(Note::of("call left in the queue"));
            }
            Some(CallFault::Delivery(DeliveryFault::NeverRings)) => {
                calls.desk().set_status(&order.sid, CallStatus::Ringing);
                return self.note(Note::of("call not delivered"));
            }
            Some(CallFault::Delivery(DeliveryFault::RingsElsewhere)) => {
                calls.desk().set_status(&order.sid, CallStatus::InProgress);
                return self.note(Note::of("call delivered elsewhere"));
            }
            Some(CallFault::Number(NumberFault::NotRouted)) if order.parent.is_some() => {
                calls.desk().set_status(&order.sid, CallStatus::Failed);
                return self.note(Note::of("number not found"));
            }
            Some(CallFault::Number(NumberFault::WebhookBroken)) if order.parent.is_some() => {
                calls.desk().set_status(&order.sid, CallStatus::Completed);
                return self.note(Note::of("number's webhook gave no TwiML"));
            }
            _ => {}
        }
        let from = match fault {
            Some(CallFault::Number(NumberFault::CallerChanged)) if order.parent.is_some() => CHANGED_CALLER,
            _ => order.from.as_str(),
        };
        calls.desk().set_status(&order.sid, CallStatus::Ringing);
        let parameters = [
            ("From", from),
            ("To", &format!("client:{}", order.identity)),
            ("CallSid", &order.sid),
            ("AccountSid", &account),
            ("ApiVersion", "2010-04-01"),
            ("Params", &order.params),
        ];
        let parameters = parameters.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let invite = Invite { callsid: Some(order.sid.clone()), sdp: None, parameters: BTreeMap::from(parameters) };
        let (origin, at) = (calls.origin, calls.elapsed(now));
        let leg = Leg::inbound(invite, fault, origin, at, order.ring).bridged_to(order.bridged_to.clone());
        calls.legs.insert(calls.next, leg);
        calls.next += 1;
        self.drain_legs();
    }

    /// Whoever ordered a call wants it over. False if it is none of this client's.
    pub fn end_call(&mut self, now: Timestamp, sid: &str) -> bool {
        self.with_leg(now, sid, |leg, at| {
            leg.ended(at);
            true
        })
    }

    /// A call that is bridged to one of this client's tells something.
    pub fn told_across(&mut self, now: Timestamp, across: &Across) {
        self.with_leg(now, &across.to, |leg, at| {
            leg.told_across(at, &across.news);
            true
        });
    }

    /// The application of a call has answered: if it rings a client it does so now.
    fn dial(&mut self, leg: u32, at: Duration) {
        let application = self.token.as_ref().and_then(|token| token.outgoing.clone()).unwrap_or_default();
        let name = self.token.as_ref().and_then(|token| token.identity.clone()).unwrap_or_default();
        let Some(calls) = &mut self.calls else { return };
        let Some(sid) = calls.legs.get(&leg).map(|leg| leg.sid.clone()) else { return };
        let Some(order) = calls.desk().dial(&application, &name, &sid) else { return };
        if let Some(leg) = calls.legs.get_mut(&leg) {
            leg.dials(at, order);
        }
        self.drain_legs();
    }

    /// A socket for a leg's media is open.
    pub fn media_open(&mut self, now: Timestamp, leg: u32, local: SocketAddr) {
        if let Some(calls) = &mut self.calls {
            let at = calls.elapsed(now);
            if let Some(leg) = calls.legs.get_mut(&leg) {
                leg.media_open(at, local);
            }
        }
        self.drain_legs();
    }

    /// A datagram came for a leg.
    pub fn datagram(&mut self, now: Timestamp, leg: u32, from: SocketAddr, bytes: &[u8]) {
        if let Some(calls) = &mut self.calls {
            let at = calls.elapsed(now);
            if let Some(leg) = calls.legs.get_mut(&leg) {
                leg.datagram(at, from, bytes);
            }
        }
        self.drain_legs();
    }

    pub(super) fn call_answered(&mut self, now: Timestamp, callsid: &str, description: Option<&str>) {
        self.with_leg(now, callsid, |leg, at| {
            leg.accepted(at, description);
            true
        });
    }

    pub(super) fn call_pressed(&mut self, now: Timestamp, callsid: &str, digits: &str) {
        self.with_leg(now, callsid, |leg, at| {
            leg.pressed(at, digits);
            true
        });
    }

    pub(super) fn call_reinvited(&mut self, now: Timestamp, callsid: &str, description: Option<&str>) {
        self.with_leg(now, callsid, |leg, at| {
            leg.reinvited(at, description);
            true
        });
    }

    pub(super) fn calls_timeout(&mut self, now: Timestamp) {
        if let Some(calls) = &mut self.calls {
            let at = calls.elapsed(now);
            calls.legs.values_mut().for_each(|leg| leg.timeout(at));
        }
        self.drain_legs();
    }

    pub(super) fn calls_wake(&self) -> Option<Timestamp> {
        self.calls.as_ref().and_then(PeerCalls::wake)
    }

    /// The client is gone: its calls end with it.
    pub(super) fn end_calls(&mut self, now: Timestamp) {
        if let Some(calls) = &mut self.calls {
            let at = calls.elapsed(now);
            calls.legs.values_mut().filter(|leg| !leg.outlives_client()).for_each(|leg| leg.ended(at));
        }
        self.drain_legs();
    }

    fn with_leg(&mut self, now: Timestamp, callsid: &str, work: impl FnOnce(&mut Leg, Duration) -> bool) -> bool {
        let Some(calls) = &mut self.calls else { return false };
        let at = calls.elapsed(now);
        let done = calls.leg_of(callsid).is_some_and(|leg| work(leg, at));
        self.drain_legs();
        done
    }

    fn call_fault(&self, direction: CallDirection) -> Option<CallFault> {
        self.faults.call(self.traits.as_ref()?, &self.place, direction)
    }

    fn drain_legs(&mut self) {
        let Some(calls) = &mut self.calls else { return };
        let mut said = Vec::new();
        for (number, leg) in &mut calls.legs {
            while let Some(output) = leg.poll() {
                said.push((*number, output));
            }
            let status = match (leg.is_over(), leg.is_answered()) {
                (false, false) => continue,
                (false, true) => CallStatus::InProgress,
                (true, true) => CallStatus::Completed,
                (true, false) => CallStatus::NoAnswer,
            };
            let mut desk = calls.desk.lock().unwrap_or_else(PoisonError::into_inner);
            desk.set_status(&leg.sid, leg.status_told(status));
        }
        calls.legs.retain(|_, leg| !leg.is_over());
        for (number, output) in said {
            self.leg_says(number, output);
        }
    }

    fn leg_says(&mut self, leg: u32, output: LegOutput) {
        match output {
            LegOutput::OpenMedia => self.outputs.push_back(PeerOutput::OpenMedia(leg)),
            LegOutput::Datagram(to, bytes) => self.outputs.push_back(PeerOutput::Datagram { leg, to, bytes }),
            LegOutput::Frame(frame) => self.send(&frame),
            LegOutput::Note(did, code) => self.note(Note { code, ..Note::of(did) }),
            LegOutput::Dial(at) => self.dial(leg, at),
            LegOutput::Ring(order) => self.outputs.push_back(PeerOutput::Ring(order)),
            LegOutput::Across(across) => self.outputs.push_back(PeerOutput::Across(across)),
            LegOutput::Drop => self.drop_tcp(),
            LegOutput::Over => self.outputs.push_back(PeerOutput::CloseMedia(leg)),
        }
    }
}
