//! What is to be seen of a call of a group.

use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::time::Timestamp;

use super::GroupCall;
use super::Person;
use crate::view::CallState;
use crate::view::InCallView;

impl GroupCall {
    /// Which call.
    pub(crate) fn id(&self) -> CallId {
        self.id
    }

    /// Of which group.
    pub(crate) fn group(&self) -> GroupId {
        self.group
    }

    /// When it began, and since when somebody was heard here.
    pub(crate) fn times(&self) -> (Timestamp, Option<Timestamp>) {
        (self.begun, self.talking_since)
    }

    /// Whether a device is in it.
    pub(crate) fn has(&self, device: &DeviceId) -> bool {
        self.people.contains_key(device)
    }

    /// Whether the hand is raised, and who muted this device.
    pub(crate) fn standing(&self) -> (bool, Option<AccountId>) {
        (self.hand, self.muted_by)
    }

    /// Who forwards; nobody while each talks with each.
    pub(crate) fn forwarder(&self) -> Option<DeviceId> {
        self.forwarding.plan().forwarder()
    }

    /// How far it is.
    pub(crate) fn state(&self) -> CallState {
        let flows = self.people.values().any(|person| person.wanted && person.leg.flows());
        match (self.people.is_empty(), flows, self.talking_since) {
            (true, ..) => CallState::Calling,
            (false, true, _) => CallState::Live,
            (false, false, None) => CallState::Connecting,
            (false, false, Some(_)) => CallState::Reconnecting,
        }
    }

    /// The others in it.
    pub(crate) fn people(&self) -> Vec<InCallView> {
        let through = self.forwarder().and_then(|device| self.people.get(&device));
        let view = |(device, person): (&DeviceId, &Person)| InCallView {
            account: person.account,
            device: *device,
            media: person.said.media,
            hand: person.said.hand,
            connected: through.unwrap_or(person).leg.flows(),
        };
        self.people.iter().map(view).collect()
    }
}
