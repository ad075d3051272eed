//! The settings file. `kith-bootstrap config` prints it with every default, and a test holds the two together.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use kith_mailbox::sealing::voucher_hash;
use kith_net::config::Limits;
use serde::Deserialize;

/// The settings file with all defaults and what they mean.
pub(crate) const DOCUMENTED: &str = r#"# Settings of kith-bootstrap. Every line shows the default; the command line wins.

# Where the identity and the records are kept. Needed here or as --data.
# data = "/var/lib/kith-bootstrap"

# Where to listen. Port 0 asks the system for a port, which is then remembered.
listen = [
    "/ip4/0.0.0.0/tcp/4001",
    "/ip6/::/tcp/4001",
    "/ip4/0.0.0.0/udp/4001/quic-v1",
    "/ip6/::/udp/4001/quic-v1",
    "/ip4/0.0.0.0/tcp/4002/ws",
    "/ip6/::/tcp/4002/ws",
]

# Addresses to tell others instead of those it listens at. Needed when a router forwards a port to this machine:
# external = ["/ip4/198.51.100.7/tcp/4001", "/ip4/198.51.100.7/udp/4001/quic-v1"]
external = []

# Other bootstrap nodes to join, so that the communities share one DHT: the lines they printed.
bootstrap = []

# Connections in all. About 60 KiB of memory each.
connections = 5000

# Connections from one IPv4 address or IPv6 /64. Raise it for a campus behind one address.
connections_per_ip = 64

# Connections from one IPv4 /24 or IPv6 /48.
connections_per_network = 256

# DHT records kept for others, at most 4 KiB each.
records = 100000

# What to log to standard error: error, warn, info, debug, or a filter like kith_net=debug.
log = "info,libp2p=error"

# What this node does for people.
[roles]

# Store and find the records that tell where devices are.
dht = true

# Pass connections on to devices that cannot be reached directly. What is passed on is encrypted from end to end.
relay = true

# Tell devices whether they can be reached from outside: 6 tests at once for an IP address, then one a minute, and only
# at public addresses or in the subnet that the device itself is in.
autonat = true

# Keeping sealed messages for people who are not there. Who they are for, who left them and what they say is not seen.
[mailbox]

# Whether this node does it.
serve = true

# Bytes kept in all, and for one person; the rows around them take about half as much again on the disk.
capacity_bytes = 4294967296
inbox_bytes = 33554432

# Persons at once.
inboxes = 20000

# Whether anybody may have an inbox. Otherwise a stranger works for it, about a second, or brings one of these words:
open = true
vouchers = []

# Messages on their way to other mailboxes at once, for people who do not want those to see where they are.
forwards = 64

# What relaying may cost.
[relay]

# Devices that may be reached through this node; each holds one connection.
reservations = 2048

# Relayed connections at once, and those of one device.
circuits = 256
circuits_per_device = 8

# After this long, or after this much in both directions, a relayed connection ends; devices then open another.
minutes_per_circuit = 30
mebibytes_per_circuit = 16

# Reservations, and relayed connections, that one IP address may ask for in an hour. A campus shares one address.
asks_per_ip = 600
"#;

/// The settings.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) data: Option<PathBuf>,
    pub(crate) listen: Vec<String>,
    pub(crate) external: Vec<String>,
    pub(crate) bootstrap: Vec<String>,
    pub(crate) connections: u32,
    pub(crate) connections_per_ip: u32,
    pub(crate) connections_per_network: u32,
    pub(crate) records: usize,
    pub(crate) log: String,
    pub(crate) roles: Roles,
    pub(crate) mailbox: Mailbox,
    pub(crate) relay: Relay,
}

/// What the node does for people.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Roles {
    pub(crate) dht: bool,
    pub(crate) relay: bool,
    pub(crate) autonat: bool,
}

impl Default for Roles {
    fn default() -> Self {
        Self { dht: true, relay: true, autonat: true }
    }
}

/// What is kept for people who are not there.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mailbox {
    pub(crate) serve: bool,
    pub(crate) capacity_bytes: u64,
    pub(crate) inbox_bytes: u64,
    pub(crate) inboxes: u32,
    pub(crate) open: bool,
    pub(crate) vouchers: Vec<String>,
    pub(crate) forwards: usize,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            serve: true,
            capacity_bytes: 4 << 30,
            inbox_bytes: 32 << 20,
            inboxes: 20_000,
            open: true,
            vouchers: Vec::new(),
            forwards: 64,
        }
    }
}

