//! `kith-bootstrap`: a community's node. It serves the DHT in which people's devices find each other, and keeps what was
//! sent to people who are not there. It knows nobody, stores only what is sealed and signed, and no single one of its
//! kind is needed.

mod check;
mod config;
mod http;
mod logs;
mod metrics;
mod page;
mod run;
mod settings;
mod signals;
mod status;
mod system;
mod turn;
mod writer;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;

use crate::logs::Logs;
use crate::settings::Source;

const EXAMPLES: &str = "\
Examples:
  kith-bootstrap --data /var/lib/kith-bootstrap
      listen on port 4001, TCP and QUIC, and print the addresses to give to people
  kith-bootstrap config > kith-bootstrap.toml
      the settings with their defaults and what they mean
  kith-bootstrap --config kith-bootstrap.toml check --via /ip4/…/p2p/…
      look whether everything is as it should be, and ask another node whether this one can be reached
  kith-bootstrap --data DIR --config kith-bootstrap.toml --listen /ip4/0.0.0.0/tcp/443";

/// A community node of Kith, the messenger without servers.
#[derive(Debug, Parser)]
#[command(name = "kith-bootstrap", version, about, after_help = EXAMPLES)]
struct Args {
    /// The data folder: the identity and the stored records
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A settings file; “kith-bootstrap config” prints one
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Where to listen (repeatable); replaces the settings file's list
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<String>,
    /// Another bootstrap node to join, /ip4/…/p2p/… (repeatable)
    #[arg(long, value_name = "MULTIADDR")]
    bootstrap: Vec<String>,
    /// What to log to standard error
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Where the status page is, 127.0.0.1:4080, or “off”
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Print the settings file with all defaults
    Config,
    /// Look whether everything is as it should be: settings, limits, disk, clock, ports, and whether this node can be
    /// reached from outside. Ends with 1 when something is not
    Check {
        /// Another node to ask, as it printed itself (repeatable); those in “bootstrap” are asked, too
        #[arg(long, value_name = "MULTIADDR")]
        via: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let source = Source {
        file: args.config,
        data: args.data,
        listen: args.listen,
        bootstrap: args.bootstrap,
        log: args.log,
        http: args.http,
    };
    if args.task.is_some() {
        // `kith-bootstrap config | head -1` ends like any other command once nobody reads on; a service must not.
        sigpipe::reset();
    }
    let done = match args.task {
        Some(Task::Config) => {
            print!("{}", config::DOCUMENTED);
            Ok(ExitCode::SUCCESS)
        }
        Some(Task::Check { via, json }) => check::check(&source, &via, json),
        None => start(source),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn start(source: Source) -> anyhow::Result<ExitCode> {
    let config = source.read()?;
    let logs = Logs::start(&config)?;
    let data = config.data.clone();
    let data = data
        .ok_or_else(|| anyhow::anyhow!("name a data folder: --data DIR, or “data” in the settings file"))?;
    run::run(&data, config, source, logs)?;
    Ok(ExitCode::SUCCESS)
}
