//! The membership log of a private group: signed operations, each naming those that its author had seen.
//!
//! ```text
//!  Create ◀── Add ◀── Policy ◀─┬─ Add ◀──────┐
//!                              └─ Remove ◀───┴─ Profile      an operation points at its parents
//! ```
//!
//! The log carries signed device lists, so whoever holds it can check every signature. What counts in it and who is a
//! member then is decided by `kith-engine` (`groups`); the rules in words are in `SPEC.md`, section 11.

mod invite;
mod link;
mod listing;
mod policy;
pub mod word;

use serde::Deserialize;
use serde::Serialize;

use crate::bounded::BoundedBytes;
use crate::bounded::BoundedStr;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::codec::put_varint;
use crate::error::DecodeError;
use crate::frame::DeviceListBytes;
use crate::id::AccountId;
use crate::id::DeviceId;
use crate::id::GroupId;
use crate::id::LinkId;
use crate::id::MessageId;
use crate::id::OperationId;
use crate::mailbox::Signature;
use crate::payload::MAX_NAME_BYTES;
use crate::time::Timestamp;

pub use invite::GROUP_SCHEME;
pub use invite::GroupInvite;
pub use invite::LinkHost;
pub use invite::MAX_GROUP_LINK_CHARS;
pub use invite::MAX_LINK_HOSTS;
pub use invite::link_secret;
pub use link::Link;
pub use link::join_challenge;
pub use link::link_proof_bytes;
pub use listing::Listing;
pub use listing::MAX_LISTING_TAGS;
pub use listing::MAX_LISTING_TOPIC_BYTES;
pub use policy::History;
pub use policy::MAX_SLOW_MODE_SECS;
pub use policy::Policy;
pub use policy::Role;

/// The longest operation in bytes. One word carries it, so whoever has taken an operation can pass it on.
pub const MAX_OPERATION_BYTES: usize = word::MAX_TOLD_BYTES;

/// How many operations one may follow: more branches than that are joined by several.
pub const MAX_PARENTS: usize = 16;

/// The longest name of a group in bytes of UTF-8: 64 characters of any script.
pub const MAX_GROUP_NAME_BYTES: usize = 256;

/// The longest topic in bytes: a paragraph.
pub const MAX_TOPIC_BYTES: usize = 2048;

/// The longest reference to a picture in bytes: a blob's id, key and size.
pub const MAX_AVATAR_BYTES: usize = 256;

/// The longest body of a kind that this version does not know, in bytes: with its head it stays below the largest operation.
pub const MAX_UNKNOWN_KIND_BYTES: usize = MAX_OPERATION_BYTES - (4 << 10);

const OPERATION_VERSION: u8 = 1;
const OPERATION_LABEL: &[u8] = b"kith group operation v1";
const ID_CONTEXT: &str = "kith 2026-11-21 group operation id v1";

