//! Envelopes, alone and with a length before them.
#![no_main]

use kith_proto::envelope::Envelope;
use kith_proto_fuzz::again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    again::<Envelope>(data);
    if let Ok(envelope) = Envelope::parse(data.to_vec()) {
        assert_eq!(Envelope::new(envelope.tag(), envelope.sealed()), Some(envelope));
    }
});
