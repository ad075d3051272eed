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
    /// What kind of node this is.
    pub role: Role,
    /// The numbers.
    pub limits: Limits,
}

/// Limits and intervals.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections in all.
    pub connections: u32,
    /// Connections from one IPv4 address or IPv6 /64 that is not loopback. A household or a small office behind one
    /// address fits, a flood does not.
    pub connections_per_ip: u32,
    /// Connections from this machine.
    pub connections_loopback: u32,
    /// Connections per peer: direct QUIC, direct TCP, both dialled at once, relayed (later).
    pub connections_per_peer: u32,
    /// Inbound streams that one connection may have open.
    pub streams_per_connection: usize,
    /// How long the rest of a frame may take once it began.
    pub frame_timeout: Duration,
    /// How long a stream of a device that is no contact may be silent.
    pub stranger_idle: Duration,
    /// How often a connection is probed. With the timeout, and a third of it until somebody looks, a device that
    /// vanished without a word is noticed within ten seconds.
    pub ping_every: Duration,
    /// How long an answer to a probe may take.
    pub ping_timeout: Duration,
    /// How long a connection that nobody uses is kept.
    pub idle: Duration,
    /// Records kept for others.
    pub records: usize,
    /// The first pause before a lost bootstrap node is dialled again; it doubles up to a minute.
    pub bootstrap_pause: Duration,
    /// Misdeeds before a device is banned.
    pub misdeeds: u32,
    /// How long a ban lasts.
    pub ban: Duration,
}

impl Limits {
    /// How long a connection may go without an answer to a probe.
    pub fn patience(&self) -> Duration {
        self.ping_every + self.ping_timeout
    }

    /// The limits for a role.
    pub fn for_role(role: Role) -> Self {
        let server = role == Role::Server;
        Self {
            connections: if server { 5_000 } else { 512 },
            connections_per_ip: if server { 64 } else { 16 },
            connections_loopback: if server { 2_000 } else { 256 },
            connections_per_peer: 4,
            streams_per_connection: 8,
            frame_timeout: Duration::from_secs(30),
            stranger_idle: Duration::from_secs(60),
            ping_every: Duration::from_secs(5),
            ping_timeout: Duration::from_secs(3),
            idle: Duration::from_secs(30),
            records: if server { 100_000 } else { 256 },
            bootstrap_pause: Duration::from_millis(250),
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
        Self { device_seed, listen, mdns: role == Role::User, role, limits: Limits::for_role(role) }
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
