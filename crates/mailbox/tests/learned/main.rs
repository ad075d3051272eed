//! What community nodes learn, as `SPEC.md` says it in section 6: two people who only ever meet by mail, two nodes that
//! note every byte they are asked, answer, store and keep for the DHT, and a search through all of it.
//!
//! What only a connection tells (who connects from where and to whom, and when) is not here; it is what libp2p needs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking what went wrong")]

mod needles;
mod street;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::identity::SignedDeviceList;
use kith_crypto::invite;
use kith_crypto::mailbox;
use kith_crypto::record;
use kith_crypto::secret::Secret32;
use kith_engine::Command;
use kith_proto::address::Multiaddress;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::SIZE_CLASSES;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::owned_queue;
use kith_proto::record::Record;
use kith_proto::record::RecordKind;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows as _;
use kith_proto::time::Span;
use kith_simulations::disk::Disk;
use kith_simulations::oracle::timeline;

use crate::needles::Needles;
use crate::street::Node;
use crate::street::Street;

const ANN: usize = 0;
const BOB: usize = 1;
const NAMES: [&str; 2] = ["Annabella Quetzalcoatl", "Robertino Xylophonist"];
const GREETING: &str = "we met at the lighthouse keepers' ball";
const TEXTS: [&str; 4] = [
    "the brass telescope is under the third stair",
    "then bring the marzipan elephant at midnight",
    "a fortnight later nobody had found the zeppelin",
    "it was in the greenhouse behind the aspidistra",
];

/// Ann makes a link and leaves; Bob uses it and leaves; and so on: they write to each other twice, before and after
/// their inboxes change.
fn by_mail_only() -> Street {
    let mut street = Street::new(&NAMES, 2);
    street.visit(ANN, vec![Command::CreateInvite { uses: None, expires_secs: None }]);
    let invite = street.invites[0].clone();
    street.visit(BOB, vec![Command::AddContact { invite, greeting: GREETING.to_owned() }]);
    street.visit(ANN, Vec::new());
    street.visit(BOB, Vec::new());
    let chat = chat(&street);
    let says = |text: &str| {
        vec![Command::SendMessage { chat, text: text.to_owned(), reply_to: None, expires_secs: None }]
    };
    street.visit(BOB, says(TEXTS[0]));
    street.visit(ANN, says(TEXTS[1]));
    street.visit(BOB, Vec::new());
    street.elapse(Span::from_days(14));
    street.visit(BOB, Vec::new());
    street.visit(ANN, says(TEXTS[2]));
    street.visit(BOB, says(TEXTS[3]));
    street.visit(ANN, Vec::new());
    street
}

fn chat(street: &Street) -> ChatId {
    ChatId::direct(&street.people[ANN].account, &street.people[BOB].account)
}

/// Everything that a node must not see, in every form.
fn secrets(street: &Street) -> Needles {
    let mut needles = Needles::default();
    for (name, person) in NAMES.iter().zip(&street.people) {
        needles.add(&format!("the name {name}"), name.as_bytes());
        needles.add(&format!("the account of {name}"), &person.account.0);
        needles.add_text(&format!("the account of {name}"), person.account.to_string().split_at(5).1);
        needles.add(&format!("the device of {name}"), &person.device.0);
        needles.add_text(&format!("the device of {name}"), person.device.to_string().split_at(12).1);
    }
    for who in [ANN, BOB] {
        needles.add("an address", Street::address(who).as_bytes().split_at(4).1);
        needles
            .add("the secret of somebody's addresses", address_secret(&street.people[who].disk).as_bytes());
    }
    needles.add("the greeting", GREETING.as_bytes());
    TEXTS.iter().for_each(|text| needles.add("a text", text.as_bytes()));
    needles.add("the chat", &chat(street).0);
    needles.add("the invite's secret", &street.invites[0].secret.0);
    needles.add("the invite's id", &street.invites[0].secret.id().0);
    for view in timeline(&street.people[ANN].disk, &chat(street)) {
        needles.add("a message's id", &view.message.0);
    }
    needles
}

/// The rows of a person's disk, one after the other.
fn everything_on(disk: &Disk) -> Vec<u8> {
    let mut all = Vec::new();
    for table in kith_engine::rows::TABLES {
        let mut visit = |key: &[u8], value: &[u8]| {
            all.extend_from_slice(key);
            all.extend_from_slice(value);
            true
        };
        let (from, to) = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
        disk.scan(*table, from, to, Direction::Up, &mut visit).unwrap();
    }
    all
}

/// What leads contacts to where somebody is, from their disk: a version byte, the secret, its number.
fn address_secret(disk: &Disk) -> Secret32 {
    let table = kith_engine::rows::TABLES.iter().find(|table| table.name == "address_secret").unwrap();
    let row = disk.get(*table, b"self").unwrap().unwrap();
    Secret32::new(row[1..33].try_into().unwrap())
}

