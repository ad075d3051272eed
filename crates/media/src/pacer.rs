//! When each packet leaves. Speech never waits for pictures; pictures leave evenly, a little faster than the estimate, so that a
//! keyframe does not stand in front of speech in a router; probes get their rate, with padding where there is nothing else.
//!
//! ```text
//!   Audio ───────────────────────────────▶ at once
//!   Retransmission ──▶ ┐ in this order,
//!   Video ───────────▶ ├ one budget ─────▶ at 1.5 x target, or as fast as the oldest may still wait, or at a probe's rate
//!   (padding) ───────▶ ┘ in probes only
//! ```
//!
//! The queue is bounded by time: [`Pacer::room`] tells the encoder to leave a picture out before it is encoded, and what would have to
//! wait too long anyway leaves faster than the estimate. If it still grows, all video is dropped at once and a keyframe is due:
//! half of a picture is of no use to anybody.

use std::collections::VecDeque;
use std::time::Duration;

use crate::bitrate::Bitrate;
use crate::bwe::Probe;
use crate::feedback::ProbeId;
use crate::time::Time;

/// What kind of packet waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Speech, and feedback: never waits.
    Audio,
    /// A packet that was asked for again: somebody waits for it.
    Retransmission,
    /// Pictures.
    Video,
}

/// Something to send now.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing<P> {
    /// What to send.
    pub what: What<P>,
    /// The probe it is part of: goes into the [`crate::feedback::History`].
    pub probe: Option<ProbeId>,
}

/// A packet, or padding that the sender makes up.
#[derive(Clone, Debug, PartialEq)]
pub enum What<P> {
    /// A packet that was given to the pacer.
    Packet(P),
    /// About so many bytes of no use: an old packet once more over RTX, or padding alone.
    Padding(usize),
}

/// What became of a packet that was given to the pacer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// It waits.
    Queued,
    /// The queue was full: all video was dropped, this too. The encoder owes a keyframe.
    Dropped,
}

/// Lets packets of one path go. Give it packets, then ask [`Pacer::next`] until it has no more.
#[derive(Debug)]
pub struct Pacer<P> {
    target: Bitrate,
    audio: VecDeque<Waiting<P>>,
    again: VecDeque<Waiting<P>>,
    video: VecDeque<Waiting<P>>,
    /// Bytes in `again` and `video`.
    bytes: usize,
    /// Bits that may be sent now; negative after a large packet.
    budget: f64,
    filled: Time,
    probes: VecDeque<Running>,
    stats: Stats,
}

/// Counts of a [`Pacer`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets that were dropped because they would have waited too long.
    pub dropped: u64,
    /// Bytes of padding that were asked for.
    pub padding_bytes: u64,
}

#[derive(Debug)]
struct Waiting<P> {
    since: Time,
    bytes: usize,
    packet: P,
}

#[derive(Debug)]
struct Running {
    probe: Probe,
    packets: u32,
    bytes: usize,
    began: Option<Time>,
}

impl<P> Pacer<P> {
    /// A pacer for a path that carries `target`.
    pub fn new(target: Bitrate) -> Self {
        Self {
            target,
            audio: VecDeque::new(),
            again: VecDeque::new(),
            video: VecDeque::new(),
            bytes: 0,
            budget: 0.0,
            filled: Time::default(),
            probes: VecDeque::new(),
            stats: Stats::default(),
        }
    }

    /// What the estimator says now.
    pub fn set_target(&mut self, target: Bitrate) {
        self.target = target;
    }

    /// Sends a probe as soon as it can.
    pub fn start_probe(&mut self, probe: Probe) {
        if self.probes.len() < MOST_PROBES {
            self.probes.push_back(Running { probe, packets: 0, bytes: 0, began: None });
        }
    }

    /// Takes a packet of `bytes` on the wire.
    pub fn push(&mut self, now: Time, class: Class, bytes: usize, packet: P) -> Pushed {
        let waiting = Waiting { since: now, bytes, packet };
        if class == Class::Audio {
            // A second of speech at the most, should nobody ask for it.
            if self.audio.len() >= MOST_AUDIO {
                self.audio.pop_front();
                self.stats.dropped += 1;
            }
            self.audio.push_back(waiting);
            return Pushed::Queued;
        }
        if self.is_full(now) {
            self.stats.dropped += (self.video.len() + self.again.len()) as u64 + 1;
            self.video.clear();
            self.again.clear();
            self.bytes = 0;
            return Pushed::Dropped;
        }
        self.bytes += bytes;
        if class == Class::Retransmission { &mut self.again } else { &mut self.video }.push_back(waiting);
        Pushed::Queued
    }

