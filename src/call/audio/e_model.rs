//! What a call is worth to those who speak, from delay and loss: the E-model of ITU-T G.107 with
//! its default values.

use std::time::Duration;

// Default values of G.107, table 2.
const SEND_LOUDNESS: f64 = 8.0;
const RECEIVE_LOUDNESS: f64 = 2.0;
const SIDETONE_MASKING: f64 = 15.0;
const LISTENER_SIDETONE: f64 = 18.0;
const HANDSET_D: f64 = 3.0;
const TALKER_ECHO_LOUDNESS: f64 = 65.0;
const ECHO_PATH_LOSS: f64 = 110.0;
const QUANTIZING_UNITS: f64 = 1.0;
const CIRCUIT_NOISE_DBM0P: f64 = -70.0;
const NOISE_FLOOR_DBMP: f64 = -64.0;
const ROOM_NOISE_DBA: f64 = 35.0;

/// How a codec suffers, as G.113 lists it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CodecImpairment {
    /// Equipment impairment factor Ie without loss.
    pub ie: f64,
    /// Packet-loss robustness factor Bpl.
    pub bpl: f64,
}

impl CodecImpairment {
    /// G.711 whose lost packets are concealed (its Appendix I); G.113 table I.4.
    pub const G711_CONCEALED: Self = Self { ie: 0.0, bpl: 25.1 };
    /// G.711 whose lost packets are silence; G.113 table I.4.
    pub const G711_PLAIN: Self = Self { ie: 0.0, bpl: 4.3 };
    /// Opus at 24 kb/s or more without in-band FEC. G.113 has no narrow-band value for it: an
    /// assumption, transparent when nothing is lost, and in loss like AMR at 12.2 kb/s (Bpl 10.0
    /// of G.113), which also predicts from frame to frame.
    pub const OPUS: Self = Self { ie: 0.0, bpl: 10.0 };
}

/// Transmission rating R of G.107, `0.0..=100.0`, from the delay one way, the share of packets
/// lost in `0.0..=1.0` (those too late included), the burst ratio (1 for random loss) and the codec. Numbers out of range are
/// taken as the nearest that is in it.
pub fn e_model_r(delay: Duration, loss: f64, burst_ratio: f64, codec: CodecImpairment) -> f64 {
    let t = delay.as_secs_f64() * 1000.0;
    let no = noise();
    let ro = 15.0 - 1.5 * (SEND_LOUDNESS + no);
    let r = ro - simultaneous(ro, no, t) - delayed(ro, no, t) - equipment(loss, burst_ratio, codec);
    r.clamp(0.0, 100.0)
}

/// MOS of a rating: G.107 annex B, `1.0..=4.5`.
pub fn e_model_mos(r: f64) -> f64 {
    let r = if r.is_nan() { 0.0 } else { r.clamp(0.0, 100.0) };
    // Between 0 and 6.5 the polynomial dips below 1.
    (1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r)).max(1.0)
}

/// Sum of all noise, referred to 0 dBr: No.
fn noise() -> f64 {
    let overall = SEND_LOUDNESS + RECEIVE_LOUDNESS;
    let send_room = ROOM_NOISE_DBA - SEND_LOUDNESS - HANDSET_D - 100.0
        + 0.004 * (ROOM_NOISE_DBA - overall - HANDSET_D - 14.0).powi(2);
    let effective_room = ROOM_NOISE_DBA + 10.0 * (1.0 + power((10.0 - LISTENER_SIDETONE) / 10.0)).log10();
    let receive_room = RECEIVE_LOUDNESS - 121.0 + effective_room + 0.008 * (effective_room - 35.0).powi(2);
    let floor = NOISE_FLOOR_DBMP + RECEIVE_LOUDNESS;
    10.0 * [CIRCUIT_NOISE_DBM0P, send_room, receive_room, floor]
        .map(|level| power(level / 10.0))
        .iter()
        .sum::<f64>()
        .log10()
}

