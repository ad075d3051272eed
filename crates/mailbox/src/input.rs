//! Everything that can happen to a mailbox, as plain data: a run can be recorded, compared and replayed.

use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use serde::Deserialize;
use serde::Serialize;

/// One input of [`Mailbox::handle`](crate::Mailbox::handle). Streams are named by the driver, and no name is used twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly every input is a request, which is the large one")]
pub enum Input {
    /// Somebody opened a stream.
    Opened {
        /// Which.
        stream: u64,
        /// From where.
        from: Source,
    },
    /// A request came in.
    Asked {
        /// On which stream.
        stream: u64,
        /// What.
        request: Numbered<Request>,
    },
    /// A frame came in that is no request.
    Malformed {
        /// On which stream.
        stream: u64,
    },
    /// Answers were written to a stream.
    Drained {
        /// Which.
        stream: u64,
        /// How many bytes of them, with their lengths.
        bytes: u64,
    },
    /// A stream is gone.
    Closed {
        /// Which.
        stream: u64,
    },
    /// Fresh randomness from the operating system, mixed into the generator.
    Entropy([u8; 32]),
    /// The time named by [`Mailbox::next_wake`](crate::Mailbox::next_wake) has come.
    Wake,
}

/// Where a stream comes from, for rates: no address. The driver makes the name from the /24 or /48 of the remote
/// address, the site that `kith-net` limits by, with a key that it draws at each start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source {
    /// The name of the network.
    pub network: u64,
    /// Whether it is this machine or a private network.
    pub local: bool,
}
