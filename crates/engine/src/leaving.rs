//! What waits for a contact goes to their mailboxes, and receipts go back the same way.
//!
//! Not here: how far each mailbox is (`deposits`), the state of streams (`askers`).

use kith_crypto::mailbox;
use kith_crypto::mailbox::MailboxKey;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::id::DeviceId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Request;
use kith_proto::payload::Content;
use kith_proto::payload::MailboxList;
use kith_proto::payload::Payload;
use kith_proto::payload::Position;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::askers::Asked;
use crate::askers::Use;
use crate::cards;
use crate::deposits::CARD_VERSION;
use crate::deposits::Deposits;
use crate::deposits::Note;
use crate::deposits::copies;
use crate::engine::Engine;
use crate::event::Event;
use crate::groups::asking;
use crate::inbox::Inbox;
use crate::knocking;
use crate::links;
use crate::mail;
use crate::outbox::Next;
use crate::output::Output;
use crate::routes;
use crate::timer::TimerKey;
use crate::view::AttemptEnd;
use crate::view::MessageState;
use crate::view::Way;

/// What waits for a connected device may take so long before it is also left in mailboxes.
const HEAD_START: Span = Span::from_secs(2);

/// Deposits of one channel under way to one mailbox.
const FLYING: usize = 128;

/// Deposits of one channel before it is another's turn.
const TURN: usize = 16;

/// Receipts by mailbox wait so long, so that a backlog is confirmed once.
const NOTES_AFTER: Span = Span::from_millis(300);

/// After a start, direct connections get so long before receipts go by mailbox.
pub(crate) const NOTES_AT_START: Span = Span::from_secs(10);

/// Receipts that got lost are tried again after this.
pub(crate) const NOTES_AGAIN: Span = Span::from_secs(30);

/// The longest promise: what was asked for, to the end of the hour in which that ends.
const LONGEST_PROMISE: Span = Span(Span::from_days(14).0 + Span::from_hours(1).0);

/// A queue that was not there may be registered soon; a mailbox that is full is not emptied at once.
const NO_QUEUE_PAUSE: Span = Span::from_minutes(1);
const FULL_PAUSE: Span = Span::from_minutes(10);

/// The longest that a mailbox's word about when to come again is believed.
const QUOTA_PAUSE_MAX: Span = Span::from_hours(6);

/// A device says where its mailboxes are.
pub(crate) fn learn(engine: &mut Engine, out: &mut Output, device: &DeviceId, mut list: MailboxList) {
    // This device may be one of them: what waits for them here needs no second copy here.
    let own = engine.devices.device();
    let places = list.places.iter().filter(|place| place.device != own).cloned().collect();
    list.places = BoundedVec::truncated(places);
    let before = engine.deposits.mailboxes_of(device).len();
    engine.deposits.learn(device, list, out);
    if let Some(contact) = engine.peers.contact_of(device)
        && engine.deposits.mailboxes_of(device).len() != before
    {
        engine.contact_changed(out, &contact);
    }
    consider(engine, device);
}

/// Something waits for a device: when it goes to its mailboxes.
pub(crate) fn consider(engine: &mut Engine, device: &DeviceId) {
    if engine.deposits.get(device).is_none_or(|row| row.theirs.is_none()) {
        return;
    }
    let Some(oldest) = engine.outbox.oldest(device) else { return };
    // Strangers are heard by mail only.
    let direct = engine.presence.links.is_ready(device) && !engine.is_knocking(device);
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
    if engine.presence.links.is_ready(device) && !engine.is_knocking(device) && oldest + HEAD_START > now {
        return engine.core.timers.set_earlier(TimerKey::Leave(*device), oldest + HEAD_START);
    }
    let delivered = engine.peers.get(device).map_or(0, |peer| peer.delivered);
    if engine.deposits.is_renewal_due(now, device, delivered) {
        links::reseal(engine, out, device);
    }
    for (mailbox, addresses) in engine.deposits.mailboxes_of(device) {
        if has_more(engine, device, &mailbox, opening_only) {
            mail::open(engine, out, Use::Leave { mailbox }, addresses);
            engine.deposits.queue_up(&mailbox, device);
            go_on(engine, out, &mailbox);
        }
    }
    cards::seek(engine, out, device);
}

/// Whether there is something to leave for a device at a mailbox now.
fn has_more(engine: &mut Engine, device: &DeviceId, mailbox: &DeviceId, opening_only: bool) -> bool {
    let now = engine.core.now;
    let kept = engine.deposits.kept(now, device, mailbox);
    let flight = engine.deposits.flight(device, mailbox);
    if flight.paused_until > now {
        let until = flight.paused_until;
        engine.core.timers.set_earlier(TimerKey::Leave(*device), until);
        return false;
    }
    let from = kept.max(flight.asked);
    let flying = flight.flying.len();
    let most = if engine.deposits.was_refused(device, mailbox) { 1 } else { FLYING };
    flying < most && engine.outbox.after(device, from, opening_only).is_some()
}

