//! Sound made a little shorter or longer without a change of pitch: whole periods are taken out or repeated where the wave looks
//! like itself (WSOLA: Verhelst and Roelands, ICASSP 1993). Pure calculation on 48,000 samples a second of one channel.
//!
//! ```text
//!  shorter:  ╲fade out╲
//!            ╱ ...... ╱ lag ╱ fade in ╱ rest        lag samples fewer
//!  longer:   first lag ╲ as it was ╲
//!                      ╱ again from the beginning ╱ rest      lag samples more
//! ```
//!
//! The first sample of the result is that of the source, and so is the last: what comes before and after fits.

/// Samples a second.
pub const RATE: u32 = 48_000;

/// The least that is taken out or put in: 5 ms.
pub const SHORTEST_LAG: usize = 240;

/// The most: 15 ms, a period of the lowest voices.
pub const LONGEST_LAG: usize = 720;

/// How long one wave fades into the other: 10 ms.
pub const FADE: usize = 480;

/// How many samples there must be.
pub const NEEDED: usize = LONGEST_LAG + FADE;

/// Where a wave looks like itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// After so many samples.
    pub lag: usize,
    /// How much: 1 is the same, 0 has nothing to do with it.
    pub likeness: f32,
    /// It is so quiet that nobody hears where it is cut.
    pub quiet: bool,
}

impl Match {
    /// Whether a cut here is not heard.
    pub fn is_good(&self) -> bool {
        self.quiet || self.likeness >= GOOD
    }
}

/// Finds where the beginning of `sound` comes again. Nothing if there are fewer than [`NEEDED`] samples.
pub fn find(sound: &[f32]) -> Option<Match> {
    let sound = sound.get(..NEEDED)?;
    if power(sound) < QUIET {
        return Some(Match { lag: FADE, likeness: 0.0, quiet: true });
    }
    // First roughly, at 8,000 samples a second, then exactly.
    let mut rough = [0.0; NEEDED / STEP];
    for (rough, exact) in rough.iter_mut().zip(sound.chunks_exact(STEP)) {
        *rough = exact.iter().sum::<f32>() / STEP as f32;
    }
    let lags = SHORTEST_LAG / STEP..=LONGEST_LAG / STEP;
    let (near, _) = best(&rough, lags, FADE / STEP)?;
    let from = (near * STEP).saturating_sub(STEP).max(SHORTEST_LAG);
    let to = (near * STEP + STEP).min(LONGEST_LAG);
    let (lag, likeness) = best(sound, from..=to, FADE)?;
    Some(Match { lag, likeness, quiet: false })
}

/// Writes `sound` into `out` with `lag` samples fewer. Nothing is written when it is too short for that.
pub fn shorten(sound: &[f32], lag: usize, out: &mut Vec<f32>) -> bool {
    let (Some(from), Some(to)) = (sound.get(..FADE), sound.get(lag..lag.saturating_add(FADE))) else {
        return false;
    };
    out.clear();
    cross_fade(from, to, out);
    out.extend(sound.iter().skip(lag + FADE));
    true
}

/// Writes `sound` into `out` with `lag` samples more. Nothing is written when it is too short for that.
pub fn lengthen(sound: &[f32], lag: usize, out: &mut Vec<f32>) -> bool {
    let (Some(to), Some(from)) = (sound.get(..FADE), sound.get(lag..lag.saturating_add(FADE))) else {
        return false;
    };
    out.clear();
    out.extend(sound.iter().take(lag));
    cross_fade(from, to, out);
    out.extend(sound.iter().skip(FADE));
    true
}

/// Adds to `out` what begins as `from` and ends as `to`; as long as the shorter one.
pub fn cross_fade(from: &[f32], to: &[f32], out: &mut Vec<f32>) {
    let count = from.len().min(to.len()).max(1) as f32;
    // Both are much alike, so the sum of the weights is one, and not that of their squares.
    out.extend(
        from.iter()
            .zip(to)
            .enumerate()
            .map(|(index, (from, to))| from + (to - from) * (index as f32 / count)),
    );
}

