//! The own mailboxes: which they are, the secrets behind inboxes and queues, and what was found in them.
//!
//! Three mailboxes are used at once. Every contact's device is told where they are and a secret of its own; from it both
//! ends derive the queue of each mailbox and period. Not here: streams (`askers`), the conversation (`mail`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_crypto::mailbox;
use kith_crypto::secret::Secret32;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::InviteId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkBits;
use kith_proto::payload::MAX_PLACES;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::count::Count;
use crate::output::Output;
use crate::rows;
use crate::rows::FoundRow;
use crate::rows::MailboxRow;

/// How many mailboxes are used: with two of three reachable nothing is missed (`DESIGN.md`).
pub(crate) const WANTED: usize = 3;

/// How many are used while all of them are devices of contacts: three that are there six hours in ten leave nothing behind
/// in one case of sixteen, five in one of a hundred.
pub(crate) const WANTED_OF_FRIENDS: usize = 5;

/// A mailbox from which nothing came for so long is slow: what it was asked for is fetched elsewhere too.
const STALLED: Span = Span::from_secs(1);

/// The same for what was asked for so long ago, whatever else comes.
const SLOW: Span = Span::from_secs(10);

/// Names of envelopes that were found, so that copies in other mailboxes are not fetched: a backlog and a day.
const REMEMBERED: usize = 16_384;

/// Mailboxes that were left and are still read: more than one a week means that something else is wrong.
const MAX_LEFT: usize = 8;

/// How long an envelope is kept at most.
pub(crate) const KEPT_FOR: Span = Span::from_days(14);

/// The hardest work that is done for an inbox, in bits: some 2^26 hashes, a minute of one slow core. An honest mailbox
/// asks for so much when it is nine tenths full.
const MAX_WORK: u8 = 26;

/// Work is done so often a day for one mailbox: for two inboxes, each asked for anew when an hour ends or a disk was lost.
const MAX_WORKS_A_DAY: u32 = 8;

/// Registrations follow each other quickly where contacts come and go: too few queues count once in this time.
const MISSING_COUNTS_AFTER: Span = Span::from_hours(1);

/// Whose queue it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// A device of a contact.
    Device(DeviceId),
    /// Whoever holds an invite.
    Invite(InviteId),
}

/// A mailbox that this device uses, wants to use, or has left and still reads.
pub(crate) struct Own {
    /// Where it answers.
    pub(crate) address: Multiaddress,
    /// Whether it has opened an inbox, now or before a restart.
    pub(crate) accepted: bool,
    /// Whether it did so ever: there may be mail in it, whatever it says now.
    pub(crate) may_hold: bool,
    /// Since when.
    pub(crate) since: Timestamp,
    /// When it was taken from the list; zero while it is in it, or is to be.
    pub(crate) left: Timestamp,
    /// Whether it would not take new envelopes when it was last asked.
    pub(crate) refuses: bool,
    /// When the inbox of the period before, or of a mailbox that was left, was read to its end.
    pub(crate) drained: Option<Timestamp>,
    /// Work that it asks for before it opens an inbox.
    pub(crate) work: Option<Work>,
    /// How often it was given work, and since when that is counted.
    works: Count,
    /// It takes nothing any more.
    pub(crate) closing: bool,
    /// When something was last left there, by its clock.
    pub(crate) mail_at: Option<Timestamp>,
    /// When it was last read to the end.
    pub(crate) read_at: Option<Timestamp>,
    /// How much room it said that there is.
    pub(crate) quota_left: Option<u64>,
    /// Queues that it did not open because another inbox has them: of which period, and whose.
    pub(crate) without: BTreeMap<QueueId, (u32, Owner)>,
    /// What more it did not open.
    pub(crate) missing: Missing,
    /// When it was last asked again for queues that it had not opened.
    pub(crate) asked_again: Timestamp,
    /// How often in a row it said that too much came at once from our network, and when it is asked again.
    pub(crate) too_fast: (u32, Option<Timestamp>),
}

/// Queues that a mailbox did not open by its own count, without saying which.
#[derive(Clone, Copy, Default)]
pub(crate) struct Missing {
    /// How many.
    pub(crate) queues: u32,
    /// How often in a row.
    times: u32,
    /// When that was last counted.
    at: Timestamp,
}