impl Mailbox {
    /// The mailbox's own numbers with those that can be set.
    pub(crate) fn limits(&self) -> kith_mailbox::Config {
        kith_mailbox::Config {
            capacity_bytes: self.capacity_bytes,
            inbox_bytes: self.inbox_bytes,
            inboxes: self.inboxes,
            open: self.open,
            vouchers: self.vouchers.iter().map(|word| voucher_hash(word.as_bytes())).collect(),
            forwards: self.forwards,
            ..kith_mailbox::Config::default()
        }
    }
}

/// What relaying may cost.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Relay {
    pub(crate) reservations: usize,
    pub(crate) circuits: usize,
    pub(crate) circuits_per_device: usize,
    pub(crate) minutes_per_circuit: u32,
    pub(crate) mebibytes_per_circuit: u32,
    pub(crate) asks_per_ip: u32,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            reservations: 2_048,
            circuits: 256,
            circuits_per_device: 8,
            minutes_per_circuit: 30,
            mebibytes_per_circuit: 16,
            asks_per_ip: 600,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let listen = [
            "/ip4/0.0.0.0/tcp/4001",
            "/ip6/::/tcp/4001",
            "/ip4/0.0.0.0/udp/4001/quic-v1",
            "/ip6/::/udp/4001/quic-v1",
            "/ip4/0.0.0.0/tcp/4002/ws",
            "/ip6/::/tcp/4002/ws",
        ];
        Self {
            data: None,
            listen: listen.map(str::to_owned).to_vec(),
            external: Vec::new(),
            bootstrap: Vec::new(),
            connections: 5_000,
            connections_per_ip: 64,
            connections_per_network: 256,
            records: 100_000,
            log: "info,libp2p=error".to_owned(),
            roles: Roles::default(),
            mailbox: Mailbox::default(),
            relay: Relay::default(),
        }
    }
}

impl Config {
    /// Puts the limits that can be set into those of the network.
    pub(crate) fn set_limits(&self, limits: &mut Limits) {
        limits.connections = self.connections;
        limits.connections_per_ip = self.connections_per_ip;
        limits.connections_per_network = self.connections_per_network;
        limits.records = self.records;
        limits.reservations = self.relay.reservations;
        limits.circuits = self.relay.circuits;
        limits.circuits_per_peer = self.relay.circuits_per_device;
        limits.circuit_time = Duration::from_secs(u64::from(self.relay.minutes_per_circuit) * 60);
        limits.circuit_bytes = u64::from(self.relay.mebibytes_per_circuit) << 20;
        limits.relay_asks_per_ip = self.relay.asks_per_ip;
    }
}

/// Reads a settings file.
///
/// # Errors
/// When it cannot be read, or a line is not a setting; says which.
pub(crate) fn load(path: &Path) -> anyhow::Result<Config> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} has a mistake", path.display()))
}

#[cfg(test)]
mod tests {
    use kith_net::Role;
    use kith_net::Services;

    use super::*;

    #[test]
    fn what_is_documented_is_what_is_the_default() {
        assert_eq!(toml::from_str::<Config>(DOCUMENTED).unwrap(), Config::default());
    }

    #[test]
    fn what_is_documented_is_what_the_network_does_by_default() {
        let (mine, network) = (Config::default(), Limits::for_role(Role::Server));
        let mut told = network.clone();
        mine.set_limits(&mut told);
        assert_eq!(told, network);
        let services = Services { dht: mine.roles.dht, relay: mine.roles.relay, autonat: mine.roles.autonat };
        assert_eq!(services, Services::for_role(Role::Server));
    }

    #[test]
    fn what_is_documented_is_what_the_mailbox_does_but_for_its_size_and_its_door() {
        let mailbox = kith_mailbox::Config { capacity_bytes: 4 << 30, open: true, ..Default::default() };
        assert_eq!(Config::default().mailbox.limits(), mailbox);
    }

    #[test]
    fn a_mistyped_setting_is_named() {
        let error = toml::from_str::<Config>("conections = 5").unwrap_err().to_string();
        assert!(error.contains("conections"), "{error}");
    }
}
