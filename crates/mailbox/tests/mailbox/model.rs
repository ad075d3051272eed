//! A model that is right by being slow: what was promised, what each reader deleted, and what the mailbox must list,
//! whatever was asked, in whatever batches, with failed commits and crashes in between.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_mailbox::Config;
use kith_proto::id::EnvelopeId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Sequence;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use proptest::prelude::*;

use crate::house::House;
use crate::house::Person;
use crate::house::entries;
use crate::house::envelope;
use crate::house::envelopes;
use crate::house::list;

const PEOPLE: usize = 2;
const READERS: usize = 2;
const QUEUES: u16 = 3;

/// One thing that is done to a mailbox.
#[derive(Clone, Debug)]
enum Action {
    /// A friend leaves an envelope; a low number is likely to be a repetition.
    Deposit {
        person: usize,
        queue: u16,
        number: u32,
        keep: KeepFor,
    },
    /// A reader deletes everything up to its n-th envelope, or single ones.
    DeleteUpTo {
        person: usize,
        reader: usize,
        nth: usize,
    },
    DeleteThese {
        person: usize,
        reader: usize,
        from: usize,
        step: usize,
    },
    /// A reader fetches what it has not deleted.
    Fetch {
        person: usize,
        reader: usize,
    },
    /// Queues are registered again, or one of them is closed.
    Register {
        person: usize,
    },
    Close {
        person: usize,
        queue: u16,
    },
    /// The batch is committed.
    Commit,
    /// The commit fails, or the process ends before it.
    FailCommit,
    /// The process ends after the commit and before any effect.
    CrashAfterCommit,
    /// Time passes.
    Elapse {
        hours: u64,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let keep =
        prop_oneof![Just(KeepFor::Hour), Just(KeepFor::Days2), Just(KeepFor::Days14), Just(KeepFor::Days30)];
    let deposit = (0..PEOPLE, 0..QUEUES, 0..12_u32, keep)
        .prop_map(|(person, queue, number, keep)| Action::Deposit { person, queue, number, keep });
    let who = || (0..PEOPLE, 0..READERS);
    prop_oneof![
        12 => deposit,
        2 => (who(), 0..8_usize).prop_map(|((person, reader), nth)| Action::DeleteUpTo { person, reader, nth }),
        2 => (who(), 0..4_usize, 1..3_usize)
            .prop_map(|((person, reader), from, step)| Action::DeleteThese { person, reader, from, step }),
        1 => who().prop_map(|(person, reader)| Action::Fetch { person, reader }),
        1 => (0..PEOPLE).prop_map(|person| Action::Register { person }),
        1 => (0..PEOPLE, 0..QUEUES).prop_map(|(person, queue)| Action::Close { person, queue }),
        4 => Just(Action::Commit),
        1 => Just(Action::FailCommit),
        1 => Just(Action::CrashAfterCommit),
        2 => (0..60_u64).prop_map(|hours| Action::Elapse { hours }),
    ]
}

/// An envelope in a queue until a time: once forgotten, the same one may be left again, with another time.
type Promise = (QueueId, EnvelopeId, Timestamp);

/// What one person's readers must and must not be told.
#[derive(Default)]
struct Expected {
    /// Receipts that were given.
    promised: BTreeSet<Promise>,
    /// Where each envelope was listed.
    places: BTreeMap<Sequence, (QueueId, EnvelopeId)>,
    /// What each reader asked to delete; and what it knows to be deleted.
    asked: [BTreeSet<Sequence>; READERS],
    deleted: [BTreeSet<Sequence>; READERS],
}

struct Model {
    house: House,
    people: Vec<Person>,
    expected: Vec<Expected>,
    depositor: u64,
    readers: BTreeMap<(usize, usize), u64>,
    /// Deposits of this batch, in the order of their answers: whose, in which queue.
    waiting: Vec<(usize, QueueId)>,
    /// Deletions of this batch.
    deleting: Vec<(usize, usize, u32, BTreeSet<Sequence>)>,
}

impl Model {
    fn new() -> Self {
        let span = Span::from_days(3_000);
        let mut house = House::new(Config {
            open: true,
            lease: span,
            silence: span,
            slice_rows: 3,
            queue_envelopes: 6,
            window_bytes: 700,
            ..Config::default()
        });
        let people: Vec<_> = (1..=PEOPLE).map(|name| Person::new(u8::try_from(name).unwrap(), 2)).collect();
        for person in &people {
            person.register(&mut house, person.queues(QUEUES));
        }
        let expected = people.iter().map(|_| Expected::default()).collect();
        let depositor = house.stream();
        let (readers, waiting, deleting) = Default::default();
        Self { house, people, expected, depositor, readers, waiting, deleting }
    }

