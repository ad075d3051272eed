//! Whether an address can be reached from outside: [`Probe`] asks, on a person's device; [`Tester`] tests for others,
//! on a community node. Both wrap libp2p's AutoNAT v2.
//!
//! What libp2p's client lacks: it never tests an address again, remembers addresses without end, and panics when it is
//! put in the place of another while connections are up. What its server lacks: any limit on whom it dials.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::autonat::v2::client;
use libp2p::autonat::v2::server;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::ConnectionDenied;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::DialError;
use libp2p::swarm::DialFailure;
use libp2p::swarm::FromSwarm;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::NewExternalAddrCandidate;
use libp2p::swarm::THandler;
use libp2p::swarm::THandlerInEvent;
use libp2p::swarm::THandlerOutEvent;
use libp2p::swarm::ToSwarm;

use crate::address;
use crate::address::Reach;
use crate::network::Meter;
use crate::network::Network;
use crate::network::Rate;
use crate::network::networks_of;
use crate::stats;
use crate::stats::Counters;

/// Addresses that may be ours. A device has a handful; a liar behind identify has many.
const MAX_CANDIDATES: usize = 16;

/// Tests that one network may ask for, and that may be made at one: TCP and QUIC, IPv4 and IPv6, a device and a half, and
/// then one a minute. The network is an IPv4 address or a /64.
const TESTS: Rate = Rate { each: Duration::from_secs(60), at_once: 6 };

/// How many times as much a /24 or /48 may.
const SITE: u32 = 4;

/// How long a test may take.
const TEST_TIME: Duration = Duration::from_secs(5);

/// Asks community nodes whether they can reach this device.
pub(crate) struct Probe {
    inner: client::Behaviour,
    /// The connections that came up since the last restart: only these may be used, the inner behaviour knows no others.
    members: BTreeSet<ConnectionId>,
    candidates: BTreeSet<Multiaddr>,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Self { inner: client::Behaviour::default(), members: BTreeSet::new(), candidates: BTreeSet::new() }
    }

    /// Begins again with these addresses and those that are still to come, on connections that are still to come.
    pub(crate) fn restart(&mut self, confirmed: Vec<Multiaddr>) {
        self.inner = client::Behaviour::default();
        self.members.clear();
        self.candidates = confirmed.into_iter().collect();
        for addr in &self.candidates {
            self.inner.on_swarm_event(FromSwarm::NewExternalAddrCandidate(NewExternalAddrCandidate { addr }));
        }
    }

    fn is_candidate(&mut self, address: &Multiaddr) -> bool {
        if address::is_relayed(address) {
            return false;
        }
        if self.candidates.len() < MAX_CANDIDATES {
            self.candidates.insert(address.clone());
        }
        self.candidates.contains(address)
    }
}

impl NetworkBehaviour for Probe {
    type ConnectionHandler = THandler<client::Behaviour>;
    type ToSwarm = client::Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_outbound_connection(connection, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        let wanted = match &event {
            FromSwarm::NewExternalAddrCandidate(candidate) => self.is_candidate(candidate.addr),
            // Who is connected through a relay cannot test, and is told no address.
            FromSwarm::ConnectionEstablished(up) => {
                !up.endpoint.is_relayed() && self.members.insert(up.connection_id)
            }
            FromSwarm::ConnectionClosed(closed) => self.members.remove(&closed.connection_id),
            _ => true,
        };
        if wanted {
            self.inner.on_swarm_event(event);
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        if self.members.contains(&connection) {
            self.inner.on_connection_handler_event(peer, connection, event);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.inner.poll(cx)
    }
}

/// Why a test is not made. The client learns only that it failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Refused {
    #[error("the address to test is nobody's business")]
    Address,
    #[error("too many tests")]
    Rate,
}

/// Tests for others whether they can be reached: only where they may be themselves, and so often.
pub(crate) struct Tester {
    inner: server::Behaviour,
    /// Dials that the inner behaviour asked for and that have not been looked at.
    dials: BTreeSet<ConnectionId>,
    /// Dials under way.
    tests: BTreeMap<ConnectionId, (Option<PeerId>, Instant)>,
    clients: BTreeMap<PeerId, (ConnectionId, IpAddr)>,
    /// Who asked for tests, and where they were made.
    asked: Meter,
    targets: Meter,
    counters: Arc<Counters>,
}

impl Tester {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self {
            inner: server::Behaviour::default(),
            dials: BTreeSet::new(),
            tests: BTreeMap::new(),
            clients: BTreeMap::new(),
            asked: Meter::default(),
            targets: Meter::default(),
            counters,
        }
    }

