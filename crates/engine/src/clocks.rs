//! How far the clock of this device is from those of others, from times that are told anyway.
//!
//! | who tells | what | their clock is then |
//! |---|---|---|
//! | a device of a contact | the time in what it says on a live stream | that time, and a moment |
//! | a mailbox | the place of an envelope that just came, which is a time | that time, and up to a minute |
//! | a mailbox | until when it holds an inbox: a full hour | within one hour |
//! | a mailbox | until when it keeps an envelope, perhaps said before | not earlier |
//!
//! Anybody may lie, so the middle of at least two counts; where two are in the middle, both bound it. Nothing is ever set by it. Not here: what to do about it
//! (the node's doctor).

use std::collections::BTreeMap;

use kith_proto::id::DeviceId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Sequence;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::askers::Asked;
use crate::view::ClockView;

/// Sources that are remembered: more do not make the middle any better.
const MAX_SOURCES: usize = 64;

/// A source with both bounds, the upper by itself, says so much or less apart: it counts as exact.
const EXACT: Span = Span::from_minutes(1);

/// What was told longer ago is not mixed with what is told now: clocks drift, and are set.
const GOOD_FOR: Span = Span::from_days(1);

/// How long a mailbox holds an inbox, and keeps an envelope (`crates/mailbox/SPEC.md`, section 3).
const LEASE: Span = Span::from_days(30);
const KEPT: Span = Span::from_days(14);

/// Mailboxes round times up to this.
const ROUNDED: Span = Span::from_hours(1);

/// Clocks of others, each as what it is at least and at most ahead of ours, in milliseconds.
#[derive(Default)]
pub(crate) struct Clocks {
    by_source: BTreeMap<DeviceId, Told>,
}

#[derive(Clone, Copy)]
struct Told {
    at_least: i64,
    at_most: i64,
    at: Timestamp,
}

impl Clocks {
    /// A device said on a live stream what time it is there.
    pub(crate) fn said(&mut self, now: Timestamp, device: &DeviceId, time: Timestamp) {
        self.note(now, device, time, Some(time + EXACT));
    }

    /// A mailbox answered something that tells the time there. `live`: what it lists came just now.
    pub(crate) fn answered(
        &mut self,
        now: Timestamp,
        mailbox: &DeviceId,
        asked: &Asked,
        word: &Answer,
        live: bool,
    ) {
        match (asked, word) {
            (Asked::Register(_), Answer::Registered { until, last, .. }) => {
                let latest = before(*until, LEASE);
                self.note(now, mailbox, before(latest, ROUNDED).max(time_of(*last)), Some(latest));
            }
            (Asked::Deposit { .. }, Answer::Stored { expires, .. }) => {
                self.note(now, mailbox, before(before(*expires, KEPT), ROUNDED), None);
            }
            (Asked::Subscribe, Answer::Index { entries }) => {
                let Some(newest) = entries.iter().map(|entry| entry.sequence).max() else { return };
                let time = time_of(newest);
                self.note(now, mailbox, time, live.then(|| time + EXACT));
            }
            _ => {}
        }
    }

    /// For how long something was under way that a device said on a live stream, at that time by its clock. Zero when too
    /// little is known of that clock.
    pub(crate) fn under_way(&self, now: Timestamp, device: &DeviceId, said: Timestamp) -> Span {
        let told = self.by_source.get(device).filter(|told| now.since(told.at) < GOOD_FOR);
        // What came fastest says how late it is there, but for the shortest way.
        told.map_or(Span(0), |told| {
            let late = -ahead(said, now).saturating_sub(told.at_least);
            Span(u64::try_from(late).unwrap_or(0))
        })
    }

