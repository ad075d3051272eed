//! Packets that did not come are asked for again (RFC 4585 section 6.2.1), and sent again over a stream of their own (RTX, RFC 4588).
//!
//! ```text
//!  Gaps:  missing ──10 ms──▶ asked ──round trip──▶ asked again … 8 times, or too old ──▶ given up
//!            └───── it came, by itself or over RTX ─────▶ gone
//!  Sent:  a packet asked for ──▶ given again, at most twice in a round trip, while it is young and the budget lasts
//! ```
//!
//! What comes over RTX is unwrapped ([`unwrap_rtx`]) before gaps are looked for; otherwise every repaired packet would stay missing.
//! How NACKs look in RTCP is the business of whoever carries them: here they are numbers.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;

use crate::bitrate::Bitrate;
use crate::sequence::Sequence;
use crate::time::Time;

/// The number of the packet that an RTX packet repeats, and its payload (RFC 4588 section 4). Nothing for padding, as probes have it.
pub fn unwrap_rtx(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (number, payload) = payload.split_first_chunk::<2>()?;
    (!payload.is_empty()).then(|| (u16::from_be_bytes(*number), payload))
}

/// The payload of an RTX packet that repeats packet `number`.
pub fn wrap_rtx(number: u16, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The receiver's side of one stream: what is missing, and when to ask.
#[derive(Debug)]
pub struct Gaps {
    numbers: Sequence,
    missing: BTreeMap<u64, Missing>,
    round_trip: Duration,
    patience: Duration,
    stats: GapStats,
}

/// Counts of [`Gaps`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GapStats {
    /// Packets that were missing for a moment at least.
    pub missing: u64,
    /// Requests for a packet.
    pub asked: u64,
    /// Missing packets that came after they were asked for.
    pub repaired: u64,
    /// Missing packets that came by themselves.
    pub reordered: u64,
    /// Missing packets that never came.
    pub lost: u64,
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    since: Time,
    ask_at: Time,
    tries: u32,
}

impl Gaps {
    /// Follows a stream whose packets are of use for `patience` after they were due: as long as a picture is waited for.
    pub fn new(patience: Duration) -> Self {
        Self {
            numbers: Sequence::default(),
            missing: BTreeMap::new(),
            round_trip: FIRST_ROUND_TRIP,
            patience,
            stats: GapStats::default(),
        }
    }

    /// How long an answer takes.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip.clamp(SHORTEST_ROUND_TRIP, LONGEST_ROUND_TRIP);
    }

    /// A packet came, by itself or unwrapped. Says whether too many are missing to ask for: then only a keyframe helps.
    pub fn packet(&mut self, now: Time, number: u16) -> bool {
        let before = self.numbers.newest();
        let place = self.numbers.place(number);
        let Some(newest) = before else { return false };
        if place <= newest {
            if let Some(missing) = self.missing.remove(&place) {
                if missing.tries == 0 {
                    self.stats.reordered += 1;
                } else {
                    self.stats.repaired += 1;
                }
            }
            return false;
        }
        let gap = place - newest - 1;
        if gap > MOST_MISSING || self.missing.len() as u64 + gap > MOST_MISSING {
            self.stats.lost += self.missing.len() as u64 + gap;
            self.missing.clear();
            return true;
        }
        let missing = Missing { since: now, ask_at: now + FIRST_WAIT, tries: 0 };
        self.missing.extend((newest + 1..place).map(|place| (place, missing)));
        self.stats.missing += gap;
        false
    }

    /// Adds to `ask` the numbers to ask for now, in order. Says whether some were given up.
    pub fn ask(&mut self, now: Time, ask: &mut Vec<u16>) -> bool {
        let before = self.missing.len();
        let (patience, round_trip) = (self.patience, self.round_trip);
        self.missing.retain(|place, missing| {
            // What cannot be here in time is not asked for, and not waited for.
            if now.since(missing.since) >= patience || (missing.tries >= MOST_TRIES && now >= missing.ask_at)
            {
                return false;
            }
            if now >= missing.ask_at {
                ask.push(*place as u16);
                missing.tries += 1;
                let again = if missing.tries < URGENT_FROM { AGAIN } else { URGENT };
                missing.ask_at = now + round_trip.mul_f64(again).max(RETRY_LEAST);
                self.stats.asked += 1;
            }
            true
        });
        let lost = before - self.missing.len();
        self.stats.lost += lost as u64;
        lost > 0
    }

    /// When to ask next.
    pub fn next_wake(&self) -> Option<Time> {
        self.missing.values().map(|missing| missing.ask_at.min(missing.since + self.patience)).min()
    }

    /// How many are missing now.
    pub fn missing(&self) -> usize {
        self.missing.len()
    }

    /// What was counted.
    pub fn stats(&self) -> GapStats {
        self.stats
    }
}

