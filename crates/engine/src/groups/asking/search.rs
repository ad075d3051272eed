//! How far a request to come in is: who was asked when, who refused, and what is tried next.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::groups::joining;

/// A host that was asked has so long before another is.
const PATIENCE: Span = Span::from_secs(10);

/// Whoever was asked is asked again after so long, also by mail.
const MAIL_AGAIN: Span = Span::from_hours(1);

/// The first pause between two look-ups, and the longest.
const LOOK_PAUSE_MIN: Span = Span::from_secs(20);
const LOOK_PAUSE_MAX: Span = Span::from_hours(1);

/// So often a host may want more work; then it does not let us in, whatever it says.
const MAX_WANTED: u32 = 2;

/// After one host refused, the silent ones have so long.
const SILENT_FOR: Span = Span::from_days(1);

/// How far it is; begun anew at every start.
#[derive(Default)]
pub(crate) struct Search {
    pub(super) asked: BTreeMap<DeviceId, Timestamp>,
    refused: BTreeSet<DeviceId>,
    /// When the first refused.
    refused_at: Option<Timestamp>,
    /// How often each host wanted more work.
    wanted: BTreeMap<DeviceId, u32>,
    /// Hosts that wanted more work and were not asked since.
    pub(super) again: BTreeSet<DeviceId>,
    /// The day for which work counts, as a host told that does not take the own one.
    pub(super) day: Option<u32>,
    pub(super) looks: u32,
    next_look: Timestamp,
    /// The number that work goes on with.
    pub(super) next_work: u64,
}

impl Search {
    pub(super) fn may_look(&mut self, now: Timestamp) -> bool {
        if self.next_look > now {
            return false;
        }
        let doubled = LOOK_PAUSE_MIN.0.saturating_mul(1 << self.looks.min(20));
        (self.looks, self.next_look) =
            (self.looks.saturating_add(1), now + Span(doubled.min(LOOK_PAUSE_MAX.0)));
        true
    }

    /// Whether somebody is asked who may still answer.
    pub(super) fn waits(&self, now: Timestamp) -> bool {
        let silent = |(device, at): (&DeviceId, &Timestamp)| {
            self.refused.contains(device) || self.again.contains(device) || now.since(*at) >= PATIENCE
        };
        !self.asked.iter().all(silent)
    }

    pub(super) fn may_ask(&self, now: Timestamp, device: &DeviceId) -> bool {
        let lately = self.asked.get(device).is_some_and(|at| now.since(*at) < MAIL_AGAIN);
        (!lately || self.again.contains(device)) && !self.refused.contains(device)
    }

    pub(super) fn asks(&mut self, now: Timestamp, device: &DeviceId) {
        self.asked.insert(*device, now);
        self.again.remove(device);
    }

    /// A host wants more work. Returns whether it is asked once more.
    pub(super) fn wants_more(&mut self, device: &DeviceId) -> bool {
        let wanted = self.wanted.entry(*device).or_default();
        *wanted = wanted.saturating_add(1);
        let once_more = *wanted <= MAX_WANTED;
        if once_more {
            self.again.insert(*device);
        }
        once_more
    }

    pub(super) fn refuses(&mut self, now: Timestamp, device: &DeviceId) {
        self.refused.insert(*device);
        self.refused_at.get_or_insert(now);
    }

    /// Whether nobody is left who might let us in, of `hosts`: all refuse, or all who say anything do.
    pub(super) fn is_over<'a>(&self, now: Timestamp, mut hosts: impl Iterator<Item = &'a DeviceId>) -> bool {
        let Some(since) = self.refused_at else { return false };
        now.since(since) >= SILENT_FOR || hosts.all(|host| self.refused.contains(host))
    }
}

/// The day for which work is done: the own one, unless it is none that the host would take.
pub(super) fn work_day(own: u32, told: u32) -> u32 {
    if (told.saturating_sub(joining::WORK_DAYS)..=told.saturating_add(1)).contains(&own) { own } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const BOB: DeviceId = DeviceId([2; 32]);

    #[test]
    fn who_is_silent_is_no_reason_to_wait_and_is_asked_again_in_an_hour() {
        let mut search = Search::default();
        assert!(!search.waits(NOW) && search.may_ask(NOW, &BOB));
        search.asked.insert(BOB, NOW);
        assert!(search.waits(NOW + Span::from_secs(9)) && !search.waits(NOW + PATIENCE));
        assert!(!search.may_ask(NOW + PATIENCE, &BOB) && search.may_ask(NOW + MAIL_AGAIN, &BOB));
        search.refused.insert(BOB);
        assert!(!search.waits(NOW) && !search.may_ask(NOW + MAIL_AGAIN, &BOB));
    }

    #[test]
    fn who_wants_work_is_asked_again_twice_and_not_before_others() {
        let mut search = Search::default();
        search.asks(NOW, &BOB);
        for _ in 0..MAX_WANTED {
            assert!(search.wants_more(&BOB));
            assert!(!search.waits(NOW) && search.may_ask(NOW, &BOB), "at once");
            search.asks(NOW, &BOB);
            assert!(search.waits(NOW) && !search.may_ask(NOW, &BOB));
        }
        assert!(!search.wants_more(&BOB), "they do not let us in");
    }

    #[test]
    fn work_is_for_the_own_day_unless_the_host_does_not_take_that() {
        for (own, told, day) in
            [(100, 100, 100), (100, 99, 100), (100, 98, 98), (86, 100, 86), (85, 100, 100)]
        {
            assert_eq!(work_day(own, told), day, "{own} {told}");
        }
    }

    #[test]
    fn it_is_over_when_all_refuse_or_the_others_stay_silent_for_a_day() {
        let cat = DeviceId([3; 32]);
        let mut search = Search::default();
        assert!(!search.is_over(NOW, [].iter()));
        search.refuses(NOW, &BOB);
        assert!(!search.is_over(NOW, [BOB, cat].iter()) && search.is_over(NOW, [BOB].iter()));
        assert!(search.is_over(NOW + SILENT_FOR, [BOB, cat].iter()));
        search.refuses(NOW, &cat);
        assert!(search.is_over(NOW, [BOB, cat].iter()));
    }

    #[test]
    fn it_is_looked_up_less_and_less() {
        let mut search = Search::default();
        let seconds = 0..24 * 3_600;
        let looks = seconds.filter(|second| search.may_look(NOW + Span::from_secs(*second))).count();
        assert!((24..=40).contains(&looks), "{looks} in a day");
    }
}
