//! Every table of the mailbox: its key, its value, and how the value is written. Each value that is a struct starts with
//! a version byte. A name is never used again with another meaning; a changed layout gets a new version.
//!
//! | table | key | value |
//! |---|---|---|
//! | `mbx_totals` | `self` | [`TotalsRow`] |
//! | `mbx_inboxes` | inbox 32 | [`InboxRow`] |
//! | `mbx_queues` | queue 16 | [`QueueRow`] |
//! | `mbx_inbox_queues` | inbox 32, queue 16 | empty: which queues an inbox has |
//! | `mbx_index` | inbox 32, sequence | [`IndexRow`] |
//! | `mbx_envelopes` | inbox 32, sequence | the envelope's bytes, and behind those of a stranger the work; beside the index, so that listing reads no envelopes |
//! | `mbx_knocks` | queue 16, sequence | bits u8: the work of a stranger's envelope, to find the least in a full queue |
//! | `mbx_known` | queue 16, envelope id 16 | [`KnownRow`]: there now, or deleted a short while ago |
//! | `mbx_due` | hour, [`Due`] | what is to be done in that hour; hour 0: what could not be finished in one step |
//!
//! Numbers in keys are big-endian, so that key order is number order. None of the tables is forgettable: what they hold
//! is sealed by others or blinded, and shredding every deleted row would double the cost of each deposit.

use std::collections::BTreeMap;
use std::ops::Bound;

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::SIZE_CLASSES;
use kith_proto::error::DecodeError;
use kith_proto::id::EnvelopeId;
use kith_proto::id::QueueId;
use kith_proto::id::ReaderId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::MAX_READERS;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkProof;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;
use kith_proto::time::Timestamp;

use crate::core::start_of;

pub(crate) const TOTALS: Table = Table::plain("mbx_totals");
pub(crate) const INBOXES: Table = Table::plain("mbx_inboxes");
pub(crate) const QUEUES: Table = Table::plain("mbx_queues");
pub(crate) const INBOX_QUEUES: Table = Table::plain("mbx_inbox_queues");
pub(crate) const INDEX: Table = Table::plain("mbx_index");
pub(crate) const ENVELOPES: Table = Table::plain("mbx_envelopes");
pub(crate) const KNOCKS: Table = Table::plain("mbx_knocks");
pub(crate) const KNOWN: Table = Table::plain("mbx_known");
pub(crate) const DUE: Table = Table::plain("mbx_due");

/// Every table, for whoever opens the store.
pub const TABLES: &[Table] = &[TOTALS, INBOXES, QUEUES, INBOX_QUEUES, INDEX, ENVELOPES, KNOCKS, KNOWN, DUE];

/// The key of rows that exist once.
pub(crate) const SELF: &[u8] = b"self";

/// What an inbox is charged for an envelope beside its bytes: the four other rows that it takes.
pub const ENVELOPE_CHARGE: u64 = 256;

/// What an inbox is charged for the memory of a deleted envelope: two rows.
pub const MEMORY_CHARGE: u64 = 128;

/// What the mailbox is charged for a queue: two rows.
pub const QUEUE_CHARGE: u64 = 192;

/// What the mailbox is charged for an inbox: its row with all readers, and one in `mbx_due`.
pub const INBOX_CHARGE: u64 = 512;

const VERSION: u8 = 1;

/// The public key of an inbox.
pub(crate) type InboxKey = [u8; 32];

/// A row as a plain struct: its fields one after the other behind the version byte.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $name { $($(#[$field_doc])* pub(crate) $field: $type,)* }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.push(VERSION);
                $(self.$field.encode(out);)*
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                if u8::decode(reader)? != VERSION {
                    return Err(DecodeError::Invalid { what: "row version" });
                }
                Ok(Self { $($field: Decode::decode(reader)?,)* })
            }
        }
    };
}

row!(
    /// What the mailbox holds in all, so that a start reads one row.
    TotalsRow {
        /// Inboxes.
        inboxes: u32,
        /// Queues.
        queues: u32,
        /// Envelopes.
        envelopes: u64,
        /// Memories of deleted envelopes.
        memories: u64,
        /// What the inboxes are charged.
        charged: u64,
    }
);

