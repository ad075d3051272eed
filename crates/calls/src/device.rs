//! Where sound and pictures come from and go to, as traits: real devices, and others that people, bots and tests use alike.
//!
//! | module | |
//! |---|---|
//! | [`sound`] | tone, marks, silence, recorder, nothing |
//! | [`wav`] | files of sound, in and out |
//! | [`recording`] | pictures into a file |
//! | [`ring`] | what is heard before anybody talks |
//! | `keeping` | new files for either |
//! | `tries` | when one is opened, and opened again |
//! | [`pattern`] | a picture that tells when it was made |
//! | [`files`] | films: Y4M, IVF |
//! | `pulse` | real microphones and speakers, on Linux |
//! | `camera`, `screen` | real cameras, screens and windows, on Linux; `colours` makes of their pictures what is encoded |
//! | [`choice`] | all of them by name, and which are there |
//!
//! Devices keep the pace: who reads or writes waits in the call, on a thread of its own. Nothing here is asynchronous.

use std::time::Duration;
use std::time::Instant;

use kith_proto::call::media::LegId;
use thiserror::Error;

use crate::Picture;
use crate::transport::Kind;

#[cfg(target_os = "linux")]
mod camera;
pub mod choice;
#[cfg(target_os = "linux")]
mod colours;
pub mod files;
mod keeping;
pub mod pattern;
#[cfg(target_os = "linux")]
mod pulse;
pub mod recording;
pub mod ring;
#[cfg(target_os = "linux")]
mod screen;
pub mod sound;
mod tries;
pub mod wav;

#[cfg(target_os = "linux")]
use self::choice::Direction;
#[cfg(target_os = "linux")]
use self::choice::Found;
pub(crate) use self::tries::Tries;
pub(crate) use self::tries::Try;

/// 10 ms of sound: 48,000 samples a second, one channel, between -1 and 1.
pub type Block = [f32; kith_media::jitter::BLOCK];

/// How long a [`Block`] is.
pub const BLOCK_LASTS: Duration = Duration::from_millis(10);

/// The device is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("The device was unplugged or is used by another program.")]
pub struct Gone;

/// A device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoDevice {
    /// There is none of this kind, or none of this name.
    #[error("There is no such device here.")]
    Missing,
    /// It is there but does not work.
    #[error("The device does not work: {0}")]
    Broken(String),
}

/// Sound comes from here.
pub trait AudioSource: Send {
    /// Waits for the next 10 ms.
    ///
    /// # Errors
    /// [`Gone`], for good.
    fn read(&mut self, block: &mut Block) -> Result<(), Gone>;

    /// How many blocks were lost just before the one that was read last, because nobody read them in time.
    fn lost(&mut self) -> u32 {
        0
    }

    /// Whether there is a room around it, with echo and noise to be taken out.
    fn hears_a_room(&self) -> bool {
        false
    }
}

/// Sound goes there.
pub trait AudioSink: Send {
    /// Plays 10 ms; waits while there is enough to play.
    ///
    /// # Errors
    /// [`Gone`], for good.
    fn write(&mut self, block: &Block) -> Result<(), Gone>;

    /// How long it takes until what is written now is heard.
    fn delay(&self) -> Duration {
        Duration::ZERO
    }
}

/// Which pictures are wanted. A source may give larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The most lines; nothing for as many as there are.
    pub height: Option<u32>,
    /// Pictures a second.
    pub frames: u32,
}

/// Pictures come from here.
pub trait VideoSource: Send {
    /// Waits for the next picture.
    ///
    /// # Errors
    /// [`Gone`], for good.
    fn next(&mut self, wish: Wish, picture: &mut Picture) -> Result<(), Gone>;
}

/// Pictures go there.
pub trait VideoSink: Send {
    /// Shows a picture.
    fn show(&mut self, picture: &Picture);
}

/// What is there to use. Opening a device may take some seconds, but comes to an end; for sound it is done on a thread of its own.
pub trait Devices: Send + Sync + 'static {
    /// The microphone that was chosen.
    ///
    /// # Errors
    /// If there is none, or it does not work.
    fn microphone(&self) -> Result<Box<dyn AudioSource>, NoDevice>;

    /// The speaker that was chosen.
    ///
    /// # Errors
    /// If there is none, or it does not work.
    fn speaker(&self) -> Result<Box<dyn AudioSink>, NoDevice>;

    /// The camera or the screen that was chosen.
    ///
    /// # Errors
    /// If there is none, or it does not work.
    fn pictures(&self, kind: Kind) -> Result<Box<dyn VideoSource>, NoDevice>;

    /// Where pictures of the other side are shown.
    fn display(&self, of: LegId, kind: Kind) -> Box<dyn VideoSink>;

    /// Where the own pictures are shown to the person, as they are taken; nowhere unless said.
    fn preview(&self, _: Kind) -> Option<Box<dyn VideoSink>> {
        None
    }

    /// Grows when another device is to be used: those that are open are opened anew.
    fn changes(&self) -> u64 {
        0
    }
}

/// Keeps a pace by the clock, for devices that have none.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    next: Option<Instant>,
}

impl Pace {
    /// Waits until `every` after the last time; begins anew when that is long past.
    pub(crate) fn wait(&mut self, every: Duration) {
        let now = Instant::now();
        let next = self.next.filter(|next| now.saturating_duration_since(*next) < TOO_LATE).unwrap_or(now);
        std::thread::sleep(next.saturating_duration_since(now));
        self.next = Some(next + every);
    }
}

/// A machine that slept does not hurry through all that it missed.
const TOO_LATE: Duration = Duration::from_millis(200);

/// Milliseconds since something in this process first asked: what patterns and marks bear, so that delays within a process can be measured.
pub fn process_millis(at: Instant) -> u64 {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let began = *BEGAN.get_or_init(|| at);
    u64::try_from(at.saturating_duration_since(began).as_millis()).unwrap_or(u64::MAX)
}
