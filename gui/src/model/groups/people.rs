//! Choosing people: for a new group, or to be added to one.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_engine::Command;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::GroupView;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::ContactId;
use kith_proto::id::GroupId;

/// What kind of group is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Only who is added or has a link comes in.
    #[default]
    Private,
    /// Anybody comes in.
    Room,
    /// Members list public rooms in it.
    Directory,
}

impl Kind {
    /// All of them, as they stand in the dialog.
    pub const ALL: [Self; 3] = [Self::Private, Self::Room, Self::Directory];
}

/// Choosing people.
pub struct PeopleForm {
    /// What kind of group is made.
    pub kind: Kind,
    /// Whether those who come into a room only read at first.
    pub observers_first: bool,
    /// Whether those who come into a room have to be let in, each of them.
    pub approval: bool,
    /// To which group they are added; `None` for a new one.
    pub group: Option<GroupId>,
    /// The name of the new group.
    pub name: String,
    /// What is searched for.
    pub search: String,
    /// As what they are added.
    pub role: Role,
    /// Who is chosen.
    pub chosen: BTreeSet<ContactId>,
    /// What is wrong.
    pub error: Option<String>,
    /// Whether it is under way.
    pub busy: bool,
    /// Members, who cannot be added again, and banned people.
    not_these: BTreeSet<AccountId>,
}

impl PeopleForm {
    /// For a new group.
    pub fn new_group() -> Self {
        Self {
            kind: Kind::default(),
            observers_first: false,
            approval: false,
            group: None,
            name: String::new(),
            search: String::new(),
            role: Role::Member,
            chosen: BTreeSet::new(),
            error: None,
            busy: false,
            not_these: BTreeSet::new(),
        }
    }

    /// For a group that is there.
    pub fn for_group(group: &GroupView) -> Self {
        let members = group.members.iter().map(|member| member.account);
        let not_these = members.chain(group.banned.iter().copied()).collect();
        Self { group: Some(group.group), not_these, ..Self::new_group() }
    }

    /// Whom the search finds, by name.
    pub fn shown<'c>(
        &self,
        contacts: &'c BTreeMap<ContactId, ContactView>,
        name_of: impl Fn(&ContactId) -> String,
    ) -> Vec<(&'c ContactView, String)> {
        let wanted = self.search.trim().to_lowercase();
        let accepted = contacts.values().filter(|contact| contact.state == ContactState::Accepted);
        let mut found: Vec<_> = accepted
            .filter(|contact| !self.not_these.contains(&contact.contact))
            .map(|contact| (contact, name_of(&contact.contact)))
            .filter(|(_, name)| wanted.is_empty() || name.to_lowercase().contains(&wanted))
            .collect();
        found.sort_by_cached_key(|(contact, name)| (name.to_lowercase(), contact.contact));
        found
    }

    /// Chooses somebody, or not any more.
    pub fn toggle(&mut self, contact: ContactId) {
        if !self.chosen.remove(&contact) {
            self.chosen.insert(contact);
        }
    }

    /// Whether there is enough to go on.
    pub fn is_ready(&self) -> bool {
        let named = self.group.is_some() || !self.name.trim().is_empty();
        let peopled = self.group.is_none() || !self.chosen.is_empty();
        named && peopled && !self.busy
    }

    /// The rules that follow from what was chosen; `None` for those that a group of friends expects.
    fn policy(&self) -> Option<Policy> {
        if self.kind == Kind::Private {
            return None;
        }
        let mut policy = Policy::public_room();
        policy.directory = self.kind == Kind::Directory;
        (policy.observers_first, policy.approve_links) = (self.observers_first, self.approval);
        Some(policy)
    }

    /// What the node has to do.
    pub(super) fn submit(&mut self) -> Option<Command> {
        if !self.is_ready() {
            return None;
        }
        (self.error, self.busy) = (None, true);
        // Into a room, people come by its link.
        let chosen = self.chosen.iter().filter(|_| self.kind == Kind::Private);
        let members = chosen.copied().collect();
        Some(match self.group {
            None => {
                Command::CreateGroup { name: self.name.trim().to_owned(), members, policy: self.policy() }
            }
            Some(group) => Command::AddMembers { group, members, role: self.role },
        })
    }
}
