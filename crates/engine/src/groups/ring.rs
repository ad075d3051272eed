//! Who has whom for a neighbour in a group that is too large for everybody to connect with everybody.
//!
//! ```text
//!  devices by hash of group and device, in a ring:  … ─ x ─ 1 ─ 2 ─ 3 ─ 4 ─ · ─ · ─ f ─ · ─ · · ─ f ─ · · · · · ─ f ─ …
//!                        x dials the next four, and who comes first after 1/2, 1/4, 1/8 … of the ring
//! ```
//!
//! Each finger halves what is left of the way, so from anybody to anybody it takes as many steps as the number of devices has
//! binary digits, and four in a row have to be away before the ring has a gap. Everybody computes the same from the same log.
//! Who comes or goes changes the neighbours of some twenty devices, whatever the size of the group: places are parts of the ring, not
//! numbers of devices.

use std::collections::BTreeSet;

use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;

/// So many who come next are neighbours, besides the fingers.
const NEXT: usize = 4;

/// The devices of a group in their order.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    group: GroupId,
    order: Vec<(u64, DeviceId)>,
}

impl Default for Ring {
    fn default() -> Self {
        Self { group: GroupId([0; 32]), order: Vec::new() }
    }
}

impl Ring {
    /// The ring of a group with these devices.
    pub(crate) fn new(group: &GroupId, devices: impl IntoIterator<Item = DeviceId>) -> Self {
        let placed = |device| (place(group, &device), device);
        let mut order: Vec<(u64, DeviceId)> = devices.into_iter().map(placed).collect();
        order.sort_unstable();
        order.dedup();
        Self { group: *group, order }
    }

    /// Whether nobody is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whom a device dials: the next four and so many more, and its fingers.
    pub(crate) fn dialled_by(&self, device: &DeviceId, more: usize) -> BTreeSet<DeviceId> {
        let Some(index) = self.index(device) else { return BTreeSet::new() };
        let next = (1..=NEXT + more).filter_map(|distance| self.at(index + distance));
        let own = place(&self.group, device);
        let fingers = spans().filter_map(|span| self.at(self.first_from(own.wrapping_add(span))));
        next.chain(fingers).filter(|other| other != device).collect()
    }

    /// Who dials a device.
    pub(crate) fn dialling(&self, device: &DeviceId) -> BTreeSet<DeviceId> {
        let (count, own) = (self.order.len(), place(&self.group, device));
        let Some(index) = self.index(device) else { return BTreeSet::new() };
        let previous = (1..=NEXT.min(count)).filter_map(|distance| self.at(index + count - distance));
        let mut found: BTreeSet<DeviceId> = previous.collect();
        let Some((before, _)) = self.order.get((index + count - 1) % count).copied() else { return found };
        for span in spans() {
            // Whoever's finger points after the one before us, and not after us.
            let (from, upto) = (before.wrapping_sub(span).wrapping_add(1), own.wrapping_sub(span));
            let first = self.first_from(from);
            let there = (first..first + count).filter_map(|at| self.order.get(at % count));
            let points = |(there, _): &&(u64, DeviceId)| there.wrapping_sub(from) <= upto.wrapping_sub(from);
            found.extend(there.take_while(points).map(|(_, device)| *device));
        }
        found.remove(device);
        found
    }

    /// Whether one of two dials the other.
    pub(crate) fn are_neighbours(&self, one: &DeviceId, other: &DeviceId) -> bool {
        self.dialled_by(one, 0).contains(other) || self.dialled_by(other, 0).contains(one)
    }

    fn index(&self, device: &DeviceId) -> Option<usize> {
        self.order.binary_search(&(place(&self.group, device), *device)).ok()
    }

    /// The first at a place or after it; after the last comes the first again.
    fn first_from(&self, place: u64) -> usize {
        self.order.partition_point(|(there, _)| *there < place)
    }

    fn at(&self, index: usize) -> Option<DeviceId> {
        self.order.get(index.checked_rem(self.order.len())?).map(|(_, device)| *device)
    }
}

/// Half of the ring, a quarter and so on.
fn spans() -> impl Iterator<Item = u64> {
    (0..u64::BITS).rev().map(|bit| 1 << bit)
}

/// Where in the ring a device is.
fn place(group: &GroupId, device: &DeviceId) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("kith group ring v1");
    hasher.update(&group.0);
    hasher.update(&device.0);
    let first = hasher.finalize().as_bytes().first_chunk().copied();
    u64::from_be_bytes(first.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: u16) -> DeviceId {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&number.to_le_bytes());
        DeviceId(id)
    }

    fn ring(count: u16) -> Ring {
        Ring::new(&GroupId([1; 32]), (0..count).map(device))
    }

    #[test]
    fn in_a_thousand_everybody_has_about_twenty_neighbours() {
        let ring = ring(1_000);
        let mut all = Vec::new();
        for own in (0..1_000).map(device) {
            let (out, into) = (ring.dialled_by(&own, 0), ring.dialling(&own));
            assert!((9..=14).contains(&out.len()), "{} dialled", out.len());
            assert!(out.iter().all(|other| ring.dialling(other).contains(&own)));
            assert!(into.iter().all(|other| ring.dialled_by(other, 0).contains(&own)));
            assert!(out.iter().chain(&into).all(|other| ring.are_neighbours(&own, other)));
            assert!(!ring.are_neighbours(&own, &own));
            all.push(out.union(&into).count());
        }
        assert!(all.iter().max() < Some(&80), "at most {:?}", all.iter().max());
        assert!(all.iter().sum::<usize>() / all.len() <= 24);
    }

    #[test]
    fn everybody_is_reached_in_as_many_steps_as_there_are_digits() {
        let ring = ring(1_000);
        let mut reached = BTreeSet::from([device(0)]);
        let mut steps = 0;
        while reached.len() < 1_000 {
            reached = reached.iter().flat_map(|one| ring.dialled_by(one, 0)).chain(reached.clone()).collect();
            steps += 1;
        }
        assert!(steps <= 10, "{steps} steps");
    }

    #[test]
    fn who_comes_changes_the_neighbours_of_few() {
        let (before, after) = (ring(1_000), ring(1_001));
        let others = |own: &DeviceId| before.dialled_by(own, 0) != after.dialled_by(own, 0);
        let moved = (0..1_000).map(device).filter(others).count();
        assert!(moved < 60, "{moved} have other neighbours");
    }

    #[test]
    fn small_rings_and_strangers_are_no_trouble() {
        assert!(ring(0).dialled_by(&device(1), 64).is_empty());
        assert!(ring(0).dialling(&device(1)).is_empty());
        assert!(ring(1).dialled_by(&device(0), 64).is_empty());
        assert!(ring(1).dialling(&device(0)).is_empty());
        assert_eq!(ring(3).dialled_by(&device(0), 0).len(), 2);
        assert!(ring(9).dialling(&device(99)).is_empty());
        assert!(!ring(9).are_neighbours(&device(99), &device(1)));
        assert!(ring(100).dialled_by(&device(0), 16).len() >= 20);
    }
}
