//! The rules once more, slowly and plainly, straight from `SPEC.md`: sets of ids, everything computed anew, nothing kept.
//! It shares no code with the real thing but the words for results.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::identity::SignedDeviceList;
use kith_proto::codec::Decode as _;
use kith_proto::group::Add;
use kith_proto::group::Kind;
use kith_proto::group::Link;
use kith_proto::group::Operation;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::group::Via;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::LinkId;
use kith_proto::id::MessageId;
use kith_proto::id::OperationId;

use crate::groups::Denial;
use crate::groups::Standing;
use crate::groups::Void;

type Set = BTreeSet<OperationId>;
type Pairs = Vec<(OperationId, OperationId)>;

/// Everything about one operation that does not change.
struct Entry {
    operation: Operation,
    past: Set,
    generation: u32,
    verdict: Result<Standing, Denial>,
    demotes: bool,
    /// Whether a link's guest waits for those who may invite, whatever the rules are.
    decided: bool,
    /// The rules that a Policy changes.
    before: Option<Policy>,
    counted_by: (u32, Reverse<[u8; 32]>),
}

/// What the log comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) members: BTreeMap<AccountId, (Standing, Vec<DeviceId>)>,
    pub(super) banned: BTreeSet<AccountId>,
    pub(super) links: BTreeSet<LinkId>,
    pub(super) policy: Policy,
    pub(super) pins: BTreeSet<MessageId>,
    pub(super) heir: Option<AccountId>,
    pub(super) void: BTreeMap<OperationId, Void>,
}

#[derive(Default)]
pub(super) struct Oracle {
    all: BTreeMap<OperationId, Entry>,
}

impl Oracle {
    /// Takes operations in an order in which each comes after its parents, and drops those that are refused.
    pub(super) fn new(operations: &[Operation]) -> Self {
        let mut oracle = Self::default();
        for operation in operations {
            oracle.take(operation.clone());
        }
        oracle
    }

    pub(super) fn ids(&self) -> Set {
        self.all.keys().copied().collect()
    }

    fn at(&self, id: &OperationId) -> &Entry {
        &self.all[id]
    }

    fn place(&self, id: &OperationId) -> (u32, OperationId) {
        (self.at(id).generation, *id)
    }

    /// Nothing follows from what was denied.
    fn list(&self, id: &OperationId) -> Option<(AccountId, SignedDeviceList)> {
        list_in(&self.at(id).operation).filter(|_| self.at(id).verdict.is_ok())
    }

    fn take(&mut self, operation: Operation) {
        let id = operation.id();
        if operation.parents.iter().any(|parent| !self.all.contains_key(parent)) {
            return;
        }
        let denied =
            |parent: &OperationId| self.at(parent).verdict.is_err_and(|denial| denial != Denial::UnknownKind);
        if operation.parents.iter().any(denied) {
            return;
        }
        let mut past: Set = operation.parents.iter().copied().collect();
        for parent in operation.parents.iter() {
            if operation.parents.iter().any(|other| self.at(other).past.contains(parent)) {
                return;
            }
            past.extend(self.at(parent).past.clone());
        }
        let generation = operation.parents.iter().map(|id| self.at(id).generation + 1).max().unwrap_or(0);
        let mut entry = Entry {
            operation,
            past,
            generation,
            verdict: Err(Denial::NotMember),
            demotes: false,
            decided: false,
            before: None,
            counted_by: (0, Reverse([0; 32])),
        };
        if matches!(entry.operation.kind, Kind::Create(_)) {
            entry.verdict = Ok(Standing { role: Role::Owner, since: 0, by: id });
            entry.counted_by = rank(&list_in(&entry.operation).unwrap().1);
            self.all.insert(id, entry);
            return;
        }
        let author = entry.operation.author;
        let known = self.newest(&author, &entry.past);
        let brought = list_in(&entry.operation)
            .filter(|(whose, _)| *whose == author && matches!(entry.operation.kind, Kind::Devices { .. }));
        let Some(by) = brought.map(|(_, list)| list).or_else(|| known.clone()) else { return };
        let made = entry.past.iter().map(|id| &self.at(id).operation);
        let made = made.filter(|other| other.author == author && other.device == entry.operation.device);
        let highest = made.map(|other| other.sequence).max().unwrap_or(0);
        if !counts(&by, &entry.operation.device) || entry.operation.sequence != highest + 1 {
            return;
        }
        entry.counted_by = rank(&by);
        let stand = self.standing_set(&entry.past);
        entry.verdict = self.judge(&author, &entry.operation.kind, &stand, Some(&entry.past));
        if entry.verdict == Err(Denial::NotMember) {
            return;
        }
        if let (Kind::Devices { account, .. }, Ok(_)) = (&entry.operation.kind, entry.verdict) {
            let known = self.newest(account, &entry.past);
            let told = list_in(&entry.operation).map(|(_, list)| rank(&list));
            if known.is_some_and(|known| told.is_some_and(|told| rank(&known) >= told)) {
                entry.verdict = Err(Denial::OldList);
            }
        }
        if let (Kind::Role { account, role }, Ok(_)) = (&entry.operation.kind, entry.verdict) {
            entry.demotes = self.standing(account, &stand).is_some_and(|is| *role < is.role);
        }
        match &entry.operation.kind {
            Kind::Policy(_) => entry.before = Some(self.policy(&stand)),
            Kind::Add(add) => {
                let approval = by_link(&entry.operation)
                    .and_then(|link| self.link(&link, &stand))
                    .is_some_and(|(link, _)| link.approval);
                entry.decided = approval || self.was_removed(&add.account, &stand);
            }
            _ => {}
        }
        self.all.insert(id, entry);
    }

