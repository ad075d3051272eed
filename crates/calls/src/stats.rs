//! What is measured in calls, to show: plain numbers, newest first hand. Nothing is decided by them.

use std::time::Duration;

use kith_media::Bitrate;
use kith_proto::call::media::LegId;
use kith_proto::call::media::PathState;
use kith_proto::id::DeviceId;

use crate::transport::Kind;

/// All that is known at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// How loud the microphone is, as the mean of the last tenth of a second; 1 is as loud as can be.
    pub microphone_level: f32,
    /// Each connection.
    pub legs: Vec<LegStats>,
    /// Everybody who is heard in a call of a group, also by way of whoever forwards.
    pub heard: Vec<(DeviceId, SpeechStats)>,
}

/// A call to oneself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rehearsed {
    /// As in [`Stats`].
    pub microphone_level: f32,
    /// Whether there is no microphone at the moment.
    pub lacks_microphone: bool,
    /// Whether there is no speaker at the moment.
    pub lacks_speaker: bool,
}

/// One connection.
#[derive(Clone, Debug, PartialEq)]
pub struct LegStats {
    /// Which.
    pub leg: LegId,
    /// How the way is; nothing before the first report.
    pub path: Option<PathState>,
    /// Whether a relay is in it.
    pub relayed: bool,
    /// There and back.
    pub round_trip: Duration,
    /// What may be sent.
    pub target: Bitrate,
    /// The part of packets that does not arrive there.
    pub loss: f64,
    /// Packets that were asked for again there, and sent.
    pub sent_again: u64,
    /// Packets that were missing here and came after they were asked for; and those that never came.
    pub repaired: u64,
    /// See `repaired`.
    pub lost: u64,
    /// For each kind of media.
    pub tracks: Vec<TrackStats>,
    /// What speech of the other side went through.
    pub speech: SpeechStats,
}

/// One kind of media in a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackStats {
    /// Which.
    pub kind: Kind,
    /// What it is encoded with.
    pub codec: &'static str,
    /// Packets that left.
    pub sent_packets: u64,
    /// Their bytes on the wire.
    pub sent_bytes: u64,
    /// Packets that came.
    pub came_packets: u64,
    /// Bytes of their payloads.
    pub came_bytes: u64,
    /// Pictures that were shown.
    pub shown: u64,
    /// The size of the last one.
    pub size: (u32, u32),
}

/// What became of speech.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpeechStats {
    /// How long it is held back to be even, in milliseconds.
    pub held_millis: u32,
    /// Packets decoded.
    pub decoded: u64,
    /// Packets made again from copies.
    pub repaired: u64,
    /// Packets made up.
    pub made_up: u64,
    /// How loud it is, as [`Stats::microphone_level`].
    pub level: f32,
}
