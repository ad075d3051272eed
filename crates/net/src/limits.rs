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
use crate::network::Meter;
use crate::network::Network;
use crate::network::Rate;
use crate::network::networks_of;
use crate::stats;
use crate::stats::Counters;

/// Bans remembered at once; beyond it the one that ends first is dropped.
const MAX_BANS: usize = 4_096;

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
    /// What arrived from sites.
    arrivals: Meter,
    friends: BTreeSet<PeerId>,
    /// How many there were, and when the first was.
    misdeeds: BTreeMap<PeerId, (u32, Instant)>,
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
            arrivals: Meter::default(),
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
        if self.misdeeds.len() >= MAX_BANS && !self.misdeeds.contains_key(&peer) {
            let oldest = self.misdeeds.iter().min_by_key(|(_, (_, since))| *since).map(|(peer, _)| *peer);
            oldest.map(|peer| self.misdeeds.remove(&peer));
        }
        let (count, _) = self.misdeeds.entry(peer).or_insert((0, Instant::now()));
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
            network if network.is_here() => self.limits.connections_loopback,
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
        let rate = Rate {
            each: Duration::from_secs(1) / self.limits.arrivals_per_second.max(1),
            at_once: self.limits.arrivals_at_once,
        };
        if site.is_here() || self.arrivals.take(&[(site, rate)], now) { Ok(()) } else { Err(Refused::Rate) }
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
mod tests;
