//! Pictures as cameras and screens give them, made into what is encoded: brightness and two colours of a quarter of the size, BT.601 in the
//! range from 16 to 235, as VP8 decoders take it for granted.
//!
//! Data that is shorter than it should be leaves the rest of the picture as it was.

use crate::Picture;

/// Where red, green and blue are in a pixel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Bytes in a pixel.
    pub(super) size: usize,
    /// The places of red, green and blue.
    pub(super) places: [usize; 3],
}

/// Red, green, blue.
pub(super) const RGB: Layout = Layout { size: 3, places: [0, 1, 2] };

/// Blue, green, red, and a byte that means nothing: what X11 gives.
pub(super) const BGRX: Layout = Layout { size: 4, places: [2, 1, 0] };

/// Takes a picture of `width` by `height` pixels, each line `stride` bytes.
pub(super) fn from_rgb(
    data: &[u8],
    (width, height): (u32, u32),
    stride: usize,
    layout: Layout,
    to: &mut Picture,
) {
    to.resize(width, height);
    let (width, chroma) = (to.width() as usize, to.chroma_width() as usize);
    let [r, g, b] = layout.places;
    let pixel =
        |pixel: &[u8]| -> [i32; 3] { [r, g, b].map(|place| pixel.get(place).copied().map_or(0, i32::from)) };
    // What stands behind the last pixel of a line is none.
    let lines = || data.chunks(stride.max(1)).map(|line| line.get(..width * layout.size).unwrap_or(line));
    for (from, line) in lines().zip(to.y_mut().chunks_exact_mut(width)) {
        for (from, sample) in from.chunks_exact(layout.size).zip(line) {
            let [r, g, b] = pixel(from);
            *sample = (((66 * r + 129 * g + 25 * b + 128) >> 8) + 16) as u8;
        }
    }
    let (to_u, to_v) = to.uv_mut();
    // Two lines at a time; the last one alone if their number is odd.
    let mut pairs = lines();
    for (u, v) in to_u.chunks_exact_mut(chroma).zip(to_v.chunks_exact_mut(chroma)) {
        let Some(upper) = pairs.next() else { return };
        let lower = pairs.next().unwrap_or(upper);
        let upper = upper.chunks(2 * layout.size).take(chroma);
        let lower = lower.chunks(2 * layout.size);
        for ((upper, lower), (u, v)) in upper.zip(lower).zip(u.iter_mut().zip(v)) {
            let four = upper.chunks_exact(layout.size).chain(lower.chunks_exact(layout.size)).map(pixel);
            let (mut sum, mut count) = ([0_i32; 3], 0);
            for one in four {
                sum = [sum[0] + one[0], sum[1] + one[1], sum[2] + one[2]];
                count += 1;
            }
            let [r, g, b] = sum.map(|sum| sum / count.max(1));
            *u = (((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128) as u8;
            *v = (((112 * r - 94 * g - 18 * b + 128) >> 8) + 128) as u8;
        }
    }
}

/// Takes a picture in which two pixels share their colours: Y, U, Y, V (V4L2's `YUYV`).
pub(super) fn from_yuyv(data: &[u8], (width, height): (u32, u32), stride: usize, to: &mut Picture) {
    to.resize(width, height);
    let (width, chroma) = (to.width() as usize, to.chroma_width() as usize);
    for (from, line) in data.chunks(stride.max(1)).zip(to.y_mut().chunks_exact_mut(width)) {
        for (from, sample) in from.chunks_exact(2).zip(line) {
            *sample = from.first().copied().unwrap_or_default();
        }
    }
    let (to_u, to_v) = to.uv_mut();
    let rows = to_u.chunks_exact_mut(chroma).zip(to_v.chunks_exact_mut(chroma));
    for (from, (u, v)) in data.chunks(stride.max(1)).step_by(2).zip(rows) {
        for (from, (u, v)) in from.chunks_exact(4).zip(u.iter_mut().zip(v)) {
            if let [_, blue, _, red] = from {
                (*u, *v) = (*blue, *red);
            }
        }
    }
}

/// Takes a picture whose colours stand behind its brightness, blue and red in turn (V4L2's `NV12`).
pub(super) fn from_nv12(data: &[u8], (width, height): (u32, u32), stride: usize, to: &mut Picture) {
    to.resize(width, height);
    let (width, chroma, stride) = (to.width() as usize, to.chroma_width() as usize, stride.max(1));
    let (bright, colours) = data.split_at(data.len().min(stride * height as usize));
    for (from, line) in bright.chunks(stride).zip(to.y_mut().chunks_exact_mut(width)) {
        for (from, sample) in from.iter().zip(line) {
            *sample = *from;
        }
    }
    let (to_u, to_v) = to.uv_mut();
    let rows = to_u.chunks_exact_mut(chroma).zip(to_v.chunks_exact_mut(chroma));
    for (from, (u, v)) in colours.chunks(stride).zip(rows) {
        for (from, (u, v)) in from.chunks_exact(2).zip(u.iter_mut().zip(v)) {
            if let [blue, red] = from {
                (*u, *v) = (*blue, *red);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brightness, blue and red of some colours in BT.601 (ITU-R BT.601-7, 2.5.3): white, black, red, green, blue.
    const COLOURS: [([u8; 3], [u8; 3]); 5] = [
        ([255, 255, 255], [235, 128, 128]),
        ([0, 0, 0], [16, 128, 128]),
        ([255, 0, 0], [81, 90, 240]),
        ([0, 255, 0], [145, 54, 34]),
        ([0, 0, 255], [41, 240, 110]),
    ];

    fn near(one: u8, other: u8) -> bool {
        one.abs_diff(other) <= 1
    }

    #[test]
    fn colours_are_those_of_the_standard() {
        for ([r, g, b], [y, u, v]) in COLOURS {
            for (width, height) in [(4, 4), (5, 3), (1, 1)] {
                let mut picture = Picture::default();
                // Lines are longer than what is in them.
                let stride = width as usize * 4 + 12;
                let mut data = vec![7; stride * height as usize];
                for line in data.chunks_exact_mut(stride) {
                    line.chunks_exact_mut(4)
                        .take(width as usize)
                        .for_each(|pixel| pixel.copy_from_slice(&[b, g, r, 9]));
                }
                from_rgb(&data, (width, height), stride, BGRX, &mut picture);
                assert!(picture.y().iter().all(|sample| near(*sample, y)), "{r} {g} {b}: {:?}", picture.y());
                let (blue, red) = picture.uv();
                let alike =
                    blue.iter().all(|sample| near(*sample, u)) && red.iter().all(|sample| near(*sample, v));
                assert!(alike, "{r} {g} {b}: {blue:?} {red:?}");
                from_rgb(&[r, g, b].repeat(64), (8, 8), 24, RGB, &mut picture);
                assert!(picture.y().iter().all(|sample| near(*sample, y)));
            }
        }
    }

    #[test]
    fn each_pixel_comes_to_its_place() {
        let mut picture = Picture::default();
        // Two lines of four: the brightness counts up.
        let yuyv = [0, 50, 1, 60, 2, 51, 3, 61, 4, 90, 5, 91, 6, 92, 7, 93];
        from_yuyv(&yuyv, (4, 2), 8, &mut picture);
        assert_eq!(picture.data(), [0, 1, 2, 3, 4, 5, 6, 7, 50, 51, 60, 61]);
        let nv12 = [0, 1, 2, 3, 0, 0, 4, 5, 6, 7, 0, 0, 50, 60, 51, 61];
        from_nv12(&nv12, (4, 2), 6, &mut picture);
        assert_eq!(picture.data(), [0, 1, 2, 3, 4, 5, 6, 7, 50, 51, 60, 61]);
    }

    #[test]
    fn what_is_cut_off_is_no_harm() {
        let mut picture = Picture::default();
        for length in 0..70 {
            let data = vec![200; length];
            from_rgb(&data, (4, 4), 16, BGRX, &mut picture);
            from_rgb(&data, (5, 5), 0, RGB, &mut picture);
            from_yuyv(&data, (5, 5), 10, &mut picture);
            from_nv12(&data, (5, 5), 5, &mut picture);
            from_nv12(&data, (5, 5), 0, &mut picture);
        }
    }
}
