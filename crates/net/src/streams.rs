//! The behaviour that opens and accepts streams of `/kith/dm/1`. Each side opens its own and writes only there.
//!
//! Not `libp2p-stream`: that one loses dials, leaks per connection, drops queued streams and picks a random connection
//! (`DESIGN.md`). This one opens on the best connection that is up, direct before relayed, reports every outcome,
//! and caps what a peer may have open.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use kith_proto::frame::DM_PROTOCOL;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::Stream;
use libp2p::StreamProtocol;
use libp2p::core::ConnectedPoint;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
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

use crate::stats;
use crate::stats::Counters;

/// The protocol as libp2p names it.
const PROTOCOL: StreamProtocol = StreamProtocol::new(DM_PROTOCOL);

/// What the behaviour reports.
#[derive(Debug)]
pub(crate) enum Event {
    /// The stream that was asked for is open, perhaps through a relay.
    Opened { peer: PeerId, stream: Stream, connection: ConnectionId, relayed: bool },
    /// The stream that was asked for could not be opened.
    OpenFailed { peer: PeerId },
    /// The peer opened its stream.
    Accepted { peer: PeerId, stream: Stream, slot: Slot },
    /// The peer does not use a connection any more that it used before, and has none that is better.
    Left { peer: PeerId, connection: ConnectionId },
}

/// Counts an inbound stream against its connection until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Slot {
    /// Takes one of so many places; `None` when none is left.
    pub(crate) fn take(taken: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let slot = Self(Arc::clone(taken));
        // Counted before it is compared: when it is one too many, dropping it takes it back.
        (taken.fetch_add(1, Ordering::AcqRel) < most).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Opens and accepts streams.
pub(crate) struct Behaviour {
    most_inbound: usize,
    counters: Arc<Counters>,
    own: PeerId,
    connections: BTreeMap<PeerId, Vec<Known>>,
    /// On which connection a stream was asked for. libp2p drops the wish without a word when that one closes.
    opening: BTreeMap<PeerId, ConnectionId>,
    keep: BTreeSet<PeerId>,
    out: VecDeque<ToSwarm<Event, ToHandler>>,
    waker: Option<Waker>,
}

/// A connection that is up.
#[derive(Clone, Copy, Debug)]
struct Known {
    id: ConnectionId,
    kind: Kind,
    /// What its handler was told last.
    kept: bool,
    /// The peer's last stream is on it.
    heard: bool,
    /// It is closed soon, since there is one as good.
    leaves: bool,
}

/// Which connection is used when there are several: the first kind. Both sides see the same kind, so both let the same
/// connections go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Direct, dialled by the side with the smaller id.
    Direct,
    /// Direct, dialled by the other side.
    Spare,
    /// Through a relay.
    Relayed,
}

/// What a connection's handler is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ToHandler {
    Open,
    Keep(bool),
}

/// What a connection's handler reports.
#[derive(Debug)]
pub(crate) enum FromHandler {
    Opened(Stream),
    OpenFailed,
    Accepted(Stream, Slot),
    Refused,
}

impl Behaviour {
    pub(crate) fn new(own: PeerId, most_inbound: usize, counters: Arc<Counters>) -> Self {
        Self {
            own,
            most_inbound,
            counters,
            connections: BTreeMap::new(),
            opening: BTreeMap::new(),
            keep: BTreeSet::new(),
            out: VecDeque::new(),
            waker: None,
        }
    }

    /// Opens a stream to a connected peer, on its best connection. Answered by `Opened` or `OpenFailed`, always.
    pub(crate) fn open(&mut self, peer: PeerId) {
        let event = match self.best(&peer) {
            Some(connection) => {
                self.opening.insert(peer, connection);
                notify(peer, connection, ToHandler::Open)
            }
            None => ToSwarm::GenerateEvent(Event::OpenFailed { peer }),
        };
        self.push(event);
    }

    /// The newest direct connection, since the other side may have restarted; but the oldest relayed one, since a
    /// second is a try for a direct one and goes soon. One that is to be closed only when there is no other.
    pub(crate) fn best(&self, peer: &PeerId) -> Option<ConnectionId> {
        let known = self.connections.get(peer)?;
        let kind = known.iter().map(|known| known.kind).min()?;
        let same = || known.iter().filter(|known| known.kind == kind);
        let mut staying = same().filter(|known| !known.leaves);
        let best = if kind == Kind::Relayed { staying.next() } else { staying.next_back() };
        best.or_else(|| same().next_back()).map(|known| known.id)
    }

    /// Whether a connection is to be closed soon: then nothing new begins on it.
    pub(crate) fn leave(&mut self, peer: PeerId, connection: ConnectionId, leaves: bool) {
        let known = self.connections.get_mut(&peer).into_iter().flatten();
        if let Some(known) = known.into_iter().find(|known| known.id == connection) {
            known.leaves = leaves;
        }
    }

    /// Whether a peer is connected without a relay.
    pub(crate) fn is_direct(&self, peer: &PeerId) -> bool {
        self.connections.get(peer).is_some_and(|known| known.iter().any(|known| known.kind != Kind::Relayed))
    }

    /// A connection is closed, or as good as closed: nothing is opened on it any more.
    pub(crate) fn forget(&mut self, peer: PeerId, connection: ConnectionId) {
        if let Some(connections) = self.connections.get_mut(&peer) {
            connections.retain(|known| known.id != connection);
            if connections.is_empty() {
                self.connections.remove(&peer);
            }
        }
        if self.opening.get(&peer) == Some(&connection) {
            self.opening.remove(&peer);
            self.push(ToSwarm::GenerateEvent(Event::OpenFailed { peer }));
        }
        self.choose_kept(&peer);
    }

