//! The open chat: its messages as far as they are loaded, how they are grouped, and where the reader is.

pub mod list;

use std::collections::BTreeMap;

use kith_engine::Command;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_proto::id::ChatId;
use kith_proto::id::MessageId;

use crate::action::Request;
use crate::bridge::PAGE;
use crate::model::dates::Now;
use crate::model::timeline::list::AnchoredList;

/// Messages of one person closer together than this are one group: five minutes.
const GROUP_MILLIS: u64 = 5 * 60_000;

/// What a row is guessed to measure before it was seen, in points.
const GUESS_MESSAGE: f32 = 44.0;
const GUESS_DIVIDER: f32 = 40.0;

/// The open chat.
pub struct Timeline {
    /// Which chat.
    pub chat: ChatId,
    /// What is in the composer.
    pub draft: String,
    /// What of it is kept by the node.
    pub saved_draft: String,
    /// The message that is being answered.
    pub reply_to: Option<MessageId>,
    /// Where the reader is.
    pub list: AnchoredList,
    messages: Vec<MessageView>,
    places: BTreeMap<MessageId, u64>,
    rows: Vec<Row>,
    unread: u64,
    divider: Option<u64>,
    grouped_for: Option<Now>,
    loaded: bool,
    loading: bool,
    complete: bool,
}

/// A row of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A new day.
    Day(i64),
    /// From here on it was not read.
    Unread(u64),
    /// A message.
    Message {
        /// Its place in the loaded messages.
        at: usize,
        /// Whether it begins a group.
        first: bool,
        /// Whether it ends a group.
        last: bool,
    },
}

impl Timeline {
    /// A chat that is just being opened.
    pub fn new(chat: ChatId, unread: u64, draft: String) -> Self {
        Self {
            chat,
            saved_draft: draft.clone(),
            draft,
            reply_to: None,
            list: AnchoredList::new(),
            messages: Vec::new(),
            places: BTreeMap::new(),
            rows: Vec::new(),
            unread,
            divider: None,
            grouped_for: None,
            loaded: false,
            loading: true,
            complete: false,
        }
    }

    /// Takes a page: the newest messages, or older ones.
    pub fn page(&mut self, before: Option<u64>, mut page: Vec<MessageView>) {
        self.loading = false;
        self.complete = page.len() < PAGE;
        if before.is_some() {
            page.append(&mut self.messages);
            self.messages = page;
        } else {
            // What was heard since the page was read is newer than what it says.
            for message in &mut page {
                let at = self.messages.iter().rev().find(|known| known.message == message.message);
                message.state = at.map_or(message.state, |known| message.state.max(known.state));
            }
            // Messages that came as events meanwhile are in the page or newer than it.
            let last = page.last().map_or(0, |message| message.index);
            page.extend(self.messages.drain(..).filter(|message| message.index > last));
            self.messages = page;
            let incoming = self.messages.iter().filter(|message| !message.outgoing).rev();
            let unread = usize::try_from(self.unread).unwrap_or(usize::MAX);
            self.divider =
                if unread == 0 { None } else { incoming.take(unread).last().map(|message| message.index) };
            self.loaded = true;
        }
        self.places = self.messages.iter().map(|message| (message.message, message.index)).collect();
        self.grouped_for = None;
    }

    /// Asks for older messages, unless they are under way or there are none.
    pub fn want_older(&mut self) -> Option<Request> {
        if self.loading || self.complete || !self.loaded {
            return None;
        }
        self.loading = true;
        Some(Request::LoadPage {
            chat: self.chat,
            before: self.messages.first().map(|message| message.index),
        })
    }

    /// Adds a message that was just stored.
    pub fn add(&mut self, view: MessageView) {
        if view.outgoing {
            self.divider = None;
        }
        if self.messages.last().is_none_or(|last| last.index < view.index) {
            self.places.insert(view.message, view.index);
            self.messages.push(view);
            self.grouped_for = None;
        }
    }

    /// An own message got further.
    pub fn set_state(&mut self, message: &MessageId, state: MessageState) {
        if let Some(at) = self.position(message)
            && let Some(view) = self.messages.get_mut(at)
        {
            view.state = state;
        }
    }

    /// A message is gone.
    pub fn remove(&mut self, message: &MessageId) {
        if let Some(at) = self.position(message) {
            self.messages.remove(at);
            self.places.remove(message);
            self.grouped_for = None;
        }
    }

