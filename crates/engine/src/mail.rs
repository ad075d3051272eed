//! What passes between this device and mailboxes: opening inboxes, fetching what came, leaving what waits.
//!
//! ```text
//!  own mailbox:     open ─▶ Hello ─▶ Register (this period, the next) ─▶ Subscribe ─▶ Index ─▶ Get ─▶ taken ─▶ DeleteThese
//!  contact's:       open ─▶ Hello ─▶ Deposit … ─▶ Stored: a receipt that is checked ─▶ stored with k of n
//! ```
//!
//! An envelope is deleted in the same step that took it, and so after the commit. Not here: how an envelope is opened
//! (`arrivals`), the state of streams (`askers`).

use kith_crypto::mailbox;
use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::id::DeviceId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::MAX_QUEUES;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkProof;
use kith_proto::payload::Content;
use kith_proto::payload::MailboxList;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::arrivals;
use crate::askers::Asked;
use crate::askers::Use;
use crate::cards;
use crate::choosing;
use crate::engine::Engine;
use crate::leaving;
use crate::links;
use crate::mailboxes::Owner;
use crate::mailboxes::Work;
use crate::output::Output;
use crate::timer::TimerKey;
use crate::view::ContactState;
use crate::view::MailboxView;

/// Envelopes that are fetched at once, and in one request.
const FETCHING: usize = 256;
const FETCHED_AT_ONCE: usize = 64;

/// How often the inbox of the period before is read again while clocks may differ.
const REREAD_AFTER: Span = Span::from_hours(1);

/// Envelopes listed and not fetched yet: more than an inbox holds.
const MAX_LISTED: usize = 65_536;

/// Hashes tried in one step: some milliseconds.
const WORK_SLICE: u64 = 20_000;

/// A node is connected that may serve as a mailbox.
pub(crate) fn candidate(engine: &mut Engine, node: &kith_proto::address::DeviceAddress) {
    if choosing::may_use(engine, &node.device) {
        engine.mailboxes.candidate(node);
    }
    engine.askers.try_again();
    engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
}

/// Opens the streams that should be open.
pub(crate) fn look_after(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    replace_lost(engine, out);
    choosing::take_offers(engine);
    let mut next: Option<Timestamp> = None;
    for (used_for, address) in wanted(engine) {
        let later = engine.askers.open(&engine.core, out, used_for, vec![address]);
        next = [next, later].into_iter().flatten().min();
    }
    let before = mailbox::period_at(now).saturating_sub(1);
    let own: Vec<DeviceId> = engine.mailboxes.all().map(|(device, _)| *device).collect();
    for mailbox in own {
        if engine.askers.nonce(Use::Read { mailbox, period: before }).is_some() {
            fetch(engine, out, mailbox, before);
        }
    }
    for device in engine.outbox.devices() {
        leaving::leave(engine, out, &device);
    }
    let period_ends = Timestamp((u64::from(mailbox::period_at(now)) + 1) * mailbox::PERIOD.0);
    let regular = period_ends.min(now + REREAD_AFTER);
    engine
        .core
        .timers
        .set_earlier(TimerKey::Mail, next.map_or(regular, |next| next.min(regular)).max(now + Span(1)));
}

/// The inboxes to be read now: this period's, at first and around its beginning the one before, and the next one towards
/// the end, for clocks that differ.
fn wanted(engine: &Engine) -> Vec<(Use, kith_proto::address::Multiaddress)> {
    let now = engine.core.now;
    let period = mailbox::period_at(now);
    let into = now.0 % mailbox::PERIOD.0;
    let day = Span::from_days(1).0;
    let mut found = Vec::new();
    for (device, own) in engine.mailboxes.all() {
        let mut periods = vec![period];
        let reread = own.drained.is_none_or(|at| into < day && now.since(at) >= REREAD_AFTER);
        if own.accepted && reread {
            periods.push(period.saturating_sub(1));
        }
        if own.accepted && into + day > mailbox::PERIOD.0 {
            periods.push(period.saturating_add(1));
        }
        found.extend(
            periods.into_iter().map(|period| (Use::Read { mailbox: *device, period }, own.address.clone())),
        );
    }
    found
}

