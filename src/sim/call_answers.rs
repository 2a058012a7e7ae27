//! What test calls are answered in virtual time. The courses come from the real call machine, with
//! real media, against the real peer ([`super::outcome`]); each is found out once and remembered.
//!
//! Of a long call only the beginning, what happens at an age, and the end are played. In between
//! audio is like audio, and five minutes of it would take a second of ours. The numbers of its
//! sound are those of what was played.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::call::Settings;
use crate::model::{CallDirection, CallFacts, CallWish, Deadlines, MediaPath, Origin, Outcome, Step, TokenKind};
use crate::plan::{self, CallTarget, FarEnd};

use super::behaviour::Behaviour;
use super::call_fault::{CallFault, SoundFault};
use super::catalogue::Group;
use super::outcome::{Course, Outcomes};
use super::usual::{usual_call, usual_far_call, usual_number_call, usual_settings};

/// Courses that are remembered at most; then all are forgotten, and found out again alike.
const KNOWN_MAX: usize = 1024;
/// So much of the audio is played before something happens to it at an age.
const BEFORE: Duration = Duration::from_secs(5);
/// What is played after that is so much longer than a step may take: silence is found out by then.
const LONGER_THAN_A_STEP: Duration = Duration::from_secs(1);
/// Packets of audio of which a burst of losses is one.
const BURST_OF_PACKETS: u32 = 1000;
const PACKET: Duration = Duration::from_millis(20);

/// Between whom a test call goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CallSort {
    /// A client of ours and an application that answers by itself.
    Plain,
    /// The same, over a phone number.
    OverNumber,
    /// Two clients of ours.
    ToFarClient,
}

impl CallSort {
    /// The calls of a probe that has these settings.
    pub fn of(settings: &plan::CallSettings) -> Self {
        match (settings.direction, settings.to, settings.far_end) {
            (CallDirection::Inbound, CallTarget::Number, _) => Self::OverNumber,
            (CallDirection::Outbound, _, FarEnd::Client) => Self::ToFarClient,
            _ => Self::Plain,
        }
    }

    /// The calls that faults of a chapter can hit.
    pub const fn hit_by(chapter: Group) -> Self {
        match chapter {
            Group::Number => Self::OverNumber,
            Group::FarClient => Self::ToFarClient,
            _ => Self::Plain,
        }
    }

    /// How such a call usually goes.
    pub fn usual(self, wish: CallWish, origin: Origin) -> crate::call::CallSettings {
        match self {
            Self::Plain => usual_call(wish, origin),
            Self::OverNumber => usual_number_call(wish, origin),
            Self::ToFarClient => usual_far_call(wish, origin),
        }
    }
}

/// What a test call is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallAnswer {
    /// From its first step to its outcome.
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// What is known of the call; absent if it failed before it was one.
    pub facts: Option<Box<CallFacts>>,
}

/// Answers to test calls.
pub struct CallAnswers {
    origin: Origin,
    known: BTreeMap<Played, Course>,
}

/// What is really played, and so remembered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Played {
    wish: CallWish,
    sort: CallSort,
    met: Option<Behaviour>,
    step: Duration,
    hangup: Duration,
}

impl CallAnswers {
    /// Answers to calls whose media reckon from a moment; only differences to it matter.
    pub fn new(origin: Origin) -> Self {
        Self { origin, known: BTreeMap::new() }
    }

    /// What a call is answered that meets this. A misreading must come as the refusal that it
    /// leads to. There is neither NAT nor relay in virtual time: a path that is demanded is there.
    pub fn of(&mut self, wish: CallWish, sort: CallSort, deadlines: Deadlines, met: Option<Behaviour>) -> CallAnswer {
        let abridged = Abridged::of(CallWish { path: MediaPath::Any, ..wish }, met, deadlines.step);
        let Deadlines { step, hangup } = deadlines;
        let played = Played { wish: abridged.wish, sort, met: abridged.met, step, hangup };
        if self.known.len() >= KNOWN_MAX && !self.known.contains_key(&played) {
            self.known.clear();
        }
        let origin = self.origin;
        let course = self.known.entry(played).or_insert_with(|| course(&played, origin));
        abridged.answer(wish, course)
    }
}

