//! The words of `/kith/mbx/1`: leaving envelopes with a mailbox and fetching them. Only the words; the rules are the
//! mailbox's.
//!
//! A mailbox knows inboxes by a key that changes with the period, and queues by random names, one for each contact. It
//! learns no account, no sender and no exact size.

use serde::Deserialize;
use serde::Serialize;

use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::envelope::Envelope;
use crate::error::DecodeError;
use crate::id::EnvelopeId;
use crate::id::QueueId;
use crate::time::Timestamp;

/// The libp2p protocol name.
pub const MAILBOX_PROTOCOL: &str = "/kith/mbx/1";

/// Queues in one registration: one for each contact, in several requests when there are more.
pub const MAX_QUEUES: usize = 256;

/// Entries of one index, and envelopes asked for at once.
pub const MAX_INDEX: usize = 1_024;

/// A place in an inbox; grows with every envelope.
pub type Sequence = u64;

/// An Ed25519 signature.
pub type Signature = [u8; 64];

/// Declares an enum of words whose tag is the first byte and whose fields follow in order.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $tag:literal $word:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$word_doc])* $word { $($(#[$field_doc])* $field: $type,)* },)*
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$word { $($field,)* } => {
                        out.push($tag);
                        $($field.encode(out);)*
                    })*
                }
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(match u8::decode(reader)? {
                    $($tag => Self::$word { $($field: Decode::decode(reader)?,)* },)*
                    _ => return Err(DecodeError::Invalid { what: stringify!($name) }),
                })
            }
        }
    };
}

words! {
    /// What is asked of a mailbox.
    Request {
        /// The first word on a stream.
        0 Hello {
            /// The version spoken.
            version: u8,
        }
        /// Opens an inbox for a period and names its queues.
        1 Register {
            /// The inbox's key for this period.
            inbox: [u8; 32],
            /// Which period.
            period: u32,
            /// The queues, with the key that may deposit into each.
            queues: BoundedVec<(QueueId, [u8; 32]), MAX_QUEUES>,
            /// By the inbox's key, over the mailbox's nonce and everything before.
            signature: Signature,
        }
        /// Leaves an envelope.
        2 Deposit {
            /// For whom.
            queue: QueueId,
            /// What.
            envelope: Envelope,
            /// For how long.
            keep: KeepFor,
            /// By the queue's deposit key, over the mailbox's nonce, the queue and the envelope's id.
            signature: Signature,
        }
        /// Asks to be told what is there and what comes.
        3 Subscribe {
            /// The inbox.
            inbox: [u8; 32],
            /// After which place.
            after: Sequence,
            /// By the inbox's key, over the mailbox's nonce.
            signature: Signature,
        }
        /// Asks for envelopes.
        4 Get {
            /// Which.
            sequences: BoundedVec<Sequence, MAX_INDEX>,
        }
        /// Says that everything up to a place is safe elsewhere.
        5 Delete {
            /// Up to which.
            up_to: Sequence,
        }
        /// Asks what this mailbox offers.
        6 Info {}
    }
}

words! {
    /// What a mailbox answers.
    Answer {
        /// The first word on a stream.
        0 Hello {
            /// The version spoken.
            version: u8,
            /// Goes into every signature, so that none can be used twice.
            nonce: [u8; 16],
        }
        /// The inbox is open.
        1 Registered {
            /// Bytes that it may still hold.
            quota_left: u64,
            /// The last place given.
            last: Sequence,
        }
        /// A promise to keep an envelope.
        2 Stored {
            /// Which.
            envelope: EnvelopeId,
            /// Until when.
            expires: Timestamp,
            /// By the mailbox's key, over all of this.
            signature: Signature,
        }
        /// The inbox is full; it says when it is drained.
        3 OverQuota {
            /// When to try again.
            retry_after_secs: u32,
        }
        /// There is no such queue.
        4 NoQueue {}
        /// The mailbox is full.
        5 Full {}
        /// A stranger has to do some work first.
        6 WorkWanted {
            /// Leading zero bits of the hash.
            bits: u8,
        }
        /// What is there.
        7 Index {
            /// Each envelope: its place, its queue, its name, its size class.
            entries: BoundedVec<IndexEntry, MAX_INDEX>,
        }
        /// An envelope.
        8 Envelope {
            /// Its place.
            sequence: Sequence,
            /// It.
            envelope: Envelope,
        }
        /// What was asked is done.
        9 Done {}
        /// What this mailbox offers.
        10 Info {
            /// Bytes that it holds at most.
            capacity: u64,
            /// How full it is, in percent.
            load_percent: u8,
            /// The work a stranger has to do.
            work_bits: u8,
            /// The longest time it keeps anything.
            keep_secs: u32,
        }
        /// The request was not understood or its signature does not hold.
        11 Refused {}
    }
}

/// How long a mailbox is asked to keep an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeepFor {
    /// An hour: a call.
    Hour,
    /// Two days.
    Days2,
    /// Fourteen days: messages.
    Days14,
    /// Thirty days: one's own devices.
    Days30,
}

impl Encode for KeepFor {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for KeepFor {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Hour,
            1 => Self::Days2,
            2 => Self::Days14,
            3 => Self::Days30,
            _ => return Err(DecodeError::Invalid { what: "keep for" }),
        })
    }
}

/// One envelope in an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// Its place.
    pub sequence: Sequence,
    /// Its queue.
    pub queue: QueueId,
    /// Its name, so that copies in other mailboxes are known before they are fetched.
    pub envelope: EnvelopeId,
    /// Its place in [`crate::envelope::SIZE_CLASSES`].
    pub size_class: u8,
}

impl Encode for IndexEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        self.sequence.encode(out);
        self.queue.encode(out);
        self.envelope.encode(out);
        self.size_class.encode(out);
    }
}

impl Decode for IndexEntry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            sequence: Decode::decode(reader)?,
            queue: Decode::decode(reader)?,
            envelope: Decode::decode(reader)?,
            size_class: Decode::decode(reader)?,
        })
    }
}
