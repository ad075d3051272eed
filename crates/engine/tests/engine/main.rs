//! The engine with scripted input: two of them on disks in memory, and whoever may tamper with what passes between.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

use kith_engine::Command;
use kith_engine::Config;
use kith_engine::Effect;
use kith_engine::Engine;
use kith_engine::Event;
use kith_engine::Input;
use kith_engine::Output;
use kith_engine::account;
use kith_engine::command::Answer;
use kith_engine::command::Refusal;
use kith_engine::input::AddressRank;
use kith_engine::input::NetInput;
use kith_engine::query;
use kith_engine::view::ContactState;
use kith_engine::view::MessageState;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::media::MediaCommand;
use kith_proto::frame::Frame;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::CommandId;
use kith_proto::id::DeviceId;
use kith_proto::invite::Invite;
use kith_proto::invite::InviteSecret;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use kith_simulations::disk::Disk;

#[cfg(test)]
mod calls;
mod choosing;
mod devices;
mod finding;
#[cfg(test)]
mod groups;
mod knocking;
mod mailboxes;

const BEGIN: Timestamp = Timestamp(1_800_000_000_000);

/// A person's device.
struct Side {
    account: AccountId,
    device: DeviceId,
    address: Multiaddress,
    phrase: String,
    disk: Disk,
    engine: Engine,
    now: Timestamp,
    sent: Vec<(DeviceId, Frame)>,
    dials: usize,
    dialled: Vec<Multiaddress>,
    /// Who was dialled and not connected yet.
    calls: Vec<DeviceId>,
    /// To whom the connection is to be closed.
    hung_up: Vec<DeviceId>,
    /// What media are to do.
    media: Vec<MediaCommand>,
    /// What was said about topics and not carried yet.
    gossip: Vec<Effect>,
    config: Config,
    /// Every address that was ever dialled.
    ways: Vec<(DeviceId, Multiaddress)>,
    /// What was said to mailboxes and not carried yet.
    mail: Vec<Effect>,
    /// What was published and looked for in the DHT and not carried yet.
    dht: Vec<Effect>,
    /// Whose connections are kept.
    kept: Vec<DeviceId>,
    /// Who of them may learn where this device is.
    known: Vec<DeviceId>,
    /// How often somebody was scored for what they did.
    scored: usize,
    events: Vec<Event>,
}

impl Side {
    fn new(seed: u8) -> Self {
        Self::with_phrase(seed, None)
    }

    fn with_phrase(seed: u8, phrase: Option<&str>) -> Self {
        Self::with_config(seed, phrase, Config::default())
    }

    fn with_config(seed: u8, phrase: Option<&str>, config: Config) -> Self {
        let made = account::create([seed; 32], "Somebody", phrase, BEGIN).unwrap();
        let mut disk = Disk::default();
        disk.commit(made.writes);
        let (engine, out) = Engine::restore(&disk, BEGIN, [seed + 100; 32], config.clone()).unwrap();
        let mut side = Self {
            account: made.account,
            device: made.device,
            address: Multiaddress::new(vec![seed]).unwrap(),
            phrase: made.phrase.to_string(),
            disk,
            engine,
            now: BEGIN,
            sent: Vec::new(),
            dials: 0,
            dialled: Vec::new(),
            calls: Vec::new(),
            hung_up: Vec::new(),
            media: Vec::new(),
            gossip: Vec::new(),
            config,
            ways: Vec::new(),
            mail: Vec::new(),
            dht: Vec::new(),
            kept: Vec::new(),
            known: Vec::new(),
            scored: 0,
            events: Vec::new(),
        };
        side.done(out);
        let address = side.address.clone();
        side.net(NetInput::Listening { address, rank: AddressRank::Local });
        side
    }