#[test]
fn no_name_text_account_device_or_link_is_in_anything_a_node_is_asked_answers_or_stores() {
    let street = by_mail_only();
    let needles = secrets(&street);
    for (number, node) in street.nodes.iter().enumerate() {
        for (what, bytes) in &node.seen {
            let found = needles.found_in(bytes);
            assert!(found.is_empty(), "node {number} sees in {what}: {}", found.join("; "));
        }
    }
    // The search is worth something: the same things are found where they belong, and the mail did go through.
    assert!(street.refused.is_empty(), "{:?}", street.refused);
    for person in &street.people {
        let disk = everything_on(&person.disk);
        let found = needles.found_in(&disk);
        for name in ["the name", "the account of", "the device of", "a text", "a message's id"] {
            assert!(found.iter().any(|what| what.starts_with(name)), "{name} is not found anywhere");
        }
        let mine: Vec<String> =
            timeline(&person.disk, &chat(&street)).into_iter().map(|view| view.text).collect();
        assert_eq!(
            mine.iter().filter(|text| TEXTS.contains(&text.as_str())).count(),
            TEXTS.len(),
            "{mine:?}"
        );
    }
}

/// The records that a node was told to keep.
fn records(node: &Node) -> Vec<Record> {
    let of =
        |(what, bytes): &(String, Vec<u8>)| (what == "a record").then(|| Record::from_bytes(bytes).unwrap());
    node.seen.iter().filter_map(of).collect()
}

/// What records of addresses tell of a device, for whoever has a secret.
fn opened(street: &Street, device: &DeviceId, secret: &Secret32, days: &[u32]) -> Vec<Multiaddress> {
    let mut found = Vec::new();
    for day in days {
        let key = record::record_key(device, secret, *day).unwrap();
        for record in records(&street.nodes[0]).iter().filter(|record| record.key() == key) {
            found.extend(record::open_record(device, secret, *day, record).unwrap().addresses.into_inner());
        }
    }
    found
}

#[test]
fn whoever_knows_an_address_and_reads_the_whole_dht_finds_device_and_mailboxes_and_not_where_the_device_is() {
    let street = by_mail_only();
    let (ann, today) = (&street.people[ANN], record::period_at(street.now));
    let days: Vec<u32> = (today - 20..=today + 1).collect();
    let all = records(&street.nodes[0]);
    assert!(all.iter().any(|record| record.kind == RecordKind::Device));
    let card = days
        .iter()
        .find_map(|day| all.iter().find_map(|one| record::open_knock(&ann.account, *day, one).ok()));
    let card = card.unwrap();
    let list = SignedDeviceList::from_bytes(&card.device_list).unwrap();
    let device = list.list.devices[0].device;
    assert_eq!(device, ann.device, "that much everybody learns");
    assert!(!card.places.is_empty());
    // Whatever they could try: what follows from the address, and every 32 bytes of the card.
    let knock = mailbox::invite_secret(&invite::knock(&ann.account));
    let guesses = [Secret32::new([0; 32]), Secret32::new(ann.account.0), Secret32::new(device.0), knock];
    for guess in guesses {
        assert_eq!(opened(&street, &device, &guess, &days), []);
    }
    let keys: BTreeSet<_> = all.iter().map(Record::key).collect();
    for guess in card.to_bytes().windows(32) {
        let guess = Secret32::new(guess.try_into().unwrap());
        assert!(!keys.contains(&record::record_key(&device, &guess, today).unwrap()));
    }
    // The search is worth something: with what Ann gave to Bob it is found.
    let found = opened(&street, &device, &address_secret(&ann.disk), &days);
    assert!(found.contains(&Street::address(ANN)));
}

/// What one node has learned by being asked. Whoever adds a field to a request has to say here what it tells.
#[derive(Default)]
struct Learned {
    /// Inboxes by period, with who asked.
    inboxes: BTreeMap<[u8; 32], (usize, u32)>,
    /// Inboxes that somebody asked to read: the last period's as well, which may never have been opened.
    read: BTreeSet<[u8; 32]>,
    readers: BTreeSet<[u8; 16]>,
    deposit_keys: BTreeSet<[u8; 32]>,
    /// Queues, with whose inbox they are in.
    queues: BTreeMap<[u8; 16], usize>,
    /// Queues at which strangers knock: one in each inbox of somebody who takes knocks.
    knocks: BTreeSet<[u8; 16]>,
    /// Queues that are shown to be their owner's: of links and invites, and for strangers.
    owned: BTreeSet<[u8; 16]>,
    /// Who worked to leave envelopes where.
    works: BTreeSet<(usize, [u8; 16])>,
    /// Who left envelopes where.
    deposits: BTreeSet<(usize, [u8; 16])>,
    envelopes: BTreeSet<[u8; 16]>,
}

