//! What one more of each costs: connections, inboxes, envelopes.

use std::time::Instant;

use kith_net::EventReceiver;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetConfig;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::address;
use kith_proto::mailbox::Answer;
use zeroize::Zeroizing;

use crate::asker::Asker;
use crate::asker::envelope;
use crate::node::Node;
use crate::node::bytes_in;
use crate::node::inbox;
use crate::node::register;

/// Queues of an inbox that is only counted: a few contacts.
const QUEUES: u8 = 8;

/// Envelopes in one queue and queues of one inbox that are filled: below every quota and rate.
const PER_QUEUE: u32 = 900;
const FULL_QUEUES: u8 = 24;

/// Deposits whose receipts have not come.
const IN_FLIGHT: u32 = 512;

/// Measures and prints.
pub(crate) async fn run(connections: u32, inboxes: u32, envelopes: u32) {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut asker = Asker::connect(1, &node.address).await;
    let empty = node.resident_kib();
    println!("started: {:.1} MiB", mebibytes(empty));

    let mut devices = Vec::new();
    for number in 0..connections {
        devices.push(connect(number, &node.address).await);
    }
    let connected = node.resident_kib();
    println!("{connections} connections: {:.1} MiB more", mebibytes(connected - empty));
    for (_, events) in devices {
        events.shut_down().await.unwrap();
    }

    let before = (node.resident_kib(), bytes_in(&folder.path().join("data/mailbox")));
    register(&mut asker, 0..inboxes, QUEUES).await;
    let after = (node.resident_kib(), bytes_in(&folder.path().join("data/mailbox")));
    println!(
        "{inboxes} inboxes of {QUEUES} queues: {:.1} MiB more memory, {:.1} MiB more disk",
        mebibytes(after.0.saturating_sub(before.0)),
        mebibytes(after.1.saturating_sub(before.1) >> 10),
    );

    let (memory, disk) = (node.resident_kib(), bytes_in(&folder.path().join("data/mailbox")));
    let (processor, begin) = (node.processor(), Instant::now());
    deposit(&mut asker, inboxes, envelopes).await;
    let (used, took) = (node.processor() - processor, begin.elapsed());
    println!(
        "{envelopes} envelopes of 1 KiB: {:.1} MiB more disk, {:.1} MiB more memory; {:.0} a second, {:.0} µs of \
         processor time each",
        mebibytes(bytes_in(&folder.path().join("data/mailbox")).saturating_sub(disk) >> 10),
        mebibytes(node.resident_kib().saturating_sub(memory)),
        f64::from(envelopes) / took.as_secs_f64(),
        used.as_secs_f64() * 1e6 / f64::from(envelopes),
    );
}

fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1_024.0
}

/// A device with one connection.
async fn connect(number: u32, at: &str) -> (Net, EventReceiver) {
    let mut seed = Zeroizing::new([9; 32]);
    seed.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
    let mut config = NetConfig::new(seed, Role::User);
    config.listen.clear();
    (config.mdns, config.upnp) = (false, false);
    let (net, mut events) = Net::start(config, &tokio::runtime::Handle::current()).unwrap();
    net.command(NetCommand::AddBootstrap { node: address::parse_node(at).unwrap() }).unwrap();
    while !matches!(events.next().await.unwrap(), NetEvent::BootstrapConnected { .. }) {}
    (net, events)
}

/// Leaves envelopes in fresh inboxes, many in flight.
async fn deposit(asker: &mut Asker, first: u32, envelopes: u32) {
    let per_inbox = PER_QUEUE * u32::from(FULL_QUEUES);
    let last = first + envelopes.div_ceil(per_inbox);
    register(asker, first..last, FULL_QUEUES).await;
    let mut waiting = 0;
    for number in 0..envelopes {
        let to = inbox(first + number / per_inbox);
        let queue = u8::try_from(number % per_inbox / PER_QUEUE).unwrap();
        let request = asker.deposit(&to, queue, &envelope(number));
        asker.ask(request).await;
        waiting += 1;
        while waiting >= IN_FLIGHT || (number + 1 == envelopes && waiting > 0) {
            let answer = asker.answer().await.unwrap().word;
            assert!(matches!(answer, Answer::Stored { .. }), "{answer:?}");
            waiting -= 1;
        }
    }
}
