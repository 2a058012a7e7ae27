//! Parameters of faults: what a user may set apart from the name.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Symbol;

use super::behaviour::{Behaviour, Ending, Oddity, SessionFault, TransportFault, UpgradeFault};
use super::call_fault::{
    CallFault, DeliveryFault, FarFault, MidCallFault, NumberFault, PathFault, RestFault, SetUpFault, SoundFault,
};
use super::misparse::{Misparse, Part, Wrong};

/// Parameters of a fault; what is absent stays as the catalogue has it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The code of an `error` frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The HTTP status, 200 to 599.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long the partner asks to wait, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// How much later something comes, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u32>,
    /// The WebSocket close code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<u16>,
    /// Which part of the token is misread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Which character is misread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    /// At which offset (or from which one on, or with which residue mod 4) it is misread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u16>,
    /// Size of a large frame, in bytes, at most 64 MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u32>,
    /// Frames in a flood, at most 100 000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    /// How much quieter, or how far below full scale, in dB: at most 90.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db: Option<u8>,
    /// A share of the packets, 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
}

/// A parameter that a fault does not have, or not in this range.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SettingError {
    /// It means nothing here.
    #[error("{fault} has no parameter `{setting}`; it has {}", Listed(has))]
    Meaningless {
        /// The fault.
        fault: &'static str,
        /// The parameter.
        setting: &'static str,
        /// What could be set.
        has: Vec<&'static str>,
    },
    /// Out of range.
    #[error("`{setting}` of {fault} must be {range}")]
    Range {
        /// The fault.
        fault: &'static str,
        /// The parameter.
        setting: &'static str,
        /// What it must be.
        range: &'static str,
    },
}

struct Listed<'a>(&'a [&'static str]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&self.0.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
    }
}

/// Longest delay that can be set, in milliseconds.
const DELAY_MS_MAX: u32 = 600_000;
/// Largest frame that can be set.
const BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Longest flood that can be set.
const FRAMES_MAX: u32 = 100_000;

impl Settings {
    /// Reads the inside of a `with = { … }`, as on a command line.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            with: Settings,
        }
        toml::from_str::<Whole>(&format!("with = {{ {text} }}")).map(|whole| whole.with)
    }

    /// The behaviour with these parameters.
    pub fn apply(&self, fault: &'static str, behaviour: Behaviour) -> Result<Behaviour, SettingError> {
        self.check_ranges(fault)?;
        let mut taken = Taken { settings: *self, has: Vec::new() };
        let behaviour = taken.behaviour(behaviour);
        match taken.left_over() {
            None => Ok(behaviour),
            Some(setting) => Err(SettingError::Meaningless { fault, setting, has: taken.has }),
        }
    }

    /// What can be set for a behaviour.
    pub fn of(behaviour: Behaviour) -> Vec<&'static str> {
        let mut taken = Taken { settings: Self::default(), has: Vec::new() };
        taken.behaviour(behaviour);
        taken.has
    }

    fn check_ranges(&self, fault: &'static str) -> Result<(), SettingError> {
        let fits = |ok: bool, setting, range| match ok {
            true => Ok(()),
            false => Err(SettingError::Range { fault, setting, range }),
        };
        fits(self.status.is_none_or(|status| (200..=599).contains(&status)), "status", "200 to 599")?;
        fits(self.delay_ms.is_none_or(|ms| ms <= DELAY_MS_MAX), "delay_ms", "at most 600000")?;
        fits(
            self.close.is_none_or(|code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)),
            "close",
            "a code that may be sent: 1000 to 1003, 1007 to 1014, 3000 to 4999",
        )?;
        fits(self.bytes.is_none_or(|bytes| (64..=BYTES_MAX).contains(&bytes)), "bytes", "64 to 67108864")?;
        fits(self.frames.is_none_or(|frames| frames <= FRAMES_MAX), "frames", "at most 100000")?;
        fits(self.db.is_none_or(|db| db <= 90), "db", "at most 90")?;
        fits(self.percent.is_none_or(|percent| (1..=100).contains(&percent)), "percent", "1 to 100")
    }
}

/// Settings on their way into a behaviour: each one is taken out where it is used.
struct Taken {
    settings: Settings,
    has: Vec<&'static str>,
}

/// Takes one setting out, or leaves the value as it is.
macro_rules! take {
    ($self:ident, $name:ident, $value:expr) => {{
        $self.has.push(stringify!($name));
        $self.settings.$name.take().unwrap_or($value)
    }};
}

