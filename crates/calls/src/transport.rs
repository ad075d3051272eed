//! What carries packets of sound and pictures between two devices, as this crate wants it. Behind the trait stands a peer connection;
//! what it is made of is known in [`webrtc`] alone, so that another can take its place.
//!
//! ```text
//!  task ── Connection: offer, answer, candidates ──▶ transport ── Happened ──▶ task
//!  microphone, cameras ── Outbox ──▶ transport ── Inbox ──▶ speaker, pictures
//! ```

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use kith_media::Time;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::Ways;
use tokio::sync::mpsc;

use crate::line::Line;

pub(crate) mod webrtc;

/// What a packet is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Speech.
    Microphone,
    /// A picture of a person.
    Camera,
    /// A picture of a screen.
    Screen,
}

impl Kind {
    /// All, in the order in which a description has them.
    pub const ALL: [Self; 3] = [Self::Microphone, Self::Camera, Self::Screen];

    /// Its name, in descriptions and for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Microphone => "microphone",
            Self::Camera => "camera",
            Self::Screen => "screen",
        }
    }

    /// Which of [`Kind::ALL`].
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Microphone => 0,
            Self::Camera => 1,
            Self::Screen => 2,
        }
    }
}

/// What a codec made, the same for all legs.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub(crate) kind: Kind,
    /// The RTP time stamp: 48,000 a second for speech, 90,000 for pictures.
    pub(crate) stamp: u32,
    /// Whether it is a picture that needs no other.
    pub(crate) key: bool,
    pub(crate) data: Arc<[u8]>,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Inbox {
    /// A packet of speech.
    Speech { came: Time, number: u16, stamp: u32, payload: Vec<u8> },
    /// A whole picture for the decoder.
    Frame { kind: Kind, frame: kith_media::frames::Frame },
}

/// How a connection is to be made.
pub(crate) struct Setup {
    pub(crate) ways: Ways,
    /// Whether more may be allowed later.
    pub(crate) may_widen: bool,
    pub(crate) servers: IceServers,
    pub(crate) line: Arc<Line>,
    /// Whether frames are sealed: then nothing can be read in them.
    pub(crate) sealed: bool,
    /// What came goes here; what finds no room is lost, as on any line.
    pub(crate) inbox: Arc<dyn Fn(Inbox) + Send + Sync>,
}

/// Something happened to a connection.
#[derive(Debug)]
pub(crate) enum Happened {
    /// This side may be reached here: the value of an `a=candidate` line.
    Candidate(String),
    /// There are no more candidates.
    NoMoreCandidates,
    /// The way changed.
    State(State),
}

/// How a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It works, encrypted.
    Connected,
    /// Nothing answers.
    Interrupted,
    /// It is over.
    Failed,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// What the other side said makes no sense, or has nothing in common with what can be done here.
    Theirs,
    /// Something failed here.
    Ours,
}

/// A report about a connection: which one, by its number, and what.
pub(crate) type Reports = mpsc::Sender<(u64, Happened)>;

/// Something that is done elsewhere, and its result.
pub(crate) type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, Refused>> + Send + 'a>>;

/// Makes connections.
pub(crate) trait Transport: Send + Sync {
    /// A connection of which nobody has heard yet.
    fn open(&self, number: u64, setup: Setup, reports: Reports) -> Doing<'_, Box<dyn Connection>>;
}

/// A connection to one device. Microphone, camera and screen are there from the beginning, whether or not they are used.
pub(crate) trait Connection: Send + Sync {
    /// Describes itself, to look for another way with `restart`.
    fn offer(&self, restart: bool) -> Doing<'_, String>;

    /// Takes an offer and answers. An own one that was not answered is withdrawn.
    fn answer(&self, theirs: String) -> Doing<'_, String>;

    /// Takes the answer to the own offer.
    fn answered(&self, theirs: String) -> Doing<'_, ()>;

    /// The other side may be reached here: the value of an `a=candidate` line, which was looked at.
    fn candidate(&self, line: String) -> Doing<'_, ()>;

    /// These ways may be tried, with these servers, from the next search for a way on.
    fn allow(&self, ways: Ways, servers: IceServers) -> Doing<'_, ()>;

    /// Whether a relay is in the way.
    fn is_relayed(&self) -> Doing<'_, bool>;

    /// Where to put what is to be sent. What finds no room is lost.
    fn outbox(&self) -> mpsc::Sender<Encoded>;

    /// Ends it. Nothing is reported afterwards.
    fn close(&self) -> Doing<'_, ()>;
}

impl fmt::Debug for dyn Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}
