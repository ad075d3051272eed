//! How much may be sent: an estimate by the sender from transport-wide feedback, after Google's congestion control
//! (draft-ietf-rmcat-gcc-02) and what libwebrtc made of it.
//!
//! ```text
//!  reports ─┬─▶ groups ─▶ trend ──▶ Usage ─┐
//!           ├─▶ acked ─────────────────────┼─▶ control ─┐
//!           ├─▶ queue ─────┬──▶ contest ───┘            ├─▶ target ─▶ encoder, pacer
//!           ├─▶ loss ───────────────────────────────────┤
//!           └─▶ probes ─▶ what the line carries ────────┘
//! ```
//!
//! What is added to the draft: probes ([`Probe`]) at the start, after a drop, and while more is wanted than is known; a loss rule that
//! tells a full line from a lossy one (`loss.rs`); and draining: while a queue stands after a cut, less is sent than the line
//! carries, so that speech is not late for seconds. What is not: nothing here sizes pictures ([`crate::ladder`]) or waits ([`crate::pacer`]).

use std::time::Duration;

use self::acked::Acked;
use self::contest::Contest;
use self::control::Control;
use self::control::Seen;
use self::groups::Groups;
use self::loss::Loss;
use self::loss::Verdict;
use self::probes::Need;
use self::probes::Probes;
use self::queue::Queue;
use self::trend::Trend;
pub use self::trend::Usage;
use crate::bitrate::Bitrate;
use crate::feedback::ProbeId;
use crate::feedback::Report;
use crate::time::Time;

mod acked;
mod cluster;
mod contest;
mod control;
mod groups;
mod loss;
mod probes;
mod queue;
mod trend;

/// Between which rates to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Never less: speech and the picture of a stamp.
    pub least: Bitrate,
    /// What to assume before anything is known: 300 to 800 kbit/s.
    pub start: Bitrate,
    /// Never more.
    pub most: Bitrate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            least: Bitrate::from_kbps(50),
            start: Bitrate::from_kbps(500),
            most: Bitrate::from_kbps(8_000),
        }
    }
}

/// Packets to send at a rate of their own: what waits first, and padding for the rest. The pacer does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What to call its packets in the [`crate::feedback::History`].
    pub id: ProbeId,
    /// How fast.
    pub rate: Bitrate,
    /// How many packets at least.
    pub packets: u32,
    /// The size of padding.
    pub packet_bytes: usize,
}

impl Probe {
    /// How many bytes at least.
    pub fn bytes(&self) -> usize {
        self.packet_bytes.saturating_mul(self.packets as usize)
    }
}

/// What an [`Estimator`] says of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    /// What may be sent.
    pub target: Bitrate,
    /// What arrives.
    pub acked: Bitrate,
    /// The part of packets that was lost in the last second.
    pub loss: f64,
    /// How long packets stand in a queue on the way.
    pub queue: Duration,
    /// There and back, with the wait for feedback.
    pub round_trip: Duration,
    /// What the queue does.
    pub usage: Usage,
}

/// Estimates what one path carries.
#[derive(Debug)]
pub struct Estimator {
    limits: Limits,
    wanted: f64,
    groups: Groups,
    trend: Trend,
    acked: Acked,
    queue: Queue,
    loss: Loss,
    control: Control,
    probes: Probes,
    contest: Contest,
    round_trip: Option<Duration>,
    last_feedback: Option<Time>,
    started: Option<Time>,
    last_sent: Option<Time>,
    last_over: Option<Time>,
    /// The highest target of late, to see a drop.
    high: f64,
    last_starved: Time,
    /// Since when the queue is long.
    long_since: Option<Time>,
}

impl Estimator {
    /// An estimator that knows nothing yet.
    pub fn new(limits: Limits) -> Self {
        let start = limits.start.as_f64();
        Self {
            limits,
            wanted: limits.most.as_f64(),
            groups: Groups::default(),
            trend: Trend::default(),
            acked: Acked::default(),
            queue: Queue::default(),
            loss: Loss::default(),
            control: Control::new(start),
            probes: Probes::default(),
            contest: Contest::default(),
            round_trip: None,
            last_feedback: None,
            started: None,
            last_sent: None,
            last_over: None,
            high: start,
            last_starved: Time::default(),
            long_since: None,
        }
    }

    /// How much could be put to use: the best picture of all that is sent. Nobody probes for more.
    pub fn set_wanted(&mut self, wanted: Bitrate) {
        self.wanted = wanted.min(self.limits.most).as_f64();
    }

    /// A packet left. Silence of the other side is only bad when there was something to answer.
    pub fn sent(&mut self, now: Time) {
        self.started.get_or_insert(now);
        self.last_sent = Some(now);
        self.last_feedback.get_or_insert(now);
    }

