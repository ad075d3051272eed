//! What is asked of a mailbox. Each signed word builds its own signed bytes, so that both ends sign the same.

use serde::Deserialize;
use serde::Serialize;

use super::Life;
use super::MAILBOX_VERSION;
use super::MAX_MAILBOX_FRAME_BYTES;
use super::MAX_QUEUES;
use super::MAX_SEQUENCES;
use super::MAX_VOUCHER_BYTES;
use super::Nonce;
use super::Sequence;
use super::Signature;
use super::WorkProof;
use crate::address::DeviceAddress;
use crate::bounded::BoundedBytes;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::envelope::Envelope;
use crate::error::DecodeError;
use crate::id::DeviceId;
use crate::id::QueueId;

/// The longest sealed deposit that may be forwarded: a frame less the words around it.
const MAX_FORWARDED_BYTES: usize = MAX_MAILBOX_FRAME_BYTES - 256;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// The first word of the asker.
    Hello {
        /// The highest version the asker understands.
        version: u8,
    },
    /// Opens an inbox with queues, or changes its queues.
    Register(Box<Register>),
    /// Leaves an envelope in a queue.
    Deposit(Box<Deposit>),
    /// Asks for the index of an inbox, and to be told what arrives from now on.
    Subscribe(Subscribe),
    /// Asks for envelopes of the subscribed inbox.
    Get(BoundedVec<Sequence, MAX_SEQUENCES>),
    /// Lets envelopes of the subscribed inbox go.
    Delete(Delete),
    /// Asks this mailbox to hand a deposit to another one, so that the other does not see where it came from.
    Forward(Box<Forward>),
    /// Asks what this mailbox offers.
    Info,
}

/// An inbox and its queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The Ed25519 key of the inbox, different for each mailbox and period.
    pub inbox: [u8; 32],
    /// The period, in weeks since 1970-01-01.
    pub period: u32,
    /// Why the mailbox should take it.
    pub admission: Admission,
    /// The queues of the inbox.
    pub queues: BoundedVec<QueueTerms, MAX_QUEUES>,
    /// By the inbox key over [`Register::signed_bytes`].
    pub signature: Signature,
}

/// Why a mailbox should take an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Admission {
    /// It is known already, or the mailbox is open.
    Nothing,
    /// Work was done for it: over the inbox key.
    Work(WorkProof),
    /// A community vouches for it.
    Voucher(BoundedBytes<MAX_VOUCHER_BYTES>),
}

/// What may be left in one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueTerms {
    /// The queue.
    pub queue: QueueId,
    /// The Ed25519 key that deposits must be signed with.
    pub deposit_key: [u8; 32],
    /// How many envelopes may wait.
    pub max_envelopes: u16,
    /// How many bytes may wait.
    pub max_bytes: u32,
    /// The longest time an envelope may wait.
    pub life: Life,
}

/// An envelope for a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// The queue.
    pub queue: QueueId,
    /// How long it should wait.
    pub life: Life,
    /// Work for a queue that strangers knock at: over [`Deposit::signed_bytes`].
    pub work: Option<WorkProof>,
    /// The envelope.
    pub envelope: Envelope,
    /// By the queue's deposit key over [`Deposit::signed_bytes`].
    pub signature: Signature,
}

/// The wish to read an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribe {
    /// The key of the inbox.
    pub inbox: [u8; 32],
    /// Its period.
    pub period: u32,
    /// What has been seen already.
    pub after: Sequence,
    /// By the inbox key over [`Subscribe::signed_bytes`].
    pub signature: Signature,
}

/// What to let go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delete {
    /// Everything up to this one.
    UpTo(Sequence),
    /// These.
    These(BoundedVec<Sequence, MAX_SEQUENCES>),
}

/// A deposit for another mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// The other mailbox, and where it is.
    pub to: DeviceAddress,
    /// A [`Deposit`] sealed for it, signed with a nonce of zeroes; repeating it has no effect, because the envelope's id
    /// is known then.
    pub sealed: BoundedBytes<MAX_FORWARDED_BYTES>,
}

impl Register {
    /// What the signature covers on a stream to `mailbox` with this `nonce`.
    pub fn signed_bytes(&self, mailbox: &DeviceId, nonce: &Nonce) -> Vec<u8> {
        let mut out = signed_head(b"kith mailbox register v1", mailbox, nonce);
        self.encode_unsigned(&mut out);
        out
    }

    fn encode_unsigned(&self, out: &mut Vec<u8>) {
        self.inbox.encode(out);
        self.period.encode(out);
        self.admission.encode(out);
        self.queues.encode(out);
    }
}

impl Deposit {
    /// What the signature and the work cover on a stream to `mailbox` with this `nonce`. The envelope is covered by id.
    pub fn signed_bytes(&self, mailbox: &DeviceId, nonce: &Nonce) -> Vec<u8> {
        let mut out = signed_head(b"kith mailbox deposit v1", mailbox, nonce);
        self.queue.encode(&mut out);
        self.life.encode(&mut out);
        self.envelope.id().encode(&mut out);
        out
    }
}

