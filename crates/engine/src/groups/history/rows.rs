//! The rows of histories. Numbers in keys are big-endian, so that key order is number order.
//!
//! | table | key | value |
//! |---|---|---|
//! | `group_histories` | group | [`SummaryRow`] |
//! | `group_lines` | group, device | [`LineRow`] |
//! | `group_posts` | group, post | the post as it was signed |
//! | `group_places` | group, post | [`PlaceRow`] |
//! | `group_slots` | group, device, sequence | [`SlotRow`] |
//! | `group_order` | group, time, post | empty: the order on the screen |
//! | `group_missing` | group, post | [`MissingRow`]: named by somebody, and not here |

use std::ops::Bound;

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::id::PostId;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;
use kith_proto::sync::MAX_RUNS;
use kith_proto::sync::Place;
use kith_proto::sync::Run;
use kith_proto::time::Timestamp;

use super::sum::Sum;

/// One row a group.
pub const HISTORIES: Table = Table::plain("group_histories");
/// One row a device.
pub const LINES: Table = Table::plain("group_lines");
/// The posts themselves.
pub const POSTS: Table = Table::shredded("group_posts");
/// Where each post stands in its device's line.
pub const PLACES: Table = Table::plain("group_places");
/// The posts under each number.
pub const SLOTS: Table = Table::plain("group_slots");
/// The order on the screen.
pub const ORDER: Table = Table::plain("group_order");
/// Posts that are named and not here.
pub const MISSING: Table = Table::plain("group_missing");

/// The posts whose bodies are here and whose name as a message is this one.
pub(crate) fn posts_of(
    rows: &dyn Rows,
    group: &GroupId,
    message: &MessageId,
) -> Result<Vec<PostId>, RowsError> {
    let from = [group.0.as_slice(), &message.0].concat();
    let mut found = Vec::new();
    rows.scan(POSTS, Bound::Included(&from), Bound::Unbounded, Direction::Up, &mut |key, _| {
        let name = key.strip_prefix(from.as_slice()).and_then(|_| key.get(32..)?.try_into().ok());
        found.extend(name.map(PostId));
        name.is_some()
    })?;
    Ok(found)
}

/// How many posts under one number are kept: two prove the lie, and some more let most members keep showing what they
/// have shown.
pub const MAX_FORKS: usize = 4;

/// A key and its value.
type Row = (Vec<u8>, Vec<u8>);

const VERSION: u8 = 1;

/// What is known of all posts together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SummaryRow {
    pub(crate) posts: u64,
    pub(crate) bytes: u64,
    pub(crate) sum: Sum,
}

/// What is known of one device's posts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LineRow {
    /// Every post up to this number is here.
    pub(crate) upto: u32,
    /// What is here beyond, in ascending order, with a gap before each; at most [`MAX_RUNS`].
    pub(crate) beyond: Vec<Run>,
    /// The post with the highest number; of several, the one with the lowest name.
    pub(crate) tip: Option<(u32, Place)>,
    /// Whether somebody has named the tip.
    pub(crate) named: bool,
    /// Whether the device has signed two posts under one number.
    pub(crate) forked: bool,
    /// How many rows in `group_missing` are its doing.
    pub(crate) missing: u32,
    pub(crate) posts: u64,
    pub(crate) bytes: u64,
}

/// What is known of a post without reading it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PlaceRow {
    pub(crate) device: DeviceId,
    pub(crate) sequence: u32,
    pub(crate) time: Timestamp,
    pub(crate) previous: Option<PostId>,
}

/// The posts of a device under one number, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SlotRow(pub(crate) BoundedVec<Place, MAX_FORKS>);

/// A post that is not here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MissingRow {
    /// The device that named it first.
    pub(crate) named_by: DeviceId,
}

impl SlotRow {
    /// Adds a post. Returns the one that has to go for it; an error when it is itself the one.
    pub(crate) fn add(&mut self, place: Place) -> Result<Option<Place>, ()> {
        let mut all = self.0.to_vec();
        all.push(place);
        all.sort_unstable_by_key(|place| place.post);
        let gone = if all.len() > MAX_FORKS { all.pop() } else { None };
        if gone == Some(place) {
            return Err(());
        }
        self.0 = BoundedVec::truncated(all);
        Ok(gone)
    }

    pub(crate) fn has(&self, id: &PostId) -> bool {
        self.0.iter().any(|place| place.post == *id)
    }
}

impl SummaryRow {
    pub(crate) fn add(&mut self, id: &PostId, bytes: usize) {
        self.posts += 1;
        self.bytes += bytes as u64;
        self.sum.add(id);
    }

    pub(crate) fn subtract(&mut self, id: &PostId, bytes: usize) {
        self.posts = self.posts.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes as u64);
        self.sum.subtract(id);
    }

    pub(crate) fn digest(&self) -> [u8; 16] {
        self.sum.digest(self.posts)
    }
}

/// The key of rows of a device.
pub(crate) fn line_key(group: &GroupId, device: &DeviceId) -> Vec<u8> {
    [group.0, device.0].concat()
}

/// The key of rows of a post.
pub(crate) fn post_key(group: &GroupId, post: &PostId) -> Vec<u8> {
    [group.0, post.0].concat()
}

/// The key of a number of a device.
pub(crate) fn slot_key(group: &GroupId, device: &DeviceId, sequence: u32) -> Vec<u8> {
    [group.0.as_slice(), &device.0, &sequence.to_be_bytes()].concat()
}

