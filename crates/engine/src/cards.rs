//! Cards: what the holder of a link finds in the DHT to write to a device that is away.

use crate::contents;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::leaving;
use crate::output::Output;
use crate::view::ContactState;
use kith_crypto::mailbox;
use kith_crypto::record;
use kith_proto::id::DeviceId;
use kith_proto::id::RecordKey;
use kith_proto::payload::MailboxList;
use kith_proto::record::CardRecord;
use kith_proto::record::Record;
use kith_proto::rows::Rows;
use kith_proto::time::Span;

/// How long a card stays in the DHT: as long as the DHT keeps anything, less an hour for clocks that differ.
const CARD_LIFE: Span = Span::from_hours(47);

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
        .is_some_and(|row| row.state() != ContactState::Blocked && row.invite.is_some());
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
    leaving::learn(engine, out, &device, MailboxList { version: 1, secret, places: card.places });
    true
}
