//! Those who are heard and seen in a call of a group, whichever connection their frames come by. Each has a place with the speaker and threads for
//! pictures, which stay when another forwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use kith_media::Bitrate;
use kith_media::frames::Frame;
use kith_proto::call::media::LegId;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;

use crate::audio::Figures;
use crate::audio::Heard;
use crate::device::Devices;
use crate::line::Line;
use crate::sealing::Unsealed;
use crate::stats::SpeechStats;
use crate::studio::Pictures;
use crate::transport::Kind;
use crate::video::Shown;
use crate::video::Watching;

/// All of them.
pub(crate) struct Sources {
    devices: Arc<dyn Devices>,
    showing: Arc<AtomicBool>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    ears: Option<SyncSender<Heard>>,
    call: Option<CallId>,
    by_device: BTreeMap<DeviceId, Source>,
    next: u64,
}

struct Source {
    number: u64,
    /// Its own time: that of connections differs.
    line: Arc<Line>,
    figures: Arc<Figures>,
    shown: [Arc<Shown>; 2],
    watching: BTreeMap<Kind, Watching>,
    order: [Order; 3],
}

/// Which picture of a stream comes next, by whatever connection: two may bring them for a while.
#[derive(Clone, Copy, Debug, Default)]
struct Order {
    next: Option<u16>,
    /// Whether one is missing that the next ones refer to.
    missing: bool,
}

/// Pictures that two ways may be apart: two seconds.
const LATE: u16 = 60;

/// What becomes of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It is shown.
    Now,
    /// One before it is missing: a keyframe is needed.
    Broken,
    /// It is too late.
    Late,
}

impl Order {
    fn take(&mut self, number: u16, key: bool) -> Turn {
        let ahead = self.next.map_or(0, |next| number.wrapping_sub(next));
        // Further back is somebody who began anew.
        if self.next.is_some() && ahead >= 0_u16.wrapping_sub(LATE) {
            return Turn::Late;
        }
        self.missing = !key && (self.missing || ahead > 0 || self.next.is_none());
        self.next = Some(number.wrapping_add(1));
        if self.missing { Turn::Broken } else { Turn::Now }
    }
}

impl Sources {
    pub(crate) fn new(devices: Arc<dyn Devices>, showing: Arc<AtomicBool>) -> Self {
        Self { devices, showing, inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where speech goes.
    pub(crate) fn listen(&self, ears: Option<SyncSender<Heard>>) {
        let mut inner = self.inner();
        if ears.is_none() {
            inner.by_device.clear();
        }
        inner.ears = ears;
    }

    /// Speech of somebody.
    pub(crate) fn speech(&self, call: CallId, unsealed: Unsealed) {
        let mut inner = self.inner();
        let Some(ears) = inner.ears.clone() else { return };
        let source = inner.source(call, unsealed.device, &ears);
        let packet = Heard::Packet {
            number: source.number,
            came: source.line.time(Instant::now()),
            sequence: unsealed.number,
            stamp: unsealed.stamp,
            payload: unsealed.frame,
        };
        let _ = ears.try_send(packet);
    }

    /// A picture of somebody. `line`: that of the connection which it came by, where keyframes are asked for.
    pub(crate) fn picture(
        &self,
        call: CallId,
        kind: Kind,
        unsealed: Unsealed,
        frame: &Frame,
        line: &Arc<Line>,
    ) {
        let mut inner = self.inner();
        let Some(ears) = inner.ears.clone() else { return };
        let device = unsealed.device;
        let source = inner.source(call, device, &ears);
        let order = source.order.get_mut(kind.index());
        match order.map_or(Turn::Now, |order| order.take(unsealed.number, frame.key)) {
            Turn::Now => {}
            Turn::Broken => return line.set_broken(kind),
            Turn::Late => return,
        }
        if !source.watching.contains_key(&kind) {
            let index = usize::from(kind == Kind::Screen);
            let shown = source.shown.get(index).cloned().unwrap_or_default();
            let devices = self.devices.clone();
            let display = move || devices.display(LegId { call, device }, kind);
            match Watching::start(kind, line.clone(), shown, self.showing.clone(), display) {
                Ok(begun) => _ = source.watching.insert(kind, begun),
                Err(error) => tracing::warn!(%error, "no thread for pictures"),
            }
        }
        if let Some(watching) = source.watching.get(&kind) {
            watching.comes_by(line);
            watching.push(Frame { data: unsealed.frame, ..*frame });
        }
    }

    /// What was heard and shown of a device.
    pub(crate) fn figures(&self, device: &DeviceId) -> (SpeechStats, [Pictures; 2]) {
        self.inner().by_device.get(device).map_or_else(Default::default, |source| {
            let [camera, screen] = &source.shown;
            (source.figures.get(), [camera.get(), screen.get()])
        })
    }

    /// Everybody who is heard or seen.
    pub(crate) fn devices(&self) -> Vec<DeviceId> {
        self.inner().by_device.keys().copied().collect()
    }

    /// Somebody is in the call no more.
    pub(crate) fn keep(&self, is_there: impl Fn(&DeviceId) -> bool) {
        let mut inner = self.inner();
        let Inner { by_device, ears, .. } = &mut *inner;
        by_device.retain(|device, source| {
            let stays = is_there(device);
            if let (false, Some(ears)) = (stays, &ears) {
                let _ = ears.try_send(Heard::Leave { number: source.number });
            }
            stays
        });
    }
}

impl Inner {
    /// Somebody, who has a place with the speaker from now on.
    fn source(&mut self, call: CallId, device: DeviceId, ears: &SyncSender<Heard>) -> &mut Source {
        if self.call.replace(call) != Some(call) {
            self.by_device.clear();
        }
        let next = &mut self.next;
        self.by_device.entry(device).or_insert_with(|| {
            *next += 1;
            // Connections are numbered from one on.
            let number = u64::MAX - *next;
            let line = Arc::new(Line::new(Bitrate::ZERO));
            let figures = Arc::<Figures>::default();
            let _ = ears.try_send(Heard::Join { number, line: line.clone(), figures: figures.clone() });
            Source {
                number,
                line,
                figures,
                shown: Default::default(),
                watching: BTreeMap::new(),
                order: Default::default(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_in_order_whichever_way_they_come() {
        let mut order = Order::default();
        let mut take = |number, key| order.take(number, key);
        assert_eq!(take(65_534, false), Turn::Broken, "who comes later has nothing that it refers to");
        assert_eq!((take(65_535, true), take(0, false), take(1, false)), (Turn::Now, Turn::Now, Turn::Now));
        assert_eq!(
            (take(65_535, false), take(65_534, true)),
            (Turn::Late, Turn::Late),
            "the other way is slower"
        );
        assert_eq!((take(3, false), take(4, false)), (Turn::Broken, Turn::Broken));
        assert_eq!((take(5, true), take(6, false)), (Turn::Now, Turn::Now));
        assert_eq!((take(50_000, false), take(50_001, true)), (Turn::Broken, Turn::Now), "they began anew");
    }
}
