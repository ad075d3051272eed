//! What the two ends of a line know of each other at any moment: how much may be sent, how long answers take, who needs a keyframe. Numbers
//! that the transport writes and encoders read, without a lock.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use kith_media::Bitrate;
use kith_media::Time;

use crate::transport::Kind;

/// One line. Each number is the newest; which of two was written first does not matter to anybody.
#[derive(Debug)]
pub(crate) struct Line {
    began: Instant,
    target: AtomicU64,
    pictures: AtomicU64,
    wanted: AtomicU64,
    room: AtomicBool,
    round_trip: AtomicU64,
    /// In millionths.
    loss: AtomicU32,
    /// Lost packets of speech, as the other side says it, in 256ths.
    speech_loss: AtomicU32,
    keys: [AtomicBool; 3],
    wishes: [AtomicU64; 3],
    broken: [AtomicBool; 3],
    for_others: [AtomicBool; 3],
    asked_early: [AtomicU64; 3],
    heard: AtomicU64,
    pub(crate) sent: Counts,
    pub(crate) came: Counts,
    pub(crate) again: AtomicU64,
    pub(crate) padding: AtomicU64,
    pub(crate) repaired: AtomicU64,
    pub(crate) lost: AtomicU64,
}

/// Packets and bytes of each [`Kind`].
#[derive(Debug, Default)]
pub(crate) struct Counts {
    packets: [AtomicU64; 3],
    bytes: [AtomicU64; 3],
}

