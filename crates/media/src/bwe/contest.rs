//! Whether somebody else fills the queue. A flow that yields to loss alone keeps any queue full; whoever yields to delay beside
//! it ends with nothing. So when a queue stays that should be empty by now, delay is no longer a reason to yield.
//!
//! ```text
//!          a cut, and the queue stays where ours would be gone
//!   Alone ────────────────────────────────────────────────────▶ Contested: at most what TCP would get
//!     ▲                                                             │
//!     └─────────────────────────────────────────────────────────────┘
//!          the queue is mostly empty, or goes away when less is sent for a moment: tried every six seconds
//! ```
//!
//! A queue of our own shrinks as much as less is sent than the line carries. That is calculated, packet by packet, from a cut on, and
//! compared with what is seen.

use std::time::Duration;

use crate::time::Time;

#[derive(Debug, Default)]
pub(super) struct Contest {
    test: Option<Test>,
    /// Milliseconds for which a queue stood that could not be ours.
    foreign: f64,
    contested: Option<Contested>,
}

/// A queue of our own, as it would be.
#[derive(Debug)]
struct Test {
    began: Time,
    /// What arrived of the packets that left just before it began.
    carried: f64,
    /// The rate before.
    before: f64,
    /// Milliseconds of queue when it began, and by calculation now.
    first: f64,
    own: f64,
    last_sent: Time,
}

#[derive(Debug)]
struct Contested {
    /// Part of packets lost, smoothed over some seconds.
    lost: f64,
    next_trial: Time,
    trial_ends: Option<Time>,
    /// Milliseconds for which there was a queue, less those without one.
    queued: f64,
    last: Time,
}

impl Contest {
    /// The rate was cut from `before` because a queue of `queue` milliseconds grew, while `carried` arrived.
    pub(super) fn cut(&mut self, now: Time, before: f64, carried: f64, queue: f64) {
        // A series of cuts is one test.
        let test = self.test.take().filter(|test| now.since(test.began) < LONGEST_TEST);
        if test.is_none() {
            self.foreign = 0.0;
        }
        self.test = Some(test.unwrap_or_else(|| Test::new(now, before, carried, queue)));
    }

    /// A packet that left at `sent` arrived; packets stand `queue` milliseconds, and `carried` arrives just now.
    pub(super) fn packet(&mut self, sent: Time, bytes: usize, queue: f64, carried: Option<f64>) {
        let Some(test) = self.test.as_mut() else { return };
        if sent <= test.began {
            // Still those from before the cut: what arrives now is what the line carries while it is full.
            test.carried = carried.unwrap_or(test.carried);
            (test.first, test.own) = (queue, queue);
            return;
        }
        if queue > 1.3 * test.first + GREW_MS {
            // What was calculated with is no longer so: the next cut begins anew.
            self.test = None;
            self.foreign = 0.0;
            return;
        }
        let span = sent.seconds_since(test.last_sent) * 1_000.0;
        test.last_sent = test.last_sent.max(sent);
        test.own = (test.own + bytes as f64 * 8_000.0 / test.carried.max(1.0) - span).max(0.0);
        if test.own > GONE * test.first {
            return;
        }
        if queue > (STAYS * test.first).max(STAYS_MS) {
            self.foreign += span.min(100.0);
        } else if queue < EMPTY_MS.max(0.3 * test.first) {
            self.foreign = 0.0;
            self.test = None;
        }
    }

    /// Every feedback: what was lost of how many. Returns a rate to go to when a contest begins.
    pub(super) fn update(
        &mut self,
        now: Time,
        queue: f64,
        lost: f64,
        target: f64,
        carried: f64,
    ) -> Option<f64> {
        if let Some(contested) = &mut self.contested {
            contested.feedback(now, queue, lost);
            if contested.trial_ends.is_some_and(|at| now >= at) {
                contested.trial_ends = None;
                // Halved for most of a second, a queue of ours would be gone or much shorter.
                if self.test.take().is_none_or(|test| queue < 0.4 * test.first) {
                    contested.queued = 0.0;
                }
            } else if now >= contested.next_trial {
                contested.next_trial = now + BETWEEN_TRIALS;
                contested.trial_ends = Some(now + TRIAL);
                self.test = Some(Test::new(now, target, carried, queue));
            }
            if contested.queued <= 0.0 {
                *self = Self::default();
            }
            return None;
        }
        if self.test.as_ref().is_some_and(|test| now.since(test.began) > LONGEST_TEST) {
            self.test = None;
            self.foreign = 0.0;
        }
        if self.foreign < ENOUGH_MS {
            return None;
        }
        let before = self.test.take().map_or(target, |test| test.before);
        self.foreign = 0.0;
        self.contested = Some(Contested {
            lost: FIRST_LOSS,
            next_trial: now + BETWEEN_TRIALS,
            trial_ends: None,
            queued: MOSTLY_MS,
            last: now,
        });
        Some(target.max(0.5 * before))
    }

    pub(super) fn contested(&self) -> bool {
        self.contested.is_some()
    }

    /// Whether less is sent for a moment, to see whose queue it is.
    pub(super) fn tries(&self) -> bool {
        self.contested.as_ref().is_some_and(|contested| contested.trial_ends.is_some())
    }

    /// What TCP would get here: RFC 5348 section 3.1, without its term for timeouts.
    pub(super) fn friendly(&self, round_trip: Duration, usual_loss: f64) -> Option<f64> {
        let lost = (self.contested.as_ref()?.lost - usual_loss).max(LEAST_LOSS);
        Some(PACKET_BITS / (round_trip.as_secs_f64().max(0.02) * (2.0 * lost / 3.0).sqrt()))
    }
}

impl Test {
    fn new(now: Time, before: f64, carried: f64, queue: f64) -> Self {
        Self { began: now, carried, before, first: queue, own: queue, last_sent: now }
    }
}

impl Contested {
    fn feedback(&mut self, now: Time, queue: f64, lost: f64) {
        let span = now.seconds_since(self.last).min(0.5);
        self.last = now;
        self.lost += (span / LOSS_SECS).min(1.0) * (lost - self.lost);
        let queued = if queue < EMPTY_MS { -1_500.0 * span } else { 1_000.0 * span };
        self.queued = (self.queued + queued).min(MOSTLY_MS);
    }
}

/// By calculation, a queue of ours has all but gone ...
const GONE: f64 = 0.25;
/// ... and this much of it is still there. A frame alone makes a queue of 20 ms, on a line that it fills.
const STAYS: f64 = 0.6;
const STAYS_MS: f64 = 40.0;

/// The line became slower, or somebody came.
const GREW_MS: f64 = 20.0;

/// So long must it be there.
const ENOUGH_MS: f64 = 600.0;

/// Below this there is no queue but that within our own frames.
const EMPTY_MS: f64 = 20.0;

/// After so long the line may be another one.
const LONGEST_TEST: Duration = Duration::from_secs(6);

const BETWEEN_TRIALS: Duration = Duration::from_secs(6);
const TRIAL: Duration = Duration::from_millis(800);

/// A flow that halves may empty a short queue for a moment.
const MOSTLY_MS: f64 = 3_000.0;

/// Losses of a full queue come in bunches, some seconds apart.
const LOSS_SECS: f64 = 6.0;
const FIRST_LOSS: f64 = 0.005;
const LEAST_LOSS: f64 = 0.000_5;

/// As large as TCP's.
const PACKET_BITS: f64 = 1_460.0 * 8.0;
