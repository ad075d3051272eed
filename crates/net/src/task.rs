//! The task that owns the swarm: the only event loop of this crate. Its arms are one call each.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use futures::StreamExt as _;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::frame::Frame;
use kith_proto::id::DeviceId;
use kith_proto::id::RecordKey;
use kith_proto::record::Record;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::Stream;
use libp2p::Swarm;
use libp2p::core::transport::ListenerId;
use libp2p::identify;
use libp2p::kad;
use libp2p::kad::store::RecordStore as _;
use libp2p::mdns;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::dial_opts::PeerCondition;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;

use crate::address;
use crate::behaviour;
use crate::behaviour::Behaviour;
use crate::behaviour::BehaviourEvent;
use crate::config::NetConfig;
use crate::error::NetError;
use crate::event::NetCommand;
use crate::event::NetEvent;
use crate::pipes;
use crate::pipes::FromPipe;
use crate::pipes::ReaderConfig;
use crate::pipes::WRITER_QUEUE;
use crate::records;
use crate::stats;
use crate::stats::Counters;
use crate::streams;
use crate::streams::Slot;

/// Events that wait for the driver before the swarm is left alone.
const MAX_PENDING: usize = 1_024;

/// Frames that wait for a stream to open.
const MAX_OPENING: usize = 64;

/// Messages of the pipes that wait here.
const PIPE_QUEUE: usize = 1_024;

/// The longest pause between dials of a bootstrap node.
const BOOTSTRAP_PAUSE_MAX: Duration = Duration::from_secs(60);

/// How often small things are looked after: bootstrap dials, unpublished records.
const TICK: Duration = Duration::from_millis(100);

/// How often expired records are swept, in ticks: ten minutes.
const SWEEP_TICKS: u64 = 6_000;

/// How long a record that could not be stored waits, in ticks: five seconds.
const RETRY_TICKS: u64 = 50;

/// Addresses that are taken over from what a peer says of itself.
const MAX_IDENTIFY_ADDRESSES: usize = 8;

/// Records of ours that wait to be published.
const MAX_UNPUBLISHED: usize = 16;

pub(crate) struct Task {
    swarm: Swarm<Behaviour>,
    config: NetConfig,
    counters: Arc<Counters>,
    commands: mpsc::Receiver<NetCommand>,
    events: mpsc::Sender<NetEvent>,
    pending: VecDeque<NetEvent>,
    pipes: mpsc::Receiver<FromPipe>,
    pipe: mpsc::Sender<FromPipe>,
    listeners: HashMap<ListenerId, usize>,
    outgoing: BTreeMap<DeviceId, Outgoing>,
    next_stream: u64,
    friends: BTreeSet<DeviceId>,
    bootstraps: BTreeMap<PeerId, Bootstrap>,
    unpublished: BTreeMap<RecordKey, Record>,
    retry_at: u64,
    look_ups: HashMap<kad::QueryId, LookUp>,
    told: (u32, u32),
    ticks: u64,
}

/// The outgoing stream to a device.
enum Outgoing {
    Opening(VecDeque<Frame>),
    Open { number: u64, frames: mpsc::Sender<Frame> },
}

struct Bootstrap {
    address: Multiaddr,
    pause: Duration,
    next_dial: Instant,
    connected: bool,
}

struct LookUp {
    key: RecordKey,
    best: Option<u64>,
}

impl Task {
    pub(crate) fn new(
        mut swarm: Swarm<Behaviour>,
        config: NetConfig,
        counters: Arc<Counters>,
        commands: mpsc::Receiver<NetCommand>,
        events: mpsc::Sender<NetEvent>,
    ) -> Result<Self, NetError> {
        let (mut listeners, mut pending) = (HashMap::new(), VecDeque::new());
        for (number, listen) in config.listen.iter().enumerate() {
            let wanted = listen.remembered.iter().chain([&listen.address]);
            let mut failed = None;
            for text in wanted {
                let bad = |reason: String| NetError::BadAddress { text: text.clone(), reason };
                let address: Multiaddr =
                    text.parse().map_err(|error: libp2p::multiaddr::Error| bad(error.to_string()))?;
                match swarm.listen_on(address) {
                    Ok(id) => {
                        listeners.insert(id, number);
                        failed = None;
                        break;
                    }
                    Err(error) => failed = Some(error.to_string()),
                }
            }
            let address = listen.address.clone();
            pending.extend(failed.map(|reason| NetEvent::ListenFailed { address, reason }));
        }
        let (pipe, pipes) = mpsc::channel(PIPE_QUEUE);
        Ok(Self {
            swarm,
            config,
            counters,
            commands,
            events,
            pending,
            pipes,
            pipe,
            listeners,
            outgoing: BTreeMap::new(),
            next_stream: 0,
            friends: BTreeSet::new(),
            bootstraps: BTreeMap::new(),
            unpublished: BTreeMap::new(),
            retry_at: 0,
            look_ups: HashMap::new(),
            told: (0, 0),
            ticks: 0,
        })
    }