impl Counts {
    pub(crate) fn add(&self, kind: Kind, bytes: usize) {
        if let (Some(packets), Some(all)) = (self.packets.get(kind.index()), self.bytes.get(kind.index())) {
            packets.fetch_add(1, Ordering::Relaxed);
            all.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Packets and bytes.
    pub(crate) fn of(&self, kind: Kind) -> (u64, u64) {
        let at =
            |row: &[AtomicU64; 3]| row.get(kind.index()).map_or(0, |count| count.load(Ordering::Relaxed));
        (at(&self.packets), at(&self.bytes))
    }
}

impl Line {
    pub(crate) fn new(start: Bitrate) -> Self {
        Self {
            began: Instant::now(),
            target: AtomicU64::new(start.bps()),
            pictures: AtomicU64::new(start.bps()),
            wanted: AtomicU64::new(0),
            room: AtomicBool::new(true),
            round_trip: AtomicU64::new(100_000),
            loss: AtomicU32::new(0),
            speech_loss: AtomicU32::new(0),
            keys: [const { AtomicBool::new(false) }; 3],
            wishes: [const { AtomicU64::new(0) }; 3],
            broken: [const { AtomicBool::new(false) }; 3],
            for_others: [const { AtomicBool::new(false) }; 3],
            asked_early: [const { AtomicU64::new(0) }; 3],
            heard: AtomicU64::new(0),
            sent: Counts::default(),
            came: Counts::default(),
            again: AtomicU64::new(0),
            padding: AtomicU64::new(0),
            repaired: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    /// A moment as those who calculate count it.
    pub(crate) fn time(&self, at: Instant) -> Time {
        let micros = at.saturating_duration_since(self.began).as_micros();
        Time(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// The moment that [`Line::time`] calls so.
    pub(crate) fn instant(&self, at: Time) -> Instant {
        self.began + Duration::from_micros(at.0)
    }

    pub(crate) fn set_target(&self, target: Bitrate, for_pictures: Bitrate) {
        self.target.store(target.bps(), Ordering::Relaxed);
        self.pictures.store(for_pictures.bps(), Ordering::Relaxed);
    }

    /// What may be sent, all in all.
    pub(crate) fn target(&self) -> Bitrate {
        Bitrate::from_bps(self.target.load(Ordering::Relaxed))
    }

    /// What of it is left for new pictures, speech included.
    pub(crate) fn for_pictures(&self) -> Bitrate {
        Bitrate::from_bps(self.pictures.load(Ordering::Relaxed))
    }

    /// How much encoders could put to use.
    pub(crate) fn set_wanted(&self, wanted: Bitrate) {
        self.wanted.store(wanted.bps(), Ordering::Relaxed);
    }

    pub(crate) fn wanted(&self) -> Bitrate {
        Bitrate::from_bps(self.wanted.load(Ordering::Relaxed))
    }

    pub(crate) fn set_room(&self, room: bool) {
        self.room.store(room, Ordering::Relaxed);
    }

    /// Whether another picture would leave soon.
    pub(crate) fn has_room(&self) -> bool {
        self.room.load(Ordering::Relaxed)
    }

    pub(crate) fn set_path(&self, round_trip: Duration, loss: f64) {
        let micros = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
        self.round_trip.store(micros, Ordering::Relaxed);
        self.loss.store((loss.clamp(0.0, 1.0) * 1e6) as u32, Ordering::Relaxed);
    }

    pub(crate) fn round_trip(&self) -> Duration {
        Duration::from_micros(self.round_trip.load(Ordering::Relaxed))
    }

    /// The part of packets that is lost on the way there.
    pub(crate) fn loss(&self) -> f64 {
        f64::from(self.loss.load(Ordering::Relaxed)) / 1e6
    }

    pub(crate) fn set_speech_loss(&self, fraction: u8) {
        self.speech_loss.store(u32::from(fraction), Ordering::Relaxed);
    }

    pub(crate) fn speech_loss(&self) -> f64 {
        f64::from(self.speech_loss.load(Ordering::Relaxed)) / 256.0
    }

    /// The other side needs a keyframe.
    pub(crate) fn ask_key(&self, kind: Kind) {
        if let Some(key) = self.keys.get(kind.index()) {
            key.store(true, Ordering::Relaxed);
        }
    }

    /// The other side asks for a keyframe: of this device, and of those whose pictures are passed on to it.
    pub(crate) fn wish_key(&self, kind: Kind) {
        self.ask_key(kind);
        if let Some(wishes) = self.wishes.get(kind.index()) {
            wishes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often it did.
    pub(crate) fn wishes(&self, kind: Kind) -> u64 {
        self.wishes.get(kind.index()).map_or(0, |wishes| wishes.load(Ordering::Relaxed))
    }

    /// Whether a keyframe is needed; it is forgotten by asking.
    pub(crate) fn take_key(&self, kind: Kind) -> bool {
        self.keys.get(kind.index()).is_some_and(|key| key.swap(false, Ordering::Relaxed))
    }

    /// What comes of a kind cannot be decoded without a keyframe.
    pub(crate) fn set_broken(&self, kind: Kind) {
        if let Some(broken) = self.broken.get(kind.index()) {
            broken.store(true, Ordering::Relaxed);
        }
    }

    /// Whether that was said; it is forgotten by asking.
    pub(crate) fn take_broken(&self, kind: Kind) -> bool {
        self.broken.get(kind.index()).is_some_and(|broken| broken.swap(false, Ordering::Relaxed))
    }

    /// Others to whom pictures are passed on need a keyframe; here they can be decoded.
    pub(crate) fn set_for_others(&self, kind: Kind) {
        if let Some(asked) = self.for_others.get(kind.index()) {
            asked.store(true, Ordering::Relaxed);
        }
    }

    /// Whether that was said; it is forgotten by asking.
    pub(crate) fn take_for_others(&self, kind: Kind) -> bool {
        self.for_others.get(kind.index()).is_some_and(|asked| asked.swap(false, Ordering::Relaxed))
    }

    /// Whether a keyframe may be asked for before it is certain that one is needed: not often, as it costs as much as ten pictures.
    pub(crate) fn may_ask_early(&self, kind: Kind, now: Time) -> bool {
        let Some(asked) = self.asked_early.get(kind.index()) else { return false };
        let last = Time(asked.load(Ordering::Relaxed));
        let may = last.0 == 0 || now.since(last) >= EARLY_AGAIN;
        if may {
            asked.store(now.0.max(1), Ordering::Relaxed);
        }
        may
    }

    /// Something came.
    pub(crate) fn hear(&self, now: Instant) {
        self.heard.store(self.time(now).0.max(1), Ordering::Relaxed);
    }

    /// For how long nothing came; `None` before the first.
    pub(crate) fn silent_for(&self, now: Instant) -> Option<Duration> {
        let heard = self.heard.load(Ordering::Relaxed);
        (heard != 0).then(|| self.time(now).since(Time(heard)))
    }
}

/// As long as a sender waits between two keyframes.
const EARLY_AGAIN: Duration = Duration::from_millis(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_does_not_silence_a_screen() {
        let line = Line::new(Bitrate::from_kbps(300));
        let now = Time(1_000_000);
        assert!(line.may_ask_early(Kind::Camera, now) && !line.may_ask_early(Kind::Camera, now));
        assert!(line.may_ask_early(Kind::Screen, now));
        assert!(line.may_ask_early(Kind::Camera, Time(now.0 + 600_000)));
    }
}
