//! What is left for contacts in their mailboxes: where these are, and how far each has kept what waits in the outbox.
//!
//! Not here: the envelopes (`outbox`), streams (`askers`), the conversation (`mail`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_crypto::mailbox;
use kith_crypto::secret::Secret32;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::id::DeviceId;
use kith_proto::id::QueueId;
use kith_proto::payload::MailboxList;
use kith_proto::payload::Position;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::contacts::CLOSED_FOR;
use crate::count::Count;
use crate::output::Output;
use crate::rows;
use crate::rows::ClosedRow;
use crate::rows::MAX_CLOSED;
use crate::rows::MailRow;
use crate::rows::Progress;
use crate::view::Copies;

/// So many mailboxes have to keep a message before it counts as stored, if there are so many.
const QUORUM: usize = 2;

/// What a mailbox keeps is left again, sealed anew, so long before it expires: a mailbox that is away for a day loses
/// nothing. A repetition of the same envelope would be answered with the old promise.
const RENEW_BEFORE: Span = Span::from_days(1);

/// A promise for less than this is none: fourteen days were asked for, and what ends sooner than this would be left
/// again at once and for ever.
const LEAST_PROMISE: Span = Span::from_days(2);

/// Receipts that may wait for one mailbox: one for each device of every contact.
const MAX_NOTES: usize = 8_192;

/// After a receipt was refused, the first pause and the longest: somebody who removed us has closed the queue for good.
const NOTE_PAUSE_MIN: Span = Span::from_minutes(1);
const NOTE_PAUSE_MAX: Span = Span::from_hours(6);

/// The longest pause after messages were refused: who has no queue for us there any more has blocked us, and does not say so.
const REFUSED_PAUSE_MAX: Span = Span::from_hours(6);

/// What lies in the queues of a secret that was replaced, and what is left there before the device hears of the new one, is
/// read for so long: two periods, more than an envelope is kept. Until then the device gets no other one, so nothing that was left is
/// ever out of sight.
const FORMER_FOR: Span = Span(2 * mailbox::PERIOD.0);

/// Removed devices whose queues are kept closed, at most.
const MAX_CLOSED_DEVICES: usize = 1_024;

/// Receipts a day for copies that were deleted: a mailbox that makes them up costs the contact's mailboxes no more.
const EMPTIED_A_DAY: u32 = 8;

/// A receipt that says nothing new ends a pause no more often than this.
const LIFT_AFTER: Span = Span::from_minutes(10);

/// The version of a list from a card: older than anything that the device itself will say.
pub(crate) const CARD_VERSION: u64 = 1;

/// A receipt on its way to a mailbox.
#[derive(Clone)]
pub(crate) struct Note {
    /// For whose device.
    pub(crate) device: DeviceId,
    /// Sealed.
    pub(crate) envelope: Envelope,
    /// How far it goes.
    pub(crate) told: Position,
}

/// What goes on between one device's channel and one mailbox.
#[derive(Default)]
pub(crate) struct Flight {
    /// Asked and not answered.
    pub(crate) flying: BTreeSet<Position>,
    /// The last that was asked.
    pub(crate) asked: Position,
    /// The last that was kept.
    kept: Position,
    /// Not before this time.
    pub(crate) paused_until: Timestamp,
    /// Pauses in a row for a refusal, since something was kept.
    refusals: u32,
    /// When a pause was last ended by a receipt that says nothing new.
    lifted: Timestamp,
    /// Receipts refused in a row, and until when none is tried.
    notes_refused: (u32, Timestamp),
    /// Whether there was no such queue when it was last tried.
    pub(crate) no_queue: bool,
    /// Whether their room there was used up when it was last tried.
    pub(crate) no_room: bool,
}

/// What a promise changed: the places after the first of each pair, up to the second.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Grown {
    /// What is in one more mailbox now.
    pub(crate) copies: (Position, Position),
    /// What counts as stored now, if something does that did not before.
    pub(crate) stored: Option<(Position, Position)>,
}

