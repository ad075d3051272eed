//! Pictures made smaller. Never larger: that is done where they are shown.

use crate::Picture;

/// The size that a picture of `width` by `height` is sent in: at most `lines` high and `pixels` large, both sides even.
pub(super) fn size(width: u32, height: u32, lines: Option<u32>, pixels: u64) -> (u32, u32) {
    let (w, h) = (f64::from(width.max(2)), f64::from(height.max(2)));
    let by_lines = lines.map_or(1.0, |lines| f64::from(lines) / h);
    let by_pixels = (pixels as f64 / (w * h)).sqrt();
    let factor = by_lines.min(by_pixels).min(1.0);
    let even = |side: f64| ((side * factor / 2.0 + 1e-6).floor() as u32 * 2).clamp(2, Picture::LONGEST - 1);
    (even(w), even(h))
}

/// Writes `from` into `to`, which has the size that is wanted: each sample is the mean of those that it covers.
pub(crate) fn scale(from: &Picture, to: &mut Picture) {
    let (fw, fh, tw, th) = (from.width(), from.height(), to.width(), to.height());
    plane(from.y(), (fw, fh), to.y_mut(), (tw, th));
    let chroma = |picture: &Picture| (picture.chroma_width(), picture.chroma_height());
    let (small, large) = (chroma(from), chroma(to));
    let (u, v) = from.uv();
    let (to_u, to_v) = to.uv_mut();
    plane(u, small, to_u, large);
    plane(v, small, to_v, large);
}

fn plane(from: &[u8], (fw, fh): (u32, u32), to: &mut [u8], (tw, th): (u32, u32)) {
    let (fw, fh, tw, th) = (fw as usize, fh as usize, tw.max(1) as usize, th.max(1) as usize);
    if (fw, fh) == (tw, th) {
        to.copy_from_slice(from);
        return;
    }
    let span = |index: usize, from: usize, to: usize| {
        let begin = index * from / to;
        begin..((index + 1) * from / to).max(begin + 1).min(from)
    };
    let columns: Vec<_> = (0..tw).map(|x| span(x, fw, tw)).collect();
    let mut sums = vec![0_u32; fw];
    for (y, row) in to.chunks_exact_mut(tw).enumerate() {
        let lines = span(y, fh, th);
        let height = lines.len().max(1) as u32;
        sums.fill(0);
        for line in from.chunks_exact(fw).skip(lines.start).take(lines.len()) {
            for (sum, sample) in sums.iter_mut().zip(line) {
                *sum += u32::from(*sample);
            }
        }
        for (sample, columns) in row.iter_mut().zip(&columns) {
            let covered = sums.get(columns.clone()).unwrap_or_default();
            let all = covered.iter().sum::<u32>();
            *sample = (all / (height * covered.len().max(1) as u32)) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::pattern;

    #[test]
    fn sizes_keep_their_shape_and_are_even() {
        assert_eq!(size(1_280, 720, Some(180), 1 << 40), (320, 180));
        assert_eq!(size(1_280, 720, Some(1_080), 1 << 40), (1_280, 720), "never larger");
        assert_eq!(size(641, 361, Some(361), 1 << 40), (640, 360));
        assert_eq!(size(3_840, 2_160, None, 1_920 * 1_080), (1_920, 1_080));
        assert_eq!(size(1, 1, Some(1), 1), (2, 2));
    }

    #[test]
    fn a_smaller_picture_shows_the_same() {
        let mut large = Picture::black(1_280, 720);
        pattern::draw(&mut large, 0x5_a5a5, 7);
        for (width, height) in [(320, 180), (642, 362), (1_280, 720)] {
            let mut small = Picture::black(width, height);
            scale(&large, &mut small);
            assert_eq!(pattern::read(&small), Some(0x5_a5a5));
            let (u, v) = small.uv();
            assert!(u.iter().all(|sample| *sample == 118) && v.iter().all(|sample| *sample == 138));
        }
    }
}