    /// Counts the tests that take too long as failed. Most routers say nothing when they refuse; libp2p would answer
    /// the client nothing either, and be asked again every five seconds.
    pub(crate) fn end_slow_tests(&mut self, now: Instant) {
        for (connection_id, (peer_id, _)) in
            self.tests.extract_if(.., |_, (_, begun)| now >= *begun + TEST_TIME)
        {
            stats::count(&self.counters.tests_failed);
            let failure = DialFailure { peer_id, connection_id, error: &DialError::Aborted };
            self.inner.on_swarm_event(FromSwarm::DialFailure(failure));
        }
    }

    /// A dial has ended; if it was a test, it is counted.
    fn ended(&mut self, connection: ConnectionId, reached: bool) {
        if self.tests.remove(&connection).is_some() {
            let counters = &self.counters;
            stats::count(if reached { &counters.tests_reached } else { &counters.tests_failed });
        }
    }

    fn check(
        &mut self,
        client: Option<PeerId>,
        addresses: &[Multiaddr],
        now: Instant,
    ) -> Result<(), Refused> {
        let client = client.and_then(|peer| self.clients.get(&peer)).ok_or(Refused::Address)?.1;
        let [address] = addresses else { return Err(Refused::Address) };
        let tested = address::ip_of(address).ok_or(Refused::Address)?;
        if address::is_relayed(address) || !is_theirs(tested, client) {
            return Err(Refused::Address);
        }
        // The target pays too: nobody is dialled more often because many ask.
        if self.asked.take(&rates(client), now) && self.targets.take(&rates(tested), now) {
            Ok(())
        } else {
            Err(Refused::Rate)
        }
    }
}

fn rates(ip: IpAddr) -> [(Network, Rate); 2] {
    let [host, site] = networks_of(ip);
    [(host, TESTS), (site, TESTS.times(SITE))]
}

/// Whether an address may be a client's own: in its subnet; or public and of the other kind, of which nothing is known;
/// or public, when the client is in our own house.
fn is_theirs(tested: IpAddr, client: IpAddr) -> bool {
    let (tested, client) = (tested.to_canonical(), client.to_canonical());
    let may_differ = tested.is_ipv4() != client.is_ipv4() || !is_public(client);
    same_subnet(tested, client) || may_differ && is_public(tested)
}

fn is_public(ip: IpAddr) -> bool {
    let special = match ip {
        IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast() || ip.octets()[0] == 0,
        IpAddr::V6(ip) => ip.is_multicast(),
    };
    !special && address::reach_of_ip(ip) == Reach::Global
}

fn same_subnet(one: IpAddr, other: IpAddr) -> bool {
    match (one.to_canonical(), other.to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()) >> 8 == 0,
        // A customer has up to a /48, and devices have addresses in several of its subnets.
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()) >> 80 == 0,
        _ => false,
    }
}

impl NetworkBehaviour for Tester {
    type ConnectionHandler = THandler<server::Behaviour>;
    type ToSwarm = server::Event;

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if self.dials.remove(&connection) {
            let now = Instant::now();
            if let Err(why) = self.check(peer, addresses, now) {
                stats::count(&self.counters.tests_refused);
                return Err(ConnectionDenied::new(why));
            }
            self.tests.insert(connection, (peer, now));
        }
        Ok(Vec::new())
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_outbound_connection(connection, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match &event {
            FromSwarm::DialFailure(failure) => self.ended(failure.connection_id, false),
            FromSwarm::ConnectionEstablished(up) if up.endpoint.is_dialer() => {
                self.ended(up.connection_id, true);
            }
            FromSwarm::ConnectionEstablished(up) => {
                if let Some(ip) = address::ip_of(up.endpoint.get_remote_address()) {
                    self.clients.insert(up.peer_id, (up.connection_id, ip));
                }
            }
            FromSwarm::ConnectionClosed(closed) => {
                let known = self.clients.get(&closed.peer_id);
                if known.is_some_and(|(connection, _)| *connection == closed.connection_id) {
                    self.clients.remove(&closed.peer_id);
                }
            }
            _ => {}
        }
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.inner.on_connection_handler_event(peer, connection, event);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        let polled = self.inner.poll(cx);
        if let Poll::Ready(ToSwarm::Dial { opts }) = &polled {
            self.dials.insert(opts.connection_id());
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use libp2p::core::ConnectedPoint;
    use libp2p::swarm::behaviour::ConnectionEstablished;

    use super::*;

    fn tester(client: &str) -> (Tester, PeerId) {
        let (mut tester, peer) = (Tester::new(Arc::default()), PeerId::random());
        tester.clients.insert(peer, (ConnectionId::new_unchecked(0), client.parse().unwrap()));
        (tester, peer)
    }

    fn ask(tester: &mut Tester, peer: PeerId, address: &str, now: Instant) -> bool {
        tester.check(Some(peer), &[address.parse().unwrap()], now).is_ok()
    }

    #[test]
    fn nobody_is_asked_for_a_test_through_a_relay() {
        let mut probe = Probe::new();
        let mut connect = |number, address: &str| {
            let address = address.parse().unwrap();
            let endpoint =
                ConnectedPoint::Dialer { address, role_override: Endpoint::Dialer, port_use: PortUse::Reuse };
            probe.on_swarm_event(FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id: PeerId::random(),
                connection_id: ConnectionId::new_unchecked(number),
                endpoint: &endpoint,
                failed_addresses: &[],
                other_established: 0,
            }));
            probe.members.len()
        };
        assert_eq!(connect(1, "/ip4/192.0.2.1/tcp/4001"), 1);
        let relay = PeerId::random();
        assert_eq!(connect(2, &format!("/ip4/192.0.2.1/tcp/4001/p2p/{relay}/p2p-circuit")), 1);
    }

