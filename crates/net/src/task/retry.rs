//! When a node that is wanted is dialled again.
//!
//! ```text
//!            ┌─────────── dialled, in vain ──────────┐
//!            ▼                                       │
//!  away, pause doubled ──due──▶ dialled ──connected──┴──▶ there ──lost──▶ away
//!                                                          the first pause again if it was there for a while
//! ```

use std::time::Duration;

use tokio::time::Instant;

/// The longest pause between two dials.
const LONGEST: Duration = Duration::from_secs(60);

/// A node that was there for so long had not refused us: one that is full, or that has banned us, says so only after the handshake, by closing.
const STEADY: Duration = Duration::from_secs(10);

/// The pauses between dials of one node.
pub(crate) struct Retry {
    pause: Duration,
    next: Instant,
    /// Since when it is there.
    since: Option<Instant>,
}

impl Retry {
    /// A node that is dialled now, and again after a pause.
    pub(crate) fn new(first: Duration, now: Instant) -> Self {
        Self { pause: first, next: now + first, since: None }
    }

    /// Whether it is there.
    pub(crate) fn is_up(&self) -> bool {
        self.since.is_some()
    }

    /// Whether it is to be dialled now; then the next time is later.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let due = !self.is_up() && self.next <= now;
        if due {
            self.next = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST);
        }
        due
    }

    /// It is connected.
    pub(crate) fn up(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// It is not connected any more.
    pub(crate) fn lost(&mut self, first: Duration, now: Instant) {
        if self.since.take().is_some_and(|since| now.saturating_duration_since(since) >= STEADY) {
            self.pause = first;
        }
        self.next = now + self.pause;
    }

    /// It may be reached by another way now.
    pub(crate) fn at_once(&mut self, first: Duration, now: Instant) {
        if !self.is_up() {
            (self.pause, self.next) = (first, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(250);

    /// How often a node is dialled in ten minutes, if each connection lasts so long and there is none in between.
    fn dials(lasts: Duration) -> usize {
        let begin = Instant::now();
        let (mut retry, mut now, mut dials) = (Retry::new(FIRST, begin), begin, 0);
        while now < begin + Duration::from_secs(600) {
            now += Duration::from_millis(50);
            if retry.is_due(now) {
                dials += 1;
                retry.up(now);
                now += lasts;
                retry.lost(FIRST, now);
            }
        }
        dials
    }

    #[test]
    fn who_is_refused_after_the_handshake_comes_less_and_less() {
        let times = dials(Duration::from_millis(5));
        assert!((8..=20).contains(&times), "{times} in ten minutes");
    }

    #[test]
    fn a_node_that_was_there_for_a_while_is_dialled_soon_after() {
        let begin = Instant::now();
        let mut retry = Retry::new(FIRST, begin);
        let mut now = begin;
        for _ in 0..20 {
            now += LONGEST;
            assert!(retry.is_due(now), "it is away");
        }
        retry.up(now);
        now += STEADY;
        retry.lost(FIRST, now);
        assert!(!retry.is_due(now) && retry.is_due(now + FIRST));
    }

    #[test]
    fn another_network_is_tried_at_once() {
        let begin = Instant::now();
        let mut retry = Retry::new(LONGEST, begin);
        assert!(!retry.is_due(begin));
        retry.at_once(FIRST, begin);
        assert!(retry.is_due(begin));
    }
}
