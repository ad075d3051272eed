//! The simulated network: who is where, who is connected, and how frames get lost.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::address::Multiaddress;
use kith_proto::id::RecordKey;
use kith_proto::record::Record;
use kith_proto::time::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Who;
use crate::post::Host;

/// How the network behaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weather {
    /// The shortest way of a frame, in milliseconds.
    pub latency_min: u64,
    /// The longest.
    pub latency_max: u64,
    /// Of 10,000 frames, so many are lost without anybody noticing.
    pub lost: u64,
    /// Of 10,000 frames, so many arrive twice.
    pub doubled: u64,
    /// Of 10,000 frames, so many arrive late, after others.
    pub late: u64,
    /// Of 10,000 frames, so many have a bit flipped.
    pub flipped: u64,
}

impl Default for Weather {
    fn default() -> Self {
        Self { latency_min: 5, latency_max: 80, lost: 0, doubled: 0, late: 0, flipped: 0 }
    }
}

/// Who is connected, and what is in the DHT.
#[derive(Debug, Default)]
pub struct Network {
    /// Connections, the smaller number first, each with a number of its own.
    connections: BTreeMap<(Who, Who), u64>,
    /// The number of the stream from one to another; frames of an older one are lost.
    streams: BTreeMap<(Who, Who), u64>,
    /// When the last frame from one to another arrives, so that order is kept.
    last_arrival: BTreeMap<(Who, Who), Timestamp>,
    /// Into how many parts it has fallen; people are together whose numbers leave the same remainder.
    pub parts: usize,
    /// The DHT.
    pub dht: BTreeMap<RecordKey, Record>,
    next: u64,
}

fn pair(one: Who, other: Who) -> (Who, Who) {
    (one.min(other), one.max(other))
}

impl Network {
    /// Whether frames can go between two people at all.
    pub fn reachable(&self, one: Who, other: Who) -> bool {
        let parts = self.parts.max(1);
        one % parts == other % parts
    }

    /// Whether somebody is in the part where the community nodes are.
    pub fn reaches_nodes(&self, who: Who) -> bool {
        self.reachable(who, 0)
    }

    /// Connects two people. Returns whether they were not.
    pub fn connect(&mut self, one: Who, other: Who) -> bool {
        self.next += 1;
        let next = self.next;
        let new = !self.connections.contains_key(&pair(one, other));
        self.connections.entry(pair(one, other)).or_insert(next);
        new
    }

    /// Whether two people are connected.
    pub fn connected(&self, one: Who, other: Who) -> bool {
        self.connections.contains_key(&pair(one, other))
    }

    /// Takes a connection away. Returns whether there was one.
    pub fn disconnect(&mut self, one: Who, other: Who) -> bool {
        self.break_stream(one, other);
        self.break_stream(other, one);
        self.connections.remove(&pair(one, other)).is_some()
    }

    /// Everybody somebody is connected to.
    pub fn peers(&self, who: Who) -> BTreeSet<Who> {
        let ends = self.connections.keys().filter(|(one, other)| *one == who || *other == who);
        ends.map(|(one, other)| if *one == who { *other } else { *one }).collect()
    }

    /// All connections.
    pub fn pairs(&self) -> Vec<(Who, Who)> {
        self.connections.keys().copied().collect()
    }

    /// Frames under way from one to another are lost.
    pub fn break_stream(&mut self, from: Who, to: Who) {
        self.next += 1;
        self.streams.insert((from, to), self.next);
        self.last_arrival.remove(&(from, to));
    }

    /// The number of the stream that a frame goes on.
    pub fn stream(&self, from: Who, to: Who) -> u64 {
        self.streams.get(&(from, to)).copied().unwrap_or(0)
    }

    /// When a frame arrives that takes `latency` from now, in order.
    pub fn arrival(&mut self, from: Who, to: Who, at: Timestamp) -> Timestamp {
        let last = self.last_arrival.entry((from, to)).or_default();
        *last = at.max(*last);
        *last
    }

    /// The address of somebody at their n-th place.
    pub fn address(who: Who, place: u64) -> Multiaddress {
        Multiaddress::new(format!("sim/{who}/{place}").into_bytes()).expect("a short text fits an address")
    }

    /// The address that a community node lends to somebody.
    pub fn lent(host: Host, who: Who) -> Multiaddress {
        Multiaddress::new(format!("sim/host/{host}/{who}").into_bytes())
            .expect("a short text fits an address")
    }
}
