//! We know only somebody's address, and ask: their card is looked for, and the request left where strangers knock, with
//! the work that mailboxes want for it.
//!
//! ```text
//!  address ─▶ look up the card ─▶ device, prekeys, mailboxes ─▶ deposit ─▶ WorkWanted ─▶ work ─▶ deposit again
//!               │       ▲                                          └─ all down, or no queue ─┐
//!               │       └── pause ◀──────────────────────────────────────────────────────────┘
//!               ├─ nothing there, five times ─▶ refused
//!               └─ the newest one is empty ───▶ refused
//! ```
//!
//! Nothing of it goes over a connection: the other side would not take it (`strangers`). Not here: who is let in
//! (`arrivals`), what is left where (`leaving`).

use std::collections::BTreeMap;

use kith_crypto::identity::SignedDeviceList;
use kith_crypto::invite;
use kith_crypto::mailbox;
use kith_crypto::prekey::PrekeyBundle;
use kith_crypto::record;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::QueueId;
use kith_proto::id::RecordKey;
use kith_proto::invite::Invite;
use kith_proto::mailbox::WorkBits;
use kith_proto::mailbox::WorkProof;
use kith_proto::mailbox::deposit_subject;
use kith_proto::payload::Content;
use kith_proto::payload::MAX_GREETING_BYTES;
use kith_proto::payload::MailboxList;
use kith_proto::record::CardRecord;
use kith_proto::record::Record;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::cards;
use crate::command::Refusal;
use crate::commands;
use crate::contents;
use crate::count::Count;
use crate::deposits::CARD_VERSION;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::leaving;
use crate::leaving::Deposited;
use crate::links;
use crate::output::Output;
use crate::rows::groups::With;
use crate::timer::TimerKey;

/// The first pause between two look-ups of a card, and the longest.
const SEEK_PAUSE_MIN: Span = Span::from_secs(30);
const SEEK_PAUSE_MAX: Span = Span::from_hours(1);

/// A card that nobody has put anywhere for so long will not come: its owner was away for two days, or is on a holiday. Only they
/// themselves can say sooner that they take no requests.
const SEEK_FOR: Span = Span::from_days(30);

/// Work is done so often a day for one mailbox and device: a challenge lasts for an hour or two. The hardest is what the words
/// allow: a full queue asks for one bit more than the least in it.
const MAX_WORKS_A_DAY: u32 = 8;

/// Hashes tried in one step: some milliseconds.
const WORK_SLICE: u64 = 20_000;

/// The two devices of a deposit: the mailbox, and whom it is for.
type Way = (DeviceId, DeviceId);

/// What this device asks for by knocking.
#[derive(Default)]
pub(crate) struct Knocking {
    sought: BTreeMap<RecordKey, (AccountId, u32)>,
    searches: BTreeMap<AccountId, Search>,
    works: BTreeMap<Way, Work>,
    proofs: BTreeMap<Way, (EnvelopeId, WorkProof)>,
    done: BTreeMap<Way, Count>,
}

/// How far the search for somebody's card is.
#[derive(Clone, Copy, Debug, Default)]
struct Search {
    times: u32,
    next: Timestamp,
    /// The sequence of the newest card.
    newest: u64,
    /// That one says that nobody may knock.
    closed: bool,
}

/// Work under way for an envelope.
#[derive(Clone, Copy)]
struct Work {
    queue: QueueId,
    envelope: EnvelopeId,
    challenge: [u8; 32],
    bits: WorkBits,
    next: u64,
}

impl Knocking {
    /// Whether something is looked for there.
    pub(crate) fn seeks(&self, key: &RecordKey) -> bool {
        self.sought.contains_key(key)
    }

    /// The work that was done for an envelope at a mailbox.
    pub(crate) fn proof(&self, way: &Way, envelope: &EnvelopeId) -> Option<WorkProof> {
        self.proofs.get(way).filter(|(of, _)| of == envelope).map(|(_, proof)| *proof)
    }

    /// A mailbox has taken what the work was for.
    pub(crate) fn kept(&mut self, way: &Way) {
        self.proofs.remove(way);
    }

    /// Forgets a device.
    pub(crate) fn drop_device(&mut self, device: &DeviceId) {
        self.works.retain(|(_, of), _| of != device);
        self.proofs.retain(|(_, of), _| of != device);
        self.done.retain(|(_, of), _| of != device);
    }

    /// Forgets the search for somebody.
    pub(crate) fn drop_account(&mut self, account: &AccountId) {
        self.searches.remove(account);
        self.sought.retain(|_, (of, _)| of != account);
    }

