//! Groups of more than 32 members: which topics this device has, and whom it is connected with.
//!
//! ```text
//!  members, devices ─▶ ring ─▶ near: dialled        known: near, and who has us near     guests: members who came anyway
//!                                │ fewer than four up for half a minute
//!                                └▶ eight more, up to 64
//!  Joined, large ─▶ topics: today's, and around midnight that of the other day
//! ```
//!
//! Only the known and guests have rows, sessions and queues at mailboxes; of all others the log is what is known. Not here:
//! what goes through a topic (`gossip`), and the ring itself (`ring`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::TopicId;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::fellows;
use super::gossip::Sealed;
use super::membership;
use super::passing;
use super::passing::Passing;
use super::passing::Tag;
use super::passing::Tags;
use super::ring::Ring;
use super::state::Group;
use super::taking;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::output::Output;
use crate::presence::Presence;
use crate::timer::TimerKey;
use crate::view::ContactState;

/// Topics at once, as the network takes.
const MAX_TOPICS: usize = 128;

/// Clocks differ: around midnight by so much the topics of both days are had.
const OVERLAP: Span = Span::from_hours(1);

const DAY: Span = Span::from_days(1);

/// With fewer neighbours than this, one who goes may take the group along.
const ENOUGH: usize = 4;

/// How long neighbours get to come, before others are looked for.
const PATIENCE: Span = Span::from_secs(30);

/// So many others at a time, and neighbours at most.
const WIDER: usize = 8;
const MOST_NEAR: usize = 64;

/// Members who are connected and no neighbours: their ring is another one, or wider.
const MOST_GUESTS: usize = 64;

/// So long after something came through a topic, one neighbour is asked whether that was all; and up to as long again,
/// by chance.
const HEAL_AFTER: Span = Span::from_secs(20);

/// While a meeting goes on that brings something, the others are told of it so often. When it ends they are told at once.
const SPREAD_EVERY: Span = Span::from_secs(10);

/// What a group has while it is large.
#[derive(Default)]
pub(crate) struct Mesh {
    pub(super) ring: Ring,
    /// Whom we dial.
    pub(super) near: BTreeSet<DeviceId>,
    /// Those, and who dials us.
    pub(super) known: BTreeSet<DeviceId>,
    /// Members who connected although nobody is near the other.
    pub(super) guests: VecDeque<DeviceId>,
    widened: usize,
    /// Since when too few of those near are there.
    lonely: Option<Timestamp>,
    /// When a neighbour is asked whether something is missing.
    heal_at: Option<Timestamp>,
    /// When the others are told of what meetings brought.
    spread_at: Option<Timestamp>,
    /// By which chain an envelope was sealed.
    pub(super) tags: Tags,
    /// What is needed to pass chains of others on.
    pub(super) passing: BTreeMap<(DeviceId, [u8; 16]), Passing>,
    /// Posts that came through a topic, whose chain is not here.
    pub(super) sealed: VecDeque<Sealed>,
    /// When whom was asked for which chain.
    pub(super) asked: VecDeque<(DeviceId, [u8; 16], Timestamp)>,
    /// How many were asked for the chains of what waits.
    pub(super) tries: BTreeMap<Tag, u8>,
    /// When whom was told where others are.
    pub(super) told: BTreeMap<DeviceId, Timestamp>,
}

impl Group {
    /// Puts the neighbours in order, after the members are others than before.
    pub(super) fn rearrange(&mut self, own: &DeviceId) {
        if self.is_direct() {
            self.mesh = Mesh { passing: std::mem::take(&mut self.mesh.passing), ..Mesh::default() };
            return;
        }
        if self.mesh.ring.is_empty() {
            // It was small until now. The chain that was handed to each member says nothing that lets others pass it on.
            self.own = None;
        }
        self.mesh.ring = Ring::new(&self.id(), self.owners.keys().copied());
        let owners = &self.owners;
        self.mesh.guests.retain(|guest| owners.contains_key(guest));
        self.widen(own, self.mesh.widened);
    }

