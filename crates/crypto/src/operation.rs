//! Signatures of a group's log: operations by a device, and proofs that somebody holds a link into the group.
//!
//! Both are Ed25519 with a label of their own, checked strictly. Who may do what is not decided here.

use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use kith_proto::group::Operation;
use kith_proto::group::link_proof_bytes;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::mailbox::Signature;
use rand_core::CryptoRng;

use crate::identity;
use crate::identity::DeviceSecret;
use crate::identity::SignedDeviceList;
use crate::primitives;
use crate::secret::Secret32;

/// The secret of a link into a group: in the link, and in the log that only members have.
pub struct LinkSecret(Secret32);

impl LinkSecret {
    /// A new link.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(primitives::random_secret(rng))
    }

    /// The link with this Ed25519 seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(Secret32::new(seed))
    }

    /// The Ed25519 seed.
    pub fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public key, as the group's log has it.
    pub fn public(&self) -> [u8; 32] {
        SigningKey::from_bytes(self.0.as_bytes()).verifying_key().to_bytes()
    }

    /// Proves that the account of this list holds the link.
    pub fn prove(&self, group: &GroupId, devices: &SignedDeviceList) -> Signature {
        let bytes = link_proof_bytes(group, &devices.list.account, &devices.hash());
        SigningKey::from_bytes(self.0.as_bytes()).sign(&bytes).to_bytes()
    }
}

/// Whether an account proved that it holds the link with this public key. `devices` is the hash of its device list.
pub fn verify_link_proof(
    key: &[u8; 32],
    group: &GroupId,
    (account, devices): (&AccountId, &[u8; 32]),
    proof: &Signature,
) -> bool {
    identity::verify(key, &link_proof_bytes(group, account, devices), proof).is_ok()
}

/// Puts the device's signature into an operation. The operation must name this device.
pub fn sign_operation(device: &DeviceSecret, operation: &mut Operation) {
    operation.signature = device.signing_key().sign(&operation.signed_bytes()).to_bytes();
}

/// Whether the device that an operation names signed it. Not whether that device is its author's.
pub fn verify_operation(operation: &Operation) -> bool {
    identity::verify(&operation.device.0, &operation.signed_bytes(), &operation.signature).is_ok()
}
