//! What others say in a call of a group, and what it means here.

use kith_proto::call::Media;
use kith_proto::call::Signal;
use kith_proto::call::Step;
use kith_proto::call::group::Between;
use kith_proto::call::group::MAX_IN_CALL;
use kith_proto::call::group::Present;
use kith_proto::call::media::FrameKey;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::Side;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

use super::Act;
use super::CLOCKS_DIFFER;
use super::GroupCall;
use super::LONGEST;
use super::MAX_RANK;
use super::Person;
use super::Speaker;
use super::door::MAX_OF_ACCOUNT;
use super::keys;
use super::sender;
use super::ways;
use crate::calls::call::Setup;
use crate::calls::leg::Came;
use crate::calls::leg::Leg;

impl GroupCall {
    /// A device said something. Returns whether it makes sense here.
    pub(crate) fn hear(
        &mut self,
        now: Timestamp,
        from: Speaker,
        signal: Signal,
        acts: &mut Vec<Act>,
    ) -> bool {
        let device = from.device;
        match signal {
            Signal::Present(present) if present.group == self.group => {
                self.hear_present(now, from, *present, acts);
            }
            Signal::Absent => self.lose(&device, acts),
            Signal::Between(between) => self.hear_between(now, &from, *between, acts),
            _ => return false,
        }
        self.settle(now, acts);
        true
    }

    fn hear_present(&mut self, now: Timestamp, from: Speaker, mut present: Present, acts: &mut Vec<Act>) {
        let Speaker { device, account, setup, .. } = from;
        // Their clock may be wrong, and what is said of the past is said on by all.
        present.begun = present.begun.max(Timestamp(now.0.saturating_sub(LONGEST.0)));
        present.since = present.since.min(now + CLOCKS_DIFFER);
        present.rank = present.rank.min(MAX_RANK);
        if let Some(person) = self.people.get_mut(&device)
            && present.session <= person.said.session
        {
            // With a smaller one it was said before they came again.
            if present.session == person.said.session {
                self.begun = self.begun.min(present.begun);
                (person.said, person.heard) = (present, now);
                // What is opened next is opened as it is right now.
                person.setup = Setup { sealed: true, ..setup };
            }
            return;
        }
        if !self.may_come(now, &device, &account) {
            return;
        }
        self.begun = self.begun.min(present.begun);
        // They have left and come again, and know it: nothing else has to change for that.
        let session = self.people.get(&device).map_or(self.door.stay(), |person| person.session);
        self.gone(&device, acts);
        let side = if self.device < device { Side::Offers } else { Side::Answers };
        let leg = Leg::new(LegId { call: self.id, device }, side, now);
        let person = Person {
            account,
            setup: Setup { sealed: true, ..setup },
            said: present,
            session,
            leg,
            lost_step: false,
            heard: now,
            wanted_since: now,
            wanted: false,
            opened_at: None,
            failed: None,
        };
        self.people.insert(device, person);
        // They may not know of this device: then nothing else that is said to them makes sense.
        acts.push(Act::Say(device, self.present_to(&device)));
        let told = self.keys.came();
        for key in &told {
            self.push(now, &device, keys::step(key), acts);
        }
        if !told.is_empty() {
            self.seal(acts);
        }
    }

    /// Whether a device may come into the call, or come again. Whoever may not says it again.
    fn may_come(&mut self, now: Timestamp, device: &DeviceId, account: &AccountId) -> bool {
        let others = self.people.iter().filter(|(other, _)| *other != device);
        let of_account = others.clone().filter(|(_, person)| person.account == *account).count();
        others.count() + 1 < MAX_IN_CALL && of_account < MAX_OF_ACCOUNT && self.door.may_come(now, account)
    }

    fn hear_between(&mut self, now: Timestamp, from: &Speaker, between: Between, acts: &mut Vec<Act>) {
        let Between { from: theirs, to, taken, step } = between;
        let known = self.people.get_mut(&from.device);
        let Some(person) = known.filter(|person| person.said.session == theirs && person.session == to)
        else {
            // They hear who this is; what they said they say again.
            return acts.push(Act::Say(from.device, self.present_to(&from.device)));
        };
        person.heard = now;
        person.leg.taken_there(now, taken);
        let Some((number, step)) = step else { return };
        match person.leg.came(now, number, step) {
            Came::NotYet => return,
            Came::Again => {}
            Came::Now(Step::Key { generation, step, key }) => {
                let leg = LegId { call: self.id, device: from.device };
                let key = FrameKey { generation, step, key };
                let sender = sender(&self.id, &from.device);
                acts.push(Act::Media(MediaCommand::Unseal { from: leg, sender, key }));
            }
            Came::Now(Step::Mute) if from.may_mute => self.muted(from.account, acts),
            Came::Now(Step::Mute | Step::Media(_)) => {}
            Came::Now(Step::Restart { epoch, anew }) => {
                person.leg.asked_for_way(now, epoch, anew);
                let tried = person.leg.is_open() || (person.wanted && person.failed.is_some());
                if anew && person.leg.begins_anew(epoch) && tried {
                    ways::open(now, person, self.own, acts);
                }
            }
            Came::Now(step) => acts.extend(person.leg.take(step).map(Act::Media)),
        }
        self.answer(&from.device, acts);
    }

    /// Somebody who keeps order wants this device to be silent.
    fn muted(&mut self, by: AccountId, acts: &mut Vec<Act>) {
        if self.own.microphone {
            self.set_media(Media { microphone: false, ..self.own }, acts);
            self.muted_by = Some(by);
        }
    }

    /// Says how far the steps of a device were taken.
    pub(super) fn answer(&self, device: &DeviceId, acts: &mut Vec<Act>) {
        acts.extend(self.people.get(device).map(|person| Act::Say(*device, Self::between(person, None))));
    }
}
