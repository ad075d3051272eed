//! Mailboxes that are broken, hostile, or go away.

use kith_engine::Command;
use kith_engine::Effect;
use kith_engine::Event;
use kith_engine::input::NetInput;
use kith_engine::view::AttemptEnd;
use kith_engine::view::MessageState;
use kith_engine::view::NextWhy;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::frame::Frame;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::MAILBOX_VERSION;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::WorkBits;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use kith_simulations::post::Post;
use kith_simulations::post::Sent;

use crate::Side;
use crate::ask;
use crate::carry;
use crate::choosing::used;
use crate::connect;
use crate::disconnect;
use crate::input_frame;
use crate::invite;

const SECOND: Span = Span::from_secs(1);

pub(crate) fn node(number: u8) -> DeviceAddress {
    let address = Multiaddress::new(vec![4, 10, number, 0, 1]).unwrap();
    DeviceAddress { device: DeviceId([number; 32]), address }
}

pub(crate) fn say(side: &mut Side, stream: u64, number: u32, word: Answer) {
    side.net(NetInput::MailboxAnswered { stream, answer: Numbered { number, word } });
}

pub(crate) fn hello() -> Answer {
    Answer::Hello { version: MAILBOX_VERSION, nonce: [7; 16] }
}

pub(crate) fn registered() -> Answer {
    // More than anybody asks for: closed ones that are not empty are counted too.
    registered_but(1_000, Vec::new())
}

/// The same, with so many queues, and without some.
fn registered_but(queues: u32, left_out: Vec<QueueId>) -> Answer {
    let (until, left_out) = (crate::BEGIN + Span::from_days(30), BoundedVec::truncated(left_out));
    Answer::Registered { quota_left: 1 << 25, last: 0, queues, until, left_out }
}

/// Lets time pass second by second. `play` is the mailbox: it is shown every effect and may answer.
fn live(side: &mut Side, seconds: u64, mut play: impl FnMut(&mut Side, Effect)) {
    for _ in 0..seconds {
        side.pass(SECOND);
        while !side.mail.is_empty() {
            for effect in std::mem::take(&mut side.mail) {
                play(side, effect);
            }
        }
    }
}

#[test]
fn a_mailbox_that_greets_and_closes_is_asked_less_and_less() {
    let mut ann = Side::new(1);
    ann.net(NetInput::BootstrapConnected { node: node(50) });
    let mut opens = 0;
    live(&mut ann, 3_600, |ann, effect| match effect {
        Effect::OpenMailbox { stream, .. } => {
            opens += 1;
            ann.net(NetInput::MailboxOpened { stream });
        }
        Effect::AskMailbox { stream, request } => {
            say(ann, stream, request.number, hello());
            ann.net(NetInput::MailboxClosed { stream });
        }
        _ => {}
    });
    assert!((3..=20).contains(&opens), "{opens} streams in an hour");
}

#[test]
fn a_mailbox_that_works_and_breaks_at_once_is_asked_twice_a_minute() {
    let mut ann = Side::new(1);
    ann.net(NetInput::BootstrapConnected { node: node(50) });
    let mut opens = 0;
    live(&mut ann, 3_600, |ann, effect| match effect {
        Effect::OpenMailbox { stream, .. } => {
            opens += 1;
            ann.net(NetInput::MailboxOpened { stream });
        }
        Effect::AskMailbox { stream, request } => match request.word {
            Request::Hello { .. } => say(ann, stream, request.number, hello()),
            Request::Register { .. } => {
                say(ann, stream, request.number, registered());
                ann.net(NetInput::MailboxClosed { stream });
            }
            Request::Subscribe { .. } => say(ann, stream, request.number, Answer::NoQueue {}),
            _ => {}
        },
        _ => {}
    });
    assert!((30..=150).contains(&opens), "{opens} streams in an hour");
}

#[test]
fn a_mute_mailbox_is_left_after_half_a_minute() {
    for greets in [false, true] {
        let mut ann = Side::new(1);
        ann.net(NetInput::BootstrapConnected { node: node(50) });
        let (mut opens, mut closes) = (0, 0);
        live(&mut ann, 40, |ann, effect| match effect {
            Effect::OpenMailbox { stream, .. } => {
                opens += 1;
                ann.net(NetInput::MailboxOpened { stream });
            }
            Effect::AskMailbox { stream, request }
                if greets && matches!(request.word, Request::Hello { .. }) =>
            {
                say(ann, stream, request.number, hello());
            }
            Effect::CloseMailbox { .. } => closes += 1,
            _ => {}
        });
        assert_eq!(closes, 1, "it greets: {greets}");
        assert!(opens >= 2, "and it gets another chance");
        assert_eq!(ann.engine.stats().mute_mailboxes, 1);
    }
}

#[test]
fn queues_that_a_mailbox_did_not_open_are_counted() {
    for (queues, missing) in [(1, 0), (0, 2)] {
        let mut ann = Side::new(1);
        ann.net(NetInput::BootstrapConnected { node: node(50) });
        live(&mut ann, 5, |ann, effect| match effect {
            Effect::OpenMailbox { stream, .. } => ann.net(NetInput::MailboxOpened { stream }),
            Effect::AskMailbox { stream, request } => match request.word {
                Request::Hello { .. } => say(ann, stream, request.number, hello()),
                Request::Register { .. } => {
                    say(ann, stream, request.number, registered_but(queues, Vec::new()));
                }
                _ => {}
            },
            _ => {}
        });
        assert_eq!(ann.engine.stats().queues_missing, missing, "that for strangers, in two periods");
        let own = ann.engine.overview().network.mailboxes.remove(0);
        assert_eq!(u64::from(own.missing), missing / 2, "and it is told");
    }
}

