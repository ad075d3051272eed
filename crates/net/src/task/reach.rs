//! The task's part in being reached: reservations at relays, addresses that others confirmed, and what follows from
//! them. A person's device only; a community node just says where it is.
//!
//! ```text
//!  Unknown ──a test fails──▶ Private ◀──────── no proof for a while ────────┐
//!     └────────────────────────┴────a test succeeds, or the router lends a port──▶ Public
//!
//!  while not Public: a community node that relays ──listen──▶ asked ──address──▶ reserved
//!                          ▲                                    │                   │
//!                          └───────── pause, doubled ───────────┴── listener closed ┘
//! ```

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::time::Duration;

use kith_proto::address::Multiaddress;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::autonat::v2::client;
use libp2p::core::transport::ListenerId;
use libp2p::kad;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::dial_opts::PeerCondition;
use tokio::time::Instant;

use super::Task;
use crate::address;
use crate::address::Reach;
use crate::config::NetConfig;
use crate::config::Role;
use crate::event::Nat;
use crate::event::NetEvent;
use crate::network::networks_of;

/// The longest pause before a lost reservation is asked for again.
const RELAY_PAUSE_MAX: Duration = Duration::from_secs(300);

/// A reservation that was held for so long was no mistake.
const LONG_HELD: Duration = Duration::from_secs(10);

/// How often a round trip, in milliseconds, is twice as long as one that is near.
fn distance(millis: u32) -> u32 {
    (millis / NEAR_MS).checked_ilog2().map_or(0, |log| log + 1)
}

/// How long the connection for a test is kept.
const PROBE_TIME: Duration = Duration::from_secs(60);

/// A device that cannot be reached is tested more rarely: networks seldom change without a new address.
const PRIVATE_FACTOR: u32 = 3;

/// Relays whose answers take less than this, in milliseconds, are all near.
const NEAR_MS: u32 = 30;

/// Addresses told of one relay: one over QUIC and one over TCP.
const ADDRESSES_PER_RELAY: usize = 2;

/// Addresses that may be confirmed at once.
const MAX_EXTERNAL: usize = 8;

/// What is known about being reached.
pub(super) struct Reachability {
    /// Connected peers that relay, by what they say of themselves.
    offering: BTreeSet<PeerId>,
    relays: HashMap<ListenerId, Relay>,
    pauses: BTreeMap<PeerId, Pause>,
    /// The own addresses that others reached, and when.
    external: BTreeMap<Multiaddr, Instant>,
    nat: Nat,
    public_since: Option<Instant>,
    serving: bool,
    next_probe: Instant,
    probing: Option<(PeerId, ConnectionId, Instant)>,
    /// What a community node says of itself.
    announced: Vec<Multiaddr>,
    /// Which of two relays that are as good as each other is asked first, the same for as long as this runs.
    order: RandomState,
}

/// A reservation that was asked for.
struct Relay {
    peer: PeerId,
    addresses: Vec<Multiaddress>,
    /// Since when it is held.
    since: Option<Instant>,
}

struct Pause {
    pause: Duration,
    next: Instant,
}

impl Reachability {
    pub(super) fn new(config: &NetConfig) -> Self {
        Self {
            offering: BTreeSet::new(),
            relays: HashMap::new(),
            pauses: BTreeMap::new(),
            external: BTreeMap::new(),
            nat: Nat::Unknown,
            public_since: None,
            serving: config.services.dht,
            next_probe: Instant::now() + config.limits.probe_every,
            probing: None,
            announced: Vec::new(),
            order: RandomState::new(),
        }
    }
}

impl Task {
    /// Notes whether a connected peer relays.
    pub(super) fn offers_relay(&mut self, peer: PeerId, offers: bool) {
        if offers && self.alive.contains_key(&peer) {
            self.reach.offering.insert(peer);
        } else {
            self.reach.offering.remove(&peer);
        }
    }

