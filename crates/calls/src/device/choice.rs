//! Devices by their names, as people choose them in settings and bots on command lines. Names of files, tones and patterns work everywhere; those of
//! real devices are what [`list`] says.
//!
//! | for | words |
//! |---|---|
//! | microphone | `default`, `device:ID`, `tone:440`, `marks`, `silence`, `wav:PATH` |
//! | speaker | `default`, `device:ID`, `none`, `wav:PATH` |
//! | camera | `default`, `device:PATH`, `none`, `pattern`, `pattern:1280x720`, `file:PATH` |
//! | screen | `default`, `monitor:NAME`, `window:NUMBER`, `none`, `pattern`, `pattern:1280x720`, `file:PATH` |

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use kith_proto::call::media::LegId;
use thiserror::Error;

use super::AudioSink;
use super::AudioSource;
use super::Devices;
use super::NoDevice;
use super::VideoSink;
use super::VideoSource;
use super::files::VideoFile;
use super::pattern::Pattern;
use super::sound::Marks;
use super::sound::Silence;
use super::sound::Tone;
use super::wav::WavSink;
use super::wav::WavSource;
use crate::transport::Kind;

/// Which way sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// A microphone.
    In,
    /// A speaker.
    Out,
}

/// A real device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which way sound goes.
    pub direction: Direction,
    /// What it is called here.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether it is used where nothing else is said.
    pub is_default: bool,
}

/// The real devices that are there now, the default ones first. Asked again, it sees what was plugged in meanwhile.
pub fn list() -> Vec<Found> {
    #[cfg(target_os = "linux")]
    return super::pulse::list();
    #[cfg(not(target_os = "linux"))]
    return Vec::new();
}

/// Something that pictures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPicture {
    /// The word for it.
    pub word: String,
    /// What people call it.
    pub name: String,
    /// Whether it is used where nothing else is said.
    pub is_default: bool,
}

/// The cameras, or the monitors and windows, that are there now, the default one first.
pub fn list_pictures(kind: Kind) -> Vec<FoundPicture> {
    #[cfg(target_os = "linux")]
    return match kind {
        Kind::Microphone => Vec::new(),
        Kind::Camera => super::camera::list(),
        Kind::Screen => super::screen::list(None),
    };
    #[cfg(not(target_os = "linux"))]
    {
        let _ = kind;
        Vec::new()
    }
}

/// What is used, in the words of this module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where the voice comes from.
    pub microphone: String,
    /// Where others are heard.
    pub speaker: String,
    /// Where the face comes from.
    pub camera: String,
    /// What is shown of the screen.
    pub screen: String,
}

/// What a device is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The voice comes from it.
    Microphone,
    /// Others are heard from it.
    Speaker,
    /// The face comes from it.
    Camera,
    /// A screen is seen by it.
    Screen,
}

/// A word that names no device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotADevice {
    /// Nothing of this kind is used for that.
    #[error("there is no such kind of device here")]
    Unknown,
    /// A number cannot be.
    #[error("a tone has from 1 to 24000 periods a second, a pattern from 96x96 to 4096x4096")]
    Number,
    /// It would be forgotten with the program.
    #[error("a device has a name of at most 4096 bytes")]
    TooLong,
    /// Another folder would make it another file.
    #[error("a file has to be named with its whole path, from the root on")]
    Relative,
}

impl Choice {
    /// Uses the device of a word. Whether it is there and works is seen when it is opened.
    ///
    /// # Errors
    /// If the word names no device for this use; nothing changes then.
    pub fn set(&mut self, of: Use, word: &str) -> Result<(), NotADevice> {
        let pictures = matches!(of, Use::Camera | Use::Screen);
        if word.len() > MAX_WORD_BYTES {
            return Err(NotADevice::TooLong);
        }
        match split(word) {
            ("default", None) => {}
            ("device", Some(_)) if of != Use::Screen => {}
            ("monitor" | "window", Some(_)) if of == Use::Screen => {}
            ("tone", Some(text)) if of == Use::Microphone => _ = hertz(text).ok_or(NotADevice::Number)?,
            ("tone" | "marks" | "silence", None) if of == Use::Microphone => {}
            ("none", None) if of != Use::Microphone => {}
            ("wav", Some(path)) if !pictures => whole(path)?,
            ("pattern", None) if pictures => {}
            ("pattern", Some(text)) if pictures => _ = size(text).ok_or(NotADevice::Number)?,
            ("file", Some(path)) if pictures => whole(path)?,
            _ => return Err(NotADevice::Unknown),
        }
        *match of {
            Use::Microphone => &mut self.microphone,
            Use::Speaker => &mut self.speaker,
            Use::Camera => &mut self.camera,
            Use::Screen => &mut self.screen,
        } = word.to_owned();
        Ok(())
    }
}

