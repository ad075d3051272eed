//! The behaviours of a node, limits first: hooks run in field order, and nothing else should see a connection that is
//! refused.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use kith_proto::record::MAX_RECORD_BYTES;
use libp2p::connection_limits;
use libp2p::connection_limits::ConnectionLimits;
use libp2p::identify;
use libp2p::identity::Keypair;
use libp2p::kad;
use libp2p::kad::store::MemoryStore;
use libp2p::kad::store::MemoryStoreConfig;
use libp2p::mdns;
use libp2p::ping;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::StreamProtocol;
use libp2p::swarm::behaviour::toggle::Toggle;

use crate::config::NetConfig;
use crate::config::Role;
use crate::error::NetError;
use crate::limits;
use crate::stats::Counters;
use crate::streams;

/// The DHT of Kith, apart from all others.
const KAD_PROTOCOL: StreamProtocol = StreamProtocol::new("/kith/kad/1.0.0");

/// What identify calls this network.
const IDENTIFY_PROTOCOL: &str = "/kith/id/1.0.0";

/// The same for everybody, so that it tells nothing.
const AGENT: &str = "kith";

/// How long a DHT query may take: a friend's address is of no use later.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) limits: limits::Behaviour,
    pub(crate) counts: connection_limits::Behaviour,
    pub(crate) streams: streams::Behaviour,
    pub(crate) kad: kad::Behaviour<MemoryStore>,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
}

impl Behaviour {
    pub(crate) fn new(
        config: &NetConfig,
        keypair: &Keypair,
        counters: &Arc<Counters>,
    ) -> Result<Self, NetError> {
        let limits = &config.limits;
        let peer = keypair.public().to_peer_id();
        let counts = ConnectionLimits::default()
            .with_max_pending_incoming(Some(limits.connections / 2))
            .with_max_pending_outgoing(Some(limits.connections / 2))
            .with_max_established(Some(limits.connections))
            .with_max_established_per_peer(Some(limits.connections_per_peer));
        let identify = identify::Config::new(IDENTIFY_PROTOCOL.to_owned(), keypair.public())
            .with_agent_version(AGENT.to_owned())
            .with_hide_listen_addrs(config.role == Role::User)
            .with_interval(Duration::from_secs(3_600))
            .with_cache_size(0);
        let ping = ping::Config::new().with_interval(limits.ping_every).with_timeout(limits.ping_timeout);
        let mdns = if config.mdns {
            let behaviour = mdns::tokio::Behaviour::new(mdns::Config::default(), peer);
            Some(behaviour.map_err(|error| NetError::Setup(error.to_string()))?)
        } else {
            None
        };
        Ok(Self {
            limits: limits::Behaviour::new(limits.clone(), Arc::clone(counters)),
            counts: connection_limits::Behaviour::new(counts),
            streams: streams::Behaviour::new(limits.streams_per_connection, Arc::clone(counters)),
            kad: kademlia(config, keypair),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping),
            mdns: Toggle::from(mdns),
        })
    }
}

/// Kademlia with validated records only. Replication and publication jobs are off: the first would remember every key
/// that anybody sends, and records are renewed by who signs them.
fn kademlia(config: &NetConfig, keypair: &Keypair) -> kad::Behaviour<MemoryStore> {
    let peer = keypair.public().to_peer_id();
    let store = MemoryStoreConfig {
        max_records: config.limits.records,
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
    behaviour.set_mode(Some(match config.role {
        Role::User => kad::Mode::Client,
        Role::Server => kad::Mode::Server,
    }));
    behaviour
}

/// Whether a peer's protocols say that it serves our DHT.
pub(crate) fn serves_dht(protocols: &[StreamProtocol]) -> bool {
    protocols.contains(&KAD_PROTOCOL)
}
