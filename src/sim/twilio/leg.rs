//! The partner's side of one test call: its media, its far end, and what is said of it on the
//! signalling.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use crate::call::{Media, MediaEvent, MediaOutput, MediaSettings, preferred_codec};
use crate::model::{CallStatus, Codec, Origin};
use crate::partner::twilio::{CallFrame, CallNews, Invite, ServerFrame, Trouble};
use crate::sim::call_fault::{CallFault, DeliveryFault, FarFault, MidCallFault, NumberFault, PathFault, SetUpFault};

use super::bridge::{Across, AcrossNews, Bridge};
use super::description::spoilt;
use super::far_end::FarEnd;
use super::rest_desk::RingOrder;

/// What stands for a call that is not this client's.
const FOREIGN_CALL: &str = "CA00000000000000000000000000000bad";

/// What a leg wants done.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum LegOutput {
    /// Open a socket for its media.
    OpenMedia,
    /// Send this datagram on it.
    Datagram(SocketAddr, Vec<u8>),
    /// Send this frame.
    Frame(ServerFrame),
    /// Something for the ground truth, with a code.
    Note(&'static str, Option<u32>),
    /// The application has answered: if it rings a client it does so at this moment.
    Dial(Duration),
    /// Ring this client.
    Ring(Box<RingOrder>),
    /// Something for the leg that this one is bridged to.
    Across(Across),
    /// Drop TCP.
    Drop,
    /// The call is over: close its socket.
    Over,
}

/// The partner's side of one call.
pub(super) struct Leg {
    /// The partner's id of the call.
    pub(super) sid: String,
    /// The client's own id of a call that it asked for.
    pub(super) temporary: Option<String>,
    origin: Origin,
    fault: Option<CallFault>,
    /// The client's offer, of a call that it asked for.
    offer: Option<String>,
    /// What the invite says, of a call to the client.
    invite: Invite,
    local: Option<SocketAddr>,
    media: Option<Media>,
    far_end: Option<FarEnd>,
    /// To another client's call, in place of an echo.
    bridge: Option<Bridge>,
    /// When another client is rung, and which.
    dial_at: Option<(Duration, Box<RingOrder>)>,
    agreed: Option<Duration>,
    ring_at: Option<Duration>,
    answer_at: Option<Duration>,
    /// A call that nobody picks up, or that lasts too long, ends by itself.
    end_at: Duration,
    answered: bool,
    /// What the fault of the middle of the call still has to do.
    mid_call: Option<MidCallFault>,
    over: bool,
    outputs: VecDeque<LegOutput>,
}

/// How long a call rings at most, unless the order says otherwise.
pub(super) const RING_MAX: Duration = Duration::from_secs(30);
/// How long a call lasts at most, unless the order says otherwise.
pub(super) const CALL_MAX: Duration = Duration::from_secs(600);

impl Leg {
    /// A call that the client asked for with this offer.
    pub(super) fn outbound(
        sid: String,
        temporary: String,
        offer: Option<String>,
        fault: Option<CallFault>,
        origin: Origin,
        now: Duration,
    ) -> Self {
        let mut leg = Self::new(sid, fault, origin, now + RING_MAX);
        leg.temporary = Some(temporary);
        leg.offer = offer;
        leg.set_up(now);
        leg
    }

    /// A call that shall ring at the client.
    pub(super) fn inbound(
        invite: Invite,
        fault: Option<CallFault>,
        origin: Origin,
        now: Duration,
        ring: Duration,
    ) -> Self {
        let sid = invite.callsid.clone().unwrap_or_default();
        let mut leg = Self::new(sid, fault, origin, now + ring);
        leg.invite = invite;
        let late = match fault {
            Some(CallFault::Delivery(DeliveryFault::RingsLate(by)) | CallFault::Number(NumberFault::Slow(by))) => by,
            _ => Duration::ZERO,
        };
        leg.end_at += late;
        leg.ring_at = Some(now + late);
        if late.is_zero() {
            leg.timeout(now);
        }
        leg
    }

    fn new(sid: String, fault: Option<CallFault>, origin: Origin, end_at: Duration) -> Self {
        let mid_call = match fault {
            Some(CallFault::MidCall(fault)) => Some(fault),
            _ => None,
        };
        Self {
            sid,
            temporary: None,
            origin,
            fault,
            offer: None,
            invite: Invite::default(),
            local: None,
            media: None,
            far_end: None,
            bridge: None,
            dial_at: None,
            agreed: None,
            ring_at: None,
            answer_at: None,
            end_at,
            answered: false,
            mid_call,
            over: false,
            outputs: VecDeque::new(),
        }
    }