    fn run(&mut self, action: &Action) {
        match *action {
            Action::Deposit { person, queue, number, keep } => {
                let who = &self.people[person];
                let word = who.deposit(
                    &self.house,
                    self.depositor,
                    queue,
                    &envelope(number, number as usize % 2),
                    keep,
                );
                self.house.send(self.depositor, word);
                self.waiting.push((person, who.queue(queue)));
            }
            Action::DeleteUpTo { person, reader, nth } => {
                let Some(place) = self.expected[person].places.keys().nth(nth).copied() else { return };
                let all = self.expected[person].places.range(..=place).map(|(place, _)| *place).collect();
                self.delete(person, reader, Request::Delete { up_to: place }, all);
            }
            Action::DeleteThese { person, reader, from, step } => {
                let places = self.expected[person].places.keys().skip(from).step_by(step).take(3);
                let all: BTreeSet<_> = places.copied().collect();
                self.delete(person, reader, Request::DeleteThese { sequences: list(all.clone()) }, all);
            }
            Action::Fetch { person, reader } => self.fetch(person, reader),
            Action::Register { person } => {
                self.commit();
                let who = &self.people[person];
                let answer = who.register(&mut self.house, who.queues(QUEUES));
                assert!(matches!(answer, Answer::Registered { .. }), "{answer:?}");
            }
            Action::Close { person, queue } => {
                self.commit();
                let who = &self.people[person];
                who.register(&mut self.house, vec![(who.queue(queue), Access::Closed {})]);
            }
            Action::Commit => self.commit(),
            Action::FailCommit => self.restart(),
            Action::CrashAfterCommit => {
                self.house.disk.commit(self.house.out.take_writes());
                self.restart();
            }
            Action::Elapse { hours } => {
                self.commit();
                self.house.elapse(Span::from_hours(hours));
                self.depositor = self.house.stream();
            }
        }
    }

    /// Commits, and takes the answers to this batch.
    fn commit(&mut self) {
        self.house.settle();
        let answers = self.house.told(self.depositor);
        assert_eq!(answers.len(), self.waiting.len(), "one answer for each deposit");
        for ((person, queue), answer) in std::mem::take(&mut self.waiting).into_iter().zip(answers) {
            match answer {
                Answer::Stored { envelope, expires, .. } => {
                    self.expected[person].promised.insert((queue, envelope, expires));
                }
                Answer::OverQuota { .. } | Answer::NoQueue {} => {}
                other => panic!("a deposit was answered with {other:?}"),
            }
        }
        for (person, reader, number, places) in std::mem::take(&mut self.deleting) {
            let stream = self.readers[&(person, reader)];
            let answers = self.house.told_with_numbers(stream);
            // What else it was told at the same time counts as well.
            let told: Vec<_> = answers.iter().map(|answer| answer.word.clone()).collect();
            self.learn(person, &told);
            assert!(answers.iter().any(|answer| answer.number == number && answer.word == Answer::Done {}));
            self.expected[person].deleted[reader].extend(places);
        }
    }

    fn restart(&mut self) {
        self.house.crash();
        self.waiting.clear();
        self.deleting.clear();
        self.readers.clear();
        self.depositor = self.house.stream();
    }

