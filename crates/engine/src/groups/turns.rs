//! Whose turn it is to meet: while posts move in a meeting, others wait, so that nothing is given by several at once.
//!
//! ```text
//!  claim ─▶ nobody has the turn ─▶ has it ── moves ─▶ 3 s more … ── ended, silent, gone ─▶ the next
//!              └─ somebody has ─▶ waits ─────────────────────────────────────────────────────┘
//! ```
//!
//! Whoever has the turn and moves nothing loses it, though the meeting may go on beside the next. Whoever had it lately
//! stands behind all who wait, so that nobody is kept out by somebody who comes again and again.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use kith_proto::id::DeviceId;
use kith_proto::sync::HistoryDigest;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

/// The turn is lost when nothing moves for so long.
const STALLED: Span = Span::from_secs(3);

/// Whoever had the turn less than this ago stands behind others.
const LATELY: Span = Span::from_minutes(1);

/// Devices that are remembered as waiting.
const MAX_WAITING: usize = 64;

/// The turns of one group.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Who has it, and when something moved last.
    holder: Option<(DeviceId, Timestamp)>,
    /// Who waits since when, and what they had, as far as they said: the first comes first.
    waiting: VecDeque<(DeviceId, Timestamp, Option<HistoryDigest>)>,
    /// When devices had the turn last.
    held: BTreeMap<DeviceId, Timestamp>,
}

impl Turns {
    /// A device would like to meet. Returns whether it may at once; else it waits.
    pub(super) fn claim(&mut self, now: Timestamp, device: &DeviceId, theirs: Option<HistoryDigest>) -> bool {
        self.held.retain(|_, at| now.since(*at) < LATELY);
        self.waiting.retain(|(waits, since, _)| waits != device && now.since(*since) < LATELY);
        let taken = self.holder.is_some_and(|(holder, at)| holder != *device && now.since(at) < STALLED);
        let behind =
            self.held.contains_key(device) && self.holder.is_none_or(|(holder, _)| holder != *device);
        if taken || (behind && !self.waiting.is_empty()) {
            if self.waiting.len() < MAX_WAITING {
                self.waiting.push_back((*device, now, theirs));
            }
            return false;
        }
        self.holder = Some((*device, now));
        self.held.insert(*device, now);
        true
    }

    /// Something moved in the meeting with a device.
    pub(super) fn moved(&mut self, now: Timestamp, device: &DeviceId) {
        if let Some((_, at)) = self.holder.as_mut().filter(|(holder, _)| holder == device) {
            *at = now;
        }
    }

    /// The meeting with a device is over. Returns whether others may have waited for that.
    pub(super) fn over(&mut self, device: &DeviceId) -> bool {
        let held = self.holder.is_some_and(|(holder, _)| holder == *device);
        if held {
            self.holder = None;
        }
        held && !self.waiting.is_empty()
    }

    /// A device is gone. Returns whether others may have waited for that.
    pub(super) fn gone(&mut self, device: &DeviceId) -> bool {
        self.waiting.retain(|(waits, ..)| waits != device);
        self.over(device)
    }

    /// All who wait, in their order and with what they had: each of them may claim again.
    pub(super) fn call(&mut self) -> Vec<(DeviceId, Option<HistoryDigest>)> {
        self.waiting.drain(..).map(|(device, _, theirs)| (device, theirs)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: DeviceId = DeviceId([1; 32]);
    const BOB: DeviceId = DeviceId([2; 32]);
    const CAROL: DeviceId = DeviceId([3; 32]);

    fn at(millis: u64) -> Timestamp {
        Timestamp(1_800_000_000_000 + millis)
    }

    #[test]
    fn one_after_the_other() {
        let mut turns = Turns::default();
        assert!(turns.claim(at(0), &ANN, None));
        assert!(turns.claim(at(1), &ANN, None), "who has it keeps it");
        assert!(!turns.claim(at(2), &BOB, Some([7; 16])));
        assert!(!turns.claim(at(3), &CAROL, None));
        assert!(!turns.over(&BOB) && turns.over(&ANN));
        assert_eq!(turns.call(), [(BOB, Some([7; 16])), (CAROL, None)]);
        assert!(turns.claim(at(5), &BOB, None));
        assert!(!turns.claim(at(5), &CAROL, None));
        assert!(turns.gone(&BOB));
        assert_eq!(turns.call(), [(CAROL, None)]);
        assert!(turns.call().is_empty());
    }

    #[test]
    fn whoever_moves_nothing_loses_the_turn() {
        let mut turns = Turns::default();
        assert!(turns.claim(at(0), &ANN, None));
        turns.moved(at(2_000), &ANN);
        turns.moved(at(4_999), &BOB);
        assert!(!turns.claim(at(4_999), &BOB, None));
        assert!(turns.claim(at(5_000), &BOB, None));
        assert!(!turns.over(&ANN), "it went on without having the turn");
    }

    #[test]
    fn whoever_comes_again_and_again_keeps_nobody_out() {
        let mut turns = Turns::default();
        assert!(turns.claim(at(0), &ANN, None));
        assert!(!turns.claim(at(10), &BOB, None));
        turns.over(&ANN);
        assert!(!turns.claim(at(20), &ANN, None), "Bob waits");
        assert!(turns.claim(at(30), &BOB, None));
        turns.over(&BOB);
        assert!(turns.claim(at(40), &ANN, None), "nobody else waits");
    }

    #[test]
    fn not_too_many_wait_and_nobody_for_ever() {
        let mut turns = Turns::default();
        assert!(turns.claim(at(0), &ANN, None));
        for number in 10..200 {
            assert!(!turns.claim(at(1), &DeviceId([number; 32]), None));
        }
        assert_eq!(turns.waiting.len(), MAX_WAITING);
        turns.over(&ANN);
        assert!(turns.claim(at(60_002), &ANN, None), "those who waited have gone away");
    }
}
