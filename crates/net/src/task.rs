//! The task that owns the swarm: the only event loop of this crate. Its arms are one call each.

mod dht;
mod direct;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use futures::StreamExt as _;
use kith_proto::address::Multiaddress;
use kith_proto::frame::Frame;
use kith_proto::id::DeviceId;
use kith_proto::id::RecordKey;
use kith_proto::record::Record;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::Swarm;
use libp2p::core::transport::ListenerId;
use libp2p::identify;
use libp2p::kad;
use libp2p::mdns;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::dial_opts::PeerCondition;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;

use crate::address;
use crate::behaviour::Behaviour;
use crate::behaviour::BehaviourEvent;
use crate::config::NetConfig;
use crate::error::NetError;
use crate::event::NetCommand;
use crate::event::NetEvent;
use crate::pipes::FromPipe;
use crate::records;
use crate::stats;
use crate::stats::Counters;

/// Events that wait for the driver before the swarm is left alone.
const MAX_PENDING: usize = 1_024;

/// Messages of the pipes that wait here.
const PIPE_QUEUE: usize = 1_024;

/// The longest pause between dials of a bootstrap node.
const BOOTSTRAP_PAUSE_MAX: Duration = Duration::from_secs(60);

/// How often small things are looked after: bootstrap dials, unpublished records.
const TICK: Duration = Duration::from_millis(100);

/// How often expired records are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// How long a record that could not be stored waits, in ticks: five seconds.
const RETRY_TICKS: u64 = 50;

/// New records that one peer may bring between two sweeps: a household renews two for each device and day.
const RECORDS_PER_PEER: u32 = 128;

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
    /// The connections that answer, and until when the next answer has to come. One that does not is taken out at
    /// once: libp2p's ping gives it three more tries, and the swarm goes on closing it politely for many seconds.
    alive: BTreeMap<PeerId, BTreeMap<ConnectionId, Instant>>,
    /// Since when the driver is so far behind that the swarm is not polled.
    deaf_since: Option<Instant>,
    outgoing: BTreeMap<DeviceId, Outgoing>,
    next_stream: u64,
    friends: BTreeSet<DeviceId>,
    kept: BTreeSet<PeerId>,
    bootstraps: BTreeMap<PeerId, Bootstrap>,
    unpublished: BTreeMap<RecordKey, Record>,
    /// New records that each peer brought since the last sweep.
    brought: BTreeMap<PeerId, u32>,
    retry_at: u64,
    look_ups: HashMap<kad::QueryId, LookUp>,
    told: (u32, u32),
    ticks: u64,
}

/// What came next from outside.
enum Next {
    Swarm(Box<SwarmEvent<BehaviourEvent>>),
    Pipe(Option<FromPipe>),
}

/// The outgoing stream to a device.
enum Outgoing {
    Opening(VecDeque<Frame>),
    Open { number: u64, frames: mpsc::Sender<Frame> },
}

