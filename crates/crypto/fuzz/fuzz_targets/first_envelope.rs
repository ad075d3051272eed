//! Any bytes in the place of a first envelope: no panic, and nothing opens that was not sealed.
#![no_main]

use kith_crypto::identity::DeviceSecret;
use kith_crypto::session::FirstEnvelope;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::HEADER_BYTES;
use kith_proto::envelope::SIZE_CLASSES;
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

fuzz_target!(|data: &[u8]| {
    let bob = DeviceSecret::generate(&mut ChaCha20Rng::from_seed([1; 32]));
    let mut sealed = data.to_vec();
    sealed.resize(SIZE_CLASSES[1] - HEADER_BYTES, 0);
    if let Some(envelope) = Envelope::new([0; 16], &sealed) {
        assert!(FirstEnvelope::open(&bob, &envelope).is_err(), "a seal was guessed");
    }
});