    fn done(&mut self, mut out: Output) {
        let may_be_undone = out.may_be_undone();
        let writes = out.take_writes();
        match may_be_undone {
            true => self.disk.commit_soon(writes),
            false => self.disk.commit(writes),
        }
        for effect in std::mem::take(&mut out.effects) {
            match effect {
                Effect::Send { device, frame } => self.sent.push((device, frame)),
                Effect::Dial { device, addresses } => {
                    self.dials += 1;
                    self.calls.push(device);
                    self.ways.extend(addresses.iter().map(|address| (device, address.clone())));
                    self.dialled = addresses;
                }
                Effect::HangUp { device } => self.hung_up.push(device),
                Effect::OpenMailbox { .. } | Effect::AskMailbox { .. } | Effect::CloseMailbox { .. } => {
                    self.mail.push(effect);
                }
                Effect::Publish { .. } | Effect::LookUp { .. } => self.dht.push(effect),
                Effect::Topics { .. } | Effect::Gossip { .. } | Effect::Verdict { .. } => {
                    self.gossip.push(effect);
                }
                Effect::Call(command) => self.media.push(command),
                Effect::KeepConnected { devices, known } => (self.kept, self.known) = (devices, known),
                Effect::Misbehaved { .. } => self.scored += 1,
                _ => {}
            }
        }
        self.events.extend(out.take_events());
    }

    /// The power goes and comes back.
    fn crash(&mut self) {
        self.disk.crash();
        self.restart();
    }

    /// The computer is switched off and on.
    fn restart(&mut self) {
        let mut entropy = [77; 32];
        entropy[..8].copy_from_slice(&self.disk.commits.to_le_bytes());
        let (engine, out) = Engine::restore(&self.disk, self.now, entropy, self.config.clone()).unwrap();
        (self.engine, self.sent, self.mail, self.dht) = (engine, Vec::new(), Vec::new(), Vec::new());
        (self.calls, self.gossip) = (Vec::new(), Vec::new());
        self.done(out);
    }

    fn give(&mut self, input: Input) {
        let mut out = Output::new();
        self.engine.handle(self.now, input, &self.disk, &mut out);
        if self.engine.next_wake().is_some_and(|at| at <= self.now) {
            self.engine.handle(self.now, Input::Wake, &self.disk, &mut out);
        }
        self.done(out);
    }

    fn net(&mut self, input: NetInput) {
        self.give(Input::Net(input));
    }

    fn pass(&mut self, time: Span) {
        self.now = self.now + time;
        self.give(Input::Wake);
    }

    fn try_command(&mut self, command: Command) -> Result<Answer, Refusal> {
        self.give(Input::Command { id: CommandId(1), command });
        let answered = self.events.iter().rposition(|event| matches!(event, Event::Answered { .. })).unwrap();
        match self.events.remove(answered) {
            Event::Answered { answer, .. } => answer,
            _ => unreachable!("it was looked for"),
        }
    }

    fn command(&mut self, command: Command) -> Answer {
        self.try_command(command).unwrap()
    }

    fn send(&mut self, chat: ChatId, text: &str) -> kith_proto::id::MessageId {
        let text = text.to_owned();
        let command = Command::SendMessage { chat, text, reply_to: None, expires_secs: None };
        match self.command(command) {
            Answer::Message(view) => view.message,
            other => panic!("{other:?}"),
        }
    }

    fn states(&self, chat: &ChatId) -> Vec<MessageState> {
        let views = query::timeline(&self.disk, chat, None, 1_000).unwrap();
        views.iter().filter(|view| view.outgoing).map(|view| view.state).collect()
    }

    fn texts(&self, chat: &ChatId) -> Vec<String> {
        let views = query::timeline(&self.disk, chat, None, 1_000).unwrap();
        views.into_iter().filter(|view| !view.outgoing).map(|view| view.text).collect()
    }

    fn state_of(&self, contact: &AccountId) -> Option<ContactState> {
        let contacts = query::contacts(&self.disk).unwrap();
        contacts.into_iter().find(|view| view.contact == *contact).map(|view| view.state)
    }

    fn chat_with(&self, other: &Self) -> ChatId {
        ChatId::direct(&self.account, &other.account)
    }
}

