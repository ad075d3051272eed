//! Who is what in a part of the log, and what that allows (`SPEC.md` of `kith-proto`, section 11.3 and 11.4).
//!
//! A [`View`] is a set of operations that is closed under *follows*, less those that are void. Every answer depends on
//! that set alone, never on the order in which operations came.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::cmp::Reverse;

use serde::Deserialize;
use serde::Serialize;

use kith_proto::group::Add;
use kith_proto::group::Kind;
use kith_proto::group::Link;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::group::Via;
use kith_proto::id::AccountId;
use kith_proto::id::LinkId;
use kith_proto::id::OperationId;

use super::bits::Bits;
use super::node::Index;
use super::node::LinkUse;
use super::node::Node;
use super::node::Nodes;
use super::node::Person;

/// How many members a group has at most. Branches that were apart may add up to more; then nobody is added until
/// some have left.
pub const MAX_MEMBERS: usize = 1_000;

/// How many links are open at most: each is a queue and a record of several devices. Moderators may make twice as many, so
/// that members cannot close the door by making useless ones.
pub const MAX_LINKS: usize = 32;

/// How many of them somebody below moderator has made.
const MAX_LINKS_OF_ONE: usize = 8;

/// What somebody is in a group. The senior of two is greater: the higher role, then who came earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The role.
    pub role: Role,
    /// The generation of the operation that let them in.
    pub since: u32,
    /// That operation.
    pub by: OperationId,
}

/// Why somebody may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Denial {
    /// The author is not a member.
    NotMember,
    /// The author's role is too low for that.
    RoleTooLow,
    /// The other has a higher role, or the same for longer.
    NotOutranked,
    /// One cannot give a role that is not below the own, unless one is an owner.
    RoleTooHigh,
    /// The account is a member already.
    AlreadyMember,
    /// The account is no member.
    NoSuchMember,
    /// The account is banned.
    Banned,
    /// The account is not banned.
    NotBanned,
    /// The group has as many members as it may have.
    GroupFull,
    /// There is no such link, or it was revoked.
    NoSuchLink,
    /// The link is there already.
    LinkExists,
    /// The link gives another role.
    OtherRole,
    /// As many came by the link as it is for.
    LinkUsedUp,
    /// Nobody can do that to themselves; there is *leave*.
    OneselfInstead,
    /// The list of devices is not newer than the one that the group has.
    OldList,
    /// A later version does that; this one does not know what it is.
    UnknownKind,
    /// As many links are open as there may be.
    TooManyLinks,
}

impl PartialOrd for Standing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Standing {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |standing: &Self| (standing.role, Reverse(standing.since), Reverse(standing.by));
        key(self).cmp(&key(other))
    }
}

impl Standing {
    /// Whether this one may remove, ban, mute or change the other: a higher role, or admins and owners of the same role
    /// who came earlier.
    pub fn outranks(&self, other: &Self) -> bool {
        self > other && (self.role > other.role || self.role >= Role::Admin)
    }
}

/// A part of a log.
pub(super) struct View<'a> {
    nodes: &'a Nodes,
    scope: Option<&'a Bits>,
    void: &'a Bits,
    ownerless: OnceCell<bool>,
    heir: OnceCell<Option<Person>>,
}

impl<'a> View<'a> {
    /// What stands in `scope`, or in the whole log.
    pub(super) fn new(nodes: &'a Nodes, scope: Option<&'a Bits>, void: &'a Bits) -> Self {
        Self { nodes, scope, void, ownerless: OnceCell::new(), heir: OnceCell::new() }
    }

    pub(super) fn holds(&self, index: Index) -> bool {
        self.scope.is_none_or(|scope| scope.has(index)) && !self.void.has(index)
    }

