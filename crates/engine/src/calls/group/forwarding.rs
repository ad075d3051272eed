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

/// So often the pause is doubled: then it is eight minutes.
const MOST_DOUBLED: u32 = 4;

/// Who forwards changes not faster than this, unless it is seen here that nothing comes of them: nobody has all connections made anew again and again.
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
    /// How often that was.
    times: BTreeMap<DeviceId, u32>,
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
            times: BTreeMap::new(),
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

    /// Nothing comes of somebody any more. Each time it takes twice as long until they are tried again: perhaps there is no way between the two at all.
    pub(super) fn spare(&mut self, now: Timestamp, device: DeviceId) {
        if self.spared.contains_key(&device) {
            return;
        }
        let times = self.times.entry(device).or_default();
        let pause = Span(SPARED.0 << (*times).min(MOST_DOUBLED));
        *times = times.saturating_add(1);
        self.spared.insert(device, now + pause);
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
        // Only those who are here count: who names others as well must not seem to name many.
        let here = |device: &DeviceId| all.iter().any(|candidate| candidate.device == *device);
        self.times.retain(|device, _| here(device));
        let unheard = unheard(said.map(|names| names.into_iter().filter(here).collect()));
        let plan = Plan::of(all, &unheard);
        self.change_at = None;
        if plan == self.plan {
            return false;
        }
        if let (Plan::Through(before), Plan::Through(_)) = (self.plan, plan) {
            let seen = self.spared.contains_key(&before) || !here(&before);
            let at = self.since + CHANGE_PAUSE;
            if !seen && now < at {
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
fn unheard(said: impl Iterator<Item = Vec<DeviceId>>) -> BTreeSet<DeviceId> {
    let (mut all, mut once) = (BTreeSet::new(), BTreeSet::new());
    for names in said {
        let names = BTreeSet::from_iter(names);
        let believed = names.len() <= MOST_OF_ONE;
        for device in names {
            let again = !once.insert(device);
            if believed || again {
                all.insert(device);
            }
        }
    }
    all
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
        let all = |said: &[Vec<DeviceId>]| unheard(said.iter().cloned());
        assert_eq!(all(&[one(&[1, 2])]), one(&[1, 2]).into_iter().collect());
        assert_eq!(all(&[one(&[1, 2, 3])]), BTreeSet::new());
        assert_eq!(all(&[one(&[1, 2, 3]), one(&[2])]), one(&[2]).into_iter().collect());
    }

    #[test]
    fn who_is_never_heard_is_tried_less_and_less() {
        let (mut forwarding, begin) = (Forwarding::new(), Timestamp(1_000_000));
        let mut tried = 0;
        for second in 0..3_600 {
            let now = begin + Span::from_secs(second);
            forwarding.expire(now);
            let own = forwarding.spared().collect();
            forwarding.choose(now, &candidates(), [own].into_iter());
            if forwarding.plan() == Plan::Through(device(1)) {
                forwarding.spare(now, device(1));
                tried += 1;
            }
        }
        assert!((6..=12).contains(&tried), "{tried} times in an hour");
    }

    #[test]
    fn names_of_nobody_do_not_count() {
        let (mut forwarding, now) = (Forwarding::new(), Timestamp(1_000_000));
        let said = vec![device(1), device(91), device(92), device(93)];
        forwarding.choose(now, &candidates(), [said].into_iter());
        assert_eq!(forwarding.plan(), Plan::Through(device(2)), "the first one is not heard by somebody");
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