#[test]
fn a_contact_whose_queue_somebody_has_gets_another_one() {
    let (mut ann, _, _) = crate::friends();
    ann.net(NetInput::BootstrapConnected { node: node(50) });
    // Whatever is opened first, but what strangers knock at, is another inbox's.
    let mut squatted = std::collections::BTreeSet::new();
    let mut asked = Vec::new();
    let mut play = |ann: &mut Side, effect: Effect, squats: bool| match effect {
        Effect::OpenMailbox { stream, .. } => ann.net(NetInput::MailboxOpened { stream }),
        Effect::AskMailbox { stream, request } => match request.word {
            Request::Hello { .. } => say(ann, stream, request.number, hello()),
            Request::Register { queues, .. } => {
                let of_bob = queues.iter().filter(|(_, access)| matches!(access, Access::Key { .. }));
                let of_bob: Vec<QueueId> = of_bob.map(|(queue, _)| *queue).collect();
                if squats && squatted.len() < 2 {
                    squatted.extend(of_bob.iter().copied());
                }
                asked.extend(of_bob.iter().copied());
                let left_out: Vec<_> = of_bob.into_iter().filter(|queue| squatted.contains(queue)).collect();
                let open = u32::try_from(queues.len() - left_out.len()).unwrap();
                say(ann, stream, request.number, registered_but(open.max(1), left_out));
            }
            Request::Subscribe { .. } => say(ann, stream, request.number, Answer::CaughtUp {}),
            _ => {}
        },
        _ => {}
    };
    ann.pass(SECOND);
    for effect in std::mem::take(&mut ann.mail) {
        play(&mut ann, effect, true);
    }
    for _ in 0..2 {
        for effect in std::mem::take(&mut ann.mail) {
            play(&mut ann, effect, true);
        }
    }
    for _ in 0..10 {
        ann.pass(SECOND);
        while !ann.mail.is_empty() {
            for effect in std::mem::take(&mut ann.mail) {
                play(&mut ann, effect, true);
            }
        }
    }
    assert!(ann.engine.overview().network.mailboxes.remove(0).without.is_empty(), "Bob has another place");
    let others: std::collections::BTreeSet<_> =
        asked.iter().filter(|queue| !squatted.contains(queue)).collect();
    assert_eq!((squatted.len(), others.len()), (2, 2), "one in each of two periods, and another in each");
}

/// Three mailboxes, some of which say that another inbox has what Bob is to use first.
#[derive(Default)]
struct Squatters {
    liars: Vec<u8>,
    streams: std::collections::BTreeMap<u64, u8>,
    /// What each was asked to open for contacts, in order, once.
    asked: std::collections::BTreeMap<u8, Vec<QueueId>>,
    /// Where the list of this period is asked for: stream and number.
    subscribed: std::collections::BTreeMap<u8, (u64, u32)>,
    fetched: usize,
}

