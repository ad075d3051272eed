//! People who keep each other's mail, without any community node: real programs that are never there at once.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::rig::Node;
use crate::rig::Village;
use crate::rig::friends;
use crate::rig::meet;
use crate::rig::texts;

/// Somebody who keeps mail for contacts.
fn helper(village: &Village, name: &str) -> Node {
    let mut node = village.person(name);
    let help = node.call("mailboxes.help", json!({ "enabled": true, "bytes": 64 << 20 }));
    assert_eq!((&help["enabled"], &help["who"]), (&json!(true), &json!("contacts")));
    node
}

fn accepted(list: &Value) -> usize {
    list["mailboxes"].as_array().unwrap().iter().filter(|own| own["accepted"] == json!(true)).count()
}

fn has_mailboxes(node: &mut Node, count: usize) {
    node.until("mailboxes", "mailboxes.list", |list| accepted(list) == count);
}

/// The writer knows in how many mailboxes something can be left for its only friend with any.
fn knows_mailboxes(node: &mut Node, chat: &Value, count: usize) {
    node.until("the friend's mailboxes", "contacts.list", |list| {
        let contacts = list["contacts"].as_array().unwrap();
        contacts.iter().any(|contact| contact["chat_id"] == *chat && contact["mailboxes"] == json!(count))
    });
}

fn write(node: &mut Node, chat: &Value, texts: &[String]) -> Value {
    let mut last = Value::Null;
    for text in texts {
        last = node.call("messages.send", json!({ "chat_id": chat, "text": text }));
    }
    last
}

fn numbered(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("message {number}")).collect()
}

/// Asks for the trace of a message until so many mailboxes have promised to keep it.
fn is_kept(node: &mut Node, message: &Value, by: usize) -> Value {
    let id = json!({ "message_id": message["message_id"] });
    loop {
        let trace = node.call("messages.trace", id.clone());
        let kept = trace["devices"][0]["mailboxes"].as_array().unwrap().clone();
        if kept.iter().filter(|mailbox| mailbox["kept"] == json!(true)).count() >= by {
            return trace;
        }
        node.wait(|_| true);
    }
}

fn shows(folder: &Path, secret: &str) -> bool {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = false;
    for path in entries {
        found |= match path.is_dir() {
            true => shows(&path, secret),
            false => {
                let bytes = std::fs::read(&path).unwrap();
                bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
            }
        };
    }
    found
}

#[test]
fn what_is_left_with_three_friends_is_there_once_when_the_writer_is_gone() {
    let village = Village::new();
    let (mut ann, mut bob) = (village.start("ann"), village.start("bob"));
    let chat = friends(&mut ann, &mut bob);
    let mut helpers = ["Carla", "Dave", "Erin"].map(|name| helper(&village, name));
    for kind in &mut helpers {
        meet(kind, &mut bob);
    }
    has_mailboxes(&mut bob, 3);
    knows_mailboxes(&mut ann, &chat, 3);
    let doctor = bob.call("network.doctor", json!({}));
    let clock = &doctor["measured"]["clock"];
    assert!(clock["sources"].as_u64().unwrap() >= 2, "friends and mailboxes told their time: {clock}");
    let seconds = clock["ahead_at_least_secs"].as_i64().unwrap();
    assert!(
        seconds.abs() < 60 && (0..=120).contains(&(clock["ahead_at_most_secs"].as_i64().unwrap() - seconds)),
        "one machine, one time: {clock}"
    );
    bob.stop();
    // Ann knows none of the three: Bob gave her the keys to his queues.
    let said = numbered(0..20);
    let last = write(&mut ann, &chat, &said);
    let trace = is_kept(&mut ann, &last, 3);
    let of = |name: &str, key: &str, word: &str| {
        let list = trace["devices"][0][name].as_array().unwrap().iter();
        list.filter(|entry| entry["way"] == "mailbox" && entry[key] == word).count()
    };
    assert_eq!((of("attempts", "end", "kept"), of("next", "why", "renewal")), (3, 3), "{trace}");
    ann.kill();
    let [carla, mut dave, erin] = helpers;
    let kept = dave.call("mailboxes.helping", json!({}));
    assert!(kept["envelopes"].as_u64().unwrap() >= 20, "{kept}");
    assert!(!shows(village.path(), "Carla"), "nothing can be read in the folders");
    // Two die, one without a word, and the third is killed and comes back: it has what it signed for.
    carla.stop();
    erin.kill();
    dave.kill();
    let dave = village.start("Dave");
    let mut bob = village.start("bob");
    bob.wait(|event| event["type"] == "message.received" && event["text"] == "message 19");
    assert_eq!(texts(&mut bob, &chat, false), said);
    dave.stop();
    bob.stop();
}

