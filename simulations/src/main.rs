//! `kith-sim`: runs worlds of simulated people with the real engine.

use std::io::BufRead as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;

use anyhow::Context as _;
use clap::Parser;
use clap::Subcommand;
use kith_engine::record::Line;
use kith_simulations::replay::Replay;
use kith_simulations::scenario::Outcome;
use kith_simulations::scenario::Scenario;
use kith_simulations::scenario::part_of;
use kith_simulations::studies::Report;
use kith_simulations::studies::Study;
use serde::Deserialize;
use serde::Serialize;

/// Runs worlds of simulated people with the real engine.
#[derive(Debug, Parser)]
#[command(name = "kith-sim", version, about)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run a scenario with many seeds, or a study that ends with tables; the last line is the result as JSON
    Run {
        /// The scenario file
        scenario: PathBuf,
        /// How many seeds; as many as the file says if left out
        #[arg(long)]
        seeds: Option<u64>,
        /// The first seed
        #[arg(long, default_value_t = 1)]
        first_seed: u64,
        /// Seeds at once; all cores if left out
        #[arg(long)]
        threads: Option<usize>,
        /// Tables as JSON instead of text
        #[arg(long)]
        json: bool,
        /// Of a scenario, also a line for each seed
        #[arg(long)]
        each: bool,
    },
    /// Run one seed and print every input
    Replay {
        /// The scenario file
        scenario: PathBuf,
        /// The seed
        #[arg(long)]
        seed: u64,
    },
    /// Repeat a run that `kith-node --record` wrote, and compare every commit
    Record {
        /// The record
        file: PathBuf,
        /// Print every input, with all that was said
        #[arg(long)]
        inputs: bool,
    },
    /// Compare the last lines of two runs
    Compare {
        /// A file that ends with a result
        before: PathBuf,
        /// Another
        after: PathBuf,
    },
}

/// The result of a run.
#[derive(Debug, Deserialize, Serialize)]
struct Summary {
    scenario: String,
    seeds: u64,
    failed: u64,
    messages: u64,
    shown: u64,
    delay_p50: u64,
    delay_p99: u64,
    delay_p50_max: u64,
    delay_p99_max: u64,
    frames: u64,
    bytes: u64,
    steps: u64,
    crashes: u64,
    trace: String,
}

fn main() -> ExitCode {
    match run(Args::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<bool> {
    match task {
        Task::Run { scenario, seeds, first_seed, threads, json, each: lines } => {
            let threads = threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
            match load(&scenario)? {
                Loaded::Scenario(scenario) => run_scenario(&scenario, seeds, first_seed, threads, lines),
                Loaded::Study(study, trace) => {
                    let seeds = seeds.unwrap_or(study.seeds());
                    let parts = study.parts();
                    let findings = each(seeds * parts, 0, threads, |job| {
                        let part = usize::try_from(job % parts).unwrap_or(0);
                        study.run(first_seed + job / parts, part, &trace)
                    });
                    show(&study.report(seeds, findings), json)
                }
            }
        }
        Task::Replay { scenario, seed } => match load(&scenario)? {
            Loaded::Scenario(scenario) => {
                let outcome = scenario.run(seed, true);
                println!("{}", serde_json::to_string(&outcome)?);
                Ok(outcome.failures.is_empty())
            }
            Loaded::Study(..) => anyhow::bail!("a study has many worlds; only a scenario can be replayed"),
        },
        Task::Record { file, inputs } => repeat(&file, inputs),
        Task::Compare { before, after } => compare(&before, &after),
    }
}

fn repeat(path: &PathBuf, tell: bool) -> anyhow::Result<bool> {
    let file = std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let (mut replay, mut cut) = (Replay::default(), None);
    for (number, line) in std::io::BufReader::new(file).lines().enumerate() {
        let line = line?;
        let line: Line = match serde_json::from_str(&line) {
            Ok(line) => line,
            Err(_) if line.is_empty() => continue,
            // Cut off by the end of a run; what follows is another one.
            Err(error) => {
                cut = Some(anyhow::Error::new(error).context(format!("line {} is no record", number + 1)));
                continue;
            }
        };
        if let (Some(error), false) = (cut.take(), matches!(line, Line::Start { .. })) {
            return Err(error);
        }
        if let (true, Line::Input { now, input }) = (tell, &line) {
            println!("{now:?} {input:?}");
        }
        replay.line(line).with_context(|| format!("line {}", number + 1))?;
    }
    println!("{}", serde_json::to_string(&replay.counts)?);
    Ok(replay.counts.different == 0)
}

/// What a file says to run.
enum Loaded {
    Scenario(Box<Scenario>),
    Study(Study, String),
}

fn load(path: &Path) -> anyhow::Result<Loaded> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
    };
    let text = read(path)?;
    let what = || format!("{} is no scenario", path.display());
    if !toml::from_str::<toml::Table>(&text).with_context(what)?.contains_key("study") {
        return Ok(Loaded::Scenario(Box::new(toml::from_str(&text).with_context(what)?)));
    }
    let study: Study = toml::from_str(&text).with_context(what)?;
    let trace = study.trace_file().map(|name| read(&path.with_file_name(name))).transpose()?;
    Ok(Loaded::Study(study, trace.unwrap_or_default()))
}

