//! Ann wants to call, and asks community nodes for what a call through them needs.

use std::net::IpAddr;
use std::net::Ipv4Addr;

use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::TurnOffer;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::id::DeviceId;

use crate::rig::NOWHERE;
use crate::rig::Node;
use crate::rig::QUIC;
use crate::rig::TCP;

fn offer(user: &str) -> TurnOffer {
    TurnOffer {
        valid_secs: 600,
        urls: BoundedVec::truncated(vec![BoundedStr::truncated("turn:127.0.0.1:3478?transport=udp")]),
        user: BoundedStr::truncated(user),
        password: BoundedStr::truncated("secret"),
    }
}

async fn lender(seed: u8, listen: &str) -> Node {
    Node::start_as(seed, Role::Server, listen, |config| config.lend_turn = true).await
}

/// The next question that a node is asked, and by whom from where.
async fn asked(node: &mut Node) -> (u64, DeviceId, IpAddr) {
    node.until(|event| match event {
        NetEvent::TurnAsked { question, device, ip } => Some((*question, *device, *ip)),
        _ => None,
    })
    .await
}

/// What somebody is told next, and by whom.
async fn told(node: &mut Node) -> (DeviceId, Option<TurnOffer>) {
    node.until(|event| match event {
        NetEvent::TurnTold { device, offer } => Some((*device, offer.clone())),
        _ => None,
    })
    .await
}

/// Waits until all who were asked have answered.
async fn all_told(node: &mut Node) {
    node.until(|event| matches!(event, NetEvent::TurnAllTold).then_some(())).await;
}

/// Asks until the protocols of the node are known.
async fn ask_until_heard(ann: &mut Node) {
    loop {
        ann.tell(NetCommand::AskTurn);
        let unknown = ann
            .until(|event| match event {
                NetEvent::TurnAllTold => Some(true),
                NetEvent::TurnTold { .. } => Some(false),
                _ => None,
            })
            .await;
        if !unknown {
            return;
        }
    }
}

#[tokio::test]
async fn what_a_node_lends_reaches_who_asked_and_the_node_hears_where_they_are() {
    for listen in [TCP, QUIC] {
        let (mut max, mut ann) = (lender(9, listen).await, Node::start(1, Role::User, NOWHERE).await);
        ann.join(&max).await;
        // The first answer is “nothing now”; from then on it is known who lends.
        let asks = async {
            let (question, device, ip) = asked(&mut max).await;
            max.tell(NetCommand::AnswerTurn { question, offer: None });
            (device, ip)
        };
        let ((), seen) = tokio::join!(ask_until_heard(&mut ann), asks);
        assert_eq!(seen, (ann.device, IpAddr::V4(Ipv4Addr::LOCALHOST)));
        ann.tell(NetCommand::AskTurn);
        let (question, ..) = asked(&mut max).await;
        max.tell(NetCommand::AnswerTurn { question, offer: Some(offer("ann")) });
        assert_eq!(told(&mut ann).await, (max.device, Some(offer("ann"))));
    }
}

#[tokio::test]
async fn a_node_that_lends_nothing_is_not_asked() {
    let (max, mut ann) = (Node::start(9, Role::Server, TCP).await, Node::start(1, Role::User, NOWHERE).await);
    ann.join(&max).await;
    ann.tell(NetCommand::AskTurn);
    all_told(&mut ann).await;
}

#[tokio::test]
async fn whoever_is_connected_and_no_community_node_of_hers_is_not_asked() {
    let (mut eve, mut ann) = (lender(9, TCP).await, Node::start(1, Role::User, NOWHERE).await);
    ann.befriend(&[&eve]);
    ann.join(&eve).await;
    let asks = async {
        let (question, ..) = asked(&mut eve).await;
        eve.tell(NetCommand::AnswerTurn { question, offer: None });
    };
    tokio::join!(ask_until_heard(&mut ann), asks);
    all_told(&mut ann).await;
    ann.tell(NetCommand::RemoveBootstrap { node: eve.place() });
    ann.tell(NetCommand::AskTurn);
    all_told(&mut ann).await;
    assert_eq!(ann.kept(|event| matches!(event, NetEvent::TurnTold { .. })), 0);
    assert_eq!(ann.kept(|event| matches!(event, NetEvent::Disconnected { .. })), 0, "though she is there");
}
