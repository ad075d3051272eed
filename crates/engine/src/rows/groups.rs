//! The rows of groups. Histories have tables of their own (`groups/history/rows.rs`).
//!
//! | table | key | value | shredded |
//! |---|---|---|---|
//! | `groups` | group | [`GroupRow`] | no |
//! | `group_operations` | group, number in the order in which they came | the operation | no |
//! | `group_chains` | group, device, chain | the chain by which that device seals (`kith-crypto`) | yes |
//! | `group_shares` | group, device, chain | [`ShareRow`]: what is needed to pass that chain on | yes |
//! | `group_reads` | group, device | number of the last own post that was shown there | no |
//! | `group_unread` | chat, index | [`UnreadRow`] | no |
//! | `group_floors` | group, account | [`FloorsRow`]: what somebody who came later is not given | no |
//! | `group_asking` | group | [`AskingRow`]: a group that we ask to come into | yes |
//! | `group_requests` | group, account | [`RequestRow`]: somebody who asks | no |
//! | `group_listings` | group, account, room | [`ListingRow`]: the newest word of somebody about a room, in a directory | no |
//! | `group_deletions` | group, message | [`DeletionRow`]: what was deleted for everybody | no |
//! | `group_reports` | group, account, message | [`ReportRow`]: what somebody reported to us who keep order | no |

use kith_proto::bounded::BoundedBytes;
use kith_proto::group::GroupInvite;
use kith_proto::group::Kind;
use kith_proto::group::LinkHost;
use kith_proto::group::Listing;
use kith_proto::group::MAX_GROUP_NAME_BYTES;
use kith_proto::group::Role;
use kith_proto::group::word::JoinRequest;
use kith_proto::group::word::JoinWork;
use kith_proto::group::word::MAX_HEADS;
use kith_proto::group::word::MAX_MENTIONS;
use kith_proto::group::word::MAX_REASON_BYTES;
use kith_proto::group::word::MAX_SHARE_BYTES;
use kith_proto::id::GroupId;
use kith_proto::id::OperationId;
use kith_proto::id::PostId;
use kith_proto::sync::MAX_LINES_TOLD;

use super::calls::CallEntry;
use super::*;
use crate::view::GroupState;

pub(crate) const GROUPS: Table = Table::plain("groups");
pub(crate) const GROUP_OPERATIONS: Table = Table::plain("group_operations");
pub(crate) const GROUP_CHAINS: Table = Table::shredded("group_chains");
pub(crate) const GROUP_SHARES: Table = Table::shredded("group_shares");
pub(crate) const GROUP_READS: Table = Table::plain("group_reads");
pub(crate) const GROUP_UNREAD: Table = Table::plain("group_unread");
pub(crate) const GROUP_FLOORS: Table = Table::plain("group_floors");
pub(crate) const GROUP_ASKING: Table = Table::shredded("group_asking");
pub(crate) const GROUP_REQUESTS: Table = Table::plain("group_requests");

pub(crate) const GROUP_LISTINGS: Table = Table::plain("group_listings");
pub(crate) const GROUP_REPORTS: Table = Table::plain("group_reports");
pub(crate) const GROUP_DELETIONS: Table = Table::plain("group_deletions");

/// Every table whose keys begin with the group.
pub(crate) const OF_ONE_GROUP: &[Table] = &[
    GROUP_OPERATIONS,
    GROUP_CHAINS,
    GROUP_SHARES,
    GROUP_READS,
    GROUP_FLOORS,
    GROUP_REQUESTS,
    GROUP_LISTINGS,
    GROUP_REPORTS,
    GROUP_DELETIONS,
    history::HISTORIES,
    history::LINES,
    history::POSTS,
    history::PLACES,
    history::SLOTS,
    history::ORDER,
    history::MISSING,
];

/// Hosts of one link that are asked.
pub(crate) const MAX_ASKED: usize = 12;

/// Removed people for whom it is counted how many of their posts were dropped.
pub(crate) const MAX_DROPPED: usize = 64;

