//! What somebody who came later is given of what was said before: for each device, from which of its posts on. Noted when
//! we hear that they came, by the rules of that moment; whoever is asked for posts keeps to it. What we had not heard of then is
//! judged by its time: whoever was away must not bring a newcomer what was said before they came.

use std::collections::BTreeMap;

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::group::History as Given;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::time::Timestamp;

use super::history::rows as history;
use super::membership::Counts;
use super::state::Group;
use crate::output::Output;
use crate::rows::groups as rows;
use crate::rows::groups::FloorsRow;

/// The most posts that newcomers are given by number: a screen for each day of a year.
const MAX_GIVEN: usize = 10_000;

/// What of a history somebody who came later is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// From which number on each device's posts are given.
    pub(super) floors: Counts,
    /// Up to which number they were known when that was noted.
    pub(super) known: Counts,
    /// Of what comes here later, posts before this time are not given: they were written before the newcomer came, and
    /// whoever noted this had not heard of them.
    pub(super) since: Timestamp,
}

impl Limits {
    /// As they were kept.
    pub(super) fn of(row: &FloorsRow) -> Self {
        Self {
            floors: row.floors.iter().copied().collect(),
            known: row.known.iter().copied().collect(),
            since: row.since,
        }
    }

    /// Whether a post is given.
    pub(super) fn give(&self, device: &DeviceId, sequence: u32, time: Timestamp) -> bool {
        let at = |counts: &Counts| counts.get(device).copied().unwrap_or(0);
        sequence >= at(&self.floors) && (sequence <= at(&self.known) || time >= self.since)
    }
}

/// Notes what these newcomers are given.
pub(super) fn note(group: &mut Group, rows: &dyn Rows, out: &mut Output, joined: &[AccountId]) {
    if joined.is_empty() {
        return;
    }
    let from_now_on = from_now_on(group);
    let floors = match group.log.roster().policy.history {
        Given::Everything => None,
        Given::Nothing => Some(from_now_on.clone()),
        Given::Last(count) => {
            let mut floors = from_now_on.clone();
            lower(group, rows, usize::try_from(count).unwrap_or(MAX_GIVEN).min(MAX_GIVEN), &mut floors);
            Some(floors)
        }
    };
    let known: Counts =
        from_now_on.into_iter().map(|(device, next)| (device, next.saturating_sub(1))).collect();
    for account in joined {
        let key = rows::group_key(&group.id(), &account.0);
        let admission = group.log.roster().members.get(account).map(|member| member.standing.by);
        let came = admission.and_then(|by| group.log.operation(&by)).map(|operation| operation.time);
        let (Some(floors), Some(since)) = (floors.clone(), came) else {
            group.floors.remove(account);
            out.delete(rows::GROUP_FLOORS, &key);
            continue;
        };
        let limits = Limits { floors, known: known.clone(), since };
        let listed =
            |counts: &Counts| BoundedVec::truncated(counts.iter().map(|(of, at)| (*of, *at)).collect());
        let row = FloorsRow { floors: listed(&limits.floors), known: listed(&limits.known), since };
        out.put(rows::GROUP_FLOORS, &key, row.to_bytes());
        group.floors.insert(*account, limits);
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
