//! What two devices say to each other about a call, inside the payloads of their sessions.
//!
//! A call is between accounts; each pair of devices in it is a *leg*, and all words here are about one leg. But for
//! `Missed`, nothing waits in an outbox or a mailbox: words are said on a live connection, said again until the other
//! side shows that it heard, and mean the same however often they come.
//!
//! | word | said by | again until |
//! |---|---|---|
//! | Invite | who calls, to each device | the call is over or taken |
//! | Ringing | a device that rings, to each `Invite` | |
//! | Accept | a device whose person answers | `Alive` or a step comes |
//! | Reject, Cancel, Taken, HangUp | whoever ends it, and to whatever comes later | |
//! | Alive | both, once it is answered | the end |
//! | Step | both: one of a numbered row | `Alive` says that it was taken |
//! | Missed | who called, to devices that did not ring | a receipt: it waits, and goes by mailbox |
//! | Present, Absent, Between | whoever is in a call of a group ([`group`]) | |
//!
//! Not here: when what is said (`kith-engine`, `calls`), what a description means (the media crate), and the words
//! between those two on one device ([`media`]).

pub mod group;
pub mod media;

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use self::group::Between;
use self::group::CallKey;
use self::group::Present;
use crate::bounded::BoundedBytes;
use crate::bounded::BoundedStr;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::codec::put_varint;
use crate::error::DecodeError;
use crate::id::CallId;
use crate::id::DeviceId;
use crate::time::Timestamp;

/// The version of call words that this crate writes.
pub const CALL_VERSION: u8 = 1;

/// The longest description in bytes. One with sound, a camera and a screen has some 8 KiB, and one must fit a content.
pub const MAX_SDP_BYTES: usize = 16 << 10;

/// The longest candidate in bytes: two IPv6 addresses and a dozen extensions.
pub const MAX_CANDIDATE_BYTES: usize = 256;

/// The most candidates in one word. A device with a dozen addresses and three relays has some forty.
pub const MAX_CANDIDATES: usize = 32;

/// The longest that anything rings.
pub const MAX_RINGS_MS: u32 = 120_000;

/// The longest word that this version does not know, in bytes.
pub const MAX_UNKNOWN_CALL_BYTES: usize = 24 << 10;

/// A session description (RFC 8866).
pub type Sdp = BoundedStr<MAX_SDP_BYTES>;

/// A candidate: the value of an `a=candidate` line (RFC 8839, 5.1) of the first section; all others are bundled with it.
pub type Candidate = BoundedStr<MAX_CANDIDATE_BYTES>;

/// Some candidates.
pub type Candidates = BoundedVec<Candidate, MAX_CANDIDATES>;

/// A word about a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallWord {
    /// Which call.
    pub call: CallId,
    /// What is said.
    pub signal: Signal,
}

/// What is said about a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// Somebody calls, now.
    Invite {
        /// For how long it still rings, in milliseconds; at most [`MAX_RINGS_MS`].
        rings_ms: u32,
        /// What the caller is going to send.
        media: Media,
        /// What the caller's device can do.
        capabilities: Capabilities,
    },
    /// It rings here.
    Ringing,
    /// It was answered here.
    Accept {
        /// What is going to be sent.
        media: Media,
        /// What this device can do.
        capabilities: Capabilities,
    },
    /// It is not answered here.
    Reject {
        /// Why.
        why: Reject,
    },
    /// Whoever called does not want to any more.
    Cancel,
    /// Another device of yours has it.
    Taken {
        /// Which.
        by: DeviceId,
        /// Whether it was answered there; else it was declined.
        answered: bool,
    },
    /// It is over.
    HangUp {
        /// Why.
        why: HangUp,
    },
    /// This side is still in the call.
    Alive {
        /// The steps of yours up to this number were taken.
        taken: u32,
    },
    /// You were called, and no device of yours that I reached rang. This one waits for you.
    Missed {
        /// When that was, by the caller's clock.
        at: Timestamp,
        /// What the caller would have sent.
        media: Media,
    },
    /// One of a row of steps, which are taken in order.
    Step {
        /// Its number in the leg, from 1 on in each direction.
        number: u32,
        /// What it says.
        step: Step,
    },
    /// Whoever says it is in this call of a group.
    Present(Box<Present>),
    /// Whoever says it is in this call of a group no more.
    Absent,
    /// Something between two who are in a call of a group.
    Between(Box<Between>),
    /// Something that a later version says.
    Unknown {
        /// The version.
        version: u8,
        /// The word.
        tag: u8,
        /// Its bytes.
        bytes: BoundedBytes<MAX_UNKNOWN_CALL_BYTES>,
    },
}

