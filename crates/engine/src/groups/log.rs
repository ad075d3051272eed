//! The log of one group: takes operations in any order, checks them once, says what is missing, and what they come to.
//!
//! ```text
//!            parents unknown            parents known
//!  insert ───▶ waiting (bounded) ───▶ checked ──▶ in the log, for good; its own verdict never changes
//!                                        ├──────▶ refused, and with it whatever follows it
//!                                        └──────▶ beyond a share: turned away until a member of another family follows it
//! ```
//!
//! Whether an operation is refused depends on itself and its past alone, so every replica refuses the same ones. Only
//! that a share or the log is full depends on what came first.

use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_crypto::identity::DeviceSecret;
use kith_crypto::identity::SignedDeviceList;
use kith_crypto::operation;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::group::Add;
use kith_proto::group::Kind;
use kith_proto::group::MAX_PARENTS;
use kith_proto::group::Operation;
use kith_proto::group::Role;
use kith_proto::group::Via;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::OperationId;
use kith_proto::time::Timestamp;

use super::authority::Denial;
use super::authority::Standing;
use super::authority::View;
use super::bits::Bits;
use super::node::Found;
use super::node::Index;
use super::node::ListRank;
use super::node::Node;
use super::node::Nodes;
use super::node::counts;
use super::resolve;
use super::resolve::Decisions;
use super::resolve::Void;
use super::roster;
use super::roster::Roster;
use super::shares::Claim;
use super::shares::Shares;
use super::shares::Wanted;
use super::waiting::Waiting;

/// How many refused ids are remembered, so that what follows them is not asked for; as many that were beyond a share.
const MAX_REFUSED: usize = 1_024;

/// Among so many operations that wait for one that is beyond its author's share, somebody is looked for who counts.
const MAX_ASKED: usize = 64;

/// How many branches' decisions are kept at hand. A branch that grows needs one, and so does one from which many begin.
const BRANCHES: usize = 16;

/// What became of an operation that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is in the log, with others that had waited for it, each after those that it follows.
    New(Vec<OperationId>),
    /// It was there already, or waits already.
    Known,
    /// It waits for others; see [`Log::missing`].
    Waiting,
}

/// Why an operation was not taken. None of these is the caller's fault; whoever sent it is to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It belongs to another group.
    #[error("the operation belongs to another group")]
    OtherGroup,
    /// It should create a group and does not, or creates one within another.
    #[error("the operation does not create this group")]
    NoCreation,
    /// One of its parents follows another, or its sequence does not continue its device's.
    #[error("the operation does not continue what it follows")]
    Misplaced,
    /// It follows something that was refused.
    #[error("the operation follows one that was refused")]
    Orphan,
    /// A signature does not hold.
    #[error("a signature of the operation does not hold")]
    Forged,
    /// The device is not one of the author's, as far as the operation had seen.
    #[error("the device may not speak for the author")]
    UnknownDevice,
    /// The author was no member, as far as the operation had seen.
    #[error("the author was no member")]
    NotMember,
    /// The group has as many operations as it may have, or its author's share is used up.
    #[error("the group has reached a limit of operations")]
    Full,
}

/// The log of one group.
pub struct Log {
    group: GroupId,
    nodes: Nodes,
    heads: BTreeSet<OperationId>,
    shares: Shares,
    waiting: Waiting,
    refused: VecDeque<OperationId>,
    /// What was beyond somebody's share. It may still be taken when somebody else follows it.
    turned_away: VecDeque<OperationId>,
    decisions: Decisions,
    roster: Roster,
    /// Whether `decisions` and `roster` are behind.
    stale: bool,
    /// What was decided in branches, by all that is in them.
    branches: VecDeque<(Bits, Bits)>,
}

/// An operation that was checked, with what was found out on the way.
struct Checked {
    past: Bits,
    generation: u32,
    parents: Vec<Index>,
    list: Option<(AccountId, ListRank, Box<SignedDeviceList>)>,
    counted_by: ListRank,
}

/// Whether others may follow an operation. What was denied in its own past is denied everywhere, and a dead end; only a kind
/// that this version does not know may mean something to others.
fn is_followed(verdict: Result<Standing, Denial>) -> bool {
    !verdict.is_err_and(|denial| denial != Denial::UnknownKind)
}

/// Whether signatures must be checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// It comes from outside.
    Nobody,
    /// It was checked before it was stored.
    OwnDisk,
}

