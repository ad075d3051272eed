//! The own inboxes: opening them, telling mailboxes whose queues are open, and fetching what came.
//!
//! ```text
//!  Hello ─▶ Register (this period, the next) ─▶ Subscribe ─▶ Index ─▶ Get ─▶ taken ─▶ DeleteThese
//!             │ refused                          ▲              │
//!             └─ another is looked for           └── again ─────┘ somebody was let in whose mail was left alone
//! ```
//!
//! An envelope is deleted in the same step that took it, and so after the commit. Not here: how an envelope is opened
//! (`arrivals`), which mailboxes are ours (`choosing`), the state of streams (`askers`).

use std::collections::BTreeSet;

use kith_crypto::mailbox;
use kith_crypto::secret::Secret32;
use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::id::DeviceId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::MAX_QUEUES;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkProof;
use kith_proto::mailbox::deposit_subject;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::arrivals;
use crate::askers::Asked;
use crate::askers::Use;
use crate::choosing;
use crate::engine::Engine;
use crate::groups::hosts;
use crate::leaving;
use crate::mail;
use crate::mailboxes::Own;
use crate::mailboxes::Owner;
use crate::mailboxes::Work;
use crate::offers;
use crate::output::Output;
use crate::timer::TimerKey;
use crate::view::ContactState;
use crate::view::MailboxRefusal;

/// Envelopes that are fetched at once, and in one request.
const FETCHING: usize = 256;
const FETCHED_AT_ONCE: usize = 64;

/// Envelopes listed and not fetched yet: more than an inbox holds.
const MAX_LISTED: usize = 65_536;

/// So many of the largest envelopes fill a queue. Whoever left as many copies of what came by another way may have been told
/// that there is no room.
const MANY_COPIES: u32 = 64;

/// Hashes tried in one step: some milliseconds.
const WORK_SLICE: u64 = 20_000;

/// A mailbox that would not open an inbox is not asked again for so long, if another can be had.
const REFUSED_FOR: Span = Span::from_days(1);

/// The least of it, whatever the mailbox says.
const MIN_REFUSED: Span = Span::from_hours(1);

/// Queues that a mailbox did not open are asked for again so often, and soon after a contact got another secret.
const ASK_AGAIN_AFTER: Span = Span::from_hours(1);
const ASK_AGAIN_SOON: Span = Span::from_secs(1);

/// A mailbox that opened fewer queues than it was asked for so often in a row is no good.
const MISSING_TIMES: u32 = 3;

/// The longest that a mailbox's word about a pause in reading is believed.
const MAX_SLOWED: Span = Span::from_minutes(10);

/// The mailbox has said hello: now requests may be signed.
pub(crate) fn greeted(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    engine.mailboxes.stop_reading(&mailbox, period);
    if period == mailbox::period_at(engine.core.now) && engine.mailboxes.is_used(&mailbox) {
        register(engine, out, mailbox, period, None);
    } else {
        for of in [period, period.saturating_add(1)] {
            owners(engine, out, mailbox, period, of);
        }
        subscribe(engine, out, mailbox, period);
    }
}

/// A queue of ours.
#[derive(Clone)]
struct Told {
    queue: QueueId,
    access: Access,
    /// What others know it by too, so that the mailbox has to be shown that it is ours.
    secret: Option<Secret32>,
}

impl Told {
    fn is_open(&self) -> bool {
        self.access != Access::Closed {}
    }
}

