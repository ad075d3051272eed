//! Who may connect at all: limits in all, per device and per network address, and bans. First in the behaviour, so that
//! nothing else has looked at a connection that is refused. libp2p's own `connection_limits` counts in all and per peer
//! only, and keeps an entry for every peer that was ever connected: 350 bytes for each stranger, for ever.

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
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::ConnectionDenied;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::FromSwarm;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::THandler;
use libp2p::swarm::THandlerInEvent;
use libp2p::swarm::THandlerOutEvent;
use libp2p::swarm::ToSwarm;
use libp2p::swarm::dummy;

use crate::address;
use crate::config::Limits;
use crate::stats;
use crate::stats::Counters;

/// Bans remembered at once; beyond it the one that ends first is dropped.
const MAX_BANS: usize = 4_096;

/// Networks whose arrivals are known at once, 100 bytes each. Beyond it the counts have to do: an attacker with so many
/// networks is not stopped by a rate for each.
const MAX_ARRIVALS: usize = 16_384;

/// Why a connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("too many connections from this address")]
    Address,
    #[error("too many connections from this network")]
    Network,
    #[error("too many new connections from this network")]
    Rate,
    #[error("too many connections of this device")]
    Device,
    #[error("too many connections")]
    Full,
    #[error("banned for a while")]
    Banned,
}

/// Counts connections per network and refuses the banned.
pub(crate) struct Behaviour {
    limits: Limits,
    counters: Arc<Counters>,
    by_network: BTreeMap<Network, u32>,
    networks: BTreeMap<ConnectionId, [Network; 2]>,
    /// Connections that are not through the handshake.
    pending_in: BTreeSet<ConnectionId>,
    pending_out: BTreeSet<ConnectionId>,
    /// Connections of each peer, and of all.
    by_peer: BTreeMap<PeerId, u32>,
    open: u32,
    /// Until when what arrived from a site is paid for.
    arrivals: BTreeMap<Network, Instant>,
    friends: BTreeSet<PeerId>,
    misdeeds: BTreeMap<PeerId, u32>,
    bans: BTreeMap<PeerId, Instant>,
}

impl Behaviour {
    pub(crate) fn new(limits: Limits, counters: Arc<Counters>) -> Self {
        Self {
            limits,
            counters,
            by_network: BTreeMap::new(),
            networks: BTreeMap::new(),
            pending_in: BTreeSet::new(),
            pending_out: BTreeSet::new(),
            by_peer: BTreeMap::new(),
            open: 0,
            arrivals: BTreeMap::new(),
            friends: BTreeSet::new(),
            misdeeds: BTreeMap::new(),
            bans: BTreeMap::new(),
        }
    }

    /// Other limits from now on. Connections that are up stay.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The peers that are never banned, and that no count keeps out.
    pub(crate) fn set_friends(&mut self, friends: BTreeSet<PeerId>) {
        self.friends = friends;
    }

    /// Notes a misdeed. Returns whether the peer is banned now.
    pub(crate) fn misbehaved(&mut self, peer: PeerId) -> bool {
        if self.friends.contains(&peer) {
            return false;
        }
        if self.misdeeds.len() >= MAX_BANS {
            self.misdeeds.pop_first();
        }
        let count = self.misdeeds.entry(peer).or_default();
        *count += 1;
        if *count < self.limits.misdeeds {
            return false;
        }
        self.misdeeds.remove(&peer);
        if self.bans.len() >= MAX_BANS {
            let first = self.bans.iter().min_by_key(|(_, until)| **until).map(|(peer, _)| *peer);
            first.map(|peer| self.bans.remove(&peer));
        }
        self.bans.insert(peer, Instant::now() + self.limits.ban);
        stats::count(&self.counters.bans);
        true
    }

