//! Taking envelopes. Every deposit that is answered with a receipt stands in the same commit; a repeated one gets the
//! same receipt again and is stored once.

use std::cmp::Reverse;

use kith_proto::envelope::Envelope;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::MAX_WORK_BITS;
use kith_proto::mailbox::Nonce;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkBits;
use kith_proto::mailbox::WorkProof;
use kith_proto::mailbox::deposit_subject;
use kith_proto::mailbox::receipt_bytes;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::core::Step;
use crate::core::hour_after;
use crate::core::hour_of;
use crate::error::StorageError;
use crate::inboxes;
use crate::input::Source;
use crate::keys;
use crate::limits::Limits;
use crate::rows;
use crate::rows::InboxKey;
use crate::rows::InboxRow;
use crate::rows::IndexRow;
use crate::rows::KnownRow;
use crate::rows::QueueRow;
use crate::shelf;
use crate::shelf::Removal;
use crate::work;
use crate::work::Purpose;

/// Somebody reads this inbox right now or did a while ago: it is empty in a minute.
const RETRY_SOON_SECS: u32 = 60;
/// Somebody was there today.
const RETRY_TODAY_SECS: u32 = 30 * 60;
/// Nobody was there for a day. Also the longest pause that senders keep.
const RETRY_LATE_SECS: u32 = 6 * 3_600;

/// What became of a deposit.
pub(crate) struct Deposited {
    pub(crate) answer: Answer,
    /// The new envelope, for whoever waits for it.
    pub(crate) new: Option<(InboxKey, IndexEntry)>,
}

/// The parts of a deposit.
struct Asked<'a> {
    queue: &'a QueueId,
    envelope: &'a Envelope,
    keep: KeepFor,
    work: Option<&'a WorkProof>,
}

/// Takes a deposit, signed with `nonce`.
pub(crate) fn deposit(
    step: &mut Step<'_>,
    limits: &mut Limits,
    from: Source,
    nonce: &Nonce,
    request: &Request,
) -> Result<Deposited, StorageError> {
    let Request::Deposit { queue: id, envelope, keep, work, signature } = request else {
        return Ok(answer(step.core.refuse()));
    };
    let asked = Asked { queue: id, envelope, keep: *keep, work: work.as_ref() };
    let Some((queue, inbox)) = find(step, id)? else {
        step.core.stats.no_queue += 1;
        return Ok(answer(Answer::NoQueue {}));
    };
    if let Access::Key { deposit } = &queue.access {
        let signed = request.signed_bytes(&step.core.keys.device, nonce);
        step.core.stats.checks += 1;
        if !keys::holds(deposit, &signed, signature) {
            step.core.stats.bad_signatures += 1;
            limits.fine(&step.core.config, step.core.now, from);
            return Ok(answer(step.core.refuse()));
        }
    }
    let name = rows::known_key(id, &envelope.id());
    if let Some(known) = step.out.load::<KnownRow>(step.rows, rows::KNOWN, &name)? {
        step.core.stats.repeated_deposits += 1;
        return Ok(answer(receipt(step, &asked, known.expires)));
    }
    if let Some((to, until)) = step.core.config.moved.clone() {
        return Ok(answer(Answer::Moved { to, until }));
    }
    let mut gives_way = None;
    let refused = match &queue.access {
        Access::Knock {} => match knock(step, &asked, &queue, &inbox)? {
            Ok(least) => {
                gives_way = least;
                None
            }
            Err(refused) => Some(refused),
        },
        _ => limits.take_deposit(&step.core.config, step.core.now, id).err().map(|retry_after_secs| {
            step.core.stats.too_fast += 1;
            Answer::OverQuota { retry_after_secs }
        }),
    };
    if let Some(refused) = refused.or_else(|| over_quota(step, &asked, &queue, &inbox)) {
        return Ok(answer(refused));
    }
    if queue.access == (Access::Knock {}) {
        step.core.knocks.count(hour_of(step.core.now));
    }
    let (queue, inbox) = match gives_way {
        Some(least) => match give_way(step, id, &queue.inbox, least)? {
            Some(changed) => changed,
            None => return Ok(answer(Answer::NoQueue {})),
        },
        None => (queue, inbox),
    };
    let hour = hour_after(step.core.now + span(asked.keep));
    let key = queue.inbox;
    let entry = shelf::put(step, id, queue, inbox, (envelope, work.as_ref()), hour);
    step.core.stats.deposits += 1;
    let answer = receipt(step, &asked, crate::core::start_of(hour));
    Ok(Deposited { answer, new: Some((key, entry)) })
}

/// How long an envelope is kept.
pub(crate) fn span(keep: KeepFor) -> Span {
    match keep {
        KeepFor::Hour => Span::from_hours(1),
        KeepFor::Days2 => Span::from_days(2),
        KeepFor::Days14 => Span::from_days(14),
        KeepFor::Days30 => Span::from_days(30),
    }
}

/// A queue that takes envelopes, and its inbox.
fn find(step: &Step<'_>, id: &QueueId) -> Result<Option<(QueueRow, InboxRow)>, StorageError> {
    let Some(queue) = step.out.load::<QueueRow>(step.rows, rows::QUEUES, &id.0)? else { return Ok(None) };
    let Some(inbox) = step.out.load::<InboxRow>(step.rows, rows::INBOXES, &queue.inbox)? else {
        return Ok(None);
    };
    let open = queue.access != (Access::Closed {})
        && inbox.until > step.core.now
        && !inboxes::is_old(queue.period, inbox.period);
    Ok(open.then_some((queue, inbox)))
}

