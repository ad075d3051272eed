//! Strangers who know an address and nothing else, the mailboxes at which they knock, and those who abuse it.

use std::collections::BTreeMap;

use kith_crypto::invite;
use kith_crypto::mailbox;
use kith_crypto::record;
use kith_crypto::secret::Secret32;
use kith_engine::Command;
use kith_engine::Effect;
use kith_engine::Event;
use kith_engine::command::Refusal;
use kith_engine::input::AddressRank;
use kith_engine::input::NetInput;
use kith_engine::query;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::MessageState;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::HEADER_BYTES;
use kith_proto::envelope::SIZE_CLASSES;
use kith_proto::envelope::TAG_BYTES;
use kith_proto::frame::Frame;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::QueueId;
use kith_proto::id::ReaderId;
use kith_proto::id::RecordKey;
use kith_proto::invite::Invite;
use kith_proto::invite::InviteSecret;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::WorkProof;
use kith_proto::mailbox::deposit_subject;
use kith_proto::record::Record;
use kith_proto::rows::Write;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use kith_simulations::post::Sent;

use crate::Side;
use crate::connect;
use crate::disconnect;
use crate::friends;
use crate::invite as make_link;
use crate::mailboxes::Office;

const SECOND: Span = Span::from_secs(1);
const MINUTE: Span = Span::from_minutes(1);

/// Somebody with a device, and their number.
pub(crate) struct Person {
    pub(crate) side: Side,
    who: usize,
}

/// Three mailboxes, a DHT, and one time for all. Nobody is ever connected to anybody.
pub(crate) struct Town {
    office: Office,
    dht: BTreeMap<RecordKey, Record>,
    now: Timestamp,
    look_ups: usize,
}

impl Town {
    pub(crate) fn new() -> Self {
        let (office, dht) = (Office::with_work(3, 8), BTreeMap::new());
        Self { office, dht, now: crate::BEGIN, look_ups: 0 }
    }

    /// Somebody who is here for the first time, and goes again.
    pub(crate) fn person(&mut self, number: u8) -> Person {
        let mut person = Person { side: Side::new(number), who: number.into() };
        self.visit(&mut person, 3);
        person
    }

    /// Somebody is there for so many seconds; nobody else is.
    pub(crate) fn visit(&mut self, person: &mut Person, seconds: u64) {
        self.come(person);
        self.live(person, seconds);
        self.go(person);
    }

    pub(crate) fn come(&mut self, person: &mut Person) {
        person.side.now = self.now;
        person.side.restart();
        let address = Multiaddress::new(vec![u8::try_from(person.who).unwrap()]).unwrap();
        person.side.net(NetInput::Listening { address, rank: AddressRank::Local });
        self.office.welcome(&mut person.side);
    }

    pub(crate) fn go(&mut self, person: &Person) {
        for sent in self.office.post.left(person.who) {
            if let Sent::ToHost(host, input) = sent {
                let _ = self.office.post.arrive(host, input, self.now);
            }
        }
    }

    pub(crate) fn live(&mut self, person: &mut Person, seconds: u64) {
        self.pass(person, SECOND, seconds);
    }

    fn pass(&mut self, person: &mut Person, step: Span, steps: u64) {
        for _ in 0..steps {
            person.side.now = self.now;
            person.side.pass(step);
            self.now = person.side.now;
            self.carry(person);
        }
    }

    /// Carries everything there and back.
    fn carry(&mut self, person: &mut Person) {
        let side = &mut person.side;
        while !side.mail.is_empty() || !side.dht.is_empty() {
            self.office.carry(side, person.who);
            for effect in std::mem::take(&mut side.dht) {
                match effect {
                    Effect::Publish { record } => self.publish(record),
                    Effect::LookUp { key } => {
                        self.look_ups += 1;
                        if let Some(record) = self.dht.get(&key).cloned() {
                            side.net(NetInput::Found { key, record });
                        }
                        side.net(NetInput::LookUpDone { key });
                    }
                    _ => {}
                }
            }
        }
    }

    fn publish(&mut self, record: Record) {
        let known = self.dht.get(&record.key());
        if known.is_none_or(|known| known.sequence < record.sequence) {
            self.dht.insert(record.key(), record);
        }
    }

