//! What a community node costs, measured on the real program over loopback: memory for connections and inboxes, disk and
//! processor time for envelopes (`sizes`), and whether its memory stays where it is when devices come and go for as long
//! as one likes (`churn`).
//!
//! ```text
//! cargo bench -p kith-bootstrap --bench load -- sizes
//! cargo bench -p kith-bootstrap --bench load -- churn --rate 1000 --seconds 3600 --inboxes 10000
//! ```
//!
//! Linux only, since it reads /proc. It is not part of `make bench`: it takes as long as it is told to.
#![expect(clippy::unwrap_used, reason = "a benchmark has nobody to tell")]

#[path = "../tests/program/asker.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod asker;
#[path = "load/churn.rs"]
mod churn;
#[path = "load/node.rs"]
mod node;
#[path = "load/sizes.rs"]
mod sizes;

use std::time::Duration;

use clap::Parser;
use clap::Subcommand;
use tokio::runtime::Runtime;

/// What a community node costs.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    task: Option<Task>,
    /// Cargo says this.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Memory, disk and processor time for so many of each.
    Sizes {
        #[arg(long, default_value_t = 1_000)]
        connections: u32,
        #[arg(long, default_value_t = 10_000)]
        inboxes: u32,
        #[arg(long, default_value_t = 100_000)]
        envelopes: u32,
    },
    /// Devices come and go; fails when memory grows by more than so many percent after the first fifth.
    Churn {
        /// Connections a second.
        #[arg(long, default_value_t = 1_000)]
        rate: u32,
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        #[arg(long, default_value_t = 10_000)]
        inboxes: u32,
        /// Connections at once.
        #[arg(long, default_value_t = 64)]
        devices: u32,
        #[arg(long, default_value_t = 5.0)]
        percent: f64,
    },
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let is_good = match Args::parse().task {
        Some(Task::Sizes { connections, inboxes, envelopes }) => {
            runtime.block_on(sizes::run(connections, inboxes, envelopes));
            true
        }
        Some(Task::Churn { rate, seconds, inboxes, devices, percent }) => {
            let plan = churn::Plan { rate, time: Duration::from_secs(seconds), inboxes, devices, percent };
            runtime.block_on(churn::run(&plan))
        }
        None => {
            println!("say “sizes” or “churn”; --help lists what each takes");
            true
        }
    };
    std::process::exit(i32::from(!is_good));
}