/// Gives up a mailbox that has been away for long if another can be had.
fn replace_lost(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    let lost: Vec<DeviceId> = engine
        .mailboxes
        .all()
        .filter(|(device, own)| {
            // One that keeps mail for us is not given up: what it holds would never be read.
            let down = engine.askers.down_since(device);
            let chosen = engine.choices.is_wanted(device);
            !own.accepted
                && !chosen
                && !engine.askers.is_ready(device)
                && down.is_some_and(|since| now > since)
        })
        .map(|(device, _)| *device)
        .collect();
    let candidates: Vec<_> = engine
        .presence
        .bootstraps_connected()
        .filter(|node| engine.mailboxes.may_ask(&node.device) && choosing::may_use(engine, &node.device))
        .chain(choosing::on_offer(engine))
        .collect();
    if candidates.is_empty() {
        return;
    }
    for device in lost {
        give_up(engine, out, &device);
    }
    for node in candidates {
        engine.mailboxes.candidate(&node);
    }
}

/// Does not use a mailbox any more, and says so to contacts.
pub(crate) fn give_up(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let period = mailbox::period_at(engine.core.now);
    for period in [period.saturating_sub(1), period, period.saturating_add(1)] {
        engine.askers.close(out, Use::Read { mailbox: *device, period });
        engine.mailboxes.stop_reading(device, period);
    }
    if engine.mailboxes.give_up(engine.core.now, out, device) {
        tell_everyone(engine, out);
    }
    engine.network_changed(out);
}

/// A stream is open.
pub(crate) fn opened(engine: &mut Engine, out: &mut Output, stream: u64) {
    engine.askers.opened(out, stream);
}

/// A stream is gone.
pub(crate) fn closed(engine: &mut Engine, out: &mut Output, stream: u64) {
    let Some(used_for) = engine.askers.closed(&mut engine.core, stream) else { return };
    match used_for {
        Use::Read { mailbox, period } => engine.mailboxes.stop_reading(&mailbox, period),
        Use::Leave { mailbox } => {
            engine.deposits.rewind(&mailbox);
            for device in engine.deposits.served_by(&mailbox) {
                if leaving::owes_receipt(engine, &device) {
                    engine.deposits.owed.insert(device);
                    engine.core.timers.set_earlier(TimerKey::Notes, engine.core.now + leaving::NOTES_AGAIN);
                }
            }
        }
    }
    engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
    engine.network_changed(out);
}

/// A mailbox answered.
pub(crate) fn answered(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    stream: u64,
    answer: Numbered<Answer>,
) {
    let Some((used_for, asked)) = engine.askers.answered(stream, answer.number) else {
        engine.core.stats.bad_mailbox_answers += 1;
        return;
    };
    match (used_for, asked, answer.word) {
        (_, Asked::Hello, Answer::Hello { nonce, .. }) => {
            engine.askers.greeted(used_for, nonce);
            greeted(engine, out, used_for);
            engine.network_changed(out);
        }
        (Use::Read { mailbox, period }, Asked::Register { period: of }, word) => {
            registered(engine, out, (mailbox, period), of, &word);
        }
        (Use::Read { mailbox, period }, Asked::Subscribe, word) => {
            listed(engine, out, mailbox, period, word);
        }
        (Use::Read { mailbox, period }, Asked::Get(_), Answer::Envelope { sequence, envelope }) => {
            fetched(engine, rows, out, (mailbox, period), sequence, &envelope);
        }
        (Use::Read { mailbox, period }, Asked::Get(_), Answer::Gone { sequence }) => {
            engine.mailboxes.reading(&mailbox, period).fetching.remove(&sequence);
            fetch(engine, out, mailbox, period);
        }
        (Use::Leave { mailbox }, Asked::Deposit { device, position, queue, envelope, told }, word) => {
            let about = leaving::Deposited { mailbox, device, position, queue, envelope, told };
            leaving::deposited(engine, out, &about, &word);
        }
        (_, Asked::Delete, _) => {}
        _ => engine.core.stats.bad_mailbox_answers += 1,
    }
}

