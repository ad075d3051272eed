//! A post: what one device says in a group. Posts form a graph: each names its author's last post and the newest
//! posts of others that the author had seen, by their hashes, so that no two members can be shown different histories
//! without noticing, and none can name a later one as its parent.
//!
//! Only the word. Whether the author may post is the roster's to say, whether the signature holds `kith-crypto`'s, and
//! where it stands in a history `kith-engine`'s.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;

use crate::bounded::BoundedBytes;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::codec::put_varint;
use crate::error::DecodeError;
use crate::id::AccountId;
use crate::id::DeviceId;
use crate::id::GroupId;
use crate::id::PostId;
use crate::id::ViewId;
use crate::time::Timestamp;

/// How many posts of others one post may name. In a busy group with more open ends the newest are named; the others are
/// named by the next post.
pub const MAX_PARENTS: usize = 8;

/// The longest body. With everything around it a post still fits a content of a payload (32,768 bytes).
pub const MAX_POST_BODY_BYTES: usize = 30 << 10;

/// The longest post: version, ids, sequence, previous, parents, view, time, body with its length, signature.
pub const MAX_POST_BYTES: usize =
    1 + 32 * 3 + 5 + 33 + 1 + 32 * MAX_PARENTS + 32 + 8 + 3 + MAX_POST_BODY_BYTES + 64;

/// The latest time that a post may claim, some 6,900 years from now: sums with it never overflow, and the value that
/// range reconciliation takes for infinity is never one.
pub const MAX_POST_TIME: Timestamp = Timestamp((1 << 48) - 1);

const POST_VERSION: u8 = 1;
const SIGNED_LABEL: &[u8] = b"kith group post v1";
const ID_CONTEXT: &str = "kith 2026-11-21 post id v1";

/// One signed post.
#[derive(Clone, PartialEq, Eq)]
pub struct Post {
    /// What is said.
    pub draft: Draft,
    /// The device's Ed25519 signature over [`Draft::signed_bytes`].
    pub signature: [u8; 64],
}

/// A post before it is signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// In which group.
    pub group: GroupId,
    /// Whose device it is.
    pub account: AccountId,
    /// The device that says and signs it.
    pub device: DeviceId,
    /// Counts the device's posts in this group, from 1.
    pub sequence: u32,
    /// The device's last post; `None` in the first.
    pub previous: Option<PostId>,
    /// The newest posts of others that the author had seen, in ascending order, without `previous`.
    pub parents: BoundedVec<PostId, MAX_PARENTS>,
    /// What the author knew of the membership.
    pub view: ViewId,
    /// When the author says it was written. Later than the times of all posts that it names.
    pub time: Timestamp,
    /// What it says; the engine's to read.
    pub body: BoundedBytes<MAX_POST_BODY_BYTES>,
}

impl Draft {
    /// What the signature covers: a label, and everything before the signature.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut out =
            Vec::with_capacity(SIGNED_LABEL.len() + MAX_POST_BYTES - MAX_POST_BODY_BYTES + self.body.len());
        out.extend_from_slice(SIGNED_LABEL);
        self.encode(&mut out);
        out
    }

    /// The name: a hash of what is said. Another signature under the same words is the same post.
    pub fn id(&self) -> PostId {
        PostId(blake3::derive_key(ID_CONTEXT, &self.to_bytes()))
    }

    /// Every post that this one names.
    pub fn named(&self) -> impl Iterator<Item = &PostId> {
        self.previous.iter().chain(self.parents.iter())
    }

    /// Checks that it has its one form: numbers in their range, a previous post in all but the first, parents in order.
    ///
    /// # Errors
    /// When it could not have been read from bytes.
    pub fn check(&self) -> Result<(), DecodeError> {
        let sorted = self.parents.iter().zip(self.parents.iter().skip(1)).all(|(one, next)| one < next);
        if self.sequence == 0 || (self.sequence == 1) != self.previous.is_none() {
            return Err(DecodeError::Invalid { what: "sequence of a post" });
        }
        if !sorted || self.previous.is_some_and(|previous| self.parents.contains(&previous)) {
            return Err(DecodeError::NotCanonical { what: "parents of a post" });
        }
        if self.time > MAX_POST_TIME {
            return Err(DecodeError::TooLarge { what: "time of a post", limit: MAX_POST_TIME.0 });
        }
        Ok(())
    }
}

