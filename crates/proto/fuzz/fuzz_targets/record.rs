//! What DHT nodes hold.
#![no_main]

use kith_proto::record::DeviceRecord;
use kith_proto::record::Record;
use kith_proto_fuzz::again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    again::<Record>(data);
    again::<DeviceRecord>(data);
});
