//! What a screen shows of a history, read from committed rows: the posts of a part of the order, each with what is missing
//! before it and what is wrong with it.

use std::collections::BTreeMap;

use kith_proto::codec::Decode;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::PostId;
use kith_proto::post::Post;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;
use kith_proto::sync::Place;
use kith_proto::sync::Run;

use super::decode;
use super::rows;
use super::rows::LineRow;
use super::rows::PlaceRow;
use super::rows::SlotRow;

/// Something that should stand before a post and is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Earlier posts of the same device.
    Numbers(Run),
    /// A post that the author had seen.
    Post(PostId),
}

/// A post on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Where it stands.
    pub place: Place,
    /// The post.
    pub post: Post,
    /// What is missing before it.
    pub gaps: Vec<Gap>,
    /// Other posts of its device under the same number: the device says different things to different people.
    pub forks: Vec<PostId>,
    /// Whether it claims to be no later than something that it names.
    pub misdated: bool,
}

/// The last posts before a place (or of all), oldest first, at most `limit`.
///
/// # Errors
/// When the storage cannot be read.
pub fn window(
    rows: &dyn Rows,
    group: &GroupId,
    before: Option<&Place>,
    limit: usize,
) -> Result<Vec<Shown>, RowsError> {
    let mut places = rows::scan_order(rows, group, None, before, Direction::Down, limit)?;
    places.reverse();
    let mut lines = BTreeMap::new();
    places.into_iter().filter_map(|place| show(rows, group, &mut lines, place).transpose()).collect()
}

/// Posts that are named by others and are not here, with the device that named each first.
///
/// # Errors
/// When the storage cannot be read.
pub fn missing_posts(rows: &dyn Rows, group: &GroupId) -> Result<Vec<(PostId, DeviceId)>, RowsError> {
    let found = rows::scan_group(rows, rows::MISSING, group)?;
    let each = found.into_iter().map(|(key, value)| {
        let id = key.get(32..).and_then(|id| id.try_into().ok()).ok_or_else(rows::damaged)?;
        let row: rows::MissingRow = decode(&value)?;
        Ok((PostId(id), row.named_by))
    });
    each.collect()
}

fn show(
    rows: &dyn Rows,
    group: &GroupId,
    lines: &mut BTreeMap<DeviceId, LineRow>,
    place: Place,
) -> Result<Option<Shown>, RowsError> {
    // Deleted for everybody, or its time is over.
    let Some(post) = get::<Post>(rows, rows::POSTS, &rows::post_key(group, &place.post))? else {
        return Ok(None);
    };
    let draft = &post.draft;
    let slot: Option<SlotRow> =
        get(rows, rows::SLOTS, &rows::slot_key(group, &draft.device, draft.sequence))?;
    let forks = slot.iter().flat_map(|slot| slot.0.iter()).map(|other| other.post);
    let forks = forks.filter(|other| *other != place.post).collect();
    let (mut gaps, mut misdated) = (Vec::new(), false);
    if let Some(previous) = &draft.previous {
        match get::<PlaceRow>(rows, rows::PLACES, &rows::post_key(group, previous))? {
            Some(known) => misdated |= known.time >= draft.time,
            None => gaps.push(gap_before(rows, group, lines, &draft.device, draft.sequence, *previous)?),
        }
    }
    for parent in draft.parents.iter() {
        match get::<PlaceRow>(rows, rows::PLACES, &rows::post_key(group, parent))? {
            Some(known) => misdated |= known.time >= draft.time,
            None => gaps.push(Gap::Post(*parent)),
        }
    }
    Ok(Some(Shown { place, post, gaps, forks, misdated }))
}

/// What is missing before a post whose previous one is not here: the numbers that nothing is under, or, when something
/// else is under that number, the post itself.
fn gap_before(
    rows: &dyn Rows,
    group: &GroupId,
    lines: &mut BTreeMap<DeviceId, LineRow>,
    device: &DeviceId,
    sequence: u32,
    previous: PostId,
) -> Result<Gap, RowsError> {
    if !lines.contains_key(device) {
        let line = get(rows, rows::LINES, &rows::line_key(group, device))?.unwrap_or_default();
        lines.insert(*device, line);
    }
    let hole = lines.get(device).and_then(|line| line.holes().find(|hole| hole.to + 1 == sequence));
    Ok(hole.map_or(Gap::Post(previous), Gap::Numbers))
}

fn get<T: Decode>(rows: &dyn Rows, table: Table, key: &[u8]) -> Result<Option<T>, RowsError> {
    rows.get(table, key)?.map(|bytes| decode(&bytes)).transpose()
}