/// What must be taken once and in order.
///
/// An *epoch* is one try to find a way between the two devices. Only the device that offers first, which is the caller's,
/// begins one; what belongs to an older one is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// How this side sends and receives.
    Description {
        /// The epoch it belongs to.
        epoch: u32,
        /// Whether it asks for an answer; else it is one.
        offer: bool,
        /// The description.
        sdp: Sdp,
    },
    /// Where this side may be reached.
    Candidates {
        /// The epoch they belong to.
        epoch: u32,
        /// The candidates.
        list: Candidates,
        /// Whether there are no more in this epoch.
        done: bool,
    },
    /// From the device that offers: a new epoch begins. From the other: please begin one.
    Restart {
        /// The new epoch; in a request, the present one.
        epoch: u32,
        /// Whether a whole new connection is made; else the one that is there looks for another way.
        anew: bool,
    },
    /// What this side sends now.
    Media(Media),
    /// How this side seals its frames; only in a call of a group.
    Key {
        /// The generation of the key: another one after somebody has left.
        generation: u8,
        /// Its step: one more after somebody has come.
        step: u8,
        /// The key.
        key: CallKey,
    },
    /// Somebody who keeps order asks the receiver to mute themselves; only in a call of a group.
    Mute,
}

/// What somebody sends in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Their voice; not when they are muted.
    pub microphone: bool,
    /// Their picture.
    pub camera: bool,
    /// Their screen.
    pub screen: bool,
    /// They are busy elsewhere: nothing is sent or played.
    pub hold: bool,
    /// They keep what they see.
    pub recording: bool,
}

impl Media {
    /// Voice alone.
    pub const AUDIO: Self =
        Self { microphone: true, camera: false, screen: false, hold: false, recording: false };

    /// Voice and picture.
    pub const VIDEO: Self = Self { camera: true, ..Self::AUDIO };

    /// Whether there is anything to see.
    pub const fn has_video(self) -> bool {
        self.camera || self.screen
    }
}

impl Encode for Media {
    fn encode(&self, out: &mut Vec<u8>) {
        let bits = [self.microphone, self.camera, self.screen, self.hold, self.recording];
        out.push(bits.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit)));
    }
}

impl Decode for Media {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bits = u8::decode(reader)?;
        if bits >= 32 {
            return Err(DecodeError::Invalid { what: "media of a call" });
        }
        let bit = |at: u8| bits >> at & 1 == 1;
        Ok(Self { microphone: bit(0), camera: bit(1), screen: bit(2), hold: bit(3), recording: bit(4) })
    }
}

/// What a device can do in a call, as bits. Those that are not known here are kept and mean nothing.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// Opus, which everybody has.
    pub const OPUS: Self = Self(1);
    /// VP8.
    pub const VP8: Self = Self(1 << 1);
    /// H.264, constrained baseline.
    pub const H264: Self = Self(1 << 2);
    /// VP9.
    pub const VP9: Self = Self(1 << 3);
    /// AV1.
    pub const AV1: Self = Self(1 << 4);
    /// Deep redundancy of Opus 1.5: lost speech is made again from what came later.
    pub const DRED: Self = Self(1 << 5);
    /// It can show a screen.
    pub const SCREEN: Self = Self(1 << 6);
    /// Frames may be sealed once more, for calls that somebody forwards.
    pub const SFRAME: Self = Self(1 << 7);

    /// Whether all of these are there.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and others.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Capabilities({:#x})", self.0)
    }
}

impl Encode for Capabilities {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0);
    }
}

impl Decode for Capabilities {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.varint("capabilities", u64::MAX).map(Self)
    }
}

/// Why a call is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reject {
    /// This device is in another call.
    Busy,
    /// The person does not want to.
    Declined,
    /// This device cannot make calls, or not of this kind.
    Unsupported,
}

/// Why a call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HangUp {
    /// The person has hung up.
    Finished,
    /// No connection was found, or it was lost for too long.
    Failed,
    /// This device knows of no such call: it was started anew.
    Gone,
}

