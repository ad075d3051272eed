//! What the network counted.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters since the start, and a few numbers of now. Plain numbers.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Stats { $($(#[$doc])* pub $name: u64,)* }

        /// The live counters behind [`Stats`].
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: AtomicU64,)* }

        impl Counters {
            pub(crate) fn read(&self) -> Stats {
                Stats { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}
counters! {
    /// Connections that came up.
    connections,
    /// Connections refused by a limit or a ban; the next six say by which.
    refused,
    /// Of these, because their IPv4 address or IPv6 /64 had too many.
    refused_address,
    /// Because their /24 or /48 had too many.
    refused_network,
    /// Because their /24 or /48 sent too many in a short time.
    refused_rate,
    /// Because the device is banned for a while.
    refused_banned,
    /// Because the device had too many.
    refused_device,
    /// Because this node has as many as it may have, or as many that are not through the handshake.
    refused_full,
    /// Whoever wanted to connect over WebRTC and was turned away before the handshake: too many at once. Not among the
    /// refused above.
    webrtc_refused,
    /// Connections over TCP now.
    open_tcp,
    /// Connections over QUIC now.
    open_quic,
    /// Connections over WebSocket now.
    open_websocket,
    /// Connections over WebRTC now.
    open_webrtc,
    /// Connections through relays now.
    open_relayed,
    /// Connected peers now.
    peers,
    /// Peers in the routing table now.
    dht_peers,
    /// Messages that were sent into a topic.
    gossip_sent,
    /// Messages that nobody was there for, or that did not fit.
    gossip_unsent,
    /// Messages of others that came in a topic, each once.
    gossip_came,
    /// Of these, those that were passed on.
    gossip_passed,
    /// Of these, those that broke the rules.
    gossip_rejected,
    /// Records kept for others now.
    records,
    /// Look-ups of records that others asked this node for.
    look_ups_served,
    /// Reservations held at this relay now. When a device has several connections and closes one, its reservation may
    /// count until the others are closed: libp2p does not say which it was.
    reservations,
    /// Reservations given and renewed.
    reservations_given,
    /// Reservations refused.
    reservations_refused,
    /// Relayed connections through this node now.
    circuits,
    /// Relayed connections begun.
    circuits_begun,
    /// Relayed connections refused.
    circuits_refused,
    /// Tests for others that reached them.
    tests_reached,
    /// Tests for others that did not.
    tests_failed,
    /// Tests for others that were not made: too many, or at addresses that are nobody's business.
    tests_refused,
    /// Frames sent.
    frames_out,
    /// Frames received.
    frames_in,
    /// Bytes of frames sent.
    bytes_out,
    /// Bytes of frames received.
    bytes_in,
    /// Bytes written to connections, of all protocols: with handshakes and encryption, without the headers of IP and TCP; of
    /// QUIC what its streams carry.
    wire_out,
    /// The same of bytes read.
    wire_in,
    /// Frames for devices without a stream, or with a full one.
    frames_dropped,
    /// Streams that were closed because of what came on them.
    bad_streams,
    /// Inbound streams refused because the peer had too many.
    streams_refused,
    /// Records that were stored for others.
    records_stored,
    /// Records that were refused because they were not valid.
    records_refused,
    /// Valid records that were refused because their peer or network had brought its share of new ones.
    records_over_share,
    /// Valid records that were refused because there was no room, and nobody with more to make some.
    records_no_room,
    /// Records that made room for those of networks with fewer.
    records_gave_way,
    /// Nodes that got no place in the routing table of the DHT because their network has enough.
    nodes_over_share,
    /// Questions for credentials for calls that were not heard: through a relay, or too many at once.
    turn_unheard,
    /// Peers that were banned for a while.
    bans,
}

/// Takes one away from a number of now.
pub(crate) fn discount(gauge: &AtomicU64) {
    // Each is taken away by the task that added it, so nothing is lost between the two.
    gauge.store(gauge.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
}

/// Sets a number of now.
pub(crate) fn set(gauge: &AtomicU64, to: usize) {
    gauge.store(u64::try_from(to).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Adds an amount.
#[cfg(feature = "webrtc")]
pub(crate) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(u64::try_from(amount).unwrap_or(u64::MAX), Ordering::Relaxed);
}
