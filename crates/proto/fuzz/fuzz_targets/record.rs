//! What DHT nodes hold.
#![no_main]

use kith_proto::record::CardRecord;
use kith_proto::record::DeviceRecord;
use kith_proto::record::ListRecord;
use kith_proto::record::Record;
use kith_proto_fuzz::again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    again::<Record>(data);
    again::<DeviceRecord>(data);
    again::<CardRecord>(data);
    again::<ListRecord>(data);
});