/// Carries frames between two until both are silent. `lost` takes away those it does not like.
fn carry_but(one: &mut Side, other: &mut Side, mut lost: impl FnMut(&Frame) -> bool) {
    loop {
        let (to_other, to_one) = (std::mem::take(&mut one.sent), std::mem::take(&mut other.sent));
        if to_other.is_empty() && to_one.is_empty() {
            break;
        }
        let (first, second) = (one.device, other.device);
        for (from, to, name, frames) in
            [(first, &mut *other, second, to_other), (second, &mut *one, first, to_one)]
        {
            for (_, frame) in frames.into_iter().filter(|(device, _)| *device == name) {
                if !lost(&frame) {
                    to.net(NetInput::Frame { device: from, frame });
                }
            }
        }
    }
}

/// A frame that was kept comes in after all.
fn input_frame(side: &mut Side, device: DeviceId, frame: Frame) {
    side.net(NetInput::Frame { device, frame });
}

fn carry(one: &mut Side, other: &mut Side) {
    carry_but(one, other, |_| false);
}

fn connect(one: &mut Side, other: &mut Side) {
    let (first, second) = (one.device, other.device);
    one.net(NetInput::Connected { device: second, dialled: None });
    other.net(NetInput::Connected { device: first, dialled: None });
    carry(one, other);
}

fn disconnect(one: &mut Side, other: &mut Side) {
    let (first, second) = (one.device, other.device);
    one.net(NetInput::Disconnected { device: second });
    other.net(NetInput::Disconnected { device: first });
}

fn invite(side: &mut Side) -> Invite {
    match side.command(Command::CreateInvite { uses: None, expires_secs: None }) {
        Answer::Invite(invite) => invite,
        other => panic!("{other:?}"),
    }
}

fn ask(asker: &mut Side, inviter: &mut Side) {
    let invite = invite(inviter);
    asker.command(Command::AddContact { invite, greeting: String::new() });
    connect(asker, inviter);
}

/// Ann and Bob, friends and connected.
fn friends() -> (Side, Side, ChatId) {
    let (mut ann, mut bob) = (Side::new(1), Side::new(2));
    ask(&mut bob, &mut ann);
    ann.command(Command::AcceptContact { contact: bob.account });
    carry(&mut ann, &mut bob);
    let chat = ann.chat_with(&bob);
    bob.send(chat, "hello");
    carry(&mut ann, &mut bob);
    assert_eq!(bob.states(&chat), [MessageState::Delivered]);
    (ann, bob, chat)
}

#[test]
fn a_lost_ready_is_asked_for_again() {
    let (mut ann, mut bob, chat) = friends();
    disconnect(&mut ann, &mut bob);
    ann.send(chat, "are you there?");
    let (first, second) = (ann.device, bob.device);
    ann.net(NetInput::Connected { device: second, dialled: None });
    bob.net(NetInput::Connected { device: first, dialled: None });
    carry_but(&mut ann, &mut bob, |frame| matches!(frame, Frame::Ready));
    assert_eq!(ann.states(&chat), [MessageState::Queued]);
    ann.pass(Span::from_minutes(1));
    carry(&mut ann, &mut bob);
    assert_eq!(ann.states(&chat), [MessageState::Delivered]);
    assert_eq!(bob.texts(&chat), ["are you there?"]);
}

#[test]
fn a_receipt_that_a_crash_undid_is_said_again_and_a_text_is_never_undone() {
    let (mut ann, mut bob, chat) = friends();
    ann.send(chat, "are you there?");
    carry(&mut ann, &mut bob);
    assert_eq!(ann.states(&chat), [MessageState::Delivered]);
    ann.crash();
    bob.crash();
    assert_eq!(ann.states(&chat).last(), Some(&MessageState::Sent));
    assert_eq!(bob.texts(&chat), ["are you there?"]);
    connect(&mut ann, &mut bob);
    assert_eq!(ann.states(&chat), [MessageState::Delivered]);
    for round in 0..20 {
        bob.send(chat, &format!("bob's {round}"));
        carry(&mut ann, &mut bob);
        disconnect(&mut ann, &mut bob);
        if round % 2 == 0 {
            ann.crash();
        } else {
            bob.crash();
        }
        connect(&mut ann, &mut bob);
        ann.send(chat, &format!("ann's {round}"));
        carry(&mut ann, &mut bob);
    }
    assert_eq!((ann.texts(&chat).len(), bob.texts(&chat).len()), (21, 21));
    assert!(ann.states(&chat).iter().all(|state| *state == MessageState::Delivered));
}