/// A signed operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BoundedBytes<MAX_OPERATION_BYTES>", into = "BoundedBytes<MAX_OPERATION_BYTES>")]
pub struct Operation {
    /// The group; zeros in the operation that creates it.
    pub group: GroupId,
    /// Whose operation it is.
    pub author: AccountId,
    /// The device that signs it.
    pub device: DeviceId,
    /// One more than the highest of this device that it follows; the first has 1.
    pub sequence: u64,
    /// What the author had seen, in ascending order; none only in the operation that creates the group.
    pub parents: BoundedVec<OperationId, MAX_PARENTS>,
    /// When it was written, by the author's clock. For the screen; it decides nothing.
    pub time: Timestamp,
    /// What it does.
    pub kind: Kind,
    /// The device's signature over [`Operation::signed_bytes`].
    pub signature: Signature,
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Makes the group; the author is its first owner.
    Create(Create),
    /// Makes somebody a member.
    Add(Add),
    /// Ends somebody's membership.
    Remove(AccountId),
    /// Ends the author's membership.
    Leave,
    /// Gives a member another role.
    Role {
        /// Whom.
        account: AccountId,
        /// Which.
        role: Role,
    },
    /// Changes what the group looks like.
    Profile(GroupProfile),
    /// Changes the rules.
    Policy(Policy),
    /// Ends somebody's membership and keeps them out.
    Ban(AccountId),
    /// Lets somebody in again who was banned.
    Unban(AccountId),
    /// Takes a member's word until then; a time that is over gives it back.
    Mute {
        /// Whom.
        account: AccountId,
        /// Until when, by each reader's clock.
        until: Timestamp,
    },
    /// Makes a link by which people come in.
    Link(Link),
    /// Ends a link.
    RevokeLink(LinkId),
    /// A newer list of a member's devices. Its account has signed it, so any member may put it into the log: whoever comes back
    /// with another device knows no group. If it is the author's, the device that signs must be in it.
    Devices {
        /// Whose.
        account: AccountId,
        /// The signed list.
        devices: DeviceListBytes,
    },
    /// Puts a message where everybody sees it.
    Pin(MessageId),
    /// Takes it away from there.
    Unpin(MessageId),
    /// Deletes a message for everybody.
    DeleteForAll(MessageId),
    /// Says only that its author knew what it follows, so that a log has fewer ends.
    Merge,
    /// Something a later version does. It is kept and passed on, and changes nothing.
    Unknown {
        /// Its number.
        kind: u8,
        /// Its body.
        bytes: BoundedBytes<MAX_UNKNOWN_KIND_BYTES>,
    },
}

/// How a group begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// Its name.
    pub name: BoundedStr<MAX_GROUP_NAME_BYTES>,
    /// Its first rules.
    pub policy: Policy,
    /// Random, so that no two groups have one id.
    pub salt: [u8; 16],
    /// The author's signed devices.
    pub devices: DeviceListBytes,
    /// What the author is called, for those who never met them.
    pub called: BoundedStr<MAX_NAME_BYTES>,
}

/// A new member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// Who.
    pub account: AccountId,
    /// As what.
    pub role: Role,
    /// Its signed devices.
    pub devices: DeviceListBytes,
    /// What it is called by whoever lets it in, for those who never met it; its own word counts more.
    pub called: BoundedStr<MAX_NAME_BYTES>,
    /// By whose authority.
    pub via: Via,
}

/// By whose authority somebody becomes a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// The author's.
    Invited,
    /// That of a link; the author only lets in whoever holds it.
    Link {
        /// Which.
        link: LinkId,
        /// Signature by the link's key over [`link_proof_bytes`].
        proof: Signature,
    },
}

/// What a group looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupProfile {
    /// Its name.
    pub name: BoundedStr<MAX_GROUP_NAME_BYTES>,
    /// What it is about.
    pub topic: BoundedStr<MAX_TOPIC_BYTES>,
    /// Where its picture is: a reference as messages carry it; empty for none.
    pub avatar: BoundedBytes<MAX_AVATAR_BYTES>,
}

impl Operation {
    /// Its id, which covers the signature as well.
    pub fn id(&self) -> OperationId {
        let mut hasher = blake3::Hasher::new_derive_key(ID_CONTEXT);
        hasher.update(&self.to_bytes());
        OperationId(*hasher.finalize().as_bytes())
    }

    /// The group that it belongs to: that which it creates, or that which it names.
    pub fn group_id(&self) -> GroupId {
        if matches!(self.kind, Kind::Create(_)) { GroupId(self.id().0) } else { self.group }
    }

