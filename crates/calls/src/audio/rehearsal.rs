//! A call to oneself: what the microphone hears comes out of the speaker some seconds later, cleaned and encoded as others would hear it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use kith_media::jitter::Decoder as _;

use super::Echo;
use super::Level;
use super::Microphone;
use super::Speaker;
use crate::codec::FRAME;
use crate::codec::Sound;
use crate::codec::Speech;
use crate::device::Block;
use crate::device::Devices;
use crate::stats::Rehearsed;

/// Goes on until it is dropped, or was forgotten.
pub struct Rehearsal {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    lacks_microphone: AtomicBool,
    lacks_speaker: AtomicBool,
    level: Level,
}

impl Shared {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

impl Rehearsal {
    /// Starts with the microphone and the speaker that were chosen, and changes over to others as a call does.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(devices: Arc<dyn Devices>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("kith-rehearsal".into()).spawn(move || {
            let done = rehearse(devices, &of_thread, LONGEST);
            of_thread.ended.store(true, Ordering::Relaxed);
            if done.is_none() {
                tracing::warn!("speech cannot be encoded here");
            }
        })?;
        Ok(Self { shared })
    }

    /// How it goes; nothing when it is over.
    pub fn stats(&self) -> Option<Rehearsed> {
        (!self.shared.has_ended()).then(|| Rehearsed {
            microphone_level: self.shared.level.get(),
            lacks_microphone: self.shared.lacks_microphone.load(Ordering::Relaxed),
            lacks_speaker: self.shared.lacks_speaker.load(Ordering::Relaxed),
        })
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

/// So many packets at most; `None` when speech cannot be encoded here.
fn rehearse(devices: Arc<dyn Devices>, shared: &Shared, packets: usize) -> Option<()> {
    let echo = Echo::default();
    let (mut microphone, mut speaker) = (Microphone::new(Arc::clone(&devices)), Speaker::new(devices));
    let (mut speech, mut sound) = (Speech::new().ok()?, Sound::new().ok()?);
    let mut on_the_way = VecDeque::with_capacity(LATER + 1);
    let mut frame = [0.0; FRAME];
    let mut heard = Vec::with_capacity(FRAME);
    for _ in 0..packets {
        if shared.has_ended() {
            break;
        }
        for half in frame.chunks_exact_mut(FRAME / 2) {
            let half: &mut Block = half.try_into().ok()?;
            // What was lost before it is a gap here as it is for others.
            let _ = microphone.read(&echo, half);
            shared.level.add(half);
        }
        on_the_way.push_back(speech.encode(&frame).ok()?.to_vec());
        heard.clear();
        if on_the_way.len() > LATER
            && let Some(packet) = on_the_way.pop_front()
        {
            sound.decode(&packet, &mut heard);
        }
        heard.resize(FRAME, 0.0);
        for half in heard.chunks_exact(FRAME / 2) {
            let half: &Block = half.try_into().ok()?;
            echo.played(half, speaker.delay());
            speaker.write(half);
        }
        shared.lacks_microphone.store(microphone.is_lacking(), Ordering::Relaxed);
        shared.lacks_speaker.store(speaker.is_lacking(), Ordering::Relaxed);
    }
    Some(())
}

/// In packets of 20 ms: long enough to say a sentence before it comes back, short enough to remember how it was said.
const LATER: usize = 100;

/// In packets: a quarter of an hour. Nobody tries a microphone for longer, and a microphone that is open for nobody is not left so.
const LONGEST: usize = 15 * 60 * 50;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kith_proto::call::media::LegId;

    use super::*;
    use crate::device::AudioSink;
    use crate::device::AudioSource;
    use crate::device::Gone;
    use crate::device::NoDevice;
    use crate::device::VideoSink;
    use crate::device::VideoSource;
    use crate::device::sound::loudness;
    use crate::transport::Kind;

    /// A tone that is there at once, and ears that remember.
    #[derive(Clone, Default)]
    struct Room(Arc<Mutex<Vec<f32>>>);

    struct Tone(usize);

    impl AudioSource for Tone {
        fn read(&mut self, block: &mut Block) -> Result<(), Gone> {
            for sample in block {
                *sample = (self.0 as f32 * 440.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.3;
                self.0 += 1;
            }
            Ok(())
        }
    }

    impl AudioSink for Room {
        fn write(&mut self, block: &Block) -> Result<(), Gone> {
            self.0.lock().unwrap().extend(block);
            Ok(())
        }
    }

    impl Devices for Room {
        fn microphone(&self) -> Result<Box<dyn AudioSource>, NoDevice> {
            Ok(Box::new(Tone(0)))
        }

        fn speaker(&self) -> Result<Box<dyn AudioSink>, NoDevice> {
            Ok(Box::new(self.clone()))
        }

        fn pictures(&self, _: Kind) -> Result<Box<dyn VideoSource>, NoDevice> {
            Err(NoDevice::Missing)
        }

        fn display(&self, _: LegId, _: Kind) -> Box<dyn VideoSink> {
            unreachable!("nobody shows pictures to themselves")
        }
    }

    #[test]
    fn who_speaks_is_heard_two_seconds_later_and_as_loud() {
        let (room, shared) = (Room::default(), Shared::default());
        rehearse(Arc::new(room.clone()), &shared, 2 * LATER).unwrap();
        let heard = room.0.lock().unwrap().clone();
        assert!(shared.level.get() > 0.15, "the level is shown: {}", shared.level.get());
        // Devices are opened on threads of their own, so a little at the beginning may be missing.
        let second = 48_000;
        let tail = &heard[heard.len() - second..];
        assert!((0.2..0.4).contains(&loudness(tail, 440.0)), "{}", loudness(tail, 440.0));
        let first = heard.iter().position(|sample| sample.abs() > 0.05).unwrap();
        let late = heard.len() - first;
        assert!(late <= LATER * FRAME, "nothing comes before its time: {late} samples");
        shared.ended.store(true, Ordering::Relaxed);
        rehearse(Arc::new(room.clone()), &shared, usize::MAX).unwrap();
        assert_eq!(room.0.lock().unwrap().len(), heard.len(), "it ends when nobody wants it any more");
    }
}
