//! libp2p's relay, with shares for networks. Its own limits count device ids, which cost nothing, and single addresses, of
//! which an IPv6 customer has more than anybody can count: one machine could hold every place.
//!
//! libp2p asks before it gives a place ([`relay::RateLimiter`]) and tells afterwards what became of it. It does not say
//! on which connection, so what is taken away from a network is the oldest that this device was given.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::relay;
use libp2p::relay::Event;
use libp2p::swarm::ConnectionDenied;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::FromSwarm;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::THandler;
use libp2p::swarm::THandlerInEvent;
use libp2p::swarm::THandlerOutEvent;
use libp2p::swarm::ToSwarm;

use crate::address;
use crate::config::Limits;
use crate::network::Meter;
use crate::network::Network;
use crate::network::Rate;
use crate::network::networks_of;

/// What part of all circuits one IPv4 address or /64 may hold as their source, if that is not less than one device may;
/// its /24 or /48 may hold twice that.
const SHARE: usize = 8;

/// What part of all reservations: a campus sits behind one address.
const RESERVED_SHARE: usize = 4;

/// Reservations of one device: over its connections to this relay, old and new.
const RESERVED_PER_PEER: usize = 4;

/// How many times as much as an address its /24 or /48 may ask for.
const SITE: u32 = 4;

/// How long a circuit may take from the question to the answer: libp2p's own limit. After that it is not counted any more.
const BEGIN_WITHIN: Duration = Duration::from_secs(60);

/// The relay of a community node.
pub(crate) struct Relay {
    inner: relay::Behaviour,
    circuits: Arc<Mutex<Places<(PeerId, PeerId)>>>,
    reservations: Arc<Mutex<Places<PeerId>>>,
    /// Connections of each peer: a reservation cannot be where there is none.
    connections: BTreeMap<PeerId, usize>,
}

impl Relay {
    /// A relay with these limits. libp2p's own (16 circuits of 128 KiB) are for a courtesy, not for a service.
    pub(crate) fn new(peer: PeerId, limits: &Limits) -> Self {
        let asks = NonZeroU32::new(limits.relay_asks_per_ip).unwrap_or(NonZeroU32::MIN).get();
        let rate = Rate { each: Duration::from_secs(3_600) / asks, at_once: asks };
        let most = (limits.circuits / SHARE).max(limits.circuits_per_peer);
        let circuits = Arc::new(Mutex::new(Places::new(most, BEGIN_WITHIN)));
        let most = (limits.reservations / RESERVED_SHARE).max(RESERVED_PER_PEER);
        let reservations = Arc::new(Mutex::new(Places::new(most, BEGIN_WITHIN)));
        let config = relay::Config {
            max_reservations: limits.reservations,
            max_reservations_per_peer: RESERVED_PER_PEER,
            reservation_duration: Duration::from_secs(3_600),
            reservation_rate_limiters: vec![door(&reservations, rate, Places::holds)],
            max_circuits: limits.circuits,
            max_circuits_per_peer: limits.circuits_per_peer,
            max_circuit_duration: limits.circuit_time,
            max_circuit_bytes: limits.circuit_bytes,
            circuit_src_rate_limiters: vec![door(&circuits, rate, |_, _| false)],
        };
        let mut inner = relay::Behaviour::new(peer, config);
        // Otherwise it would not say so on a local network, where no address is known to be reachable from outside.
        inner.set_status(Some(relay::Status::Enable));
        Self { inner, circuits, reservations, connections: BTreeMap::new() }
    }