row!(
    /// An inbox.
    InboxRow {
        /// The latest period that was registered.
        period: u32,
        /// Until when its queues take envelopes; a full hour.
        until: Timestamp,
        /// The hour of its row in `mbx_due`: when the lease ends, or later while it still holds something.
        due_hour: u32,
        /// The last place given.
        last: Sequence,
        /// Whether a community vouches for it.
        vouched: bool,
        /// Its queues, with closed ones that still hold something.
        queues: u32,
        /// Its envelopes.
        envelopes: u32,
        /// Its memories of deleted envelopes.
        memories: u32,
        /// What it is charged for both.
        charged: u64,
        /// Who reads it.
        readers: BoundedVec<ReaderRow, MAX_READERS>,
    }
);

row!(
    /// A reader of an inbox.
    ReaderRow {
        /// Its name.
        reader: ReaderId,
        /// It has deleted everything up to here.
        up_to: Sequence,
        /// When it was last heard of.
        seen: Timestamp,
    }
);

row!(
    /// A queue.
    QueueRow {
        /// Whose it is.
        inbox: InboxKey,
        /// Who may deposit.
        access: Access,
        /// The latest period for which it was registered.
        period: u32,
        /// Its envelopes.
        envelopes: u32,
        /// Their bytes.
        bytes: u64,
    }
);

row!(
    /// An envelope's entry in its inbox.
    IndexRow {
        /// Its queue.
        queue: QueueId,
        /// Its name.
        envelope: EnvelopeId,
        /// Its place in the size classes.
        size_class: u8,
        /// The hour in which it expires.
        hour: u32,
        /// Who deleted it out of order. Those who deleted everything up to it are not named.
        deleted_by: BoundedVec<ReaderId, MAX_READERS>,
    }
);

row!(
    /// An envelope that is there or was deleted a short while ago.
    KnownRow {
        /// Where it is or was.
        inbox: InboxKey,
        /// Its place there.
        sequence: Sequence,
        /// What its receipt says.
        expires: Timestamp,
        /// Whether it was deleted.
        deleted: bool,
    }
);

/// Until when something is kept, if nobody fetches it: the last hour in which an envelope expires.
///
/// # Errors
/// When the rows cannot be read.
pub fn kept_until(rows: &dyn Rows) -> Result<Option<Timestamp>, RowsError> {
    let mut last = None;
    // Leases may end later; there are at most a few for each inbox.
    rows.scan(DUE, Bound::Unbounded, Bound::Unbounded, Direction::Down, &mut |key, _| {
        let hour = key.first_chunk::<4>().map(|hour| u32::from_be_bytes(*hour));
        let expires = matches!(Due::from_key(key), Some(Due::Expire { .. }));
        last = hour.filter(|_| expires).map(start_of);
        last.is_none()
    })?;
    Ok(last)
}

/// How many devices have an inbox, at least: the most inboxes of one period, since a device has one in each.
///
/// # Errors
/// When the rows cannot be read.
pub fn owners(rows: &dyn Rows) -> Result<usize, RowsError> {
    let mut periods = BTreeMap::<u32, usize>::new();
    rows.scan(INBOXES, Bound::Unbounded, Bound::Unbounded, Direction::Up, &mut |_, value| {
        if let Ok(inbox) = InboxRow::from_bytes(value) {
            *periods.entry(inbox.period).or_default() += 1;
        }
        true
    })?;
    Ok(periods.into_values().max().unwrap_or_default())
}

/// Whether there is an inbox of this key.
///
/// # Errors
/// When the rows cannot be read.
pub fn has_inbox(rows: &dyn Rows, inbox: &InboxKey) -> Result<bool, RowsError> {
    Ok(rows.get(INBOXES, inbox)?.is_some())
}

/// What is to be done in an hour. The tag comes first in the key, so that one hour's work is in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A reader deleted everything from here to the value of the row.
    Trim { inbox: InboxKey, from: Sequence },
    /// Queues of old periods are looked for, from this one on.
    Prune { inbox: InboxKey, from: QueueId },
    /// An envelope expires.
    Expire { inbox: InboxKey, sequence: Sequence },
    /// A deleted envelope is forgotten.
    Forget { queue: QueueId, envelope: EnvelopeId },
    /// An inbox's lease may have ended.
    Lease { inbox: InboxKey },
}

