//! What is said in groups, and the words about it.
#![no_main]

use kith_proto::post::Draft;
use kith_proto::post::Post;
use kith_proto::sync::Line;
use kith_proto::sync::SyncWord;
use kith_proto_fuzz::again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    again::<Post>(data);
    again::<Draft>(data);
    again::<Line>(data);
    again::<SyncWord>(data);
});
