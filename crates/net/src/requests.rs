//! The behaviour that opens and accepts streams of `/kith/mbx/1`. Unlike on a direct stream, both sides speak on the same
//! one: requests go one way, answers the other. Which connection is used is decided with the direct streams
//! (`streams.rs`); an open stream keeps its connection.
//!
//! Whether streams are taken, and whether this is offered, is said by the protocols that identify tells: a node that
//! serves names `/kith/mbx/1` to everybody, since envelopes come from people that it does not know, and
//! `/kith/mbx-offer/1` only to those who may make it a mailbox of theirs. Changes are told at once on open connections.

pub(crate) mod pipe;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use kith_proto::mailbox::MAILBOX_PROTOCOL;
use libp2p::InboundUpgrade;
use libp2p::Multiaddr;
use libp2p::OutboundUpgrade;
use libp2p::PeerId;
use libp2p::Stream;
use libp2p::StreamProtocol;
use libp2p::core::Endpoint;
use libp2p::core::UpgradeInfo;
use libp2p::core::transport::PortUse;
use libp2p::swarm::ConnectionDenied;
use libp2p::swarm::ConnectionHandler;
use libp2p::swarm::ConnectionHandlerEvent;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::FromSwarm;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::NotifyHandler;
use libp2p::swarm::SubstreamProtocol;
use libp2p::swarm::THandler;
use libp2p::swarm::THandlerInEvent;
use libp2p::swarm::THandlerOutEvent;
use libp2p::swarm::ToSwarm;
use libp2p::swarm::handler::ConnectionEvent;

use crate::address;
use crate::address::Reach;
use crate::config::Limits;
use crate::network::networks_of;
use crate::stats;
use crate::stats::Counters;
use crate::streams::Slot;

/// The protocol as libp2p names it.
const PROTOCOL: StreamProtocol = StreamProtocol::new(MAILBOX_PROTOCOL);

/// Names no stream of its own: whoever is told it may use this node as a mailbox.
pub(crate) const OFFER: StreamProtocol = StreamProtocol::new("/kith/mbx-offer/1");

/// Where a stream comes from, as far as limits need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// See [`ServedFrom`](crate::ServedFrom).
    pub(crate) network: u64,
    /// See [`ServedFrom`](crate::ServedFrom).
    pub(crate) local: bool,
}

/// What the behaviour reports.
#[derive(Debug)]
pub(crate) enum Event {
    /// The stream that was asked for is open.
    Opened { name: u64, connection: ConnectionId, stream: Stream },
    /// The stream that was asked for could not be opened.
    OpenFailed { name: u64 },
    /// A peer opened a stream to the own mailbox.
    Accepted { peer: PeerId, connection: ConnectionId, from: Origin, stream: Stream, slot: Slot },
}

/// Opens and accepts streams.
pub(crate) struct Behaviour {
    serve: bool,
    offer: bool,
    /// Whether the mailbox is offered to everybody; else to friends who are connected directly.
    public: bool,
    friends: BTreeSet<PeerId>,
    /// Open connections, whether they are relayed, and what was offered on them.
    connections: BTreeMap<ConnectionId, (PeerId, bool, Offer)>,
    most_inbound: usize,
    counters: Arc<Counters>,
    networks: RandomState,
    /// On which connection a stream was asked for. libp2p drops the wish without a word when that one closes.
    opening: BTreeMap<u64, ConnectionId>,
    out: VecDeque<ToSwarm<Event, ToHandler>>,
    waker: Option<Waker>,
}

/// What a connection's handler is told.
#[derive(Debug)]
pub(crate) enum ToHandler {
    Open(u64),
    Offer(Offer),
}

/// What a connection's handler reports.
#[derive(Debug)]
pub(crate) enum FromHandler {
    Opened(u64, Stream),
    OpenFailed(u64),
    Accepted(Origin, Stream, Slot),
    Refused,
}

impl Behaviour {
    pub(crate) fn new(serve: bool, limits: &Limits, counters: Arc<Counters>) -> Self {
        Self {
            serve,
            offer: serve,
            public: false,
            friends: BTreeSet::new(),
            connections: BTreeMap::new(),
            most_inbound: limits.mailbox_streams_per_connection,
            counters,
            networks: RandomState::new(),
            opening: BTreeMap::new(),
            out: VecDeque::new(),
            waker: None,
        }
    }

    /// Whether there is an own mailbox.
    pub(crate) fn serves(&self) -> bool {
        self.serve
    }

    /// Takes streams, or takes none any more; and says so to those who may use it, or does not.
    pub(crate) fn serve(&mut self, serve: bool, offer: bool) {
        (self.serve, self.offer) = (serve, serve && offer);
        self.offer_anew();
    }

    /// Offers the mailbox to everybody, or to friends only.
    pub(crate) fn set_public(&mut self, public: bool) {
        self.public = public;
        self.offer_anew();
    }

