//! Opening and renewing inboxes: who reads them, which queues they have, until when they take envelopes.
//!
//! ```text
//!            Register               lease over             nothing left
//!  unknown ────────────▶ open ────────────────────▶ closing ───────────▶ unknown
//!            (admitted)   │ ▲  Register (known)        │ Register (known)
//!                         └─┘◀────────────────────────┘
//! ```

use std::collections::BTreeMap;

use kith_proto::bounded::BoundedVec;
use kith_proto::id::QueueId;
use kith_proto::id::ReaderId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::MAX_QUEUES;
use kith_proto::mailbox::OwnerProof;
use kith_proto::mailbox::is_owned;
use kith_proto::mailbox::owned_queue;
use kith_proto::mailbox::owner_bytes;
use kith_proto::mailbox::period_at;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::core::Step;
use crate::core::hour_after;
use crate::core::start_of;
use crate::error::StorageError;
use crate::input::Source;
use crate::keys;
use crate::limits::Kind;
use crate::limits::Limits;
use crate::rows;
use crate::rows::Due;
use crate::rows::InboxKey;
use crate::rows::InboxRow;
use crate::rows::QueueRow;
use crate::rows::ReaderRow;
use crate::shelf;
use crate::timer::TimerKey;
use crate::work;
use crate::work::Purpose;

/// When to try again after something that time alone does not mend.
const LONG_RETRY_SECS: u32 = 6 * 3_600;

/// A clock so far ahead of ours is not refused: the period that it is in begins soon.
const CLOCK_AHEAD: Span = Span::from_days(1);

/// A registration whose signature holds.
pub(crate) struct Registration<'a> {
    pub(crate) inbox: &'a InboxKey,
    pub(crate) period: u32,
    pub(crate) readers: &'a [ReaderId],
    pub(crate) queues: &'a [(QueueId, Access)],
    pub(crate) owners: &'a [OwnerProof],
    pub(crate) admission: &'a Admission,
    /// Whether the source has paid for it with the inbox of the period beside it.
    pub(crate) is_paid: bool,
}

/// Opens or renews an inbox.
pub(crate) fn register(
    step: &mut Step<'_>,
    limits: &mut Limits,
    from: Source,
    asked: &Registration<'_>,
) -> Result<Answer, StorageError> {
    let distinct = |(at, reader)| !asked.readers.iter().skip(at + 1).any(|other| other == reader);
    let ahead = asked.period > latest_period(step.core.now);
    if ahead || asked.readers.is_empty() || !asked.readers.iter().enumerate().all(distinct) {
        return Ok(step.core.refuse());
    }
    if let Some((to, until)) = step.core.config.moved.clone() {
        return Ok(Answer::Moved { to, until });
    }
    let known: Option<InboxRow> = step.out.load(step.rows, rows::INBOXES, asked.inbox)?;
    if known.as_ref().is_some_and(|inbox| is_old(asked.period, inbox.period)) {
        return Ok(step.core.refuse());
    }
    let vouched = is_vouched(step, asked.admission);
    if known.is_none()
        && let Err(answer) = admit(step, limits, from, asked, vouched)
    {
        return Ok(answer);
    }
    // Nothing is written before everything is read and found good.
    let (changes, left_out) = match plan(step, limits, from, known.as_ref(), asked)? {
        Ok(planned) => planned,
        Err(answer) => return Ok(answer),
    };
    let mut inbox = known.unwrap_or_else(|| open(step, asked.period));
    inbox.vouched |= vouched;
    for (id, queue, access) in changes {
        change_queue(step, &mut inbox, asked, &id, queue, access);
    }
    renew(step, asked, &mut inbox)?;
    step.out.save(rows::INBOXES, asked.inbox, &inbox);
    step.save_totals();
    step.core.stats.registrations += 1;
    Ok(Answer::Registered {
        quota_left: step.core.config.inbox_bytes.saturating_sub(inbox.charged),
        last: inbox.last,
        queues: inbox.queues,
        until: inbox.until,
        left_out,
    })
}

/// Whether queues of `period` are closed in an inbox that knows `latest`: the one before is still in use.
pub(crate) fn is_old(period: u32, latest: u32) -> bool {
    period.saturating_add(1) < latest
}

