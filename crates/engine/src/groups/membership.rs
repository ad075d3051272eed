//! What follows from operations, own and of others: who hears of them, who becomes or stays a fellow, what the chat shows.
//!
//! ```text
//!  act(kind) ── drafted, signed ──┐                      ┌─▶ rows, lines, fellows, floors, own state, events
//!  Operations from a member ──────┴─▶ log ─▶ settle() ───┴─▶ everybody who is or was a member hears of own ones
//! ```

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::group::Kind;
use kith_proto::group::MAX_PARENTS;
use kith_proto::group::Operation;
use kith_proto::group::word::GroupWord;
use kith_proto::group::word::MAX_HEADS;
use kith_proto::group::word::MAX_OPERATIONS_TOLD;
use kith_proto::group::word::MAX_TOLD_BYTES;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::OperationId;
use kith_proto::payload::Content;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::Inserted;
use super::Log;
use super::asking;
use super::fellows;
use super::filing;
use super::floors;
use super::forming;
use super::history::History;
use super::history::MAX_AHEAD;
use super::hosts;
use super::joining;
use super::lines;
use super::mesh;
use super::receiving;
use super::reports;
use super::state::Group;
use super::state::MAX_GROUPS;
use super::taking;
use super::turns::Turns;
use crate::calls;
use crate::command::Refusal;
use crate::engine::Engine;
use crate::links;
use crate::output::Output;
use crate::rows::groups as rows;
use crate::rows::groups::GroupRow;
use crate::rows::groups::With;
use crate::timer::TimerKey;
use crate::view::ContactState;
use crate::view::GroupState;

/// After the log or a large group's history grew, connected members are told so long after: several changes are one word.
pub(super) const TELL_AFTER: Span = Span::from_millis(300);

/// Operations of others that are passed on with the next own one.
const MAX_UNSHARED: usize = 256;

/// Merging operations that are written at once: somebody may make more ends, and would have others fill the log.
const MAX_MERGES: usize = 8;

/// A meeting for which there was no room is tried again so long after.
const TRY_AGAIN: Span = Span::from_secs(30);

/// Writes an operation, takes it and tells everybody.
pub(super) fn act(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    kind: Kind,
) -> Result<(), Refusal> {
    act_all(engine, rows, out, id, vec![kind])
}

/// Writes operations one after the other, takes them and tells everybody, once. The first that is refused ends it; those before
/// it count.
pub(super) fn act_all(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    kinds: Vec<Kind>,
) -> Result<(), Refusal> {
    let Engine { groups, devices, core, .. } = engine;
    let group = groups.get_mut(id).ok_or(Refusal::UnknownGroup)?;
    let (before, direct) = (group.devices_but(&devices.device()), group.is_direct());
    let (mut written, mut new, mut done) = (Vec::new(), Vec::new(), Ok(()));
    for kind in kinds {
        let time = after_heads(&group.log, core.now);
        match group.log.draft((&devices.account, &devices.secret), time, kind) {
            Ok(operation) => {
                let Ok(Inserted::New(more)) = group.log.insert(operation.clone()) else {
                    done = Err(Refusal::TooMany);
                    break;
                };
                written.push(operation);
                new.extend(more);
            }
            Err(denial) => {
                done = Err(Refusal::Denied(denial));
                break;
            }
        }
    }
    if written.is_empty() {
        return done;
    }
    // Who wrote what this follows may have told it to us alone, so that nobody else could take it.
    let unshared = std::mem::take(&mut group.unshared);
    let all = group.log.operations();
    let news = all.filter(|(id, _)| unshared.contains(id)).map(|(_, operation)| operation.clone());
    let news: Vec<Operation> = news.chain(written.iter().cloned()).collect();
    let told = if direct { before.clone() } else { told_directly(engine, rows, out, id, &written) };
    // Before anything follows from it: whoever is no fellow any more by this is kept until they have it.
    for device in &told {
        tell(engine, out, device, *id, news.clone());
    }
    settle(engine, rows, out, id, &new);
    publish(engine, out, id, &before);
    if !direct {
        tell_soon(engine, id);
    }
    done
}

