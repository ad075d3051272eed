//! The task that owns the swarm: the only event loop of this crate. Its arms are one call each.

mod admission;
mod dht;
mod direct;
mod gossip;
mod links;
mod mailbox;
mod measured;
mod reach;
mod retry;
mod tally;
mod turn;
mod watch;

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
use kith_proto::time::Timestamp;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::Swarm;
use libp2p::core::transport::ListenerId;
use libp2p::identify;
use libp2p::kad;
use libp2p::mdns;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::SwarmEvent;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;

use self::dht::Check;
use self::links::Alive;
use self::links::Dialling;
use self::links::RelayDial;
use self::mailbox::Mailboxes;
use self::reach::Reachability;
use self::retry::Retry;
use self::turn::Lending;
use self::watch::Watch;
use crate::address;
use crate::address::Reach;
use crate::behaviour::Behaviour;
use crate::behaviour::BehaviourEvent;
use crate::config::NetConfig;
use crate::config::Role;
use crate::error::NetError;
use crate::event::NetCommand;
use crate::event::NetEvent;
use crate::facts::Observed;
use crate::facts::Shared;
use crate::facts::Upnp;
use crate::held::Held;
use crate::pipes::FromPipe;
use crate::places::Places;
use crate::probes;
use crate::probes::Sign;
use crate::records;
use crate::requests::pipe::Budget;
use crate::stats;
use crate::stats::Counters;

/// Events that wait for the driver before the swarm is left alone.
const MAX_PENDING: usize = 1_024;

/// Messages of the pipes that wait here.
const PIPE_QUEUE: usize = 1_024;

/// How often small things are looked after: bootstrap dials, unpublished records.
const TICK: Duration = Duration::from_millis(100);

/// How often what others know of this device's addresses is looked after.
const REACH_EVERY: Duration = Duration::from_secs(30);

/// How often expired records are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// How long a record that could not be stored waits, in ticks: five seconds.
const RETRY_TICKS: u64 = 50;

/// The longest such pause, ten minutes, when nodes take a record and do not keep it: they are full, and asking costs them.
const RETRY_TICKS_MAX: u64 = 6_000;

/// Records of ours that wait to be published.
const MAX_UNPUBLISHED: usize = 16;

pub(crate) struct Task {
    swarm: Swarm<Behaviour>,
    config: NetConfig,
    counters: Arc<Counters>,
    facts: Arc<Shared>,
    /// What nodes said they see this device at.
    observed: Observed,
    commands: mpsc::Receiver<NetCommand>,
    events: mpsc::Sender<NetEvent>,
    pending: VecDeque<NetEvent>,
    pipes: mpsc::Receiver<FromPipe>,
    pipe: mpsc::Sender<FromPipe>,
    listeners: HashMap<ListenerId, usize>,
    /// The connections that answer. One that does not is taken out at once: the swarm goes on closing it politely for many
    /// seconds.
    alive: BTreeMap<PeerId, BTreeMap<ConnectionId, Alive>>,
    /// Whether this task ran all the time, by the clocks.
    watch: Watch,
    /// Since when the driver is so far behind that the swarm is not polled.
    deaf_since: Option<Instant>,
    /// Connected peers that only a relay leads to.
    relayed: BTreeSet<PeerId>,
    /// Devices that are dialled through relays soon.
    relay_dials: BTreeMap<PeerId, RelayDial>,
    /// Dials of devices that are under way, each until its own end is told.
    dialling: BTreeMap<ConnectionId, Dialling>,
    /// Relayed connections that are dialled only to punch a hole.
    punching: BTreeSet<ConnectionId>,
    reach: Reachability,
    outgoing: BTreeMap<DeviceId, Outgoing>,
    mailboxes: Mailboxes,
    lending: Lending,
    next_stream: u64,
    friends: BTreeSet<DeviceId>,
    /// Those of them that may learn where this device is.
    known: BTreeSet<DeviceId>,
    /// Who is in the routing table, from where.
    places: Places,
    /// Who may hear of topics, if they are friends.
    members: BTreeSet<DeviceId>,
    bootstraps: BTreeMap<PeerId, Bootstrap>,
    unpublished: BTreeMap<RecordKey, Record>,
    /// Reservations that peers hold here, as far as libp2p tells.
    reserved: BTreeMap<PeerId, u32>,
    /// Where the records came from that are kept here.
    held: Held,
    retry_at: u64,
    /// The pause after which a record that nobody kept is sent again, in ticks.
    retry_pause: u64,
    /// Look-ups of our own records: whether those who took them have them.
    checks: HashMap<kad::QueryId, Check>,
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
    Open {
        number: u64,
        frames: mpsc::Sender<Frame>,
        connection: ConnectionId,
        relayed: bool,
    },
    /// The relayed stream says its last; what comes meanwhile waits for the direct one, so the order stays.
    Moving {
        number: u64,
        connection: ConnectionId,
        waiting: VecDeque<Frame>,
    },
}