    fn holding<'b>(
        &'b self,
        indices: &'b [Index],
    ) -> impl DoubleEndedIterator<Item = (Index, &'a Node)> + use<'a, 'b> {
        indices.iter().filter(|index| self.holds(**index)).map(|index| (*index, self.nodes.get(*index)))
    }

    /// What an account is, if it is a member. The heir of a group without owners counts as its owner.
    pub(super) fn standing(&self, person: Person) -> Option<Standing> {
        let own = self.explicit(person)?;
        if own.role < Role::Owner && self.is_ownerless() && self.heir() == Some(person) {
            return Some(Standing { role: Role::Owner, ..own });
        }
        Some(own)
    }

    /// The standing that operations gave: an admission counts if it follows everything that ended a membership.
    fn explicit(&self, person: Person) -> Option<Standing> {
        let mut given = Vec::new();
        let mut ended = Vec::new();
        for (index, node) in self.holding(&self.nodes.account(person).about).rev() {
            if node.ends() {
                if given.is_empty() {
                    // Whatever came before cannot follow this.
                    return None;
                }
                ended.push(index);
            } else if ended.is_empty() {
                given.push((index, node));
            }
        }
        given.retain(|(_, node)| ended.iter().all(|end| node.past.has(*end)));
        let admission = given
            .iter()
            .map(|(_, node)| *node)
            .filter(|node| !matches!(node.kind(), Kind::Role { .. }))
            .min_by_key(|node| node.place())?;
        // They were found from the last to the first.
        let (_, last) = latest(given.into_iter().rev())?;
        Some(Standing { role: last.gives()?, since: admission.generation, by: admission.id })
    }

    /// Whether no owner is left.
    pub(super) fn is_ownerless(&self) -> bool {
        *self.ownerless.get_or_init(|| {
            self.nodes.owners_ended && {
                let owns = |person: &Person| self.explicit(*person).is_some_and(|is| is.role == Role::Owner);
                !self.nodes.owners.iter().any(owns)
            }
        })
    }

    /// Who is the owner of a group that lost all of them: the senior member.
    pub(super) fn heir(&self) -> Option<Person> {
        *self.heir.get_or_init(|| {
            let standing = |person| Some((self.explicit(person)?, person));
            (0..self.nodes.people()).filter_map(standing).max_by_key(|(is, _)| *is).map(|(_, person)| person)
        })
    }

    /// How many members there are.
    fn members(&self) -> usize {
        (0..self.nodes.people()).filter(|person| self.explicit(*person).is_some()).count()
    }

    /// The rules.
    pub(super) fn policy(&self) -> Policy {
        match latest(self.holding(&self.nodes.policies)).map(|(_, node)| node.kind()) {
            Some(Kind::Policy(policy)) => *policy,
            Some(Kind::Create(create)) => create.policy,
            _ => Policy::default(),
        }
    }

    /// The operation that says what the group looks like.
    pub(super) fn profile(&self) -> Option<&'a Node> {
        latest(self.holding(&self.nodes.profiles)).map(|(_, node)| node)
    }

    /// The operation that says until when a member is muted.
    pub(super) fn mute(&self, person: Person) -> Option<&'a Node> {
        latest(self.holding(&self.nodes.account(person).mutes)).map(|(_, node)| node)
    }

    /// Whether an account is banned: a ban ends by what follows it and lifts it.
    pub(super) fn is_banned(&self, person: Person) -> bool {
        let bans = &self.nodes.account(person).bans;
        let lifted = |ban: Index| {
            let lifts =
                |(_, node): (Index, &Node)| matches!(node.kind(), Kind::Unban(_)) && node.past.has(ban);
            self.holding(bans).any(lifts)
        };
        self.holding(bans).any(|(ban, node)| matches!(node.kind(), Kind::Ban(_)) && !lifted(ban))
    }

    /// Whether a member's word ended a membership, and nobody's has let that account in again since.
    pub(super) fn was_removed(&self, person: Person) -> bool {
        let about = &self.nodes.account(person).about;
        let again = |end: Index| {
            let adds = |(_, node): (Index, &Node)| matches!(node.kind(), Kind::Add(_)) && node.past.has(end);
            self.holding(about).any(adds)
        };
        let removes = |node: &Node| matches!(node.kind(), Kind::Remove(_) | Kind::Ban(_));
        self.holding(about).any(|(end, node)| removes(node) && !again(end))
    }

    /// A link that was made and not revoked, and the operation that made it.
    pub(super) fn link(&self, id: &LinkId) -> Option<(&'a Link, &'a Node)> {
        let uses = self.nodes.links.get(id)?;
        if self.holding(&uses.revoked).next().is_some() {
            return None;
        }
        self.made(uses)
    }

    /// A link that was made, whether or not it was revoked.
    pub(super) fn made(&self, uses: &LinkUse) -> Option<(&'a Link, &'a Node)> {
        let (_, made) = self.holding(&uses.made).min_by_key(|(_, node)| node.place())?;
        match made.kind() {
            Kind::Link(link) => Some((link, made)),
            _ => None,
        }
    }

    /// How many accounts came by a link and count, or did until they left or were removed.
    pub(super) fn used(&self, id: &LinkId) -> u32 {
        let adds = self.nodes.links.get(id).map_or(&[][..], |uses| &uses.adds);
        let people: Bits = self.holding(adds).filter_map(|(_, node)| node.target).collect();
        people.count() as u32
    }

    /// Whether somebody was let in by a link before, whatever became of it.
    fn came_before(&self, person: Person, link: LinkId) -> bool {
        let here = |index: &Index| self.scope.is_none_or(|scope| scope.has(*index));
        let mut about = self.nodes.account(person).about.iter().filter(|index| here(index));
        about.any(|index| {
            let node = self.nodes.get(*index);
            node.link() == Some(link) && node.target == Some(person) && !self.nodes.denied.has(*index)
        })
    }

    /// Whether the author of an operation left without having seen it, nor it the leaving.
    pub(super) fn left_beside(&self, index: Index) -> bool {
        let node = self.nodes.get(index);
        let beside = |(end, leave): (Index, &Node)| {
            matches!(leave.kind(), Kind::Leave) && !leave.past.has(index) && !node.past.has(end)
        };
        self.holding(&self.nodes.account(node.author).about).any(beside)
    }

    /// Whether only those who may invite let an account in by a link, whatever its rules are.
    pub(super) fn is_decided(&self, id: &LinkId, account: &AccountId) -> bool {
        let removed = self.nodes.person(account).is_some_and(|person| self.was_removed(person));
        removed || self.link(id).is_some_and(|(link, _)| link.approval)
    }

    /// The pin of a message, unless something that follows takes it away.
    pub(super) fn pin(&self, pins: &[Index]) -> Option<&'a Node> {
        let taken = |pin: Index| {
            let takes =
                |(_, node): (Index, &Node)| matches!(node.kind(), Kind::Unpin(_)) && node.past.has(pin);
            self.holding(pins).any(takes)
        };
        self.holding(pins)
            .filter(|(pin, node)| matches!(node.kind(), Kind::Pin(_)) && !taken(*pin))
            .map(|(_, node)| node)
            .min_by_key(|node| node.place())
    }

    /// Whether an account may do something here.
    ///
    /// With `also_sense` it must also make sense: who is added is not there yet, who is removed is there. That is asked
    /// in an operation's own past only; what others did at the same time must not undo it.
    pub(super) fn judge(&self, author: Person, kind: &Kind, also_sense: bool) -> Result<Standing, Denial> {
        let own = self.standing(author).ok_or(Denial::NotMember)?;
        let judged = Judged { view: self, author, own, also_sense };
        judged.authority(kind)?;
        if also_sense {
            judged.sense(kind)?;
        }
        Ok(own)
    }
}