/// What goes with the voice at the same time: Is.
fn simultaneous(ro: f64, no: f64, t: f64) -> f64 {
    let x = SEND_LOUDNESS + RECEIVE_LOUDNESS + 0.2 * (64.0 + no - RECEIVE_LOUDNESS);
    let loudness = 20.0 * (root(x / 8.0, 8) - x / 8.0);
    let masking =
        -10.0 * (power(-SIDETONE_MASKING / 10.0) + (-t / 4.0).exp() * power(-TALKER_ECHO_LOUDNESS / 10.0)).log10();
    let sidetone = 12.0 * root((masking - 13.0) / 6.0, 8)
        - 28.0 * root((masking + 1.0) / 19.4, 35)
        - 13.0 * root((masking - 3.0) / 33.0, 13)
        + 29.0;
    let q = 37.0 - 15.0 * QUANTIZING_UNITS.log10();
    let g = 1.07 + 0.258 * q + 0.0602 * q * q;
    let (y, z) = ((ro - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0, 46.0 / 30.0 - g / 40.0);
    loudness + sidetone + 15.0 * (1.0 + power(y) + power(z)).log10()
}

/// What comes late: Id, of talker echo, listener echo and the delay itself.
fn delayed(ro: f64, no: f64, t: f64) -> f64 {
    let echo =
        TALKER_ECHO_LOUDNESS - 40.0 * ((1.0 + t / 10.0) / (1.0 + t / 150.0)).log10() + 6.0 * (-0.3 * t * t).exp();
    let half = (-1.5 * (no - RECEIVE_LOUDNESS) - (80.0 + 2.5 * (echo - 14.0))) / 2.0;
    let talker = (half + (half * half + 100.0).sqrt() - 1.0) * (1.0 - (-t).exp());
    let half = (ro - 10.5 * (ECHO_PATH_LOSS + 7.0) * (2.0 * t + 1.0).powf(-0.25)) / 2.0;
    let listener = half + (half * half + 169.0).sqrt();
    let late = if t <= 100.0 {
        0.0
    } else {
        let x = (t / 100.0).log2();
        25.0 * (root(x, 6) - 3.0 * root(x / 3.0, 6) + 2.0)
    };
    talker + listener + late
}

/// What the codec and its losses take: Ie-eff.
fn equipment(loss: f64, burst_ratio: f64, codec: CodecImpairment) -> f64 {
    let percent = if loss.is_nan() { 0.0 } else { loss.clamp(0.0, 1.0) * 100.0 };
    let burst_ratio = if burst_ratio.is_nan() { 1.0 } else { burst_ratio.max(1.0) };
    codec.ie + (95.0 - codec.ie) * percent / (percent / burst_ratio + codec.bpl)
}

fn power(exponent: f64) -> f64 {
    10f64.powf(exponent)
}

/// (1 + x^n)^(1/n), for even n or x above zero.
fn root(x: f64, n: i32) -> f64 {
    (1.0 + x.powi(n)).powf(1.0 / f64::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Computed in Python from the Recommendation's text, with its names and in its order. The
    /// first is also what G.107 states for its defaults: 93.2.
    #[test]
    fn r_is_as_elsewhere() {
        for (delay, r) in [
            (0, 93.2062),
            (50, 91.7562),
            (100, 90.6637),
            (150, 89.5391),
            (200, 85.8047),
            (300, 72.6664),
            (400, 62.2468),
            (600, 49.4838),
        ] {
            let ours = e_model_r(ms(delay), 0.0, 1.0, CodecImpairment::G711_PLAIN);
            assert!((ours - r).abs() < 1e-4, "{delay} ms: {ours}");
        }
        let (concealed, plain, opus) =
            (CodecImpairment::G711_CONCEALED, CodecImpairment::G711_PLAIN, CodecImpairment::OPUS);
        for (delay, loss, burst_ratio, codec, r, mos) in [
            (20, 0.01, 1.0, concealed, 88.8915, 4.3109),
            (150, 0.05, 1.0, concealed, 73.7584, 3.768),
            (150, 0.05, 2.0, concealed, 72.329, 3.7042),
            (150, 0.05, 1.0, plain, 38.4639, 1.9894),
            (60, 0.2, 1.5, opus, 10.0953, 1.0363),
            (400, 0.01, 1.0, concealed, 58.607, 3.0276),
        ] {
            let ours = e_model_r(ms(delay), loss, burst_ratio, codec);
            assert!((ours - r).abs() < 1e-4, "{delay} ms, loss {loss}: {ours}");
            assert!((e_model_mos(ours) - mos).abs() < 1e-4, "{delay} ms, loss {loss}");
        }
    }

    /// G.107 annex B, table B.1, which gives two decimals.
    #[test]
    fn mos_is_as_in_annex_b() {
        for (r, mos) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            assert!((e_model_mos(r) - mos).abs() < 0.01, "{r}");
        }
    }

    proptest! {
        #[test]
        fn more_of_anything_bad_is_never_better(
            delay in 0u64..5000, more in 0u64..5000, loss in -0.5f64..1.5, worse in 0.0f64..1.0, burst in 0.0f64..20.0,
        ) {
            let codec = CodecImpairment::G711_CONCEALED;
            let r = e_model_r(ms(delay), loss, burst, codec);
            prop_assert!((0.0..=100.0).contains(&r));
            prop_assert!((1.0..=4.5).contains(&e_model_mos(r)));
            // The model itself has dents of less than 0.1 where echo terms meet.
            prop_assert!(e_model_r(ms(delay + more), loss, burst, codec) <= r + 0.1);
            prop_assert!(e_model_r(ms(delay), loss + worse, burst, codec) <= r + 1e-9);
            prop_assert!(e_model_r(ms(delay), loss, burst + worse, codec) <= r + 1e-9);
        }

        #[test]
        fn nothing_that_is_asked_makes_it_leave_its_range(a in any::<f64>(), b in any::<f64>(), nanos in any::<u64>()) {
            let delay = Duration::from_nanos(nanos);
            let r = e_model_r(delay, a, b, CodecImpairment::OPUS);
            prop_assert!((0.0..=100.0).contains(&r));
            prop_assert!((1.0..=4.5).contains(&e_model_mos(a)));
        }
    }
}
