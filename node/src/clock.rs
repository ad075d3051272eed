//! The wall clock for the engine: never runs backwards while the node runs, and never stands still, even when the
//! system's is set back.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use kith_proto::time::Span;
use kith_proto::time::Timestamp;

/// A clock that only goes on.
#[derive(Debug, Default)]
pub struct Clock {
    last: Option<(Timestamp, Instant)>,
}

impl Clock {
    /// The time now. After the system's clock was set back, the time that has passed since counts on.
    pub fn now(&mut self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.at(Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)), Instant::now())
    }

    fn at(&mut self, wall: Timestamp, steady: Instant) -> Timestamp {
        let expected = self.last.map_or(Timestamp(0), |(last, then)| {
            let passed = steady.saturating_duration_since(then).as_millis();
            last + Span::from_millis(u64::try_from(passed).unwrap_or(u64::MAX))
        });
        let now = wall.max(expected);
        // The beginning is moved only with the wall clock, so that no fractions of milliseconds are lost.
        if wall > expected || self.last.is_none() {
            self.last = Some((now, steady));
        }
        now
    }

    /// How long to wait until a time, at most an hour.
    pub fn until(&mut self, at: Option<Timestamp>) -> Duration {
        let hour = Duration::from_secs(3_600);
        match at {
            Some(at) => Duration::from_millis(at.since(self.now()).as_millis()).min(hour),
            None => hour,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_goes_on() {
        let (mut clock, begin) = (Clock::default(), Instant::now());
        let after = |millis| begin + Duration::from_millis(millis);
        assert_eq!(clock.at(Timestamp(1_000_000), begin), Timestamp(1_000_000));
        // Ten minutes back: the time that passes counts on from where it was.
        assert_eq!(clock.at(Timestamp(400_100), after(100)), Timestamp(1_000_100));
        assert_eq!(clock.at(Timestamp(400_300), after(300)), Timestamp(1_000_300));
        // And forward again.
        assert_eq!(clock.at(Timestamp(2_000_000), after(400)), Timestamp(2_000_000));
        assert_eq!(clock.at(Timestamp(2_000_050), after(450)), Timestamp(2_000_050));
    }
}
