//! The device's part in a call: which call is its own, and what the partner's frames about it
//! mean, as the SDK's Call takes them.

use crate::model::{CallEvent, ExpectedCall};

use super::claims::form_decoded;
use super::{CallFrame, CallNews, Invite};

/// Calls not known to be ours that are remembered, in case the partner's REST API tells later
/// that one of them is.
const UNKNOWN_MAX: usize = 4;

/// The calls of a device: at most one of its own, as the SDK has it unless told otherwise.
#[derive(Debug, Default)]
pub(super) struct DeviceCalls {
    own: Option<OwnCall>,
    expected: Vec<ExpectedCall>,
    unknown: Vec<Invite>,
}

#[derive(Debug)]
struct OwnCall {
    /// The device's own id, of a call that it asked for.
    temporary: Option<String>,
    /// The partner's id, once it told it.
    sid: Option<String>,
    answered: bool,
}

/// What a frame about a call meant.
#[derive(Debug)]
pub(super) enum Meaning {
    /// Something about our call; first the error that the SDK raises, if it raises one (the code
    /// on the wire).
    Ours(Option<Option<u32>>, CallEvent),
    /// Nothing that the SDK would look at.
    Nothing,
    /// It is about somebody else's call.
    Foreign,
}

impl DeviceCalls {
    /// The device asks for a call.
    pub(super) fn begin(&mut self, temporary: &str) {
        self.own = Some(OwnCall { temporary: Some(temporary.to_owned()), sid: None, answered: false });
    }

    /// By what to know a call of ours; an earlier invite that has the sign is taken now.
    pub(super) fn expect(&mut self, sign: ExpectedCall) -> Option<CallEvent> {
        let place = self.unknown.iter().position(|invite| has_sign(invite, &sign));
        self.expected.push(sign);
        let invite = self.unknown.remove(place?);
        self.take(invite)
    }

    /// The id to speak of the call with, if there is one.
    pub(super) fn id(&self) -> Option<&str> {
        let own = self.own.as_ref()?;
        own.sid.as_deref().or(own.temporary.as_deref())
    }

    /// The device has ended its call.
    pub(super) fn end(&mut self) {
        self.own = None;
    }

    /// A call comes in: `Some` if it is ours.
    pub(super) fn invited(&mut self, invite: Invite) -> Option<CallEvent> {
        if self.expected.iter().any(|sign| has_sign(&invite, sign)) {
            return self.take(invite);
        }
        if self.unknown.len() < UNKNOWN_MAX {
            self.unknown.push(invite);
        }
        None
    }

    fn take(&mut self, invite: Invite) -> Option<CallEvent> {
        let (sid, description) = (invite.callsid?, invite.sdp?);
        self.own.get_or_insert(OwnCall { temporary: None, sid: Some(sid.clone()), answered: false });
        Some(CallEvent::Invited { sid, description })
    }

    /// A frame about a call.
    pub(super) fn news(&mut self, news: CallNews) -> Meaning {
        let Some(own) = &mut self.own else { return Meaning::Foreign };
        let named = |id: &Option<String>| id.is_some() && *id == news.callsid;
        let is_own = named(&own.sid) || named(&own.temporary);
        match news.frame {
            // Until it is answered the SDK takes any ringing or answer for its own call's.
            CallFrame::Ringing | CallFrame::Answer if own.answered => Meaning::Nothing,
            CallFrame::Ringing => {
                own.sid = news.callsid.or(own.sid.take());
                Meaning::Ours(None, CallEvent::Ringing { sid: own.sid.clone() })
            }
            CallFrame::Answer => {
                let Some(description) = news.sdp else { return Meaning::Nothing };
                own.answered = true;
                own.sid = news.callsid.or(own.sid.take());
                Meaning::Ours(None, CallEvent::Answered { sid: own.sid.clone(), description })
            }
            // Without a call's id it ends every call.
            CallFrame::Hangup if is_own || news.callsid.is_none() => {
                self.own = None;
                Meaning::Ours(news.error, CallEvent::Ended)
            }
            CallFrame::Cancel if is_own && !own.answered => {
                self.own = None;
                Meaning::Ours(None, CallEvent::Cancelled)
            }
            CallFrame::Message | CallFrame::Ack if is_own => Meaning::Nothing,
            CallFrame::Hangup | CallFrame::Cancel | CallFrame::Message | CallFrame::Ack => Meaning::Foreign,
        }
    }

