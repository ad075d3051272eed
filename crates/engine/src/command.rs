//! What a person, a bot or a front end wants. Commands are verbs; each is answered by one
//! [`Event::Answered`](crate::Event::Answered) after its writes are on disk.

mod refusal;

pub use refusal::Refusal;

use serde::Deserialize;
use serde::Serialize;

use kith_proto::address::DeviceAddress;
use kith_proto::call::Media;
use kith_proto::group::GroupInvite;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::InviteId;
use kith_proto::id::LinkId;
use kith_proto::id::MessageId;
use kith_proto::invite::Invite;
use kith_proto::time::Timestamp;

use crate::view::CallView;
use crate::view::ContactView;
use crate::view::GroupCallView;
use crate::view::GroupView;
use crate::view::HideAddress;
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
        /// What whoever runs it gave out, so that it lets this device in; left out: what was said before.
        voucher: Option<String>,
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
    /// Calls somebody; answers, if they are calling. In a group: begins a call, or comes into the one that goes on.
    StartCall {
        /// In which chat.
        chat: ChatId,
        /// What is sent from the first moment on.
        media: Media,
    },
    /// Answers a call that rings here.
    AcceptCall {
        /// Which.
        call: CallId,
        /// What is sent from the first moment on.
        media: Media,
    },
    /// Ends a call, whatever its state: declines, cancels or hangs up.
    HangUp {
        /// Which.
        call: CallId,
    },
    /// Sends something else in a call from now on.
    SetCallMedia {
        /// Which.
        call: CallId,
        /// What changes.
        change: MediaChange,
    },
    /// Raises the own hand in a call of a group, or takes it down.
    RaiseHand {
        /// In which call.
        call: CallId,
        /// Whether it is raised.
        raised: bool,
    },
    /// Asks somebody in a call of a group to mute themselves, which their device does.
    MuteInCall {
        /// In which call.
        call: CallId,
        /// Whom.
        account: AccountId,
    },
    /// Says from whom the own network address is hidden in calls, by using relays alone. It holds for the next call.
    HideAddress {
        /// From whom.
        from: HideAddress,
    },
    /// The same for one contact.
    HideAddressFrom {
        /// From whom.
        contact: ContactId,
        /// Whether; `None` for what holds for everybody.
        hide: Option<bool>,
    },
    /// Deletes a message of a group for everybody.
    DeleteForAll {
        /// In which chat.
        chat: ChatId,
        /// Which.
        message: MessageId,
    },
}

/// What changes in what is sent in a call; `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaChange {
    /// Whether the own voice is sent.
    pub microphone: Option<bool>,
    /// Whether the own picture is.
    pub camera: Option<bool>,
    /// Whether the own screen is.
    pub screen: Option<bool>,
    /// Whether the call is on hold.
    pub hold: Option<bool>,
    /// Whether what is seen is kept. Said before it is.
    pub recording: Option<bool>,
}

impl MediaChange {
    /// What is sent then.
    pub(crate) fn applied_to(self, own: Media) -> Media {
        Media {
            microphone: self.microphone.unwrap_or(own.microphone),
            camera: self.camera.unwrap_or(own.camera),
            screen: self.screen.unwrap_or(own.screen),
            hold: self.hold.unwrap_or(own.hold),
            recording: self.recording.unwrap_or(own.recording),
        }
    }
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
    /// A call, new or changed.
    Call(CallView),
    /// A call of a group, new or changed.
    GroupCall(Box<GroupCallView>),
}
