//! Strangers who know an address and nothing else: real programs, and a community node that is DHT and mailbox.

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use crate::rig::Node;
use crate::rig::texts;

/// A community node.
struct Community {
    process: Child,
    address: String,
}

impl Drop for Community {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Community {
    fn start(folder: &Path) -> Self {
        // It is another package's; whoever tests the workspace has it beside this one's.
        let program = Path::new(env!("CARGO_BIN_EXE_kith-node")).with_file_name("kith-bootstrap");
        let mut process = Command::new(program)
            .arg("--data")
            .arg(folder)
            .args(["--listen", "/ip4/127.0.0.1/tcp/0", "--http", "off"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("kith-bootstrap is built: cargo build -p kith-bootstrap");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        Self { process, address: line.strip_prefix("address: ").unwrap().to_owned() }
    }

    /// Somebody with an account whose mail is kept here.
    fn person(&self, folder: &Path, name: &str) -> (Node, String) {
        let mut node = Node::start(&folder.join(name));
        let made = node.call("account.create", json!({ "name": name }));
        node.call("network.add_bootstrap", json!({ "address": self.address }));
        node.until("a mailbox", "network.info", |info| info["mailboxes"][0]["accepted"] == json!(true));
        (node, made["account_id"].as_str().unwrap().to_owned())
    }
}

fn contact(node: &mut Node, id: &Value) -> Value {
    let list = node.call("contacts.list", json!({}));
    let contacts = list["contacts"].as_array().unwrap();
    contacts.iter().find(|contact| contact["contact_id"] == *id).cloned().unwrap_or_default()
}

fn is_found(node: &mut Node, id: &Value) {
    node.until("they are found", "contacts.list", |list| {
        let contacts = list["contacts"].as_array().unwrap();
        contacts.iter().any(|contact| contact["contact_id"] == *id && contact["mailboxes"] == json!(1))
    });
}

/// Waits until the only thing that waits for delivery is kept by the mailbox.
fn is_stored(node: &mut Node, message: &Value) {
    loop {
        let trace = node.call("messages.trace", json!({ "message_id": message["message_id"] }));
        if trace["devices"][0]["mailboxes"][0]["kept"] == json!(true) {
            return;
        }
        node.wait(|_| true);
    }
}

#[test]
fn an_address_is_enough_to_ask_somebody_who_is_away_and_both_write() {
    let folder = tempfile::tempdir().unwrap();
    let community = Community::start(&folder.path().join("node"));
    let (mut ann, address) = community.person(folder.path(), "Ann");
    // Dave finds her while she is there: her card is in the DHT.
    let (mut dave, _) = community.person(folder.path(), "Dave");
    dave.call("contacts.add", json!({ "link": address, "message": "we met on the train" }));
    let asked = ann.wait(|event| event["type"] == "contact.request");
    assert_eq!((&asked["stranger"], &asked["greeting"]), (&json!(true), &json!("we met on the train")));
    assert_eq!(ann.call("contacts.knocks", json!({}))["waiting"], json!(1));
    ann.call("contacts.remove", json!({ "contact_id": asked["contact_id"] }));
    dave.stop();
    ann.stop();

    let (mut bob, _) = community.person(folder.path(), "Bob");
    let added = bob.call("contacts.add", json!({ "link": format!(" {address} "), "message": "it is me" }));
    assert_eq!((&added["state"], &added["by_address"]), (&json!("requested"), &json!(true)));
    is_found(&mut bob, &added["contact_id"]);
    assert_eq!(bob.refused("contacts.add", json!({ "link": address })), "already_asked");
    // What he writes before she answers goes when she does.
    let chat = added["chat_id"].clone();
    bob.call("messages.send", json!({ "chat_id": chat, "text": "do you remember me?" }));
    while !has_left_something(&mut bob) {}
    bob.stop();

    let mut ann = Node::start(&folder.path().join("Ann"));
    let asked = ann.wait(|event| event["type"] == "contact.request");
    assert_eq!((&asked["name"], &asked["stranger"]), (&json!("Bob"), &json!(true)));
    assert_eq!(ann.call("contacts.list", json!({}))["contacts"].as_array().unwrap().len(), 1, "not Dave");
    let accepted = ann.call("contacts.accept", json!({ "contact_id": asked["contact_id"] }));
    assert_eq!(accepted["stranger"], json!(false));
    let sent = ann.call("messages.send", json!({ "chat_id": chat, "text": "of course" }));
    is_stored(&mut ann, &sent);
    ann.stop();

    let mut bob = Node::start(&folder.path().join("Bob"));
    bob.wait(|event| event["type"] == "message.received" && event["text"] == "of course");
    assert_eq!(contact(&mut bob, &added["contact_id"])["state"], json!("accepted"));
    let mut ann = Node::start(&folder.path().join("Ann"));
    ann.wait(|event| event["type"] == "message.received" && event["text"] == "do you remember me?");
    bob.wait(|event| event["type"] == "message.state" && event["state"] == "delivered");
    assert_eq!(texts(&mut ann, &chat, false), ["do you remember me?"]);
    ann.stop();
    bob.stop();
}

/// Whether a mailbox has taken anything. No event tells it of a request.
fn has_left_something(node: &mut Node) -> bool {
    let report = node.call("network.report", json!({}));
    let mut lines = report["report"].as_str().unwrap().lines();
    let line = lines.find_map(|line| line.trim().strip_prefix("left in mailboxes: ").map(str::to_owned));
    line.unwrap() != "0"
}

#[test]
fn whoever_takes_no_knocks_is_not_asked_and_the_command_line_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let community = Community::start(&folder.path().join("node"));
    let (mut ann, address) = community.person(folder.path(), "Ann");
    assert_eq!(
        ann.call("contacts.knocks", json!({})),
        json!({ "allowed": true, "address": address, "waiting": 0 })
    );
    assert_eq!(ann.refused("contacts.allow_knocks", json!({})), "bad_params");
    ann.call("contacts.allow_knocks", json!({ "allowed": false }));
    assert_eq!(ann.refused("contacts.add", json!({ "link": address })), "own_address");
    ann.stop();
    let mut ann = Node::start(&folder.path().join("Ann"));
    assert_eq!(ann.call("contacts.knocks", json!({}))["allowed"], json!(false), "also after a restart");

    let (mut bob, _) = community.person(folder.path(), "Bob");
    let added = bob.call("contacts.add", json!({ "link": address }));
    bob.until("he is told", "contacts.list", |list| list["contacts"][0]["refused"] == json!(true));
    let missing = json!({ "chat_id": added["chat_id"], "text": "hello?" });
    assert_eq!(bob.refused("messages.send", missing), "not_found_yet");
    bob.stop();
    ann.stop();

    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith-node"));
        command
            .args(["--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0", "--data"])
            .arg(folder.path().join("Bob"));
        let output = command.args(words).stdin(Stdio::null()).output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), said(&output.stdout), said(&output.stderr))
    };
    let (good, list, _) = run(&["contacts"]);
    assert!(good && list.contains("nobody is asked at this address"), "{list}");
    let (good, _, wrong) = run(&["add", &address[..address.len() - 1]]);
    assert!(!good && wrong.contains("mistake in this address"), "{wrong}");
    let (good, _, wrong) = run(&["add", "Ann"]);
    assert!(!good && wrong.contains("kith1"), "{wrong}");
    let (good, shown, _) = run(&["knocks", "off"]);
    assert!(good && shown.contains("only those to whom you give a link"), "{shown}");
    let (good, shown, _) = run(&["knocks", "on"]);
    assert!(good && shown.contains("kith1"), "{shown}");
    let (good, _, wrong) = run(&["knocks", "perhaps"]);
    assert!(!good && wrong.contains("on") && wrong.contains("off"), "{wrong}");
    for task in ["add", "knocks"] {
        let (good, help, _) = run(&[task, "--help"]);
        assert!(good && help.contains("Examples:") && help.contains(&format!("kith-node {task}")), "{help}");
    }
}
