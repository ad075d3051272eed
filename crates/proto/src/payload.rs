//! What the friend sees once the box is open.
//!
//! A payload travels from one device to one device. Payloads with a position other than zero form a *channel*: they
//! are kept by the sender until a receipt covers them, and taken by the receiver once and in order. Positions only
//! grow, but need not be consecutive: each payload names its predecessor, and the lowest position that the sender
//! still keeps (`floor`), so that a receiver never waits for something that will not come.

use serde::Deserialize;
use serde::Serialize;

use crate::address::DeviceAddress;
use crate::address::MAX_ADDRESSES;
use crate::address::Multiaddress;
use crate::bounded::BoundedBytes;
use crate::bounded::BoundedStr;
use crate::bounded::BoundedVec;
use crate::call::CallWord;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::codec::put_varint;
use crate::error::DecodeError;
use crate::frame::BundleBytes;
use crate::frame::DeviceListBytes;
use crate::group::word::GroupWord;
use crate::id::AccountId;
use crate::id::InviteId;
use crate::id::MessageId;
use crate::time::Timestamp;

/// The version of payloads that this crate writes.
pub const PAYLOAD_VERSION: u8 = 1;

/// The longest text of one message in bytes of UTF-8; more is sent as several messages or as a file.
pub const MAX_TEXT_BYTES: usize = 16 << 10;

/// The longest name of a person in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// The longest status line in bytes.
pub const MAX_STATUS_BYTES: usize = 256;

/// The longest greeting in a contact request in bytes: a stranger's words should fit a notification.
pub const MAX_GREETING_BYTES: usize = 512;

/// How many contents one payload may carry.
pub const MAX_CONTENTS: usize = 16;

/// The longest content of a kind that this version does not know, in bytes.
pub const MAX_UNKNOWN_BYTES: usize = 32 << 10;

/// Places in a mailbox list: five mailboxes with three addresses each.
pub const MAX_PLACES: usize = 15;

/// A place in the channel from one device to another. Zero means outside the channel: sent once, never repeated.
pub type Position = u64;

/// The text of a message.
pub type Text = BoundedStr<MAX_TEXT_BYTES>;

/// Everything that one envelope carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// This payload's place in the channel, or zero.
    pub position: Position,
    /// The place of the payload before it, zero for the first.
    pub previous: Position,
    /// The lowest place that the sender still keeps; everything below is settled.
    pub floor: Position,
    /// When the sender wrote it, by the sender's clock.
    pub sent_at: Timestamp,
    /// What it says.
    pub contents: BoundedVec<Content, MAX_CONTENTS>,
}

/// One thing said to another device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A message in the direct chat of the two accounts.
    Text(TextMessage),
    /// How far the sender has received and read the other side's channel.
    Receipt(Receipt),
    /// The sender's profile.
    Profile(Profile),
    /// The sender asks to become a contact.
    ContactRequest(Box<ContactRequest>),
    /// The sender accepts the other side's request.
    ContactAccept,
    /// Where the sender's device can be reached now, best first.
    Addresses(BoundedVec<Multiaddress, MAX_ADDRESSES>),
    /// Fresh prekeys of the sender's device, to be kept for the next handshake.
    Prekeys(BundleBytes),
    /// The sender account's current device list.
    DeviceList(DeviceListBytes),
    /// Where the receiver may leave envelopes for the sender's device.
    Mailboxes(MailboxList),
    /// What leads the receiver to the sender's devices in the DHT.
    AddressSecret(AddressSecret),
    /// A word about a group.
    Group(GroupWord),
    /// A word about a call.
    Call(CallWord),
    /// Something a later version says. It is acknowledged, kept out of sight, and lost to nobody else.
    Unknown {
        /// Its kind.
        kind: u8,
        /// Its bytes.
        bytes: BoundedBytes<MAX_UNKNOWN_BYTES>,
    },
}

/// A text message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextMessage {
    /// The message's name, the same on every device.
    pub message: MessageId,
    /// What it says.
    pub text: Text,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// After how many seconds from being sent (own copy) or received it disappears.
    pub expires_secs: Option<u32>,
}

