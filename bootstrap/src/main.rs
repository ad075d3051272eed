//! `kith-bootstrap`: a community's node. It serves the DHT in which people's devices find each other, and keeps what was
//! sent to people who are not there. It knows nobody, stores only what is sealed and signed, and no single one of its
//! kind is needed.

mod config;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;

const EXAMPLES: &str = "\
Examples:
  kith-bootstrap --data /var/lib/kith-bootstrap
      listen on port 4001, TCP and QUIC, and print the addresses to give to people
  kith-bootstrap config > kith-bootstrap.toml
      the settings with their defaults and what they mean
  kith-bootstrap --data DIR --config kith-bootstrap.toml --listen /ip4/0.0.0.0/tcp/443";

/// A community node of Kith, the messenger without servers.
#[derive(Debug, Parser)]
#[command(name = "kith-bootstrap", version, about, after_help = EXAMPLES)]
struct Args {
    /// The data folder: the identity and the stored records
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A settings file; “kith-bootstrap config” prints one
    #[arg(long, value_name = "FILE")]
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
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Print the settings file with all defaults
    Config,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Task::Config) = args.task {
        print!("{}", config::DOCUMENTED);
        return ExitCode::SUCCESS;
    }
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: Args) -> anyhow::Result<()> {
    let mut config = match &args.config {
        Some(path) => config::load(path)?,
        None => config::Config::default(),
    };
    if !args.listen.is_empty() {
        config.listen = args.listen;
    }
    config.bootstrap.extend(args.bootstrap);
    if let Some(log) = args.log {
        config.log = log;
    }
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log)?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let data = args.data.or_else(|| config.data.clone());
    let data = data
        .ok_or_else(|| anyhow::anyhow!("name a data folder: --data DIR, or “data” in the settings file"))?;
    run::run(&data, &config)
}