/// Somebody who wants to do something.
struct Judged<'v, 'a> {
    view: &'v View<'a>,
    author: Person,
    own: Standing,
    also_sense: bool,
}

impl Judged<'_, '_> {
    fn authority(&self, kind: &Kind) -> Result<(), Denial> {
        match kind {
            Kind::Add(add) => match &add.via {
                Via::Invited => {
                    self.at_least(self.view.policy().invite)?;
                    self.may_admit_as(add.role)
                }
                Via::Link { link, .. } => self.by_link(link, add),
            },
            Kind::Remove(other) | Kind::Ban(other) | Kind::Mute { account: other, .. } => {
                self.at_least(Role::Moderator)?;
                self.outranks(other)
            }
            Kind::Unban(_) | Kind::DeleteForAll(_) => self.at_least(Role::Moderator),
            Kind::Role { account, role } => self.may_give(account, *role),
            Kind::Profile(_) => self.at_least(self.view.policy().change_profile),
            Kind::Policy(_) => self.at_least(Role::Admin),
            Kind::Link(link) => {
                self.at_least(self.view.policy().invite)?;
                self.may_admit_as(link.role)
            }
            Kind::RevokeLink(link) => {
                let own = self.view.link(link).is_some_and(|(_, made)| made.author == self.author);
                if own { Ok(()) } else { self.at_least(Role::Moderator) }
            }
            Kind::Pin(_) | Kind::Unpin(_) => self.at_least(self.view.policy().pin),
            Kind::Create(_) | Kind::Leave | Kind::Devices { .. } => Ok(()),
            // Neither changes anything, so there is nothing to contradict or overrule.
            Kind::Merge | Kind::Unknown { .. } => Err(Denial::UnknownKind),
        }
    }

    fn at_least(&self, role: Role) -> Result<(), Denial> {
        if self.own.role >= role { Ok(()) } else { Err(Denial::RoleTooLow) }
    }

    fn other(&self, account: &AccountId) -> Option<Standing> {
        self.view.standing(self.view.nodes.person(account)?)
    }

    fn is_self(&self, account: &AccountId) -> bool {
        self.view.nodes.person(account) == Some(self.author)
    }

    /// Somebody who is no member is outranked by everybody: there is nothing to protect.
    fn outranks(&self, account: &AccountId) -> Result<(), Denial> {
        if self.is_self(account) {
            return Err(Denial::OneselfInstead);
        }
        match self.other(account) {
            Some(other) if !self.own.outranks(&other) => Err(Denial::NotOutranked),
            _ => Ok(()),
        }
    }

