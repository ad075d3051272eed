//! What the DHT says of a friend who is away.

use kith_proto::record::Record;

use super::*;

/// Ann and Bob, who are friends, know a community node and are not connected.
fn apart() -> (Side, Side) {
    let (mut ann, mut bob, _) = friends();
    let address = Multiaddress::new(vec![99]).unwrap();
    let node = DeviceAddress { device: DeviceId([99; 32]), address };
    ann.net(NetInput::BootstrapConnected { node: node.clone() });
    bob.net(NetInput::BootstrapConnected { node });
    disconnect(&mut ann, &mut bob);
    ann.dht.clear();
    (ann, bob)
}

impl Side {
    fn moves_to(&mut self, last: u8) {
        self.dht.clear();
        let address = Multiaddress::new(vec![last]).unwrap();
        self.net(NetInput::Listening { address, rank: AddressRank::Local });
        self.publishes();
    }

    /// Time passes until its addresses are in the DHT once more.
    fn publishes(&mut self) {
        self.dht.clear();
        while !self.dht.iter().any(|effect| matches!(effect, Effect::Publish { .. })) {
            self.pass(Span::from_minutes(1));
        }
    }

    fn published(&self) -> Vec<Record> {
        let published = self.dht.iter().filter_map(|effect| match effect {
            Effect::Publish { record } => Some(record.clone()),
            _ => None,
        });
        published.collect()
    }

    /// Finds what it looks for among these. Returns how often it dialled then.
    fn finds(&mut self, records: &[Record]) -> usize {
        let before = self.dials;
        for record in records {
            self.net(NetInput::Found { key: record.key(), record: record.clone() });
        }
        self.dials - before
    }

    fn knows(&self, last: u8) -> bool {
        self.dialled.contains(&Multiaddress::new(vec![last]).unwrap())
    }

    /// Time passes until a dial is under way, and what is looked for beside it.
    fn dials_and_looks(&mut self) {
        let before = self.dials;
        while self.dials == before {
            self.pass(Span::from_secs(1));
        }
    }
}

#[test]
fn news_is_dialled_at_once_while_a_dial_is_under_way_and_what_is_known_is_not_dialled_for_being_found_again()
{
    let (mut ann, mut bob) = apart();
    ann.dials_and_looks();
    assert!(!ann.knows(42));
    bob.moves_to(42);
    ann.now = bob.now;
    let news = bob.published();
    // Two records, for two days. The second says the same; it may shorten a pause, but dials what is dialled no further.
    assert!(ann.finds(&news) >= 1, "although the first dial has not failed yet");
    assert!(ann.knows(42));
    assert_eq!(ann.finds(&news), 0, "it is no news any more");
}

#[test]
fn a_newer_record_of_known_addresses_shortens_the_pause() {
    let (mut ann, mut bob) = apart();
    bob.moves_to(42);
    ann.now = bob.now;
    ann.dials_and_looks();
    assert_eq!(ann.finds(&bob.published()), 1);
    for _ in 0..8 {
        ann.net(NetInput::DialFailed { device: bob.device });
        ann.dials_and_looks();
    }
    ann.net(NetInput::DialFailed { device: bob.device });
    bob.now = ann.now;
    bob.publishes();
    ann.now = bob.now;
    let newer = bob.published();
    assert_eq!(ann.finds(&newer), 1, "it is there again, where it was");
    assert!(ann.knows(42));
    assert_eq!(ann.finds(&newer), 0);
}

#[test]
fn what_is_found_of_a_friend_who_is_connected_is_not_dialled() {
    let (mut ann, mut bob) = apart();
    ann.dials_and_looks();
    bob.moves_to(42);
    ann.now = bob.now;
    connect(&mut ann, &mut bob);
    assert_eq!(ann.finds(&bob.published()), 0);
}

/// Makes two of them friends; they stay connected.
fn befriend(one: &mut Side, other: &mut Side) {
    ask(other, one);
    one.command(Command::AcceptContact { contact: other.account });
    carry(one, other);
}

/// Ann, who is Bob's and Cem's friend. Ann is connected with nobody; all know a community node.
fn three() -> (Side, Side, Side) {
    let (mut ann, mut bob, mut cem) = (Side::new(1), Side::new(2), Side::new(3));
    let node = DeviceAddress { device: DeviceId([99; 32]), address: Multiaddress::new(vec![99]).unwrap() };
    for friend in [&mut bob, &mut cem] {
        befriend(&mut ann, friend);
        friend.net(NetInput::BootstrapConnected { node: node.clone() });
        disconnect(&mut ann, friend);
    }
    ann.net(NetInput::BootstrapConnected { node });
    (ann, bob, cem)
}

#[test]
fn a_contact_finds_where_somebody_is_and_whoever_only_knows_the_device_looks_for_nothing() {
    let (mut ann, mut bob, _) = three();
    ann.moves_to(42);
    let mut eve = Side::new(9);
    eve.net(NetInput::BootstrapConnected {
        node: DeviceAddress { device: DeviceId([99; 32]), address: Multiaddress::new(vec![99]).unwrap() },
    });
    eve.net(NetInput::Connected { device: ann.device, dialled: None });
    eve.net(NetInput::Disconnected { device: ann.device });
    (bob.now, eve.now) = (ann.now, ann.now);
    bob.dials_and_looks();
    bob.finds(&ann.published());
    assert!(bob.knows(42));
    assert_eq!(eve.finds(&ann.published()), 0);
    assert!(!eve.dht.iter().any(|effect| matches!(effect, Effect::LookUp { .. })));
}

