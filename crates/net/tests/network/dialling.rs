//! News of a device while it is being dialled: old addresses may take long to fail, and nobody waits for that.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::address;
use kith_net::net::device_of_seed;
use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use tokio::net::TcpListener;

use crate::pair::silent_proxy;
use crate::rig::NOWHERE;
use crate::rig::Node;
use crate::rig::TCP;

/// An address where connections are taken and nothing is ever said: a dial hangs there until it times out.
struct Hole {
    text: String,
    _listener: TcpListener,
}

impl Hole {
    async fn dig() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let text = format!("/ip4/127.0.0.1/tcp/{}", listener.local_addr().unwrap().port());
        Self { text, _listener: listener }
    }

    fn address(&self) -> Multiaddress {
        address::parse(&self.text).unwrap().0
    }

    /// An address that a relay in here lends.
    fn lent(&self) -> Multiaddress {
        let relay = device_of_seed(&[77; 32]).unwrap();
        address::parse(&format!("{}/p2p/{relay}/p2p-circuit", self.text)).unwrap().0
    }
}

fn dial(node: &Node, device: DeviceId, addresses: &[Multiaddress]) {
    node.tell(NetCommand::Dial { device, addresses: addresses.to_vec() });
}

/// No dial has failed: the one that hangs still does.
fn nothing_failed(node: &Node) -> bool {
    node.kept(|event| matches!(event, NetEvent::DialFailed { .. })) == 0
}

async fn failed(node: &mut Node) {
    node.until(|event| matches!(event, NetEvent::DialFailed { .. }).then_some(())).await;
}

#[tokio::test]
async fn a_friend_known_by_a_dead_relay_only_is_dialled_at_once_where_the_news_says() {
    let hole = Hole::dig().await;
    let mut ann = Node::start(1, Role::User, TCP).await;
    let bob = Node::start(2, Role::User, TCP).await;
    dial(&ann, bob.device, &[hole.lent()]);
    dial(&ann, bob.device, std::slice::from_ref(&bob.address));
    ann.meet(bob.device).await;
    assert!(nothing_failed(&ann));
}

#[tokio::test]
async fn another_relay_is_asked_while_a_dead_one_is_silent() {
    let server = Node::start(9, Role::Server, TCP).await;
    let hole = Hole::dig().await;
    let mut ann = Node::start(1, Role::User, NOWHERE).await;
    let mut bob = Node::start(2, Role::User, NOWHERE).await;
    bob.join(&server).await;
    let lent = bob.lent().await;
    dial(&ann, bob.device, &[hole.lent()]);
    dial(&ann, bob.device, std::slice::from_ref(&lent));
    ann.meet(bob.device).await;
    assert!(nothing_failed(&ann));
}

#[tokio::test]
async fn a_relay_that_refuses_does_not_make_the_direct_dial_forgotten() {
    let server = Node::start(9, Role::Server, TCP).await;
    let hole = Hole::dig().await;
    let mut ann = Node::start(1, Role::User, TCP).await;
    let bob = Node::start(2, Role::User, TCP).await;
    // Bob has no reservation there.
    let refusing = format!("{}/p2p-circuit", address::text(&server.address, Some(&server.device)));
    let refusing = address::parse(&refusing).unwrap().0;
    dial(&ann, bob.device, &[hole.address(), refusing]);
    failed(&mut ann).await;
    // The dial into the hole goes on; the same again changes nothing, news does.
    dial(&ann, bob.device, &[hole.address()]);
    dial(&ann, bob.device, &[hole.address(), bob.address.clone()]);
    ann.meet(bob.device).await;
    assert!(nothing_failed(&ann));
}

#[tokio::test]
async fn news_is_dialled_while_a_lost_connection_is_still_being_closed() {
    let quick = |limits: &mut kith_net::config::Limits| {
        limits.ping_every = Duration::from_millis(20);
        limits.ping_timeout = Duration::from_millis(200);
    };
    let mut ann = Node::start_with(1, Role::User, TCP, quick).await;
    let bob = Node::start(2, Role::User, TCP).await;
    ann.befriend(&[&bob]);
    let port = address::text(&bob.address, None).rsplit('/').next().unwrap().parse().unwrap();
    let silent = Arc::new(AtomicBool::new(false));
    let through = silent_proxy(port, Arc::clone(&silent)).await;
    let through = address::parse(&format!("/ip4/127.0.0.1/tcp/{through}")).unwrap().0;
    dial(&ann, bob.device, &[through]);
    ann.meet(bob.device).await;
    silent.store(true, Ordering::Relaxed);
    ann.lose(bob.device).await;
    // Nobody answers the goodbye, so the swarm waits for that; and the address that is known is dead.
    let hole = Hole::dig().await;
    dial(&ann, bob.device, &[hole.address()]);
    dial(&ann, bob.device, std::slice::from_ref(&bob.address));
    ann.meet(bob.device).await;
    assert!(nothing_failed(&ann));
}

#[tokio::test]
async fn of_two_dials_that_both_find_a_friend_one_connection_stays() {
    let quick = |limits: &mut kith_net::config::Limits| {
        limits.ping_every = Duration::from_millis(20);
        limits.ping_timeout = Duration::from_millis(300);
        limits.relay_grace = Duration::from_millis(100);
    };
    let mut ann = Node::start_with(1, Role::User, NOWHERE, quick).await;
    let mut bob = Node::start(2, Role::User, TCP).await;
    ann.befriend(&[&bob]);
    bob.befriend(&[&ann]);
    let port = address::text(&bob.address, None).rsplit('/').next().unwrap().parse().unwrap();
    let other = silent_proxy(port, Arc::default()).await;
    let other = address::parse(&format!("/ip4/127.0.0.1/tcp/{other}")).unwrap().0;
    dial(&ann, bob.device, &[other]);
    dial(&ann, bob.device, std::slice::from_ref(&bob.address));
    ann.meet(bob.device).await;
    ann.say(&bob, 1);
    assert_eq!(bob.hear(ann.device).await, 1);
    bob.say(&ann, 2);
    assert_eq!(ann.hear(bob.device).await, 2);
    let stats = || (ann.net.stats().connections, ann.net.stats().open_tcp);
    while stats() != (2, 1) {
        tokio::task::yield_now().await;
    }
    ann.say(&bob, 3);
    assert_eq!(bob.hear(ann.device).await, 3);
    let lost = |event: &NetEvent| matches!(event, NetEvent::Disconnected { .. });
    assert_eq!((ann.kept(lost), bob.kept(lost)), (0, 0), "nobody was away");
}
