//! Anybody who asks anything, in any order and in any batches, between failed commits and restarts: the mailbox never
//! panics, its counts stay right, it gives no more than was asked for, and stays within its capacity. Requests come as
//! bytes; those that need a signature are signed, because noise would never get past it.
#![no_main]

use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use kith_mailbox::Config;
use kith_mailbox::Effect;
use kith_mailbox::Input;
use kith_mailbox::Mailbox;
use kith_mailbox::Output;
use kith_mailbox::audit;
use kith_mailbox::input::Source;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
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
use kith_proto::mailbox::owned_queue;
use kith_proto::mailbox::owner_bytes;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use kith_simulations::disk::Disk;
use libfuzzer_sys::fuzz_target;

const CAPACITY: u64 = 100_000;
/// An index page of 1,024 entries is the longest answer beside an envelope.
const LONGEST: u64 = 66_000;

struct Run {
    mailbox: Mailbox,
    disk: Disk,
    out: Output,
    now: Timestamp,
    nonces: [Nonce; 4],
    unwritten: [u64; 4],
}

fn config() -> Config {
    Config {
        open: true,
        capacity_bytes: CAPACITY,
        inbox_bytes: 60_000,
        queue_envelopes: 8,
        inbox_queues: 6,
        inboxes: 3,
        knock_bits: 0,
        knock_rise_bits: 1,
        slice_rows: 4,
        window_bytes: 3_000,
        unread_bytes: 200_000,
        streams_per_source: 4,
        ..Config::default()
    }
}

fn restore(disk: &Disk, now: Timestamp) -> Mailbox {
    Mailbox::restore(config(), &[1; 32], now, [2; 32], disk).expect("what was committed can be read")
}

impl Run {
    fn give(&mut self, input: Input) {
        let handled = self.mailbox.handle(self.now, input, &self.disk, &mut self.out);
        handled.expect("what was committed can be read");
    }

    fn open(&mut self, slot: usize) {
        let stream = slot as u64;
        self.give(Input::Closed { stream });
        self.give(Input::Opened { stream, from: Source { network: stream % 2, local: slot == 3 } });
        self.give(Input::Asked {
            stream,
            request: Numbered { number: 0, word: Request::Hello { version: 1 } },
        });
        self.unwritten[slot] = 0;
    }

    fn commit(&mut self) {
        if self.mailbox.next_wake().is_some_and(|at| at <= self.now) {
            self.give(Input::Wake);
        }
        self.disk.commit(self.out.take_writes());
        for effect in self.out.take_effects() {
            match effect {
                Effect::Answer { stream, answer } => {
                    let slot = stream as usize;
                    self.unwritten[slot] += answer.to_wire().len() as u64;
                    assert!(self.unwritten[slot] <= 200_000 + LONGEST);
                    if let Answer::Hello { nonce, .. } = answer.word {
                        self.nonces[slot] = nonce;
                    }
                }
                Effect::Close { stream, .. } => self.unwritten[stream as usize] = 0,
            }
        }
        let overview = self.mailbox.overview();
        assert!(overview.bytes <= CAPACITY, "{overview:?}");
    }

    fn restart(&mut self) {
        self.out = Output::new();
        self.mailbox = restore(&self.disk, self.now);
        (0..4).for_each(|slot| self.open(slot));
        self.commit();
    }

    fn signed(&self, slot: usize, who: u8, make: impl Fn([u8; 64]) -> Request) -> Request {
        let key = SigningKey::from_bytes(&[who; 32]);
        let bytes = make([0; 64]).signed_bytes(&self.mailbox.device(), &self.nonces[slot]);
        make(key.sign(&bytes).to_bytes())
    }

