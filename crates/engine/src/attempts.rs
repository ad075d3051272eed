//! What was tried for each device: the last ways that were taken and how they ended, and when receipts came.
//!
//! Kept for a device, not for a message: what waits for it goes in order, so a place in that order tells which attempts
//! were about a message, and a receipt ends what was tried for what it confirms. In memory only, since a person asks about what waits now; rows say what was promised and
//! confirmed (`query::trace`). Not here: when something is tried again (`presence`, `leaving`, `askers`).

use std::collections::BTreeMap;
use std::collections::VecDeque;

use kith_proto::id::DeviceId;
use kith_proto::payload::Position;
use kith_proto::time::Timestamp;

use crate::view::AttemptEnd;
use crate::view::AttemptView;
use crate::view::Way;

/// Attempts of one device: dialling, the two kinds of connection, and three mailboxes, each with what came before.
const MAX_ATTEMPTS: usize = 12;

/// Receipts of one device: each is one time at which some messages were confirmed.
const MAX_RECEIPTS: usize = 16;

/// All devices that something was tried for.
#[derive(Default)]
pub(crate) struct Attempts {
    by_device: BTreeMap<DeviceId, Track>,
}

#[derive(Default)]
struct Track {
    tried: VecDeque<Tried>,
    receipts: VecDeque<Receipted>,
}

struct Tried {
    view: AttemptView,
    /// The last place that it was about; zero when it was about none.
    upto: Position,
    /// A receipt came since: what is tried now is for something else.
    over: bool,
}

/// What a receipt confirmed anew: the places after the first of each pair, up to the second.
#[derive(Clone, Copy)]
pub(crate) struct Receipted {
    pub(crate) at: Timestamp,
    pub(crate) delivered: (Position, Position),
    pub(crate) read: (Position, Position),
}

impl Attempts {
    /// A way was taken, and ended so. The same again on the same way is counted, not listed.
    pub(crate) fn note(
        &mut self,
        now: Timestamp,
        device: &DeviceId,
        way: Way,
        end: AttemptEnd,
        upto: Position,
    ) {
        let tried = &mut self.by_device.entry(*device).or_default().tried;
        let last = tried.iter().rposition(|tried| tried.view.way == way);
        let same =
            |at: &usize| tried.get(*at).is_some_and(|tried| !tried.over && tried.view.end.is_like(end));
        let same = last.filter(same);
        let view = AttemptView { way, end, first: now, last: now, times: Some(1) };
        let new = Tried { view, upto, over: false };
        match same.and_then(|at| tried.remove(at)) {
            Some(before) => {
                let times = before.view.times.map(|times| times.saturating_add(1));
                let view = AttemptView { first: before.view.first, times, ..view };
                tried.push_back(Tried { view, upto: upto.max(before.upto), over: false });
            }
            None => tried.push_back(new),
        }
        if tried.len() > MAX_ATTEMPTS {
            tried.pop_front();
        }
    }

    /// A receipt confirmed something.
    pub(crate) fn receipted(&mut self, device: &DeviceId, receipt: Receipted) {
        let track = self.by_device.entry(*device).or_default();
        track.receipts.push_back(receipt);
        if track.receipts.len() > MAX_RECEIPTS {
            track.receipts.pop_front();
        }
        track.tried.iter_mut().for_each(|tried| tried.over = true);
    }

    /// What was tried since a time until another, as far as it was about a place, oldest first. How often is told only when
    /// it began after `since`: what was tried before was for something else.
    pub(crate) fn about(
        &self,
        device: &DeviceId,
        position: Position,
        (since, until): (Timestamp, Timestamp),
    ) -> Vec<AttemptView> {
        let tried = self.by_device.get(device).into_iter().flat_map(|track| &track.tried);
        let within = |view: &AttemptView| view.last >= since && view.last <= until;
        let meant = tried.filter(|tried| within(&tried.view) && (tried.upto == 0 || tried.upto >= position));
        meant
            .map(|tried| AttemptView {
                times: tried.view.times.filter(|_| tried.view.first >= since),
                ..tried.view
            })
            .collect()
    }

    /// When a place was confirmed as delivered and as read, if that was seen.
    pub(crate) fn confirmed(
        &self,
        device: &DeviceId,
        position: Position,
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        let within = |(from, upto): (Position, Position)| from < position && position <= upto;
        let receipts = || self.by_device.get(device).into_iter().flat_map(|track| &track.receipts);
        let delivered = receipts().find(|receipt| within(receipt.delivered)).map(|receipt| receipt.at);
        let read = receipts().find(|receipt| within(receipt.read)).map(|receipt| receipt.at);
        (delivered, read)
    }

