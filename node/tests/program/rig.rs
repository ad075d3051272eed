//! The real programs over pipes, and what they say to each other.

use std::collections::VecDeque;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

/// Longer than anything here takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(25);

pub(crate) struct Node {
    pub(crate) process: Child,
    input: ChildStdin,
    lines: Receiver<Value>,
    events: VecDeque<Value>,
    next: u64,
}

impl Node {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    pub(crate) fn start_with(folder: &Path, options: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_kith-node"))
            .args(["--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0", "--data"])
            .arg(folder)
            .args(options)
            .arg("rpc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (sender, lines) = sync_channel(100_000);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Ok(value) = serde_json::from_str(&line)
                    && sender.send(value).is_err()
                {
                    break;
                }
            }
        });
        Self { process, input, lines, events: VecDeque::new(), next: 1 }
    }

    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string());
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no answer to {method}"));
            if line["id"] == json!(id) {
                return line;
            }
            self.events.push_back(line["params"].clone());
        }
    }

    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, &params);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    pub(crate) fn refused(&mut self, method: &str, params: Value) -> String {
        let answer = self.ask(method, &params);
        assert!(
            answer["error"]["message"].as_str().is_some_and(|text| text.len() > 10),
            "{method}: {answer}"
        );
        answer["error"]["data"]["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = match self.events.pop_front() {
                Some(event) => event,
                None => self.lines.recv_timeout(PATIENCE).unwrap()["params"].clone(),
            };
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Asks again after each event until the answer is as wanted.
    pub(crate) fn until(&mut self, what: &str, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until_with(what, method, &json!({}), wanted)
    }

    /// The same with parameters.
    pub(crate) fn until_with(
        &mut self,
        what: &str,
        method: &str,
        params: &Value,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        loop {
            let answer = self.call(method, params.clone());
            if wanted(&answer) {
                return answer;
            }
            if self.events.pop_front().is_none() {
                let line = self.lines.recv_timeout(PATIENCE);
                line.unwrap_or_else(|_| panic!("in vain: {what}; last {answer}"));
            }
        }
    }

    pub(crate) fn wait_error(&mut self) -> i64 {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            if line["id"].is_null() && line["error"].is_object() {
                return line["error"]["code"].as_i64().unwrap();
            }
        }
    }

    pub(crate) fn stop(mut self) {
        drop(self.input);
        assert!(self.process.wait().unwrap().success());
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Everybody has an account, and those named in pairs know each other.
pub(crate) struct Village {
    folder: tempfile::TempDir,
}

impl Village {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn start(&self, name: &str) -> Node {
        Node::start(&self.folder.path().join(name))
    }

    /// Somebody with an account.
    pub(crate) fn person(&self, name: &str) -> Node {
        self.person_with(name, &[])
    }

    /// The same with more options.
    pub(crate) fn person_with(&self, name: &str, options: &[&str]) -> Node {
        let mut node = Node::start_with(&self.folder.path().join(name), options);
        node.call("account.create", json!({ "name": name }));
        node.until("listens", "network.info", |info| info["listen"][0].is_string());
        node
    }
}

/// Two who have accounts become contacts. Returns their chat.
pub(crate) fn meet(one: &mut Node, other: &mut Node) -> Value {
    let link = one.call("contacts.invite", json!({}))["link"].clone();
    let added = other.call("contacts.add", json!({ "link": link }));
    let asked = one.wait(|event| event["type"] == "contact.request");
    one.call("contacts.accept", json!({ "contact_id": asked["contact_id"] }));
    let contact = &added["contact_id"];
    other.wait(|event| {
        event["type"] == "contact.state" && event["state"] == "accepted" && event["contact_id"] == *contact
    });
    added["chat_id"].clone()
}

/// Two friends, and their chat.
pub(crate) fn friends(ann: &mut Node, bob: &mut Node) -> Value {
    ann.call("account.create", json!({ "name": "Annabella" }));
    bob.call("account.create", json!({ "name": "Robertino" }));
    ann.wait(|event| event["type"] == "network.changed" && event["listen"][0].is_string());
    let link = ann.call("contacts.invite", json!({}))["link"].clone();
    let added = bob.call("contacts.add", json!({ "link": link, "message": "it is me" }));
    assert_eq!(added["state"], "requested");
    let asked = ann.wait(|event| event["type"] == "contact.request");
    assert_eq!((asked["name"].as_str(), asked["greeting"].as_str()), (Some("Robertino"), Some("it is me")));
    ann.call("contacts.accept", json!({ "contact_id": asked["contact_id"] }));
    bob.wait(|event| {
        event["type"] == "contact.state" && event["state"] == "accepted" && event["name"] == "Annabella"
    });
    added["chat_id"].clone()
}

pub(crate) fn texts(node: &mut Node, chat: &Value, outgoing: bool) -> Vec<String> {
    let page = node.call("messages.list", json!({ "chat_id": chat, "limit": 1000 }));
    let messages = page["messages"].as_array().unwrap().clone();
    let of = messages.iter().filter(|message| message["outgoing"] == json!(outgoing));
    of.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}