    fn newest(&self, account: &AccountId, scope: &Set) -> Option<SignedDeviceList> {
        let lists = scope.iter().filter_map(|id| self.list(id)).filter(|(whose, _)| whose == account);
        lists.map(|(_, list)| list).max_by_key(rank)
    }

    fn standing_set(&self, scope: &Set) -> Set {
        let void = self.decide(scope);
        scope.iter().filter(|id| !void.contains_key(id)).copied().collect()
    }

    // What is said in a set of operations that stand.

    fn explicit(&self, account: &AccountId, stand: &Set) -> Option<Standing> {
        let about = |id: &&OperationId| {
            let operation = &self.at(id).operation;
            match &operation.kind {
                Kind::Create(_) | Kind::Leave => operation.author == *account,
                Kind::Add(_) | Kind::Remove(_) | Kind::Ban(_) | Kind::Role { .. } => {
                    operation.kind.target() == Some(*account)
                }
                _ => false,
            }
        };
        let about: Vec<&OperationId> = stand.iter().filter(about).collect();
        let kind = |id: &OperationId| &self.at(id).operation.kind;
        let ends: Vec<_> = about
            .iter()
            .filter(|id| matches!(kind(id), Kind::Remove(_) | Kind::Ban(_) | Kind::Leave))
            .collect();
        let gives: Set = about
            .iter()
            .filter(|id| matches!(kind(id), Kind::Create(_) | Kind::Add(_) | Kind::Role { .. }))
            .filter(|id| ends.iter().all(|end| self.at(id).past.contains(**end)))
            .map(|id| **id)
            .collect();
        let admission = gives
            .iter()
            .filter(|id| !matches!(kind(id), Kind::Role { .. }))
            .min_by_key(|id| self.place(id))?;
        let role = match kind(&self.last(&gives)?) {
            Kind::Create(_) => Role::Owner,
            Kind::Add(add) => add.role,
            Kind::Role { role, .. } => *role,
            _ => unreachable!("only these give a role"),
        };
        Some(Standing { role, since: self.at(admission).generation, by: *admission })
    }

    fn last(&self, among: &Set) -> Option<OperationId> {
        let unfollowed =
            among.iter().filter(|id| !among.iter().any(|other| self.at(other).past.contains(*id)));
        unfollowed.max_by_key(|id| (self.at(id).verdict.ok(), Reverse(**id))).copied()
    }

    fn people(&self) -> BTreeSet<AccountId> {
        let of = |entry: &Entry| [Some(entry.operation.author), entry.operation.kind.target()];
        self.all.values().flat_map(of).flatten().collect()
    }