/// Removes queues of old periods, at most `budget` of them looked at. Says where to go on.
pub(crate) fn prune(
    step: &mut Step<'_>,
    key: &InboxKey,
    from: &QueueId,
    budget: usize,
) -> Result<(usize, Option<QueueId>), StorageError> {
    let Some(mut inbox) = step.out.load::<InboxRow>(step.rows, rows::INBOXES, key)? else {
        return Ok((1, None));
    };
    let queues = queues_of(step, key, from, budget)?;
    let next = if queues.len() < budget { None } else { queues.last().and_then(next_queue) };
    let looked_at = queues.len() + 1;
    for id in queues {
        let Some(mut queue) = step.out.load::<QueueRow>(step.rows, rows::QUEUES, &id.0)? else { continue };
        if is_old(queue.period, inbox.period) {
            if queue.envelopes == 0 {
                shelf::remove_queue(step, key, &mut inbox, &id);
            } else {
                queue.access = Access::Closed {};
                step.out.save(rows::QUEUES, &id.0, &queue);
            }
        }
    }
    step.out.save(rows::INBOXES, key, &inbox);
    step.save_totals();
    Ok((looked_at, next))
}

/// Ends an inbox whose lease is over and that holds nothing, at most `budget` queues at a time. Says in which hour to
/// look again.
pub(crate) fn end(
    step: &mut Step<'_>,
    key: &InboxKey,
    hour: u32,
    budget: usize,
) -> Result<(usize, Option<u32>), StorageError> {
    let Some(mut inbox) = step.out.load::<InboxRow>(step.rows, rows::INBOXES, key)? else {
        return Ok((1, None));
    };
    if inbox.until > step.core.now {
        return Ok((1, None));
    }
    if inbox.envelopes > 0 || inbox.memories > 0 {
        // What was promised is kept; a day later there is less.
        inbox.due_hour = hour.saturating_add(24);
        step.out.save(rows::INBOXES, key, &inbox);
        return Ok((1, Some(inbox.due_hour)));
    }
    let queues = queues_of(step, key, &QueueId([0; 16]), budget)?;
    let looked_at = queues.len() + 1;
    let all = queues.len() < budget;
    for id in queues {
        shelf::remove_queue(step, key, &mut inbox, &id);
    }
    if all {
        step.out.delete(rows::INBOXES, key);
        step.core.totals.inboxes = step.core.totals.inboxes.saturating_sub(1);
        step.core.stats.inboxes_ended += 1;
    } else {
        step.out.save(rows::INBOXES, key, &inbox);
    }
    step.save_totals();
    Ok((looked_at, (!all).then_some(inbox.due_hour)))
}

/// Whether a community vouches for an inbox.
fn is_vouched(step: &Step<'_>, admission: &Admission) -> bool {
    match admission {
        Admission::Voucher { voucher } => step.core.config.vouchers.contains(&crate::voucher_hash(voucher)),
        _ => false,
    }
}

/// Whether a new inbox may be opened; else the answer.
fn admit(
    step: &mut Step<'_>,
    limits: &mut Limits,
    from: Source,
    asked: &Registration<'_>,
    vouched: bool,
) -> Result<(), Answer> {
    if !vouched && matches!(asked.admission, Admission::Voucher { .. }) {
        // Vouchers are words that people type: who tries them one after the other pays.
        limits.fine(&step.core.config, step.core.now, from);
    }
    let core = &mut *step.core;
    let strangers_may = core.load_percent() < core.config.vouchers_only_percent;
    if core.config.is_short || core.totals.inboxes >= core.config.inboxes || !(vouched || strangers_may) {
        core.stats.full += 1;
        return Err(Answer::Full {});
    }
    if !(vouched || core.config.open) {
        let Some(bits) = work::opening_bits(core) else { return Err(core.refuse()) };
        let purpose = Purpose::Opening(asked.inbox);
        let worked = match asked.admission {
            Admission::Work { proof } => work::is_done(core, purpose, proof, bits),
            _ => false,
        };
        if !worked {
            core.stats.bad_work += 1;
            return Err(work::wanted(core, purpose, bits));
        }
    }
    if asked.is_paid {
        return Ok(());
    }
    limits.take(&core.config, core.now, from, Kind::Opening).map_err(|retry_after_secs| {
        core.stats.too_fast += 1;
        Answer::OverQuota { retry_after_secs }
    })
}

