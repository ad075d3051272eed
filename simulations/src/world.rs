//! The world: one clock, one queue, one generator.

use std::collections::BTreeMap;

use kith_engine::Command;
use kith_engine::Effect;
use kith_engine::Event;
use kith_engine::Input;
use kith_engine::command::Answer;
use kith_engine::input::AddressRank;
use kith_engine::input::NetInput;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::frame::Frame;
use kith_proto::id::ChatId;
use kith_proto::id::CommandId;
use kith_proto::id::DeviceId;
use kith_proto::id::RecordKey;
use kith_proto::invite::Invite;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;

use crate::action::Action;
use crate::action::Who;
use crate::network::Network;
use crate::network::Weather;
use crate::oracle;
use crate::oracle::Oracle;
use crate::person::Person;
use crate::post::Host;
use crate::post::Post;
use crate::post::Sent;

/// When every world begins.
pub const BEGIN: Timestamp = Timestamp(1_800_000_000_000);

/// How long a commit takes at most, in milliseconds.
const COMMIT_MILLIS: u64 = 6;

/// Steps without progress after which a world is taken as stuck.
const MOST_STEPS: u64 = 50_000_000;

/// Something that will happen.
#[derive(Debug)]
enum Due {
    Step(Who),
    Arrive { from: Who, to: Who, stream: u64, frame: Frame },
    Dialled { from: Who, to: Who, reached: bool },
    Found { who: Who, key: RecordKey },
    Start(Who),
    Post(Sent),
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events of the queue.
    pub steps: u64,
    /// Frames sent.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Crashes.
    pub crashes: u64,
}

/// A world of people.
pub struct World {
    /// The people.
    pub people: Vec<Person>,
    /// What should be true.
    pub oracle: Oracle,
    /// What was counted.
    pub counts: Counts,
    /// Friends, as they were made.
    pub friends: Vec<(Who, Who)>,
    /// Delays from writing to being shown, in milliseconds.
    pub delays: Vec<u64>,
    now: Timestamp,
    queue: BTreeMap<(Timestamp, u64), Due>,
    number: u64,
    rng: ChaCha8Rng,
    network: Network,
    weather: Weather,
    by_device: BTreeMap<DeviceId, Who>,
    invites: BTreeMap<(Who, CommandId), Who>,
    /// Links that were made and not used yet.
    kept: BTreeMap<(Who, Who), (CommandId, Option<Invite>)>,
    post: Post,
    trace: blake3::Hasher,
    tell: bool,
}

impl World {
    /// A world of so many people, all switched on.
    pub fn new(seed: u64, people: usize, weather: Weather) -> Self {
        Self::with_mailboxes(seed, people, 0, weather)
    }

    /// A world of so many people and community nodes that serve as mailboxes, all switched on.
    pub fn with_mailboxes(seed: u64, people: usize, mailboxes: usize, weather: Weather) -> Self {
        let mut world = Self {
            people: Vec::new(),
            oracle: Oracle::default(),
            counts: Counts::default(),
            friends: Vec::new(),
            delays: Vec::new(),
            now: BEGIN,
            queue: BTreeMap::new(),
            number: 0,
            rng: ChaCha8Rng::seed_from_u64(seed),
            network: Network::default(),
            weather,
            by_device: BTreeMap::new(),
            invites: BTreeMap::new(),
            kept: BTreeMap::new(),
            post: Post::default(),
            trace: blake3::Hasher::new(),
            tell: false,
        };
        for _ in 0..mailboxes {
            let seed = world.entropy();
            // Some work, but not seconds of it for each inbox of each person.
            let config = kith_mailbox::Config { opening_bits: Some(8), ..Default::default() };
            world.post.add(seed, config, BEGIN);
        }
        for who in 0..people {
            let entropy = world.entropy();
            let person = Person::new(&format!("Person {who}"), entropy, BEGIN);
            world.by_device.insert(person.device, who);
            world.people.push(person);
        }
        for who in 0..people {
            world.start(who);
        }
        world
    }

