//! What can go wrong before the network runs.

/// Why the network could not be started or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// A multiaddress is not one.
    #[error("“{text}” is not a multiaddress ({reason}): it should look like /ip4/192.0.2.1/tcp/4001")]
    BadAddress {
        /// What was given.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A bootstrap address does not say who answers there.
    #[error("“{0}” does not end in /p2p/ and an id: copy the whole line that the bootstrap node printed")]
    NoPeer(String),
    /// Only browsers can dial an address.
    #[error("“{0}” is for browsers: copy one of the node's other lines, with /tcp/ or /quic-v1/")]
    ForBrowsers(String),
    /// A peer id is not one of an Ed25519 key.
    #[error("“{0}” names a node whose key Kith does not use")]
    WrongKey(String),
    /// A transport could not be set up.
    #[error("the network could not be set up: {0}")]
    Setup(String),
    /// The network has stopped.
    #[error("the network has stopped")]
    Closed,
    /// The network ended by a fault of its own.
    #[error("the network ended by a fault of its own, which the log tells: {0}")]
    Fault(String),
    /// Too much waits already.
    #[error("the network is busy")]
    Busy,
}
