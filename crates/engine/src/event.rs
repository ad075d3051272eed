//! What front ends show. Events are facts in the past: when one is published, it is on disk.

use serde::Deserialize;
use serde::Serialize;

use kith_proto::id::ChatId;
use kith_proto::id::CommandId;
use kith_proto::id::ContactId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;

use crate::command::Answer;
use crate::command::Refusal;
use crate::view::CallView;
use crate::view::ChatView;
use crate::view::ContactView;
use crate::view::Copies;
use crate::view::GroupCallView;
use crate::view::GroupView;
use crate::view::MessageState;
use crate::view::MessageView;
use crate::view::NetworkView;
use crate::view::ProfileView;
use crate::view::Receipts;

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A command was carried out or refused.
    Answered {
        /// The caller's name for it.
        id: CommandId,
        /// What came of it.
        answer: Result<Answer, Refusal>,
    },
    /// A message of somebody else arrived.
    MessageReceived(MessageView),
    /// An own message was written (by any front end of this node).
    MessageWritten(MessageView),
    /// An own message got further.
    MessageState {
        /// In which chat.
        chat: ChatId,
        /// Which message.
        message: MessageId,
        /// How far it is.
        state: MessageState,
    },
    /// Mailboxes promised to keep an own message for one of its devices. A front end that knows of others there shows the
    /// [safer](Copies::safer).
    MessageCopies {
        /// In which chat.
        chat: ChatId,
        /// Which message.
        message: MessageId,
        /// How many, and until when.
        copies: Copies,
    },
    /// A disappearing message is gone.
    MessageExpired {
        /// In which chat.
        chat: ChatId,
        /// Which message.
        message: MessageId,
    },
    /// An own message in a group got to more members.
    MessageReceipts {
        /// In which chat.
        chat: ChatId,
        /// Which message.
        message: MessageId,
        /// How far it is.
        receipts: Receipts,
    },
    /// A message in a group was deleted for everybody, or what it told turned out not to count.
    MessageDeleted {
        /// In which chat.
        chat: ChatId,
        /// Which message.
        message: MessageId,
    },
    /// A group is new, or its members, rules, links or requests changed.
    GroupChanged(Box<GroupView>),
    /// A group and its chat were forgotten.
    GroupForgotten {
        /// Which.
        group: GroupId,
        /// Its chat.
        chat: ChatId,
    },
    /// The rooms in a directory are others.
    RoomsChanged {
        /// Which directory.
        directory: GroupId,
    },
    /// Somebody asks to become a contact.
    ContactRequested(ContactView),
    /// A contact is new, or its name, state, verification or presence changed.
    ContactChanged(ContactView),
    /// A contact and its chat were forgotten.
    ContactRemoved {
        /// Who.
        contact: ContactId,
        /// Its chat.
        chat: ChatId,
    },
    /// A chat's last line, unread count or draft changed.
    ChatChanged(ChatView),
    /// Somebody calls; it rings until `CallChanged` says otherwise.
    CallIncoming(CallView),
    /// A call is new, got further, or ended.
    CallChanged(CallView),
    /// A call begins in a group; it rings until `GroupCallChanged` says otherwise.
    GroupCallIncoming(Box<GroupCallView>),
    /// A call of a group is new, somebody came or left, something else about it changed, or it ended.
    GroupCallChanged(Box<GroupCallView>),
    /// The own profile changed.
    ProfileChanged(ProfileView),
    /// Listening addresses, bootstrap nodes or peers changed.
    NetworkChanged(NetworkView),
}
