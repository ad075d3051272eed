//! Why a command was refused: a sentence for people, a word for programs.

use serde::Deserialize;
use serde::Serialize;

use crate::groups::Denial;

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
    /// No such community node.
    #[error("this is none of your community nodes")]
    UnknownBootstrap,
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
    /// There is a call already.
    #[error("you are in a call already: hang up first")]
    InCall,
    /// No such call, or not any more.
    #[error("there is no such call any more")]
    UnknownCall,
    /// Nothing here moves sound.
    #[error("this program cannot make calls: it has no access to sound")]
    NoMedia,
    /// The rules of the group do not let the own role start calls.
    #[error("your role in this group does not allow to start calls: join one that somebody else has started")]
    MayNotCall,
    /// Only who keeps order may mute somebody, and only those below them.
    #[error("only moderators and those above them may mute somebody, and nobody of their own rank")]
    MayNotMute,
    /// They are not in the call.
    #[error("this person is not in the call")]
    NotInCall,
    /// So many are in the call that nobody else fits in.
    #[error("this call is full")]
    CallFull,
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
            Self::UnknownBootstrap => "unknown_bootstrap",
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
            Self::InCall => "in_call",
            Self::UnknownCall => "unknown_call",
            Self::NoMedia => "no_media",
            Self::MayNotCall => "may_not_call",
            Self::MayNotMute => "may_not_mute",
            Self::NotInCall => "not_in_call",
            Self::CallFull => "call_full",
        }
    }
}
