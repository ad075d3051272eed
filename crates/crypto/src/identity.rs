//! Accounts, devices, and the signed list that says which devices are an account's.
//!
//! The account key signs device lists and nothing else; it can be written down as 24 words. A device has its own
//! Ed25519 key (its libp2p identity), its own X25519 identity key for handshakes, and an X-Wing key to which first
//! envelopes are sealed. No key is converted into another kind (`SPEC.md`, section 2).

use bip39::Mnemonic;
use ed25519_dalek::Signature;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use hpke::Deserializable as _;
use hpke::Kem as _;
use hpke::Serializable as _;
use hpke::kem::XWing;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use rand_core::CryptoRng;
use sha2::Digest as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::primitives;
use crate::secret::Secret32;

/// How many devices an account may have at once.
pub const MAX_DEVICES: usize = 8;

/// How many revoked devices a list remembers; the oldest are dropped by their owner.
pub const MAX_REVOKED: usize = 32;

/// The size of an X-Wing public key in bytes (draft-connolly-cfrg-xwing-kem).
pub const ENVELOPE_KEY_BYTES: usize = 1216;

const LIST_LABEL: &[u8] = b"kith device list v1";
const ENTRY_LABEL: &[u8] = b"kith device of account v1";
const DEVICE_SECRET_VERSION: u8 = 1;

/// The secret key of an account.
pub struct AccountSecret(Secret32);

/// The secret keys of a device.
pub struct DeviceSecret {
    signing: Secret32,
    identity: Secret32,
    envelope: Secret32,
}

/// A device in a device list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceEntry {
    /// The device.
    pub device: DeviceId,
    /// Its X25519 identity key.
    pub identity: [u8; 32],
    /// The device's own signature that it belongs to the account: nobody can list somebody else's device.
    pub proof: [u8; 64],
}

/// The devices of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceList {
    /// Whose devices.
    pub account: AccountId,
    /// Grows with every change.
    pub version: u32,
    /// The devices in use.
    pub devices: BoundedVec<DeviceEntry, MAX_DEVICES>,
    /// Devices that must not be trusted any more.
    pub revoked: BoundedVec<DeviceId, MAX_REVOKED>,
}

/// A device list with the account's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDeviceList {
    /// The list.
    pub list: DeviceList,
    signature: [u8; 64],
}

/// Why 24 words were not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhraseError {
    /// The count is wrong.
    #[error("a recovery phrase has 24 words; this one has {0}")]
    WordCount(usize),
    /// A word is not in the list.
    #[error("word {0} is not in the word list: check its spelling")]
    UnknownWord(usize),
    /// The words are known, but do not belong together.
    #[error("these words do not belong together: one of them was swapped or misread")]
    Checksum,
}

/// Why a signed statement about an identity was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// It is about another account.
    #[error("the device list belongs to another account")]
    OtherAccount,
    /// The signature is wrong.
    #[error("the signature does not hold")]
    BadSignature,
    /// The secret bytes are not a device's.
    #[error("the stored device keys cannot be read")]
    BadSecret,
}

impl AccountSecret {
    /// A new account.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(primitives::random_secret(rng))
    }

    /// The account with this Ed25519 seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(Secret32::new(seed))
    }

    /// The Ed25519 seed.
    pub fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The account's address: its public key.
    pub fn id(&self) -> AccountId {
        AccountId(SigningKey::from_bytes(self.0.as_bytes()).verifying_key().to_bytes())
    }

    pub(crate) fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(self.0.as_bytes())
    }

    /// The seed as 24 English words (BIP-39), to be shown once and written down.
    pub fn phrase(&self) -> Zeroizing<String> {
        let words = Mnemonic::from_entropy(self.0.as_bytes()).expect("32 bytes make 24 words");
        Zeroizing::new(words.to_string())
    }

    /// The account behind 24 words. Case and spacing do not matter.
    ///
    /// # Errors
    /// When the words are not a phrase; says which word is wrong.
    pub fn from_phrase(words: &str) -> Result<Self, PhraseError> {
        let normal =
            Zeroizing::new(words.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" "));
        let count = normal.split(' ').filter(|word| !word.is_empty()).count();
        if count != 24 {
            return Err(PhraseError::WordCount(count));
        }
        let mnemonic =
            Mnemonic::parse_in_normalized(bip39::Language::English, &normal).map_err(
                |error| match error {
                    bip39::Error::UnknownWord(index) => PhraseError::UnknownWord(index + 1),
                    _ => PhraseError::Checksum,
                },
            )?;
        let entropy = Zeroizing::new(mnemonic.to_entropy());
        let seed: [u8; 32] = entropy.as_slice().try_into().map_err(|_| PhraseError::Checksum)?;
        Ok(Self::from_seed(seed))
    }

    /// Signs a device list of this account.
    pub fn sign_list(&self, list: DeviceList) -> SignedDeviceList {
        let key = SigningKey::from_bytes(self.0.as_bytes());
        let signature = key.sign(&list.signed_bytes()).to_bytes();
        SignedDeviceList { list, signature }
    }
}

