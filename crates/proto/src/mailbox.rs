//! The words of `/kith/mbx/1`: leaving envelopes with a mailbox and fetching them. Only the words; the rules are the
//! mailbox's.
//!
//! A mailbox knows inboxes by a key that changes with the period, and queues by random names, one for each contact. It
//! learns no account, no sender and no exact size. Both directions are pipelined: the asker numbers its requests, and
//! each answer repeats the number of its request.
//!
//! ```text
//!  asker                       mailbox
//!   Hello ──────────────────────▶
//!        ◀────────────────────── Hello: its nonce goes into every signature below
//!   Deposit ────────────────────▶
//!        ◀────────────────────── Stored, or OverQuota, NoQueue, Full, WorkWanted, Refused
//!   Subscribe ──────────────────▶
//!        ◀────────────────────── Index … CaughtUp, and Index again whenever something arrives
//!   Get ────────────────────────▶
//!        ◀────────────────────── Envelope or Gone, one for each
//!   Delete ─────────────────────▶
//!        ◀────────────────────── Done
//! ```

mod owned;
mod work;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;

use crate::address::DeviceAddress;
use crate::bounded::BoundedBytes;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::envelope::Envelope;
use crate::envelope::MAX_ENVELOPE_BYTES;
use crate::envelope::SIZE_CLASSES;
use crate::error::DecodeError;
use crate::id::DeviceId;
use crate::id::EnvelopeId;
use crate::id::QueueId;
use crate::id::ReaderId;
use crate::time::Span;
use crate::time::Timestamp;

pub use owned::OwnerProof;
pub use owned::is_owned;
pub use owned::owned_queue;
pub use owned::owner_bytes;
pub use work::MAX_WORK_BITS;
pub use work::WorkBits;
pub use work::WorkProof;
pub use work::deposit_subject;

/// The libp2p protocol name.
pub const MAILBOX_PROTOCOL: &str = "/kith/mbx/1";

/// The version of the mailbox words that this crate writes.
pub const MAILBOX_VERSION: u8 = 1;

/// How long one inbox and its queues are used. Twice that is registered ahead: somebody who is away for as long as an
/// envelope is kept still has a queue.
pub const PERIOD: Span = Span::from_days(14);

/// The period that a time is in.
pub fn period_at(now: Timestamp) -> u32 {
    u32::try_from(now.0 / PERIOD.0).unwrap_or(u32::MAX)
}

/// The longest frame body: an envelope of the largest class and what goes with it.
pub const MAX_MAILBOX_FRAME_BYTES: usize = MAX_ENVELOPE_BYTES + 1024;

/// The longest voucher of a community: a blind signature and its key fit.
pub const MAX_VOUCHER_BYTES: usize = 256;

/// Queues in one registration: one for each contact, in several requests when there are more.
pub const MAX_QUEUES: usize = 256;

/// Readers of one inbox: as many as an account has devices.
pub const MAX_READERS: usize = 8;

/// Entries of one index, and envelopes asked for at once.
pub const MAX_INDEX: usize = 1_024;

