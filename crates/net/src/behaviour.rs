//! The behaviours of a node, limits first: hooks run in field order, and nothing else should see a connection that is
//! refused.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use kith_proto::record::MAX_RECORD_BYTES;
use libp2p::identify;
use libp2p::identity::Keypair;
use libp2p::kad;
use libp2p::kad::store::MemoryStore;
use libp2p::kad::store::MemoryStoreConfig;
use libp2p::mdns;
use libp2p::relay;
use libp2p::request_response;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::StreamProtocol;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::upnp;

use crate::about::About;
use crate::address;
use crate::address::Reach;
use crate::autonat;
use crate::circuits::Circuits;
use crate::config::NetConfig;
use crate::config::Role;
use crate::error::NetError;
use crate::limits;
use crate::mesh;
use crate::probes;
use crate::punch::Punch;
use crate::relay::Relay;
use crate::requests;
use crate::stats::Counters;
use crate::streams;
use crate::turn;

/// The DHT of Kith, apart from all others.
const KAD_PROTOCOL: StreamProtocol = StreamProtocol::new("/kith/kad/1.0.0");

/// What identify calls this network.
const IDENTIFY_PROTOCOL: &str = "/kith/id/1.0.0";

/// The same for everybody, so that it tells nothing.
const AGENT: &str = "kith";

/// How long a DHT query may take: a friend's address is of no use later.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a node may take to lend something for calls: whoever calls waits.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

/// Such questions on one connection at once: an honest device has one.
const TURN_STREAMS: usize = 2;

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) limits: limits::Behaviour,
    pub(crate) tester: Toggle<autonat::Tester>,
    pub(crate) streams: streams::Behaviour,
    pub(crate) requests: requests::Behaviour,
    pub(crate) turn: request_response::Behaviour<turn::Codec>,
    /// Only on devices of people: community nodes are in no group.
    pub(crate) mesh: Toggle<mesh::Behaviour>,
    pub(crate) relay: Toggle<Relay>,
    /// On every node, because the transport of relayed connections cannot be without it.
    pub(crate) circuits: Circuits,
    pub(crate) punch: Toggle<Punch>,
    pub(crate) probe: Toggle<autonat::Probe>,
    pub(crate) upnp: Toggle<upnp::tokio::Behaviour>,
    pub(crate) kad: kad::Behaviour<MemoryStore>,
    pub(crate) identify: About,
    pub(crate) probes: probes::Behaviour,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
}

impl Behaviour {
    pub(crate) fn new(
        config: &NetConfig,
        keypair: &Keypair,
        circuits: relay::client::Behaviour,
        counters: &Arc<Counters>,
    ) -> Result<Self, NetError> {
        let (limits, user) = (&config.limits, config.role == Role::User);
        let peer = keypair.public().to_peer_id();
        let identify = identify::Config::new(IDENTIFY_PROTOCOL.to_owned(), keypair.public())
            .with_agent_version(AGENT.to_owned())
            // Behind a forwarded port the own addresses would lead nowhere.
            .with_hide_listen_addrs(user || !config.external.is_empty())
            .with_interval(Duration::from_secs(3_600))
            .with_cache_size(0);
        let mdns = if config.mdns {
            let behaviour = mdns::tokio::Behaviour::new(mdns::Config::default(), peer);
            Some(behaviour.map_err(|error| NetError::Setup(error.to_string()))?)
        } else {
            None
        };
        let mut requests = requests::Behaviour::new(config.serve_mailbox, limits, Arc::clone(counters));
        // A community node is there for everybody; a person's device, once others have reached it.
        requests.set_public(!user);
        Ok(Self {
            limits: limits::Behaviour::new(limits.clone(), Arc::clone(counters)),
            tester: Toggle::from(config.services.autonat.then(|| autonat::Tester::new(Arc::clone(counters)))),
            streams: streams::Behaviour::new(peer, limits.streams_per_connection, Arc::clone(counters)),
            requests,
            turn: lending(config),
            mesh: Toggle::from(if user { Some(mesh::Behaviour::new()?) } else { None }),
            relay: Toggle::from(config.services.relay.then(|| Relay::new(peer, limits))),
            circuits: Circuits::new(circuits),
            punch: Toggle::from(user.then(|| Punch::new(peer))),
            probe: Toggle::from(config.probe.then(autonat::Probe::new)),
            upnp: Toggle::from((config.upnp && !only_here(config)).then(upnp::tokio::Behaviour::default)),
            kad: kademlia(config, keypair),
            identify: About::new(identify),
            probes: probes::Behaviour::new(limits.ping_calm),
            mdns: Toggle::from(mdns),
        })
    }
}

/// Credentials for calls: asked for by devices, lent by nodes that pass calls on.
fn lending(config: &NetConfig) -> request_response::Behaviour<turn::Codec> {
    use request_response::ProtocolSupport::Inbound;
    use request_response::ProtocolSupport::Outbound;
    let settings = request_response::Config::default()
        .with_request_timeout(TURN_TIMEOUT)
        .with_max_concurrent_streams(TURN_STREAMS);
    request_response::Behaviour::new(
        [(turn::PROTOCOL, if config.lend_turn { Inbound } else { Outbound })],
        settings,
    )
}

/// Kademlia with validated records only. Replication and publication jobs are off: the first would remember every key
/// that anybody sends, and records are renewed by who signs them.
fn kademlia(config: &NetConfig, keypair: &Keypair) -> kad::Behaviour<MemoryStore> {
    let peer = keypair.public().to_peer_id();
    let store = MemoryStoreConfig {
        // Who stores for others counts: this limit could not change while the node runs.
        max_records: usize::MAX,
        max_value_bytes: MAX_RECORD_BYTES,
        max_providers_per_key: 1,
        max_provided_keys: 0,
    };
    let mut kad = kad::Config::new(KAD_PROTOCOL);
    kad.set_query_timeout(QUERY_TIMEOUT)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None)
        .set_record_ttl(None)
        .set_max_packet_size(16 << 10)
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_caching(kad::Caching::Disabled)
        .disjoint_query_paths(true)
        .set_parallelism(NonZeroUsize::new(3).expect("three is not zero"));
    let mut behaviour = kad::Behaviour::with_config(peer, MemoryStore::with_config(peer, store), kad);
    behaviour.set_mode(Some(if config.services.dht { kad::Mode::Server } else { kad::Mode::Client }));
    behaviour
}

/// Whether a node listens only on this machine.
fn only_here(config: &NetConfig) -> bool {
    let mut listen = config.listen.iter().filter_map(|listen| address::parse(&listen.address).ok());
    listen.all(|(address, _)| address::reach(&address) == Reach::Loopback)
}

/// Whether a peer's protocols say that it is a relay.
pub(crate) fn relays(protocols: &[StreamProtocol]) -> bool {
    protocols.contains(&relay::HOP_PROTOCOL_NAME)
}

/// Whether a peer's protocols say that it serves our DHT.
pub(crate) fn serves_dht(protocols: &[StreamProtocol]) -> bool {
    protocols.contains(&KAD_PROTOCOL)
}