/// The mailbox has said hello: now requests may be signed.
fn greeted(engine: &mut Engine, out: &mut Output, used_for: Use) {
    match used_for {
        Use::Read { mailbox, period } => {
            engine.mailboxes.stop_reading(&mailbox, period);
            if period == mailbox::period_at(engine.core.now) {
                register(engine, out, mailbox, period, &Admission::Open {});
            } else {
                for of in [period, period.saturating_add(1)] {
                    owners(engine, out, mailbox, period, of);
                }
                subscribe(engine, out, mailbox, period);
            }
        }
        Use::Leave { mailbox } => {
            leaving::flush_notes(engine, out, &mailbox);
            for device in engine.deposits.served_by(&mailbox) {
                leaving::fill(engine, out, &device, &mailbox);
            }
        }
    }
}

/// The queues of a period at a mailbox, and who may leave envelopes in them. Notes whose they are.
fn owners(
    engine: &mut Engine,
    out: &mut Output,
    mailbox: DeviceId,
    reading: u32,
    period: u32,
) -> Vec<(QueueId, Access)> {
    let mut found = Vec::new();
    let devices: Vec<_> = engine.peers.all().map(|(device, row)| (*device, row.contact)).collect();
    for (device, contact) in devices {
        let state = engine.contacts.state(&contact);
        if !matches!(state, Some(ContactState::Accepted | ContactState::Requested | ContactState::Blocked)) {
            continue;
        }
        let fresh = engine.core.random();
        let secret = engine.deposits.own_secret(fresh, &device, out);
        let (queue, key) = mailbox::queue(&secret, &mailbox, period);
        let open = state != Some(ContactState::Blocked);
        found.push((queue, Owner::Device(device), open.then(|| key.public())));
    }
    for (invite, secret) in engine.contacts.open_invites(engine.core.now) {
        let (queue, key) = mailbox::queue(&mailbox::invite_secret(&secret), &mailbox, period);
        found.push((queue, Owner::Invite(invite), Some(key.public())));
    }
    let reading = engine.mailboxes.reading(&mailbox, reading);
    found
        .into_iter()
        .map(|(queue, owner, key)| {
            reading.queues.insert(queue, owner);
            (queue, key.map_or(Access::Closed {}, |deposit| Access::Key { deposit }))
        })
        .collect()
}

/// Registers the inboxes of this period and the next, with every queue that the mailbox does not know yet.
fn register(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32, admission: &Admission) {
    let used_for = Use::Read { mailbox, period };
    let Some(nonce) = engine.askers.nonce(used_for) else { return };
    let first = engine.mailboxes.reading(&mailbox, period).registered.is_empty();
    for of in [period, period.saturating_add(1)] {
        let queues = owners(engine, out, mailbox, period, of);
        let known = &mut engine.mailboxes.reading(&mailbox, period).registered;
        let new: Vec<_> = queues
            .into_iter()
            .filter(|(queue, access)| {
                let open = *access != Access::Closed {};
                known.insert(*queue, open) != Some(open)
            })
            .collect();
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
            let mut request = Request::Register {
                inbox: key.public(),
                period: of,
                readers: BoundedVec::truncated(vec![reader]),
                queues: BoundedVec::truncated(chunk),
                admission: admission.clone(),
                signature: [0; 64],
            };
            key.sign(&mailbox, &nonce, &mut request);
            engine.askers.ask(out, used_for, request, Asked::Register { period: of });
        }
    }
}