    fn note(&self, event: &Event) {
        match event {
            Event::CircuitReqAccepted { src_peer_id, dst_peer_id } => {
                locked(&self.circuits).taken(src_peer_id, (*src_peer_id, *dst_peer_id));
            }
            Event::CircuitClosed { src_peer_id, dst_peer_id, .. } => {
                locked(&self.circuits).left(&(*src_peer_id, *dst_peer_id));
            }
            // Of a limit or of the other side, which cannot be told apart; what was asked for ends by itself.
            Event::CircuitReqDenied { status: relay::StatusCode::ResourceLimitExceeded, .. } => {}
            Event::CircuitReqDenied { src_peer_id, .. } => locked(&self.circuits).not_taken(src_peer_id),
            Event::ReservationReqAccepted { src_peer_id, .. } => {
                locked(&self.reservations).taken(src_peer_id, *src_peer_id);
            }
            Event::ReservationTimedOut { src_peer_id } => locked(&self.reservations).left(src_peer_id),
            _ => {}
        }
    }
}

/// Lets in what a network may have: so many places at once, and so many questions in an hour. Whoever `has` a place
/// already needs none.
fn door<Name: Ord + Send + 'static>(
    places: &Arc<Mutex<Places<Name>>>,
    rate: Rate,
    has: fn(&Places<Name>, &PeerId) -> bool,
) -> Box<dyn relay::RateLimiter> {
    let (places, mut asked) = (Arc::clone(places), Meter::default());
    Box::new(move |peer: PeerId, address: &Multiaddr, now: Instant| {
        let Some([host, site]) = address::ip_of(address).map(networks_of) else { return true };
        asked.take(&[(host, rate), (site, rate.times(SITE))], now)
            && (has(&locked(&places), &peer) || locked(&places).ask(peer, [host, site], now))
    })
}

/// A panic elsewhere leaves counts as they are, and they are only counts.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who holds places of one kind, by name and by network.
#[derive(Debug)]
struct Places<Name> {
    /// How many one address may have.
    most: usize,
    begin_within: Duration,
    held: BTreeMap<Name, Vec<[Network; 2]>>,
    /// What was let in and is not yet given, oldest first.
    begun: Vec<(Instant, PeerId, [Network; 2])>,
    by_network: BTreeMap<Network, usize>,
}

impl<Name: Ord> Places<Name> {
    fn new(most: usize, begin_within: Duration) -> Self {
        let (held, by_network) = (BTreeMap::new(), BTreeMap::new());
        Self { most: most.max(1), begin_within, held, begun: Vec::new(), by_network }
    }

    /// Whether one more may be given to somebody there. If so, it counts from now on.
    fn ask(&mut self, peer: PeerId, networks: [Network; 2], now: Instant) -> bool {
        let over = self.begun.partition_point(|(since, ..)| now >= *since + self.begin_within);
        for (_, _, networks) in self.begun.drain(..over).collect::<Vec<_>>() {
            self.discount(networks);
        }
        let has = |network: &Network| self.by_network.get(network).copied().unwrap_or_default();
        let [host, site] = &networks;
        // Behind a proxy everybody seems to be this machine.
        if !host.is_here() && (has(host) >= self.most || has(site) >= self.most * 2) {
            return false;
        }
        networks.iter().for_each(|network| *self.by_network.entry(*network).or_default() += 1);
        self.begun.push((now, peer, networks));
        true
    }

    /// What a peer asked for first was given.
    fn taken(&mut self, peer: &PeerId, name: Name) {
        if let Some(at) = self.begun.iter().position(|(_, asked, _)| asked == peer) {
            let (_, _, networks) = self.begun.remove(at);
            self.held.entry(name).or_default().push(networks);
        }
    }

    /// What a peer asked for first was not given.
    fn not_taken(&mut self, peer: &PeerId) {
        if let Some(at) = self.begun.iter().position(|(_, asked, _)| asked == peer) {
            let (_, _, networks) = self.begun.remove(at);
            self.discount(networks);
        }
    }

    /// One of what is held under a name has ended.
    fn left(&mut self, name: &Name) {
        let Some(held) = self.held.get_mut(name) else { return };
        let networks = (!held.is_empty()).then(|| held.remove(0));
        if held.is_empty() {
            self.held.remove(name);
        }
        networks.into_iter().for_each(|networks| self.discount(networks));
    }

    /// No more than so many can be held under a name.
    fn at_most(&mut self, name: &Name, most: usize) {
        while self.held.get(name).is_some_and(|held| held.len() > most) {
            self.left(name);
        }
    }

