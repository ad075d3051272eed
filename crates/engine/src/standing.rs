//! How good nodes were as mailboxes, from what was measured here and from nothing else: nobody's word is taken for it.
//!
//! A *score* goes from 0 to 1,000; 500 is somebody of whom nothing is known. Each day counts once, however often a node was
//! tried in it. How long a node has been *away* is counted while others could be reached, so that a night without a
//! network, or a lid that was closed, is nobody's fault.
//!
//! Not here: which of them are used (`mailboxes`, `choosing`).

use std::collections::BTreeMap;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::output::Output;
use crate::rows;
use crate::rows::MAX_STANDING_DAYS;
use crate::rows::StandingRow;
use crate::view::MailboxRefusal;

/// Nodes that are remembered: the community nodes of a person's life, 300 bytes each.
const MAX_KNOWN: usize = 64;

/// A failed attempt counts for no more than this: the longest pause between two, and a little.
const AWAY_STEP: Span = Span::from_minutes(12);

/// How often a node that is not used is asked what it offers.
const PROBE_EVERY: Span = Span::from_hours(6);

/// The least that should be free for an inbox: a day of a chatty friend.
const ENOUGH_BYTES: u64 = 1 << 20;

/// The score of somebody of whom nothing is known.
pub(crate) const UNKNOWN: u32 = 500;

/// All nodes that are or may be mailboxes.
#[derive(Default)]
pub(crate) struct Standings {
    rows: BTreeMap<DeviceId, StandingRow>,
    failed_at: BTreeMap<DeviceId, Timestamp>,
    probed_at: BTreeMap<DeviceId, Timestamp>,
}

impl Standings {
    /// Takes a row as it was stored.
    pub(crate) fn restore(&mut self, device: DeviceId, row: StandingRow) {
        self.rows.insert(device, row);
    }

    /// A node is there that may serve. When too many are known, the one that did nothing for longest is forgotten, but
    /// none that is used.
    pub(crate) fn met(
        &mut self,
        now: Timestamp,
        out: &mut Output,
        node: &DeviceAddress,
        is_used: impl Fn(&DeviceId) -> bool,
    ) {
        if self.rows.contains_key(&node.device) {
            return self.update(out, &node.device, |row| row.address = node.address.clone());
        }
        if self.rows.len() >= MAX_KNOWN {
            let others = self.rows.iter().filter(|(device, _)| !is_used(device));
            let oldest = others.min_by_key(|(_, row)| row.worked.max(row.known_since));
            let Some(oldest) = oldest.map(|(device, _)| *device) else { return };
            self.rows.remove(&oldest);
            self.failed_at.remove(&oldest);
            self.probed_at.remove(&oldest);
            out.delete(rows::STANDING, &oldest.0);
        }
        let row = StandingRow {
            address: node.address.clone(),
            known_since: now,
            worked: Timestamp(0),
            away: Span(0),
            refused_until: Timestamp(0),
            round_trip_ms: 0,
            free_bytes: u64::MAX,
            days: BoundedVec::default(),
            refusal: 0,
        };
        out.put(rows::STANDING, &node.device.0, row.to_bytes());
        self.rows.insert(node.device, row);
    }

    /// A node said hello after so long.
    pub(crate) fn answered(&mut self, out: &mut Output, device: &DeviceId, after: Span) {
        let new = u32::try_from(after.0).unwrap_or(u32::MAX).max(1);
        self.update(out, device, |row| {
            row.round_trip_ms = match row.round_trip_ms {
                0 => new,
                // A quarter for the newest. A change of a few milliseconds is not worth a write.
                old if old.abs_diff(new) <= 20 => old,
                old => old - old / 4 + new / 4,
            };
        });
    }

    /// A node did what was asked of it.
    pub(crate) fn worked(&mut self, now: Timestamp, out: &mut Output, device: &DeviceId) {
        self.failed_at.remove(device);
        let Some(row) = self.rows.get(device) else { return };
        let today = row.days.last().is_some_and(|(day, (good, _))| *day == now.day() && *good > 0);
        if !today || row.away > Span(0) {
            self.update(out, device, |row| {
                (row.away, row.worked) = (Span(0), now);
                count(row, now, |(good, _)| *good = good.saturating_add(1));
            });
        }
    }

