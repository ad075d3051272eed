//! What a person wants of groups.

use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::LinkId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;

use crate::model::groups::Notify;
use crate::model::groups::info::InfoPage;

/// An intent about groups. Where none is named, it is the one whose panel is open.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupAction {
    /// Choose people for a new group.
    OpenNew,
    /// Choose people to add to the group.
    OpenAdd,
    /// Make the group of the dialog, or add its people.
    SubmitPeople,
    /// Stay in a group to which somebody has added us.
    Accept(GroupId),
    /// Do not want to be in it.
    Decline(GroupId),
    /// Do not ask to come in any more.
    StopAsking(GroupId),
    /// Show the panel of the open group, or another page of it.
    ShowInfo(InfoPage),
    /// Close the panel.
    CloseInfo,
    /// Save name and topic.
    SaveProfile,
    /// Save the rules.
    SavePolicy,
    /// Give a member another role.
    SetRole(AccountId, Role),
    /// Take a member's word until then; a time that is over gives it back.
    Mute(AccountId, Timestamp),
    /// Let somebody come again.
    Unban(AccountId),
    /// Make a link.
    MakeLink,
    /// Let somebody in who asks.
    Approve(AccountId),
    /// Do not let somebody in.
    Refuse(AccountId),
    /// Be told of everything in a chat, of what calls us, or of nothing.
    Notify(ChatId, Notify),
    /// Pin a message of the open chat.
    Pin(MessageId),
    /// Unpin a message of the open chat.
    Unpin(MessageId),
    /// Ask why a message is reported.
    OpenReport(MessageId),
    /// Send the report of the dialog.
    SendReport,
    /// Forget a report.
    Dismiss {
        /// Who reported.
        by: AccountId,
        /// What.
        message: MessageId,
    },
    /// Show who has an own message.
    ShowReceipts(MessageId),
    /// Ask before something that cannot be undone.
    Ask(Doubt),
    /// Do it.
    Sure(Doubt),
}

/// Something that cannot be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// In which group.
    pub group: GroupId,
    /// What.
    pub what: Step,
}

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Remove a member.
    Remove(AccountId),
    /// Remove a member for good.
    Ban(AccountId),
    /// Make a member an owner, who cannot be outranked by who comes later.
    MakeOwner(AccountId),
    /// Give up one's own role for a lower one.
    StepDown {
        /// To which.
        to: Role,
        /// The own account.
        own: AccountId,
    },
    /// Take a link back.
    RevokeLink(LinkId),
    /// Delete a message for everybody.
    Delete(MessageId),
    /// Take a room out of a directory.
    TakeOut(MessageId),
    /// Leave.
    Leave,
    /// Forget the group and its messages.
    Forget,
}
