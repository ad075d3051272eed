//! A mailbox on a disk in memory, people who use it, and a driver that obeys the law: commit, then effects.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use kith_mailbox::Config;
use kith_mailbox::Effect;
use kith_mailbox::Input;
use kith_mailbox::Mailbox;
use kith_mailbox::Output;
use kith_mailbox::audit;
use kith_mailbox::effect::CloseReason;
use kith_mailbox::input::Source;
use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::SIZE_CLASSES;
use kith_proto::id::QueueId;
use kith_proto::id::ReaderId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Nonce;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::OwnerProof;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkProof;
use kith_proto::mailbox::is_owned;
use kith_proto::mailbox::owned_queue;
use kith_proto::mailbox::owner_bytes;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use kith_simulations::disk::Disk;

/// A full hour.
pub(crate) const START: Timestamp = Timestamp(500_000 * 3_600_000);

/// A mailbox and its driver.
pub(crate) struct House {
    pub(crate) config: Config,
    pub(crate) seed: [u8; 32],
    pub(crate) now: Timestamp,
    pub(crate) disk: Disk,
    pub(crate) mailbox: Mailbox,
    /// The batch that is not committed yet.
    pub(crate) out: Output,
    /// Whether answers are written at once.
    pub(crate) drains: bool,
    answers: BTreeMap<u64, VecDeque<Numbered<Answer>>>,
    closed: BTreeMap<u64, CloseReason>,
    nonces: BTreeMap<u64, Nonce>,
    streams: u64,
    numbers: u32,
    starts: u8,
}

impl House {
    pub(crate) fn new(config: Config) -> Self {
        Self::of([7; 32], config)
    }

    /// An open mailbox with the ordinary limits.
    pub(crate) fn open() -> Self {
        Self::new(Config { open: true, ..Config::default() })
    }

    pub(crate) fn of(seed: [u8; 32], config: Config) -> Self {
        let disk = Disk::default();
        let mailbox = Mailbox::restore(config.clone(), &seed, START, [1; 32], &disk).unwrap();
        Self {
            config,
            seed,
            now: START,
            disk,
            mailbox,
            out: Output::new(),
            drains: true,
            answers: BTreeMap::new(),
            closed: BTreeMap::new(),
            nonces: BTreeMap::new(),
            streams: 0,
            numbers: 0,
            starts: 1,
        }
    }

    /// Adds an input to the batch.
    pub(crate) fn give(&mut self, input: Input) {
        self.mailbox.handle(self.now, input, &self.disk, &mut self.out).unwrap();
    }

    /// Commits the batch, runs its effects, and so on until nothing is left to do now.
    pub(crate) fn settle(&mut self) {
        loop {
            while self.mailbox.next_wake().is_some_and(|at| at <= self.now) {
                self.give(Input::Wake);
            }
            self.disk.commit(self.out.take_writes());
            let effects = self.out.take_effects();
            if effects.is_empty() {
                break;
            }
            for effect in effects {
                self.run(effect);
            }
        }
        assert_eq!(audit::check(&self.disk).unwrap(), Vec::<String>::new());
    }

    /// The process ends and is started again. What was not committed is lost, and so are all streams.
    pub(crate) fn crash(&mut self) {
        self.starts += 1;
        self.out = Output::new();
        self.mailbox =
            Mailbox::restore(self.config.clone(), &self.seed, self.now, [self.starts; 32], &self.disk)
                .unwrap();
        self.answers.clear();
        self.nonces.clear();
        self.closed.clear();
    }

