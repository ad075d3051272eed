//! What is found in the DHT by those who were told where to look: cards for the holders of an invite, and lists of
//! mailboxes for contacts whose own is out of date.
//!
//! ```text
//!  invite made, list changed, every six hours ─▶ card for each open invite
//!                                             └▶ list for each device that has not confirmed the newest one
//!  nobody answers where a device's mailboxes were ─▶ look up, with growing pauses ─▶ the newest that is valid counts
//! ```
//!
//! Not here: what is left there (`leaving`).

use std::collections::BTreeMap;

use kith_crypto::mailbox;
use kith_crypto::record;
use kith_crypto::secret::Secret32;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::RecordKey;
use kith_proto::invite::InviteSecret;
use kith_proto::payload::Content;
use kith_proto::payload::MailboxList;
use kith_proto::record::CardRecord;
use kith_proto::record::ListRecord;
use kith_proto::record::Record;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::contents;
use crate::deposits::CARD_VERSION;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::groups::hosts;
use crate::knocking;
use crate::leaving;
use crate::output::Output;
use crate::strangers;
use crate::timer::TimerKey;
use crate::view::ContactState;

/// How long a record stays in the DHT: as long as the DHT keeps anything, less an hour for clocks that differ.
pub(crate) const LIFE: Span = Span::from_hours(47);

/// Cards published at once; older invites were used or forgotten.
const MAX_CARDS: usize = 16;

/// Devices whose lists are published at once, and the pause before more: a node takes 128 new records of one peer in ten
/// minutes, two for each of these, and cards as well. In the life of a record that is enough for 5,000.
const LISTS_AT_ONCE: usize = 24;
const LISTS_PAUSE: Span = Span::from_minutes(10);

/// The first pause between two look-ups about the same device, and the longest.
const SEEK_PAUSE_MIN: Span = Span::from_secs(30);
const SEEK_PAUSE_MAX: Span = Span::from_hours(1);

/// What is looked for, and what was found.
#[derive(Default)]
pub(crate) struct Cards {
    sought: BTreeMap<RecordKey, Sought>,
    tries: BTreeMap<DeviceId, (u32, Timestamp)>,
    /// The sequence of the newest record of each device.
    newest: BTreeMap<DeviceId, u64>,
    /// Lists were published for devices up to this one.
    published: Option<DeviceId>,
}

struct Sought {
    device: DeviceId,
    period: u32,
    what: What,
}

/// Which record, and the secret that leads to it.
#[derive(Clone)]
enum What {
    /// By an invite.
    Card(Secret32),
    /// By the secret of the queues.
    List(Secret32),
}

impl Cards {
    /// Whether something is looked for there.
    pub(crate) fn seeks(&self, key: &RecordKey) -> bool {
        self.sought.contains_key(key)
    }

    /// A look-up is over.
    pub(crate) fn done(&mut self, key: &RecordKey) {
        self.sought.remove(key);
    }

    /// Forgets a device.
    pub(crate) fn drop_device(&mut self, device: &DeviceId) {
        self.sought.retain(|_, sought| sought.device != *device);
        self.tries.remove(device);
        self.newest.remove(device);
    }

    fn may_seek(&mut self, now: Timestamp, device: &DeviceId) -> bool {
        let (times, next) = self.tries.entry(*device).or_default();
        if *next > now {
            return false;
        }
        let doubled = SEEK_PAUSE_MIN.0.saturating_mul(1 << (*times).min(20));
        (*times, *next) = (times.saturating_add(1), now + Span(doubled.min(SEEK_PAUSE_MAX.0)));
        true
    }

    /// Whether a record is newer than all that were found before; then it is the newest.
    fn is_newest(&mut self, device: &DeviceId, sequence: u64) -> bool {
        let newest = self.newest.entry(*device).or_default();
        std::mem::replace(newest, sequence.max(*newest)) < sequence
    }
}

/// Publishes what others need to write while this device is away.
pub(crate) fn publish(engine: &mut Engine, out: &mut Output) {
    publish_cards(engine, out, MAX_CARDS);
    hosts::publish(engine, out);
    strangers::publish(engine, out);
    // A round that is not at its end goes on: it reaches everybody before it begins again.
    if engine.cards.published.is_none() {
        engine.core.timers.set(TimerKey::Lists, engine.core.now);
    }
}

