//! What losses mean: nothing, when the line just loses; that less should be sent, when they go away with less.
//!
//! Radio loses packets at any rate; a router with a short queue loses those that are too many. In one second both look the
//! same. So an unusual loss is tried: for a second or two, only as much is sent as arrived. If losses fall, the line was full and the
//! rate stays; if they do not, they belong to the line, and the rate comes back.
//!
//! ```text
//!             more than usual             less than before
//!   Usual ────────────────────▶ Trying ──────────────────────▶ Usual, at the lower rate, a ceiling above it for a while
//!     ▲                           │  as before
//!     └───────────────────────────┘  this much is usual here; the rate of before
//! ```
//!
//! The draft's own rule (section 6: above 10 % down, below 2 % up) collapses on a line that always loses 10 %.

use std::time::Duration;

use crate::time::Time;

#[derive(Debug, Default)]
pub(super) struct Loss {
    began: Option<Time>,
    packets: u32,
    lost: u32,
    /// The part of packets that is lost here at any rate.
    usual: f64,
    trial: Option<Trial>,
    /// The rate at which the line was full, and when.
    full: Option<(f64, Time)>,
    last: f64,
    deaf_until: Time,
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    lost: f64,
    rate: f64,
    /// What arrived while so much was lost.
    carried: f64,
    windows: u32,
}

/// What to do about the rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Go on.
    Fine,
    /// Do not go up.
    Hold,
    /// Send at most so much.
    Cut(f64),
    /// It was not us: go back to this.
    Restore(f64),
}

impl Loss {
    /// Notes what became of packets; at the end of a window says what to do. `rate` is the target, `acked` what arrives.
    pub(super) fn packets(
        &mut self,
        now: Time,
        arrived: u32,
        lost: u32,
        rate: f64,
        acked: Option<f64>,
    ) -> Verdict {
        if now < self.deaf_until {
            return Verdict::Fine;
        }
        self.packets = self.packets.saturating_add(arrived + lost);
        self.lost = self.lost.saturating_add(lost);
        let began = *self.began.get_or_insert(now);
        let span = now.seconds_since(began);
        let enough = self.packets >= FEWEST || (span >= LONGEST_SECS && self.packets >= FEWEST / 4);
        if span < WINDOW_SECS || !enough {
            return if self.trial.is_some() { Verdict::Hold } else { Verdict::Fine };
        }
        let part = f64::from(self.lost) / f64::from(self.packets);
        let verdict = self.window(now, part, rate, acked);
        (self.began, self.packets, self.lost) = (Some(now), 0, 0);
        self.last = part;
        verdict
    }

    /// The line was dead: what was lost with it says nothing about how full it was.
    pub(super) fn interrupted(&mut self, now: Time) {
        (self.began, self.packets, self.lost, self.trial) = (None, 0, 0, None);
        self.deaf_until = now + DEAF;
    }

    /// The most that is worth trying, while it is remembered where the line was full.
    pub(super) fn ceiling(&self, now: Time) -> Option<f64> {
        let (rate, at) = self.full?;
        let age = now.seconds_since(at);
        // It opens slowly, and is forgotten.
        (age < CEILING_SECS).then_some(rate * (1.0 + 0.02 * age))
    }

    /// The part of packets that was lost in the last window.
    pub(super) fn last(&self) -> f64 {
        self.last
    }

    /// The part of packets that is lost here at any rate.
    pub(super) fn usual(&self) -> f64 {
        self.usual
    }