/// What a device's mailboxes promised about a place in its channel; `None` when no mailbox of its is known.
pub(crate) fn copies(row: &MailRow, position: Position) -> Option<Copies> {
    let places: BTreeSet<DeviceId> = row.theirs.as_ref()?.places.iter().map(|place| place.device).collect();
    let promised = row.progress.iter().filter(|kept| kept.upto >= position && places.contains(&kept.mailbox));
    let mut until: Vec<Timestamp> = promised.map(|kept| kept.until).collect();
    until.sort_unstable();
    let of = u32::try_from(places.len()).unwrap_or(u32::MAX);
    (of > 0).then_some(Copies { of, until })
}

impl Flight {
    /// Whether an answer about this place is still waited for. After a refusal everything that was asked is asked again
    /// in order, so that a later promise never covers an earlier gap.
    pub(crate) fn is_flying(&self, position: Option<Position>) -> bool {
        position.is_none_or(|position| self.flying.contains(&position))
    }
}

/// All contacts' mailboxes.
#[derive(Default)]
pub(crate) struct Deposits {
    by_device: BTreeMap<DeviceId, MailRow>,
    flights: BTreeMap<(DeviceId, DeviceId), Flight>,
    notes: BTreeMap<DeviceId, VecDeque<Note>>,
    /// Whose turn it is at each mailbox, when there is more to leave than fits its window.
    turns: BTreeMap<DeviceId, VecDeque<DeviceId>>,
    /// How often a device was told that its copies were deleted, and since when that is counted.
    emptied: BTreeMap<DeviceId, Count>,
    /// Devices that are to hear by mailbox how far we are.
    pub(crate) owed: BTreeSet<DeviceId>,
    /// The highest number under which our list was told to anybody.
    said: u64,
    /// Devices that were removed, until mailboxes have heard of it for long enough.
    closed: BTreeMap<DeviceId, ClosedRow>,
}

impl Deposits {
    /// Takes a row as it was stored.
    pub(crate) fn restore(&mut self, device: DeviceId, row: MailRow) {
        self.said = self.said.max(row.said);
        self.by_device.insert(device, row);
    }

    /// Takes a row about a removed device as it was stored.
    pub(crate) fn restore_closed(&mut self, device: DeviceId, row: ClosedRow) {
        self.closed.insert(device, row);
    }

    /// What is known of a device's mail.
    pub(crate) fn get(&self, device: &DeviceId) -> Option<&MailRow> {
        self.by_device.get(device)
    }

    /// Changes a row and writes it if it is another.
    pub(crate) fn update(&mut self, device: &DeviceId, out: &mut Output, change: impl FnOnce(&mut MailRow)) {
        let row = self.by_device.entry(*device).or_default();
        let before = row.to_bytes();
        change(row);
        let after = row.to_bytes();
        if after != before {
            out.put(rows::MAIL, &device.0, after);
        }
    }

    /// The number under which a device is told a list of ours, whose version is `version`: higher than any before, also if
    /// that was said when the clock was ahead.
    pub(crate) fn say(&mut self, now: Timestamp, device: &DeviceId, version: u64, out: &mut Output) -> u64 {
        // A time: if an old disk was put back here, this has to be newer than what was told before that.
        self.said = version.max(now.0).max(self.said.saturating_add(1));
        let said = self.said;
        self.update(device, out, |row| (row.told, row.said) = (version, said));
        said
    }

    /// The number of a list that is published for all: not lower than what any of them was told.
    pub(crate) fn number(&self, version: u64) -> u64 {
        version.max(self.said)
    }

    /// The secrets of those who were removed, whose queues are closed.
    pub(crate) fn closed(&mut self, now: Timestamp, out: &mut Output) -> Vec<Secret32> {
        self.closed.retain(|device, row| {
            let keep = row.until > now;
            if !keep {
                out.delete(rows::CLOSED, &device.0);
            }
            keep
        });
        self.closed.values().flat_map(|row| row.secrets.iter().cloned()).collect()
    }

    /// The queues of a device that is removed are closed from now on.
    fn close(&mut self, now: Timestamp, out: &mut Output, device: &DeviceId, row: MailRow) {
        let former = row.former.into_iter().map(|(secret, _)| secret);
        let secrets: Vec<_> = former.chain(row.mine).collect();
        if secrets.is_empty() {
            return;
        }
        if self.closed.len() >= MAX_CLOSED_DEVICES && !self.closed.contains_key(device) {
            let oldest = self.closed.iter().min_by_key(|(_, row)| row.until).map(|(oldest, _)| *oldest);
            if let Some(oldest) = oldest {
                self.closed.remove(&oldest);
                out.delete(rows::CLOSED, &oldest.0);
            }
        }
        let before = self.closed.remove(device).map(|row| row.secrets.into_inner()).unwrap_or_default();
        let mut secrets: Vec<_> = before.into_iter().chain(secrets).collect();
        secrets.drain(..secrets.len().saturating_sub(MAX_CLOSED));
        let row = ClosedRow { secrets: BoundedVec::truncated(secrets), until: now + CLOSED_FOR };
        out.put(rows::CLOSED, &device.0, row.to_bytes());
        self.closed.insert(*device, row);
    }

