//! Who learns where a device is: whoever asks a relay for it does not, whoever is known does.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::AsyncRead;
use futures::AsyncReadExt as _;
use futures::AsyncWrite;
use futures::AsyncWriteExt as _;
use futures::StreamExt as _;
use kith_net::NetCommand;
use kith_net::Role;
use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use libp2p::Multiaddr;
use libp2p::Swarm;
use libp2p::SwarmBuilder;
use libp2p::dcutr;
use libp2p::identify;
use libp2p::multiaddr::Protocol;
use libp2p::noise;
use libp2p::relay;
use libp2p::request_response;
use libp2p::request_response::Message;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::SwarmEvent;
use libp2p::tcp;
use libp2p::yamux;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::mpsc;

use crate::mallory::counted;
use crate::rig::NOWHERE;
use crate::rig::Node;
use crate::rig::TCP;

/// Where Ann's router lets her be reached.
const ANN_IS_AT: &str = "/ip4/192.0.2.7/tcp/4001";

/// Addresses that a device is dialled at in one round.
const MAX_TRIED: usize = 8;

/// Who asks a relay for somebody, with libp2p alone: speaks identify, and writes down what is said to punch a hole.
#[derive(NetworkBehaviour)]
struct Asker {
    circuits: relay::client::Behaviour,
    identify: identify::Behaviour,
    punch: request_response::Behaviour<Handshake>,
}

/// The side of DCUtR that dialled through the relay, as far as the first word and the answer to it.
#[derive(Clone, Default)]
struct Handshake {
    /// What keeps the stream open after the answer: the other side has a last word.
    dialled: Arc<Notify>,
}

impl request_response::Codec for Handshake {
    type Protocol = libp2p::StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &Self::Protocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut count = 0;
        for shift in [0, 7] {
            let mut byte = [0];
            io.read_exact(&mut byte).await?;
            count |= usize::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                break;
            }
        }
        let mut word = vec![0; count];
        io.read_exact(&mut word).await?;
        Ok(word)
    }

    async fn read_response<T>(&mut self, _: &Self::Protocol, _: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_request<T>(&mut self, _: &Self::Protocol, _: &mut T, _: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_response<T>(&mut self, _: &Self::Protocol, io: &mut T, word: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&word).await?;
        io.flush().await?;
        self.dialled.notified().await;
        Ok(())
    }
}

/// The word `Connect` of DCUtR with these addresses, behind its length.
fn connect(addresses: &[Multiaddr]) -> Vec<u8> {
    let mut word = vec![0x08, 100];
    for address in addresses {
        word.extend([0x12, u8::try_from(address.len()).unwrap()]);
        word.extend(address.to_vec());
    }
    let count = word.len();
    let mut said = vec![u8::try_from(count & 0x7f).unwrap() | 0x80, u8::try_from(count >> 7).unwrap()];
    said.extend(word);
    said
}

/// Somebody who goes to Ann through the relay, and the device that Ann takes them for.
fn asker(seed: u8, ann: &Node, lent: &Multiaddress) -> (DeviceId, Swarm<Asker>, Arc<Notify>) {
    let device = kith_net::net::device_of_seed(&[seed; 32]).unwrap();
    let keypair = libp2p::identity::Keypair::ed25519_from_bytes([seed; 32]).unwrap();
    let handshake = Handshake::default();
    let dialled = Arc::clone(&handshake.dialled);
    let mut swarm = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_relay_client(noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|keypair, circuits| Asker {
            circuits,
            identify: identify::Behaviour::new(identify::Config::new(
                "/kith/id/1.0.0".into(),
                keypair.public(),
            )),
            punch: request_response::Behaviour::with_codec(
                handshake,
                [(dcutr::PROTOCOL_NAME, request_response::ProtocolSupport::Inbound)],
                request_response::Config::default(),
            ),
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(3_600)))
        .build();
    let ann = libp2p::PeerId::from_bytes(&ann.device.to_peer_id_bytes()).unwrap();
    let lent = Multiaddr::try_from(lent.as_bytes().to_vec()).unwrap();
    swarm.dial(lent.with(Protocol::P2p(ann))).unwrap();
    (device, swarm, dialled)
}

/// Ann, who has an address to tell, behind a relay, and where that leads to her. She soon ends what is of no use to her.
async fn ann_behind(server: &Node) -> (Node, Multiaddress) {
    let mut ann = Node::start_as(1, Role::User, TCP, |config| {
        config.external = vec![ANN_IS_AT.to_owned()];
        config.limits.relay_pause = Duration::from_millis(10);
        config.limits.idle = Duration::from_millis(500);
    })
    .await;
    ann.join(server).await;
    let lent = ann.lent().await;
    (ann, lent)
}

/// What somebody was told by the other side of a relay.
#[derive(Default)]
struct Told {
    addresses: Vec<Multiaddr>,
    protocols: usize,
    was_punched: bool,
}

