//! How fast sources and queues may go. Each rate is one number: the time until which what was taken is paid for.

use std::collections::BTreeMap;

use kith_proto::id::QueueId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::config::Config;
use crate::config::Rate;
use crate::input::Source;

/// A full table of sources or queues is tidied at most so often, because it takes a look at each.
const TIDY_EVERY: Span = Span::from_secs(10);

/// What a source may do often, seldom, or hardly ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any request.
    Request,
    /// A request with a signature to check.
    Check,
    /// A new inbox.
    Opening,
}

/// The rates of all sources and queues.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    sources: BTreeMap<Source, SourceRates>,
    /// All sources for which there was no room.
    crowd: SourceRates,
    queues: BTreeMap<QueueId, Bucket>,
    tidied: Timestamp,
}

#[derive(Clone, Copy, Debug, Default)]
struct SourceRates {
    requests: Bucket,
    checks: Bucket,
    openings: Bucket,
}

/// The time, in microseconds, until which what was taken is paid for.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket(u64);

impl Limits {
    /// Takes one of a source's turns.
    ///
    /// # Errors
    /// In how many seconds there is one again.
    pub(crate) fn take(
        &mut self,
        config: &Config,
        now: Timestamp,
        from: Source,
        kind: Kind,
    ) -> Result<(), u32> {
        self.take_some(config, now, from, kind, 1)
    }

    /// Takes several of a source's turns, or none.
    ///
    /// # Errors
    /// In how many seconds there are so many again.
    pub(crate) fn take_some(
        &mut self,
        config: &Config,
        now: Timestamp,
        from: Source,
        kind: Kind,
        count: u32,
    ) -> Result<(), u32> {
        let ease = if from.local { config.local_ease.max(1) } else { 1 };
        let rate = match kind {
            Kind::Request => config.requests,
            Kind::Check => config.checks,
            Kind::Opening => config.openings,
        };
        let rates = self.rates(config, now, from);
        let bucket = match kind {
            Kind::Request => &mut rates.requests,
            Kind::Check => &mut rates.checks,
            Kind::Opening => &mut rates.openings,
        };
        bucket.take(rate, ease, count, now)
    }

    /// Makes a source pay for a signature that did not hold.
    pub(crate) fn fine(&mut self, config: &Config, now: Timestamp, from: Source) {
        self.charge(config, now, from, config.bad_signature_checks);
    }

    /// Makes a source pay for what turned out to cost as much as so many checks.
    pub(crate) fn charge(&mut self, config: &Config, now: Timestamp, from: Source, checks: u32) {
        let ease = if from.local { config.local_ease.max(1) } else { 1 };
        self.rates(config, now, from).checks.fine(config.checks, ease, checks, now);
    }

    /// Takes one of a queue's turns.
    ///
    /// # Errors
    /// In how many seconds there is one again.
    pub(crate) fn take_deposit(
        &mut self,
        config: &Config,
        now: Timestamp,
        queue: &QueueId,
    ) -> Result<(), u32> {
        if !self.queues.contains_key(queue) && self.queues.len() >= config.busy_queues {
            self.tidy(now);
            if self.queues.len() >= config.busy_queues {
                // The quotas of queue, inbox and source hold anyway.
                return Ok(());
            }
        }
        self.queues.entry(*queue).or_default().take(config.deposits, 1, 1, now)
    }

    /// Forgets whoever has been quiet.
    pub(crate) fn tidy(&mut self, now: Timestamp) {
        if now.since(self.tidied) >= TIDY_EVERY {
            self.tidied = now;
            self.sources.retain(|_, rates| rates.is_in_debt(now));
            self.queues.retain(|_, bucket| bucket.is_in_debt(now));
        }
    }

    fn rates(&mut self, config: &Config, now: Timestamp, from: Source) -> &mut SourceRates {
        if !self.sources.contains_key(&from) && self.sources.len() >= config.sources {
            self.tidy(now);
            if self.sources.len() >= config.sources {
                return &mut self.crowd;
            }
        }
        self.sources.entry(from).or_default()
    }
}