    fn window(&mut self, now: Time, part: f64, rate: f64, acked: Option<f64>) -> Verdict {
        let unusual = part > self.usual + self.tolerance();
        match self.trial.take() {
            Some(trial) if unusual && part > STILL * trial.lost => {
                if trial.windows + 1 < TRIAL_WINDOWS {
                    self.trial = Some(Trial { windows: trial.windows + 1, ..trial });
                    return Verdict::Hold;
                }
                self.usual = ((part + trial.lost) / 2.0).min(MOST_USUAL);
                Verdict::Restore(trial.rate)
            }
            Some(trial) => {
                self.full = Some((rate.min(trial.rate).max(trial.carried), now));
                Verdict::Fine
            }
            None if unusual => {
                let carried = acked.unwrap_or(rate * (1.0 - part));
                self.trial = Some(Trial { lost: part, rate, carried, windows: 0 });
                Verdict::Cut((carried * KEEP).clamp(rate * 0.5, rate * 0.9))
            }
            None => {
                // Down quickly, as one quiet window is proof enough; up slowly, as luck is not.
                let gain = if part < self.usual { 0.3 } else { 0.1 };
                self.usual = (self.usual + gain * (part - self.usual)).min(MOST_USUAL);
                Verdict::Fine
            }
        }
    }

    /// How much more than usual may be luck: two deviations, and a little that nobody minds.
    fn tolerance(&self) -> f64 {
        let part = self.usual.max(0.01);
        NOBODY_MINDS + 2.0 * (part * (1.0 - part) / f64::from(self.packets.max(1))).sqrt()
    }
}

/// A window has at least this many packets, so that one lost packet is not 10 %.
const FEWEST: u32 = 40;

/// A rule on less than a second reacts to single bursts.
const WINDOW_SECS: f64 = 1.0;

/// When little is sent, a window waits so long for packets.
const LONGEST_SECS: f64 = 4.0;

/// Until what was on the way in a dead line is told.
const DEAF: Duration = Duration::from_millis(1_500);

/// The draft's lower mark (section 6).
const NOBODY_MINDS: f64 = 0.02;

/// In a trial, losses that are still this part of those before were not ours.
const STILL: f64 = 0.6;

/// A queue that is full needs a window to empty before losses can fall.
const TRIAL_WINDOWS: u32 = 2;

/// Of what arrived, so much is sent in a trial.
const KEEP: f64 = 0.95;

/// A line that loses more than this is not usable at any rate; then every loss counts.
const MOST_USUAL: f64 = 0.3;

/// How long the place where the line was full is remembered.
const CEILING_SECS: f64 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a sender that obeys on a line that loses `inherent` of all and what is above `capacity`, for some seconds.
    fn run(secs: u64, start: f64, inherent: f64, capacity: f64) -> (f64, Loss) {
        let (mut loss, mut rate) = (Loss::default(), start);
        for second in 0..=secs {
            let over = (1.0 - capacity / rate).max(0.0);
            let packets = (rate / 9_600.0) as u32;
            let lost = f64::from(packets) * (over + (1.0 - over) * inherent);
            let lost = lost.round() as u32;
            let acked = rate * (1.0 - f64::from(lost) / f64::from(packets));
            match loss.packets(Time::from_millis(second * 1_000), packets - lost, lost, rate, Some(acked)) {
                Verdict::Cut(to) => rate = to,
                Verdict::Restore(to) => rate = rate.max(to),
                Verdict::Fine | Verdict::Hold => {}
            }
        }
        (rate, loss)
    }

    #[test]
    fn a_line_that_always_loses_is_used_all_the_same() {
        for inherent in [0.05, 0.1, 0.2] {
            let (rate, loss) = run(10, 1_500_000.0, inherent, f64::MAX);
            assert_eq!(rate, 1_500_000.0, "{inherent}");
            assert!((loss.usual() - inherent).abs() < 0.03, "{inherent}: {}", loss.usual());
        }
    }

    #[test]
    fn a_line_that_is_full_is_relieved() {
        let (rate, loss) = run(10, 2_000_000.0, 0.0, 1_500_000.0);
        assert!((1_200_000.0..1_510_000.0).contains(&rate), "{rate}");
        assert!(loss.ceiling(Time::from_millis(11_000)).is_some());
        let (rate, _) = run(12, 2_000_000.0, 0.1, 1_500_000.0);
        assert!((1_100_000.0..1_600_000.0).contains(&rate), "both at once: {rate}");
    }
}
