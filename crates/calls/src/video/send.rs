//! The thread of a camera or a screen.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use kith_media::Bitrate;
use kith_media::Time;
use kith_media::ladder::Known;
use kith_media::ladder::Ladder;
use kith_media::ladder::Source;
use kith_vpx::Content;
use kith_vpx::Encoder;
use kith_vpx::Settings;

use super::scale;
use crate::Picture;
use crate::device::Devices;
use crate::device::Tries;
use crate::device::Try;
use crate::device::VideoSink;
use crate::device::VideoSource;
use crate::device::Wish;
use crate::fanout::Fanout;
use crate::fanout::Outlook;
use crate::transport::Encoded;
use crate::transport::Kind;

/// Pictures are taken until this is dropped.
pub(crate) struct Shooting {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    lacking: AtomicBool,
}

impl Shared {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

impl Shooting {
    /// Starts when the thread `before`, which took pictures of the same kind, has ended: the other side sees one stream. Pictures are stamped by
    /// `clock`.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(
        kind: Kind,
        devices: Arc<dyn Devices>,
        fanout: Arc<Fanout>,
        clock: Instant,
        before: Option<JoinHandle<()>>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        let name = if kind == Kind::Screen { "kith-screen" } else { "kith-camera" };
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
            // One that panicked has ended as well.
            let _ = before.map(JoinHandle::join);
            shoot(kind, &*devices, &fanout, clock, &of_thread);
            fanout.set_wanted(kind, Bitrate::ZERO);
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Whether there is no camera, or no screen, at the moment.
    pub(crate) fn is_lacking(&self) -> bool {
        self.shared.lacking.load(Ordering::Relaxed)
    }