    fn check_ban(&mut self, peer: &PeerId) -> Result<(), ConnectionDenied> {
        match self.bans.get(peer).filter(|_| !self.friends.contains(peer)) {
            Some(until) if *until > Instant::now() => Err(self.refuse(Refused::Banned)),
            Some(_) => {
                self.bans.remove(peer);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether so many have begun and not ended their handshake that no more may begin.
    fn has_no_room(&self, pending: &BTreeSet<ConnectionId>) -> bool {
        pending.len() >= self.limits.connections as usize / 2
    }

    /// Whether one more connection to this peer may be up, now that it is known who it is.
    fn admit(&mut self, peer: &PeerId) -> Result<(), ConnectionDenied> {
        self.check_ban(peer)?;
        if self.friends.contains(peer) {
            return Ok(());
        }
        if self.by_peer.get(peer).is_some_and(|count| *count >= self.limits.connections_per_peer) {
            return Err(self.refuse(Refused::Device));
        }
        if self.open >= self.limits.connections {
            return Err(self.refuse(Refused::Full));
        }
        Ok(())
    }

    fn opened(&mut self, peer: PeerId) {
        self.open += 1;
        *self.by_peer.entry(peer).or_default() += 1;
    }

    fn closed(&mut self, peer: &PeerId) {
        let Some(count) = self.by_peer.get_mut(peer) else { return };
        *count -= 1;
        self.open -= 1;
        if *count == 0 {
            self.by_peer.remove(peer);
        }
    }

    fn leave(&mut self, connection: ConnectionId) {
        for network in self.networks.remove(&connection).into_iter().flatten() {
            if let Some(count) = self.by_network.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    self.by_network.remove(&network);
                }
            }
        }
    }

    /// How many connections a network may have.
    fn most(&self, network: Network) -> u32 {
        match network {
            Network::Host(ip) | Network::Site(ip) if ip.is_loopback() => self.limits.connections_loopback,
            Network::Host(IpAddr::V4(_)) => self.limits.connections_per_ipv4,
            Network::Host(IpAddr::V6(_)) => self.limits.connections_per_ipv6_64,
            Network::Site(IpAddr::V4(_)) => self.limits.connections_per_ipv4_24,
            Network::Site(IpAddr::V6(_)) => self.limits.connections_per_ipv6_48,
        }
    }

    /// Whether one more connection may come from here now.
    fn check(&mut self, [host, site]: [Network; 2], now: Instant) -> Result<(), Refused> {
        if self.has_no_room(&self.pending_in) {
            return Err(Refused::Full);
        }
        let is_full =
            |network| self.by_network.get(&network).is_some_and(|count| *count >= self.most(network));
        if is_full(host) {
            return Err(Refused::Address);
        }
        if is_full(site) {
            return Err(Refused::Network);
        }
        self.arrive(site, now)
    }

    /// Takes an arrival from the rate of a site.
    fn arrive(&mut self, site: Network, now: Instant) -> Result<(), Refused> {
        if matches!(site, Network::Site(ip) if ip.is_loopback()) {
            return Ok(());
        }
        if self.arrivals.len() >= MAX_ARRIVALS {
            self.arrivals.retain(|_, paid| *paid > now);
        }
        let is_known = self.arrivals.contains_key(&site);
        if !is_known && self.arrivals.len() >= MAX_ARRIVALS {
            return Ok(());
        }
        let each = Duration::from_secs(1) / self.limits.arrivals_per_second.max(1);
        let paid = self.arrivals.entry(site).or_insert(now);
        let next = (*paid).max(now) + each;
        if next > now + each * self.limits.arrivals_at_once.max(1) {
            return Err(Refused::Rate);
        }
        *paid = next;
        Ok(())
    }

    fn refuse(&self, why: Refused) -> ConnectionDenied {
        let counters = &self.counters;
        stats::count(&counters.refused);
        stats::count(match why {
            Refused::Address => &counters.refused_address,
            Refused::Network => &counters.refused_network,
            Refused::Rate => &counters.refused_rate,
            Refused::Device => &counters.refused_device,
            Refused::Full => &counters.refused_full,
            Refused::Banned => &counters.refused_banned,
        });
        ConnectionDenied::new(why)
    }
}

/// What connections are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Network {
    /// An IPv4 address, or the /64 that one IPv6 customer gets.
    Host(IpAddr),
    /// The /24 or /48 around it: what one provider hands to one site.
    Site(IpAddr),
}