/// A registration was answered.
fn registered(
    engine: &mut Engine,
    out: &mut Output,
    (mailbox, period): (DeviceId, u32),
    of: u32,
    word: &Answer,
) {
    let now = engine.core.now;
    match word {
        Answer::Registered { quota_left, last, .. } if of == period => {
            note_state(engine, &mailbox, *quota_left, *last);
            let new = engine.mailboxes.accepted(now, out, &mailbox);
            // Whatever becomes of the next period's: what is there can be read.
            subscribe_once(engine, out, mailbox, period);
            if new {
                tell_everyone(engine, out);
                engine.core.timers.set_earlier(TimerKey::Mail, now);
            }
            engine.network_changed(out);
        }
        Answer::Registered { .. } => {}
        Answer::Moved { .. } => {
            subscribe_once(engine, out, mailbox, period);
            choosing::closing(engine, out, &mailbox);
            engine.network_changed(out);
        }
        Answer::WorkWanted { challenge, bits } => {
            if let Some(own) = engine.mailboxes.get_mut(&mailbox)
                && own.work.is_none()
            {
                own.work = Some(Work { period: of, challenge: *challenge, bits: *bits, next: 0 });
                engine.core.timers.set_earlier(TimerKey::Work, now);
            }
        }
        _ => {
            engine.core.stats.mailbox_refusals += 1;
            if engine.mailboxes.get(&mailbox).is_some_and(|own| !own.accepted) {
                choosing::refused(engine, out, &mailbox);
            }
        }
    }
}

/// Goes on with the work that mailboxes want.
pub(crate) fn work(engine: &mut Engine, out: &mut Output) {
    let (seed, period) = (engine.mailboxes.seed().clone(), mailbox::period_at(engine.core.now));
    let under_way: Vec<_> =
        engine.mailboxes.all().filter_map(|(device, own)| Some((*device, own.work?))).collect();
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
                register(engine, out, device, period, &Admission::Work { proof });
            }
        }
    }
}

/// Notes what a mailbox says of our inbox. Places are times (`kith-mailbox`).
fn note_state(engine: &mut Engine, mailbox: &DeviceId, quota_left: u64, last: Sequence) {
    let now = engine.core.now;
    if let Some(own) = engine.mailboxes.get_mut(mailbox) {
        own.quota_left = Some(quota_left);
        own.left_at = own.left_at.max((last > 0).then(|| Timestamp(last >> 16).min(now)));
    }
}

fn subscribe_once(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    let reading = engine.mailboxes.reading(&mailbox, period);
    if !std::mem::replace(&mut reading.subscribed, true) {
        subscribe(engine, out, mailbox, period);
    }
}

fn subscribe(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    let used_for = Use::Read { mailbox, period };
    let Some(nonce) = engine.askers.nonce(used_for) else { return };
    let seed = engine.mailboxes.seed();
    let key = mailbox::inbox_key(seed, &mailbox, period);
    let reader = mailbox::reader(seed, &mailbox, period, &engine.devices.device());
    let mut request = Request::Subscribe { inbox: key.public(), reader, after: 0, signature: [0; 64] };
    key.sign(&mailbox, &nonce, &mut request);
    engine.askers.ask(out, used_for, request, Asked::Subscribe);
}

/// A mailbox says what is there.
fn listed(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32, word: Answer) {
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
            engine.mailboxes.reading(&mailbox, period).caught_up = true;
            if period == mailbox::period_at(engine.core.now) {
                // Contacts may have come since it was registered.
                register(engine, out, mailbox, period, &Admission::Open {});
            }
            fetch(engine, out, mailbox, period);
        }
        Answer::Moved { .. } => choosing::closing(engine, out, &mailbox),
        // An inbox of another period may never have been opened.
        Answer::NoQueue {} if period != mailbox::period_at(engine.core.now) => {
            finish(engine, out, mailbox, period);
        }
        _ => engine.core.stats.mailbox_refusals += 1,
    }
}

