//! Counts everything again and compares it with what the rows say. For tests, and for an operator who wants to know; it
//! reads every row.

use std::collections::BTreeMap;
use std::ops::Bound;

use kith_proto::codec::Decode;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Access;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::Table;

use crate::core::start_of;
use crate::error::StorageError;
use crate::output::Output;
use crate::rows;
use crate::rows::Due;
use crate::rows::InboxRow;
use crate::rows::IndexRow;
use crate::rows::KnownRow;
use crate::rows::MEMORY_CHARGE;
use crate::rows::QueueRow;
use crate::rows::TotalsRow;
use crate::shelf;

/// The rows of a table.
type All<T> = BTreeMap<Vec<u8>, T>;

/// What was counted for an inbox or a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    queues: u32,
    envelopes: u32,
    memories: u32,
    bytes: u64,
}

/// What does not add up, as sentences; empty when all is well.
///
/// # Errors
/// When the rows cannot be read.
pub fn check(rows: &dyn Rows) -> Result<Vec<String>, StorageError> {
    let mut wrong = Vec::new();
    let mut note = |right: bool, what: &str| {
        if !right {
            wrong.push(what.to_owned());
        }
    };
    let mut due = read(rows, rows::DUE, |bytes| Some(bytes.to_vec()))?;
    let mut envelopes = read(rows, rows::ENVELOPES, |bytes| rows::split_envelope_value(bytes.to_vec()).ok())?;
    let mut knocks = read(rows, rows::KNOCKS, |bits| bits.first().copied())?;
    let mut known = decode::<KnownRow>(rows, rows::KNOWN)?;
    let mut inboxes: All<Count> = BTreeMap::new();
    let mut queues: All<Count> = BTreeMap::new();
    for (key, row) in decode::<IndexRow>(rows, rows::INDEX)? {
        let (inbox, sequence) = rows::split_index_key(&key).ok_or(StorageError::Damaged(rows::INDEX.name))?;
        let envelope = envelopes.remove(&key);
        note(
            envelope.as_ref().is_some_and(|(found, _)| found.id() == row.envelope),
            "an envelope is missing",
        );
        let knock = knocks.remove(&rows::knock_key(&row.queue, sequence));
        let work = envelope.and_then(|(_, work)| work);
        note(knock.is_some() == work.is_some(), "the work of a stranger is not where it should be");
        let expiry = due.remove(&Due::Expire { inbox, sequence }.key(row.hour));
        note(expiry.is_some(), "an envelope does not expire");
        let named = known.remove(rows::known_key(&row.queue, &row.envelope).as_slice());
        let right = KnownRow { inbox, sequence, expires: start_of(row.hour), deleted: false };
        note(named == Some(right), "an envelope is not known by its name");
        let of_inbox = inboxes.entry(inbox.to_vec()).or_default();
        of_inbox.envelopes += 1;
        of_inbox.bytes += shelf::charge(row.size_class);
        let of_queue = queues.entry(row.queue.0.to_vec()).or_default();
        of_queue.envelopes += 1;
        of_queue.bytes += shelf::class_bytes(row.size_class);
    }
    note(envelopes.is_empty(), "an envelope is in no index");
    note(knocks.is_empty(), "work is kept for an envelope that is not there");
    for row in known.values() {
        note(row.deleted, "a name stands for an envelope that is not there");
        let of_inbox = inboxes.entry(row.inbox.to_vec()).or_default();
        of_inbox.memories += 1;
        of_inbox.bytes += MEMORY_CHARGE;
    }
    let forgets = due.keys().filter(|key| matches!(Due::from_key(key), Some(Due::Forget { .. }))).count();
    note(forgets == known.len(), "a deleted envelope is not forgotten in time, or twice");
    let mut named = read(rows, rows::INBOX_QUEUES, |_| Some(()))?;
    for (key, row) in decode::<QueueRow>(rows, rows::QUEUES)? {
        let counted = queues.remove(&key).unwrap_or_default();
        note((row.envelopes, row.bytes) == (counted.envelopes, counted.bytes), "a queue is miscounted");
        note(row.envelopes > 0 || row.access != Access::Closed {}, "a closed queue stays");
        let id = QueueId(key.as_slice().try_into().map_err(|_| StorageError::Damaged(rows::QUEUES.name))?);
        let name = named.remove(&rows::inbox_queue_key(&row.inbox, &id));
        note(name.is_some(), "a queue is not named by its inbox");
        inboxes.entry(row.inbox.to_vec()).or_default().queues += 1;
    }
    note(queues.is_empty() && named.is_empty(), "a queue is missing");
    let mut totals = TotalsRow { inboxes: 0, queues: 0, envelopes: 0, memories: 0, charged: 0 };
    for (key, row) in decode::<InboxRow>(rows, rows::INBOXES)? {
        let counted = inboxes.remove(&key).unwrap_or_default();
        let InboxRow { queues, envelopes, memories, charged, .. } = row;
        note(counted == Count { queues, envelopes, memories, bytes: charged }, "an inbox is miscounted");
        let inbox = key.as_slice().try_into().map_err(|_| StorageError::Damaged(rows::INBOXES.name))?;
        note(due.remove(&Due::Lease { inbox }.key(row.due_hour)).is_some(), "a lease has no end");
        totals.inboxes += 1;
        totals.queues += queues;
        totals.envelopes += u64::from(envelopes);
        totals.memories += u64::from(memories);
        totals.charged += charged;
    }
    note(inboxes.is_empty(), "an inbox is missing");
    let left = due.keys().filter_map(|key| Due::from_key(key));
    let left = left.filter(|due| matches!(due, Due::Expire { .. } | Due::Lease { .. })).count();
    note(left == 0, "something is due twice");
    let said = Output::new().load::<TotalsRow>(rows, rows::TOTALS, rows::SELF)?;
    note(said.is_none_or(|said| said == totals), "the totals are miscounted");
    Ok(wrong)
}

fn decode<T: Decode>(rows: &dyn Rows, table: Table) -> Result<All<T>, StorageError> {
    read(rows, table, |bytes| T::from_bytes(bytes).ok())
}

fn read<T>(rows: &dyn Rows, table: Table, read: impl Fn(&[u8]) -> Option<T>) -> Result<All<T>, StorageError> {
    let (mut all, mut good) = (BTreeMap::new(), true);
    rows.scan(table, Bound::Unbounded, Bound::Unbounded, Direction::Up, &mut |key, value| {
        good = read(value).map(|row| all.insert(key.to_vec(), row)).is_some();
        good
    })?;
    if good { Ok(all) } else { Err(StorageError::Damaged(table.name)) }
}
