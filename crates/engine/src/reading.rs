//! The own inboxes: fetching what came.
//!
//! ```text
//!  Hello ─▶ Register (this period, the next) ─▶ Subscribe ─▶ Index ─▶ Get ─▶ taken ─▶ DeleteThese
//!             │ refused                          ▲              │
//!             └─ another is looked for           └── again ─────┘ somebody was let in whose mail was left alone
//! ```
//!
//! An envelope is deleted in the same step that took it, and so after the commit. Not here: how an envelope is opened
//! (`arrivals`), how inboxes are opened (`registering`), which mailboxes are ours (`choosing`), the state of streams (`askers`).

use kith_crypto::mailbox;
use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkProof;
use kith_proto::mailbox::deposit_subject;
use kith_proto::rows::Rows;
use kith_proto::time::Span;

use crate::arrivals;
use crate::askers::Asked;
use crate::askers::Use;
use crate::engine::Engine;
use crate::leaving;
use crate::mail;
use crate::mailboxes::Own;
use crate::mailboxes::Owner;
use crate::offers;
use crate::output::Output;
use crate::registering::note_owners;
use crate::registering::register;
use crate::timer::TimerKey;

/// Envelopes that are fetched at once, and in one request.
const FETCHING: usize = 256;
const FETCHED_AT_ONCE: usize = 64;

/// So many that are safe here are deleted before all is fetched: each deletion is a commit of the mailbox.
const DELETED_AT_ONCE: usize = 1_024;

/// Envelopes listed and not fetched yet: more than an inbox holds.
const MAX_LISTED: usize = 65_536;

/// So many of the largest envelopes fill a queue. Whoever left as many copies of what came by another way may have been told
/// that there is no room.
const MANY_COPIES: usize = 64;

/// The longest that a mailbox's word about a pause in reading is believed.
const MAX_SLOWED: Span = Span::from_minutes(10);

/// The mailbox has said hello: now requests may be signed.
pub(crate) fn greeted(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    engine.mailboxes.stop_reading(&mailbox, period);
    if period == mailbox::period_at(engine.core.now) && engine.mailboxes.is_used(&mailbox) {
        register(engine, out, mailbox, period, None);
    } else {
        for of in [period, period.saturating_add(1)] {
            note_owners(engine, out, mailbox, period, of);
        }
        subscribe(engine, out, mailbox, period);
    }
}

pub(crate) fn subscribe_once(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    if !engine.mailboxes.reading(&mailbox, period).subscribed {
        subscribe(engine, out, mailbox, period);
    }
}

fn subscribe(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    let used_for = Use::Read { mailbox, period };
    let Some(nonce) = engine.askers.nonce(used_for) else { return };
    // It lists everything anew, and forgets what it was asked to fetch.
    let reading = engine.mailboxes.reading(&mailbox, period);
    (reading.subscribed, reading.caught_up, reading.again) = (true, false, false);
    reading.to_fetch.clear();
    let seed = engine.mailboxes.seed();
    let key = mailbox::inbox_key(seed, &mailbox, period);
    let reader = mailbox::reader(seed, &mailbox, period, &engine.devices.device());
    let mut request = Request::Subscribe { inbox: key.public(), reader, after: 0, signature: [0; 64] };
    key.sign(&mailbox, &nonce, &mut request);
    engine.askers.ask(&mut engine.core, out, used_for, request, Asked::Subscribe);
}

/// A mailbox says what is there.
pub(crate) fn listed(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32, word: Answer) {
    let current = period == mailbox::period_at(engine.core.now) && engine.mailboxes.is_used(&mailbox);
    match word {
        Answer::Index { entries } => {
            let known = &engine.mailboxes.reading(&mailbox, period).queues;
            if entries.iter().any(|entry| !known.contains_key(&entry.queue)) {
                // Somebody who came since this inbox was opened.
                for of in [period, period.saturating_add(1)] {
                    note_owners(engine, out, mailbox, period, of);
                }
            }
            for entry in entries.into_inner() {
                note_entry(engine, mailbox, period, &entry);
            }
            fetch(engine, out, mailbox, period);
        }
        Answer::CaughtUp {} => {
            mail::worked(engine, out, Use::Read { mailbox, period });
            engine.mailboxes.reading(&mailbox, period).caught_up = true;
            if current {
                // Contacts may have come since it was registered.
                register(engine, out, mailbox, period, None);
            }
            fetch(engine, out, mailbox, period);
        }
        // An inbox of another period may never have been opened.
        Answer::NoQueue {} if !current => finish(engine, out, mailbox, period),
        Answer::Moved { .. } => offers::closing(engine, out, &mailbox),
        word => too_fast(engine, out, Use::Read { mailbox, period }, &word),
    }
}

