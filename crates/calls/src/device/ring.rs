//! What is heard before anybody talks: the ring of a call that comes, and the tone that tells that it rings there. Made, not recorded.
//! Not here: when it rings (`kith-engine` says it, a front end decides).

use std::f32::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use super::Block;
use super::Devices;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tune {
    /// Somebody calls.
    Incoming,
    /// It rings there.
    RingBack,
}

/// Plays a tune over and over until it is dropped.
pub struct Ringing {
    ended: Arc<AtomicBool>,
}

impl Ringing {
    /// Starts on the speaker that was chosen. Without a speaker it is silent, and that is all.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(devices: Arc<dyn Devices>, tune: Tune) -> std::io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let of_thread = Arc::clone(&ended);
        std::thread::Builder::new().name("kith-ring".into()).spawn(move || {
            play(&*devices, tune, &of_thread);
        })?;
        Ok(Self { ended })
    }
}

impl Drop for Ringing {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn play(devices: &dyn Devices, tune: Tune, ended: &AtomicBool) {
    let Ok(mut speaker) = devices.speaker() else { return };
    let mut choice = devices.changes();
    let mut at = 0;
    let mut block = [0.0; kith_media::jitter::BLOCK];
    while !ended.load(Ordering::Relaxed) {
        if choice != devices.changes() {
            choice = devices.changes();
            speaker = devices.speaker().unwrap_or(speaker);
        }
        fill(tune, at, &mut block);
        at = (at + 1) % (period(tune) / block.len());
        if speaker.write(&block).is_err() {
            return;
        }
    }
}

/// The samples of a tune, block by block.
fn fill(tune: Tune, block: usize, out: &mut Block) {
    let first = block * out.len();
    for (at, sample) in out.iter_mut().enumerate() {
        let at = (first + at) as f32 / RATE;
        *sample = match tune {
            Tune::Incoming => NOTES.iter().map(|(begins, hertz)| note(at - begins, *hertz)).sum(),
            Tune::RingBack => {
                // Ramps, since a tone that begins at once clicks.
                let ramp = (at / RAMP).min((1.0 - at) / RAMP).clamp(0.0, 1.0);
                (at * RING_BACK_HERTZ * TAU).sin() * RING_BACK_LEVEL * ramp
            }
        };
    }
}

/// A struck bar: it rises within some milliseconds and dies away; its second partial sooner.
fn note(since: f32, hertz: f32) -> f32 {
    if since <= 0.0 {
        return 0.0;
    }
    let rise = (since / ATTACK).min(1.0);
    let first = (since * hertz * TAU).sin() * (-since * 5.0).exp();
    let second = (since * hertz * 4.0 * TAU).sin() * (-since * 22.0).exp() * 0.18;
    rise * (first + second) * NOTE_LEVEL
}

/// How many samples a tune is long, with its silence.
fn period(tune: Tune) -> usize {
    match tune {
        Tune::Incoming => 3 * 48_000,
        Tune::RingBack => 5 * 48_000,
    }
}

const RATE: f32 = 48_000.0;

/// E major, up and again: when each note begins, in seconds, and its frequency.
const NOTES: [(f32, f32); 6] =
    [(0.0, 659.26), (0.16, 830.61), (0.32, 987.77), (0.72, 659.26), (0.88, 830.61), (1.04, 987.77)];

/// Below this a note clicks, in seconds.
const ATTACK: f32 = 0.008;

/// Six notes that overlap stay below full scale.
const NOTE_LEVEL: f32 = 0.3;

/// One second of 425 Hz, then four of silence: as telephones in most of Europe have it (ITU-T E.180).
const RING_BACK_HERTZ: f32 = 425.0;

/// Not to be louder than a voice.
const RING_BACK_LEVEL: f32 = 0.12;

/// How long the tone takes to be there and to be gone, in seconds.
const RAMP: f32 = 0.03;

#[cfg(test)]
mod tests {
    use super::super::sound::loudness;
    use super::*;

    fn whole(tune: Tune) -> Vec<f32> {
        let blocks = period(tune) / kith_media::jitter::BLOCK;
        let mut sound = Vec::new();
        for at in 0..blocks {
            let mut block = [0.0; kith_media::jitter::BLOCK];
            fill(tune, at, &mut block);
            sound.extend(block);
        }
        sound
    }

    #[test]
    fn a_ring_is_never_too_loud_and_never_jumps() {
        for tune in [Tune::Incoming, Tune::RingBack] {
            let sound = whole(tune);
            assert_eq!(sound.len(), period(tune));
            assert!(sound.iter().all(|sample| sample.abs() < 0.9), "{tune:?} would be cut off");
            let steps = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs());
            assert!(steps.fold(0.0, f32::max) < 0.15, "{tune:?} clicks");
            assert!(sound[..4_800].iter().any(|sample| sample.abs() > 0.05), "{tune:?} begins at once");
            assert!(
                sound.last().is_some_and(|end| end.abs() < 0.001),
                "{tune:?} has died away before it begins again"
            );
        }
    }

    #[test]
    fn the_tone_for_who_calls_is_that_of_telephones() {
        let sound = whole(Tune::RingBack);
        assert!(loudness(&sound[4_800..43_200], 425.0) > 0.1);
        assert!(sound[48_000..].iter().all(|sample| *sample == 0.0), "four seconds of silence");
    }
}