/// How far a device has taken the other device's channel. Both numbers only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Everything up to this position is on the receiver's disk.
    pub delivered: Position,
    /// Everything up to this position has been shown to the person.
    pub read: Position,
}

/// What a person tells contacts about themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Grows with every change; an older one is ignored.
    pub version: u64,
    /// The name.
    pub name: BoundedStr<MAX_NAME_BYTES>,
    /// The status line, may be empty.
    pub status: BoundedStr<MAX_STATUS_BYTES>,
}

/// Where somebody may leave envelopes for a device, told to one device of a contact.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxList {
    /// When it was made, in milliseconds; an older one is ignored.
    pub version: u64,
    /// What queues and deposit keys are derived from (`kith-crypto`, `mailbox`); for this one receiver.
    pub secret: [u8; 32],
    /// The mailboxes, best first, each with some addresses. None: nothing can be left.
    pub places: BoundedVec<DeviceAddress, MAX_PLACES>,
}

impl std::fmt::Debug for MailboxList {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailboxList").field("places", &self.places.len()).finish_non_exhaustive()
    }
}

impl Encode for MailboxList {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.version);
        out.extend_from_slice(&self.secret);
        self.places.encode(out);
    }
}

impl Decode for MailboxList {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            version: reader.varint("mailbox list version", u64::MAX)?,
            secret: reader.array()?,
            places: Decode::decode(reader)?,
        })
    }
}

/// What leads to where the devices of an account can be reached: told to contacts, and another as soon as one of those who
/// were told is to know no more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressSecret {
    /// When it was made or last told, in milliseconds; an older one is ignored.
    pub version: u64,
    /// What the records are blinded and sealed with (`kith-crypto`, `record`).
    pub secret: [u8; 32],
}

impl std::fmt::Debug for AddressSecret {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddressSecret").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Encode for AddressSecret {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.version);
        out.extend_from_slice(&self.secret);
    }
}

impl Decode for AddressSecret {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { version: reader.varint("address secret version", u64::MAX)?, secret: reader.array()? })
    }
}

/// A request to become a contact. It introduces the sender completely: nothing has to be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRequest {
    /// The account that asks.
    pub account: AccountId,
    /// Its signed devices; the sending device must be among them.
    pub device_list: DeviceListBytes,
    /// The sending device's prekeys, for the answer.
    pub bundle: BundleBytes,
    /// The invite that the request answers.
    pub invite: InviteId,
    /// A MAC under the invite's secret over both accounts (`kith-crypto`, `invite`).
    pub proof: [u8; 32],
    /// The sender's profile.
    pub profile: Profile,
    /// A few words to the person who is asked.
    pub greeting: BoundedStr<MAX_GREETING_BYTES>,
}

impl Encode for Payload {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(PAYLOAD_VERSION);
        put_varint(out, self.position);
        put_varint(out, self.previous);
        put_varint(out, self.floor);
        self.sent_at.encode(out);
        self.contents.encode(out);
    }
}

impl Decode for Payload {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != PAYLOAD_VERSION {
            return Err(DecodeError::Invalid { what: "payload version" });
        }
        Ok(Self {
            position: reader.varint("position", u64::MAX)?,
            previous: reader.varint("previous position", u64::MAX)?,
            floor: reader.varint("floor", u64::MAX)?,
            sent_at: Timestamp::decode(reader)?,
            contents: BoundedVec::decode(reader)?,
        })
    }
}