struct Bootstrap {
    /// Where it was said to be; what an invite says comes after what the person said.
    addresses: Vec<Multiaddr>,
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
            alive: BTreeMap::new(),
            deaf_since: None,
            outgoing: BTreeMap::new(),
            next_stream: 0,
            friends: BTreeSet::new(),
            kept: BTreeSet::new(),
            bootstraps: BTreeMap::new(),
            unpublished: BTreeMap::new(),
            brought: BTreeMap::new(),
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
        let mut look = tokio::time::interval(self.config.limits.ping_timeout / 3);
        look.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        let events = self.events.clone();
        loop {
            let room = self.pending.len() < MAX_PENDING;
            self.note_deafness(room);
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
                // In turn, by chance: frames of one busy peer must not keep the network of all others waiting.
                next = async {
                    tokio::select! {
                        event = self.swarm.select_next_some() => Next::Swarm(Box::new(event)),
                        message = self.pipes.recv() => Next::Pipe(message),
                    }
                }, if room => match next {
                    Next::Swarm(event) => self.on_swarm(*event),
                    Next::Pipe(message) => { if let Some(message) = message { self.on_pipe(message) } }
                },
                _ = tick.tick(), if busy => self.on_tick(),
                _ = sweep.tick() => self.sweep_records(),
                _ = look.tick(), if room && !self.alive.is_empty() => self.drop_silent(),
            }
        }
        self.close().await;
    }

    /// While the driver is behind, nothing is read from the network, and nobody can be blamed for not being heard.
    fn note_deafness(&mut self, room: bool) {
        match (room, self.deaf_since) {
            (false, None) => self.deaf_since = Some(Instant::now()),
            (true, Some(since)) => {
                self.deaf_since = None;
                let lost = since.elapsed();
                self.alive.values_mut().flat_map(BTreeMap::values_mut).for_each(|until| *until += lost);
            }
            _ => {}
        }
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
            NetCommand::RemoveBootstrap { node } => self.remove_bootstrap(&node),
            NetCommand::KeepConnected { devices } => {
                self.friends = devices;
                self.update_kept();
            }
            NetCommand::Misbehaved { device } => self.misbehaved(device),
            NetCommand::Restore { records } => {
                let now = now_millis();
                for record in records.iter().filter(|record| records::check(record, now).is_ok()) {
                    self.store_record(record);
                }
            }
        }
    }

    /// Not while a connection answers or another dial is under way.
    fn unless_connected(&self, peer: &PeerId) -> PeerCondition {
        if self.alive.contains_key(peer) {
            PeerCondition::DisconnectedAndNotDialing
        } else {
            PeerCondition::NotDialing
        }
    }

    /// Tells the behaviours whose connections are kept and whom no limit touches: friends and bootstrap nodes.
    fn update_kept(&mut self) {
        let friends = self.friends.iter().filter_map(address::peer_of);
        let kept: BTreeSet<PeerId> = friends.chain(self.bootstraps.keys().copied()).collect();
        let behaviour = self.swarm.behaviour_mut();
        for gone in self.kept.difference(&kept) {
            behaviour.counts.remove_peer_id(gone);
        }
        for new in kept.difference(&self.kept) {
            behaviour.counts.bypass_peer_id(new);
        }
        behaviour.limits.set_friends(kept.clone());
        behaviour.streams.keep(kept.clone());
        self.kept = kept;
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
            .condition(self.unless_connected(&peer))
            .addresses(addresses)
            .extend_addresses_through_behaviour()
            .build();
        if let Err(error) = self.swarm.dial(options)
            && !matches!(error, libp2p::swarm::DialError::DialPeerConditionFalse(_))
        {
            self.tell(NetEvent::DialFailed { device });
        }
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
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                stats::count(&self.counters.connections);
                let until = Instant::now() + self.config.limits.patience();
                let alive = self.alive.entry(peer_id).or_default();
                alive.insert(connection_id, until);
                if alive.len() == 1 {
                    let dialled = endpoint.is_dialer().then(|| endpoint.get_remote_address());
                    self.connected(peer_id, dialled.and_then(address::from_libp2p));
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => self.lost(peer_id, connection_id),
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), .. } => {
                let device = address::device_of(&peer).filter(|_| !self.alive.contains_key(&peer));
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
        // First what it is: a bootstrap node is no stranger.
        if self.bootstraps.contains_key(&peer) {
            self.bootstrap_is_up(peer, dialled.as_ref());
        }
        self.tell(NetEvent::Connected { device, dialled });
        self.tell_peers();
    }

    /// A connection is closed or does not answer.
    fn lost(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(alive) = self.alive.get_mut(&peer) else { return };
        if alive.remove(&connection).is_some() && alive.is_empty() {
            self.alive.remove(&peer);
            self.disconnected(peer);
        }
    }

    /// Gives up the connections that have been silent for too long, whatever TCP thinks of them.
    fn drop_silent(&mut self) {
        let now = Instant::now();
        let silent: Vec<_> = self
            .alive
            .iter()
            .flat_map(|(peer, alive)| {
                alive.iter().map(move |(connection, until)| (*peer, *connection, *until))
            })
            .filter(|(_, _, until)| *until < now)
            .collect();
        for (peer, connection, _) in silent {
            self.give_up(peer, connection);
        }
    }

    fn give_up(&mut self, peer: PeerId, connection: ConnectionId) {
        self.swarm.behaviour_mut().streams.forget(peer, connection);
        self.swarm.close_connection(connection);
        self.lost(peer, connection);
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
        let connected = u32::try_from(self.alive.len()).unwrap_or(u32::MAX);
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
            BehaviourEvent::Ping(ping) => match ping.result {
                Ok(_) => {
                    let until =
                        self.alive.get_mut(&ping.peer).and_then(|alive| alive.get_mut(&ping.connection));
                    if let Some(until) = until {
                        *until = Instant::now() + self.config.limits.patience();
                    }
                }
                Err(_) => self.give_up(ping.peer, ping.connection),
            },
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
}

/// The wall clock, for the life of records only.
fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
