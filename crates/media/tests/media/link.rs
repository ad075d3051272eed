//! A path in virtual time: a bottleneck with a queue and a rate that changes, then delay, jitter, loss, reordering and copies.

use std::collections::VecDeque;

use kith_media::Time;
use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;

/// What a path is like.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// From when on it carries how many bits a second.
    pub(crate) rates: Vec<(u64, u64)>,
    /// Bytes that fit into the queue before the bottleneck.
    pub(crate) queue_bytes: usize,
    /// Milliseconds one way, at least.
    pub(crate) delay: u64,
    /// Up to so many milliseconds more, without reordering.
    pub(crate) jitter: u64,
    /// The part of packets that is lost one by one.
    pub(crate) loss: f64,
    /// How likely a burst of losses begins and ends with each packet.
    pub(crate) bursts: Option<(f64, f64)>,
    /// The part of packets that is 5 to 30 ms late, behind others.
    pub(crate) reordered: f64,
    /// The part of packets that comes twice.
    pub(crate) copies: f64,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            rates: vec![(0, 100_000_000)],
            queue_bytes: 64_000,
            delay: 20,
            jitter: 0,
            loss: 0.0,
            bursts: None,
            reordered: 0.0,
            copies: 0.0,
        }
    }
}

/// A packet on the path. Who sent it knows what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnPath {
    pub(crate) flow: usize,
    pub(crate) id: u64,
    pub(crate) bytes: usize,
}

pub(crate) struct Link {
    path: Path,
    queue: VecDeque<OnPath>,
    queued: usize,
    /// Bits of the first packet that left already.
    begun: f64,
    now: Time,
    last_arrival: Time,
    in_burst: bool,
    rng: ChaCha8Rng,
    /// Packets that found no room.
    pub(crate) dropped: u64,
}

impl Link {
    pub(crate) fn new(path: Path, seed: u64) -> Self {
        Self {
            path,
            queue: VecDeque::new(),
            queued: 0,
            begun: 0.0,
            now: Time::default(),
            last_arrival: Time::default(),
            in_burst: false,
            rng: ChaCha8Rng::seed_from_u64(seed),
            dropped: 0,
        }
    }

    pub(crate) fn rate(&self, now: Time) -> u64 {
        let mut rates = self.path.rates.iter().rev();
        rates.find(|(from, _)| Time::from_millis(*from) <= now).map_or(0, |(_, rate)| *rate)
    }

    pub(crate) fn chance(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn push(&mut self, now: Time, packet: OnPath) {
        if self.queue.is_empty() {
            self.now = now;
        }
        if self.queued + packet.bytes > self.path.queue_bytes {
            self.dropped += 1;
            return;
        }
        self.queued += packet.bytes;
        self.queue.push_back(packet);
    }

    /// Moves on to `now`; tells what arrives, and when.
    pub(crate) fn advance(&mut self, now: Time) -> Vec<(Time, OnPath)> {
        let mut arrivals = Vec::new();
        let rate = self.rate(now) as f64;
        while let Some(packet) = self.queue.front().copied() {
            let left = packet.bytes as f64 * 8.0 - self.begun;
            let span = now.seconds_since(self.now);
            if rate * span < left {
                self.begun += rate * span;
                break;
            }
            self.now = Time(self.now.0 + (left / rate * 1e6).ceil() as u64);
            self.begun = 0.0;
            self.queue.pop_front();
            self.queued -= packet.bytes;
            self.deliver(packet, &mut arrivals);
        }
        self.now = now;
        arrivals
    }

    fn deliver(&mut self, packet: OnPath, arrivals: &mut Vec<(Time, OnPath)>) {
        if let Some((begins, ends)) = self.path.bursts {
            let chance = self.chance();
            self.in_burst = if self.in_burst { chance >= ends } else { chance < begins };
        }
        if self.in_burst || self.chance() < self.path.loss {
            return;
        }
        let jitter = (self.chance() * self.path.jitter as f64 * 1_000.0) as u64;
        let on_time = Time(self.now.0 + self.path.delay * 1_000 + jitter);
        let at = if self.chance() < self.path.reordered {
            Time(on_time.0 + 5_000 + (self.chance() * 25_000.0) as u64)
        } else {
            self.last_arrival = self.last_arrival.max(on_time);
            self.last_arrival
        };
        arrivals.push((at, packet));
        if self.chance() < self.path.copies {
            arrivals.push((Time(at.0 + 3_000), packet));
        }
    }
}
