//! Telling those who keep order of a message: why, and who is told.

use kith_engine::Command;
use kith_engine::view::GroupView;
use kith_engine::view::MessageView;
use kith_proto::group::Role;
use kith_proto::group::word::MAX_REASON_BYTES;
use kith_proto::id::AccountId;
use kith_proto::id::MessageId;

use crate::say;

/// The most senior of those who keep order are told.
const MOST_TOLD: usize = 16;

/// Why a message is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Why {
    /// Advertising, or the same again and again.
    #[default]
    Spam,
    /// It insults, threatens or incites.
    Abuse,
    /// It is against the rules of the group.
    Rules,
    /// It is against the law.
    Law,
    /// Something else, which the person says.
    Other,
}

impl Why {
    /// All of them, as they stand in the dialog.
    pub const ALL: [Self; 5] = [Self::Spam, Self::Abuse, Self::Rules, Self::Law, Self::Other];

    /// It in words.
    pub fn words(self) -> String {
        match self {
            Self::Spam => say!("report-why-spam"),
            Self::Abuse => say!("report-why-abuse"),
            Self::Rules => say!("report-why-rules"),
            Self::Law => say!("report-why-law"),
            Self::Other => say!("report-why-other"),
        }
    }
}

/// The dialog.
pub struct ReportForm {
    /// What is reported.
    pub message: MessageView,
    /// Why.
    pub why: Why,
    /// More about it.
    pub words: String,
    /// What is wrong.
    pub error: Option<String>,
    /// Whether it is under way.
    pub busy: bool,
}

impl ReportForm {
    /// A report of a message.
    pub fn new(message: MessageView) -> Self {
        Self { message, why: Why::default(), words: String::new(), error: None, busy: false }
    }

    /// Which message.
    pub fn message(&self) -> MessageId {
        self.message.message
    }

    /// Whether enough is said.
    pub fn is_ready(&self) -> bool {
        !self.busy && (self.why != Why::Other || !self.words.trim().is_empty())
    }

    /// What those who keep order read.
    fn reason(&self) -> String {
        let words = self.words.trim();
        let mut reason = match (self.why, words.is_empty()) {
            (Why::Other, _) => words.to_owned(),
            (why, true) => why.words(),
            (why, false) => format!("{}: {words}", why.words()),
        };
        reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
        reason
    }

    /// What the node has to do.
    pub(super) fn submit(&mut self) -> Option<Command> {
        if !self.is_ready() {
            return None;
        }
        (self.busy, self.error) = (true, None);
        Some(Command::ReportMessage {
            chat: self.message.chat,
            message: self.message(),
            reason: self.reason(),
        })
    }
}

/// Who is told of a report: those who keep order, the senior first, without the person.
pub fn told(group: &GroupView, own: Option<AccountId>) -> Vec<AccountId> {
    let keeps = group.members.iter().filter(|member| member.role >= Role::Moderator);
    keeps.take(MOST_TOLD).map(|member| member.account).filter(|account| Some(*account) != own).collect()
}
