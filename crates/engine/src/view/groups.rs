//! What front ends see of groups. Plain data: who and what, never a sentence, so that a front end says it in its language.

use serde::Deserialize;
use serde::Serialize;

use kith_proto::group::GroupInvite;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::GroupId;
use kith_proto::id::LinkId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;

use super::CallLine;

/// With whom a chat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChatWith {
    /// One person.
    Contact(ContactId),
    /// A group.
    Group(GroupSummary),
}

/// A group as the chat list shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSummary {
    /// Which group.
    pub group: GroupId,
    /// How many members it has.
    pub members: u32,
    /// The own role; `None` when this account is no member.
    pub role: Option<Role>,
    /// How this account stands to it.
    pub state: GroupState,
}

/// How this account stands to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GroupState {
    /// We asked to come in by a link; nobody has let us in yet.
    Asking,
    /// Somebody who is no accepted contact has added us: to be accepted (`AcceptGroup`) or left (`LeaveGroup`).
    Invited,
    /// We are a member.
    Joined,
    /// We have left. What was said stays readable.
    Left,
    /// We were removed. What was said stays readable.
    Removed,
}

/// A group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Which group.
    pub group: GroupId,
    /// Its chat.
    pub chat: ChatId,
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub topic: String,
    /// The rules.
    pub policy: Policy,
    /// How this account stands to it.
    pub state: GroupState,
    /// The own role; `None` when this account is no member.
    pub role: Option<Role>,
    /// Who added us, while that is to be decided.
    pub invited_by: Option<AccountId>,
    /// The members, the senior first.
    pub members: Vec<MemberView>,
    /// Who must not come back.
    pub banned: Vec<AccountId>,
    /// The open links.
    pub links: Vec<LinkView>,
    /// The pinned messages, the earliest pin first.
    pub pins: Vec<MessageId>,
    /// Who asks to come in by a link and waits for somebody who may invite.
    pub requests: Vec<JoinRequestView>,
    /// What members reported, for those who keep order.
    pub reports: Vec<ReportView>,
    /// When it was made, by its maker's clock.
    pub created: Timestamp,
    /// While we ask to come in: whether the request is with somebody, or in a mailbox.
    pub asked: bool,
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Who.
    pub account: AccountId,
    /// Their name; empty until they told it.
    pub name: String,
    /// As what.
    pub role: Role,
    /// Whether a device of theirs is connected. Queries over rows alone say `false`.
    pub online: bool,
    /// Until when they must not write.
    pub muted_until: Option<Timestamp>,
    /// When they came, by the clock of whoever let them in.
    pub since: Timestamp,
}

/// An open link into a group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    /// Its name.
    pub link: LinkId,
    /// Who made it.
    pub made_by: AccountId,
    /// What those become who come by it.
    pub role: Role,
    /// When it ends; [`Timestamp::NEVER`] for never.
    pub expires: Timestamp,
    /// How many accounts may come by it; 0 for any number.
    pub uses: u32,
    /// How many came.
    pub used: u32,
    /// Whether somebody who may invite has to agree each time.
    pub approval: bool,
    /// How much work is asked of those who come, in bits.
    pub work: u8,
    /// The link itself, for those whose role may invite. Queries over rows alone say `None`.
    pub invite: Option<GroupInvite>,
}

/// Somebody who asks to come in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequestView {
    /// Who.
    pub account: AccountId,
    /// What they call themselves.
    pub name: String,
    /// By which link.
    pub link: LinkId,
    /// When they asked.
    pub since: Timestamp,
}

/// A message that somebody reported.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportView {
    /// Who reported it.
    pub by: AccountId,
    /// Which message; it may not be here.
    pub message: MessageId,
    /// Who wrote it: that was checked.
    pub author: AccountId,
    /// When, by the author's clock.
    pub said_at: Timestamp,
    /// The beginning of what it says.
    pub text: String,
    /// Why it was reported.
    pub reason: String,
    /// When it was reported.
    pub since: Timestamp,
}

/// A public room, as somebody listed it in a directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomView {
    /// In which directory.
    pub directory: GroupId,
    /// Which room.
    pub room: GroupId,
    /// Its link.
    pub link: GroupInvite,
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub topic: String,
    /// The language that is spoken there; empty if it was not told.
    pub language: String,
    /// Words by which it is found.
    pub tags: Vec<String>,
    /// Who listed it.
    pub listed_by: AccountId,
    /// When, by their clock.
    pub listed_at: Timestamp,
    /// What the listing is called, to delete it for everybody.
    pub message: MessageId,
}

/// What kind of thing stands in a timeline.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageKind {
    /// Something that somebody wrote.
    Text,
    /// Something that happened in a group. The text is empty.
    System(GroupLine),
    /// A call that is over. The text is empty.
    Call(CallLine),
}

/// Something that happened in a group; who did it is the `sender` of the message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupLine {
    /// Made the group.
    Created {
        /// Its first name.
        name: String,
    },
    /// Added somebody.
    Added {
        /// Whom.
        whom: AccountId,
    },
    /// Let somebody in who came by a link.
    Joined {
        /// Whom.
        whom: AccountId,
    },
    /// Left.
    Left,
    /// Removed somebody.
    Removed {
        /// Whom.
        whom: AccountId,
        /// How many messages of theirs came here later and were dropped.
        dropped: u32,
    },
    /// Removed somebody for good.
    Banned {
        /// Whom.
        whom: AccountId,
        /// How many messages of theirs came here later and were dropped.
        dropped: u32,
    },
    /// Lets somebody come again.
    Unbanned {
        /// Whom.
        whom: AccountId,
    },
    /// Gave somebody another role.
    Role {
        /// Whom.
        whom: AccountId,
        /// Which.
        role: Role,
    },
    /// Changed name, topic or picture.
    Profile {
        /// The name since then.
        name: String,
    },
    /// Changed the rules.
    Policy,
    /// Took somebody's word.
    Muted {
        /// Whose.
        whom: AccountId,
        /// Until when; a time that is over gives it back.
        until: Timestamp,
    },
    /// Made a link.
    LinkMade,
    /// Took a link back.
    LinkRevoked,
    /// Pinned a message.
    Pinned {
        /// Which.
        message: MessageId,
    },
    /// Took a pinned message away.
    Unpinned {
        /// Which.
        message: MessageId,
    },
    /// Deleted a message for everybody.
    Deleted {
        /// Which.
        message: MessageId,
    },
}

impl GroupLine {
    /// Whom it is about, beside whoever did it.
    pub fn whom(&self) -> Option<AccountId> {
        match self {
            Self::Added { whom }
            | Self::Joined { whom }
            | Self::Removed { whom, .. }
            | Self::Banned { whom, .. }
            | Self::Unbanned { whom }
            | Self::Role { whom, .. }
            | Self::Muted { whom, .. } => Some(*whom),
            _ => None,
        }
    }
}

/// How far an own message in a group of at most 32 members is: counted in members, without this account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipts {
    /// On the disk of so many.
    pub delivered: u32,
    /// Seen by so many.
    pub read: u32,
    /// Of so many.
    pub of: u32,
}
