//! The task's part in the DHT: records in, records out, the routing table, and the bootstrap nodes that lead to it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::record::Record;
use libp2p::PeerId;
use libp2p::identify;
use libp2p::kad;
use libp2p::kad::store::MemoryStore;
use libp2p::kad::store::RecordStore as _;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::DialOpts;
use tokio::time::Instant;

use super::Bootstrap;
use super::MAX_UNPUBLISHED;
use super::RETRY_TICKS;
use super::RETRY_TICKS_MAX;
use super::Task;
use super::now_millis;
use super::retry::Retry;
use crate::address;
use crate::behaviour;
use crate::config::Role;
use crate::event::NetEvent;
use crate::network::Network;
use crate::network::networks_of;
use crate::places;
use crate::places::Verdict;
use crate::records;
use crate::stats;

/// Addresses of one bootstrap node.
const MAX_BOOTSTRAP_ADDRESSES: usize = 8;

/// Addresses that are taken over from what a peer says of itself.
const MAX_IDENTIFY_ADDRESSES: usize = 8;

/// Nodes that must have a record of ours before it counts as stored, unless fewer answer: one may be full, or lie.
const ENOUGH: usize = 2;

/// Everybody in the routing table.
fn in_table(kad: &mut kad::Behaviour<MemoryStore>) -> BTreeSet<PeerId> {
    let mut all = BTreeSet::new();
    for bucket in kad.kbuckets() {
        all.extend(bucket.iter().map(|entry| *entry.node.key.preimage()));
    }
    all
}

/// A look at who has a record of ours. A node that has no room says “stored” all the same: libp2p answers before anybody
/// has looked at the record.
pub(super) struct Check {
    record: Record,
    have: BTreeSet<PeerId>,
}

impl Task {
    pub(super) fn has_bootstrap(&self) -> bool {
        self.bootstraps.values().any(|node| node.retry.is_up())
    }

