//! The chain that a device seals with.

use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::TAG_BYTES as HINT_BYTES;
use kith_proto::error::DecodeError;
use kith_proto::id::GroupId;
use kith_proto::id::ViewId;
use kith_proto::time::Timestamp;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::keys;
use super::keys::CHAIN_OVERHEAD_BYTES;
use super::keys::ChainId;
use super::keys::Hashes;
use super::keys::Identity;
use super::share::ChainShare;
use crate::padding;
use crate::primitives;
use crate::primitives::NONCE_BYTES;
use crate::primitives::TAG_BYTES;
use crate::secret::Secret32;
use crate::session::SealError;

const VERSION: u8 = 1;

/// One device's chain in one group, until it rotates.
#[derive(Clone)]
pub struct SendingChain {
    identity: Identity,
    hashes: Hashes,
    signing: Secret32,
    made_at: Timestamp,
}

impl SendingChain {
    /// A new chain with a fresh signing key.
    pub fn generate(rng: &mut impl CryptoRng, group: GroupId, view: ViewId, now: Timestamp) -> Self {
        let mut chain = [0; 16];
        rng.fill_bytes(&mut chain);
        let signing = primitives::random_secret(rng);
        let signer = SigningKey::from_bytes(signing.as_bytes()).verifying_key().to_bytes();
        let cover = primitives::random_secret(rng);
        let hashes = Hashes { key: primitives::random_secret(rng), iteration: 0 };
        Self { identity: Identity { chain, group, view, cover, signer }, hashes, signing, made_at: now }
    }

    /// Its name.
    pub fn id(&self) -> ChainId {
        self.identity.chain
    }

    /// The group it is for.
    pub fn group(&self) -> GroupId {
        self.identity.group
    }

    /// What this device knew of the membership when the chain was made.
    pub fn view(&self) -> ViewId {
        self.identity.view
    }

    /// When it was made.
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }

    /// How many messages it has sealed.
    pub fn sealed(&self) -> u32 {
        self.hashes.iteration
    }

    /// The tag of a day's envelopes (days since 1970-01-01).
    pub fn tag(&self, day: u32) -> [u8; HINT_BYTES] {
        self.identity.cover().tag(day)
    }

    /// What a member's device needs to open everything from here on. To be sent over a session with that device.
    pub fn hand_out(&self) -> ChainShare {
        ChainShare { identity: self.identity.clone(), hashes: self.hashes.clone() }
    }

    /// Seals a message for everybody who has the chain, padded to the smallest size class that holds it. `aad` is
    /// authenticated with it. The new state must be stored before the envelope leaves.
    ///
    /// # Errors
    /// [`SealError::TooLong`] when it does not fit the largest class, [`SealError::Spent`] after four billion messages.
    pub fn seal(
        &mut self,
        rng: &mut impl CryptoRng,
        now: Timestamp,
        plain: &[u8],
        aad: &[u8],
    ) -> Result<Envelope, SealError> {
        if self.hashes.iteration == u32::MAX {
            return Err(SealError::Spent);
        }
        let room = Envelope::box_len_for(plain.len() + 1 + CHAIN_OVERHEAD_BYTES).ok_or(SealError::TooLong)?;
        let length = room - CHAIN_OVERHEAD_BYTES;
        let cover = self.identity.cover();
        let tag = cover.tag(now.day());
        let authenticated = cover.authenticated(&tag, aad);
        let mut salt = [0; NONCE_BYTES];
        rng.fill_bytes(&mut salt);
        let iteration = self.hashes.iteration;
        let mut sealed = cover.seal_head(&salt, iteration, &authenticated);
        let content_aad = [authenticated.as_slice(), &sealed].concat();
        // Room for all of it: a vector that grows leaves copies behind.
        let mut content = Zeroizing::new(Vec::with_capacity(length + keys::SIGNATURE_BYTES + TAG_BYTES));
        content.extend_from_slice(plain);
        padding::pad(&mut content, length).ok_or(SealError::TooLong)?;
        let signed = keys::signed_bytes(&authenticated, &sealed, iteration, &content);
        content.extend_from_slice(&self.sign(&signed));
        let (key, nonce) = keys::content_key(&self.hashes.step(), &salt);
        primitives::seal_in_place(&key, &nonce, &content_aad, &mut content);
        sealed.extend_from_slice(&content);
        Envelope::new(tag, &sealed).ok_or(SealError::TooLong)
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        SigningKey::from_bytes(self.signing.as_bytes()).sign(message).to_bytes()
    }

    #[cfg(test)]
    pub(super) fn sign_for_test(&self, message: &[u8]) -> [u8; 64] {
        self.sign(message)
    }

    /// The chain as stored.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(256));
        out.push(VERSION);
        self.identity.encode(&mut out);
        self.hashes.encode(&mut out);
        self.signing.encode(&mut out);
        self.made_at.encode(&mut out);
        out
    }

    /// The chain from its stored form.
    ///
    /// # Errors
    /// When the bytes are not a stored chain.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if u8::decode(&mut reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "sending chain version" });
        }
        let chain = Self {
            identity: Decode::decode(&mut reader)?,
            hashes: Decode::decode(&mut reader)?,
            signing: Decode::decode(&mut reader)?,
            made_at: Decode::decode(&mut reader)?,
        };
        reader.finish()?;
        let public = SigningKey::from_bytes(chain.signing.as_bytes()).verifying_key().to_bytes();
        if public != chain.identity.signer {
            return Err(DecodeError::Invalid { what: "signing key of a chain" });
        }
        Ok(chain)
    }
}
