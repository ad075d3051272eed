//! What a group at its limits costs: 10,000 operations, 1,000 members. The floor of an insertion is the signature.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot run stops")]
#![expect(clippy::disallowed_types, reason = "a benchmark measures time")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use criterion::BatchSize;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceList;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::operation;
use kith_engine::groups::Log;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::frame::DeviceListBytes;
use kith_proto::group::Add;
use kith_proto::group::Create;
use kith_proto::group::GroupProfile;
use kith_proto::group::Kind;
use kith_proto::group::Operation;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::group::Via;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::id::OperationId;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const MEMBERS: usize = 1_000;
const OPERATIONS: usize = 10_000;
/// Operations that the measured log does not have yet.
const FRESH: usize = 1_000;

struct Person {
    account: AccountId,
    device: DeviceSecret,
    list: DeviceListBytes,
}

fn people() -> Vec<Person> {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let mut person = || {
        let (secret, device) = (AccountSecret::generate(&mut rng), DeviceSecret::generate(&mut rng));
        let account = secret.id();
        let devices = BoundedVec::truncated(vec![device.entry(&account)]);
        let list = DeviceList { account, version: 1, devices, revoked: BoundedVec::default() };
        let list = BoundedBytes::new(secret.sign_list(list).to_bytes()).unwrap();
        Person { account, device, list }
    };
    (0..=MEMBERS).map(|_| person()).collect()
}

/// Writes operations without a log, so that anything can be written.
#[derive(Default)]
struct Scribe {
    group: Option<GroupId>,
    sequences: BTreeMap<DeviceId, u64>,
}

impl Scribe {
    fn write(&mut self, by: &Person, parents: Vec<OperationId>, kind: Kind) -> Operation {
        let sequence = self.sequences.entry(by.device.id()).or_default();
        *sequence += 1;
        let mut operation = Operation {
            group: self.group.unwrap_or(GroupId([0; 32])),
            author: by.account,
            device: by.device.id(),
            sequence: *sequence,
            parents: BoundedVec::truncated(parents),
            time: Timestamp(0),
            kind,
            signature: [0; 64],
        };
        operation::sign_operation(&by.device, &mut operation);
        operation
    }
}

fn kind_at(at: usize, people: &[Person]) -> Kind {
    match at % 4 {
        0 => Kind::Profile(GroupProfile {
            name: BoundedStr::truncated(format!("{at}")),
            ..GroupProfile::default()
        }),
        1 => Kind::Mute { account: people[20 + at % 900].account, until: Timestamp(at as u64) },
        2 => Kind::Role {
            account: people[20 + at % 900].account,
            role: if at % 8 == 2 { Role::Moderator } else { Role::Observer },
        },
        _ => Kind::Pin(MessageId([(at % 200) as u8; 16])),
    }
}

/// A long life: everybody added by a few admins, then rules, roles and names; every tenth time two admins at once.
fn life(people: &[Person]) -> Vec<Operation> {
    let mut scribe = Scribe::default();
    let create = Create {
        name: BoundedStr::truncated("life"),
        policy: Policy::default(),
        salt: [1; 16],
        devices: people[0].list.clone(),
        called: BoundedStr::default(),
    };
    let mut all = vec![scribe.write(&people[0], Vec::new(), Kind::Create(create))];
    scribe.group = Some(all[0].group_id());
    let mut heads = vec![all[0].id()];
    for person in &people[1..MEMBERS - 1] {
        let role = if all.len() < 10 { Role::Admin } else { Role::Member };
        let (account, devices) = (person.account, person.list.clone());
        let by = if all.len() < 12 { 0 } else { 1 + all.len() % 9 };
        let add = Kind::Add(Add { account, role, devices, called: BoundedStr::default(), via: Via::Invited });
        all.push(scribe.write(&people[by], heads, add));
        heads = vec![all[all.len() - 1].id()];
    }
    while all.len() < OPERATIONS {
        let at = all.len();
        let mut next = vec![scribe.write(&people[1 + at % 9], heads.clone(), kind_at(at, people))];
        if at % 10 == 0 && at + 1 < OPERATIONS {
            next.push(scribe.write(&people[1 + (at + 1) % 9], heads, kind_at(at + 3, people)));
        }
        heads = next.iter().map(Operation::id).collect();
        heads.sort_unstable();
        all.extend(next);
    }
    all
}

/// How long it takes to take `FRESH` operations one by one and to know the roster after each.
fn inserting(kept: &[Operation], fresh: &[Operation]) -> Duration {
    let mut log = Log::restore(kept.to_vec()).unwrap();
    log.roster();
    let started = Instant::now();
    for operation in fresh {
        log.insert(operation.clone()).unwrap();
        black_box(log.roster());
    }
    started.elapsed()
}

fn groups(c: &mut Criterion) {
    let people = people();
    let all = life(&people);
    let (kept, fresh) = all.split_at(OPERATIONS - FRESH);
    c.bench_function("floor: one signature is checked", |b| {
        b.iter(|| assert!(operation::verify_operation(black_box(&all[1]))));
    });
    c.bench_function("an operation into a log of 9,000 to 10,000, and the roster", |b| {
        b.iter_custom(|times| {
            let round = |_| inserting(kept, fresh);
            (0..times).map(round).sum::<Duration>() / FRESH as u32
        });
    });
    c.bench_function("a log of 10,000 is restored, and the roster", |b| {
        b.iter_batched(
            || all.clone(),
            |all| {
                let mut log = Log::restore(all).unwrap();
                assert_eq!(log.roster().members.len(), MEMBERS - 1);
                log
            },
            BatchSize::PerIteration,
        );
    });
    // Everything is decided anew: an admin was removed beside an early addition of theirs.
    let own = all.iter().filter(|operation| operation.author == people[0].account).count() as u64;
    let sequences = BTreeMap::from([(people[0].device.id(), own)]);
    let mut scribe = Scribe { group: Some(all[0].group_id()), sequences };
    let removal = scribe.write(&people[0], vec![all[1_500].id()], Kind::Remove(people[5].account));
    c.bench_function("all of 9,999 decided anew after a conflict", |b| {
        b.iter_batched(
            || {
                let mut log = Log::restore(all[..OPERATIONS - 1].to_vec()).unwrap();
                log.roster();
                log.insert(removal.clone()).unwrap();
                log
            },
            |mut log| {
                assert!(!log.roster().void.is_empty());
                log
            },
            BatchSize::PerIteration,
        );
    });
    let log = Log::restore(all.clone()).unwrap();
    eprintln!("memory: {} KiB for {} operations", log.memory() >> 10, log.len());
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = groups
}
criterion_main!(benches);
