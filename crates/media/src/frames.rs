//! Pictures from packets. A frame is complete with its marker (RFC 7741 section 4.1, RFC 6184 section 5.1), without waiting for the
//! next one, which would cost the time between two.
//!
//! ```text
//!   whole ──▶ given, in order           gap ──▶ waits for the missing, as long as they may still come
//!                                                 ├─▶ they came: given
//!                                                 ├─▶ a whole keyframe is behind it: that, at once
//!                                                 └─▶ too late: nothing until a keyframe, which is asked for
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use crate::sequence::Sequence;
use crate::time::Time;

mod payload;

pub use payload::sealed_descriptor;

/// What the packets carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// RFC 7741.
    Vp8,
    /// RFC 6184.
    H264,
    /// Frames that are sealed, of whatever codec: before each part a byte that says what can be said of it without the key.
    Sealed,
}

/// What of an RTP packet matters here.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The RTP number, of the original where it came over RTX.
    pub number: u16,
    /// The RTP time stamp.
    pub stamp: u32,
    /// Whether it is the last of its frame.
    pub marker: bool,
    /// Without header, extensions and padding.
    pub payload: &'a [u8],
}

/// A whole picture, for the decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// As the decoder takes it; H.264 with start codes.
    pub data: Vec<u8>,
    /// It needs no other picture.
    pub key: bool,
    /// The RTP time stamp.
    pub stamp: u32,
    /// When its last packet came.
    pub came: Time,
}

/// Counts of an [`Assembler`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames given.
    pub frames: u64,
    /// Keyframes among them.
    pub keys: u64,
    /// Frames that were whole, but of no use without one before them.
    pub useless: u64,
    /// Times that something was given up.
    pub gaps: u64,
    /// Packets that came too late, twice, or were none.
    pub dropped: u64,
}

/// Puts the packets of one stream together.
#[derive(Debug)]
pub struct Assembler {
    codec: Codec,
    patience: Duration,
    numbers: Sequence,
    packets: BTreeMap<u64, Held>,
    bytes: usize,
    /// The place of the first packet of the next frame.
    next: Option<u64>,
    began: bool,
    needs_key: bool,
    key_asked: Option<Time>,
    late_in_a_row: u32,
    stats: Stats,
}

#[derive(Debug)]
struct Held {
    stamp: u32,
    marker: bool,
    begins: bool,
    key: bool,
    payload: Vec<u8>,
    came: Time,
}

impl Assembler {
    /// Waits for missing packets for `patience`, as [`crate::nack::Gaps`] does.
    pub fn new(codec: Codec, patience: Duration) -> Self {
        Self {
            codec,
            patience,
            numbers: Sequence::default(),
            packets: BTreeMap::new(),
            bytes: 0,
            next: None,
            began: false,
            needs_key: true,
            key_asked: None,
            late_in_a_row: 0,
            stats: Stats::default(),
        }
    }

    /// Takes a packet.
    pub fn push(&mut self, now: Time, packet: Packet<'_>) {
        let place = self.numbers.peek(packet.number);
        let late = self.next.is_some_and(|next| place < next && self.began);
        let far = self.next.is_some_and(|next| place > next + FARTHEST || place + FARTHEST < next);
        self.late_in_a_row = if late { self.late_in_a_row + 1 } else { 0 };
        if (far && !late) || self.late_in_a_row > MOST_LATE {
            self.restart();
        } else if late {
            self.stats.dropped += 1;
            return;
        }
        let place = self.numbers.place(packet.number);
        // Padding has a number, and nothing else.
        let part = if packet.payload.is_empty() {
            Some(payload::Part::default())
        } else {
            self.codec.part(packet.payload)
        };
        let Some(part) = part.filter(|_| !self.packets.contains_key(&place)) else {
            self.stats.dropped += 1;
            return;
        };
        self.next = Some(self.next.map_or(place, |next| if self.began { next } else { next.min(place) }));
        self.bytes += packet.payload.len();
        self.packets.insert(
            place,
            Held {
                stamp: packet.stamp,
                marker: packet.marker,
                begins: part.begins,
                key: part.key,
                payload: packet.payload.to_vec(),
                came: now,
            },
        );
        if self.packets.len() > MOST_PACKETS || self.bytes > MOST_BYTES {
            self.restart();
        }
    }

    /// The next frame, if there is a whole one.
    pub fn pop(&mut self, now: Time) -> Option<Frame> {
        loop {
            self.skip_padding();
            let next = self.next?;
            if let Some(end) = self.end(next) {
                if let Some(frame) = self.take(next, end) {
                    return Some(frame);
                }
                continue;
            }
            // Something is missing. Is there anything behind it?
            let hole = self.hole(next);
            let (&behind, held) = self.packets.range(hole..).next()?;
            let waited = now.since(held.came) >= self.patience;
            if let Some(key) = self.whole_key(behind) {
                self.drop_before(key);
                self.stats.gaps += 1;
            } else if waited {
                self.give_up(behind);
            } else {
                return None;
            }
        }
    }

