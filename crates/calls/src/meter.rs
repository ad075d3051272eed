//! How much speech of one device is passed on to the others in a call of a group: each byte of it is sent to all of them.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// What may pass in a [`WINDOW`]: the best speech of Opus is 64 kbit/s, and seals and names add some; all of it said twice, as what was late comes at
/// once.
const BYTES: usize = 32_000;

/// Packets in the same time: fifty are usual, and again twice that and some.
const PACKETS: usize = 120;

/// One second.
const WINDOW: Duration = Duration::from_secs(1);

/// What passed in the window that goes on.
#[derive(Default)]
pub(crate) struct Meter(Mutex<Passed>);

#[derive(Default)]
struct Passed {
    since: Option<Instant>,
    bytes: usize,
    packets: usize,
}

impl Meter {
    /// Whether so many bytes more may pass, now.
    pub(crate) fn may_pass(&self, bytes: usize) -> bool {
        self.may_pass_at(Instant::now(), bytes)
    }

    fn may_pass_at(&self, now: Instant, bytes: usize) -> bool {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if passed.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            *passed = Passed { since: Some(now), ..Passed::default() };
        }
        let may = passed.packets < PACKETS && passed.bytes + bytes <= BYTES;
        if may {
            passed.packets += 1;
            passed.bytes += bytes;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_passes_and_a_flood_does_not() {
        let (meter, begin) = (Meter::default(), Instant::now());
        let at = |ms: u64| begin + Duration::from_millis(ms);
        assert!((0..500).all(|number| meter.may_pass_at(at(20 * number), 200)));
        let passed = (0..10_000).filter(|number| meter.may_pass_at(at(20_000 + number / 10), 1_200)).count();
        assert_eq!(passed, 26, "as many as thirty-two kilobytes are");
        let passed = (0..10_000).filter(|number| meter.may_pass_at(at(30_000 + number / 10), 50)).count();
        assert_eq!(passed, PACKETS);
    }
}
