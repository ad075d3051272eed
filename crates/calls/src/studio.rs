//! The threads between devices and lines, and which of them run: those of sound while there is a connection, those of pictures while the person
//! wants them to.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Instant;

use kith_proto::call::Media;
use kith_proto::call::media::LegId;
use kith_proto::id::DeviceId;
use tokio::sync::mpsc;

use crate::audio::Ears;
use crate::audio::Echo;
use crate::audio::Figures;
use crate::audio::Heard;
use crate::audio::Voice;
use crate::device::Devices;
use crate::fanout::Fanout;
use crate::line::Line;
use crate::meter::Meter;
use crate::sealing::Shared;
use crate::sources::Sources;
use crate::stats::SpeechStats;
use crate::transport::Encoded;
use crate::transport::Inbox;
use crate::transport::Kind;
use crate::video::Shooting;
use crate::video::Shown;
use crate::video::Watching;

/// All threads of media.
pub(crate) struct Studio {
    devices: Arc<dyn Devices>,
    fanout: Arc<Fanout>,
    sealing: Shared,
    sources: Arc<Sources>,
    echo: Echo,
    media: Media,
    voice: Option<Voice>,
    ears: Option<Ears>,
    shooting: [Option<Shooting>; 2],
    /// The threads that took pictures before, which may not have ended yet.
    before: [Option<JoinHandle<()>>; 2],
    /// What pictures are stamped by.
    clock: Instant,
    seats: BTreeMap<u64, Seat>,
    /// Whether pictures of others are shown.
    showing: Arc<AtomicBool>,
}

/// How many pictures were shown, and how large the last one was.
pub(crate) type Pictures = (u64, (u32, u32));

/// What one connection has here.
pub(crate) struct Seat {
    line: Arc<Line>,
    leg: LegId,
    sealed: bool,
    figures: Arc<Figures>,
    shown: [Arc<Shown>; 2],
    /// Where speech goes once somebody listens.
    ears: Arc<Mutex<Option<SyncSender<Heard>>>>,
    connected: bool,
}

impl Studio {
    pub(crate) fn new(devices: Arc<dyn Devices>, sealing: Shared) -> Self {
        let showing = Arc::new(AtomicBool::new(true));
        Self {
            sources: Arc::new(Sources::new(devices.clone(), showing.clone())),
            devices,
            fanout: Arc::new(Fanout::new(sealing.clone())),
            sealing,
            echo: Echo::default(),
            media: Media::default(),
            voice: None,
            ears: None,
            shooting: [None, None],
            before: [None, None],
            clock: Instant::now(),
            seats: BTreeMap::new(),
            showing,
        }
    }

    /// Makes room for a connection; what comes over it is given to the returned function.
    pub(crate) fn seat(
        &mut self,
        number: u64,
        leg: LegId,
        (line, sealed): (Arc<Line>, bool),
    ) -> Arc<dyn Fn(Inbox) + Send + Sync> {
        let shown: [Arc<Shown>; 2] = Default::default();
        let ears: Arc<Mutex<Option<SyncSender<Heard>>>> = Arc::default();
        let seat = Seat {
            line: line.clone(),
            leg,
            sealed,
            figures: Arc::default(),
            shown: shown.clone(),
            ears: ears.clone(),
            connected: false,
        };
        self.seats.insert(number, seat);
        if sealed {
            return self.sealed_seat(number, leg, line);
        }
        let (devices, showing) = (self.devices.clone(), self.showing.clone());
        let watching: Mutex<BTreeMap<Kind, Watching>> = Mutex::default();
        Arc::new(move |inbox| match inbox {
            Inbox::Speech { came, number: sequence, stamp, payload } => {
                let ears = ears.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(ears) = &*ears {
                    let _ = ears.try_send(Heard::Packet { number, came, sequence, stamp, payload });
                }
            }
            Inbox::Frame { kind, frame } => {
                let mut watching = watching.lock().unwrap_or_else(PoisonError::into_inner);
                let index = usize::from(kind == Kind::Screen);
                if let Entry::Vacant(place) = watching.entry(kind) {
                    let (devices, shown) = (devices.clone(), shown.get(index).cloned().unwrap_or_default());
                    let display = move || devices.display(leg, kind);
                    match Watching::start(kind, line.clone(), shown, showing.clone(), display) {
                        Ok(begun) => _ = place.insert(begun),
                        Err(error) => tracing::warn!(%error, "no thread for pictures"),
                    }
                }
                if let Some(watching) = watching.get(&kind) {
                    watching.push(frame);
                }
            }
        })
    }

