//! Groups of real programs: everybody hears everybody, who is removed is told, two halves that were apart become one, and
//! people come by links.

use std::process::Command;

use serde_json::Value;
use serde_json::json;

use crate::rig::Node;
use crate::rig::Village;
use crate::rig::meet;

/// Who somebody is.
fn address(node: &mut Node) -> Value {
    node.call("account.info", json!({}))["account_id"].clone()
}

/// Names and roles of the members, in the order in which everybody sees them.
fn members(group: &Value) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let list = group["members"].as_array().unwrap();
    list.iter().map(|member| (word(&member["name"]), word(&member["role"]))).collect()
}

fn names(group: &Value) -> Vec<String> {
    let mut names: Vec<String> = members(group).into_iter().map(|(name, _)| name).collect();
    names.sort();
    names
}

/// Waits until the group has these members, by name.
fn has_members(node: &mut Node, group: &Value, wanted: &[&str]) -> Value {
    let what = format!("members {wanted:?}");
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    let found = node.until(&what, "groups.list", |list| {
        let groups = list["groups"].as_array().unwrap();
        groups.iter().any(|one| one["group_id"] == *group && names(one) == wanted)
    });
    let groups = found["groups"].as_array().unwrap();
    groups.iter().find(|one| one["group_id"] == *group).unwrap().clone()
}

fn page(node: &mut Node, chat: &Value) -> Vec<Value> {
    let page = node.call("messages.list", json!({ "chat_id": chat, "limit": 1000 }));
    page["messages"].as_array().unwrap().clone()
}

