//! How a node is set up. Every number has its reason.

use std::time::Duration;

use zeroize::Zeroizing;

/// What kind of node this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A person's device: a DHT client that tells only its friends where it is.
    User,
    /// A community's node: a DHT server that many connect to.
    Server,
}

/// What a node does for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Services {
    /// Store and find records. A person's device begins by itself once it has been reachable for long.
    pub dht: bool,
    /// Pass connections on to devices that cannot be reached directly.
    pub relay: bool,
    /// Tell devices whether they can be reached from outside.
    pub autonat: bool,
}

impl Services {
    /// The usual ones of a role.
    pub fn for_role(role: Role) -> Self {
        let server = role == Role::Server;
        Self { dht: server, relay: server, autonat: server }
    }
}

/// One address to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// As configured; a port of 0 asks the system for one.
    pub address: String,
    /// What the system gave last time; tried first, so that friends find this device where it was.
    pub remembered: Option<String>,
}

/// How a node is set up.
#[derive(Clone)]
pub struct NetConfig {
    /// The Ed25519 seed of the device key.
    pub device_seed: Zeroizing<[u8; 32]>,
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// Whether to look for devices on the local network, and be found there.
    pub mdns: bool,
    /// Whether to ask the home router for a port. Without effect on a node that listens only on this machine.
    pub upnp: bool,
    /// What kind of node this is.
    pub role: Role,
    /// What it does for others.
    pub services: Services,
    /// Whether streams to the mailbox of this device are taken, until a command says otherwise. The driver answers them.
    pub serve_mailbox: bool,
    /// Whether devices may ask here for credentials for calls. The driver answers them.
    pub lend_turn: bool,
    /// Whether to ask community nodes if this device can be reached from outside.
    pub probe: bool,
    /// Addresses under which this node is known to be reachable, such as a forwarded port. A community node without
    /// any tells those it listens at.
    pub external: Vec<String>,
    /// The certificate of a node that browsers connect to, as `webrtc::new_certificate` made it. Without it, or without
    /// the feature `webrtc`, addresses of that kind cannot be listened at.
    pub webrtc_certificate: Option<Zeroizing<String>>,
    /// The numbers.
    pub limits: Limits,
}

/// Limits and intervals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all.
    pub connections: u32,
    /// Connections from one IPv4 address that is not loopback. A household or a small office behind one address fits, a
    /// flood does not.
    pub connections_per_ipv4: u32,
    /// Connections from one IPv4 /24: what one provider hands to one site.
    pub connections_per_ipv4_24: u32,
    /// Connections from one IPv6 /64: what one customer gets at least.
    pub connections_per_ipv6_64: u32,
    /// Connections from one IPv6 /48: what one customer gets at most.
    pub connections_per_ipv6_48: u32,
    /// New connections a second from one IPv4 /24 or IPv6 /48 in the long run, so that whoever comes and goes does not
    /// cost a handshake each time. Not for this machine.
    pub arrivals_per_second: u32,
    /// The same at once, after a silence: a campus whose power comes back.
    pub arrivals_at_once: u32,
    /// Connections from this machine.
    pub connections_loopback: u32,
    /// Connections per peer: direct QUIC, direct TCP, both dialled at once, relayed. Fewer would make hole punching fail.
    /// At a community node also those that a device left behind when it moved, until they are noticed.
    pub connections_per_peer: u32,
    /// Inbound streams that one connection may have open.
    pub streams_per_connection: usize,
    /// Streams to the mailbox of this device that one connection may have open: a device needs one to read and one to
    /// leave envelopes.
    pub mailbox_streams_per_connection: usize,
    /// The same over all connections of one peer.
    pub mailbox_streams_per_peer: usize,
    /// How long the rest of a frame may take once it began.
    pub frame_timeout: Duration,
    /// How long a stream of a device that is no contact may be silent.
    pub stranger_idle: Duration,
    /// After how long a silence a connection that matters is asked for a sign of life: those of friends, and of relays that
    /// lend this device an address, times their number; at a community node, those of devices that it lends one. Whoever
    /// dialled asks then, the other side a tenth later. With the timeout, and a third of it until somebody looks, a friend who
    /// vanished without a word is noticed within ten seconds, and at a community node a device within 21.
    pub ping_every: Duration,
    /// The same for all other connections. A person's device asks soon enough that routers do not forget the way, which
    /// many do after thirty seconds over UDP; a community node lets the other side ask.
    pub ping_calm: Duration,
    /// How long an answer to a probe may take, from when it is asked. By a third of this it is looked who took longer.
    pub ping_timeout: Duration,
    /// How long a connection that nobody uses is kept.
    pub idle: Duration,
    /// Records kept for others.
    pub records: usize,
    /// The first pause before a lost bootstrap node is dialled again; it doubles up to a minute.
    pub bootstrap_pause: Duration,
    /// Devices that may be reached through this node.
    pub reservations: usize,
    /// Relayed connections at once.
    pub circuits: usize,
    /// Relayed connections of one device.
    pub circuits_per_peer: usize,
    /// How long a relayed connection may last; devices then open another.
    pub circuit_time: Duration,
    /// How many bytes a relayed connection may carry.
    pub circuit_bytes: u64,
    /// Reservations and circuits that one IP address may ask for in an hour: a campus shares one.
    pub relay_asks_per_ip: u32,
    /// Community nodes through which a device that cannot be reached directly is to be reached: two, so that one may
    /// fail.
    pub relays: usize,
    /// The first pause before a lost reservation is asked for again; it doubles up to five minutes.
    pub relay_pause: Duration,
    /// How long a relayed connection is kept after there is a direct one: what is under way on it arrives.
    pub relay_grace: Duration,
    /// When a hole is punched a second time if the first try, which libp2p makes by itself, did not do: it fails when
    /// one side has not heard yet from anybody what its own address is.
    pub punch_again: Duration,
    /// How often it is tested again whether this device can be reached from outside.
    pub probe_every: Duration,
    /// How long an address is taken as reachable without a test or a connection that proves it.
    pub external_life: Duration,
    /// How long a person's device must have been reachable before it serves the DHT.
    pub serve_after: Duration,
    /// Misdeeds before a device is banned.
    pub misdeeds: u32,
    /// How long a ban lasts.
    pub ban: Duration,
}