fn whole(path: &str) -> Result<(), NotADevice> {
    if Path::new(path).is_absolute() { Ok(()) } else { Err(NotADevice::Relative) }
}

fn hertz(text: &str) -> Option<f32> {
    text.parse().ok().filter(|hertz| (1.0..24_000.0).contains(hertz))
}

fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    let side = |side: &str| side.parse().ok().filter(|side| (96..=4_096).contains(side));
    side(width).zip(side(height))
}

impl Default for Choice {
    fn default() -> Self {
        let [microphone, speaker, camera, screen] = ["default"; 4].map(str::to_owned);
        Self { microphone, speaker, camera, screen }
    }
}

/// Whose pictures are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// Those that this device takes.
    Own,
    /// Those that come over a connection.
    Theirs(LegId),
}

/// Makes the place where pictures are shown.
pub type MakeDisplay = Box<dyn Fn(Whose, Kind) -> Box<dyn VideoSink> + Send + Sync>;

/// Devices by [`Choice`]. It may change during a call.
pub struct Chosen {
    choice: Mutex<Choice>,
    changes: AtomicU64,
    display: MakeDisplay,
}

impl Chosen {
    /// Devices of a choice.
    pub fn new(choice: Choice, display: MakeDisplay) -> Arc<Self> {
        Arc::new(Self { choice: Mutex::new(choice), changes: AtomicU64::new(0), display })
    }

    /// Uses others from now on: calls that go on change over as soon as the new ones are open.
    pub fn choose(&self, choice: Choice) {
        *self.choice.lock().unwrap_or_else(PoisonError::into_inner) = choice;
        self.changes.fetch_add(1, Ordering::Release);
    }

    fn word(&self, of: impl Fn(&Choice) -> &String) -> String {
        of(&self.choice.lock().unwrap_or_else(PoisonError::into_inner)).clone()
    }
}

impl Devices for Chosen {
    fn microphone(&self) -> Result<Box<dyn AudioSource>, NoDevice> {
        let word = self.word(|choice| &choice.microphone);
        Ok(match split(&word) {
            ("default", _) => real_microphone(None)?,
            ("device", Some(id)) => real_microphone(Some(id))?,
            ("tone", None) => Box::new(Tone::new(440.0, TONE)),
            ("tone", Some(text)) => Box::new(Tone::new(hertz(text).ok_or(NoDevice::Missing)?, TONE)),
            ("marks", None) => Box::new(Marks::default()),
            ("silence", None) => Box::new(Silence::default()),
            ("wav", Some(path)) => Box::new(WavSource::open(Path::new(path))?),
            _ => return Err(NoDevice::Missing),
        })
    }

    fn speaker(&self) -> Result<Box<dyn AudioSink>, NoDevice> {
        let word = self.word(|choice| &choice.speaker);
        Ok(match split(&word) {
            ("default", _) => real_speaker(None)?,
            ("device", Some(id)) => real_speaker(Some(id))?,
            ("none", None) => Box::new(Silence::default()),
            ("wav", Some(path)) => Box::new(WavSink::create(Path::new(path))?),
            _ => return Err(NoDevice::Missing),
        })
    }

    fn pictures(&self, kind: Kind) -> Result<Box<dyn VideoSource>, NoDevice> {
        let word = self.word(|choice| if kind == Kind::Screen { &choice.screen } else { &choice.camera });
        Ok(match split(&word) {
            ("pattern", None) => Box::new(Pattern::new(1_280, 720)),
            ("pattern", Some(text)) => {
                let (width, height) = size(text).ok_or(NoDevice::Missing)?;
                Box::new(Pattern::new(width, height))
            }
            ("file", Some(path)) => Box::new(VideoFile::open(Path::new(path))?),
            ("default", None) => real_pictures(kind, None)?,
            ("device", Some(path)) if kind == Kind::Camera => real_pictures(kind, Some(path))?,
            ("monitor" | "window", Some(_)) if kind == Kind::Screen => real_pictures(kind, Some(&word))?,
            _ => return Err(NoDevice::Missing),
        })
    }

    fn display(&self, of: LegId, kind: Kind) -> Box<dyn VideoSink> {
        (self.display)(Whose::Theirs(of), kind)
    }

    fn preview(&self, kind: Kind) -> Option<Box<dyn VideoSink>> {
        Some((self.display)(Whose::Own, kind))
    }

    fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

/// The longest word for a device in bytes: a path.
pub const MAX_WORD_BYTES: usize = 4_096;

/// How loud a tone is at its peaks: well heard, and far from where gain control would work on it.
const TONE: f32 = 0.3;

fn split(word: &str) -> (&str, Option<&str>) {
    word.split_once(':').map_or((word, None), |(kind, rest)| (kind, Some(rest)))
}

#[cfg(target_os = "linux")]
fn real_microphone(id: Option<&str>) -> Result<Box<dyn AudioSource>, NoDevice> {
    Ok(Box::new(super::pulse::Microphone::open(id)?))
}

#[cfg(target_os = "linux")]
fn real_speaker(id: Option<&str>) -> Result<Box<dyn AudioSink>, NoDevice> {
    Ok(Box::new(super::pulse::Speaker::open(id)?))
}

#[cfg(target_os = "linux")]
fn real_pictures(kind: Kind, word: Option<&str>) -> Result<Box<dyn VideoSource>, NoDevice> {
    Ok(match kind {
        Kind::Screen => Box::new(super::screen::Screen::open(None, word)?),
        _ => Box::new(super::camera::Camera::open(word)?),
    })
}

#[cfg(not(target_os = "linux"))]
fn real_pictures(_: Kind, _: Option<&str>) -> Result<Box<dyn VideoSource>, NoDevice> {
    Err(NoDevice::Missing)
}

#[cfg(not(target_os = "linux"))]
fn real_microphone(_: Option<&str>) -> Result<Box<dyn AudioSource>, NoDevice> {
    Err(NoDevice::Missing)
}

#[cfg(not(target_os = "linux"))]
fn real_speaker(_: Option<&str>) -> Result<Box<dyn AudioSink>, NoDevice> {
    Err(NoDevice::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl VideoSink for Nowhere {
        fn show(&mut self, _: &crate::Picture) {}
    }

    fn chosen(microphone: &str, camera: &str) -> Arc<Chosen> {
        let choice = Choice {
            microphone: microphone.into(),
            camera: camera.into(),
            speaker: "none".into(),
            ..Choice::default()
        };
        Chosen::new(choice, Box::new(|_, _| Box::new(Nowhere)))
    }

    #[test]
    fn a_word_is_taken_only_where_it_belongs() {
        let mut choice = Choice::default();
        for (of, word) in [
            (Use::Microphone, "device:usb:1"),
            (Use::Microphone, "tone:440"),
            (Use::Speaker, "wav:/tmp/heard.wav"),
            (Use::Speaker, "none"),
            (Use::Camera, "pattern:640x360"),
            (Use::Camera, "device:/dev/video2"),
            (Use::Screen, "monitor:HDMI-1"),
            (Use::Camera, "pattern:640x360"),
            (Use::Screen, "file:/tmp/a.y4m"),
        ] {
            assert_eq!(choice.set(of, word), Ok(()), "{word}");
        }
        let words = [choice.microphone.as_str(), &choice.speaker, &choice.camera, &choice.screen];
        assert_eq!(words, ["tone:440", "none", "pattern:640x360", "file:/tmp/a.y4m"]);
        for (of, word, why) in [
            (Use::Speaker, "tone:440", NotADevice::Unknown),
            (Use::Camera, "default:1", NotADevice::Unknown),
            (Use::Camera, "window:1", NotADevice::Unknown),
            (Use::Screen, "device:/dev/video0", NotADevice::Unknown),
            (Use::Microphone, "none", NotADevice::Unknown),
            (Use::Microphone, "", NotADevice::Unknown),
            (Use::Microphone, "tone:nan", NotADevice::Number),
            (Use::Screen, "pattern:1x1", NotADevice::Number),
            (Use::Camera, "file:a.y4m", NotADevice::Relative),
        ] {
            assert_eq!(choice.set(of, word), Err(why), "{word}");
        }
        let long = format!("device:{}", "x".repeat(MAX_WORD_BYTES));
        assert_eq!(choice.set(Use::Microphone, &long), Err(NotADevice::TooLong), "it could not be kept");
        assert_eq!(choice.microphone, "tone:440", "nothing has changed");
    }

    #[test]
    fn devices_are_chosen_by_words() {
        for word in ["tone:440", "tone", "marks", "silence"] {
            assert!(chosen(word, "none").microphone().is_ok(), "{word}");
        }
        for word in ["", "tone:", "tone:nan", "tone:-1", "tone:99999", "wav", "marks:1", "theremin"] {
            assert_eq!(chosen(word, "none").microphone().err(), Some(NoDevice::Missing), "{word}");
        }
        assert!(matches!(chosen("wav:/nowhere.wav", "none").microphone(), Err(NoDevice::Broken(_))));
        for word in ["pattern", "pattern:640x360"] {
            assert!(chosen("tone", word).pictures(Kind::Camera).is_ok(), "{word}");
        }
        for word in ["none", "pattern:640", "pattern:1x1", "pattern:99999x99999", "file"] {
            assert_eq!(chosen("tone", word).pictures(Kind::Camera).err(), Some(NoDevice::Missing), "{word}");
        }
        let devices = chosen("tone", "none");
        assert_eq!(devices.changes(), 0);
        devices.choose(Choice { microphone: "silence".into(), ..Choice::default() });
        assert_eq!(devices.changes(), 1);
    }
}