    /// The cards by which strangers find somebody.
    fn cards(&mut self, account: AccountId) -> Vec<&mut Record> {
        let today = record::period_at(self.now);
        let keys = [today - 1, today, today + 1].map(|period| record::knock_key(&account, period).unwrap());
        self.dht.iter_mut().filter(|(key, _)| keys.contains(key)).map(|(_, record)| record).collect()
    }

    /// Somebody who knows the address asks, in half a minute.
    fn knock(&mut self, person: &mut Person, account: AccountId) {
        self.come(person);
        person.side.command(Command::Knock { account, greeting: "from the climbing wall".to_owned() });
        self.carry(person);
        self.live(person, 30);
        self.go(person);
    }

    /// Anybody leaves anything in a queue of somebody's at the first mailbox, with the work that it wants.
    fn leave(&mut self, queue: QueueId, envelope: &Envelope) -> Answer {
        let device = self.first();
        let mut sent = self.office.post.open(99, 1, &device, true);
        let mut ask = |town: &mut Self, number, word| {
            sent.extend(town.office.post.ask(99, 1, Numbered { number, word }));
            let mut last = None;
            while let Some(next) = (!sent.is_empty()).then(|| sent.remove(0)) {
                match next {
                    Sent::ToHost(host, input) => {
                        sent.extend(town.office.post.arrive(host, input, town.now).0);
                    }
                    Sent::ToPerson(99, NetInput::MailboxAnswered { answer, .. }) => last = Some(answer.word),
                    _ => {}
                }
            }
            last.unwrap()
        };
        let deposit = |work| {
            let (keep, envelope) = (KeepFor::Days14, envelope.clone());
            Request::Deposit { queue, envelope, keep, work, signature: [0; 64] }
        };
        ask(self, 1, Request::Hello { version: kith_proto::mailbox::MAILBOX_VERSION });
        let answer = match ask(self, 2, deposit(None)) {
            Answer::WorkWanted { challenge, bits } => {
                let subject = deposit_subject(&queue, &envelope.id());
                let proof = WorkProof::search(&challenge, bits, &subject, 0, 1 << 20).unwrap();
                ask(self, 3, deposit(Some(proof)))
            }
            other => other,
        };
        let _ = self.office.post.left(99);
        answer
    }

    /// The first mailbox.
    fn first(&self) -> DeviceId {
        self.office.post.on().first().unwrap().device
    }

    /// The queue at the first mailbox where strangers knock who know somebody's address.
    fn queue_of(&self, person: &Person) -> QueueId {
        let (mailbox, period) = (self.first(), mailbox::period_at(self.now));
        let secret = mailbox::invite_secret(&invite::knock(&person.account()));
        let device = person.side.device;
        mailbox::open_queue(&device, &secret, &mailbox, period).unwrap().0
    }
}

impl Town {
    /// Somebody registers a queue at the first mailbox, with an inbox of their own.
    fn squat(&mut self, queue: QueueId, access: &Access) -> Answer {
        let (device, period) = (self.first(), mailbox::period_at(self.now));
        let key = mailbox::inbox_key(&Secret32::new([66; 32]), &device, period);
        let mut sent = self.office.post.open(99, 1, &device, true);
        let hello = Request::Hello { version: kith_proto::mailbox::MAILBOX_VERSION };
        sent.extend(self.office.post.ask(99, 1, Numbered { number: 1, word: hello }));
        let mut last = None;
        while let Some(next) = (!sent.is_empty()).then(|| sent.remove(0)) {
            match next {
                Sent::ToHost(host, input) => sent.extend(self.office.post.arrive(host, input, self.now).0),
                Sent::ToPerson(99, NetInput::MailboxAnswered { answer, .. }) => {
                    if let Answer::Hello { nonce, .. } = answer.word {
                        let mut word = Request::Register {
                            inbox: key.public(),
                            period,
                            readers: BoundedVec::truncated(vec![ReaderId([1; 16])]),
                            queues: BoundedVec::truncated(vec![(queue, access.clone())]),
                            owners: BoundedVec::default(),
                            admission: Admission::Open {},
                            signature: [0; 64],
                        };
                        key.sign(&device, &nonce, &mut word);
                        sent.extend(self.office.post.ask(99, 1, Numbered { number: 2, word }));
                    }
                    last = Some(answer.word);
                }
                _ => {}
            }
        }
        let _ = self.office.post.left(99);
        last.unwrap()
    }
}

