//! Where the records came from that are kept for others, and who may bring more. Device ids cost nothing, addresses do:
//! so networks share the room. When it is full, the network with the most makes room for one with less, so nobody who
//! has few addresses can keep others out.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use libp2p::PeerId;
use libp2p::kad::RecordKey;

use crate::network::Network;

/// New records that one peer may bring between two sweeps: a household renews two for each device and day.
const PER_PEER: u32 = 128;

/// The same from one IPv4 address or /64: a school behind one address whose day begins.
const PER_HOST: u32 = 1_024;

/// The same from one /24 or /48: some such schools, and a twentieth of the room.
const PER_SITE: u32 = 4_096;

/// Who brings records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bringer {
    Peer(PeerId),
    Network(Network),
}

/// What is held, by the site that it came from. What was there at the start came from nowhere, which is a site too.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Grows with each record that comes, so the least is the oldest.
    next: u64,
    records: HashMap<RecordKey, (Option<Network>, u64)>,
    sites: BTreeMap<Option<Network>, BTreeMap<u64, RecordKey>>,
    /// The sites by what they have.
    sizes: BTreeSet<(usize, Option<Network>)>,
    /// New records since the last sweep.
    brought: BTreeMap<Bringer, u32>,
}

impl Held {
    /// Whether one more new record may come from here before the next sweep. Counts it.
    pub(crate) fn may_bring(&mut self, peer: PeerId, networks: Option<[Network; 2]>) -> bool {
        // Behind a proxy everybody seems to be this machine.
        let [host, site] =
            networks.filter(|[host, _]| !host.is_here()).map_or([None; 2], |both| both.map(Some));
        let shares = [
            (Some(Bringer::Peer(peer)), PER_PEER),
            (host.map(Bringer::Network), PER_HOST),
            (site.map(Bringer::Network), PER_SITE),
        ];
        let shares = shares.into_iter().filter_map(|(bringer, most)| Some((bringer?, most)));
        if shares
            .clone()
            .any(|(bringer, most)| self.brought.get(&bringer).is_some_and(|count| *count >= most))
        {
            return false;
        }
        shares.for_each(|(bringer, _)| *self.brought.entry(bringer).or_default() += 1);
        true
    }

    /// A new time begins for everybody's share.
    pub(crate) fn sweep(&mut self) {
        self.brought.clear();
    }

    /// A record came, new or renewed: it belongs to who brought it last, and is the youngest.
    pub(crate) fn put(&mut self, key: &RecordKey, site: Option<Network>) {
        self.remove(key);
        self.next += 1;
        self.records.insert(key.clone(), (site, self.next));
        self.resize(site, |records, next| drop(records.insert(next, key.clone())));
    }

    /// A record is not kept any more.
    pub(crate) fn remove(&mut self, key: &RecordKey) {
        if let Some((site, number)) = self.records.remove(key) {
            self.resize(site, |records, _| drop(records.remove(&number)));
        }
    }

    /// Which record makes room for a new one from this site, if any: the oldest of who has the most, unless that is
    /// the site itself or one with as many.
    pub(crate) fn gives_way(&self, site: Option<Network>) -> Option<RecordKey> {
        let (most, largest) = self.sizes.last()?;
        let own = self.sites.get(&site).map_or(0, BTreeMap::len);
        // With one more each has as many: then the two would take turns for ever.
        if *most <= own + 1 {
            return None;
        }
        self.sites.get(largest)?.values().next().cloned()
    }