    /// A stream to a node ended without any work. It counts as away if somebody else could be reached meanwhile.
    pub(crate) fn failed(&mut self, now: Timestamp, out: &mut Output, device: &DeviceId, others: bool) {
        if !self.rows.contains_key(device) {
            return;
        }
        let before = self.failed_at.insert(*device, now).unwrap_or(now);
        if others {
            self.update(out, device, |row| {
                row.away = Span(row.away.0.saturating_add(now.since(before).0.min(AWAY_STEP.0)));
                count(row, now, |(_, failed)| *failed = failed.saturating_add(1));
            });
        }
    }

    /// A node would not have us; it is not asked again for a while.
    pub(crate) fn refused(
        &mut self,
        out: &mut Output,
        device: &DeviceId,
        until: Timestamp,
        why: MailboxRefusal,
    ) {
        self.update(out, device, |row| {
            (row.refused_until, row.refusal) = (row.refused_until.max(until), why.code());
        });
    }

    /// A node has us after all.
    pub(crate) fn let_in(&mut self, out: &mut Output, device: &DeviceId) {
        self.update(out, device, |row| row.refusal = 0);
    }

    /// Why a node would not have us when it was last asked.
    pub(crate) fn refusal(&self, device: &DeviceId) -> Option<MailboxRefusal> {
        MailboxRefusal::from_code(self.rows.get(device)?.refusal)
    }

    /// The nodes that would not have us and are not asked now, each where it answers.
    pub(crate) fn refusing(&self, now: Timestamp) -> impl Iterator<Item = (&DeviceId, &Multiaddress)> {
        let refusing = self.rows.iter().filter(move |(_, row)| row.refusal > 0 && row.refused_until > now);
        refusing.map(|(device, row)| (device, &row.address))
    }

    /// How much an inbox at a node may still hold.
    pub(crate) fn has_room(&mut self, out: &mut Output, device: &DeviceId, free: u64) {
        self.update(out, device, |row| {
            // Only whether it is enough matters, not each kilobyte.
            if (row.free_bytes >= ENOUGH_BYTES) != (free >= ENOUGH_BYTES) {
                row.free_bytes = free;
            }
        });
    }

    /// Whether a node may be asked to be a mailbox.
    pub(crate) fn may_ask(&self, now: Timestamp, device: &DeviceId) -> bool {
        self.rows.get(device).is_some_and(|row| row.refused_until <= now)
    }

    /// For how long a node has been away while others were there.
    pub(crate) fn away(&self, device: &DeviceId) -> Span {
        self.rows.get(device).map_or(Span(0), |row| row.away)
    }

    /// Whether it is time to ask a node what it offers; then it counts as asked.
    pub(crate) fn is_probe_due(&mut self, now: Timestamp, device: &DeviceId) -> bool {
        let due = self.probed_at.get(device).is_none_or(|at| now.since(*at) >= PROBE_EVERY);
        if due {
            self.probed_at.insert(*device, now);
        }
        due
    }

    /// How good a node is.
    pub(crate) fn score(&self, now: Timestamp, device: &DeviceId) -> u32 {
        let Some(row) = self.rows.get(device) else { return UNKNOWN };
        // The mean of its days, with one good and one bad day before the first.
        let good: u64 = row
            .days
            .iter()
            .map(|(_, (good, failed))| {
                u64::from(*good) * 1_000 / (u64::from(*good) + u64::from(*failed)).max(1)
            })
            .sum();
        let answered = (good + 1_000) / (row.days.len() as u64 + 2);
        let known_days = now.since(row.known_since).0 / Span::from_days(1).0;
        let slow = u64::from(row.round_trip_ms / 10).min(100);
        let full = if row.free_bytes < ENOUGH_BYTES { 300 } else { 0 };
        let score = (answered + 2 * known_days.min(30)).saturating_sub(slow + full);
        u32::try_from(score.min(1_000)).unwrap_or(1_000)
    }

    fn update(&mut self, out: &mut Output, device: &DeviceId, change: impl FnOnce(&mut StandingRow)) {
        let Some(row) = self.rows.get_mut(device) else { return };
        let before = row.clone();
        change(row);
        if *row != before {
            out.put(rows::STANDING, &device.0, row.to_bytes());
        }
    }
}

fn count(row: &mut StandingRow, now: Timestamp, change: impl FnOnce(&mut (u32, u32))) {
    let mut days = std::mem::take(&mut row.days).into_inner();
    if days.last().is_none_or(|(day, _)| *day < now.day()) {
        days.push((now.day(), (0, 0)));
    }
    if let Some((_, counts)) = days.last_mut() {
        change(counts);
    }
    let old = days.len().saturating_sub(MAX_STANDING_DAYS);
    row.days = BoundedVec::truncated(days.split_off(old));
}

