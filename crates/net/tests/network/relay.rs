//! Devices that cannot be dialled: reached through a community node, and directly as soon as there is a way.

use std::time::Duration;

use kith_net::NetEvent;
use kith_net::Role;
use kith_net::address;
use kith_net::address::Reach;
use kith_net::config::Limits;

use crate::rig::NOWHERE;
use crate::rig::Node;
use crate::rig::QUIC;
use crate::rig::TCP;

fn quick(limits: &mut Limits) {
    limits.bootstrap_pause = Duration::from_millis(10);
    limits.relay_pause = Duration::from_millis(10);
    limits.relay_grace = Duration::from_millis(100);
    limits.punch_again = Duration::from_millis(100);
}

async fn user(seed: u8, listen: &str) -> Node {
    Node::start_with(seed, Role::User, listen, quick).await
}

/// How often a stream or a connection to anybody broke.
fn breaks(node: &Node) -> usize {
    node.kept(|event| matches!(event, NetEvent::StreamClosed { .. } | NetEvent::Disconnected { .. }))
}

#[tokio::test]
async fn a_device_that_nobody_can_dial_is_reached_through_a_relay() {
    let server = Node::start(9, Role::Server, TCP).await;
    let (mut ann, mut bob) = (user(1, NOWHERE).await, user(2, NOWHERE).await);
    ann.befriend(&[&bob]);
    bob.befriend(&[&ann]);
    bob.join(&server).await;
    let lent = bob.lent().await;
    assert_eq!(address::reach(&lent), Reach::Relayed);
    ann.dial_at(&bob, &lent);
    ann.meet(bob.device).await;
    bob.meet(ann.device).await;
    ann.path(bob.device, true).await;
    bob.path(ann.device, true).await;
    for number in 0..500 {
        ann.say(&bob, number);
        bob.say(&ann, number);
    }
    for number in 0..500 {
        assert_eq!(bob.hear(ann.device).await, number);
        assert_eq!(ann.hear(bob.device).await, number);
    }
}

#[tokio::test]
async fn a_relayed_conversation_goes_on_directly_and_no_frame_is_lost() {
    let server = Node::start(9, Role::Server, TCP).await;
    let (mut ann, mut bob) = (user(1, TCP).await, user(2, TCP).await);
    ann.befriend(&[&bob]);
    bob.befriend(&[&ann]);
    bob.join(&server).await;
    let lent = bob.lent().await;
    ann.dial_at(&bob, &lent);
    ann.meet(bob.device).await;
    bob.meet(ann.device).await;
    ann.path(bob.device, true).await;
    for number in 0..1_000 {
        ann.say(&bob, number);
        bob.say(&ann, number);
    }
    ann.path(bob.device, false).await;
    bob.path(ann.device, false).await;
    for number in 1_000..2_000 {
        ann.say(&bob, number);
        bob.say(&ann, number);
    }
    for number in 0..2_000 {
        assert_eq!(bob.hear(ann.device).await, number);
        assert_eq!(ann.hear(bob.device).await, number);
    }
    assert_eq!((breaks(&ann), breaks(&bob)), (0, 0), "nobody noticed");
    // The relay is not needed any more.
    let gone = server.device;
    server.stop().await;
    bob.lose(gone).await;
    ann.say(&bob, 7);
    assert_eq!(bob.hear(ann.device).await, 7);
}

#[tokio::test]
async fn a_direct_address_that_is_told_later_is_taken() {
    let server = Node::start(9, Role::Server, TCP).await;
    let (mut ann, mut bob) = (user(1, NOWHERE).await, user(2, QUIC).await);
    ann.befriend(&[&bob]);
    bob.befriend(&[&ann]);
    bob.join(&server).await;
    let lent = bob.lent().await;
    ann.dial_at(&bob, &lent);
    ann.meet(bob.device).await;
    ann.path(bob.device, true).await;
    ann.dial(&bob);
    ann.path(bob.device, false).await;
    ann.say(&bob, 1);
    assert_eq!(bob.hear(ann.device).await, 1);
}