/// One inbox that is being read, as long as its stream is open.
#[derive(Default)]
pub(crate) struct Reading {
    /// Whose queue is which.
    pub(crate) queues: BTreeMap<QueueId, Owner>,
    /// Queues that the mailbox was told of, and whether they are open.
    pub(crate) registered: BTreeMap<QueueId, bool>,
    /// Envelopes to fetch.
    pub(crate) to_fetch: VecDeque<(Sequence, QueueId, EnvelopeId)>,
    /// Envelopes that are being fetched.
    pub(crate) fetching: BTreeMap<Sequence, (QueueId, EnvelopeId)>,
    /// When one came last.
    moved: Timestamp,
    /// Envelopes that are safe here.
    pub(crate) to_delete: Vec<Sequence>,
    /// What each device left had come by another way, and so is deleted without being fetched.
    pub(crate) copies: BTreeMap<DeviceId, BTreeSet<EnvelopeId>>,
    /// Whether the mailbox was asked to list what is there.
    pub(crate) subscribed: bool,
    /// Whether everything that was there has been listed.
    pub(crate) caught_up: bool,
    /// Whether it is to be listed again: somebody was let in whose mail had been left alone.
    pub(crate) again: bool,
}

impl Reading {
    /// Something that is listed had come by another way: it is deleted, and whoever left it may hear of that.
    pub(crate) fn is_found(&mut self, sequence: Sequence, queue: &QueueId, envelope: EnvelopeId) {
        self.to_delete.push(sequence);
        if let Some(Owner::Device(device)) = self.queues.get(queue) {
            self.copies.entry(*device).or_default().insert(envelope);
        }
    }
}

/// Work under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// For which period's inbox.
    pub(crate) period: u32,
    /// What the mailbox drew.
    pub(crate) challenge: [u8; 32],
    /// How hard it is.
    pub(crate) bits: WorkBits,
    /// The next number to try.
    pub(crate) next: u64,
}

/// The own mailboxes.
pub(crate) struct Mailboxes {
    seed: Secret32,
    own: BTreeMap<DeviceId, Own>,
    readings: BTreeMap<(DeviceId, u32), Reading>,
    /// Envelopes that were asked for: since when, and where.
    under_way: BTreeMap<EnvelopeId, (Timestamp, (DeviceId, u32))>,
    /// When the list was changed last, in milliseconds.
    pub(crate) version: u64,
    found: BTreeSet<EnvelopeId>,
    found_in_order: VecDeque<EnvelopeId>,
    /// Those of them that have a row.
    found_kept: BTreeSet<EnvelopeId>,
}

impl Mailboxes {
    /// No mailboxes yet.
    pub(crate) fn new(seed: Secret32) -> Self {
        Self {
            seed,
            own: BTreeMap::new(),
            readings: BTreeMap::new(),
            under_way: BTreeMap::new(),
            version: 0,
            found: BTreeSet::new(),
            found_in_order: VecDeque::new(),
            found_kept: BTreeSet::new(),
        }
    }

    /// What inboxes are derived from.
    pub(crate) fn seed(&self) -> &Secret32 {
        &self.seed
    }

    /// Takes a mailbox as it was stored.
    pub(crate) fn restore(&mut self, device: DeviceId, row: MailboxRow) {
        self.version = self.version.max(row.since.0).max(row.left.0);
        let own =
            Own { since: row.since, left: row.left, accepted: true, may_hold: true, ..Own::new(row.address) };
        self.own.insert(device, own);
    }

    /// Wants a node as a mailbox.
    pub(crate) fn want(&mut self, node: DeviceAddress) {
        let may_hold = self.own.get(&node.device).is_some_and(|own| own.may_hold);
        self.own.insert(node.device, Own { may_hold, ..Own::new(node.address) });
    }

    /// A mailbox answers somewhere else. Returns whether contacts have to hear of it.
    pub(crate) fn move_to(&mut self, now: Timestamp, out: &mut Output, node: &DeviceAddress) -> bool {
        let version = self.next_version(now);
        let Some(own) = self.own.get_mut(&node.device) else { return false };
        if own.address == node.address {
            return false;
        }
        own.address = node.address.clone();
        if own.accepted {
            own.since = Timestamp(version);
            own.put(out, &node.device);
            self.version = version;
        }
        own.accepted
    }

    /// A mailbox opened an inbox. Returns whether that is new: then contacts have to hear of it.
    pub(crate) fn accepted(&mut self, now: Timestamp, out: &mut Output, device: &DeviceId) -> bool {
        let version = self.next_version(now);
        let Some(own) = self.own.get_mut(device).filter(|own| own.is_used()) else { return false };
        own.refuses = false;
        if std::mem::replace(&mut own.accepted, true) {
            return false;
        }
        (own.may_hold, own.since) = (true, Timestamp(version));
        own.put(out, device);
        self.version = version;
        true
    }