    /// Whether another picture should be encoded now: what waits leaves soon.
    pub fn room(&self) -> bool {
        self.wait() < ROOM
    }

    /// How long the last packet in the queue waits, at the rate of the estimate.
    pub fn wait(&self) -> Duration {
        self.target.scaled(FACTOR).time_for(self.bytes)
    }

    /// A packet to send now, or nothing until [`Pacer::next_wake`].
    pub fn next(&mut self, now: Time) -> Option<Outgoing<P>> {
        self.fill(now);
        if let Some(waiting) = self.audio.pop_front() {
            // Speech takes from the budget without asking for it: the rest yields.
            self.spend(now, waiting.bytes);
            let probe = self.count(waiting.bytes);
            return Some(Outgoing { what: What::Packet(waiting.packet), probe });
        }
        if self.budget <= 0.0 {
            return None;
        }
        let waiting = self.again.pop_front().or_else(|| self.video.pop_front());
        if let Some(waiting) = waiting {
            self.bytes -= waiting.bytes;
            self.spend(now, waiting.bytes);
            let probe = self.count(waiting.bytes);
            return Some(Outgoing { what: What::Packet(waiting.packet), probe });
        }
        let running = self.probes.front()?;
        let bytes = running.probe.packet_bytes;
        self.spend(now, bytes);
        self.stats.padding_bytes += bytes as u64;
        let probe = self.count(bytes);
        Some(Outgoing { what: What::Padding(bytes), probe })
    }

    /// When to ask again.
    pub fn next_wake(&self) -> Option<Time> {
        if !self.audio.is_empty() {
            return Some(self.filled);
        }
        if self.again.is_empty() && self.video.is_empty() && self.probes.is_empty() {
            return None;
        }
        let missing = (1.0 - self.budget).max(0.0) / self.rate(self.filled).max(1.0);
        Some(self.filled + Duration::from_secs_f64(missing.min(10.0)) + Duration::from_micros(1))
    }

    /// Packets that wait.
    pub fn len(&self) -> usize {
        self.audio.len() + self.again.len() + self.video.len()
    }

    /// Whether no packet waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Bits a second just now.
    fn rate(&self, now: Time) -> f64 {
        if let Some(running) = self.probes.front() {
            return running.probe.rate.as_f64();
        }
        let oldest = self.again.iter().chain(&self.video).next().map_or(now, |waiting| waiting.since);
        let left = LONGEST.saturating_sub(now.since(oldest)).max(LONGEST / 4);
        let needed = self.bytes as f64 * 8.0 / left.as_secs_f64();
        (self.target.as_f64() * FACTOR).max(needed).max(SLOWEST)
    }

    fn fill(&mut self, now: Time) {
        let rate = self.rate(now);
        let most = (rate * BURST_SECS).max(1.0);
        self.budget = (self.budget + rate * now.seconds_since(self.filled)).min(most);
        self.filled = self.filled.max(now);
    }

    fn spend(&mut self, now: Time, bytes: usize) {
        let most = self.rate(now) * 0.1;
        // Speech on a bad line must not put pictures off for longer than a tenth of a second.
        self.budget = (self.budget - bytes as f64 * 8.0).max(-most.max(bytes as f64 * 8.0));
        if let Some(running) = self.probes.front_mut() {
            running.began.get_or_insert(now);
        }
    }

    /// Counts a packet into the probe that runs, and ends it.
    fn count(&mut self, bytes: usize) -> Option<ProbeId> {
        let running = self.probes.front_mut()?;
        running.packets += 1;
        running.bytes += bytes;
        let (probe, done) = (running.probe, running.packets >= running.probe.packets);
        if done && running.bytes >= probe.bytes() {
            self.probes.pop_front();
        }
        Some(probe.id)
    }

