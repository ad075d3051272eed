//! What whoever runs the real program sees and does: numbers, the page, settings that change, a flood that is held back.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Lines;
use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::ChildStderr;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;

use kith_proto::id::ReaderId;
use kith_proto::mailbox::Answer;

use crate::asker::Asker;
use crate::asker::Inbox;
use crate::asker::envelope;

/// A program with a page, a settings file, and somebody who reads its log.
struct Node {
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
    address: String,
    page: SocketAddr,
}

/// What the page answered.
struct Page {
    status: u16,
    head: String,
    body: String,
}

impl Node {
    fn start(folder: &Path, settings: &str) -> Self {
        std::fs::write(folder.join("kith-bootstrap.toml"), settings).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith-bootstrap"));
        command
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--config")
            .arg(folder.join("kith-bootstrap.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut find = |prefix: &str| {
            let line = said.find(|line| line.starts_with(prefix)).unwrap();
            line.strip_prefix(prefix).unwrap().to_owned()
        };
        let address = find("address: ");
        let page = find("status page: http://").trim_end_matches('/').parse().unwrap();
        // Whatever else it says goes nowhere.
        std::thread::spawn(move || said.for_each(drop));
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, log, address, page }
    }

    fn get(&self, path: &str) -> Page {
        ask(self.page, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    }

    /// One number of `/metrics`.
    fn number(&self, name: &str) -> u64 {
        let body = self.get("/metrics").body;
        let value = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in\n{body}")).parse().unwrap()
    }

    /// Writes other settings, has them read, and returns the line that says so.
    fn reload(&mut self, folder: &Path, settings: &str) -> String {
        std::fs::write(folder.join("kith-bootstrap.toml"), settings).unwrap();
        self.signal("-HUP");
        let mut log = self.log.by_ref().map(Result::unwrap);
        log.find(|line| line.contains("settings read again") || line.contains("refused")).unwrap()
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Asks it to stop. Returns how it ended, and what it logged last.
    fn stop(mut self, signal: &str) -> (ExitStatus, Vec<String>) {
        self.signal(signal);
        let log = self.log.by_ref().map(Result::unwrap).collect();
        (self.process.wait().unwrap(), log)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ask(at: SocketAddr, request: &str) -> Page {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = Vec::new();
    // It closes after one answer, and may not have read everything of a request that is too long.
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).unwrap_or("0").parse().unwrap();
    Page { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// Settings of a node that is of this machine only, with something added.
fn settings(more: &str) -> String {
    format!("listen = [\"/ip4/127.0.0.1/tcp/0\"]\nhttp.listen = \"127.0.0.1:0\"\n{more}")
}

#[tokio::test]
async fn what_the_node_does_is_counted_and_shown_and_nobody_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &settings(""));
    let (inbox, reader) = (Inbox::new(1), ReaderId([1; 16]));
    let mut asker = Asker::connect(1, &node.address).await;
    assert!(matches!(asker.register(&inbox, &[reader], 1).await, Answer::Registered { .. }));
    for number in 0..3 {
        let stored = asker.question(asker.deposit(&inbox, 0, &envelope(number))).await;
        assert!(matches!(stored, Answer::Stored { .. }), "{stored:?}");
    }
    let nowhere = asker.deposit(&Inbox::new(2), 0, &envelope(9));
    assert_eq!(asker.question(nowhere).await, Answer::NoQueue {});
    let metrics = node.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.head.contains("content-type: application/openmetrics-text"), "{}", metrics.head);
    assert!(metrics.body.ends_with("# EOF\n"));
    for line in metrics.body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("kith_") && value.parse::<u64>().is_ok(), "{line}");
    }
    for (name, value) in [
        ("kith_connections{transport=\"tcp\"}", 1),
        ("kith_connections_max", 5_000),
        ("kith_mailbox_inboxes", 1),
        ("kith_mailbox_envelopes", 3),
        ("kith_mailbox_deposits_total", 3),
        ("kith_mailbox_refused_total{reason=\"no_queue\"}", 1),
        ("kith_settings_accepted", 1),
    ] {
        assert_eq!(node.number(name), value, "{name}");
    }
    assert!(node.number("kith_mailbox_bytes") > 3 * 1_024 && node.number("kith_mailbox_commits_total") > 1);
    assert!(node.number("kith_open_files") < node.number("kith_open_files_max"));
    assert!(!metrics.body.contains("12D3") && !metrics.body.contains("127.0.0.1"), "nobody is named");
    let page = node.get("/");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-security-policy: default-src 'none'"), "{}", page.head);
    assert!(page.body.contains(&format!("<code>{}</code>", node.address)), "{}", page.body);
    assert!(page.body.contains("No address of this node is public"), "which is true on this machine");
    let health = node.get("/health");
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
}