impl Post {
    /// The name: a hash of what is said.
    pub fn id(&self) -> PostId {
        self.draft.id()
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "post {} of {:?} in {:?}, {:?}", self.sequence, self.device, self.group, self.body)
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.draft.fmt(f)
    }
}

impl Encode for Draft {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(POST_VERSION);
        self.group.encode(out);
        self.account.encode(out);
        self.device.encode(out);
        put_varint(out, u64::from(self.sequence));
        self.previous.encode(out);
        self.parents.encode(out);
        self.view.encode(out);
        self.time.encode(out);
        self.body.encode(out);
    }
}

impl Decode for Draft {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != POST_VERSION {
            return Err(DecodeError::Invalid { what: "post version" });
        }
        let draft = Self {
            group: Decode::decode(reader)?,
            account: Decode::decode(reader)?,
            device: Decode::decode(reader)?,
            sequence: sequence(reader)?,
            previous: Decode::decode(reader)?,
            parents: Decode::decode(reader)?,
            view: Decode::decode(reader)?,
            time: Decode::decode(reader)?,
            body: Decode::decode(reader)?,
        };
        draft.check()?;
        Ok(draft)
    }
}

/// Reads a sequence number or a count of them.
pub(crate) fn sequence(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    let limit = u64::from(u32::MAX);
    let value = reader.varint("sequence", limit)?;
    u32::try_from(value).map_err(|_| DecodeError::TooLarge { what: "sequence", limit })
}

impl Encode for Post {
    fn encode(&self, out: &mut Vec<u8>) {
        self.draft.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Post {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { draft: Decode::decode(reader)?, signature: reader.array()? })
    }
}

/// Recorded as on the wire.
impl Serialize for Post {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_bytes().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Post {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::from_bytes(&Vec::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(sequence: u32, previous: Option<u8>, parents: &[u8]) -> Draft {
        let parents = parents.iter().map(|fill| PostId([*fill; 32])).collect();
        Draft {
            group: GroupId([1; 32]),
            account: AccountId([2; 32]),
            device: DeviceId([3; 32]),
            sequence,
            previous: previous.map(|fill| PostId([fill; 32])),
            parents: BoundedVec::new(parents).unwrap(),
            view: ViewId([4; 32]),
            time: Timestamp(1_800_000_000_000),
            body: BoundedBytes::new(b"hello".to_vec()).unwrap(),
        }
    }

    #[test]
    fn a_post_has_one_form() {
        let back = |draft: &Draft| Draft::from_bytes(&draft.to_bytes());
        assert!(back(&draft(1, None, &[7, 8])).is_ok());
        assert!(back(&draft(2, Some(9), &[7, 8])).is_ok());
        for (wrong, why) in [
            (draft(0, None, &[]), "posts are counted from one"),
            (draft(1, Some(9), &[]), "nothing comes before the first"),
            (draft(2, None, &[]), "something comes before the second"),
            (draft(1, None, &[8, 7]), "parents are in order"),
            (draft(1, None, &[7, 7]), "no parent is named twice"),
            (draft(2, Some(7), &[7]), "the previous post is no parent as well"),
            (Draft { time: Timestamp(1 << 48), ..draft(1, None, &[]) }, "a time that never comes"),
        ] {
            assert!(back(&wrong).is_err(), "{why}");
        }
    }

    #[test]
    fn a_name_is_of_what_is_said_and_not_of_how_it_was_signed() {
        let one = Post { draft: draft(1, None, &[7]), signature: [1; 64] };
        let again = Post { signature: [2; 64], ..one.clone() };
        assert_eq!(one.id(), again.id());
        assert_ne!(one.id(), draft(1, None, &[8]).id());
    }

    #[test]
    fn the_longest_post_is_as_long_as_it_says() {
        let mut longest = draft(u32::MAX, Some(9), &[1, 2, 3, 4, 5, 6, 7, 8]);
        longest.body = BoundedBytes::new(vec![0; MAX_POST_BODY_BYTES]).unwrap();
        let longest = Post { draft: longest, signature: [0; 64] };
        assert_eq!(longest.to_bytes().len(), MAX_POST_BYTES);
        const { assert!(MAX_POST_BYTES <= 32_768, "it fits a content") };
    }
}
