//! What devices of members say to each other about a group, inside the payloads of their sessions, and what a post says.
//!
//! Reliable words wait in the outbox until they are confirmed; the others are said on a live connection and lost with it.
//!
//! | word | reliable | |
//! |---|---|---|
//! | Operations, Heads | both | parts of the log; what the sender has |
//! | Chain, Post | yes | how the sender seals, and what it sealed |
//! | Read | yes | how far the receiver's posts were shown to the sender |
//! | Join, Refused, WorkWanted | yes | somebody with a link asks to come in |
//! | PassedOn, Decided | yes | the request of somebody goes to those who may let them in |
//! | Report | yes | a post is shown to those who keep order |
//! | AskChain, Sync, Taken, End | no | comparing and healing |
//! | AskChainOf, ChainOf | no | how somebody else seals, in a large group |
//! | Whereabouts | no | where other members are |

use serde::Deserialize;
use serde::Serialize;

use crate::address::DeviceAddress;
use crate::bounded::BoundedBytes;
use crate::bounded::BoundedStr;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::codec::put_varint;
use crate::envelope::Envelope;
use crate::envelope::TAG_BYTES;
use crate::error::DecodeError;
use crate::frame::BundleBytes;
use crate::frame::DeviceListBytes;
use crate::id::AccountId;
use crate::id::DeviceId;
use crate::id::GroupId;
use crate::id::LinkId;
use crate::id::MessageId;
use crate::id::OperationId;
use crate::mailbox::Signature;
use crate::mailbox::WorkBits;
use crate::payload::Profile;
use crate::post::MAX_POST_BYTES;
use crate::post::sequence;
use crate::sync::HistoryDigest;

use super::Listing;
use super::Operation;

/// The most operations in one word; its bytes are bounded as well.
pub const MAX_OPERATIONS_TOLD: usize = 64;

/// The most bytes of operations in one word: it fits a content.
pub const MAX_TOLD_BYTES: usize = 28 << 10;

/// The longest share of a chain in bytes.
pub const MAX_SHARE_BYTES: usize = 256;

/// The most newest operations that are named.
pub const MAX_HEADS: usize = 32;

/// The most older operations that are named beside them, each about twice as far back as the one before.
pub const MAX_OLDER: usize = 32;

/// The most places of other members in one word.
pub const MAX_PLACES: usize = 64;

/// The longest part of a sync word: with the rest of its payload it fits the 64 KiB class, and a content.
pub const MAX_SYNC_PART_BYTES: usize = 28 << 10;

/// The longest text in a group in bytes of UTF-8: with everything around it, its sealed post fits a content.
pub const MAX_GROUP_TEXT_BYTES: usize = 14 << 10;

/// The most people that one post calls by name.
pub const MAX_MENTIONS: usize = 32;

/// The longest body of a word or post that this version does not know.
pub const MAX_UNKNOWN_WORD_BYTES: usize = 30 << 10;

/// The longest reason of a report in bytes.
pub const MAX_REASON_BYTES: usize = 512;

const BODY_VERSION: u8 = 1;
const LISTING_VERSION: u8 = 2;

