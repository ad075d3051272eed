//! Where encoders send what they made: to all connections that work, the same to each. In a call of a group it is sealed on the way, once for all,
//! and what others have sealed may be passed on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use kith_media::Bitrate;
use tokio::sync::mpsc;

use crate::line::Line;
use crate::sealing::Shared;
use crate::transport::Encoded;
use crate::transport::Kind;

/// The connections.
#[derive(Default)]
pub(crate) struct Fanout {
    inner: Mutex<Inner>,
    sealing: Shared,
}

#[derive(Default)]
struct Inner {
    legs: Vec<Out>,
    /// How much pictures of each kind could use.
    wanted: [u64; 3],
}

struct Out {
    number: u64,
    sealed: bool,
    line: Arc<Line>,
    outbox: mpsc::Sender<Encoded>,
    /// Pictures of others that had no room: from which connection, and whether a keyframe was asked for since there is room again.
    skipped: BTreeMap<(u64, Kind), bool>,
}

/// What encoders of pictures should know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outlook {
    /// What may be sent for a kind of picture to the one with the least.
    pub(crate) target: Bitrate,
    /// Whether the next picture would leave soon everywhere.
    pub(crate) room: bool,
    /// Whether somebody needs a keyframe.
    pub(crate) key: bool,
}

impl Fanout {
    /// None yet. `sealing`: the keys of a call of a group.
    pub(crate) fn new(sealing: Shared) -> Self {
        Self { inner: Mutex::default(), sealing }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection works now.
    pub(crate) fn join(&self, number: u64, (line, sealed): (Arc<Line>, bool), outbox: mpsc::Sender<Encoded>) {
        let mut inner = self.inner();
        if inner.legs.iter().any(|leg| leg.number == number) {
            return;
        }
        Kind::ALL.into_iter().for_each(|kind| line.wish_key(kind));
        inner.legs.push(Out { number, sealed, line, outbox, skipped: BTreeMap::new() });
        inner.tell_wanted();
    }

    /// A connection is over.
    pub(crate) fn leave(&self, number: u64) {
        let mut inner = self.inner();
        inner.legs.retain(|leg| leg.number != number);
        inner.legs.iter_mut().for_each(|leg| leg.skipped.retain(|(from, _), _| *from != number));
    }

    /// How much pictures of a kind could use.
    pub(crate) fn set_wanted(&self, kind: Kind, wanted: Bitrate) {
        let mut inner = self.inner();
        if let Some(own) = inner.wanted.get_mut(kind.index()) {
            *own = wanted.bps();
        }
        inner.tell_wanted();
    }

    /// What there is for a kind of picture; nothing while nobody is connected. The wish for a keyframe is forgotten by asking.
    pub(crate) fn outlook(&self, kind: Kind) -> Option<Outlook> {
        let inner = self.inner();
        let kinds = inner.wanted.iter().filter(|wanted| **wanted > 0).count().max(1) as u64;
        let target = inner.legs.iter().map(|leg| leg.line.for_pictures().bps()).min()?;
        Some(Outlook {
            target: Bitrate::from_bps(target.saturating_sub(SPEECH.bps()) / kinds),
            room: inner.legs.iter().all(|leg| leg.line.has_room()),
            // All are asked: the answer is for all.
            key: inner.legs.iter().filter(|leg| leg.line.take_key(kind)).count() > 0,
        })
    }

    /// A keyframe is owed still.
    pub(crate) fn owe_key(&self, kind: Kind) {
        self.inner().legs.iter().for_each(|leg| leg.line.ask_key(kind));
    }

    /// The smallest target and the greatest loss of speech; nothing while nobody is connected.
    pub(crate) fn for_speech(&self) -> Option<(u64, f64)> {
        let inner = self.inner();
        let target = inner.legs.iter().map(|leg| leg.line.target().bps()).min()?;
        let loss = inner.legs.iter().map(|leg| leg.line.speech_loss().max(leg.line.loss()));
        Some((target, loss.fold(0.0, f64::max)))
    }

    /// Sends to all. Where frames are to be sealed and there is no key yet, nothing leaves.
    pub(crate) fn send(&self, encoded: &Encoded) {
        let inner = self.inner();
        // A device is in one call at a time: either all connections want it sealed, or none.
        let sealed = inner.legs.iter().any(|leg| leg.sealed).then(|| self.sealing.seal(encoded));
        for leg in &inner.legs {
            let frame = if leg.sealed { sealed.as_ref().and_then(Option::as_ref) } else { Some(encoded) };
            leg.send(frame, encoded.kind);
        }
    }

    /// Passes on what came by one connection to all others, as it is. Returns how often these asked for keyframes so far.
    pub(crate) fn pass_on(&self, from: u64, encoded: &Encoded) -> u64 {
        let mut inner = self.inner();
        let others = inner.legs.iter_mut().filter(|leg| leg.sealed && leg.number != from);
        let sent = others.map(|leg| {
            if leg.takes(from, encoded) && leg.outbox.try_send(encoded.clone()).is_err() {
                leg.skipped.insert((from, encoded.kind), false);
            }
            leg.line.wishes(encoded.kind)
        });
        sent.sum()
    }
}

impl Out {
    /// Whether a frame of another connection is passed on here. Pictures need room, and what refers to one that had none is of no use.
    fn takes(&mut self, from: u64, encoded: &Encoded) -> bool {
        let Encoded { kind, key, .. } = *encoded;
        if kind == Kind::Microphone {
            return true;
        }
        let room = self.line.has_room();
        match self.skipped.get_mut(&(from, kind)) {
            None if room => return true,
            None => _ = self.skipped.insert((from, kind), false),
            Some(_) if room && key => {
                self.skipped.remove(&(from, kind));
                return true;
            }
            Some(asked) if room && !*asked => {
                *asked = true;
                self.line.wish_key(kind);
            }
            Some(_) => {}
        }
        false
    }

    fn send(&self, frame: Option<&Encoded>, kind: Kind) {
        if frame.is_none_or(|frame| self.outbox.try_send(frame.clone()).is_err()) {
            self.line.ask_key(kind);
        }
    }
}

impl Inner {
    fn tell_wanted(&self) {
        let wanted = Bitrate::from_bps(self.wanted.iter().sum::<u64>() + SPEECH.bps());
        self.legs.iter().for_each(|leg| leg.line.set_wanted(wanted));
    }
}

/// What speech takes on the wire, with headers.
const SPEECH: Bitrate = Bitrate::from_kbps(60);