/// What keeps a stranger's envelope out: its size, too many others with as much work, no room, or missing work. In this order, so
/// that nobody works in vain. Else which envelope gives way to it, if the queue is full: whoever came first does not keep
/// the place against more work.
fn knock(
    step: &mut Step<'_>,
    asked: &Asked<'_>,
    queue: &QueueRow,
    inbox: &InboxRow,
) -> Result<Result<Option<Sequence>, Answer>, StorageError> {
    if shelf::class_of(asked.envelope) > step.core.config.knock_class {
        return Ok(Err(step.core.refuse()));
    }
    let is_full = queue.envelopes >= step.core.config.knock_envelopes;
    let least = if is_full { least_work(step, asked.queue)? } else { None };
    let above = least.map_or(0, |(bits, _)| bits.saturating_add(1));
    let core = &mut *step.core;
    if is_full && (least.is_none() || above > MAX_WORK_BITS) {
        core.stats.over_quota += 1;
        return Ok(Err(Answer::OverQuota { retry_after_secs: retry_after(inbox, core.now) }));
    }
    if !is_full && let Some(refused) = over_quota(step, asked, queue, inbox) {
        return Ok(Err(refused));
    }
    let core = &mut *step.core;
    let envelope = asked.envelope.id();
    let purpose = Purpose::Knock(asked.queue, &envelope);
    let bits = work::knock_bits(core, queue.envelopes).max(WorkBits::capped(above));
    let subject = deposit_subject(asked.queue, &envelope);
    let is_enough =
        |proof: &WorkProof| work::is_done(core, purpose, proof, bits) && proof.credit(&subject) >= above;
    if asked.work.is_some_and(is_enough) {
        return Ok(Ok(least.map(|(_, sequence)| sequence)));
    }
    core.stats.bad_work += u64::from(asked.work.is_some());
    Ok(Err(work::wanted(core, purpose, bits)))
}

/// The envelope in a queue of strangers for which the least work was done; of several the one that came last.
fn least_work(step: &Step<'_>, queue: &QueueId) -> Result<Option<(u8, Sequence)>, StorageError> {
    let (first, last) = (rows::knock_key(queue, 0), rows::knock_key(queue, Sequence::MAX));
    let most = usize::try_from(step.core.config.knock_envelopes).unwrap_or(usize::MAX);
    let found = step.out.scan(step.rows, rows::KNOCKS, &first, &last, most)?;
    let read = |(key, bits): (Vec<u8>, Vec<u8>)| {
        let sequence = key.last_chunk::<8>().map(|sequence| u64::from_be_bytes(*sequence));
        Some((bits.first().copied()?, sequence?))
    };
    Ok(found.into_iter().filter_map(read).min_by_key(|(bits, sequence)| (*bits, Reverse(*sequence))))
}

/// Takes an envelope away for which less work was done. Returns the queue and its inbox as they are then.
fn give_way(
    step: &mut Step<'_>,
    id: &QueueId,
    key: &InboxKey,
    least: Sequence,
) -> Result<Option<(QueueRow, InboxRow)>, StorageError> {
    let row = step.out.load::<IndexRow>(step.rows, rows::INDEX, &rows::index_key(key, least))?;
    let inbox = step.out.load::<InboxRow>(step.rows, rows::INBOXES, key)?;
    if let (Some(row), Some(mut inbox)) = (row, inbox) {
        shelf::remove(step, key, &mut inbox, least, &row, Removal::GaveWay)?;
        step.out.save(rows::INBOXES, key, &inbox);
    }
    find(step, id)
}

fn over_quota(step: &mut Step<'_>, asked: &Asked<'_>, queue: &QueueRow, inbox: &InboxRow) -> Option<Answer> {
    let core = &mut *step.core;
    let class = shelf::class_of(asked.envelope);
    let charge = shelf::charge(class);
    let over = queue.envelopes >= core.config.queue_envelopes
        || queue.bytes + shelf::class_bytes(class) > core.config.queue_bytes
        || inbox.charged + charge > core.config.inbox_bytes;
    if over {
        core.stats.over_quota += 1;
        return Some(Answer::OverQuota { retry_after_secs: retry_after(inbox, core.now) });
    }
    // The last part of a community's mailbox is for its own people.
    let reserved = !inbox.vouched
        && !core.config.vouchers.is_empty()
        && core.load_percent() >= core.config.vouchers_only_percent;
    if core.config.is_short || reserved || core.charged() + charge > core.config.capacity_bytes {
        core.stats.full += 1;
        return Some(Answer::Full {});
    }
    None
}

/// When a full inbox will have room: soon after one of its readers was there.
fn retry_after(inbox: &InboxRow, now: Timestamp) -> u32 {
    let seen = inbox.readers.iter().map(|row| row.seen).max().unwrap_or_default();
    match now.since(seen) {
        since if since < Span::from_hours(2) => RETRY_SOON_SECS,
        since if since < Span::from_days(1) => RETRY_TODAY_SECS,
        _ => RETRY_LATE_SECS,
    }
}

/// The promise. Ed25519 signs the same bytes with the same signature, so it need not be kept.
fn receipt(step: &Step<'_>, asked: &Asked<'_>, expires: Timestamp) -> Answer {
    let envelope = asked.envelope.id();
    let signature = step.core.keys.sign(&receipt_bytes(asked.queue, &envelope, expires));
    Answer::Stored { envelope, expires, signature }
}

fn answer(answer: Answer) -> Deposited {
    Deposited { answer, new: None }
}
