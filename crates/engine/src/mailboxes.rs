//! The own mailboxes: which they are, the secrets behind inboxes and queues, and what was found in them.
//!
//! Three mailboxes are used at once. Every contact's device is told where they are and a secret of its own; from it both
//! ends derive the queue of each mailbox and period. Not here: streams (`askers`), the conversation (`mail`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_crypto::secret::Secret32;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::InviteId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Sequence;
use kith_proto::mailbox::WorkBits;
use kith_proto::payload::MAX_PLACES;
use kith_proto::time::Timestamp;

use crate::output::Output;
use crate::rows;
use crate::rows::MailboxRow;

/// How many mailboxes are used: with two of three reachable nothing is missed (`DESIGN.md`).
pub(crate) const WANTED: usize = 3;

/// Names of envelopes that were found, so that copies in other mailboxes are not fetched: a backlog and a day.
const REMEMBERED: usize = 16_384;

/// Whose queue it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A device of a contact.
    Device(DeviceId),
    /// Whoever holds an invite.
    Invite(InviteId),
}

/// A mailbox that this device uses or wants to use.
pub(crate) struct Own {
    /// Where it answers.
    pub(crate) address: Multiaddress,
    /// Whether it has opened an inbox, now or before a restart.
    pub(crate) accepted: bool,
    /// When the inbox of the period before was read to its end.
    pub(crate) drained: Option<Timestamp>,
    /// Work that it asks for before it opens an inbox.
    pub(crate) work: Option<Work>,
    /// Since when contacts know of it.
    pub(crate) since: Option<Timestamp>,
    /// It was asked for an inbox and said no.
    pub(crate) refused: bool,
    /// It takes nothing any more.
    pub(crate) closing: bool,
    /// When something was last left there, by its clock.
    pub(crate) left_at: Option<Timestamp>,
    /// When it was last read to the end.
    pub(crate) read_at: Option<Timestamp>,
    /// How much room it said that there is.
    pub(crate) quota_left: Option<u64>,
}

/// One inbox that is being read, as long as its stream is open.
#[derive(Default)]
pub(crate) struct Reading {
    /// Whose queue is which.
    pub(crate) queues: BTreeMap<QueueId, Owner>,
    /// Queues that the mailbox was told of, and whether they are open.
    pub(crate) registered: BTreeMap<QueueId, bool>,
    /// Envelopes to fetch.
    pub(crate) to_fetch: VecDeque<(Sequence, QueueId, EnvelopeId)>,
    /// Envelopes that are being fetched.
    pub(crate) fetching: BTreeMap<Sequence, QueueId>,
    /// Envelopes that are safe here.
    pub(crate) to_delete: Vec<Sequence>,
    /// Whether the mailbox was asked to list what is there.
    pub(crate) subscribed: bool,
    /// Whether everything that was there has been listed.
    pub(crate) caught_up: bool,
}

/// Work under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// For which period's inbox.
    pub(crate) period: u32,
    /// What the mailbox drew.
    pub(crate) challenge: [u8; 32],
    /// How hard it is.
    pub(crate) bits: WorkBits,
    /// The next number to try.
    pub(crate) next: u64,
}

/// The own mailboxes.
pub(crate) struct Mailboxes {
    seed: Secret32,
    own: BTreeMap<DeviceId, Own>,
    readings: BTreeMap<(DeviceId, u32), Reading>,
    /// Those that would not have us.
    unwilling: BTreeSet<DeviceId>,
    /// When the list was changed last, in milliseconds.
    pub(crate) version: u64,
    found: BTreeSet<EnvelopeId>,
    found_in_order: VecDeque<EnvelopeId>,
}

impl Mailboxes {
    /// No mailboxes yet.
    pub(crate) fn new(seed: Secret32) -> Self {
        Self {
            seed,
            own: BTreeMap::new(),
            readings: BTreeMap::new(),
            unwilling: BTreeSet::new(),
            version: 0,
            found: BTreeSet::new(),
            found_in_order: VecDeque::new(),
        }
    }

    /// What inboxes are derived from.
    pub(crate) fn seed(&self) -> &Secret32 {
        &self.seed
    }

