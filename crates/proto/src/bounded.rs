//! Lists, bytes and texts whose limit is part of their type, so that a decoder cannot forget it.

use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::Error as _;

use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::codec::put_varint;
use crate::error::DecodeError;

/// A list of at most `MAX` items.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct BoundedVec<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> BoundedVec<T, MAX> {
    /// The list, or `None` when it has more than `MAX` items.
    pub fn new(items: Vec<T>) -> Option<Self> {
        (items.len() <= MAX).then_some(Self(items))
    }

    /// The first `MAX` items; the rest is dropped.
    pub fn truncated(mut items: Vec<T>) -> Self {
        items.truncate(MAX);
        Self(items)
    }

    /// The plain list.
    pub fn into_inner(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Default for BoundedVec<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Deref for BoundedVec<T, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for BoundedVec<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(from)?).ok_or_else(|| D::Error::custom("the list is over its limit"))
    }
}

impl<T: Encode, const MAX: usize> Encode for BoundedVec<T, MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0.len() as u64);
        for item in &self.0 {
            item.encode(out);
        }
    }
}

impl<T: Decode, const MAX: usize> Decode for BoundedVec<T, MAX> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.length("list", MAX)?;
        // Capacity follows what the input can really hold, never what it claims.
        let mut items = Vec::with_capacity(count.min(reader.remaining()));
        for _ in 0..count {
            items.push(T::decode(reader)?);
        }
        Ok(Self(items))
    }
}

/// At most `MAX` bytes. `Debug` prints the length only: the bytes may be a secret or a message.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct BoundedBytes<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> BoundedBytes<MAX> {
    /// The bytes, or `None` when there are more than `MAX`.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() <= MAX).then_some(Self(bytes))
    }

    /// The plain bytes.
    pub fn into_inner(self) -> Vec<u8> {
        self.0
    }
}

impl<const MAX: usize> Deref for BoundedBytes<MAX> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for BoundedBytes<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for BoundedBytes<MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(from)?)
            .ok_or_else(|| D::Error::custom("there are more bytes than the limit"))
    }
}

impl<const MAX: usize> Encode for BoundedBytes<MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0.len() as u64);
        out.extend_from_slice(&self.0);
    }
}

impl<const MAX: usize> Decode for BoundedBytes<MAX> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.length("bytes", MAX)?;
        Ok(Self(reader.take(count)?.to_vec()))
    }
}

/// A text of at most `MAX` bytes of UTF-8. `Debug` prints the length only: logs never hold what people write.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct BoundedStr<const MAX: usize>(String);

impl<const MAX: usize> BoundedStr<MAX> {
    /// The text, or `None` when it is over `MAX` bytes.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (text.len() <= MAX).then_some(Self(text))
    }

    /// The text, cut at the last character boundary within `MAX` bytes.
    pub fn truncated(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(text.floor_char_boundary(MAX));
        Self(text)
    }

    /// The plain text.
    pub fn into_inner(self) -> String {
        self.0
    }
}

impl<const MAX: usize> Deref for BoundedStr<MAX> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for BoundedStr<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text of {} bytes", self.0.len())
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for BoundedStr<MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(from)?).ok_or_else(|| D::Error::custom("the text is over its limit"))
    }
}

impl<const MAX: usize> Encode for BoundedStr<MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0.len() as u64);
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl<const MAX: usize> Decode for BoundedStr<MAX> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.length("text", MAX)?;
        let text = std::str::from_utf8(reader.take(count)?).map_err(|_| DecodeError::NotText)?;
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_at_its_limit_is_taken_and_one_more_is_not() {
        let full = BoundedVec::<u8, 3>::new(vec![1, 2, 3]).unwrap();
        assert_eq!(BoundedVec::from_bytes(&full.to_bytes()), Ok(full));
        assert!(BoundedVec::<u8, 3>::new(vec![1, 2, 3, 4]).is_none());
        let refused = DecodeError::TooLarge { what: "list", limit: 3 };
        assert_eq!(BoundedVec::<u8, 3>::from_bytes(&[4, 1, 2, 3, 4]), Err(refused));
    }

    #[test]
    fn a_claimed_length_that_is_not_there_is_refused() {
        assert_eq!(BoundedBytes::<100>::from_bytes(&[100, 1, 2]), Err(DecodeError::Truncated));
        assert_eq!(BoundedVec::<u64, 100>::from_bytes(&[100, 1, 2]), Err(DecodeError::Truncated));
    }

    #[test]
    fn a_text_is_utf8_and_is_cut_between_characters() {
        assert_eq!(BoundedStr::<8>::from_bytes(&[2, 0xc3, 0x28]), Err(DecodeError::NotText));
        assert_eq!(&*BoundedStr::<4>::truncated("aäöü"), "aä");
        assert!(BoundedStr::<4>::new("aäöü").is_none());
    }

    #[test]
    fn debug_never_shows_what_is_inside() {
        assert_eq!(format!("{:?}", BoundedStr::<9>::truncated("secret")), "text of 6 bytes");
        assert_eq!(format!("{:?}", BoundedBytes::<9>::new(vec![7; 3])), "Some(3 bytes)");
    }
}
