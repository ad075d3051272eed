//! One table of deadlines. We ask it for the next one; nothing is scheduled, so nothing can be stale.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    /// Receipts are owed; always due at once, after all inputs of the batch.
    Receipts,
    /// Devices may be dialled.
    Dial,
    /// A device has not confirmed what it was sent.
    Probe(DeviceId),
    /// A broken stream is opened again.
    Greet(DeviceId),
    /// Own addresses are published.
    Publish,
    /// A disappearing message is due.
    Expiry,
    /// Own prekeys are looked at.
    Prekeys,
    /// Mailboxes are looked after: streams that should be open, pauses that are over.
    Mail,
    /// A mailbox wants work.
    Work,
    /// The cards of those whom we want to ask are looked for.
    Knock,
    /// A mailbox should have answered by now.
    Mute,
    /// More contacts are to find our mailboxes in the DHT.
    Lists,
    /// Receipts go by mailbox.
    Notes,
    /// What waits for a device goes to its mailboxes.
    Leave(DeviceId),
}

/// The deadlines, each key at most once.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_key: BTreeMap<TimerKey, Timestamp>,
    by_time: BTreeSet<(Timestamp, TimerKey)>,
}

impl Timers {
    /// Sets or moves a deadline.
    pub(crate) fn set(&mut self, key: TimerKey, at: Timestamp) {
        if let Some(old) = self.by_key.insert(key, at) {
            self.by_time.remove(&(old, key));
        }
        self.by_time.insert((at, key));
    }

    /// Sets a deadline unless an earlier one stands.
    pub(crate) fn set_earlier(&mut self, key: TimerKey, at: Timestamp) {
        if self.by_key.get(&key).is_none_or(|old| *old > at) {
            self.set(key, at);
        }
    }

    /// Takes a deadline away.
    pub(crate) fn clear(&mut self, key: TimerKey) {
        if let Some(old) = self.by_key.remove(&key) {
            self.by_time.remove(&(old, key));
        }
    }

    /// Takes one deadline that is due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<TimerKey> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.clear(key);
        Some(key)
    }

    /// When a deadline is.
    pub(crate) fn at(&self, key: TimerKey) -> Option<Timestamp> {
        self.by_key.get(&key).copied()
    }

    /// The next deadline.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }
}
