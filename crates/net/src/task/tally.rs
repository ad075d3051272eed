//! The task's part in counting: what is open, what was refused, and what is done for others.

use std::sync::atomic::AtomicU64;

use libp2p::PeerId;
use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Protocol;
use libp2p::relay;

use super::Task;
use crate::stats;
use crate::stats::Counters;

impl Task {
    pub(super) fn tally_opened(&mut self, endpoint: &ConnectedPoint) {
        stats::count(open(&self.counters, endpoint));
    }

    /// A connection of a peer is closed; so many are left.
    pub(super) fn tally_closed(&mut self, peer: PeerId, endpoint: &ConnectedPoint, left: u32) {
        stats::discount(open(&self.counters, endpoint));
        // libp2p says “closed” of each connection, whether a reservation was on it or not.
        if let Some(held) = self.reserved.get_mut(&peer) {
            *held = (*held).min(left);
            if *held == 0 {
                self.reserved.remove(&peer);
            }
            self.tally_reserved();
        }
    }

    pub(super) fn tally_relay(&mut self, event: &relay::Event) {
        let counters = &self.counters;
        match event {
            relay::Event::ReservationReqAccepted { src_peer_id, renewed } => {
                stats::count(&counters.reservations_given);
                if !renewed {
                    *self.reserved.entry(*src_peer_id).or_default() += 1;
                }
                self.tally_reserved();
            }
            relay::Event::ReservationReqDenied { .. } => stats::count(&counters.reservations_refused),
            relay::Event::ReservationTimedOut { src_peer_id } => {
                if let Some(held) = self.reserved.get_mut(src_peer_id) {
                    *held -= 1;
                    if *held == 0 {
                        self.reserved.remove(src_peer_id);
                    }
                }
                self.tally_reserved();
            }
            relay::Event::CircuitReqAccepted { .. } => {
                stats::count(&counters.circuits_begun);
                stats::count(&counters.circuits);
            }
            relay::Event::CircuitReqDenied { .. } => stats::count(&counters.circuits_refused),
            relay::Event::CircuitClosed { .. } => stats::discount(&counters.circuits),
            _ => {}
        }
    }

    fn tally_reserved(&self) {
        let held: u32 = self.reserved.values().sum();
        stats::set(&self.counters.reservations, held as usize);
    }
}

/// The number of connections that go the same way.
fn open<'a>(counters: &'a Counters, endpoint: &ConnectedPoint) -> &'a AtomicU64 {
    if endpoint.is_relayed() {
        return &counters.open_relayed;
    }
    let address = match endpoint {
        ConnectedPoint::Dialer { address, .. } => address,
        ConnectedPoint::Listener { local_addr, .. } => local_addr,
    };
    let has = |wanted: fn(&Protocol<'_>) -> bool| address.iter().any(|part| wanted(&part));
    if has(|part| matches!(part, Protocol::Ws(_) | Protocol::Wss(_))) {
        &counters.open_websocket
    } else if has(|part| matches!(part, Protocol::WebRTCDirect)) {
        &counters.open_webrtc
    } else if has(|part| matches!(part, Protocol::Udp(_))) {
        &counters.open_quic
    } else {
        &counters.open_tcp
    }
}
