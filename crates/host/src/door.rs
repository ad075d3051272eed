//! Who may have an inbox. The service knows no devices, so this border does: a registration that comes over the stream of
//! somebody else is answered before the service hears of it.
//!
//! Reading and leaving envelopes need no door: an inbox is read by whoever has its key, and envelopes are left by whoever
//! was given a deposit key by the inbox's owner. A friend's mail comes from people that we do not know.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::id::DeviceId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;

/// Who may have an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Anybody whom the service itself admits.
    Anybody,
    /// The devices that [`Host::know`](crate::Host::know) was told.
    Known,
}

/// The door with whoever stands before it.
pub(crate) struct Doorkeeper {
    pub(crate) door: Door,
    pub(crate) known: BTreeSet<DeviceId>,
    /// Open streams, and whose they are.
    streams: BTreeMap<u64, DeviceId>,
}

impl Doorkeeper {
    pub(crate) fn new(door: Door) -> Self {
        Self { door, known: BTreeSet::new(), streams: BTreeMap::new() }
    }

    pub(crate) fn opened(&mut self, stream: u64, device: DeviceId) {
        self.streams.insert(stream, device);
    }

    pub(crate) fn closed(&mut self, stream: u64) {
        self.streams.remove(&stream);
    }

    /// Whose a stream is.
    pub(crate) fn device(&self, stream: u64) -> Option<DeviceId> {
        self.streams.get(&stream).copied()
    }

    /// Takes all open streams.
    pub(crate) fn take_streams(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.streams).into_keys().collect()
    }

    /// What a request is answered that may not pass.
    pub(crate) fn refuses(&self, stream: u64, request: &Numbered<Request>) -> Option<Numbered<Answer>> {
        let opens = matches!(request.word, Request::Register { .. });
        let known = || self.streams.get(&stream).is_some_and(|device| self.known.contains(device));
        let refused = opens && self.door == Door::Known && !known();
        refused.then_some(Numbered { number: request.number, word: Answer::Refused {} })
    }
}

#[cfg(test)]
mod tests {
    use kith_proto::bounded::BoundedVec;
    use kith_proto::id::ReaderId;
    use kith_proto::mailbox::Admission;

    use super::*;

    const FRIEND: DeviceId = DeviceId([1; 32]);
    const STRANGER: DeviceId = DeviceId([2; 32]);

    fn registers(doors: &Doorkeeper, stream: u64) -> bool {
        let word = Request::Register {
            inbox: [3; 32],
            period: 1,
            readers: BoundedVec::truncated(vec![ReaderId([4; 16])]),
            queues: BoundedVec::truncated(Vec::new()),
            owners: BoundedVec::default(),
            admission: Admission::Open {},
            signature: [0; 64],
        };
        doors.refuses(stream, &Numbered { number: 7, word }).is_none()
    }

    #[test]
    fn only_friends_open_inboxes_and_everybody_may_ask_for_the_rest() {
        let mut doors = Doorkeeper::new(Door::Known);
        doors.known = BTreeSet::from([FRIEND]);
        doors.opened(1, FRIEND);
        doors.opened(2, STRANGER);
        assert!(registers(&doors, 1));
        assert!(!registers(&doors, 2), "a stranger does not");
        assert!(!registers(&doors, 3), "nor a stream that nobody opened");
        let info = Numbered { number: 1, word: Request::Info {} };
        assert!(
            doors.refuses(2, &info).is_none(),
            "what a stranger was given a key for is checked by the service"
        );
        doors.known.clear();
        assert!(!registers(&doors, 1), "who is no friend any more does not renew");
        doors.door = Door::Anybody;
        assert!(registers(&doors, 2));
    }
}
