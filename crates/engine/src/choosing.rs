//! Which mailboxes this device uses, and what contacts hear of it.
//!
//! ```text
//!  a node connects ─▶ candidate ─best of all, one a network─▶ tried ─Registered─▶ used: contacts are told
//!                        ▲                                      │ refuses, away      │ refuses, away for hours
//!                        └──────── after a day ─────────────────┘                    ▼ and another can be had
//!                                                                     left: read until it can hold nothing more
//! ```
//!
//! Not here: how good a node was (`standing`), the conversation with it (`reading`).

use std::cmp::Reverse;
use std::collections::BTreeSet;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::payload::Content;
use kith_proto::payload::MAX_PLACES;
use kith_proto::payload::MailboxList;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::askers::Use;
use crate::cards;
use crate::engine::Engine;
use crate::knocking;
use crate::links;
use crate::mailboxes::Own;
use crate::mailboxes::Owner;
use crate::mailboxes::WANTED;
use crate::mailboxes::WANTED_OF_FRIENDS;
use crate::offers;
use crate::output::Output;
use crate::registering;
use crate::standing::UNKNOWN;
use crate::standing::network_of;
use crate::timer::TimerKey;
use crate::view::MailboxRefusal;
use crate::view::MailboxView;

/// A mailbox that was away for so long is replaced: longer than a restart, an update or a broken line at night.
const AWAY: Span = Span::from_hours(4);

/// The same when two others are away too, and what is left has no second copy.
const AWAY_WITH_OTHERS: Span = Span::from_minutes(30);

/// No mailbox is replaced sooner after it was taken, unless it refuses: each change is told to every contact.
const MIN_STAY: Span = Span::from_hours(1);

/// A mailbox in the same network as another is replaced by one that is not, once so much time has passed.
const MIN_STAY_WITH_NEIGHBOUR: Span = Span::from_days(7);

/// Nodes connect one after the other: the choice is made among those of so long.
const CHOOSE_AFTER: Span = Span::from_secs(1);

/// A node is connected that may serve as a mailbox.
pub(crate) fn candidate(engine: &mut Engine, out: &mut Output, node: &DeviceAddress) {
    let now = engine.core.now;
    meet(engine, out, node);
    let first = engine.presence.bootstraps_connected().count() <= 1;
    // After a time without any, the network may be another.
    engine.askers.try_again(now, (!first).then_some(&node.device));
    engine.core.timers.set_earlier(TimerKey::Mail, now + CHOOSE_AFTER);
}

/// Wants a node as a mailbox, and asks it on a new stream.
pub(crate) fn want(engine: &mut Engine, out: &mut Output, node: DeviceAddress) {
    close(engine, out, &node.device);
    engine.mailboxes.want(node);
}

/// Remembers a node, to note how good it is.
pub(crate) fn meet(engine: &mut Engine, out: &mut Output, node: &DeviceAddress) {
    let Engine { mailboxes, standing, .. } = engine;
    standing.met(engine.core.now, out, node, |device| mailboxes.get(device).is_some());
}

/// Replaces what should be replaced, and chooses what is missing.
pub(crate) fn review(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    let empty = engine.mailboxes.all().filter(|(_, own)| own.holds_until() <= now);
    for device in empty.map(|(device, _)| *device).collect::<Vec<_>>() {
        close(engine, out, &device);
        engine.mailboxes.forget(out, &device);
    }
    for node in offers::on_offer(engine) {
        meet(engine, out, &node);
    }
    let before = engine.mailboxes.version;
    replace(engine, out);
    let mut candidates = candidates(engine);
    // One that the owner wants stays in the list, so that this is seen, and does not count while it is of no use.
    let counts = |engine: &Engine, (device, own): &(&DeviceId, &Own)| !is_of_no_use(engine, device, own);
    while engine.mailboxes.used().filter(|used| counts(engine, used)).count() < wanted(engine, &candidates)
        && engine.mailboxes.used().count() < MAX_PLACES
        && let Some(best) = take_best(engine, &mut candidates)
    {
        want(engine, out, best);
    }
    if engine.mailboxes.version > before {
        tell_everyone(engine, out);
        engine.network_changed(out);
    }
    probe(engine, out, &candidates);
}

/// How many mailboxes there should be with these to choose from: three, one of them a community node. As long as all are
/// devices of contacts, which are away at night, five and the community node that can be had.
fn wanted(engine: &Engine, candidates: &[DeviceAddress]) -> usize {
    if !lacks_community(engine) {
        return WANTED;
    }
    let of_use = engine.mailboxes.used().filter(|(device, own)| !is_of_no_use(engine, device, own)).count();
    let is_there = candidates.iter().any(|node| is_community(engine, &node.device));
    if is_there { of_use + 1 } else { WANTED_OF_FRIENDS }
}

/// Whether no community node is among the mailboxes that are of use.
fn lacks_community(engine: &Engine) -> bool {
    let is_one =
        |(device, own): (&DeviceId, &Own)| is_community(engine, device) && !is_of_no_use(engine, device, own);
    !engine.mailboxes.used().any(is_one)
}

