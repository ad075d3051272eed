//! What a friend can say once the box is open.
#![no_main]

use kith_proto::payload::Content;
use kith_proto::payload::Payload;
use kith_proto_fuzz::again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    again::<Payload>(data);
    again::<Content>(data);
});
