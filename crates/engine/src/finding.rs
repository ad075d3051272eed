//! Where a device can be reached, in the DHT: for those who were given a secret, and for nobody else.
//!
//! ```text
//!  contact accepted, or asked by a link ─▶ told our secret, in band ─▶ finds our records (one for all contacts, a day, each of our devices)
//!  contact blocked, removed, or one of its devices gone ─▶ another secret ─▶ the others are told
//!                                                       └▶ the records of the old one say nothing any more
//! ```
//!
//! Members of common groups who are no contacts find each other by what follows from the group; whoever holds a link of ours, by the
//! link, while there is no mailbox to ask at. Somebody who knows only an address finds mailboxes (`strangers`), and no device.
//! Not here: when a device is dialled, and which addresses are told (`presence`); how groups are (`groups`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::mailbox;
use kith_crypto::record;
use kith_crypto::secret::Secret32;
use kith_proto::address::Multiaddress;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::RecordKey;
use kith_proto::payload::AddressSecret;
use kith_proto::payload::Content;
use kith_proto::record::DeviceRecord;
use kith_proto::record::Record;
use kith_proto::time::Span;

use crate::effect::Effect;
use crate::engine::Engine;
use crate::links;
use crate::output::Output;
use crate::rows;
use crate::rows::AddressSecretRow;
use crate::rows::ToldRow;
use crate::timer::TimerKey;
use crate::view::ContactState;

/// Groups for whose members records are published. Two records for each, beside cards and lists, stay below the 128 new ones
/// that a node takes of one peer in ten minutes.
const MAX_GROUPS: usize = 16;

/// Open links for whose holders records are published, when there is no mailbox: older ones were used or forgotten.
const MAX_LINKS: usize = 8;

/// The secrets, ours and those of others, and what is looked for.
#[derive(Default)]
pub(crate) struct Finding {
    own: Option<AddressSecretRow>,
    by_device: BTreeMap<DeviceId, ToldRow>,
    sought: BTreeMap<RecordKey, Sought>,
    /// Somebody knows our secret who is not to find us any more.
    known_too_well: bool,
}

/// What is looked for under a key.
struct Sought {
    device: DeviceId,
    secret: Secret32,
    period: u32,
}

impl Finding {
    /// Takes our own secret as it was stored.
    pub(crate) fn restore_own(&mut self, row: AddressSecretRow) {
        self.own = Some(row);
    }

    /// Takes a row as it was stored.
    pub(crate) fn restore(&mut self, device: DeviceId, row: ToldRow) {
        self.by_device.insert(device, row);
    }

    /// A look-up is over.
    pub(crate) fn done(&mut self, key: &RecordKey) {
        self.sought.remove(key);
    }

    /// A device is not looked for any more.
    pub(crate) fn unwant(&mut self, device: &DeviceId) {
        self.sought.retain(|_, sought| sought.device != *device);
    }

    /// Whether a device may find us by our secret.
    fn is_known_to(&self, row: &ToldRow) -> bool {
        self.own.as_ref().is_some_and(|own| row.knows >= own.version)
    }

    fn told(&self, device: &DeviceId) -> u64 {
        self.by_device.get(device).map_or(0, |row| row.told)
    }

    /// Changes a row and writes it if it is another.
    fn update(&mut self, device: &DeviceId, out: &mut Output, change: impl FnOnce(&mut ToldRow)) {
        let row = self.by_device.entry(*device).or_insert(ToldRow { knows: 0, told: 0, theirs: None });
        let before = row.clone();
        change(row);
        if *row != before {
            out.put(rows::ADDRESS_SECRETS, &device.0, row.to_bytes());
        }
    }

    fn put_own(&mut self, out: &mut Output, secret: Secret32, version: u64) {
        let row = AddressSecretRow { secret, version };
        out.put(rows::ADDRESS_SECRET, rows::SELF, row.to_bytes());
        self.own = Some(row);
    }
}

/// Publishes where this device is for all who may know, for this period and the next, and tells contacts how to find it who
/// were not told yet.
pub(crate) fn publish(engine: &mut Engine, out: &mut Output) {
    let again = engine.core.now + engine.core.config.publish_every;
    engine.core.timers.set(TimerKey::Publish, again);
    if engine.finding.known_too_well {
        change(engine, out);
    }
    tell_all(engine, out);
    let told = DeviceRecord { addresses: engine.presence.own_addresses() };
    if told.addresses.is_empty() {
        return;
    }
    let period = record::period_at(engine.core.now);
    let sequence = engine.core.now.0;
    for secret in secrets_of_readers(engine) {
        publish_under(engine, out, &secret, &[period, period.saturating_add(1)], (sequence, &told));
    }
}