/// The lag at which the first `count` samples are most like themselves, and how much.
fn best(sound: &[f32], lags: std::ops::RangeInclusive<usize>, count: usize) -> Option<(usize, f32)> {
    let head = sound.get(..count)?;
    let own = head.iter().map(|sample| sample * sample).sum::<f32>();
    let like = |lag: usize| {
        let tail = sound.get(lag..lag + count)?;
        let (both, other) = head
            .iter()
            .zip(tail)
            .fold((0.0, 0.0), |(both, other), (head, tail)| (both + head * tail, other + tail * tail));
        Some((lag, both / (own * other).sqrt().max(f32::MIN_POSITIVE)))
    };
    lags.filter_map(like).max_by(|one, two| one.1.total_cmp(&two.1))
}

/// The mean square.
pub fn power(sound: &[f32]) -> f32 {
    sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len().max(1) as f32
}

const STEP: usize = 6;

/// Voices are more like themselves than this; noise is not.
const GOOD: f32 = 0.6;

/// -56 dB of full scale: a room in which nobody speaks.
const QUIET: f32 = 2.5e-6;

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f32, count: usize) -> Vec<f32> {
        let angle = std::f32::consts::TAU * frequency / RATE as f32;
        (0..count).map(|index| 0.5 * (angle * index as f32).sin()).collect()
    }

    /// The part of the power that is at `frequency` (Goertzel).
    fn part_at(sound: &[f32], frequency: f32) -> f32 {
        let angle = std::f64::consts::TAU * f64::from(frequency) / f64::from(RATE);
        let sum = |wave: fn(f64) -> f64| {
            let product = |(index, sample): (usize, &f32)| f64::from(*sample) * wave(angle * index as f64);
            sound.iter().enumerate().map(product).sum::<f64>() / sound.len() as f64
        };
        let (cosine, sine) = (sum(f64::cos), sum(f64::sin));
        (2.0 * (cosine * cosine + sine * sine)) as f32 / power(sound)
    }

    fn steepest(sound: &[f32]) -> f32 {
        sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    /// Takes out, or puts in, every 40 ms what fits.
    fn stretched(sound: &[f32], how: fn(&[f32], usize, &mut Vec<f32>) -> bool) -> Vec<f32> {
        let (mut result, mut rest, mut changed) = (Vec::new(), sound.to_vec(), Vec::new());
        while rest.len() >= 1_920 + NEEDED {
            let found = find(&rest).unwrap();
            assert!(found.is_good(), "{found:?}");
            assert!(how(&rest, found.lag, &mut changed));
            result.extend(changed.drain(..1_920));
            rest = std::mem::take(&mut changed);
        }
        result
    }

    #[test]
    fn a_tone_stays_a_tone() {
        for frequency in [70.0, 110.0, 220.5, 440.0, 1_000.0, 3_000.0] {
            let sound = tone(frequency, 96_000);
            for (how, least, most) in
                [(shorten as fn(&_, _, &mut _) -> _, 40_000, 90_000), (lengthen, 100_000, 200_000)]
            {
                let result = stretched(&sound, how);
                assert!((least..most).contains(&result.len()), "{frequency}: {}", result.len());
                assert!(steepest(&result) <= 1.05 * steepest(&sound), "{frequency}: a click");
                let part = part_at(&result[..24_000], frequency);
                assert!(part > 0.9, "{frequency}: {part} of the power is where it was");
            }
        }
    }

    #[test]
    fn what_comes_before_and_after_fits() {
        let sound = tone(250.0, 4_000);
        let mut out = Vec::new();
        assert!(shorten(&sound, 576, &mut out));
        assert_eq!((out.len(), out[0], out.last()), (sound.len() - 576, sound[0], sound.last()));
        assert!(lengthen(&sound, 576, &mut out));
        assert_eq!((out.len(), out[0], out.last()), (sound.len() + 576, sound[0], sound.last()));
        assert!(!shorten(&sound[..900], 576, &mut out), "too short");
        assert!(!lengthen(&sound, usize::MAX, &mut out));
    }

    #[test]
    fn silence_may_be_cut_and_noise_is_known() {
        assert!(find(&[0.0; NEEDED]).unwrap().is_good());
        assert_eq!(find(&[0.0; NEEDED - 1]), None);
        let mut seed = 1_u32;
        let noise: Vec<f32> = (0..NEEDED)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
            })
            .collect();
        assert!(!find(&noise).unwrap().is_good());
        assert!(find(&[f32::NAN; NEEDED]).is_some(), "nonsense does no harm");
    }
}