    /// The same, bridged to the call of another client, if that has led to this one.
    pub(super) fn bridged_to(self, other: Option<String>) -> Self {
        Self { bridge: other.map(Bridge::to), ..self }
    }

    /// The application rings this client: at once, unless a fault says otherwise.
    pub(super) fn dials(&mut self, now: Duration, order: RingOrder) {
        self.bridge = Some(Bridge::to(order.sid.clone()));
        match self.far_fault() {
            Some(FarFault::NeverRings) => self.note("other client not rung", None),
            Some(FarFault::NobodyThere(after)) => {
                self.note("other client not found", None);
                self.end_at = now + after;
            }
            Some(FarFault::RingsLate(by)) => self.dial_at = Some((now + by, Box::new(order))),
            Some(FarFault::NotConnected) | None => self.say(LegOutput::Ring(Box::new(order))),
        }
    }

    const fn far_fault(&self) -> Option<FarFault> {
        match self.fault {
            Some(CallFault::Far(fault)) => Some(fault),
            _ => None,
        }
    }

    /// The leg that this one is bridged to tells something.
    pub(super) fn told_across(&mut self, now: Duration, news: &AcrossNews) {
        match news {
            AcrossNews::Connected if self.far_fault() == Some(FarFault::NotConnected) => {}
            AcrossNews::Connected => {
                self.bridge.iter_mut().for_each(|bridge| bridge.connected = true);
                self.far_end.iter_mut().for_each(FarEnd::connect);
            }
            AcrossNews::Audio(payload) => {
                self.far_end.iter_mut().for_each(|far_end| far_end.carry(now, payload));
                self.speak(now);
                self.drain(now);
            }
            AcrossNews::Over => {
                self.bridge = None;
                self.time_is_up(now);
            }
        }
    }

    /// True if a frame with this id is about it.
    pub(super) fn is(&self, callsid: &str) -> bool {
        self.sid == callsid || self.temporary.as_deref() == Some(callsid)
    }

    /// True once it was answered.
    pub(super) fn is_answered(&self) -> bool {
        self.answered
    }

    /// True if it stays up when the client is gone.
    pub(super) fn outlives_client(&self) -> bool {
        self.fault.as_ref().is_some_and(CallFault::outlives_client)
    }

    /// The status that the API tells of it.
    pub(super) fn status_told(&self, status: CallStatus) -> CallStatus {
        match self.fault {
            Some(CallFault::Delivery(DeliveryFault::StatusLies)) => CallStatus::NoAnswer,
            _ => status,
        }
    }

    /// The next thing to do; `None` when drained.
    pub(super) fn poll(&mut self) -> Option<LegOutput> {
        self.outputs.pop_front()
    }

    /// True once nothing more will come of it.
    pub(super) fn is_over(&self) -> bool {
        self.over && self.outputs.is_empty()
    }

    /// When [`Leg::timeout`] wants to come.
    pub(super) fn wake(&self) -> Option<Duration> {
        if self.over {
            return None;
        }
        let media = self.media.as_ref().and_then(Media::wake);
        let far_end = self.far_end.as_ref().and_then(FarEnd::wake);
        let dial = self.dial_at.as_ref().map(|(at, _)| *at);
        [self.ring_at, self.answer_at, dial, self.mid_call_at(), media, far_end, Some(self.end_at)]
            .into_iter()
            .flatten()
            .min()
    }

    // ---- set-up --------------------------------------------------------------------------

    fn set_up(&mut self, now: Duration) {
        match self.fault {
            Some(CallFault::SetUp(SetUpFault::Ignored)) => self.note("invite ignored", None),
            Some(CallFault::SetUp(SetUpFault::Dropped)) => self.say(LegOutput::Drop),
            Some(CallFault::SetUp(SetUpFault::Refused(code))) => self.refuse(code),
            Some(CallFault::SetUp(SetUpFault::ErrorFrame(code))) => {
                self.note("call refused with an error frame", Some(code));
                let trouble = Trouble { code: Some(code), callsid: self.temporary.clone(), ..Trouble::default() };
                self.frame(ServerFrame::Error(trouble));
            }
            Some(CallFault::SetUp(SetUpFault::RingingLate(by))) => self.ring_at = Some(now + by),
            Some(CallFault::SetUp(SetUpFault::NoRinging)) => self.say(LegOutput::OpenMedia),
            _ => self.ring(now),
        }
    }