    /// What the signature covers: a label, and the operation up to the signature.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut out = OPERATION_LABEL.to_vec();
        self.encode_unsigned(&mut out);
        out
    }

    /// The device list that it carries, and whose.
    pub fn devices(&self) -> Option<(AccountId, &DeviceListBytes)> {
        match &self.kind {
            Kind::Create(create) => Some((self.author, &create.devices)),
            Kind::Add(add) => Some((add.account, &add.devices)),
            Kind::Devices { account, devices } => Some((*account, devices)),
            _ => None,
        }
    }

    /// Whose name it tells, and which.
    pub fn called(&self) -> Option<(AccountId, &str)> {
        match &self.kind {
            Kind::Create(create) => Some((self.author, &create.called)),
            Kind::Add(add) => Some((add.account, &add.called)),
            _ => None,
        }
    }

    fn encode_unsigned(&self, out: &mut Vec<u8>) {
        out.push(OPERATION_VERSION);
        self.group.encode(out);
        self.author.encode(out);
        self.device.encode(out);
        put_varint(out, self.sequence);
        self.parents.encode(out);
        self.time.encode(out);
        self.kind.encode(out);
    }

    /// What holds for every operation, wherever it stands.
    fn is_well_formed(&self) -> Result<(), DecodeError> {
        let creates = matches!(self.kind, Kind::Create(_));
        if self.sequence == 0 {
            return Err(DecodeError::Invalid { what: "sequence" });
        }
        if creates != self.parents.is_empty() || creates != (self.group.0 == [0; 32]) {
            return Err(DecodeError::Invalid { what: "parents" });
        }
        if !self.parents.is_sorted_by(|one, next| one < next) {
            return Err(DecodeError::NotCanonical { what: "parents" });
        }
        Ok(())
    }
}

impl Encode for Operation {
    fn encode(&self, out: &mut Vec<u8>) {
        self.encode_unsigned(out);
        self.signature.encode(out);
    }
}

impl Decode for Operation {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != OPERATION_VERSION {
            return Err(DecodeError::Invalid { what: "operation version" });
        }
        let operation = Self {
            group: Decode::decode(reader)?,
            author: Decode::decode(reader)?,
            device: Decode::decode(reader)?,
            sequence: reader.varint("sequence", u64::MAX)?,
            parents: Decode::decode(reader)?,
            time: Decode::decode(reader)?,
            kind: Decode::decode(reader)?,
            signature: reader.array()?,
        };
        operation.is_well_formed()?;
        Ok(operation)
    }
}

impl TryFrom<BoundedBytes<MAX_OPERATION_BYTES>> for Operation {
    type Error = DecodeError;
    fn try_from(bytes: BoundedBytes<MAX_OPERATION_BYTES>) -> Result<Self, DecodeError> {
        Self::from_bytes(&bytes)
    }
}

impl From<Operation> for BoundedBytes<MAX_OPERATION_BYTES> {
    fn from(operation: Operation) -> Self {
        Self::new(operation.to_bytes()).expect("the limits of the fields keep an operation below the largest")
    }
}

impl Kind {
    /// Whom it is about, if that is not its author alone.
    pub fn target(&self) -> Option<AccountId> {
        match self {
            Self::Add(add) => Some(add.account),
            Self::Remove(account) | Self::Ban(account) | Self::Unban(account) => Some(*account),
            Self::Role { account, .. } | Self::Mute { account, .. } => Some(*account),
            _ => None,
        }
    }

