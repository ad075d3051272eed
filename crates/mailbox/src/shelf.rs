//! Where envelopes stand. The only place that puts them there and takes them away, so that every count and every charge
//! changes together with the rows it counts.

use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::SIZE_CLASSES;
use kith_proto::id::EnvelopeId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkProof;
use kith_proto::mailbox::deposit_subject;
use kith_proto::mailbox::is_owned;

use crate::core::Step;
use crate::core::hour_after;
use crate::core::start_of;
use crate::error::StorageError;
use crate::rows;
use crate::rows::Due;
use crate::rows::ENVELOPE_CHARGE;
use crate::rows::InboxKey;
use crate::rows::InboxRow;
use crate::rows::IndexRow;
use crate::rows::KnownRow;
use crate::rows::MEMORY_CHARGE;
use crate::rows::QueueRow;

/// A sequence begins with the milliseconds of its time and has room for so many bits of envelopes in one. So it grows
/// even when an inbox was forgotten and opened again, or the mailbox's disk was set back.
const SEQUENCE_BITS: u32 = 16;

/// Why an envelope is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Its readers deleted it: a late repetition is known for a while.
    Deleted,
    /// Nobody came in time: whoever still has it may leave it again.
    Expired,
    /// A stranger did more work: this one may be left again, with more.
    GaveWay,
}

/// What an inbox is charged for an envelope.
pub(crate) fn charge(size_class: u8) -> u64 {
    class_bytes(size_class) + ENVELOPE_CHARGE
}

/// The bytes of a size class.
pub(crate) fn class_bytes(size_class: u8) -> u64 {
    SIZE_CLASSES.get(usize::from(size_class)).map_or(0, |bytes| *bytes as u64)
}

/// The size class of an envelope.
pub(crate) fn class_of(envelope: &Envelope) -> u8 {
    let class = SIZE_CLASSES.iter().position(|class| *class == envelope.as_bytes().len());
    u8::try_from(class.expect("an envelope has the size of a class")).unwrap_or(u8::MAX)
}

/// Puts an envelope into its inbox. Saves all rows that change.
pub(crate) fn put(
    step: &mut Step<'_>,
    id: &QueueId,
    mut queue: QueueRow,
    mut inbox: InboxRow,
    (envelope, work): (&Envelope, Option<&WorkProof>),
    hour: u32,
) -> IndexEntry {
    let (key, name, size_class) = (queue.inbox, envelope.id(), class_of(envelope));
    let sequence = inbox.last.saturating_add(1).max(step.core.now.0 << SEQUENCE_BITS);
    inbox.last = sequence;
    inbox.envelopes += 1;
    inbox.charged += charge(size_class);
    queue.envelopes += 1;
    queue.bytes += class_bytes(size_class);
    step.core.totals.envelopes += 1;
    step.core.totals.charged += charge(size_class);

    let index = IndexRow { queue: *id, envelope: name, size_class, hour, deleted_by: BoundedVec::default() };
    let known = KnownRow { inbox: key, sequence, expires: start_of(hour), deleted: false };
    let place = rows::index_key(&key, sequence);
    step.out.save(rows::INDEX, &place, &index);
    let work = work.filter(|_| queue.access == (Access::Knock {}));
    step.out.put(rows::ENVELOPES, &place, rows::envelope_value(envelope, work));
    if let Some(work) = work {
        let bits = work.credit(&deposit_subject(id, &name));
        step.out.put(rows::KNOCKS, &rows::knock_key(id, sequence), vec![bits]);
    }
    step.out.save(rows::KNOWN, &rows::known_key(id, &name), &known);
    step.out.put(rows::DUE, &Due::Expire { inbox: key, sequence }.key(hour), Vec::new());
    step.out.save(rows::QUEUES, &id.0, &queue);
    step.out.save(rows::INBOXES, &key, &inbox);
    step.save_totals();
    IndexEntry { sequence, queue: *id, envelope: name, size_class }
}

