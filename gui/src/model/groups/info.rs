//! The panel of a group as data: which page is open, what was typed, and what follows from it.

use kith_engine::Command;
use kith_engine::view::GroupView;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::GroupId;

use crate::model::rooms::ListForm;

/// Seconds of an hour, for choices of time.
pub const HOUR: u64 = 3_600;

/// Seconds of a day.
pub const DAY: u64 = 24 * HOUR;

/// For how long a link may be valid, in seconds.
pub const LINK_LIVES: [Option<u64>; 4] = [Some(DAY), Some(7 * DAY), Some(30 * DAY), None];

/// How many may come by a link; 0 for any number.
pub const LINK_USES: [u32; 4] = [1, 5, 25, 0];

/// A page of the panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InfoPage {
    /// Name, topic, members, what can be done.
    #[default]
    About,
    /// The rules.
    Rules,
    /// In which directories a room is listed.
    Listings,
    /// Links into the group.
    Links,
    /// Who asks to come in.
    Requests,
    /// What members reported.
    Reports,
    /// Who must not come back, and who must not write.
    Banned,
}

/// The panel.
pub struct InfoForm {
    /// Of which group.
    pub group: GroupId,
    /// Which page is open.
    pub page: InfoPage,
    /// Whether name and topic are being changed.
    pub editing: bool,
    /// The name as typed.
    pub name: String,
    /// The topic as typed.
    pub topic: String,
    /// What is searched for among the members.
    pub search: String,
    /// The rules as chosen.
    pub policy: Policy,
    /// The rules as they were when they were last shown.
    shown_policy: Policy,
    /// The link to make.
    pub link: LinkForm,
    /// What is said of a room when it is listed.
    pub listing: ListForm,
}

/// A link to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkForm {
    /// What people become by it.
    pub role: Role,
    /// For how long.
    pub life_secs: Option<u64>,
    /// For how many; 0 for any number.
    pub uses: u32,
    /// Whether somebody has to agree.
    pub approval: bool,
    /// Whether a link as chosen was asked for.
    pub(super) asked: bool,
    /// The one link of a public room.
    pub shared: Option<String>,
    /// The last one that was made here. Its secret is kept nowhere else on the screen.
    pub made: Option<String>,
}

impl Default for LinkForm {
    fn default() -> Self {
        Self {
            role: Role::Member,
            life_secs: Some(7 * DAY),
            uses: 0,
            approval: false,
            asked: false,
            shared: None,
            made: None,
        }
    }
}

impl InfoForm {
    /// The panel as it opens.
    pub fn of(group: &GroupView, page: InfoPage) -> Self {
        Self {
            group: group.group,
            page,
            editing: false,
            name: group.name.clone(),
            topic: group.topic.clone(),
            search: String::new(),
            policy: group.policy,
            shown_policy: group.policy,
            link: LinkForm::default(),
            listing: ListForm::default(),
        }
    }

    /// The group changed: what is not being changed here follows.
    pub(super) fn refresh(&mut self, group: &GroupView) {
        if !self.editing {
            (self.name, self.topic) = (group.name.clone(), group.topic.clone());
        }
        if self.policy == self.shown_policy {
            self.policy = group.policy;
        }
        self.shown_policy = group.policy;
    }

    /// Whether the rules as chosen differ from those of the group.
    pub fn has_other_rules(&self, group: &GroupView) -> bool {
        self.policy != group.policy
    }

    /// What saves name and topic.
    pub(super) fn save_profile(&mut self) -> Command {
        self.editing = false;
        Command::SetGroupProfile {
            group: self.group,
            name: Some(self.name.trim().to_owned()),
            topic: Some(self.topic.trim().to_owned()),
        }
    }

    /// What makes the link as chosen.
    pub(super) fn make_link(&mut self) -> Command {
        self.link.asked = true;
        Command::CreateGroupLink {
            group: self.group,
            role: self.link.role,
            expires_secs: self.link.life_secs,
            uses: self.link.uses,
            approval: self.link.approval,
            work: 0,
        }
    }
}
