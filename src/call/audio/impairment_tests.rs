//! What an ear makes of a sound call, of every way in which calls go bad, and of sounds that are
//! not ours.

use std::f64::consts::TAU;
use std::time::Duration;

use super::*;
use proptest::prelude::*;

const OURS: ToneId = ToneId(0xBEEF);
const OLD: ToneId = ToneId(0x1CE5);
const SECONDS: usize = 5;

/// What is sent in this many seconds.
fn sent(id: ToneId, seconds: usize) -> Vec<i16> {
    (0..seconds as u64 * 50).flat_map(|n| *ToneSource::new(id).frame(n)).collect()
}

/// The same with every frequency moved by `shift_hz`, and by a sender whose clock is `ppm` fast.
fn sent_off(id: ToneId, shift_hz: f64, ppm: f64) -> Vec<i16> {
    let (source, rate) = (ToneSource::new(id), 1.0 + ppm * 1e-6);
    let sample = |n: usize| {
        let t = n as f64 / 8000.0 * rate;
        let frame = (t / 0.02).floor();
        let hz = f64::from(FREQUENCIES_HZ[source.tone(frame as u64)]);
        let phase = hz * (t - frame * 0.02) + shift_hz * t;
        (AMPLITUDE * (TAU * phase).sin()).round() as i16
    };
    (0..SECONDS * 8000).map(sample).collect()
}

fn scaled(samples: &[i16], by: f64) -> Vec<i16> {
    samples.iter().map(|&s| (f64::from(s) * by).round() as i16).collect()
}

/// White noise of this level.
fn noise(samples: usize, dbov: f64, seed: u64) -> Vec<i16> {
    let mut random = fastrand::Rng::with_seed(seed);
    let rms = 32_768.0 * 10f64.powf(dbov / 20.0);
    let mut gaussian = || (-2.0 * random.f64().max(1e-12).ln()).sqrt() * (TAU * random.f64()).cos();
    (0..samples).map(|_| (rms * gaussian()).round() as i16).collect()
}

fn mixed(one: &[i16], other: &[i16]) -> Vec<i16> {
    one.iter().zip(other).map(|(a, b)| a.saturating_add(*b)).collect()
}

fn coded(samples: &[i16]) -> Vec<i16> {
    samples.iter().map(|&s| decode(encode(s))).collect()
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 8]
}

fn after(ms: usize, samples: &[i16]) -> Vec<i16> {
    [&silence(ms), samples].concat()
}

fn frames(samples: &[i16]) -> Vec<Option<Frame>> {
    samples.chunks_exact(FRAME_SAMPLES).map(|chunk| chunk.try_into().ok()).collect()
}

fn hear_frames(frames: &[Option<Frame>]) -> Hearing {
    let mut ear = Ear::new(OURS);
    ear.source_began(Duration::ZERO);
    for (n, frame) in frames.iter().enumerate() {
        ear.hear(frame.as_ref(), FRAME * n as u32);
    }
    ear.hearing()
}

fn hear(samples: &[i16]) -> Hearing {
    hear_frames(&frames(samples))
}

/// What is left of frames when each is lost with this probability.
fn thinned(samples: &[i16], loss: f64, seed: u64) -> Vec<Option<Frame>> {
    let mut random = fastrand::Rng::with_seed(seed);
    frames(samples).into_iter().map(|frame| frame.filter(|_| random.f64() >= loss)).collect()
}

fn db(level: Option<CentiDb>) -> f64 {
    level.expect("a level").db()
}

fn hz(hearing: &Hearing) -> f64 {
    f64::from(hearing.frequency_error.expect("a tone").0) / 1000.0
}

