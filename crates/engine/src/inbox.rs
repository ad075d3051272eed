//! Takes the payloads of other devices once and in order.
//!
//! ```text
//!  payload ──▶ at or below `taken`? ──yes──▶ Again (the receipt goes again)
//!                 │no
//!                 ▼
//!          its predecessor taken, or nothing kept below it? ──yes──▶ Taken, and what it was blocking
//!                 │no
//!                 ▼
//!               Held on disk until the gap is filled; Full beyond the limit
//! ```
//!
//! Not here: opening envelopes (`sessions`), or what the contents mean (`arrivals`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::payload::Payload;
use kith_proto::payload::Position;
use kith_proto::payload::Receipt;

use crate::core::Core;
use crate::output::Output;
use crate::peers::Peers;
use crate::rows;
use crate::timer::TimerKey;

/// The incoming channels of all devices.
#[derive(Default)]
pub(crate) struct Inbox {
    held: BTreeMap<DeviceId, BTreeMap<Position, (Payload, usize)>>,
    owed: BTreeSet<DeviceId>,
    /// Devices of which something lies in mailboxes because too much waited when it was fetched.
    pub(crate) left_alone: BTreeSet<DeviceId>,
}

/// What became of a payload.
#[derive(Debug, PartialEq)]
pub(crate) enum Taken {
    /// These are next, in this order.
    Now(Vec<Payload>),
    /// It was taken before.
    Again,
    /// It waits for something before it.
    Held,
    /// Too much waits already; the sender has to send it again.
    Full,
}

impl Inbox {
    /// Takes a held payload as it was stored.
    pub(crate) fn restore(&mut self, device: DeviceId, payload: Payload) {
        let size = payload.to_bytes().len();
        self.held.entry(device).or_default().insert(payload.position, (payload, size));
    }

    /// Takes a payload with a position from a device's channel. Unless it `may_hold`, one that is not next is `Full`.
    pub(crate) fn take(
        &mut self,
        core: &mut Core,
        peers: &mut Peers,
        out: &mut Output,
        device: &DeviceId,
        payload: Payload,
        may_hold: bool,
    ) -> Taken {
        let Some(taken) = peers.get(device).map(|row| row.taken) else { return Taken::Full };
        if payload.position <= taken {
            core.stats.duplicate_payloads += 1;
            self.owe(core, device);
            return Taken::Again;
        }
        // The sender keeps nothing below its floor: whatever is missing there will never come.
        let mut settled = taken.max(payload.floor.saturating_sub(1));
        let arrived = payload.position;
        let held = self.held.entry(*device).or_default();
        let mut size = held.get(&arrived).map_or(0, |(_, size)| *size);
        if payload.previous > settled && !held.contains_key(&arrived) {
            size = payload.to_bytes().len();
            let bytes: usize = held.values().map(|(_, size)| size).sum();
            let room = held.len() < core.config.held_items && bytes + size <= core.config.held_bytes;
            if !may_hold || !room {
                return Taken::Full;
            }
        }
        held.insert(arrived, (payload, size));
        let mut next = Vec::new();
        while let Some(entry) = held.first_entry() {
            if entry.get().0.previous > settled && *entry.key() > settled {
                break;
            }
            let (payload, _) = entry.remove();
            settled = settled.max(payload.position);
            if payload.position != arrived {
                out.delete(rows::HELD, &rows::place_key(device, payload.position));
            }
            next.push(payload);
        }
        if let Some((payload, _)) = held.get(&arrived) {
            core.stats.held += 1;
            out.put(rows::HELD, &rows::place_key(device, arrived), payload.to_bytes());
        } else if held.is_empty() {
            self.held.remove(device);
        }
        if next.is_empty() {
            return Taken::Held;
        }
        peers.update(device, out, |row| row.taken = settled);
        self.owe(core, device);
        Taken::Now(next)
    }

    /// Notes that a receipt goes to a device at the end of this batch.
    pub(crate) fn owe(&mut self, core: &mut Core, device: &DeviceId) {
        self.owed.insert(*device);
        core.timers.set_earlier(TimerKey::Receipts, core.now);
    }

    /// The devices that are owed a receipt.
    pub(crate) fn take_owed(&mut self) -> BTreeSet<DeviceId> {
        std::mem::take(&mut self.owed)
    }

    /// The receipt for a device as of now.
    pub(crate) fn receipt(peers: &Peers, device: &DeviceId) -> Receipt {
        peers
            .get(device)
            .map_or(Receipt::default(), |row| Receipt { delivered: row.taken, read: row.read_here })
    }

    /// Forgets a device.
    pub(crate) fn drop_device(&mut self, out: &mut Output, device: &DeviceId) {
        self.owed.remove(device);
        self.left_alone.remove(device);
        for position in self.held.remove(device).unwrap_or_default().into_keys() {
            out.delete(rows::HELD, &rows::place_key(device, position));
        }
    }
}
