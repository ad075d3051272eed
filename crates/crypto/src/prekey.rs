//! Prekeys: what a device gives out so that others can start a session while it is away.
//!
//! A bundle holds a signed X25519 prekey (changed weekly), an ML-KEM-768 key (changed with it), the X-Wing envelope
//! key, and, for one asker only, a one-time X25519 prekey. One Ed25519 signature of the device covers all of it with a
//! label that names the role of each key by its place (PQXDH, section 3.2).

use std::collections::VecDeque;

use ed25519_dalek::Signer as _;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use ml_kem::DecapsulationKey768;
use ml_kem::EncapsulationKey768;
use ml_kem::kem::KeyExport as _;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::first::FirstUse;
use crate::identity;
use crate::identity::DeviceEntry;
use crate::identity::DeviceSecret;
use crate::identity::ENVELOPE_KEY_BYTES;
use crate::primitives;
use crate::secret::Secret32;

/// The size of an ML-KEM-768 encapsulation key in bytes (FIPS 203, table 3).
pub(crate) const KEM_KEY_BYTES: usize = 1184;

/// How long a signed prekey is given out.
const ROTATE_AFTER: Span = Span::from_days(7);

/// How long a signed prekey still opens first envelopes that were long under way, once there is a newer one.
const KEEP_FOR: Span = Span::from_days(30);

/// How far the clocks of two devices may be apart before one of them counts as wrong.
pub const CLOCKS_APART: Span = Span::from_days(1);

/// Signed prekeys kept at most, whatever the clock did.
const MAX_SIGNED: usize = 64;

/// One-time prekeys that were given out and not used; the oldest is dropped beyond it.
const ONE_TIME_KEPT: usize = 100;

/// First envelopes remembered against replay, for as long as their prekey lives.
const ACCEPTED_KEPT: usize = 4_096;

const BUNDLE_LABEL: &[u8] = b"kith prekey bundle v1";
const VERSION: u8 = 1;

/// The secrets behind a device's prekeys.
pub struct PrekeySecrets {
    signed: Vec<SignedPrekey>,
    one_time: VecDeque<(u32, Secret32)>,
    next_id: u32,
    accepted: VecDeque<[u8; 16]>,
}

struct SignedPrekey {
    id: u32,
    made_at: Timestamp,
    secret: Secret32,
    kem_seed: [Secret32; 2],
}

/// What a device gives out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrekeyBundle {
    pub(crate) device: DeviceId,
    pub(crate) identity: [u8; 32],
    pub(crate) made_at: Timestamp,
    pub(crate) id: u32,
    pub(crate) signed: [u8; 32],
    pub(crate) kem: Box<[u8; KEM_KEY_BYTES]>,
    pub(crate) envelope: Box<[u8; ENVELOPE_KEY_BYTES]>,
    pub(crate) one_time: Option<(u32, [u8; 32])>,
    signature: [u8; 64],
}

/// A bundle whose signature was checked against the device list.
#[derive(Clone, Debug)]
pub struct VerifiedBundle(pub(crate) PrekeyBundle);

/// Why a bundle was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It is another device's, or names another identity key than the device list.
    #[error("the prekeys belong to another device")]
    OtherDevice,
    /// The signature is wrong.
    #[error("the signature of the prekeys does not hold")]
    BadSignature,
    /// The stored secrets cannot be read.
    #[error("the stored prekeys cannot be read")]
    BadSecret,
}

impl PrekeySecrets {
    /// The first prekeys of a device.
    pub fn generate(rng: &mut impl CryptoRng, _device: &DeviceSecret, now: Timestamp) -> Self {
        let mut secrets =
            Self { signed: Vec::new(), one_time: VecDeque::new(), next_id: 1, accepted: VecDeque::new() };
        secrets.add_signed(rng, now);
        secrets
    }

    /// Makes a new signed prekey when the newest is a week old, and drops those that are too old to be used. Returns
    /// whether there is a new one that contacts should hear of.
    pub fn rotate(&mut self, rng: &mut impl CryptoRng, _device: &DeviceSecret, now: Timestamp) -> bool {
        // One that was made in the future was made under a wrong clock, and would never be due.
        let due = self.signed.last().is_none_or(|newest| {
            now.since(newest.made_at) >= ROTATE_AFTER || newest.made_at > now + CLOCKS_APART
        });
        if due {
            self.add_signed(rng, now);
            self.drop_old(now);
        }
        due
    }