struct Bootstrap {
    /// Where it was said to be; what an invite says comes after what the person said.
    addresses: Vec<Multiaddr>,
    retry: Retry,
}

struct LookUp {
    key: RecordKey,
    best: Option<u64>,
}

impl Task {
    pub(crate) fn new(
        mut swarm: Swarm<Behaviour>,
        config: NetConfig,
        (counters, facts): (Arc<Counters>, Arc<Shared>),
        commands: mpsc::Receiver<NetCommand>,
        events: mpsc::Sender<NetEvent>,
        budget: Budget,
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
        for text in &config.external {
            let bad = |reason: String| NetError::BadAddress { text: text.clone(), reason };
            swarm.add_external_address(
                text.parse().map_err(|error: libp2p::multiaddr::Error| bad(error.to_string()))?,
            );
        }
        let (pipe, pipes) = mpsc::channel(PIPE_QUEUE);
        let reach = Reachability::new(&config);
        let watch = Watch::new(look_every(&config));
        if swarm.behaviour().upnp.is_enabled() {
            facts.change().upnp = Upnp::Asked { since: Timestamp(now_millis()) };
        }
        Ok(Self {
            swarm,
            config,
            counters,
            facts,
            observed: Observed::default(),
            commands,
            events,
            pending,
            pipes,
            pipe,
            listeners,
            alive: BTreeMap::new(),
            watch,
            deaf_since: None,
            relayed: BTreeSet::new(),
            relay_dials: BTreeMap::new(),
            dialling: BTreeMap::new(),
            punching: BTreeSet::new(),
            reach,
            outgoing: BTreeMap::new(),
            mailboxes: Mailboxes::new(budget),
            lending: Lending::default(),
            next_stream: 0,
            friends: BTreeSet::new(),
            known: BTreeSet::new(),
            places: Places::default(),
            members: BTreeSet::new(),
            bootstraps: BTreeMap::new(),
            unpublished: BTreeMap::new(),
            reserved: BTreeMap::new(),
            held: Held::default(),
            retry_at: 0,
            retry_pause: RETRY_TICKS,
            checks: HashMap::new(),
            look_ups: HashMap::new(),
            told: (0, 0),
            ticks: 0,
        })
    }

