//! What a person, a bot or a front end wants. Commands are verbs; each is answered by one
//! [`Event::Answered`](crate::Event::Answered) after its writes are on disk.

use serde::Deserialize;
use serde::Serialize;

use kith_proto::address::DeviceAddress;
use kith_proto::group::GroupInvite;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::InviteId;
use kith_proto::id::LinkId;
use kith_proto::id::MessageId;
use kith_proto::invite::Invite;
use kith_proto::time::Timestamp;

use crate::groups::Denial;
use crate::view::ContactView;
use crate::view::GroupView;
use crate::view::MessageView;
use crate::view::ProfileView;

/// One wish of the caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Changes the own profile; `None` leaves a field as it is.
    SetProfile {
        /// The new name.
        name: Option<String>,
        /// The new status line.
        status: Option<String>,
    },
    /// Makes an invite link.
    CreateInvite {
        /// How many people may use it; `None` for one.
        uses: Option<u32>,
        /// For how long it is valid; `None` for the default of [`Config::invite_life`](crate::Config).
        expires_secs: Option<u64>,
    },
    /// Takes an invite back. Requests that already came stay.
    RevokeInvite {
        /// Which one.
        invite: InviteId,
    },
    /// Asks the maker of an invite to become a contact.
    AddContact {
        /// The parsed link.
        invite: Invite,
        /// A few words to go with the request.
        greeting: String,
    },
    /// Asks the owner of an account to become a contact, of whom nothing but the address is known.
    Knock {
        /// The account.
        account: AccountId,
        /// A few words to go with the request.
        greeting: String,
    },
    /// Allows strangers who know only the address to ask, or does not.
    AllowKnocks {
        /// Whether they may.
        allowed: bool,
    },
    /// Accepts a contact's request.
    AcceptContact {
        /// Who asked.
        contact: ContactId,
    },
    /// Takes nothing from this account any more and tells it nothing.
    BlockContact {
        /// Whom.
        contact: ContactId,
    },
    /// Takes back a block.
    UnblockContact {
        /// Whom.
        contact: ContactId,
    },
    /// Forgets a contact, its keys and its chat.
    RemoveContact {
        /// Whom.
        contact: ContactId,
    },
    /// Says that the safety number was (or was not) compared.
    VerifyContact {
        /// Whose.
        contact: ContactId,
        /// Whether it matched.
        verified: bool,
    },
    /// Writes a message.
    SendMessage {
        /// Where to.
        chat: ChatId,
        /// What.
        text: String,
        /// The message it answers.
        reply_to: Option<MessageId>,
        /// After how many seconds it disappears on both sides.
        expires_secs: Option<u32>,
    },
    /// Marks everything up to a message as read.
    MarkRead {
        /// In which chat.
        chat: ChatId,
        /// The last message seen.
        message: MessageId,
    },
    /// Keeps what is in the composer; an empty text forgets it.
    SaveDraft {
        /// Of which chat.
        chat: ChatId,
        /// The unsent text.
        text: String,
    },
    /// Remembers a bootstrap node and connects to it.
    AddBootstrap {
        /// Its multiaddress with `/p2p/…`, checked by the caller.
        address: String,
    },
    /// Forgets a bootstrap node.
    RemoveBootstrap {
        /// Its multiaddress as it was added.
        address: String,
    },
    /// Uses a node as a mailbox, whether or not others were found by themselves.
    AddMailbox {
        /// Who and where.
        node: DeviceAddress,
    },
    /// Does not use a mailbox any more, and not again by itself.
    RemoveMailbox {
        /// Which.
        device: DeviceId,
    },
    /// Makes a group; the own account is its owner.
    CreateGroup {
        /// What it is called.
        name: String,
        /// Accepted contacts who are members from the start.
        members: Vec<ContactId>,
        /// Its rules; `None` for those that a group of friends expects.
        policy: Option<Policy>,
    },
    /// Adds people to a group: accepted contacts, or members of another common group.
    AddMembers {
        /// To which.
        group: GroupId,
        /// Whom.
        members: Vec<AccountId>,
        /// As what.
        role: Role,
    },
    /// Removes somebody from a group.
    RemoveMember {
        /// From which.
        group: GroupId,
        /// Whom.
        account: AccountId,
    },
    /// Stays in a group to which somebody who is no contact has added us.
    AcceptGroup {
        /// Which.
        group: GroupId,
    },
    /// Leaves a group, or does not want to be in it. The chat stays.
    LeaveGroup {
        /// Which.
        group: GroupId,
    },
    /// Forgets a group that was left, and its chat.
    ForgetGroup {
        /// Which.
        group: GroupId,
    },
    /// Gives a member another role.
    SetRole {
        /// In which group.
        group: GroupId,
        /// Whom.
        account: AccountId,
        /// Which.
        role: Role,
    },
    /// Changes what a group looks like; `None` leaves a field as it is.
    SetGroupProfile {
        /// Which group.
        group: GroupId,
        /// Its new name.
        name: Option<String>,
        /// Its new topic.
        topic: Option<String>,
    },
    /// Changes the rules of a group.
    SetPolicy {
        /// Which group.
        group: GroupId,
        /// The new rules.
        policy: Policy,
    },
    /// Removes somebody for good.
    BanMember {
        /// From which group.
        group: GroupId,
        /// Whom.
        account: AccountId,
    },
    /// Lets somebody come again who was banned.
    UnbanMember {
        /// To which group.
        group: GroupId,
        /// Whom.
        account: AccountId,
    },
    /// Takes a member's word for a while; a time that is over gives it back.
    MuteMember {
        /// In which group.
        group: GroupId,
        /// Whose.
        account: AccountId,
        /// Until when.
        until: Timestamp,
    },
    /// Makes a link by which people come into a group.
    CreateGroupLink {
        /// Into which.
        group: GroupId,
        /// What they become.
        role: Role,
        /// For how long; `None` for ever.
        expires_secs: Option<u64>,
        /// How many accounts may come by it; 0 for any number.
        uses: u32,
        /// Whether somebody who may invite has to agree each time.
        approval: bool,
        /// How many leading zero bits of work are asked of those who come; 0 for none.
        work: u8,
    },
    /// Tells how a group is now, with its links as they are passed around.
    ShowGroup {
        /// Which.
        group: GroupId,
    },
    /// Takes a link back.
    RevokeGroupLink {
        /// Of which group.
        group: GroupId,
        /// Which link.
        link: LinkId,
    },
    /// Asks to come into a group by a link.
    JoinGroup {
        /// The parsed link.
        link: GroupInvite,
    },
    /// Lets somebody in who asks.
    ApproveJoin {
        /// Into which group.
        group: GroupId,
        /// Whom.
        account: AccountId,
    },
    /// Does not let somebody in who asks.
    RefuseJoin {
        /// Into which group.
        group: GroupId,
        /// Whom.
        account: AccountId,
    },
    /// Writes a message in a group and calls people by name. Without that, `SendMessage` does the same.
    SendToGroup {
        /// In which group.
        group: GroupId,
        /// What.
        text: String,
        /// The message it answers.
        reply_to: Option<MessageId>,
        /// After how many seconds it disappears everywhere.
        expires_secs: Option<u32>,
        /// Whom it calls.
        mentions: Vec<AccountId>,
        /// Whether it calls everybody.
        mention_all: bool,
    },
    /// Tells the one link of a public room, which every member may pass on; it is made if there is none.
    ShareRoom {
        /// Which room.
        group: GroupId,
    },
    /// Lists a public room in a directory.
    PublishRoom {
        /// The directory.
        directory: GroupId,
        /// The room.
        room: GroupId,
        /// The language that is spoken there, as in BCP 47; empty for none.
        language: String,
        /// Words by which it is found.
        tags: Vec<String>,
    },
    /// Takes back what this account said of a room in a directory.
    UnpublishRoom {
        /// The directory.
        directory: GroupId,
        /// The room.
        room: GroupId,
    },
    /// Tells those who keep order in a group of a message, privately.
    ReportMessage {
        /// In which chat.
        chat: ChatId,
        /// Which.
        message: MessageId,
        /// Why.
        reason: String,
    },
    /// A report was looked at.
    DismissReport {
        /// In which group.
        group: GroupId,
        /// Who reported.
        by: AccountId,
        /// What.
        message: MessageId,
    },
    /// Names the words that the owner does not want to read; front ends hide messages that have one.
    SetFilters {
        /// All of them.
        filters: Vec<String>,
    },
    /// Blocks all of these, known or not.
    BlockAll {
        /// Whom.
        accounts: Vec<AccountId>,
    },
    /// Puts a message of a group where everybody sees it.
    PinMessage {
        /// In which chat.
        chat: ChatId,
        /// Which.
        message: MessageId,
    },
    /// Takes a pinned message away from there.
    UnpinMessage {
        /// In which chat.
        chat: ChatId,
        /// Which.
        message: MessageId,
    },
    /// Deletes a message of a group for everybody.
    DeleteForAll {
        /// In which chat.
        chat: ChatId,
        /// Which.
        message: MessageId,
    },
}