    /// Who the friends are.
    pub(crate) fn set_friends(&mut self, friends: BTreeSet<PeerId>) {
        self.friends = friends;
        self.offer_anew();
    }

    fn offer_to(&self, peer: &PeerId, relayed: bool) -> Offer {
        let offered = self.public || (!relayed && self.friends.contains(peer));
        Offer { serve: self.serve, offered: self.offer && offered }
    }

    /// Tells each connection what has changed for it.
    fn offer_anew(&mut self) {
        let mut changed = Vec::new();
        for (connection, (peer, relayed, told)) in &self.connections {
            let offer = self.offer_to(peer, *relayed);
            if offer != *told {
                changed.push((*connection, *peer, *relayed, offer));
            }
        }
        for (connection, peer_id, relayed, offer) in changed {
            self.connections.insert(connection, (peer_id, relayed, offer));
            let handler = NotifyHandler::One(connection);
            self.push(ToSwarm::NotifyHandler { peer_id, handler, event: ToHandler::Offer(offer) });
        }
    }

    /// Opens a stream on a connection. Answered by `Opened` or `OpenFailed`, always.
    pub(crate) fn open(&mut self, name: u64, peer_id: PeerId, connection: ConnectionId) {
        self.opening.insert(name, connection);
        let handler = NotifyHandler::One(connection);
        self.push(ToSwarm::NotifyHandler { peer_id, handler, event: ToHandler::Open(name) });
    }

    /// A connection is closed, or as good as closed: what was to be opened on it is not.
    pub(crate) fn forget(&mut self, connection: ConnectionId) {
        let lost: Vec<_> = self.opening.extract_if(.., |_, on| *on == connection).collect();
        for (name, _) in lost {
            self.push(ToSwarm::GenerateEvent(Event::OpenFailed { name }));
        }
    }

