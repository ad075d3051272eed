//! The settings file. `kith-bootstrap config` prints it with every default, and a test holds the two together.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
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
]

# Other bootstrap nodes to join, so that the communities share one DHT: the lines they printed.
bootstrap = []

# Connections in all. About 60 KiB of memory each.
connections = 5000

# Connections from one IPv4 address or IPv6 /64. Raise it for a campus behind one address.
connections_per_ip = 64

# DHT records kept for others, at most 4 KiB each.
records = 100000

# What to log to standard error: error, warn, info, debug, or a filter like kith_net=debug.
log = "info,libp2p=warn"
"#;

/// The settings.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) data: Option<PathBuf>,
    pub(crate) listen: Vec<String>,
    pub(crate) bootstrap: Vec<String>,
    pub(crate) connections: u32,
    pub(crate) connections_per_ip: u32,
    pub(crate) records: usize,
    pub(crate) log: String,
}

impl Default for Config {
    fn default() -> Self {
        let listen = [
            "/ip4/0.0.0.0/tcp/4001",
            "/ip6/::/tcp/4001",
            "/ip4/0.0.0.0/udp/4001/quic-v1",
            "/ip6/::/udp/4001/quic-v1",
        ];
        Self {
            data: None,
            listen: listen.map(str::to_owned).to_vec(),
            bootstrap: Vec::new(),
            connections: 5_000,
            connections_per_ip: 64,
            records: 100_000,
            log: "info,libp2p=warn".to_owned(),
        }
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
    use super::*;

    #[test]
    fn what_is_documented_is_what_is_the_default() {
        assert_eq!(toml::from_str::<Config>(DOCUMENTED).unwrap(), Config::default());
    }

    #[test]
    fn a_mistyped_setting_is_named() {
        let error = toml::from_str::<Config>("conections = 5").unwrap_err().to_string();
        assert!(error.contains("conections"), "{error}");
    }
}
