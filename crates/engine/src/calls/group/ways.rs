//! The connections of a call of a group: which are open, who forwards, and what becomes of those that fail.

use std::collections::BTreeMap;

use kith_proto::call::Media;
use kith_proto::call::Step;
use kith_proto::call::group::Present;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

use super::Act;
use super::FAILED_AGAIN;
use super::GroupCall;
use super::NO_WAY;
use super::OPEN_PAUSE;
use super::Person;
use super::UNHEARD;
use super::forwarding::MAKE_BEFORE_BREAK;
use super::plan::Candidate;
use super::plan::Plan;
use crate::calls::leg::Try;
use crate::calls::privacy;

impl GroupCall {
    /// Media report something about a leg.
    pub(crate) fn report(&mut self, now: Timestamp, event: MediaEvent, acts: &mut Vec<Act>) {
        let (MediaEvent::Described { leg: LegId { device, .. }, .. }
        | MediaEvent::Gathered { leg: LegId { device, .. }, .. }
        | MediaEvent::Path { leg: LegId { device, .. }, .. }
        | MediaEvent::Silence { leg: LegId { device, .. }, .. }
        | MediaEvent::Failed { leg: LegId { device, .. }, .. }) = event
        else {
            return;
        };
        let Some(person) = self.people.get_mut(&device).filter(|person| person.leg.is_open()) else { return };
        let leg = &mut person.leg;
        match event {
            MediaEvent::Described { epoch, offer, sdp, .. } if epoch == leg.epoch() => {
                let sdp = if leg.is_relay_only() { privacy::without_addresses(&sdp) } else { sdp };
                self.push(now, &device, Step::Description { epoch, offer, sdp }, acts);
            }
            MediaEvent::Gathered { epoch, list, done, .. } if epoch == leg.epoch() => {
                let list = if leg.is_relay_only() { privacy::relays_only(&list) } else { list };
                if done || !list.is_empty() {
                    self.push(now, &device, Step::Candidates { epoch, list, done }, acts);
                }
            }
            MediaEvent::Path { opened, state, relayed, .. } if leg.is_open_since(opened) => {
                leg.set_path(now, state, relayed);
            }
            MediaEvent::Silence { opened, silent, .. } if leg.is_open_since(opened) => {
                leg.set_silent(now, silent);
            }
            MediaEvent::Failed { opened, .. } if leg.is_open_since(opened) => {
                person.failed = Some(now);
                acts.extend(leg.close().map(Act::Media));
            }
            _ => {}
        }
        self.settle(now, acts);
    }

    pub(super) fn look_for_way(&mut self, now: Timestamp, device: &DeviceId, acts: &mut Vec<Act>) {
        let own = self.own;
        let Some(person) = self.people.get_mut(device).filter(|person| person.leg.is_open()) else { return };
        match person.leg.look_for_way(now) {
            Some(Try::Ask(step)) => self.push(now, device, step, acts),
            Some(Try::Restart(command)) => acts.push(Act::Media(command)),
            Some(Try::Anew(step)) => {
                open(now, person, own, acts);
                self.push(now, device, step, acts);
            }
            None => {}
        }
    }

    /// Whether whoever forwards still does.
    pub(super) fn doubt_forwarder(&mut self, now: Timestamp, acts: &mut Vec<Act>) {
        let Some(device) = self.forwarder() else { return };
        let Some(person) = self.people.get(&device) else { return };
        // Until then they said no more than others do.
        let since = self.forwarding.since();
        let mute = now.since(person.heard.max(since)) >= UNHEARD;
        let no_way =
            !person.leg.flows() && person.wanted && now.since(person.wanted_since.max(since)) >= NO_WAY;
        if (mute || no_way) && !self.forwarding.is_spared(&device) {
            self.forwarding.spare(now, device);
            self.news(acts);
        }
    }

