//! Who may connect at all: a limit per network address, and bans. First in the behaviour, so that nothing else has
//! looked at a connection that is refused. libp2p itself only counts connections in all and per peer.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
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

/// Why a connection was refused.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Refused {
    #[error("too many connections from this network")]
    Network,
    #[error("banned for a while")]
    Banned,
}

/// Counts connections per network and refuses the banned.
pub(crate) struct Behaviour {
    limits: Limits,
    counters: Arc<Counters>,
    by_network: BTreeMap<Network, u32>,
    networks: BTreeMap<ConnectionId, [Network; 2]>,
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
            friends: BTreeSet::new(),
            misdeeds: BTreeMap::new(),
            bans: BTreeMap::new(),
        }
    }

    /// The peers that are never banned.
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
            Some(until) if *until > Instant::now() => {
                stats::count(&self.counters.refused);
                Err(ConnectionDenied::new(Refused::Banned))
            }
            Some(_) => {
                self.bans.remove(peer);
                Ok(())
            }
            None => Ok(()),
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
            Network::Host(_) => self.limits.connections_per_ip,
            Network::Site(_) => self.limits.connections_per_network,
        }
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
        if networks
            .iter()
            .any(|network| self.by_network.get(network).is_some_and(|count| *count >= self.most(*network)))
        {
            stats::count(&self.counters.refused);
            return Err(ConnectionDenied::new(Refused::Network));
        }
        for network in networks {
            *self.by_network.entry(network).or_default() += 1;
        }
        self.networks.insert(connection, networks);
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check_ban(&peer)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check_ban(&peer)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.leave(closed.connection_id),
            FromSwarm::ListenFailure(failure) => self.leave(failure.connection_id),
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

    #[test]
    fn one_network_gets_its_share_and_no_more_until_it_leaves() {
        let limits = Limits { connections_per_ip: 2, ..Limits::for_role(Role::Server) };
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

        let limits =
            Limits { connections_per_ip: 2, connections_per_network: 3, ..Limits::for_role(Role::Server) };
        let mut behaviour = Behaviour::new(limits, Arc::default());
        let mut ask = |id, host: u8| {
            let remote: Multiaddr = format!("/ip4/192.0.2.{host}/tcp/5").parse().unwrap();
            behaviour.handle_pending_inbound_connection(ConnectionId::new_unchecked(id), &remote, &remote)
        };
        assert!((0..3).all(|host| ask(host, 1 + u8::try_from(host).unwrap()).is_ok()));
        assert!(ask(4, 9).is_err(), "the fourth of the /24 is one too many");
    }
}