fn publish_under(
    engine: &mut Engine,
    out: &mut Output,
    secret: &Secret32,
    periods: &[u32],
    (sequence, told): (u64, &DeviceRecord),
) {
    let life = Span(engine.core.config.publish_every.0.saturating_mul(4));
    let valid = (sequence, engine.core.now + life);
    for period in periods {
        let (rng, device) = (&mut engine.core.rng, &engine.devices.secret);
        let record = record::seal_record(rng, device, secret, *period, valid, told);
        out.effect(Effect::Publish { record });
    }
}

/// The secrets of all who may find this device.
fn secrets_of_readers(engine: &Engine) -> Vec<Secret32> {
    let finding = &engine.finding;
    let is_known = finding.by_device.values().any(|row| finding.is_known_to(row));
    let own = finding.own.iter().filter(|_| is_known);
    let mut secrets: Vec<Secret32> = own.map(|own| own.secret.clone()).collect();
    let mut groups: BTreeSet<GroupId> = engine.groups.meshed().collect();
    let strangers = engine.groups.fellows().into_iter().filter(|account| {
        // Contacts have our own secret.
        *account != engine.devices.account
            && !matches!(engine.contacts.state(account), Some(ContactState::Accepted | ContactState::Blocked))
    });
    groups.extend(strangers.filter_map(|account| engine.groups.common(&account).first().copied()));
    secrets.extend(groups.iter().take(MAX_GROUPS).map(record::group_address_secret));
    if engine.mailboxes.places().is_empty() {
        let links = engine.contacts.newest_invites(engine.core.now).take(MAX_LINKS);
        secrets.extend(links.map(|link| mailbox::invite_secret(&link)));
    }
    secrets
}

/// A record came that may be one of those that are looked for. Returns whose it is, its sequence and the addresses it tells.
pub(crate) fn found(
    engine: &mut Engine,
    key: &RecordKey,
    found: &Record,
) -> Option<(DeviceId, u64, Vec<Multiaddress>)> {
    let Sought { device, secret, period } = engine.finding.sought.get(key)?;
    match record::open_record(device, secret, *period, found) {
        Ok(told) if found.expires > engine.core.now => {
            Some((*device, found.sequence, told.addresses.into_inner()))
        }
        _ => {
            engine.core.stats.bad_records += 1;
            None
        }
    }
}

/// Looks for a device, for today and for the period before.
pub(crate) fn look_up(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    if !engine.presence.may_look_up() {
        return;
    }
    let today = record::period_at(engine.core.now);
    for secret in secrets_to(engine, device) {
        for period in [today, today.saturating_sub(1)] {
            let Some(key) = record::record_key(device, &secret, period) else { continue };
            let sought = Sought { device: *device, secret: secret.clone(), period };
            if engine.finding.sought.insert(key, sought).is_none() {
                out.effect(Effect::LookUp { key });
            }
        }
    }
}

/// What may lead to a device: what its owner told us, a group that both are in, the link that we used.
fn secrets_to(engine: &Engine, device: &DeviceId) -> Vec<Secret32> {
    let Some(contact) = engine.peers.contact_of(device) else { return Vec::new() };
    // All devices of an account have the same: another one may have told a newer one.
    let devices = engine.peers.devices_of(&contact);
    let told = devices.iter().filter_map(|device| engine.finding.by_device.get(device)?.theirs.as_ref());
    let newest = told.max_by_key(|told| told.version);
    let link = engine.contacts.get(&contact).filter(|row| !row.knocks(&contact));
    let link = link.and_then(|row| row.invite.as_ref()).map(|link| mailbox::invite_secret(&link.0));
    let group = engine.groups.common(&contact).first().map(record::group_address_secret);
    newest.map(|told| Secret32::new(told.secret)).into_iter().chain(group).chain(link).collect()
}

/// What a device is told about finding us, unless it knows.
pub(crate) fn untold(engine: &mut Engine, out: &mut Output, device: &DeviceId) -> Option<Content> {
    let own = engine.finding.own.as_ref()?;
    let (secret, version) = (*own.secret.as_bytes(), own.version);
    if engine.finding.told(device) >= version {
        return None;
    }
    engine.finding.update(device, out, |row| (row.knows, row.told) = (version, version));
    // A time: if an old disk was put back here, this has to be newer than what was told before that.
    let version = version.max(engine.core.now.0);
    Some(Content::AddressSecret(AddressSecret { version, secret }))
}