impl Content {
    /// Whether it asks to be a contact.
    pub const fn is_request(&self) -> bool {
        matches!(self, Self::ContactRequest(_))
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Text(_) => 1,
            Self::Receipt(_) => 2,
            Self::Profile(_) => 3,
            Self::ContactRequest(_) => 4,
            Self::ContactAccept => 5,
            Self::Addresses(_) => 6,
            Self::Prekeys(_) => 7,
            Self::DeviceList(_) => 8,
            Self::Mailboxes(_) => 9,
            Self::AddressSecret(_) => 10,
            Self::Group(_) => 16,
            Self::Call(_) => 17,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    fn body(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.to_bytes(),
            Self::Receipt(receipt) => receipt.to_bytes(),
            Self::Profile(profile) => profile.to_bytes(),
            Self::ContactRequest(request) => request.to_bytes(),
            Self::ContactAccept => Vec::new(),
            Self::Addresses(addresses) => addresses.to_bytes(),
            Self::Prekeys(bundle) => bundle.to_bytes(),
            Self::DeviceList(list) => list.to_bytes(),
            Self::Mailboxes(list) => list.to_bytes(),
            Self::AddressSecret(secret) => secret.to_bytes(),
            Self::Group(word) => word.to_bytes(),
            Self::Call(word) => word.to_bytes(),
            Self::Unknown { bytes, .. } => bytes.to_vec(),
        }
    }
}

/// A content is its kind, the length of its body and its body, so that an unknown kind can be stepped over.
impl Encode for Content {
    fn encode(&self, out: &mut Vec<u8>) {
        let body = self.body();
        out.push(self.kind());
        put_varint(out, body.len() as u64);
        out.extend_from_slice(&body);
    }
}

impl Decode for Content {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = u8::decode(reader)?;
        let length = reader.length("content", MAX_UNKNOWN_BYTES)?;
        let body = reader.take(length)?;
        Ok(match kind {
            0 => return Err(DecodeError::Invalid { what: "content kind" }),
            1 => Self::Text(Decode::from_bytes(body)?),
            2 => Self::Receipt(Decode::from_bytes(body)?),
            3 => Self::Profile(Decode::from_bytes(body)?),
            4 => Self::ContactRequest(Box::new(Decode::from_bytes(body)?)),
            5 if body.is_empty() => Self::ContactAccept,
            5 => return Err(DecodeError::Trailing),
            6 => Self::Addresses(Decode::from_bytes(body)?),
            7 => Self::Prekeys(Decode::from_bytes(body)?),
            8 => Self::DeviceList(Decode::from_bytes(body)?),
            9 => Self::Mailboxes(Decode::from_bytes(body)?),
            10 => Self::AddressSecret(Decode::from_bytes(body)?),
            16 => Self::Group(Decode::from_bytes(body)?),
            17 => Self::Call(Decode::from_bytes(body)?),
            kind => Self::Unknown {
                kind,
                bytes: BoundedBytes::new(body.to_vec())
                    .ok_or(DecodeError::TooLarge { what: "content", limit: MAX_UNKNOWN_BYTES as u64 })?,
            },
        })
    }
}

impl Encode for TextMessage {
    fn encode(&self, out: &mut Vec<u8>) {
        self.message.encode(out);
        self.text.encode(out);
        self.reply_to.encode(out);
        self.expires_secs.encode(out);
    }
}

impl Decode for TextMessage {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            message: Decode::decode(reader)?,
            text: Decode::decode(reader)?,
            reply_to: Decode::decode(reader)?,
            expires_secs: Decode::decode(reader)?,
        })
    }
}

impl Encode for Receipt {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.delivered);
        put_varint(out, self.read);
    }
}

impl Decode for Receipt {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            delivered: reader.varint("delivered position", u64::MAX)?,
            read: reader.varint("read position", u64::MAX)?,
        })
    }
}

impl Encode for Profile {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.version);
        self.name.encode(out);
        self.status.encode(out);
    }
}

impl Decode for Profile {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            version: reader.varint("profile version", u64::MAX)?,
            name: Decode::decode(reader)?,
            status: Decode::decode(reader)?,
        })
    }
}

impl Encode for ContactRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.account.encode(out);
        self.device_list.encode(out);
        self.bundle.encode(out);
        self.invite.encode(out);
        self.proof.encode(out);
        self.profile.encode(out);
        self.greeting.encode(out);
    }
}

impl Decode for ContactRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            account: Decode::decode(reader)?,
            device_list: Decode::decode(reader)?,
            bundle: Decode::decode(reader)?,
            invite: Decode::decode(reader)?,
            proof: Decode::decode(reader)?,
            profile: Decode::decode(reader)?,
            greeting: Decode::decode(reader)?,
        })
    }
}