    fn heir(&self, stand: &Set) -> Option<AccountId> {
        let members: Vec<(Standing, AccountId)> = self
            .people()
            .into_iter()
            .filter_map(|account| Some((self.explicit(&account, stand)?, account)))
            .collect();
        if members.iter().any(|(is, _)| is.role == Role::Owner) {
            return None;
        }
        members.into_iter().max().map(|(_, account)| account)
    }

    fn standing(&self, account: &AccountId, stand: &Set) -> Option<Standing> {
        let mut own = self.explicit(account, stand)?;
        if self.heir(stand) == Some(*account) {
            own.role = Role::Owner;
        }
        Some(own)
    }

    fn policy(&self, stand: &Set) -> Policy {
        let says =
            |id: &&OperationId| matches!(self.at(id).operation.kind, Kind::Policy(_) | Kind::Create(_));
        let all: Set = stand.iter().filter(says).copied().collect();
        match self.last(&all).map(|id| &self.at(&id).operation.kind) {
            Some(Kind::Policy(policy)) => *policy,
            Some(Kind::Create(create)) => create.policy,
            _ => Policy::default(),
        }
    }

    fn banned(&self, account: &AccountId, stand: &Set) -> bool {
        let is = |kind: &Kind| *kind == Kind::Ban(*account);
        let lifts = |kind: &Kind| *kind == Kind::Unban(*account);
        stand.iter().filter(|id| is(&self.at(id).operation.kind)).any(|ban| {
            !stand.iter().any(|id| lifts(&self.at(id).operation.kind) && self.at(id).past.contains(ban))
        })
    }

    fn was_removed(&self, account: &AccountId, stand: &Set) -> bool {
        let adds = |kind: &Kind| matches!(kind, Kind::Add(add) if add.account == *account);
        let is = |kind: &Kind| [Kind::Remove(*account), Kind::Ban(*account)].contains(kind);
        stand.iter().filter(|id| is(&self.at(id).operation.kind)).any(|end| {
            !stand.iter().any(|id| adds(&self.at(id).operation.kind) && self.at(id).past.contains(end))
        })
    }

    fn link(&self, link: &LinkId, stand: &Set) -> Option<(Link, AccountId)> {
        if stand.iter().any(|id| self.at(id).operation.kind == Kind::RevokeLink(*link)) {
            return None;
        }
        let made = stand.iter().filter_map(|id| match &self.at(id).operation.kind {
            Kind::Link(made) if made.id() == *link => {
                Some((self.place(id), *made, self.at(id).operation.author))
            }
            _ => None,
        });
        made.min_by_key(|(place, ..)| *place).map(|(_, link, by)| (link, by))
    }

    /// Who came by a link, of those operations in a set that are not denied.
    fn came_by(&self, link: &LinkId, among: &Set) -> BTreeSet<AccountId> {
        let adds = among.iter().filter(|id| self.at(id).verdict.is_ok());
        let adds = adds.filter(|id| by_link(&self.at(id).operation) == Some(*link));
        adds.filter_map(|id| self.at(id).operation.kind.target()).collect()
    }

    /// Who came first by a link, of those who stand: one after the other, whom nobody of those left is before.
    fn first(&self, link: &LinkId, stand: &Set, uses: usize) -> BTreeSet<AccountId> {
        let mut left: Set =
            stand.iter().filter(|id| by_link(&self.at(id).operation) == Some(*link)).copied().collect();
        let stays = |id: &OperationId| {
            let author = self.at(id).operation.author;
            let leaves = |end: &OperationId| {
                let end_operation = &self.at(end).operation;
                end_operation.kind == Kind::Leave && end_operation.author == author && self.apart(end, id)
            };
            !stand.iter().any(leaves)
        };
        let mut first = BTreeSet::new();
        while first.len() < uses && !left.is_empty() {
            let free = left.iter().filter(|id| self.at(id).past.is_disjoint(&left));
            let next = *free.max_by_key(|id| (stays(id), self.at(id).verdict.ok(), Reverse(**id))).unwrap();
            left.remove(&next);
            first.extend(self.at(&next).operation.kind.target());
        }
        first
    }