/// A request for what is there was not carried out: after a pause all of it begins again.
pub(crate) fn too_fast(engine: &mut Engine, out: &mut Output, used_for: Use, word: &Answer) {
    engine.core.stats.mailbox_refusals += 1;
    if let Answer::OverQuota { retry_after_secs } = word {
        let pause = Span::from_secs(u64::from(*retry_after_secs)).min(MAX_SLOWED);
        engine.askers.pause(&used_for.mailbox(), engine.core.now + pause);
    }
    mail::hang_up(engine, out, used_for);
}

fn note_entry(engine: &mut Engine, mailbox: DeviceId, period: u32, entry: &IndexEntry) {
    let found = engine.mailboxes.was_found(&entry.envelope);
    if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
        own.has_mail_of(engine.core.now, entry.sequence);
    }
    let reading = engine.mailboxes.reading(&mailbox, period);
    if reading.fetching.contains_key(&entry.sequence) {
        return;
    }
    if found && reading.to_delete.len() >= MAX_LISTED {
        // It will be listed again.
    } else if found {
        reading.is_found(entry.sequence, &entry.queue, entry.envelope);
    } else if reading.queues.contains_key(&entry.queue) && reading.to_fetch.len() < MAX_LISTED {
        reading.to_fetch.push_back((entry.sequence, entry.queue, entry.envelope));
    }
    // Mail of nobody that we know ends by itself; deleting it could not be taken back.
}

/// What was on its way from one mailbox may have come, or is fetched from another.
pub(crate) fn fetch_more(engine: &mut Engine, out: &mut Output) {
    for (mailbox, period) in engine.mailboxes.with_more() {
        fetch(engine, out, mailbox, period);
    }
}

/// Fetches more, deletes what is safe, and ends a reading that has come to its end.
pub(crate) fn fetch(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    let used_for = Use::Read { mailbox, period };
    while engine.askers.fetching(used_for) < FETCHING && engine.mailboxes.has_more(&mailbox, period) {
        let now = engine.core.now;
        let (sequences, again) = engine.mailboxes.take_listed(now, (&mailbox, period), FETCHED_AT_ONCE);
        if let Some(again) = again {
            engine.core.timers.set_earlier(TimerKey::Fetch, again);
        }
        if sequences.is_empty() {
            break;
        }
        let request = Request::Get { sequences: BoundedVec::truncated(sequences) };
        engine.askers.ask(&mut engine.core, out, used_for, request, Asked::Get);
    }
    delete(engine, out, mailbox, period);
    let reading = engine.mailboxes.reading(&mailbox, period);
    if !reading.fetching.is_empty() || !reading.to_fetch.is_empty() || !reading.caught_up {
        return;
    }
    if reading.again {
        subscribe(engine, out, mailbox, period);
    } else if period < mailbox::period_at(engine.core.now) {
        finish(engine, out, mailbox, period);
    } else {
        if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
            own.read_at = Some(engine.core.now);
        }
        if engine.mailboxes.keeps_found() && !a_copy_may_be_elsewhere(engine, None) {
            engine.mailboxes.forget_kept(out);
        }
        offers::forget_if_empty(engine, out, &mailbox);
    }
}

/// Asks for the deletion of what is safe here, and tells whoever left copies of it that there is room again.
fn delete(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    let used_for = Use::Read { mailbox, period };
    let asking = engine.askers.is_deleting(used_for);
    let reading = engine.mailboxes.reading(&mailbox, period);
    let idle = reading.fetching.is_empty() && reading.to_fetch.is_empty();
    if !asking && !reading.to_delete.is_empty() && (idle || reading.to_delete.len() >= DELETED_AT_ONCE) {
        for part in std::mem::take(&mut reading.to_delete).chunks(kith_proto::mailbox::MAX_INDEX) {
            let request = Request::DeleteThese { sequences: BoundedVec::truncated(part.to_vec()) };
            engine.askers.ask(&mut engine.core, out, used_for, request, Asked::Delete);
        }
    }
    let reading = engine.mailboxes.reading(&mailbox, period);
    if idle && reading.caught_up {
        let emptied = std::mem::take(&mut reading.copies).into_iter();
        for (device, _) in emptied.filter(|(_, copies)| copies.len() >= MANY_COPIES) {
            leaving::say_emptied(engine, &device);
        }
    }
}

