//! Queues whose name is the hash of a public key. Strangers and holders of a link or an invite can compute such a name;
//! only who has the key's secret may open it. A queue that two devices agreed on needs no owner: nobody else knows it.

use crate::codec::Encode as _;
use crate::id::DeviceId;
use crate::id::QueueId;
use crate::mailbox::Signature;

/// The bit that tells an owned queue from one with a secret name.
const OWNED: u8 = 0x80;

/// A queue's public key, and its signature over [`owner_bytes`].
pub type OwnerProof = ([u8; 32], Signature);

/// The queue that belongs to a public key.
pub fn owned_queue(owner: &[u8; 32]) -> QueueId {
    let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-22 mailbox owned queue v1");
    hasher.update(owner);
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    if let Some(first) = id.first_mut() {
        *first |= OWNED;
    }
    QueueId(id)
}

/// Whether only the owner may open a queue.
pub fn is_owned(queue: &QueueId) -> bool {
    queue.0.first().is_some_and(|first| first & OWNED != 0)
}

/// What a queue's owner signs: worth something at this mailbox, in this inbox and period only. No nonce: nobody else can
/// sign for the inbox.
pub fn owner_bytes(mailbox: &DeviceId, inbox: &[u8; 32], period: u32) -> Vec<u8> {
    let mut out = b"kith mailbox queue owner v1".to_vec();
    mailbox.encode(&mut out);
    inbox.encode(&mut out);
    period.encode(&mut out);
    out
}
