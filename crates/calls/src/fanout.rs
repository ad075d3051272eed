//! Where encoders send what they made: to all connections that work, the same to each.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use kith_media::Bitrate;
use tokio::sync::mpsc;

use crate::line::Line;
use crate::transport::Encoded;
use crate::transport::Kind;

/// The connections.
#[derive(Default)]
pub(crate) struct Fanout(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    legs: Vec<Out>,
    /// How much pictures of each kind could use.
    wanted: [u64; 3],
}

struct Out {
    number: u64,
    line: Arc<Line>,
    outbox: mpsc::Sender<Encoded>,
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
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection works now.
    pub(crate) fn join(&self, number: u64, line: Arc<Line>, outbox: mpsc::Sender<Encoded>) {
        let mut inner = self.inner();
        if inner.legs.iter().any(|leg| leg.number == number) {
            return;
        }
        Kind::ALL.into_iter().for_each(|kind| line.ask_key(kind));
        inner.legs.push(Out { number, line, outbox });
        inner.tell_wanted();
    }

    /// A connection is over.
    pub(crate) fn leave(&self, number: u64) {
        self.inner().legs.retain(|leg| leg.number != number);
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

    /// Sends to all.
    pub(crate) fn send(&self, encoded: &Encoded) {
        for leg in &self.inner().legs {
            if leg.outbox.try_send(encoded.clone()).is_err() {
                leg.line.ask_key(encoded.kind);
            }
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
