//! Whether this process ran all the time. After a pause (a stopped process, a machine that was suspended) nobody may be
//! blamed for not being heard, and whoever has gone meanwhile is to be found soon.
//!
//! The clock that deadlines are counted by stands still on some systems while the machine is suspended, and goes on while the
//! process is stopped; the wall clock goes on in both. Neither is read here.

use std::time::Duration;
use std::time::SystemTime;

use tokio::time::Instant;

/// What is expected of the clocks between two looks.
pub(super) struct Watch {
    every: Duration,
    last: Option<(Instant, SystemTime)>,
}

impl Watch {
    /// Somebody looks this often.
    pub(super) fn new(every: Duration) -> Self {
        Self { every, last: None }
    }

    /// Looks. Returns whether there was a pause since the last look: one that is late by more than the time between two.
    /// A wall clock that was set forward looks the same, and costs a question to everybody.
    pub(super) fn was_paused(&mut self, now: Instant, wall: SystemTime) -> bool {
        let Some((then, then_wall)) = self.last.replace((now, wall)) else { return false };
        let passed = now.saturating_duration_since(then);
        // Set back, it tells nothing.
        let passed_outside = wall.duration_since(then_wall).unwrap_or_default();
        passed.max(passed_outside) > self.every * 2
    }

    /// Nobody looks for a while.
    pub(super) fn rest(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Looks after so many milliseconds on either clock, following a look at zero.
    fn looks(steps: &[(u64, u64)]) -> Vec<bool> {
        let (mut now, mut wall) = (Instant::now(), SystemTime::UNIX_EPOCH + 1_000 * SECOND);
        let mut watch = Watch::new(SECOND);
        assert!(!watch.was_paused(now, wall), "there is nothing to compare the first look with");
        let steps = steps.iter().map(|(passed, outside)| {
            now += Duration::from_millis(*passed);
            wall += Duration::from_millis(*outside);
            watch.was_paused(now, wall)
        });
        steps.collect()
    }

    #[test]
    fn a_look_that_is_a_bit_late_is_no_pause() {
        assert_eq!(looks(&[(1_000, 1_000), (1_900, 1_900), (100, 100)]), [false; 3]);
    }

    #[test]
    fn a_stopped_process_is_seen_by_both_clocks_and_a_suspended_machine_by_one() {
        assert_eq!(looks(&[(60_000, 60_000), (1_000, 1_000)]), [true, false]);
        assert_eq!(looks(&[(1_000, 60_000), (1_000, 1_000)]), [true, false]);
    }

    #[test]
    fn a_wall_clock_that_is_set_back_and_a_rest_tell_nothing() {
        let (now, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + 1_000 * SECOND);
        let mut watch = Watch::new(SECOND);
        watch.was_paused(now, wall);
        assert!(!watch.was_paused(now + SECOND, wall - 500 * SECOND));
        watch.rest();
        assert!(!watch.was_paused(now + 500 * SECOND, wall + 500 * SECOND));
    }
}
