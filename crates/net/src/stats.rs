//! What the network counted.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters since the start. Plain numbers.
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
    /// Connections refused by a limit or a ban.
    refused,
    /// Frames sent.
    frames_out,
    /// Frames received.
    frames_in,
    /// Bytes of frames sent.
    bytes_out,
    /// Bytes of frames received.
    bytes_in,
    /// Frames for devices without a stream, or with a full one.
    frames_dropped,
    /// Streams that were closed because of what came on them.
    bad_streams,
    /// Inbound streams refused because the peer had too many.
    streams_refused,
    /// Records that were stored for others.
    records_stored,
    /// Records that were refused.
    records_refused,
    /// Peers that were banned for a while.
    bans,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