    /// Whether to ask for a keyframe (PLI, RFC 4585 section 6.3.1) now: at once when one is needed, then twice a second.
    pub fn wants_key(&mut self, now: Time) -> bool {
        // Before the first packet there is nobody to ask.
        let due = self.key_asked.is_none_or(|at| now.since(at) >= ASK_AGAIN);
        let wants =
            self.needs_key && self.next.is_some() && due && !self.next.is_some_and(|next| self.arrives(next));
        if wants {
            self.key_asked = Some(now);
        }
        wants
    }

    /// A keyframe is needed for a reason of the caller: the decoder failed, or [`crate::nack::Gaps`] gave up.
    pub fn need_key(&mut self) {
        self.needs_key = true;
    }

    /// When [`Assembler::pop`] may say something else without another packet.
    pub fn next_wake(&self) -> Option<Time> {
        let hole = self.hole(self.next?);
        self.packets.range(hole..).next().map(|(_, held)| held.came + self.patience)
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn skip_padding(&mut self) {
        while let Some(next) = self.next {
            if self.packets.get(&next).is_none_or(|held| !held.payload.is_empty()) {
                break;
            }
            self.packets.remove(&next);
            self.next = Some(next + 1);
            self.began = true;
        }
    }

    /// The place after the frame that begins at `from`, if all of it is here.
    fn end(&self, from: u64) -> Option<u64> {
        let stamp = self.packets.get(&from)?.stamp;
        for place in from..=from + MOST_PACKETS as u64 {
            let held = self.packets.get(&place)?;
            if held.payload.is_empty() {
                continue;
            }
            if held.stamp != stamp {
                // The marker was forgotten, but the next frame begins here.
                return Some(place);
            }
            if held.marker {
                return Some(place + 1);
            }
        }
        None
    }

    /// The first place from `from` on that is not here.
    fn hole(&self, from: u64) -> u64 {
        let mut expected = from;
        for place in self.packets.range(from..).map(|(place, _)| *place) {
            if place != expected {
                break;
            }
            expected += 1;
        }
        expected
    }

    /// Removes a whole frame and gives it if it is of use.
    fn take(&mut self, from: u64, end: u64) -> Option<Frame> {
        let first = self.packets.get(&from)?;
        let (stamp, begins, key) = (first.stamp, first.begins, first.key);
        let mut key = key;
        let mut data = Vec::new();
        let (mut whole, mut came) = (begins, first.came);
        for place in from..end {
            let Some(held) = self.packets.remove(&place) else { continue };
            self.bytes = self.bytes.saturating_sub(held.payload.len());
            came = came.max(held.came);
            key |= held.key;
            whole &= held.payload.is_empty() || self.codec.append(&held.payload, &mut data);
        }
        self.next = Some(end);
        self.began = true;
        if !whole {
            self.stats.gaps += 1;
            self.needs_key = true;
            return None;
        }
        if self.needs_key && !key {
            self.stats.useless += 1;
            return None;
        }
        if key {
            (self.needs_key, self.key_asked) = (false, None);
            self.stats.keys += 1;
        }
        self.stats.frames += 1;
        Some(Frame { data, key, stamp, came })
    }

    /// Where a whole keyframe begins, at or after `from`.
    fn whole_key(&self, from: u64) -> Option<u64> {
        let keys = self.packets.range(from..).filter(|(place, held)| {
            // Several packets of a frame may say that they begin something: the first of them is preceded by another frame.
            let before = self.packets.get(&(*place - 1));
            held.key
                && held.begins
                && before.is_some_and(|before| before.stamp != held.stamp || before.payload.is_empty())
        });
        keys.map(|(place, _)| *place).find(|place| self.end(*place).is_some())
    }

    /// Whether the frame at `from` is a keyframe that is on its way.
    fn arrives(&self, from: u64) -> bool {
        self.packets.get(&from).is_some_and(|held| held.key && held.begins)
    }

    /// Leaves out all until a frame may begin, at or after `behind`.
    fn give_up(&mut self, behind: u64) {
        self.needs_key = true;
        self.stats.gaps += 1;
        let hole_stamp = self.packets.get(&behind).filter(|held| !held.begins).map(|held| held.stamp);
        let begin =
            self.packets.range(behind..).find(|(_, held)| held.begins && Some(held.stamp) != hole_stamp);
        let begin = begin.map(|(place, _)| *place);
        let after = self.packets.last_key_value().map_or(behind, |(last, _)| last + 1);
        self.drop_before(begin.unwrap_or(after));
    }

    fn drop_before(&mut self, place: u64) {
        let kept = self.packets.split_off(&place);
        self.packets = kept;
        self.bytes = self.packets.values().map(|held| held.payload.len()).sum();
        self.next = Some(place);
        self.began = true;
    }

    fn restart(&mut self) {
        self.packets.clear();
        self.numbers = Sequence::default();
        (self.bytes, self.next, self.began, self.late_in_a_row) = (0, None, false, 0);
        self.needs_key = true;
        self.stats.gaps += 1;
    }
}

/// Two keyframes of 1080p.
const MOST_PACKETS: usize = 1_024;
const MOST_BYTES: usize = 1_500_000;

/// Numbers that are further off belong to another stream.
const FARTHEST: u64 = 4_096;

/// Nobody repeats so many old packets: the sender began anew.
const MOST_LATE: u32 = 60;

/// libwebrtc's senders make a keyframe at most every 300 ms, ours every 500.
const ASK_AGAIN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
