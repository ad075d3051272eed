//! What was said in one group, as a graph of signed posts that lives in rows. In memory are only how far each device's
//! posts are known and its newest post: some 150 bytes a device, however long the history is.
//!
//! ```text
//!  insert(post) ──reads a dozen rows by key──▶ writes: post, place, slot, order, line, summary
//!  window()     ──scans the order──▶ what a screen shows, with the gaps in it
//!  lines()      ──from memory──▶ what another member is told; missing(), wanted(): what to send and ask for
//! ```
//!
//! **Order.** Posts stand by the time that they claim, then by name. The author, not the reader, makes that follow from
//! who saw what: [`History::compose`] gives every post a time above those of all posts that it names. So a place depends on
//! the post alone, it is the same on every member, and nothing ever moves when something older comes. Whoever lies about
//! the time misplaces their own post, which is then marked ([`Shown::misdated`]).
//!
//! **Gaps.** A post is shown when it comes, whatever it lacks. What is missing before it, by number or by name, is listed
//! with it and filled when it comes.
//!
//! **Equivocation.** Two posts of a device under one number are both kept and flagged. Of more than [`MAX_FORKS`] those with
//! the lowest names stay, on every member the same.
//!
//! Not here: whether the author is a member (the roster), and signatures: [`VerifiedPost`] is the proof of one.

pub mod rows;

mod line;
mod sum;
mod window;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::group::VerifiedPost;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode as _;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::id::PostId;
use kith_proto::id::ViewId;
use kith_proto::post::Draft;
use kith_proto::post::MAX_PARENTS;
use kith_proto::post::MAX_POST_BODY_BYTES;
use kith_proto::post::MAX_POST_TIME;
use kith_proto::post::Post;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;
use kith_proto::sync::HistoryDigest;
use kith_proto::sync::Line;
use kith_proto::sync::MAX_LINES_TOLD;
use kith_proto::sync::Place;
use kith_proto::sync::Run;
use kith_proto::sync::Span;
use kith_proto::time::Span as TimeSpan;
use kith_proto::time::Timestamp;

use crate::output::Output;

use rows::LineRow;
use rows::MissingRow;
use rows::PlaceRow;
use rows::SlotRow;
use rows::SummaryRow;

pub use rows::MAX_FORKS;
pub use window::Gap;
pub use window::Shown;
pub use window::missing_posts;
pub use window::window;

/// How many posts that nobody has seen one device may name before further ones are not noted. They are gaps all the
/// same, but are not listed.
pub const MAX_MISSING: u32 = 64;

/// How far ahead of our clock a post may be to be named by ours. One that is further would drag all later posts along.
pub const MAX_AHEAD: TimeSpan = TimeSpan::from_hours(24);

/// The history of one group.
#[derive(Clone, Debug)]
pub struct History {
    group: GroupId,
    lines: BTreeMap<DeviceId, LineRow>,
    summary: SummaryRow,
    /// What is given to nobody: it was deleted for everybody.
    withheld: BTreeSet<MessageId>,
}

/// What became of a post that was inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It was there.
    Known,
    /// It is new.
    New {
        /// Where it stands.
        place: Place,
        /// Whether others were waiting for it, so that a gap on the screen may have closed.
        fills: bool,
        /// Whether its device is known to have shown different people different things, as of now.
        forked: bool,
        /// A post that had to go for it: another one under the same number.
        instead_of: Option<Place>,
    },
}

/// Why a post was not taken. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It belongs to another group.
    OtherGroup,
    /// There are enough posts under that number.
    TooManyForks,
    /// Its device has left too many gaps.
    TooManyGaps,
    /// There are too many devices.
    TooManyLines,
}

/// Why nothing came of an insertion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InsertError {
    /// The post is not one to keep; the fault is its author's or carrier's.
    #[error("the post was refused: {0:?}")]
    Refused(Refusal),
    /// The storage failed.
    #[error(transparent)]
    Rows(#[from] RowsError),
}

impl History {
    /// A history without posts.
    pub fn new(group: GroupId) -> Self {
        Self { group, lines: BTreeMap::new(), summary: SummaryRow::default(), withheld: BTreeSet::new() }
    }