    /// The secret of the queue that a device leaves envelopes for us in; made when first needed.
    pub(crate) fn own_secret(&mut self, fresh: [u8; 32], device: &DeviceId, out: &mut Output) -> Secret32 {
        self.update(device, out, |row| {
            row.mine.get_or_insert(Secret32::new(fresh));
        });
        self.by_device.get(device).and_then(|row| row.mine.clone()).unwrap_or_else(|| Secret32::new(fresh))
    }

    /// The secret that it had before, as long as something may lie in its queues.
    pub(crate) fn former_secret(
        &mut self,
        now: Timestamp,
        device: &DeviceId,
        out: &mut Output,
    ) -> Option<Secret32> {
        let (secret, until) = self.by_device.get(device)?.former.clone()?;
        if until <= now {
            self.update(device, out, |row| row.former = None);
            return None;
        }
        Some(secret)
    }

    /// The queue of a device at a mailbox in a period, by the secret that it has now.
    pub(crate) fn current_queue(
        &self,
        device: &DeviceId,
        mailbox: &DeviceId,
        period: u32,
    ) -> Option<QueueId> {
        let secret = self.by_device.get(device)?.mine.as_ref()?;
        Some(mailbox::queue(secret, mailbox, period).0)
    }

    /// Another secret for the queue that a device leaves envelopes for us in, unless the one before is still looked after: the
    /// queue cannot be opened. Returns whether there is one; the device does not know it yet.
    pub(crate) fn renew_secret(
        &mut self,
        now: Timestamp,
        out: &mut Output,
        device: &DeviceId,
        fresh: [u8; 32],
    ) -> bool {
        let due = self.former_secret(now, device, out).is_none();
        if due {
            self.update(device, out, |row| {
                let former = row.mine.replace(Secret32::new(fresh));
                row.former = former.map(|former| (former, now + FORMER_FOR));
                row.told = 0;
            });
        }
        due
    }

    /// Takes what a device says about its mailboxes.
    pub(crate) fn learn(&mut self, device: &DeviceId, list: MailboxList, out: &mut Output) {
        let known = self.by_device.get(device).and_then(|row| row.theirs.as_ref());
        if known.is_some_and(|known| known.version >= list.version) {
            return;
        }
        let same_secret = known.is_some_and(|known| known.secret == list.secret);
        let there: BTreeSet<DeviceId> = list.places.iter().map(|place| place.device).collect();
        self.update(device, out, |row| {
            let progress = std::mem::take(&mut row.progress).into_inner().into_iter();
            let kept = progress.filter(|progress| same_secret && there.contains(&progress.mailbox));
            row.progress = BoundedVec::truncated(kept.collect());
            row.theirs = Some(list);
        });
        self.flights.retain(|(of, mailbox), _| of != device || (same_secret && there.contains(mailbox)));
    }

    /// Takes what a card says about a device's mailboxes, unless the device itself has said it.
    pub(crate) fn learn_card(&mut self, device: &DeviceId, list: MailboxList, out: &mut Output) {
        let theirs = self.by_device.get(device).and_then(|row| row.theirs.as_ref());
        if theirs.is_some_and(|known| known.version == CARD_VERSION && known.places != list.places) {
            self.forget_theirs(device, out);
        }
        self.learn(device, list, out);
    }

    /// What a device was told about our mailboxes may not have reached it.
    pub(crate) fn forget_told(&mut self, device: &DeviceId, out: &mut Output) {
        if self.by_device.contains_key(device) {
            self.update(device, out, |row| row.told = 0);
        }
    }

    /// Puts a device into the line for a mailbox, once.
    pub(crate) fn queue_up(&mut self, mailbox: &DeviceId, device: &DeviceId) {
        let line = self.turns.entry(*mailbox).or_default();
        if !line.contains(device) {
            line.push_back(*device);
        }
    }

