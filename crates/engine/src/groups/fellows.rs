//! Members of common groups who are no contacts: they have rows like contacts, with a state that nobody sees, so that
//! sessions, connections, mailboxes and receipts work with them as with friends. Nothing but words about groups is taken from them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::identity::SignedDeviceList;
use kith_proto::codec::Decode as _;
use kith_proto::group::Kind;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::OperationId;
use kith_proto::payload::Content;
use kith_proto::rows::Rows;
use kith_proto::time::Span;

use super::lists;
use super::membership;
use super::mesh;
use crate::choosing;
use crate::contents;
use crate::engine::Engine;
use crate::links;
use crate::output::Output;
use crate::reading;
use crate::timer::TimerKey;
use crate::view::GroupState;

/// What is owed to somebody who is no fellow any more is kept for so long.
const OWED_FOR: Span = Span::from_days(30);

/// Whoever was not let in is answered for so long.
const ANSWER_FOR: Span = Span::from_days(1);

/// How often those to whom something is owed are looked at.
const LOOK_AGAIN: Span = Span::from_hours(1);

/// The members or devices of a group are others than `before`.
pub(super) fn changed(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    before: &BTreeMap<AccountId, Vec<DeviceId>>,
) {
    let own = engine.devices.account;
    let Some(group) = engine.groups.get(id) else { return };
    // Whoever was only added, and has not agreed, has nothing to do with the members.
    let ours = group.row.state() == GroupState::Joined;
    let now = group.members.clone();
    // Whoever comes back has forgotten the others.
    let back = !before.contains_key(&own);
    let kin = group.kin();
    let unknown = |devices: &[DeviceId]| devices.iter().any(|device| engine.peers.get(device).is_none());
    let other = |(account, devices): &(&AccountId, &Vec<DeviceId>)| {
        let changed = back || before.get(account) != Some(devices) || unknown(devices);
        **account != own && kin.contains(account) && changed
    };
    let others: Vec<AccountId> = now.iter().filter(other).map(|(account, _)| *account).collect();
    if ours {
        learn_all(engine, rows, out, id, &others);
    }
    let gone = before.keys().any(|account| !now.contains_key(account));
    if gone || !others.is_empty() {
        settle(engine, out);
    }
    mesh::stir(engine);
}

/// Others are near in a large group, or came to this device.
pub(super) fn near_changed(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId) {
    let own = engine.devices.account;
    let Some(group) = engine.groups.get(id).filter(|group| group.is_meshed()) else { return };
    let unknown = |account: &AccountId| {
        let devices = group.members.get(account).map(Vec::as_slice).unwrap_or_default();
        *account != own && devices.iter().any(|device| engine.peers.get(device).is_none())
    };
    let others: Vec<AccountId> = group.kin().into_iter().filter(unknown).collect();
    learn_all(engine, rows, out, id, &others);
    settle(engine, out);
}

fn learn_all(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId, accounts: &[AccountId]) {
    for account in accounts {
        let list = engine.groups.get(id).and_then(|group| group.log.device_list(account)).cloned();
        if let Some(list) = list {
            learn(engine, rows, out, account, &list);
        }
    }
}

/// Those who are fellows now are others than before.
fn settle(engine: &mut Engine, out: &mut Output) {
    // Not before those who are no members any more were told.
    engine.core.timers.set_earlier(TimerKey::Groups, engine.core.now + membership::TELL_AFTER);
    mesh::sort_dials(engine);
    engine.keep_connected(out);
    reading::queues_changed(engine, out);
}

/// Somebody is a fellow, by a device list that the log of a group has.
pub(super) fn learn(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    account: &AccountId,
    list: &SignedDeviceList,
) {
    engine.contacts.add_fellow(&engine.core, out, account);
    let Some(bytes) = lists::bytes_of(list) else { return };
    // An older list than the one that is known is no lie: the group has not heard of the newer one.
    let _ = engine.devices.learn_list(&mut engine.core, out, account, &bytes);
    let before = engine.peers.devices_of(account);
    contents::match_devices(engine, rows, out, account);
    for device in engine.peers.devices_of(account) {
        if before.contains(&device) {
            continue;
        }
        introduce(engine, out, &device);
        if engine.presence.links.is_up(&device) {
            // They knew us before we knew them.
            links::greet(engine, out, &device);
        }
    }
}

