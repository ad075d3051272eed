//! The frames of `/kith/dm/1`, the direct stream between two devices: each is a `u32` little-endian length and a body.
//!
//! The stream is authenticated by libp2p, so both ends know the other's device. Each side opens its own stream and
//! writes only there. It says `Hello`, puts a fresh receipt if it has a session, then `Ready`; only after the other
//! side's `Ready` does it put waiting messages, so that nothing already received is sent again.

use serde::Deserialize;
use serde::Serialize;

use crate::bounded::BoundedBytes;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::envelope::Envelope;
use crate::envelope::MAX_ENVELOPE_BYTES;
use crate::error::DecodeError;
use crate::id::InviteId;

/// The libp2p protocol name of the direct stream.
pub const DM_PROTOCOL: &str = "/kith/dm/1";

/// The longest frame body: an envelope of the largest class and its tag and length.
pub const MAX_FRAME_BYTES: usize = MAX_ENVELOPE_BYTES + 16;

/// The longest signed device list: eight devices and their revoked predecessors.
pub const MAX_DEVICE_LIST_BYTES: usize = 4096;

/// The longest prekey bundle: ML-KEM-768 and X-Wing keys, one one-time prekey and the signatures.
pub const MAX_BUNDLE_BYTES: usize = 4096;

/// The version of the frames that this crate writes.
pub const FRAME_VERSION: u8 = 1;

/// A signed device list, opaque here (`kith-crypto` reads it).
pub type DeviceListBytes = BoundedBytes<MAX_DEVICE_LIST_BYTES>;

/// A signed prekey bundle, opaque here (`kith-crypto` reads it).
pub type BundleBytes = BoundedBytes<MAX_BUNDLE_BYTES>;

/// One frame between two devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame {
    /// The first frame on every stream.
    Hello {
        /// The highest frame version the sender understands.
        version: u8,
    },
    /// Everything the sender needs the other side to know before it may put messages has been put.
    Ready,
    /// A sealed envelope for the device at the other end.
    Put(Envelope),
    /// Asks for the device list and a prekey bundle of the device at the other end.
    PrekeyRequest {
        /// The invite that allows the question; `None` between contacts.
        invite: Option<InviteProof>,
    },
    /// The answer to [`Frame::PrekeyRequest`].
    Prekeys {
        /// The signed device list of the answering account.
        device_list: DeviceListBytes,
        /// The signed prekeys of the answering device.
        bundle: BundleBytes,
    },
    /// The device at the other end does not hand its prekeys to the asker.
    PrekeysRefused,
}

/// Shows that the asker holds an invite, without saying its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteProof {
    /// Which invite.
    pub invite: InviteId,
    /// A MAC under the invite's secret over both devices (`kith-crypto`, `invite`).
    pub mac: [u8; 32],
}

impl Encode for InviteProof {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invite.encode(out);
        self.mac.encode(out);
    }
}

impl Decode for InviteProof {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { invite: InviteId::decode(reader)?, mac: reader.array()? })
    }
}

impl Frame {
    /// The frame with its length before it, as written to the stream.
    pub fn to_wire(&self) -> Vec<u8> {
        let mut out = vec![0; 4];
        self.encode(&mut out);
        let body = u32::try_from(out.len() - 4).unwrap_or(u32::MAX);
        for (to, from) in out.iter_mut().zip(body.to_le_bytes()) {
            *to = from;
        }
        out
    }
}

impl Encode for Frame {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello { version } => {
                out.push(0);
                version.encode(out);
            }
            Self::Ready => out.push(1),
            Self::Put(envelope) => {
                out.push(2);
                envelope.encode(out);
            }
            Self::PrekeyRequest { invite } => {
                out.push(3);
                invite.encode(out);
            }
            Self::Prekeys { device_list, bundle } => {
                out.push(4);
                device_list.encode(out);
                bundle.encode(out);
            }
            Self::PrekeysRefused => out.push(5),
        }
    }
}

impl Decode for Frame {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Hello { version: u8::decode(reader)? },
            1 => Self::Ready,
            2 => Self::Put(Envelope::decode(reader)?),
            3 => Self::PrekeyRequest { invite: Option::decode(reader)? },
            4 => Self::Prekeys { device_list: Decode::decode(reader)?, bundle: Decode::decode(reader)? },
            5 => Self::PrekeysRefused,
            _ => return Err(DecodeError::Invalid { what: "frame kind" }),
        })
    }
}