    /// Takes a mailbox as it was stored.
    pub(crate) fn restore(&mut self, device: DeviceId, row: MailboxRow) {
        self.version = self.version.max(row.since.0);
        let own = Own { since: Some(row.since), ..Own::new(row.address, true) };
        self.own.insert(device, own);
    }

    /// The owner wants this mailbox: it is tried, whatever it said before.
    pub(crate) fn begin(&mut self, node: &DeviceAddress) {
        self.unwilling.remove(&node.device);
        let own = self.own.entry(node.device).or_insert_with(|| Own::new(node.address.clone(), false));
        own.refused = false;
    }

    /// A node that may serve as a mailbox. Returns whether it is to be tried.
    pub(crate) fn candidate(&mut self, node: &DeviceAddress) -> bool {
        if self.own.len() >= WANTED
            || self.own.contains_key(&node.device)
            || self.unwilling.contains(&node.device)
        {
            return false;
        }
        self.own.insert(node.device, Own::new(node.address.clone(), false));
        true
    }

    /// Whether a node is none of ours and has not refused.
    pub(crate) fn may_ask(&self, device: &DeviceId) -> bool {
        !self.own.contains_key(device) && !self.unwilling.contains(device)
    }

    /// A mailbox opened an inbox. Returns whether that is new: then contacts have to hear of it.
    pub(crate) fn accepted(&mut self, now: Timestamp, out: &mut Output, device: &DeviceId) -> bool {
        let Some(own) = self.own.get_mut(device) else { return false };
        if std::mem::replace(&mut own.accepted, true) {
            return false;
        }
        self.version = now.0.max(self.version + 1);
        own.since = Some(Timestamp(self.version));
        own.refused = false;
        let row = MailboxRow { address: own.address.clone(), since: Timestamp(self.version) };
        out.put(rows::MAILBOXES, &device.0, row.to_bytes());
        true
    }

    /// A mailbox will not have us, or is given up. Returns whether contacts knew it.
    pub(crate) fn give_up(&mut self, now: Timestamp, out: &mut Output, device: &DeviceId) -> bool {
        self.unwilling.insert(*device);
        let Some(own) = self.own.remove(device) else { return false };
        if own.accepted {
            self.version = now.0.max(self.version + 1);
            out.delete(rows::MAILBOXES, &device.0);
        }
        own.accepted
    }

    /// A mailbox of ours.
    pub(crate) fn get(&self, device: &DeviceId) -> Option<&Own> {
        self.own.get(device)
    }

    /// A mailbox of ours, to be changed.
    pub(crate) fn get_mut(&mut self, device: &DeviceId) -> Option<&mut Own> {
        self.own.get_mut(device)
    }

    /// All mailboxes that we use or try.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&DeviceId, &Own)> {
        self.own.iter()
    }

    /// What contacts are told.
    pub(crate) fn places(&self) -> BoundedVec<DeviceAddress, MAX_PLACES> {
        let told = self.own.iter().filter(|(_, own)| own.accepted);
        let place = |(device, own): (&DeviceId, &Own)| DeviceAddress {
            device: *device,
            address: own.address.clone(),
        };
        BoundedVec::truncated(told.map(place).collect())
    }

    /// The reading of an inbox.
    pub(crate) fn reading(&mut self, mailbox: &DeviceId, period: u32) -> &mut Reading {
        self.readings.entry((*mailbox, period)).or_default()
    }

    /// An inbox is not read any more.
    pub(crate) fn stop_reading(&mut self, mailbox: &DeviceId, period: u32) {
        self.readings.remove(&(*mailbox, period));
    }

    /// Whether an envelope was found before.
    pub(crate) fn was_found(&self, envelope: &EnvelopeId) -> bool {
        self.found.contains(envelope)
    }

    /// Notes that an envelope was found.
    pub(crate) fn note_found(&mut self, envelope: EnvelopeId) {
        if self.found.insert(envelope) {
            self.found_in_order.push_back(envelope);
        }
        if self.found_in_order.len() > REMEMBERED
            && let Some(oldest) = self.found_in_order.pop_front()
        {
            self.found.remove(&oldest);
        }
    }
}

impl Own {
    fn new(address: Multiaddress, accepted: bool) -> Self {
        Self {
            address,
            accepted,
            drained: None,
            work: None,
            since: None,
            refused: false,
            closing: false,
            left_at: None,
            read_at: None,
            quota_left: None,
        }
    }
}