/// What a command brought about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It is done and on disk.
    Done,
    /// The profile as it is now.
    Profile(ProfileView),
    /// A new invite.
    Invite(Invite),
    /// A contact, new or changed.
    Contact(ContactView),
    /// A message that was written.
    Message(MessageView),
    /// A group, new or changed.
    Group(Box<GroupView>),
    /// A link into a group.
    GroupLink(GroupInvite),
}

/// Why a command was refused. The caller was wrong, or the moment was; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The name is empty.
    #[error("a name needs at least one visible character")]
    EmptyName,
    /// A text is over its limit.
    #[error("this text is too long: at most {limit} bytes fit here")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A message without text.
    #[error("there is nothing to send: write something first")]
    EmptyMessage,
    /// No such chat.
    #[error("there is no such chat")]
    UnknownChat,
    /// No such contact.
    #[error("there is no such contact")]
    UnknownContact,
    /// No such message in the chat.
    #[error("there is no such message in this chat")]
    UnknownMessage,
    /// No such invite.
    #[error("there is no such invite, or it was used up")]
    UnknownInvite,
    /// The invite is one's own.
    #[error("this is your own invite: give it to somebody else")]
    OwnInvite,
    /// The address is one's own.
    #[error("this is your own address: give it to somebody else")]
    OwnAddress,
    /// No account can have this address.
    #[error("nobody can have this address: look for a mistake in it")]
    BadAddress,
    /// The contact's device is not known yet.
    #[error("this person was not found yet: write again in a minute")]
    NotFoundYet,
    /// The request waits already.
    #[error("you have asked this person already: wait for the answer, or add them by an invite link")]
    AlreadyAsked,
    /// The invite names no device.
    #[error("this invite does not say where to ask: get a new one")]
    InviteUseless,
    /// The invite names the device of another contact.
    #[error("this invite is not genuine: it names a device that belongs to another of your contacts")]
    InviteForged,
    /// The invite has expired.
    #[error("this invite has expired: ask for a new one")]
    InviteExpired,
    /// The contact is there already.
    #[error("this person is a contact already")]
    AlreadyContact,
    /// The contact is blocked.
    #[error("this contact is blocked: unblock it first")]
    Blocked,
    /// The contact did not ask.
    #[error("this contact has not asked to be added, or was accepted already")]
    NotRequested,
    /// The other side's request has not been accepted by us.
    #[error("accept the contact request before writing")]
    NotAccepted,
    /// Too much is waiting for this contact.
    #[error("too many messages are waiting for this contact: try again when some were delivered")]
    OutboxFull,
    /// No address is known that could be told to others.
    #[error("this device has no network address yet: wait until it listens, then try again")]
    NoAddress,
    /// This device cannot keep its own mail.
    #[error("this is this device itself: mail for it has to be kept by another one")]
    OwnMailbox,
    /// No such mailbox.
    #[error("this is none of your mailboxes")]
    UnknownMailbox,
    /// Too many of something.
    #[error("there are too many of these already: remove one first")]
    TooMany,
    /// No such group.
    #[error("there is no such group")]
    UnknownGroup,
    /// The own account is no member any more, or not yet.
    #[error("you are not a member of this group")]
    NotInGroup,
    /// The own account is a member.
    #[error("you are a member of this group: leave it first")]
    StillMember,
    /// Somebody who is neither an accepted contact nor in another common group.
    #[error("this person cannot be added: only your contacts can")]
    CannotAdd,
    /// The rules of the group do not allow it.
    #[error("{0}")]
    Denied(Denial),
    /// Writing is for higher roles, or the own word was taken.
    #[error("you may not write in this group now")]
    MayNotPost,
    /// Not so fast.
    #[error("this group is in slow mode: wait {wait_secs} s before the next message")]
    SlowMode {
        /// For how long.
        wait_secs: u32,
    },
    /// Nobody asks that.
    #[error("this person does not ask to come in any more")]
    NoSuchRequest,
    /// The group is no directory.
    #[error("this group is no directory of rooms")]
    NoDirectory,
    /// The group is no public room, or has no link yet.
    #[error("this group is no public room")]
    NotPublic,
    /// This account did not list the room.
    #[error("you have not listed this room there")]
    NotListed,
    /// They have not answered the contact request.
    #[error("your contact request was not answered yet: write when it was")]
    NotAnswered,
}