/// The sender's side of one stream: what was sent, to send it again. Bounded by packets, bytes and age.
#[derive(Debug)]
pub struct Sent<P> {
    packets: VecDeque<Kept<P>>,
    bytes: usize,
    /// Bits that may be sent again now.
    budget: f64,
    filled: Time,
    /// Bits a second that were sent again of late.
    rate: f64,
}

#[derive(Debug)]
struct Kept<P> {
    number: u16,
    sent: Time,
    again: Option<Time>,
    bytes: usize,
    packet: P,
}

impl<P> Default for Sent<P> {
    fn default() -> Self {
        Self { packets: VecDeque::new(), bytes: 0, budget: 0.0, filled: Time::default(), rate: 0.0 }
    }
}

impl<P> Sent<P> {
    /// Notes a packet that left. Numbers follow each other.
    pub fn packet(&mut self, now: Time, number: u16, bytes: usize, packet: P) {
        if self.packets.back().is_some_and(|last| last.number.wrapping_add(1) != number) {
            self.packets.clear();
            self.bytes = 0;
        }
        self.packets.push_back(Kept { number, sent: now, again: None, bytes, packet });
        self.bytes += bytes;
        let too_old = |kept: &Kept<P>| now.since(kept.sent) > OLDEST;
        while self.packets.len() > MOST_KEPT
            || self.bytes > MOST_BYTES
            || self.packets.front().is_some_and(too_old)
        {
            let Some(first) = self.packets.pop_front() else { break };
            self.bytes -= first.bytes;
        }
    }

    /// The packet to send again because it was asked for. Nothing if it is gone, was sent again within half a round trip, or if
    /// sending again takes more than a third of `target` already.
    pub fn again(&mut self, now: Time, number: u16, round_trip: Duration, target: Bitrate) -> Option<&P> {
        let most = target.as_f64() * SHARE;
        self.fill(now, most);
        let first = self.packets.front()?.number;
        let kept = self.packets.get_mut(usize::from(number.wrapping_sub(first)))?;
        let soon = round_trip.clamp(SHORTEST_ROUND_TRIP, LONGEST_ROUND_TRIP) / 2;
        let recently = kept.again.is_some_and(|at| now.since(at) < soon);
        if recently || now.since(kept.sent) > OLDEST || self.budget <= 0.0 {
            return None;
        }
        self.budget -= kept.bytes as f64 * 8.0;
        self.rate += kept.bytes as f64 * 8.0 / RATE_SECS;
        kept.again = Some(now);
        Some(&kept.packet)
    }

    /// How much is sent again: so much less is left for new pictures.
    pub fn rate(&self, now: Time) -> Bitrate {
        Bitrate::from_f64(self.rate * (-now.seconds_since(self.filled) / RATE_SECS).exp())
    }

    /// A packet to repeat as padding, if one of about `bytes` was sent of late: a probe may as well be of use.
    pub fn padding(&self, bytes: usize) -> Option<(u16, &P)> {
        let near = self.packets.iter().rev().take(20).filter(|kept| kept.bytes <= bytes + bytes / 4);
        near.max_by_key(|kept| kept.bytes).map(|kept| (kept.number, &kept.packet))
    }

    fn fill(&mut self, now: Time, most: f64) {
        let span = now.seconds_since(self.filled);
        self.budget = (self.budget + most * span).min(most * BURST_SECS);
        self.rate *= (-span / RATE_SECS).exp();
        self.filled = self.filled.max(now);
    }

    /// How many packets are kept.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }
}

/// A packet that is passed by its neighbours comes within this, mostly.
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// It is asked again when the answer should have been here.
const AGAIN: f64 = 1.1;
const RETRY_LEAST: Duration = Duration::from_millis(20);
const MOST_TRIES: u32 = 8;

/// From the third request on, the next does not wait for the answer: a picture is about to be lost, and with it those up to the
/// next keyframe, for one packet.
const URGENT_FROM: u32 = 3;
const URGENT: f64 = 0.6;

const FIRST_ROUND_TRIP: Duration = Duration::from_millis(100);
const SHORTEST_ROUND_TRIP: Duration = Duration::from_millis(10);
const LONGEST_ROUND_TRIP: Duration = Duration::from_millis(500);

/// Two keyframes: whoever misses more needs a new one.
const MOST_MISSING: u64 = 250;

/// A second and a half of 10 Mbit/s; a quarter of the numbers, so none is ambiguous.
const MOST_KEPT: usize = 2_048;
const MOST_BYTES: usize = 2_000_000;