/// What is there of somebody in the DHT: of each key the newest.
fn newest(records: Vec<Record>) -> Vec<Record> {
    let mut all = std::collections::BTreeMap::new();
    for record in records {
        let newer = all.get(&record.key()).is_none_or(|old: &Record| old.sequence < record.sequence);
        if newer {
            all.insert(record.key(), record);
        }
    }
    all.into_values().collect()
}

/// Ann parts with Bob in some way, and moves: Cem finds her, and Bob finds nothing.
fn parts_with(command: impl Fn(AccountId) -> Command) {
    let (mut ann, mut bob, mut cem) = three();
    ann.moves_to(42);
    let mut there = ann.published();
    ann.dht.clear();
    ann.command(command(bob.account));
    assert!(
        ann.dht.iter().any(|effect| matches!(effect, Effect::Publish { .. })),
        "what Bob could read says nothing any more, in the same step"
    );
    there.extend(ann.published());
    connect(&mut ann, &mut cem);
    disconnect(&mut ann, &mut cem);
    ann.moves_to(43);
    there.extend(ann.published());
    (bob.now, cem.now) = (ann.now, ann.now);
    let there = newest(there);
    bob.dials_and_looks();
    bob.finds(&there);
    assert!(!bob.knows(42) && !bob.knows(43), "neither where she was nor where she is");
    cem.dials_and_looks();
    cem.finds(&there);
    assert!(cem.knows(43));
}

#[test]
fn whoever_was_removed_finds_nothing_any_more_and_the_others_do() {
    parts_with(|contact| Command::RemoveContact { contact });
}

#[test]
fn whoever_was_blocked_finds_nothing_any_more_and_the_others_do() {
    parts_with(|contact| Command::BlockContact { contact });
}

#[test]
fn the_secret_survives_a_restart_and_a_friend_with_an_old_disk_is_told_again() {
    let (mut ann, mut bob, _) = three();
    let old = bob.disk.clone();
    ann.restart();
    ann.net(NetInput::Listening { address: Multiaddress::new(vec![42]).unwrap(), rank: AddressRank::Local });
    let node = DeviceAddress { device: DeviceId([99; 32]), address: Multiaddress::new(vec![99]).unwrap() };
    ann.net(NetInput::BootstrapConnected { node: node.clone() });
    ann.publishes();
    bob.now = ann.now;
    bob.dials_and_looks();
    bob.finds(&ann.published());
    assert!(bob.knows(42), "the same as before");
    // Cem is gone, and Bob's disk is from before he heard of it.
    let cem = Side::new(3).account;
    ann.command(Command::RemoveContact { contact: cem });
    connect(&mut ann, &mut bob);
    disconnect(&mut ann, &mut bob);
    bob.disk = old;
    bob.restart();
    bob.net(NetInput::BootstrapConnected { node });
    connect(&mut ann, &mut bob);
    disconnect(&mut ann, &mut bob);
    ann.moves_to(44);
    bob.now = ann.now;
    bob.dials_and_looks();
    bob.finds(&ann.published());
    assert!(bob.knows(44), "told again");
}

#[test]
fn without_a_mailbox_whoever_holds_a_link_finds_its_maker_as_long_as_it_is_open() {
    let (mut ann, mut bob) = (Side::new(1), Side::new(2));
    let node = DeviceAddress { device: DeviceId([99; 32]), address: Multiaddress::new(vec![99]).unwrap() };
    for side in [&mut ann, &mut bob] {
        side.net(NetInput::BootstrapConnected { node: node.clone() });
    }
    let link = invite(&mut ann);
    ann.moves_to(42);
    bob.now = ann.now;
    bob.command(Command::AddContact { invite: link.clone(), greeting: String::new() });
    bob.pass(Span::from_secs(1));
    bob.finds(&ann.published());
    assert!(bob.knows(42));
    ann.command(Command::RevokeInvite { invite: link.secret.id() });
    ann.dht.clear();
    ann.net(NetInput::Listening { address: Multiaddress::new(vec![43]).unwrap(), rank: AddressRank::Local });
    ann.pass(Span::from_hours(7));
    assert_eq!(ann.published(), [], "nobody may know");
}

#[test]
fn whoever_was_only_asked_or_only_asks_may_not_learn_through_a_relay_where_somebody_is() {
    let (mut ann, mut bob) = (Side::new(1), Side::new(2));
    ask(&mut bob, &mut ann);
    assert_eq!((&bob.kept, &bob.known), (&vec![ann.device], &Vec::new()), "Bob waits for Ann's answer");
    assert_eq!((&ann.kept, &ann.known), (&Vec::new(), &Vec::new()), "Ann has not decided");
    ann.command(Command::AcceptContact { contact: bob.account });
    carry(&mut ann, &mut bob);
    assert_eq!((&ann.known, &bob.known), (&vec![bob.device], &vec![ann.device]));
    ann.restart();
    assert_eq!(ann.known, [bob.device], "the network is told anew when it starts");
    ann.command(Command::BlockContact { contact: bob.account });
    assert_eq!(ann.known, []);
}
