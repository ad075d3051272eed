//! Who forwards in a call of a group, as this device sees it, and whether it is this one.
//!
//! ```text
//!  Mesh ──five──▶ Through(best) ──nothing comes of them──▶ they are spared, Through(next) ──▶ …
//! ```

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::plan::Candidate;
use super::plan::Plan;

/// Who was replaced does not forward again for so long, as each change is heard as a gap.
const SPARED: Span = Span::from_secs(30);

/// Who forwards changes not faster than this, unless two say that nothing comes of them, or it is seen here: nobody alone has all connections made
/// anew again and again.
const CHANGE_PAUSE: Span = Span::from_secs(1);

/// Those whom one alone may say they do not hear.
const MOST_OF_ONE: usize = 2;

/// A connection that is not needed any more stays for so long while those that take its place are made; and who need not forward any more still does.
pub(super) const MAKE_BEFORE_BREAK: Span = Span::from_secs(3);

/// Who forwards.
#[derive(Debug)]
pub(super) struct Forwarding {
    plan: Plan,
    /// Since when.
    since: Timestamp,
    /// Whether media forward here, and until when they go on when they need not.
    on: bool,
    until: Option<Timestamp>,
    /// Who does not forward until when, as nothing came of them.
    spared: BTreeMap<DeviceId, Timestamp>,
    /// When another one takes over, as that was too soon before.
    change_at: Option<Timestamp>,
}

impl Forwarding {
    /// Nobody does.
    pub(super) fn new() -> Self {
        Self {
            plan: Plan::Mesh,
            since: Timestamp(0),
            on: false,
            until: None,
            spared: BTreeMap::new(),
            change_at: None,
        }
    }

    /// How the devices of the call are connected.
    pub(super) fn plan(&self) -> Plan {
        self.plan
    }

    /// Since when: before that nothing was to come from whoever forwards.
    pub(super) fn since(&self) -> Timestamp {
        self.since
    }

    /// Nothing comes of somebody any more.
    pub(super) fn spare(&mut self, now: Timestamp, device: DeviceId) {
        self.spared.insert(device, now + SPARED);
    }

    /// Whether that is known of somebody.
    pub(super) fn is_spared(&self, device: &DeviceId) -> bool {
        self.spared.contains_key(device)
    }

    /// Those of whom nothing comes.
    pub(super) fn spared(&self) -> impl Iterator<Item = DeviceId> {
        self.spared.keys().copied()
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.spared.retain(|_, until| *until > now);
    }

    /// Makes the plan anew. `said`: those whom each does not hear, this device as well. Returns whether it is another one.
    pub(super) fn choose(
        &mut self,
        now: Timestamp,
        all: &[Candidate],
        said: impl Iterator<Item = Vec<DeviceId>>,
    ) -> bool {
        let unheard = Unheard::of(said);
        let plan = Plan::of(all, &unheard.all);
        self.change_at = None;
        if plan == self.plan {
            return false;
        }
        if let (Plan::Through(before), Plan::Through(_)) = (self.plan, plan) {
            let surely = unheard.surely.contains(&before) || self.spared.contains_key(&before);
            let here = all.iter().any(|candidate| candidate.device == before);
            let at = self.since + CHANGE_PAUSE;
            if here && !surely && now < at {
                self.change_at = Some(at);
                return false;
            }
        }
        (self.plan, self.since) = (plan, now);
        true
    }

    /// Whether media here are to begin or to end forwarding now. `asked`: somebody takes this device as the one that does.
    pub(super) fn order(&mut self, now: Timestamp, own: &DeviceId, asked: bool) -> Option<bool> {
        // Others may know better, if none of them takes this one.
        let new = self.plan.forwarder() == Some(*own) && now.since(self.since) < MAKE_BEFORE_BREAK;
        if asked || new {
            self.until = None;
            return (!std::mem::replace(&mut self.on, true)).then_some(true);
        }
        if !self.on {
            return None;
        }
        let until = *self.until.get_or_insert(now + MAKE_BEFORE_BREAK);
        (until <= now).then(|| self.end()).flatten()
    }

    /// This device leaves.
    pub(super) fn end(&mut self) -> Option<bool> {
        self.until = None;
        std::mem::replace(&mut self.on, false).then_some(false)
    }

    /// When [`order`](Self::order) or [`choose`](Self::choose) is due.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.until.into_iter().chain(self.change_at).min()
    }
}

/// Those who must not forward, by what all say. Nobody alone says that of more than two: then it is they who hear nothing.
struct Unheard {
    all: BTreeSet<DeviceId>,
    /// Those of whom two say so.
    surely: BTreeSet<DeviceId>,
}

impl Unheard {
    fn of(said: impl Iterator<Item = Vec<DeviceId>>) -> Self {
        let mut unheard = Self { all: BTreeSet::new(), surely: BTreeSet::new() };
        let mut once = BTreeSet::new();
        for names in said {
            let believed = names.len() <= MOST_OF_ONE;
            for device in BTreeSet::from_iter(names) {
                if believed {
                    unheard.all.insert(device);
                }
                if !once.insert(device) {
                    unheard.surely.insert(device);
                }
            }
        }
        unheard.all.extend(&unheard.surely);
        unheard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: u8) -> DeviceId {
        DeviceId([number; 32])
    }

    fn candidates() -> Vec<Candidate> {
        let candidate =
            |number: u8| Candidate { device: device(number), rank: 0, since: Timestamp(u64::from(number)) };
        (1..7).map(candidate).collect()
    }

    #[test]
    fn one_alone_does_not_say_of_all_that_they_are_not_heard() {
        let one = |names: &[u8]| names.iter().copied().map(device).collect::<Vec<_>>();
        let all = |said: &[Vec<DeviceId>]| Unheard::of(said.iter().cloned()).all;
        assert_eq!(all(&[one(&[1, 2])]), one(&[1, 2]).into_iter().collect());
        assert_eq!(all(&[one(&[1, 2, 3])]), BTreeSet::new());
        assert_eq!(all(&[one(&[1, 1, 1])]), BTreeSet::new(), "nor by saying it often");
        assert_eq!(all(&[one(&[1, 2, 3]), one(&[2])]), one(&[2]).into_iter().collect());
    }

    #[test]
    fn who_says_it_of_one_after_the_other_changes_little() {
        let (mut forwarding, begin) = (Forwarding::new(), Timestamp(1_000_000));
        let mut changes = 0;
        for moment in 0..200_u64 {
            let said = vec![device(1 + u8::from(moment % 2 == 0))];
            changes +=
                u64::from(forwarding.choose(begin + Span(50 * moment), &candidates(), [said].into_iter()));
        }
        assert!((2..=11).contains(&changes), "{changes} in ten seconds");
    }
}
