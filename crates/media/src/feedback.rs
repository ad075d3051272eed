//! What was sent, joined with what the receiver says about it: transport-wide feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).
//!
//! Whoever carries the packets reads the feedback's chunks and hands over `(number, arrival)` of each packet; arrivals
//! are microseconds from the feedback's reference time, which wraps after twelve days. A packet is lost when the other side
//! misses it and one that left well after it has arrived: networks reorder, and a late packet is not a sign of anything. Of a
//! packet that no feedback mentions nothing is known, as feedback gets lost too.
//!
//! ```text
//!   sent ──▶ on the way ──▶ arrived ──────────────────────────────────────────▶ reported, once
//!                 │  └────▶ missed ──▶ passed by others for 50 ms ────────────▶ reported as lost, once
//!                 └───────▶ never mentioned, passed by others for a second ──▶ forgotten
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::RemoteTime;
use crate::time::Time;

/// Names a probe: a group of packets sent faster than the rest to see what the line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(pub u32);

/// One packet's fate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Bytes on the wire.
    pub bytes: usize,
    /// When it left.
    pub sent: Time,
    /// When it came, on the clock of the other side; nothing when it was lost.
    pub arrived: Option<RemoteTime>,
    /// The probe it was part of.
    pub probe: Option<ProbeId>,
}

/// Packets on the way. Bounded by [`MOST`] packets.
#[derive(Debug, Default)]
pub struct History {
    packets: VecDeque<Packet>,
    /// The place of the first of `packets`; they are without gaps.
    first: u64,
    /// On a scale that does not wrap.
    last_arrival: Option<RemoteTime>,
    in_flight: usize,
    stats: Stats,
}

/// Counts of a [`History`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets of which nothing was ever said.
    pub forgotten: u64,
    /// Words about packets that are not, or no longer, on the way.
    pub unknown: u64,
}

#[derive(Debug)]
struct Packet {
    bytes: usize,
    sent: Time,
    probe: Option<ProbeId>,
    fate: Fate,
}

#[derive(Debug, PartialEq)]
enum Fate {
    OnTheWay,
    Missed,
    Settled,
}

impl History {
    /// The transport-wide number of the next packet.
    pub fn next_number(&self) -> u16 {
        (self.first + self.packets.len() as u64) as u16
    }

    /// Notes a packet as it leaves with the number it bears. Numbers follow each other; when one does not, whoever counts
    /// them began anew, and what was sent before is no longer followed.
    pub fn sent(&mut self, now: Time, number: u16, bytes: usize, probe: Option<ProbeId>) {
        if number != self.next_number() {
            self.stats.forgotten +=
                self.packets.iter().filter(|packet| packet.fate != Fate::Settled).count() as u64;
            self.packets.clear();
            self.in_flight = 0;
            self.first = u64::from(number);
        }
        self.packets.push_back(Packet { bytes, sent: now, probe, fate: Fate::OnTheWay });
        self.in_flight = self.in_flight.saturating_add(bytes);
        if self.packets.len() > MOST {
            self.forget_first();
        }
    }

    /// Takes what one feedback says: numbers, with the arrival where the packet came. Adds reports of all that is now
    /// certain, in the order of sending.
    pub fn feedback(
        &mut self,
        now: Time,
        said: impl IntoIterator<Item = (u16, Option<RemoteTime>)>,
        reports: &mut Vec<Report>,
    ) {
        let begin = reports.len();
        let mut newest_sent = None;
        for (number, arrival) in said.into_iter().take(MOST) {
            let arrival = arrival.map(|arrival| self.unwrapped(arrival));
            let back = self.next_number().wrapping_sub(number);
            let index = self.packets.len().checked_sub(usize::from(back)).filter(|_| back != 0);
            let known = index.and_then(|index| self.packets.get_mut(index));
            let Some(packet) = known.filter(|packet| packet.fate != Fate::Settled) else {
                self.stats.unknown += 1;
                continue;
            };
            let Some(arrival) = arrival else {
                packet.fate = Fate::Missed;
                continue;
            };
            packet.fate = Fate::Settled;
            self.in_flight = self.in_flight.saturating_sub(packet.bytes);
            newest_sent = newest_sent.max(Some(packet.sent));
            let Packet { bytes, sent, probe, .. } = *packet;
            reports.push(Report { bytes, sent, arrived: Some(arrival), probe });
        }
        self.settle_lost(now, newest_sent, reports);
        if let Some(new) = reports.get_mut(begin..) {
            new.sort_by_key(|report| report.sent);
        }
        while self.packets.front().is_some_and(|packet| packet.fate == Fate::Settled) {
            self.packets.pop_front();
            self.first += 1;
        }
    }