    /// Forgets a device.
    pub(crate) fn drop_device(&mut self, device: &DeviceId) {
        self.by_device.remove(device);
    }
}

#[cfg(test)]
mod tests {
    use kith_proto::time::Span;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const EVER: Timestamp = Timestamp(u64::MAX);
    const BOB: DeviceId = DeviceId([2; 32]);

    #[test]
    fn the_same_again_is_counted_and_something_else_is_listed() {
        let mut attempts = Attempts::default();
        for minute in 0..100 {
            let now = NOW + Span::from_minutes(minute);
            attempts.note(now, &BOB, Way::Dial, AttemptEnd::NotReached, 0);
            attempts.note(now, &BOB, Way::Mailbox(DeviceId([9; 32])), AttemptEnd::Full, 0);
        }
        let until = NOW + Span::from_days(14);
        attempts.note(NOW, &BOB, Way::Mailbox(DeviceId([9; 32])), AttemptEnd::Kept { until }, 7);
        let about = attempts.about(&BOB, 7, (NOW, EVER));
        let times: Vec<_> = about.iter().filter_map(|attempt| attempt.times).collect();
        assert_eq!(times, [100, 100, 1]);
        assert_eq!((about[0].first, about[0].last), (NOW, NOW + Span::from_minutes(99)));
        let later = attempts.about(&BOB, 8, (NOW, EVER));
        assert_eq!(later.len(), 2, "what was kept does not cover a later message");
    }

    #[test]
    fn what_was_tried_before_a_message_is_not_counted_for_it() {
        let mut attempts = Attempts::default();
        let at = |minute| NOW + Span::from_minutes(minute);
        for minute in 0..7 {
            attempts.note(at(minute), &BOB, Way::Dial, AttemptEnd::NotReached, 0);
        }
        let about = attempts.about(&BOB, 1, (at(5), EVER));
        assert_eq!((about[0].times, about[0].last), (None, at(6)), "twice, and nobody noted it");
        assert_eq!(attempts.about(&BOB, 1, (at(0), EVER))[0].times, Some(7));
        assert!(attempts.about(&BOB, 1, (at(7), EVER)).is_empty());
    }

    #[test]
    fn what_is_tried_after_a_receipt_is_not_about_what_it_confirmed() {
        let mut attempts = Attempts::default();
        let at = |minute| NOW + Span::from_minutes(minute);
        attempts.note(at(0), &BOB, Way::Direct, AttemptEnd::Sent, 1);
        attempts.receipted(&BOB, Receipted { at: at(1), delivered: (0, 1), read: (0, 0) });
        attempts.note(at(2), &BOB, Way::Direct, AttemptEnd::Sent, 2);
        attempts.note(at(3), &BOB, Way::Dial, AttemptEnd::NotReached, 0);
        let first = attempts.about(&BOB, 1, (NOW, at(1)));
        assert_eq!(first.len(), 1, "{first:?}");
        assert_eq!((first[0].last, first[0].times), (at(0), Some(1)));
        assert_eq!(attempts.about(&BOB, 2, (at(2), EVER)).len(), 2);
    }

    #[test]
    fn attempts_and_receipts_are_bounded_and_a_receipt_is_found_by_place() {
        let mut attempts = Attempts::default();
        for number in 0..200_u8 {
            let way = Way::Mailbox(DeviceId([number; 32]));
            attempts.note(NOW, &BOB, way, AttemptEnd::NotReached, 0);
            let at = NOW + Span(u64::from(number));
            let delivered = (u64::from(number), u64::from(number) + 1);
            attempts.receipted(&BOB, Receipted { at, delivered, read: (0, 0) });
        }
        assert_eq!(attempts.about(&BOB, 1, (NOW, EVER)).len(), MAX_ATTEMPTS);
        assert_eq!(attempts.confirmed(&BOB, 200), (Some(NOW + Span(199)), None));
        assert_eq!(attempts.confirmed(&BOB, 5), (None, None), "too long ago");
        attempts.drop_device(&BOB);
        assert!(attempts.about(&BOB, 1, (NOW, EVER)).is_empty());
    }
}
