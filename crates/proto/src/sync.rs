//! The words by which two members of a group make their histories one. Only the words; who sends which when is
//! `kith-engine`'s (`groups::reconcile`).
//!
//! ```text
//!  asker                          answerer
//!   Hello: digest ─────────────────▶
//!        ◀───────────────────────── Same, and that is all; or Lines: how far it has each device's posts
//!   Posts that the answerer lacks ─▶
//!   Want what the asker lacks ─────▶
//!   Sent ──────────────────────────▶
//!        ◀───────────────────────── Posts … Digest
//!   Done, if the digests agree ────▶
//!  otherwise some device has two posts under one number:
//!   Window: salt, bounds, frame ───▶
//!        ◀───────────────────────── Range: frame            as often as it takes
//!   Posts, WantThese ──────────────▶
//!        ◀───────────────────────── Posts … Range: empty     then the next window, and Done
//! ```

use crate::bounded::BoundedBytes;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::codec::put_varint;
use crate::error::DecodeError;
use crate::id::DeviceId;
use crate::id::GroupId;
use crate::id::PostId;
use crate::post::Post;
use crate::post::sequence;
use crate::time::Timestamp;

/// The version of the words that this crate writes.
pub const SYNC_VERSION: u8 = 1;

/// The longest word: as long as the largest envelope, so that both kinds of stream need the same room.
pub const MAX_SYNC_WORD_BYTES: usize = 64 << 10;

/// The most lines in one word; a line without gaps has some 35 bytes.
pub const MAX_LINES: usize = 1_024;

/// The most lines that are told in all: a thousand members with eight devices each, and as many that have left.
pub const MAX_LINES_TOLD: usize = 16_384;

/// The most runs beyond the first gap of one device. A device that leaves more gaps than this is not listened to until
/// some of them are filled.
pub const MAX_RUNS: usize = 256;

/// The most spans that are asked for in one word.
pub const MAX_SPANS: usize = 1_024;

/// The most posts in one word; its bytes are bounded as well.
pub const MAX_POSTS: usize = 256;

/// The longest frame of range reconciliation: half a word, a thousand names.
pub const MAX_RANGE_BYTES: usize = 32 << 10;

/// The most posts that are asked for by name in one word.
pub const MAX_NAMES: usize = 1_024;

/// A name for everything that is in a history.
pub type HistoryDigest = [u8; 16];

/// A post's name under the salt of a window, so that nobody can make posts whose fingerprints collide.
pub type SaltedName = [u8; 32];

/// Numbers of posts one after the other, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// The first.
    pub from: u32,
    /// The last.
    pub to: u32,
}

/// How far the posts of one device are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose posts.
    pub device: DeviceId,
    /// Every post up to this number; 0 when the first is missing.
    pub upto: u32,
    /// What is known beyond, in ascending order, with a gap before each run.
    pub beyond: BoundedVec<Run, MAX_RUNS>,
}

/// Posts of one device that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The device, by its place among all lines that were told.
    pub line: u16,
    /// Which posts.
    pub run: Run,
}

/// Where a post stands among all others: by time, and by name where times are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The time that the post claims.
    pub time: Timestamp,
    /// Its name.
    pub post: PostId,
}

/// One word between two members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncWord {
    /// Begins: in which group, and what the asker has.
    Hello {
        /// The version spoken.
        version: u8,
        /// Which group.
        group: GroupId,
        /// Everything that the asker has.
        digest: HistoryDigest,
    },
    /// The answerer has exactly the same.
    Same,
    /// What the answerer has.
    Lines {
        /// Some devices.
        lines: BoundedVec<Line, MAX_LINES>,
        /// Whether these were the last.
        last: bool,
    },
    /// What the asker would like.
    Want {
        /// Of which devices.
        spans: BoundedVec<Span, MAX_SPANS>,
    },
    /// Posts that the other side lacks.
    Posts {
        /// The posts.
        posts: BoundedVec<Post, MAX_POSTS>,
    },
    /// The asker has sent and asked all that the lines gave reason for.
    Sent,
    /// The answerer has sent all that was wanted.
    Digest {
        /// Everything that it has now.
        digest: HistoryDigest,
    },
    /// Compares a part of both histories post by post.
    Window {
        /// What names are salted with.
        salt: [u8; 16],
        /// The first place in it.
        from: Place,
        /// The first place after it; `None` at the end of the history.
        until: Option<Place>,
        /// The first frame.
        frame: BoundedBytes<MAX_RANGE_BYTES>,
    },
    /// A further frame; from the answerer an empty one when all wanted by name was sent.
    Range {
        /// The frame.
        frame: BoundedBytes<MAX_RANGE_BYTES>,
    },
    /// The asker lacks these posts of the window.
    WantThese {
        /// Which.
        names: BoundedVec<SaltedName, MAX_NAMES>,
    },
    /// The asker has all it wanted.
    Done,
}

impl Run {
    /// How many posts these are.
    pub fn count(&self) -> u32 {
        self.to.saturating_sub(self.from).saturating_add(1)
    }
}

/// A run is written as the numbers left out since `before`, and its length.
fn put_run(out: &mut Vec<u8>, before: u32, run: Run) {
    put_varint(out, u64::from(run.from.saturating_sub(before)));
    put_varint(out, u64::from(run.count()));
}

fn read_run(reader: &mut Reader<'_>, before: u32) -> Result<Run, DecodeError> {
    let (skip, count) = (sequence(reader)?, sequence(reader)?);
    let wrong = DecodeError::Invalid { what: "run of posts" };
    let from = before.checked_add(skip).ok_or(wrong)?;
    let to = count.checked_sub(1).and_then(|rest| from.checked_add(rest)).ok_or(wrong)?;
    if skip == 0 { Err(wrong) } else { Ok(Run { from, to }) }
}

