//! The scores of a call: the E-model's, and beside it the one that the partner's SDK shows to
//! agents.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::e_model::{CodecImpairment, e_model_mos, e_model_r};
use super::units::CentiMos;

/// Both scores of one direction of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rating {
    /// MOS by the E-model.
    pub mos: CentiMos,
    /// MOS as the partner's SDK 2.x would have shown it.
    pub sdk_mos: CentiMos,
}

/// What a rating is made of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Conditions {
    /// Mouth-to-ear delay, one way: half of what an echo took.
    pub one_way: Duration,
    /// Round-trip time of the network, as RTCP or STUN tell it.
    pub round_trip: Duration,
    /// Interarrival jitter.
    pub jitter: Duration,
    /// Share of packets that did not come, in `0.0..=1.0`: what the SDK counts.
    pub loss: f64,
    /// Share of packets that could not be played, lost or late, in `0.0..=1.0`: what is heard.
    pub unplayable: f64,
    /// Burst ratio; 1 for random loss.
    pub burst_ratio: f64,
    /// The codec.
    pub codec: CodecImpairment,
}

impl Rating {
    /// Both scores of these conditions.
    pub fn of(conditions: &Conditions) -> Self {
        let Conditions { one_way, round_trip, jitter, loss, unplayable, burst_ratio, codec } = *conditions;
        Self {
            mos: CentiMos::of(e_model_mos(e_model_r(one_way, unplayable, burst_ratio, codec))),
            sdk_mos: CentiMos::of(sdk_mos(round_trip, jitter, loss * 100.0)),
        }
    }
}

/// MOS as the SDK 2.x reckons it from a second's round-trip time, jitter and loss in percent
/// (`rtc/mos.ts`, read as a text and computed anew).
pub fn sdk_mos(round_trip: Duration, jitter: Duration, loss_percent: f64) -> f64 {
    let latency = (round_trip.as_secs_f64() + 2.0 * jitter.as_secs_f64()) * 1000.0 + 10.0;
    let unlost = match latency {
        l if l < 160.0 => 94.768 - l / 40.0,
        l if l < 1000.0 => 94.768 - (l - 120.0) / 10.0,
        _ => 0.0,
    };
    let r = if loss_percent <= unlost / 2.5 { (unlost - 2.5 * loss_percent.max(0.0)).max(6.52) } else { 0.0 };
    1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The vectors of `reference/twilio-voice.md` 7.2, run in the SDK itself.
    #[test]
    fn the_sdk_s_formula_is_the_sdk_s() {
        for (round_trip, jitter, loss, mos) in [
            (0, 0, 0.0, 4.43333),
            (50, 5, 0.0, 4.40574),
            (100, 10, 1.0, 4.31421),
            (200, 20, 0.0, 4.08904),
            (200, 30, 5.0, 3.46640),
            (400, 30, 1.0, 2.95758),
            (900, 50, 0.0, 1.00003),
            (10, 1, 50.0, 1.00000),
        ] {
            let ours = sdk_mos(ms(round_trip), ms(jitter), loss);
            assert!((ours - mos).abs() < 1e-5, "{round_trip}, {jitter}, {loss}: {ours}");
        }
    }

    #[test]
    fn both_scores_are_told_in_hundredths() {
        let good = Conditions {
            one_way: ms(0),
            round_trip: ms(0),
            jitter: ms(0),
            loss: 0.0,
            unplayable: 0.0,
            burst_ratio: 1.0,
            codec: CodecImpairment::G711_CONCEALED,
        };
        assert_eq!(Rating::of(&good), Rating { mos: CentiMos(441), sdk_mos: CentiMos(443) });
        let bad =
            Conditions { one_way: ms(150), round_trip: ms(200), jitter: ms(30), loss: 0.05, unplayable: 0.05, ..good };
        assert_eq!(Rating::of(&bad), Rating { mos: CentiMos(377), sdk_mos: CentiMos(347) });
        // What came too late spoils what is heard, and the SDK does not see it.
        let late = Conditions { unplayable: 0.05, ..good };
        assert!(Rating::of(&late).mos < CentiMos(441));
        assert_eq!(Rating::of(&late).sdk_mos, CentiMos(443));
    }

    proptest! {
        #[test]
        fn the_sdk_s_score_keeps_its_range(nanos in any::<u64>(), loss in any::<f64>()) {
            let delay = Duration::from_nanos(nanos);
            prop_assert!((1.0..=4.5).contains(&sdk_mos(delay, delay, loss)));
        }
    }
}
