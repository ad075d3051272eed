//! The own inboxes at their mailboxes: opening them, telling which queues are open and whose, and what to do when a mailbox
//! says no, or opens less than it was asked for.
//!
//! Not here: what lies in the queues (`reading`), which mailboxes are ours (`choosing`).

use std::collections::BTreeSet;

use kith_crypto::mailbox;
use kith_crypto::secret::Secret32;
use kith_proto::bounded::BoundedVec;
use kith_proto::id::DeviceId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::MAX_QUEUES;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkProof;
use kith_proto::time::Span;

use crate::askers::Asked;
use crate::askers::Use;
use crate::choosing;
use crate::engine::Engine;
use crate::groups::hosts;
use crate::mail;
use crate::mailboxes::Own;
use crate::mailboxes::Owner;
use crate::mailboxes::Work;
use crate::offers;
use crate::output::Output;
use crate::reading::subscribe_once;
use crate::timer::TimerKey;
use crate::view::ContactState;
use crate::view::MailboxRefusal;

/// Hashes tried in one step: some milliseconds.
const WORK_SLICE: u64 = 20_000;

/// A mailbox that would not open an inbox is not asked again for so long, if another can be had.
const REFUSED_FOR: Span = Span::from_days(1);

/// Who is to come again within so long is not refused: others of the same network came at the same time.
const TOO_FAST: Span = Span::from_minutes(2);

/// So often in a row that is believed.
const TOO_FAST_TIMES: u32 = 30;

/// The least of it, whatever the mailbox says.
const MIN_REFUSED: Span = Span::from_hours(1);

/// Queues that a mailbox did not open are asked for again so often.
const ASK_AGAIN_AFTER: Span = Span::from_hours(1);

/// So many mailboxes have to say that a contact's queue is another's, if there are so many, before the contact gets another
/// secret: it is for all of them, and the word of one must not take away the place that the others have.
const WITNESSES: usize = 2;

/// A mailbox that opened fewer queues than it was asked for so often in a row, each an hour later, is no good.
const MISSING_TIMES: u32 = 3;

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

/// Notes whose the queues of a period at a mailbox are.
pub(crate) fn note_owners(
    engine: &mut Engine,
    out: &mut Output,
    mailbox: DeviceId,
    reading: u32,
    period: u32,
) {
    owners(engine, out, mailbox, reading, period);
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
        let former = engine.deposits.former_secret(engine.core.now, &device, out);
        let open = state != Some(ContactState::Blocked);
        for secret in former.into_iter().chain([secret]) {
            let (queue, key) = mailbox::queue(&secret, &mailbox, period);
            found.push((queue, Some(Owner::Device(device)), open.then(|| key.public()), None));
        }
    }
    // Nothing is read there any more.
    for secret in engine.deposits.closed(engine.core.now, out) {
        found.push((mailbox::queue(&secret, &mailbox, period).0, None, None, None));
    }
    let invites = engine.contacts.invites(engine.core.now);
    let by_links = hosts::secrets(engine).into_iter().map(|secret| (secret.id(), secret, true));
    for (invite, secret, open) in invites.into_iter().chain(by_links) {
        let secret = mailbox::invite_secret(&secret);
        let Some((queue, key)) = mailbox::open_queue(&own, &secret, &mailbox, period) else { continue };
        found.push((queue, Some(Owner::Invite(invite)), open.then(|| key.public()), Some(secret)));
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
            found.push((queue, Some(Owner::Invite(invite.id())), access, Some(secret)));
        }
    }
    let reading = engine.mailboxes.reading(&mailbox, reading);
    let mut told = Vec::with_capacity(found.len());
    for (queue, owner, access, secret) in found {
        match owner {
            Some(owner) => reading.queues.insert(queue, owner),
            None => reading.queues.remove(&queue),
        };
        told.push(Told { queue, access, secret });
    }
    told
}