    pub(super) fn add_bootstrap(&mut self, node: &DeviceAddress) {
        let (Some(peer), Some(address)) = (address::peer_of(&node.device), address::to_libp2p(&node.address))
        else {
            return;
        };
        let pause = self.config.limits.bootstrap_pause;
        let connected = self.alive.contains_key(&peer);
        let mut retry = Retry::new(pause, Instant::now());
        if connected {
            retry.up(Instant::now());
        }
        let new = Bootstrap { addresses: Vec::new(), retry };
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
            let was_up = known.retry.is_up();
            self.bootstraps.remove(&peer);
            self.swarm.behaviour_mut().kad.remove_peer(&peer);
            self.places.give_up(&peer);
            self.update_kept();
            self.count_lenders();
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
        let Some(node) = self.bootstraps.get_mut(&peer) else { return };
        node.retry.up(Instant::now());
        let address = reached.cloned().or_else(|| node.addresses.first().and_then(address::from_libp2p));
        self.count_lenders();
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
                request: kad::InboundRequest::PutRecord { source, connection, record: Some(record) },
            } => match records::read(&record, now_millis()) {
                Ok(read) => self.on_brought((source, connection), read),
                Err(records::BadRecord::Old) => {}
                // A clock that is wrong is nobody's fault.
                Err(records::BadRecord::Expiry) => stats::count(&self.counters.records_refused),
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
            kad::Event::OutboundQueryProgressed { id, result, step, stats } => {
                let ended = step.last.then(|| stats.num_successes());
                self.on_query(id, result, ended);
            }
            kad::Event::RoutingUpdated { old_peer: Some(old), .. } => self.places.give_up(&old),
            _ => {}
        }
    }

    /// A peer brought a valid record. Renewals are always welcome, new ones so many from one network.
    fn on_brought(&mut self, from: (PeerId, ConnectionId), record: Record) {
        let key = records::key_text(&record.key());
        let is_new = self.swarm.behaviour_mut().kad.store_mut().get(&key).is_none();
        let networks = self.networks_of_peer(from);
        if is_new && !self.held.may_bring(from.0, networks) {
            stats::count(&self.counters.records_over_share);
        } else if self.store_record(&record, networks.map(|[_, site]| site)) {
            stats::count(&self.counters.records_stored);
            self.tell(NetEvent::Stored { record });
        }
    }

    /// Where a peer is; not known of one behind a relay.
    fn networks_of_peer(&self, (peer, connection): (PeerId, ConnectionId)) -> Option<[Network; 2]> {
        let endpoint = &self.alive.get(&peer)?.get(&connection)?.endpoint;
        let ip = (!endpoint.is_relayed()).then(|| address::ip_of(endpoint.get_remote_address()));
        ip.flatten().map(networks_of)
    }

    /// Stores a record that was checked and came from this site, unless a newer one is there or there is no room. Returns
    /// whether it is stored now.
    pub(super) fn store_record(&mut self, record: &Record, site: Option<Network>) -> bool {
        let now = now_millis();
        let stored = records::to_libp2p(record);
        let key = stored.key.clone();
        let store = self.swarm.behaviour_mut().kad.store_mut();
        // What is stored was checked when it came: its signature need not be checked for each renewal.
        let held = store.get(&key);
        let is_new = held.is_none();
        let old = held.and_then(|old| records::unexpired(&old, now));
        if old.is_some_and(|old| !records::replaces(record, &old)) || is_new && !self.make_room(site) {
            return false;
        }
        let is_stored = self.swarm.behaviour_mut().kad.store_mut().put(stored).is_ok();
        if is_stored {
            self.held.put(&key, site);
            if is_new {
                stats::count(&self.counters.records);
            }
        }
        is_stored
    }

    /// Whether there is room for one more record from this site, if need be because another makes some.
    fn make_room(&mut self, site: Option<Network>) -> bool {
        if self.counters.records.load(Ordering::Relaxed) < self.config.limits.records as u64 {
            return true;
        }
        let Some(gone) = self.held.gives_way(site) else {
            stats::count(&self.counters.records_no_room);
            return false;
        };
        self.held.remove(&gone);
        self.swarm.behaviour_mut().kad.store_mut().remove(&gone);
        stats::discount(&self.counters.records);
        stats::count(&self.counters.records_gave_way);
        if let Some(key) = records::key_of(&gone) {
            self.tell(NetEvent::Expired { keys: vec![key] });
        }
        true
    }

    pub(super) fn sweep_records(&mut self) {
        let now = now_millis();
        self.held.sweep();
        let store = self.swarm.behaviour_mut().kad.store_mut();
        let gone: Vec<_> = store
            .records()
            .filter(|record| records::unexpired(record, now).is_none())
            .map(|record| record.key.clone())
            .collect();
        for key in &gone {
            store.remove(key);
            self.held.remove(key);
        }
        let left = store.records().count();
        stats::set(&self.counters.records, left);
        if !gone.is_empty() {
            self.tell(NetEvent::Expired { keys: gone.iter().filter_map(records::key_of).collect() });
        }
    }

    /// A query came further, or `ended` after so many nodes had answered.
    fn on_query(&mut self, id: kad::QueryId, result: kad::QueryResult, ended: Option<u32>) {
        match result {
            kad::QueryResult::GetRecord(result) if self.checks.contains_key(&id) => {
                self.on_check(id, result, ended);
            }
            kad::QueryResult::GetRecord(result) => self.on_look_up(id, result, ended.is_some()),
            kad::QueryResult::PutRecord(Ok(put)) => {
                if let Some(record) = self.own_record(&put.key) {
                    let query = self.swarm.behaviour_mut().kad.get_record(put.key);
                    self.checks.insert(query, Check { record, have: BTreeSet::new() });
                }
            }
            kad::QueryResult::PutRecord(Err(error)) => {
                // The own store has it; nobody else does yet.
                let record = self.own_record(error.key());
                self.not_published(record, RETRY_TICKS);
            }
            _ => {}
        }
    }

    fn own_record(&mut self, key: &kad::RecordKey) -> Option<Record> {
        let store = self.swarm.behaviour_mut().kad.store_mut();
        store.get(key).and_then(|record| records::read(&record, now_millis()).ok())
    }

    /// Somebody has a record of ours that was sent, or nobody else answers any more.
    fn on_check(&mut self, id: kad::QueryId, result: kad::GetRecordResult, ended: Option<u32>) {
        let Some(check) = self.checks.get_mut(&id) else { return };
        if let Ok(kad::GetRecordOk::FoundRecord(found)) = result
            && let Some(peer) = found.peer
            && let Ok(has) = records::read(&found.record, now_millis())
            && has.sequence >= check.record.sequence
        {
            check.have.insert(peer);
        }
        let enough = ended.map_or(ENOUGH, |answered| ENOUGH.min(answered as usize).max(1));
        let is_enough = check.have.len() >= enough;
        if !is_enough && ended.is_none() {
            return;
        }
        let check = self.checks.remove(&id);
        if is_enough {
            if let Some(mut query) = self.swarm.behaviour_mut().kad.query_mut(&id) {
                query.finish();
            }
            self.retry_pause = RETRY_TICKS;
            self.note_published(true);
        } else {
            let pause = self.retry_pause;
            self.retry_pause = (pause * 2).min(RETRY_TICKS_MAX);
            // The one of now: there may be a newer one since.
            let record = check.and_then(|check| self.own_record(&records::key_text(&check.record.key())));
            self.not_published(record, pause);
        }
    }

    /// A record of ours is not where it should be: it is sent again after a pause, unless a newer one waits.
    fn not_published(&mut self, record: Option<Record>, pause: u64) {
        self.note_published(false);
        if let Some(record) = record.filter(|_| self.unpublished.len() < MAX_UNPUBLISHED) {
            let waiting = self.unpublished.entry(record.key()).or_insert_with(|| record.clone());
            if records::replaces(&record, waiting) {
                *waiting = record;
            }
        }
        self.retry_at = self.ticks + pause;
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
                (Err(records::BadRecord::Expiry), _) => stats::count(&self.counters.records_refused),
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
    pub(super) fn identified(&mut self, peer: PeerId, connection: ConnectionId, info: &identify::Info) {
        self.offers_relay(peer, behaviour::relays(&info.protocols));
        if !behaviour::serves_dht(&info.protocols) {
            return;
        }
        let endpoint =
            self.alive.get(&peer).and_then(|alive| alive.get(&connection)).map(|one| &one.endpoint);
        let Some(endpoint) = endpoint.filter(|endpoint| !endpoint.is_relayed()) else { return };
        let site = address::ip_of(endpoint.get_remote_address()).and_then(places::site_of);
        // Who came here may say anything; who was dialled is where it was dialled.
        let is_trusted = endpoint.is_dialer() || self.bootstraps.contains_key(&peer);
        if !self.has_place(&peer, site) {
            return stats::count(&self.counters.nodes_over_share);
        }
        // A community node tells others what browsers dial; a person's device has no use for it.
        let is_user = self.config.role == Role::User;
        let told = info.listen_addrs.iter().filter(|address| {
            let is_there = site.is_none() || address::ip_of(address).and_then(places::site_of) == site;
            let is_of_use = !(address::is_relayed(address) || is_user && address::is_for_browsers(address));
            is_of_use && (is_trusted || is_there)
        });
        let kad = &mut self.swarm.behaviour_mut().kad;
        let mut is_in = false;
        for address in told.take(MAX_IDENTIFY_ADDRESSES) {
            is_in |= !matches!(kad.add_address(&peer, address.clone()), kad::RoutingUpdate::Failed);
        }
        if is_in {
            self.places.take(peer, site, || in_table(kad));
        }
        self.tell_peers();
    }

    /// Whether a node may have a place in the routing table: chosen ones always, of other sites a few in each bucket.
    fn has_place(&mut self, peer: &PeerId, site: Option<Network>) -> bool {
        let Some(site) = site.filter(|_| !self.bootstraps.contains_key(peer)) else { return true };
        let kad = &mut self.swarm.behaviour_mut().kad;
        let bucket = kad.kbucket(*peer);
        let others: Vec<PeerId> =
            bucket.iter().flat_map(|bucket| bucket.iter()).map(|entry| *entry.node.key.preimage()).collect();
        match self.places.verdict(peer, site, &others) {
            Verdict::Free => true,
            Verdict::InPlaceOf(gone) if !self.bootstraps.contains_key(&gone) => {
                kad.remove_peer(&gone);
                self.places.give_up(&gone);
                true
            }
            Verdict::InPlaceOf(_) | Verdict::Taken => false,
        }
    }
}
