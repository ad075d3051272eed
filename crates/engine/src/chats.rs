//! The chat list and the writing of history: indices, unread counts, previews, drafts, disappearing messages.
//!
//! History is written here and never read back; what the list shows is kept in memory. Not here: delivery (`outbox`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::ops::Bound;

use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::MessageId;
use kith_proto::payload::Position;
use kith_proto::payload::Text;
use kith_proto::payload::TextMessage;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::core::Core;
use crate::groups::history::rows as history;
use crate::output::Output;
use crate::rows;
use crate::rows::ChatRow;
use crate::rows::HistoryRow;
use crate::rows::LastRow;
use crate::rows::groups::Entry;
use crate::rows::groups::GROUP_UNREAD;
use crate::rows::groups::UnreadRow;
use crate::rows::groups::With;
use crate::timer::TimerKey;

/// How far the list looks for the newest message that is left when the last one expires: about a screen.
const LAST_LOOKED_AT: usize = 64;

/// All chats.
#[derive(Default)]
pub(crate) struct Chats {
    by_id: BTreeMap<ChatId, Chat>,
    expiry: BTreeSet<(Timestamp, ChatId, u64)>,
    expiring: BTreeMap<(ChatId, u64), MessageId>,
}

struct Chat {
    row: ChatRow,
    unread: VecDeque<Unread>,
    draft: String,
}

/// A message of somebody else that was not read yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unread {
    /// Its place in the chat.
    pub(crate) index: u64,
    /// Its name.
    pub(crate) message: MessageId,
    /// Where it came from: a place in that device's channel, or in a group the number among its posts.
    pub(crate) place: (DeviceId, u64),
}

/// A message that goes into a chat.
pub(crate) struct NewMessage {
    /// What it says.
    pub(crate) content: TextMessage,
    /// Whether it is ours.
    pub(crate) outgoing: bool,
    /// When its author wrote it.
    pub(crate) sent_at: Timestamp,
    /// The devices and positions it goes to or came from. What came from nowhere is not unread.
    pub(crate) places: Vec<(DeviceId, Position)>,
    /// What it is.
    pub(crate) entry: Entry,
}

/// Something that goes into the chat of a group.
pub(crate) struct NewEntry {
    /// Its name.
    pub(crate) message: MessageId,
    /// What it says; nothing for what happened.
    pub(crate) text: Text,
    /// The message it answers.
    pub(crate) reply_to: Option<MessageId>,
    /// Whether it is ours.
    pub(crate) outgoing: bool,
    /// Whether it counts as unread.
    pub(crate) news: bool,
    /// When its author says it was.
    pub(crate) time: Timestamp,
    /// What follows from it and its name: the place.
    pub(crate) spread: [u8; 32],
    /// When it disappears.
    pub(crate) expires_at: Option<Timestamp>,
    /// Where it goes to.
    pub(crate) places: Vec<(DeviceId, Position)>,
    /// What it is.
    pub(crate) entry: Entry,
}

/// The latest time that a place in a group's chat can tell: the year 2527.
const MAX_PLACED: u64 = (1 << 44) - 1;

/// Where something stands in a group's chat: by its time, and by its name where times are alike. The same on every
/// member, so that what comes late falls in its place.
fn place_in_group(time: Timestamp, name: &[u8; 32]) -> u64 {
    let [a, b, c, ..] = *name;
    time.0.min(MAX_PLACED) << 20 | u64::from(u32::from_be_bytes([0, a, b, c]) >> 4)
}

/// Where a message was stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stored {
    /// Its place in the chat.
    pub(crate) index: u64,
    /// When it disappears.
    pub(crate) expires_at: Option<Timestamp>,
}

impl Chats {
    /// Takes a chat as it was stored.
    pub(crate) fn restore(&mut self, chat: ChatId, row: ChatRow) {
        self.by_id.insert(chat, Chat { row, unread: VecDeque::new(), draft: String::new() });
    }

    /// Takes an unread message as it was stored, oldest first.
    pub(crate) fn restore_unread(&mut self, chat: &ChatId, unread: Unread) {
        if let Some(chat) = self.by_id.get_mut(chat) {
            chat.unread.push_back(unread);
        }
    }