impl Person {
    fn account(&self) -> AccountId {
        self.side.account
    }

    /// A contact as it is shown.
    fn shows(&self, other: &Self) -> Option<ContactView> {
        let contacts = query::contacts(&self.side.disk).unwrap();
        contacts.into_iter().find(|view| view.contact == other.account())
    }

    fn is_asked_by(&self, other: &Self) -> bool {
        self.shows(other).is_some_and(|view| view.state == ContactState::Incoming)
    }

    fn requests(&self) -> usize {
        self.side.events.iter().filter(|event| matches!(event, Event::ContactRequested(_))).count()
    }
}

fn accept(contact: AccountId) -> Command {
    Command::AcceptContact { contact }
}

/// Ann, who was there and is away, and Bob, who knows her address and has knocked.
fn ann_and_bob() -> (Town, Person, Person) {
    let mut town = Town::new();
    let (ann, mut bob) = (town.person(1), town.person(2));
    town.knock(&mut bob, ann.account());
    (town, ann, bob)
}

#[test]
fn a_stranger_asks_while_the_owner_is_away_and_both_write_though_they_never_meet() {
    let (mut town, mut ann, mut bob) = ann_and_bob();
    assert_eq!(town.office.knocks.len(), 3, "one at each mailbox, with work");
    assert!(bob.side.sent.iter().all(|(_, frame)| !matches!(frame, Frame::Put(_))));
    assert_eq!((bob.side.dials, ann.side.dials), (0, 0), "nobody is dialled");
    let asked = bob.shows(&ann).unwrap();
    assert_eq!((asked.state, asked.refused, asked.greeting.as_str()), (ContactState::Requested, false, ""));
    assert!(!asked.stranger);

    town.come(&mut ann);
    town.live(&mut ann, 5);
    let seen = ann.shows(&bob).unwrap();
    assert_eq!((seen.state, seen.stranger), (ContactState::Incoming, true));
    assert_eq!((seen.greeting.as_str(), ann.requests()), ("from the climbing wall", 1));
    ann.side.command(accept(bob.account()));
    let chat = ann.side.chat_with(&bob.side);
    ann.side.send(chat, "which wall?");
    town.live(&mut ann, 5);
    town.go(&ann);
    assert!(!ann.shows(&bob).unwrap().stranger, "not any more");

    town.come(&mut bob);
    town.live(&mut bob, 5);
    assert_eq!(bob.side.texts(&chat), ["which wall?"]);
    bob.side.send(chat, "the one by the river");
    town.live(&mut bob, 5);
    town.go(&bob);
    town.visit(&mut ann, 5);
    assert_eq!(ann.side.texts(&chat), ["the one by the river"]);
    town.visit(&mut bob, 5);
    assert_eq!((ann.side.states(&chat), bob.side.states(&chat)), {
        let delivered = vec![MessageState::Delivered];
        (delivered.clone(), delivered)
    });
    assert_eq!(ann.side.scored + bob.side.scored, 0);
}

#[test]
fn on_a_connection_a_stranger_says_nothing_and_is_not_heard() {
    let mut town = Town::new();
    let (mut ann, mut bob) = (town.person(1), town.person(2));
    town.knock(&mut bob, ann.account());
    let envelope = town.office.knocks[0].1.clone();
    connect(&mut ann.side, &mut bob.side);
    assert_eq!(ann.shows(&bob), None, "Bob says nothing");
    // Whoever does it in another way saves the work, and has nothing of it.
    ann.side.net(NetInput::Frame { device: bob.side.device, frame: Frame::Put(envelope) });
    assert_eq!((ann.shows(&bob), ann.side.scored), (None, 0));
    disconnect(&mut ann.side, &mut bob.side);
    town.visit(&mut ann, 5);
    assert!(ann.is_asked_by(&bob));
}

#[test]
fn those_who_were_connected_all_the_time_talk_there_once_it_is_agreed() {
    let (mut town, mut ann, mut bob) = ann_and_bob();
    town.come(&mut ann);
    town.come(&mut bob);
    connect(&mut ann.side, &mut bob.side);
    town.live(&mut ann, 5);
    ann.side.command(accept(bob.account()));
    town.live(&mut ann, 5);
    town.live(&mut bob, 5);
    crate::carry(&mut ann.side, &mut bob.side);
    let chat = ann.side.chat_with(&bob.side);
    ann.side.send(chat, "hello");
    crate::carry(&mut ann.side, &mut bob.side);
    assert_eq!(bob.side.texts(&chat), ["hello"]);
    assert_eq!(ann.side.states(&chat), [MessageState::Delivered]);
}