/// Registers the inboxes of this period and the next, with every queue that the mailbox does not know yet. Without an
/// `admission`: with the owner's voucher, if there is one.
pub(crate) fn register(
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
            // They are asked for again now; those of periods that have ended, never.
            own.without.retain(|_, (without, _)| *without != of && *without >= period);
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
        let last = chunks.len();
        for (number, chunk) in (1..).zip(chunks) {
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
            let expected = u32::try_from(open).unwrap_or(u32::MAX);
            let about = Registration { of, expected, last: number == last };
            let asked = Asked::Register(about);
            engine.askers.ask(&mut engine.core, out, used_for, request, asked);
        }
    }
}

/// What a registration was about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Registration {
    /// Which period's inbox.
    pub(crate) of: u32,
    /// How many queues should be open in it then.
    pub(crate) expected: u32,
    /// Whether all of them have been asked for then.
    pub(crate) last: bool,
}

/// A registration was answered.
pub(crate) fn registered(
    engine: &mut Engine,
    out: &mut Output,
    (mailbox, period): (DeviceId, u32),
    about: Registration,
    word: &Answer,
) {
    let (now, of) = (engine.core.now, about.of);
    match word {
        Answer::Registered { quota_left, last, queues, left_out, .. } => {
            mail::worked(engine, out, Use::Read { mailbox, period });
            engine.standing.has_room(out, &mailbox, *quota_left);
            without_place(engine, out, (mailbox, period), of, left_out);
            if of == period {
                note_state(engine, &mailbox, *quota_left, *last);
                engine.standing.let_in(out, &mailbox);
                if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
                    own.too_fast = (0, None);
                }
                let new = engine.mailboxes.accepted(now, out, &mailbox);
                // Whatever becomes of the next period's: what is there can be read.
                subscribe_once(engine, out, mailbox, period);
                if new {
                    choosing::tell_everyone(engine, out);
                    engine.core.timers.set_earlier(TimerKey::Mail, now);
                }
                engine.network_changed(out);
            }
            if about.last {
                note_missing(engine, out, &mailbox, (about, of == period), *queues);
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
            } else if of != period {
                engine.core.stats.mailbox_refusals += 1;
            } else {
                refused(engine, out, (mailbox, period), REFUSED_FOR, MailboxRefusal::TooHard);
            }
        }
        Answer::OverQuota { retry_after_secs }
            if is_too_fast(engine, out, (mailbox, period), *retry_after_secs) => {}
        // A no about the next period is none about this one, and periods begin for everybody at once.
        _ if of != period => engine.core.stats.mailbox_refusals += 1,
        Answer::OverQuota { retry_after_secs } => {
            let pause = Span::from_secs(u64::from(*retry_after_secs)).clamp(MIN_REFUSED, REFUSED_FOR);
            refused(engine, out, (mailbox, period), pause, MailboxRefusal::TooMuch);
        }
        Answer::Full {} => refused(engine, out, (mailbox, period), REFUSED_FOR, MailboxRefusal::Full),
        _ => refused(engine, out, (mailbox, period), REFUSED_FOR, MailboxRefusal::NotKnown),
    }
}

/// A mailbox says that it was asked too much at once. If it is to be asked again soon, that is when, and true.
fn is_too_fast(engine: &mut Engine, out: &mut Output, (mailbox, period): (DeviceId, u32), secs: u32) -> bool {
    let pause = Span::from_secs(u64::from(secs.max(1)));
    let chance = u64::from(engine.core.random::<1>()[0]);
    let Some(own) = engine.mailboxes.get_mut(&mailbox).filter(|_| pause <= TOO_FAST) else { return false };
    let (times, next) = own.too_fast;
    if next.is_some() {
        // The same was said about the other half of the registration.
        return true;
    }
    if times >= TOO_FAST_TIMES {
        return false;
    }
    // Whoever was told so at the same time does not come back at the same time.
    let at = engine.core.now + pause + Span(chance * 20 * u64::from(times + 1));
    own.too_fast = (times + 1, Some(at));
    engine.mailboxes.reading(&mailbox, period).registered.clear();
    engine.core.timers.set_earlier(TimerKey::Mail, at);
    engine.network_changed(out);
    true
}