    /// The same in a call of a group: whoever the frames are of, this connection may not be theirs.
    fn sealed_seat(&self, number: u64, leg: LegId, line: Arc<Line>) -> Arc<dyn Fn(Inbox) + Send + Sync> {
        let (sealing, sources, fanout) = (self.sealing.clone(), self.sources.clone(), self.fanout.clone());
        // How often others asked for a keyframe when this one was last asked.
        let asked: [AtomicU64; 3] = Default::default();
        let of_source = line.clone();
        let speech = Meter::default();
        let pass_on = move |kind: Kind, stamp, key, data: &[u8]| {
            let wishes = fanout.pass_on(number, &Encoded { kind, stamp, key, data: data.into() });
            let before =
                asked.get(kind.index()).map_or(wishes, |asked| asked.swap(wishes, Ordering::Relaxed));
            if wishes > before && kind != Kind::Microphone && !key {
                of_source.set_for_others(kind);
            }
        };
        Arc::new(move |inbox| match inbox {
            Inbox::Speech { stamp, payload, .. } => {
                let kind = Kind::Microphone;
                if sealing.forwards(&leg.device, &payload) && speech.may_pass(payload.len()) {
                    pass_on(kind, stamp, false, &payload);
                }
                if let Some(unsealed) = sealing.open(&leg.device, kind, &payload) {
                    sources.speech(leg.call, unsealed);
                }
            }
            Inbox::Frame { kind, frame } => {
                if sealing.forwards(&leg.device, &frame.data) {
                    pass_on(kind, frame.stamp, frame.key, &frame.data);
                }
                if let Some(unsealed) = sealing.open(&leg.device, kind, &frame.data) {
                    sources.picture(leg.call, kind, unsealed, &frame, &line);
                }
            }
        })
    }

    /// A connection works: it is spoken to and listened to. `false` if the system gives no threads.
    pub(crate) fn join(&mut self, number: u64, outbox: mpsc::Sender<Encoded>) -> bool {
        let Some(seat) = self.seats.get_mut(&number) else { return true };
        self.fanout.join(number, (seat.line.clone(), seat.sealed), outbox);
        if std::mem::replace(&mut seat.connected, true) {
            return true;
        }
        if self.ears.is_none() {
            self.ears = Ears::start(self.devices.clone(), self.echo.clone()).ok();
        }
        let Some(ears) = &self.ears else { return false };
        if seat.sealed {
            self.sources.listen(Some(ears.sender()));
        } else {
            ears.tell(Heard::Join { number, line: seat.line.clone(), figures: seat.figures.clone() });
            *seat.ears.lock().unwrap_or_else(PoisonError::into_inner) = Some(ears.sender());
        }
        if self.voice.is_none() {
            self.voice = Voice::start(self.devices.clone(), self.fanout.clone(), self.echo.clone()).ok();
        }
        self.apply();
        self.voice.is_some()
    }

    /// A connection is over.
    pub(crate) fn leave(&mut self, number: u64) {
        self.fanout.leave(number);
        if let Some(seat) = self.seats.remove(&number) {
            *seat.ears.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        if let Some(ears) = &self.ears {
            ears.tell(Heard::Leave { number });
        }
        if self.seats.is_empty() {
            self.sources.listen(None);
            (self.voice, self.ears) = (None, None);
        }
        self.apply();
    }

    /// What is sent from now on.
    pub(crate) fn set_media(&mut self, media: Media) {
        self.media = media;
        self.apply();
    }

    /// What of all that is to be sent has no device at the moment.
    pub(crate) fn lacking(&self) -> Media {
        let microphone = self.voice.as_ref().is_some_and(Voice::is_lacking);
        let [camera, screen] =
            self.shooting.each_ref().map(|place| place.as_ref().is_some_and(Shooting::is_lacking));
        Media { microphone, camera, screen, ..Media::default() }
    }

    /// Whether speech cannot be sent at all.
    pub(crate) fn voice_failed(&self) -> bool {
        self.voice.as_ref().is_some_and(Voice::failed)
    }

    /// Everybody who is heard in a call of a group, also by way of another, and how well.
    pub(crate) fn heard(&self) -> Vec<(DeviceId, SpeechStats)> {
        self.sources.keep(|device| self.sealing.knows(device));
        let devices = self.sources.devices();
        devices.into_iter().map(|device| (device, self.sources.figures(&device).0)).collect()
    }

    /// How loud the microphone is.
    pub(crate) fn level(&self) -> f32 {
        self.voice.as_ref().map_or(0.0, Voice::level)
    }

    /// What was heard and shown of a connection.
    pub(crate) fn figures(&self, number: u64) -> (SpeechStats, [Pictures; 2]) {
        self.seats.get(&number).map_or_else(Default::default, |seat| {
            if seat.sealed {
                return self.sources.figures(&seat.leg.device);
            }
            let [camera, screen] = &seat.shown;
            (seat.figures.get(), [camera.get(), screen.get()])
        })
    }

    fn apply(&mut self) {
        let Media { microphone, camera, screen, hold, .. } = self.media;
        self.showing.store(!hold, Ordering::Relaxed);
        if let Some(voice) = &self.voice {
            voice.set_on(microphone && !hold);
        }
        if let Some(ears) = &self.ears {
            ears.set_playing(!hold);
        }
        let connected = self.seats.values().any(|seat| seat.connected);
        let wishes = [(Kind::Camera, camera), (Kind::Screen, screen)];
        for ((place, before), (kind, on)) in self.shooting.iter_mut().zip(&mut self.before).zip(wishes) {
            let wanted = on && !hold && connected;
            if !wanted {
                if let Some(shooting) = place.take() {
                    *before = shooting.end();
                }
            } else if place.is_none() {
                let (devices, fanout) = (self.devices.clone(), self.fanout.clone());
                let begun = Shooting::start(kind, devices, fanout, self.clock, before.take());
                *place = begun.inspect_err(|error| tracing::warn!(%error, "no thread for pictures")).ok();
            }
        }
    }
}
