//! Pictures from a file: Y4M (YUV4MPEG2, four colour samples to two lines of two) and IVF (VP8), played again and again.

use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use kith_vpx::Decoder;

use super::Gone;
use super::NoDevice;
use super::Pace;
use super::VideoSource;
use super::Wish;
use crate::Picture;

/// Plays a file at its own pace, or at the pace that is wanted if that is slower.
pub struct VideoFile {
    path: PathBuf,
    reader: Reader,
    /// Between two pictures.
    every: Duration,
    pace: Pace,
    /// What of the file's time is owed to the pace that is wanted.
    owed: Duration,
}

enum Reader {
    Y4m { file: BufReader<File>, width: u32, height: u32 },
    Ivf { file: BufReader<File>, decoder: Decoder },
}

impl VideoFile {
    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be read or is neither of the two.
    pub fn open(path: &Path) -> Result<Self, NoDevice> {
        let (reader, every) = open(path).map_err(|error| NoDevice::Broken(error.to_string()))?;
        Ok(Self { path: path.to_owned(), reader, every, pace: Pace::default(), owed: Duration::ZERO })
    }

    fn step(&mut self, picture: &mut Picture) -> io::Result<()> {
        if self.reader.next(picture).is_ok() {
            return Ok(());
        }
        (self.reader, self.every) = open(&self.path)?;
        self.reader.next(picture)
    }
}

impl VideoSource for VideoFile {
    fn next(&mut self, wish: Wish, picture: &mut Picture) -> Result<(), Gone> {
        let wanted = Duration::from_secs(1) / wish.frames.max(1);
        self.pace.wait(self.every.max(wanted));
        // Where fewer are wanted than there are, some are left out: the film does not become slower.
        self.owed += wanted.max(self.every);
        while self.owed >= self.every {
            self.owed -= self.every;
            self.step(picture).map_err(|_| Gone)?;
        }
        Ok(())
    }
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn open(path: &Path) -> io::Result<(Reader, Duration)> {
    let mut file = BufReader::new(File::open(path)?);
    let mut head = [0; 4];
    file.read_exact(&mut head)?;
    match &head {
        b"YUV4" => y4m(file),
        b"DKIF" => ivf(file),
        _ => Err(bad("this is neither a Y4M nor an IVF file")),
    }
}

fn every(frames: u32, per: u32) -> Duration {
    let secs = f64::from(per.max(1)) / f64::from(frames.max(1));
    Duration::from_secs_f64(secs.clamp(0.004, 5.0))
}

fn y4m(mut file: BufReader<File>) -> io::Result<(Reader, Duration)> {
    let head = line(&mut file)?;
    let (mut width, mut height, mut pace) = (0, 0, every(25, 1));
    for word in head.split(' ') {
        let rest = word.get(1..).unwrap_or_default();
        match word.as_bytes().first() {
            Some(b'W') => width = rest.parse().unwrap_or(0),
            Some(b'H') => height = rest.parse().unwrap_or(0),
            Some(b'F') => {
                let (frames, per) = rest.split_once(':').unwrap_or((rest, "1"));
                pace = every(frames.parse().unwrap_or(25), per.parse().unwrap_or(1));
            }
            Some(b'C') if !matches!(rest, "420" | "420jpeg" | "420mpeg2" | "420paldv") => {
                return Err(bad("only 4:2:0 with eight bits is read"));
            }
            _ => {}
        }
    }
    if !(1..=MOST_SIDE).contains(&width) || !(1..=MOST_SIDE).contains(&height) {
        return Err(bad("the pictures in this file have no size, or are too large"));
    }
    Ok((Reader::Y4m { file, width, height }, pace))
}

fn ivf(mut file: BufReader<File>) -> io::Result<(Reader, Duration)> {
    let mut head = [0; 28];
    file.read_exact(&mut head)?;
    let [_, _, length0, length1, codec @ ..] = head;
    let [a, b, c, d, _, _, _, _, rate @ ..] = codec;
    if &[a, b, c, d] != b"VP80" || u16::from_le_bytes([length0, length1]) != 32 {
        return Err(bad("only VP8 is read"));
    }
    let [r0, r1, r2, r3, s0, s1, s2, s3, ..] = rate;
    let pace = every(u32::from_le_bytes([r0, r1, r2, r3]), u32::from_le_bytes([s0, s1, s2, s3]));
    let most = u64::from(MOST_SIDE) * u64::from(MOST_SIDE);
    let decoder = Decoder::new(most).map_err(io::Error::other)?;
    Ok((Reader::Ivf { file, decoder }, pace))
}

/// A line of a head, which is not long.
fn line(file: &mut BufReader<File>) -> io::Result<String> {
    let mut line = Vec::new();
    file.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    match line.pop() {
        Some(b'\n') => String::from_utf8(line).map_err(|_| bad("the head of a picture makes no sense")),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl Reader {
    fn next(&mut self, picture: &mut Picture) -> io::Result<()> {
        match self {
            Self::Y4m { file, width, height } => {
                if !line(file)?.starts_with("FRAME") {
                    return Err(bad("a picture is missing"));
                }
                picture.resize(*width, *height);
                file.read_exact(picture.data_mut())
            }
            Self::Ivf { file, decoder } => loop {
                let mut head = [0; 12];
                file.read_exact(&mut head)?;
                let [l0, l1, l2, l3, ..] = head;
                let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3])).min(MOST_FRAME);
                let mut frame = Vec::new();
                file.take(length).read_to_end(&mut frame)?;
                if decoder.decode(&frame, picture).map_err(io::Error::other)? {
                    return Ok(());
                }
            },
        }
    }
}