    /// Time passes, with every wake-up on the way.
    pub(crate) fn elapse(&mut self, span: Span) {
        let until = self.now + span;
        while let Some(at) = self.mailbox.next_wake().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.settle();
        }
        self.now = until;
        self.settle();
    }

    /// Opens a stream without a word on it.
    pub(crate) fn connect(&mut self, from: Source) -> u64 {
        self.streams += 1;
        self.give(Input::Opened { stream: self.streams, from });
        self.streams
    }

    /// Opens a stream from some network and says hello.
    pub(crate) fn stream(&mut self) -> u64 {
        self.stream_from(self.streams)
    }

    /// The same from one network.
    pub(crate) fn stream_from(&mut self, network: u64) -> u64 {
        let stream = self.connect(Source { network, local: false });
        let hello = self.ask(stream, Request::Hello { version: 1 });
        let [Answer::Hello { version: 1, nonce }] = hello[..] else { panic!("no hello: {hello:?}") };
        self.nonces.insert(stream, nonce);
        stream
    }

    pub(crate) fn nonce(&self, stream: u64) -> Nonce {
        self.nonces[&stream]
    }

    /// Adds a request to the batch.
    pub(crate) fn send(&mut self, stream: u64, word: Request) -> u32 {
        self.numbers += 1;
        self.give(Input::Asked { stream, request: Numbered { number: self.numbers, word } });
        self.numbers
    }

    /// Asks and commits; all that the stream was told since.
    pub(crate) fn ask(&mut self, stream: u64, word: Request) -> Vec<Answer> {
        self.send(stream, word);
        self.settle();
        self.told(stream)
    }

    /// Asks what has exactly one answer.
    pub(crate) fn ask_one(&mut self, stream: u64, word: Request) -> Answer {
        let mut answers = self.ask(stream, word);
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers.remove(0)
    }

    /// What a stream was told since the last time.
    pub(crate) fn told(&mut self, stream: u64) -> Vec<Answer> {
        self.told_with_numbers(stream).into_iter().map(|answer| answer.word).collect()
    }

    pub(crate) fn told_with_numbers(&mut self, stream: u64) -> Vec<Numbered<Answer>> {
        self.answers.remove(&stream).map(Vec::from).unwrap_or_default()
    }

    /// Why a stream was closed.
    pub(crate) fn closed(&self, stream: u64) -> Option<CloseReason> {
        self.closed.get(&stream).copied()
    }

    fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { stream, answer } => {
                let bytes = answer.to_wire().len() as u64;
                assert_eq!(bytes, answer.wire_bytes() as u64);
                self.answers.entry(stream).or_default().push_back(answer);
                if self.drains {
                    self.give(Input::Drained { stream, bytes });
                }
            }
            Effect::Close { stream, why } => {
                self.closed.insert(stream, why);
                self.give(Input::Closed { stream });
            }
        }
    }
}

/// Somebody with an inbox, and friends who know its queues.
pub(crate) struct Person {
    pub(crate) key: SigningKey,
    pub(crate) readers: Vec<ReaderId>,
    deposit: SigningKey,
    name: u8,
}

impl Person {
    /// With so many devices.
    pub(crate) fn new(name: u8, devices: u8) -> Self {
        Self {
            key: SigningKey::from_bytes(&[name; 32]),
            readers: (0..devices).map(|device| ReaderId([name ^ (device << 4); 16])).collect(),
            deposit: SigningKey::from_bytes(&[!name; 32]),
            name,
        }
    }