    fn request(&self, slot: usize, [kind, a, b, c]: [u8; 4]) -> Option<Request> {
        let who = a % 4;
        let key = SigningKey::from_bytes(&[who; 32]);
        let inbox = key.verifying_key().to_bytes();
        let queue = |number: u8| match number % 8 {
            0 => owned_queue(&inbox),
            number => QueueId([who * 8 + number; 16]),
        };
        let signed = owner_bytes(&self.mailbox.device(), &inbox, u32::from(c >> 5));
        let owners = vec![(inbox, key.sign(&signed).to_bytes())];
        let readers = (0..b % 3).map(|reader| ReaderId([reader; 16])).collect::<Vec<_>>();
        Some(match kind % 8 {
            0 => self.signed(slot, who, |signature| Request::Register {
                inbox,
                period: u32::from(c >> 5),
                readers: BoundedVec::new(readers.clone()).expect("at most eight"),
                queues: BoundedVec::truncated(
                    (0..c % 8)
                        .map(|number| {
                            let access = match (b / 3 + number) % 4 {
                                0 => Access::Knock {},
                                1 => Access::Closed {},
                                _ => Access::Key { deposit: inbox },
                            };
                            (queue(number), access)
                        })
                        .collect(),
                ),
                owners: BoundedVec::truncated(owners.clone()),
                admission: Admission::Open {},
                signature,
            }),
            1..=3 => {
                let size = [1024, 1024, 4096, 16384][usize::from(c % 4)];
                let envelope = Envelope::new([b; 16], &vec![0; size - 17])?;
                let keep = [KeepFor::Hour, KeepFor::Days2, KeepFor::Days14, KeepFor::Days30];
                let keep = keep[usize::from(c >> 2) % 4];
                self.signed(slot, who, |signature| Request::Deposit {
                    queue: queue(b),
                    envelope: envelope.clone(),
                    keep,
                    work: None,
                    signature,
                })
            }
            4 => self.signed(slot, who, |signature| Request::Subscribe {
                inbox,
                reader: ReaderId([b % 2; 16]),
                after: u64::from(c) << 32,
                signature,
            }),
            5 => Request::Delete { up_to: self.now.0 << 16 | u64::from(b) },
            6 => Request::DeleteThese { sequences: self.places(b, c) },
            _ => Request::Get { sequences: self.places(b, c) },
        })
    }

    fn places<const MAX: usize>(&self, back: u8, count: u8) -> BoundedVec<u64, MAX> {
        let first = self.now.0.saturating_sub(u64::from(back) * 3_600_000) << 16;
        BoundedVec::truncated((0..u64::from(count % 16)).map(|place| first + place).collect())
    }
}

fuzz_target!(|data: &[u8]| {
    let (disk, now) = (Disk::default(), Timestamp(500_000 * 3_600_000));
    let mailbox = restore(&disk, now);
    let mut run = Run { mailbox, disk, out: Output::new(), now, nonces: [[0; 16]; 4], unwritten: [0; 4] };
    run.restart();
    let mut rest = data;
    while let Some(([kind, slot, bytes @ ..], more)) = rest.split_first_chunk::<6>() {
        rest = more;
        let slot = usize::from(slot % 4);
        let stream = slot as u64;
        match kind % 16 {
            0 => run.commit(),
            1 => run.restart(),
            2 => run.open(slot),
            3 => run.now = run.now + Span::from_minutes(u64::from(bytes[0]) * u64::from(bytes[1])),
            4 => {
                let bytes = std::mem::take(&mut run.unwritten[slot]);
                run.give(Input::Drained { stream, bytes });
            }
            5 => run.give(Input::Malformed { stream }),
            6 => {
                let (bytes, more) = rest.split_at(usize::from(bytes[0]).min(rest.len()));
                rest = more;
                if let Ok(request) = Numbered::<Request>::from_bytes(bytes) {
                    run.give(Input::Asked { stream, request });
                }
            }
            _ => {
                if let Some(word) = run.request(slot, *bytes) {
                    run.give(Input::Asked { stream, request: Numbered { number: 9, word } });
                }
            }
        }
    }
    run.commit();
    assert_eq!(audit::check(&run.disk).expect("what was committed can be read"), Vec::<String>::new());
});