#[test]
fn fifty_wait_and_the_others_stay_in_the_mailboxes_until_there_is_room() {
    let mut town = Town::new();
    let mut ann = town.person(1);
    let mut strangers = Vec::new();
    for number in 2..54 {
        let mut stranger = town.person(number);
        town.knock(&mut stranger, ann.account());
        strangers.push(stranger);
        if number % 10 == 0 {
            town.visit(&mut ann, 3);
        }
    }
    town.visit(&mut ann, 3);
    let asked: Vec<bool> = strangers.iter().map(|stranger| ann.is_asked_by(stranger)).collect();
    assert_eq!(asked, [vec![true; 50], vec![false; 2]].concat(), "those who came first stay");
    assert_eq!(ann.requests(), 50);
    // Two places are free, and two are waiting.
    town.come(&mut ann);
    ann.side.command(Command::RemoveContact { contact: strangers[0].account() });
    ann.side.command(Command::BlockContact { contact: strangers[1].account() });
    town.live(&mut ann, 5);
    let asked: Vec<bool> = strangers.iter().map(|stranger| ann.is_asked_by(stranger)).collect();
    assert_eq!(asked, [vec![false; 2], vec![true; 50]].concat());
    assert_eq!(ann.side.scored, 0);
    // Somebody with a link comes in all the same.
    let link = make_link(&mut ann.side);
    let mut zoe = Person { side: Side::new(60), who: 60 };
    zoe.side.now = ann.side.now;
    zoe.side.command(Command::AddContact { invite: link, greeting: String::new() });
    connect(&mut zoe.side, &mut ann.side);
    assert!(ann.is_asked_by(&zoe) && !ann.shows(&zoe).unwrap().stranger);
}

#[test]
fn when_all_places_are_taken_more_work_takes_the_place_of_the_least() {
    let mut town = Town::new();
    let config = kith_engine::Config { incoming_knocks: 2, ..kith_engine::Config::default() };
    let mut ann = Person { side: Side::with_config(1, None, config), who: 1 };
    town.visit(&mut ann, 3);
    let mut strangers: Vec<Person> = (2..9).map(|number| town.person(number)).collect();
    for stranger in strangers.iter_mut().take(2) {
        town.knock(stranger, ann.account());
    }
    town.visit(&mut ann, 3);
    let asked = |ann: &Person, strangers: &[Person]| -> Vec<bool> {
        strangers.iter().map(|stranger| ann.is_asked_by(stranger)).collect()
    };
    assert_eq!(asked(&ann, &strangers), [true, true, false, false, false, false, false]);
    // Five more while she is away: the price is the same for four of them, and higher for the fifth.
    for stranger in strangers.iter_mut().skip(2) {
        town.knock(stranger, ann.account());
    }
    town.visit(&mut ann, 3);
    assert_eq!(
        asked(&ann, &strangers),
        [true, false, false, false, false, false, true],
        "of those who did the least, the one who came last went; as much work as others did displaces nobody"
    );
    assert!(ann.side.engine.stats().gave_way > 0);
    town.visit(&mut ann, 3);
    assert_eq!(
        asked(&ann, &strangers),
        [true, false, false, false, false, false, true],
        "after a restart too"
    );
    assert_eq!(ann.side.engine.stats().gave_way, 0, "counted since the start");
}