/// Whether a node is there for everybody, and not a device of a contact.
fn is_community(engine: &Engine, device: &DeviceId) -> bool {
    !offers::of_friend(&engine.peers, &engine.contacts, device)
}

/// Connected nodes that could be used and are not. One that was left a moment ago is none yet.
fn candidates(engine: &Engine) -> Vec<DeviceAddress> {
    let now = engine.core.now;
    let free = |device: &DeviceId| {
        let own = engine.mailboxes.get(device);
        offers::may_use(engine, device)
            && own.is_none_or(|own| !own.is_used() && now.since(own.left) >= MIN_STAY)
            && engine.standing.may_ask(now, device)
            && !engine.askers.is_down(now, device)
    };
    let mut nodes: Vec<_> = engine.presence.bootstraps_connected().collect();
    let community: BTreeSet<DeviceId> = nodes.iter().map(|node| node.device).collect();
    nodes.extend(offers::on_offer(engine).into_iter().filter(|offer| !community.contains(&offer.device)));
    nodes.retain(|node| free(&node.device));
    nodes
}

/// The best candidate: a community node if none is used, then one in a network of its own if there is such a one, then the one with the best score, then by chance,
/// which is another for each device.
fn take_best(engine: &Engine, candidates: &mut Vec<DeviceAddress>) -> Option<DeviceAddress> {
    let taken = networks(engine);
    let (own, lacks_community) = (engine.devices.device(), lacks_community(engine));
    let rank = |node: &DeviceAddress| {
        let is_other = lacks_community && !is_community(engine, &node.device);
        let is_neighbour = network_of(&node.address).is_some_and(|network| taken.contains(&network));
        let chance = *blake3::hash(&[own.0, node.device.0].concat()).as_bytes();
        (is_other, is_neighbour, Reverse(engine.standing.score(engine.core.now, &node.device)), chance)
    };
    let (at, _) = candidates.iter().enumerate().min_by_key(|(_, node)| rank(node))?;
    Some(candidates.swap_remove(at))
}

/// The networks of the mailboxes that are used.
fn networks(engine: &Engine) -> BTreeSet<Vec<u8>> {
    engine.mailboxes.used().filter_map(|(_, own)| network_of(&own.address)).collect()
}

/// Leaves mailboxes that refuse, are away for long, or share a network with another, as far as others can be had.
fn replace(engine: &mut Engine, out: &mut Output) {
    let mut left = candidates(engine).len();
    for device in lost(engine).into_iter().chain(neighbour(engine)) {
        if left == 0 {
            return;
        }
        left -= 1;
        close(engine, out, &device);
        engine.mailboxes.leave(engine.core.now, out, &device);
    }
    if let Some(device) = surplus(engine) {
        close(engine, out, &device);
        engine.mailboxes.leave(engine.core.now, out, &device);
    }
}

/// The worst device of a contact among more mailboxes than are wanted, once a community node has been one for a while.
fn surplus(engine: &Engine) -> Option<DeviceId> {
    let now = engine.core.now;
    let of_use = || engine.mailboxes.used().filter(|(device, own)| !is_of_no_use(engine, device, own));
    let has_settled = |(device, own): (&DeviceId, &Own)| {
        is_community(engine, device) && own.accepted && now.since(own.since) >= MIN_STAY
    };
    if of_use().count() <= WANTED || !of_use().any(has_settled) {
        return None;
    }
    let may_go =
        |(device, _): &(&DeviceId, &Own)| !is_community(engine, device) && !engine.choices.is_wanted(device);
    let worst = of_use().filter(may_go).map(|(device, _)| *device);
    worst.min_by_key(|device| engine.standing.score(now, device))
}

/// The mailboxes that are of no use. What the owner wants stays.
fn lost(engine: &Engine) -> Vec<DeviceId> {
    let is_lost = |(device, own): &(&DeviceId, &Own)| {
        !engine.choices.is_wanted(device) && is_of_no_use(engine, device, own)
    };
    engine.mailboxes.used().filter(is_lost).map(|(device, _)| *device).collect()
}

/// Whether a mailbox refuses, or was away for too long.
fn is_of_no_use(engine: &Engine, device: &DeviceId, own: &Own) -> bool {
    let now = engine.core.now;
    let down = engine.mailboxes.used().filter(|(device, _)| engine.askers.is_down(now, device)).count();
    let limit = if down >= WANTED { AWAY_WITH_OTHERS } else { AWAY };
    let settled = engine.standing.away(device) >= limit && now.since(own.since) >= MIN_STAY;
    own.refuses || (engine.askers.is_down(now, device) && (!own.accepted || settled))
}

