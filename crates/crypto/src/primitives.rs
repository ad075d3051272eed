//! The primitives by the names the rest of the crate uses, with the one parameter choice of this protocol each.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::KeyInit as _;
use chacha20poly1305::aead::AeadInOut as _;
use hkdf::Hkdf;
use hmac::Hmac;
use hmac::Mac as _;
use sha2::Sha256;
use x25519_dalek::PublicKey;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use crate::secret::Secret32;

/// The length of a ChaCha20-Poly1305 tag (RFC 8439).
pub(crate) const TAG_BYTES: usize = 16;

/// The length of a ChaCha20-Poly1305 nonce (RFC 8439).
pub(crate) const NONCE_BYTES: usize = 12;

/// HKDF-SHA-256 (RFC 5869): extract with `salt`, expand with `info` to `N` bytes.
pub(crate) fn hkdf<const N: usize>(salt: &[u8], secret: &[u8], info: &[u8]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(info, out.as_mut_slice())
        .expect("every length asked for here is far below 255 hash lengths");
    out
}

/// HMAC-SHA-256 (RFC 2104) over the parts one after the other.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac =
        <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Seals `buffer` in place with ChaCha20-Poly1305 (RFC 8439) and appends the tag.
pub(crate) fn seal_in_place(key: &[u8; 32], nonce: &[u8; NONCE_BYTES], aad: &[u8], buffer: &mut Vec<u8>) {
    ChaCha20Poly1305::new(key.into())
        .encrypt_in_place(nonce.into(), aad, buffer)
        .expect("what is sealed here is far below 256 GiB");
}

/// Opens what [`seal_in_place`] sealed; `None` when it is not authentic.
pub(crate) fn open(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut buffer = Zeroizing::new(sealed.to_vec());
    if buffer.len() < TAG_BYTES {
        return None;
    }
    ChaCha20Poly1305::new(key.into()).decrypt_in_place(nonce.into(), aad, &mut *buffer).ok()?;
    Some(buffer)
}

/// X25519 (RFC 7748). `None` when the other key contributes nothing (a point of small order).
pub(crate) fn agree(ours: &Secret32, theirs: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let shared = StaticSecret::from(*ours.as_bytes()).diffie_hellman(&PublicKey::from(*theirs));
    shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
}

/// The public key of an X25519 secret.
pub(crate) fn public(secret: &Secret32) -> [u8; 32] {
    PublicKey::from(&StaticSecret::from(*secret.as_bytes())).to_bytes()
}

/// A fresh secret.
pub(crate) fn random_secret(rng: &mut impl rand_core::CryptoRng) -> Secret32 {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill_bytes(bytes.as_mut_slice());
    Secret32::new(*bytes)
}

/// Cuts a derived block into arrays.
pub(crate) fn part<const N: usize>(bytes: &[u8], index: usize) -> [u8; N] {
    let mut out = [0; N];
    if let Some(part) = bytes.get(index * N..(index + 1) * N) {
        out.copy_from_slice(part);
    }
    out
}