/// 4K, and a bit.
const MOST_SIDE: u32 = 4_096;
const MOST_FRAME: u64 = 4 << 20;
const LONGEST_LINE: u64 = 256;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use kith_vpx::Content;
    use kith_vpx::Encoder;
    use kith_vpx::Settings;

    use super::super::pattern;
    use super::*;

    const WISH: Wish = Wish { height: None, frames: 200 };

    fn pictures() -> Vec<Picture> {
        let mut picture = Picture::black(160, 96);
        (0..3)
            .map(|number| {
                pattern::draw(&mut picture, number, number);
                picture.clone()
            })
            .collect()
    }

    fn stamps(path: &Path) -> Vec<Option<u32>> {
        let mut file = VideoFile::open(path).unwrap();
        let mut picture = Picture::default();
        (0..5)
            .map(|_| {
                file.next(WISH, &mut picture).unwrap();
                pattern::read(&picture)
            })
            .collect()
    }

    #[test]
    fn files_are_played_again_and_again() {
        let folder = tempfile::tempdir().unwrap();
        let (y4m, ivf) = (folder.path().join("film.y4m"), folder.path().join("film.ivf"));
        let mut file = File::create(&y4m).unwrap();
        file.write_all(b"YUV4MPEG2 W160 H96 F200:1 Ip A1:1 C420jpeg\n").unwrap();
        for picture in pictures() {
            file.write_all(b"FRAME\n").unwrap();
            file.write_all(picture.data()).unwrap();
        }
        assert_eq!(stamps(&y4m), [0, 1, 2, 0, 1].map(Some));

        let settings = Settings { width: 160, height: 96, kbps: 2_000, content: Content::Screen, threads: 1 };
        let mut encoder = Encoder::new(settings).unwrap();
        let mut file = File::create(&ivf).unwrap();
        let head =
            [b"DKIF\0\0\x20\0VP80\xa0\0\x60\0".as_slice(), &200_u32.to_le_bytes(), &[1, 0, 0, 0], &[0; 8]];
        file.write_all(&head.concat()).unwrap();
        for (number, picture) in pictures().iter().enumerate() {
            let frame = encoder.encode(picture, number as u64 * 450, 450, false).unwrap().unwrap();
            file.write_all(&(frame.data.len() as u32).to_le_bytes()).unwrap();
            file.write_all(&[0; 8]).unwrap();
            file.write_all(&frame.data).unwrap();
        }
        assert_eq!(stamps(&ivf), [0, 1, 2, 0, 1].map(Some));
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film");
        for bytes in [
            &b""[..],
            b"RIFF",
            b"YUV4MPEG2 W0 H96\n",
            b"YUV4MPEG2 W160 H96 C444\n",
            b"YUV4MPEG2 W99999 H96\n",
            b"DKIF\0\0\x20\0VP90\xa0\0\x60\0................",
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert!(VideoFile::open(&path).is_err());
        }
        std::fs::write(&path, b"YUV4MPEG2 W160 H96\nFRAME\nshort").unwrap();
        let mut file = VideoFile::open(&path).unwrap();
        assert_eq!(file.next(WISH, &mut Picture::default()), Err(Gone), "and half a picture is none");
    }
}
