//! A multiaddress as this crate sees it: opaque bounded bytes in libp2p's binary form, without a peer id at the end.
//! Only `kith-net` parses it.

use serde::Deserialize;
use serde::Serialize;

use crate::bounded::BoundedBytes;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::error::DecodeError;
use crate::id::DeviceId;

/// The longest multiaddress we carry, in bytes: a relayed QUIC address with a DNS name fits, a flood does not.
pub const MAX_ADDRESS_BYTES: usize = 192;

/// How many addresses of one device we keep or tell: more than a few are stale or a flood.
pub const MAX_ADDRESSES: usize = 8;

/// A multiaddress in binary form. `Debug` prints its length only: an address says where somebody is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Multiaddress(pub BoundedBytes<MAX_ADDRESS_BYTES>);

impl Multiaddress {
    /// The address, or `None` when it is empty or too long.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        if bytes.is_empty() { None } else { BoundedBytes::new(bytes).map(Self) }
    }

    /// The binary form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Encode for Multiaddress {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for Multiaddress {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes: BoundedBytes<MAX_ADDRESS_BYTES> = Decode::decode(reader)?;
        if bytes.is_empty() { Err(DecodeError::Invalid { what: "address" }) } else { Ok(Self(bytes)) }
    }
}

/// A device and one place where it may be reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceAddress {
    /// Who answers there.
    pub device: DeviceId,
    /// Where.
    pub address: Multiaddress,
}

impl Encode for DeviceAddress {
    fn encode(&self, out: &mut Vec<u8>) {
        self.device.encode(out);
        self.address.encode(out);
    }
}

impl Decode for DeviceAddress {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { device: DeviceId::decode(reader)?, address: Multiaddress::decode(reader)? })
    }
}
