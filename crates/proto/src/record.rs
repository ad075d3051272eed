//! What the DHT holds. A record is signed by a *blinded* key that only the owner can use and only those who know the
//! owner can find; its body is sealed for them. A DHT node learns neither who it is about nor what it says.
//!
//! The DHT is a hint: nothing depends on it that does not also travel in band.

use serde::Deserialize;
use serde::Serialize;

use crate::address::DeviceAddress;
use crate::address::MAX_ADDRESSES;
use crate::address::Multiaddress;
use crate::bounded::BoundedBytes;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::error::DecodeError;
use crate::frame::BundleBytes;
use crate::frame::DeviceListBytes;
use crate::group::LinkHost;
use crate::id::RecordKey;
use crate::payload::MAX_PLACES;
use crate::time::Timestamp;

/// The largest record in bytes (DESIGN, section 6).
pub const MAX_RECORD_BYTES: usize = 4096;

/// The largest sealed body: a record less its head and signature.
pub const MAX_RECORD_BODY_BYTES: usize = 3584;

/// How far in the future a record may expire, in milliseconds: 48 hours. Older software cannot fill the DHT with junk
/// that never goes away.
pub const MAX_RECORD_LIFE_MILLIS: u64 = 48 * 3_600_000;

/// The most hosts in a record: some are gone when it is read.
pub const MAX_HOSTS: usize = 8;

const RECORD_VERSION: u8 = 1;

/// What a record is about. The kind is part of the key, so records of different kinds never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RecordKind {
    /// Where a device can be reached, for those who hold a secret: a sealed [`DeviceRecord`].
    Device,
    /// How to write to a device that is away, for whoever holds an invite: a sealed [`CardRecord`].
    Card,
    /// Where the mailboxes of a device are now, for one device of a contact: a sealed [`ListRecord`].
    List,
    /// How to ask the owner of an account, for whoever knows its address: a sealed [`CardRecord`].
    Knock,
    /// Who answers the holders of a link into a group now: a sealed [`HostsRecord`].
    Hosts,
}

/// A signed record as DHT nodes hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What it is about.
    pub kind: RecordKind,
    /// The blinded Ed25519 key that signs it.
    pub blinded_key: [u8; 32],
    /// Grows with every change; the highest valid one wins.
    pub sequence: u64,
    /// When it stops being valid.
    pub expires: Timestamp,
    /// The sealed body.
    pub body: BoundedBytes<MAX_RECORD_BODY_BYTES>,
    /// The Ed25519 signature over [`Record::signed_bytes`].
    pub signature: BoundedBytes<64>,
}

/// The opened body of a [`RecordKind::Device`] record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// Where the device can be reached, best first.
    pub addresses: BoundedVec<Multiaddress, MAX_ADDRESSES>,
}

/// The opened body of a [`RecordKind::Card`] or [`RecordKind::Knock`] record: all that somebody needs to leave a request for
/// a device that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRecord {
    /// The account's signed devices.
    pub device_list: DeviceListBytes,
    /// Prekeys of this device, without a one-time prekey.
    pub bundle: BundleBytes,
    /// Its mailboxes.
    pub places: BoundedVec<DeviceAddress, MAX_PLACES>,
}

/// The opened body of a [`RecordKind::List`] record. The queues there are known already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRecord {
    /// Grows with every change, and with that of the list that is told in band.
    pub version: u64,
    /// Its mailboxes.
    pub places: BoundedVec<DeviceAddress, MAX_PLACES>,
}

/// The opened body of a [`RecordKind::Hosts`] record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsRecord {
    /// Who answered when it was made, whoever made it first.
    pub hosts: BoundedVec<LinkHost, MAX_HOSTS>,
}

impl RecordKind {
    fn tag(self) -> u8 {
        match self {
            Self::Device => 1,
            Self::Card => 2,
            Self::List => 3,
            Self::Knock => 4,
            Self::Hosts => 5,
        }
    }
}

impl Record {
    /// Where a record of this kind and key lives.
    pub fn key_for(kind: RecordKind, blinded_key: &[u8; 32]) -> RecordKey {
        let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 record key v1");
        hasher.update(&[kind.tag()]);
        hasher.update(blinded_key);
        RecordKey(*hasher.finalize().as_bytes())
    }

    /// Where this record lives.
    pub fn key(&self) -> RecordKey {
        Self::key_for(self.kind, &self.blinded_key)
    }

    /// What the signature covers: a label, and everything before the signature.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut out = b"kith dht record v1".to_vec();
        self.encode_unsigned(&mut out);
        out
    }

    fn encode_unsigned(&self, out: &mut Vec<u8>) {
        out.push(RECORD_VERSION);
        out.push(self.kind.tag());
        self.blinded_key.encode(out);
        self.sequence.encode(out);
        self.expires.encode(out);
        self.body.encode(out);
    }
}

impl Encode for Record {
    fn encode(&self, out: &mut Vec<u8>) {
        self.encode_unsigned(out);
        self.signature.encode(out);
    }
}

impl Decode for Record {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != RECORD_VERSION {
            return Err(DecodeError::Invalid { what: "record version" });
        }
        let kind = match u8::decode(reader)? {
            1 => RecordKind::Device,
            2 => RecordKind::Card,
            3 => RecordKind::List,
            4 => RecordKind::Knock,
            5 => RecordKind::Hosts,
            _ => return Err(DecodeError::Invalid { what: "record kind" }),
        };
        let record = Self {
            kind,
            blinded_key: reader.array()?,
            sequence: Decode::decode(reader)?,
            expires: Decode::decode(reader)?,
            body: Decode::decode(reader)?,
            signature: Decode::decode(reader)?,
        };
        if record.signature.len() == 64 {
            Ok(record)
        } else {
            Err(DecodeError::Invalid { what: "signature" })
        }
    }
}

impl Encode for DeviceRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        self.addresses.encode(out);
    }
}

impl Decode for DeviceRecord {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { addresses: Decode::decode(reader)? })
    }
}

impl Encode for CardRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        self.device_list.encode(out);
        self.bundle.encode(out);
        self.places.encode(out);
    }
}

impl Decode for CardRecord {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            device_list: Decode::decode(reader)?,
            bundle: Decode::decode(reader)?,
            places: Decode::decode(reader)?,
        })
    }
}

impl Encode for ListRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        self.version.encode(out);
        self.places.encode(out);
    }
}

impl Decode for ListRecord {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { version: Decode::decode(reader)?, places: Decode::decode(reader)? })
    }
}

impl Encode for HostsRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        self.hosts.encode(out);
    }
}

impl Decode for HostsRecord {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { hosts: Decode::decode(reader)? })
    }
}
