//! What calls of a group have to know of it: who is in it by which devices, and what their roles allow.

use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;

use super::Permission;
use super::state::Groups;
use crate::view::GroupState;

impl Groups {
    /// Whether this account takes part in a group.
    pub(crate) fn is_joined(&self, group: &GroupId) -> bool {
        self.get(group).is_some_and(|group| group.row().state() == GroupState::Joined)
    }

    /// Whether a device speaks for a member of a group that we are in.
    pub(crate) fn is_member(&self, group: &GroupId, account: &AccountId, device: &DeviceId) -> bool {
        let members = self.get(group).filter(|_| self.is_joined(group)).map(|group| &group.members);
        members.and_then(|members| members.get(account)).is_some_and(|devices| devices.contains(device))
    }

    /// Whether a member may start calls.
    pub(crate) fn may_start_calls(&mut self, group: &GroupId, account: &AccountId) -> bool {
        self.get_mut(group).is_some_and(|group| group.log.roster().permits(account, Permission::StartCalls))
    }

    /// Whether somebody keeps order among the members, and stands above another.
    pub(crate) fn may_mute(&mut self, group: &GroupId, account: &AccountId, other: &AccountId) -> bool {
        let Some(group) = self.get_mut(group) else { return false };
        let roster = group.log.roster();
        let (theirs, others) = (roster.role(account), roster.role(other));
        theirs >= Some(Role::Moderator) && theirs > others
    }

    /// How many are in a group.
    pub(crate) fn count_members(&self, group: &GroupId) -> usize {
        self.get(group).map_or(0, |group| group.members.len())
    }

    /// The devices of all members.
    pub(crate) fn member_devices(&self, group: &GroupId) -> Vec<DeviceId> {
        self.get(group).map(|group| group.owners.keys().copied().collect()).unwrap_or_default()
    }
}