    /// Whether the card is looked for now, else when.
    fn may_seek(&mut self, now: Timestamp, account: &AccountId) -> Result<(), Timestamp> {
        let search = self.searches.entry(*account).or_default();
        if search.next > now {
            return Err(search.next);
        }
        let before = search.times;
        let doubled = SEEK_PAUSE_MIN.0.saturating_mul(1 << before.min(20));
        (search.times, search.next) = (before.saturating_add(1), now + Span(doubled.min(SEEK_PAUSE_MAX.0)));
        Ok(())
    }

    /// Notes a genuine card. Returns whether it is newer than those before.
    fn is_newest(&mut self, account: &AccountId, sequence: u64, closed: bool) -> bool {
        let search = self.searches.entry(*account).or_default();
        let newer = sequence > search.newest;
        if newer {
            (search.newest, search.closed) = (sequence, closed);
        }
        newer
    }

    /// A look-up is over. Returns whose, if all that is known now is that they take no requests.
    fn look_up_done(&mut self, key: &RecordKey) -> Option<AccountId> {
        let (account, _) = self.sought.remove(key)?;
        let more = self.sought.values().any(|(of, _)| *of == account);
        let closed = self.searches.get(&account).is_some_and(|search| search.closed);
        (closed && !more).then_some(account)
    }

    /// Takes work unless it is too hard or asked for too often.
    fn take_work(&mut self, now: Timestamp, way: Way, work: Work) -> bool {
        let taken = self.done.entry(way).or_default().again(now, Span::from_days(1)) <= MAX_WORKS_A_DAY;
        if taken {
            self.works.insert(way, work);
        }
        taken
    }
}

/// Asks the owner of an account, of whom nothing but the address is known.
pub(crate) fn knock(
    engine: &mut Engine,
    out: &mut Output,
    account: AccountId,
    greeting: BoundedStr<MAX_GREETING_BYTES>,
) -> Result<(), Refusal> {
    let secret = invite::knock(&account);
    let invite = Invite { account, secret, expires_secs: 0, addresses: BoundedVec::default() };
    engine.contacts.ask(&engine.core, out, &invite)?;
    engine.strangers.forget(out, &account);
    engine.contacts.set_greeting(out, &account, greeting.clone());
    // What an earlier request led to may be over: the card is looked for anew.
    for device in engine.peers.devices_of(&account) {
        engine.deposits.forget_theirs(&device, out);
        engine.presence.unwant(&device);
        links::reseal(engine, out, &device);
    }
    commands::ask(engine, out, &account, &invite.secret, greeting);
    let chat = ChatId::direct(&engine.devices.account, &account);
    engine.chats.open(&engine.core, out, chat, With::Contact(account));
    engine.knocking.drop_account(&account);
    engine.core.timers.set(TimerKey::Knock, engine.core.now);
    Ok(())
}

/// This device has mailboxes now: who was asked before without them could answer only on a connection.
pub(crate) fn tell_mailboxes(engine: &mut Engine, out: &mut Output) {
    let untold = |device: &DeviceId| engine.deposits.get(device).is_none_or(|row| row.told == 0);
    let asked = engine.contacts.all().filter(|(contact, row)| row.knocks(contact));
    let asked = asked.map(|(contact, row)| (*contact, row.greeting.clone()));
    let asked = asked.filter(|(contact, _)| engine.peers.devices_of(contact).iter().any(untold));
    for (account, greeting) in asked.collect::<Vec<_>>() {
        commands::ask(engine, out, &account, &invite::knock(&account), greeting);
        for device in engine.peers.devices_of(&account) {
            links::reseal(engine, out, &device);
            leaving::consider(engine, &device);
        }
    }
}

/// What is left for a device goes nowhere; if we knock there, its card may be another by now.
pub(crate) fn seek_again(engine: &mut Engine, device: &DeviceId) {
    if engine.is_knocking(device) && cards::is_stranded(engine, device) {
        engine.core.timers.set_earlier(TimerKey::Knock, engine.core.now);
    }
}

