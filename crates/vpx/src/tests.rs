//! Pictures that move, through encoder and decoder; and decoders among strangers.

use crate::Content;
use crate::DecodeError;
use crate::Decoder;
use crate::EncodeError;
use crate::Encoder;
use crate::Picture;
use crate::Settings;

const MOST: u64 = 1_920 * 1_200;

fn settings(width: u32, height: u32, kbps: u32) -> Settings {
    Settings { width, height, kbps, content: Content::Camera, threads: 1 }
}

/// A slope with a bright square that moves.
fn picture(width: u32, height: u32, number: u32) -> Picture {
    let mut picture = Picture::black(width, height);
    let square = (number * 3) % (width - 16)..(number * 3) % (width - 16) + 16;
    for (line, row) in picture.y_mut().chunks_exact_mut(width as usize).enumerate() {
        for (column, sample) in row.iter_mut().enumerate() {
            let inside = square.contains(&(column as u32)) && (8..24).contains(&line);
            *sample = if inside { 230 } else { 40 + ((column + line) % 100) as u8 };
        }
    }
    picture.uv_mut().0.fill(100);
    picture
}

fn psnr(one: &Picture, other: &Picture) -> f64 {
    assert_eq!((one.width(), one.height()), (other.width(), other.height()));
    let squares = one.y().iter().zip(other.y()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    let mean = squares.sum::<f64>() / one.y().len() as f64;
    10.0 * (255.0_f64.powi(2) / mean.max(1e-9)).log10()
}

/// Encodes so many pictures; their frames.
fn frames(encoder: &mut Encoder, range: std::ops::Range<u32>, key_at: Option<u32>) -> Vec<crate::Encoded> {
    let Settings { width, height, .. } = encoder.settings();
    range
        .filter_map(|number| {
            let picture = picture(width, height, number);
            encoder.encode(&picture, u64::from(number) * 3_600, 3_600, key_at == Some(number)).unwrap()
        })
        .collect()
}

#[test]
fn what_is_encoded_is_seen_again() {
    for (width, height) in [(320, 180), (161, 91)] {
        let mut encoder = Encoder::new(settings(width, height, 500)).unwrap();
        let mut decoder = Decoder::new(MOST).unwrap();
        let mut seen = Picture::default();
        for number in 0..20 {
            let sent = picture(width, height, number);
            let frame = encoder.encode(&sent, u64::from(number) * 3_600, 3_600, false).unwrap().unwrap();
            assert_eq!(frame.key, number == 0, "only the first needs no other");
            assert!(decoder.decode(&frame.data, &mut seen).unwrap());
            let likeness = psnr(&sent, &seen);
            assert!(likeness > 30.0, "picture {number} of {width} by {height}: {likeness:.1} dB");
        }
        let (u, v) = seen.uv();
        assert!(u.iter().all(|sample| sample.abs_diff(100) < 8), "blue is where blue was");
        assert!(v.iter().all(|sample| sample.abs_diff(128) < 8), "and red where red was");
    }
}

#[test]
fn keyframes_come_when_they_are_asked_for() {
    let mut encoder = Encoder::new(settings(320, 180, 500)).unwrap();
    let keys: Vec<bool> = frames(&mut encoder, 0..10, Some(6)).iter().map(|frame| frame.key).collect();
    assert_eq!(keys.iter().filter(|key| **key).count(), 2);
    assert_eq!(keys.iter().rposition(|key| *key), Some(6));
}

#[test]
fn the_rate_changes_without_a_keyframe() {
    // Noise takes all bits that it gets.
    let mut encoder = Encoder::new(settings(320, 180, 1_200)).unwrap();
    let mut random = 1_u32;
    let mut second = |encoder: &mut Encoder, from: u32| {
        let mut bytes = 0;
        for number in from..from + 25 {
            let mut picture = picture(320, 180, number);
            for sample in picture.y_mut() {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *sample = sample.saturating_add((random >> 27) as u8);
            }
            let frame = encoder.encode(&picture, u64::from(number) * 3_600, 3_600, false).unwrap();
            assert!(frame.as_ref().is_none_or(|frame| !frame.key || number == 0));
            bytes += frame.map_or(0, |frame| frame.data.len());
        }
        bytes
    };
    second(&mut encoder, 0);
    let much = second(&mut encoder, 25);
    encoder.set_kbps(200).unwrap();
    second(&mut encoder, 50);
    let little = second(&mut encoder, 75);
    assert!(little * 3 < much, "{little} bytes a second after {much}");
    encoder.set_kbps(1_200).unwrap();
    second(&mut encoder, 100);
    let again = second(&mut encoder, 125);
    assert!(again > little * 3, "{again} bytes a second after {little}");
}

#[test]
fn another_size_begins_with_a_keyframe() {
    let mut encoder = Encoder::new(settings(320, 180, 500)).unwrap();
    let mut decoder = Decoder::new(MOST).unwrap();
    let mut seen = Picture::default();
    for frame in frames(&mut encoder, 0..3, None) {
        decoder.decode(&frame.data, &mut seen).unwrap();
    }
    for (width, height) in [(640, 360), (160, 90)] {
        encoder.set_size(width, height).unwrap();
        let frames = frames(&mut encoder, 3..6, None);
        assert!(frames.first().is_some_and(|frame| frame.key));
        for frame in frames {
            assert!(decoder.decode(&frame.data, &mut seen).unwrap());
            assert_eq!((seen.width(), seen.height()), (width, height));
        }
    }
    let wrong = encoder.encode(&picture(320, 180, 0), 0, 3_600, false);
    assert_eq!(wrong, Err(EncodeError::OtherSize));
    assert!(encoder.set_size(0, 90).is_err(), "there is no such picture");
    assert!(encoder.set_size(16_384, 90).is_err());
    assert_eq!(frames(&mut encoder, 6..7, None).len(), 1, "a size that was refused changes nothing");
}

#[test]
fn a_screen_is_seen_sharply() {
    let settings = Settings { content: Content::Screen, ..settings(640, 360, 800) };
    let mut encoder = Encoder::new(settings).unwrap();
    let mut decoder = Decoder::new(MOST).unwrap();
    let mut page = Picture::black(640, 360);
    for (line, row) in page.y_mut().chunks_exact_mut(640).enumerate() {
        row.iter_mut().enumerate().for_each(|(x, y)| *y = if (x / 2 + line / 3) % 5 == 0 { 16 } else { 235 });
    }
    let mut seen = Picture::default();
    for number in 0..30 {
        let frame = encoder.encode(&page, number * 9_000, 9_000, false).unwrap();
        let frame = frame.expect("no picture of a screen is left out");
        assert!(decoder.decode(&frame.data, &mut seen).unwrap());
    }
    let likeness = psnr(&page, &seen);
    assert!(likeness > 30.0, "{likeness:.1} dB");
}

#[test]
fn a_small_frame_cannot_ask_for_much_memory() {
    let mut encoder = Encoder::new(settings(320, 180, 500)).unwrap();
    let mut key = frames(&mut encoder, 0..1, None).remove(0).data;
    let mut decoder = Decoder::new(320 * 180).unwrap();
    let mut seen = Picture::default();
    assert_eq!(decoder.decode(&key, &mut seen), Ok(true), "as large as it may be");
    key[6..10].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    assert_eq!(decoder.decode(&key, &mut seen), Err(DecodeError::TooLarge));
    key[6..10].copy_from_slice(&[0, 0, 180, 0]);
    assert_eq!(decoder.decode(&key, &mut seen), Err(DecodeError::NoFrame));
}

#[test]
fn frames_of_strangers_harm_nobody() {
    let mut encoder = Encoder::new(settings(160, 90, 300)).unwrap();
    let good = frames(&mut encoder, 0..12, Some(6));
    let mut random = 7_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    let mut decoder = Decoder::new(MOST).unwrap();
    let mut seen = Picture::default();
    assert_eq!(decoder.decode(&good[1].data, &mut seen), Err(DecodeError::NoFrame), "nothing to refer to");
    let (mut shown, mut refused) = (0, 0);
    for round in 0..3_000 {
        let mut data = good[next() % good.len()].data.clone();
        match round % 4 {
            0 => data.truncate(next() % data.len()),
            1 => data = (0..next() % 400).map(|_| next() as u8).collect(),
            _ => {
                for _ in 0..1 + next() % 8 {
                    let at = next() % data.len();
                    data[at] = next() as u8;
                }
            }
        }
        match decoder.decode(&data, &mut seen) {
            Ok(_) => shown += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(shown > 100 && refused > 100, "{shown} shown, {refused} refused");
    for frame in good.iter().skip(6) {
        assert!(decoder.decode(&frame.data, &mut seen).unwrap(), "a keyframe mends everything");
    }
    assert!(psnr(&picture(160, 90, 11), &seen) > 28.0);
}