/// What a mailbox draws for each stream, so that no signature can be used again on another.
pub type Nonce = [u8; 16];

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

        /// Recorded as on the wire.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.to_bytes().serialize(to)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::from_bytes(&Vec::deserialize(from)?).map_err(D::Error::custom)
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
        /// Opens an inbox or renews it, and names queues; those it does not name stay as they are.
        1 Register {
            /// The inbox's key for this period.
            inbox: [u8; 32],
            /// Which period the queues are for. When it grows, queues of periods before the last one close.
            period: u32,
            /// All who read this inbox: an envelope goes when each of them has deleted it.
            readers: BoundedVec<ReaderId, MAX_READERS>,
            /// Queues to open, change or close.
            queues: BoundedVec<(QueueId, Access), MAX_QUEUES>,
            /// Whose the owned ones among them are; one that is closed needs none.
            owners: BoundedVec<OwnerProof, MAX_QUEUES>,
            /// Why the mailbox should take it.
            admission: Admission,
            /// By the inbox's key, over [`Request::signed_bytes`].
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
            /// Work for a queue at which strangers knock: over the queue and the envelope's id.
            work: Option<WorkProof>,
            /// By the queue's deposit key, over [`Request::signed_bytes`]; not looked at where strangers knock.
            signature: Signature,
        }
        /// Asks to be told what is there and what comes.
        3 Subscribe {
            /// The inbox.
            inbox: [u8; 32],
            /// Which of its readers asks.
            reader: ReaderId,
            /// After which place.
            after: Sequence,
            /// By the inbox's key, over [`Request::signed_bytes`].
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
        /// Says that single envelopes are safe elsewhere.
        7 DeleteThese {
            /// Which.
            sequences: BoundedVec<Sequence, MAX_INDEX>,
        }
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
            nonce: Nonce,
        }
        /// The inbox is open.
        1 Registered {
            /// Bytes that it may still hold.
            quota_left: u64,
            /// The last place given.
            last: Sequence,
            /// How many queues are open; fewer than expected after the mailbox lost its disk.
            queues: u32,
            /// Until when they take envelopes unless the inbox is registered again.
            until: Timestamp,
            /// The queues of this request that were not opened, because another inbox has them.
            left_out: BoundedVec<QueueId, MAX_QUEUES>,
        }
        /// A promise to keep an envelope.
        2 Stored {
            /// Which.
            envelope: EnvelopeId,
            /// Until when.
            expires: Timestamp,
            /// By the mailbox's device key, over [`receipt_bytes`].
            signature: Signature,
        }
        /// Too much for this queue, this inbox or this asker.
        3 OverQuota {
            /// When to try again.
            retry_after_secs: u32,
        }
        /// There is no such queue, or no such inbox with this reader.
        4 NoQueue {}
        /// The mailbox is full.
        5 Full {}
        /// A stranger has to do some work first.
        6 WorkWanted {
            /// What the hash begins with; the mailbox forgets it after a while.
            challenge: [u8; 32],
            /// Leading zero bits of the hash.
            bits: WorkBits,
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
            /// The work that was done for it, if it lay where strangers knock: over the queue and the envelope's id.
            work: Option<WorkProof>,
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
            work_bits: WorkBits,
            /// The longest time it keeps anything.
            keep_secs: u32,
        }
        /// The request was not understood or its signature does not hold.
        11 Refused {}
        /// The index is complete; what follows arrives now.
        12 CaughtUp {}
        /// An envelope that was asked for is not there any more.
        13 Gone {
            /// Its place.
            sequence: Sequence,
        }
        /// The mailbox goes away, and another takes its place.
        14 Moved {
            /// The other mailbox.
            to: DeviceAddress,
            /// Until when this one keeps what it holds.
            until: Timestamp,
        }
    }
}

words! {
    /// Why a mailbox should open an inbox.
    Admission {
        /// It knows the inbox, or is open to all.
        0 Open {}
        /// Work was done: over the inbox's key.
        1 Work {
            /// The work.
            proof: WorkProof,
        }
        /// A community vouches for it.
        2 Voucher {
            /// What the community gave.
            voucher: BoundedBytes<MAX_VOUCHER_BYTES>,
        }
    }
}

words! {
    /// Who may leave envelopes in a queue.
    Access {
        /// Whoever signs with this key's secret.
        0 Key {
            /// An Ed25519 public key.
            deposit: [u8; 32],
        }
        /// Any stranger who works for it; a few small envelopes.
        1 Knock {}
        /// Nobody any more; what is there stays until it is read.
        2 Closed {}
    }
}

/// A word and the number of the request that it is or answers; zero for answers that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered<T> {
    /// The number, chosen by the asker.
    pub number: u32,
    /// The word.
    pub word: T,
}

impl<T: Encode> Numbered<T> {
    /// The frame with its length before it, as written to the stream.
    pub fn to_wire(&self) -> Vec<u8> {
        let body = self.to_bytes();
        let mut out = Vec::with_capacity(4 + body.len());
        u32::try_from(body.len()).unwrap_or(u32::MAX).encode(&mut out);
        out.extend_from_slice(&body);
        out
    }
}

impl Numbered<Answer> {
    /// How many bytes [`to_wire`](Self::to_wire) has, without copying an envelope to count them.
    pub fn wire_bytes(&self) -> usize {
        match &self.word {
            Answer::Envelope { envelope, work, .. } => {
                // Length, number, tag and sequence; the envelope's length as a varint of two or three bytes; the work.
                let length = if envelope.as_bytes().len() < 1 << 14 { 2 } else { 3 };
                4 + 4 + 1 + 8 + length + envelope.as_bytes().len() + work.to_bytes().len()
            }
            _ => 4 + self.to_bytes().len(),
        }
    }
}

impl<T: Encode> Encode for Numbered<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.number.encode(out);
        self.word.encode(out);
    }
}

impl<T: Decode> Decode for Numbered<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { number: Decode::decode(reader)?, word: Decode::decode(reader)? })
    }
}

