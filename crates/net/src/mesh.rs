//! Topics of large groups: libp2p's gossipsub, for friends only and only while there is a topic.
//!
//! ```text
//!  connection to anybody ── silent: their stream is taken, nothing is read from it, nothing is said
//!                    │ a friend, and we have topics
//!                    ▼
//!                 talking: gossipsub as it is
//! ```
//!
//! gossipsub tells every peer that it meets which topics this node has, and greets each with a stream of its own. Topics are
//! names that nobody can read, but whoever is told the same two by two devices knows that these have something in common:
//! no stranger is told. And a device in no large group has nothing to say. So the handler of a connection waits until it may
//! talk. What the other side says first stays in the stream until then, which is as much as its window holds.
//!
//! A message is passed on only when the engine has said that it is good.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

use kith_proto::id::GossipId;
use kith_proto::id::TopicId;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::Stream;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::InboundUpgrade;
use libp2p::core::upgrade::OutboundUpgrade;
use libp2p::core::upgrade::UpgradeInfo;
use libp2p::gossipsub;
use libp2p::gossipsub::IdentTopic;
use libp2p::gossipsub::MessageAcceptance;
use libp2p::gossipsub::MessageId;
use libp2p::gossipsub::TopicHash;
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
use libp2p::swarm::handler::DialUpgradeError;
use libp2p::swarm::handler::FullyNegotiatedInbound;
use libp2p::swarm::handler::FullyNegotiatedOutbound;
use libp2p::swarm::handler::ListenUpgradeError;

use crate::error::NetError;

/// The protocol, apart from all other meshes.
const PROTOCOL: &str = "/kith/mesh/1.0.0";

/// Topics of this device: two for each of as many large groups as anybody reads.
pub(crate) const MAX_TOPICS: usize = 128;

/// The longest message: an envelope of 16 KiB with everything around it, and room to grow.
pub(crate) const MAX_BYTES: usize = 32 << 10;

/// How often the mesh is looked after, and what is missing is asked for.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Heartbeats for which a message can be passed on or asked for: as long as it takes to get a chain from a neighbour, twice.
const HISTORY: usize = 10;

/// How long a message is known again. One that comes back later has been opened, and is not passed on for that.
const KNOWN_FOR: Duration = Duration::from_secs(120);

/// Messages that wait for one peer: a megabyte of short texts. A slow peer is left behind, and heals by a meeting.
const QUEUE: usize = 256;

/// Topics that a peer may have, and tell at once: its own, and those of yesterday.
const MAX_THEIR_TOPICS: usize = 2 * MAX_TOPICS;

/// What a message that breaks the rules costs, and a minute later half as much: with ten of them nothing is taken from the
/// peer, with five nothing is sent to it.
const BAD_MESSAGE: f64 = -1.0;

type Gossipsub = gossipsub::Behaviour<gossipsub::IdentityTransform, Filter>;
type Filter = gossipsub::MaxCountSubscriptionFilter<gossipsub::AllowAllSubscriptionFilter>;
type Inner = THandler<Gossipsub>;
type InnerIn = <Inner as ConnectionHandler>::FromBehaviour;
type InnerOut = <Inner as ConnectionHandler>::ToBehaviour;
type InnerInbound = <Inner as ConnectionHandler>::InboundProtocol;
type InnerOutbound = <Inner as ConnectionHandler>::OutboundProtocol;

/// A message that came, and waits for a verdict.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) topic: TopicId,
    pub(crate) message: GossipId,
    pub(crate) peer: PeerId,
    pub(crate) bytes: Vec<u8>,
}

/// What a connection's handler is told.
#[derive(Debug)]
pub(crate) enum ToHandler {
    Inner(InnerIn),
    Talk(bool),
}