/// The same when the list is another: everybody is to find the new one.
pub(crate) fn publish_anew(engine: &mut Engine, out: &mut Output) {
    engine.cards.published = None;
    publish(engine, out);
}

/// Publishes cards for the holders of the newest open invites.
pub(crate) fn publish_cards(engine: &mut Engine, out: &mut Output, most: usize) {
    let open = engine.contacts.newest_invites(engine.core.now).take(most).collect();
    publish_for(engine, out, open);
}

/// Publishes cards for the holders of these secrets: of invites, or of links into groups.
pub(crate) fn publish_for(engine: &mut Engine, out: &mut Output, open: Vec<InviteSecret>) {
    let (now, places) = (engine.core.now, engine.mailboxes.places());
    if places.is_empty() || open.is_empty() {
        return;
    }
    let card = CardRecord {
        device_list: engine.devices.own_list(),
        bundle: engine.devices.own_bundle_for_many(),
        places,
    };
    let valid = validity(engine);
    for invite in open {
        let shared = mailbox::invite_secret(&invite);
        for period in periods(now) {
            let (rng, secret) = (&mut engine.core.rng, &engine.devices.secret);
            if let Some(record) = record::seal_card(rng, secret, &shared, period, valid, &card) {
                out.effect(Effect::Publish { record });
            }
        }
    }
}

/// Publishes where our mailboxes are for devices that were told in band and have not confirmed it: what told them may lie
/// where nobody answers any more.
pub(crate) fn publish_lists(engine: &mut Engine, out: &mut Output) {
    let list = ListRecord {
        version: engine.deposits.number(engine.mailboxes.version),
        places: engine.mailboxes.places(),
    };
    if list.places.is_empty() {
        return;
    }
    let is_list = |content: &Content| matches!(content, Content::Mailboxes(_));
    let left = engine.peers.all().map(|(device, _)| *device);
    let left = left.filter(|device| engine.cards.published.is_none_or(|last| *device > last));
    let untold = left.filter(|device| engine.outbox.is_waiting(device, is_list));
    let secrets = untold.filter_map(|device| Some((device, engine.deposits.get(&device)?.mine.clone()?)));
    let secrets: Vec<_> = secrets.take(LISTS_AT_ONCE).collect();
    let is_whole = secrets.len() < LISTS_AT_ONCE;
    engine.cards.published = secrets.last().map(|(device, _)| *device).filter(|_| !is_whole);
    if !is_whole {
        engine.core.timers.set(TimerKey::Lists, engine.core.now + LISTS_PAUSE);
    }
    let valid = validity(engine);
    for (_, shared) in secrets {
        for period in periods(engine.core.now) {
            let (rng, secret) = (&mut engine.core.rng, &engine.devices.secret);
            if let Some(record) = record::seal_list(rng, secret, &shared, period, valid, &list) {
                out.effect(Effect::Publish { record });
            }
        }
    }
}

/// The sequence of a record that is made now, and when it ends. Several changes of one moment have sequences that follow
/// each other, as the versions of the list do.
pub(crate) fn validity(engine: &Engine) -> (u64, Timestamp) {
    (engine.core.now.0.max(engine.mailboxes.version), ends(engine))
}

/// When a record that is made now ends: by the clocks of others, who refuse what claims to live for too long.
pub(crate) fn ends(engine: &Engine) -> Timestamp {
    engine.clocks.by_others(engine.core.now) + LIFE
}

/// Today and tomorrow: whoever publishes is about to go.
pub(crate) fn periods(now: Timestamp) -> [u32; 2] {
    let today = record::period_at(now);
    [today, today.saturating_add(1)]
}

/// Looks for the mailboxes of a device if what is known of them leads nowhere.
pub(crate) fn seek(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    knocking::seek_again(engine, device);
    let Some(what) = missing(engine, device) else { return };
    let now = engine.core.now;
    if !engine.presence.may_look_up() || !engine.cards.may_seek(now, device) {
        return;
    }
    let today = record::period_at(now);
    for period in [today, today.saturating_sub(1)] {
        let key = match &what {
            What::Card(secret) => record::card_key(device, secret, period),
            What::List(secret) => record::list_key(device, secret, period),
        };
        let sought = Sought { device: *device, period, what: what.clone() };
        if let Some(key) = key
            && engine.cards.sought.insert(key, sought).is_none()
        {
            out.effect(Effect::LookUp { key });
        }
    }
}

