//! How long packets stand in a queue on the way: their time on the way over the least one of late.
//!
//! The clocks of the two sides are apart by an unknown span, but drift by microseconds a second, so differences over half a
//! minute are good to a millisecond or two.

use crate::time::RemoteTime;
use crate::time::Time;

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The first packet's departure and arrival: times on the way are relative to its.
    zero: Option<(Time, RemoteTime)>,
    /// The least smoothed time on the way in this span of [`SPAN_SECS`] and in the one before.
    least: [Option<f64>; 2],
    span_began: Time,
    smoothed: Option<f64>,
}

impl Queue {
    /// While the queue is known to be somebody else's (`held`), it does not become the usual way so soon.
    pub(super) fn packet(&mut self, sent: Time, arrived: RemoteTime, held: bool) {
        let zero = *self.zero.get_or_insert((sent, arrived));
        let left = (sent.0 as f64 - zero.0.0 as f64) / 1_000.0;
        let on_the_way = arrived.millis_after(zero.1) - left;
        let smoothed = self.smoothed.map_or(on_the_way, |old| old + SMOOTHING * (on_the_way - old));
        self.smoothed = Some(smoothed);
        let span = if held { HELD_SECS } else { SPAN_SECS };
        if sent.seconds_since(self.span_began) > span {
            self.least = [None, self.least[0]];
            self.span_began = sent;
        }
        // The least of the smoothed ones: jitter is no queue.
        self.least[0] = Some(self.least[0].map_or(smoothed, |least| least.min(smoothed)));
    }

    /// Milliseconds, smoothed over some packets.
    pub(super) fn standing(&self) -> f64 {
        let least = self.least.iter().flatten().copied().reduce(f64::min);
        self.smoothed.zip(least).map_or(0.0, |(smoothed, least)| (smoothed - least).max(0.0))
    }
}

/// When the way changed and is longer for good, it takes at most two of these until that is no longer taken for a queue.
const SPAN_SECS: f64 = 15.0;

/// The same while somebody else keeps the queue full.
const HELD_SECS: f64 = 120.0;

/// Over some ten packets: the frames of video come in bunches.
const SMOOTHING: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_what_is_above_the_least() {
        let mut queue = Queue::default();
        let mut send = |from: u64, count: u64, on_the_way: u64| {
            for number in from..from + count {
                queue.packet(
                    Time::from_millis(number * 20),
                    RemoteTime((number * 20 + 7_000_000 + on_the_way) * 1_000),
                    false,
                );
            }
            queue.standing().round()
        };
        assert_eq!(send(0, 100, 40), 0.0);
        assert_eq!(send(100, 100, 90), 50.0);
        assert_eq!(send(200, 3_000, 90), 0.0, "after half a minute this is the way");
        assert_eq!(send(3_200, 100, 30), 0.0, "a shorter way is no queue");
    }
}