#[test]
fn saying_ready_again_and_again_brings_nothing_again() {
    let (mut ann, mut bob, chat) = friends();
    for number in 0..100 {
        ann.send(chat, &format!("message {number}"));
    }
    let before = ann.sent.len();
    for _ in 0..1_000 {
        ann.net(NetInput::Frame { device: bob.device, frame: Frame::Ready });
    }
    assert_eq!(ann.sent.len(), before);
    carry(&mut ann, &mut bob);
    assert_eq!(bob.texts(&chat).len(), 100);
}

#[test]
fn a_stranger_who_asks_and_asks_gets_no_more_answers() {
    let (mut ann, _bob, _) = friends();
    let device = DeviceId([9; 32]);
    ann.net(NetInput::Connected { device, dialled: None });
    ann.sent.clear();
    for _ in 0..10_000 {
        ann.net(NetInput::Frame { device, frame: Frame::PrekeyRequest { invite: None } });
    }
    assert!(ann.sent.len() <= 100, "{} answers", ann.sent.len());
    assert!(ann.engine.stats().floods > 9_000);
    ann.pass(Span::from_minutes(1));
    ann.net(NetInput::Frame { device, frame: Frame::PrekeyRequest { invite: None } });
    assert!(ann.sent.iter().any(|(to, frame)| *to == device && *frame == Frame::PrekeysRefused));
}

#[test]
fn an_invite_that_names_a_friends_device_is_refused_and_costs_nothing() {
    let (mut ann, mut bob, chat) = friends();
    disconnect(&mut ann, &mut bob);
    ann.send(chat, "still waiting");
    let addresses = BoundedVec::new(vec![DeviceAddress {
        device: bob.device,
        address: Multiaddress::new(vec![66]).unwrap(),
    }]);
    let forged = Invite {
        account: AccountId([66; 32]),
        secret: InviteSecret([6; 16]),
        expires_secs: 0,
        addresses: addresses.unwrap(),
    };
    let added = ann.try_command(Command::AddContact { invite: forged, greeting: String::new() });
    assert_eq!(added.err(), Some(Refusal::InviteForged));
    connect(&mut ann, &mut bob);
    assert_eq!(bob.texts(&chat), ["still waiting"]);
}

#[test]
fn a_newer_invite_keeps_what_was_written_before() {
    let (mut ann, mut bob) = (Side::new(1), Side::new(2));
    let (first, second) = (invite(&mut ann), invite(&mut ann));
    bob.command(Command::AddContact { invite: first, greeting: String::new() });
    let chat = bob.chat_with(&ann);
    bob.send(chat, "before anything was accepted");
    bob.command(Command::AddContact { invite: second, greeting: String::new() });
    connect(&mut bob, &mut ann);
    ann.command(Command::AcceptContact { contact: bob.account });
    carry(&mut ann, &mut bob);
    assert_eq!(ann.texts(&chat), ["before anything was accepted"]);
    assert_eq!(bob.states(&chat), [MessageState::Delivered]);
}

#[test]
fn a_block_is_undone_to_what_was_before_and_what_it_dropped_stays_failed() {
    let (mut ann, mut bob) = (Side::new(1), Side::new(2));
    ask(&mut bob, &mut ann);
    assert_eq!(ann.state_of(&bob.account), Some(ContactState::Incoming));
    ann.command(Command::BlockContact { contact: bob.account });
    ann.command(Command::UnblockContact { contact: bob.account });
    assert_eq!(ann.state_of(&bob.account), Some(ContactState::Incoming), "nobody was accepted");
    disconnect(&mut ann, &mut bob);

    let (mut ann, mut bob, chat) = friends();
    disconnect(&mut ann, &mut bob);
    ann.send(chat, "never mind");
    ann.command(Command::BlockContact { contact: bob.account });
    ann.command(Command::UnblockContact { contact: bob.account });
    ann.send(chat, "after all");
    connect(&mut ann, &mut bob);
    carry(&mut ann, &mut bob);
    assert_eq!(bob.texts(&chat), ["after all"]);
    assert_eq!(ann.states(&chat), [MessageState::Failed, MessageState::Delivered]);
}

