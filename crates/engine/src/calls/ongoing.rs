//! Calls of groups that go on without this device: who is in them, as far as they say so. Whoever says nothing for some time is gone, and a call
//! without anybody is over.

use std::collections::BTreeMap;

use kith_proto::call::group::MAX_IN_CALL;
use kith_proto::call::group::Present;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::group::LONGEST;
use super::group::MAX_OF_ACCOUNT;
use super::group::TOLD_EVERY;
use crate::view::GroupCallView;
use crate::view::InCallView;

/// Three times what members who are not in a call are told in.
const FORGOTTEN_AFTER: Span = Span(3 * TOLD_EVERY.0);

/// All of them, one a group.
#[derive(Debug, Default)]
pub(super) struct Ongoing(BTreeMap<GroupId, Seen>);

/// One call, from outside.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) call: CallId,
    pub(super) begun: Timestamp,
    pub(super) people: BTreeMap<DeviceId, SeenPerson>,
    /// Until when it rings here.
    pub(super) rings_until: Option<Timestamp>,
    /// Whether it was shown; and whether this device was in it.
    pub(super) announced: bool,
    /// Whether it rang.
    pub(super) rang: bool,
    pub(super) was_in: bool,
    /// When it was first heard of.
    pub(super) noticed: Timestamp,
    pub(super) video: bool,
    /// Who was there first, as far as this device knows.
    pub(super) by: AccountId,
    pub(super) shown: Option<GroupCallView>,
}

/// Somebody in it.
#[derive(Debug)]
pub(crate) struct SeenPerson {
    /// Who.
    pub(crate) account: AccountId,
    /// What they said last.
    pub(crate) said: Present,
    /// When that was.
    pub(crate) heard: Timestamp,
}

/// What it means that somebody is in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// It is a call that is known, or new.
    Here,
    /// Another call of the group has the smaller name: whoever is in this one will go over to it.
    GivesWay,
}

impl Ongoing {
    /// The call of a group.
    pub(super) fn of(&mut self, group: &GroupId) -> Option<&mut Seen> {
        self.0.get_mut(group)
    }

    /// The call of this name.
    pub(super) fn find(&self, call: &CallId) -> Option<(GroupId, &Seen)> {
        self.0.iter().find(|(_, seen)| seen.call == *call).map(|(group, seen)| (*group, seen))
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = (&GroupId, &Seen)> {
        self.0.iter()
    }

    /// Takes one out.
    pub(super) fn take(&mut self, group: &GroupId) -> Option<Seen> {
        self.0.remove(group)
    }

    /// Puts one there that this device has left.
    pub(super) fn put(&mut self, group: GroupId, seen: Seen) {
        self.0.insert(group, seen);
    }

    /// Somebody says that they are in a call.
    pub(super) fn present(
        &mut self,
        now: Timestamp,
        call: CallId,
        (device, account): (DeviceId, AccountId),
        mut present: Present,
    ) -> Noted {
        // What is said of the past is said on by all.
        present.begun = present.begun.max(Timestamp(now.0.saturating_sub(LONGEST.0)));
        if self.0.get(&present.group).is_some_and(|seen| seen.call < call) {
            return Noted::GivesWay;
        }
        // Of two calls the one with the smaller name goes on.
        let other = self.0.get(&present.group).is_some_and(|seen| seen.call != call);
        let before = if other { self.0.remove(&present.group) } else { None };
        let seen = self.0.entry(present.group).or_insert_with(|| Seen {
            call,
            begun: present.begun.min(now),
            people: BTreeMap::new(),
            rings_until: before.as_ref().and_then(|seen| seen.rings_until),
            announced: false,
            rang: before.as_ref().is_some_and(|seen| seen.rang),
            was_in: before.as_ref().is_some_and(|seen| seen.was_in),
            noticed: now,
            video: false,
            by: account,
            shown: None,
        });
        seen.begun = seen.begun.min(present.begun);
        seen.video |= present.media.has_video();
        let of_account = seen.people.values().filter(|person| person.account == account).count();
        let room = seen.people.len() < MAX_IN_CALL && of_account < MAX_OF_ACCOUNT;
        if seen.people.contains_key(&device) || room {
            seen.people.insert(device, SeenPerson { account, said: present, heard: now });
        }
        Noted::Here
    }

    /// Somebody is in a call no more. Returns its group, if they were.
    pub(super) fn absent(&mut self, call: &CallId, device: &DeviceId) -> Option<GroupId> {
        let (group, seen) = self.0.iter_mut().find(|(_, seen)| seen.call == *call)?;
        seen.people.remove(device).map(|_| *group)
    }

    /// Time has passed: whoever said nothing for long is gone. Returns the groups of which something changed.
    pub(super) fn expire(&mut self, now: Timestamp) -> Vec<GroupId> {
        let mut changed = Vec::new();
        for (group, seen) in &mut self.0 {
            let before = (seen.people.len(), seen.rings_until);
            seen.people.retain(|_, person| now.since(person.heard) < FORGOTTEN_AFTER);
            seen.rings_until = seen.rings_until.filter(|until| *until > now);
            if before != (seen.people.len(), seen.rings_until) {
                changed.push(*group);
            }
        }
        changed
    }

    /// When [`expire`](Self::expire) is due.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        let of = |seen: &Seen| {
            let heard = seen.people.values().map(|person| person.heard + FORGOTTEN_AFTER);
            heard.chain(seen.rings_until).min()
        };
        self.0.values().filter_map(of).min()
    }
}

impl Seen {
    /// Those in it.
    pub(super) fn views(&self) -> Vec<InCallView> {
        let view = |(device, person): (&DeviceId, &SeenPerson)| InCallView {
            account: person.account,
            device: *device,
            media: person.said.media,
            hand: person.said.hand,
            connected: false,
        };
        self.people.iter().map(view).collect()
    }

    /// All devices that are said to be in it.
    pub(super) fn devices(&self) -> Vec<DeviceId> {
        let said = self.people.values().flat_map(|person| person.said.others.iter());
        self.people.keys().chain(said).copied().collect()
    }
}