/// One word about a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupWord {
    /// Operations of the log, each after those that it follows.
    Operations {
        /// Of which group.
        group: GroupId,
        /// The operations.
        operations: BoundedVec<Operation, MAX_OPERATIONS_TOLD>,
        /// Whether there are more that the receiver should ask for.
        more: bool,
    },
    /// How the sender's device seals from now on (`kith-crypto`, a share of its chain).
    Chain(BoundedBytes<MAX_SHARE_BYTES>),
    /// A post, sealed with the sender's chain.
    Post {
        /// In which group.
        group: GroupId,
        /// The sealed post.
        envelope: Envelope,
    },
    /// The sender cannot open what the receiver sealed.
    AskChain {
        /// In which group.
        group: GroupId,
    },
    /// What the sender has.
    Heads {
        /// Of which group.
        group: GroupId,
        /// The operations that no other follows.
        heads: BoundedVec<OperationId, MAX_HEADS>,
        /// Some earlier ones, so that what both have is found.
        older: BoundedVec<OperationId, MAX_OLDER>,
        /// A name for all posts.
        digest: HistoryDigest,
    },
    /// A part of a word by which two histories become one ([`crate::sync`]).
    Sync {
        /// Of which group.
        group: GroupId,
        /// The part.
        part: BoundedBytes<MAX_SYNC_PART_BYTES>,
        /// Whether the word ends with it.
        last: bool,
    },
    /// So many parts were taken: as many more may come.
    Taken {
        /// Of which group's meeting.
        group: GroupId,
        /// How many.
        parts: u32,
    },
    /// The meeting is over, whatever was left to say.
    End {
        /// Of which group.
        group: GroupId,
        /// Whether all was said; else the sender has no time, or the receiver broke the rules.
        complete: bool,
    },
    /// The receiver's posts up to this one were shown to the sender.
    Read {
        /// In which group.
        group: GroupId,
        /// The last one's number.
        sequence: u32,
    },
    /// The sender holds a link and asks to come in.
    Join(Box<JoinRequest>),
    /// The sender does not let the receiver in.
    Refused {
        /// Into which group.
        group: GroupId,
    },
    /// Where other members are, as far as the sender knows.
    Whereabouts {
        /// Of which group.
        group: GroupId,
        /// The places.
        places: BoundedVec<DeviceAddress, MAX_PLACES>,
    },
    /// The sender cannot open what it got through the receiver, sealed by a third.
    AskChainOf {
        /// In which group.
        group: GroupId,
        /// The tag of the envelope.
        tag: [u8; TAG_BYTES],
    },
    /// How a device seals, told by that device or by another member.
    ChainOf {
        /// In which group.
        group: GroupId,
        /// Which device.
        device: DeviceId,
        /// How it seals (`kith-crypto`, a share of its chain).
        share: BoundedBytes<MAX_SHARE_BYTES>,
        /// The newest operations that it knew when it made the chain. Their hash is the view in the share.
        heads: BoundedVec<OperationId, MAX_HEADS>,
    },
    /// Somebody holds a link and asks to come in, and the sender may not decide.
    PassedOn(Box<JoinRequest>),
    /// Somebody who asked does not come in.
    Decided {
        /// Into which group.
        group: GroupId,
        /// Who.
        account: AccountId,
    },
    /// The receiver may come in for more work than was done.
    WorkWanted {
        /// Into which group.
        group: GroupId,
        /// So many leading zero bits, at most [`crate::mailbox::MAX_WORK_BITS`].
        bits: u8,
        /// The sender's day, counted from 1970: work for one that is far from it does not count.
        day: u32,
    },
    /// The sender thinks that a post is not for this group.
    Report {
        /// In which group.
        group: GroupId,
        /// The signed post.
        post: BoundedBytes<MAX_POST_BYTES>,
        /// Why.
        reason: BoundedStr<MAX_REASON_BYTES>,
    },
    /// Something a later version says.
    Unknown {
        /// Its number.
        tag: u8,
        /// Its bytes.
        bytes: BoundedBytes<MAX_UNKNOWN_WORD_BYTES>,
    },
}

/// A request to come into a group by a link. It introduces the sender completely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// Into which group.
    pub group: GroupId,
    /// By which link.
    pub link: LinkId,
    /// The account that asks.
    pub account: AccountId,
    /// Its signed devices; the sending device must be among them.
    pub device_list: DeviceListBytes,
    /// The sending device's prekeys, for the answer.
    pub bundle: BundleBytes,
    /// Signature by the link's key over [`super::link_proof_bytes`].
    #[serde(with = "signature")]
    pub proof: Signature,
    /// The sender's profile.
    pub profile: Profile,
    /// Work over [`super::join_challenge`] for the account, if the link asks for any.
    pub work: Option<JoinWork>,
}

/// Work that somebody did to come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinWork {
    /// On which day, counted from 1970.
    pub day: u32,
    /// The number that was found.
    pub solution: u64,
}

/// What a post says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostBody {
    /// A text.
    Text(GroupText),
    /// A room, in a directory. It is no message.
    Listing(Listing),
    /// Something a later version says.
    Unknown(u8),
}