    fn is_full(&self, now: Time) -> bool {
        let oldest = self.video.front().or(self.again.front());
        let late = oldest.is_some_and(|waiting| now.since(waiting.since) > TOO_LONG);
        late || self.again.len() + self.video.len() >= MOST_PACKETS
    }
}

/// Pictures leave at this times the estimate. libwebrtc takes 2.5, which puts a keyframe in front of speech in the router; at less than
/// 1.5 a picture of usual size is late for its own time.
const FACTOR: f64 = 1.5;

/// Even with an estimate of nothing, the queue moves.
const SLOWEST: f64 = 30_000.0;

/// What was not sent while nobody asked may be made up for this long: timers are late by a millisecond or a few.
const BURST_SECS: f64 = 0.005;

/// Beyond this the next picture is better left out.
const ROOM: Duration = Duration::from_millis(120);

/// What waits leaves within this, whatever the estimate says.
const LONGEST: Duration = Duration::from_millis(400);

/// Pictures that waited so long are of no use.
const TOO_LONG: Duration = Duration::from_millis(1_000);

/// Two keyframes of 720p.
const MOST_PACKETS: usize = 1_024;
const MOST_AUDIO: usize = 100;
const MOST_PROBES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the pacer for some milliseconds; what left, and when.
    fn run(pacer: &mut Pacer<u32>, from: u64, to: u64) -> Vec<(u64, Outgoing<u32>)> {
        let mut sent = Vec::new();
        for millis in from..to {
            while let Some(outgoing) = pacer.next(Time::from_millis(millis)) {
                sent.push((millis, outgoing));
            }
        }
        sent
    }

    #[test]
    fn speech_does_not_wait_for_a_keyframe() {
        let mut pacer = Pacer::new(Bitrate::from_kbps(1_000));
        for number in 0..40 {
            assert_eq!(pacer.push(Time::from_millis(0), Class::Video, 1_200, number), Pushed::Queued);
        }
        assert!(!pacer.room(), "48 kB take a quarter of a second");
        let begin = run(&mut pacer, 0, 50);
        let _ = pacer.push(Time::from_millis(50), Class::Audio, 100, 1_000);
        let rest = run(&mut pacer, 50, 400);
        assert_eq!(rest[0].1.what, What::Packet(1_000));
        assert!((7..12).contains(&begin.len()), "1.5 Mbit/s are 8 packets in 50 ms: {}", begin.len());
        let last = rest.last().expect("it all left").0;
        assert!((230..290).contains(&last), "{last}");
    }

    #[test]
    fn what_waits_leaves_in_time_and_then_not_at_all() {
        let mut pacer = Pacer::new(Bitrate::from_kbps(50));
        (0..40).for_each(|number| _ = pacer.push(Time::from_millis(0), Class::Video, 1_200, number));
        let sent = run(&mut pacer, 0, 600);
        assert_eq!(sent.len(), 40, "faster than 50 kbit/s, but within half a second or so");

        (0..3).for_each(|number| _ = pacer.push(Time::from_millis(1_000), Class::Video, 1_200, number));
        assert_eq!(
            pacer.push(Time::from_millis(3_000), Class::Video, 1_200, 9),
            Pushed::Dropped,
            "nobody asked"
        );
        assert_eq!((pacer.len(), pacer.stats().dropped), (0, 4));
    }

    #[test]
    fn a_probe_is_padded() {
        let mut pacer = Pacer::new(Bitrate::from_kbps(500));
        let probe =
            Probe { id: ProbeId(7), rate: Bitrate::from_kbps(2_000), packets: 6, packet_bytes: 1_000 };
        let _ = pacer.push(Time::from_millis(0), Class::Video, 1_200, 1);
        pacer.start_probe(probe);
        let sent = run(&mut pacer, 0, 100);
        assert_eq!(sent.len(), 6);
        assert!(sent.iter().all(|(_, outgoing)| outgoing.probe == Some(ProbeId(7))));
        assert_eq!(sent[0].1.what, What::Packet(1));
        assert!(sent[1..].iter().all(|(_, outgoing)| outgoing.what == What::Padding(1_000)));
        assert!((18..26).contains(&sent[5].0), "5.2 kB at 2 Mbit/s are 21 ms: {}", sent[5].0);
        assert_eq!(pacer.next_wake(), None);
    }
}
