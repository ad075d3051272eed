//! What is sealed for a mailbox so that another one can pass it on, and what a community hands out: HPKE (RFC 9180) in
//! base mode with X25519, HKDF-SHA256 and ChaCha20-Poly1305, and hashes of vouchers. Used by both ends.

use hpke::Deserializable as _;
use hpke::Kem as _;
use hpke::OpModeR;
use hpke::OpModeS;
use hpke::Serializable as _;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256 as X25519;
use kith_proto::bounded::BoundedBytes;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::ForwardedDeposit;
use kith_proto::mailbox::MAX_FORWARDED_BYTES;
use rand_core::CryptoRng;

/// The public key goes before the box.
const ENCAPSULATED_BYTES: usize = 32;

/// Seals a deposit for the mailbox `to`, whose key its `Info` told. `None` when the key is none.
pub fn seal(
    to: &DeviceId,
    sealing_key: &[u8; 32],
    deposit: &ForwardedDeposit,
    rng: &mut impl CryptoRng,
) -> Option<BoundedBytes<MAX_FORWARDED_BYTES>> {
    let key = <X25519 as hpke::Kem>::PublicKey::from_bytes(sealing_key).ok()?;
    let (encapsulated, sealed) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519>(
        &OpModeS::Base,
        &key,
        &info(to),
        &deposit.to_bytes(),
        b"",
        rng,
    )
    .ok()?;
    let mut bytes = encapsulated.to_bytes().to_vec();
    bytes.extend_from_slice(&sealed);
    BoundedBytes::new(bytes)
}

/// The hash under which a mailbox knows a voucher ([`crate::Config::vouchers`]), so that its configuration is no secret.
pub fn voucher_hash(voucher: &[u8]) -> [u8; 32] {
    blake3::derive_key("kith 2026-11-21 mailbox voucher v1", voucher)
}

/// Opens what was sealed for one mailbox.
pub(crate) struct SealingSecret {
    secret: <X25519 as hpke::Kem>::PrivateKey,
    /// The other half, as `Info` tells it.
    pub(crate) public: [u8; 32],
}

impl SealingSecret {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        let (secret, key) = X25519::derive_keypair(seed);
        let mut public = [0; 32];
        public.iter_mut().zip(key.to_bytes()).for_each(|(to, from)| *to = from);
        Self { secret, public }
    }

    /// The deposit inside, or `None` when it is not for this mailbox or not a deposit.
    pub(crate) fn open(&self, own: &DeviceId, sealed: &[u8]) -> Option<ForwardedDeposit> {
        let (encapsulated, sealed) = sealed.split_at_checked(ENCAPSULATED_BYTES)?;
        let encapsulated = <X25519 as hpke::Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
        let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519>(
            &OpModeR::Base,
            &self.secret,
            &encapsulated,
            &info(own),
            sealed,
            b"",
        )
        .ok()?;
        ForwardedDeposit::from_bytes(&plain).ok()
    }
}

/// Binds a box to this use and to one mailbox.
fn info(mailbox: &DeviceId) -> Vec<u8> {
    [b"kith mailbox forward v1".as_slice(), &mailbox.0].concat()
}