impl Due {
    /// The row's key.
    pub(crate) fn key(&self, hour: u32) -> Vec<u8> {
        let mut key = hour.to_be_bytes().to_vec();
        match self {
            Self::Trim { inbox, from } => {
                key.push(0);
                key.extend_from_slice(inbox);
                key.extend_from_slice(&from.to_be_bytes());
            }
            Self::Prune { inbox, from } => {
                key.push(1);
                key.extend_from_slice(inbox);
                key.extend_from_slice(&from.0);
            }
            Self::Expire { inbox, sequence } => {
                key.push(2);
                key.extend_from_slice(inbox);
                key.extend_from_slice(&sequence.to_be_bytes());
            }
            Self::Forget { queue, envelope } => {
                key.push(3);
                key.extend_from_slice(&queue.0);
                key.extend_from_slice(&envelope.0);
            }
            Self::Lease { inbox } => {
                key.push(4);
                key.extend_from_slice(inbox);
            }
        }
        key
    }

    /// Reads a key without its hour.
    pub(crate) fn from_key(key: &[u8]) -> Option<Self> {
        let (_hour, rest) = key.split_first_chunk::<4>()?;
        let (tag, rest) = rest.split_first()?;
        Some(match tag {
            0 => {
                let (inbox, from) = split_index_key(rest)?;
                Self::Trim { inbox, from }
            }
            1 => {
                let (inbox, from) = rest.split_first_chunk::<32>()?;
                Self::Prune { inbox: *inbox, from: QueueId(from.try_into().ok()?) }
            }
            2 => {
                let (inbox, sequence) = split_index_key(rest)?;
                Self::Expire { inbox, sequence }
            }
            3 => {
                let (queue, envelope) = rest.split_first_chunk::<16>()?;
                Self::Forget { queue: QueueId(*queue), envelope: EnvelopeId(envelope.try_into().ok()?) }
            }
            4 => Self::Lease { inbox: rest.try_into().ok()? },
            _ => return None,
        })
    }
}

/// The key of `mbx_index` and `mbx_envelopes`.
pub(crate) fn index_key(inbox: &InboxKey, sequence: Sequence) -> [u8; 40] {
    let mut key = [0; 40];
    let bytes = inbox.iter().copied().chain(sequence.to_be_bytes());
    key.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    key
}

/// Reads a key of `mbx_index`.
pub(crate) fn split_index_key(key: &[u8]) -> Option<(InboxKey, Sequence)> {
    let (inbox, sequence) = key.split_first_chunk::<32>()?;
    Some((*inbox, u64::from_be_bytes(sequence.try_into().ok()?)))
}

/// The key of `mbx_inbox_queues`.
pub(crate) fn inbox_queue_key(inbox: &InboxKey, queue: &QueueId) -> Vec<u8> {
    [inbox.as_slice(), &queue.0].concat()
}

/// The key of `mbx_knocks`.
pub(crate) fn knock_key(queue: &QueueId, sequence: Sequence) -> Vec<u8> {
    [queue.0.as_slice(), &sequence.to_be_bytes()].concat()
}

/// The value of `mbx_envelopes`.
pub(crate) fn envelope_value(envelope: &Envelope, work: Option<&WorkProof>) -> Vec<u8> {
    let mut value = envelope.as_bytes().to_vec();
    if let Some(work) = work {
        work.encode(&mut value);
    }
    value
}

/// Reads a value of `mbx_envelopes`. Envelopes have the sizes of classes, so what is behind them is seen by the length.
pub(crate) fn split_envelope_value(mut value: Vec<u8>) -> Result<(Envelope, Option<WorkProof>), DecodeError> {
    let class = SIZE_CLASSES.iter().rev().find(|class| **class <= value.len()).copied().unwrap_or(0);
    let behind = value.split_off(class);
    let work = if behind.is_empty() { None } else { Some(WorkProof::from_bytes(&behind)?) };
    Ok((Envelope::parse(value)?, work))
}

/// The key of `mbx_known`.
pub(crate) fn known_key(queue: &QueueId, envelope: &EnvelopeId) -> [u8; 32] {
    kith_proto::mailbox::deposit_subject(queue, envelope)
}

#[cfg(test)]
mod tests;