impl Subscribe {
    /// What the signature covers on a stream to `mailbox` with this `nonce`.
    pub fn signed_bytes(&self, mailbox: &DeviceId, nonce: &Nonce) -> Vec<u8> {
        let mut out = signed_head(b"kith mailbox subscribe v1", mailbox, nonce);
        self.inbox.encode(&mut out);
        self.period.encode(&mut out);
        self.after.encode(&mut out);
        out
    }
}

fn signed_head(label: &[u8], mailbox: &DeviceId, nonce: &Nonce) -> Vec<u8> {
    let mut out = label.to_vec();
    mailbox.encode(&mut out);
    nonce.encode(&mut out);
    out
}

impl Request {
    /// The first word of this version.
    pub const HELLO: Self = Self::Hello { version: MAILBOX_VERSION };
}

impl Encode for Request {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello { version } => {
                out.push(0);
                version.encode(out);
            }
            Self::Register(register) => {
                out.push(1);
                register.encode(out);
            }
            Self::Deposit(deposit) => {
                out.push(2);
                deposit.encode(out);
            }
            Self::Subscribe(subscribe) => {
                out.push(3);
                subscribe.encode(out);
            }
            Self::Get(sequences) => {
                out.push(4);
                sequences.encode(out);
            }
            Self::Delete(delete) => {
                out.push(5);
                delete.encode(out);
            }
            Self::Forward(forward) => {
                out.push(6);
                forward.encode(out);
            }
            Self::Info => out.push(7),
        }
    }
}

impl Decode for Request {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Hello { version: Decode::decode(reader)? },
            1 => Self::Register(Box::new(Decode::decode(reader)?)),
            2 => Self::Deposit(Box::new(Decode::decode(reader)?)),
            3 => Self::Subscribe(Decode::decode(reader)?),
            4 => Self::Get(Decode::decode(reader)?),
            5 => Self::Delete(Decode::decode(reader)?),
            6 => Self::Forward(Box::new(Decode::decode(reader)?)),
            7 => Self::Info,
            _ => return Err(DecodeError::Invalid { what: "mailbox request" }),
        })
    }
}

impl Encode for Register {
    fn encode(&self, out: &mut Vec<u8>) {
        self.encode_unsigned(out);
        self.signature.encode(out);
    }
}

impl Decode for Register {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            inbox: reader.array()?,
            period: Decode::decode(reader)?,
            admission: Decode::decode(reader)?,
            queues: Decode::decode(reader)?,
            signature: Decode::decode(reader)?,
        })
    }
}

impl Encode for Admission {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nothing => out.push(0),
            Self::Work(proof) => {
                out.push(1);
                proof.encode(out);
            }
            Self::Voucher(voucher) => {
                out.push(2);
                voucher.encode(out);
            }
        }
    }
}

impl Decode for Admission {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Nothing,
            1 => Self::Work(Decode::decode(reader)?),
            2 => Self::Voucher(Decode::decode(reader)?),
            _ => return Err(DecodeError::Invalid { what: "admission" }),
        })
    }
}

impl Encode for QueueTerms {
    fn encode(&self, out: &mut Vec<u8>) {
        self.queue.encode(out);
        self.deposit_key.encode(out);
        self.max_envelopes.encode(out);
        self.max_bytes.encode(out);
        self.life.encode(out);
    }
}

impl Decode for QueueTerms {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            queue: Decode::decode(reader)?,
            deposit_key: reader.array()?,
            max_envelopes: Decode::decode(reader)?,
            max_bytes: Decode::decode(reader)?,
            life: Decode::decode(reader)?,
        })
    }
}

impl Encode for Deposit {
    fn encode(&self, out: &mut Vec<u8>) {
        self.queue.encode(out);
        self.life.encode(out);
        self.work.encode(out);
        self.envelope.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Deposit {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            queue: Decode::decode(reader)?,
            life: Decode::decode(reader)?,
            work: Decode::decode(reader)?,
            envelope: Decode::decode(reader)?,
            signature: Decode::decode(reader)?,
        })
    }
}

impl Encode for Subscribe {
    fn encode(&self, out: &mut Vec<u8>) {
        self.inbox.encode(out);
        self.period.encode(out);
        self.after.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Subscribe {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            inbox: reader.array()?,
            period: Decode::decode(reader)?,
            after: Decode::decode(reader)?,
            signature: Decode::decode(reader)?,
        })
    }
}

impl Encode for Delete {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::UpTo(sequence) => {
                out.push(0);
                sequence.encode(out);
            }
            Self::These(sequences) => {
                out.push(1);
                sequences.encode(out);
            }
        }
    }
}

impl Decode for Delete {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::UpTo(Decode::decode(reader)?),
            1 => Self::These(Decode::decode(reader)?),
            _ => return Err(DecodeError::Invalid { what: "deletion" }),
        })
    }
}

impl Encode for Forward {
    fn encode(&self, out: &mut Vec<u8>) {
        self.to.encode(out);
        self.sealed.encode(out);
    }
}

impl Decode for Forward {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { to: Decode::decode(reader)?, sealed: Decode::decode(reader)? })
    }
}
