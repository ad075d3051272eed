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
    /// Of each of the last ten seconds, the time on the way that 95 % of packets did not exceed.
    seconds: VecDeque<i64>,
    second_began: i64,
    /// Until when more is held back, as something was lost.
    lossy_until: i64,
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
            seconds: VecDeque::with_capacity(SECONDS + 1),
            second_began: i64::MIN,
            lossy_until: i64::MIN,
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
        self.second(now);
        if self.until_next > 0 && way.saturating_sub(self.least) <= self.target {
            self.until_next -= 1;
            return;
        }
        self.until_next = EVERY;
        self.least = self.seen.iter().map(|(_, way)| *way).min().unwrap_or(way);
        if self.seen.len() >= FEWEST {
            let late = self.late(now - SHORT).max(self.usual()) - self.least;
            let margin = if now < self.lossy_until { MARGIN } else { 0 };
            self.target = (late + frame + margin).clamp(self.limits.0, self.limits.1);
        }
    }

    /// A packet was not there when it was due. The next one, which may repair it, should be.
    pub(super) fn lost(&mut self, now: i64) {
        self.lossy_until = now + LONG;
    }

    pub(super) fn reset(&mut self) {
        self.seen.clear();
        self.seconds.clear();
        self.second_began = i64::MIN;
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

    fn second(&mut self, now: i64) {
        if self.second_began == i64::MIN {
            self.second_began = now;
        }
        if now - self.second_began >= SHORT {
            self.second_began = now;
            let late = self.late(now - SHORT);
            self.seconds.push_back(late);
            if self.seconds.len() > SECONDS {
                self.seconds.pop_front();
            }
        }
    }

    /// What is exceeded in at most two seconds of ten: a spike is an accident and soon forgotten, several are a habit of the line.
    fn usual(&mut self) -> i64 {
        self.sorted.clear();
        self.sorted.extend(&self.seconds);
        self.sorted.sort_unstable_by(|one, two| two.cmp(one));
        self.sorted.get(ACCIDENTS).copied().unwrap_or(i64::MIN)
    }

    /// Of the packets since `from`, 95 % were at most so long on the way.
    fn late(&mut self, from: i64) -> i64 {
        self.sorted.clear();
        self.sorted.extend(self.seen.iter().filter(|(at, _)| *at >= from).map(|(_, way)| *way));
        if self.sorted.is_empty() {
            return self.least;
        }
        let index = (self.sorted.len() * 95 / 100).min(self.sorted.len() - 1);
        *self.sorted.select_nth_unstable(index).1
    }
}

/// One and ten seconds.
const SHORT: i64 = 48_000;
const LONG: i64 = 480_000;

const SECONDS: usize = 10;

/// A queue that grew because the line became slow is gone within two seconds.
const ACCIDENTS: usize = 2;

/// 20 ms: as much as the delay may be under its target, and a block.
const MARGIN: i64 = 960;

/// Ten seconds of packets of 20 ms, and some.
const MOST: usize = 600;

/// The target is calculated anew after so many packets, or when one is later than it.
const EVERY: u32 = 10;

/// Before so many have come nothing is known.
const FEWEST: usize = 10;

/// 60 ms.
const FIRST_TARGET: i64 = 2_880;
