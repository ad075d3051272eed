//! The number that two people compare, by voice or by QR code, to know that nobody sits between them.
//!
//! Signal's numeric fingerprint, version 0: for each side 5,200 rounds of SHA-512 over its key and its name, thirty
//! digits each, the smaller first. It covers the account keys, so a new device does not change it.

use std::fmt;

use kith_proto::id::AccountId;
use sha2::Digest as _;
use sha2::Sha512;

/// Rounds of hashing, so that finding a look-alike costs (libsignal `fingerprint`, numeric version 0).
const ROUNDS: usize = 5_200;

/// The type byte that libsignal puts before a 32-byte public key; kept so that its published vectors apply.
const KEY_TYPE: u8 = 5;

/// Sixty digits, the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyNumber {
    digits: String,
    fingerprints: [[u8; 32]; 2],
}

/// The safety number of two accounts; the order does not matter.
pub fn safety_number(ours: &AccountId, theirs: &AccountId) -> SafetyNumber {
    let side = |account: &AccountId| fingerprint(&account.0, &account.0);
    let mut sides = [side(ours), side(theirs)];
    sides.sort_by_key(digits);
    SafetyNumber { digits: sides.iter().map(digits).collect(), fingerprints: sides.map(|hash| half(&hash)) }
}

impl SafetyNumber {
    /// The sixty digits without spaces.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// What a QR code holds: a version and both fingerprints. Equal bytes mean equal numbers.
    pub fn qr_bytes(&self) -> Vec<u8> {
        let mut out = b"kith-safety\x01".to_vec();
        out.extend(self.fingerprints.iter().flatten());
        out
    }
}

/// Twelve groups of five digits.
impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, digit) in self.digits.chars().enumerate() {
            if at > 0 && at % 5 == 0 {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

fn fingerprint(key: &[u8; 32], name: &[u8]) -> [u8; 64] {
    let typed = [[KEY_TYPE].as_slice(), key].concat();
    let mut hash: [u8; 64] = Sha512::digest([[0, 0].as_slice(), &typed, name, &typed].concat()).into();
    for _ in 1..ROUNDS {
        hash = Sha512::new().chain_update(hash).chain_update(&typed).finalize().into();
    }
    hash
}

fn half(hash: &[u8; 64]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hash.split_at(32).0);
    out
}

/// Thirty digits from the first thirty bytes: five bytes, big-endian, modulo 100,000, six times.
fn digits(hash: &[u8; 64]) -> String {
    let group = |chunk: &[u8]| chunk.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)) % 100_000;
    hash.chunks_exact(5).take(6).map(|chunk| format!("{:05}", group(chunk))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(hex: &str) -> [u8; 32] {
        data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
    }

    #[test]
    fn libsignals_published_vector_comes_out() {
        let alice = key("06863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868");
        let bob = key("f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b");
        let mut sides =
            [fingerprint(&alice, b"+14152222222"), fingerprint(&bob, b"+14153333333")].map(|h| digits(&h));
        sides.sort();
        assert_eq!(sides.concat(), "300354477692869396892869876765458257569162576843440918079131");
    }

    #[test]
    fn both_sides_see_the_same_number() {
        let (ann, bob) = (AccountId([1; 32]), AccountId([2; 32]));
        assert_eq!(safety_number(&ann, &bob), safety_number(&bob, &ann));
        assert_ne!(safety_number(&ann, &bob), safety_number(&ann, &AccountId([3; 32])));
        assert_eq!(safety_number(&ann, &bob).to_string().split(' ').count(), 12);
    }
}
