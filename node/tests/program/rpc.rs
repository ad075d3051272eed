//! Two nodes, messages in both directions, kill -9, wrong input.

use std::process::Command;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::rig::Node;
use crate::rig::friends;
use crate::rig::texts;

#[test]
fn two_nodes_talk_in_both_directions_and_each_message_arrives_once_and_in_order() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut ann, mut bob) = (Node::start(one.path()), Node::start(two.path()));
    let chat = friends(&mut ann, &mut bob);
    for number in 0..200 {
        ann.call("messages.send", json!({ "chat_id": chat, "text": format!("ann {number}") }));
        bob.call("messages.send", json!({ "chat_id": chat, "text": format!("bob {number}") }));
    }
    let last = bob.wait(|event| event["type"] == "message.received" && event["text"] == "ann 199");
    ann.wait(|event| event["type"] == "message.received" && event["text"] == "bob 199");
    assert_eq!(
        texts(&mut bob, &chat, false),
        (0..200).map(|number| format!("ann {number}")).collect::<Vec<_>>()
    );
    assert_eq!(
        texts(&mut ann, &chat, false),
        (0..200).map(|number| format!("bob {number}")).collect::<Vec<_>>()
    );
    bob.call("messages.mark_read", json!({ "chat_id": chat, "message_id": last["message_id"] }));
    ann.wait(|event| {
        event["type"] == "message.state"
            && event["state"] == "read"
            && event["message_id"] == last["message_id"]
    });
    let numbers = [&mut ann, &mut bob].map(|node| {
        let id = node.call("contacts.list", json!({}))["contacts"][0]["contact_id"].clone();
        node.call("contacts.safety_number", json!({ "contact_id": id }))["digits"].clone()
    });
    assert_eq!(numbers[0], numbers[1], "both compare the same digits");
    ann.stop();
    bob.stop();
}

#[test]
fn after_kill_9_nothing_is_lost_or_there_twice() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut ann, mut bob) = (Node::start(one.path()), Node::start(two.path()));
    let chat = friends(&mut ann, &mut bob);
    for round in 0..6 {
        for number in 0..20 {
            ann.call("messages.send", json!({ "chat_id": chat, "text": format!("{round}/{number}") }));
        }
        if round % 2 == 0 {
            bob.kill();
            bob = Node::start(two.path());
        } else {
            ann.kill();
            ann = Node::start(one.path());
        }
    }
    let wanted: Vec<String> =
        (0..6).flat_map(|round| (0..20).map(move |number| format!("{round}/{number}"))).collect();
    if texts(&mut bob, &chat, false).len() < wanted.len() {
        bob.wait(|event| event["type"] == "message.received" && event["text"] == "5/19");
    }
    assert_eq!(texts(&mut bob, &chat, false), wanted);
    ann.stop();
    bob.stop();
}

#[test]
fn a_folder_shows_nothing_has_one_owner_and_opens_only_with_its_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(folder.path());
    assert_eq!(node.refused("chats.list", json!({})), "no_account");
    let made =
        node.call("account.create", json!({ "name": "Annabella", "passphrase": "correct horse battery" }));
    assert_eq!(made["recovery_phrase"].as_str().unwrap().split(' ').count(), 24);
    let second = Command::new(env!("CARGO_BIN_EXE_kith-node"))
        .arg("--data")
        .arg(folder.path())
        .arg("rpc")
        .output()
        .unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success() && said.contains("in use"), "{said}");
    node.stop();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let Ok(bytes) = std::fs::read(entry.unwrap().path()) else { continue };
        for secret in ["Annabella", made["account_id"].as_str().unwrap()] {
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret.as_bytes()),
                "{secret} can be seen"
            );
        }
    }
    let mut node = Node::start(folder.path());
    assert_eq!(node.refused("chats.list", json!({})), "locked");
    assert_eq!(
        node.refused("account.unlock", json!({ "passphrase": "wrong horse battery" })),
        "wrong_passphrase"
    );
    assert_eq!(
        node.call("account.unlock", json!({ "passphrase": "correct horse battery" }))["name"],
        "Annabella"
    );
    node.stop();
}

