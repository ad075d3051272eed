//! The settings file. `kith-bootstrap config` prints it with every default, and a test holds the two together.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::bail;
use anyhow::ensure;
use kith_mailbox::config::Rate;
use kith_mailbox::voucher_hash;
use kith_net::address;
use kith_proto::time::Span;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// The settings file with all defaults and what they mean.
pub(crate) const DOCUMENTED: &str = include_str!("../deploy/kith-bootstrap.toml");

/// The settings.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) data: Option<PathBuf>,
    pub(crate) listen: Vec<String>,
    pub(crate) external: Vec<String>,
    pub(crate) bootstrap: Vec<String>,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
    pub(crate) limits: Limits,
    pub(crate) http: Http,
    pub(crate) roles: Roles,
    pub(crate) mailbox: Mailbox,
    pub(crate) relay: Relay,
    pub(crate) turn: Turn,
}

/// How to log.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Who may connect, and how much is kept for others.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) connections: u32,
    pub(crate) per_ipv4: u32,
    pub(crate) per_ipv4_24: u32,
    pub(crate) per_ipv6_64: u32,
    pub(crate) per_ipv6_48: u32,
    pub(crate) this_machine: u32,
    pub(crate) per_device: u32,
    pub(crate) arrivals_per_second: u32,
    pub(crate) arrivals_at_once: u32,
    pub(crate) records: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 5_000,
            per_ipv4: 64,
            per_ipv4_24: 256,
            per_ipv6_64: 64,
            per_ipv6_48: 256,
            this_machine: 2_000,
            per_device: 8,
            arrivals_per_second: 5,
            arrivals_at_once: 256,
            records: 100_000,
        }
    }
}

/// The page for whoever runs this node.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    pub(crate) listen: String,
    /// Names under which browsers may ask for the page, beside addresses and `localhost`.
    pub(crate) names: Vec<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: "127.0.0.1:4080".to_owned(), names: Vec::new() }
    }
}

impl Http {
    /// Where the page is; `None` when it is switched off.
    ///
    /// # Errors
    /// When it is no address.
    pub(crate) fn address(&self) -> anyhow::Result<Option<SocketAddr>> {
        if self.listen == "off" {
            return Ok(None);
        }
        let bad = || format!("[http] listen = “{}” is neither “off” nor like 127.0.0.1:4080", self.listen);
        self.listen.parse().map(Some).with_context(bad)
    }
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
    pub(crate) streams: u32,
    pub(crate) openings_per_hour: u32,
    pub(crate) open: bool,
    pub(crate) vouchers: Vec<String>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            serve: true,
            capacity_bytes: 4 << 30,
            inbox_bytes: 32 << 20,
            inboxes: 20_000,
            streams: 4_096,
            openings_per_hour: 60,
            open: true,
            vouchers: Vec::new(),
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
            streams: self.streams,
            openings: Rate {
                per_hour: self.openings_per_hour.max(1),
                // Two inboxes for each device of a class that begins in one lesson.
                burst: self.openings_per_hour.saturating_mul(2).max(1),
            },
            open: self.open,
            vouchers: self.vouchers.iter().map(|word| voucher_hash(word.as_bytes())).collect(),
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
            "/ip4/0.0.0.0/udp/4002/webrtc-direct",
            "/ip6/::/udp/4002/webrtc-direct",
        ];
        Self {
            data: None,
            listen: listen.map(str::to_owned).to_vec(),
            external: Vec::new(),
            bootstrap: Vec::new(),
            log: "info,libp2p=error".to_owned(),
            log_format: LogFormat::Text,
            limits: Limits::default(),
            http: Http::default(),
            roles: Roles::default(),
            mailbox: Mailbox::default(),
            relay: Relay::default(),
            turn: Turn::default(),
        }
    }
}

/// Whether sound and pictures of calls are passed on, and at what cost.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Turn {
    pub(crate) serve: bool,
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) public: Vec<IpAddr>,
    pub(crate) first_port: u16,
    pub(crate) last_port: u16,
    pub(crate) addresses: usize,
    pub(crate) per_member: usize,
    pub(crate) per_line: usize,
    pub(crate) per_network: usize,
    pub(crate) kilobits_per_second: u32,
    pub(crate) private_peers: bool,
}

