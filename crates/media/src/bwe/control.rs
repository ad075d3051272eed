//! The rate that the delay allows: up in steps, down to what arrives (draft-ietf-rmcat-gcc-02 section 5.5).
//!
//! ```text
//!          Over              Under, Normal            Normal
//!   any ─────────▶ Decrease ───────────────▶ Hold ───────────▶ Increase
//!                  to 0.85 of what arrives   Under: stays      8 % a second, or a packet in a
//!                                                              response time near the last ceiling
//! ```

use std::time::Duration;

use super::trend::Usage;
use crate::time::Time;

#[derive(Debug)]
pub(super) struct Control {
    target: f64,
    state: State,
    changed: Option<Time>,
    last_cut: Option<Time>,
    capacity: Capacity,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Increase,
    Hold,
}

/// What the line carried when it was full: mean and deviation.
#[derive(Debug, Default)]
struct Capacity {
    mean: Option<f64>,
    /// Relative to the mean.
    deviation: f64,
}

/// What is known when the rate is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) usage: Usage,
    /// What arrives, over half a second.
    pub(super) steady: Option<f64>,
    /// What arrives, just now.
    pub(super) recent: Option<f64>,
    /// Milliseconds that packets stand in a queue.
    pub(super) queue: f64,
    pub(super) round_trip: Duration,
    /// The part of packets that is lost here at any rate.
    pub(super) usual_loss: f64,
    /// Somebody else fills the queue.
    pub(super) contested: bool,
}

impl Control {
    pub(super) fn new(start: f64) -> Self {
        Self {
            target: start,
            state: State::Hold,
            changed: None,
            last_cut: None,
            capacity: Capacity::default(),
        }
    }

    pub(super) fn target(&self) -> f64 {
        self.target
    }

    /// When the rate last went down because a queue grew.
    pub(super) fn last_cut(&self) -> Option<Time> {
        self.last_cut
    }

    /// Says otherwise: a probe, a loss, a limit.
    pub(super) fn set(&mut self, now: Time, target: f64) {
        self.target = target;
        self.changed = Some(now);
    }

    /// Keeps to a limit.
    pub(super) fn set_at_most(&mut self, most: f64) {
        self.target = self.target.min(most);
    }

    /// A probe found more than the line was thought to carry.
    pub(super) fn found(&mut self, now: Time, target: f64) {
        self.capacity = Capacity::default();
        self.set(now, target);
    }

    pub(super) fn update(&mut self, now: Time, seen: Seen, most: f64) {
        match seen.usage {
            _ if seen.contested => self.increase(now, seen, most),
            // A slope without a queue is noise: wait for what it becomes.
            Usage::Over if seen.queue < NO_QUEUE_MS => self.state = State::Hold,
            Usage::Over => {
                self.state = State::Hold;
                if self.may_cut(now, seen) {
                    self.cut(now, seen);
                }
            }
            Usage::Under => self.state = State::Hold,
            Usage::Normal if self.state == State::Hold => {
                self.state = State::Increase;
                self.changed = Some(now);
            }
            Usage::Normal => self.increase(now, seen, most),
        }
    }

    /// Once in a round trip: what the last cut does is not seen before.
    fn may_cut(&self, now: Time, seen: Seen) -> bool {
        let Some(last) = self.last_cut else { return true };
        let wait = seen.round_trip.clamp(Duration::from_millis(10), Duration::from_millis(200));
        now.since(last) >= wait || seen.recent.is_some_and(|acked| acked < 0.5 * self.target)
    }

    fn cut(&mut self, now: Time, seen: Seen) {
        let busy = if seen.queue > BUSY_QUEUE_MS {
            seen.recent.or(seen.steady)
        } else {
            seen.steady.or(seen.recent)
        };
        let carried = busy.unwrap_or(self.target) / (1.0 - seen.usual_loss);
        self.capacity.learn(carried);
        self.last_cut = Some(now);
        self.set(now, self.target.min(carried * BETA));
    }