    /// What the rows say of a group; reads a row for each device, and no posts.
    ///
    /// # Errors
    /// When the storage cannot be read.
    pub fn load(group: GroupId, rows: &dyn Rows) -> Result<Self, RowsError> {
        let summary = rows.get(rows::HISTORIES, &group.0)?;
        let summary = summary.map(|bytes| decode(&bytes)).transpose()?.unwrap_or_default();
        let mut lines = BTreeMap::new();
        for (key, value) in rows::scan_group(rows, rows::LINES, &group)? {
            let device = key.get(32..).and_then(|device| device.try_into().ok()).ok_or_else(rows::damaged)?;
            lines.insert(DeviceId(device), decode(&value)?);
        }
        Ok(Self { group, lines, summary, withheld: BTreeSet::new() })
    }

    /// These messages are given to nobody.
    pub(crate) fn withhold(&mut self, messages: BTreeSet<MessageId>) {
        self.withheld = messages;
    }

    /// Whether a post may be given to others.
    pub(crate) fn gives(&self, post: &PostId) -> bool {
        self.withheld.is_empty() || !self.withheld.contains(&post.message())
    }

    /// Which group it is of.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// How many posts it has.
    pub fn len(&self) -> u64 {
        self.summary.posts
    }

    /// Whether nothing was said yet.
    pub fn is_empty(&self) -> bool {
        self.summary.posts == 0
    }

    /// How many posts of a device there are, and how many bytes they have: for quotas.
    pub fn weight(&self, device: &DeviceId) -> (u64, u64) {
        self.lines.get(device).map_or((0, 0), |line| (line.posts, line.bytes))
    }

    /// When a device wrote last before its post of that number, by its own clock.
    pub(crate) fn wrote_before(&self, device: &DeviceId, sequence: u32) -> Option<Timestamp> {
        let tip = self.lines.get(device)?.tip;
        tip.filter(|(last, _)| *last < sequence).map(|(_, place)| place.time)
    }

    /// A name for exactly these posts. Equal digests mean equal histories, also if somebody makes posts for the purpose.
    pub fn digest(&self) -> HistoryDigest {
        self.summary.digest()
    }

    /// Adds a post.
    ///
    /// # Errors
    /// When it is refused, or the storage cannot be read.
    pub fn insert(
        &mut self,
        rows: &dyn Rows,
        out: &mut Output,
        post: &VerifiedPost,
    ) -> Result<Inserted, InsertError> {
        let (id, draft) = (post.id(), &post.draft);
        if draft.group != self.group {
            return Err(InsertError::Refused(Refusal::OtherGroup));
        }
        if self.place(rows, out, &id)?.is_some() {
            return Ok(Inserted::Known);
        }
        let place = Place { time: draft.time, post: id };
        if self.lines.len() >= MAX_LINES_TOLD && !self.lines.contains_key(&draft.device) {
            return Err(InsertError::Refused(Refusal::TooManyLines));
        }
        let mut line = self.lines.get(&draft.device).cloned().unwrap_or_default();
        let mut slot = self.slot(rows, out, &draft.device, draft.sequence)?;
        if slot.0.is_empty() && !line.add(draft.sequence) {
            return Err(InsertError::Refused(Refusal::TooManyGaps));
        }
        let instead_of = slot.add(place).map_err(|()| InsertError::Refused(Refusal::TooManyForks))?;
        line.forked |= slot.0.len() > 1 || self.breaks_line(rows, out, draft, &slot)?;

        // From here on everything is read, and nothing refuses any more.
        if let Some(gone) = instead_of {
            self.drop_fork(rows, out, &mut line, &gone)?;
        }
        let bytes = post.to_bytes();
        line.posts += 1;
        line.bytes += bytes.len() as u64;
        self.summary.add(&id, bytes.len());
        out.put(rows::SLOTS, &rows::slot_key(&self.group, &draft.device, draft.sequence), slot.to_bytes());
        out.put(rows::POSTS, &rows::post_key(&self.group, &id), bytes);
        out.put(rows::ORDER, &rows::order_key(&self.group, &place), Vec::new());
        let row = PlaceRow {
            device: draft.device,
            sequence: draft.sequence,
            time: draft.time,
            previous: draft.previous,
        };
        out.put(rows::PLACES, &rows::post_key(&self.group, &id), row.to_bytes());
        let forked = line.forked;
        let waited_for = out.read(rows, rows::MISSING, &rows::post_key(&self.group, &id))?;
        line.offer_tip(draft.sequence, place, waited_for.is_some());
        self.lines.insert(draft.device, line);
        let fills = self.fill(out, &id, waited_for.as_deref())?;
        self.note_parents(rows, out, draft)?;
        self.save(out, &draft.device);
        out.put(rows::HISTORIES, &self.group.0, self.summary.to_bytes());
        let fills = fills || self.is_waited_for(&draft.device, draft.sequence);
        Ok(Inserted::New { place, fills, forked, instead_of })
    }

