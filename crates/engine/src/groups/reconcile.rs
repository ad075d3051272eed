//! How two members that meet make their histories one (`SPEC.md` of `kith-proto`, section 13).
//!
//! ```text
//!  Asker:    Hello ─▶ lines come ─▶ sends and wants by them ─▶ digests agree? ── yes ─▶ over
//!                                                                   └─ no: windows, one after the other ─▶ over
//!  Answerer: digests agree? ── yes ─▶ over
//!                └─ no: tells its lines, takes, serves ─▶ tells its digest, serves windows ─▶ over
//! ```
//!
//! First by the lines of authors: one side says how far it has each device's posts, the other sends what is lacking and
//! asks for the rest, so that what must move moves once and little else. What lines cannot tell is that both have another
//! post under the same number, or one more; for that the digests are compared, and where they differ, ranges of names
//! (`negentropy`), salted for each meeting.
//!
//! A meeting holds no posts and does no I/O. It is driven from outside: [`Meeting::take`] gets each word that comes, and
//! [`Meeting::next`] gives one word whenever the stream has room. Everything that comes is bounded; whoever does not
//! follow the words ends the meeting, and nothing is lost by that: what was inserted stays, and the next meeting goes on.

mod outgoing;
mod windows;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::PostId;
use kith_proto::post::Post;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::sync::Line;
use kith_proto::sync::MAX_LINES;
use kith_proto::sync::MAX_LINES_TOLD;
use kith_proto::sync::MAX_SPANS;
use kith_proto::sync::Run;
use kith_proto::sync::SYNC_VERSION;
use kith_proto::sync::SaltedName;
use kith_proto::sync::Span;
use kith_proto::sync::SyncWord;

use super::floors::Limits;
use super::history::History;
use crate::output::Output;

use outgoing::Outgoing;
use windows::Answering;
use windows::Asking;

/// The most bytes of lines in one word; a line with many gaps has a thousand.
const LINE_BYTES: usize = 48 << 10;

/// One meeting of two members, from one side.
#[derive(Debug)]
pub struct Meeting {
    group: GroupId,
    stage: Stage,
    /// The lines of the answerer: taken by the asker, told by the answerer.
    lines: Vec<Line>,
    /// What the asker would still like to say that it wants.
    wants: VecDeque<Span>,
    /// What is still to be sent.
    outgoing: Outgoing,
    /// Words that wait to be sent before anything else.
    waiting: VecDeque<SyncWord>,
    /// What is given to the other side; everything if there are none.
    limits: Option<Limits>,
    tally: Tally,
}

/// What a meeting has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes of words that were taken.
    pub bytes_in: u64,
    /// Bytes of words that were given.
    pub bytes_out: u64,
    /// Posts that came.
    pub posts_in: u64,
    /// Posts that went.
    pub posts_out: u64,
    /// Windows that were compared.
    pub windows: u32,
}

#[derive(Debug)]
enum Stage {
    /// Asker: says `Hello` with this salt for later.
    Begin([u8; 16]),
    /// Asker: waits for `Same` or lines.
    Lines([u8; 16]),
    /// Asker: wants and sends.
    Exchange([u8; 16]),
    /// Asker: waits for the digest.
    Digest([u8; 16]),
    /// Asker: compares windows.
    Asking(Box<Asking>),
    /// Answerer: waits for `Hello`.
    Answer,
    /// Answerer: has lines to tell, from this one on.
    Tell(usize),
    /// Answerer: takes and serves; `true` once the asker has sent all.
    Serve(bool),
    /// Answerer: has told its digest.
    Answering(Box<Answering>),
    /// Nothing more is said.
    Over,
}

