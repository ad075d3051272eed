//! What front ends see of contacts, chats and messages: plain data, the same in events, queries and answers.

mod calls;
mod groups;
mod mailboxes;

use serde::Deserialize;
use serde::Serialize;

use kith_proto::address::Multiaddress;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;

pub use calls::CallEnd;
pub use calls::CallLine;
pub use calls::CallSettings;
pub use calls::CallState;
pub use calls::CallView;
pub use calls::GroupCallState;
pub use calls::GroupCallView;
pub use calls::HideAddress;
pub use calls::InCallView;
pub use groups::ChatWith;
pub use groups::GroupLine;
pub use groups::GroupState;
pub use groups::GroupSummary;
pub use groups::GroupView;
pub use groups::JoinRequestView;
pub use groups::LinkView;
pub use groups::MemberView;
pub use groups::MessageKind;
pub use groups::Receipts;
pub use groups::ReportView;
pub use groups::RoomView;
pub use mailboxes::Copies;
pub use mailboxes::MailboxRefusal;
pub use mailboxes::MailboxView;

/// The own account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileView {
    /// The account.
    pub account: AccountId,
    /// This device.
    pub device: DeviceId,
    /// The own name.
    pub name: String,
    /// The own status line.
    pub status: String,
    /// Whether strangers who know only the address may ask.
    pub knocks: bool,
}

/// How a contact stands to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ContactState {
    /// We asked; they have not accepted yet.
    Requested,
    /// They asked; we have not accepted yet.
    Incoming,
    /// Both agreed.
    Accepted,
    /// We take nothing from them.
    Blocked,
}

/// A contact.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactView {
    /// The account.
    pub contact: ContactId,
    /// The chat with them.
    pub chat: ChatId,
    /// Their name; empty until they told it.
    pub name: String,
    /// Their status line.
    pub status: String,
    /// What they wrote with their request.
    pub greeting: String,
    /// How they stand to us.
    pub state: ContactState,
    /// Whether the safety number was compared.
    pub verified: bool,
    /// Whether they asked and knew nothing but our address.
    pub stranger: bool,
    /// Whether we ask and know nothing but their address.
    pub by_address: bool,
    /// Whether we asked, and their invite admits nobody any more: a new one is needed.
    pub refused: bool,
    /// In how many mailboxes something can be left for them.
    pub mailboxes: u32,
    /// Whether one of their devices is connected. Queries over rows alone say `false`.
    pub online: bool,
    /// Since when they are in the list.
    pub since: Timestamp,
}

/// How far an own message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MessageState {
    /// It is on disk here and waits for a connection.
    Queued,
    /// It was sent to at least one device and is not confirmed yet.
    Sent,
    /// Mailboxes of the recipient have promised to keep it.
    Stored,
    /// It is on disk on at least one device of the recipient.
    Delivered,
    /// It was shown to the recipient.
    Read,
    /// It cannot be delivered: the contact was blocked or removed.
    Failed,
}

/// A message in a timeline.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    /// Its name.
    pub message: MessageId,
    /// Its chat.
    pub chat: ChatId,
    /// Its place in the chat: strictly growing, and the cursor for paging.
    pub index: u64,
    /// Who wrote it.
    pub sender: AccountId,
    /// Whether that was us.
    pub outgoing: bool,
    /// Text, or something that happened in a group.
    pub kind: MessageKind,
    /// What it says.
    pub text: String,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Whom it calls by name, in a group.
    pub mentions: Vec<AccountId>,
    /// Whether it calls everybody, in a group.
    pub mentions_all: bool,
    /// When its author wrote it, by the author's clock.
    pub sent_at: Timestamp,
    /// When it was stored here.
    pub stored_at: Timestamp,
    /// How far it is; for messages of others `Delivered` or `Read` by us.
    pub state: MessageState,
    /// When it disappears.
    pub expires_at: Option<Timestamp>,
    /// How many have an own message, in a group of at most 32 members.
    pub receipts: Option<Receipts>,
    /// What the recipient's mailboxes promised about an own message in a direct chat that is not delivered; `None` when no
    /// mailbox of theirs is known.
    pub copies: Option<Copies>,
}

/// A chat in the list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatView {
    /// Which chat.
    pub chat: ChatId,
    /// With whom.
    pub with: ChatWith,
    /// What it is called.
    pub name: String,
    /// How many messages of others were not read yet.
    pub unread: u64,
    /// The last message, cut to a preview.
    pub last: Option<PreviewView>,
    /// When something last happened; the order of the list.
    pub active_at: Timestamp,
    /// The unsent text of the composer.
    pub draft: String,
}

impl ChatView {
    /// The contact of a direct chat.
    pub fn contact(&self) -> Option<ContactId> {
        match &self.with {
            ChatWith::Contact(contact) => Some(*contact),
            ChatWith::Group(_) => None,
        }
    }

    /// The group of a group's chat.
    pub fn group(&self) -> Option<&GroupSummary> {
        match &self.with {
            ChatWith::Contact(_) => None,
            ChatWith::Group(group) => Some(group),
        }
    }
}

/// The last line of a chat.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewView {
    /// Which message.
    pub message: MessageId,
    /// Who wrote or did it.
    pub sender: AccountId,
    /// Whether it is ours.
    pub outgoing: bool,
    /// Text, or something that happened in a group.
    pub kind: MessageKind,
    /// The first characters of its text.
    pub text: String,
    /// When it was written.
    pub sent_at: Timestamp,
    /// How far it is.
    pub state: MessageState,
}

