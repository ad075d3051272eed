//! The streams: who said hello, who waits for envelopes, and how much was given to each and is not written yet.
//!
//! ```text
//!          Opened            Hello               Subscribe              page by page
//!  (none) ────────▶ silent ────────▶ greeted ───────────────▶ listing ─────────────▶ live
//!                     │ in time?       │ idle?                   ▲   window is full    │
//!                     ▼                ▼                         └─────────────────────┘
//!                   closed           closed
//! ```
//!
//! Nothing is queued for a subscriber: a place in the index is all that is kept, and pages are read when the driver has
//! written what it was given.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::VecDeque;

use kith_proto::bounded::BoundedVec;
use kith_proto::id::ReaderId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::MAX_INDEX;
use kith_proto::mailbox::Nonce;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Sequence;
use kith_proto::time::Span;

use crate::core::Core;
use crate::core::Step;
use crate::deletions;
use crate::effect::CloseReason;
use crate::effect::Effect;
use crate::error::StorageError;
use crate::input::Source;
use crate::output::Output;
use crate::rows;
use crate::rows::InboxKey;
use crate::timer::TimerKey;

/// A subscriber that stays is noted as heard of this often, well within [`crate::Config::silence`].
const NOTE_EVERY: Span = Span::from_days(1);

/// All streams.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    all: BTreeMap<u64, Stream>,
    sources: BTreeMap<Source, u32>,
    subscribers: BTreeMap<InboxKey, BTreeMap<ReaderId, u64>>,
    /// Bytes given to all streams and not written yet.
    unwritten: u64,
}

/// One stream.
#[derive(Debug)]
struct Stream {
    from: Source,
    nonce: Nonce,
    greeted: bool,
    /// The period of an inbox that was opened here, if that of the period beside it is still free.
    paid: Option<u32>,
    subscription: Option<Subscription>,
    /// Envelopes asked for, with the number of the request.
    gets: VecDeque<(u32, Sequence)>,
    /// Bytes given and not written yet.
    unwritten: u64,
}

/// What a stream waits for.
#[derive(Clone, Debug)]
struct Subscription {
    inbox: InboxKey,
    reader: ReaderId,
    number: u32,
    /// The index was given up to here.
    told: Sequence,
    /// Whether everything that is there was told: what comes is told at once.
    live: bool,
    /// Whether that was said.
    caught_up: bool,
}

impl Streams {
    /// Takes a stream or closes it.
    pub(crate) fn open(&mut self, core: &mut Core, out: &mut Output, stream: u64, from: Source) {
        let of_source = self.sources.get(&from).copied().unwrap_or(0);
        let most = if from.local { core.config.streams } else { core.config.streams_per_source };
        let full = self.all.len() >= usize::try_from(core.config.streams).unwrap_or(usize::MAX);
        let refused = self.all.contains_key(&stream) || of_source >= most;
        if refused || (full && !self.make_room(core, out, from)) {
            core.stats.closed += 1;
            core.stats.too_many += 1;
            return out.effect(Effect::Close { stream, why: CloseReason::TooMany });
        }
        core.stats.streams += 1;
        *self.sources.entry(from).or_default() += 1;
        let nonce = core.random();
        let (gets, subscription) = (VecDeque::new(), None);
        let new = Stream { from, nonce, greeted: false, paid: None, subscription, gets, unwritten: 0 };
        self.all.insert(stream, new);
        core.timers.set(TimerKey::Idle(stream), core.now + core.config.hello_within);
    }

    /// Forgets a stream.
    pub(crate) fn closed(&mut self, core: &mut Core, stream: u64) {
        let Some(gone) = self.all.remove(&stream) else { return };
        core.timers.clear(TimerKey::Idle(stream));
        self.unwritten = self.unwritten.saturating_sub(gone.unwritten);
        if let Some(count) = self.sources.get_mut(&gone.from) {
            *count -= 1;
            if *count == 0 {
                self.sources.remove(&gone.from);
            }
        }
        self.unlist(stream, gone.subscription.as_ref());
    }

