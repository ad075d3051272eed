//! A member who says anything at all while histories are compared: it ends, without panic, and what is said back stays
//! within bounds.
#![no_main]

use kith_engine::Output;
use kith_engine::groups::history::History;
use kith_engine::groups::reconcile::Meeting;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::GroupId;
use kith_proto::sync::MAX_SYNC_WORD_BYTES;
use kith_proto::sync::SyncWord;
use kith_simulations::disk::Disk;
use libfuzzer_sys::fuzz_target;

const GROUP: GroupId = GroupId([7; 32]);

fuzz_target!(|data: &[u8]| {
    let Some((first, mut rest)) = data.split_first() else { return };
    let mut meeting = if first & 1 == 0 { Meeting::ask(GROUP, [1; 16]) } else { Meeting::answer(GROUP) };
    let (history, disk, out) = (History::new(GROUP), Disk::default(), Output::new());
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let (bytes, more) = more.split_at(usize::from(u16::from_le_bytes(*length)).min(more.len()));
        rest = more;
        while let Some(word) = meeting.next(&history, &disk, &out).unwrap() {
            assert!(word.to_bytes().len() <= MAX_SYNC_WORD_BYTES);
        }
        let Ok(word) = SyncWord::from_bytes(bytes) else { continue };
        if meeting.take(&history, &disk, &out, word).is_err() {
            assert!(meeting.is_over());
            return;
        }
    }
});
