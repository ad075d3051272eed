//! The real program: it says where it is, keeps its identity, port and records over kill -9, and has its folder alone.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

mod asker;
mod check;
mod mailbox;
mod operations;

use std::ffi::OsStr;
use std::io::BufRead as _;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;

use kith_crypto::identity::DeviceSecret;
use kith_crypto::record;
use kith_crypto::secret::Secret32;
use kith_net::EventReceiver;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetConfig;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::address;
use kith_proto::bounded::BoundedVec;
use kith_proto::record::DeviceRecord;
use kith_proto::record::Record;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use zeroize::Zeroizing;

struct Program {
    process: Child,
    address: String,
}

impl Program {
    /// Ends it without a word.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    fn stop(mut self) -> ExitStatus {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.process.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith-bootstrap"));
    command.arg("--data").arg(folder).args(["--listen", "/ip4/127.0.0.1/tcp/0"]);
    command.args(["--http", "off"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(folder: &Path) -> Program {
    start_with(folder, &[])
}

fn start_with(folder: &Path, arguments: &[&OsStr]) -> Program {
    let mut process = command(folder).args(arguments).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let address = line.strip_prefix("address: ").unwrap().to_owned();
    Program { process, address }
}

async fn until<T>(events: &mut EventReceiver, mut pick: impl FnMut(NetEvent) -> Option<T>) -> T {
    loop {
        if let Some(found) = pick(events.next().await.unwrap()) {
            return found;
        }
    }
}

/// A node that is connected to the program.
async fn client(seed: u8, program: &Program) -> (Net, EventReceiver) {
    let mut config = NetConfig::new(Zeroizing::new([seed; 32]), Role::User);
    config.listen.clear();
    config.mdns = false;
    let (net, mut events) = Net::start(config, &tokio::runtime::Handle::current()).unwrap();
    let node = address::parse_node(&program.address).unwrap();
    net.command(NetCommand::AddBootstrap { node }).unwrap();
    until(&mut events, |event| matches!(event, NetEvent::BootstrapConnected { .. }).then_some(())).await;
    (net, events)
}

async fn found(net: &Net, events: &mut EventReceiver, record: &Record) -> bool {
    let wanted = record.key();
    net.command(NetCommand::LookUp { key: wanted }).unwrap();
    until(events, |event| match event {
        NetEvent::Found { key, .. } if key == wanted => Some(true),
        NetEvent::LookUpDone { key } if key == wanted => Some(false),
        _ => None,
    })
    .await
}

fn some_record() -> Record {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let device = DeviceSecret::generate(&mut rng);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = Timestamp(u64::try_from(since.as_millis()).unwrap());
    let told = DeviceRecord { addresses: BoundedVec::default() };
    let (secret, valid) = (Secret32::new([7; 32]), (1, now + Span::from_hours(1)));
    record::seal_record(&mut rng, &device, &secret, record::period_at(now), valid, &told)
}

#[tokio::test]
async fn identity_port_and_records_survive_a_stop_and_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path());
    let (publisher, _events) = client(1, &first).await;
    let record = some_record();
    publisher.command(NetCommand::Publish { record: record.clone() }).unwrap();
    // Somebody else asks: the publisher would find its own copy.
    let (net, mut events) = client(2, &first).await;
    while !found(&net, &mut events, &record).await {}
    let address = first.address.clone();
    assert!(first.stop().success());
    drop(start(folder.path()));
    let second = start(folder.path());
    assert_eq!(second.address, address);
    let (net, mut events) = client(3, &second).await;
    assert!(found(&net, &mut events, &record).await);
}

#[test]
fn the_address_for_browsers_is_the_same_after_a_restart_and_the_key_behind_it_is_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let listen = ["--listen", "/ip4/127.0.0.1/udp/0/webrtc-direct"].map(OsStr::new);
    let told = || {
        let mut process = command(folder.path()).args(listen).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.into_iter().find(|line| line.contains("/webrtc-direct/certhash/u")).unwrap();
        assert!(Program { process, address: address.clone() }.stop().success());
        address
    };
    assert_eq!(told(), told());
    for file in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        let metadata = file.metadata().unwrap();
        assert!(metadata.is_dir() || metadata.mode() & 0o077 == 0, "{}", file.path().display());
    }
}

#[test]
fn a_folder_has_one_program() {
    let folder = tempfile::tempdir().unwrap();
    let _first = start(folder.path());
    let second = command(folder.path()).output().unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("in use") || said.contains("already"), "{said}");
}

#[test]
fn a_wrong_setting_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[limits]\nconections = 5\n").unwrap();
    let said = command(&folder.path().join("data")).arg("--config").arg(&file).output().unwrap();
    assert!(!said.status.success());
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("conections"), "{said}");
}

#[test]
fn the_files_to_deploy_fit_the_program() {
    let printed = Command::new(env!("CARGO_BIN_EXE_kith-bootstrap")).arg("config").output().unwrap();
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let read = |name: &str| std::fs::read_to_string(deploy.join(name)).unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), read("kith-bootstrap.toml"));
    let number = |text: &str, before: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(before)).unwrap();
        line.trim().parse().unwrap()
    };
    let files = number(&read("kith-bootstrap.service"), "LimitNOFILE=");
    assert!(
        files > number(&read("kith-bootstrap.toml"), "connections =") + 128,
        "one file for each connection"
    );
    assert!(read("Containerfile").contains("EXPOSE 4001/tcp 4001/udp 4002/tcp"));
}
