//! The operations of one log in the order in which they came, each after its parents, with what is looked up often.
//! An *index* is a place in that order; it differs from replica to replica and never decides anything.
//!
//! Here also: which operations concern each other although neither follows the other (*relations*). All of it depends on
//! the operations alone, not on what is decided about them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::identity::SignedDeviceList;
use kith_proto::group::Add;
use kith_proto::group::Kind;
use kith_proto::group::Operation;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::group::Via;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::LinkId;
use kith_proto::id::MessageId;
use kith_proto::id::OperationId;

use super::authority::Denial;
use super::authority::Standing;
use super::bits::Bits;

/// An operation's place in a log.
pub(super) type Index = u32;

/// An account's number in a log.
pub(super) type Person = u32;

/// Orders the lists of one account: the higher version is newer; of two with one version, that with the lower hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListRank(Option<(u32, std::cmp::Reverse<[u8; 32]>)>);

impl ListRank {
    pub(super) fn of(list: &SignedDeviceList) -> Self {
        Self(Some((list.list.version, std::cmp::Reverse(list.hash()))))
    }
}

/// An operation in a log.
pub(super) struct Node {
    pub(super) id: OperationId,
    pub(super) operation: Operation,
    pub(super) author: Person,
    pub(super) target: Option<Person>,
    pub(super) device: u32,
    pub(super) parents: Vec<Index>,
    /// All that it follows.
    pub(super) past: Bits,
    /// One more than the highest of its parents': what follows something has a higher one.
    pub(super) generation: u32,
    /// The list that it carries.
    pub(super) list: Option<(Person, ListRank, Box<SignedDeviceList>)>,
    /// By which list of its author its device counted.
    pub(super) counted_by: ListRank,
    /// What its author was in its own past, if it was allowed there.
    pub(super) verdict: Result<Standing, Denial>,
    pub(super) found: Found,
}

/// What an operation's own past says beside the verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Whether it takes rank from its target.
    pub(super) demotes: bool,
    /// Whether it lets somebody in by a link who waits for those who may invite, whatever the rules are.
    pub(super) decided: bool,
    /// The rules that it changes.
    pub(super) before: Option<Policy>,
}

impl Node {
    pub(super) fn kind(&self) -> &Kind {
        &self.operation.kind
    }

    /// Where it stands among operations that do not follow each other, lowest first.
    pub(super) fn place(&self) -> (u32, OperationId) {
        (self.generation, self.id)
    }

    /// Whose authority it ends or lowers.
    pub(super) fn overrules(&self) -> Option<Person> {
        match self.kind() {
            Kind::Remove(_) | Kind::Ban(_) => self.target,
            Kind::Role { .. } if self.found.demotes => self.target,
            Kind::Leave => Some(self.author),
            _ => None,
        }
    }

    /// Whether it ends a membership.
    pub(super) fn ends(&self) -> bool {
        matches!(self.kind(), Kind::Remove(_) | Kind::Ban(_) | Kind::Leave)
    }

    /// Whether nobody's authority is in it but the author's over itself.
    pub(super) fn concerns_itself_only(&self) -> bool {
        matches!(self.kind(), Kind::Leave | Kind::Devices { .. })
    }

    /// Whether it stays although its device contradicts itself: it rests on another's signature, or ends a membership. A device
    /// on which an old disk was put back must not undo a ban by what it does next.
    pub(super) fn survives_equivocation(&self) -> bool {
        self.concerns_itself_only() || self.link().is_some() || self.ends()
    }

    /// The link by which it lets somebody in.
    pub(super) fn link(&self) -> Option<LinkId> {
        match self.kind() {
            Kind::Add(Add { via: Via::Link { link, .. }, .. }) => Some(*link),
            _ => None,
        }
    }

    /// The role that it gives to its target, or the first owner's.
    pub(super) fn gives(&self) -> Option<Role> {
        match self.kind() {
            Kind::Create(_) => Some(Role::Owner),
            Kind::Add(add) => Some(add.role),
            Kind::Role { role, .. } => Some(*role),
            _ => None,
        }
    }