impl Log {
    /// A new group's log, from the operation that creates it.
    ///
    /// # Errors
    /// When it does not create a group or is not signed by a device of its author.
    pub fn new(create: Operation) -> Result<Self, Refused> {
        Self::begin(create, Trust::Nobody)
    }

    /// A log from operations that were in one before and were kept by the caller, in the order of [`Log::operations`]. Their
    /// signatures are not checked again. What does not fit is left out.
    ///
    /// # Errors
    /// When the first does not create a group.
    pub fn restore(operations: impl IntoIterator<Item = Operation>) -> Result<Self, Refused> {
        let mut operations = operations.into_iter();
        let mut log = Self::begin(operations.next().ok_or(Refused::NoCreation)?, Trust::OwnDisk)?;
        for operation in operations {
            _ = log.take(operation, Trust::OwnDisk);
        }
        Ok(log)
    }

    pub(super) fn begin(create: Operation, trust: Trust) -> Result<Self, Refused> {
        if !matches!(create.kind, Kind::Create(_)) || create.sequence != 1 {
            return Err(Refused::NoCreation);
        }
        let mut log = Self {
            group: create.group_id(),
            nodes: Nodes::default(),
            heads: BTreeSet::new(),
            shares: Shares::default(),
            waiting: Waiting::default(),
            refused: VecDeque::new(),
            turned_away: VecDeque::new(),
            decisions: Decisions::default(),
            roster: Roster::default(),
            stale: true,
            branches: VecDeque::new(),
        };
        let id = create.id();
        let checked = log.check(&create, trust)?;
        let first = Standing { role: Role::Owner, since: 0, by: id };
        log.admit((id, create), checked, (Ok(first), Found::default()));
        Ok(log)
    }

    /// Takes an operation.
    ///
    /// # Errors
    /// When it can never be in this log.
    pub fn insert(&mut self, operation: Operation) -> Result<Inserted, Refused> {
        self.take(operation, Trust::Nobody)
    }

    /// What the operations come to. Computed when it is asked for, and only what changed.
    pub fn roster(&mut self) -> &Roster {
        self.refresh();
        &self.roster
    }

    /// Whether an account may do something now.
    ///
    /// # Errors
    /// Says why not.
    pub fn allows(&mut self, account: &AccountId, kind: &Kind) -> Result<(), Denial> {
        self.refresh();
        let person = self.nodes.person(account).ok_or(Denial::NotMember)?;
        let view = View::new(&self.nodes, None, &self.decisions.void);
        match kind {
            // It stands for nothing, and is followed all the same.
            Kind::Merge => view.standing(person).map(|_| ()).ok_or(Denial::NotMember),
            _ => view.judge(person, kind, true).map(|_| ()),
        }
    }

    /// Writes and signs an operation that follows all that is known. It is not in the log until it is inserted.
    ///
    /// # Errors
    /// When the author may not do that; says why.
    pub fn draft(
        &mut self,
        (account, device): (&AccountId, &DeviceSecret),
        time: Timestamp,
        kind: Kind,
    ) -> Result<Operation, Denial> {
        self.allows(account, &kind)?;
        if let Kind::Devices { account: whose, devices } = &kind {
            let rank = SignedDeviceList::from_bytes(devices).map_err(|_| Denial::OldList)?;
            let known = self.nodes.person(whose).and_then(|person| self.nodes.newest_list(person, None));
            if known.is_some_and(|(_, known)| known >= ListRank::of(&rank)) {
                return Err(Denial::OldList);
            }
        }
        let id = device.id();
        let parents = self.parents_for(account, &id);
        let past = self.past_of(parents.iter().filter_map(|parent| self.nodes.find(parent)));
        let mut operation = Operation {
            group: self.group,
            author: *account,
            device: id,
            sequence: self.nodes.highest_sequence(account, &id, &past) + 1,
            parents,
            time,
            kind,
            signature: [0; 64],
        };
        operation::sign_operation(device, &mut operation);
        Ok(operation)
    }

    /// The group.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// How many operations are in the log.
    pub fn len(&self) -> usize {
        self.nodes.len() as usize
    }

