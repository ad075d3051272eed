//! Of what the system is to tell the person, and how: one notice a chat, which the next one of the chat replaces. Not here: how the
//! system is told (`platform::notify`).
//!
//! ```text
//!  message ─▶ own? a line? hidden? old? muted? looked at? ── yes ─▶ nothing
//!                     └ no ─▶ counted for its chat ─▶ notice, as much of it as the settings say
//! ```

use std::collections::BTreeMap;

use kith_engine::view::CallView;
use kith_engine::view::GroupCallView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageView;
use kith_proto::id::ChatId;
use kith_proto::time::Timestamp;

use crate::model::Model;
use crate::model::calls::words;
use crate::say;
use crate::text;

/// Messages that were said longer ago are history that just came here: an hour.
const NEWS_MILLIS: u64 = 3_600_000;

/// Characters of a message that a notice has room for.
const BODY_CHARS: usize = 160;

/// What notifications say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Who wrote, and what.
    #[default]
    Text,
    /// Who wrote.
    Name,
    /// Nothing: there are none.
    Nothing,
}

/// Something to tell the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Of which chat; a click opens it.
    pub chat: ChatId,
    /// The first line.
    pub title: String,
    /// What follows; may be empty.
    pub body: String,
}

/// What was not told yet, and how much of each chat was told since it was last looked at.
#[derive(Default)]
pub struct Notices {
    /// How much is said.
    pub show: Show,
    /// The present, as the window last told it.
    pub(super) now: Timestamp,
    /// Whether the person looks at the window.
    pub(super) focused: bool,
    told: BTreeMap<ChatId, u32>,
    waiting: Vec<Notice>,
}

impl Notices {
    /// The window tells the time, and whether it is looked at.
    pub fn look(&mut self, now: Timestamp, focused: bool) {
        (self.now, self.focused) = (now, focused);
    }

    /// What is to be told now.
    pub fn take(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.waiting)
    }

    /// A chat was looked at: what comes next is the first of it again.
    pub(super) fn was_read(&mut self, chat: &ChatId) {
        self.told.remove(chat);
        self.waiting.retain(|notice| notice.chat != *chat);
    }

    fn put(&mut self, notice: Notice) {
        self.waiting.retain(|other| other.chat != notice.chat);
        self.waiting.push(notice);
    }
}

/// A message came: tells of it, if the person wants to be told.
pub(super) fn hear(model: &mut Model, message: &MessageView) {
    let is_news = model.notices.now.since(message.sent_at).0 < NEWS_MILLIS;
    let missed = match &message.kind {
        MessageKind::Call(line) if line.is_missed(message.outgoing) => Some(line),
        _ => None,
    };
    let is_said = !message.outgoing && (message.kind == MessageKind::Text || missed.is_some());
    let looked_at = model.notices.focused && model.open_chat() == Some(message.chat);
    let is_loud = match model.groups.notify(&message.chat) {
        crate::model::groups::Notify::All => true,
        crate::model::groups::Notify::Mentions => model.groups.is_called_by(message),
        crate::model::groups::Notify::Nothing => false,
    };
    let hidden = model.filters.hides(message);
    if !is_news || !is_said || looked_at || !is_loud || hidden || model.notices.show == Show::Nothing {
        return;
    }
    let Some(chat) = model.chats.get(&message.chat) else { return };
    let in_group = chat.group().is_some();
    let who = if in_group { model.groups.told_name(&message.sender) } else { model.name_of(&message.sender) };
    let group = model.groups.of_chat(&message.chat).map(crate::model::groups::words::title);
    let count = model.notices.told.entry(message.chat).or_default();
    *count = count.saturating_add(1);
    let place = group.unwrap_or_else(|| who.clone());
    let title = if *count > 1 { say!("notice-title-many", name = place, count = *count) } else { place };
    let said: String = message.text.chars().take(BODY_CHARS).collect();
    let body = match (model.notices.show, in_group) {
        _ if missed.is_some() => missed.map(|line| words::whole(line, false)).unwrap_or_default(),
        (Show::Text, _) if said.is_empty() => say!("preview-disappearing"),
        (Show::Text, true) => say!("preview-said-by", name = who, text = said),
        (Show::Text, false) => said,
        (_, true) => say!("notice-wrote", name = who),
        (_, false) => say!("notice-new-message"),
    };
    model.notices.put(Notice { chat: message.chat, title, body });
}

/// Somebody calls. What follows, like the line of a missed call, takes its place.
pub(super) fn hear_call(model: &mut Model, call: &CallView) {
    if model.notices.focused || model.notices.show == Show::Nothing {
        return;
    }
    let title = say!("notice-calls", name = model.name_of(&call.contact));
    model.notices.put(Notice { chat: call.chat, title, body: words::incoming(call) });
}

/// A group is called.
pub(super) fn hear_group_call(model: &mut Model, call: &GroupCallView) {
    if model.notices.focused || model.notices.show == Show::Nothing {
        return;
    }
    let group = model.groups.of_chat(&call.chat).map(crate::model::groups::words::title).unwrap_or_default();
    let title = say!("notice-group-call", name = group);
    model.notices.put(Notice { chat: call.chat, title, body: words::who_calls(model, call) });
}

/// Somebody asks to be added.
pub(super) fn hear_request(model: &mut Model, chat: ChatId, name: &str) {
    if model.notices.focused || model.notices.show == Show::Nothing {
        return;
    }
    let title = say!("request-asks", name = text::clean_name(name));
    model.notices.put(Notice { chat, title, body: say!("notice-request") });
}
