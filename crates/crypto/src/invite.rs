//! Proofs that somebody holds an invite, without saying its secret: HMAC-SHA-256 under the secret, with a label for
//! the use and both parties in a fixed order, so that a proof for one use or pair is worth nothing for another.

use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::invite::InviteSecret;

use crate::primitives;
use crate::secret;

/// Allows `asker` to fetch the prekeys of `owner`'s device.
pub fn prekey_proof(invite: &InviteSecret, asker: &DeviceId, owner: &DeviceId) -> [u8; 32] {
    primitives::hmac(&invite.0, &[b"kith invite prekeys v1", &asker.0, &owner.0])
}

/// Allows `asker` to be shown as somebody who wants to be `owner`'s contact.
pub fn request_proof(invite: &InviteSecret, asker: &AccountId, owner: &AccountId) -> [u8; 32] {
    primitives::hmac(&invite.0, &[b"kith invite request v1", &asker.0, &owner.0])
}

/// The invite that everybody can make who knows an account's address: who asks with it knocks.
pub fn knock(account: &AccountId) -> InviteSecret {
    InviteSecret(*primitives::hkdf(b"", &account.0, b"kith knock v1"))
}

/// Compares proofs in constant time.
pub fn proofs_equal(one: &[u8; 32], other: &[u8; 32]) -> bool {
    secret::equal(one, other)
}