    /// Takes a draft as it was stored.
    pub(crate) fn restore_draft(&mut self, chat: &ChatId, draft: String) {
        if let Some(chat) = self.by_id.get_mut(chat) {
            chat.draft = draft;
        }
    }

    /// Takes a deadline as it was stored.
    pub(crate) fn restore_expiry(
        &mut self,
        core: &mut Core,
        at: Timestamp,
        chat: ChatId,
        index: u64,
        message: MessageId,
    ) {
        self.expiry.insert((at, chat, index));
        self.expiring.insert((chat, index), message);
        core.timers.set_earlier(TimerKey::Expiry, at);
    }

    /// Opens a chat if there is none.
    pub(crate) fn open(&mut self, core: &Core, out: &mut Output, chat: ChatId, with: With) {
        if self.by_id.contains_key(&chat) {
            return;
        }
        let row = ChatRow { with, next_index: 1, read_index: 1, unread: 0, last: None, active_at: core.now };
        out.put(rows::CHATS, &chat.0, row.to_bytes());
        self.restore(chat, row);
    }

    /// Writes a message into its chat.
    pub(crate) fn store(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        chat: &ChatId,
        new: NewMessage,
    ) -> Option<Stored> {
        let kept = self.by_id.get_mut(chat)?;
        let NewMessage { content, outgoing, sent_at, places, entry } = new;
        let index = kept.row.next_index;
        let name = rows::message_key(&content.message, chat);
        let expires_at = content.expires_secs.map(|secs| core.now + Span::from_secs(u64::from(secs)));
        let key = rows::history_key(chat, index);
        let preview: String = match expires_at {
            None => content.text.chars().take(core.config.preview_chars).collect(),
            Some(_) => String::new(),
        };
        let places = BoundedVec::truncated(places);
        kept.row.last = Some(LastRow {
            index,
            message: content.message,
            outgoing,
            text: BoundedStr::truncated(preview),
            sent_at,
            places: places.clone(),
            entry: entry.clone(),
        });
        kept.row.next_index = index + 1;
        kept.row.active_at = core.now;
        if outgoing {
            // Whoever writes has seen what is above.
        } else if let Some(place) = places.first() {
            kept.unread.push_back(Unread { index, message: content.message, place: *place });
            kept.row.unread = kept.unread.len() as u64;
        }
        if let Some(at) = expires_at {
            out.put(rows::FADING, &key, content.text.as_bytes().to_vec());
            out.put(rows::EXPIRY, &rows::expiry_key(at, chat, index), content.message.0.to_vec());
            self.expiry.insert((at, *chat, index));
            self.expiring.insert((*chat, index), content.message);
            core.timers.set_earlier(TimerKey::Expiry, at);
        }
        out.put(rows::CHATS, &chat.0, kept.row.to_bytes());
        out.put(rows::MESSAGES, &name, key.clone());
        let row = HistoryRow {
            message: content.message,
            outgoing,
            text: expires_at.is_none().then_some(content.text),
            reply_to: content.reply_to,
            sent_at,
            stored_at: core.now,
            expires_at,
            places,
            entry,
        };
        out.put(rows::HISTORY, &key, row.to_bytes());
        Some(Stored { index, expires_at })
    }