/// Takes an envelope away. Saves all rows that change but the inbox's, which the caller saves, and the totals.
pub(crate) fn remove(
    step: &mut Step<'_>,
    key: &InboxKey,
    inbox: &mut InboxRow,
    sequence: Sequence,
    row: &IndexRow,
    why: Removal,
) -> Result<(), StorageError> {
    let queue: Option<QueueRow> = step.out.load(step.rows, rows::QUEUES, &row.queue.0)?;
    let place = rows::index_key(key, sequence);
    step.out.delete(rows::INDEX, &place);
    step.out.delete(rows::ENVELOPES, &place);
    if is_owned(&row.queue) {
        // Strangers knock at owned queues only.
        step.out.delete(rows::KNOCKS, &rows::knock_key(&row.queue, sequence));
    }
    step.out.delete(rows::DUE, &Due::Expire { inbox: *key, sequence }.key(row.hour));
    uncharge(step, inbox, charge(row.size_class));
    inbox.envelopes = inbox.envelopes.saturating_sub(1);
    step.core.totals.envelopes = step.core.totals.envelopes.saturating_sub(1);

    let known = rows::known_key(&row.queue, &row.envelope);
    match why {
        Removal::Deleted => {
            let hour = hour_after(step.core.now + step.core.config.memory);
            let expires = start_of(row.hour);
            step.out.save(rows::KNOWN, &known, &KnownRow { inbox: *key, sequence, expires, deleted: true });
            let forget = Due::Forget { queue: row.queue, envelope: row.envelope };
            step.out.put(rows::DUE, &forget.key(hour), Vec::new());
            inbox.memories += 1;
            inbox.charged += MEMORY_CHARGE;
            step.core.totals.memories += 1;
            step.core.totals.charged += MEMORY_CHARGE;
            step.core.stats.deleted += 1;
        }
        Removal::Expired => {
            step.out.delete(rows::KNOWN, &known);
            step.core.stats.expired += 1;
        }
        Removal::GaveWay => {
            step.out.delete(rows::KNOWN, &known);
            step.core.stats.gave_way += 1;
        }
    }

    if let Some(mut queue) = queue {
        queue.envelopes = queue.envelopes.saturating_sub(1);
        queue.bytes = queue.bytes.saturating_sub(class_bytes(row.size_class));
        if queue.envelopes == 0 && queue.access == (Access::Closed {}) {
            remove_queue(step, key, inbox, &row.queue);
        } else {
            step.out.save(rows::QUEUES, &row.queue.0, &queue);
        }
    }
    step.save_totals();
    Ok(())
}

/// Forgets a deleted envelope.
pub(crate) fn forget(
    step: &mut Step<'_>,
    queue: &QueueId,
    envelope: &EnvelopeId,
) -> Result<(), StorageError> {
    let name = rows::known_key(queue, envelope);
    let known: Option<KnownRow> = step.out.load(step.rows, rows::KNOWN, &name)?;
    let Some(known) = known.filter(|known| known.deleted) else { return Ok(()) };
    step.out.delete(rows::KNOWN, &name);
    if let Some(mut inbox) = step.out.load::<InboxRow>(step.rows, rows::INBOXES, &known.inbox)? {
        uncharge(step, &mut inbox, MEMORY_CHARGE);
        inbox.memories = inbox.memories.saturating_sub(1);
        step.out.save(rows::INBOXES, &known.inbox, &inbox);
    }
    step.core.totals.memories = step.core.totals.memories.saturating_sub(1);
    step.save_totals();
    Ok(())
}

/// Takes a queue away that holds nothing. The caller saves the inbox and the totals.
pub(crate) fn remove_queue(step: &mut Step<'_>, key: &InboxKey, inbox: &mut InboxRow, queue: &QueueId) {
    step.out.delete(rows::QUEUES, &queue.0);
    step.out.delete(rows::INBOX_QUEUES, &rows::inbox_queue_key(key, queue));
    inbox.queues = inbox.queues.saturating_sub(1);
    step.core.totals.queues = step.core.totals.queues.saturating_sub(1);
}

fn uncharge(step: &mut Step<'_>, inbox: &mut InboxRow, bytes: u64) {
    inbox.charged = inbox.charged.saturating_sub(bytes);
    step.core.totals.charged = step.core.totals.charged.saturating_sub(bytes);
}
