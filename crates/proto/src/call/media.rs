//! The border on one device between the engine, which signals, and whatever moves sound and pictures. Plain data, so that
//! neither knows the other. Nothing here crosses the wire.
//!
//! ```text
//!  engine ── MediaCommand ──▶ media     Open, Describe, Candidates, AllowDirect, Restart, SetMedia, SetServers, Seal, Unseal, Forget, Forward, Close
//!  engine ◀── MediaEvent ──── media     Able, Servers, Described, Gathered, Path, Silence, Lacking, Failed
//! ```
//!
//! A leg lives from `Open` to `Close`. Each order about a leg may come twice, and about one that is closed or was never
//! opened: then it means nothing. A leg may be opened again, with a higher epoch: then it is another connection. The engine drops reports
//! about legs that it has closed, about connections before the present one, and descriptions and candidates of older epochs.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::Candidates;
use super::Capabilities;
use super::Media;
use super::Sdp;
use super::group::CallKey;
use crate::bounded::BoundedStr;
use crate::bounded::BoundedVec;
use crate::id::CallId;
use crate::id::DeviceId;

/// The most servers that are known at once: of three nodes, each with a relay and a STUN server for IPv4 and for IPv6.
pub const MAX_SERVERS: usize = 12;

/// The connection to one other device in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LegId {
    /// Which call.
    pub call: CallId,
    /// Which device.
    pub device: DeviceId,
}

/// Who begins with an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// This device.
    Offers,
    /// The other one.
    Answers,
}

/// Which ways may be tried, and so which addresses the other side learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ways {
    /// Through relays alone: nothing is gathered but candidates of relays.
    RelayOnly,
    /// All.
    Any,
}

/// A server that tells this device its address, or relays for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// Where (RFC 7064, RFC 7065): `stun:…` or `turn:…`.
    pub url: BoundedStr<256>,
    /// The user name for relaying; empty for none.
    pub user: BoundedStr<256>,
    /// The password for relaying; empty for none.
    pub password: BoundedStr<256>,
}

impl IceServer {
    /// Whether it relays.
    pub fn relays(&self) -> bool {
        self.url.starts_with("turn:") || self.url.starts_with("turns:")
    }
}

impl fmt::Debug for IceServer {
    /// Without credentials or address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IceServer")
    }
}

/// The servers.
pub type IceServers = BoundedVec<IceServer, MAX_SERVERS>;

/// What a leg is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Which.
    pub leg: LegId,
    /// The epoch that begins with it.
    pub epoch: u32,
    /// Who offers first.
    pub side: Side,
    /// Whether this device gives way when both offer at once (RFC 9429, perfect negotiation).
    pub polite: bool,
    /// Which ways may be tried.
    pub ways: Ways,
    /// What this device sends.
    pub media: Media,
    /// What the other device can do.
    pub theirs: Capabilities,
    /// The servers that may be used.
    pub servers: IceServers,
    /// Whether frames are sealed once more, with the keys of a call of a group (`Seal`, `Unseal`).
    pub sealed: bool,
}

/// What the engine wants of whatever moves sound and pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaCommand {
    /// Make a connection. The side that offers answers with `Described`.
    Open(Box<Opening>),
    /// The other side described itself; an offer is answered with `Described`.
    Describe {
        /// Which leg.
        leg: LegId,
        /// The epoch it belongs to. One that is new here restarts the search for a way (ICE restart).
        epoch: u32,
        /// Whether it asks for an answer.
        offer: bool,
        /// The description.
        sdp: Sdp,
    },
    /// The other side may be reached here.
    Candidates {
        /// Which leg.
        leg: LegId,
        /// The epoch they belong to.
        epoch: u32,
        /// The candidates.
        list: Candidates,
        /// Whether there are no more.
        done: bool,
    },
    /// All ways may be tried from now on: gather the other candidates too.
    AllowDirect {
        /// Which leg.
        leg: LegId,
    },
    /// Look for another way and offer it (ICE restart). Only on the side that offers.
    Restart {
        /// Which leg.
        leg: LegId,
        /// The epoch that begins.
        epoch: u32,
    },
    /// What this device sends from now on, in all legs. New kinds are offered by `Described`.
    SetMedia {
        /// In which call.
        call: CallId,
        /// What.
        media: Media,
    },
    /// These servers may be used from the next search for a way on, in all legs. Said by whoever asks for servers, as soon
    /// as it tells the engine [`MediaEvent::Servers`].
    SetServers {
        /// Which.
        servers: IceServers,
    },
    /// The own frames are sealed with this from now on, in all legs that are opened so.
    Seal {
        /// In which call.
        call: CallId,
        /// The number of this device in it, which stands in each frame.
        sender: u64,
        /// How.
        key: FrameKey,
    },
    /// The frames of another device are sealed with this, from now on or soon, whichever leg they come by.
    Unseal {
        /// In which call, and whose; there need be no such leg.
        from: LegId,
        /// Its number in the call.
        sender: u64,
        /// How.
        key: FrameKey,
    },
    /// The other device is in the call no more: its keys are forgotten.
    Forget {
        /// In which call, and which.
        from: LegId,
    },
    /// What comes by one leg of the call goes out by all others, sealed as it is; or no more.
    Forward {
        /// In which call.
        call: CallId,
        /// Whether.
        on: bool,
    },
    /// Frames of others are taken from this device as well, which forwards, and for some seconds from the one before it; from all other devices only their
    /// own.
    Through {
        /// In which call.
        call: CallId,
        /// Which; none, if each sends its own.
        device: Option<DeviceId>,
    },
    /// The connection is not needed any more.
    Close {
        /// Which leg.
        leg: LegId,
    },
}

