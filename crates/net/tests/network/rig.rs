//! A node under test, and waiting for what it reports.

use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_net::EventReceiver;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetConfig;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::config::Limits;
use kith_net::config::Listen;
use kith_net::net::device_of_seed;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::HEADER_BYTES;
use kith_proto::envelope::SIZE_CLASSES;
use kith_proto::frame::Frame;
use kith_proto::id::DeviceId;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

pub(crate) const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub(crate) const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
pub(crate) const WEB_SOCKET: &str = "/ip4/127.0.0.1/tcp/0/ws";
/// Nowhere: nobody can dial this node.
pub(crate) const NOWHERE: &str = "";

pub(crate) struct Node {
    pub device: DeviceId,
    pub net: Net,
    pub address: Multiaddress,
    events: EventReceiver,
    kept: VecDeque<NetEvent>,
}

impl Node {
    pub(crate) async fn start(seed: u8, role: Role, listen: &str) -> Self {
        Self::start_with(seed, role, listen, |_| {}).await
    }

    pub(crate) async fn start_with(
        seed: u8,
        role: Role,
        listen: &str,
        change: impl FnOnce(&mut Limits),
    ) -> Self {
        Self::start_as(seed, role, listen, |config| change(&mut config.limits)).await
    }

    pub(crate) async fn start_as(
        seed: u8,
        role: Role,
        listen: &str,
        change: impl FnOnce(&mut NetConfig),
    ) -> Self {
        let mut config = NetConfig::new(Zeroizing::new([seed; 32]), role);
        config.listen = vec![Listen { address: listen.to_owned(), remembered: None }];
        config.listen.retain(|listen| listen.address != NOWHERE);
        config.mdns = false;
        change(&mut config);
        let (net, events) = Net::start(config, &Handle::current()).unwrap();
        let device = device_of_seed(&[seed; 32]).unwrap();
        let address = Multiaddress::new(vec![0]).unwrap();
        let mut node = Self { device, net, address, events, kept: VecDeque::new() };
        if listen == NOWHERE {
            return node;
        }
        node.address = node
            .until(|event| match event {
                NetEvent::Listening { address, .. } => Some(address.clone()),
                _ => None,
            })
            .await;
        node
    }

    pub(crate) fn place(&self) -> DeviceAddress {
        DeviceAddress { device: self.device, address: self.address.clone() }
    }

    pub(crate) fn tell(&self, command: NetCommand) {
        self.net.command(command).unwrap();
    }

    pub(crate) fn dial(&self, other: &Self) {
        self.tell(NetCommand::Dial { device: other.device, addresses: vec![other.address.clone()] });
    }

    pub(crate) fn dial_at(&self, other: &Self, address: &Multiaddress) {
        self.tell(NetCommand::Dial { device: other.device, addresses: vec![address.clone()] });
    }

    /// Keeps a community node, and waits until it is connected.
    pub(crate) async fn join(&mut self, server: &Self) {
        self.tell(NetCommand::AddBootstrap { node: server.place() });
        let joined = server.device;
        self.until(|event| match event {
            NetEvent::BootstrapConnected { node } if node.device == joined => Some(()),
            _ => None,
        })
        .await;
    }

    /// Waits for an address that a relay lends.
    pub(crate) async fn lent(&mut self) -> Multiaddress {
        self.until(|event| match event {
            NetEvent::Listening { listener: None, address } => Some(address.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until a device is reached through a relay, or directly.
    pub(crate) async fn path(&mut self, other: DeviceId, through_relay: bool) {
        self.until(|event| match event {
            NetEvent::Path { device, relayed } if *device == other && *relayed == through_relay => Some(()),
            _ => None,
        })
        .await;
    }

    pub(crate) fn befriend(&self, others: &[&Self]) {
        self.keep(others.iter().map(|other| other.device).collect());
    }

    /// Keeps these devices connected, and lets them know where this one is.
    pub(crate) fn keep(&self, devices: BTreeSet<DeviceId>) {
        self.tell(NetCommand::KeepConnected { known: devices.clone(), devices });
    }

    pub(crate) fn say(&self, other: &Self, number: u64) {
        self.tell(NetCommand::Send { device: other.device, frame: frame(number) });
    }

    /// The first event that `pick` wants; those before it are kept for later calls.
    pub(crate) async fn until<T>(&mut self, mut pick: impl FnMut(&NetEvent) -> Option<T>) -> T {
        for index in 0..self.kept.len() {
            if let Some(found) = pick(&self.kept[index]) {
                self.kept.remove(index);
                return found;
            }
        }
        loop {
            let event = self.events.next().await.expect("the network runs");
            if let Some(found) = pick(&event) {
                return found;
            }
            self.kept.push_back(event);
        }
    }

    /// Waits until a device is connected.
    pub(crate) async fn meet(&mut self, other: DeviceId) {
        self.until(|event| {
            matches!(event, NetEvent::Connected { device, .. } if *device == other).then_some(())
        })
        .await;
    }

    /// Waits until a device is gone.
    pub(crate) async fn lose(&mut self, other: DeviceId) {
        self.until(|event| {
            matches!(event, NetEvent::Disconnected { device } if *device == other).then_some(())
        })
        .await;
    }

    /// The number in the next frame from a device.
    pub(crate) async fn hear(&mut self, other: DeviceId) -> u64 {
        self.until(|event| match event {
            NetEvent::Frame { device, frame } if *device == other => Some(number_of(frame)),
            _ => None,
        })
        .await
    }

    /// How often an event like this came and was not asked for.
    pub(crate) fn kept(&self, like: impl Fn(&NetEvent) -> bool) -> usize {
        self.kept.iter().filter(|event| like(event)).count()
    }

    pub(crate) async fn stop(self) {
        self.events.shut_down().await.unwrap();
    }
}

/// Two nodes that are connected and friends.
pub(crate) async fn pair(listen: &str) -> (Node, Node) {
    pair_with(listen, |_| {}).await
}

/// The same, the first with other limits.
pub(crate) async fn pair_with(listen: &str, change: impl FnOnce(&mut Limits)) -> (Node, Node) {
    let mut ann = Node::start_with(1, Role::User, listen, change).await;
    let mut bob = Node::start(2, Role::User, listen).await;
    ann.befriend(&[&bob]);
    bob.befriend(&[&ann]);
    ann.dial(&bob);
    ann.meet(bob.device).await;
    bob.meet(ann.device).await;
    (ann, bob)
}

/// A frame with a number in it.
pub(crate) fn frame(number: u64) -> Frame {
    let mut sealed = vec![7; SIZE_CLASSES[0] - HEADER_BYTES];
    sealed[..8].copy_from_slice(&number.to_be_bytes());
    Frame::Put(Envelope::new([9; 16], &sealed).unwrap())
}

fn number_of(frame: &Frame) -> u64 {
    match frame {
        Frame::Put(envelope) => {
            u64::from_be_bytes(envelope.as_bytes()[HEADER_BYTES..HEADER_BYTES + 8].try_into().unwrap())
        }
        _ => panic!("only numbered frames are sent here"),
    }
}