impl Squatters {
    fn play(&mut self, ann: &mut Side, effect: Effect) {
        match effect {
            Effect::OpenMailbox { stream, device, .. } => {
                self.streams.insert(stream, device.0[0]);
                ann.net(NetInput::MailboxOpened { stream });
            }
            Effect::AskMailbox { stream, request } => {
                let Some(host) = self.streams.get(&stream).copied() else { return };
                match request.word {
                    Request::Hello { .. } => say(ann, stream, request.number, hello()),
                    Request::Register { queues, .. } => {
                        let asked = self.asked.entry(host).or_default();
                        for (queue, access) in &*queues {
                            if matches!(access, Access::Key { .. }) && !asked.contains(queue) {
                                asked.push(*queue);
                            }
                        }
                        let lies = self.liars.contains(&host);
                        let taken = asked.iter().take(if lies { 2 } else { 0 });
                        let left_out: Vec<_> = taken.copied().collect();
                        say(ann, stream, request.number, registered_but(1_000, left_out));
                    }
                    Request::Subscribe { .. } => {
                        self.subscribed.entry(host).or_insert((stream, request.number));
                        say(ann, stream, request.number, Answer::CaughtUp {});
                    }
                    Request::Get { sequences } => self.fetched += sequences.len(),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn meet(liars: &[u8], ann: &mut Side) -> Self {
        let mut all = Self { liars: liars.to_vec(), ..Self::default() };
        for number in 50..53 {
            ann.net(NetInput::BootstrapConnected { node: node(number) });
        }
        live(ann, 10, |ann, effect| all.play(ann, effect));
        all
    }
}

#[test]
fn the_word_of_one_mailbox_takes_no_place_away_at_the_others() {
    let (mut ann, bob, _) = crate::friends();
    let told = Squatters::meet(&[50], &mut ann);
    let without: Vec<_> =
        ann.engine.overview().network.mailboxes.into_iter().map(|own| own.without).collect();
    assert_eq!(without, [vec![bob.account], vec![], vec![]], "it is told where Bob has no place");
    for host in 50..53 {
        assert_eq!(told.asked[&host].len(), 2, "Bob has one in each of two periods, as before, at {host}");
    }
}

#[test]
fn what_lies_in_the_queues_of_a_former_secret_is_still_read() {
    let (mut ann, _, _) = crate::friends();
    let mut told = Squatters::meet(&[50, 51], &mut ann);
    assert_eq!(
        told.asked[&52].len(),
        4,
        "two said so, and the third opens the new ones too, beside the former"
    );
    let overview = ann.engine.overview();
    assert!(overview.network.mailboxes.iter().all(|own| own.without.is_empty()), "Bob has another place");
    let (stream, number) = told.subscribed[&52];
    for (sequence, queue) in (7..).zip(told.asked[&52].clone()) {
        let envelope = EnvelopeId([u8::try_from(sequence).unwrap(); 16]);
        let entry = IndexEntry { sequence, queue, envelope, size_class: 0 };
        say(&mut ann, stream, number, Answer::Index { entries: BoundedVec::truncated(vec![entry]) });
    }
    live(&mut ann, 1, |ann, effect| told.play(ann, effect));
    assert_eq!(told.fetched, 4, "mail in both, of this period and the next");
    let before = told.asked.clone();
    ann.restart();
    let again = Squatters::meet(&[50, 51], &mut ann);
    assert_eq!(again.asked[&52].len(), 4, "after a restart too");
    assert!(again.asked[&52].iter().all(|queue| before[&52].contains(queue)), "and nobody gets a third one");
}

#[test]
fn a_mailbox_that_opens_too_little_is_asked_again_and_then_replaced() {
    let mut ann = Side::new(1);
    ann.net(NetInput::BootstrapConnected { node: node(50) });
    let mut streams = std::collections::BTreeMap::new();
    let mut registrations = 0;
    let mut hours = |ann: &mut Side, hours: u64| {
        for _ in 0..hours * 6 {
            ann.pass(Span::from_minutes(10));
            while !ann.mail.is_empty() {
                for effect in std::mem::take(&mut ann.mail) {
                    match effect {
                        Effect::OpenMailbox { stream, device, .. } => {
                            streams.insert(stream, device);
                            ann.net(NetInput::MailboxOpened { stream });
                        }
                        Effect::AskMailbox { stream, request } => match request.word {
                            Request::Hello { .. } => say(ann, stream, request.number, hello()),
                            Request::Register { .. } => {
                                let lacking = streams[&stream] == node(50).device;
                                registrations += u32::from(lacking);
                                let word = registered_but(u32::from(!lacking), Vec::new());
                                say(ann, stream, request.number, word);
                            }
                            Request::Subscribe { .. } => {
                                say(ann, stream, request.number, Answer::CaughtUp {});
                            }
                            _ => {}
                        },
                        _ => {}
                    }
                }
            }
        }
        registrations
    };
    let first = hours(&mut ann, 1);
    let later = hours(&mut ann, 4);
    assert!(later >= first + 4, "it is asked again: {first}, {later}");
    assert_eq!(used(&ann), [50], "there is no other");
    ann.net(NetInput::BootstrapConnected { node: node(51) });
    hours(&mut ann, 2);
    assert_eq!(used(&ann), [51]);
}

#[test]
fn work_that_is_too_hard_counts_as_a_refusal_and_another_mailbox_is_used() {
    let mut ann = Side::new(1);
    ann.net(NetInput::BootstrapConnected { node: node(50) });
    ann.net(NetInput::BootstrapConnected { node: node(51) });
    ann.net(NetInput::BootstrapConnected { node: node(52) });
    ann.net(NetInput::BootstrapConnected { node: node(53) });
    let mut streams = std::collections::BTreeMap::new();
    live(&mut ann, 60, |ann, effect| match effect {
        Effect::OpenMailbox { stream, device, .. } => {
            streams.insert(stream, device);
            ann.net(NetInput::MailboxOpened { stream });
        }
        Effect::AskMailbox { stream, request } => match request.word {
            Request::Hello { .. } => say(ann, stream, request.number, hello()),
            Request::Register { .. } if streams[&stream] == node(50).device => {
                let word = Answer::WorkWanted { challenge: [1; 32], bits: WorkBits::capped(28) };
                say(ann, stream, request.number, word);
            }
            Request::Register { .. } => say(ann, stream, request.number, registered()),
            Request::Subscribe { .. } => say(ann, stream, request.number, Answer::CaughtUp {}),
            Request::Info {} => {
                let word = Answer::Info {
                    capacity: 1 << 30,
                    load_percent: 1,
                    work_bits: WorkBits::capped(0),
                    keep_secs: 1,
                };
                say(ann, stream, request.number, word);
            }
            _ => {}
        },
        _ => {}
    });
    let used: Vec<_> = ann.engine.overview().network.mailboxes.into_iter().collect();
    assert_eq!(used.iter().filter(|own| own.accepted).count(), 3);
    assert!(used.iter().all(|own| own.device != node(50).device));
}

/// Mailboxes that do what they should, and people who use them.
pub(crate) struct Office {
    pub(crate) post: Post,
    /// What was left with work, as strangers do.
    pub(crate) knocks: Vec<(QueueId, Envelope)>,
}

impl Office {
    fn new(mailboxes: u8) -> Self {
        Self::with_work(mailboxes, kith_simulations::post::open_to_all().knock_bits)
    }

    /// The same, with so many bits of work for strangers.
    pub(crate) fn with_work(mailboxes: u8, knock_bits: u8) -> Self {
        Self::with(mailboxes, |config| config.knock_bits = knock_bits)
    }

    /// The same, with other limits.
    pub(crate) fn with(mailboxes: u8, change: impl Fn(&mut kith_simulations::post::Config)) -> Self {
        let mut post = Post::default();
        for number in 1..=mailboxes {
            let mut config = kith_simulations::post::open_to_all();
            change(&mut config);
            post.add([number; 32], config, crate::BEGIN);
        }
        Self { post, knocks: Vec::new() }
    }

    /// The nodes that are there connect.
    pub(crate) fn welcome(&self, side: &mut Side) {
        for node in self.post.on() {
            side.net(NetInput::BootstrapConnected { node });
        }
    }

    fn enter(&mut self, side: &mut Side, who: usize) {
        self.welcome(side);
        for _ in 0..3 {
            side.pass(SECOND);
            self.carry(side, who);
        }
        assert_eq!(used(side).len(), self.post.len());
    }

    pub(crate) fn carry(&mut self, side: &mut Side, who: usize) {
        self.carry_but(side, who, |_, _| true);
    }

    /// Carries what was said there, and what is answered to that back.
    fn carry_one(&mut self, side: &mut Side, who: usize) {
        let mut queue = std::collections::VecDeque::from(self.take(side, who));
        while let Some(sent) = queue.pop_front() {
            match sent {
                Sent::ToPerson(to, input) if to == who => side.net(input),
                Sent::ToPerson(..) | Sent::Late(..) => {}
                Sent::ToHost(host, input) => queue.extend(self.post.arrive(host, input, side.now).0),
            }
        }
    }

    fn take(&mut self, side: &mut Side, who: usize) -> Vec<Sent> {
        let effects = std::mem::take(&mut side.mail).into_iter();
        let sent = effects.map(|effect| match effect {
            Effect::OpenMailbox { stream, device, .. } => self.post.open(who, stream, &device, true),
            Effect::AskMailbox { stream, request } => {
                if let Request::Deposit { queue, envelope, work: Some(_), .. } = &request.word {
                    self.knocks.push((*queue, envelope.clone()));
                }
                self.post.ask(who, stream, request)
            }
            Effect::CloseMailbox { stream } => self.post.close(who, stream),
            _ => Vec::new(),
        });
        sent.flatten().collect()
    }

    /// Carries everything for two who are there at once, the first and the second.
    fn carry_both(&mut self, one: &mut Side, two: &mut Side) {
        let mut queue = std::collections::VecDeque::new();
        loop {
            queue.extend(self.take(one, 1));
            queue.extend(self.take(two, 2));
            match queue.pop_front() {
                Some(Sent::ToPerson(1, input)) => one.net(input),
                Some(Sent::ToPerson(2, input)) => two.net(input),
                Some(Sent::ToPerson(..) | Sent::Late(..)) => {}
                Some(Sent::ToHost(host, input)) => queue.extend(self.post.arrive(host, input, one.now).0),
                None => return,
            }
        }
    }

    /// Carries everything there and back. `sees` is shown what comes, and may say that it does not arrive.
    pub(crate) fn carry_but(
        &mut self,
        side: &mut Side,
        who: usize,
        mut sees: impl FnMut(&mut Side, &NetInput) -> bool,
    ) {
        let mut queue = std::collections::VecDeque::new();
        loop {
            queue.extend(self.take(side, who));
            match queue.pop_front() {
                Some(Sent::ToPerson(to, input)) if to == who => {
                    if sees(side, &input) {
                        side.net(input);
                    }
                }
                Some(Sent::ToPerson(..) | Sent::Late(..)) => {}
                Some(Sent::ToHost(host, input)) => queue.extend(self.post.arrive(host, input, side.now).0),
                None => return,
            }
        }
    }
}

/// Ann, and so many friends; all of them use the same mailboxes and are apart.
fn ann_and_friends(friends: u8, mailboxes: u8) -> (Office, Side, Vec<Side>) {
    friends_in(Office::new(mailboxes), friends)
}

fn friends_in(mut office: Office, friends: u8) -> (Office, Side, Vec<Side>) {
    let mut ann = Side::new(1);
    office.enter(&mut ann, 1);
    let mut others = Vec::new();
    for number in 2..2 + friends {
        let mut friend = Side::new(number);
        friend.now = ann.now;
        office.enter(&mut friend, number.into());
        ask(&mut friend, &mut ann);
        ann.command(Command::AcceptContact { contact: friend.account });
        carry(&mut ann, &mut friend);
        office.carry(&mut ann, 1);
        office.carry(&mut friend, number.into());
        disconnect(&mut ann, &mut friend);
        others.push(friend);
    }
    (office, ann, others)
}

#[test]
fn many_channels_share_the_window_of_one_mailbox_and_all_of_them_get_through() {
    let (mut office, mut ann, friends) = ann_and_friends(5, 3);
    for friend in &friends {
        let chat = ann.chat_with(friend);
        for number in 0..120 {
            ann.send(chat, &format!("message {number}"));
        }
    }
    let (mut most, mut under_way) = (0, std::collections::BTreeMap::<u64, usize>::new());
    let mut asked = std::collections::VecDeque::new();
    // The mailboxes answer nothing for a while.
    for _ in 0..8 {
        ann.pass(SECOND);
        for effect in std::mem::take(&mut ann.mail) {
            match &effect {
                Effect::OpenMailbox { stream, .. } => ann.net(NetInput::MailboxOpened { stream: *stream }),
                Effect::AskMailbox { stream, request } if matches!(request.word, Request::Hello { .. }) => {
                    say(&mut ann, *stream, request.number, hello());
                }
                Effect::AskMailbox { stream, .. } => {
                    let count = under_way.entry(*stream).or_default();
                    *count += 1;
                    most = most.max(*count);
                    asked.push_back(effect);
                }
                _ => {}
            }
        }
    }
    assert_eq!(most, 256, "600 wait for each of three mailboxes");
    for stream in under_way.keys() {
        ann.net(NetInput::MailboxClosed { stream: *stream });
    }
    for _ in 0..10 {
        ann.pass(SECOND);
        office.carry(&mut ann, 1);
    }
    for friend in &friends {
        let states = ann.states(&ann.chat_with(friend));
        assert!(states.iter().all(|state| *state == MessageState::Stored), "{states:?}");
    }
}

#[test]
fn letting_somebody_in_while_a_backlog_is_fetched_holds_nothing_up() {
    let (mut office, mut ann, mut friends) = ann_and_friends(1, 1);
    let mut bob = friends.remove(0);
    let chat = ann.chat_with(&bob);
    let mut carl = Side::new(9);
    carl.now = ann.now;
    ask(&mut carl, &mut ann);
    disconnect(&mut carl, &mut ann);
    // Ann is away, and Bob writes.
    let _ = office.post.left(1);
    for number in 0..600 {
        bob.send(chat, &format!("message {number}"));
    }
    for _ in 0..10 {
        bob.pass(SECOND);
        office.carry(&mut bob, 2);
    }
    assert!(bob.states(&chat).iter().all(|state| *state == MessageState::Stored));
    // She comes back, and decides about Carl when a part of it is there.
    ann.restart();
    ann.now = bob.now;
    office.welcome(&mut ann);
    let mut came = 0;
    let contact = carl.account;
    for _ in 0..5 {
        ann.pass(SECOND);
        office.carry_but(&mut ann, 1, |ann, input| {
            if let NetInput::MailboxClosed { .. } = input {
                panic!("no stream has to be closed for it");
            }
            if let NetInput::MailboxAnswered { answer, .. } = input {
                came += u32::from(matches!(answer.word, Answer::Envelope { .. }));
                if came == 100 {
                    came += 1;
                    ann.command(Command::AcceptContact { contact });
                }
            }
            true
        });
    }
    assert!(came > 100, "it was in the middle of it");
    assert_eq!(ann.texts(&chat).len(), 600);
}

#[test]
fn what_is_asked_for_is_fetched_before_the_list_is_asked_for_again() {
    // A mailbox forgets what it was asked to fetch when it is asked to list anew.
    let (mut ann, _, _) = crate::friends();
    let mut carl = Side::new(9);
    ask(&mut carl, &mut ann);
    ann.net(NetInput::BootstrapConnected { node: node(50) });
    let (mut queue, mut asked, mut lists) = (None, Vec::new(), 0);
    live(&mut ann, 5, |ann, effect| match effect {
        Effect::OpenMailbox { stream, .. } => ann.net(NetInput::MailboxOpened { stream }),
        Effect::AskMailbox { stream, request } => match request.word {
            Request::Hello { .. } => say(ann, stream, request.number, hello()),
            Request::Register { queues, .. } => {
                queue = queue.or(queues.first().map(|(queue, _)| *queue));
                say(ann, stream, request.number, registered());
            }
            Request::Subscribe { .. } if asked.is_empty() => {
                lists += 1;
                let entry = |sequence: u64| IndexEntry {
                    sequence,
                    queue: queue.unwrap(),
                    envelope: EnvelopeId([u8::try_from(sequence).unwrap(); 16]),
                    size_class: 0,
                };
                let entries = BoundedVec::truncated((1..=100).map(entry).collect());
                say(ann, stream, request.number, Answer::Index { entries });
                say(ann, stream, request.number, Answer::CaughtUp {});
            }
            Request::Subscribe { .. } => lists += 1,
            Request::Get { sequences } => {
                asked.extend(sequences.iter().map(|sequence| (stream, request.number, *sequence)));
            }
            _ => {}
        },
        _ => {}
    });
    assert_eq!(asked.len(), 100);
    assert!(lists >= 1);
    ann.command(Command::AcceptContact { contact: carl.account });
    let is_list = |effect: &Effect| match effect {
        Effect::AskMailbox { request, .. } => matches!(request.word, Request::Subscribe { .. }),
        _ => false,
    };
    let lists_again = |ann: &mut Side| std::mem::take(&mut ann.mail).iter().filter(|of| is_list(of)).count();
    assert_eq!(lists_again(&mut ann), 0, "first things first");
    for (stream, number, sequence) in asked {
        assert_eq!(lists_again(&mut ann), 0);
        say(&mut ann, stream, number, Answer::Gone { sequence });
    }
    assert_eq!(lists_again(&mut ann), 1, "then it is listed again");
}

/// How many queues of a kind mailboxes are told about now.
fn queues(side: &Side, access: fn(&Access) -> bool) -> usize {
    let registered = side.mail.iter().filter_map(|effect| match effect {
        Effect::AskMailbox { request: Numbered { word: Request::Register { queues, .. }, .. }, .. } => {
            Some(queues.iter().filter(|(_, of)| access(of)).count())
        }
        _ => None,
    });
    registered.sum()
}

/// How many closed queues mailboxes are told about after a start.
fn closed_after_start(office: &mut Office, side: &mut Side) -> usize {
    side.mail.clear();
    let _ = office.post.left(1);
    side.restart();
    office.welcome(side);
    let mut closed = 0;
    for _ in 0..3 {
        side.pass(SECOND);
        while !side.mail.is_empty() {
            closed += queues(side, |access| *access == Access::Closed {});
            office.carry_one(side, 1);
        }
    }
    closed
}

#[test]
fn the_queues_of_somebody_who_was_removed_are_closed() {
    let (mut office, mut ann, friends) = ann_and_friends(1, 3);
    let before = closed_after_start(&mut office, &mut ann);
    ann.command(Command::RemoveContact { contact: friends[0].account });
    assert_eq!(queues(&ann, |access| *access == Access::Closed {}), 6, "three mailboxes, two periods");
    let after = closed_after_start(&mut office, &mut ann);
    assert_eq!(after, before + 6, "they did not hear it, and hear of it after the start");
    ann.now = ann.now + Span::from_days(29);
    assert_eq!(closed_after_start(&mut office, &mut ann), before, "such queues are long gone");
}

#[test]
fn the_queue_of_an_invite_that_is_taken_back_is_closed() {
    let mut office = Office::new(3);
    let mut ann = Side::new(1);
    office.enter(&mut ann, 1);
    let link = invite(&mut ann);
    assert_eq!(
        queues(&ann, |access| matches!(access, Access::Key { .. })),
        6,
        "three mailboxes, two periods"
    );
    office.carry(&mut ann, 1);
    ann.command(Command::RevokeInvite { invite: link.secret.id() });
    assert_eq!(queues(&ann, |access| *access == Access::Closed {}), 6);
    assert_eq!(
        closed_after_start(&mut office, &mut ann),
        6,
        "they heard nothing, and hear of it after the start"
    );
    assert!(kith_engine::query::invites(&ann.disk).unwrap().is_empty(), "and nobody sees it any more");
}

#[test]
fn a_promise_that_has_ended_is_not_told_as_one() {
    let (mut office, mut ann, friends) = ann_and_friends(1, 3);
    let chat = ann.chat_with(&friends[0]);
    let message = ann.send(chat, "are you there?");
    for _ in 0..3 {
        ann.pass(SECOND);
        office.carry(&mut ann, 1);
    }
    let until = |now| -> Vec<_> {
        let view = kith_engine::query::trace(&ann.disk, &message, now).unwrap().unwrap();
        view.devices.iter().flat_map(|device| &device.mailboxes).map(|kept| kept.until).collect()
    };
    let promised = until(ann.now);
    let first = promised.iter().flatten().min().copied().unwrap();
    assert_eq!(promised.iter().flatten().count(), 3);
    assert_eq!(
        until(first + Span::from_hours(1)),
        [None, None, None],
        "Ann was away, and nothing was renewed"
    );
}

/// A day in which every mailbox says that there is no queue for what Ann wants to leave. Returns how often it had to.
fn refused_in_a_day(office: &mut Office, ann: &mut Side) -> usize {
    let mut refused = 0;
    for _ in 0..24 * 60 {
        ann.pass(Span::from_minutes(1));
        while !ann.mail.is_empty() {
            let asked: Vec<_> = ann
                .mail
                .iter()
                .filter_map(|effect| match effect {
                    Effect::AskMailbox { stream, request }
                        if matches!(request.word, Request::Deposit { .. }) =>
                    {
                        Some((*stream, request.number))
                    }
                    _ => None,
                })
                .collect();
            ann.mail.retain(|effect| {
                !matches!(effect, Effect::AskMailbox { request, .. } if matches!(request.word, Request::Deposit { .. }))
            });
            refused += asked.len();
            office.carry_one(ann, 1);
            for (stream, number) in asked {
                say(ann, stream, number, Answer::NoQueue {});
            }
        }
    }
    refused
}

#[test]
fn receipts_for_somebody_who_removed_us_are_not_repeated_for_ever() {
    let (mut office, mut ann, mut friends) = ann_and_friends(1, 3);
    let mut bob = friends.remove(0);
    let chat = ann.chat_with(&bob);
    let _ = office.post.left(1);
    bob.send(chat, "the last");
    for _ in 0..3 {
        bob.pass(SECOND);
        office.carry(&mut bob, 2);
    }
    ann.restart();
    ann.now = bob.now;
    office.welcome(&mut ann);
    // Ann takes it; her receipt is refused everywhere.
    let notes = refused_in_a_day(&mut office, &mut ann);
    assert_eq!(ann.texts(&chat), ["the last"]);
    assert!((3..=60).contains(&notes), "{notes} receipts in a day");
}

#[test]
fn messages_to_whoever_blocked_us_are_tried_less_and_less_and_one_at_a_time() {
    let (mut office, mut ann, mut friends) = ann_and_friends(1, 3);
    let bob = friends.remove(0);
    let chat = ann.chat_with(&bob);
    for number in 0..10 {
        ann.send(chat, &format!("are you there? {number}"));
    }
    let refused = refused_in_a_day(&mut office, &mut ann);
    assert_eq!(ann.states(&chat), [MessageState::Queued; 10], "nobody has them, and nobody says so");
    assert!(
        (30..=90).contains(&refused),
        "{refused} envelopes in a day, of which ten went to each of three at first"
    );
}

#[test]
fn a_receipt_waits_for_a_mailbox_that_is_away_for_a_moment() {
    let (mut office, mut ann, mut friends) = ann_and_friends(1, 1);
    let mut bob = friends.remove(0);
    let chat = ann.chat_with(&bob);
    let _ = office.post.left(1);
    bob.send(chat, "did you get it?");
    for _ in 0..3 {
        bob.pass(SECOND);
        office.carry(&mut bob, 2);
    }
    let _ = office.post.left(2);
    ann.restart();
    ann.now = bob.now;
    office.welcome(&mut ann);
    for second in 0..60 {
        ann.pass(SECOND);
        while !ann.mail.is_empty() {
            // Once she has it, no further stream can be opened for a while.
            let away = second < 25 && !ann.texts(&chat).is_empty();
            let (lost, there) = std::mem::take(&mut ann.mail)
                .into_iter()
                .partition(|effect| away && matches!(effect, Effect::OpenMailbox { .. }));
            ann.mail = there;
            office.carry_one(&mut ann, 1);
            for effect in lost {
                if let Effect::OpenMailbox { stream, .. } = effect {
                    ann.net(NetInput::MailboxClosed { stream });
                }
            }
        }
    }
    bob.restart();
    bob.now = ann.now;
    office.welcome(&mut bob);
    for _ in 0..5 {
        bob.pass(SECOND);
        office.carry(&mut bob, 2);
    }
    assert_eq!(bob.states(&chat), [MessageState::Delivered]);
}

#[test]
fn a_receipt_that_a_crash_undid_comes_by_mailbox_when_the_two_never_meet_again() {
    let (mut office, mut ann, mut friends) = ann_and_friends(1, 3);
    let mut bob = friends.remove(0);
    let chat = ann.chat_with(&bob);
    connect(&mut ann, &mut bob);
    ann.send(chat, "are you there?");
    carry(&mut ann, &mut bob);
    assert_eq!(ann.states(&chat), [MessageState::Delivered]);
    ann.crash();
    assert_ne!(ann.states(&chat), [MessageState::Delivered]);
    let device = ann.device;
    bob.net(NetInput::Disconnected { device });
    for side in 0..6 {
        let (who, here, away) = if side % 2 == 0 { (1, &mut ann, &bob) } else { (2, &mut bob, &ann) };
        let _ = office.post.left(3 - who);
        here.now = here.now.max(away.now);
        here.restart();
        office.welcome(here);
        for _ in 0..120 {
            here.pass(SECOND);
            office.carry(here, who);
        }
        let _ = office.post.left(who);
    }
    assert_eq!(ann.states(&chat), [MessageState::Delivered]);
    assert_eq!(bob.texts(&chat), ["are you there?"]);
}

#[test]
fn the_number_of_promises_is_told_with_the_message_and_as_it_grows() {
    let (mut office, mut ann, friends) = ann_and_friends(1, 3);
    let chat = ann.chat_with(&friends[0]);
    let message = ann.send(chat, "are you there?");
    ann.events.clear();
    for _ in 0..3 {
        ann.pass(SECOND);
        office.carry(&mut ann, 1);
    }
    let told: Vec<_> = ann
        .events
        .iter()
        .filter_map(|event| match event {
            Event::MessageCopies { message: of, copies, .. } if *of == message => {
                copies.held(ann.now).map(|(number, _)| (number, copies.of))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [(1, 3), (2, 3), (3, 3)], "each promise is told");
    let states = ann.events.iter().filter_map(|event| match event {
        Event::MessageState { message: of, state, .. } if *of == message => Some(*state),
        _ => None,
    });
    assert_eq!(
        states.collect::<Vec<_>>(),
        [MessageState::Sent, MessageState::Stored],
        "one has it, enough have it"
    );
    let view = kith_engine::query::message(&ann.disk, &message).unwrap().unwrap();
    let (number, until) = view.copies.clone().unwrap().held(ann.now).unwrap();
    assert_eq!((number, view.state), (3, MessageState::Stored));
    assert!(until >= ann.now + Span::from_days(14) && until < ann.now + Span::from_days(15));
    assert_eq!(view.copies.unwrap().held(until), None, "and none when they have ended");
}

#[test]
fn a_mailbox_whose_clock_is_ahead_promises_no_more_than_was_asked_for() {
    let (mut office, mut ann, friends) = ann_and_friends(1, 3);
    let chat = ann.chat_with(&friends[0]);
    let message = ann.send(chat, "are you there?");
    // To all of them it is ten days later.
    let mut queue = std::collections::VecDeque::new();
    for _ in 0..3 {
        ann.pass(SECOND);
        queue.extend(office.take(&mut ann, 1));
        while let Some(sent) = queue.pop_front() {
            match sent {
                Sent::ToPerson(_, input) => ann.net(input),
                Sent::Late(..) => {}
                Sent::ToHost(host, input) => {
                    queue.extend(office.post.arrive(host, input, ann.now + Span::from_days(10)).0);
                }
            }
            queue.extend(office.take(&mut ann, 1));
        }
    }
    let view = kith_engine::query::message(&ann.disk, &message).unwrap().unwrap();
    let (number, until) = view.copies.unwrap().held(ann.now).unwrap();
    assert!(until <= ann.now + Span::from_days(14) + Span::from_hours(1), "{number} until {until:?}");
}

/// Somebody is switched on again, at a time, and uses the mailboxes that are there.
fn come_back(office: &mut Office, side: &mut Side, who: usize, at: Timestamp) -> u32 {
    side.now = side.now.max(at);
    side.restart();
    office.welcome(side);
    let mut fetched = 0;
    for _ in 0..5 {
        side.pass(SECOND);
        office.carry_but(side, who, |_, input| {
            if let NetInput::MailboxAnswered { answer, .. } = input {
                fetched += u32::from(matches!(answer.word, Answer::Envelope { .. }));
            }
            true
        });
    }
    fetched
}

#[test]
fn copies_of_what_came_by_another_mailbox_are_deleted_unseen_also_after_a_restart() {
    let (mut office, mut ann, mut friends) = ann_and_friends(1, 3);
    let mut bob = friends.remove(0);
    let chat = ann.chat_with(&bob);
    let _ = office.post.left(1);
    for number in 0..100 {
        bob.send(chat, &format!("message {number}"));
    }
    for _ in 0..5 {
        bob.pass(SECOND);
        office.carry(&mut bob, 2);
    }
    let _ = office.post.left(2);
    for host in 0..2 {
        let _ = office.post.stop(host);
    }
    assert_eq!(come_back(&mut office, &mut ann, 1, bob.now), 100, "from the one that is there");
    assert_eq!(ann.texts(&chat).len(), 100);
    assert_eq!(ann.disk.rows_in("found"), 100);
    let _ = office.post.left(1);
    for host in 0..2 {
        office.post.start(host, ann.now).unwrap();
    }
    let now = ann.now;
    assert_eq!(come_back(&mut office, &mut ann, 1, now), 0, "the other two are emptied by name alone");
    let held = office.post.held().envelopes;
    assert_eq!(held, 4, "nothing but her receipts for Bob, one of which says again that there is room");
    assert_eq!(ann.disk.rows_in("found"), 0, "names are forgotten once every mailbox has told what it has");
}

#[test]
fn what_all_mailboxes_have_is_fetched_once_and_deleted_everywhere() {
    let (mut office, mut ann, mut friends) = ann_and_friends(1, 3);
    let mut bob = friends.remove(0);
    let chat = ann.chat_with(&bob);
    let _ = office.post.left(1);
    for number in 0..900 {
        bob.send(chat, &format!("message {number}"));
    }
    for _ in 0..30 {
        bob.pass(SECOND);
        office.carry(&mut bob, 2);
    }
    let _ = office.post.left(2);
    assert_eq!(come_back(&mut office, &mut ann, 1, bob.now), 900, "one envelope each, of three copies");
    assert_eq!(ann.texts(&chat).len(), 900);
    assert!(office.post.held().envelopes < 20, "nothing but her receipts for Bob");
}

#[test]
fn a_mailbox_that_lists_and_gives_nothing_holds_up_nothing_for_long() {
    let (mut office, mut ann, mut friends) = ann_and_friends(1, 3);
    let mut bob = friends.remove(0);
    let chat = ann.chat_with(&bob);
    let _ = office.post.left(1);
    bob.send(chat, "are you there?");
    for _ in 0..3 {
        bob.pass(SECOND);
        office.carry(&mut bob, 2);
    }
    let _ = office.post.left(2);
    ann.restart();
    ann.now = bob.now;
    office.welcome(&mut ann);
    let mut withheld = None;
    for _ in 0..8 {
        ann.pass(Span(250));
        while !ann.mail.is_empty() {
            // Whichever is asked first says nothing.
            ann.mail.retain(|effect| match effect {
                Effect::AskMailbox { stream, request } if matches!(request.word, Request::Get { .. }) => {
                    *withheld.get_or_insert(*stream) != *stream
                }
                _ => true,
            });
            office.carry_one(&mut ann, 1);
        }
    }
    assert!(withheld.is_some());
    assert_eq!(ann.texts(&chat), ["are you there?"], "another was asked after a second");
}

#[test]
fn what_was_left_alone_behind_a_gap_is_fetched_once_that_is_filled() {
    let (mut office, mut ann, mut friends) = ann_and_friends(1, 1);
    let mut bob = friends.remove(0);
    let chat = ann.chat_with(&bob);
    let _ = office.post.left(1);
    for number in 0..30 {
        bob.send(chat, &format!("message {number}"));
    }
    for _ in 0..5 {
        bob.pass(SECOND);
        office.carry(&mut bob, 2);
    }
    ann.config.held_items = 8;
    ann.now = bob.now;
    ann.restart();
    office.welcome(&mut ann);
    let mut first = None;
    for _ in 0..5 {
        ann.pass(SECOND);
        office.carry_but(&mut ann, 1, |side, input| {
            let NetInput::MailboxAnswered { stream, answer: Numbered { number, word } } = input else {
                return true;
            };
            let Answer::Envelope { sequence, envelope, .. } = word else { return true };
            if first.is_some() {
                return true;
            }
            // The mailbox says that it has lost the first one.
            first = Some(envelope.clone());
            say(side, *stream, *number, Answer::Gone { sequence: *sequence });
            false
        });
    }
    assert_eq!(ann.texts(&chat), [""; 0]);
    // Bob is there for a moment, and gives what is missing.
    ann.net(NetInput::Connected { device: bob.device, dialled: None });
    input_frame(&mut ann, bob.device, Frame::Put(first.unwrap()));
    ann.net(NetInput::Disconnected { device: bob.device });
    for _ in 0..5 {
        ann.pass(SECOND);
        office.carry(&mut ann, 1);
    }
    assert_eq!(ann.texts(&chat), (0..30).map(|number| format!("message {number}")).collect::<Vec<_>>());
}

#[test]
fn what_a_full_queue_kept_out_is_left_again_when_its_reader_says_that_it_is_empty() {
    let office = Office::with(3, |config| config.queue_envelopes = 64);
    let (mut office, mut ann, mut friends) = friends_in(office, 1);
    let mut bob = friends.remove(0);
    let chat = ann.chat_with(&bob);
    let _ = office.post.left(1);
    for number in 0..64 {
        bob.send(chat, &format!("message {number}"));
    }
    for _ in 0..5 {
        bob.pass(SECOND);
        office.carry(&mut bob, 2);
    }
    // Two of three are away when Ann fetches everything from the third.
    for host in 0..2 {
        let _ = office.post.stop(host);
    }
    come_back(&mut office, &mut ann, 1, bob.now);
    assert_eq!(ann.texts(&chat).len(), 64);
    let _ = office.post.left(1);
    let _ = office.post.left(2);
    let day_later = ann.now + Span::from_hours(30);
    come_back(&mut office, &mut bob, 2, day_later);
    assert_eq!(bob.states(&chat), [MessageState::Delivered; 64]);
    for host in 0..2 {
        office.post.start(host, bob.now).unwrap();
    }
    office.welcome(&mut bob);
    let message = bob.send(chat, "one more");
    for _ in 0..5 {
        bob.pass(SECOND);
        office.carry(&mut bob, 2);
    }
    let copies = |bob: &Side| {
        let view = kith_engine::query::message(&bob.disk, &message).unwrap().unwrap();
        (view.state, view.copies.and_then(|copies| copies.held(bob.now)).map_or(0, |(number, _)| number))
    };
    assert_eq!(copies(&bob), (MessageState::Sent, 1), "copies that nobody deleted take the room of two");
    let traced = kith_engine::query::trace(&bob.disk, &message, bob.now).unwrap().unwrap();
    let route = bob.engine.route(&ann.device, traced.devices[0].position, traced.message.stored_at);
    let no_room = route.attempts.iter().filter(|attempt| attempt.end == AttemptEnd::NoRoom).count();
    let waits = route.next.iter().filter(|next| next.why == NextWhy::NoRoom && next.at > bob.now).count();
    assert_eq!((no_room, waits), (2, 2), "and the trace says so");
    // Ann comes back and finds nothing new, since the third is away now.
    let _ = office.post.stop(2);
    ann.now = bob.now;
    ann.restart();
    office.welcome(&mut ann);
    for _ in 0..10 {
        ann.pass(SECOND);
        bob.pass(SECOND);
        office.carry_both(&mut ann, &mut bob);
    }
    assert_eq!(bob.states(&chat)[64], MessageState::Delivered, "hours before the pause is over");
    assert_eq!(ann.texts(&chat).len(), 65);
}
