//! Members tell each other where other members are, so that a group comes together also where nobody finds them in the DHT:
//! in a local network, or among friends of one who has the others' addresses.
//!
//! What is said so is hearsay: it is dialled, whoever answers has to be the device that was named, and only the address of a
//! connection that came up is remembered. Both hear of each other in the same moment and dial each other, and such dials can
//! fail on both sides (TCP's simultaneous open), so a dial in vain is tried a few times more, after chance.

use std::collections::BTreeSet;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::group::word::GroupWord;
use kith_proto::group::word::MAX_PLACES;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::payload::Content;
use kith_proto::time::Span;

use super::mesh;
use super::receiving;
use super::state::Group;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::links;
use crate::output::Output;
use crate::timer::TimerKey;
use crate::view::ContactState;
use crate::view::GroupState;

/// Addresses of one device that are passed on.
const ADDRESSES_EACH: usize = 2;

/// A device is dialled by hearsay once in so long.
const DIAL_EVERY: Span = Span::from_secs(10);

/// A dial by hearsay that failed is tried so many times more.
const TRIES: u32 = 4;

/// The pause before the first of them, with up to as much again by chance; doubled each time.
const TRY_AFTER: Span = Span::from_secs(1);

/// Devices that are tried again at a time.
const MAX_TRIED: usize = 256;

/// Where a device is as somebody said, while nobody answered there.
#[derive(Debug)]
pub(crate) struct Hearsay {
    addresses: Vec<Multiaddress>,
    tried: u32,
}

/// A device is told of a large group once in so long.
const TELL_EVERY: Span = Span::from_minutes(1);

/// In a large group, whoever has fewer members around than this goes to whoever is named.
const FEW: usize = 4;

/// Tells a connected device where the other connected members of its groups are.
pub(super) fn tell(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let Some(account) = receiving::account_of(engine, device) else { return };
    for id in engine.groups.common(&account) {
        tell_of(engine, out, device, &id);
    }
}

/// Tells a connected device where the other connected members of one group are: in a large one, where each post leads here, not
/// every time.
pub(super) fn tell_of(engine: &mut Engine, out: &mut Output, device: &DeviceId, id: &GroupId) {
    let now = engine.core.now;
    let Some(group) = engine.groups.get_mut(id).filter(|group| group.has_device(device)) else { return };
    if !group.is_direct() {
        let lately = group.mesh.told.get(device).is_some_and(|at| now.since(*at) < TELL_EVERY);
        if lately {
            return;
        }
        group.mesh.told.insert(*device, now);
    }
    let others = connected_members(engine, id, device);
    say(engine, out, device, *id, others.iter());
}

/// Tells the other connected members of its groups where a device is.
pub(crate) fn pass_on(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let Some(account) = receiving::account_of(engine, device) else { return };
    if !engine.presence.links.is_ready(device) {
        return;
    }
    for id in engine.groups.common(&account) {
        if !engine.groups.get(&id).is_some_and(|group| group.present.contains(device)) {
            continue;
        }
        for other in connected_members(engine, &id, device) {
            say(engine, out, &other, id, std::iter::once(device));
        }
    }
}

/// The devices of other members of a group that are connected and spoke of the group themselves: whoever was only added, by
/// whomever, has agreed to nothing. None where we have not agreed. In a large group those who are to be connected with this, and
/// if they are few some others, so that whoever is new there has somebody.
fn connected_members(engine: &Engine, id: &GroupId, but: &DeviceId) -> BTreeSet<DeviceId> {
    let ours = |group: &&Group| group.row.state() == GroupState::Joined && group.has_device(but);
    let Some(group) = engine.groups.get(id).filter(ours) else {
        return BTreeSet::new();
    };
    let there =
        group.present.iter().copied().filter(|device| {
            device != but && group.has_device(device) && engine.presence.links.is_ready(device)
        });
    if group.is_direct() {
        return there.collect();
    }
    let (theirs, others): (Vec<DeviceId>, Vec<DeviceId>) =
        there.partition(|device| group.mesh.ring.are_neighbours(device, but));
    let more = FEW.saturating_sub(theirs.len());
    theirs.into_iter().chain(others.into_iter().take(more)).collect()
}

