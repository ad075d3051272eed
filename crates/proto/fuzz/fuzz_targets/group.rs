//! Operations of a group's log.
#![no_main]

use kith_proto::group::Operation;
use kith_proto::group::Policy;
use kith_proto_fuzz::again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    again::<Operation>(data);
    again::<Policy>(data);
});
