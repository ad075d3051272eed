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
    /// Whether a post is given.
    pub(super) fn give(&self, device: &DeviceId, sequence: u32, time: Timestamp) -> bool {
        let at = |counts: &Counts| counts.get(device).copied().unwrap_or(0);
        sequence >= at(&self.floors) && (sequence <= at(&self.known) || time >= self.since)
    }
}

/// What members who came later are given; whoever is not here is given everything. How far each device was known at the moment
/// when somebody came is kept once, as what had changed since the moment before.
#[derive(Default)]
pub(crate) struct Floors {
    /// How far each device was known, by moments, ascending.
    lines: BTreeMap<DeviceId, Vec<(u64, u32)>>,
    moments: BTreeMap<u64, AccountId>,
    of: BTreeMap<AccountId, Floor>,
}

/// What one of them is given.
struct Floor {
    moment: u64,
    /// Numbers from which on posts of before are given.
    lowered: Counts,
    since: Timestamp,
}

impl Floors {
    /// As they were kept.
    pub(super) fn of(rows: BTreeMap<AccountId, FloorsRow>) -> Self {
        let mut rows: Vec<(AccountId, FloorsRow)> = rows.into_iter().collect();
        rows.sort_by_key(|(_, row)| row.moment);
        let mut floors = Self::default();
        for (account, row) in rows {
            let lowered = row.lowered.iter().copied().collect();
            floors.put(account, Floor { moment: row.moment, lowered, since: row.since }, &row.known);
        }
        floors
    }

    /// Whether somebody is not given everything.
    pub(super) fn has(&self, account: &AccountId) -> bool {
        self.of.contains_key(account)
    }

    /// What a member is given, unless that is everything.
    pub(super) fn limits(&self, account: &AccountId) -> Option<Limits> {
        let floor = self.of.get(account)?;
        let known: Counts =
            self.lines.keys().filter_map(|line| Some((*line, self.known_at(line, floor.moment)?))).collect();
        let mut floors: Counts = known.iter().map(|(line, known)| (*line, known.saturating_add(1))).collect();
        floors.extend(&floor.lowered);
        Some(Limits { floors, known, since: floor.since })
    }

    fn known_at(&self, line: &DeviceId, moment: u64) -> Option<u32> {
        let moments = self.lines.get(line)?;
        let count = moments.partition_point(|(at, _)| *at <= moment);
        moments.get(count.checked_sub(1)?).map(|(_, known)| *known)
    }

    /// Somebody came who is given so much. Returns what is to be kept.
    fn note(&mut self, account: AccountId, known: &Counts, lowered: Counts, since: Timestamp) -> FloorsRow {
        let moment = self.moments.last_key_value().map_or(1, |(last, _)| last.saturating_add(1));
        let last =
            |line: &DeviceId| self.lines.get(line).and_then(|line| line.last()).map(|(_, known)| *known);
        let news = known.iter().filter(|(line, known)| last(line) != Some(**known));
        let news: Vec<(DeviceId, u32)> = news.map(|(line, known)| (*line, *known)).collect();
        self.put(account, Floor { moment, lowered, since }, &news);
        self.row(&account).expect("it was just put there")
    }

    fn put(&mut self, account: AccountId, floor: Floor, news: &[(DeviceId, u32)]) {
        for (line, known) in news {
            self.lines.entry(*line).or_default().push((floor.moment, *known));
        }
        self.moments.insert(floor.moment, account);
        self.of.insert(account, floor);
    }

    /// Somebody is given everything, or nothing any more. What was noted with it is with the next one from then on: who that is.
    fn forget(&mut self, account: &AccountId) -> Option<AccountId> {
        let moment = self.of.remove(account)?.moment;
        self.moments.remove(&moment);
        let next = self.moments.range(moment..).next().map(|(moment, account)| (*moment, *account));
        let mut moved = false;
        self.lines.retain(|_, line| {
            if let Ok(at) = line.binary_search_by_key(&moment, |(at, _)| *at) {
                let (_, known) = line.remove(at);
                let has = |next| line.get(at).is_some_and(|(later, _)| *later == next);
                if let Some((next, _)) = next.filter(|(next, _)| !has(*next)) {
                    line.insert(at, (next, known));
                    moved = true;
                }
            }
            !line.is_empty()
        });
        next.filter(|_| moved).map(|(_, account)| account)
    }

    fn row(&self, account: &AccountId) -> Option<FloorsRow> {
        let floor = self.of.get(account)?;
        let at = |line: &[(u64, u32)]| {
            let found = line.binary_search_by_key(&floor.moment, |(at, _)| *at).ok()?;
            line.get(found).map(|(_, known)| *known)
        };
        let news = self.lines.iter().filter_map(|(of, line)| Some((*of, at(line)?)));
        Some(FloorsRow {
            moment: floor.moment,
            known: BoundedVec::truncated(news.collect()),
            lowered: BoundedVec::truncated(floor.lowered.iter().map(|(of, at)| (*of, *at)).collect()),
            since: floor.since,
        })
    }
}