#[test]
fn who_was_turned_away_is_not_heard_again_unless_the_owner_wants_it() {
    let (mut town, mut ann, mut bob) = ann_and_bob();
    town.visit(&mut ann, 5);
    town.come(&mut ann);
    ann.side.command(Command::RemoveContact { contact: bob.account() });
    town.go(&ann);
    // Bob does not hear of it; what was kept is renewed, sealed anew, and there again.
    let before = town.office.knocks.len();
    town.come(&mut bob);
    town.pass(&mut bob, MINUTE, 60 * 24 * 14);
    town.go(&bob);
    assert!(town.office.knocks.len() > before);
    town.visit(&mut ann, 5);
    assert_eq!((ann.shows(&bob), ann.requests()), (None, 1));
    // Nor does it help to forget her and to ask anew.
    bob.side.command(Command::RemoveContact { contact: ann.account() });
    town.knock(&mut bob, ann.account());
    town.visit(&mut ann, 5);
    assert_eq!((ann.shows(&bob), ann.requests()), (None, 1));
    assert!(ann.side.engine.stats().not_let_in > 0);
    let held = town.office.post.held().envelopes;
    assert_eq!(held, 0, "it does not lie in the way of others");
    // She makes him a link.
    let link = make_link(&mut ann.side);
    bob.side.now = town.now;
    ann.side.now = town.now;
    bob.side.command(Command::AddContact { invite: link, greeting: String::new() });
    connect(&mut bob.side, &mut ann.side);
    assert!(ann.is_asked_by(&bob) && !ann.shows(&bob).unwrap().stranger);
}

#[test]
fn asking_whom_one_turned_away_is_an_answer() {
    let (mut town, mut ann, mut bob) = ann_and_bob();
    town.visit(&mut ann, 5);
    town.come(&mut ann);
    ann.side.command(Command::RemoveContact { contact: bob.account() });
    town.go(&ann);
    town.knock(&mut ann, bob.account());
    town.visit(&mut bob, 5);
    assert_eq!(bob.side.state_of(&ann.account()), Some(ContactState::Accepted));
    town.visit(&mut ann, 5);
    assert_eq!(ann.side.state_of(&bob.account()), Some(ContactState::Accepted));
}

#[test]
fn a_stranger_who_is_blocked_stays_one_when_the_block_is_undone() {
    let (mut town, mut ann, mut bob) = ann_and_bob();
    town.visit(&mut ann, 5);
    town.come(&mut ann);
    ann.side.command(Command::BlockContact { contact: bob.account() });
    let seen = ann.shows(&bob).unwrap();
    assert_eq!((seen.state, seen.stranger), (ContactState::Blocked, false));
    ann.side.command(Command::UnblockContact { contact: bob.account() });
    ann.side.restart();
    let seen = ann.shows(&bob).unwrap();
    assert_eq!((seen.state, seen.stranger), (ContactState::Incoming, true));
    // Who asks may also block and think better of it, found or not.
    let mut carl = town.person(3);
    town.come(&mut bob);
    bob.side.command(Command::Knock { account: carl.account(), greeting: "it is me".to_owned() });
    for command in [
        Command::BlockContact { contact: carl.account() },
        Command::UnblockContact { contact: carl.account() },
    ] {
        bob.side.command(command);
    }
    town.live(&mut bob, 40);
    town.go(&bob);
    town.visit(&mut carl, 5);
    assert_eq!(carl.shows(&bob).unwrap().greeting, "it is me");
}

#[test]
fn an_owner_who_takes_no_knocks_is_not_asked_and_those_who_ask_are_told() {
    let (mut town, mut ann, mut bob) = ann_and_bob();
    town.come(&mut ann);
    ann.side.command(Command::AllowKnocks { allowed: false });
    town.live(&mut ann, 5);
    town.go(&ann);
    assert_eq!(ann.shows(&bob), None, "also what was on its way");
    assert!(!query::allows_knocks(&ann.side.disk).unwrap());
    let mut carl = town.person(3);
    let before = town.office.knocks.len();
    town.knock(&mut carl, ann.account());
    assert!(carl.shows(&ann).unwrap().refused);
    assert_eq!(town.office.knocks.len(), before, "no work is done for nothing");
    let no_queue = town.leave(town.queue_of(&ann), &town.office.knocks[0].1.clone());
    assert_eq!(no_queue, Answer::NoQueue {});
    // She changes her mind, and Carl tries again.
    town.come(&mut ann);
    ann.side.command(Command::AllowKnocks { allowed: true });
    town.live(&mut ann, 5);
    town.go(&ann);
    town.knock(&mut carl, ann.account());
    town.visit(&mut ann, 5);
    assert!(ann.is_asked_by(&carl));
    bob.side.now = town.now;
    assert!(query::allows_knocks(&ann.side.disk).unwrap());
}

