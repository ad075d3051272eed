//! What the README promises of whole nodes, beside the floor of this machine, in one run: start to connected, send to
//! delivered, messages a second, and an idle node. `make bench` prints it; nothing here fails by being slow.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run stops")]

use std::fs;
use std::fs::File;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::view::MessageState;
use kith_net::Net;
use kith_net::NetConfig;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::config::Listen;
use kith_net::net::device_of_seed;
use kith_node::Events;
use kith_node::Handle;
use kith_node::NodeConfig;
use kith_node::NodeEvent;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use tempfile::TempDir;
use zeroize::Zeroizing;

const ROUNDS: usize = 20;
const SINGLE: usize = 500;
const FLOOD: usize = 20_000;
const IDLE: Duration = Duration::from_secs(20);

struct Person {
    node: Handle,
    events: Events,
    account: AccountId,
}

fn config(folder: &Path, bootstrap: Option<&str>) -> NodeConfig {
    let mut config = NodeConfig::new(folder.to_owned());
    config.listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
    config.mdns = false;
    config.bootstrap = bootstrap.map(ToOwned::to_owned).into_iter().collect();
    config
}

impl Person {
    fn new(folder: &Path, name: &str, bootstrap: Option<&str>) -> Self {
        let node = Handle::start(config(folder, bootstrap)).unwrap();
        let events = node.events();
        let account = node.create_account(name, None, None).unwrap().account;
        Self { node, events, account }
    }

    fn again(folder: &Path, account: AccountId, bootstrap: Option<&str>) -> Self {
        let node = Handle::start(config(folder, bootstrap)).unwrap();
        Self { events: node.events(), node, account }
    }