/// What was written, and by whom, in the order of the chat.
fn said(node: &mut Node, chat: &Value) -> Vec<String> {
    let texts = page(node, chat).into_iter().filter(|message| message["kind"] == "text");
    texts.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// The sentences about what happened.
fn lines(node: &mut Node, chat: &Value) -> Vec<String> {
    let lines = page(node, chat).into_iter().filter(|message| message["kind"] == "system");
    lines.map(|message| message["system"]["text"].as_str().unwrap().to_owned()).collect()
}

/// The names of all messages and lines, in the order of the chat.
fn order(node: &mut Node, chat: &Value) -> Vec<Value> {
    page(node, chat).into_iter().map(|message| message["message_id"].clone()).collect()
}

fn write(node: &mut Node, chat: &Value, text: &str) -> Value {
    node.call("messages.send", json!({ "chat_id": chat, "text": text }))
}

/// Waits until all of these were read in the chat.
fn hears(node: &mut Node, chat: &Value, wanted: &[&str]) {
    let params = json!({ "chat_id": chat, "limit": 1000 });
    let what = format!("to hear {wanted:?}");
    node.until_with(&what, "messages.list", &params, |page| {
        let messages = page["messages"].as_array().unwrap();
        wanted.iter().all(|text| messages.iter().any(|message| message["text"] == json!(text)))
    });
}

/// Waits until a sentence stands in the chat.
fn is_told(node: &mut Node, chat: &Value, wanted: &str) {
    let params = json!({ "chat_id": chat, "limit": 1000 });
    node.until_with(wanted, "messages.list", &params, |page| {
        let messages = page["messages"].as_array().unwrap();
        messages.iter().any(|message| message["system"]["text"] == json!(wanted))
    });
}

/// Ann, who knows Bob and Carol, has a group with both.
fn three(village: &Village) -> ([Node; 3], Value, Value) {
    let mut ann = village.person("Ann");
    let mut bob = village.person("Bob");
    let mut carol = village.person("Carol");
    meet(&mut ann, &mut bob);
    meet(&mut ann, &mut carol);
    let people = [address(&mut bob), address(&mut carol)];
    let made = ann.call(
        "groups.create",
        json!({ "name": "Hiking", "members": people, "policy": { "history": "all" } }),
    );
    let (group, chat) = (made["group_id"].clone(), made["chat_id"].clone());
    for node in [&mut ann, &mut bob, &mut carol] {
        has_members(node, &group, &["Ann", "Bob", "Carol"]);
    }
    ([ann, bob, carol], group, chat)
}

#[test]
fn everybody_hears_everybody_and_who_is_removed_is_told_and_kept_out() {
    let village = Village::new();
    let ([mut ann, mut bob, mut carol], group, chat) = three(&village);
    let own = carol.call("chats.list", json!({}));
    let listed = own["chats"].as_array().unwrap().iter().find(|one| one["chat_id"] == chat).unwrap();
    assert_eq!((&listed["kind"], &listed["name"]), (&json!("group"), &json!("Hiking")));
    assert_eq!((&listed["members"], &listed["role"]), (&json!(3), &json!("member")));
    assert_eq!(listed["group_id"], group);
    is_told(&mut carol, &chat, "you were added by Ann");
    is_told(&mut bob, &chat, "Ann added Carol");

    write(&mut ann, &chat, "from Ann");
    let asked = json!({ "chat_id": chat, "text": "from Bob", "mentions": [address(&mut carol)] });
    bob.call("messages.send", asked);
    write(&mut carol, &chat, "from Carol");
    let all = ["from Ann", "from Bob", "from Carol"];
    for node in [&mut ann, &mut bob, &mut carol] {
        hears(node, &chat, &all);
    }
    let page = page(&mut carol, &chat);
    let heard = page.iter().find(|message| message["text"] == "from Bob").unwrap();
    assert_eq!((&heard["sender_name"], &heard["outgoing"]), (&json!("Bob"), &json!(false)));
    assert_eq!(heard["mentions"], json!([address(&mut carol)]));
    carol.call("messages.mark_read", json!({ "chat_id": chat, "message_id": heard["message_id"] }));
    let asked = json!({ "message_id": heard["message_id"] });
    let by_whom = [json!(["Carol", "read"]), json!(["Ann", "delivered"])];
    bob.until_with("Carol to have read it, and Ann to have it", "messages.receipts", &asked, |told| {
        let told = told["receipts"].as_array().unwrap().iter();
        told.map(|one| json!([one["name"], one["state"]])).eq(by_whom.iter().cloned())
    });
    assert_eq!(ann.call("messages.receipts", asked), json!({ "receipts": [] }), "only the author is told");
    let unknown = json!({ "message_id": "00".repeat(16) });
    assert_eq!(ann.refused("messages.receipts", unknown), "unknown_message");
    let first = order(&mut ann, &chat);
    assert_eq!((order(&mut bob, &chat), order(&mut carol, &chat)), (first.clone(), first));

    // A member adds somebody whom only he knows.
    let mut dave = village.person("Dave");
    meet(&mut bob, &mut dave);
    bob.call("groups.add", json!({ "chat_id": chat, "contact_id": address(&mut dave) }));
    for node in [&mut ann, &mut bob, &mut carol, &mut dave] {
        has_members(node, &group, &["Ann", "Bob", "Carol", "Dave"]);
    }
    write(&mut dave, &chat, "from Dave");
    for node in [&mut ann, &mut bob, &mut carol] {
        hears(node, &chat, &["from Dave"]);
    }

    let removed = address(&mut carol);
    let too_low = json!({ "chat_id": chat, "contact_id": removed });
    assert_eq!(bob.refused("groups.remove", too_low.clone()), "role_too_low");
    ann.call("groups.remove", too_low);
    let told = carol.wait(|event| {
        event["type"] == "group.changed" && event["group_id"] == group && event["state"] == "removed"
    });
    assert_eq!(told["role"], Value::Null);
    assert_eq!(lines(&mut carol, &chat).last().unwrap(), "you were removed by Ann");
    for node in [&mut ann, &mut bob, &mut dave] {
        has_members(node, &group, &["Ann", "Bob", "Dave"]);
    }
    assert_eq!(
        carol.refused("messages.send", json!({ "chat_id": chat, "text": "let me in" })),
        "not_in_group"
    );
    let again = json!({ "chat_id": chat, "members": [removed] });
    assert_eq!(carol.refused("groups.add", again), "not_in_group");
    write(&mut bob, &chat, "without Carol");
    for node in [&mut ann, &mut dave] {
        hears(node, &chat, &["without Carol"]);
    }
    // What Ann tells Carol herself comes after whatever else would have come.
    let direct = ann.call("contacts.list", json!({}));
    let contacts = direct["contacts"].as_array().unwrap();
    let direct = contacts.iter().find(|one| one["contact_id"] == removed).unwrap()["chat_id"].clone();
    write(&mut ann, &direct, "sorry");
    hears(&mut carol, &direct, &["sorry"]);
    assert!(!said(&mut carol, &chat).contains(&"without Carol".to_owned()));
    carol.call("groups.forget", json!({ "group_id": group }));
    assert_eq!(carol.refused("groups.info", json!({ "group_id": group })), "unknown_group");
    for node in [ann, bob, carol, dave] {
        node.stop();
    }
}

#[test]
fn two_halves_that_were_apart_have_the_same_members_roles_and_order_again() {
    let village = Village::new();
    let ([mut ann, mut bob, mut carol], group, chat) = three(&village);
    let (mut dave, mut erin) = (village.person("Dave"), village.person("Erin"));
    meet(&mut ann, &mut dave);
    meet(&mut bob, &mut erin);
    let (bob_id, carol_id) = (address(&mut bob), address(&mut carol));
    let (dave_id, erin_id) = (address(&mut dave), address(&mut erin));
    let admin = json!({ "chat_id": chat, "contact_id": bob_id, "role": "admin" });
    ann.call("groups.set_role", admin);
    ann.call("groups.add", json!({ "chat_id": chat, "members": [dave_id] }));
    for node in [&mut ann, &mut bob, &mut carol, &mut dave] {
        has_members(node, &group, &["Ann", "Bob", "Carol", "Dave"]);
    }
    bob.until_with("to be an admin", "groups.info", &json!({ "chat_id": chat }), |info| {
        info["role"] == "admin"
    });

    // Bob and Erin are cut off without a word. Ann makes Carol a moderator, and Dave is removed.
    bob.kill();
    erin.kill();
    ann.call("groups.set_role", json!({ "chat_id": chat, "contact_id": carol_id, "role": "moderator" }));
    ann.call("groups.remove", json!({ "chat_id": chat, "contact_id": dave_id }));
    has_members(&mut carol, &group, &["Ann", "Bob", "Carol"]);
    write(&mut ann, &chat, "one half, Ann");
    write(&mut carol, &chat, "one half, Carol");
    hears(&mut ann, &chat, &["one half, Carol"]);
    hears(&mut carol, &chat, &["one half, Ann"]);
    ann.kill();
    carol.kill();
    dave.kill();

    // Bob knows nothing of that and adds Erin.
    let (mut bob, mut erin) = (village.start("Bob"), village.start("Erin"));
    bob.call("groups.add", json!({ "chat_id": chat, "members": [erin_id] }));
    bob.call("groups.set_profile", json!({ "chat_id": chat, "topic": "where to go" }));
    has_members(&mut erin, &group, &["Ann", "Bob", "Carol", "Dave", "Erin"]);
    write(&mut bob, &chat, "other half, Bob");
    write(&mut erin, &chat, "other half, Erin");
    hears(&mut bob, &chat, &["other half, Erin"]);
    bob.kill();
    erin.kill();

    let mut all = ["Ann", "Bob", "Carol", "Erin"].map(|name| village.start(name));
    let said_then = ["one half, Ann", "one half, Carol", "other half, Bob", "other half, Erin"];
    for node in &mut all {
        has_members(node, &group, &["Ann", "Bob", "Carol", "Erin"]);
        hears(node, &chat, &said_then);
    }
    let info = json!({ "chat_id": chat });
    let groups = all.each_mut().map(|node| node.call("groups.info", info.clone()));
    let told = |group: &Value| (members(group), group["topic"].clone(), group["policy"].clone());
    let first = told(&groups[0]);
    assert!(first.0.contains(&("Carol".to_owned(), "moderator".to_owned())), "{:?}", first.0);
    assert_eq!(first.1, "where to go");
    for group in &groups {
        assert_eq!(told(group), first);
    }
    let orders = all.each_mut().map(|node| order(node, &chat));
    let texts = all.each_mut().map(|node| [said(node, &chat), lines(node, &chat)].concat());
    for (other, text) in orders.iter().zip(&texts) {
        assert_eq!(*other, orders[0], "{:?} and {text:?}", texts[0]);
    }
    let mut dave = village.start("Dave");
    is_told(&mut dave, &chat, "you were removed by Ann");
    assert_eq!(dave.refused("messages.send", json!({ "chat_id": chat, "text": "hello?" })), "not_in_group");
    dave.stop();
    for node in all {
        node.stop();
    }
}

#[test]
fn people_come_by_links_as_the_links_say() {
    let village = Village::new();
    let (mut ann, mut bob, mut carol) =
        (village.person("Ann"), village.person("Bob"), village.person("Carol"));
    let made = ann.call("groups.create", json!({ "name": "Hiking" }));
    let (group, chat) = (made["group_id"].clone(), made["chat_id"].clone());
    let open = ann.call("groups.invite", json!({ "chat_id": chat, "uses": 1 }));
    let listed = ann.call("groups.info", json!({ "chat_id": chat }))["links"][0].clone();
    assert_eq!((&listed["link_id"], &listed["role"]), (&open["link_id"], &json!("member")));
    assert_eq!((&listed["uses"], &listed["expires_at"]), (&json!(1), &Value::Null));

    let asking = bob.call("groups.join", json!({ "link": open["link"] }));
    assert_eq!((&asking["group_id"], &asking["state"]), (&group, &json!("asking")));
    has_members(&mut bob, &group, &["Ann", "Bob"]);
    is_told(&mut ann, &chat, "Bob came by a link, let in by you");
    write(&mut bob, &chat, "hello from afar");
    hears(&mut ann, &chat, &["hello from afar"]);

    // The link was for one; Carol is not let in by it.
    carol.call("groups.join", json!({ "link": open["link"] }));
    carol.wait(|event| event["type"] == "group.forgotten" && event["group_id"] == group);
    let asked = json!({ "chat_id": chat, "approval": true, "expires_secs": 3600, "role": "observer" });
    let careful = ann.call("groups.invite", asked);
    carol.call("groups.join", json!({ "link": careful["link"] }));
    let waiting = ann.until_with("Carol asks", "groups.info", &json!({ "chat_id": chat }), |info| {
        info["requests"][0]["name"] == "Carol"
    });
    let who = waiting["requests"][0]["contact_id"].clone();
    ann.call("groups.approve", json!({ "chat_id": chat, "contact_id": who }));
    let seen = has_members(&mut carol, &group, &["Ann", "Bob", "Carol"]);
    assert_eq!(seen["role"], "observer");
    assert_eq!(carol.refused("messages.send", json!({ "chat_id": chat, "text": "hi" })), "may_not_post");

    ann.call("groups.revoke_link", json!({ "chat_id": chat, "link_id": careful["link_id"] }));
    let left: Vec<Value> = ann.call("groups.info", json!({ "chat_id": chat }))["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| link["link_id"].clone())
        .collect();
    assert!(!left.contains(&careful["link_id"]), "{left:?}");
    for node in [ann, bob, carol] {
        node.stop();
    }
}

#[test]
fn a_link_is_answered_by_another_member_when_its_maker_is_gone() {
    let village = Village::new();
    let (mut ann, mut bob) = (village.person("Ann"), village.person("Bob"));
    meet(&mut ann, &mut bob);
    let made = ann.call("groups.create", json!({ "name": "Hiking", "members": [address(&mut bob)] }));
    let (group, chat) = (made["group_id"].clone(), made["chat_id"].clone());
    has_members(&mut bob, &group, &["Ann", "Bob"]);
    let link = ann.call("groups.invite", json!({ "chat_id": chat }))["link"].clone();
    let shown = bob.until_with("to have the link", "groups.info", &json!({ "chat_id": chat }), |info| {
        info["links"][0]["link"].is_string()
    });
    assert!(shown["links"][0]["link"].as_str().unwrap().starts_with("kith:g"));
    ann.kill();
    let mut carol = village.person("Carol");
    carol.call("groups.join", json!({ "link": link }));
    has_members(&mut carol, &group, &["Ann", "Bob", "Carol"]);
    is_told(&mut bob, &chat, "Carol came by a link, let in by you");
    write(&mut carol, &chat, "hello");
    hears(&mut bob, &chat, &["hello"]);
    let mut ann = village.start("Ann");
    has_members(&mut ann, &group, &["Ann", "Bob", "Carol"]);
    for node in [ann, bob, carol] {
        node.stop();
    }
}

#[test]
fn a_public_room_is_listed_found_and_kept_in_order() {
    let village = Village::new();
    let (mut ann, mut bob) = (village.person("Ann"), village.person("Bob"));
    let made = ann.call("groups.create", json!({ "name": "Harbour", "public": true, "directory": true }));
    let directory = made["chat_id"].clone();
    assert_eq!((&made["policy"]["public"], &made["policy"]["history"]), (&json!(true), &json!("all")));
    let room =
        ann.call("groups.create", json!({ "name": "Sailing", "public": true, "observers_first": true }));
    ann.call("groups.set_profile", json!({ "chat_id": room["chat_id"], "topic": "boats and wind" }));
    let told =
        json!({ "chat_id": directory, "room_chat_id": room["chat_id"], "language": "en", "tags": ["sea"] });
    ann.call("rooms.publish", told);
    let link = ann.call("groups.invite", json!({ "chat_id": directory }));
    assert_eq!(ann.call("groups.invite", json!({ "chat_id": directory }))["link_id"], link["link_id"]);
    bob.call("groups.join", json!({ "link": link["link"] }));
    has_members(&mut bob, &made["group_id"], &["Ann", "Bob"]);
    let found = bob.until_with("the room", "rooms.list", &json!({ "query": "WIND sea" }), |found| {
        found["rooms"][0]["name"] == "Sailing"
    });
    assert_eq!(found["rooms"][0]["joined"], false);
    assert!(bob.call("rooms.list", json!({ "query": "trains" }))["rooms"].as_array().unwrap().is_empty());
    bob.call("groups.join", json!({ "link": found["rooms"][0]["link"] }));
    let seen = has_members(&mut bob, &room["group_id"], &["Ann", "Bob"]);
    assert_eq!((&seen["role"], &seen["policy"]["public"]), (&json!("observer"), &json!(true)));
    let hi = json!({ "chat_id": room["chat_id"], "text": "hi" });
    assert_eq!(bob.refused("messages.send", hi), "may_not_post");

    // What does not belong there is reported, hidden from who does not want to read it, and deleted.
    let spam = write(&mut ann, &directory, "Buy NOW!");
    hears(&mut bob, &directory, &["Buy NOW!"]);
    bob.call("account.set_filters", json!({ "filters": ["buy now"] }));
    let read = page(&mut bob, &directory).into_iter().find(|message| message["text"] == "Buy NOW!").unwrap();
    assert_eq!(read["filtered"], "buy now");
    let reported = json!({ "chat_id": directory, "message_id": spam["message_id"], "reason": "spam" });
    bob.call("groups.report", reported);
    let info = ann.until_with("the report", "groups.info", &json!({ "chat_id": directory }), |info| {
        info["reports"][0]["reason"] == "spam"
    });
    assert_eq!(
        (&info["reports"][0]["text"], &info["reports"][0]["author"]),
        (&json!("Buy NOW!"), &address(&mut ann))
    );
    ann.call("messages.delete_for_all", json!({ "chat_id": directory, "message_id": spam["message_id"] }));
    ann.call("rooms.unpublish", json!({ "chat_id": directory, "room_chat_id": room["chat_id"] }));
    bob.until("no room", "rooms.list", |found| found["rooms"].as_array().unwrap().is_empty());

    let list = format!("kith blocks v1\n{}\n", address(&mut ann).as_str().unwrap());
    assert_eq!(bob.refused("contacts.import_blocks", json!({ "text": "kith1" })), "bad_params");
    bob.call("contacts.import_blocks", json!({ "text": list }));
    assert_eq!(bob.call("contacts.export_blocks", json!({})), json!({ "text": list, "count": 1 }));
    ann.stop();
    bob.stop();
    let (well, said) = cli(&village, "Bob", &["filters", "list"]);
    assert!(well && said.contains("buy now"), "{said}");
    let (well, said) = cli(&village, "Bob", &["log", "Harbour"]);
    assert!(well && !said.contains("Buy NOW"), "{said}");
    let (well, said) = cli(&village, "Bob", &["rooms", "list", "wind"]);
    assert!(well && said.contains("no rooms"), "{said}");
    let (well, said) = cli(&village, "Bob", &["blocks", "export"]);
    assert!(well && said.starts_with("kith blocks v1"), "{said}");
}

/// Runs a command for people on a folder on which no node runs.
fn cli(village: &Village, name: &str, words: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith-node"));
    command.args(["--no-mdns", "--no-upnp", "--listen", "/ip4/127.0.0.1/tcp/0", "--data"]);
    let ran = command.arg(village.path().join(name)).args(words).output().unwrap();
    let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (ran.status.success(), said.concat())
}

#[test]
fn a_group_is_used_from_the_command_line() {
    let village = Village::new();
    let mut ann = village.person("Ann");
    let made = ann.call("groups.create", json!({ "name": "Hiking" }));
    write(&mut ann, &made["chat_id"], "nobody here yet");
    assert_eq!(ann.refused("groups.info", json!({})), "bad_params");
    assert_eq!(ann.refused("groups.create", json!({ "name": " " })), "empty_name");
    let rules = json!({ "chat_id": made["chat_id"], "policy": { "posts": "admin" } });
    assert_eq!(ann.refused("groups.set_policy", rules), "bad_params");
    ann.stop();

    let (well, said) = cli(&village, "Ann", &["group", "list"]);
    assert!(well && said.contains("Hiking owner, 1 member"), "{said}");
    let (well, said) =
        cli(&village, "Ann", &["group", "policy", "hiking", "--post", "admin", "--history", "9"]);
    assert!(well && said.contains("the last 9 messages"), "{said}");
    let (well, said) = cli(&village, "Ann", &["group", "show", "HIKING"]);
    assert!(well && said.contains("Ann owner, you"), "{said}");
    let (well, said) = cli(&village, "Ann", &["log", "Hiking"]);
    assert!(well && said.contains("you made the group “Hiking”"), "{said}");
    assert!(said.contains("you nobody here yet") && said.contains("you changed the rules"), "{said}");
    let (well, said) = cli(&village, "Ann", &["group", "add", "Hiking", "Bob"]);
    assert!(!well && said.contains("there is nobody “Bob”"), "{said}");
    let (well, said) = cli(&village, "Ann", &["log", "Swimming"]);
    assert!(!well && said.contains("no contact and no group “Swimming”"), "{said}");
    let (well, said) = cli(&village, "Ann", &["group", "leave", "Hiking"]);
    assert!(well, "{said}");
    let (well, said) = cli(&village, "Ann", &["group", "forget", "Hiking", "--yes"]);
    assert!(well && said.contains("forgot Hiking"), "{said}");
}

#[test]
fn in_a_large_group_posts_go_through_a_topic_and_whoever_is_removed_hears_no_more() {
    let village = Village::new();
    // Five are many where two are a small group.
    let names = ["Ann", "Bob", "Carol", "Dave", "Eve"];
    let mut nodes = names.map(|name| village.person_with(name, &["--direct-members", "2"]));
    let [ann, others @ ..] = &mut nodes;
    let mut people = Vec::new();
    for other in others {
        meet(ann, other);
        people.push(address(other));
    }
    let asked = json!({ "name": "Hiking", "members": people, "policy": { "history": "all" } });
    let made = ann.call("groups.create", asked);
    let (group, chat) = (made["group_id"].clone(), made["chat_id"].clone());
    for node in &mut nodes {
        has_members(node, &group, &names);
    }
    let texts = names.map(|name| format!("from {name}"));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for (node, text) in nodes.iter_mut().zip(&texts) {
        write(node, &chat, text);
    }
    for node in &mut nodes {
        hears(node, &chat, &texts);
    }
    let [ann, bob, carol, dave, eve] = &mut nodes;
    ann.call("groups.remove", json!({ "chat_id": chat, "contact_id": address(eve) }));
    is_told(eve, &chat, "you were removed by Ann");
    for node in [&mut *bob, &mut *carol, &mut *dave] {
        has_members(node, &group, &["Ann", "Bob", "Carol", "Dave"]);
    }
    write(dave, &chat, "without Eve");
    for node in [ann, bob, carol] {
        hears(node, &chat, &["without Eve"]);
    }
    assert!(!said(eve, &chat).contains(&"without Eve".to_owned()));
}
