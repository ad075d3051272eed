//! The task's part in lending credentials for calls: who is asked, who asks, and what is answered.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::net::IpAddr;

use kith_proto::id::DeviceId;
use libp2p::PeerId;
use libp2p::identify;
use libp2p::request_response::Event;
use libp2p::request_response::InboundRequestId;
use libp2p::request_response::Message;
use libp2p::request_response::OutboundRequestId;
use libp2p::request_response::ResponseChannel;
use libp2p::swarm::ConnectionId;

use super::Task;
use crate::address;
use crate::event::NetEvent;
use crate::stats;
use crate::turn;
use crate::turn::Question;
use crate::turn::TurnOffer;

/// Nodes that are asked at once: one may be slow, one may refuse, and a call that has two ways needs no third.
const NODES: usize = 3;

/// Questions that wait for the driver; one of each device.
const WAITING: usize = 256;

/// Who lends, who waits for an answer, who was asked.
#[derive(Default)]
pub(super) struct Lending {
    /// Whoever is connected and says that they do.
    offering: BTreeSet<PeerId>,
    asked: BTreeMap<OutboundRequestId, PeerId>,
    asking: BTreeMap<u64, Asking>,
    next: u64,
    /// Who is asked first, by chance and the same for as long as this runs: nobody gets to the front by a key of their choice, and a
    /// call goes on with the nodes that it began with.
    order: RandomState,
}

/// Somebody waits for an answer.
struct Asking {
    peer: PeerId,
    request: InboundRequestId,
    channel: ResponseChannel<Option<TurnOffer>>,
}

impl Task {
    /// A peer told its protocols.
    pub(super) fn offers_turn(&mut self, peer: PeerId, info: &identify::Info) {
        if info.protocols.contains(&turn::PROTOCOL) {
            self.lending.offering.insert(peer);
        } else {
            self.lending.offering.remove(&peer);
        }
        self.count_lenders();
    }

    /// Somebody came or went: nodes that are gone lend nothing.
    pub(super) fn count_lenders(&mut self) {
        let alive = &self.alive;
        self.lending.offering.retain(|peer| alive.contains_key(peer));
        self.facts.change().lenders = self.lenders().count();
    }

    /// Who is asked: community nodes of this device that are connected directly. Whoever passes a call on learns who talks to whom from
    /// where, which is not for anybody who happens to be connected; and whoever is reached through a relay would learn the own
    /// address by being used.
    fn lenders(&self) -> impl Iterator<Item = PeerId> {
        let chosen = self.lending.offering.iter().filter(|peer| self.bootstraps.contains_key(peer));
        chosen.filter(|peer| self.is_direct(peer)).copied()
    }

    fn is_direct(&self, peer: &PeerId) -> bool {
        self.alive.get(peer).into_iter().flatten().any(|(_, alive)| !alive.relayed)
    }

    /// Asks a few nodes for credentials.
    pub(super) fn ask_turn(&mut self) {
        self.count_lenders();
        // Whoever is being asked is not asked again.
        let busy: BTreeSet<PeerId> = self.lending.asked.values().copied().collect();
        let mut free: Vec<PeerId> = self.lenders().filter(|peer| !busy.contains(peer)).collect();
        free.sort_by_key(|peer| self.lending.order.hash_one(peer));
        free.truncate(NODES.saturating_sub(busy.len()));
        for peer in free {
            let asked = self.swarm.behaviour_mut().turn.send_request(&peer, Question);
            self.lending.asked.insert(asked, peer);
        }
        if self.lending.asked.is_empty() {
            self.tell(NetEvent::TurnAllTold);
        }
    }

    /// What the driver answers a device.
    pub(super) fn answer_turn(&mut self, question: u64, offer: Option<TurnOffer>) {
        if let Some(Asking { channel, .. }) = self.lending.asking.remove(&question) {
            let _ = self.swarm.behaviour_mut().turn.send_response(channel, offer);
        }
    }

    pub(super) fn on_turn(&mut self, event: Event<Question, Option<TurnOffer>>) {
        match event {
            Event::Message { peer, connection_id, message: Message::Request { request_id, channel, .. } } => {
                self.is_asked_for_turn(connection_id, Asking { peer, request: request_id, channel });
            }
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                self.turn_answered(request_id, response);
            }
            Event::OutboundFailure { request_id, .. } => self.turn_answered(request_id, None),
            Event::InboundFailure { request_id, .. } => {
                self.lending.asking.retain(|_, asking| asking.request != request_id);
            }
            Event::ResponseSent { .. } => {}
        }
    }

    fn turn_answered(&mut self, question: OutboundRequestId, offer: Option<TurnOffer>) {
        let Some(peer) = self.lending.asked.remove(&question) else { return };
        let offer = offer.and_then(|offer| offer.usable(&self.places_of(&peer)));
        if let Some(device) = address::device_of(&peer) {
            self.tell(NetEvent::TurnTold { device, offer });
        }
        if self.lending.asked.is_empty() {
            self.tell(NetEvent::TurnAllTold);
        }
    }

    /// Passes a question on with the address that it came from; what came through a relay has none, and gets no answer.
    fn is_asked_for_turn(&mut self, connection: ConnectionId, asking: Asking) {
        let asked = self.turn_asker(asking.peer, connection);
        let waits = self.lending.asking.values().any(|other| other.peer == asking.peer);
        let Some((device, ip)) = asked.filter(|_| !waits && self.lending.asking.len() < WAITING) else {
            stats::count(&self.counters.turn_unheard);
            return;
        };
        let question = self.lending.next;
        self.lending.next += 1;
        self.lending.asking.insert(question, asking);
        self.tell(NetEvent::TurnAsked { question, device, ip });
    }

    /// Where a peer is connected directly.
    fn places_of(&self, peer: &PeerId) -> Vec<IpAddr> {
        let direct = self.alive.get(peer).into_iter().flatten().filter(|(_, alive)| !alive.relayed);
        direct.filter_map(|(_, alive)| address::ip_of(alive.endpoint.get_remote_address())).collect()
    }

    fn turn_asker(&self, peer: PeerId, connection: ConnectionId) -> Option<(DeviceId, IpAddr)> {
        let alive = self.alive.get(&peer)?.get(&connection).filter(|alive| !alive.relayed)?;
        let ip = address::ip_of(alive.endpoint.get_remote_address())?;
        Some((address::device_of(&peer)?, ip.to_canonical()))
    }
}
