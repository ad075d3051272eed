//! What a mailbox says.

use serde::Deserialize;
use serde::Serialize;

use super::Life;
use super::MAX_SEQUENCES;
use super::MAX_WORK_BITS;
use super::Nonce;
use super::Sequence;
use super::Signature;
use super::WorkWanted;
use crate::address::DeviceAddress;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::envelope::Envelope;
use crate::envelope::SIZE_CLASSES;
use crate::error::DecodeError;
use crate::id::EnvelopeId;
use crate::id::QueueId;
use crate::time::Timestamp;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The first word of the mailbox.
    Hello {
        /// The version that both will speak: the lower of the two.
        version: u8,
        /// What signatures on this stream cover.
        nonce: Nonce,
    },
    /// It is done.
    Done,
    /// The inbox is registered.
    Registered {
        /// How many bytes it may still hold.
        bytes_left: u64,
        /// The last sequence given out, so that a new device knows where to begin.
        last: Sequence,
    },
    /// The envelope is on the mailbox's disk.
    Stored(DepositReceipt),
    /// The queue has no room now.
    Quota {
        /// When to try again, in seconds.
        retry_after_secs: u32,
    },
    /// There is no such queue, or the deposit key is not its own. Which of the two is not said.
    NoQueue,
    /// The mailbox as a whole has no room.
    Full,
    /// The mailbox wants work done first.
    WorkWanted(WorkWanted),
    /// The signature does not fit, or nothing is subscribed.
    NotAllowed,
    /// Envelopes that wait.
    Index(BoundedVec<IndexEntry, MAX_SEQUENCES>),
    /// The index is complete; what follows arrives now.
    CaughtUp,
    /// An envelope that was asked for.
    Envelope {
        /// Its place.
        sequence: Sequence,
        /// The envelope.
        envelope: Envelope,
    },
    /// An envelope that was asked for is not there any more.
    Gone {
        /// Its place.
        sequence: Sequence,
    },
    /// What the mailbox offers.
    Info(MailboxInfo),
    /// The mailbox is going away; this one takes its place.
    Moved {
        /// The other mailbox.
        to: DeviceAddress,
        /// Until when this one keeps what it holds.
        until: Timestamp,
    },
}

/// A mailbox's signed promise to keep an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositReceipt {
    /// Which envelope.
    pub envelope: EnvelopeId,
    /// Until when.
    pub expires: Timestamp,
    /// By the mailbox's device key over [`DepositReceipt::signed_bytes`].
    pub signature: Signature,
}

/// One envelope that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// Its place.
    pub sequence: Sequence,
    /// Its queue.
    pub queue: QueueId,
    /// Its id, by which the reader knows what another mailbox has given already.
    pub envelope: EnvelopeId,
    /// Its size: an index into [`SIZE_CLASSES`].
    pub size_class: u8,
}

/// What a mailbox offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxInfo {
    /// How many bytes it can hold in all.
    pub capacity_bytes: u64,
    /// How many bytes it holds now.
    pub used_bytes: u64,
    /// How many zero bits a new inbox costs now.
    pub work_bits: u8,
    /// For how long it has been running, in seconds.
    pub uptime_secs: u32,
    /// The longest life it grants.
    pub longest_life: Life,
}

impl DepositReceipt {
    /// What the signature covers for a deposit in `queue`. It holds no nonce: the reader, too, can check it later.
    pub fn signed_bytes(&self, queue: &QueueId) -> Vec<u8> {
        let mut out = b"kith mailbox receipt v1".to_vec();
        queue.encode(&mut out);
        self.envelope.encode(&mut out);
        self.expires.encode(&mut out);
        out
    }
}

