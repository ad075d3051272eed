//! The keys of mailboxes, each derived from one secret so that nothing has to be agreed again when a period ends: an
//! inbox from a secret of its owner, a queue from a secret that the owner gave to one contact's device.
//!
//! Every key belongs to one mailbox and one period. Nothing in the keys tells two
//! mailboxes, or one in two periods, that they serve the same person (`SPEC.md`, section 11); the connection may.

use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::hazmat::ExpandedSecretKey;
use ed25519_dalek::hazmat::raw_sign;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::QueueId;
use kith_proto::id::ReaderId;
use kith_proto::invite::InviteSecret;
use kith_proto::mailbox::Nonce;
use kith_proto::mailbox::OwnerProof;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Signature;
use kith_proto::mailbox::owned_queue;
use kith_proto::mailbox::owner_bytes;
use kith_proto::mailbox::receipt_bytes;
use kith_proto::time::Timestamp;
use sha2::Digest as _;
use sha2::Sha512;

use crate::identity;
use crate::identity::DeviceSecret;
use crate::primitives;
use crate::secret::Secret32;

pub use kith_proto::mailbox::PERIOD;
pub use kith_proto::mailbox::period_at;

/// A key that signs requests: an inbox's, or one that may leave envelopes in a queue.
pub struct MailboxKey(SigningKey);

impl MailboxKey {
    /// What the mailbox knows it by.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Puts the signature into a request for a stream to `mailbox` that was given `nonce`.
    pub fn sign(&self, mailbox: &DeviceId, nonce: &Nonce, request: &mut Request) {
        let made = self.0.sign(&request.signed_bytes(mailbox, nonce)).to_bytes();
        if let Request::Register { signature, .. }
        | Request::Deposit { signature, .. }
        | Request::Subscribe { signature, .. } = request
        {
            *signature = made;
        }
    }
}

/// The key of an inbox at a mailbox for a period.
pub fn inbox_key(seed: &Secret32, mailbox: &DeviceId, period: u32) -> MailboxKey {
    signing(seed.as_bytes(), b"kith mailbox inbox v1", mailbox, period)
}

/// What an own device is called as a reader of that inbox.
pub fn reader(seed: &Secret32, mailbox: &DeviceId, period: u32, device: &DeviceId) -> ReaderId {
    let info = [b"kith mailbox reader v1".as_slice(), &period.to_be_bytes(), &device.0].concat();
    ReaderId(*primitives::hkdf(&mailbox.0, seed.as_bytes(), &info))
}

/// A queue at a mailbox for a period, and the key that may leave envelopes in it.
pub fn queue(secret: &Secret32, mailbox: &DeviceId, period: u32) -> (QueueId, MailboxKey) {
    let info = [b"kith mailbox queue v1".as_slice(), &period.to_be_bytes()].concat();
    let mut id = *primitives::hkdf::<16>(&mailbox.0, secret.as_bytes(), &info);
    // Not an owned one: nobody else knows this name.
    id[0] &= 0x7f;
    (QueueId(id), signing(secret.as_bytes(), b"kith mailbox deposit v1", mailbox, period))
}

/// A queue of `owner` that everybody can name who knows `secret`: holders of an invite or a link, or strangers who know an
/// address. Its name is that of the owner's blinded key, so that only the owner can open it. `None` when the owner's id is
/// no valid key.
pub fn open_queue(
    owner: &DeviceId,
    secret: &Secret32,
    mailbox: &DeviceId,
    period: u32,
) -> Option<(QueueId, MailboxKey)> {
    let point = CompressedEdwardsY(owner.0).decompress().filter(|point| point.is_torsion_free())?;
    let public = (blinding(owner, secret, mailbox, period) * point).compress().to_bytes();
    Some((owned_queue(&public), signing(secret.as_bytes(), b"kith mailbox deposit v1", mailbox, period)))
}

/// Shows a mailbox that such a queue is ours, for one inbox.
pub fn prove_queue(
    owner: &DeviceSecret,
    secret: &Secret32,
    mailbox: &DeviceId,
    period: u32,
    inbox: &[u8; 32],
) -> OwnerProof {
    let key = owner.signing_key();
    let scalar = blinding(&owner.id(), secret, mailbox, period) * key.to_scalar();
    // The nonce prefix must be secret and not shared with the key itself.
    let info = [b"kith mailbox owner nonce v1".as_slice(), secret.as_bytes(), &period.to_be_bytes()].concat();
    let hash_prefix = *primitives::hkdf::<32>(&mailbox.0, key.as_bytes(), &info);
    let blinded = ExpandedSecretKey { scalar, hash_prefix };
    let public = VerifyingKey::from(&blinded);
    let signature = raw_sign::<Sha512>(&blinded, &owner_bytes(mailbox, inbox, period), &public);
    (public.to_bytes(), signature.to_bytes())
}

