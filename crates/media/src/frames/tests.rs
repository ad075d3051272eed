use super::*;

const PATIENCE: Duration = Duration::from_millis(200);

/// A packet of VP8 in a frame of its own stamp; `part` of `of`.
fn vp8(number: u16, frame: u32, key: bool, part: u32, of: u32) -> (u16, u32, bool, Vec<u8>) {
    let descriptor = if part == 0 { 0x10 } else { 0x00 };
    (
        number,
        frame * 3_600,
        part + 1 == of,
        vec![descriptor, if key { 0x10 } else { 0x11 }, frame as u8, part as u8],
    )
}

fn push(assembler: &mut Assembler, millis: u64, packet: &(u16, u32, bool, Vec<u8>)) {
    let packet = Packet { number: packet.0, stamp: packet.1, marker: packet.2, payload: &packet.3 };
    assembler.push(Time::from_millis(millis), packet);
}

fn popped(assembler: &mut Assembler, millis: u64) -> Vec<u32> {
    std::iter::from_fn(|| assembler.pop(Time::from_millis(millis))).map(|frame| frame.stamp / 3_600).collect()
}

/// Frames of three packets each, the first a keyframe; numbers wrap soon.
fn stream(frames: u32) -> Vec<(u16, u32, bool, Vec<u8>)> {
    let packet = |at: u32| vp8(65_530_u16.wrapping_add(at as u16), at / 3, at < 3, at % 3, 3);
    (0..frames * 3).map(packet).collect()
}

#[test]
fn a_frame_is_given_with_its_last_packet() {
    let mut assembler = Assembler::new(Codec::Vp8, PATIENCE);
    for (index, packet) in stream(4).iter().enumerate() {
        push(&mut assembler, index as u64, packet);
        let frame = assembler.pop(Time::from_millis(index as u64));
        assert_eq!(frame.is_some(), index % 3 == 2);
        if let Some(frame) = frame {
            assert_eq!(
                (frame.key, frame.data.len(), frame.came),
                (index == 2, 9, Time::from_millis(index as u64))
            );
        }
    }
    assert!(!assembler.wants_key(Time::from_millis(99)));
}

#[test]
fn order_and_copies_do_not_matter() {
    let mut packets = stream(10);
    let copies = packets.clone();
    packets.extend(copies);
    // A fixed shuffle.
    packets.sort_by_key(|packet| packet.0.wrapping_mul(40_503) >> 3);
    let mut assembler = Assembler::new(Codec::Vp8, PATIENCE);
    packets.iter().for_each(|packet| push(&mut assembler, 0, packet));
    assert_eq!(popped(&mut assembler, 1), (0..10).collect::<Vec<_>>());
    push(&mut assembler, 2, &packets[0]);
    assert!(popped(&mut assembler, 2).is_empty());
    assert_eq!(assembler.stats().dropped, 31);
}

#[test]
fn a_missing_packet_is_waited_for_and_then_a_keyframe_is_asked_for() {
    let packets = stream(6);
    let mut assembler = Assembler::new(Codec::Vp8, PATIENCE);
    let all_but = |assembler: &mut Assembler, missing: usize| {
        packets
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != missing)
            .for_each(|(_, packet)| push(assembler, 0, packet));
    };
    all_but(&mut assembler, 7);
    assert_eq!(popped(&mut assembler, 10), [0, 1]);
    assert_eq!(assembler.next_wake(), Some(Time::from_millis(200)));
    push(&mut assembler, 100, &packets[7]);
    assert_eq!(popped(&mut assembler, 100), [2, 3, 4, 5], "it came in time");

    let mut assembler = Assembler::new(Codec::Vp8, PATIENCE);
    all_but(&mut assembler, 7);
    assert_eq!(popped(&mut assembler, 10), [0, 1]);
    assert!(!assembler.wants_key(Time::from_millis(150)));
    assert!(popped(&mut assembler, 200).is_empty());
    assert!(assembler.wants_key(Time::from_millis(200)));
    assert!(!assembler.wants_key(Time::from_millis(300)), "not all the time");
    assert!(assembler.wants_key(Time::from_millis(700)));
    for part in 0..3 {
        push(&mut assembler, 710, &vp8(65_530_u16.wrapping_add(18 + part as u16), 6, true, part, 3));
    }
    assert_eq!(popped(&mut assembler, 710), [6]);
    assert!(!assembler.wants_key(Time::from_millis(9_999)));
    let stats = assembler.stats();
    assert_eq!((stats.frames, stats.keys, stats.useless, stats.gaps), (3, 2, 3, 1));
}

