//! Random acts of strangers, and orders in which packets may come.

use std::time::Duration;

use kith_media::Time;
use kith_media::frames::Assembler;
use kith_media::frames::Codec;
use kith_media::frames::Packet;
use kith_media::stretch;
use proptest::prelude::*;

use crate::drive;

fn acts() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..3_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn video_packets_do_no_harm(data in acts()) {
        drive::frames(&data);
    }

    #[test]
    fn audio_packets_do_no_harm(data in acts()) {
        drive::jitter(&data);
    }

    #[test]
    fn feedback_does_no_harm(data in acts()) {
        drive::feedback(&data);
    }

    #[test]
    fn requests_do_no_harm(data in acts()) {
        drive::nack(&data);
    }

    #[test]
    fn the_pacer_loses_nothing(data in acts()) {
        drive::pacer(&data);
    }

    /// Packets that come in any order within the time that is waited, and twice, make all frames, in order.
    #[test]
    fn frames_do_not_depend_on_the_order(
        sizes in proptest::collection::vec(1_u16..6, 1..30),
        delays in proptest::collection::vec(0_u64..150, 180),
        first in any::<u16>(),
        twice in any::<bool>(),
    ) {
        let mut arrivals = Vec::new();
        let mut number = first;
        for (frame, size) in sizes.iter().enumerate() {
            for part in 0..*size {
                let payload = vec![if part == 0 { 0x10 } else { 0 }, u8::from(frame > 0), frame as u8, part as u8];
                let at = frame as u64 * 40 + delays[arrivals.len() % delays.len()];
                // The very first one comes first: what was before it is not known to be.
                let at = if frame == 0 && part == 0 { 0 } else { at };
                arrivals.push((at, number, frame as u32, part + 1 == *size, payload));
                number = number.wrapping_add(1);
            }
        }
        if twice {
            arrivals.extend(arrivals.clone());
        }
        arrivals.sort();
        let mut assembler = Assembler::new(Codec::Vp8, Duration::from_millis(200));
        let mut frames = Vec::new();
        for (at, number, stamp, marker, payload) in &arrivals {
            let now = Time::from_millis(*at);
            assembler.push(now, Packet { number: *number, stamp: *stamp, marker: *marker, payload });
            frames.extend(std::iter::from_fn(|| assembler.pop(now)));
        }
        let stamps: Vec<u32> = frames.iter().map(|frame| frame.stamp).collect();
        prop_assert_eq!(stamps, (0..sizes.len() as u32).collect::<Vec<_>>());
        for (frame, size) in frames.iter().zip(&sizes) {
            prop_assert_eq!(frame.data.len(), usize::from(*size) * 3);
        }
    }

    /// Whatever is stretched, nothing is louder than before, and the lengths are as said.
    #[test]
    fn stretching_is_never_louder(sound in proptest::collection::vec(-1.0_f32..1.0, 0..3_000), lag in 0_usize..2_000) {
        let mut out = Vec::new();
        if stretch::shorten(&sound, lag, &mut out) {
            prop_assert_eq!(out.len(), sound.len() - lag);
            prop_assert!(out.iter().all(|sample| sample.abs() <= 1.0));
        }
        if stretch::lengthen(&sound, lag, &mut out) {
            prop_assert_eq!(out.len(), sound.len() + lag);
            prop_assert!(out.iter().all(|sample| sample.abs() <= 1.0));
        }
        let found = stretch::find(&sound);
        prop_assert_eq!(found.is_some(), sound.len() >= stretch::NEEDED);
        prop_assert!(found.is_none_or(|found| (stretch::SHORTEST_LAG..=stretch::LONGEST_LAG).contains(&found.lag)));
    }
}