    /// Writes something into the chat of a group, in its place. `None` when it is there, or there is no such chat.
    pub(crate) fn store_in_group(
        &mut self,
        core: &mut Core,
        rows: &dyn Rows,
        out: &mut Output,
        chat: &ChatId,
        new: NewEntry,
    ) -> Option<Stored> {
        let kept = self.by_id.get_mut(chat)?;
        if Self::index_of(rows, out, chat, &new.message).is_some() {
            return None;
        }
        let mut index = place_in_group(new.time, &new.spread);
        // One in a million of those of one millisecond: then whoever came first stays.
        while Self::history(rows, out, chat, index).is_some() {
            // The last place of all is as good as any to somebody who claims the end of time.
            index = index.checked_add(1)?;
        }
        let key = rows::history_key(chat, index);
        let fades = new.expires_at.is_some();
        let shown = if fades { "" } else { &*new.text };
        let places = BoundedVec::truncated(new.places);
        if kept.row.last.as_ref().is_none_or(|last| last.index < index) {
            kept.row.last = Some(LastRow {
                index,
                message: new.message,
                outgoing: new.outgoing,
                text: BoundedStr::truncated(
                    shown.chars().take(core.config.preview_chars).collect::<String>(),
                ),
                sent_at: new.time,
                places: places.clone(),
                entry: new.entry.clone(),
            });
        }
        kept.row.active_at = core.now;
        if let (false, true, Entry::Post(post)) = (new.outgoing, new.news, &new.entry) {
            let unread =
                Unread { index, message: new.message, place: (post.device, u64::from(post.sequence)) };
            let at = kept.unread.partition_point(|other| other.index < index);
            kept.unread.insert(at, unread);
            kept.row.unread = kept.unread.len() as u64;
            let row = UnreadRow { message: new.message, device: post.device, sequence: post.sequence };
            out.put(GROUP_UNREAD, &key, row.to_bytes());
        }
        if let Some(at) = new.expires_at {
            out.put(rows::FADING, &key, new.text.as_bytes().to_vec());
            out.put(rows::EXPIRY, &rows::expiry_key(at, chat, index), new.message.0.to_vec());
            self.expiry.insert((at, *chat, index));
            self.expiring.insert((*chat, index), new.message);
            core.timers.set_earlier(TimerKey::Expiry, at);
        }
        out.put(rows::CHATS, &chat.0, kept.row.to_bytes());
        out.put(rows::MESSAGES, &rows::message_key(&new.message, chat), key.clone());
        let row = HistoryRow {
            message: new.message,
            outgoing: new.outgoing,
            text: (!fades).then_some(new.text),
            reply_to: new.reply_to,
            sent_at: new.time,
            stored_at: core.now,
            expires_at: new.expires_at,
            places,
            entry: new.entry,
        };
        out.put(rows::HISTORY, &key, row.to_bytes());
        Some(Stored { index, expires_at: new.expires_at })
    }

    /// Takes a message out of a group's chat. Returns whether it was there.
    pub(crate) fn take_out(
        &mut self,
        core: &Core,
        rows: &dyn Rows,
        out: &mut Output,
        chat: &ChatId,
        message: &MessageId,
    ) -> bool {
        let Some(index) = Self::index_of(rows, out, chat, message) else { return false };
        let deadline = self.expiry.iter().find(|(_, of, at)| of == chat && *at == index).copied();
        if let Some((at, ..)) = deadline {
            self.expiry.remove(&(at, *chat, index));
            self.expiring.remove(&(*chat, index));
            out.delete(rows::EXPIRY, &rows::expiry_key(at, chat, index));
        }
        self.drop_message(core, rows, out, chat, index, message);
        true
    }

    /// Deletes the rows of a message, and shows another as the last one if it was that.
    fn drop_message(
        &mut self,
        core: &Core,
        rows: &dyn Rows,
        out: &mut Output,
        chat: &ChatId,
        index: u64,
        message: &MessageId,
    ) {
        let key = rows::history_key(chat, index);
        out.delete(rows::FADING, &key);
        out.delete(rows::HISTORY, &key);
        out.delete(rows::MESSAGES, &rows::message_key(message, chat));
        let Some(kept) = self.by_id.get_mut(chat) else { return };
        if matches!(kept.row.with, With::Group(_)) {
            out.delete(GROUP_UNREAD, &key);
        }
        kept.unread.retain(|unread| unread.index != index);
        kept.row.unread = kept.unread.len() as u64;
        if kept.row.last.as_ref().is_some_and(|last| last.index == index) {
            kept.row.last = Self::last_before(core, rows, out, chat, &kept.row.with, index);
        }
        out.put(rows::CHATS, &chat.0, kept.row.to_bytes());
    }

