//! Pictures into a file: Y4M (YUV4MPEG2), which every player and encoder reads.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use super::NoDevice;
use super::VideoSink;
use super::keeping;
use crate::Picture;
use crate::video::scale::scale;

/// Writes what is shown, picture by picture. The first one decides the size; others are brought to it, since such a file
/// has one.
pub struct Recording {
    file: Option<BufWriter<File>>,
    canvas: Option<Picture>,
    left: u64,
}

impl Recording {
    /// Begins a file, with a number behind its name when there is one of this name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path) -> Result<Self, NoDevice> {
        let file = keeping::create(path).map_err(|error| NoDevice::Broken(error.to_string()))?;
        Ok(Self { file: Some(BufWriter::new(file)), canvas: None, left: LARGEST_FILE })
    }

    fn write(&mut self, picture: &Picture) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let canvas = match &mut self.canvas {
            Some(canvas) => canvas,
            none => {
                let (width, height) = (picture.width(), picture.height());
                writeln!(file, "YUV4MPEG2 W{width} H{height} F{FRAMES}:1 Ip A1:1 C420jpeg")?;
                none.insert(Picture::black(width, height))
            }
        };
        scale(picture, canvas);
        let (u, v) = canvas.uv();
        let parts = [b"FRAME\n", canvas.y(), u, v];
        let size = parts.iter().map(|part| part.len() as u64).sum();
        self.left =
            self.left.checked_sub(size).ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        parts.iter().try_for_each(|part| file.write_all(part))
    }
}

impl VideoSink for Recording {
    fn show(&mut self, picture: &Picture) {
        if let Err(error) = self.write(picture) {
            tracing::warn!(%error, "the recording of pictures ends");
            self.file = None;
        }
    }
}

/// What players assume; pictures come when they come.
const FRAMES: u32 = 25;

/// Raw pictures fill a disk within the hour. Some ten minutes of 360 lines.
const LARGEST_FILE: u64 = 4 << 30;

#[cfg(test)]
mod tests {
    use super::super::pattern;
    use super::*;

    #[test]
    fn pictures_are_written_one_after_the_other_in_the_size_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen.y4m");
        let mut recording = Recording::create(&path).unwrap();
        for (number, (width, height)) in [(320, 180), (640, 360), (320, 180)].into_iter().enumerate() {
            let mut picture = Picture::black(width, height);
            pattern::draw(&mut picture, number as u32, 0);
            recording.show(&picture);
        }
        drop(recording);
        let bytes = std::fs::read(&path).unwrap();
        let header = b"YUV4MPEG2 W320 H180 F25:1 Ip A1:1 C420jpeg\n";
        let frame = 320 * 180 * 3 / 2;
        assert!(bytes.starts_with(header));
        assert_eq!(bytes.len(), header.len() + 3 * (b"FRAME\n".len() + frame));
        for number in 0..3 {
            let begin = header.len() + number * (6 + frame) + 6;
            let mut picture = Picture::black(320, 180);
            picture.y_mut().copy_from_slice(&bytes[begin..begin + 320 * 180]);
            assert_eq!(pattern::read(&picture), Some(number as u32));
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_closed_and_nothing_else_happens() {
        let folder = tempfile::tempdir().unwrap();
        let mut recording = Recording::create(&folder.path().join("seen.y4m")).unwrap();
        recording.left = 30_000;
        recording.show(&Picture::black(96, 96));
        assert!(recording.file.is_some());
        recording.show(&Picture::black(96, 96));
        recording.show(&Picture::black(96, 96));
        assert!(recording.file.is_none());
    }
}
