//! What time does: envelopes expire, deleted ones are forgotten, leases end; and deletions that were too long for one
//! step go on. In slices, so that no commit grows long.

use kith_proto::codec::Decode as _;

use crate::core::Step;
use crate::core::hour_of;
use crate::core::start_of;
use crate::deletions;
use crate::error::StorageError;
use crate::inboxes;
use crate::rows;
use crate::rows::Due;
use crate::rows::InboxRow;
use crate::rows::IndexRow;
use crate::shelf;
use crate::shelf::Removal;
use crate::timer::TimerKey;

/// Does a slice of what is due and sets the next deadline. Says whether that was all for this hour.
pub(crate) fn run(step: &mut Step<'_>) -> Result<bool, StorageError> {
    let now = step.core.now;
    let hour = hour_of(now);
    let mut budget = step.core.config.slice_rows.max(1);
    let end = hour.saturating_add(1).to_be_bytes();
    let found = step.out.scan(step.rows, rows::DUE, &[], &end, budget + 1)?;
    let mut more = found.len() > budget;
    for (key, _) in found {
        if budget == 0 {
            more = true;
            break;
        }
        // What was done before may have changed this row.
        let Some(value) = step.out.read(step.rows, rows::DUE, &key)? else { continue };
        let due = Due::from_key(&key).ok_or(StorageError::Damaged(rows::DUE.name))?;
        step.out.delete(rows::DUE, &key);
        let (cost, again) = finish(step, &due, &value, hour, budget)?;
        budget = budget.saturating_sub(cost);
        more |= again;
    }
    let next = if more { now + step.core.config.slice_pause } else { start_of(hour.saturating_add(1)) };
    step.core.timers.set(TimerKey::Sweep, next);
    Ok(!more)
}

/// Does one thing that is due. Says how many rows it looked at and whether some of it is still due.
fn finish(
    step: &mut Step<'_>,
    due: &Due,
    value: &[u8],
    hour: u32,
    budget: usize,
) -> Result<(usize, bool), StorageError> {
    match due {
        Due::Trim { inbox, from } => {
            let to = u64::from_bytes(value).map_err(|_| StorageError::Damaged(rows::DUE.name))?;
            let (cost, next) = deletions::trim(step, inbox, *from, to, budget)?;
            if let Some(next) = next {
                deletions::trim_later(step, inbox, next, to)?;
            }
            Ok((cost, next.is_some()))
        }
        Due::Prune { inbox, from } => {
            let (cost, next) = inboxes::prune(step, inbox, from, budget)?;
            if let Some(from) = next {
                step.out.put(rows::DUE, &Due::Prune { inbox: *inbox, from }.key(0), Vec::new());
            }
            Ok((cost, next.is_some()))
        }
        Due::Expire { inbox: key, sequence } => {
            let place = rows::index_key(key, *sequence);
            let row = step.out.load::<IndexRow>(step.rows, rows::INDEX, &place)?;
            let inbox = step.out.load::<InboxRow>(step.rows, rows::INBOXES, key)?;
            if let (Some(row), Some(mut inbox)) = (row, inbox) {
                shelf::remove(step, key, &mut inbox, *sequence, &row, Removal::Expired)?;
                step.out.save(rows::INBOXES, key, &inbox);
            }
            Ok((1, false))
        }
        Due::Forget { queue, envelope } => shelf::forget(step, queue, envelope).map(|()| (1, false)),
        Due::Lease { inbox } => {
            let (cost, again) = inboxes::end(step, inbox, hour, budget)?;
            if let Some(at) = again {
                step.out.put(rows::DUE, &Due::Lease { inbox: *inbox }.key(at), Vec::new());
            }
            Ok((cost, again.is_some_and(|at| at <= hour)))
        }
    }
}
