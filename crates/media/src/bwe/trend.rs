//! Whether the queue on the way grows: a line through the smoothed delays of the last groups, and a threshold that adapts
//! (draft-ietf-rmcat-gcc-02 sections 5.3 to 5.5; libwebrtc fits a line where the draft has a Kalman filter, and so do we).
//!
//! The threshold follows the slopes that are usual here, so that a line with jitter, or one shared with a flow that fills the queue,
//! does not look congested for ever. It follows up slowly and down quickly, and not at all when a slope is far off.

use std::collections::VecDeque;

use super::groups::Step;
use crate::time::RemoteTime;

/// What the queue does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// It stays as it is.
    #[default]
    Normal,
    /// It grows.
    Over,
    /// It empties.
    Under,
}

#[derive(Debug)]
pub(super) struct Trend {
    /// Arrival and smoothed delay, in milliseconds.
    points: VecDeque<(f64, f64)>,
    zero: Option<RemoteTime>,
    steps: u32,
    delay: f64,
    smoothed: f64,
    threshold: f64,
    adapted: Option<RemoteTime>,
    slope: f64,
    /// For how many milliseconds, and steps, the slope has been too steep.
    steep: Option<(f64, u32)>,
    usage: Usage,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            points: VecDeque::with_capacity(WINDOW + 1),
            zero: None,
            steps: 0,
            delay: 0.0,
            smoothed: 0.0,
            threshold: FIRST_THRESHOLD_MS,
            adapted: None,
            slope: 0.0,
            steep: None,
            usage: Usage::Normal,
        }
    }
}

impl Trend {
    pub(super) fn step(&mut self, step: Step) {
        let zero = *self.zero.get_or_insert(step.at);
        self.steps = self.steps.saturating_add(1);
        self.delay += step.arrived - step.sent;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.delay;
        self.points.push_back((step.at.millis_after(zero), self.smoothed));
        if self.points.len() > WINDOW {
            self.points.pop_front();
        }
        let slope = if self.points.len() == WINDOW { self.fit().unwrap_or(self.slope) } else { self.slope };
        self.judge(slope, step);
        self.slope = slope;
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// The slope of the line, by least squares.
    fn fit(&self) -> Option<f64> {
        let count = self.points.len() as f64;
        let sums = self.points.iter().fold((0.0, 0.0), |sums, point| (sums.0 + point.0, sums.1 + point.1));
        let (mean_x, mean_y) = (sums.0 / count, sums.1 / count);
        let (up, along) = self.points.iter().fold((0.0, 0.0), |(up, along), (x, y)| {
            (up + (x - mean_x) * (y - mean_y), along + (x - mean_x) * (x - mean_x))
        });
        (along > 0.0).then_some(up / along)
    }

    fn judge(&mut self, slope: f64, step: Step) {
        if self.steps < 2 {
            return;
        }
        let scaled = f64::from(self.steps.min(MOST_STEPS)) * slope * GAIN;
        if scaled > self.threshold {
            // A first steep step began, on average, in the middle between two.
            let (span, count) =
                self.steep.map_or((step.sent / 2.0, 1), |(span, count)| (span + step.sent, count + 1));
            self.steep = Some((span, count));
            if span > STEEP_MS && count > 1 && slope >= self.slope {
                self.steep = None;
                self.usage = Usage::Over;
            }
        } else {
            self.steep = None;
            self.usage = if scaled < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.adapt(scaled.abs(), step.at);
    }

    fn adapt(&mut self, slope: f64, now: RemoteTime) {
        let last = self.adapted.replace(now).unwrap_or(now);
        if slope > self.threshold + TOO_FAR_MS {
            return;
        }
        let gain = if slope < self.threshold { GAIN_DOWN } else { GAIN_UP };
        let span = now.millis_after(last).clamp(0.0, 100.0);
        self.threshold = (self.threshold + gain * (slope - self.threshold) * span).clamp(6.0, 600.0);
    }
}

/// Groups in the line; libwebrtc's default.
const WINDOW: usize = 20;

/// The slope counts for more as more steps support it, to here. libwebrtc's values, with which its thresholds were tuned.
const MOST_STEPS: u32 = 60;
const GAIN: f64 = 4.0;
const SMOOTHING: f64 = 0.9;

/// Draft section 5.4: `del_var_th(0)`, `K_u`, `K_d`, and the bounds of the threshold.
const FIRST_THRESHOLD_MS: f64 = 12.5;
const GAIN_UP: f64 = 0.0087;
const GAIN_DOWN: f64 = 0.039;

/// Draft section 5.4: a slope that is this far off is congestion, and no reason to expect more of the kind.
const TOO_FAR_MS: f64 = 15.0;

/// Draft section 5.5: `overuse_time_th`.
const STEEP_MS: f64 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups every 20 ms, each `more(n)` milliseconds longer on the way than the one before.
    fn run(trend: &mut Trend, from: u64, count: u64, more: impl Fn(u64) -> f64) -> bool {
        (from..from + count).fold(false, |over, number| {
            let step = Step { sent: 20.0, arrived: 20.0 + more(number), at: RemoteTime(number * 20_000) };
            trend.step(step);
            over | (trend.usage() == Usage::Over)
        })
    }

    #[test]
    fn a_queue_that_grows_is_seen_soon_and_one_that_empties_too() {
        let mut trend = Trend::default();
        assert!(!run(&mut trend, 0, 100, |_| 0.0), "an even line is no congestion");
        assert!(run(&mut trend, 100, 10, |_| 5.0), "5 ms more with every 20 ms is seen within 200 ms");
        run(&mut trend, 110, 40, |_| -3.0);
        assert_eq!(trend.usage(), Usage::Under);
    }

    #[test]
    fn jitter_is_not_congestion() {
        let mut trend = Trend::default();
        let jitter = |number: u64| (number * 7_919 % 21) as f64 - 10.0;
        assert!(!run(&mut trend, 0, 3_000, |number| jitter(number) - jitter(number.max(1) - 1)));
    }
}
