//! What a person, a bot or a front end wants. Commands are verbs; each is answered by one
//! [`Event::Answered`](crate::Event::Answered) after its writes are on disk.

use serde::Deserialize;
use serde::Serialize;

use kith_proto::address::DeviceAddress;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::InviteId;
use kith_proto::id::MessageId;
use kith_proto::invite::Invite;

use crate::view::ContactView;
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
        }
    }
}