/// How the other side broke the rules. The meeting is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// Another group or version.
    #[error("the other side speaks of another group or in another version")]
    Foreign,
    /// A word that does not come at this point.
    #[error("the other side said something at the wrong time")]
    OutOfTurn,
    /// Lines that are not in order, or too many.
    #[error("the other side told lines that cannot be")]
    BadLines,
    /// Something that was not told was asked for.
    #[error("the other side asked for what was not offered")]
    BadWant,
    /// A window or a frame that cannot be, or more of them than a comparison takes.
    #[error("the other side compares in a way that does not end")]
    BadWindow,
}

/// Why a word was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeetingError {
    /// The other side is at fault.
    #[error(transparent)]
    Theirs(#[from] Misbehaviour),
    /// The storage failed.
    #[error(transparent)]
    Rows(#[from] RowsError),
}

impl Meeting {
    /// Begins a meeting. `salt` is fresh and random.
    pub fn ask(group: GroupId, salt: [u8; 16]) -> Self {
        Self::new(group, Stage::Begin(salt))
    }

    /// Waits for the other side to begin.
    pub fn answer(group: GroupId) -> Self {
        Self::new(group, Stage::Answer)
    }

    fn new(group: GroupId, stage: Stage) -> Self {
        Self {
            group,
            stage,
            lines: Vec::new(),
            wants: VecDeque::new(),
            outgoing: Outgoing::default(),
            waiting: VecDeque::new(),
            limits: None,
            tally: Tally::default(),
        }
    }

    /// Gives no more than that: the other side came later. Such a meeting ends before names are compared, since the
    /// histories stay different.
    pub(crate) fn limited(mut self, limits: Option<Limits>) -> Self {
        self.outgoing.limits.clone_from(&limits);
        self.limits = limits;
        self
    }

    /// Whether nothing more will be said by this side or taken by it.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over) && self.waiting.is_empty()
    }

    /// What it has cost so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Takes a word. Returns the posts in it, which the caller verifies and inserts before it hands over the next word.
    /// What was inserted must have been committed before a `Window` is answered, or it will be sent a second time.
    ///
    /// # Errors
    /// When the other side misbehaves, or the storage fails. The meeting is over then.
    pub fn take(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
        word: SyncWord,
    ) -> Result<Vec<Post>, MeetingError> {
        self.tally.bytes_in += word.to_bytes().len() as u64;
        let taken = self.turn(history, rows, out, word);
        if taken.is_err() {
            self.stage = Stage::Over;
            self.waiting.clear();
        }
        taken
    }

    fn turn(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
        word: SyncWord,
    ) -> Result<Vec<Post>, MeetingError> {
        if let SyncWord::Posts { posts } = word {
            let may_come = match &self.stage {
                Stage::Exchange(_) | Stage::Digest(_) | Stage::Serve(_) | Stage::Answering(_) => true,
                Stage::Asking(asking) => asking.awaits_posts(),
                _ => false,
            };
            self.tally.posts_in += posts.len() as u64;
            return if may_come { Ok(posts.into_inner()) } else { Err(Misbehaviour::OutOfTurn.into()) };
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        self.stage = match (stage, word) {
            (Stage::Answer, SyncWord::Hello { version, group, digest }) => {
                if version != SYNC_VERSION || group != self.group {
                    return Err(Misbehaviour::Foreign.into());
                }
                if digest == history.digest() {
                    self.waiting.push_back(SyncWord::Same);
                    Stage::Over
                } else {
                    self.lines = history.lines().map(|line| above(self.limits.as_ref(), line)).collect();
                    Stage::Tell(0)
                }
            }
            (Stage::Lines(_), SyncWord::Same) => Stage::Over,
            (Stage::Lines(salt), SyncWord::Lines { lines, last }) => {
                self.take_lines(&lines)?;
                if last {
                    self.wants = history.wanted(&self.lines).into();
                    let missing = history.missing(&self.lines).into_iter();
                    let missing = missing.filter_map(|(device, run)| {
                        Some((device, cut_run(self.limits.as_ref(), device, run)?))
                    });
                    let missing = missing.collect();
                    self.outgoing = Outgoing::of(history, rows, out, missing, self.limits.clone())?;
                    Stage::Exchange(salt)
                } else {
                    Stage::Lines(salt)
                }
            }
            (Stage::Serve(false), SyncWord::Want { spans }) => {
                self.take_wants(history, rows, out, &spans)?;
                Stage::Serve(false)
            }
            (Stage::Serve(false), SyncWord::Sent) => Stage::Serve(true),
            (Stage::Digest(_), SyncWord::Digest { digest }) if digest == history.digest() => {
                self.waiting.push_back(SyncWord::Done);
                Stage::Over
            }
            (Stage::Digest(_), SyncWord::Digest { .. }) if self.limits.is_some() => {
                self.waiting.push_back(SyncWord::Done);
                Stage::Over
            }
            (Stage::Digest(salt), SyncWord::Digest { .. }) => Stage::Asking(Box::new(Asking::new(salt))),
            (Stage::Asking(mut asking), SyncWord::Range { frame }) => {
                asking.take(&frame)?;
                Stage::Asking(asking)
            }
            (Stage::Answering(mut answering), SyncWord::Window { salt, from, until, frame }) => {
                let reply = answering.open(history, rows, (&salt, from, until), &frame)?;
                self.tally.windows += 1;
                self.waiting.push_back(reply);
                Stage::Answering(answering)
            }
            (Stage::Answering(mut answering), SyncWord::Range { frame }) => {
                self.waiting.push_back(answering.take(&frame)?);
                Stage::Answering(answering)
            }
            (Stage::Answering(mut answering), SyncWord::WantThese { names }) => {
                self.outgoing.add_names(answering.resolve(&names)?);
                Stage::Answering(answering)
            }
            (Stage::Answering(_), SyncWord::Done) => Stage::Over,
            _ => return Err(Misbehaviour::OutOfTurn.into()),
        };
        Ok(Vec::new())
    }

    /// The next word, if there is one to say now.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn next(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
    ) -> Result<Option<SyncWord>, RowsError> {
        let word = match self.waiting.pop_front() {
            Some(word) => Some(word),
            None => self.make(history, rows, out)?,
        };
        if let Some(word) = &word {
            self.tally.bytes_out += word.to_bytes().len() as u64;
            if let SyncWord::Posts { posts } = word {
                self.tally.posts_out += posts.len() as u64;
            }
        }
        Ok(word)
    }

    fn make(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
    ) -> Result<Option<SyncWord>, RowsError> {
        match &mut self.stage {
            Stage::Begin(salt) => {
                self.stage = Stage::Lines(*salt);
                let digest = history.digest();
                Ok(Some(SyncWord::Hello { version: SYNC_VERSION, group: self.group, digest }))
            }
            Stage::Tell(from) => {
                let lines = cut_lines(self.lines.get(*from..).unwrap_or_default());
                let told = *from + lines.len();
                let last = told >= self.lines.len();
                self.stage = if last { Stage::Serve(false) } else { Stage::Tell(told) };
                Ok(Some(SyncWord::Lines { lines: BoundedVec::truncated(lines), last }))
            }
            Stage::Exchange(salt) => {
                if !self.wants.is_empty() {
                    let count = self.wants.len().min(MAX_SPANS);
                    let spans = BoundedVec::truncated(self.wants.drain(..count).collect());
                    return Ok(Some(SyncWord::Want { spans }));
                }
                if let Some(word) = self.outgoing.next(history, rows, out)? {
                    return Ok(Some(word));
                }
                self.stage = Stage::Digest(*salt);
                Ok(Some(SyncWord::Sent))
            }
            Stage::Serve(sent) => {
                if let Some(word) = self.outgoing.next(history, rows, out)? {
                    return Ok(Some(word));
                }
                if !*sent {
                    return Ok(None);
                }
                if self.limits.is_some() {
                    self.stage = Stage::Over;
                    return Ok(None);
                }
                self.stage = Stage::Answering(Box::default());
                Ok(Some(SyncWord::Digest { digest: history.digest() }))
            }
            Stage::Asking(asking) => {
                if let Some(word) = self.outgoing.next(history, rows, out)? {
                    return Ok(Some(word));
                }
                let have = asking.take_have();
                if !have.is_empty() {
                    self.outgoing.add_names(have);
                    return self.outgoing.next(history, rows, out);
                }
                let word = asking.next(history, rows)?;
                if matches!(word, Some(SyncWord::Window { .. })) {
                    self.tally.windows += 1;
                }
                if matches!(word, Some(SyncWord::Done)) {
                    self.stage = Stage::Over;
                }
                Ok(word)
            }
            Stage::Answering(answering) => match self.outgoing.next(history, rows, out)? {
                Some(word) => Ok(Some(word)),
                None => Ok(answering.all_served()),
            },
            Stage::Lines(_) | Stage::Digest(_) | Stage::Answer | Stage::Over => Ok(None),
        }
    }

    fn take_lines(&mut self, lines: &[Line]) -> Result<(), Misbehaviour> {
        if self.lines.len() + lines.len() > MAX_LINES_TOLD {
            return Err(Misbehaviour::BadLines);
        }
        for line in lines {
            if self.lines.last().is_some_and(|last| last.device >= line.device) {
                return Err(Misbehaviour::BadLines);
            }
            self.lines.push(line.clone());
        }
        Ok(())
    }

    /// Notes what the asker wants, if it was told of it: no post goes twice.
    fn take_wants(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
        spans: &[Span],
    ) -> Result<(), MeetingError> {
        let mut runs = Vec::with_capacity(spans.len());
        for span in spans {
            let line = self.lines.get(usize::from(span.line)).ok_or(Misbehaviour::BadWant)?;
            let told =
                std::iter::once((1, line.upto)).chain(line.beyond.iter().map(|run| (run.from, run.to)));
            if !told.into_iter().any(|(from, to)| from <= span.run.from && span.run.to <= to) {
                return Err(Misbehaviour::BadWant.into());
            }
            runs.push((span.line, line.device, span.run));
        }
        self.outgoing.add_runs(history, rows, out, runs)
    }
}

