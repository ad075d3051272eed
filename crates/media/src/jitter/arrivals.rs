//! How late packets come: what the buffer has to hold back.
//!
//! A packet's time on the way is known but for a constant, since the two clocks are apart. The least of the last ten seconds stands
//! for that constant; so clocks may drift, and a way that becomes longer for good is no delay after ten seconds.

use std::collections::VecDeque;

/// All in samples.
#[derive(Debug)]
pub(super) struct Arrivals {
    /// When, and the time on the way.
    seen: VecDeque<(i64, i64)>,
    sorted: Vec<i64>,
    least: i64,
    target: i64,
    until_next: u32,
    limits: (i64, i64),
}

impl Arrivals {
    pub(super) fn new(least: i64, most: i64) -> Self {
        Self {
            seen: VecDeque::with_capacity(MOST + 1),
            sorted: Vec::with_capacity(MOST),
            least: 0,
            target: FIRST_TARGET.clamp(least, most),
            until_next: 0,
            limits: (least, most),
        }
    }

    /// A packet of `frame` samples with the stamp `stamp` came at `now`.
    pub(super) fn packet(&mut self, now: i64, stamp: i64, frame: i64) {
        let way = now.saturating_sub(stamp);
        if way.saturating_sub(self.least).saturating_abs() > LONG {
            // One of the clocks was set.
            self.reset();
        }
        self.seen.push_back((now, way));
        while self.seen.len() > MOST || self.seen.front().is_some_and(|(at, _)| now - at > LONG) {
            self.seen.pop_front();
        }
        if self.seen.len() == 1 || way < self.least {
            self.least = way;
        }
        if self.until_next > 0 && way.saturating_sub(self.least) <= self.target {
            self.until_next -= 1;
            return;
        }
        self.until_next = EVERY;
        self.least = self.seen.iter().map(|(_, way)| *way).min().unwrap_or(way);
        if self.seen.len() >= FEWEST {
            // Up by the last two seconds, down only when ten agree.
            let late = self.late(now - SHORT).max(self.late(now - LONG));
            self.target = (late + frame).clamp(self.limits.0, self.limits.1);
        }
    }

    pub(super) fn reset(&mut self) {
        self.seen.clear();
        self.until_next = 0;
    }

    /// How long to hold back, from the fastest packet on.
    pub(super) fn target(&self) -> i64 {
        self.target
    }

    /// How long after its time a sample with this stamp is at `now`.
    pub(super) fn delay(&self, now: i64, stamp: i64) -> i64 {
        now.saturating_sub(stamp).saturating_sub(self.least)
    }

    /// Of the packets since `from`, 95 % were at most so late.
    fn late(&mut self, from: i64) -> i64 {
        self.sorted.clear();
        self.sorted.extend(self.seen.iter().filter(|(at, _)| *at >= from).map(|(_, way)| way - self.least));
        let index = self.sorted.len() * 95 / 100;
        let index = index.min(self.sorted.len().saturating_sub(1));
        if self.sorted.is_empty() {
            return 0;
        }
        *self.sorted.select_nth_unstable(index).1
    }
}

/// Two and ten seconds.
const SHORT: i64 = 96_000;
const LONG: i64 = 480_000;

/// Ten seconds of packets of 20 ms, and some.
const MOST: usize = 600;

/// The target is calculated anew after so many packets, or when one is later than it.
const EVERY: u32 = 10;

/// Before so many have come nothing is known.
const FEWEST: usize = 10;

/// 60 ms.
const FIRST_TARGET: i64 = 2_880;
