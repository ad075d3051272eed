//! The task's part in [`Facts`](crate::Facts): notes what was measured, as it happens. Decides nothing.

use std::time::Duration;

use kith_proto::address::Multiaddress;
use kith_proto::time::Timestamp;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::core::ConnectedPoint;
use libp2p::core::transport::PortUse;
use libp2p::identify;
use libp2p::swarm::ConnectionId;
use libp2p::upnp;

use super::Task;
use super::now_millis;
use crate::address;
use crate::facts::Test;
use crate::facts::Upnp;

impl Task {
    /// A node told where it sees this device. Only what left from a listening port says how others could come in.
    pub(super) fn observed(&mut self, peer: PeerId, connection: ConnectionId, info: &identify::Info) {
        let endpoint =
            self.alive.get(&peer).and_then(|alive| alive.get(&connection)).map(|alive| &alive.endpoint);
        let Some(ConnectedPoint::Dialer { address, port_use: PortUse::Reuse, .. }) = endpoint else { return };
        if address::is_relayed(address) {
            return;
        }
        self.observed.note(connection, address, &info.observed_addr);
        self.update_mapping();
    }

    /// A connection has ended, and with it what was seen over it.
    pub(super) fn forget_seen(&mut self, connection: ConnectionId) {
        if self.observed.ended(connection) {
            self.update_mapping();
        }
    }

    fn update_mapping(&self) {
        let own: Vec<_> = self.swarm.listeners().filter_map(address::ip_of).collect();
        let mapping =
            self.observed.mapping(|seen| address::ip_of(seen).is_some_and(|seen| own.contains(&seen)));
        self.facts.change().mapping = mapping;
    }

    /// An address of this machine is gone: this device is in another network.
    pub(super) fn forget_observed(&mut self, address: &Multiaddr) {
        if let Some(gone) = address::ip_of(address).filter(|ip| !ip.is_loopback()) {
            self.facts.change().left(gone);
            if gone.is_ipv4() {
                self.observed.forget();
            }
        }
    }

    /// This machine has a new address.
    pub(super) fn note_joined(&self, address: &Multiaddr) {
        if let Some(new) = address::ip_of(address) {
            self.facts.change().joined(new);
        }
    }

    /// A ping came back.
    pub(super) fn note_round_trip(&self, peer: &PeerId, after: Duration) {
        let here = self.bootstraps.contains_key(peer) && self.alive.contains_key(peer);
        let Some(device) = address::device_of(peer).filter(|_| here) else { return };
        let millis = u32::try_from(after.as_micros().div_ceil(1_000)).unwrap_or(u32::MAX);
        self.facts.change().nodes.entry(device).or_default().round_trip_ms = Some(millis);
    }

    /// How long a community node took to answer last, in milliseconds.
    pub(super) fn round_trip(&self, peer: &PeerId) -> Option<u32> {
        let device = address::device_of(peer)?;
        self.facts.change().nodes.get(&device)?.round_trip_ms
    }

    /// A community node keeps a place for this device as a relay, or does not any more.
    pub(super) fn note_reserved(&self, peer: &PeerId, held: bool) {
        let Some(device) = address::device_of(peer).filter(|_| self.bootstraps.contains_key(peer)) else {
            return;
        };
        let mut facts = self.facts.change();
        if held {
            facts.nodes.entry(device).or_default().reserved_since.get_or_insert_with(now);
        } else if let Some(node) = facts.nodes.get_mut(&device) {
            node.reserved_since = None;
        }
    }

    /// A community node is gone: what was measured of it is of the past.
    pub(super) fn forget_node(&self, peer: &PeerId) {
        if let Some(device) = address::device_of(peer) {
            self.facts.change().nodes.remove(&device);
        }
    }

    /// A community node tried to reach this device.
    pub(super) fn note_test(&self, address: Multiaddress, reached: bool) {
        self.facts.change().tested(Test { address, reached, at: now() });
    }

    /// The router answered.
    pub(super) fn note_upnp(&self, event: &upnp::Event) {
        let mut facts = self.facts.change();
        match event {
            upnp::Event::NewExternalAddr { .. } => facts.upnp = Upnp::Mapped,
            upnp::Event::ExpiredExternalAddr { .. } => facts.lost_port(),
            upnp::Event::GatewayNotFound => facts.upnp = Upnp::NoGateway,
            upnp::Event::NonRoutableGateway => facts.upnp = Upnp::NotPublic,
        }
    }

    /// A record of ours was stored by others, or nobody could be found to.
    pub(super) fn note_published(&self, stored: bool) {
        let mut facts = self.facts.change();
        let at = if stored { &mut facts.published_at } else { &mut facts.publish_failed_at };
        *at = Some(now());
    }

    /// The DHT had what was asked for.
    pub(super) fn note_found(&self) {
        self.facts.change().found_at = Some(now());
    }

    /// The DHT was asked to the end.
    pub(super) fn note_looked_up(&self) {
        self.facts.change().looked_up_at = Some(now());
    }
}

fn now() -> Timestamp {
    Timestamp(now_millis())
}