    /// Whose turn it is at a mailbox.
    pub(crate) fn next_turn(&mut self, mailbox: &DeviceId) -> Option<DeviceId> {
        self.turns.get_mut(mailbox)?.pop_front()
    }

    /// What a device said about its mailboxes may not hold any more.
    pub(crate) fn forget_theirs(&mut self, device: &DeviceId, out: &mut Output) {
        self.begin_again(device, out);
        if self.by_device.contains_key(device) {
            self.update(device, out, |row| row.theirs = None);
        }
    }

    /// The mailboxes of a device, each with its addresses.
    pub(crate) fn mailboxes_of(&self, device: &DeviceId) -> BTreeMap<DeviceId, Vec<Multiaddress>> {
        let mut found: BTreeMap<DeviceId, Vec<Multiaddress>> = BTreeMap::new();
        let theirs = self.by_device.get(device).and_then(|row| row.theirs.as_ref());
        for place in theirs.iter().flat_map(|list| list.places.iter()) {
            found.entry(place.device).or_default().push(place.address.clone());
        }
        found
    }

    /// The devices that a mailbox serves.
    pub(crate) fn served_by(&self, mailbox: &DeviceId) -> Vec<DeviceId> {
        let serves = |row: &MailRow| {
            row.theirs.as_ref().is_some_and(|list| list.places.iter().any(|place| place.device == *mailbox))
        };
        self.by_device.iter().filter(|(_, row)| serves(row)).map(|(device, _)| *device).collect()
    }

    /// What is under way between a device's channel and a mailbox.
    pub(crate) fn flight(&mut self, device: &DeviceId, mailbox: &DeviceId) -> &mut Flight {
        self.flights.entry((*device, *mailbox)).or_default()
    }

    /// How far a mailbox has kept a device's channel, as long as its promise holds.
    pub(crate) fn kept(&self, now: Timestamp, device: &DeviceId, mailbox: &DeviceId) -> Position {
        let progress = self.by_device.get(device).map(|row| &row.progress);
        let found =
            progress.and_then(|progress| progress.iter().find(|progress| progress.mailbox == *mailbox));
        found.filter(|progress| progress.until > now).map_or(0, |progress| progress.upto)
    }

    /// Whether a promise is worth anything.
    pub(crate) fn is_promise(now: Timestamp, expires: Timestamp) -> bool {
        expires >= now + LEAST_PROMISE
    }

    /// Whether something that a mailbox keeps and a device has not confirmed is about to expire.
    pub(crate) fn is_renewal_due(&self, now: Timestamp, device: &DeviceId, delivered: Position) -> bool {
        let progress = self.by_device.get(device).into_iter().flat_map(|row| row.progress.iter());
        progress.into_iter().any(|kept| kept.upto > delivered && kept.until <= now + RENEW_BEFORE)
    }

    /// A mailbox has promised to keep an item until a time. What was `delivered` need not be kept any more.
    pub(crate) fn stored(
        &mut self,
        now: Timestamp,
        out: &mut Output,
        device: &DeviceId,
        mailbox: &DeviceId,
        (position, expires, delivered): (Position, Timestamp, Position),
    ) -> Grown {
        let upto = {
            let flight = self.flight(device, mailbox);
            flight.flying.remove(&position);
            (flight.no_queue, flight.no_room, flight.refusals) = (false, false, 0);
            flight.kept = flight.kept.max(position);
            // Everything up to the first that is still under way.
            flight.flying.first().map_or(flight.kept, |first| flight.kept.min(first - 1))
        };
        let kept = self.kept(now, device, mailbox);
        let quorum = QUORUM.min(self.mailboxes_of(device).len()).max(1);
        let mut grown = Grown { copies: (kept, upto.max(kept)), stored: None };
        self.update(device, out, |row| {
            let mut list = std::mem::take(&mut row.progress).into_inner();
            match list.iter_mut().find(|progress| progress.mailbox == *mailbox) {
                Some(progress) => {
                    // The shortest promise counts for as long as it is about something that is still needed.
                    let counts = progress.until > now && progress.upto > delivered;
                    progress.until = if counts { progress.until.min(expires) } else { expires };
                    progress.upto = upto.max(kept);
                }
                None => list.push(Progress { mailbox: *mailbox, upto, until: expires }),
            }
            let held = list.iter().filter(|progress| progress.until > now);
            let mut all: Vec<Position> = held.map(|progress| progress.upto).collect();
            all.sort_unstable_by(|one, other| other.cmp(one));
            let stored = all.get(quorum - 1).copied().unwrap_or(0);
            if stored > row.stored {
                grown.stored = Some((row.stored, stored));
                row.stored = stored;
            }
            row.progress = BoundedVec::truncated(list);
        });
        grown
    }

