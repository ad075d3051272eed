//! Files of sound (RIFF WAVE): 16 bits or floating point, any rate and number of channels in; 16 bits, 48,000 a second, one channel out.

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;

use super::AudioSink;
use super::AudioSource;
use super::BLOCK_LASTS;
use super::Block;
use super::Gone;
use super::NoDevice;
use super::Pace;
use super::keeping;

/// Plays a file again and again.
pub struct WavSource {
    pace: Pace,
    sound: Vec<f32>,
    at: usize,
}

impl WavSource {
    /// Reads a file of at most ten minutes.
    ///
    /// # Errors
    /// If it cannot be read or is no such file.
    pub fn open(path: &Path) -> Result<Self, NoDevice> {
        let broken = |error: io::Error| NoDevice::Broken(error.to_string());
        let file = File::open(path).map_err(broken)?;
        let sound = read(BufReader::new(file)).map_err(broken)?;
        Ok(Self { pace: Pace::default(), sound, at: 0 })
    }
}

impl AudioSource for WavSource {
    fn read(&mut self, block: &mut Block) -> Result<(), Gone> {
        self.pace.wait(BLOCK_LASTS);
        for sample in block {
            *sample = self.sound.get(self.at).copied().unwrap_or_default();
            self.at = if self.at + 1 < self.sound.len() { self.at + 1 } else { 0 };
        }
        Ok(())
    }
}

/// Writes what is heard into a file.
pub struct WavSink {
    pace: Pace,
    file: BufWriter<File>,
    bytes: u32,
}

impl WavSink {
    /// Begins a file, with a number behind its name when there is one of this name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path) -> Result<Self, NoDevice> {
        let broken = |error: io::Error| NoDevice::Broken(error.to_string());
        let mut file = BufWriter::new(keeping::create(path).map_err(broken)?);
        file.write_all(&header(0)).map_err(broken)?;
        Ok(Self { pace: Pace::default(), file, bytes: 0 })
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(self.bytes))?;
        self.file.flush()
    }
}

impl AudioSink for WavSink {
    fn write(&mut self, block: &Block) -> Result<(), Gone> {
        self.pace.wait(BLOCK_LASTS);
        for sample in block {
            let sample = (sample.clamp(-1.0, 1.0) * 32_767.0) as i16;
            self.file.write_all(&sample.to_le_bytes()).map_err(|_| Gone)?;
        }
        self.bytes = self.bytes.checked_add(2 * block.len() as u32).ok_or(Gone)?;
        Ok(())
    }
}

impl Drop for WavSink {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::warn!(%error, "a recording could not be finished");
        }
    }
}

fn header(bytes: u32) -> [u8; 44] {
    let mut header = [0; 44];
    let parts: [&[u8]; 13] = [
        b"RIFF",
        &bytes.saturating_add(36).to_le_bytes(),
        b"WAVEfmt ",
        &16_u32.to_le_bytes(),
        &PCM.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &48_000_u32.to_le_bytes(),
        &96_000_u32.to_le_bytes(),
        &2_u16.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &bytes.to_le_bytes(),
        &[],
    ];
    for (to, from) in header.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    header
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The sound of a file at 48,000 samples a second in one channel.
fn read(mut file: impl Read) -> io::Result<Vec<f32>> {
    let mut riff = [0; 12];
    file.read_exact(&mut riff)?;
    if !riff.starts_with(b"RIFF") || !riff.ends_with(b"WAVE") {
        return Err(bad("this is no WAV file"));
    }
    let mut format = None;
    loop {
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let [a, b, c, d, size @ ..] = head;
        let size = u64::from(u32::from_le_bytes(size));
        let mut part = (&mut file).take(size + size % 2);
        match &[a, b, c, d] {
            b"fmt " => {
                let mut bytes = [0; 16];
                part.read_exact(&mut bytes)?;
                format = Some(Format::of(&bytes)?);
                io::copy(&mut part, &mut io::sink())?;
            }
            b"data" => {
                let format = format.ok_or_else(|| bad("this WAV file does not say what it holds"))?;
                let mut data = Vec::new();
                file.take(size.min(format.most_bytes())).read_to_end(&mut data)?;
                return Ok(format.sound(&data));
            }
            _ => _ = io::copy(&mut part, &mut io::sink())?,
        }
    }
}

#[derive(Clone, Copy)]
struct Format {
    float: bool,
    channels: usize,
    rate: u32,
}

impl Format {
    fn of(bytes: &[u8; 16]) -> io::Result<Self> {
        let [k0, k1, c0, c1, r0, r1, r2, r3, .., b0, b1] = *bytes;
        let channels = usize::from(u16::from_le_bytes([c0, c1]));
        let rate = u32::from_le_bytes([r0, r1, r2, r3]);
        let float = match (u16::from_le_bytes([k0, k1]), u16::from_le_bytes([b0, b1])) {
            (PCM | EXTENSIBLE, 16) => false,
            (FLOAT | EXTENSIBLE, 32) => true,
            _ => return Err(bad("only 16 bits and floating point are read")),
        };
        if !(1..=8).contains(&channels) || !(8_000..=192_000).contains(&rate) {
            return Err(bad("so many channels, or this rate, are not read"));
        }
        Ok(Self { float, channels, rate })
    }

    /// How many bytes last as long as anything may: files of low rates are short, and what is made of them is not.
    fn most_bytes(self) -> u64 {
        MOST_SECONDS * u64::from(self.rate) * self.channels as u64 * if self.float { 4 } else { 2 }
    }

    fn sound(self, data: &[u8]) -> Vec<f32> {
        let samples: Vec<f32> = if self.float {
            data.chunks_exact(4)
                .filter_map(|bytes| bytes.try_into().ok())
                .map(f32::from_le_bytes)
                .map(|sample| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 })
                .collect()
        } else {
            let samples = data.chunks_exact(2).filter_map(|bytes| bytes.try_into().ok());
            samples.map(|bytes| f32::from(i16::from_le_bytes(bytes)) / 32_768.0).collect()
        };
        let mono: Vec<f32> = samples
            .chunks_exact(self.channels)
            .map(|frame| frame.iter().sum::<f32>() / self.channels as f32)
            .collect();
        resampled(&mono, self.rate)
    }
}

