//! What the owner of a chain gives each member's devices, over their sessions and nowhere else.

use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use kith_proto::id::GroupId;
use kith_proto::id::ViewId;
use zeroize::Zeroizing;

use super::keys::ChainId;
use super::keys::Hashes;
use super::keys::Identity;

const VERSION: u8 = 1;

/// The length of a share: version, name, group, view, cover key, signing key, chain key, iteration.
pub const SHARE_BYTES: usize = 1 + 16 + 32 + 32 + 32 + 32 + 32 + 4;

/// A chain as it is handed out: it opens everything from its iteration on, and nothing before.
#[derive(Clone)]
pub struct ChainShare {
    pub(super) identity: Identity,
    pub(super) hashes: Hashes,
}

impl ChainShare {
    /// The chain's name.
    pub fn chain(&self) -> ChainId {
        self.identity.chain
    }

    /// The group it is for.
    pub fn group(&self) -> GroupId {
        self.identity.group
    }

    /// What the owner knew of the membership when the chain was made.
    pub fn view(&self) -> ViewId {
        self.identity.view
    }

    /// The first message that it opens.
    pub fn iteration(&self) -> u32 {
        self.hashes.iteration
    }

    /// The public key of the chain's signatures.
    pub fn signer(&self) -> [u8; 32] {
        self.identity.signer
    }

    /// The share as it is sent: [`SHARE_BYTES`].
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(SHARE_BYTES));
        out.push(VERSION);
        self.identity.encode(&mut out);
        self.hashes.encode(&mut out);
        out
    }

    /// A share that came over a session.
    ///
    /// # Errors
    /// When the bytes are not a share.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if u8::decode(&mut reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "chain share version" });
        }
        let share = Self { identity: Decode::decode(&mut reader)?, hashes: Decode::decode(&mut reader)? };
        reader.finish()?;
        Ok(share)
    }
}