#[test]
fn a_sound_call() {
    let hearing = hear(&coded(&sent(OURS, SECONDS)));
    assert_eq!(hearing.heard, Heard::OurTone);
    assert_eq!((hearing.first_audible, hearing.tone_began), (Some(Millis(0)), Some(Millis(0))));
    assert_eq!(hearing.recognised, Some(Millis(780)));
    assert_eq!((hearing.ours, hearing.foreign_ids), (6, 0));
    assert_eq!((hearing.gaps, hearing.missing, hearing.died), (0, Permille(0), None));
    assert_eq!(hearing.late_start, Some(Millis(0)));
    assert!(hearing.delay.is_some_and(|delay| delay.max <= Millis(1)), "{hearing:?}");
    assert!((db(hearing.level) + 16.0).abs() < 0.1);
    assert!(db(hearing.snr) > 35.0);
    assert!(hz(&hearing).abs() < 0.05);
    assert_eq!((hearing.clipped, hearing.tone_length), (Permille(0), Millis(5000)));
    assert_eq!(serde_json::from_str::<Hearing>(&serde_json::to_string(&hearing).unwrap()).unwrap(), hearing);
}

/// Wherever the listener begins, and wherever its frames lie against the sender's.
#[test]
fn an_id_is_recognised_within_1_6_s_from_anywhere() {
    let whole = sent(OURS, SECONDS);
    for begin in (0..6240).step_by(53) {
        let hearing = hear(&whole[begin..]);
        assert!(hearing.recognised <= Some(Millis(1560)) && hearing.recognised.is_some(), "{begin}: {hearing:?}");
        assert_eq!((hearing.gaps, hearing.foreign_ids), (0, 0));
    }
}

#[test]
fn delays_are_told_to_a_millisecond_wherever_frames_lie() {
    for delay_ms in [0, 1, 7, 10, 13, 19, 150, 157, 400, 1234] {
        let told = hear(&after(delay_ms, &coded(&sent(OURS, SECONDS)))).delay.expect("a delay");
        for told in [told.min, told.median, told.max] {
            assert!(told.0.abs_diff(delay_ms as u32) <= 1, "{delay_ms}: {told:?}");
        }
    }
}

#[test]
fn quiet_is_quiet() {
    let hearing = hear(&coded(&scaled(&sent(OURS, SECONDS), 0.01)));
    assert_eq!((hearing.heard, hearing.gaps), (Heard::OurTone, 0));
    assert!((db(hearing.level) + 56.0).abs() < 0.5, "{hearing:?}");
}

#[test]
fn clipped_is_clipped() {
    let hearing = hear(&coded(&scaled(&sent(OURS, SECONDS), 8.0)));
    assert_eq!((hearing.heard, hearing.gaps), (Heard::OurTone, 0));
    assert!(hearing.clipped > Permille(500), "{hearing:?}");
    assert!(db(hearing.snr) < 15.0, "{hearing:?}");
}

#[test]
fn a_late_start_is_what_was_never_heard() {
    let mut samples = after(160, &sent(OURS, SECONDS));
    samples[..8000 * 2].fill(0);
    let hearing = hear(&samples);
    assert_eq!((hearing.heard, hearing.tone_began), (Heard::OurTone, Some(Millis(2000))));
    assert!(hearing.late_start.is_some_and(|late| late.0.abs_diff(1840) <= 1), "{hearing:?}");
    assert!(hearing.delay.is_some_and(|delay| delay.median.0.abs_diff(160) <= 1));
}

#[test]
fn audio_that_died_has_a_moment_of_death() {
    let mut samples = sent(OURS, SECONDS);
    samples[16_000..].fill(0);
    let hearing = hear(&samples);
    assert_eq!((hearing.died, hearing.gaps), (Some(Millis(2000)), 0));
    assert_eq!(hearing.dead_for(), Some(Duration::from_secs(3)));
    let mut frames = frames(&sent(OURS, SECONDS));
    frames[100..].fill(None);
    let hearing = hear_frames(&frames);
    assert_eq!((hearing.died, hearing.concealed), (Some(Millis(2000)), 150));
}

#[test]
fn nothing_is_silence_whether_sent_or_not() {
    assert_eq!(hear(&silence(5000)).heard, Heard::Silence);
    let hearing = hear_frames(&[None; 250]);
    assert_eq!((hearing.heard, hearing.concealed, hearing.level), (Heard::Silence, 250, None));
    assert_eq!(hear_frames(&[]).listened, Millis(0));
}