/// A member's device said how far it is in a group: it takes part. The others hear where it is, if that is news; in a large group
/// they are told often enough.
pub(super) fn takes_part(engine: &mut Engine, out: &mut Output, id: &GroupId, device: &DeviceId) {
    let Some(group) = engine.groups.get_mut(id) else { return };
    if group.present.insert(*device) && group.is_direct() {
        for other in connected_members(engine, id, device) {
            say(engine, out, &other, *id, std::iter::once(device));
        }
    }
}

fn say<'a>(
    engine: &mut Engine,
    out: &mut Output,
    to: &DeviceId,
    group: GroupId,
    devices: impl Iterator<Item = &'a DeviceId>,
) {
    let mut places = Vec::new();
    for device in devices {
        let Some(row) = engine.peers.get(device) else { continue };
        let addresses = row.addresses.iter().take(ADDRESSES_EACH);
        places.extend(addresses.map(|address| DeviceAddress { device: *device, address: address.clone() }));
    }
    places.truncate(MAX_PLACES);
    if !places.is_empty() {
        let word = GroupWord::Whereabouts { group, places: BoundedVec::truncated(places) };
        links::say(engine, out, to, vec![Content::Group(word)]);
    }
}

/// A member said where others are.
pub(super) fn heard(engine: &mut Engine, out: &mut Output, id: &GroupId, places: &[DeviceAddress]) {
    let (own, now) = (engine.devices.device(), engine.core.now);
    let mut room = FEW.saturating_sub(mesh::present(engine, id).len());
    let named: BTreeSet<DeviceId> = places.iter().map(|place| place.device).collect();
    for device in named {
        let Some(group) = engine.groups.get_mut(id) else { return };
        let near = group.is_kin(&device);
        let wanted = device != own && (near || room > 0 && group.has_device(&device));
        let lately = group.dialled.get(&device).is_some_and(|at| now.since(*at) < DIAL_EVERY);
        let owner = group.owners.get(&device).filter(|owner| group.is_shared_with(owner)).copied();
        let blocked = owner.is_none_or(|owner| engine.contacts.state(&owner) == Some(ContactState::Blocked));
        if !wanted || lately || blocked || engine.presence.links.is_up(&device) {
            continue;
        }
        group.dialled.insert(device, now);
        room = room.saturating_sub(usize::from(!near));
        let of = places.iter().filter(|place| place.device == device);
        let addresses: Vec<Multiaddress> =
            of.take(ADDRESSES_EACH).map(|place| place.address.clone()).collect();
        if engine.groups.hearsay.len() < MAX_TRIED || engine.groups.hearsay.contains_key(&device) {
            engine.groups.hearsay.insert(device, Hearsay { addresses: addresses.clone(), tried: 0 });
        }
        out.effect(Effect::Dial { device, addresses });
    }
}

/// A dial of a device failed.
pub(crate) fn dial_failed(engine: &mut Engine, device: &DeviceId) {
    let Some(hearsay) = engine.groups.hearsay.get_mut(device) else { return };
    if hearsay.tried == TRIES {
        engine.groups.hearsay.remove(device);
        return;
    }
    let pause = TRY_AFTER.0 << hearsay.tried;
    let [chance] = engine.core.random::<1>();
    let pause = Span(pause + pause * u64::from(chance) / 255);
    engine.core.timers.set_earlier(TimerKey::Hearsay(*device), engine.core.now + pause);
}

/// A device is tried once more, if it is still a member's.
pub(crate) fn dial_again(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let is_up = engine.presence.links.is_up(device);
    let wanted = engine.groups.by_id.values().any(|group| {
        let owner = group.owners.get(device).filter(|owner| group.is_shared_with(owner));
        let blocked = |owner| engine.contacts.state(owner) == Some(ContactState::Blocked);
        group.has_device(device) && owner.is_some_and(|owner| !blocked(owner))
    });
    match engine.groups.hearsay.get_mut(device) {
        Some(hearsay) if wanted && !is_up => {
            hearsay.tried += 1;
            out.effect(Effect::Dial { device: *device, addresses: hearsay.addresses.clone() });
        }
        _ => connected(engine, device),
    }
}

/// A device is connected: what was said of where it is need not be tried again.
pub(crate) fn connected(engine: &mut Engine, device: &DeviceId) {
    engine.groups.hearsay.remove(device);
    engine.core.timers.clear(TimerKey::Hearsay(*device));
}