#[test]
fn a_stranger_who_knows_the_address_cannot_take_the_queue_first() {
    let mut town = Town::new();
    let mut ann = Person { side: Side::new(1), who: 1 };
    let queue = town.queue_of(&ann);
    assert_eq!(town.squat(queue, &Access::Knock {}), Answer::Refused {});
    assert_eq!(town.squat(queue, &Access::Key { deposit: [1; 32] }), Answer::Refused {});
    // What an address alone gave away before is no queue's name any more.
    let secret = mailbox::invite_secret(&invite::knock(&ann.account()));
    let (guessed, _) = mailbox::queue(&secret, &town.first(), mailbox::period_at(town.now));
    assert!(matches!(town.squat(guessed, &Access::Key { deposit: [1; 32] }), Answer::Registered { .. }));
    town.visit(&mut ann, 3);
    assert_eq!(ann.side.engine.stats().queues_missing, 0);
    let mut bob = town.person(2);
    town.knock(&mut bob, ann.account());
    assert_eq!(town.office.knocks.len(), 3, "one at each mailbox");
    town.visit(&mut ann, 5);
    assert!(ann.is_asked_by(&bob));
}

#[test]
fn what_is_left_again_forged_or_for_somebody_else_changes_nothing() {
    let (mut town, mut ann, bob) = ann_and_bob();
    let (queue, envelope) = (town.queue_of(&ann), town.office.knocks[0].1.clone());
    town.visit(&mut ann, 5);
    town.come(&mut ann);
    ann.side.command(accept(bob.account()));
    town.live(&mut ann, 5);
    town.go(&ann);
    // Mailboxes remember names for two days; then anybody who saw the envelope may leave it again.
    town.now = town.now + Span::from_hours(60);
    town.visit(&mut ann, 5);
    let queue = if mailbox::period_at(town.now) == mailbox::period_at(crate::BEGIN) {
        queue
    } else {
        town.queue_of(&ann)
    };
    assert!(matches!(town.leave(queue, &envelope), Answer::Stored { .. }));
    let mut bytes = envelope.as_bytes().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let forged = Envelope::parse(bytes).unwrap();
    assert!(matches!(town.leave(queue, &forged), Answer::Stored { .. }));
    town.visit(&mut ann, 5);
    assert_eq!(ann.side.state_of(&bob.account()), Some(ContactState::Accepted));
    assert_eq!((ann.requests(), ann.side.scored), (1, 0), "nobody is scored for mail");
    assert_eq!(query::contacts(&ann.side.disk).unwrap().len(), 1);
    // The same for Carl, at whose door it means nothing.
    let mut carl = town.person(3);
    assert!(matches!(town.leave(town.queue_of(&carl), &envelope), Answer::Stored { .. }));
    town.visit(&mut carl, 5);
    assert!(query::contacts(&carl.side.disk).unwrap().is_empty());
    // What is too large is not even taken.
    let huge = Envelope::new([7; TAG_BYTES], &vec![7; SIZE_CLASSES[3] - HEADER_BYTES]).unwrap();
    assert!(!matches!(town.leave(queue, &huge), Answer::Stored { .. } | Answer::WorkWanted { .. }));
}

#[test]
fn forged_and_expired_cards_lead_nowhere_and_after_a_month_that_is_said() {
    let mut town = Town::new();
    let (ann, mut bob, eve) = (town.person(1), town.person(2), town.person(3));
    let forged = town.cards(eve.account()).remove(0).clone();
    for (card, expired) in town.cards(ann.account()).into_iter().zip([true, false]) {
        match expired {
            true => card.expires = crate::BEGIN,
            false => card.body = forged.body.clone(),
        }
    }
    town.come(&mut bob);
    bob.side.command(Command::Knock { account: ann.account(), greeting: String::new() });
    town.pass(&mut bob, SECOND, 960);
    town.pass(&mut bob, Span::from_minutes(30), 2 * 24 * 29);
    assert!(!bob.shows(&ann).unwrap().refused, "perhaps they come back from a journey");
    town.pass(&mut bob, Span::from_minutes(30), 2 * 25);
    assert!(bob.shows(&ann).unwrap().refused);
    assert!(bob.side.engine.stats().bad_records >= 5 && town.office.knocks.is_empty());
}

