//! Devices that come and go, some of them never seen before, some that say nothing and leave, while memory is watched.
//!
//! Most are connections without a program behind them: TCP, the handshake, streams that the node may open; so that one
//! computer has enough left for the node. Every tenth device is the whole network of a person's program.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kith_net::EventReceiver;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetConfig;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::address;
use kith_proto::address::DeviceAddress;
use libp2p::PeerId;
use libp2p::Transport as _;
use libp2p::core::Endpoint;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::muxing::StreamMuxerExt as _;
use libp2p::core::transport::Boxed;
use libp2p::core::transport::DialOpts;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::noise;
use libp2p::tcp;
use libp2p::yamux;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;
use zeroize::Zeroizing;

use crate::asker::Asker;
use crate::node::Node;
use crate::node::register;

/// Queues of each inbox.
const QUEUES: u8 = 4;

/// Connections after which a device is another one: what is remembered by device must go, too.
const LIFE: u32 = 50;

/// Every so many-th device has a whole program's network.
const WHOLE: u32 = 10;

/// Every so many-th connection is one that never says a word.
const SILENT: u32 = 10;

/// Lines that are printed, whatever the time.
const LINES: u32 = 30;

/// How often the pace is kept.
const PACE: Duration = Duration::from_millis(20);

pub(crate) struct Plan {
    pub(crate) rate: u32,
    pub(crate) time: Duration,
    pub(crate) inboxes: u32,
    pub(crate) devices: u32,
    pub(crate) percent: f64,
}

/// Runs it. Returns whether memory stayed within bounds after the first fifth of the time.
pub(crate) async fn run(plan: &Plan) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    println!("empty: {} KiB", node.resident_kib());
    let mut asker = Asker::connect(1, &node.address).await;
    register(&mut asker, 0..plan.inboxes, QUEUES).await;
    println!("{} inboxes: {} KiB", plan.inboxes, node.resident_kib());

    let (turns, done) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU64::new(0)));
    let place = address::parse_node(&node.address).unwrap();
    let mut devices = JoinSet::new();
    for number in 0..plan.devices {
        devices.spawn(come_and_go(number, place.clone(), Arc::clone(&turns), Arc::clone(&done)));
    }
    let mut lines = Vec::new();
    let (begin, mut next) = (Instant::now(), plan.time / LINES);
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut given, mut counted) = (0.0, (Duration::ZERO, 0));
    while begin.elapsed() < plan.time {
        pace.tick().await;
        let due = begin.elapsed().as_secs_f64() * f64::from(plan.rate) - given;
        // Who cannot keep up does not get a burst later.
        if turns.available_permits() < plan.devices as usize {
            turns.add_permits(due as usize);
        }
        given += due.floor();
        if begin.elapsed() >= next {
            let (now, all) = (begin.elapsed(), done.load(Ordering::Relaxed));
            let rate = (all - counted.1) as f64 / (now - counted.0).as_secs_f64();
            let kib = node.resident_kib();
            let files = node.open_files();
            println!(
                "{:>5} s  {all:>9} connections  {rate:>5.0}/s  {kib:>8} KiB  {files:>5} files",
                now.as_secs()
            );
            lines.push((now, kib));
            counted = (now, all);
            next += plan.time / LINES;
        }
    }
    let processor = node.processor().as_secs_f64() * 1e6 / done.load(Ordering::Relaxed).max(1) as f64;
    devices.shutdown().await;
    verdict(plan, &lines, processor)
}

/// Compares the highest memory of the last fifth with that of the second: what grows and shrinks is no leak.
fn verdict(plan: &Plan, lines: &[(Duration, u64)], processor: f64) -> bool {
    let highest = |from: u32, to: u32| {
        let between = lines.iter().filter(|(at, _)| (plan.time * from / 5..plan.time * to / 5).contains(at));
        between.map(|(_, kib)| *kib).max().unwrap_or_default()
    };
    let (early, late) = (highest(1, 2), highest(4, 6));
    let grown = (late as f64 / early.max(1) as f64 - 1.0) * 100.0;
    println!("memory: {early} KiB in the second fifth, {late} KiB in the last: {grown:+.1} %");
    println!("processor time for a connection: {processor:.0} µs");
    grown <= plan.percent
}

async fn come_and_go(device: u32, place: DeviceAddress, turns: Arc<Semaphore>, done: Arc<AtomicU64>) {
    let text = address::text(&place.address, None);
    let port: u16 = text.rsplit('/').next().unwrap().parse().unwrap();
    for life in 0_u32.. {
        let mut seed = Zeroizing::new([7; 32]);
        let numbers = device.to_le_bytes().into_iter().chain(life.to_le_bytes());
        seed.iter_mut().zip(numbers).for_each(|(to, from)| *to = from);
        let mut program = device.is_multiple_of(WHOLE).then(|| start(seed.clone()));
        let mut bare = bare(&seed);
        for number in 0..LIFE {
            turns.acquire().await.unwrap().forget();
            match &mut program {
                _ if number % SILENT == 0 => drop(TcpStream::connect(("127.0.0.1", port)).await.unwrap()),
                Some((net, events)) => once(net, events, &place).await,
                None => shake_hands(&mut bare, port).await,
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
        if let Some((_, events)) = program {
            events.shut_down().await.unwrap();
        }
    }
}

/// A connection as every libp2p program makes it, with nothing above.
fn bare(seed: &[u8; 32]) -> Boxed<(PeerId, StreamMuxerBox)> {
    let keys = Keypair::ed25519_from_bytes(*seed).unwrap();
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    let upgraded = tcp.upgrade(Version::V1Lazy).authenticate(noise::Config::new(&keys).unwrap());
    upgraded.multiplex(yamux::Config::default()).boxed()
}

/// Connects, takes the first stream that the node opens, and hangs up.
async fn shake_hands(transport: &mut Boxed<(PeerId, StreamMuxerBox)>, port: u16) {
    let place = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
    let way = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
    let Ok((_, mut connection)) = transport.dial(place, way).unwrap().await else { return };
    let _ = poll_fn(|context| {
        let _ = connection.poll_unpin(context);
        connection.poll_inbound_unpin(context)
    })
    .await;
    let _ = poll_fn(|context| connection.poll_close_unpin(context)).await;
}

fn start(seed: Zeroizing<[u8; 32]>) -> (Net, EventReceiver) {
    let mut config = NetConfig::new(seed, Role::User);
    config.listen.clear();
    (config.mdns, config.upnp, config.probe) = (false, false, false);
    config.limits.relays = 0;
    Net::start(config, &tokio::runtime::Handle::current()).unwrap()
}

/// Connects and hangs up.
async fn once(net: &Net, events: &mut EventReceiver, place: &DeviceAddress) {
    let (device, addresses) = (place.device, vec![place.address.clone()]);
    net.command_async(NetCommand::Dial { device, addresses }).await.unwrap();
    loop {
        match events.next().await.unwrap() {
            NetEvent::Connected { .. } => {
                net.command_async(NetCommand::HangUp { device }).await.unwrap();
            }
            NetEvent::Disconnected { .. } | NetEvent::DialFailed { .. } => return,
            _ => {}
        }
    }
}
