//! The keys of mailboxes, each derived from one secret so that nothing has to be agreed again when a period ends: an
//! inbox from a secret of its owner, a queue from a secret that the owner gave to one contact's device.
//!
//! Every key belongs to one mailbox and one period. Nothing in the keys tells two
//! mailboxes, or one in two periods, that they serve the same person (`SPEC.md`, section 11); the connection may.

use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::QueueId;
use kith_proto::id::ReaderId;
use kith_proto::invite::InviteSecret;
use kith_proto::mailbox::Nonce;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Signature;
use kith_proto::mailbox::receipt_bytes;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::identity;
use crate::primitives;
use crate::secret::Secret32;

/// How long one inbox and its queues are used. Twice that is registered ahead: somebody who is away for as long as an
/// envelope is kept still has a queue.
pub const PERIOD: Span = Span::from_days(14);

/// The period that a time is in.
pub fn period_at(now: Timestamp) -> u32 {
    u32::try_from(now.0 / PERIOD.0).unwrap_or(u32::MAX)
}

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
    let id = QueueId(*primitives::hkdf(&mailbox.0, secret.as_bytes(), &info));
    (id, signing(secret.as_bytes(), b"kith mailbox deposit v1", mailbox, period))
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
