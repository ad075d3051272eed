//! Records through a third node.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use kith_crypto::identity::DeviceSecret;
use kith_crypto::record;
use kith_crypto::secret::Secret32;
use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::Role;
use kith_proto::bounded::BoundedVec;
use kith_proto::id::RecordKey;
use kith_proto::record::DeviceRecord;
use kith_proto::record::Record;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::rig::Node;
use crate::rig::TCP;

/// The time, because the life of a record is checked against it.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(since.as_millis()).unwrap())
}

/// A valid record of a device that nobody knows.
pub(crate) fn record(seed: u64, sequence: u64) -> (DeviceSecret, Record) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let secret = DeviceSecret::generate(&mut rng);
    let told = DeviceRecord { addresses: BoundedVec::default() };
    let (period, expires) = (record::period_at(now()), now() + Span::from_hours(1));
    let record =
        record::seal_record(&mut rng, &secret, &Secret32::new([7; 32]), period, (sequence, expires), &told);
    (secret, record)
}

async fn look_up(node: &mut Node, wanted: RecordKey) -> Vec<u64> {
    node.tell(NetCommand::LookUp { key: wanted });
    let mut found = Vec::new();
    while let Some(sequence) = node
        .until(|event| match event {
            NetEvent::Found { key, record } if *key == wanted => Some(Some(record.sequence)),
            NetEvent::LookUpDone { key } if *key == wanted => Some(None),
            _ => None,
        })
        .await
    {
        found.push(sequence);
    }
    found
}

#[tokio::test]
async fn a_record_is_found_through_a_third_node_and_the_newest_wins() {
    let mut server = Node::start(9, Role::Server, TCP).await;
    let mut ann = Node::start(1, Role::User, TCP).await;
    let mut bob = Node::start(2, Role::User, TCP).await;
    let (_, old) = record(5, 10);
    let (_, new) = record(5, 11);
    // Before there is anybody to tell it to: it waits.
    ann.tell(NetCommand::Publish { record: old.clone() });
    ann.join(&server).await;
    bob.join(&server).await;
    server.until(|event| matches!(event, NetEvent::Stored { .. }).then_some(())).await;
    assert_eq!(look_up(&mut bob, old.key()).await, [10]);
    ann.tell(NetCommand::Publish { record: new.clone() });
    server.until(|event| matches!(event, NetEvent::Stored { .. }).then_some(())).await;
    ann.tell(NetCommand::Publish { record: old.clone() });
    assert_eq!(look_up(&mut bob, new.key()).await, [11]);
    assert_eq!(look_up(&mut bob, record(6, 1).1.key()).await, [0; 0], "nobody published that");
}

#[tokio::test]
async fn a_record_counts_as_stored_once_the_node_has_it_and_not_when_it_says_so() {
    let full = Node::start_with(9, Role::Server, TCP, |limits| limits.records = 0).await;
    let mut ann = Node::start(1, Role::User, TCP).await;
    ann.join(&full).await;
    let (_, record) = record(5, 10);
    ann.tell(NetCommand::Publish { record: record.clone() });
    let facts = until_published(&ann).await;
    assert!(facts.published_at.is_none() && facts.publish_failed_at.is_some(), "a full node said “stored”");
    assert!(full.net.stats().records_no_room >= 1);
    let mut roomy = Node::start(8, Role::Server, TCP).await;
    let mut bob = Node::start(2, Role::User, TCP).await;
    bob.join(&roomy).await;
    bob.tell(NetCommand::Publish { record });
    roomy.until(|event| matches!(event, NetEvent::Stored { .. }).then_some(())).await;
    let facts = until_published(&bob).await;
    assert!(facts.published_at.is_some() && facts.publish_failed_at.is_none());
}

/// What is known once it is known whether a record was stored.
async fn until_published(node: &Node) -> kith_net::Facts {
    loop {
        let facts = node.net.facts();
        if facts.published_at.is_some() || facts.publish_failed_at.is_some() {
            return facts;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_bootstrap_node_that_comes_back_is_connected_again() {
    let mut ann = Node::start_with(1, Role::User, TCP, |limits| limits.bootstrap_pause /= 25).await;
    let server = Node::start(9, Role::Server, TCP).await;
    let (place, listen) = (server.place(), kith_net::address::text(&server.address, None));
    ann.join(&server).await;
    server.stop().await;
    ann.until(|event| {
        matches!(event, NetEvent::BootstrapLost { device } if *device == place.device).then_some(())
    })
    .await;
    let _server = Node::start(9, Role::Server, &listen).await;
    ann.until(|event| matches!(event, NetEvent::BootstrapConnected { node } if *node == place).then_some(()))
        .await;
}

#[tokio::test]
async fn a_server_keeps_its_records_over_a_restart() {
    let server = Node::start(9, Role::Server, TCP).await;
    let (_, kept) = record(5, 10);
    server.tell(NetCommand::Restore { records: vec![kept.clone()] });
    let mut bob = Node::start(2, Role::User, TCP).await;
    bob.join(&server).await;
    assert_eq!(look_up(&mut bob, kept.key()).await, [10]);
}
