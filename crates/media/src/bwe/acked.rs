//! How much arrives: bytes over time on the receiver's clock.

use std::collections::VecDeque;

use crate::time::RemoteTime;

#[derive(Debug, Default)]
pub(super) struct Acked {
    /// Arrivals with their bytes, in order, of the last [`LONG_MS`].
    arrivals: VecDeque<(RemoteTime, usize)>,
}

impl Acked {
    pub(super) fn packet(&mut self, arrived: RemoteTime, bytes: usize) {
        let newest = self.arrivals.back().map(|last| arrived.millis_after(last.0));
        if newest.is_some_and(|after| after.abs() > FAR_MS) {
            self.arrivals.clear();
        }
        // Reordered ones count where the newest is: the sums are over windows much longer than reordering.
        let at = self.arrivals.back().map_or(arrived, |last| last.0.max(arrived));
        self.arrivals.push_back((at, bytes));
        while self.arrivals.len() > MOST
            || self.arrivals.front().is_some_and(|first| at.millis_after(first.0) > LONG_MS)
        {
            self.arrivals.pop_front();
        }
    }

    /// Bits a second over half a second: what the line carries of what is sent.
    pub(super) fn steady(&self) -> Option<f64> {
        self.over(LONG_MS)
    }

    /// Bits a second over the last fifth of a second: right while a queue stands before the line and keeps it busy.
    pub(super) fn recent(&self) -> Option<f64> {
        self.over(SHORT_MS)
    }

    fn over(&self, window: f64) -> Option<f64> {
        let newest = self.arrivals.back()?.0;
        let inside =
            self.arrivals.iter().rev().take_while(|arrival| newest.millis_after(arrival.0) <= window);
        let (mut bytes, mut oldest, mut first, mut count) = (0, newest, 0, 0);
        for (at, size) in inside {
            (bytes, oldest, first, count) = (bytes + size, *at, *size, count + 1);
        }
        let span = newest.millis_after(oldest);
        // The first of them only marks the beginning of the span.
        (count >= FEWEST && span >= window / 3.0).then(|| (bytes - first) as f64 * 8_000.0 / span)
    }
}

const LONG_MS: f64 = 500.0;
const SHORT_MS: f64 = 200.0;

/// The clock was set, or nothing came for so long that the line may be another one.
const FAR_MS: f64 = 2_000.0;

/// Fewer say nothing about a rate.
const FEWEST: usize = 4;

/// 10 Mbit/s in packets of 300 bytes.
const MOST: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_window() {
        let mut acked = Acked::default();
        assert_eq!(acked.steady(), None);
        (0..100).for_each(|number| acked.packet(RemoteTime(number * 10_000), 1_250));
        assert_eq!(acked.steady().map(f64::round), Some(1_000_000.0));
        (100..120).for_each(|number| acked.packet(RemoteTime(number * 10_000), 250));
        assert_eq!(acked.recent().map(f64::round), Some(200_000.0));
        assert!(acked.steady().is_some_and(|rate| rate > 500_000.0));
        acked.packet(RemoteTime(9_000_000), 100);
        assert_eq!(acked.steady(), None, "a new beginning");
    }
}
