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

use crate::rig::Node;

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
            .args(["--calls-on-loopback", "run", "--websocket", "127.0.0.1:0"])
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
    /// What came while something else was waited for.
    events: Vec<Value>,
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
        ends.map(|(sender, receiver)| Self { runtime, sender, receiver, events: Vec::new() })
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

    /// The next event of a type.
    fn until(&mut self, kind: &str) -> Value {
        let wanted = |line: &Value| line["params"]["type"] == kind;
        if let Some(at) = self.events.iter().position(wanted) {
            return self.events.remove(at)["params"].take();
        }
        std::iter::from_fn(|| self.hear()).find(wanted).unwrap()["params"].take()
    }

    /// The next order of a kind.
    fn order(&mut self, kind: &str) -> Value {
        std::iter::repeat_with(|| self.until("media.order")).find(|order| order["order"] == kind).unwrap()
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.say(&json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": params }).to_string());
        loop {
            let line = self.hear().unwrap();
            if line["id"] == method {
                return line;
            }
            self.events.push(line);
        }
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

/// Sends the beginning of a message in parts, without an end, until the node hangs up. Returns how many bytes it took.
fn flood(address: &str, token: &str) -> u64 {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "GET /?access_token={token} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    // RFC 6455, 5.2: text and then more of it, never final, 32 KiB each, with a mask of zeros.
    let mut frame = vec![0x01, 0x80 | 126, 0x80, 0, 0, 0, 0, 0];
    frame.resize(frame.len() + 0x8000, b' ');
    let mut sent = 0;
    while stream.write_all(&frame).is_ok() && sent < 64 << 20 {
        sent += 0x8000;
        frame[0] = 0;
    }
    sent
}

#[test]
fn a_message_without_an_end_is_not_listened_to_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path());
    let sent = flood(&daemon.address, &daemon.token);
    assert!(sent < 32 << 20, "{sent} bytes were taken");
}

#[test]
fn the_client_who_came_last_carries_calls_and_speaks_of_its_own_alone() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path());
    let (mut one, mut two) = (daemon.enter(), daemon.enter());
    assert_eq!(code(&one.ask("media.carry", json!({ "enabled": true }))), "no_account");
    one.ask("account.create", json!({ "name": "Ann" }));
    assert_eq!(code(&one.ask("media.carry", json!({ "enabled": false }))), "not_carried");
    assert_eq!(one.ask("media.carry", json!({ "enabled": true }))["result"]["ok"], true);
    assert_eq!(two.ask("media.carry", json!({ "enabled": true, "screen": true }))["result"]["ok"], true);
    let told = one.until("media.order");
    assert_eq!(told["order"], "relieved");
    assert_eq!(code(&one.ask("media.carry", json!({ "enabled": false }))), "not_carried");
    let info = two.ask("account.info", json!({}));
    let leg = json!({
        "call_id": "00000000000000000000000000000000", "device_id": info["result"]["device_id"],
        "epoch": 1, "kind": "offer", "sdp": "v=0",
    });
    assert_eq!(code(&two.ask("media.described", leg)), "not_carried", "there is no such call");
}

#[test]
fn a_client_is_told_what_to_do_and_what_it_says_ends_a_call() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let daemon = Daemon::start(folder.path());
    let mut page = daemon.enter();
    page.ask("account.create", json!({ "name": "Bob" }));
    page.ask("calls.hide_address", json!({ "from": "nobody" }));
    page.ask("media.carry", json!({ "enabled": true }));
    let mut ann = Node::start_with(other.path(), &["--calls-on-loopback"]);
    ann.call("account.create", json!({ "name": "Ann" }));
    ann.call("calls.hide_address", json!({ "from": "nobody" }));
    ann.call("calls.choose", json!({ "microphone": "silence", "speaker": "none" }));
    let listens = |line: &Value| line["result"]["listen"].as_array().is_some_and(|all| !all.is_empty());
    while !listens(&page.ask("network.info", json!({}))) {
        page.hear();
    }
    let link = page.ask("contacts.invite", json!({}))["result"]["link"].clone();
    let chat = ann.call("contacts.add", json!({ "link": link }))["chat_id"].clone();
    let request = page.until("contact.request");
    page.ask("contacts.accept", json!({ "contact_id": request["contact_id"] }));
    let talks =
        |list: &Value| list["contacts"][0]["state"] == "accepted" && list["contacts"][0]["online"] == true;
    ann.until("they are connected", "contacts.list", talks);

    let call = ann.call("calls.start", json!({ "chat_id": chat }))["call_id"].clone();
    page.until("call.incoming");
    page.ask("calls.accept", json!({ "call_id": call, "video": true }));
    let open = page.until("media.order");
    assert_eq!((&open["order"], &open["offers"], &open["call_id"]), (&json!("open"), &json!(false), &call));
    assert_eq!(open["send"], json!({ "microphone": true, "camera": true, "screen": false, "hold": false }));
    let describe = page.until("media.order");
    assert_eq!((&describe["order"], &describe["kind"]), (&json!("describe"), &json!("offer")));
    let sdp = describe["sdp"].as_str().unwrap();
    assert!(sdp.starts_with("v=0") && !sdp.contains("candidate"), "{sdp}");
    let mut say =
        json!({ "call_id": call, "device_id": open["device_id"], "epoch": 77, "state": "connected" });
    assert_eq!(code(&page.ask("media.path", say.clone())), "stale", "it is no connection of now");
    say["epoch"] = open["epoch"].clone();
    assert_eq!(page.ask("media.path", say)["result"]["ok"], true);
    page.ask("calls.set_media", json!({ "call_id": call, "hold": true }));
    let send = page.order("send");
    assert_eq!(send["send"], json!({ "microphone": false, "camera": false, "screen": false, "hold": true }));
    let failed = json!({ "call_id": call, "device_id": open["device_id"], "epoch": open["epoch"], "why": "no_agreement" });
    assert_eq!(page.ask("media.failed", failed)["result"]["ok"], true);
    page.order("close");
    let ended = ann.wait(|event| event["type"] == "call.state" && event["state"] == "ended");
    assert_eq!(ended["call_id"], call);
    ann.stop();
}
