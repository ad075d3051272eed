//! Words about groups that come in payloads: who may say them, and which module takes them. Also how far each side is, said
//! when a connection is ready and when the log grew.

use std::collections::BTreeSet;

use kith_crypto::group::ChainShare;
use kith_proto::bounded::BoundedVec;
use kith_proto::group::word::GroupWord;
use kith_proto::group::word::MAX_HEADS;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::OperationId;
use kith_proto::payload::Content;
use kith_proto::rows::Rows;
use kith_proto::sync::HistoryDigest;

use super::asking;
use super::joining;
use super::meetings;
use super::membership;
use super::mesh;
use super::passing;
use super::receipts;
use super::receiving;
use super::reports;
use super::sending;
use super::state::Group;
use super::whereabouts;
use crate::engine::Engine;
use crate::links;
use crate::output::Output;
use crate::view::ContactState;

/// Which group a word is about.
pub(super) fn group_of(word: &GroupWord) -> Option<GroupId> {
    match word {
        GroupWord::Chain(share) => ChainShare::from_bytes(share).ok().map(|share| share.group()),
        other => other.group(),
    }
}

/// Takes a word of a device. `live`: it came on a connection, outside the channel.
pub(crate) fn take(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    live: bool,
    word: GroupWord,
) {
    let Some(account) = engine.peers.contact_of(device) else { return };
    let Some(id) = group_of(&word) else {
        if !matches!(word, GroupWord::Unknown { .. }) {
            engine.core.stats.bad_payloads += 1;
        }
        return;
    };
    let fellow = engine.groups.is_fellow(&account);
    let accepted = engine.contacts.state(&account) == Some(ContactState::Accepted);
    let asked = engine.groups.asking.get(&id).is_some_and(|row| row.asks(&account));
    match word {
        GroupWord::Join(request) => return joining::asked(engine, rows, out, device, &request),
        GroupWord::Refused { .. } if asked => return asking::refused(engine, out, device, &id),
        GroupWord::WorkWanted { bits, day, .. } if asked => {
            return asking::work_wanted(engine, out, device, &id, (bits, day));
        }
        _ => {}
    }
    let Some(group) = engine.groups.get(&id) else {
        if !(fellow || accepted || asked) {
            engine.core.stats.foreign_words += 1;
            return;
        }
        return unknown_group(engine, rows, out, device, id, word);
    };
    let member = group.is_ours() && group.has_device(device);
    let was_member = group.listed.contains(&(account, *device));
    match word {
        GroupWord::Operations { operations, more, .. } if member || was_member || accepted || asked => {
            let waits = membership::take(engine, rows, out, device, &id, operations.into_inner());
            if waits || more {
                ask_on(engine, out, device, &id, live);
            }
        }
        // As long as we have not agreed, we are in it with whoever added us only.
        GroupWord::Heads { .. } if !group.talks_to(&account) => {}
        GroupWord::Heads { heads, older, digest, .. } if member || was_member => {
            if member && group.takes_part(&account, heads.iter().chain(older.iter())) {
                whereabouts::takes_part(engine, out, &id, device);
            }
            heads_came(engine, rows, out, device, &id, live, (&heads, &older, digest));
        }
        // Somebody whom the log does not name yet may seal already: whether they may write is asked later. Who is nobody here
        // is asked for it again when there is something to open.
        GroupWord::Chain(share)
            if was_member || fellow || accepted || group.requests.contains_key(&account) =>
        {
            if let Ok(share) = ChainShare::from_bytes(&share) {
                receiving::chain(engine, rows, out, device, share, None);
            }
        }
        GroupWord::Post { envelope, .. } if group.is_ours() => {
            receiving::post(engine, rows, out, device, &id, envelope);
        }
        GroupWord::AskChain { .. } if member => sending::give_chain(engine, out, &id, device),
        GroupWord::AskChainOf { tag, .. } if member => passing::asked(engine, out, &id, device, &tag),
        GroupWord::ChainOf { device: of, share, heads, .. } if member || was_member || of == *device => {
            passing::told(engine, rows, out, device, &id, (of, &share, heads.into_inner()));
        }
        GroupWord::Sync { part, last, .. } if member => {
            meetings::part(engine, rows, out, &id, device, (&part, last));
        }
        GroupWord::Taken { parts, .. } if member => meetings::taken(engine, rows, out, &id, device, parts),
        GroupWord::End { complete, .. } => meetings::ended(engine, rows, out, &id, device, complete),
        GroupWord::Read { sequence, .. } if member => {
            receipts::read(engine, rows, out, &id, device, sequence);
        }
        GroupWord::PassedOn(request) if member => joining::passed_on(engine, rows, out, device, *request),
        GroupWord::Decided { account, .. } if member => joining::decided(engine, out, device, &id, &account),
        GroupWord::Report { post, reason, .. } if member => {
            reports::came(engine, out, &id, account, (&post, reason));
        }
        GroupWord::Whereabouts { places, .. } if member => whereabouts::heard(engine, out, &id, &places),
        _ => engine.core.stats.foreign_words += 1,
    }
}

