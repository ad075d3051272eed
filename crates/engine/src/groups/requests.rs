//! Requests of people who ask to come in, as long as nobody has decided: at whoever was asked, and at those who may decide.
//!
//! ```text
//!  Join, PassedOn ─▶ kept ─ approved ─▶ a member
//!                     ├ refused ─▶ gone, and whoever asks another host for the same gets the same answer for a day
//!                     ├ fourteen days ─▶ gone, and told
//!                     └ no room ─▶ the oldest of whoever brought the most is gone, untold: they ask again
//! ```
//!
//! Not here: what is asked, and who is let in (`joining`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::codec::Encode as _;
use kith_proto::group::word::JoinRequest;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::LinkId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::joining;
use super::membership;
use super::view;
use crate::engine::Engine;
use crate::output::Output;
use crate::rows::groups as rows;
use crate::rows::groups::RequestRow;
use crate::timer::TimerKey;

/// Requests of one group that wait for a decision.
const MAX_REQUESTS: usize = 128;

/// Those among them that one member may bring: three hostile ones leave room.
const MAX_OF_ONE: usize = 32;

/// A request waits for so long: as long as the work in it counts.
const WAITS_FOR: Span = Span::from_days(14);

/// Whoever is refused asks other hosts: for so long they get the same answer and no person is asked.
const REFUSED_FOR: Span = Span::from_days(1);

/// People who were refused lately and are remembered.
const MAX_REFUSED: usize = 256;

/// Whoever asks again is told of again after so long: a word may be lost, and who may decide may be others.
const PASS_AGAIN: Span = Span::from_days(1);

/// Hosts that hold the same request and are told of the decision.
const MAX_HOSTS: usize = 8;

/// What is known about requests of one group since the start of the engine.
#[derive(Default)]
pub(super) struct Door {
    refused: BTreeMap<(AccountId, LinkId), Timestamp>,
    hosts: BTreeMap<AccountId, BTreeSet<DeviceId>>,
    passed_on: BTreeMap<AccountId, Timestamp>,
}

impl Door {
    /// Whether it was decided a short while ago that somebody does not come in by a link.
    pub(super) fn is_refused(&self, now: Timestamp, request: &JoinRequest) -> bool {
        let at = self.refused.get(&(request.account, request.link));
        at.is_some_and(|at| now.since(*at) < REFUSED_FOR)
    }

    fn refuses(&mut self, now: Timestamp, account: AccountId, link: LinkId) {
        self.refused.retain(|_, at| now.since(*at) < REFUSED_FOR);
        if self.refused.len() < MAX_REFUSED {
            self.refused.insert((account, link), now);
        }
    }

    /// Another host holds a request that is known.
    pub(super) fn held_by(&mut self, account: AccountId, host: DeviceId) {
        let hosts = self.hosts.entry(account).or_default();
        if hosts.len() < MAX_HOSTS {
            hosts.insert(host);
        }
    }

    /// Whether those who may decide are to be told of a request now; notes that they are.
    pub(super) fn passes_on(&mut self, now: Timestamp, account: AccountId) -> bool {
        let due = self.passed_on.get(&account).is_none_or(|at| now.since(*at) >= PASS_AGAIN);
        if due {
            self.passed_on.insert(account, now);
        }
        due
    }
}

/// Keeps a request until somebody decided. `from` told of it: whoever asks, or a member whom they asked.
pub(super) fn keep(engine: &mut Engine, out: &mut Output, request: JoinRequest, from: DeviceId) {
    let (id, account, now) = (request.group, request.account, engine.core.now);
    let Engine { groups, peers, core, .. } = engine;
    let Some(group) = groups.get_mut(&id) else { return };
    let brought_by = |from: &DeviceId, account: &AccountId| peers.contact_of(from).filter(|by| by != account);
    let known = group.requests.get(&account).map(|row| (row.since, row.from));
    match known {
        Some((_, before)) if before != from => group.door.held_by(account, before),
        Some(_) => {}
        None => {
            let waiting = group.requests.iter();
            let waiting: Vec<_> =
                waiting.map(|(who, row)| (*who, brought_by(&row.from, who), row.since)).collect();
            let source = brought_by(&from, &account);
            let share = if source.is_some() { MAX_OF_ONE } else { MAX_REQUESTS };
            if let Some(gone) = gives_way(&waiting, &source, (share, MAX_REQUESTS)) {
                core.stats.floods += 1;
                drop_request(engine, out, &id, &gone);
                engine.core.timers.set_earlier(TimerKey::Groups, now + membership::TELL_AFTER);
            }
        }
    }
    // Whoever asks again waits no longer for that.
    let since = known.map_or(now, |(since, _)| since);
    let row = RequestRow { request, since, from };
    out.put(rows::GROUP_REQUESTS, &rows::group_key(&id, &account.0), row.to_bytes());
    if let Some(group) = engine.groups.get_mut(&id) {
        group.requests.insert(account, row);
    }
    engine.core.timers.set_earlier(TimerKey::Groups, since + WAITS_FOR);
    view::changed(engine, out, &id);
}