    /// Prints every input from now on.
    pub fn tell_all(&mut self) {
        self.tell = true;
    }

    /// A name for everything that happened.
    pub fn trace_hash(&self) -> String {
        self.trace.finalize().to_hex().chars().take(16).collect()
    }

    /// How many community nodes serve as mailboxes.
    pub fn mailboxes(&self) -> usize {
        self.post.len()
    }

    /// Whether a community node is on.
    pub fn mailbox_is_on(&self, host: Host) -> bool {
        self.post.is_on(host)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A number below a limit.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.rng.next_u64() % below.max(1)
    }

    fn entropy(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    fn latency(&mut self) -> Span {
        let (min, max) = (self.weather.latency_min, self.weather.latency_max);
        Span(min + self.roll(max.saturating_sub(min) + 1))
    }

    fn later(&mut self, at: Timestamp, due: Due) {
        self.number += 1;
        self.queue.insert((at.max(self.now), self.number), due);
    }

    /// Does one thing.
    pub fn act(&mut self, action: &Action) {
        match *action {
            Action::Befriend(inviter, asker) => {
                self.friends.push((inviter, asker));
                let id =
                    self.people[inviter].command(Command::CreateInvite { uses: None, expires_secs: None });
                self.invites.insert((inviter, id), asker);
                self.wake(inviter);
            }
            Action::Invite(inviter, asker) => {
                let id =
                    self.people[inviter].command(Command::CreateInvite { uses: None, expires_secs: None });
                self.kept.insert((inviter, asker), (id, None));
                self.wake(inviter);
            }
            Action::UseInvite(inviter, asker) => {
                if let Some((_, Some(invite))) = self.kept.remove(&(inviter, asker)) {
                    self.friends.push((inviter, asker));
                    self.people[asker].command(Command::AddContact { invite, greeting: "hello".to_owned() });
                    self.wake(asker);
                }
            }
            Action::Send(from, to) => self.send(from, to),
            Action::Read(who, friend) => self.read(who, friend),
            Action::Stop(who) => self.stop(who),
            Action::Start(who) => {
                if self.people[who].engine.is_none() {
                    self.start(who);
                }
            }
            Action::Crash(who, phase, pause) => {
                if self.people[who].engine.is_some() {
                    self.people[who].crash = Some(phase);
                    self.wake(who);
                    let at = self.now + Span(pause.max(COMMIT_MILLIS * 2));
                    self.later(at, Due::Start(who));
                }
            }
            Action::Split | Action::Heal => {
                self.network.split = matches!(action, Action::Split);
                for (one, other) in self.network.pairs() {
                    if !self.network.reachable(one, other) {
                        self.disconnect(one, other);
                    }
                }
            }
            Action::CutStream(from, to) => {
                if self.network.connected(from, to) {
                    self.network.break_stream(from, to);
                    let device = self.people[to].device;
                    self.input(from, Input::Net(NetInput::StreamClosed { device }));
                }
            }
            Action::CutConnection(one, other) => self.disconnect(one, other),
            Action::Backup(who) => self.people[who].backup = Some(self.people[who].disk.clone()),
            Action::RestoreBackup(who) => {
                if let Some(old) = self.people[who].backup.clone() {
                    self.stop(who);
                    self.people[who].disk = old;
                    self.people[who].restores += 1;
                    self.people[who].restored_at = self.now;
                    self.oracle.restored(who);
                    self.start(who);
                }
            }
            Action::Move(who) => {
                self.stop(who);
                self.people[who].place += 1;
                self.start(who);
            }
            Action::StopMailbox(host) => self.stop_host(host),
            Action::StartMailbox(host) => self.start_host(host),
            Action::CrashMailbox(host) => self.post.crash(host),
            Action::Elapse(millis) => self.run_until(self.now + Span(millis)),
        }
    }

    fn send(&mut self, from: Who, to: Who) {
        let chat = ChatId::direct(&self.people[from].account, &self.people[to].account);
        let sender = &mut self.people[from];
        if sender.engine.is_none() {
            return;
        }
        sender.written += 1;
        // The time is part of the number, so that numbers grow also after an old disk was put back.
        let number = (self.now.0 - BEGIN.0) * 1_000 + sender.written % 1_000;
        let text = oracle::text(from, to, number);
        sender.command(Command::SendMessage { chat, text, reply_to: None, expires_secs: None });
        self.wake(from);
    }

    fn read(&mut self, who: Who, friend: Who) {
        let chat = ChatId::direct(&self.people[who].account, &self.people[friend].account);
        if self.people[who].engine.is_none() {
            return;
        }
        let last =
            oracle::timeline(&self.people[who].disk, &chat).into_iter().rev().find(|view| !view.outgoing);
        if let Some(last) = last {
            self.people[who].command(Command::MarkRead { chat, message: last.message });
            self.wake(who);
        }
    }

    fn start(&mut self, who: Who) {
        let entropy = self.entropy();
        let effects = self.people[who].start(entropy, self.now);
        let address = Network::address(who, self.people[who].place);
        self.people[who].inbox.push(Input::Net(NetInput::Listening { address, rank: AddressRank::Local }));
        self.people[who].inbox.push(Input::Net(NetInput::Peers { connected: 0, dht: 1 }));
        for node in self.post.on() {
            self.people[who].inbox.push(Input::Net(NetInput::BootstrapConnected { node }));
        }
        self.people[who].scheduled = false;
        self.people[who].wake_at = None;
        self.run_effects(who, effects);
        self.wake(who);
    }

    fn stop(&mut self, who: Who) {
        if self.people[who].engine.take().is_none() {
            return;
        }
        self.people[who].inbox.clear();
        let sent = self.post.left(who);
        self.send_post(sent);
        for peer in self.network.peers(who) {
            self.disconnect(who, peer);
        }
    }

    fn disconnect(&mut self, one: Who, other: Who) {
        if self.network.disconnect(one, other) {
            let (ours, theirs) = (self.people[one].device, self.people[other].device);
            self.input(one, Input::Net(NetInput::Disconnected { device: theirs }));
            self.input(other, Input::Net(NetInput::Disconnected { device: ours }));
        }
    }

    fn input(&mut self, who: Who, input: Input) {
        if self.people[who].engine.is_some() {
            self.people[who].inbox.push(input);
            self.wake(who);
        }
    }

    /// Schedules a step as soon as the disk is free.
    fn wake(&mut self, who: Who) {
        if !std::mem::replace(&mut self.people[who].scheduled, true) {
            let at = self.people[who].busy_until;
            self.later(at, Due::Step(who));
        }
    }

    /// Lets everything happen that is due until a time.
    pub fn run_until(&mut self, end: Timestamp) {
        while let Some(entry) = self.queue.first_entry() {
            let at = entry.key().0;
            if at > end {
                break;
            }
            let due = entry.remove();
            self.now = at;
            self.counts.steps += 1;
            if self.counts.steps > MOST_STEPS {
                self.oracle.failures.push("the world does not come to rest".to_owned());
                return;
            }
            self.happen(due);
        }
        self.now = self.now.max(end);
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Step(who) => self.step(who),
            Due::Arrive { from, to, stream, frame } => {
                if self.network.connected(from, to) && self.network.stream(from, to) == stream {
                    let device = self.people[from].device;
                    self.input(to, Input::Net(NetInput::Frame { device, frame }));
                }
            }
            Due::Dialled { from, to, reached } => self.dialled(from, to, reached),
            Due::Found { who, key } => {
                if let Some(record) = self.network.dht.get(&key).cloned() {
                    self.input(who, Input::Net(NetInput::Found { key, record }));
                }
                self.input(who, Input::Net(NetInput::LookUpDone { key }));
            }
            Due::Post(Sent::ToPerson(who, input)) => self.input(who, Input::Net(input)),
            Due::Post(Sent::ToHost(host, input)) => {
                let (sent, crashed) = self.post.arrive(host, input, self.now);
                self.send_post(sent);
                if crashed {
                    self.counts.crashes += 1;
                    self.stop_host(host);
                }
            }
            Due::Start(who) => {
                if self.people[who].engine.is_none() {
                    self.start(who);
                }
            }
        }
    }

