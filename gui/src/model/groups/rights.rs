//! What the own role in a group allows, so that nothing is offered that would be refused. The engine decides in the end; the
//! rules in words are in `SPEC.md` of `kith-proto`, section 11.

use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::LinkView;
use kith_engine::view::MemberView;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::time::Timestamp;

/// All roles, the highest first.
pub const ROLES: [Role; 5] = [Role::Owner, Role::Admin, Role::Moderator, Role::Member, Role::Observer];

/// Why nothing can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Nobody has let the person in yet.
    Asking,
    /// The invitation is not answered.
    Invited,
    /// The person has left.
    Left,
    /// The person was removed.
    Removed,
    /// An observer reads.
    Observer,
    /// Only this role and those above write.
    OnlyFrom(Role),
    /// Somebody took the person's word until then.
    Muted(Timestamp),
}

/// What the own role in a group allows.
#[derive(Clone, Copy)]
pub struct Rights<'g> {
    group: &'g GroupView,
    own: Option<AccountId>,
}

impl<'g> Rights<'g> {
    /// The rights of an account in a group.
    pub fn new(group: &'g GroupView, own: Option<AccountId>) -> Self {
        Self { group, own }
    }

    /// The own role, while the person is in the group and wants to be.
    fn role(&self) -> Option<Role> {
        self.group.role.filter(|_| self.group.state == GroupState::Joined)
    }

    fn at_least(&self, least: Role) -> bool {
        self.role().is_some_and(|role| role >= least)
    }

    /// Whether the person is in the group.
    pub fn is_in(&self) -> bool {
        self.role().is_some()
    }

    /// Whether people can be added and links made.
    pub fn may_invite(&self) -> bool {
        self.at_least(self.group.policy.invite)
    }

    /// Whether calls can be begun; those that go on can be joined by all.
    pub fn may_start_calls(&self) -> bool {
        self.at_least(self.group.policy.start_calls)
    }

    /// Whether messages can be pinned and unpinned.
    pub fn may_pin(&self) -> bool {
        self.at_least(self.group.policy.pin)
    }

    /// Whether everybody can be called.
    pub fn may_mention_all(&self) -> bool {
        self.at_least(self.group.policy.mention_all)
    }

    /// Whether name and topic can be changed.
    pub fn may_change_profile(&self) -> bool {
        self.at_least(self.group.policy.change_profile)
    }

    /// Whether the rules can be changed.
    pub fn may_change_policy(&self) -> bool {
        self.at_least(Role::Admin)
    }

    /// Whether messages can be deleted for everybody, and bans lifted.
    pub fn may_moderate(&self) -> bool {
        self.at_least(Role::Moderator)
    }

    /// Whether a link can be taken back.
    pub fn may_revoke(&self, link: &LinkView) -> bool {
        self.may_moderate() || self.is_in() && self.own == Some(link.made_by)
    }

    /// Whether the person outranks a member: by role, or among admins and owners by having come earlier.
    fn outranks(&self, other: &MemberView) -> bool {
        // Members are listed the senior first.
        let place =
            |account: AccountId| self.group.members.iter().position(|member| member.account == account);
        let (Some(role), Some(own)) = (self.role(), self.own.and_then(place)) else { return false };
        let senior = place(other.account).is_some_and(|other| own < other);
        senior && (role > other.role || role >= Role::Admin)
    }

    /// Whether a member can be removed, banned and muted.
    pub fn may_discipline(&self, other: &MemberView) -> bool {
        self.may_moderate() && self.outranks(other)
    }

    /// The roles that a member can be given, the highest first, without the one they have.
    pub fn roles_for(&self, member: &MemberView) -> Vec<Role> {
        let Some(own) = self.role() else { return Vec::new() };
        let itself = self.own == Some(member.account);
        let may = |role: &Role| {
            *role != member.role
                && if itself {
                    *role < own
                } else {
                    own >= Role::Admin && self.outranks(member) && (*role < own || own == Role::Owner)
                }
        };
        ROLES.into_iter().filter(may).collect()
    }

    /// The roles that people can be added with and links can give, the highest first.
    pub fn roles_to_admit(&self) -> Vec<Role> {
        let Some(own) = self.role() else { return Vec::new() };
        let may = |role: &Role| *role <= Role::Member || *role < own || own == Role::Owner;
        ROLES.into_iter().filter(may).collect()
    }

    /// Whether messages of others can be reported: to somebody who keeps order.
    pub fn may_report(&self) -> bool {
        let keeps = |member: &&MemberView| member.role >= Role::Moderator && Some(member.account) != self.own;
        self.is_in() && self.group.members.iter().any(|member| keeps(&member))
    }

    /// How many seconds are left until the next message, where slow mode asks for a pause after the last.
    pub fn pause(&self, now: Timestamp, last: Option<Timestamp>) -> Option<u64> {
        let pause = self.group.policy.slow_mode().0;
        let since = now.since(last?).0;
        let held = self.is_in() && !self.may_moderate() && since < pause;
        held.then(|| (pause - since).div_ceil(1_000))
    }

    /// Why nothing can be written now, if so.
    pub fn silence(&self, now: Timestamp) -> Option<Silence> {
        match self.group.state {
            GroupState::Asking => return Some(Silence::Asking),
            GroupState::Invited => return Some(Silence::Invited),
            GroupState::Left => return Some(Silence::Left),
            GroupState::Removed => return Some(Silence::Removed),
            GroupState::Joined => {}
        }
        let role = self.role()?;
        let least = self.group.policy.post;
        if role < least {
            let observes = role == Role::Observer && least == Role::Member;
            return Some(if observes { Silence::Observer } else { Silence::OnlyFrom(least) });
        }
        let own = self.group.members.iter().find(|member| Some(member.account) == self.own);
        let until = own.and_then(|member| member.muted_until).filter(|until| *until > now);
        until.map(Silence::Muted)
    }
}
