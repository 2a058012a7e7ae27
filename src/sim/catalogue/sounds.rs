//! Trouble in what is heard of a test call.

use std::time::Duration;

use crate::model::Step::Media;

use super::super::behaviour::Behaviour;
use super::super::call_fault::{CallFault, SoundFault};
use super::entry::Expected::{Completed, Degraded, Failed};
use super::entry::Group::Sound;
use super::entry::{Entry, entry};

const fn sound(fault: SoundFault) -> Behaviour {
    Behaviour::Call(CallFault::Sound(fault))
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The chapter's faults.
pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "audio-missing",
        Sound,
        sound(SoundFault::NoPackets),
        Failed(Media),
        "never sends audio: the agent hears nothing",
    ),
    entry("audio-silent", Sound, sound(SoundFault::Silence), Failed(Media), "sends silence"),
    entry(
        "audio-one-way",
        Sound,
        sound(SoundFault::NotHeard),
        Failed(Media),
        "is heard, and hears nothing of the agent",
    ),
    entry("audio-foreign", Sound, sound(SoundFault::ForeignTone), Failed(Media), "sends another call's audio"),
    entry("audio-ring-back", Sound, sound(SoundFault::RingBack), Failed(Media), "sends a ring-back tone for ever"),
    entry("audio-dies", Sound, sound(SoundFault::Dies(ms(2500))), Failed(Media), "sends silence after 2.5 s"),
    entry(
        "audio-stops",
        Sound,
        sound(SoundFault::Stops(ms(2500))),
        Failed(Media),
        "sends no packets any more after 2.5 s",
    ),
    entry(
        "audio-late",
        Sound,
        sound(SoundFault::Late(ms(2500))),
        Degraded,
        "sends comfort noise for 2.5 s before it is heard",
    ),
    entry("audio-quiet", Sound, sound(SoundFault::Quiet(35)), Degraded, "is 35 dB too quiet"),
    entry("audio-clipped", Sound, sound(SoundFault::Clipped), Degraded, "is eight times too loud and distorted"),
    entry("audio-choppy", Sound, sound(SoundFault::Choppy), Degraded, "leaves out 60 ms of every 200 ms"),
    entry("audio-loss-20", Sound, sound(SoundFault::Loss(20)), Degraded, "loses 20 % of the packets"),
    entry("audio-burst-loss", Sound, sound(SoundFault::BurstLoss(20)), Degraded, "loses 200 ms of every second"),
    entry("audio-delay", Sound, sound(SoundFault::Delay(ms(1200))), Degraded, "sends everything back 1.2 s late"),
    entry("audio-jitter", Sound, sound(SoundFault::Jitter(ms(200))), Degraded, "delays packets by up to 200 ms"),
    entry("audio-loss-1", Sound, sound(SoundFault::Loss(1)), Completed, "loses 1 % of the packets (decoy)"),
    entry("audio-noise", Sound, sound(SoundFault::Noise(40)), Completed, "adds noise at -40 dB (decoy)"),
    entry(
        "audio-slow-start",
        Sound,
        sound(SoundFault::Late(ms(1000))),
        Completed,
        "sends comfort noise for 1 s first (decoy)",
    ),
    entry(
        "audio-jitter-small",
        Sound,
        sound(SoundFault::Jitter(ms(30))),
        Completed,
        "delays packets by up to 30 ms (decoy)",
    ),
    entry("audio-reordered", Sound, sound(SoundFault::Reordered), Completed, "every tenth packet is overtaken (decoy)"),
    entry(
        "digits-lost",
        Sound,
        sound(SoundFault::DigitsLost),
        Completed,
        "takes no digits; calls that press some are degraded",
    ),
    entry("audio-doubled", Sound, sound(SoundFault::Doubled), Completed, "sends every packet twice (decoy)"),
];
