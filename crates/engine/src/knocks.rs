//! Requests from people who know only an address: a card that anybody finds who knows the account, a queue at which
//! strangers knock, and the work that mailboxes ask of them.
//!
//! ```text
//!  owner:     allowed ─▶ card under the account's blinded key, and a knock queue in every inbox ─▶ Incoming, as a stranger
//!  stranger:  address ─▶ look up the card ─▶ device, prekeys, mailboxes ─▶ deposit ─▶ WorkWanted ─▶ work ─▶ deposit again
//!                           └─ nothing there, again and again ─▶ refused
//! ```
//!
//! To knock is to use an invite that everybody can make who knows the account (`kith-crypto`, `invite::knock`), so that
//! requests, queues and proofs are those of invites. Not here: who is let in (`arrivals`), what is left where (`leaving`).

use std::collections::BTreeMap;

use kith_crypto::identity::SignedDeviceList;
use kith_crypto::invite;
use kith_crypto::mailbox;
use kith_crypto::prekey::PrekeyBundle;
use kith_crypto::record;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
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
use crate::deposits::CARD_VERSION;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::leaving;
use crate::leaving::Deposited;
use crate::output::Output;
use crate::reading;
use crate::rows;
use crate::rows::ContactRow;
use crate::rows::KnocksRow;
use crate::timer::TimerKey;
use crate::view::ContactState;

/// The first pause between two look-ups of a card, and the longest.
const SEEK_PAUSE_MIN: Span = Span::from_secs(30);
const SEEK_PAUSE_MAX: Span = Span::from_hours(1);

/// So many look-ups that find nothing mean that the account takes no knocks: a quarter of an hour.
const SEEKS_BELIEVED: u32 = 5;

/// The hardest work that is done to knock, in bits: what an honest mailbox asks for when its queue is full.
const MAX_WORK: u8 = 26;

/// Work is done so often a day for one mailbox and device: a challenge lasts for an hour or two.
const MAX_WORKS_A_DAY: u32 = 8;

/// Hashes tried in one step: some milliseconds.
const WORK_SLICE: u64 = 20_000;

/// The two devices of a deposit: the mailbox, and whom it is for.
type Way = (DeviceId, DeviceId);

/// What this device asks for by knocking.
#[derive(Default)]
pub(crate) struct Knocks {
    sought: BTreeMap<RecordKey, (AccountId, u32)>,
    tries: BTreeMap<AccountId, (u32, Timestamp)>,
    works: BTreeMap<Way, Work>,
    proofs: BTreeMap<Way, (EnvelopeId, WorkProof)>,
    done: BTreeMap<Way, (Timestamp, u32)>,
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

impl Knocks {
    /// Whether something is looked for there.
    pub(crate) fn seeks(&self, key: &RecordKey) -> bool {
        self.sought.contains_key(key)
    }

    /// The work that was done for an envelope at a mailbox.
    pub(crate) fn proof(&self, way: &Way, envelope: &EnvelopeId) -> Option<WorkProof> {
        self.proofs.get(way).filter(|(of, _)| of == envelope).map(|(_, proof)| *proof)
    }

    /// Forgets a device.
    pub(crate) fn drop_device(&mut self, device: &DeviceId) {
        self.works.retain(|(_, of), _| of != device);
        self.proofs.retain(|(_, of), _| of != device);
        self.done.retain(|(_, of), _| of != device);
    }

    fn may_seek(&mut self, now: Timestamp, account: &AccountId) -> Result<u32, Timestamp> {
        let (times, next) = self.tries.entry(*account).or_default();
        if *next > now {
            return Err(*next);
        }
        let doubled = SEEK_PAUSE_MIN.0.saturating_mul(1 << (*times).min(20));
        (*times, *next) = (times.saturating_add(1), now + Span(doubled.min(SEEK_PAUSE_MAX.0)));
        Ok(*times)
    }

