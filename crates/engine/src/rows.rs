//! Every table of the messenger: its key, its value, and how the value is written. This file owns the meaning of the
//! rows; the store knows bytes. Each value starts with a version byte. A name is never used again with another
//! meaning; a changed layout gets a new version and a migration in [`crate::migrate`].
//!
//! | table | key | value | forgettable |
//! |---|---|---|---|
//! | `account` | `self` | [`AccountRow`] | no: it is needed for ever |
//! | `prekeys` | `self` | prekey secrets (`kith-crypto`) | yes |
//! | `invites` | invite id | [`InviteRow`] | yes |
//! | `contacts` | account | [`ContactRow`] | no |
//! | `device_lists` | account | signed device list | no |
//! | `bundles` | device | the prekey bundle last heard of | no: public keys |
//! | `peers` | device | [`PeerRow`] | no |
//! | `sessions` | device | [`SessionsRow`] | yes |
//! | `outbox` | device, position | [`OutboxRow`] | yes |
//! | `held` | device, position | an opened payload that waits for a gap | yes |
//! | `chats` | chat | [`ChatRow`] | no |
//! | `history` | chat, index | [`HistoryRow`] | no |
//! | `fading` | chat, index | text of a disappearing message | yes |
//! | `expiry` | time, chat, index | the message | no |
//! | `messages` | message, chat | chat, index | no |
//! | `drafts` | chat | text | yes |
//! | `removed` | chat | empty: its entries in `messages` are swept at the next start | no |
//! | `bootstraps` | address text | empty | no |
//! | `mailboxes` | device | [`MailboxRow`]: an own mailbox | no |
//! | `mailbox_choices` | device | [`ChoiceRow`]: what the owner said about a mailbox | no |
//! | `mailbox_keys` | `self` | 32 bytes that own inboxes are derived from | yes |
//! | `knocks` | `self` | [`KnocksRow`]: whether strangers may knock; without it they may | no |
//! | `strangers` | account | [`StrangerRow`]: somebody who knocked and is not accepted | no |
//! | `standing` | device | [`StandingRow`]: a node that is or may be a mailbox | no |
//! | `mail` | device | [`MailRow`] | yes |
//! | `closed` | device | [`ClosedRow`]: somebody who was removed | yes |
//! | `found` | envelope id | [`FoundRow`]: an envelope that was taken and may lie in another mailbox | no: names of sealed bytes |
//! | `address_secret` | `self` | [`AddressSecretRow`]: what leads contacts to where this account's devices are | yes |
//! | `address_secrets` | device | [`ToldRow`]: what its owner told of that, and was told | yes |
//! | `call_now`, `call_log`, `call_settings`, `call_contacts` | | calls (`rows/calls.rs`) | no |
//! | `filters` | `self` | [`FiltersRow`]: words that the owner does not want to read | no |
//!
//! Numbers in keys are big-endian, so that key order is number order.

use kith_crypto::secret::Secret32;
use kith_crypto::secret::SecretBytes;
use kith_proto::address::DeviceAddress;
use kith_proto::address::MAX_ADDRESSES;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::MessageId;
use kith_proto::invite::InviteSecret;
use kith_proto::payload::AddressSecret;
use kith_proto::payload::Content;
use kith_proto::payload::MAX_CONTENTS;
use kith_proto::payload::MAX_GREETING_BYTES;
use kith_proto::payload::Position;
use kith_proto::payload::Profile;
use kith_proto::payload::Text;
use kith_proto::rows::Table;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

pub(crate) use chats::ChatRow;
pub(crate) use chats::HistoryRow;
pub(crate) use chats::LastRow;
pub(crate) use mail::ClosedRow;
pub(crate) use mail::MAX_CLOSED;
pub(crate) use mail::MailRow;
pub(crate) use mail::Progress;
pub(crate) use nodes::ChoiceRow;
pub(crate) use nodes::StandingRow;
pub(crate) use nodes::StrangerRow;
pub(crate) use nodes::Voucher;

use crate::groups::history::rows as history;