type Change = (QueueId, Option<QueueRow>, Access);

/// What changes, and the queues that are another inbox's.
type Plan = (Vec<Change>, BoundedVec<QueueId, MAX_QUEUES>);

/// What a registration does to queues, or why not.
fn plan(
    step: &mut Step<'_>,
    limits: &mut Limits,
    from: Source,
    known: Option<&InboxRow>,
    asked: &Registration<'_>,
) -> Result<Result<Plan, Answer>, StorageError> {
    let wanted: BTreeMap<QueueId, &Access> = asked.queues.iter().map(|(id, access)| (*id, access)).collect();
    let (mut changes, mut left_out) = (Vec::with_capacity(wanted.len()), Vec::new());
    let (mut more, mut unproved) = (0, Vec::new());
    for (id, access) in wanted {
        let queue: Option<QueueRow> = step.out.load(step.rows, rows::QUEUES, &id.0)?;
        if queue.as_ref().is_some_and(|queue| queue.inbox != *asked.inbox) {
            // Whoever knows a queue's name can take it first; that must not close the others.
            step.core.stats.refused += 1;
            left_out.push(id);
            continue;
        }
        let opens = *access != Access::Closed {};
        if *access == (Access::Knock {}) && !is_owned(&id) {
            return Ok(Err(step.core.refuse()));
        }
        if opens && queue.is_none() && is_owned(&id) {
            unproved.push(id);
        }
        more += u32::from(queue.is_none() && opens);
        changes.push((id, queue, access.clone()));
    }
    let config = &step.core.config;
    let has = known.map_or(0, |inbox| inbox.queues);
    let opening = if known.is_none() { rows::INBOX_CHARGE } else { 0 };
    let charge = opening + u64::from(more) * rows::QUEUE_CHARGE;
    if more > 0 && has + more > config.inbox_queues {
        step.core.stats.over_quota += 1;
        return Ok(Err(Answer::OverQuota { retry_after_secs: LONG_RETRY_SECS }));
    }
    let too_many = more > 0 && step.core.totals.queues + more > config.queues;
    if too_many || (charge > 0 && step.core.charged() + charge > config.capacity_bytes) {
        step.core.stats.full += 1;
        return Ok(Err(Answer::Full {}));
    }
    // Last, because it costs most.
    Ok(prove(step, limits, from, &unproved, asked).map(|()| (changes, BoundedVec::truncated(left_out))))
}

/// Looks whether somebody who opens owned queues has shown that they are theirs; else the answer. Each is paid for like a
/// request, before any is looked at: proofs are made once and can be sent as often as one likes.
fn prove(
    step: &mut Step<'_>,
    limits: &mut Limits,
    from: Source,
    unproved: &[QueueId],
    asked: &Registration<'_>,
) -> Result<(), Answer> {
    if unproved.is_empty() {
        return Ok(());
    }
    let core = &mut *step.core;
    let count = u32::try_from(unproved.len()).unwrap_or(u32::MAX);
    limits.take_some(&core.config, core.now, from, Kind::Check, count).map_err(|retry_after_secs| {
        core.stats.too_fast += 1;
        Answer::OverQuota { retry_after_secs }
    })?;
    let owners: BTreeMap<QueueId, &OwnerProof> =
        asked.owners.iter().map(|proof| (owned_queue(&proof.0), proof)).collect();
    let signed = owner_bytes(&core.keys.device, asked.inbox, asked.period);
    // Whether all are there is known before the first is checked.
    let proofs: Option<Vec<_>> = unproved.iter().map(|id| owners.get(id)).collect();
    let all_hold = proofs.is_some_and(|proofs| {
        proofs.into_iter().all(|(owner, signature)| {
            core.stats.checks += 1;
            keys::holds(owner, &signed, signature)
        })
    });
    if all_hold {
        return Ok(());
    }
    core.stats.bad_signatures += 1;
    limits.fine(&core.config, core.now, from);
    Err(core.refuse())
}

