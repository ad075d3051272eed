//! Two nodes: frames, glare, restarts, silence.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::address;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::rig::Node;
use crate::rig::QUIC;
use crate::rig::TCP;
use crate::rig::WEB_SOCKET;
use crate::rig::pair;

async fn frames_keep_their_order(listen: &str) {
    let (mut ann, mut bob) = pair(listen).await;
    // Less than a queue holds: a peer that reads loses none.
    for number in 0..2_000 {
        ann.say(&bob, number);
        bob.say(&ann, number);
    }
    for number in 0..2_000 {
        assert_eq!(bob.hear(ann.device).await, number);
        assert_eq!(ann.hear(bob.device).await, number);
    }
    let device = ann.device;
    ann.stop().await;
    bob.lose(device).await;
}

#[tokio::test]
async fn frames_keep_their_order_over_tcp() {
    frames_keep_their_order(TCP).await;
}

#[tokio::test]
async fn frames_keep_their_order_over_quic() {
    frames_keep_their_order(QUIC).await;
}

#[tokio::test]
async fn frames_keep_their_order_over_web_socket() {
    frames_keep_their_order(WEB_SOCKET).await;
}

#[tokio::test]
async fn both_dial_at_once_and_each_hears_of_one_connection() {
    let mut ann = Node::start(1, Role::User, TCP).await;
    let mut bob = Node::start(2, Role::User, TCP).await;
    ann.dial(&bob);
    bob.dial(&ann);
    ann.meet(bob.device).await;
    bob.meet(ann.device).await;
    for number in 0..100 {
        ann.say(&bob, number);
        bob.say(&ann, number);
        assert_eq!(bob.hear(ann.device).await, number);
        assert_eq!(ann.hear(bob.device).await, number);
    }
    for node in [&ann, &bob] {
        let again =
            |event: &NetEvent| matches!(event, NetEvent::Connected { .. } | NetEvent::Disconnected { .. });
        assert_eq!(node.kept(again), 0, "one connection was announced, and it holds");
    }
}

#[tokio::test]
async fn whoever_starts_again_is_found_again() {
    let (mut ann, bob) = pair(TCP).await;
    ann.say(&bob, 1);
    let device = bob.device;
    bob.stop().await;
    ann.lose(device).await;
    ann.tell(NetCommand::Dial { device, addresses: vec![address::parse("/ip4/127.0.0.1/tcp/9").unwrap().0] });
    ann.until(|event| matches!(event, NetEvent::DialFailed { .. }).then_some(())).await;
    let mut bob = Node::start(2, Role::User, TCP).await;
    ann.dial(&bob);
    ann.meet(device).await;
    bob.meet(ann.device).await;
    bob.say(&ann, 2);
    assert_eq!(ann.hear(device).await, 2);
    ann.say(&bob, 3);
    assert_eq!(bob.hear(ann.device).await, 3);
}

#[tokio::test]
async fn somebody_else_at_the_address_is_not_taken_for_a_friend() {
    let mut ann = Node::start(1, Role::User, TCP).await;
    let bob = Node::start(2, Role::User, TCP).await;
    let eve = Node::start(3, Role::User, TCP).await;
    ann.tell(NetCommand::Dial { device: bob.device, addresses: vec![eve.address.clone()] });
    let device = ann
        .until(|event| match event {
            NetEvent::DialFailed { device } => Some(*device),
            NetEvent::Connected { device, .. } => panic!("connected with {device:?}"),
            _ => None,
        })
        .await;
    assert_eq!(device, bob.device);
}

/// Passes bytes on until it is told to be silent; it never closes anything.
pub(crate) async fn silent_proxy(to: u16, silent: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (near, _) = listener.accept().await.unwrap();
        let far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
        for (mut from, mut to) in [(near_in, far_out), (far_in, near_out)] {
            let silent = Arc::clone(&silent);
            tokio::spawn(async move {
                let mut bytes = vec![0; 4_096];
                loop {
                    let count = from.read(&mut bytes).await.unwrap_or(0);
                    if count == 0 {
                        // The end is swallowed as well: that is what a pulled cable looks like.
                        std::future::pending::<()>().await;
                    }
                    if !silent.load(Ordering::Relaxed) {
                        let _ = to.write_all(&bytes[..count]).await;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_friend_who_vanishes_without_a_word_is_noticed() {
    let quick = |limits: &mut kith_net::config::Limits| {
        limits.ping_every = Duration::from_millis(20);
        // Others would not be noticed before the test is over.
        limits.ping_calm = Duration::from_secs(3_600);
        limits.ping_timeout = Duration::from_millis(200);
    };
    let mut ann = Node::start_with(1, Role::User, TCP, quick).await;
    let mut bob = Node::start_with(2, Role::User, TCP, quick).await;
    ann.befriend(&[&bob]);
    bob.befriend(&[&ann]);
    let port = address::text(&bob.address, None).rsplit('/').next().unwrap().parse().unwrap();
    let silent = Arc::new(AtomicBool::new(false));
    let through = silent_proxy(port, Arc::clone(&silent)).await;
    let through = address::parse(&format!("/ip4/127.0.0.1/tcp/{through}")).unwrap().0;
    ann.tell(NetCommand::Dial { device: bob.device, addresses: vec![through] });
    ann.meet(bob.device).await;
    ann.say(&bob, 1);
    assert_eq!(bob.hear(ann.device).await, 1);
    silent.store(true, Ordering::Relaxed);
    ann.lose(bob.device).await;
    bob.lose(ann.device).await;
}