/// A word about a group that is not known here: perhaps we are being added.
fn unknown_group(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    id: GroupId,
    word: GroupWord,
) {
    match word {
        GroupWord::Operations { operations, more, .. } => {
            let waits = membership::take(engine, rows, out, device, &id, operations.into_inner());
            if waits || more {
                say_nothing_known(engine, out, device, id);
            }
        }
        GroupWord::Heads { .. } => say_nothing_known(engine, out, device, id),
        word @ (GroupWord::Chain(_) | GroupWord::ChainOf { .. } | GroupWord::Post { .. }) => {
            engine.groups.keep_early(*device, word);
        }
        _ => {}
    }
}

/// Asks for a whole log, also from somebody who is not there.
fn say_nothing_known(engine: &mut Engine, out: &mut Output, device: &DeviceId, group: GroupId) {
    if engine.groups.may_give(engine.core.now, device) {
        // What was told already need not be told again.
        let heads = engine.groups.forming.heads(&group);
        let (heads, older) = (BoundedVec::truncated(heads), BoundedVec::default());
        let word = GroupWord::Heads { group, heads, older, digest: HistoryDigest::default() };
        if !engine.presence.links.is_ready(device) {
            return keep_heads(engine, out, device, word);
        }
        links::say(engine, out, device, vec![Content::Group(word)]);
    }
}

/// Tells a new member's device, also later, that there is a log to be asked for.
pub(super) fn invite_to_ask(engine: &mut Engine, out: &mut Output, device: &DeviceId, id: &GroupId) {
    if let Some(word) = heads_for(engine, device, id) {
        keep_heads(engine, out, device, word);
    }
}

/// Keeps `Heads` for a device until it has it, if none waits already.
fn keep_heads(engine: &mut Engine, out: &mut Output, device: &DeviceId, word: GroupWord) {
    let id = word.group();
    let same = |content: &Content| matches!(content, Content::Group(GroupWord::Heads { group, .. }) if Some(*group) == id);
    if !engine.outbox.is_waiting(device, same) {
        let contents = vec![Content::Group(word)];
        engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, device, contents, None);
        links::pump(engine, out, device);
    }
}

/// Tells a device how far we are in every common group.
pub(crate) fn say_heads(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    if !engine.presence.links.is_ready(device) {
        return;
    }
    let Some(account) = receiving::account_of(engine, device) else { return };
    engine.groups.unsaid.remove(device);
    for id in engine.groups.common(&account) {
        if !say_heads_of(engine, out, device, &id) {
            engine.groups.unsaid.insert(*device);
            return;
        }
    }
}

/// A payload came from a device: there is a session now, if there was none.
pub(crate) fn say_what_is_unsaid(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    if engine.groups.unsaid.contains(device) {
        links::tell_addresses(engine, out);
        ready(engine, out, device);
    }
}

/// Tells everybody who is connected about groups in which something is new.
pub(crate) fn say_what_is_new(engine: &mut Engine, out: &mut Output) {
    for id in std::mem::take(&mut engine.groups.dirty) {
        // In a large group each post of ours is such news, and nobody is anywhere else for it.
        let moved = engine.groups.joined.remove(&id);
        if let Some(group) = engine.groups.get_mut(&id).filter(|_| moved) {
            group.mesh.told.clear();
        }
        let direct = engine.groups.get(&id).is_some_and(Group::is_direct);
        for device in mesh::present(engine, &id) {
            let account = engine.peers.contact_of(&device);
            let talks = |group: &Group| account.is_some_and(|account| group.talks_to(&account));
            if !engine.groups.get(&id).is_some_and(talks) {
                continue;
            }
            say_heads_of(engine, out, &device, &id);
            if moved || direct {
                whereabouts::tell_of(engine, out, &device, &id);
            }
        }
    }
}

