//! What members write into a log without being asked: newer device lists of their contacts, and operations that follow its ends
//! where these are too many to be named.
//!
//! ```text
//!  a contact has a newer list ── drops a device ─▶ written at once: whoever has it must not be read to, or written by
//!         └── only has more ─▶ waits ─▶ still lacking? ─▶ written
//!  more than 32 ends ─────────▶ waits ─▶ still? ────────▶ merged
//! ```
//!
//! What several notice at once would be written by all of them, each beside the others. So each waits for a random time, the longer
//! the more members there are, and looks again.

use std::collections::BTreeMap;

use kith_crypto::identity::SignedDeviceList;
use kith_proto::group::Kind;
use kith_proto::group::word::MAX_HEADS;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::lists;
use super::membership;
use super::node::counts;
use crate::engine::Engine;
use crate::output::Output;
use crate::timer::TimerKey;
use crate::view::ContactState;
use crate::view::GroupState;

/// The longest wait is so long for each member: the word of one takes some hundred milliseconds to the others.
const WAIT_EACH: Span = Span::from_millis(250);

/// It is never longer than this.
const WAIT_MOST: Span = Span::from_secs(15);

/// What may be written later, and when.
#[derive(Debug, Default)]
pub(crate) struct Filing {
    lists: BTreeMap<(GroupId, AccountId), Timestamp>,
    ends: BTreeMap<GroupId, Timestamp>,
}

/// Why a list is missing in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// It has devices that the log does not know.
    Devices,
    /// It takes one away.
    Revocation,
}

/// Puts newer device lists of members into the logs of their groups. Contacts hear of them first: whoever comes back with another
/// device knows no group, and only they can tell it; whoever lost a device must not be read by it.
pub(crate) fn lists(engine: &mut Engine, rows: &dyn Rows, out: &mut Output) {
    for account in std::mem::take(&mut engine.devices.renewed) {
        for id in engine.groups.common(&account) {
            match missing(engine, &id, &account) {
                Some(Missing::Revocation) => file(engine, rows, out, &id, &account),
                Some(Missing::Devices) => {
                    let at = later(engine, &id);
                    engine.groups.filing.lists.entry((id, account)).or_insert(at);
                }
                None => {}
            }
        }
    }
}

/// After a start: the lists of contacts that were to be written, and ends that were to be merged.
pub(crate) fn start(engine: &mut Engine) {
    let ids: Vec<GroupId> = engine.groups.by_id.keys().copied().collect();
    for id in ids {
        grown(engine, &id);
        let Some(group) = engine.groups.get(&id) else { continue };
        let members: Vec<AccountId> = group.members.keys().copied().collect();
        let lacking = members.iter().filter(|account| {
            engine.groups.get(&id).is_some_and(|group| group.is_shared_with(account))
                && missing(engine, &id, account).is_some()
        });
        engine.devices.renewed.extend(lacking.copied().collect::<Vec<_>>());
    }
}

/// A log has grown: its ends may be too many.
pub(super) fn grown(engine: &mut Engine, id: &GroupId) {
    if has_many_ends(engine, id) && !engine.groups.filing.ends.contains_key(id) {
        let at = later(engine, id);
        engine.groups.filing.ends.insert(*id, at);
    }
}

/// It is time to look again.
pub(crate) fn look_again(engine: &mut Engine, rows: &dyn Rows, out: &mut Output) {
    let now = engine.core.now;
    let due = |at: &Timestamp| *at <= now;
    let filing = &mut engine.groups.filing;
    let lists: Vec<_> = filing.lists.extract_if(.., |_, at| due(at)).map(|(what, _)| what).collect();
    let ends: Vec<_> = filing.ends.extract_if(.., |_, at| due(at)).map(|(id, _)| id).collect();
    for (id, account) in lists {
        if missing(engine, &id, &account).is_some() {
            file(engine, rows, out, &id, &account);
        }
    }
    for id in ends {
        if has_many_ends(engine, &id) {
            membership::merge(engine, rows, out, &id);
        }
    }
    let filing = &engine.groups.filing;
    if let Some(next) = filing.lists.values().chain(filing.ends.values()).min() {
        engine.core.timers.set(TimerKey::Filing, *next);
    }
}

/// A moment soon, by chance.
fn later(engine: &mut Engine, id: &GroupId) -> Timestamp {
    let members = engine.groups.get(id).map_or(0, |group| group.members.len()) as u64;
    let longest = Span((WAIT_EACH.0 * members).min(WAIT_MOST.0));
    let drawn = u64::from(u16::from_le_bytes(engine.core.random::<2>()));
    let at = engine.core.now + Span(longest.0 * drawn / u64::from(u16::MAX));
    engine.core.timers.set_earlier(TimerKey::Filing, at);
    at
}

fn has_many_ends(engine: &Engine, id: &GroupId) -> bool {
    let group = engine.groups.get(id).filter(|group| group.row.state() == GroupState::Joined);
    group.is_some_and(|group| group.log.heads().len() > MAX_HEADS)
}

/// Whether a contact has a newer list than the log of a group.
fn missing(engine: &Engine, id: &GroupId, account: &AccountId) -> Option<Missing> {
    if engine.contacts.state(account) != Some(ContactState::Accepted) {
        return None;
    }
    let newer = engine.devices.list_of(account)?;
    let known = engine.groups.get(id)?.log.device_list(account);
    if known.is_some_and(|known| known.list.version >= newer.list.version) {
        return None;
    }
    let drops = |known: &SignedDeviceList| {
        let mut devices = known.list.devices.iter().map(|entry| entry.device);
        devices.any(|device| counts(known, &device) && !counts(newer, &device))
    };
    Some(if known.is_some_and(drops) { Missing::Revocation } else { Missing::Devices })
}

fn file(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId, account: &AccountId) {
    let list = engine.devices.list_of(account).and_then(lists::bytes_of);
    if let Some(devices) = list {
        // Refused when somebody was faster, or the log is full.
        let _ = membership::act(engine, rows, out, id, Kind::Devices { account: *account, devices });
    }
}
