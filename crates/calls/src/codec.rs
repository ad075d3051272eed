//! Opus (RFC 6716) for calls: 48,000 samples a second, one channel, 20 ms a packet, with a copy of each packet in the next. Comfort noise,
//! gaps and speed are the business of the jitter buffer, which asks here for what it needs.

use kith_media::jitter::Decoder;
use thiserror::Error;

/// Samples in a packet: 20 ms.
pub(crate) const FRAME: usize = 960;

/// Why Opus does not work.
#[derive(Debug, Error)]
#[error("The Opus codec failed.")]
pub(crate) struct OpusError(#[from] opus::Error);

/// Makes packets of speech.
pub(crate) struct Speech {
    encoder: opus::Encoder,
    rate: i32,
    loss: i32,
    packet: Vec<u8>,
}

impl Speech {
    /// An encoder for voices.
    ///
    /// # Errors
    /// If libopus has no memory.
    pub(crate) fn new() -> Result<Self, OpusError> {
        let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip)?;
        encoder.set_inband_fec(true)?;
        encoder.set_complexity(COMPLEXITY)?;
        encoder.set_bitrate(opus::Bitrate::Bits(USUAL))?;
        encoder.set_packet_loss_perc(LEAST_LOSS)?;
        Ok(Self { encoder, rate: USUAL, loss: LEAST_LOSS, packet: vec![0; LARGEST] })
    }

    /// Adapts to a line: what may be sent in bits a second, and which part is lost.
    pub(crate) fn adapt(&mut self, target: u64, loss: f64) {
        // Copies of lost packets need room: with more losses more is spent, if there is more.
        let rate = match target {
            0..80_000 => SCARCE,
            _ if loss > 0.02 => PLENTY,
            _ => USUAL,
        };
        // In steps, as each change is heard a little; never zero, or there would be no copies when losses begin.
        let loss = (((loss * 100.0) as i32 + 4) / 5 * 5).clamp(LEAST_LOSS, 30);
        if rate != self.rate && self.encoder.set_bitrate(opus::Bitrate::Bits(rate)).is_ok() {
            self.rate = rate;
        }
        if loss != self.loss && self.encoder.set_packet_loss_perc(loss).is_ok() {
            self.loss = loss;
        }
    }

    /// Encodes 20 ms.
    ///
    /// # Errors
    /// If libopus fails.
    pub(crate) fn encode(&mut self, sound: &[f32; FRAME]) -> Result<&[u8], OpusError> {
        let bytes = self.encoder.encode_float(sound, &mut self.packet)?;
        Ok(self.packet.get(..bytes).unwrap_or_default())
    }
}

/// Makes sound of packets.
pub(crate) struct Sound {
    decoder: opus::Decoder,
    scratch: Vec<f32>,
}

impl Sound {
    /// A decoder.
    ///
    /// # Errors
    /// If libopus has no memory.
    pub(crate) fn new() -> Result<Self, OpusError> {
        let decoder = opus::Decoder::new(48_000, opus::Channels::Mono)?;
        Ok(Self { decoder, scratch: vec![0.0; LONGEST] })
    }

    /// Decodes at most `samples` and adds `take` of them.
    fn add(&mut self, packet: &[u8], samples: usize, take: usize, fec: bool, out: &mut Vec<f32>) -> bool {
        let Some(scratch) = self.scratch.get_mut(..samples.min(LONGEST)) else { return false };
        match self.decoder.decode_float(packet, scratch, fec) {
            Ok(count) => {
                out.extend(scratch.iter().take(count.min(take)));
                count > 0
            }
            Err(_) => false,
        }
    }
}

impl Decoder for Sound {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> bool {
        // An empty packet is a gap to libopus.
        !packet.is_empty() && self.add(packet, LONGEST, LONGEST, false, out)
    }

    fn decode_fec(&mut self, packet: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        has_copy(packet) && self.add(packet, steps(samples), samples, true, out)
    }