macro_rules! numbered {
    ($name:ident, $what:literal: $($number:literal => $variant:ident),*) => {
        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.push(match self { $(Self::$variant => $number),* });
            }
        }
        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match u8::decode(reader)? {
                    $($number => Ok(Self::$variant),)*
                    _ => Err(DecodeError::Invalid { what: $what }),
                }
            }
        }
    };
}
numbered!(Reject, "reason to reject a call": 0 => Busy, 1 => Declined, 2 => Unsupported);
numbered!(HangUp, "reason to hang up": 0 => Finished, 1 => Failed, 2 => Gone);

/// The tag of an [`Signal::Invite`], in all versions: what is not understood otherwise can still be refused.
pub const INVITE_TAG: u8 = 1;

impl Encode for CallWord {
    fn encode(&self, out: &mut Vec<u8>) {
        let (version, tag) = match &self.signal {
            Signal::Unknown { version, tag, .. } => (*version, *tag),
            known => (CALL_VERSION, known.tag()),
        };
        out.push(version);
        self.call.encode(out);
        out.push(tag);
        self.signal.put_fields(out);
    }
}

impl Signal {
    fn tag(&self) -> u8 {
        match self {
            Self::Invite { .. } => INVITE_TAG,
            Self::Ringing => 2,
            Self::Accept { .. } => 3,
            Self::Reject { .. } => 4,
            Self::Cancel => 5,
            Self::Taken { .. } => 6,
            Self::HangUp { .. } => 7,
            Self::Alive { .. } => 8,
            Self::Missed { .. } => 9,
            Self::Step { .. } => 10,
            Self::Present(_) => 11,
            Self::Absent => 12,
            Self::Between(_) => 13,
            Self::Unknown { tag, .. } => *tag,
        }
    }

    fn put_fields(&self, out: &mut Vec<u8>) {
        match self {
            Self::Invite { rings_ms, media, capabilities } => {
                put_varint(out, u64::from(*rings_ms));
                media.encode(out);
                capabilities.encode(out);
            }
            Self::Accept { media, capabilities } => {
                media.encode(out);
                capabilities.encode(out);
            }
            Self::Ringing | Self::Cancel | Self::Absent => {}
            Self::Present(present) => present.encode(out),
            Self::Between(between) => between.encode(out),
            Self::Reject { why } => why.encode(out),
            Self::Taken { by, answered } => {
                by.encode(out);
                answered.encode(out);
            }
            Self::HangUp { why } => why.encode(out),
            Self::Alive { taken } => put_varint(out, u64::from(*taken)),
            Self::Missed { at, media } => {
                at.encode(out);
                media.encode(out);
            }
            Self::Step { number, step } => {
                put_varint(out, u64::from(*number));
                step.encode(out);
            }
            Self::Unknown { bytes, .. } => out.extend_from_slice(bytes),
        }
    }
}

fn number(reader: &mut Reader<'_>, what: &'static str, limit: u32) -> Result<u32, DecodeError> {
    let value = reader.varint(what, u64::from(limit))?;
    u32::try_from(value).map_err(|_| DecodeError::TooLarge { what, limit: u64::from(limit) })
}

