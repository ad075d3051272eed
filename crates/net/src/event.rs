//! What the network is told and what it reports: plain data.

use std::collections::BTreeSet;
use std::net::IpAddr;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::frame::Frame;
use kith_proto::id::DeviceId;
use kith_proto::id::GossipId;
use kith_proto::id::RecordKey;
use kith_proto::id::TopicId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::record::Record;

use crate::config::Limits;
use crate::turn::TurnOffer;

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
        /// Those of them that may learn where this device is: with them holes are punched through relays, and they are
        /// told its addresses there. Not whoever was only asked, or only asks.
        known: BTreeSet<DeviceId>,
    },
    /// Take over the limits that can change while the network runs; [`Limits::adopt`] says which.
    SetLimits {
        /// The new ones.
        limits: Box<Limits>,
    },
    /// Ask the community nodes that are connected from now on whether they reach this device at these addresses; only
    /// with [`NetConfig::probe`](crate::NetConfig). Each test is told by [`NetEvent::Tested`].
    TestAddresses {
        /// Which.
        addresses: Vec<Multiaddress>,
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
    /// Open a stream to a device's mailbox, on the best connection there is, else on a new one; all addresses are
    /// dialled at once. Answered by [`NetEvent::MailboxOpened`] or [`NetEvent::MailboxClosed`], always.
    OpenMailbox {
        /// A name for the stream, never used twice.
        stream: u64,
        /// Whose mailbox.
        device: DeviceId,
        /// Where.
        addresses: Vec<Multiaddress>,
    },
    /// Ask on a stream; what is asked before it is open waits. At most 4,096 requests may wait to be written: with one
    /// more the stream is closed.
    AskMailbox {
        /// On which stream.
        stream: u64,
        /// What.
        request: Numbered<Request>,
    },
    /// Close a stream once what was asked on it is written. Nothing more is reported about it.
    CloseMailbox {
        /// Which.
        stream: u64,
    },
    /// Answer on a stream that was opened to the mailbox of this device.
    AnswerMailbox {
        /// On which stream.
        stream: u64,
        /// What.
        answer: Numbered<Answer>,
    },
    /// Whether streams to the mailbox of this device are taken from now on. Those that are open end when none are, since
    /// nobody is behind them: whoever asks there hears it and asks elsewhere.
    ServeMailbox {
        /// Whether they are.
        serve: bool,
        /// Whether others are told that they may use it.
        offer: bool,
    },
    /// Close such a stream once what was answered on it is written. Nothing more is reported about it.
    EndMailbox {
        /// Which.
        stream: u64,
    },
    /// Ask up to three connected nodes that pass calls on for credentials; each answers with [`NetEvent::TurnTold`],
    /// and after the last comes [`NetEvent::TurnAllTold`].
    AskTurn,
    /// Answer a device that asked for credentials, or say that there are none for it now.
    AnswerTurn {
        /// Which question.
        question: u64,
        /// What it gets.
        offer: Option<TurnOffer>,
    },
    /// Have exactly these topics, at most 128, with those devices that are named here and in [`NetCommand::KeepConnected`].
    /// Nobody else hears of them.
    Topics {
        /// Which.
        topics: BTreeSet<TopicId>,
        /// With whom.
        members: BTreeSet<DeviceId>,
    },
    /// Send a message, at most 32 KiB, to the connected devices that have a topic. Nobody says whether there are any.
    Gossip {
        /// In which topic.
        topic: TopicId,
        /// What.
        bytes: Vec<u8>,
    },
    /// Say what becomes of a message that came by [`NetEvent::Gossip`]: it is not passed on before. Within ten seconds; later
    /// it is of no use.
    Verdict {
        /// Which message.
        message: GossipId,
        /// What becomes of it.
        verdict: Verdict,
    },
}

/// What becomes of a message in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is passed on.
    Accept,
    /// It is not, and nobody is to blame.
    Ignore,
    /// It is not, and whoever passed it on should have known.
    Reject,
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
    /// A community node tried to reach this device.
    Tested {
        /// Where.
        address: Multiaddress,
        /// Whether it did.
        reached: bool,
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
    /// A stream to a mailbox is gone, or could not be opened. Once for each [`NetCommand::OpenMailbox`], unless it was
    /// closed from here.
    MailboxClosed {
        /// Which.
        stream: u64,
    },
    /// A connected device offers to be a mailbox.
    MailboxOffered {
        /// Which.
        device: DeviceId,
        /// Where anybody reaches it, by what it says of itself; none when only those do that are near it.
        addresses: Vec<Multiaddress>,
    },
    /// A device does not offer that any more, or is gone.
    MailboxWithdrawn {
        /// Which.
        device: DeviceId,
    },
    /// A message came in a topic. It is passed on after [`NetCommand::Verdict`].
    Gossip {
        /// In which topic.
        topic: TopicId,
        /// Which message.
        message: GossipId,
        /// Who brought it, which says nothing about who made it.
        device: DeviceId,
        /// What.
        bytes: Vec<u8>,
    },
    /// A device that is connected directly asks for credentials for calls; only where they are lent.
    TurnAsked {
        /// Which question.
        question: u64,
        /// Who.
        device: DeviceId,
        /// Where it is seen.
        ip: IpAddr,
    },
    /// A node lends what calls need, or has nothing now.
    TurnTold {
        /// Which node.
        device: DeviceId,
        /// What.
        offer: Option<TurnOffer>,
    },
    /// All who were asked for what calls need have answered, or failed to; or nobody that is connected lends anything.
    TurnAllTold,
    /// Something happened to the mailbox of this device; only while it is served.
    MailboxServed(ServedEvent),
}

/// What happens on the streams that others open to the mailbox of this device. The network names the streams, and uses
/// no name twice.
#[derive(Clone, Debug, PartialEq)]
pub enum ServedEvent {
    /// Somebody opened a stream.
    Opened {
        /// Which.
        stream: u64,
        /// From where.
        from: ServedFrom,
    },
    /// A request came in.
    Asked {
        /// On which stream.
        stream: u64,
        /// What.
        request: Numbered<Request>,
    },
    /// A frame came in that is no request. Nothing more is read from the stream.
    Malformed {
        /// Which.
        stream: u64,
    },
    /// Answers were handed to the connection.
    Drained {
        /// Of which stream.
        stream: u64,
        /// How many bytes, with their lengths.
        bytes: u64,
    },
    /// A stream is gone. Once for each that was opened, unless it was ended from here.
    Closed {
        /// Which.
        stream: u64,
    },
}

/// Where a stream comes from, as far as limits and doors need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServedFrom {
    /// Whose stream it is.
    pub device: DeviceId,
    /// A name for the /24 or /48 around the remote address, under a key that is drawn at each start. Everybody behind
    /// relays shares one.
    pub network: u64,
    /// Whether it is this machine or a private network.
    pub local: bool,
}
