//! Which devices calls use, kept in the node's settings, and where the pictures of others go.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use kith_calls::Kind;
use kith_calls::Picture;
use kith_calls::device::VideoSink;
use kith_calls::device::choice::Choice;
use kith_calls::device::choice::MAX_WORD_BYTES;
use kith_calls::device::choice::Whose;
use kith_calls::device::recording::Recording;
use kith_proto::bounded::BoundedStr;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use kith_proto::id::CallId;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Write;

use crate::calling::GroupPictures;
use crate::helping::settings::SETTINGS;

const KEY: &[u8] = b"call_devices";

const VERSION: u8 = 1;

/// The devices that are used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// For the own voice and picture, and for the voices of others.
    pub devices: Choice,
    /// A file for the pictures of others; `None` for front ends to show them.
    pub recording: Option<PathBuf>,
}

impl Choices {
    /// What stands in the rows; the defaults when nothing does or a newer version wrote it.
    pub(crate) fn load(rows: &dyn Rows) -> Result<Self, RowsError> {
        let bytes = rows.get(SETTINGS, KEY)?;
        Ok(bytes.and_then(|bytes| Self::from_bytes(&bytes).ok()).unwrap_or_default())
    }

    /// The write that keeps it.
    pub(crate) fn write(&self) -> Write {
        Write { table: SETTINGS.name.to_owned(), key: KEY.to_vec(), value: Some(self.to_bytes()) }
    }
}

impl Encode for Choices {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        let Choice { microphone, speaker, camera, screen } = &self.devices;
        let recording = self.recording.as_ref().map_or(String::new(), |path| path.display().to_string());
        for word in [microphone, speaker, camera, screen, &recording] {
            // A word that is too long names no file that could be opened.
            BoundedStr::<MAX_WORD_BYTES>::new(word.clone()).unwrap_or_default().encode(out);
        }
    }
}

impl Decode for Choices {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "row version" });
        }
        let mut next = || Ok::<_, DecodeError>(BoundedStr::<MAX_WORD_BYTES>::decode(reader)?.to_string());
        let devices = Choice { microphone: next()?, speaker: next()?, camera: next()?, screen: next()? };
        let recording = next()?;
        Ok(Self { devices, recording: (!recording.is_empty()).then(|| PathBuf::from(recording)) })
    }
}

/// Called from another thread whenever there is a new picture, with whose it is.
type Waker = Arc<dyn Fn(Whose) + Send + Sync>;

/// The pictures of others: the newest of each for front ends, or all of them in files. And the own ones, as they are sent.
#[derive(Default)]
pub(crate) struct Displays {
    newest: Mutex<BTreeMap<(Whose, Kind), Arc<Picture>>>,
    waker: Mutex<Option<Waker>>,
    recording: Mutex<Option<PathBuf>>,
}

impl Displays {
    /// Where pictures go that begin to be shown from now on.
    pub(crate) fn record(&self, to: Option<PathBuf>) {
        *self.recording.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }

    /// Has `waker` called whenever there is a new picture.
    pub(crate) fn wake_with(&self, waker: Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }

    /// The newest picture of somebody; nothing when they show none, or it goes into a file.
    pub(crate) fn newest(&self, of: Whose, kind: Kind) -> Option<Arc<Picture>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).get(&(of, kind)).cloned()
    }

    /// The newest picture that comes over any connection of a call.
    pub(crate) fn newest_in(&self, call: CallId, kind: Kind) -> Option<Arc<Picture>> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut theirs = newest.iter().filter(|((of, shown), _)| {
            matches!(of, Whose::Theirs(leg) if leg.call == call) && *shown == kind
        });
        theirs.next().map(|(_, picture)| Arc::clone(picture))
    }

    /// The newest pictures of everybody in a call, and the own one.
    pub(crate) fn newest_of_all(&self, call: CallId) -> GroupPictures {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = GroupPictures::default();
        for ((of, kind), picture) in newest.iter() {
            let place = match of {
                Whose::Theirs(leg) if leg.call == call => {
                    let theirs = all.people.entry(leg.device).or_default();
                    if *kind == Kind::Screen { &mut theirs.screen } else { &mut theirs.camera }
                }
                Whose::Own if *kind == Kind::Camera => &mut all.own,
                _ => continue,
            };
            *place = Some(Arc::clone(picture));
        }
        all
    }

    /// Where the pictures of one go.
    pub(crate) fn open(self: &Arc<Self>, of: Whose, kind: Kind) -> Box<dyn VideoSink> {
        let recording = self.recording.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // What is asked for is what others showed.
        let recording = recording.filter(|_| of != Whose::Own);
        match recording.map(|path| Recording::create(&beside(&path, kind))) {
            Some(Ok(file)) => return Box::new(file),
            Some(Err(error)) => tracing::warn!(%error, "pictures cannot be recorded"),
            None => {}
        }
        Box::new(Window { displays: Arc::clone(self), of: (of, kind) })
    }
}

/// `talk.y4m` is `talk-camera.y4m` for pictures of a camera.
fn beside(path: &Path, kind: Kind) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(format!("{stem}-{}.y4m", kind.name()))
}

/// Keeps the newest picture for front ends; forgets it with the connection.
struct Window {
    displays: Arc<Displays>,
    of: (Whose, Kind),
}

impl VideoSink for Window {
    fn show(&mut self, picture: &Picture) {
        let picture = Arc::new(picture.clone());
        self.displays.newest.lock().unwrap_or_else(PoisonError::into_inner).insert(self.of, picture);
        let waker = self.displays.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(wake) = waker {
            wake(self.of.0);
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.displays.newest.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_kept() {
        let mut choices = Choices { recording: Some(PathBuf::from("/tmp/talk.y4m")), ..Choices::default() };
        choices.devices.microphone = "tone:440".to_owned();
        assert_eq!(Choices::from_bytes(&choices.to_bytes()), Ok(choices));
        assert_eq!(Choices::from_bytes(&Choices::default().to_bytes()), Ok(Choices::default()));
    }

    #[test]
    fn the_newest_picture_is_there_until_the_connection_is_not() {
        let displays: Arc<Displays> = Arc::default();
        let device = kith_proto::id::DeviceId([2; 32]);
        let leg = Whose::Theirs(kith_proto::call::media::LegId { call: CallId([1; 16]), device });
        let mut window = displays.open(leg, Kind::Camera);
        assert_eq!(displays.newest(leg, Kind::Camera), None);
        window.show(&Picture::black(16, 16));
        window.show(&Picture::black(32, 16));
        assert_eq!(displays.newest(leg, Kind::Camera).map(|picture| picture.width()), Some(32));
        assert_eq!(displays.newest(leg, Kind::Screen), None);
        let of_call = |call| displays.newest_in(CallId([call; 16]), Kind::Camera).is_some();
        assert!(of_call(1), "it is found without the device");
        assert!(!of_call(2), "it belongs to no other call");
        assert_eq!(displays.newest(Whose::Own, Kind::Camera), None, "what comes is not the own picture");
        drop(window);
        assert_eq!(displays.newest(leg, Kind::Camera), None);
    }

    #[test]
    fn whoever_shows_pictures_is_woken_by_each() {
        let displays: Arc<Displays> = Arc::default();
        let woken: Arc<std::sync::atomic::AtomicU32> = Arc::default();
        let counted = Arc::clone(&woken);
        displays.wake_with(Arc::new(move |whose| {
            assert_eq!(whose, Whose::Own);
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }));
        let mut window = displays.open(Whose::Own, Kind::Camera);
        window.show(&Picture::black(16, 16));
        window.show(&Picture::black(16, 16));
        assert_eq!(woken.load(std::sync::atomic::Ordering::Relaxed), 2);
    }
}