#[test]
fn what_is_no_request_gets_its_documented_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(folder.path());
    node.call("account.create", json!({ "name": "Ann" }));
    node.say("this is not JSON");
    assert_eq!(node.wait_error(), -32700);
    node.say(&"x".repeat(3 << 20));
    assert_eq!(node.wait_error(), -32600);
    assert_eq!(node.refused("no.such_method", json!({})), "no_method");
    assert_eq!(node.refused("contacts.add", json!({ "link": "kith:nonsense" })), "bad_params");
    let picture = json!({ "group_id": "00".repeat(32), "avatar_path": "/tmp/picture.png" });
    assert_eq!(node.refused("groups.set_profile", picture), "bad_params", "nothing looks done that is not");
    assert_eq!(node.refused("account.set_profile", json!({})), "bad_params", "nor what changes nothing");
    let call = json!({ "call_id": "00".repeat(16) });
    assert_eq!(node.refused("calls.set_media", call), "bad_params", "of a call neither");
    assert_eq!(node.refused("calls.choose", json!({})), "bad_params", "nor of its devices");
    assert_eq!(node.refused("messages.send", json!({ "chat_id": "00", "text": "x" })), "bad_params");
    assert_eq!(
        node.refused("messages.send", json!({ "chat_id": "00".repeat(16), "text": "x" })),
        "unknown_chat"
    );
    assert_eq!(
        node.refused("network.add_bootstrap", json!({ "address": "/ip4/127.0.0.1/tcp/1" })),
        "bad_address"
    );
    let api = node.call("rpc.discover", json!({}));
    let methods = api["methods"].as_array().unwrap().clone();
    assert!(methods.len() > 25);
    for method in methods {
        let name = method["name"].as_str().unwrap().to_owned();
        if name != "node.shutdown" {
            // Everything that is listed is there: with no parameters it answers or says which one is missing.
            let answer = node.ask(&name, &json!({}));
            assert_ne!(answer["error"]["code"], json!(-32601), "{name}");
        }
    }
    node.call("node.shutdown", json!({}));
    assert!(node.process.wait().unwrap().success());
}

/// Something for a parameter that is read as far as can be without anything being there.
fn sample(param: &Value, own: &str) -> Value {
    let name = param["name"].as_str().unwrap();
    match param["schema"]["type"].as_str().unwrap() {
        "boolean" => json!(true),
        "integer" => json!(3),
        "array" => json!([]),
        "object" => json!({ "post": "admin" }),
        _ => match name {
            "contact_id" => json!(own),
            "group_id" | "device_id" => json!("00".repeat(32)),
            "role" => json!("member"),
            _ if name.ends_with("_id") || name == "before" || name == "reply_to" => json!("00".repeat(16)),
            _ => json!("something"),
        },
    }
}

#[test]
fn every_method_takes_what_its_table_tells_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(folder.path());
    let own =
        node.call("account.create", json!({ "name": "Ann" }))["account_id"].as_str().unwrap().to_owned();
    let methods = node.call("rpc.discover", json!({}))["methods"].as_array().unwrap().clone();
    assert!(methods.iter().any(|method| method["name"] == "calls.set_media"));
    for method in methods.iter().filter(|method| method["name"] != "node.shutdown") {
        let name = method["name"].as_str().unwrap();
        let told = method["params"].as_array().unwrap();
        let all: Map<String, Value> = told
            .iter()
            .map(|param| (param["name"].as_str().unwrap().to_owned(), sample(param, &own)))
            .collect();
        // Whatever becomes of it. A method that reads what its table lacks ends the program here.
        let answer = node.ask(name, &Value::Object(all.clone()));
        let said = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(!said.contains("has no parameter"), "{name}: {said}");
        let mut more = all;
        more.insert("camrea".to_owned(), json!(true));
        let answer = node.ask(name, &Value::Object(more));
        let error = &answer["error"];
        assert_eq!(error["data"]["code"], "bad_params", "{name} takes what it does not know: {answer}");
        assert!(error["message"].as_str().unwrap().contains("camrea"), "{name} says which");
    }
    node.stop();
}

#[test]
fn the_doctor_says_what_to_do_and_a_message_can_be_traced() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ann, mut bob) =
        (Node::start(&folder.path().join("ann")), Node::start(&folder.path().join("bob")));
    let chat = friends(&mut ann, &mut bob);
    let report = ann.call("network.doctor", json!({}));
    let findings = report["findings"].as_array().unwrap();
    let community = findings.iter().find(|finding| finding["about"] == "community nodes").unwrap();
    assert_eq!((&report["well"], &community["good"]), (&json!(false), &json!(false)));
    assert!(community["action"].as_str().unwrap().contains("paste the line"));
    assert!(!report.to_string().contains("kith1"), "a report names nobody");
    bob.kill();
    let sent = ann.call("messages.send", json!({ "chat_id": chat, "text": "are you there?" }));
    let traced = ann.call("messages.trace", json!({ "message_id": sent["message_id"] }));
    assert_eq!(traced["devices"].as_array().unwrap().len(), 1);
    assert!(!traced["summary"].as_str().unwrap().is_empty());
    let unknown = json!({ "message_id": "00000000000000000000000000000000" });
    assert_eq!(ann.refused("messages.trace", unknown), "unknown_message");
    ann.stop();
}

#[test]
fn the_phrase_brings_the_account_back_in_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Node::start(&folder.path().join("first"));
    let made = first.call("account.create", json!({ "name": "Ann" }));
    first.stop();
    let mut second = Node::start(&folder.path().join("second"));
    let wrong = json!({ "name": "Ann", "phrase": "abandon ability able" });
    assert_eq!(second.refused("account.create", wrong), "bad_phrase");
    let back = second.call("account.create", json!({ "name": "Ann", "phrase": made["recovery_phrase"] }));
    assert_eq!(back["account_id"], made["account_id"]);
    assert_ne!(back["device_id"], made["device_id"]);
    second.stop();
}