    fn ring(&mut self, now: Duration) {
        self.ring_at = None;
        if self.temporary.is_none() {
            return self.say(LegOutput::OpenMedia);
        }
        self.frame(ServerFrame::Call(self.news(CallFrame::Ringing)));
        match self.fault {
            Some(CallFault::SetUp(SetUpFault::NoAnswer)) => self.note("never answered", None),
            Some(CallFault::SetUp(SetUpFault::RefusedRinging(code))) => self.hang_up(Some(code), "call refused"),
            Some(CallFault::SetUp(SetUpFault::HungUpRinging)) => self.hang_up(None, "hung up"),
            Some(CallFault::SetUp(SetUpFault::AnswerLate(by))) => self.answer_at = Some(now + by),
            _ => self.say(LegOutput::OpenMedia),
        }
    }

    /// The socket for media is open: answers the client's offer, or rings with an offer.
    pub(super) fn media_open(&mut self, now: Duration, local: SocketAddr) {
        if self.over || self.local.is_some() {
            return;
        }
        self.local = Some(local);
        // Like the partner: one codec answers an offer, the first of it that is known; and a call to
        // the client may be taken in either.
        let codecs = match &self.offer {
            Some(offer) => preferred_codec(offer).unwrap_or(Codec::Pcmu).alone(),
            None => &Codec::ALL,
        };
        let settings = MediaSettings { codecs, local, host: true, origin: self.origin };
        let mut media = Media::new(settings, now);
        let description = match &self.offer {
            Some(offer) => match media.take_offer(now, offer) {
                Ok(answer) => answer,
                Err(_) => return self.hang_up(Some(53_403), "offer refused"),
            },
            None => media.offer(),
        };
        self.media = Some(media);
        let description = spoilt(description, self.fault);
        if self.temporary.is_some() {
            self.answered = true;
            self.end_at = now + CALL_MAX;
            let sdp =
                Some(description).filter(|_| !matches!(self.fault, Some(CallFault::SetUp(SetUpFault::AnswerEmpty))));
            self.note("call answered", None);
            self.say(LegOutput::Dial(now));
            self.frame(ServerFrame::Call(CallNews { sdp, ..self.news(CallFrame::Answer) }));
        } else {
            self.invite(now, description);
        }
        self.drain(now);
    }

    fn invite(&mut self, now: Duration, description: String) {
        let empty = matches!(self.fault, Some(CallFault::Delivery(DeliveryFault::InviteEmpty)));
        let sdp = Some(description).filter(|_| !empty);
        self.note("rung", None);
        let invite = Invite { sdp, ..self.invite.clone() };
        self.frame(ServerFrame::Invite(invite.clone()));
        match self.fault {
            Some(CallFault::Delivery(DeliveryFault::RingsTwice)) => self.frame(ServerFrame::Invite(invite)),
            Some(CallFault::Delivery(DeliveryFault::Cancelled(after))) => self.end_at = now + after,
            _ => {}
        }
    }

    /// The client accepts.
    pub(super) fn accepted(&mut self, now: Duration, description: Option<&str>) {
        if self.answered || self.over {
            return;
        }
        self.answered = true;
        self.end_at = now + CALL_MAX;
        if matches!(self.fault, Some(CallFault::Delivery(DeliveryFault::HungUpAnswered))) {
            return self.hang_up(None, "hung up when answered");
        }
        let taken = self.media.as_mut().zip(description).map(|(media, sdp)| media.take_answer(now, sdp));
        if !matches!(taken, Some(Ok(()))) {
            return self.hang_up(Some(53_403), "answer refused");
        }
        self.note("call accepted", None);
        self.drain(now);
    }

    /// The client has pressed digits, and says so here and not beside its audio.
    pub(super) fn pressed(&mut self, now: Duration, digits: &str) {
        if let Some(far_end) = &mut self.far_end {
            digits.chars().filter(|digit| *digit != 'w').for_each(|digit| far_end.take_digit(now, digit));
        }
    }