    fn step(&mut self, who: Who) {
        self.people[who].scheduled = false;
        let (trace, tell, now) = (&mut self.trace, self.tell, self.now);
        let done = self.people[who].step(now, &mut |input| {
            let line = format!("{now:?} {who} {input:?}\n");
            trace.update(line.as_bytes());
            if tell {
                print!("{line}");
            }
        });
        self.people[who].busy_until = self.now + Span(1 + self.rng.next_u64() % COMMIT_MILLIS);
        self.run_effects(who, done.effects);
        for event in done.events {
            self.shown(who, event);
        }
        if done.crashed {
            self.counts.crashes += 1;
            self.stop(who);
            return;
        }
        let next = self.people[who].engine.as_ref().and_then(kith_engine::Engine::next_wake);
        if let Some(at) = next {
            let at = at.max(self.people[who].busy_until);
            // An earlier wake-up that is scheduled already asks again.
            if self.people[who].wake_at.is_none_or(|scheduled| scheduled <= self.now || scheduled > at) {
                self.people[who].wake_at = Some(at);
                self.later(at, Due::Step(who));
            }
        }
    }

    fn shown(&mut self, who: Who, event: Event) {
        match event {
            Event::MessageReceived(view) => {
                self.delays.push(self.now.since(view.sent_at).0);
                self.oracle.shown(&self.people, who, &view);
            }
            Event::ContactRequested(view) => {
                self.people[who].command(Command::AcceptContact { contact: view.contact });
                self.wake(who);
            }
            Event::Answered { id, answer: Ok(Answer::Invite(invite)) } => {
                let kept =
                    self.kept.iter_mut().find(|((inviter, _), (made, _))| *inviter == who && *made == id);
                if let Some((_, (_, slot))) = kept {
                    *slot = Some(invite);
                    return;
                }
                if let Some(asker) = self.invites.remove(&(who, id)) {
                    self.people[asker].command(Command::AddContact { invite, greeting: "hello".to_owned() });
                    self.wake(asker);
                }
            }
            _ => {}
        }
    }

