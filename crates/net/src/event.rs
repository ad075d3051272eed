//! What the network is told and what it reports: plain data.

use std::collections::BTreeSet;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::frame::Frame;
use kith_proto::id::DeviceId;
use kith_proto::id::RecordKey;
use kith_proto::record::Record;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum NetCommand {
    /// Connect to a device at any of these addresses, all at once, and where the DHT or the local network say.
    Dial {
        /// Whom.
        device: DeviceId,
        /// Where.
        addresses: Vec<Multiaddress>,
    },
    /// Close the connections to a device.
    HangUp {
        /// Whom.
        device: DeviceId,
    },
    /// Send a frame on the direct stream, opening it if needed.
    Send {
        /// To whom.
        device: DeviceId,
        /// What.
        frame: Frame,
    },
    /// Store a record in the DHT; kept until a bootstrap node is connected.
    Publish {
        /// The record.
        record: Record,
    },
    /// Ask the DHT for a record.
    LookUp {
        /// Where it lives.
        key: RecordKey,
    },
    /// Keep a connection to a bootstrap node.
    AddBootstrap {
        /// Which and where.
        node: DeviceAddress,
    },
    /// Forget an address of a bootstrap node, and the node with its last one.
    RemoveBootstrap {
        /// Which and where.
        node: DeviceAddress,
    },
    /// The devices whose connections are kept and that limits do not touch. Replaces the former set.
    KeepConnected {
        /// The devices.
        devices: BTreeSet<DeviceId>,
    },
    /// A device broke a rule; enough of it and it is refused for a while.
    Misbehaved {
        /// Which.
        device: DeviceId,
    },
    /// Put records into the own store, after a restart.
    Restore {
        /// The records, as [`NetEvent::Stored`] told them.
        records: Vec<Record>,
    },
}

/// Whether this device can be reached from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nat {
    /// Nobody has tried yet.
    Unknown,
    /// It can.
    Public,
    /// It cannot, except through relays or a punched hole.
    Private,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum NetEvent {
    /// This node listens at an address.
    Listening {
        /// The place in [`NetConfig::listen`](crate::NetConfig) it belongs to; `None` for an address that a relay or
        /// the router lends.
        listener: Option<usize>,
        /// Where.
        address: Multiaddress,
    },
    /// A configured address cannot be listened at.
    ListenFailed {
        /// As configured.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// Whether this device can be reached from outside; only a person's device asks.
    Nat {
        /// What is known now.
        nat: Nat,
        /// The addresses that others reached it at.
        external: Vec<Multiaddress>,
    },
    /// This node no longer listens at an address.
    ListenerClosed {
        /// Where.
        address: Multiaddress,
    },
    /// The first connection to a device is up.
    Connected {
        /// Who.
        device: DeviceId,
        /// The address that was dialled; `None` when they dialled.
        dialled: Option<Multiaddress>,
    },
    /// A connected device is now reached through a relay, or directly. A device that just connected is reached
    /// directly unless this says otherwise.
    Path {
        /// Who.
        device: DeviceId,
        /// Whether only a relay leads to it.
        relayed: bool,
    },
    /// The last connection to a device is gone.
    Disconnected {
        /// Who.
        device: DeviceId,
    },
    /// The outgoing direct stream to a device broke; frames may be lost.
    StreamClosed {
        /// Whose.
        device: DeviceId,
    },
    /// A frame came in.
    Frame {
        /// From whom.
        device: DeviceId,
        /// What.
        frame: Frame,
    },
    /// No direct address of a device answered, or no relay leads to it. The others may still.
    DialFailed {
        /// Whose.
        device: DeviceId,
    },
    /// A valid record was found.
    Found {
        /// Where it was asked for.
        key: RecordKey,
        /// The record.
        record: Record,
    },
    /// A look-up is over.
    LookUpDone {
        /// What was asked for.
        key: RecordKey,
    },
    /// A device was seen on the local network.
    Discovered {
        /// Who.
        device: DeviceId,
        /// Where.
        addresses: Vec<Multiaddress>,
    },
    /// A bootstrap node is connected.
    BootstrapConnected {
        /// Which, and where it was reached.
        node: DeviceAddress,
    },
    /// A bootstrap node is no longer connected.
    BootstrapLost {
        /// Which.
        device: DeviceId,
    },
    /// A record was stored for somebody else.
    Stored {
        /// The record.
        record: Record,
    },
    /// Records of others have expired and are not kept any more.
    Expired {
        /// Which.
        keys: Vec<RecordKey>,
    },
    /// The counts changed.
    Peers {
        /// Connected peers.
        connected: u32,
        /// Peers in the routing table.
        dht: u32,
    },
}