    /// A stream to a mailbox is gone: whatever was under way on it is asked again.
    pub(crate) fn rewind(&mut self, mailbox: &DeviceId) {
        for ((_, of), flight) in &mut self.flights {
            if of == mailbox {
                flight.flying.clear();
                (flight.asked, flight.kept) = (0, 0);
            }
        }
        self.turns.remove(mailbox);
    }

    /// What was left for a device cannot be opened any more: all of it is left again.
    pub(crate) fn begin_again(&mut self, device: &DeviceId, out: &mut Output) {
        self.flights.retain(|(of, _), _| of != device);
        if self.by_device.get(device).is_some_and(|row| !row.progress.is_empty()) {
            self.update(device, out, |row| row.progress = BoundedVec::default());
        }
    }

    /// Nothing goes from a device's channel to a mailbox for a while.
    pub(crate) fn pause(&mut self, device: &DeviceId, mailbox: &DeviceId, until: Timestamp) {
        let flight = self.flight(device, mailbox);
        flight.flying.clear();
        (flight.asked, flight.kept) = (0, 0);
        flight.paused_until = until;
    }

    /// A mailbox refused what goes from a device's channel: nothing goes for a while, for twice as long each time in a row. All that
    /// were under way are refused together, and are one refusal. Returns until when.
    pub(crate) fn refused(
        &mut self,
        now: Timestamp,
        device: &DeviceId,
        mailbox: &DeviceId,
        pause: Span,
    ) -> Timestamp {
        let flight = self.flight(device, mailbox);
        if flight.paused_until <= now {
            let doubled = pause.0.saturating_mul(1 << flight.refusals.min(20));
            flight.refusals = flight.refusals.saturating_add(1);
            let until = now + Span(doubled.min(REFUSED_PAUSE_MAX.0.max(pause.0)));
            self.pause(device, mailbox, until);
        }
        self.paused_until(device, mailbox)
    }

    /// Whether the last that was tried was refused: one envelope is enough to see whether that has changed.
    pub(crate) fn was_refused(&self, device: &DeviceId, mailbox: &DeviceId) -> bool {
        self.flights.get(&(*device, *mailbox)).is_some_and(|flight| flight.refusals > 0)
    }

    /// Until when nothing goes from a device's channel to a mailbox.
    pub(crate) fn paused_until(&self, device: &DeviceId, mailbox: &DeviceId) -> Timestamp {
        self.flights.get(&(*device, *mailbox)).map_or(Timestamp(0), |flight| flight.paused_until)
    }

    /// When what a mailbox keeps for a device is left anew, if it keeps something.
    pub(crate) fn renewed_at(
        &self,
        now: Timestamp,
        device: &DeviceId,
        mailbox: &DeviceId,
    ) -> Option<Timestamp> {
        let row = self.by_device.get(device)?;
        let kept = row.progress.iter().find(|kept| kept.mailbox == *mailbox && kept.until > now)?;
        Some(Timestamp(kept.until.0.saturating_sub(RENEW_BEFORE.0)))
    }

    /// A device has fetched something: nothing is paused for it any more.
    pub(crate) fn resume(&mut self, device: &DeviceId) {
        let mailboxes = self.mailboxes_of(device).into_keys();
        for mailbox in mailboxes {
            if let Some(flight) = self.flights.get_mut(&(*device, mailbox)) {
                (flight.paused_until, flight.refusals) = (Timestamp(0), 0);
                flight.notes_refused = (0, Timestamp(0));
            }
        }
    }

    /// Whether a device is told once more that copies of what it left were deleted: whether they were is the word of a mailbox.
    pub(crate) fn may_say_emptied(&mut self, now: Timestamp, device: &DeviceId) -> bool {
        self.emptied.entry(*device).or_default().again(now, Span::from_days(1)) <= EMPTIED_A_DAY
    }