#[test]
fn who_was_removed_by_mistake_is_found_again_by_the_address_without_being_asked() {
    let (mut ann, mut bob, chat) = friends();
    disconnect(&mut ann, &mut bob);
    assert_eq!(
        ann.try_command(Command::Knock { account: bob.account, greeting: String::new() }).unwrap_err(),
        Refusal::AlreadyContact
    );
    bob.command(Command::RemoveContact { contact: ann.account });
    let mut town = Town::new();
    let (mut ann, mut bob) = (Person { side: ann, who: 1 }, Person { side: bob, who: 2 });
    ann.side.events.clear();
    town.visit(&mut ann, 3);
    town.knock(&mut bob, ann.account());
    town.visit(&mut ann, 5);
    assert_eq!((ann.requests(), ann.side.state_of(&bob.account())), (0, Some(ContactState::Accepted)));
    town.visit(&mut bob, 5);
    assert_eq!(bob.side.state_of(&ann.account()), Some(ContactState::Accepted));
    town.come(&mut bob);
    bob.side.send(chat, "again");
    town.live(&mut bob, 5);
    town.go(&bob);
    town.visit(&mut ann, 5);
    assert_eq!(ann.side.texts(&chat), ["hello", "again"]);
}

#[test]
fn who_put_an_old_disk_back_knocks_again_and_is_told_where_to_write() {
    let (mut town, mut ann, mut bob) = ann_and_bob();
    let chat = ChatId::direct(&ann.account(), &bob.account());
    town.visit(&mut ann, 5);
    let old = Side::new(2).disk;
    town.come(&mut ann);
    ann.side.command(accept(bob.account()));
    town.live(&mut ann, 5);
    town.go(&ann);
    for _ in 0..2 {
        town.visit(&mut bob, 5);
        town.visit(&mut ann, 5);
    }
    assert_eq!(bob.side.state_of(&ann.account()), Some(ContactState::Accepted));
    bob.side.disk = old;
    town.visit(&mut bob, 3);
    assert!(bob.shows(&ann).is_none(), "he has forgotten everything");
    town.knock(&mut bob, ann.account());
    town.visit(&mut ann, 5);
    town.visit(&mut bob, 5);
    assert_eq!(bob.side.state_of(&ann.account()), Some(ContactState::Accepted));
    town.come(&mut bob);
    bob.side.send(chat, "here again");
    town.live(&mut bob, 5);
    town.go(&bob);
    town.visit(&mut ann, 5);
    assert_eq!(ann.side.texts(&chat), ["here again"]);
}

#[test]
fn two_who_knock_at_each_other_need_no_further_word() {
    let mut town = Town::new();
    let (mut ann, mut bob) = (town.person(1), town.person(2));
    let (first, second) = (ann.account(), bob.account());
    // Both at the same moment, before either reads anything.
    for (person, account) in [(&mut ann, second), (&mut bob, first)] {
        town.come(person);
        person.side.command(Command::Knock { account, greeting: String::new() });
        person.side.mail.clear();
    }
    for _ in 0..2 {
        town.visit(&mut ann, 40);
        town.visit(&mut bob, 40);
    }
    assert_eq!(ann.side.state_of(&second), Some(ContactState::Accepted));
    assert_eq!(bob.side.state_of(&first), Some(ContactState::Accepted));
    assert_eq!(ann.requests() + bob.requests(), 0);
}

#[test]
fn a_second_request_that_proves_nothing_does_not_make_a_stranger_an_invited_person() {
    let (mut town, mut ann, mut bob) = ann_and_bob();
    town.visit(&mut ann, 5);
    let address = Multiaddress::new(vec![1]).unwrap();
    let place = DeviceAddress { device: ann.side.device, address };
    let made_up = Invite::new(ann.account(), &InviteSecret([9; 16]), 0, &[place]);
    bob.side.command(Command::AddContact { invite: made_up, greeting: String::new() });
    connect(&mut bob.side, &mut ann.side);
    assert!(ann.shows(&bob).unwrap().stranger);
    disconnect(&mut bob.side, &mut ann.side);
    // A link that she made does, and is used up by it.
    let link = make_link(&mut ann.side);
    bob.side.command(Command::AddContact { invite: link, greeting: String::new() });
    connect(&mut bob.side, &mut ann.side);
    let seen = ann.shows(&bob).unwrap();
    assert_eq!((seen.state, seen.stranger), (ContactState::Incoming, false));
    assert!(query::invites(&ann.side.disk).unwrap().is_empty());
}