/// What is known of the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkView {
    /// Where this device listens.
    pub listen: Vec<Multiaddress>,
    /// The bootstrap nodes that are kept, as they were added.
    pub bootstraps: Vec<String>,
    /// Those that were named when the program was started, which are not kept.
    pub bootstraps_named: Vec<String>,
    /// How many bootstrap nodes are connected.
    pub bootstraps_connected: u32,
    /// Which these are.
    pub bootstraps_up: Vec<DeviceId>,
    /// Connected devices of any kind.
    pub peers: u32,
    /// Nodes in the DHT routing table.
    pub dht_peers: u32,
    /// How many contacts have a connected device.
    pub contacts_online: u32,
    /// Whether this device can be reached from outside.
    pub nat: Nat,
    /// The mailboxes that keep what comes while this device is away.
    pub mailboxes: Vec<MailboxView>,
}

/// What became of an own message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceView {
    /// The message.
    pub message: MessageView,
    /// Each device it is for.
    pub devices: Vec<TracedDevice>,
}

/// How far a message is on its way to one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedDevice {
    /// Which.
    pub device: DeviceId,
    /// How far.
    pub state: MessageState,
    /// Its place among what waits for the device.
    pub position: u64,
    /// The device's mailboxes.
    pub mailboxes: Vec<KeptView>,
    /// What was tried and what comes next. Queries over rows alone know nothing of it.
    pub route: RouteView,
}

/// What was tried to bring something to a device since this one runs, and what comes next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteView {
    /// How the device is connected now; `None` when it is not.
    pub connected: Option<Way>,
    /// The last attempts, the newest last. The same again on the same way is one with a count.
    pub attempts: Vec<AttemptView>,
    /// When it was confirmed as delivered, if that was seen.
    pub delivered_at: Option<Timestamp>,
    /// When it was confirmed as read, if that was seen.
    pub read_at: Option<Timestamp>,
    /// What is tried next, the soonest first; empty when there is nothing left to do.
    pub next: Vec<NextView>,
}

/// A way to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Way {
    /// Looking for the device: its addresses were dialled.
    Dial,
    /// A direct connection.
    Direct,
    /// A connection through a relay.
    Relayed,
    /// A mailbox of its.
    Mailbox(DeviceId),
}

/// One way that was taken, once or again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptView {
    /// Which way.
    pub way: Way,
    /// How it ended.
    pub end: AttemptEnd,
    /// When it first ended so, perhaps before there was something to send.
    pub first: Timestamp,
    /// When it last ended so.
    pub last: Timestamp,
    /// How many times; `None` when `first` was before there was something to send.
    pub times: Option<u32>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptEnd {
    /// Nobody answered there.
    NotReached,
    /// It was put on the connection; only a receipt says that it arrived.
    Sent,
    /// The connection ended before a receipt came.
    Broken,
    /// The mailbox promised to keep it.
    Kept {
        /// Until when.
        until: Timestamp,
    },
    /// The mailbox has no place for us: they have not opened one, or closed it.
    NoQueue,
    /// What waits there for them takes all the room that they have in the mailbox, or too much came at once.
    NoRoom,
    /// The mailbox is full.
    Full,
    /// The mailbox wants more work of strangers than is done for it.
    TooHard,
    /// The mailbox takes nothing any more.
    Closing,
    /// The mailbox said no for another reason, or something that is no promise.
    Refused,
}

impl AttemptEnd {
    /// Whether it ended in the same way, whatever the times.
    pub(crate) fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// Something that is tried next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NextView {
    /// When; not later than now: it is under way.
    pub at: Timestamp,
    /// On which way.
    pub way: Way,
    /// Why then.
    pub why: NextWhy,
}

/// Why something is tried at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NextWhy {
    /// It is under way, or about to be.
    Now,
    /// Nobody answered; the pause grows with each time.
    NotReached,
    /// It was sent and no receipt came: they are asked how far they are.
    NoReceipt,
    /// The mailbox said no and is asked again after a pause.
    Refused,
    /// There was no room for more from us: it is asked again after a pause, and when they say that they have been there.
    NoRoom,
    /// What it keeps is left anew before it expires.
    Renewal,
}

/// How far the clocks of others are ahead of this device's, in seconds; less than zero when they are behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    /// How many told their time.
    pub sources: u32,
    /// At least so much.
    pub ahead_at_least_secs: i64,
    /// At most so much.
    pub ahead_at_most_secs: i64,
}

/// Whether a mailbox keeps a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptView {
    /// Which.
    pub mailbox: DeviceId,
    /// Until when at least; `None` when it has not promised.
    pub until: Option<Timestamp>,
}

/// Whether this device can be reached from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nat {
    /// Nobody has tried yet.
    #[default]
    Unknown,
    /// It can.
    Public,
    /// It cannot, except through relays or a punched hole.
    Private,
}

macro_rules! silent_debug {
    ($($name:ident: $($field:ident),*;)*) => {$(
        /// Ids and states only: logs never hold names or texts.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
            }
        }
    )*};
}
silent_debug! {
    ProfileView: account, device;
    ContactView: contact, state, verified, online;
    MessageView: message, chat, index, outgoing, state;
    ChatView: chat, unread, active_at;
    PreviewView: message, state;
    GroupView: group, chat, state, role;
    MemberView: account, role, online;
    LinkView: link, used;
    JoinRequestView: account, link;
}

/// Without names.
impl std::fmt::Debug for GroupLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GroupLine")
    }
}

impl std::fmt::Debug for MessageKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text => "Text",
            Self::System(_) => "System",
            Self::Call(_) => "Call",
        })
    }
}