    /// The client has a new description after its path was lost.
    pub(super) fn reinvited(&mut self, now: Duration, description: Option<&str>) {
        let answer = self.media.as_mut().zip(description).map(|(media, sdp)| media.take_offer(now, sdp));
        if let Some(Ok(sdp)) = answer {
            self.frame(ServerFrame::Call(CallNews { sdp: Some(sdp), ..self.news(CallFrame::Answer) }));
        }
        self.drain(now);
    }

    /// The client, or whoever ordered the call, ends it.
    pub(super) fn ended(&mut self, now: Duration) {
        self.note("call ended", None);
        self.finish(now);
    }

    // ---- media ---------------------------------------------------------------------------

    /// A datagram came.
    pub(super) fn datagram(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        if self.is_deaf_to(bytes, now) {
            return;
        }
        if let Some(media) = &mut self.media {
            media.datagram(now, from, bytes);
        }
        self.drain(now);
    }

    /// Time has come to [`Leg::wake`].
    pub(super) fn timeout(&mut self, now: Duration) {
        if self.over {
            return;
        }
        if self.ring_at.is_some_and(|at| at <= now) {
            self.ring(now);
        }
        if self.answer_at.take_if(|at| *at <= now).is_some() {
            self.say(LegOutput::OpenMedia);
        }
        if let Some((_, order)) = self.dial_at.take_if(|(at, _)| *at <= now) {
            self.say(LegOutput::Ring(order));
        }
        if self.mid_call_at().is_some_and(|at| at <= now) {
            self.interfere(now);
        }
        self.speak(now);
        if let Some(media) = &mut self.media
            && media.wake().is_some_and(|wake| wake <= now)
        {
            media.timeout(now);
        }
        self.drain(now);
        if self.end_at <= now && !self.over {
            self.time_is_up(now);
        }
    }

    fn speak(&mut self, now: Duration) {
        if let (Some(far_end), Some(media)) = (&mut self.far_end, &mut self.media) {
            for (number, payload) in far_end.due(now) {
                media.send(now, number, &payload);
            }
        }
    }

    fn time_is_up(&mut self, now: Duration) {
        if self.over {
            return;
        }
        let frame = match (&self.temporary, self.answered) {
            (None, false) => CallFrame::Cancel,
            _ => CallFrame::Hangup,
        };
        self.note("time is up", None);
        self.frame(ServerFrame::Call(self.news(frame)));
        self.finish(now);
    }

