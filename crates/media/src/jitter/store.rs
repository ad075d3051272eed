//! Packets that wait to be played, each in the slot of its number. The bytes of a slot are used again, so nothing is allocated for
//! a packet once each slot was used.

#[derive(Debug)]
pub(super) struct Store {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    place: Option<u64>,
    pub(super) stamp: i64,
    pub(super) payload: Vec<u8>,
}

impl Store {
    pub(super) fn new() -> Self {
        Self { slots: vec![Slot::default(); SLOTS as usize] }
    }

    /// Keeps a packet unless there is one of its number; says whether it did.
    pub(super) fn put(&mut self, place: u64, stamp: i64, payload: &[u8]) -> bool {
        let Some(slot) = self.slots.get_mut((place % SLOTS) as usize) else { return false };
        if slot.place == Some(place) {
            return false;
        }
        slot.place = Some(place);
        slot.stamp = stamp;
        slot.payload.clear();
        slot.payload.extend_from_slice(payload);
        true
    }

    pub(super) fn get(&self, place: u64) -> Option<&Slot> {
        self.slots.get((place % SLOTS) as usize).filter(|slot| slot.place == Some(place))
    }

    pub(super) fn remove(&mut self, place: u64) {
        if let Some(slot) =
            self.slots.get_mut((place % SLOTS) as usize).filter(|slot| slot.place == Some(place))
        {
            slot.place = None;
        }
    }

    /// The first packet at or after a place.
    pub(super) fn next(&self, place: u64) -> Option<u64> {
        (place..place.saturating_add(SLOTS)).find(|place| self.get(*place).is_some())
    }

    pub(super) fn clear(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.place = None);
    }
}

/// Five seconds of packets of 20 ms: far more than the longest delay.
pub(super) const SLOTS: u64 = 256;
