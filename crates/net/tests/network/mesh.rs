//! Topics: what is passed on, when, and to whom.

use std::collections::BTreeSet;

use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::Verdict;
use kith_net::net::device_of_seed;
use kith_proto::id::GossipId;
use kith_proto::id::TopicId;

use crate::rig::Node;
use crate::rig::QUIC;
use crate::rig::TCP;

const TOPIC: TopicId = TopicId([7; 32]);

/// Somebody with the topic.
async fn someone(seed: u8, listen: &str) -> Node {
    let node = Node::start(seed, Role::User, listen).await;
    have(&node, &[TOPIC]);
    node
}

fn have(node: &Node, topics: &[TopicId]) {
    // Everybody here but Dan is a member.
    let members = (1..=3).filter_map(|seed| device_of_seed(&[seed; 32]).ok()).collect();
    node.tell(NetCommand::Topics { topics: topics.iter().copied().collect(), members });
}

async fn link(one: &mut Node, other: &mut Node) {
    one.dial(other);
    one.meet(other.device).await;
    other.meet(one.device).await;
}

/// Sends a text as soon as somebody is there for it.
async fn say(node: &Node, text: &str) {
    loop {
        let before = node.net.stats();
        node.tell(NetCommand::Gossip { topic: TOPIC, bytes: text.as_bytes().to_vec() });
        let counted = |stats: kith_net::Stats| (stats.gossip_sent, stats.gossip_unsent);
        while counted(node.net.stats()) == counted(before) {
            tokio::task::yield_now().await;
        }
        if node.net.stats().gossip_sent > before.gossip_sent {
            return;
        }
    }
}

/// The next text, and its name.
async fn hear(node: &mut Node) -> (String, GossipId) {
    node.until(|event| match event {
        NetEvent::Gossip { topic, message, bytes, .. } => {
            assert_eq!(*topic, TOPIC);
            assert_eq!(*message, GossipId::of(&TOPIC, bytes));
            Some((String::from_utf8(bytes.clone()).unwrap(), *message))
        }
        _ => None,
    })
    .await
}

fn judge(node: &Node, message: GossipId, verdict: Verdict) {
    node.tell(NetCommand::Verdict { message, verdict });
}