#[tokio::test]
async fn who_asks_a_relay_for_somebody_is_not_told_where_they_are() {
    let server = Node::start(9, Role::Server, TCP).await;
    let (ann, lent) = ann_behind(&server).await;
    let (_, mut mallory, _) = asker(66, &ann, &lent);
    let ann_is = libp2p::PeerId::from_bytes(&ann.device.to_peer_id_bytes()).unwrap();
    let mut told = Told::default();
    loop {
        match mallory.select_next_some().await {
            SwarmEvent::Behaviour(AskerEvent::Identify(identify::Event::Received {
                peer_id, info, ..
            })) if peer_id == ann_is => {
                told.addresses.extend(info.listen_addrs);
                told.protocols += info.protocols.len();
            }
            SwarmEvent::Behaviour(AskerEvent::Punch(request_response::Event::Message { .. })) => {
                told.was_punched = true;
                break;
            }
            SwarmEvent::ConnectionClosed { peer_id, .. } if peer_id == ann_is => break,
            _ => {}
        }
    }
    assert!(!told.was_punched, "Ann offered to punch a hole, and so said where she was seen");
    assert_eq!(told.addresses, [], "Ann said where she is");
    assert!(told.protocols > 0, "she does say what she speaks, and then has nothing to say to Mallory");
}

#[tokio::test]
async fn a_known_device_is_told_and_what_it_says_is_dialled_within_bounds() {
    let server = Node::start(9, Role::Server, TCP).await;
    let (ann, lent) = ann_behind(&server).await;
    let ann_is = libp2p::PeerId::from_bytes(&ann.device.to_peer_id_bytes()).unwrap();
    // Bob says that he is at twenty ports at once.
    let (dialled, mut dials) = mpsc::channel(64);
    let mut ports = Vec::new();
    for _ in 0..20 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        ports.push(listener.local_addr().unwrap().port());
        let dialled = dialled.clone();
        tokio::spawn(async move {
            while let Ok((_, at)) = listener.accept().await.and_then(|(stream, _)| {
                let at = stream.local_addr()?.port();
                Ok((stream, at))
            }) {
                let _ = dialled.send(at).await;
            }
        });
    }
    let says: Vec<Multiaddr> =
        ports.iter().map(|port| format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()).collect();
    let bob_is = kith_net::net::device_of_seed(&[67; 32]).unwrap();
    ann.keep(BTreeSet::from([bob_is]));
    let (_, mut bob, was_dialled) = asker(67, &ann, &lent);
    let (mut told, mut tried, mut rounds) = (Told::default(), BTreeSet::new(), 0);
    while rounds < 2 || told.addresses.is_empty() {
        tokio::select! {
            biased;
            Some(port) = dials.recv() => {
                tried.insert(port);
                was_dialled.notify_one();
            }
            event = bob.select_next_some() => match event {
                SwarmEvent::Behaviour(AskerEvent::Identify(identify::Event::Received {
                    peer_id, info, ..
                })) if peer_id == ann_is => told.addresses.extend(info.listen_addrs),
                SwarmEvent::Behaviour(AskerEvent::Punch(request_response::Event::Message {
                    message: Message::Request { channel, .. },
                    ..
                })) => {
                    rounds += 1;
                    let _ = bob.behaviour_mut().punch.send_response(channel, connect(&says));
                }
                _ => {}
            }
        }
    }
    assert!(told.addresses.contains(&ANN_IS_AT.parse().unwrap()), "Bob may know where Ann is");
    // The second round begins when everything in the first has failed.
    let last: BTreeSet<u16> = ports[ports.len() - MAX_TRIED..].iter().copied().collect();
    assert_eq!(tried, last, "Ann tries a few of them");
}

#[tokio::test]
async fn who_becomes_known_while_connected_through_a_relay_is_reached_directly() {
    let server = Node::start(9, Role::Server, TCP).await;
    let quick = |limits: &mut kith_net::config::Limits| {
        limits.relay_pause = Duration::from_millis(10);
        limits.punch_again = Duration::from_millis(100);
    };
    let mut ann = Node::start_with(1, Role::User, TCP, quick).await;
    let mut bob = Node::start_with(2, Role::User, TCP, quick).await;
    let mut dan = Node::start_with(3, Role::User, NOWHERE, quick).await;
    // Ann and Bob keep each other connected and may not know where the other is: Bob was asked, and has not answered.
    let keeps = |devices: &[&Node], known: &[&Node]| {
        let set = |nodes: &[&Node]| nodes.iter().map(|node| node.device).collect();
        NetCommand::KeepConnected { devices: set(devices), known: set(known) }
    };
    ann.tell(keeps(&[&bob, &dan], &[&dan]));
    bob.tell(keeps(&[&ann], &[]));
    dan.befriend(&[&ann]);
    for other in [&mut bob, &mut dan] {
        other.join(&server).await;
        let lent = other.lent().await;
        ann.dial_at(other, &lent);
        ann.path(other.device, true).await;
    }
    bob.path(ann.device, true).await;
    // The time in which a hole to Bob would have been punched is over: one to Dan was tried, whom nobody can dial.
    counted(&server.net, |stats| stats.circuits_begun >= 3).await;
    bob.befriend(&[&ann]);
    bob.say(&ann, 1);
    assert_eq!(ann.hear(bob.device).await, 1, "Bob agreed, and said so");
    ann.befriend(&[&bob, &dan]);
    ann.path(bob.device, false).await;
    bob.path(ann.device, false).await;
}