    /// Bytes of which nothing was said yet.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn settle_lost(&mut self, now: Time, newest_sent: Option<Time>, reports: &mut Vec<Report>) {
        for packet in &mut self.packets {
            let passed = newest_sent.map_or(Duration::ZERO, |newest| newest.since(packet.sent));
            let old = now.since(packet.sent) >= TOO_OLD;
            if passed < REORDERED && !old {
                break;
            }
            let Packet { bytes, sent, probe, .. } = *packet;
            match packet.fate {
                Fate::Missed => reports.push(Report { bytes, sent, arrived: None, probe }),
                Fate::OnTheWay if passed >= UNMENTIONED || old => self.stats.forgotten += 1,
                Fate::OnTheWay | Fate::Settled => continue,
            }
            packet.fate = Fate::Settled;
            self.in_flight = self.in_flight.saturating_sub(bytes);
        }
    }

    /// The arrival on a scale that does not wrap.
    fn unwrapped(&mut self, arrival: RemoteTime) -> RemoteTime {
        let last = self.last_arrival.unwrap_or(RemoteTime(arrival.0.saturating_add(EPOCH * PERIOD)));
        let within = arrival.0 % PERIOD;
        let base = last.0 - last.0 % PERIOD + within;
        // Of the three that it could be, the one nearest to what came last.
        let near = [base.saturating_sub(PERIOD), base, base.saturating_add(PERIOD)];
        let place = near.into_iter().min_by_key(|place| place.abs_diff(last.0)).unwrap_or(base);
        self.last_arrival = Some(RemoteTime(place));
        RemoteTime(place)
    }

    fn forget_first(&mut self) {
        if let Some(packet) = self.packets.pop_front() {
            self.first += 1;
            if packet.fate != Fate::Settled {
                self.in_flight = self.in_flight.saturating_sub(packet.bytes);
                self.stats.forgotten += 1;
            }
        }
    }
}

/// At 10 Mbit/s about eight seconds; and well within half of the numbers, so that none is ambiguous.
pub const MOST: usize = 8_192;

/// How long after a packet another must have left, and arrived, until the first is called lost.
const REORDERED: Duration = Duration::from_millis(50);

/// Feedback comes ten times a second; that of such a packet was lost.
const UNMENTIONED: Duration = Duration::from_secs(1);

/// A packet of which nothing is said for so long does not count any more, even if nothing else arrived.
const TOO_OLD: Duration = Duration::from_secs(3);

/// The reference time has 24 bits and counts 64 ms (section 3.1).
const PERIOD: u64 = (1 << 24) * 64_000;

/// Where unwrapped arrivals begin, so that earlier ones are not below zero.
const EPOCH: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Option<RemoteTime> {
        Some(RemoteTime(millis * 1_000))
    }

    fn sent(history: &mut History, millis: u64) -> u16 {
        let number = history.next_number();
        history.sent(Time::from_millis(millis), number, 1_000, None);
        number
    }

    #[test]
    fn a_packet_is_lost_when_others_have_long_passed_it() {
        let mut history = History::default();
        let (one, two, three) = (sent(&mut history, 0), sent(&mut history, 10), sent(&mut history, 70));
        let mut reports = Vec::new();
        history.feedback(Time::from_millis(100), [(one, None), (two, at(5))], &mut reports);
        assert_eq!(reports.len(), 1, "only ten milliseconds passed between the two");
        assert_eq!(history.in_flight(), 2_000);
        history.feedback(Time::from_millis(150), [(three, at(66))], &mut reports);
        assert_eq!(reports.iter().filter(|report| report.arrived.is_none()).count(), 1);
        history.feedback(Time::from_millis(200), [(one, at(70)), (three, at(66))], &mut reports);
        assert_eq!(reports.len(), 3, "what was said once is not said again");
        assert_eq!((history.in_flight(), history.stats().unknown), (0, 2));
    }

    #[test]
    fn what_no_feedback_mentions_is_not_lost() {
        let mut history = History::default();
        let mut reports = Vec::new();
        let first = sent(&mut history, 0);
        for packet in 1..200 {
            let number = sent(&mut history, packet * 10);
            history.feedback(Time::from_millis(packet * 10), [(number, at(packet * 10))], &mut reports);
        }
        assert!(reports.iter().all(|report| report.arrived.is_some()));
        assert_eq!((history.in_flight(), history.stats().forgotten), (0, 1));
        history.feedback(Time::from_millis(2_000), [(first, at(1))], &mut reports);
        assert_eq!(history.stats().unknown, 1);
    }

    #[test]
    fn late_packets_and_wraps_are_no_loss() {
        let mut history = History::default();
        let mut reports = Vec::new();
        let start = PERIOD / 1_000 - 50;
        for packet in 0..70_000_u64 {
            let number = sent(&mut history, packet);
            let arrival = RemoteTime((start + packet) * 1_000 % PERIOD);
            history.feedback(Time::from_millis(packet + 20), [(number, Some(arrival))], &mut reports);
        }
        let mut arrivals = reports.iter().map(|report| report.arrived.expect("none was lost"));
        let first = arrivals.next().expect("many came");
        assert_eq!(arrivals.next_back().map(|last| last.millis_after(first)), Some(69_999.0));
    }

    #[test]
    fn silence_is_bounded() {
        let mut history = History::default();
        (0..20_000).for_each(|packet| _ = sent(&mut history, packet));
        assert_eq!(history.stats().forgotten, 20_000 - MOST as u64);
        assert_eq!(history.in_flight(), MOST * 1_000);
        let mut reports = Vec::new();
        history.feedback(Time::from_millis(40_000), [], &mut reports);
        assert_eq!((reports.len(), history.in_flight()), (0, 0));
    }
}