fn note_entry(engine: &mut Engine, mailbox: DeviceId, period: u32, entry: &IndexEntry) {
    let found = engine.mailboxes.was_found(&entry.envelope);
    let now = engine.core.now;
    if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
        own.left_at = own.left_at.max(Some(Timestamp(entry.sequence >> 16).min(now)));
    }
    let reading = engine.mailboxes.reading(&mailbox, period);
    if found {
        reading.to_delete.push(entry.sequence);
    } else if reading.queues.contains_key(&entry.queue) && reading.to_fetch.len() < MAX_LISTED {
        reading.to_fetch.push_back((entry.sequence, entry.queue, entry.envelope));
    }
    // Mail of nobody that we know ends by itself; deleting it could not be taken back.
}

/// Fetches more, deletes what is safe, and ends a reading that has come to its end.
fn fetch(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
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
        let sequences: Vec<Sequence> = batch.iter().map(|(sequence, ..)| *sequence).collect();
        let count = sequences.len();
        if count == 0 {
            continue;
        }
        reading.fetching.extend(batch.into_iter().map(|(sequence, queue, _)| (sequence, queue)));
        let request = Request::Get { sequences: BoundedVec::truncated(sequences) };
        engine.askers.ask(out, used_for, request, Asked::Get(count));
    }
    let reading = engine.mailboxes.reading(&mailbox, period);
    let idle = reading.fetching.is_empty();
    if !reading.to_delete.is_empty() && (idle || reading.to_delete.len() >= FETCHING) {
        for part in std::mem::take(&mut reading.to_delete).chunks(kith_proto::mailbox::MAX_INDEX) {
            let request = Request::DeleteThese { sequences: BoundedVec::truncated(part.to_vec()) };
            engine.askers.ask(out, used_for, request, Asked::Delete);
        }
    }
    let over = engine.mailboxes.reading(&mailbox, period).caught_up && idle;
    if !over {
        return;
    }
    let now = engine.core.now;
    if period < mailbox::period_at(now) {
        return finish(engine, out, mailbox, period);
    }
    if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
        own.read_at = Some(now);
    }
    choosing::leave_if_empty(engine, out, &mailbox);
}

/// The inbox of another period has been read to its end.
fn finish(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    engine.askers.close(out, Use::Read { mailbox, period });
    engine.mailboxes.stop_reading(&mailbox, period);
    let now = engine.core.now;
    if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
        own.drained = Some(now);
    }
    choosing::leave_if_empty(engine, out, &mailbox);
}

/// An envelope was fetched.
fn fetched(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    (mailbox, period): (DeviceId, u32),
    sequence: Sequence,
    envelope: &Envelope,
) {
    let reading = engine.mailboxes.reading(&mailbox, period);
    let Some(queue) = reading.fetching.remove(&sequence) else {
        engine.core.stats.bad_mailbox_answers += 1;
        return;
    };
    let owner = reading.queues.get(&queue).copied();
    engine.core.stats.fetched += 1;
    let settled = match owner {
        _ if engine.mailboxes.was_found(&envelope.id()) => true,
        Some(Owner::Device(device)) => arrivals::mail(engine, rows, out, &device, envelope),
        Some(Owner::Invite(_)) => match engine.sessions.first_device(&engine.devices, envelope) {
            Some(device) => arrivals::mail(engine, rows, out, &device, envelope),
            None => true,
        },
        None => true,
    };
    if settled {
        engine.mailboxes.note_found(envelope.id());
        engine.mailboxes.reading(&mailbox, period).to_delete.push(sequence);
    }
    fetch(engine, out, mailbox, period);
}