    /// Ends it; the next one waits for what is returned.
    pub(crate) fn end(mut self) -> Option<JoinHandle<()>> {
        self.thread.take()
    }
}

impl Drop for Shooting {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

fn shoot(kind: Kind, devices: &dyn Devices, fanout: &Fanout, clock: Instant, shared: &Shared) {
    let ladder = Ladder::new(if kind == Kind::Screen { Source::Screen } else { Source::Camera });
    let all = ladder.wanted();
    let mut maker = Maker {
        kind,
        ladder,
        preview: devices.preview(kind),
        encoder: None,
        taken: Picture::default(),
        scaled: Picture::default(),
        clock,
        last_key: None,
        times: VecDeque::new(),
    };
    let mut source: Option<Box<dyn VideoSource>> = None;
    let mut tries = Tries::default();
    while !shared.has_ended() {
        if let Some(which) = tries.are_due(devices.changes(), source.is_some()) {
            let opened = devices.pictures(kind);
            if let (Err(error), Try::First) = (&opened, which) {
                tracing::warn!(%error, ?kind, "no pictures");
            }
            source = opened.ok();
            shared.lacking.store(source.is_none(), Ordering::Relaxed);
            fanout.set_wanted(kind, if source.is_some() { all } else { Bitrate::ZERO });
        }
        let (Some(open), Some(outlook)) = (&mut source, fanout.outlook(kind)) else {
            std::thread::sleep(NOBODY);
            continue;
        };
        if maker.turn(&mut **open, outlook, fanout, shared).is_none() {
            tracing::warn!(?kind, "pictures ended");
            source = None;
            shared.lacking.store(true, Ordering::Relaxed);
            fanout.set_wanted(kind, Bitrate::ZERO);
        }
    }
}

/// Makes frames of pictures.
struct Maker {
    kind: Kind,
    ladder: Ladder,
    /// Where the person sees what they send.
    preview: Option<Box<dyn VideoSink>>,
    encoder: Option<Encoder>,
    taken: Picture,
    scaled: Picture,
    clock: Instant,
    last_key: Option<Instant>,
    /// How long the last pictures took.
    times: VecDeque<Duration>,
}

impl Maker {
    /// One picture, if there is room for it. Nothing when there are no more.
    fn turn(
        &mut self,
        source: &mut dyn VideoSource,
        outlook: Outlook,
        fanout: &Fanout,
        shared: &Shared,
    ) -> Option<()> {
        let known = Known { target: outlook.target, loss: 0.0, encoding: self.slow() };
        let micros = u64::try_from(self.clock.elapsed().as_micros()).unwrap_or(u64::MAX);
        let Some(step) = self.ladder.choose(Time(micros), known) else {
            if outlook.key {
                fanout.owe_key(self.kind);
            }
            std::thread::sleep(NOBODY);
            return Some(());
        };
        source.next(Wish { height: step.height, frames: step.frames }, &mut self.taken).ok()?;
        if shared.has_ended() {
            // Switched off while it was taken.
            return Some(());
        }
        let at = Instant::now();
        if let Some(preview) = &mut self.preview {
            preview.show(&self.taken);
        }
        let soon = self.last_key.is_some_and(|last| at.duration_since(last) < BETWEEN_KEYS);
        if !outlook.room || (outlook.key && soon) {
            // Asked for again with the next picture.
            if outlook.key {
                fanout.owe_key(self.kind);
            }
            if !outlook.room {
                return Some(());
            }
        }
        let key = outlook.key && !soon;
        let size = scale::size(self.taken.width(), self.taken.height(), step.height, MOST_PIXELS);
        let kbps = u32::try_from(self.ladder.rate(outlook.target).bps() / 1_000).unwrap_or(u32::MAX);
        self.prepare(size, kbps)?;
        let picture = if size == (self.taken.width(), self.taken.height()) {
            &self.taken
        } else {
            self.scaled.resize(size.0, size.1);
            scale::scale(&self.taken, &mut self.scaled);
            &self.scaled
        };
        let stamp = at.duration_since(self.clock).as_micros() as u64 * 9 / 100;
        let encoder = self.encoder.as_mut()?;
        let frame = match encoder.encode(picture, stamp, 90_000 / step.frames.max(1), key) {
            Ok(frame) => frame,
            Err(error) => {
                tracing::warn!(%error, "a picture was not encoded");
                self.encoder = None;
                fanout.owe_key(self.kind);
                return Some(());
            }
        };
        self.took(at.elapsed());
        match frame {
            Some(frame) => {
                if frame.key {
                    self.last_key = Some(at);
                }
                let (stamp, key) = (stamp as u32, frame.key);
                fanout.send(&Encoded { kind: self.kind, stamp, key, data: frame.data.into() });
            }
            None if key => fanout.owe_key(self.kind),
            None => {}
        }
        Some(())
    }

    /// An encoder for a size and rate.
    fn prepare(&mut self, (width, height): (u32, u32), kbps: u32) -> Option<()> {
        if let Some(encoder) = &mut self.encoder {
            encoder.set_size(width, height).ok()?;
            encoder.set_kbps(kbps).ok()?;
            return Some(());
        }
        let content = if self.kind == Kind::Screen { Content::Screen } else { Content::Camera };
        let settings = Settings { width, height, kbps, content, threads: THREADS };
        self.encoder = Some(Encoder::new(settings).ok()?);
        Some(())
    }

    fn took(&mut self, time: Duration) {
        self.times.push_back(time);
        if self.times.len() > TIMES {
            self.times.pop_front();
        }
    }

    /// How long 95 % of pictures take at most.
    fn slow(&self) -> Duration {
        let mut times: Vec<Duration> = self.times.iter().copied().collect();
        times.sort_unstable();
        times.get(times.len() * 95 / 100).copied().unwrap_or_default()
    }
}

/// While nobody is connected, or nothing may be sent.
const NOBODY: Duration = Duration::from_millis(50);

/// Keyframes are four times as large as others: more often they would leave nothing for those.
const BETWEEN_KEYS: Duration = Duration::from_millis(500);

/// A screen of this size is sent as it is.
const MOST_PIXELS: u64 = 1_920 * 1_200;

const THREADS: u32 = 2;
const TIMES: usize = 50;