#[test]
fn loss_is_heard_as_much_as_there_is() {
    for (percent, missing, gaps) in [(1, 0..=25, 0..=1), (5, 30..=75, 0..=4), (20, 170..=230, 5..=15)] {
        for seed in 0..50 {
            let hearing = hear_frames(&thinned(&sent(OURS, SECONDS), f64::from(percent) / 100.0, seed));
            assert_eq!((hearing.heard, hearing.foreign_ids), (Heard::OurTone, 0), "{percent} %, {seed}");
            assert!(hearing.died.is_none());
            if percent == 5 {
                assert!(hearing.recognised <= Some(Millis(3000)), "{seed}: {hearing:?}");
            }
            if seed == 0 {
                assert!(missing.contains(&hearing.missing.0), "{percent} %: {hearing:?}");
                assert!(gaps.contains(&hearing.gaps), "{percent} %: {hearing:?}");
            }
        }
    }
}

#[test]
fn choppy_is_a_gap_for_every_piece_that_is_missing() {
    for by_silence in [true, false] {
        let mut frames = frames(&sent(OURS, SECONDS));
        for (_, frame) in frames.iter_mut().enumerate().filter(|(n, _)| n % 10 >= 7) {
            *frame = by_silence.then_some(SILENCE);
        }
        let hearing = hear_frames(&frames);
        assert_eq!(hearing.heard, Heard::OurTone);
        assert_eq!((hearing.gaps, hearing.gap_longest), (24, Millis(60)));
        assert_eq!(hearing.gap_total, Millis(24 * 60));
        assert!(hearing.missing.0.abs_diff(291) <= 1, "{hearing:?}");
    }
}

#[test]
fn a_shift_of_frequency_is_told_in_hertz() {
    for shift in [-12.0, -3.0, 0.5, 3.0, 12.0] {
        let hearing = hear(&coded(&sent_off(OURS, shift, 0.0)));
        assert_eq!((hearing.heard, hearing.gaps), (Heard::OurTone, 0));
        assert!((hz(&hearing) - shift).abs() < 0.1, "{shift}: {hearing:?}");
    }
    assert!(db(hear(&coded(&sent_off(OURS, 3.0, 0.0))).snr) > 25.0);
}

#[test]
fn a_clock_that_drifts_is_no_fault() {
    for ppm in [-100.0, 100.0] {
        let hearing = hear(&coded(&sent_off(OURS, 0.0, ppm)));
        assert_eq!((hearing.heard, hearing.gaps, hearing.foreign_ids), (Heard::OurTone, 0, 0));
        // 100 ppm of 2 kHz.
        assert!((hz(&hearing) - ppm * 2e-3).abs() < 0.05, "{hearing:?}");
    }
}

#[test]
fn noise_beside_the_tone_is_told_in_decibels() {
    let samples = mixed(&sent(OURS, SECONDS), &noise(SECONDS * 8000, -26.0, 1));
    let hearing = hear(&coded(&samples));
    assert_eq!((hearing.heard, hearing.gaps, hearing.foreign_ids), (Heard::OurTone, 0, 0));
    assert!((db(hearing.snr) - 10.0).abs() < 0.7, "{hearing:?}");
    // As loud as the tone itself: still ours.
    let hearing = hear(&coded(&mixed(&sent(OURS, SECONDS), &noise(SECONDS * 8000, -16.0, 2))));
    assert_eq!(hearing.heard, Heard::OurTone);
}

#[test]
fn comfort_noise_before_the_tone_is_no_tone() {
    for dbov in [-65.0, -55.0, -45.0] {
        let before = noise(8000, dbov, 3);
        let hearing = hear(&coded(&[before, sent(OURS, 4)].concat()));
        assert_eq!((hearing.heard, hearing.tone_began), (Heard::OurTone, Some(Millis(1000))), "{dbov}");
        assert_eq!(hearing.gaps, 0);
        assert!((db(hearing.background) - dbov).abs() < 1.5, "{dbov}: {hearing:?}");
        assert_eq!(hearing.first_audible, Some(Millis(if dbov > -50.0 { 0 } else { 1000 })));
    }
}