pub(crate) const ACCOUNT: Table = Table::plain("account");
pub(crate) const PREKEYS: Table = Table::shredded("prekeys");
pub(crate) const INVITES: Table = Table::shredded("invites");
pub(crate) const CONTACTS: Table = Table::plain("contacts");
pub(crate) const DEVICE_LISTS: Table = Table::plain("device_lists");
pub(crate) const BUNDLES: Table = Table::plain("bundles");
pub(crate) const PEERS: Table = Table::plain("peers");
pub(crate) const SESSIONS: Table = Table::shredded("sessions");
pub(crate) const OUTBOX: Table = Table::shredded("outbox");
pub(crate) const HELD: Table = Table::shredded("held");
pub(crate) const CHATS: Table = Table::plain("chats");
pub(crate) const HISTORY: Table = Table::plain("history");
pub(crate) const FADING: Table = Table::shredded("fading");
pub(crate) const EXPIRY: Table = Table::plain("expiry");
pub(crate) const MESSAGES: Table = Table::plain("messages");
pub(crate) const DRAFTS: Table = Table::shredded("drafts");
pub(crate) const REMOVED: Table = Table::plain("removed");
pub(crate) const BOOTSTRAPS: Table = Table::plain("bootstraps");
pub(crate) const MAILBOXES: Table = Table::plain("mailboxes");
pub(crate) const MAILBOX_CHOICES: Table = Table::plain("mailbox_choices");
pub(crate) const MAILBOX_KEYS: Table = Table::shredded("mailbox_keys");
pub(crate) const KNOCKS: Table = Table::plain("knocks");
pub(crate) const STRANGERS: Table = Table::plain("strangers");
pub(crate) const STANDING: Table = Table::plain("standing");
pub(crate) const MAIL: Table = Table::shredded("mail");
pub(crate) const CLOSED: Table = Table::shredded("closed");
pub(crate) const FOUND: Table = Table::plain("found");
pub(crate) const ADDRESS_SECRET: Table = Table::shredded("address_secret");
pub(crate) const ADDRESS_SECRETS: Table = Table::shredded("address_secrets");
pub(crate) const FILTERS: Table = Table::plain("filters");

/// Every table, for whoever opens the store.
pub const TABLES: &[Table] = &[
    ACCOUNT,
    PREKEYS,
    INVITES,
    CONTACTS,
    DEVICE_LISTS,
    BUNDLES,
    PEERS,
    SESSIONS,
    OUTBOX,
    HELD,
    CHATS,
    HISTORY,
    FADING,
    EXPIRY,
    MESSAGES,
    DRAFTS,
    REMOVED,
    BOOTSTRAPS,
    MAILBOXES,
    MAILBOX_CHOICES,
    MAILBOX_KEYS,
    KNOCKS,
    STRANGERS,
    STANDING,
    MAIL,
    CLOSED,
    FOUND,
    ADDRESS_SECRET,
    ADDRESS_SECRETS,
    FILTERS,
    calls::CALL_NOW,
    calls::CALL_LOG,
    calls::CALL_SETTINGS,
    calls::CALL_CONTACTS,
    groups::GROUPS,
    groups::GROUP_OPERATIONS,
    groups::GROUP_CHAINS,
    groups::GROUP_SHARES,
    groups::GROUP_READS,
    groups::GROUP_UNREAD,
    groups::GROUP_FLOORS,
    groups::GROUP_ASKING,
    groups::GROUP_REQUESTS,
    groups::GROUP_LISTINGS,
    groups::GROUP_REPORTS,
    groups::GROUP_DELETIONS,
    history::HISTORIES,
    history::LINES,
    history::POSTS,
    history::PLACES,
    history::SLOTS,
    history::ORDER,
    history::MISSING,
];

/// The key of rows that exist once.
pub(crate) const SELF: &[u8] = b"self";

/// The most sessions kept with one device: two started at once, one being repaired, one for stragglers.
pub(crate) const MAX_SESSIONS: usize = 4;

/// The longest stored session: thousands of skipped keys.
const MAX_SESSION_BYTES: usize = 1 << 20;

