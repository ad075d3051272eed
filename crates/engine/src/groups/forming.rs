//! Logs that others are telling us and that do not name us yet. Everybody who may speak to us can begin some, so each has a share
//! and gives way to their own; a log that we ask for is nobody's share and stays.

use std::collections::BTreeMap;

use kith_proto::group::Operation;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::id::OperationId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::Log;
use crate::engine::Engine;
use crate::timer::TimerKey;

/// Logs that one account may be telling at once: a friend may add us to some groups in a row.
const MAX_OF_ONE: usize = 8;

/// The most memory of them: one log of ten thousand operations fits with some room.
const MAX_BYTES_OF_ONE: usize = 16 << 20;

/// What all take together.
const MAX_IN_ALL: usize = 64;
const MAX_BYTES_IN_ALL: usize = 64 << 20;

/// A log to which nothing came for so long is forgotten: by mail its parts may be hours apart.
pub(super) const WAITS_FOR: Span = Span::from_days(1);

/// Forgets what nobody goes on with.
pub(crate) fn expire(engine: &mut Engine) {
    if let Some(next) = engine.groups.forming.expire(engine.core.now) {
        engine.core.timers.set_earlier(TimerKey::Groups, next);
    }
}

/// All logs that are being told.
#[derive(Default)]
pub(crate) struct Forming {
    by_group: BTreeMap<GroupId, Told>,
}

struct Told {
    log: Log,
    /// Who began to tell it; nobody, if we ask for it.
    by: Option<AccountId>,
    since: Timestamp,
    /// When something last came.
    at: Timestamp,
    /// Counted when it grows; counting all anew for each word would be a walk over all logs.
    bytes: usize,
}

impl Forming {
    /// What is known of a group.
    pub(super) fn get(&self, id: &GroupId) -> Option<&Log> {
        self.by_group.get(id).map(|told| &told.log)
    }

    pub(super) fn get_mut(&mut self, id: &GroupId) -> Option<&mut Log> {
        self.by_group.get_mut(id).map(|told| &mut told.log)
    }

    /// Somebody begins to tell a log, `None` one that we ask for.
    pub(super) fn begin(&mut self, now: Timestamp, by: Option<AccountId>, log: Log) {
        let bytes = log.memory();
        self.by_group.insert(log.group(), Told { log, by, since: now, at: now, bytes });
    }

    /// Takes operations. Returns how many were bad.
    pub(super) fn grow(
        &mut self,
        now: Timestamp,
        id: &GroupId,
        operations: impl Iterator<Item = Operation>,
    ) -> u64 {
        let Some(told) = self.by_group.get_mut(id) else { return 0 };
        let bad = operations.filter_map(|operation| told.log.insert(operation).err()).count();
        (told.at, told.bytes) = (now, told.log.memory());
        bad as u64
    }

    /// Takes a log out.
    pub(super) fn remove(&mut self, id: &GroupId) -> Option<Log> {
        self.by_group.remove(id).map(|told| told.log)
    }

    /// Drops what is too much: of whoever has more than their share, then of whoever has most, the oldest each time. `trusted`
    /// come last. Returns how many were dropped.
    pub(super) fn fit(&mut self, trusted: impl Fn(&AccountId) -> bool) -> u64 {
        let mut dropped = 0;
        while let Some(by) = self.too_many(&trusted) {
            let theirs = self.by_group.iter().filter(|(_, told)| told.by == Some(by));
            let Some(oldest) = theirs.min_by_key(|(_, told)| told.since).map(|(id, _)| *id) else { break };
            self.by_group.remove(&oldest);
            dropped += 1;
        }
        dropped
    }

    /// Whose logs are too many.
    fn too_many(&self, trusted: impl Fn(&AccountId) -> bool) -> Option<AccountId> {
        let mut each: BTreeMap<AccountId, (usize, usize)> = BTreeMap::new();
        for told in self.by_group.values() {
            if let Some(by) = told.by {
                let (count, bytes) = each.entry(by).or_default();
                (*count, *bytes) = (*count + 1, bytes.saturating_add(told.bytes));
            }
        }
        let greedy = each.iter().find(|(_, (count, bytes))| *count > MAX_OF_ONE || *bytes > MAX_BYTES_OF_ONE);
        if let Some((by, _)) = greedy {
            return Some(*by);
        }
        let count: usize = each.values().map(|(count, _)| count).sum();
        let bytes: usize = each.values().map(|(_, bytes)| bytes).sum();
        let full = count > MAX_IN_ALL || bytes > MAX_BYTES_IN_ALL;
        let most = each.iter().filter(|_| full).max_by_key(|(by, (_, bytes))| (!trusted(by), *bytes));
        most.map(|(by, _)| *by)
    }

    /// Forgets those that nobody goes on with. Returns when the next is due.
    fn expire(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.by_group.retain(|_, told| now.since(told.at) < WAITS_FOR);
        self.by_group.values().map(|told| told.at + WAITS_FOR).min()
    }

    /// What waits in a log, and what it knows.
    pub(super) fn heads(&self, id: &GroupId) -> Vec<OperationId> {
        self.get(id).map(Log::heads).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::tests::log_of_ann;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn account(number: u8) -> AccountId {
        AccountId([number; 32])
    }

    fn tell(forming: &mut Forming, at: u64, by: Option<AccountId>, number: u8) -> GroupId {
        let log = log_of_ann(number);
        let id = log.group();
        forming.begin(NOW + Span(at), by, log);
        forming.fit(|by| *by == account(1));
        id
    }

    #[test]
    fn whoever_begins_many_logs_loses_their_own_first_ones() {
        let mut forming = Forming::default();
        let honest = tell(&mut forming, 0, Some(account(1)), 200);
        let asked = tell(&mut forming, 0, None, 201);
        let first = tell(&mut forming, 1, Some(account(2)), 0);
        for number in 1..20 {
            tell(&mut forming, u64::from(number) + 1, Some(account(2)), number);
        }
        assert_eq!(forming.by_group.len(), 2 + MAX_OF_ONE);
        assert!(forming.get(&honest).is_some() && forming.get(&asked).is_some());
        assert!(forming.get(&first).is_none());
    }

    #[test]
    fn many_who_have_their_share_each_take_nothing_from_a_friend_or_from_what_is_asked_for() {
        let mut forming = Forming::default();
        let honest = tell(&mut forming, 0, Some(account(1)), 200);
        let asked = tell(&mut forming, 0, None, 201);
        for number in 0..100 {
            tell(&mut forming, u64::from(number) + 1, Some(account(2 + number / 8)), number);
        }
        assert_eq!(forming.by_group.len(), 1 + MAX_IN_ALL);
        assert!(forming.get(&honest).is_some() && forming.get(&asked).is_some());
    }

    #[test]
    fn what_nobody_goes_on_with_is_forgotten() {
        let mut forming = Forming::default();
        let id = tell(&mut forming, 0, Some(account(1)), 1);
        forming.expire(NOW + Span::from_hours(23));
        forming.grow(NOW + Span::from_hours(23), &id, std::iter::empty());
        forming.expire(NOW + Span::from_hours(30));
        assert!(forming.get(&id).is_some());
        forming.expire(NOW + Span::from_days(3));
        assert!(forming.get(&id).is_none());
    }
}
