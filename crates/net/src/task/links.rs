//! The task's part in connections: dialling, which ones answer, whether they are direct, and which ones go.
//!
//! ```text
//!  nothing ──dial everything known──▶ relayed ──hole punched, or a direct address answers──▶ both ──grace──▶ direct
//!     ▲                                  │                                                            │
//!     └────────── last connection lost ──┴────────────────────────────────────────────────────────────┘
//! ```

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::UdpSocket;
use std::time::Duration;
use std::time::SystemTime;

use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::core::ConnectedPoint;
use libp2p::core::Endpoint;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::DialError;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::dial_opts::PeerCondition;
use tokio::time::Instant;

use super::Task;
use crate::address;
use crate::config::Role;
use crate::event::NetEvent;
use crate::probes;
use crate::stats;

/// How long direct addresses are given before a relay is asked.
const HEAD_START: Duration = Duration::from_millis(200);

/// Addresses of one device that are dialled at once at most.
const MAX_DIALLED: usize = 32;

/// A device to be dialled through relays, unless it answers directly before.
pub(super) struct RelayDial {
    due: Instant,
    addresses: Vec<Multiaddr>,
}

/// A dial of this task that is under way.
pub(super) struct Dialling {
    peer: PeerId,
    addresses: Vec<Multiaddr>,
}

/// A connection that answers.
pub(super) struct Alive {
    /// After how long a silence it is asked for a sign of life.
    every: Duration,
    /// Since when there is this connection.
    since: Instant,
    /// When the last sign came.
    heard: Instant,
    /// Until when the next sign has to come.
    until: Instant,
    /// Whether it goes through a relay.
    pub(super) relayed: bool,
    /// Our address on it, as far as known: when the network goes, the connection is dead.
    local: Option<IpAddr>,
    pub(super) endpoint: ConnectedPoint,
    /// When it is closed because there is a better one.
    retires: Option<Instant>,
    /// It was dialled only to punch a hole.
    is_try: bool,
    /// When a hole is to be punched again, and which relay leads there.
    punch: Option<(Instant, Multiaddr)>,
}

impl Alive {
    /// The next sign may come so much later.
    pub(super) fn be_patient(&mut self, by: Duration) {
        self.heard += by;
        self.until += by;
    }

    /// Whether this side dialled it, and neither side did so only to punch a hole.
    fn is_ours(&self) -> bool {
        // In a hole punch both sides dial; the one that plays the listener says so.
        !self.is_try
            && matches!(self.endpoint, ConnectedPoint::Dialer { role_override: Endpoint::Dialer, .. })
    }

    /// The first of a peer's connections that this side dialled in the same way, if this is another: several dials were under
    /// way, and more than one found the device.
    fn elder<'a>(&self, all: &'a BTreeMap<ConnectionId, Self>) -> Option<&'a Self> {
        let alike = all.values().filter(|other| other.is_ours() && other.relayed == self.relayed);
        alike.min_by_key(|other| other.since).filter(|first| self.is_ours() && first.since < self.since)
    }

    /// Whether it is to be closed now. One that is the second of its kind only when the first has answered after this one
    /// came: until then, that may be the dead one.
    fn is_over(&self, now: Instant, all: &BTreeMap<ConnectionId, Self>) -> bool {
        let first_answers = || self.elder(all).is_none_or(|elder| elder.heard > self.since);
        self.until < now || (self.retires.is_some_and(|at| at < now) && first_answers())
    }
}

/// How often a hole is punched again after the second try: networks may have changed.
const PUNCH_EVERY: Duration = Duration::from_secs(300);

/// How long one try may take.
const PUNCH_TIME: Duration = Duration::from_secs(20);

