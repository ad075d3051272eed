//! What front ends see of mailboxes: the own ones, and how many promised to keep a message.

use serde::Deserialize;
use serde::Serialize;

use kith_proto::address::Multiaddress;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

/// How many mailboxes have promised to keep a message, and until when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// How many mailboxes the recipient's device has.
    pub of: u32,
    /// Until when each of those that promised it keeps a copy, the soonest first. A promise that has ended is in it, as
    /// whoever made this did not know the time at which it is shown.
    pub until: Vec<Timestamp>,
}

impl Copies {
    /// How many promises hold at a time, and when the first of them ends; `None` when none does.
    pub fn held(&self, now: Timestamp) -> Option<(usize, Timestamp)> {
        let held = self.until.iter().filter(|until| **until > now);
        Some((held.clone().count(), *held.min()?))
    }

    /// Of two devices' copies those that are safer: of more mailboxes, then for longer.
    #[must_use]
    pub fn safer(self, other: Self) -> Self {
        let rank = |copies: &Self| (copies.until.len(), copies.until.first().copied());
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// An own mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxView {
    /// Who it is.
    pub device: DeviceId,
    /// Where it answers.
    pub address: Multiaddress,
    /// Whether it has opened an inbox for us.
    pub accepted: bool,
    /// Whether it answers now.
    pub connected: bool,
    /// Whether the owner named it; else it was found.
    pub chosen: bool,
    /// Why it said no when it was last asked for an inbox, if it did.
    pub refused: Option<MailboxRefusal>,
    /// Whether the owner gave a voucher for it.
    pub with_voucher: bool,
    /// Whether it is the device of a contact; else a community node, or a stranger's that the owner named.
    pub of_contact: bool,
    /// Contacts who cannot leave anything there, because another inbox has their place. They use the other mailboxes.
    pub without: Vec<ContactId>,
    /// The same of invites and links.
    pub links_without: u32,
    /// How many more places it did not open, by its own count, without saying which.
    pub missing: u32,
    /// Whether it takes nothing any more: it is used until what it holds is here.
    pub closing: bool,
    /// Since when contacts know of it.
    pub since: Option<Timestamp>,
    /// When something was last left there, by its clock.
    pub left_at: Option<Timestamp>,
    /// When it was last read to the end, since this device runs.
    pub read_at: Option<Timestamp>,
    /// How many bytes it still had room for when it was last asked.
    pub quota_left: Option<u64>,
    /// How good it was, from 0 to 1,000; 500 when nothing is known of it.
    pub score: u32,
    /// For how long it has not answered while others did; zero when it does.
    pub away_secs: u64,
}

/// Why a mailbox would not have this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MailboxRefusal {
    /// It opens inboxes only for those whom it knows, or who have a voucher.
    NotKnown,
    /// It is full.
    Full,
    /// Too much was asked for from this network, or by this device.
    TooMuch,
    /// It asks for more work than is done for an inbox.
    TooHard,
    /// It takes nothing any more.
    Closing,
    /// It opens fewer places than it is asked for.
    LeavesOut,
}

impl MailboxRefusal {
    const ALL: [Self; 6] =
        [Self::NotKnown, Self::Full, Self::TooMuch, Self::TooHard, Self::Closing, Self::LeavesOut];

    /// Its number in rows, from one.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::NotKnown => 1,
            Self::Full => 2,
            Self::TooMuch => 3,
            Self::TooHard => 4,
            Self::Closing => 5,
            Self::LeavesOut => 6,
        }
    }

    /// The one of a number.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.code() == code)
    }
}
