//! Encryption of files, piece by piece: a fresh random key for every file, ChaCha20-Poly1305 over pieces of 64 KiB in
//! the STREAM construction with the layout of age's payload (age-encryption.org/v1, "Payload"): the nonce is an
//! 11-byte big-endian counter and a last-piece flag, so that pieces cannot be reordered, dropped or cut off.

use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::primitives;
use crate::secret::Secret32;

/// The plaintext size of every piece but the last.
pub const PIECE_BYTES: usize = 64 << 10;

/// What a piece grows by.
pub const PIECE_OVERHEAD_BYTES: usize = primitives::TAG_BYTES;

/// The key of one file. It travels inside the message that shows the file.
#[derive(Clone, PartialEq, Eq)]
pub struct BlobKey(Secret32);

impl BlobKey {
    /// A key for a new file. The same file gets another key each time: nobody can ask whether it is known.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(primitives::random_secret(rng))
    }

    /// Seals the piece with number `index`; `last` for the last one.
    pub fn seal_piece(&self, index: u64, last: bool, plain: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(plain.len() + PIECE_OVERHEAD_BYTES);
        buffer.extend_from_slice(plain);
        primitives::seal_in_place(&self.payload_key(), &nonce(index, last), b"", &mut buffer);
        buffer
    }

    /// Opens the piece with number `index`; `None` when it is not exactly that piece of this file.
    pub fn open_piece(&self, index: u64, last: bool, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        primitives::open(&self.payload_key(), &nonce(index, last), b"", sealed)
    }

    fn payload_key(&self) -> Zeroizing<[u8; 32]> {
        primitives::hkdf(b"", self.0.as_bytes(), b"kith blob payload v1")
    }
}

impl Encode for BlobKey {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for BlobKey {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(Secret32::decode(reader)?))
    }
}

/// The size a file is padded to, so that its exact length stays private: Padmé (Nikitin et al., 2019, section 4) keeps
/// only the top `log2 log2` bits of a length, at a cost of at most 12 %.
pub fn padded_len(length: u64) -> u64 {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let kept = u64::BITS - u64::from(exponent).leading_zeros();
    let low_bits = exponent.saturating_sub(kept);
    let mask = (1u64 << low_bits) - 1;
    length.checked_add(mask).map_or(length, |sum| sum & !mask)
}

fn nonce(index: u64, last: bool) -> [u8; primitives::NONCE_BYTES] {
    let mut nonce = [0; primitives::NONCE_BYTES];
    for (to, from) in nonce.iter_mut().skip(3).zip(index.to_be_bytes()) {
        *to = from;
    }
    if let Some(flag) = nonce.last_mut() {
        *flag = u8::from(last);
    }
    nonce
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng as _;

    use super::*;

    fn key() -> BlobKey {
        BlobKey::generate(&mut rand_chacha::ChaCha20Rng::from_seed([7; 32]))
    }

    #[test]
    fn a_piece_opens_only_in_its_place() {
        let key = key();
        let sealed = key.seal_piece(3, false, b"piece three");
        assert_eq!(key.open_piece(3, false, &sealed).unwrap().as_slice(), b"piece three");
        assert!(key.open_piece(2, false, &sealed).is_none(), "another place");
        assert!(key.open_piece(3, true, &sealed).is_none(), "as the last one: the file would seem complete");
        let mut flipped = sealed;
        flipped[0] ^= 1;
        assert!(key.open_piece(3, false, &flipped).is_none(), "one flipped bit");
    }

    #[test]
    fn every_counter_has_its_own_nonce() {
        let nonces =
            [nonce(0, false), nonce(0, true), nonce(1, false), nonce(256, false), nonce(u64::MAX, true)];
        for (at, one) in nonces.iter().enumerate() {
            assert!(nonces.iter().skip(at + 1).all(|other| one != other));
        }
    }

    #[test]
    fn padding_costs_at_most_an_eighth_and_never_shrinks() {
        for length in (0..100_000).chain([1 << 30, (1 << 30) + 1, u64::MAX / 2, u64::MAX]) {
            let padded = padded_len(length);
            assert!(padded >= length);
            assert!(padded - length <= length / 8 + 1, "{length} -> {padded}");
        }
    }
}