/// Looks for the cards of those whom we want to ask and do not know where.
pub(crate) fn seek(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    let unknown = |contact: &AccountId| {
        engine.peers.devices_of(contact).iter().all(|device| cards::is_stranded(engine, device))
    };
    let asked = engine.contacts.all().filter(|(contact, row)| row.knocks(contact));
    let wanted: Vec<_> = asked.map(|(contact, _)| *contact).filter(unknown).collect();
    for account in wanted {
        if !engine.presence.may_look_up() {
            engine.core.timers.set_earlier(TimerKey::Knock, now + SEEK_PAUSE_MIN);
            continue;
        }
        let found = !engine.peers.devices_of(&account).is_empty();
        match engine.knocking.may_seek(now, &account) {
            Err(later) => engine.core.timers.set_earlier(TimerKey::Knock, later),
            Ok(()) if is_over(engine, &account) && !found => nobody(engine, out, &account),
            Ok(()) => {
                look_up(engine, out, account);
                engine.core.timers.set_earlier(TimerKey::Knock, now + SEEK_PAUSE_MIN);
            }
        }
    }
}

/// Whether somebody was looked for long enough.
fn is_over(engine: &Engine, account: &AccountId) -> bool {
    engine.contacts.get(account).is_some_and(|row| engine.core.now.since(row.since) >= SEEK_FOR)
}

fn look_up(engine: &mut Engine, out: &mut Output, account: AccountId) {
    // Yesterday's card may be all there is: it was published for two days.
    let today = record::period_at(engine.core.now);
    for period in [today, today.saturating_sub(1)] {
        if let Some(key) = record::knock_key(&account, period)
            && engine.knocking.sought.insert(key, (account, period)).is_none()
        {
            out.effect(Effect::LookUp { key });
        }
    }
}

/// A look-up is over.
pub(crate) fn look_up_done(engine: &mut Engine, out: &mut Output, key: &RecordKey) {
    if let Some(account) = engine.knocking.look_up_done(key) {
        nobody(engine, out, &account);
    }
}

/// Nobody takes knocks at this address.
fn nobody(engine: &mut Engine, out: &mut Output, account: &AccountId) {
    engine.knocking.drop_account(account);
    if engine.contacts.get(account).is_some_and(|row| row.knocks(account)) {
        engine.contacts.give_up(out, account);
        engine.contact_changed(out, account);
    }
}

/// A card came that was looked for.
pub(crate) fn found(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    key: &RecordKey,
    record: &Record,
) {
    let Some((account, period)) = engine.knocking.sought.get(key).copied() else { return };
    let opened = record::open_knock(&account, period, record);
    let Some(card) = opened.ok().filter(|_| record.expires > engine.core.now) else {
        engine.core.stats.bad_records += 1;
        return;
    };
    if !engine.contacts.get(&account).is_some_and(|row| row.knocks(&account)) {
        return;
    }
    let closed = card.device_list.is_empty();
    // An empty one counts when all look-ups are over: another may be newer, and this one left from yesterday.
    if engine.knocking.is_newest(&account, record.sequence, closed)
        && !closed
        && take_card(engine, rows, out, &account, card).is_none()
    {
        engine.core.stats.bad_proofs += 1;
    }
}

/// Everything is checked before anything is kept. `None` when it does not belong together.
fn take_card(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    account: &AccountId,
    card: CardRecord,
) -> Option<()> {
    let list = SignedDeviceList::from_bytes(&card.device_list).ok()?;
    let bundle = PrekeyBundle::from_bytes(&card.bundle).ok()?;
    let device = bundle.device();
    let entries = list.verify(account).ok()?;
    let entry = entries.devices.iter().find(|entry| entry.device == device)?;
    bundle.verify(entry).ok()?;
    if entries.revoked.contains(&device) || !contents::may_belong(engine, &device, account) {
        return None;
    }
    engine.devices.learn_list(&mut engine.core, out, account, &card.device_list).ok()?;
    // A stale one is no harm: the newer stays.
    let _ = engine.devices.learn_bundle(&engine.core, out, account, &device, &card.bundle);
    contents::bind_device(engine, rows, out, device, *account);
    contents::match_devices(engine, rows, out, account);
    engine.peers.contact_of(&device)?;
    let secret = invite::knock(account);
    let queues = *mailbox::invite_secret(&secret).as_bytes();
    let list = MailboxList { version: CARD_VERSION, secret: queues, places: card.places };
    engine.deposits.learn_card(&device, list, out);
    if !engine.outbox.is_waiting(&device, Content::is_request) {
        let greeting = engine.contacts.get(account).map(|row| row.greeting.clone()).unwrap_or_default();
        commands::ask(engine, out, account, &secret, greeting);
    }
    engine.keep_connected(out);
    leaving::consider(engine, &device);
    contents::contact_and_chat_changed(engine, out, account);
    Some(())
}