/// Uses the room in a mailbox's window: receipts first, because they end what others repeat, then every channel in turn.
pub(crate) fn go_on(engine: &mut Engine, out: &mut Output, mailbox: &DeviceId) {
    let used_for = Use::Leave { mailbox: *mailbox };
    if engine.askers.nonce(used_for).is_none() {
        return;
    }
    flush_notes(engine, out, mailbox);
    while engine.askers.room(used_for) > 0 {
        let Some(device) = engine.deposits.next_turn(mailbox) else { return };
        if fill(engine, out, &device, mailbox) {
            engine.deposits.queue_up(mailbox, &device);
        }
    }
}

/// Puts some of what waits for a device on the way to a mailbox. Returns whether there is more that may go.
fn fill(engine: &mut Engine, out: &mut Output, device: &DeviceId, mailbox: &DeviceId) -> bool {
    let now = engine.core.now;
    let used_for = Use::Leave { mailbox: *mailbox };
    let Some(opening_only) = links::opening_only(engine, device) else { return false };
    let Some(nonce) = engine.askers.nonce(used_for) else { return false };
    let Some((queue, key)) = queue_for(engine, device, mailbox) else { return false };
    for _ in 0..TURN {
        if engine.askers.room(used_for) == 0 {
            return true;
        }
        if !has_more(engine, device, mailbox, opening_only) {
            return false;
        }
        let kept = engine.deposits.kept(now, device, mailbox);
        let from = kept.max(engine.deposits.flight(device, mailbox).asked);
        let Some((position, next)) = engine.outbox.after(device, from, opening_only) else { return false };
        let envelope = match next {
            Next::Sealed(envelope) => envelope,
            Next::Unsealed(payload) => match links::seal_for(engine, out, device, &payload) {
                Some(envelope) => envelope,
                None => return false,
            },
        };
        engine.outbox.mark_left(&mut engine.peers, out, device, position, &envelope);
        let flight = engine.deposits.flight(device, mailbox);
        flight.flying.insert(position);
        flight.asked = position;
        let about = (*device, Some(position), 0);
        deposit(engine, out, used_for, &nonce, (queue, &key), envelope, about);
    }
    true
}

/// Where a device's envelopes go at a mailbox now, and the key to sign them with.
fn queue_for(engine: &Engine, device: &DeviceId, mailbox: &DeviceId) -> Option<(QueueId, MailboxKey)> {
    queue_of(engine, device, mailbox, mailbox::period_at(engine.core.now))
}

fn queue_of(
    engine: &Engine,
    device: &DeviceId,
    mailbox: &DeviceId,
    period: u32,
) -> Option<(QueueId, MailboxKey)> {
    let theirs = engine.deposits.get(device)?.theirs.as_ref()?;
    let secret = kith_crypto::secret::Secret32::new(theirs.secret);
    if theirs.version == CARD_VERSION {
        return mailbox::open_queue(device, &secret, mailbox, period);
    }
    Some(mailbox::queue(&secret, mailbox, period))
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
    let work = engine.knocking.proof(&(used_for.mailbox(), device), &envelope.id());
    let mut request = Request::Deposit { queue, envelope, keep, work, signature: [0; 64] };
    key.sign(&used_for.mailbox(), nonce, &mut request);
    engine.askers.ask(&mut engine.core, out, used_for, request, asked);
}

/// A deposit that was answered.
pub(crate) struct Deposited {
    pub(crate) mailbox: DeviceId,
    pub(crate) device: DeviceId,
    pub(crate) position: Option<Position>,
    pub(crate) queue: QueueId,
    pub(crate) envelope: kith_proto::id::EnvelopeId,
    pub(crate) told: Position,
}