    /// A relay is not connected any more. Its listener may take a while to notice.
    pub(super) fn relay_gone(&mut self, peer: PeerId) {
        self.reach.offering.remove(&peer);
        let lost = self.reach.relays.iter().find(|(_, relay)| relay.peer == peer).map(|(id, _)| *id);
        if let Some(listener) = lost {
            self.relay_closed(listener);
        }
    }

    /// The nodes at which a reservation is to be asked for: community nodes that were chosen, not any passer-by.
    fn possible_relays(&self) -> impl Iterator<Item = PeerId> {
        let reach = &self.reach;
        let wanted = reach.nat != Nat::Public && reach.relays.len() < self.config.limits.relays;
        let used = |peer: &PeerId| reach.relays.values().any(|relay| relay.peer == *peer);
        let offering = reach.offering.iter().filter(move |_| wanted);
        offering.filter(move |peer| self.bootstraps.contains_key(peer) && !used(peer)).copied()
    }

    /// Whether this device can be reached through a peer.
    pub(super) fn holds_reservation(&self, peer: &PeerId) -> bool {
        self.reach.relays.values().any(|relay| relay.peer == *peer && relay.since.is_some())
    }

    /// Through how many relays this device can be reached.
    pub(super) fn reservations_held(&self) -> u32 {
        let held = self.reach.relays.values().filter(|relay| relay.since.is_some()).count();
        u32::try_from(held).unwrap_or(u32::MAX)
    }

    /// Whether a reservation is missing that could be had.
    pub(super) fn wants_relay(&self) -> bool {
        self.possible_relays().next().is_some()
    }

    /// Asks for a reservation, if one is missing and its time has come.
    pub(super) fn ask_relay(&mut self) {
        let now = Instant::now();
        let due = |peer: &PeerId| self.reach.pauses.get(peer).is_none_or(|pause| pause.next <= now);
        let Some(peer) = self.possible_relays().filter(due).min_by_key(|peer| self.relay_rank(peer)) else {
            return;
        };
        let Some(address) = self.bootstraps.get(&peer).and_then(|node| node.addresses.first().cloned())
        else {
            return;
        };
        self.note_pause(peer, now);
        if let Ok(id) = self.swarm.listen_on(address.with(Protocol::P2p(peer)).with(Protocol::P2pCircuit)) {
            self.reach.relays.insert(id, Relay { peer, addresses: Vec::new(), since: None });
        }
    }

    /// Which relay is asked first: one in a network where there is none yet, so that both do not go at once; one that is near,
    /// by how often its round trip doubles; and then by chance, so that devices spread and no key gets to the front.
    fn relay_rank(&self, peer: &PeerId) -> (bool, u32, u64) {
        let site = |peer: &PeerId| {
            let ip = self.bootstraps.get(peer)?.addresses.first().and_then(address::ip_of)?;
            Some(networks_of(ip)[1])
        };
        let own = site(peer);
        let used = self.reach.relays.values().any(|relay| own.is_some() && site(&relay.peer) == own);
        let far = self.round_trip(peer).map_or(u32::MAX, distance);
        (used, far, self.reach.order.hash_one(peer))
    }

    fn note_pause(&mut self, peer: PeerId, now: Instant) {
        let first = self.config.limits.relay_pause;
        let known = self.reach.pauses.entry(peer).or_insert(Pause { pause: first, next: now });
        known.next = now + known.pause;
        known.pause = (known.pause * 2).min(RELAY_PAUSE_MAX);
    }

    /// A listener of ours has an address. Returns whether a relay lends it.
    pub(super) fn on_relay_address(&mut self, listener: ListenerId, address: &Multiaddr) -> bool {
        let Some(relay) = self.reach.relays.get_mut(&listener) else { return false };
        relay.since.get_or_insert_with(Instant::now);
        // A relay tells all its addresses; from where we see it, those that reach less far lead others nowhere.
        let seen = self.bootstraps.get(&relay.peer).and_then(|node| node.addresses.first());
        let seen = seen.and_then(address::ip_of).map_or(Reach::Global, address::reach_of_ip);
        let reach = address::ip_of(address).map_or(Reach::Global, address::reach_of_ip);
        let is_udp = |address: &Multiaddr| address.iter().any(|part| matches!(part, Protocol::Udp(_)));
        let known = relay.addresses.iter().filter_map(address::to_libp2p);
        let same_way = known.map(|known| is_udp(&known)).any(|udp| udp == is_udp(address));
        let Some(address) = address::from_libp2p(address).filter(|_| {
            reach <= seen
                && !same_way
                && !address::is_for_browsers(address)
                && relay.addresses.len() < ADDRESSES_PER_RELAY
        }) else {
            return true;
        };
        relay.addresses.push(address.clone());
        let peer = relay.peer;
        self.note_reserved(&peer, true);
        if self.reach.nat != Nat::Public {
            self.tell(NetEvent::Listening { listener: None, address });
        }
        true
    }