impl Task {
    /// Dials a device at everything that is known and not being dialled already, unless it is connected directly. In two
    /// dials, since libp2p reports one only when its last address has failed: an address in a house that is not ours takes
    /// ten seconds, and in that time a relay can come back. What is heard of a device meanwhile is dialled beside them.
    pub(super) fn dial(&mut self, device: DeviceId, addresses: &[Multiaddress]) {
        let Some(peer) = address::peer_of(&device) else { return };
        let addresses = addresses.iter().filter_map(address::to_libp2p);
        let (lent, direct): (Vec<_>, Vec<_>) = addresses.partition(address::is_relayed);
        let (lent, direct) = (self.not_dialled(peer, lent), self.not_dialled(peer, direct));
        if self.relayed.contains(&peer) {
            // Nothing is reported when it fails.
            if !direct.is_empty() {
                let _ = self.begin_dial(peer, direct);
            }
            return;
        }
        if self.alive.contains_key(&peer) {
            return;
        }
        let is_dialled = self.dialling.values().any(|dialling| dialling.peer == peer);
        let alone = direct.is_empty();
        let begun = match is_dialled {
            false => self.begin_first_dial(peer, direct),
            true if alone => true,
            true => self.begin_dial(peer, direct),
        };
        if !lent.is_empty() {
            let due = Instant::now() + if alone { Duration::ZERO } else { HEAD_START };
            let waiting = self.relay_dials.entry(peer).or_insert(RelayDial { due, addresses: Vec::new() });
            waiting.due = waiting.due.min(due);
            let known = waiting.addresses.len();
            let new = lent.into_iter().filter(|address| !waiting.addresses.contains(address));
            let new: Vec<_> = new.take(MAX_DIALLED.saturating_sub(known)).collect();
            waiting.addresses.extend(new);
            self.dial_relays();
        } else if !begun && !self.relay_dials.contains_key(&peer) {
            self.tell(NetEvent::DialFailed { device });
        }
    }

    /// Those of a peer's addresses that are not being dialled, as many as there is room for.
    fn not_dialled(&self, peer: PeerId, mut addresses: Vec<Multiaddr>) -> Vec<Multiaddr> {
        let dialled = self.dialling.values().filter(|dialling| dialling.peer == peer);
        let dialled: Vec<&Multiaddr> = dialled.flat_map(|dialling| &dialling.addresses).collect();
        addresses.retain(|address| !dialled.contains(&address));
        addresses.truncate(MAX_DIALLED.saturating_sub(dialled.len()));
        addresses
    }