/// A mailbox wants work for an envelope. Returns whether it is done.
pub(crate) fn work_wanted(
    engine: &mut Engine,
    about: &Deposited,
    challenge: [u8; 32],
    bits: WorkBits,
) -> bool {
    // What the challenge does not name is not credited (`WorkProof::credit`): it would be done in vain.
    let is_named = challenge.first() == Some(&bits.bits());
    let knocks = engine.is_knocking(&about.device) && is_named;
    let work = Work { queue: about.queue, envelope: about.envelope, challenge, bits, next: 0 };
    let (now, way) = (engine.core.now, (about.mailbox, about.device));
    let taken = knocks && about.position.is_some() && engine.knocking.take_work(now, way, work);
    if taken {
        engine.core.timers.set_earlier(TimerKey::Work, now);
    }
    taken
}

/// Goes on with the work for envelopes.
pub(crate) fn work(engine: &mut Engine) {
    let Some((way, work)) = engine.knocking.works.iter().next().map(|(way, work)| (*way, *work)) else {
        return;
    };
    let subject = deposit_subject(&work.queue, &work.envelope);
    match WorkProof::search(&work.challenge, work.bits, &subject, work.next, WORK_SLICE) {
        None => {
            let next = work.next.saturating_add(WORK_SLICE);
            engine.knocking.works.insert(way, Work { next, ..work });
        }
        Some(proof) => {
            engine.knocking.works.remove(&way);
            engine.knocking.proofs.insert(way, (work.envelope, proof));
            let (mailbox, device) = way;
            engine.deposits.pause(&device, &mailbox, engine.core.now);
            engine.core.timers.set_earlier(TimerKey::Leave(device), engine.core.now);
        }
    }
    if !engine.knocking.works.is_empty() {
        engine.core.timers.set_earlier(TimerKey::Work, engine.core.now + Span(1));
    }
}

#[cfg(test)]
mod tests {
    use kith_proto::mailbox::MAX_WORK_BITS;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const ANN: AccountId = AccountId([1; 32]);
    const WAY: Way = (DeviceId([8; 32]), DeviceId([1; 32]));

    fn work(bits: u8) -> Work {
        let (queue, envelope) = (QueueId([1; 16]), EnvelopeId([2; 16]));
        Work { queue, envelope, challenge: [3; 32], bits: WorkBits::capped(bits), next: 0 }
    }

    #[test]
    fn a_card_is_looked_for_often_at_first_and_then_each_hour() {
        let mut knocking = Knocking::default();
        let day = 0..24 * 3_600;
        let seconds = day.filter(|second| knocking.may_seek(NOW + Span::from_secs(*second), &ANN).is_ok());
        let seconds: Vec<_> = seconds.collect();
        assert_eq!(seconds[..6], [0, 30, 90, 210, 450, 930]);
        assert!((24..=32).contains(&seconds.len()), "{seconds:?}");
        knocking.drop_account(&ANN);
        assert_eq!(knocking.may_seek(NOW, &ANN), Ok(()), "asked anew");
    }

    #[test]
    fn an_empty_card_of_yesterday_closes_nothing_that_is_open_today() {
        let (today, yesterday) = (RecordKey([1; 32]), RecordKey([2; 32]));
        let looks = |knocking: &mut Knocking| {
            knocking.sought.insert(today, (ANN, 1));
            knocking.sought.insert(yesterday, (ANN, 0));
        };
        let mut knocking = Knocking::default();
        looks(&mut knocking);
        assert!(knocking.is_newest(&ANN, 5, true));
        assert_eq!(knocking.look_up_done(&yesterday), None, "today's is still looked for");
        assert!(knocking.is_newest(&ANN, 6, false));
        assert_eq!(knocking.look_up_done(&today), None);
        looks(&mut knocking);
        assert!(!knocking.is_newest(&ANN, 5, true), "a node hands out what was replaced");
        assert!(knocking.is_newest(&ANN, 7, true), "closed since");
        assert_eq!((knocking.look_up_done(&today), knocking.look_up_done(&yesterday)), (None, Some(ANN)));
    }

    #[test]
    fn work_is_not_done_all_day() {
        let mut knocking = Knocking::default();
        let taken = (0..20).filter(|_| knocking.take_work(NOW, WAY, work(MAX_WORK_BITS))).count();
        assert_eq!(taken, 8);
        assert!(knocking.take_work(NOW + Span::from_days(1), WAY, work(20)), "tomorrow again");
        knocking.drop_device(&WAY.1);
        assert!(knocking.works.is_empty() && knocking.done.is_empty());
    }
}
