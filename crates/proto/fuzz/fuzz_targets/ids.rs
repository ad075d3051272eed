//! Ids as people type them.
#![no_main]

use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::InviteId;
use kith_proto::id::MessageId;
use kith_proto_fuzz::text_again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    text_again::<AccountId>(&text);
    text_again::<DeviceId>(&text);
    text_again::<InviteId>(&text);
    text_again::<MessageId>(&text);
});