    fn resize(&mut self, site: Option<Network>, change: impl FnOnce(&mut BTreeMap<u64, RecordKey>, u64)) {
        let records = self.sites.entry(site).or_default();
        self.sizes.remove(&(records.len(), site));
        change(records, self.next);
        match records.len() {
            0 => drop(self.sites.remove(&site)),
            left => drop(self.sizes.insert((left, site))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::networks_of;

    fn networks(ip: &str) -> [Network; 2] {
        networks_of(ip.parse().unwrap())
    }

    fn site(ip: &str) -> Option<Network> {
        Some(networks(ip)[1])
    }

    fn key(number: u32) -> RecordKey {
        RecordKey::new(&number.to_be_bytes())
    }

    /// Fills what is held up to `most`, as the task does. Returns whether the record is kept.
    fn bring(held: &mut Held, most: usize, number: u32, from: &str) -> bool {
        if held.records.len() >= most {
            let Some(gone) = held.gives_way(site(from)) else { return false };
            held.remove(&gone);
        }
        held.put(&key(number), site(from));
        true
    }

    fn count(held: &Held, from: &str) -> usize {
        held.sites.get(&site(from)).map_or(0, BTreeMap::len)
    }

    #[test]
    fn a_flood_from_one_network_makes_room_for_everybody_else() {
        let mut held = Held::default();
        assert!((0..100).all(|number| bring(&mut held, 100, number, &format!("203.0.113.{number}"))));
        assert!(!bring(&mut held, 100, 100, "203.0.113.7"), "who has all of it gets no more");
        assert!((200..220).all(|number| bring(&mut held, 100, number, "2001:db8:1::1")), "another does");
        assert!((300..320).all(|number| bring(&mut held, 100, number, "192.0.2.1")));
        assert_eq!([count(&held, "203.0.113.1"), count(&held, "2001:db8:1:ffff::2")], [60, 20]);
        assert!((0..40).all(|number| !held.records.contains_key(&key(number))), "the oldest went");
        assert!(held.records.contains_key(&key(40)) && held.records.len() == 100);
    }

    #[test]
    fn all_end_with_as_many_and_then_nobody_takes_from_anybody() {
        let mut held = Held::default();
        let hosts = ["203.0.113.1", "192.0.2.1", "198.51.100.1"];
        for number in 0..3_000 {
            bring(&mut held, 30, number, hosts[number as usize % 2]);
        }
        assert_eq!(hosts.map(|host| count(&held, host)), [15, 15, 0]);
        assert!((5_000..5_100).filter(|number| bring(&mut held, 30, *number, hosts[2])).count() == 10);
        let mut all = hosts.map(|host| count(&held, host));
        all.sort_unstable();
        assert_eq!(all, [10, 10, 10]);
        assert!(hosts.iter().all(|host| !bring(&mut held, 30, 9_000, host)));
    }

    #[test]
    fn a_renewed_record_is_of_who_renewed_it_and_the_youngest() {
        let mut held = Held::default();
        held.put(&key(1), None);
        held.put(&key(2), None);
        held.put(&key(3), None);
        held.put(&key(1), None);
        assert_eq!(held.gives_way(site("192.0.2.1")), Some(key(2)), "from before the start, the oldest");
        held.put(&key(2), site("192.0.2.1"));
        assert_eq!(held.gives_way(site("198.51.100.1")), Some(key(3)));
        [1, 2, 3].iter().for_each(|number| held.remove(&key(*number)));
        assert!(held.records.is_empty() && held.sites.is_empty() && held.sizes.is_empty());
        assert_eq!(held.gives_way(None), None);
    }

    #[test]
    fn new_ids_bring_no_more_from_the_same_network() {
        let mut held = Held::default();
        let mut bring = |ips: &mut dyn Iterator<Item = String>| {
            ips.filter(|ip| held.may_bring(PeerId::random(), Some(networks(ip)))).count()
        };
        assert_eq!(bring(&mut (0..5_000).map(|_| "192.0.2.1".to_owned())), 1_024, "one address");
        assert_eq!(bring(&mut (0..5_000).map(|host| format!("192.0.2.{}", host % 250))), 3_072, "its /24");
        assert_eq!(bring(&mut (0..5_000).map(|host| format!("2001:db8:1:2::{host:x}"))), 1_024, "one /64");
        assert_eq!(bring(&mut (0..5_000).map(|net| format!("2001:db8:1:{net:x}::1"))), 3_072, "its /48");
        assert_eq!(bring(&mut (0..5_000).map(|_| "127.0.0.1".to_owned())), 5_000, "a proxy is no flood");
        let peer = PeerId::random();
        let from = |ip: &str| Some(networks(ip));
        assert!((0..128).all(|_| held.may_bring(peer, from("127.0.0.1"))));
        assert!(!held.may_bring(peer, from("198.51.100.1")), "one device, wherever it is");
        held.sweep();
        assert!(held.may_bring(peer, from("192.0.2.1")), "a new time");
    }
}