    /// Closes a stream.
    pub(crate) fn close(&mut self, core: &mut Core, out: &mut Output, stream: u64, why: CloseReason) {
        if self.all.contains_key(&stream) {
            tracing::debug!(stream, ?why, "closing a stream");
            core.stats.closed += 1;
            self.closed(core, stream);
            out.effect(Effect::Close { stream, why });
        }
    }

    /// Closes a stream for a new one: never one that waits for envelopes. Whoever said nothing yet goes first, then who
    /// comes from where most come from, then the oldest. Returns whether one was closed: not when the new one comes from
    /// where more come from.
    fn make_room(&mut self, core: &mut Core, out: &mut Output, from: Source) -> bool {
        let of = |source: &Source| self.sources.get(source).copied().unwrap_or(0);
        let others = self.all.iter().filter(|(_, known)| known.subscription.is_none());
        let others = others.filter(|(_, known)| of(&known.from) > of(&from));
        let goes = others.min_by_key(|(name, known)| (known.greeted, Reverse(of(&known.from)), **name));
        let Some(goes) = goes.map(|(name, _)| *name) else { return false };
        core.stats.too_many += 1;
        self.close(core, out, goes, CloseReason::TooMany);
        true
    }

    /// The first word on a stream; a second one gets the same answer.
    pub(crate) fn greet(&mut self, stream: u64) -> Option<Nonce> {
        let known = self.all.get_mut(&stream)?;
        known.greeted = true;
        Some(known.nonce)
    }

    /// Notes that a stream is in use.
    pub(crate) fn touch(&self, core: &mut Core, stream: u64) {
        match self.all.get(&stream) {
            // Whoever waits for envelopes may be silent; the network layer knows whether the connection is alive.
            Some(known) if known.subscription.is_some() => core.timers.clear(TimerKey::Idle(stream)),
            Some(_) => core.timers.set(TimerKey::Idle(stream), core.now + core.config.idle_within),
            None => {}
        }
    }

    /// Gives an answer to a stream.
    pub(crate) fn answer(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        stream: u64,
        number: u32,
        word: Answer,
    ) {
        let Some(known) = self.all.get_mut(&stream) else { return };
        let answer = Numbered { number, word };
        let bytes = answer.wire_bytes() as u64;
        known.unwritten += bytes;
        self.unwritten += bytes;
        let unread = known.unwritten > core.config.unread_bytes;
        out.effect(Effect::Answer { stream, answer });
        if unread {
            self.close(core, out, stream, CloseReason::Unread);
        }
    }

    /// Answers were written: there is room for more. Returns how many rows of the index were read for it.
    pub(crate) fn drained(
        &mut self,
        step: &mut Step<'_>,
        stream: u64,
        bytes: u64,
    ) -> Result<u32, StorageError> {
        let Some(known) = self.all.get_mut(&stream) else { return Ok(0) };
        let bytes = bytes.min(known.unwritten);
        known.unwritten -= bytes;
        self.unwritten = self.unwritten.saturating_sub(bytes);
        self.pump(step, stream)
    }

    /// Begins to tell what is in an inbox. An older stream of the same reader ends. Returns how many rows of the index were
    /// read for it.
    pub(crate) fn subscribe(
        &mut self,
        step: &mut Step<'_>,
        stream: u64,
        number: u32,
        inbox: InboxKey,
        reader: ReaderId,
        after: Sequence,
    ) -> Result<u32, StorageError> {
        let before = self.subscribers.get(&inbox).and_then(|readers| readers.get(&reader)).copied();
        if let Some(before) = before.filter(|before| *before != stream) {
            self.close(step.core, step.out, before, CloseReason::Replaced);
        }
        let Some(known) = self.all.get_mut(&stream) else { return Ok(0) };
        let new = Subscription { inbox, reader, number, told: after, live: false, caught_up: false };
        // What was asked for in the former inbox has other places.
        known.gets.clear();
        let former = known.subscription.replace(new);
        self.unlist(stream, former.as_ref());
        self.subscribers.entry(inbox).or_default().insert(reader, stream);
        self.touch(step.core, stream);
        step.core.stats.subscriptions += 1;
        self.pump(step, stream)
    }

