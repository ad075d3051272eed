//! The envelope: what relays, mailboxes and strangers see. A version, a tag that only the two ends can compute, and a
//! padded box in one of four sizes: no sender, no account, no type. What is inside is [`crate::payload`].

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::codec::put_varint;
use crate::error::DecodeError;
use crate::id::EnvelopeId;

/// The only version so far.
pub const ENVELOPE_VERSION: u8 = 1;

/// The whole sizes an envelope may have, in bytes: text, first contact, long text, thumbnails.
pub const SIZE_CLASSES: [usize; 4] = [1 << 10, 4 << 10, 16 << 10, 64 << 10];

/// The largest envelope in bytes.
pub const MAX_ENVELOPE_BYTES: usize = 64 << 10;

/// Version and tag before the box.
pub const HEADER_BYTES: usize = 1 + TAG_BYTES;

/// The size of the tag in bytes.
pub const TAG_BYTES: usize = 16;

/// A sealed envelope whose outer form has been checked. Its size is exactly one of [`SIZE_CLASSES`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>")]
pub struct Envelope(Vec<u8>);

impl TryFrom<Vec<u8>> for Envelope {
    type Error = DecodeError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        Self::parse(bytes)
    }
}

impl Envelope {
    /// Puts an envelope together.
    ///
    /// Returns `None` when header and box together are not exactly one of the size classes.
    pub fn new(tag: [u8; TAG_BYTES], sealed: &[u8]) -> Option<Self> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + sealed.len());
        bytes.push(ENVELOPE_VERSION);
        bytes.extend_from_slice(&tag);
        bytes.extend_from_slice(sealed);
        SIZE_CLASSES.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Checks bytes from outside.
    ///
    /// # Errors
    /// When the version is unknown or the size is not one of the classes.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        if bytes.first() != Some(&ENVELOPE_VERSION) {
            return Err(DecodeError::Invalid { what: "envelope version" });
        }
        if !SIZE_CLASSES.contains(&bytes.len()) {
            return Err(DecodeError::Invalid { what: "envelope size" });
        }
        Ok(Self(bytes))
    }

    /// How many bytes the box may have in the smallest class that holds `sealed_len` of them; `None` above 64 KiB.
    pub fn box_len_for(sealed_len: usize) -> Option<usize> {
        SIZE_CLASSES.iter().map(|class| class - HEADER_BYTES).find(|room| sealed_len <= *room)
    }

    /// The name of this envelope, the same for every copy.
    pub fn id(&self) -> EnvelopeId {
        EnvelopeId::of(&self.0)
    }

    /// The tag by which the recipient finds the session.
    pub fn tag(&self) -> [u8; TAG_BYTES] {
        let mut tag = [0; TAG_BYTES];
        if let Some(bytes) = self.0.get(1..HEADER_BYTES) {
            tag.copy_from_slice(bytes);
        }
        tag
    }

    /// The padded box.
    pub fn sealed(&self) -> &[u8] {
        self.0.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// The whole envelope as it is sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} bytes", self.id(), self.0.len())
    }
}

impl Encode for Envelope {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0.len() as u64);
        out.extend_from_slice(&self.0);
    }
}

impl Decode for Envelope {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.length("envelope", MAX_ENVELOPE_BYTES)?;
        Self::parse(reader.take(count)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_has_one_of_four_sizes() {
        for size in SIZE_CLASSES {
            let envelope = Envelope::new([3; TAG_BYTES], &vec![0; size - HEADER_BYTES]).unwrap();
            assert_eq!(envelope.tag(), [3; TAG_BYTES]);
            assert_eq!(envelope.sealed().len(), size - HEADER_BYTES);
            assert_eq!(Envelope::parse(envelope.as_bytes().to_vec()), Ok(envelope));
            assert!(Envelope::new([3; TAG_BYTES], &vec![0; size - HEADER_BYTES - 1]).is_none());
        }
        let refused = Err(DecodeError::Invalid { what: "envelope size" });
        assert_eq!(Envelope::parse(vec![ENVELOPE_VERSION; 1000]), refused);
        assert_eq!(Envelope::parse(vec![2; 1024]), Err(DecodeError::Invalid { what: "envelope version" }));
    }

    #[test]
    fn the_smallest_class_with_room_is_chosen() {
        assert_eq!(Envelope::box_len_for(0), Some(1024 - HEADER_BYTES));
        assert_eq!(Envelope::box_len_for(1024 - HEADER_BYTES), Some(1024 - HEADER_BYTES));
        assert_eq!(Envelope::box_len_for(1025 - HEADER_BYTES), Some(4096 - HEADER_BYTES));
        assert_eq!(Envelope::box_len_for(MAX_ENVELOPE_BYTES), None);
    }
}
