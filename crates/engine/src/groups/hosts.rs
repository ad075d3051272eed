//! Who answers those who hold a link into a group: what a link says of them, what they tell the DHT, and how others find that.
//!
//! ```text
//!  an open link that we may let people in by ─▶ a queue for requests in our mailboxes, and a card that leads there
//!                                            └▶ Hosts: we first, then whoever else answers, seldom, by few
//!  asking ─ nobody answers ─▶ LookUp (today's, yesterday's) ─▶ more hosts to ask
//! ```
//!
//! Everybody who has a link can write that record, also junk: it names whom to ask, and whoever is asked must show a log that
//! only the group can have signed.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::record;
use kith_proto::address::DeviceAddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::group::GroupInvite;
use kith_proto::group::Link;
use kith_proto::group::LinkHost;
use kith_proto::group::MAX_LINK_HOSTS;
use kith_proto::group::link_secret;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::LinkId;
use kith_proto::id::RecordKey;
use kith_proto::invite::InviteSecret;
use kith_proto::record::HostsRecord;
use kith_proto::record::MAX_HOSTS;
use kith_proto::record::Record;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use rand_core::Rng as _;

use super::OpenLink;
use super::Permission;
use super::asking;
use crate::cards;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::output::Output;
use crate::registering;
use crate::timer::TimerKey;
use crate::view::GroupState;

/// Links of one group, and of all, for which a device keeps a queue and a record. The own ones are always among the first.
const LINKS_EACH: usize = 4;
const LINKS_IN_ALL: usize = 32;

/// In a group where not everybody is connected with everybody, one of so many answers by mail and writes the record.
const ONE_OF: u8 = 10;

/// All members together write the record about once in this time, and each of them at least so often.
const PUBLISH_EVERY: Span = Span::from_hours(1);
const PUBLISH_AT_LEAST: u64 = 8;

/// After a start or a change it is written so much later: several changes are one.
const PUBLISH_SOON: Span = Span::from_secs(2);

/// What was written so lately is not written again because something changed: anybody who may make links changes something.
const PUBLISH_AGAIN: Span = Span::from_minutes(10);

/// Without a DHT it is tried again after this.
const PUBLISH_LATER: Span = Span::from_minutes(1);

/// Every link by which people may come in here, by weight: we are in, it is open, and its secret fits.
fn open_links(engine: &mut Engine) -> Vec<(GroupId, OpenLink)> {
    let now = engine.core.now;
    let joined = engine.groups.by_id.iter_mut().filter(|(_, group)| group.row.state() == GroupState::Joined);
    let of = |(id, group): (&GroupId, &mut super::state::Group)| {
        let links = group.log.roster().links_by_weight().into_iter();
        let open = links.filter(|open| open.answerable && open.link.expires > now);
        open.map(|open| (*id, *open)).collect::<Vec<_>>()
    };
    joined.flat_map(of).collect()
}

/// The links for which this device keeps mail and writes records.
fn hosted(engine: &mut Engine) -> Vec<(GroupId, Link)> {
    let (own, device) = (engine.devices.account, engine.devices.device());
    let mut links = open_links(engine);
    // Whoever made a link answers it, however many others there are.
    links.sort_by_key(|(_, open)| open.made_by != own);
    let mut found = Vec::new();
    let mut each: BTreeMap<GroupId, usize> = BTreeMap::new();
    for (id, open) in links {
        let link = open.link;
        let Some(group) = engine.groups.get_mut(&id) else { continue };
        let is_direct = group.is_direct();
        let roster = group.log.roster();
        let room = link.uses == 0 || open.used < link.uses;
        let few = is_direct || open.made_by == own;
        let chosen = few || is_chosen(&id, &link.id(), &device);
        let count = each.entry(id).or_default();
        if room && chosen && may_decide(roster, &own, &link) && *count < LINKS_EACH {
            *count += 1;
            found.push((*count, (id, link)));
        }
    }
    // Every group's first before any group's second.
    found.sort_by_key(|(nth, _)| *nth);
    found.truncate(LINKS_IN_ALL);
    found.into_iter().map(|(_, hosted)| hosted).collect()
}

/// Whether somebody may let in by a link whoever was not removed.
fn may_decide(roster: &super::Roster, account: &AccountId, link: &Link) -> bool {
    let decided = link.approval || roster.policy.approve_links;
    roster.members.contains_key(account) && (!decided || roster.permits(account, Permission::Invite))
}

/// Whether a device is one of the few of a large group.
fn is_chosen(group: &GroupId, link: &LinkId, device: &DeviceId) -> bool {
    let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 group hosts chosen v1");
    hasher.update(&group.0).update(&link.0).update(&device.0);
    hasher.finalize().as_bytes().first().is_some_and(|byte| byte % ONE_OF == 0)
}