    fn increase(&mut self, now: Time, seen: Seen, most: f64) {
        let span = now.seconds_since(self.changed.unwrap_or(now)).min(1.0);
        self.changed = Some(now);
        // What does not arrive is not known to be possible; but a target is not taken back because little is sent.
        let proven = seen
            .steady
            .map_or(self.target, |acked| MOST_OVER_ACKED * acked / (1.0 - seen.usual_loss) + 10_000.0);
        let cap = proven.min(most);
        if self.target >= cap {
            return;
        }
        if self.capacity.is_far_below(seen.steady) {
            self.capacity = Capacity::default();
        }
        let more = if self.capacity.is_near(self.target) {
            let response = seen.round_trip.as_secs_f64() + 0.1;
            (PACKET_BITS / response).max(4_000.0) * span
        } else {
            self.target * (GROWTH.powf(span) - 1.0)
        };
        self.target = (self.target + more).min(cap);
    }
}

impl Capacity {
    fn learn(&mut self, carried: f64) {
        let Some(mean) = self.mean.filter(|mean| (carried - mean).abs() < 0.4 * mean) else {
            (self.mean, self.deviation) = (Some(carried), 0.1);
            return;
        };
        let off = ((carried - mean) / mean).abs();
        self.mean = Some(mean + 0.2 * (carried - mean));
        self.deviation = (self.deviation + 0.1 * (off - self.deviation)).clamp(0.05, 0.2);
    }

    fn is_near(&self, rate: f64) -> bool {
        self.mean.is_some_and(|mean| rate > mean * (1.0 - 3.0 * self.deviation))
    }

    fn is_far_below(&self, acked: Option<f64>) -> bool {
        self.mean.zip(acked).is_some_and(|(mean, acked)| acked > mean * (1.0 + 3.0 * self.deviation))
    }
}

/// Draft section 5.5: beta.
const BETA: f64 = 0.85;

/// Draft section 5.5: eta, for a second.
const GROWTH: f64 = 1.08;

/// Draft section 5.5: the rate does not go beyond this of what arrives.
const MOST_OVER_ACKED: f64 = 1.5;

/// A packet, as the draft's additive increase has it.
const PACKET_BITS: f64 = 1_200.0 * 8.0;

/// Less is jitter, or a frame that is larger than others.
const NO_QUEUE_MS: f64 = 15.0;

/// Behind such a queue the line is busy all the time, and even a short window tells what it carries.
const BUSY_QUEUE_MS: f64 = 40.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(usage: Usage, acked: f64, queue: f64) -> Seen {
        let round_trip = Duration::from_millis(50);
        Seen {
            usage,
            steady: Some(acked),
            recent: Some(acked),
            queue,
            round_trip,
            usual_loss: 0.0,
            contested: false,
        }
    }

    #[test]
    fn down_to_what_arrives_and_up_again_slowly() {
        let mut control = Control::new(1_000_000.0);
        control.update(Time::from_millis(0), seen(Usage::Over, 600_000.0, 100.0), 9e9);
        assert_eq!(control.target(), 510_000.0);
        control.update(Time::from_millis(50), seen(Usage::Over, 600_000.0, 100.0), 9e9);
        assert_eq!(control.target(), 510_000.0, "not twice, and never up");
        (2..=22).for_each(|step| {
            control.update(Time::from_millis(step * 50), seen(Usage::Normal, 500_000.0, 0.0), 9e9);
        });
        assert!((560_000.0..600_000.0).contains(&control.target()), "near the ceiling: {}", control.target());
    }

    #[test]
    fn the_target_stays_when_little_is_sent_and_does_not_grow() {
        let mut control = Control::new(1_000_000.0);
        (0..200).for_each(|step| {
            control.update(Time::from_millis(step * 50), seen(Usage::Normal, 100_000.0, 0.0), 9e9);
        });
        assert_eq!(control.target(), 1_000_000.0);
        (200..220).for_each(|step| {
            control.update(Time::from_millis(step * 50), seen(Usage::Normal, 900_000.0, 0.0), 9e9);
        });
        assert!((1_070_000.0..1_090_000.0).contains(&control.target()), "8 % a second: {}", control.target());
    }
}
