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
use kith_crypto::mailbox::MailboxKey;
use kith_crypto::record;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::id::DeviceId;
use kith_proto::id::QueueId;
use kith_proto::id::RecordKey;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::MAX_QUEUES;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkProof;
use kith_proto::payload::Content;
use kith_proto::payload::MailboxList;
use kith_proto::payload::Payload;
use kith_proto::payload::Position;
use kith_proto::record::CardRecord;
use kith_proto::record::Record;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::arrivals;
use crate::askers::Asked;
use crate::askers::Use;
use crate::contents;
use crate::deposits::Note;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::inbox::Inbox;
use crate::links;
use crate::mailboxes::Owner;
use crate::mailboxes::Work;
use crate::outbox::Next;
use crate::output::Output;
use crate::timer::TimerKey;
use crate::view::ContactState;
use crate::view::MailboxView;
use crate::view::MessageState;

/// What waits for a connected device may take so long before it is also left in mailboxes.
const HEAD_START: Span = Span::from_secs(2);

/// Deposits of one channel under way to one mailbox.
const FLYING: usize = 128;

/// Envelopes that are fetched at once, and in one request.
const FETCHING: usize = 256;
const FETCHED_AT_ONCE: usize = 64;

/// Receipts by mailbox wait so long, so that a backlog is confirmed once.
const NOTES_AFTER: Span = Span::from_millis(300);

/// After a start, direct connections get so long before receipts go by mailbox.
const NOTES_AT_START: Span = Span::from_secs(10);

/// Receipts that got lost are tried again after this.
const NOTES_AGAIN: Span = Span::from_secs(30);

/// A queue that was not there may be registered soon; a mailbox that is full is not emptied at once.
const NO_QUEUE_PAUSE: Span = Span::from_minutes(1);
const FULL_PAUSE: Span = Span::from_minutes(10);

/// The longest that a mailbox's word about when to come again is believed.
const QUOTA_PAUSE_MAX: Span = Span::from_hours(6);

/// A mailbox that has not answered for so long is replaced when another can be had.
const GIVEN_UP_AFTER: Span = Span::from_days(1);

/// How often the inbox of the period before is read again while clocks may differ.
const REREAD_AFTER: Span = Span::from_hours(1);

/// How long a card stays in the DHT: as long as the DHT keeps anything, less an hour for clocks that differ.
const CARD_LIFE: Span = Span::from_hours(47);

/// Hashes tried in one step: some milliseconds.
const WORK_SLICE: u64 = 20_000;

/// A node is connected that may serve as a mailbox.
pub(crate) fn candidate(engine: &mut Engine, node: &kith_proto::address::DeviceAddress) {
    engine.mailboxes.candidate(node);
    engine.askers.try_again();
    engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
}

/// Opens the streams that should be open.
pub(crate) fn look_after(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    replace_lost(engine, out);
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
        leave(engine, out, &device);
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
            let down = engine.askers.down_since(device);
            down.is_some_and(|since| now.since(since) >= GIVEN_UP_AFTER || !own.accepted && now > since)
        })
        .map(|(device, _)| *device)
        .collect();
    let candidates: Vec<_> = engine
        .presence
        .bootstraps_connected()
        .filter(|node| engine.mailboxes.get(&node.device).is_none())
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