/// Which of those that wait goes for one more of a source: its own oldest if it has its share, else, if all is full, the oldest
/// of the source that has the most.
pub(super) fn gives_way<K: Copy, S: Ord>(
    waiting: &[(K, S, Timestamp)],
    source: &S,
    (share, most): (usize, usize),
) -> Option<K> {
    let count = |source: &S| waiting.iter().filter(|(_, of, _)| of == source).count();
    let crowded = if count(source) >= share {
        source
    } else if waiting.len() >= most {
        waiting.iter().map(|(_, of, _)| of).max_by_key(|of| count(of))?
    } else {
        return None;
    };
    let theirs = waiting.iter().filter(|(_, of, _)| of == crowded);
    theirs.min_by_key(|(_, _, since)| *since).map(|(which, ..)| *which)
}

/// A request is over.
pub(super) fn drop_request(
    engine: &mut Engine,
    out: &mut Output,
    id: &GroupId,
    account: &AccountId,
) -> Option<RequestRow> {
    let group = engine.groups.get_mut(id)?;
    let row = group.requests.remove(account)?;
    group.door.hosts.remove(account);
    group.door.passed_on.remove(account);
    out.delete(rows::GROUP_REQUESTS, &rows::group_key(id, &account.0));
    Some(row)
}

/// A request is over without success; who asked us hears it from us. Returns the devices of members who hold it, too.
pub(super) fn refuse(
    engine: &mut Engine,
    out: &mut Output,
    id: &GroupId,
    account: &AccountId,
) -> BTreeSet<DeviceId> {
    let now = engine.core.now;
    let Some(group) = engine.groups.get_mut(id) else { return BTreeSet::new() };
    let mut hosts = group.door.hosts.remove(account).unwrap_or_default();
    let Some(row) = drop_request(engine, out, id, account) else { return hosts };
    if let Some(group) = engine.groups.get_mut(id) {
        group.door.refuses(now, *account, row.request.link);
    }
    hosts.insert(row.from);
    for device in &hosts {
        if engine.peers.contact_of(device) == Some(*account) {
            joining::refuse(engine, out, device, *id);
        }
    }
    hosts.retain(|device| engine.peers.contact_of(device) != Some(*account));
    hosts
}

/// Requests that nobody decided about in a long time are over.
pub(crate) fn expire(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    let all = engine.groups.by_id.iter();
    let all = all.flat_map(|(id, group)| group.requests.iter().map(|(who, row)| (*id, *who, row.since)));
    let (over, open): (Vec<_>, Vec<_>) = all.partition(|(.., since)| now.since(*since) >= WAITS_FOR);
    for (id, account, _) in over {
        refuse(engine, out, &id, &account);
        view::changed(engine, out, &id);
    }
    if let Some(next) = open.iter().map(|(.., since)| *since + WAITS_FOR).min() {
        engine.core.timers.set_earlier(TimerKey::Groups, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn waiting(of: &[(u8, usize)]) -> Vec<(usize, u8, Timestamp)> {
        let each = of.iter().flat_map(|(source, count)| std::iter::repeat_n(*source, *count));
        each.enumerate().map(|(at, source)| (at, source, NOW + Span(at as u64))).collect()
    }

    #[test]
    fn whoever_brings_the_most_gives_way() {
        assert_eq!(gives_way(&waiting(&[(1, 3)]), &2, (4, 8)), None);
        assert_eq!(gives_way(&waiting(&[(2, 1), (1, 4)]), &1, (4, 8)), Some(1), "their own oldest");
        assert_eq!(gives_way(&waiting(&[(2, 1), (1, 4), (3, 3)]), &4, (4, 8)), Some(1), "of the most");
        let puppets: Vec<_> = (1..=8).map(|source| (source, 1)).collect();
        assert!(gives_way(&waiting(&puppets), &9, (4, 8)).is_some(), "there is always room");
    }

    #[test]
    fn a_refusal_holds_for_a_day_and_a_request_is_passed_on_once_in_one() {
        let (eve, link) = (AccountId([1; 32]), LinkId([2; 16]));
        let mut door = Door::default();
        door.refuses(NOW, eve, link);
        assert!(door.refused.contains_key(&(eve, link)));
        door.refuses(NOW + REFUSED_FOR, AccountId([3; 32]), link);
        assert_eq!(door.refused.len(), 1, "it is forgotten");
        assert!(door.passes_on(NOW, eve) && !door.passes_on(NOW + Span(1), eve));
        assert!(door.passes_on(NOW + PASS_AGAIN, eve));
    }
}
