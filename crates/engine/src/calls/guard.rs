//! What keeps calls from being a nuisance: how often somebody may ring, how much may be said, and the calls that are over,
//! whose stragglers must not ring again.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use kith_proto::call::Signal;
use kith_proto::id::CallId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::call::Call;
use crate::count::Count;

/// Calls that one contact may begin in [`RING_WINDOW`]. Somebody in need calls again and again, and no more than that.
const RINGS: u32 = 8;

/// See [`RINGS`].
const RING_WINDOW: Span = Span::from_minutes(5);

/// Missed calls of one contact that are written down in [`RING_WINDOW`]: those of some days, which come together when this device was away.
const MISSED: u32 = 24;

/// Calls of a group that one contact may call away to another in [`RING_WINDOW`]: it happens when two began at once.
const MOVES: u32 = 3;

/// Words that one contact may say in ten seconds. Two descriptions with their candidates, said three times, are fifty.
const WORDS: u32 = 200;

/// See [`WORDS`].
const WORD_WINDOW: Span = Span::from_secs(10);

/// Calls that are remembered when they are over.
const MAX_OVER: usize = 128;

/// Those of one contact among them: as many as may ring while one call does, and some. Nobody pushes out what is known of others' calls.
const MAX_OVER_EACH: usize = 16;

/// The guard.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    rings: BTreeMap<ContactId, Count>,
    missed: BTreeMap<ContactId, Count>,
    moves: BTreeMap<ContactId, Count>,
    words: BTreeMap<ContactId, Count>,
    over: VecDeque<Over>,
}

/// A call that is over.
#[derive(Debug)]
struct Over {
    id: CallId,
    contact: ContactId,
    how: How,
}

/// What is known of a call that is over.
#[derive(Debug)]
enum How {
    /// All of it.
    Ended(Box<Call>),
    /// It never rang here; whoever asks hears this.
    Refused(Signal),
}

impl Guard {
    /// Whether a contact may begin another call.
    pub(crate) fn may_ring(&mut self, now: Timestamp, contact: &ContactId) -> bool {
        self.rings.entry(*contact).or_default().again(now, RING_WINDOW) <= RINGS
    }

    /// Whether another missed call of a contact is written down.
    pub(crate) fn may_miss(&mut self, now: Timestamp, contact: &ContactId) -> bool {
        self.missed.entry(*contact).or_default().again(now, RING_WINDOW) <= MISSED
    }

    /// Whether a contact may call this device away to another call of a group.
    pub(crate) fn may_move(&mut self, now: Timestamp, contact: &ContactId) -> bool {
        self.moves.entry(*contact).or_default().again(now, RING_WINDOW) <= MOVES
    }

    /// Whether what a contact says is listened to.
    pub(crate) fn may_speak(&mut self, now: Timestamp, contact: &ContactId) -> bool {
        self.words.entry(*contact).or_default().again(now, WORD_WINDOW) <= WORDS
    }

    /// Remembers a call that has ended.
    pub(crate) fn ended(&mut self, contact: ContactId, call: Call) {
        self.remember(Over { id: call.id(), contact, how: How::Ended(Box::new(call)) });
    }

    /// Remembers a call that did not ring here.
    pub(crate) fn refused(&mut self, contact: ContactId, id: CallId, word: Signal) {
        self.remember(Over { id, contact, how: How::Refused(word) });
    }

    fn remember(&mut self, over: Over) {
        let of_theirs = |known: &&Over| known.contact == over.contact;
        if self.over.iter().filter(of_theirs).count() >= MAX_OVER_EACH {
            let oldest = self.over.iter().position(|known| known.contact == over.contact);
            oldest.and_then(|at| self.over.remove(at));
        } else if self.over.len() >= MAX_OVER {
            self.over.pop_front();
        }
        self.over.push_back(over);
    }

    /// What is said about a call of a contact that is over; `None` when it is not known.
    pub(crate) fn word_about(&self, contact: &ContactId, id: &CallId, device: &DeviceId) -> Option<Signal> {
        let over = self.over.iter().rev().find(|over| over.id == *id && over.contact == *contact)?;
        Some(match &over.how {
            How::Ended(call) => call.afterwards(device),
            How::Refused(word) => word.clone(),
        })
    }

    /// Forgets a contact.
    pub(crate) fn forget(&mut self, contact: &ContactId) {
        self.rings.remove(contact);
        self.missed.remove(contact);
        self.moves.remove(contact);
        self.words.remove(contact);
        self.over.retain(|over| over.contact != *contact);
    }
}

#[cfg(test)]
mod tests {
    use kith_proto::id::AccountId;

    use super::*;

    #[test]
    fn nobody_makes_this_device_forget_the_calls_of_others() {
        let (eve, bob, device) = (AccountId([1; 32]), AccountId([2; 32]), DeviceId([3; 32]));
        let mut guard = Guard::default();
        let declined = CallId([9; 16]);
        guard.refused(bob, declined, Signal::Cancel);
        for number in 0..=u8::MAX {
            guard.refused(eve, CallId([number; 16]), Signal::Ringing);
        }
        assert_eq!(guard.word_about(&bob, &declined, &device), Some(Signal::Cancel));
        assert_eq!(guard.word_about(&eve, &CallId([u8::MAX; 16]), &device), Some(Signal::Ringing));
        assert_eq!(guard.word_about(&eve, &CallId([0; 16]), &device), None, "only the last of hers are kept");
    }
}