#[test]
fn a_keyframe_behind_a_gap_is_not_kept_waiting() {
    let mut assembler = Assembler::new(Codec::Vp8, PATIENCE);
    stream(2).iter().for_each(|packet| push(&mut assembler, 0, packet));
    assert_eq!(popped(&mut assembler, 0), [0, 1]);
    // Frame 2 is lost but for its last packet; frame 3 is a keyframe.
    push(&mut assembler, 40, &vp8(65_530_u16.wrapping_add(8), 2, false, 2, 3));
    for part in 0..3 {
        push(&mut assembler, 80, &vp8(65_530_u16.wrapping_add(9 + part as u16), 3, true, part, 3));
    }
    assert_eq!(popped(&mut assembler, 80), [3]);
    assert!(!assembler.wants_key(Time::from_millis(80)));
}

#[test]
fn who_comes_in_the_middle_asks_for_a_keyframe() {
    let mut assembler = Assembler::new(Codec::Vp8, PATIENCE);
    assert!(!assembler.wants_key(Time::from_millis(0)), "nobody is there");
    stream(5)[4..].iter().for_each(|packet| push(&mut assembler, 0, packet));
    assert!(popped(&mut assembler, 0).is_empty());
    assert!(assembler.wants_key(Time::from_millis(0)));
}

#[test]
fn padding_and_forgotten_markers_do_no_harm() {
    let mut assembler = Assembler::new(Codec::Vp8, PATIENCE);
    push(&mut assembler, 0, &vp8(1, 0, true, 0, 1));
    push(&mut assembler, 0, &(2, 0, false, Vec::new()));
    push(&mut assembler, 0, &(3, 0, false, Vec::new()));
    push(&mut assembler, 0, &vp8(4, 1, false, 0, 9));
    assert_eq!(popped(&mut assembler, 0), [0]);
    push(&mut assembler, 0, &vp8(5, 2, false, 0, 1));
    assert_eq!(popped(&mut assembler, 0), [1, 2], "the frame without a marker ends where the next begins");
}

#[test]
fn h264_is_assembled_too() {
    let mut assembler = Assembler::new(Codec::H264, PATIENCE);
    push(&mut assembler, 0, &(7, 0, false, vec![24, 0, 1, 0x67, 0, 1, 0x68]));
    push(&mut assembler, 0, &(8, 0, false, vec![0x7c, 0x85, 1]));
    push(&mut assembler, 0, &(9, 0, true, vec![0x7c, 0x45, 2]));
    let frame = assembler.pop(Time::from_millis(0)).unwrap();
    assert!(frame.key && frame.data.ends_with(&[0, 0, 0, 1, 0x65, 1, 2]));
}

#[test]
fn a_sender_that_begins_anew_is_followed_and_memory_is_bounded() {
    let mut assembler = Assembler::new(Codec::Vp8, PATIENCE);
    stream(3).iter().for_each(|packet| push(&mut assembler, 0, packet));
    assert_eq!(popped(&mut assembler, 0).len(), 3);
    push(&mut assembler, 0, &vp8(20_000, 9, true, 0, 1));
    assert_eq!(popped(&mut assembler, 0), [9], "far ahead");
    (0..200).for_each(|number| {
        push(&mut assembler, 0, &vp8(100 + number, u32::from(number), number == 100, 0, 1));
    });
    assert!(popped(&mut assembler, 0).len() > 90, "far behind, again and again");
    (0..60_000_u16).for_each(|number| push(&mut assembler, 0, &vp8(number.wrapping_mul(3), 5, false, 1, 99)));
    assert!(assembler.packets.len() <= MOST_PACKETS && assembler.bytes <= MOST_BYTES);
}