    /// Drops the signed prekeys whose successor has been given out for long enough. After a long absence the one that
    /// was newest stays: whoever wrote meanwhile used it.
    fn drop_old(&mut self, now: Timestamp) {
        let successors: Vec<Timestamp> = self.signed.iter().skip(1).map(|key| key.made_at).collect();
        let mut successors = successors.into_iter();
        self.signed.retain(|_| successors.next().is_none_or(|made_at| now.since(made_at) < KEEP_FOR));
        let too_many = self.signed.len().saturating_sub(MAX_SIGNED);
        self.signed.drain(..too_many);
    }

    fn add_signed(&mut self, rng: &mut impl CryptoRng, now: Timestamp) {
        let id = self.take_id();
        let secret = primitives::random_secret(rng);
        let kem_seed = [primitives::random_secret(rng), primitives::random_secret(rng)];
        self.signed.push(SignedPrekey { id, made_at: now, secret, kem_seed });
    }

    fn take_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1).max(1);
        id
    }

    /// A bundle for one asker, with a one-time prekey that nobody else gets.
    pub fn bundle(&mut self, rng: &mut impl CryptoRng, device: &DeviceSecret) -> PrekeyBundle {
        let id = self.take_id();
        let secret = primitives::random_secret(rng);
        let public = primitives::public(&secret);
        self.one_time.push_back((id, secret));
        if self.one_time.len() > ONE_TIME_KEPT {
            self.one_time.pop_front();
        }
        self.make_bundle(device, Some((id, public)))
    }

    /// A bundle that may be given to many.
    pub fn bundle_without_one_time(&self, device: &DeviceSecret) -> PrekeyBundle {
        self.make_bundle(device, None)
    }

    fn make_bundle(&self, device: &DeviceSecret, one_time: Option<(u32, [u8; 32])>) -> PrekeyBundle {
        let newest = self.signed.last().expect("there is always a signed prekey");
        let mut kem = Box::new([0; KEM_KEY_BYTES]);
        kem.copy_from_slice(newest.decapsulation_key().encapsulation_key().to_bytes().as_slice());
        let mut bundle = PrekeyBundle {
            device: device.id(),
            identity: device.identity_public(),
            made_at: newest.made_at,
            id: newest.id,
            signed: primitives::public(&newest.secret),
            kem,
            envelope: Box::new(device.envelope_public()),
            one_time,
            signature: [0; 64],
        };
        bundle.signature = device.signing_key().sign(&bundle.signed_bytes()).to_bytes();
        bundle
    }

    pub(crate) fn signed(&self, id: u32) -> Option<(&Secret32, DecapsulationKey768)> {
        self.signed.iter().find(|key| key.id == id).map(|key| (&key.secret, key.decapsulation_key()))
    }

    pub(crate) fn one_time(&self, id: u32) -> Option<&Secret32> {
        self.one_time.iter().find(|(known, _)| *known == id).map(|(_, secret)| secret)
    }

    pub(crate) fn was_accepted(&self, handshake: &[u8; 16]) -> bool {
        self.accepted.contains(handshake)
    }

    /// Notes that a first envelope was taken: its one-time prekey is gone, and a replay is known as one.
    pub fn consume(&mut self, used: &FirstUse) {
        self.one_time.retain(|(id, _)| Some(*id) != used.one_time);
        self.accepted.push_back(used.handshake);
        if self.accepted.len() > ACCEPTED_KEPT {
            self.accepted.pop_front();
        }
    }

    /// The secrets as stored.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it: a vector that grows leaves copies behind.
        let room = 128 + 128 * self.signed.len() + 40 * self.one_time.len() + 16 * self.accepted.len();
        let mut out = Zeroizing::new(Vec::with_capacity(room));
        out.push(VERSION);
        self.next_id.encode(&mut out);
        kith_proto::codec::put_varint(&mut out, self.signed.len() as u64);
        for key in &self.signed {
            key.id.encode(&mut out);
            key.made_at.encode(&mut out);
            key.secret.encode(&mut out);
            key.kem_seed.iter().for_each(|half| half.encode(&mut out));
        }
        kith_proto::codec::put_varint(&mut out, self.one_time.len() as u64);
        for (id, secret) in &self.one_time {
            id.encode(&mut out);
            secret.encode(&mut out);
        }
        let accepted = BoundedVec::<_, ACCEPTED_KEPT>::truncated(self.accepted.iter().copied().collect());
        accepted.encode(&mut out);
        out
    }

    /// The secrets from their stored form.
    ///
    /// # Errors
    /// When the bytes are not stored prekeys.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::read(&mut Reader::new(bytes)).map_err(|_| BundleError::BadSecret)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "prekeys version" });
        }
        let next_id = u32::decode(reader)?;
        let mut signed = Vec::new();
        for _ in 0..reader.length("signed prekeys", MAX_SIGNED)? {
            signed.push(SignedPrekey {
                id: u32::decode(reader)?,
                made_at: Timestamp::decode(reader)?,
                secret: Secret32::decode(reader)?,
                kem_seed: [Secret32::decode(reader)?, Secret32::decode(reader)?],
            });
        }
        if signed.is_empty() {
            return Err(DecodeError::Invalid { what: "signed prekeys" });
        }
        let mut one_time = VecDeque::new();
        for _ in 0..reader.length("one-time prekeys", ONE_TIME_KEPT)? {
            one_time.push_back((u32::decode(reader)?, Secret32::decode(reader)?));
        }
        let accepted = BoundedVec::<_, ACCEPTED_KEPT>::decode(reader)?.into_inner().into();
        if reader.remaining() == 0 {
            Ok(Self { signed, one_time, next_id, accepted })
        } else {
            Err(DecodeError::Trailing)
        }
    }
}