/// On a straight line between samples: good enough for a file that stands for a microphone.
fn resampled(sound: &[f32], rate: u32) -> Vec<f32> {
    if rate == 48_000 {
        return sound.to_vec();
    }
    let count = sound.len() as u64 * 48_000 / u64::from(rate);
    let at = |index: u64| {
        let place = index as f64 * f64::from(rate) / 48_000.0;
        let (whole, part) = (place as usize, place.fract() as f32);
        let one = sound.get(whole).copied().unwrap_or_default();
        let other = sound.get(whole + 1).copied().unwrap_or(one);
        one + (other - one) * part
    };
    (0..count).map(at).collect()
}

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;

/// What is read is kept in memory: ten minutes are 115 MB.
const MOST_SECONDS: u64 = 10 * 60;

#[cfg(test)]
mod tests {
    use super::super::sound::loudness;
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ann.wav");
        let mut sink = WavSink::create(&path).unwrap();
        for block in 0..20 {
            let sound = std::array::from_fn(|at| ((block * 480 + at) as f32 * 0.1).sin() * 0.5);
            sink.write(&sound).unwrap();
        }
        drop(sink);
        let source = WavSource::open(&path).unwrap();
        assert_eq!(source.sound.len(), 9_600);
        assert!(
            source
                .sound
                .iter()
                .enumerate()
                .all(|(at, sample)| ((at as f32 * 0.1).sin() * 0.5 - sample).abs() < 0.01)
        );
    }

    #[test]
    fn ten_minutes_are_ten_minutes_at_any_rate() {
        for (float, channels, rate) in [(false, 1, 8_000), (true, 2, 192_000)] {
            let format = Format { float, channels, rate };
            let frame = channels as u64 * if float { 4 } else { 2 };
            assert_eq!(format.most_bytes() / frame / u64::from(rate), 600);
        }
    }

    #[test]
    fn other_rates_and_channels_are_understood() {
        let rate = 16_000_u32;
        let mut file = header(0).to_vec();
        file.splice(22..24, 2_u16.to_le_bytes());
        file.splice(24..28, rate.to_le_bytes());
        let samples = (0..rate).flat_map(|at| {
            let sample = ((at as f32 * 440.0 * std::f32::consts::TAU / rate as f32).sin() * 16_384.0) as i16;
            [sample.to_le_bytes(), sample.to_le_bytes()].concat()
        });
        let samples: Vec<u8> = samples.collect();
        file.splice(40..44, (samples.len() as u32).to_le_bytes());
        file.extend(samples);
        let sound = read(file.as_slice()).unwrap();
        assert_eq!(sound.len(), 48_000);
        assert!((loudness(&sound, 440.0) - 0.5).abs() < 0.02);
        for end in 0..60 {
            assert!(end >= 44 || read(&file[..end]).is_err(), "half a head is none");
        }
        assert!(read(&b"RIFF....WAVEfmt \xff\xff\xff\xff................"[..]).is_err());
    }
}