    fn widen(&mut self, own: &DeviceId, more: usize) {
        let mesh = &mut self.mesh;
        mesh.widened = more;
        mesh.near = mesh.ring.dialled_by(own, more);
        mesh.known = mesh.ring.dialling(own);
        mesh.known.extend(mesh.near.iter().copied());
    }

    /// Whether a device is one that this device has to do with: anybody's in a small group.
    pub(super) fn is_kin(&self, device: &DeviceId) -> bool {
        match self.is_direct() {
            true => self.has_device(device),
            false => self.mesh.known.contains(device) || self.mesh.guests.contains(device),
        }
    }

    /// Whom this device dials in a large group.
    pub(super) fn near(&self) -> impl Iterator<Item = DeviceId> {
        self.mesh.near.iter().copied()
    }

    /// Whose devices those are.
    pub(super) fn kin(&self) -> BTreeSet<AccountId> {
        match self.is_direct() {
            true => self.members.keys().copied().collect(),
            false => {
                let devices = self.mesh.known.iter().chain(&self.mesh.guests);
                devices.filter_map(|device| self.owners.get(device)).copied().collect()
            }
        }
    }
}

/// Has the neighbours and topics looked after in this step.
pub(crate) fn stir(engine: &mut Engine) {
    if engine.groups.is_meshed() {
        engine.core.timers.set_earlier(TimerKey::Mesh, engine.core.now);
    }
}

/// Topics, neighbours who are too few, and whether something was missed.
pub(crate) fn look_after(engine: &mut Engine, rows: &dyn Rows, out: &mut Output) {
    let now = engine.core.now;
    let mut next = topics(engine, out);
    let large: Vec<GroupId> = engine.groups.meshed().collect();
    for id in large {
        next = next.min(neighbours(engine, rows, out, &id));
        let Some(group) = engine.groups.get_mut(&id) else { continue };
        match group.mesh.heal_at {
            Some(at) if at <= now => {
                group.mesh.heal_at = None;
                ask_one(engine, out, &id);
            }
            Some(at) => next = next.min(at),
            None => {}
        }
        next = next.min(spread_if_due(engine, &id)).min(passing::ask_others(engine, out, &id));
    }
    if next < Timestamp::NEVER {
        engine.core.timers.set(TimerKey::Mesh, next);
    }
}

/// Has the topics of this hour. Returns when that changes.
fn topics(engine: &mut Engine, out: &mut Output) -> Timestamp {
    let now = engine.core.now;
    let (today, into) = (now.day(), now.0 % DAY.0);
    let mut days = vec![today];
    let mut change = now + Span(DAY.0 - into);
    if into < OVERLAP.0 {
        days.push(today.saturating_sub(1));
        change = now + Span(OVERLAP.0 - into);
    } else if into >= DAY.0 - OVERLAP.0 {
        days.push(today.saturating_add(1));
    } else {
        change = now + Span(DAY.0 - OVERLAP.0 - into);
    }
    // Today's first: if there are too many, those are had.
    let mut wanted = BTreeMap::new();
    for day in days {
        for (id, group) in &engine.groups.by_id {
            if wanted.len() < MAX_TOPICS && group.is_meshed() {
                wanted.insert(TopicId::of_group(id, day), *id);
            }
        }
    }
    let had = std::mem::replace(&mut engine.groups.topics, wanted);
    let talkers = talkers(engine);
    if !had.keys().eq(engine.groups.topics.keys()) || engine.groups.talkers != talkers {
        engine.groups.talkers = talkers;
        tell_network(engine, out, &engine.groups.talkers);
    }
    if engine.groups.topics.is_empty() { Timestamp::NEVER } else { change }
}

/// Whom this device has to do with, and who is a member where it has topics. A topic follows from the name of the group, which is
/// no business of other friends.
fn talkers(engine: &Engine) -> BTreeSet<DeviceId> {
    let groups: BTreeSet<&GroupId> = engine.groups.topics.values().collect();
    let groups: Vec<&Group> = groups.into_iter().filter_map(|id| engine.groups.get(id)).collect();
    let shares = |device: &DeviceId| groups.iter().any(|group| group.has_device(device));
    engine.peers.all().map(|(device, _)| *device).filter(shares).collect()
}