    /// Whether it voids `other` when neither follows the other.
    fn attacks(&self, other: &Self) -> bool {
        if self.verdict.is_err() || other.verdict.is_err() {
            return false;
        }
        // Nobody undoes what they did themselves, by leaving or stepping down as if it had been before.
        let victim = self.overrules().filter(|victim| *victim != self.author);
        if victim == Some(other.author) && !other.concerns_itself_only() {
            return true;
        }
        match (self.kind(), other.kind()) {
            (Kind::Policy(rules), _) => {
                self.found.before.is_some_and(|before| other.is_deprived(&before, rules))
            }
            (Kind::Remove(_) | Kind::Ban(_), Kind::Add(_)) => self.target == other.target,
            (Kind::RevokeLink(link), Kind::Add(_)) => other.link() == Some(*link),
            _ => false,
        }
    }

    /// The lowest role that may do this by some rules; `None` if every member may, or rules do not say it.
    fn least(&self, rules: &Policy) -> Option<Role> {
        match self.kind() {
            Kind::Add(Add { via: Via::Link { .. }, .. }) if !(self.found.decided || rules.approve_links) => {
                None
            }
            Kind::Add(_) | Kind::Link(_) => Some(rules.invite),
            Kind::Profile(_) => Some(rules.change_profile),
            Kind::Pin(_) | Kind::Unpin(_) => Some(rules.pin),
            _ => None,
        }
    }

    /// Whether its author may not do it any more by rules that are stricter about it than those before.
    fn is_deprived(&self, before: &Policy, rules: &Policy) -> bool {
        let least = self.least(rules);
        let too_low = self.verdict.is_ok_and(|standing| least > Some(standing.role));
        too_low && least > self.least(before)
    }

    /// Whether it carries a newer list of `other`'s author in which `other`'s device does not count.
    fn revokes(&self, other: &Self) -> bool {
        self.list.as_ref().is_some_and(|(whose, rank, list)| {
            *whose == other.author && *rank > other.counted_by && !counts(list, &other.operation.device)
        })
    }
}

/// Whether a device may speak for the account of a list.
pub(super) fn counts(list: &SignedDeviceList, device: &DeviceId) -> bool {
    list.list.devices.iter().any(|entry| entry.device == *device) && !list.list.revoked.contains(device)
}

/// What a log has about an account, as indices in ascending order.
pub(super) struct Account {
    pub(super) account: AccountId,
    /// What begins, ends or changes its membership.
    pub(super) about: Vec<Index>,
    /// Bans, and what lifts them.
    pub(super) bans: Vec<Index>,
    pub(super) mutes: Vec<Index>,
    pub(super) lists: Vec<Index>,
}

/// What a log has about a link.
#[derive(Default)]
pub(super) struct LinkUse {
    pub(super) made: Vec<Index>,
    pub(super) revoked: Vec<Index>,
    pub(super) adds: Vec<Index>,
}

/// All operations of a log, and where to find them.
#[derive(Default)]
pub(super) struct Nodes {
    all: Vec<Node>,
    by_id: BTreeMap<OperationId, Index>,
    people: Vec<Account>,
    person_of: BTreeMap<AccountId, Person>,
    device_of: BTreeMap<(Person, DeviceId), u32>,
    by_device: Vec<Vec<Index>>,
    /// Which devices made operations beside each other, allowed or not.
    forked: Bits,
    pub(super) policies: Vec<Index>,
    pub(super) profiles: Vec<Index>,
    pub(super) pins: BTreeMap<MessageId, Vec<Index>>,
    pub(super) deletions: Vec<Index>,
    pub(super) links: BTreeMap<LinkId, LinkUse>,
    /// Everybody who was ever made an owner.
    pub(super) owners: BTreeSet<Person>,
    /// Whether an owner may have ceased to be one.
    pub(super) owners_ended: bool,
    /// What was not allowed in its own past.
    pub(super) denied: Bits,
    pub(super) relations: Relations,
}

/// Which operations concern each other although neither follows the other, by the one that does something to others.
#[derive(Default)]
pub(super) struct Relations {
    /// What is void if the key stands.
    pub(super) attacks: BTreeMap<Index, Bits>,
    /// What the same device made.
    pub(super) twins: BTreeMap<Index, Bits>,
    /// What a revoked device made.
    pub(super) revokes: BTreeMap<Index, Bits>,
}

