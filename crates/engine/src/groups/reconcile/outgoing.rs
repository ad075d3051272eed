//! What one side still has to send: runs of devices, merged in the order of the histories so that a meeting that breaks
//! off leaves few gaps, and single posts by name. Posts are read when they are sent.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::collections::VecDeque;

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::id::PostId;
use kith_proto::post::Post;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::sync::MAX_POSTS;
use kith_proto::sync::Place;
use kith_proto::sync::Run;
use kith_proto::sync::SyncWord;

use super::MeetingError;
use super::Misbehaviour;
use crate::groups::floors::Limits;
use crate::groups::history::History;
use crate::output::Output;

/// The most bytes of posts in one word, but for the last of them; with the longest post it stays under the limit.
const POST_BYTES: usize = 32 << 10;

/// What is still to be sent.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// The devices with something left, the one with the earliest post first.
    heap: BinaryHeap<Reverse<(Place, usize)>>,
    cursors: Vec<Cursor>,
    /// How far each line was asked for already; it is only asked for upwards.
    asked: BTreeMap<u16, u32>,
    names: VecDeque<PostId>,
    /// What is given to the other side, if not everything.
    pub(super) limits: Option<Limits>,
}

/// What is left of one device.
#[derive(Debug)]
struct Cursor {
    device: DeviceId,
    runs: VecDeque<Run>,
    /// The posts under the number that is sent now.
    slot: VecDeque<Place>,
}

impl Outgoing {
    /// All of these runs.
    pub(super) fn of(
        history: &History,
        rows: &dyn Rows,
        out: &Output,
        runs: Vec<(DeviceId, Run)>,
        limits: Option<Limits>,
    ) -> Result<Self, RowsError> {
        let mut outgoing = Self { limits, ..Self::default() };
        for (device, run) in runs {
            outgoing.add(history, rows, out, device, run)?;
        }
        Ok(outgoing)
    }

    /// Adds runs of lines. Each line is asked for upwards, so that nothing is sent twice.
    pub(super) fn add_runs(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
        runs: Vec<(u16, DeviceId, Run)>,
    ) -> Result<(), MeetingError> {
        for (line, device, run) in runs {
            let asked = self.asked.entry(line).or_default();
            if run.from <= *asked {
                return Err(Misbehaviour::BadWant.into());
            }
            *asked = run.to;
            self.add(history, rows, out, device, run)?;
        }
        Ok(())
    }

    /// Adds single posts.
    pub(super) fn add_names(&mut self, names: Vec<PostId>) {
        self.names.extend(names);
    }

    fn add(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
        device: DeviceId,
        run: Run,
    ) -> Result<(), RowsError> {
        // Runs of a device come one after the other, so that it is the last cursor's if it has one.
        if let Some(last) = self.cursors.last_mut().filter(|last| last.device == device)
            && !(last.runs.is_empty() && last.slot.is_empty())
        {
            last.runs.push_back(run);
            return Ok(());
        }
        self.cursors.push(Cursor { device, runs: VecDeque::from([run]), slot: VecDeque::new() });
        self.line_up(history, rows, out, self.cursors.len() - 1)
    }

    /// Puts a cursor in its place among the others, at its next post.
    fn line_up(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
        at: usize,
    ) -> Result<(), RowsError> {
        let Some(cursor) = self.cursors.get_mut(at) else { return Ok(()) };
        while cursor.slot.is_empty() {
            let Some(run) = cursor.runs.front_mut() else { return Ok(()) };
            let number = run.from;
            if run.from == run.to {
                cursor.runs.pop_front();
            } else {
                run.from += 1;
            }
            cursor.slot = history.slot(rows, out, &cursor.device, number)?.0.to_vec().into();
        }
        if let Some(place) = cursor.slot.front() {
            self.heap.push(Reverse((*place, at)));
        }
        Ok(())
    }

    /// The next posts, as one word.
    pub(super) fn next(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
    ) -> Result<Option<SyncWord>, RowsError> {
        let (mut posts, mut bytes) = (Vec::new(), 0);
        while posts.len() < MAX_POSTS && bytes < POST_BYTES {
            let Some(post) = self.next_post(history, rows, out)? else { break };
            bytes += post.to_bytes().len();
            posts.push(post);
        }
        Ok((!posts.is_empty()).then(|| SyncWord::Posts { posts: BoundedVec::truncated(posts) }))
    }

    fn next_post(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
    ) -> Result<Option<Post>, RowsError> {
        while let Some(Reverse((place, at))) = self.heap.pop() {
            if let Some(cursor) = self.cursors.get_mut(at) {
                cursor.slot.pop_front();
            }
            self.line_up(history, rows, out, at)?;
            // It may have gone meanwhile for another one under the same number.
            if history.gives(&place.post)
                && let Some(post) = history.post(rows, out, &place.post)?
                && self.gives(&post)
            {
                return Ok(Some(post));
            }
        }
        while let Some(name) = self.names.pop_front() {
            if history.gives(&name)
                && let Some(post) = history.post(rows, out, &name)?
                && self.gives(&post)
            {
                return Ok(Some(post));
            }
        }
        Ok(None)
    }

    fn gives(&self, post: &Post) -> bool {
        let draft = &post.draft;
        self.limits.as_ref().is_none_or(|limits| limits.give(&draft.device, draft.sequence, draft.time))
    }
}
