//! The world: one clock, one queue, and chance from one seed.

use std::collections::BTreeMap;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::Input;
use kith_engine::command::Answer;
use kith_engine::input::NetInput;
use kith_engine::view::MessageKind;
use kith_proto::call::media::MediaEvent;
use kith_proto::frame::Frame;
use kith_proto::id::ChatId;
use kith_proto::id::CommandId;
use kith_proto::id::DeviceId;
use kith_proto::id::RecordKey;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::action::Action;
use crate::action::Who;
use crate::chance::Chance;
use crate::chance::Dice;
use crate::chance::Purpose;
use crate::counts::Counts;
use crate::counts::Delay;
use crate::cpu;
use crate::effects;
use crate::friends;
use crate::friends::Knocks;
use crate::friends::Links;
use crate::gossip::Gossip;
use crate::gossip::Passed;
use crate::groups;
use crate::groups::Groups;
use crate::media;
use crate::nats::Nats;
use crate::nats::Place;
use crate::nats::Way;
use crate::network::Network;
use crate::network::Weather;
use crate::oracle;
use crate::oracle::Oracle;
use crate::person::Person;
use crate::post::Host;
use crate::post::Post;
use crate::post::Sent;
use crate::settling;
use crate::ways;

/// When every world begins.
pub const BEGIN: Timestamp = Timestamp(1_800_000_000_000);

/// How long a commit takes at most, in milliseconds.
const COMMIT_MILLIS: u64 = 6;