    /// A mailbox is not used any more. One that contacts may know is read for as long as it can hold something.
    pub(crate) fn leave(&mut self, now: Timestamp, out: &mut Output, device: &DeviceId) {
        let version = self.next_version(now);
        let Some(own) = self.own.get_mut(device).filter(|own| own.is_used()) else { return };
        if !own.may_hold {
            self.own.remove(device);
            return;
        }
        (own.left, own.drained, own.work) = (Timestamp(version), None, None);
        own.put(out, device);
        self.version = version;
        let left = self.own.iter().filter(|(_, own)| !own.is_used());
        let oldest = left.clone().min_by_key(|(_, own)| own.left).map(|(device, _)| *device);
        if let Some(oldest) = oldest.filter(|_| left.count() > MAX_LEFT) {
            self.forget(out, &oldest);
        }
    }

    /// Forgets a mailbox that was left.
    pub(crate) fn forget(&mut self, out: &mut Output, device: &DeviceId) {
        self.own.remove(device);
        self.readings.retain(|(of, _), _| of != device);
        self.under_way.retain(|_, (_, (of, _))| of != device);
        out.delete(rows::MAILBOXES, &device.0);
    }

    fn next_version(&self, now: Timestamp) -> u64 {
        now.0.max(self.version + 1)
    }

    /// A mailbox of ours, left or not.
    pub(crate) fn get(&self, device: &DeviceId) -> Option<&Own> {
        self.own.get(device)
    }

    /// A mailbox of ours, to be changed.
    pub(crate) fn get_mut(&mut self, device: &DeviceId) -> Option<&mut Own> {
        self.own.get_mut(device)
    }

    /// Whether a mailbox is in the list, or is to be.
    pub(crate) fn is_used(&self, device: &DeviceId) -> bool {
        self.own.get(device).is_some_and(Own::is_used)
    }