    /// Takes what feedback told, in the order of sending.
    pub fn reports(&mut self, now: Time, reports: &[Report]) {
        if reports.is_empty() {
            return;
        }
        self.last_feedback = Some(now);
        self.measure(now, reports);
        let queue = self.queue.standing();
        if queue > LONG_QUEUE_MS {
            self.long_since.get_or_insert(now);
        } else if queue < LONG_QUEUE_MS / 2.0 {
            self.long_since = None;
        }
        let lost = reports.iter().filter(|report| report.arrived.is_none()).count();
        let arrived = (reports.len() - lost) as u32;
        let steady = self.acked.steady();
        let verdict = self.loss.packets(now, arrived, lost as u32, self.control.target(), steady);
        if self.trend.usage() == Usage::Over {
            self.last_over = Some(now);
        }
        let part = lost as f64 / reports.len() as f64;
        let (target, carried) = (self.control.target(), steady.unwrap_or(self.control.target()));
        if let Some(rate) = self.contest.update(now, self.queue.standing(), part, target, carried) {
            self.control.set(now, rate);
        }
        self.decide(now, verdict);
        if let Some(carried) = self.probes.ended(now, self.need(now)) {
            self.probed(now, carried);
        }
        self.limit(now);
    }

    /// A probe to send now, if one is due. The answer comes with the reports.
    pub fn probe(&mut self, now: Time) -> Option<Probe> {
        // Before the first packet nobody knows whether there is a path at all.
        self.last_sent?;
        self.probes.next(now, self.need(now))
    }

    /// What may be sent, all in all.
    pub fn target(&self, now: Time) -> Bitrate {
        let target = self.control.target();
        let part = if self.contest.contested() {
            DRAIN
        } else {
            (1.0 - self.queue.standing() / 600.0).clamp(0.25, DRAIN)
        };
        let drained = if self.drains(now) { part * target } else { target };
        Bitrate::from_f64(drained).clamp(self.limits.least, self.limits.most)
    }

    /// Notices when nothing comes back any more.
    pub fn wake(&mut self, now: Time) {
        let (Some(feedback), Some(sent)) = (self.last_feedback, self.last_sent) else { return };
        let patience = PATIENCE.max(self.round_trip().saturating_mul(3));
        if sent > feedback && now.since(feedback) >= patience && now.since(self.last_starved) >= patience {
            self.last_starved = now;
            self.loss.interrupted(now);
            self.control.set(now, self.control.target() * 0.5);
            self.limit(now);
        }
    }

    /// When [`Estimator::wake`] and [`Estimator::probe`] should be asked again, at the latest: never now, so nobody turns in circles.
    pub fn next_wake(&self, now: Time) -> Option<Time> {
        let patience = PATIENCE.max(self.round_trip().saturating_mul(3));
        let silence = self.last_feedback? + patience;
        let due = silence.max(self.last_starved + patience).min(self.probes.wake());
        Some(due.max(now + SHORTEST_SLEEP))
    }

    /// There and back, smoothed.
    pub fn round_trip(&self) -> Duration {
        self.round_trip.unwrap_or(Duration::from_millis(100))
    }

    /// What is known.
    pub fn stats(&self, now: Time) -> Stats {
        Stats {
            target: self.target(now),
            acked: Bitrate::from_f64(self.acked.steady().unwrap_or(0.0)),
            loss: self.loss.last(),
            queue: Duration::from_secs_f64(self.queue.standing().min(60_000.0) / 1_000.0),
            round_trip: self.round_trip(),
            usage: self.trend.usage(),
        }
    }

    fn measure(&mut self, now: Time, reports: &[Report]) {
        // In the order of arrival, as a reordered packet would look like one that overtook a queue.
        let mut arrived: Vec<_> =
            reports.iter().filter_map(|report| Some((report.arrived?, report))).collect();
        arrived.sort_by_key(|(at, _)| *at);
        for (at, report) in &arrived {
            self.acked.packet(*at, report.bytes);
            self.queue.packet(report.sent, *at, self.contest.contested());
            self.contest.packet(report.sent, report.bytes, self.queue.standing(), self.acked.recent());
            if let Some(step) = self.groups.packet(report.sent, *at) {
                self.trend.step(step);
            }
        }
        reports.iter().for_each(|report| self.probes.report(report));
        if let Some((_, last)) = arrived.last() {
            let measured = now.since(last.sent);
            self.round_trip = Some(self.round_trip.map_or(measured, |old| (old * 7 + measured) / 8));
        }
    }