impl Encode for Line {
    fn encode(&self, out: &mut Vec<u8>) {
        self.device.encode(out);
        put_varint(out, u64::from(self.upto));
        put_varint(out, self.beyond.len() as u64);
        let mut before = self.upto.saturating_add(1);
        for run in self.beyond.iter() {
            put_run(out, before, *run);
            before = run.to.saturating_add(1);
        }
    }
}

impl Decode for Line {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (device, upto) = (Decode::decode(reader)?, sequence(reader)?);
        let count = reader.length("runs", MAX_RUNS)?;
        let mut beyond = Vec::with_capacity(count.min(reader.remaining()));
        let mut before = upto;
        for _ in 0..count {
            let next = before.checked_add(1).ok_or(DecodeError::Invalid { what: "run of posts" })?;
            let run = read_run(reader, next)?;
            before = run.to;
            beyond.push(run);
        }
        Ok(Self { device, upto, beyond: BoundedVec::truncated(beyond) })
    }
}

impl Encode for Span {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.line));
        put_run(out, 0, self.run);
    }
}

impl Decode for Span {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let line = reader.length("line", MAX_LINES_TOLD - 1)?;
        let line = u16::try_from(line).map_err(|_| DecodeError::Invalid { what: "line" })?;
        Ok(Self { line, run: read_run(reader, 0)? })
    }
}

impl Encode for Place {
    fn encode(&self, out: &mut Vec<u8>) {
        self.time.encode(out);
        self.post.encode(out);
    }
}

impl Decode for Place {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { time: Decode::decode(reader)?, post: Decode::decode(reader)? })
    }
}

impl Encode for SyncWord {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello { version, group, digest } => {
                out.push(0);
                version.encode(out);
                group.encode(out);
                digest.encode(out);
            }
            Self::Same => out.push(1),
            Self::Lines { lines, last } => {
                out.push(2);
                lines.encode(out);
                last.encode(out);
            }
            Self::Want { spans } => {
                out.push(3);
                spans.encode(out);
            }
            Self::Posts { posts } => {
                out.push(4);
                posts.encode(out);
            }
            Self::Sent => out.push(5),
            Self::Digest { digest } => {
                out.push(6);
                digest.encode(out);
            }
            Self::Window { salt, from, until, frame } => {
                out.push(7);
                salt.encode(out);
                from.encode(out);
                until.encode(out);
                frame.encode(out);
            }
            Self::Range { frame } => {
                out.push(8);
                frame.encode(out);
            }
            Self::WantThese { names } => {
                out.push(9);
                names.encode(out);
            }
            Self::Done => out.push(10),
        }
    }
}

impl Decode for SyncWord {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if reader.remaining() > MAX_SYNC_WORD_BYTES {
            return Err(DecodeError::TooLarge { what: "sync word", limit: MAX_SYNC_WORD_BYTES as u64 });
        }
        Ok(match u8::decode(reader)? {
            0 => Self::Hello {
                version: Decode::decode(reader)?,
                group: Decode::decode(reader)?,
                digest: reader.array()?,
            },
            1 => Self::Same,
            2 => Self::Lines { lines: Decode::decode(reader)?, last: Decode::decode(reader)? },
            3 => Self::Want { spans: Decode::decode(reader)? },
            4 => Self::Posts { posts: Decode::decode(reader)? },
            5 => Self::Sent,
            6 => Self::Digest { digest: reader.array()? },
            7 => Self::Window {
                salt: reader.array()?,
                from: Decode::decode(reader)?,
                until: Decode::decode(reader)?,
                frame: Decode::decode(reader)?,
            },
            8 => Self::Range { frame: Decode::decode(reader)? },
            9 => Self::WantThese { names: Decode::decode(reader)? },
            10 => Self::Done,
            _ => return Err(DecodeError::Invalid { what: "sync word" }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(upto: u32, runs: &[(u32, u32)]) -> Line {
        let runs = runs.iter().map(|(from, to)| Run { from: *from, to: *to }).collect();
        Line { device: DeviceId([1; 32]), upto, beyond: BoundedVec::new(runs).unwrap() }
    }

    #[test]
    fn a_line_comes_back_and_is_short() {
        for line in
            [line(0, &[]), line(5, &[(7, 7), (9, 200)]), line(0, &[(2, u32::MAX)]), line(u32::MAX, &[])]
        {
            assert_eq!(Line::from_bytes(&line.to_bytes()), Ok(line));
        }
        assert_eq!(line(5, &[(7, 7), (9, 200)]).to_bytes().len(), 32 + 1 + 1 + 2 + 3);
    }

    #[test]
    fn runs_that_touch_or_run_over_are_refused() {
        let head = line(5, &[]).to_bytes();
        let with = |rest: &[u8]| Line::from_bytes(&[head.get(..33).unwrap(), rest].concat());
        assert!(with(&[1, 1, 1]).is_ok());
        assert!(with(&[1, 0, 1]).is_err(), "no gap before it");
        assert!(with(&[1, 1, 0]).is_err(), "an empty run");
        assert!(with(&[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]).is_err(), "beyond the last number");
        assert!(with(&[1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err(), "longer than there are numbers");
    }

    #[test]
    fn a_span_names_at_least_one_post() {
        let span = Span { line: 3, run: Run { from: 1, to: 9 } };
        assert_eq!(Span::from_bytes(&span.to_bytes()), Ok(span));
        assert!(Span::from_bytes(&[3, 0, 1]).is_err(), "posts are counted from one");
        assert!(Span::from_bytes(&[0x80, 0x80, 1, 1, 1]).is_err(), "there are not that many lines");
    }
}