    /// All mailboxes that we use, try, or have left and still read.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&DeviceId, &Own)> {
        self.own.iter()
    }

    /// Those that we use or try.
    pub(crate) fn used(&self) -> impl Iterator<Item = (&DeviceId, &Own)> {
        self.own.iter().filter(|(_, own)| own.is_used())
    }

    /// The names of all.
    pub(crate) fn names(&self) -> Vec<DeviceId> {
        self.own.keys().copied().collect()
    }

    /// What contacts are told.
    pub(crate) fn places(&self) -> BoundedVec<DeviceAddress, MAX_PLACES> {
        let told = self.used().filter(|(_, own)| own.accepted);
        let place = |(device, own): (&DeviceId, &Own)| DeviceAddress {
            device: *device,
            address: own.address.clone(),
        };
        BoundedVec::truncated(told.map(place).collect())
    }

    /// A device has other queues than those that it had no place for.
    pub(crate) fn has_place(&mut self, device: &DeviceId) {
        for own in self.own.values_mut() {
            own.without.retain(|_, (_, owner)| *owner != Owner::Device(*device));
        }
    }

    /// The reading of an inbox.
    pub(crate) fn reading(&mut self, mailbox: &DeviceId, period: u32) -> &mut Reading {
        self.readings.entry((*mailbox, period)).or_default()
    }

    /// Whether everything that was in an inbox has been listed: what is listed now came just now.
    pub(crate) fn is_caught_up(&self, mailbox: &DeviceId, period: u32) -> bool {
        self.readings.get(&(*mailbox, period)).is_some_and(|reading| reading.caught_up && !reading.again)
    }

    /// The inboxes in which something is listed that was not asked for.
    pub(crate) fn with_more(&self) -> Vec<(DeviceId, u32)> {
        self.readings.iter().filter(|(_, reading)| !reading.to_fetch.is_empty()).map(|(of, _)| *of).collect()
    }

    /// Whether all that a mailbox has listed was asked for, or found elsewhere.
    pub(crate) fn has_more(&self, mailbox: &DeviceId, period: u32) -> bool {
        self.readings.get(&(*mailbox, period)).is_some_and(|reading| !reading.to_fetch.is_empty())
    }

    /// What is to be asked for next: so many of what is listed, but not what was found, which is to be deleted, nor what is on its
    /// way from elsewhere. Also when that is to be looked at again.
    pub(crate) fn take_listed(
        &mut self,
        now: Timestamp,
        (mailbox, period): (&DeviceId, u32),
        count: usize,
    ) -> (Vec<Sequence>, Option<Timestamp>) {
        let mut listed = std::mem::take(&mut self.reading(mailbox, period).to_fetch);
        let (mut taken, mut coming) = (Vec::new(), Vec::new());
        while taken.len() < count
            && let Some((sequence, queue, envelope)) = listed.pop_front()
        {
            if self.was_found(&envelope) {
                self.reading(mailbox, period).is_found(sequence, &queue, envelope);
            } else if self.is_coming(now, &envelope) {
                coming.push((sequence, queue, envelope));
            } else if self.reading(mailbox, period).fetching.insert(sequence, (queue, envelope)).is_none() {
                // Else it was listed twice.
                self.under_way.insert(envelope, (now, (*mailbox, period)));
                taken.push(sequence);
            }
        }
        let again = (!coming.is_empty()).then_some(now + STALLED);
        for entry in coming.into_iter().rev() {
            listed.push_front(entry);
        }
        self.reading(mailbox, period).to_fetch = listed;
        (taken, again)
    }

    /// Whether an envelope was asked for and is likely to come: where it was asked for, others came a moment ago.
    fn is_coming(&self, now: Timestamp, envelope: &EnvelopeId) -> bool {
        let Some((since, from)) = self.under_way.get(envelope) else { return false };
        let moved = self.readings.get(from).map_or(Timestamp(0), |reading| reading.moved);
        now.since(*since) < SLOW && now.since(moved.max(*since)) < STALLED
    }

    /// What was asked for is here, or is not there. Returns in which queue it was; `None` when it was not asked for.
    pub(crate) fn fetched(
        &mut self,
        now: Timestamp,
        (mailbox, period): (&DeviceId, u32),
        sequence: Sequence,
    ) -> Option<QueueId> {
        let reading = self.reading(mailbox, period);
        let (queue, envelope) = reading.fetching.remove(&sequence)?;
        reading.moved = now;
        self.under_way.remove(&envelope);
        Some(queue)
    }

    /// An inbox is not read any more.
    pub(crate) fn stop_reading(&mut self, mailbox: &DeviceId, period: u32) {
        let of = (*mailbox, period);
        for (_, envelope) in
            self.readings.remove(&of).into_iter().flat_map(|reading| reading.fetching.into_values())
        {
            if self.under_way.get(&envelope).is_some_and(|(_, from)| *from == of) {
                self.under_way.remove(&envelope);
            }
        }
    }

    /// Whether an envelope was found before.
    pub(crate) fn was_found(&self, envelope: &EnvelopeId) -> bool {
        self.found.contains(envelope)
    }

    /// Takes the names of envelopes that were found before a restart.
    pub(crate) fn restore_found(&mut self, mut found: Vec<(Timestamp, EnvelopeId)>) {
        found.sort_unstable();
        self.found_in_order = found.iter().map(|(_, envelope)| *envelope).collect();
        self.found = self.found_in_order.iter().copied().collect();
        self.found_kept.clone_from(&self.found);
    }

    /// Notes that an envelope was found. With `keep` also over a restart: a mailbox that is away may have a copy.
    pub(crate) fn note_found(&mut self, now: Timestamp, out: &mut Output, envelope: EnvelopeId, keep: bool) {
        if self.found.insert(envelope) {
            self.found_in_order.push_back(envelope);
        }
        if keep && self.found_kept.insert(envelope) {
            out.put(rows::FOUND, &envelope.0, FoundRow { at: now }.to_bytes());
        }
        if self.found_in_order.len() > REMEMBERED
            && let Some(oldest) = self.found_in_order.pop_front()
        {
            self.found.remove(&oldest);
            if self.found_kept.remove(&oldest) {
                out.delete(rows::FOUND, &oldest.0);
            }
        }
    }

    /// Whether names are kept over a restart.
    pub(crate) fn keeps_found(&self) -> bool {
        !self.found_kept.is_empty()
    }

    /// Every mailbox has told all that it has: what comes now is known by a name in memory.
    pub(crate) fn forget_kept(&mut self, out: &mut Output) {
        for envelope in std::mem::take(&mut self.found_kept) {
            out.delete(rows::FOUND, &envelope.0);
        }
    }
}

impl Own {
    pub(crate) fn new(address: Multiaddress) -> Self {
        Self {
            address,
            accepted: false,
            may_hold: false,
            since: Timestamp(0),
            left: Timestamp(0),
            refuses: false,
            drained: None,
            work: None,
            works: Count::default(),
            closing: false,
            mail_at: None,
            read_at: None,
            quota_left: None,
            without: BTreeMap::new(),
            missing: Missing::default(),
            asked_again: Timestamp(0),
            too_fast: (0, None),
        }
    }

