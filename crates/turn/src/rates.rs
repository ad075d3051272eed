//! How fast each may ask, for so many that are known; further ones share one rate. Not here: what for.

use std::collections::BTreeMap;

use kith_proto::time::Timestamp;

use crate::bucket::Bucket;
use crate::credentials::Tag;

/// Those whose rates are known.
pub(crate) const KNOWN: usize = 4_096;

/// The rates of many.
#[derive(Debug)]
pub(crate) struct Rates {
    /// Units a second, and at once.
    rate: (u64, u64),
    of: BTreeMap<Tag, Bucket>,
    others: Option<Bucket>,
}

impl Rates {
    pub(crate) fn new(rate: (u64, u64)) -> Self {
        Self { rate, of: BTreeMap::new(), others: None }
    }

    /// Takes units for somebody. Returns whether there were enough.
    pub(crate) fn take(&mut self, now: Timestamp, who: Tag, units: u64) -> bool {
        if self.of.len() >= KNOWN && !self.of.contains_key(&who) {
            self.forget(now);
        }
        let new = Bucket::full(now, self.rate.1);
        let bucket = match self.of.len() < KNOWN || self.of.contains_key(&who) {
            true => self.of.entry(who).or_insert(new),
            false => self.others.get_or_insert(new),
        };
        bucket.take(now, units, self.rate)
    }

    /// Forgets those who have not asked for so long that it makes no difference.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        self.of.retain(|_, bucket| !bucket.is_idle(now, self.rate));
    }

    #[cfg(test)]
    pub(crate) fn known(&self) -> usize {
        self.of.len()
    }
}