    fn decide(&mut self, now: Time, verdict: Verdict) {
        let (seen, most) = (self.seen(now), self.most(now));
        if seen.contested {
            // Losses are those of the queue that somebody fills: they are in `most`.
            self.control.update(now, seen, most);
            self.control.set_at_most(most);
            return;
        }
        let before = self.control.target();
        let last_cut = self.control.last_cut();
        match verdict {
            Verdict::Fine => self.control.update(now, seen, most),
            Verdict::Cut(to) => self.control.set(now, to.min(before)),
            Verdict::Restore(to) => self.control.set(now, to.max(before)),
            // Not up, but a queue that grows is still a queue.
            Verdict::Hold if seen.usage == Usage::Over => self.control.update(now, seen, most),
            Verdict::Hold => {}
        }
        if self.control.last_cut() != last_cut {
            self.contest.cut(now, before, seen.recent.or(seen.steady).unwrap_or(before), seen.queue);
        }
    }

    fn probed(&mut self, now: Time, carried: f64) {
        let target = self.control.target();
        let since_over = self.last_over.is_none_or(|at| now.since(at) >= Duration::from_millis(200));
        if carried > target && since_over {
            self.control.found(now, carried.min(self.most(now)));
        } else if carried < LESS_AT_START * target && self.started.is_some_and(|at| now.since(at) < START) {
            // What was assumed at the start was too much: better known from a probe than from a queue.
            self.control.set(now, carried);
        }
    }

    /// Keeps the target within limits, and tells the probes of a fall.
    fn limit(&mut self, now: Time) {
        let target = self.control.target();
        let within = target.clamp(self.limits.least.as_f64(), self.limits.most.as_f64());
        if within != target {
            self.control.set(now, within);
        }
        if within < self.high * 0.99 {
            self.probes.target_fell(now, within < DROPPED * self.high);
            self.high = within;
        }
        self.high = self.high.max(within);
    }

    fn most(&self, now: Time) -> f64 {
        let friendly = self.contest.friendly(self.round_trip(), self.loss.usual());
        let ceiling = if friendly.is_some() { friendly } else { self.loss.ceiling(now) };
        ceiling.unwrap_or(f64::MAX).min(self.limits.most.as_f64())
    }

    fn seen(&self, now: Time) -> Seen {
        // Whatever the slope: so long a queue did not come from nothing. What stands for longer is being drained, or not ours.
        let new = self.long_since.is_some_and(|at| now.since(at) < LONG_QUEUE_IS_NEWS);
        let long = new && self.trend.usage() == Usage::Normal;
        Seen {
            usage: if long { Usage::Over } else { self.trend.usage() },
            steady: self.acked.steady(),
            recent: self.acked.recent(),
            queue: self.queue.standing(),
            round_trip: self.round_trip(),
            usual_loss: self.loss.usual(),
            contested: self.contest.contested(),
        }
    }

    fn need(&self, now: Time) -> Need {
        let quiet = self.last_over.is_none_or(|at| now.since(at) >= QUIET);
        Need {
            target: self.control.target(),
            wanted: self.wanted.min(self.most(now)),
            calm: quiet && self.trend.usage() == Usage::Normal && self.queue.standing() < CALM_QUEUE_MS,
        }
    }

    /// For a moment after a cut, while the queue stands.
    fn drains(&self, now: Time) -> bool {
        if self.contest.contested() {
            return self.contest.tries();
        }
        let cut = self.control.last_cut().is_some_and(|at| now.since(at) < LONGEST_DRAIN);
        cut && self.queue.standing() > DRAIN_ABOVE_MS
    }
}

/// While the queue drains, so much of the target is sent: with the cut about half of what the line carries; less while the queue
/// is so long that nobody can talk over it.
const DRAIN: f64 = 0.6;

/// A queue below this is not heard.
const DRAIN_ABOVE_MS: f64 = 40.0;

/// What stands for longer is not ours: somebody else fills the queue, and yielding further would be giving up.
const LONGEST_DRAIN: Duration = Duration::from_millis(1_500);

/// Speech is late by as much.
const LONG_QUEUE_MS: f64 = 120.0;
const LONG_QUEUE_IS_NEWS: Duration = Duration::from_secs(1);

/// With a longer queue a probe would be felt.
const CALM_QUEUE_MS: f64 = 60.0;

/// So long no queue must have grown before a probe.
const QUIET: Duration = Duration::from_millis(1_000);

/// A fall below this part is the line's, not an oscillation. libwebrtc's value.
const DROPPED: f64 = 0.66;

/// How long the start is, and what a probe must say in it for the rate to go down.
const START: Duration = Duration::from_secs(2);
const LESS_AT_START: f64 = 0.9;

/// A probe that is due waits for a calm moment; that is looked for so often.
const SHORTEST_SLEEP: Duration = Duration::from_millis(20);

/// Feedback comes ten times a second or more often.
const PATIENCE: Duration = Duration::from_millis(600);
