//! Sound without a device: a tone, marks to measure delays by, silence; and ears that remember, or do not listen.

use std::f32::consts::TAU;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use super::AudioSink;
use super::AudioSource;
use super::BLOCK_LASTS;
use super::Block;
use super::Gone;
use super::Pace;
use super::process_millis;

/// A sine.
#[derive(Debug)]
pub struct Tone {
    pace: Pace,
    step: f32,
    phase: f32,
    level: f32,
}

impl Tone {
    /// A tone of so many periods a second, as loud as `level` at its peaks.
    pub fn new(hertz: f32, level: f32) -> Self {
        Self { pace: Pace::default(), step: hertz / 48_000.0, phase: 0.0, level: level.clamp(0.0, 1.0) }
    }
}

impl AudioSource for Tone {
    fn read(&mut self, block: &mut Block) -> Result<(), Gone> {
        self.pace.wait(BLOCK_LASTS);
        for sample in block {
            *sample = (self.phase * TAU).sin() * self.level;
            self.phase = (self.phase + self.step).fract();
        }
        Ok(())
    }
}

/// A short tone at the beginning of each second of [`process_millis`], otherwise silence. A block is what was heard in the 10 ms before it is
/// read, so the tone begins within the block where the second does.
#[derive(Debug, Default)]
pub struct Marks {
    pace: Pace,
    second: u64,
    /// Samples until the tone begins, and how many are left of it.
    wait: usize,
    left: usize,
    phase: f32,
}

impl Marks {
    /// The periods a second of a mark.
    pub const HERTZ: f32 = 2_000.0;

    /// How many samples a mark is long: 60 ms.
    const SAMPLES: usize = 2_880;
}

impl AudioSource for Marks {
    fn read(&mut self, block: &mut Block) -> Result<(), Gone> {
        self.pace.wait(BLOCK_LASTS);
        let now = process_millis(Instant::now());
        let (second, ago) = (now / 1_000, now % 1_000);
        if second != self.second {
            let wait = usize::try_from(10_u64.saturating_sub(ago)).unwrap_or(0) * 48;
            (self.second, self.wait, self.left, self.phase) = (second, wait, Self::SAMPLES, 0.0);
        }
        for sample in block {
            *sample = 0.0;
            if self.wait > 0 {
                self.wait -= 1;
            } else if self.left > 0 {
                self.left -= 1;
                *sample = (self.phase * TAU).sin() * 0.5;
                self.phase = (self.phase + Self::HERTZ / 48_000.0).fract();
            }
        }
        Ok(())
    }
}

/// Nothing to hear and nothing heard, at the right pace.
#[derive(Debug, Default)]
pub struct Silence(Pace);

impl AudioSource for Silence {
    fn read(&mut self, block: &mut Block) -> Result<(), Gone> {
        self.0.wait(BLOCK_LASTS);
        block.fill(0.0);
        Ok(())
    }
}

impl AudioSink for Silence {
    fn write(&mut self, _: &Block) -> Result<(), Gone> {
        self.0.wait(BLOCK_LASTS);
        Ok(())
    }
}

/// What was heard, for whoever holds a copy of it.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<Vec<(Instant, Block)>>>);

impl Heard {
    /// All blocks since the last time, with the moment at which each was played.
    pub fn take(&self) -> Vec<(Instant, Block)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A device that writes here. Half an hour is remembered.
    pub fn recorder(&self) -> Recorder {
        Recorder { pace: Pace::default(), heard: self.clone() }
    }
}

/// See [`Heard::recorder`].
#[derive(Debug)]
pub struct Recorder {
    pace: Pace,
    heard: Heard,
}

impl AudioSink for Recorder {
    fn write(&mut self, block: &Block) -> Result<(), Gone> {
        self.pace.wait(BLOCK_LASTS);
        let mut heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() < MOST_BLOCKS {
            heard.push((Instant::now(), *block));
        }
        Ok(())
    }
}

/// How loud a frequency is in `sound`, as the peaks of a sine of that frequency (Goertzel).
pub fn loudness(sound: &[f32], hertz: f32) -> f32 {
    let turn = 2.0 * (f64::from(hertz) * std::f64::consts::TAU / 48_000.0).cos();
    let (mut one, mut two) = (0.0_f64, 0.0_f64);
    for sample in sound {
        let next = f64::from(*sample) + turn * one - two;
        (two, one) = (one, next);
    }
    let power = one * one + two * two - turn * one * two;
    (2.0 * power.max(0.0).sqrt() / sound.len().max(1) as f64) as f32
}

/// Half an hour: 350 MB.
const MOST_BLOCKS: usize = 180_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_has_its_frequency_and_loudness() {
        let mut tone = Tone::new(440.0, 0.25);
        let mut sound = Vec::new();
        for _ in 0..10 {
            let mut block = [0.0; 480];
            tone.read(&mut block).unwrap();
            sound.extend(block);
        }
        assert!((loudness(&sound, 440.0) - 0.25).abs() < 0.005);
        assert!(loudness(&sound, 880.0) < 0.01);
    }
}
