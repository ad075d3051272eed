//! What a probe showed: how fast its packets arrived, beside how fast they left.

use std::time::Duration;

use super::Probe;
use crate::feedback::Report;
use crate::time::RemoteTime;
use crate::time::Time;

/// Measures one probe while feedback about it comes in.
#[derive(Debug)]
pub(super) struct Cluster {
    probe: Probe,
    ends: Time,
    packets: u32,
    bytes: usize,
    sent: Option<(Time, Time)>,
    last_sent_bytes: usize,
    arrived: Option<(RemoteTime, RemoteTime)>,
    first_arrived_bytes: usize,
    over: bool,
}

/// What is known of a probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    /// Feedback may still come.
    Waiting,
    /// The line carries this, at least.
    Carried(f64),
    /// Too little arrived to say.
    Nothing,
}

impl Cluster {
    pub(super) fn new(now: Time, probe: Probe) -> Self {
        Self {
            probe,
            ends: now + LONGEST,
            packets: 0,
            bytes: 0,
            sent: None,
            last_sent_bytes: 0,
            arrived: None,
            first_arrived_bytes: 0,
            over: false,
        }
    }

    pub(super) fn probe(&self) -> Probe {
        self.probe
    }

    pub(super) fn report(&mut self, report: &Report) {
        if report.probe != Some(self.probe.id) {
            // Packets are reported in the order of sending: something after the probe means that all of it was told.
            self.over |= self.sent.is_some_and(|(_, last)| report.sent > last);
            return;
        }
        let Some(arrived) = report.arrived else { return };
        self.packets += 1;
        self.bytes += report.bytes;
        let (first, last) = self.sent.unwrap_or((report.sent, report.sent));
        if report.sent >= last {
            self.last_sent_bytes = report.bytes;
        }
        self.sent = Some((first.min(report.sent), last.max(report.sent)));
        let (first, last) = self.arrived.unwrap_or((arrived, arrived));
        if arrived <= first {
            self.first_arrived_bytes = report.bytes;
        }
        self.arrived = Some((first.min(arrived), last.max(arrived)));
    }

    pub(super) fn outcome(&self, now: Time) -> Outcome {
        let complete = self.packets >= self.probe.packets && self.bytes >= self.probe.bytes();
        if !complete && !self.over && now < self.ends {
            return Outcome::Waiting;
        }
        self.rate().map_or(Outcome::Nothing, Outcome::Carried)
    }

    fn rate(&self) -> Option<f64> {
        let enough = f64::from(self.packets) >= ENOUGH * f64::from(self.probe.packets)
            && self.bytes as f64 >= ENOUGH * self.probe.bytes() as f64;
        let (sent, arrived) = (self.sent?, self.arrived?);
        let sent_span = sent.1.seconds_since(sent.0);
        let arrived_span = arrived.1.millis_after(arrived.0) / 1_000.0;
        let spans = sent_span > 0.0 && arrived_span > 0.0 && sent_span < 1.0 && arrived_span < 1.0;
        if !enough || !spans {
            return None;
        }
        let sent = (self.bytes - self.last_sent_bytes) as f64 * 8.0 / sent_span;
        let arrived = (self.bytes - self.first_arrived_bytes) as f64 * 8.0 / arrived_span;
        if arrived > TOO_GOOD * sent {
            return None;
        }
        // Slower than it left: that is all the line has, and a little less is what it carries for long.
        Some(if arrived < SATURATED * sent { arrived * KEEP } else { arrived.min(sent) })
    }
}

/// libwebrtc's values: a probe counts when this part of it arrived, ...
const ENOUGH: f64 = 0.8;
/// ... nobody can receive so much faster than was sent (packets were held on the way), ...
const TOO_GOOD: f64 = 2.0;
/// ... and below this the line was full.
const SATURATED: f64 = 0.9;

/// Of a line that a probe filled, this much is used; libwebrtc takes 0.95. A short burst in a shared line is luckier than what follows.
const KEEP: f64 = 0.9;

/// Feedback about a probe that does not come within this does not come.
const LONGEST: Duration = Duration::from_millis(1_500);