    /// What lets people in by links beyond their uses.
    fn late(&self, scope: &Set, stand: &Set) -> Set {
        let mut late = Set::new();
        let links: BTreeSet<LinkId> = scope.iter().filter_map(|id| by_link(&self.at(id).operation)).collect();
        for link in links {
            let made = stand.iter().filter_map(|id| match &self.at(id).operation.kind {
                Kind::Link(made) if made.id() == link => Some((self.place(id), made.uses as usize)),
                _ => None,
            });
            let uses = made.min().map_or(0, |(_, uses)| uses);
            if uses == 0 || self.came_by(&link, stand).len() <= uses {
                continue;
            }
            let first = self.first(&link, stand, uses);
            let others = scope.iter().filter(|id| by_link(&self.at(id).operation) == Some(link));
            let others = others.filter(|id| self.at(id).verdict.is_ok());
            late.extend(others.filter(|id| !first.contains(&self.at(id).operation.kind.target().unwrap())));
        }
        late
    }

    /// `past` is given when it must also make sense.
    fn judge(
        &self,
        author: &AccountId,
        kind: &Kind,
        stand: &Set,
        past: Option<&Set>,
    ) -> Result<Standing, Denial> {
        let own = self.standing(author, stand).ok_or(Denial::NotMember)?;
        let least = |role: Role| if own.role >= role { Ok(()) } else { Err(Denial::RoleTooLow) };
        let below = |role: Role| {
            if role < own.role || own.role == Role::Owner { Ok(()) } else { Err(Denial::RoleTooHigh) }
        };
        let over = |other: &AccountId| {
            if other == author {
                return Err(Denial::OneselfInstead);
            }
            let Some(other) = self.standing(other, stand) else { return Ok(()) };
            let earlier = (own.since, own.by) < (other.since, other.by);
            let outranks =
                own.role > other.role || own.role == other.role && own.role >= Role::Admin && earlier;
            if outranks { Ok(()) } else { Err(Denial::NotOutranked) }
        };
        let policy = self.policy(stand);
        match kind {
            Kind::Add(add) => match &add.via {
                Via::Invited => {
                    least(policy.invite)?;
                    if add.role > Role::Member {
                        below(add.role)?;
                    }
                }
                Via::Link { link, .. } => {
                    let (link, _) = self.link(link, stand).ok_or(Denial::NoSuchLink)?;
                    if link.role != add.role {
                        return Err(Denial::OtherRole);
                    }
                    if link.approval || policy.approve_links || self.was_removed(&add.account, stand) {
                        least(policy.invite)?;
                    }
                }
            },
            Kind::Remove(other) | Kind::Ban(other) | Kind::Mute { account: other, .. } => {
                least(Role::Moderator)?;
                over(other)?;
            }
            Kind::Unban(_) | Kind::DeleteForAll(_) => least(Role::Moderator)?,
            Kind::Role { account, role } if account == author => {
                if *role > own.role {
                    return Err(Denial::RoleTooHigh);
                }
            }
            Kind::Role { account, role } => {
                least(Role::Admin)?;
                over(account)?;
                below(*role)?;
            }
            Kind::Profile(_) => least(policy.change_profile)?,
            Kind::Policy(_) => least(Role::Admin)?,
            Kind::Link(link) => {
                least(policy.invite)?;
                if link.role > Role::Member {
                    below(link.role)?;
                }
            }
            Kind::RevokeLink(link) => {
                if self.link(link, stand).is_none_or(|(_, by)| by != *author) {
                    least(Role::Moderator)?;
                }
            }
            Kind::Pin(_) | Kind::Unpin(_) => least(policy.pin)?,
            Kind::Create(_) | Kind::Leave | Kind::Devices { .. } => {}
            Kind::Merge | Kind::Unknown { .. } => return Err(Denial::UnknownKind),
        }
        if let Some(past) = past {
            self.sense((author, own), kind, stand, past)?;
        }
        Ok(own)
    }

