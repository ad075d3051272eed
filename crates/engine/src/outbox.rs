//! What other devices have not confirmed yet, one queue per device.
//!
//! ```text
//!            enqueue            next (window, link ready)          receipt covers it
//!  (nothing) ───────▶ waiting ───────────────────────────▶ sent ───────────────────▶ gone
//!                        ▲                                   │
//!                        └──────── link lost, probe ─────────┘   same sealed bytes again
//!                        └──────── other session ────────────┘   sealed anew
//! ```
//!
//! An item is stored unsealed (under a shred key) and sealed when it first enters the window; the sealed bytes stay
//! in memory until the receipt. After a restart it is sealed anew: a new message key, never the same one twice.
//! Not here: which session seals it (`sessions`), whether a connection is up (`presence`).

use std::collections::BTreeMap;
use std::collections::VecDeque;

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::MessageId;
use kith_proto::payload::Content;
use kith_proto::payload::Payload;
use kith_proto::payload::Position;
use kith_proto::payload::Receipt;
use kith_proto::payload::TextMessage;
use kith_proto::time::Timestamp;

use crate::core::Core;
use crate::output::Output;
use crate::peers::Peers;
use crate::rows;
use crate::rows::OutboxRow;

/// How many delivered messages per device are remembered so that a later read receipt can name them.
const UNREAD_MEMORY: usize = 10_000;

/// All queues.
#[derive(Default)]
pub(crate) struct Outbox {
    by_device: BTreeMap<DeviceId, Queue>,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    /// How many items, from the front, were put on the present stream.
    sent: usize,
    sent_bytes: usize,
    /// Messages that are delivered and not read yet, by position.
    unread: VecDeque<(Position, ChatId, MessageId)>,
}

struct Item {
    position: Position,
    row: OutboxRow,
    sealed: Option<Envelope>,
}

impl Queue {
    /// What is sealed for an item.
    fn payload(&self, item: &Item) -> Payload {
        Payload {
            position: item.position,
            previous: item.row.previous,
            floor: self.items.front().map_or(item.position, |first| first.position),
            sent_at: item.row.written_at,
            contents: item.row.contents.clone(),
        }
    }
}

impl Item {
    /// Whether it asks to be a contact.
    fn opens(&self) -> bool {
        self.row.contents.iter().any(Content::is_request)
    }
}

/// What is to be put on the stream next.
pub(crate) enum Next {
    /// Sealed before: the same bytes go again.
    Sealed(Envelope),
    /// To be sealed now, then handed back with [`Outbox::mark_sent`].
    Unsealed(Payload),
}

/// What a receipt confirmed.
#[derive(Default)]
pub(crate) struct Confirmed {
    /// They have seen more than we remember to have sent: an old disk was put back here.
    pub(crate) set_back: bool,
    /// How many items are not waiting any more, messages and others.
    pub(crate) items: usize,
    /// Messages now delivered.
    pub(crate) delivered: Vec<(ChatId, MessageId)>,
    /// Messages now read.
    pub(crate) read: Vec<(ChatId, MessageId)>,
}

impl Outbox {
    /// Takes a row as it was stored; rows come in key order.
    pub(crate) fn restore(&mut self, device: DeviceId, position: Position, row: OutboxRow) {
        let queue = self.by_device.entry(device).or_default();
        queue.items.push_back(Item { position, row, sealed: None });
    }

    /// Takes a delivered, unread message as it was stored; oldest first.
    pub(crate) fn restore_unread(
        &mut self,
        device: DeviceId,
        position: Position,
        chat: ChatId,
        message: MessageId,
    ) {
        self.by_device.entry(device).or_default().unread.push_back((position, chat, message));
    }

    /// Keeps `contents` for a device until it confirms them, and returns their position.
    ///
    /// Positions are times (`now << 20`) unless the last one was later: a device that was set back to an old state
    /// never gives out a position that its peer has seen already.
    pub(crate) fn enqueue(
        &mut self,
        core: &mut Core,
        peers: &mut Peers,
        out: &mut Output,
        device: &DeviceId,
        contents: Vec<Content>,
        message: Option<(ChatId, MessageId)>,
    ) -> Position {
        let previous = peers.get(device).map_or(0, |row| row.last_position);
        let position = previous.saturating_add(1).max(core.now.0 << 20);
        peers.update(device, out, |row| row.last_position = position);
        let contents = BoundedVec::truncated(contents);
        let row = OutboxRow { previous, message, written_at: core.now, contents };
        out.put(rows::OUTBOX, &rows::place_key(device, position), row.to_bytes());
        let queue = self.by_device.entry(*device).or_default();
        queue.items.push_back(Item { position, row, sealed: None });
        core.stats.waiting += 1;
        position
    }