/// The worse of two mailboxes in one network, if a good one in another network is there.
fn neighbour(engine: &Engine) -> Option<DeviceId> {
    let now = engine.core.now;
    let taken = networks(engine);
    let elsewhere = |node: &DeviceAddress| {
        network_of(&node.address).is_some_and(|network| !taken.contains(&network))
            && engine.standing.score(now, &node.device) > UNKNOWN
    };
    if !candidates(engine).iter().any(elsewhere) {
        return None;
    }
    let shares = |device: &DeviceId, own: &Own| {
        let network = network_of(&own.address);
        let mut others = engine.mailboxes.used().filter(|(other, _)| *other != device);
        network.is_some() && others.any(|(_, other)| network_of(&other.address) == network)
    };
    let settled = engine.mailboxes.used().all(|(_, own)| now.since(own.since) >= MIN_STAY_WITH_NEIGHBOUR);
    let may_go = |device: &DeviceId| settled && !engine.choices.is_wanted(device);
    let sharing = engine.mailboxes.used().filter(|(device, own)| may_go(device) && shares(device, own));
    sharing.map(|(device, _)| *device).min_by_key(|device| engine.standing.score(now, device))
}

/// Does not use a mailbox any more, whatever else can be had, and says so to contacts.
pub(crate) fn give_up(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    close(engine, out, device);
    let before = engine.mailboxes.version;
    engine.mailboxes.leave(engine.core.now, out, device);
    if engine.mailboxes.version > before {
        tell_everyone(engine, out);
    }
    engine.network_changed(out);
}

/// Closes the streams by which a mailbox is read.
pub(crate) fn close(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let period = kith_crypto::mailbox::period_at(engine.core.now);
    for period in [period.saturating_sub(1), period, period.saturating_add(1)] {
        engine.askers.close(out, Use::Read { mailbox: *device, period });
        engine.mailboxes.stop_reading(device, period);
    }
}

/// Asks nodes that are not used what they offer, so that there is something to choose by when one is needed.
fn probe(engine: &mut Engine, out: &mut Output, candidates: &[DeviceAddress]) {
    for node in candidates {
        if engine.standing.is_probe_due(engine.core.now, &node.device) {
            let used_for = Use::Probe { mailbox: node.device };
            engine.askers.open(&mut engine.core, out, used_for, vec![node.address.clone()]);
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
    let version = engine.deposits.say(engine.core.now, device, version, out);
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

/// The list is another: contacts, mailboxes and the DHT hear of it.
pub(crate) fn tell_everyone(engine: &mut Engine, out: &mut Output) {
    for device in links::confidants(engine) {
        tell(engine, out, &device);
    }
    knocking::tell_mailboxes(engine, out);
    registering::queues_changed(engine, out);
    cards::publish_anew(engine, out);
}

/// The own mailboxes as front ends see them: those that are used, those that close and are being emptied, and while some are
/// missing those that would not have us, with the reason.
pub(crate) fn views(engine: &Engine) -> Vec<MailboxView> {
    let is_shown =
        |(device, own): &(&DeviceId, &Own)| own.is_used() || (own.closing && engine.askers.is_ready(device));
    let mut views: Vec<_> =
        engine.mailboxes.all().filter(is_shown).map(|(device, own)| view(engine, device, own)).collect();
    let enough = if lacks_community(engine) { WANTED_OF_FRIENDS } else { WANTED };
    if views.iter().filter(|own| own.accepted && !own.closing).count() < enough {
        let shown: BTreeSet<DeviceId> = views.iter().map(|own| own.device).collect();
        let others = engine.standing.refusing(engine.core.now);
        let others = others.filter(|(device, _)| !shown.contains(device) && offers::may_use(engine, device));
        let refusing = |(device, address): (&DeviceId, &Multiaddress)| {
            let mut own = Own::new(address.clone());
            own.refuses = true;
            view(engine, device, &own)
        };
        views.extend(others.map(refusing));
    }
    views
}

fn view(engine: &Engine, device: &DeviceId, own: &Own) -> MailboxView {
    let why = || engine.standing.refusal(device).unwrap_or(MailboxRefusal::NotKnown);
    let contact = |(_, owner): &(u32, Owner)| match owner {
        Owner::Device(device) => engine.peers.contact_of(device),
        Owner::Invite(_) => None,
    };
    let without: BTreeSet<ContactId> = own.without.values().filter_map(contact).collect();
    let links = own.without.values().filter_map(|(_, owner)| match owner {
        Owner::Invite(invite) => Some(*invite),
        Owner::Device(_) => None,
    });
    let links = links.collect::<BTreeSet<_>>().len();
    MailboxView {
        device: *device,
        address: own.address.clone(),
        accepted: own.accepted,
        connected: engine.askers.is_ready(device),
        chosen: engine.choices.is_wanted(device),
        refused: own.refuses.then(why),
        with_voucher: engine.choices.voucher(device).is_some(),
        of_contact: offers::of_friend(&engine.peers, &engine.contacts, device),
        without: without.into_iter().collect(),
        links_without: u32::try_from(links).unwrap_or(u32::MAX),
        missing: own.missing.queues,
        closing: own.closing,
        since: (own.since > Timestamp(0)).then_some(own.since),
        left_at: own.mail_at,
        read_at: own.read_at,
        quota_left: own.quota_left,
        score: engine.standing.score(engine.core.now, device),
        away_secs: engine.standing.away(device).0 / 1_000,
    }
}