impl Decode for CallWord {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = u8::decode(reader)?;
        let call = Decode::decode(reader)?;
        let tag = u8::decode(reader)?;
        let signal = match (version, tag) {
            (0, _) => return Err(DecodeError::Invalid { what: "call version" }),
            (_, 0) => return Err(DecodeError::Invalid { what: "call word" }),
            (CALL_VERSION, INVITE_TAG) => Signal::Invite {
                rings_ms: number(reader, "ringing time", MAX_RINGS_MS)?,
                media: Decode::decode(reader)?,
                capabilities: Decode::decode(reader)?,
            },
            (CALL_VERSION, 2) => Signal::Ringing,
            (CALL_VERSION, 3) => {
                Signal::Accept { media: Decode::decode(reader)?, capabilities: Decode::decode(reader)? }
            }
            (CALL_VERSION, 4) => Signal::Reject { why: Decode::decode(reader)? },
            (CALL_VERSION, 5) => Signal::Cancel,
            (CALL_VERSION, 6) => {
                Signal::Taken { by: Decode::decode(reader)?, answered: Decode::decode(reader)? }
            }
            (CALL_VERSION, 7) => Signal::HangUp { why: Decode::decode(reader)? },
            (CALL_VERSION, 8) => Signal::Alive { taken: number(reader, "step", u32::MAX)? },
            (CALL_VERSION, 9) => {
                Signal::Missed { at: Decode::decode(reader)?, media: Decode::decode(reader)? }
            }
            (CALL_VERSION, 10) => {
                Signal::Step { number: number(reader, "step", u32::MAX)?, step: Decode::decode(reader)? }
            }
            (CALL_VERSION, 11) => Signal::Present(Box::new(Decode::decode(reader)?)),
            (CALL_VERSION, 12) => Signal::Absent,
            (CALL_VERSION, 13) => Signal::Between(Box::new(Decode::decode(reader)?)),
            (version, tag) => {
                let limit = MAX_UNKNOWN_CALL_BYTES as u64;
                let bytes = BoundedBytes::new(reader.take_rest().to_vec());
                let bytes = bytes.ok_or(DecodeError::TooLarge { what: "call word", limit })?;
                Signal::Unknown { version, tag, bytes }
            }
        };
        Ok(Self { call, signal })
    }
}

impl Encode for Step {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Description { epoch, offer, sdp } => {
                out.push(1);
                put_varint(out, u64::from(*epoch));
                offer.encode(out);
                sdp.encode(out);
            }
            Self::Candidates { epoch, list, done } => {
                out.push(2);
                put_varint(out, u64::from(*epoch));
                list.encode(out);
                done.encode(out);
            }
            Self::Restart { epoch, anew } => {
                out.push(3);
                put_varint(out, u64::from(*epoch));
                anew.encode(out);
            }
            Self::Media(media) => {
                out.push(4);
                media.encode(out);
            }
            Self::Key { generation, step, key } => {
                out.push(5);
                generation.encode(out);
                step.encode(out);
                key.encode(out);
            }
            Self::Mute => out.push(6),
        }
    }
}

impl Decode for Step {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let tag = u8::decode(reader)?;
        match tag {
            4 => return Ok(Self::Media(Decode::decode(reader)?)),
            5 => {
                let (generation, step) = (Decode::decode(reader)?, Decode::decode(reader)?);
                return Ok(Self::Key { generation, step, key: Decode::decode(reader)? });
            }
            6 => return Ok(Self::Mute),
            _ => {}
        }
        let epoch = number(reader, "epoch", u32::MAX)?;
        Ok(match tag {
            1 => Self::Description { epoch, offer: Decode::decode(reader)?, sdp: Decode::decode(reader)? },
            2 => Self::Candidates { epoch, list: Decode::decode(reader)?, done: Decode::decode(reader)? },
            3 => Self::Restart { epoch, anew: Decode::decode(reader)? },
            _ => return Err(DecodeError::Invalid { what: "step of a call" }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_are_bits_and_others_than_these_are_refused() {
        for bits in 0..32_u8 {
            assert_eq!(Media::from_bytes(&[bits]).unwrap().to_bytes(), [bits]);
        }
        assert_eq!(Media::AUDIO.to_bytes(), [1]);
        assert_eq!(Media::VIDEO.to_bytes(), [3]);
        assert!(Media::from_bytes(&[32]).is_err());
    }

    #[test]
    fn a_word_of_a_later_version_still_tells_which_call_it_is_about() {
        let bytes = [[2].as_slice(), &[7; 16], &[INVITE_TAG, 1, 2, 3]].concat();
        let word = CallWord::from_bytes(&bytes).unwrap();
        assert_eq!(word.call, CallId([7; 16]));
        assert!(matches!(word.signal, Signal::Unknown { version: 2, tag: INVITE_TAG, .. }));
        assert_eq!(word.to_bytes(), bytes);
    }

    #[test]
    fn nothing_rings_for_longer_than_it_may() {
        let mut word = [[CALL_VERSION].as_slice(), &[7; 16], &[INVITE_TAG]].concat();
        put_varint(&mut word, u64::from(MAX_RINGS_MS) + 1);
        word.extend([1, 1]);
        let refused = DecodeError::TooLarge { what: "ringing time", limit: u64::from(MAX_RINGS_MS) };
        assert_eq!(CallWord::from_bytes(&word), Err(refused));
    }
}