/// Lets go of what was noted of those who are no members any more.
pub(super) fn forget(group: &mut Group, out: &mut Output, gone: &[AccountId]) {
    for account in gone.iter().filter(|account| group.floors.of.contains_key(*account)).collect::<Vec<_>>() {
        let key = |account: &AccountId| rows::group_key(&group.log.group(), &account.0);
        let heir = group.floors.forget(account);
        out.delete(rows::GROUP_FLOORS, &key(account));
        if let Some((heir, row)) = heir.and_then(|heir| Some((heir, group.floors.row(&heir)?))) {
            out.put(rows::GROUP_FLOORS, &key(&heir), row.to_bytes());
        }
    }
}

/// Notes what these newcomers are given.
pub(super) fn note(group: &mut Group, rows: &dyn Rows, out: &mut Output, joined: &[AccountId]) {
    if joined.is_empty() {
        return;
    }
    forget(group, out, joined);
    let from_now_on = from_now_on(group);
    let lowered = match group.log.roster().policy.history {
        Given::Everything => return,
        Given::Nothing => Counts::new(),
        Given::Last(count) => {
            let mut floors = from_now_on.clone();
            lower(group, rows, usize::try_from(count).unwrap_or(MAX_GIVEN).min(MAX_GIVEN), &mut floors);
            floors.retain(|device, floor| from_now_on.get(device) != Some(floor));
            floors
        }
    };
    let known: Counts =
        from_now_on.into_iter().map(|(device, next)| (device, next.saturating_sub(1))).collect();
    for account in joined {
        let admission = group.log.roster().members.get(account).map(|member| member.standing.by);
        let came = admission.and_then(|by| group.log.operation(&by)).map(|operation| operation.time);
        let Some(since) = came else { continue };
        let row = group.floors.note(*account, &known, lowered.clone(), since);
        out.put(rows::GROUP_FLOORS, &rows::group_key(&group.id(), &account.0), row.to_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: u16) -> AccountId {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&number.to_be_bytes());
        AccountId(id)
    }

    fn counts(known: &[(u8, u32)]) -> Counts {
        known.iter().map(|(device, known)| (DeviceId([*device; 32]), *known)).collect()
    }

    #[test]
    fn everybody_is_given_what_was_noted_when_they_came_whoever_leaves() {
        let mut floors = Floors::default();
        let mut rows = BTreeMap::new();
        let moments = [
            counts(&[(1, 4)]),
            counts(&[(1, 6), (2, 1)]),
            counts(&[(1, 6), (2, 1)]),
            counts(&[(1, 9), (2, 3)]),
        ];
        for (known, who) in moments.iter().zip(0..) {
            let lowered = if who == 2 { counts(&[(1, 2)]) } else { Counts::new() };
            rows.insert(account(who), floors.note(account(who), known, lowered, Timestamp(u64::from(who))));
        }
        let before: Vec<Option<Limits>> = (0..4).map(|who| floors.limits(&account(who))).collect();
        assert_eq!(before[1].as_ref().unwrap().known, moments[1]);
        assert_eq!(before[2].as_ref().unwrap().floors, counts(&[(1, 2), (2, 2)]));
        for gone in [1, 0] {
            let heir = floors.forget(&account(gone));
            rows.remove(&account(gone));
            rows.extend(heir.and_then(|heir| Some((heir, floors.row(&heir)?))));
            let kept = Floors::of(rows.clone());
            for who in 2..4 {
                assert_eq!(floors.limits(&account(who)), before[usize::from(who)]);
                assert_eq!(kept.limits(&account(who)), before[usize::from(who)]);
            }
        }
        assert_eq!(floors.limits(&account(0)), None);
    }

    #[test]
    fn who_comes_writes_once_and_leaves_costs_nothing_that_stays() {
        let mut floors = Floors::default();
        let mut known = Counts::new();
        for number in 0..2_000_u16 {
            floors.note(account(number), &known, Counts::new(), Timestamp(0));
            let mut device = [0; 32];
            device[..2].copy_from_slice(&number.to_be_bytes());
            known.insert(DeviceId(device), 1);
            if number % 10 != 0 {
                floors.forget(&account(number));
            }
        }
        let kept: usize = floors.lines.values().map(Vec::len).sum();
        assert!(kept <= 2_000, "{kept}: one for each device, not for each device and member");
        assert_eq!(floors.of.len(), 200);
    }
}