/// A text in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupText {
    /// What it says.
    pub text: BoundedStr<MAX_GROUP_TEXT_BYTES>,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Whom it calls.
    pub mentions: BoundedVec<AccountId, MAX_MENTIONS>,
    /// Whether it calls everybody.
    pub mentions_all: bool,
    /// How many seconds after its time it disappears.
    pub expires_secs: Option<u32>,
}

/// Recorded as a list of bytes.
mod signature {
    use serde::Deserialize as _;
    use serde::Deserializer;
    use serde::Serialize as _;
    use serde::Serializer;
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 64], to: S) -> Result<S::Ok, S::Error> {
        bytes.as_slice().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 64], D::Error> {
        Vec::<u8>::deserialize(from)?.try_into().map_err(|_| D::Error::custom("a signature has 64 bytes"))
    }
}

impl GroupWord {
    /// Which group it is about, if this version knows.
    pub fn group(&self) -> Option<GroupId> {
        match self {
            Self::Operations { group, .. }
            | Self::Post { group, .. }
            | Self::AskChain { group }
            | Self::Heads { group, .. }
            | Self::Sync { group, .. }
            | Self::Taken { group, .. }
            | Self::End { group, .. }
            | Self::Read { group, .. }
            | Self::Refused { group }
            | Self::Decided { group, .. }
            | Self::WorkWanted { group, .. }
            | Self::Report { group, .. }
            | Self::Whereabouts { group, .. }
            | Self::AskChainOf { group, .. }
            | Self::ChainOf { group, .. } => Some(*group),
            Self::Join(request) | Self::PassedOn(request) => Some(request.group),
            Self::Chain(_) | Self::Unknown { .. } => None,
        }
    }
}

impl Encode for GroupWord {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Operations { group, operations, more } => {
                put(out, 1, group);
                operations.encode(out);
                more.encode(out);
            }
            Self::Chain(share) => {
                out.push(2);
                share.encode(out);
            }
            Self::Post { group, envelope } => {
                put(out, 3, group);
                envelope.encode(out);
            }
            Self::AskChain { group } => put(out, 4, group),
            Self::Heads { group, heads, older, digest } => {
                put(out, 5, group);
                heads.encode(out);
                older.encode(out);
                digest.encode(out);
            }
            Self::Sync { group, part, last } => {
                put(out, 6, group);
                part.encode(out);
                last.encode(out);
            }
            Self::Taken { group, parts } => {
                put(out, 7, group);
                put_varint(out, u64::from(*parts));
            }
            Self::End { group, complete } => {
                put(out, 8, group);
                complete.encode(out);
            }
            Self::Read { group, sequence } => {
                put(out, 9, group);
                put_varint(out, u64::from(*sequence));
            }
            Self::Join(request) => {
                out.push(10);
                request.encode(out);
            }
            Self::Refused { group } => put(out, 11, group),
            Self::Whereabouts { group, places } => {
                put(out, 12, group);
                places.encode(out);
            }
            Self::AskChainOf { group, tag } => {
                put(out, 13, group);
                tag.encode(out);
            }
            Self::ChainOf { group, device, share, heads } => {
                put(out, 14, group);
                device.encode(out);
                share.encode(out);
                heads.encode(out);
            }
            Self::PassedOn(request) => {
                out.push(16);
                request.encode(out);
            }
            Self::Decided { group, account } => {
                put(out, 17, group);
                account.encode(out);
            }
            Self::WorkWanted { group, bits, day } => {
                put(out, 18, group);
                WorkBits::capped(*bits).encode(out);
                day.encode(out);
            }
            Self::Report { group, post, reason } => {
                put(out, 19, group);
                post.encode(out);
                reason.encode(out);
            }
            Self::Unknown { tag, bytes } => {
                out.push(*tag);
                out.extend_from_slice(bytes);
            }
        }
    }
}

fn put(out: &mut Vec<u8>, tag: u8, group: &GroupId) {
    out.push(tag);
    group.encode(out);
}