    /// Whether the author must have signed another post under the number before or under this one: what they name as
    /// previous is not what we have under that number.
    fn breaks_line(
        &self,
        rows: &dyn Rows,
        out: &Output,
        draft: &Draft,
        slot: &SlotRow,
    ) -> Result<bool, RowsError> {
        if let Some(previous) = &draft.previous {
            let before = self.slot(rows, out, &draft.device, draft.sequence - 1)?;
            if !before.0.is_empty() && !before.has(previous) {
                return Ok(true);
            }
        }
        let Some(number) = draft.sequence.checked_add(1) else { return Ok(false) };
        for next in self.slot(rows, out, &draft.device, number)?.0.iter() {
            let next = self.place(rows, out, &next.post)?;
            if next.and_then(|next| next.previous).is_some_and(|previous| !slot.has(&previous)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the rows of a post away that has to go.
    fn drop_fork(
        &mut self,
        rows: &dyn Rows,
        out: &mut Output,
        line: &mut LineRow,
        gone: &Place,
    ) -> Result<(), RowsError> {
        let key = rows::post_key(&self.group, &gone.post);
        let length = out.read(rows, rows::POSTS, &key)?.map_or(0, |bytes| bytes.len());
        line.posts = line.posts.saturating_sub(1);
        line.bytes = line.bytes.saturating_sub(length as u64);
        self.summary.subtract(&gone.post, length);
        out.delete(rows::POSTS, &key);
        out.delete(rows::PLACES, &key);
        out.delete(rows::ORDER, &rows::order_key(&self.group, gone));
        Ok(())
    }

    /// A post that others have named is here.
    fn fill(&mut self, out: &mut Output, id: &PostId, waited: Option<&[u8]>) -> Result<bool, RowsError> {
        let Some(waited) = waited else { return Ok(false) };
        let MissingRow { named_by } = decode(waited)?;
        out.delete(rows::MISSING, &rows::post_key(&self.group, id));
        if let Some(line) = self.lines.get_mut(&named_by) {
            line.missing = line.missing.saturating_sub(1);
            self.save(out, &named_by);
        }
        Ok(true)
    }

    /// Marks the newest posts that this one names as named, and notes those that are not here.
    fn note_parents(&mut self, rows: &dyn Rows, out: &mut Output, draft: &Draft) -> Result<(), RowsError> {
        for parent in draft.parents.iter() {
            if let Some(known) = self.place(rows, out, parent)? {
                if let Some(line) = self.lines.get_mut(&known.device)
                    && line.tip.is_some_and(|(_, tip)| tip.post == *parent && !line.named)
                {
                    line.named = true;
                    self.save(out, &known.device);
                }
                continue;
            }
            let key = rows::post_key(&self.group, parent);
            let noted = out.read(rows, rows::MISSING, &key)?.is_some();
            let Some(line) = self.lines.get_mut(&draft.device) else { continue };
            if !noted && line.missing < MAX_MISSING {
                line.missing += 1;
                out.put(rows::MISSING, &key, MissingRow { named_by: draft.device }.to_bytes());
            }
        }
        Ok(())
    }

    fn save(&self, out: &mut Output, device: &DeviceId) {
        if let Some(line) = self.lines.get(device) {
            out.put(rows::LINES, &rows::line_key(&self.group, device), line.to_bytes());
        }
    }

    fn is_waited_for(&self, device: &DeviceId, sequence: u32) -> bool {
        self.lines.get(device).and_then(|line| line.tip).is_some_and(|(tip, _)| tip > sequence)
    }

    fn place(&self, rows: &dyn Rows, out: &Output, id: &PostId) -> Result<Option<PlaceRow>, RowsError> {
        self.read(rows, out, rows::PLACES, &rows::post_key(&self.group, id))
    }

    /// The posts of a device under one number.
    pub(crate) fn slot(
        &self,
        rows: &dyn Rows,
        out: &Output,
        device: &DeviceId,
        sequence: u32,
    ) -> Result<SlotRow, RowsError> {
        let key = rows::slot_key(&self.group, device, sequence);
        Ok(self.read(rows, out, rows::SLOTS, &key)?.unwrap_or_default())
    }

    /// A post by its name.
    ///
    /// # Errors
    /// When the storage cannot be read.
    pub fn post(&self, rows: &dyn Rows, out: &Output, id: &PostId) -> Result<Option<Post>, RowsError> {
        self.read(rows, out, rows::POSTS, &rows::post_key(&self.group, id))
    }

    fn read<T: Decode>(
        &self,
        rows: &dyn Rows,
        out: &Output,
        table: Table,
        key: &[u8],
    ) -> Result<Option<T>, RowsError> {
        out.read(rows, table, key)?.map(|bytes| decode(&bytes)).transpose()
    }

    /// The newest posts of others that nobody has named, at most one a device, newest first: what the next post of `own`
    /// names as its parents. Posts from the far future are left out.
    pub fn heads(&self, own: &DeviceId, now: Timestamp) -> Vec<Place> {
        let open = self.lines.iter().filter(|(device, line)| *device != own && !line.named);
        let mut heads: Vec<Place> = open.filter_map(|(_, line)| line.tip.map(|(_, place)| place)).collect();
        heads.retain(|head| head.time <= now + MAX_AHEAD);
        heads.sort_unstable_by(|one, other| other.cmp(one));
        heads.truncate(MAX_PARENTS);
        heads
    }

    /// The next post of a device, not signed yet. Its number is above all that are known of that device, so a device that
    /// was set back must learn from others how far it was before it writes.
    pub fn compose(
        &self,
        account: AccountId,
        own: DeviceId,
        view: ViewId,
        now: Timestamp,
        body: BoundedBytes<MAX_POST_BODY_BYTES>,
    ) -> Draft {
        let heads = self.heads(&own, now);
        let last = self.lines.get(&own).and_then(|line| line.tip);
        // An own post from the far future, written while the clock was wrong, does not hold back the later ones.
        let named = heads.iter().chain(last.as_ref().map(|(_, place)| place));
        let latest = named.map(|place| place.time).filter(|time| *time <= now + MAX_AHEAD).max();
        let time = latest.map_or(now, |latest| now.max(latest + TimeSpan::from_millis(1))).min(MAX_POST_TIME);
        let mut parents: Vec<PostId> = heads.into_iter().map(|head| head.post).collect();
        parents.sort_unstable();
        Draft {
            group: self.group,
            account,
            device: own,
            sequence: last.map_or(1, |(sequence, _)| sequence.saturating_add(1)),
            previous: last.map(|(_, place)| place.post),
            parents: BoundedVec::truncated(parents),
            view,
            time,
            body,
        }
    }

    /// Devices that are known to have signed two posts under one number.
    pub fn flagged(&self) -> impl Iterator<Item = &DeviceId> {
        self.lines.iter().filter(|(_, line)| line.forked).map(|(device, _)| device)
    }

    /// What is missing between posts that are there, by number.
    pub fn holes(&self) -> Vec<(DeviceId, Run)> {
        let holes = self.lines.iter().flat_map(|(device, line)| line.holes().map(|run| (*device, run)));
        holes.collect()
    }

    /// How far each device's posts are here, in the order of the devices: what another member is told.
    pub fn lines(&self) -> impl Iterator<Item = Line> {
        self.lines.iter().map(|(device, line)| Line {
            device: *device,
            upto: line.upto,
            beyond: BoundedVec::truncated(line.beyond.clone()),
        })
    }

    /// What somebody lacks who has told these lines, and we have.
    pub fn missing(&self, theirs: &[Line]) -> Vec<(DeviceId, Run)> {
        let told: BTreeMap<_, _> = theirs.iter().map(|line| (line.device, line)).collect();
        let each = self.lines.iter().map(|(device, line)| {
            let theirs = told.get(device).map(|line| line::runs(line.upto, &line.beyond)).unwrap_or_default();
            (device, line::subtract(&line::runs(line.upto, &line.beyond), &theirs))
        });
        each.flat_map(|(device, runs)| runs.into_iter().map(|run| (*device, run))).collect()
    }

    /// What we lack, and somebody has who has told these lines.
    pub fn wanted(&self, theirs: &[Line]) -> Vec<Span> {
        let each = theirs.iter().enumerate().filter_map(|(at, line)| {
            let ours = self.lines.get(&line.device);
            let ours = ours.map(|ours| line::runs(ours.upto, &ours.beyond)).unwrap_or_default();
            Some((u16::try_from(at).ok()?, line::subtract(&line::runs(line.upto, &line.beyond), &ours)))
        });
        each.flat_map(|(line, runs)| runs.into_iter().map(move |run| Span { line, run })).collect()
    }
}

/// A row that we have written ourselves.
fn decode<T: Decode>(bytes: &[u8]) -> Result<T, RowsError> {
    T::from_bytes(bytes).map_err(|_| rows::damaged())
}

#[cfg(test)]
pub(crate) mod tests;
