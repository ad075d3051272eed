//! What the network has measured about where this device stands: how routers treat it, what community nodes and the DHT
//! answered. For a person who asks why nobody can be reached; nothing here decides anything.
//!
//! Facts only: what was not measured says so. Written by the swarm's task when it happens, read by whoever holds
//! [`Net`](crate::Net).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use crate::address;
use crate::address::Reach;

/// Tests that are remembered: as many as a device has addresses that may be asked about.
const MAX_TESTS: usize = 16;

/// Nodes whose word about our address is remembered.
const MAX_OBSERVERS: usize = 16;

/// What was measured. Times are of this device's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// How the way out translates addresses.
    pub mapping: Mapping,
    /// The last test of each own address by a community node.
    pub tests: Vec<Test>,
    /// Whether the router lends a port.
    pub upnp: Upnp,
    /// When a record of ours was last stored by others.
    pub published_at: Option<Timestamp>,
    /// When nobody could be found to store one.
    pub publish_failed_at: Option<Timestamp>,
    /// When the DHT was last asked for a record, to the end.
    pub looked_up_at: Option<Timestamp>,
    /// When it last had one.
    pub found_at: Option<Timestamp>,
    /// The connected community nodes.
    pub nodes: BTreeMap<DeviceId, NodeFacts>,
}

/// A test whether an address can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Where.
    pub address: Multiaddress,
    /// Whether it was.
    pub reached: bool,
    /// When.
    pub at: Timestamp,
}

/// What was measured of a community node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// The last ping there and back, in milliseconds, rounded up.
    pub round_trip_ms: Option<u32>,
    /// Since when it keeps a place for us as a relay.
    pub reserved_since: Option<Timestamp>,
}

/// How a router on the way out translates addresses, as nodes at two places see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mapping {
    /// Fewer than two nodes at different places have told.
    #[default]
    Unknown,
    /// It does not: they see an address of this device.
    None,
    /// They see the same address and port: a hole can be punched.
    Same,
    /// Each sees another: a symmetric NAT, through which no hole leads.
    Differs,
}

/// What the router said when it was asked for a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Upnp {
    /// It is not asked.
    #[default]
    Off,
    /// It is being asked.
    Asked {
        /// Since when.
        since: Timestamp,
    },
    /// It lends a port.
    Mapped,
    /// There is no router that lends any.
    NoGateway,
    /// It would, and is itself behind another.
    NotPublic,
    /// It took the port back.
    Lost,
}

/// The facts, shared between the task that writes and those who read.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    facts: Mutex<Facts>,
}

impl Shared {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn change(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read(&self) -> Facts {
        self.change().clone()
    }
}

impl Facts {
    /// Notes a test; the newest of each address counts.
    pub(crate) fn tested(&mut self, test: Test) {
        self.tests.retain(|other| other.address != test.address);
        self.tests.push(test);
        if self.tests.len() > MAX_TESTS {
            self.tests.remove(0);
        }
    }
}

/// What nodes said they see this device at, by where they are and over what.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    seen: BTreeMap<(bool, IpAddr), Multiaddr>,
}

impl Observed {
    /// A node sees us at an address, on a connection that left from a listening port.
    pub(crate) fn note(&mut self, node: &Multiaddr, seen: &Multiaddr) {
        let Some(at) = address::ip_of(node).filter(|ip| ip.is_ipv4() && !ip.is_loopback()) else { return };
        let is_udp = |address: &Multiaddr| address.iter().any(|part| matches!(part, Protocol::Udp(_)));
        let key = (is_udp(node), at);
        if is_udp(seen) == key.0 && (self.seen.len() < MAX_OBSERVERS || self.seen.contains_key(&key)) {
            self.seen.insert(key, seen.clone());
        }
    }

    /// The network is another: what was seen in the old one says nothing.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }

    /// What follows for the way out. Only nodes that are equally far are compared: one in the house sees past the router.
    pub(crate) fn mapping(&self, is_own: impl Fn(&Multiaddr) -> bool) -> Mapping {
        let mut found = Mapping::Unknown;
        for reach in [Reach::Local, Reach::Global] {
            for is_udp in [false, true] {
                let seen = self.seen.iter();
                let group =
                    seen.filter(|((udp, at), _)| *udp == is_udp && address::reach_of_ip(*at) == reach);
                let places: Vec<_> = group.map(|(_, seen)| endpoint(seen)).collect();
                let (Some(first), true) = (places.first(), places.len() >= 2) else { continue };
                let same = places.iter().all(|place| place == first);
                found = match (same, self.seen.values().find(|seen| endpoint(seen) == *first)) {
                    (false, _) => return Mapping::Differs,
                    (true, Some(seen)) if is_own(seen) => Mapping::None,
                    (true, _) => Mapping::Same,
                };
            }
        }
        found
    }
}

fn endpoint(address: &Multiaddr) -> (Option<IpAddr>, Option<u16>) {
    let port = address.iter().find_map(|part| match part {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(port),
        _ => None,
    });
    (address::ip_of(address), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(words: &[(&str, &str)]) -> Observed {
        let mut observed = Observed::default();
        for (node, seen) in words {
            observed.note(&node.parse().unwrap(), &seen.parse().unwrap());
        }
        observed
    }

    #[test]
    fn one_node_cannot_tell_how_a_router_translates() {
        let one = observed(&[("/ip4/198.51.100.1/tcp/4001", "/ip4/203.0.113.9/tcp/700")]);
        assert_eq!(one.mapping(|_| false), Mapping::Unknown);
        let here = [
            ("/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/7"),
            ("/ip4/127.0.0.1/tcp/2", "/ip4/127.0.0.1/tcp/8"),
        ];
        assert_eq!(observed(&here).mapping(|_| false), Mapping::Unknown);
    }

    #[test]
    fn two_places_tell_whether_it_is_the_same_for_all() {
        let (one, two) = ("/ip4/198.51.100.1/udp/4001/quic-v1", "/ip4/192.0.2.1/udp/4001/quic-v1");
        let (seen, other) = ("/ip4/203.0.113.9/udp/700/quic-v1", "/ip4/203.0.113.9/udp/701/quic-v1");
        assert_eq!(observed(&[(one, seen), (two, seen)]).mapping(|_| false), Mapping::Same);
        assert_eq!(observed(&[(one, seen), (two, seen)]).mapping(|_| true), Mapping::None);
        let mut differs = observed(&[(one, seen), (two, other)]);
        assert_eq!(differs.mapping(|_| false), Mapping::Differs);
        differs.forget();
        assert_eq!(differs.mapping(|_| false), Mapping::Unknown);
    }

    #[test]
    fn a_node_in_the_house_is_not_compared_with_one_outside() {
        let mixed = [
            ("/ip4/192.168.1.5/tcp/4001", "/ip4/192.168.1.7/tcp/700"),
            ("/ip4/198.51.100.1/tcp/4001", "/ip4/203.0.113.9/tcp/900"),
        ];
        assert_eq!(observed(&mixed).mapping(|_| false), Mapping::Unknown);
    }

    #[test]
    fn tests_and_observers_are_bounded() {
        let (mut facts, mut observed) = (Facts::default(), Observed::default());
        for number in 1..=200_u8 {
            let address = Multiaddress::new(vec![number]).unwrap();
            facts.tested(Test { address, reached: true, at: Timestamp(1) });
            let node = format!("/ip4/198.51.100.{number}/tcp/1").parse().unwrap();
            observed.note(&node, &"/ip4/203.0.113.9/tcp/1".parse().unwrap());
        }
        assert_eq!((facts.tests.len(), observed.seen.len()), (MAX_TESTS, MAX_OBSERVERS));
    }
}