    fn delete(&mut self, person: usize, reader: usize, request: Request, places: BTreeSet<Sequence>) {
        self.commit();
        let stream = self.reader(person, reader);
        self.expected[person].asked[reader].extend(&places);
        let number = self.house.send(stream, request);
        self.deleting.push((person, reader, number, places));
    }

    /// The stream of a reader, subscribed from the beginning if there is none.
    fn reader(&mut self, person: usize, reader: usize) -> u64 {
        let known = self.readers.get(&(person, reader)).copied();
        if let Some(stream) = known.filter(|stream| self.house.closed(*stream).is_none()) {
            return stream;
        }
        let (stream, listed) = self.people[person].listen(&mut self.house, reader);
        for entry in listed {
            let former = self.expected[person].places.insert(entry.sequence, (entry.queue, entry.envelope));
            assert!(former.is_none_or(|former| former == (entry.queue, entry.envelope)));
        }
        self.readers.insert((person, reader), stream);
        stream
    }

    fn learn(&mut self, person: usize, told: &[Answer]) {
        for entry in entries(told) {
            let former = self.expected[person].places.insert(entry.sequence, (entry.queue, entry.envelope));
            assert!(former.is_none_or(|former| former == (entry.queue, entry.envelope)));
        }
    }

    /// A reader comes anew and is told exactly what it should be, and gets it.
    fn fetch(&mut self, person: usize, reader: usize) {
        self.commit();
        let (stream, listed) = self.people[person].listen(&mut self.house, reader);
        self.readers.insert((person, reader), stream);
        let now = self.house.now;
        let expected = &mut self.expected[person];
        let mut names = BTreeSet::new();
        for entry in &listed {
            assert!(names.insert((entry.queue, entry.envelope)), "an envelope is listed twice");
            assert!(
                !expected.deleted[reader].contains(&entry.sequence),
                "deleted by this reader, and listed"
            );
            let former = expected.places.insert(entry.sequence, (entry.queue, entry.envelope));
            assert!(former.is_none_or(|former| former == (entry.queue, entry.envelope)));
        }
        for (queue, envelope, expires) in &expected.promised {
            let mut places = expected.places.iter().filter(|(_, name)| **name == (*queue, *envelope));
            let deleted = places.any(|(place, _)| expected.asked[reader].contains(place));
            assert!(
                *expires <= now || deleted || names.contains(&(*queue, *envelope)),
                "a promise was broken: {queue:?} {envelope:?} until {expires:?}"
            );
        }
        let places: Vec<_> = listed.iter().map(|entry| entry.sequence).collect();
        let got = envelopes(&self.house.ask(stream, Request::Get { sequences: list(places) }));
        let got: Vec<_> = got.into_iter().map(|(place, envelope)| (place, envelope.id())).collect();
        let wanted: Vec<_> = listed.iter().map(|entry| (entry.sequence, entry.envelope)).collect();
        assert_eq!(got, wanted, "what is listed is there");
    }

    /// Everything goes in the end, and nothing is left behind.
    fn finish(&mut self) {
        self.commit();
        self.house.elapse(Span::from_secs(10));
        for person in 0..PEOPLE {
            for reader in 0..READERS {
                self.fetch(person, reader);
            }
        }
        let overview = self.house.mailbox.overview();
        self.house.crash();
        let after = self.house.mailbox.overview();
        assert_eq!(
            (after.envelopes, after.memories, after.bytes, after.queues),
            (overview.envelopes, overview.memories, overview.bytes, overview.queues)
        );
        self.house.elapse(Span::from_days(33));
        let overview = self.house.mailbox.overview();
        assert_eq!((overview.envelopes, overview.memories), (0, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_are_kept_whatever_happens(actions in prop::collection::vec(action(), 1..80)) {
        let mut model = Model::new();
        for action in &actions {
            model.run(action);
        }
        model.finish();
    }
}
