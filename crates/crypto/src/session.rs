//! A session between two devices: the handshake, the ratchet, and the envelopes they make.
//!
//! ```text
//!  initiate ──▶ unanswered: seals first envelopes ──anything of theirs opens──▶ established: seals small envelopes
//!  respond  ──────────────────────────────────────────────────────────────────▶ established
//! ```
//!
//! Not here: how many sessions a pair keeps and which one it sends with (`kith-engine`, `sessions`).

use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::TAG_BYTES;
use kith_proto::error::DecodeError;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::first;
use crate::first::Agreed;
use crate::first::Handshake;
use crate::identity::DeviceSecret;
use crate::identity::ENVELOPE_KEY_BYTES;
use crate::padding;
use crate::prekey::PrekeySecrets;
use crate::prekey::VerifiedBundle;
use crate::primitives;
use crate::ratchet;
use crate::ratchet::Headers;
use crate::ratchet::Ratchet;
use crate::ratchet::RatchetError;
use crate::secret::Secret32;

pub use crate::first::FirstEnvelope;
pub use crate::first::FirstUse;

/// The name of a session, the same on both sides.
pub type SessionId = [u8; 16];

const VERSION: u8 = 1;

/// One side of a session.
#[derive(Clone)]
pub struct Session {
    id: SessionId,
    initiator: DeviceId,
    started_at: Timestamp,
    associated: [u8; 32],
    tag_out: Secret32,
    tag_in: Secret32,
    ratchet: Ratchet,
    /// Present until something of the other side was opened.
    unanswered: Option<Unanswered>,
}

#[derive(Clone)]
struct Unanswered {
    handshake: Handshake,
    envelope_key: Box<[u8; ENVELOPE_KEY_BYTES]>,
}

/// Why a session could not be started or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A key of the other side is not a valid one.
    #[error("a key of the other device is not valid")]
    BadKey,
    /// The payload does not fit the largest envelope.
    #[error("the payload does not fit an envelope")]
    TooLong,
    /// A group's chain has no numbers left.
    #[error("this chain is used up: a new one is needed")]
    Spent,
}

/// Why an envelope was not opened. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its key was used before: repeated by the network, or replayed.
    #[error("this envelope was opened before")]
    Duplicate,
    /// It was not sealed for this session.
    #[error("this envelope belongs to another session")]
    NotThisSession,
    /// It claims that too many envelopes before it are missing.
    #[error("too many envelopes before this one are missing")]
    TooFar,
    /// It was sealed for us and changed on its way, or made by somebody who does not follow the protocol.
    #[error("this envelope was changed on its way")]
    Damaged,
    /// It uses a prekey that we do not have (any more).
    #[error("this envelope uses a prekey that is gone")]
    UnknownPrekey,
}

impl From<RatchetError> for OpenError {
    fn from(error: RatchetError) -> Self {
        match error {
            RatchetError::Duplicate => Self::Duplicate,
            RatchetError::NotOurs => Self::NotThisSession,
            RatchetError::TooFar => Self::TooFar,
            RatchetError::Damaged | RatchetError::CannotSend => Self::Damaged,
        }
    }
}

/// The new state and the payload.
type Opened = (Session, Zeroizing<Vec<u8>>);

impl Session {
    /// Starts a session with the owner of a bundle.
    ///
    /// # Errors
    /// When a key in the bundle is not a valid one.
    pub fn initiate(
        rng: &mut impl CryptoRng,
        account: &AccountId,
        device: &DeviceSecret,
        their_account: &AccountId,
        bundle: &VerifiedBundle,
        now: Timestamp,
    ) -> Result<Self, SealError> {
        let (handshake, agreed) =
            Handshake::start(rng, account, device, their_account, bundle, now).ok_or(SealError::BadKey)?;
        let Agreed { secrets, tags: [tag_out, tag_in], associated } = agreed;
        let ratchet =
            Ratchet::start(rng, Headers::Sealed, secrets, bundle.0.signed).ok_or(SealError::BadKey)?;
        Ok(Self {
            id: handshake.id(),
            initiator: device.id(),
            started_at: now,
            associated,
            tag_out,
            tag_in,
            ratchet,
            unanswered: Some(Unanswered { handshake, envelope_key: bundle.0.envelope.clone() }),
        })
    }

    /// The name, the same on both sides.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The device that started it.
    pub fn initiator(&self) -> DeviceId {
        self.initiator
    }

    /// Whether the other side is known to have it.
    pub fn established(&self) -> bool {
        self.unanswered.is_none()
    }

    /// When it was started, by the starter's clock.
    pub fn created_at(&self) -> Timestamp {
        self.started_at
    }

    /// The tag of envelopes to us on a day (days since 1970-01-01).
    pub fn tag(&self, day: u32) -> [u8; TAG_BYTES] {
        day_tag(&self.tag_in, day)
    }

