//! A chain that somebody else seals with. Opening works on a copy: nothing is changed by a message that is not authentic.

use std::collections::BTreeMap;

use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::codec::put_varint;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::TAG_BYTES as HINT_BYTES;
use kith_proto::error::DecodeError;
use kith_proto::id::GroupId;
use kith_proto::id::ViewId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use zeroize::Zeroizing;

use super::keys;
use super::keys::ChainId;
use super::keys::Hashes;
use super::keys::Identity;
use super::share::ChainShare;
use crate::identity;
use crate::padding;
use crate::primitives;
use crate::primitives::NONCE_BYTES;
use crate::secret::Secret32;

/// Messages that one step may skip. An honest chain has 200; this is only a millisecond of hashing for one that lies.
pub const MAX_SKIP: u32 = 1_000;

/// Skipped keys that are kept in all; the oldest messages lose theirs first.
pub const MAX_KEPT: usize = 2_000;

/// How long a skipped key is kept, unless the caller decides otherwise: as long as a mailbox may keep an envelope.
pub const SKIPPED_LIFE: Span = Span::from_days(30);

/// The longest stored chain: version, identity, chain key, and all the skipped keys.
pub const MAX_CHAIN_BYTES: usize = 1 + 144 + 36 + 2 + MAX_KEPT * (4 + 8 + 32);

const VERSION: u8 = 1;

/// One chain of another device.
#[derive(Clone)]
pub struct ReceivingChain {
    identity: Identity,
    hashes: Hashes,
    skipped: BTreeMap<u32, Skipped>,
}

/// The key of a message that was overtaken by a later one.
#[derive(Clone)]
struct Skipped {
    since: Timestamp,
    key: Secret32,
}

/// Why a message was not opened. The state is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// It was not sealed with this chain, or not for these surroundings.
    #[error("this message belongs to another chain")]
    NotThisChain,
    /// It was opened before, or is older than what was handed out, or its key was kept for too long.
    #[error("the key of this message was used or given up")]
    KeyGone,
    /// It claims that more messages are missing than may be.
    #[error("too many messages before this one are missing")]
    TooFar,
    /// The header fits, the content does not.
    #[error("this message was changed on its way")]
    Damaged,
    /// Another member made it: the signature is not that of the chain's owner.
    #[error("this message was not made by the owner of the chain")]
    Forged,
}

impl ReceivingChain {
    /// A chain that was handed to us.
    pub fn new(share: ChainShare) -> Self {
        Self { identity: share.identity, hashes: share.hashes, skipped: BTreeMap::new() }
    }

    /// Its name.
    pub fn id(&self) -> ChainId {
        self.identity.chain
    }

    /// The group it is for.
    pub fn group(&self) -> GroupId {
        self.identity.group
    }

    /// What its owner knew of the membership when the chain was made.
    pub fn view(&self) -> ViewId {
        self.identity.view
    }

    /// The next message that was not seen yet.
    pub fn iteration(&self) -> u32 {
        self.hashes.iteration
    }

    /// The tag of a day's envelopes (days since 1970-01-01), to find the chain by.
    pub fn tag(&self, day: u32) -> [u8; HINT_BYTES] {
        self.identity.cover().tag(day)
    }

    /// The chain as it is now, for another member: it opens what comes next, and nothing that was skipped.
    pub fn share(&self) -> ChainShare {
        ChainShare { identity: self.identity.clone(), hashes: self.hashes.clone() }
    }

