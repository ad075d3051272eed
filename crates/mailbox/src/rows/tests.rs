//! The bytes of every row, and of every kind of key in `mbx_due`. They never change; a new layout has a new version.

use std::fmt::Write as _;

use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn check<T: Encode + Decode + PartialEq + std::fmt::Debug>(row: &T, bytes: &str) {
    assert_eq!(hex(&row.to_bytes()), bytes.replace([' ', '\n'], ""));
    assert_eq!(T::from_bytes(&row.to_bytes()).as_ref(), Ok(row));
    let mut newer = row.to_bytes();
    newer[0] = 2;
    assert!(T::from_bytes(&newer).is_err(), "a version from the future");
}

#[test]
fn every_row_has_the_bytes_that_are_on_disks() {
    check(
        &TotalsRow { inboxes: 1, queues: 2, envelopes: 3, memories: 4, charged: 5 },
        "01 01000000 02000000 0300000000000000 0400000000000000 0500000000000000",
    );
    let reader = ReaderRow { reader: ReaderId([0x11; 16]), up_to: 6, seen: Timestamp(7) };
    check(&reader, &format!("01 {} 0600000000000000 0700000000000000", "11".repeat(16)));
    check(
        &InboxRow {
            period: 1,
            until: Timestamp(2),
            due_hour: 3,
            last: 4,
            vouched: true,
            queues: 5,
            envelopes: 6,
            memories: 7,
            charged: 8,
            readers: BoundedVec::truncated(vec![reader]),
        },
        &format!(
            "01 01000000 0200000000000000 03000000 0400000000000000 01 05000000 06000000 07000000 0800000000000000
             01 01 {} 0600000000000000 0700000000000000",
            "11".repeat(16)
        ),
    );
    let queue = |access| QueueRow { inbox: [0x22; 32], access, period: 1, envelopes: 2, bytes: 3 };
    let (inbox, rest) = ("22".repeat(32), "01000000 02000000 0300000000000000");
    check(&queue(Access::Key { deposit: [0x33; 32] }), &format!("01 {inbox} 00 {} {rest}", "33".repeat(32)));
    check(&queue(Access::Knock {}), &format!("01 {inbox} 01 {rest}"));
    check(&queue(Access::Closed {}), &format!("01 {inbox} 02 {rest}"));
    check(
        &IndexRow {
            queue: QueueId([0x44; 16]),
            envelope: EnvelopeId([0x55; 16]),
            size_class: 3,
            hour: 4,
            deleted_by: BoundedVec::truncated(vec![ReaderId([0x11; 16])]),
        },
        &format!("01 {} {} 03 04000000 01 {}", "44".repeat(16), "55".repeat(16), "11".repeat(16)),
    );
    check(
        &KnownRow { inbox: [0x22; 32], sequence: 1, expires: Timestamp(2), deleted: true },
        &format!("01 {inbox} 0100000000000000 0200000000000000 01"),
    );
}

#[test]
fn keys_come_back_and_their_order_is_the_order_of_numbers() {
    let inbox = [0x22; 32];
    let (queue, envelope) = (QueueId([0x44; 16]), EnvelopeId([0x55; 16]));
    let kinds = [
        (Due::Trim { inbox, from: 1 }, format!("00 {} 0000000000000001", "22".repeat(32))),
        (Due::Prune { inbox, from: queue }, format!("01 {} {}", "22".repeat(32), "44".repeat(16))),
        (Due::Expire { inbox, sequence: 2 }, format!("02 {} 0000000000000002", "22".repeat(32))),
        (Due::Forget { queue, envelope }, format!("03 {} {}", "44".repeat(16), "55".repeat(16))),
        (Due::Lease { inbox }, format!("04 {}", "22".repeat(32))),
    ];
    for (due, bytes) in &kinds {
        let key = due.key(258);
        assert_eq!(hex(&key), format!("00000102 {bytes}").replace(' ', ""));
        assert_eq!(Due::from_key(&key).as_ref(), Some(due));
        assert_eq!(Due::from_key(&key[..key.len() - 1]), None);
    }
    assert!(kinds.is_sorted_by_key(|(due, _)| due.key(1)));
    assert!(Due::Lease { inbox }.key(255) < Due::Lease { inbox }.key(256));
    assert_eq!(split_index_key(&index_key(&inbox, 1 << 40)), Some((inbox, 1 << 40)));
    assert!(index_key(&inbox, 255) < index_key(&inbox, 256));
    assert_eq!(hex(&known_key(&queue, &envelope)), "44".repeat(16) + &"55".repeat(16));
    assert_eq!(hex(&knock_key(&queue, 258)), "44".repeat(16) + "0000000000000102");
    assert_eq!(TABLES.len(), 9);
}

#[test]
fn work_stands_behind_the_envelope_that_it_was_done_for() {
    let proof = WorkProof { challenge: [6; 32], solution: 7 };
    for class in SIZE_CLASSES {
        let envelope = Envelope::new([1; 16], &vec![2; class - 17]).unwrap();
        for work in [None, Some(proof)] {
            let value = envelope_value(&envelope, work.as_ref());
            assert_eq!(value.len(), class + if work.is_some() { 40 } else { 0 });
            assert_eq!(split_envelope_value(value), Ok((envelope.clone(), work)));
        }
        let mut cut = envelope_value(&envelope, Some(&proof));
        cut.pop();
        assert!(split_envelope_value(cut).is_err());
    }
    assert!(split_envelope_value(vec![1; 100]).is_err());
}