/// Queues that another inbox has are asked for again later. A contact's device whose queue enough mailboxes leave out gets
/// another secret, and so other queues.
fn without_place(
    engine: &mut Engine,
    out: &mut Output,
    (mailbox, period): (DeviceId, u32),
    of: u32,
    left_out: &[QueueId],
) {
    let mut devices = BTreeSet::new();
    for queue in left_out {
        // What nothing was asked about is no news of ours.
        let Some(owner) = engine.mailboxes.reading(&mailbox, period).queues.get(queue).copied() else {
            continue;
        };
        if let Owner::Device(device) = owner {
            // A former one is there for what was left already.
            if engine.deposits.current_queue(&device, &mailbox, of) != Some(*queue) {
                continue;
            }
            devices.insert(device);
        }
        engine.mailboxes.reading(&mailbox, period).registered.remove(queue);
        if let Some(own) = engine.mailboxes.get_mut(&mailbox) {
            own.without.insert(*queue, (of, owner));
        }
    }
    devices.retain(|device| is_squatted(engine, device));
    let mut renewed = false;
    for device in devices {
        let fresh = engine.core.random();
        if engine.deposits.renew_secret(engine.core.now, out, &device, fresh) {
            renewed = true;
            engine.mailboxes.has_place(&device);
            choosing::tell(engine, out, &device);
        }
    }
    if renewed {
        queues_changed(engine, out);
    }
}

/// Whether enough mailboxes say that a device's queue is another inbox's.
fn is_squatted(engine: &Engine, device: &DeviceId) -> bool {
    let says = |own: &Own| own.without.values().any(|(_, owner)| *owner == Owner::Device(*device));
    let witnesses = engine.mailboxes.used().filter(|(_, own)| says(own)).count();
    witnesses >= WITNESSES.min(engine.mailboxes.used().count()).max(1)
}

/// Notes how many queues a mailbox did not open by its own count, once all were asked for. One that does so again and again is
/// replaced as soon as another can be had.
fn note_missing(
    engine: &mut Engine,
    out: &mut Output,
    mailbox: &DeviceId,
    (about, is_this_period): (Registration, bool),
    queues: u32,
) {
    let now = engine.core.now;
    let Some(own) = engine.mailboxes.get_mut(mailbox) else { return };
    let left_out = own.without.values().filter(|(of, _)| *of == about.of).count();
    // It may count more than we do: closed ones that are not empty.
    let missing = about.expected.saturating_sub(queues);
    let missing = missing.saturating_sub(u32::try_from(left_out).unwrap_or(u32::MAX));
    engine.core.stats.queues_missing += u64::from(missing);
    if is_this_period && own.note_missing(now, missing) >= MISSING_TIMES {
        own.refuses = true;
        let until = now + REFUSED_FOR;
        engine.standing.refused(out, mailbox, until, MailboxRefusal::LeavesOut);
    }
}

/// Asks again for queues that mailboxes did not open.
pub(crate) fn ask_again(engine: &mut Engine, out: &mut Output) {
    let (now, period) = (engine.core.now, mailbox::period_at(engine.core.now));
    for mailbox in engine.mailboxes.names() {
        let Some(own) = engine.mailboxes.get_mut(&mailbox).filter(|own| own.is_used()) else { continue };
        if let (times, Some(at)) = own.too_fast {
            if at <= now {
                own.too_fast = (times, None);
                register(engine, out, mailbox, period, None);
            } else {
                engine.core.timers.set_earlier(TimerKey::Mail, at);
            }
            continue;
        }
        let due = now.since(own.asked_again) >= ASK_AGAIN_AFTER;
        if !due || (own.without.is_empty() && own.missing.queues == 0) {
            continue;
        }
        own.asked_again = now;
        let all = own.missing.queues > 0;
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

/// Contacts, invites or their states are others: mailboxes hear of new queues.
pub(crate) fn queues_changed(engine: &mut Engine, out: &mut Output) {
    let period = mailbox::period_at(engine.core.now);
    for mailbox in engine.mailboxes.names() {
        if engine.mailboxes.reading(&mailbox, period).caught_up {
            register(engine, out, mailbox, period, None);
        }
    }
}
