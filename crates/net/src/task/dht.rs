//! The task's part in the DHT: records in, records out, the routing table, and the bootstrap nodes that lead to it.

use std::sync::atomic::Ordering;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::record::Record;
use libp2p::PeerId;
use libp2p::identify;
use libp2p::kad;
use libp2p::kad::store::RecordStore as _;
use libp2p::swarm::dial_opts::DialOpts;
use tokio::time::Instant;

use super::Bootstrap;
use super::MAX_UNPUBLISHED;
use super::RECORDS_PER_PEER;
use super::RETRY_TICKS;
use super::Task;
use super::now_millis;
use crate::address;
use crate::behaviour;
use crate::config::Role;
use crate::event::NetEvent;
use crate::records;
use crate::stats;

/// Addresses of one bootstrap node.
const MAX_BOOTSTRAP_ADDRESSES: usize = 8;

/// Addresses that are taken over from what a peer says of itself.
const MAX_IDENTIFY_ADDRESSES: usize = 8;

impl Task {
    pub(super) fn has_bootstrap(&self) -> bool {
        self.bootstraps.values().any(|node| node.connected)
    }

    pub(super) fn add_bootstrap(&mut self, node: &DeviceAddress) {
        let (Some(peer), Some(address)) = (address::peer_of(&node.device), address::to_libp2p(&node.address))
        else {
            return;
        };
        let pause = self.config.limits.bootstrap_pause;
        let connected = self.alive.contains_key(&peer);
        let new = Bootstrap { addresses: Vec::new(), pause, next_dial: Instant::now() + pause, connected };
        let known = self.bootstraps.entry(peer).or_insert(new);
        if !known.addresses.contains(&address) && known.addresses.len() < MAX_BOOTSTRAP_ADDRESSES {
            known.addresses.push(address.clone());
            self.swarm.behaviour_mut().kad.add_address(&peer, address);
        }
        self.update_kept();
        if connected {
            self.bootstrap_is_up(peer, None);
        } else {
            self.dial_bootstrap(peer);
        }
    }

    pub(super) fn remove_bootstrap(&mut self, node: &DeviceAddress) {
        let (Some(peer), Some(address)) = (address::peer_of(&node.device), address::to_libp2p(&node.address))
        else {
            return;
        };
        let Some(known) = self.bootstraps.get_mut(&peer) else { return };
        known.addresses.retain(|other| *other != address);
        self.swarm.behaviour_mut().kad.remove_address(&peer, &address);
        if known.addresses.is_empty() {
            let was_up = known.connected;
            self.bootstraps.remove(&peer);
            self.swarm.behaviour_mut().kad.remove_peer(&peer);
            self.update_kept();
            self.facts.change().nodes.remove(&node.device);
            if was_up {
                self.tell(NetEvent::BootstrapLost { device: node.device });
            }
        }
    }

    pub(super) fn dial_bootstrap(&mut self, peer: PeerId) {
        let Some(node) = self.bootstraps.get(&peer) else { return };
        let options = DialOpts::peer_id(peer)
            .condition(self.unless_connected(&peer))
            .addresses(node.addresses.clone())
            .build();
        let _ = self.swarm.dial(options);
    }

    /// A bootstrap node is connected, at `reached` if we dialled it.
    pub(super) fn bootstrap_is_up(&mut self, peer: PeerId, reached: Option<&Multiaddress>) {
        let pause = self.config.limits.bootstrap_pause;
        let Some(node) = self.bootstraps.get_mut(&peer) else { return };
        node.connected = true;
        node.pause = pause;
        let address = reached.cloned().or_else(|| node.addresses.first().and_then(address::from_libp2p));
        if let Some((device, address)) = address::device_of(&peer).zip(address) {
            self.tell(NetEvent::BootstrapConnected { node: DeviceAddress { device, address } });
        }
        // More nodes than the one we know; there may be none, then the query just ends.
        let _ = self.swarm.behaviour_mut().kad.bootstrap();
        self.publish_waiting();
    }

    pub(super) fn publish_waiting(&mut self) {
        for record in std::mem::take(&mut self.unpublished).into_values() {
            let stored = records::to_libp2p(&record);
            // The own store would keep it for others too, but a client serves none; only the servers matter.
            if self.swarm.behaviour_mut().kad.put_record(stored, kad::Quorum::One).is_err() {
                self.unpublished.insert(record.key(), record);
            }
        }
    }

    pub(super) fn on_kad(&mut self, event: kad::Event) {
        match event {
            kad::Event::InboundRequest {
                request: kad::InboundRequest::PutRecord { source, record: Some(record), .. },
            } => match records::read(&record, now_millis()) {
                Ok(read) if self.may_bring(source, &read) && self.store_record(&read) => {
                    stats::count(&self.counters.records_stored);
                    self.tell(NetEvent::Stored { record: read });
                }
                Ok(_) | Err(records::BadRecord::Old) => {}
                Err(_) => {
                    stats::count(&self.counters.records_refused);
                    if let Some(device) = address::device_of(&source) {
                        self.misbehaved(device);
                    }
                }
            },
            kad::Event::InboundRequest { request: kad::InboundRequest::GetRecord { .. } } => {
                stats::count(&self.counters.look_ups_served);
            }
            kad::Event::OutboundQueryProgressed { id, result, step, .. } => {
                self.on_query(id, result, step.last);
            }
            _ => {}
        }
    }

