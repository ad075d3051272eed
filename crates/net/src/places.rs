//! Who has a place in the routing table of the DHT, and from which network. Whoever has many keys in one network could otherwise fill
//! the buckets around a record, and then say that there is none. Not here: the table itself (`libp2p::kad`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

use libp2p::PeerId;

use crate::address;
use crate::address::Reach;
use crate::network::Network;
use crate::network::networks_of;

/// Nodes of one site (a /24 or a /48) in one bucket.
const PER_SITE: usize = 2;

/// Places that are remembered before those that the table has given up are forgotten. A table of 256 buckets with 20
/// nodes is never full: half of the network is in the first bucket, half of what is left in the next.
const MAX_PLACES: usize = 4_096;

/// Whether a node may have a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is one.
    Free,
    /// It gets that of a node of its site that could not be reached.
    InPlaceOf(PeerId),
    /// Its site has enough.
    Taken,
}

/// Where the nodes in the table are.
#[derive(Default)]
pub(crate) struct Places {
    sites: BTreeMap<PeerId, Network>,
    /// Those that did not answer at any address when they were last dialled.
    unreached: BTreeSet<PeerId>,
}

/// The site that counts for a node at an address. On this machine and in a house everybody is in the same one, and whoever is
/// behind a router that hides where others come from sees them there too.
pub(crate) fn site_of(ip: IpAddr) -> Option<Network> {
    (address::reach_of_ip(ip) == Reach::Global).then(|| networks_of(ip)[1])
}

impl Places {
    /// Whether a node from `site` may be in a bucket with these others.
    pub(crate) fn verdict(&self, peer: &PeerId, site: Network, others: &[PeerId]) -> Verdict {
        let of_site = others.iter().filter(|other| *other != peer && self.sites.get(other) == Some(&site));
        let of_site: Vec<&PeerId> = of_site.collect();
        if of_site.len() < PER_SITE {
            return Verdict::Free;
        }
        let gone = of_site.into_iter().find(|other| self.unreached.contains(other));
        gone.map_or(Verdict::Taken, |gone| Verdict::InPlaceOf(*gone))
    }

    /// A node has a place; `site` is where it was seen, if that counts.
    pub(crate) fn take(
        &mut self,
        peer: PeerId,
        site: Option<Network>,
        table: impl FnOnce() -> BTreeSet<PeerId>,
    ) {
        self.unreached.remove(&peer);
        match site {
            Some(site) => drop(self.sites.insert(peer, site)),
            None => drop(self.sites.remove(&peer)),
        }
        if self.sites.len() > MAX_PLACES {
            let table = table();
            self.sites.retain(|peer, _| table.contains(peer));
            self.unreached.retain(|peer| table.contains(peer));
        }
    }

    /// A node lost its place.
    pub(crate) fn give_up(&mut self, peer: &PeerId) {
        self.sites.remove(peer);
        self.unreached.remove(peer);
    }

    /// A node could not be dialled.
    pub(crate) fn not_reached(&mut self, peer: &PeerId) {
        if self.sites.contains_key(peer) {
            self.unreached.insert(*peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(ip: &str) -> Network {
        site_of(ip.parse().unwrap()).unwrap()
    }

    fn no_table() -> BTreeSet<PeerId> {
        panic!("there are few")
    }

    #[test]
    fn one_network_does_not_fill_a_bucket() {
        let mut places = Places::default();
        let [honest, second, third, other] = [(); 4].map(|()| PeerId::random());
        let here = site("192.0.2.1");
        for peer in [honest, second] {
            assert_eq!(places.verdict(&peer, here, &[honest]), Verdict::Free);
            places.take(peer, Some(here), no_table);
        }
        let bucket = [honest, second];
        assert_eq!(places.verdict(&third, site("192.0.2.200"), &bucket), Verdict::Taken);
        assert_eq!(places.verdict(&third, here, &[honest]), Verdict::Free, "in another bucket");
        assert_eq!(places.verdict(&other, site("198.51.100.1"), &bucket), Verdict::Free);
        assert_eq!(places.verdict(&second, here, &bucket), Verdict::Free, "it has its place already");
        places.not_reached(&honest);
        assert_eq!(places.verdict(&third, here, &bucket), Verdict::InPlaceOf(honest));
        places.take(honest, Some(here), no_table);
        assert_eq!(places.verdict(&third, here, &bucket), Verdict::Taken, "it was away for a moment");
        places.give_up(&second);
        assert_eq!(places.verdict(&third, here, &bucket), Verdict::Free);
    }

    #[test]
    fn a_provider_with_a_prefix_of_ipv6_is_one_site() {
        assert_eq!(site("2001:4860:1:2::3"), site("2001:4860:1:9::7"));
        assert_ne!(site("2001:4860:1:2::3"), site("2001:4860:2:2::3"));
    }

    #[test]
    fn in_a_house_and_on_one_machine_there_is_no_share() {
        for ip in ["127.0.0.1", "192.168.1.7", "10.1.2.3", "fd00::1"] {
            assert_eq!(site_of(ip.parse().unwrap()), None, "{ip}");
        }
    }

    #[test]
    fn what_the_table_gave_up_is_forgotten() {
        let mut places = Places::default();
        let there = PeerId::random();
        places.take(there, Some(site("192.0.2.1")), no_table);
        for number in 0..2 * u32::try_from(MAX_PLACES).unwrap() {
            let ip = IpAddr::V4((0x2000_0000 + (number << 8)).into());
            places.take(PeerId::random(), site_of(ip), || BTreeSet::from([there]));
        }
        assert!(places.sites.len() <= MAX_PLACES && places.sites.contains_key(&there));
    }
}