    fn number(&self) -> u8 {
        match self {
            Self::Create(_) => 1,
            Self::Add(_) => 2,
            Self::Remove(_) => 3,
            Self::Leave => 4,
            Self::Role { .. } => 5,
            Self::Profile(_) => 6,
            Self::Policy(_) => 7,
            Self::Ban(_) => 8,
            Self::Unban(_) => 9,
            Self::Mute { .. } => 10,
            Self::Link(_) => 11,
            Self::RevokeLink(_) => 12,
            Self::Devices { .. } => 13,
            Self::Pin(_) => 14,
            Self::Unpin(_) => 15,
            Self::DeleteForAll(_) => 16,
            Self::Merge => 17,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    fn body(&self) -> Vec<u8> {
        match self {
            Self::Create(create) => create.to_bytes(),
            Self::Add(add) => add.to_bytes(),
            Self::Remove(account) | Self::Ban(account) | Self::Unban(account) => account.to_bytes(),
            Self::Leave | Self::Merge => Vec::new(),
            Self::Role { account, role } => (*account, *role).to_bytes(),
            Self::Profile(profile) => profile.to_bytes(),
            Self::Policy(policy) => policy.to_bytes(),
            Self::Mute { account, until } => (*account, *until).to_bytes(),
            Self::Link(link) => link.to_bytes(),
            Self::RevokeLink(link) => link.to_bytes(),
            Self::Devices { account, devices } => (*account, devices.clone()).to_bytes(),
            Self::Pin(message) | Self::Unpin(message) | Self::DeleteForAll(message) => message.to_bytes(),
            Self::Unknown { bytes, .. } => bytes.to_vec(),
        }
    }
}

/// A kind is its number, the length of its body and its body, so that an unknown one can be kept and passed on.
impl Encode for Kind {
    fn encode(&self, out: &mut Vec<u8>) {
        let body = self.body();
        out.push(self.number());
        put_varint(out, body.len() as u64);
        out.extend_from_slice(&body);
    }
}

impl Decode for Kind {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let number = u8::decode(reader)?;
        let length = reader.length("operation body", MAX_UNKNOWN_KIND_BYTES)?;
        let body = reader.take(length)?;
        Ok(match number {
            0 => return Err(DecodeError::Invalid { what: "operation kind" }),
            1 => Self::Create(Decode::from_bytes(body)?),
            2 => Self::Add(Decode::from_bytes(body)?),
            3 => Self::Remove(Decode::from_bytes(body)?),
            4 if body.is_empty() => Self::Leave,
            4 => return Err(DecodeError::Trailing),
            5 => {
                let (account, role) = Decode::from_bytes(body)?;
                Self::Role { account, role }
            }
            6 => Self::Profile(Decode::from_bytes(body)?),
            7 => Self::Policy(Decode::from_bytes(body)?),
            8 => Self::Ban(Decode::from_bytes(body)?),
            9 => Self::Unban(Decode::from_bytes(body)?),
            10 => {
                let (account, until) = Decode::from_bytes(body)?;
                Self::Mute { account, until }
            }
            11 => Self::Link(Decode::from_bytes(body)?),
            12 => Self::RevokeLink(Decode::from_bytes(body)?),
            13 => {
                let (account, devices) = Decode::from_bytes(body)?;
                Self::Devices { account, devices }
            }
            14 => Self::Pin(Decode::from_bytes(body)?),
            15 => Self::Unpin(Decode::from_bytes(body)?),
            16 => Self::DeleteForAll(Decode::from_bytes(body)?),
            17 if body.is_empty() => Self::Merge,
            17 => return Err(DecodeError::Trailing),
            kind => Self::Unknown {
                kind,
                bytes: BoundedBytes::new(body.to_vec()).expect("the length was checked"),
            },
        })
    }
}

impl Encode for Create {
    fn encode(&self, out: &mut Vec<u8>) {
        self.name.encode(out);
        self.policy.encode(out);
        self.salt.encode(out);
        self.devices.encode(out);
        self.called.encode(out);
    }
}

impl Decode for Create {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: Decode::decode(reader)?,
            policy: Decode::decode(reader)?,
            salt: reader.array()?,
            devices: Decode::decode(reader)?,
            called: Decode::decode(reader)?,
        })
    }
}

impl Encode for Add {
    fn encode(&self, out: &mut Vec<u8>) {
        self.account.encode(out);
        self.role.encode(out);
        self.devices.encode(out);
        self.called.encode(out);
        self.via.encode(out);
    }
}

impl Decode for Add {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            account: Decode::decode(reader)?,
            role: Decode::decode(reader)?,
            devices: Decode::decode(reader)?,
            called: Decode::decode(reader)?,
            via: Decode::decode(reader)?,
        })
    }
}

impl Encode for Via {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Invited => out.push(0),
            Self::Link { link, proof } => {
                out.push(1);
                link.encode(out);
                proof.encode(out);
            }
        }
    }
}

impl Decode for Via {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Invited,
            1 => Self::Link { link: Decode::decode(reader)?, proof: reader.array()? },
            _ => return Err(DecodeError::Invalid { what: "authority" }),
        })
    }
}

impl Encode for GroupProfile {
    fn encode(&self, out: &mut Vec<u8>) {
        self.name.encode(out);
        self.topic.encode(out);
        self.avatar.encode(out);
    }
}

impl Decode for GroupProfile {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: Decode::decode(reader)?,
            topic: Decode::decode(reader)?,
            avatar: Decode::decode(reader)?,
        })
    }
}
