//! Two ends of a call in one process, through a line that loses and delays: how long it takes from mouth to ear and from camera to
//! screen. `cargo run --release -p kith-calls --example call [SECONDS]` prints a table.
//!
//! Delays are from sample in to sample out, by one clock; what devices add is not in them.

mod ends;
mod proxy;

use std::time::Duration;

use self::ends::Report;
use self::proxy::Conditions;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(20);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("there are threads");
    println!(
        "| line | mouth to ear p50 / p95 ms | speech made again, made up | pictures p50 / p95 ms | shown | longest gap ms | target kbit/s |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (name, loss, one_way) in [
        ("loopback", 0.0, 0),
        ("RTT 80", 0.0, 40),
        ("5 %, RTT 80", 0.05, 40),
        ("10 %, RTT 80", 0.1, 40),
        ("20 %, RTT 80", 0.2, 40),
    ] {
        let conditions = Conditions { loss, delay: Duration::from_millis(one_way) };
        let Report { speech, made_again, made_up, pictures, shown, gap, target } =
            runtime.block_on(ends::call(conditions, Duration::from_secs(seconds)));
        println!(
            "| {name} | {} / {} | {made_again}, {made_up} | {} / {} | {shown} | {gap} | {target} |",
            part(&speech, 50),
            part(&speech, 95),
            part(&pictures, 50),
            part(&pictures, 95),
        );
    }
}

/// A percentile.
fn part(delays: &[u64], percent: usize) -> String {
    let mut sorted = delays.to_vec();
    sorted.sort_unstable();
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .map_or("-".into(), u64::to_string)
}
