//! Two real programs that are asked why: the trace of a message from writing to reading, the report, and the command line.

use std::process::Command;

use serde_json::Value;
use serde_json::json;

use crate::rig::Node;
use crate::rig::friends;

/// Asks so often at most; nothing tells that an attempt has failed.
const MAX_ASKED: u32 = 200_000;

fn trace(node: &mut Node, message: &Value) -> Value {
    node.call("messages.trace", json!({ "message_id": message["message_id"] }))["devices"][0].clone()
}

fn has(list: &Value, fields: &[(&str, &str)]) -> bool {
    let list = list.as_array().unwrap();
    list.iter().any(|entry| fields.iter().all(|(name, word)| entry[name] == json!(word)))
}

#[test]
fn the_way_of_a_message_is_told_from_writing_to_reading() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ann, mut bob) =
        (Node::start(&folder.path().join("ann")), Node::start(&folder.path().join("bob")));
    let chat = friends(&mut ann, &mut bob);
    let sent = bob.call("messages.send", json!({ "chat_id": chat, "text": "are you there?" }));
    let came = ann.wait(|event| event["type"] == "message.received");
    bob.wait(|event| event["type"] == "message.state" && event["state"] == "delivered");
    let told = trace(&mut bob, &sent);
    assert!(has(&told["attempts"], &[("way", "direct"), ("end", "sent")]), "{told}");
    assert!(told["delivered_at"].is_string() && told["read_at"].is_null(), "{told}");
    assert_eq!((&told["connected"], &told["next"]), (&json!("direct"), &json!([])));
    ann.call("messages.mark_read", json!({ "chat_id": chat, "message_id": came["message_id"] }));
    bob.wait(|event| event["type"] == "message.state" && event["state"] == "read");
    assert!(trace(&mut bob, &sent)["read_at"].is_string());

    ann.kill();
    let sent = bob.call("messages.send", json!({ "chat_id": chat, "text": "and now?" }));
    let mut told = Value::Null;
    for _ in 0..MAX_ASKED {
        told = trace(&mut bob, &sent);
        if has(&told["attempts"], &[("way", "dial"), ("end", "not_reached")]) {
            break;
        }
    }
    assert!(has(&told["attempts"], &[("way", "dial"), ("end", "not_reached")]), "{told}");
    assert!(told["connected"].is_null() && told["delivered_at"].is_null(), "{told}");
    assert_eq!(told["next"][0]["way"], "dial", "{told}");
    let words: Vec<&str> = told["words"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(words.iter().any(|sentence| sentence.starts_with("Looking for their device")), "{words:?}");
    assert!(words.iter().any(|sentence| sentence.starts_with("Their device is")), "{words:?}");
    bob.stop();
}

#[test]
fn a_report_that_is_passed_on_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (ann_folder, bob_folder) = (folder.path().join("ann"), folder.path().join("bob"));
    let (mut ann, mut bob) = (Node::start(&ann_folder), Node::start(&bob_folder));
    let chat = friends(&mut ann, &mut bob);
    ann.call("messages.send", json!({ "chat_id": chat, "text": "the magpie sings at noon" }));
    bob.wait(|event| event["type"] == "message.received");
    let text = ann.call("network.report", json!({}))["report"].as_str().unwrap().to_owned();
    let (info, network) = (ann.call("account.info", json!({})), ann.call("network.info", json!({})));
    let contact = ann.call("contacts.list", json!({}))["contacts"][0].clone();
    let ids = [&info["account_id"], &info["device_id"], &contact["contact_id"], &chat, &network["peer_id"]];
    let mut secrets: Vec<String> = ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    for address in network["listen"].as_array().unwrap() {
        secrets.extend(address.as_str().unwrap().split('/').filter(|part| part.len() > 4).map(str::to_owned));
    }
    let more = ["Annabella", "Robertino", "magpie", "it is me", "kith1", "12D3", "127.0.0.1", "/tcp/"];
    secrets.extend(more.map(str::to_owned));
    assert!(secrets.len() > 14, "ports and addresses are among them: {secrets:?}");
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} is in\n{text}");
    }
    assert!(text.contains("IPv4 loopback, TCP"), "{text}");
    ann.stop();
    bob.stop();

    let file = folder.path().join("report.txt");
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith-node"));
        command
            .args(["--no-mdns", "--no-upnp", "--listen", "/ip4/127.0.0.1/tcp/0", "--data"])
            .arg(&ann_folder);
        command.args(["doctor", "--report"]).arg(&file).output().unwrap()
    };
    assert!(run().status.success());
    assert!(std::fs::read_to_string(&file).unwrap().contains("It names nobody."));
    assert!(!run().status.success(), "nothing is written over");
}
