//! How often something happened lately: for all that somebody may do so many times in so much time, and not more.

use kith_proto::time::Span;
use kith_proto::time::Timestamp;

/// How often it was, in a window that begins with the first time and is as long as the caller says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    from: Timestamp,
    times: u32,
}

impl Count {
    /// Counts it: how often it was in this window, this time included.
    pub(crate) fn again(&mut self, now: Timestamp, window: Span) -> u32 {
        if self.times == 0 || now.since(self.from) >= window {
            *self = Self { from: now, times: 0 };
        }
        self.times = self.times.saturating_add(1);
        self.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_with_the_first_time_and_ends_of_itself() {
        let (start, window) = (Timestamp(1_000_000), Span::from_secs(10));
        let mut count = Count::default();
        let times: Vec<u32> =
            [0, 1, 9, 10, 19, 25].map(|s| count.again(start + Span::from_secs(s), window)).into();
        assert_eq!(times, [1, 2, 3, 1, 2, 1]);
    }
}
