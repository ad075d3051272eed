//! People with the real engine who are never there at once, and community nodes with the real mailbox that write down
//! whatever they are asked, answer, store and are told to keep in the DHT.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use kith_engine::Command;
use kith_engine::Effect;
use kith_engine::Event;
use kith_engine::command;
use kith_engine::input::AddressRank;
use kith_engine::input::NetInput;
use kith_mailbox::Config;
use kith_mailbox::Input;
use kith_mailbox::Mailbox;
use kith_mailbox::Output;
use kith_mailbox::input::Source;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::id::RecordKey;
use kith_proto::invite::Invite;
use kith_proto::mailbox::Request;
use kith_proto::record::Record;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use kith_simulations::disk::Disk;
use kith_simulations::person::Person;

/// The middle of a period of fourteen days, at a full hour.
const BEGIN: Timestamp = Timestamp(1_488 * 14 * 86_400_000 + 7 * 86_400_000);

/// A community node and what it has seen.
pub(crate) struct Node {
    pub(crate) device: DeviceId,
    pub(crate) disk: Disk,
    mailbox: Mailbox,
    /// Who asked what, in order.
    pub(crate) asked: Vec<(usize, Request)>,
    /// The bytes of all requests, answers, rows and records, with what they were.
    pub(crate) seen: Vec<(String, Vec<u8>)>,
}

impl Node {
    fn new(seed: u8) -> Self {
        // Little work: what it costs is tested elsewhere.
        let config = Config { opening_bits: Some(4), knock_bits: 4, knock_rise_bits: 0, ..Config::default() };
        let disk = Disk::default();
        let mailbox = Mailbox::restore(config, &[seed; 32], BEGIN, [seed; 32], &disk).unwrap();
        Self { device: mailbox.device(), disk, mailbox, asked: Vec::new(), seen: Vec::new() }
    }

    fn saw(&mut self, what: &str, bytes: Vec<u8>) {
        self.seen.push((what.to_owned(), bytes));
    }
}

/// Everybody.
pub(crate) struct Street {
    pub(crate) now: Timestamp,
    pub(crate) people: Vec<Person>,
    pub(crate) nodes: Vec<Node>,
    /// Links that were made.
    pub(crate) invites: Vec<Invite>,
    /// Wishes that an engine refused: the mail did not go through.
    pub(crate) refused: Vec<String>,
    dht: BTreeMap<RecordKey, Record>,
    streams: BTreeMap<(usize, u64), (usize, u64)>,
    waiting: VecDeque<(usize, Input)>,
    next: u64,
}

impl Street {
    /// Nobody is there yet; the nodes are.
    pub(crate) fn new(names: &[&str], nodes: u8) -> Self {
        let person = |(name, seed): (&&str, u8)| Person::new(name, [seed; 32], BEGIN);
        Self {
            now: BEGIN,
            people: names.iter().zip(100..).map(person).collect(),
            nodes: (1..=nodes).map(Node::new).collect(),
            invites: Vec::new(),
            refused: Vec::new(),
            dht: BTreeMap::new(),
            streams: BTreeMap::new(),
            waiting: VecDeque::new(),
            next: 0,
        }
    }

    /// Where somebody listens.
    pub(crate) fn address(who: usize) -> Multiaddress {
        Multiaddress::new(format!("sim/the-house-with-number-{who}").into_bytes()).unwrap()
    }

    /// Somebody is there alone for three minutes, with wishes; then they have gone.
    pub(crate) fn visit(&mut self, who: usize, wishes: Vec<Command>) {
        self.next += 1;
        let mut entropy = [who as u8 + 1; 32];
        entropy[..8].copy_from_slice(&self.next.to_le_bytes());
        let effects = self.people[who].start(entropy, self.now);
        let address = Self::address(who);
        self.tell(who, NetInput::Listening { address, rank: AddressRank::Local });
        self.tell(who, NetInput::Peers { connected: 2, dht: 2 });
        for host in 0..self.nodes.len() {
            let address = Multiaddress::new(format!("sim/node/{host}").into_bytes()).unwrap();
            let node = DeviceAddress { device: self.nodes[host].device, address };
            self.tell(who, NetInput::BootstrapConnected { node });
        }
        self.run_effects(who, effects);
        self.elapse(Span::from_minutes(1));
        for wish in wishes {
            self.people[who].command(wish);
        }
        self.elapse(Span::from_minutes(2));
        self.people[who].engine = None;
        for ((_, _), (host, stream)) in std::mem::take(&mut self.streams) {
            self.waiting.push_back((host, Input::Closed { stream }));
        }
        self.elapse(Span::from_minutes(1));
    }