    /// The place of a message in its chat, if it is there.
    pub(crate) fn index_of(rows: &dyn Rows, out: &Output, chat: &ChatId, message: &MessageId) -> Option<u64> {
        let place = out.read(rows, rows::MESSAGES, &rows::message_key(message, chat)).ok()??;
        rows::split_key::<16>(&place).map(|(_, index)| index)
    }

    /// Notes where an own message waits now; nowhere when it will not reach anybody.
    pub(crate) fn set_places(
        &mut self,
        rows: &dyn Rows,
        out: &mut Output,
        chat: &ChatId,
        message: &MessageId,
        places: Vec<(DeviceId, Position)>,
    ) {
        let places = BoundedVec::truncated(places);
        if let Some(kept) = self.by_id.get_mut(chat)
            && let Some(last) = kept.row.last.as_mut().filter(|last| last.message == *message)
        {
            last.places = places.clone();
            out.put(rows::CHATS, &chat.0, kept.row.to_bytes());
        }
        let Some(index) = Self::index_of(rows, out, chat, message) else { return };
        if let Some(mut row) = Self::history(rows, out, chat, index) {
            row.places = places;
            out.put(rows::HISTORY, &rows::history_key(chat, index), row.to_bytes());
        }
    }

    /// A message as it will be after this batch.
    pub(crate) fn history(rows: &dyn Rows, out: &Output, chat: &ChatId, index: u64) -> Option<HistoryRow> {
        let bytes = out.read(rows, rows::HISTORY, &rows::history_key(chat, index)).ok()??;
        HistoryRow::from_bytes(&bytes).ok()
    }

    /// Marks everything up to a place as read. Returns what was read now, oldest first; `None` when the chat is unknown.
    pub(crate) fn mark_read(&mut self, out: &mut Output, chat: &ChatId, upto: u64) -> Option<Vec<Unread>> {
        let kept = self.by_id.get_mut(chat)?;
        let count = kept.unread.iter().take_while(|unread| unread.index <= upto).count();
        if count == 0 {
            return Some(Vec::new());
        }
        let read: Vec<Unread> = kept.unread.drain(..count).collect();
        if matches!(kept.row.with, With::Group(_)) {
            for unread in &read {
                out.delete(GROUP_UNREAD, &rows::history_key(chat, unread.index));
            }
        }
        kept.row.unread = kept.unread.len() as u64;
        kept.row.read_index = read.last().map_or(kept.row.read_index, |unread| unread.index + 1);
        out.put(rows::CHATS, &chat.0, kept.row.to_bytes());
        Some(read)
    }

    /// Keeps or forgets a draft.
    pub(crate) fn set_draft(&mut self, out: &mut Output, chat: &ChatId, text: String) -> bool {
        let Some(kept) = self.by_id.get_mut(chat) else { return false };
        if text.is_empty() {
            out.delete(rows::DRAFTS, &chat.0);
        } else {
            out.put(rows::DRAFTS, &chat.0, text.as_bytes().to_vec());
        }
        kept.draft = text;
        true
    }

    /// Deletes the messages whose time has come.
    pub(crate) fn expire(
        &mut self,
        core: &mut Core,
        rows: &dyn Rows,
        out: &mut Output,
    ) -> Vec<(ChatId, MessageId)> {
        let mut gone = Vec::new();
        while let Some((at, chat, index)) = self.expiry.first().copied() {
            if at > core.now {
                core.timers.set(TimerKey::Expiry, at);
                break;
            }
            self.expiry.pop_first();
            let Some(message) = self.expiring.remove(&(chat, index)) else { continue };
            out.delete(rows::EXPIRY, &rows::expiry_key(at, &chat, index));
            let entry = Self::history(rows, out, &chat, index).map(|row| row.entry);
            let with = self.by_id.get(&chat).map(|kept| kept.row.with);
            if let (Some(Entry::Post(post)), Some(With::Group(group))) = (entry, with) {
                out.delete(history::POSTS, &history::post_key(&group, &post.post));
            }
            self.drop_message(core, rows, out, &chat, index, &message);
            gone.push((chat, message));
        }
        gone
    }