    #[test]
    fn nobody_can_have_a_strangers_house_dialled() {
        let now = Instant::now();
        let (mut tester, peer) = tester("192.0.2.1");
        assert!(ask(&mut tester, peer, "/ip4/192.0.2.1/tcp/4001", now));
        assert!(!ask(&mut tester, peer, "/ip4/192.168.1.1/tcp/80", now), "ours or theirs, it is private");
        assert!(!ask(&mut tester, peer, "/ip4/127.0.0.1/tcp/80", now), "and this machine is not theirs");
        assert!(!ask(&mut tester, peer, "/dns4/example.org/tcp/80", now), "a name may mean anything");
        assert!(!ask(&mut tester, PeerId::random(), "/ip4/192.0.2.1/tcp/1", now), "nor for somebody unknown");
        let (mut tester, neighbour) = self::tester("192.168.1.7");
        assert!(ask(&mut tester, neighbour, "/ip4/192.168.1.9/tcp/4001", now), "in the same house it is");
    }

    #[test]
    fn one_address_gets_so_many_tests_and_then_one_a_minute() {
        let now = Instant::now();
        let (mut tester, peer) = tester("192.0.2.1");
        let mut ask = |now| ask(&mut tester, peer, "/ip4/192.0.2.1/tcp/4001", now);
        assert!((0..TESTS.at_once).all(|_| ask(now)));
        assert!(!ask(now + TESTS.each / 2));
        assert!(ask(now + TESTS.each));
        assert!(!ask(now + TESTS.each));
        assert!((0..TESTS.at_once).all(|_| ask(now + TESTS.each * 60)), "an hour later all of them");
        assert!(!ask(now + TESTS.each * 60), "and not more");
    }

    #[test]
    fn addresses_without_end_are_one_client() {
        let now = Instant::now();
        let mut tester = Tester::new(Arc::default());
        let mut tests = |ips: &mut dyn Iterator<Item = String>| {
            ips.filter(|ip| {
                let peer = PeerId::random();
                tester.clients.insert(peer, (ConnectionId::new_unchecked(0), ip.parse().unwrap()));
                ask(&mut tester, peer, &format!("/ip6/{ip}/tcp/4001"), now)
            })
            .count()
        };
        assert_eq!(tests(&mut (1..100).map(|host| format!("2001:db8:1:2::{host}"))), 6, "one /64");
        assert_eq!(tests(&mut (10..100).map(|net| format!("2001:db8:1:{net}::1"))), 18, "its /48");
        assert_eq!(tests(&mut (10..20).map(|net| format!("2001:db8:{net}::1"))), 10, "others have their own");
    }

    #[test]
    fn a_target_is_the_clients_own_or_of_the_other_kind_and_not_dialled_by_turns() {
        let now = Instant::now();
        let (mut first, peer) = tester("198.51.100.1");
        assert!(
            ask(&mut first, peer, "/ip4/198.51.100.9/tcp/4001", now),
            "a provider's neighbouring address"
        );
        assert!(!ask(&mut first, peer, "/ip4/203.0.113.1/tcp/4001", now), "a stranger's");
        assert!(ask(&mut first, peer, "/ip6/2001:db8::1/tcp/4001", now), "it may have IPv6 too");
        let (mut second, peer) = tester("2001:db8:1:2::3");
        assert!(ask(&mut second, peer, "/ip6/2001:db8:1:9::3/udp/1/quic-v1", now), "another of its subnets");
        assert!(!ask(&mut second, peer, "/ip6/2001:db8:2::3/udp/1/quic-v1", now));
        let mut third = Tester::new(Arc::default());
        let dialled = (1..100).filter(|host| {
            let peer = PeerId::random();
            let client = format!("2001:db8:{host}::1").parse().unwrap();
            third.clients.insert(peer, (ConnectionId::new_unchecked(0), client));
            ask(&mut third, peer, "/ip4/203.0.113.1/tcp/80", now)
        });
        assert_eq!(dialled.count(), 6, "many clients, one victim");
    }
}