impl Decode for GroupWord {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => return Err(DecodeError::Invalid { what: "group word" }),
            1 => Self::Operations {
                group: Decode::decode(reader)?,
                operations: Decode::decode(reader)?,
                more: Decode::decode(reader)?,
            },
            2 => Self::Chain(Decode::decode(reader)?),
            3 => Self::Post { group: Decode::decode(reader)?, envelope: Decode::decode(reader)? },
            4 => Self::AskChain { group: Decode::decode(reader)? },
            5 => Self::Heads {
                group: Decode::decode(reader)?,
                heads: Decode::decode(reader)?,
                older: Decode::decode(reader)?,
                digest: reader.array()?,
            },
            6 => Self::Sync {
                group: Decode::decode(reader)?,
                part: Decode::decode(reader)?,
                last: Decode::decode(reader)?,
            },
            7 => Self::Taken { group: Decode::decode(reader)?, parts: sequence(reader)? },
            8 => Self::End { group: Decode::decode(reader)?, complete: Decode::decode(reader)? },
            9 => Self::Read { group: Decode::decode(reader)?, sequence: sequence(reader)? },
            10 => Self::Join(Box::new(Decode::decode(reader)?)),
            11 => Self::Refused { group: Decode::decode(reader)? },
            12 => Self::Whereabouts { group: Decode::decode(reader)?, places: Decode::decode(reader)? },
            13 => Self::AskChainOf { group: Decode::decode(reader)?, tag: reader.array()? },
            14 => Self::ChainOf {
                group: Decode::decode(reader)?,
                device: Decode::decode(reader)?,
                share: Decode::decode(reader)?,
                heads: Decode::decode(reader)?,
            },
            16 => Self::PassedOn(Box::new(Decode::decode(reader)?)),
            17 => Self::Decided { group: Decode::decode(reader)?, account: Decode::decode(reader)? },
            18 => {
                let group = Decode::decode(reader)?;
                let bits = WorkBits::decode(reader)?.bits();
                Self::WorkWanted { group, bits, day: Decode::decode(reader)? }
            }
            19 => Self::Report {
                group: Decode::decode(reader)?,
                post: Decode::decode(reader)?,
                reason: Decode::decode(reader)?,
            },
            tag => {
                let bytes = reader.take_rest().to_vec();
                let limit = MAX_UNKNOWN_WORD_BYTES as u64;
                let bytes =
                    BoundedBytes::new(bytes).ok_or(DecodeError::TooLarge { what: "group word", limit })?;
                Self::Unknown { tag, bytes }
            }
        })
    }
}

impl Encode for JoinRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.encode(out);
        self.link.encode(out);
        self.account.encode(out);
        self.device_list.encode(out);
        self.bundle.encode(out);
        self.proof.encode(out);
        self.profile.encode(out);
        self.work.encode(out);
    }
}

impl Decode for JoinRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            group: Decode::decode(reader)?,
            link: Decode::decode(reader)?,
            account: Decode::decode(reader)?,
            device_list: Decode::decode(reader)?,
            bundle: Decode::decode(reader)?,
            proof: reader.array()?,
            profile: Decode::decode(reader)?,
            work: Decode::decode(reader)?,
        })
    }
}

impl Encode for JoinWork {
    fn encode(&self, out: &mut Vec<u8>) {
        self.day.encode(out);
        self.solution.encode(out);
    }
}

impl Decode for JoinWork {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { day: Decode::decode(reader)?, solution: Decode::decode(reader)? })
    }
}

impl Encode for PostBody {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                out.push(BODY_VERSION);
                text.text.encode(out);
                text.reply_to.encode(out);
                text.mentions.encode(out);
                text.mentions_all.encode(out);
                text.expires_secs.encode(out);
            }
            Self::Listing(listing) => {
                out.push(LISTING_VERSION);
                listing.encode(out);
            }
            Self::Unknown(version) => out.push(*version),
        }
    }
}

impl Decode for PostBody {
    /// Whatever a later version says is read as [`PostBody::Unknown`]; it is shown as something to update for.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Err(DecodeError::Invalid { what: "post body" }),
            BODY_VERSION => Ok(Self::Text(GroupText {
                text: Decode::decode(reader)?,
                reply_to: Decode::decode(reader)?,
                mentions: Decode::decode(reader)?,
                mentions_all: Decode::decode(reader)?,
                expires_secs: Decode::decode(reader)?,
            })),
            LISTING_VERSION => Ok(Self::Listing(Decode::decode(reader)?)),
            version => {
                reader.take_rest();
                Ok(Self::Unknown(version))
            }
        }
    }
}
