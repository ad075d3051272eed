//! How much longer each group of packets was on the way than the one before (draft-ietf-rmcat-gcc-02 sections 5.1, 5.2).
//!
//! Packets that left within 5 ms are one group, and so are those that a router held and let go in one burst. Neither says
//! anything about a queue.

use crate::time::RemoteTime;
use crate::time::Time;

#[derive(Debug, Default)]
pub(super) struct Groups {
    previous: Option<Group>,
    current: Option<Group>,
}

/// Two groups in a row, compared by their last packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// Milliseconds between their departures.
    pub(super) sent: f64,
    /// Milliseconds between their arrivals.
    pub(super) arrived: f64,
    /// When the later one was complete.
    pub(super) at: RemoteTime,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: Time,
    last_sent: Time,
    first_arrived: RemoteTime,
    last_arrived: RemoteTime,
}

impl Groups {
    /// Takes a packet, in the order of arrival. Tells of the last two groups when a new one begins.
    pub(super) fn packet(&mut self, sent: Time, arrived: RemoteTime) -> Option<Step> {
        // Nearest milliseconds: two packets that left together are never a group each.
        let sent = Time((sent.0 + 500) / 1_000 * 1_000);
        let new = Group { first_sent: sent, last_sent: sent, first_arrived: arrived, last_arrived: arrived };
        let Some(group) = self.current.as_mut() else {
            self.current = Some(new);
            return None;
        };
        if arrived.millis_after(group.last_arrived).abs() > CLOCK_JUMPED_MS {
            *self = Self { previous: None, current: Some(new) };
            return None;
        }
        if sent < group.first_sent {
            // It was passed by a whole group.
            return None;
        }
        if group.holds(sent, arrived) {
            group.last_sent = group.last_sent.max(sent);
            group.last_arrived = group.last_arrived.max(arrived);
            return None;
        }
        let complete = *group;
        let previous = self.previous.replace(complete);
        self.current = Some(new);
        previous.map(|previous| Step {
            sent: complete.last_sent.seconds_since(previous.last_sent) * 1_000.0,
            arrived: complete.last_arrived.millis_after(previous.last_arrived),
            at: complete.last_arrived,
        })
    }
}

impl Group {
    fn holds(&self, sent: Time, arrived: RemoteTime) -> bool {
        let later = sent.seconds_since(self.last_sent) * 1_000.0;
        if sent <= self.last_sent {
            return true;
        }
        let after = arrived.millis_after(self.last_arrived);
        let burst =
            after < later && after <= BURST_MS && arrived.millis_after(self.first_arrived) < LONGEST_BURST_MS;
        burst || sent.seconds_since(self.first_sent) * 1_000.0 <= GROUP_MS
    }
}

/// Draft section 5.1: groups of 5 ms, as its pacer lets go.
const GROUP_MS: f64 = 5.0;

/// Draft section 5.2: packets of a burst come this close.
const BURST_MS: f64 = 5.0;

/// libwebrtc ends a burst here, so that a line that always bunches packets is still measured.
const LONGEST_BURST_MS: f64 = 100.0;

/// The other clock does not pause so long within a call: it was set, or the other side began anew.
const CLOCK_JUMPED_MS: f64 = 3_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(groups: &mut Groups, packets: &[(u64, u64)]) -> Vec<Step> {
        let packet = |&(sent, arrived)| groups.packet(Time::from_millis(sent), RemoteTime(arrived * 1_000));
        packets.iter().filter_map(packet).collect()
    }

    #[test]
    fn groups_are_compared_by_their_last_packets() {
        let steps =
            feed(&mut Groups::default(), &[(0, 50), (3, 53), (20, 70), (24, 80), (40, 95), (60, 115)]);
        let (sent, arrived): (Vec<f64>, Vec<f64>) =
            steps.iter().map(|step| (step.sent, step.arrived)).unzip();
        assert_eq!(sent, [21.0, 16.0]);
        assert_eq!(arrived, [27.0, 15.0]);
    }

    #[test]
    fn what_a_router_held_and_let_go_is_one_group() {
        let mut groups = Groups::default();
        let steps =
            feed(&mut groups, &[(0, 50), (20, 120), (40, 121), (60, 122), (80, 123), (100, 150), (120, 170)]);
        assert_eq!(steps.len(), 2, "{steps:?}");
        assert_eq!(steps[0].arrived, 73.0);
        assert!(
            feed(&mut groups, &[(140, 900_000), (160, 900_020)]).is_empty(),
            "another clock is another start"
        );
    }
}
