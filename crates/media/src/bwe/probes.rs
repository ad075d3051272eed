//! When to probe: send a few packets faster than the rest and see how fast they arrive. Growing by 8 % a second takes twenty
//! seconds from 0.5 to 2.5 Mbit/s; a probe takes a quarter of one.
//!
//! ```text
//!   first packet ─▶ 2x and 4x of the start ─▶ all of it arrived? twice that, at once, until it does not
//!   wanted is more than known ─▶ 2x, after 2, 4, 8, 16 quiet seconds; after a drop never more than 8
//! ```
//!
//! libwebrtc probes when the application sends little, and after a drop only then; whoever sends all that is allowed waits for the
//! slow growth. Here a want that is not met is reason enough: a probe costs some 20 ms of queue, for a moment.

use std::collections::VecDeque;
use std::time::Duration;

use super::Probe;
use super::cluster::Cluster;
use super::cluster::Outcome;
use crate::feedback::ProbeId;
use crate::feedback::Report;
use crate::time::Time;

#[derive(Debug)]
pub(super) struct Probes {
    next: u32,
    planned: VecDeque<f64>,
    running: VecDeque<Cluster>,
    began: bool,
    wait: Duration,
    last: Time,
    /// When the target fell much.
    dropped: Option<Time>,
}

/// What is known when a probe is considered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) target: f64,
    pub(super) wanted: f64,
    /// Nothing speaks against more: no queue, no unusual loss.
    pub(super) calm: bool,
}

impl Default for Probes {
    fn default() -> Self {
        Self {
            next: 0,
            planned: VecDeque::new(),
            running: VecDeque::new(),
            began: false,
            wait: SHORTEST_WAIT,
            last: Time::default(),
            dropped: None,
        }
    }
}

impl Probes {
    /// A probe to send now. Two are never under way at once, but for those of the start.
    pub(super) fn next(&mut self, now: Time, need: Need) -> Option<Probe> {
        if !self.began {
            self.began = true;
            self.planned.extend([2.0, 4.0].map(|times| times * need.target));
        }
        let due = self.running.is_empty() && now.since(self.last) >= self.wait;
        if self.planned.is_empty() && due && need.calm && need.target < MET * need.wanted {
            self.planned.push_back(2.0 * need.target);
        }
        if self.running.len() >= MOST_RUNNING || !need.calm {
            return None;
        }
        let rate = self.planned.pop_front()?.min(HEADROOM * need.wanted);
        if rate < need.target * WORTH {
            return None;
        }
        self.last = now;
        let probe = Probe::of(ProbeId(self.next), rate);
        self.next = self.next.wrapping_add(1);
        self.running.push_back(Cluster::new(now, probe));
        Some(probe)
    }

    pub(super) fn report(&mut self, report: &Report) {
        self.running.iter_mut().for_each(|cluster| cluster.report(report));
    }

    /// What the line carries, by the best of the probes that ended.
    pub(super) fn ended(&mut self, now: Time, need: Need) -> Option<f64> {
        let mut best = None;
        self.running.retain(|cluster| {
            let rate = match cluster.outcome(now) {
                Outcome::Waiting => return true,
                Outcome::Carried(rate) => rate,
                Outcome::Nothing => 0.0,
            };
            let probed = cluster.probe().rate.as_f64();
            if best.is_none_or(|(known, _)| rate > known) {
                best = Some((rate, probed));
            }
            false
        });
        let (rate, probed) = best?;
        if rate >= FULFILLED * probed {
            self.wait = SHORTEST_WAIT;
            // The end of the line was not found.
            if self.running.is_empty() && self.planned.is_empty() && rate < MET * need.wanted {
                self.planned.push_back(2.0 * rate);
            }
        } else if rate < WORTH * need.target {
            let recent = self.dropped.is_some_and(|at| now.since(at) < REMEMBERED);
            let longest = if recent { LONGEST_WAIT_AFTER_DROP } else { LONGEST_WAIT };
            self.wait = (self.wait * 2).min(longest);
        }
        (rate > 0.0).then_some(rate)
    }

    /// The target fell: whatever was planned is out of date, and what was lost may come back.
    pub(super) fn target_fell(&mut self, now: Time, much: bool) {
        self.planned.clear();
        self.last = now;
        if much {
            self.dropped = Some(now);
            self.wait = SHORTEST_WAIT;
        }
    }

    /// When a probe may be due.
    pub(super) fn wake(&self) -> Time {
        self.last + self.wait
    }
}

impl Probe {
    /// A probe long enough to tell a rate from jitter, and short enough not to be felt.
    fn of(id: ProbeId, rate: f64) -> Self {
        let bytes = (rate * SPAN_SECS / 8.0).max(FEWEST_BYTES);
        let packets = (bytes / 1_200.0).ceil().max(FEWEST_PACKETS);
        let packet_bytes = (bytes / packets).ceil();
        Self {
            id,
            rate: crate::Bitrate::from_f64(rate),
            packets: packets as u32,
            packet_bytes: packet_bytes as usize,
        }
    }
}

/// libwebrtc probes for 15 ms, and 5 packets at least; radio holds packets for longer than that.
const SPAN_SECS: f64 = 0.025;
const FEWEST_PACKETS: f64 = 6.0;
const FEWEST_BYTES: f64 = 1_500.0;

/// A probe that found this part of its rate has not found the end of the line.
const FULFILLED: f64 = 0.88;

/// A want that is met so far is met.
const MET: f64 = 0.97;

/// Not more is probed than this over what is wanted.
const HEADROOM: f64 = 1.2;

/// Less than this over the target says nothing that growth would not find as soon.
const WORTH: f64 = 1.1;

/// The two of the start.
const MOST_RUNNING: usize = 2;

const SHORTEST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(16);

/// Whoever lost much wants to know soon when it is back.
const LONGEST_WAIT_AFTER_DROP: Duration = Duration::from_secs(6);
const REMEMBERED: Duration = Duration::from_secs(90);