    /// The next item for a device whose stream is ready, if the window has room.
    ///
    /// `opening_only` holds everything back but a contact request: nothing else is for somebody who has not agreed.
    pub(crate) fn next(&self, core: &Core, device: &DeviceId, opening_only: bool) -> Option<Next> {
        let queue = self.by_device.get(device)?;
        if queue.sent >= core.config.window_items || queue.sent_bytes >= core.config.window_bytes {
            return None;
        }
        let item = queue.items.get(queue.sent)?;
        if opening_only && !item.opens() {
            return None;
        }
        if let Some(envelope) = &item.sealed {
            return Some(Next::Sealed(envelope.clone()));
        }
        Some(Next::Unsealed(queue.payload(item)))
    }

    /// Notes that the item named by [`next`](Self::next) was put on the stream. Returns the message it carries if this
    /// is the first time ever.
    pub(crate) fn mark_sent(
        &mut self,
        core: &mut Core,
        peers: &mut Peers,
        out: &mut Output,
        device: &DeviceId,
        envelope: &Envelope,
    ) -> Option<(ChatId, MessageId)> {
        let queue = self.by_device.get_mut(device)?;
        let item = queue.items.get_mut(queue.sent)?;
        queue.sent += 1;
        queue.sent_bytes += envelope.as_bytes().len();
        if item.sealed.replace(envelope.clone()).is_some() {
            core.stats.resent += 1;
        }
        let position = item.position;
        let first_time = peers.get(device).is_some_and(|row| row.handed < position);
        peers.update(device, out, |row| {
            row.sent = row.sent.max(position);
            row.handed = row.handed.max(position);
        });
        item.row.message.filter(|_| first_time)
    }

    /// The first item after a position, to be left in a mailbox: its place, and what to seal or what was sealed.
    pub(crate) fn after(
        &self,
        device: &DeviceId,
        from: Position,
        opening_only: bool,
    ) -> Option<(Position, Next)> {
        let queue = self.by_device.get(device)?;
        let at = queue.items.partition_point(|item| item.position <= from);
        let item = queue.items.get(at).filter(|item| !opening_only || item.opens())?;
        let next = match &item.sealed {
            Some(envelope) => Next::Sealed(envelope.clone()),
            None => Next::Unsealed(queue.payload(item)),
        };
        Some((item.position, next))
    }

    /// Notes that a mailbox is asked to keep an item as this envelope. Whether it does is another question.
    pub(crate) fn mark_left(
        &mut self,
        peers: &mut Peers,
        out: &mut Output,
        device: &DeviceId,
        position: Position,
        envelope: &Envelope,
    ) {
        let Some(queue) = self.by_device.get_mut(device) else { return };
        let Ok(at) = queue.items.binary_search_by_key(&position, |item| item.position) else { return };
        let Some(item) = queue.items.get_mut(at) else { return };
        item.sealed = Some(envelope.clone());
        peers.update(device, out, |row| row.sent = row.sent.max(position));
    }

    /// A mailbox has promised to keep everything up to a position. Returns the messages that nobody else had before.
    pub(crate) fn mark_handed(
        &mut self,
        peers: &mut Peers,
        out: &mut Output,
        device: &DeviceId,
        upto: Position,
    ) -> Vec<(ChatId, MessageId)> {
        let Some(before) = peers.get(device).map(|row| row.handed) else { return Vec::new() };
        peers.update(device, out, |row| row.handed = row.handed.max(upto));
        self.between(device, before, upto).into_iter().map(|(_, chat, message)| (chat, message)).collect()
    }

    /// The name of the envelope that an item was sealed into last, if it is still waiting and was sealed.
    pub(crate) fn sealed_at(&self, device: &DeviceId, position: Position) -> Option<EnvelopeId> {
        let queue = self.by_device.get(device)?;
        let at = queue.items.binary_search_by_key(&position, |item| item.position).ok()?;
        queue.items.get(at)?.sealed.as_ref().map(Envelope::id)
    }

    /// The messages that wait for a device at places above `from` and up to `to`.
    pub(crate) fn between(
        &self,
        device: &DeviceId,
        from: Position,
        to: Position,
    ) -> Vec<(Position, ChatId, MessageId)> {
        let Some(queue) = self.by_device.get(device) else { return Vec::new() };
        let first = queue.items.partition_point(|item| item.position <= from);
        let inside = queue.items.range(first..).take_while(|item| item.position <= to);
        let place = |item: &Item| item.row.message.map(|(chat, message)| (item.position, chat, message));
        inside.filter_map(place).collect()
    }