#[test]
fn an_old_id_is_foreign_and_ours_after_it_is_ours() {
    let hearing = hear(&coded(&sent(OLD, SECONDS)));
    assert_eq!((hearing.heard, hearing.foreign_ids, hearing.ours), (Heard::ForeignTone, 1, 0));
    assert_eq!((hearing.recognised, hearing.delay), (None, None));
    let hearing = hear(&coded(&[sent(OLD, 3), sent(OURS, SECONDS)].concat()));
    assert_eq!((hearing.heard, hearing.foreign_ids), (Heard::OurTone, 1));
    // An echo of the old call beside ours, 12 dB below it.
    let hearing = hear(&coded(&mixed(&sent(OURS, SECONDS), &scaled(&after(333, &sent(OLD, SECONDS)), 0.25))));
    assert_eq!((hearing.heard, hearing.foreign_ids, hearing.gaps), (Heard::OurTone, 0, 0));
}

#[test]
fn twice_through_pcmu_is_still_clean() {
    // The second time after an amplifier, so that its steps lie elsewhere.
    let hearing = hear(&coded(&scaled(&coded(&sent(OURS, SECONDS)), 0.7)));
    assert_eq!((hearing.heard, hearing.gaps), (Heard::OurTone, 0));
    assert!(db(hearing.snr) > 30.0, "{hearing:?}");
}

/// The far end's buffer drops or repeats a frame now and then: neither death nor a stranger.
#[test]
fn slips_of_a_frame_are_survived() {
    let mut slipped = frames(&sent(OURS, 10));
    for at in [400, 310, 222, 101] {
        slipped.remove(at);
    }
    let twice = slipped[150];
    slipped.insert(150, twice);
    let hearing = hear_frames(&slipped);
    assert_eq!((hearing.heard, hearing.foreign_ids, hearing.gaps), (Heard::OurTone, 0, 0));
    assert!(hearing.ours >= 6, "{hearing:?}");
}

fn tones(hz: &[f64], samples: usize) -> Vec<i16> {
    let one = |n: usize| hz.iter().map(|hz| 6000.0 * (TAU * hz * n as f64 / 8000.0).sin()).sum::<f64>();
    (0..samples).map(|n| one(n) as i16).collect()
}

/// Voiced sounds of three people with wandering pitch, formants and syllables, and hisses between.
fn babble(seconds: usize, seed: u64) -> Vec<i16> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut sum = vec![0.0; seconds * 8000];
    for _ in 0..3 {
        let mut at = 0;
        while at < sum.len() {
            let length = 400 + random.usize(..1600);
            let (pitch, glide) = (80.0 + 170.0 * random.f64(), 60.0 * (random.f64() - 0.5));
            let formants = [300.0 + 500.0 * random.f64(), 900.0 + 1500.0 * random.f64(), 2300.0 + 900.0 * random.f64()];
            let (voiced, loud) = (random.f64() < 0.75, 500.0 + 5000.0 * random.f64());
            let mut phase = 0.0;
            for n in 0..length.min(sum.len() - at) {
                let (t, envelope) = (n as f64 / length as f64, (std::f64::consts::PI * n as f64 / length as f64).sin());
                let f0 = pitch + glide * t;
                phase += f0 / 8000.0;
                sum[at + n] +=
                    envelope * loud * if voiced { voice(phase, f0, &formants) } else { 0.3 * (random.f64() - 0.5) };
            }
            at += length + random.usize(..1200);
        }
    }
    sum.into_iter().map(|s| s as i16).collect()
}

fn voice(phase: f64, f0: f64, formants: &[f64; 3]) -> f64 {
    let strength = |hz: f64| formants.iter().map(|f| 1.0 / (1.0 + ((hz - f) / 60.0).powi(2))).sum::<f64>();
    let harmonics = (1..).map(f64::from).take_while(|k| k * f0 < 3400.0);
    harmonics.map(|k| strength(k * f0) * (TAU * k * phase).sin()).sum()
}

