//! The command line: what each command does. Parsing is in `args`, colours in `style`, the API's client in `client`.

pub(crate) mod args;
pub(crate) mod client;
pub(crate) mod style;

mod calls;
mod commands;
mod daemon;
mod finding;
mod groups;
mod health;
mod mailboxes;
mod rooms;
mod talk;

use anyhow::Context as _;
use anyhow::Result;
use clap::CommandFactory as _;
use kith_node::NodeConfig;

use crate::cli::args::Args;
use crate::cli::args::Common;
use crate::cli::args::Task;
use crate::cli::client::Client;

/// Logs go to standard error; silent unless asked.
pub(crate) fn start_logging(filter: Option<&str>) {
    let filter = tracing_subscriber::EnvFilter::try_new(filter.unwrap_or("warn,libp2p=error"))
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// How the common options set up a node.
pub(crate) fn config(common: &Common) -> NodeConfig {
    let mut config = NodeConfig::new(common.data.clone().unwrap_or_else(NodeConfig::default_data));
    config.listen.clone_from(&common.listen);
    config.bootstrap.clone_from(&common.bootstrap);
    config.mdns = !common.no_mdns;
    config.upnp = !common.no_upnp;
    config.record.clone_from(&common.record);
    config.calls_on_loopback = common.calls_on_loopback;
    config.direct_members = common.direct_members;
    config
}

/// Carries out what the command line asks.
pub(crate) fn run(args: Args) -> Result<()> {
    if !matches!(args.task, Task::Rpc | Task::Run { .. }) {
        // `kith-node … | head -1` ends like any other command once nobody reads on; a service must not.
        sigpipe::reset();
    }
    let passphrase = args.common.passphrase_file.as_deref().map(first_line).transpose()?;
    match args.task {
        Task::Rpc => daemon::rpc(&args.common, passphrase.as_deref()),
        Task::Run { websocket } => daemon::run(&args.common, websocket, passphrase.as_deref()),
        Task::Completions { shell } => {
            clap_complete::generate(shell, &mut Args::command(), "kith-node", &mut std::io::stdout());
            Ok(())
        }
        task => {
            let client = Client::open(config(&args.common))?;
            let done = commands::run(&client, task, passphrase);
            client.close();
            done
        }
    }
}

/// The first line of a file.
fn first_line(path: &std::path::Path) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the passphrase file {} cannot be read", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
