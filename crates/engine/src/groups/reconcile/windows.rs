//! Comparing histories name by name, a window of the order at a time: range-based set reconciliation (Meyer, 2023) in
//! the words of `negentropy`, version 1. Needed only where two posts stand under one number.

use std::collections::VecDeque;

use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedVec;
use kith_proto::id::GroupId;
use kith_proto::id::PostId;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::sync::MAX_NAMES;
use kith_proto::sync::MAX_RANGE_BYTES;
use kith_proto::sync::Place;
use kith_proto::sync::SaltedName;
use kith_proto::sync::SyncWord;
use kith_proto::time::Timestamp;
use negentropy::Id;
use negentropy::Negentropy;
use negentropy::NegentropyStorageVector;

use super::MeetingError;
use super::Misbehaviour;
use super::NameSet;
use super::Names;
use super::salted;
use crate::groups::history::History;
use crate::groups::history::MAX_FORKS;
use crate::groups::history::rows::scan_order;

/// How many of its posts the asker puts into a window: some 2 MB of names.
const WINDOW: usize = 16_384;

/// How many the answerer may have in it: as lines were compared before, not more than there may be under each number.
const MAX_ANSWERED: usize = WINDOW * MAX_FORKS;

/// How often a frame goes to and fro in a window. Each divides by sixteen, or carries a thousand names.
const MAX_ROUNDS: u32 = 256;

/// The first place of all.
const FIRST: Place = Place { time: Timestamp(0), post: PostId([0; 32]) };

/// One window from one side.
#[derive(Debug)]
struct Window {
    machine: Negentropy<'static, NegentropyStorageVector>,
    names: Names,
    rounds: u32,
}

/// The asker's way through all windows.
#[derive(Debug)]
pub(super) struct Asking {
    salt: [u8; 16],
    /// Where the next window begins; `None` after the last.
    next: Option<Place>,
    step: Step,
    /// What the answerer lacks in the window that was compared last.
    have: Vec<PostId>,
}

#[derive(Debug)]
enum Step {
    /// The next window is to be opened.
    Between,
    /// A window is compared; a frame may wait to be sent.
    Comparing { window: Box<Window>, frame: Option<Vec<u8>>, have: NameSet, need: NameSet },
    /// What we lack is asked for; `true` while the answerer is sending.
    Fetching(VecDeque<SaltedName>, bool),
}

/// The answerer's side of windows.
#[derive(Debug)]
pub(super) struct Answering {
    /// Windows come in ascending order, so that a meeting costs one walk through the history.
    next: Option<Place>,
    window: Option<Window>,
    /// Whether a list of names is being served.
    serving: bool,
}

impl Default for Answering {
    fn default() -> Self {
        Self { next: Some(FIRST), window: None, serving: false }
    }
}

impl Window {
    fn new(group: &GroupId, salt: &[u8; 16], places: &[Place]) -> Result<Self, Misbehaviour> {
        let mut storage = NegentropyStorageVector::with_capacity(places.len());
        let mut names = Names::new();
        for place in places {
            let name = salted(salt, group, &place.post);
            storage.insert(place.time.0, Id::from_byte_array(name)).map_err(bad_window)?;
            names.insert(name, place.post);
        }
        storage.seal().map_err(bad_window)?;
        let machine = Negentropy::owned(storage, MAX_RANGE_BYTES as u64).map_err(bad_window)?;
        Ok(Self { machine, names, rounds: 0 })
    }

    fn count_round(&mut self) -> Result<(), Misbehaviour> {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS { Err(Misbehaviour::BadWindow) } else { Ok(()) }
    }
}

impl Asking {
    pub(super) fn new(salt: [u8; 16]) -> Self {
        Self { salt, next: Some(FIRST), step: Step::Between, have: Vec::new() }
    }

    /// Whether posts were asked for by name.
    pub(super) fn awaits_posts(&self) -> bool {
        matches!(self.step, Step::Fetching(_, true))
    }

    /// What the answerer lacks, as far as it is known now.
    pub(super) fn take_have(&mut self) -> Vec<PostId> {
        std::mem::take(&mut self.have)
    }

