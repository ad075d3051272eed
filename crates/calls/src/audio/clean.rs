//! A voice without its room: echo of the speaker, noise and differences of loudness are taken out, by the algorithms of libwebrtc (`sonora`).
//! Only for microphones that say they need it; files and tones are sent as they are.

use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use sonora::AudioProcessing;
use sonora::Config;
use sonora::StreamConfig;
use sonora::config::AdaptiveDigital;
use sonora::config::EchoCanceller;
use sonora::config::GainController2;
use sonora::config::HighPassFilter;
use sonora::config::NoiseSuppression;

use crate::device::Block;

/// What the speaker plays, for the echo to be known.
pub(super) struct Played {
    pub(super) block: Block,
    /// Until it is heard.
    pub(super) delay: Duration,
}

/// Cleans what a microphone hears.
pub(super) struct Cleaner {
    processing: AudioProcessing,
    played: Receiver<Played>,
    scratch: Block,
    delay: Duration,
}

impl Cleaner {
    /// A cleaner, and where to tell what is played.
    pub(super) fn new() -> (Self, SyncSender<Played>) {
        let config = Config {
            high_pass_filter: Some(HighPassFilter::default()),
            echo_canceller: Some(EchoCanceller::default()),
            noise_suppression: Some(NoiseSuppression::default()),
            gain_controller2: Some(GainController2 {
                adaptive_digital: Some(AdaptiveDigital::default()),
                ..GainController2::default()
            }),
            ..Config::default()
        };
        let processing = AudioProcessing::builder()
            .config(config)
            .capture_config(StreamConfig::new(48_000, 1))
            .render_config(StreamConfig::new(48_000, 1))
            .build();
        let (told, played) = sync_channel(PLAYED);
        (Self { processing, played, scratch: [0.0; 480], delay: Duration::ZERO }, told)
    }

    /// Cleans 10 ms.
    pub(super) fn clean(&mut self, block: &mut Block) {
        for Played { block, delay } in self.played.try_iter() {
            self.delay = delay;
            let _ = self.processing.process_render_f32(&[&block], &mut [&mut self.scratch]);
        }
        let millis = i32::try_from(self.delay.as_millis()).unwrap_or(i32::MAX);
        let _ = self.processing.set_stream_delay_ms(millis.min(MOST_DELAY));
        let heard = *block;
        if self.processing.process_capture_f32(&[&heard], &mut [&mut *block]).is_err() {
            *block = heard;
        }
    }
}

/// The threads of microphone and speaker are never further apart than this, or one of them stands.
const PLAYED: usize = 32;

/// `sonora` takes no more, in milliseconds.
const MOST_DELAY: i32 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn level(sound: &[f32]) -> f32 {
        (sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len() as f32).sqrt()
    }

    #[test]
    fn what_the_speaker_plays_is_not_sent_back() {
        let (mut cleaner, told) = Cleaner::new();
        let mut random = 1_u32;
        let mut room = std::collections::VecDeque::from(vec![0.0; 2_400]);
        let (mut heard, mut sent) = (Vec::new(), Vec::new());
        for number in 0..800 {
            // Noise that comes and goes, like words.
            let loud = if number / 20 % 3 == 0 { 0.02 } else { 0.3 };
            let block: Block = std::array::from_fn(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((random >> 8) as f32 / (1 << 23) as f32 - 1.0) * loud
            });
            told.try_send(Played { block, delay: Duration::from_millis(50) }).ok().unwrap();
            // The room gives it back 50 ms later, half as loud.
            room.extend(block.map(|sample| sample * 0.5));
            let mut microphone: Block = std::array::from_fn(|_| room.pop_front().unwrap_or_default());
            if number >= 500 {
                heard.extend(microphone);
            }
            cleaner.clean(&mut microphone);
            if number >= 500 {
                sent.extend(microphone);
            }
        }
        assert!(level(&sent) * 20.0 < level(&heard), "{} of {}", level(&sent), level(&heard));
    }
}