    /// The peers whose connections stay open when nothing is said.
    pub(crate) fn keep(&mut self, peers: BTreeSet<PeerId>) {
        let changed: Vec<_> = self.keep.symmetric_difference(&peers).copied().collect();
        self.keep = peers;
        for peer in changed {
            self.choose_kept(&peer);
        }
    }

    /// Of several connections only those of the best kind stay open without a stream: the others end by themselves
    /// once nothing is said on them, and nothing is cut off.
    fn choose_kept(&mut self, peer: &PeerId) {
        let wanted = self.keep.contains(peer);
        let Some(connections) = self.connections.get_mut(peer) else { return };
        let best = connections.iter().map(|known| known.kind).min();
        let mut changed = Vec::new();
        for known in connections {
            let keep = wanted && Some(known.kind) == best;
            if std::mem::replace(&mut known.kept, keep) != keep {
                changed.push(notify(*peer, known.id, ToHandler::Keep(keep)));
            }
        }
        for event in changed {
            self.push(event);
        }
    }

    /// The peer opened its stream on a connection. When its last one was on another that was no worse, it has lost that
    /// one: it has moved, and knows it before we do. Then it has lost all that are older, too.
    fn heard_on(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(connections) = self.connections.get_mut(&peer) else { return };
        let Some(place) = connections.iter().position(|known| known.id == connection) else { return };
        let (older, rest) = connections.split_at_mut(place);
        let Some(now) = rest.first_mut() else { return };
        now.heard = true;
        let has_left = older.iter().any(|known| known.heard && known.kind <= now.kind);
        for known in older.iter_mut().chain(rest.iter_mut().skip(1)) {
            known.heard = false;
        }
        if has_left {
            for connection in older.iter().map(|known| known.id).collect::<Vec<_>>() {
                self.push(ToSwarm::GenerateEvent(Event::Left { peer, connection }));
            }
        }
    }

    fn established(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        // In a hole punch both sides dial; the one that plays the listener says so.
        let we_dialled = matches!(endpoint, ConnectedPoint::Dialer { role_override: Endpoint::Dialer, .. });
        let kind = match endpoint.is_relayed() {
            true => Kind::Relayed,
            false if we_dialled == (self.own < peer) => Kind::Direct,
            false => Kind::Spare,
        };
        let kept = self.keep.contains(&peer);
        self.connections.entry(peer).or_default().push(Known { id, kind, kept, heard: false, leaves: false });
        self.choose_kept(&peer);
    }

    fn push(&mut self, event: ToSwarm<Event, ToHandler>) {
        self.out.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn handler(&self, peer: &PeerId) -> Handler {
        Handler {
            keep: self.keep.contains(peer),
            most_inbound: self.most_inbound,
            inbound: Arc::default(),
            to_open: 0,
            out: VecDeque::new(),
        }
    }
}

fn notify(peer_id: PeerId, connection: ConnectionId, event: ToHandler) -> ToSwarm<Event, ToHandler> {
    ToSwarm::NotifyHandler { peer_id, handler: NotifyHandler::One(connection), event }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(&peer))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(&peer))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(up) => {
                self.established(up.peer_id, up.connection_id, up.endpoint);
            }
            FromSwarm::ConnectionClosed(closed) => self.forget(closed.peer_id, closed.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        let answers = self.opening.get(&peer) == Some(&connection);
        let event = match event {
            // The answer to a wish that was given up is no answer.
            FromHandler::Opened(_) | FromHandler::OpenFailed if !answers => return,
            FromHandler::Opened(stream) => {
                self.opening.remove(&peer);
                let mut known = self.connections.get(&peer).into_iter().flatten();
                let relayed = known.any(|known| known.id == connection && known.kind == Kind::Relayed);
                Event::Opened { peer, stream, connection, relayed }
            }
            FromHandler::OpenFailed => {
                self.opening.remove(&peer);
                Event::OpenFailed { peer }
            }
            FromHandler::Accepted(stream, slot) => {
                self.heard_on(peer, connection);
                Event::Accepted { peer, stream, slot }
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
    keep: bool,
    most_inbound: usize,
    inbound: Arc<AtomicUsize>,
    to_open: usize,
    out: VecDeque<FromHandler>,
}

type Upgrade = ReadyUpgrade<StreamProtocol>;

impl ConnectionHandler for Handler {
    type FromBehaviour = ToHandler;
    type ToBehaviour = FromHandler;
    type InboundProtocol = Upgrade;
    type OutboundProtocol = Upgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Upgrade> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ())
    }

    fn connection_keep_alive(&self) -> bool {
        self.keep
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Upgrade, (), FromHandler>> {
        if let Some(event) = self.out.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        if self.to_open > 0 {
            self.to_open -= 1;
            let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ());
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        // libp2p polls the handler after every event that it is given here.
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: ToHandler) {
        match event {
            ToHandler::Open => self.to_open += 1,
            ToHandler::Keep(keep) => self.keep = keep,
        }
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Upgrade, Upgrade>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(inbound) => {
                let slot = Slot::take(&self.inbound, self.most_inbound);
                let accepted = slot.map(|slot| FromHandler::Accepted(inbound.protocol, slot));
                self.out.push_back(accepted.unwrap_or(FromHandler::Refused));
            }
            ConnectionEvent::FullyNegotiatedOutbound(outbound) => {
                self.out.push_back(FromHandler::Opened(outbound.protocol));
            }
            ConnectionEvent::DialUpgradeError(_) => self.out.push_back(FromHandler::OpenFailed),
            _ => {}
        }
    }
}