/// What an owner's key is multiplied with, as for records (`record`).
fn blinding(owner: &DeviceId, secret: &Secret32, mailbox: &DeviceId, period: u32) -> Scalar {
    let hash = Sha512::new()
        .chain_update(b"kith mailbox queue blinding v1")
        .chain_update(owner.0)
        .chain_update(secret.as_bytes())
        .chain_update(mailbox.0)
        .chain_update(period.to_be_bytes());
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

/// The secret of the queue in which the holder of an invite may leave a request.
pub fn invite_secret(invite: &InviteSecret) -> Secret32 {
    Secret32::new(*primitives::hkdf(b"", &invite.0, b"kith invite mailbox v1"))
}

/// Whether a mailbox has promised to keep an envelope.
pub fn is_receipt(
    mailbox: &DeviceId,
    queue: &QueueId,
    envelope: &EnvelopeId,
    expires: Timestamp,
    signature: &Signature,
) -> bool {
    identity::verify(&mailbox.0, &receipt_bytes(queue, envelope, expires), signature).is_ok()
}

fn signing(secret: &[u8; 32], label: &[u8], mailbox: &DeviceId, period: u32) -> MailboxKey {
    let info = [label, &period.to_be_bytes()].concat();
    MailboxKey(SigningKey::from_bytes(&primitives::hkdf(&mailbox.0, secret, &info)))
}

#[cfg(test)]
mod tests {
    use kith_proto::mailbox::is_owned;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    const MAILBOX: DeviceId = DeviceId([3; 32]);

    #[test]
    fn every_mailbox_period_and_use_has_its_own_keys() {
        let secret = Secret32::new([7; 32]);
        let other = DeviceId([4; 32]);
        let (first, key) = queue(&secret, &MAILBOX, 1);
        let publics = [
            key.public(),
            queue(&secret, &MAILBOX, 2).1.public(),
            queue(&secret, &other, 1).1.public(),
            inbox_key(&secret, &MAILBOX, 1).public(),
            inbox_key(&secret, &MAILBOX, 2).public(),
        ];
        let distinct: std::collections::BTreeSet<_> = publics.iter().collect();
        assert_eq!(distinct.len(), publics.len());
        assert_eq!(first, queue(&secret, &MAILBOX, 1).0, "both ends compute the same");
        assert_ne!(first, queue(&secret, &MAILBOX, 2).0);
        assert_ne!(reader(&secret, &MAILBOX, 1, &other), reader(&secret, &MAILBOX, 2, &other));
    }

    #[test]
    fn everybody_with_the_secret_finds_an_owner_s_queue_and_only_the_owner_opens_it() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let (ann, eve) = (DeviceSecret::generate(&mut rng), DeviceSecret::generate(&mut rng));
        let (secret, inbox) = (Secret32::new([7; 32]), [8; 32]);
        let (id, deposit) = open_queue(&ann.id(), &secret, &MAILBOX, 9).unwrap();
        let (owner, signature) = prove_queue(&ann, &secret, &MAILBOX, 9, &inbox);
        assert_eq!(owned_queue(&owner), id);
        assert!(is_owned(&id) && !is_owned(&queue(&secret, &MAILBOX, 9).0));
        assert!(identity::verify(&owner, &owner_bytes(&MAILBOX, &inbox, 9), &signature).is_ok());
        assert!(identity::verify(&owner, &owner_bytes(&MAILBOX, &[9; 32], 9), &signature).is_err());
        assert!(identity::verify(&owner, &owner_bytes(&MAILBOX, &inbox, 10), &signature).is_err());
        assert_ne!(owned_queue(&prove_queue(&eve, &secret, &MAILBOX, 9, &inbox).0), id);
        let others = [
            open_queue(&ann.id(), &secret, &MAILBOX, 10).unwrap().0,
            open_queue(&ann.id(), &secret, &DeviceId([4; 32]), 9).unwrap().0,
            open_queue(&ann.id(), &Secret32::new([6; 32]), &MAILBOX, 9).unwrap().0,
        ];
        assert!(!others.contains(&id));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let all = [hex(&ann.id().0), hex(&owner), hex(&id.0), hex(&deposit.public()), hex(&signature)];
        assert_eq!(all.join("\n"), include_str!("../tests/vectors/owned_queue_v1.txt").trim_end());
    }

    #[test]
    fn keys_are_as_in_the_golden_vectors() {
        let secret = Secret32::new([7; 32]);
        let (id, key) = queue(&secret, &MAILBOX, 9);
        let inbox = inbox_key(&secret, &MAILBOX, 9);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let reader = reader(&secret, &MAILBOX, 9, &DeviceId([5; 32]));
        let invite = invite_secret(&InviteSecret([6; 16]));
        let all =
            [hex(&id.0), hex(&key.public()), hex(&inbox.public()), hex(&reader.0), hex(invite.as_bytes())];
        assert_eq!(all.join("\n"), include_str!("../tests/vectors/mailbox_v1.txt").trim_end());
    }
}
