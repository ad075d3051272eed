//! What the driver does for the engine after the commit. Effects are verbs, and running one twice does no harm.

use serde::Deserialize;
use serde::Serialize;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::call::media::MediaCommand;
use kith_proto::frame::Frame;
use kith_proto::id::DeviceId;
use kith_proto::id::GossipId;
use kith_proto::id::RecordKey;
use kith_proto::id::TopicId;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::record::Record;

/// One thing to do on the network, or with sound and pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Connect to a device at any of these addresses, all at once.
    Dial {
        /// Whom.
        device: DeviceId,
        /// Where, best first; may be empty when only the network layer knows.
        addresses: Vec<Multiaddress>,
    },
    /// Close the connections to a device.
    HangUp {
        /// Whom.
        device: DeviceId,
    },
    /// Send a frame on the direct stream to a connected device, in order; opens the stream if there is none.
    Send {
        /// To whom.
        device: DeviceId,
        /// What.
        frame: Frame,
    },
    /// Store a record in the DHT.
    Publish {
        /// The record.
        record: Record,
    },
    /// Ask the DHT for a record.
    LookUp {
        /// Where it lives.
        key: RecordKey,
    },
    /// Keep a connection to this bootstrap node.
    AddBootstrap {
        /// Its multiaddress with `/p2p/…`.
        address: String,
    },
    /// Forget this bootstrap node.
    RemoveBootstrap {
        /// Its multiaddress as it was added.
        address: String,
    },
    /// Try a node that an invite names as a bootstrap node; until the next start only.
    UseBootstrap {
        /// Who and where.
        node: DeviceAddress,
    },
    /// The devices whose connections are kept and that limits do not touch. Replaces the former list.
    KeepConnected {
        /// The devices of all contacts.
        devices: Vec<DeviceId>,
        /// Those of them that may learn where this device is when a relay leads there: of accepted contacts, and of
        /// members of common groups. Not those of people who were only asked, or only ask.
        known: Vec<DeviceId>,
    },
    /// The devices of accepted contacts: whom a mailbox on this device may serve. Replaces the former list.
    Befriend {
        /// The devices.
        devices: Vec<DeviceId>,
    },
    /// Open a stream to a mailbox. Always answered, by `MailboxOpened` or `MailboxClosed`.
    OpenMailbox {
        /// A name for the stream.
        stream: u64,
        /// Whose mailbox.
        device: DeviceId,
        /// Where it may be.
        addresses: Vec<Multiaddress>,
    },
    /// Ask a mailbox something.
    AskMailbox {
        /// On which stream.
        stream: u64,
        /// What.
        request: Numbered<Request>,
    },
    /// Close a stream to a mailbox.
    CloseMailbox {
        /// Which.
        stream: u64,
    },
    /// Have exactly these topics, with these devices and no others.
    Topics {
        /// Which.
        topics: Vec<TopicId>,
        /// Members' devices: nobody else hears which topics there are.
        members: Vec<DeviceId>,
    },
    /// Send a message to whoever has a topic.
    Gossip {
        /// In which topic.
        topic: TopicId,
        /// What.
        bytes: Vec<u8>,
    },
    /// Say what becomes of a message that came through a topic.
    Verdict {
        /// Which.
        message: GossipId,
        /// What becomes of it.
        verdict: Verdict,
    },
    /// Have whatever moves sound and pictures do something.
    Call(MediaCommand),
    /// A device broke the protocol; the network layer scores it.
    Misbehaved {
        /// Who.
        device: DeviceId,
        /// What it did, as a word for logs.
        why: Misbehaviour,
    },
}

/// What becomes of a message that came through a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is passed on.
    Accept,
    /// It is not passed on.
    Ignore,
    /// It is not passed on, and whoever brought it should have known.
    Reject,
}

/// What a device did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Misbehaviour {
    /// An envelope that nothing here can open, from a device that is no contact's.
    UnopenableEnvelope,
    /// A proof or signature that does not hold.
    BadProof,
    /// A payload that breaks the rules.
    BadPayload,
    /// Too many requests.
    Flood,
}
