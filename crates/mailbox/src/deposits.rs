//! Taking envelopes. Every deposit that is answered with a receipt stands in the same commit; a repeated one gets the
//! same receipt again and is stored once.

use kith_proto::envelope::Envelope;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Nonce;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::WorkProof;
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
use crate::rows::KnownRow;
use crate::rows::QueueRow;
use crate::shelf;
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
    let refused = match &queue.access {
        Access::Knock {} => knock(step, &asked, &queue, &inbox),
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
    let hour = hour_after(step.core.now + span(asked.keep));
    let key = queue.inbox;
    let entry = shelf::put(step, id, queue, inbox, envelope, hour);
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

/// What keeps a stranger's envelope out: its size, too many others, or missing work. In this order, so that nobody works
/// in vain.
fn knock(step: &mut Step<'_>, asked: &Asked<'_>, queue: &QueueRow, inbox: &InboxRow) -> Option<Answer> {
    let core = &mut *step.core;
    if shelf::class_of(asked.envelope) > core.config.knock_class {
        return Some(core.refuse());
    }
    if queue.envelopes >= core.config.knock_envelopes {
        core.stats.over_quota += 1;
        return Some(Answer::OverQuota { retry_after_secs: retry_after(inbox, core.now) });
    }
    let envelope = asked.envelope.id();
    let purpose = Purpose::Knock(asked.queue, &envelope);
    let bits = work::knock_bits(core, queue.envelopes);
    if asked.work.is_some_and(|proof| work::is_done(core, purpose, proof, bits)) {
        return None;
    }
    core.stats.bad_work += u64::from(asked.work.is_some());
    Some(work::wanted(core, purpose, bits))
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
