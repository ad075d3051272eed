//! libp2p's identify, which tells a peer the protocols and addresses of this node. Who is connected through a relay and
//! is not known hears the protocols alone: whoever knows a device may ask a relay for it, and is not to learn that way
//! where it is. What such a peer says of our addresses counts for nothing either: it cannot have seen any.

use std::collections::BTreeSet;
use std::task::Context;
use std::task::Poll;

use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::identify;
use libp2p::swarm::ConnectionDenied;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::FromSwarm;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::THandler;
use libp2p::swarm::THandlerInEvent;
use libp2p::swarm::THandlerOutEvent;
use libp2p::swarm::ToSwarm;

use crate::address;

/// What this node says of itself, and hears of others.
pub(crate) struct About {
    /// Speaks with those who may hear where this node is, or are connected with it directly.
    open: identify::Behaviour,
    /// Speaks with all others. It was never told an address, so it has none to tell.
    reserved: identify::Behaviour,
    known: BTreeSet<PeerId>,
    /// The connections on which `reserved` speaks.
    strangers: BTreeSet<ConnectionId>,
}

impl About {
    pub(crate) fn new(config: identify::Config) -> Self {
        Self {
            open: identify::Behaviour::new(config.clone()),
            reserved: identify::Behaviour::new(config.with_hide_listen_addrs(true)),
            known: BTreeSet::new(),
            strangers: BTreeSet::new(),
        }
    }

    /// Who hears the addresses through a relay as well, on connections that are still to come.
    pub(crate) fn set_known(&mut self, known: BTreeSet<PeerId>) {
        self.known = known;
    }

    /// Which of the two speaks on a connection that begins.
    fn speaker(&mut self, peer: &PeerId, relayed: bool) -> &mut identify::Behaviour {
        if relayed && !self.known.contains(peer) { &mut self.reserved } else { &mut self.open }
    }
}

impl NetworkBehaviour for About {
    type ConnectionHandler = THandler<identify::Behaviour>;
    type ToSwarm = identify::Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let speaker = self.speaker(&peer, address::is_relayed(local));
        speaker.handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let speaker = self.speaker(&peer, address::is_relayed(address));
        speaker.handle_established_outbound_connection(connection, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match &event {
            // Between the handler and this nobody becomes known: the swarm does both in one go.
            FromSwarm::ConnectionEstablished(up)
                if up.endpoint.is_relayed() && !self.known.contains(&up.peer_id) =>
            {
                self.strangers.insert(up.connection_id);
                self.reserved.on_swarm_event(event);
            }
            // Both, because the last connection of a peer is told only to those who had it.
            FromSwarm::ConnectionClosed(closed) => {
                self.strangers.remove(&closed.connection_id);
                self.reserved.on_swarm_event(FromSwarm::ConnectionClosed(*closed));
                self.open.on_swarm_event(event);
            }
            _ => self.open.on_swarm_event(event),
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        let speaker = if self.strangers.contains(&connection) { &mut self.reserved } else { &mut self.open };
        speaker.on_connection_handler_event(peer, connection, event);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Poll::Ready(event) = self.open.poll(cx) {
            return Poll::Ready(event);
        }
        loop {
            match self.reserved.poll(cx) {
                Poll::Ready(ToSwarm::NewExternalAddrCandidate(_)) => {}
                next => return next,
            }
        }
    }
}