fn learned(node: &Node) -> Learned {
    let mut all = Learned::default();
    for (who, request) in &node.asked {
        match request {
            Request::Hello { version: 1 } | Request::Info {} => {}
            Request::Hello { version } => panic!("version {version}"),
            Request::Register { inbox, period, readers, queues, owners, admission, signature: _ } => {
                all.owned.extend(owners.iter().map(|(owner, _)| owned_queue(owner).0));
                all.inboxes.insert(*inbox, (*who, *period));
                all.readers.extend(readers.iter().map(|reader| reader.0));
                for (queue, access) in queues.iter() {
                    all.queues.insert(queue.0, *who);
                    match access {
                        Access::Key { deposit } => drop(all.deposit_keys.insert(*deposit)),
                        Access::Knock {} => drop(all.knocks.insert(queue.0)),
                        Access::Closed {} => {}
                    }
                }
                assert!(!matches!(admission, Admission::Voucher { .. }), "nobody was given one");
            }
            Request::Deposit { queue, envelope, keep, work, signature: _ } => {
                assert!(SIZE_CLASSES.contains(&envelope.as_bytes().len()), "no other sizes");
                assert_eq!(*keep, KeepFor::Days14, "the same for everything");
                all.deposits.insert((*who, queue.0));
                all.works.extend(work.is_some().then_some((*who, queue.0)));
                all.envelopes.insert(envelope.id().0);
            }
            Request::Subscribe { inbox, reader, after, signature: _ } => {
                all.read.insert(*inbox);
                all.readers.insert(reader.0);
                assert_eq!(*after, 0, "not even how far somebody was");
            }
            Request::Get { sequences: _ }
            | Request::Delete { up_to: _ }
            | Request::DeleteThese { sequences: _ } => {}
        }
    }
    all
}

#[test]
fn a_mailbox_learns_what_the_specification_says_and_this_is_what_it_is() {
    let street = by_mail_only();
    for node in &street.nodes {
        let seen = learned(node);
        // Which devices ask for which inbox, and leave what where: streams belong to devices.
        let owners: BTreeSet<usize> = seen.inboxes.values().map(|(who, _)| *who).collect();
        assert_eq!(owners, BTreeSet::from([ANN, BOB]));
        let into = |from, owner| {
            seen.deposits.iter().any(|(who, queue)| *who == from && seen.queues[queue] == owner)
        };
        assert!(into(ANN, BOB) && into(BOB, ANN), "so it sees who writes to whom, by device");
        assert!(!into(ANN, ANN) && !into(BOB, BOB));
        // How many queues somebody has: one for each contact and each link. Which is which does not show.
        // And one at which strangers knock.
        for (who, most) in [(ANN, 3), (BOB, 2)] {
            let periods: BTreeSet<u32> =
                seen.inboxes.values().filter(|(owner, _)| *owner == who).map(|(_, period)| *period).collect();
            let queues = seen.queues.values().filter(|owner| **owner == who).count();
            assert!((periods.len()..=periods.len() * most).contains(&queues), "{queues} in {periods:?}");
            assert!(periods.len() >= 2, "an inbox for each period");
        }
        // A link's queue does not look like a contact's: it is shown whose it is. That for strangers follows from the
        // address and the device: who knows them knows whose inbox it is, and who does not learns nothing (the search
        // above).
        let of = |(who, period): &(usize, u32)| knock_queue(&street, node, *who, *period);
        assert_eq!(seen.knocks, seen.inboxes.values().map(of).collect());
        assert!(seen.owned.is_superset(&seen.knocks));
        assert!(seen.owned.iter().all(|queue| seen.queues.contains_key(queue)));
        // Its keys do not tell that an inbox follows another; whoever asks for both does.
        let all: BTreeSet<[u8; 32]> = seen.inboxes.keys().chain(&seen.read).copied().collect();
        assert_eq!(seen.readers.len(), all.len(), "a reader has another name in each inbox");
    }
}

/// The queue at which strangers knock who know somebody's address.
fn knock_queue(street: &Street, node: &Node, who: usize, period: u32) -> [u8; 16] {
    let secret = mailbox::invite_secret(&invite::knock(&street.people[who].account));
    mailbox::open_queue(&street.people[who].device, &secret, &node.device, period).unwrap().0.0
}

