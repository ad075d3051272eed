//! Deleting. An inbox may have several readers, the own devices of one person; an envelope goes when each of them has
//! deleted it. A reader that was silent for long does not count.
//!
//! Each reader has one place up to which it deleted everything, and a note in single envelopes that it deleted out of
//! order. What one step cannot finish goes on from a row in `mbx_due`.

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::ReaderId;
use kith_proto::mailbox::Sequence;

use crate::core::Step;
use crate::error::StorageError;
use crate::rows;
use crate::rows::Due;
use crate::rows::InboxKey;
use crate::rows::InboxRow;
use crate::rows::IndexRow;
use crate::shelf;
use crate::shelf::Removal;
use crate::timer::TimerKey;

/// Deletes everything up to a place for one reader.
pub(crate) fn up_to(
    step: &mut Step<'_>,
    key: &InboxKey,
    reader: &ReaderId,
    up_to: Sequence,
) -> Result<(), StorageError> {
    let Some(mut inbox) = heard_of(step, key, reader)? else { return Ok(()) };
    let last = inbox.last;
    let mut reach = None;
    let mut readers = std::mem::take(&mut inbox.readers).into_inner();
    if let Some(row) = readers.iter_mut().find(|row| row.reader == *reader) {
        let to = up_to.min(last);
        if to > row.up_to {
            reach = Some((row.up_to + 1, to));
            row.up_to = to;
        }
    }
    inbox.readers = BoundedVec::truncated(readers);
    step.out.save(rows::INBOXES, key, &inbox);
    let Some((from, to)) = reach else { return Ok(()) };
    let (_, next) = trim(step, key, from, to, step.core.config.slice_rows)?;
    match next {
        Some(next) => trim_later(step, key, next, to),
        None => Ok(()),
    }
}

/// Deletes single envelopes for one reader.
pub(crate) fn these(
    step: &mut Step<'_>,
    key: &InboxKey,
    reader: &ReaderId,
    sequences: &[Sequence],
) -> Result<(), StorageError> {
    let Some(mut inbox) = heard_of(step, key, reader)? else { return Ok(()) };
    for sequence in sequences {
        let place = rows::index_key(key, *sequence);
        let Some(mut row) = step.out.load::<IndexRow>(step.rows, rows::INDEX, &place)? else { continue };
        let mut names = std::mem::take(&mut row.deleted_by).into_inner();
        // Whoever is no reader any more makes room.
        names.retain(|name| name != reader && inbox.readers.iter().any(|row| row.reader == *name));
        names.push(*reader);
        row.deleted_by = BoundedVec::truncated(names);
        if is_deleted(step, &inbox, *sequence, &row) {
            shelf::remove(step, key, &mut inbox, *sequence, &row, Removal::Deleted)?;
        } else {
            step.out.save(rows::INDEX, &place, &row);
        }
    }
    step.out.save(rows::INBOXES, key, &inbox);
    Ok(())
}

/// Removes what all readers deleted between two places, at most `budget` envelopes looked at. Says how many were, and
/// where to go on.
pub(crate) fn trim(
    step: &mut Step<'_>,
    key: &InboxKey,
    from: Sequence,
    to: Sequence,
    budget: usize,
) -> Result<(usize, Option<Sequence>), StorageError> {
    let Some(mut inbox) = step.out.load::<InboxRow>(step.rows, rows::INBOXES, key)? else {
        return Ok((1, None));
    };
    let found = listed(step, key, from, to.saturating_add(1), budget)?;
    let next = match found.last() {
        Some((sequence, _)) if found.len() >= budget && *sequence < to => Some(*sequence + 1),
        _ => None,
    };
    let looked_at = found.len() + 1;
    for (sequence, row) in found {
        if is_deleted(step, &inbox, sequence, &row) {
            shelf::remove(step, key, &mut inbox, sequence, &row, Removal::Deleted)?;
        }
    }
    step.out.save(rows::INBOXES, key, &inbox);
    Ok((looked_at, next))
}

/// Notes that [`trim`] has to go on.
pub(crate) fn trim_later(
    step: &mut Step<'_>,
    key: &InboxKey,
    from: Sequence,
    to: Sequence,
) -> Result<(), StorageError> {
    let due = Due::Trim { inbox: *key, from }.key(0);
    let before = step.out.load::<u64>(step.rows, rows::DUE, &due)?;
    step.out.put(rows::DUE, &due, to.max(before.unwrap_or(0)).to_bytes());
    let at = step.core.now + step.core.config.slice_pause;
    step.core.timers.set_earlier(TimerKey::Sweep, at);
    Ok(())
}

/// The index of an inbox from a place to before another.
pub(crate) fn listed(
    step: &Step<'_>,
    key: &InboxKey,
    from: Sequence,
    before: Sequence,
    limit: usize,
) -> Result<Vec<(Sequence, IndexRow)>, StorageError> {
    let (first, end) = (rows::index_key(key, from), rows::index_key(key, before));
    let found = step.out.scan(step.rows, rows::INDEX, &first, &end, limit)?;
    let read = |(key, value): (Vec<u8>, Vec<u8>)| {
        let sequence = rows::split_index_key(&key).map(|(_, sequence)| sequence);
        sequence.zip(IndexRow::from_bytes(&value).ok()).ok_or(StorageError::Damaged(rows::INDEX.name))
    };
    found.into_iter().map(read).collect()
}

/// The inbox, when the reader is one of its own, with the time noted.
pub(crate) fn heard_of(
    step: &mut Step<'_>,
    key: &InboxKey,
    reader: &ReaderId,
) -> Result<Option<InboxRow>, StorageError> {
    let Some(mut inbox) = step.out.load::<InboxRow>(step.rows, rows::INBOXES, key)? else { return Ok(None) };
    let now = step.core.now;
    let mut readers = std::mem::take(&mut inbox.readers).into_inner();
    let seen = readers.iter_mut().find(|row| row.reader == *reader).map(|row| row.seen = now);
    inbox.readers = BoundedVec::truncated(readers);
    Ok(seen.map(|()| inbox))
}

/// Whether every reader that counts has deleted an envelope.
fn is_deleted(step: &Step<'_>, inbox: &InboxRow, sequence: Sequence, row: &IndexRow) -> bool {
    let (now, silence) = (step.core.now, step.core.config.silence);
    let mut counting = inbox.readers.iter().filter(|reader| now.since(reader.seen) <= silence).peekable();
    counting.peek().is_some()
        && counting.all(|reader| sequence <= reader.up_to || row.deleted_by.contains(&reader.reader))
}
