//! Packets of video, of both codecs. What must hold is checked by the driver, which the property tests use as well.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[expect(dead_code, reason = "each target drives one machine")]
#[path = "../../tests/media/drive.rs"]
mod drive;

fuzz_target!(|data: &[u8]| drive::frames(data));