impl DeviceSecret {
    /// A new device.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self {
            signing: primitives::random_secret(rng),
            identity: primitives::random_secret(rng),
            envelope: primitives::random_secret(rng),
        }
    }

    /// The device's public name: its Ed25519 key.
    pub fn id(&self) -> DeviceId {
        DeviceId(self.signing_key().verifying_key().to_bytes())
    }

    /// The X25519 identity key that others use in handshakes.
    pub fn identity_public(&self) -> [u8; 32] {
        primitives::public(&self.identity)
    }

    /// The Ed25519 seed, for the libp2p identity.
    pub fn signing_seed(&self) -> &[u8; 32] {
        self.signing.as_bytes()
    }

    /// What stands about this device in its account's list.
    pub fn entry(&self, account: &AccountId) -> DeviceEntry {
        let (device, identity) = (self.id(), self.identity_public());
        let proof = self.signing_key().sign(&entry_bytes(account, &device, &identity)).to_bytes();
        DeviceEntry { device, identity, proof }
    }

    /// The secrets as stored.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(128));
        out.push(DEVICE_SECRET_VERSION);
        for secret in [&self.signing, &self.identity, &self.envelope] {
            secret.encode(&mut out);
        }
        out
    }

    /// The secrets from their stored form.
    ///
    /// # Errors
    /// When the bytes are not a device's secrets.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        let read = || {
            let mut reader = Reader::new(bytes);
            if u8::decode(&mut reader)? != DEVICE_SECRET_VERSION {
                return Err(DecodeError::Invalid { what: "device secret version" });
            }
            let device = Self {
                signing: Decode::decode(&mut reader)?,
                identity: Decode::decode(&mut reader)?,
                envelope: Decode::decode(&mut reader)?,
            };
            reader.finish()?;
            Ok(device)
        };
        read().map_err(|_| IdentityError::BadSecret)
    }

    pub(crate) fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(self.signing.as_bytes())
    }

    pub(crate) fn identity(&self) -> &Secret32 {
        &self.identity
    }

    pub(crate) fn envelope_secret(&self) -> <XWing as hpke::Kem>::PrivateKey {
        <XWing as hpke::Kem>::PrivateKey::from_bytes(self.envelope.as_bytes())
            .expect("an X-Wing secret is any 32 bytes")
    }

    /// The X-Wing key to which first envelopes are sealed.
    pub fn envelope_public(&self) -> [u8; ENVELOPE_KEY_BYTES] {
        let mut out = [0; ENVELOPE_KEY_BYTES];
        XWing::sk_to_pk(&self.envelope_secret()).write_exact(&mut out);
        out
    }
}

/// What a device signs to belong to an account.
fn entry_bytes(account: &AccountId, device: &DeviceId, identity: &[u8; 32]) -> Vec<u8> {
    [ENTRY_LABEL, &account.0, &device.0, identity].concat()
}

impl DeviceList {
    fn signed_bytes(&self) -> Vec<u8> {
        let mut out = LIST_LABEL.to_vec();
        self.encode(&mut out);
        out
    }
}

impl SignedDeviceList {
    /// The list, if it is this account's and its signature holds.
    ///
    /// # Errors
    /// When it is not.
    pub fn verify(&self, account: &AccountId) -> Result<&DeviceList, IdentityError> {
        if self.list.account != *account {
            return Err(IdentityError::OtherAccount);
        }
        verify(&account.0, &self.list.signed_bytes(), &self.signature)?;
        for DeviceEntry { device, identity, proof } in self.list.devices.iter() {
            verify(&device.0, &entry_bytes(account, device, identity), proof)?;
        }
        Ok(&self.list)
    }

    /// A name for exactly this list; contacts compare it to find an account that shows different people different lists.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.list.signed_bytes()).into()
    }
}

/// Checks an Ed25519 signature strictly: no weak keys, no malleable forms.
pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<(), IdentityError> {
    VerifyingKey::from_bytes(key)
        .and_then(|key| key.verify_strict(message, &Signature::from_bytes(signature)))
        .map_err(|_| IdentityError::BadSignature)
}

impl Encode for DeviceEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        self.device.encode(out);
        self.identity.encode(out);
        self.proof.encode(out);
    }
}

impl Decode for DeviceEntry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { device: Decode::decode(reader)?, identity: reader.array()?, proof: reader.array()? })
    }
}

impl Encode for DeviceList {
    fn encode(&self, out: &mut Vec<u8>) {
        self.account.encode(out);
        self.version.encode(out);
        self.devices.encode(out);
        self.revoked.encode(out);
    }
}

impl Decode for DeviceList {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            account: Decode::decode(reader)?,
            version: Decode::decode(reader)?,
            devices: Decode::decode(reader)?,
            revoked: Decode::decode(reader)?,
        })
    }
}

impl Encode for SignedDeviceList {
    fn encode(&self, out: &mut Vec<u8>) {
        self.list.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for SignedDeviceList {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { list: Decode::decode(reader)?, signature: reader.array()? })
    }
}