/// A device listens: it is told how far we are and where the others are, and they where it is.
pub(crate) fn ready(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    asking::ready(engine, device);
    say_heads(engine, out, device);
    whereabouts::tell(engine, out, device);
    whereabouts::pass_on(engine, out, device);
}

/// Operations wait for others, or there are more: they are asked for, also from somebody who is not there.
fn ask_on(engine: &mut Engine, out: &mut Output, device: &DeviceId, id: &GroupId, live: bool) {
    if live {
        if engine.groups.may_give(engine.core.now, device) {
            say_heads_of(engine, out, device, id);
        }
        return;
    }
    if let Some(word) = heads_for(engine, device, id) {
        keep_heads(engine, out, device, word);
    }
}

/// Tells a device how far we are in a group. Returns whether it could be said.
pub(super) fn say_heads_of(engine: &mut Engine, out: &mut Output, device: &DeviceId, id: &GroupId) -> bool {
    let Some(word) = heads_for(engine, device, id) else { return true };
    links::say(engine, out, device, vec![Content::Group(word)])
}

/// How far we are, for a device.
fn heads_for(engine: &Engine, device: &DeviceId, id: &GroupId) -> Option<GroupWord> {
    let group = engine.groups.get(id)?;
    let member = group.has_device(device);
    // Where they are more than can be named, what came last is what others may lack. The rest both have, as the older ones.
    let heads = group.log.heads_by_age();
    let mut older: Vec<OperationId> = heads.iter().skip(MAX_HEADS).copied().collect();
    for (distance, (operation, _)) in group.log.operations().rev().enumerate() {
        if distance.is_power_of_two() && !heads.contains(&operation) {
            older.push(operation);
        }
    }
    let (heads, older) = (BoundedVec::truncated(heads), BoundedVec::truncated(older));
    // Somebody who is no member learns nothing of what was written.
    let digest = if member { group.history.digest() } else { HistoryDigest::default() };
    Some(GroupWord::Heads { group: *id, heads, older, digest })
}

/// A device said how far it is: it gets what it lacks, is asked for what we lack, and posts are compared.
fn heads_came(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    id: &GroupId,
    live: bool,
    (heads, older, digest): (&[OperationId], &[OperationId], HistoryDigest),
) {
    let now = engine.core.now;
    let Some(group) = engine.groups.get(id) else { return };
    let known = |operation: &&OperationId| group.log.contains(operation);
    let both: Vec<OperationId> = heads.iter().chain(older).filter(known).copied().collect();
    let unknown = heads.iter().any(|head| !group.log.knows(head));
    let account = engine.peers.contact_of(device);
    let Some(group) = engine.groups.get_mut(id) else { return };
    let member = group.has_device(device);
    let lacking: Vec<_> = match account.filter(|_| !member) {
        None => group.log.since(&both).map(|(_, operation)| operation.clone()).collect(),
        // What the others did later is none of their business.
        Some(account) => {
            let known = group.log.since(&both).map(|(id, _)| id).collect::<BTreeSet<_>>();
            let told = group.log.until_end_of(&account);
            told.into_iter().filter(|operation| known.contains(&operation.id())).collect()
        }
    };
    let up_to_date = member && !unknown && lacking.is_empty();
    for batch in membership::batches(lacking) {
        if !engine.groups.may_give(now, device) {
            break;
        }
        if !live {
            // Asked for by mail: they are not there to be told.
            membership::tell(engine, out, device, *id, batch);
            continue;
        }
        let operations = BoundedVec::truncated(batch);
        let word = GroupWord::Operations { group: *id, operations, more: false };
        links::say(engine, out, device, vec![Content::Group(word)]);
    }
    if !live {
        return;
    }
    if up_to_date && engine.groups.may_give(now, device) {
        // Now they know the members whose whereabouts they are told.
        whereabouts::tell_of(engine, out, device, id);
    }
    let Some(group) = engine.groups.get_mut(id) else { return };
    let differs = group.is_ours() && group.has_device(device) && digest != group.history.digest();
    let pair = (group.history.digest(), digest);
    let ours_to_begin = engine.devices.device() < *device;
    let theirs_to_begin = differs && !ours_to_begin && group.met.get(device) != Some(&pair);
    if theirs_to_begin {
        group.met.insert(*device, pair);
    }
    if (unknown || theirs_to_begin) && engine.groups.may_give(now, device) {
        say_heads_of(engine, out, device, id);
    }
    if differs && ours_to_begin {
        meetings::begin(engine, rows, out, id, device, digest);
    }
}

#[cfg(test)]
mod tests;