/// Contacts, invites or their states are others: mailboxes hear of new queues.
pub(crate) fn queues_changed(engine: &mut Engine, out: &mut Output) {
    let period = mailbox::period_at(engine.core.now);
    let own: Vec<DeviceId> = engine.mailboxes.all().map(|(device, _)| *device).collect();
    for mailbox in own {
        if engine.mailboxes.reading(&mailbox, period).caught_up {
            register(engine, out, mailbox, period, &Admission::Open {});
        }
    }
}

/// Somebody was let in: what was left alone in the mailboxes is listed again.
pub(crate) fn read_again(engine: &mut Engine, out: &mut Output) {
    let period = mailbox::period_at(engine.core.now);
    let own: Vec<DeviceId> = engine.mailboxes.all().map(|(device, _)| *device).collect();
    for mailbox in own {
        if engine.mailboxes.reading(&mailbox, period).caught_up {
            subscribe(engine, out, mailbox, period);
        }
    }
}

/// What a device of a contact is told about our mailboxes, unless it knows.
pub(crate) fn untold(engine: &mut Engine, out: &mut Output, device: &DeviceId) -> Option<Content> {
    let version = engine.mailboxes.version;
    let told = engine.deposits.get(device).map_or(0, |row| row.told);
    if version == 0 || told >= version {
        return None;
    }
    let fresh = engine.core.random();
    let secret = *engine.deposits.own_secret(fresh, device, out).as_bytes();
    engine.deposits.update(device, out, |row| row.told = version);
    // A time: if an old disk was put back here, this has to be newer than what was told before that.
    let version = version.max(engine.core.now.0);
    Some(Content::Mailboxes(MailboxList { version, secret, places: engine.mailboxes.places() }))
}

/// Tells a device of an accepted contact about our mailboxes again: one of us has forgotten.
pub(crate) fn tell_again(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    if engine.deposits.get(device).is_some_and(|row| row.told > 0) {
        engine.deposits.update(device, out, |row| row.told = 0);
        tell(engine, out, device);
    }
}

/// Tells a device of an accepted contact about our mailboxes, unless it knows.
pub(crate) fn tell(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let Some(content) = untold(engine, out, device) else { return };
    let same = |content: &Content| matches!(content, Content::Mailboxes(_));
    if !engine.outbox.replace_waiting(&mut engine.peers, out, device, &content, same) {
        engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, device, vec![content], None);
    }
    links::pump(engine, out, device);
}

fn tell_everyone(engine: &mut Engine, out: &mut Output) {
    let accepted = |contact| engine.contacts.state(contact) == Some(ContactState::Accepted);
    let devices: Vec<_> =
        engine.peers.all().filter(|(_, row)| accepted(&row.contact)).map(|(device, _)| *device).collect();
    for device in devices {
        tell(engine, out, &device);
    }
    queues_changed(engine, out);
    cards::publish_card(engine, out);
}

/// The own mailboxes as front ends see them.
pub(crate) fn views(engine: &Engine) -> Vec<MailboxView> {
    let view = |(device, own): (&DeviceId, &crate::mailboxes::Own)| MailboxView {
        device: *device,
        address: own.address.clone(),
        accepted: own.accepted,
        connected: engine.askers.is_ready(device),
        chosen: engine.choices.is_wanted(device),
        refused: own.refused,
        closing: own.closing,
        since: own.since,
        left_at: own.left_at,
        read_at: own.read_at,
        quota_left: own.quota_left,
    };
    engine.mailboxes.all().map(view).collect()
}

/// What has to go on after a start.
pub(crate) fn start(engine: &mut Engine) {
    let now = engine.core.now;
    engine.core.timers.set(TimerKey::Mail, now);
    let devices: Vec<DeviceId> = engine.peers.all().map(|(device, _)| *device).collect();
    for device in devices {
        if leaving::owes_receipt(engine, &device) {
            engine.deposits.owed.insert(device);
            engine.core.timers.set_earlier(TimerKey::Notes, now + leaving::NOTES_AT_START);
        }
    }
}