    fn sense(
        &self,
        (author, own): (&AccountId, Standing),
        kind: &Kind,
        stand: &Set,
        past: &Set,
    ) -> Result<(), Denial> {
        let member = |account: &AccountId| self.explicit(account, stand).is_some();
        let check = |holds: bool, denial: Denial| if holds { Ok(()) } else { Err(denial) };
        match kind {
            Kind::Add(add) => {
                check(!self.banned(&add.account, stand), Denial::Banned)?;
                check(!member(&add.account), Denial::AlreadyMember)?;
                let Via::Link { link, .. } = &add.via else { return Ok(()) };
                let (made, _) = self.link(link, stand).unwrap();
                if self.came_by(link, past).contains(&add.account) {
                    return check(own.role >= self.policy(stand).invite, Denial::RoleTooLow);
                }
                let came = self.came_by(link, stand).len();
                check(made.uses == 0 || came < made.uses as usize, Denial::LinkUsedUp)
            }
            Kind::Remove(account) | Kind::Role { account, .. } | Kind::Mute { account, .. } => {
                check(member(account), Denial::NoSuchMember)
            }
            Kind::Unban(account) => check(self.banned(account, stand), Denial::NotBanned),
            Kind::Link(link) => {
                let made = |id: &OperationId| matches!(&self.at(id).operation.kind, Kind::Link(other) if other.id() == link.id());
                check(!stand.iter().any(made), Denial::LinkExists)?;
                let open: BTreeMap<LinkId, AccountId> = stand
                    .iter()
                    .filter_map(|id| match &self.at(id).operation.kind {
                        Kind::Link(made) => self.link(&made.id(), stand).map(|(_, by)| (made.id(), by)),
                        _ => None,
                    })
                    .collect();
                let mine = open.values().filter(|by| *by == author).count();
                let few =
                    if own.role >= Role::Moderator { open.len() < 64 } else { open.len() < 32 && mine < 8 };
                check(few, Denial::TooManyLinks)
            }
            Kind::RevokeLink(link) => check(self.link(link, stand).is_some(), Denial::NoSuchLink),
            Kind::Devices { account, .. } => check(member(account), Denial::NoSuchMember),
            _ => Ok(()),
        }
    }

    // What stands.

    fn apart(&self, one: &OperationId, other: &OperationId) -> bool {
        one != other && !self.at(one).past.contains(other) && !self.at(other).past.contains(one)
    }

    fn overrules(&self, id: &OperationId) -> Option<AccountId> {
        let entry = self.at(id);
        match &entry.operation.kind {
            Kind::Remove(account) | Kind::Ban(account) => Some(*account),
            Kind::Role { account, .. } if entry.demotes => Some(*account),
            Kind::Leave => Some(entry.operation.author),
            _ => None,
        }
    }

    fn attacks(&self, one: &OperationId, other: &OperationId) -> bool {
        let (by, on) = (self.at(one), self.at(other));
        if !self.apart(one, other) || by.verdict.is_err() || on.verdict.is_err() {
            return false;
        }
        let quiet = matches!(on.operation.kind, Kind::Leave | Kind::Devices { .. });
        let same = by.operation.author == on.operation.author;
        if self.overrules(one) == Some(on.operation.author) && !quiet && !same {
            return true;
        }
        if let (Kind::Policy(after), Some(before)) = (&by.operation.kind, by.before) {
            let needs = |rules: &Policy| match &on.operation.kind {
                Kind::Add(Add { via: Via::Link { .. }, .. }) => {
                    (on.decided || rules.approve_links).then_some(rules.invite)
                }
                Kind::Add(_) | Kind::Link(_) => Some(rules.invite),
                Kind::Profile(_) => Some(rules.change_profile),
                Kind::Pin(_) | Kind::Unpin(_) => Some(rules.pin),
                _ => None,
            };
            return needs(after)
                .is_some_and(|role| role > on.verdict.unwrap().role && needs(&before) < Some(role));
        }
        let added = match &on.operation.kind {
            Kind::Add(add) => Some(add.account),
            _ => None,
        };
        match &by.operation.kind {
            Kind::Remove(account) | Kind::Ban(account) => added == Some(*account),
            Kind::RevokeLink(link) => by_link(&on.operation) == Some(*link),
            _ => false,
        }
    }