    /// Dials a peer that this task does not dial yet: also where the DHT and the local network say, unless another part of
    /// libp2p is at it. Returns whether its outcome will be told.
    fn begin_first_dial(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) -> bool {
        let options = DialOpts::peer_id(peer)
            .condition(self.unless_connected(&peer))
            .addresses(addresses.clone())
            .extend_addresses_through_behaviour()
            .build();
        let connection = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => {
                self.dialling.insert(connection, Dialling { peer, addresses });
                true
            }
            Err(DialError::DialPeerConditionFalse(_)) => {
                addresses.is_empty() || self.begin_dial(peer, addresses)
            }
            Err(_) => false,
        }
    }

    /// Dials a peer at these addresses, whatever else is under way: libp2p's conditions count connections that were given
    /// up and dials at other addresses. Returns whether its outcome will be told.
    fn begin_dial(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) -> bool {
        let options = DialOpts::peer_id(peer).condition(PeerCondition::Always).addresses(addresses.clone());
        let options = options.build();
        let connection = options.connection_id();
        let begun = self.swarm.dial(options).is_ok();
        if begun {
            self.dialling.insert(connection, Dialling { peer, addresses });
        }
        begun
    }

    /// Dials through relays whoever has not answered directly by now.
    pub(super) fn dial_relays(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self.relay_dials.extract_if(.., |_, dial| dial.due <= now).collect();
        for (peer, dial) in due {
            if self.alive.contains_key(&peer) {
                continue;
            }
            let addresses = self.not_dialled(peer, dial.addresses);
            if !addresses.is_empty()
                && !self.begin_dial(peer, addresses)
                && let Some(device) = address::device_of(&peer)
            {
                self.tell(NetEvent::DialFailed { device });
            }
        }
    }

    /// Not while a connection answers or another dial is under way.
    pub(super) fn unless_connected(&self, peer: &PeerId) -> PeerCondition {
        if self.alive.contains_key(peer) {
            PeerCondition::DisconnectedAndNotDialing
        } else {
            PeerCondition::NotDialing
        }
    }

    pub(super) fn established(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        stats::count(&self.counters.connections);
        let relayed = endpoint.is_relayed();
        let now = Instant::now();
        let local = (self.config.role == Role::User && !relayed).then(|| local_ip(endpoint)).flatten();
        self.dialling.remove(&connection);
        let is_try = self.punching.remove(&connection);
        let retires = is_try.then(|| now + PUNCH_TIME);
        let punch = (relayed && !is_try && endpoint.is_dialer())
            .then(|| (now + self.config.limits.punch_again, endpoint.get_remote_address().clone()));
        // As its handler begins; how often it is really asked is found out at once.
        let every = self.config.limits.ping_calm;
        let until = now + probes::asks_within(every) + self.config.limits.ping_timeout;
        let alive = self.alive.entry(peer).or_default();
        alive.insert(
            connection,
            Alive {
                endpoint: endpoint.clone(),
                every,
                since: now,
                heard: now,
                until,
                relayed,
                local,
                retires,
                is_try,
                punch,
            },
        );
        if alive.len() == 1 {
            let dialled = endpoint.is_dialer().then(|| endpoint.get_remote_address());
            self.connected(peer, dialled.and_then(address::from_libp2p));
        }
        if endpoint.is_listener() && !relayed {
            self.was_reached(endpoint.get_remote_address());
        }
        self.path_changed(peer);
        self.set_intervals(Some(peer));
        self.open_waiting_mailboxes(peer);
    }

    fn connected(&mut self, peer: PeerId, dialled: Option<Multiaddress>) {
        let Some(device) = address::device_of(&peer) else { return };
        // First what it is: a bootstrap node is no stranger.
        if self.bootstraps.contains_key(&peer) {
            self.bootstrap_is_up(peer, dialled.as_ref());
        }
        self.tell(NetEvent::Connected { device, dialled });
        self.tell_peers();
    }

    /// A connection came or went: says whether the device is reached directly, and acts on it.
    fn path_changed(&mut self, peer: PeerId) {
        let Some(alive) = self.alive.get_mut(&peer) else { return };
        let direct = alive.values().any(|connection| !connection.relayed);
        let retires = Instant::now() + self.config.limits.relay_grace;
        let tested = alive.iter().filter(|(_, connection)| !connection.is_try);
        let leaving = tested.map(|(id, connection)| {
            (*id, (connection.relayed && direct) || connection.elder(alive).is_some())
        });
        for (id, leaves) in leaving.collect::<Vec<_>>() {
            if let Some(connection) = alive.get_mut(&id) {
                connection.retires = leaves.then(|| connection.retires.unwrap_or(retires));
            }
            self.swarm.behaviour_mut().streams.leave(peer, id, leaves);
        }
        let changed = if direct { self.relayed.remove(&peer) } else { self.relayed.insert(peer) };
        let Some(device) = address::device_of(&peer).filter(|_| changed) else { return };
        self.tell(NetEvent::Path { device, relayed: !direct });
        if direct {
            self.leave_relay(device);
        }
    }

    /// These devices may learn from now on where this one is. A relayed connection from before that never punches a hole, so
    /// those that were dialled here are tried again: not at once, since the other side may hear only now that it is known.
    pub(super) fn punch_soon(&mut self, devices: &BTreeSet<DeviceId>) {
        let soon = Instant::now() + self.config.limits.punch_again;
        for peer in devices.iter().filter_map(address::peer_of) {
            let alive = self.alive.get_mut(&peer).into_iter().flat_map(BTreeMap::values_mut);
            for (at, _) in alive.filter_map(|connection| connection.punch.as_mut()) {
                *at = soon;
            }
        }
    }

    /// Through a second relayed connection the other side tries once more for a direct one.
    fn punch_again(&mut self) {
        let now = Instant::now();
        let (relayed, known) = (&self.relayed, &self.known);
        let is_known = |peer| address::device_of(peer).is_some_and(|device| known.contains(&device));
        let alive = self.alive.iter_mut().filter(|(peer, _)| relayed.contains(peer) && is_known(peer));
        let due = alive.filter_map(|(peer, alive)| {
            let mut dialled = alive.values_mut().filter_map(|connection| connection.punch.as_mut());
            let (at, address) = dialled.find(|(at, _)| *at <= now)?;
            *at = now + PUNCH_EVERY;
            Some((*peer, address.clone()))
        });
        for (peer, address) in due.collect::<Vec<_>>() {
            let options = DialOpts::peer_id(peer).condition(PeerCondition::Always);
            let options = options.addresses(vec![address]).build();
            let connection = options.connection_id();
            if self.swarm.dial(options).is_ok() {
                self.punching.insert(connection);
            }
        }
    }

    pub(super) fn dial_error(&mut self, peer: PeerId, connection: ConnectionId) {
        self.dialling.remove(&connection);
        self.punching.remove(&connection);
        self.mailbox_dial_failed(peer, connection);
        if let Some(device) = address::device_of(&peer).filter(|_| !self.alive.contains_key(&peer)) {
            self.places.not_reached(&peer);
            self.tell(NetEvent::DialFailed { device });
        }
    }

    /// A connection is closed or does not answer.
    pub(super) fn lost(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(alive) = self.alive.get_mut(&peer) else { return };
        if alive.remove(&connection).is_none() {
            return;
        }
        self.forget_seen(connection);
        let Some(alive) = self.alive.get(&peer) else { return };
        if alive.is_empty() {
            self.alive.remove(&peer);
            self.disconnected(peer);
        } else {
            self.path_changed(peer);
        }
        self.mailbox_connection_lost(connection);
    }

    /// The other side gave a sign of life.
    pub(super) fn heard(&mut self, peer: PeerId, connection: ConnectionId) {
        let alive = self.alive.get_mut(&peer).and_then(|alive| alive.get_mut(&connection));
        if let Some(alive) = alive {
            alive.heard = Instant::now();
            alive.until = alive.heard + probes::asks_within(alive.every) + self.config.limits.ping_timeout;
        }
    }

    /// This side asks for a sign of life, for the first time since there was one.
    pub(super) fn asks(&mut self, peer: PeerId, connection: ConnectionId) {
        let alive = self.alive.get_mut(&peer).and_then(|alive| alive.get_mut(&connection));
        if let Some(alive) = alive {
            alive.until = Instant::now() + self.config.limits.ping_timeout;
        }
    }

    /// Has each connection, or those of one peer, asked as often as it matters now.
    fn set_intervals(&mut self, only: Option<PeerId>) {
        let reserved = self.reservations_held();
        let mut changed = Vec::new();
        for (peer, alive) in self.alive.iter().filter(|(peer, _)| only.is_none_or(|only| only == **peer)) {
            let every = self.interval(peer, reserved);
            let other = alive.iter().filter(|(_, alive)| alive.every != every);
            changed.extend(other.map(|(connection, _)| (*peer, *connection, every)));
        }
        for (peer, connection, every) in changed {
            self.swarm.behaviour_mut().probes.set_interval(peer, connection, every);
            let timeout = self.config.limits.ping_timeout;
            if let Some(alive) = self.alive.get_mut(&peer).and_then(|alive| alive.get_mut(&connection)) {
                // One that is silent already is not given more time by mattering less. When it is asked, that is told.
                let asked = Instant::now() + probes::asks_within(every);
                (alive.every, alive.until) = (every, alive.until.min(asked + timeout));
            }
        }
    }

    /// After how long a silence a peer is asked for a sign of life. Friends and what depends on this connection soon; two
    /// relays share what one would cost, since one may fail; everybody else so that routers do not forget the way.
    fn interval(&self, peer: &PeerId, reserved: u32) -> Duration {
        let limits = &self.config.limits;
        let matters = match self.config.role {
            Role::User => address::device_of(peer).is_some_and(|device| self.friends.contains(&device)),
            Role::Server => self.reserved.contains_key(peer),
        };
        if matters {
            limits.ping_every
        } else if self.holds_reservation(peer) {
            (limits.ping_every * reserved).min(limits.ping_calm)
        } else {
            limits.ping_calm
        }
    }

    /// Looks who has been silent for too long. After a pause of this process answers may lie in the sockets, and others are
    /// gone: everybody is asked, and has the usual time from now on.
    pub(super) fn look(&mut self, now: Instant, wall: SystemTime) {
        if self.watch.was_paused(now, wall) {
            let until = now + self.config.limits.ping_timeout;
            for (peer, alive) in &mut self.alive {
                for (connection, alive) in alive {
                    alive.until = until;
                    self.swarm.behaviour_mut().probes.ask_now(*peer, *connection);
                }
            }
        }
        self.drop_silent(now);
    }

    /// Gives up the connections that have been silent for too long, whatever TCP thinks of them, and those that have served
    /// their time.
    fn drop_silent(&mut self, now: Instant) {
        self.punch_again();
        self.set_intervals(None);
        if let Some(tester) = self.swarm.behaviour_mut().tester.as_mut() {
            tester.end_slow_tests(now.into_std());
        }
        self.give_up_if(|alive, all| alive.is_over(now, all));
    }

    /// An address of this machine is gone, and with it every connection that used it.
    pub(super) fn network_lost(&mut self, address: &Multiaddr) {
        if let Some(ip) = address::ip_of(address) {
            self.give_up_if(|alive, _| alive.local == Some(ip));
        }
    }

    /// Gives up those of which this is true, by what they are and what else leads to the same peer.
    fn give_up_if(&mut self, is_lost: impl Fn(&Alive, &BTreeMap<ConnectionId, Alive>) -> bool) {
        let lost = self.alive.iter().flat_map(|(peer, all)| {
            let lost = all.iter().filter(|(_, alive)| is_lost(alive, all));
            lost.map(|(connection, _)| (*peer, *connection)).collect::<Vec<_>>()
        });
        let lost: Vec<_> = lost.collect();
        for (peer, connection) in lost {
            self.give_up(peer, connection);
        }
    }

    pub(super) fn give_up(&mut self, peer: PeerId, connection: ConnectionId) {
        let behaviour = self.swarm.behaviour_mut();
        behaviour.streams.forget(peer, connection);
        behaviour.requests.forget(connection);
        if let Some(alive) = self.alive.get(&peer).and_then(|alive| alive.get(&connection)) {
            behaviour.circuits.forget(peer, connection, &alive.endpoint);
        }
        self.swarm.close_connection(connection);
        self.break_stream(&peer, connection);
        self.lost(peer, connection);
    }

    fn disconnected(&mut self, peer: PeerId) {
        self.relayed.remove(&peer);
        self.relay_gone(peer);
        let Some(device) = address::device_of(&peer) else { return };
        self.outgoing.remove(&device);
        self.mailbox_withdrawn(device);
        self.tell(NetEvent::Disconnected { device });
        if let Some(node) = self.bootstraps.get_mut(&peer) {
            node.retry.lost(self.config.limits.bootstrap_pause, Instant::now());
            self.tell(NetEvent::BootstrapLost { device });
        }
        self.forget_node(&peer);
        self.count_lenders();
        self.tell_peers();
    }
}

/// Our own IP address on a connection: what the transport says, else what the system would use now. Nothing is sent.
fn local_ip(endpoint: &ConnectedPoint) -> Option<IpAddr> {
    if let ConnectedPoint::Listener { local_addr, .. } = endpoint
        && let Some(ip) = address::ip_of(local_addr).filter(|ip| !ip.is_unspecified())
    {
        return Some(ip);
    }
    let remote = address::ip_of(endpoint.get_remote_address()).filter(|ip| !ip.is_loopback())?;
    let any: IpAddr =
        if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((remote, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
