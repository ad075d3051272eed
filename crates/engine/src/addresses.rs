//! Where others find this device: its own addresses, and which of them are told.
//!
//! Not here: when they are told (`presence`, `links`), and where others are (`peers`).

use std::collections::BTreeSet;

use kith_proto::address::DeviceAddress;
use kith_proto::address::MAX_ADDRESSES;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::id::DeviceId;

use crate::input::AddressRank;

/// Of the addresses told, so many may be such as relays lend when there are more direct ones than fit.
const RELAYED_ADDRESSES: usize = 4;

/// The own addresses, best first.
#[derive(Default)]
pub(crate) struct Addresses(BTreeSet<(AddressRank, Multiaddress)>);

impl Addresses {
    /// Adds one. Returns whether it is new.
    pub(crate) fn add(&mut self, rank: AddressRank, address: Multiaddress) -> bool {
        self.0.len() < MAX_ADDRESSES * 4 && self.0.insert((rank, address))
    }

    /// Takes one out. Returns whether it was there.
    pub(crate) fn remove(&mut self, address: &Multiaddress) -> bool {
        let before = self.0.len();
        self.0.retain(|(_, own)| own != address);
        self.0.len() != before
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Multiaddress> {
        self.0.iter().map(|(_, address)| address)
    }

    /// Those to tell others, best first. However many direct ones there are, some room is left for those that relays
    /// lend.
    pub(crate) fn told(&self) -> BoundedVec<Multiaddress, MAX_ADDRESSES> {
        let (direct, relayed) = self.worth_telling();
        let most = MAX_ADDRESSES - relayed.len().min(RELAYED_ADDRESSES);
        BoundedVec::truncated(direct.into_iter().take(most).chain(relayed).cloned().collect())
    }

    /// Those that an invite names, best first: one that a relay lends comes second.
    pub(crate) fn for_invite(&self, device: DeviceId) -> impl Iterator<Item = DeviceAddress> {
        let (direct, relayed) = self.worth_telling();
        let mut direct = direct.into_iter();
        let best: Vec<_> = direct.next().into_iter().chain(relayed.into_iter().take(1)).collect();
        best.into_iter().chain(direct).map(move |address| DeviceAddress { device, address: address.clone() })
    }

    /// Direct ones, and those that relays lend. Loopback only when there is no better direct one.
    fn worth_telling(&self) -> (Vec<&Multiaddress>, Vec<&Multiaddress>) {
        let reachable = self.0.iter().any(|(rank, _)| *rank < AddressRank::Loopback);
        let worth = |relayed: bool| {
            let own = self.0.iter().filter(|(rank, _)| !reachable || *rank != AddressRank::Loopback);
            own.filter(move |(rank, _)| (*rank == AddressRank::Relayed) == relayed)
                .map(|(_, own)| own)
                .collect()
        };
        (worth(false), worth(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u8) -> Multiaddress {
        Multiaddress::new(vec![number]).expect("one byte is short enough")
    }

    fn own(ranks: &[(AddressRank, u8)]) -> Addresses {
        let mut own = Addresses::default();
        assert!(ranks.iter().all(|(rank, number)| own.add(*rank, address(*number))));
        own
    }

    #[test]
    fn many_direct_addresses_leave_room_for_lent_ones() {
        let direct = (0..9).map(|number| (AddressRank::Local, number));
        let lent = (20..22).map(|number| (AddressRank::Relayed, number));
        let own = own(&direct.chain(lent).collect::<Vec<_>>());
        let told: Vec<_> = [0, 1, 2, 3, 4, 5, 20, 21].map(address).to_vec();
        assert_eq!(own.told().into_inner(), told);
    }

    #[test]
    fn this_machine_is_told_only_when_there_is_nothing_else() {
        let mut own = own(&[(AddressRank::Loopback, 1), (AddressRank::Relayed, 2), (AddressRank::Local, 3)]);
        assert_eq!(own.told().into_inner(), [address(3), address(2)]);
        assert!(own.remove(&address(3)));
        assert_eq!(own.told().into_inner(), [address(1), address(2)], "a lent one does not count as another");
    }

    #[test]
    fn an_invite_names_a_direct_address_and_then_a_lent_one() {
        let own = own(&[
            (AddressRank::Global, 1),
            (AddressRank::Local, 2),
            (AddressRank::Relayed, 3),
            (AddressRank::Relayed, 4),
        ]);
        let named: Vec<_> = own.for_invite(DeviceId([7; 32])).map(|named| named.address).collect();
        assert_eq!(named, [address(1), address(3), address(2)]);
    }
}
