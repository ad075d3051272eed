//! The task's part in topics: only translation and counting.

use std::collections::BTreeSet;

use kith_proto::id::DeviceId;
use kith_proto::id::GossipId;
use kith_proto::id::TopicId;
use libp2p::gossipsub::MessageAcceptance;

use super::Task;
use crate::address;
use crate::event::NetEvent;
use crate::event::Verdict;
use crate::mesh;
use crate::stats;

impl Task {
    pub(super) fn set_topics(&mut self, topics: BTreeSet<TopicId>, members: BTreeSet<DeviceId>) {
        self.members = members;
        self.update_talkers();
        if let Some(mesh) = self.swarm.behaviour_mut().mesh.as_mut() {
            mesh.set_topics(topics);
        }
    }

    /// Tells the behaviour who may hear of topics: friends who are members. Not before it has the friends.
    pub(super) fn update_talkers(&mut self) {
        let both = self.friends.intersection(&self.members).filter_map(address::peer_of).collect();
        if let Some(mesh) = self.swarm.behaviour_mut().mesh.as_mut() {
            mesh.set_friends(both);
        }
    }

    pub(super) fn gossip(&mut self, topic: &TopicId, bytes: Vec<u8>) {
        let Some(mesh) = self.swarm.behaviour_mut().mesh.as_mut() else { return };
        let counter = match mesh.publish(topic, bytes) {
            true => &self.counters.gossip_sent,
            false => &self.counters.gossip_unsent,
        };
        stats::count(counter);
    }

    pub(super) fn judge(&mut self, message: &GossipId, verdict: Verdict) {
        let Some(mesh) = self.swarm.behaviour_mut().mesh.as_mut() else { return };
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        let in_time = mesh.verdict(message, acceptance);
        match verdict {
            Verdict::Accept if in_time => stats::count(&self.counters.gossip_passed),
            Verdict::Reject => stats::count(&self.counters.gossip_rejected),
            _ => {}
        }
    }

    pub(super) fn on_gossip(&mut self, event: mesh::Event) {
        stats::count(&self.counters.gossip_came);
        let mesh::Event { topic, message, peer, bytes } = event;
        if let Some(device) = address::device_of(&peer) {
            self.tell(NetEvent::Gossip { topic, message, device, bytes });
        }
    }
}
