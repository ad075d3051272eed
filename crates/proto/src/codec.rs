//! The one binary form of everything Kith sends or stores: fixed little-endian integers, canonical varints for
//! lengths and counts, tags of one byte. Not self-describing, and not a general serialiser.
//!
//! Every value has exactly one encoding, so an id derived from bytes is an id of the value (`SPEC.md`, section 1).

use crate::error::DecodeError;

/// A value with a canonical binary form.
pub trait Encode {
    /// Appends the value to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// The value as bytes of its own.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

/// A value that can be read back from its canonical form.
pub trait Decode: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// When the bytes are not the canonical form of a value within its limits.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Reads exactly one value that must fill `bytes`.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and [`DecodeError::Trailing`] when bytes are left.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }
}

/// A cursor over bytes from outside. Every read is checked; nothing is allocated before its length is.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader over all of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes the next `count` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// Takes a fixed-size array.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer than `N` bytes are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    /// Reads a canonical LEB128 number of at most `limit`.
    ///
    /// # Errors
    /// When it is cut, over the limit, or longer than needed.
    pub fn varint(&mut self, what: &'static str, limit: u64) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array::<1>()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(DecodeError::TooLarge { what, limit });
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(DecodeError::NotCanonical { what });
                }
                return if value > limit { Err(DecodeError::TooLarge { what, limit }) } else { Ok(value) };
            }
        }
        Err(DecodeError::NotCanonical { what })
    }

    /// Reads a length or count of at most `limit`.
    ///
    /// # Errors
    /// As [`varint`](Self::varint).
    pub fn length(&mut self, what: &'static str, limit: usize) -> Result<usize, DecodeError> {
        let limit = limit as u64;
        let value = self.varint(what, limit)?;
        usize::try_from(value).map_err(|_| DecodeError::TooLarge { what, limit })
    }

    /// Takes everything that is left.
    pub fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] when something is.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}

/// Appends a canonical LEB128 number.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Encode for $integer {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
        impl Decode for $integer {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self::from_le_bytes(reader.array()?))
            }
        }
    )*};
}
integers!(u8, u16, u32, u64);

impl Encode for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Decode for bool {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Invalid { what: "flag" }),
        }
    }
}

impl<const N: usize> Encode for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Decode for [u8; N] {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array()
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.encode(out);
            }
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(if bool::decode(reader)? { Some(T::decode(reader)?) } else { None })
    }
}

impl<A: Encode, B: Encode> Encode for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }
}

impl<A: Decode, B: Decode> Decode for (A, B) {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::decode(reader)?, B::decode(reader)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varint(bytes: &[u8]) -> Result<u64, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = reader.varint("number", u64::MAX)?;
        reader.finish()?;
        Ok(value)
    }

    #[test]
    fn varints_come_back_and_take_the_fewest_bytes() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(varint(&out), Ok(value));
            let bits = (64 - value.leading_zeros() as usize).max(1);
            assert_eq!(out.len(), bits.div_ceil(7));
        }
    }

    #[test]
    fn a_varint_has_only_one_form() {
        let refused = Err(DecodeError::NotCanonical { what: "number" });
        assert_eq!(varint(&[0x80, 0x00]), refused, "zero in two bytes");
        assert_eq!(varint(&[0xff, 0x80, 0x00]), refused, "127 in three bytes");
        assert_eq!(varint(&[0x80; 10]), refused, "ten bytes without an end");
    }

    #[test]
    fn a_varint_over_64_bits_or_its_limit_is_refused() {
        let mut over = [0xff; 10];
        over[9] = 0x02;
        assert_eq!(varint(&over), Err(DecodeError::TooLarge { what: "number", limit: u64::MAX }));
        let refused = Err(DecodeError::TooLarge { what: "number", limit: 9 });
        assert_eq!(Reader::new(&[10]).varint("number", 9), refused);
        assert_eq!(Reader::new(&[9]).varint("number", 9), Ok(9));
    }

    #[test]
    fn a_cut_or_overlong_word_is_refused() {
        assert_eq!(u32::from_bytes(&[1, 2, 3]), Err(DecodeError::Truncated));
        assert_eq!(u32::from_bytes(&[1, 2, 3, 4, 5]), Err(DecodeError::Trailing));
        assert_eq!(u32::from_bytes(&[1, 2, 3, 4]), Ok(0x0403_0201));
        assert_eq!(varint(&[]), Err(DecodeError::Truncated));
        assert_eq!(varint(&[0x80]), Err(DecodeError::Truncated));
    }

    #[test]
    fn a_flag_is_zero_or_one() {
        assert_eq!(Option::<u8>::from_bytes(&[0]), Ok(None));
        assert_eq!(Option::<u8>::from_bytes(&[1, 7]), Ok(Some(7)));
        assert_eq!(bool::from_bytes(&[2]), Err(DecodeError::Invalid { what: "flag" }));
    }
}