/// The queues of a period at a mailbox, and who may leave envelopes in them. Notes whose they are.
fn owners(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, reading: u32, period: u32) -> Vec<Told> {
    let own = engine.devices.device();
    let mut found = Vec::new();
    let devices: Vec<_> = engine.peers.all().map(|(device, row)| (*device, row.contact)).collect();
    for (device, contact) in devices {
        let state = engine.contacts.state(&contact);
        let fellow = state.is_none() || engine.groups.is_fellow(&contact);
        if state == Some(ContactState::Incoming) && !fellow {
            continue;
        }
        let fresh = engine.core.random();
        let secret = engine.deposits.own_secret(fresh, &device, out);
        let (queue, key) = mailbox::queue(&secret, &mailbox, period);
        let open = state != Some(ContactState::Blocked);
        found.push((queue, Owner::Device(device), open.then(|| key.public()), None));
    }
    let invites = engine.contacts.invites(engine.core.now);
    let by_links = hosts::secrets(engine).into_iter().map(|secret| (secret.id(), secret, true));
    for (invite, secret, open) in invites.into_iter().chain(by_links) {
        let secret = mailbox::invite_secret(&secret);
        let Some((queue, key)) = mailbox::open_queue(&own, &secret, &mailbox, period) else { continue };
        found.push((queue, Owner::Invite(invite), open.then(|| key.public()), Some(secret)));
    }
    let mut found: Vec<_> = found
        .into_iter()
        .map(|(queue, owner, key, secret)| {
            (queue, owner, key.map_or(Access::Closed {}, |deposit| Access::Key { deposit }), secret)
        })
        .collect();
    if let Some((invite, open)) = engine.strangers.queue(engine.core.now) {
        let secret = mailbox::invite_secret(&invite);
        let access = if open { Access::Knock {} } else { Access::Closed {} };
        if let Some((queue, _)) = mailbox::open_queue(&own, &secret, &mailbox, period) {
            found.push((queue, Owner::Invite(invite.id()), access, Some(secret)));
        }
    }
    let reading = engine.mailboxes.reading(&mailbox, reading);
    let mut told = Vec::with_capacity(found.len());
    for (queue, owner, access, secret) in found {
        reading.queues.insert(queue, owner);
        told.push(Told { queue, access, secret });
    }
    told
}

/// Registers the inboxes of this period and the next, with every queue that the mailbox does not know yet. Without an
/// `admission`: with the owner's voucher, if there is one.
fn register(
    engine: &mut Engine,
    out: &mut Output,
    mailbox: DeviceId,
    period: u32,
    admission: Option<Admission>,
) {
    let used_for = Use::Read { mailbox, period };
    let Some(nonce) = engine.askers.nonce(used_for).filter(|_| engine.mailboxes.is_used(&mailbox)) else {
        return;
    };
    let admission = admission.unwrap_or_else(|| match engine.choices.voucher(&mailbox) {
        Some(voucher) => Admission::Voucher { voucher: voucher.clone() },
        None => Admission::Open {},
    });
    let first = engine.mailboxes.reading(&mailbox, period).registered.is_empty();
    for of in [period, period.saturating_add(1)] {
        let queues = owners(engine, out, mailbox, period, of);
        if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
            // They are asked for again now.
            own.without.retain(|_, (without, _)| *without != of);
        }
        let known = &mut engine.mailboxes.reading(&mailbox, period).registered;
        let mut open = queues.iter().filter(|told| told.is_open()).count();
        let new: Vec<_> = queues
            .into_iter()
            .filter(|told| known.insert(told.queue, told.is_open()) != Some(told.is_open()))
            .collect();
        open -= new.iter().filter(|told| told.is_open()).count();
        if new.is_empty() && !first {
            continue;
        }
        let seed = engine.mailboxes.seed();
        let key = mailbox::inbox_key(seed, &mailbox, of);
        let reader = mailbox::reader(seed, &mailbox, of, &engine.devices.device());
        let mut chunks: Vec<_> = new.chunks(MAX_QUEUES).map(<[_]>::to_vec).collect();
        if chunks.is_empty() {
            chunks.push(Vec::new());
        }
        for chunk in chunks {
            open += chunk.iter().filter(|told| told.is_open()).count();
            let inbox = key.public();
            let device = &engine.devices.secret;
            let prove = |secret| mailbox::prove_queue(device, secret, &mailbox, of, &inbox);
            let shown = chunk.iter().filter(|told| told.is_open()).filter_map(|told| told.secret.as_ref());
            let owners = shown.map(prove).collect();
            let queues = chunk.into_iter().map(|told| (told.queue, told.access)).collect();
            let mut request = Request::Register {
                inbox,
                period: of,
                readers: BoundedVec::truncated(vec![reader]),
                queues: BoundedVec::truncated(queues),
                owners: BoundedVec::truncated(owners),
                admission: admission.clone(),
                signature: [0; 64],
            };
            key.sign(&mailbox, &nonce, &mut request);
            let asked = Asked::Register { period: of, queues: u32::try_from(open).unwrap_or(u32::MAX) };
            engine.askers.ask(&mut engine.core, out, used_for, request, asked);
        }
    }
}