fn tell_network(engine: &Engine, out: &mut Output, talkers: &BTreeSet<DeviceId>) {
    let topics = engine.groups.topics.keys().copied().collect();
    out.effect(Effect::Topics { topics, members: talkers.iter().copied().collect() });
}

/// Other devices have rows than before: those among them who are members hear of the topics.
pub(crate) fn say_topics(engine: &Engine, out: &mut Output) {
    if !engine.groups.topics.is_empty() {
        tell_network(engine, out, &talkers(engine));
    }
}

/// Looks whether enough neighbours are there, and for others if not. Returns when to look again.
fn neighbours(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId) -> Timestamp {
    let (own, now) = (engine.devices.device(), engine.core.now);
    let Engine { groups, presence, .. } = engine;
    let Some(group) = groups.get_mut(id) else { return Timestamp::NEVER };
    let up = presence.links.ready_devices().iter().filter(|device| group.has_device(device)).count();
    let mesh = &mut group.mesh;
    if up >= ENOUGH.min(mesh.near.len()) {
        mesh.lonely = None;
        return Timestamp::NEVER;
    }
    // While nobody at all is connected it is not for want of neighbours.
    let is_alone = !presence.links.any() && !presence.may_look_up();
    let since = *mesh.lonely.get_or_insert(now);
    if now.since(since) < PATIENCE || is_alone {
        return now.max(since) + PATIENCE;
    }
    mesh.lonely = Some(now);
    let more = mesh.widened + WIDER;
    if mesh.near.len() + WIDER > MOST_NEAR || mesh.near.len() + 1 >= group.owners.len() {
        return Timestamp::NEVER;
    }
    group.widen(&own, more);
    fellows::near_changed(engine, rows, out, id);
    now + PATIENCE
}

/// Something came through a topic: what did not come is asked for in a while.
pub(super) fn heal_later(engine: &mut Engine, id: &GroupId) {
    let [byte] = engine.core.random::<1>();
    let at = engine.core.now + Span(HEAL_AFTER.0 + HEAL_AFTER.0 * u64::from(byte) / 256);
    if let Some(group) = engine.groups.get_mut(id)
        && group.mesh.heal_at.is_none()
    {
        group.mesh.heal_at = Some(at);
        engine.core.timers.set_earlier(TimerKey::Mesh, at);
    }
}

/// A meeting brought something that came to nobody else through a topic. The moment at which the others are told is that of the
/// first of it: whoever brings more and more puts nothing off.
pub(super) fn spread_later(engine: &mut Engine, id: &GroupId) {
    let at = engine.core.now + SPREAD_EVERY;
    if let Some(group) = engine.groups.get_mut(id).filter(|group| group.is_meshed())
        && group.mesh.spread_at.is_none()
    {
        group.mesh.spread_at = Some(at);
        engine.core.timers.set_earlier(TimerKey::Mesh, at);
    }
}

/// A meeting is over: the others are told what it brought.
pub(super) fn spread(engine: &mut Engine, id: &GroupId) {
    let brought = engine.groups.get_mut(id).and_then(|group| group.mesh.spread_at.take());
    if brought.is_some() {
        membership::tell_soon(engine, id);
    }
}

/// Tells the others, if it is time. Returns when it is.
fn spread_if_due(engine: &mut Engine, id: &GroupId) -> Timestamp {
    match engine.groups.get(id).and_then(|group| group.mesh.spread_at) {
        Some(at) if at <= engine.core.now => spread(engine, id),
        Some(at) => return at,
        None => {}
    }
    Timestamp::NEVER
}

/// Tells one neighbour how far we are.
fn ask_one(engine: &mut Engine, out: &mut Output, id: &GroupId) {
    let [byte] = engine.core.random::<1>();
    let there = present(engine, id);
    if let Some(device) = there.get(usize::from(byte) % there.len().max(1)) {
        taking::say_heads_of(engine, out, device, id);
    }
}

