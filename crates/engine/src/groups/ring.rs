//! Who has whom for a neighbour in a group that is too large for everybody to connect with everybody.
//!
//! ```text
//!  devices by hash of group and device, in a ring:   … ─ x ─ 1 ─ 2 ─ 3 ─ 4 ─ · ─ · ─ · ─ 8 ─ · · · ─ 16 ─ …
//!                                                        └── x dials those at 1, 2, 4, 8 … and the next four
//! ```
//!
//! Half of the ring is halved with each finger, so from anybody to anybody it takes as many steps as the number of devices has
//! binary digits, and four in a row have to be away before the ring has a gap. Everybody computes the same from the same log.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;

/// So many who come next are neighbours, besides those at distances that are powers of two.
const NEXT: usize = 4;

/// The devices of a group in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    order: Vec<DeviceId>,
    places: BTreeMap<DeviceId, usize>,
}

impl Ring {
    /// The ring of a group with these devices.
    pub(crate) fn new(group: &GroupId, devices: impl IntoIterator<Item = DeviceId>) -> Self {
        let mut named: Vec<([u8; 32], DeviceId)> =
            devices.into_iter().map(|device| (hash(group, &device), device)).collect();
        named.sort_unstable();
        named.dedup();
        let order: Vec<DeviceId> = named.into_iter().map(|(_, device)| device).collect();
        let places = order.iter().enumerate().map(|(place, device)| (*device, place)).collect();
        Self { order, places }
    }

    /// Whom a device dials: at distances 1, 2, 4 and so on, the next four, and so many more who come after those.
    pub(crate) fn dialled_by(&self, device: &DeviceId, more: usize) -> BTreeSet<DeviceId> {
        self.at(device, distances(self.order.len(), more))
    }

    /// Who dials a device.
    pub(crate) fn dialling(&self, device: &DeviceId) -> BTreeSet<DeviceId> {
        let count = self.order.len();
        self.at(device, distances(count, 0).into_iter().map(|distance| count - distance))
    }

    /// Whether one of two dials the other.
    pub(crate) fn are_neighbours(&self, one: &DeviceId, other: &DeviceId) -> bool {
        let count = self.order.len();
        let (Some(one), Some(other)) = (self.places.get(one), self.places.get(other)) else { return false };
        let ahead = (other + count - one) % count;
        ahead != 0 && [ahead, count - ahead].iter().any(|distance| is_near(*distance))
    }

    fn at(&self, device: &DeviceId, distances: impl IntoIterator<Item = usize>) -> BTreeSet<DeviceId> {
        let Some(place) = self.places.get(device) else { return BTreeSet::new() };
        let there = |distance: usize| self.order.get((place + distance) % self.order.len()).copied();
        let mut found: BTreeSet<DeviceId> = distances.into_iter().filter_map(there).collect();
        found.remove(device);
        found
    }
}

fn is_near(distance: usize) -> bool {
    distance <= NEXT || distance.is_power_of_two()
}

/// The distances of neighbours in a ring of so many.
fn distances(count: usize, more: usize) -> Vec<usize> {
    (1..count).filter(|distance| is_near(*distance) || *distance <= NEXT + more).collect()
}

fn hash(group: &GroupId, device: &DeviceId) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("kith group ring v1");
    hasher.update(&group.0);
    hasher.update(&device.0);
    *hasher.finalize().as_bytes()
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
        for own in (0..1_000).map(device) {
            let (out, into) = (ring.dialled_by(&own, 0), ring.dialling(&own));
            assert_eq!((out.len(), into.len()), (11, 11));
            assert!(out.iter().all(|other| ring.dialling(other).contains(&own)));
            assert!(out.iter().chain(&into).all(|other| ring.are_neighbours(&own, other)));
            assert!(!ring.are_neighbours(&own, &own));
        }
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
    fn small_rings_and_strangers_are_no_trouble() {
        assert!(ring(0).dialled_by(&device(1), 64).is_empty());
        assert!(ring(1).dialled_by(&device(0), 64).is_empty());
        assert_eq!(ring(3).dialled_by(&device(0), 0).len(), 2);
        assert!(ring(9).dialling(&device(99)).is_empty());
        assert!(!ring(9).are_neighbours(&device(99), &device(1)));
        assert_eq!(ring(100).dialled_by(&device(0), 16).len(), 20 + 2, "1 to 20, 32 and 64");
    }
}