impl Relations {
    /// Whether an operation outside of `scope` does something to one in it.
    pub(super) fn reach_from_outside(&self, scope: &Bits) -> bool {
        [&self.attacks, &self.twins, &self.revokes]
            .into_iter()
            .any(|relation| relation.iter().any(|(from, to)| !scope.has(*from) && to.meets(scope)))
    }

    fn bytes(&self) -> usize {
        let relations = [&self.attacks, &self.twins, &self.revokes];
        relations.into_iter().flat_map(BTreeMap::values).map(|bits| bits.bytes() + 64).sum()
    }
}

impl Nodes {
    pub(super) fn len(&self) -> u32 {
        self.all.len() as u32
    }

    pub(super) fn get(&self, index: Index) -> &Node {
        self.all.get(index as usize).expect("indices come from this log")
    }

    pub(super) fn find(&self, id: &OperationId) -> Option<Index> {
        self.by_id.get(id).copied()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.all.iter()
    }

    pub(super) fn person(&self, account: &AccountId) -> Option<Person> {
        self.person_of.get(account).copied()
    }

    pub(super) fn account(&self, person: Person) -> &Account {
        self.people.get(person as usize).expect("people come from this log")
    }

    pub(super) fn people(&self) -> u32 {
        self.people.len() as u32
    }

    /// The number of an account, a new one if it has none.
    pub(super) fn enrol(&mut self, account: &AccountId) -> Person {
        if let Some(person) = self.person(account) {
            return person;
        }
        let person = self.people();
        let account = Account {
            account: *account,
            about: Vec::new(),
            bans: Vec::new(),
            mutes: Vec::new(),
            lists: Vec::new(),
        };
        self.person_of.insert(account.account, person);
        self.people.push(account);
        person
    }

    /// The number of a device of an account, a new one if it has none.
    pub(super) fn enrol_device(&mut self, person: Person, device: &DeviceId) -> u32 {
        let next = self.by_device.len() as u32;
        let number = *self.device_of.entry((person, *device)).or_insert(next);
        if number == next {
            self.by_device.push(Vec::new());
        }
        number
    }

    /// The number of a device of an account.
    pub(super) fn device(&self, account: &AccountId, device: &DeviceId) -> Option<u32> {
        self.device_of.get(&(self.person(account)?, *device)).copied()
    }

    /// The highest sequence of a device among the operations in `past`.
    pub(super) fn highest_sequence(&self, author: &AccountId, device: &DeviceId, past: &Bits) -> u64 {
        let Some(number) = self.device(author, device) else { return 0 };
        let made = self.by_device.get(number as usize);
        // Of a device that never contradicted itself, the last is the highest.
        let forked = self.forked.has(number);
        let mut highest = 0;
        for index in made.into_iter().flatten().rev() {
            if past.has(*index) {
                highest = highest.max(self.get(*index).operation.sequence);
                if !forked {
                    break;
                }
            }
        }
        highest
    }

    /// The newest list of an account among those that operations in `scope` carry, and which carries it.
    pub(super) fn newest_list(&self, person: Person, scope: Option<&Bits>) -> Option<(Index, ListRank)> {
        let carried = self.account(person).lists.iter();
        carried
            .filter(|index| scope.is_none_or(|scope| scope.has(**index)))
            .filter_map(|index| self.get(*index).list.as_ref().map(|(_, rank, _)| (*index, *rank)))
            .max_by_key(|(index, rank)| (*rank, std::cmp::Reverse(*index)))
    }

    /// Whether an operation outside of `scope` does something to one in it, or may.
    pub(super) fn reach_from_outside(&self, scope: &Bits) -> bool {
        self.relations.reach_from_outside(scope) || self.links.values().any(|uses| uses.made.len() > 1)
    }

    /// Whether nothing is done to an operation by one that it does not follow, nor the other way round.
    pub(super) fn is_unrelated(&self, index: Index) -> bool {
        let relations = [&self.relations.attacks, &self.relations.twins, &self.relations.revokes];
        let limited = |link| {
            let made = self.links.get(&link).map_or(&[][..], |uses| &uses.made);
            made.iter().any(|made| matches!(self.get(*made).kind(), Kind::Link(link) if link.uses > 0))
        };
        !self.get(index).link().is_some_and(limited)
            && !relations
                .iter()
                .any(|relation| relation.contains_key(&index) || relation.values().any(|to| to.has(index)))
    }

