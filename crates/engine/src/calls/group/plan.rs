//! Which devices of a call have a connection for sound and pictures: each with each while they are few, above that all with
//! the one that forwards. From facts that everybody in the call says, so that all come to the same.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

/// So many talk each with each: more copies of one's own picture are too much for a usual line up.
pub(super) const MOST_IN_MESH: usize = 4;

/// How well a device can forward, and for how long it has been there: whoever came first stays the one that forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) device: DeviceId,
    pub(super) rank: u8,
    pub(super) since: Timestamp,
}

/// How the devices of a call are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Each with each.
    Mesh,
    /// All with this one, which forwards.
    Through(DeviceId),
}

impl Plan {
    /// The plan for those who are in the call. `unheard`: those that somebody does not hear any more; they do not forward, unless there is nobody
    /// else.
    pub(super) fn of(all: &[Candidate], unheard: &BTreeSet<DeviceId>) -> Self {
        if all.len() <= MOST_IN_MESH {
            return Self::Mesh;
        }
        let rank = |candidate: &&Candidate| {
            let heard = !unheard.contains(&candidate.device);
            (heard, candidate.rank, Reverse(candidate.since), Reverse(candidate.device))
        };
        all.iter().max_by_key(rank).map_or(Self::Mesh, |best| Self::Through(best.device))
    }

    /// Whether two devices have a connection.
    pub(super) fn connects(self, one: &DeviceId, other: &DeviceId) -> bool {
        match self {
            Self::Mesh => true,
            Self::Through(device) => device == *one || device == *other,
        }
    }

    /// Who forwards.
    pub(super) fn forwarder(self) -> Option<DeviceId> {
        match self {
            Self::Mesh => None,
            Self::Through(device) => Some(device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(number: u8, rank: u8, since: u64) -> Candidate {
        Candidate { device: DeviceId([number; 32]), rank, since: Timestamp(since) }
    }

    #[test]
    fn four_talk_each_with_each_and_five_through_the_best() {
        let mut all: Vec<Candidate> = (1..5).map(|number| candidate(number, 1, u64::from(number))).collect();
        assert_eq!(Plan::of(&all, &BTreeSet::new()), Plan::Mesh);
        all.push(candidate(5, 2, 5));
        assert_eq!(Plan::of(&all, &BTreeSet::new()), Plan::Through(DeviceId([5; 32])));
        all.reverse();
        assert_eq!(Plan::of(&all, &BTreeSet::new()), Plan::Through(DeviceId([5; 32])), "in whatever order");
        let unheard = BTreeSet::from([DeviceId([5; 32])]);
        assert_eq!(Plan::of(&all, &unheard), Plan::Through(DeviceId([1; 32])), "whoever came first");
        let unheard = all.iter().map(|candidate| candidate.device).collect();
        assert_eq!(Plan::of(&all, &unheard), Plan::Through(DeviceId([5; 32])), "somebody has to");
    }

    #[test]
    fn only_the_forwarder_is_connected_with_all() {
        let [one, two, three] = [1, 2, 3].map(|number| DeviceId([number; 32]));
        assert!(Plan::Mesh.connects(&one, &two));
        let through = Plan::Through(three);
        assert!(
            through.connects(&one, &three) && through.connects(&three, &two) && !through.connects(&one, &two)
        );
    }
}