#[test]
fn a_knock_tells_who_knows_the_address_who_knocks_and_nobody_what_was_said() {
    let mut street = Street::new(&NAMES, 2);
    street.visit(ANN, Vec::new());
    let account = street.people[ANN].account;
    street.visit(BOB, vec![Command::Knock { account, greeting: GREETING.to_owned() }]);
    street.visit(ANN, Vec::new());
    let chat = chat(&street);
    let says = |text: &str| {
        vec![Command::SendMessage { chat, text: text.to_owned(), reply_to: None, expires_secs: None }]
    };
    street.visit(BOB, says(TEXTS[0]));
    street.visit(ANN, says(TEXTS[1]));
    street.visit(BOB, Vec::new());
    assert!(street.refused.is_empty(), "{:?}", street.refused);
    for person in &street.people {
        assert_eq!(timeline(&person.disk, &chat).len(), 2, "it went through");
    }
    let mut needles = Needles::default();
    for (name, person) in NAMES.iter().zip(&street.people) {
        needles.add(&format!("the name {name}"), name.as_bytes());
        needles.add(&format!("the account of {name}"), &person.account.0);
        needles.add(&format!("the device of {name}"), &person.device.0);
    }
    needles.add("the greeting", GREETING.as_bytes());
    TEXTS.iter().for_each(|text| needles.add("a text", text.as_bytes()));
    needles.add("the chat", &chat.0);
    needles.add("what the address opens", &invite::knock(&account).0);
    needles.add("the name of that", &invite::knock(&account).id().0);
    for node in &street.nodes {
        for (what, bytes) in &node.seen {
            let found = needles.found_in(bytes);
            assert!(found.is_empty(), "a node sees in {what}: {}", found.join("; "));
        }
        let seen = learned(node);
        let period = mailbox::period_at(street.now);
        let worked: BTreeSet<_> = seen.works.iter().copied().collect();
        assert_eq!(worked, BTreeSet::from([(BOB, knock_queue(&street, node, ANN, period))]));
        // Once they know each other nobody knocks or works.
        assert!(seen.deposits.iter().any(|(who, queue)| *who == BOB && !seen.knocks.contains(queue)));
        assert!(seen.deposits.iter().any(|(who, _)| *who == ANN));
    }
}

#[test]
fn who_takes_no_knocks_is_no_more_known_by_the_address() {
    let mut street = Street::new(&NAMES, 2);
    street.visit(ANN, vec![Command::AllowKnocks { allowed: false }]);
    let closed = street.nodes.iter().map(|node| node.asked.len()).collect::<Vec<_>>();
    // Four weeks later nothing is said of a queue that is closed everywhere.
    street.elapse(Span::from_days(14));
    street.visit(ANN, Vec::new());
    street.elapse(Span::from_days(15));
    street.visit(ANN, Vec::new());
    for (node, since) in street.nodes.iter().zip(closed) {
        let seen = learned(node);
        let period = mailbox::period_at(street.now);
        assert!(!seen.queues.contains_key(&knock_queue(&street, node, ANN, period + 1)));
        for (_, request) in &node.asked[since..] {
            let Request::Register { queues, .. } = request else { continue };
            assert!(queues.iter().all(|(_, access)| *access != Access::Knock {}), "closed since");
        }
    }
}

#[test]
fn two_mailboxes_that_talk_have_nothing_in_common_but_devices_and_envelopes() {
    let street = by_mail_only();
    let [one, other] = [0, 1].map(|number| learned(&street.nodes[number]));
    assert!(one.inboxes.keys().all(|inbox| !other.inboxes.contains_key(inbox)));
    assert!(one.read.is_disjoint(&other.read));
    assert!(one.readers.is_disjoint(&other.readers));
    assert!(one.deposit_keys.is_disjoint(&other.deposit_keys));
    assert!(one.queues.keys().all(|queue| !other.queues.contains_key(queue)));
    assert!(!one.envelopes.is_disjoint(&other.envelopes), "the same envelope goes to each: SPEC.md says so");
    // Nor is anything else the same, in any field: eight bytes in a row that both were told by others.
    let told = |node: &Node| -> BTreeSet<Vec<u8>> {
        let said =
            |request: &Request| matches!(request, Request::Register { .. } | Request::Subscribe { .. });
        let asked = node.asked.iter().filter(|(_, request)| said(request));
        let bytes = asked.map(|(_, request)| request.to_bytes());
        bytes.flat_map(|bytes| bytes.windows(8).map(<[u8]>::to_vec).collect::<Vec<_>>()).collect()
    };
    let same: Vec<Vec<u8>> = told(&street.nodes[0]).intersection(&told(&street.nodes[1])).cloned().collect();
    // Times, counts and tags are small: most of their bytes are zeroes, or they begin like the time.
    let telling =
        |bytes: &&Vec<u8>| bytes.iter().filter(|byte| **byte != 0).collect::<BTreeSet<_>>().len() >= 7;
    assert_eq!(same.iter().find(telling), None, "the same at both");
}