impl SignedPrekey {
    fn decapsulation_key(&self) -> DecapsulationKey768 {
        let mut seed = Zeroizing::new([0; 64]);
        let halves = self.kem_seed.iter().flat_map(|half| half.as_bytes());
        seed.iter_mut().zip(halves).for_each(|(to, from)| *to = *from);
        DecapsulationKey768::from_seed((*seed).into())
    }
}

impl VerifiedBundle {
    /// The same without the one-time prekey, which is good for one handshake only.
    #[must_use]
    pub fn without_one_time(mut self) -> Self {
        self.0.one_time = None;
        self
    }
}

impl PrekeyBundle {
    /// Checks the bundle against what the account's device list says about the device.
    ///
    /// # Errors
    /// When it is another device's or its signature does not hold.
    pub fn verify(&self, entry: &DeviceEntry) -> Result<VerifiedBundle, BundleError> {
        if self.device != entry.device || self.identity != entry.identity {
            return Err(BundleError::OtherDevice);
        }
        identity::verify(&self.device.0, &self.signed_bytes(), &self.signature)
            .map_err(|_| BundleError::BadSignature)?;
        Ok(VerifiedBundle(self.clone()))
    }

    /// Whose prekeys these are.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// When its signed prekey was made.
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }

    pub(crate) fn kem_key(&self) -> Option<EncapsulationKey768> {
        EncapsulationKey768::new(self.kem.as_slice().try_into().ok()?).ok()
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut out = BUNDLE_LABEL.to_vec();
        self.encode_unsigned(&mut out);
        out
    }

    fn encode_unsigned(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.device.encode(out);
        self.identity.encode(out);
        self.made_at.encode(out);
        self.id.encode(out);
        self.signed.encode(out);
        self.kem.encode(out);
        self.envelope.encode(out);
        self.one_time.encode(out);
    }
}

impl Encode for PrekeyBundle {
    fn encode(&self, out: &mut Vec<u8>) {
        self.encode_unsigned(out);
        self.signature.encode(out);
    }
}

impl Decode for PrekeyBundle {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "prekey bundle version" });
        }
        Ok(Self {
            device: Decode::decode(reader)?,
            identity: reader.array()?,
            made_at: Decode::decode(reader)?,
            id: Decode::decode(reader)?,
            signed: reader.array()?,
            kem: Box::new(reader.array()?),
            envelope: Box::new(reader.array()?),
            one_time: Decode::decode(reader)?,
            signature: reader.array()?,
        })
    }
}