/// The key of a place on the screen.
pub(crate) fn order_key(group: &GroupId, place: &Place) -> Vec<u8> {
    [group.0.as_slice(), &place.time.0.to_be_bytes(), &place.post.0].concat()
}

/// The place behind such a key.
pub(crate) fn split_order_key(key: &[u8]) -> Option<Place> {
    let (time, post) = key.get(32..)?.split_first_chunk::<8>()?;
    Some(Place { time: Timestamp(u64::from_be_bytes(*time)), post: PostId(post.try_into().ok()?) })
}

/// The first key after all of a group's.
fn group_end(group: &GroupId) -> Vec<u8> {
    let mut end = group.0.to_vec();
    while let Some(last) = end.last_mut() {
        if let Some(next) = last.checked_add(1) {
            *last = next;
            break;
        }
        end.pop();
    }
    end
}

/// The bounds of all keys of a group from `from` on.
pub(crate) fn group_bounds(group: &GroupId, until: Option<&Place>) -> Vec<u8> {
    until.map_or_else(|| group_end(group), |until| order_key(group, until))
}

/// All rows of a group in a table whose size is bounded.
pub(crate) fn scan_group(rows: &dyn Rows, table: Table, group: &GroupId) -> Result<Vec<Row>, RowsError> {
    scan_prefix(rows, table, &group.0)
}

/// All rows whose keys begin with the same, in a table whose size is bounded.
pub(crate) fn scan_prefix(rows: &dyn Rows, table: Table, prefix: &[u8]) -> Result<Vec<Row>, RowsError> {
    let mut found = Vec::new();
    rows.scan(table, Bound::Included(prefix), Bound::Unbounded, Direction::Up, &mut |key, value| {
        let within = key.starts_with(prefix);
        if within {
            found.push((key.to_vec(), value.to_vec()));
        }
        within
    })?;
    Ok(found)
}

/// Places on the screen from `from` (or the first) up to but not with `until` (or the last), at most `limit`.
pub(crate) fn scan_order(
    rows: &dyn Rows,
    group: &GroupId,
    from: Option<&Place>,
    until: Option<&Place>,
    direction: Direction,
    limit: usize,
) -> Result<Vec<Place>, RowsError> {
    let start = from.map_or_else(|| group.0.to_vec(), |from| order_key(group, from));
    let end = group_bounds(group, until);
    let mut found = Vec::new();
    // A hostile window may end before it begins; stores do not like such bounds.
    if limit == 0 || (!end.is_empty() && end <= start) {
        return Ok(found);
    }
    let to = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end.as_slice()) };
    rows.scan(ORDER, Bound::Included(&start), to, direction, &mut |key, _| {
        found.extend(split_order_key(key));
        found.len() < limit
    })?;
    Ok(found)
}

/// A row that cannot be what we wrote.
pub(crate) fn damaged() -> RowsError {
    RowsError("a row of a group's history is damaged".to_owned())
}

fn version(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    if u8::decode(reader)? == VERSION { Ok(()) } else { Err(DecodeError::Invalid { what: "row version" }) }
}

impl Encode for SummaryRow {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.posts.encode(out);
        self.bytes.encode(out);
        self.sum.encode(out);
    }
}

impl Decode for SummaryRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        version(reader)?;
        Ok(Self {
            posts: Decode::decode(reader)?,
            bytes: Decode::decode(reader)?,
            sum: Decode::decode(reader)?,
        })
    }
}

impl Encode for LineRow {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.upto.encode(out);
        let beyond: Vec<_> = self.beyond.iter().map(|run| (run.from, run.to)).collect();
        BoundedVec::<_, MAX_RUNS>::truncated(beyond).encode(out);
        self.tip.encode(out);
        self.named.encode(out);
        self.forked.encode(out);
        self.missing.encode(out);
        self.posts.encode(out);
        self.bytes.encode(out);
    }
}

impl Decode for LineRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        version(reader)?;
        let (upto, beyond): (_, BoundedVec<(u32, u32), MAX_RUNS>) = Decode::decode(reader)?;
        Ok(Self {
            upto,
            beyond: beyond.iter().map(|(from, to)| Run { from: *from, to: *to }).collect(),
            tip: Decode::decode(reader)?,
            named: Decode::decode(reader)?,
            forked: Decode::decode(reader)?,
            missing: Decode::decode(reader)?,
            posts: Decode::decode(reader)?,
            bytes: Decode::decode(reader)?,
        })
    }
}

impl Encode for PlaceRow {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.device.encode(out);
        self.sequence.encode(out);
        self.time.encode(out);
        self.previous.encode(out);
    }
}

impl Decode for PlaceRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        version(reader)?;
        Ok(Self {
            device: Decode::decode(reader)?,
            sequence: Decode::decode(reader)?,
            time: Decode::decode(reader)?,
            previous: Decode::decode(reader)?,
        })
    }
}

impl Encode for SlotRow {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.0.encode(out);
    }
}

impl Decode for SlotRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        version(reader)?;
        Ok(Self(Decode::decode(reader)?))
    }
}

impl Encode for MissingRow {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.named_by.encode(out);
    }
}

impl Decode for MissingRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        version(reader)?;
        Ok(Self { named_by: Decode::decode(reader)? })
    }
}
