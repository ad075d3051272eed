//! Frames between two devices.
#![no_main]

use kith_proto::frame::Frame;
use kith_proto_fuzz::again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    again::<Frame>(data);
});