    /// Whether a peer may bring this record: renewals always, new ones so many between two sweeps.
    fn may_bring(&mut self, source: PeerId, record: &Record) -> bool {
        let key = records::key_text(&record.key());
        if self.swarm.behaviour_mut().kad.store_mut().get(&key).is_some() {
            return true;
        }
        let brought = self.brought.entry(source).or_default();
        *brought += 1;
        *brought <= RECORDS_PER_PEER
    }

    /// Stores a record that was checked, unless a newer one is there. Returns whether it is stored now.
    pub(super) fn store_record(&mut self, record: &Record) -> bool {
        let now = now_millis();
        let stored = records::to_libp2p(record);
        let store = self.swarm.behaviour_mut().kad.store_mut();
        // What is stored was checked when it came: its signature need not be checked for each renewal.
        let held = store.get(&stored.key);
        let is_new = held.is_none();
        let old = held.and_then(|old| records::unexpired(&old, now));
        if is_new && self.counters.records.load(Ordering::Relaxed) >= self.config.limits.records as u64 {
            return false;
        }
        let is_stored = old.is_none_or(|old| records::replaces(record, &old)) && store.put(stored).is_ok();
        if is_stored && is_new {
            stats::count(&self.counters.records);
        }
        is_stored
    }

    pub(super) fn sweep_records(&mut self) {
        let now = now_millis();
        self.brought.clear();
        let store = self.swarm.behaviour_mut().kad.store_mut();
        let gone: Vec<_> = store
            .records()
            .filter(|record| records::unexpired(record, now).is_none())
            .map(|record| record.key.clone())
            .collect();
        for key in &gone {
            store.remove(key);
        }
        let left = store.records().count();
        stats::set(&self.counters.records, left);
        if !gone.is_empty() {
            self.tell(NetEvent::Expired { keys: gone.iter().filter_map(records::key_of).collect() });
        }
    }

    pub(super) fn on_query(&mut self, id: kad::QueryId, result: kad::QueryResult, last: bool) {
        match result {
            kad::QueryResult::GetRecord(result) => self.on_look_up(id, result, last),
            kad::QueryResult::PutRecord(Ok(_)) => self.note_published(true),
            kad::QueryResult::PutRecord(Err(error)) => {
                self.note_published(false);
                // The own store has it; nobody else does yet.
                let store = self.swarm.behaviour_mut().kad.store_mut();
                let kept =
                    store.get(error.key()).and_then(|record| records::read(&record, now_millis()).ok());
                if let Some(record) = kept.filter(|_| self.unpublished.len() < MAX_UNPUBLISHED) {
                    self.unpublished.insert(record.key(), record);
                }
                self.retry_at = self.ticks + RETRY_TICKS;
            }
            _ => {}
        }
    }

    pub(super) fn on_look_up(&mut self, id: kad::QueryId, result: kad::GetRecordResult, last: bool) {
        if let Ok(kad::GetRecordOk::FoundRecord(found)) = result {
            match (records::read(&found.record, now_millis()), self.look_ups.get_mut(&id)) {
                (Ok(record), Some(look_up)) if look_up.best.is_none_or(|best| record.sequence > best) => {
                    look_up.best = Some(record.sequence);
                    let key = look_up.key;
                    self.note_found();
                    self.tell(NetEvent::Found { key, record });
                }
                (Err(_), _) => {
                    stats::count(&self.counters.records_refused);
                    if let Some(device) = found.peer.and_then(|peer| address::device_of(&peer)) {
                        self.misbehaved(device);
                    }
                }
                _ => {}
            }
        }
        if last && let Some(look_up) = self.look_ups.remove(&id) {
            self.note_looked_up();
            self.tell(NetEvent::LookUpDone { key: look_up.key });
        }
    }

    /// Notes what a peer does for others, and takes a DHT server into the routing table. libp2p learns listen addresses only from here.
    pub(super) fn identified(&mut self, peer: PeerId, info: &identify::Info) {
        self.offers_relay(peer, behaviour::relays(&info.protocols));
        if !behaviour::serves_dht(&info.protocols) {
            return;
        }
        // A community node tells others what browsers dial; a person's device has no use for it.
        let is_user = self.config.role == Role::User;
        let direct = info.listen_addrs.iter().filter(|address| {
            !(address::is_relayed(address) || is_user && address::is_for_browsers(address))
        });
        for address in direct.take(MAX_IDENTIFY_ADDRESSES) {
            self.swarm.behaviour_mut().kad.add_address(&peer, address.clone());
        }
        self.tell_peers();
    }
}