/// Puts the own device list into a log that does not know this device yet, or not with its newest list.
pub(super) fn file_own_list(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId) {
    let (account, devices) = (engine.devices.account, engine.devices.own_list());
    let Ok(list) = SignedDeviceList::from_bytes(&devices) else { return };
    let Some(group) = engine.groups.get(id).filter(|group| group.row.state() == GroupState::Joined) else {
        return;
    };
    if group.log.device_list(&account).is_some_and(|known| known.list.version < list.list.version) {
        // Refused when the log is full.
        let _ = membership::act(engine, rows, out, id, Kind::Devices { account, devices });
    }
}

/// Notes what the authors of operations call those whom they let in: it is what they are called here until they tell it.
/// Who is a member no more is remembered by name as long as the group is, for its lines.
pub(super) fn name(engine: &mut Engine, out: &mut Output, id: &GroupId, new: &[OperationId]) {
    let own = engine.devices.account;
    let Engine { groups, contacts, core, .. } = engine;
    let Some(group) = groups.get(id) else { return };
    for (account, called) in new.iter().filter_map(|id| group.log.operation(id)?.called()) {
        if account != own && !called.is_empty() {
            contacts.add_fellow(core, out, &account);
            contacts.name_fellow(out, &account, called);
        }
    }
}

/// Tells a fellow's device who we are and how to write to us.
pub(crate) fn introduce(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let bundle = engine.devices.own_bundle_for_many();
    let mut contents = vec![Content::Profile(engine.devices.profile.clone()), Content::Prekeys(bundle)];
    contents.extend(choosing::untold(engine, out, device));
    engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, device, contents, None);
    links::pump(engine, out, device);
}

/// Forgets those with whom we have nothing in common any more, once they have what is owed to them.
pub(crate) fn part(engine: &mut Engine, out: &mut Output) {
    let mut parted = false;
    for account in in_passing(engine) {
        let devices = engine.peers.devices_of(&account);
        let remembered = engine.groups.remembers(&account);
        // What a former member is owed ends their membership; others are only told that they are not let in.
        let patience = if remembered { OWED_FOR } else { ANSWER_FOR };
        let owed = |device: &DeviceId| {
            engine.outbox.oldest(device).is_some_and(|since| engine.core.now.since(since) < patience)
        };
        if devices.iter().any(owed) {
            engine.core.timers.set_earlier(TimerKey::Groups, engine.core.now + LOOK_AGAIN);
            continue;
        }
        drop_devices(engine, out, &account);
        if !remembered {
            engine.contacts.remove(out, &account);
        }
        parted = true;
    }
    if parted {
        engine.keep_connected(out);
    }
}

fn drop_devices(engine: &mut Engine, out: &mut Output, account: &AccountId) {
    let devices = engine.peers.devices_of(account);
    if !devices.is_empty() {
        engine.devices.forget(out, account, &devices);
    }
    for device in devices {
        contents::forget_device(engine, out, &device);
    }
}

/// Makes room for one more of those in passing whom no log names: the oldest go, whatever they are owed. Who went before they
/// were answered asks again.
pub(super) fn make_room(engine: &mut Engine, out: &mut Output, most: usize) {
    let mut passing = in_passing(engine);
    passing.retain(|account| !engine.groups.remembers(account));
    let since = |account: &AccountId| engine.contacts.get(account).map(|row| row.since);
    passing.sort_by_key(since);
    let gone = (passing.len() + 1).saturating_sub(most);
    for account in passing.into_iter().take(gone) {
        engine.core.stats.floods += 1;
        drop_devices(engine, out, &account);
        engine.contacts.remove(out, &account);
    }
}

/// Those who are kept like fellows and share no group with us, nor ask for one, nor are asked by us.
fn in_passing(engine: &Engine) -> Vec<AccountId> {
    let fellows = engine.groups.fellows();
    let asked: BTreeSet<AccountId> =
        engine.groups.asking.values().flat_map(|row| row.hosts.iter().map(|host| host.account)).collect();
    let waiting: BTreeSet<AccountId> =
        engine.groups.by_id.values().flat_map(|group| group.requests.keys().copied()).collect();
    let passing = engine
        .contacts
        .all()
        .filter(|(account, row)| {
            row.is_fellow()
                && !fellows.contains(account)
                && !asked.contains(account)
                && !waiting.contains(account)
        })
        .map(|(account, _)| *account);
    passing.collect()
}

/// Somebody is no contact any more, and still a member of common groups.
pub(crate) fn stay(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, account: &AccountId) {
    let common = engine.groups.common(account);
    let list = common.iter().find_map(|id| engine.groups.get(id)?.log.device_list(account).cloned());
    if let Some(list) = list {
        learn(engine, rows, out, account, &list);
        engine.keep_connected(out);
        reading::queues_changed(engine, out);
    }
}