#[test]
fn whoever_stops_helping_is_told_what_is_kept_takes_nothing_and_gives_it_out() {
    let village = Village::new();
    let (mut ann, mut bob) = (village.start("ann"), village.start("bob"));
    let chat = friends(&mut ann, &mut bob);
    let mut carla = helper(&village, "Carla");
    let mut dave = helper(&village, "Dave");
    meet(&mut carla, &mut bob);
    meet(&mut dave, &mut bob);
    has_mailboxes(&mut bob, 2);
    knows_mailboxes(&mut ann, &chat, 2);
    bob.stop();
    let before = write(&mut ann, &chat, &numbered(0..5));
    is_kept(&mut ann, &before, 2);

    let off = carla.call("mailboxes.help", json!({ "enabled": false }));
    assert_eq!((&off["enabled"], &off["closing"]), (&json!(false), &json!(true)));
    assert!(off["envelopes"].as_u64().unwrap() >= 5 && off["until"].is_string(), "{off}");
    let after = write(&mut ann, &chat, &numbered(5..10));
    let trace = is_kept(&mut ann, &after, 1);
    let kept: Vec<&Value> = trace["devices"][0]["mailboxes"].as_array().unwrap().iter().collect();
    assert_eq!(kept.iter().filter(|mailbox| mailbox["kept"] == json!(true)).count(), 1, "{trace}");
    // A restart does not change its mind, and what is there is there.
    carla.kill();
    let mut carla = village.start("Carla");
    assert_eq!(carla.call("mailboxes.helping", json!({}))["envelopes"], off["envelopes"]);
    assert!(village.path().join("Carla/mailbox").exists());

    ann.stop();
    let mut bob = village.start("bob");
    bob.wait(|event| event["type"] == "message.received" && event["text"] == "message 9");
    assert_eq!(texts(&mut bob, &chat, false), numbered(0..10));
    carla.until("it is empty", "mailboxes.helping", |view| view["closing"] == json!(false));
    assert!(!village.path().join("Carla/mailbox").exists(), "nothing of it stays");
    has_mailboxes(&mut bob, 1);
    for node in [bob, carla, dave] {
        node.stop();
    }
}

#[test]
fn a_mailbox_that_cannot_be_opened_is_opened_again_by_itself() {
    let village = Village::new();
    let carla = helper(&village, "Carla");
    carla.stop();
    let (folder, aside) = (village.path().join("Carla/mailbox"), village.path().join("aside"));
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    let mut carla = village.start("Carla");
    let view = carla.until("why", "mailboxes.helping", |view| view["problem"].is_string());
    assert_eq!(view["enabled"], json!(true), "{view}");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    carla.until("it is open", "mailboxes.helping", |view| view["problem"].is_null());
    let mut dave = village.person("Dave");
    meet(&mut carla, &mut dave);
    has_mailboxes(&mut dave, 1);
    carla.stop();
    dave.stop();
}

#[test]
fn strangers_have_no_inbox_unless_the_owner_lets_anybody_in() {
    let village = Village::new();
    let (mut carla, mut eve) = (helper(&village, "Carla"), village.person("Eve"));
    let address = carla.call("mailboxes.helping", json!({}))["addresses"][0].clone();
    eve.call("mailboxes.add", json!({ "address": address }));
    let list =
        eve.until("she is refused", "mailboxes.list", |list| list["mailboxes"][0]["refused"] == json!(true));
    assert_eq!((accepted(&list), &list["mailboxes"][0]["chosen"]), (0, &json!(true)));
    assert_eq!(carla.call("mailboxes.helping", json!({}))["inboxes"], json!(0));

    carla.call("mailboxes.help", json!({ "enabled": true, "who": "anybody" }));
    eve.call("mailboxes.remove", json!({ "address": address }));
    eve.until("it is gone", "mailboxes.list", |list| list["mailboxes"] == json!([]));
    eve.call("mailboxes.add", json!({ "address": address }));
    has_mailboxes(&mut eve, 1);
    carla.stop();
    eve.stop();
}

#[test]
fn the_owner_s_word_about_a_mailbox_stands_over_restarts() {
    let village = Village::new();
    let (mut carla, mut bob) = (helper(&village, "Carla"), village.person("Bob"));
    let own = bob.call("network.info", json!({}))["listen"][0].clone();
    assert_eq!(bob.refused("mailboxes.add", json!({ "address": own })), "own_mailbox");
    meet(&mut carla, &mut bob);
    let list = bob.until("found by itself", "mailboxes.list", |list| accepted(list) == 1);
    let found = &list["mailboxes"][0];
    assert_eq!(found["chosen"], json!(false));
    assert!(found["quota_left"].is_u64() && found["since"].is_string(), "{found}");
    bob.call("mailboxes.remove", json!({ "device_id": found["device_id"] }));
    bob.stop();
    let mut bob = village.start("Bob");
    bob.until("they are connected", "network.info", |info| info["contacts_online"] == json!(1));
    assert_eq!(bob.call("mailboxes.list", json!({}))["mailboxes"], json!([]), "not again by itself");
    assert_eq!(
        bob.refused("mailboxes.remove", json!({ "device_id": found["device_id"] })),
        "unknown_mailbox"
    );
    bob.call("mailboxes.add", json!({ "address": found["address"] }));
    has_mailboxes(&mut bob, 1);
    assert_eq!(bob.call("mailboxes.list", json!({}))["mailboxes"][0]["chosen"], json!(true));
    assert_eq!(carla.refused("mailboxes.help", json!({ "enabled": true, "bytes": 1 })), "bad_size");
    assert!(
        !carla.call("mailboxes.helping", json!({}))["since"].is_null(),
        "what was refused changes nothing"
    );
    carla.stop();
    bob.stop();
}
