//! The task's part in who may connect: friends and bootstrap nodes always, the banned never, the rest within limits.

use std::collections::BTreeSet;

use kith_proto::id::DeviceId;
use libp2p::PeerId;

use super::Task;
use crate::address;
use crate::config::Limits;

impl Task {
    /// Tells the behaviours whose connections are kept and whom no limit touches, friends and bootstrap nodes, and who may learn where
    /// this device is.
    pub(super) fn update_kept(&mut self) {
        let friends: BTreeSet<PeerId> = self.friends.iter().filter_map(address::peer_of).collect();
        let kept: BTreeSet<PeerId> = friends.iter().copied().chain(self.bootstraps.keys().copied()).collect();
        let behaviour = self.swarm.behaviour_mut();
        behaviour.limits.set_friends(kept.clone());
        behaviour.requests.set_friends(friends);
        behaviour.streams.keep(kept);
        let known: BTreeSet<PeerId> = self.known.iter().filter_map(address::peer_of).collect();
        if let Some(punch) = behaviour.punch.as_mut() {
            punch.set_known(known.clone());
        }
        behaviour.identify.set_known(known);
        self.update_talkers();
    }

    /// Other limits from now on, as far as they can change.
    pub(super) fn set_limits(&mut self, limits: &Limits) {
        self.config.limits.adopt(limits);
        self.swarm.behaviour_mut().limits.set_limits(self.config.limits.clone());
    }

    pub(super) fn misbehaved(&mut self, device: DeviceId) {
        let Some(peer) = address::peer_of(&device) else { return };
        if self.swarm.behaviour_mut().limits.misbehaved(peer) {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }
}
