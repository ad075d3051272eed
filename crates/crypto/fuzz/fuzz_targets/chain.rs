//! Shares, stored chains and envelopes of a group with anything in them: no panic, one form, and nothing opens that was not
//! sealed.
#![no_main]

use kith_crypto::group::ChainShare;
use kith_crypto::group::ReceivingChain;
use kith_crypto::group::SendingChain;
use kith_proto::envelope::Envelope;
use kith_proto::id::GroupId;
use kith_proto::id::ViewId;
use kith_proto::time::Timestamp;
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fuzz_target!(|data: &[u8]| {
    if let Ok(share) = ChainShare::from_bytes(data) {
        assert!(*share.to_bytes() == *data);
    }
    if let Ok(chain) = SendingChain::from_bytes(data) {
        assert!(*chain.to_bytes() == *data);
    }
    if let Ok(chain) = ReceivingChain::from_bytes(data) {
        assert!(*chain.to_bytes() == *data);
    }
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut owner = SendingChain::generate(&mut rng, GroupId([1; 32]), ViewId([2; 32]), NOW);
    let chain = ReceivingChain::new(owner.hand_out());
    let real = owner.seal(&mut rng, NOW, b"hello", b"").unwrap();
    let mut bytes = real.as_bytes().to_vec();
    for pair in data.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([pair[0], pair[1]])) % bytes.len();
        bytes[at] = pair[2];
    }
    let changed = bytes != real.as_bytes();
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert_eq!(chain.open(NOW, &envelope, b"").is_err(), changed);
    }
});