impl Request {
    /// What the signature of a request covers on a stream to `mailbox`: a label, the mailbox, its nonce, and the whole
    /// request without the signature at its end. Only `Register`, `Deposit` and `Subscribe` are signed.
    pub fn signed_bytes(&self, mailbox: &DeviceId, nonce: &Nonce) -> Vec<u8> {
        let mut out = b"kith mailbox request v1".to_vec();
        mailbox.encode(&mut out);
        nonce.encode(&mut out);
        self.encode(&mut out);
        if matches!(self, Self::Register { .. } | Self::Deposit { .. } | Self::Subscribe { .. }) {
            out.truncate(out.len() - size_of::<Signature>());
        }
        out
    }
}

/// What a mailbox signs when it promises to keep an envelope. No nonce: the reader, too, can check it later.
pub fn receipt_bytes(queue: &QueueId, envelope: &EnvelopeId, expires: Timestamp) -> Vec<u8> {
    let mut out = b"kith mailbox receipt v1".to_vec();
    queue.encode(&mut out);
    envelope.encode(&mut out);
    expires.encode(&mut out);
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_everything_but_itself_on_one_stream_only() {
        let (mailbox, nonce) = (DeviceId([1; 32]), [2; 16]);
        let ask = |after, signature| Request::Subscribe {
            inbox: [3; 32],
            reader: ReaderId([7; 16]),
            after,
            signature,
        };
        let signed = ask(4, [5; 64]).signed_bytes(&mailbox, &nonce);
        assert_eq!(signed, ask(4, [6; 64]).signed_bytes(&mailbox, &nonce));
        assert_ne!(signed, ask(5, [5; 64]).signed_bytes(&mailbox, &nonce));
        assert_ne!(signed, ask(4, [5; 64]).signed_bytes(&mailbox, &[9; 16]));
        assert_ne!(signed, ask(4, [5; 64]).signed_bytes(&DeviceId([9; 32]), &nonce));
    }

    #[test]
    fn the_largest_words_fit_a_frame() {
        let queue = (QueueId([0; 16]), Access::Key { deposit: [0; 32] });
        let full = Request::Register {
            inbox: [0; 32],
            period: 0,
            readers: BoundedVec::truncated(vec![ReaderId([0; 16]); MAX_READERS]),
            queues: BoundedVec::truncated(vec![queue; MAX_QUEUES]),
            owners: BoundedVec::truncated(vec![([0; 32], [0; 64]); MAX_QUEUES]),
            admission: Admission::Voucher { voucher: BoundedBytes::new(vec![0; MAX_VOUCHER_BYTES]).unwrap() },
            signature: [0; 64],
        };
        assert!(Numbered { number: 1, word: full }.to_bytes().len() <= MAX_MAILBOX_FRAME_BYTES);
        let envelope = Envelope::new([1; 16], &vec![2; MAX_ENVELOPE_BYTES - 17]).unwrap();
        let work = Some(WorkProof { challenge: [3; 32], solution: 4 });
        let (queue, keep, signature) = (QueueId([5; 16]), KeepFor::Days14, [6; 64]);
        let full = Request::Deposit { queue, envelope, keep, work, signature };
        assert!(Numbered { number: 1, word: full }.to_bytes().len() <= MAX_MAILBOX_FRAME_BYTES);
        let entry =
            IndexEntry { sequence: 1, queue: QueueId([0; 16]), envelope: EnvelopeId([0; 16]), size_class: 0 };
        let full = Answer::Index { entries: BoundedVec::new(vec![entry; MAX_INDEX]).unwrap() };
        let wire = Numbered { number: 1, word: full }.to_wire();
        assert!(wire.len() <= 4 + MAX_MAILBOX_FRAME_BYTES);
        assert_eq!(wire[..4], u32::try_from(wire.len() - 4).unwrap().to_le_bytes());
    }
    #[test]
    fn the_bytes_of_an_answer_are_counted_as_they_are_written() {
        for class in SIZE_CLASSES {
            let envelope = Envelope::new([1; 16], &vec![2; class - 17]).unwrap();
            for work in [None, Some(WorkProof { challenge: [3; 32], solution: 4 })] {
                let word = Answer::Envelope { sequence: 1 << 60, envelope: envelope.clone(), work };
                let answer = Numbered { number: 9, word };
                assert_eq!(answer.wire_bytes(), answer.to_wire().len());
                assert!(answer.wire_bytes() <= 4 + MAX_MAILBOX_FRAME_BYTES);
            }
        }
        let answer = Numbered { number: 9, word: Answer::OverQuota { retry_after_secs: 1 } };
        assert_eq!(answer.wire_bytes(), answer.to_wire().len());
    }
}
