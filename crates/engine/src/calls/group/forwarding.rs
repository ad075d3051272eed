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
}

impl Forwarding {
    /// Nobody does.
    pub(super) fn new() -> Self {
        Self { plan: Plan::Mesh, since: Timestamp(0), on: false, until: None, spared: BTreeMap::new() }
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
    pub(super) fn unheard(&self) -> Vec<DeviceId> {
        self.spared.keys().copied().collect()
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.spared.retain(|_, until| *until > now);
    }

    /// Makes the plan anew. `said`: those whom others do not hear. Returns whether it is another one.
    pub(super) fn choose(
        &mut self,
        now: Timestamp,
        all: &[Candidate],
        said: impl Iterator<Item = DeviceId>,
    ) -> bool {
        let unheard: BTreeSet<DeviceId> = said.chain(self.spared.keys().copied()).collect();
        let plan = Plan::of(all, &unheard);
        let changed = std::mem::replace(&mut self.plan, plan) != plan;
        if changed {
            self.since = now;
        }
        changed
    }

    /// Whether media here are to begin or to end forwarding now.
    pub(super) fn order(&mut self, now: Timestamp, own: &DeviceId) -> Option<bool> {
        if self.plan.forwarder() == Some(*own) {
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

    /// When [`order`](Self::order) is due.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.until
    }
}