    /// How far the others are ahead of us; `None` while fewer than two tell.
    pub(crate) fn view(&self, now: Timestamp) -> Option<ClockView> {
        let fresh = self.by_source.values().filter(|told| now.since(told.at) < GOOD_FOR);
        let bounded: Vec<Told> = fresh.filter(|told| told.at_most < i64::MAX).copied().collect();
        let width = i64::try_from(EXACT.0).unwrap_or(i64::MAX);
        let exact: Vec<Told> = bounded
            .iter()
            .filter(|told| told.at_most.saturating_sub(told.at_least) <= width)
            .copied()
            .collect();
        let counted = if exact.len() >= 2 { exact } else { bounded };
        if counted.len() < 2 {
            return None;
        }
        let (at_least, _) = middle(counted.iter().map(|told| told.at_least).collect());
        let (_, at_most) = middle(counted.iter().map(|told| told.at_most).collect());
        Some(ClockView {
            sources: u32::try_from(counted.len()).unwrap_or(u32::MAX),
            ahead_at_least_secs: at_least.div_euclid(1_000),
            ahead_at_most_secs: -(-at_most).div_euclid(1_000),
        })
    }

    /// The time that others have: ours, moved no further than they surely differ from it. For what others judge by their clocks.
    pub(crate) fn by_others(&self, now: Timestamp) -> Timestamp {
        let Some(view) = self.view(now) else { return now };
        let ahead_secs = view.ahead_at_least_secs.max(0) + view.ahead_at_most_secs.min(0);
        let by = Span::from_secs(ahead_secs.unsigned_abs());
        if ahead_secs < 0 { before(now, by) } else { now + by }
    }

    fn note(&mut self, now: Timestamp, source: &DeviceId, earliest: Timestamp, latest: Option<Timestamp>) {
        let at_least = ahead(earliest, now);
        let at_most = latest.map_or(i64::MAX, |latest| ahead(latest, now));
        let new = Told { at_least, at_most, at: now };
        if !self.by_source.contains_key(source) && self.by_source.len() >= MAX_SOURCES {
            let oldest = self.by_source.iter().min_by_key(|(_, told)| told.at).map(|(source, _)| *source);
            if let Some(oldest) = oldest {
                self.by_source.remove(&oldest);
            }
        }
        let told = self.by_source.entry(*source).or_insert(new);
        let both =
            Told { at_least: told.at_least.max(at_least), at_most: told.at_most.min(at_most), at: now };
        // What cannot both be true: one of the clocks was set.
        let holds = now.since(told.at) < GOOD_FOR && both.at_least <= both.at_most;
        *told = if holds { both } else { new };
    }
}

/// How far a time of theirs is ahead of ours.
fn ahead(theirs: Timestamp, ours: Timestamp) -> i64 {
    let signed = |time: Timestamp| i64::try_from(time.0).unwrap_or(i64::MAX);
    signed(theirs).saturating_sub(signed(ours))
}

fn before(time: Timestamp, by: Span) -> Timestamp {
    Timestamp(time.0.saturating_sub(by.0))
}

/// A mailbox's place in its order is a time (`kith-mailbox`).
fn time_of(sequence: Sequence) -> Timestamp {
    Timestamp(sequence >> 16)
}

