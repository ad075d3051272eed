//! Community nodes that serve as mailboxes: the real service on simulated disks, and the streams of people to it.

use std::collections::BTreeMap;

use kith_engine::input::NetInput;
use kith_mailbox::Effect;
use kith_mailbox::Input;
use kith_mailbox::Mailbox;
use kith_mailbox::Output;
use kith_mailbox::input::Source;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

pub use kith_mailbox::Config;
pub use kith_mailbox::voucher_hash;

use crate::action::Who;
use crate::disk::Disk;
use crate::hostile::Conduct;
use crate::hostile::Mask;

/// A community node, by number.
pub type Host = usize;

/// Something on its way between a person and a mailbox.
#[derive(Debug)]
pub enum Sent {
    /// To a person.
    ToPerson(Who, NetInput),
    /// To a person, by a mailbox that holds everything back.
    Late(Who, NetInput, Span),
    /// To a mailbox.
    ToHost(Host, Input),
}

impl Sent {
    /// How long it is held back.
    pub fn held_back(&self) -> Span {
        match self {
            Self::Late(_, _, pause) => *pause,
            Self::ToPerson(..) | Self::ToHost(..) => Span(0),
        }
    }
}

/// What the nodes of a world were asked and said, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests.
    pub requests: u64,
    /// Deposits among them.
    pub deposits: u64,
    /// Bytes of requests.
    pub bytes_in: u64,
    /// Bytes of answers.
    pub bytes_out: u64,
}

/// What the nodes of a world hold, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Envelopes.
    pub envelopes: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

struct Node {
    seed: [u8; 32],
    device: DeviceId,
    disk: Disk,
    mailbox: Option<Mailbox>,
    config: Config,
    crash: bool,
    mask: Mask,
    /// Gone for good.
    lost: bool,
}

/// A mailbox that anybody may use without work.
pub fn open_to_all() -> Config {
    Config { open: true, ..Config::default() }
}

/// All community nodes.
#[derive(Default)]
pub struct Post {
    nodes: Vec<Node>,
    to_node: BTreeMap<(Who, u64), (Host, u64)>,
    to_person: BTreeMap<(Host, u64), (Who, u64)>,
    next: u64,
    /// What was asked and said.
    pub traffic: Traffic,
}

