//! The key schedule of a sender chain, the same for both ends (`SPEC.md`, section 14).

use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::envelope::TAG_BYTES as HINT_BYTES;
use kith_proto::error::DecodeError;
use kith_proto::id::GroupId;
use kith_proto::id::ViewId;
use sha2::Digest as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::primitives;
use crate::primitives::NONCE_BYTES;
use crate::primitives::TAG_BYTES;
use crate::secret::Secret32;

/// The name of a chain. Random, and never seen outside of sessions.
pub type ChainId = [u8; 16];

/// A header: the iteration.
const HEADER_BYTES: usize = 4;

/// Nonce and sealed header, before the content.
pub(super) const HEAD_BYTES: usize = NONCE_BYTES + HEADER_BYTES + TAG_BYTES;

/// An Ed25519 signature.
pub(super) const SIGNATURE_BYTES: usize = 64;

/// What a message grows by before it is padded: nonce, sealed header, signature, tag of the content.
pub const CHAIN_OVERHEAD_BYTES: usize = HEAD_BYTES + SIGNATURE_BYTES + TAG_BYTES;

/// What stays the same for the whole life of a chain.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) chain: ChainId,
    pub(super) group: GroupId,
    pub(super) view: ViewId,
    /// From which tags and header keys are derived: whoever joins later needs them as well.
    pub(super) cover: Secret32,
    /// The Ed25519 key that signs what the chain carries.
    pub(super) signer: [u8; 32],
}

/// What is derived from an identity.
pub(super) struct Cover {
    tag: Secret32,
    header: Secret32,
    associated: [u8; 32],
}

/// The moving part: gives one key for each message.
#[derive(Clone)]
pub(super) struct Hashes {
    pub(super) key: Secret32,
    pub(super) iteration: u32,
}

impl Identity {
    /// Derives what messages are covered with.
    pub(super) fn cover(&self) -> Cover {
        let block = primitives::hkdf::<64>(&self.chain, self.cover.as_bytes(), b"kith group cover v1");
        let mut hash = Sha256::new_with_prefix(b"kith group chain v1");
        for part in [&self.group.0, &self.view.0, &self.signer] {
            hash.update(part);
        }
        hash.update(self.chain);
        Cover {
            tag: Secret32::new(primitives::part(block.as_slice(), 0)),
            header: Secret32::new(primitives::part(block.as_slice(), 1)),
            associated: hash.finalize().into(),
        }
    }
}

impl Cover {
    /// The tag of a day's envelopes.
    pub(super) fn tag(&self, day: u32) -> [u8; HINT_BYTES] {
        primitives::part(
            &primitives::hmac(self.tag.as_bytes(), &[b"kith group day tag v1", &day.to_be_bytes()]),
            0,
        )
    }

    /// What is authenticated with everything in an envelope: the chain, the tag outside, and what the caller adds.
    pub(super) fn authenticated(&self, tag: &[u8; HINT_BYTES], aad: &[u8]) -> Vec<u8> {
        [self.associated.as_slice(), tag, aad].concat()
    }

    /// Nonce and sealed iteration.
    pub(super) fn seal_head(
        &self,
        nonce: &[u8; NONCE_BYTES],
        iteration: u32,
        authenticated: &[u8],
    ) -> Vec<u8> {
        let mut sealed = iteration.to_le_bytes().to_vec();
        primitives::seal_in_place(self.header.as_bytes(), nonce, authenticated, &mut sealed);
        [nonce.as_slice(), &sealed].concat()
    }

    /// The iteration; `None` when the head was not sealed for this chain.
    pub(super) fn open_head(
        &self,
        nonce: &[u8; NONCE_BYTES],
        sealed: &[u8],
        authenticated: &[u8],
    ) -> Option<u32> {
        let plain = primitives::open(self.header.as_bytes(), nonce, authenticated, sealed)?;
        Some(u32::from_le_bytes(plain.as_slice().try_into().ok()?))
    }
}

impl Hashes {
    /// The key of the next message, and the chain one step on.
    pub(super) fn step(&mut self) -> Secret32 {
        let message = Secret32::new(primitives::hmac(self.key.as_bytes(), &[&[1]]));
        self.key = Secret32::new(primitives::hmac(self.key.as_bytes(), &[&[2]]));
        self.iteration = self.iteration.saturating_add(1);
        message
    }
}

/// The key and nonce of one content. The salt is random: a device that was set back to an old state and uses a message
/// key again still uses another content key.
pub(super) fn content_key(
    message: &Secret32,
    salt: &[u8; NONCE_BYTES],
) -> (Zeroizing<[u8; 32]>, [u8; NONCE_BYTES]) {
    let block = primitives::hkdf::<44>(salt, message.as_bytes(), b"kith group message v1");
    let mut key = Zeroizing::new([0; 32]);
    let mut nonce = [0; NONCE_BYTES];
    key.iter_mut().chain(nonce.iter_mut()).zip(block.iter()).for_each(|(to, from)| *to = *from);
    (key, nonce)
}

/// What a chain's signature covers. With the salt and the iteration in it, another member, who has the message keys,
/// cannot seal the same words a second time.
pub(super) fn signed_bytes(
    authenticated: &[u8],
    head: &[u8],
    iteration: u32,
    padded: &[u8],
) -> Zeroizing<Vec<u8>> {
    let label = b"kith group content v1";
    let length = label.len() + authenticated.len() + head.len() + 8 + padded.len();
    let mut out = Zeroizing::new(Vec::with_capacity(length));
    out.extend_from_slice(label);
    // Only this part has a length of the caller's choice, besides the last.
    (authenticated.len() as u32).encode(&mut out);
    out.extend_from_slice(authenticated);
    out.extend_from_slice(head);
    iteration.encode(&mut out);
    out.extend_from_slice(padded);
    out
}

impl Encode for Identity {
    fn encode(&self, out: &mut Vec<u8>) {
        self.chain.encode(out);
        self.group.encode(out);
        self.view.encode(out);
        self.cover.encode(out);
        self.signer.encode(out);
    }
}

impl Decode for Identity {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            chain: reader.array()?,
            group: Decode::decode(reader)?,
            view: Decode::decode(reader)?,
            cover: Decode::decode(reader)?,
            signer: reader.array()?,
        })
    }
}

impl Encode for Hashes {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.iteration.encode(out);
    }
}

impl Decode for Hashes {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { key: Decode::decode(reader)?, iteration: Decode::decode(reader)? })
    }
}