    /// Notes which envelopes are wanted. `false` when that are too many.
    pub(crate) fn get(
        &mut self,
        step: &mut Step<'_>,
        stream: u64,
        number: u32,
        sequences: &[Sequence],
    ) -> Result<bool, StorageError> {
        let Some(known) = self.all.get_mut(&stream) else { return Ok(true) };
        if known.gets.len() + sequences.len() > step.core.config.gets {
            return Ok(false);
        }
        known.gets.extend(sequences.iter().map(|sequence| (number, *sequence)));
        self.pump(step, stream)?;
        Ok(true)
    }

    /// Tells whoever waits for it of a new envelope.
    pub(crate) fn push(&mut self, core: &mut Core, out: &mut Output, inbox: &InboxKey, entry: &IndexEntry) {
        let Some(readers) = self.subscribers.get(inbox) else { return };
        for stream in readers.values() {
            let Some(known) = self.all.get_mut(stream) else { continue };
            let room = has_room(core, known.unwritten, self.unwritten);
            let Some(subscription) = known.subscription.as_mut().filter(|waits| waits.live) else { continue };
            if !room {
                subscription.live = false;
                continue;
            }
            subscription.told = entry.sequence;
            let bytes = out.push(*stream, subscription.number, entry);
            known.unwritten += bytes;
            self.unwritten += bytes;
            core.stats.listed += 1;
        }
    }

    /// Ends the subscriptions of readers that an inbox does not have any more.
    pub(crate) fn keep_readers(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        inbox: &InboxKey,
        keep: &[ReaderId],
    ) {
        let Some(readers) = self.subscribers.get(inbox) else { return };
        let gone = readers.iter().filter(|(reader, _)| !keep.contains(reader)).map(|(_, stream)| *stream);
        for stream in gone.collect::<Vec<_>>() {
            self.close(core, out, stream, CloseReason::Removed);
        }
    }

    /// Notes once a day that whoever stays subscribed is there.
    pub(crate) fn note_readers(&self, step: &mut Step<'_>) -> Result<(), StorageError> {
        for subscription in self.all.values().filter_map(|known| known.subscription.as_ref()) {
            let inbox = step.out.load::<rows::InboxRow>(step.rows, rows::INBOXES, &subscription.inbox)?;
            let row = inbox.and_then(|inbox| {
                inbox.readers.iter().find(|row| row.reader == subscription.reader).cloned()
            });
            if row.is_some_and(|row| step.core.now.since(row.seen) >= NOTE_EVERY)
                && let Some(inbox) = deletions::heard_of(step, &subscription.inbox, &subscription.reader)?
            {
                step.out.save(rows::INBOXES, &subscription.inbox, &inbox);
            }
        }
        Ok(())
    }

    /// Whether a stream is there and said hello.
    pub(crate) fn is_greeted(&self, stream: u64) -> bool {
        self.all.get(&stream).is_some_and(|known| known.greeted)
    }

    /// Where a stream comes from, and its nonce.
    pub(crate) fn origin(&self, stream: u64) -> Option<(Source, Nonce)> {
        self.all.get(&stream).map(|known| (known.from, known.nonce))
    }

    /// As whom a stream reads which inbox.
    pub(crate) fn reads(&self, stream: u64) -> Option<(InboxKey, ReaderId)> {
        let subscription = self.all.get(&stream)?.subscription.as_ref()?;
        Some((subscription.inbox, subscription.reader))
    }

    /// Whether an inbox of `period` was paid for with another one: a device has one in each of two periods.
    pub(crate) fn is_paid(&self, stream: u64, period: u32) -> bool {
        let paid = self.all.get(&stream).and_then(|known| known.paid);
        paid.is_some_and(|paid| paid.abs_diff(period) == 1)
    }