    fn until<T>(&self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        loop {
            match self.events.recv() {
                NodeEvent::Engine(event) => {
                    if let Some(found) = wanted(&event) {
                        return found;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn until_online(&self) {
        if self.node.overview().online.is_empty() {
            self.until(|event| match event {
                Event::ContactChanged(contact) if contact.online => Some(()),
                _ => None,
            });
        }
    }

    fn send(&self, chat: ChatId, text: &str) {
        let text = text.to_owned();
        let command = Command::SendMessage { chat, text, reply_to: None, expires_secs: None };
        self.node.submit(command).unwrap();
    }

    fn until_delivered(&self, mut count: usize) {
        while count > 0 {
            self.until(|event| {
                matches!(event, Event::MessageState { state: MessageState::Delivered, .. }).then_some(())
            });
            count -= 1;
        }
    }
}

fn befriend(ann: &Person, bob: &Person) -> ChatId {
    ann.until(|event| match event {
        Event::NetworkChanged(network) if !network.listen.is_empty() => Some(()),
        _ => None,
    });
    let invite = Command::CreateInvite { uses: None, expires_secs: None };
    let Answer::Invite(invite) = ann.node.call(invite).unwrap() else { panic!("no invite") };
    bob.node.call(Command::AddContact { invite, greeting: String::new() }).unwrap();
    let contact = ann.until(|event| match event {
        Event::ContactRequested(contact) => Some(contact.contact),
        _ => None,
    });
    ann.node.call(Command::AcceptContact { contact }).unwrap();
    let chat = ChatId::direct(&ann.account, &bob.account);
    // Bob has heard of it when what he writes is delivered.
    bob.send(chat, "hello");
    bob.until_delivered(1);
    chat
}

fn report(what: &str, took: &mut [Duration], goal: &str, floor: Option<Duration>) {
    took.sort();
    let at = |part: usize| took.get((took.len() * part / 100).min(took.len() - 1)).copied().unwrap();
    let beside = floor.map_or(String::new(), |floor| {
        format!(", floor {floor:.2?}, p50 is {:.1} times it", at(50).as_secs_f64() / floor.as_secs_f64())
    });
    println!("{what}: p50 {:.2?}, p99 {:.2?} (goal {goal}){beside}", at(50), at(99));
}

/// What the machine itself takes for what a message cannot do without, measured in the rhythm of the messages: a disk
/// and a processor that were idle for a moment are slower.
struct Floor {
    file: File,
    near: TcpStream,
    synced: Vec<Duration>,
    answered: Vec<Duration>,
}

impl Floor {
    fn new(folder: &Path) -> Self {
        let mut file = File::create(folder.join("floor")).unwrap();
        // Written once, so that a sync has no metadata to write.
        file.write_all(&[7; 4_096]).unwrap();
        file.sync_all().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        near.set_nodelay(true).unwrap();
        far.set_nodelay(true).unwrap();
        thread::spawn(move || {
            let mut byte = [0];
            while far.read_exact(&mut byte).is_ok() && far.write_all(&byte).is_ok() {}
        });
        Self { file, near, synced: Vec::new(), answered: Vec::new() }
    }

    /// One synchronous write of a page, and one byte there and back over loopback.
    fn measure(&mut self) {
        let begin = Instant::now();
        self.file.seek(SeekFrom::Start(0)).unwrap();
        self.file.write_all(&[7; 4_096]).unwrap();
        self.file.sync_data().unwrap();
        self.synced.push(begin.elapsed());
        let begin = Instant::now();
        self.near.write_all(&[1]).unwrap();
        self.near.read_exact(&mut [0]).unwrap();
        self.answered.push(begin.elapsed());
    }

    /// The medians of one sync and one round trip since the last call.
    fn take(&mut self) -> (Duration, Duration) {
        let median = |took: &mut Vec<Duration>| {
            took.sort();
            let median = took.get(took.len() / 2).copied().unwrap_or_default();
            took.clear();
            median
        };
        (median(&mut self.synced), median(&mut self.answered))
    }
}

/// A bootstrap node in this process.
fn bootstrap(runtime: &tokio::runtime::Runtime) -> (Net, String) {
    let mut config = NetConfig::new(Zeroizing::new([9; 32]), Role::Server);
    config.listen = vec![Listen { address: "/ip4/127.0.0.1/tcp/0".to_owned(), remembered: None }];
    let (net, mut events) = Net::start(config, runtime.handle()).unwrap();
    let address = runtime.block_on(async {
        loop {
            if let Some(NetEvent::Listening { address, .. }) = events.next().await {
                break address;
            }
        }
    });
    runtime.spawn(async move { while events.next().await.is_some() {} });
    let device = device_of_seed(&[9; 32]).unwrap();
    (net, kith_net::address::text(&address, Some(&device)))
}

fn start_to_connected(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (_net, server) = bootstrap(&runtime);
    let (one, other) = (folder.join("start-ann"), folder.join("start-bob"));
    let (ann, bob) = (Person::new(&one, "Ann", Some(&server)), Person::new(&other, "Bob", Some(&server)));
    befriend(&ann, &bob);
    let accounts = (ann.account, bob.account);
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    bob.node.shut_down();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let bob = Person::again(&other, accounts.1, Some(&server));
        bob.until_online();
        warm.push(begin.elapsed());
        bob.node.shut_down();
    }
    report("start to connected, warm (address known)", &mut warm, "0.1 s", None);
    ann.node.shut_down();
    for _ in 0..ROUNDS {
        // Ann has moved while Bob was away: what he remembers leads nowhere, only the DHT knows.
        fs::remove_file(one.join("ports")).unwrap();
        let ann = Person::again(&one, accounts.0, Some(&server));
        ann.until(|event| match event {
            Event::NetworkChanged(network) if network.bootstraps_connected > 0 => Some(()),
            _ => None,
        });
        // Her record is out once a moment has passed; a friend who starts later finds it.
        thread::sleep(Duration::from_millis(1_500));
        let begin = Instant::now();
        let bob = Person::again(&other, accounts.1, Some(&server));
        bob.until_online();
        cold.push(begin.elapsed());
        bob.node.shut_down();
        ann.node.shut_down();
    }
    report("start to connected, cold (through one bootstrap node)", &mut cold, "1 s", None);
}

fn talking(folder: &Path) {
    let (one, other) = (folder.join("talk-ann"), folder.join("talk-bob"));
    let (ann, bob) = (Person::new(&one, "Ann", None), Person::new(&other, "Bob", None));
    let chat = befriend(&ann, &bob);
    let mut floor = Floor::new(folder);
    for (what, count, pause) in [
        ("send to delivered, one right after the other", SINGLE, Duration::ZERO),
        ("send to delivered, four a second", SINGLE / 10, Duration::from_millis(250)),
    ] {
        let mut one = || {
            thread::sleep(pause);
            let begin = Instant::now();
            bob.send(chat, "one at a time");
            bob.until_delivered(1);
            let took = begin.elapsed();
            thread::sleep(pause);
            floor.measure();
            took
        };
        let mut took: Vec<Duration> = (0..count).map(|_| one()).collect();
        let (fsync, round_trip) = floor.take();
        // One after another: the sender's commit and the recipient's. The sender's of the receipt does not wait.
        let least = 2 * fsync + round_trip;
        report(what, &mut took, "3 times two fsyncs and a round trip", Some(least));
        println!("  in the same rhythm: fsync {fsync:.2?}, round trip {round_trip:.2?}");
    }

    let begin = Instant::now();
    thread::scope(|scope| {
        for person in [&ann, &bob] {
            scope.spawn(move || (0..FLOOD).for_each(|_| person.send(chat, "and then there was another one")));
            scope.spawn(move || person.until_delivered(FLOOD));
        }
    });
    let rate = (2 * FLOOD) as f64 / begin.elapsed().as_secs_f64();
    println!(
        "messages a second, both ways at once, both ends durable, receipts back: {rate:.0} (goal 10000)"
    );
    let commits = |person: &Person| person.node.stats().unwrap().1;
    println!("  Ann's store: {:?}, Bob's: {:?}", commits(&ann), commits(&bob));
    ann.node.shut_down();
    bob.node.shut_down();
}

struct Program {
    process: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Program {
    fn start(folder: &Path) -> Self {
        let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_kith-node"))
            .args(["--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0", "--data"])
            .arg(folder)
            .arg("rpc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    fn until(&mut self, wanted: &str) {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the program ended");
        }
    }

    /// Processor time in clock ticks, resident bytes, and bytes through the network card of this machine's loopback.
    fn usage(&self) -> Option<(u64, u64)> {
        let folder = PathBuf::from(format!("/proc/{}", self.process.id()));
        let stat = fs::read_to_string(folder.join("stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        let pages = fs::read_to_string(folder.join("statm")).ok()?;
        Some((ticks, pages.split(' ').nth(1)?.parse::<u64>().ok()? * 4_096))
    }
}

fn loopback_bytes() -> Option<u64> {
    let devices = fs::read_to_string("/proc/net/dev").ok()?;
    let line = devices.lines().find_map(|line| line.trim().strip_prefix("lo:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Two connected programs that do nothing.
fn idle(folder: &Path) {
    let (one, other) = (folder.join("idle-ann"), folder.join("idle-bob"));
    let (ann, bob) = (Person::new(&one, "Ann", None), Person::new(&other, "Bob", None));
    befriend(&ann, &bob);
    ann.node.shut_down();
    bob.node.shut_down();
    let mut programs = [Program::start(&one), Program::start(&other)];
    programs.iter_mut().for_each(|program| program.until("\"online\":true"));
    thread::sleep(Duration::from_secs(3));
    let before: Option<Vec<_>> = programs.iter().map(Program::usage).collect();
    let (Some(before), Some(bytes)) = (before, loopback_bytes()) else {
        return println!("idle: this system has no /proc to read it from");
    };
    thread::sleep(IDLE);
    for (program, (ticks, _)) in programs.iter().zip(before) {
        let (after, memory) = program.usage().unwrap();
        let share = (after - ticks) as f64 / 100.0 / IDLE.as_secs_f64() * 100.0;
        let memory = memory as f64 / f64::from(1 << 20);
        println!("idle: {share:.2} % of a core (goal 0.2 %), {memory:.1} MiB resident (goal 50 MiB)");
    }
    let rate = (loopback_bytes().unwrap() - bytes) as f64 / IDLE.as_secs_f64();
    println!("idle: {rate:.0} bytes a second over loopback for both, headers included (goal 200 for each)");
    for mut program in programs {
        program.process.kill().unwrap();
        program.process.wait().unwrap();
    }
}

fn main() {
    // On a disk, not in memory: a commit that never reaches a disk is fast and worth nothing.
    let folder =
        TempDir::new_in(std::env::var_os("KITH_BENCH_DIR").map_or(".".into(), PathBuf::from)).unwrap();
    // With words after `--`, only the parts of these names.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for (name, part) in [("start", start_to_connected as fn(&Path)), ("talk", talking), ("idle", idle)] {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            part(folder.path());
        }
    }
}
