//! The dialogs over the chats as data, but for the settings, which have a file of their own.

use kith_engine::Command;
use kith_engine::view::MessageState;
use kith_engine::view::TraceView;
use kith_proto::group::GroupInvite;
use kith_proto::id::AccountId;
use kith_proto::id::ContactId;
use kith_proto::id::MessageId;

use crate::action::Request;
use crate::action::groups::Doubt;
use crate::model::groups::people::PeopleForm;
use crate::model::groups::reports::ReportForm;
use crate::model::rooms::JoinForm;
use crate::model::settings::SettingsForm;
use crate::say;

/// A dialog over the chats.
pub enum Dialog {
    /// Adding somebody: own invite, and the link of another.
    Add(AddForm),
    /// The safety number of somebody.
    Safety {
        /// Whose.
        contact: ContactId,
        /// Twelve groups, once computed.
        groups: Option<String>,
    },
    /// The settings.
    Settings(SettingsForm),
    /// What became of a message.
    Trace(Option<Box<TraceView>>),
    /// Really forget somebody?
    Remove(ContactId),
    /// Choosing people for a group.
    People(PeopleForm),
    /// Coming into a room by its link.
    Join(Box<JoinForm>),
    /// Telling those who keep order of a message.
    Report(Box<ReportForm>),
    /// Really do something in a group that cannot be undone?
    Sure(Doubt),
    /// Who has an own message in a group.
    Receipts {
        /// Which message.
        message: MessageId,
        /// Who has it how far, once read.
        found: Option<Vec<(AccountId, MessageState)>>,
    },
    /// The shortcuts.
    Shortcuts,
}

/// Adding somebody.
#[derive(Default)]
pub struct AddForm {
    /// The own invite, once made.
    pub invite: Option<String>,
    /// The link as typed.
    pub link: String,
    /// A few words.
    pub greeting: String,
    /// What is wrong.
    pub error: Option<String>,
}

impl AddForm {
    /// Whether what was typed is an address, by which one is a stranger.
    pub fn is_address(&self) -> bool {
        matches!(kith_node::asking::asking(&self.link, String::new()), Ok(Command::Knock { .. }))
    }

    /// The link into a group that was typed, if it is one.
    pub fn group_link(&self) -> Option<GroupInvite> {
        self.link.trim().parse().ok()
    }

    /// What the node has to do; nothing, and why, when there is no link.
    pub(super) fn submit(&mut self) -> Option<Request> {
        if let Some(link) = self.group_link() {
            self.error = None;
            return Some(Request::Command(Command::JoinGroup { link }));
        }
        let is_missing = self.link.trim().is_empty();
        self.error = is_missing.then(|| say!("add-link-missing"));
        (!is_missing)
            .then(|| Request::AddContact { link: self.link.clone(), greeting: self.greeting.clone() })
    }
}
