//! The open chat: its messages as far as they are loaded, how they are grouped, and where the reader is.

pub mod list;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_engine::Command;
use kith_engine::view::Copies;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_engine::view::Receipts;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;

use crate::action::Request;
use crate::bridge::PAGE;
use crate::model::dates::Now;
use crate::model::groups::Groups;
use crate::model::groups::mention::Mentions;
use crate::model::timeline::list::AnchoredList;

/// Messages of one person closer together than this are one group: five minutes.
const GROUP_MILLIS: u64 = 5 * 60_000;

/// What a row is guessed to measure before it was seen, in points.
const GUESS_MESSAGE: f32 = 44.0;
const GUESS_DIVIDER: f32 = 40.0;

/// Older messages that are read to get to one that somebody wants to see; further back, the list ends there.
const MOST_SOUGHT: usize = 20_000;

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
    /// Of which group it is, if of one.
    pub group: Option<GroupId>,
    /// Calling people by name.
    pub mentions: Mentions,
    /// The message that was just gone to.
    pub flash: Option<MessageId>,
    sought: Option<MessageId>,
    pins: Vec<MessageView>,
    wanted_pins: Vec<MessageId>,
    gaps: BTreeSet<MessageId>,
    gaps_asked: bool,
    gaps_stale: bool,
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
    /// Messages are missing here that others have.
    Gap,
    /// Something that happened in a group.
    Line {
        /// Its place in the loaded messages.
        at: usize,
    },
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
            group: None,
            mentions: Mentions::default(),
            flash: None,
            sought: None,
            pins: Vec::new(),
            wanted_pins: Vec::new(),
            gaps: BTreeSet::new(),
            gaps_asked: false,
            gaps_stale: false,
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

    /// The same for the chat of a group.
    pub fn of_group(self, group: GroupId) -> Self {
        Self { group: Some(group), ..self }
    }

    /// The same chat with what is being written there; its messages are read anew, as those that were shown last may not
    /// be on disk.
    pub(super) fn anew(self) -> Self {
        let Self { chat, draft, reply_to, group, mentions, unread, .. } = self;
        Self { reply_to, group, mentions, ..Self::new(chat, unread, draft) }
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
            let incoming = self.messages.iter().filter(|message| is_read(message) && !message.outgoing).rev();
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

    /// Adds a message that was just stored. What comes late in a group belongs where it was said.
    pub fn add(&mut self, view: MessageView) {
        if view.outgoing {
            self.divider = None;
        }
        let Err(place) = self.messages.binary_search_by_key(&view.index, |message| message.index) else {
            return;
        };
        let is_older = place == 0 && !self.messages.is_empty() && !self.complete;
        let is_late = place < self.messages.len() && self.group.is_none();
        if !is_older && !is_late {
            self.places.insert(view.message, view.index);
            self.messages.insert(place, view);
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

    /// Mailboxes promised to keep an own message.
    pub fn add_copies(&mut self, message: &MessageId, copies: Copies) {
        if let Some(at) = self.position(message)
            && let Some(view) = self.messages.get_mut(at)
        {
            view.copies = Some(view.copies.take().map_or(copies.clone(), |before| before.safer(copies)));
        }
    }

    /// An own message got to more members.
    pub fn set_receipts(&mut self, message: &MessageId, receipts: Receipts) {
        if let Some(at) = self.position(message)
            && let Some(view) = self.messages.get_mut(at)
        {
            view.receipts = Some(receipts);
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

    /// Messages look different from now on: their heights are measured anew.
    pub(super) fn measure_anew(&mut self) {
        self.list.forget_heights();
    }

    /// Goes to the newest message and stays there.
    pub fn follow(&mut self) {
        self.list.stick = true;
        self.flash = None;
    }

    /// Goes to a message, and reads older pages until it is there.
    pub(super) fn seek(&mut self, message: MessageId) -> Option<Request> {
        self.sought = Some(message);
        self.grouped_for = None;
        self.go_on_seeking()
    }

    /// The next page on the way to a message that somebody wants to see.
    pub(super) fn go_on_seeking(&mut self) -> Option<Request> {
        let there = self.position(&self.sought?).is_some();
        if there {
            return None;
        }
        if self.complete || self.messages.len() > MOST_SOUGHT {
            self.sought = None;
            return None;
        }
        self.want_older()
    }

    /// Asks for the pinned messages, unless these were asked for last.
    pub(super) fn want_pins(&mut self, pins: &[MessageId]) -> Option<Request> {
        if self.wanted_pins == pins {
            return None;
        }
        self.wanted_pins = pins.to_vec();
        Some(Request::LoadPins { chat: self.chat, pins: pins.to_vec() })
    }

    /// Takes the pinned messages.
    pub(super) fn set_pins(&mut self, found: Vec<MessageView>) {
        self.pins = found;
    }

    /// The pinned messages, the earliest pin first.
    pub fn pins(&self) -> &[MessageView] {
        &self.pins
    }

    /// Asks before which messages others are missing; once at a time.
    pub(super) fn want_gaps(&mut self, before: Option<(Timestamp, MessageId)>) -> Option<Request> {
        let group = self.group?;
        if before.is_none() && std::mem::replace(&mut self.gaps_asked, true) {
            self.gaps_stale = true;
            return None;
        }
        Some(Request::LoadGaps { group, before })
    }

    /// Takes before which messages others are missing. Returns what is to be asked next.
    pub(super) fn set_gaps(
        &mut self,
        before: Option<(Timestamp, MessageId)>,
        found: BTreeSet<MessageId>,
    ) -> Option<Request> {
        if before.is_none() {
            // What was missing on earlier pages is asked for with them.
            let newest: BTreeSet<MessageId> =
                self.messages.iter().rev().take(PAGE).map(|message| message.message).collect();
            self.gaps.retain(|message| !newest.contains(message));
            self.gaps_asked = false;
        }
        self.gaps.extend(found);
        self.grouped_for = None;
        if std::mem::take(&mut self.gaps_stale) { self.want_gaps(None) } else { None }
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
        let rows = self.group_rows(now);
        let measured = self.list.heights_of(&self.rows, |row| self.index_of(row));
        self.rows = rows;
        let heights: Vec<(f32, bool)> = self
            .rows
            .iter()
            .map(|row| match (row, self.index_of(row)) {
                (Row::Message { .. } | Row::Line { .. }, Some(index)) => {
                    measured.get(&index).map_or((GUESS_MESSAGE, false), |height| (*height, false))
                }
                _ => (GUESS_DIVIDER, false),
            })
            .collect();
        let anchor = held.and_then(|held| self.rows.iter().position(|row| self.index_of(row) == Some(held)));
        self.list.reset(&heights, anchor);
        self.go_to_sought();
    }

    /// Shows the message that somebody wants to see, once it is there.
    fn go_to_sought(&mut self) {
        let Some(index) = self.sought.and_then(|message| self.places.get(&message)) else { return };
        if let Some(row) = self.rows.iter().position(|row| self.index_of(row) == Some(*index)) {
            self.list.show_row(row);
            self.flash = self.sought.take();
        }
    }

    fn index_of(&self, row: &Row) -> Option<u64> {
        match row {
            Row::Message { at, .. } | Row::Line { at } => self.messages.get(*at).map(|message| message.index),
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
        self.messages.iter().rev().find(|message| !message.outgoing && is_read(message))
    }

    /// When the person wrote last here, as far as it is loaded.
    pub fn wrote_at(&self) -> Option<Timestamp> {
        let own = self.messages.iter().rev().find(|message| message.outgoing && is_said(message));
        own.map(|message| message.sent_at)
    }

    /// All loaded messages, oldest first.
    pub fn messages(&self) -> &[MessageView] {
        &self.messages
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
    pub(super) fn send(&mut self, groups: &Groups) -> Vec<Request> {
        let text = self.draft.trim().to_owned();
        if text.is_empty() {
            return Vec::new();
        }
        self.draft.clear();
        self.follow();
        let (chat, reply_to) = (self.chat, self.reply_to.take());
        let of = self.group.and_then(|group| groups.get(&group));
        let (mentions, mention_all) =
            of.map(|group| self.mentions.resolve(&text, group, groups)).unwrap_or_default();
        let message = match self.group {
            Some(group) if mention_all || !mentions.is_empty() => {
                Command::SendToGroup { group, text, reply_to, expires_secs: None, mentions, mention_all }
            }
            _ => Command::SendMessage { chat, text, reply_to, expires_secs: None },
        };
        [Request::Command(message)].into_iter().chain(self.save_draft()).collect()
    }

    /// Days, the unread divider, gaps, what happened, and who speaks how long.
    fn group_rows(&self, now: Now) -> Vec<Row> {
        let mut rows = Vec::with_capacity(self.messages.len() + 16);
        let mut before: Option<&MessageView> = None;
        for (at, message) in self.messages.iter().enumerate() {
            let day = now.day(self.time_of(message));
            let new_day = before.is_none_or(|before| now.day(self.time_of(before)) != day);
            if new_day {
                rows.push(Row::Day(day));
            }
            let gap = self.gaps.contains(&message.message);
            if gap {
                rows.push(Row::Gap);
            }
            let divided = self.divider == Some(message.index);
            if divided {
                rows.push(Row::Unread(self.unread));
            }
            if is_said(message) {
                let parted = new_day || divided || gap;
                let first = parted || before.is_none_or(|before| !self.joins(before, message, now));
                let next = self.messages.get(at + 1);
                let after = next
                    .filter(|after| self.divider != Some(after.index) && !self.gaps.contains(&after.message));
                let last = after.is_none_or(|after| !self.joins(message, after, now));
                rows.push(Row::Message { at, first, last });
            } else {
                rows.push(Row::Line { at });
            }
            before = Some(message);
        }
        rows
    }

    /// The time that a message stands at: in a group when it was said, so that every member sees the same.
    pub fn time_of(&self, message: &MessageView) -> Timestamp {
        if self.group.is_some() { message.sent_at } else { message.stored_at }
    }

    /// Whether two messages that follow each other are said in one breath.
    fn joins(&self, one: &MessageView, other: &MessageView, now: Now) -> bool {
        let (earlier, later) = (self.time_of(one), self.time_of(other));
        is_said(one)
            && is_said(other)
            && one.outgoing == other.outgoing
            && one.sender == other.sender
            && later.since(earlier).0 < GROUP_MILLIS
            && now.day(earlier) == now.day(later)
    }
}

/// Whether it may count as unread: what somebody said, and calls.
fn is_read(message: &MessageView) -> bool {
    is_said(message) || matches!(message.kind, MessageKind::Call(_))
}

/// Whether somebody said it; else it happened.
fn is_said(message: &MessageView) -> bool {
    message.kind == MessageKind::Text
}
