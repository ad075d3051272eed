//! A rate with a burst. Not here: whose.

use kith_proto::time::Timestamp;

/// So many units a second, and so many at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    left: u64,
    since: Timestamp,
}

impl Bucket {
    pub(crate) fn full(now: Timestamp, burst: u64) -> Self {
        Self { left: burst, since: now }
    }

    /// Takes units out. Returns whether there were enough.
    pub(crate) fn take(&mut self, now: Timestamp, units: u64, (rate, burst): (u64, u64)) -> bool {
        let earned = now.since(self.since).0.saturating_mul(rate) / 1_000;
        if earned > 0 {
            self.left = self.left.saturating_add(earned).min(burst);
            self.since = now;
        }
        let enough = self.left >= units;
        if enough {
            self.left -= units;
        }
        enough
    }

    /// Whether it is as good as new.
    pub(crate) fn is_idle(&self, now: Timestamp, (rate, burst): (u64, u64)) -> bool {
        let earned = now.since(self.since).0.saturating_mul(rate) / 1_000;
        self.left.saturating_add(earned) >= burst
    }
}

#[cfg(test)]
mod tests {
    use kith_proto::time::Span;

    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let (now, rate) = (Timestamp(1_000_000), (10, 20));
        let mut bucket = Bucket::full(now, 20);
        assert!(bucket.take(now, 20, rate));
        assert!(!bucket.take(now, 1, rate));
        // Asking often must not lose what is earned in between.
        let earned = (1..=1_000).filter(|ms| bucket.take(now + Span(*ms), 1, rate)).count();
        assert_eq!(earned, 10);
        assert!(
            bucket.is_idle(now + Span::from_secs(4), rate) && !bucket.is_idle(now + Span::from_secs(2), rate)
        );
    }
}