/// The topics of this device.
pub(crate) struct Behaviour {
    inner: Gossipsub,
    topics: BTreeSet<TopicId>,
    friends: BTreeSet<PeerId>,
    /// The connections, and whether each may talk.
    connections: BTreeMap<PeerId, BTreeMap<ConnectionId, bool>>,
    /// Who brought what waits for a verdict.
    waiting: BTreeMap<GossipId, PeerId>,
    /// The same in order of time, so that the oldest is forgotten.
    order: VecDeque<GossipId>,
    out: VecDeque<ToSwarm<Event, ToHandler>>,
    /// Without topics, gossipsub's clock need not tick: it is looked at when something happens.
    still: bool,
    waker: Option<Waker>,
}

/// Messages that wait for a verdict; for one more the oldest is ignored.
const MAX_WAITING: usize = 1_024;

impl Behaviour {
    pub(crate) fn new() -> Result<Self, NetError> {
        let setup = |error: &dyn std::fmt::Display| NetError::Setup(error.to_string());
        let config = gossipsub::ConfigBuilder::default()
            .protocol_id(PROTOCOL, gossipsub::Version::V1_1)
            .validation_mode(gossipsub::ValidationMode::Anonymous)
            .validate_messages()
            .message_id_fn(|message| {
                let id = topic_of(&message.topic).map(|topic| GossipId::of(&topic, &message.data));
                id.map_or_else(|| MessageId::new(&[]), |id| MessageId::new(&id.0))
            })
            .mesh_n(6)
            .mesh_n_low(4)
            .mesh_n_high(12)
            .mesh_outbound_min(2)
            .heartbeat_interval(HEARTBEAT)
            .heartbeat_initial_delay(HEARTBEAT)
            .history_length(HISTORY)
            .history_gossip(3)
            .duplicate_cache_time(KNOWN_FOR)
            .flood_publish(true)
            .max_transmit_size(MAX_BYTES)
            .max_publish_messages(QUEUE)
            .connection_handler_queue_len(QUEUE)
            .build()
            .map_err(|error| setup(&error))?;
        let filter = Filter {
            filter: gossipsub::AllowAllSubscriptionFilter::default(),
            max_subscribed_topics: MAX_THEIR_TOPICS,
            max_subscriptions_per_request: MAX_THEIR_TOPICS,
        };
        let anonymous = gossipsub::MessageAuthenticity::Anonymous;
        let mut inner = Gossipsub::new_with_subscription_filter(anonymous, config, filter)
            .map_err(|error| setup(&error))?;
        inner.with_peer_score(score(), thresholds()).map_err(|error| setup(&error))?;
        Ok(Self {
            inner,
            topics: BTreeSet::new(),
            friends: BTreeSet::new(),
            connections: BTreeMap::new(),
            waiting: BTreeMap::new(),
            order: VecDeque::new(),
            out: VecDeque::new(),
            still: false,
            waker: None,
        })
    }

    /// Has exactly these topics from now on, or the first of them.
    pub(crate) fn set_topics(&mut self, topics: BTreeSet<TopicId>) {
        let topics: BTreeSet<TopicId> = topics.into_iter().take(MAX_TOPICS).collect();
        for gone in self.topics.difference(&topics) {
            self.inner.unsubscribe(&named(gone));
        }
        for new in topics.difference(&self.topics) {
            let topic = named(new);
            let _ = self.inner.set_topic_params(topic.clone(), topic_score());
            let _ = self.inner.subscribe(&topic);
        }
        self.topics = topics;
        self.let_talk();
    }

    /// Whom topics are told to.
    pub(crate) fn set_friends(&mut self, friends: BTreeSet<PeerId>) {
        self.friends = friends;
        self.let_talk();
    }

    /// Sends a message to everybody who has the topic. Whether anybody is there is not said: it is never the only carrier.
    pub(crate) fn publish(&mut self, topic: &TopicId, bytes: Vec<u8>) -> bool {
        let sent = self.topics.contains(topic) && self.inner.publish(named(topic), bytes).is_ok();
        self.wake();
        sent
    }

