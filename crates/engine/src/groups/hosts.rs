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

use super::Permission;
use super::asking;
use crate::cards;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::output::Output;
use crate::reading;
use crate::timer::TimerKey;
use crate::view::GroupState;

/// Links of one group, and of all, for which a device keeps a queue and a record.
const LINKS_EACH: usize = 4;
const LINKS_IN_ALL: usize = 32;

/// In a group where not everybody is connected with everybody, one of so many answers by mail and writes the record.
const ONE_OF: u8 = 10;

/// All members together write the record about once in this time, and each of them at least so often.
const PUBLISH_EVERY: Span = Span::from_hours(1);
const PUBLISH_AT_LEAST: u64 = 8;

/// After a start or a change it is written so much later: several changes are one.
const PUBLISH_SOON: Span = Span::from_secs(2);

/// Without a DHT it is tried again after this.
const PUBLISH_LATER: Span = Span::from_minutes(1);

/// Every link by which people may come in here: we are in, it is open, and its secret fits.
fn open_links(engine: &mut Engine) -> Vec<(GroupId, Link)> {
    let now = engine.core.now;
    let joined = engine.groups.by_id.iter_mut().filter(|(_, group)| group.row.state() == GroupState::Joined);
    let of = |(id, group): (&GroupId, &mut super::state::Group)| {
        let links = group.log.roster().links.values();
        let open = links.filter(|open| open.answerable && open.link.expires > now);
        open.map(|open| (*id, open.link)).collect::<Vec<_>>()
    };
    joined.flat_map(of).collect()
}

/// The links for which this device keeps mail and writes records.
fn hosted(engine: &mut Engine) -> Vec<(GroupId, Link)> {
    let (own, device) = (engine.devices.account, engine.devices.device());
    let mut found = Vec::new();
    let mut each: BTreeMap<GroupId, usize> = BTreeMap::new();
    for (id, link) in open_links(engine) {
        let Some(group) = engine.groups.get_mut(&id) else { continue };
        let is_direct = group.is_direct();
        let roster = group.log.roster();
        let Some(open) = roster.links.get(&link.id()) else { continue };
        let room = link.uses == 0 || open.used < link.uses;
        let few = is_direct || open.made_by == own;
        let chosen = few || is_chosen(&id, &link.id(), &device);
        let count = each.entry(id).or_default();
        if room && chosen && may_decide(roster, &own, &link) && *count < LINKS_EACH {
            *count += 1;
            found.push((id, link));
        }
    }
    found.truncate(LINKS_IN_ALL);
    found
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
    let secrets = open_links(engine).into_iter().map(|(_, link)| link_secret(&link.seed, &device));
    secrets.into_iter().find(|secret| secret.id() == *invite)
}

/// What mail for us by links is left by.
pub(crate) fn secrets(engine: &mut Engine) -> Vec<InviteSecret> {
    let device = engine.devices.device();
    hosted(engine).into_iter().map(|(_, link)| link_secret(&link.seed, &device)).collect()
}

/// Whom the holders of a link are to ask: first `first`, then this device, then members who are connected, then others.
fn known(
    engine: &mut Engine,
    id: &GroupId,
    link: &Link,
    first: Option<AccountId>,
    most: usize,
) -> Vec<LinkHost> {
    let (own, own_device) = (engine.devices.account, engine.devices.device());
    let told: Vec<_> = engine.presence.invite_addresses(own_device);
    let Engine { groups, presence, peers, .. } = engine;
    let Some(group) = groups.get_mut(id) else { return Vec::new() };
    let roster = group.log.roster();
    let may = roster.members.iter().filter(|(account, _)| may_decide(roster, account, link));
    let mut found: Vec<(u8, LinkHost)> = Vec::new();
    for (account, member) in may {
        if *account == own {
            let mine = told.iter().filter(|place| place.device == own_device);
            let addresses = BoundedVec::truncated(mine.map(|place| place.address.clone()).collect());
            let rank = if first == Some(own) { 0 } else { 1 };
            found.push((rank, LinkHost { account: own, device: own_device, addresses }));
            continue;
        }
        let ready = |device: &&DeviceId| presence.links.is_ready(device);
        let there = member.devices.iter().find(ready);
        let Some(device) = there.or(member.devices.first()) else { continue };
        let row = peers.get(device);
        let addresses = row.map(|row| row.addresses.to_vec()).unwrap_or_default();
        let rank = match (first == Some(*account), there.is_some(), addresses.is_empty()) {
            (true, ..) => 0,
            (_, true, _) => 2,
            (_, _, false) => 3,
            _ => continue,
        };
        found.push((
            rank,
            LinkHost { account: *account, device: *device, addresses: BoundedVec::truncated(addresses) },
        ));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().take(most).map(|(_, host)| host).collect()
}

/// A link as it is passed around: whom it names is who is there now.
pub(super) fn invite(engine: &mut Engine, id: &GroupId, link: &LinkId) -> Option<GroupInvite> {
    let own = engine.devices.device();
    let open = *engine.groups.get_mut(id)?.log.roster().links.get(link).filter(|open| open.answerable)?;
    let hosts = known(engine, id, &open.link, Some(open.made_by), MAX_LINK_HOSTS);
    let nodes: Vec<DeviceAddress> =
        engine.presence.invite_addresses(own).into_iter().filter(|place| place.device != own).collect();
    Some(GroupInvite::new(*id, (open.link.seed, open.link.work), hosts, nodes))
}

/// Links, or who may let people in by them, are others.
pub(super) fn changed(engine: &mut Engine, out: &mut Output) {
    reading::queues_changed(engine, out);
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
    if hosted.is_empty() {
        return;
    }
    let now = engine.core.now;
    if !engine.presence.may_look_up() {
        return engine.core.timers.set_earlier(TimerKey::Hosts, now + PUBLISH_LATER);
    }
    let device = engine.devices.device();
    let mut crowd = 1;
    for (id, link) in &hosted {
        let hosts = known(engine, id, link, Some(engine.devices.account), MAX_HOSTS);
        let connected =
            hosts.iter().filter(|host| engine.presence.links.is_ready(&host.device)).count() as u64;
        crowd = crowd.max(1 + connected);
        let told = HostsRecord { hosts: BoundedVec::truncated(hosts) };
        let valid = (now.0, now + cards::LIFE);
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
