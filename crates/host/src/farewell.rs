//! When a closed mailbox may end: once nothing is left in it, and its inboxes' owners know or have had time to.

use std::collections::BTreeSet;
use std::time::Duration;
use std::time::Instant;

use kith_proto::id::DeviceId;

/// How long an empty mailbox says that it is closed to owners who have not heard it: who is on asks again within
/// minutes, and who is not finds nobody here sooner or later.
const SAY_FOR: Duration = Duration::from_secs(60 * 60);

/// Who has yet to hear that a mailbox is closed.
pub(crate) struct Farewell {
    owners: usize,
    told: BTreeSet<DeviceId>,
    until: Instant,
}

impl Farewell {
    /// A mailbox of so many owners is closed.
    pub(crate) fn new(owners: usize, now: Instant) -> Self {
        Self { owners, told: BTreeSet::new(), until: now + SAY_FOR }
    }

    /// The owner of an inbox that is here was told.
    pub(crate) fn told(&mut self, owner: DeviceId) {
        // No more than there are count.
        if self.told.len() < self.owners {
            self.told.insert(owner);
        }
    }

    /// How long it has to go on if it is empty.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        match self.told.len() < self.owners {
            true => self.until.saturating_duration_since(now),
            false => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_until_every_owner_was_told_or_for_an_hour() {
        let now = Instant::now();
        assert_eq!(Farewell::new(0, now).wait(now), Duration::ZERO, "there is nobody to tell");
        let mut farewell = Farewell::new(2, now);
        let (one, other) = (DeviceId([1; 32]), DeviceId([2; 32]));
        farewell.told(one);
        farewell.told(one);
        assert_eq!(farewell.wait(now), SAY_FOR);
        assert_eq!(farewell.wait(now + SAY_FOR), Duration::ZERO, "the other does not come");
        farewell.told(other);
        assert_eq!(farewell.wait(now), Duration::ZERO);
    }
}