fn course(played: &Played, origin: Origin) -> Course {
    let deadlines = Deadlines { step: played.step, hangup: played.hangup };
    let call = crate::call::CallSettings { step: played.step, ..played.sort.usual(played.wish, origin) };
    let settings = Settings { deadlines, call: Some(call), ..usual_settings() };
    // Which kind of token it was has been looked at by whoever knows what the call meets.
    Outcomes::new(settings).course(&[played.met], TokenKind::Access).clone()
}

/// A call with what is left out of it.
struct Abridged {
    wish: CallWish,
    met: Option<Behaviour>,
    /// Left out before what happens at an age.
    before: Duration,
    /// Left out at the end, if it lasts until then.
    after: Duration,
}

impl Abridged {
    fn of(wish: CallWish, met: Option<Behaviour>, step: Duration) -> Self {
        let hold = Duration::from_millis(wish.hold_ms.into());
        let enough = step + LONGER_THAN_A_STEP;
        let fault = match met {
            Some(Behaviour::Call(fault)) => Some(fault),
            Some(Behaviour::Transport(_) | Behaviour::Session(_)) | None => None,
        };
        let aged = fault.and_then(|fault| Some((fault, fault.age()?)));
        if aged.is_some_and(|(_, age)| age > hold + LONGER_THAN_A_STEP) {
            // It is over by then.
            return Self::of(wish, None, step);
        }
        let Some((fault, age)) = aged else {
            let after = hold.saturating_sub(enough + fault.map_or(Duration::ZERO, unfolds_in));
            return Self { wish: shorter(wish, after), met, before: Duration::ZERO, after };
        };
        let before = hold.min(age).saturating_sub(BEFORE);
        let age = age.saturating_sub(before);
        let after = (hold - before).saturating_sub(age + enough);
        let met = Some(Behaviour::Call(fault.at_age(age)));
        Self { wish: shorter(wish, before + after), met, before, after }
    }

    /// The answer to the whole call.
    fn answer(&self, wish: CallWish, course: &Course) -> CallAnswer {
        let steps = course.finding.steps.iter().take_while(|timing| timing.step != Step::Media);
        let steps: Duration = steps.map(|timing| timing.took).sum();
        let talked = course.took.saturating_sub(course.prepared + steps);
        let mut took = course.took;
        if talked >= BEFORE.min(Duration::from_millis(self.wish.hold_ms.into())) {
            took += self.before;
        }
        if talked >= Duration::from_millis(self.wish.hold_ms.into()) {
            took += self.after;
        }
        let mut facts = course.finding.call.clone().map(|facts| Box::new(CallFacts { wish, ..*facts }));
        let audio = facts.as_mut().and_then(|facts| facts.audio.as_mut());
        if let Some(stopped_ms) = audio.and_then(|audio| audio.stopped_ms.as_mut()) {
            *stopped_ms += u32::try_from(self.before.as_millis()).unwrap_or(u32::MAX);
        }
        CallAnswer { took, outcome: course.finding.outcome.clone(), facts }
    }
}

fn shorter(wish: CallWish, by: Duration) -> CallWish {
    let by = u32::try_from(by.as_millis()).unwrap_or(u32::MAX);
    CallWish { hold_ms: wish.hold_ms.saturating_sub(by), ..wish }
}

/// How long it takes until a fault has shown all that it does.
fn unfolds_in(fault: CallFault) -> Duration {
    match fault {
        CallFault::Sound(SoundFault::Late(by) | SoundFault::Delay(by) | SoundFault::Jitter(by)) => by,
        CallFault::Sound(SoundFault::BurstLoss(percent)) => PACKET * (BURST_OF_PACKETS / u32::from(percent.max(1))),
        _ => Duration::ZERO,
    }
}
