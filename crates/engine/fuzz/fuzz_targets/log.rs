//! Members who sign whatever they like, with whatever past they like, and three honest members who hear of it in any order, twice,
//! or only by each other: none panics, none keeps more than its bounds, and in the end all have the same group.
#![no_main]

use std::sync::LazyLock;

use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceList;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::operation::sign_operation;
use kith_engine::groups::Log;
use kith_engine::groups::MAX_WAITING;
use kith_engine::groups::Roster;
use kith_engine::groups::Void;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::frame::DeviceListBytes;
use kith_proto::group::Add;
use kith_proto::group::Create;
use kith_proto::group::Kind;
use kith_proto::group::Operation;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::group::Via;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::id::OperationId;
use kith_proto::time::Timestamp;
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

/// Signatures are what takes time.
const STEPS: usize = 24;

const ROLES: [Role; 5] = [Role::Observer, Role::Member, Role::Moderator, Role::Admin, Role::Owner];

struct Person {
    account: AccountSecret,
    devices: [DeviceSecret; 2],
}

impl Person {
    fn list(&self, version: u32, used: &[usize]) -> DeviceListBytes {
        let account = self.account.id();
        let revoked = (0..2).filter(|at| !used.contains(at)).map(|at| self.devices[at].id()).collect();
        let list = self.account.sign_list(DeviceList {
            account,
            version,
            devices: BoundedVec::truncated(used.iter().map(|at| self.devices[*at].entry(&account)).collect()),
            revoked: BoundedVec::truncated(revoked),
        });
        BoundedBytes::new(list.to_bytes()).unwrap()
    }
}

static PEOPLE: LazyLock<Vec<Person>> = LazyLock::new(|| {
    let make = |number| {
        let mut rng = ChaCha20Rng::from_seed([number; 32]);
        let account = AccountSecret::generate(&mut rng);
        Person { account, devices: [DeviceSecret::generate(&mut rng), DeviceSecret::generate(&mut rng)] }
    };
    (1..=4).map(make).collect()
});

fn person(number: u8) -> &'static Person {
    &PEOPLE[usize::from(number) % PEOPLE.len()]
}

fn id(number: u8) -> AccountId {
    person(number).account.id()
}

fn add(number: u8, role: Role) -> Kind {
    Kind::Add(Add {
        account: id(number),
        role,
        devices: person(number).list(1, &[0, 1]),
        called: BoundedStr::default(),
        via: Via::Invited,
    })
}

/// One step: who, what, about whom, after what.
type Step = [u8; 6];

fn kind(step: &Step) -> Kind {
    let [who, what, whom, how, ..] = *step;
    let role = ROLES[usize::from(how) % ROLES.len()];
    match what % 16 {
        0 | 1 => add(whom, role),
        2 | 3 => Kind::Remove(id(whom)),
        4 => Kind::Ban(id(whom)),
        5 => Kind::Unban(id(whom)),
        6..=8 => Kind::Role { account: id(whom), role },
        9 => Kind::Leave,
        10 => Kind::Policy(Policy { invite: role, pin: role, ..Policy::default() }),
        11 => Kind::Devices { account: id(who), devices: person(who).list(2 + u32::from(how % 3), &[0]) },
        12 => Kind::Mute { account: id(whom), until: Timestamp(u64::from(how)) },
        13 => Kind::Pin(MessageId([how % 4; 16])),
        14 => Kind::Unpin(MessageId([how % 4; 16])),
        _ => Kind::Unknown { kind: 99, bytes: BoundedBytes::default() },
    }
}

fn signed(written: &[Operation], step: &Step) -> Operation {
    let [who, _, _, _, past, device] = *step;
    let author = person(who);
    let secret = &author.devices[usize::from(device) % 2];
    // One or two of what is there, whether or not they follow one another.
    let at = |back: u8| written[written.len() - 1 - usize::from(back) % written.len()].id();
    let mut parents = vec![at(past % 8)];
    if past > 128 {
        parents.push(at(past / 8));
    }
    parents.sort_unstable();
    parents.dedup();
    let own = written.iter().filter(|one| one.device == secret.id()).map(|one| one.sequence);
    let sequence = own.max().unwrap_or(0) + 1 - u64::from(device > 200);
    let mut operation = Operation {
        group: written[0].group_id(),
        author: author.account.id(),
        device: secret.id(),
        sequence,
        parents: BoundedVec::truncated(parents),
        time: Timestamp(u64::from(device) * 1_000),
        kind: kind(step),
        signature: [0; 64],
    };
    sign_operation(secret, &mut operation);
    operation
}

fn create() -> Operation {
    let ann = person(0);
    let mut operation = Operation {
        group: GroupId([0; 32]),
        author: ann.account.id(),
        device: ann.devices[0].id(),
        sequence: 1,
        parents: BoundedVec::default(),
        time: Timestamp(1),
        kind: Kind::Create(Create {
            name: BoundedStr::default(),
            policy: Policy::default(),
            salt: [7; 16],
            devices: ann.list(1, &[0, 1]),
            called: BoundedStr::default(),
        }),
        signature: [0; 64],
    };
    sign_operation(&ann.devices[0], &mut operation);
    operation
}

/// What all have to agree about: what was denied is not passed on.
fn agreed(log: &mut Log) -> Roster {
    let mut roster = log.roster().clone();
    roster.void.retain(|_, why| !matches!(why, Void::Denied(_)));
    roster
}

fn tell(from: &Log, to: &mut Log) {
    let (heads, missing): (Vec<OperationId>, _) = (to.heads(), to.missing());
    let told: Vec<Operation> = from.since(&heads).map(|(_, operation)| operation.clone()).collect();
    let asked: Vec<Operation> = missing.iter().filter_map(|id| from.operation(id).cloned()).collect();
    for operation in told.into_iter().chain(asked) {
        _ = to.insert(operation);
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((order, steps)) = data.split_first_chunk::<3>() else { return };
    let mut written = vec![create()];
    for step in steps.as_chunks::<6>().0.iter().take(STEPS) {
        written.push(signed(&written, step));
    }
    let mut honest: Vec<Log> = order
        .iter()
        .map(|order| {
            let mut log = Log::new(written[0].clone()).unwrap();
            // Another order for each, in which some do not come at all.
            let mut heard: Vec<(u8, &Operation)> = written.iter().skip(1).map(|one| (one.id().0[0] ^ order, one)).collect();
            heard.sort_by_key(|(place, _)| *place);
            for (place, operation) in heard {
                if place % 4 > 0 {
                    _ = log.insert(operation.clone());
                    _ = log.insert(operation.clone());
                    assert!(log.waiting() <= MAX_WAITING);
                }
                if place % 16 == 0 {
                    log.roster();
                }
            }
            log
        })
        .collect();
    for round in 0..written.len() * 3 {
        let (from, to) = (round % 3, (round + 1) % 3);
        let mut listening = std::mem::replace(&mut honest[to], Log::new(written[0].clone()).unwrap());
        tell(&honest[from], &mut listening);
        honest[to] = listening;
    }
    let [one, two, three] = honest.as_mut_slice() else { unreachable!("there are three") };
    assert_eq!(one.heads(), two.heads());
    assert_eq!(two.heads(), three.heads());
    assert_eq!(agreed(one), agreed(two));
    assert_eq!(agreed(two), agreed(three));
    assert!(one.len() <= written.len());
});