    /// The call that came in was accepted.
    pub(super) fn answered(&mut self) {
        if let Some(own) = &mut self.own {
            own.answered = true;
        }
    }
}

fn has_sign(invite: &Invite, sign: &ExpectedCall) -> bool {
    match sign {
        ExpectedCall::Caller(number) => invite.parameters.get("From") == Some(number),
        ExpectedCall::Sid(sid) => invite.callsid.as_ref() == Some(sid),
        ExpectedCall::Marker(marker) => {
            let custom = invite.parameters.get("Params").map(|params| form_decoded(params));
            custom.is_some_and(|custom| custom.split('&').any(|pair| pair == marker))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn invite(sid: &str, params: &str) -> Invite {
        Invite {
            callsid: Some(sid.to_owned()),
            sdp: Some("v=0".to_owned()),
            parameters: BTreeMap::from([("Params".to_owned(), params.to_owned())]),
        }
    }

    #[test]
    fn only_what_has_the_sign_is_ours() {
        let mut calls = DeviceCalls::default();
        assert!(calls.invited(invite("CA1", "rc=7")).is_none());
        assert!(calls.expect(ExpectedCall::Marker("rc=8".to_owned())).is_none());
        assert!(calls.invited(invite("CA2", "pod=1&rc%3D81")).is_none());
        assert!(
            matches!(calls.invited(invite("CA3", "pod=1&rc=8")), Some(CallEvent::Invited { sid, .. }) if sid == "CA3")
        );
        assert_eq!(calls.id(), Some("CA3"));
    }

    #[test]
    fn over_a_number_only_the_caller_is_known() {
        let from = |number: &str| Invite {
            parameters: BTreeMap::from([("From".to_owned(), number.to_owned())]),
            ..invite("CA1", "")
        };
        let mut calls = DeviceCalls::default();
        assert!(calls.expect(ExpectedCall::Caller("+15005550002".to_owned())).is_none());
        assert!(calls.invited(from("+15005550009")).is_none(), "somebody has found the number");
        assert!(calls.invited(from("+15005550002")).is_some());
    }

    #[test]
    fn an_invite_that_came_before_its_promise_is_found() {
        let mut calls = DeviceCalls::default();
        assert!(calls.invited(invite("CA1", "")).is_none());
        let found = calls.expect(ExpectedCall::Sid("CA1".to_owned()));
        assert!(matches!(found, Some(CallEvent::Invited { sid, .. }) if sid == "CA1"));
    }

    #[test]
    fn frames_are_taken_as_the_sdk_takes_them() {
        let mut calls = DeviceCalls::default();
        let news = |frame, id: Option<&str>| CallNews::of(frame, id.map(str::to_owned));
        assert!(matches!(calls.news(news(CallFrame::Ringing, Some("CA1"))), Meaning::Foreign));
        calls.begin("TJS1");
        assert!(matches!(calls.news(news(CallFrame::Hangup, Some("CA9"))), Meaning::Foreign));
        assert!(matches!(calls.news(news(CallFrame::Answer, Some("CA1"))), Meaning::Nothing), "no description");
        assert!(matches!(
            calls.news(news(CallFrame::Ringing, Some("CA1"))),
            Meaning::Ours(None, CallEvent::Ringing { .. })
        ));
        assert_eq!(calls.id(), Some("CA1"));
        let busy = CallNews { error: Some(Some(31486)), ..news(CallFrame::Hangup, Some("TJS1")) };
        assert!(matches!(calls.news(busy), Meaning::Ours(Some(Some(31486)), CallEvent::Ended)));
        assert_eq!(calls.id(), None);
        calls.begin("TJS2");
        assert!(matches!(calls.news(news(CallFrame::Hangup, None)), Meaning::Ours(None, CallEvent::Ended)));
    }
}