    pub(crate) fn inbox(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// The name of a queue; all have the same deposit key.
    pub(crate) fn queue(&self, number: u16) -> QueueId {
        let mut id = [self.name; 16];
        id[14..].copy_from_slice(&number.to_be_bytes());
        QueueId(id)
    }

    /// The name of a queue that belongs to this person, as those at which strangers knock do.
    pub(crate) fn door(&self, number: u16) -> QueueId {
        owned_queue(&self.door_key(number).verifying_key().to_bytes())
    }

    pub(crate) fn door_key(&self, number: u16) -> SigningKey {
        let mut seed = [self.name; 32];
        seed[30..].copy_from_slice(&number.to_be_bytes());
        SigningKey::from_bytes(&seed)
    }

    /// Shows that a queue is this person's, for `inbox`.
    pub(crate) fn proof(&self, house: &House, number: u16, inbox: &[u8; 32], period: u32) -> OwnerProof {
        let key = self.door_key(number);
        let signature = key.sign(&owner_bytes(&house.mailbox.device(), inbox, period)).to_bytes();
        (key.verifying_key().to_bytes(), signature)
    }

    pub(crate) fn access(&self) -> Access {
        Access::Key { deposit: self.deposit.verifying_key().to_bytes() }
    }

    /// `count` queues to register.
    pub(crate) fn queues(&self, count: u16) -> Vec<(QueueId, Access)> {
        (0..count).map(|number| (self.queue(number), self.access())).collect()
    }

    pub(crate) fn registration(
        &self,
        house: &House,
        stream: u64,
        period: u32,
        queues: Vec<(QueueId, Access)>,
        admission: Admission,
    ) -> Request {
        let named = |number: &u16| queues.iter().any(|(queue, _)| *queue == self.door(*number));
        let owners = if queues.iter().any(|(queue, _)| is_owned(queue)) { 0..40 } else { 0..0 };
        let owners = owners.filter(named).map(|number| self.proof(house, number, &self.inbox(), period));
        let owners = owners.collect();
        self.registration_with(house, stream, period, queues, owners, admission)
    }

    #[expect(clippy::needless_pass_by_value, reason = "the callers make them on the spot")]
    pub(crate) fn registration_with(
        &self,
        house: &House,
        stream: u64,
        period: u32,
        queues: Vec<(QueueId, Access)>,
        owners: Vec<OwnerProof>,
        admission: Admission,
    ) -> Request {
        let register = |signature| Request::Register {
            inbox: self.inbox(),
            period,
            readers: BoundedVec::new(self.readers.clone()).unwrap(),
            queues: BoundedVec::new(queues.clone()).unwrap(),
            owners: BoundedVec::new(owners.clone()).unwrap(),
            admission: admission.clone(),
            signature,
        };
        register(sign(&self.key, house, &register([0; 64]), &house.nonce(stream)))
    }

    /// Registers at an open mailbox.
    pub(crate) fn register(&self, house: &mut House, queues: Vec<(QueueId, Access)>) -> Answer {
        let stream = house.stream();
        let request = self.registration(house, stream, 1, queues, Admission::Open {});
        house.ask_one(stream, request)
    }

    pub(crate) fn deposit(
        &self,
        house: &House,
        stream: u64,
        queue: u16,
        envelope: &Envelope,
        keep: KeepFor,
    ) -> Request {
        self.deposit_with(house, &house.nonce(stream), self.queue(queue), envelope, keep, None)
    }

    pub(crate) fn deposit_with(
        &self,
        house: &House,
        nonce: &Nonce,
        queue: QueueId,
        envelope: &Envelope,
        keep: KeepFor,
        work: Option<WorkProof>,
    ) -> Request {
        let deposit =
            |signature| Request::Deposit { queue, envelope: envelope.clone(), keep, work, signature };
        deposit(sign(&self.deposit, house, &deposit([0; 64]), nonce))
    }

    /// Leaves an envelope and expects a receipt.
    pub(crate) fn leave(&self, house: &mut House, stream: u64, queue: u16, envelope: &Envelope) -> Timestamp {
        let request = self.deposit(house, stream, queue, envelope, KeepFor::Days14);
        stored(&house.ask(stream, request))
    }

    pub(crate) fn subscription(&self, house: &House, stream: u64, reader: usize, after: Sequence) -> Request {
        let subscribe = |signature| Request::Subscribe {
            inbox: self.inbox(),
            reader: self.readers[reader],
            after,
            signature,
        };
        subscribe(sign(&self.key, house, &subscribe([0; 64]), &house.nonce(stream)))
    }

    /// Opens a stream, subscribes, and returns what is listed.
    pub(crate) fn listen(&self, house: &mut House, reader: usize) -> (u64, Vec<IndexEntry>) {
        let stream = house.stream();
        let request = self.subscription(house, stream, reader, 0);
        let told = house.ask(stream, request);
        assert_eq!(told.last(), Some(&Answer::CaughtUp {}), "{told:?}");
        (stream, entries(&told))
    }
}

pub(crate) fn sign(key: &SigningKey, house: &House, request: &Request, nonce: &Nonce) -> [u8; 64] {
    key.sign(&request.signed_bytes(&house.mailbox.device(), nonce)).to_bytes()
}

/// An envelope that differs from those of other numbers.
pub(crate) fn envelope(number: u32, class: usize) -> Envelope {
    let mut tag = [0; 16];
    tag[..4].copy_from_slice(&number.to_le_bytes());
    Envelope::new(tag, &vec![5; SIZE_CLASSES[class] - 17]).unwrap()
}

/// All entries of indexes among the answers.
pub(crate) fn entries(answers: &[Answer]) -> Vec<IndexEntry> {
    let lists = answers.iter().filter_map(|answer| match answer {
        Answer::Index { entries } => Some(entries.to_vec()),
        _ => None,
    });
    lists.flatten().collect()
}

/// All envelopes among the answers.
pub(crate) fn envelopes(answers: &[Answer]) -> Vec<(Sequence, Envelope)> {
    let got = answers.iter().filter_map(|answer| match answer {
        Answer::Envelope { sequence, envelope, .. } => Some((*sequence, envelope.clone())),
        _ => None,
    });
    got.collect()
}

/// Until when the one receipt among the answers promises to keep.
pub(crate) fn stored(answers: &[Answer]) -> Timestamp {
    let mut receipts = answers.iter().filter_map(|answer| match answer {
        Answer::Stored { expires, .. } => Some(*expires),
        _ => None,
    });
    let expires = receipts.next().unwrap_or_else(|| panic!("no receipt: {answers:?}"));
    assert_eq!(receipts.next(), None);
    expires
}

pub(crate) fn list<const MAX: usize>(
    sequences: impl IntoIterator<Item = Sequence>,
) -> BoundedVec<Sequence, MAX> {
    BoundedVec::new(sequences.into_iter().collect()).unwrap()
}
