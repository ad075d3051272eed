//! A link into a group as its log has it, and what those sign and work for who come by it.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::error::DecodeError;
use crate::id::AccountId;
use crate::id::GroupId;
use crate::id::LinkId;
use crate::mailbox::WorkBits;
use crate::time::Timestamp;

use super::Role;

const LINK_LABEL: &[u8] = b"kith group link v1";

/// A link into a group. Every member has the secret of its key: whoever may let people in by it can answer those who hold
/// it, and can show it again, also when its maker is gone.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The Ed25519 public key with which those who come prove that they hold the link.
    pub key: [u8; 32],
    /// The seed of that key. Whoever made the link may have lied: then nobody can answer, and nothing else is wrong.
    pub seed: [u8; 32],
    /// What they become.
    pub role: Role,
    /// When it ends, by the clock of whoever lets them in; [`Timestamp::NEVER`] for never.
    pub expires: Timestamp,
    /// How many accounts may come by it; 0 for any number.
    pub uses: u32,
    /// Whether only members who may invite let them in.
    pub approval: bool,
    /// How many leading zero bits of work are asked of those who come, against floods; 0 for none.
    pub work: u8,
}

/// Without the secret.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("id", &self.id()).field("role", &self.role).finish_non_exhaustive()
    }
}

impl Link {
    /// Its id.
    pub fn id(&self) -> LinkId {
        LinkId::of(&self.key)
    }
}

/// What the key of a link signs to let an account in: the group, the account and the SHA-256 of its signed device list.
pub fn link_proof_bytes(group: &GroupId, account: &AccountId, devices: &[u8; 32]) -> Vec<u8> {
    [LINK_LABEL, &group.0, &account.0, devices].concat()
}

/// What the work of an account that comes by a link on a day is done for.
pub fn join_challenge(group: &GroupId, link: &LinkId, day: u32) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 group join work v1");
    hasher.update(&group.0).update(&link.0).update(&day.to_be_bytes());
    *hasher.finalize().as_bytes()
}

impl Encode for Link {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.seed.encode(out);
        self.role.encode(out);
        self.expires.encode(out);
        self.uses.encode(out);
        self.approval.encode(out);
        WorkBits::capped(self.work).encode(out);
    }
}

impl Decode for Link {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: reader.array()?,
            seed: reader.array()?,
            role: Decode::decode(reader)?,
            expires: Decode::decode(reader)?,
            uses: Decode::decode(reader)?,
            approval: Decode::decode(reader)?,
            work: WorkBits::decode(reader)?.bits(),
        })
    }
}
