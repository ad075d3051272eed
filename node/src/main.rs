//! `kith-node`: the node on a terminal. A command line for people, JSON-RPC for programs, a daemon for always-on
//! machines. The commands speak the API themselves: to the running daemon if there is one, else to a node they start.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    cli::start_logging(args.common.log.as_deref());
    match cli::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::style::complain(&error);
            ExitCode::FAILURE
        }
    }
}