    fn discount(&mut self, networks: [Network; 2]) {
        for network in networks {
            if let Some(count) = self.by_network.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    self.by_network.remove(&network);
                }
            }
        }
    }
}

impl Places<PeerId> {
    /// Whether a device has a place: it renews its reservation, or moves it to another connection.
    fn holds(&self, peer: &PeerId) -> bool {
        self.held.contains_key(peer)
    }
}

impl NetworkBehaviour for Relay {
    type ConnectionHandler = THandler<relay::Behaviour>;
    type ToSwarm = Event;

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
            FromSwarm::ConnectionEstablished(up) => *self.connections.entry(up.peer_id).or_default() += 1,
            FromSwarm::ConnectionClosed(closed) => {
                let left = self.connections.get(&closed.peer_id).map_or(0, |count| count.saturating_sub(1));
                if left == 0 {
                    self.connections.remove(&closed.peer_id);
                } else {
                    self.connections.insert(closed.peer_id, left);
                }
                // libp2p says “closed” of each connection, whether a reservation was on it or not.
                locked(&self.reservations).at_most(&closed.peer_id, left);
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
        if let Poll::Ready(ToSwarm::GenerateEvent(event)) = &polled {
            self.note(event);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(ip: &str) -> [Network; 2] {
        networks_of(ip.parse().unwrap())
    }

    fn places() -> (Places<(PeerId, PeerId)>, Instant) {
        (Places::new(32, BEGIN_WITHIN), Instant::now())
    }

    /// How many circuits devices there get, each with an id of its own.
    fn get(
        places: &mut Places<(PeerId, PeerId)>,
        now: Instant,
        from: &mut dyn Iterator<Item = String>,
    ) -> usize {
        let mut got = 0;
        for ip in from {
            let peer = PeerId::random();
            if places.ask(peer, networks(&ip), now) {
                places.taken(&peer, (peer, peer));
                got += 1;
            }
        }
        got
    }

    #[test]
    fn one_network_cannot_hold_all_circuits() {
        let (mut places, now) = places();
        assert_eq!(get(&mut places, now, &mut (0..256).map(|_| "192.0.2.1".to_owned())), 32, "one address");
        assert_eq!(get(&mut places, now, &mut (2..250).map(|host| format!("192.0.2.{host}"))), 32, "its /24");
        let hosts = &mut (1..256).map(|host| format!("2001:db8:1:2::{host:x}"));
        assert_eq!(get(&mut places, now, hosts), 32, "one /64");
        assert_eq!(get(&mut places, now, &mut (3..256).map(|net| format!("2001:db8:1:{net:x}::1"))), 32);
        assert_eq!(get(&mut places, now, &mut (0..20).map(|_| "198.51.100.1".to_owned())), 20, "others do");
        assert_eq!(get(&mut places, now, &mut (0..200).map(|_| "127.0.0.1".to_owned())), 200, "a proxy");
    }

    #[test]
    fn what_ended_or_never_began_leaves_nothing_behind() {
        let (mut places, now) = places();
        let (ann, bob) = (PeerId::random(), PeerId::random());
        let home = networks("192.0.2.1");
        for _ in 0..100 {
            assert!(places.ask(ann, home, now));
            places.taken(&ann, (ann, bob));
            places.left(&(ann, bob));
            assert!(places.ask(ann, home, now));
            places.not_taken(&ann);
        }
        assert!(places.by_network.is_empty() && places.held.is_empty() && places.begun.is_empty());
        places.left(&(ann, bob));
        places.not_taken(&bob);
        assert!((0..32).all(|_| places.ask(ann, home, now)) && !places.ask(bob, home, now));
        assert!(places.ask(bob, home, now + BEGIN_WITHIN), "nothing came of them: they are not counted");
        assert_eq!(places.by_network.values().sum::<usize>(), 2);
        places.taken(&bob, (bob, ann));
        places.at_most(&(bob, ann), 0);
        assert!(places.by_network.is_empty());
    }
}
