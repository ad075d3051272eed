//! Two swarms in memory, which ask each other and nothing else. Intervals are an hour where nothing is to be asked: what
//! comes all the same fails the test, and what does not come hangs it.

use futures::StreamExt as _;
use futures::future::select;
use libp2p::Swarm;
use libp2p::Transport as _;
use libp2p::core::transport::MemoryTransport;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::noise;
use libp2p::swarm::Config;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dummy;
use libp2p::yamux;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(10);

fn swarm<B: NetworkBehaviour>(seed: u8, behaviour: B) -> Swarm<B> {
    let keypair = Keypair::ed25519_from_bytes([seed; 32]).unwrap();
    let transport = MemoryTransport::default()
        .upgrade(Version::V1)
        .authenticate(noise::Config::new(&keypair).unwrap())
        .multiplex(yamux::Config::default())
        .boxed();
    let config = Config::with_tokio_executor().with_idle_connection_timeout(HOUR);
    Swarm::new(transport, behaviour, keypair.public().to_peer_id(), config)
}

/// Ann, who dials, and Bob. What each heard is kept in order.
struct Two {
    ann: Swarm<Behaviour>,
    bob: Swarm<Behaviour>,
    heard: [Vec<Sign>; 2],
    /// The connection as each of them calls it.
    connections: [Option<ConnectionId>; 2],
}

impl Two {
    async fn meet(ann: Duration, bob: Duration) -> Self {
        let (mut ann, mut bob) = (swarm(1, Behaviour::new(ann)), swarm(2, Behaviour::new(bob)));
        bob.listen_on("/memory/0".parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = bob.select_next_some().await {
                break address;
            }
        };
        ann.dial(address).unwrap();
        let mut two = Self { ann, bob, heard: Default::default(), connections: [None; 2] };
        two.until(|two| two.connections.iter().all(Option::is_some)).await;
        two
    }

    /// Goes on until something is so.
    async fn until(&mut self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            let next = select(self.ann.next(), self.bob.next()).await;
            let (event, whose) = match next {
                futures::future::Either::Left((event, _)) => (event, 0),
                futures::future::Either::Right((event, _)) => (event, 1),
            };
            match event.unwrap() {
                SwarmEvent::Behaviour(event) => self.heard[whose].push(event.sign),
                SwarmEvent::ConnectionEstablished { connection_id, .. } => {
                    self.connections[whose] = Some(connection_id);
                }
                SwarmEvent::ConnectionClosed { .. } => panic!("nobody hangs up here"),
                _ => {}
            }
        }
    }

    fn ann_is_answered(&self) -> usize {
        answers(&self.heard[0])
    }

    fn bob_is_answered(&self) -> usize {
        answers(&self.heard[1])
    }

    fn bob_is_asked(&self) -> usize {
        self.heard[1].iter().filter(|sign| **sign == Sign::Asked).count()
    }
}

fn answers(heard: &[Sign]) -> usize {
    heard.iter().filter(|sign| matches!(sign, Sign::Answered(_))).count()
}

fn asks(heard: &[Sign]) -> usize {
    heard.iter().filter(|sign| **sign == Sign::Asking).count()
}

#[tokio::test]
async fn on_a_calm_connection_the_dialler_asks_once_and_the_listener_hears_it() {
    let mut two = Two::meet(HOUR, HOUR).await;
    two.until(|two| two.ann_is_answered() == 1 && two.bob_is_asked() == 1).await;
    assert_eq!(two.heard[1], [Sign::Asked], "no reason to ask");
    assert_eq!(asks(&two.heard[0]), 0, "the first question is not held against anybody");
}

#[tokio::test]
async fn a_listener_who_hears_nothing_asks_and_says_when() {
    let mut two = Two::meet(HOUR, SHORT).await;
    two.until(|two| two.bob_is_answered() == 3).await;
    let heard: Vec<bool> =
        two.heard[1].iter().filter(|sign| **sign != Sign::Asked).map(|sign| *sign == Sign::Asking).collect();
    assert_eq!(
        heard,
        [true, false, true, false, true, false],
        "each answer was waited for from its question on"
    );
}

#[tokio::test]
async fn whoever_asks_without_end_is_answered_and_reported_seldom() {
    let mut two = Two::meet(Duration::from_millis(1), HOUR).await;
    two.until(|two| two.ann_is_answered() >= 50 && two.bob_is_asked() > 0).await;
    assert_eq!(two.heard[1], [Sign::Asked], "one report for a quarter of an hour");
    assert!(asks(&two.heard[0]) >= 49);
}

#[tokio::test]
async fn an_interval_that_becomes_shorter_holds_at_once_and_a_longer_one_after_the_next_question() {
    let mut two = Two::meet(HOUR, HOUR).await;
    two.until(|two| two.ann_is_answered() == 1).await;
    let (bob, connection) = (*two.bob.local_peer_id(), two.connections[0].unwrap());
    two.ann.behaviour_mut().set_interval(bob, connection, SHORT);
    two.until(|two| two.ann_is_answered() == 3).await;
    // Whoever judged by the short one waits for that question.
    two.ann.behaviour_mut().set_interval(bob, connection, HOUR);
    two.until(|two| two.ann_is_answered() == 4).await;
}

#[tokio::test]
async fn everybody_can_be_asked_at_once() {
    let mut two = Two::meet(HOUR, HOUR).await;
    two.until(|two| two.ann_is_answered() == 1 && two.bob_is_asked() == 1).await;
    let (ann, bob) = (*two.ann.local_peer_id(), *two.bob.local_peer_id());
    let [at_ann, at_bob] = two.connections.map(Option::unwrap);
    two.ann.behaviour_mut().ask_now(bob, at_ann);
    two.until(|two| two.ann_is_answered() == 2).await;
    two.bob.behaviour_mut().ask_now(ann, at_bob);
    two.until(|two| two.bob_is_answered() == 1).await;
}

#[tokio::test]
async fn whoever_knows_no_questions_is_reported_once() {
    let (mut ann, mut bob) = (swarm(1, Behaviour::new(SHORT)), swarm(2, dummy::Behaviour));
    bob.listen_on("/memory/0".parse().unwrap()).unwrap();
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = bob.select_next_some().await {
            break address;
        }
    };
    ann.dial(address).unwrap();
    tokio::spawn(async move {
        loop {
            bob.select_next_some().await;
        }
    });
    let mut sign = None;
    while sign.is_none() {
        if let SwarmEvent::Behaviour(event) = ann.select_next_some().await {
            sign = Some(event.sign);
        }
    }
    assert_eq!(sign, Some(Sign::Unknown));
}

#[test]
fn a_question_comes_before_whoever_waits_for_it_gives_up() {
    for every in [5, 10, 15, 20, 30].map(Duration::from_secs) {
        let reported_late = every / REPORTS;
        for side in [Side::Dialler, Side::Listener] {
            assert!(reported_late + patience(side, every) <= asks_within(every));
        }
    }
}
