//! The thread that decodes one stream of pictures and shows them.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::TrySendError;
use std::sync::mpsc::sync_channel;

use kith_media::frames::Frame;
use kith_vpx::Decoder;

use crate::Picture;
use crate::device::VideoSink;
use crate::line::Line;
use crate::transport::Kind;

/// Counts of what was shown.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pictures: AtomicU64,
    width: AtomicU32,
    height: AtomicU32,
}

impl Shown {
    /// How many, and the size of the last.
    pub(crate) fn get(&self) -> (u64, (u32, u32)) {
        let size = (self.width.load(Ordering::Relaxed), self.height.load(Ordering::Relaxed));
        (self.pictures.load(Ordering::Relaxed), size)
    }
}

/// A stream that is watched. The thread ends when this is dropped.
pub(crate) struct Watching {
    frames: SyncSender<Frame>,
    kind: Kind,
    line: Way,
}

/// The connection that keyframes are asked for at: that by which the last picture came.
type Way = Arc<Mutex<Arc<Line>>>;

fn line(way: &Way) -> MutexGuard<'_, Arc<Line>> {
    way.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watching {
    /// Starts.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(
        kind: Kind,
        line: Arc<Line>,
        shown: Arc<Shown>,
        showing: Arc<AtomicBool>,
        display: impl FnOnce() -> Box<dyn VideoSink> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (frames, waiting) = sync_channel(WAITING);
        let line = Arc::new(Mutex::new(line));
        let of_thread = line.clone();
        std::thread::Builder::new()
            .name("kith-watch".into())
            .spawn(move || watch((kind, &of_thread), &shown, &showing, &waiting, &mut *display()))?;
        Ok(Self { frames, kind, line })
    }

    /// From now on keyframes are asked for there.
    pub(crate) fn comes_by(&self, way: &Arc<Line>) {
        let mut line = line(&self.line);
        if !Arc::ptr_eq(&line, way) {
            *line = way.clone();
        }
    }

    /// Decodes a frame soon. When decoding is too slow it is dropped, and all up to the next keyframe with it.
    pub(crate) fn push(&self, frame: Frame) {
        if let Err(TrySendError::Full(_)) = self.frames.try_send(frame) {
            line(&self.line).set_broken(self.kind);
        }
    }
}

fn watch(
    (kind, way): (Kind, &Way),
    shown: &Shown,
    showing: &AtomicBool,
    frames: &Receiver<Frame>,
    display: &mut dyn VideoSink,
) {
    let Ok(mut decoder) = Decoder::new(MOST_PIXELS) else { return };
    let mut picture = Picture::default();
    // Whether something is missing that the next pictures would refer to.
    let mut missing = false;
    while let Ok(frame) = frames.recv() {
        if !showing.load(Ordering::Relaxed) {
            missing = true;
            continue;
        }
        if missing && !frame.key {
            line(way).set_broken(kind);
            continue;
        }
        missing = false;
        match decoder.decode(&frame.data, &mut picture) {
            Ok(true) => {
                shown.pictures.fetch_add(1, Ordering::Relaxed);
                shown.width.store(picture.width(), Ordering::Relaxed);
                shown.height.store(picture.height(), Ordering::Relaxed);
                display.show(&picture);
            }
            Ok(false) => {}
            Err(error) => {
                // The next ones refer to it, also where it was too large to be shown.
                missing = true;
                tracing::debug!(%error, ?kind, "a frame was not decoded");
                line(way).set_broken(kind);
            }
        }
    }
}

/// Whoever sends more than 4K is not shown.
const MOST_PIXELS: u64 = 3_840 * 2_400;

/// A third of a second.
const WAITING: usize = 10;
