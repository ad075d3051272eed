//! What is said about calls.
#![no_main]

use kith_proto::call::CallWord;
use kith_proto::call::Step;
use kith_proto_fuzz::again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    again::<CallWord>(data);
    again::<Step>(data);
});
