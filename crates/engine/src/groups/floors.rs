//! What somebody who came later is given of what was said before: for each device, from which of its posts on. Noted when
//! we hear that they came, by the rules of that moment; whoever is asked for posts keeps to it.

use std::collections::BTreeMap;

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::group::History as Given;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;

use super::history::rows as history;
use super::membership::Counts;
use super::state::Group;
use crate::output::Output;
use crate::rows::groups as rows;
use crate::rows::groups::FloorsRow;

/// The most posts that newcomers are given by number: a screen for each day of a year.
const MAX_GIVEN: usize = 10_000;

/// Notes what these newcomers are given.
pub(super) fn note(group: &mut Group, rows: &dyn Rows, out: &mut Output, joined: &[AccountId]) {
    if joined.is_empty() {
        return;
    }
    let floors = match group.log.roster().policy.history {
        Given::Everything => BTreeMap::new(),
        Given::Nothing => from_now_on(group),
        Given::Last(count) => {
            let mut floors = from_now_on(group);
            lower(group, rows, usize::try_from(count).unwrap_or(MAX_GIVEN).min(MAX_GIVEN), &mut floors);
            floors
        }
    };
    for account in joined {
        let key = rows::group_key(&group.id(), &account.0);
        if floors.is_empty() {
            group.floors.remove(account);
            out.delete(rows::GROUP_FLOORS, &key);
        } else {
            let row = FloorsRow {
                floors: BoundedVec::truncated(floors.iter().map(|(device, at)| (*device, *at)).collect()),
            };
            out.put(rows::GROUP_FLOORS, &key, row.to_bytes());
            group.floors.insert(*account, floors.clone());
        }
    }
}

/// After the last post of each device.
fn from_now_on(group: &Group) -> Counts {
    let highest = |line: kith_proto::sync::Line| {
        let last = line.beyond.last().map_or(line.upto, |run| run.to);
        (line.device, last.saturating_add(1))
    };
    group.history.lines().map(highest).collect()
}

/// So many posts earlier.
fn lower(group: &Group, rows: &dyn Rows, count: usize, floors: &mut BTreeMap<DeviceId, u32>) {
    let last = history::scan_order(rows, &group.id(), None, None, Direction::Down, count);
    for place in last.unwrap_or_default() {
        let key = history::post_key(&group.id(), &place.post);
        let row = rows.get(history::PLACES, &key).ok().flatten();
        if let Some(row) = row.and_then(|bytes| history::PlaceRow::from_bytes(&bytes).ok())
            && let Some(floor) = floors.get_mut(&row.device)
        {
            *floor = row.sequence.min(*floor);
        }
    }
}