    /// Says what a message is. Returns whether that was still of use.
    pub(crate) fn verdict(&mut self, message: &GossipId, verdict: MessageAcceptance) -> bool {
        let Some(peer) = self.waiting.remove(message) else { return false };
        let known = self.inner.report_message_validation_result(&MessageId::new(&message.0), &peer, verdict);
        self.wake();
        known
    }

    fn may_talk(&self, peer: &PeerId) -> bool {
        self.friends.contains(peer) && !self.topics.is_empty()
    }

    /// Tells handlers whether they may talk. Whoever has begun goes on without topics, to say that there are none; a
    /// friend who is none any more is not heard.
    fn let_talk(&mut self) {
        for (peer, connections) in &mut self.connections {
            let friend = self.friends.contains(peer);
            for (connection, talks) in connections {
                let now = friend && (*talks || !self.topics.is_empty());
                if *talks != now {
                    *talks = now;
                    let handler = NotifyHandler::One(*connection);
                    let event = ToHandler::Talk(now);
                    self.out.push_back(ToSwarm::NotifyHandler { peer_id: *peer, handler, event });
                }
            }
        }
        self.wake();
    }

    fn wake(&mut self) {
        self.still = false;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn connected(&mut self, peer: PeerId, connection: ConnectionId, inner: Inner) -> Handler {
        let talks = self.may_talk(&peer);
        self.connections.entry(peer).or_default().insert(connection, talks);
        Handler { inner, talks, waker: None }
    }

    fn came(&mut self, event: gossipsub::Event) -> Option<Event> {
        let gossipsub::Event::Message { propagation_source, message_id, message } = event else {
            return None;
        };
        let topic = topic_of(&message.topic).filter(|topic| self.topics.contains(topic));
        let named = <[u8; 20]>::try_from(message_id.0.as_slice()).ok().map(GossipId);
        let (Some(topic), Some(id)) = (topic, named) else {
            let ignore = MessageAcceptance::Ignore;
            self.inner.report_message_validation_result(&message_id, &propagation_source, ignore);
            return None;
        };
        if self.waiting.insert(id, propagation_source).is_none() {
            self.order.push_back(id);
        }
        while self.order.len() > MAX_WAITING {
            if let Some(oldest) = self.order.pop_front() {
                self.verdict(&oldest, MessageAcceptance::Ignore);
            }
        }
        Some(Event { topic, message: id, peer: propagation_source, bytes: message.data })
    }
}

/// A topic as gossipsub names it. Not the bytes: names are texts there.
fn named(topic: &TopicId) -> IdentTopic {
    IdentTopic::new(topic.to_string())
}

fn topic_of(hash: &TopicHash) -> Option<TopicId> {
    hash.as_str().parse().ok()
}

/// Peers are judged by what they say that is wrong, and by nothing that a bad connection does.
fn score() -> gossipsub::PeerScoreParams {
    gossipsub::PeerScoreParams {
        topics: Default::default(),
        topic_score_cap: 0.0,
        app_specific_weight: 0.0,
        // A household or a campus shares an address.
        ip_colocation_factor_weight: 0.0,
        behaviour_penalty_weight: BAD_MESSAGE,
        behaviour_penalty_threshold: 10.0,
        behaviour_penalty_decay: 0.9,
        slow_peer_weight: 0.0,
        decay_interval: Duration::from_secs(10),
        // Also of strangers, who have none.
        retain_score: Duration::from_secs(600),
        ..Default::default()
    }
}

fn topic_score() -> gossipsub::TopicScoreParams {
    gossipsub::TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: BAD_MESSAGE,
        invalid_message_deliveries_decay: 0.9,
        ..Default::default()
    }
}

