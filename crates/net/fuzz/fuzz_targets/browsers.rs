//! What comes on the port for browsers, past the keys or before them: bindings, packets of SCTP, frames.
#![no_main]

use kith_net::webrtc::raw;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| match data.split_first() {
    Some((0, data)) => raw::binding(data),
    Some((1..=60, data)) => raw::frames(data),
    Some((_, data)) => raw::chunks(data),
    None => {}
});
