//! A room in a directory: what a member of the directory posts about it. The newest of one author about one room counts.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::bounded::BoundedStr;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::error::DecodeError;
use crate::id::GroupId;

use super::MAX_GROUP_LINK_CHARS;
use super::MAX_GROUP_NAME_BYTES;

/// The longest topic in a listing in bytes: some lines of a list, not the whole topic of a room.
pub const MAX_LISTING_TOPIC_BYTES: usize = 512;

/// The most tags of one listing.
pub const MAX_LISTING_TAGS: usize = 8;

/// The longest tag in bytes.
const MAX_TAG_BYTES: usize = 48;

/// The longest name of a language in bytes: a tag of BCP 47.
const MAX_LANGUAGE_BYTES: usize = 35;

/// A room as somebody lists it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Which room.
    pub room: GroupId,
    /// Its link; empty when it is not listed any more.
    pub link: BoundedStr<MAX_GROUP_LINK_CHARS>,
    /// What it is called.
    pub name: BoundedStr<MAX_GROUP_NAME_BYTES>,
    /// What it is about.
    pub topic: BoundedStr<MAX_LISTING_TOPIC_BYTES>,
    /// The language that is spoken there, as in BCP 47; empty if it was not told.
    pub language: BoundedStr<MAX_LANGUAGE_BYTES>,
    /// Words by which it is found.
    pub tags: BoundedVec<BoundedStr<MAX_TAG_BYTES>, MAX_LISTING_TAGS>,
}

/// Without the link, which lets people in.
impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("room", &self.room).finish_non_exhaustive()
    }
}

impl Encode for Listing {
    fn encode(&self, out: &mut Vec<u8>) {
        self.room.encode(out);
        self.link.encode(out);
        self.name.encode(out);
        self.topic.encode(out);
        self.language.encode(out);
        self.tags.encode(out);
    }
}

impl Decode for Listing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            room: Decode::decode(reader)?,
            link: Decode::decode(reader)?,
            name: Decode::decode(reader)?,
            topic: Decode::decode(reader)?,
            language: Decode::decode(reader)?,
            tags: Decode::decode(reader)?,
        })
    }
}
