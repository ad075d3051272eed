//! The API over WebSocket: who may enter, lines as messages, and a client that carries calls.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use soketto::handshake::Client as Greeting;
use soketto::handshake::ServerResponse;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_util::compat::Compat;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

/// Longer than anything here takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(25);

struct Daemon {
    process: Child,
    /// Kept, as a program ends when nobody reads what it prints.
    _output: BufReader<ChildStdout>,
    address: String,
    token: String,
}

impl Daemon {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_kith-node"))
            .args(["--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0", "--data"])
            .arg(folder)
            .args(["run", "--websocket", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut lines = output.by_ref().lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("ws://")).unwrap();
        let address = line.split("ws://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        let token = std::fs::read_to_string(folder.join("rpc.token")).unwrap();
        Self { process, _output: output, address, token }
    }

    fn enter(&self) -> Page {
        Page::enter(&self.address, &format!("/?access_token={}", self.token)).unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client over WebSocket.
struct Page {
    runtime: Runtime,
    sender: soketto::Sender<Compat<TcpStream>>,
    receiver: soketto::Receiver<Compat<TcpStream>>,
}

impl Page {
    /// Or the status that it was refused with.
    fn enter(address: &str, path: &str) -> Result<Self, u16> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ends = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let mut client = Greeting::new(stream.compat(), address, path);
            match client.handshake().await.unwrap() {
                ServerResponse::Accepted { .. } => Ok(client.into_builder().finish()),
                ServerResponse::Rejected { status_code } => Err(status_code),
                ServerResponse::Redirect { .. } => panic!("it leads elsewhere"),
            }
        });
        ends.map(|(sender, receiver)| Self { runtime, sender, receiver })
    }

    fn say(&mut self, text: &str) {
        assert!(self.may_say(text));
    }

    /// Whether the node took it.
    fn may_say(&mut self, text: &str) -> bool {
        self.runtime.block_on(async {
            self.sender.send_text(text).await.is_ok() && self.sender.flush().await.is_ok()
        })
    }

    /// The next message; nothing when the node has closed its side.
    fn hear(&mut self) -> Option<Value> {
        self.runtime.block_on(async {
            let mut message = Vec::new();
            let heard = tokio::time::timeout(PATIENCE, self.receiver.receive_data(&mut message)).await;
            heard.expect("an answer").ok()?;
            assert!(!message.contains(&b'\n'), "one message is one line");
            serde_json::from_slice(&message).ok()
        })
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.say(&json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": params }).to_string());
        std::iter::from_fn(|| self.hear()).find(|line| line["id"] == method).unwrap()
    }
}

/// The stable word of an error.
fn code(answer: &Value) -> &str {
    answer["error"]["data"]["code"].as_str().unwrap_or("no error")
}

#[test]
fn whoever_knows_the_word_in_the_folder_has_the_whole_api_and_nobody_else_any_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path());
    let (first, rest) = daemon.token.split_at(1);
    let other = if first == "0" { "1" } else { "0" };
    for path in ["/".to_owned(), "/?access_token=".to_owned(), format!("/?access_token={other}{rest}")] {
        assert_eq!(Page::enter(&daemon.address, &path).err(), Some(401), "{path}");
    }
    let (mut one, mut two) = (daemon.enter(), daemon.enter());
    assert_eq!(one.ask("account.create", json!({ "name": "Ann" }))["error"], Value::Null);
    one.say("{\n  \"jsonrpc\": \"2.0\",\n  \"id\": 7,\n  \"method\": \"account.info\"\n}");
    let info = std::iter::from_fn(|| one.hear()).find(|line| line["id"] == 7).unwrap();
    assert_eq!(info["result"]["name"], "Ann", "a message may have any number of lines");
    assert_eq!(two.ask("account.info", json!({}))["result"]["name"], "Ann");
    // Somebody who says too much at once is not served any more; the others are.
    let long = " ".repeat(2 << 20);
    let request = r#"{"jsonrpc":"2.0","id":9,"method":"account.info"}"#;
    let said = two.may_say(&format!("{request}{long}"));
    let heard: Vec<Value> = std::iter::from_fn(|| two.hear()).collect();
    assert!(heard.iter().all(|line| line["method"] == "event"), "{said}");
    assert_eq!(one.ask("account.info", json!({}))["result"]["name"], "Ann");
}

#[test]
fn the_api_is_not_served_to_other_machines() {
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_kith-node"))
        .args(["--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0", "--data"])
        .arg(folder.path())
        .args(["run", "--websocket", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("this machine alone"));
    assert!(!folder.path().join("rpc.token").exists());
}

#[test]
fn one_client_at_a_time_carries_calls_and_speaks_of_its_own_alone() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path());
    let (mut one, mut two) = (daemon.enter(), daemon.enter());
    assert_eq!(code(&one.ask("media.carry", json!({ "enabled": true }))), "no_account");
    one.ask("account.create", json!({ "name": "Ann" }));
    assert_eq!(code(&one.ask("media.carry", json!({ "enabled": false }))), "not_carried");
    assert_eq!(one.ask("media.carry", json!({ "enabled": true }))["result"]["ok"], true);
    assert_eq!(one.ask("media.carry", json!({ "enabled": true, "screen": true }))["result"]["ok"], true);
    assert_eq!(code(&two.ask("media.carry", json!({ "enabled": true }))), "taken");
    let info = one.ask("account.info", json!({}));
    let leg = json!({
        "call_id": "00000000000000000000000000000000", "device_id": info["result"]["device_id"],
        "epoch": 1, "kind": "offer", "sdp": "v=0",
    });
    assert_eq!(code(&one.ask("media.described", leg)), "not_carried", "there is no such call");
    drop(one);
    // It is free as soon as the node has noticed.
    let freed =
        (0..100_000).any(|_| two.ask("media.carry", json!({ "enabled": true }))["result"]["ok"] == true);
    assert!(freed);
}