impl Encode for Answer {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.tag());
        match self {
            Self::Hello { version, nonce } => {
                version.encode(out);
                nonce.encode(out);
            }
            Self::Done | Self::NoQueue | Self::Full | Self::NotAllowed | Self::CaughtUp => {}
            Self::Registered { bytes_left, last } => {
                bytes_left.encode(out);
                last.encode(out);
            }
            Self::Stored(receipt) => receipt.encode(out),
            Self::Quota { retry_after_secs } => retry_after_secs.encode(out),
            Self::WorkWanted(wanted) => wanted.encode(out),
            Self::Index(entries) => entries.encode(out),
            Self::Envelope { sequence, envelope } => {
                sequence.encode(out);
                envelope.encode(out);
            }
            Self::Gone { sequence } => sequence.encode(out),
            Self::Info(info) => info.encode(out),
            Self::Moved { to, until } => {
                to.encode(out);
                until.encode(out);
            }
        }
    }
}

impl Answer {
    const fn tag(&self) -> u8 {
        match self {
            Self::Hello { .. } => 0,
            Self::Done => 1,
            Self::Registered { .. } => 2,
            Self::Stored(_) => 3,
            Self::Quota { .. } => 4,
            Self::NoQueue => 5,
            Self::Full => 6,
            Self::WorkWanted(_) => 7,
            Self::NotAllowed => 8,
            Self::Index(_) => 9,
            Self::CaughtUp => 10,
            Self::Envelope { .. } => 11,
            Self::Gone { .. } => 12,
            Self::Info(_) => 13,
            Self::Moved { .. } => 14,
        }
    }
}

impl Decode for Answer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Hello { version: Decode::decode(reader)?, nonce: reader.array()? },
            1 => Self::Done,
            2 => Self::Registered { bytes_left: Decode::decode(reader)?, last: Decode::decode(reader)? },
            3 => Self::Stored(Decode::decode(reader)?),
            4 => Self::Quota { retry_after_secs: Decode::decode(reader)? },
            5 => Self::NoQueue,
            6 => Self::Full,
            7 => Self::WorkWanted(Decode::decode(reader)?),
            8 => Self::NotAllowed,
            9 => Self::Index(Decode::decode(reader)?),
            10 => Self::CaughtUp,
            11 => Self::Envelope { sequence: Decode::decode(reader)?, envelope: Decode::decode(reader)? },
            12 => Self::Gone { sequence: Decode::decode(reader)? },
            13 => Self::Info(Decode::decode(reader)?),
            14 => Self::Moved { to: Decode::decode(reader)?, until: Decode::decode(reader)? },
            _ => return Err(DecodeError::Invalid { what: "mailbox answer" }),
        })
    }
}

impl Encode for DepositReceipt {
    fn encode(&self, out: &mut Vec<u8>) {
        self.envelope.encode(out);
        self.expires.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for DepositReceipt {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            envelope: Decode::decode(reader)?,
            expires: Decode::decode(reader)?,
            signature: Decode::decode(reader)?,
        })
    }
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
        let entry = Self {
            sequence: Decode::decode(reader)?,
            queue: Decode::decode(reader)?,
            envelope: Decode::decode(reader)?,
            size_class: Decode::decode(reader)?,
        };
        if usize::from(entry.size_class) < SIZE_CLASSES.len() {
            Ok(entry)
        } else {
            Err(DecodeError::Invalid { what: "size class" })
        }
    }
}

impl Encode for MailboxInfo {
    fn encode(&self, out: &mut Vec<u8>) {
        self.capacity_bytes.encode(out);
        self.used_bytes.encode(out);
        self.work_bits.encode(out);
        self.uptime_secs.encode(out);
        self.longest_life.encode(out);
    }
}

impl Decode for MailboxInfo {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let info = Self {
            capacity_bytes: Decode::decode(reader)?,
            used_bytes: Decode::decode(reader)?,
            work_bits: Decode::decode(reader)?,
            uptime_secs: Decode::decode(reader)?,
            longest_life: Decode::decode(reader)?,
        };
        if info.work_bits > MAX_WORK_BITS {
            return Err(DecodeError::TooLarge { what: "work", limit: u64::from(MAX_WORK_BITS) });
        }
        Ok(info)
    }
}
