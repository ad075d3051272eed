//! A picture that tells when it was made, and is still read after it was scaled and encoded badly.
//!
//! ```text
//!  ┌─┬─┬─┬─┬─ … ─┐  the bits of the stamp, black and white
//!  ├─┼─┼─┼─┼─ … ─┤  the same the other way round
//!  │ a slope that moves and a square that flies │
//! ```

use std::time::Duration;
use std::time::Instant;

use super::Gone;
use super::Pace;
use super::VideoSource;
use super::Wish;
use super::process_millis;
use crate::Picture;

/// Gives patterns whose stamps are [`process_millis`].
#[derive(Debug)]
pub struct Pattern {
    pace: Pace,
    width: u32,
    height: u32,
    number: u32,
}

impl Pattern {
    /// Patterns of a size.
    pub fn new(width: u32, height: u32) -> Self {
        Self { pace: Pace::default(), width, height, number: 0 }
    }
}

impl VideoSource for Pattern {
    fn next(&mut self, wish: Wish, picture: &mut Picture) -> Result<(), Gone> {
        self.pace.wait(Duration::from_secs(1) / wish.frames.max(1));
        picture.resize(self.width, self.height);
        draw(picture, process_millis(Instant::now()) as u32 & LARGEST_STAMP, self.number);
        self.number = self.number.wrapping_add(1);
        Ok(())
    }
}

/// Draws a pattern of at least 96 by 48 with a stamp of at most [`LARGEST_STAMP`]; `number` moves the picture.
pub fn draw(picture: &mut Picture, stamp: u32, number: u32) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let side = height / 6;
    let (left, top) =
        (number as usize * 5 % (width - side).max(1), height / 2 + number as usize % side.max(1));
    for (y, row) in picture.y_mut().chunks_exact_mut(width).enumerate() {
        let band = y * BANDS / height.max(1);
        for (x, sample) in row.iter_mut().enumerate() {
            let bit = x * BITS / width;
            let set = stamp >> bit & 1 == 1;
            *sample = match band {
                0 => {
                    if set {
                        WHITE
                    } else {
                        BLACK
                    }
                }
                1 => {
                    if set {
                        BLACK
                    } else {
                        WHITE
                    }
                }
                _ if (left..left + side).contains(&x) && (top..top + side).contains(&y) => 200,
                _ => 60 + ((x / 4 + y / 4 + number as usize) % 64) as u8,
            };
        }
    }
    let (u, v) = picture.uv_mut();
    u.fill(118);
    v.fill(138);
}

/// The stamp of a pattern; nothing for other pictures.
pub fn read(picture: &Picture) -> Option<u32> {
    let mut stamp = 0;
    for bit in 0..BITS {
        let (one, other) = (cell(picture, bit, 0)?, cell(picture, bit, 1)?);
        match (one > 128.0, other > 128.0) {
            (true, false) => stamp |= 1 << bit,
            (false, true) => {}
            _ => return None,
        }
    }
    Some(stamp)
}

/// The mean of the middle of a cell.
fn cell(picture: &Picture, bit: usize, band: usize) -> Option<f32> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let range = |index: usize, of: usize, length: usize| {
        let (begin, end) = (index * length / of, (index + 1) * length / of);
        let margin = (end - begin) / 4;
        begin + margin..(end - margin).max(begin + margin + 1)
    };
    let (columns, rows) = (range(bit, BITS, width), range(band, BANDS, height));
    let lines = picture.y().chunks_exact(width).skip(rows.start).take(rows.len());
    let samples: Vec<u8> =
        lines.flat_map(|line| line.get(columns.clone()).unwrap_or_default()).copied().collect();
    let sum = samples.iter().map(|sample| f32::from(*sample)).sum::<f32>();
    (!samples.is_empty()).then(|| sum / samples.len() as f32)
}

/// Stamps have 20 bits: seventeen minutes of milliseconds.
pub const LARGEST_STAMP: u32 = (1 << BITS) - 1;

const BITS: usize = 20;

/// The two of the stamp have an eighth of the height each.
const BANDS: usize = 8;

const BLACK: u8 = 16;
const WHITE: u8 = 235;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_and_other_pictures_have_none() {
        for (width, height) in [(1_280, 720), (320, 180), (161, 91)] {
            for stamp in [0, 1, 0x5_5555, 0xa_aaaa, LARGEST_STAMP] {
                let mut picture = Picture::black(width, height);
                draw(&mut picture, stamp, stamp);
                assert_eq!(read(&picture), Some(stamp), "{width} by {height}");
            }
        }
        assert_eq!(read(&Picture::black(320, 180)), None);
    }
}
