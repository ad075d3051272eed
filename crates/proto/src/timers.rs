//! One table of deadlines, for every machine that has several: it is asked for the next one. Nothing is scheduled, so nothing
//! can be stale. What a deadline is for is the machine's own word, the key.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::time::Timestamp;

/// The deadlines, each key at most once.
#[derive(Debug)]
pub struct Timers<K> {
    by_key: BTreeMap<K, Timestamp>,
    by_time: BTreeSet<(Timestamp, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new(), by_time: BTreeSet::new() }
    }
}

impl<K: Copy + Ord> Timers<K> {
    /// Sets or moves a deadline.
    pub fn set(&mut self, key: K, at: Timestamp) {
        if let Some(old) = self.by_key.insert(key, at) {
            self.by_time.remove(&(old, key));
        }
        self.by_time.insert((at, key));
    }

    /// Sets a deadline unless an earlier one stands.
    pub fn set_earlier(&mut self, key: K, at: Timestamp) {
        if self.by_key.get(&key).is_none_or(|old| *old > at) {
            self.set(key, at);
        }
    }

    /// Takes a deadline away.
    pub fn clear(&mut self, key: K) {
        if let Some(old) = self.by_key.remove(&key) {
            self.by_time.remove(&(old, key));
        }
    }

    /// Takes one deadline that is due.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<K> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.clear(key);
        Some(key)
    }

    /// When a deadline is.
    pub fn at(&self, key: K) -> Option<Timestamp> {
        self.by_key.get(&key).copied()
    }

    /// The next deadline.
    pub fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_due_once_in_the_order_of_time() {
        let mut timers = Timers::default();
        timers.set('b', Timestamp(20));
        timers.set('a', Timestamp(30));
        timers.set('a', Timestamp(10));
        timers.set_earlier('b', Timestamp(25));
        timers.set_earlier('c', Timestamp(5));
        timers.clear('c');
        assert_eq!((timers.next(), timers.at('b')), (Some(Timestamp(10)), Some(Timestamp(20))));
        assert_eq!([timers.pop_due(Timestamp(9)), timers.pop_due(Timestamp(10))], [None, Some('a')]);
        assert_eq!(timers.pop_due(Timestamp(99)), Some('b'));
        assert_eq!((timers.next(), timers.pop_due(Timestamp(99))), (None, None));
    }
}