#[test]
fn a_card_whose_mailboxes_are_all_away_is_looked_for_again() {
    let mut town = Town::new();
    let (mut ann, mut bob) = (town.person(1), town.person(2));
    town.come(&mut bob);
    bob.side.command(Command::Knock { account: ann.account(), greeting: String::new() });
    for host in 0..3 {
        let _ = town.office.post.stop(host);
    }
    town.pass(&mut bob, SECOND, 120);
    let once = town.look_ups;
    town.pass(&mut bob, MINUTE, 60);
    assert!((4..=40).contains(&(town.look_ups - once)), "{} look-ups in an hour", town.look_ups - once);
    assert!(!bob.shows(&ann).unwrap().refused, "there was a card");
    for host in 0..3 {
        let _ = town.office.post.start(host, town.now);
    }
    town.pass(&mut bob, MINUTE, 20);
    town.go(&bob);
    town.visit(&mut ann, 5);
    assert!(ann.is_asked_by(&bob));
}

#[test]
fn who_knocks_before_having_a_mailbox_is_answered_by_mail_all_the_same() {
    let mut town = Town::new();
    let mut ann = town.person(1);
    let mut bob = Person { side: Side::new(2), who: 2 };
    town.knock(&mut bob, ann.account());
    town.visit(&mut ann, 5);
    town.come(&mut ann);
    ann.side.command(accept(bob.account()));
    town.live(&mut ann, 5);
    town.go(&ann);
    town.visit(&mut bob, 5);
    assert_eq!(bob.side.state_of(&ann.account()), Some(ContactState::Accepted));
    assert_eq!(ann.requests(), 1);
}

#[test]
fn commands_that_make_no_sense_are_refused_in_words() {
    let mut town = Town::new();
    let (mut ann, bob) = (town.person(1), town.person(2));
    let knock = |account| Command::Knock { account, greeting: String::new() };
    let own = ann.account();
    assert_eq!(ann.side.try_command(knock(own)).unwrap_err(), Refusal::OwnAddress);
    let nobody = (0..=255).map(|byte| AccountId([byte; 32])).find(|id| record::knock_key(id, 0).is_none());
    assert_eq!(ann.side.try_command(knock(nobody.unwrap())).unwrap_err(), Refusal::BadAddress);
    let long = Command::Knock { account: bob.account(), greeting: "x".repeat(513) };
    assert_eq!(ann.side.try_command(long).unwrap_err(), Refusal::TooLong { limit: 512 });
    assert_eq!(ann.shows(&bob), None, "what is refused changes nothing");
    ann.side.command(knock(bob.account()));
    assert_eq!(ann.side.try_command(knock(bob.account())).unwrap_err(), Refusal::AlreadyAsked);
    let chat = ann.side.chat_with(&bob.side);
    let send = Command::SendMessage { chat, text: "hello?".to_owned(), reply_to: None, expires_secs: None };
    assert_eq!(ann.side.try_command(send).unwrap_err(), Refusal::NotFoundYet);
    for refusal in [Refusal::OwnAddress, Refusal::BadAddress, Refusal::AlreadyAsked, Refusal::NotFoundYet] {
        assert!(refusal.to_string().len() > 20 && !refusal.code().is_empty());
    }
    // It goes on after a restart.
    town.visit(&mut ann, 40);
    let mut bob = bob;
    town.visit(&mut bob, 5);
    assert!(bob.is_asked_by(&ann));
}

#[test]
fn who_asked_before_work_was_noted_is_not_the_first_to_make_room() {
    let mut disk = kith_simulations::disk::Disk::default();
    // Version 1 of the row: not turned away, since the 77th millisecond.
    let row = vec![1, 0, 77, 0, 0, 0, 0, 0, 0, 0];
    disk.commit(vec![Write { table: "strangers".to_owned(), key: vec![9; 32], value: Some(row) }]);
    for from in 1..=4 {
        let writes = kith_engine::migrate::migrate(from, &disk).unwrap();
        let [Write { key, value: Some(row), .. }] = writes.as_slice() else { panic!("one row") };
        assert_eq!((key, row.last()), (&vec![9; 32], Some(&20)), "the least that a mailbox asks for");
    }
    assert!(kith_engine::migrate::migrate(5, &disk).unwrap().is_empty());
}