/// A mailbox answered a deposit.
pub(crate) fn deposited(engine: &mut Engine, out: &mut Output, about: &Deposited, word: &Answer) {
    let now = engine.core.now;
    let (device, mailbox) = (&about.device, &about.mailbox);
    let pause = match word {
        Answer::Stored { envelope, expires, signature } => {
            let genuine = *envelope == about.envelope
                && mailbox::is_receipt(mailbox, &about.queue, envelope, *expires, signature);
            // A receipt that ends tomorrow is genuine, and no promise.
            if genuine && Deposits::is_promise(now, *expires) {
                // Its clock may be ahead: nothing is kept for longer than was asked for.
                kept(engine, out, about, (*expires).min(now + LONGEST_PROMISE));
                return go_on(engine, out, mailbox);
            }
            engine.core.stats.bad_mailbox_answers += 1;
            FULL_PAUSE
        }
        Answer::OverQuota { retry_after_secs } => {
            Span::from_secs(u64::from(*retry_after_secs)).min(QUOTA_PAUSE_MAX).max(Span::from_secs(1))
        }
        Answer::WorkWanted { challenge, bits } if knocking::work_wanted(engine, about, *challenge, *bits) => {
            // It goes again when the work is done.
            engine.deposits.pause(device, mailbox, now + FULL_PAUSE);
            return go_on(engine, out, mailbox);
        }
        Answer::NoQueue {} => NO_QUEUE_PAUSE,
        _ => FULL_PAUSE,
    };
    engine.core.stats.mailbox_refusals += 1;
    if about.position.is_some() {
        let flight = engine.deposits.flight(device, mailbox);
        flight.no_queue = matches!(word, Answer::NoQueue {});
        flight.no_room = matches!(word, Answer::OverQuota { .. });
        routes::refused(engine, device, mailbox, word);
        let until = engine.deposits.refused(now, device, mailbox, pause);
        engine.core.timers.set_earlier(TimerKey::Leave(*device), until);
        cards::seek(engine, out, device);
    } else {
        let until = engine.deposits.note_refused(now, device, mailbox);
        owe_later(engine, device, until.since(now));
    }
    go_on(engine, out, mailbox);
}

/// A mailbox has promised to keep an envelope.
fn kept(engine: &mut Engine, out: &mut Output, about: &Deposited, expires: Timestamp) {
    let (device, mailbox) = (&about.device, &about.mailbox);
    engine.core.stats.deposited += 1;
    engine.knocking.kept(&(*mailbox, *device));
    mail::worked(engine, out, Use::Leave { mailbox: *mailbox });
    // The period may have turned since: the queue of the one before is read as well.
    let period = mailbox::period_at(engine.core.now);
    let mut periods = [period, period.saturating_sub(1)].into_iter();
    let current = periods.any(|period| {
        queue_of(engine, device, mailbox, period).is_some_and(|(queue, _)| queue == about.queue)
    });
    let same = about.position.is_none_or(|position| {
        engine.outbox.sealed_at(device, position).is_none_or(|envelope| envelope == about.envelope)
    });
    if !current || !same || !engine.deposits.flight(device, mailbox).is_flying(about.position) {
        // A promise about something that was sealed anew since, or that is on its way again.
        return;
    }
    let Some(position) = about.position else {
        let told = about.told;
        engine.deposits.note_taken(device, mailbox);
        return engine.deposits.update(device, out, |row| row.receipt_told = row.receipt_told.max(told));
    };
    let end = AttemptEnd::Kept { until: expires };
    engine.attempts.note(engine.core.now, device, Way::Mailbox(*mailbox), end, position);
    let delivered = engine.peers.get(device).map_or(0, |peer| peer.delivered);
    let promised = (position, expires, delivered);
    let grown = engine.deposits.stored(engine.core.now, out, device, mailbox, promised);
    for (chat, message) in engine.outbox.mark_handed(&mut engine.peers, out, device, position) {
        out.event(Event::MessageState { chat, message, state: MessageState::Sent });
    }
    let (from, to) = grown.copies;
    for (at, chat, message) in engine.outbox.between(device, from, to) {
        let copies = engine.deposits.get(device).and_then(|row| copies(row, at));
        if let Some(copies) = copies.filter(|_| engine.chats.contact_of(&chat).is_some()) {
            out.event(Event::MessageCopies { chat, message, copies });
        }
    }
    if let Some((from, to)) = grown.stored {
        asking::reached(engine, out, device);
        let mut chats = None;
        for (_, chat, message) in engine.outbox.between(device, from, to) {
            out.event(Event::MessageState { chat, message, state: MessageState::Stored });
            chats = Some(chat);
        }
        if let Some(chat) = chats {
            engine.chat_changed(out, &chat);
        }
    }
    engine.deposits.queue_up(mailbox, device);
}

/// Whether a device has not been told how far we are.
pub(crate) fn owes_receipt(engine: &Engine, device: &DeviceId) -> bool {
    let Some(row) = engine.deposits.get(device) else { return false };
    row.theirs.is_some() && engine.peers.get(device).is_some_and(|peer| peer.taken > row.receipt_told)
}

/// Whether more has been read here than a device was told.
fn reads_more(engine: &Engine, device: &DeviceId) -> bool {
    let told = engine.deposits.get(device).filter(|row| row.theirs.is_some()).map(|row| row.read_told);
    told.is_some_and(|told| engine.peers.get(device).is_some_and(|peer| peer.read_here > told))
}

