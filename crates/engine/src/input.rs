//! Everything that can happen to an engine, as plain data: a run can be recorded, compared and replayed.

use serde::Deserialize;
use serde::Serialize;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::call::media::MediaEvent;
use kith_proto::frame::Frame;
use kith_proto::id::CommandId;
use kith_proto::id::DeviceId;
use kith_proto::id::GossipId;
use kith_proto::id::RecordKey;
use kith_proto::id::TopicId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Numbered;
use kith_proto::record::Record;

use crate::command::Command;
use crate::view::Nat;

/// One input of [`Engine::handle`](crate::Engine::handle).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// A wish of the caller.
    Command {
        /// The caller's name for it.
        id: CommandId,
        /// The wish.
        command: Command,
    },
    /// Something happened on the network.
    Net(NetInput),
    /// Something happened to sound and pictures.
    Call(MediaEvent),
    /// Fresh randomness from the operating system, mixed into the engine's generator.
    Entropy([u8; 32]),
    /// The time named by [`Engine::next_wake`](crate::Engine::next_wake) has come.
    Wake,
}

/// What the network reports. Peers are named by their authenticated device keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NetInput {
    /// This device listens at an address.
    Listening {
        /// Where.
        address: Multiaddress,
        /// Whether others can be told: not loopback, or nothing else is there.
        rank: AddressRank,
    },
    /// This device no longer listens at an address.
    ListenerClosed {
        /// Where.
        address: Multiaddress,
    },
    /// The first connection to a device is up.
    Connected {
        /// Who.
        device: DeviceId,
        /// The address that was dialled and answered; `None` when they dialled.
        dialled: Option<Multiaddress>,
    },
    /// A connected device is now reached through a relay, or directly. One that just connected is reached directly
    /// unless this says otherwise.
    Path {
        /// Who.
        device: DeviceId,
        /// Whether only a relay leads to it.
        relayed: bool,
    },
    /// Whether this device can be reached from outside.
    Nat(Nat),
    /// The last connection to a device is gone.
    Disconnected {
        /// Who.
        device: DeviceId,
    },
    /// The outgoing direct stream to a connected device broke; frames may be lost.
    StreamClosed {
        /// Whose.
        device: DeviceId,
    },
    /// A frame came in on the direct stream.
    Frame {
        /// From whom.
        device: DeviceId,
        /// What.
        frame: Frame,
    },
    /// A message came through a topic.
    Gossip {
        /// Through which.
        topic: TopicId,
        /// Which message.
        message: GossipId,
        /// Who brought it.
        device: DeviceId,
        /// What.
        bytes: Vec<u8>,
    },
    /// No address of a device answered.
    DialFailed {
        /// Whose.
        device: DeviceId,
    },
    /// A valid record was found in the DHT.
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
        /// Which node, and where it was reached.
        node: DeviceAddress,
    },
    /// A bootstrap node is no longer connected.
    BootstrapLost {
        /// Which node.
        device: DeviceId,
    },
    /// A connected device offers to be a mailbox.
    MailboxOffered {
        /// Which.
        device: DeviceId,
        /// Where anybody reaches it; empty when only those do that are near it.
        addresses: Vec<Multiaddress>,
    },
    /// A device does not offer that any more, or is gone.
    MailboxWithdrawn {
        /// Which.
        device: DeviceId,
    },
    /// A stream to a mailbox is open.
    MailboxOpened {
        /// Which.
        stream: u64,
    },
    /// A mailbox answered.
    MailboxAnswered {
        /// On which stream.
        stream: u64,
        /// What.
        answer: Numbered<Answer>,
    },
    /// A stream to a mailbox is gone, or could not be opened.
    MailboxClosed {
        /// Which.
        stream: u64,
    },
    /// How many nodes are connected and known to the DHT now.
    Peers {
        /// Connected devices of any kind.
        connected: u32,
        /// Nodes in the routing table.
        dht: u32,
    },
}

/// How useful an own address is to others; lower is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AddressRank {
    /// Reachable from anywhere.
    Global,
    /// Reachable on the local network.
    Local,
    /// Reachable on this machine only.
    Loopback,
    /// Reachable from anywhere through a relay: told along with the others, used when none of them answers.
    Relayed,
}
