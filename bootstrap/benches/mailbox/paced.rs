//! Deposits at a fixed pace, whatever the mailbox does: each has its instant, and its time is measured from that instant, so
//! that waiting for an earlier one counts. Every receipt comes after its fsync.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Request;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::Program;
use crate::asker::Asker;
use crate::asker::envelope;
use crate::inbox;

/// Deposits a second over all connections.
const RATE: u32 = 2_000;

/// How long it goes on.
const SECONDS: u32 = 20;

/// Devices that leave something, each over a connection of its own.
const DEPOSITORS: u8 = 8;

/// From asking everybody to start until the first deposit.
const HEAD_START: Duration = Duration::from_millis(200);

/// Writes that the floor is taken from.
const FLOOR_WRITES: usize = 400;

pub(crate) fn run() {
    // On a disk, not in memory: a receipt that never reaches a disk is fast and worth nothing.
    let folder = tempfile::TempDir::new_in(std::env::var_os("KITH_BENCH_DIR").unwrap_or(".".into())).unwrap();
    let runtime = Runtime::new().unwrap();
    let mut floor = fsyncs(folder.path());
    let program = Program::start(folder.path());
    let mut took = runtime.block_on(all(&program.address));
    println!(
        "{RATE} deposits a second for {SECONDS} s over {DEPOSITORS} connections, from the planned instant to the receipt:"
    );
    seconds(&took);
    line("  deposit", &mut took);
    line("  one fsync of a page in the same folder, before", &mut floor);
    line("  and after", &mut fsyncs(folder.path()));
}

async fn all(address: &str) -> Vec<Duration> {
    let mut depositors = Vec::new();
    for number in 0..DEPOSITORS {
        let mut asker = Asker::connect(number + 1, address).await;
        let inbox = inbox(&mut asker, number + 1).await;
        let count = RATE * SECONDS / u32::from(DEPOSITORS);
        // Signed before: what counts is the mailbox.
        let requests = (0..count).map(|each| {
            let queue = u8::try_from(each % u32::from(crate::QUEUES)).unwrap();
            asker.deposit(&inbox, queue, &envelope(each))
        });
        let requests: Vec<_> = requests.collect();
        depositors.push((asker, requests));
    }
    let begin = Instant::now() + HEAD_START;
    let mut running = JoinSet::new();
    for (number, (asker, requests)) in depositors.into_iter().enumerate() {
        let number = u32::try_from(number).unwrap();
        // One after the other, not all at once.
        let planned = move |each: u32| {
            let place = each * u32::from(DEPOSITORS) + number;
            begin + Duration::from_secs(1) * place / RATE
        };
        running.spawn(leave(asker, requests, planned));
    }
    running.join_all().await.concat()
}

/// Leaves each envelope when it is due, and waits for no answer before the next.
async fn leave(mut asker: Asker, requests: Vec<Request>, planned: impl Fn(u32) -> Instant) -> Vec<Duration> {
    let count = u32::try_from(requests.len()).unwrap();
    let mut requests = requests.into_iter();
    let (mut asked, mut took) = (0, Vec::new());
    while took.len() < count as usize {
        tokio::select! {
            biased;
            () = sleep_until(planned(asked)), if asked < count => {
                asker.ask(requests.next().unwrap()).await;
                asked += 1;
            }
            answer = asker.answer() => {
                let answer = answer.unwrap().word;
                assert!(matches!(answer, Answer::Stored { .. }), "{answer:?}");
                // Answers come in the order of their questions.
                let each = u32::try_from(took.len()).unwrap();
                took.push(planned(each).elapsed());
            }
        }
    }
    took
}

/// How long synchronous writes of a page take in this folder.
fn fsyncs(folder: &Path) -> Vec<Duration> {
    let mut file = File::create(folder.join("floor")).unwrap();
    let write = |_| {
        let begin = std::time::Instant::now();
        file.write_all(&[7; 4_096]).unwrap();
        file.sync_data().unwrap();
        begin.elapsed()
    };
    (0..FLOOR_WRITES).map(write).collect()
}

/// The worst of each second, to tell one hitch from being too slow throughout. What a depositor left is in the order of its
/// instants.
fn seconds(took: &[Duration]) {
    let each = took.len() / usize::from(DEPOSITORS);
    let of_a_second = each / SECONDS as usize;
    let worst = (0..SECONDS as usize).map(|second| {
        let in_it = took.chunks(each).filter_map(|one| one.chunks(of_a_second).nth(second)).flatten();
        in_it.max().copied().unwrap_or_default().as_millis()
    });
    println!("  worst of each second, ms: {:?}", worst.collect::<Vec<_>>());
}

fn line(what: &str, took: &mut [Duration]) {
    took.sort();
    let at = |part: usize| took.get((took.len() * part / 1_000).min(took.len() - 1)).copied().unwrap();
    println!(
        "{what}: p50 {:.2?}, p99 {:.2?}, p99.9 {:.2?}, max {:.2?}",
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
}