    /// Makes the plan anew. Returns whether it is another one.
    pub(super) fn make_plan(&mut self, now: Timestamp) -> bool {
        let own = Candidate { device: self.device, rank: self.rank, since: self.since };
        let others = self.people.iter().map(|(device, person)| {
            let Present { rank, since, .. } = person.said;
            Candidate { device: *device, rank, since }
        });
        let all: Vec<Candidate> = others.chain([own]).collect();
        let others = self.people.values().flat_map(|person| person.said.others.iter().copied());
        let unknown = others.filter(|device| *device != self.device && !self.people.contains_key(device));
        self.door.set_unknown(now, unknown);
        // Several devices of one account are one voice.
        let mut said: BTreeMap<AccountId, Vec<DeviceId>> = BTreeMap::new();
        for person in self.people.values() {
            said.entry(person.account).or_default().extend(person.said.unheard.iter().copied());
        }
        let own = self.unheard();
        self.forwarding.choose(now, &all, said.into_values().chain([own]))
    }

    /// Those who must not forward, as far as this device is concerned: nothing comes of them, or they are not even met.
    pub(super) fn unheard(&self) -> Vec<DeviceId> {
        self.forwarding.spared().chain(self.door.strangers().iter().copied()).collect()
    }

    pub(super) fn set_legs(&mut self, now: Timestamp, acts: &mut Vec<Act>) {
        let (plan, own, media) = (self.forwarding.plan(), self.device, self.own);
        let mut asked = Vec::new();
        for (device, person) in &mut self.people {
            // What they want holds as well: all see who comes and goes a moment sooner or later than others.
            let wanted = plan.connects(&own, device) || theirs(&person.said).connects(&own, device);
            if std::mem::replace(&mut person.wanted, wanted) != wanted {
                person.wanted_since = now;
            }
            let waits = person.failed.is_some_and(|at| now.since(at) < FAILED_AGAIN);
            let soon = person.opened_at.is_some_and(|at| now.since(at) < OPEN_PAUSE);
            if wanted && !person.leg.is_open() && !waits && !soon {
                let (again, failed) = (person.opened_at.is_some(), person.failed.is_some());
                if again {
                    person.leg.next_epoch();
                }
                open(now, person, media, acts);
                // They may still have theirs, which leads nowhere.
                if again && (failed || !person.leg.offers()) {
                    asked.push((*device, Step::Restart { epoch: person.leg.epoch(), anew: true }));
                }
            }
        }
        for (device, step) in asked {
            self.push(now, &device, step, acts);
        }
        // Others take the place of those that are not needed: these go when the others are there, or at last.
        let ready = self.people.values().filter(|person| person.wanted).all(|person| person.leg.flows());
        for person in self.people.values_mut().filter(|person| !person.wanted && person.leg.is_open()) {
            // Nobody has it made and broken again and again.
            let made = person.opened_at.is_none_or(|at| now.since(at) >= MAKE_BEFORE_BREAK);
            if (ready && made) || now.since(person.wanted_since) >= MAKE_BEFORE_BREAK {
                acts.extend(person.leg.rest().map(Act::Media));
            }
        }
    }

    /// Has media begin or end forwarding, if there is such an order.
    pub(super) fn forward(&self, order: Option<bool>, acts: &mut Vec<Act>) {
        acts.extend(order.map(|on| Act::Media(MediaCommand::Forward { call: self.id, on })));
    }
}

/// How somebody has the devices of the call connected.
fn theirs(said: &Present) -> Plan {
    said.forwarder.map_or(Plan::Mesh, Plan::Through)
}

/// Opens a leg, or opens it anew.
pub(super) fn open(now: Timestamp, person: &mut Person, media: Media, acts: &mut Vec<Act>) {
    (person.opened_at, person.failed) = (Some(now), None);
    acts.extend(person.leg.close().map(Act::Media));
    let ways = person.setup.ways;
    let opened = person.leg.open(&person.setup, ways, media, person.said.capabilities);
    acts.extend(opened.into_iter().map(Act::Media));
}