    /// Never: a log begins with an operation.
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 0
    }

    /// How many operations wait for others.
    pub fn waiting(&self) -> usize {
        self.waiting.by_id.len()
    }

    /// Whether an operation is in the log.
    pub fn contains(&self, id: &OperationId) -> bool {
        self.nodes.find(id).is_some()
    }

    /// Whether it is known what is to be thought of an operation: it is here, or was not taken.
    pub fn knows(&self, id: &OperationId) -> bool {
        self.contains(id) || self.refused.contains(id) || self.turned_away.contains(id)
    }

    /// An operation in the log.
    pub fn operation(&self, id: &OperationId) -> Option<&Operation> {
        self.nodes.find(id).map(|index| &self.nodes.get(index).operation)
    }

    /// All operations, each after those that it follows.
    pub fn operations(&self) -> impl DoubleEndedIterator<Item = (OperationId, &Operation)> {
        self.nodes.iter().map(|node| (node.id, &node.operation))
    }

    /// The operations that no other follows, ascending. Two logs with the same heads are the same.
    pub fn heads(&self) -> Vec<OperationId> {
        self.heads.iter().copied().collect()
    }

    /// The same, those first that came last.
    pub fn heads_by_age(&self) -> Vec<OperationId> {
        let mut heads: Vec<(Index, OperationId)> =
            self.heads.iter().filter_map(|id| Some((self.nodes.find(id)?, *id))).collect();
        heads.sort_unstable_by(|one, other| other.cmp(one));
        heads.into_iter().map(|(_, id)| id).collect()
    }

    /// What waiting operations wait for, ascending.
    pub fn missing(&self) -> Vec<OperationId> {
        let wanted = self.waiting.for_parent.keys();
        wanted.filter(|id| !self.waiting.by_id.contains_key(*id)).copied().collect()
    }

    /// What somebody with these heads does not have, each after those that it follows. Unknown heads say nothing. What was
    /// denied is told to nobody.
    pub fn since<'a>(
        &'a self,
        heads: &[OperationId],
    ) -> impl Iterator<Item = (OperationId, &'a Operation)> + use<'a> {
        let known = self.past_of(heads.iter().filter_map(|id| self.nodes.find(id)));
        let told = |index: &Index| is_followed(self.nodes.get(*index).verdict);
        let missing = known.absent(self.nodes.len()).filter(told).collect::<Vec<_>>();
        missing.into_iter().map(|index| self.nodes.get(index)).map(|node| (node.id, &node.operation))
    }

    /// What somebody who is no member any more is told: how their membership ended, and what led to that.
    pub fn until_end_of(&mut self, account: &AccountId) -> Vec<Operation> {
        self.refresh();
        let Some(person) = self.nodes.person(account) else { return Vec::new() };
        let of = |index: &Index| {
            let node = self.nodes.get(*index);
            let theirs = node.target.unwrap_or(node.author) == person;
            theirs && node.ends() && !self.decisions.void.has(*index)
        };
        let ends: Vec<Index> = self.nodes.account(person).about.iter().copied().filter(of).collect();
        let told = self.past_of(ends.into_iter());
        told.iter().map(|index| self.nodes.get(index).operation.clone()).collect()
    }

    /// Everybody who ever had a role that ever might write. Grows with the log, so that it does not matter what came first.
    pub fn ever_writers(&self) -> BTreeSet<AccountId> {
        let allowed = || self.nodes.iter().filter(|node| node.verdict.is_ok());
        let least = allowed().filter_map(|node| match node.kind() {
            Kind::Create(create) => Some(create.policy.post),
            Kind::Policy(policy) => Some(policy.post),
            _ => None,
        });
        let Some(least) = least.min() else { return BTreeSet::new() };
        let given = allowed().filter(|node| node.gives().is_some_and(|role| role >= least));
        given.map(|node| self.nodes.account(node.target.unwrap_or(node.author)).account).collect()
    }

    /// Whether one operation follows another, directly or not; `None` when either is not here.
    pub fn follows(&self, later: &OperationId, earlier: &OperationId) -> Option<bool> {
        let later = self.nodes.get(self.nodes.find(later)?);
        Some(later.past.has(self.nodes.find(earlier)?))
    }

    /// The newest device list of an account in the log.
    pub fn device_list(&self, account: &AccountId) -> Option<&SignedDeviceList> {
        let (index, _) = self.nodes.newest_list(self.nodes.person(account)?, None)?;
        self.nodes.get(index).list.as_ref().map(|(.., list)| &**list)
    }

    /// About how many bytes of memory the log takes.
    pub fn memory(&self) -> usize {
        let branches = self.branches.iter().map(|(one, other)| one.bytes() + other.bytes());
        self.nodes.bytes() + branches.sum::<usize>() + self.waiting.bytes()
    }

    pub(super) fn take(&mut self, operation: Operation, trust: Trust) -> Result<Inserted, Refused> {
        if matches!(operation.kind, Kind::Create(_)) {
            let known = operation.group_id() == self.group;
            return if known { Ok(Inserted::Known) } else { Err(Refused::NoCreation) };
        }
        if operation.group != self.group {
            return Err(Refused::OtherGroup);
        }
        let id = operation.id();
        if self.contains(&id) || self.waiting.by_id.contains_key(&id) {
            return Ok(Inserted::Known);
        }
        if self.refused.contains(&id) || operation.parents.iter().any(|parent| self.refused.contains(parent))
        {
            self.refuse(id);
            return Err(Refused::Orphan);
        }
        if operation.parents.iter().any(|parent| !self.contains(parent)) {
            self.waiting.add(id, operation, |parent| self.nodes.find(parent).is_some());
            return Ok(Inserted::Waiting);
        }
        self.integrate(id, operation, trust)?;
        let mut new = vec![id];
        self.take_followers(id, trust, &mut new);
        Ok(Inserted::New(new))
    }

    /// Takes what waited for an operation, and what waited for that.
    fn take_followers(&mut self, id: OperationId, trust: Trust, new: &mut Vec<OperationId>) {
        let mut ready = VecDeque::from([id]);
        while let Some(parent) = ready.pop_front() {
            for id in self.waiting.for_parent.remove(&parent).unwrap_or_default() {
                let complete =
                    |operation: &Operation| operation.parents.iter().all(|parent| self.contains(parent));
                if !self.waiting.by_id.get(&id).is_some_and(complete) {
                    continue;
                }
                let Some(operation) = self.waiting.remove(&id) else { continue };
                if self.integrate(id, operation, trust).is_ok() {
                    new.push(id);
                    ready.push_back(id);
                }
            }
        }
    }

    /// Puts an operation whose parents are here into the log, or refuses it.
    fn integrate(&mut self, id: OperationId, operation: Operation, trust: Trust) -> Result<(), Refused> {
        let done = self.try_to_admit(id, operation, trust);
        match done {
            Ok(()) => {}
            Err(Refused::Full) => self.turn_away(id),
            Err(_) => self.refuse(id),
        }
        done
    }

    fn try_to_admit(&mut self, id: OperationId, operation: Operation, trust: Trust) -> Result<(), Refused> {
        let wanted = self.wanted(&id, &operation.author);
        // Before anything that costs: of these, somebody may send any number.
        if trust == Trust::Nobody && wanted == Wanted::Nobody && self.has_many_twins(&operation) {
            return Err(Refused::Full);
        }
        let checked = self.check(&operation, trust)?;
        let judged = self.judge(&operation, &checked)?;
        let claim = self.claim(&operation, &checked, judged.0);
        if trust == Trust::Nobody && !self.shares.has_room(&claim, self.len(), wanted) {
            return Err(Refused::Full);
        }
        self.admit((id, operation), checked, judged);
        Ok(())
    }

    fn has_many_twins(&self, operation: &Operation) -> bool {
        let device = self.nodes.device(&operation.author, &operation.device);
        device.is_some_and(|device| self.shares.has_too_many(device, operation.sequence))
    }

    fn claim<'o>(
        &self,
        operation: &'o Operation,
        checked: &Checked,
        verdict: Result<Standing, Denial>,
    ) -> Claim<'o> {
        let newer = checked.list.as_ref().filter(|_| matches!(operation.kind, Kind::Devices { .. }));
        let revokes = newer.is_some_and(|(whose, _, newer)| {
            let known =
                self.nodes.person(whose).and_then(|of| self.nodes.newest_list(of, Some(&checked.past)));
            let known = known.and_then(|(index, _)| self.nodes.get(index).list.as_ref());
            known.is_some_and(|(.., known)| {
                let mut devices = known.list.devices.iter().map(|entry| entry.device);
                devices.any(|device| counts(known, &device) && !counts(newer, &device))
            })
        });
        Claim { author: self.nodes.person(&operation.author), kind: &operation.kind, verdict, revokes }
    }

    /// Whether somebody who counts follows an operation, among those that wait for it: then it must be taken, so that
    /// everybody ends with the same.
    fn wanted(&mut self, id: &OperationId, author: &AccountId) -> Wanted {
        let mut wanted = Wanted::Nobody;
        if !self.waiting.for_parent.contains_key(id) {
            return wanted;
        }
        self.refresh();
        let Some(author) = self.nodes.person(author) else { return wanted };
        let (mut open, mut seen) = (vec![*id], BTreeSet::new());
        while let Some(parent) = open.pop() {
            for child in self.waiting.for_parent.get(&parent).into_iter().flatten() {
                if seen.len() >= MAX_ASKED {
                    return wanted;
                }
                let Some(operation) = self.waiting.by_id.get(child).filter(|_| seen.insert(*child)) else {
                    continue;
                };
                open.push(*child);
                let (who, device) = (&operation.author, &operation.device);
                let Some(role) = self.roster.role(who).filter(|_| self.roster.has_device(who, device)) else {
                    continue;
                };
                let person = self.nodes.person(who);
                let is_other = person.is_some_and(|person| self.shares.are_strangers(person, author));
                let by = if role >= Role::Moderator { Wanted::Moderator } else { Wanted::Member };
                if is_other && by > wanted && operation::verify_operation(operation) {
                    wanted = by;
                }
            }
        }
        wanted
    }

    /// Remembers what was beyond a share, and lets go of whatever waits for it, as nobody who counts does.
    fn turn_away(&mut self, id: OperationId) {
        self.let_go(id);
        if !self.turned_away.contains(&id) {
            self.turned_away.push_back(id);
        }
        while self.turned_away.len() > MAX_REFUSED {
            self.turned_away.pop_front();
        }
    }

    /// Drops an operation and what follows it from those that wait. Returns all of them.
    fn let_go(&mut self, id: OperationId) -> Vec<OperationId> {
        let (mut open, mut gone) = (vec![id], Vec::new());
        while let Some(id) = open.pop() {
            self.waiting.remove(&id);
            open.extend(self.waiting.for_parent.remove(&id).unwrap_or_default());
            gone.push(id);
        }
        gone
    }

    /// Remembers a refusal, and lets go of whatever waits for it.
    fn refuse(&mut self, id: OperationId) {
        for id in self.let_go(id) {
            if !self.refused.contains(&id) {
                self.refused.push_back(id);
            }
        }
        while self.refused.len() > MAX_REFUSED {
            self.refused.pop_front();
        }
    }

    /// Whether it continues what it follows and is signed by a device of its author.
    fn check(&self, operation: &Operation, trust: Trust) -> Result<Checked, Refused> {
        let parents: Vec<Index> = operation.parents.iter().filter_map(|id| self.nodes.find(id)).collect();
        // Nobody who knows the rules follows what they deny, so it need not be passed on.
        if parents.iter().any(|parent| !is_followed(self.nodes.get(*parent).verdict)) {
            return Err(Refused::Orphan);
        }
        let past = self.past_of(parents.iter().copied());
        if parents.iter().any(|parent| parents.iter().any(|other| self.nodes.get(*other).past.has(*parent))) {
            return Err(Refused::Misplaced);
        }
        let before = self.nodes.highest_sequence(&operation.author, &operation.device, &past);
        if before.checked_add(1) != Some(operation.sequence) {
            return Err(Refused::Misplaced);
        }
        let list = self.check_list(operation, trust)?;
        let counted_by = self.check_device(operation, &past, list.as_ref())?;
        if trust == Trust::Nobody
            && !(operation::verify_operation(operation) && self.holds_link(operation, &past, list.as_ref()))
        {
            return Err(Refused::Forged);
        }
        let generation =
            parents.iter().map(|parent| self.nodes.get(*parent).generation + 1).max().unwrap_or(0);
        Ok(Checked { past, generation, parents, list, counted_by })
    }

    /// The list that it carries, if that is signed.
    fn check_list(
        &self,
        operation: &Operation,
        trust: Trust,
    ) -> Result<Option<(AccountId, ListRank, Box<SignedDeviceList>)>, Refused> {
        let Some((account, bytes)) = operation.devices() else { return Ok(None) };
        let list = SignedDeviceList::from_bytes(bytes).map_err(|_| Refused::Forged)?;
        let rank = ListRank::of(&list);
        let known = self.nodes.person(&account).is_some_and(|person| {
            let lists = self.nodes.account(person).lists.iter();
            lists
                .rev()
                .filter_map(|index| self.nodes.get(*index).list.as_ref())
                .any(|(.., known)| **known == list)
        });
        if trust == Trust::Nobody && !known {
            list.verify(&account).map_err(|_| Refused::Forged)?;
        }
        Ok(Some((account, rank, Box::new(list))))
    }

    /// By which list of the author the device counts: the newest in the past, or the one that it brings for itself.
    fn check_device(
        &self,
        operation: &Operation,
        past: &Bits,
        list: Option<&(AccountId, ListRank, Box<SignedDeviceList>)>,
    ) -> Result<ListRank, Refused> {
        // A list about somebody else says nothing of this device.
        let own = operation.devices().is_some_and(|(whose, _)| whose == operation.author);
        let brought =
            list.filter(|_| own && matches!(operation.kind, Kind::Create(_) | Kind::Devices { .. }));
        if let Some((_, rank, list)) = brought {
            return if counts(list, &operation.device) { Ok(*rank) } else { Err(Refused::UnknownDevice) };
        }
        let person = self.nodes.person(&operation.author).ok_or(Refused::NotMember)?;
        let (index, rank) = self.nodes.newest_list(person, Some(past)).ok_or(Refused::NotMember)?;
        let known = self.nodes.get(index).list.as_ref();
        let counts = known.is_some_and(|(.., list)| counts(list, &operation.device));
        if counts { Ok(rank) } else { Err(Refused::UnknownDevice) }
    }

    /// Whether somebody who comes by a link proved to hold it. A link that is not in the past is denied later.
    fn holds_link(
        &self,
        operation: &Operation,
        past: &Bits,
        list: Option<&(AccountId, ListRank, Box<SignedDeviceList>)>,
    ) -> bool {
        let (Kind::Add(add), Some((_, _, list))) = (&operation.kind, list) else { return true };
        let Via::Link { link, proof } = &add.via else { return true };
        let made = self.nodes.links.get(link).and_then(|uses| uses.made.iter().find(|made| past.has(**made)));
        match made.map(|made| self.nodes.get(*made).kind()) {
            Some(Kind::Link(link)) => {
                operation::verify_link_proof(&link.key, &self.group, (&add.account, &list.hash()), proof)
            }
            _ => true,
        }
    }

    /// What the operation's own past says of it. Whoever was no member there has no place in the log.
    fn judge(
        &mut self,
        operation: &Operation,
        checked: &Checked,
    ) -> Result<(Result<Standing, Denial>, Found), Refused> {
        let author = self.nodes.person(&operation.author).ok_or(Refused::NotMember)?;
        let void = self.void_in(&checked.past);
        let view = View::new(&self.nodes, Some(&checked.past), &void);
        let verdict = view.judge(author, &operation.kind, true);
        if verdict == Err(Denial::NotMember) {
            return Err(Refused::NotMember);
        }
        let old = || {
            let (whose, rank, _) = checked.list.as_ref()?;
            let person = self.nodes.person(whose)?;
            let (_, known) = self.nodes.newest_list(person, Some(&checked.past))?;
            Some(known >= *rank)
        };
        if verdict.is_ok() && matches!(operation.kind, Kind::Devices { .. }) && old() == Some(true) {
            return Ok((Err(Denial::OldList), Found::default()));
        }
        let mut found = Found::default();
        match &operation.kind {
            Kind::Role { account, role } => {
                let before = self.nodes.person(account).and_then(|target| view.standing(target));
                found.demotes = before.is_some_and(|before| *role < before.role);
            }
            Kind::Policy(_) => found.before = Some(view.policy()),
            Kind::Add(Add { account, via: Via::Link { link, .. }, .. }) => {
                found.decided = view.is_decided(link, account);
            }
            _ => {}
        }
        Ok((verdict, found))
    }

    /// What is void in a part of the log that is closed under *follows*.
    fn void_in(&mut self, scope: &Bits) -> Bits {
        if scope.count() == self.len() {
            self.refresh();
            return self.decisions.void.clone();
        }
        if !self.stale && !self.is_reached_from_outside(scope) {
            return self.decisions.void.clone();
        }
        if let Some(at) = self.branches.iter().position(|(branch, _)| branch.equals(scope))
            && let Some((branch, void)) = self.branches.remove(at)
        {
            self.remember_branch(branch, void.clone());
            return void;
        }
        let decided = resolve::decide(&self.nodes, Some(scope)).void;
        self.remember_branch(scope.clone(), decided.clone());
        decided
    }

    fn remember_branch(&mut self, scope: Bits, void: Bits) {
        self.branches.push_front((scope, void));
        self.branches.truncate(BRANCHES);
    }

    /// Puts a checked operation into the log and keeps what was decided if it can.
    fn admit(
        &mut self,
        (id, operation): (OperationId, Operation),
        checked: Checked,
        (verdict, found): (Result<Standing, Denial>, Found),
    ) {
        let revokes = self.claim(&operation, &checked, verdict).revokes;
        let author = self.nodes.enrol(&operation.author);
        let device = self.nodes.enrol_device(author, &operation.device);
        let target = operation.kind.target().map(|target| self.nodes.enrol(&target));
        // What was denied is told to nobody, so nothing may follow from it.
        let list = checked.list.filter(|_| is_followed(verdict));
        let list = list.map(|(account, rank, list)| (self.nodes.enrol(&account), rank, list));
        if is_followed(verdict) {
            for parent in operation.parents.iter() {
                self.heads.remove(parent);
            }
            self.heads.insert(id);
        }
        let alone = checked.past.count() == self.len();
        // The branch itself stays at hand: others may begin there too.
        let closed_in = self.branches.iter().find(|(branch, _)| branch.equals(&checked.past)).cloned();
        let index = self.nodes.push(Node {
            id,
            operation,
            author,
            target,
            device,
            parents: checked.parents,
            past: checked.past,
            generation: checked.generation,
            list,
            counted_by: checked.counted_by,
            verdict,
            found,
        });
        let node = self.nodes.get(index);
        let claim = Claim { author: Some(author), kind: node.kind(), verdict, revokes };
        self.shares.count(node, &claim, self.nodes.len() as usize);
        if let Some((mut branch, mut void)) = closed_in {
            branch.set(index);
            if verdict.is_err() {
                void.set(index);
            }
            self.remember_branch(branch, void);
        }
        self.keep_decisions(index, alone);
    }

    /// Carries decisions on over an operation that changes none, or leaves them to be made anew.
    fn keep_decisions(&mut self, index: Index, alone: bool) {
        if self.stale {
            return;
        }
        let node = self.nodes.get(index);
        let quiet = || self.nodes.is_unrelated(index) && !self.is_reached_from_outside(&node.past);
        if !alone && !quiet() {
            self.stale = true;
            return;
        }
        if node.verdict.is_err() {
            self.decisions.void.set(index);
        }
        self.stale = !roster::update(&mut self.roster, &self.nodes, &self.decisions.void, index);
    }

    /// Whether what is decided about `scope` may depend on what is outside of it.
    fn is_reached_from_outside(&self, scope: &Bits) -> bool {
        let used_up = |(index, why): (&Index, &Void)| *why == Void::LinkUsedUp && scope.has(*index);
        self.nodes.reach_from_outside(scope) || self.decisions.why.iter().any(used_up)
    }

    fn refresh(&mut self) {
        if self.stale {
            self.decisions = resolve::decide(&self.nodes, None);
            self.roster = roster::build(&self.nodes, &self.decisions);
            self.stale = false;
        }
    }

    /// These operations and all that they follow.
    fn past_of(&self, indices: impl Iterator<Item = Index>) -> Bits {
        let mut past = Bits::default();
        for index in indices {
            past.unite(&self.nodes.get(index).past);
            past.set(index);
        }
        past
    }

    /// What an operation by this device follows: the heads. If there are too many, those that hold its own come first,
    /// then the longest branches.
    fn parents_for(&self, account: &AccountId, device: &DeviceId) -> BoundedVec<OperationId, MAX_PARENTS> {
        let mut heads: Vec<(bool, u32, OperationId)> = Vec::new();
        for id in &self.heads {
            let Some(index) = self.nodes.find(id) else { continue };
            let head = self.past_of([index].into_iter());
            let own = self.nodes.highest_sequence(account, device, &head) > 0;
            heads.push((own, self.nodes.get(index).generation, *id));
        }
        heads.sort_unstable_by(|one, other| other.cmp(one));
        heads.truncate(MAX_PARENTS);
        let mut parents: Vec<OperationId> = heads.into_iter().map(|(.., id)| id).collect();
        parents.sort_unstable();
        BoundedVec::truncated(parents)
    }
}