/// Writes operations that follow the ends of a log until a word can name all of them: else nobody passes chains on that are made
/// from now on, and members cannot say all that they have. Each takes the place of as many as an operation may follow.
pub(super) fn merge(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId) {
    let ends = engine.groups.get(id).map_or(0, |group| group.log.heads().len());
    let needed = ends.saturating_sub(MAX_HEADS).div_ceil(MAX_PARENTS - 1).min(MAX_MERGES);
    if needed > 0 {
        // Refused when the log is full, or we are out.
        let _ = act_all(engine, rows, out, id, vec![Kind::Merge; needed]);
    }
}

/// A time after those of the newest operations, so that lines stand in the order in which things happened. One from the
/// far future does not drag others along.
fn after_heads(log: &Log, now: Timestamp) -> Timestamp {
    let heads = log.heads();
    let times = heads.iter().filter_map(|head| log.operation(head)).map(|operation| operation.time);
    let latest = times.filter(|time| *time <= now + MAX_AHEAD).max();
    latest.map_or(now, |latest| now.max(latest + Span::from_millis(1)))
}

/// Who hears of operations in a large group at once, while the others hear it from each other: whoever may be out by them, and
/// the neighbours of who leaves.
fn told_directly(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    written: &[Operation],
) -> BTreeSet<DeviceId> {
    let mut told = BTreeSet::new();
    for operation in written {
        match &operation.kind {
            Kind::Leave => {
                // Kept for those who are near until they have it, so that they hear of it also if nobody is there now.
                told.extend(engine.groups.get(id).into_iter().flat_map(Group::near));
                told.extend(mesh::present(engine, id));
            }
            Kind::Remove(account) | Kind::Ban(account) | Kind::Devices { account, .. } => {
                // They may be nobody whom this device has to do with: until they know.
                told.extend(mesh::reach(engine, rows, out, id, account));
            }
            _ => {}
        }
    }
    told
}

/// Tells every device that was none of a member `before` about the whole log. In a large group it is asked to ask for that: a
/// log of a thousand for each of a thousand is too much to be kept for them.
fn publish(engine: &mut Engine, out: &mut Output, id: &GroupId, before: &BTreeSet<DeviceId>) {
    let own = engine.devices.device();
    let Some(group) = engine.groups.get(id) else { return };
    let after = group.devices_but(&own);
    let newcomers: Vec<DeviceId> = after.difference(before).copied().collect();
    if !group.is_direct() {
        for device in newcomers.iter().filter(|device| engine.peers.get(device).is_some()).collect::<Vec<_>>()
        {
            taking::invite_to_ask(engine, out, device, id);
        }
        return;
    }
    let whole = group.whole();
    for device in newcomers {
        tell(engine, out, &device, *id, whole.clone());
    }
}

/// Keeps operations for a device until it has them.
pub(super) fn tell(
    engine: &mut Engine,
    out: &mut Output,
    device: &DeviceId,
    group: GroupId,
    operations: Vec<Operation>,
) {
    if engine.peers.get(device).is_none() {
        return;
    }
    for batch in batches(operations) {
        let operations = BoundedVec::truncated(batch);
        let content = Content::Group(GroupWord::Operations { group, operations, more: false });
        engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, device, vec![content], None);
    }
    links::pump(engine, out, device);
}

/// Whether operations of a group wait for a device.
pub(super) fn is_being_told(engine: &Engine, device: &DeviceId, id: &GroupId) -> bool {
    engine.outbox.is_waiting(
        device,
        |content| matches!(content, Content::Group(GroupWord::Operations { group, .. }) if group == id),
    )
}