row!(
    /// A group.
    GroupRow {
        /// How this account stands to it, by [`GroupRow::state`].
        state: u8,
        /// Who added us, while that is to be decided.
        invited_by: Option<AccountId>,
        /// What it is called, for the chat list.
        name: BoundedStr<MAX_GROUP_NAME_BYTES>,
        /// How many members it has.
        members: u32,
        /// The own role.
        role: Option<Role>,
        /// When this account last wrote.
        wrote_at: Timestamp,
        /// How many posts of people who were removed came too late.
        dropped: BoundedVec<(AccountId, u32), MAX_DROPPED>,
    }
);

impl GroupRow {
    /// How this account stands to it. An unknown number from a newer version counts as removed: nothing is sent.
    pub(crate) fn state(&self) -> GroupState {
        match self.state {
            1 => GroupState::Invited,
            2 => GroupState::Joined,
            3 => GroupState::Left,
            _ => GroupState::Removed,
        }
    }

    /// Sets it.
    pub(crate) fn set_state(&mut self, state: GroupState) {
        self.state = match state {
            GroupState::Asking | GroupState::Invited => 1,
            GroupState::Joined => 2,
            GroupState::Left => 3,
            GroupState::Removed => 4,
        };
    }
}

row!(
    /// A post of somebody else that was not shown yet.
    UnreadRow {
        /// Its name.
        message: MessageId,
        /// Whose device wrote it.
        device: DeviceId,
        /// Its number.
        sequence: u32,
    }
);

row!(
    /// What is given to somebody who came later.
    FloorsRow {
        /// When that was noted, as a number among such moments.
        moment: u64,
        /// Up to which number each device's posts were known then, where that had changed since the moment before. What was
        /// known is not given, nor what came later and is from before `since`.
        known: BoundedVec<(DeviceId, u32), MAX_LINES_TOLD>,
        /// From which number on they are given nevertheless.
        lowered: BoundedVec<(DeviceId, u32), MAX_LINES_TOLD>,
        /// Of what was not known then, posts of this time and later are given: when they came.
        since: Timestamp,
    }
);

row!(
    /// A chain as it came.
    ShareRow {
        /// The share.
        share: BoundedBytes<MAX_SHARE_BYTES>,
        /// What its maker knew of the membership.
        heads: BoundedVec<OperationId, MAX_HEADS>,
        /// Whether another than its maker told it.
        hearsay: bool,
    }
);

row!(
    /// A group that we ask to come into.
    AskingRow {
        /// The link.
        link: GroupInvite,
        /// Since when.
        since: Timestamp,
        /// Whom to ask: those of the link and those who were found.
        hosts: BoundedVec<LinkHost, MAX_ASKED>,
        /// How much work is asked for, in bits.
        bits: u8,
        /// The work that was done.
        work: Option<JoinWork>,
        /// Whether the request is with somebody, or in a mailbox.
        asked: bool,
    }
);

row!(
    /// Somebody who asks to come in.
    RequestRow {
        /// What they said.
        request: JoinRequest,
        /// When.
        since: Timestamp,
        /// The device that told it: theirs, or a member's whom they asked.
        from: DeviceId,
    }
);

row!(
    /// A room in a directory.
    ListingRow {
        /// What was said of it.
        listing: Listing,
        /// By which post.
        post: PostId,
        /// When, by its author's clock.
        time: Timestamp,
        /// When it came here.
        came: Timestamp,
    }
);

row!(
    /// A message that was deleted for everybody.
    DeletionRow {
        /// When the deletion came here.
        came: Timestamp,
        /// Whether its body has gone.
        settled: bool,
    }
);

impl ListingRow {
    /// Whether its author does not list the room any more.
    pub(crate) fn is_taken_back(&self) -> bool {
        self.listing.link.is_empty()
    }

    /// When it was said: by its author's clock, and not later than it came.
    pub(crate) fn said_at(&self) -> Timestamp {
        self.time.min(self.came)
    }

    /// What the post is called as a message.
    pub(crate) fn message(&self) -> MessageId {
        self.post.message()
    }
}

/// How much of a reported text is quoted.
pub(crate) const MAX_QUOTED_BYTES: usize = 2_048;

