//! Where the settings come from: the file, and the command line, which wins. They are read at the start and whenever the
//! process is told to. What can change then, changes; what cannot is named.

use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;

use crate::config::Config;

/// The file, and what the command line said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    pub(crate) file: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) listen: Vec<String>,
    pub(crate) bootstrap: Vec<String>,
    pub(crate) log: Option<String>,
    pub(crate) http: Option<String>,
}

impl Source {
    /// The settings as they are now.
    ///
    /// # Errors
    /// When the file cannot be read, a line is not a setting, or the settings cannot work; says which.
    pub(crate) fn read(&self) -> Result<Config> {
        let mut config = match &self.file {
            Some(path) => {
                let shown = path.display();
                let text =
                    std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
                toml::from_str(&text).with_context(|| format!("{shown} has a mistake"))?
            }
            None => Config::default(),
        };
        if !self.listen.is_empty() {
            config.listen.clone_from(&self.listen);
        }
        config.bootstrap.extend_from_slice(&self.bootstrap);
        if let Some(log) = &self.log {
            config.log.clone_from(log);
        }
        if let Some(http) = &self.http {
            config.http.listen.clone_from(http);
        }
        if self.data.is_some() {
            config.data.clone_from(&self.data);
        }
        config.validate().with_context(|| match &self.file {
            Some(path) => format!("{} has a mistake", path.display()),
            None => "the command line has a mistake".to_owned(),
        })?;
        Ok(config)
    }
}

/// What differs between the running settings and new ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// What changes now.
    pub(crate) now: Vec<&'static str>,
    /// What changes at the next start.
    pub(crate) later: Vec<&'static str>,
}

impl Changes {
    pub(crate) fn between(old: &Config, new: &Config) -> Self {
        let now = [
            ("log", old.log != new.log),
            ("bootstrap", old.bootstrap != new.bootstrap),
            ("limits", old.limits != new.limits),
            ("http", old.http != new.http),
            ("mailbox", old.mailbox.limits() != new.mailbox.limits()),
        ];
        let later = [
            ("data", old.data != new.data),
            ("listen", old.listen != new.listen),
            ("external", old.external != new.external),
            ("log_format", old.log_format != new.log_format),
            ("roles", old.roles != new.roles),
            ("mailbox.serve", old.mailbox.serve != new.mailbox.serve),
            ("relay", old.relay != new.relay),
            ("turn", old.turn != new.turn),
        ];
        let named = |all: &[(&'static str, bool)]| {
            all.iter().filter(|(_, changed)| *changed).map(|(name, _)| *name).collect()
        };
        Self { now: named(&now), later: named(&later) }
    }
}

/// The settings that run after a change: the new ones, but for what holds from the next start on.
pub(crate) fn merge(old: &Config, mut new: Config) -> Config {
    new.data.clone_from(&old.data);
    new.listen.clone_from(&old.listen);
    new.external.clone_from(&old.external);
    new.log_format = old.log_format;
    new.roles.clone_from(&old.roles);
    new.mailbox.serve = old.mailbox.serve;
    new.relay.clone_from(&old.relay);
    new.turn.clone_from(&old.turn);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kith-bootstrap.toml");
        std::fs::write(&file, text).unwrap();
        Source { file: Some(file), log: Some("warn".to_owned()), ..Source::default() }.read()
    }

    #[test]
    fn the_command_line_wins_and_a_mistake_names_the_file() {
        assert_eq!(read("log = \"debug\"").unwrap().log, "warn");
        let error = format!("{:#}", read("[limits]\nper_ipv4 = 0").unwrap_err());
        assert!(
            error.contains("kith-bootstrap.toml has a mistake: [limits] per_ipv4 = 0 lets nobody in"),
            "{error}"
        );
    }

    #[test]
    fn what_cannot_change_is_named_and_kept() {
        let old = read("").unwrap();
        let new = read("listen = [\"/ip4/127.0.0.1/tcp/1\"]\n[limits]\nper_ipv4 = 7\n[relay]\ncircuits = 3")
            .unwrap();
        let changes = Changes::between(&old, &new);
        assert_eq!(changes, Changes { now: vec!["limits"], later: vec!["listen", "relay"] });
        let merged = merge(&old, new.clone());
        assert_eq!(merged.limits, new.limits);
        assert_eq!((&merged.listen, &merged.relay), (&old.listen, &old.relay));
        assert_eq!(Changes::between(&merged, &new).now, Vec::<&str>::new());
        assert_eq!(Changes::between(&old, &old), Changes::default());
    }
}
