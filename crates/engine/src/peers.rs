//! The devices of contacts: whose they are, where they are, and how far the two channels with each are.
//!
//! Outbox, inbox and presence read and change these rows through [`Peers::update`]; the rules are theirs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::address::MAX_ADDRESSES;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;

use crate::output::Output;
use crate::rows;
use crate::rows::PeerRow;

/// All devices of all contacts.
#[derive(Default)]
pub(crate) struct Peers {
    by_device: BTreeMap<DeviceId, PeerRow>,
    by_contact: BTreeMap<ContactId, BTreeSet<DeviceId>>,
}

impl Peers {
    /// Takes a row as it was stored.
    pub(crate) fn restore(&mut self, device: DeviceId, row: PeerRow) {
        self.by_contact.entry(row.contact).or_default().insert(device);
        self.by_device.insert(device, row);
    }

    /// Adds a device of a contact; keeps what is known of it.
    pub(crate) fn add(&mut self, device: DeviceId, contact: ContactId, out: &mut Output) {
        if self.by_device.contains_key(&device) {
            return;
        }
        let row = PeerRow {
            contact,
            addresses: BoundedVec::default(),
            last_position: 0,
            sent: 0,
            delivered: 0,
            read: 0,
            taken: 0,
            read_here: 0,
            told: [0; 8],
            handed: 0,
        };
        out.put(rows::PEERS, &device.0, row.to_bytes());
        self.restore(device, row);
    }

    /// Changes a row and writes it if it is another.
    pub(crate) fn update(&mut self, device: &DeviceId, out: &mut Output, change: impl FnOnce(&mut PeerRow)) {
        let Some(row) = self.by_device.get_mut(device) else { return };
        let before = row.clone();
        change(row);
        if *row != before {
            out.put(rows::PEERS, &device.0, row.to_bytes());
        }
    }

    /// Puts an address first in the list of a device.
    pub(crate) fn remember_address(&mut self, device: &DeviceId, address: &Multiaddress, out: &mut Output) {
        self.update(device, out, |row| {
            let mut list = vec![address.clone()];
            list.extend(row.addresses.iter().filter(|other| *other != address).cloned());
            list.truncate(MAX_ADDRESSES);
            row.addresses = BoundedVec::truncated(list);
        });
    }

    /// Puts addresses that the device itself told before those that were known, keeping their order.
    pub(crate) fn learn_addresses(&mut self, device: &DeviceId, told: &[Multiaddress], out: &mut Output) {
        for address in told.iter().rev() {
            self.remember_address(device, address, out);
        }
    }

    /// Forgets a device.
    pub(crate) fn remove(&mut self, device: &DeviceId, out: &mut Output) {
        if let Some(row) = self.by_device.remove(device) {
            out.delete(rows::PEERS, &device.0);
            if let Some(devices) = self.by_contact.get_mut(&row.contact) {
                devices.remove(device);
            }
        }
    }

    /// The row of a device.
    pub(crate) fn get(&self, device: &DeviceId) -> Option<&PeerRow> {
        self.by_device.get(device)
    }

    /// Whose device this is.
    pub(crate) fn contact_of(&self, device: &DeviceId) -> Option<ContactId> {
        self.by_device.get(device).map(|row| row.contact)
    }

    /// The devices of a contact, in order.
    pub(crate) fn devices_of(&self, contact: &ContactId) -> Vec<DeviceId> {
        self.by_contact.get(contact).map(|devices| devices.iter().copied().collect()).unwrap_or_default()
    }

    /// All devices.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&DeviceId, &PeerRow)> {
        self.by_device.iter()
    }
}