/// What is said of it whenever a connection is new, to those who were told: whoever put an old disk back may have forgotten, or told
/// something older, and nothing else shows that.
pub(crate) fn said(engine: &Engine, device: &DeviceId) -> Option<Content> {
    let own = engine.finding.own.as_ref()?;
    let row = engine.finding.by_device.get(device).filter(|row| row.told >= own.version)?;
    let (version, secret) = (row.told, *own.secret.as_bytes());
    may_know(engine, device).then_some(Content::AddressSecret(AddressSecret { version, secret }))
}

/// Tells a device how to find us, unless it knows.
fn tell(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let Some(content) = untold(engine, out, device) else { return };
    let same = |content: &Content| matches!(content, Content::AddressSecret(_));
    if !engine.outbox.replace_waiting(&mut engine.peers, out, device, &content, same) {
        engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, device, vec![content], None);
    }
    links::pump(engine, out, device);
}

/// Tells it again: one of us has forgotten.
pub(crate) fn tell_again(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    if may_know(engine, device) && engine.finding.told(device) > 0 {
        engine.finding.update(device, out, |row| row.told = 0);
        tell(engine, out, device);
    }
}

/// Tells everybody who is to know and does not yet.
fn tell_all(engine: &mut Engine, out: &mut Output) {
    let devices: Vec<DeviceId> = engine.peers.all().map(|(device, _)| *device).collect();
    for device in devices {
        if may_know(engine, &device) {
            tell(engine, out, &device);
        }
    }
}

/// Whether a device's owner is to find us: a contact, or somebody whose link we used. Whoever is asked by the address alone hears it when they
/// agreed.
fn may_know(engine: &Engine, device: &DeviceId) -> bool {
    let Some(contact) = engine.peers.contact_of(device) else { return false };
    match engine.contacts.state(&contact) {
        Some(ContactState::Accepted) => true,
        Some(ContactState::Requested) => !engine.is_knocking(device),
        _ => false,
    }
}

/// A device tells how its account is found; `now`: it says so at this moment, whatever it said before.
pub(crate) fn learn(
    engine: &mut Engine,
    out: &mut Output,
    device: &DeviceId,
    mut told: AddressSecret,
    now: bool,
) {
    let known = engine.finding.by_device.get(device).and_then(|row| row.theirs.as_ref());
    let is_news =
        |known: &AddressSecret| known.secret != told.secret && (now || known.version < told.version);
    let contact = engine.peers.contact_of(device).and_then(|contact| engine.contacts.state(&contact));
    let heard = !matches!(contact, None | Some(ContactState::Blocked));
    if !heard || !known.is_none_or(is_news) {
        return;
    }
    told.version = told.version.max(known.map_or(0, |known| known.version));
    engine.finding.update(device, out, |row| row.theirs = Some(told));
    // What is known of where it is may be old.
    engine.presence.dial_now(&mut engine.core, device);
}

/// It is as if a device had never been told: it is asked anew whether we know each other.
pub(crate) fn forget_told(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    if engine.finding.by_device.contains_key(device) {
        engine.finding.update(device, out, |row| row.told = 0);
    }
}

/// These devices are not to find us any more.
pub(crate) fn part(engine: &mut Engine, out: &mut Output, devices: &[DeviceId]) {
    for device in devices {
        let row = engine.finding.by_device.get(device);
        if row.is_some_and(|row| engine.finding.is_known_to(row)) {
            engine.finding.known_too_well = true;
            // In the same batch, after whatever else goes with it.
            engine.core.timers.set(TimerKey::Publish, engine.core.now);
        }
        forget_told(engine, out, device);
    }
}

/// Forgets a device.
pub(crate) fn forget_device(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    part(engine, out, &[*device]);
    engine.finding.unwant(device);
    if engine.finding.by_device.remove(device).is_some() {
        out.delete(rows::ADDRESS_SECRETS, &device.0);
    }
}

/// Another secret, and nothing where the old one leads. Whoever knew it keeps what they read until now.
fn change(engine: &mut Engine, out: &mut Output) {
    engine.finding.known_too_well = false;
    let now = engine.core.now;
    let Some(old) = engine.finding.own.take() else { return };
    let secret = Secret32::new(engine.core.random());
    engine.finding.put_own(out, secret, now.0.max(old.version.saturating_add(1)));
    let period = record::period_at(now);
    let periods = [period.saturating_sub(1), period, period.saturating_add(1)];
    // Newer than what was published a moment ago.
    let sequence = now.0.saturating_add(1);
    publish_under(engine, out, &old.secret, &periods, (sequence, &DeviceRecord::default()));
}

/// Makes our own secret if there is none.
pub(crate) fn start(engine: &mut Engine, out: &mut Output) {
    if engine.finding.own.is_none() {
        let (secret, version) = (Secret32::new(engine.core.random()), engine.core.now.0.max(1));
        engine.finding.put_own(out, secret, version);
    }
}