    /// Takes a frame of the answerer; an empty one says that all wanted posts were sent.
    pub(super) fn take(&mut self, taken: &[u8]) -> Result<(), Misbehaviour> {
        match &mut self.step {
            Step::Fetching(_, awaited @ true) if taken.is_empty() => *awaited = false,
            Step::Comparing { window, frame: frame @ None, have, need } => {
                window.count_round()?;
                let (mut more_have, mut more_need) = (Vec::new(), Vec::new());
                let reply = window.machine.reconcile_with_ids(taken, &mut more_have, &mut more_need);
                *frame = reply.map_err(bad_window)?;
                have.extend(more_have.iter().map(Id::as_bytes));
                need.extend(more_need.iter().map(Id::as_bytes));
                // The answerer cannot have more than that under the same numbers.
                if need.len() > MAX_ANSWERED {
                    return Err(Misbehaviour::BadWindow);
                }
                if frame.is_none() {
                    self.have = have.iter().filter_map(|name| window.names.get(name)).copied().collect();
                    self.step = Step::Fetching(need.iter().copied().collect(), false);
                }
            }
            _ => return Err(Misbehaviour::OutOfTurn),
        }
        Ok(())
    }

    /// The next word.
    pub(super) fn next(&mut self, history: &History, rows: &dyn Rows) -> Result<Option<SyncWord>, RowsError> {
        match &mut self.step {
            Step::Comparing { frame, .. } => {
                return Ok(frame.take().map(|frame| SyncWord::Range { frame: bounded(frame) }));
            }
            Step::Fetching(_, true) => return Ok(None),
            Step::Fetching(need, awaited) if !need.is_empty() => {
                *awaited = true;
                let count = need.len().min(MAX_NAMES);
                let names = BoundedVec::truncated(need.drain(..count).collect());
                return Ok(Some(SyncWord::WantThese { names }));
            }
            Step::Between | Step::Fetching(..) => {}
        }
        let Some(from) = self.next else { return Ok(Some(SyncWord::Done)) };
        let group = history.group();
        let mut places = scan_order(rows, &group, Some(&from), None, Direction::Up, WINDOW + 1)?;
        let until = if places.len() > WINDOW { places.pop() } else { None };
        // Our own names are in order, and there are not too many; so this works.
        let window = Window::new(&group, &self.salt, &places).and_then(|mut window| {
            let frame = window.machine.initiate().map_err(bad_window)?;
            Ok((window, frame))
        });
        let Ok((window, frame)) = window else { return Ok(Some(SyncWord::Done)) };
        self.next = until;
        let (have, need) = (NameSet::new(), NameSet::new());
        self.step = Step::Comparing { window: Box::new(window), frame: None, have, need };
        Ok(Some(SyncWord::Window { salt: self.salt, from, until, frame: bounded(frame) }))
    }
}

impl Answering {
    /// Opens a window as the asker wants it. Returns our frame.
    pub(super) fn open(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        asked: (&[u8; 16], Place, Option<Place>),
        frame: &[u8],
    ) -> Result<SyncWord, MeetingError> {
        let (salt, from, until) = asked;
        let in_order = self.next.is_some_and(|next| from >= next) && until.is_none_or(|until| until > from);
        if !in_order || self.serving {
            return Err(Misbehaviour::BadWindow.into());
        }
        self.next = until;
        let group = history.group();
        let places = scan_order(rows, &group, Some(&from), until.as_ref(), Direction::Up, MAX_ANSWERED + 1)?;
        if places.len() > MAX_ANSWERED {
            return Err(Misbehaviour::BadWindow.into());
        }
        self.window = Some(Window::new(&group, salt, &places)?);
        Ok(self.take(frame)?)
    }

    /// Takes a frame of the asker. Returns ours.
    pub(super) fn take(&mut self, frame: &[u8]) -> Result<SyncWord, Misbehaviour> {
        let window = self.window.as_mut().ok_or(Misbehaviour::OutOfTurn)?;
        window.count_round()?;
        let frame = window.machine.reconcile(frame).map_err(bad_window)?;
        Ok(SyncWord::Range { frame: bounded(frame) })
    }

    /// The posts behind names of the window. Each is given once.
    pub(super) fn resolve(&mut self, names: &[SaltedName]) -> Result<Vec<PostId>, Misbehaviour> {
        if std::mem::replace(&mut self.serving, true) {
            return Err(Misbehaviour::OutOfTurn);
        }
        let window = self.window.as_mut().ok_or(Misbehaviour::OutOfTurn)?;
        names.iter().map(|name| window.names.remove(name).ok_or(Misbehaviour::BadWant)).collect()
    }

    /// Once nothing is left to send: says so, if the asker waits for that.
    pub(super) fn all_served(&mut self) -> Option<SyncWord> {
        let frame = BoundedBytes::default();
        std::mem::take(&mut self.serving).then_some(SyncWord::Range { frame })
    }
}

/// A frame of ours, which the limit of the machine keeps within bounds.
fn bounded(frame: Vec<u8>) -> BoundedBytes<MAX_RANGE_BYTES> {
    BoundedBytes::new(frame).unwrap_or_default()
}

fn bad_window(_: negentropy::Error) -> Misbehaviour {
    Misbehaviour::BadWindow
}