    /// Lets everything happen that is due.
    pub(crate) fn elapse(&mut self, span: Span) {
        let end = self.now + span;
        loop {
            while let Some((host, input)) = self.waiting.pop_front() {
                self.serve(host, input);
            }
            let due = |at: Option<Timestamp>, now| at.is_some_and(|at| at <= now);
            let wake = |person: &Person| person.engine.as_ref().and_then(kith_engine::Engine::next_wake);
            let busy = |person: &Person| person.engine.is_some() && !person.inbox.is_empty();
            let ready = self.people.iter().position(|one| busy(one) || due(wake(one), self.now));
            if let Some(who) = ready {
                self.step(who);
            } else if let Some(host) =
                self.nodes.iter().position(|one| due(one.mailbox.next_wake(), self.now))
            {
                self.serve(host, Input::Wake);
            } else {
                let people = self.people.iter().filter_map(wake);
                let next = people.chain(self.nodes.iter().filter_map(|node| node.mailbox.next_wake())).min();
                let Some(next) = next.filter(|at| *at <= end) else { break };
                self.now = next;
                continue;
            }
            // A millisecond for each step: nothing takes no time.
            self.now = self.now + Span(1);
        }
        self.now = self.now.max(end);
    }

    fn tell(&mut self, who: usize, input: NetInput) {
        self.people[who].inbox.push(kith_engine::Input::Net(input));
    }

    fn step(&mut self, who: usize) {
        let done = self.people[who].step(self.now, &mut |_| {});
        self.run_effects(who, done.effects);
        for event in done.events {
            match event {
                Event::ContactRequested(view) => {
                    self.people[who].command(Command::AcceptContact { contact: view.contact });
                }
                Event::Answered { answer: Ok(command::Answer::Invite(invite)), .. } => {
                    self.invites.push(invite);
                }
                Event::Answered { answer: Err(why), .. } => self.refused.push(format!("{why:?}")),
                _ => {}
            }
        }
    }

    fn run_effects(&mut self, who: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Dial { device, .. } => self.tell(who, NetInput::DialFailed { device }),
                Effect::Publish { record } => {
                    self.at_all_nodes("a record", &record.to_bytes());
                    self.dht.insert(record.key(), record);
                }
                Effect::LookUp { key } => {
                    self.at_all_nodes("a key that is looked up", &key.0);
                    if let Some(record) = self.dht.get(&key).cloned() {
                        self.tell(who, NetInput::Found { key, record });
                    }
                    self.tell(who, NetInput::LookUpDone { key });
                }
                Effect::OpenMailbox { stream, device, .. } => {
                    let host = self.nodes.iter().position(|node| node.device == device).unwrap();
                    self.next += 1;
                    self.streams.insert((who, stream), (host, self.next));
                    let from = Source { network: who as u64, local: false };
                    self.waiting.push_back((host, Input::Opened { stream: self.next, from }));
                    self.tell(who, NetInput::MailboxOpened { stream });
                }
                Effect::AskMailbox { stream, request } => {
                    let Some((host, name)) = self.streams.get(&(who, stream)).copied() else { continue };
                    self.nodes[host].asked.push((who, request.word.clone()));
                    self.nodes[host].saw("a request", request.to_wire());
                    self.waiting.push_back((host, Input::Asked { stream: name, request }));
                }
                Effect::CloseMailbox { stream } => {
                    if let Some((host, stream)) = self.streams.remove(&(who, stream)) {
                        self.waiting.push_back((host, Input::Closed { stream }));
                    }
                }
                _ => {}
            }
        }
    }

    fn at_all_nodes(&mut self, what: &str, bytes: &[u8]) {
        self.nodes.iter_mut().for_each(|node| node.saw(what, bytes.to_vec()));
    }

    fn serve(&mut self, host: usize, input: Input) {
        let node = &mut self.nodes[host];
        let mut out = Output::new();
        node.mailbox.handle(self.now, input, &node.disk, &mut out).unwrap();
        let writes = out.take_writes();
        for write in &writes {
            node.saw(&format!("a key in {}", write.table), write.key.clone());
            node.saw(&format!("a row in {}", write.table), write.value.clone().unwrap_or_default());
        }
        node.disk.commit(writes);
        for effect in out.take_effects() {
            match effect {
                kith_mailbox::Effect::Answer { stream, answer } => {
                    self.nodes[host].saw("an answer", answer.to_wire());
                    let bytes = answer.wire_bytes() as u64;
                    self.waiting.push_back((host, Input::Drained { stream, bytes }));
                    let to =
                        self.streams.iter().find(|(_, end)| **end == (host, stream)).map(|(from, _)| *from);
                    if let Some((who, stream)) = to {
                        self.tell(who, NetInput::MailboxAnswered { stream, answer });
                    }
                }
                kith_mailbox::Effect::Close { stream, .. } => {
                    let to =
                        self.streams.iter().find(|(_, end)| **end == (host, stream)).map(|(from, _)| *from);
                    if let Some((who, stream)) = to {
                        self.streams.remove(&(who, stream));
                        self.tell(who, NetInput::MailboxClosed { stream });
                    }
                }
            }
        }
    }
}