    fn revokes(&self, one: &OperationId, other: &OperationId) -> bool {
        let on = self.at(other);
        self.apart(one, other)
            && self.list(one).is_some_and(|(whose, list)| {
                whose == on.operation.author
                    && rank(&list) > on.counted_by
                    && !counts(&list, &on.operation.device)
            })
    }

    fn contradicts(&self, id: &OperationId, twin: &OperationId, scope: &Set) -> bool {
        let (own, other) = (self.at(id), self.at(twin));
        let same =
            own.operation.author == other.operation.author && own.operation.device == other.operation.device;
        if !same || !self.apart(id, twin) || other.verdict.is_err() {
            return false;
        }
        if matches!(other.operation.kind, Kind::Leave | Kind::Devices { .. }) {
            return false;
        }
        let shields = |end: &OperationId| {
            let removes = self.overrules(end) == Some(own.operation.author) && self.at(end).verdict.is_ok();
            self.at(end).past.contains(id) && self.apart(end, twin) && (removes || self.revokes(end, twin))
        };
        !scope.iter().any(shields)
    }

    fn fixed(&self, scope: &Set) -> BTreeMap<OperationId, Void> {
        let mut fixed = BTreeMap::new();
        for id in scope.iter().filter(|id| self.at(id).verdict.is_ok()) {
            let entry = self.at(id);
            let revoked = scope.iter().filter(|by| self.revokes(by, id)).min();
            let ends = matches!(entry.operation.kind, Kind::Remove(_) | Kind::Ban(_));
            let survives = ends
                || matches!(entry.operation.kind, Kind::Leave | Kind::Devices { .. })
                || by_link(&entry.operation).is_some();
            let twin = scope.iter().filter(|twin| !survives && self.contradicts(id, twin, scope)).min();
            let why = revoked.map(|by| Void::DeviceRevoked { by: *by });
            let why = why.or_else(|| twin.map(|with| Void::Equivocation { with: *with }));
            if let Some(why) = why {
                fixed.insert(*id, why);
            }
        }
        fixed
    }

    pub(super) fn decide(&self, scope: &Set) -> BTreeMap<OperationId, Void> {
        let mut fixed = self.fixed(scope);
        let void = self.settle(scope, fixed.clone());
        let stand: Set = scope.iter().filter(|id| !void.contains_key(id)).copied().collect();
        let late = self.late(scope, &stand);
        for id in &late {
            fixed.entry(*id).or_insert(Void::LinkUsedUp);
        }
        if late.is_empty() { void } else { self.settle(scope, fixed) }
    }

    fn settle(&self, scope: &Set, mut fixed: BTreeMap<OperationId, Void>) -> BTreeMap<OperationId, Void> {
        let mut attackers: Vec<OperationId> =
            scope.iter().filter(|one| scope.iter().any(|other| self.attacks(one, other))).copied().collect();
        attackers.sort_by_key(|id| (Reverse(self.at(id).verdict.ok()), *id));
        loop {
            let mut pairs: Pairs = Vec::new();
            for attacker in &attackers {
                let before = self.before(attacker, &pairs);
                let heard = scope.iter().filter(|id| self.attacks(attacker, id) && !before.contains(id));
                pairs.extend(heard.map(|id| (*attacker, *id)).collect::<Vec<_>>());
            }
            let mut done = BTreeMap::new();
            for id in scope {
                self.status(id, &fixed, &pairs, &mut done);
            }
            let void: BTreeMap<OperationId, Void> =
                done.into_iter().filter_map(|(id, why)| Some((id, why?))).collect();
            let (lost, left): (Vec<_>, Vec<_>) = attackers.into_iter().partition(|id| void.contains_key(id));
            attackers = left;
            if lost.is_empty() {
                return void;
            }
            fixed.extend(lost.into_iter().map(|id| (id, void[&id])));
        }
    }