impl Default for Turn {
    fn default() -> Self {
        let numbers = kith_turn::Config::default();
        Self {
            serve: false,
            listen: Vec::new(),
            public: Vec::new(),
            first_port: numbers.ports.0,
            last_port: numbers.ports.1,
            addresses: numbers.allocations,
            per_member: numbers.per_member,
            per_line: numbers.per_line,
            per_network: numbers.per_network,
            kilobits_per_second: 4_000,
            private_peers: numbers.private_peers,
        }
    }
}

impl Turn {
    /// Where it listens: at the port that calls expect, unless something else is set.
    pub(crate) fn listen(&self) -> Vec<SocketAddr> {
        if !self.listen.is_empty() {
            return self.listen.clone();
        }
        let any = |ip: &IpAddr| {
            if ip.is_ipv6() { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) }
        };
        self.public.iter().map(|ip| SocketAddr::new(any(ip), TURN_PORT)).collect()
    }

    /// The server's own numbers with those that can be set.
    pub(crate) fn numbers(&self) -> kith_turn::Config {
        kith_turn::Config {
            public: self.public.clone(),
            ports: (self.first_port, self.last_port),
            private_peers: self.private_peers,
            valid_for: Span::from_minutes(10),
            allocations: self.addresses,
            per_member: self.per_member,
            per_line: self.per_line,
            per_network: self.per_network,
            bytes_per_second: u64::from(self.kilobits_per_second) * 125,
            ..kith_turn::Config::default()
        }
    }

    fn validate(&self) -> anyhow::Result<()> {
        if !self.serve {
            return Ok(());
        }
        let one_each = |v6: bool| self.public.iter().filter(|ip| ip.is_ipv6() == v6).count() <= 1;
        ensure!(
            !self.public.is_empty() && one_each(false) && one_each(true),
            "[turn] public has to name the IPv4 address, the IPv6 address or both under which this machine is reached"
        );
        ensure!(
            self.private_peers || self.public.iter().all(|ip| kith_proto::ip::is_global(*ip)),
            "[turn] public names an address that nobody outside can reach; within a house, set private_peers as well"
        );
        let listen = self.listen();
        ensure!(
            listen.len() <= 2
                && self.public.iter().all(|ip| listen
                    .iter()
                    .filter(|own| own.is_ipv6() == ip.is_ipv6())
                    .count()
                    == 1),
            "[turn] listen has to name one address for each that public names, of the same kind"
        );
        ensure!(
            self.first_port >= 1_024 && self.first_port <= self.last_port,
            "[turn] first_port to last_port is no range of ports from 1024 on"
        );
        let range = self.first_port..=self.last_port;
        ensure!(
            listen.iter().all(|own| !range.contains(&own.port())),
            "[turn] listen is in the range from first_port to last_port: choose another port or range"
        );
        ensure!(
            [self.addresses, self.per_member, self.per_line, self.per_network].iter().all(|limit| *limit > 0)
                && self.kilobits_per_second > 0,
            "[turn] a limit of 0 lets nobody call: set serve = false"
        );
        Ok(())
    }
}

impl Config {
    /// Puts the limits that can be set into those of the network.
    pub(crate) fn set_limits(&self, limits: &mut kith_net::config::Limits) {
        limits.connections = self.limits.connections;
        limits.connections_per_ipv4 = self.limits.per_ipv4;
        limits.connections_per_ipv4_24 = self.limits.per_ipv4_24;
        limits.connections_per_ipv6_64 = self.limits.per_ipv6_64;
        limits.connections_per_ipv6_48 = self.limits.per_ipv6_48;
        limits.connections_loopback = self.limits.this_machine;
        limits.connections_per_peer = self.limits.per_device;
        limits.arrivals_per_second = self.limits.arrivals_per_second;
        limits.arrivals_at_once = self.limits.arrivals_at_once;
        limits.records = self.limits.records;
        limits.reservations = self.relay.reservations;
        limits.circuits = self.relay.circuits;
        limits.circuits_per_peer = self.relay.circuits_per_device;
        limits.circuit_time = Duration::from_secs(u64::from(self.relay.minutes_per_circuit) * 60);
        limits.circuit_bytes = u64::from(self.relay.mebibytes_per_circuit) << 20;
        limits.relay_asks_per_ip = self.relay.asks_per_ip;
    }