    fn push(&mut self, event: ToSwarm<Event, ToHandler>) {
        self.out.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn handler(&self, peer: &PeerId, remote: &Multiaddr) -> Handler {
        Handler {
            offer: self.offer_to(peer, address::is_relayed(remote)),
            from: self.from(remote),
            most_inbound: self.most_inbound,
            inbound: Arc::default(),
            to_open: VecDeque::new(),
            out: VecDeque::new(),
        }
    }

    /// What limits need to know of a remote address.
    fn from(&self, remote: &Multiaddr) -> Origin {
        let ip = address::ip_of(remote).filter(|_| !address::is_relayed(remote));
        Origin {
            network: self.networks.hash_one(ip.map(|ip| networks_of(ip)[1])),
            local: ip.is_some_and(|ip| address::reach_of_ip(ip) != Reach::Global),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(&peer, remote))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(&peer, remote))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(new) => {
                let relayed = address::is_relayed(new.endpoint.get_remote_address());
                // What its handler was made with a moment ago.
                let told = self.offer_to(&new.peer_id, relayed);
                self.connections.insert(new.connection_id, (new.peer_id, relayed, told));
            }
            FromSwarm::ConnectionClosed(closed) => {
                self.connections.remove(&closed.connection_id);
                self.forget(closed.connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        let event = match event {
            // The answer to a wish that was given up is no answer.
            FromHandler::Opened(name, _) | FromHandler::OpenFailed(name)
                if self.opening.remove(&name).is_none() =>
            {
                return;
            }
            FromHandler::Opened(name, stream) => Event::Opened { name, connection, stream },
            FromHandler::OpenFailed(name) => Event::OpenFailed { name },
            FromHandler::Accepted(from, stream, slot) => {
                Event::Accepted { peer, connection, from, stream, slot }
            }
            FromHandler::Refused => return stats::count(&self.counters.streams_refused),
        };
        self.push(ToSwarm::GenerateEvent(event));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.out.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// One connection's share.
pub(crate) struct Handler {
    offer: Offer,
    from: Origin,
    most_inbound: usize,
    inbound: Arc<AtomicUsize>,
    to_open: VecDeque<u64>,
    out: VecDeque<FromHandler>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = ToHandler;
    type ToBehaviour = FromHandler;
    type InboundProtocol = Offer;
    type OutboundProtocol = Wish;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = u64;

    fn listen_protocol(&self) -> SubstreamProtocol<Offer> {
        SubstreamProtocol::new(self.offer, ())
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Wish, u64, FromHandler>> {
        if let Some(event) = self.out.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        if let Some(name) = self.to_open.pop_front() {
            let protocol = SubstreamProtocol::new(Wish, name);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        // libp2p polls the handler after every event that it is given here.
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: ToHandler) {
        match event {
            ToHandler::Open(name) => self.to_open.push_back(name),
            ToHandler::Offer(offer) => self.offer = offer,
        }
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Offer, Wish, (), u64>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(inbound) => {
                let slot = Slot::take(&self.inbound, self.most_inbound);
                let accepted = slot.map(|slot| FromHandler::Accepted(self.from, inbound.protocol, slot));
                self.out.push_back(accepted.unwrap_or(FromHandler::Refused));
            }
            ConnectionEvent::FullyNegotiatedOutbound(outbound) => {
                self.out.push_back(FromHandler::Opened(outbound.info, outbound.protocol));
            }
            ConnectionEvent::DialUpgradeError(failed) => {
                self.out.push_back(FromHandler::OpenFailed(failed.info));
            }
            _ => {}
        }
    }
}

/// What is offered to the other side: the protocol, or nothing. A node without a mailbox does not name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    serve: bool,
    offered: bool,
}

impl UpgradeInfo for Offer {
    type Info = StreamProtocol;
    type InfoIter = std::iter::Flatten<std::array::IntoIter<Option<StreamProtocol>, 2>>;

    fn protocol_info(&self) -> Self::InfoIter {
        [self.serve.then_some(PROTOCOL), self.offered.then_some(OFFER)].into_iter().flatten()
    }
}

impl InboundUpgrade<Stream> for Offer {
    type Output = Stream;
    type Error = Infallible;
    type Future = future::Ready<Result<Stream, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        future::ready(Ok(stream))
    }
}

/// What is asked of the other side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish;

impl UpgradeInfo for Wish {
    type Info = StreamProtocol;
    type InfoIter = std::iter::Once<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        std::iter::once(PROTOCOL)
    }
}

impl OutboundUpgrade<Stream> for Wish {
    type Output = Stream;
    type Error = Infallible;
    type Future = future::Ready<Result<Stream, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        future::ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;

    fn offered(behaviour: &Behaviour, peer: &PeerId, relayed: bool) -> Vec<String> {
        behaviour.offer_to(peer, relayed).protocol_info().map(|name| name.to_string()).collect()
    }

    #[test]
    fn a_mailbox_is_offered_to_friends_nearby_or_to_everybody_who_can_reach_it() {
        let mut behaviour = Behaviour::new(false, &Limits::for_role(Role::User), Arc::default());
        let (friend, stranger) = (PeerId::random(), PeerId::random());
        behaviour.set_friends(BTreeSet::from([friend]));
        assert!(offered(&behaviour, &friend, false).is_empty(), "it is off");
        behaviour.serve(true, true);
        let (serves, offers) = ("/kith/mbx/1", "/kith/mbx-offer/1");
        assert_eq!(offered(&behaviour, &friend, false), [serves, offers]);
        assert_eq!(offered(&behaviour, &friend, true), [serves], "a relay does not carry mailboxes");
        assert_eq!(offered(&behaviour, &stranger, false), [serves], "who was given a key may leave mail");
        behaviour.set_public(true);
        assert_eq!(offered(&behaviour, &stranger, true), [serves, offers]);
        behaviour.serve(true, false);
        assert_eq!(offered(&behaviour, &friend, false), [serves], "it closes");
        behaviour.serve(false, false);
        assert!(offered(&behaviour, &friend, false).is_empty());
    }

    #[test]
    fn a_source_is_named_by_its_network_and_only_for_this_start() {
        let start = || Behaviour::new(true, &Limits::for_role(Role::Server), Arc::default());
        let behaviour = start();
        let of = |text: &str| behaviour.from(&text.parse().unwrap());
        assert_eq!(of("/ip4/192.0.2.1/tcp/5"), of("/ip4/192.0.2.200/udp/9/quic-v1"), "one /24");
        assert_ne!(of("/ip4/192.0.2.1/tcp/5").network, of("/ip4/192.0.3.1/tcp/5").network);
        assert_eq!(of("/ip6/2001:db8:1:2::7/tcp/5"), of("/ip6/2001:db8:1:3:ffff::1/tcp/5"), "one /48");
        assert_ne!(of("/ip6/2001:db8:1:2::7/tcp/5").network, of("/ip6/2001:db8:2:2::7/tcp/5").network);
        assert!(!of("/ip4/192.0.2.1/tcp/5").local && of("/ip4/127.0.0.1/tcp/5").local);
        assert!(of("/ip4/192.168.0.7/tcp/5").local);
        let relay = PeerId::random();
        let relayed = format!("/ip4/127.0.0.1/tcp/5/p2p/{relay}/p2p-circuit");
        assert!(!of(&relayed).local, "who comes through a relay may come from anywhere");
        assert_eq!(of(&relayed), of(&format!("/p2p/{relay}")), "and shares one name");
        let other = start().from(&"/ip4/192.0.2.1/tcp/5".parse().unwrap());
        assert_ne!(other.network, of("/ip4/192.0.2.1/tcp/5").network, "another start, another name");
    }
}
