//! What is said in a call of a group beside what two devices of any call say: who is in it, and with which keys they seal.
//!
//! | word | said by | again until |
//! |---|---|---|
//! | Present | whoever is in the call: to the others in it, and now and then to all members that are connected | it has left |
//! | Absent | whoever has left, and to whatever comes later | |
//! | Between | two devices in the call: a step of a leg, and how far those of the other were taken | the end |
//!
//! Not here: who counts as being in the call, and when keys are made anew (`kith-engine`, `calls`).

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;
use zeroize::Zeroize;
use zeroize::ZeroizeOnDrop;

use super::Capabilities;
use super::Media;
use super::Step;
use super::number;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::codec::put_varint;
use crate::error::DecodeError;
use crate::id::DeviceId;
use crate::id::GroupId;
use crate::time::Timestamp;

/// The most devices in a call of a group. Whoever forwards for so many sends some 4 Mbit/s of speech alone.
pub const MAX_IN_CALL: usize = 16;

/// The length of a key that frames are sealed with: a hash of the cipher suite (RFC 9605, 5.1).
pub const CALL_KEY_BYTES: usize = 64;

/// Whoever says this is in a call of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Of which group.
    pub group: GroupId,
    /// When the call began, as far as they know.
    pub begun: Timestamp,
    /// When they came, by their clock. Only compared with what others say.
    pub since: Timestamp,
    /// Names the stay of theirs that the other device is part of, and grows with each: what is said to them names it, so that nothing of an earlier
    /// stay is taken for this one. The same for all, but for those whom they lost meanwhile.
    pub session: u64,
    /// What they send.
    pub media: Media,
    /// What their device can do.
    pub capabilities: Capabilities,
    /// Whether they have raised their hand.
    pub hand: bool,
    /// How well they can forward for the others: whoever has the highest does.
    pub rank: u8,
    /// Who forwards for them; nobody, if they want to be connected with each.
    pub forwarder: Option<DeviceId>,
    /// The other devices that they take as being in the call.
    pub others: BoundedVec<DeviceId, MAX_IN_CALL>,
    /// Those of them of which nothing comes at the moment.
    pub unheard: BoundedVec<DeviceId, MAX_IN_CALL>,
}

/// What passes between two devices in a call of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// The session of whoever says it, as in its `Present`.
    pub from: u64,
    /// The session of whoever it is said to.
    pub to: u64,
    /// The steps of the other side up to this number were taken.
    pub taken: u32,
    /// A step and its number, from 1 on.
    pub step: Option<(u32, Step)>,
}

/// A key that the frames of a device are sealed with: a base key of RFC 9605. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct CallKey([u8; CALL_KEY_BYTES]);

impl CallKey {
    /// Takes the bytes; the caller's copy is the caller's to wipe.
    pub const fn new(bytes: [u8; CALL_KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; CALL_KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallKey")
    }
}

impl Serialize for CallKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(to)
    }
}

impl<'de> Deserialize<'de> for CallKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = Vec::<u8>::deserialize(from)?;
        Ok(Self(bytes.try_into().map_err(|_| D::Error::custom("a key of a call has 64 bytes"))?))
    }
}

impl Encode for CallKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl Decode for CallKey {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(reader.array()?))
    }
}

impl Encode for Present {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.encode(out);
        self.begun.encode(out);
        self.since.encode(out);
        put_varint(out, self.session);
        self.media.encode(out);
        self.capabilities.encode(out);
        self.hand.encode(out);
        self.rank.encode(out);
        self.forwarder.encode(out);
        self.others.encode(out);
        self.unheard.encode(out);
    }
}

impl Decode for Present {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            group: Decode::decode(reader)?,
            begun: Decode::decode(reader)?,
            since: Decode::decode(reader)?,
            session: reader.varint("session", u64::MAX)?,
            media: Decode::decode(reader)?,
            capabilities: Decode::decode(reader)?,
            hand: Decode::decode(reader)?,
            rank: Decode::decode(reader)?,
            forwarder: Decode::decode(reader)?,
            others: Decode::decode(reader)?,
            unheard: Decode::decode(reader)?,
        })
    }
}

impl Encode for Between {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.from);
        put_varint(out, self.to);
        put_varint(out, u64::from(self.taken));
        // Steps are counted from 1 on: 0 is none.
        match &self.step {
            None => put_varint(out, 0),
            Some((number, step)) => {
                put_varint(out, u64::from(*number));
                step.encode(out);
            }
        }
    }
}

impl Decode for Between {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (from, to) = (reader.varint("session", u64::MAX)?, reader.varint("session", u64::MAX)?);
        let taken = number(reader, "step", u32::MAX)?;
        let step = match number(reader, "step", u32::MAX)? {
            0 => None,
            number => Some((number, Step::decode(reader)?)),
        };
        Ok(Self { from, to, taken, step })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were() {
        let present = Present {
            group: GroupId([1; 32]),
            begun: Timestamp(1_795_000_000_000),
            since: Timestamp(1_795_000_001_000),
            session: 70_000,
            media: Media::VIDEO,
            capabilities: Capabilities::OPUS.and(Capabilities::SFRAME),
            hand: true,
            rank: 3,
            forwarder: Some(DeviceId([2; 32])),
            others: BoundedVec::truncated(vec![DeviceId([2; 32]), DeviceId([3; 32])]),
            unheard: BoundedVec::truncated(vec![DeviceId([3; 32])]),
        };
        assert_eq!(Present::from_bytes(&present.to_bytes()), Ok(present));
        let key = Step::Key { generation: 9, step: 2, key: CallKey::new([5; CALL_KEY_BYTES]) };
        for step in [None, Some((1, key)), Some((300, Step::Mute))] {
            let between = Between { from: 1, to: u64::MAX, taken: 12, step };
            assert_eq!(Between::from_bytes(&between.to_bytes()), Ok(between));
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", CallKey::new([7; CALL_KEY_BYTES])), "CallKey");
    }
}
