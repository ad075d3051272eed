//! Ann, Bob and others with real keys, and a book in which they write operations wherever they like.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceList;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::identity::SignedDeviceList;
use kith_crypto::operation;
use kith_crypto::operation::LinkSecret;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::frame::DeviceListBytes;
use kith_proto::group::Add;
use kith_proto::group::Create;
use kith_proto::group::Kind;
use kith_proto::group::Link;
use kith_proto::group::Operation;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::group::Via;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::id::OperationId;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::groups::Log;
use crate::groups::Roster;

/// Somebody with two devices.
pub(super) struct Person {
    pub(super) account: AccountSecret,
    pub(super) devices: Vec<DeviceSecret>,
}

impl Person {
    pub(super) fn id(&self) -> AccountId {
        self.account.id()
    }

    /// Both devices.
    pub(super) fn list(&self) -> SignedDeviceList {
        self.list_of(1, &[0, 1])
    }

    /// A list with these devices; the others are revoked.
    pub(super) fn list_of(&self, version: u32, used: &[usize]) -> SignedDeviceList {
        let account = self.id();
        let devices = used.iter().map(|at| self.devices[*at].entry(&account)).collect();
        let revoked = (0..2).filter(|at| !used.contains(at)).map(|at| self.devices[at].id()).collect();
        self.account.sign_list(DeviceList {
            account,
            version,
            devices: BoundedVec::truncated(devices),
            revoked: BoundedVec::truncated(revoked),
        })
    }
}

pub(super) fn bytes(list: &SignedDeviceList) -> DeviceListBytes {
    BoundedBytes::new(list.to_bytes()).unwrap()
}

/// Somebody by number; always the same.
pub(super) fn person(number: usize) -> &'static Person {
    static PEOPLE: OnceLock<Vec<Person>> = OnceLock::new();
    let make = |number| {
        let mut rng = ChaCha20Rng::from_seed([number; 32]);
        let account = AccountSecret::generate(&mut rng);
        Person { account, devices: (0..2).map(|_| DeviceSecret::generate(&mut rng)).collect() }
    };
    &PEOPLE.get_or_init(|| (1..=8).map(make).collect())[number]
}

pub(super) fn link_secret(number: u8) -> LinkSecret {
    LinkSecret::from_seed([number; 32])
}

pub(super) const ANN: usize = 0;
pub(super) const BOB: usize = 1;
pub(super) const CAT: usize = 2;
pub(super) const DAN: usize = 3;
pub(super) const EVE: usize = 4;
pub(super) const FAY: usize = 5;

pub(super) fn id(who: usize) -> AccountId {
    person(who).id()
}

/// Operations as they are written, whether they are allowed or not.
#[derive(Clone)]
pub(super) struct Book {
    pub(super) operations: Vec<Operation>,
}

impl Book {
    /// Ann makes a group.
    pub(super) fn new(policy: Policy) -> Self {
        Self::salted(7, policy)
    }

    /// Ann makes one of many groups.
    pub(super) fn salted(salt: u8, policy: Policy) -> Self {
        let ann = person(ANN);
        let create = Create {
            name: BoundedStr::truncated("harbour"),
            policy,
            salt: [salt; 16],
            devices: bytes(&ann.list()),
            called: BoundedStr::default(),
        };
        let mut operation = Operation {
            group: GroupId([0; 32]),
            author: ann.id(),
            device: ann.devices[0].id(),
            sequence: 1,
            parents: BoundedVec::default(),
            time: Timestamp(1),
            kind: Kind::Create(create),
            signature: [0; 64],
        };
        operation::sign_operation(&ann.devices[0], &mut operation);
        Self { operations: vec![operation] }
    }

    /// Ann's group with these people.
    pub(super) fn with(people: &[(usize, Role)]) -> Self {
        let mut book = Self::new(Policy::default());
        for (who, role) in people {
            book.says(ANN, add(*who, *role));
        }
        book
    }

    pub(super) fn group(&self) -> GroupId {
        self.operations[0].group_id()
    }

    fn at(&self, id: &OperationId) -> &Operation {
        self.operations.iter().find(|operation| operation.id() == *id).unwrap()
    }