#[test]
fn sounds_that_are_not_ours_are_nobody_s() {
    let mut sounds: Vec<(String, Vec<i16>)> = Vec::new();
    for dbov in [-80, -65, -50, -40, -26, -16, -9, -3] {
        sounds.push((format!("noise {dbov}"), noise(8 * 8000, f64::from(dbov), 11)));
    }
    for low in [697.0, 770.0, 852.0, 941.0] {
        for high in [1209.0, 1336.0, 1477.0, 1633.0] {
            sounds.push((format!("dtmf {low} {high}"), tones(&[low, high], 8000)));
        }
    }
    sounds.push(("ring-back".into(), tones(&[440.0, 480.0], 5 * 8000)));
    sounds.push(("ring-back, clipped".into(), scaled(&tones(&[440.0, 480.0], 5 * 8000), 9.0)));
    sounds.push(("dial tone, clipped".into(), scaled(&tones(&[350.0, 440.0], 5 * 8000), 9.0)));
    sounds.push(("busy".into(), tones(&[480.0, 620.0], 5 * 8000)));
    sounds.push(("special information".into(), [950.0, 1400.0, 1800.0].map(|hz| tones(&[hz], 2640)).concat()));
    sounds.extend(FREQUENCIES_HZ.map(|hz| (format!("steady {hz}"), tones(&[f64::from(hz)], 3 * 8000))));
    sounds.extend((0..6).map(|seed| (format!("babble {seed}"), babble(8, seed))));
    for (what, samples) in sounds {
        let hearing = hear(&coded(&samples));
        assert!(matches!(hearing.heard, Heard::OtherSound | Heard::Silence), "{what}: {hearing:?}");
        assert_eq!((hearing.ours, hearing.foreign_ids), (0, 0), "{what}");
    }
}

/// The worst that is not ours: tones of our alphabet in our rhythm, drawn at random. Each cycle is
/// a codeword with a chance of 2⁻²⁴, and ours with 2⁻⁴⁰: once in 9·10¹¹ s. Here ten minutes of it.
#[test]
fn random_tones_of_our_alphabet_are_nobody_s() {
    let mut random = fastrand::Rng::with_seed(5);
    let source = ToneSource::new(OURS);
    let of_tone: Vec<&Frame> =
        (0..TONES).filter_map(|tone| (0..50_000).find(|n| source.tone(*n) == tone)).map(|n| source.frame(n)).collect();
    let mut ear = Ear::new(OURS);
    for n in 0..10_000 {
        // Every thirteenth is the mark, as in ours.
        let tone = if n % 13 == 0 { of_tone[TONES - 1] } else { of_tone[random.usize(..TONES - 1)] };
        (0..3).for_each(|part| ear.hear(Some(tone), FRAME * (n * 3 + part)));
    }
    let hearing = ear.hearing();
    assert_eq!((hearing.heard, hearing.foreign_ids), (Heard::OtherSound, 0));
}

#[test]
fn memory_is_bounded_by_names() {
    let mut ear = Ear::new(OURS);
    ear.source_began(Duration::ZERO);
    for id in 0..100u16 {
        for n in 0..CYCLE_FRAMES * 3 {
            ear.hear(Some(ToneSource::new(ToneId(id)).frame(n)), Duration::from_millis(n * 20));
        }
    }
    assert_eq!(ear.hearing().foreign_ids as usize, FOREIGN_IDS_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_frames_can_confuse_it(
        frames in prop::collection::vec(prop::option::of((any::<u64>(), any::<i16>(), any::<u64>())), 0..120),
        source in any::<u64>(),
    ) {
        let mut ear = Ear::new(OURS);
        ear.source_began(Duration::from_nanos(source));
        for frame in frames {
            let (seed, loud, nanos) = frame.unwrap_or_default();
            let mut random = fastrand::Rng::with_seed(seed);
            let samples: Frame = std::array::from_fn(|_| random.i16(..).min(loud));
            ear.hear(frame.map(|_| &samples), Duration::from_nanos(nanos));
        }
        let hearing = ear.hearing();
        prop_assert_eq!(hearing.ours + hearing.foreign_ids, 0);
    }

    /// Any id, from anywhere in its sequence, on any grid of frames.
    #[test]
    fn any_id_is_its_own(id in any::<u16>(), begin in 0usize..60_000, expected in any::<u16>()) {
        let mut ear = Ear::new(ToneId(expected));
        for (n, frame) in frames(&sent(ToneId(id), 11)[begin..]).iter().enumerate() {
            ear.hear(frame.as_ref(), FRAME * n as u32);
        }
        let heard = ear.hearing().heard;
        prop_assert_eq!(heard, if id == expected { Heard::OurTone } else { Heard::ForeignTone });
    }
}