fn networks_of(ip: IpAddr) -> [Network; 2] {
    let (host, site) = match ip.to_canonical() {
        ip if ip.is_loopback() => (ip, ip),
        IpAddr::V4(ip) => (ip.into(), IpAddr::V4((ip.to_bits() & (u32::MAX << 8)).into())),
        IpAddr::V6(ip) => {
            let cut = |bits: u32| IpAddr::V6((ip.to_bits() & (u128::MAX << (128 - bits))).into());
            (cut(64), cut(48))
        }
    };
    [Network::Host(host), Network::Site(site)]
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = std::convert::Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let Some(ip) = address::ip_of(remote) else { return Ok(()) };
        let networks = networks_of(ip);
        self.check(networks, Instant::now()).map_err(|why| self.refuse(why))?;
        self.pending_in.insert(connection);
        for network in networks {
            *self.by_network.entry(network).or_default() += 1;
        }
        self.networks.insert(connection, networks);
        Ok(())
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if !peer.is_some_and(|peer| self.friends.contains(&peer)) {
            if self.has_no_room(&self.pending_out) {
                return Err(self.refuse(Refused::Full));
            }
            self.pending_out.insert(connection);
        }
        Ok(Vec::new())
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.pending_in.remove(&connection);
        self.admit(&peer)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.pending_out.remove(&connection);
        self.admit(&peer)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(up) => self.opened(up.peer_id),
            FromSwarm::ConnectionClosed(closed) => {
                self.closed(&closed.peer_id);
                self.leave(closed.connection_id);
            }
            FromSwarm::ListenFailure(failure) => {
                self.pending_in.remove(&failure.connection_id);
                self.leave(failure.connection_id);
            }
            FromSwarm::DialFailure(failure) => {
                self.pending_out.remove(&failure.connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;
    use crate::stats::Stats;

    #[test]
    fn one_network_gets_its_share_and_no_more_until_it_leaves() {
        let limits = Limits { connections_per_ipv4: 2, ..Limits::for_role(Role::Server) };
        let mut behaviour = Behaviour::new(limits, Arc::default());
        let remote: Multiaddr = "/ip4/192.0.2.1/tcp/5".parse().unwrap();
        let ids: Vec<_> = (0..4).map(ConnectionId::new_unchecked).collect();
        let ask =
            |behaviour: &mut Behaviour, id| behaviour.handle_pending_inbound_connection(id, &remote, &remote);
        assert!(ask(&mut behaviour, ids[0]).is_ok());
        assert!(ask(&mut behaviour, ids[1]).is_ok());
        assert!(ask(&mut behaviour, ids[2]).is_err(), "the third is one too many");
        behaviour.leave(ids[0]);
        assert!(ask(&mut behaviour, ids[3]).is_ok(), "one left");
    }

    #[test]
    fn a_peer_that_keeps_breaking_rules_is_banned_but_never_a_friend() {
        let limits = Limits { misdeeds: 3, ..Limits::for_role(Role::User) };
        let mut behaviour = Behaviour::new(limits, Arc::default());
        let (mallory, friend) = (PeerId::random(), PeerId::random());
        behaviour.set_friends([friend].into());
        assert!(!behaviour.misbehaved(mallory) && !behaviour.misbehaved(mallory));
        assert!(behaviour.misbehaved(mallory), "the third time");
        assert!(behaviour.check_ban(&mallory).is_err());
        assert!((0..10).all(|_| !behaviour.misbehaved(friend)));
    }

    #[test]
    fn an_ipv6_customer_is_one_host_and_a_site_is_counted_too() {
        let of = |text: &str| networks_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::7"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::7")[0], of("2001:db8:1:3::7")[0]);
        assert_eq!(of("2001:db8:1:2::7")[1], of("2001:db8:1:3::7")[1], "one /48");
        assert_ne!(of("192.0.2.1")[0], of("192.0.2.2")[0]);
        assert_eq!(of("192.0.2.1")[1], of("192.0.2.2")[1], "one /24");
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    fn strict() -> Behaviour {
        let limits = Limits {
            connections_per_ipv4: 2,
            connections_per_ipv4_24: 3,
            connections_per_ipv6_64: 4,
            connections_per_ipv6_48: 5,
            arrivals_per_second: 2,
            arrivals_at_once: 10,
            ..Limits::for_role(Role::Server)
        };
        Behaviour::new(limits, Arc::default())
    }

    /// Asks for one connection from each address in turn; says of which the last was refused, and for what.
    fn refused(behaviour: &mut Behaviour, from: &[&str]) -> Vec<(usize, Stats)> {
        let mut refused = Vec::new();
        for (number, from) in from.iter().enumerate() {
            let remote: Multiaddr = from.parse().unwrap();
            let id = ConnectionId::new_unchecked(number);
            if behaviour.handle_pending_inbound_connection(id, &remote, &remote).is_err() {
                refused.push((number, behaviour.counters.read()));
            }
        }
        refused
    }

    #[test]
    fn each_size_of_network_has_its_own_limit_and_each_refusal_its_own_reason() {
        let ip4 = |host| format!("/ip4/192.0.2.{host}/tcp/5");
        let hosts = [ip4(1), ip4(1), ip4(1), ip4(2), ip4(3)];
        let of_24 = refused(&mut strict(), &hosts.each_ref().map(String::as_str));
        assert_eq!(of_24.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 4]);
        let last = of_24.last().unwrap().1;
        assert_eq!((last.refused, last.refused_address, last.refused_network), (2, 1, 1));
        let ip6 = |subnet, host| format!("/ip6/2001:db8:1:{subnet}::{host}/tcp/5");
        let hosts = [ip6(1, 1), ip6(1, 2), ip6(1, 3), ip6(1, 4), ip6(1, 5), ip6(2, 1), ip6(3, 1)];
        let of_48 = refused(&mut strict(), &hosts.each_ref().map(String::as_str));
        assert_eq!(of_48.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 6]);
        assert!(
            refused(&mut strict(), &["/ip4/127.0.0.1/tcp/5"; 100]).is_empty(),
            "this machine is not a flood"
        );
    }

    #[test]
    fn a_site_that_comes_and_goes_is_slowed_down_and_then_forgiven() {
        let (mut behaviour, now) = (strict(), Instant::now());
        let site = networks_of("192.0.2.1".parse().unwrap())[1];
        assert!((0..10).all(|_| behaviour.arrive(site, now).is_ok()));
        assert_eq!(behaviour.arrive(site, now), Err(Refused::Rate));
        let other = networks_of("198.51.100.1".parse().unwrap())[1];
        assert_eq!(behaviour.arrive(other, now), Ok(()), "others are not meant");
        assert_eq!(behaviour.arrive(site, now + Duration::from_millis(500)), Ok(()), "two a second");
        assert!(behaviour.arrive(site, now + Duration::from_millis(500)).is_err());
        assert!((0..10).all(|_| behaviour.arrive(site, now + Duration::from_secs(60)).is_ok()));
    }

    #[test]
    fn more_networks_than_can_be_remembered_are_not_remembered() {
        let (mut behaviour, now) = (strict(), Instant::now());
        let site = |number: u32| networks_of(IpAddr::V4((number << 8).into()))[1];
        for number in 1..=u32::try_from(MAX_ARRIVALS).unwrap() + 100 {
            assert!(behaviour.arrive(site(0x0100_0000 + number), now).is_ok());
        }
        assert_eq!(behaviour.arrivals.len(), MAX_ARRIVALS);
        behaviour.arrive(site(1), now + Duration::from_secs(1)).unwrap();
        assert_eq!(behaviour.arrivals.len(), 1, "and forgotten when their time is over");
    }

    #[test]
    fn a_device_gets_its_share_a_full_node_takes_friends_only_and_whoever_left_is_forgotten() {
        let limits = Limits { connections: 4, connections_per_peer: 2, ..Limits::for_role(Role::Server) };
        let mut behaviour = Behaviour::new(limits, Arc::default());
        let (peer, friend) = (PeerId::random(), PeerId::random());
        for _ in 0..2 {
            assert!(behaviour.admit(&peer).is_ok());
            behaviour.opened(peer);
        }
        assert!(behaviour.admit(&peer).is_err(), "a third connection of the same device");
        let others: Vec<_> = (0..2).map(|_| PeerId::random()).collect();
        others.iter().for_each(|peer| behaviour.opened(*peer));
        assert!(behaviour.admit(&PeerId::random()).is_err(), "full");
        behaviour.set_friends([friend].into());
        assert!(behaviour.admit(&friend).is_ok());
        let stats = behaviour.counters.read();
        assert_eq!((stats.refused, stats.refused_device, stats.refused_full), (2, 1, 1));
        [peer, peer].iter().chain(&others).for_each(|peer| behaviour.closed(peer));
        assert!(behaviour.by_peer.is_empty() && behaviour.open == 0);
        assert!(behaviour.admit(&peer).is_ok());
    }

    #[test]
    fn handshakes_that_do_not_end_keep_out_new_ones_until_they_fail() {
        let mut behaviour = strict();
        behaviour.limits.connections = 4;
        let from = ["/ip4/192.0.2.1/tcp/5", "/ip4/198.51.100.1/tcp/5", "/ip4/203.0.113.1/tcp/5"];
        let late = refused(&mut behaviour, &from);
        assert_eq!(late.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2]);
        assert_eq!(behaviour.counters.read().refused_full, 1);
        behaviour.pending_in.clear();
        assert!(refused(&mut behaviour, &from[2..]).is_empty());
    }

    #[test]
    fn a_raised_limit_lets_in_who_was_refused_before() {
        let mut behaviour = strict();
        let from = ["/ip4/192.0.2.1/tcp/5"; 3];
        assert_eq!(refused(&mut behaviour, &from).len(), 1);
        let limits = Limits { connections_per_ipv4: 3, ..behaviour.limits.clone() };
        behaviour.set_limits(limits);
        let (id, remote) = (ConnectionId::new_unchecked(9), from[0].parse().unwrap());
        assert!(behaviour.handle_pending_inbound_connection(id, &remote, &remote).is_ok());
    }
}
