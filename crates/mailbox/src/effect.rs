//! What the driver does for the mailbox after the commit, in order.

use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Numbered;
use serde::Deserialize;
use serde::Serialize;

/// One thing to do. Effects for streams that are gone are dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Write an answer to a stream, and report it with [`Input::Drained`](crate::Input::Drained) once it is written.
    Answer {
        /// Which stream.
        stream: u64,
        /// What.
        answer: Numbered<Answer>,
    },
    /// Close a stream once what was given to it is written. Nothing more is said on it.
    Close {
        /// Which.
        stream: u64,
        /// Why, for logs and for scoring.
        why: CloseReason,
    },
}

/// Why the mailbox closes a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CloseReason {
    /// There are too many streams, in all or from this source.
    TooMany,
    /// It spoke before saying hello, or said none in time.
    NoHello,
    /// It speaks a version that is not known here.
    Version,
    /// It was silent for long.
    Idle,
    /// It sent what is no request.
    Malformed,
    /// It asks and does not read the answers.
    Unread,
    /// The same reader subscribed on another stream.
    Replaced,
    /// The inbox does not have this reader any more.
    Removed,
}
