//! What is logged to standard error, and in which form. The filter can change while the program runs.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use anyhow::Result;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Config;
use crate::config::LogFormat;

/// The running log.
pub(crate) struct Logs {
    filter: reload::Handle<EnvFilter, Registry>,
}

impl Logs {
    /// Begins to log.
    ///
    /// # Errors
    /// When the filter is none.
    pub(crate) fn start(config: &Config) -> Result<Self> {
        let (layer, filter) = reload::Layer::new(EnvFilter::try_new(&config.log)?);
        // Colours are for people at a terminal, not for journals.
        let colours = std::io::stderr().is_terminal();
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
        let log = tracing_subscriber::registry().with(layer);
        match config.log_format {
            LogFormat::Text => log.with(lines).init(),
            LogFormat::Json => log.with(lines.json().flatten_event(true)).init(),
        }
        Ok(Self { filter })
    }

    /// Logs something else from now on.
    ///
    /// # Errors
    /// When the filter is none.
    pub(crate) fn set_filter(&self, filter: &str) -> Result<()> {
        let filter = EnvFilter::try_new(filter)?;
        self.filter.reload(filter).context("the log has ended")
    }
}
