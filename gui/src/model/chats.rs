//! The chat list: order, search, unread counts.

use kith_engine::view::ChatView;
use kith_engine::view::MessageState;
use kith_proto::id::ChatId;
use kith_proto::id::MessageId;

/// The chats, the most recently active first.
#[derive(Default)]
pub struct Chats {
    list: Vec<ChatView>,
    /// What is searched for.
    pub search: String,
}

impl Chats {
    /// Takes the whole list.
    pub fn replace(&mut self, list: Vec<ChatView>) {
        self.list = list;
        self.sort();
    }

    /// Takes a chat as it is now.
    pub fn put(&mut self, view: ChatView) {
        match self.list.iter_mut().find(|chat| chat.chat == view.chat) {
            Some(chat) => *chat = view,
            None => self.list.push(view),
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.list.sort_by(|one, other| other.active_at.cmp(&one.active_at).then(one.chat.cmp(&other.chat)));
    }

    /// Forgets a chat.
    pub fn remove(&mut self, chat: &ChatId) {
        self.list.retain(|view| view.chat != *chat);
    }

    /// Nothing is unread in a chat.
    pub fn mark_read(&mut self, chat: &ChatId) {
        if let Some(view) = self.list.iter_mut().find(|view| view.chat == *chat) {
            view.unread = 0;
        }
    }

    /// What is being written in a chat.
    pub(super) fn set_draft(&mut self, chat: &ChatId, text: &str) {
        if let Some(view) = self.list.iter_mut().find(|view| view.chat == *chat) {
            text.clone_into(&mut view.draft);
        }
    }

    /// The last message of a chat got further.
    pub fn set_state(&mut self, chat: &ChatId, message: &MessageId, state: MessageState) {
        let view = self.list.iter_mut().find(|view| view.chat == *chat);
        if let Some(last) = view.and_then(|view| view.last.as_mut()).filter(|last| last.message == *message) {
            last.state = state;
        }
    }

    /// All of them, the most recently active first.
    pub fn all(&self) -> impl Iterator<Item = &ChatView> {
        self.list.iter()
    }

    /// One chat.
    pub fn get(&self, chat: &ChatId) -> Option<&ChatView> {
        self.list.iter().find(|view| view.chat == *chat)
    }

    /// The chats that the search finds, by name or last line.
    pub fn shown(&self) -> impl Iterator<Item = &ChatView> {
        let wanted = self.search.trim().to_lowercase();
        self.list.iter().filter(move |view| {
            let last = view.last.as_ref().map(|last| last.text.to_lowercase());
            wanted.is_empty()
                || view.name.to_lowercase().contains(&wanted)
                || last.is_some_and(|last| last.contains(&wanted))
        })
    }

    /// Whether there is no chat at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The chat after or before one in the list as shown.
    pub fn neighbour(&self, chat: Option<ChatId>, step: isize) -> Option<ChatId> {
        let shown: Vec<ChatId> = self.shown().map(|view| view.chat).collect();
        let at = chat.and_then(|chat| shown.iter().position(|other| *other == chat));
        let next = at.map_or(0, |at| at.saturating_add_signed(step).min(shown.len().saturating_sub(1)));
        shown.get(next).copied()
    }
}