/// Nobody waits longer for a picture.
const OLDEST: Duration = Duration::from_millis(1_500);

/// So much of what may be sent goes into sending again, as a line that loses a fifth needs; at most half a second of it at once: a request costs its sender little.
const SHARE: f64 = 0.33;
const BURST_SECS: f64 = 0.5;

/// Over how long the rate of sending again is smoothed.
const RATE_SECS: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Bitrate = Bitrate::from_kbps(2_000);

    fn asked(gaps: &mut Gaps, millis: u64) -> Vec<u16> {
        let mut ask = Vec::new();
        gaps.ask(Time::from_millis(millis), &mut ask);
        ask
    }

    #[test]
    fn a_missing_packet_is_asked_for_until_it_comes() {
        let mut gaps = Gaps::new(Duration::from_millis(500));
        gaps.set_round_trip(Duration::from_millis(50));
        for number in [65_533, 65_534, 1, 2] {
            assert!(!gaps.packet(Time::from_millis(0), number));
        }
        assert!(asked(&mut gaps, 5).is_empty(), "it may only be late");
        gaps.packet(Time::from_millis(6), 65_535);
        assert_eq!(asked(&mut gaps, 10), [0]);
        assert!(asked(&mut gaps, 60).is_empty(), "the answer is on its way");
        assert_eq!(asked(&mut gaps, 70), [0]);
        let (number, payload) = unwrap_rtx(&[0, 0, 9, 9]).unwrap();
        assert_eq!(payload, [9, 9]);
        gaps.packet(Time::from_millis(100), number);
        assert_eq!((gaps.missing(), gaps.next_wake()), (0, None));
        let stats = gaps.stats();
        assert_eq!(
            (stats.missing, stats.asked, stats.reordered, stats.repaired, stats.lost),
            (2, 2, 1, 1, 0)
        );
    }

    #[test]
    fn nobody_asks_for_ever() {
        let mut gaps = Gaps::new(Duration::from_millis(400));
        gaps.packet(Time::from_millis(0), 1);
        gaps.packet(Time::from_millis(0), 3);
        let mut asks = 0;
        let gave_up = (0..600).find(|millis| {
            let mut ask = Vec::new();
            let gave_up = gaps.ask(Time::from_millis(*millis), &mut ask);
            asks += ask.len();
            gave_up
        });
        assert_eq!((gave_up, asks, gaps.stats().lost), (Some(400), 5, 1));
        assert!(gaps.packet(Time::from_millis(700), 30_000), "a keyframe, not thirty thousand packets");
        assert_eq!(gaps.missing(), 0);
        assert_eq!(unwrap_rtx(&[0, 1]), None, "padding repeats nothing");
        let mut wrapped = Vec::new();
        wrap_rtx(513, &[7], &mut wrapped);
        assert_eq!(wrapped, [2, 1, 7]);
    }

    #[test]
    fn packets_are_given_again_not_too_often_and_within_a_budget() {
        let mut sent = Sent::default();
        let at = Time::from_millis;
        let round_trip = Duration::from_millis(80);
        (0..100_u16).for_each(|number| sent.packet(at(0), number.wrapping_sub(50), 1_200, number));
        assert_eq!(sent.again(at(1_000), 0, round_trip, RATE), Some(&50));
        assert_eq!(sent.again(at(1_039), 0, round_trip, RATE), None, "it is on its way");
        assert_eq!(sent.again(at(1_040), 0, round_trip, RATE), Some(&50));
        assert_eq!(sent.again(at(1_080), 60, round_trip, RATE), None, "it was never sent");
        let again = (0..100_u16)
            .filter(|number| sent.again(at(1_400), number.wrapping_sub(50), round_trip, RATE).is_some());
        let again = again.count();
        assert!(sent.rate(at(1_400)) > sent.rate(at(2_000)));
        assert!((28..45).contains(&again), "a third of 2 Mbit/s for half a second: {again}");
        assert_eq!(sent.again(at(1_600), 7, round_trip, RATE), None, "too old to be of use");
        sent.packet(at(4_000), 50, 1_200, 1);
        assert_eq!(sent.len(), 1);
        assert_eq!(sent.padding(1_000), Some((50, &1)));
        assert_eq!(sent.padding(100), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut sent = Sent::default();
        (0..10_000_u16).for_each(|number| sent.packet(Time::from_millis(0), number, 1_200, ()));
        assert!(sent.len() <= MOST_KEPT && sent.len() * 1_200 <= MOST_BYTES);
        sent.packet(Time::from_millis(0), 7, 1_200, ());
        assert_eq!(sent.len(), 1, "numbers began anew");
    }
}
