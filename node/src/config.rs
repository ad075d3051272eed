//! How a node is set up.

use std::path::PathBuf;

/// What a front end decides about its node.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The data folder.
    pub data: PathBuf,
    /// Where to listen; empty for TCP and QUIC on all interfaces.
    pub listen: Vec<String>,
    /// Bootstrap nodes to add to those that are kept.
    pub bootstrap: Vec<String>,
    /// Whether to look for contacts on the local network.
    pub mdns: bool,
    /// Whether to ask the home router for a port that leads here.
    pub upnp: bool,
    /// Where to write every input, for replay. The file holds everything that is said, in the clear.
    pub record: Option<PathBuf>,
    /// Whether calls use the addresses of this machine alone: for tests, which must not leave it.
    pub calls_on_loopback: bool,
    /// Members up to whose number a group is a small one, where it is not to be as usual: for tests, which have few people.
    pub direct_members: Option<usize>,
}

impl NodeConfig {
    /// The usual node on a data folder.
    pub fn new(data: PathBuf) -> Self {
        Self {
            data,
            listen: Vec::new(),
            bootstrap: Vec::new(),
            mdns: true,
            upnp: true,
            record: None,
            calls_on_loopback: false,
            direct_members: None,
        }
    }

    /// The folder that is used when none is named: `kith` in the user's data folder.
    pub fn default_data() -> PathBuf {
        let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
        let base = if cfg!(windows) {
            std::env::var_os("APPDATA").map(PathBuf::from)
        } else if cfg!(target_os = "macos") {
            home.as_ref().map(|home| home.join("Library/Application Support"))
        } else {
            let set = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            set.or_else(|| home.as_ref().map(|home| home.join(".local/share")))
        };
        base.unwrap_or_else(|| PathBuf::from(".")).join("kith")
    }
}
