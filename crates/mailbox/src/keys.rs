//! The mailbox's secrets, all made from its device seed: its signature under receipts, and what binds
//! challenges to it.

use ed25519_dalek::Signature;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::Signature as SignatureBytes;
use zeroize::Zeroizing;

/// What only this mailbox knows.
pub(crate) struct Keys {
    signing: SigningKey,
    /// Its public device key.
    pub(crate) device: DeviceId,
    /// Authenticates challenges, so that none has to be remembered.
    pub(crate) challenge: Zeroizing<[u8; 32]>,
}

impl Keys {
    pub(crate) fn new(device_seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(device_seed);
        let device = DeviceId(signing.verifying_key().to_bytes());
        let derive = |context| Zeroizing::new(blake3::derive_key(context, device_seed));
        Self { signing, device, challenge: derive("kith 2026-11-21 mailbox challenges v1") }
    }

    /// Signs as this device. The same bytes always get the same signature.
    pub(crate) fn sign(&self, bytes: &[u8]) -> SignatureBytes {
        self.signing.sign(bytes).to_bytes()
    }
}

/// Whether `key` signed `bytes`. Strict: weak keys and second forms of a signature do not count.
pub(crate) fn holds(key: &[u8; 32], bytes: &[u8], signature: &SignatureBytes) -> bool {
    VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(bytes, &Signature::from_bytes(signature)).is_ok())
}