impl Taken {
    fn left_over(&self) -> Option<&'static str> {
        let s = &self.settings;
        [
            (s.code.is_some(), "code"),
            (s.status.is_some(), "status"),
            (s.retry_after_s.is_some(), "retry_after_s"),
            (s.delay_ms.is_some(), "delay_ms"),
            (s.close.is_some(), "close"),
            (s.part.is_some(), "part"),
            (s.symbol.is_some(), "symbol"),
            (s.offset.is_some(), "offset"),
            (s.bytes.is_some(), "bytes"),
            (s.frames.is_some(), "frames"),
            (s.db.is_some(), "db"),
            (s.percent.is_some(), "percent"),
        ]
        .into_iter()
        .find_map(|(set, name)| set.then_some(name))
    }

    fn behaviour(&mut self, behaviour: Behaviour) -> Behaviour {
        match behaviour {
            Behaviour::Transport(TransportFault::Upgrade(UpgradeFault::Status { status, retry_after_s })) => {
                Behaviour::Transport(TransportFault::Upgrade(UpgradeFault::Status {
                    status: take!(self, status, status),
                    retry_after_s: self.retry_after(retry_after_s),
                }))
            }
            Behaviour::Transport(_) => behaviour,
            Behaviour::Session(fault) => Behaviour::Session(self.session(fault)),
            Behaviour::Call(fault) => Behaviour::Call(self.call(fault)),
        }
    }

    fn call(&mut self, fault: CallFault) -> CallFault {
        use CallFault as F;
        match fault {
            F::SetUp(SetUpFault::RingingLate(delay)) => F::SetUp(SetUpFault::RingingLate(self.delay(delay))),
            F::SetUp(SetUpFault::AnswerLate(delay)) => F::SetUp(SetUpFault::AnswerLate(self.delay(delay))),
            F::SetUp(SetUpFault::Refused(code)) => F::SetUp(SetUpFault::Refused(take!(self, code, code))),
            F::SetUp(SetUpFault::RefusedRinging(code)) => F::SetUp(SetUpFault::RefusedRinging(take!(self, code, code))),
            F::SetUp(SetUpFault::ErrorFrame(code)) => F::SetUp(SetUpFault::ErrorFrame(take!(self, code, code))),
            F::Delivery(DeliveryFault::RingsLate(delay)) => F::Delivery(DeliveryFault::RingsLate(self.delay(delay))),
            F::Delivery(DeliveryFault::Cancelled(delay)) => F::Delivery(DeliveryFault::Cancelled(self.delay(delay))),
            F::Path(PathFault::ChecksLate(delay)) => F::Path(PathFault::ChecksLate(self.delay(delay))),
            F::Path(PathFault::StopsAfter(delay)) => F::Path(PathFault::StopsAfter(self.delay(delay))),
            F::Sound(fault) => F::Sound(self.sound(fault)),
            F::MidCall(MidCallFault::Cut(age)) => F::MidCall(MidCallFault::Cut(self.delay(age))),
            F::MidCall(MidCallFault::Dropped(age)) => F::MidCall(MidCallFault::Dropped(self.delay(age))),
            F::MidCall(MidCallFault::CutWith(age, code)) => {
                F::MidCall(MidCallFault::CutWith(self.delay(age), take!(self, code, code)))
            }
            F::MidCall(MidCallFault::ErrorFrame(age, code)) => {
                F::MidCall(MidCallFault::ErrorFrame(self.delay(age), take!(self, code, code)))
            }
            F::MidCall(MidCallFault::ForeignHangup(age)) => F::MidCall(MidCallFault::ForeignHangup(self.delay(age))),
            F::Rest(RestFault::Status { status, retry_after_s }) => F::Rest(RestFault::Status {
                status: take!(self, status, status),
                retry_after_s: self.retry_after(retry_after_s),
            }),
            F::Rest(RestFault::Late(delay)) => F::Rest(RestFault::Late(self.delay(delay))),
            F::Number(NumberFault::Slow(delay)) => F::Number(NumberFault::Slow(self.delay(delay))),
            F::Far(FarFault::NobodyThere(delay)) => F::Far(FarFault::NobodyThere(self.delay(delay))),
            F::Far(FarFault::RingsLate(delay)) => F::Far(FarFault::RingsLate(self.delay(delay))),
            F::SetUp(_) | F::Far(_) | F::Number(_) | F::Delivery(_) | F::Description(_) | F::Path(_) | F::Rest(_) => {
                fault
            }
        }
    }

    fn sound(&mut self, fault: SoundFault) -> SoundFault {
        use SoundFault as F;
        match fault {
            F::Noise(db) => F::Noise(take!(self, db, db)),
            F::Quiet(db) => F::Quiet(take!(self, db, db)),
            F::Loss(percent) => F::Loss(take!(self, percent, percent)),
            F::BurstLoss(percent) => F::BurstLoss(take!(self, percent, percent)),
            F::Late(delay) => F::Late(self.delay(delay)),
            F::Dies(delay) => F::Dies(self.delay(delay)),
            F::Stops(delay) => F::Stops(self.delay(delay)),
            F::Jitter(delay) => F::Jitter(self.delay(delay)),
            F::Delay(delay) => F::Delay(self.delay(delay)),
            F::NoPackets
            | F::Silence
            | F::NotHeard
            | F::ForeignTone
            | F::RingBack
            | F::Clipped
            | F::Choppy
            | F::Reordered
            | F::Doubled
            | F::DigitsLost => fault,
        }
    }

    fn session(&mut self, fault: SessionFault) -> SessionFault {
        use SessionFault as F;
        match fault {
            F::Refuse { code, retry_after_s, then } => F::Refuse {
                code: take!(self, code, code),
                retry_after_s: self.retry_after(retry_after_s),
                then: self.ending(then),
            },
            F::RefuseRegister { code, retry_after_s } => {
                F::RefuseRegister { code: take!(self, code, code), retry_after_s: self.retry_after(retry_after_s) }
            }
            F::Misparse(misparse) => F::Misparse(self.misparse(misparse)),
            F::ConnectedLate(delay) => F::ConnectedLate(self.delay(delay)),
            F::ReadyLate(delay) => F::ReadyLate(self.delay(delay)),
            F::BeforeConnected(oddity) => F::BeforeConnected(self.oddity(oddity)),
            F::InsteadOfConnected(oddity) => F::InsteadOfConnected(self.oddity(oddity)),
            F::AfterReady(oddity) => F::AfterReady(self.oddity(oddity)),
            F::EndBeforeConnected(ending) => F::EndBeforeConnected(self.ending(ending)),
            F::EndAfterReady(ending) => F::EndAfterReady(self.ending(ending)),
            F::Silence
            | F::NoConnected
            | F::NoReady
            | F::OfflineInsteadOfReady
            | F::OfflineAfterReady
            | F::NoOfflineOnLeave
            | F::NoHeartbeat => fault,
        }
    }

    fn misparse(&mut self, misparse: Misparse) -> Misparse {
        Misparse {
            part: take!(self, part, misparse.part),
            symbol: {
                self.has.push("symbol");
                self.settings.symbol.take().or(misparse.symbol)
            },
            wrong: match misparse.wrong {
                Wrong::AtOffset(at) => Wrong::AtOffset(take!(self, offset, at)),
                Wrong::AtResidue(residue) => Wrong::AtResidue(take!(self, offset, residue) % 4),
                Wrong::Past(start) => Wrong::Past(take!(self, offset, start)),
                other => other,
            },
        }
    }

    fn oddity(&mut self, oddity: Oddity) -> Oddity {
        match oddity {
            Oddity::UnknownTypes(frames) => Oddity::UnknownTypes(take!(self, frames, frames)),
            Oddity::Large(bytes) => Oddity::Large(take!(self, bytes, bytes)),
            Oddity::ErrorFrame(code) => Oddity::ErrorFrame(take!(self, code, code)),
            other => other,
        }
    }

    fn ending(&mut self, ending: Ending) -> Ending {
        match ending {
            Ending::Close(code) => Ending::Close(take!(self, close, code)),
            other => other,
        }
    }

    fn delay(&mut self, delay: Duration) -> Duration {
        self.has.push("delay_ms");
        self.settings.delay_ms.take().map_or(delay, |ms| Duration::from_millis(u64::from(ms)))
    }

    fn retry_after(&mut self, retry_after_s: Option<u32>) -> Option<u32> {
        self.has.push("retry_after_s");
        self.settings.retry_after_s.take().or(retry_after_s)
    }
}