    fn before(&self, id: &OperationId, pairs: &Pairs) -> Set {
        let mut before = self.at(id).past.clone();
        loop {
            let more: Set = pairs
                .iter()
                .filter(|(by, on)| (on == id || before.contains(on)) && !before.contains(by))
                .map(|(by, _)| *by)
                .collect();
            if more.is_empty() {
                return before;
            }
            for by in more {
                before.extend(self.at(&by).past.clone());
                before.insert(by);
            }
        }
    }

    fn status(
        &self,
        id: &OperationId,
        fixed: &BTreeMap<OperationId, Void>,
        pairs: &Pairs,
        done: &mut BTreeMap<OperationId, Option<Void>>,
    ) -> Option<Void> {
        if let Some(known) = done.get(id) {
            return *known;
        }
        let entry = self.at(id);
        let past_void: Vec<(OperationId, Option<Void>)> =
            entry.past.iter().map(|id| (*id, self.status(id, fixed, pairs, done))).collect();
        let stand: Set = past_void.iter().filter(|(_, why)| why.is_none()).map(|(id, _)| *id).collect();
        let by = pairs
            .iter()
            .filter(|(_, on)| on == id)
            .map(|(by, _)| *by)
            .collect::<Vec<_>>()
            .into_iter()
            .find(|by| self.status(by, fixed, pairs, done).is_none());
        let creates = matches!(entry.operation.kind, Kind::Create(_));
        let why = match entry.verdict {
            Err(denial) => Some(Void::Denied(denial)),
            Ok(_) if creates => None,
            Ok(_) => fixed.get(id).copied().or_else(|| by.map(|by| Void::Overruled { by })).or_else(|| {
                let judged = self.judge(&entry.operation.author, &entry.operation.kind, &stand, None);
                judged.err().map(Void::LostAuthority)
            }),
        };
        done.insert(*id, why);
        why
    }

    /// What all of it comes to.
    pub(super) fn result(&self) -> Outcome {
        let scope = self.ids();
        let void = self.decide(&scope);
        let stand: Set = scope.iter().filter(|id| !void.contains_key(id)).copied().collect();
        let member = |account: AccountId| {
            let list = self.newest(&account, &scope)?;
            let devices = list.list.devices.iter().map(|entry| entry.device);
            let devices = devices.filter(|device| counts(&list, device)).collect();
            Some((account, (self.standing(&account, &stand)?, devices)))
        };
        let kinds = || stand.iter().map(|id| (id, &self.at(id).operation.kind));
        let links = kinds().filter_map(|(_, kind)| match kind {
            Kind::Link(link) => self.link(&link.id(), &stand).map(|(link, _)| link.id()),
            _ => None,
        });
        let pins = kinds().filter_map(|(pin, kind)| match kind {
            Kind::Pin(message) => {
                let taken = |(id, kind): (&OperationId, &Kind)| {
                    *kind == Kind::Unpin(*message) && self.at(id).past.contains(pin)
                };
                (!kinds().any(taken)).then_some(*message)
            }
            _ => None,
        });
        Outcome {
            members: self.people().into_iter().filter_map(member).collect(),
            banned: self.people().into_iter().filter(|account| self.banned(account, &stand)).collect(),
            links: links.collect(),
            policy: self.policy(&stand),
            pins: pins.collect(),
            heir: self.heir(&stand),
            void,
        }
    }
}

fn list_in(operation: &Operation) -> Option<(AccountId, SignedDeviceList)> {
    let (account, bytes) = operation.devices()?;
    Some((account, SignedDeviceList::from_bytes(bytes).unwrap()))
}

fn rank(list: &SignedDeviceList) -> (u32, Reverse<[u8; 32]>) {
    (list.list.version, Reverse(list.hash()))
}

fn counts(list: &SignedDeviceList, device: &DeviceId) -> bool {
    list.list.devices.iter().any(|entry| entry.device == *device) && !list.list.revoked.contains(device)
}

fn by_link(operation: &Operation) -> Option<LinkId> {
    match &operation.kind {
        Kind::Add(add) => match &add.via {
            Via::Link { link, .. } => Some(*link),
            Via::Invited => None,
        },
        _ => None,
    }
}