/// A device that is not connected is owed a receipt.
pub(crate) fn owe_receipt(engine: &mut Engine, device: &DeviceId) {
    if reads_more(engine, device) {
        engine.deposits.owed.insert(*device);
        engine.core.timers.set_earlier(TimerKey::Notes, engine.core.now + NOTES_AFTER);
    }
    owe_later(engine, device, NOTES_AFTER);
}

/// A device is owed a receipt that did not reach it; it is tried again after a while.
pub(crate) fn owe_later(engine: &mut Engine, device: &DeviceId, after: Span) {
    if owes_receipt(engine, device) {
        engine.deposits.owed.insert(*device);
        engine.core.timers.set_earlier(TimerKey::Notes, engine.core.now + after);
    }
}

/// A connection ended on which receipts were said.
pub(crate) fn said_until_now(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let taken = engine.peers.get(device).map_or(0, |row| row.taken);
    if engine.deposits.get(device).is_some_and(|row| row.theirs.is_some() && row.receipt_told < taken) {
        engine.deposits.update(device, out, |row| row.receipt_told = taken);
    }
}

/// Copies of what a device left, which had come by another way, are deleted: its receipt says again that there is room.
pub(crate) fn say_emptied(engine: &mut Engine, device: &DeviceId) {
    if !engine.deposits.may_say_emptied(engine.core.now, device) {
        return;
    }
    if engine.presence.links.is_ready(device) {
        engine.inbox.owe(&mut engine.core, device);
    } else if engine.deposits.get(device).is_some_and(|row| row.theirs.is_some()) {
        engine.deposits.owed.insert(*device);
        engine.core.timers.set_earlier(TimerKey::Notes, engine.core.now + NOTES_AFTER);
    }
}

/// What a device left was taken long ago: it has not read our receipt, whatever was said.
pub(crate) fn receipt_is_lost(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let taken = engine.peers.get(device).map_or(0, |row| row.taken);
    if engine.deposits.get(device).is_some_and(|row| row.receipt_told >= taken) {
        engine.deposits.update(device, out, |row| row.receipt_told = taken.saturating_sub(1));
    }
}

/// Puts receipts on their way to the mailboxes of those who are not connected.
pub(crate) fn send_notes(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    for device in std::mem::take(&mut engine.deposits.owed) {
        if engine.presence.links.is_ready(&device) || links::opening_only(engine, &device).is_none() {
            continue;
        }
        let mut mailboxes = engine.deposits.mailboxes_of(&device);
        let paused = |mailbox: &DeviceId| engine.deposits.notes_paused_until(&device, mailbox);
        if let Some(until) = mailboxes.keys().map(paused).min().filter(|until| *until > now) {
            // All of them refused one a moment ago.
            engine.deposits.owed.insert(device);
            engine.core.timers.set_earlier(TimerKey::Notes, until);
            continue;
        }
        mailboxes.retain(|mailbox, _| paused(mailbox) <= now);
        let receipt = Inbox::receipt(&engine.peers, &device);
        let contents = BoundedVec::truncated(vec![Content::Receipt(receipt)]);
        let payload = Payload { position: 0, previous: 0, floor: 0, sent_at: now, contents };
        let sealed = engine.sessions.seal(&mut engine.core, out, &device, &payload.to_bytes());
        let Some(envelope) = sealed else { continue };
        for (mailbox, addresses) in mailboxes {
            let note = Note { device, envelope: envelope.clone(), told: receipt.delivered };
            engine.deposits.update(&device, out, |row| row.read_told = row.read_told.max(receipt.read));
            if !engine.deposits.push_note(&mailbox, note) {
                owe_later(engine, &device, NOTES_AGAIN);
            }
            mail::open(engine, out, Use::Leave { mailbox }, addresses);
            go_on(engine, out, &mailbox);
        }
    }
}

/// Opens the streams that receipts wait for.
pub(crate) fn open_for_notes(engine: &mut Engine, out: &mut Output) {
    for (mailbox, device) in engine.deposits.mailboxes_with_notes() {
        match engine.deposits.mailboxes_of(&device).remove(&mailbox) {
            Some(addresses) => mail::open(engine, out, Use::Leave { mailbox }, addresses),
            // It is no mailbox of theirs any more.
            None => engine.deposits.drop_note(&mailbox, &device),
        }
    }
}

fn flush_notes(engine: &mut Engine, out: &mut Output, mailbox: &DeviceId) {
    let used_for = Use::Leave { mailbox: *mailbox };
    let Some(nonce) = engine.askers.nonce(used_for) else { return };
    while engine.askers.room(used_for) > 0
        && let Some(Note { device, envelope, told }) = engine.deposits.pop_note(mailbox)
    {
        if let Some((queue, key)) = queue_for(engine, &device, mailbox) {
            deposit(engine, out, used_for, &nonce, (queue, &key), envelope, (device, None, told));
        }
    }
}