#[test]
fn the_page_answers_get_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &settings(""));
    let status = |request: &str| ask(node.page, request).status;
    assert_eq!(status("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"), 405);
    assert_eq!(status("DELETE /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), 405);
    assert_eq!(node.get("/../etc/passwd").status, 404);
    assert_eq!(node.get("/metrics?name=x").status, 200);
    let head = ask(node.page, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(status("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_ne!(status(&format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(20_000))), 200);
    assert_ne!(status("nonsense\r\n\r\n"), 200);
}

#[test]
fn a_monitor_is_answered_however_many_others_say_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &settings(""));
    let idle: Vec<_> = (0..200).map(|_| TcpStream::connect(node.page).unwrap()).collect();
    assert_eq!(node.get("/health").status, 200);
    assert_eq!(node.get("/metrics").status, 200);
    assert_eq!(node.get("/").status, 503, "what is for people has to wait");
    drop(idle);
    while node.get("/").status != 200 {}
}

#[tokio::test]
async fn settings_change_while_it_runs_and_a_broken_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(folder.path(), &settings(""));
    let mut asker = Asker::connect(1, &node.address).await;
    let changed = settings("limits.connections = 70\nlimits.records = 5\nmailbox.inboxes = 1\n");
    let line = node.reload(folder.path(), &changed);
    assert!(line.contains("limits, mailbox") && !line.contains("next_start"), "{line}");
    assert_eq!(node.number("kith_connections_max"), 70);
    let register = asker.register(&Inbox::new(1), &[ReaderId([1; 16])], 1).await;
    assert!(matches!(register, Answer::Registered { .. }), "{register:?}");
    let register = asker.register(&Inbox::new(2), &[ReaderId([1; 16])], 1).await;
    assert_eq!(register, Answer::Full {}, "there is room for one inbox now");

    let line = node.reload(folder.path(), &settings("limits.conections = 9\n"));
    assert!(line.contains("conections") && line.contains("old settings go on"), "{line}");
    assert_eq!((node.number("kith_connections_max"), node.number("kith_settings_accepted")), (70, 0));
    assert!(node.get("/").body.contains("The settings file was refused"));
    let line = node.reload(folder.path(), &settings("log = \"kith=loud\"\n"));
    assert!(line.contains("no filter"), "{line}");

    let moved = changed.replace("tcp/0\"", "tcp/1\"") + "relay.circuits = 3\nlog = \"info\"\n";
    let line = node.reload(folder.path(), &moved);
    assert!(line.contains("listen, relay") && line.contains("next_start") && line.contains("log"), "{line}");
    assert_eq!((node.number("kith_settings_accepted"), node.number("kith_relay_circuits_max")), (1, 256));
    assert!(node.get("/").body.contains("from the next start on: listen, relay"));
    let (status, log) = node.stop("-TERM");
    assert!(status.success() && log.last().is_some_and(|line| line.contains("stopped")), "{log:?}");
}

#[tokio::test]
async fn other_nodes_are_joined_and_left_while_it_runs() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let other = Node::start(there.path(), &settings(""));
    let mut node = Node::start(here.path(), &settings(""));
    let joined = settings(&format!("bootstrap = [\"{}\"]\n", other.address));
    assert!(node.reload(here.path(), &joined).contains("bootstrap"));
    while other.number("kith_peers") == 0 {}
    assert!(node.reload(here.path(), &settings("")).contains("bootstrap"));
    let (status, _) = node.stop("-INT");
    assert!(status.success());
}

#[test]
fn the_log_can_be_read_by_machines() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(folder.path(), &settings("log_format = \"json\"\n"));
    let line = node.reload(folder.path(), &settings("log_format = \"json\"\nlimits.per_ipv4 = 9\n"));
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&read["message"], &read["changed"]), (&"settings read again".into(), &"limits".into()));
    let (_, log) = node.stop("-TERM");
    assert!(log.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{log:?}");
}

#[test]
fn a_node_whose_ports_are_taken_is_not_healthy_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let free = settings("").replace("tcp/0\"", &format!("tcp/0\", \"/ip4/127.0.0.1/tcp/{port}\""));
    let node = Node::start(folder.path(), &free);
    assert_eq!(node.get("/health").status, 200, "one of two is enough");
    assert!(node.get("/").body.contains(&format!("It cannot listen at /ip4/127.0.0.1/tcp/{port}")));
}

/// Linux answers at all of 127.0.0.0/8, so there can be two computers on one.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_flood_from_one_address_is_held_back_while_others_are_served() {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpSocket;
    use tokio::task::JoinSet;

    const LIMIT: usize = 8;
    const FLOOD: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &settings(&format!("limits.this_machine = {LIMIT}\n")));
    let port = node.address.split('/').nth(4).unwrap();
    let at: SocketAddr = format!("127.0.0.1:{port}").parse().unwrap();
    let mut flood = JoinSet::new();
    for _ in 0..FLOOD {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut stream = socket.connect(at).await.unwrap();
        // Says nothing, and waits until it is thrown out.
        flood.spawn(async move { stream.read_u8().await.is_err() });
    }
    for _ in LIMIT..FLOOD {
        assert!(flood.join_next().await.unwrap().unwrap());
    }
    let mut asker = Asker::connect(1, &node.address).await;
    let registered = asker.register(&Inbox::new(1), &[ReaderId([1; 16])], 1).await;
    assert!(matches!(registered, Answer::Registered { .. }), "{registered:?}");
    let refused = node.number("kith_connections_refused_total{reason=\"address\"}");
    assert_eq!(refused, (FLOOD - LIMIT) as u64);
    assert_eq!(node.number("kith_connections{transport=\"tcp\"}"), 1);
}