    /// Takes work unless it is too hard or asked for too often.
    fn take_work(&mut self, now: Timestamp, way: Way, work: Work) -> bool {
        let (since, count) = self.done.entry(way).or_insert((now, 0));
        if now.since(*since) >= Span::from_days(1) {
            (*since, *count) = (now, 0);
        }
        if work.bits.bits() > MAX_WORK || *count >= MAX_WORKS_A_DAY {
            return false;
        }
        *count += 1;
        self.works.insert(way, work);
        true
    }
}

/// The owner allows strangers to knock, or does not.
pub(crate) fn set(engine: &mut Engine, out: &mut Output, allowed: bool) {
    let now = engine.core.now;
    if engine.contacts.allows_knocks() == allowed {
        return;
    }
    let row = KnocksRow { allowed, since: now };
    out.put(rows::KNOCKS, rows::SELF, row.to_bytes());
    engine.contacts.set_knocks(engine.devices.account, &row);
    reading::queues_changed(engine, out);
    publish(engine, out);
    out.event(Event::ProfileChanged(engine.profile_view()));
}

/// Publishes the card for whoever knows the address, or one that says nothing in the place of an earlier one.
pub(crate) fn publish(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    let allowed = engine.contacts.allows_knocks();
    let places = engine.mailboxes.places();
    let card = match (allowed, engine.contacts.knocks_closed(now)) {
        (true, _) if places.is_empty() => return,
        (true, _) => CardRecord {
            device_list: engine.devices.own_list(),
            bundle: engine.devices.own_bundle_for_many(),
            places,
        },
        (false, true) => CardRecord {
            device_list: Default::default(),
            bundle: Default::default(),
            places: BoundedVec::default(),
        },
        (false, false) => return,
    };
    let Some(account) = engine.devices.account_secret() else { return };
    let valid = cards::validity(engine);
    for period in cards::periods(now) {
        let record = record::seal_knock(&mut engine.core.rng, &account, period, valid, &card);
        if let Some(record) = record {
            out.effect(Effect::Publish { record });
        }
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
    engine.contacts.set_greeting(out, &account, greeting);
    let chat = ChatId::direct(&engine.devices.account, &account);
    engine.chats.open(&engine.core, out, chat, account);
    engine.knocks.tries.remove(&account);
    engine.core.timers.set(TimerKey::Knock, engine.core.now);
    Ok(())
}

/// Looks for the cards of those whom we want to ask and do not know where.
pub(crate) fn seek(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    let wanted: Vec<_> = engine
        .contacts
        .all()
        .filter(|(contact, row)| row.knocks(contact) && engine.peers.devices_of(contact).is_empty())
        .map(|(contact, _)| *contact)
        .collect();
    for account in wanted {
        if !engine.presence.may_look_up() {
            engine.core.timers.set_earlier(TimerKey::Knock, now + SEEK_PAUSE_MIN);
            continue;
        }
        match engine.knocks.may_seek(now, &account) {
            Err(later) => engine.core.timers.set_earlier(TimerKey::Knock, later),
            Ok(times) if times > SEEKS_BELIEVED => nobody(engine, out, &account),
            Ok(_) => {
                let today = record::period_at(now);
                for period in [today, today.saturating_sub(1)] {
                    if let Some(key) = record::knock_key(&account, period) {
                        engine.knocks.sought.insert(key, (account, period));
                        out.effect(Effect::LookUp { key });
                    }
                }
                engine.core.timers.set_earlier(TimerKey::Knock, now + SEEK_PAUSE_MIN);
            }
        }
    }
}

/// A look-up is over.
pub(crate) fn done(engine: &mut Engine, key: &RecordKey) {
    engine.knocks.sought.remove(key);
}

/// Nobody takes knocks at this address.
fn nobody(engine: &mut Engine, out: &mut Output, account: &AccountId) {
    engine.knocks.tries.remove(account);
    engine.knocks.sought.retain(|_, (of, _)| of != account);
    engine.contacts.give_up(out, account);
    engine.contact_changed(out, account);
}

/// A card came that was looked for.
pub(crate) fn found(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    key: &RecordKey,
    record: &Record,
) {
    let Some((account, period)) = engine.knocks.sought.get(key).copied() else { return };
    let opened = record::open_knock(&account, period, record);
    let Some(card) = opened.ok().filter(|_| record.expires > engine.core.now) else {
        engine.core.stats.bad_records += 1;
        return;
    };
    if !engine.contacts.get(&account).is_some_and(|row| row.knocks(&account))
        || !engine.peers.devices_of(&account).is_empty()
    {
        return;
    }
    if card.device_list.is_empty() {
        return nobody(engine, out, &account);
    }
    if take_card(engine, rows, out, &account, card).is_none() {
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
    let device = PrekeyBundle::from_bytes(&card.bundle).ok()?.device();
    let listed = list.verify(account).ok()?.devices.iter().any(|entry| entry.device == device);
    if !listed || !contents::may_belong(engine, &device, account) {
        return None;
    }
    engine.devices.learn_list(&mut engine.core, out, account, &card.device_list).ok()?;
    engine.devices.learn_bundle(&engine.core, out, account, &device, &card.bundle).ok()?;
    contents::bind_device(engine, rows, out, device, *account);
    contents::match_devices(engine, rows, out, account);
    let secret = invite::knock(account);
    let queues = *mailbox::invite_secret(&secret).as_bytes();
    let list = MailboxList { version: CARD_VERSION, secret: queues, places: card.places };
    engine.deposits.learn_card(&device, list, out);
    let greeting = engine.contacts.get(account).map(|row| row.greeting.clone()).unwrap_or_default();
    commands::ask(engine, out, account, &secret, greeting);
    engine.presence.want(&mut engine.core, &device);
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
    let contact = engine.peers.contact_of(&about.device);
    let knocks =
        contact.is_some_and(|contact| engine.contacts.get(&contact).is_some_and(|row| row.knocks(&contact)));
    let work = Work { queue: about.queue, envelope: about.envelope, challenge, bits, next: 0 };
    let (now, way) = (engine.core.now, (about.mailbox, about.device));
    let taken = knocks && about.position.is_some() && engine.knocks.take_work(now, way, work);
    if taken {
        engine.core.timers.set_earlier(TimerKey::Work, now);
    }
    taken
}

/// Goes on with the work for envelopes.
pub(crate) fn work(engine: &mut Engine) {
    let Some((way, work)) = engine.knocks.works.iter().next().map(|(way, work)| (*way, *work)) else {
        return;
    };
    let subject = deposit_subject(&work.queue, &work.envelope);
    match WorkProof::search(&work.challenge, work.bits, &subject, work.next, WORK_SLICE) {
        None => {
            let next = work.next.saturating_add(WORK_SLICE);
            engine.knocks.works.insert(way, Work { next, ..work });
        }
        Some(proof) => {
            engine.knocks.works.remove(&way);
            engine.knocks.proofs.insert(way, (work.envelope, proof));
            let (mailbox, device) = way;
            engine.deposits.pause(&device, &mailbox, engine.core.now);
            engine.core.timers.set_earlier(TimerKey::Leave(device), engine.core.now);
        }
    }
    if !engine.knocks.works.is_empty() {
        engine.core.timers.set_earlier(TimerKey::Work, engine.core.now + Span(1));
    }
}

/// Whether somebody who asks only knew our address.
pub(crate) fn is_stranger(own: &AccountId, row: &ContactRow) -> bool {
    row.state() == ContactState::Incoming
        && row.invite.as_ref().is_some_and(|secret| secret.0 == invite::knock(own))
}