/// A key for frames, and which of its sender's it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameKey {
    /// Its generation.
    pub generation: u8,
    /// Its step.
    pub step: u8,
    /// The key.
    pub key: CallKey,
}

impl MediaCommand {
    /// The leg it is about; nothing for what is about a whole call.
    pub fn leg(&self) -> Option<LegId> {
        match self {
            Self::Open(opening) => Some(opening.leg),
            Self::Describe { leg, .. }
            | Self::Candidates { leg, .. }
            | Self::AllowDirect { leg }
            | Self::Restart { leg, .. }
            | Self::Close { leg } => Some(*leg),
            Self::SetMedia { .. }
            | Self::SetServers { .. }
            | Self::Seal { .. }
            | Self::Unseal { .. }
            | Self::Forget { .. }
            | Self::Forward { .. }
            | Self::Through { .. } => None,
        }
    }
}

/// What whatever moves sound and pictures reports to the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaEvent {
    /// What can be done here; said at the start, and when it changes. `None`: calls cannot be made.
    Able {
        /// What.
        capabilities: Option<Capabilities>,
    },
    /// The servers that may be used from now on. Replaces the former list.
    Servers {
        /// Which.
        servers: IceServers,
    },
    /// This side describes itself.
    Described {
        /// In which leg.
        leg: LegId,
        /// The epoch it belongs to.
        epoch: u32,
        /// Whether it asks for an answer.
        offer: bool,
        /// The description.
        sdp: Sdp,
    },
    /// This side may be reached here.
    Gathered {
        /// In which leg.
        leg: LegId,
        /// The epoch they belong to.
        epoch: u32,
        /// The candidates.
        list: Candidates,
        /// Whether there are no more.
        done: bool,
    },
    /// The way between the two devices changed.
    Path {
        /// In which leg.
        leg: LegId,
        /// The epoch that the leg was opened with.
        opened: u32,
        /// How it is now.
        state: PathState,
        /// Whether a relay is in it.
        relayed: bool,
    },
    /// Nothing at all, RTCP and checks of the way included, came for some seconds; or something comes again.
    Silence {
        /// In which leg.
        leg: LegId,
        /// The epoch that the leg was opened with.
        opened: u32,
        /// Whether nothing comes.
        silent: bool,
    },
    /// What of all that is to be sent is not, because its device is not there or does not work. Said when that changes; it is tried again all
    /// the time.
    Lacking {
        /// In which call.
        call: CallId,
        /// What is lacking.
        media: Media,
    },
    /// It does not work, and trying again does not help.
    Failed {
        /// Which leg.
        leg: LegId,
        /// The epoch that the leg was opened with.
        opened: u32,
        /// Why.
        reason: MediaFailure,
    },
}

/// How the way between two devices is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathState {
    /// It works.
    Connected,
    /// Nothing answers at the moment.
    Interrupted,
    /// None was found, or the one that was there is gone for good: only a new connection helps.
    Failed,
}

/// Why media cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MediaFailure {
    /// No microphone can be used.
    NoMicrophone,
    /// Only relays may be used, and none is known.
    NoRelay,
    /// The two sides have nothing in common, or one described itself wrongly.
    NoAgreement,
    /// Something broke on this device.
    Broken,
}