    fn decode_dred(&mut self, _: &[u8], _: usize, _: usize, _: &mut Vec<f32>) -> bool {
        false
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        let mut missing = samples;
        while missing > 0 {
            let part = missing.min(FRAME);
            if !self.add(&[], steps(part), part, false, out) {
                out.extend(std::iter::repeat_n(0.0, part));
            }
            missing -= part;
        }
    }
}

/// libopus makes up sound in steps of 2.5 ms.
fn steps(samples: usize) -> usize {
    samples.div_ceil(120).max(1) * 120
}

/// Whether a packet carries a copy of the one before it (RFC 6716, 4.2.4): only the part of Opus that is made for voices does, and says
/// it in a bit after those for activity. For packets of one frame and channel, which are all that is sent here.
fn has_copy(packet: &[u8]) -> bool {
    let (Some(first), Some(second)) = (packet.first(), packet.get(1)) else { return false };
    let (kind, stereo, count) = (first >> 3, first & 4 != 0, first & 3);
    if kind >= 16 || count != 0 || stereo {
        return kind < 16;
    }
    // Frames of 40 and 60 ms have two and three bits of activity.
    let activity = match kind {
        2 | 6 | 10 => 2,
        3 | 7 | 11 => 3,
        _ => 1,
    };
    second >> (7 - activity) & 1 == 1
}

/// Of ten. The tenth costs half as much again and is not heard.
const COMPLEXITY: i32 = 9;

/// Bits a second: where little may be sent, usually, and where packets are lost.
const SCARCE: i32 = 16_000;
const USUAL: i32 = 32_000;
const PLENTY: i32 = 40_000;

/// In percent. Copies are made from the start; the first losses come before the first report of them.
const LEAST_LOSS: i32 = 5;

/// 120 ms, the longest packet of Opus.
const LONGEST: usize = 5_760;

/// What libopus recommends for a packet.
const LARGEST: usize = 1_275;

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(from: usize) -> [f32; FRAME] {
        std::array::from_fn(|at| ((from + at) as f32 * 440.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.3)
    }

    fn level(sound: &[f32]) -> f32 {
        (sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len().max(1) as f32).sqrt()
    }

    /// Packets of a tone, as they are on a line that loses.
    fn packets() -> Vec<Vec<u8>> {
        let mut speech = Speech::new().unwrap();
        speech.adapt(500_000, 0.1);
        (0..50).map(|packet| speech.encode(&tone(packet * FRAME)).unwrap().to_vec()).collect()
    }

    #[test]
    fn what_is_spoken_is_heard() {
        let mut sound = Sound::new().unwrap();
        let mut out = Vec::new();
        for packet in packets() {
            assert!(sound.decode(&packet, &mut out));
        }
        assert_eq!(out.len(), 50 * FRAME);
        let level = level(&out[20 * FRAME..]);
        assert!((0.18..0.25).contains(&level), "as loud as it was: {level}");
    }

    #[test]
    fn a_lost_packet_is_in_the_next() {
        let packets = packets();
        let mut sound = Sound::new().unwrap();
        let mut out = Vec::new();
        packets.iter().take(30).for_each(|packet| _ = sound.decode(packet, &mut out));
        out.clear();
        assert!(sound.decode_fec(&packets[31], FRAME, &mut out), "packet 30 is lost");
        assert_eq!(out.len(), FRAME);
        assert!(level(&out) > 0.1, "its copy is as loud: {}", level(&out));
        let mut quiet = Vec::new();
        sound.conceal(480 + 7, &mut quiet);
        assert_eq!(quiet.len(), 487, "whatever is wanted");
    }

    #[test]
    fn packets_of_strangers_are_refused() {
        let mut sound = Sound::new().unwrap();
        let mut out = Vec::new();
        for packet in [&[][..], &[0xff; 3], &[3, 0xff, 0xff], &[0xfc; 1_500]] {
            if !sound.decode(packet, &mut out) {
                assert!(out.is_empty());
            }
            out.clear();
            sound.decode_fec(packet, FRAME, &mut out);
            out.clear();
        }
        assert!(sound.decode(&packets()[0], &mut out), "and nothing is broken by them");
    }
}