#[test]
fn what_an_undecided_person_gets_is_not_confirmed_and_comes_once_they_agree() {
    let (mut ann, mut bob, chat) = friends();
    // Ann puts back a disk from before she decided, as far as Bob can tell: she removes him, and he asks again.
    ann.command(Command::RemoveContact { contact: bob.account });
    bob.command(Command::RemoveContact { contact: ann.account });
    disconnect(&mut ann, &mut bob);
    ask(&mut bob, &mut ann);
    bob.send(chat, "do you agree?");
    carry(&mut ann, &mut bob);
    assert_eq!(bob.states(&chat), [MessageState::Queued]);
    ann.command(Command::AcceptContact { contact: bob.account });
    carry(&mut ann, &mut bob);
    assert_eq!(ann.texts(&chat), ["do you agree?"]);
    assert_eq!(bob.states(&chat), [MessageState::Delivered]);
}

#[test]
fn reading_up_to_an_own_message_reads_everything_above_it() {
    let (mut ann, mut bob, chat) = friends();
    ann.send(chat, "one");
    ann.send(chat, "two");
    carry(&mut ann, &mut bob);
    let own = bob.send(chat, "three");
    carry(&mut ann, &mut bob);
    bob.command(Command::MarkRead { chat, message: own });
    carry(&mut ann, &mut bob);
    assert_eq!(ann.states(&chat), [MessageState::Read, MessageState::Read]);
    let unknown = Command::MarkRead { chat, message: kith_proto::id::MessageId([9; 16]) };
    assert_eq!(bob.try_command(unknown).err(), Some(Refusal::UnknownMessage));
}

#[test]
fn hints_about_somebody_unreachable_do_not_make_a_storm() {
    let (mut ann, mut bob, _) = friends();
    disconnect(&mut ann, &mut bob);
    ann.dials = 0;
    let address = Multiaddress::new(vec![77]).unwrap();
    for _ in 0..1_000 {
        ann.net(NetInput::DialFailed { device: bob.device });
        ann.net(NetInput::Discovered { device: bob.device, addresses: vec![address.clone()] });
    }
    assert!(ann.dials <= 2, "{} dials", ann.dials);
}

#[test]
fn a_receipt_that_never_comes_makes_the_pauses_longer() {
    let (mut ann, mut bob, chat) = friends();
    ann.send(chat, "nobody answers");
    ann.sent.clear();
    let mut frames = 0;
    for _ in 0..24 * 60 {
        ann.pass(Span::from_minutes(1));
        frames += std::mem::take(&mut ann.sent).len();
    }
    assert!(frames < 800, "{frames} frames in a day");
    carry(&mut ann, &mut bob);
}

#[test]
fn a_friend_behind_a_relay_is_dialled_where_they_say_they_are() {
    let (mut ann, mut bob, _) = friends();
    let (bobs, anns) = (bob.device, ann.account);
    bob.net(NetInput::Path { device: ann.device, relayed: true });
    ann.net(NetInput::Path { device: bobs, relayed: true });
    assert!(bob.engine.overview().relayed.contains(&anns));
    let before = bob.dials;
    let address = Multiaddress::new(vec![77]).unwrap();
    ann.net(NetInput::Listening { address: address.clone(), rank: AddressRank::Global });
    ann.pass(Span::from_secs(1));
    carry(&mut ann, &mut bob);
    assert_eq!(bob.dials, before + 1, "a friend who is connected is told of a new address at once");
    assert!(bob.dialled.contains(&address));
    bob.net(NetInput::Path { device: ann.device, relayed: false });
    assert!(bob.engine.overview().relayed.is_empty());
}