/// A registration was answered.
pub(crate) fn registered(
    engine: &mut Engine,
    out: &mut Output,
    (mailbox, period): (DeviceId, u32),
    (of, expected): (u32, u32),
    word: &Answer,
) {
    let now = engine.core.now;
    match word {
        Answer::Registered { quota_left, last, queues, left_out, .. } => {
            mail::worked(engine, out, Use::Read { mailbox, period });
            engine.standing.has_room(out, &mailbox, *quota_left);
            // It may count more than we do: closed ones that are not empty.
            let missing = expected.saturating_sub(*queues);
            engine.core.stats.queues_missing += u64::from(missing);
            without_place(engine, out, (mailbox, period), of, left_out);
            if of == period {
                note_state(engine, &mailbox, *quota_left, *last);
                engine.standing.let_in(out, &mailbox);
                let new = engine.mailboxes.accepted(now, out, &mailbox);
                let left_out = u32::try_from(left_out.len()).unwrap_or(u32::MAX);
                note_missing(engine, out, &mailbox, missing.saturating_sub(left_out));
                // Whatever becomes of the next period's: what is there can be read.
                subscribe_once(engine, out, mailbox, period);
                if new {
                    choosing::tell_everyone(engine, out);
                    engine.core.timers.set_earlier(TimerKey::Mail, now);
                }
                engine.network_changed(out);
            }
        }
        // It goes away, and its word for where to is no better than anybody's.
        Answer::Moved { .. } => {
            if engine.mailboxes.get(&mailbox).is_some_and(|own| own.may_hold) {
                subscribe_once(engine, out, mailbox, period);
            }
            offers::closing(engine, out, &mailbox);
        }
        Answer::WorkWanted { challenge, bits } => {
            let work = Work { period: of, challenge: *challenge, bits: *bits, next: 0 };
            let Some(own) = engine.mailboxes.get_mut(&mailbox) else { return };
            if own.work.is_some() || own.take_work(now, work) {
                engine.core.timers.set_earlier(TimerKey::Work, now);
            } else {
                refused(engine, out, (mailbox, period), REFUSED_FOR, MailboxRefusal::TooHard);
            }
        }
        Answer::OverQuota { retry_after_secs } => {
            let pause = Span::from_secs(u64::from(*retry_after_secs)).clamp(MIN_REFUSED, REFUSED_FOR);
            refused(engine, out, (mailbox, period), pause, MailboxRefusal::TooMuch);
        }
        Answer::Full {} if of == period => {
            refused(engine, out, (mailbox, period), REFUSED_FOR, MailboxRefusal::Full);
        }
        _ if of == period => refused(engine, out, (mailbox, period), REFUSED_FOR, MailboxRefusal::NotKnown),
        // The next period's will be asked for again when it begins.
        _ => engine.core.stats.mailbox_refusals += 1,
    }
}

/// Queues that another inbox has are asked for again later. A contact's device also gets another secret, and so other queues.
fn without_place(
    engine: &mut Engine,
    out: &mut Output,
    (mailbox, period): (DeviceId, u32),
    of: u32,
    left_out: &[QueueId],
) {
    let mut devices = BTreeSet::new();
    for queue in left_out {
        let reading = engine.mailboxes.reading(&mailbox, period);
        // What nothing was asked about is no news of ours.
        let Some(owner) = reading.queues.get(queue).copied() else { continue };
        reading.registered.remove(queue);
        if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
            own.without.insert(*queue, (of, owner));
        }
        if let Owner::Device(device) = owner {
            devices.insert(device);
        }
    }
    for device in devices {
        let fresh = engine.core.random();
        if engine.deposits.renew_secret(engine.core.now, out, &device, fresh) {
            choosing::tell(engine, out, &device);
            if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
                own.asked_again = Timestamp(0);
            }
            engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now + ASK_AGAIN_SOON);
        }
    }
}