/// Somebody is connected who has no rows here. Whoever is in a large group with us is welcome.
pub(crate) fn welcome(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, device: &DeviceId) {
    let Engine { groups, presence, .. } = engine;
    let mut large = groups.by_id.iter_mut().filter(|(_, group)| group.is_meshed());
    let Some((id, group)) = large.find(|(_, group)| group.has_device(device)) else { return };
    let id = *id;
    if take_in(group, presence, device) {
        fellows::near_changed(engine, rows, out, &id);
    }
}

/// Makes somebody a guest who is connected. Returns whether there was room.
fn take_in(group: &mut Group, presence: &Presence, device: &DeviceId) -> bool {
    let guests = &mut group.mesh.guests;
    if guests.contains(device) {
        return true;
    }
    if guests.len() >= MOST_GUESTS {
        let gone = guests.iter().position(|guest| !presence.links.is_up(guest));
        if gone.and_then(|gone| guests.remove(gone)).is_none() {
            return false;
        }
    }
    guests.push_back(*device);
    true
}

/// Members who came while they are connected stay so, whoever is near whom: they may have nobody else yet.
pub(super) fn keep_newcomers(engine: &mut Engine, id: &GroupId, joined: &[AccountId]) {
    let own = engine.devices.device();
    let Engine { groups, presence, .. } = engine;
    let Some(group) = groups.get_mut(id).filter(|group| group.is_meshed()) else {
        return;
    };
    let devices: Vec<DeviceId> =
        joined.iter().filter_map(|account| group.members.get(account)).flatten().copied().collect();
    for device in devices {
        if device != own && presence.links.is_up(&device) && !group.mesh.known.contains(&device) {
            take_in(group, presence, &device);
        }
    }
}

/// The members' devices that something may be said to now.
pub(super) fn present(engine: &Engine, id: &GroupId) -> Vec<DeviceId> {
    let Some(group) = engine.groups.get(id) else { return Vec::new() };
    let ready = engine.presence.links.ready_devices();
    ready.into_iter().filter(|device| group.has_device(device)).collect()
}

/// Makes somebody known to whom a word has to go, though they may not be near. Returns their devices.
pub(super) fn reach(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    account: &AccountId,
) -> Vec<DeviceId> {
    let Some(group) = engine.groups.get(id) else { return Vec::new() };
    let devices = group.members.get(account).cloned().unwrap_or_default();
    if *account == engine.devices.account {
        return devices;
    }
    let unknown = devices.iter().any(|device| engine.peers.get(device).is_none());
    let list = group.log.device_list(account).cloned().filter(|_| unknown && !group.is_direct());
    if let Some(list) = list {
        fellows::learn(engine, rows, out, account, &list);
    }
    for device in &devices {
        if engine.peers.get(device).is_some() {
            engine.presence.want(&mut engine.core, device);
        }
    }
    devices
}

/// Whether a device is nobody's but a member's of large groups, and near in none: it need not be dialled.
pub(crate) fn is_far(engine: &Engine, account: &AccountId, device: &DeviceId) -> bool {
    let state = engine.contacts.state(account);
    if matches!(state, Some(ContactState::Accepted | ContactState::Requested)) {
        return false;
    }
    if engine.outbox.oldest(device).is_some() {
        // Until they have what waits for them.
        return false;
    }
    let mut common = engine
        .groups
        .by_id
        .values()
        .filter(|group| group.is_ours() && group.members.contains_key(account))
        .peekable();
    common.peek().is_some()
        && common.all(|group| !group.is_direct() && !group.mesh.near.contains(device))
        && !engine.groups.asks(account)
}

/// Dials those who are near, and no others of large groups.
pub(super) fn sort_dials(engine: &mut Engine) {
    let fellows: Vec<(DeviceId, bool)> = engine
        .peers
        .all()
        .filter(|(_, row)| engine.contacts.get(&row.contact).is_some_and(|contact| contact.is_fellow()))
        .map(|(device, row)| (*device, is_far(engine, &row.contact, device)))
        .collect();
    for (device, is_far) in fellows {
        match is_far {
            true => engine.presence.unwant(&device),
            false => engine.presence.want(&mut engine.core, &device),
        }
    }
}