impl SourceRates {
    fn is_in_debt(&self, now: Timestamp) -> bool {
        [self.requests, self.checks, self.openings].into_iter().any(|bucket| bucket.is_in_debt(now))
    }
}

impl Bucket {
    fn take(&mut self, rate: Rate, ease: u32, count: u32, now: Timestamp) -> Result<(), u32> {
        let (price, purse) = prices(rate, ease);
        let now = now.0.saturating_mul(1_000);
        let paid = self.0.max(now).saturating_add(price.saturating_mul(u64::from(count)));
        let over = paid.saturating_sub(now).saturating_sub(purse);
        if over > 0 {
            return Err(u32::try_from(over.div_ceil(1_000_000)).unwrap_or(u32::MAX));
        }
        self.0 = paid;
        Ok(())
    }

    /// Adds to the debt, at most to twice what may be owed, so that everybody is let in again some time.
    fn fine(&mut self, rate: Rate, ease: u32, count: u32, now: Timestamp) {
        let (price, purse) = prices(rate, ease);
        let now = now.0.saturating_mul(1_000);
        let paid = self.0.max(now).saturating_add(price.saturating_mul(u64::from(count)));
        self.0 = paid.min(now.saturating_add(purse.saturating_mul(2)));
    }

    fn is_in_debt(self, now: Timestamp) -> bool {
        self.0 > now.0.saturating_mul(1_000)
    }
}

/// What one turn costs and what may be owed, in microseconds.
fn prices(rate: Rate, ease: u32) -> (u64, u64) {
    let price = 3_600_000_000 / (u64::from(rate.per_hour.max(1)) * u64::from(ease));
    let price = price.max(1);
    (price, price.saturating_mul(u64::from(rate.burst.max(1)).saturating_mul(u64::from(ease))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn config() -> Config {
        let checks = Rate { per_hour: 3_600, burst: 3 };
        Config { checks, sources: 2, bad_signature_checks: 5, ..Config::default() }
    }

    fn source(network: u64) -> Source {
        Source { network, local: false }
    }

    #[test]
    fn a_burst_is_free_then_one_a_second() {
        let (mut limits, config) = (Limits::default(), config());
        let mut take = |after| limits.take(&config, NOW + Span::from_millis(after), source(1), Kind::Check);
        assert_eq!([take(0), take(0), take(0), take(0)], [Ok(()), Ok(()), Ok(()), Err(1)]);
        assert_eq!([take(999), take(1_000), take(1_000)], [Err(1), Ok(()), Err(1)]);
        assert_eq!([take(9_000), take(9_000), take(9_000), take(9_000)], [Ok(()), Ok(()), Ok(()), Err(1)]);
    }

    #[test]
    fn bad_signatures_cost_more_but_not_for_ever() {
        let (mut limits, config) = (Limits::default(), config());
        (0..100).for_each(|_| limits.fine(&config, NOW, source(1)));
        assert_eq!(limits.take(&config, NOW, source(1), Kind::Check), Err(4));
        assert_eq!(limits.take(&config, NOW + Span::from_secs(4), source(1), Kind::Check), Ok(()));
        assert_eq!(limits.take(&config, NOW, source(2), Kind::Check), Ok(()), "another source");
    }

    #[test]
    fn local_sources_may_do_more() {
        let (mut limits, config) = (Limits::default(), config());
        let local = Source { network: 1, local: true };
        let taken = (0..1_000).filter(|_| limits.take(&config, NOW, local, Kind::Check).is_ok()).count();
        assert_eq!(taken, 3 * 64);
    }

    #[test]
    fn sources_without_room_share_one_rate_until_others_are_quiet() {
        let (mut limits, config) = (Limits::default(), config());
        let mut take = |after, network| {
            limits.take(&config, NOW + Span::from_secs(after), source(network), Kind::Check).is_ok()
        };
        assert!(take(0, 1) && take(0, 2));
        let crowd: Vec<bool> = (3..8).map(|network| take(0, network)).collect();
        assert_eq!(crowd, [true, true, true, false, false]);
        assert!(take(11, 9), "the first two have been quiet");
    }
}