/// Notes how many queues a mailbox did not open by its own count. One that does so again and again is replaced as soon as
/// another can be had.
fn note_missing(engine: &mut Engine, out: &mut Output, mailbox: &DeviceId, missing: u32) {
    let Some(own) = engine.mailboxes.get_mut(mailbox) else { return };
    own.missing = (missing, if missing > 0 { own.missing.1.saturating_add(1) } else { 0 });
    if own.missing.1 >= MISSING_TIMES {
        own.refuses = true;
        let until = engine.core.now + REFUSED_FOR;
        engine.standing.refused(out, mailbox, until, MailboxRefusal::LeavesOut);
    }
}

/// Asks again for queues that mailboxes did not open.
pub(crate) fn ask_again(engine: &mut Engine, out: &mut Output) {
    let (now, period) = (engine.core.now, mailbox::period_at(engine.core.now));
    for mailbox in engine.mailboxes.names() {
        let Some(own) = engine.mailboxes.get_mut(&mailbox).filter(|own| own.is_used()) else { continue };
        let due = now.since(own.asked_again) >= ASK_AGAIN_AFTER;
        if !due || (own.without.is_empty() && own.missing.0 == 0) {
            continue;
        }
        own.asked_again = now;
        let all = own.missing.0 > 0;
        let reading = engine.mailboxes.reading(&mailbox, period);
        if reading.caught_up {
            if all {
                reading.registered.clear();
            }
            register(engine, out, mailbox, period, None);
        }
    }
}

/// A mailbox would not take envelopes for us: another is looked for. What it has is read all the same.
fn refused(
    engine: &mut Engine,
    out: &mut Output,
    (mailbox, period): (DeviceId, u32),
    pause: Span,
    why: MailboxRefusal,
) {
    engine.core.stats.mailbox_refusals += 1;
    engine.standing.refused(out, &mailbox, engine.core.now + pause, why);
    if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
        own.refuses = true;
        if own.may_hold {
            subscribe_once(engine, out, mailbox, period);
        }
    }
    engine.network_changed(out);
    engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
}

/// Goes on with the work that mailboxes want.
pub(crate) fn work(engine: &mut Engine, out: &mut Output) {
    let (seed, period) = (engine.mailboxes.seed().clone(), mailbox::period_at(engine.core.now));
    let under_way: Vec<_> =
        engine.mailboxes.used().filter_map(|(device, own)| Some((*device, own.work?))).collect();
    for (device, work) in under_way {
        let subject = mailbox::inbox_key(&seed, &device, work.period).public();
        let found = WorkProof::search(&work.challenge, work.bits, &subject, work.next, WORK_SLICE);
        let Some(own) = engine.mailboxes.get_mut(&device) else { continue };
        match found {
            None => {
                own.work = Some(Work { next: work.next + WORK_SLICE, ..work });
                engine.core.timers.set_earlier(TimerKey::Work, engine.core.now + Span(1));
            }
            Some(proof) => {
                own.work = None;
                engine.mailboxes.reading(&device, period).registered.clear();
                register(engine, out, device, period, Some(Admission::Work { proof }));
            }
        }
    }
}

/// Notes what a mailbox says of our inbox. Places are times (`kith-mailbox`).
fn note_state(engine: &mut Engine, mailbox: &DeviceId, quota_left: u64, last: Sequence) {
    if let Some(own) = engine.mailboxes.get_mut(mailbox) {
        own.quota_left = Some(quota_left);
        own.has_mail_of(engine.core.now, last);
    }
}

fn subscribe_once(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
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
                    owners(engine, out, mailbox, period, of);
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
    if found {
        reading.to_delete.push(entry.sequence);
        if let Some(Owner::Device(device)) = reading.queues.get(&entry.queue) {
            *reading.copies.entry(*device).or_default() += 1;
        }
    } else if reading.queues.contains_key(&entry.queue) && reading.to_fetch.len() < MAX_LISTED {
        reading.to_fetch.push_back((entry.sequence, entry.queue, entry.envelope));
    }
    // Mail of nobody that we know ends by itself; deleting it could not be taken back.
}