    /// Whether the settings can work at all.
    ///
    /// # Errors
    /// When a line cannot; says which.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        for text in self.listen.iter().chain(&self.external) {
            address::parse(text)?;
        }
        for text in &self.bootstrap {
            address::parse_node(text)?;
        }
        self.http.address()?;
        EnvFilter::try_new(&self.log).with_context(|| format!("log = “{}” is no filter", self.log))?;
        ensure!(!self.listen.is_empty(), "listen names no address: nobody could connect");
        let limits = &self.limits;
        let none = [
            ("connections", limits.connections),
            ("per_ipv4", limits.per_ipv4),
            ("per_ipv4_24", limits.per_ipv4_24),
            ("per_ipv6_64", limits.per_ipv6_64),
            ("per_ipv6_48", limits.per_ipv6_48),
            ("per_device", limits.per_device),
            ("arrivals_per_second", limits.arrivals_per_second),
            ("arrivals_at_once", limits.arrivals_at_once),
        ];
        if let Some((name, _)) = none.iter().find(|(_, number)| *number == 0) {
            bail!("[limits] {name} = 0 lets nobody in");
        }
        let mailbox = &self.mailbox;
        ensure!(
            !mailbox.serve || mailbox.inbox_bytes <= mailbox.capacity_bytes,
            "[mailbox] inbox_bytes is more than capacity_bytes: one person could not have so much"
        );
        self.turn.validate()
    }
}

/// The port of STUN and TURN (RFC 8656, section 18).
const TURN_PORT: u16 = 3_478;

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
        let (mine, network) = (Config::default(), kith_net::config::Limits::for_role(Role::Server));
        let mut told = network.clone();
        mine.set_limits(&mut told);
        assert_eq!(told, network);
        let services = Services { dht: mine.roles.dht, relay: mine.roles.relay, autonat: mine.roles.autonat };
        assert_eq!(services, Services::for_role(Role::Server));
    }

    #[test]
    fn what_is_documented_is_what_the_mailbox_does_but_for_its_size_and_its_door() {
        // Whoever is let in without work is let in more slowly.
        let openings = Rate { per_hour: 60, burst: 120 };
        let mailbox =
            kith_mailbox::Config { capacity_bytes: 4 << 30, open: true, openings, ..Default::default() };
        assert_eq!(Config::default().mailbox.limits(), mailbox);
    }

    #[test]
    fn a_mistyped_setting_is_named() {
        let error = toml::from_str::<Config>("[limits]\nconections = 5").unwrap_err().to_string();
        assert!(error.contains("conections"), "{error}");
    }

    #[test]
    fn settings_that_cannot_work_are_refused_with_a_sentence() {
        assert!(Config::default().validate().is_ok());
        let refused = |text: &str| {
            let config: Config = toml::from_str(text).unwrap();
            format!("{:#}", config.validate().unwrap_err())
        };
        assert!(refused("listen = []").contains("nobody could connect"));
        assert!(refused("listen = [\"0.0.0.0:4001\"]").contains("not a multiaddress"));
        assert!(refused("bootstrap = [\"/ip4/192.0.2.1/tcp/1\"]").contains("/p2p/"));
        assert!(refused("log = \"kith=loud\"").contains("no filter"));
        assert!(refused("[http]\nlisten = \"4080\"").contains("127.0.0.1:4080"));
        assert!(refused("[limits]\nper_ipv6_64 = 0").contains("per_ipv6_64"));
        assert!(refused("[mailbox]\ncapacity_bytes = 5").contains("inbox_bytes"));
        assert!(refused("[turn]\nserve = true").contains("public has to name"));
        assert!(refused("[turn]\nserve = true\npublic = [\"10.0.0.1\"]").contains("private_peers"));
        let six = "[turn]\nserve = true\npublic = [\"1.2.3.4\"]\nlisten = [\"[::]:3478\"]";
        assert!(refused(six).contains("of the same kind"));
        assert!(
            refused("[turn]\nserve = true\npublic = [\"1.2.3.4\"]\nfirst_port = 80").contains("from 1024 on")
        );
        assert!(
            refused("[turn]\nserve = true\npublic = [\"1.2.3.4\"]\nper_member = 0").contains("nobody call")
        );
        let good: Config =
            toml::from_str("[turn]\nserve = true\npublic = [\"1.2.3.4\", \"2a01::1\"]").unwrap();
        assert!(good.validate().is_ok() && good.turn.listen().len() == 2);
        assert!(toml::from_str::<Config>("log_format = \"xml\"").is_err());
    }
}