    /// When the oldest item that waits for a device was written.
    pub(crate) fn oldest(&self, device: &DeviceId) -> Option<Timestamp> {
        self.by_device.get(device)?.items.front().map(|item| item.row.written_at)
    }

    /// Every device that something waits for.
    pub(crate) fn devices(&self) -> Vec<DeviceId> {
        self.by_device
            .iter()
            .filter(|(_, queue)| !queue.items.is_empty())
            .map(|(device, _)| *device)
            .collect()
    }

    /// Whether something that may go is not confirmed: on the stream, or the next to be put there.
    pub(crate) fn unconfirmed(&self, device: &DeviceId, opening_only: bool) -> bool {
        let Some(queue) = self.by_device.get(device) else { return false };
        let next_may_go = queue.items.get(queue.sent).is_some_and(|item| !opening_only || item.opens());
        queue.sent > 0 || next_may_go
    }

    /// The stream was lost or starts anew: everything not confirmed goes again, with the same sealed bytes.
    pub(crate) fn rewind(&mut self, device: &DeviceId) {
        if let Some(queue) = self.by_device.get_mut(device) {
            queue.sent = 0;
            queue.sent_bytes = 0;
        }
    }

    /// Another session is used from now on: everything not confirmed is sealed anew and goes again.
    pub(crate) fn reseal(&mut self, device: &DeviceId) {
        self.rewind(device);
        if let Some(queue) = self.by_device.get_mut(device) {
            for item in &mut queue.items {
                item.sealed = None;
            }
        }
    }

    /// Takes a device's receipt. Old and repeated receipts change nothing.
    pub(crate) fn confirm(
        &mut self,
        core: &mut Core,
        peers: &mut Peers,
        out: &mut Output,
        device: &DeviceId,
        receipt: Receipt,
    ) -> Confirmed {
        let mut confirmed = Confirmed::default();
        let Some((sent, read_before)) = peers.get(device).map(|row| (row.sent, row.read)) else {
            return confirmed;
        };
        let queue = self.by_device.entry(*device).or_default();
        while let Some(item) = queue.items.front() {
            // Above `sent` nothing ever left this device; a receipt for it is about a future we were set back from.
            if item.position > receipt.delivered || item.position > sent {
                break;
            }
            let Some(item) = queue.items.pop_front() else { break };
            confirmed.items += 1;
            out.delete(rows::OUTBOX, &rows::place_key(device, item.position));
            core.stats.waiting = core.stats.waiting.saturating_sub(1);
            if queue.sent > 0 {
                queue.sent -= 1;
                let size = item.sealed.map_or(0, |envelope| envelope.as_bytes().len());
                queue.sent_bytes = queue.sent_bytes.saturating_sub(size);
            }
            if let Some((chat, message)) = item.row.message {
                confirmed.delivered.push((chat, message));
                queue.unread.push_back((item.position, chat, message));
            }
        }
        if receipt.delivered > sent {
            confirmed.set_back = true;
            Self::move_above(queue, peers, out, device, receipt.delivered);
        }
        let read = receipt.read.min(receipt.delivered).max(read_before);
        while let Some((position, chat, message)) = queue.unread.front().copied() {
            if position > read && queue.unread.len() <= UNREAD_MEMORY {
                break;
            }
            queue.unread.pop_front();
            if position <= read {
                confirmed.read.push((chat, message));
            }
        }
        peers.update(device, out, |row| {
            row.delivered = row.delivered.max(receipt.delivered);
            row.sent = row.sent.max(receipt.delivered);
            row.handed = row.handed.max(receipt.delivered);
            row.last_position = row.last_position.max(receipt.delivered);
            row.read = read;
        });
        confirmed
    }

    /// The peer has seen positions that we do not remember: this device was set back to an old state. What was written
    /// since gets new positions above those, or the peer would take it for something it knows.
    fn move_above(queue: &mut Queue, peers: &mut Peers, out: &mut Output, device: &DeviceId, seen: Position) {
        let mut previous = seen;
        for item in &mut queue.items {
            out.delete(rows::OUTBOX, &rows::place_key(device, item.position));
            item.position = item.position.max(previous.saturating_add(1));
            item.row.previous = previous;
            item.sealed = None;
            previous = item.position;
            out.put(rows::OUTBOX, &rows::place_key(device, item.position), item.row.to_bytes());
        }
        queue.sent = 0;
        queue.sent_bytes = 0;
        peers.update(device, out, |row| row.last_position = row.last_position.max(previous));
    }