/// Days for which it is known how good a mailbox was: as long as it keeps a message.
pub(crate) const MAX_STANDING_DAYS: usize = 14;

/// The most devices that a message is kept for: those of one account, or of a group of 32 with some devices each.
pub(crate) const MAX_TARGETS: usize = 256;

/// The version of rows that have not changed since the first.
const VERSION: u8 = 1;

/// Reads the version byte of a row.
fn version(reader: &mut Reader<'_>, expected: u8) -> Result<(), DecodeError> {
    if u8::decode(reader)? == expected { Ok(()) } else { Err(DecodeError::Invalid { what: "row version" }) }
}

/// A row as a plain struct: its fields one after the other behind the version byte.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* }) => {
        row!(VERSION, $(#[$doc])* $name { $($fields)* });
    };
    ($version:expr, $(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq)]
        pub(crate) struct $name { $($(#[$field_doc])* pub(crate) $field: $type,)* }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.push($version);
                $(self.$field.encode(out);)*
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                version(reader, $version)?;
                Ok(Self { $($field: Decode::decode(reader)?,)* })
            }
        }
    };
}

/// A row that got fields: they stand behind the others, and have their default in rows from before.
macro_rules! grown_row {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }
        since $version:literal { $($(#[$new_doc:meta])* $new:ident: $new_type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq)]
        pub(crate) struct $name {
            $($(#[$field_doc])* pub(crate) $field: $type,)*
            $($(#[$new_doc])* pub(crate) $new: $new_type,)*
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.push($version);
                $(self.$field.encode(out);)*
                $(self.$new.encode(out);)*
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let old = match u8::decode(reader)? {
                    VERSION => true,
                    $version => false,
                    _ => return Err(DecodeError::Invalid { what: "row version" }),
                };
                Ok(Self {
                    $($field: Decode::decode(reader)?,)*
                    $($new: if old { Default::default() } else { Decode::decode(reader)? },)*
                })
            }
        }
    };
}

pub(crate) mod calls;
mod chats;
pub(crate) mod groups;
mod mail;
mod nodes;

row!(
    /// The own account and device.
    AccountRow {
        /// The account's Ed25519 seed; a linked device does not have it.
        account_seed: Option<Secret32>,
        /// The account.
        account: AccountId,
        /// The device's secrets (`kith-crypto`).
        device: SecretBytes<4096>,
        /// The signed device list.
        device_list: kith_proto::frame::DeviceListBytes,
        /// The own profile.
        profile: Profile,
        /// When the account was made.
        created: Timestamp,
    }
);

row!(
    2,
    /// A mailbox that this device uses, or has used and still reads.
    MailboxRow {
        /// Where it answers.
        address: Multiaddress,
        /// Since when; the newest time in these rows is the version of the list.
        since: Timestamp,
        /// When it was taken from the list; zero while it is in it.
        left: Timestamp,
    }
);

row!(
    /// An envelope that was found in a mailbox while another one that may have a copy was away.
    FoundRow {
        /// When.
        at: Timestamp,
    }
);

row!(
    /// Words that the owner does not want to read.
    FiltersRow {
        /// The words.
        filters: BoundedVec<BoundedStr<{ crate::filters::MAX_FILTER_BYTES }>, { crate::filters::MAX_FILTERS }>,
    }
);

row!(
    /// What the owner said about strangers who know only the address.
    KnocksRow {
        /// Whether they may knock.
        allowed: bool,
        /// When that was said.
        since: Timestamp,
    }
);

row!(
    /// What leads contacts to where the devices of this account can be reached.
    AddressSecretRow {
        /// The secret.
        secret: Secret32,
        /// When it was made, in milliseconds: each is newer than the one before.
        version: u64,
    }
);

row!(
    /// What passed between us and a device about finding each other in the DHT.
    ToldRow {
        /// The newest version of our secret that it may know.
        knows: u64,
        /// The version that it was told and has not forgotten; zero: it is to be told.
        told: u64,
        /// Its account's, as it told us.
        theirs: Option<AddressSecret>,
    }
);

row!(
    /// An open invite.
    InviteRow {
        /// What admits a request.
        secret: [u8; 16],
        /// When it ends or was taken back. The row stays for some weeks after, so that mailboxes hear of it.
        expires: Timestamp,
        /// How many more people may use it.
        uses_left: u32,
        /// When it was made.
        created: Timestamp,
    }
);

row!(
    /// A contact.
    ContactRow {
        /// How it stands to us, by [`ContactRow::state`].
        state: u8,
        /// Whether the safety number was compared.
        verified: bool,
        /// What it told of itself.
        profile: Profile,
        /// What came with its request; before, what is to go with ours once we find it.
        greeting: BoundedStr<MAX_GREETING_BYTES>,
        /// Since when.
        since: Timestamp,
        /// The invite we used; forgotten once accepted.
        invite: Option<InviteRowSecret>,
        /// Where the invite said to knock.
        hints: BoundedVec<DeviceAddress, 3>,
    }
);

/// The secret of an invite inside a contact row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InviteRowSecret(pub(crate) InviteSecret);

impl Encode for InviteRowSecret {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.0.encode(out);
    }
}

impl Decode for InviteRowSecret {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(InviteSecret(reader.array()?)))
    }
}

grown_row!(
    /// A device of a contact: where it is, and how far both channels are.
    PeerRow {
        /// Whose device it is.
        contact: ContactId,
        /// Where it was reached, newest first.
        addresses: BoundedVec<Multiaddress, MAX_ADDRESSES>,
        /// The highest position given to anything for it.
        last_position: Position,
        /// The highest position that was ever put on a stream to it or to a mailbox.
        sent: Position,
        /// How far it confirmed our channel.
        delivered: Position,
        /// How far its person read our channel.
        read: Position,
        /// How far we took its channel.
        taken: Position,
        /// How far our person read its channel.
        read_here: Position,
        /// A tag of the own addresses it was told last.
        told: [u8; 8],
    }
    since 2 {
        /// The highest position that was put on a stream to it, or that a mailbox promised to keep.
        handed: Position,
    }
);

row!(
    /// The sessions with one device.
    SessionsRow {
        /// Which one we send with.
        active: u8,
        /// The sessions (`kith-crypto`).
        sessions: BoundedVec<SecretBytes<MAX_SESSION_BYTES>, MAX_SESSIONS>,
        /// No repair before this time.
        repair_not_before: Timestamp,
        /// Repairs since the device was last understood.
        repairs: u32,
    }
);

row!(
    /// Something that a device has not confirmed.
    OutboxRow {
        /// The position before it.
        previous: Position,
        /// The message it carries, if it does.
        message: Option<(ChatId, MessageId)>,
        /// When it was written.
        written_at: Timestamp,
        /// What it says.
        contents: BoundedVec<Content, MAX_CONTENTS>,
    }
);

/// The key of a row that belongs to a place in a device's channel.
pub(crate) fn place_key(device: &DeviceId, position: Position) -> Vec<u8> {
    [device.0.as_slice(), &position.to_be_bytes()].concat()
}

/// The key of a message in its chat.
pub(crate) fn history_key(chat: &ChatId, index: u64) -> Vec<u8> {
    [chat.0.as_slice(), &index.to_be_bytes()].concat()
}

/// The key under which the place of a message in its chat is found. The id alone is not enough: whoever sees an id in
/// one chat could use it in another.
pub(crate) fn message_key(message: &MessageId, chat: &ChatId) -> Vec<u8> {
    [message.0, chat.0].concat()
}

/// The key of a deadline of a disappearing message.
pub(crate) fn expiry_key(at: Timestamp, chat: &ChatId, index: u64) -> Vec<u8> {
    [at.0.to_be_bytes().as_slice(), &chat.0, &index.to_be_bytes()].concat()
}

/// Splits a key that ends in a big-endian number.
pub(crate) fn split_key<const N: usize>(key: &[u8]) -> Option<([u8; N], u64)> {
    let (head, tail) = key.split_first_chunk::<N>()?;
    Some((*head, u64::from_be_bytes(tail.try_into().ok()?)))
}
