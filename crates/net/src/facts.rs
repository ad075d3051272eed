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
use libp2p::swarm::ConnectionId;

use crate::address;
use crate::address::Reach;

/// Tests that are remembered: as many as a device has addresses that may be asked about.
const MAX_TESTS: usize = 16;

/// Connections over which a word about our address is remembered.
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
    /// When others last had a record of ours, as they were asked after it was sent.
    pub published_at: Option<Timestamp>,
    /// When nobody could be found to store one, or too few had it.
    pub publish_failed_at: Option<Timestamp>,
    /// When the DHT was last asked for a record, to the end.
    pub looked_up_at: Option<Timestamp>,
    /// When it last had one.
    pub found_at: Option<Timestamp>,
    /// How many connected nodes pass calls on, and lend what is needed for that.
    pub lenders: usize,
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
    /// Another one was asked: this device came to another network since, and libp2p looks for a router only once.
    Moved,
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

    /// An address of this machine is gone: what was measured over its kind of IP was measured in another network.
    pub(crate) fn left(&mut self, gone: IpAddr) {
        if gone.is_loopback() {
            return;
        }
        let ip_of =
            |test: &Test| address::to_libp2p(&test.address).and_then(|address| address::ip_of(&address));
        self.tests.retain(|test| ip_of(test).is_some_and(|ip| ip.is_ipv4() != gone.is_ipv4()));
        if gone.is_ipv4() {
            self.mapping = Mapping::Unknown;
            if self.upnp != Upnp::Off {
                self.upnp = Upnp::Moved;
            }
        }
    }

    /// This machine has a new address: that no router lent a port before says nothing about the one here.
    pub(crate) fn joined(&mut self, new: IpAddr) {
        let behind_router = new.is_ipv4() && address::reach_of_ip(new) == Reach::Local;
        if behind_router && matches!(self.upnp, Upnp::NoGateway | Upnp::NotPublic) {
            self.upnp = Upnp::Moved;
        }
    }

    /// A port that a router lent is lent no more. One in another network was left there, not taken back.
    pub(crate) fn lost_port(&mut self) {
        if self.upnp == Upnp::Mapped {
            self.upnp = Upnp::Lost;
        }
    }
}

/// What nodes said they see this device at, by the connection over which they did: with it ends what they know.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    seen: BTreeMap<ConnectionId, Sight>,
}

/// Where a node is, over what it is connected, and what it sees.
#[derive(Debug)]
struct Sight {
    udp: bool,
    node: IpAddr,
    seen: Multiaddr,
}

impl Observed {
    /// A node sees us at an address, on a connection that left from a listening port. Only what the world sees of us
    /// counts: a node in the house, or a way back into it, says nothing about the router.
    pub(crate) fn note(&mut self, connection: ConnectionId, node: &Multiaddr, seen: &Multiaddr) {
        let is_udp = |address: &Multiaddr| address.iter().any(|part| matches!(part, Protocol::Udp(_)));
        let global =
            |address| address::ip_of(address).filter(|ip| address::reach_of_ip(*ip) == Reach::Global);
        let (Some(at), Some(_)) = (global(node).filter(IpAddr::is_ipv4), global(seen)) else { return };
        let udp = is_udp(node);
        if is_udp(seen) == udp && (self.seen.len() < MAX_OBSERVERS || self.seen.contains_key(&connection)) {
            self.seen.insert(connection, Sight { udp, node: at, seen: seen.clone() });
        }
    }

    /// A connection has ended. Returns whether something was seen over it.
    pub(crate) fn ended(&mut self, connection: ConnectionId) -> bool {
        self.seen.remove(&connection).is_some()
    }

    /// The network is another: what was seen in the old one says nothing.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }

    /// What follows for the way out. Of several connections to one place the newest counts.
    pub(crate) fn mapping(&self, is_own: impl Fn(&Multiaddr) -> bool) -> Mapping {
        let mut found = Mapping::Unknown;
        for udp in [false, true] {
            let group = self.seen.values().filter(|sight| sight.udp == udp);
            let places: BTreeMap<IpAddr, &Multiaddr> = group.map(|sight| (sight.node, &sight.seen)).collect();
            let mut seen = places.into_values();
            let (Some(first), Some(second)) = (seen.next(), seen.next()) else { continue };
            let same = std::iter::once(second).chain(seen).all(|seen| endpoint(seen) == endpoint(first));
            found = match same {
                false => return Mapping::Differs,
                true if is_own(first) => Mapping::None,
                true => Mapping::Same,
            };
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

    const ONE: &str = "/ip4/198.51.100.1/udp/4001/quic-v1";
    const TWO: &str = "/ip4/192.0.2.1/udp/4001/quic-v1";
    const SEEN: &str = "/ip4/203.0.113.9/udp/700/quic-v1";
    const OTHER: &str = "/ip4/203.0.113.9/udp/701/quic-v1";

    /// The connections have the numbers from zero.
    fn observed(words: &[(&str, &str)]) -> Observed {
        let mut observed = Observed::default();
        for (number, (node, seen)) in words.iter().enumerate() {
            observed.note(connection(number), &node.parse().unwrap(), &seen.parse().unwrap());
        }
        observed
    }

    fn connection(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    fn at(text: &str) -> Multiaddress {
        address::parse(text).unwrap().0
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
        let twice = observed(&[(ONE, SEEN), (ONE, OTHER)]);
        assert_eq!(twice.mapping(|_| false), Mapping::Unknown, "two connections to one place are one place");
    }

    #[test]
    fn two_places_tell_whether_it_is_the_same_for_all() {
        assert_eq!(observed(&[(ONE, SEEN), (TWO, SEEN)]).mapping(|_| false), Mapping::Same);
        assert_eq!(observed(&[(ONE, SEEN), (TWO, SEEN)]).mapping(|_| true), Mapping::None);
        let mut differs = observed(&[(ONE, SEEN), (TWO, OTHER)]);
        assert_eq!(differs.mapping(|_| false), Mapping::Differs);
        differs.forget();
        assert_eq!(differs.mapping(|_| false), Mapping::Unknown);
    }

    #[test]
    fn friends_in_the_house_cannot_tell_what_the_router_does() {
        let house = [
            ("/ip4/192.168.1.5/tcp/4001", "/ip4/192.168.1.7/tcp/700"),
            ("/ip4/192.168.1.6/tcp/4001", "/ip4/192.168.1.7/tcp/700"),
            ("/ip4/198.51.100.1/tcp/4001", "/ip4/203.0.113.9/tcp/900"),
        ];
        assert_eq!(observed(&house[..2]).mapping(|_| true), Mapping::Unknown);
        assert_eq!(observed(&house).mapping(|_| true), Mapping::Unknown, "nor with one outside");
        let back = [(ONE, SEEN), (TWO, "/ip4/192.168.1.1/udp/700/quic-v1")];
        assert_eq!(
            observed(&back).mapping(|_| false),
            Mapping::Unknown,
            "nor one that the router sends back"
        );
    }

    #[test]
    fn a_new_address_of_the_router_is_no_symmetric_one() {
        let new = "/ip4/203.0.113.200/udp/700/quic-v1";
        let mut observed = observed(&[(ONE, SEEN), (TWO, SEEN), (ONE, new), (TWO, new)]);
        assert_eq!(observed.mapping(|_| false), Mapping::Same, "of one place the newest counts");
        assert!(observed.ended(connection(2)) && !observed.ended(connection(2)));
        assert_eq!(observed.mapping(|_| false), Mapping::Differs);
        assert!(observed.ended(connection(0)), "the connection from before the night is gone");
        assert_eq!(observed.mapping(|_| false), Mapping::Unknown);
    }

    #[test]
    fn in_another_network_nothing_of_the_old_one_is_known() {
        let test = |text| Test { address: at(text), reached: true, at: Timestamp(1) };
        let ipv6 = test("/ip6/2001:db8::1/tcp/1");
        let mut before = Facts { mapping: Mapping::Same, upnp: Upnp::Mapped, ..Facts::default() };
        before.tests = vec![test("/ip4/203.0.113.9/tcp/1"), ipv6.clone()];
        let left = |gone: &str| {
            let mut facts = before.clone();
            facts.left(gone.parse().unwrap());
            facts
        };
        assert_eq!(left("127.0.0.1"), before, "that is no network");
        let gone = left("192.168.1.7");
        assert_eq!((gone.mapping, gone.upnp), (Mapping::Unknown, Upnp::Moved));
        assert_eq!(gone.tests, [ipv6]);
        let gone = left("2001:db8::9");
        assert_eq!((gone.mapping, gone.upnp), (Mapping::Same, Upnp::Mapped), "both are about IPv4");
        assert_eq!(gone.tests.len(), 1);
    }

    #[test]
    fn what_no_router_said_before_there_was_a_network_says_nothing_about_it() {
        let mut facts = Facts { upnp: Upnp::NoGateway, ..Facts::default() };
        facts.joined("127.0.0.1".parse().unwrap());
        facts.joined("2001:db8::1".parse().unwrap());
        assert_eq!(facts.upnp, Upnp::NoGateway);
        facts.joined("192.168.1.7".parse().unwrap());
        assert_eq!(facts.upnp, Upnp::Moved);
        facts.lost_port();
        assert_eq!(facts.upnp, Upnp::Moved, "the port in the old network was not taken back, but left");
        facts.upnp = Upnp::Mapped;
        facts.joined("192.168.1.7".parse().unwrap());
        assert_eq!(facts.upnp, Upnp::Mapped);
        facts.lost_port();
        assert_eq!(facts.upnp, Upnp::Lost);
        facts.upnp = Upnp::Off;
        facts.left("192.168.1.7".parse().unwrap());
        assert_eq!(facts.upnp, Upnp::Off);
    }

    #[test]
    fn tests_and_observers_are_bounded() {
        let (mut facts, mut observed) = (Facts::default(), Observed::default());
        for number in 1..=200_u8 {
            let address = Multiaddress::new(vec![number]).unwrap();
            facts.tested(Test { address, reached: true, at: Timestamp(1) });
            let node = format!("/ip4/198.51.100.{number}/tcp/1").parse().unwrap();
            let seen = "/ip4/203.0.113.9/tcp/1".parse().unwrap();
            observed.note(connection(usize::from(number)), &node, &seen);
        }
        assert_eq!((facts.tests.len(), observed.seen.len()), (MAX_TESTS, MAX_OBSERVERS));
    }
}