/// Operations in words of a size that fits a content.
pub(super) fn batches(operations: impl IntoIterator<Item = Operation>) -> Vec<Vec<Operation>> {
    let mut batches: Vec<Vec<Operation>> = Vec::new();
    let mut bytes = usize::MAX;
    for operation in operations {
        let size = operation.to_bytes().len();
        let full = batches.last().is_none_or(|batch| batch.len() >= MAX_OPERATIONS_TOLD);
        if full || bytes.saturating_add(size) > MAX_TOLD_BYTES {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes = bytes.saturating_add(size);
        if let Some(batch) = batches.last_mut() {
            batch.push(operation);
        }
    }
    batches
}

/// Operations came from a device. Returns whether some of them wait for others.
pub(super) fn take(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    id: &GroupId,
    operations: Vec<Operation>,
) -> bool {
    if engine.groups.get(id).is_none() {
        return form(engine, rows, out, device, id, operations);
    }
    let Engine { groups, core, .. } = engine;
    let Some(group) = groups.get_mut(id) else { return false };
    let mut new = Vec::new();
    for operation in operations {
        match group.log.insert(operation) {
            Ok(Inserted::New(more)) => new.extend(more),
            Ok(Inserted::Known | Inserted::Waiting) => {}
            Err(_) => core.stats.bad_operations += 1,
        }
    }
    let waits = !group.log.missing().is_empty();
    if !new.is_empty() {
        group.unshared.extend(new.iter().copied());
        while group.unshared.len() > MAX_UNSHARED {
            group.unshared.pop_first();
        }
        settle(engine, rows, out, id, &new);
        tell_those_we_added(engine, out, id, &new, device);
        tell_soon(engine, id);
    }
    waits
}

/// Whoever wrote these operations may not have known whom we added meanwhile: we tell them.
fn tell_those_we_added(
    engine: &mut Engine,
    out: &mut Output,
    id: &GroupId,
    new: &[OperationId],
    from: &DeviceId,
) {
    let own = engine.devices.device();
    let Some(group) = engine.groups.get(id) else { return };
    let ours = |by: &OperationId| group.log.operation(by).is_some_and(|operation| operation.device == own);
    // In a large group those whom we added long ago hear it from their neighbours.
    let known = |account: &AccountId| group.is_direct() || !engine.peers.devices_of(account).is_empty();
    let mut told = Vec::new();
    for (account, by) in group.admissions.iter().filter(|(account, by)| ours(by) && known(account)) {
        let unaware = |operation: &&OperationId| group.log.follows(operation, by) == Some(false);
        let operations: Vec<Operation> =
            new.iter().filter(unaware).filter_map(|id| group.log.operation(id).cloned()).collect();
        let devices = group.members.get(account).into_iter().flatten().filter(|device| *device != from);
        told.extend(devices.map(|device| (*device, operations.clone())));
    }
    for (device, operations) in told.into_iter().filter(|(_, operations)| !operations.is_empty()) {
        tell(engine, out, &device, *id, operations);
    }
}

/// Connected members are told how far we are, in a moment.
pub(super) fn tell_soon(engine: &mut Engine, id: &GroupId) {
    engine.groups.dirty.insert(*id);
    engine.core.timers.set_earlier(TimerKey::Groups, engine.core.now + TELL_AFTER);
}

/// Something could not be compared now: it is tried again.
pub(super) fn tell_again(engine: &mut Engine, id: &GroupId) {
    engine.groups.dirty.insert(*id);
    engine.core.timers.set_earlier(TimerKey::Groups, engine.core.now + TRY_AGAIN);
}

/// Operations of a group that we are not in, or not yet.
fn form(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    id: &GroupId,
    operations: Vec<Operation>,
) -> bool {
    let (own, now) = (engine.devices.account, engine.core.now);
    let Engine { groups, core, peers, contacts, .. } = engine;
    let mut operations = operations.into_iter();
    if groups.forming.get(id).is_none() {
        let begun = operations.next().and_then(|create| Log::new(create).ok());
        let Some(log) = begun.filter(|log| log.group() == *id) else {
            core.stats.bad_operations += 1;
            return true;
        };
        let by = peers.contact_of(device).filter(|_| !groups.asking.contains_key(id));
        groups.forming.begin(now, by, log);
    }
    core.stats.bad_operations += groups.forming.grow(now, id, operations);
    core.timers.set_earlier(TimerKey::Groups, now + forming::WAITS_FOR);
    let Some(log) = groups.forming.get_mut(id) else { return false };
    let waits = !log.missing().is_empty();
    let is_ours = log.roster().members.contains_key(&own);
    let room = groups.by_id.len() < MAX_GROUPS;
    if is_ours
        && room
        && let Some(log) = groups.forming.remove(id)
    {
        adopt(engine, rows, out, log);
        return waits;
    }
    core.stats.floods += groups.forming.fit(|by| contacts.state(by) == Some(ContactState::Accepted));
    waits && groups.forming.get(id).is_some()
}

/// A group that this account is in becomes known here.
pub(super) fn adopt(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, log: Log) {
    let id = log.group();
    let row = GroupRow {
        state: 0,
        invited_by: None,
        name: Default::default(),
        members: 0,
        role: None,
        wrote_at: Timestamp(0),
        dropped: BoundedVec::default(),
    };
    // Storage that cannot be read will fail the commit of this batch too.
    let history = History::load(id, rows).unwrap_or_else(|_| History::new(id));
    let all: Vec<OperationId> = log.operations().map(|(operation, _)| operation).collect();
    let group = Group::new(row, log, history, engine.core.config.direct_members);
    let chat = group.chat();
    engine.groups.by_id.insert(id, group);
    engine.chats.open(&engine.core, out, chat, With::Group(id));
    settle(engine, rows, out, &id, &all);
    fellows::file_own_list(engine, rows, out, &id);
    for (device, word) in engine.groups.take_early(&id) {
        taking::take(engine, rows, out, &device, false, word);
    }
    for device in
        engine.groups.get(&id).map(|group| group.devices_but(&engine.devices.device())).unwrap_or_default()
    {
        taking::say_heads(engine, out, &device);
    }
}

/// The log has grown: everything that follows from that.
pub(super) fn settle(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    new: &[OperationId],
) {
    let (own, own_device) = (engine.devices.account, engine.devices.device());
    let Some(group) = engine.groups.get_mut(id) else { return };
    let first = group.log.len() - new.len();
    for (number, operation) in new.iter().enumerate() {
        if let Some(operation) = group.log.operation(operation) {
            let key = rows::operation_key(id, (first + number) as u64);
            out.put(rows::GROUP_OPERATIONS, &key, operation.to_bytes());
        }
    }
    fellows::name(engine, out, id, new);
    let Some(group) = engine.groups.get_mut(id) else { return };
    let before = std::mem::take(&mut group.members);
    let came_before = std::mem::take(&mut group.admissions);
    group.refresh();
    group.rearrange(&own_device);
    let owners = &group.owners;
    // Also whoever turns out never to have come in rightly: by a link that was revoked, or was used up.
    let any_gone = before.values().flatten().any(|device| !owners.contains_key(device));
    if any_gone
        || new.iter().filter_map(|id| group.log.operation(id)).any(|operation| may_take_out(&operation.kind))
    {
        // Somebody may have got the chain from others since it was made, and is not named among its holders.
        group.own = None;
    }
    // Also whoever went and came again, and those who came while we were not there.
    let news = |(account, by): &(&AccountId, &OperationId)| came_before.get(account) != Some(by);
    let joined: Vec<AccountId> = group.admissions.iter().filter(news).map(|(account, _)| *account).collect();
    let own_admission = group.admissions.get(&own).copied();
    let later = |account: &&AccountId| {
        let theirs = group.admissions.get(account);
        theirs.zip(own_admission).is_some_and(|(theirs, own)| group.log.follows(&own, theirs) != Some(true))
    };
    let newcomers: Vec<AccountId> =
        joined.iter().filter(later).filter(|account| **account != own).copied().collect();
    let is_gone = |account: &&AccountId| !group.members.contains_key(*account);
    let gone: Vec<AccountId> = before.keys().filter(is_gone).copied().collect();
    floors::forget(group, out, &gone);
    floors::note(group, rows, out, &newcomers);
    if !joined.is_empty() {
        engine.groups.joined.insert(*id);
        tell_soon(engine, id);
    }
    mesh::keep_newcomers(engine, id, &joined);
    own_state(engine, out, id);
    tell_voided(engine, out, id, &before, new);
    fellows::changed(engine, rows, out, id, &before);
    calls::together::members_changed(engine, rows, out);
    joining::came(engine, out, id, &joined);
    if about_links(engine, id, new) || !before.contains_key(&own) {
        hosts::changed(engine, out);
    }
    lines::sync(engine, rows, out, id, new.len());
    reports::settled(engine, out, id);
    receiving::again(engine, rows, out, id);
    filing::grown(engine, id);
    super::view::changed(engine, out, id);
}

/// Whether an operation can be the end of a device's membership.
fn may_take_out(kind: &Kind) -> bool {
    matches!(kind, Kind::Remove(_) | Kind::Ban(_) | Kind::Leave | Kind::Devices { .. })
}

/// Somebody is no member although nobody removed them: two did what excludes each other, and it turned out now. Nobody else
/// tells them.
fn tell_voided(
    engine: &mut Engine,
    out: &mut Output,
    id: &GroupId,
    before: &BTreeMap<AccountId, Vec<DeviceId>>,
    new: &[OperationId],
) {
    let own = engine.devices.account;
    let Some(group) = engine.groups.get(id) else { return };
    let ends = |account: &AccountId| {
        let about = |operation: &Operation| match &operation.kind {
            Kind::Remove(whom) | Kind::Ban(whom) => whom == account,
            Kind::Leave => operation.author == *account,
            _ => false,
        };
        new.iter().filter_map(|id| group.log.operation(id)).any(about)
    };
    let gone = before.iter().filter(|(account, _)| !group.members.contains_key(account) && **account != own);
    let devices: Vec<DeviceId> =
        gone.filter(|(account, _)| !ends(account)).flat_map(|(_, devices)| devices.clone()).collect();
    let told: Vec<Operation> = new.iter().filter_map(|id| group.log.operation(id)).cloned().collect();
    for device in devices {
        tell(engine, out, &device, *id, told.clone());
    }
}

/// Whether links, or who may let people in by them, may be others.
fn about_links(engine: &Engine, id: &GroupId, new: &[OperationId]) -> bool {
    let Some(group) = engine.groups.get(id) else { return false };
    let kinds = new.iter().filter_map(|id| group.log.operation(id)).map(|operation| &operation.kind);
    kinds.into_iter().any(|kind| matches!(kind, Kind::Link(_) | Kind::RevokeLink(_) | Kind::Policy(_)))
}

/// Whether we are in, and whether that is to be decided.
fn own_state(engine: &mut Engine, out: &mut Output, id: &GroupId) {
    let own = engine.devices.account;
    let asked = engine.groups.asking.contains_key(id);
    let Engine { groups, contacts, .. } = engine;
    let Some(group) = groups.get_mut(id) else { return };
    let roster = group.log.roster();
    let was = group.row.state();
    let standing = roster.members.get(&own).map(|member| member.standing);
    group.row.role = standing.map(|standing| standing.role);
    group.row.members = u32::try_from(roster.members.len()).unwrap_or(u32::MAX);
    group.row.name = roster.profile.name.clone();
    let now = match standing {
        None if was == GroupState::Left => GroupState::Left,
        None => GroupState::Removed,
        Some(_) if matches!(was, GroupState::Joined | GroupState::Invited) => was,
        Some(standing) => {
            let by = group.log.operation(&standing.by).map(|operation| operation.author);
            let friend =
                by.is_some_and(|by| by == own || contacts.state(&by) == Some(ContactState::Accepted));
            group.row.invited_by = by.filter(|_| !friend && !asked);
            if friend || asked { GroupState::Joined } else { GroupState::Invited }
        }
    };
    group.row.set_state(now);
    if !group.is_ours() {
        (group.own, group.row.invited_by) = (None, None);
        group.waiting.clear();
        group.meetings.clear();
        group.turns = Turns::default();
    }
    group.save(out);
    if asked && standing.is_some() {
        asking::forget(engine, out, id);
    }
}

/// How many of each device's posts are here, for what newcomers get.
pub(super) type Counts = BTreeMap<DeviceId, u32>;