fn give_up(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
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
                if owes_receipt(engine, &device) {
                    engine.deposits.owed.insert(device);
                    engine.core.timers.set_earlier(TimerKey::Notes, engine.core.now + NOTES_AGAIN);
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
        (Use::Read { mailbox, period }, Asked::Register { period: of, last }, word) => {
            registered(engine, out, (mailbox, period), (of, last), &word);
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
            let about = Deposited { mailbox, device, position, queue, envelope, told };
            deposited(engine, out, &about, &word);
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
            flush_notes(engine, out, &mailbox);
            for device in engine.deposits.served_by(&mailbox) {
                fill(engine, out, &device, &mailbox);
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
        let new: Vec<_> = queues.into_iter().filter(|(queue, _)| known.insert(*queue)).collect();
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
        let count = chunks.len();
        for (at, chunk) in chunks.into_iter().enumerate() {
            let mut request = Request::Register {
                inbox: key.public(),
                period: of,
                readers: BoundedVec::truncated(vec![reader]),
                queues: BoundedVec::truncated(chunk),
                admission: admission.clone(),
                signature: [0; 64],
            };
            key.sign(&mailbox, &nonce, &mut request);
            let last = of != period && at + 1 == count;
            engine.askers.ask(out, used_for, request, Asked::Register { period: of, last });
        }
    }
}

/// A registration was answered.
fn registered(
    engine: &mut Engine,
    out: &mut Output,
    (mailbox, period): (DeviceId, u32),
    (of, last): (u32, bool),
    word: &Answer,
) {
    let now = engine.core.now;
    match word {
        Answer::Registered { .. } if last => {
            let new = engine.mailboxes.accepted(now, out, &mailbox);
            if !engine.mailboxes.reading(&mailbox, period).caught_up {
                subscribe(engine, out, mailbox, period);
            }
            if new {
                tell_everyone(engine, out);
                engine.core.timers.set_earlier(TimerKey::Mail, now);
            }
            engine.network_changed(out);
        }
        Answer::Registered { .. } => {}
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
                give_up(engine, out, &mailbox);
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
        // An inbox of another period may never have been opened.
        Answer::NoQueue {} if period != mailbox::period_at(engine.core.now) => {
            finish(engine, out, mailbox, period);
        }
        _ => engine.core.stats.mailbox_refusals += 1,
    }
}

fn note_entry(engine: &mut Engine, mailbox: DeviceId, period: u32, entry: &IndexEntry) {
    let found = engine.mailboxes.was_found(&entry.envelope);
    let reading = engine.mailboxes.reading(&mailbox, period);
    if found || !reading.queues.contains_key(&entry.queue) {
        reading.to_delete.push(entry.sequence);
    } else {
        reading.to_fetch.push_back((entry.sequence, entry.queue));
    }
}

/// Fetches more, deletes what is safe, and ends a reading that has come to its end.
fn fetch(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    let used_for = Use::Read { mailbox, period };
    while engine.askers.fetching(used_for) < FETCHING {
        let reading = engine.mailboxes.reading(&mailbox, period);
        let count = reading.to_fetch.len().min(FETCHED_AT_ONCE);
        let batch: Vec<_> = reading.to_fetch.drain(..count).collect();
        if batch.is_empty() {
            break;
        }
        let sequences: Vec<Sequence> = batch.iter().map(|(sequence, _)| *sequence).collect();
        reading.fetching.extend(batch);
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
    if over && period < mailbox::period_at(engine.core.now) {
        finish(engine, out, mailbox, period);
    }
}

/// The inbox of another period has been read to its end.
fn finish(engine: &mut Engine, out: &mut Output, mailbox: DeviceId, period: u32) {
    engine.askers.close(out, Use::Read { mailbox, period });
    engine.mailboxes.stop_reading(&mailbox, period);
    let now = engine.core.now;
    if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
        own.drained = Some(now);
    }
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
    Some(Content::Mailboxes(MailboxList { version, secret, places: engine.mailboxes.places() }))
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
    publish_card(engine, out);
}

/// A device says where its mailboxes are.
pub(crate) fn learn(engine: &mut Engine, out: &mut Output, device: &DeviceId, list: MailboxList) {
    engine.deposits.learn(device, list, out);
    consider(engine, device);
}

/// Something waits for a device: when it goes to its mailboxes.
pub(crate) fn consider(engine: &mut Engine, device: &DeviceId) {
    if engine.deposits.get(device).is_none_or(|row| row.theirs.is_none()) {
        return;
    }
    let Some(oldest) = engine.outbox.oldest(device) else { return };
    let direct = engine.presence.is_ready(device);
    let at = if direct { oldest + HEAD_START } else { engine.core.now };
    engine.core.timers.set_earlier(TimerKey::Leave(*device), at.max(engine.core.now));
}

/// Leaves what waits for a device in its mailboxes, unless a connection is about to carry it.
pub(crate) fn leave(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let now = engine.core.now;
    let Some(opening_only) = links::opening_only(engine, device) else { return };
    let Some(oldest) =
        engine.outbox.oldest(device).filter(|_| engine.outbox.unconfirmed(device, opening_only))
    else {
        return;
    };
    if engine.presence.is_ready(device) && oldest + HEAD_START > now {
        return engine.core.timers.set_earlier(TimerKey::Leave(*device), oldest + HEAD_START);
    }
    for (mailbox, addresses) in engine.deposits.mailboxes_of(device) {
        let later = engine.askers.open(&engine.core, out, Use::Leave { mailbox }, addresses);
        if let Some(later) = later {
            engine.core.timers.set_earlier(TimerKey::Mail, later);
        }
        fill(engine, out, device, &mailbox);
    }
}

/// Puts as much on the way to a mailbox as may fly at once.
fn fill(engine: &mut Engine, out: &mut Output, device: &DeviceId, mailbox: &DeviceId) {
    let now = engine.core.now;
    let used_for = Use::Leave { mailbox: *mailbox };
    let Some(opening_only) = links::opening_only(engine, device) else { return };
    let Some(nonce) = engine.askers.nonce(used_for) else { return };
    let Some((queue, key)) = queue_for(engine, device, mailbox) else { return };
    loop {
        let kept = engine.deposits.kept(now, device, mailbox);
        let flight = engine.deposits.flight(device, mailbox);
        if flight.paused_until > now {
            let until = flight.paused_until;
            return engine.core.timers.set_earlier(TimerKey::Leave(*device), until);
        }
        if flight.flying.len() >= FLYING {
            return;
        }
        let from = kept.max(flight.asked);
        let Some((position, next)) = engine.outbox.after(device, from, opening_only) else { return };
        let envelope = match next {
            Next::Sealed(envelope) => envelope,
            Next::Unsealed(payload) => match links::seal_for(engine, out, device, &payload) {
                Some(envelope) => envelope,
                None => return,
            },
        };
        let first = engine.outbox.mark_left(&mut engine.peers, out, device, position, &envelope);
        if let Some((chat, message)) = first {
            out.event(Event::MessageState { chat, message, state: MessageState::Sent });
        }
        let flight = engine.deposits.flight(device, mailbox);
        flight.flying.insert(position);
        flight.asked = position;
        let about = (*device, Some(position), 0);
        deposit(engine, out, used_for, &nonce, (queue, &key), envelope, about);
    }
}

/// Where a device's envelopes go at a mailbox, and the key to sign them with.
fn queue_for(engine: &Engine, device: &DeviceId, mailbox: &DeviceId) -> Option<(QueueId, MailboxKey)> {
    let theirs = engine.deposits.get(device)?.theirs.as_ref()?;
    let secret = kith_crypto::secret::Secret32::new(theirs.secret);
    Some(mailbox::queue(&secret, mailbox, mailbox::period_at(engine.core.now)))
}

fn deposit(
    engine: &mut Engine,
    out: &mut Output,
    used_for: Use,
    nonce: &kith_proto::mailbox::Nonce,
    (queue, key): (QueueId, &MailboxKey),
    envelope: Envelope,
    (device, position, told): (DeviceId, Option<Position>, Position),
) {
    let asked = Asked::Deposit { device, position, queue, envelope: envelope.id(), told };
    let keep = KeepFor::Days14;
    let mut request = Request::Deposit { queue, envelope, keep, work: None, signature: [0; 64] };
    key.sign(&used_for.mailbox(), nonce, &mut request);
    engine.askers.ask(out, used_for, request, asked);
}

/// A deposit that was answered.
struct Deposited {
    mailbox: DeviceId,
    device: DeviceId,
    position: Option<Position>,
    queue: QueueId,
    envelope: kith_proto::id::EnvelopeId,
    told: Position,
}

fn deposited(engine: &mut Engine, out: &mut Output, about: &Deposited, word: &Answer) {
    let now = engine.core.now;
    let (device, mailbox) = (&about.device, &about.mailbox);
    let pause = match word {
        Answer::Stored { envelope, expires, signature } => {
            let genuine = *envelope == about.envelope
                && mailbox::is_receipt(mailbox, &about.queue, envelope, *expires, signature);
            if !genuine {
                engine.core.stats.bad_mailbox_answers += 1;
                FULL_PAUSE
            } else {
                return kept(engine, out, about);
            }
        }
        Answer::OverQuota { retry_after_secs } => {
            Span::from_secs(u64::from(*retry_after_secs)).min(QUOTA_PAUSE_MAX).max(Span::from_secs(1))
        }
        Answer::NoQueue {} => NO_QUEUE_PAUSE,
        _ => FULL_PAUSE,
    };
    engine.core.stats.mailbox_refusals += 1;
    if about.position.is_some() {
        engine.deposits.pause(device, mailbox, now + pause);
        engine.core.timers.set_earlier(TimerKey::Leave(*device), now + pause);
    }
}

/// A mailbox has promised to keep an envelope.
fn kept(engine: &mut Engine, out: &mut Output, about: &Deposited) {
    let (device, mailbox) = (&about.device, &about.mailbox);
    engine.core.stats.deposited += 1;
    let Some(position) = about.position else {
        let told = about.told;
        return engine.deposits.update(device, out, |row| row.receipt_told = row.receipt_told.max(told));
    };
    let grown = engine.deposits.stored(engine.core.now, out, device, mailbox, position);
    if let Some((from, to)) = grown {
        let mut chats = None;
        for (chat, message) in engine.outbox.between(device, from, to) {
            out.event(Event::MessageState { chat, message, state: MessageState::Stored });
            chats = Some(chat);
        }
        if let Some(chat) = chats {
            engine.chat_changed(out, &chat);
        }
    }
    fill(engine, out, device, mailbox);
}

/// Publishes what the holder of an invite needs to write while this device is away.
pub(crate) fn publish_card(engine: &mut Engine, out: &mut Output) {
    let places = engine.mailboxes.places();
    if places.is_empty() {
        return;
    }
    let now = engine.core.now;
    let card = CardRecord {
        device_list: engine.devices.own_list(),
        bundle: engine.devices.own_bundle_for_many(),
        places,
    };
    // As long as the DHT keeps anything: whoever publishes is about to go.
    let expires = now + CARD_LIFE;
    // Several changes of one moment have versions that follow each other.
    let sequence = now.0.max(engine.mailboxes.version);
    let period = record::period_at(now);
    for period in [period, period.saturating_add(1)] {
        let (rng, secret) = (&mut engine.core.rng, &engine.devices.secret);
        let sealed = record::seal_card(rng, secret, period, sequence, expires, &card);
        if let Some(record) = sealed {
            out.effect(Effect::Publish { record });
        }
    }
}

/// Looks for the card of a device that was asked by an invite and cannot be reached.
pub(crate) fn look_for_card(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let Some(contact) = engine.peers.contact_of(device) else { return };
    let asking = engine
        .contacts
        .get(&contact)
        .is_some_and(|row| row.state() == ContactState::Requested && row.invite.is_some());
    if !asking || engine.deposits.get(device).is_some_and(|row| row.theirs.is_some()) {
        return;
    }
    let period = record::period_at(engine.core.now);
    for period in [period, period.saturating_sub(1)] {
        let Some(key) = record::card_key(device, period) else { continue };
        if engine.deposits.cards.insert(key, (*device, period)).is_none() {
            out.effect(Effect::LookUp { key });
        }
    }
}

/// A card came. Returns whether it was looked for.
pub(crate) fn found(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    key: &RecordKey,
    record: &Record,
) -> bool {
    let Some((device, period)) = engine.deposits.cards.get(key).copied() else { return false };
    let card = record::open_card(&device, period, record).ok().filter(|_| record.expires > engine.core.now);
    let contact = engine.peers.contact_of(&device);
    let (Some(card), Some(contact)) = (card, contact) else {
        engine.core.stats.bad_records += 1;
        return true;
    };
    let invite =
        engine.contacts.get(&contact).and_then(|row| row.invite.as_ref()).map(|secret| secret.0.clone());
    let learned = engine
        .devices
        .learn_list(&mut engine.core, out, &contact, &card.device_list)
        .and_then(|()| engine.devices.learn_bundle(&engine.core, out, &contact, &device, &card.bundle));
    let (Some(invite), Ok(_)) = (invite, learned) else {
        engine.core.stats.bad_proofs += 1;
        return true;
    };
    contents::match_devices(engine, rows, out, &contact);
    // Older than anything that the device itself will say.
    let secret = *mailbox::invite_secret(&invite).as_bytes();
    learn(engine, out, &device, MailboxList { version: 1, secret, places: card.places });
    true
}

/// Whether a device has not been told how far we are.
fn owes_receipt(engine: &Engine, device: &DeviceId) -> bool {
    let Some(row) = engine.deposits.get(device) else { return false };
    row.theirs.is_some() && engine.peers.get(device).is_some_and(|peer| peer.taken > row.receipt_told)
}

/// A device that is not connected is owed a receipt.
pub(crate) fn owe_receipt(engine: &mut Engine, device: &DeviceId) {
    if engine.deposits.get(device).is_some_and(|row| row.theirs.is_some()) {
        engine.deposits.owed.insert(*device);
        engine.core.timers.set_earlier(TimerKey::Notes, engine.core.now + NOTES_AFTER);
    }
}

/// A connection ended on which receipts were said.
pub(crate) fn said_until_now(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let taken = engine.peers.get(device).map_or(0, |row| row.taken);
    if engine.deposits.get(device).is_some_and(|row| row.theirs.is_some() && row.receipt_told < taken) {
        engine.deposits.update(device, out, |row| row.receipt_told = taken);
    }
}

/// Puts receipts on their way to the mailboxes of those who are not connected.
pub(crate) fn send_notes(engine: &mut Engine, out: &mut Output) {
    for device in std::mem::take(&mut engine.deposits.owed) {
        if engine.presence.is_ready(&device) {
            continue;
        }
        let receipt = Inbox::receipt(&engine.peers, &device);
        let contents = BoundedVec::truncated(vec![Content::Receipt(receipt)]);
        let payload = Payload { position: 0, previous: 0, floor: 0, sent_at: engine.core.now, contents };
        let sealed = engine.sessions.seal(&mut engine.core, out, &device, &payload.to_bytes());
        let Some(envelope) = sealed else { continue };
        for (mailbox, addresses) in engine.deposits.mailboxes_of(&device) {
            let note = Note { device, envelope: envelope.clone(), told: receipt.delivered };
            engine.deposits.push_note(&mailbox, note);
            let later = engine.askers.open(&engine.core, out, Use::Leave { mailbox }, addresses);
            if let Some(later) = later {
                engine.core.timers.set_earlier(TimerKey::Mail, later);
            }
            flush_notes(engine, out, &mailbox);
        }
    }
}

fn flush_notes(engine: &mut Engine, out: &mut Output, mailbox: &DeviceId) {
    let used_for = Use::Leave { mailbox: *mailbox };
    let Some(nonce) = engine.askers.nonce(used_for) else { return };
    while let Some(Note { device, envelope, told }) = engine.deposits.pop_note(mailbox) {
        if let Some((queue, key)) = queue_for(engine, &device, mailbox) {
            deposit(engine, out, used_for, &nonce, (queue, &key), envelope, (device, None, told));
        }
    }
}

/// The own mailboxes as front ends see them.
pub(crate) fn views(engine: &Engine) -> Vec<MailboxView> {
    let view = |(device, own): (&DeviceId, &crate::mailboxes::Own)| MailboxView {
        device: *device,
        address: own.address.clone(),
        accepted: own.accepted,
        connected: engine.askers.is_ready(device),
    };
    engine.mailboxes.all().map(view).collect()
}

/// What has to go on after a start.
pub(crate) fn start(engine: &mut Engine) {
    let now = engine.core.now;
    engine.core.timers.set(TimerKey::Mail, now);
    let devices: Vec<DeviceId> = engine.peers.all().map(|(device, _)| *device).collect();
    for device in devices {
        if owes_receipt(engine, &device) {
            engine.deposits.owed.insert(device);
            engine.core.timers.set_earlier(TimerKey::Notes, now + NOTES_AT_START);
        }
    }
}
