//! What stands before each sealed frame (RFC 9605, 4.3): the key id and the counter, each as short as it can be.
//!
//! ```text
//!   0 1 2 3 4 5 6 7
//!  ┌─┬─────┬─┬─────┐
//!  │X│  K  │Y│  C  │  key id, if X   counter, if Y
//!  └─┴─────┴─┴─────┘
//! ```

/// The longest header: both numbers in full.
pub const MAX_HEADER_BYTES: usize = 17;

/// Numbers below this stand in the first byte.
const SHORT: u64 = 8;

/// Says of one of the two parts of the first byte that the number comes after it.
const FOLLOWS: u8 = 8;

/// Which key, and which of its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The id of the key (KID).
    pub key: u64,
    /// The number of the frame under that key (CTR).
    pub counter: u64,
}

impl Header {
    /// Its bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut out = vec![0];
        let key = put(self.key, &mut out);
        let counter = put(self.counter, &mut out);
        if let Some(first) = out.first_mut() {
            *first = key << 4 | counter;
        }
        out
    }

    /// The header before a frame, and its length; `None` if the bytes end before, or a number has more bytes than it needs: each
    /// header has one encoding here.
    pub fn read(frame: &[u8]) -> Option<(Self, usize)> {
        let (first, rest) = frame.split_first()?;
        let (key, rest) = take(first >> 4, rest)?;
        let (counter, rest) = take(first & 0xf, rest)?;
        Some((Self { key, counter }, frame.len() - rest.len()))
    }
}

/// Adds a number unless it is short; returns its part of the first byte.
fn put(number: u64, out: &mut Vec<u8>) -> u8 {
    if number < SHORT {
        return number as u8;
    }
    let zeros = number.leading_zeros() as usize / 8;
    let bytes = number.to_be_bytes();
    let needed = bytes.get(zeros..).unwrap_or(&bytes);
    out.extend_from_slice(needed);
    FOLLOWS | (needed.len() - 1) as u8
}

fn take(part: u8, rest: &[u8]) -> Option<(u64, &[u8])> {
    if part & FOLLOWS == 0 {
        return Some((u64::from(part), rest));
    }
    let (bytes, rest) = rest.split_at_checked(usize::from(part & 7) + 1)?;
    let number = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let shortest = number >= SHORT && (bytes.len() == 1 || bytes.first() != Some(&0));
    shortest.then_some((number, rest))
}
