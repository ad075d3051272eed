//! Remembers which ports the system gave, so that a restarted node is where its contacts left it. The file holds
//! addresses of this machine only, one line for each configured listener.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use kith_net::address;
use kith_net::config::Listen;

/// The name of the file in the data folder.
const FILE: &str = "ports";

/// The memory of one data folder.
#[derive(Debug)]
pub(crate) struct Ports {
    path: PathBuf,
    configured: Vec<String>,
    given: BTreeMap<String, String>,
}

impl Ports {
    /// What a folder remembers; nothing when there is no such file or it cannot be read.
    pub(crate) fn load(folder: &Path, configured: Vec<String>) -> Self {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let given = lines.map(|(configured, given)| (configured.to_owned(), given.to_owned())).collect();
        Self { path, configured, given }
    }

    /// Where to listen.
    pub(crate) fn listen(&self) -> Vec<Listen> {
        let listen = |address: &String| Listen {
            address: address.clone(),
            remembered: self.given.get(address).cloned(),
        };
        self.configured.iter().map(listen).collect()
    }

    /// Notes the port that a listener got. Only the port is kept: the interface stays as configured.
    pub(crate) fn note(&mut self, listener: usize, address: &str) {
        let Some(configured) = self.configured.get(listener) else { return };
        let Some(given) = address::with_port_of(configured, address) else { return };
        if self.given.get(configured) != Some(&given) {
            self.given.insert(configured.clone(), given);
            let lines: String =
                self.given.iter().map(|(configured, given)| format!("{configured} {given}\n")).collect();
            // Losing this file costs a look-up at the next start, nothing more.
            if let Err(error) = std::fs::write(&self.path, lines) {
                tracing::warn!(%error, "the ports could not be remembered");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let configured = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
        Ports::load(folder.path(), configured.clone()).note(0, "/ip4/127.0.0.1/tcp/4242");
        let listen = Ports::load(folder.path(), configured).listen();
        assert_eq!(listen[0].remembered.as_deref(), Some("/ip4/127.0.0.1/tcp/4242"));
    }
}
