//! PQXDH (Signal, "The PQXDH Key Agreement Protocol", revision 3) and the first envelope that carries it.
//!
//! Until the starter has heard back, each of its envelopes is a first envelope: sealed with HPKE (RFC 9180, X-Wing,
//! HKDF-SHA-256, ChaCha20-Poly1305) to the device's envelope key, and holding the handshake beside the message, so
//! that any one of them is enough to start.

use hpke::Deserializable as _;
use hpke::OpModeR;
use hpke::OpModeS;
use hpke::Serializable as _;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::HEADER_BYTES;
use kith_proto::envelope::TAG_BYTES;
use kith_proto::error::DecodeError;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use ml_kem::kem::Decapsulate as _;
use ml_kem::kem::Encapsulate as _;
use rand_core::CryptoRng;
use sha2::Digest as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::identity::DeviceSecret;
use crate::identity::ENVELOPE_KEY_BYTES;
use crate::padding;
use crate::prekey::PrekeySecrets;
use crate::prekey::VerifiedBundle;
use crate::primitives;
use crate::secret::Secret32;
use crate::session::OpenError;

/// The suite: changes whenever any primitive does. It is part of what both sides authenticate.
const SUITE: &[u8] = b"kith pqxdh x25519 ml-kem-768 sha-256 chacha20-poly1305 v1";

const HPKE_INFO: &[u8] = b"kith first envelope v1";

/// The size of an ML-KEM-768 ciphertext in bytes (FIPS 203, table 3).
const KEM_CIPHERTEXT_BYTES: usize = 1088;

/// The size of an X-Wing ciphertext in bytes.
const ENCAPSULATED_BYTES: usize = 1120;

const VERSION: u8 = 1;

/// The public part of a handshake, the same in every first envelope of a session.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Handshake {
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    pub(crate) identity: [u8; 32],
    ephemeral: [u8; 32],
    prekey: u32,
    one_time: Option<u32>,
    ciphertext: Box<[u8; KEM_CIPHERTEXT_BYTES]>,
    /// The starter's clock; the session's age on both sides.
    pub(crate) started_at: kith_proto::time::Timestamp,
}

/// What both sides derive.
pub(crate) struct Agreed {
    /// Root, the starter's header key, the other's next header key.
    pub(crate) secrets: [Secret32; 3],
    /// The tag keys: starter to other, other to starter.
    pub(crate) tags: [Secret32; 2],
    /// Who talks to whom, with what keys, in which suite.
    pub(crate) associated: [u8; 32],
}

/// What a first envelope uses up when it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstUse {
    pub(crate) handshake: [u8; 16],
    pub(crate) one_time: Option<u32>,
}

/// An opened outer box: a handshake and the first message, neither believed yet.
pub struct FirstEnvelope {
    pub(crate) handshake: Handshake,
    pub(crate) message: Vec<u8>,
}

impl Handshake {
    /// Agrees on secrets with the owner of a bundle (PQXDH, section 3.3).
    pub(crate) fn start(
        rng: &mut impl CryptoRng,
        account: &AccountId,
        device: &DeviceSecret,
        their_account: &AccountId,
        bundle: &VerifiedBundle,
        now: kith_proto::time::Timestamp,
    ) -> Option<(Self, Agreed)> {
        let bundle = &bundle.0;
        let ephemeral = primitives::random_secret(rng);
        let (ciphertext, shared) = bundle.kem_key()?.encapsulate_with_rng(rng);
        let shared = Zeroizing::new(<[u8; 32]>::from(shared));
        let mut kept = Box::new([0; KEM_CIPHERTEXT_BYTES]);
        kept.copy_from_slice(ciphertext.as_slice());
        let handshake = Self {
            account: *account,
            device: device.id(),
            identity: device.identity_public(),
            ephemeral: primitives::public(&ephemeral),
            prekey: bundle.id,
            one_time: bundle.one_time.map(|(id, _)| id),
            ciphertext: kept,
            started_at: now,
        };
        let mut exchanges = vec![
            primitives::agree(device.identity(), &bundle.signed)?,
            primitives::agree(&ephemeral, &bundle.identity)?,
            primitives::agree(&ephemeral, &bundle.signed)?,
        ];
        if let Some((_, one_time)) = &bundle.one_time {
            exchanges.push(primitives::agree(&ephemeral, one_time)?);
        }
        let answerer = Party { account: their_account, device: &bundle.device, identity: &bundle.identity };
        let agreed = derive(&handshake, &answerer, &bundle.signed, &exchanges, &shared);
        Some((handshake, agreed))
    }