impl Post {
    /// Adds a node and switches it on.
    pub fn add(&mut self, seed: [u8; 32], config: Config, now: Timestamp) {
        let mut node = Node {
            seed,
            device: DeviceId([0; 32]),
            disk: Disk::default(),
            mailbox: None,
            config,
            crash: false,
            mask: Mask::default(),
            lost: false,
        };
        node.start(now);
        self.nodes.push(node);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The nodes that are on, as people are told of them.
    pub fn on(&self) -> Vec<DeviceAddress> {
        let on = self.nodes.iter().enumerate().filter(|(_, node)| node.mailbox.is_some());
        on.map(|(host, node)| DeviceAddress { device: node.device, address: address(host) }).collect()
    }

    /// Whether a node is on.
    pub fn is_on(&self, host: Host) -> bool {
        self.nodes.get(host).is_some_and(|node| node.mailbox.is_some())
    }

    /// Switches a node on. Returns its place if it was off.
    pub fn start(&mut self, host: Host, now: Timestamp) -> Option<DeviceAddress> {
        let node = self.nodes.get_mut(host).filter(|node| node.mailbox.is_none() && !node.lost)?;
        node.start(now);
        Some(DeviceAddress { device: node.device, address: address(host) })
    }

    /// Switches a node off in the middle of whatever it does. Returns who notices, and which node it was.
    pub fn stop(&mut self, host: Host) -> (Vec<Sent>, Option<DeviceId>) {
        let Some(node) = self.nodes.get_mut(host).filter(|node| node.mailbox.is_some()) else {
            return (Vec::new(), None);
        };
        node.mailbox = None;
        node.crash = false;
        let device = node.device;
        let ended: Vec<_> = self.to_person.keys().filter(|(of, _)| *of == host).copied().collect();
        (ended.into_iter().filter_map(|end| self.end(end)).collect(), Some(device))
    }

    /// The next thing that a node does is lost before it is on disk, and the node stops.
    pub fn crash(&mut self, host: Host) {
        if let Some(node) = self.nodes.get_mut(host) {
            node.crash = true;
        }
    }

    /// A node, which is off, never comes back, and what it held is gone.
    pub fn lose(&mut self, host: Host) {
        if let Some(node) = self.nodes.get_mut(host) {
            node.disk = Disk::default();
            node.lost = true;
        }
    }

    /// A node, which is off, has no room any more when it is on again.
    pub fn fill(&mut self, host: Host) {
        if let Some(node) = self.nodes.get_mut(host) {
            node.config.capacity_bytes = 0;
        }
    }

    /// A node behaves like this from now on.
    pub fn wear(&mut self, host: Host, conduct: Conduct) {
        if let Some(node) = self.nodes.get_mut(host) {
            node.mask.wear(conduct);
        }
    }

    /// What all of them hold now.
    pub fn held(&self) -> Held {
        let mut held = Held::default();
        for node in &self.nodes {
            let overview = node.mailbox.as_ref().map(Mailbox::overview).unwrap_or_default();
            held.envelopes += overview.envelopes;
            held.rows += node.disk.rows() as u64;
            held.bytes += node.disk.size() as u64;
        }
        held
    }

    /// A person's computer is off: their streams are gone.
    pub fn left(&mut self, who: Who) -> Vec<Sent> {
        let gone: Vec<_> = self.to_node.keys().filter(|(of, _)| *of == who).copied().collect();
        gone.into_iter().flat_map(|(who, stream)| self.close(who, stream)).collect()
    }

    /// A person opens a stream.
    pub fn open(&mut self, who: Who, stream: u64, device: &DeviceId, reachable: bool) -> Vec<Sent> {
        let found = self.nodes.iter().position(|node| node.device == *device && node.mailbox.is_some());
        let Some(host) = found.filter(|_| reachable) else {
            return vec![Sent::ToPerson(who, NetInput::MailboxClosed { stream })];
        };
        self.next += 1;
        let name = self.next;
        self.to_node.insert((who, stream), (host, name));
        self.to_person.insert((host, name), (who, stream));
        let from = Source { network: who as u64, local: false };
        vec![
            Sent::ToHost(host, Input::Opened { stream: name, from }),
            Sent::ToPerson(who, NetInput::MailboxOpened { stream }),
        ]
    }

    /// A person asks something.
    pub fn ask(&mut self, who: Who, stream: u64, request: Numbered<Request>) -> Vec<Sent> {
        let Some((host, stream)) = self.to_node.get(&(who, stream)).copied() else { return Vec::new() };
        self.traffic.requests += 1;
        self.traffic.deposits += u64::from(matches!(request.word, Request::Deposit { .. }));
        self.traffic.bytes_in += 4 + request.to_bytes().len() as u64;
        vec![Sent::ToHost(host, Input::Asked { stream, request })]
    }

    /// A person closes a stream.
    pub fn close(&mut self, who: Who, stream: u64) -> Vec<Sent> {
        let Some((host, stream)) = self.to_node.remove(&(who, stream)) else { return Vec::new() };
        self.to_person.remove(&(host, stream));
        vec![Sent::ToHost(host, Input::Closed { stream })]
    }

    /// A stream ends at the node's side.
    fn end(&mut self, end: (Host, u64)) -> Option<Sent> {
        let (who, stream) = self.to_person.remove(&end)?;
        self.to_node.remove(&(who, stream));
        Some(Sent::ToPerson(who, NetInput::MailboxClosed { stream }))
    }

    /// Something arrives at a node: one step of the service, one commit, then its effects. Returns what it sends, and
    /// whether it crashed.
    pub fn arrive(&mut self, host: Host, input: Input, now: Timestamp) -> (Vec<Sent>, bool) {
        let Some(node) = self.nodes.get_mut(host) else { return (Vec::new(), false) };
        let Some(mailbox) = node.mailbox.as_mut() else { return (Vec::new(), false) };
        let mut out = Output::new();
        let fits = "a simulated disk can be read";
        mailbox.handle(now, input, &node.disk, &mut out).expect(fits);
        while mailbox.next_wake().is_some_and(|at| at <= now) {
            mailbox.handle(now, Input::Wake, &node.disk, &mut out).expect(fits);
        }
        if node.crash && !out.has_no_writes() {
            return (Vec::new(), true);
        }
        node.disk.commit(out.take_writes());
        let mut sent = Vec::new();
        for effect in out.take_effects() {
            match effect {
                Effect::Answer { stream, answer } => {
                    let bytes = answer.wire_bytes() as u64;
                    if let Some((who, to)) = self.to_person.get(&(host, stream)).copied() {
                        sent.extend(self.say(host, now, who, to, answer));
                        sent.push(Sent::ToHost(host, Input::Drained { stream, bytes }));
                    }
                }
                Effect::Close { stream, .. } => sent.extend(self.end((host, stream))),
            }
        }
        (sent, false)
    }

    /// What a node sends in the place of an answer.
    fn say(
        &mut self,
        host: Host,
        now: Timestamp,
        who: Who,
        stream: u64,
        answer: Numbered<Answer>,
    ) -> Vec<Sent> {
        let Some(node) = self.nodes.get_mut(host) else { return Vec::new() };
        let pause = node.mask.held_back();
        let said = node.mask.twist(now, who as u64, answer).into_iter();
        said.map(|answer| {
            self.traffic.bytes_out += answer.wire_bytes() as u64;
            let said = NetInput::MailboxAnswered { stream, answer };
            if pause == Span(0) { Sent::ToPerson(who, said) } else { Sent::Late(who, said, pause) }
        })
        .collect()
    }
}

impl Node {
    fn start(&mut self, now: Timestamp) {
        let mailbox = Mailbox::restore(self.config.clone(), &self.seed, now, self.seed, &self.disk)
            .expect("what was committed can be restored");
        self.device = mailbox.device();
        self.mailbox = Some(mailbox);
    }
}

fn address(host: Host) -> Multiaddress {
    Multiaddress::new(format!("sim/host/{host}").into_bytes()).expect("a short text fits an address")
}