    /// Whether it is in the list, or is to be.
    pub(crate) fn is_used(&self) -> bool {
        self.left == Timestamp(0)
    }

    /// The last period in which it was given queues.
    pub(crate) fn last_period(&self) -> u32 {
        if self.is_used() { u32::MAX } else { mailbox::period_at(self.left).saturating_add(1) }
    }

    /// Until when it can hold something: the end of its last queues, and as long as an envelope is kept.
    pub(crate) fn holds_until(&self) -> Timestamp {
        if self.is_used() {
            return Timestamp::NEVER;
        }
        Timestamp((u64::from(self.last_period()) + 1).saturating_mul(mailbox::PERIOD.0)) + KEPT_FOR
    }

    /// Notes how many queues it did not open. Returns how often in a row, each an hour after the one before.
    pub(crate) fn note_missing(&mut self, now: Timestamp, queues: u32) -> u32 {
        let counts = now.since(self.missing.at) >= MISSING_COUNTS_AFTER;
        let (times, at) = match (queues > 0, counts) {
            (false, _) => (0, Timestamp(0)),
            (true, true) => (self.missing.times.saturating_add(1), now),
            (true, false) => (self.missing.times, self.missing.at),
        };
        self.missing = Missing { queues, times, at };
        times
    }

    /// Takes work, unless it is too hard or asked for too often.
    pub(crate) fn take_work(&mut self, now: Timestamp, work: Work) -> bool {
        let taken =
            work.bits.bits() <= MAX_WORK && self.works.again(now, Span::from_days(1)) <= MAX_WORKS_A_DAY;
        if taken {
            self.work = Some(work);
        }
        taken
    }

    /// There is mail of this place in its order, which is a time (`kith-mailbox`).
    pub(crate) fn has_mail_of(&mut self, now: Timestamp, sequence: Sequence) {
        let at = (sequence > 0).then(|| Timestamp(sequence >> 16).min(now));
        self.mail_at = self.mail_at.max(at);
    }

    fn put(&self, out: &mut Output, device: &DeviceId) {
        let row = MailboxRow { address: self.address.clone(), since: self.since, left: self.left };
        out.put(rows::MAILBOXES, &device.0, row.to_bytes());
    }
}

#[cfg(test)]
mod tests {
    use kith_proto::mailbox::WorkBits;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    #[test]
    fn work_without_end_is_not_done() {
        let mut own = Own::new(Multiaddress::new(vec![1]).unwrap());
        let work = |bits| Work { period: 1, challenge: [0; 32], bits: WorkBits::capped(bits), next: 0 };
        assert!(!own.take_work(NOW, work(MAX_WORK + 1)), "too hard");
        let done = (0..100).filter(|_| own.take_work(NOW, work(8))).count();
        assert_eq!(done, 8, "again and again");
        assert!(own.take_work(NOW + Span::from_days(1), work(8)), "another day");
    }

    #[test]
    fn a_mailbox_that_opens_too_few_queues_is_judged_once_an_hour() {
        let mut own = Own::new(Multiaddress::new(vec![1]).unwrap());
        assert!((0..100).all(|_| own.note_missing(NOW, 3) == 1), "contacts come and go");
        assert_eq!(own.note_missing(NOW + Span::from_hours(1), 3), 2);
        assert_eq!(own.note_missing(NOW + Span::from_hours(2), 0), 0);
        assert_eq!(own.note_missing(NOW + Span::from_hours(2), 1), 1, "from the beginning");
    }

    #[test]
    fn what_was_left_is_read_for_as_long_as_it_can_hold_something() {
        let (mut mailboxes, mut out) = (Mailboxes::new(Secret32::new([1; 32])), Output::new());
        let name = |number: u8| DeviceId([number; 32]);
        for number in 1..=20 {
            let address = Multiaddress::new(vec![number]).unwrap();
            mailboxes.want(DeviceAddress { device: name(number), address });
            assert!(mailboxes.accepted(NOW, &mut out, &name(number)));
            assert_eq!(mailboxes.places().len(), 1);
            let before = mailboxes.version;
            mailboxes.leave(NOW, &mut out, &name(number));
            assert!(mailboxes.version > before, "contacts have to hear of it");
        }
        assert_eq!((mailboxes.all().count(), mailboxes.used().count()), (MAX_LEFT, 0));
        let last = mailboxes.get(&name(20)).unwrap();
        assert!(last.holds_until() >= NOW + mailbox::PERIOD + KEPT_FOR);
    }
}