    fn drain(&mut self, now: Duration) {
        while let Some(output) = self.media.as_mut().and_then(Media::poll) {
            match output {
                MediaOutput::Transmit { to, bytes, .. } if !self.is_mute(&bytes, now) => {
                    let garbage =
                        matches!(self.fault, Some(CallFault::Path(PathFault::KeysGarbage))) && is_keys(&bytes);
                    let bytes = if garbage { vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 255] } else { bytes };
                    self.say(LegOutput::Datagram(to, bytes));
                }
                MediaOutput::Transmit { .. } => {}
                MediaOutput::Event(MediaEvent::KeysAgreed) if self.far_end.is_none() => {
                    self.agreed = Some(now);
                    let sound = match self.fault {
                        Some(CallFault::Sound(fault)) => Some(fault),
                        _ => None,
                    };
                    let spoken = self.media.as_ref().and_then(Media::spoken);
                    self.far_end = spoken.map(|spoken| FarEnd::new(spoken, sound, now));
                    self.reach_across();
                }
                MediaOutput::Event(MediaEvent::Packet(packet)) => {
                    if let Some(far_end) = &mut self.far_end {
                        far_end.hear(now, &packet);
                    }
                    let passed = self.far_end.as_ref().and_then(|far_end| far_end.pass_on(&packet));
                    if let (Some(payload), Some(bridge)) = (passed, &self.bridge) {
                        let across = bridge.across(AcrossNews::Audio(payload.into()));
                        self.say(LegOutput::Across(across));
                    }
                }
                MediaOutput::Event(_) => {}
            }
        }
    }

    /// Our media are ready: if this is a leg of a bridge the other one may know.
    fn reach_across(&mut self) {
        let Some(bridge) = &self.bridge else { return };
        // Who has dialled hears a tone until the other leg is there; that one never does.
        let connected = bridge.connected || self.temporary.is_none();
        let across = bridge.across(AcrossNews::Connected);
        self.far_end = self.far_end.take().map(|far_end| far_end.bridged(connected));
        self.say(LegOutput::Across(across));
    }

    /// Nothing more comes of it; the leg that it is bridged to ends as well.
    fn end(&mut self) {
        self.over = true;
        if let Some(bridge) = self.bridge.take() {
            self.say(LegOutput::Across(bridge.across(AcrossNews::Over)));
        }
        self.say(LegOutput::Over);
    }

    /// True if the fault makes us not hear such a datagram.
    fn is_deaf_to(&self, bytes: &[u8], now: Duration) -> bool {
        match self.fault {
            Some(CallFault::Path(PathFault::ChecksUnanswered)) => is_check(bytes),
            Some(CallFault::Path(PathFault::ChecksLate(by))) => {
                // Until then as if they had been lost; the client asks again and again.
                let first = self.agreed.is_none() && now < self.end_at.saturating_sub(CALL_MAX) + by;
                is_check(bytes) && first
            }
            Some(CallFault::Path(PathFault::KeysUnanswered)) => is_keys(bytes),
            Some(CallFault::Path(PathFault::StopsAfter(after))) => self.agreed.is_some_and(|at| now >= at + after),
            _ => false,
        }
    }

    /// True if the fault makes us not send such a datagram.
    fn is_mute(&self, bytes: &[u8], now: Duration) -> bool {
        match self.fault {
            Some(CallFault::Path(PathFault::KeysUnanswered)) => is_keys(bytes),
            _ => self.is_deaf_to(bytes, now),
        }
    }

    // ---- the middle of the call ----------------------------------------------------------

    fn mid_call_at(&self) -> Option<Duration> {
        let (MidCallFault::Cut(age)
        | MidCallFault::CutWith(age, _)
        | MidCallFault::Dropped(age)
        | MidCallFault::ErrorFrame(age, _)
        | MidCallFault::ForeignHangup(age)) = self.mid_call?;
        self.agreed.map(|at| at + age)
    }

    fn interfere(&mut self, now: Duration) {
        match self.mid_call.take() {
            Some(MidCallFault::Cut(_)) => self.hang_up(None, "call cut"),
            Some(MidCallFault::CutWith(_, code)) => self.hang_up(Some(code), "call cut"),
            Some(MidCallFault::Dropped(_)) => {
                self.say(LegOutput::Drop);
                self.finish(now);
            }
            Some(MidCallFault::ErrorFrame(_, code)) => {
                self.note("error frame in the call", Some(code));
                self.frame(ServerFrame::Error(Trouble { code: Some(code), ..Trouble::default() }));
            }
            Some(MidCallFault::ForeignHangup(_)) => {
                self.note("hung up another call", None);
                self.frame(ServerFrame::Call(CallNews::of(CallFrame::Hangup, Some(FOREIGN_CALL.to_owned()))));
            }
            None => {}
        }
    }

    // ---- inside --------------------------------------------------------------------------

    /// Refuses a call of which the client knows only its own id.
    fn refuse(&mut self, code: u32) {
        self.note("call refused", Some(code));
        let callsid = self.temporary.clone();
        let news = CallNews { error: Some(Some(code)), ..CallNews::of(CallFrame::Hangup, callsid) };
        self.frame(ServerFrame::Call(news));
        self.end();
    }

    fn hang_up(&mut self, code: Option<u32>, did: &'static str) {
        self.note(did, code);
        let error = code.map(Some);
        self.frame(ServerFrame::Call(CallNews { error, ..self.news(CallFrame::Hangup) }));
        self.end();
    }

    fn finish(&mut self, now: Duration) {
        if self.over {
            return;
        }
        self.over = true;
        if let Some(media) = &mut self.media {
            media.close(now);
        }
        self.drain(now);
        self.end();
    }

    fn news(&self, frame: CallFrame) -> CallNews {
        CallNews::of(frame, Some(self.sid.clone()))
    }

    fn frame(&mut self, frame: ServerFrame) {
        self.say(LegOutput::Frame(frame));
    }

    fn note(&mut self, did: &'static str, code: Option<u32>) {
        self.say(LegOutput::Note(did, code));
    }

    fn say(&mut self, output: LegOutput) {
        self.outputs.push_back(output);
    }
}

/// STUN (RFC 7983).
fn is_check(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| *first < 4)
}

/// DTLS (RFC 7983).
fn is_keys(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| (20..64).contains(first))
}