    /// Which devices made operations that contradict each other.
    pub(super) fn equivocators(&self) -> BTreeSet<(AccountId, DeviceId)> {
        let of = |index: &Index| {
            let operation = &self.get(*index).operation;
            (operation.author, operation.device)
        };
        self.relations.twins.keys().map(of).collect()
    }

    /// Takes an operation whose past is here. Returns its index.
    pub(super) fn push(&mut self, node: Node) -> Index {
        let index = self.len();
        if node.verdict.is_ok() {
            self.relate(index, &node);
        }
        self.file(index, &node);
        self.by_id.insert(node.id, index);
        self.all.push(node);
        index
    }

    fn relate(&mut self, index: Index, node: &Node) {
        for other in node.past.absent(index) {
            let there = self.get(other);
            if there.verdict.is_err() {
                continue;
            }
            let twins = there.device == node.device;
            let found = [
                (node.attacks(there), there.attacks(node)),
                (twins, twins),
                (node.revokes(there), there.revokes(node)),
            ];
            let relations = &mut self.relations;
            let maps = [&mut relations.attacks, &mut relations.twins, &mut relations.revokes];
            for (map, (to, from)) in maps.into_iter().zip(found) {
                if to {
                    map.entry(index).or_default().set(other);
                }
                if from {
                    map.entry(other).or_default().set(index);
                }
            }
        }
    }

    /// Puts an operation where it is looked for.
    fn file(&mut self, index: Index, node: &Node) {
        if node.verdict.is_err() {
            self.denied.set(index);
        }
        if let Some(made) = self.by_device.get_mut(node.device as usize) {
            if made.last().is_some_and(|last| !node.past.has(*last)) {
                self.forked.set(node.device);
            }
            made.push(index);
        }
        let subject = node.target.unwrap_or(node.author);
        let ends_owner = node.overrules().is_some_and(|victim| self.owners.contains(&victim));
        let gives_owner = node.gives() == Some(Role::Owner);
        let ended_before = gives_owner && {
            self.account(subject).about.iter().any(|at| self.get(*at).overrules().is_some())
        };
        let account = self.people.get_mut(subject as usize).expect("people are enrolled first");
        match node.kind() {
            Kind::Create(_) | Kind::Add(_) | Kind::Remove(_) | Kind::Leave | Kind::Role { .. } => {
                account.about.push(index);
            }
            Kind::Ban(_) => {
                account.about.push(index);
                account.bans.push(index);
            }
            Kind::Unban(_) => account.bans.push(index),
            Kind::Mute { .. } => account.mutes.push(index),
            Kind::Policy(_) => self.policies.push(index),
            Kind::Profile(_) => self.profiles.push(index),
            Kind::Link(link) => self.links.entry(link.id()).or_default().made.push(index),
            Kind::RevokeLink(link) => self.links.entry(*link).or_default().revoked.push(index),
            Kind::Pin(message) | Kind::Unpin(message) => self.pins.entry(*message).or_default().push(index),
            Kind::DeleteForAll(_) => self.deletions.push(index),
            Kind::Devices { .. } | Kind::Merge | Kind::Unknown { .. } => {}
        }
        if let Some((whose, ..)) = &node.list {
            let whose = self.people.get_mut(*whose as usize).expect("people are enrolled first");
            whose.lists.push(index);
        }
        if let Some(link) = node.link() {
            self.links.entry(link).or_default().adds.push(index);
        }
        if matches!(node.kind(), Kind::Create(_)) {
            self.policies.push(index);
            self.profiles.push(index);
        }
        if gives_owner {
            self.owners.insert(subject);
        }
        self.owners_ended |= ends_owner || ended_before;
    }

    /// About how many bytes of memory the log takes.
    pub(super) fn bytes(&self) -> usize {
        let node = |node: &Node| {
            let list = node.list.as_ref().map_or(0, |(.., list)| 160 * list.list.devices.len() + 160);
            let carried = node.operation.devices().map_or(0, |(_, list)| list.len());
            size_of::<Node>() + node.past.bytes() + list + carried + 4 * node.parents.len() + 160
        };
        self.all.iter().map(node).sum::<usize>() + 256 * self.people.len() + self.relations.bytes()
    }
}