/// Whether a mailbox of ours, other than one, may hold a copy of something and has not told all that it has.
fn a_copy_may_be_elsewhere(engine: &Engine, but: Option<&DeviceId>) -> bool {
    let period = mailbox::period_at(engine.core.now);
    let untold = |device: &DeviceId, own: &Own| match own.is_used() {
        true => {
            !engine.askers.is_ready(device)
                || !engine.mailboxes.is_caught_up(device, period)
                || engine.mailboxes.has_more(device, period)
        }
        // One that was left is looked into a few times a day.
        false => own.drained.is_none(),
    };
    let mut others = engine.mailboxes.all().filter(|(device, own)| own.may_hold && Some(*device) != but);
    others.any(|(device, own)| untold(device, own))
}

/// The inbox of another period, or of a mailbox that was left, has been read to its end.
fn finish(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    engine.askers.close(out, Use::Read { mailbox, period });
    engine.mailboxes.stop_reading(&mailbox, period);
    let now = engine.core.now;
    if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
        own.drained = Some(now);
    }
    offers::forget_if_empty(engine, out, &mailbox);
}

/// An envelope is not there any more.
pub(crate) fn gone(
    engine: &mut Engine,
    out: &mut Output,
    (mailbox, period): (DeviceId, u32),
    sequence: Sequence,
) {
    engine.mailboxes.fetched(engine.core.now, (&mailbox, period), sequence);
    fetch(engine, out, mailbox, period);
}

/// An envelope was fetched.
pub(crate) fn fetched(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    (mailbox, period): (DeviceId, u32),
    (sequence, envelope, work): (Sequence, &Envelope, Option<WorkProof>),
) {
    let Some(queue) = engine.mailboxes.fetched(engine.core.now, (&mailbox, period), sequence) else {
        engine.core.stats.bad_mailbox_answers += 1;
        return fetch(engine, out, mailbox, period);
    };
    let owner = engine.mailboxes.reading(&mailbox, period).queues.get(&queue).copied();
    mail::worked(engine, out, Use::Read { mailbox, period });
    engine.core.stats.fetched += 1;
    let settled = match owner {
        _ if engine.mailboxes.was_found(&envelope.id()) => true,
        Some(Owner::Device(device)) => arrivals::mail(engine, rows, out, &device, envelope, 0),
        Some(Owner::Invite(_)) => match asker(engine, envelope) {
            Some(device) => {
                // It is looked at here: a mailbox cannot make work up.
                let bits = work.map_or(0, |work| work.credit(&deposit_subject(&queue, &envelope.id())));
                arrivals::mail(engine, rows, out, &device, envelope, bits)
            }
            None => true,
        },
        None => true,
    };
    if settled {
        let keep = a_copy_may_be_elsewhere(engine, Some(&mailbox));
        engine.mailboxes.note_found(engine.core.now, out, envelope.id(), keep);
        engine.mailboxes.reading(&mailbox, period).to_delete.push(sequence);
    }
    fetch(engine, out, mailbox, period);
}

/// Who left an envelope where anybody may leave one: who introduces themselves, or has a session with us.
fn asker(engine: &mut Engine, envelope: &Envelope) -> Option<DeviceId> {
    let first = engine.sessions.first_device(&engine.devices, envelope);
    first.or_else(|| engine.sessions.device_of(engine.core.now, envelope))
}

/// Somebody was let in: what was left alone in the mailboxes is listed again, after what is being fetched now.
pub(crate) fn read_again(engine: &mut Engine, out: &mut Output) {
    let period = mailbox::period_at(engine.core.now);
    for mailbox in engine.mailboxes.names() {
        let reading = engine.mailboxes.reading(&mailbox, period);
        if reading.subscribed {
            reading.again = true;
            fetch(engine, out, mailbox, period);
        }
    }
}