    /// Drops everything that waits for a device; returns the messages that will not arrive.
    pub(crate) fn drop_device(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        device: &DeviceId,
    ) -> Vec<(ChatId, MessageId)> {
        let Some(queue) = self.by_device.remove(device) else { return Vec::new() };
        let mut messages = Vec::new();
        for item in queue.items {
            out.delete(rows::OUTBOX, &rows::place_key(device, item.position));
            core.stats.waiting = core.stats.waiting.saturating_sub(1);
            messages.extend(item.row.message);
        }
        messages
    }

    /// Keeps a contact request for a device, before everything else that waits: nothing goes until it is answered. It
    /// takes the place of an older one.
    pub(crate) fn enqueue_request(
        &mut self,
        core: &mut Core,
        peers: &mut Peers,
        out: &mut Output,
        device: &DeviceId,
        request: Vec<Content>,
    ) {
        self.drop_requests(core, out, device);
        let delivered = peers.get(device).map_or(0, |row| row.delivered);
        let front = self.by_device.get_mut(device).and_then(|queue| queue.items.front_mut());
        let Some(front) = front.filter(|front| front.position > delivered.saturating_add(1)) else {
            self.enqueue(core, peers, out, device, request, None);
            return;
        };
        let position = front.position - 1;
        let row = OutboxRow {
            previous: front.row.previous.min(position.saturating_sub(1)),
            message: None,
            written_at: core.now,
            contents: BoundedVec::truncated(request),
        };
        front.row.previous = position;
        front.sealed = None;
        out.put(rows::OUTBOX, &rows::place_key(device, front.position), front.row.to_bytes());
        out.put(rows::OUTBOX, &rows::place_key(device, position), row.to_bytes());
        let queue = self.by_device.entry(*device).or_default();
        queue.items.push_front(Item { position, row, sealed: None });
        core.stats.waiting += 1;
    }

    fn drop_requests(&mut self, core: &mut Core, out: &mut Output, device: &DeviceId) {
        self.rewind(device);
        let Some(queue) = self.by_device.get_mut(device) else { return };
        let mut gap = None;
        for mut item in std::mem::take(&mut queue.items) {
            let key = rows::place_key(device, item.position);
            if item.opens() {
                gap = gap.or(Some(item.row.previous));
                out.delete(rows::OUTBOX, &key);
                core.stats.waiting = core.stats.waiting.saturating_sub(1);
                continue;
            }
            if let Some(previous) = gap.take() {
                // What follows must not wait for what will never come.
                item.row.previous = previous;
                item.sealed = None;
                out.put(rows::OUTBOX, &key, item.row.to_bytes());
            }
            queue.items.push_back(item);
        }
    }

    /// The texts that wait for a device, oldest first.
    pub(crate) fn texts_for(&self, device: &DeviceId) -> Vec<(ChatId, TextMessage)> {
        let Some(queue) = self.by_device.get(device) else { return Vec::new() };
        let texts = |item: &Item| {
            let (chat, _) = item.row.message?;
            item.row.contents.iter().find_map(|content| match content {
                Content::Text(text) => Some((chat, text.clone())),
                _ => None,
            })
        };
        queue.items.iter().filter_map(texts).collect()
    }

    /// Whether something like this waits for a device, sent or not.
    pub(crate) fn is_waiting(&self, device: &DeviceId, like: impl Fn(&Content) -> bool) -> bool {
        let Some(queue) = self.by_device.get(device) else { return false };
        queue.items.iter().any(|item| item.row.contents.iter().any(&like))
    }

    /// How many items wait for a device.
    pub(crate) fn waiting(&self, device: &DeviceId) -> usize {
        self.by_device.get(device).map_or(0, |queue| queue.items.len())
    }

    /// How many items wait in all.
    pub(crate) fn waiting_in_all(&self) -> u64 {
        self.by_device.values().map(|queue| queue.items.len() as u64).sum()
    }

    /// Puts a newer content in the place of one of the same kind that was never sent. Returns whether there was one.
    pub(crate) fn replace_waiting(
        &mut self,
        peers: &mut Peers,
        out: &mut Output,
        device: &DeviceId,
        content: &Content,
        same: impl Fn(&Content) -> bool,
    ) -> bool {
        let sent = peers.get(device).map_or(0, |row| row.sent);
        let Some(queue) = self.by_device.get_mut(device) else { return false };
        for item in queue.items.iter_mut().filter(|item| item.position > sent) {
            if let [only] = &*item.row.contents
                && same(only)
            {
                item.row.contents = BoundedVec::truncated(vec![content.clone()]);
                out.put(rows::OUTBOX, &rows::place_key(device, item.position), item.row.to_bytes());
                return true;
            }
        }
        false
    }
}