/// The two in the middle of some numbers, or twice the one: nobody is blamed by a single voice.
fn middle(mut numbers: Vec<i64>) -> (i64, i64) {
    numbers.sort_unstable();
    let upper = numbers.get(numbers.len() / 2).copied().unwrap_or(0);
    let lower = numbers.get(numbers.len().saturating_sub(1) / 2).copied().unwrap_or(0);
    (lower, upper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registering::Registration;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn source(number: u8) -> DeviceId {
        DeviceId([number; 32])
    }

    fn registered(clocks: &mut Clocks, now: Timestamp, number: u8, ahead: i64) {
        let theirs = Timestamp(now.0.checked_add_signed(ahead).unwrap()) + LEASE;
        let until = Timestamp((theirs.0 / ROUNDED.0 + 1) * ROUNDED.0);
        let word =
            Answer::Registered { quota_left: 1, last: 0, queues: 0, until, left_out: Default::default() };
        let asked = Asked::Register(Registration { of: 1, expected: 0, last: true });
        clocks.answered(now, &source(number), &asked, &word, false);
    }

    #[test]
    fn one_voice_is_not_enough_and_one_liar_among_three_changes_nothing() {
        let mut clocks = Clocks::default();
        clocks.said(NOW, &source(1), NOW + Span::from_secs(2));
        assert_eq!(clocks.view(NOW), None);
        clocks.said(NOW, &source(2), NOW + Span::from_secs(3));
        clocks.said(NOW, &source(3), NOW + Span::from_days(300));
        let view = clocks.view(NOW).unwrap();
        assert_eq!((view.sources, view.ahead_at_least_secs, view.ahead_at_most_secs), (3, 3, 63));
    }

    #[test]
    fn what_others_judge_by_their_clocks_is_moved_no_further_than_is_sure() {
        let mut clocks = Clocks::default();
        assert_eq!(clocks.by_others(NOW), NOW, "nobody has told");
        let three_hours = 3 * 3_600 * 1_000;
        registered(&mut clocks, NOW, 1, -three_hours);
        registered(&mut clocks, NOW, 2, -three_hours);
        let ahead = NOW.since(clocks.by_others(NOW));
        assert!(ahead >= Span::from_hours(2) && ahead <= Span::from_hours(3), "{ahead:?}");
        let mut clocks = Clocks::default();
        clocks.said(NOW, &source(1), NOW + Span::from_hours(5));
        clocks.said(NOW, &source(2), NOW + Span::from_hours(6));
        assert_eq!(clocks.by_others(NOW), NOW + Span::from_hours(5));
        let mut clocks = Clocks::default();
        clocks.said(NOW, &source(1), Timestamp(NOW.0 - Span::from_minutes(20).0));
        clocks.said(NOW, &source(2), NOW + Span::from_minutes(10));
        assert_eq!(clocks.by_others(NOW), NOW, "ours may be right");
    }

    #[test]
    fn two_that_differ_do_not_blame_this_clock() {
        let mut clocks = Clocks::default();
        clocks.said(NOW, &source(1), NOW);
        clocks.said(NOW, &source(2), NOW + Span::from_days(3));
        let view = clocks.view(NOW).unwrap();
        assert_eq!((view.ahead_at_least_secs, view.ahead_at_most_secs), (0, 3 * 86_400 + 60));
        let mut clocks = Clocks::default();
        clocks.said(NOW, &source(1), Timestamp(NOW.0 - Span::from_minutes(20).0));
        clocks.said(NOW, &source(2), NOW + Span::from_minutes(10));
        let view = clocks.view(NOW).unwrap();
        assert_eq!((view.ahead_at_least_secs, view.ahead_at_most_secs), (-1_200, 660), "either may be right");
    }

    #[test]
    fn full_hours_of_mailboxes_bound_the_difference_more_and_more() {
        let mut clocks = Clocks::default();
        let two_hours = 2 * 3_600 * 1_000;
        for step in 0..6 {
            let now = NOW + Span::from_minutes(11 * step);
            registered(&mut clocks, now, 1, two_hours);
            registered(&mut clocks, now, 2, two_hours);
        }
        let view = clocks.view(NOW + Span::from_hours(1)).unwrap();
        assert!(view.ahead_at_least_secs <= 7_200 && view.ahead_at_most_secs >= 7_200, "{view:?}");
        assert!(view.ahead_at_most_secs - view.ahead_at_least_secs <= 1_000, "{view:?}");
    }

    #[test]
    fn a_clock_that_was_set_begins_anew_and_old_words_do_not_count() {
        let mut clocks = Clocks::default();
        for number in [1, 2] {
            clocks.said(NOW, &source(number), NOW + Span::from_hours(5));
            clocks.said(NOW + Span(1), &source(number), NOW);
        }
        let view = clocks.view(NOW + Span(1)).unwrap();
        assert!(view.ahead_at_least_secs.abs() <= 1 && view.ahead_at_most_secs <= 61, "{view:?}");
        assert_eq!(clocks.view(NOW + Span::from_days(2)), None);
    }

    #[test]
    fn sources_are_bounded() {
        let mut clocks = Clocks::default();
        for number in 0..200 {
            clocks.said(NOW, &source(number), NOW);
        }
        assert_eq!(clocks.by_source.len(), MAX_SOURCES);
    }
}