/// The secret of an open link, by its name among invites.
pub(crate) fn open_link(engine: &mut Engine, invite: &kith_proto::id::InviteId) -> Option<InviteSecret> {
    let device = engine.devices.device();
    let secrets = open_links(engine).into_iter().map(|(_, open)| link_secret(&open.link.seed, &device));
    secrets.into_iter().find(|secret| secret.id() == *invite)
}

/// What mail for us by links is left by.
pub(crate) fn secrets(engine: &mut Engine) -> Vec<InviteSecret> {
    let device = engine.devices.device();
    hosted(engine).into_iter().map(|(_, link)| link_secret(&link.seed, &device)).collect()
}

/// Whoever may let people in, with how soon to ask them: this device, members who are connected, others; last those of whom
/// nobody knows where they are.
type Candidates = Vec<(u8, LinkHost)>;

/// How soon somebody is asked of whom no address is known: not, unless they made the link.
const NOWHERE: u8 = 4;

/// Whom the holders of links may ask: of links by which only those who may invite let people in, or of others.
fn candidates(engine: &mut Engine, id: &GroupId, decided: bool) -> Candidates {
    let (own, own_device) = (engine.devices.account, engine.devices.device());
    let told: Vec<_> = engine.presence.invite_addresses(own_device);
    let Engine { groups, presence, peers, .. } = engine;
    let Some(group) = groups.get_mut(id) else { return Vec::new() };
    let roster = group.log.roster();
    let may = |account: &AccountId| !decided || roster.permits(account, Permission::Invite);
    let mut found = Vec::new();
    for (account, member) in roster.members.iter().filter(|(account, _)| may(account)) {
        if *account == own {
            let mine = told.iter().filter(|place| place.device == own_device);
            let addresses = BoundedVec::truncated(mine.map(|place| place.address.clone()).collect());
            found.push((1, LinkHost { account: own, device: own_device, addresses }));
            continue;
        }
        let ready = |device: &&DeviceId| presence.links.is_ready(device);
        let there = member.devices.iter().find(ready);
        let Some(device) = there.or(member.devices.first()) else { continue };
        let row = peers.get(device);
        let addresses = row.map(|row| row.addresses.to_vec()).unwrap_or_default();
        let rank = match (there.is_some(), addresses.is_empty()) {
            (true, _) => 2,
            (_, false) => 3,
            _ => NOWHERE,
        };
        let addresses = BoundedVec::truncated(addresses);
        found.push((rank, LinkHost { account: *account, device: *device, addresses }));
    }
    found
}

/// So many of them, `first` before all others.
fn chosen(candidates: &Candidates, first: &AccountId, most: usize) -> Vec<LinkHost> {
    let rank = |(rank, host): &&(u8, LinkHost)| if host.account == *first { 0 } else { *rank };
    let mut found: Vec<_> = candidates.iter().filter(|candidate| rank(candidate) < NOWHERE).collect();
    found.sort_by_key(rank);
    found.into_iter().take(most).map(|(_, host)| host.clone()).collect()
}

/// Whether only those who may invite let people in by a link.
fn is_decided(engine: &mut Engine, id: &GroupId, link: &Link) -> bool {
    let group = engine.groups.get_mut(id);
    link.approval || group.is_some_and(|group| group.log.roster().policy.approve_links)
}

/// A link as it is passed around: whom it names is who is there now.
pub(super) fn invite(engine: &mut Engine, id: &GroupId, link: &LinkId) -> Option<GroupInvite> {
    let open = *engine.groups.get_mut(id)?.log.roster().links.get(link)?;
    invites(engine, id, &[open]).remove(link)
}

/// Links of a group as they are passed around. Whom to ask is looked for once, however many links there are.
pub(super) fn invites(
    engine: &mut Engine,
    id: &GroupId,
    links: &[OpenLink],
) -> BTreeMap<LinkId, GroupInvite> {
    let own = engine.devices.device();
    let nodes: Vec<DeviceAddress> =
        engine.presence.invite_addresses(own).into_iter().filter(|place| place.device != own).collect();
    let mut ready: BTreeMap<bool, Candidates> = BTreeMap::new();
    let mut invites = BTreeMap::new();
    for open in links.iter().filter(|open| open.answerable) {
        let decided = is_decided(engine, id, &open.link);
        let of = ready.entry(decided).or_insert_with(|| candidates(engine, id, decided));
        let hosts = chosen(of, &open.made_by, MAX_LINK_HOSTS);
        let invite = GroupInvite::new(*id, (open.link.seed, open.link.work), hosts, nodes.clone());
        invites.insert(open.link.id(), invite);
    }
    invites
}