    fn run_effects(&mut self, who: Who, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Dial { device, addresses } => {
                    let Some(to) = self.by_device.get(&device).copied() else { continue };
                    let there = Network::address(to, self.people[to].place);
                    let at = self.now + self.latency();
                    self.later(at, Due::Dialled { from: who, to, reached: addresses.contains(&there) });
                }
                Effect::HangUp { device } => {
                    if let Some(to) = self.by_device.get(&device).copied() {
                        self.disconnect(who, to);
                    }
                }
                Effect::Send { device, frame } => {
                    if let Some(to) = self.by_device.get(&device).copied() {
                        self.carry(who, to, frame);
                    }
                }
                Effect::Publish { record } => {
                    let newer =
                        self.network.dht.get(&record.key()).is_none_or(|old| old.sequence < record.sequence);
                    if newer && kith_crypto::record::verify_record(&record) {
                        self.network.dht.insert(record.key(), record);
                    }
                }
                Effect::LookUp { key } => {
                    let at = self.now + self.latency();
                    self.later(at, Due::Found { who, key });
                }
                Effect::OpenMailbox { stream, device, .. } => {
                    let reachable = !self.network.split || who.is_multiple_of(2);
                    let sent = self.post.open(who, stream, &device, reachable);
                    self.send_post(sent);
                }
                Effect::AskMailbox { stream, request } => {
                    let sent = self.post.ask(who, stream, request);
                    self.send_post(sent);
                }
                Effect::CloseMailbox { stream } => {
                    let sent = self.post.close(who, stream);
                    self.send_post(sent);
                }
                Effect::AddBootstrap { .. }
                | Effect::RemoveBootstrap { .. }
                | Effect::UseBootstrap { .. }
                | Effect::KeepConnected { .. }
                | Effect::Befriend { .. }
                | Effect::Misbehaved { .. } => {}
            }
        }
    }

    /// Everything between people and mailboxes takes the same time, so that it keeps its order.
    fn send_post(&mut self, sent: Vec<Sent>) {
        let at = self.now + Span(self.weather.latency_min.max(1));
        for sent in sent {
            self.later(at, Due::Post(sent));
        }
    }

    fn stop_host(&mut self, host: Host) {
        let (sent, device) = self.post.stop(host);
        self.send_post(sent);
        for who in 0..self.people.len() {
            if let Some(device) = device {
                self.input(who, Input::Net(NetInput::BootstrapLost { device }));
            }
        }
    }

    fn start_host(&mut self, host: Host) {
        let Some(node) = self.post.start(host, self.now) else { return };
        for who in 0..self.people.len() {
            self.input(who, Input::Net(NetInput::BootstrapConnected { node: node.clone() }));
        }
    }

    fn dialled(&mut self, from: Who, to: Who, reached: bool) {
        let (ours, theirs) = (self.people[from].device, self.people[to].device);
        let up = self.people[from].engine.is_some() && self.people[to].engine.is_some();
        if !reached || !up || !self.network.reachable(from, to) {
            return self.input(from, Input::Net(NetInput::DialFailed { device: theirs }));
        }
        if self.network.connect(from, to) {
            let dialled = Some(Network::address(to, self.people[to].place));
            self.input(from, Input::Net(NetInput::Connected { device: theirs, dialled }));
            self.input(to, Input::Net(NetInput::Connected { device: ours, dialled: None }));
        }
    }

    /// Sends a frame through the weather.
    fn carry(&mut self, from: Who, to: Who, frame: Frame) {
        if !self.network.connected(from, to) {
            return;
        }
        self.counts.frames += 1;
        self.counts.bytes += frame.to_wire().len() as u64;
        let weather = self.weather.clone();
        if self.roll(10_000) < weather.lost {
            return;
        }
        let frame = if self.roll(10_000) < weather.flipped { self.flip(frame) } else { frame };
        let stream = self.network.stream(from, to);
        let at = self.now + self.latency();
        let at = if self.roll(10_000) < weather.late {
            at + self.latency() + self.latency()
        } else {
            self.network.arrival(from, to, at)
        };
        if self.roll(10_000) < weather.doubled {
            let again = at + self.latency();
            self.later(again, Due::Arrive { from, to, stream, frame: frame.clone() });
        }
        self.later(at, Due::Arrive { from, to, stream, frame });
    }

    fn flip(&mut self, frame: Frame) -> Frame {
        let mut bytes = frame.to_bytes();
        let at = usize::try_from(self.roll(bytes.len() as u64)).unwrap_or(0);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << (at % 8);
        }
        Frame::from_bytes(&bytes).unwrap_or(frame)
    }

    /// Fair weather, everybody on, and enough time: then everything has to be where it belongs.
    pub fn settle(&mut self) {
        self.weather = Weather { latency_max: 20, ..Weather::default() };
        self.act(&Action::Heal);
        for who in 0..self.people.len() {
            self.people[who].crash = None;
        }
        // Longer than the longest pauses between dials and between repairs.
        for _ in 0..30 {
            for host in 0..self.post.len() {
                self.start_host(host);
            }
            for who in 0..self.people.len() {
                self.act(&Action::Start(who));
            }
            self.run_until(self.now + Span::from_minutes(3));
            if self.people.iter().all(|person| person.disk.rows_in("outbox") == 0) {
                break;
            }
        }
        self.run_until(self.now + Span::from_minutes(1));
        let friends = self.friends.clone();
        self.oracle.check_end(&self.people, &friends);
    }
}
