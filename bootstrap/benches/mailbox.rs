//! The mailbox through the whole stack: a real `kith-bootstrap` with its network, its store and its disk, and one asker.
//! Deposits a second with 512 in flight, a single deposit and its receipt, and a backlog of 10,000 envelopes listed and
//! fetched. The floor of a single deposit is one round trip and one fsync. And deposits at a fixed pace, alone with
//! `-- paced`.
#![expect(clippy::unwrap_used, reason = "a benchmark has nobody to tell")]

#[path = "../tests/program/asker.rs"]
mod asker;
#[path = "mailbox/paced.rs"]
mod paced;

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use kith_proto::id::ReaderId;
use kith_proto::mailbox::Answer;
use tokio::runtime::Runtime;

use crate::asker::Asker;
use crate::asker::Inbox;
use crate::asker::envelope;

const READER: ReaderId = ReaderId([1; 16]);
const BACKLOG: u32 = 10_000;
const IN_FLIGHT: u32 = 512;
/// Envelopes in one inbox, spread over queues so that no quota or rate of one is reached.
const PER_QUEUE: u32 = 900;
const QUEUES: u8 = 24;

struct Program {
    process: Child,
    address: String,
}

impl Program {
    fn start(folder: &Path) -> Self {
        let file = folder.join("config.toml");
        let settings = "[mailbox]\ninbox_bytes = 1000000000\ncapacity_bytes = 100000000000\n";
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith-bootstrap"));
        command.arg("--data").arg(folder.join("data")).arg("--config").arg(&file);
        command.args(["--listen", "/ip4/127.0.0.1/tcp/0", "--http", "off"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        Self { process, address: line.strip_prefix("address: ").unwrap().to_owned() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A fresh inbox with all its queues.
async fn inbox(asker: &mut Asker, seed: u8) -> Inbox {
    let inbox = Inbox::new(seed);
    let registered = asker.register(&inbox, &[READER], QUEUES).await;
    assert!(matches!(registered, Answer::Registered { .. }), "{registered:?}");
    inbox
}

/// Leaves so many envelopes with so many in flight. Signing and sealing are done before; returns how long the rest took.
async fn deposit(asker: &mut Asker, inbox: &Inbox, numbers: std::ops::Range<u32>) -> Duration {
    let (count, first) = (numbers.len(), numbers.start);
    let mut requests = numbers
        .map(|number| {
            let queue = u8::try_from(number / PER_QUEUE).unwrap();
            asker.deposit(inbox, queue, &envelope(number))
        })
        .collect::<Vec<_>>()
        .into_iter();
    let begin = Instant::now();
    for request in requests.by_ref().take(IN_FLIGHT as usize) {
        asker.ask(request).await;
    }
    for index in 0..count {
        let answer = asker.answer().await.unwrap().word;
        let queue = u8::try_from(first / PER_QUEUE).unwrap();
        // In order; that every receipt holds is for the tests to say.
        let is_good = index > 0 || asker.is_receipt(inbox, queue, &envelope(first), &answer);
        assert!(is_good && matches!(answer, Answer::Stored { .. }), "{answer:?}");
        if let Some(request) = requests.next() {
            asker.ask(request).await;
        }
    }
    begin.elapsed()
}

fn deposits(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let (program, runtime) = (Program::start(folder.path()), Runtime::new().unwrap());
    let mut asker = runtime.block_on(Asker::connect(1, &program.address));
    let mut seed = 0;
    let mut group = criterion.benchmark_group("mailbox over the network");
    group.sample_size(10);
    for count in [1, 10_000] {
        group.throughput(Throughput::Elements(u64::from(count)));
        let (mut held, mut next) = (None, 0);
        group.bench_function(format!("{count} deposits"), |bencher| {
            bencher.iter_custom(|times| {
                let mut all = Duration::ZERO;
                for _ in 0..times {
                    runtime.block_on(async {
                        if held.is_none() || next + count > PER_QUEUE * u32::from(QUEUES) {
                            seed += 1;
                            (held, next) = (Some(inbox(&mut asker, seed).await), 0);
                        }
                        if let Some(inbox) = &held {
                            all += deposit(&mut asker, inbox, next..next + count).await;
                        }
                        next += count;
                    });
                }
                all
            });
        });
    }
    group.finish();
}

fn backlog(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let (program, runtime) = (Program::start(folder.path()), Runtime::new().unwrap());
    let mut asker = runtime.block_on(Asker::connect(1, &program.address));
    let inbox = runtime.block_on(async {
        let inbox = inbox(&mut asker, 1).await;
        deposit(&mut asker, &inbox, 0..BACKLOG).await;
        inbox
    });
    let mut group = criterion.benchmark_group("mailbox over the network");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(BACKLOG)));
    group.bench_function("a backlog of 10,000 listed and fetched", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let listed = asker.list(&inbox, READER).await;
                assert_eq!(listed.len(), BACKLOG as usize);
                assert_eq!(asker.fetch(&listed).await.len(), BACKLOG as usize);
            });
        });
    });
    group.finish();
}

criterion_group!(benches, deposits, backlog);

fn main() {
    let only_paced = std::env::args().any(|word| word == "paced");
    if !only_paced {
        benches();
        Criterion::default().configure_from_args().final_summary();
    }
    paced::run();
}