    /// Runs until it is stopped or the driver is gone, then closes every connection.
    pub(crate) async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let events = self.events.clone();
        loop {
            let room = self.pending.len() < MAX_PENDING;
            // An idle node has nothing to look after: no timer then.
            let busy = self.has_chores();
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                permit = events.reserve(), if !self.pending.is_empty() => match permit {
                    Ok(permit) => { if let Some(event) = self.pending.pop_front() { permit.send(event) } }
                    Err(_) => break,
                },
                command = self.commands.recv() => match command {
                    Some(command) => self.on_command(command),
                    None => break,
                },
                message = self.pipes.recv(), if room => { if let Some(message) = message { self.on_pipe(message) } }
                event = self.swarm.select_next_some(), if room => self.on_swarm(event),
                _ = tick.tick(), if busy => self.on_tick(),
            }
        }
        self.close().await;
    }

    /// Hangs up everywhere and gives the goodbyes a moment.
    async fn close(mut self) {
        self.outgoing.clear();
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let goodbye = async {
            while self.swarm.network_info().connection_counters().num_established() > 0 {
                self.swarm.select_next_some().await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(500), goodbye).await;
    }

    fn tell(&mut self, event: NetEvent) {
        self.pending.push_back(event);
    }

    fn has_chores(&self) -> bool {
        self.bootstraps.values().any(|node| !node.connected)
            || (self.has_bootstrap() && !self.unpublished.is_empty())
    }

    fn has_bootstrap(&self) -> bool {
        self.bootstraps.values().any(|node| node.connected)
    }

    fn on_tick(&mut self) {
        self.ticks += 1;
        let now = Instant::now();
        let due: Vec<PeerId> = self
            .bootstraps
            .iter_mut()
            .filter(|(_, node)| !node.connected && node.next_dial <= now)
            .map(|(peer, node)| {
                node.next_dial = now + node.pause;
                node.pause = (node.pause * 2).min(BOOTSTRAP_PAUSE_MAX);
                *peer
            })
            .collect();
        for peer in due {
            self.dial_bootstrap(peer);
        }
        if self.ticks >= self.retry_at && self.has_bootstrap() {
            self.publish_waiting();
        }
        if self.ticks.is_multiple_of(SWEEP_TICKS) {
            self.sweep_records();
        }
    }

    fn on_command(&mut self, command: NetCommand) {
        match command {
            NetCommand::Dial { device, addresses } => self.dial(device, &addresses),
            NetCommand::HangUp { device } => {
                if let Some(peer) = address::peer_of(&device) {
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
            NetCommand::Send { device, frame } => self.send(device, frame),
            NetCommand::Publish { record } => {
                if self.unpublished.len() < MAX_UNPUBLISHED {
                    self.unpublished.insert(record.key(), record);
                }
                if self.has_bootstrap() {
                    self.publish_waiting();
                }
            }
            NetCommand::LookUp { key } => {
                let query = self.swarm.behaviour_mut().kad.get_record(records::key_text(&key));
                self.look_ups.insert(query, LookUp { key, best: None });
            }
            NetCommand::AddBootstrap { node } => self.add_bootstrap(&node),
            NetCommand::RemoveBootstrap { device } => {
                if let Some(peer) = address::peer_of(&device) {
                    self.bootstraps.remove(&peer);
                    self.swarm.behaviour_mut().kad.remove_peer(&peer);
                    self.update_kept();
                }
            }
            NetCommand::KeepConnected { devices } => {
                self.friends = devices;
                let friends = self.friends.iter().filter_map(address::peer_of).collect();
                self.swarm.behaviour_mut().limits.set_friends(friends);
                self.update_kept();
            }
            NetCommand::Misbehaved { device } => self.misbehaved(device),
            NetCommand::Restore { records } => {
                for record in records {
                    self.store_record(&record);
                }
            }
        }
    }

    fn update_kept(&mut self) {
        let friends = self.friends.iter().filter_map(address::peer_of);
        let kept = friends.chain(self.bootstraps.keys().copied()).collect();
        self.swarm.behaviour_mut().streams.keep(kept);
    }

    fn misbehaved(&mut self, device: DeviceId) {
        let Some(peer) = address::peer_of(&device) else { return };
        if self.swarm.behaviour_mut().limits.misbehaved(peer) {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn dial(&mut self, device: DeviceId, addresses: &[Multiaddress]) {
        let Some(peer) = address::peer_of(&device) else { return };
        let addresses: Vec<Multiaddr> = addresses.iter().filter_map(address::to_libp2p).collect();
        let options = DialOpts::peer_id(peer)
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .addresses(addresses)
            .extend_addresses_through_behaviour()
            .build();
        if let Err(error) = self.swarm.dial(options)
            && !matches!(error, libp2p::swarm::DialError::DialPeerConditionFalse(_))
        {
            self.tell(NetEvent::DialFailed { device });
        }
    }

    fn add_bootstrap(&mut self, node: &DeviceAddress) {
        let (Some(peer), Some(address)) = (address::peer_of(&node.device), address::to_libp2p(&node.address))
        else {
            return;
        };
        let connected = self.swarm.is_connected(&peer);
        let pause = self.config.limits.bootstrap_pause;
        let next_dial = Instant::now() + pause;
        self.swarm.behaviour_mut().kad.add_address(&peer, address.clone());
        self.bootstraps.insert(peer, Bootstrap { address, pause, next_dial, connected });
        self.update_kept();
        if connected {
            self.bootstrap_is_up(peer);
        } else {
            self.dial_bootstrap(peer);
        }
    }

    fn dial_bootstrap(&mut self, peer: PeerId) {
        let Some(node) = self.bootstraps.get(&peer) else { return };
        let options = DialOpts::peer_id(peer)
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .addresses(vec![node.address.clone()])
            .build();
        let _ = self.swarm.dial(options);
    }

    fn bootstrap_is_up(&mut self, peer: PeerId) {
        let pause = self.config.limits.bootstrap_pause;
        let Some(node) = self.bootstraps.get_mut(&peer) else { return };
        node.connected = true;
        node.pause = pause;
        let known = address::device_of(&peer).zip(address::from_libp2p(&node.address));
        if let Some((device, address)) = known {
            self.tell(NetEvent::BootstrapConnected { node: DeviceAddress { device, address } });
        }
        // More nodes than the one we know; there may be none, then the query just ends.
        let _ = self.swarm.behaviour_mut().kad.bootstrap();
        self.publish_waiting();
    }

    fn publish_waiting(&mut self) {
        for record in std::mem::take(&mut self.unpublished).into_values() {
            let stored = records::to_libp2p(&record);
            // The own store would keep it for others too, but a client serves none; only the servers matter.
            if self.swarm.behaviour_mut().kad.put_record(stored, kad::Quorum::One).is_err() {
                self.unpublished.insert(record.key(), record);
            }
        }
    }

    fn send(&mut self, device: DeviceId, frame: Frame) {
        let Some(peer) = address::peer_of(&device) else { return };
        match self.outgoing.get_mut(&device) {
            Some(Outgoing::Open { frames, .. }) => {
                if frames.try_send(frame).is_err() {
                    // The peer does not read. Closing tells both sides to compare notes again.
                    stats::count(&self.counters.frames_dropped);
                    self.outgoing.remove(&device);
                    self.tell(NetEvent::StreamClosed { device });
                }
            }
            Some(Outgoing::Opening(waiting)) if waiting.len() < MAX_OPENING => waiting.push_back(frame),
            Some(Outgoing::Opening(_)) => stats::count(&self.counters.frames_dropped),
            None if self.swarm.is_connected(&peer) => {
                self.outgoing.insert(device, Outgoing::Opening(VecDeque::from([frame])));
                self.swarm.behaviour_mut().streams.open(peer);
            }
            None => stats::count(&self.counters.frames_dropped),
        }
    }

    fn on_pipe(&mut self, message: FromPipe) {
        match message {
            FromPipe::Frame { device, frame } => self.tell(NetEvent::Frame { device, frame }),
            FromPipe::Broken { device } => self.misbehaved(device),
            FromPipe::Closed { device, number } => {
                let ours = matches!(self.outgoing.get(&device), Some(Outgoing::Open { number: open, .. }) if *open == number);
                if ours {
                    self.outgoing.remove(&device);
                    self.tell(NetEvent::StreamClosed { device });
                }
            }
        }
    }

    fn on_stream(&mut self, event: streams::Event) {
        match event {
            streams::Event::Opened { peer, stream } => self.opened(peer, stream),
            streams::Event::OpenFailed { peer } => {
                let device = address::device_of(&peer);
                if let Some(device) = device.filter(|device| self.outgoing.remove(device).is_some()) {
                    self.tell(NetEvent::StreamClosed { device });
                }
            }
            streams::Event::Accepted { peer, stream, slot } => self.accepted(peer, stream, slot),
        }
    }

    fn opened(&mut self, peer: PeerId, stream: Stream) {
        let Some(device) = address::device_of(&peer) else { return };
        let Some(Outgoing::Opening(waiting)) = self.outgoing.remove(&device) else { return };
        let (frames, queue) = mpsc::channel(WRITER_QUEUE);
        for frame in waiting {
            // The queue is longer than what may wait for the stream.
            let _ = frames.try_send(frame);
        }
        self.next_stream += 1;
        let number = self.next_stream;
        self.outgoing.insert(device, Outgoing::Open { number, frames });
        let writer =
            pipes::write(stream, device, number, queue, self.pipe.clone(), Arc::clone(&self.counters));
        tokio::spawn(writer);
    }

    fn accepted(&self, peer: PeerId, stream: Stream, slot: Slot) {
        let Some(device) = address::device_of(&peer) else { return };
        let limits = &self.config.limits;
        let idle = (!self.friends.contains(&device)).then_some(limits.stranger_idle);
        let config = ReaderConfig { device, frame_timeout: limits.frame_timeout, idle };
        tokio::spawn(pipes::read(stream, config, self.pipe.clone(), Arc::clone(&self.counters), slot));
    }

    fn on_swarm(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::NewListenAddr { listener_id, address } => {
                let listener = self.listeners.get(&listener_id).copied().unwrap_or(usize::MAX);
                if let Some(address) = address::from_libp2p(&address) {
                    self.tell(NetEvent::Listening { listener, address });
                }
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => self.listener_gone(&[address]),
            SwarmEvent::ListenerClosed { addresses, .. } => self.listener_gone(&addresses),
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, num_established, .. } => {
                stats::count(&self.counters.connections);
                if num_established.get() == 1 {
                    let dialled = endpoint.is_dialer().then(|| endpoint.get_remote_address());
                    self.connected(peer_id, dialled.and_then(address::from_libp2p));
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => self.disconnected(peer_id),
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), .. } => {
                let device = address::device_of(&peer).filter(|_| !self.swarm.is_connected(&peer));
                if let Some(device) = device {
                    self.tell(NetEvent::DialFailed { device });
                }
            }
            _ => {}
        }
    }

    fn listener_gone(&mut self, addresses: &[Multiaddr]) {
        for address in addresses.iter().filter_map(address::from_libp2p) {
            self.tell(NetEvent::ListenerClosed { address });
        }
    }

    fn connected(&mut self, peer: PeerId, dialled: Option<Multiaddress>) {
        let Some(device) = address::device_of(&peer) else { return };
        self.tell(NetEvent::Connected { device, dialled });
        if self.bootstraps.contains_key(&peer) {
            self.bootstrap_is_up(peer);
        }
        self.tell_peers();
    }

    fn disconnected(&mut self, peer: PeerId) {
        let Some(device) = address::device_of(&peer) else { return };
        self.outgoing.remove(&device);
        self.tell(NetEvent::Disconnected { device });
        if let Some(node) = self.bootstraps.get_mut(&peer) {
            node.connected = false;
            node.next_dial = Instant::now() + node.pause;
            self.tell(NetEvent::BootstrapLost { device });
        }
        self.tell_peers();
    }

    fn tell_peers(&mut self) {
        let connected = u32::try_from(self.swarm.connected_peers().count()).unwrap_or(u32::MAX);
        let dht = self.swarm.behaviour_mut().kad.kbuckets().map(|bucket| bucket.num_entries()).sum::<usize>();
        let counts = (connected, u32::try_from(dht).unwrap_or(u32::MAX));
        if counts != self.told {
            self.told = counts;
            self.tell(NetEvent::Peers { connected: counts.0, dht: counts.1 });
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Streams(event) => self.on_stream(event),
            BehaviourEvent::Kad(event) => self.on_kad(event),
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                self.identified(peer_id, &info);
            }
            BehaviourEvent::Ping(ping) if ping.result.is_err() => {
                // A connection that does not answer is gone, whatever TCP thinks.
                self.swarm.close_connection(ping.connection);
            }
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => self.discovered(found),
            _ => {}
        }
    }

    fn discovered(&mut self, found: Vec<(PeerId, Multiaddr)>) {
        let mut by_device: BTreeMap<DeviceId, Vec<Multiaddress>> = BTreeMap::new();
        for (peer, address) in found {
            let (Some(device), Some(address)) = (address::device_of(&peer), address::from_libp2p(&address))
            else {
                continue;
            };
            by_device.entry(device).or_default().push(address);
        }
        for (device, addresses) in by_device {
            self.tell(NetEvent::Discovered { device, addresses });
        }
    }

    /// Takes a DHT server into the routing table. libp2p learns listen addresses only from here.
    fn identified(&mut self, peer: PeerId, info: &identify::Info) {
        if !behaviour::serves_dht(&info.protocols) {
            return;
        }
        for address in info.listen_addrs.iter().take(MAX_IDENTIFY_ADDRESSES) {
            self.swarm.behaviour_mut().kad.add_address(&peer, address.clone());
        }
        self.tell_peers();
    }

    fn on_kad(&mut self, event: kad::Event) {
        match event {
            kad::Event::InboundRequest {
                request: kad::InboundRequest::PutRecord { source, record: Some(record), .. },
            } => match records::read(&record, now_millis()) {
                Ok(read) if self.store_record(&read) => {
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
            kad::Event::OutboundQueryProgressed { id, result, step, .. } => {
                self.on_query(id, result, step.last);
            }
            _ => {}
        }
    }

    /// Stores a record that was checked, unless a newer one is there. Returns whether it is stored now.
    fn store_record(&mut self, record: &Record) -> bool {
        let now = now_millis();
        let stored = records::to_libp2p(record);
        let store = self.swarm.behaviour_mut().kad.store_mut();
        let old = store.get(&stored.key).and_then(|old| records::read(&old, now).ok());
        let wanted =
            old.is_none_or(|old| records::replaces(record, &old)) && records::check(record, now).is_ok();
        wanted && store.put(stored).is_ok()
    }

    fn sweep_records(&mut self) {
        let now = now_millis();
        let store = self.swarm.behaviour_mut().kad.store_mut();
        let gone: Vec<_> = store
            .records()
            .filter(|record| records::read(record, now).is_err())
            .map(|record| record.key.clone())
            .collect();
        for key in gone {
            store.remove(&key);
        }
    }

    fn on_query(&mut self, id: kad::QueryId, result: kad::QueryResult, last: bool) {
        match result {
            kad::QueryResult::GetRecord(result) => self.on_look_up(id, result, last),
            kad::QueryResult::PutRecord(Err(error)) => {
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

    fn on_look_up(&mut self, id: kad::QueryId, result: kad::GetRecordResult, last: bool) {
        if let Ok(kad::GetRecordOk::FoundRecord(found)) = result {
            match (records::read(&found.record, now_millis()), self.look_ups.get_mut(&id)) {
                (Ok(record), Some(look_up)) if look_up.best.is_none_or(|best| record.sequence > best) => {
                    look_up.best = Some(record.sequence);
                    let key = look_up.key;
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
            self.tell(NetEvent::LookUpDone { key: look_up.key });
        }
    }
}

/// The wall clock, for the life of records only.
fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