impl Refusal {
    /// The stable word for programs (`data.code` of the API).
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyName => "empty_name",
            Self::TooLong { .. } => "too_long",
            Self::EmptyMessage => "empty_message",
            Self::InviteUseless => "invite_useless",
            Self::InviteForged => "invite_forged",
            Self::UnknownChat => "unknown_chat",
            Self::UnknownContact => "unknown_contact",
            Self::UnknownMessage => "unknown_message",
            Self::UnknownInvite => "unknown_invite",
            Self::OwnInvite => "own_invite",
            Self::OwnAddress => "own_address",
            Self::BadAddress => "bad_address",
            Self::NotFoundYet => "not_found_yet",
            Self::AlreadyAsked => "already_asked",
            Self::InviteExpired => "invite_expired",
            Self::AlreadyContact => "already_contact",
            Self::Blocked => "blocked",
            Self::NotRequested => "not_requested",
            Self::NotAccepted => "not_accepted",
            Self::OutboxFull => "outbox_full",
            Self::NoAddress => "no_address",
            Self::OwnMailbox => "own_mailbox",
            Self::UnknownMailbox => "unknown_mailbox",
            Self::TooMany => "too_many",
            Self::UnknownGroup => "unknown_group",
            Self::NotInGroup => "not_in_group",
            Self::StillMember => "still_member",
            Self::CannotAdd => "cannot_add",
            Self::NoDirectory => "no_directory",
            Self::NotPublic => "not_public",
            Self::NotListed => "not_listed",
            Self::Denied(denial) => denial.code(),
            Self::MayNotPost => "may_not_post",
            Self::SlowMode { .. } => "slow_mode",
            Self::NoSuchRequest => "no_such_request",
            Self::NotAnswered => "not_answered",
        }
    }
}