/// The last period for which queues are opened: the next, by a clock that may be a day ahead.
fn latest_period(now: Timestamp) -> u32 {
    period_at(now + CLOCK_AHEAD).saturating_add(1)
}

fn open(step: &mut Step<'_>, period: u32) -> InboxRow {
    step.core.totals.inboxes += 1;
    step.core.stats.inboxes_opened += 1;
    InboxRow {
        period,
        until: step.core.now,
        due_hour: 0,
        last: 0,
        vouched: false,
        queues: 0,
        envelopes: 0,
        memories: 0,
        charged: 0,
        readers: BoundedVec::default(),
    }
}

fn change_queue(
    step: &mut Step<'_>,
    inbox: &mut InboxRow,
    asked: &Registration<'_>,
    id: &QueueId,
    queue: Option<QueueRow>,
    access: Access,
) {
    let closes = access == Access::Closed {};
    match queue {
        None if closes => {}
        None => {
            let period = asked.period;
            let row = QueueRow { inbox: *asked.inbox, access, period, envelopes: 0, bytes: 0 };
            step.out.save(rows::QUEUES, &id.0, &row);
            step.out.put(rows::INBOX_QUEUES, &rows::inbox_queue_key(asked.inbox, id), Vec::new());
            inbox.queues += 1;
            step.core.totals.queues += 1;
        }
        Some(queue) if closes && queue.envelopes == 0 => {
            shelf::remove_queue(step, asked.inbox, inbox, id);
        }
        Some(queue) => {
            let period = queue.period.max(asked.period);
            step.out.save(rows::QUEUES, &id.0, &QueueRow { access, period, ..queue });
        }
    }
}

/// The lease, the period and the readers.
fn renew(step: &mut Step<'_>, asked: &Registration<'_>, inbox: &mut InboxRow) -> Result<(), StorageError> {
    let lease = Due::Lease { inbox: *asked.inbox };
    let hour = hour_after(step.core.now + step.core.config.lease);
    step.out.delete(rows::DUE, &lease.key(inbox.due_hour));
    step.out.put(rows::DUE, &lease.key(hour), Vec::new());
    (inbox.due_hour, inbox.until) = (hour, start_of(hour));
    if asked.period > inbox.period {
        inbox.period = asked.period;
        let prune = Due::Prune { inbox: *asked.inbox, from: QueueId([0; 16]) };
        step.out.put(rows::DUE, &prune.key(0), Vec::new());
        step.core.timers.set_earlier(TimerKey::Sweep, step.core.now);
    }
    let now = step.core.now;
    let before = std::mem::take(&mut inbox.readers).into_inner();
    let readers = asked.readers.iter().map(|reader| {
        let row = before.iter().find(|row| row.reader == *reader).cloned();
        row.unwrap_or(ReaderRow { reader: *reader, up_to: 0, seen: now })
    });
    inbox.readers = BoundedVec::truncated(readers.collect());
    if before.iter().any(|row| !asked.readers.contains(&row.reader)) {
        // Whoever left may have been the last who kept some envelopes.
        crate::deletions::trim_later(step, asked.inbox, 0, inbox.last)?;
    }
    Ok(())
}

fn queues_of(
    step: &Step<'_>,
    key: &InboxKey,
    from: &QueueId,
    limit: usize,
) -> Result<Vec<QueueId>, StorageError> {
    let first = rows::inbox_queue_key(key, from);
    let mut end = rows::inbox_queue_key(key, &QueueId([0xff; 16]));
    end.push(0);
    let found = step.out.scan(step.rows, rows::INBOX_QUEUES, &first, &end, limit)?;
    let read = |(key, _): (Vec<u8>, Vec<u8>)| {
        key.split_last_chunk::<16>()
            .map(|(_, queue)| QueueId(*queue))
            .ok_or(StorageError::Damaged(rows::INBOX_QUEUES.name))
    };
    found.into_iter().map(read).collect()
}

fn next_queue(queue: &QueueId) -> Option<QueueId> {
    u128::from_be_bytes(queue.0).checked_add(1).map(|next| QueueId(next.to_be_bytes()))
}
