//! What stands behind the choice of own mailboxes beside community nodes: what the owner said, and which contacts' devices
//! offer themselves.
//!
//! ```text
//!              AddMailbox              RemoveMailbox
//!  automatic ─────────────▶ wanted ◀───────────────▶ unwanted
//!      └────────────────────RemoveMailbox────────────────▲
//! ```
//!
//! *Wanted* ones are kept whatever happens, *unwanted* ones are never used again by themselves. Not here: the mailboxes in
//! use (`mailboxes`), what follows from a choice (`choosing`).

use std::collections::BTreeMap;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

use crate::output::Output;
use crate::rows;
use crate::rows::ChoiceRow;
use crate::rows::Voucher;

/// Choices that are remembered: more than anybody makes by hand.
const MAX_CHOICES: usize = 64;

/// Offers that are remembered. Only those of contacts are looked at, and few are needed.
const MAX_OFFERS: usize = 64;

/// Choices and offers.
#[derive(Default)]
pub(crate) struct Choices {
    said: BTreeMap<DeviceId, ChoiceRow>,
    offers: BTreeMap<DeviceId, Vec<Multiaddress>>,
}

impl Choices {
    /// Takes a choice as it was stored.
    pub(crate) fn restore(&mut self, device: DeviceId, row: ChoiceRow) {
        self.said.insert(device, row);
    }

    /// The owner wants a mailbox, or (`None`) does not. Returns whether there was room to note it.
    pub(crate) fn say(
        &mut self,
        now: Timestamp,
        out: &mut Output,
        device: DeviceId,
        wanted: Option<(Multiaddress, Option<Voucher>)>,
    ) -> bool {
        if self.said.len() >= MAX_CHOICES && !self.said.contains_key(&device) {
            // What is not wanted is forgotten before anything that is.
            let unwanted = self.said.iter().filter(|(_, row)| row.wanted.is_none());
            let Some(oldest) = unwanted.min_by_key(|(_, row)| row.since).map(|(device, _)| *device) else {
                return false;
            };
            self.forget(out, &oldest);
        }
        let (wanted, voucher) = wanted.unzip();
        let before = || self.said.get(&device).and_then(|row| row.voucher.clone());
        let voucher = if wanted.is_some() { voucher.flatten().or_else(before) } else { None };
        let row = ChoiceRow { wanted, since: now, voucher };
        out.put(rows::MAILBOX_CHOICES, &device.0, row.to_bytes());
        self.said.insert(device, row);
        true
    }

    /// The owner's word about a mailbox does not count any more.
    pub(crate) fn forget(&mut self, out: &mut Output, device: &DeviceId) {
        if self.said.remove(device).is_some() {
            out.delete(rows::MAILBOX_CHOICES, &device.0);
        }
    }

    /// Whether the owner wants a mailbox.
    pub(crate) fn is_wanted(&self, device: &DeviceId) -> bool {
        self.said.get(device).is_some_and(|row| row.wanted.is_some())
    }

    /// What the owner was given so that a mailbox lets this device in.
    pub(crate) fn voucher(&self, device: &DeviceId) -> Option<&Voucher> {
        self.said.get(device)?.voucher.as_ref()
    }

    /// Whether the owner does not want a mailbox.
    pub(crate) fn is_unwanted(&self, device: &DeviceId) -> bool {
        self.said.get(device).is_some_and(|row| row.wanted.is_none())
    }

    /// The mailboxes that the owner wants.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = DeviceAddress> {
        self.said.iter().filter_map(|(device, row)| {
            row.wanted.clone().map(|address| DeviceAddress { device: *device, address })
        })
    }

    /// A connected device offers to be a mailbox.
    /// Those of friends stay when there are too many.
    pub(crate) fn offered(
        &mut self,
        device: DeviceId,
        addresses: Vec<Multiaddress>,
        of_friend: impl Fn(&DeviceId) -> bool,
    ) {
        if self.offers.len() >= MAX_OFFERS && !self.offers.contains_key(&device) {
            let other = self.offers.keys().find(|other| !of_friend(other)).copied();
            let Some(other) = other.filter(|_| of_friend(&device)) else { return };
            self.offers.remove(&other);
        }
        self.offers.insert(device, addresses);
    }

    /// A device does not offer that any more.
    pub(crate) fn withdrawn(&mut self, device: &DeviceId) {
        self.offers.remove(device);
    }

    /// All offers, with the addresses at which anybody reaches the device, if there are any.
    pub(crate) fn offers(&self) -> impl Iterator<Item = (&DeviceId, &[Multiaddress])> {
        self.offers.iter().map(|(device, addresses)| (device, addresses.as_slice()))
    }
}