/// Steps without progress after which a world is taken as stuck.
const MOST_STEPS: u64 = 50_000_000;

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Due {
    Step(Who),
    Arrive { from: Who, to: Who, stream: u64, frame: Frame },
    Dialled { from: Who, to: Who, ways: Vec<Way> },
    Punched { one: Who, other: Who, number: u64 },
    Reserved { who: Who, host: Host },
    Found { who: Who, key: RecordKey },
    Start(Who),
    Post(Sent),
    Gossip(Passed),
    Beat,
    Media { who: Who, event: MediaEvent },
    MediaBeat,
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
    /// The groups.
    pub groups: Groups,
    /// What was shown, and how long after it was written.
    pub delays: Vec<Delay>,
    /// Whose processor time is measured, and how many nanoseconds it was so far.
    pub measured: Option<(Who, u64)>,
    pub(crate) now: Timestamp,
    pub(crate) network: Network,
    pub(crate) weather: Weather,
    pub(crate) by_device: BTreeMap<DeviceId, Who>,
    pub(crate) post: Post,
    /// Calls.
    pub media: media::Everybody,
    /// Topics.
    pub gossip: Gossip,
    /// Whether topics are looked after each second.
    pub(crate) beats: bool,
    /// Who can be reached how; nothing where everybody can be dialled.
    pub(crate) nats: Option<Nats>,
    queue: BTreeMap<(Timestamp, u64), Due>,
    number: u64,
    chance: Chance,
    /// What studies draw from.
    study: Dice,
    links: Links,
    pub(crate) knocks: Knocks,
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
        Self::with_places(seed, people, mailboxes, weather, |_| None)
    }

    /// The same, with people behind address translation where `places` says how; the community nodes are their relays.
    pub fn with_places(
        seed: u64,
        people: usize,
        mailboxes: usize,
        weather: Weather,
        places: impl FnOnce(&mut dyn FnMut(u64) -> u64) -> Option<Vec<Place>>,
    ) -> Self {
        let mut world = Self {
            people: Vec::new(),
            oracle: Oracle::default(),
            counts: Counts::default(),
            friends: Vec::new(),
            groups: Groups::default(),
            delays: Vec::new(),
            measured: None,
            now: BEGIN,
            network: Network::default(),
            weather,
            by_device: BTreeMap::new(),
            post: Post::default(),
            media: media::Everybody::default(),
            gossip: Gossip::default(),
            beats: false,
            nats: None,
            queue: BTreeMap::new(),
            number: 0,
            study: Chance::new(seed).numbered(Purpose::Study, 0),
            chance: Chance::new(seed),
            links: Links::default(),
            knocks: Knocks::default(),
            trace: blake3::Hasher::new(),
            tell: false,
        };
        let mut dice = world.chance.numbered(Purpose::Place, 0);
        world.nats = places(&mut |below| dice.roll(below)).map(Nats::new);
        for host in 0..mailboxes {
            let seed = world.dice(Purpose::Mailbox, host, host).entropy();
            // Some work, but not seconds of it for each inbox of each person.
            let config = kith_mailbox::Config { opening_bits: Some(8), knock_bits: 8, ..Default::default() };
            world.post.add(seed, config, BEGIN);
        }
        for who in 0..people {
            let entropy = world.dice(Purpose::Account, who, who).entropy();
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

    /// The community nodes.
    pub fn post(&self) -> &Post {
        &self.post
    }

    /// How two people are connected now.
    pub fn way(&self, one: Who, other: Who) -> Option<Way> {
        let relayed = self.nats.as_ref().and_then(|nats| nats.relayed(one, other));
        let way = relayed.map_or(Way::Direct, |(host, _)| Way::Relay(host));
        self.network.connected(one, other).then_some(way)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A number below a limit, for whoever plays with this world: nothing in it draws from the same.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.study.roll(below)
    }

    /// Dice for something that happens now between two, or to one.
    pub(crate) fn dice(&mut self, purpose: Purpose, one: usize, other: usize) -> Dice {
        self.chance.dice(self.now, purpose, one, other)
    }

    /// Dice for the n-th thing that is done.
    pub(crate) fn dice_for_deed(&self, number: u64) -> Dice {
        self.chance.numbered(Purpose::Deed, number)
    }

    /// How long a frame takes now.
    pub(crate) fn latency(&self, dice: &mut Dice) -> Span {
        let (min, max) = (self.weather.latency_min, self.weather.latency_max);
        Span(min + dice.roll(max.saturating_sub(min) + 1))
    }

    pub(crate) fn later(&mut self, at: Timestamp, due: Due) {
        self.number += 1;
        self.queue.insert((at.max(self.now), self.number), due);
    }

    /// Does one thing.
    pub fn act(&mut self, action: &Action) {
        match *action {
            Action::Befriend(inviter, asker) => {
                self.friends.push((inviter, asker));
                let id = self.invite(inviter);
                self.links.want(inviter, id, asker);
            }
            Action::Invite(inviter, asker) => {
                let id = self.invite(inviter);
                self.links.keep(inviter, id, asker);
            }
            Action::UseInvite(inviter, asker) => {
                if let Some(invite) = self.links.take(inviter, asker) {
                    self.friends.push((inviter, asker));
                    self.command(asker, Command::AddContact { invite, greeting: "hello".to_owned() });
                }
            }
            Action::Knock(asker, owner) => friends::knock(self, asker, owner),
            Action::AllowKnocks(who, allowed) => friends::allow_knocks(self, who, allowed),
            Action::Send(from, to) => self.send(from, to),
            Action::Read(who, friend) => self.read(who, friend),
            Action::Call(..) | Action::Answer(_) | Action::HangUp(_) => media::act(self, action),
            Action::InGroup(who, which, ref deed) => groups::act(self, who, which, deed),
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
            Action::Split => self.split(2),
            Action::Heal => self.split(1),
            Action::SplitInto(parts) => self.split(parts),
            Action::CutStream(from, to) => {
                if self.network.connected(from, to) {
                    self.network.break_stream(from, to);
                    let device = self.people[to].device;
                    self.input(from, Input::Net(NetInput::StreamClosed { device }));
                }
            }
            Action::CutConnection(one, other) => ways::disconnect(self, one, other),
            Action::Backup(who) => self.people[who].backup = Some(self.people[who].disk.clone()),
            Action::RestoreBackup(who) => {
                if let Some(old) = self.people[who].backup.clone() {
                    self.stop(who);
                    self.people[who].disk = old;
                    self.people[who].restores += 1;
                    self.people[who].restored_at = self.now;
                    self.oracle.restored(who);
                    self.groups.ledger.restored(who);
                    self.start(who);
                }
            }
            Action::Move(who) => {
                self.stop(who);
                self.people[who].place += 1;
                self.start(who);
            }
            Action::StopMailbox(_)
            | Action::StartMailbox(_)
            | Action::CrashMailbox(_)
            | Action::MaskMailbox(..)
            | Action::FillMailbox(_)
            | Action::LoseMailbox(_) => ways::act_on_host(self, action),
            Action::Elapse(millis) => self.run_until(self.now + Span(millis)),
        }
    }

    fn split(&mut self, parts: usize) {
        self.network.parts = parts;
        for (one, other) in self.network.pairs() {
            if !self.network.reachable(one, other) {
                ways::disconnect(self, one, other);
            }
        }
    }

    fn invite(&mut self, who: Who) -> CommandId {
        self.command(who, Command::CreateInvite { uses: None, expires_secs: None })
    }

    pub(crate) fn command(&mut self, who: Who, command: Command) -> CommandId {
        let id = self.people[who].command(command);
        self.wake(who);
        id
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
        let entropy = self.dice(Purpose::Start, who, who).entropy();
        let effects = self.people[who].start(entropy, self.now);
        ways::listen(self, who);
        self.people[who].inbox.push(Input::Net(NetInput::Peers { connected: 0, dht: 1 }));
        self.people[who].inbox.push(media::able());
        for node in self.post.on() {
            self.people[who].inbox.push(Input::Net(NetInput::BootstrapConnected { node }));
        }
        self.people[who].scheduled = false;
        self.people[who].wake_at = None;
        effects::run(self, who, effects);
        self.wake(who);
    }

    fn stop(&mut self, who: Who) {
        if self.people[who].engine.take().is_none() {
            return;
        }
        self.people[who].inbox.clear();
        self.gossip.left(who);
        media::left(self, who);
        let sent = self.post.left(who);
        effects::send_post(self, sent);
        ways::left(self, who);
        for peer in self.network.peers(who) {
            ways::disconnect(self, who, peer);
        }
    }

    pub(crate) fn input(&mut self, who: Who, input: Input) {
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
            Due::Arrive { from, to, stream, frame } => effects::arrive(self, from, to, stream, frame),
            Due::Dialled { from, to, ways } => ways::dialled(self, from, to, &ways),
            Due::Punched { one, other, number } => ways::punched(self, one, other, number),
            Due::Reserved { who, host } => ways::reserved(self, who, host),
            Due::Found { who, key } => {
                if let Some(record) = self.network.dht.get(&key).cloned() {
                    self.input(who, Input::Net(NetInput::Found { key, record }));
                }
                self.input(who, Input::Net(NetInput::LookUpDone { key }));
            }
            Due::Post(Sent::ToPerson(who, input) | Sent::Late(who, input, _)) => {
                self.input(who, Input::Net(input));
            }
            Due::Post(Sent::ToHost(host, input)) => {
                let (sent, crashed) = self.post.arrive(host, input, self.now);
                effects::send_post(self, sent);
                if crashed {
                    self.counts.crashes += 1;
                    ways::stop_host(self, host);
                }
            }
            Due::Gossip(passed) => effects::gossip_arrives(self, &passed),
            Due::Beat => effects::beat(self),
            Due::Media { who, event } => self.input(who, Input::Call(event)),
            Due::MediaBeat => media::beat(self),
            Due::Start(who) => {
                if self.people[who].engine.is_none() {
                    self.start(who);
                }
            }
        }
    }

    fn step(&mut self, who: Who) {
        self.people[who].scheduled = false;
        let measured = self.measured.filter(|(whose, _)| *whose == who);
        let before = measured.map(|_| cpu::thread_nanos());
        let (trace, tell, now) = (&mut self.trace, self.tell, self.now);
        let done = self.people[who].step(now, &mut |input| {
            let line = format!("{now:?} {who} {input:?}\n");
            trace.update(line.as_bytes());
            if tell {
                print!("{line}");
            }
        });
        if let (Some((_, sum)), Some(before)) = (&mut self.measured, before) {
            *sum += cpu::thread_nanos() - before;
        }
        let took = Span(1 + self.dice(Purpose::Commit, who, who).roll(COMMIT_MILLIS));
        self.people[who].busy_until = self.now + took;
        effects::run(self, who, done.effects);
        groups::note(self, who);
        for event in done.events {
            if !groups::shown(self, who, &event) {
                self.shown(who, event);
            }
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
            Event::CallChanged(view) => media::changed(self, who, &view),
            Event::MessageReceived(view) if matches!(view.kind, MessageKind::Call(_)) => {}
            Event::MessageReceived(view) => {
                if let Some(from) = self.oracle.shown(&self.people, who, &view) {
                    self.delays.push(Delay { from, to: who, millis: self.now.since(view.sent_at).0 });
                }
            }
            Event::ContactRequested(view) => {
                self.people[who].command(Command::AcceptContact { contact: view.contact });
                self.wake(who);
            }
            Event::Answered { id, answer: Ok(Answer::Invite(invite)) } => {
                if let Some((asker, invite)) = self.links.made(who, id, invite) {
                    self.people[asker].command(Command::AddContact { invite, greeting: "hello".to_owned() });
                    self.wake(asker);
                }
            }
            Event::ContactChanged(view) => friends::seen(self, who, &view),
            _ => {}
        }
    }

    /// Fair weather, everybody on, and enough time: then everything has to be where it belongs.
    pub fn settle(&mut self) {
        settling::settle(self);
    }
}