/// What has to be known to leave something for a device.
fn missing(engine: &Engine, device: &DeviceId) -> Option<What> {
    let contact = engine.contacts.get(&engine.peers.contact_of(device)?)?;
    let theirs = engine.deposits.get(device).and_then(|row| row.theirs.as_ref());
    let told = theirs.filter(|list| list.version != CARD_VERSION);
    if theirs.is_some() && !is_stranded(engine, device) {
        return None;
    }
    match (contact.state(), told, &contact.invite) {
        (Some(ContactState::Accepted | ContactState::Requested) | None, Some(list), _) => {
            Some(What::List(Secret32::new(list.secret)))
        }
        (Some(ContactState::Blocked), ..) | (_, _, None) => None,
        // Members who answer those who hold a link have cards as long as that is so.
        (None, None, Some(_)) if !engine.groups.asks(&engine.peers.contact_of(device)?) => None,
        // Their card is found by the address (`knocking`).
        _ if engine.is_knocking(device) => None,
        (_, None, Some(invite)) => Some(What::Card(mailbox::invite_secret(&invite.0))),
        (Some(ContactState::Incoming), Some(_), _) => None,
    }
}

/// Whether all known mailboxes of a device are away, or have no queue of it any more.
pub(crate) fn is_stranded(engine: &Engine, device: &DeviceId) -> bool {
    let useless = |mailbox| {
        engine.askers.is_down(engine.core.now, mailbox) || engine.deposits.has_no_queue(device, mailbox)
    };
    engine.deposits.mailboxes_of(device).keys().all(useless)
}

/// A record came that was looked for.
pub(crate) fn found(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    key: &RecordKey,
    record: &Record,
) {
    let Some(Sought { device, period, what }) = engine.cards.sought.get(key) else { return };
    let (device, period, what) = (*device, *period, what.clone());
    let Some(contact) = engine.peers.contact_of(&device).filter(|_| record.expires > engine.core.now) else {
        engine.core.stats.bad_records += 1;
        return;
    };
    match what {
        What::Card(secret) => match record::open_card(&device, &secret, period, record) {
            Ok(card) if engine.cards.is_newest(&device, record.sequence) => {
                take_card(engine, rows, out, (&contact, &device), &secret, card);
            }
            Ok(_) => {}
            Err(_) => engine.core.stats.bad_records += 1,
        },
        What::List(secret) => match record::open_list(&device, &secret, period, record) {
            Ok(ListRecord { version, places }) => {
                let secret = *secret.as_bytes();
                // An older one than was told is left alone there.
                leaving::learn(engine, out, &device, MailboxList { version, secret, places });
            }
            Err(_) => engine.core.stats.bad_records += 1,
        },
    }
}

fn take_card(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    (contact, device): (&ContactId, &DeviceId),
    secret: &Secret32,
    card: CardRecord,
) {
    let learned = engine
        .devices
        .learn_list(&mut engine.core, out, contact, &card.device_list)
        .and_then(|()| engine.devices.learn_bundle(&engine.core, out, contact, device, &card.bundle));
    if learned.is_err() {
        engine.core.stats.bad_proofs += 1;
        return;
    }
    contents::match_devices(engine, rows, out, contact);
    let list = MailboxList { version: CARD_VERSION, secret: *secret.as_bytes(), places: card.places };
    engine.deposits.learn_card(device, list, out);
    leaving::consider(engine, device);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const BOB: DeviceId = DeviceId([2; 32]);

    #[test]
    fn the_newest_record_counts_whatever_comes_last() {
        let mut cards = Cards::default();
        assert!(cards.is_newest(&BOB, 5));
        assert!(!cards.is_newest(&BOB, 4), "yesterday's came after today's");
        assert!(!cards.is_newest(&BOB, 5));
        assert!(cards.is_newest(&BOB, 6));
        cards.drop_device(&BOB);
        assert!(cards.is_newest(&BOB, 1), "somebody else by that name");
    }

    #[test]
    fn a_device_that_is_nowhere_is_looked_for_less_and_less() {
        let mut cards = Cards::default();
        let seconds = 0..24 * 3_600;
        let tries = seconds.filter(|second| cards.may_seek(NOW + Span::from_secs(*second), &BOB)).count();
        assert!((20..=40).contains(&tries), "{tries} in a day");
    }
}
