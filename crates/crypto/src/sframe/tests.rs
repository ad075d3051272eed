//! The vectors of RFC 9605 (appendix C), and what those in a call can and cannot open.

use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// Key id, counter, bytes: the corners of the table.
const HEADERS: &[(u64, u64, &str)] = &[
    (0, 0, "00"),
    (0, 1, "01"),
    (0, 255, "08ff"),
    (0, 256, "090100"),
    (0, 65_535, "09ffff"),
    (0, 65_536, "0a010000"),
    (0, 4_294_967_296, "0c0100000000"),
    (0, 72_057_594_037_927_935, "0effffffffffffff"),
    (0, u64::MAX, "0fffffffffffffffff"),
    (1, 0, "10"),
    (1, 16_777_216, "1b01000000"),
    (255, 0, "80ff"),
    (255, 1, "81ff"),
    (255, 255, "88ffff"),
    (256, 0, "900100"),
    (256, 255, "980100ff"),
    (65_535, 281_474_976_710_655, "9dffffffffffffffff"),
    (65_536, 256, "a90100000100"),
    (16_777_215, 1_099_511_627_776, "adffffff010000000000"),
    (16_777_216, 65_535, "b901000000ffff"),
    (4_294_967_295, u64::MAX, "bfffffffffffffffffffffffff"),
    (4_294_967_296, 281_474_976_710_656, "ce010000000001000000000000"),
    (1_099_511_627_775, 0, "c0ffffffffff"),
];

#[test]
fn headers_are_those_of_the_standard() {
    for (key, counter, bytes) in HEADERS {
        let header = Header { key: *key, counter: *counter };
        assert_eq!(HEXLOWER.encode(&header.to_bytes()), *bytes);
        assert_eq!(Header::read(&hex(bytes)), Some((header, bytes.len() / 2)));
    }
}

#[test]
fn headers_that_are_longer_than_they_need_be_are_none() {
    for bytes in ["", "8001", "08", "0807", "090001", "0f00000000000000ff", "ffffffffffffffffff"] {
        assert_eq!(Header::read(&hex(bytes)), None, "{bytes}");
    }
}

#[test]
fn frames_are_those_of_the_standard() {
    let base = hex("000102030405060708090a0b0c0d0e0f");
    let metadata = hex("4945544620534672616d65205747");
    let frame = hex("64726166742d696574662d736672616d652d656e63");
    let sealed = cipher::seal_as(0x123, &base, 0x4567, &metadata, &frame);
    let standard = "990123456794f509d36e9beacb0e261d99c7d1e972f1fed787d4049f17ca21353c1cc24d56ceabced279";
    assert_eq!(HEXLOWER.encode(&sealed), standard);
    let opened = cipher::Opener::new(0x123, &base).open(&metadata, &sealed).unwrap();
    assert_eq!((opened.counter, opened.frame), (0x4567, frame));
}

const FIRST: KeyName = KeyName { generation: 1, step: 0 };

fn base(number: u8) -> BaseKey {
    BaseKey::new([number; BASE_KEY_BYTES])
}

fn hearing(name: KeyName, base: &BaseKey) -> FrameKeys {
    let mut keys = FrameKeys::new(7);
    keys.add(name, base.clone());
    keys
}

#[test]
fn what_ada_says_bob_hears_once() {
    let mut ada = SenderKeys::new(7, FIRST, &base(1));
    let mut bob = hearing(FIRST, &base(1));
    let (one, two) = (ada.seal(0, b"one").unwrap(), ada.seal(0, b"two").unwrap());
    assert_eq!(FrameKeys::sender_of(&one), Some(7));
    assert_eq!(bob.open(0, &two).unwrap(), Opened { counter: 1, frame: b"two".to_vec() });
    assert_eq!(bob.open(0, &one).unwrap().frame, b"one", "late ones are welcome");
    assert_eq!(bob.open(0, &one), Err(OpenError::Repeated));
    assert_eq!(bob.open(0, &two), Err(OpenError::Repeated));
}

#[test]
fn a_voice_is_no_picture() {
    let mut ada = SenderKeys::new(7, FIRST, &base(1));
    let mut bob = hearing(FIRST, &base(1));
    let voice = ada.seal(0, b"a voice").unwrap();
    assert_eq!(bob.open(1, &voice), Err(OpenError::UnknownKey));
    let picture = ada.seal(1, b"a voice").unwrap();
    assert_ne!(voice[voice.len() - 23..], picture[picture.len() - 23..], "each stream has keys of its own");
    assert!(ada.seal(3, b"a fourth stream").is_none());
}

