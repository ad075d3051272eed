//! Things that must not be seen, and a search for them in whatever form: raw, as digits of any usual alphabet at any
//! alignment, whole or in part.

use std::collections::BTreeMap;

/// Raw bytes in a row that count as found: a part of an id is as bad as the whole, and eight bytes are no accident.
const RAW: usize = 8;

/// Letters in a row that count as found. Twelve hexadecimal digits are six bytes.
const LETTERS: usize = 12;

/// Alphabets whose letters stand for whole bits: base 16, 32 (of keys and of accounts) and 64.
const ALPHABETS: &[&str] = &[
    "0123456789abcdef",
    "0123456789ABCDEF",
    "abcdefghijklmnopqrstuvwxyz234567",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
];

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// What to look for: its first eight bytes, the rest, and whose it is.
#[derive(Default)]
pub(crate) struct Needles {
    windows: BTreeMap<[u8; RAW], Vec<(Vec<u8>, String)>>,
}

impl Needles {
    /// Adds something that is told by this name when it is found.
    pub(crate) fn add(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= RAW, "{name} is too short to be no accident");
        self.windows(&format!("{name}, raw"), secret, RAW);
        for alphabet in ALPHABETS {
            let bits = alphabet.len().ilog2() as usize;
            for skipped in 0..bits {
                let text = letters(secret, alphabet.as_bytes(), bits, skipped);
                self.windows(&format!("{name}, base {}", alphabet.len()), &text, LETTERS);
            }
        }
        self.windows(&format!("{name}, base 58"), &base58(secret), LETTERS);
    }

    /// Adds a text that may stand as it is.
    pub(crate) fn add_text(&mut self, name: &str, text: &str) {
        self.windows(&format!("{name}, as text"), text.as_bytes(), LETTERS);
    }

    /// The names of what is in these bytes.
    pub(crate) fn found_in(&self, hay: &[u8]) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for at in 0..hay.len().saturating_sub(RAW - 1) {
            let rest = &hay[at..];
            let Some((head, tail)) = rest.split_first_chunk::<RAW>() else { continue };
            for (wanted, name) in self.windows.get(head).into_iter().flatten() {
                if tail.starts_with(wanted) && !found.contains(&name.as_str()) {
                    found.push(name);
                }
            }
        }
        found
    }

    fn windows(&mut self, name: &str, bytes: &[u8], length: usize) {
        for window in bytes.windows(length) {
            let (head, tail) = window.split_first_chunk::<RAW>().unwrap();
            self.windows.entry(*head).or_default().push((tail.to_vec(), name.to_owned()));
        }
    }
}

/// The bits of `bytes` from the `skipped`-th on, as letters; what does not fill a letter is left out.
fn letters(bytes: &[u8], alphabet: &[u8], bits: usize, skipped: usize) -> Vec<u8> {
    let bit = |at: usize| usize::from(bytes[at / 8] >> (7 - at % 8) & 1);
    let whole = (bytes.len() * 8 - skipped) / bits;
    let letter = |n: usize| (0..bits).fold(0, |value, k| value << 1 | bit(skipped + n * bits + k));
    (0..whole).map(|n| alphabet[letter(n)]).collect()
}

fn base58(bytes: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u32> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    digits.iter().rev().map(|digit| BASE58[*digit as usize]).collect()
}

#[test]
fn every_form_is_found_and_nothing_else() {
    let secret: Vec<u8> = (0..32_u8).map(|n| n.wrapping_mul(37).wrapping_add(11)).collect();
    let mut needles = Needles::default();
    needles.add("it", &secret);
    assert_eq!(needles.found_in(&[b"xy", &secret[5..13], b"z"].concat()), ["it, raw"]);
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(needles.found_in(format!("id={hex}").as_bytes()), ["it, base 16"]);
    let account = kith_proto::id::AccountId(secret.clone().try_into().unwrap());
    assert_eq!(needles.found_in(account.to_string().as_bytes()), ["it, base 32"]);
    let invite = letters(&[b"abc", secret.as_slice()].concat(), ALPHABETS[6].as_bytes(), 6, 0);
    assert_eq!(needles.found_in(&invite), ["it, base 64"]);
    assert_eq!(needles.found_in(&base58(&secret)), ["it, base 58"]);
    assert!(needles.found_in(&secret[5..12]).is_empty(), "seven bytes may be an accident");
    assert!(needles.found_in(&[0x5a; 4_096]).is_empty());
}