/// What of a line is given.
fn above(limits: Option<&Limits>, line: Line) -> Line {
    let floor = limits.and_then(|limits| limits.floors.get(&line.device)).copied();
    let Some(floor) = floor.filter(|floor| *floor > 1) else { return line };
    let first = (line.upto > 0).then_some(Run { from: 1, to: line.upto });
    let all = first.into_iter().chain(line.beyond.iter().copied());
    let given = all.filter(|run| run.to >= floor).map(|run| Run { from: run.from.max(floor), to: run.to });
    Line { device: line.device, upto: 0, beyond: BoundedVec::truncated(given.collect()) }
}

/// What of a run is given.
fn cut_run(limits: Option<&Limits>, device: DeviceId, run: Run) -> Option<Run> {
    let floor = limits.and_then(|limits| limits.floors.get(&device)).copied().unwrap_or(1);
    (run.to >= floor).then_some(Run { from: run.from.max(floor), to: run.to })
}

/// As many lines as one word takes.
fn cut_lines(lines: &[Line]) -> Vec<Line> {
    let mut room = LINE_BYTES;
    let fit = lines.iter().take(MAX_LINES).take_while(|line| {
        let left = room.checked_sub(line.to_bytes().len());
        room = left.unwrap_or_default();
        left.is_some()
    });
    fit.cloned().collect()
}

/// The name of a post under a meeting's salt.
fn salted(salt: &[u8; 16], group: &GroupId, id: &PostId) -> SaltedName {
    let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 salted post name v1");
    for part in [salt.as_slice(), &group.0, &id.0] {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// Posts of a window by their salted names.
type Names = BTreeMap<SaltedName, PostId>;

/// A set of names.
type NameSet = BTreeSet<SaltedName>;

#[cfg(test)]
mod tests;