    /// An inbox of `period` was opened on a stream.
    pub(crate) fn note_opened(&mut self, stream: u64, period: u32) {
        let was_paid = self.is_paid(stream, period);
        if let Some(known) = self.all.get_mut(&stream) {
            known.paid = (!was_paid).then_some(period);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many wait for envelopes.
    pub(crate) fn subscriptions(&self) -> usize {
        self.all.values().filter(|known| known.subscription.is_some()).count()
    }

    /// Gives a stream what it waits for, as long as there is room. Returns how many rows of the index were read for it.
    fn pump(&mut self, step: &mut Step<'_>, stream: u64) -> Result<u32, StorageError> {
        let mut read = 0_u32;
        loop {
            let Some(known) = self.all.get_mut(&stream) else { return Ok(read) };
            if !has_room(step.core, known.unwritten, self.unwritten) {
                return Ok(read);
            }
            let Some(subscription) = known.subscription.as_mut() else { return Ok(read) };
            if let Some((number, sequence)) = known.gets.pop_front() {
                let inbox = subscription.inbox;
                let word = fetch(step, &inbox, sequence)?;
                self.answer(step.core, step.out, stream, number, word);
            } else if !subscription.live {
                let (entries, rows) = subscription.next_page(step)?;
                read = read.saturating_add(rows);
                let (number, live) = (subscription.number, subscription.live);
                let ends = live && !std::mem::replace(&mut subscription.caught_up, live);
                if !entries.is_empty() {
                    step.core.stats.listed += entries.len() as u64;
                    let word = Answer::Index { entries };
                    self.answer(step.core, step.out, stream, number, word);
                }
                if ends {
                    self.answer(step.core, step.out, stream, number, Answer::CaughtUp {});
                    if let Some((to, until)) = step.core.config.moved.clone() {
                        self.answer(step.core, step.out, stream, number, Answer::Moved { to, until });
                    }
                }
            } else {
                return Ok(read);
            }
        }
    }

    fn unlist(&mut self, stream: u64, subscription: Option<&Subscription>) {
        let Some(Subscription { inbox, reader, .. }) = subscription else { return };
        if let Some(readers) = self.subscribers.get_mut(inbox) {
            if readers.get(reader) == Some(&stream) {
                readers.remove(reader);
            }
            if readers.is_empty() {
                self.subscribers.remove(inbox);
            }
        }
    }
}

impl Subscription {
    /// The next entries that this reader has not deleted, and how many rows were read. None are left when it is live
    /// afterwards.
    fn next_page(
        &mut self,
        step: &mut Step<'_>,
    ) -> Result<(BoundedVec<IndexEntry, MAX_INDEX>, u32), StorageError> {
        let inbox = step.out.load::<rows::InboxRow>(step.rows, rows::INBOXES, &self.inbox)?;
        let readers = inbox.as_ref().map(|inbox| &*inbox.readers).unwrap_or_default();
        let reader = readers.iter().find(|row| row.reader == self.reader);
        self.told = self.told.max(reader.map_or(0, |row| row.up_to));
        let page = deletions::listed(step, &self.inbox, self.told.saturating_add(1), u64::MAX, MAX_INDEX)?;
        self.live = page.len() < MAX_INDEX;
        let rows = u32::try_from(page.len()).unwrap_or(u32::MAX);
        if let Some((last, _)) = page.last() {
            self.told = *last;
        }
        let entries = page.into_iter().filter(|(_, row)| !row.deleted_by.contains(&self.reader));
        let entries = entries.map(|(sequence, row)| IndexEntry {
            sequence,
            queue: row.queue,
            envelope: row.envelope,
            size_class: row.size_class,
        });
        Ok((BoundedVec::truncated(entries.collect()), rows))
    }
}

/// Whether a stream may be given more. A stream that was given nothing always may, so that one slow reader of many does
/// not stop the others.
fn has_room(core: &Core, of_stream: u64, of_all: u64) -> bool {
    of_stream < core.config.window_bytes && (of_stream == 0 || of_all < core.config.windows_bytes)
}

fn fetch(step: &mut Step<'_>, inbox: &InboxKey, sequence: Sequence) -> Result<Answer, StorageError> {
    let bytes = step.out.read(step.rows, rows::ENVELOPES, &rows::index_key(inbox, sequence))?;
    Ok(match bytes {
        Some(bytes) => {
            step.core.stats.fetched += 1;
            let damaged = |_| StorageError::Damaged(rows::ENVELOPES.name);
            let (envelope, work) = rows::split_envelope_value(bytes).map_err(damaged)?;
            Answer::Envelope { sequence, envelope, work }
        }
        None => {
            step.core.stats.gone += 1;
            Answer::Gone { sequence }
        }
    })
}
