//! Who is taken as being in the call, with which of their stays, and how often they may come.
//!
//! ```text
//!  a stay:  grows when a device comes into the call, and for all whom it meets after it has lost somebody
//!
//!   here          there
//!   7  ───────▶   7      both know each other's stay: steps are counted from 1 on
//!   7             8      they came again: what is counted begins anew on both sides
//!   9  ◀── lost          they are lost here, and may not know: this device meets them again with a greater one
//! ```
//!
//! Steps are counted for a pair of stays. So no pair may come twice, whatever is late or lost on the way: whoever loses somebody on its own takes a
//! greater one; what came with a smaller one than is known is of before.

use std::collections::BTreeMap;

use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::count::Count;

/// Devices of one account in a call: a computer, a telephone, and one of each that hangs.
pub(in crate::calls) const MAX_OF_ACCOUNT: usize = 4;

/// So often an account may come in [`COMING_WINDOW`]: each time keys change, and connections are made.
const COMINGS: u32 = 12;

/// See [`COMINGS`].
const COMING_WINDOW: Span = Span::from_minutes(1);

/// Accounts whose comings are counted: more than are ever in a call.
const MAX_COUNTED: usize = 256;

/// Somebody whom others have in the call, and who was not met for so long, will not be.
const STRANGE_AFTER: Span = Span::from_secs(5);

/// Those who are unknown and are looked at: what all others can name.
const MAX_UNKNOWN: usize = 256;

/// The door of a call.
#[derive(Debug)]
pub(super) struct Door {
    stay: u64,
    comings: BTreeMap<AccountId, Count>,
    /// Devices that others have in the call and this one does not, and since when.
    unknown: BTreeMap<DeviceId, Timestamp>,
    strangers: Vec<DeviceId>,
}

impl Door {
    /// This device comes into the call.
    pub(super) fn new(stay: u64) -> Self {
        Self { stay, comings: BTreeMap::new(), unknown: BTreeMap::new(), strangers: Vec::new() }
    }

    /// The own stay that whoever is met now is part of.
    pub(super) fn stay(&self) -> u64 {
        self.stay
    }

    /// Somebody is lost who may not know of it.
    pub(super) fn lose(&mut self) {
        self.stay = self.stay.saturating_add(1);
    }

    /// Whether somebody may come once more.
    pub(super) fn may_come(&mut self, now: Timestamp, account: &AccountId) -> bool {
        if self.comings.len() >= MAX_COUNTED && !self.comings.contains_key(account) {
            self.comings.pop_first();
        }
        self.comings.entry(*account).or_default().again(now, COMING_WINDOW) <= COMINGS
    }

    /// Those whom others have in the call, and not this device.
    pub(super) fn set_unknown(&mut self, now: Timestamp, unknown: impl Iterator<Item = DeviceId>) {
        let before = std::mem::take(&mut self.unknown);
        let since = |device: DeviceId| (device, before.get(&device).copied().unwrap_or(now));
        self.unknown = unknown.take(MAX_UNKNOWN).map(since).collect();
        let strange = self.unknown.iter().filter(|(_, since)| now.since(**since) >= STRANGE_AFTER);
        self.strangers = strange.map(|(device, _)| *device).collect();
    }

    /// Those of them who will not be met: they are blocked here, or there was no room.
    pub(super) fn strangers(&self) -> &[DeviceId] {
        &self.strangers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_comes_without_end() {
        let (mut door, now) = (Door::new(1), Timestamp(1_000_000));
        let (eve, bob) = (AccountId([1; 32]), AccountId([2; 32]));
        assert_eq!((0..100).filter(|_| door.may_come(now, &eve)).count(), 12);
        assert!(door.may_come(now, &bob));
        assert!(door.may_come(now + COMING_WINDOW, &eve));
    }

    #[test]
    fn who_is_met_is_no_stranger() {
        let (mut door, now) = (Door::new(1), Timestamp(1_000_000));
        let (one, two) = (DeviceId([1; 32]), DeviceId([2; 32]));
        door.set_unknown(now, [one, two].into_iter());
        door.set_unknown(now + Span::from_secs(4), [one, two].into_iter());
        assert_eq!(door.strangers(), [], "they may be on their way");
        door.set_unknown(now + Span::from_secs(5), [two].into_iter());
        assert_eq!(door.strangers(), [two]);
        door.set_unknown(now + Span::from_secs(6), [].into_iter());
        assert_eq!(door.strangers(), []);
    }
}
