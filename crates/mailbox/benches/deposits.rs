//! Deposits a second, signatures checked and receipts signed, on a disk in memory: one at a time, and 256 in a batch. And
//! a backlog of 10,000 envelopes, listed and fetched. The floor of a deposit is one signature checked and one made.
#![expect(clippy::unwrap_used, reason = "a benchmark has nobody to tell")]

use criterion::BatchSize;
use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use kith_mailbox::Config;
use kith_mailbox::Effect;
use kith_mailbox::Input;
use kith_mailbox::Mailbox;
use kith_mailbox::Output;
use kith_mailbox::config::Rate;
use kith_mailbox::input::Source;
use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::id::QueueId;
use kith_proto::id::ReaderId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Nonce;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::time::Timestamp;
use kith_simulations::disk::Disk;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const STREAM: u64 = 1;
const QUEUES: u32 = 64;
const BACKLOG: u32 = 10_000;

struct Bench {
    mailbox: Mailbox,
    disk: Disk,
    nonce: Nonce,
    owner: SigningKey,
    friend: SigningKey,
}

impl Bench {
    fn new() -> Self {
        let endless = Rate { per_hour: u32::MAX, burst: u32::MAX };
        let config = Config {
            open: true,
            inbox_bytes: u64::MAX >> 1,
            capacity_bytes: u64::MAX >> 1,
            queue_envelopes: u32::MAX,
            queue_bytes: u64::MAX >> 1,
            requests: endless,
            checks: endless,
            deposits: endless,
            ..Config::default()
        };
        let disk = Disk::default();
        let mailbox = Mailbox::restore(config, &[1; 32], NOW, [2; 32], &disk).unwrap();
        let (owner, friend) = (SigningKey::from_bytes(&[3; 32]), SigningKey::from_bytes(&[4; 32]));
        let mut bench = Self { mailbox, disk, nonce: [0; 16], owner, friend };
        let from = Source { network: 1, local: true };
        bench.give(Input::Opened { stream: STREAM, from });
        let hello = bench.ask(Request::Hello { version: 1 });
        let Some(Answer::Hello { nonce, .. }) = hello.first() else { panic!("no hello") };
        bench.nonce = *nonce;
        let access = Access::Key { deposit: bench.friend.verifying_key().to_bytes() };
        let queues = (0..QUEUES).map(|number| (queue(number), access.clone())).collect();
        let register = |signature| Request::Register {
            inbox: bench.owner.verifying_key().to_bytes(),
            period: 1,
            readers: BoundedVec::new(vec![ReaderId([5; 16])]).unwrap(),
            queues: BoundedVec::new(Clone::clone(&queues)).unwrap(),
            owners: BoundedVec::default(),
            admission: Admission::Open {},
            signature,
        };
        let signature = bench.sign(&bench.owner, &register([0; 64]));
        let request = register(signature);
        assert!(matches!(bench.ask(request).first(), Some(Answer::Registered { .. })));
        bench
    }

    fn sign(&self, key: &SigningKey, request: &Request) -> [u8; 64] {
        key.sign(&request.signed_bytes(&self.mailbox.device(), &self.nonce)).to_bytes()
    }

    fn deposit(&self, number: u32) -> Request {
        let mut tag = [0; 16];
        tag.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
        let envelope = Envelope::new(tag, &[0; 1024 - 17]).unwrap();
        let queue = queue(number % QUEUES);
        let deposit = |signature| Request::Deposit {
            queue,
            envelope: envelope.clone(),
            keep: KeepFor::Days14,
            work: None,
            signature,
        };
        deposit(self.sign(&self.friend, &deposit([0; 64])))
    }

    /// Gives all of it in one batch and commits.
    fn batch(&mut self, inputs: impl IntoIterator<Item = Input>) -> Vec<Answer> {
        let mut out = Output::new();
        for input in inputs {
            self.mailbox.handle(NOW, input, &self.disk, &mut out).unwrap();
        }
        self.disk.commit(out.take_writes());
        let answers = out.take_effects().into_iter().filter_map(|effect| match effect {
            Effect::Answer { answer, .. } => Some(answer),
            _ => None,
        });
        let answers: Vec<_> = answers.collect();
        let bytes = answers.iter().map(|answer| answer.wire_bytes() as u64).sum();
        self.mailbox.handle(NOW, Input::Drained { stream: STREAM, bytes }, &self.disk, &mut out).unwrap();
        let mut words: Vec<_> = answers.into_iter().map(|answer| answer.word).collect();
        words.extend(out.take_effects().into_iter().filter_map(|effect| match effect {
            Effect::Answer { answer, .. } => Some(answer.word),
            _ => None,
        }));
        words
    }

    fn give(&mut self, input: Input) {
        self.batch([input]);
    }

    fn ask(&mut self, word: Request) -> Vec<Answer> {
        self.batch([asked(word)])
    }
}

fn queue(number: u32) -> QueueId {
    let mut id = [9; 16];
    id.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
    QueueId(id)
}

fn asked(word: Request) -> Input {
    Input::Asked { stream: STREAM, request: Numbered { number: 1, word } }
}

fn deposits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mailbox");
    group.throughput(Throughput::Elements(1));
    let key = SigningKey::from_bytes(&[6; 32]);
    let message = vec![7; 1_200];
    group.bench_function("floor: check a signature and make one", |bencher| {
        let signature = key.sign(&message);
        bencher.iter(|| {
            key.verifying_key().verify_strict(&message, &signature).unwrap();
            key.sign(&message)
        });
    });
    for size in [1, 256] {
        let (mut bench, mut number) = (Bench::new(), 0);
        group.throughput(Throughput::Elements(size));
        group.bench_function(format!("deposits, {size} in a commit"), |bencher| {
            let signer = Bench { nonce: bench.nonce, ..Bench::new() };
            let make = || {
                let inputs: Vec<_> = (0..size)
                    .map(|_| {
                        number += 1;
                        asked(signer.deposit(number))
                    })
                    .collect();
                inputs
            };
            bencher.iter_batched(make, |inputs| bench.batch(inputs), BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn backlog(criterion: &mut Criterion) {
    let mut bench = Bench::new();
    let inputs: Vec<_> = (0..BACKLOG).map(|number| asked(bench.deposit(number))).collect();
    bench.batch(inputs);
    let mut group = criterion.benchmark_group("mailbox");
    group.throughput(Throughput::Elements(u64::from(BACKLOG)));
    group.sample_size(10);
    group.bench_function("a backlog of 10,000 listed and fetched", |bencher| {
        bencher.iter(|| {
            let subscribe = |signature| Request::Subscribe {
                inbox: bench.owner.verifying_key().to_bytes(),
                reader: ReaderId([5; 16]),
                after: 0,
                signature,
            };
            let signature = bench.sign(&bench.owner, &subscribe([0; 64]));
            let mut places = Vec::new();
            let mut words = bench.ask(subscribe(signature));
            for word in words.drain(..) {
                if let Answer::Index { entries } = word {
                    places.extend(entries.iter().map(|entry| entry.sequence));
                }
            }
            assert_eq!(places.len(), BACKLOG as usize);
            let mut fetched = 0;
            for page in places.chunks(512) {
                let sequences = BoundedVec::new(page.to_vec()).unwrap();
                let got = bench.ask(Request::Get { sequences });
                fetched += got.iter().filter(|word| matches!(word, Answer::Envelope { .. })).count();
            }
            assert_eq!(fetched, BACKLOG as usize);
        });
    });
    group.finish();
}

criterion_group!(benches, deposits, backlog);
criterion_main!(benches);
