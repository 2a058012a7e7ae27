//! What a call does while audio flows: makes and sends its frames, takes in what comes, and judges in
//! the end what was heard.

use std::time::Duration;

use crate::model::{CallDigits, DigitsWay, FailureReason, LostReason, Outcome, Step};

use super::audio::FRAME;
use super::conversation::{Conversation, Sent};
use super::made_ahead::{FRAMES_AT_ONCE, MadeDatagram, MadeFrame};
use super::media::{Media, MediaEvent, MediaOutput};
use super::test_call::{CallAction, TestCall, whole_millis};

impl TestCall {
    pub(super) fn talk_on(&mut self) {
        let (Some(talk), Some(media)) = (&mut self.talk, &mut self.media) else { return };
        talk.play(self.now);
        let Some((number, frame)) = talk.next_frame(self.now) else { return };
        send(media, self.now, number, frame);
        self.drain_media();
        for _ in 1..FRAMES_AT_ONCE {
            self.make_ahead();
        }
    }

    /// Makes the next frame before its time, if the call will last until then.
    fn make_ahead(&mut self) {
        let (Some(talk), Some(media)) = (&mut self.talk, &mut self.media) else { return };
        let due = talk.wake();
        if self.over || self.hang_up_at.is_some_and(|at| at <= due) {
            return;
        }
        let Some((number, frame)) = talk.next_frame(due) else { return };
        send(media, self.now, number, frame);
        let datagrams = std::iter::from_fn(|| self.next_datagram()).collect();
        self.made.keep(MadeFrame { number, due, datagrams });
    }

    /// Sends the frames that were made before and are due; one whose time is past is left out.
    pub(super) fn send_made(&mut self) {
        while let Some(frame) = self.made.next(self.now) {
            if self.now < frame.due + FRAME {
                frame.datagrams.into_iter().for_each(|datagram| self.transmit(datagram));
            } else if let Some(talk) = &mut self.talk {
                talk.skip(frame.number);
            }
        }
    }

    fn transmit(&mut self, MadeDatagram { via, to, bytes }: MadeDatagram) {
        match via {
            None => self.act(CallAction::Transmit(to, bytes)),
            Some(relayed) => self.send_through(relayed, to, &bytes),
        }
    }

    pub(super) fn drain_media(&mut self) {
        while let Some(datagram) = self.next_datagram() {
            self.transmit(datagram);
        }
    }

    /// What the media wants sent next; what it tells before that is taken in.
    fn next_datagram(&mut self) -> Option<MadeDatagram> {
        loop {
            match self.media.as_mut()?.poll()? {
                MediaOutput::Transmit { via, to, bytes } => return Some(MadeDatagram { via, to, bytes }),
                MediaOutput::Event(event) if !self.over => self.media_event(event),
                MediaOutput::Event(_) => {}
            }
        }
    }

    fn media_event(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::PathFound | MediaEvent::KeysAgreed if self.wrong_path() => self.no_path(),
            MediaEvent::PathFound if self.step == Step::Ice => {
                self.done();
                self.wait_for(Step::Dtls);
            }
            MediaEvent::KeysAgreed if matches!(self.step, Step::Ice | Step::Dtls) => self.begin_to_talk(),
            MediaEvent::Packet(packet) => {
                if let Some(talk) = &mut self.talk {
                    if talk.last_packet().is_none() {
                        let took = self.now.saturating_sub(self.began);
                        self.actions.push_back(CallAction::Done(Step::Media, took));
                    }
                    talk.packet(self.now, packet);
                    self.due = self.now + self.settings.step;
                }
            }
            MediaEvent::RoundTrip(round_trip) => {
                if let Some(talk) = &mut self.talk {
                    talk.round_trip(round_trip);
                }
            }
            MediaEvent::Closed => self.media_closed(),
            MediaEvent::PathFound | MediaEvent::PathLost | MediaEvent::KeysAgreed => {}
        }
    }

    fn media_closed(&mut self) {
        match self.step {
            Step::Dtls | Step::Ice => self.fail(FailureReason::NoKeys),
            // The hang-up follows on the signalling; if it does not, silence will tell.
            _ => {}
        }
    }

    fn begin_to_talk(&mut self) {
        if self.step == Step::Ice {
            self.done();
            self.wait_for(Step::Dtls);
        }
        self.done();
        if self.facts.set_up_ms.is_none() {
            self.facts.set_up_ms = Some(whole_millis(self.now.saturating_sub(self.set_up_from)));
        }
        self.wait_for(Step::Media);
        // Both descriptions are known once keys are agreed.
        let Some(spoken) = self.media.as_ref().and_then(Media::spoken) else { return self.bad_description() };
        let mut talk = Conversation::new(spoken, self.settings.tone, self.now).recording(self.settings.record);
        if let Some(other) = &self.settings.other {
            talk = talk.with_other(other.tone);
            self.other_talks.into_iter().for_each(|at| talk.other_began(at));
            self.actions.push_back(CallAction::Talk);
        }
        if let Some(digits) = self.settings.digits.clone() {
            let way = match self.media.as_ref().and_then(Media::events) {
                Some(_) => DigitsWay::Events,
                None => DigitsWay::Signalling,
            };
            self.facts.digits = Some(CallDigits { way, played_back: false });
            talk.press(&digits, way);
            if way == DigitsWay::Signalling {
                self.act(CallAction::Press(digits));
            }
        }
        self.talk = Some(talk);
        self.hang_up_at = self.hang_up_after(self.now);
        self.talk_on();
    }

    pub(super) fn judge(&mut self) {
        let Some(talk) = &mut self.talk else { return };
        talk.play(self.now);
        let (failure, degraded) = (talk.failure(), talk.degradations(self.now));
        match failure {
            Some(reason) if talk.is_own_lateness(reason) => {
                self.finish(Outcome::Lost { reason: LostReason::Overloaded })
            }
            Some(reason) => self.fail(reason),
            None => {
                degraded.into_iter().for_each(|what| self.act(CallAction::Degraded(what)));
                self.finish(Outcome::completed());
            }
        }
    }
}

fn send(media: &mut Media, now: Duration, number: u64, frame: Sent) {
    match frame {
        Sent::Audio(payload) => media.send(now, number, &payload),
        Sent::Event { began, payload } => media.send_event(now, number, began, payload),
    }
}