impl Limits {
    /// Takes over from `new` what can change while the network runs: who may connect, how much is kept for others, and
    /// what a misdeed costs. Everything else is built into libp2p's parts when they start.
    pub fn adopt(&mut self, new: &Self) {
        self.connections = new.connections;
        self.connections_per_ipv4 = new.connections_per_ipv4;
        self.connections_per_ipv4_24 = new.connections_per_ipv4_24;
        self.connections_per_ipv6_64 = new.connections_per_ipv6_64;
        self.connections_per_ipv6_48 = new.connections_per_ipv6_48;
        self.connections_loopback = new.connections_loopback;
        self.connections_per_peer = new.connections_per_peer;
        self.arrivals_per_second = new.arrivals_per_second;
        self.arrivals_at_once = new.arrivals_at_once;
        self.records = new.records;
        self.misdeeds = new.misdeeds;
        self.ban = new.ban;
    }

    /// The limits for a role.
    pub fn for_role(role: Role) -> Self {
        let server = role == Role::Server;
        Self {
            connections: if server { 5_000 } else { 512 },
            connections_per_ipv4: if server { 64 } else { 16 },
            connections_per_ipv4_24: if server { 256 } else { 64 },
            connections_per_ipv6_64: if server { 64 } else { 16 },
            connections_per_ipv6_48: if server { 256 } else { 64 },
            arrivals_per_second: 5,
            arrivals_at_once: if server { 256 } else { 64 },
            connections_loopback: if server { 2_000 } else { 256 },
            connections_per_peer: if server { 8 } else { 4 },
            streams_per_connection: 8,
            mailbox_streams_per_connection: 4,
            mailbox_streams_per_peer: 8,
            frame_timeout: Duration::from_secs(30),
            stranger_idle: Duration::from_secs(60),
            ping_every: Duration::from_secs(if server { 15 } else { 5 }),
            ping_calm: Duration::from_secs(if server { 30 } else { 20 }),
            ping_timeout: Duration::from_secs(3),
            idle: Duration::from_secs(30),
            records: if server { 100_000 } else { 256 },
            bootstrap_pause: Duration::from_millis(250),
            reservations: 2_048,
            circuits: 256,
            circuits_per_peer: 8,
            circuit_time: Duration::from_secs(30 * 60),
            circuit_bytes: 16 << 20,
            relay_asks_per_ip: 600,
            relays: if server { 0 } else { 2 },
            relay_pause: Duration::from_secs(1),
            relay_grace: Duration::from_secs(5),
            punch_again: Duration::from_secs(2),
            probe_every: Duration::from_secs(10 * 60),
            external_life: Duration::from_secs(15 * 60),
            serve_after: Duration::from_secs(30 * 60),
            misdeeds: 20,
            ban: Duration::from_secs(600),
        }
    }
}

impl NetConfig {
    /// A node of this role with the usual listeners: TCP and QUIC on IPv4 and IPv6.
    pub fn new(device_seed: Zeroizing<[u8; 32]>, role: Role) -> Self {
        let everywhere =
            ["/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1", "/ip6/::/udp/0/quic-v1"];
        let listen =
            everywhere.map(|address| Listen { address: address.to_owned(), remembered: None }).to_vec();
        Self {
            device_seed,
            listen,
            mdns: role == Role::User,
            upnp: role == Role::User,
            role,
            services: Services::for_role(role),
            serve_mailbox: false,
            lend_turn: false,
            probe: role == Role::User,
            external: Vec::new(),
            webrtc_certificate: None,
            limits: Limits::for_role(role),
        }
    }
}

impl std::fmt::Debug for NetConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetConfig")
            .field("role", &self.role)
            .field("mdns", &self.mdns)
            .finish_non_exhaustive()
    }
}