#[test]
fn whoever_comes_later_does_not_hear_what_was_said_before() {
    let (early, late) = (base(1), base(1).next());
    let name = FIRST.next_step();
    let mut before = SenderKeys::new(7, FIRST, &early);
    let mut after = SenderKeys::new(7, name, &late);
    let (mut bob, mut cyd) = (hearing(FIRST, &early), hearing(name, &late));
    let (one, two) = (before.seal(0, b"before").unwrap(), after.seal(0, b"after").unwrap());
    assert_eq!(bob.open(0, &two).unwrap().frame, b"after", "Bob gets there by himself");
    assert_eq!(cyd.open(0, &two).unwrap().frame, b"after");
    assert_eq!(cyd.open(0, &one), Err(OpenError::UnknownKey));
    assert!(early.next() == late && early != late);
}

#[test]
fn frames_of_the_step_before_are_opened_while_they_are_on_the_way() {
    let mut before = SenderKeys::new(7, FIRST, &base(1));
    let mut after = SenderKeys::new(7, FIRST.next_step(), &base(1).next());
    let mut bob = hearing(FIRST, &base(1));
    let (one, two) = (before.seal(0, b"one").unwrap(), before.seal(0, b"two").unwrap());
    bob.open(0, &one).unwrap();
    bob.open(0, &after.seal(0, b"three").unwrap()).unwrap();
    assert_eq!(bob.open(0, &two).unwrap().frame, b"two");
}

#[test]
fn whoever_has_left_does_not_hear_what_is_said_afterwards() {
    let next = FIRST.next_generation();
    let mut ada = SenderKeys::new(7, next, &base(2));
    let (mut bob, mut gone) = (hearing(FIRST, &base(1)), hearing(FIRST, &base(1)));
    bob.add(next, base(2));
    let frame = ada.seal(0, b"among us").unwrap();
    assert_eq!(bob.open(0, &frame).unwrap().frame, b"among us");
    assert_eq!(gone.open(0, &frame), Err(OpenError::UnknownKey));
    gone.add(next, base(1));
    assert_eq!(gone.open(0, &frame), Err(OpenError::NotAuthentic));
}

#[test]
fn a_forged_step_changes_nothing() {
    let mut ada = SenderKeys::new(7, FIRST, &base(1));
    let mut bob = hearing(FIRST, &base(1));
    let mut forged = SenderKeys::new(7, KeyName { generation: 1, step: 5 }, &base(9));
    assert_eq!(bob.open(0, &forged.seal(0, b"forged").unwrap()), Err(OpenError::NotAuthentic));
    assert_eq!(bob.open(0, &ada.seal(0, b"real").unwrap()).unwrap().frame, b"real");
    let far = KeyName { generation: 1, step: 9 };
    let far = SenderKeys::new(7, far, &base(1)).seal(0, b"far").unwrap();
    assert_eq!(bob.open(0, &far), Err(OpenError::UnknownKey), "nobody makes Bob hash for long");
}

#[test]
fn what_is_much_too_late_is_not_opened() {
    let mut ada = SenderKeys::new(7, FIRST, &base(1));
    let mut bob = hearing(FIRST, &base(1));
    let frames: Vec<Vec<u8>> = (0..1_100).map(|_| ada.seal(0, b"frame").unwrap()).collect();
    bob.open(0, &frames[1_099]).unwrap();
    assert_eq!(bob.open(0, &frames[70]), Err(OpenError::Repeated), "whether it came is not known any more");
    assert!(bob.open(0, &frames[76]).is_ok() && bob.open(0, &frames[76]).is_err());
    let opened = frames.iter().filter(|frame| bob.open(0, frame).is_ok()).count();
    assert_eq!(opened, 1_024 - 2, "all others of the window");
}

proptest! {
    #[test]
    fn nothing_that_is_changed_is_opened(frame in prop::collection::vec(any::<u8>(), 0..64), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut sealed = SenderKeys::new(7, FIRST, &base(1)).seal(2, &frame).unwrap();
        let mut bob = hearing(FIRST, &base(1));
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(bob.open(2, &sealed).is_err());
        sealed[at] ^= 1 << bit;
        prop_assert_eq!(bob.open(2, &sealed).unwrap().frame, frame);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Some((header, length)) = Header::read(&bytes) {
            prop_assert_eq!(&header.to_bytes()[..], &bytes[..length]);
        }
        prop_assert!(hearing(FIRST, &base(1)).open(0, &bytes).is_err());
    }
}