    /// A device says how far it is, and it is no further than it was: it may have deleted copies, so what there was no
    /// room for is tried again, now and then.
    pub(crate) fn emptied(&mut self, now: Timestamp, device: &DeviceId) {
        let flights = self.flights.iter_mut().filter(|((of, _), flight)| of == device && flight.no_room);
        for (_, flight) in flights.filter(|(_, flight)| now.since(flight.lifted) >= LIFT_AFTER) {
            (flight.paused_until, flight.refusals, flight.lifted) = (Timestamp(0), 0, now);
        }
    }

    /// Whether a device's room at a mailbox was used up when it was last tried.
    pub(crate) fn has_no_room(&self, device: &DeviceId, mailbox: &DeviceId) -> bool {
        self.flights.get(&(*device, *mailbox)).is_some_and(|flight| flight.no_room)
    }

    /// Puts a receipt on its way to a mailbox. Returns whether there was room.
    pub(crate) fn push_note(&mut self, mailbox: &DeviceId, note: Note) -> bool {
        let notes = self.notes.entry(*mailbox).or_default();
        notes.retain(|older| older.device != note.device);
        let room = notes.len() < MAX_NOTES;
        if room {
            notes.push_back(note);
        }
        room
    }

    /// A receipt for a device was refused. Returns when another may be tried.
    pub(crate) fn note_refused(
        &mut self,
        now: Timestamp,
        device: &DeviceId,
        mailbox: &DeviceId,
    ) -> Timestamp {
        let (times, until) = &mut self.flight(device, mailbox).notes_refused;
        let doubled = NOTE_PAUSE_MIN.0.saturating_mul(1 << (*times).min(20));
        (*times, *until) = (times.saturating_add(1), now + Span(doubled.min(NOTE_PAUSE_MAX.0)));
        *until
    }

    /// A receipt for a device was taken.
    pub(crate) fn note_taken(&mut self, device: &DeviceId, mailbox: &DeviceId) {
        self.flight(device, mailbox).notes_refused = (0, Timestamp(0));
    }

    /// Until when no receipt for a device is tried at a mailbox.
    pub(crate) fn notes_paused_until(&self, device: &DeviceId, mailbox: &DeviceId) -> Timestamp {
        self.flights.get(&(*device, *mailbox)).map_or(Timestamp(0), |flight| flight.notes_refused.1)
    }

    /// The mailboxes for which receipts wait, each with a device that it is for.
    pub(crate) fn mailboxes_with_notes(&self) -> Vec<(DeviceId, DeviceId)> {
        let first = |(mailbox, notes): (&DeviceId, &VecDeque<Note>)| Some((*mailbox, notes.front()?.device));
        self.notes.iter().filter_map(first).collect()
    }

    /// Whether a device's queue at a mailbox was not there when it was last tried.
    pub(crate) fn has_no_queue(&self, device: &DeviceId, mailbox: &DeviceId) -> bool {
        self.flights.get(&(*device, *mailbox)).is_some_and(|flight| flight.no_queue)
    }

    /// The next receipt for a mailbox.
    pub(crate) fn pop_note(&mut self, mailbox: &DeviceId) -> Option<Note> {
        self.notes.get_mut(mailbox)?.pop_front()
    }

    /// Takes back a receipt that cannot go to a mailbox.
    pub(crate) fn drop_note(&mut self, mailbox: &DeviceId, device: &DeviceId) {
        if let Some(notes) = self.notes.get_mut(mailbox) {
            notes.retain(|note| note.device != *device);
        }
    }