    /// These operations and all that they follow.
    pub(super) fn past(&self, of: &[OperationId]) -> BTreeSet<OperationId> {
        let (mut past, mut open) = (BTreeSet::new(), of.to_vec());
        while let Some(id) = open.pop() {
            if past.insert(id) {
                open.extend(self.at(&id).parents.iter());
            }
        }
        past
    }

    /// What nothing in a set is followed by.
    pub(super) fn heads_among(&self, of: &BTreeSet<OperationId>) -> Vec<OperationId> {
        let followed: BTreeSet<OperationId> =
            of.iter().flat_map(|id| self.at(id).parents.iter().copied().collect::<Vec<_>>()).collect();
        of.difference(&followed).copied().collect()
    }

    pub(super) fn heads(&self) -> Vec<OperationId> {
        self.heads_among(&self.operations.iter().map(Operation::id).collect())
    }

    pub(super) fn last(&self) -> OperationId {
        self.operations.last().unwrap().id()
    }

    /// Somebody's first device does something, having seen everything; nobody follows what was denied.
    pub(super) fn says(&mut self, who: usize, kind: Kind) -> OperationId {
        let heads = self.log().heads();
        self.after(&heads, who, kind)
    }

    /// Somebody's first device does something, having seen these and what they follow.
    pub(super) fn after(&mut self, seen: &[OperationId], who: usize, kind: Kind) -> OperationId {
        self.by_device(seen, (who, 0), kind)
    }

    /// As `after`, by another device.
    pub(super) fn by_device(
        &mut self,
        seen: &[OperationId],
        (who, device): (usize, usize),
        kind: Kind,
    ) -> OperationId {
        let past = self.past(seen);
        let author = person(who);
        let device = &author.devices[device];
        let own = past
            .iter()
            .map(|id| self.at(id))
            .filter(|operation| operation.device == device.id() && operation.author == author.id());
        let sequence = own.map(|operation| operation.sequence).max().unwrap_or(0) + 1;
        let mut parents = self.heads_among(&past);
        parents.sort_unstable();
        parents.truncate(16);
        let mut operation = Operation {
            group: self.group(),
            author: author.id(),
            device: device.id(),
            sequence,
            parents: BoundedVec::new(parents).unwrap(),
            time: Timestamp(self.operations.len() as u64),
            kind,
            signature: [0; 64],
        };
        operation::sign_operation(device, &mut operation);
        let id = operation.id();
        if !self.operations.contains(&operation) {
            self.operations.push(operation);
        }
        id
    }

    /// A log with everything, each checked as if it came from outside.
    pub(super) fn log(&self) -> Log {
        let mut log = Log::new(self.operations[0].clone()).unwrap();
        for operation in &self.operations {
            _ = log.insert(operation.clone());
        }
        log
    }

    /// What it comes to, in the order written and in the reverse.
    pub(super) fn roster(&self) -> Roster {
        let roster = self.log().roster().clone();
        let mut log = Log::new(self.operations[0].clone()).unwrap();
        for operation in self.operations.iter().rev() {
            _ = log.insert(operation.clone());
            log.roster();
        }
        assert_eq!(*log.roster(), roster, "the order must not matter");
        roster
    }
}

pub(super) fn add(who: usize, role: Role) -> Kind {
    let devices = bytes(&person(who).list());
    Kind::Add(Add { account: id(who), role, devices, called: Default::default(), via: Via::Invited })
}

pub(super) fn add_by_link(group: GroupId, who: usize, role: Role, secret: &LinkSecret) -> Kind {
    let list = person(who).list();
    let via = Via::Link { link: link(secret, role).id(), proof: secret.prove(&group, &list) };
    Kind::Add(Add { account: id(who), role, devices: bytes(&list), called: Default::default(), via })
}

pub(super) fn link(secret: &LinkSecret, role: Role) -> Link {
    let (key, seed) = (secret.public(), *secret.seed());
    Link { key, seed, role, expires: Timestamp::NEVER, uses: 0, approval: false, work: 0 }
}

pub(super) fn role(who: usize, role: Role) -> Kind {
    Kind::Role { account: id(who), role }
}

pub(super) fn remove(who: usize) -> Kind {
    Kind::Remove(id(who))
}

pub(super) fn named(name: &str) -> Kind {
    Kind::Profile(kith_proto::group::GroupProfile { name: BoundedStr::truncated(name), ..Default::default() })
}