/// Links, or who may let people in by them, are others.
pub(super) fn changed(engine: &mut Engine, out: &mut Output) {
    registering::queues_changed(engine, out);
    soon(engine);
}

/// After a start, the records are written when the device has had time to be connected.
pub(crate) fn start(engine: &mut Engine) {
    if engine.groups.by_id.values().any(super::state::Group::is_ours) {
        soon(engine);
    }
}

/// The records are written soon.
fn soon(engine: &mut Engine) {
    let jitter = Span(engine.core.rng.next_u64() % PUBLISH_SOON.0);
    engine.core.timers.set_earlier(TimerKey::Hosts, engine.core.now + PUBLISH_SOON + jitter);
}

/// Tells the DHT who answers, and how mail reaches this device.
pub(crate) fn publish(engine: &mut Engine, out: &mut Output) {
    let hosted = hosted(engine);
    write(engine, out, &hosted);
}

/// The same, but for what was told lately.
pub(crate) fn publish_due(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    let mut hosted = hosted(engine);
    let known: BTreeSet<LinkId> = hosted.iter().map(|(_, link)| link.id()).collect();
    let written = &mut engine.groups.written;
    written.retain(|link, at| known.contains(link) || now.since(*at) < PUBLISH_AGAIN);
    let lately = |link: &Link| written.get(&link.id()).is_some_and(|at| now.since(*at) < PUBLISH_AGAIN);
    let due = hosted.extract_if(.., |(_, link)| !lately(link)).collect::<Vec<_>>();
    if due.is_empty() && !hosted.is_empty() {
        engine.core.timers.set_earlier(TimerKey::Hosts, now + PUBLISH_AGAIN);
    }
    write(engine, out, &due);
}

fn write(engine: &mut Engine, out: &mut Output, hosted: &[(GroupId, Link)]) {
    if hosted.is_empty() {
        return;
    }
    let now = engine.core.now;
    if !engine.presence.may_look_up() {
        return engine.core.timers.set_earlier(TimerKey::Hosts, now + PUBLISH_LATER);
    }
    let device = engine.devices.device();
    let mut crowd = 1;
    for (id, link) in hosted {
        engine.groups.written.insert(link.id(), now);
        let decided = is_decided(engine, id, link);
        let hosts = chosen(&candidates(engine, id, decided), &engine.devices.account, MAX_HOSTS);
        let connected =
            hosts.iter().filter(|host| engine.presence.links.is_ready(&host.device)).count() as u64;
        crowd = crowd.max(1 + connected);
        let told = HostsRecord { hosts: BoundedVec::truncated(hosts) };
        let valid = (now.0, cards::ends(engine));
        for period in cards::periods(now) {
            let sealed = record::seal_hosts(&mut engine.core.rng, &link.seed, period, valid, &told);
            out.effects.extend(sealed.map(|record| Effect::Publish { record }));
        }
    }
    cards::publish_for(
        engine,
        out,
        hosted.iter().map(|(_, link)| link_secret(&link.seed, &device)).collect(),
    );
    let every = PUBLISH_EVERY.0.saturating_mul(crowd.min(PUBLISH_AT_LEAST));
    // Members who started together do not write together.
    let jitter = engine.core.rng.next_u64() % (every / 2).max(1);
    engine.core.timers.set(TimerKey::Hosts, now + Span(every - every / 4 + jitter));
}

/// Looks for those who answer the link by which we ask.
pub(super) fn look_up(engine: &mut Engine, out: &mut Output, id: &GroupId) {
    let Some(row) = engine.groups.asking.get(id) else { return };
    let today = record::period_at(engine.core.now);
    for period in [today, today.saturating_sub(1)] {
        if let Some(key) = record::hosts_key(&row.link.seed, period)
            && engine.groups.sought.insert(key, (*id, period)).is_none()
        {
            out.effect(Effect::LookUp { key });
        }
    }
}

/// A record came that was looked for.
pub(crate) fn found(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    key: &RecordKey,
    record: &Record,
) {
    let Some((id, period)) = engine.groups.sought.get(key).copied() else { return };
    let Some(row) = engine.groups.asking.get(&id) else { return };
    let opened = record::open_hosts(&row.link.seed, period, record).ok();
    match opened.filter(|_| record.expires > engine.core.now) {
        Some(told) => asking::meet(engine, rows, out, &id, &told.hosts),
        None => engine.core.stats.bad_records += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_one_of_ten_devices_is_chosen() {
        let chosen = (0..=255_u8)
            .filter(|device| is_chosen(&GroupId([1; 32]), &LinkId([2; 16]), &DeviceId([*device; 32])));
        assert!((15..=40).contains(&chosen.count()));
    }
}