#[tokio::test]
async fn a_relay_that_restarts_is_used_again_and_the_break_is_told() {
    let server = Node::start(9, Role::Server, TCP).await;
    let listen = address::text(&server.address, None);
    let (mut ann, mut bob) = (user(1, NOWHERE).await, user(2, NOWHERE).await);
    ann.befriend(&[&bob]);
    bob.befriend(&[&ann]);
    bob.join(&server).await;
    let lent = bob.lent().await;
    ann.dial_at(&bob, &lent);
    ann.meet(bob.device).await;
    bob.meet(ann.device).await;
    ann.say(&bob, 1);
    assert_eq!(bob.hear(ann.device).await, 1);
    server.stop().await;
    ann.say(&bob, 2);
    ann.lose(bob.device).await;
    bob.lose(ann.device).await;
    let closed = lent.clone();
    bob.until(|event| {
        matches!(event, NetEvent::ListenerClosed { address } if *address == closed).then_some(())
    })
    .await;
    let _server = Node::start(9, Role::Server, &listen).await;
    assert_eq!(bob.lent().await, lent);
    ann.dial_at(&bob, &lent);
    ann.meet(bob.device).await;
    bob.meet(ann.device).await;
    ann.say(&bob, 3);
    assert_eq!(
        bob.hear(ann.device).await,
        3,
        "what was sent into the break is sent again by who was told of it"
    );
}

#[tokio::test]
async fn two_community_nodes_lend_addresses_and_one_may_go() {
    let (one, other) = (Node::start(8, Role::Server, TCP).await, Node::start(9, Role::Server, TCP).await);
    let mut bob = user(2, NOWHERE).await;
    bob.join(&one).await;
    bob.join(&other).await;
    let mut lent = [bob.lent().await, bob.lent().await];
    let through_one = format!("{}/p2p-circuit", address::text(&one.address, Some(&one.device)));
    lent.sort_by_key(|lent| address::text(lent, None) != through_one);
    assert_eq!(address::text(&lent[0], None), through_one);
    one.stop().await;
    let gone = lent[0].clone();
    bob.until(|event| {
        matches!(event, NetEvent::ListenerClosed { address } if *address == gone).then_some(())
    })
    .await;
    let mut ann = user(1, NOWHERE).await;
    ann.dial_at(&bob, &lent[1]);
    ann.meet(bob.device).await;
}

#[tokio::test]
async fn a_community_node_lends_the_address_that_it_was_told() {
    let forwarded = "/ip4/192.0.2.9/tcp/4001";
    let server =
        Node::start_as(9, Role::Server, TCP, |config| config.external = vec![forwarded.to_owned()]).await;
    let mut bob = user(2, NOWHERE).await;
    bob.join(&server).await;
    let lent = address::text(&bob.lent().await, None);
    assert_eq!(lent, format!("{forwarded}/p2p/{}/p2p-circuit", server.device));
}

#[tokio::test]
async fn what_a_relay_does_is_counted_while_it_does_it() {
    let server = Node::start(9, Role::Server, TCP).await;
    let (mut ann, mut bob) = (user(1, NOWHERE).await, user(2, NOWHERE).await);
    bob.join(&server).await;
    let lent = bob.lent().await;
    ann.dial_at(&bob, &lent);
    ann.meet(bob.device).await;
    let now = || {
        let stats = server.net.stats();
        (stats.open_tcp, stats.reservations, stats.circuits)
    };
    while now() != (2, 1, 1) {
        tokio::task::yield_now().await;
    }
    assert_eq!(ann.net.stats().open_relayed, 1, "and who goes through it counts that");
    ann.stop().await;
    bob.stop().await;
    while now() != (0, 0, 0) {
        tokio::task::yield_now().await;
    }
    let stats = server.net.stats();
    assert_eq!((stats.reservations_given, stats.circuits_begun, stats.peers), (1, 1, 0));
}