/// The penalty grows with the square of what was wrong.
fn thresholds() -> gossipsub::PeerScoreThresholds {
    gossipsub::PeerScoreThresholds {
        gossip_threshold: -10.0,
        publish_threshold: -25.0,
        graylist_threshold: -100.0,
        ..Default::default()
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let inner = self.inner.handle_established_inbound_connection(connection, peer, local, remote)?;
        Ok(self.connected(peer, connection, inner))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let inner =
            self.inner.handle_established_outbound_connection(connection, peer, address, role, port)?;
        Ok(self.connected(peer, connection, inner))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::ConnectionClosed(closed) = &event
            && let Some(connections) = self.connections.get_mut(&closed.peer_id)
        {
            connections.remove(&closed.connection_id);
            if connections.is_empty() {
                self.connections.remove(&closed.peer_id);
            }
        }
        self.inner.on_swarm_event(event);
        self.wake();
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        if self.friends.contains(&peer) {
            self.inner.on_connection_handler_event(peer, connection, event);
            self.wake();
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        loop {
            if let Some(event) = self.out.pop_front() {
                return Poll::Ready(event);
            }
            if self.still {
                self.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            match self.inner.poll(cx) {
                Poll::Ready(ToSwarm::GenerateEvent(event)) => {
                    if let Some(event) = self.came(event) {
                        return Poll::Ready(ToSwarm::GenerateEvent(event));
                    }
                }
                Poll::Ready(ToSwarm::NotifyHandler { peer_id, handler, event }) => {
                    let event = ToHandler::Inner(event);
                    return Poll::Ready(ToSwarm::NotifyHandler { peer_id, handler, event });
                }
                // It knows no addresses, and is not to dial.
                Poll::Ready(_) => {}
                Poll::Pending => {
                    self.still = self.topics.is_empty();
                    self.waker = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        }
    }
}

/// One connection's share.
pub(crate) struct Handler {
    inner: Inner,
    talks: bool,
    waker: Option<Waker>,
}

/// A stream that keeps no connection: friends are kept for other reasons.
#[derive(Clone, Debug)]
pub(crate) struct Unheld<U>(U);

impl<U: UpgradeInfo> UpgradeInfo for Unheld<U> {
    type Info = U::Info;
    type InfoIter = U::InfoIter;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.protocol_info()
    }
}

impl<U: InboundUpgrade<Stream>> InboundUpgrade<Stream> for Unheld<U> {
    type Output = U::Output;
    type Error = U::Error;
    type Future = U::Future;

    fn upgrade_inbound(self, mut stream: Stream, info: Self::Info) -> Self::Future {
        stream.ignore_for_keep_alive();
        self.0.upgrade_inbound(stream, info)
    }
}

impl<U: OutboundUpgrade<Stream>> OutboundUpgrade<Stream> for Unheld<U> {
    type Output = U::Output;
    type Error = U::Error;
    type Future = U::Future;

    fn upgrade_outbound(self, mut stream: Stream, info: Self::Info) -> Self::Future {
        stream.ignore_for_keep_alive();
        self.0.upgrade_outbound(stream, info)
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = ToHandler;
    type ToBehaviour = InnerOut;
    type InboundProtocol = Unheld<InnerInbound>;
    type OutboundProtocol = Unheld<InnerOutbound>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        self.inner.listen_protocol().map_upgrade(Unheld)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Self::ToBehaviour>> {
        if !self.talks {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.inner.poll(cx).map(|event| event.map_protocol(Unheld))
    }

    fn on_behaviour_event(&mut self, event: ToHandler) {
        match event {
            ToHandler::Inner(event) => self.inner.on_behaviour_event(event),
            ToHandler::Talk(talks) => {
                self.talks = talks;
                if let Some(waker) = self.waker.take() {
                    waker.wake();
                }
            }
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        self.inner.on_connection_event(match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, info }) => {
                ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, info })
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info }) => {
                ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info })
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error })
            }
            ConnectionEvent::ListenUpgradeError(ListenUpgradeError { info, error }) => {
                ConnectionEvent::ListenUpgradeError(ListenUpgradeError { info, error })
            }
            // What is left is about addresses and protocols, which gossipsub does not ask.
            _ => return,
        });
    }
}
