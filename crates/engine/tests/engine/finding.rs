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