/// The network that an address is in, as far as a failure or an owner may be shared: an IPv4 /16, an IPv6 /32, or a name.
/// `None` when it cannot be told.
pub(crate) fn network_of(address: &Multiaddress) -> Option<Vec<u8>> {
    // Multiaddr codes: ip4, ip6, dns, dns4, dns6, dnsaddr. The last four are followed by the length of a name.
    match address.as_bytes() {
        [4, a, b, ..] => Some(vec![4, *a, *b]),
        [41, a, b, c, d, ..] => Some(vec![41, *a, *b, *c, *d]),
        [53..=56, length, name @ ..] => name.get(..usize::from(*length)).map(<[u8]>::to_vec),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: DeviceId = DeviceId([3; 32]);
    const BEGIN: Timestamp = Timestamp(1_800_000_000_000);

    fn node(number: u8) -> DeviceAddress {
        let address = Multiaddress::new(vec![4, 10, 0, 0, number]).unwrap();
        DeviceAddress { device: DeviceId([number; 32]), address }
    }

    fn known() -> (Standings, Output) {
        let (mut standings, mut out) = (Standings::default(), Output::new());
        standings.met(BEGIN, &mut out, &node(3), |_| false);
        (standings, out)
    }

    #[test]
    fn good_days_raise_a_score_and_bad_days_lower_it() {
        let (mut standings, mut out) = known();
        assert_eq!(standings.score(BEGIN, &NODE), UNKNOWN);
        standings.worked(BEGIN, &mut out, &NODE);
        let good = standings.score(BEGIN, &NODE);
        assert!(good > UNKNOWN);
        for minute in 0..1_000 {
            standings.failed(BEGIN + Span::from_minutes(minute), &mut out, &NODE, true);
        }
        let bad = standings.score(BEGIN, &NODE);
        assert!(bad < UNKNOWN, "a bad day");
        let tomorrow = BEGIN + Span::from_days(1);
        standings.worked(tomorrow, &mut out, &NODE);
        assert!(standings.score(tomorrow, &NODE) > bad, "a thousand failures in a day are one bad day");
    }

    #[test]
    fn days_without_a_network_are_nobodys_fault() {
        let (mut standings, mut out) = known();
        for hour in 0..48 {
            standings.failed(BEGIN + Span::from_hours(hour), &mut out, &NODE, false);
        }
        assert_eq!(standings.away(&NODE), Span(0));
        let later = BEGIN + Span::from_hours(72);
        standings.failed(later, &mut out, &NODE, true);
        assert!(standings.away(&NODE) <= AWAY_STEP, "the lid was closed for a day");
        standings.failed(later + Span::from_minutes(10), &mut out, &NODE, true);
        assert!(standings.away(&NODE) >= Span::from_minutes(10));
        standings.worked(later, &mut out, &NODE);
        assert_eq!(standings.away(&NODE), Span(0));
    }

    #[test]
    fn only_so_many_are_remembered_and_none_that_is_used_is_forgotten() {
        let (mut standings, mut out) = known();
        for number in 4..200 {
            standings.met(BEGIN + Span(u64::from(number)), &mut out, &node(number), |device| *device == NODE);
        }
        assert_eq!(standings.rows.len(), MAX_KNOWN);
        assert!(standings.rows.contains_key(&NODE));
    }

    #[test]
    fn networks_are_told_apart() {
        let of = |bytes: &[u8]| network_of(&Multiaddress::new(bytes.to_vec()).unwrap());
        assert_eq!(of(&[4, 192, 0, 2, 1, 6, 0, 5]), of(&[4, 192, 0, 99, 9, 6, 0, 5]));
        assert_ne!(of(&[4, 192, 0, 2, 1]), of(&[4, 192, 1, 2, 1]));
        assert_eq!(of(&[41, 1, 2, 3, 4, 5]), of(&[41, 1, 2, 3, 4, 99]));
        assert_eq!(of(&[54, 3, b'a', b'.', b'b', 6, 0, 5]), Some(b"a.b".to_vec()));
        assert_eq!(of(&[54, 30, b'a']), None, "a name that is cut off");
        assert_eq!(of(b"sim/host/1"), None);
    }
}