    /// The other side of [`start`](Self::start).
    pub(crate) fn answer(
        &self,
        account: &AccountId,
        device: &DeviceSecret,
        prekeys: &PrekeySecrets,
    ) -> Result<(Secret32, Agreed), OpenError> {
        let (signed, kem) = prekeys.signed(self.prekey).ok_or(OpenError::UnknownPrekey)?;
        let one_time = match self.one_time {
            Some(id) => Some(prekeys.one_time(id).ok_or(OpenError::UnknownPrekey)?),
            None => None,
        };
        let ciphertext = self.ciphertext.as_slice().try_into().map_err(|_| OpenError::Damaged)?;
        let shared = Zeroizing::new(<[u8; 32]>::from(kem.decapsulate(ciphertext)));
        let mut exchanges = Vec::with_capacity(4);
        for (ours, theirs) in
            [(signed, &self.identity), (device.identity(), &self.ephemeral), (signed, &self.ephemeral)]
        {
            exchanges.push(primitives::agree(ours, theirs).ok_or(OpenError::Damaged)?);
        }
        if let Some(one_time) = one_time {
            exchanges.push(primitives::agree(one_time, &self.ephemeral).ok_or(OpenError::Damaged)?);
        }
        let (id, identity) = (device.id(), device.identity_public());
        let answerer = Party { account, device: &id, identity: &identity };
        let agreed = derive(self, &answerer, &primitives::public(signed), &exchanges, &shared);
        Ok((signed.clone(), agreed))
    }

    /// The session's name, before anything is agreed.
    pub(crate) fn id(&self) -> [u8; 16] {
        let hash = Sha256::new().chain_update(b"kith session id v1").chain_update(self.to_bytes()).finalize();
        primitives::part(&hash, 0)
    }

    pub(crate) fn uses(&self) -> FirstUse {
        FirstUse { handshake: self.id(), one_time: self.one_time }
    }
}

struct Party<'a> {
    account: &'a AccountId,
    device: &'a DeviceId,
    identity: &'a [u8; 32],
}

/// `KDF(F || DH1 || DH2 || DH3 [|| DH4] || SS)`, and what both sides authenticate from then on.
fn derive(
    handshake: &Handshake,
    answerer: &Party<'_>,
    signed: &[u8; 32],
    exchanges: &[Zeroizing<[u8; 32]>],
    shared: &Zeroizing<[u8; 32]>,
) -> Agreed {
    let associated: [u8; 32] = Sha256::new()
        .chain_update(SUITE)
        .chain_update(handshake.to_bytes())
        .chain_update(answerer.account.0)
        .chain_update(answerer.device.0)
        .chain_update(answerer.identity)
        .chain_update(signed)
        .finalize()
        .into();
    let mut secret = Zeroizing::new(vec![0xff; 32]);
    for exchange in exchanges {
        secret.extend_from_slice(exchange.as_slice());
    }
    secret.extend_from_slice(shared.as_slice());
    let info = [SUITE, &associated].concat();
    let block = primitives::hkdf::<160>(&[0; 32], &secret, &info);
    let cut = |index| Secret32::new(primitives::part(block.as_slice(), index));
    Agreed { secrets: [cut(0), cut(1), cut(2)], tags: [cut(3), cut(4)], associated }
}