row!(
    /// A post that somebody reported. That its author signed it was checked.
    ReportRow {
        /// Who wrote it.
        author: AccountId,
        /// When, by their clock.
        said_at: Timestamp,
        /// What it says.
        text: BoundedStr<MAX_QUOTED_BYTES>,
        /// Why it was reported.
        reason: BoundedStr<MAX_REASON_BYTES>,
        /// When it was reported.
        since: Timestamp,
        /// When what it says disappears, and the report with it.
        expires_at: Option<Timestamp>,
    }
);

/// With whom a chat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    /// One person.
    Contact(ContactId),
    /// A group.
    Group(GroupId),
}

impl Encode for With {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Contact(contact) => {
                out.push(0);
                contact.encode(out);
            }
            Self::Group(group) => {
                out.push(1);
                group.encode(out);
            }
        }
    }
}

impl Decode for With {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Contact(Decode::decode(reader)?)),
            1 => Ok(Self::Group(Decode::decode(reader)?)),
            _ => Err(DecodeError::Invalid { what: "kind of chat" }),
        }
    }
}

/// What kind of thing a message of a chat is.
#[derive(Clone, PartialEq)]
pub(crate) enum Entry {
    /// A message of a direct chat.
    Direct,
    /// A post of a group.
    Post(PostEntry),
    /// Something that happened in a group.
    Line(LineEntry),
    /// A call that is over.
    Call(CallEntry),
}

row!(
    /// What is known of a post beside its text.
    PostEntry {
        /// Who wrote it.
        account: AccountId,
        /// On which device.
        device: DeviceId,
        /// Its number among that device's posts.
        sequence: u32,
        /// Its name.
        post: PostId,
        /// Whom it calls.
        mentions: BoundedVec<AccountId, MAX_MENTIONS>,
        /// Whether it calls everybody.
        mentions_all: bool,
    }
);

row!(
    /// An operation of the log, without the devices that it carries.
    LineEntry {
        /// Whose it is.
        by: AccountId,
        /// Its name.
        operation: OperationId,
        /// What it does.
        kind: Kind,
    }
);

impl Entry {
    /// Who wrote or did it; `None` in a direct chat.
    pub(crate) fn author(&self) -> Option<AccountId> {
        match self {
            Self::Direct | Self::Call(_) => None,
            Self::Post(post) => Some(post.account),
            Self::Line(line) => Some(line.by),
        }
    }
}

impl Encode for Entry {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Direct => out.push(0),
            Self::Post(post) => {
                out.push(1);
                post.encode(out);
            }
            Self::Line(line) => {
                out.push(2);
                line.encode(out);
            }
            Self::Call(call) => {
                out.push(3);
                call.encode(out);
            }
        }
    }
}

impl Decode for Entry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Direct),
            1 => Ok(Self::Post(Decode::decode(reader)?)),
            2 => Ok(Self::Line(Decode::decode(reader)?)),
            3 => Ok(Self::Call(Decode::decode(reader)?)),
            _ => Err(DecodeError::Invalid { what: "kind of message" }),
        }
    }
}

/// The key of a row of a group and somebody, or something, in it.
pub(crate) fn group_key(group: &GroupId, part: &[u8]) -> Vec<u8> {
    [group.0.as_slice(), part].concat()
}

/// The key of an operation.
pub(crate) fn operation_key(group: &GroupId, number: u64) -> Vec<u8> {
    group_key(group, &number.to_be_bytes())
}

/// The key of a chain.
pub(crate) fn chain_key(group: &GroupId, device: &DeviceId, chain: &[u8; 16]) -> Vec<u8> {
    [group.0.as_slice(), &device.0, chain].concat()
}

/// The key of what somebody says of a room.
pub(crate) fn listing_key(group: &GroupId, account: &AccountId, room: &GroupId) -> Vec<u8> {
    [group.0, account.0, room.0].concat()
}

/// The key of a deletion.
pub(crate) fn deletion_key(group: &GroupId, message: &MessageId) -> Vec<u8> {
    [group.0.as_slice(), &message.0].concat()
}

/// The key of a report.
pub(crate) fn report_key(group: &GroupId, by: &AccountId, message: &MessageId) -> Vec<u8> {
    [group.0.as_slice(), &by.0, &message.0].concat()
}