    fn position(&self, message: &MessageId) -> Option<usize> {
        let index = self.places.get(message)?;
        self.messages.binary_search_by_key(index, |view| view.index).ok()
    }

    /// Goes to the newest message and stays there.
    pub fn follow(&mut self) {
        self.list.stick = true;
    }

    /// Groups the messages into rows if something changed. The reader stays where they are.
    pub fn arrange(&mut self, now: Now) {
        let same_day = self.grouped_for.is_some_and(|then| {
            then.offset_minutes == now.offset_minutes && then.day(then.time) == now.day(now.time)
        });
        if same_day {
            return;
        }
        self.grouped_for = Some(now);
        let held = self.list.anchor().and_then(|row| self.rows.get(row)).and_then(|row| self.index_of(row));
        let rows = group(&self.messages, self.divider, self.unread, now);
        let measured = self.list.heights_of(&self.rows, |row| self.index_of(row));
        self.rows = rows;
        let heights: Vec<(f32, bool)> = self
            .rows
            .iter()
            .map(|row| match (row, self.index_of(row)) {
                (Row::Message { .. }, Some(index)) => {
                    measured.get(&index).map_or((GUESS_MESSAGE, false), |height| (*height, false))
                }
                _ => (GUESS_DIVIDER, false),
            })
            .collect();
        let anchor = held.and_then(|held| self.rows.iter().position(|row| self.index_of(row) == Some(held)));
        self.list.reset(&heights, anchor);
    }

    fn index_of(&self, row: &Row) -> Option<u64> {
        match row {
            Row::Message { at, .. } => self.messages.get(*at).map(|message| message.index),
            _ => None,
        }
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The message of a row.
    pub fn message(&self, at: usize) -> Option<&MessageView> {
        self.messages.get(at)
    }

    /// A message by its name, if it is loaded.
    pub fn find(&self, message: &MessageId) -> Option<&MessageView> {
        self.messages.get(self.position(message)?)
    }

    /// The newest message of somebody else.
    pub fn newest_incoming(&self) -> Option<&MessageView> {
        self.messages.iter().rev().find(|message| !message.outgoing)
    }

    /// Whether there is nothing, and nothing is coming.
    pub fn is_empty(&self) -> bool {
        self.loaded && self.messages.is_empty()
    }

    /// How many messages are loaded.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether everything up to the first message is loaded.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Keeps what is in the composer if it changed since it was kept last.
    pub(super) fn save_draft(&mut self) -> Option<Request> {
        if self.draft == self.saved_draft {
            return None;
        }
        self.saved_draft.clone_from(&self.draft);
        let (chat, text) = (self.chat, self.draft.clone());
        Some(Request::Command(Command::SaveDraft { chat, text }))
    }

    /// Sends what is in the composer.
    pub(super) fn send(&mut self) -> Vec<Request> {
        let text = self.draft.trim().to_owned();
        if text.is_empty() {
            return Vec::new();
        }
        self.draft.clear();
        self.follow();
        let (chat, reply_to) = (self.chat, self.reply_to.take());
        let message = Request::Command(Command::SendMessage { chat, text, reply_to, expires_secs: None });
        [message].into_iter().chain(self.save_draft()).collect()
    }
}

/// Days, the unread divider, and who speaks how long.
fn group(messages: &[MessageView], divider: Option<u64>, unread: u64, now: Now) -> Vec<Row> {
    let mut rows = Vec::with_capacity(messages.len() + 16);
    let mut before: Option<&MessageView> = None;
    for (at, message) in messages.iter().enumerate() {
        let day = now.day(message.stored_at);
        let new_day = before.is_none_or(|before| now.day(before.stored_at) != day);
        if new_day {
            rows.push(Row::Day(day));
        }
        let divided = divider == Some(message.index);
        if divided {
            rows.push(Row::Unread(unread));
        }
        let joins = |one: &MessageView, other: &MessageView| {
            one.outgoing == other.outgoing
                && other.stored_at.since(one.stored_at).0 < GROUP_MILLIS
                && now.day(one.stored_at) == now.day(other.stored_at)
        };
        let first = new_day || divided || before.is_none_or(|before| !joins(before, message));
        let after = messages.get(at + 1).filter(|after| divider != Some(after.index));
        let last = after.is_none_or(|after| !joins(message, after));
        rows.push(Row::Message { at, first, last });
        before = Some(message);
    }
    rows
}