    /// Forgets a device.
    pub(crate) fn drop_device(&mut self, now: Timestamp, out: &mut Output, device: &DeviceId) {
        self.owed.remove(device);
        self.emptied.remove(device);
        self.flights.retain(|(of, _), _| of != device);
        for notes in self.notes.values_mut() {
            notes.retain(|note| note.device != *device);
        }
        for line in self.turns.values_mut() {
            line.retain(|of| of != device);
        }
        if let Some(row) = self.by_device.remove(device) {
            out.delete(rows::MAIL, &device.0);
            self.close(now, out, device, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use kith_proto::address::DeviceAddress;
    use kith_proto::codec::Decode as _;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const BOB: DeviceId = DeviceId([2; 32]);

    fn mailbox(number: u8) -> DeviceId {
        DeviceId([number; 32])
    }

    fn list(version: u64, numbers: &[u8]) -> MailboxList {
        let place = |number: &u8| DeviceAddress {
            device: mailbox(*number),
            address: Multiaddress::new(vec![*number]).unwrap(),
        };
        let places = BoundedVec::truncated(numbers.iter().map(place).collect());
        MailboxList { version, secret: [5; 32], places }
    }

    fn deposits() -> (Deposits, Output) {
        let (mut deposits, mut out) = (Deposits::default(), Output::new());
        deposits.learn(&BOB, list(9, &[10, 11, 12]), &mut out);
        (deposits, out)
    }

    #[test]
    fn a_promise_of_an_hour_is_none() {
        assert!(!Deposits::is_promise(NOW, NOW + Span::from_hours(1)));
        assert!(Deposits::is_promise(NOW, NOW + Span::from_days(14)));
    }

    #[test]
    fn what_is_kept_is_renewed_before_the_shortest_promise_ends() {
        let (mut deposits, mut out) = deposits();
        let (short, long) = (NOW + Span::from_days(3), NOW + Span::from_days(14));
        let one = deposits.stored(NOW, &mut out, &BOB, &mailbox(10), (5, short, 0));
        assert_eq!(one, Grown { copies: (0, 5), stored: None });
        let two = deposits.stored(NOW, &mut out, &BOB, &mailbox(11), (5, long, 0));
        assert_eq!(two, Grown { copies: (0, 5), stored: Some((0, 5)) }, "two have promised");
        let kept = copies(deposits.get(&BOB).unwrap(), 5).unwrap();
        assert_eq!((kept.of, kept.held(NOW)), (3, Some((2, short))));
        assert_eq!(kept.held(short), Some((1, long)), "a promise that has ended is none");
        assert_eq!(copies(deposits.get(&BOB).unwrap(), 6).unwrap().held(NOW), None);
        deposits.stored(NOW, &mut out, &BOB, &mailbox(10), (6, long, 0));
        let later = NOW + Span::from_days(2);
        assert!(!deposits.is_renewal_due(NOW + Span::from_days(1), &BOB, 0));
        assert!(deposits.is_renewal_due(later, &BOB, 0), "a day before it ends");
        assert!(!deposits.is_renewal_due(later, &BOB, 6), "not what was delivered");
        assert_eq!(deposits.kept(short, &BOB, &mailbox(10)), 0, "then it counts as gone");
        assert_eq!(deposits.kept(short, &BOB, &mailbox(11)), 5);
    }

    #[test]
    fn a_promise_about_what_was_delivered_shortens_no_later_one() {
        let (mut deposits, mut out) = deposits();
        deposits.stored(NOW, &mut out, &BOB, &mailbox(10), (5, NOW + Span::from_days(14), 0));
        let later = NOW + Span::from_days(10);
        deposits.stored(later, &mut out, &BOB, &mailbox(10), (6, later + Span::from_days(14), 5));
        assert!(!deposits.is_renewal_due(later + Span::from_days(5), &BOB, 5));
    }

    #[test]
    fn a_secret_is_replaced_once_while_the_former_one_is_looked_after() {
        let (mut deposits, mut out) = deposits();
        let first = deposits.own_secret([1; 32], &BOB, &mut out);
        assert!(deposits.former_secret(NOW, &BOB, &mut out).is_none());
        assert!(deposits.renew_secret(NOW, &mut out, &BOB, [2; 32]));
        assert!(
            !deposits.renew_secret(NOW + Span::from_days(27), &mut out, &BOB, [3; 32]),
            "not again so soon"
        );
        let row = MailRow::from_bytes(&deposits.get(&BOB).unwrap().to_bytes()).unwrap();
        let mut deposits = Deposits::default();
        deposits.restore(BOB, row);
        let former = |deposits: &mut Deposits, at| {
            deposits.former_secret(at, &BOB, &mut Output::new()).map(|secret| *secret.as_bytes())
        };
        assert_eq!(
            former(&mut deposits, NOW + Span::from_days(27)),
            Some(*first.as_bytes()),
            "after a restart"
        );
        assert_eq!(former(&mut deposits, NOW + FORMER_FOR), None, "what lay there has ended");
        assert!(deposits.renew_secret(NOW + FORMER_FOR, &mut Output::new(), &BOB, [4; 32]));
    }

    #[test]
    fn a_mailbox_that_makes_copies_up_costs_eight_receipts_a_day() {
        let (mut deposits, _) = deposits();
        let said = (0..1_000).filter(|_| deposits.may_say_emptied(NOW, &BOB)).count();
        assert_eq!(said, 8);
        assert!(deposits.may_say_emptied(NOW + Span::from_days(1), &BOB));
    }

    #[test]
    fn receipts_that_say_nothing_new_end_a_pause_now_and_then() {
        let (mut deposits, _) = deposits();
        let far = NOW + Span::from_hours(6);
        let mut lifted = 0;
        for minute in 0..60 {
            let now = NOW + Span::from_minutes(minute);
            deposits.pause(&BOB, &mailbox(10), far);
            deposits.flight(&BOB, &mailbox(10)).no_room = true;
            deposits.emptied(now, &BOB);
            lifted += u32::from(deposits.paused_until(&BOB, &mailbox(10)) < far);
        }
        assert_eq!(lifted, 6, "in an hour");
    }

    #[test]
    fn a_newer_card_takes_the_place_of_an_older_one_and_never_of_what_the_device_said() {
        let (mut deposits, mut out) = (Deposits::default(), Output::new());
        let places = |deposits: &Deposits| deposits.mailboxes_of(&BOB).into_keys().collect::<Vec<_>>();
        deposits.learn_card(&BOB, list(CARD_VERSION, &[10]), &mut out);
        deposits.learn_card(&BOB, list(CARD_VERSION, &[11]), &mut out);
        assert_eq!(places(&deposits), [mailbox(11)]);
        deposits.learn(&BOB, list(9, &[12]), &mut out);
        deposits.learn_card(&BOB, list(CARD_VERSION, &[13]), &mut out);
        assert_eq!(places(&deposits), [mailbox(12)]);
    }

    #[test]
    fn a_list_that_was_told_with_a_clock_ahead_is_followed_by_newer_ones() {
        let (mut deposits, mut out) = (Deposits::default(), Output::new());
        let ahead = deposits.say(NOW + Span::from_days(365), &BOB, 5, &mut out);
        let mut again = Deposits::default();
        let row = MailRow::from_bytes(&deposits.get(&BOB).unwrap().to_bytes()).unwrap();
        again.restore(BOB, row);
        assert!(again.number(NOW.0) >= ahead, "what all can look up");
        let carl = DeviceId([3; 32]);
        assert!(again.say(NOW, &carl, NOW.0, &mut out) > ahead, "Carl may have looked it up");
        let mut bobs = Deposits::default();
        bobs.learn(&BOB, list(ahead, &[10]), &mut out);
        bobs.learn(&BOB, list(again.say(NOW, &BOB, NOW.0, &mut out), &[11]), &mut out);
        assert_eq!(bobs.mailboxes_of(&BOB).into_keys().collect::<Vec<_>>(), [mailbox(11)]);
    }

    #[test]
    fn somebody_who_is_removed_again_and_again_fills_nothing() {
        let (mut deposits, mut out) = (Deposits::default(), Output::new());
        for number in 0..=255 {
            deposits.own_secret([number; 32], &BOB, &mut out);
            deposits.drop_device(NOW, &mut out, &BOB);
        }
        let closed = deposits.closed(NOW, &mut out);
        assert_eq!(
            closed.iter().map(|secret| secret.as_bytes()[0]).collect::<Vec<_>>(),
            [252, 253, 254, 255]
        );
        assert_eq!(deposits.closed(NOW + CLOSED_FOR, &mut out).len(), 0);
    }

    #[test]
    fn refused_receipts_are_tried_less_and_less() {
        let (mut deposits, _) = deposits();
        let mut now = NOW;
        let mut tries = 0;
        while now < NOW + Span::from_days(7) {
            now = deposits.note_refused(now, &BOB, &mailbox(10));
            tries += 1;
        }
        assert!(tries < 40, "{tries} in a week");
        deposits.note_taken(&BOB, &mailbox(10));
        assert_eq!(deposits.notes_paused_until(&BOB, &mailbox(10)), Timestamp(0));
    }
}