/// Ann, Bob and Cat in a line, all friends, and Bob and Cat know that they share the topic.
async fn line(listen: &str) -> (Node, Node, Node) {
    let (mut ann, mut bob, mut cat) =
        (someone(1, listen).await, someone(2, listen).await, someone(3, listen).await);
    ann.befriend(&[&bob, &cat]);
    bob.befriend(&[&ann, &cat]);
    cat.befriend(&[&ann, &bob]);
    link(&mut ann, &mut bob).await;
    link(&mut bob, &mut cat).await;
    say(&bob, "to whoever is there").await;
    say(&cat, "to Bob").await;
    let (_, message) = hear(&mut bob).await;
    judge(&bob, message, Verdict::Ignore);
    (ann, bob, cat)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_passed_on_after_the_verdict_and_not_before() {
    for listen in [TCP, QUIC] {
        let (ann, mut bob, mut cat) = line(listen).await;
        say(&ann, "from Ann").await;
        let (text, message) = hear(&mut bob).await;
        assert_eq!(text, "from Ann");
        say(&bob, "from Bob").await;
        while hear(&mut cat).await.0 != "from Bob" {}
        judge(&bob, message, Verdict::Accept);
        assert_eq!(hear(&mut cat).await.0, "from Ann", "nothing of it came before Bob's own");
        assert_eq!(bob.net.stats().gossip_passed, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rejected_or_ignored_goes_no_further() {
    let (ann, mut bob, mut cat) = line(TCP).await;
    for (text, verdict) in [("one", Verdict::Reject), ("two", Verdict::Ignore), ("three", Verdict::Accept)] {
        say(&ann, text).await;
        let (_, message) = hear(&mut bob).await;
        judge(&bob, message, verdict);
    }
    let heard = loop {
        match hear(&mut cat).await.0 {
            text if text == "to whoever is there" => {}
            text => break text,
        }
    };
    assert_eq!(heard, "three");
    assert_eq!(bob.net.stats().gossip_rejected, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_hears_of_no_topic_until_they_are_a_friend() {
    let (mut ann, mut bob, mut eve) = (someone(1, TCP).await, someone(2, TCP).await, someone(3, TCP).await);
    ann.befriend(&[&bob]);
    bob.befriend(&[&ann]);
    eve.befriend(&[&ann]);
    link(&mut eve, &mut ann).await;
    link(&mut ann, &mut bob).await;
    say(&ann, "to Bob").await;
    assert_eq!(hear(&mut bob).await.0, "to Bob");
    eve.tell(NetCommand::Gossip { topic: TOPIC, bytes: b"is anybody there?".to_vec() });
    eve.say(&ann, 1);
    ann.until(|event| matches!(event, NetEvent::Frame { .. }).then_some(())).await;
    assert_eq!((eve.net.stats().gossip_sent, eve.net.stats().gossip_unsent), (0, 1));
    ann.befriend(&[&bob, &eve]);
    say(&eve, "now I am").await;
    assert_eq!(hear(&mut ann).await.0, "now I am", "on the same connection, which was silent before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_friend_who_is_no_member_hears_of_no_topic() {
    let (mut ann, mut bob, mut dan) = (someone(1, TCP).await, someone(2, TCP).await, someone(4, TCP).await);
    ann.befriend(&[&bob, &dan]);
    bob.befriend(&[&ann]);
    dan.befriend(&[&ann]);
    link(&mut dan, &mut ann).await;
    link(&mut ann, &mut bob).await;
    say(&ann, "to Bob").await;
    assert_eq!(hear(&mut bob).await.0, "to Bob");
    dan.tell(NetCommand::Gossip { topic: TOPIC, bytes: b"is anybody there?".to_vec() });
    dan.say(&ann, 1);
    ann.until(|event| matches!(event, NetEvent::Frame { .. }).then_some(())).await;
    assert_eq!((dan.net.stats().gossip_sent, dan.net.stats().gossip_unsent), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_given_up_brings_nothing_more() {
    let (mut ann, mut bob) = (someone(1, TCP).await, someone(2, TCP).await);
    ann.befriend(&[&bob]);
    bob.befriend(&[&ann]);
    link(&mut ann, &mut bob).await;
    say(&ann, "before").await;
    assert_eq!(hear(&mut bob).await.0, "before");
    have(&bob, &[]);
    let before = ann.net.stats().gossip_unsent;
    for number in 0.. {
        if ann.net.stats().gossip_unsent > before {
            break;
        }
        say_once(&ann, &format!("after {number}")).await;
    }
    have(&bob, &[TOPIC, TopicId([8; 32])]);
    say(&ann, "again").await;
    while hear(&mut bob).await.0 != "again" {}
}

/// Sends a text, whether somebody is there or not.
async fn say_once(node: &Node, text: &str) {
    let before = node.net.stats();
    node.tell(NetCommand::Gossip { topic: TOPIC, bytes: text.as_bytes().to_vec() });
    while node.net.stats().gossip_sent + node.net.stats().gossip_unsent
        == before.gossip_sent + before.gossip_unsent
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_topics_than_may_be_are_cut_and_a_message_that_is_too_long_stays() {
    let ann = someone(1, TCP).await;
    let topics: BTreeSet<TopicId> = (0..=255).map(|byte| TopicId([byte; 32])).collect();
    ann.tell(NetCommand::Topics { topics, members: BTreeSet::new() });
    say_once(&ann, &"x".repeat(40 << 10)).await;
    assert_eq!(ann.net.stats().gossip_unsent, 1);
}