    /// Whoever may invite may make members; a higher role must be below the own.
    fn may_admit_as(&self, role: Role) -> Result<(), Denial> {
        if role <= Role::Member { Ok(()) } else { self.below_own(role) }
    }

    fn below_own(&self, role: Role) -> Result<(), Denial> {
        if role < self.own.role || self.own.role == Role::Owner { Ok(()) } else { Err(Denial::RoleTooHigh) }
    }

    fn may_give(&self, account: &AccountId, role: Role) -> Result<(), Denial> {
        if self.is_self(account) {
            // Stepping down, or an heir who takes what is already theirs.
            return if role <= self.own.role { Ok(()) } else { Err(Denial::RoleTooHigh) };
        }
        self.at_least(Role::Admin)?;
        self.outranks(account)?;
        self.below_own(role)
    }

    /// Who was removed does not come back by themselves.
    fn by_link(&self, id: &LinkId, add: &Add) -> Result<(), Denial> {
        let (link, _) = self.view.link(id).ok_or(Denial::NoSuchLink)?;
        if link.role != add.role {
            return Err(Denial::OtherRole);
        }
        let policy = self.view.policy();
        let decided = policy.approve_links || self.view.is_decided(id, &add.account);
        if decided { self.at_least(policy.invite) } else { Ok(()) }
    }

    /// Whether it makes sense here.
    fn sense(&self, kind: &Kind) -> Result<(), Denial> {
        debug_assert!(self.also_sense, "asked in an operation's own past only");
        let nodes = self.view.nodes;
        match kind {
            Kind::Add(add) => self.can_come(&add.account, &add.via),
            Kind::Remove(account) | Kind::Role { account, .. } | Kind::Mute { account, .. } => {
                self.other(account).map(|_| ()).ok_or(Denial::NoSuchMember)
            }
            Kind::Unban(account) => {
                let banned = nodes.person(account).is_some_and(|person| self.view.is_banned(person));
                if banned { Ok(()) } else { Err(Denial::NotBanned) }
            }
            Kind::Link(link) => {
                let made = nodes.links.get(&link.id());
                let there = made.is_some_and(|uses| self.view.holding(&uses.made).next().is_some());
                if there { Err(Denial::LinkExists) } else { self.may_open_more() }
            }
            Kind::RevokeLink(link) => self.view.link(link).map(|_| ()).ok_or(Denial::NoSuchLink),
            Kind::Devices { account, .. } => self.other(account).map(|_| ()).ok_or(Denial::NoSuchMember),
            _ => Ok(()),
        }
    }

    fn may_open_more(&self) -> Result<(), Denial> {
        let makers = self.view.nodes.links.keys().filter_map(|link| self.view.link(link));
        let (mut all, mut own) = (0, 0);
        for (_, made) in makers {
            all += 1;
            own += usize::from(made.author == self.author);
        }
        let (most, most_own) = match self.own.role >= Role::Moderator {
            true => (2 * MAX_LINKS, 2 * MAX_LINKS),
            false => (MAX_LINKS, MAX_LINKS_OF_ONE),
        };
        if all < most && own < most_own { Ok(()) } else { Err(Denial::TooManyLinks) }
    }

    fn can_come(&self, account: &AccountId, via: &Via) -> Result<(), Denial> {
        if let Some(person) = self.view.nodes.person(account) {
            if self.view.is_banned(person) {
                return Err(Denial::Banned);
            }
            if self.view.standing(person).is_some() {
                return Err(Denial::AlreadyMember);
            }
        }
        if self.view.members() >= MAX_MEMBERS {
            return Err(Denial::GroupFull);
        }
        if let Via::Link { link, .. } = via {
            let person = self.view.nodes.person(account);
            let limit = self.view.link(link).map_or(0, |(link, _)| link.uses);
            // The proof stands in the log for everybody to copy: it lets nobody come a second time.
            if person.is_some_and(|person| self.view.came_before(person, *link)) {
                self.at_least(self.view.policy().invite)?;
            } else if limit > 0 && self.view.used(link) >= limit {
                return Err(Denial::LinkUsedUp);
            }
        }
        Ok(())
    }
}

/// The operation that has the last word: of those that none of the others follows, the one by the most senior author,
/// then the one with the lowest id.
fn latest<'a>(nodes: impl DoubleEndedIterator<Item = (Index, &'a Node)>) -> Option<(Index, &'a Node)> {
    let mut last: Vec<(Index, &Node)> = Vec::new();
    // From the highest index down: an operation never follows one with a higher index.
    for (index, node) in nodes.rev() {
        if !last.iter().any(|(_, later)| later.past.has(index)) {
            last.push((index, node));
        }
    }
    last.into_iter().max_by_key(|(_, node)| (node.verdict.ok(), Reverse(node.id)))
}