    /// Opens an envelope. The caller adopts the new state once it has taken the message.
    ///
    /// # Errors
    /// When it does not open; see [`ChainError`].
    pub fn open(
        &self,
        now: Timestamp,
        envelope: &Envelope,
        aad: &[u8],
    ) -> Result<(Self, Zeroizing<Vec<u8>>), ChainError> {
        let (head, content) =
            envelope.sealed().split_at_checked(keys::HEAD_BYTES).ok_or(ChainError::NotThisChain)?;
        let (salt, header) = head.split_first_chunk::<NONCE_BYTES>().ok_or(ChainError::NotThisChain)?;
        let cover = self.identity.cover();
        let authenticated = cover.authenticated(&envelope.tag(), aad);
        let iteration = cover.open_head(salt, header, &authenticated).ok_or(ChainError::NotThisChain)?;
        let (state, message) = self.advance(now, iteration)?;
        let (key, nonce) = keys::content_key(&message, salt);
        let content_aad = [authenticated.as_slice(), head].concat();
        let plain = primitives::open(&key, &nonce, &content_aad, content).ok_or(ChainError::Damaged)?;
        let (padded, signature) = plain.split_last_chunk::<64>().ok_or(ChainError::Damaged)?;
        let signed = keys::signed_bytes(&authenticated, head, iteration, padded);
        identity::verify(&self.identity.signer, &signed, signature).map_err(|_| ChainError::Forged)?;
        let message = padding::unpad(padded).ok_or(ChainError::Damaged)?;
        Ok((state, Zeroizing::new(message.to_vec())))
    }

    /// The key of a message, and the state without it.
    fn advance(&self, now: Timestamp, iteration: u32) -> Result<(Self, Secret32), ChainError> {
        if iteration < self.hashes.iteration {
            let mut state = self.clone();
            let kept = state.skipped.remove(&iteration).ok_or(ChainError::KeyGone)?;
            return Ok((state, kept.key));
        }
        // No chain seals with the last number of all: there is none after it.
        if iteration - self.hashes.iteration > MAX_SKIP || iteration == u32::MAX {
            return Err(ChainError::TooFar);
        }
        let mut state = self.clone();
        while state.hashes.iteration < iteration {
            let number = state.hashes.iteration;
            let key = state.hashes.step();
            state.skipped.insert(number, Skipped { since: now, key });
        }
        while state.skipped.len() > MAX_KEPT {
            state.skipped.pop_first();
        }
        let key = state.hashes.step();
        Ok((state, key))
    }

    /// Since when the oldest skipped key has been kept; `None` when there is none.
    pub fn oldest_skipped(&self) -> Option<Timestamp> {
        self.skipped.values().map(|skipped| skipped.since).min()
    }

    /// How many skipped keys are kept.
    pub fn skipped(&self) -> usize {
        self.skipped.len()
    }

    /// Forgets the keys that were skipped before a time: whoever takes the device later must not read what never came.
    pub fn forget_skipped(&mut self, before: Timestamp) {
        self.skipped.retain(|_, skipped| skipped.since >= before);
    }

    /// The chain as stored, at most [`MAX_CHAIN_BYTES`].
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it: a vector that grows leaves copies behind.
        let mut out = Zeroizing::new(Vec::with_capacity(256 + 44 * self.skipped.len()));
        out.push(VERSION);
        self.identity.encode(&mut out);
        self.hashes.encode(&mut out);
        put_varint(&mut out, self.skipped.len() as u64);
        for (number, skipped) in &self.skipped {
            number.encode(&mut out);
            skipped.since.encode(&mut out);
            skipped.key.encode(&mut out);
        }
        out
    }

    /// The chain from its stored form.
    ///
    /// # Errors
    /// When the bytes are not a stored chain.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if u8::decode(&mut reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "receiving chain version" });
        }
        let identity = Decode::decode(&mut reader)?;
        let hashes: Hashes = Decode::decode(&mut reader)?;
        let mut skipped = BTreeMap::new();
        let mut least = 0;
        for _ in 0..reader.length("skipped keys", MAX_KEPT)? {
            let (number, since) = Decode::decode(&mut reader)?;
            if number < least || number >= hashes.iteration {
                return Err(DecodeError::NotCanonical { what: "skipped keys" });
            }
            least = number + 1;
            skipped.insert(number, Skipped { since, key: Decode::decode(&mut reader)? });
        }
        reader.finish()?;
        Ok(Self { identity, hashes, skipped })
    }
}