/// Runs something with each of so many numbers, several at once. The results are in the order of numbers.
fn each<T: Send>(count: u64, first: u64, threads: usize, run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(0);
    let (sender, results) = mpsc::sync_channel(threads.max(1));
    let mut all: Vec<(u64, T)> = thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let (sender, run, next) = (sender.clone(), &run, &next);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count || sender.send((at, run(first + at))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        results.into_iter().collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

/// Prints what a study found. The last line is JSON: with the tables, or only how it went.
fn show(report: &Report, json: bool) -> anyhow::Result<bool> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(report.failures.is_empty());
    }
    for table in &report.tables {
        println!("{table}");
    }
    for failure in &report.failures {
        println!("{failure}");
    }
    let short = Report { tables: Vec::new(), ..report.clone() };
    println!("{}", serde_json::to_string(&short)?);
    Ok(report.failures.is_empty())
}

fn run_scenario(
    scenario: &Scenario,
    seeds: Option<u64>,
    first: u64,
    threads: usize,
    lines: bool,
) -> anyhow::Result<bool> {
    let seeds = seeds.unwrap_or(scenario.seeds);
    let all: Vec<Outcome> = each(seeds, first, threads, |seed| scenario.run(seed, false));
    for outcome in all.iter().filter(|_| lines) {
        println!("{}", serde_json::to_string(outcome)?);
    }
    for outcome in all.iter().filter(|outcome| !outcome.failures.is_empty()) {
        println!("seed {}: {}", outcome.seed, outcome.failures.join("; "));
    }
    let mut hasher = blake3::Hasher::new();
    for outcome in &all {
        hasher.update(outcome.trace.as_bytes());
    }
    let sum = |part: fn(&Outcome) -> u64| all.iter().map(part).sum();
    let most = |part: fn(&Outcome) -> u64| all.iter().map(part).max().unwrap_or(0);
    let failed = all.iter().filter(|outcome| !outcome.failures.is_empty()).count() as u64;
    let mut delays: Vec<u64> = all.iter().flat_map(|outcome| outcome.delays.iter().copied()).collect();
    delays.sort_unstable();
    let summary = Summary {
        scenario: scenario.about.clone(),
        seeds,
        failed,
        messages: sum(|outcome| outcome.messages),
        shown: sum(|outcome| outcome.shown),
        delay_p50: part_of(&delays, 50),
        delay_p99: part_of(&delays, 99),
        delay_p50_max: most(|outcome| outcome.delay_p50),
        delay_p99_max: most(|outcome| outcome.delay_p99),
        frames: sum(|outcome| outcome.frames),
        bytes: sum(|outcome| outcome.bytes),
        steps: sum(|outcome| outcome.steps),
        crashes: sum(|outcome| outcome.crashes),
        trace: hasher.finalize().to_hex().chars().take(16).collect(),
    };
    println!("{}", serde_json::to_string(&summary)?);
    Ok(failed == 0)
}

/// A figure of a result, by name.
type Figure = (&'static str, fn(&Summary) -> u64);

fn compare(before: &PathBuf, after: &PathBuf) -> anyhow::Result<bool> {
    let last = |path: &PathBuf| -> anyhow::Result<Summary> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).with_context(|| format!("{} does not end with a result", path.display()))
    };
    let (before, after) = (last(before)?, last(after)?);
    let rows: [Figure; 9] = [
        ("failed", |summary| summary.failed),
        ("shown", |summary| summary.shown),
        ("delay p50", |summary| summary.delay_p50),
        ("delay p99", |summary| summary.delay_p99),
        ("most p50", |summary| summary.delay_p50_max),
        ("most p99", |summary| summary.delay_p99_max),
        ("frames", |summary| summary.frames),
        ("bytes", |summary| summary.bytes),
        ("steps", |summary| summary.steps),
    ];
    for (name, part) in rows {
        let (old, new) = (part(&before), part(&after));
        println!("{name:<10} {old:>14} {new:>14}  x{:.2}", new as f64 / (old as f64).max(1.0));
    }
    println!("the traces are {}", if before.trace == after.trace { "the same" } else { "different" });
    Ok(after.failed <= before.failed)
}