    /// Seals a payload, padded to the smallest size class that holds it.
    ///
    /// # Errors
    /// When it does not fit the largest.
    pub fn seal(
        &mut self,
        rng: &mut impl CryptoRng,
        now: Timestamp,
        payload: &[u8],
    ) -> Result<Envelope, SealError> {
        if let Some(unanswered) = &self.unanswered {
            let message = self.ratchet.seal(rng, &self.associated, payload).map_err(|_| SealError::BadKey)?;
            return first::seal(rng, &unanswered.envelope_key, &unanswered.handshake, &message)
                .ok_or(SealError::TooLong);
        }
        let room =
            Envelope::box_len_for(payload.len() + 1 + ratchet::OVERHEAD_BYTES).ok_or(SealError::TooLong)?;
        let length = room - ratchet::OVERHEAD_BYTES;
        let mut padded = Zeroizing::new(Vec::with_capacity(length));
        padded.extend_from_slice(payload);
        padding::pad(&mut padded, length).ok_or(SealError::TooLong)?;
        let tag = day_tag(&self.tag_out, now.day());
        let sealed =
            self.ratchet.seal(rng, &self.authenticated(&tag), &padded).map_err(|_| SealError::BadKey)?;
        Envelope::new(tag, &sealed).ok_or(SealError::TooLong)
    }

    /// Opens an envelope. The caller adopts the new state once it has taken the payload.
    ///
    /// # Errors
    /// When it does not open; see [`OpenError`].
    pub fn open(
        &self,
        rng: &mut impl CryptoRng,
        now: Timestamp,
        envelope: &Envelope,
    ) -> Result<Opened, OpenError> {
        let aad = self.authenticated(&envelope.tag());
        let (ratchet, padded) = self.ratchet.open(rng, now, &aad, envelope.sealed())?;
        let payload = Zeroizing::new(padding::unpad(&padded).ok_or(OpenError::Damaged)?.to_vec());
        Ok((Self { ratchet, unanswered: None, ..self.clone() }, payload))
    }

    /// Opens a further first envelope of a session that we have already.
    ///
    /// # Errors
    /// When it does not open; see [`OpenError`].
    pub fn open_first(
        &self,
        rng: &mut impl CryptoRng,
        now: Timestamp,
        first: &FirstEnvelope,
    ) -> Result<Opened, OpenError> {
        if first.session_id() != self.id {
            return Err(OpenError::NotThisSession);
        }
        let (ratchet, payload) = self.ratchet.open(rng, now, &self.associated, &first.message)?;
        Ok((Self { ratchet, ..self.clone() }, payload))
    }

    /// What is authenticated with an envelope: the handshake's digest and the tag outside.
    fn authenticated(&self, tag: &[u8; TAG_BYTES]) -> Vec<u8> {
        [self.associated.as_slice(), tag].concat()
    }

    /// The session as stored.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it: a vector that grows leaves copies behind.
        let mut out = Zeroizing::new(Vec::with_capacity(4_096 + self.ratchet.skipped_bytes()));
        out.push(VERSION);
        self.id.encode(&mut out);
        self.initiator.encode(&mut out);
        self.started_at.encode(&mut out);
        self.associated.encode(&mut out);
        self.tag_out.encode(&mut out);
        self.tag_in.encode(&mut out);
        self.ratchet.encode(&mut out);
        self.unanswered.encode(&mut out);
        out
    }

    /// The session from its stored form.
    ///
    /// # Errors
    /// When the bytes are not a stored session.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if u8::decode(&mut reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "session version" });
        }
        let session = Self {
            id: reader.array()?,
            initiator: Decode::decode(&mut reader)?,
            started_at: Decode::decode(&mut reader)?,
            associated: reader.array()?,
            tag_out: Decode::decode(&mut reader)?,
            tag_in: Decode::decode(&mut reader)?,
            ratchet: Decode::decode(&mut reader)?,
            unanswered: Decode::decode(&mut reader)?,
        };
        reader.finish()?;
        Ok(session)
    }
}

impl FirstEnvelope {
    /// Answers a handshake: the session as the other side of it has it, and the first payload. Nothing is used up yet:
    /// whoever takes the result calls [`PrekeySecrets::consume`] with [`FirstEnvelope::uses`].
    ///
    /// # Errors
    /// [`OpenError::Duplicate`] when it was answered before, [`OpenError::UnknownPrekey`] when its prekeys are gone.
    pub fn respond(
        &self,
        rng: &mut impl CryptoRng,
        account: &AccountId,
        device: &DeviceSecret,
        prekeys: &PrekeySecrets,
        now: Timestamp,
    ) -> Result<Opened, OpenError> {
        if prekeys.was_accepted(&self.handshake.id()) {
            return Err(OpenError::Duplicate);
        }
        let (signed, agreed) = self.handshake.answer(account, device, prekeys)?;
        let Agreed { secrets, tags: [tag_in, tag_out], associated } = agreed;
        let ratchet = Ratchet::answer(Headers::Sealed, secrets, signed);
        let (ratchet, payload) =
            ratchet.open(rng, now, &associated, &self.message).map_err(|_| OpenError::Damaged)?;
        let session = Session {
            id: self.handshake.id(),
            initiator: self.handshake.device,
            started_at: self.handshake.started_at,
            associated,
            tag_out,
            tag_in,
            ratchet,
            unanswered: None,
        };
        Ok((session, payload))
    }
}

fn day_tag(key: &Secret32, day: u32) -> [u8; TAG_BYTES] {
    primitives::part(&primitives::hmac(key.as_bytes(), &[b"kith day tag v1", &day.to_be_bytes()]), 0)
}

impl Encode for Unanswered {
    fn encode(&self, out: &mut Vec<u8>) {
        self.handshake.encode(out);
        self.envelope_key.encode(out);
    }
}

impl Decode for Unanswered {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { handshake: Decode::decode(reader)?, envelope_key: Box::new(reader.array()?) })
    }
}