/// Seals a handshake and a ratchet message to a device's envelope key.
pub(crate) fn seal(
    rng: &mut impl CryptoRng,
    envelope_key: &[u8; ENVELOPE_KEY_BYTES],
    handshake: &Handshake,
    message: &[u8],
) -> Option<Envelope> {
    let mut plain = vec![VERSION];
    handshake.encode(&mut plain);
    kith_proto::codec::put_varint(&mut plain, message.len() as u64);
    plain.extend_from_slice(message);
    let overhead = ENCAPSULATED_BYTES + primitives::TAG_BYTES;
    let room = Envelope::box_len_for(plain.len() + 1 + overhead)?;
    padding::pad(&mut plain, room - overhead)?;
    let mut tag = [0; TAG_BYTES];
    rng.fill_bytes(&mut tag);
    let key = <XWing as hpke::Kem>::PublicKey::from_bytes(envelope_key).ok()?;
    let (encapsulated, sealed) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeS::Base,
        &key,
        HPKE_INFO,
        &plain,
        &tag,
        rng,
    )
    .ok()?;
    let mut out = vec![0; ENCAPSULATED_BYTES];
    encapsulated.write_exact(&mut out);
    out.extend_from_slice(&sealed);
    debug_assert_eq!(out.len() + HEADER_BYTES, HEADER_BYTES + room);
    Envelope::new(tag, &out)
}

impl FirstEnvelope {
    /// Opens the outer box of a first envelope.
    ///
    /// # Errors
    /// [`OpenError::NotThisSession`] when it is not sealed to this device's envelope key, [`OpenError::Damaged`] when
    /// its content is not well formed.
    pub fn open(device: &DeviceSecret, envelope: &Envelope) -> Result<Self, OpenError> {
        let sealed = envelope.sealed();
        let (encapsulated, sealed) =
            sealed.split_at_checked(ENCAPSULATED_BYTES).ok_or(OpenError::NotThisSession)?;
        let encapsulated =
            <XWing as hpke::Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| OpenError::Damaged)?;
        let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeR::Base,
            &device.envelope_secret(),
            &encapsulated,
            HPKE_INFO,
            sealed,
            &envelope.tag(),
        )
        .map_err(|_| OpenError::NotThisSession)?;
        let content = padding::unpad(&plain).ok_or(OpenError::Damaged)?;
        Self::read(content).map_err(|_| OpenError::Damaged)
    }

    fn read(content: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(content);
        if u8::decode(&mut reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "first envelope version" });
        }
        let handshake = Handshake::decode(&mut reader)?;
        let length = reader.length("message", content.len())?;
        let message = reader.take(length)?.to_vec();
        reader.finish()?;
        Ok(Self { handshake, message })
    }

    /// The session it starts or continues.
    pub fn session_id(&self) -> crate::session::SessionId {
        self.handshake.id()
    }

    /// The account it says it is from.
    pub fn account(&self) -> AccountId {
        self.handshake.account
    }

    /// The device it says it is from.
    pub fn device(&self) -> DeviceId {
        self.handshake.device
    }

    /// The identity key of the device it says it is from. Opening the message proves that its holder sent it.
    pub fn identity(&self) -> [u8; 32] {
        self.handshake.identity
    }

    /// What taking it uses up, for [`PrekeySecrets::consume`].
    pub fn uses(&self) -> FirstUse {
        self.handshake.uses()
    }
}

impl Encode for Handshake {
    fn encode(&self, out: &mut Vec<u8>) {
        self.account.encode(out);
        self.device.encode(out);
        self.identity.encode(out);
        self.ephemeral.encode(out);
        self.prekey.encode(out);
        self.one_time.encode(out);
        self.ciphertext.encode(out);
        self.started_at.encode(out);
    }
}

impl Decode for Handshake {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            account: Decode::decode(reader)?,
            device: Decode::decode(reader)?,
            identity: reader.array()?,
            ephemeral: reader.array()?,
            prekey: Decode::decode(reader)?,
            one_time: Decode::decode(reader)?,
            ciphertext: Box::new(reader.array()?),
            started_at: Decode::decode(reader)?,
        })
    }
}
