//! libp2p's relay client, told of dead connections at once. It would go on using the oldest connection to a relay until
//! the swarm has closed it, and that takes many seconds when nobody answers: after a change of network, no relay.

use std::collections::BTreeSet;
use std::task::Context;
use std::task::Poll;

use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::core::ConnectedPoint;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::relay::client;
use libp2p::swarm::ConnectionClosed;
use libp2p::swarm::ConnectionDenied;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::FromSwarm;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::THandler;
use libp2p::swarm::THandlerInEvent;
use libp2p::swarm::THandlerOutEvent;
use libp2p::swarm::ToSwarm;

/// Relayed connections, and reservations at relays.
pub(crate) struct Circuits {
    inner: client::Behaviour,
    /// Connections that the inner behaviour takes for closed and the swarm does not yet.
    gone: BTreeSet<ConnectionId>,
}

impl Circuits {
    pub(crate) fn new(inner: client::Behaviour) -> Self {
        Self { inner, gone: BTreeSet::new() }
    }

    /// A connection is as good as closed: no circuit or reservation is asked for on it any more.
    pub(crate) fn forget(&mut self, peer_id: PeerId, connection_id: ConnectionId, endpoint: &ConnectedPoint) {
        if self.gone.insert(connection_id) {
            let closed =
                ConnectionClosed { peer_id, connection_id, endpoint, cause: None, remaining_established: 0 };
            self.inner.on_swarm_event(FromSwarm::ConnectionClosed(closed));
        }
    }
}

impl NetworkBehaviour for Circuits {
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
        if let FromSwarm::ConnectionClosed(closed) = &event
            && self.gone.remove(&closed.connection_id)
        {
            return;
        }
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        if !self.gone.contains(&connection) {
            self.inner.on_connection_handler_event(peer, connection, event);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.inner.poll(cx)
    }
}