/// Fetches more, deletes what is safe, and ends a reading that has come to its end.
pub(crate) fn fetch(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    let used_for = Use::Read { mailbox, period };
    while engine.askers.fetching(used_for) < FETCHING {
        let reading = engine.mailboxes.reading(&mailbox, period);
        let listed = reading.to_fetch.len().min(FETCHED_AT_ONCE);
        let batch: Vec<_> = reading.to_fetch.drain(..listed).collect();
        if batch.is_empty() {
            break;
        }
        // Copies may have come from another mailbox since they were listed here.
        let (found, batch): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|(_, _, envelope)| engine.mailboxes.was_found(envelope));
        let reading = engine.mailboxes.reading(&mailbox, period);
        reading.to_delete.extend(found.into_iter().map(|(sequence, ..)| sequence));
        // It may have been listed twice.
        let new = batch.into_iter().filter_map(|(sequence, queue, _)| {
            reading.fetching.insert(sequence, queue).is_none().then_some(sequence)
        });
        let sequences: Vec<Sequence> = new.collect();
        if sequences.is_empty() {
            continue;
        }
        let request = Request::Get { sequences: BoundedVec::truncated(sequences) };
        engine.askers.ask(&mut engine.core, out, used_for, request, Asked::Get);
    }
    delete(engine, out, mailbox, period);
    let reading = engine.mailboxes.reading(&mailbox, period);
    if !reading.fetching.is_empty() || !reading.caught_up {
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
    let reading = engine.mailboxes.reading(&mailbox, period);
    let idle = reading.fetching.is_empty();
    if !reading.to_delete.is_empty() && (idle || reading.to_delete.len() >= FETCHING) {
        for part in std::mem::take(&mut reading.to_delete).chunks(kith_proto::mailbox::MAX_INDEX) {
            let request = Request::DeleteThese { sequences: BoundedVec::truncated(part.to_vec()) };
            engine.askers.ask(&mut engine.core, out, used_for, request, Asked::Delete);
        }
    }
    let reading = engine.mailboxes.reading(&mailbox, period);
    if idle && reading.caught_up {
        let emptied = std::mem::take(&mut reading.copies).into_iter();
        for (device, _) in emptied.filter(|(_, copies)| *copies >= MANY_COPIES) {
            leaving::say_emptied(engine, &device);
        }
    }
}

/// Whether a mailbox of ours, other than one, may hold a copy of something and has not told all that it has.
fn a_copy_may_be_elsewhere(engine: &Engine, but: Option<&DeviceId>) -> bool {
    let period = mailbox::period_at(engine.core.now);
    let untold = |device: &DeviceId, own: &Own| match own.is_used() {
        true => !engine.askers.is_ready(device) || !engine.mailboxes.is_caught_up(device, period),
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
    engine.mailboxes.reading(&mailbox, period).fetching.remove(&sequence);
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
    let reading = engine.mailboxes.reading(&mailbox, period);
    let Some(queue) = reading.fetching.remove(&sequence) else {
        engine.core.stats.bad_mailbox_answers += 1;
        return fetch(engine, out, mailbox, period);
    };
    let owner = reading.queues.get(&queue).copied();
    mail::worked(engine, out, Use::Read { mailbox, period });
    engine.core.stats.fetched += 1;
    let settled = match owner {
        _ if engine.mailboxes.was_found(&envelope.id()) => true,
        Some(Owner::Device(device)) => arrivals::mail(engine, rows, out, &device, envelope, 0),
        Some(Owner::Invite(_)) => match engine.sessions.first_device(&engine.devices, envelope) {
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

/// Contacts, invites or their states are others: mailboxes hear of new queues.
pub(crate) fn queues_changed(engine: &mut Engine, out: &mut Output) {
    let period = mailbox::period_at(engine.core.now);
    for mailbox in engine.mailboxes.names() {
        if engine.mailboxes.reading(&mailbox, period).caught_up {
            register(engine, out, mailbox, period, None);
        }
    }
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