    /// The newest message before a place. Not further than a screen: beyond it the list shows none.
    fn last_before(
        core: &Core,
        rows: &dyn Rows,
        out: &Output,
        chat: &ChatId,
        with: &With,
        index: u64,
    ) -> Option<LastRow> {
        let nearest: Vec<u64> = match with {
            With::Contact(_) => (1..index).rev().take(LAST_LOOKED_AT).collect(),
            With::Group(_) => Self::places_before(rows, chat, index),
        };
        let mut nearest = nearest.into_iter();
        let (index, row) = nearest.find_map(|at| Some((at, Self::history(rows, out, chat, at)?)))?;
        let text = row.text.iter().flat_map(|text| text.chars()).take(core.config.preview_chars);
        Some(LastRow {
            index,
            message: row.message,
            outgoing: row.outgoing,
            text: BoundedStr::truncated(text.collect::<String>()),
            sent_at: row.sent_at,
            places: row.places,
            entry: row.entry,
        })
    }

    /// Some places that were taken before this batch, the nearest first.
    fn places_before(rows: &dyn Rows, chat: &ChatId, index: u64) -> Vec<u64> {
        let (from, to) = (rows::history_key(chat, 0), rows::history_key(chat, index));
        let (from, to) = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
        let mut found = Vec::new();
        // Storage that cannot be read will fail the commit of this batch too.
        let _ = rows.scan(rows::HISTORY, from, to, Direction::Down, &mut |key, _| {
            found.extend(rows::split_key::<16>(key).map(|(_, index)| index));
            found.len() < LAST_LOOKED_AT
        });
        found
    }

    /// Forgets a chat and its messages. Their entries in `messages` are not known here: a note in `removed` has them
    /// swept at the next start.
    pub(crate) fn remove(&mut self, rows: &dyn Rows, out: &mut Output, chat: &ChatId) {
        let Some(kept) = self.by_id.remove(chat) else { return };
        out.delete(rows::CHATS, &chat.0);
        out.delete(rows::DRAFTS, &chat.0);
        out.put(rows::REMOVED, &chat.0, Vec::new());
        let deadlines: Vec<_> = self.expiry.iter().filter(|(_, of, _)| of == chat).copied().collect();
        for (at, chat, index) in deadlines {
            self.expiry.remove(&(at, chat, index));
            self.expiring.remove(&(chat, index));
            out.delete(rows::EXPIRY, &rows::expiry_key(at, &chat, index));
            out.delete(rows::FADING, &rows::history_key(&chat, index));
        }
        if matches!(kept.row.with, With::Contact(_)) {
            for index in 1..kept.row.next_index {
                out.delete(rows::HISTORY, &rows::history_key(chat, index));
            }
            return;
        }
        let (from, to) = (rows::history_key(chat, 0), rows::history_key(chat, u64::MAX));
        let bounds = (Bound::Included(from.as_slice()), Bound::Included(to.as_slice()));
        let mut keys = Vec::new();
        // Storage that cannot be read will fail the commit of this batch too.
        let _ = rows.scan(rows::HISTORY, bounds.0, bounds.1, Direction::Up, &mut |key, _| {
            keys.push(key.to_vec());
            true
        });
        for key in keys {
            out.delete(rows::HISTORY, &key);
            out.delete(GROUP_UNREAD, &key);
        }
    }

    /// What the list shows of a chat, without the contact's name.
    pub(crate) fn get(&self, chat: &ChatId) -> Option<(&ChatRow, &str)> {
        self.by_id.get(chat).map(|kept| (&kept.row, kept.draft.as_str()))
    }

    /// The contact of a direct chat.
    pub(crate) fn contact_of(&self, chat: &ChatId) -> Option<ContactId> {
        match self.with(chat)? {
            With::Contact(contact) => Some(contact),
            With::Group(_) => None,
        }
    }

    /// With whom a chat is.
    pub(crate) fn with(&self, chat: &ChatId) -> Option<With> {
        self.by_id.get(chat).map(|kept| kept.row.with)
    }
}