    /// A listener is closed. By its id: when a renewal is denied, libp2p names no address.
    pub(super) fn relay_closed(&mut self, listener: ListenerId) {
        let Some(relay) = self.reach.relays.remove(&listener) else { return };
        self.note_reserved(&relay.peer, false);
        // One that was held for a while is asked for again at once.
        let now = Instant::now();
        if relay.since.is_some_and(|since| now >= since + LONG_HELD) {
            self.reach.pauses.remove(&relay.peer);
        }
        if self.reach.nat != Nat::Public {
            for address in relay.addresses {
                self.tell(NetEvent::ListenerClosed { address });
            }
        }
    }

    /// A community node listens at an address: unless told otherwise, it says so to others. Relaying depends on it.
    pub(super) fn announce(&mut self, address: &Multiaddr) {
        if self.config.role != Role::Server || !self.config.external.is_empty() {
            return;
        }
        let here = |address: &Multiaddr| address::reach_of(address) == Reach::Loopback;
        if here(address) && self.reach.announced.iter().any(|known| !here(known)) {
            return;
        }
        if !here(address) {
            for known in self.reach.announced.extract_if(.., |known| here(known)) {
                self.swarm.remove_external_address(&known);
            }
        }
        self.reach.announced.push(address.clone());
        self.swarm.add_external_address(address.clone());
    }

    /// A community node does not listen at an address any more.
    pub(super) fn unannounce(&mut self, address: &Multiaddr) {
        if self.reach.announced.contains(address) {
            self.reach.announced.retain(|known| known != address);
            self.swarm.remove_external_address(address);
        }
    }

    /// A node reached this device at an address, or the router lends it.
    pub(super) fn on_external(&mut self, address: &Multiaddr) {
        if self.config.role != Role::User || address::reach_of(address) != Reach::Global {
            return;
        }
        let known = self.reach.external.contains_key(address);
        if known || self.reach.external.len() < MAX_EXTERNAL {
            self.reach.external.insert(address.clone(), Instant::now());
        }
        if !known && let Some(address) = address::from_libp2p(address) {
            self.tell(NetEvent::Listening { listener: None, address });
            self.update_nat(false);
        }
    }

    /// An address of ours cannot be reached any more.
    pub(super) fn external_gone(&mut self, address: &Multiaddr) {
        if self.reach.external.remove(address).is_some() {
            self.swarm.remove_external_address(address);
            if let Some(address) = address::from_libp2p(address) {
                self.tell(NetEvent::ListenerClosed { address });
            }
            self.update_nat(false);
        }
    }

    /// The result of a test.
    pub(super) fn on_tested(&mut self, test: &client::Event) {
        if let Some(address) = address::from_libp2p(&test.tested_addr) {
            let reached = test.result.is_ok();
            self.note_test(address.clone(), reached);
            self.tell(NetEvent::Tested { address, reached });
        }
        if test.result.is_ok() {
            self.on_external(&test.tested_addr);
        } else {
            self.external_gone(&test.tested_addr);
            self.update_nat(true);
        }
    }

    /// Has these addresses tested by whoever is connected next.
    pub(super) fn test_addresses(&mut self, addresses: &[Multiaddress]) {
        let addresses = addresses.iter().filter_map(address::to_libp2p).collect();
        if let Some(probe) = self.swarm.behaviour_mut().probe.as_mut() {
            probe.restart(addresses);
        }
    }