    /// Runs until it is stopped or the driver is gone, then closes every connection.
    pub(crate) async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut look = tokio::time::interval(look_every(&self.config));
        look.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        let mut reach = tokio::time::interval(REACH_EVERY);
        reach.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let is_user = self.config.role == Role::User;
        let events = self.events.clone();
        loop {
            let room = self.pending.len() < MAX_PENDING;
            self.note_deafness(room);
            // An idle node has nothing to look after: no timer then.
            let busy = self.has_chores();
            if self.alive.is_empty() {
                self.watch.rest();
            }
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
                _ = reach.tick(), if is_user => self.look_after_reach(),
                _ = look.tick(), if room && !self.alive.is_empty() => self.look(Instant::now(), SystemTime::now()),
            }
        }
        Box::pin(self.close()).await;
    }

    /// While the driver is behind, nothing is read from the network, and nobody can be blamed for not being heard.
    fn note_deafness(&mut self, room: bool) {
        match (room, self.deaf_since) {
            (false, None) => self.deaf_since = Some(Instant::now()),
            (true, Some(since)) => {
                self.deaf_since = None;
                let lost = since.elapsed();
                self.alive
                    .values_mut()
                    .flat_map(BTreeMap::values_mut)
                    .for_each(|alive| alive.be_patient(lost));
            }
            _ => {}
        }
    }

    /// Hangs up everywhere and gives the goodbyes a moment.
    async fn close(mut self) {
        self.outgoing.clear();
        self.mailboxes.clear();
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
        self.bootstraps.values().any(|node| !node.retry.is_up())
            || (self.has_bootstrap() && !self.unpublished.is_empty())
            || self.wants_relay()
            || !self.relay_dials.is_empty()
    }

    fn on_tick(&mut self) {
        self.ticks += 1;
        let now = Instant::now();
        let due: Vec<PeerId> = self
            .bootstraps
            .iter_mut()
            .filter_map(|(peer, node)| node.retry.is_due(now).then_some(*peer))
            .collect();
        for peer in due {
            self.dial_bootstrap(peer);
        }
        if self.ticks >= self.retry_at && self.has_bootstrap() {
            self.publish_waiting();
        }
        self.ask_relay();
        self.dial_relays();
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
            NetCommand::KeepConnected { devices, known } => {
                let news = known.difference(&self.known).copied().collect();
                (self.friends, self.known) = (devices, known);
                self.update_kept();
                self.punch_soon(&news);
            }
            NetCommand::SetLimits { limits } => self.set_limits(&limits),
            NetCommand::TestAddresses { addresses } => self.test_addresses(&addresses),
            NetCommand::Misbehaved { device } => self.misbehaved(device),
            NetCommand::Restore { records } => {
                let now = now_millis();
                for record in records.iter().filter(|record| records::check(record, now).is_ok()) {
                    self.store_record(record, None);
                }
            }
            NetCommand::OpenMailbox { stream, device, addresses } => {
                self.open_mailbox(stream, device, &addresses);
            }
            NetCommand::AskMailbox { stream, request } => self.ask_mailbox(stream, request),
            NetCommand::CloseMailbox { stream } => self.close_mailbox(stream),
            NetCommand::AnswerMailbox { stream, answer } => self.answer_mailbox(stream, answer),
            NetCommand::ServeMailbox { serve, offer } => self.serve_mailbox(serve, offer),
            NetCommand::EndMailbox { stream } => self.end_mailbox(stream),
            NetCommand::Topics { topics, members } => self.set_topics(topics, members),
            NetCommand::Gossip { topic, bytes } => self.gossip(&topic, bytes),
            NetCommand::Verdict { message, verdict } => self.judge(&message, verdict),
            NetCommand::AskTurn => self.ask_turn(),
            NetCommand::AnswerTurn { question, offer } => self.answer_turn(question, offer),
        }
    }

    fn on_swarm(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::NewListenAddr { listener_id, address } => self.listening(listener_id, &address),
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.listener_gone(std::slice::from_ref(&address));
                self.network_lost(&address);
            }
            SwarmEvent::ListenerClosed { listener_id, addresses, .. } => {
                self.relay_closed(listener_id);
                self.listener_gone(&addresses);
            }
            SwarmEvent::ExternalAddrConfirmed { address } => self.on_external(&address),
            SwarmEvent::ExternalAddrExpired { address } => self.external_gone(&address),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.tally_opened(&endpoint);
                self.established(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, endpoint, num_established, .. } => {
                self.tally_closed(peer_id, &endpoint, num_established);
                self.lost(peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), connection_id, .. } => {
                self.dial_error(peer, connection_id);
            }
            _ => {}
        }
    }

    fn listening(&mut self, id: ListenerId, address: &Multiaddr) {
        if self.on_relay_address(id, address) || address::is_link_local(address) {
            return;
        }
        self.announce(address);
        self.note_joined(address);
        if address::reach_of(address) != Reach::Loopback {
            // A new network: whoever could not be reached before may be now.
            for node in self.bootstraps.values_mut() {
                node.retry.at_once(self.config.limits.bootstrap_pause, Instant::now());
            }
        }
        let listener = self.listeners.get(&id).copied();
        if let Some(address) = address::from_libp2p(address) {
            self.tell(NetEvent::Listening { listener, address });
        }
    }

    fn listener_gone(&mut self, addresses: &[Multiaddr]) {
        for address in addresses.iter().filter(|address| !address::is_relayed(address)) {
            self.unannounce(address);
            self.forget_observed(address);
            if let Some(address) = address::from_libp2p(address) {
                self.tell(NetEvent::ListenerClosed { address });
            }
        }
    }

    fn tell_peers(&mut self) {
        let connected = u32::try_from(self.alive.len()).unwrap_or(u32::MAX);
        let dht = self.swarm.behaviour_mut().kad.kbuckets().map(|bucket| bucket.num_entries()).sum::<usize>();
        let counts = (connected, u32::try_from(dht).unwrap_or(u32::MAX));
        if counts != self.told {
            self.told = counts;
            stats::set(&self.counters.peers, self.alive.len());
            stats::set(&self.counters.dht_peers, dht);
            self.tell(NetEvent::Peers { connected: counts.0, dht: counts.1 });
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Streams(event) => self.on_stream(event),
            BehaviourEvent::Requests(event) => self.on_mailbox_stream(event),
            BehaviourEvent::Mesh(event) => self.on_gossip(event),
            BehaviourEvent::Turn(event) => self.on_turn(event),
            BehaviourEvent::Kad(event) => self.on_kad(event),
            BehaviourEvent::Identify(identify::Event::Received { connection_id, peer_id, info }) => {
                self.identified(peer_id, connection_id, &info);
                self.observed(peer_id, connection_id, &info);
                self.offers_mailbox(peer_id, connection_id, &info);
                self.offers_turn(peer_id, &info);
            }
            BehaviourEvent::Probes(probes::Event { peer, connection, sign }) => match sign {
                Sign::Asking => self.asks(peer, connection),
                Sign::Asked => self.heard(peer, connection),
                Sign::Answered(after) => {
                    self.heard(peer, connection);
                    self.note_round_trip(&peer, after);
                }
                Sign::Unknown => self.give_up(peer, connection),
            },
            BehaviourEvent::Probe(test) => self.on_tested(&test),
            BehaviourEvent::Upnp(event) => self.note_upnp(&event),
            BehaviourEvent::Relay(event) => self.tally_relay(&event),
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

/// How often it is looked who has been silent for too long.
fn look_every(config: &NetConfig) -> Duration {
    config.limits.ping_timeout / 3
}

/// The wall clock, for the life of records only.
fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