    /// Somebody dialled this device and it worked: whatever leads here over that transport still does.
    pub(super) fn was_reached(&mut self, from: &Multiaddr) {
        if address::reach_of(from) != Reach::Global {
            return;
        }
        let is_udp = |address: &Multiaddr| address.iter().any(|part| matches!(part, Protocol::Udp(_)));
        for (_, proven) in self.reach.external.iter_mut().filter(|(own, _)| is_udp(own) == is_udp(from)) {
            *proven = Instant::now();
        }
    }

    /// Works out whether this device is public, and tells what changed. `failed`: a test has failed.
    fn update_nat(&mut self, failed: bool) {
        let before = self.reach.nat;
        let nat = match before {
            _ if !self.reach.external.is_empty() => Nat::Public,
            Nat::Unknown if !failed => Nat::Unknown,
            _ => Nat::Private,
        };
        self.reach.nat = nat;
        if nat != before {
            self.swarm.behaviour_mut().requests.set_public(nat == Nat::Public);
            self.reach.public_since = (nat == Nat::Public).then(Instant::now);
            // Reservations run on, because libp2p panics when one is given up while it is being renewed. Nobody is sent
            // there any more, and no new one is asked for.
            let relayed: Vec<_> =
                self.reach.relays.values().flat_map(|relay| relay.addresses.iter().cloned()).collect();
            for address in relayed {
                if nat == Nat::Public {
                    self.tell(NetEvent::ListenerClosed { address });
                } else if before == Nat::Public {
                    self.tell(NetEvent::Listening { listener: None, address });
                }
            }
        }
        if nat != before || nat == Nat::Public {
            let external = self.reach.external.keys().filter_map(address::from_libp2p).collect();
            self.tell(NetEvent::Nat { nat, external });
        }
    }

    /// Looks after what goes stale. Twice a minute.
    pub(super) fn look_after_reach(&mut self) {
        let now = Instant::now();
        let life = self.config.limits.external_life;
        let stale = self.reach.external.iter().filter(|(_, proven)| now >= **proven + life);
        let stale: Vec<_> = stale.map(|(address, _)| address.clone()).collect();
        for address in stale {
            self.external_gone(&address);
        }
        if let Some((peer, connection, _)) = self.reach.probing.take_if(|(_, _, until)| now >= *until) {
            self.give_up(peer, connection);
        }
        if now >= self.reach.next_probe {
            self.probe_again(now);
        }
        let long = |since: Instant| now >= since + self.config.limits.serve_after;
        let serves = self.config.services.dht || self.reach.public_since.is_some_and(long);
        if serves != self.reach.serving {
            self.reach.serving = serves;
            let mode = if serves { kad::Mode::Server } else { kad::Mode::Client };
            self.swarm.behaviour_mut().kad.set_mode(Some(mode));
        }
    }

    /// Tests once more, on a connection of its own: tests run only over connections that are younger than they.
    fn probe_again(&mut self, now: Instant) {
        let every = self.config.limits.probe_every;
        self.reach.next_probe =
            now + if self.reach.nat == Nat::Private { every * PRIVATE_FACTOR } else { every };
        let Some((peer, node)) = self.bootstraps.iter().find(|(_, node)| node.retry.is_up()) else { return };
        let peer = *peer;
        let options = DialOpts::peer_id(peer).condition(PeerCondition::Always);
        let options = options.addresses(node.addresses.clone()).build();
        let connection = options.connection_id();
        let confirmed: Vec<_> = self.reach.external.keys().cloned().collect();
        if let Some(probe) = self.swarm.behaviour_mut().probe.as_mut() {
            probe.restart(confirmed);
        }
        if self.swarm.dial(options).is_ok() {
            self.reach.probing = Some((peer, connection, now + PROBE_TIME));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_relays_are_all_alike_and_far_ones_differ() {
        let far = [0, 12, 29, 30, 59, 60, 119, 120, 4_000].map(distance);
        assert_eq!(far, [0, 0, 0, 1, 1, 2, 2, 3, 8]);
    }
}
